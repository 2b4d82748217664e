"""The icon beside the clock, driven without a screen: what it shows, and what its menu does to real drives."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ingisfs.cli import main
from ingisfs.config import ConfigError, tray_folder
from ingisfs.drive import registry, stop_file
from ingisfs.outbox.document import Reason, State
from ingisfs.outbox.locks import FileLock, is_locked
from ingisfs.outbox.outbox import Outbox
from ingisfs.report.html import COLOURS
from ingisfs.report.snapshot import ROWS
from ingisfs.tray import drawing, model
from ingisfs.tray.model import LINE, Item, Tray, walk
from tests.documents import pdf, xml
from tests.mounts import Drive, drive
from tests.report.steps import Steps
from tests.servers import Server, wait_for, wsgidav_server

LIMIT = 60.0  # s


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def config(tmp_path: Path, state: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(
        f'[drives.king]\nserver = "https://x.example.nl/"\nstate = "{state}"\nportal = "https://portal.example.nl/"\n'
    )
    return path


@pytest.fixture
def outbox(state: Path) -> Iterator[Outbox]:
    box = Outbox(state)
    yield box
    box.shut()


@pytest.fixture
def steps(outbox: Outbox) -> Steps:
    outbox.set_meta("target", '{"state": "ok"}')
    return Steps(outbox)


@pytest.fixture
def opened() -> list[str]:
    return []


@pytest.fixture
def tray(config: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch) -> Tray:
    mounted = types.SimpleNamespace(mountpoint="X:")
    monkeypatch.setattr(registry, "running", lambda folder: mounted)
    monkeypatch.setattr("ingisfs.whereabouts.is_seen", lambda place: place == "X:")
    return Tray(config, "nl", opened.append)


def find(tray: Tray, text: str, *path: str) -> Item:
    """Return the line with this in its words, in the menu on this path."""
    items: tuple[Item, ...] = tray.look().items
    for step in (*path, text):
        found = [item for item in items if step in item.text]
        assert found, (step, [item.text for item in items])
        items = found[0].items
    return found[0]


def click(tray: Tray, text: str, *path: str) -> None:
    action = find(tray, text, *path).do
    assert action is not None
    action()


def test_it_says_how_the_drive_is_in_word_and_colour(tray: Tray, steps: Steps) -> None:
    assert tray.look().colour == "off"
    steps.deliver("F1.pdf")
    look = tray.look()
    assert (look.colour, look.items[0].text) == ("ok", "Alles is in orde: 1 bezorgd, niets wacht.")
    assert look.title == "Schijf king: Alles is in orde: 1 bezorgd, niets wacht."
    steps.queue("F2.pdf")
    assert tray.look().colour == "go"
    steps.outbox.set_meta("target", '{"state": "unreachable"}')
    assert tray.look().colour == "warn"
    steps.hold("F3.pdf", Reason.EMPTY)
    look = tray.look()
    assert look.colour == "bad"
    assert look.items[0].text.startswith("1 document heeft iemand nodig.")


def test_the_last_ten_documents_are_there_and_what_needs_a_person_is_among_them(tray: Tray, steps: Steps) -> None:
    steps.hold("H.pdf", Reason.EMPTY)
    steps.deliver(*(f"F{number}.pdf" for number in range(20)))
    told = [item.text for item in tray.look().items if ".pdf: " in item.text]
    assert told == ["H.pdf: vastgehouden", *(f"F{number}.pdf: bezorgd" for number in range(19, 10, -1))]


def test_the_drive_its_status_page_and_the_portal_are_opened(tray: Tray, steps: Steps, opened: list[str]) -> None:
    for text in ("Open X:", "Open de statuspagina", "Open het portaal"):
        click(tray, text)
    assert [place.replace("/", "\\") if place.startswith("X") else place for place in opened] == [
        "X:\\",
        "X:\\\\INGIS-STATUS.html" if sys.platform != "win32" else "X:\\INGIS-STATUS.html",
        "https://portal.example.nl/",
    ]
    assert [item.text for item in walk(tray.look().items) if item.default] == ["Open de statuspagina"]


def test_a_stem_is_released_with_both_halves_in_two_steps(tray: Tray, steps: Steps) -> None:
    ids = [steps.hold(name, Reason.ALREADY_DELIVERED, "2026-11-24") for name in ("F1.pdf", "F1.xml", "F2.pdf")]
    assert find(tray, "Vrijgeven", "F1.pdf").do is None, "nothing is sent by one click"
    told = " ".join(item.text for item in find(tray, "F1.pdf").items)
    assert "Een eerdere F1.pdf is op 24-11-2026 al bezorgd" in told
    click(tray, "Ja, verstuur F1: INGIS krijgt het", "F1.pdf", "Vrijgeven")
    assert [steps.get(one).state for one in ids] == [State.QUEUED, State.QUEUED, State.HELD]


def test_a_stem_is_withdrawn(tray: Tray, steps: Steps) -> None:
    held = steps.hold("F1.pdf", Reason.PDF_NOT_WHOLE)
    other = steps.hold("F2.pdf", Reason.PDF_NOT_WHOLE)
    click(tray, "Ja, verstuur F1 niet", "F1.pdf", "Intrekken")
    assert [steps.get(one).state for one in (held, other)] == [State.WITHDRAWN, State.HELD]


def test_a_run_is_released_or_withdrawn_as_it_was_seen_and_nothing_that_is_on_its_way(tray: Tray, steps: Steps) -> None:
    held = [steps.hold(f"F{number}.pdf", Reason.PDF_NOT_WHOLE) for number in range(3)]
    (waiting,) = steps.queue("Q.pdf")
    withdraw = find(tray, "Ja, verstuur alle 3 niet", "Alles wat vastgehouden is (3)", "Intrekken")
    later = steps.hold("later.pdf", Reason.PDF_NOT_WHOLE)
    assert withdraw.do is not None
    withdraw.do()
    assert {steps.get(one).state for one in held} == {State.WITHDRAWN}
    assert [steps.get(one).state for one in (waiting, later)] == [State.QUEUED, State.HELD]
    click(tray, "Ja, verstuur alle 1", "Alles wat vastgehouden is (1)", "Vrijgeven")
    assert steps.get(later).state is State.QUEUED


def test_what_was_held_and_is_on_its_way_by_now_is_not_withdrawn(tray: Tray, steps: Steps) -> None:
    held = steps.hold("F1.pdf", Reason.PDF_NOT_WHOLE)
    withdraw = find(tray, "Ja, verstuur F1 niet", "F1.pdf", "Intrekken")
    steps.outbox.release_held([steps.get(held)])
    assert withdraw.do is not None
    withdraw.do()
    assert steps.get(held).state is State.QUEUED


def test_what_failed_is_tried_again_at_once_alone_or_with_all(tray: Tray, steps: Steps) -> None:
    ids = steps.upload("F1.pdf", "F2.pdf")
    steps.outbox.put_back([steps.get(one) for one in ids], 3600, "PUT: 503")
    click(tray, "Opnieuw proberen", "F1.pdf")
    assert [steps.get(one).due == 0 for one in ids] == [True, False]
    click(tray, "Alles wat wacht opnieuw proberen (2)")
    assert [steps.get(one).due for one in ids] == [0, 0]


def test_what_ingis_refused_is_said_to_be_dealt_with(tray: Tray, steps: Steps) -> None:
    refused = steps.answer("F1.pdf", State.REFUSED, "unknown customer")
    click(tray, "Is afgehandeld", "F1.pdf")
    assert not steps.get(refused).needs_person


def test_delivering_is_paused_for_an_hour_and_goes_on(tray: Tray, steps: Steps) -> None:
    steps.queue("F1.pdf")
    click(tray, "Een uur niets versturen")
    look = tray.look()
    assert look.colour == "warn"
    assert "Gepauzeerd tot " in look.title
    assert "1 document wacht." in look.title
    click(tray, "Verder gaan met versturen")
    assert tray.look().colour == "go"


def test_what_fails_is_in_the_menu_until_something_goes_well(
    tray: Tray, steps: Steps, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(place: str) -> None:
        raise OSError(2, "no browser")

    monkeypatch.setattr(tray, "_open", fail)
    click(tray, "Open de statuspagina")
    assert "Dat is niet gelukt" in tray.look().items[0].text
    assert tray.look().items[1] == LINE
    monkeypatch.setattr(tray, "_open", opened.append)
    click(tray, "Open de statuspagina")
    assert "niet gelukt" not in tray.look().items[0].text


def test_a_drive_that_is_not_mounted_needs_a_person(
    config: Path, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "running", lambda folder: None)
    look = Tray(config, "nl", print).look()
    assert look.colour == "bad"
    assert look.items[0].text.startswith("niet gekoppeld.")
    assert not [item for item in walk(look.items) if item.text.startswith("Open X")]


def test_a_drive_that_is_not_here_is_told_apart_from_trouble(
    tmp_path: Path, config: Path, state: Path, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(config, "a") as file:
        file.write(f'mountpoint = "{tmp_path / "X"}"\n')
    steps.deliver("F1.pdf")
    monkeypatch.setattr(registry, "running", lambda folder: None)
    tray = Tray(config, "nl", print)

    def told(*, colour: str) -> tuple[str, str]:
        look = tray.look()
        assert look.colour == colour
        assert not [item for item in walk(look.items) if item.text.startswith("Open /")]
        first, *more = [item.text for item in look.items]
        return first.partition(". ")[0], " ".join(more)

    first, more = told(colour="bad")
    assert (first, "Koppel haar met: ingisfs mount" in more) == ("niet gekoppeld", True)
    stop_file.StopFile(state).write()
    first, more = told(colour="off")
    assert (first, "De schijf is ontkoppeld door iemand" in more) == ("ontkoppeld door iemand", True)
    stop_file.StopFile(state).clear()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    registry.Registry(tmp_path / "noted").add(str(tmp_path / "X"), state, 1)
    monkeypatch.setattr(registry, "registries", lambda: [registry.Registry(tmp_path / "noted")])
    first, more = told(colour="bad")
    assert (first, "niemand heeft haar ontkoppeld" in more) == ("de schijf is weg", True)
    lock = FileLock(state / "drive.lock")
    assert lock.acquire()
    first, more = told(colour="ok")
    assert (first, "Dat is geen storing" in more) == ("gekoppeld in een andere sessie", True)
    lock.close()
    refusal = ConfigError("where.user", mountpoint="X:", user="anna")
    monkeypatch.setattr("ingisfs.whereabouts.others_at", lambda place: refusal)
    first, more = told(colour="off")
    assert first == "van een andere gebruiker"
    assert "andere gebruiker van deze computer: anna. Dat is geen storing." in more


def test_a_drive_that_was_never_used_and_one_that_cannot_be_read_are_told(
    tmp_path: Path, config: Path, tray: Tray
) -> None:
    assert tray.look().items == (Item("niet gekoppeld"),)
    (tmp_path / "state" / "outbox").mkdir(parents=True)
    (tmp_path / "state" / "outbox" / "cache.db").write_bytes(b"no database at all" * 100)
    look = tray.look()
    assert (look.colour, look.items[0].text) == ("bad", "de toestand is niet te lezen")
    config.write_text("[drives")
    assert Tray(config, "nl", print).look().colour == "off"


def test_each_of_several_drives_has_a_menu_and_the_worst_one_gives_the_colour(
    tmp_path: Path, config: Path, steps: Steps, tray: Tray
) -> None:
    with open(config, "a") as file:
        file.write(f'[drives.other]\nserver = "https://y.example.nl/"\nstate = "{tmp_path / "other"}"\n')
    other = Outbox(tmp_path / "other")
    Steps(other).hold("F9.pdf", Reason.EMPTY)
    other.shut()
    steps.deliver("F1.pdf")
    look = tray.look()
    assert look.colour == "bad"
    assert [item.text.partition(":")[0] for item in look.items] == ["Schijf king", "Schijf other"]
    click(tray, "Ja, verstuur F9 niet", "Schijf other", "F9.pdf", "Intrekken")
    assert tray.look().colour == "ok"


def test_hostile_names_stay_words_and_menus_stay_small(tray: Tray, steps: Steps) -> None:
    steps.hold("\u202e" + "x" * 200 + ".pdf", Reason.DOUBTFUL)
    for number in range(ROWS + 5):
        steps.hold(f"H{number}.pdf", Reason.EMPTY)
    lines = list(walk(tray.look().items))
    assert all(line.text.isprintable() and len(line.text) <= 200 for line in lines)
    assert len(lines) < 160


# ---- on a real drive ---------------------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with wsgidav_server(tmp_path / "server") as made:
        yield made


def environment(mounted: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in mounted.environment.items():
        monkeypatch.setenv(key, value)


def test_a_bookkeeper_needs_no_terminal(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, opened: list[str]
) -> None:
    with drive(tmp_path / "drive", server.url, server.user, server.password) as mounted:
        mounted.configure(state=str(mounted.state), server=server.url)
        environment(mounted, monkeypatch)
        tray = Tray(mounted.config, "nl", opened.append)
        click(tray, "Een uur niets versturen")
        (mounted.mountpoint / "F1.pdf").write_bytes(pdf(size=2000)[:-50])
        (mounted.mountpoint / "F1.xml").write_bytes(xml())
        (mounted.mountpoint / "F2.pdf").write_bytes(pdf("2"))
        mounted.wait_states({"F1.pdf": "held", "F2.pdf": "queued"})
        click(tray, "Ja, verstuur F1: INGIS krijgt het", "F1.pdf", "Vrijgeven")
        mounted.wait_states({"F1.pdf": "queued", "F1.xml": "queued", "F2.pdf": "queued"})
        assert server.names() == []
        assert "Gepauzeerd tot" in mounted.run("status", str(mounted.mountpoint)).stdout
        paused = mounted.run("unmount", str(mounted.mountpoint))
        assert paused.returncode == 1
        assert "ingisfs queue resume" in paused.stderr
        click(tray, "Verder gaan met versturen")
        mounted.wait_delivered(["F1.pdf", "F1.xml", "F2.pdf"])
        click(tray, "Open de statuspagina")
        assert Path(opened[0]).read_bytes().startswith(b"<!DOCTYPE html>")


def test_a_pause_by_command_holds_what_is_new_and_ends(tmp_path: Path, server: Server) -> None:
    with drive(tmp_path / "drive", server.url, server.user, server.password) as mounted:
        which = ("--config", str(mounted.config))
        assert "Tot " in mounted.run("queue", "pause", "--minutes", "5", *which).stdout
        (mounted.mountpoint / "F1.pdf").write_bytes(pdf())
        mounted.wait_states({"F1.pdf": "queued"})
        assert mounted.run("queue", "pause", "--minutes", "0.01", "--json", *which).returncode == 0
        mounted.wait_delivered(["F1.pdf"])
        assert "gaat verder" in mounted.run("queue", "resume", *which).stdout


def test_the_machines_drive_is_told_as_it_tells_itself_and_nobody_decides_about_it(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, opened: list[str]
) -> None:
    with drive(tmp_path / "drive", server.url, server.user, server.password) as mounted:
        mounted.configure(state=str(mounted.state), server=server.url, mountpoint=str(mounted.mountpoint))
        (mounted.mountpoint / "F1.pdf").write_bytes(b"")
        mounted.wait_states({"F1.pdf": "held"})
        environment(mounted, monkeypatch)

        def refuse(folder: Path) -> None:
            raise PermissionError(13, "the system's", str(folder))

        monkeypatch.setattr(model, "ReadOnlyOutbox", refuse)
        tray = Tray(mounted.config, "nl", opened.append)
        wait_for(lambda: tray.look().colour == "bad", "the status file", LIMIT)
        look = tray.look()
        assert look.items[0].text.startswith("1 document heeft iemand nodig.")
        assert "F1.pdf: vastgehouden" in [item.text for item in look.items]
        assert "kan alleen een beheerder" in look.items[-1].text
        assert not [item for item in walk(look.items) if "Vrijgeven" in item.text]


# ---- drawing -----------------------------------------------------------------------------------------------------


class FakePystray(types.ModuleType):
    """As much of pystray as is used, without a screen."""

    def __init__(self, act: Callable[[Any], None]) -> None:
        super().__init__("pystray")
        self.shown: list[Any] = []
        shown = self.shown

        class Menu:
            SEPARATOR = object()

            def __init__(self, *items: Any) -> None:
                self._items = items

            @property
            def items(self) -> list[Any]:
                first = self._items[0]
                return list(first()) if callable(first) and not isinstance(first, MenuItem) else list(self._items)

        class MenuItem:
            def __init__(self, text: str, action: Any, default: bool = False, enabled: bool = True) -> None:
                self.text, self.action, self.default, self.enabled = text, action, default, enabled

            def __call__(self, icon: Any) -> None:
                self.action(icon, self)

        class Icon:
            def __init__(self, name: str, icon: Any, title: str, menu: Any) -> None:
                self.name, self.icon, self.title, self.menu, self.updates = name, icon, title, menu, 0
                shown.append(self)

            def run(self) -> None:
                act(self)

            def stop(self) -> None:
                self.name = "stopped"

            def update_menu(self) -> None:
                self.updates += 1

        self.Menu, self.MenuItem, self.Icon = Menu, MenuItem, Icon


def test_a_click_on_the_drawn_menu_does_it_and_draws_anew(
    tray: Tray, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = steps.hold("A & B.pdf", Reason.EMPTY)

    def act(icon: Any) -> None:
        before = icon.icon.tobytes()
        document = next(i for i in icon.menu.items if getattr(i, "text", "").startswith("A && B.pdf"))
        withdraw = next(i for i in document.action.items if getattr(i, "text", "") == "Intrekken")
        withdraw.action.items[0](icon)
        assert icon.updates == 1
        assert icon.icon.tobytes() != before
        icon.menu.items[-1](icon)

    fake = FakePystray(act)
    monkeypatch.setitem(sys.modules, "pystray", fake)
    drawing.run(tray)
    assert steps.get(held).state is State.WITHDRAWN
    assert fake.shown[0].name == "stopped"


def test_it_ends_when_the_installer_asks(tray: Tray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = tmp_path / "stop"

    def act(icon: Any) -> None:
        stop.touch()
        wait_for(lambda: icon.name == "stopped", "the icon to end", LIMIT)

    monkeypatch.setattr(drawing, "INTERVAL", 0.01)
    monkeypatch.setitem(sys.modules, "pystray", FakePystray(act))
    drawing.run(tray, "nl", stop.exists)


def test_the_command_shows_one_icon_and_looks_for_the_wish_that_it_ends(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("ingisfs.config.user_data_folder", lambda: tmp_path / "data")
    folder = tray_folder()
    folder.mkdir(parents=True)
    (folder / "stop").touch()  # of an installation that failed

    def act(icon: Any) -> None:
        assert is_locked(folder / "lock")
        assert not (folder / "stop").exists()
        second = CliRunner().invoke(main, ["tray", "--config", str(config)])
        assert (second.exit_code, "is er al" in second.output) == (1, True)
        (folder / "stop").touch()
        wait_for(lambda: icon.name == "stopped", "the icon to end", LIMIT)

    monkeypatch.setattr(drawing, "INTERVAL", 0.01)
    monkeypatch.setitem(sys.modules, "pystray", FakePystray(act))
    done = CliRunner().invoke(main, ["tray", "--config", str(config)])
    assert done.exit_code == 0, done.output


def test_each_colour_has_a_picture_of_its_own() -> None:
    assert len({drawing.picture(colour).tobytes() for colour in COLOURS}) == len(COLOURS)


def test_without_pystray_or_a_screen_it_says_what_to_do(tray: Tray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pystray", None)
    with pytest.raises(ConfigError) as refusal:
        drawing.run(tray)
    assert refusal.value.sentence == "tray.no-extra"

    def no_screen(icon: Any) -> None:
        raise RuntimeError("cannot connect to display")

    monkeypatch.setitem(sys.modules, "pystray", FakePystray(no_screen))
    with pytest.raises(ConfigError) as refusal:
        drawing.run(tray)
    assert refusal.value.sentence == "tray.no-screen"
