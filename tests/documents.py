"""Small whole documents, and the way the drive keeps them."""

from __future__ import annotations

from ingisfs.outbox.document import new_id
from ingisfs.outbox.outbox import Draft, Outbox, Release


def pdf(text: str = "factuur", size: int = 0) -> bytes:
    """Return a whole PDF that says `text`, padded to about `size` bytes."""
    body = b"%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\n% " + text.encode() + b"\n%" + b"x" * size + b"\n"
    table = len(body)
    entries = b"0000000000 65535 f \n0000000009 00000 n \n"
    trailer = b"trailer\n<</Size 2/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % table
    return body + b"xref\n0 2\n" + entries + trailer


def xml(text: str = "factuur") -> bytes:
    """Return a whole XML that says `text`."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<FACTUUR>{text}</FACTUUR>\n'.encode()


def keep(outbox: Outbox, name: str, data: bytes, *, folder: str = "", close: bool = True) -> str:
    """Print one document as the drive does; returns its id."""
    document_id = new_id()
    outbox.keep(Draft(document_id, folder, name, data, 1_790_000_000_000_000_000))
    if close:
        outbox.release([Release(document_id, changed=True)])
    return document_id
