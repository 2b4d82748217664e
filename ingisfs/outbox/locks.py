"""Locks that the operating system drops by itself when their process dies.

`fcntl.flock` and `msvcrt.locking` belong to an open file, so two of them in one process exclude each other as well.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _try_lock(fd: int) -> bool:
        os.lseek(fd, 0, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(fd: int) -> None:
        os.lseek(fd, 0, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)


_STEP = 0.0002  # s between two tries; SQLite's own waiting takes steps of up to 100 ms


class FileLock:
    """An exclusive lock on one small file. Not for use by several threads: give each its own, or a lock around it."""

    def __init__(self, path: Path) -> None:
        """Open (and make, 0600) the file; nothing is locked yet. Raises OSError."""
        self.path = path
        # Python opens files as not inheritable, so a child process never keeps our lock alive.
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def acquire(self, timeout: float = 0.0) -> bool:
        """Lock within `timeout` seconds, and tell whether it worked."""
        if _try_lock(self._fd):
            return True
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            time.sleep(_STEP)
            if _try_lock(self._fd):
                return True
        return False

    def release(self) -> None:
        """Unlock; the file stays."""
        _unlock(self._fd)

    def close(self) -> None:
        """Unlock and close for good."""
        os.close(self._fd)


def is_locked(path: Path) -> bool:
    """Tell whether some process holds the lock on this file right now."""
    try:
        fd = os.open(path, os.O_RDONLY)  # so that it can be told on a read-only disk too
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(fd)
    finally:
        os.close(fd)


@contextmanager
def locked(path: Path, timeout: float = 0.0) -> Iterator[bool]:
    """Hold the lock for the length of the block; yields whether it was had."""
    lock = FileLock(path)
    try:
        yield lock.acquire(timeout)
    finally:
        lock.close()
