"""Which documents a person means: by id, by name, by stem (both halves), or all that something can be done to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ingisfs import names
from ingisfs.outbox.document import NEEDS_PERSON, WAITING, Document, State
from ingisfs.outbox.reading import NEEDING, HistoryEntry, Reading, marks

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


def steps(reading: Reading, since: float, pattern: str | None) -> Iterator[HistoryEntry]:
    """Yield the history from `since` (s since 1970 UTC) on, of names that match `pattern` (`*` and `?`)."""
    if pattern is None:
        return reading.history("at >= ?", (since,))
    return reading.history("at >= ? AND name GLOB ?", (since, pattern))
