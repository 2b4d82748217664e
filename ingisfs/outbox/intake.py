"""From closed to ready: settle, inspect, pair. Everything that is decided before a server is involved.

One decision per stem, never per half: INGIS pairs `123.pdf` with `123.xml` (and `123-1.pdf` as an attachment), so
the halves wait for each other, go together, and are held together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ingisfs import names
from ingisfs.outbox.document import NEEDS_PERSON, SENT, WAITING, Document, Reason, State
from ingisfs.outbox.inspection import Flaw, inspect
from ingisfs.outbox.outbox import Outbox
from ingisfs.outbox.reading import DamagedError, marks

PAIR_WAIT = 60.0  # s after the drive's last close that an XML waits for a PDF to appear
PAIR_WAIT_LIMIT = 600.0  # s after its own close, however busy the drive is
TWIN_LOOK = 0.02  # s between two looks at a document whose other half is not there yet
BATCH = 200  # documents looked at in one transaction

_ATTACHMENT = re.compile(r"-[0-9]{1,3}\Z")


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says about documents."""

    types: frozenset[str] = frozenset({"pdf", "xml"})  # endings that are sent, lower case
    folders: Mapping[str, str] = field(default_factory=dict)  # key of a subfolder → folder on the server
    pair_wait: float = PAIR_WAIT  # s

    def route(self, folder: str) -> str | None:
        """Return the server's folder for a subfolder of the drive, "" for the root, None if it is not routed."""
        return "" if not folder else self.folders.get(names.key(folder))

    def remote_name(self, document: Document) -> str:
        """Return the name below the inbox under which a document is published."""
        folder = self.route(document.folder)
        return f"{folder}/{document.name}" if folder else document.name


def _reason(flaw: Flaw) -> Reason:
    if flaw is Flaw.EMPTY:
        return Reason.EMPTY
    if flaw is Flaw.XML_DTD:
        return Reason.XML_DTD
    return Reason.PDF_NOT_WHOLE if flaw.value.startswith("pdf") else Reason.XML_NOT_WHOLE


def judge(document: Document, data: bytes, rules: Rules) -> tuple[State, Reason | None, str]:
    """Say what becomes of a settled document: queued, or held with a reason and a technical detail."""
    if names.split(document.name)[1] not in rules.types:
        return State.HELD, Reason.TYPE_NOT_SENT, ""
    if rules.route(document.folder) is None:
        return State.HELD, Reason.FOLDER_NOT_ROUTED, document.folder
    found = inspect(document.name, data)
    if found.flaw is not None:
        return State.HELD, _reason(found.flaw), found.detail
    return State.QUEUED, None, ""


@dataclass(frozen=True, slots=True)
class Stem:
    """The documents that INGIS will see as one invoice, in the order in which they are published: XML last."""

    documents: tuple[Document, ...]

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        return sum(document.size for document in self.documents)


def is_xml(document: Document) -> bool:
    """Tell whether a document is the data half of a pair."""
    return names.split(document.name)[1] == "xml"


def stem_of(document: Document) -> str:
    """Return the key that both halves of a pair have in common."""
    return names.key(names.split(document.name)[0])


