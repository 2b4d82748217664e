"""Questions to the record that change nothing, for the drive, the courier, the commands and the status files alike."""

from __future__ import annotations

import hashlib
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingisfs.outbox.document import BY_INGIS, NEEDS_PERSON, SENT, WAITING, Document, State

DATABASE = "cache.db"  # diskcache's name for it
RECEIPTS = "receipts"  # note of the place in a portal's feed; who has it is told what INGIS says
PAUSED_UNTIL = "paused_until"  # note of a time: nothing new is sent before it
LONGEST_PAUSE = 86_400.0  # s; a time that lies further ahead was noted by a clock that has been set since

#: `Document.needs_person`, as SQL.
NEEDING = (
    f"(state IN ({', '.join(repr(str(state)) for state in sorted(NEEDS_PERSON))})"
    f" OR (state = '{State.REFUSED}' AND reason IS NOT NULL))"
)

_COLUMNS = (
    "number, id, folder, name, size, sha256, state, version, modified_ns, written_at, due, tries, attempt,"
    " reason, detail, remote_name, delivered_at, resume, listed, pair_key"
)
_OF_DOCUMENTS = ", ".join(f"documents.{column.strip()}" for column in _COLUMNS.split(","))


class DamagedError(Exception):
    """The bytes of a document are missing or are not the ones on record. `args[0]` is the document's id."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One transition of one document."""

    at: float  # s since 1970 UTC
    id: str
    name: str
    before: str  # state, or "" for its birth
    after: str
    why: str


@dataclass(frozen=True, slots=True)
class Audited:
    """A document, and what INGIS said of it."""

    document: Document
    answered_at: float | None  # s since 1970 UTC: when it was heard last
    answer: str  # in INGIS's words, or what was seen


def document_of(row: Sequence[Any]) -> Document:
    """Make a Document of a row of `_COLUMNS`."""
    fields = list(row)
    fields[6] = State(row[6])
    fields[17] = State(row[17]) if row[17] else None
    fields[18] = bool(row[18])
    return Document(*fields)


def marks(values: Iterable[object]) -> str:
    """Return as many question marks as there are values, for `IN (…)`."""
    return ",".join("?" for _ in values)


