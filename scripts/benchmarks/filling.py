"""An outbox with many documents, made in process: the steps of drive and courier, many in one transaction."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from ingisfs.outbox.document import Document, State, new_id
from ingisfs.outbox.intake import Rules
from ingisfs.outbox.outbox import Decision, Draft, Outbox, Release

BATCH = 500  # documents in one transaction


class Filling:
    """The folder of a drive whose outbox gets more and more documents of 1 KB that wait, or that were delivered."""

    def __init__(self, base: Path, state: str) -> None:
        """`base` as in tests/mounts.py; `state` is "waiting" or "delivered"."""
        self.base = base
        self._delivered = state == "delivered"
        self._made = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the folder to whoever made it."""

    def to(self, documents: int) -> None:
        """Have so many documents, at least. The drive must not be mounted."""
        folder = self.base / "state"
        folder.mkdir(exist_ok=True)
        outbox = Outbox(folder, settle=0.0)
        try:
            while self._made < documents:
                self._add(outbox, min(BATCH, documents - self._made))
                if outbox.wal_size() > 2**26:
                    outbox.checkpoint()
            outbox.checkpoint()
        finally:
            outbox.close()

    def _add(self, outbox: Outbox, count: int) -> None:
        data = b"<?xml version='1.0'?><FACTUUR><NUMMER>%d</NUMMER>" + 900 * b" " + b"</FACTUUR>"
        remote_name = Rules().remote_name
        with outbox.transact():
            for number in range(self._made, self._made + count):
                name = f"W{number:06d}.xml"
                draft = Draft(new_id(), "", name, data % number, 1)
                outbox.keep(draft)
                outbox.release([Release(draft.id, changed=True)])
                document = outbox.document(draft.id)
                assert document is not None
                outbox.decide([Decision(document, State.QUEUED)])
                if self._delivered:
                    self._deliver(outbox, [document], remote_name(document))
        self._made += count

    def _deliver(self, outbox: Outbox, documents: list[Document], remote_name: str) -> None:
        queued = [found for d in documents if (found := outbox.document(d.id)) is not None]
        claimed = outbox.claim([(document, remote_name) for document in queued])
        outbox.finish(outbox.mark_publishing([[(document, "")] for document in claimed]))
