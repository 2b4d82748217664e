"""A damaged outbox: set aside, never deleted; what can be read of it becomes held documents of a new one.

What was delivered is taken over as well, as a record without bytes, so that a second print of it is still noticed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ingisfs.outbox.document import ENDED, SENT, State
from ingisfs.outbox.reading import DATABASE

log = logging.getLogger(__name__)

DONE = "RECOVERED.txt"  # in a damaged folder from which all that can be read was taken over
CHECKED = 64 * 2**20  # bytes; a larger database is not read as a whole at every mount

_FIELDS = ("id", "folder", "name", "size", "sha256", "state", "modified_ns", "delivered_at", "remote_name")


@dataclass(frozen=True, slots=True)
class Found:
    """One document that could be read from a damaged outbox."""

    id: str
    folder: str
    name: str
    state: State
    data: bytes | None  # None: not there, or not the bytes on record
    modified_ns: int  # ns since 1970 UTC
    delivered_at: float | None  # s since 1970 UTC
    remote_name: str | None
    size: int  # bytes, by the record
    sha256: str  # by the record


def is_sound(state_folder: Path) -> bool:
    """Read a database of moderate size as a whole; tell whether SQLite finds nothing wrong. Under the drive's lock."""
    path = state_folder / "outbox" / DATABASE
    if not path.exists() or path.stat().st_size == 0:
        return True
    try:
        with closing(_connect(path)) as con:
            if path.stat().st_size > CHECKED:
                return con.execute("SELECT count(*) FROM sqlite_master").fetchone() is not None
            return bool(con.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.OperationalError as error:
        return "malformed" not in str(error)  # locked or full is no damage
    except sqlite3.DatabaseError:
        return False


def set_aside(state_folder: Path) -> Path:
    """Move the damaged files out of the way and return where they are now. Under the drive's and the courier's lock."""
    place = state_folder / f"damaged-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    number = 0
    while place.exists():
        number += 1
        place = place.with_name(f"{place.name.partition('+')[0]}+{number}")
    (state_folder / "outbox").rename(place)
    return place


def unfinished(state_folder: Path) -> list[Path]:
    """Return the damaged folders that were not read to their end: a kill may come between."""
    return [place for place in sorted(state_folder.glob("damaged-*")) if not (place / DONE).exists()]


def finish(damaged: Path, count: int) -> None:
    """Note that a damaged folder was read to its end."""
    with open(damaged / DONE, "w", encoding="utf-8") as file:
        file.write(f"{count} documents were recovered from here.\n")
        file.flush()
        os.fsync(file.fileno())


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5, isolation_level=None)


def read(damaged: Path) -> Iterator[Found]:
    """Yield every document that can still be read, one by one: a page that is gone takes only its own with it."""
    try:
        con = _connect(damaged / DATABASE)
    except sqlite3.Error as error:
        log.error("nothing can be read: %s", error)
        return
    with closing(con):
        for number in _numbers(con):
            try:
                fields = f"SELECT {', '.join(_FIELDS)} FROM documents WHERE number = ?"
                row = con.execute(fields, (number,)).fetchone()
                if row is not None:
                    yield _found(con, dict(zip(_FIELDS, row, strict=True)))
            except (sqlite3.Error, ValueError, TypeError) as error:
                log.error("document %d cannot be read: %s", number, error)


def _numbers(con: sqlite3.Connection) -> Iterator[int]:
    """Yield the numbers of all documents; all that there may be, if they cannot be listed."""
    highest = 0
    for query in ("SELECT max(number) FROM documents", "SELECT max(entry) FROM history"):
        with suppress(sqlite3.Error):
            highest = max(highest, int(con.execute(query).fetchone()[0] or 0))
    yield from range(1, highest + 1)


def _found(con: sqlite3.Connection, row: dict[str, Any]) -> Found:
    data: bytes | None = None
    with suppress(sqlite3.Error):
        stored = con.execute("SELECT value FROM Cache WHERE key = ? AND raw = 1", (row["id"],)).fetchone()
        if stored is not None and isinstance(stored[0], bytes):
            data = stored[0]
    if data is not None and hashlib.sha256(data).hexdigest() != row["sha256"]:
        data = None
    return Found(
        id=str(row["id"]),
        folder=str(row["folder"]),
        name=str(row["name"]),
        state=State(row["state"]),
        data=data,
        modified_ns=int(row["modified_ns"]),
        delivered_at=row["delivered_at"],
        remote_name=row["remote_name"],
        size=int(row["size"]),
        sha256=str(row["sha256"]),
    )


def matters(found: Found) -> bool:
    """Tell whether a document belongs into the new outbox: it still had to go, or it was delivered."""
    return found.state in SENT or (found.state not in ENDED and found.state is not State.LOCAL)
