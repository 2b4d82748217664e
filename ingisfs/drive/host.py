"""What carries the volume on this machine: WinFsp on Windows, FUSE elsewhere. Imported when it is needed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Protocol

from ingisfs.config import ConfigError, Drive
from ingisfs.drive import winfsp
from ingisfs.drive.volume import Volume


class Host(Protocol):
    """Serves a volume."""

    def run(self, mountpoint: str, drive: str) -> None:
        """Serve until unmounted. Raises RuntimeError if it cannot."""
        ...


def library() -> str:
    """Return what carries the file system on this machine. Raises ConfigError if nothing does."""
    if sys.platform == "win32":
        return winfsp.library()
    try:
        from ingisfs.drive.fuse import library as fuse
    except (ImportError, OSError) as error:
        raise ConfigError("mount.no-fuse", detail=error) from None
    return fuse()


def host_of(drive: Drive, volume: Volume, mounted: Callable[[], None]) -> Host:
    """Return what serves `volume`; it calls `mounted` once programs can use the drive."""
    if sys.platform == "win32":
        return winfsp.WinFspHost(volume, mounted, session=winfsp.session(), network=drive.drive_type == "network")
    from ingisfs.drive.fuse import FuseHost

    return FuseHost(volume, mounted, shared=drive.of_machine)
