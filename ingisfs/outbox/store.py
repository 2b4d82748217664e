"""The file underneath the outbox: one SQLite database, changed in synced transactions, one at a time.

Built on diskcache's file (its `Cache` table holds the bytes, its settings the SQLite pragmas), with our own tables
beside it. This is the only module that imports diskcache or touches its protected parts.

Threads: any, each with a connection of its own (diskcache keeps one per thread); one transaction at a time in the
whole process. Processes: one drive and one courier, which take `write.lock` for each transaction and checkpoint. That
lock also wakes a waiting process sooner than SQLite would, and keeps commits and checkpoints apart, which SQLite
before 3.51.3 needs (its WAL-reset bug).
"""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import diskcache

from ingisfs.clock import SYSTEM_CLOCK, Clock
from ingisfs.crashpoints import crashpoint
from ingisfs.outbox.locks import FileLock
from ingisfs.outbox.reading import DATABASE, Reading

SCHEMA_VERSION: Final = 1
MAX_DOCUMENT: Final = 64 * 2**20  # bytes
WAL_BOUND: Final = 64 * 2**20  # bytes; the courier empties the log above it, the drive above twice that
_LOG_PIECE: Final = 2**20  # bytes; less than 1 ms under the lock

#: Every opener passes these, so they hold for each of its threads; another value in the file refuses the file.
_SETTINGS: Final[dict[str, int | str]] = {
    "eviction_policy": "none",
    "cull_limit": 0,
    "size_limit": 2**40,
    "statistics": 0,
    "tag_index": 0,
    "sqlite_synchronous": 2,  # FULL: one sync of the log at every commit
    "sqlite_journal_mode": "wal",
    "sqlite_auto_vacuum": 2,  # incremental: space is given back when idle, not inside a delete
    "sqlite_secure_delete": 0,
    "sqlite_mmap_size": 0,
    "sqlite_wal_autocheckpoint": 0,  # never inside a close
    "disk_min_file_size": 2**31 - 1,  # no value is ever a file beside the database: diskcache never syncs those
}

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS documents (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    folder TEXT NOT NULL,
    folder_key TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    stem_key TEXT NOT NULL,
    pair_key TEXT NOT NULL,
    ending TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    state TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    modified_ns INTEGER NOT NULL,
    written_at REAL NOT NULL,
    closed REAL NOT NULL DEFAULT 0,
    due REAL NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    attempt INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    detail TEXT NOT NULL DEFAULT '',
    remote_name TEXT,
    released INTEGER NOT NULL DEFAULT 0,
    etag TEXT,
    marked_at REAL,
    delivered_at REAL,
    archived TEXT,
    resume TEXT,
    listed INTEGER NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS documents_listed ON documents (folder_key, name_key) WHERE listed = 1;
CREATE INDEX IF NOT EXISTS documents_state ON documents (state, number);
CREATE INDEX IF NOT EXISTS documents_pair ON documents (folder_key, pair_key);
CREATE INDEX IF NOT EXISTS documents_remote ON documents (remote_name);
CREATE TABLE IF NOT EXISTS history (
    entry INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    why TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS history_id ON history (id);
CREATE TABLE IF NOT EXISTS sent (
    number INTEGER PRIMARY KEY,
    day TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS sent_name ON sent (day, name_key);
CREATE TABLE IF NOT EXISTS said (number INTEGER PRIMARY KEY, word TEXT NOT NULL, invoice TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS said_word ON said (word, invoice);
CREATE TABLE IF NOT EXISTS folders (path_key TEXT PRIMARY KEY, path TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class OutboxError(Exception):
    """Root of what can go wrong with the outbox.

    OutboxError
    ├─ OutboxFullError       the disk (or the quota) has no room
    ├─ OutboxBusyError       another process kept the write lock for too long
    ├─ OutboxGoneError       the document was withdrawn while it was open for writing
    ├─ OutboxDamagedError    the file is not a sound database, or was replaced while we had it open
    └─ OutboxForeignError    not made by us, or by a newer version: refused, untouched
    """


class OutboxFullError(OutboxError):
    """The disk has no room; nothing was changed."""


class OutboxBusyError(OutboxError):
    """Another process kept the write lock for too long; nothing was changed."""


class OutboxGoneError(OutboxError):
    """A person withdrew the document while a program had it open for writing; nothing was changed."""


class OutboxDamagedError(OutboxError):
    """The database cannot be read, or is no longer the file that we opened."""


class OutboxForeignError(OutboxError):
    """The file has settings or a schema that are not ours; it was not touched."""


class StrictDisk(diskcache.Disk):  # type: ignore[misc]
    """Text keys and bytes values, as they are: no pickles (CVE-2025-69872), no files beside the database."""

    def put(self, key: object) -> tuple[str, bool]:
        """Return the key as stored."""
        if type(key) is not str:
            raise TypeError("a key is a document id")
        return key, True

    def get(self, key: object, raw: object) -> str:
        """Return the key as given."""
        if not raw or type(key) is not str:
            raise OutboxForeignError("a key that ingisfs did not write")
        return key

    def store(self, value: object, read: bool, key: object = None) -> tuple[int, int, None, memoryview]:  # noqa: ARG002
        """Return size, mode, file name and value as stored."""
        if read or type(value) is not bytes:
            raise TypeError("a value is bytes")
        return len(value), diskcache.core.MODE_RAW, None, sqlite3.Binary(value)

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> bytes:
        """Return the value as given."""
        if mode != diskcache.core.MODE_RAW or filename is not None or read or type(value) is not bytes:
            raise OutboxForeignError("a value that ingisfs did not write")
        return value

    def filename(self, key: object = None, value: object = None) -> tuple[str, str]:  # noqa: ARG002
        """Never: values are not files."""
        raise OutboxForeignError("a file beside the database")

    def remove(self, file_path: str) -> None:
        """Never: values are not files."""
        raise OutboxForeignError(f"a file beside the database: {file_path}")


class Store(Reading, diskcache.Cache):  # type: ignore[misc]
    """The database of one drive, for the two processes that change it."""

    def __init__(
        self,
        state_folder: Path,
        *,
        clock: Clock = SYSTEM_CLOCK,
        wal_bound: int = WAL_BOUND,
        busy_timeout: float = 10.0,
    ) -> None:
        """Open the database in `state_folder`, making it if there is none.

        `wal_bound` is in bytes, `busy_timeout` in seconds for one transaction to begin.
        Raises OutboxForeignError, OutboxDamagedError, OutboxFullError or OutboxBusyError.
        """
        self.clock = clock
        self.wal_bound = wal_bound
        self.busy_timeout = busy_timeout
        folder = state_folder / "outbox"
        self._path = folder / DATABASE
        self._wal_path = folder / (DATABASE + "-wal")
        self._turn = threading.Lock()  # one transaction at a time in this process
        self._files: tuple[int, int] | None = None  # inodes of database and log, once known
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._write_lock = FileLock(folder / "write.lock")
        try:
            with self._exclusively(), _translated():
                refuse_foreign(self._path)
                super().__init__(str(folder), timeout=busy_timeout, disk=StrictDisk, **_SETTINGS)
                self._verify_settings()
                self._make_schema()
        except BaseException:
            self._write_lock.close()
            raise

    def _verify_settings(self) -> None:
        pragmas = {"synchronous": 2, "journal_mode": "wal", "auto_vacuum": 2, "wal_autocheckpoint": 0, "mmap_size": 0}
        for pragma, wanted in pragmas.items():
            ((value,),) = self.rows(f"PRAGMA {pragma}")
            if value != wanted:
                raise OutboxForeignError(f"PRAGMA {pragma} is {value}, not {wanted}")
        stored = dict(self.rows("SELECT key, value FROM Settings"))
        for key, wanted in _SETTINGS.items():
            if stored.get(key) != wanted:
                raise OutboxForeignError(f"setting {key} is {stored.get(key)!r}, not {wanted!r}")

    def _make_schema(self) -> None:
        ((version,),) = self.rows("PRAGMA user_version")
        if version > SCHEMA_VERSION:
            raise OutboxForeignError(f"schema {version} is newer than this version's {SCHEMA_VERSION}")
        with self.transact():
            for statement in _SCHEMA.split(";"):
                if statement.strip():
                    self._sql(statement)
            self._sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
            boot = self.clock.boot_id()
            crashpoint("schema.inside")
            if self.meta("boot_id") != boot:
                # Times on the boot clock of another start mean nothing: whatever waited is due now.
                self._sql("UPDATE documents SET due = 0, closed = 0 WHERE due <> 0 OR closed <> 0")
                self._set_meta("boot_id", boot)
                self._set_meta("last_close", repr(self.clock.boot()))

    # ---- statements and transactions ----------------------------------------------------------------------------

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """See `Reading.rows`. Raises OutboxError."""
        with _translated():
            found: list[tuple[Any, ...]] = self._sql(sql, parameters).fetchall()
            return found

    def data_version(self) -> int:
        """Return a number that changes when another connection commits."""
        return int(self.rows("PRAGMA data_version")[0][0])

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        """Hold the one turn of this process and the one write lock of all."""
        if not self._turn.acquire(timeout=self.busy_timeout):
            raise OutboxBusyError("a transaction of this process takes too long")
        try:
            if not self._write_lock.acquire(self.busy_timeout):
                raise OutboxBusyError("another process keeps the outbox locked")
            try:
                yield
            finally:
                self._write_lock.release()
        finally:
            self._turn.release()

    @contextmanager
    def _transaction(self) -> Iterator[Callable[..., sqlite3.Cursor]]:
        """One synced transaction. When the block has ended without an exception, it is on disk."""
        with self._exclusively(), _translated():
            try:
                with self.transact():
                    yield self._sql
            except BaseException:
                # A COMMIT that failed leaves the transaction open; the next one must not ride on it.
                if self._con.in_transaction:
                    with suppress(sqlite3.Error):
                        self._con.rollback()
                raise
            self._verify_files()

    def _verify_files(self) -> None:
        """Refuse to acknowledge into a file that is no longer the one in the folder.

        A program that opens and closes the database by other means than SQLite drops our locks; another process may
        then remove the log under us, and what we commit is written to a file without a name.
        """
        try:
            now = (os.stat(self._path).st_ino, os.stat(self._wal_path).st_ino)
        except OSError as error:
            raise OutboxDamagedError(f"the outbox was removed while open: {error}") from None
        if self._files is None:
            self._files = now
        elif self._files != now:
            raise OutboxDamagedError("the outbox was replaced while open")

    def _set_meta(self, name: str, value: str) -> None:
        self._sql("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def set_meta(self, name: str, value: str) -> None:
        """Note something that belongs to the whole outbox."""
        with self._transaction():
            self._set_meta(name, value)

    # ---- its log ---------------------------------------------------------------------------------

    def wal_size(self) -> int:
        """Return the length of the write-ahead log in bytes."""
        return _size(self._wal_path)

    def checkpoint(self) -> None:
        """Write the log into the database and begin it anew: 0.2 to 0.4 s for 64 MiB. Never called inside a close.

        Its file keeps up to `wal_bound` bytes, for a log that grows costs more than one that is written over.
        """
        with self._exclusively(), _translated():
            crashpoint("checkpoint.before")
            self._sql(f"PRAGMA journal_size_limit = {self.wal_bound}").fetchall()
            self._sql("PRAGMA wal_checkpoint(RESTART)").fetchall()
            crashpoint("checkpoint.inside")
            with self.transact():  # the first commit into the new log cuts its file to the limit
                self._set_meta("checkpoint", repr(self.clock.wall()))
            crashpoint("checkpoint.after")

    def lay_out_log(self) -> bool:
        """Make the file of the log a piece longer with zeros; tells whether it has its whole length.

        A commit that writes over blocks instead of growing the file takes a quarter less (measured on ext4). SQLite
        reads no zeros: a frame counts by its checksum. Under the lock nobody else writes to the log, and SQLite has its
        own locks on other files. Raises OutboxError, OSError.
        """
        with self._exclusively():
            size = self.wal_size()
            piece = min(_LOG_PIECE, self.wal_bound - size)
            if piece <= 0:
                return True
            with open(self._wal_path, "r+b", buffering=0) as log:
                try:
                    log.seek(size)
                    if log.write(bytes(piece)) < piece:
                        raise OSError(errno.ENOSPC, "no room for the log")
                except OSError:
                    log.truncate(size)
                    raise
        with open(self._wal_path, "r+b", buffering=0) as log:
            os.fsync(log.fileno())  # or the next commit had to
        return False

    def give_back_space(self, pages: int = 2000) -> None:
        """Return up to `pages` free pages of the database file to the disk."""
        with self._exclusively(), _translated():
            self._sql(f"PRAGMA incremental_vacuum({pages})").fetchall()
            crashpoint("vacuum.after")

    def close(self) -> None:
        """Close this thread's connection. diskcache calls this as well, while it opens."""
        super().close()

    def shut(self) -> None:
        """Close this thread's connection and the lock, for good."""
        self.close()
        self._write_lock.close()


def wal_size(state_folder: Path) -> int:
    """Return the length of the write-ahead log of an outbox that is not open, in bytes."""
    return _size(state_folder / "outbox" / (DATABASE + "-wal"))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def refuse_foreign(path: Path) -> None:
    """Look at an existing file before diskcache writes a single setting into it. Raises OutboxForeignError."""
    if not path.exists() or path.stat().st_size == 0:
        return
    con = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
    try:
        tables = {name for (name,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables or "Settings" not in tables:
            if tables:
                raise OutboxForeignError("not a diskcache file")
            return
        if "documents" not in tables and con.execute("SELECT count(*) FROM Settings").fetchone()[0] >= len(_SETTINGS):
            complete = "Cache" in tables and con.execute("SELECT count(*) FROM Cache").fetchone()[0] > 0
            if complete:
                raise OutboxForeignError("a diskcache file that ingisfs did not make")
        stored = dict(con.execute("SELECT key, value FROM Settings"))
        for key, wanted in _SETTINGS.items():
            if key in stored and stored[key] != wanted:
                raise OutboxForeignError(f"setting {key} is {stored[key]!r}, not {wanted!r}")
        if con.execute("PRAGMA user_version").fetchone()[0] > SCHEMA_VERSION:
            raise OutboxForeignError("made by a newer version of ingisfs")
    finally:
        con.close()


@contextmanager
def _translated() -> Iterator[None]:
    """Raise OutboxError for whatever SQLite or diskcache raise."""
    try:
        yield
    except diskcache.Timeout:
        raise OutboxBusyError("the database is locked") from None
    except sqlite3.Error as error:
        chain: list[str] = []
        link: BaseException | None = error
        while link is not None:  # a failed ROLLBACK hides what made it necessary
            chain.append(str(link))
            link = link.__context__
        text = "; ".join(chain)
        if "disk is full" in text or "No space" in text:
            raise OutboxFullError(text) from error
        if isinstance(error, sqlite3.OperationalError):
            raise OutboxError(text) from error
        raise OutboxDamagedError(text) from error
    except OSError as error:
        if error.errno in {28, 122}:  # ENOSPC, EDQUOT
            raise OutboxFullError(os.strerror(error.errno)) from error
        raise
