"""The file system itself, knowing no operating system: names, handles, and what becomes of a closed document.

A host (`fuse.py`, `winfsp.py`) translates its callbacks into these methods and `errors.py` into its error numbers.
Nothing here waits for the network.

Threads: any number; one lock around all methods. The bytes of an open document are in its `OpenFile`, which all
handles on it share; everything else is looked up in the outbox at the moment it is asked for, since the courier
changes it too.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ingisfs import names
from ingisfs.drive.buffer import Buffer
from ingisfs.drive.errors import (
    BadHandleError,
    BadNameError,
    BusyError,
    DeniedError,
    ExistsError,
    IsFolderError,
    NameTooLongError,
    NoSpaceError,
    NotAFolderError,
    NotEmptyError,
    NotFoundError,
    StorageError,
    TargetStoppedError,
    TooLargeError,
    VolumeError,
)
from ingisfs.drive.shown import Entry, ShownFolders
from ingisfs.drive.space import Space, SpoolDisk
from ingisfs.outbox.document import Document, Reason, State, new_id
from ingisfs.outbox.outbox import Draft, Outbox, Release
from ingisfs.outbox.reading import DamagedError
from ingisfs.outbox.store import MAX_DOCUMENT, OutboxError, OutboxFullError, OutboxGoneError

log = logging.getLogger(__name__)

RELEASE_DELAY = 0.01  # s; a release rides on the next transaction, or goes alone after this long
BREATH = 0.01  # s between two rounds of the thread that sees to it
RELEASE_LIMIT = 0.05  # s; as long as this while a program is writing, for then there soon is one
RECORD_DELAY = 5.0  # s that a new document may be open without a flush before it goes on record as it is
RETRY_DELAY = 1.0  # s between two tries to keep what the outbox would not take


@dataclass(frozen=True, slots=True)
class Stat:
    """What a program may ask about a name."""

    is_folder: bool
    size: int  # bytes
    modified_ns: int  # ns since 1970 UTC
    read_only: bool = False
    id: str = ""  # of the document, whatever its name is; of what is none, its path


def _stat_of(entry: Entry) -> Stat:
    return Stat(entry.read is None, entry.size, entry.modified_ns, read_only=True, id=entry.id)


def _told(error: BaseException) -> VolumeError:
    """Return what a program is told when something beneath the volume failed."""
    if isinstance(error, VolumeError):
        return error
    if isinstance(error, OutboxFullError) or (isinstance(error, OSError) and error.errno in _FULL):
        return NoSpaceError(str(error))
    return StorageError(f"{type(error).__name__}: {error}")


class _Storage:
    """Tells the errors of the outbox and its disk in the volume's own."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (OutboxError, DamagedError, OSError)):
            raise _told(error) from error


_STORAGE = _Storage()
_FULL = {errno.ENOSPC, errno.EDQUOT}


class OpenFile:
    """A document with at least one handle on it. Guarded by the volume's lock."""

    def __init__(self, document_id: str, folder: str, name: str, modified_ns: int) -> None:
        self.id = document_id
        self.folder = folder
        self.name = name
        self.modified_ns = modified_ns
        self.buffer: Buffer | None = None  # None: the bytes are still in the outbox
        self.size = 0
        self.writers = 0
        self.readers = 0
        self.begun = time.monotonic()
        self.recorded = False  # the outbox has a record of this id
        self.published = False  # that record is past taking back: a change makes a new document of it
        self.dirty = False  # the buffer has what the outbox has not
        self.changed = False  # something was written since the document was taken back
        self.failure: VolumeError | None = None  # what King was told when a write failed
        self.removed = False  # a program took its name away: what is written now goes nowhere, as everywhere
        self.lost = False  # a person or the courier took it off the drive: writing fails

    @property
    def gone(self) -> bool:
        """Tell whether nothing of it is kept any more."""
        return self.removed or self.lost

    @property
    def idle(self) -> bool:
        """Tell whether no handle is open on it."""
        return self.writers == self.readers == 0


@dataclass(slots=True, eq=False)
class Handle:
    """What a program holds between open and close."""

    file: OpenFile | None  # None for what is only shown
    may_read: bool
    may_write: bool
    append: bool = False
    content: bytes = field(default=b"", repr=False)  # of a status file, as it was when opened
    opened_ns: int = field(default_factory=time.time_ns)  # ns since 1970 UTC
    name: str = ""  # of what is only shown
    shown: Entry | None = None  # in a folder that only shows; its bytes are read when they are asked for
    wrote: bool = False  # something was written through it, or refused
    open: bool = True


