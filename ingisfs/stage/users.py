"""Who may use the stage: names and argon2 hashes in `stage.db`.

Argon2 takes some 30 ms and 64 MiB by design, and a WebDAV client sends its password with every request. So what was
verified once is remembered in memory, as an HMAC under a key that this process made up. The stored hash goes into
the HMAC: when it changes, everything remembered about that user is void.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
import threading
import time
import unicodedata
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ingisfs.stage.database import connect

_TABLE = "CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY, hash TEXT NOT NULL, added_at REAL NOT NULL)"


class Users:
    """The users of one stage folder. Safe to use from any thread; `close` at the end."""

    def __init__(self, folder: Path) -> None:
        self._hasher = PasswordHasher()
        self._unknown = self._hasher.hash(secrets.token_urlsafe())  # verified in place of an unknown user's
        self._key = secrets.token_bytes(32)
        self._remembered: dict[str, bytes] = {}  # name -> HMAC of what was verified last; single steps, needs no lock
        self._lock = threading.Lock()  # held for every use of the connection
        self._db = connect(folder, synchronous="FULL")
        self._db.execute(_TABLE)

    def add(self, name: str, password: str) -> None:
        """Add a user; durable at return. Raises ValueError if the name is taken or unfit, or the password empty."""
        if not name or ":" in name or not name.isprintable():
            raise ValueError("a user name is not empty, has no colon (RFC 7617) and no control characters")
        hashed = self._hash(password)
        try:
            with self._lock:
                self._db.execute("INSERT INTO users VALUES (?, ?, ?)", (_normal(name), hashed, time.time()))
        except sqlite3.IntegrityError:
            raise ValueError(f"there is a user {name!r} already") from None

    def change_password(self, name: str, password: str) -> None:
        """Give a user a new password; the old one ends at once. Raises KeyError, or ValueError for an empty one."""
        hashed = self._hash(password)
        with self._lock:
            if not self._db.execute("UPDATE users SET hash = ? WHERE name = ?", (hashed, _normal(name))).rowcount:
                raise KeyError(name)

    def is_empty(self) -> bool:
        """Whether nobody has been added yet."""
        with self._lock:
            return self._db.execute("SELECT 1 FROM users").fetchone() is None

    def remembers(self, name: str, password: str) -> bool:
        """Whether these credentials were verified before and still hold. Takes microseconds, never argon2."""
        stored = self._stored(name)
        remembered = self._remembered.get(_normal(name), b"")
        return stored is not None and hmac.compare_digest(remembered, self._digest(name, password, stored))

    def verify(self, name: str, password: str) -> bool:
        """Whether this is the user's password. Blocks for tens of ms, for unknown users just as long."""
        if self.remembers(name, password):  # somebody else may have waited for the same answer
            return True
        stored = self._stored(name)
        try:
            self._hasher.verify(stored or self._unknown, _normal(password))
        except (VerificationError, InvalidHashError):
            return False
        if stored is None:
            return False
        self._remembered[_normal(name)] = self._digest(name, password, stored)
        return True

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def _hash(self, password: str) -> str:
        if not password:
            raise ValueError("an empty password is no password")
        return self._hasher.hash(_normal(password))

    def _stored(self, name: str) -> str | None:
        with self._lock:
            row = self._db.execute("SELECT hash FROM users WHERE name = ?", (_normal(name),)).fetchone()
        return row[0] if row else None

    def _digest(self, name: str, password: str, stored: str) -> bytes:
        # None of the three parts can hold a NUL that would let one run into the next: names are printable,
        # argon2's hashes are ASCII, and the password comes last.
        message = "\0".join([_normal(name), stored, _normal(password)]).encode("utf-8", "surrogatepass")
        return hmac.new(self._key, message, hashlib.sha256).digest()


def _normal(text: str) -> str:
    """Windows and macOS type é differently; RFC 7617 wants NFC."""
    return unicodedata.normalize("NFC", text)
