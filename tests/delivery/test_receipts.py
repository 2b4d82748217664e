"""What the portal tells of documents is heard once, in its order, and never before a doubt is resolved."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ingisfs.delivery import courier as courier_module
from ingisfs.delivery.courier import Plan
from ingisfs.delivery.failures import DoubtError, TargetNeedsPersonError, TargetReason, UnreachableError
from ingisfs.delivery.following import LONGEST
from ingisfs.delivery.portal import PortalServer
from ingisfs.delivery.receipts import Receipt, Receipts
from ingisfs.outbox.document import Reason, State
from ingisfs.outbox.intake import Rules
from ingisfs.outbox.outbox import Outbox
from ingisfs.outbox.reading import RECEIPTS
from ingisfs.report.snapshot import DriveFacts, Snapshot, take_snapshot
from ingisfs.report.text import as_text
from tests.clocks import FakeClock
from tests.delivery.couriers import LONG, InlineWorker, StepCourier, all_delivered, delivering, fail_once, get
from tests.documents import keep, pdf, xml
from tests.doubles import FaultyServer
from tests.servers import stage_server, wait_for

PAUSE = 60.0  # s
AT_ONCE = 2  # receipts in one answer


class Portal(FaultyServer):
    """A server in memory with a feed."""

    def __init__(self) -> None:
        super().__init__()
        self.feed: list[Receipt] = []

    def tell(self, state: str, name: str, digest: str = "", *, key: str = "", reason: str = "") -> None:
        self.feed.append(Receipt(name, digest, state, reason, 0.0, str(len(self.feed) + 1), key))

    def receipts(self, after: str = "", limit: int = AT_ONCE) -> list[Receipt]:
        self._call("receipts", after)
        return self.feed[int(after or "0") :][:limit]


class Scene:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = Portal()
        self.clock = FakeClock()
        self.start()

    def start(self) -> None:
        self.outbox = Outbox(self.folder, settle=0.0, clock=self.clock)
        plan = Plan(Rules(pair_wait=0.0), workers=1, follow=PAUSE, receipts=True)
        self.courier = StepCourier(self.outbox, plan, lambda: self.server)
        self.courier.begin()

    def restart(self) -> None:
        self.outbox.shut()
        self.start()

    def work(self, seconds: float = 0.0, rounds: int = 6) -> None:
        self.clock.sleep(seconds)
        for _ in range(rounds):
            self.courier.step()

    def deliver(self, name: str) -> str:
        document_id = keep(self.outbox, name, pdf(name) if name.endswith("pdf") else xml(name))
        for _ in range(6):
            self.work(0.5)
        assert self.state(document_id) is State.DELIVERED
        return document_id

    def state(self, document_id: str) -> State:
        return get(self.outbox, document_id).state


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(courier_module, "Worker", InlineWorker)
    made = Scene(tmp_path)
    yield made
    made.outbox.shut()


def test_received_says_nothing_new_collected_and_refused_do(scene: Scene) -> None:
    good, bad = scene.deliver("F1.pdf"), scene.deliver("F2.pdf")
    for name, key in (("F1.pdf", good), ("F2.pdf", bad)):
        scene.server.tell("received", name, key=key)
    scene.work(PAUSE)
    assert (scene.state(good), scene.state(bad)) == (State.DELIVERED, State.DELIVERED)
    scene.server.tell("collected", "F1.pdf", key=good)
    scene.server.tell("collected", "F2.pdf", key=bad)
    scene.server.tell("refused", "F2.pdf", key=bad, reason="Klant onbekend")
    scene.work(LONGEST * PAUSE)
    assert scene.state(good) is State.COLLECTED
    document = get(scene.outbox, bad)
    assert (document.state, document.reason, document.detail) == (
        State.REFUSED,
        Reason.INGIS_REFUSED,
        "Klant onbekend",
    )


def test_what_is_told_without_a_key_is_about_the_document_with_that_name_and_those_bytes(scene: Scene) -> None:
    document_id = scene.deliver("F1.pdf")
    scene.server.tell("refused", "F1.pdf", "0" * 64, reason="of somebody else")
    scene.work(PAUSE)
    assert scene.state(document_id) is State.DELIVERED
    scene.server.tell("refused", "F1.pdf", get(scene.outbox, document_id).sha256, reason="ours")
    scene.work(LONGEST * PAUSE)
    assert get(scene.outbox, document_id).detail == "ours"


def test_a_word_that_is_not_known_and_a_stranger_are_passed_by(scene: Scene) -> None:
    document_id = scene.deliver("F1.pdf")
    scene.server.tell("polished", "F1.pdf", key=document_id)
    scene.server.tell("refused", "F9.pdf", key="nobody")
    scene.server.tell("collected", "F1.pdf", key=document_id)
    scene.work(PAUSE)
    assert scene.state(document_id) is State.COLLECTED


def test_the_place_in_the_feed_outlives_a_restart(scene: Scene) -> None:
    document_id = scene.deliver("F1.pdf")
    scene.server.tell("refused", "F1.pdf", key=document_id, reason="first")
    scene.work(PAUSE)
    scene.outbox.withdraw([get(scene.outbox, document_id)])  # dealt with
    scene.restart()
    scene.work(PAUSE)
    scene.work(LONGEST * PAUSE)
    assert not get(scene.outbox, document_id).needs_person, "it was heard once"
    assert json.loads(scene.outbox.meta(RECEIPTS) or "") == {"cursor": "1"}


def test_a_receipt_about_a_document_in_doubt_is_heard_when_the_doubt_is_resolved(scene: Scene) -> None:
    scene.server.before = fail_once("publish", DoubtError("silence"))
    document_id = keep(scene.outbox, "F1.pdf", pdf("1"))
    scene.clock.sleep(0.5)
    while scene.state(document_id) is not State.PUBLISHING:
        scene.courier.step()
    scene.server.tell("collected", "F0.pdf", key="nobody")
    scene.server.tell("collected", "F1.pdf", key=document_id)
    reader = Receipts(scene.outbox, PAUSE)
    look = reader.look(fresh=True)
    assert look is not None
    look(scene.server)()
    assert json.loads(scene.outbox.meta(RECEIPTS) or "") == {"cursor": "1"}, "as far as it is certain"
    for _ in range(3):
        scene.work(LONGEST * PAUSE)
    assert scene.state(document_id) is State.COLLECTED


def test_many_receipts_are_read_one_page_after_the_other(scene: Scene) -> None:
    ids = [scene.deliver(f"F{number}.pdf") for number in range(5 * AT_ONCE)]
    for number, document_id in enumerate(ids):
        scene.server.tell("collected", f"F{number}.pdf", key=document_id)
    scene.work(PAUSE, rounds=20)
    assert {scene.state(document_id) for document_id in ids} == {State.COLLECTED}


def test_an_idle_drive_asks_less_and_less_often_and_soon_again_after_a_delivery(scene: Scene) -> None:
    scene.work(PAUSE)
    begun = scene.server.count("receipts")
    for _ in range(240):
        scene.work(PAUSE, rounds=1)
    assert 15 < scene.server.count("receipts") - begun < 25, "every quarter of an hour in four hours"
    asked = scene.server.count("receipts")
    scene.deliver("F1.pdf")
    scene.work(PAUSE)
    assert scene.server.count("receipts") == asked + 1


@pytest.mark.parametrize("error", [UnreachableError("reset"), TargetNeedsPersonError(TargetReason.LOGIN, "401")])
def test_a_feed_that_cannot_be_read_says_nothing_of_the_target_and_is_read_later(
    scene: Scene, error: Exception
) -> None:
    document_id = scene.deliver("F1.pdf")
    scene.server.tell("collected", "F1.pdf", key=document_id)
    scene.server.before = fail_once("receipts", error)
    scene.work(PAUSE)
    assert scene.state(document_id) is State.DELIVERED
    assert '"ok"' in (scene.outbox.meta("target") or "")
    scene.work(LONGEST * PAUSE)
    assert scene.state(document_id) is State.COLLECTED


def test_no_feed_is_read_where_following_is_turned_off(scene: Scene) -> None:
    assert Receipts(scene.outbox, 0.0).look(fresh=True) is None


def test_a_note_that_cannot_be_read_begins_the_feed_anew(scene: Scene) -> None:
    scene.outbox.set_meta(RECEIPTS, "[]")
    document_id = scene.deliver("F1.pdf")
    scene.restart()
    scene.server.tell("collected", "F1.pdf", key=document_id)
    scene.work(PAUSE)
    assert scene.state(document_id) is State.COLLECTED


def test_the_feed_of_the_real_portal_is_read_to_its_end(tmp_path: Path) -> None:
    with stage_server(tmp_path / "stage") as stage:
        outbox = Outbox(tmp_path / "outbox", settle=0.0)
        try:
            ids = [keep(outbox, f"F{number}.pdf", pdf(str(number))) for number in range(3)]
            plan = Plan(Rules(pair_wait=0.0), workers=1, follow=0.1, receipts=True)
            url = f"ingis+http://127.0.0.1:{stage.port}/"
            with delivering(outbox, plan, lambda: PortalServer(url, stage.user, stage.password)):
                all_delivered(outbox)
                with closing(sqlite3.connect(stage.folder / "stage.db", timeout=30)) as database, database:
                    database.execute(
                        "INSERT INTO receipts (key, name, sha256, state, reason, at)"
                        " SELECT '', name, sha256, 'collected', '', at FROM receipts"
                    )
                wait_for(lambda: '"6"' in (outbox.meta(RECEIPTS) or ""), "the feed to be read", LONG)
            assert {get(outbox, document_id).state for document_id in ids} == {State.COLLECTED}
        finally:
            outbox.shut()


def test_what_ingis_says_last_is_told_and_invoices_are_counted(scene: Scene) -> None:
    assert taken(scene).ingis is None, "not asked yet"
    paper, data = scene.deliver("F1.pdf"), scene.deliver("F1.xml")
    other = scene.deliver("F2.pdf")
    scene.work(PAUSE)
    assert taken(scene).ingis == {"refused": 0, "new": 0, "viewed": 0, "sent": 0}, "asked, and nothing was said"
    for word in ("collected", "new", "viewed"):
        scene.server.tell(word, "F1.pdf", key=paper)
        scene.server.tell(word, "F1.xml", key=data)
    scene.server.tell("refused", "F2.pdf", key=other, reason="Klant onbekend")
    for _ in range(4):
        scene.work(LONGEST * PAUSE)
    snapshot = taken(scene)
    assert snapshot.ingis == {"refused": 1, "new": 0, "viewed": 1, "sent": 0}
    assert {row.document.name: row.said for row in snapshot.documents} == {
        "F1.pdf": "viewed",
        "F1.xml": "viewed",
        "F2.pdf": "refused",
    }
    page = as_text(snapshot).decode()
    assert "1 geweigerd, 0 nieuw voor klanten, 1 bekeken door klanten" in page
    assert re.search(r"F1\.pdf .* bekeken ", page)
    told = [(step.before, step.after, step.why) for step in scene.outbox.history("id = ?", (paper,))][-3:]
    assert told == [
        ("delivered", "collected", ""),
        ("collected", "accepted", "new"),
        ("accepted", "accepted", "viewed"),
    ]


def test_a_word_that_is_said_again_is_no_news(scene: Scene) -> None:
    document_id = scene.deliver("F1.pdf")
    for _ in range(2):
        scene.server.tell("viewed", "F1.pdf", key=document_id)
    scene.work(PAUSE)
    assert len([step for step in scene.outbox.history("id = ?", (document_id,)) if step.why == "viewed"]) == 1


def taken(scene: Scene) -> Snapshot:
    facts = DriveFacts("king", "https://x/", mounted_since=None, language="nl", portal=None, host="")
    return take_snapshot(scene.outbox, facts, scene.clock.wall(), clock=scene.clock)
