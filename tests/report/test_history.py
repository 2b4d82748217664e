"""The history, step by step and one entry a document, for people, for spreadsheets and for an auditor."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from typing import Any

import pytest

from ingisfs.outbox.choosing import Search, audited
from ingisfs.outbox.choosing import steps as choose_steps
from ingisfs.outbox.document import Reason, State
from ingisfs.outbox.outbox import Outbox
from ingisfs.report.history import (
    DOCUMENT_COLUMNS,
    as_csv,
    document_lines,
    documents_csv,
    documents_json,
    history_lines,
)
from tests.clocks import FakeClock
from tests.documents import pdf, xml
from tests.report.steps import Steps


def test_a_spreadsheet_runs_no_formula_from_a_name(steps: Steps, outbox: Outbox) -> None:
    steps.print("=cmd.pdf")
    assert ",'=cmd.pdf," in "".join(as_csv(outbox.history(), "nl"))


def test_no_name_steers_the_terminal(steps: Steps, outbox: Outbox) -> None:
    steps.print("F1\x9b2J.pdf")
    told = "".join(history_lines(outbox.history(), "nl"))
    assert "F1?2J.pdf" in told
    assert "\x9b" not in told


# ---- one entry a document, for an auditor ------------------------------------------------------------------------


def fill(steps: Steps, clock: FakeClock) -> dict[str, str]:
    """Return the ids by name."""
    ids = dict(zip(("F1.pdf", "F1.xml"), steps.deliver("F1.pdf", "F1.xml"), strict=True))
    clock.sleep(86_400)
    ids["F2.xml"] = steps.answer("F2.xml", State.REFUSED, "F2.xml.err: Klant Ångström onbekend")
    ids["F3.pdf"] = steps.answer("F3.pdf", State.COLLECTED, "")
    ids["F4.pdf"] = steps.hold("F4.pdf", Reason.PDF_NOT_WHOLE)
    steps.print("~$noise.tmp")
    return ids


def told(outbox: Outbox, search: Search) -> list[dict[str, Any]]:
    return [json.loads(line) for line in documents_json(audited(outbox, search), "nl")]


def test_an_auditor_is_told_when_how_large_which_hash_when_delivered_as_what_and_what_ingis_said(
    steps: Steps, outbox: Outbox, clock: FakeClock
) -> None:
    ids = fill(steps, clock)
    first, _, refused, collected, held = told(outbox, Search())
    assert first == {
        "id": ids["F1.pdf"],
        "name": "F1.pdf",
        "folder": "",
        "size": len(pdf()),
        "sha256": hashlib.sha256(pdf()).hexdigest(),
        "written_at": "2026-11-25T13:03:05.000+00:00",
        "state": "delivered",
        "delivered_at": "2026-11-25T13:03:05.000+00:00",
        "remote_name": "F1.pdf",
        "ingis": None,
        "ingis_at": None,
        "ingis_said": None,
        "reason": None,
    }
    assert (refused["ingis"], refused["ingis_said"]) == ("refused", "F2.xml.err: Klant Ångström onbekend")
    assert refused["ingis_at"] == "2026-11-26T13:03:05.000+00:00"
    assert (collected["ingis"], collected["ingis_said"]) == ("collected", "")
    assert (held["state"], held["delivered_at"], held["remote_name"], held["ingis"]) == ("held", None, None, None)


def test_a_spreadsheet_and_a_program_are_told_the_same(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    fill(steps, clock)
    steps.deliver("=1+1.pdf")
    rows = list(csv.DictReader(io.StringIO("".join(documents_csv(audited(outbox, Search()), "nl")))))
    objects = told(outbox, Search())
    assert [tuple(row) for row in rows] == [DOCUMENT_COLUMNS] * 6
    assert rows[5]["name"] == "'=1+1.pdf"
    assert rows[5]["remote_name"] == "'=1+1.pdf"
    for row, known in zip(rows[:5], objects[:5], strict=True):
        assert row == {key: "" if value is None else str(value) for key, value in known.items()}


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (Search(), ["F1.pdf", "F1.xml", "F2.xml", "F3.pdf", "F4.pdf"]),
        (Search(pattern="f?.XML"), ["F1.xml", "F2.xml"]),
        (Search(text="ONBEKEND"), ["F2.xml"]),
        (Search(text="f1."), ["F1.pdf", "F1.xml"]),
        (Search(text=hashlib.sha256(xml()).hexdigest()[:20].upper()), ["F1.xml", "F2.xml"]),
        (Search(until=1_795_611_786.0), ["F1.pdf", "F1.xml"]),
        (Search(since=1_795_611_786.0, pattern="*.pdf"), ["F3.pdf", "F4.pdf"]),
        (Search(text="100%"), []),
        (Search(text="'; DROP TABLE documents; --"), []),
    ],
)
def test_the_history_is_searched_by_day_name_hash_and_words(
    steps: Steps, outbox: Outbox, clock: FakeClock, search: Search, found: list[str]
) -> None:
    fill(steps, clock)
    assert [entry["name"] for entry in told(outbox, search)] == found
    by_steps = {entry.name for entry in choose_steps(outbox, search) if not entry.name.startswith("~")}
    assert by_steps == set(found)


def test_a_document_is_found_by_its_id(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    ids = fill(steps, clock)
    assert [entry["name"] for entry in told(outbox, Search(text=ids["F3.pdf"]))] == ["F3.pdf"]


@pytest.mark.usefixtures("amsterdam")
def test_a_person_reads_the_same_and_unknown_is_never_taken_for_good(
    steps: Steps, outbox: Outbox, clock: FakeClock
) -> None:
    ids = fill(steps, clock)
    lines = "".join(document_lines(audited(outbox, Search(text="F1.pdf")), "nl")).splitlines()
    assert lines == [
        f"25-11-2026 14:03:05  {ids['F1.pdf']}  F1.pdf  153 bytes  bezorgd",
        f"  SHA-256 {hashlib.sha256(pdf()).hexdigest()}",
        "  Bezorgd op 25-11-2026 14:03:05 als F1.pdf",
        "  INGIS: niet bekend, zie portaal",
    ]
    refused = "".join(document_lines(audited(outbox, Search(text="F2.")), "nl"))
    assert "INGIS: geweigerd, gehoord op 26-11-2026 14:03:05 (F2.xml.err: Klant Ångström onbekend)" in refused
    assert "Bezorgd" not in "".join(document_lines(audited(outbox, Search(text="F4.")), "nl"))


def test_years_of_documents_are_told_piece_by_piece(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    with outbox.transact():
        for number in range(2500):
            outbox._sql(
                "INSERT INTO documents (id, folder, folder_key, name, name_key, stem_key, pair_key, ending, size,"
                " sha256, state, modified_ns, written_at, listed)"
                " VALUES (?, '', '', ?, ?, '', '', 'pdf', 1, '', 'delivered', 0, 0, 0)",
                (f"id{number}", f"F{number}.pdf", f"f{number}.pdf"),
            )
    found = [entry["name"] for entry in told(outbox, Search())]
    assert found == [f"F{number}.pdf" for number in range(2500)]
