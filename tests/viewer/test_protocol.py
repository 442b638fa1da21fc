"""viewer/protocol.md beside both sides: the widgets, the content message, the browser's scripts."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import pytest

from seg_widgets.images import MAX_BYTES
from seg_widgets.testing import StubPredictor, make_picture
from seg_widgets.viewer import decode_content, encode_content
from seg_widgets.viewer.assets import STATIC
from seg_widgets.widgets import SegmentationCanvas
from seg_widgets.widgets.filmstrip import Filmstrip

from .node import REPOSITORY, run_node

PROTOCOL = (STATIC.parent / "protocol.md").read_text("utf-8")
MODULES = {
    path.relative_to(STATIC).as_posix(): path.read_text("utf-8") for path in STATIC.rglob("*.js")
}
SCRIPTS = "\n".join(MODULES.values())
WIDGETS: Final = {"canvas": SegmentationCanvas, "filmstrip": Filmstrip}
# What every widget of ipywidgets has.
_INHERITED = {"layout", "tabbable", "tooltip"}


def table(heading: str) -> list[list[str]]:
    """The rows of the table below a heading, without backticks around a whole cell."""
    section = PROTOCOL.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    rows = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]
    return rows[2:]


def code_words(cell: str) -> set[str]:
    """The words in backticks; those of `table` have lost the outer ones."""
    return set(re.findall(r"\w+", cell.split(";")[0]))


@pytest.mark.parametrize("name", ["canvas", "filmstrip"])
def test_the_synced_traits_and_their_defaults_are_those_of_the_table(name: str) -> None:
    widget = WIDGETS[name]()
    inherited = Filmstrip.__mro__[2].class_traits()
    own = {each for each in widget.traits(sync=True) if each not in inherited and each[0] != "_"}
    state = widget.get_state(own)
    rows = {row[0]: row for row in table(f"Traits of the {name}")}
    assert rows.keys() == own
    assert state.pop("content", b"") == state.pop("preview", b"") == b""
    for trait, value in state.items():
        assert value == json.loads(rows[trait][2]), trait
        assert type(value) in (type(json.loads(rows[trait][2])), tuple), trait
    silent = {trait for trait, row in rows.items() if "not echoed" in row[4]}
    assert silent == {each for each in own if widget.trait_metadata(each, "echo_update") is False}
    widget.close()


def test_the_limit_of_a_file_is_the_decoders() -> None:
    rows = {row[0]: row for row in table("Traits of the canvas")}
    assert int(rows["max_file_bytes"][2]) == MAX_BYTES


def test_the_browser_reads_the_traits_of_the_tables_and_no_other() -> None:
    known = {row[0] for name in WIDGETS for row in table(f"Traits of the {name}")}
    known.add("images")
    read = set(re.findall(r'(?:sync|model|this)\.get\("(\w+)"\)', SCRIPTS))
    for constant in ("STYLE_TRAITS", "FILTER_TRAITS"):
        found = re.search(rf"const {constant} = (\{{.*?\}});", SCRIPTS, re.DOTALL)
        assert found is not None
        read |= set(re.findall(r': "(\w+)"', found[1]))
    assert read - _INHERITED == known
    heard = set(re.findall(r'\.on\("((?:\w+ ?)+)"', MODULES["canvas/view.js"]))
    assert {name for names in heard for name in names.split()} <= known


def test_the_browser_writes_only_what_both_sides_may_write() -> None:
    both = {row[0] for row in table("Traits of the canvas") if row[3] == "↔"}
    # `{ zoom, pan }` or `{ name: value }`, whose value may have commas.
    objects = re.findall(r"\.write(?:Soon)?\(\{ ([^}]*) \}", SCRIPTS)
    written = {
        name
        for text in objects
        for name in ([text.split(":")[0]] if ":" in text else text.split(", "))
    }
    assert written
    assert written <= both
    for name in both:
        assert re.search(rf"\b{name}(?::|,| \}})", SCRIPTS), f"nothing writes {name}"


def test_the_header_has_the_keys_of_the_table_on_both_sides() -> None:
    image = make_picture(40, 30)
    header = decode_content(encode_content(image, StubPredictor(3)(image), "a.jpg")).header
    keys = [row[0] for row in table("The content message")]
    assert sorted(header) == sorted(keys)
    types = (STATIC / "canvas" / "types.d.ts").read_text("utf-8")
    interface = re.search(r"interface Header extends Size \{(.*?)\n\}", types, re.DOTALL)
    assert interface is not None
    declared = set(re.findall(r"^  (\w+)\??:", interface[1], re.MULTILINE)) | {"width", "height"}
    assert declared == set(keys)


def _requests() -> dict[str, dict[str, Any]]:
    """What the browser sends, by action."""
    module = (STATIC / "shared" / "protocol.js").as_uri()
    code = (
        f"const {{ REQUESTS }} = await import({json.dumps(module)});"
        'const sent = Object.entries(REQUESTS).map(([name, make]) => [name, make("value")]);'
        "console.log(JSON.stringify(Object.fromEntries(sent)))"
    )
    done = run_node("--input-type=module", "-e", code)
    assert done.returncode == 0, done.stderr
    requests: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return requests


def test_the_browsers_requests_are_those_of_the_table() -> None:
    rows = table("Requests and replies")
    expected = {action: {"action", *re.findall(r"\w+", fields)} for _, action, fields, _, _ in rows}
    assert {name: set(sent) for name, sent in _requests().items()} == expected
    assert all(sent["action"] == name for name, sent in _requests().items())


def test_the_canvas_meets_each_request_and_replies_as_the_table_says() -> None:
    done: list[str] = []
    canvas = SegmentationCanvas()
    sent: list[dict[str, Any]] = []
    canvas.send = lambda content, buffers=None: sent.append(content)
    canvas.on_open = lambda files: done.append("open")
    canvas.on_address = lambda address: done.append("address")
    canvas.on_cancel = lambda: done.append("cancel")
    canvas.on_export = lambda name: done.append("export") or ("a.csv", "text/csv", b"")  # type: ignore[func-returns-value]
    requests = _requests()
    requests["open"]["names"] = ["a.jpg"]

    for to, action, _, _, replied in table("Requests and replies"):
        sent.clear()
        canvas._handle_custom_msg({**requests[action], "id": "x-1"}, [b"a"])
        if to == "canvas":
            fields = code_words(replied)
            assert done.pop() == action
            assert [set(one) for one in sent] == [{"received"}, {"reply", *fields}]
        else:
            assert sent == [{"received": "x-1"}, {"reply": "x-1", "failed": True}]
    canvas.close()


def test_the_filmstrips_parts_are_those_of_the_table_and_the_browser_reads_them() -> None:
    strip = Filmstrip(items=[{"number": 4}], thumbs={"4": b"jpeg"})
    state = strip.get_state()
    rows = {name: code_words(fields) for name, fields, _ in table("Parts of the filmstrip")}
    assert rows.keys() == {"images", "item_N", "thumb_N"}
    assert state["images"] == [[4, state["item_4"]["version"]]]
    assert state["thumb_4"].keys() == rows["thumb_N"] - {"object"}
    assert state["item_4"].keys() < rows["item_N"]
    for name in rows:
        assert re.search(rf"model\.get\([\"`]{name.replace('N', '')}", MODULES["filmstrip.js"])
    strip.close()


def test_the_filmstrip_meets_its_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, int]] = []
    strip = Filmstrip(items=[{"number": 4}])
    strip.on_show = lambda number: done.append(("show", number))
    strip.on_remove = lambda number: done.append(("forget", number))
    monkeypatch.setattr(strip, "_resend", lambda numbers: done.append(("resend", *numbers)))
    requests = _requests()
    for to, action, *_ in table("Requests and replies"):
        strip._handle_custom_msg({**requests[action], "number": 4, "numbers": [4]}, [])
        assert done == ([(action, 4)] if to == "filmstrip" else [])
        done.clear()
    strip.close()


def test_the_words_of_messages_stand_in_one_module_of_the_browsers() -> None:
    for path, text in MODULES.items():
        if path == "shared/protocol.js":
            continue
        assert not re.search(r"\baction: \"|\.received\b|message\??\.(reply|failed)\b", text), path
        # What is sent comes from there.
        for sent in re.findall(r"#model\.send\(([^)]*)\)?", text):
            assert sent.startswith(("REQUESTS.", "withId(")), path


def test_each_constant_stands_on_both_sides() -> None:
    for what, value, python, browser in table("Constants"):
        assert value in (REPOSITORY / "seg_widgets" / python).read_text("utf-8"), what
        assert value in MODULES[browser], what
