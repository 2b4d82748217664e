"""The bytes of one document while programs write it: in memory, and in a private file once they are many."""

from __future__ import annotations

import errno
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

SPILL = 4 * 2**20  # bytes; a larger document goes to a file without a name in the spool folder


class Buffer:
    """A growing piece of bytes, written anywhere in any order. Not locked: the volume is.

    A change that fails leaves the bytes within the old size as far as they were written, and the size as it was.
    """

    def __init__(self, data: bytes, folder: Path) -> None:
        """Begin with `data`; `folder` takes the private file. Raises OSError when the spool disk is full."""
        self._memory = bytearray(data)
        self._file: IO[bytes] | None = None
        self._folder = folder
        self.size = len(data)
        if self.size > SPILL:
            self._spill()

    @property
    def spilled(self) -> bool:
        """Tell whether the bytes are in a file, not in memory."""
        return self._file is not None

    def read(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes at `offset`; fewer at the end."""
        if self._file is None:
            with memoryview(self._memory) as view:
                return bytes(view[offset : offset + length])
        self._file.seek(offset)
        left, parts = max(0, min(length, self.size - offset)), []
        while left and (part := self._file.read(left)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def write(self, offset: int, data: bytes) -> None:
        """Put `data` at `offset`; a gap before it is filled with zeros. Raises OSError when the spool disk is full."""
        end = offset + len(data)
        if self._file is None and end > SPILL:
            self._spill()
        if self._file is not None:
            self._write_file(self._file, offset, data)
        elif offset == len(self._memory):
            self._memory += data
        else:
            if offset > len(self._memory):
                self._memory.extend(bytes(offset - len(self._memory)))
            self._memory[offset:end] = data
        self.size = max(self.size, end)

    def truncate(self, size: int) -> None:
        """Cut to `size` bytes, or fill up to it with zeros. Raises OSError when the spool disk is full."""
        if self._file is None and size > SPILL:
            self._spill()
        if self._file is not None:
            self._file.truncate(size)
        elif size <= len(self._memory):
            del self._memory[size:]
        else:
            self._memory.extend(bytes(size - len(self._memory)))
        self.size = size

    def content(self) -> bytes:
        """Return all bytes. Raises OSError if the spool disk does not give them back."""
        data = self.read(0, self.size)
        if len(data) != self.size:
            raise OSError(errno.EIO, f"the spool file gave {len(data)} of {self.size} bytes")
        return data

    def close(self) -> None:
        """Forget the bytes."""
        if self._file is not None:
            self._file.close()
        self._memory.clear()

    def _spill(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Unbuffered: what the disk cannot take must fail in this write, not in a later one.
        file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115  # lives as long as the document
        try:
            _write_all(file, self._memory)
        except BaseException:
            file.close()
            raise
        self._file = file
        self._memory.clear()

    def _write_file(self, file: IO[bytes], offset: int, data: bytes) -> None:
        file.seek(offset)
        try:
            _write_all(file, data)
        except OSError:
            # Half of the piece may lie behind the end, where a later, longer document would find it for zeros.
            with suppress(OSError):
                file.truncate(self.size)
            raise


def _write_all(file: IO[bytes], data: bytes | bytearray) -> None:
    with memoryview(data) as view:
        done = 0
        while done < len(data):
            done += file.write(view[done:])
