"""stage.db: the small SQLite file with the users and with what is known about the documents.

Each module makes its own tables. Every connection is used under a lock of its owner, from any thread.
"""

from __future__ import annotations

import sqlite3
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
