"""What a person is told, and how often: once, and once more when it is over."""

from __future__ import annotations

import json
import sqlite3
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from ingisfs import alarms
from ingisfs.alarms import watch as module
from ingisfs.alarms.watch import LATER_LIMIT, LATER_PAUSE, RUN_LIMIT, Watch
from ingisfs.alarms.ways import Message, Way
from ingisfs.config import Drive
from ingisfs.outbox.document import Reason, State
from ingisfs.outbox.outbox import Decision, Release
from tests.alarms.conftest import Person, Scene
from tests.servers import wait_for

HOUR = 3600.0
SERVER = "de server heeft iemand nodig"
WELL = "alles is weer in orde"


# ---- once, and an all-clear --------------------------------------------------------------------------------------


def test_a_server_that_needs_a_person_is_told_once_and_its_end_too(scene: Scene) -> None:
    scene.watch()
    scene.target("needs_person", "login", "401 Unauthorized")
    scene.looks(HOUR)
    (message,) = scene.person.messages
    assert scene.told() == [SERVER]
    assert message.urgent
    assert "De server weigert de gebruiker, het wachtwoord of de sleutel." in message.text
    assert "401 Unauthorized" in message.text
    assert "ingisfs status" in message.text
    scene.target("ok")
    scene.looks(HOUR)
    (message,) = scene.person.messages
    assert scene.told() == [WELL]
    assert not message.urgent
    assert "De server antwoordt weer goed." in message.text


def test_nothing_is_told_of_a_drive_that_is_well(scene: Scene) -> None:
    scene.watch()
    scene.target("ok")
    scene.steps.deliver("F1.pdf", "F2.pdf")
    scene.looks(HOUR)
    assert scene.told() == []
    assert not (scene.drive.state_folder / "alarms.json").exists()


def test_a_server_that_was_only_starting_alarms_nobody(scene: Scene) -> None:
    scene.watch()
    scene.target("needs_person", "login")
    scene.looks(10)
    scene.target("ok")
    scene.looks(HOUR)
    assert scene.told() == []


def test_a_server_that_answers_for_a_moment_only_is_not_well(scene: Scene) -> None:
    scene.watch()
    scene.target("needs_person", "forbidden")
    scene.looks(60)
    assert scene.told() == [SERVER]
    for _ in range(20):  # every quarter of an hour its folder is shown, and the next document refused
        scene.target("ok")
        scene.looks(10)
        scene.target("needs_person", "forbidden")
        scene.looks(900)
    assert scene.told() == []


def test_a_server_that_is_away_afterwards_is_not_well(scene: Scene) -> None:
    scene.watch()
    scene.target("needs_person", "login")
    scene.looks(60)
    scene.target("unreachable")
    scene.looks(HOUR)
    assert scene.told() == [SERVER]


def test_another_reason_is_told_for_there_is_something_else_to_do(scene: Scene) -> None:
    scene.watch()
    scene.target("needs_person", "login")
    scene.looks(60)
    scene.told()
    scene.target("needs_person", "folder-missing")
    scene.looks(60)
    (message,) = scene.person.messages
    assert "De map bestaat niet op de server." in message.text


def test_the_language_is_the_drives(scene: Scene) -> None:
    scene.watch(language="en")
    scene.target("needs_person", "login")
    scene.looks(60)
    assert scene.told() == ["the server needs a person"]


# ---- documents ---------------------------------------------------------------------------------------------------


def test_a_held_document_is_told_with_its_name_and_what_to_do(scene: Scene) -> None:
    scene.watch()
    scene.steps.hold("F1.pdf", Reason.PDF_NOT_WHOLE)
    scene.looks(HOUR)
    (message,) = scene.person.messages
    assert scene.told() == ["1 document heeft iemand nodig"]
    assert "F1.pdf is niet compleet" in message.text
    assert "Druk het opnieuw af" in message.text


