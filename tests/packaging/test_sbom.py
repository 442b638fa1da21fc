"""The list of all packages: what it is made from, and that it names no address to fetch from."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def sbom(root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(root / "packaging"))
    monkeypatch.delitem(sys.modules, "sbom", raising=False)
    import sbom

    return sbom


def test_it_is_made_from_the_lock_and_the_detectron2_that_is_built(sbom: Any) -> None:
    lines = sbom.locked().splitlines()
    assert lines[0].startswith("pb1-detectron2==0.6 --hash=sha256:")
    assert any(line.startswith("torch==") for line in lines)


def test_it_keeps_hashes_and_names_no_address(sbom: Any) -> None:
    digest = {"alg": "SHA-256", "content": "ab" * 32}
    component = {
        "name": "numpy",
        "version": "2.0",
        "description": "requirements line 1: numpy==2.0",
        "externalReferences": [
            {"type": "distribution", "url": "https://index.test/numpy", "hashes": [digest]},
            {"type": "distribution", "url": "https://index.test/numpy", "hashes": [digest]},
            {"type": "license", "url": "https://licence.test"},
        ],
    }
    [kept] = json.loads(sbom.without_addresses(json.dumps({"components": [component]})))[
        "components"
    ]
    assert kept == {
        "name": "numpy",
        "version": "2.0",
        "hashes": [digest],
        "externalReferences": [{"type": "license", "url": "https://licence.test"}],
    }


@pytest.mark.parametrize("name", ["sbom.lock", "sbom.in"])
def test_its_tools_are_locked_without_addresses(root: Path, name: str) -> None:
    text = (root / "packaging" / name).read_text("utf-8")
    assert "cyclonedx-bom" in text
    assert "://" not in text
