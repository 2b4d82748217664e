"""Who is logged in on the pages: a random token in a cookie, of which the database keeps the SHA-256 only.

A token is made anew at each log-in and change of password, so none that somebody planted before is ever good. Each
session has a second token, which must come along with everything that changes something.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ingisfs.stage.database import Database

COOKIE = "ingis-session"
IDLE_SECONDS = 12 * 3600
LONGEST_SECONDS = 7 * 86_400

_NOTE_SECONDS = 60  # so often, at most, it is written down that a session is in use
_TABLES = """
CREATE TABLE IF NOT EXISTS sessions (
    digest TEXT PRIMARY KEY, user TEXT NOT NULL, csrf TEXT NOT NULL, made_at REAL NOT NULL, seen_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS sessions_user ON sessions (user);
"""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in. `csrf` is what their forms must send along."""

    user: str
    csrf: str
    digest: str

    def is_right(self, csrf: object) -> bool:
        """Whether a form came from our own page."""
        return isinstance(csrf, str) and hmac.compare_digest(csrf.encode(), self.csrf.encode())


class Sessions:
    """All sessions. Safe from any thread. Raises sqlite3.Error."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.prepare(_TABLES)

    def start(self, user: str) -> str:
        """Log somebody in; returns the cookie's token. Sessions that are over are forgotten meanwhile."""
        token, now = secrets.token_urlsafe(32), time.time()
        with self._database.transaction() as db:
            db.execute(
                "DELETE FROM sessions WHERE seen_at < ? OR made_at < ?", (now - IDLE_SECONDS, now - LONGEST_SECONDS)
            )
            db.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?)",
                (_digest(token), user, secrets.token_urlsafe(32), now, now),
            )
        return token

    def find(self, token: str) -> Session | None:
        """The session of a cookie's token, None if there is none or it is over."""
        now = time.time()
        row = self._database.row(
            "SELECT * FROM sessions WHERE digest = ? AND seen_at > ? AND made_at > ?",
            _digest(token),
            now - IDLE_SECONDS,
            now - LONGEST_SECONDS,
        )
        if row is None:
            return None
        if row["seen_at"] < now - _NOTE_SECONDS:
            with self._database.transaction() as db:
                db.execute("UPDATE sessions SET seen_at = ? WHERE digest = ?", (now, row["digest"]))
        return Session(row["user"], row["csrf"], row["digest"])

    def end(self, session: Session) -> None:
        """Log out."""
        with self._database.transaction() as db:
            db.execute("DELETE FROM sessions WHERE digest = ?", (session.digest,))

    def end_all(self, user: str) -> None:
        """Log somebody out wherever they are logged in."""
        with self._database.transaction() as db:
            db.execute("DELETE FROM sessions WHERE user = ?", (user,))


class Throttle:
    """Slows down who guesses: `most` failures within `seconds` for each name. Safe from any thread."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: dict[str, deque[float]] = {}

    def wait(self, name: str) -> float:
        """Seconds until this name may be tried again; 0 for now."""
        with self._lock:
            recent = self._recent(name)
            return recent[0] + self._seconds - self._clock() if recent and len(recent) >= self._most else 0.0

    def failed(self, name: str) -> None:
        """Note a wrong password."""
        with self._lock:
            if len(self._failures) > 10_000:  # names that somebody made up
                self._failures = {each: kept for each in list(self._failures) if (kept := self._recent(each))}
            recent = self._recent(name)
            if recent is None:
                recent = self._failures[name] = deque(maxlen=self._most)
            recent.append(self._clock())

    def succeeded(self, name: str) -> None:
        """Forget the failures of a name."""
        with self._lock:
            self._failures.pop(name, None)

    def _recent(self, name: str) -> deque[float] | None:  # needs _lock
        failures = self._failures.get(name)
        while failures and failures[0] <= self._clock() - self._seconds:
            failures.popleft()
        return failures


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
