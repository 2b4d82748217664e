"""What shows that an outbox is a restored backup, or came from another machine.

A generation number counts up in the outbox with every group of publishings, and is written outside of it as well,
before the first of them is sent. An outbox that is behind its mirror has forgotten deliveries; sending what it still
thinks undelivered could send it twice.
"""

from __future__ import annotations

import os
import sys
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from ingisfs.crashpoints import crashpoint
from ingisfs.outbox.archive import sync_folder
from ingisfs.outbox.outbox import Outbox

_DIGITS = 20


def machine_id() -> str:
    """Return what tells this machine from another one; "" if it has nothing of the kind."""
    if sys.platform == "win32":
        import winreg

        with winreg.OpenKey(
            winreg.HKEY_LOCAL_MACHINE, r"SOFTWARE\Microsoft\Cryptography", 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY
        ) as key:
            return str(winreg.QueryValueEx(key, "MachineGuid")[0])
    for path in (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id")):
        with suppress(OSError):
            return path.read_text().strip()
    return f"node-{uuid.getnode():x}"


@dataclass(frozen=True, slots=True)
class Mirror:
    """The copy of the generation number outside of the outbox."""

    path: Path

    def read(self) -> int | None:
        """Return the number, None if there is none that can be read."""
        try:
            return int(self.path.read_bytes())
        except (OSError, ValueError):
            return None

    def write(self, generation: int) -> None:
        """Write the number over the old one, in place: after a power cut it is the old or the new one.

        Only a new file is synced: an outbox ahead of its mirror is harmless, one without a mirror looks restored.
        Raises OSError.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = not self.path.exists()
        crashpoint("mirror.before")
        fd = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            crashpoint("mirror.inside")
            os.write(fd, b"%0*d" % (_DIGITS, generation))
            if new:
                os.fsync(fd)
        finally:
            os.close(fd)
        if new:
            sync_folder(self.path.parent)
        crashpoint("mirror.after")


def default_folder() -> Path:
    """Return where the mirrors of all outboxes of this user lie: never inside an outbox."""
    return platformdirs.user_state_path("ingisfs", appauthor=False) / "generations"


def is_foreign(outbox: Outbox, folder: Path) -> tuple[bool, Mirror]:
    """Tell whether the outbox is a restored backup or another machine's; and return its mirror in `folder`.

    A new outbox is made this machine's own. Raises OutboxError, OSError.
    """
    name, machine = outbox.meta("outbox_id"), outbox.meta("machine_id")
    generation = int(outbox.meta("generation") or 0)
    if name is None:
        name = uuid.uuid4().hex
        outbox.set_meta("outbox_id", name)
        outbox.set_meta("machine_id", machine_id())
        mirror = Mirror(folder / f"{name}.generation")
        mirror.write(generation)
        return False, mirror
    mirror = Mirror(folder / f"{name}.generation")
    seen = mirror.read()
    foreign = machine != machine_id() or seen is None or seen > generation
    if not foreign and seen is not None and seen < generation:
        # Killed between the mark and its mirror: what was marked will be published, and the mirror must know first.
        mirror.write(generation)
    return foreign, mirror


def adopt(outbox: Outbox, mirror: Mirror) -> None:
    """Make the outbox this machine's own from here on; its generation goes on above all that was seen of it."""
    generation = max(int(outbox.meta("generation") or 0), mirror.read() or 0) + 1
    outbox.set_meta("machine_id", machine_id())
    outbox.set_meta("generation", str(generation))
    mirror.write(generation)
