"""Small whole documents, and the way the drive keeps them."""

from __future__ import annotations

from ingisfs.outbox.document import new_id
from ingisfs.outbox.outbox import Draft, Outbox, Release
from ingisfs.selftest.documents import pdf, xml

__all__ = ["keep", "pdf", "xml"]


def keep(outbox: Outbox, name: str, data: bytes, *, folder: str = "", close: bool = True) -> str:
    """Print one document as the drive does; returns its id."""
    document_id = new_id()
    outbox.keep(Draft(document_id, folder, name, data, 1_790_000_000_000_000_000))
    if close:
        outbox.release([Release(document_id, changed=True)])
    return document_id
