"""What INGIS took, accepted or refused: heard only where it is certain, and without any effect on delivering."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingisfs.delivery import courier as courier_module
from ingisfs.delivery import following
from ingisfs.delivery.courier import Plan
from ingisfs.delivery.failures import (
    DoubtError,
    TargetNeedsPersonError,
    TargetReason,
    TransientError,
    UnreachableError,
)
from ingisfs.delivery.following import Pattern, told
from ingisfs.delivery.server import PREFIX, Entry
from ingisfs.delivery.webdav import WebDavServer
from ingisfs.outbox import choosing
from ingisfs.outbox.document import NEEDS_PERSON, Document, Reason, State
from ingisfs.outbox.intake import Rules
from ingisfs.outbox.outbox import Answer, Outbox
from tests.clocks import FakeClock
from tests.delivery import couriers
from tests.delivery.couriers import InlineWorker, StepCourier, delivering, get, until
from tests.documents import keep, pdf, xml
from tests.doubles import FaultyServer
from tests.servers import wait_for, wsgidav_server

PAUSE = 60.0  # s
REFUSED = (Pattern("{name}.err", State.REFUSED), Pattern("{stem}_rejected*", State.REFUSED))
ANSWERS = (*REFUSED, Pattern("rejected/{name}", State.REFUSED), Pattern("{name}.ack", State.ACCEPTED))


class Scene:
    """A courier that works when it is told to, with a clock that stands still meanwhile."""

    def __init__(self, folder: Path, server: FaultyServer, answers: tuple[Pattern, ...] = (), follow: float = PAUSE):
        self.folder = folder
        self.server = server
        self.clock = FakeClock()
        self.plan = Plan(Rules(pair_wait=0.0), workers=1, follow=follow, answers=answers)
        self.start()

    def start(self) -> None:
        self.outbox = Outbox(self.folder, settle=0.0, clock=self.clock)
        self.courier = StepCourier(self.outbox, self.plan, lambda: self.server)
        self.courier.begin()

    def restart(self) -> None:
        self.outbox.shut()
        self.start()

    def work(self, seconds: float = 0.0, rounds: int = 6) -> None:
        """Let time pass, and the courier do what there is to do then."""
        self.clock.sleep(seconds)
        for _ in range(rounds):
            self.courier.step()

    def look(self, times: int = 1) -> None:
        """Let the courier look so many times, or nearly."""
        for _ in range(times):
            self.work(following.LONGEST * PAUSE)

    def deliver(self, *names: str, text: str = "") -> list[str]:
        ids = [keep(self.outbox, n, pdf(n + text) if n.endswith("pdf") else xml(n + text)) for n in names]
        for _ in range(6):
            self.work(0.5)
        assert {get(self.outbox, each).state for each in ids} == {State.DELIVERED}
        return ids

    def followed(self, *names: str) -> list[str]:
        """Deliver documents that are seen on the server once."""
        ids = self.deliver(*names)
        self.look()
        assert self.witnesses()
        return ids

    def witnesses(self) -> list[str]:
        return [name for name in self.server.files if name.rpartition("/")[2].startswith(PREFIX)]

    def collect(self, *names: str) -> None:
        for name in names or list(self.server.finals()):
            del self.server.files[name]

    def state(self, document_id: str) -> State:
        return get(self.outbox, document_id).state


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(courier_module, "Worker", InlineWorker)
    made = Scene(tmp_path, FaultyServer())
    yield made
    made.outbox.shut()


@pytest.fixture
def asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """The same on a server that answers."""
    monkeypatch.setattr(courier_module, "Worker", InlineWorker)
    made = Scene(tmp_path, FaultyServer(), ANSWERS)
    yield made
    made.outbox.shut()


# ---- collected -------------------------------------------------------------------------------------------------------


def test_a_document_that_is_gone_at_two_looks_was_collected(scene: Scene) -> None:
    paper, data = scene.followed("F1.pdf", "F1.xml")
    scene.collect()
    scene.look()
    assert scene.state(paper) is State.DELIVERED, "one look is not enough"
    scene.look()
    assert (scene.state(paper), scene.state(data)) == (State.COLLECTED, State.COLLECTED)
    assert [step.after for step in scene.outbox.history("id = ?", (paper,))][-1] == "collected"
    assert scene.server.published == ["F1.pdf", "F1.xml"]


def test_what_is_still_there_was_not_collected(scene: Scene) -> None:
    paper, data = scene.followed("F1.pdf", "F1.xml")
    scene.collect("F1.pdf")
    scene.look(4)
    assert (scene.state(paper), scene.state(data)) == (State.COLLECTED, State.DELIVERED)


def test_what_comes_after_the_first_look_may_be_collected_before_the_next(scene: Scene) -> None:
    scene.followed("F1.pdf")
    (other,) = scene.deliver("F2.pdf")
    scene.collect("F2.pdf")
    scene.look(3)
    assert scene.state(other) is State.COLLECTED


def test_what_was_collected_over_night_is_known_after_a_restart(scene: Scene) -> None:
    ids = scene.followed("F1.pdf", "F1.xml") + scene.deliver("F2.pdf")
    scene.restart()
    scene.collect()
    scene.look(3)
    assert {scene.state(each) for each in ids} == {State.COLLECTED}


def test_an_empty_folder_after_a_restart_of_the_server_was_not_collected(scene: Scene) -> None:
    """The disk behind it is not there: for long, or only while we looked."""
    (paper,) = scene.followed("F1.pdf")
    there, scene.server.files = scene.server.files, {}
    scene.look(following.LOST + 3)
    assert scene.state(paper) is State.DELIVERED
    scene.server.files = there
    scene.look(following.LOST + 3)
    assert scene.state(paper) is State.DELIVERED
    scene.collect()
    scene.look(3)
    assert scene.state(paper) is State.COLLECTED, "it was seen again, and then it was gone"


@pytest.mark.parametrize("comes_back", [False, True])
def test_a_disk_that_goes_or_comes_in_the_middle_of_a_look_is_not_taken_for_a_collection(
    scene: Scene, comes_back: bool
) -> None:
    (paper,) = scene.followed("F1.pdf")
    (witness,) = scene.witnesses()
    there = dict(scene.server.files)
    listed = []

    def fault(operation: str, name: str) -> None:
        if operation == "entries":
            listed.append(name)
            scene.server.files = {}
        elif comes_back and listed and (operation, name) == ("entry", witness):
            scene.server.files = dict(there)

    scene.server.before = fault
    for _ in range(following.LOST - 1):
        listed.clear()
        scene.server.files = {} if comes_back else dict(there)
        scene.look()
        assert scene.state(paper) is State.DELIVERED


def test_a_folder_that_is_missing_was_not_collected(scene: Scene) -> None:
    (paper,) = scene.followed("F1.pdf")
    scene.collect()

    def missing(operation: str, name: str) -> None:
        if operation == "entries":
            raise TargetNeedsPersonError(TargetReason.FOLDER_MISSING, "inbox")

    scene.server.before = missing
    scene.look(5)
    assert scene.state(paper) is State.DELIVERED
    assert '"needs_person"' not in (scene.outbox.meta("target") or ""), "a look says nothing of the target"


def test_a_server_that_finds_nothing_at_all_has_not_had_its_documents_collected(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    (paper,) = scene.followed("F1.pdf")
    with monkeypatch.context() as patch:
        patch.setattr(scene.server, "entry", lambda name: None)
        patch.setattr(scene.server, "entries", lambda folder: {})
        scene.look(following.LOST + 3)
    assert scene.state(paper) is State.DELIVERED


def test_a_listing_that_leaves_a_document_out_is_not_believed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    (paper,) = scene.followed("F1.pdf")
    monkeypatch.setattr(scene.server, "entries", lambda folder: {})
    scene.look(5)
    assert scene.state(paper) is State.DELIVERED


def test_a_server_that_answers_from_memory_is_not_believed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    (paper,) = scene.followed("F1.pdf")
    (witness,) = scene.witnesses()
    old = {witness: Entry(7, "a")}  # as it was before the document came
    monkeypatch.setattr(scene.server, "entry", old.get)
    monkeypatch.setattr(scene.server, "entries", lambda folder: dict(old))
    scene.look(5)
    assert scene.state(paper) is State.DELIVERED
    assert scene.witnesses() == [witness], "the probes were removed"


@pytest.mark.parametrize("operation", ["entry", "entries", "put", "remove"])
@pytest.mark.parametrize("error", [UnreachableError("reset"), TransientError("500"), DoubtError("silence")])
def test_silence_says_nothing_and_harms_nothing(scene: Scene, operation: str, error: Exception) -> None:
    (paper,) = scene.followed("F1.pdf")
    scene.collect()

    def fault(done: str, name: str) -> None:
        if done == operation:
            raise error

    scene.server.before = fault
    scene.look(4)
    if operation != "remove":  # the probe was visible before that
        assert scene.state(paper) is State.DELIVERED
    scene.server.before = lambda operation, name: None
    scene.deliver("F2.pdf")
    scene.look(4)
    assert scene.state(paper) is State.COLLECTED


def test_what_was_gone_before_our_own_file_was_there_is_not_known(scene: Scene) -> None:
    (paper,) = scene.deliver("F1.pdf")
    scene.collect()
    scene.look(5)
    assert scene.state(paper) is State.DELIVERED


def test_a_file_that_comes_back_begins_the_doubt_anew(scene: Scene) -> None:
    (paper,) = scene.followed("F1.pdf")
    data = scene.server.files.pop("F1.pdf")
    scene.look()
    scene.server.files["F1.pdf"] = data
    scene.look()
    del scene.server.files["F1.pdf"]
    scene.look()
    assert scene.state(paper) is State.DELIVERED
    scene.look()
    assert scene.state(paper) is State.COLLECTED


def test_a_name_that_another_document_has_now_says_nothing_of_the_earlier_one(scene: Scene) -> None:
    (first,) = scene.followed("F1.pdf")
    scene.collect()
    again = keep(scene.outbox, "F1(1).pdf", pdf("again"))
    scene.work(1.0)
    scene.outbox.release_held([get(scene.outbox, again)])
    for _ in range(6):
        scene.work(1.0)
    assert scene.state(again) is State.DELIVERED
    scene.look(2)
    scene.collect()
    scene.look(3)
    assert (scene.state(first), scene.state(again)) == (State.DELIVERED, State.COLLECTED)


def test_what_was_collected_is_held_when_it_is_printed_again(scene: Scene) -> None:
    scene.followed("F1.pdf")
    scene.collect()
    scene.look(3)
    again = keep(scene.outbox, "F1(1).pdf", pdf("again"))
    scene.work(1.0)
    assert get(scene.outbox, again).reason == Reason.ALREADY_DELIVERED


# ---- what it costs ---------------------------------------------------------------------------------------------------


def test_a_look_is_one_listing_however_many_documents_there_are(scene: Scene) -> None:
    scene.followed(*(f"F{number}.pdf" for number in range(40)))
    before = scene.server.calls.copy()
    scene.work(following.LONGEST * PAUSE)
    calls = scene.server.calls[len(before) :]
    assert sum(1 for operation, _ in calls if operation == "entries") <= 2, "another is for what was given up"
    assert len(calls) < 10


def test_the_looks_become_rare_and_come_back_with_a_delivery(scene: Scene) -> None:
    scene.followed("F1.pdf")
    scene.look(6)

    def looks(seconds: int) -> int:
        before = scene.server.count("entries")
        for _ in range(seconds // 10):
            scene.work(10.0, rounds=3)
        return scene.server.count("entries") - before

    assert 3 <= looks(3600) <= 6, "every quarter of an hour, and one for what was given up"
    scene.deliver("F2.pdf")
    assert looks(130) >= 1


def test_nothing_is_asked_where_nothing_was_delivered_lately(scene: Scene) -> None:
    scene.followed("F1.pdf")
    scene.work((following.DAYS + 1) * 86400.0)
    calls = len(scene.server.calls)
    scene.look(4)
    assert {operation for operation, _ in scene.server.calls[calls:]} <= {"entries"}, "only what was given up"


def test_nothing_is_looked_at_when_the_settings_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: FaultyServer
) -> None:
    monkeypatch.setattr(courier_module, "Worker", InlineWorker)
    scene = Scene(tmp_path, server, follow=0.0)
    scene.deliver("F1.pdf")
    scene.look(5)
    assert scene.witnesses() == []
    scene.outbox.shut()


def test_a_courier_whose_drive_is_gone_looks_no_more(scene: Scene) -> None:
    scene.followed("F1.pdf")
    waiting = keep(scene.outbox, "F2.pdf", pdf("2"), close=False)
    scene.courier.wake("orphan")
    scene.work()
    calls = len(scene.server.calls)
    scene.look(2)
    assert {operation for operation, _ in scene.server.calls[calls:]} <= {"entries", "remove"}, "what was given up"
    assert not scene.courier._stopping
    scene.outbox.withdraw([get(scene.outbox, waiting)])
    scene.outbox.remove(get(scene.outbox, waiting))
    scene.work(1.0)
    assert scene.courier._stopping


def test_an_earlier_file_of_ours_is_swept_and_that_of_others_is_not(scene: Scene) -> None:
    scene.followed("F1.pdf")
    (old,) = scene.witnesses()
    scene.server.files.pop(old)
    stranger = ".ingisfs-0123456789ab-1-probe.part"
    scene.look(following.LOST + 2)
    scene.server.files.update({old: b"ingisfs", stranger: b"ingisfs"})
    scene.work(2 * courier_module.SWEEP)
    scene.work(1.0)
    assert old not in scene.witnesses()
    assert stranger in scene.witnesses()
    assert len(scene.witnesses()) == 2


def test_a_server_that_takes_our_own_file_too_is_given_three_and_no_more(scene: Scene) -> None:
    """Whoever takes everything out of the folder may have a complaint about each of them."""
    (paper,) = scene.followed("F1.pdf")
    given = set()
    for _ in range(following.TAKEN * (following.LOST + 3)):
        given.update(scene.witnesses())
        scene.server.files.clear()
        scene.look()
    assert len(given) == following.TAKEN
    assert scene.state(paper) is State.DELIVERED
    scene.restart()
    scene.look(2)
    assert scene.witnesses(), "who mounts again tries again"


def test_a_document_that_is_printed_while_a_look_is_under_way_goes_at_once(outbox: Outbox, tmp_path: Path) -> None:
    """It takes another worker."""
    server = FaultyServer()
    first = keep(outbox, "F1.pdf", pdf("1"))
    looking: list[str] = []
    after: list[int] = []

    def slow(operation: str, name: str) -> None:
        if operation == "entries" and any(n.endswith("-probe.part") for n in server.files):
            looking.append(name)
            wait_for(lambda: after, "the other document", couriers.LONG)

    server.before = slow
    plan = Plan(Rules(pair_wait=0.0), workers=2, follow=0.01)
    with delivering(outbox, plan, lambda: server) as courier:
        until(outbox, first, State.DELIVERED)
        wait_for(lambda: looking, "a look", couriers.LONG)
        second = keep(outbox, "F2.pdf", pdf("2"))
        courier.wake()
        try:
            until(outbox, second, State.DELIVERED)
        finally:
            after.append(1)


# ---- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "after"),
    [
        ("F1.pdf.err", State.REFUSED),
        ("F1_rejected.txt", State.REFUSED),
        ("F1_rejected", State.REFUSED),
        ("rejected/F1.pdf", State.REFUSED),
        ("F1.pdf.ack", State.ACCEPTED),
    ],
)
@pytest.mark.parametrize("collected", [False, True])
def test_an_answer_is_heard_and_left_where_it_is(asking: Scene, name: str, after: State, collected: bool) -> None:
    (paper,) = asking.followed("F1.pdf")
    if collected:
        asking.collect()
        asking.look(3)
        assert asking.state(paper) is State.COLLECTED
    asking.server.files[name] = b"Klant onbekend\r\nmeer\r\n"
    asking.look(2)
    document = get(asking.outbox, paper)
    assert document.state is after
    assert document.detail == f"{name}: Klant onbekend"
    assert document.needs_person is (after is State.REFUSED)
    assert asking.server.files[name] == b"Klant onbekend\r\nmeer\r\n"


def test_an_answer_by_stem_is_about_both_halves(asking: Scene) -> None:
    ids = asking.followed("F1.pdf", "F1.xml", "F10.pdf")
    asking.server.files["F1_rejected_20261125"] = b"no"
    asking.look(2)
    assert [asking.state(each) for each in ids] == [State.REFUSED, State.REFUSED, State.DELIVERED]


def test_an_answer_that_was_there_before_is_about_nothing_of_ours(asking: Scene) -> None:
    asking.server.files["F1.pdf.err"] = b"of long ago"
    (paper,) = asking.followed("F1.pdf")
    asking.look(3)
    assert asking.state(paper) is State.DELIVERED


def test_an_old_answer_to_an_earlier_print_does_not_refuse_its_correction(asking: Scene) -> None:
    (first,) = asking.followed("F1.pdf")
    asking.collect()
    asking.server.files["F1.pdf.err"] = b"wrong"
    asking.look(2)
    assert asking.state(first) is State.REFUSED
    (second,) = asking.deliver("F1.pdf", text="right")
    asking.look(4)
    assert asking.state(second) is State.DELIVERED
    assert not get(asking.outbox, first).needs_person, "its correction was delivered"
    asking.server.files["F1.pdf.err"] = b"wrong again"
    asking.look(2)
    assert asking.state(second) is State.REFUSED


def test_an_answer_that_came_around_a_second_print_is_not_taken_for_its_own(asking: Scene) -> None:
    """It may be about the first one, of which nothing was heard yet."""
    asking.followed("F1.pdf")
    asking.collect()
    again = keep(asking.outbox, "F1(1).pdf", pdf("again"))
    asking.work(1.0)
    asking.outbox.release_held([get(asking.outbox, again)])
    asking.server.files["F1.pdf.err"] = b"the first one is wrong"
    for _ in range(6):
        asking.work(1.0)
    asking.look(3)
    assert asking.state(again) is State.DELIVERED


def test_answers_that_were_away_with_their_folder_are_still_old_when_it_is_back(asking: Scene) -> None:
    asking.server.files["rejected/F1.pdf"] = b"of long ago"
    (paper,) = asking.followed("F1.pdf")
    away = asking.server.files.pop("rejected/F1.pdf")
    asking.look(2)
    asking.server.files["rejected/F1.pdf"] = away
    asking.look(2)
    assert asking.state(paper) is State.DELIVERED


def test_a_folder_for_answers_may_be_made_with_the_first_of_them(asking: Scene) -> None:
    def missing(operation: str, name: str) -> None:
        if (operation, name) == ("entries", "rejected") and not any(n.startswith("rejected/") for n in server.files):
            raise TargetNeedsPersonError(TargetReason.FOLDER_MISSING, "rejected")

    server = asking.server
    server.before = missing
    (paper,) = asking.followed("F1.pdf")
    server.files["rejected/F1.pdf"] = b""
    asking.look(2)
    assert (asking.state(paper), get(asking.outbox, paper).detail) == (State.REFUSED, "rejected/F1.pdf")


def test_an_answer_that_cannot_be_read_now_is_read_later(asking: Scene) -> None:
    (paper,) = asking.followed("F1.pdf")
    asking.server.files["F1.pdf.err"] = b"wrong"
    left = [TransientError("500")]

    def fault(operation: str, name: str) -> None:
        if operation == "get" and left:
            raise left.pop()

    asking.server.before = fault
    asking.look(4)
    assert (asking.state(paper), left) == (State.REFUSED, [])


def test_new_patterns_make_no_old_file_an_answer(asking: Scene) -> None:
    (paper,) = asking.followed("F1.pdf")
    asking.server.files["F1.pdf.nok"] = b"old"
    asking.plan = Plan(Rules(pair_wait=0.0), workers=1, follow=PAUSE, answers=(Pattern("{name}.nok", State.REFUSED),))
    asking.restart()
    asking.look(3)
    assert asking.state(paper) is State.DELIVERED


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"\n  \r\n Klant 12 \x1b[31monbekend\x07\n", "Klant 12 [31monbekend"),
        ("é".encode(), "é"),
        ("é".encode("latin-1"), "é"),
        ("\ufeffBOM".encode(), "BOM"),
        ("naïef".encode("utf-16"), "naïef"),
        ("é".encode() * 600, "é" * 300),
        (b"a" + "é".encode() * 600, ("a" + "é" * 600)[:300]),
        ("a\u202eb".encode(), "a b"),
    ],
)
def test_an_answer_is_told_in_one_harmless_line(data: bytes, text: str) -> None:
    assert told(data) == text


# ---- what follows from it --------------------------------------------------------------------------------------------


def heard(scene: Scene, document_id: str, after: State, detail: str = "") -> list[Document]:
    return scene.outbox.hear([Answer(document_id, after, detail)], {"place": "12"})


def test_what_ingis_says_of_a_document_is_noted_with_the_place_in_its_feed(scene: Scene) -> None:
    (paper,) = scene.deliver("F1.pdf")
    assert [document.id for document in heard(scene, paper, State.REFUSED, "unknown customer")] == [paper]
    assert scene.outbox.meta("place") == "12"
    assert heard(scene, paper, State.REFUSED, "again") == []
    assert heard(scene, paper, State.COLLECTED) == []
    assert get(scene.outbox, paper).detail == "unknown customer"
    heard(scene, paper, State.ACCEPTED)
    document = get(scene.outbox, paper)
    assert (document.state, document.reason, document.detail) == (State.ACCEPTED, None, "")


def test_what_was_not_delivered_is_not_answered(scene: Scene) -> None:
    held = keep(scene.outbox, "F1.pdf", b"")
    scene.work(1.0)
    assert heard(scene, held, State.COLLECTED) == []
    assert heard(scene, "nobody", State.REFUSED) == []
    assert scene.state(held) in NEEDS_PERSON


def test_a_refused_document_makes_room_for_its_correction_with_its_other_half(scene: Scene) -> None:
    paper, data = scene.deliver("F1.pdf", "F1.xml")
    heard(scene, data, State.REFUSED, "no")
    assert not get(scene.outbox, paper).listed
    assert not get(scene.outbox, data).listed


def test_a_half_of_which_ingis_said_nothing_is_not_sent_again_by_itself(scene: Scene) -> None:
    _, data = scene.deliver("F1.pdf", "F1.xml")
    heard(scene, data, State.REFUSED, "no")
    again = [keep(scene.outbox, "F1.pdf", pdf("b")), keep(scene.outbox, "F1.xml", xml("b"))]
    scene.work(1.0)
    assert {get(scene.outbox, each).reason for each in again} == {Reason.ALREADY_DELIVERED}


def test_a_pair_that_was_refused_as_a_whole_is_sent_when_it_is_corrected(scene: Scene) -> None:
    for each in scene.deliver("F1.pdf", "F1.xml"):
        heard(scene, each, State.REFUSED, "no")
    assert scene.outbox.needing_person_count() == 2
    scene.deliver("F1.pdf", "F1.xml", text="right")
    assert scene.outbox.needing_person_count() == 0


def test_what_ingis_accepted_is_held_when_it_is_printed_again(scene: Scene) -> None:
    (paper,) = scene.deliver("F1.pdf")
    heard(scene, paper, State.ACCEPTED)
    again = keep(scene.outbox, "F1(1).pdf", pdf("b"))
    scene.work(1.0)
    assert get(scene.outbox, again).reason == Reason.ALREADY_DELIVERED


def test_a_person_deals_with_what_was_refused(scene: Scene) -> None:
    (paper,) = scene.deliver("F1.pdf")
    heard(scene, paper, State.REFUSED, "no")
    assert [document.id for document in choosing.pending(scene.outbox)] == [paper]
    chosen, unknown = choosing.choose(scene.outbox, "withdraw", ["F1"])
    assert not unknown
    assert scene.outbox.withdraw(chosen)
    assert scene.state(paper) is State.REFUSED
    assert scene.outbox.needing_person_count() == 0
    assert choosing.pending(scene.outbox) == []
    assert scene.outbox.withdraw(chosen) == []


# ---- for real --------------------------------------------------------------------------------------------------------


def test_what_is_taken_from_a_real_server_was_collected_and_what_it_answers_is_heard(
    outbox: Outbox, tmp_path: Path
) -> None:
    plan = Plan(Rules(pair_wait=0.0), workers=2, follow=0.2, answers=ANSWERS)
    paper, data = keep(outbox, "F1.pdf", pdf("1")), keep(outbox, "F2.xml", xml("2"))
    with wsgidav_server(tmp_path / "server") as server:
        (server.root / "rejected").mkdir()

        def connect() -> WebDavServer:
            return WebDavServer(server.url, server.user, server.password)

        with delivering(outbox, plan, connect):
            until(outbox, paper, State.DELIVERED)
            until(outbox, data, State.DELIVERED)
            wait_for(lambda: '"witness": 1' in (outbox.meta(following.NOTE) or ""), "a first look", couriers.LONG)
            (server.root / "F1.pdf").unlink()
            (server.root / "rejected" / "F2.xml").write_text("Klant onbekend", encoding="utf-8")
            until(outbox, paper, State.COLLECTED)
            assert until(outbox, data, State.REFUSED).detail == "rejected/F2.xml: Klant onbekend"
        assert (server.root / "F2.xml").exists()
        assert (server.root / "rejected" / "F2.xml").exists()
