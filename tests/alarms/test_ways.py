"""By which ways a person is told, and that each says when nobody was."""

from __future__ import annotations

from typing import Any

import pytest

from ingisfs.alarms import ways as module
from ingisfs.alarms.ways import Message, UntoldError
from ingisfs.config import Drive, Mail
from ingisfs.windows import Windows

ALARM = Message("ingisfs: de schijf is weg", "De schijf X: is weg.\nKoppel haar opnieuw.", urgent=True)
OVER = Message("ingisfs: alles is weer in orde", "De schijf X: is er weer.", urgent=False)


@pytest.mark.parametrize(("platform", "screen"), [("linux", "desktop"), ("win32", "windows"), ("darwin", "desktop")])
def test_the_screen_is_told_at_once_and_mail_where_it_is_set_up(
    platform: str, screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    mail = Mail("smtp.example.nl", ("anna@example.nl",))
    assert [way.name for way in module.ways(Drive())] == [screen]
    assert [way.name for way in module.ways(Drive(mail=mail))] == [screen, "mail"]


def test_on_windows_all_who_are_logged_on_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[str, str, bool]] = []

    def say(_: Windows, title: str, text: str, *, good: bool = False, seconds: int = 0) -> bool:
        said.append((title, text, good))
        return True

    monkeypatch.setattr(Windows, "say", say)
    for message in (ALARM, OVER):
        module._on_windows(message)
    assert said == [(ALARM.subject, ALARM.text, False), (OVER.subject, OVER.text, True)]


def test_on_windows_nobody_logged_on_is_nobody_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Windows, "say", lambda *_, **__: False)
    with pytest.raises(UntoldError, match="nobody is logged on"):
        module._on_windows(ALARM)


def test_a_system_that_refuses_is_nobody_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> bool:
        raise OSError("no such library")

    monkeypatch.setattr(Windows, "say", refuse)
    with pytest.raises(UntoldError, match="no such library"):
        module._on_windows(ALARM)


def test_a_mail_password_that_is_missing_is_nobody_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.delenv("INGISFS_MAIL_PASSWORD", raising=False)
    monkeypatch.setattr("ingisfs.credentials._from_keyring", lambda *_: None)
    mail = Mail("smtp.example.nl", ("anna@example.nl",), user="anna")
    (_, way) = module.ways(Drive(state=str(tmp_path), mail=mail))
    with pytest.raises(UntoldError, match=r"password\.missing"):
        way.tell(ALARM)
