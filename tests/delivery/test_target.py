"""How the whole target is doing: what counts as a try, and what is remembered."""

from __future__ import annotations

import json

import pytest

from ingisfs.delivery.failures import TargetNeedsPersonError, TargetReason, TransientError, UnreachableError
from ingisfs.delivery.target import LOGIN_PROBE, PERSON_PROBE, Health, Target
from tests.clocks import FakeClock

FORBIDDEN = TargetNeedsPersonError(TargetReason.FORBIDDEN, "403")


def test_sixteen_documents_that_meet_one_outage_are_one_failure() -> None:
    target = Target(FakeClock())
    target.answered()
    for _ in range(16):
        target.failed(UnreachableError("reset"), 0)
    assert target.failures == 1


def test_the_halves_of_a_pair_that_meet_a_refusal_are_one_try() -> None:
    clock = FakeClock()
    target = Target(clock)
    target.answered()
    target.failed(FORBIDDEN, 0)
    clock.sleep(3600)  # however long it took until the second one was written down
    target.failed(FORBIDDEN, 0)
    assert target.needs == 1
    target.failed(FORBIDDEN, target.closings)  # the next try
    assert target.needs == 2
    assert target.next_probe == clock.boot() + PERSON_PROBE


def test_a_log_in_that_is_refused_is_tried_a_second_time_and_then_not_for_hours() -> None:
    clock = FakeClock()
    target = Target(clock)
    waits = []
    for _ in range(4):
        target.failed(TargetNeedsPersonError(TargetReason.LOGIN, "401"), target.closings)
        waits.append(target.next_probe - clock.boot())
        clock.sleep(waits[-1])
    assert waits[0] < 60
    assert waits[1:] == pytest.approx([LOGIN_PROBE] * 3)
    assert LOGIN_PROBE > 2 * 3600


def test_a_refusal_tells_more_than_the_outage_before_it() -> None:
    target = Target(FakeClock())
    target.answered()
    target.failed(UnreachableError("reset"), 0)
    target.failed(FORBIDDEN, 0)
    assert target.health is Health.NEEDS_PERSON
    target.failed(UnreachableError("reset"), 0)
    assert target.health is Health.NEEDS_PERSON


def test_since_when_a_document_needs_a_person_outlives_a_restart_and_a_probe() -> None:
    clock = FakeClock()
    first = Target(clock)
    first.answered()
    first.failed(FORBIDDEN, first.closings)
    since = clock.wall()
    clock.sleep(3600)
    second = Target(clock)
    second.remember(first.as_json())
    second.answered()  # it shows its folder, which says nothing of writing into it
    second.failed(FORBIDDEN, second.closings)
    assert second.since == since


def test_a_log_in_that_works_again_after_a_restart_begins_the_time_anew() -> None:
    clock = FakeClock()
    first = Target(clock)
    first.failed(FORBIDDEN, first.closings)
    clock.sleep(3600)
    second = Target(clock)
    second.remember(first.as_json())
    second.answered()
    second.failed(FORBIDDEN, second.closings)
    assert second.since == clock.wall()


def test_a_server_that_answers_and_takes_no_document_is_told_until_it_takes_one() -> None:
    target = Target(FakeClock())
    target.answered()
    refused = TransientError("PUT: 500 Internal Server Error")
    assert [target.refused(refused) for _ in range(4)] == [False, False, True, False]
    assert json.loads(target.as_json())["detail"] == "PUT: 500 Internal Server Error"
    assert not target.answered()  # it shows its folder
    assert target.open
    assert target.detail
    assert target.took()
    assert json.loads(target.as_json())["detail"] == ""
    assert not target.took()
    for _ in range(2):  # some in a row, not in all
        assert not target.refused(refused)
    target.took()
    assert not target.refused(refused)
