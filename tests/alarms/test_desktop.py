"""An alarm on the desktop, shown by a real notification daemon."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from ingisfs.alarms import desktop as module
from ingisfs.alarms.desktop import DesktopError, notify
from ingisfs.alarms.ways import UntoldError, ways
from ingisfs.config import Drive
from tests.alarms.conftest import Scene
from tests.alarms.desktops import bus, desktop


def test_an_alarm_is_shown_until_a_person_takes_it_away_and_the_all_clear_goes_by_itself(
    tmp_path: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desktop(tmp_path) as screen:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", screen.environment["DBUS_SESSION_BUS_ADDRESS"])
        (way,) = [way for way in ways(Drive()) if way.name == "desktop"]
        scene.watch()
        scene.target("needs_person", "login")
        scene.looks(60)
        scene.target("ok")
        scene.looks(60)
        for message in scene.person.messages:
            way.tell(message)
        assert screen.count() == 2
        alarm, over = screen.shown()
    assert alarm.title == "ingisfs: de server heeft iemand nodig"
    assert "De server weigert de gebruiker" in alarm.text
    assert alarm.stays
    assert over.title == "ingisfs: alles is weer in orde"
    assert not over.stays


@pytest.mark.parametrize(
    ("markup", "sent"),
    [(True, "Jansen &amp; &lt;b&gt;Zn&lt;/b&gt;.pdf is leeg"), (False, "Jansen & <b>Zn</b>.pdf is leeg")],
)
def test_a_document_with_signs_of_markup_in_its_name_is_shown_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, markup: bool, sent: str
) -> None:
    with desktop(tmp_path, markup=markup) as screen:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", screen.environment["DBUS_SESSION_BUS_ADDRESS"])
        notify("een titel", "Jansen & <b>Zn</b>.pdf is leeg", urgent=True)
        (shown,) = screen.shown()
    assert shown.text == sent


def test_where_nobody_is_logged_on_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    with pytest.raises(DesktopError, match="no session bus"):
        notify("a title", "a text", urgent=True)


def test_a_bus_that_is_not_there_any_more_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in (f"unix:path={tmp_path / 'none'}", "nonsense", "tcp:host=localhost", "autolaunch:"):
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        with pytest.raises(DesktopError):
            notify("a title", "a text", urgent=True)


def test_a_desktop_without_notifications_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        with pytest.raises(DesktopError, match=r"ServiceUnknown|NameHasNoOwner"):
            notify("a title", "a text", urgent=True)


def test_a_bus_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "bus"))
        silent.listen()
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path / 'bus'}")
        with pytest.raises(DesktopError):
            notify("a title", "a text", urgent=True)


def test_a_bus_that_lets_us_in_and_says_no_more_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.5)

    def let_in() -> None:
        connection, _ = silent.accept()
        connection.settimeout(30)
        with connection, suppress(ConnectionResetError):
            heard = b""
            while part := connection.recv(1000):
                heard += part
                if heard.endswith(b"\r\n") and b"BEGIN" not in heard:
                    connection.sendall(b"OK 0123456789abcdef0123456789abcdef\r\n")
            given_up.set()

    given_up = threading.Event()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "bus"))
        silent.listen()
        threading.Thread(target=let_in, daemon=True).start()
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path / 'bus'}")
        with pytest.raises(DesktopError, match="ConnectionResetError"):
            notify("a title", "a text", urgent=True)
        assert given_up.wait(60)  # by us, before the bus did


def test_nobody_to_show_it_to_is_no_error_of_the_watch(monkeypatch: pytest.MonkeyPatch, scene: Scene) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    scene.watch()
    scene.target("needs_person", "login")
    scene.looks(60)
    (way,) = ways(Drive())
    with pytest.raises(UntoldError):
        way.tell(scene.person.messages[0])
