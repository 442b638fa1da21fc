"""Configs that ask for more than they may; the tests and `make fuzz` share them."""

from __future__ import annotations

__all__ = ["HOSTILE"]

HOSTILE: dict[str, str] = {
    "a time that is none": "MODEL: {MASK_ON: 2001-99-99}",
    "a date that is none": "MODEL: {MASK_ON: !!timestamp 2001-02-30}",
    "a number to the base 60": "INPUT: {MIN_SIZE_TEST: 1" + ":1" * 50_000 + "}",
    "a number of many digits": "A: " + "9" * 100_000,
    "a number of many digits, in a tag": "A: !!int '" + "9" * 5_000 + "'",
    "a number that is none": "A: !!int many",
    "a number without digits": "A: !!int ''",
    "a float that is none": "A: !!float '.'",
    "a truth that is none": "A: !!bool perhaps",
    "a number that is too large": "INPUT: {MIN_SIZE_TEST: 99999999999999999999}",
    "a base with a NUL": '_BASE_: "a\\0b.yaml"',
    "a base that is too long": f"_BASE_: {'a' * 3000}.yaml",
    "a base that is a list": "_BASE_: [a, b]",
    "keys in keys": "? {? {a: 1} : 2}\n: 3",
    "a tuple as a key": "? !!python/tuple [1, 2]\n: 3",
    "a number as a key": "1: 2",
    "nothing as a key": "~: 2",
    "a key of many letters": "k" * 200 + ": 1",
    "a key that can't be printed": '"\\u202e": 1',
    "a text of many letters": "A: " + "x" * 100_000,
    "a tag of many letters": "A: !" + "x" * 100_000 + " 1",
    "bytes": "A: !!binary aGVsbG8=",
    "a set": "A: !!set {a, b}",
    "deep nesting": "A: " + "[" * 60 + "]" * 60,
    "very deep nesting": "A: " + "[" * 50_000,
    "deep nesting by lines": "".join(" " * level + "a:\n" for level in range(400)),
    "many values": "A: [" + "1," * 50_000 + "]",
    "merged for ever": "a: &a {b: 1}\n"
    + "".join(
        f"c{level}: &{chr(98 + level)} {{<<: [{', '.join(['*' + chr(97 + level)] * 9)}]}}\n"
        for level in range(8)
    ),
    "a text that is deep Python": "INPUT: {MIN_SIZE_TEST: '" + "(" * 3_000 + "'}",
    "a text that is long Python": "INPUT: {MIN_SIZE_TEST: '" + "-" * 3_900 + "1'}",
    "a size of a text's many digits": "INPUT: {MIN_SIZE_TEST: '" + "9" * 3_900 + "'}",
    "an infinite size": "INPUT: {MIN_SIZE_TEST: .inf}",
    "classes without end": "MODEL: {ROI_HEADS: {NUM_CLASSES: 1000000000}}",
    "a size below 0": "INPUT: {MIN_SIZE_TEST: -5}",
    "a pool of any size": "MODEL: {ROI_MASK_HEAD: {POOLER_RESOLUTION: 100000}}",
    "another version": "VERSION: 999999999999",
    "a version that is a text": "VERSION: '" + "x" * 3_000 + "'",
    "other bytes": "A: \x01",
    "a tab": "\tA: 1",
    "an alias of nothing": "A: *b",
    "two documents": "A: 1\n---\nB: 2",
    "sections that are none": "MODEL: 1",
    "sections that are texts": "MODEL: {RESNETS: deep, ROI_HEADS: []}",
}
"""YAML by what is wrong with it; each is refused."""
