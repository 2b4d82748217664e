"""A mounted drive as programs on Linux use it."""

from __future__ import annotations

import ctypes
import mmap
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ingisfs.selftest.expecting import same
from ingisfs.selftest.mount_place import MountPlace
from ingisfs.selftest.place import Child, Mode, PlaceClock

assert sys.platform != "win32"


class PosixPlace(MountPlace):
    """See the module."""

    def __init__(self, stem: str, clock: PlaceClock, folder: str) -> None:
        super().__init__(stem, clock, folder)
        self._children: list[_Cat] = []

    def create(self, name: str, *, append: bool = False) -> int:
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | (os.O_APPEND if append else 0)
        return self._enter(os.open(self._path(name), flags, 0o600), name)

    def open(self, name: str, mode: Mode) -> int:
        return self._enter(os.open(self._path(name), _FLAGS[mode], 0o600), name)

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
        os.truncate(self._path(name), size)

    def allocate(self, fd: int, size: int) -> None:
        os.posix_fallocate(fd, 0, size)

    def flush(self, fd: int) -> None:
        os.close(os.dup(fd))

    def fsync(self, fd: int) -> None:
        os.fsync(fd)

    def close(self, fd: int) -> None:
        self._open.pop(fd, None)
        os.close(fd)

    def dup(self, fd: int) -> int:
        return self._enter(os.dup(fd), self._open[fd])

    def child(self, fd: int) -> Child:
        child = _Cat(fd)
        self._children.append(child)
        return child

    @contextmanager
    def mapped(self, fd: int, size: int) -> Iterator[memoryview]:
        # Python's own mmap keeps a descriptor of the file, and the close of that one would write the pages.
        address = _LIBC.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, fd, 0)
        if address == ctypes.c_void_p(-1).value:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        try:
            yield memoryview((ctypes.c_ubyte * size).from_address(address)).cast("B")
        finally:
            _LIBC.munmap(address, size)

    def rename(self, old: str, new: str, *, replace: bool = True) -> None:
        source, target = self._path(old), self._path(new)
        if replace:
            os.rename(source, target)
        elif _LIBC.renameat2(-1, os.fsencode(source), -1, os.fsencode(target), _RENAME_NOREPLACE):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), target)

    def unlink(self, name: str) -> None:
        os.unlink(self._path(name))

    def copy(self, data: bytes, name: str) -> None:
        self._made.append(name)
        with tempfile.TemporaryDirectory() as elsewhere:
            source = os.path.join(elsewhere, "source")
            with open(source, "wb") as file:
                file.write(data)
            shutil.copy2(source, self._path(name))

    def abandon(self) -> None:
        super().abandon()
        for child in self._children:
            child.end()


class _Cat(Child):
    """`cat`, writing to the descriptor what it is given."""

    def __init__(self, fd: int) -> None:
        self._process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=fd)

    def finish(self, data: bytes) -> None:
        self._process.communicate(data, 30)
        same(self._process.returncode, 0)

    def end(self) -> None:
        """Kill it, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):
                self._process.communicate(timeout=30)


_FLAGS: dict[Mode, int] = {
    "r": os.O_RDONLY,
    "r+": os.O_RDWR,
    "w": os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
    "a": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
}
_RENAME_NOREPLACE = 1  # renameat2(2)
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.mmap.restype = ctypes.c_void_p
_LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_LIBC.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