def test_what_the_server_said_of_a_document_is_told(scene: Scene) -> None:
    scene.watch(portal="https://portaal.example.nl/")
    scene.steps.park("F1.pdf", Reason.SERVER_REFUSED, "413 Content Too Large")
    scene.looks(60)
    (message,) = scene.person.messages
    assert "413 Content Too Large" in message.text
    assert "https://portaal.example.nl/" in message.text


def test_what_ingis_refused_is_told_with_its_words_and_is_over_when_it_is_dealt_with(scene: Scene) -> None:
    scene.watch()
    document_id = scene.steps.answer("F1.pdf", State.REFUSED, "Klant onbekend")
    scene.looks(HOUR)
    (message,) = scene.person.messages
    assert scene.told() == ["1 document heeft iemand nodig"]
    assert "INGIS heeft F1.pdf geweigerd" in message.text
    assert "Klant onbekend" in message.text
    scene.outbox.withdraw([scene.steps.get(document_id)])
    scene.looks(HOUR)
    assert len(scene.told()) == 1
    scene.looks(HOUR)
    assert scene.told() == []


def test_what_was_collected_or_accepted_alarms_nobody(scene: Scene) -> None:
    scene.watch()
    scene.steps.answer("F1.pdf", State.COLLECTED)
    scene.steps.answer("F2.pdf", State.ACCEPTED)
    scene.looks(HOUR)
    assert scene.told() == []


def test_a_run_of_held_documents_is_one_alarm(scene: Scene) -> None:
    scene.watch()
    for number in range(300):
        scene.steps.hold(f"F{number}.pdf", Reason.EMPTY, data=b"")
        if number % 20 == 0:
            scene.looks(10)
    scene.looks(HOUR)
    (message,) = scene.person.messages
    assert scene.told() == ["300 documenten hebben iemand nodig"]
    assert "F0.pdf is leeg" in message.text
    assert "nog 297 andere" in message.text
    assert "ingisfs queue list" in message.text
    assert len(message.text) < 1500


def test_a_run_that_does_not_end_is_told_after_a_while(scene: Scene) -> None:
    scene.watch()
    for number in range(int(2 * RUN_LIMIT / 10)):
        scene.steps.hold(f"F{number}.pdf", Reason.EMPTY, data=b"")
        scene.looks(10)
    assert len(scene.told()) == 1


def test_what_is_held_later_is_one_more_alarm_after_a_quiet_time(scene: Scene) -> None:
    scene.watch()
    scene.steps.hold("F1.pdf", Reason.EMPTY, data=b"")
    scene.looks(60)
    assert scene.told() == ["1 document heeft iemand nodig"]
    scene.steps.hold("F2.pdf", Reason.EMPTY, data=b"")
    scene.looks(LATER_PAUSE / 2)
    scene.steps.hold("F3.pdf", Reason.EMPTY, data=b"")
    scene.looks(LATER_PAUSE - 10)
    assert scene.told() == []
    scene.looks(20)
    (message,) = scene.person.messages
    assert scene.told() == ["2 documenten hebben iemand nodig"]
    assert "F2.pdf" in message.text
    assert "F1.pdf" not in message.text


def test_documents_held_all_day_are_no_flood(scene: Scene) -> None:
    scene.watch()
    for number in range(8 * 12):
        scene.steps.hold(f"F{number}.pdf", Reason.EMPTY, data=b"")
        scene.looks(300)
    assert 3 <= len(scene.told()) <= 2 + 8 * HOUR / LATER_LIMIT


def test_documents_are_well_when_none_needs_a_person(scene: Scene) -> None:
    scene.watch()
    first = scene.steps.hold("F1.pdf", Reason.EMPTY, data=b"")
    second = scene.steps.hold("F2.pdf", Reason.EMPTY, data=b"")
    scene.looks(60)
    scene.told()
    scene.outbox.withdraw([scene.steps.get(first)])
    scene.looks(HOUR)
    assert scene.told() == []
    scene.outbox.withdraw([scene.steps.get(second)])
    scene.looks(HOUR)
    assert scene.told() == [WELL]
    scene.steps.hold("F3.pdf", Reason.EMPTY, data=b"")
    scene.looks(60)
    assert scene.told() == ["1 document heeft iemand nodig"]


