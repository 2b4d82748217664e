"""docs/servers.md is what the matrix would write, but for versions and figures: so it cannot go stale unnoticed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.matrix import test_matrix
from tests.matrix.kinds import KINDS
from tests.matrix.results import (
    BROKEN,
    COLUMNS,
    DOCUMENT,
    GUARANTEES,
    NONE,
    TROUBLES,
    WELL,
    Cell,
    Results,
    document,
    tables,
)

VERSIONS = {kind.id: "1.0" for kind in KINDS}


def all_well() -> dict[tuple[str, str], Cell]:
    return {
        (kind.id, column.id): Cell(passed=1, figure="0.50" if column.id == "speed" else "")
        for kind in KINDS
        for column in COLUMNS
    }


def test_the_document_tells_of_every_server_and_every_guarantee_that_is_tried() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    guarantees, troubles = tables(text)
    assert guarantees[0] == ["server", "version", *(column.title for column in GUARANTEES)]
    assert troubles[0] == ["server", "version", *(column.title for column in TROUBLES)]
    for table in (guarantees, troubles):
        assert [row[0] for row in table[1:]] == [kind.title for kind in KINDS]
    versions = {kind.id: row[1] for kind, row in zip(KINDS, guarantees[1:], strict=True)}
    assert all(re.fullmatch(r"\d+\.[\w.]+", version) for version in versions.values()), versions
    cells = all_well()
    for kind, row in zip(KINDS, guarantees[1:], strict=True):
        figure = row[-1]
        assert re.fullmatch(r"\d+\.\d\d", figure), row
        cells[kind.id, "speed"].figure = figure
    assert text == document(cells, versions), "run `python3 scripts/test.py --all`, which writes docs/servers.md"


def test_every_test_of_the_matrix_is_a_column_and_tries_every_server() -> None:
    tests = {name: test for name, test in vars(test_matrix).items() if name.startswith("test_")}
    assert sorted(tests) == sorted(column.test for column in COLUMNS)
    for name, test in tests.items():
        marks: list[Any] = test.pytestmark
        (servers,) = [mark.args[1] for mark in marks if mark.name == "parametrize" and mark.args[0] == "kind"]
        assert [parameter.id for parameter in servers] == [kind.id for kind in KINDS], name
        every_run = [p.id for p in servers if not p.marks]
        assert every_run in ([], [kind.id for kind in KINDS if kind.every_run])


def test_a_server_of_each_family_is_tried_in_every_run() -> None:
    assert {kind.family for kind in KINDS if kind.every_run} == {kind.family for kind in KINDS}


def report(column: str, row: str, outcome: Any, when: Any = "call", why: Any = None, figure: str = "") -> Any:
    test = next(each.test for each in COLUMNS if each.id == column)
    return pytest.TestReport(
        nodeid=f"tests/matrix/test_matrix.py::{test}[50ms-{row}]",
        location=("", 0, ""),
        keywords={},
        outcome=outcome,
        longrepr=why,
        when=when,
        user_properties=[("figure", figure)] if figure else [],
    )


def test_a_cell_is_what_its_tests_said() -> None:
    results = Results()
    results.hear(report("cut", "vsftpd", "passed", "setup"))
    assert results.cells["vsftpd", "cut"].text(None) == (BROKEN, ""), "nothing was tried yet"
    results.hear(report("cut", "vsftpd", "passed"))
    assert results.cells["vsftpd", "cut"].text(None) == (WELL, "")
    assert results.cells["vsftpd", "cut"].text("it cannot") == (NONE, "it cannot")
    results.hear(report("cut", "vsftpd", "failed"))
    assert results.cells["vsftpd", "cut"].text("it cannot") == (BROKEN, "")
    results.hear(report("kill", "vsftpd", "passed"))
    results.hear(report("kill", "vsftpd", "failed", "teardown"))
    assert results.cells["vsftpd", "kill"].text(None) == (BROKEN, "")
    results.hear(report("full", "openssh", "skipped", "setup", ("file", 1, "Skipped: no loop devices")))
    assert results.cells["openssh", "full"].text(None) == (NONE, "not tried on this machine: no loop devices")
    results.hear(report("speed", "openssh_chroot", "passed", figure="0.71"))
    assert results.cells["openssh_chroot", "speed"].text(None) == ("0.71", "")
    assert not results.complete()
    assert set(results.cells) == {
        ("vsftpd", "cut"),
        ("vsftpd", "kill"),
        ("openssh", "full"),
        ("openssh_chroot", "speed"),
    }


def test_what_failed_stands_in_the_document_and_what_cannot_be_told_has_its_note() -> None:
    cells = all_well()
    cells["nginx", "names"].failed = 1
    cells["apache", "full"] = Cell(skipped="no loop devices")
    text = document(cells, VERSIONS)
    guarantees, troubles = tables(text)
    row = next(row for row in guarantees if row[0].startswith("nginx"))
    assert row[guarantees[0].index("names")] == BROKEN
    row = next(row for row in troubles if row[0].startswith("Apache"))
    assert [row[troubles[0].index(title)] for title in ("rights taken away", "disk full")] == ["– (1)", "– (2)"]
    assert "\n2. not tried on this machine: no loop devices\n" in text
