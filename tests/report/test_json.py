"""INGIS-STATUS.json keeps to its schema, whatever is in the outbox, and says null where nobody knows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator, ValidationError

from ingisfs.delivery.failures import TargetReason
from ingisfs.delivery.target import Health
from ingisfs.outbox.document import Reason, State
from ingisfs.outbox.outbox import Decision, Outbox
from ingisfs.report.snapshot import DriveFacts, Snapshot, take_snapshot
from ingisfs.report.text import LIMIT, Unreadable, as_json, as_text, documents_json
from tests.clocks import FakeClock
from tests.report.snapshots import snapshots
from tests.report.steps import Steps

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA: dict[str, Any] = json.loads((DOCS / "status.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)


def checked(content: bytes) -> dict[str, Any]:
    """Return the content of a file that keeps to the schema."""
    found: dict[str, Any] = json.loads(content.decode("utf-8"), parse_constant=pytest.fail)
    VALIDATOR.validate(found)
    return found


def status(outbox: Outbox, drive: DriveFacts, *alarms: str) -> dict[str, Any]:
    return checked(as_json(take_snapshot(outbox, drive, outbox.clock.wall(), alarms, clock=outbox.clock)))


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_lists_what_the_code_has() -> None:
    document = SCHEMA["$defs"]["document"]["properties"]
    assert document["state"]["enum"] == list(State)
    assert document["reason"]["enum"] == [*Reason, None]
    assert SCHEMA["properties"]["counts"]["required"] == list(SCHEMA["properties"]["counts"]["properties"])
    assert SCHEMA["properties"]["counts"]["required"] == list(State)
    target = SCHEMA["properties"]["target"]["properties"]
    assert set(target["state"]["enum"]) == set(Health)
    assert target["reason"]["enum"] == [*TargetReason, None]


def test_the_example_in_the_docs_keeps_to_the_schema() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", (DOCS / "status.md").read_text(encoding="utf-8"), re.DOTALL)
    content = checked(example.encode())
    assert content["needs_person"] == len([d for d in content["documents"] if d["reason"]])


def test_the_docs_name_every_state_reason_and_key() -> None:
    text = (DOCS / "status.md").read_text(encoding="utf-8")
    for word in (*State, *Reason, *TargetReason, *SCHEMA["properties"]):
        assert f"`{word}`" in text or f'"{word}"' in text, word


def _nothing(steps: Steps) -> None:
    del steps


def _one_pair_delivered(steps: Steps) -> None:
    steps.deliver("F1.pdf", "F1.xml")


def _a_document_in_every_state_of_its_path(steps: Steps) -> None:
    steps.print("W.pdf", close=False)
    steps.print("S.pdf")
    steps.queue("Q.pdf")
    steps.upload("U.pdf")
    steps.publish("P.pdf")
    steps.deliver("D.pdf")
    steps.print("~$x.tmp")
    steps.outbox.remove(steps.get(steps.print("X.pdf")))
    steps.print("Y.pdf")
    steps.print("Y.pdf")


def _held_for_every_reason(steps: Steps) -> None:
    for reason in Reason:
        steps.hold(f"{reason}.pdf", reason, "detail", data=b"")


def _parked_and_retried(steps: Steps) -> None:
    steps.park("K.pdf", Reason.SERVER_REFUSED, "PUT: 413 Content Too Large")
    (document_id,) = steps.upload("R.pdf")
    steps.outbox.put_back([steps.get(document_id)], 60, "PUT: 503")
    (document_id,) = steps.publish("B.pdf")
    steps.outbox.doubt([steps.get(document_id)], 60, "time-out")


def _odd_names_in_folders(steps: Steps) -> None:
    steps.print("Crème brûlée 請求書 “1”.pdf", folder="Privé/Eén")
    steps.print("a\u202eb.xml")
    steps.print("x" * 250 + ".pdf")


def _more_than_is_shown(steps: Steps) -> None:
    steps.queue(*(f"Q{number}.pdf" for number in range(210)))
    for number in range(210):
        steps.hold(f"H{number}.pdf", Reason.EMPTY, data=b"")


def _target_of_a_later_version(steps: Steps) -> None:
    steps.outbox.set_meta("target", '{"state": "needs_person", "reason": "moon-phase", "detail": null, "since": 0}')


@pytest.mark.parametrize(
    "fill",
    [
        _nothing,
        _one_pair_delivered,
        _a_document_in_every_state_of_its_path,
        _held_for_every_reason,
        _parked_and_retried,
        _odd_names_in_folders,
        _more_than_is_shown,
        _target_of_a_later_version,
    ],
)
def test_whatever_is_in_the_outbox_keeps_to_the_schema(
    fill: Callable[[Steps], None], steps: Steps, outbox: Outbox, drive: DriveFacts
) -> None:
    fill(steps)
    content = status(outbox, drive, "unkept")
    assert len(content["documents"]) <= 400
    ids = {document["id"] for document in content["documents"]}
    assert all(document["pair"] in ids for document in content["documents"] if document["pair"])


def test_the_file_is_bounded_whatever_is_in_it(steps: Steps, outbox: Outbox, drive: DriveFacts) -> None:
    for number in range(210):
        steps.hold(f"{number}{'é' * 120}.pdf", Reason.DOUBTFUL, "\x01" * 2000)
    steps.queue(*(f"{number}{'é' * 120}.xml" for number in range(210)))
    taken = take_snapshot(outbox, drive, 0.0)
    content = checked(as_json(taken))
    for rendered in (as_json(taken), as_text(taken)):
        assert len(rendered) <= LIMIT
    names = [document["name"] for document in content["documents"]]
    assert 0 < sum(name.endswith(".pdf") for name in names) < 200
    assert 0 < sum(name.endswith(".xml") for name in names) < 200
    assert (content["needs_person"], content["waiting"]) == (210, 210)


@settings(deadline=None)
@given(snapshots())
def test_any_snapshot_keeps_to_the_schema(snapshot: Snapshot) -> None:
    checked(as_json(snapshot))


def test_a_document_is_told_in_full(steps: Steps, outbox: Outbox, drive: DriveFacts, clock: FakeClock) -> None:
    document_id = steps.print("F1.pdf", data=b"abc")
    outbox.decide([Decision(steps.get(document_id), State.QUEUED)])
    outbox.claim([(steps.get(document_id), "in/F1.pdf")])
    outbox.put_back([steps.get(document_id)], 60, "PUT: 503")
    outbox.claim([(steps.get(document_id), "in/F1.pdf")])
    outbox.mark_publishing([[(steps.get(document_id), "")]])
    outbox.doubt([steps.get(document_id)], 60, "MOVE: time-out")
    outbox.doubt([steps.get(document_id)], 60, "MOVE: time-out")
    clock.sleep(0.25)
    assert status(outbox, drive)["documents"] == [
        {
            "id": document_id,
            "name": "F1.pdf",
            "folder": "",
            "state": "publishing",
            "size": 3,
            "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "written_at": "2026-11-25T13:03:05.000Z",
            "delivered_at": None,
            "attempts": 2,
            "next_try": "2026-11-25T13:04:05.000Z",
            "reason": None,
            "detail": "MOVE: time-out",
            "remote_name": "in/F1.pdf",
            "pair": None,
            "ingis": None,
        }
    ]


def test_documents_of_a_command_are_those_of_the_status_without_their_next_try(
    steps: Steps, outbox: Outbox, drive: DriveFacts
) -> None:
    documents = [steps.get(document_id) for document_id in steps.queue("F1.pdf", "F1.xml")]
    expected = status(outbox, drive)["documents"]
    for document in expected:
        del document["next_try"]
    assert json.loads(documents_json(documents, "nl")) == expected[::-1]


def test_what_ingis_did_is_null_and_never_zero(steps: Steps, outbox: Outbox, drive: DriveFacts) -> None:
    steps.deliver("F1.pdf", "F1.xml")
    content = status(outbox, drive)
    assert content["ingis"] is None
    assert (content["counts"]["refused"], content["counts"]["collected"]) == (None, None)
    assert content["counts"]["delivered"] == 2


def test_what_is_known_of_ingis_is_told(steps: Steps, outbox: Outbox, drive: DriveFacts) -> None:
    for after in (State.COLLECTED, State.ACCEPTED, State.REFUSED):
        steps.answer(f"{after}.pdf", after, "Klant onbekend")
    content = status(outbox, drive)
    assert [content["counts"][state] for state in ("collected", "accepted", "refused")] == [1, 1, 1]
    assert content["needs_person"] == 1
    refused = content["documents"][0]
    told = (refused["state"], refused["reason"], refused["detail"])
    assert told == ("refused", "ingis-refused", "Klant onbekend")


def test_when_something_was_printed_last_and_a_pause_are_told(
    steps: Steps, outbox: Outbox, drive: DriveFacts, clock: FakeClock
) -> None:
    assert status(outbox, drive)["last_written_at"] is None
    steps.deliver("F1.pdf")
    steps.hold("F2.pdf", Reason.EMPTY)
    clock.sleep(4 * 86_400)
    content = status(outbox, drive)
    assert (content["last_written_at"], content["paused_until"]) == ("2026-11-25T13:03:05.000Z", None)
    outbox.set_meta("paused_until", repr(clock.wall() + 3600))
    assert status(outbox, drive)["paused_until"] == "2026-11-29T14:03:05.000Z"


def test_the_keys_are_always_in_the_order_of_the_schema(steps: Steps, outbox: Outbox, drive: DriveFacts) -> None:
    steps.deliver("F1.pdf")
    content = status(outbox, drive)
    assert list(content) == list(SCHEMA["properties"]) == SCHEMA["required"]
    assert list(content["counts"]) == list(State)
    assert list(content["target"]) == SCHEMA["properties"]["target"]["required"]
    assert list(content["documents"][0]) == SCHEMA["$defs"]["document"]["required"]


def test_the_same_snapshot_gives_the_same_bytes(steps: Steps, outbox: Outbox, drive: DriveFacts) -> None:
    steps.deliver("F1.pdf", "F1.xml")
    assert status(outbox, drive) == status(outbox, drive)
    assert as_json(take_snapshot(outbox, drive, 0.0)) == as_json(take_snapshot(outbox, drive, 0.0))


@pytest.mark.parametrize(
    ("at", "key", "value"),
    [
        ((), "extra", 1),
        (("target",), "extra", 1),
        (("target",), "reason", "login"),
        (("counts",), "extra", 1),
        (("documents", 0), "extra", 1),
        ((), "taken_at", "2026-11-25T13:03:05+01:00"),
        ((), "waiting", -1),
        ((), "counts", None),
    ],
)
def test_the_schema_is_strict(
    steps: Steps, outbox: Outbox, drive: DriveFacts, at: tuple[Any, ...], key: str, value: Any
) -> None:
    steps.deliver("F1.pdf")
    outbox.set_meta("target", '{"state": "ok"}')
    content = status(outbox, drive)
    place: Any = content
    for step in at:
        place = place[step]
    place[key] = value
    with pytest.raises(ValidationError):
        VALIDATOR.validate(content)


def test_an_outbox_that_cannot_be_read_is_told_within_the_schema(drive: DriveFacts, clock: FakeClock) -> None:
    content = checked(as_json(Unreadable(drive, clock.wall(), "OutboxDamagedError: malformed", ("unkept",))))
    assert content["problem"] == "OutboxDamagedError: malformed"
    assert (content["counts"], content["waiting"], content["needs_person"]) == (None, None, None)
    assert content["documents"] == []
    assert content["alarms"] == ["unkept"]
