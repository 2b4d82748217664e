"""The documents that the stage has received: whole under their name, or not there.

The folder `inbox` on disk is the truth: plain files that a person can open. A body reaches it by one rename of a
synced private file, so neither a broken connection nor `kill -9` nor a power cut can leave half a file there. What
a file cannot tell (its SHA-256 without reading it, when it came) is kept beside it in `stage.db` and found again
if that is lost. A file put or removed by hand is noticed.

The lock rule: every change, and the check before it, happens under `_lock`; reading needs no lock.
Nothing here knows HTTP. All of it blocks on the disk: call it from a worker thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from ingisfs.stage import failures
from ingisfs.stage.conditions import NO_CONDITION, Condition
from ingisfs.stage.database import connect
from ingisfs.stage.names import INBOX, Place, check_name, written
from ingisfs.stage.upload import Received, Upload, allowed

DEFAULT_SIZE_LIMIT = 64 * 1024 * 1024  # bytes

_TABLE = """CREATE TABLE IF NOT EXISTS documents (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL,
    received_at REAL NOT NULL)"""


@dataclass(frozen=True, slots=True)
class Document:
    """A whole file in the inbox. `size` in bytes, `sha256` in hex, times in seconds since 1970 (UTC).

    `modified_at` is when its bytes came in, `received_at` when it got the name it has: a rename changes the
    second only.
    """

    place: Place
    size: int
    sha256: str
    modified_at: float
    received_at: float

    @property
    def etag(self) -> str:
        """The strong ETag: the same bytes have the same one, under whatever name."""
        return f'"{self.sha256}"'


@dataclass(frozen=True, slots=True)
class Folder:
    """The inbox itself, or a folder in it. `modified_at` in seconds since 1970 (UTC)."""

    place: Place
    modified_at: float


@dataclass(frozen=True, slots=True)
class _Record:
    """What `stage.db` knows of a file, good as long as the file has this size and time."""

    size: int
    mtime_ns: int
    sha256: str
    received_at: float

    def describes(self, status: os.stat_result) -> bool:
        return self.size == status.st_size and self.mtime_ns == status.st_mtime_ns


class Arriving(Protocol):
    """A body that is about to get its name: an `Upload`, or something like it."""

    def finish(self) -> Received:
        """It is whole: sync it, and tell where it is."""

    def given_away(self) -> None:
        """Its file has its name now."""


class Inbox:
    """The inbox of one stage folder; one process at a time may have it. `size_limit` in bytes.

    All methods that take a place raise a subclass of InboxError when they refuse, NoRightsError among them, which says
    that nothing has changed; and OSError for all other trouble with the disk.
    """

    def __init__(self, folder: Path, *, size_limit: int = DEFAULT_SIZE_LIMIT) -> None:
        self.size_limit = size_limit
        self._root = folder / "inbox"
        self.incoming = folder / "incoming"
        self._root.mkdir(mode=0o700, exist_ok=True)
        self.incoming.mkdir(mode=0o700, exist_ok=True)
        self._lock = threading.RLock()
        self._db = connect(folder, synchronous="NORMAL")  # lost rows are found again, see _adopt
        self._db.execute(_TABLE)
        rows = self._db.execute("SELECT path, size, mtime_ns, sha256, received_at FROM documents")
        self._records = {path: _Record(*known) for path, *known in rows}  # a mirror of the table
        self._tidy()

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    # Looking

    def find(self, place: Place) -> Document | Folder:
        """What is at `place`. Raises NotThereError."""
        status = self._status(place)
        if status is None:
            raise failures.NotThereError(written(place))
        if stat.S_ISDIR(status.st_mode):
            return Folder(place, status.st_mtime)
        return self._document(place, status)

    def children(self, place: Place = INBOX) -> list[Document | Folder]:
        """What is in the folder at `place`, by name. Raises NotThereError."""
        found: list[Document | Folder] = []
        try:
            with allowed(written(place)), os.scandir(self._path(place)) as entries:
                for entry in entries:
                    # gone again in the meantime, or put by hand under a name that has no address
                    with contextlib.suppress(FileNotFoundError, failures.NotThereError, failures.NameRefusedError):
                        check_name(entry.name)
                        status = entry.stat(follow_symlinks=False)
                        child = (*place, entry.name)
                        if stat.S_ISREG(status.st_mode):
                            found.append(self._document(child, status))
                        elif stat.S_ISDIR(status.st_mode) and not place:
                            found.append(Folder(child, status.st_mtime))
        except (FileNotFoundError, NotADirectoryError):
            raise failures.NotThereError(written(place)) from None
        return sorted(found, key=lambda child: child.place)

    def documents(self) -> Iterator[Document]:
        """All documents, those in folders too, in no promised order."""
        for child in self.children():
            if isinstance(child, Document):
                yield child
            else:
                with contextlib.suppress(failures.NotThereError):  # the folder went in the meantime
                    yield from (inner for inner in self.children(child.place) if isinstance(inner, Document))

    def open(self, place: Place) -> tuple[Document, BinaryIO]:
        """A document and its bytes, which stay the same while the file is open. Raises NotThereError, IsFolderError."""
        status = self._status(place)
        if status is None:
            raise failures.NotThereError(written(place))
        if stat.S_ISDIR(status.st_mode):
            raise failures.IsFolderError(written(place))
        try:
            with allowed(written(place)):
                file = self._path(place).open("rb")
        except FileNotFoundError:
            raise failures.NotThereError(written(place)) from None
        try:
            return self._document(place, os.fstat(file.fileno())), file
        except BaseException:
            file.close()
            raise

    # Changing

    def upload(self) -> Upload:
        """A new body on its way in; `keep` it when it is whole, and always `discard` it at the end."""
        return Upload(self.incoming, self.size_limit)

    def keep(
        self, upload: Arriving, place: Place, condition: Condition = NO_CONDITION, *, sha256: str | None = None
    ) -> tuple[Document, bool]:
        """Give a whole body its name, in the place of what had that name; durable at return.

        Returns the document and whether the name is new. Raises NoParentError, IsFolderError, ConditionFailedError, and
        DigestMismatchError if the body has not the SHA-256 that is given.
        """
        received = upload.finish()
        if sha256 is not None and received.sha256 != sha256:
            raise failures.DigestMismatchError(written(place))
        with self._lock:
            earlier = self._target(place)
            self._check(condition, place, earlier)
            with allowed(written(place)):
                received.file.replace(self._path(place))
            upload.given_away()
            record = _Record(received.size, received.mtime_ns, received.sha256, time.time())
            self._remember(place, record)
        sync_folder(self._path(place).parent)
        return _described(place, record), earlier is None

    def move(
        self,
        source: Place,
        target: Place,
        *,
        overwrite: bool,
        condition: Condition = NO_CONDITION,
        replaces: str | None = None,
    ) -> tuple[Document, bool]:
        """Rename a document, the check for an existing name and the rename being one step; durable at return.

        Returns the document under its new name and whether that name is new. Raises NotThereError, IsFolderError,
        SamePlaceError, NoParentError, ConditionFailedError (about the source), and AlreadyThereError if the name is
        taken and not to be overwritten; a document with the SHA-256 `replaces` may be, whatever `overwrite` says.
        """
        with self._lock:
            status = self._document_status(source)
            self._check(condition, source, status)
            if source == target:
                raise failures.SamePlaceError(written(source))
            replaced = self._target(target)
            if (
                replaced is not None
                and not overwrite
                and (replaces is None or self._document(target, replaced).sha256 != replaces)
            ):
                raise failures.AlreadyThereError(written(target))
            document = self._document(source, status)
            with allowed(written(target)):
                self._path(source).replace(self._path(target))
            record = _Record(document.size, status.st_mtime_ns, document.sha256, time.time())
            self._rename(source, target, record)
        for folder in {self._path(source).parent, self._path(target).parent}:
            sync_folder(folder)
        return _described(target, record), replaced is None

    def delete(self, place: Place, condition: Condition = NO_CONDITION) -> None:
        """Remove a document or an empty folder; durable at return.

        Raises NotThereError, FolderNotEmptyError, IsFolderError (the inbox itself), ConditionFailedError.
        """
        if not place:
            raise failures.IsFolderError
        with self._lock:
            status = self._status(place)
            if status is None:
                raise failures.NotThereError(written(place))
            if stat.S_ISDIR(status.st_mode):
                if any(self._path(place).iterdir()):
                    raise failures.FolderNotEmptyError(written(place))
                with allowed(written(place)):
                    self._path(place).rmdir()
            else:
                self._check(condition, place, status)
                with allowed(written(place)):
                    self._path(place).unlink()
                self._forget([place])
        sync_folder(self._path(place).parent)

    def make_folder(self, place: Place) -> None:
        """Make a folder; durable at return. Raises AlreadyThereError, NoParentError, TooDeepError."""
        with self._lock:
            if self._status(place) is not None:
                raise failures.AlreadyThereError(written(place))
            if len(place) > 1:
                raise failures.TooDeepError(written(place)) if self._is_folder(place[:-1]) else failures.NoParentError
            check_name(place[0])
            with allowed(written(place)):
                self._path(place).mkdir(mode=0o700)
        sync_folder(self._root)

    # What is on disk

    def _path(self, place: Place) -> Path:
        return self._root.joinpath(*place)

    def _status(self, place: Place) -> os.stat_result | None:
        """The status of the file or folder at `place`; None if there is none, or something that is neither."""
        if len(place) > 2:
            return None
        for name in place:
            check_name(name)
        if len(place) == 2 and not self._is_folder(place[:1]):  # never through a symbolic link
            return None
        try:
            with allowed(written(place)):
                status = self._path(place).stat(follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return status if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode) else None

    def _is_folder(self, place: Place) -> bool:
        status = self._status(place)
        return status is not None and stat.S_ISDIR(status.st_mode)

    def _document_status(self, place: Place) -> os.stat_result:
        status = self._status(place)
        if status is None:
            raise failures.NotThereError(written(place))
        if stat.S_ISDIR(status.st_mode):
            raise failures.IsFolderError(written(place))
        return status

    def _target(self, place: Place) -> os.stat_result | None:
        """The status of the document that a new one of this name would replace; None if the name is free."""
        status = self._status(place)
        if status is not None and stat.S_ISDIR(status.st_mode):
            raise failures.IsFolderError(written(place))
        if len(place) > 2 or not self._is_folder(place[:-1]):
            raise failures.NoParentError(written(place))
        return status

    def _check(self, condition: Condition, place: Place, status: os.stat_result | None) -> None:
        if condition and not condition.holds(None if status is None else self._document(place, status).etag):
            raise failures.ConditionFailedError(written(place))

    # What is known about it

    def _document(self, place: Place, status: os.stat_result) -> Document:
        record = self._records.get(written(place))
        if record is None or not record.describes(status):
            record = self._adopt(place)
        return _described(place, record)

    def _adopt(self, place: Place) -> _Record:
        """Get to know a file that came by hand, or whose row was lost. Raises NotThereError if it is gone again."""
        try:
            with allowed(written(place)):
                file = self._path(place).open("rb")
        except FileNotFoundError:
            raise failures.NotThereError(written(place)) from None
        with file:
            status = os.fstat(file.fileno())
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        record = _Record(status.st_size, status.st_mtime_ns, sha256, status.st_mtime)
        with self._lock:
            now = self._status(place)
            if now is not None and record.describes(now):  # else it changed while we read it
                self._remember(place, record)
        return record

    def _remember(self, place: Place, record: _Record) -> None:  # needs _lock
        self._records[written(place)] = record
        self._db.execute(
            "INSERT OR REPLACE INTO documents (path, size, mtime_ns, sha256, received_at) VALUES (?, ?, ?, ?, ?)",
            (written(place), record.size, record.mtime_ns, record.sha256, record.received_at),
        )

    def _rename(self, source: Place, target: Place, record: _Record) -> None:  # needs _lock
        self._records[written(target)] = record
        self._records.pop(written(source), None)
        self._db.execute(
            "UPDATE OR REPLACE documents SET path = ?, received_at = ? WHERE path = ?",
            (written(target), record.received_at, written(source)),
        )

    def _forget(self, places: list[Place]) -> None:  # needs _lock
        for place in places:
            self._records.pop(written(place), None)
        self._db.executemany("DELETE FROM documents WHERE path = ?", [(written(place),) for place in places])

    def _tidy(self) -> None:
        """At the start: no private files of uploads that broke off, no rows of files that are gone."""
        for leftover in self.incoming.iterdir():
            leftover.unlink()
        gone = [tuple(path.split("/")) for path in self._records if self._status(tuple(path.split("/"))) is None]
        with self._lock:
            self._db.execute("BEGIN")
            self._forget(gone)
            self._db.execute("COMMIT")


def _described(place: Place, record: _Record) -> Document:
    return Document(place, record.size, record.sha256, record.mtime_ns / 1e9, record.received_at)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable; Windows does so by itself and offers no call for it."""
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:  # removed in the meantime
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
