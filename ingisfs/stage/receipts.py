"""What became of documents: made of drafts, once for each idempotency key, and a feed of what INGIS says of them.

A document is made by one rename, of which the database knows before and after. A row that is not `done` was left by a
failure, or by a process that ended: is its draft still there, then nothing happened; else it did. No draft's name is
used twice, so there is no third case.

Each King user has receipts of their own, about their own documents.

The lock rule: whatever makes or takes a draft happens under `_lock`, outside of the inbox's own.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ingisfs.stage import failures
from ingisfs.stage.conditions import Condition
from ingisfs.stage.database import add_columns, connect
from ingisfs.stage.inbox import Document, Folder, Inbox
from ingisfs.stage.names import Place, is_temporary, written
from ingisfs.stage.upload import Upload

State = Literal["received", "collected", "new", "viewed", "sent", "refused"]

_TABLES = """
CREATE TABLE IF NOT EXISTS creations (
    user TEXT NOT NULL, key TEXT NOT NULL, receipt TEXT NOT NULL, draft TEXT NOT NULL, name TEXT NOT NULL,
    size INTEGER NOT NULL, sha256 TEXT NOT NULL, at REAL NOT NULL, done INTEGER NOT NULL, PRIMARY KEY (user, key));
CREATE INDEX IF NOT EXISTS creations_draft ON creations (draft);
CREATE INDEX IF NOT EXISTS creations_name ON creations (user, name);
CREATE INDEX IF NOT EXISTS creations_begun ON creations (done) WHERE done = 0;
CREATE TABLE IF NOT EXISTS receipts (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL,
    state TEXT NOT NULL, reason TEXT NOT NULL, at REAL NOT NULL, user TEXT NOT NULL DEFAULT 'king');
"""
_LATER = {"user": "TEXT NOT NULL DEFAULT 'king'"}  # what the first receipts had not: there was one user
_COLUMNS = "user, key, receipt, draft, name, size, sha256, at, done"


@dataclass(frozen=True, slots=True)
class Creation:
    """A document that was made of a draft. `size` in bytes, `sha256` in hex, `at` in seconds since 1970 (UTC)."""

    user: str
    key: str
    receipt: str
    draft: str
    name: str
    size: int
    sha256: str
    at: float
    done: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What INGIS says of a document; `key` is empty if it did not come by the API. `at` as above."""

    cursor: int
    key: str
    name: str
    sha256: str
    state: str
    reason: str
    at: float


def tell(db: sqlite3.Connection, user: str, name: str, sha256: str, state: State, reason: str = "") -> None:
    """Add to a user's feed what INGIS says of a document, however it came in, within the caller's transaction."""
    mine = (user, name, sha256)
    query = "SELECT key FROM creations WHERE user = ? AND name = ? AND sha256 = ? ORDER BY at DESC LIMIT 1"
    found = db.execute(query, mine).fetchone()
    db.execute(
        "INSERT INTO receipts (user, key, name, sha256, state, reason, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (user, found[0] if found else "", name, sha256, state, reason, time.time()),
    )


