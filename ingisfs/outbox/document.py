"""A document, its states, and which state may follow which.

The whole life of a document is this table; `outbox.py` is the only module that moves one along it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a document stands. The values are stored and shown to programs: they never change."""

    LOCAL = "local"  # noise or an unfinished name (`~$x`, `x.tmp`): kept on this drive, never sent
    WRITING = "writing"  # a handle that may write is open
    SETTLING = "settling"  # closed; waiting a moment for programs that reopen or rename
    QUEUED = "queued"  # whole, waiting for a worker
    UPLOADING = "uploading"  # a worker puts it under a temporary name
    PUBLISHING = "publishing"  # point of no return: the rename to the final name is under way
    DELIVERED = "delivered"  # the server has it under its final name
    COLLECTED = "collected"  # INGIS took it from the server
    ACCEPTED = "accepted"  # INGIS said that it is good
    REFUSED = "refused"  # INGIS said that it would not have it; with a reason until a person has dealt with it
    HELD = "held"  # whole bytes, but something says "do not send"
    PARKED = "parked"  # the server would not have it, or doubt remains: a person must look
    WITHDRAWN = "withdrawn"  # deleted before it was published
    SUPERSEDED = "superseded"  # a newer version took its name before it was published


TRANSITIONS: dict[State, frozenset[State]] = {
    State.LOCAL: frozenset({State.WRITING, State.SETTLING, State.HELD, State.WITHDRAWN, State.SUPERSEDED}),
    State.WRITING: frozenset(
        {State.LOCAL, State.SETTLING, State.QUEUED, State.HELD, State.PARKED, State.WITHDRAWN, State.SUPERSEDED}
    ),
    State.SETTLING: frozenset(
        {State.LOCAL, State.WRITING, State.QUEUED, State.HELD, State.WITHDRAWN, State.SUPERSEDED}
    ),
    State.QUEUED: frozenset(
        {
            State.LOCAL,
            State.WRITING,
            State.SETTLING,
            State.UPLOADING,
            State.HELD,
            State.PARKED,
            State.WITHDRAWN,
            State.SUPERSEDED,
        }
    ),
    State.UPLOADING: frozenset(
        {
            State.LOCAL,
            State.WRITING,
            State.SETTLING,
            State.QUEUED,
            State.PUBLISHING,
            State.HELD,
            State.PARKED,
            State.WITHDRAWN,
            State.SUPERSEDED,
        }
    ),
    # Back only where the server cannot rename and has said that nothing happened: `Outbox.unmark`.
    State.PUBLISHING: frozenset({State.DELIVERED, State.PARKED, State.QUEUED}),
    State.DELIVERED: frozenset({State.COLLECTED, State.ACCEPTED, State.REFUSED}),
    State.COLLECTED: frozenset({State.ACCEPTED, State.REFUSED}),
    State.ACCEPTED: frozenset({State.REFUSED}),  # INGIS may think again, also the other way
    State.REFUSED: frozenset({State.ACCEPTED}),
    State.HELD: frozenset(
        {State.LOCAL, State.WRITING, State.SETTLING, State.QUEUED, State.WITHDRAWN, State.SUPERSEDED}
    ),
    State.PARKED: frozenset(
        {State.LOCAL, State.WRITING, State.SETTLING, State.QUEUED, State.DELIVERED, State.WITHDRAWN, State.SUPERSEDED}
    ),
    State.WITHDRAWN: frozenset(),
    State.SUPERSEDED: frozenset(),
}

#: Not delivered yet and nothing in the way: these will go by themselves.
WAITING = frozenset({State.WRITING, State.SETTLING, State.QUEUED, State.UPLOADING, State.PUBLISHING})
#: A person must act before these go.
NEEDS_PERSON = frozenset({State.HELD, State.PARKED})
#: The server has had it under its final name.
SENT = frozenset({State.DELIVERED, State.COLLECTED, State.ACCEPTED, State.REFUSED})
#: What became of a document behind the server: only INGIS knows, and tells or does not.
BY_INGIS = frozenset({State.COLLECTED, State.ACCEPTED, State.REFUSED})
#: What INGIS tells of invoices where it tells anything, in the order of its portal.
WORDS = ("refused", "new", "viewed", "sent")
#: Before the point of no return: an open for writing, a rename or a delete takes these back.
TAKE_BACK = frozenset(
    {State.LOCAL, State.WRITING, State.SETTLING, State.QUEUED, State.UPLOADING, State.HELD, State.PARKED}
)
#: The record stays, the bytes may go.
ENDED = frozenset({State.WITHDRAWN, State.SUPERSEDED})


