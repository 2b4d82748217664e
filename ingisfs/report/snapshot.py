"""What became of the documents, at one moment: the one source of the status files, the commands and the watch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ingisfs import names
from ingisfs.clock import SYSTEM_CLOCK, Clock
from ingisfs.outbox.document import NEEDS_PERSON, SENT, WAITING, WORDS, Document, State
from ingisfs.outbox.reading import RECEIPTS, Reading
from ingisfs.report.catalogue import LANGUAGES
from ingisfs.report.target import NEEDS_PERSON as TARGET_NEEDS_PERSON
from ingisfs.report.target import OK, TargetStatus, read_target

ROWS = 200  # documents of each kind at most: those that need a person, and the newest others
REST = 900.0  # s without a new document, after which the next one begins another run
QUIET = 86400.0  # s without a new document, after which that is worth a word
RUN = 5000  # documents of a run that are looked at, at most

_USER_INFO = re.compile(r"\A([a-z][a-z0-9+.-]*://)[^/?#]*@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DriveFacts:
    """What is told of the drive itself."""

    name: str
    server: str  # URL; a user and password in it are taken off
    mounted_since: float | None  # s since 1970 UTC, of the latest mount
    language: str = "nl"
    portal: str | None = None  # URL of INGIS's portal
    host: str = "?"  # what carries the file system: "libfuse 3.14"

    def __post_init__(self) -> None:
        """Let no secret, and no language without sentences, through to what is shown."""
        object.__setattr__(self, "server", _USER_INFO.sub(r"\1", self.server))
        if self.portal is not None:
            object.__setattr__(self, "portal", _USER_INFO.sub(r"\1", self.portal))
        if self.language not in LANGUAGES:
            object.__setattr__(self, "language", LANGUAGES[0])


@dataclass(frozen=True, slots=True)
class Row:
    """One document of a snapshot."""

    document: Document
    next_try: float | None  # s since 1970 UTC; None: at once, or not by itself
    pair: str | None  # id of its other half, if that is shown too
    said: str | None = None  # INGIS's latest word about it: "new", "sent", "viewed", "refused"


@dataclass(frozen=True, slots=True)
class Run:
    """How far the documents are that were printed without a rest, while some of them wait."""

    done: int  # on the server
    total: int  # those, and all that wait


@dataclass(frozen=True, slots=True)
class Snapshot:
    """See the module."""

    drive: DriveFacts
    taken_at: float  # s since 1970 UTC
    target: TargetStatus
    counts: Mapping[State, int]
    oldest_waiting_seconds: float | None  # None: nothing waits
    documents: tuple[Row, ...]  # what needs a person, then the others; each newest first, ROWS at most
    alarms: tuple[str, ...] = ()  # `alarm.<this>` is their sentence
    ingis: Mapping[str, int] | None = None  # invoices by what INGIS says itself; None: not known, which is not 0
    refused: int = 0  # documents that INGIS refused and that nobody has dealt with yet
    run: Run | None = None  # None: nothing waits
    paused_until: float | None = None  # s since 1970 UTC; None: a person has not paused the delivery

    @property
    def waiting(self) -> int:
        """How many documents will still go by themselves."""
        return sum(self.counts[state] for state in WAITING)

    @property
    def needs_person(self) -> int:
        """How many documents a person must look at."""
        return sum(self.counts[state] for state in NEEDS_PERSON) + self.refused

    @property
    def needs_a_person(self) -> bool:
        """Tell whether anything here waits for a person: a document, the server, or the drive."""
        return bool(self.needs_person or self.alarms) or self.target.state == TARGET_NEEDS_PERSON

    @property
    def moves(self) -> bool:
        """Tell whether what waits is on its way: the server answers, and nothing keeps documents from it."""
        return self.target.state == OK and self.paused_until is None and "courier" not in self.alarms

    @property
    def delivered(self) -> int:
        """How many documents the server has or had, without those that INGIS is known to have refused."""
        return sum(self.counts[state] for state in SENT - {State.REFUSED})

    @property
    def last_written_at(self) -> float | None:
        """When the latest document was written that is told of; s since 1970 UTC."""
        return max((row.document.written_at for row in self.documents), default=None)

    @property
    def is_quiet(self) -> bool:
        """Tell whether nothing was printed for long. That is no trouble, and is told as none."""
        latest = self.last_written_at
        return latest is not None and not self.waiting and self.taken_at - latest >= QUIET

    @property
    def needing(self) -> list[Row]:
        """The documents that a person must look at, newest first."""
        return [row for row in self.documents if row.document.needs_person]

    @property
    def newest(self) -> list[Row]:
        """The other documents, newest first."""
        return [row for row in self.documents if not row.document.needs_person]


def take_snapshot(
    reading: Reading, drive: DriveFacts, now: float, alarms: Sequence[str] = (), clock: Clock = SYSTEM_CLOCK
) -> Snapshot:
    """Return what became of the documents at one moment, by a handful of queries that each have a limit or an index.

    `now` is in s since 1970 UTC; `clock` is the one that the outbox's due times are on. Raises what the reading raises.
    """
    with reading.one_moment():
        return _take(reading, drive, now, alarms, clock)


def _take(reading: Reading, drive: DriveFacts, now: float, alarms: Sequence[str], clock: Clock) -> Snapshot:
    counts = reading.counts()
    waiting = sum(counts[state] for state in WAITING)
    oldest = reading.oldest_waiting() if waiting else None
    found = {d.id: d for d in [*reading.needing_person(ROWS), *reading.newest(ROWS)]}
    pairs = pair_up(found.values())
    is_told = reading.meta(RECEIPTS) is not None
    said = reading.said_of([document.number for document in found.values()]) if is_told else {}
    # Due times of another start of the machine mean nothing.
    boot = clock.boot() if reading.meta("boot_id") == clock.boot_id() else None
    return Snapshot(
        drive=drive,
        taken_at=now,
        target=read_target(reading),
        counts=counts,
        oldest_waiting_seconds=None if oldest is None else max(0.0, now - oldest),
        documents=tuple(Row(d, _next_try(d, now, boot), pairs.get(d.id), said.get(d.number)) for d in found.values()),
        alarms=tuple(alarms),
        ingis={**dict.fromkeys(WORDS, 0), **reading.said()} if is_told else None,
        refused=reading.refused_count() if counts[State.REFUSED] else 0,
        run=_run(reading, waiting) if waiting else None,
        paused_until=reading.paused_until(now),
    )


def _run(reading: Reading, waiting: int) -> Run:
    done = reading.delivered_in_run(REST, RUN)
    return Run(done, done + waiting)


def _next_try(document: Document, now: float, boot: float | None) -> float | None:
    if boot is None or document.state not in {State.QUEUED, State.PUBLISHING} or document.due <= boot:
        return None
    return now + document.due - boot


def pair_up(documents: Iterable[Document]) -> dict[str, str]:
    """Return the other half of each document that has one among these: id → id.

    Halves are a PDF and an XML of one stem in one folder, whatever number King put behind it. When a stem was printed
    more than once, a half belongs to the latest other half that was still alone when it came, else to the latest that
    came before it.
    """
    stems: dict[tuple[str, str], list[Document]] = {}
    for document in documents:
        if names.split(document.name)[1] in {"pdf", "xml"}:
            stems.setdefault((names.key(document.folder), document.pair_key), []).append(document)
    pairs: dict[str, str] = {}
    for halves in stems.values():
        alone: dict[str, list[Document]] = {"pdf": [], "xml": []}
        latest: dict[str, Document] = {}
        for half in sorted(halves, key=lambda document: document.number):
            ending = names.split(half.name)[1]
            other = "xml" if ending == "pdf" else "pdf"
            if alone[other]:
                partner = alone[other].pop()
                pairs[partner.id], pairs[half.id] = half.id, partner.id
            else:
                alone[ending].append(half)
                if other in latest:
                    pairs[half.id] = latest[other].id
            latest[ending] = half
    return pairs


def together(rows: Iterable[Row]) -> list[Row]:
    """Return the documents in their order, but both halves of a pair next to each other, the PDF first."""
    left = {row.document.id: row for row in rows}
    ordered: list[Row] = []
    while left:
        row = left.pop(next(iter(left)))
        halves = [row]
        if row.pair in left and left[row.pair].pair == row.document.id:
            halves.append(left.pop(row.pair))
        ordered.extend(sorted(halves, key=lambda half: names.split(half.document.name)[1]))
    return ordered
