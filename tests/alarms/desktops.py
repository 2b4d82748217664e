"""A real notification daemon (dunst) on a session bus and a display of its own, that is asked what it shows."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jeepney import DBusAddress, Properties, new_method_call
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from tests.servers import program, wait_for

DUNST = DBusAddress("/org/freedesktop/Notifications", "org.freedesktop.Notifications", "org.dunstproject.cmd0")


@dataclass(frozen=True)
class Shown:
    """One notification."""

    title: str
    text: str  # as the daemon got it
    stays: bool  # until a person takes it away, as what is critical does


class Desktop:
    """One person's session."""

    def __init__(self, address: str, display: str) -> None:
        self.environment = {"DBUS_SESSION_BUS_ADDRESS": address, "DISPLAY": display}
        self._address = address

    def count(self) -> int:
        """How many notifications are on the screen."""
        with self._connection() as connection:
            ((_, count),) = connection.send_and_get_reply(Properties(DUNST).get("displayedLength"), timeout=20).body
        return int(count)

    def shown(self) -> list[Shown]:
        """Take away what is on the screen, and return all that ever was, oldest first."""
        with self._connection() as connection:
            connection.send_and_get_reply(new_method_call(DUNST, "NotificationCloseAll"), timeout=20)
            (found,) = connection.send_and_get_reply(new_method_call(DUNST, "NotificationListHistory"), timeout=20).body
        told = [{key: value for key, (_, value) in entry.items()} for entry in found]
        told.sort(key=lambda entry: int(entry["id"]))
        return [Shown(t["summary"], t["body"], t["timeout"] == 0) for t in told]

    def answers(self) -> bool:
        """Tell whether notifications can be shown."""
        with self._connection() as connection:
            reply = connection.send_and_get_reply(message_bus.NameHasOwner(DUNST.bus_name), timeout=20)
        return bool(reply.body[0])

    def _connection(self) -> DBusConnection:
        return open_dbus_connection(self._address)


@contextmanager
def bus(folder: Path) -> Iterator[str]:
    """Have a session bus for the block, on which nobody shows notifications yet; yields its address."""
    address = f"unix:path={folder / 'bus'}"
    # No file of settings but this one: a bus of the test's own starts no services by itself.
    settings = folder / "bus.conf"
    settings.write_text(
        "<busconfig><type>session</type><auth>EXTERNAL</auth>"
        f"<listen>{address}</listen><policy context='default'><allow send_destination='*' eavesdrop='true'/>"
        "<allow eavesdrop='true'/>"
        "<allow own='*'/></policy></busconfig>"
    )
    with _running([program("dbus-daemon"), f"--config-file={settings}", "--nofork", "--nopidfile"], {}):
        wait_for((folder / "bus").exists, "the bus to listen", 30)
        yield address


@contextmanager
def desktop(folder: Path, *, markup: bool = True) -> Iterator[Desktop]:
    """Have a person logged on for the block, whose desktop shows markup or takes all text as it is."""
    settings = folder / "dunstrc"
    settings.write_text(f"[global]\n    markup = {'full' if markup else 'no'}\n")
    with ExitStack() as stack:
        address = stack.enter_context(bus(folder))
        read, write = os.pipe()
        try:
            screen = [program("Xvfb"), "-displayfd", str(write), "-screen", "0", "800x600x24", "-nolisten", "tcp"]
            stack.enter_context(_running(screen, {}, pass_fds=[write]))
        finally:
            os.close(write)
        with os.fdopen(read) as lines:
            display = ":" + lines.readline().strip()
        made = Desktop(address, display)
        stack.enter_context(_running([program("dunst"), "-config", str(settings)], made.environment))
        wait_for(made.answers, "the notification daemon to answer", 30)
        yield made


@contextmanager
def _running(command: Sequence[str], environment: Mapping[str, str], **options: Any) -> Iterator[None]:
    quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env={**os.environ, **environment}, **quiet, **options) as process:
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