def test_a_document_that_is_soon_well_alarms_nobody(scene: Scene) -> None:
    scene.watch()
    held = scene.steps.hold("F1.pdf", Reason.EMPTY, data=b"")
    scene.looks(10)
    scene.outbox.withdraw([scene.steps.get(held)])
    scene.looks(HOUR)
    assert scene.told() == []


def test_a_held_document_that_a_program_only_opened_is_no_news(scene: Scene) -> None:
    scene.watch()
    held = scene.steps.hold("F1.pdf", Reason.EMPTY, data=b"")
    scene.looks(60)
    scene.told()
    scene.outbox.take_back(scene.steps.get(held))
    scene.looks(HOUR)
    scene.outbox.release([Release(held, changed=False)])
    assert scene.steps.get(held).state == "held"
    scene.looks(3 * HOUR)
    assert scene.told() == []


def test_a_held_document_that_was_well_and_fails_while_it_is_written_is_news(scene: Scene) -> None:
    scene.watch()
    held = scene.steps.hold("F1.pdf", Reason.EMPTY, data=b"")
    scene.looks(60)
    scene.told()
    scene.outbox.take_back(scene.steps.get(held))
    scene.outbox.release([Release(held, changed=True)])
    scene.looks(60)
    assert scene.told() == [WELL]
    scene.outbox.take_back(scene.steps.get(held))
    scene.outbox.release([Release(held, changed=True, failed=True)])
    assert scene.steps.get(held).state == "held"
    scene.looks(60)
    assert scene.told() == ["1 document heeft iemand nodig"]


# ---- nothing is delivered ----------------------------------------------------------------------------------------


def test_documents_that_wait_for_long_while_none_is_delivered_are_told(scene: Scene) -> None:
    scene.watch(alarm_after=2 * HOUR)
    scene.target("unreachable")
    scene.steps.queue("F1.pdf", "F2.pdf")
    scene.looks(2 * HOUR - 60)
    assert scene.told() == []
    scene.looks(3 * HOUR)
    (message,) = scene.person.messages
    assert scene.told() == ["al 2 uur niets bezorgd"]
    assert "2 documenten wachten veilig" in message.text
    scene.target("ok")
    scene.steps.deliver("F3.pdf")
    scene.looks(60)
    assert scene.told() == [WELL]


def test_a_delivery_begins_the_waiting_anew(scene: Scene) -> None:
    scene.watch(alarm_after=HOUR)
    scene.steps.queue("F0.pdf")
    for number in range(1, 6):
        scene.looks(0.9 * HOUR)
        scene.steps.deliver(f"F{number}.pdf")
    assert scene.told() == []


def test_alarm_after_0_is_off(scene: Scene) -> None:
    scene.watch(alarm_after=0.0)
    scene.target("unreachable")
    scene.steps.queue("F1.pdf")
    scene.looks(5 * HOUR)
    assert scene.told() == []


def test_that_the_server_needs_a_person_is_not_told_twice_as_a_long_wait(scene: Scene) -> None:
    scene.watch(alarm_after=HOUR)
    scene.target("needs_person", "login")
    scene.steps.queue("F1.pdf")
    scene.looks(5 * HOUR)
    assert scene.told() == [SERVER]


def test_a_clock_that_is_set_neither_raises_nor_ends_an_alarm(scene: Scene) -> None:
    scene.watch(alarm_after=HOUR)
    scene.target("unreachable")
    scene.steps.queue("F1.pdf")
    scene.looks(0.5 * HOUR)
    scene.clock.wall_now += 30 * 86400
    scene.looks(60)
    assert scene.told() == []
    scene.clock.wall_now -= 400 * 86400
    scene.looks(0.6 * HOUR)
    assert scene.told() == ["al 1 uur niets bezorgd"]
    scene.clock.wall_now += 800 * 86400
    scene.looks(HOUR)
    assert scene.told() == []


