"""Where a drive and its outbox may be: letters and folders, and the disks that cannot keep a promise.

Pure rules, but for `disk_of`; mounting.py asks the system what they need to know.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PureWindowsPath

from ingisfs.config import ConfigError
from ingisfs.windows import CD_ROM, FIXED, RAM_DISK, REMOTE, REMOVABLE

_LETTER = re.compile(r"([A-Za-z]):[\\/]?\Z")
_TEMPORARY_PROFILE = re.compile(r"TEMP(\.|\Z)", re.IGNORECASE)
ANY = "*"
_LAST_TO_FIRST = [
    f"{chr(code)}:" for code in range(ord("Z"), ord("C"), -1)
]  # A and B are for floppy disks, C for Windows

#: A sync on these reaches no disk of this machine, or they have neither journal nor file locks that hold.
_UNSAFE_LINUX = {
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "davfs", "fuse.sshfs", "fuse.rclone",
    "fuse.davfs", "fuse.davfs2", "fuse.s3fs", "fuse.glusterfs", "vfat", "msdos", "exfat", "fuseblk.exfat",
    "fuse.ingisfs",
}  # fmt: skip


def letter(text: str) -> str | None:
    """Return a drive letter as it is written: `x:`, `X:\\` and `X:/` give `X:`; None for what is none."""
    found = _LETTER.match(text.strip())
    return f"{found[1].upper()}:" if found else None


def choose(text: str, taken: Iterable[str]) -> str:
    """Return the letter that is meant; `*` is the last free one. Raises ConfigError, and never takes another one."""
    taken = set(taken)
    if text.strip() == ANY:
        for free in _LAST_TO_FIRST:
            if free not in taken:
                return free
        raise ConfigError("letter.none-free")
    wanted = known(text)
    if wanted in taken:
        raise ConfigError("letter.taken", letter=wanted)
    return wanted


def known(text: str) -> str:
    """Return the letter that is meant, taken or not. Raises ConfigError if it is none."""
    found = letter(text)
    if found is None:
        raise ConfigError("letter.bad", mountpoint=text)
    return found


def check_windows_state(folder: PureWindowsPath, profile: str, kind: int, file_system: str) -> None:
    """Refuse an outbox where Windows would lose it. Raises ConfigError.

    `profile` is the user's own folder, `kind` and `file_system` are of the disk, as `Windows` tells them.
    """
    home = PureWindowsPath(profile)
    if profile and _TEMPORARY_PROFILE.match(home.name) and folder.is_relative_to(home):
        raise ConfigError("place.temporary-profile", folder=folder)
    what = {REMOTE: "network", REMOVABLE: "removable", CD_ROM: "removable", RAM_DISK: "memory"}.get(kind)
    if what is None and kind != FIXED:
        what = "missing"
    if what is None and file_system.upper() in {"FAT", "FAT12", "FAT16", "FAT32", "EXFAT"}:
        what = file_system.upper()
    if what is not None:
        raise ConfigError("place.bad-disk", folder=folder, kind=what)


def check_linux_state(folder: Path, mountinfo: str) -> None:
    """Refuse an outbox on a disk that cannot keep it; `mountinfo` is that of /proc/self. Raises ConfigError."""
    kind = disk_of(folder, mountinfo)
    if kind in _UNSAFE_LINUX:
        raise ConfigError("place.bad-disk", folder=folder, kind=kind)


def disk_of(folder: Path, mountinfo: str) -> str:
    """Return the kind of the file system under a folder, "" if that is not told. See proc_pid_mountinfo(5)."""
    real = os.path.realpath(folder)
    best, kind = "", ""
    for place, told in _mounts(mountinfo):
        # A later line lies over an earlier one.
        inside = real == place or real.startswith(place.rstrip("/") + "/")
        if inside and len(place) >= len(best):
            best, kind = place, told
    return kind


def drives(mountinfo: str) -> dict[str, int]:
    """Return where drives of ingisfs are mounted, and the number of the user who mounted each."""
    found: dict[str, int] = {}
    for place, kind, options in _all(mountinfo):
        user = re.search(r"(?:^|,)user_id=(\d+)", options)
        if kind == "fuse.ingisfs" and user is not None:
            found[place] = int(user[1])
        else:
            found.pop(place, None)  # another one lies over it
    return found


def mountpoints(mountinfo: str) -> set[str]:
    """Return where something is mounted, after the text of /proc/self/mountinfo."""
    return {place for place, _ in _mounts(mountinfo)}


def _mounts(mountinfo: str) -> Iterator[tuple[str, str]]:
    """Yield the place and the kind of each file system."""
    for place, kind, _ in _all(mountinfo):
        yield place, kind


def _all(mountinfo: str) -> Iterator[tuple[str, str, str]]:
    """Yield the place, the kind and the options of each file system."""
    for line in mountinfo.splitlines():
        fields = line.split(" ")
        if "-" in fields[6:]:
            place = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[4])
            yield place, fields[fields.index("-", 6) + 1], fields[-1]
