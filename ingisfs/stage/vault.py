"""The bytes of documents that were filed, each under its SHA-256: written once, never changed.

Bytes that a batch put here before it was killed are harmless: the batch comes again, and finds them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import BinaryIO

from ingisfs.stage.inbox import sync_folder


class Vault:
    """The folder `filed` of a stage folder. Blocks on the disk; raises OSError."""

    def __init__(self, folder: Path) -> None:
        self._root = folder / "filed"
        self._root.mkdir(mode=0o700, exist_ok=True)
        for leftover in self._root.glob("tmp*"):
            leftover.unlink()

    def keep(self, data: bytes) -> str:
        """Keep bytes; durable at return. Returns their SHA-256 in hex."""
        digest = hashlib.sha256(data).hexdigest()
        target = self.path(digest)
        if target.exists():
            return digest
        if not target.parent.exists():
            target.parent.mkdir(mode=0o700, exist_ok=True)
            sync_folder(self._root)
        descriptor, name = tempfile.mkstemp(dir=self._root)
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(name).unlink()
            raise
        sync_folder(target.parent)
        return digest

    def open(self, digest: str) -> BinaryIO:
        """Open what was kept. Raises FileNotFoundError."""
        return self.path(digest).open("rb")

    def path(self, digest: str) -> Path:
        """Where the bytes of this SHA-256 are, if they are."""
        return self._root / digest[:2] / digest
