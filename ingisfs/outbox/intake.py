"""From closed to ready: settle, inspect, pair. Everything that is decided before a server is involved.

One decision per stem, never per half: INGIS pairs `123.pdf` with `123.xml` (and `123-1.pdf` as an attachment), so
the halves wait for each other, go together, and are held together.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ingisfs import names
from ingisfs.outbox.document import NEEDS_PERSON, SENT, WAITING, Document, Reason, State
from ingisfs.outbox.inspection import Flaw, inspect
from ingisfs.outbox.outbox import Decision, Outbox
from ingisfs.outbox.reading import DamagedError, marks

PAIR_WAIT = 60.0  # s after the drive's last close that an XML waits for a PDF to appear
PAIR_WAIT_LIMIT = 600.0  # s after its own close, however busy the drive is
TWIN_LOOK = 0.02  # s between two looks at a document whose other half is not there yet
BATCH = 200  # documents looked at in one go
TURN, GAP = 8, 0.001  # documents in one transaction, and s between two: a program that prints waits for it no longer

REPRINT_WINDOW = 300 * 86400.0  # s in which a second delivery of a stem needs a person's word

_ATTACHMENT = re.compile(r"-[0-9]{1,3}\Z")


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says about documents."""

    types: frozenset[str] = frozenset({"pdf", "xml"})  # endings that are sent, lower case
    folders: Mapping[str, str] = field(default_factory=dict)  # key of a subfolder → folder on the server
    pair_wait: float = PAIR_WAIT  # s
    send_reprints: bool = False  # False: what was delivered before is held until a person releases it

    def route(self, folder: str) -> str | None:
        """Return the server's folder for a subfolder of the drive, "" for the root, None if it is not routed."""
        return "" if not folder else self.folders.get(names.key(folder))

    def remote_name(self, document: Document) -> str:
        """Return the name below the inbox under which a document is published: another print has the name of the first.

        King's `(n)` goes; `Document.pair_key` tells whether it was King's.
        """
        stem = names.split(document.name)[0]
        base = names.without_number(stem)
        is_print = base != stem and names.key(base) == document.pair_key
        name = base + document.name[len(stem) :] if is_print else document.name
        folder = self.route(document.folder)
        return f"{folder}/{name}" if folder else name


def _reason(flaw: Flaw) -> Reason:
    if flaw is Flaw.EMPTY:
        return Reason.EMPTY
    if flaw is Flaw.XML_DTD:
        return Reason.XML_DTD
    return Reason.PDF_NOT_WHOLE if flaw.value.startswith("pdf") else Reason.XML_NOT_WHOLE


