"""Which documents a person means: by id, by name, by stem (both halves), or all that something can be done to.

And which part of the history: by day, by name, or by a text anywhere in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingisfs import names
from ingisfs.outbox.document import NEEDS_PERSON, WAITING, Document, State
from ingisfs.outbox.reading import NEEDING, Audited, HistoryEntry, Reading, marks

#: what can be done → to documents in which states
STATES = {
    "retry": frozenset({State.QUEUED, State.PUBLISHING}),
    "release": NEEDS_PERSON,
    "withdraw": NEEDS_PERSON | {State.SETTLING, State.QUEUED, State.UPLOADING, State.REFUSED},
}


def pending(reading: Reading) -> list[Document]:
    """Return what waits, is held or is set aside, or was refused and needs a person, oldest first."""
    states = sorted(WAITING)
    return reading.documents(f"state IN ({marks(states)}) OR {NEEDING} ORDER BY number", states)


def choose(
    reading: Reading, what: str, wanted: Sequence[str], reason: str | None = None
) -> tuple[list[Document], list[str]]:
    """Return the documents that `what` can be done to, and those of `wanted` that mean none of them.

    Without `wanted` all are meant, or those held for `reason`.
    """
    candidates = [document for document in pending(reading) if document.state in STATES[what]]
    if not wanted:
        return [document for document in candidates if reason in (None, document.reason)], []
    chosen: dict[str, Document] = {}
    unknown = []
    for text in wanted:
        key = names.key(text.strip("/"))
        found = [document for document in candidates if key in _called(document)]
        if not found:
            unknown.append(text)
        chosen.update((document.id, document) for document in found)
    return list(chosen.values()), unknown


def _called(document: Document) -> set[str]:
    stem = names.split(document.path)[0]
    called = {document.id, names.key(document.name), names.key(document.path), names.key(stem), document.pair_key}
    return called | {names.key(names.split(document.name)[0])}


@dataclass(frozen=True, slots=True)
class Search:
    """What of the history is meant. Nothing given means all of it."""

    since: float = 0.0  # s since 1970 UTC
    until: float = float("inf")  # s since 1970 UTC; not this moment itself
    pattern: str | None = None  # of names; `*` and `?` stand for anything, case does not matter
    text: str = ""  # somewhere in a name, id, hash, or in what was said; case does not matter

    def of_steps(self) -> tuple[str, list[object]]:
        """Return this as SQL about the history."""
        where, values = ["at >= ?", "at < ?"], [*self._times()]
        if self.pattern is not None:
            where.append("(lower(name) GLOB ? OR id IN (SELECT id FROM documents WHERE name_key GLOB ?))")
            values += [names.key(self.pattern)] * 2
        if self.text:
            where.append(
                "(instr(lower(name), ?) OR instr(id, ?) OR instr(lower(why), ?) OR id IN"
                " (SELECT id FROM documents WHERE instr(name_key, ?) OR instr(sha256, ?)))"
            )
            values += [names.key(self.text)] * 5
        return " AND ".join(where), values

    def of_documents(self) -> tuple[str, list[object]]:
        """Return this as SQL about documents and what INGIS said of them."""
        at = "coalesce(documents.delivered_at, documents.written_at)"
        where, values = [f"{at} >= ?", f"{at} < ?"], [*self._times()]
        if self.pattern is not None:
            where.append("documents.name_key GLOB ?")
            values.append(names.key(self.pattern))
        if self.text:
            where.append(
                "(instr(documents.name_key, ?) OR instr(documents.id, ?) OR instr(documents.sha256, ?)"
                " OR instr(lower(coalesce(documents.remote_name, '')), ?) OR instr(lower(documents.detail), ?)"
                " OR instr(lower(coalesce(history.why, '')), ?))"
            )
            values += [names.key(self.text)] * 6
        return " AND ".join(where), values

    def _times(self) -> tuple[object, object]:
        return self.since, self.until


def steps(reading: Reading, search: Search) -> Iterator[HistoryEntry]:
    """Yield the steps of documents that are meant, by the time of each step, oldest first."""
    return reading.history(*search.of_steps())


def audited(reading: Reading, search: Search) -> Iterator[Audited]:
    """Yield the documents that are meant, by the time of their delivery, or else of their writing, oldest first."""
    return reading.audited(*search.of_documents())