class Intake:
    """Decides, for one outbox, which documents may go now. Used by the courier's one database thread only."""

    def __init__(self, outbox: Outbox, rules: Rules) -> None:
        """Work on `outbox` by `rules`."""
        self._outbox = outbox
        self._rules = rules
        self._not_before: dict[str, float] = {}  # short waits by document id, on the boot clock; not worth a commit

    def settle(self) -> int:
        """Move documents on whose quiet time is over. Returns how many there were."""
        now = self._outbox.clock.boot()
        where = "state = ? AND due <= ? ORDER BY number LIMIT ?"
        decisions = [self._judged(document) for document in self._outbox.documents(where, (State.SETTLING, now, BATCH))]
        if decisions:
            self._outbox.decide(decisions)
        return len(decisions)

    def _judged(self, document: Document) -> tuple[Document, State, Reason | None, str]:
        try:
            data = self._outbox.payload(document.id)
        except DamagedError:
            return document, State.HELD, Reason.DAMAGED, ""
        return document, *judge(document, data, self._rules)

    def ready(self, limit: int) -> list[Stem]:
        """Return up to `limit` stems that may go now, oldest first.

        What may not is looked at again later, or held with its other half: it never stands before others.
        """
        now = self._outbox.clock.boot()
        self._not_before = {key: until for key, until in self._not_before.items() if until > now}
        where = "state = ? AND due <= ? ORDER BY number LIMIT ?"
        candidates = self._outbox.documents(where, (State.QUEUED, now, max(BATCH, 4 * limit)))
        stems: list[Stem] = []
        taken: set[str] = set()
        lone: list[tuple[Document, float]] = []
        held: list[tuple[Document, State, Reason | None, str]] = []
        for document in candidates:
            if len(stems) >= limit:
                break
            if document.id in taken or document.id in self._not_before:
                continue
            family = self._family(document)
            blocked = next((other for other in family if other.state in NEEDS_PERSON), None)
            if blocked is not None:
                held.append((document, State.HELD, Reason.TWIN, blocked.name))
            elif any(other.state is not State.QUEUED or other.due > now for other in family):
                self._not_before[document.id] = now + TWIN_LOOK
            elif (goes_at := self._alone_until(document, family)) > now:
                lone.append((document, goes_at))
            else:
                taken.update(other.id for other in family)
                stems.append(Stem(tuple(sorted(family, key=lambda other: (is_xml(other), other.number)))))
        if held:
            self._outbox.decide(held)
        if lone:
            self._outbox.postpone(lone)
        return stems

    def _family(self, document: Document) -> list[Document]:
        """Return what has to go together with a document: the halves of its stem, and its attachments with an XML."""
        halves = self._live(document, "stem_key = ?", (stem_of(document),))
        if not any(is_xml(other) for other in halves):
            return halves
        stem = stem_of(document)
        numbered = self._live(document, "stem_key > ? AND stem_key < ?", (stem + "-", stem + "."))
        attachments = (o for o in numbered if not is_xml(o) and _ATTACHMENT.fullmatch(stem_of(o)[len(stem) :]))
        return [*halves, *attachments]

    def _live(self, document: Document, where: str, parameters: tuple[str, ...]) -> list[Document]:
        states = sorted(WAITING | NEEDS_PERSON)
        where = f"folder_key = ? AND {where} AND state IN ({marks(states)})"
        found = self._outbox.documents(where, (names.key(document.folder), *parameters, *states))
        return [other for other in found if names.split(other.name)[1] in self._rules.types]

    def _alone_until(self, document: Document, family: Sequence[Document]) -> float:
        """Return when an XML whose PDF nobody has seen stops waiting for one, on the boot clock; 0 for all others."""
        if any(not is_xml(other) for other in family):
            return 0.0
        sent = sorted(SENT)
        pdf = (
            "SELECT 1 FROM documents WHERE folder_key = ? AND stem_key = ? AND ending = 'pdf'"
            f" AND state IN ({marks(sent)}) LIMIT 1"
        )
        if self._outbox.rows(pdf, (names.key(document.folder), stem_of(document), *sent)):
            return 0.0
        ((closed,),) = self._outbox.rows("SELECT closed FROM documents WHERE id = ?", (document.id,))
        last_close = float(self._outbox.meta("last_close") or 0)
        return min(last_close + self._rules.pair_wait, float(closed) + max(PAIR_WAIT_LIMIT, self._rules.pair_wait))

    def next_look(self) -> float:
        """Return when there may be something to do again, on the boot clock; infinity if only an event can tell."""
        return min([*self._not_before.values(), self._next_due(State.QUEUED), self.next_settle()])

    def next_settle(self) -> float:
        """Return when the next document's quiet time is over, on the boot clock."""
        return self._next_due(State.SETTLING)

    def _next_due(self, state: State) -> float:
        now = self._outbox.clock.boot()
        ((found,),) = self._outbox.rows("SELECT min(due) FROM documents WHERE state = ? AND due > ?", (state, now))
        return float("inf") if found is None else float(found)
