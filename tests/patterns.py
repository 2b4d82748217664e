"""The volume in this process as a place where programs save: see ingisfs/selftest."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ingisfs.drive import errors
from ingisfs.drive.volume import Handle, Volume
from ingisfs.selftest.place import OLD_NS, Child, Mode, Place, PlaceClock

_READ_ALL = 2**30  # bytes


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
            self._volume.set_modified(name, OLD_NS)

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
