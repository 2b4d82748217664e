"""Small whole documents."""

from __future__ import annotations


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


def revised(data: bytes, text: str) -> bytes:
    """Return a PDF with one more revision behind it: both are whole, so only time tells which one is meant."""
    body = data + b"% " + text.encode() + b"\n"
    return body + b"xref\n0 0\ntrailer\n<</Size 2/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(body)
