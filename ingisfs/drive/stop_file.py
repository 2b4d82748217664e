"""The file `stop` in a drive's state folder.

A drive that a person unmounted has it; one that died has not, and `ingisfs run` mounts it again. On Windows it is also
how the drive's process learns that it is to end: there are no signals. What `ingisfs run` itself unmounts has one that
says so, and does not stay away.
"""

from __future__ import annotations

import logging
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Protocol

log = logging.getLogger(__name__)

LOOK = 0.5  # s between two looks for it
_BY_KEEPER = b"keeper\n"  # its content


class _Ending(Protocol):
    def end(self) -> None: ...


class StopFile:
    """The file that says that a person wants the drive to end, and stay away."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "stop"
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def write(self, *, by_person: bool = True) -> None:
        """Ask. What a person asked for stays theirs. Raises OSError."""
        if by_person:
            self._path.write_bytes(b"")
        elif not self.there():
            self._path.write_bytes(_BY_KEEPER)
        self._path.chmod(0o600)

    def clear(self) -> None:
        """Ask no longer."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def there(self) -> bool:
        """Tell whether it was asked for."""
        return os.path.exists(self._path)

    def by_person(self) -> bool:
        """Tell whether a person asked for it."""
        try:
            return self._path.read_bytes() != _BY_KEEPER
        except FileNotFoundError:
            return False
        except OSError:
            return self.there()

    def watch(self, host: _Ending) -> None:
        """End `host` once it is asked for."""

        def look() -> None:
            while not self._ending.wait(LOOK):
                if self.there():
                    log.info("asked to end")
                    host.end()
                    return

        self._thread = threading.Thread(target=look, name="stop", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Look no more."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(5)


def was_stopped(state_folder: Path) -> bool:
    """Tell whether a person unmounted the drive with this state folder, after it was mounted last."""
    return StopFile(state_folder).by_person()
