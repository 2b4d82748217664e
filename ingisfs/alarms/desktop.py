"""An alarm as a notification of the desktop (freedesktop.org, Desktop Notifications Specification 1.2), over D-Bus."""

from __future__ import annotations

import html
import os
from typing import Any

from jeepney import DBusAddress, DBusErrorResponse, Message, new_method_call
from jeepney.io.blocking import open_dbus_connection
from jeepney.wrappers import unwrap_msg

SERVICE = DBusAddress(
    "/org/freedesktop/Notifications", "org.freedesktop.Notifications", interface="org.freedesktop.Notifications"
)
TIMEOUT = 5.0  # s for one answer
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
        with open_dbus_connection(bus="SESSION", auth_timeout=TIMEOUT) as connection:

            def call(message: Message) -> tuple[object, ...]:
                return tuple(unwrap_msg(connection.send_and_get_reply(message, timeout=TIMEOUT)))

            (able,) = call(new_method_call(SERVICE, "GetCapabilities"))
            if isinstance(able, list) and "body-markup" in able:
                text = html.escape(text, quote=False)
            hints = {"urgency": ("y", CRITICAL if urgent else NORMAL)}
            shown: tuple[Any, ...] = ("ingisfs", 0, "", title, text, [], hints, AS_THE_DESKTOP_LIKES)
            call(new_method_call(SERVICE, "Notify", "susssasa{sv}i", shown))
    except (DBusErrorResponse, OSError, EOFError, ValueError, RuntimeError, KeyError) as error:
        raise DesktopError(f"{type(error).__name__}: {error}"[:300]) from None