class Reading(ABC):
    """All read-only questions. A subclass knows how to run a statement."""

    @abstractmethod
    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one SELECT and return all of its rows."""

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """Have all questions of the block answered as of one moment, whatever others commit meanwhile."""
        self.rows("BEGIN")
        try:
            yield
        finally:
            with suppress(Exception):  # what failed in the block may have ended it already
                self.rows("ROLLBACK")

    def documents(self, where: str, parameters: Sequence[Any] = ()) -> list[Document]:
        """Return the documents for which `where` (SQL, ours alone, never a person's) holds."""
        return [document_of(row) for row in self.rows(f"SELECT {_COLUMNS} FROM documents WHERE {where}", parameters)]

    def document(self, document_id: str) -> Document | None:
        """Return the document with this id."""
        return next(iter(self.documents("id = ?", (document_id,))), None)

    def find(self, folder_key: str, name_key: str) -> Document | None:
        """Return what the drive shows under this name, if anything."""
        return next(
            iter(self.documents("folder_key = ? AND name_key = ? AND listed = 1", (folder_key, name_key))), None
        )

    def names(self, folder_key: str) -> list[str]:
        """Return the names that the drive shows in one folder, in the order of their arrival."""
        # The planner would take the index that has every document of the folder, also those of years ago.
        query = (
            "SELECT name FROM documents INDEXED BY documents_listed WHERE folder_key = ? AND listed = 1 ORDER BY number"
        )
        return [name for (name,) in self.rows(query, (folder_key,))]

    def folders(self) -> dict[str, str]:
        """Return all subfolders of the drive: key of the path → path as it was made."""
        return dict(self.rows("SELECT path_key, path FROM folders"))

    def payload(self, document_id: str) -> bytes:
        """Return the bytes of a document, checked against its size and hash.

        Raises DamagedError if they are missing or others than the record says.
        """
        # One statement: between two of them the courier may move the bytes to the archive.
        found = self.rows(
            "SELECT documents.size, sha256, archived, value FROM documents"
            " LEFT JOIN Cache ON Cache.key = documents.id AND Cache.raw = 1 WHERE id = ?",
            (document_id,),
        )
        if not found:
            raise DamagedError(document_id)
        ((size, sha256, archived, value),) = found
        data: bytes
        if archived:
            try:
                data = (self.archive_folder / archived).read_bytes()
            except OSError:
                raise DamagedError(document_id) from None
        else:
            data = value if isinstance(value, bytes) else b""
        if len(data) != size or hashlib.sha256(data).hexdigest() != sha256:
            raise DamagedError(document_id)
        return data

    archive_folder: Path

    def counts(self) -> dict[State, int]:
        """Return how many documents there are in every state."""
        found = dict(self.rows("SELECT state, count(*) FROM documents GROUP BY state"))
        return {state: int(found.get(state, 0)) for state in State}

    def waiting(self) -> int:
        """Return how many documents will still go by themselves."""
        query = f"SELECT count(*) FROM documents WHERE state IN ({marks(WAITING)})"
        return int(self.rows(query, sorted(WAITING))[0][0])

    def oldest_waiting(self) -> float | None:
        """Return when the oldest waiting document was written, s since 1970 UTC."""
        query = f"SELECT min(written_at) FROM documents WHERE state IN ({marks(WAITING)})"
        found = self.rows(query, sorted(WAITING))[0][0]
        return None if found is None else float(found)

    def needing_person_count(self) -> int:
        """Return how many documents a person must look at."""
        return int(self.rows(f"SELECT count(*) FROM documents WHERE {NEEDING}")[0][0])

    def refused_count(self) -> int:
        """Return how many documents INGIS refused that nobody has dealt with yet."""
        query = "SELECT count(*) FROM documents WHERE state = ? AND reason IS NOT NULL"
        return int(self.rows(query, (State.REFUSED,))[0][0])

    def said(self) -> dict[str, int]:
        """Return of how many invoices INGIS's latest word is which; both halves of a pair are one."""
        query = "SELECT word, count(*) FROM (SELECT DISTINCT word, invoice FROM said) GROUP BY word"
        return {str(word): int(count) for word, count in self.rows(query)}

    def said_of(self, numbers: Sequence[int]) -> dict[int, str]:
        """Return INGIS's latest word about those of these documents, a few hundred at most, of which it said one."""
        return dict(self.rows(f"SELECT number, word FROM said WHERE number IN ({marks(numbers)})", list(numbers)))

    def needing_person(self, limit: int) -> list[Document]:
        """Return the documents that a person must look at, newest first."""
        return self.documents(f"{NEEDING} ORDER BY number DESC LIMIT ?", (limit,))

    def newest(self, limit: int) -> list[Document]:
        """Return the newest documents that are, or were, to be sent, newest first."""
        states = sorted(WAITING | SENT)
        return self.documents(f"state IN ({marks(states)}) ORDER BY number DESC LIMIT ?", [*states, limit])

    def delivered_in_run(self, rest: float, limit: int) -> int:
        """Return how many documents of the run that waits are on the server already.

        A run begins behind a rest of so many seconds, before which nothing waits any more; only the latest `limit`
        documents are looked at.
        """
        waiting, sent = (", ".join(repr(str(state)) for state in sorted(states)) for states in (WAITING, SENT))
        query = (
            "WITH latest AS (SELECT number, state, written_at FROM documents ORDER BY number DESC LIMIT ?),"
            " rests AS (SELECT number, written_at - lag(written_at) OVER (ORDER BY number) AS rest FROM latest),"
            f" oldest AS (SELECT min(number) AS number FROM latest WHERE state IN ({waiting})),"
            " begin AS (SELECT max(rests.number) AS number FROM rests, oldest"
            " WHERE rest > ? AND rests.number <= oldest.number)"
            " SELECT count(*) FROM latest, begin"
            f" WHERE state IN ({sent}) AND latest.number >= coalesce(begin.number, 0)"
        )
        return int(self.rows(query, (limit, rest))[0][0])

    def anything_sent(self) -> bool:
        """Tell whether there are `sent_days`."""
        return bool(self.rows("SELECT 1 FROM sent LIMIT 1"))

    def sent_days(self) -> list[str]:
        """Return the local days of whose deliveries something is kept beside the root, as 2026-11-24, oldest first."""
        query = (
            "WITH RECURSIVE days(day) AS (SELECT min(day) FROM sent UNION ALL"
            " SELECT (SELECT min(day) FROM sent WHERE day > days.day) FROM days WHERE day IS NOT NULL)"
            " SELECT day FROM days WHERE day IS NOT NULL"
        )
        return [str(day) for (day,) in self.rows(query)]

    def sent_day(self, number: int) -> str:
        """Return the local day of the delivery of a document that the root lists no more, as 2026-11-24."""
        found = self.rows("SELECT day FROM sent WHERE number = ?", (number,))
        return str(found[0][0]) if found else "1970-01-01"

    def sent_names(self, day: str) -> dict[str, int]:
        """Return what is kept of a day's deliveries: name → number of the document."""
        return dict(self.rows("SELECT name, number FROM sent WHERE day = ? ORDER BY name_key", (day,)))

    def sent_as_name(self, day: str, name_key: str) -> tuple[str, Document] | None:
        """Return what is kept of a day under a name, in the case in which it was made."""
        found = self.rows(
            f"SELECT sent.name, {_OF_DOCUMENTS} FROM sent JOIN documents USING (number)"
            " WHERE day = ? AND sent.name_key = ?",
            (day, name_key),
        )
        return (str(found[0][0]), document_of(found[0][1:])) if found else None

    def anything_refused(self) -> bool:
        """Tell whether there is something for `refused_to_see`, without looking at all of it."""
        query = (
            "SELECT 1 FROM documents WHERE state = ? AND reason IS NOT NULL"
            " AND EXISTS (SELECT 1 FROM sent WHERE sent.number = documents.number) LIMIT 1"
        )
        return bool(self.rows(query, (State.REFUSED,)))

    def refused_to_see(self) -> list[Document]:
        """Return what INGIS refused and nobody has dealt with yet, and its latest other half, in their order."""
        sent = ", ".join(repr(str(state)) for state in sorted(SENT))
        return self.documents(
            f"number IN (SELECT number FROM documents WHERE state = '{State.REFUSED}' AND reason IS NOT NULL UNION"
            " SELECT max(half.number) FROM documents AS this JOIN documents AS half USING (folder_key, pair_key)"
            f" WHERE this.state = '{State.REFUSED}' AND this.reason IS NOT NULL AND half.ending <> this.ending"
            f" AND half.state IN ({sent}) AND half.listed = 0 GROUP BY this.number, half.ending)"
            " AND EXISTS (SELECT 1 FROM sent WHERE sent.number = documents.number) ORDER BY number"
        )

    def not_heard_of(self, states: Iterable[State], since: float, limit: int) -> list[Document]:
        """Return those of the newest documents in each state that were delivered since then, newest first.

        `since` is in s since 1970 UTC; of each state only the newest `limit` are looked at. Without those
        whose name was given to another document later: what lies there now says nothing of them.
        """
        found: list[Document] = []
        for state in states:
            found += self.documents(
                "number IN (SELECT number FROM documents WHERE state = ? ORDER BY number DESC LIMIT ?)"
                " AND delivered_at > ? AND remote_name IS NOT NULL AND NOT EXISTS (SELECT 1 FROM documents"
                " AS later WHERE later.remote_name = documents.remote_name AND later.id <> documents.id"
                " AND later.delivered_at >= documents.delivered_at)",
                (state, limit, since),
            )
        return sorted(found, key=lambda document: -document.number)[:limit]

    def sent_as(self, remote_name: str, sha256: str) -> Document | None:
        """Return the newest document that the server has had with these bytes (hex) under this name below the inbox."""
        states = sorted(SENT)
        where = f"remote_name = ? AND sha256 = ? AND state IN ({marks(states)}) ORDER BY delivered_at DESC LIMIT 1"
        return next(iter(self.documents(where, (remote_name, sha256, *states))), None)

    def last_entry(self) -> int:
        """Return the number of the last entry of the history, 0 if there is none."""
        return int(self.rows("SELECT max(entry) FROM history")[0][0] or 0)

    def meta(self, name: str) -> str | None:
        """Return a note that belongs to the whole outbox."""
        found = self.rows("SELECT value FROM meta WHERE name = ?", (name,))
        return str(found[0][0]) if found else None

    def audited(self, where: str = "1", parameters: Sequence[Any] = ()) -> Iterator[Audited]:
        """Yield the documents for which `where` (SQL, ours alone) holds, oldest first, with what INGIS said of them."""
        by_ingis = ", ".join(repr(str(state)) for state in sorted(BY_INGIS))
        heard = f"(SELECT max(entry) FROM history WHERE history.id = documents.id AND after IN ({by_ingis}))"
        query = (
            f"SELECT history.at, history.why, {_OF_DOCUMENTS} FROM documents LEFT JOIN history ON entry = {heard}"
            f" WHERE documents.number > ? AND documents.state <> '{State.LOCAL}' AND ({where})"
            " ORDER BY documents.number LIMIT 1000"
        )
        last = 0
        while found := self.rows(query, (last, *parameters)):  # in pieces: there may be years of them
            for at, why, *rest in found:
                document = document_of(rest)
                last = document.number
                yield Audited(document, None if at is None else float(at), str(why or ""))

    def paused_until(self, now: float) -> float | None:
        """Return until when a person has paused the delivery; None if it is not paused. Both in s since 1970 UTC."""
        try:
            until = float(self.meta(PAUSED_UNTIL) or 0.0)
        except ValueError:
            return None
        return until if now < until <= now + LONGEST_PAUSE else None

    def history(self, where: str = "1", parameters: Sequence[Any] = ()) -> Iterator[HistoryEntry]:
        """Yield the transitions for which `where` (SQL, ours alone) holds, oldest first."""
        query = f"SELECT at, id, name, before, after, why FROM history WHERE {where} ORDER BY entry"
        for row in self.rows(query, parameters):
            yield HistoryEntry(*row)


def _connect(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=5, isolation_level=None)


class ReadOnlyOutbox(Reading):
    """The outbox for those who only look: works beside the drive, without it, and on a full disk."""

    def __init__(self, state_folder: Path) -> None:
        """Open `mode=ro`. Raises FileNotFoundError if there is no outbox, sqlite3.Error if it cannot be read."""
        path = state_folder / "outbox" / DATABASE
        if not path.exists():
            raise FileNotFoundError(path)
        self.archive_folder = state_folder / "archive"
        self._con = _connect(path, "mode=ro")
        try:
            self.rows("SELECT count(*) FROM sqlite_master")
        except sqlite3.OperationalError:
            # On a disk that takes nothing, SQLite cannot make its index of the log. Without a log it needs none.
            self.close()
            log = path.with_name(DATABASE + "-wal")
            if log.exists() and log.stat().st_size:
                raise
            self._con = _connect(path, "immutable=1")

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """See `Reading.rows`."""
        with closing(self._con.execute(sql, parameters)) as cursor:
            return cursor.fetchall()

    def data_version(self) -> int:
        """Return a number that changes when any other connection commits."""
        return int(self.rows("PRAGMA data_version")[0][0])

    def close(self) -> None:
        """Close the connection."""
        with suppress(sqlite3.Error):
            self._con.close()
