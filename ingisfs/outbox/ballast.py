"""A file that is given up when the disk is full: opening, emptying and delivering an outbox all need a little room."""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

ROOM = 2**20  # bytes that opening and the log files need, beside what the database's log needs


@dataclass(frozen=True, slots=True)
class Ballast:
    """Real blocks of the disk, held for a bad day."""

    path: Path
    size: int  # bytes

    def give_up_if_full(self, log_size: int) -> bool:
        """Free the blocks if the disk is too full to write `log_size` bytes into the database; tells whether it was."""
        if shutil.disk_usage(self.path.parent).free >= log_size + ROOM:
            return False
        if self.path.exists():
            log.warning("disk full: giving up the ballast of %d bytes", self.size)
            self.path.unlink(missing_ok=True)
        return True

    def make(self, reserve: int) -> bool:
        """Take the blocks, if the disk has them beside `reserve` bytes; tells whether the ballast is there."""
        if self.path.exists() and self.path.stat().st_size == self.size:
            return True
        if self.size == 0 or shutil.disk_usage(self.path.parent).free < reserve + 2 * self.size:
            return False
        temporary = self.path.with_suffix(".part")
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(fd, 0, self.size)
                else:
                    block = bytes(2**20)
                    for _ in range(-(-self.size // len(block))):
                        os.write(fd, block)
                    os.ftruncate(fd, self.size)
            finally:
                os.close(fd)
            temporary.replace(self.path)
        except OSError as error:
            log.warning("no ballast: %s", error)
            temporary.unlink(missing_ok=True)
            return False
        return True
