"""What can go wrong on the drive, without an operating system: each host translates these, and only these.

VolumeError
├─ NotFoundError       no such name
├─ ExistsError         the name is taken
├─ IsFolderError       a folder where a document was meant
├─ NotAFolderError     a document where a folder was meant
├─ NotEmptyError       the folder has something in it
├─ BadNameError        the name cannot exist on the drive, or a folder would lie in itself
│  └─ NameTooLongError   it is longer than a disk or a server takes
├─ TooLargeError       the document would be larger than the drive takes
├─ NoSpaceError        the spool disk has no room for it
├─ BusyError           it is being published at this moment
├─ DeniedError         status files, and what INGIS has already: not to be changed
├─ BadHandleError      a handle opened for something else, or not opened at all
├─ TargetStoppedError  the server has needed a person for too long: King shall show a red cross
└─ StorageError        the outbox could not keep it
"""

from __future__ import annotations


class VolumeError(Exception):
    """Root of all that a program on the drive can be told."""


class NotFoundError(VolumeError):
    """No such name."""


class ExistsError(VolumeError):
    """The name is taken."""


class IsFolderError(VolumeError):
    """A folder where a document was meant."""


class NotAFolderError(VolumeError):
    """A document where a folder was meant."""


class NotEmptyError(VolumeError):
    """The folder has something in it."""


class BadNameError(VolumeError):
    """The name cannot exist on the drive."""


class NameTooLongError(BadNameError):
    """The name is longer than 255 bytes or UTF-16 units."""


class TooLargeError(VolumeError):
    """The document would be larger than the drive takes."""


class NoSpaceError(VolumeError):
    """The spool disk has no room for it."""


class BusyError(VolumeError):
    """It is being published at this moment."""


class DeniedError(VolumeError):
    """Not to be changed: a status file, or what INGIS has already."""


class BadHandleError(VolumeError):
    """A handle that was opened for something else, or is not open."""


class TargetStoppedError(VolumeError):
    """The server has needed a person for too long."""


class StorageError(VolumeError):
    """The outbox could not keep it."""
