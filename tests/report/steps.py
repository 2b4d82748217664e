"""Moves documents along their path as the drive and the courier do."""

from __future__ import annotations

from ingisfs.outbox.document import Document, Reason, State
from ingisfs.outbox.outbox import Answer, Decision, Outbox
from tests.documents import keep, pdf, xml


class Steps:
    """Each method returns the ids of its documents."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox

    def get(self, document_id: str) -> Document:
        document = self.outbox.document(document_id)
        assert document is not None
        return document

    def print(self, name: str, *, folder: str = "", data: bytes | None = None, close: bool = True) -> str:
        """King prints a document."""
        if data is None:
            data = xml() if name.lower().endswith(".xml") else pdf()
        return keep(self.outbox, name, data, folder=folder, close=close)

    def queue(self, *names: str) -> list[str]:
        ids = [self.print(name) for name in names]
        self.outbox.decide([Decision(self.get(document_id), State.QUEUED) for document_id in ids])
        return ids

    def upload(self, *names: str) -> list[str]:
        ids = self.queue(*names)
        self.outbox.claim([(self.get(document_id), name) for document_id, name in zip(ids, names, strict=True)])
        return ids

    def publish(self, *names: str) -> list[str]:
        ids = self.upload(*names)
        self.outbox.mark_publishing([[(self.get(document_id), "tag")] for document_id in ids])
        return ids

    def deliver(self, *names: str) -> list[str]:
        ids = self.publish(*names)
        self.outbox.finish([self.get(document_id) for document_id in ids])
        return ids

    def answer(self, name: str, after: State, detail: str = "") -> str:
        """INGIS takes, accepts or refuses a document."""
        (document_id,) = self.deliver(name)
        assert self.outbox.hear([Answer(document_id, after, detail)])
        return document_id

    def hold(self, name: str, reason: Reason, detail: str = "", *, folder: str = "", data: bytes | None = None) -> str:
        document_id = self.print(name, folder=folder, data=data)
        self.outbox.decide([Decision(self.get(document_id), State.HELD, reason, detail)])
        return document_id

    def park(self, name: str, reason: Reason, detail: str = "") -> str:
        (document_id,) = self.queue(name)
        self.outbox.park(self.get(document_id), reason, detail)
        return document_id