class Volume:
    """One drive."""

    def __init__(
        self,
        outbox: Outbox,
        *,
        spool: Path,
        disk: SpoolDisk,
        status_files: Mapping[str, Callable[[], bytes]] | None = None,
        max_document: int = MAX_DOCUMENT,
        work: Callable[[], None] = lambda: None,
        stopped: Callable[[], bool] = lambda: False,
        shown: ShownFolders | None = None,
    ) -> None:
        """Serve what is in `outbox`.

        `spool` is a private folder for large documents, `status_files` the read-only files in the root (name → their
        bytes now), `shown` its read-only folders, `max_document` in bytes. `work` is called when a document was
        closed, `stopped` tells whether new documents must be refused since the server has needed a person for too long.
        """
        self._outbox = outbox
        self._spool = spool
        self._disk = disk
        self._status_open: list[Handle] = []  # of status files, oldest first
        self._status_files = {names.key(name): (name, render) for name, render in (status_files or {}).items()}
        self._max_document = max_document
        self._work = work
        self._stopped = stopped
        self._shown_folders = shown
        self._lock = threading.RLock()
        self._open: dict[tuple[str, str], OpenFile] = {}  # by keys of folder and name
        self._folders = outbox.folders()
        self._released: dict[str, Release] = {}  # closed, not yet said to the outbox
        self._unkept: list[OpenFile] = []  # closed, and the outbox would not take them: tried again
        self._credit = 0  # bytes that may still be buffered before the disk is asked again
        self._made_ns = time.time_ns()
        self._wake = threading.Event()
        self._released_since = 0.0  # monotonic; when the oldest of `_released` was closed
        self._news = False  # for the courier
        self._closing = threading.Event()
        self._timer = threading.Thread(target=self._run_timer, name="release", daemon=True)
        self._timer.start()

    # ---- names ---------------------------------------------------------------------------------------------------

    def _split(self, path: str) -> tuple[str, str]:
        """Return the folder as it was made ("" for the root) and the normal name, of a path without leading `/`."""
        parent, _, last = path.rpartition("/")
        folder = self._existing_folder(parent)
        try:
            return folder, names.normal(last)
        except names.NameRefusedError as error:
            raise (NameTooLongError if "long" in error.args[0] else BadNameError)(f"{last!r}: {error}") from None

    def _status_file(self, folder: str, name: str) -> tuple[str, Callable[[], bytes]] | None:
        return None if folder else self._status_files.get(names.key(name))

    def _showing(self, path: str) -> ShownFolders | None:
        """Return the folders that only show, if a path lies in them. What a person made of such a name goes first."""
        if self._shown_folders is None or not self._shown_folders.owns(path):
            return None
        first = path.partition("/")[0]
        if self._folder("", first) is not None or self._look_up("", names.normal(first)) != (None, None):
            return None
        return self._shown_folders

    def _refuse_shown(self, *paths: str) -> None:
        """Refuse to change what is only shown. Raises DeniedError."""
        for path in paths:
            if self._showing(path) is not None:
                raise DeniedError(path)

    def _folder(self, folder: str, name: str) -> str | None:
        return self._folders.get(names.key(f"{folder}/{name}" if folder else name))

    def _look_up(self, folder: str, name: str) -> tuple[OpenFile | None, Document | None]:
        """Return what is open under a name and what is on record under it; (None, None) if it does not exist."""
        keys = (names.key(folder), names.key(name))
        file = self._open.get(keys)
        if file is not None and not file.recorded:
            return file, None
        document = self._outbox.find(*keys)
        if file is not None and (document is None or document.id != file.id):
            self._lose(file)
            file = None
        return file, document

    def _lose(self, file: OpenFile) -> None:
        """A person withdrew it, or it was taken off the list, while a program still has it open."""
        file.lost = True
        file.dirty = False
        self._take_off(file)

    def _take_off(self, file: OpenFile) -> None:
        """Take a document's name away from what is open."""
        keys = (names.key(file.folder), names.key(file.name))
        if self._open.get(keys) is file:
            del self._open[keys]
        if file in self._unkept:
            self._unkept.remove(file)

    # ---- asking --------------------------------------------------------------------------------------------------

    def stat(self, path: str) -> Stat:
        """Return what is known of a name. Raises NotFoundError, NotAFolderError, BadNameError."""
        with self._lock, _STORAGE:
            if not path:
                return Stat(True, 0, self._made_ns, id="/")
            if showing := self._showing(path):
                return _stat_of(showing.find(path))
            folder, name = self._split(path)
            if status := self._status_file(folder, name):
                # Who reads one asks for its size by name: of what was opened, not of what it says by now.
                size = next((len(h.content) for h in reversed(self._status_open) if h.name == status[0]), None)
                size = len(status[1]()) if size is None else size
                return Stat(False, size, time.time_ns(), read_only=True, id=f"/{status[0]}")
            if (made := self._folder(folder, name)) is not None:
                return Stat(True, 0, self._made_ns, id=f"/{made}/")
            file, document = self._look_up(folder, name)
            if file is not None and (file.buffer is not None or document is None):
                return Stat(False, file.size, file.modified_ns, id=file.id)
            if document is None:
                raise NotFoundError(path)
            return Stat(False, document.size, document.modified_ns, id=document.id)

    def stat_handle(self, handle: Handle) -> Stat:
        """Return what is known of an open document, whatever its name is now."""
        with self._lock:
            if handle.shown is not None:
                return _stat_of(handle.shown)
            if handle.file is None:
                return Stat(False, len(handle.content), handle.opened_ns, read_only=True, id=f"/{handle.name}")
            return Stat(False, handle.file.size, handle.file.modified_ns, id=handle.file.id)

    def names_in(self, path: str) -> list[str]:
        """Return the names in a folder. Raises NotFoundError, NotAFolderError."""
        with self._lock, _STORAGE:
            if showing := self._showing(path):
                return showing.names_in(path)
            folder = self._existing_folder(path)
            folder_key = names.key(folder)
            found = [] if folder else self._shown_in_root()
            prefix = folder_key + "/" if folder_key else ""
            for key, made in self._folders.items():
                if key.startswith(prefix) and "/" not in key[len(prefix) :]:
                    found.append(made[len(prefix) :])
            found.extend(self._outbox.names(folder_key))
            for (its_folder, _), file in self._open.items():
                if its_folder != folder_key or file.recorded:
                    continue
                if self._outbox.find(folder_key, names.key(file.name)) is None:
                    found.append(file.name)
            return found

    def _shown_in_root(self) -> list[str]:
        found = [name for name, _ in self._status_files.values()]
        if self._shown_folders is not None:
            found += [name for name in self._shown_folders.roots() if self._showing(name) is not None]
        return found

    def _existing_folder(self, path: str) -> str:
        """Return a folder's path as it was made. Raises NotFoundError, NotAFolderError."""
        if not path:
            return ""
        known = self._folders.get(names.key(path))
        if known is not None:
            return known
        folder, name = self._split(path)
        if self._status_file(folder, name) or self._look_up(folder, name) != (None, None):
            raise NotAFolderError(path)
        raise NotFoundError(path)

    def space(self) -> Space:
        """Return total and free bytes of the drive. Raises StorageError."""
        with self._lock, _STORAGE:
            return self._disk.space(self._buffered())

    def canonical(self, path: str) -> str:
        """Return a path in the case in which its names were made."""
        with self._lock, _STORAGE:
            if not path:
                return ""
            if showing := self._showing(path):
                return showing.find(path).path
            folder, name = self._split(path)
            if (made := self._folder(folder, name)) is not None:
                return made
            if status := self._status_file(folder, name):
                return status[0]
            file, document = self._look_up(folder, name)
            shown = file.name if file is not None else document.name if document is not None else name
            return f"{folder}/{shown}" if folder else shown

    @property
    def unkept(self) -> int:
        """How many closed documents the outbox would not take so far: an alarm."""
        return len(self._unkept)

    # ---- opening -------------------------------------------------------------------------------------------------

    def create(self, path: str, *, may_read: bool = True, append: bool = False) -> Handle:
        """Make a new, empty document and open it for writing.

        Raises ExistsError, NotFoundError (of the folder), BadNameError, DeniedError (in a folder that only shows),
        NoSpaceError, TargetStoppedError.
        """
        with self._lock, _STORAGE:
            self._refuse_shown(path)
            folder, name = self._split(path)
            if self._status_file(folder, name):
                raise ExistsError(path)
            if self._folder(folder, name) is not None:
                raise ExistsError(path)
            if self._look_up(folder, name) != (None, None):
                raise ExistsError(path)
            if not names.is_noise(name) and self._stopped():
                raise TargetStoppedError(path)
            self._reserve(1)
            file = OpenFile(new_id(), folder, name, time.time_ns())
            file.buffer = Buffer(b"", self._spool)
            file.dirty = file.changed = True
            file.writers = 1
            self._open[names.key(folder), names.key(name)] = file
            return Handle(file, may_read, True, append)

    def open(self, path: str, *, may_read: bool = True, may_write: bool = False, append: bool = False) -> Handle:
        """Open what is there. For writing this takes a document back from the courier.

        Raises NotFoundError, IsFolderError, DeniedError (what is only shown, for writing), StorageError.
        """
        with self._lock, _STORAGE:
            if not path:
                raise IsFolderError(path)
            if showing := self._showing(path):
                return self._open_shown(showing.find(path), may_read=may_read, may_write=may_write)
            folder, name = self._split(path)
            if status := self._status_file(folder, name):
                if may_write:
                    raise DeniedError(path)
                handle = Handle(None, may_read, False, content=status[1](), name=status[0])
                self._status_open.append(handle)
                return handle
            if self._folder(folder, name) is not None:
                raise IsFolderError(path)
            file, document = self._look_up(folder, name)
            if file is None:
                if document is None:
                    raise NotFoundError(path)
                file = OpenFile(document.id, document.folder, document.name, document.modified_ns)
                file.size = document.size
                file.recorded = True
            if may_write:
                if file in self._unkept:
                    self._unkept.remove(file)  # this handle's close will try again
                elif file.writers == 0 and document is not None:
                    self._take_back(file, document)
                file.writers += 1
            else:
                file.readers += 1
            self._open[names.key(folder), names.key(name)] = file
            return Handle(file, may_read, may_write, append)

    @staticmethod
    def _open_shown(entry: Entry, *, may_read: bool, may_write: bool) -> Handle:
        if entry.read is None:
            raise IsFolderError(entry.path)
        if may_write:
            raise DeniedError(entry.path)
        return Handle(None, may_read, False, name=entry.path, shown=entry)

    def _take_back(self, file: OpenFile, document: Document) -> None:
        current = self._outbox.take_back(document)
        if current is None:
            # Published, or being published: from here on a change is a new version, a new document.
            file.published = True
            return
        file.published = False
        released = self._released.pop(document.id, None)
        file.changed = released is not None and released.changed
        if released is not None and released.failed:
            file.failure = StorageError(released.detail)
        elif current.reason == Reason.WRITE_FAILED:
            file.failure = StorageError(current.detail)
        else:
            file.failure = None

    # ---- bytes ---------------------------------------------------------------------------------------------------

    def read(self, handle: Handle, offset: int, length: int) -> bytes:
        """Return up to `length` bytes at `offset`; fewer at the end. Raises BadHandleError, StorageError."""
        if handle.file is None and handle.shown is None:
            return handle.content[offset : offset + length]
        with self._lock, _STORAGE:
            if handle.shown is not None:
                return self._read_shown(handle, handle.shown)[offset : offset + length]
            file = self._usable(handle, handle.may_read)
            return self._bytes(file).read(offset, length)

    @staticmethod
    def _read_shown(handle: Handle, entry: Entry) -> bytes:
        """Return the bytes of what is only shown; once they were read they stay with their handle."""
        if not handle.open or not handle.may_read or entry.read is None:
            raise BadHandleError(handle.name)
        if not handle.content:
            handle.content = entry.read()
        return handle.content

    def write(self, handle: Handle, offset: int | None, data: bytes, *, extend: bool = True) -> int:
        """Put `data` at `offset` (None, or a handle that appends: at the end) and return how many bytes were taken.

        With `extend=False` only what lies inside the present size is written, and where `offset` says, whoever's
        handle it is: that is how systems write what was changed in memory. Raises TooLargeError, NoSpaceError,
        StorageError, BadHandleError; the first three also hold the document: King was told that it failed.
        """
        with self._lock, _STORAGE:
            file = self._usable(handle, handle.may_write)
            buffer = self._modifiable(handle, file)
            if offset is None or (handle.append and extend):
                offset = buffer.size
            if not extend:
                data = data[: max(0, buffer.size - offset)]
            if data:
                self._change(file, max(buffer.size, offset + len(data)), lambda: buffer.write(offset, data))
            return len(data)

    def truncate(self, handle: Handle, size: int) -> None:
        """Cut or fill with zeros. Raises as `write` does.

        To 0 bytes it begins the document anew, also after a failed write.
        """
        with self._lock, _STORAGE:
            file = self._usable(handle, handle.may_write)
            if size == 0 and not file.gone and file.buffer is None:
                file.buffer = Buffer(b"", self._spool)  # whatever it was is neither needed nor read
            buffer = self._modifiable(handle, file)
            if size == 0:
                file.failure = None
            if size != file.size or size == 0:
                self._change(file, size, lambda: buffer.truncate(size))

    def truncate_path(self, path: str, size: int) -> None:
        """Cut or fill a document, durably unless a program is writing it. Raises as `open` and `write` do."""
        with self._lock:
            handle = self.open(path, may_write=True)
            try:
                self.truncate(handle, size)
                if handle.file is not None and handle.file.writers == 1:
                    self.flush(handle)
            finally:
                self.release(handle)

    def _usable(self, handle: Handle, allowed: bool) -> OpenFile:
        if handle.file is None or not handle.open or not allowed:
            raise BadHandleError(handle.name or (handle.file.name if handle.file else ""))
        return handle.file

    def _bytes(self, file: OpenFile) -> Buffer:
        if file.buffer is None:
            try:
                data = self._outbox.payload(file.id)
            except DamagedError:
                raise StorageError(f"the bytes of {file.name} ({file.id}) are missing or damaged") from None
            file.buffer = Buffer(data, self._spool)
            file.size = len(data)
        return file.buffer

    def _modifiable(self, handle: Handle, file: OpenFile) -> Buffer:
        """Return the bytes of a document that a handle is about to change."""
        handle.wrote = True
        if file.lost:
            raise StorageError(f"{file.name} ({file.id}) was taken off the drive while it was open")
        return self._bytes(file)

    def _change(self, file: OpenFile, size: int, change: Callable[[], None]) -> None:
        """Change a buffer so that it has `size` bytes, or mark the document as failed."""
        if file.published:
            # What INGIS has, or is about to get, stays as it is.
            file.id = new_id()
            file.published = file.recorded = False
        try:
            if size > self._max_document:
                raise TooLargeError(f"{file.name}: more than {self._max_document} bytes")
            # A clean buffer becomes dirty as a whole: all of it will be written.
            more = size - file.size if file.dirty else size
            if more > 0:
                self._reserve(more)
            change()
        except Exception as error:
            file.failure = _told(error)
            file.dirty = file.changed = True
            log.warning("write refused: document %s %s: %s", file.id, file.name, file.failure)
            raise file.failure from error
        file.size = size
        file.dirty = file.changed = True
        file.modified_ns = time.time_ns()

    def _reserve(self, more: int) -> None:
        """Make sure that the spool disk has room for `more` bytes. Raises NoSpaceError."""
        if more > self._credit:
            buffered = self._buffered()
            self._credit = next((step for step in (max(more, 2**20), more) if self._disk.has_room(buffered + step)), 0)
            if not self._credit:
                raise NoSpaceError("the spool disk is full")
        self._credit -= more

    def _buffered(self) -> int:
        """Return the bytes that were accepted and are not in the outbox yet."""
        return sum(file.size for file in {*self._open.values(), *self._unkept} if file.dirty)

    # ---- keeping -------------------------------------------------------------------------------------------------

    def flush(self, handle: Handle) -> None:
        """Make durable what was written so far, through whichever handle. Not the end of the document.

        Raises NoSpaceError, StorageError, TooLargeError; the document is then held: King was told that it failed.
        """
        with self._lock, _STORAGE:
            file = handle.file
            if file is None or not handle.open or file.removed:
                return
            if file.lost:
                if handle.wrote:
                    raise StorageError(f"{file.name} ({file.id}) was taken off the drive while it was open")
                return
            was_dirty = file.dirty
            if was_dirty:
                self._record_halves(file)
                try:
                    self._keep(file)
                except VolumeError as error:
                    file.failure = file.failure or error
                    raise
            if file.failure is not None and (was_dirty or handle.wrote):
                raise file.failure  # said once more, for a program that does not look at what its writes return

    def _record_halves(self, file: OpenFile) -> None:
        """Put the other half of a document on record that a program has begun and not flushed yet.

        The courier sees the record only; without it, it would take this one for a document that goes alone.
        """
        stem = names.key(names.split(file.name)[0])
        for other in list(self._open.values()):
            if other is file or other.recorded or not other.writers or other.gone or other.published:
                continue
            if other.folder == file.folder and names.key(names.split(other.name)[0]) == stem:
                try:
                    self._keep(other)
                except VolumeError as error:
                    log.warning("cannot put document %s %s on record yet: %s", other.id, other.name, error)

    def _record_begun(self) -> None:
        """Put on record what was begun long ago and not flushed: its other half may have been kept before it."""
        now = time.monotonic()
        for file in list(self._open.values()):
            if file.recorded or not file.writers or file.gone or now - file.begun < RECORD_DELAY:
                continue
            if not self._is_noise(file.folder, file.name):
                file.begun = now
                with suppress(VolumeError):  # it is in the log, and the program is told by its own flush
                    self._keep(file)

    def _keep(self, file: OpenFile) -> None:
        """Hand a document over to the outbox, with all that was closed since. Raises VolumeError."""
        try:
            data = self._bytes(file).content()
            failure = str(file.failure) if file.failure is not None else ""
            draft = Draft(file.id, file.folder, file.name, data, file.modified_ns, failure)
            self._write_out(lambda released: self._outbox.keep(draft, released), len(data), insist=not failure)
        except OutboxGoneError as error:
            self._lose(file)
            log.warning("%s", error)
            raise StorageError(str(error)) from error
        except Exception as error:
            told = _told(error)
            log.error("cannot keep document %s %s: %s", file.id, file.name, told)
            raise told from error
        file.recorded, file.dirty = True, False
        self._credit = 0

    def _write_out(self, write: Callable[[list[Release]], None], size: int, *, insist: bool) -> None:
        """Hand over about `size` bytes; on a full disk, if we `insist`, again with room that the ballast lends.

        The disk may be full though it told of room: by a quota, or by somebody else since, who may be writing still.
        """
        for tries_left in (2, 1, 0):
            try:
                with self._riding() as released:
                    write(released)
                return
            except OutboxError as error:
                if not (insist and tries_left) or type(error) not in {OutboxError, OutboxFullError}:
                    raise
                self._credit = 0
                if not self._disk.make_room(size):
                    raise OutboxFullError(str(error)) from error

    @contextmanager
    def _riding(self) -> Iterator[list[Release]]:
        """Give what was closed since to a transaction that is due anyway; if that fails, to the next one."""
        released = list(self._released.values())
        self._released.clear()
        try:
            yield released
        except BaseException:
            for release in released:
                self._released.setdefault(release.id, release)
            raise
        if released:
            self._news = True
            self._wake.set()  # the timer tells the courier: a program that prints does not wait for it

    def finish(self, handle: Handle) -> None:
        """Have a handle write no more, and end the document if it was the last one that might. Never raises.

        It reads on until it is released: Windows keeps a file that is mapped into memory behind its last close.
        """
        with self._lock:
            file = handle.file
            if file is None or not handle.open or not handle.may_write:
                return
            handle.may_write = False
            file.writers -= 1
            file.readers += 1
            if file.writers == 0:
                self._end(file)

    def release(self, handle: Handle) -> None:
        """Close a handle. The close of the last one that may write ends the document. Never raises."""
        with self._lock:
            file = handle.file
            if not handle.open:
                return
            handle.open = False
            if file is None:
                if handle in self._status_open:
                    self._status_open.remove(handle)
                return
            if handle.may_write:
                file.writers -= 1
                if file.writers == 0:
                    self._end(file)
            else:
                file.readers -= 1
            if file.idle:
                self._forget(file)

    def _end(self, file: OpenFile) -> None:
        """The last handle that may write a document was closed."""
        if file.gone:
            return
        if file.dirty:
            self._record_halves(file)
            try:
                self._keep(file)
            except VolumeError:
                # Closing cannot fail. If the program was not told before, the document goes as soon as it is kept.
                if not file.lost:
                    self._unkept.append(file)
                    self._wake.set()
                return
        if file.recorded and not file.published:
            if not self._released:
                self._released_since = time.monotonic()
            self._released[file.id] = Release(file.id, file.changed, file.failure is not None, str(file.failure or ""))
            self._wake.set()
        file.changed = False
        file.failure = None

    def _forget(self, file: OpenFile) -> None:
        if file in self._unkept:
            return
        self._take_off(file)
        if file.buffer is not None:
            file.buffer.close()
            file.buffer = None

    def _run_timer(self) -> None:
        """Say the releases that no other transaction took along, and try again what the outbox would not take."""
        while True:
            self._wake.wait(RECORD_DELAY)
            self._closing.wait(BREATH)
            self._wake.clear()
            settled = False
            with self._lock:
                if self._closing.is_set():
                    self._outbox.close()
                    return
                try:
                    settled = self._settle_up()
                    if self._released:
                        self._wake.set()  # they are young
                except (OutboxError, OSError) as error:
                    log.error("cannot bring the outbox up to date: %s", error)
                except Exception:  # this thread must go on: without it no document ever ends
                    log.exception("cannot bring the outbox up to date")
            if self._news:
                self._news = False
                self._work()
            if not settled:
                self._closing.wait(RETRY_DELAY)
                self._wake.set()

    def _releases_are_due(self) -> bool:
        """Tell whether what was closed has waited long enough for a transaction to ride on."""
        is_written = any(file.writers for file in self._open.values())
        return time.monotonic() - self._released_since >= (RELEASE_LIMIT if is_written else RELEASE_DELAY)

    def _settle_up(self, *, ending: bool = False) -> bool:
        """Bring the outbox up to date with what was closed; tells whether that worked."""
        self._record_begun()
        for file in list(self._unkept):
            try:
                self._keep(file)
            except VolumeError:
                continue  # the others may fare better
            self._unkept.remove(file)
            self._end(file)
            if file.idle:
                self._forget(file)
        if self._released and (ending or self._releases_are_due()):
            self._write_out(self._outbox.release, 0, insist=True)
        return not self._unkept

    def close(self) -> None:
        """End: what is still open is kept as it is, and taken as closed."""
        with self._lock:
            for file in list(self._open.values()):
                if file.writers:
                    file.writers = 0
                    self._end(file)
            try:
                self._settle_up(ending=True)
            except (OutboxError, OSError) as error:
                log.error("cannot bring the outbox up to date: %s", error)  # the next mount takes all as closed
            for file in self._unkept:
                log.critical("lost: document %s %s could not be kept: %s", file.id, file.name, file.failure)
            self._closing.set()
            self._wake.set()
        self._timer.join(5)

    # ---- changing names ------------------------------------------------------------------------------------------

    def rename(self, old: str, new: str, *, replace: bool = True) -> None:
        """Give a document or folder another name, over what is there if `replace`.

        Raises NotFoundError, ExistsError, BusyError (being published), DeniedError (delivered already, or a status
        file), IsFolderError, NotAFolderError, NotEmptyError, BadNameError, TargetStoppedError, NoSpaceError,
        StorageError; then both names are as they were.
        """
        with self._lock, _STORAGE:
            self._refuse_shown(old, new)
            old_folder, old_name = self._split(old)
            new_folder, new_name = self._split(new)
            if self._status_file(old_folder, old_name):
                raise DeniedError(old)
            if (made := self._folder(old_folder, old_name)) is not None:
                self._rename_folder(made, new_folder, new_name, replace)
                return
            file, document = self._look_up(old_folder, old_name)
            if file is None and document is None:
                raise NotFoundError(old)
            if self._status_file(new_folder, new_name):
                raise DeniedError(new)
            if self._folder(new_folder, new_name) is not None:
                raise IsFolderError(new) if replace else ExistsError(new)
            target = self._look_up(new_folder, new_name)
            same = (old_folder, names.key(old_name)) == (new_folder, names.key(new_name))
            if target != (None, None) and not same and not replace:
                raise ExistsError(new)
            if same and new_name == self._shown(file, document):
                return
            self._admit(old_folder, old_name, new_folder, new_name)
            if file is not None and not file.recorded:
                self._keep(file)
                document = self._outbox.document(file.id)
            assert document is not None
            if target[0] is not None and not same:
                self._preserve(target[0])
            moved = self._move(file, document, new_folder, new_name)
            if target[0] is not None and not same:
                self._orphan(target[0])
            if file is not None:
                self._open.pop((names.key(old_folder), names.key(old_name)), None)
                file.id, file.folder, file.name = moved, new_folder, new_name
                self._open[names.key(new_folder), names.key(new_name)] = file

    def _admit(self, old_folder: str, old_name: str, folder: str, name: str) -> None:
        """Noise that becomes a document is a new one."""
        if self._is_noise(old_folder, old_name) and not self._is_noise(folder, name) and self._stopped():
            raise TargetStoppedError(name)

    @staticmethod
    def _is_noise(folder: str, name: str) -> bool:
        return names.is_noise(f"{folder}/{name}" if folder else name)

    @staticmethod
    def _shown(file: OpenFile | None, document: Document | None) -> str:
        return file.name if file is not None else document.name if document is not None else ""

    def _move(self, file: OpenFile | None, document: Document, folder: str, name: str) -> str:
        """Rename in the outbox; returns the id of the document that has the new name."""
        if not document.can_be_taken_back:
            return self._copy_published(file, document, folder, name)
        with self._riding() as released:
            renamed = self._outbox.rename(document, folder, name, released)
        if not renamed:
            raise BusyError(document.path)
        self._work()
        return document.id

    def _copy_published(self, file: OpenFile | None, document: Document, folder: str, name: str) -> str:
        """A program sets the old version aside (`x.bak`) before it writes a new one: INGIS keeps what it has."""
        if document.state is State.PUBLISHING:
            raise BusyError(document.path)
        if not self._is_noise(folder, name):
            raise DeniedError(f"{document.path} was delivered already")
        data = self._bytes(file).content() if file is not None else self._outbox.payload(document.id)
        copy = Draft(new_id(), folder, name, data, document.modified_ns)
        open_for_writing = file is not None and file.writers > 0
        if not self._outbox.copy_aside(document, copy, [] if open_for_writing else [Release(copy.id, True)]):
            raise BusyError(document.path)
        if file is not None:
            file.published = False
        return copy.id

    def _preserve(self, file: OpenFile) -> None:
        """Have the bytes of an open document in memory before the outbox drops them."""
        with suppress(VolumeError):
            self._bytes(file)

    def _orphan(self, file: OpenFile) -> None:
        """Let a document lose its name while handles are on it: they go on reading what was there."""
        file.removed = True
        file.dirty = False
        self._take_off(file)

    def remove(self, path: str) -> None:
        """Delete a document: withdraw it, or only hide it once INGIS has it.

        Raises NotFoundError, IsFolderError, BusyError (being published), DeniedError.
        """
        with self._lock, _STORAGE:
            if not path:
                raise IsFolderError(path)
            self._refuse_shown(path)
            folder, name = self._split(path)
            if self._status_file(folder, name):
                raise DeniedError(path)
            if self._folder(folder, name) is not None:
                raise IsFolderError(path)
            file, document = self._look_up(folder, name)
            if file is None and document is None:
                raise NotFoundError(path)
            if file is not None and document is None:
                # Not kept yet; what it is a new version of would come to light again.
                document = self._outbox.find(names.key(folder), names.key(name))
            if file is not None:
                self._preserve(file)
            if document is not None:
                with self._riding() as released:
                    removed = self._outbox.remove(document, released)
                if not removed:
                    raise BusyError(path)
            if file is not None:
                self._orphan(file)

    def check_removal(self, path: str) -> None:
        """Raise what deleting a document or a folder would raise now, and change nothing."""
        with self._lock, _STORAGE:
            if not path:
                raise DeniedError(path)
            self._refuse_shown(path)
            folder, name = self._split(path)
            if self._status_file(folder, name):
                raise DeniedError(path)
            if (made := self._folder(folder, name)) is not None:
                if self.names_in(made):
                    raise NotEmptyError(path)
                return
            file, document = self._look_up(folder, name)
            if file is None and document is None:
                raise NotFoundError(path)
            document = document or self._outbox.find(names.key(folder), names.key(name))
            if document is not None and document.state is State.PUBLISHING:
                raise BusyError(path)

    def make_folder(self, path: str) -> None:
        """Make a subfolder. Raises ExistsError, NotFoundError, BadNameError, DeniedError (in one that only shows)."""
        with self._lock, _STORAGE:
            self._refuse_shown(path)
            folder, name = self._split(path)
            if self._status_file(folder, name) or self._folder(folder, name) is not None:
                raise ExistsError(path)
            if self._look_up(folder, name) != (None, None):
                raise ExistsError(path)
            made = f"{folder}/{name}" if folder else name
            self._outbox.make_folder(made)
            self._folders[names.key(made)] = made

    def remove_folder(self, path: str) -> None:
        """Remove an empty subfolder. Raises NotFoundError, NotAFolderError, NotEmptyError, DeniedError (the root)."""
        with self._lock, _STORAGE:
            self._refuse_shown(path)
            folder = self._existing_folder(path)
            if not folder:
                raise DeniedError(path)
            if self.names_in(folder):
                raise NotEmptyError(path)
            self._outbox.remove_folder(folder)
            del self._folders[names.key(folder)]

    def _rename_folder(self, old: str, new_folder: str, new_name: str, replace: bool) -> None:
        new = f"{new_folder}/{new_name}" if new_folder else new_name
        old_key, new_key = names.key(old), names.key(new)
        if self._status_file(new_folder, new_name):
            raise DeniedError(new)
        if new == old:
            return
        if new_key != old_key:
            taken = new_key in self._folders
            document = not taken and self._look_up(new_folder, new_name) != (None, None)
            if (taken or document) and not replace:
                raise ExistsError(new)
            if new_key.startswith(old_key + "/"):
                raise BadNameError(f"{old} into itself")
            if document:
                raise NotAFolderError(new)
            if taken and self.names_in(new):
                raise NotEmptyError(new)
        inside = [f for (key, _), f in self._open.items() if key == old_key or key.startswith(old_key + "/")]
        for file in inside:
            if not file.recorded:
                self._keep(file)
        if not self._outbox.rename_folder(old, new):
            raise BusyError(old)
        self._folders = self._outbox.folders()
        for file in inside:
            self._open.pop((names.key(file.folder), names.key(file.name)), None)
            file.folder = new + file.folder[len(old) :]
            self._open[names.key(file.folder), names.key(file.name)] = file

    def set_modified(self, path: str, modified_ns: int) -> None:
        """Note the time of the last change, ns since 1970 UTC, as a program sets it. Raises NotFoundError."""
        with self._lock, _STORAGE:
            if not path:
                return
            self._refuse_shown(path)
            folder, name = self._split(path)
            if self._status_file(folder, name):
                raise DeniedError(path)
            if self._folder(folder, name) is not None:
                return
            file, document = self._look_up(folder, name)
            if file is None and document is None:
                raise NotFoundError(path)
            if file is not None:
                file.modified_ns = modified_ns
            if document is not None and (file is None or not file.dirty):
                self._outbox.touch(document, modified_ns)
