"""stage.db: the SQLite file with the users, what is known about the documents, and what became of them.

Each module makes its own tables. Every connection is used under a lock of its owner, from any thread; what shares
transactions (invoices, customers, mails, sessions) shares one `Database`.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from ingisfs.stage.failures import StageError
from ingisfs.stage.sentences import say


def connect(folder: Path, *, synchronous: str) -> sqlite3.Connection:
    """Open `stage.db` in `folder`, making it if need be, in autocommit mode.

    `synchronous` is SQLite's: FULL for what must survive a power cut at once, NORMAL for what can be found again.
    Raises sqlite3.Error.
    """
    connection = sqlite3.connect(folder / "stage.db", isolation_level=None, check_same_thread=False, timeout=30)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={synchronous}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def add_columns(connection: sqlite3.Connection, table: str, columns: dict[str, str]) -> None:
    """Add what an older `stage.db` has not: name and definition of each column. Raises sqlite3.Error."""
    there = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
    for name, definition in columns.items():
        if name not in there:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {definition}")


class Database:
    """`stage.db` for the portal: one transaction at a time, and readers that wait for none. `close` at the end.

    Safe to use from any thread. Methods raise sqlite3.Error.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()  # held for every use of _writer
        self._writer = connect(folder, synchronous="FULL")
        self._writer.row_factory = sqlite3.Row
        self._mine = threading.local()  # a connection for each thread that reads
        self._readers: list[sqlite3.Connection] = []  # all of these; grows under _lock

    def prepare(self, tables: str) -> None:
        """Make the tables of a module."""
        with self._lock:
            self._writer.executescript(tables)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing of what happens within; durable at the end. Within another of this thread: part of that."""
        with self._lock:
            if self._writer.in_transaction:
                yield self._writer
                return
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """What a query finds, as of the last transaction."""
        return self._reader().execute(query, values).fetchall()

    def row(self, query: str, *values: object) -> sqlite3.Row | None:
        """The first that a query finds."""
        found: sqlite3.Row | None = self._reader().execute(query, values).fetchone()
        return found

    def close(self) -> None:
        """Close all connections; nobody may use it any more."""
        with self._lock:
            for connection in (*self._readers, self._writer):
                connection.close()

    def _reader(self) -> sqlite3.Connection:
        known: sqlite3.Connection | None = getattr(self._mine, "connection", None)
        if known is None:
            known = connect(self._folder, synchronous="NORMAL")
            known.row_factory = sqlite3.Row
            known.execute("PRAGMA query_only=ON")
            self._mine.connection = known
            with self._lock:
                self._readers.append(known)
        return known


def lock_folder(folder: Path, language: str) -> sqlite3.Connection:
    """Hold the folder for this process until the connection is closed or the process ends, however it ends.

    The lock is SQLite's own, on a file `stage.lock`: the one file lock of the standard library that is the same on
    Windows and Linux. Raises StageError if another stage holds it.
    """
    connection = sqlite3.connect(folder / "stage.lock", isolation_level=None, check_same_thread=False, timeout=0)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        connection.close()
        raise StageError(say(language, "folder_in_use", folder=folder)) from error
    return connection
