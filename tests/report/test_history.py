"""The history, for people and for spreadsheets."""

from __future__ import annotations

from ingisfs.outbox.outbox import Outbox
from ingisfs.report.history import as_csv, history_lines
from tests.report.steps import Steps


def test_a_spreadsheet_runs_no_formula_from_a_name(steps: Steps, outbox: Outbox) -> None:
    steps.print("=cmd.pdf")
    assert ",'=cmd.pdf," in "".join(as_csv(outbox.history(), "nl"))


def test_no_name_steers_the_terminal(steps: Steps, outbox: Outbox) -> None:
    steps.print("F1\x9b2J.pdf")
    told = "".join(history_lines(outbox.history(), "nl"))
    assert "F1?2J.pdf" in told
    assert "\x9b" not in told
