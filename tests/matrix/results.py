"""docs/servers.md: made of what the tests of the matrix said, by the run that had all of them.

Each test of test_matrix.py is one column, each server one row. The process that gathers the reports (with pytest-xdist
it runs no test itself) writes the document when every cell was reported: see tests/conftest.py.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.matrix.kinds import KINDS, RIGHTS

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "servers.md"
MATRIX = "test_matrix.py"
WELL, BROKEN, NONE = "✔", "✘", "–"


@dataclass(frozen=True)
class Column:
    """One guarantee, and the test that holds it."""

    id: str
    title: str
    test: str


GUARANTEES = (
    Column("kill", "once after kill", "test_a_courier_that_is_killed_sends_nothing_twice_and_loses_nothing"),
    Column("answer", "once after lost answer", "test_a_rename_whose_answer_is_lost_is_not_repeated"),
    Column("cut", "once after cut", "test_connections_that_are_cut_anywhere_delay_documents_and_nothing_else"),
    Column("atomic", "atomic appearance", "test_nothing_is_ever_seen_half_under_its_name"),
    Column("leftovers", "no leftovers", "test_nothing_of_ours_stays_behind_but_the_one_file_that_following_keeps"),
    Column("names", "names", "test_names_arrive_as_they_are_printed"),
    Column("speed", "throughput", "test_documents_go_at_a_speed_that_is_told_beside_a_bare_clients"),
)
TROUBLES = (
    Column("silence", "silence", "test_a_server_that_falls_silent_delays_documents_and_nothing_else"),
    Column("restart", "restart", "test_a_server_that_is_killed_and_started_again_gets_each_document_once"),
    Column(RIGHTS, "rights taken away", "test_rights_that_are_taken_away_need_a_person_and_nothing_is_lost"),
    Column("full", "disk full", "test_a_disk_that_is_full_at_the_server_is_waited_for"),
    Column("password", "wrong password", "test_a_wrong_password_is_tried_twice_in_two_hours_however_much_is_printed"),
    Column("certificate", "certificate", "test_a_certificate_that_expires_needs_a_person_and_sees_no_password"),
    Column("batch", "temporary names", "test_whether_temporary_names_survive_is_seen_on_every_server"),
)
COLUMNS = (*GUARANTEES, *TROUBLES)

_BY_TEST = {column.test: column for column in COLUMNS}
_CELL = re.compile(rf"{re.escape(MATRIX)}::(\w+)\[(?P<one>[^\]]*)\]$")


@dataclass
class Cell:
    """What the tests of one cell said."""

    passed: int = 0
    failed: int = 0
    skipped: str = ""  # why
    figure: str = ""

    def text(self, why_not: str | None) -> tuple[str, str]:
        """Return what stands in the table, and a footnote ("" for none)."""
        if self.failed or not (self.passed or self.skipped):
            return BROKEN, ""
        if why_not is not None:
            return NONE, why_not
        return (NONE, f"not tried on this machine: {self.skipped}") if self.skipped else (self.figure or WELL, "")


@dataclass
class Results:
    """All cells of a run."""

    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)  # row, column

    def hear(self, report: pytest.TestReport) -> None:
        """Note what a test said, if it is one of the matrix."""
        found = _CELL.search(report.nodeid)
        if found is None or found[1] not in _BY_TEST:
            return
        row = next((kind.id for kind in KINDS if kind.id in found["one"].split("-")), None)
        if row is None:
            return
        cell = self.cells.setdefault((row, _BY_TEST[found[1]].id), Cell())
        if report.failed:
            cell.failed += 1
        elif report.skipped:
            cell.skipped = _reason(report)
        elif report.when == "call":
            cell.passed += 1
            cell.figure = str(dict(report.user_properties).get("figure", ""))

    def complete(self) -> bool:
        """Tell whether every server and every column has been reported."""
        return all((kind.id, column.id) in self.cells for kind in KINDS for column in COLUMNS)

    def write(self) -> None:
        """Write the document."""
        versions = {kind.id: kind.version() for kind in KINDS}
        DOCUMENT.write_text(document(self.cells, versions), encoding="utf-8")


def _reason(report: pytest.TestReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


# ---- the document ------------------------------------------------------------------------------------------------

_TOP = """# Servers

