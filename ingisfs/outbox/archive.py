"""Where the bytes of delivered documents go: into plain files by day, out of the database, away after their time."""

from __future__ import annotations

import logging
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ingisfs.crashpoints import crashpoint
from ingisfs.outbox.document import Document
from ingisfs.outbox.outbox import Outbox
from ingisfs.outbox.reading import DamagedError

log = logging.getLogger(__name__)

ROUND = 50  # documents in one go


class Archive:
    """`archive/2026/11/24/F123.pdf`, written whole or not at all."""

    def __init__(self, outbox: Outbox, days: float) -> None:
        """Keep files for `days` days; with 0 the bytes are dropped when the root no longer lists a document."""
        self._outbox = outbox
        self._days = days
        self._folder = outbox.archive_folder
        self._last_sweep = float("-inf")

    def round(self) -> None:
        """Move some bytes out of the database, give space back, and once an hour remove what is too old."""
        documents = self._outbox.unlisted_payloads(ROUND)
        for document in documents:
            try:
                self._outbox.archived(document, self._store(document) if self._days else None)
            except (DamagedError, OSError) as error:
                log.error("cannot archive document %s %s: %s", document.id, document.name, error)
        if documents:
            self._outbox.give_back_space()
        now = self._outbox.clock.boot()
        if self._days and now - self._last_sweep > 3600:
            self._last_sweep = now
            self._sweep()

    def _store(self, document: Document) -> str:
        data = self._outbox.payload(document.id)
        day = datetime.fromtimestamp(document.delivered_at or 0, UTC).strftime("%Y/%m/%d")
        folder = self._folder / day
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = document.name
        if (folder / name).exists():
            name = f"{document.id}-{document.name}"[-200:]
        temporary = folder / f".{document.id}.part"
        with open(temporary, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        crashpoint("archive.before")
        temporary.replace(folder / name)
        sync_folder(folder)
        crashpoint("archive.after")
        return f"{day}/{name}"

    def _sweep(self) -> None:
        """Remove whole days that are past their time."""
        limit = datetime.fromtimestamp(self._outbox.clock.wall(), UTC) - timedelta(days=self._days)
        for day in self._folder.glob("[0-9]*/[0-9]*/[0-9]*"):
            try:
                when = datetime.strptime("/".join(day.parts[-3:]), "%Y/%m/%d").replace(tzinfo=UTC)
            except ValueError:
                continue
            if when + timedelta(days=1) < limit:
                self._outbox.forget_archived("/".join(day.parts[-3:]))
                shutil.rmtree(day, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can. Raises OSError."""
    if hasattr(os, "O_DIRECTORY"):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