class Receipts:
    """The drafts, keys and receipts of one user and their inbox. Safe to use from any thread; `close` at the end.

    Methods raise a subclass of InboxError when they refuse, OSError when the disk does.
    """

    def __init__(self, folder: Path, inbox: Inbox, user: str) -> None:
        self._inbox = inbox
        self._user = user
        self._lock = threading.RLock()  # held for every change, and for every use of the connection
        self._db = connect(folder, synchronous="FULL")
        self._db.executescript(_TABLES)
        add_columns(self._db, "receipts", _LATER)
        self._db.execute("CREATE INDEX IF NOT EXISTS receipts_user ON receipts (user, cursor)")
        with self._lock:
            self._settle()

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    # Drafts

    def keep(self, upload: Upload, draft: Place, sha256: str) -> tuple[Document, bool]:
        """Give whole bytes the name of a draft; durable at return. Returns it, and whether it is new.

        Raises DigestMismatchError, NameRefusedError if the name is none of a draft, NoParentError, and DraftTakenError
        unless the same bytes are there already.
        """
        if not draft or not is_temporary(draft):
            raise failures.NameRefusedError(written(draft))
        with self._lock:
            self._settle()
            if self._rows("draft = ?", written(draft)):
                raise failures.DraftTakenError(written(draft))
            try:
                return self._inbox.keep(upload, draft, Condition(if_none_match="*"), sha256=sha256)
            except failures.ConditionFailedError:
                there = self._inbox.find(draft)
                if isinstance(there, Document) and there.sha256 == sha256:
                    return there, False
                raise failures.DraftTakenError(written(draft)) from None

    def draft(self, draft: Place) -> Document | Creation:
        """A draft, or what it became. Raises NotThereError."""
        with self._lock:
            self._settle()
            there = self._draft(draft)
            if there is not None:
                return there
            for creation in self._rows("draft = ?", written(draft)):
                if not is_temporary(tuple(creation.name.split("/"))):  # what was only tried out leaves no trace
                    return creation
        raise failures.NotThereError(written(draft))

    def discard(self, draft: Place) -> None:
        """Remove a draft; none there is fine. Raises NameRefusedError if the name is none of a draft."""
        if not draft or not is_temporary(draft):
            raise failures.NameRefusedError(written(draft))
        with self._lock:
            if self._draft(draft) is not None:
                self._inbox.delete(draft)

    def _draft(self, draft: Place) -> Document | None:
        if not draft or not is_temporary(draft):
            return None
        try:
            there = self._inbox.find(draft)
        except failures.NotThereError:
            return None
        return there if isinstance(there, Document) else None

    # Documents

    def create(self, key: str, draft: Place, name: Place, replaces: str | None = None) -> tuple[Creation, bool]:
        """Make a draft a document under `name`, once for each key; durable at return.

        Returns what was made, and whether it was just now.

        `replaces` is the SHA-256 of the document of that name that may be replaced. Raises KeyReusedError,
        NoDraftError, NameRefusedError, NoParentError, and AlreadyThereError if the name is taken.
        """
        with self._lock:
            self._settle()
            there = self._draft(draft)
            for known in self._rows("key = ?", key):
                same = known.draft == written(draft) or (there is not None and there.sha256 == known.sha256)
                if known.name == written(name) and same:
                    return known, False
                raise failures.KeyReusedError(written(name))
            if there is None:
                raise failures.NoDraftError(written(draft))
            receipt = secrets.token_hex(16)
            creation = Creation(
                self._user, key, receipt, written(draft), written(name), there.size, there.sha256, time.time()
            )
            values = ", ".join("?" * len(_COLUMNS.split(",")))
            self._db.execute(
                f"INSERT INTO creations ({_COLUMNS}) VALUES ({values})",
                tuple(getattr(creation, column) for column in _COLUMNS.split(", ")),
            )
            try:
                self._inbox.move(draft, name, overwrite=False, replaces=replaces)
            except failures.InboxError:  # nothing happened
                self._forget(creation)
                raise
            self._finish(creation)
            return creation, True

    def _settle(self) -> None:  # needs _lock
        """Find out what became of what a failure or the end of a process left half known."""
        for creation in self._rows("done = 0"):
            if self._draft(tuple(creation.draft.split("/"))) is not None:
                self._forget(creation)
            else:
                self._finish(creation)

    def _forget(self, creation: Creation) -> None:  # needs _lock
        self._db.execute("DELETE FROM creations WHERE user = ? AND key = ?", (creation.user, creation.key))

    def _finish(self, creation: Creation) -> None:  # needs _lock
        self._db.execute("BEGIN IMMEDIATE")
        try:
            mine = (creation.user, creation.key)
            self._db.execute("UPDATE creations SET done = 1 WHERE user = ? AND key = ?", mine)
            if not is_temporary(tuple(creation.name.split("/"))):
                self._add(creation.key, creation.name, creation.sha256, "received", "")
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    # The feed

    def tell(self, name: Place, sha256: str, state: State, reason: str = "") -> None:
        """Add to the feed what INGIS says of a document, however it came in; durable at return."""
        with self._lock:
            tell(self._db, self._user, written(name), sha256, state, reason)

    def after(self, cursor: int, limit: int) -> list[Receipt]:
        """The receipts behind a cursor, oldest first, `limit` at most."""
        query = (
            "SELECT cursor, key, name, sha256, state, reason, at FROM receipts"
            " WHERE user = ? AND cursor > ? ORDER BY cursor LIMIT ?"
        )
        with self._lock:
            return [Receipt(*row) for row in self._db.execute(query, (self._user, cursor, limit))]

    def _add(self, key: str, name: str, sha256: str, state: State, reason: str) -> None:  # needs _lock
        self._db.execute(
            "INSERT INTO receipts (user, key, name, sha256, state, reason, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (self._user, key, name, sha256, state, reason, time.time()),
        )

    def _rows(self, where: str, *values: str) -> list[Creation]:  # needs _lock
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM creations WHERE user = ? AND {where}", (self._user, *values))
        return [Creation(*row) for row in rows]


def drafts(inbox: Inbox, folder: Place) -> list[Document]:
    """The drafts in a folder that are not documents yet, by name. Raises NotThereError."""
    found = inbox.find(folder)
    if not isinstance(found, Folder):
        raise failures.NotThereError(written(folder))
    children = inbox.children(folder)
    return [child for child in children if isinstance(child, Document) and is_temporary(child.place)]
