"""Where a drive is: here, out of our sight, another user's, taken away by a person, or gone. Only the last is trouble.

A drive letter of Windows belongs to one session, and to one kind of rights in it; a mount of Linux to one mount
namespace. So a drive may run and print while whoever asks does not see it.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from ingisfs import letters
from ingisfs.config import ConfigError, Drive
from ingisfs.drive import registry, stop_file
from ingisfs.outbox.locks import is_locked
from ingisfs.windows import Windows

MOUNTINFO = Path("/proc/self/mountinfo")
FILE_SYSTEM = "INGISFS"  # as Windows tells it of our drives


class Where(StrEnum):
    """See the module."""

    HERE = "here"
    ELSEWHERE = "elsewhere"  # it runs, out of our sight
    OTHERS = "others"  # another user's drive has its place
    STOPPED = "stopped"  # a person unmounted it
    NOT_MOUNTED = "not-mounted"
    GONE = "gone"  # it ended, and nobody unmounted it


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where one drive is. `sentence` with `values` is for people."""

    where: Where
    place: str = ""  # its letter or folder, if that is known
    sentence: str = ""
    values: dict[str, object] = field(default_factory=dict)


def whereabouts(drive: Drive, folder: Path) -> Whereabouts:
    """Return where the drive is whose outbox lies in `folder`. It touches no mount, so none that hangs can hang us."""
    mounted = registry.running(folder)
    place = mounted.mountpoint if mounted is not None else registry.normal(drive.mountpoint) if drive.mountpoint else ""
    values: dict[str, object] = {"mountpoint": place, "drive": drive.name}
    if mounted is not None and is_seen(place):
        return Whereabouts(Where.HERE, place, "where.here", values)
    if mounted is not None and not drive.of_machine:  # a machine's drive would be seen by everybody
        return Whereabouts(Where.ELSEWHERE, place, "where.session", values)
    with suppress(OSError):
        if is_locked(folder / "drive.lock"):
            return Whereabouts(Where.ELSEWHERE, "", "where.unseen", values)
    if place and (refusal := others_at(place)) is not None:
        return Whereabouts(Where.OTHERS, place, refusal.sentence, refusal.values)
    if stop_file.was_stopped(folder):
        return Whereabouts(Where.STOPPED, place, "where.stopped", values)
    if any(each.state_folder == folder for _, each in registry.noted()):
        return Whereabouts(Where.GONE, place, "where.gone", {**values, "log": folder / "log"})
    return Whereabouts(Where.NOT_MOUNTED, place, "where.not-mounted", values)


def is_seen(mountpoint: str) -> bool:
    """Tell whether this process sees a drive at its place, without touching it."""
    if sys.platform == "win32":
        return letters.letter(mountpoint) in Windows().letters()
    try:
        return mountpoint in letters.mountpoints(MOUNTINFO.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return os.path.ismount(mountpoint)


def others_at(mountpoint: str) -> ConfigError | None:
    """Return what is to be said of a drive of ingisfs at this place that is not on note here; None if there is none."""
    place = registry.normal(mountpoint)
    if sys.platform == "win32":
        is_ours = letters.letter(place) in Windows().letters() and Windows().file_system(Path(place)) == FILE_SYSTEM
        return ConfigError("where.others", mountpoint=place) if is_ours else None
    try:
        owners = letters.drives(MOUNTINFO.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return None
    if place not in owners:
        return None
    if owners[place] == os.getuid():
        return ConfigError("where.own", mountpoint=place)
    return ConfigError("where.user", mountpoint=place, user=_name(owners[place]))


def _name(user: int) -> str:
    """Return what a user is called on this machine."""
    if sys.platform != "win32":
        import pwd

        with suppress(KeyError):
            return pwd.getpwuid(user).pw_name
    return str(user)
