"""A FUSE drive in Python that takes everything and keeps nothing: what the calls alone cost, with the same library.

python3 scripts/benchmarks/nothing.py MOUNTPOINT
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from typing import Any

os.environ.setdefault("FUSE_LIBRARY_NAME", "fuse3")
import mfusepy


class Nothing(mfusepy.Operations):  # type: ignore[misc]
    """Knows the names that were made, and no more."""

    use_ns = True

    def __init__(self) -> None:
        """Be empty."""
        self._made: set[str] = set()

    def getattr(self, path: str, fh: Any = None) -> dict[str, int]:
        """Say that what was made is empty."""
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o700, "st_nlink": 2}
        if fh is None and path not in self._made:
            raise mfusepy.FuseOSError(errno.ENOENT)
        return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": 0}

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        """Note a name."""
        del mode
        self._made.add(path)
        fi.fh = 1
        return 0

    def write(self, path: str, data: bytes, offset: int, fh: Any) -> int:
        """Forget it."""
        del path, offset, fh
        return len(data)

    def flush(self, path: str, fh: Any) -> int:
        """Be done."""
        del path, fh
        return 0

    def release(self, path: str, fh: Any) -> int:
        """Be done."""
        del path, fh
        return 0


if __name__ == "__main__":
    no_cache = {"entry_timeout": 0, "attr_timeout": 0, "negative_timeout": 0}
    mfusepy.FUSE(Nothing(), sys.argv[1], raw_fi=True, foreground=True, nothreads=True, **no_cache)
