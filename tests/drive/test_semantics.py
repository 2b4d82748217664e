"""`docs/semantics.md` names the test that proves each of its rows: each of them exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingisfs.drive.errors import VolumeError
from ingisfs.drive.fuse import ERRNO
from ingisfs.outbox.document import ENDED, State

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "semantics.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("document", ["semantics", "guarantees", "field-reports", "decisions"])
def test_every_test_that_a_document_names_exists(document: str) -> None:
    known = set[str]()
    for path in (ROOT / "tests").rglob("test_*.py"):
        known |= {path.name, str(path.relative_to(ROOT))}
        known.update(re.findall(r"^ *def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE))
    text = (ROOT / "docs" / f"{document}.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(?:tests/[\w/]+\.py::)?(test_\w+(?:\.py)?|tests/[\w/]+\.py)`", text))
    assert named - known == set()
    assert len(named) > {"semantics": 60, "guarantees": 20, "field-reports": 40, "decisions": -1}[document]


def test_every_row_of_operations_and_states_names_a_test() -> None:
    for line in TEXT.partition("## Errors")[0].splitlines():
        if line.startswith("| ") and "proved by" not in line and "---" not in line:
            assert "`test_" in line, line


def test_every_state_and_every_error_is_told() -> None:
    for state in set(State) - ENDED:
        assert f"`{state}`" in TEXT, state
    for error in ERRNO:
        assert issubclass(error, VolumeError)
        assert f"`{error.__name__.removesuffix('Error')}`" in TEXT, error