class Reason(StrEnum):
    """Why a document is held, parked or refused, as stored; `report/catalogue.py` says it in a person's language."""

    WRITE_FAILED = "write-failed"  # King was told that its write failed
    TYPE_NOT_SENT = "type-not-sent"  # not on the list of endings
    FOLDER_NOT_ROUTED = "folder-not-routed"  # lies in a subfolder that the configuration does not route
    EMPTY = "empty"
    PDF_NOT_WHOLE = "pdf-not-whole"
    XML_NOT_WHOLE = "xml-not-whole"
    XML_DTD = "xml-dtd"
    TWIN = "twin"  # its other half is held or parked
    ALREADY_DELIVERED = "already-delivered"  # a reprint of what was delivered before
    DELIVERED_COPY = "delivered-copy"  # a program set aside what was delivered, and gave it a name to send
    RESTORED = "restored"  # the outbox is a restored backup or a copy from another machine
    RECOVERED = "recovered"  # found in a damaged outbox
    DAMAGED = "damaged"  # the bytes do not match the record
    SERVER_REFUSED = "server-refused"  # 413, 422, a name it will not take
    NAME_TAKEN = "name-taken"  # someone else's file has the final name
    LOOKS_ATTACHED = "looks-attached"  # a warning: INGIS will take it for an attachment of another invoice
    DOUBTFUL = "doubtful"  # it may or may not have been delivered
    INGIS_REFUSED = "ingis-refused"  # the server took it, and INGIS would not have it


#: Reasons that only a person takes away, whatever a program does to the document: it may have been delivered before.
FOR_A_PERSON = frozenset({Reason.RESTORED, Reason.RECOVERED})
#: Reasons that neither another name nor a look at the bytes takes away. The first ends when it is begun anew, the
#: second with other bytes.
STICKY = frozenset({Reason.WRITE_FAILED, Reason.DELIVERED_COPY}) | FOR_A_PERSON


@dataclass(frozen=True, slots=True)
class Document:
    """One version of one document, as the record has it."""

    number: int  # order of arrival in this outbox, 1 and up
    id: str  # unique everywhere; names the temporary file on the server
    folder: str  # "" for the root, else "a" or "a/b", as it was made
    name: str  # as it is shown, NFC
    size: int  # bytes
    sha256: str  # hex, of the bytes in the record
    state: State
    version: int  # counts commits of bytes and renames: an old claim never publishes a newer content
    modified_ns: int  # as programs see it, ns since 1970 UTC
    written_at: float  # s since 1970 UTC, when the bytes last became durable
    due: float  # s on the boot clock (`clock.py`): nothing happens to it before
    tries: int  # failed attempts since the last success of any kind
    attempt: int  # number of the latest PUT; never used again
    reason: str | None  # a `Reason`, or None
    detail: str  # technical detail to the reason
    remote_name: str | None  # below the inbox, frozen by the first attempt
    delivered_at: float | None  # s since 1970 UTC
    resume: State | None  # state before a handle took it back, to return to after a clean release
    listed: bool  # shown on the drive under its name
    pair_key: str  # key of the stem that INGIS pairs by: without King's `(n)` when it is another print

    @property
    def path(self) -> str:
        """Folder and name, joined by `/`."""
        return f"{self.folder}/{self.name}" if self.folder else self.name

    @property
    def needs_person(self) -> bool:
        """Tell whether a person must act. A refused document has a reason until somebody has."""
        return self.state in NEEDS_PERSON or (self.state is State.REFUSED and self.reason is not None)

    @property
    def can_be_taken_back(self) -> bool:
        """Tell whether it is before the point of no return. What is parked in doubt may be behind it."""
        return self.state in TAKE_BACK and self.reason != Reason.DOUBTFUL


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u


def new_id() -> str:
    """Return a document id: 12 characters, 60 random bits, so that two machines never share one."""
    bits = secrets.randbits(60)
    return "".join(_ALPHABET[bits >> shift & 31] for shift in range(0, 60, 5))
