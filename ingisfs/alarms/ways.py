"""The ways by which a person is told: each hands over one message, or raises UntoldError."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from ingisfs import credentials
from ingisfs.config import ConfigError, Drive
from ingisfs.windows import Windows

MINUTE, HOUR = 60.0, 3600.0


class UntoldError(Exception):
    """Nobody was told. `args[0]` says why, in English."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one person is told at one moment."""

    subject: str
    text: str  # sentences, a line each
    urgent: bool  # something is the matter, and not only over


@dataclass(frozen=True, slots=True)
class Way:
    """One way. `name` is stored: what was told by it is remembered under it."""

    name: str
    tell: Callable[[Message], None]  # raises UntoldError
    longest: float  # s between two tries at most; the first pause is a minute, and each one twice as long
    quiet: bool = False  # that it does not work is no news: nobody may be logged on


def ways(drive: Drive) -> list[Way]:
    """Return the ways that this drive has on this machine."""
    found = []
    if sys.platform == "win32":
        found.append(Way("windows", _on_windows, MINUTE, quiet=True))
    else:
        found.append(Way("desktop", _on_desktop, MINUTE, quiet=True))
    if drive.mail is not None:
        # A mail server may lock who comes too often with a wrong password.
        found.append(Way("mail", lambda message: _by_mail(drive, message), 4 * HOUR))
    return found


def _on_windows(message: Message) -> None:
    try:
        told = Windows().say(message.subject, message.text, good=not message.urgent)
    except (OSError, AttributeError) as error:
        raise UntoldError(str(error)) from None
    if not told:
        raise UntoldError("nobody is logged on")


def _on_desktop(message: Message) -> None:
    try:
        from ingisfs.alarms.desktop import DesktopError, notify
    except ImportError as error:  # jeepney is there on Linux only
        raise UntoldError(str(error)) from None
    try:
        notify(message.subject, message.text, urgent=message.urgent)
    except DesktopError as error:
        raise UntoldError(str(error)) from None


def _by_mail(drive: Drive, message: Message) -> None:
    from ingisfs.alarms.mail import MailError, send  # takes memory that a drive without trouble does not need

    assert drive.mail is not None
    try:
        password = credentials.mail_password(drive) if drive.mail.user else ""
        send(drive.mail, password, message.subject, message.text)
    except (MailError, ConfigError) as error:
        raise UntoldError(str(error)) from None
