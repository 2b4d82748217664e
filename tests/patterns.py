"""How programs save documents: one corpus, for the volume, a FUSE mount, and whatever host comes next.

A `Place` is where a program saves: `VolumePlace` calls the volume as a host would, `MountPlace` the system's own
functions on a mounted drive. Each pattern is a function of a place; it returns the documents, by name, that a person
would expect the server to receive, once each and never anything else. The patterns come from wine-operations.log (what
Win32 programs do, as a file system sees it), from reports about other drives, and from programs that people print with.

All patterns share one drive, so each takes its names from `Place.name`.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import shutil
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import pytest

from ingisfs.drive import errors
from ingisfs.drive.volume import Handle, Volume
from tests.documents import pdf, xml
from tests.servers import wait_for

Mode = Literal["r", "r+", "w", "a"]
Documents = dict[str, bytes]

PIECE = 4096  # bytes; what most programs write at a time
MAX_DOCUMENT = 6 * 2**20  # bytes; the limit that a place must have

_READ_ALL = 2**30  # bytes
_END = {"delivered", "held", "parked", "local", "withdrawn", "superseded"}  # states that nothing leaves by itself


# ---- places ------------------------------------------------------------------------------------------------------


class Child(ABC):
    """A process that inherited a descriptor."""

    @abstractmethod
    def finish(self, data: bytes) -> None:
        """Let it write `data` and end, whereby it closes its descriptor."""


class PlaceClock(Protocol):
    """How time passes where a program saves."""

    settle: float  # s that a program must hurry to be within the settle time; infinity if time stands still

    def look(self, path: str) -> str:
        """Return the state of the newest document of a name, "" if there is none. Lets time pass."""

    def pause(self) -> None:
        """Let less than the settle time pass."""


class TooSlowError(Exception):
    """This machine is so busy that a pattern proves nothing."""


class Place(ABC):
    """Where a program saves. Descriptors are numbers, positions belong to what `open` opened, as everywhere.

    Errors are OSError, as the system raises them.
    """

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
        wait_for(lambda: self._clock.look(name) in {state, *_END}, f"{name} to be {state}", 15)
        assert self._clock.look(name) == state

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


@dataclass(eq=False)
class _Opening:
    """What POSIX calls an open file description: descriptors share it."""

    handle: Handle
    position: int = 0
    descriptors: int = 1


class VolumePlace(Place):
    """The volume in this process, called as a host calls it.

    On Linux each close of a descriptor flushes, and the last one releases as well. On Windows the last one releases,
    and nobody flushes unless a program asks for it.
    """

    def __init__(self, stem: str, clock: PlaceClock, volume: Volume, *, windows: bool) -> None:
        super().__init__(stem, clock)
        self._volume = volume
        self._windows = windows
        self._openings: dict[int, _Opening] = {}
        self._next = 3

    def _enter(self, opening: _Opening) -> int:
        fd = self._next
        self._next += 1
        self._openings[fd] = opening
        return fd

    def create(self, name: str, *, append: bool = False) -> int:
        with _system_errors():
            return self._enter(_Opening(self._volume.create(name, append=append)))

    def open(self, name: str, mode: Mode) -> int:
        with _system_errors():
            if mode in {"w", "a"} and not self.exists(name):
                handle = self._volume.create(name, may_read=False, append=mode == "a")
            else:
                handle = self._volume.open(
                    name, may_read=mode in {"r", "r+"}, may_write=mode != "r", append=mode == "a"
                )
                if mode == "w":
                    self._volume.truncate(handle, 0)
            return self._enter(_Opening(handle))

    def write(self, fd: int, data: bytes) -> None:
        opening = self._openings[fd]
        with _system_errors():
            opening.position += self._volume.write(opening.handle, opening.position, data)

    def pwrite(self, fd: int, data: bytes, offset: int) -> None:
        with _system_errors():
            self._volume.write(self._openings[fd].handle, offset, data)

    def content(self, fd: int) -> bytes:
        with _system_errors():
            return self._volume.read(self._openings[fd].handle, 0, _READ_ALL)

    def ftruncate(self, fd: int, size: int) -> None:
        with _system_errors():
            self._volume.truncate(self._openings[fd].handle, size)

    def truncate(self, name: str, size: int) -> None:
        with _system_errors():
            self._volume.truncate_path(name, size)

    def allocate(self, fd: int, size: int) -> None:
        self.ftruncate(fd, size)

    def flush(self, fd: int) -> None:
        if not self._windows:
            self.fsync(fd)

    def fsync(self, fd: int) -> None:
        with _system_errors():
            self._volume.flush(self._openings[fd].handle)

    def close(self, fd: int) -> None:
        opening = self._openings[fd]
        opening.descriptors -= 1
        try:
            self.flush(fd)
        finally:
            del self._openings[fd]
            if not opening.descriptors:
                self._volume.release(opening.handle)

    def dup(self, fd: int) -> int:
        self._openings[fd].descriptors += 1
        return self._enter(self._openings[fd])

    def child(self, fd: int) -> Child:
        return _VolumeChild(self, self.dup(fd))

    @contextmanager
    def mapped(self, fd: int, size: int) -> Iterator[memoryview]:
        raise NotImplementedError("there are no pages without a kernel")
        yield

    def rename(self, old: str, new: str, *, replace: bool = True) -> None:
        with _system_errors():
            self._volume.rename(old, new, replace=replace)

    def unlink(self, name: str) -> None:
        with _system_errors():
            self._volume.remove(name)

    def mkdir(self, name: str) -> None:
        with _system_errors():
            self._volume.make_folder(name)

    def listdir(self) -> list[str]:
        with _system_errors():
            return self._volume.names_in("")

    def size(self, name: str) -> int:
        with _system_errors():
            return self._volume.stat(name).size

    def set_attributes(self, name: str) -> None:
        with _system_errors():
            self._volume.set_modified(name, _OLD_NS)

    def copy(self, data: bytes, name: str) -> None:
        self.save(name, data, 64 * 2**10)
        self.set_attributes(name)


class _VolumeChild(Child):
    def __init__(self, place: Place, fd: int) -> None:
        self._place = place
        self._fd = fd

    def finish(self, data: bytes) -> None:
        self._place.write(self._fd, data)
        self._place.close(self._fd)


_OLD_NS = 1_706_933_106_007_000_000  # ns since 1970 UTC; as in wine-operations.log

_ERRNO: dict[type[errors.VolumeError], int] = {
    errors.NotFoundError: errno.ENOENT,
    errors.ExistsError: errno.EEXIST,
    errors.DeniedError: errno.EACCES,
    errors.BusyError: errno.EBUSY,
    errors.TooLargeError: errno.EFBIG,
}


@contextmanager
def _system_errors() -> Iterator[None]:
    """Raise what a program would get from the system."""
    try:
        yield
    except errors.VolumeError as error:
        raise OSError(_ERRNO.get(type(error), errno.EIO), str(error)) from error


class MountPlace(Place):
    """A mounted drive, used through the system."""

    def __init__(self, stem: str, clock: PlaceClock, folder: Path) -> None:
        super().__init__(stem, clock)
        self._folder = folder

    def create(self, name: str, *, append: bool = False) -> int:
        return os.open(self._folder / name, os.O_CREAT | os.O_EXCL | os.O_RDWR | (os.O_APPEND if append else 0))

    def open(self, name: str, mode: Mode) -> int:
        return os.open(self._folder / name, _FLAGS[mode])

    def write(self, fd: int, data: bytes) -> None:
        with memoryview(data) as view:
            done = 0
            while done < len(data):
                done += os.write(fd, view[done:])

    def pwrite(self, fd: int, data: bytes, offset: int) -> None:
        with memoryview(data) as view:
            done = 0
            while done < len(data):
                done += os.pwrite(fd, view[done:], offset + done)

    def content(self, fd: int) -> bytes:
        parts: list[bytes] = []
        while part := os.pread(fd, 2**20, sum(map(len, parts))):
            parts.append(part)
        return b"".join(parts)

    def ftruncate(self, fd: int, size: int) -> None:
        os.ftruncate(fd, size)

    def truncate(self, name: str, size: int) -> None:
        os.truncate(self._folder / name, size)

    def allocate(self, fd: int, size: int) -> None:
        os.posix_fallocate(fd, 0, size)

    def flush(self, fd: int) -> None:
        os.close(os.dup(fd))

    def fsync(self, fd: int) -> None:
        os.fsync(fd)

    def close(self, fd: int) -> None:
        os.close(fd)

    def dup(self, fd: int) -> int:
        return os.dup(fd)

    def child(self, fd: int) -> Child:
        return _MountChild(fd)

    @contextmanager
    def mapped(self, fd: int, size: int) -> Iterator[memoryview]:
        # Python's own mmap keeps a descriptor of the file, and the close of that one would write the pages.
        address = _LIBC.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, fd, 0)
        assert address != ctypes.c_void_p(-1).value, os.strerror(ctypes.get_errno())
        try:
            yield memoryview((ctypes.c_ubyte * size).from_address(address)).cast("B")
        finally:
            _LIBC.munmap(address, size)

    def rename(self, old: str, new: str, *, replace: bool = True) -> None:
        source, target = self._folder / old, self._folder / new
        if replace:
            os.rename(source, target)
        elif _LIBC.renameat2(-1, bytes(source), -1, bytes(target), _RENAME_NOREPLACE):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(target))

    def unlink(self, name: str) -> None:
        os.unlink(self._folder / name)

    def mkdir(self, name: str) -> None:
        os.mkdir(self._folder / name)

    def listdir(self) -> list[str]:
        return os.listdir(self._folder)

    def size(self, name: str) -> int:
        return os.stat(self._folder / name).st_size

    def set_attributes(self, name: str) -> None:
        os.utime(self._folder / name, ns=(_OLD_NS, _OLD_NS))
        os.chmod(self._folder / name, 0o400)
        os.chmod(self._folder / name, 0o600)

    def copy(self, data: bytes, name: str) -> None:
        with tempfile.TemporaryDirectory() as elsewhere:
            source = Path(elsewhere) / "source"
            source.write_bytes(data)
            shutil.copy2(source, self._folder / name)


class _MountChild(Child):
    """`cat`, writing to the descriptor what it is given."""

    def __init__(self, fd: int) -> None:
        self._process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=fd)

    def finish(self, data: bytes) -> None:
        self._process.communicate(data, 30)
        assert self._process.returncode == 0


_FLAGS: dict[Mode, int] = {
    "r": os.O_RDONLY,
    "r+": os.O_RDWR,
    "w": os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
    "a": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
}
_RENAME_NOREPLACE = 1  # renameat2(2)
if sys.platform != "win32":
    _LIBC = ctypes.CDLL(None, use_errno=True)
    _LIBC.mmap.restype = ctypes.c_void_p
    _LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    _LIBC.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]


# ---- the corpus --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pattern:
    """One way to save."""

    run: Callable[[Place], Documents] = field(repr=False)
    number: int
    within_settle: bool  # it proves something only if it has ended before the settle time has
    mount_only: bool

    @property
    def name(self) -> str:
        return self.run.__name__


PATTERNS: list[Pattern] = []


def pattern(
    *, within_settle: bool = False, mount_only: bool = False
) -> Callable[[Callable[[Place], Documents]], Callable[[Place], Documents]]:
    """Put a function into the corpus."""

    def enter(run: Callable[[Place], Documents]) -> Callable[[Place], Documents]:
        PATTERNS.append(Pattern(run, len(PATTERNS) + 1, within_settle, mount_only))
        return run

    return enter


_FOR_WRITING: tuple[Mode, ...] = ("r+", "a", "r+")


def revised(data: bytes, text: str) -> bytes:
    """Return a PDF with one more revision behind it: both are whole, so only time tells which one is meant."""
    body = data + b"% " + text.encode() + b"\n"
    return body + b"xref\n0 0\ntrailer\n<</Size 2/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(body)


# ---- writing one document in one go ------------------------------------------------------------------------------


@pattern()
def created_and_written_in_pieces(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 60_000)
    place.save(one, data)
    assert place.read(one) == data
    return {one: data}


@pattern()
def written_in_unbuffered_lines(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 9_000)
    place.save(one, data, 49)
    return {one: data}


@pattern()
def written_at_once(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 60_000)
    place.save(one, data, len(data))
    return {one: data}


@pattern()
def header_patched_at_the_end(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    place.fill(fd, b"%PDF-?.?" + data[8:])
    place.pwrite(fd, data[:8], 0)
    place.close(fd)
    return {one: data}


@pattern()
def written_backwards(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    for start in reversed(range(0, len(data), PIECE)):
        place.pwrite(fd, data[start : start + PIECE], start)
    place.close(fd)
    return {one: data}


@pattern()
def preallocated_and_cut(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 60_000)
    fd = place.create(one)
    place.ftruncate(fd, 1_000_000)
    place.fill(fd, data)
    place.ftruncate(fd, len(data))
    place.close(fd)
    return {one: data}


@pattern()
def preallocated_by_a_last_byte_and_cut(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 60_000)
    fd = place.create(one)
    place.pwrite(fd, b"\0", 1_000_000 - 1)
    place.fill(fd, data)
    assert place.size(one) == 1_000_000
    place.ftruncate(fd, len(data))
    place.close(fd)
    return {one: data}


@pattern()
def preallocated_by_the_system_and_cut(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 60_000)
    fd = place.create(one)
    place.allocate(fd, 200_000)
    place.fill(fd, data)
    place.ftruncate(fd, len(data))
    place.close(fd)
    return {one: data}


@pattern()
def grown_as_wine_does(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 60_000)
    fd = place.create(one)
    place.ftruncate(fd, 0)
    place.pwrite(fd, b"\0", len(data))
    place.ftruncate(fd, len(data))
    place.fill(fd, data)
    place.flush(fd)
    place.close(fd)
    return {one: data}


@pattern()
def emptied_and_rewritten_on_the_same_handle(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("two", 10_000)
    fd = place.create(one)
    place.write(fd, pdf("one", 20_000))
    place.ftruncate(fd, 0)
    place.pwrite(fd, data, 0)
    place.close(fd)
    return {one: data}


@pattern()
def written_with_holes(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 300_000).replace(b"xxxx", bytes(4))
    fd = place.create(one)
    place.pwrite(fd, data[-500:], len(data) - 500)
    place.pwrite(fd, data[:500], 0)
    place.close(fd)
    return {one: data}


@pattern()
def filled_up_with_zeros_at_the_end(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 3000)
    fd = place.create(one)
    place.write(fd, data)
    place.ftruncate(fd, PIECE)
    place.close(fd)
    return {one: data.ljust(PIECE, b"\0")}


@pattern()
def appended_by_one_handle(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 30_000)
    fd = place.create(one, append=True)
    place.write(fd, data[:100])
    place.pwrite(fd, data[100:5000], 0)  # a handle that appends does so wherever it is told to write
    place.fill(fd, data[5000:])
    place.close(fd)
    return {one: data}


@pattern()
def appended_by_two_handles_in_turn(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 30_000)
    fds = [place.open(one, "a"), place.open(one, "a")]
    for at, start in enumerate(range(0, len(data), 1000)):
        place.write(fds[at % 2], data[start : start + 1000])
    for fd in fds:
        place.close(fd)
    return {one: data}


@pattern()
def copied_3_mb(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 3 * 2**20)
    place.copy(data, one)
    return {one: data}


@pattern()
def written_5_mb_out_of_order(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 5 * 2**20)
    fd = place.create(one)
    place.pwrite(fd, data[3 * 2**20 :], 3 * 2**20)
    place.fill(fd, data[: 3 * 2**20], 2**17)
    place.close(fd)
    return {one: data}


@pattern(mount_only=True)
def written_in_memory(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 60_000)
    fd = place.create(one)
    place.pwrite(fd, b"\0", len(data))
    place.ftruncate(fd, len(data))
    with place.mapped(fd, len(data)) as memory:
        memory[:] = data
    place.close(fd)
    return {one: data}


@pattern(mount_only=True)
def written_in_memory_behind_a_closed_descriptor(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 60_000)
    fd = place.create(one)
    place.ftruncate(fd, len(data))
    with place.mapped(fd, len(data)) as memory:
        memory[:30_000] = data[:30_000]
        place.close(fd)  # the mapping keeps the file open
        memory[30_000:] = data[30_000:]
    return {one: data}


@pattern(mount_only=True)
def patched_in_memory(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 60_000)
    place.save(one, data[:40_000])
    fd = place.open(one, "r+")
    place.pwrite(fd, data[40_000:], 40_000)
    with place.mapped(fd, len(data)) as memory:
        assert memory[:] == data
        memory[30_000:30_010] = b"0123456789"
    place.close(fd)
    return {one: data[:30_000] + b"0123456789" + data[30_010:]}


# ---- when is it the end? -----------------------------------------------------------------------------------------


@pattern()
def created_empty_and_written_later(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 10_000)
    place.close(place.create(one))
    fd = place.open(one, "r+")
    place.fill(fd, data)
    place.close(fd)
    return {one: data}


@pattern()
def created_empty_and_written_much_later(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 10_000)
    place.close(place.create(one))
    place.wait(one, "held")
    place.overwrite(one, data)
    return {one: data}


@pattern()
def appended_page_by_page(place: Place) -> Documents:  # paperless-ng 853
    one, data = place.name("F1.pdf"), pdf("page 1", 5000)
    closed = time.monotonic()
    place.save(one, data)
    for page in range(2, 7):
        place.pause()
        more = revised(data, f"page {page}")
        fd = place.open(one, "a")
        place.hurry(closed)
        place.write(fd, more[len(data) :])
        closed = time.monotonic()
        place.close(fd)
        data = more
    return {one: data}


@pattern()
def cut_and_completed_after_it_was_held(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 10_000)
    place.save(one, data[:6000])
    place.wait(one, "held")
    fd = place.open(one, "a")
    place.write(fd, data[6000:])
    place.close(fd)
    return {one: data}


@pattern()
def appended_slowly_with_pauses(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 10_000)
    for start in range(0, len(data), 4000):
        fd = place.open(one, "a")
        place.write(fd, data[start : start + 4000])
        place.close(fd)
        place.pause()
    return {one: data}


@pattern(within_settle=True)
def reopened_and_patched(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.pause()
    fd = place.open(one, "r+")
    place.pwrite(fd, b"2", data.index(b"one") + 2)
    place.close(fd)
    return {one: data.replace(b"one", b"on2")}


@pattern(within_settle=True)
def reopened_and_cut(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, revised(data, "too much"))
    place.pause()
    fd = place.open(one, "r+")
    place.ftruncate(fd, len(data))
    place.close(fd)
    return {one: data}


@pattern(within_settle=True)
def cut_by_name(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, revised(data, "too much"))
    place.pause()
    place.truncate(one, len(data))
    return {one: data}


@pattern()
def cut_by_name_while_open(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    place.write(fd, data[:10_000] + b"y" * 30_000)
    place.truncate(one, 10_000)
    place.pwrite(fd, data[10_000:], 10_000)
    place.close(fd)
    return {one: data}


@pattern(within_settle=True)
def printed_twice(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("two", 10_000)
    place.save(one, pdf("one", 20_000))
    place.pause()
    place.overwrite(one, data)
    return {one: data}


@pattern(within_settle=True)
def overwritten_by_wine(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("two", 10_000)
    place.save(one, pdf("one", 20_000))
    place.pause()
    fd = place.open(one, "r+")
    place.ftruncate(fd, 0)
    place.fill(fd, data)
    place.flush(fd)
    place.close(fd)
    return {one: data}


@pattern()
def opened_for_writing_and_left_alone(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 10_000)
    place.save(one, data)
    for mode in _FOR_WRITING:
        place.close(place.open(one, mode))
    return {one: data}


@pattern()
def opened_for_writing_and_left_alone_after_delivery(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 10_000)
    place.save(one, data)
    place.wait(one, "delivered")
    for mode in _FOR_WRITING:
        place.close(place.open(one, mode))
    return {one: data}


@pattern()
def held_and_opened_for_writing_and_left_alone(place: Place) -> Documents:
    one = place.name("F1.pdf")
    place.save(one, pdf("one", 10_000)[:-30])
    place.wait(one, "held")
    for mode in _FOR_WRITING:
        place.close(place.open(one, mode))
    place.left_to_a_person(one)
    return {}


@pattern()
def written_after_fsync(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    place.fill(fd, data[:8000])
    place.fsync(fd)
    place.fill(fd, data[8000:])
    place.fsync(fd)
    place.close(fd)
    return {one: data}


@pattern()
def flushed_after_every_piece(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 10_000)
    fd = place.create(one)
    for start in range(0, len(data), 1000):
        place.write(fd, data[start : start + 1000])
        place.flush(fd)
    place.close(fd)
    return {one: data}


@pattern()
def whole_at_an_fsync_and_long_not_closed(place: Place) -> Documents:
    one, two, first = place.name("F1.pdf"), place.name("F2.pdf"), pdf("one", 20_000)
    data = revised(first, "the end")
    fd = place.create(one)
    place.fill(fd, first)
    place.fsync(fd)
    place.save(two, pdf("two"))
    place.wait(two, "delivered")  # more than the settle time
    place.fill(fd, data[len(first) :])
    place.close(fd)
    return {one: data, two: pdf("two")}


@pattern()
def one_handle_closed_the_other_long_not(place: Place) -> Documents:
    one, two, first = place.name("F1.pdf"), place.name("F2.pdf"), pdf("one", 20_000)
    data = revised(first, "the end")
    fd = place.create(one)
    other = place.open(one, "r+")
    place.fill(fd, first)
    place.close(fd)
    place.save(two, pdf("two"))
    place.wait(two, "delivered")
    place.pwrite(other, data[len(first) :], len(first))
    place.close(other)
    return {one: data, two: pdf("two")}


@pattern()
def one_descriptor_closed_the_other_long_not(place: Place) -> Documents:
    one, two, first = place.name("F1.pdf"), place.name("F2.pdf"), pdf("one", 20_000)
    data = revised(first, "the end")
    fd = place.create(one)
    other = place.dup(fd)
    place.fill(fd, first)
    place.close(fd)
    place.save(two, pdf("two"))
    place.wait(two, "delivered")
    place.fill(other, data[len(first) :])
    place.close(other)
    return {one: data, two: pdf("two")}


@pattern()
def closed_last_by_a_child_that_writes(place: Place) -> Documents:
    one, two, first = place.name("F1.pdf"), place.name("F2.pdf"), pdf("one", 20_000)
    data = revised(first, "the end")
    fd = place.create(one)
    place.fill(fd, first)
    child = place.child(fd)
    place.close(fd)
    place.save(two, pdf("two"))
    place.wait(two, "delivered")
    child.finish(data[len(first) :])
    return {one: data, two: pdf("two")}


@pattern()
def closed_last_by_a_child_that_does_nothing(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    child = place.child(fd)
    place.fill(fd, data)
    place.close(fd)
    place.pause()
    child.finish(b"")
    return {one: data}


@pattern()
def written_through_two_handles(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 30_000)
    fd = place.create(one)
    other = place.open(one, "r+")
    for start in range(0, len(data), 2 * PIECE):
        place.pwrite(fd, data[start : start + PIECE], start)
        place.pwrite(other, data[start + PIECE : start + 2 * PIECE], start + PIECE)
    place.close(other)
    place.close(fd)
    return {one: data}


@pattern()
def emptied_by_a_second_program_while_written(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("two", 10_000)
    fd = place.create(one)
    place.fill(fd, pdf("one", 20_000))
    other = place.open(one, "w")
    place.fill(other, data)
    place.close(fd)
    place.pause()
    place.close(other)
    return {one: data}


@pattern()
def two_documents_written_in_turn(place: Place) -> Documents:
    names = [place.name("F1.pdf"), place.name("F2.pdf")]
    datas = [pdf("one", 30_000), pdf("two", 30_000)]
    fds = [place.create(name) for name in names]
    for start in range(0, len(datas[0]), PIECE):
        for fd, data in zip(fds, datas, strict=True):
            place.write(fd, data[start : start + PIECE])
    for fd in fds:
        place.close(fd)
    return dict(zip(names, datas, strict=True))


# ---- onlookers ---------------------------------------------------------------------------------------------------


@pattern()
def scanned_from_before_the_close_until_long_after_delivery(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    place.fill(fd, data[:8000])
    scanner = place.open(one, "r")
    place.fill(fd, data[8000:])
    place.close(fd)
    place.wait(one, "delivered")
    assert place.content(scanner) == data
    place.close(scanner)
    return {one: data}


@pattern()
def read_in_the_middle_of_writing(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    place.fill(fd, data[:8000])
    assert place.read(one) == data[:8000]
    place.pause()
    place.fill(fd, data[8000:])
    assert place.read(one) == data
    place.close(fd)
    return {one: data}


@pattern()
def read_again_and_again_after_the_close(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, data)
    for _ in range(5):
        assert place.read(one) == data
    place.wait(one, "delivered")
    assert place.read(one) == data
    return {one: data}


@pattern()
def looked_at_all_the_time(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    for start in range(0, len(data), PIECE):
        place.write(fd, data[start : start + PIECE])
        for _ in range(20):
            assert place.size(one) == min(start + PIECE, len(data))
        assert one in place.listdir()
    place.close(fd)
    for _ in range(20):
        assert place.size(one) == len(data)
    return {one: data}


@pattern(within_settle=True)
def read_by_one_while_another_replaces_it(place: Place) -> Documents:
    one, temporary = place.name("F1.pdf"), place.name("F1.tmp")
    first, data = pdf("one", 20_000), pdf("two", 10_000)
    place.save(one, first)
    place.pause()
    reader = place.open(one, "r")
    place.save(temporary, data)
    place.rename(temporary, one)
    assert place.content(reader) == first
    place.close(reader)
    assert place.read(one) == data
    return {one: data}


@pattern(within_settle=True)
def scanned_while_overwritten(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("two", 10_000)
    place.save(one, pdf("one", 20_000))
    place.pause()
    scanner = place.open(one, "r")
    place.overwrite(one, data)
    assert place.content(scanner) == data
    place.close(scanner)
    return {one: data}


@pattern(within_settle=True)
def scanned_while_deleted_and_written_again(place: Place) -> Documents:
    one, first, data = place.name("F1.pdf"), pdf("one", 20_000), pdf("two", 10_000)
    place.save(one, first)
    place.pause()
    scanner = place.open(one, "r")
    place.unlink(one)
    place.save(one, data)
    assert place.content(scanner) == first
    place.close(scanner)
    return {one: data}


@pattern()
def attributes_set_after_the_close(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.set_attributes(one)
    place.wait(one, "delivered")
    place.set_attributes(one)
    return {one: data}


@pattern()
def attributes_set_while_written(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    place.fill(fd, data[:8000])
    place.set_attributes(one)
    place.fill(fd, data[8000:])
    place.set_attributes(one)
    place.close(fd)
    return {one: data}


# ---- temporary files that become the document --------------------------------------------------------------------


@pattern()
def temporary_renamed_over_nothing(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name("F1.tmp"), pdf("one", 20_000)
    place.save(temporary, data)
    place.rename(temporary, one)
    return {one: data}


@pattern(within_settle=True)
def temporary_renamed_over_an_older_document(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name("F1.tmp"), pdf("two", 20_000)
    place.save(one, pdf("one", 10_000))
    place.pause()
    place.save(temporary, data)
    place.rename(temporary, one)
    return {one: data}


@pattern()
def temporary_renamed_over_a_document_that_is_written(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name("F1.tmp"), pdf("two", 20_000)
    fd = place.create(one)
    place.fill(fd, pdf("one", 10_000))
    place.save(temporary, data)
    place.rename(temporary, one)
    place.write(fd, b"% more")
    place.close(fd)
    assert place.read(one) == data
    return {one: data}


@pattern()
def temporary_renamed_over_an_empty_document(place: Place) -> Documents:  # rclone 4293
    one, temporary, data = place.name("F1.pdf"), place.name("F1.tmp"), pdf("one", 20_000)
    place.close(place.create(one))
    place.save(temporary, data)
    place.rename(temporary, one)
    return {one: data}


@pattern()
def temporary_renamed_over_an_empty_document_much_later(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name("F1.tmp"), pdf("one", 20_000)
    place.close(place.create(one))
    place.save(temporary, data)
    place.wait(one, "held")
    place.rename(temporary, one)
    return {one: data}


@pattern()
def temporary_renamed_as_wine_does(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name("~tmp123.tmp"), pdf("one", 20_000)
    place.save(temporary, data)
    fd = place.open(temporary, "r")
    place.rename(temporary, one)
    place.flush(fd)
    place.close(fd)
    return {one: data}


@pattern()
def temporary_renamed_as_wine_does_and_closed_after_delivery(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name("~tmp123.tmp"), pdf("one", 20_000)
    place.save(temporary, data)
    fd = place.open(temporary, "r")
    place.rename(temporary, one)
    place.wait(one, "delivered")
    place.flush(fd)
    assert place.content(fd) == data
    place.close(fd)
    return {one: data}


@pattern()
def temporary_renamed_while_written(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name("F1.tmp"), pdf("one", 20_000)
    fd = place.create(temporary)
    place.fill(fd, data[:8000])
    place.rename(temporary, one)
    place.fill(fd, data[8000:])
    place.close(fd)
    assert place.read(one) == data
    return {one: data}


@pattern()
def document_renamed_while_written(place: Place) -> Documents:
    one, two, data = place.name("F1.pdf"), place.name("F2.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    place.fill(fd, data[:8000])
    place.fsync(fd)
    place.rename(one, two)
    place.fill(fd, data[8000:])
    place.close(fd)
    return {two: data}


@pattern()
def whole_document_renamed_and_long_not_closed(place: Place) -> Documents:
    one, two, temporary = place.name("F1.pdf"), place.name("F2.pdf"), place.name("F1.tmp")
    first = pdf("one", 20_000)
    data = revised(first, "the end")
    fd = place.create(temporary)
    place.fill(fd, first)
    place.fsync(fd)
    place.rename(temporary, one)
    place.save(two, pdf("two"))
    place.wait(two, "delivered")
    place.fill(fd, data[len(first) :])
    place.close(fd)
    return {one: data, two: pdf("two")}


@pattern()
def temporary_not_renamed_where_a_document_is(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name("F1.tmp"), pdf("one", 20_000)
    place.save(one, data)
    place.save(temporary, pdf("two", 10_000))
    with pytest.raises(FileExistsError):
        place.rename(temporary, one, replace=False)
    assert place.exists(temporary)
    return {one: data}


@pattern(within_settle=True)
def replaced_with_a_backup(place: Place) -> Documents:
    one, backup, temporary = place.name("F1.pdf"), place.name("F1.bak"), place.name("b.tmp")
    data = pdf("two", 10_000)
    place.save(one, pdf("one", 20_000))
    place.pause()
    place.save(temporary, data)
    reader = place.open(one, "r")
    place.rename(one, backup)
    place.close(reader)
    reader = place.open(temporary, "r")
    place.rename(temporary, one)
    place.close(reader)
    assert place.read(backup) == pdf("one", 20_000)
    return {one: data}


@pattern()
def replaced_with_a_backup_after_delivery(place: Place) -> Documents:
    one, backup, temporary = place.name("F1.pdf"), place.name("F1.bak"), place.name("b.tmp")
    data = pdf("one", 20_000)
    place.save(one, data)
    place.wait(one, "delivered")
    place.save(temporary, pdf("two", 10_000))
    place.rename(one, backup)
    place.rename(temporary, one)
    assert place.read(backup) == data
    assert place.read(one) == pdf("two", 10_000)
    place.left_to_a_person(one)  # INGIS has the first one
    return {one: data}


@pattern(within_settle=True)
def saved_as_word_does(place: Place) -> Documents:
    one, new, old = place.name("F1.pdf"), place.name("~WRD0000.tmp"), place.name("~WRL0001.tmp")
    owner, data = place.name("~$F1.pdf"), pdf("two", 20_000)
    place.save(owner, b"\x05Boekhouding".ljust(162, b" "))
    place.pause()
    place.save(one, pdf("one", 10_000))
    place.save(new, data)
    place.rename(one, old)
    place.rename(new, one)
    place.set_attributes(one)
    place.unlink(old)
    place.unlink(owner)
    return {one: data}


@pattern(within_settle=True)
def saved_as_excel_does(place: Place) -> Documents:
    one, new, old = place.name("F1.pdf"), place.name("A1B2C300"), place.name("5E6F7A81.tmp")
    data = pdf("two", 20_000)
    place.save(one, pdf("one", 10_000))
    place.pause()
    place.save(new, data)  # no ending: looks like a document
    place.rename(one, old)
    place.rename(new, one)
    place.unlink(old)
    return {one: data}


@pattern()
def renamed_to_a_document_after_it_was_held_for_its_type(place: Place) -> Documents:
    one, new, data = place.name("F1.pdf"), place.name("A1B2C300"), pdf("one", 20_000)
    place.save(new, data)
    place.wait(new, "held")
    place.rename(new, one)
    return {one: data}


@pattern()
def saved_as_word_does_after_delivery(place: Place) -> Documents:
    one, new, old = place.name("F1.pdf"), place.name("~WRD0000.tmp"), place.name("~WRL0001.tmp")
    data = pdf("one", 10_000)
    place.save(one, data)
    place.wait(one, "delivered")
    place.save(new, pdf("two", 20_000))
    place.rename(one, old)
    place.rename(new, one)
    place.unlink(old)
    place.left_to_a_person(one)
    return {one: data}


@pattern()
def set_aside_and_written_through_the_same_handle_after_delivery(place: Place) -> Documents:
    one, backup, data = place.name("F1.pdf"), place.name("F1.bak"), pdf("one", 20_000)
    place.save(one, data)
    place.wait(one, "delivered")
    fd = place.open(one, "r+")
    place.rename(one, backup)
    place.pwrite(fd, b"2", data.index(b"one") + 2)
    place.close(fd)
    assert not place.exists(one)
    assert place.read(backup) == data.replace(b"one", b"on2")
    return {one: data}


@pattern()
def saved_as_libreoffice_does(place: Place) -> Documents:
    one, lock, temporary = place.name("F1.pdf"), place.name(".~lock.F1.pdf#"), place.name("lu12345abc.tmp")
    data = pdf("one", 20_000)
    place.save(lock, b",boekhouding,king,24.11.2026 10:00,file:///x;")
    place.close(place.create(one))
    place.save(temporary, data)
    fd = place.open(one, "w")
    place.fill(fd, place.read(temporary), 32_768)
    place.fsync(fd)
    place.close(fd)
    place.unlink(temporary)
    place.unlink(lock)
    return {one: data}


@pattern()
def copied_by_rsync(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name(".F1.pdf.aB3x9Z"), pdf("one", 200_000)
    fd = place.create(temporary)
    place.fill(fd, data, 32_768)
    place.close(fd)
    place.set_attributes(temporary)
    place.rename(temporary, one)
    return {one: data}


@pattern()
def downloaded_by_firefox(place: Place) -> Documents:
    one, part, data = place.name("F1.pdf"), place.name("F1.pdf.part"), pdf("one", 100_000)
    place.close(place.create(one))
    fd = place.create(part)
    for start in range(0, len(data), 40_000):
        place.fill(fd, data[start : start + 40_000])
        place.pause()
    place.close(fd)
    place.rename(part, one)
    return {one: data}


@pattern()
def downloaded_by_chrome(place: Place) -> Documents:
    one, first, second = place.name("F1.pdf"), place.name(".com.google.Chrome.aB3x9Z"), place.name("F1.pdf.crdownload")
    data = pdf("one", 100_000)
    fd = place.create(first)
    place.fill(fd, data[:50_000])
    place.rename(first, second)
    place.fill(fd, data[50_000:])
    place.close(fd)
    place.rename(second, one)
    return {one: data}


# ---- renaming and deleting ---------------------------------------------------------------------------------------


@pattern(within_settle=True)
def renamed_after_the_close(place: Place) -> Documents:
    one, two, data = place.name("F1.pdf"), place.name("F2.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.pause()
    place.rename(one, two)
    return {two: data}


@pattern(within_settle=True)
def renamed_twice(place: Place) -> Documents:
    one, two, three = place.name("F1.pdf"), place.name("F2.pdf"), place.name("F3.pdf")
    data = pdf("one", 20_000)
    place.save(one, data)
    place.pause()
    place.rename(one, two)
    place.rename(two, three)
    return {three: data}


@pattern(within_settle=True)
def renamed_while_opened_for_writing_and_left_alone(place: Place) -> Documents:
    one, two, data = place.name("F1.pdf"), place.name("F2.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.pause()
    fd = place.open(one, "r+")
    place.rename(one, two)
    place.close(fd)
    return {two: data}


@pattern()
def held_and_renamed_while_opened_for_writing_and_left_alone(place: Place) -> Documents:
    one, two = place.name("F1.pdf"), place.name("F2.pdf")
    place.save(one, pdf("one", 10_000)[:-30])
    place.wait(one, "held")
    fd = place.open(one, "r+")
    place.rename(one, two)
    place.close(fd)
    place.left_to_a_person(two)
    return {}


@pattern()
def renamed_to_its_own_name(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.rename(one, one)
    place.wait(one, "delivered")
    place.rename(one, one)
    return {one: data}


@pattern(within_settle=True)
def renamed_and_deleted(place: Place) -> Documents:  # rclone 6809
    one, two = place.name("F1.pdf"), place.name("F2.pdf")
    place.save(one, pdf("one", 20_000))
    place.pause()
    place.rename(one, two)
    place.unlink(two)
    assert not place.exists(one)
    assert not place.exists(two)
    return {}


@pattern(within_settle=True)
def renamed_and_its_name_used_again(place: Place) -> Documents:
    one, two = place.name("F1.pdf"), place.name("F2.pdf")
    place.save(one, pdf("one", 20_000))
    place.pause()
    place.rename(one, two)
    place.save(one, pdf("two", 10_000))
    return {one: pdf("two", 10_000), two: pdf("one", 20_000)}


@pattern(within_settle=True)
def names_exchanged(place: Place) -> Documents:
    one, two, temporary = place.name("F1.pdf"), place.name("F2.pdf"), place.name("swap.tmp")
    place.save(one, pdf("one", 20_000))
    place.pause()
    place.save(two, pdf("two", 10_000))
    place.rename(one, temporary)
    place.rename(two, one)
    place.rename(temporary, two)
    return {one: pdf("two", 10_000), two: pdf("one", 20_000)}


@pattern(within_settle=True)
def renamed_to_noise(place: Place) -> Documents:
    one, temporary = place.name("F1.pdf"), place.name("F1.tmp")
    place.save(one, pdf("one", 20_000))
    place.pause()
    place.rename(one, temporary)
    return {}


@pattern(within_settle=True)
def renamed_to_noise_and_back(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name("F1.tmp"), pdf("one", 20_000)
    place.save(one, data)
    place.pause()
    place.rename(one, temporary)
    place.rename(temporary, one)
    return {one: data}


@pattern()
def renaming_refused_after_delivery(place: Place) -> Documents:
    one, two, data = place.name("F1.pdf"), place.name("F2.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.wait(one, "delivered")
    with pytest.raises(PermissionError):
        place.rename(one, two)
    assert place.read(one) == data
    return {one: data}


@pattern(within_settle=True)
def deleted_after_the_close(place: Place) -> Documents:
    one = place.name("F1.pdf")
    place.save(one, pdf("one", 20_000))
    place.pause()
    place.unlink(one)
    assert one not in place.listdir()
    return {}


@pattern(within_settle=True)
def deleted_and_written_again(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("two", 10_000)
    place.save(one, pdf("one", 20_000))
    place.pause()
    place.unlink(one)
    place.save(one, data)
    return {one: data}


@pattern()
def deleted_while_open(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    place.fill(fd, data[:8000])
    place.unlink(one)
    assert not place.exists(one)
    place.fill(fd, data[8000:])
    assert place.content(fd) == data
    place.close(fd)
    return {}


@pattern()
def deleted_while_open_and_written_again(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("two", 10_000)
    fd = place.create(one)
    place.write(fd, pdf("one", 20_000))
    place.fsync(fd)
    place.unlink(one)
    place.save(one, data)
    place.write(fd, b"% more")
    place.close(fd)
    assert place.read(one) == data
    return {one: data}


@pattern(within_settle=True)
def deleted_while_read(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.pause()
    reader = place.open(one, "r")
    place.unlink(one)
    assert place.content(reader) == data
    place.close(reader)
    return {}


@pattern()
def deleted_on_close_as_wine_does(place: Place) -> Documents:
    one, hidden = place.name("F1.pdf"), f".fuse_hidden {place.stem}"
    fd = place.create(one)
    place.write(fd, pdf("one"))
    place.flush(fd)
    place.rename(one, hidden)
    place.flush(fd)
    place.close(fd)
    place.unlink(hidden)
    return {}


@pattern()
def deleted_after_delivery(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.wait(one, "delivered")
    place.unlink(one)
    assert not place.exists(one)
    return {one: data}


# ---- once more, after INGIS has it: a person decides (rule 16) ---------------------------------------------------


@pattern()
def overwritten_after_delivery(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.wait(one, "delivered")
    place.overwrite(one, pdf("two", 10_000))
    place.left_to_a_person(one)
    return {one: data}


@pattern()
def overwritten_with_the_same_bytes_after_delivery(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.wait(one, "delivered")
    place.overwrite(one, data)
    place.left_to_a_person(one)
    return {one: data}


@pattern()
def patched_after_delivery(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.wait(one, "delivered")
    fd = place.open(one, "r+")
    place.pwrite(fd, b"2", data.index(b"one") + 2)
    place.close(fd)
    place.left_to_a_person(one)
    return {one: data}


@pattern()
def temporary_renamed_over_a_delivered_document(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name("F1.tmp"), pdf("one", 20_000)
    place.save(one, data)
    place.wait(one, "delivered")
    place.save(temporary, pdf("two", 10_000))
    place.rename(temporary, one)
    place.left_to_a_person(one)
    return {one: data}


@pattern()
def deleted_and_written_again_after_delivery(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.wait(one, "delivered")
    place.unlink(one)
    place.save(one, pdf("two", 10_000))
    place.left_to_a_person(one)
    return {one: data}


def _print_as_king(place: Place, name: str, data: bytes) -> str:
    """King never overwrites: it saves `name(1)` where the name exists."""
    stem, dot, ending = name.rpartition(".")
    free, number = name, 0
    while place.exists(free):
        number += 1
        free = f"{stem}({number}){dot}{ending}"
    place.save(free, data)
    return free


@pattern(within_settle=True)
def printed_again_by_king(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("two", 10_000)
    _print_as_king(place, one, pdf("one", 20_000))
    place.pause()
    assert _print_as_king(place, one, data) == place.name("F1(1).pdf")
    return {one: data}


@pattern()
def printed_again_by_king_after_delivery(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    _print_as_king(place, one, data)
    place.wait(one, "delivered")
    again = _print_as_king(place, one, pdf("two", 10_000))
    assert again == place.name("F1(1).pdf")
    place.left_to_a_person(again)
    return {one: data}


@pattern()
def named_with_a_number_where_there_is_no_first(place: Place) -> Documents:
    one, data = place.name("F1(1).pdf"), pdf("one", 20_000)
    place.save(one, data)
    return {one: data}


# ---- names -------------------------------------------------------------------------------------------------------


@pattern(within_settle=True)
def renamed_to_another_case(place: Place) -> Documents:
    small, capital, data = place.name("f1.pdf"), place.name("F1.PDF"), pdf("one", 20_000)
    place.save(small, data)
    place.pause()
    place.rename(small, capital)
    found = place.listdir()
    assert capital in found
    assert small not in found
    return {capital: data}


@pattern()
def renamed_to_another_case_while_open(place: Place) -> Documents:
    small, capital, data = place.name("f1.pdf"), place.name("F1.PDF"), pdf("one", 20_000)
    fd = place.create(small)
    place.fill(fd, data[:8000])
    place.rename(small, capital)
    place.fill(fd, data[8000:])
    place.close(fd)
    return {capital: data}


@pattern()
def created_again_in_another_case(place: Place) -> Documents:
    small, capital, data = place.name("f1.pdf"), place.name("F1.PDF"), pdf("one", 20_000)
    place.save(small, data)
    with pytest.raises(FileExistsError):
        place.create(capital)
    assert place.read(capital) == data
    return {small: data}


@pattern(within_settle=True)
def overwritten_in_another_case(place: Place) -> Documents:
    small, capital, data = place.name("f1.pdf"), place.name("F1.PDF"), pdf("two", 10_000)
    place.save(small, pdf("one", 20_000))
    place.pause()
    place.overwrite(capital, data)
    return {small: data}


@pattern(within_settle=True)
def replaced_in_another_case(place: Place) -> Documents:
    small, capital, temporary = place.name("f1.pdf"), place.name("F1.PDF"), place.name("F1.tmp")
    data = pdf("two", 10_000)
    place.save(small, pdf("one", 20_000))
    place.pause()
    place.save(temporary, data)
    place.rename(temporary, capital)
    assert small not in place.listdir()
    return {capital: data}


@pattern()
def decomposed_name(place: Place) -> Documents:
    decomposed, composed = place.name("Cafe\u0301 1.pdf"), place.name("Caf\u00e9 1.pdf")
    data = pdf("one", 20_000)
    place.save(decomposed, data)
    assert place.read(composed) == data
    assert composed in place.listdir()
    with pytest.raises(FileExistsError):
        place.create(composed)
    return {composed: data}


@pattern()
def noise(place: Place) -> Documents:
    for name in ("desktop.ini", "Thumbs.db", "autorun.inf", ".DS_Store"):
        place.save(name, b"[.ShellClassInfo]\r\n")
    for name in ("~$F1.pdf", "F1.tmp", "~F1.tmp", "F1.bak", ".F1.pdf.swp", "._F1.pdf", ".F1.pdf", "F1.pdf~"):
        place.save(place.name(name), pdf("noise"))
    return {}


@pattern()
def noise_that_stays_open(place: Place) -> Documents:
    one, owner, data = place.name("F1.pdf"), place.name("~$F1.pdf"), pdf("one", 20_000)
    fd = place.create(owner)
    place.write(fd, b"king")
    place.save(one, data)
    place.wait(one, "delivered")
    place.close(fd)
    place.unlink(owner)
    return {one: data}


@pattern()
def in_a_folder(place: Place) -> Documents:
    folder = place.name("Prive")
    place.mkdir(folder)
    place.save(f"{folder}/F1.pdf", pdf("one"))
    place.left_to_a_person(f"{folder}/F1.pdf")
    return {}


@pattern()
def moved_out_of_a_folder(place: Place) -> Documents:
    folder, one, data = place.name("Prive"), place.name("F1.pdf"), pdf("one", 20_000)
    place.mkdir(folder)
    place.save(f"{folder}/F1.pdf", data)
    place.wait(f"{folder}/F1.pdf", "held")
    place.rename(f"{folder}/F1.pdf", one)
    return {one: data}


@pattern(within_settle=True)
def moved_into_a_folder(place: Place) -> Documents:
    folder, one = place.name("Prive"), place.name("F1.pdf")
    place.mkdir(folder)
    place.save(one, pdf("one", 20_000))
    place.pause()
    place.rename(one, f"{folder}/F1.pdf")
    place.left_to_a_person(f"{folder}/F1.pdf")
    return {}


# ---- what must not go by itself ----------------------------------------------------------------------------------


@pattern()
def empty(place: Place) -> Documents:
    one = place.name("F1.pdf")
    place.close(place.create(one))
    place.left_to_a_person(one)
    return {}


@pattern()
def emptied_and_left(place: Place) -> Documents:
    one = place.name("F1.pdf")
    fd = place.create(one)
    place.write(fd, pdf("one", 20_000))
    place.fsync(fd)
    place.ftruncate(fd, 0)
    place.close(fd)
    place.left_to_a_person(one)
    return {}


@pattern()
def cut(place: Place) -> Documents:
    one = place.name("F1.pdf")
    place.save(one, pdf("one", 20_000)[:-30])
    place.left_to_a_person(one)
    return {}


@pattern()
def cut_and_deleted(place: Place) -> Documents:
    one = place.name("F1.pdf")
    place.save(one, pdf("one", 20_000)[:-30])
    place.wait(one, "held")
    place.unlink(one)
    return {}


def _write_too_much(place: Place, fd: int) -> None:
    with pytest.raises(OSError, match=r"too large|more than"):
        place.fill(fd, bytes(MAX_DOCUMENT + 1), 2**17)


@pattern()
def too_large(place: Place) -> Documents:
    one = place.name("F1.pdf")
    fd = place.create(one)
    place.write(fd, pdf("one"))
    _write_too_much(place, fd)
    with suppress(OSError):  # said once more, where a close can fail
        place.close(fd)
    place.left_to_a_person(one)
    return {}


@pattern()
def too_large_and_begun_anew(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    _write_too_much(place, fd)
    place.ftruncate(fd, 0)
    place.pwrite(fd, data, 0)
    place.close(fd)
    return {one: data}


# ---- pairs -------------------------------------------------------------------------------------------------------


@pattern()
def pdf_and_then_xml(place: Place) -> Documents:
    paper, data = place.name("F1.pdf"), place.name("F1.xml")
    place.save(paper, pdf("one", 20_000))
    place.save(data, xml("one"))
    return {paper: pdf("one", 20_000), data: xml("one")}


@pattern(within_settle=True)
def xml_and_then_pdf(place: Place) -> Documents:
    paper, data = place.name("F1.pdf"), place.name("F1.xml")
    place.save(data, xml("one"))
    place.pause()
    place.save(paper, pdf("one", 20_000))
    return {paper: pdf("one", 20_000), data: xml("one")}


def _xml_closed_long_before_its_pdf(place: Place, *, flush: bool) -> Documents:
    paper, data, alone = place.name("F1.pdf"), place.name("F1.xml"), place.name("F2.xml")
    first = pdf("one", 20_000)
    whole = revised(first, "the end")
    fd = place.create(paper)
    place.fill(fd, first)
    if flush:
        place.fsync(fd)
    place.save(data, xml("one"))
    place.save(alone, xml("two"))
    place.wait(alone, "delivered")  # one whose PDF never appears: so long is the wait for a PDF
    place.fill(fd, whole[len(first) :])
    place.close(fd)
    return {paper: whole, data: xml("one"), alone: xml("two")}


@pattern()
def xml_closed_long_before_its_flushed_pdf(place: Place) -> Documents:
    return _xml_closed_long_before_its_pdf(place, flush=True)


@pattern()
def xml_closed_long_before_its_unflushed_pdf(place: Place) -> Documents:
    return _xml_closed_long_before_its_pdf(place, flush=False)


@pattern()
def xml_alone(place: Place) -> Documents:
    data = place.name("F1.xml")
    place.save(data, xml("one"))
    return {data: xml("one")}


@pattern(within_settle=True)
def pair_with_an_attachment(place: Place) -> Documents:
    found = {
        place.name("F1.xml"): xml("one"),
        place.name("F1-1.pdf"): pdf("attachment", 10_000),
        place.name("F1.pdf"): pdf("one", 20_000),
    }
    for name, data in found.items():
        place.save(name, data)
    return found


@pattern(within_settle=True)
def pair_renamed(place: Place) -> Documents:
    names = [place.name("F1.pdf"), place.name("F1.xml")]
    place.save(names[0], pdf("one", 20_000))
    place.pause()
    place.save(names[1], xml("one"))
    for name in names:
        place.rename(name, name.replace("F1", "F2"))
    return {place.name("F2.pdf"): pdf("one", 20_000), place.name("F2.xml"): xml("one")}


@pattern()
def pair_of_which_one_half_is_cut(place: Place) -> Documents:
    paper, data = place.name("F1.pdf"), place.name("F1.xml")
    place.save(paper, pdf("one", 20_000)[:-30])
    place.save(data, xml("one"))
    place.left_to_a_person(paper)
    place.left_to_a_person(data)
    return {}