def test_a_machine_that_slept_has_not_tried_to_deliver(scene: Scene) -> None:
    scene.watch(alarm_after=4 * HOUR)
    scene.target("unreachable")
    scene.steps.queue("F1.pdf")
    scene.looks(60)
    scene.clock.sleep(60 * HOUR)
    scene.looks(60)
    assert scene.told() == []


def test_waiting_goes_on_after_a_restart(scene: Scene) -> None:
    scene.watch(alarm_after=2 * HOUR)
    scene.target("unreachable")
    scene.steps.queue("F1.pdf")
    for _ in range(4):
        scene.looks(0.5 * HOUR)
        scene.clock.now, scene.clock.boot_name = 5.0, "another start of the machine"
        scene.restart(alarm_after=2 * HOUR)
    scene.looks(0.5 * HOUR)
    assert scene.told() == ["al 2 uur niets bezorgd"]


# ---- the disk, the drive -----------------------------------------------------------------------------------------


def test_a_disk_that_is_nearly_full_is_told_before_it_is_full(scene: Scene) -> None:
    scene.watch()
    scene.free = 300 * 10**6
    scene.looks(HOUR)
    (message,) = scene.person.messages
    assert scene.told() == ["de harde schijf is bijna vol"]
    assert "300,0 MB" in message.text
    assert str(scene.drive.state_folder) in message.text
    scene.free = 350 * 10**6  # hardly more
    scene.looks(HOUR)
    assert scene.told() == []
    scene.free = 2**40
    scene.looks(HOUR)
    assert scene.told() == [WELL]


def test_a_disk_that_took_the_ballast_is_nearly_full_whatever_it_tells(scene: Scene) -> None:
    scene.watch()
    (scene.drive.state_folder / "ballast").unlink()
    scene.looks(60)
    assert scene.told() == ["de harde schijf is bijna vol"]


def test_an_outbox_that_cannot_be_read_keeps_nobody_from_hearing_of_the_disk(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    scene.watch()
    monkeypatch.setattr(scene.outbox, "rows", fail)
    scene.free = 0
    scene.looks(60)
    assert scene.told() == ["de harde schijf is bijna vol"]


def test_two_troubles_are_one_message_and_end_one_by_one(scene: Scene) -> None:
    scene.watch()
    scene.target("needs_person", "login")
    scene.free = 0
    scene.looks(60)
    assert scene.told() == [f"{SERVER}; de harde schijf is bijna vol"]
    scene.free = 2**40
    scene.looks(60)
    (message,) = scene.person.messages
    assert scene.told() == ["een storing is voorbij"]
    assert f"Nog niet in orde: {SERVER}." in message.text
    scene.target("ok")
    scene.looks(60)
    assert scene.told() == [WELL]


# ---- restarts, and two processes ---------------------------------------------------------------------------------


def test_after_a_restart_nothing_is_told_twice_and_the_all_clear_still_comes(scene: Scene) -> None:
    scene.watch()
    scene.target("needs_person", "login")
    scene.steps.hold("F1.pdf", Reason.EMPTY, data=b"")
    scene.free = 0
    scene.looks(120)
    assert len(scene.told()) == 2  # at once what was clear at once, and the document when its run was over
    for _ in range(3):
        scene.restart()
        scene.looks(HOUR)
    assert scene.told() == []
    scene.restart()
    scene.target("ok")
    scene.free = 2**40
    scene.outbox.withdraw(scene.outbox.documents("state = 'held'"))
    scene.looks(60)
    assert scene.told()[-1] == WELL


def test_a_document_that_is_printed_again_and_held_again_is_not_well_in_between(scene: Scene) -> None:
    scene.watch()
    held = scene.steps.hold("F1.pdf", Reason.EMPTY, data=b"")
    scene.looks(60)
    scene.told()
    scene.outbox.take_back(scene.steps.get(held))
    scene.outbox.release([Release(held, changed=True)])
    scene.looks(20)
    scene.outbox.decide([Decision(scene.steps.get(held), State.HELD, Reason.PDF_NOT_WHOLE)])
    scene.looks(60)
    assert scene.told() == []
    scene.looks(LATER_PAUSE)
    assert scene.told() == ["1 document heeft iemand nodig"]


def test_what_was_told_is_kept_for_its_owner_only(scene: Scene) -> None:
    scene.watch()
    scene.target("needs_person", "login", "a detail")
    scene.looks(60)
    path = scene.drive.state_folder / "alarms.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["told"] == {"mail": {"target": "login"}}


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"version": 2}', '{"version": 1, "standing": 3}'])
def test_a_damaged_note_of_what_was_told_costs_one_message(scene: Scene, content: str) -> None:
    (scene.drive.state_folder / "alarms.json").write_text(content)
    scene.watch()
    scene.target("needs_person", "login")
    scene.looks(HOUR)
    assert scene.told() == [SERVER]


