"""A body on its way in: counted, hashed, and nowhere to be seen.

A small body stays in memory, so an upload that breaks off costs the disk nothing. A large one spills into a private
file in the folder `incoming`, which is on the same file system as the inbox but not part of it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ingisfs.stage.failures import NoRightsError, TooLargeError

SPILL_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """A whole body in a private file, synced: `size` in bytes, `sha256` in hex, the file's own time."""

    file: Path
    size: int
    sha256: str
    mtime_ns: int


class Upload:
    """One body. `add` is quick, the others touch the disk.

    `folder` is where the private file goes, `limit` the most bytes that it may have. One task uses it, but a worker
    thread may still be writing when that task is cancelled and discards it: hence the lock, and no way back.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.size = 0  # bytes so far
        self._folder = folder
        self._limit = limit
        self._waiting: list[bytes] = []  # not yet in the file
        self._waiting_bytes = 0
        self._hash = hashlib.sha256()
        self._lock = threading.Lock()  # held for all below
        self._file: Path | None = None
        self._descriptor = -1
        self._discarded = False

    def add(self, chunk: bytes) -> bool:
        """Take in a piece; True says that it is time to `spill`. Raises TooLargeError beyond the limit."""
        self.size += len(chunk)
        if self.size > self._limit:
            raise TooLargeError
        self._waiting.append(chunk)
        self._waiting_bytes += len(chunk)
        return self._waiting_bytes >= SPILL_BYTES

    def spill(self) -> None:
        """Write what waits in memory to the private file. Raises OSError, e.g. when the disk is full."""
        with self._lock:
            self._write()

    def finish(self) -> Received:
        """The body is complete: write, sync and close the private file. Raises OSError."""
        with self._lock:
            file = self._write()
            os.fsync(self._descriptor)
            mtime_ns = os.fstat(self._descriptor).st_mtime_ns
            self._close()
        return Received(file, self.size, self._hash.hexdigest(), mtime_ns)

    def given_away(self) -> None:
        """The finished file is the inbox's now."""
        with self._lock:
            self._file = None

    def discard(self) -> None:
        """Leave nothing behind. Harmless after the file was given away, and more than once."""
        with self._lock:
            self._discarded = True
            self._close()
            if self._file is not None:
                with contextlib.suppress(FileNotFoundError):
                    self._file.unlink()
                self._file = None

    def _write(self) -> Path:  # needs _lock
        if self._discarded:
            raise FileNotFoundError(errno.ENOENT, "this upload was discarded")
        if self._file is None:
            with allowed():
                self._descriptor, name = tempfile.mkstemp(dir=self._folder)
            self._file = Path(name)
        waiting = b"".join(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        self._hash.update(waiting)
        rest = memoryview(waiting)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        return self._file

    def _close(self) -> None:  # needs _lock
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


@contextlib.contextmanager
def allowed(name: str = "") -> Iterator[None]:
    """Around one call that changes or reads the disk: raises NoRightsError where the disk forbids it."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise
        raise NoRightsError(name) from error
