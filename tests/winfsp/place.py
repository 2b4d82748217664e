"""Where a Windows program saves: the corpus of save patterns, through winfspy's callbacks as C pointers."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ingisfs.selftest.place import Child, Mode, Place, PlaceClock
from tests.winfsp import driver as nt
from tests.winfsp.driver import Driver, File, StatusError

_ERRNO = {
    nt.NAME_NOT_FOUND: errno.ENOENT,
    nt.PATH_NOT_FOUND: errno.ENOENT,
    nt.DELETE_PENDING: errno.EACCES,
    nt.COLLISION: errno.EEXIST,
    nt.ACCESS_DENIED: errno.EACCES,
    nt.CANNOT_DELETE: errno.EACCES,
    0xC0000043: errno.EBUSY,
    0xC0000904: errno.EFBIG,
}
_OLD = 133_514_067_060_070_000  # 100 ns since 1601 UTC; as in wine-operations.log

_HOW: dict[Mode, tuple[int, int]] = {
    "r": (nt.READ, nt.OPEN),
    "r+": (nt.READ | nt.WRITE, nt.OPEN),
    "w": (nt.WRITE, nt.OVERWRITE_IF),
    "a": (nt.READ | nt.APPEND_DATA, nt.OPEN_IF),
}


@contextmanager
def _system_errors() -> Iterator[None]:
    try:
        yield
    except StatusError as error:
        number = _ERRNO.get(error.status, errno.EIO)
        raise OSError(number, f"{os.strerror(number)} ({error})") from error


@dataclass(eq=False)
class _Opening:
    file: File
    position: int = 0


class WinFspPlace(Place):
    """A drive letter. What C's library and the shell do of a pattern is done here, the rest is the driver's."""

    def __init__(self, stem: str, clock: PlaceClock, driver: Driver) -> None:
        super().__init__(stem, clock)
        self._driver = driver
        self._openings: dict[int, _Opening] = {}
        self._next = 3

    def _enter(self, opening: _Opening) -> int:
        fd = self._next
        self._next += 1
        self._openings[fd] = opening
        return fd

    def create(self, name: str, *, append: bool = False) -> int:
        access = nt.READ | (nt.APPEND_DATA if append else nt.WRITE)
        with _system_errors():
            return self._enter(_Opening(self._driver.open(name, access, nt.CREATE, nt.NON_DIRECTORY_FILE)))

    def open(self, name: str, mode: Mode) -> int:
        access, disposition = _HOW[mode]
        with _system_errors():
            return self._enter(_Opening(self._driver.open(name, access, disposition, nt.NON_DIRECTORY_FILE)))

    def write(self, fd: int, data: bytes) -> None:
        opening = self._openings[fd]
        self.pwrite(fd, data, opening.position)
        opening.position += len(data)

    def pwrite(self, fd: int, data: bytes, offset: int) -> None:
        with _system_errors():
            count, info = self._driver.write(self._openings[fd].file, data, offset)
        assert count == len(data)
        assert info["FileSize"] <= info["AllocationSize"]

    def content(self, fd: int) -> bytes:
        file, parts = self._openings[fd].file, list[bytes]()
        with _system_errors():
            while part := self._driver.read(file, sum(map(len, parts)), 2**20):
                parts.append(part)
        return b"".join(parts)

    def ftruncate(self, fd: int, size: int) -> None:
        with _system_errors():
            assert self._driver.set_size(self._openings[fd].file, size)["FileSize"] == size

    def truncate(self, name: str, size: int) -> None:
        fd = self.open(name, "r+")
        try:
            self.ftruncate(fd, size)
        finally:
            self.close(fd)

    def allocate(self, fd: int, size: int) -> None:
        with _system_errors():
            self._driver.set_size(self._openings[fd].file, size, allocation=True)

    def flush(self, fd: int) -> None:
        """Nobody is told when one of several handles is closed."""

    def fsync(self, fd: int) -> None:
        with _system_errors():
            self._driver.flush(self._openings[fd].file)

    def close(self, fd: int) -> None:
        self._driver.close(self._openings.pop(fd).file)

    def dup(self, fd: int) -> int:
        self._driver.duplicate(self._openings[fd].file)
        return self._enter(self._openings[fd])

    def child(self, fd: int) -> Child:
        return _WindowsChild(self, self.dup(fd))

    @contextmanager
    def mapped(self, fd: int, size: int) -> Iterator[memoryview]:
        with self._driver.mapped(self._openings[fd].file, size) as view:
            yield view

    def rename(self, old: str, new: str, *, replace: bool = True) -> None:
        with _system_errors():
            file = self._driver.open(old, nt.DELETE)
            try:
                self._driver.rename(file, new, replace=replace)
            finally:
                self._driver.close(file)

    def unlink(self, name: str) -> None:
        with _system_errors():
            self._driver.delete(name, nt.NON_DIRECTORY_FILE)

    def mkdir(self, name: str) -> None:
        with _system_errors():
            self._driver.close(self._driver.open(name, nt.READ, nt.CREATE, nt.DIRECTORY_FILE))

    def listdir(self) -> list[str]:
        with _system_errors():
            return [name for name, _ in self._driver.list()]

    def size(self, name: str) -> int:
        with _system_errors():
            return self._driver.find(name)[1]["FileSize"]

    def set_attributes(self, name: str) -> None:
        with _system_errors():
            file = self._driver.open(name, nt.WRITE_ATTRIBUTES)
            try:
                assert self._driver.set_basic(file, written=_OLD)["LastWriteTime"] == _OLD
                self._driver.set_basic(file, attributes=nt.READ_ONLY)
                self._driver.set_basic(file, attributes=0x80)
            finally:
                self._driver.close(file)

    def copy(self, data: bytes, name: str) -> None:
        with _system_errors():
            file = self._driver.open(name, nt.READ | nt.WRITE | nt.DELETE, nt.OVERWRITE_IF, nt.NON_DIRECTORY_FILE)
            try:
                self._driver.set_size(file, len(data))
                for start in range(0, len(data), 2**16):
                    self._driver.write(file, data[start : start + 2**16], start)
                self._driver.set_basic(file, written=_OLD)
            finally:
                self._driver.close(file)


class _WindowsChild(Child):
    def __init__(self, place: WinFspPlace, fd: int) -> None:
        self._place = place
        self._fd = fd

    def finish(self, data: bytes) -> None:
        self._place.write(self._fd, data)
        self._place.close(self._fd)
