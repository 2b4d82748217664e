"""The status files on the drive: never stale, never dear, never failing."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ingisfs.outbox.outbox import Outbox
from ingisfs.outbox.reading import Reading
from ingisfs.outbox.store import OutboxDamagedError
from ingisfs.report import status_files
from ingisfs.report.snapshot import DriveFacts, Snapshot
from ingisfs.report.status_files import StatusFiles
from ingisfs.report.text import Unreadable, as_text
from tests.clocks import FakeClock
from tests.report.steps import Steps
from tests.report.test_json import checked

FRESH = 0.25


class Watched(Reading):
    """An outbox that counts what it is asked, and fails when told to."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.looks = self.snapshots = 0
        self.failure: Exception | None = None

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self.looks += sql.startswith("PRAGMA")
        self.snapshots += "GROUP BY state" in sql
        if self.failure is not None:
            raise self.failure
        return self.outbox.rows(sql, parameters)


@pytest.fixture
def watched(outbox: Outbox) -> Watched:
    return Watched(outbox)


@pytest.fixture
def files(watched: Watched, drive: DriveFacts, clock: FakeClock) -> StatusFiles:
    return StatusFiles(watched, drive, clock)


def text(files: StatusFiles) -> str:
    return files.files()["INGIS-STATUS.txt"]().decode("utf-8")


def status(files: StatusFiles) -> dict[str, Any]:
    return checked(files.files()["INGIS-STATUS.json"]())


def test_there_are_two_for_people_and_one_for_programs_of_one_snapshot(
    files: StatusFiles, steps: Steps, watched: Watched
) -> None:
    steps.deliver("F1.pdf")
    assert list(files.files()) == ["INGIS-STATUS.html", "INGIS-STATUS.txt", "INGIS-STATUS.json"]
    assert "bezorgd" in text(files)
    assert b"bezorgd" in files.files()["INGIS-STATUS.html"]()
    assert status(files)["counts"]["delivered"] == 1
    assert watched.snapshots == 1


def test_many_looks_at_once_cost_one_snapshot(files: StatusFiles, watched: Watched) -> None:
    for _ in range(100):
        text(files)
        status(files)
    assert (watched.looks, watched.snapshots) == (1, 1)


def test_while_nothing_changes_a_later_look_costs_no_snapshot(
    files: StatusFiles, watched: Watched, clock: FakeClock
) -> None:
    before = text(files)
    clock.sleep(FRESH)
    assert text(files) == before
    clock.sleep(FRESH)
    assert text(files) == before
    assert (watched.looks, watched.snapshots) == (3, 1)


def test_ages_are_never_older_than_a_second(
    files: StatusFiles, steps: Steps, watched: Watched, clock: FakeClock
) -> None:
    steps.queue("F1.pdf")
    for _ in range(5):
        status(files)
        clock.sleep(0.3)
    assert watched.snapshots == 2
    assert status(files)["oldest_waiting_seconds"] == 1


def test_a_close_is_seen_by_the_next_look(files: StatusFiles, steps: Steps, clock: FakeClock) -> None:
    assert status(files)["counts"]["settling"] == 0
    steps.print("F1.pdf")
    clock.sleep(FRESH)
    assert status(files)["counts"]["settling"] == 1
    steps.print("F2.pdf")
    clock.sleep(FRESH)
    assert status(files)["counts"]["settling"] == 2


def test_what_another_process_commits_is_seen_by_the_next_look(
    files: StatusFiles, steps: Steps, clock: FakeClock, tmp_path: Path
) -> None:
    (document_id,) = steps.publish("F1.pdf")
    assert status(files)["counts"]["publishing"] == 1
    courier = Outbox(tmp_path, clock=clock)
    courier.finish([steps.get(document_id)])
    courier.shut()
    clock.sleep(FRESH)
    assert status(files)["counts"]["delivered"] == 1


def test_what_another_thread_of_the_drive_commits_is_seen_by_the_next_look(
    files: StatusFiles, outbox: Outbox, steps: Steps, clock: FakeClock
) -> None:
    def print_and_close() -> None:
        steps.print("F1.pdf")
        outbox.close()

    assert status(files)["counts"]["settling"] == 0
    thread = threading.Thread(target=print_and_close)
    thread.start()
    thread.join()
    clock.sleep(FRESH)
    assert status(files)["counts"]["settling"] == 1


def test_threads_that_look_at_once_share_a_snapshot(files: StatusFiles, outbox: Outbox, watched: Watched) -> None:
    together = threading.Barrier(8)
    found: list[str] = []

    def look() -> None:
        together.wait()
        found.append(text(files))
        outbox.close()

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert watched.snapshots == 1


def test_alarms_of_the_drive_are_told(watched: Watched, drive: DriveFacts, clock: FakeClock) -> None:
    alarms: list[str] = []
    files = StatusFiles(watched, drive, clock, lambda: alarms)
    assert "LET OP" not in text(files)
    alarms.append("unkept")
    clock.sleep(1)
    assert text(files).startswith("LET OP")
    assert status(files)["alarms"] == ["unkept"]


# ---- when the outbox fails ---------------------------------------------------------------------------------------


def test_an_outbox_that_fails_is_told_once_in_the_log_and_always_in_the_files(
    files: StatusFiles, watched: Watched, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    watched.failure = OutboxDamagedError("database disk image is malformed")
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert "is nu niet te lezen" in text(files)
            assert status(files)["problem"] == "OutboxDamagedError: database disk image is malformed"
            clock.sleep(FRESH)
    assert len(caplog.records) == 1


def test_an_outbox_that_fails_later_does_not_leave_the_old_news_standing(
    files: StatusFiles, steps: Steps, watched: Watched, clock: FakeClock
) -> None:
    steps.deliver("F1.pdf")
    assert text(files).startswith("Alles is in orde")
    watched.failure = OSError("gone")
    clock.sleep(FRESH)
    assert text(files).startswith("LET OP")
    watched.failure = None
    clock.sleep(FRESH)
    assert text(files).startswith("Alles is in orde")


def test_alarms_are_told_even_when_the_outbox_fails(watched: Watched, drive: DriveFacts, clock: FakeClock) -> None:
    watched.failure = OutboxDamagedError("x")
    files = StatusFiles(watched, drive, clock, lambda: ["unkept"])
    assert status(files)["alarms"] == ["unkept"]
    assert "niet veilig op schijf" in text(files)


def test_alarms_that_cannot_be_told_do_not_take_the_files_with_them(
    watched: Watched, drive: DriveFacts, clock: FakeClock
) -> None:
    def broken() -> Sequence[str]:
        raise RuntimeError("no alarms")

    files = StatusFiles(watched, drive, clock, broken)
    assert status(files)["problem"] == "RuntimeError: no alarms"


def test_a_page_that_cannot_be_rendered_is_told_as_well(
    watched: Watched, drive: DriveFacts, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(taken: Snapshot | Unreadable) -> bytes:
        if isinstance(taken, Snapshot):
            raise ValueError("no words")
        return as_text(taken)

    monkeypatch.setattr(status_files, "as_text", broken)
    files = StatusFiles(watched, drive, clock)
    assert "Melding: ValueError: no words" in text(files)
    assert json.loads(files.files()["INGIS-STATUS.json"]())["problem"] == "ValueError: no words"
