"""A file that is given up when the disk is full: opening, emptying and delivering an outbox all need a little room.

A part of it is lent to documents that were accepted while the disk still told of room: a quota is in no number that a
disk tells, and somebody else may fill it between a write and the close.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

ROOM: Final = 2**20  # bytes that opening and the log files need, beside what the database's log needs
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
LITTLE: Final = 2**18  # bytes that a few records need


def takes(folder: Path, size: int) -> bool:
    """Try whether the disk gives `size` bytes, and give them back. Raises OSError if it cannot be written at all."""
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            _allocate(file.fileno(), size)
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno in FULL:
            return False
        raise
    finally:
        _settle(folder)
    return True


def _settle(folder: Path) -> None:
    """Have what was deleted count as free: btrfs counts it towards a quota until the whole file system is synced.

    Not `os.sync`, which waits for every disk of the machine, also for one on a network that is gone.
    """
    if sys.platform == "linux":
        fd = os.open(folder, os.O_RDONLY)
        try:
            ctypes.CDLL(None).syncfs(fd)
        finally:
            os.close(fd)


def _allocate(fd: int, size: int) -> None:
    """Make an empty file `size` bytes long, all of them real. Raises OSError."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, size)
        return
    block = bytes(2**20)
    for _ in range(-(-size // len(block))):
        os.write(fd, block)
    os.ftruncate(fd, size)


@dataclass(frozen=True, slots=True)
class Ballast:
    """Real blocks of the disk, held for a bad day: one file for opening, and two that can be lent.

    Only whole files are given up: over a quota, btrfs refuses to cut one.
    """

    path: Path
    size: int  # bytes, in all files
    lendable: int = 0  # bytes of them that may be lent

    def _parts(self) -> list[tuple[Path, int]]:
        half = self.lendable // 2
        lendable = [(self.path.with_name(f"{self.path.name}-{number}"), half) for number in (1, 2)]
        return [part for part in [(self.path, self.size - 2 * half), *lendable] if part[1]]

    def give_up_if_full(self, log_size: int) -> bool:
        """Free the blocks if the disk is too full to write `log_size` bytes into the database; tells whether it was.

        Raises OSError if the disk cannot be written at all.
        """
        if shutil.disk_usage(self.path.parent).free >= log_size + ROOM and takes(self.path.parent, log_size + ROOM):
            return False
        log.warning("disk full: giving up the ballast of %d bytes", self.size)
        for path, _ in self._parts():
            path.unlink(missing_ok=True)
        _settle(self.path.parent)
        return True

    def lend(self, size: int) -> bool:
        """Have room for `size` bytes that were accepted already; tells whether there is.

        What opening needs is not lent. Raises OSError if the disk cannot be written at all.
        """
        folder = self.path.parent
        if takes(folder, size):
            return True
        for path, length in self._parts()[1:]:
            if path.exists():
                log.warning("disk full: lending %d bytes of the ballast", length)
                path.unlink(missing_ok=True)
                _settle(folder)
                if takes(folder, size):
                    return True
        return False

    def make(self, reserve: int) -> bool:
        """Take the blocks, if the disk has them beside `reserve` bytes; tells whether the ballast is there."""
        missing = [(path, size) for path, size in self._parts() if not path.exists() or path.stat().st_size != size]
        needed = reserve + 2 * sum(size for _, size in missing)
        if missing and shutil.disk_usage(self.path.parent).free < needed:
            return False
        return all(_make(path, size) for path, size in missing)


def _make(path: Path, size: int) -> bool:
    temporary = path.with_name(path.name + ".part")
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            _allocate(fd, size)
        finally:
            os.close(fd)
        temporary.replace(path)
    except OSError as error:
        log.warning("no ballast: %s", error)
        temporary.unlink(missing_ok=True)
        return False
    return True
