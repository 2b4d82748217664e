"""The status files on the drive: rendered when asked for, at most a few times a second, never failing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from ingisfs.clock import Clock
from ingisfs.outbox.reading import Reading
from ingisfs.report.catalogue import say
from ingisfs.report.snapshot import DriveFacts, Snapshot, take_snapshot
from ingisfs.report.text import as_json, as_text

log = logging.getLogger(__name__)

FRESH = 0.25  # s that a look is used again: a program asks for the size, then opens


class StatusFiles:
    """See the module. From any thread."""

    def __init__(self, reading: Reading, drive: DriveFacts, clock: Clock, alarms: Callable[[], Sequence[str]]) -> None:
        """Show `reading`; `alarms` gives the alarms that only the drive knows, as keys of sentences."""
        self._reading = reading
        self._drive = drive
        self._clock = clock
        self._alarms = alarms
        self._lock = threading.Lock()
        self._rendered: dict[str, tuple[float, bytes]] = {}

    def files(self) -> Mapping[str, Callable[[], bytes]]:
        """Return what the volume serves: name → its bytes now."""
        return {
            "INGIS-STATUS.txt": lambda: self._get("txt", as_text),
            "INGIS-STATUS.json": lambda: self._get("json", as_json),
        }

    def _get(self, kind: str, render: Callable[[Snapshot], bytes]) -> bytes:
        with self._lock:
            at, content = self._rendered.get(kind, (float("-inf"), b""))
            if time.monotonic() - at > FRESH:
                content = self._render(kind, render)
                self._rendered[kind] = time.monotonic(), content
            return content

    def _render(self, kind: str, render: Callable[[Snapshot], bytes]) -> bytes:
        try:
            return render(take_snapshot(self._reading, self._drive, self._clock.wall(), self._alarms(), self._clock))
        except Exception as error:
            log.exception("cannot render the status")
            sentence = say(self._drive.language, "page.unreadable", detail=type(error).__name__)
            return b"{}\n" if kind == "json" else ("\ufeff" + sentence + "\r\n").encode()
