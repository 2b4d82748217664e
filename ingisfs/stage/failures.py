"""What can go wrong on the stage.

StageError                 the stage cannot start; the text is a sentence for a person
InboxError                 the inbox refuses one request; nothing has changed
├── NameRefusedError       the name may not exist (traversal, control character, too long)
├── OutsideInboxError      the address is not one of the inbox
├── NotThereError          nothing of that name
├── AlreadyThereError      the name is taken and may not be replaced
├── NoParentError          the folder it should go into does not exist
├── TooDeepError           folders go one level deep
├── IsFolderError          a folder where only a document will do
├── FolderNotEmptyError    a folder that still holds something
├── SamePlaceError         moved onto itself
├── ConditionFailedError   If-Match or If-None-Match does not hold
├── TooLargeError          more bytes than the stage takes
├── NoRightsError          the disk forbids it: rights that were taken away, or it can only be read
├── NoDraftError           no draft of that name to make a document of
├── DraftTakenError        a draft of that name is or was there
├── DigestMismatchError    the bytes are not those whose digest was sent along
└── KeyReusedError         the idempotency key belongs to another document
"""

from __future__ import annotations


class StageError(Exception):
    """The stage cannot start. `str()` of it is a sentence in the language that was asked for."""


class InboxError(Exception):
    """The inbox refuses a request. `name` is the name it is about, as people write it, or empty."""

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self.name = name


class NameRefusedError(InboxError):
    """The name may not exist in the inbox."""


class OutsideInboxError(InboxError):
    """The address lies outside the inbox."""


class NotThereError(InboxError):
    """Nothing of that name is in the inbox."""


class AlreadyThereError(InboxError):
    """The name is taken, and the request does not allow replacing it."""


class NoParentError(InboxError):
    """The folder that should hold the name does not exist."""


class TooDeepError(InboxError):
    """A folder inside a folder: one level is all there is."""


class IsFolderError(InboxError):
    """The name is a folder, and the request is about a document."""


class FolderNotEmptyError(InboxError):
    """The folder still holds something; the stage removes only empty folders."""


class SamePlaceError(InboxError):
    """A move from a name to itself."""


class ConditionFailedError(InboxError):
    """A precondition of the request does not hold (RFC 9110, section 13)."""


class TooLargeError(InboxError):
    """The document is larger than the stage takes."""


class NoRightsError(InboxError):
    """The disk does not let the stage do this: rights that were taken away, or a disk that can only be read."""


class NoDraftError(InboxError):
    """There is no draft of that name to make a document of."""


class DraftTakenError(InboxError):
    """A draft of that name is there, or was; its name is never used twice."""


class DigestMismatchError(InboxError):
    """The bytes that came are not those whose digest was sent along."""


class KeyReusedError(InboxError):
    """The idempotency key has made another document, or one of another name."""
