"""Who may use the stage: names, roles, profiles and argon2 hashes in `stage.db`.

A King user sends invoices; a customer reads theirs, and their name is their e-mail address.

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
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ingisfs.stage.database import add_columns, connect

Role = Literal["king", "customer"]

MIN_PASSWORD = 10  # characters of a password that a person chooses
MAX_PASSWORD = 1000
MAX_LOGO = 200_000  # bytes

_TABLE = "CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY, hash TEXT NOT NULL, added_at REAL NOT NULL)"
_LATER = {
    "role": "TEXT NOT NULL DEFAULT 'king'",
    "company": "TEXT NOT NULL DEFAULT ''",
    "email": "TEXT NOT NULL DEFAULT ''",
    "language": "TEXT NOT NULL DEFAULT ''",
    "tell_refused": "INTEGER NOT NULL DEFAULT 1",
    "logo": "BLOB",
    "logo_type": "TEXT NOT NULL DEFAULT ''",
}


@dataclass(frozen=True, slots=True)
class Account:
    """Who somebody is. `company` is the name on letters; `language` is "" until one was chosen.

    `tell_refused`: whether a mail says that an invoice was refused.
    """

    name: str
    role: Role
    company: str = ""
    email: str = ""
    language: str = ""
    tell_refused: bool = True
    has_logo: bool = False

    @property
    def shown(self) -> str:
        """How others are told of them."""
        return self.company or self.name


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
        add_columns(self._db, "users", _LATER)
        # For the one question that the event loop asks: it waits for nobody who writes.
        self._reading = threading.Lock()  # held for every use of the next
        self._reader = connect(folder, synchronous="NORMAL")

    def add(self, name: str, password: str, *, role: Role = "king", language: str = "", email: str = "") -> None:
        """Add a user; durable at return. Raises ValueError if the name is taken or unfit, or the password empty."""
        if not name or ":" in name or not name.isprintable():
            raise ValueError("a user name is not empty, has no colon (RFC 7617) and no control characters")
        hashed = self._hash(password)
        try:
            with self._lock:
                self._db.execute(
                    "INSERT INTO users (name, hash, added_at, role, language, email) VALUES (?, ?, ?, ?, ?, ?)",
                    (normal(name), hashed, time.time(), role, language, email),
                )
        except sqlite3.IntegrityError:
            raise ValueError(f"there is a user {name!r} already") from None

    def change_password(self, name: str, password: str) -> None:
        """Give a user a new password; the old one ends at once. Raises KeyError, or ValueError for an empty one."""
        hashed = self._hash(password)
        with self._lock:
            if not self._db.execute("UPDATE users SET hash = ? WHERE name = ?", (hashed, normal(name))).rowcount:
                raise KeyError(name)

    def account(self, name: str) -> Account | None:
        """Who a user is; None if there is none of that name."""
        query = "SELECT name, role, company, email, language, tell_refused, logo IS NOT NULL FROM users WHERE name = ?"
        with self._lock:
            row = self._db.execute(query, (normal(name),)).fetchone()
        if row is None:
            return None
        role: Role = "king" if row[1] == "king" else "customer"
        return Account(row[0], role, row[2], row[3], row[4], bool(row[5]), bool(row[6]))

    def kings(self) -> list[Account]:
        """All King users, the first one first."""
        with self._lock:
            names = self._db.execute("SELECT name FROM users WHERE role = 'king' ORDER BY added_at, name").fetchall()
        return [account for (name,) in names if (account := self.account(name)) is not None]

    def change_profile(self, name: str, *, company: str, email: str, language: str, tell_refused: bool) -> None:
        """Change what a user says of themselves; durable at return."""
        with self._lock:
            self._db.execute(
                "UPDATE users SET company = ?, email = ?, language = ?, tell_refused = ? WHERE name = ?",
                (company, email, language, tell_refused, normal(name)),
            )

    def change_language(self, name: str, language: str) -> None:
        """Remember in which language a user reads."""
        with self._lock:
            self._db.execute("UPDATE users SET language = ? WHERE name = ?", (language, normal(name)))

    def change_logo(self, name: str, logo: bytes | None, content_type: str = "") -> None:
        """Give a user a picture, or take it away. Raises ValueError if it is none that a browser shows, or too big."""
        kinds = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
        if logo is not None and (len(logo) > MAX_LOGO or not logo.startswith(kinds.get(content_type, b"\0"))):
            raise ValueError("a logo is a PNG or JPEG of at most 200 kB")
        with self._lock:
            self._db.execute(
                "UPDATE users SET logo = ?, logo_type = ? WHERE name = ?", (logo, content_type, normal(name))
            )

    def logo(self, name: str) -> tuple[bytes, str] | None:
        """A user's picture and its type."""
        with self._lock:
            row = self._db.execute("SELECT logo, logo_type FROM users WHERE name = ?", (normal(name),)).fetchone()
        return (row[0], row[1]) if row and row[0] else None

    def is_empty(self) -> bool:
        """Whether nobody has been added yet."""
        with self._lock:
            return self._db.execute("SELECT 1 FROM users").fetchone() is None

    def remembers(self, name: str, password: str) -> bool:
        """Whether these credentials were verified before and still hold. Takes microseconds, never argon2."""
        stored = self._stored(name)
        remembered = self._remembered.get(normal(name), b"")
        return stored is not None and hmac.compare_digest(remembered, self._digest(name, password, stored))

    def verify(self, name: str, password: str) -> bool:
        """Whether this is the user's password. Blocks for tens of ms, for unknown users just as long."""
        if self.remembers(name, password):  # somebody else may have waited for the same answer
            return True
        stored = self._stored(name)
        try:
            self._hasher.verify(stored or self._unknown, normal(password))
        except (VerificationError, InvalidHashError):
            return False
        if stored is None:
            return False
        self._remembered[normal(name)] = self._digest(name, password, stored)
        return True

    def close(self) -> None:
        """Close the database."""
        with self._lock, self._reading:
            self._db.close()
            self._reader.close()

    def _hash(self, password: str) -> str:
        if not password:
            raise ValueError("an empty password is no password")
        return self._hasher.hash(normal(password))

    def _stored(self, name: str) -> str | None:
        with self._reading:
            row = self._reader.execute("SELECT hash FROM users WHERE name = ?", (normal(name),)).fetchone()
        return row[0] if row else None

    def _digest(self, name: str, password: str, stored: str) -> bytes:
        # None of the three parts can hold a NUL that would let one run into the next: names are printable,
        # argon2's hashes are ASCII, and the password comes last.
        message = "\0".join([normal(name), stored, normal(password)]).encode("utf-8", "surrogatepass")
        return hmac.new(self._key, message, hashlib.sha256).digest()


def normal(text: str) -> str:
    """Windows and macOS type é differently; RFC 7617 wants NFC."""
    return unicodedata.normalize("NFC", text)
