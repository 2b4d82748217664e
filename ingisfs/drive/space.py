"""Free space as the drive tells it: what the spool disk has, less a reserve; never a server's answer."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ingisfs.outbox.ballast import LITTLE, ROOM, Ballast, takes


@dataclass(frozen=True, slots=True)
class Space:
    """Room on the drive, in bytes."""

    total: int
    free: int


class SpoolDisk:
    """The disk under the outbox."""

    def __init__(self, folder: Path, reserve: int, ballast: Ballast | None = None, *, was_full: bool = False) -> None:
        """Watch the disk of `folder`; `reserve` bytes of it are never given to documents, nor is the ballast.

        `was_full`: the ballast was given up just now, so the disk's word is not taken.
        """
        self._folder = folder
        self._reserve = reserve
        self._ballast = ballast
        self._doubted = was_full  # it refused what it had told to have room for
        self._lent = was_full  # the ballast has lent something for that

    def space(self, buffered: int = 0) -> Space:
        """Return total and free bytes; `buffered` bytes are accepted already and not on disk yet.

        A document needs its size twice: in the log of the database, and later in the database itself.
        """
        if hasattr(os, "statvfs"):
            found = os.statvfs(self._folder)
            total, free = found.f_frsize * found.f_blocks, found.f_frsize * found.f_bavail
        else:
            total, _, free = shutil.disk_usage(self._folder)
        return Space(total, max(0, free - self._reserve - 2 * buffered))

    def has_room(self, buffered: int) -> bool:
        """Tell whether there is room for `buffered` bytes that are not on disk yet.

        Once the disk has refused something, its word is not taken: it is tried, and what was lent must be paid back
        first. Raises OSError if the disk cannot be written.
        """
        if self.space(buffered).free <= 0:
            return False
        if self._doubted:
            if self._ballast is not None and self._lent and not self._ballast.make(self._reserve):
                return False
            if not takes(self._folder, 2 * buffered + ROOM):
                return False
            self._doubted = self._lent = False
        return True

    def make_room(self, size: int) -> bool:
        """Have room for `size` bytes that were accepted and that the outbox could not keep; tells whether there is.

        The ballast lends it. Raises OSError if the disk cannot be written.
        """
        self._doubted = True
        needed = size + size // 16 + LITTLE  # in the log; the database gets it later
        if takes(self._folder, needed):
            return True
        lent = self._ballast is not None and self._ballast.lend(needed)
        self._lent = self._lent or lent
        return lent
