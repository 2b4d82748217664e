"""An alarm as a notification of the desktop (freedesktop.org, Desktop Notifications Specification 1.2), over D-Bus."""

from __future__ import annotations

import html
import os
import socket
import threading
from contextlib import suppress
from typing import Any

from jeepney import DBusAddress, DBusErrorResponse, Message, new_method_call
from jeepney.bus import get_bus
from jeepney.io.blocking import DBusConnection, prep_socket
from jeepney.wrappers import unwrap_msg

SERVICE = DBusAddress(
    "/org/freedesktop/Notifications", "org.freedesktop.Notifications", interface="org.freedesktop.Notifications"
)
TIMEOUT = 5.0  # s for all of it
NORMAL, CRITICAL = 1, 2  # urgency; what is critical stays until a person takes it away
AS_THE_DESKTOP_LIKES = -1  # ms that it is shown


class DesktopError(Exception):
    """Nobody shows notifications here. `args[0]` says why, in English."""


def notify(title: str, text: str, *, urgent: bool) -> None:
    """Show a notification in this user's session. Raises DesktopError."""
    # Only the bus that this process was given: the one of a person who is logged on, never one that we look up.
    if not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        raise DesktopError("no session bus")
    try:
        with prep_socket(get_bus("SESSION"), timeout=TIMEOUT) as connected:
            # jeepney greets the bus without a limit of time.
            limit = threading.Timer(TIMEOUT, _hang_up, (connected,))
            limit.daemon = True
            limit.start()
            try:
                _notify(connected, title, text, urgent)
            finally:
                limit.cancel()
    except (DBusErrorResponse, OSError, EOFError, ValueError, RuntimeError, KeyError) as error:
        raise DesktopError(f"{type(error).__name__}: {error}"[:300]) from None


def _notify(connected: socket.socket, title: str, text: str, urgent: bool) -> None:
    with DBusConnection(connected) as connection:

        def call(message: Message) -> tuple[Any, ...]:
            return tuple(unwrap_msg(connection.send_and_get_reply(message)))

        (able,) = call(new_method_call(SERVICE, "GetCapabilities"))
        if "body-markup" in able:
            text = html.escape(text, quote=False)
        hints = {"urgency": ("y", CRITICAL if urgent else NORMAL)}
        shown: tuple[Any, ...] = ("ingisfs", 0, "", title, text, [], hints, AS_THE_DESKTOP_LIKES)
        call(new_method_call(SERVICE, "Notify", "susssasa{sv}i", shown))


def _hang_up(connected: socket.socket) -> None:
    """End whatever waits for this connection."""
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
