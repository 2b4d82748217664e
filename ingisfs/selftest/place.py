"""Where a program saves: what all places have in common.

Each pattern is a function of a `Place`. It returns the documents, by name, that a person would expect the server to
receive, once each and never anything else. All patterns share one drive, so each takes its names from `Place.name`.
"""

from __future__ import annotations

import errno
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

from ingisfs.selftest.expecting import TooSlowError, same, wait_for

Mode = Literal["r", "r+", "w", "a"]
Documents = dict[str, bytes]

PIECE = 4096  # bytes; what most programs write at a time

OLD_NS = 1_706_933_106_007_000_000  # ns since 1970 UTC; what `set_attributes` sets

_END = {"delivered", "held", "parked", "local", "withdrawn", "superseded"}  # states that nothing leaves by itself


class Child(ABC):
    """A process that inherited a descriptor."""

    @abstractmethod
    def finish(self, data: bytes) -> None:
        """Let it write `data` and end, whereby it closes its descriptor."""


class PlaceClock(Protocol):
    """How time passes where a program saves."""

    @property
    def settle(self) -> float:
        """How long the settle time surely is, in s; infinity if time stands still."""

    @property
    def patience(self) -> float:
        """How long to wait for a state at most, in s."""

    def look(self, path: str) -> str:
        """Return the state of the newest document of a name, "" if there is none. Lets time pass."""

    def pause(self) -> None:
        """Let less than the settle time pass."""


class Place(ABC):
    """Where a program saves. Descriptors are numbers, positions belong to what `open` opened, as everywhere.

    Errors are OSError, as the system raises them.
    """

    max_document: int | None = None  # bytes; the limit of the drive, None if it is not known

    def __init__(self, stem: str, clock: PlaceClock) -> None:
        """Begin every name with `stem`."""
        self.stem = stem
        self.needs_person: set[str] = set()
        self._clock = clock

    def name(self, name: str) -> str:
        """Return a name that no other pattern has; what makes a name noise (`~$`, a dot) stays in front."""
        rest = name.lstrip(".~$_")
        return f"{name[: len(name) - len(rest)]}{self.stem} {rest}"

    # time

    def pause(self) -> None:
        """The program does something else for a moment, shorter than the settle time."""
        self._clock.pause()

    def hurry(self, since: float) -> None:
        """Give up if the settle time may have passed since a time on `time.monotonic`. Raises TooSlowError."""
        if time.monotonic() - since >= self._clock.settle:
            raise TooSlowError

    def wait(self, name: str, state: str) -> None:
        """Wait until the newest document of a name has come to this state."""
        end = {state, *_END}
        wait_for(lambda: self._clock.look(name) in end, f"{name} to be {state}", self._clock.patience)
        same(self._clock.look(name), state)

    def left_to_a_person(self, name: str) -> None:
        """Expect that in the end a document is held or parked. No other is."""
        self.needs_person.add(name)

    # files

    @abstractmethod
    def create(self, name: str, *, append: bool = False) -> int:
        """Make a new file and open it for reading and writing. Raises FileExistsError."""

    @abstractmethod
    def open(self, name: str, mode: Mode) -> int:
        """Open as C's `fopen` would: "w" empties or makes the file, "a" makes it if there is none."""

    @abstractmethod
    def write(self, fd: int, data: bytes) -> None:
        """Write at the position, or at the end of the file if it was opened so."""

    @abstractmethod
    def pwrite(self, fd: int, data: bytes, offset: int) -> None:
        """Write at `offset`, leaving the position alone."""

    @abstractmethod
    def content(self, fd: int) -> bytes:
        """Read all of an open file."""

    @abstractmethod
    def ftruncate(self, fd: int, size: int) -> None:
        """Cut or fill with zeros: Windows' SetEndOfFile."""

    @abstractmethod
    def truncate(self, name: str, size: int) -> None:
        """Cut or fill with zeros, by name."""

    @abstractmethod
    def allocate(self, fd: int, size: int) -> None:
        """Ask the system for room beforehand: `posix_fallocate`."""

    @abstractmethod
    def flush(self, fd: int) -> None:
        """What another descriptor of the same opening causes when it is closed (under Wine the wineserver's)."""

    @abstractmethod
    def fsync(self, fd: int) -> None:
        """Make durable: Windows' FlushFileBuffers."""

    @abstractmethod
    def close(self, fd: int) -> None:
        """Close a descriptor; the last one of its opening ends it."""

    @abstractmethod
    def dup(self, fd: int) -> int:
        """Return another descriptor of the same opening."""

    @abstractmethod
    def child(self, fd: int) -> Child:
        """Start a process that inherits a descriptor."""

    @abstractmethod
    @contextmanager
    def mapped(self, fd: int, size: int) -> Iterator[memoryview]:
        """Have a file in memory for the block, shared and writable. Only for patterns that are `mount_only`."""
        yield from ()

    # names

    @abstractmethod
    def rename(self, old: str, new: str, *, replace: bool = True) -> None:
        """Rename, over what is there if `replace`; else raises FileExistsError."""

    @abstractmethod
    def unlink(self, name: str) -> None:
        """Delete a file."""

    @abstractmethod
    def mkdir(self, name: str) -> None:
        """Make a folder."""

    @abstractmethod
    def listdir(self) -> list[str]:
        """Return all names in the root."""

    @abstractmethod
    def size(self, name: str) -> int:
        """Return the size in bytes. Raises FileNotFoundError."""

    @abstractmethod
    def set_attributes(self, name: str) -> None:
        """Set an old time, and the read-only attribute for a moment."""

    @abstractmethod
    def copy(self, data: bytes, name: str) -> None:
        """Copy a file of another disk here, as the system's own copying does."""

    # what patterns are made of

    def means_too_large(self, error: OSError) -> bool:
        """Tell whether an error of a write says that the document is larger than the drive takes."""
        return error.errno == errno.EFBIG

    def replace(self, name: str, temporary: str, backup: str) -> None:
        """Put a file in the place of another, which becomes the backup: Windows' ReplaceFile, as Wine does it."""
        for old, new in ((name, backup), (temporary, name)):
            fd = self.open(old, "r")
            self.rename(old, new)
            self.close(fd)

    def exists(self, name: str) -> bool:
        """Tell whether a program finds the name."""
        try:
            self.size(name)
        except FileNotFoundError:
            return False
        return True

    def read(self, name: str) -> bytes:
        """Read a whole file."""
        fd = self.open(name, "r")
        try:
            return self.content(fd)
        finally:
            self.close(fd)

    def fill(self, fd: int, data: bytes, piece: int = PIECE) -> None:
        """Write `data` in pieces."""
        for start in range(0, len(data), piece):
            self.write(fd, data[start : start + piece])

    def save(self, name: str, data: bytes, piece: int = PIECE) -> None:
        """Write a new file in pieces and close it."""
        fd = self.create(name)
        self.fill(fd, data, piece)
        self.close(fd)

    def overwrite(self, name: str, data: bytes) -> None:
        """Write a file anew, whether it is there or not."""
        fd = self.open(name, "w")
        self.fill(fd, data)
        self.close(fd)
