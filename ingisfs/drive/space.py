"""Free space as the drive tells it: what the spool disk has, less a reserve; never a server's answer."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Space:
    """Room on the drive, in bytes."""

    total: int
    free: int


class SpoolDisk:
    """The disk under the outbox."""

    def __init__(self, folder: Path, reserve: int) -> None:
        """Watch the disk of `folder`; `reserve` bytes of it are never given to documents."""
        self._folder = folder
        self._reserve = reserve

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
