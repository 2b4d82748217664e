"""Does INGIS's batch leave our temporary names alone? A small file under one is left on the server, for a later look.

Rule 9 of the deliveries rests on it: a temporary file that is gone was published, not cleaned up. A look puts the file,
a later one tells; what is known is noted in the state folder. The file goes as soon as the answer is known: at a later
`ingisfs check`, or by the courier when it has lain there for a night. Its name is one that INGIS passes over.

Nobody tells us when a batch has been. It has if INGIS collected what was delivered since, or after a night and a bit.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from ingisfs.delivery.server import PREFIX, SUFFIX, Server
from ingisfs.outbox.document import new_id
from ingisfs.outbox.locks import FileLock

log = logging.getLogger(__name__)

NIGHT = 26 * 3600.0  # s in which a nightly batch has surely been
GOOD_FOR = 30 * 86400.0  # s for which an answer counts before it is asked for again

_CONTENT = b"ingisfs: does a batch leave this alone?\n"


class Verdict(StrEnum):
    """What is known."""

    WAITING = "waiting"  # nothing yet: it lies there, and no batch is known of
    SURVIVES = "survives"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known after a look."""

    verdict: Verdict
    seconds: float  # that the file has lain there, or after which it was found gone
    collected: int = 0  # documents that INGIS collected meanwhile


@dataclass(slots=True)
class _Note:
    """What outlives a look, of one server."""

    place: str = ""  # the inbox
    name: str = ""  # of the file that lies there, "" for none
    put_at: float | None = None  # s since 1970 UTC; None: it may or may not have been put
    survived: float | None = None  # s that one has lain there
    collected: int = 0  # documents meanwhile
    told_at: float = 0.0  # s since 1970 UTC: when that was found
    gone_after: float | None = None  # s after which one was gone, and none has survived since


class Survival:
    """The answer for one drive. Raises DeliveryError, OSError."""

    def __init__(self, state_folder: Path, url: str, temporary_folder: str | None) -> None:
        """Nothing is looked at yet. `url` is the inbox."""
        self._path = state_folder / "survival.json"
        self._folder = temporary_folder or ""
        self._place = f"{url} {self._folder}"

    def is_over(self, now: float) -> bool:
        """Tell whether the file has lain there for a night. `now`: s since 1970 UTC."""
        put_at = self._read().put_at
        return put_at is not None and now - put_at >= NIGHT

    def look(
        self, server: Server, now: float, collected: Callable[[float], int] | None = None, *, again: bool = True
    ) -> Known | None:
        """Look for the file, and put one if the answer is not known. None: another process is looking.

        `collected` tells how many documents INGIS took that were delivered since a time. Without `again` nothing new is
        put.
        """
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(FileLock(self._path.with_suffix(".lock"))) as lock:
            return self._look(server, now, collected, again=again) if lock.acquire() else None

    def _look(self, server: Server, now: float, collected: Callable[[float], int] | None, *, again: bool) -> Known:
        note = self._read()
        if note.name and note.put_at is None:
            server.remove(note.name)
            note.name = ""
        if note.name and note.put_at is not None:
            note.put_at = min(note.put_at, now)  # a clock may have been set back
            self._judge(server, note, now, collected)
        is_known = note.survived is not None and 0 <= now - note.told_at < GOOD_FOR
        if again and not note.name and not is_known:
            self._put(server, note, now)
        if note.gone_after is not None:
            return Known(Verdict.GONE, note.gone_after)
        if note.survived is not None:
            return Known(Verdict.SURVIVES, note.survived, note.collected)
        return Known(Verdict.WAITING, 0.0 if note.put_at is None else now - note.put_at)

    def _judge(self, server: Server, note: _Note, now: float, collected: Callable[[float], int] | None) -> None:
        """Tell by the file that was put what becomes of such, if that can be told."""
        assert note.put_at is not None
        lain = now - note.put_at
        if server.entry(note.name) is None:
            log.warning("%s is gone from the server after %.0f s; nothing of ours removed it", note.name, lain)
            note.gone_after, note.survived = lain, None
        else:
            taken = 0 if collected is None else collected(note.put_at)
            if not taken and lain < NIGHT:
                return
            server.remove(note.name)
            note.survived, note.collected, note.told_at, note.gone_after = lain, taken, now, None
        note.name, note.put_at = "", None
        self._write(note)

    def _put(self, server: Server, note: _Note, now: float) -> None:
        place = f"{self._folder}/" if self._folder else ""
        note.name, note.put_at = f"{place}{PREFIX}{new_id()}-1-probe{SUFFIX}", None
        self._write(note)  # first: what a look that was killed has put is removed by the next one
        server.put(note.name, _CONTENT)
        note.put_at = now
        self._write(note)

    def _read(self) -> _Note:
        try:
            note = _Note(**json.loads(self._path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            note = _Note()
        return note if note.place == self._place else _Note(self._place)

    def _write(self, note: _Note) -> None:
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(asdict(note)), encoding="utf-8")
        new.replace(self._path)