def judge(document: Document, data: bytes, rules: Rules) -> tuple[Reason | None, str]:
    """Say why a settled document must be held, with a technical detail; (None, "") if it may go."""
    if names.split(document.name)[1] not in rules.types:
        return Reason.TYPE_NOT_SENT, ""
    if rules.route(document.folder) is None:
        return Reason.FOLDER_NOT_ROUTED, document.folder
    found = inspect(document.name, data)
    return (None, "") if found.flaw is None else (_reason(found.flaw), found.detail)


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
        for at in range(0, len(decisions), TURN):
            if at:
                time.sleep(GAP)
            self._outbox.decide(decisions[at : at + TURN])
        return len(decisions)

    def _judged(self, document: Document) -> Decision:
        try:
            reason, detail = judge(document, self._outbox.payload(document.id), self._rules)
        except DamagedError:
            reason, detail = Reason.DAMAGED, ""
        after = State.QUEUED if reason is None else State.HELD
        if reason is not None:
            return Decision(document, after, reason, detail)
        return Decision(document, after, *self._warning(document), self._earlier(document))

    def _warning(self, document: Document) -> tuple[Reason | None, str]:
        """`2026-1.pdf` beside `2026.xml` looks to INGIS like an attachment of it: say so, and send it."""
        suffix = _ATTACHMENT.search(document.pair_key)
        if is_xml(document) or suffix is None:
            return None, ""
        parent = document.pair_key[: suffix.start()]
        found = self._outbox.rows(
            "SELECT 1 FROM documents WHERE folder_key = ? AND pair_key = ? AND ending = 'xml' AND state <> ? LIMIT 1",
            (names.key(document.folder), parent, State.WITHDRAWN),
        )
        return (Reason.LOOKS_ATTACHED, parent) if found else (None, "")

    def _earlier(self, document: Document) -> list[Document]:
        """Return earlier prints of a document that were not published: the newest one counts."""
        states = (State.SETTLING, State.QUEUED, State.UPLOADING, State.HELD, State.PARKED)
        return self._outbox.documents(
            f"folder_key = ? AND pair_key = ? AND ending = ? AND number < ? AND state IN ({marks(states)})",
            (
                names.key(document.folder),
                document.pair_key,
                names.split(document.name)[1],
                document.number,
                *states,
            ),
        )

    def _delivered_before(self, document: Document) -> float | None:
        """Return when an earlier print of a document was delivered (s since 1970 UTC), within the last 300 days."""
        since = self._outbox.clock.wall() - REPRINT_WINDOW
        ((found,),) = self._outbox.rows(
            "SELECT max(delivered_at) FROM documents AS earlier WHERE state IN (?, ?, ?) AND delivered_at > ?"
            " AND (folder_key, pair_key, ending) = (SELECT folder_key, pair_key, ending FROM documents WHERE id = ?)"
            " AND id <> ? AND NOT EXISTS (SELECT 1 FROM documents WHERE id = ? AND released = 1)",
            (State.DELIVERED, State.COLLECTED, State.ACCEPTED, since, *[document.id] * 3),
        )
        return None if found is None else float(found)

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
        held: list[Decision] = []
        for document in candidates:
            if len(stems) >= limit:
                break
            if document.id in taken or document.id in self._not_before:
                continue
            family = self.family(document)
            if any(other.id in taken for other in family):
                continue  # some of it goes already; the rest is looked at when that is done
            blocked = next((other for other in family if other.state in NEEDS_PERSON), None)
            again = self._reprint(family)
            if blocked is not None:
                held.append(Decision(document, State.HELD, Reason.TWIN, blocked.name))
            elif again is not None:
                taken.update(other.id for other in family)
                held.extend(again)
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

    def _reprint(self, family: Sequence[Document]) -> list[Decision] | None:
        """Hold a whole stem of which one half was delivered before: one decision per stem, never per half."""
        if self._rules.send_reprints or any(other.state is not State.QUEUED for other in family):
            return None
        found = [at for other in family if (at := self._delivered_before(other)) is not None]
        if not found:
            return None
        day = datetime.fromtimestamp(max(found)).astimezone().date().isoformat()
        return [Decision(other, State.HELD, Reason.ALREADY_DELIVERED, day) for other in family]

    def family(self, document: Document) -> list[Document]:
        """Return what has to go together with a document: the halves of its stem, and its attachments with an XML."""
        stem = document.pair_key
        halves = self._live(document, "pair_key = ?", (stem,))
        if not any(is_xml(other) for other in halves):
            parent = self._parent(document)
            return halves if parent is None else self.family(parent)
        numbered = self._live(document, "pair_key > ? AND pair_key < ?", (stem + "-", stem + "."))
        attachments = (o for o in numbered if not is_xml(o) and _ATTACHMENT.fullmatch(o.pair_key[len(stem) :]))
        return [*halves, *attachments]

    def _parent(self, attachment: Document) -> Document | None:
        """Return the XML that INGIS attaches a document to, if it is on its way too."""
        suffix = _ATTACHMENT.search(attachment.pair_key)
        if suffix is None:
            return None
        halves = self._live(attachment, "pair_key = ?", (attachment.pair_key[: suffix.start()],))
        return next((other for other in halves if is_xml(other)), None)

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
            "SELECT 1 FROM documents WHERE folder_key = ? AND pair_key = ? AND ending = 'pdf'"
            f" AND state IN ({marks(sent)}) LIMIT 1"
        )
        if self._outbox.rows(pdf, (names.key(document.folder), document.pair_key, *sent)):
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
