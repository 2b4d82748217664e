"""A mounted drive as a place where programs save, used through the system's own functions."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from ingisfs.selftest.place import OLD_NS, Place, PlaceClock


def mounted(stem: str, clock: PlaceClock, folder: str) -> MountPlace:
    """Return the drive at `folder`, as programs of this system use it."""
    if sys.platform == "win32":
        from ingisfs.selftest.windows_place import WindowsPlace

        return WindowsPlace(stem, clock, folder)
    else:  # noqa: RET505 - mypy looks at one half only
        from ingisfs.selftest.posix_place import PosixPlace

        return PosixPlace(stem, clock, folder)


class MountPlace(Place):
    """What is the same on every system. Remembers what is open and what was made, to leave nothing behind."""

    def __init__(self, stem: str, clock: PlaceClock, folder: str) -> None:
        super().__init__(stem, clock)
        self._folder = folder
        self._open: dict[int, str] = {}  # descriptor → name under which it was opened
        self._made: list[str] = []  # names, the oldest first

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)

    def _enter(self, fd: int, name: str) -> int:
        self._open[fd] = name
        self._made.append(name)
        return fd

    def mkdir(self, name: str) -> None:
        self._made.append(name)
        os.mkdir(self._path(name))

    def listdir(self) -> list[str]:
        return os.listdir(self._folder)

    def size(self, name: str) -> int:
        return os.stat(self._path(name)).st_size

    def set_attributes(self, name: str) -> None:
        path = self._path(name)
        os.utime(path, ns=(OLD_NS, OLD_NS))
        os.chmod(path, 0o400)  # on Windows: read-only
        os.chmod(path, 0o600)

    def abandon(self) -> None:
        """Close what a pattern that ended early left open."""
        for fd in list(self._open):
            with suppress(OSError):
                self.close(fd)

    def clean_up(self) -> None:
        """Delete what a pattern left on the drive, as far as it can be deleted."""
        with suppress(OSError):
            self._made += [name for name in self.listdir() if self.stem in name]
        for name in reversed(dict.fromkeys(self._made)):
            with suppress(OSError):
                path = self._path(name)
                if os.path.isdir(path):
                    for inner in os.listdir(path):
                        os.unlink(os.path.join(path, inner))
                    os.rmdir(path)
                else:
                    os.unlink(path)
