"""Hears what INGIS says of documents: the portal's feed of receipts, docs/ingis-api.md.

The feed only grows at its end, so it is enough to remember where we are in it; that is written down in the transaction
that hears a receipt. A receipt about a document that is still in doubt here is not passed by: the doubt is resolved
first, then it is heard.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

from ingisfs.delivery.failures import DeliveryError, TargetNeedsPersonError
from ingisfs.delivery.following import LONGEST
from ingisfs.delivery.server import Server
from ingisfs.outbox.document import Document, State
from ingisfs.outbox.outbox import Answer, Outbox
from ingisfs.outbox.reading import RECEIPTS

log = logging.getLogger(__name__)

#: What a receipt makes of a document that was delivered; "received" says no more than that it was.
STATES = {
    "collected": State.COLLECTED,
    "new": State.ACCEPTED,
    "sent": State.ACCEPTED,
    "viewed": State.ACCEPTED,
    "refused": State.REFUSED,
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What INGIS says of a document."""

    name: str  # `folder/name` at most, as it was published
    digest: str  # SHA-256 of its bytes, in hex
    state: str  # "received" or one of `STATES`; others may come
    reason: str  # for people; "" if there is none
    at: float  # s since 1970 UTC
    cursor: str  # where to go on behind it
    key: str = ""  # the document's id, if it came by the API


@runtime_checkable
class TellsReceipts(Protocol):
    """A server with a feed."""

    def receipts(self, after: str = "", limit: int = 0) -> list[Receipt]:
        """Return what became of documents behind the cursor `after`, oldest first. Raises DeliveryError."""
        ...


class Receipts:
    """One outbox's place in the feed. Used by the courier's thread, but for `_read`."""

    def __init__(self, outbox: Outbox, pause: float) -> None:
        """Ask every `pause` seconds at most, every `LONGEST` times that at least; 0: never."""
        self._outbox = outbox
        self._pause = self._next_pause = pause
        self._due = outbox.clock.boot()
        self._under_way = False
        self._cursor, self._is_noted = "", outbox.meta(RECEIPTS) is not None  # who has a note knows what INGIS says
        try:
            self._cursor = str(json.loads(outbox.meta(RECEIPTS) or '{"cursor": ""}')["cursor"])
        except (ValueError, KeyError, TypeError) as error:
            log.warning("receipts are read from their beginning: %r", error)

    def delivered(self, documents: Iterable[Document]) -> None:
        """Ask soon: something was delivered just now."""
        if any(True for _ in documents):
            self._next_pause = self._pause
            self._due = min(self._due, self._outbox.clock.boot() + self._pause)

    def look(self, *, fresh: bool) -> Callable[[Server], Callable[[], None]] | None:
        """Return what a worker should do now, None for nothing."""
        del fresh  # this is one request: a hello first would be another
        if not self._pause or self._under_way or self._outbox.clock.boot() < self._due:
            return None
        self._under_way = True
        return partial(self._read, self._cursor)

    def _read(self, cursor: str, server: Server) -> Callable[[], None]:
        assert isinstance(server, TellsReceipts)
        return partial(self._heard, server.receipts(cursor))

    def failed(self, error: DeliveryError) -> None:
        """Hear that nothing could be read."""
        log.info("cannot read the receipts: %s", error)
        if isinstance(error, TargetNeedsPersonError):
            self._next_pause = LONGEST * self._pause
        self._wait()

    def _heard(self, receipts: Sequence[Receipt]) -> None:
        answers: list[Answer] = []
        cursor, is_doubted = self._cursor, False
        for receipt in receipts:
            document = self._document(receipt)
            if document is not None and document.state in {State.UPLOADING, State.PUBLISHING}:
                is_doubted = True
                break
            if document is not None and (after := STATES.get(receipt.state)) is not None:
                word = "" if after is State.COLLECTED else receipt.state
                answers.append(Answer(document.id, after, receipt.reason, word))
            cursor = receipt.cursor
        if cursor != self._cursor or not self._is_noted:
            self._outbox.hear(answers, {RECEIPTS: json.dumps({"cursor": cursor})})
            self._cursor, self._is_noted = cursor, True
        if receipts:
            self._next_pause = self._pause
        if receipts and not is_doubted:
            self._under_way = False  # there may be more at once
        else:
            self._wait()

    def _document(self, receipt: Receipt) -> Document | None:
        if receipt.key:
            return self._outbox.document(receipt.key)
        return self._outbox.sent_as(receipt.name, receipt.digest)

    def _wait(self) -> None:
        self._under_way = False
        self._due = self._outbox.clock.boot() + self._next_pause
        self._next_pause = min(2 * self._next_pause, LONGEST * self._pause)

    def is_left_over(self, document_id: str, number: int) -> bool:
        """Tell whether a temporary file is one of ours that nobody needs."""
        del document_id, number
        return False
