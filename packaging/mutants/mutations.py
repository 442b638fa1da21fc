"""Which small changes of a module are tried: cosmic-ray makes them, and a seed chooses."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.ast.ast_query import ASTQuery
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from running_code import runs_differently

# Only changes of a kind: a comparison becomes another one, and `+` becomes `-`. A float shifted to
# the left is no mistake that anybody makes, and it is noticed without a test for it.
_KINDS = (
    ("Eq", "NotEq", "Lt", "LtE", "Gt", "GtE"),
    ("Is", "IsNot"),
    ("In", "NotIn"),
    ("Add", "Sub", "Mul", "Div", "FloorDiv", "Mod"),
    ("Pow", "Mul"),
    ("BitOr", "BitAnd", "BitXor"),
    ("LShift", "RShift"),
)
_SWAP = re.compile(r"Replace(?:Binary|Comparison)Operator_([A-Za-z]+)_([A-Za-z]+)$")
_OTHERS = re.compile(
    r"Replace(UnaryOperator_(USub_UAdd|Delete_\w+)|TrueWithFalse|FalseWithTrue|AndWithOr|OrWithAnd"
    r"|BreakWithContinue|ContinueWithBreak)$|(AddNot|ExceptionReplacer|NumberReplacer"
    r"|ZeroIterationForLoop)$"
)


@dataclass(frozen=True)
class Mutant:
    """A module with one small change.

    Args:
        line: the changed line's number, from 1.
        before: that line as it is, without its indentation.
        after: that line as it is in the mutant.
        source: the whole text of the mutant.
    """

    line: int
    before: str
    after: str
    source: str


@dataclass(frozen=True)
class _Candidate:
    """A change that cosmic-ray can make: its `occurrence`-th use of an operator."""

    operator: str
    occurrence: int
    site: tuple[tuple[int, int], tuple[int, int]]
    definition: str


def sample(source: str, count: int | None, seed: int) -> list[Mutant]:
    """Choose some of the mutants of a module, at most one for each place in it.

    Each place has its number from the seed and the text around it, so that a change elsewhere in
    the module leaves the choice as it was.

    Args:
        source: the module's text.
        count: how many; None takes each place.
        seed: another one chooses others.

    Returns:
        The mutants, in the order of the module's lines.
    """
    lines = source.splitlines()
    sites: dict[object, list[_Candidate]] = {}
    for candidate in _candidates(source):
        sites.setdefault(candidate.site, []).append(candidate)

    def number(candidate: _Candidate, *more: object) -> bytes:
        (row, column), end = candidate.site
        text = lines[row - 1]
        column -= len(text) - len(text.lstrip())
        # end: only whether the place ends on the same line, and where
        place = (candidate.definition, text.strip(), column, end[0] - row, *more)
        return hashlib.sha256(repr((seed, *place)).encode()).digest()

    ordered = sorted(sites.values(), key=lambda found: (number(found[0]), found[0].site))
    found = (
        mutant
        for candidates in ordered
        if (
            mutant := _first_real(
                source, sorted(candidates, key=lambda each: number(each, each.operator))
            )
        )
    )
    return sorted(itertools.islice(found, count), key=lambda mutant: mutant.line)


def _candidates(source: str) -> Iterator[_Candidate]:
    nodes = list(ast_nodes(get_ast(source)))
    for name in filter(_is_wanted, operator_names()):
        operator = get_operator(name)()
        places = ((node, place) for node in nodes for place in operator.mutation_positions(node))
        for occurrence, (node, place) in enumerate(places):
            definition = ASTQuery(node).get_definition_name() or ""
            yield _Candidate(name, occurrence, place, definition)


def _is_wanted(operator: str) -> bool:
    swap = _SWAP.search(operator)
    if swap:
        return any({swap[1], swap[2]} <= set(kind) for kind in _KINDS)
    return _OTHERS.search(operator) is not None


def _first_real(source: str, candidates: Iterable[_Candidate]) -> Mutant | None:
    """The first that changes what runs; None if there is none."""
    for candidate in candidates:
        operator = get_operator(candidate.operator)()
        try:
            mutated: str | None = mutate_code(source, operator, candidate.occurrence)
        except AttributeError:
            # cosmic-ray can't replace an exception with a dot in its name.
            continue
        if mutated is None or not runs_differently(source, mutated):
            continue
        mutant = _mutant(source, mutated)
        # "not not": what taking the `not` away does, too
        if "not not" not in mutant.after:
            return mutant
    return None


def _mutant(source: str, mutated: str) -> Mutant:
    lines = zip(source.splitlines(), mutated.splitlines(), strict=False)
    for number, (before, after) in enumerate(lines, 1):
        if before != after:
            return Mutant(number, before.strip(), after.strip(), mutated)
    raise ValueError("The mutant is the module itself.")
