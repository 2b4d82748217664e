"""Where the bytes of delivered documents go: into plain files by day, out of the database, away after their time."""

from __future__ import annotations

import logging
import os
import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ingisfs import names
from ingisfs.crashpoints import crashpoint
from ingisfs.outbox.document import Document
from ingisfs.outbox.outbox import Outbox
from ingisfs.outbox.reading import DamagedError

log = logging.getLogger(__name__)

ROUND = 50  # documents in one go
SWEEP = 3600.0  # s between two looks for what is too old, and new tries of what failed
LONGEST = 36_500.0  # days; more than that is for ever


class Archive:
    """`archive/2026/11/24/F123.pdf`, written whole or not at all. Only what was delivered ever comes here."""

    def __init__(self, outbox: Outbox, days: float) -> None:
        """Keep files for `days` days; with 0 the bytes are dropped when the root no longer lists a document."""
        self._outbox = outbox
        self._days = min(days, LONGEST)
        self._folder = outbox.archive_folder
        self._last_sweep = float("-inf")
        self._failed = 0  # number of the last document that could not be archived: the others go on

    def round(self) -> None:
        """Move some bytes out of the database, give space back, and once an hour remove what is too old."""
        now = self._outbox.clock.boot()
        due = now - self._last_sweep > SWEEP
        if due:
            self._last_sweep, self._failed = now, 0
        documents = self._outbox.unlisted_payloads(ROUND, self._failed)
        for document in documents:
            try:
                self._outbox.archived(document, self._store(document) if self._days else None)
            except (DamagedError, OSError) as error:
                log.error("cannot archive document %s %s: %s", document.id, document.name, error)
                self._failed = document.number
        if documents:
            self._outbox.give_back_space()
        if self._days and due:
            self._sweep()

    def _store(self, document: Document) -> str:
        """Write a document to its day and return its path below the archive. Raises DamagedError, OSError."""
        data = self._outbox.payload(document.id)
        day = self._outbox.sent_day(document.number).replace("-", "/")
        folder = self._folder / day
        self._make(folder)
        temporary = folder / f".{document.id}.part"
        with open(temporary, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        crashpoint("archive.before")
        name = self._name(folder, document, data)
        try:
            temporary.replace(folder / name)
        except OSError:  # too long with its folder, as Windows counts
            name = f"{document.id}.{names.split(name)[1]}"
            temporary.replace(folder / name)
        sync_folder(folder)
        crashpoint("archive.after")
        return f"{day}/{name}"

    def _make(self, folder: Path) -> None:
        """Make a day's folder and all above it, for their owner alone; their names are durable too."""
        if folder.is_dir():
            return
        for made in (self._folder, folder.parent.parent, folder.parent, folder):
            made.mkdir(mode=0o700, exist_ok=True)
            sync_folder(made.parent)

    @staticmethod
    def _name(folder: Path, document: Document, data: bytes) -> str:
        """Return a name that is free, or is a copy of these bytes: from a time when the record was not written."""
        name, count = document.name, 1
        while True:
            try:
                if (folder / name).read_bytes() == data:
                    return name
            except OSError:  # free, or impossible: then the rename says so
                return name
            count += 1
            name = names.numbered(document.name, count)

    def _sweep(self) -> None:
        """Remove whole days that are past their time."""
        limit = datetime.fromtimestamp(self._outbox.clock.wall(), UTC) - timedelta(days=self._days)
        for day in self._folder.glob("[0-9]*/[0-9]*/[0-9]*"):
            try:
                when = datetime.strptime("/".join(day.parts[-3:]), "%Y/%m/%d").replace(tzinfo=UTC)
            except ValueError:
                continue
            # A day is over everywhere on earth two days after it began in London.
            if when + timedelta(days=2) < limit:
                self._outbox.forget_archived("/".join(day.parts[-3:]))
                shutil.rmtree(day, ignore_errors=True)
                for above in (day.parent, day.parent.parent):
                    with suppress(OSError):  # there are other days in it
                        above.rmdir()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can. Raises OSError."""
    if hasattr(os, "O_DIRECTORY"):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
