"""The archive: what was delivered as plain files, by day, for as long as it is wanted, and nothing else."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingisfs.outbox.archive import Archive
from ingisfs.outbox.document import Reason, State
from ingisfs.outbox.outbox import Decision, Outbox
from tests.clocks import FakeClock
from tests.documents import pdf, xml
from tests.report.steps import Steps

DAY = 86_400.0  # s


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def outbox(tmp_path: Path, clock: FakeClock) -> Iterator[Outbox]:
    box = Outbox(tmp_path, clock=clock)
    yield box
    box.shut()


@pytest.fixture
def steps(outbox: Outbox) -> Steps:
    return Steps(outbox)


def files(outbox: Outbox) -> dict[str, bytes]:
    """What lies in the archive: the last part of each path → its bytes."""
    found = [path for path in outbox.archive_folder.rglob("*") if path.is_file()]
    return {path.name: path.read_bytes() for path in found}


def test_a_delivered_pair_lies_under_its_day_as_it_was_sent(outbox: Outbox, steps: Steps, clock: FakeClock) -> None:
    ids = steps.deliver("F1.pdf", "F1.xml")
    outbox.retire(0)
    Archive(outbox, 90).round()
    day = outbox.sent_days()[0].replace("-", "/")
    assert sorted(path.name for path in (outbox.archive_folder / day).iterdir()) == ["F1.pdf", "F1.xml"]
    assert files(outbox) == {"F1.pdf": pdf(), "F1.xml": xml()}
    assert [outbox.payload(one) for one in ids] == [pdf(), xml()]
    assert outbox.rows("SELECT count(*) FROM Cache") == [(0,)]


@pytest.mark.skipif(os.name == "nt", reason="rights are others there")
def test_only_its_owner_may_read_the_archive(outbox: Outbox, steps: Steps) -> None:
    steps.deliver("F1.pdf")
    outbox.retire(0)
    Archive(outbox, 90).round()
    for path in outbox.archive_folder.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0


def test_what_was_not_delivered_never_comes_into_the_archive_and_keeps_its_bytes(
    outbox: Outbox, steps: Steps, clock: FakeClock
) -> None:
    ids = [
        steps.hold("H.pdf", Reason.PDF_NOT_WHOLE),
        steps.park("P.pdf", Reason.DOUBTFUL),
        *steps.queue("Q.pdf"),
        *steps.upload("U.pdf"),
        *steps.publish("B.pdf"),
        steps.print("S.pdf"),
    ]
    archive = Archive(outbox, 1)
    for _ in range(3):
        clock.sleep(1000 * DAY)
        outbox.retire(0)
        archive.round()
    assert files(outbox) == {}
    assert all(outbox.payload(one) for one in ids)


def test_seven_years_are_seven_years(outbox: Outbox, steps: Steps, clock: FakeClock) -> None:
    steps.deliver("F1.pdf")
    outbox.retire(0)
    archive = Archive(outbox, 2557)
    archive.round()
    clock.sleep(2557 * DAY)
    archive.round()
    assert files(outbox) == {"F1.pdf": pdf()}
    clock.sleep(4 * DAY)
    archive.round()
    assert files(outbox) == {}
    assert list(outbox.archive_folder.iterdir()) == []
    assert outbox.sent_days() == []


def test_a_record_outlives_its_file(outbox: Outbox, steps: Steps, clock: FakeClock) -> None:
    (document_id,) = steps.deliver("F1.pdf")
    outbox.retire(0)
    archive = Archive(outbox, 1)
    archive.round()
    clock.sleep(10 * DAY)
    archive.round()
    assert files(outbox) == {}
    assert steps.get(document_id).sha256 == hashlib.sha256(pdf()).hexdigest()
    assert [entry.after for entry in outbox.history("id = ?", (document_id,))][-1] == "delivered"


def test_for_ever_is_no_error(outbox: Outbox, steps: Steps, clock: FakeClock) -> None:
    steps.deliver("F1.pdf")
    outbox.retire(0)
    archive = Archive(outbox, 1e12)
    archive.round()
    clock.sleep(5000 * DAY)
    archive.round()
    assert files(outbox) == {"F1.pdf": pdf()}


def test_a_file_that_was_written_before_a_kill_is_taken_and_not_written_twice(outbox: Outbox, steps: Steps) -> None:
    (document_id,) = steps.deliver("F1.pdf")
    outbox.retire(0)
    archive = Archive(outbox, 90)
    archive._store(steps.get(document_id))  # and then the power went
    archive.round()
    assert files(outbox) == {"F1.pdf": pdf()}
    assert outbox.payload(document_id) == pdf()


def test_namesakes_of_a_day_are_all_kept(outbox: Outbox, steps: Steps) -> None:
    for text in ("1", "2", "3"):
        document_id = steps.print("F1.pdf", data=pdf(text))
        _deliver(steps, document_id)
        outbox.retire(0)
    Archive(outbox, 90).round()
    assert files(outbox) == {"F1.pdf": pdf("1"), "F1 (2).pdf": pdf("2"), "F1 (3).pdf": pdf("3")}


def _deliver(steps: Steps, document_id: str) -> None:
    box = steps.outbox
    box.decide([Decision(steps.get(document_id), State.QUEUED)])
    box.claim([(steps.get(document_id), "F1.pdf")])
    box.mark_publishing([[(steps.get(document_id), "tag")]])
    box.finish([steps.get(document_id)])


def test_one_that_cannot_be_archived_stands_in_nobodys_way_and_is_tried_again(
    outbox: Outbox, steps: Steps, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    damaged, *_ = steps.deliver("F0.pdf", *(f"F{number}.pdf" for number in range(1, 120)))
    outbox.retire(0)
    with outbox.transact():
        outbox._sql("UPDATE Cache SET value = ? WHERE key = ?", (b"rotten", damaged))
    archive = Archive(outbox, 90)
    for _ in range(4):
        archive.round()
    assert len(files(outbox)) == 119
    told = [record for record in caplog.records if "cannot archive" in record.message]
    assert len(told) == 1
    with outbox.transact():
        outbox._sql("UPDATE Cache SET value = ? WHERE key = ?", (pdf(), damaged))
    clock.sleep(7200)
    archive.round()
    assert len(files(outbox)) == 120
