"""What can go wrong at a server, and what each kind means for the document and for the queue.

DeliveryError
├─ TransientError           goes away by itself: the document stays queued, tried again with back-off
│  └─ UnreachableError      nobody answers: the whole target pauses, not document by document
├─ TargetNeedsPersonError   login, certificate, folder: the whole target stops after two tries and is probed rarely
├─ DocumentRefusedError     the server will not have this document: parked, the others go on
├─ NameExistsError          the final name is taken: look whose file it is
├─ CannotRenameError        the server has no rename: documents are put under their final names at once
└─ DoubtError               it may or may not have happened: ask before acting
"""

from __future__ import annotations

from enum import StrEnum


class TargetReason(StrEnum):
    """Why a whole target needs a person; stored, and said in a person's language by the report."""

    LOGIN = "login"
    FORBIDDEN = "forbidden"
    CERTIFICATE = "certificate"
    HOST_KEY = "host-key"
    FOLDER_MISSING = "folder-missing"
    REDIRECT = "redirect"
    NOT_WEBDAV = "not-webdav"
    NOT_INGIS = "not-ingis"
    UNKNOWN = "unknown"


class DeliveryError(Exception):
    """Root of what a server's answers and silences mean."""

    #: Met by a connection that the server did not let in, or by a request "too many": where another connection works,
    #: it may take no more of them at a time.
    crowded = False


class TransientError(DeliveryError):
    """Goes away by itself."""

    def __init__(self, detail: str, retry_after: float | None = None) -> None:
        """`retry_after`: seconds that the server asked us to wait, if it did."""
        super().__init__(detail)
        self.retry_after = retry_after


class UnreachableError(TransientError):
    """Nobody answers, or the server as a whole says "not now"."""


class TargetNeedsPersonError(DeliveryError):
    """No document can be delivered until a person acts."""

    def __init__(self, reason: TargetReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class DocumentRefusedError(DeliveryError):
    """The server will not have this document, now or later."""


class NameExistsError(DeliveryError):
    """The final name is taken."""


class CannotRenameError(DeliveryError):
    """The server has no rename, so nothing happened."""


class DoubtError(DeliveryError):
    """It may or may not have happened."""