Written by `python3 scripts/test.py --all`: each cell is what a test of
[the matrix](../tests/matrix/test_matrix.py) said, against the real server in the version that is named. {well} holds,
{broken} does not, {none} cannot be told here: see the note. Between ingisfs and each server lies a proxy that delays,
throttles, cuts and falls silent, by bytes and connections; FTP's data connections go through it too. The server's own
folder is looked at all the time, and in most tests INGIS takes away what it finds.

## What is promised

{guarantees}

{guarantee_rows}

## What may happen besides

{troubles}

{trouble_rows}
"""

_ABOUT = {
    "kill": "the courier is killed (`kill -9`) behind an upload, behind a rename, and in the middle of a run: each "
    "document arrives once",
    "answer": "the connection is cut when the renamed document is there and the answer is not: it is not sent again, "
    "whether INGIS has taken it meanwhile or not",
    "cut": "connections are cut after any number of bytes, also in the log-in, with 0 and 50 ms for a round trip",
    "atomic": "large documents over a slow line that is cut: neither in the folder nor through the server is a part "
    "ever seen under a final name",
    "leftovers": "after cuts and a killed courier nothing of ours stays but the one file that `follow` keeps; a portal "
    "needs none",
    "names": "`é#% &+~ç`, quotation marks, `%25`, `;`, Chinese, an emoji arrive byte for byte (WsgiDAV: without `;`)",
    "speed": "20 pairs of 60 KB by four connections, 50 ms for a round trip: the rate beside that of a bare client of "
    "the same kind in the same run, which only stores and looks at nothing. A document that is put, verified and "
    "renamed costs more round trips. The figure of one run, which no test asserts",
    "silence": "a connection falls silent before an upload, before a rename, and behind a rename that was done",
    "restart": "the server is killed twice in the middle of a run, and started again",
    RIGHTS: "the server may not write into the inbox any more: the status asks for a person, nothing is lost, and all "
    "goes when the right is back",
    "full": "the disk under the inbox is full: documents wait and go when there is room; none is ever half",
    "password": "three invoices and two hours with a wrong password: the server has seen two log-ins, no more",
    "certificate": "the certificate has expired (SFTP: the host key is another one): a person is asked, no password is "
    "shown, and all goes when there is a good one",
    "batch": "`check` tells whether a small file of ours is still there after INGIS has collected documents, "
    "or is gone",
}


def document(cells: Mapping[tuple[str, str], Cell], versions: Mapping[str, str]) -> str:
    """Return the document, with notes numbered through both of its tables."""
    notes: list[str] = []
    tables = [_table(columns, cells, versions, notes) for columns in (GUARANTEES, TROUBLES)]
    text = _TOP.format(
        well=WELL,
        broken=BROKEN,
        none=NONE,
        guarantees=_about(GUARANTEES),
        guarantee_rows=tables[0],
        troubles=_about(TROUBLES),
        trouble_rows=tables[1],
    )
    return (
        text
        + "".join("\n" + _wrapped(f"{number}. ", note) for number, note in enumerate(notes, 1))
        + ("\n" if notes else "")
    )


def _about(columns: Iterable[Column]) -> str:
    return "\n".join(_wrapped("- ", f"**{column.title}**: {_ABOUT[column.id]}.") for column in columns)


def _wrapped(mark: str, text: str) -> str:
    return textwrap.fill(
        text,
        118,
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _table(
    columns: Iterable[Column], cells: Mapping[tuple[str, str], Cell], versions: Mapping[str, str], notes: list[str]
) -> str:
    columns = tuple(columns)
    lines = [_line(["server", "version", *(column.title for column in columns)]), _line(["---"] * (len(columns) + 2))]
    for kind in KINDS:
        texts = []
        for column in columns:
            text, note = cells.get((kind.id, column.id), Cell()).text(kind.cannot.get(column.id))
            if note and note not in notes:
                notes.append(note)
            texts.append(f"{text} ({notes.index(note) + 1})" if note else text)
        lines.append(_line([kind.title, versions[kind.id], *texts]))
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def tables(text: str) -> list[list[list[str]]]:
    """Return the tables of a document: rows of cells, the first row with the titles."""
    found: list[list[list[str]]] = []
    for block in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in block.splitlines()]
        found.append([rows[0], *rows[2:]])
    return found