def test_a_disk_that_keeps_no_note_is_told_once_all_the_same(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "replace", full)
    scene.watch()
    scene.free = 0
    scene.looks(HOUR)
    assert scene.told() == ["de harde schijf is bijna vol"]


def test_an_outbox_that_was_replaced_is_told_anew(scene: Scene) -> None:
    path = scene.drive.state_folder / "alarms.json"
    scene.outbox.set_meta("outbox_id", "new")
    told = {"mail": {"documents": "900"}}
    kept = {"version": 1, "outbox": "old", "standing": told["mail"], "told": told, "seen": 900, "sent": 5, "quiet": 0}
    path.write_text(json.dumps(kept))
    scene.watch()
    scene.steps.hold("F1.pdf", Reason.EMPTY, data=b"")
    scene.looks(60)
    assert scene.told() == ["1 document heeft iemand nodig"]


def test_of_two_processes_only_one_tells_and_the_other_takes_over(scene: Scene) -> None:
    first, second = scene.watch(), scene.watch()
    scene.target("needs_person", "login")
    scene.looks(HOUR, second, first)
    assert scene.told() == [SERVER]
    second.release()
    scene.target("ok")
    scene.looks(60, first)
    assert scene.told() == [WELL]


# ---- ways that do not work ---------------------------------------------------------------------------------------


def test_what_could_not_be_sent_is_tried_again_ever_more_rarely(scene: Scene) -> None:
    scene.person.works = False
    scene.watch()
    scene.target("needs_person", "login")
    scene.looks(24 * HOUR)
    assert 8 <= scene.person.tries <= 15
    scene.person.works = True
    scene.looks(5 * HOUR)
    assert scene.told() == [SERVER]


def test_what_could_not_be_sent_outlives_a_restart(scene: Scene) -> None:
    scene.person.works = False
    scene.watch()
    scene.target("needs_person", "login")
    scene.looks(60)
    scene.person.works = True
    scene.restart()
    scene.looks(60)
    assert scene.told() == [SERVER]


def test_what_is_over_before_it_could_be_sent_is_never_sent(scene: Scene) -> None:
    scene.person.works = False
    scene.watch()
    scene.target("needs_person", "login")
    scene.looks(60)
    scene.target("ok")
    scene.looks(60)
    scene.person.works = True
    scene.looks(24 * HOUR)
    assert scene.told() == []


def test_a_way_that_fails_keeps_no_other_from_telling_nor_makes_it_tell_twice(scene: Scene) -> None:
    desktop = Person("desktop")
    scene.person.works = False
    scene.watch(scene.person, desktop)
    scene.target("needs_person", "login")
    scene.looks(24 * HOUR)
    assert desktop.subjects == [SERVER]
    assert scene.person.tries > 1


# ---- the thread --------------------------------------------------------------------------------------------------


def test_without_alarms_nobody_watches(scene: Scene) -> None:
    assert alarms.start(Drive(state=scene.drive.state, alarms=False), scene.outbox) is None


