"""The snapshot tells what the outbox has, at a cost that does not grow."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ingisfs.delivery.failures import TargetNeedsPersonError, TargetReason, UnreachableError
from ingisfs.delivery.target import Target
from ingisfs.outbox.document import Reason, State
from ingisfs.outbox.outbox import Outbox
from ingisfs.outbox.reading import ReadOnlyOutbox
from ingisfs.report.snapshot import ROWS, DriveFacts, Row, Snapshot, take_snapshot, together
from ingisfs.report.target import TargetStatus, read_target
from tests.clocks import FakeClock
from tests.report.steps import Steps


def take(outbox: Outbox, drive: DriveFacts, *alarms: str) -> Snapshot:
    return take_snapshot(outbox, drive, outbox.clock.wall(), alarms, clock=outbox.clock)


def names(rows: Sequence[Row]) -> list[str]:
    return [row.document.name for row in rows]


def pairs(snapshot: Snapshot) -> dict[str, str]:
    """id → id of its other half, of those that have one."""
    return {row.document.id: row.pair for row in snapshot.documents if row.pair}


def test_an_empty_outbox_needs_nobody(outbox: Outbox, drive: DriveFacts) -> None:
    snapshot = take(outbox, drive)
    assert (snapshot.waiting, snapshot.needs_person, snapshot.documents) == (0, 0, ())
    assert snapshot.oldest_waiting_seconds is None
    assert snapshot.ingis is None
    assert not snapshot.needs_a_person


def test_every_document_is_counted_under_its_state(steps: Steps, outbox: Outbox, drive: DriveFacts) -> None:
    steps.print("W.pdf", close=False)
    steps.print("S.pdf")
    steps.queue("Q1.pdf", "Q2.pdf")
    steps.upload("U.pdf")
    steps.publish("P.pdf")
    steps.deliver("D1.pdf", "D2.pdf", "D3.pdf")
    steps.hold("H.pdf", Reason.EMPTY)
    steps.park("K.pdf", Reason.SERVER_REFUSED)
    steps.print("~$noise.tmp")
    outbox.remove(steps.get(steps.print("X.pdf")))
    snapshot = take(outbox, drive)
    counts = {state: count for state, count in snapshot.counts.items() if count}
    assert counts == {
        State.LOCAL: 1,
        State.WRITING: 1,
        State.SETTLING: 1,
        State.QUEUED: 2,
        State.UPLOADING: 1,
        State.PUBLISHING: 1,
        State.DELIVERED: 3,
        State.HELD: 1,
        State.PARKED: 1,
        State.WITHDRAWN: 1,
    }
    assert (snapshot.waiting, snapshot.needs_person) == (6, 2)


def test_what_needs_a_person_comes_first_and_both_lists_are_newest_first(
    steps: Steps, outbox: Outbox, drive: DriveFacts
) -> None:
    steps.hold("H1.pdf", Reason.EMPTY)
    steps.deliver("D1.pdf", "D2.pdf")
    steps.hold("H2.pdf", Reason.EMPTY)
    steps.queue("Q1.pdf")
    snapshot = take(outbox, drive)
    assert names(snapshot.documents) == ["H2.pdf", "H1.pdf", "Q1.pdf", "D2.pdf", "D1.pdf"]
    assert names(snapshot.needing) == ["H2.pdf", "H1.pdf"]
    assert names(snapshot.newest) == ["Q1.pdf", "D2.pdf", "D1.pdf"]


def test_the_oldest_waiting_document_tells_how_long(
    steps: Steps, outbox: Outbox, drive: DriveFacts, clock: FakeClock
) -> None:
    steps.deliver("D1.pdf")
    clock.sleep(100)
    steps.queue("Q1.pdf")
    clock.sleep(30)
    steps.queue("Q2.pdf")
    clock.sleep(12)
    assert take(outbox, drive).oldest_waiting_seconds == pytest.approx(42)


def test_a_clock_that_was_set_back_makes_no_negative_age(
    steps: Steps, outbox: Outbox, drive: DriveFacts, clock: FakeClock
) -> None:
    steps.queue("Q1.pdf")
    clock.wall_now -= 3600
    assert take(outbox, drive).oldest_waiting_seconds == 0


@pytest.mark.parametrize("alarms", [(), ("unkept",)])
def test_a_person_is_needed_for_a_document_the_server_or_an_alarm(
    steps: Steps, outbox: Outbox, drive: DriveFacts, alarms: tuple[str, ...]
) -> None:
    assert take(outbox, drive, *alarms).needs_a_person == bool(alarms)
    outbox.set_meta("target", json.dumps({"state": "unreachable"}))
    assert take(outbox, drive, *alarms).needs_a_person == bool(alarms)
    outbox.set_meta("target", json.dumps({"state": "needs_person", "reason": "login"}))
    assert take(outbox, drive, *alarms).needs_a_person
    outbox.set_meta("target", json.dumps({"state": "ok"}))
    steps.hold("H.pdf", Reason.EMPTY)
    assert take(outbox, drive, *alarms).needs_a_person


# ---- pairs -------------------------------------------------------------------------------------------------------


def test_both_halves_of_a_stem_point_at_each_other(steps: Steps, outbox: Outbox, drive: DriveFacts) -> None:
    pdf, xml = steps.deliver("F1.pdf", "f1.XML")
    steps.queue("F2.pdf")
    assert pairs(take(outbox, drive)) == {pdf: xml, xml: pdf}


def test_halves_pair_across_states_but_not_across_folders_or_types(
    steps: Steps, outbox: Outbox, drive: DriveFacts
) -> None:
    pdf = steps.hold("F1.pdf", Reason.EMPTY)
    (xml,) = steps.queue("F1.xml")
    steps.hold("F1.xml", Reason.FOLDER_NOT_ROUTED, folder="map")
    steps.hold("F1.docx", Reason.TYPE_NOT_SENT)
    assert pairs(take(outbox, drive)) == {pdf: xml, xml: pdf}


def test_each_printing_of_a_stem_pairs_with_its_own(steps: Steps, outbox: Outbox, drive: DriveFacts) -> None:
    first = steps.deliver("F1.pdf", "F1.xml")
    second = steps.queue("F1.pdf", "F1.xml")
    expected = {first[0]: first[1], first[1]: first[0], second[0]: second[1], second[1]: second[0]}
    assert pairs(take(outbox, drive)) == expected


def test_the_number_that_king_puts_behind_a_name_does_not_part_a_pair(
    steps: Steps, outbox: Outbox, drive: DriveFacts
) -> None:
    (old,) = steps.deliver("F1.pdf")
    pdf, xml = steps.queue("F1(1).pdf", "F1.xml")
    assert pairs(take(outbox, drive)) == {pdf: xml, xml: pdf}
    assert steps.get(old).pair_key == steps.get(pdf).pair_key


def test_a_half_that_was_printed_alone_again_points_at_the_half_that_it_completes(
    steps: Steps, outbox: Outbox, drive: DriveFacts
) -> None:
    pdf, old = steps.deliver("F1.pdf", "F1.xml")
    (new,) = steps.queue("F1.xml")
    assert pairs(take(outbox, drive)) == {pdf: old, old: pdf, new: pdf}


def test_a_half_belongs_to_the_latest_of_two_that_were_alone(steps: Steps, outbox: Outbox, drive: DriveFacts) -> None:
    steps.deliver("F1.pdf")
    pdf, xml = steps.queue("F1.pdf", "F1.xml")
    assert pairs(take(outbox, drive)) == {pdf: xml, xml: pdf}


def test_pairs_stand_together_with_the_pdf_first(steps: Steps, outbox: Outbox, drive: DriveFacts) -> None:
    steps.queue("F1.pdf", "F2.pdf", "F3.pdf", "F1.xml", "F2.xml")
    shown = together(take(outbox, drive).newest)
    assert names(shown) == ["F2.pdf", "F2.xml", "F1.pdf", "F1.xml", "F3.pdf"]


# ---- next try ----------------------------------------------------------------------------------------------------


def test_the_next_try_is_told_in_wall_time(steps: Steps, outbox: Outbox, drive: DriveFacts, clock: FakeClock) -> None:
    (document_id,) = steps.upload("F1.pdf")
    outbox.put_back([steps.get(document_id)], 90, "PUT: 503")
    clock.sleep(30)
    (row,) = take(outbox, drive).documents
    assert row.next_try == pytest.approx(clock.wall() + 60)
    clock.sleep(60)
    (row,) = take(outbox, drive).documents
    assert row.next_try is None


def test_the_next_try_of_another_start_of_the_machine_is_not_told(
    steps: Steps, outbox: Outbox, drive: DriveFacts, clock: FakeClock, tmp_path: Path
) -> None:
    (document_id,) = steps.upload("F1.pdf")
    outbox.put_back([steps.get(document_id)], 90, "PUT: 503")
    reader = ReadOnlyOutbox(tmp_path)
    restarted = FakeClock(now=5.0, boot_name="boot-2")
    (row,) = take_snapshot(reader, drive, clock.wall(), clock=restarted).documents
    reader.close()
    assert row.next_try is None


# ---- the target --------------------------------------------------------------------------------------------------


def test_a_courier_that_noted_nothing_leaves_the_target_unknown(outbox: Outbox) -> None:
    assert read_target(outbox) == TargetStatus("unknown", None, "", None)


def test_what_the_courier_notes_is_what_the_status_reads(outbox: Outbox, clock: FakeClock) -> None:
    target = Target(clock)
    outbox.set_meta("target", target.as_json())
    assert read_target(outbox).state == "unknown"
    target.answered()
    outbox.set_meta("target", target.as_json())
    assert read_target(outbox) == TargetStatus("ok", None, "", clock.wall())
    target.failed(UnreachableError("no route"), target.closings)
    outbox.set_meta("target", target.as_json())
    assert read_target(outbox) == TargetStatus("unreachable", None, "no route", clock.wall())
    for reason in TargetReason:
        target.next_probe = 0.0  # the next try is due
        target.failed(TargetNeedsPersonError(reason, "401"), target.closings)
        outbox.set_meta("target", target.as_json())
        assert read_target(outbox) == TargetStatus("needs_person", reason, "401", clock.wall())


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("no json", TargetStatus()),
        ("[]", TargetStatus()),
        ('"ok"', TargetStatus()),
        ('{"state": "sleepy"}', TargetStatus()),
        ('{"state": ["ok"]}', TargetStatus()),
        ('{"state": "ok", "reason": "x", "since": "gisteren"}', TargetStatus("ok")),
        ('{"state": "ok", "since": Infinity}', TargetStatus("ok")),
        ('{"state": "needs_person"}', TargetStatus("needs_person", "unknown")),
        ('{"state": "needs_person", "reason": "of a later version"}', TargetStatus("needs_person", "unknown")),
    ],
)
def test_a_note_that_cannot_be_understood_is_unknown(outbox: Outbox, note: str, expected: TargetStatus) -> None:
    outbox.set_meta("target", note)
    assert read_target(outbox) == expected
    assert read_target(outbox).sentence("nl")


# ---- the drive ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://u:secret@example.nl/in/", "https://example.nl/in/"),
        ("https://u:sec@ret@example.nl/in/", "https://example.nl/in/"),
        ("sftp://king@example.nl:22", "sftp://example.nl:22"),
        ("ingis+http://a:b@127.0.0.1:8420/", "ingis+http://127.0.0.1:8420/"),
        ("https://example.nl/a@b/", "https://example.nl/a@b/"),
        ("", ""),
    ],
)
def test_user_and_password_never_reach_what_is_shown(given: str, shown: str) -> None:
    drive = DriveFacts("king", given, None, portal=given)
    assert (drive.server, drive.portal) == (shown, shown)


def test_a_language_without_sentences_is_dutch() -> None:
    assert DriveFacts("king", "", None, "fr").language == "nl"


# ---- cost --------------------------------------------------------------------------------------------------------


class Counting(ReadOnlyOutbox):
    """Counts queries and the rows that they return."""

    queries = returned = 0

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        found = super().rows(sql, parameters)
        self.queries += 1
        self.returned += len(found)
        return found


class Restless(ReadOnlyOutbox):
    """Something is committed after each question."""

    commit: Callable[[], object]

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        found = super().rows(sql, parameters)
        self.commit()
        return found


def test_all_of_a_snapshot_is_of_one_moment_whatever_is_committed_meanwhile(
    steps: Steps, outbox: Outbox, drive: DriveFacts, clock: FakeClock, tmp_path: Path
) -> None:
    steps.queue("F0.pdf")
    numbers = iter(range(1, 1000))
    reader = Restless.__new__(Restless)
    reader.commit = lambda: steps.queue(f"F{next(numbers)}.pdf")
    reader.__init__(tmp_path)  # type: ignore[misc]
    snapshot = take_snapshot(reader, drive, clock.wall(), clock=clock)
    later = take_snapshot(reader, drive, clock.wall(), clock=clock)
    reader.close()
    assert snapshot.counts[State.QUEUED] == len(snapshot.documents)
    assert later.counts[State.QUEUED] == len(later.documents) > len(snapshot.documents) + 5


def test_a_snapshot_that_fails_leaves_no_transaction_open(outbox: Outbox, drive: DriveFacts, clock: FakeClock) -> None:
    with pytest.raises(RuntimeError), outbox.one_moment():
        raise RuntimeError
    assert not outbox._con.in_transaction
    Steps(outbox).queue("F1.pdf")
    assert take_snapshot(outbox, drive, clock.wall(), clock=clock).waiting == 1


def test_a_snapshot_asks_few_questions_and_gets_few_rows_however_much_there_is(
    outbox: Outbox, drive: DriveFacts, clock: FakeClock, tmp_path: Path
) -> None:
    states = [State.DELIVERED, State.HELD, State.QUEUED, State.PARKED, State.SUPERSEDED]
    with outbox.transact():
        for number in range(3000):
            outbox._sql(
                "INSERT INTO documents (id, folder, folder_key, name, name_key, stem_key, pair_key, ending, size,"
                " sha256, state, modified_ns, written_at, listed)"
                " VALUES (?, '', '', ?, ?, ?, ?, 'pdf', 1, '', ?, 0, 0, 0)",
                (f"id{number}", f"F{number}.pdf", "", f"f{number}", f"f{number}", states[number % len(states)]),
            )
    reader = Counting(tmp_path)
    snapshot = take_snapshot(reader, drive, clock.wall(), clock=clock)
    reader.close()
    assert reader.queries <= 12
    assert reader.returned <= 2 * ROWS + 20
    assert (len(snapshot.needing), len(snapshot.newest)) == (ROWS, ROWS)
    assert snapshot.needs_person == 1200
