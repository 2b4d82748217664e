"""A file system without hard links, as FAT, many network disks and cloud disks are: `without_links`.

It shows another folder, through FUSE, in a process of its own; `link` fails there as is said.
"""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.servers import wait_for


@contextlib.contextmanager
def without_links(place: Path, behind: Path, error: int = errno.EPERM) -> Iterator[None]:
    """Mount it over `place` for the block. What is written lies in `behind`."""
    behind.mkdir()
    command = [sys.executable, __file__, str(behind), str(place), str(error)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: os.path.ismount(place) or process.poll() is not None, "the file system", 20)
            assert process.poll() is None
            yield
        finally:
            subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)
            process.terminate()


def _serve(behind: str, place: str, error: int) -> None:
    import mfusepy

    class Folder(mfusepy.Operations):  # type: ignore[misc]
        """Passes everything on but links."""

        use_ns = True

        def _real(self, path: str) -> str:
            return behind + path

        def getattr(self, path: str, fh: Any = None) -> dict[str, Any]:
            found = os.lstat(self._real(path))
            names = ("st_mode", "st_nlink", "st_uid", "st_gid", "st_size")
            times = {name: getattr(found, f"{name}_ns") for name in ("st_atime", "st_mtime", "st_ctime")}
            return {**{name: getattr(found, name) for name in names}, **times}

        def readdir(self, path: str, fh: Any) -> list[str]:
            return [".", "..", *os.listdir(self._real(path))]

        def create(self, path: str, mode: int, fi: Any = None) -> int:
            return os.open(self._real(path), os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)

        def open(self, path: str, flags: int) -> int:
            return os.open(self._real(path), flags & ~os.O_APPEND)

        def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
            return os.pread(fh, size, offset)

        def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
            return os.pwrite(fh, data, offset)

        def release(self, path: str, fh: int) -> int:
            os.close(fh)
            return 0

        def unlink(self, path: str) -> int:
            os.unlink(self._real(path))
            return 0

        def rename(self, old: str, new: str) -> int:
            os.rename(self._real(old), self._real(new))
            return 0

        def link(self, target: str, source: str) -> int:
            raise mfusepy.FuseOSError(error)

    os.chmod(behind, 0o777)
    mfusepy.FUSE(Folder(), place, foreground=True, nothreads=True, allow_other=True, fsname="nolinks")


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