def test_an_outbox_that_fails_does_not_end_the_watch(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.01)
    made = scene.watch()
    looks: list[int] = []

    def fail() -> bool:
        looks.append(1)
        raise OSError("the disk is gone")

    monkeypatch.setattr(made, "look", fail)
    made.start()
    wait_for(lambda: len(looks) > 3, "more looks", 20)
    made.end()
    assert not made.is_alive()


def test_a_message_that_hangs_holds_nobody_up(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.01)
    monkeypatch.setattr(module, "ENDING", 0.1)
    sending, release = threading.Event(), threading.Event()

    def hang(_: Message) -> None:
        sending.set()
        release.wait()

    monkeypatch.setattr(module, "RAISE_AFTER", 0.0)
    made = Watch(scene.drive, None, by=[Way("mail", hang, 60.0)])
    (scene.drive.state_folder / "gone").touch()
    made.start()
    assert sending.wait(20)
    made.end()
    assert made.is_alive()  # it still hangs, and nobody waits for it
    release.set()
    made.join(20)
    assert not made.is_alive()


# ---- for who watches the drive's process -------------------------------------------------------------------------


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Person:
    """Who is told by the watchdog's process."""
    person = Person()
    monkeypatch.setattr(module, "ways", lambda drive: [person.way()])
    monkeypatch.setattr(module, "LOOK", 0.01)
    monkeypatch.setattr(module, "RAISE_AFTER", 0.1)
    return person


def done_telling() -> None:
    """Wait until the threads that tell have ended."""
    wait_for(lambda: not any(thread.is_alive() for thread in alarms._telling.values()), "it to be told", 20)


def test_a_drive_that_is_gone_is_told_once_and_that_it_is_back_too(told: Person, tmp_path: Path) -> None:
    drive = Drive(state=str(tmp_path), mountpoint="X:")
    for _ in range(3):
        alarms.gone(drive)
        done_telling()
    assert told.subjects == ["de schijf is weg"]
    assert "De schijf X: is weg" in told.messages[0].text
    assert told.messages[0].urgent
    for _ in range(3):
        alarms.back(drive)
        done_telling()
    assert told.subjects == ["de schijf is weg", WELL]


def test_a_drive_that_is_soon_back_alarms_nobody(told: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RAISE_AFTER", 3600.0)
    drive = Drive(state=str(tmp_path))
    alarms.gone(drive)
    wait_for((tmp_path / "alarms.lock").exists, "a look", 20)
    alarms.back(drive)
    done_telling()
    assert told.messages == []


def test_a_drive_that_was_never_gone_is_not_told_to_be_back(told: Person, tmp_path: Path) -> None:
    alarms.back(Drive(state=str(tmp_path)))
    done_telling()
    assert told.messages == []


def test_a_drive_that_is_gone_is_told_by_who_holds_the_lock(told: Person, scene: Scene) -> None:
    courier = scene.watch()
    scene.looks(10)
    alarms.gone(scene.drive)
    scene.looks(30)
    assert scene.told() == ["de schijf is weg"]
    alarms.back(scene.drive)
    scene.looks(10, courier)
    done_telling()
    assert scene.told() == [WELL]
    assert told.messages == []


def test_neither_gone_nor_back_raises_or_waits_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: Person
) -> None:
    release = threading.Event()

    def hang(_: Message) -> None:
        release.wait()

    monkeypatch.setattr(module, "ways", lambda drive: [Way("mail", hang, 60.0)])
    missing = Drive(state=str(tmp_path / "missing"))
    alarms.gone(missing)
    alarms.back(missing)
    drive = Drive(state=str(tmp_path))
    alarms.gone(drive)  # returns while it is still being sent
    release.set()
    wait_for(lambda: "told" in _kept(tmp_path) and _kept(tmp_path)["told"], "it to be told", 20)


def _kept(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / "alarms.json").read_text())
    except FileNotFoundError:
        return {}
    return found
