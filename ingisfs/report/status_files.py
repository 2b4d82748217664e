"""`INGIS-STATUS.html`, `.txt` and `.json` of one snapshot: made for who looks, no more often than they can change.

Threads: any; one lock around all of it, so that two who look at once share one snapshot.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence

from ingisfs.clock import SYSTEM_CLOCK, Clock
from ingisfs.outbox.reading import Reading
from ingisfs.report.html import as_html
from ingisfs.report.snapshot import DriveFacts, Snapshot, take_snapshot
from ingisfs.report.text import Unreadable, as_json, as_text

log = logging.getLogger(__name__)

FRESH = 0.25  # s in which the outbox is not even asked whether something changed
LONGEST = 1.0  # s after which a snapshot is taken anew in any case: ages and alarms have changed

Render = Callable[[Snapshot | Unreadable], bytes]


class StatusFiles:
    """The status files of one drive."""

    def __init__(
        self,
        reading: Reading,
        drive: DriveFacts,
        clock: Clock = SYSTEM_CLOCK,
        alarms: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        """Tell of the documents in `reading`; `alarms` returns what is wrong with the drive now, as catalogue keys."""
        self._reading = reading
        self._drive = drive
        self._clock = clock
        self._alarms = alarms
        self._lock = threading.Lock()  # guards all below
        self._taken: Snapshot | Unreadable | None = None
        self._taken_at = 0.0  # on the boot clock
        self._looked_at = 0.0  # on the boot clock: when `_taken` was last known to be true
        self._mark: tuple[int, ...] = ()  # what `_changes` returned before `_taken` was
        self._rendered: dict[Render, bytes] = {}  # of `_taken`

    def files(self) -> Mapping[str, Callable[[], bytes]]:
        """Return what the volume serves in the root: name → a function that returns its bytes.

        What those return was true at most 0.25 s ago. They never raise: that the outbox fails is what they tell then.
        """
        return {
            "INGIS-STATUS.html": lambda: self._content(as_html),
            "INGIS-STATUS.txt": lambda: self._content(as_text),
            "INGIS-STATUS.json": lambda: self._content(as_json),
        }

    def _content(self, render: Render) -> bytes:
        with self._lock:
            try:
                return self._rendering(self._look(), render)
            except Exception as error:
                return self._rendering(self._fail(error), render)

    def _rendering(self, taken: Snapshot | Unreadable, render: Render) -> bytes:
        if render not in self._rendered:
            self._rendered[render] = render(taken)
        return self._rendered[render]

    def _look(self) -> Snapshot | Unreadable:
        """Return a new snapshot, or the one we have if it is still true."""
        now = self._clock.boot()
        if self._taken is not None and 0 <= now - self._looked_at < FRESH:
            return self._taken
        mark = self._changes()
        if isinstance(self._taken, Snapshot) and mark == self._mark and 0 <= now - self._taken_at < LONGEST:
            self._looked_at = now
            return self._taken
        wall = self._clock.wall()
        taken = take_snapshot(self._reading, self._drive, wall, self._alarms(), clock=self._clock)
        self._keep(taken, now, mark)
        return taken

    def _fail(self, error: Exception) -> Unreadable:
        if not isinstance(self._taken, Unreadable):
            log.error("the status cannot be told", exc_info=error)
        try:
            alarms = tuple(self._alarms())
        except Exception:
            alarms = ()
        problem = f"{type(error).__name__}: {error}"
        taken = Unreadable(self._drive, self._clock.wall(), problem, alarms)
        self._keep(taken, self._clock.boot(), ())
        return taken

    def _keep(self, taken: Snapshot | Unreadable, now: float, mark: tuple[int, ...]) -> None:
        self._taken, self._taken_at, self._looked_at, self._mark = taken, now, now, mark
        self._rendered.clear()

    def _changes(self) -> tuple[int, ...]:
        """Return numbers that change with every commit.

        `data_version` does with those of other connections, `total_changes` with our own; both belong to a
        connection, and each thread has one.
        """
        ((others,),) = self._reading.rows("PRAGMA data_version")
        ((own,),) = self._reading.rows("SELECT total_changes()")
        return threading.get_ident(), others, own
