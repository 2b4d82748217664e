"""One look at a drive: everything that the status files and the commands show, read at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingisfs import names
from ingisfs.clock import SYSTEM_CLOCK, Clock
from ingisfs.outbox.document import NEEDS_PERSON, WAITING, Document, Reason, State
from ingisfs.outbox.reading import Reading
from ingisfs.report.catalogue import CATALOGUE, say
from ingisfs.report.target import TargetStatus, read_target

ROWS = 200  # documents shown of each kind; the counts are of all


@dataclass(frozen=True, slots=True)
class DriveFacts:
    """What is known of a drive without looking into its outbox."""

    name: str
    server: str  # without user or password
    mounted_since: float | None  # s since 1970 UTC
    language: str = "nl"
    portal: str | None = None  # address of INGIS's portal
    host: str = "?"  # what carries the file system: "libfuse 3.14"


@dataclass(frozen=True, slots=True)
class Row:
    """One document, as it is shown."""

    document: Document
    pair: str | None  # id of its other half, if that is shown too
    next_try: float | None = None  # s since 1970 UTC, of a waiting document that is not due yet

    def reason(self, language: str) -> str:
        """Say why it needs a person and what to do; "" if it does not."""
        warns = self.document.reason == Reason.LOOKS_ATTACHED
        if not self.document.reason or (self.document.state not in NEEDS_PERSON and not warns):
            return ""
        key = f"reason.{self.document.reason}"
        return say(language, key, detail=self.document.detail) if key in CATALOGUE else self.document.reason


@dataclass(frozen=True, slots=True)
class Snapshot:
    """See the module."""

    drive: DriveFacts
    taken_at: float  # s since 1970 UTC
    target: TargetStatus
    counts: Mapping[State, int]
    oldest_waiting: float | None  # s since 1970 UTC
    needing: Sequence[Row]  # newest first, ROWS at most
    newest: Sequence[Row]  # waiting and sent, newest first, ROWS at most
    alarms: Sequence[str] = ()  # keys of sentences

    @property
    def waiting(self) -> int:
        """How many will go by themselves."""
        return sum(self.counts[state] for state in WAITING)

    @property
    def held(self) -> int:
        """How many need a person."""
        return sum(self.counts[state] for state in NEEDS_PERSON)

    @property
    def needs_a_person(self) -> bool:
        """Tell whether documents, or the server, need a person."""
        return bool(self.held or self.alarms or self.target.state == "needs_person")


def take_snapshot(
    reading: Reading, drive: DriveFacts, now: float, alarms: Sequence[str] = (), clock: Clock = SYSTEM_CLOCK
) -> Snapshot:
    """Look at an outbox; `now` in s since 1970 UTC.

    The cost does not grow with the number of documents, but for counting them.
    """
    needing, newest = reading.needing_person(ROWS), reading.newest(ROWS)
    boot = clock.boot()
    halves: dict[tuple[str, str], list[Document]] = {}
    for document in (*needing, *newest):
        halves.setdefault(_stem(document), []).append(document)

    def row(document: Document) -> Row:
        ending = names.split(document.name)[1]
        others = (o.id for o in halves[_stem(document)] if names.split(o.name)[1] != ending)
        waits = document.state in WAITING and document.due > boot
        return Row(document, next(others, None), now + document.due - boot if waits else None)

    return Snapshot(
        drive=drive,
        taken_at=now,
        target=read_target(reading),
        counts=reading.counts(),
        oldest_waiting=reading.oldest_waiting(),
        needing=[row(document) for document in needing],
        newest=[row(document) for document in newest],
        alarms=tuple(alarms),
    )


def _stem(document: Document) -> tuple[str, str]:
    return names.key(document.folder), names.key(names.split(document.name)[0])
