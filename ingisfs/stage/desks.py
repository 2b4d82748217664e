"""Each King user has a desk: an inbox, and receipts for what comes into it. Nobody sees another's.

The first user's inbox is the folder `inbox`, where a person looks for it; the others' are below `users`.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path

from ingisfs.stage.inbox import Inbox
from ingisfs.stage.receipts import Receipts

FIRST_USER = "king"


@dataclass(frozen=True, slots=True)
class Desk:
    """What one King user has."""

    user: str
    inbox: Inbox
    receipts: Receipts


class Desks:
    """All desks of a stage folder, each opened when it is first asked for. Safe from any thread; `close` at the end."""

    def __init__(self, folder: Path, *, size_limit: int) -> None:
        self._folder = folder
        self._size_limit = size_limit
        self._lock = threading.Lock()  # held for every use of the two below
        self._desks: dict[str, Desk] = {}
        self._held = contextlib.ExitStack()

    def of(self, user: str) -> Desk:
        """The desk of a King user. Raises OSError, sqlite3.Error."""
        with self._lock:
            desk = self._desks.get(user)
            if desk is None:
                desk = self._desks[user] = self._open(user)
            return desk

    def _open(self, user: str) -> Desk:  # needs _lock
        folder = self._folder
        if user != FIRST_USER:
            folder = folder / "users" / hashlib.sha256(user.encode()).hexdigest()[:16]
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        inbox = self._held.enter_context(contextlib.closing(Inbox(folder, size_limit=self._size_limit)))
        receipts = self._held.enter_context(contextlib.closing(Receipts(self._folder, inbox, user)))
        return Desk(user, inbox, receipts)

    def close(self) -> None:
        """Close all of them."""
        self._held.close()
