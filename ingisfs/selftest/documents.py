"""Small whole documents."""

from __future__ import annotations

from collections.abc import Sequence


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


def page(lines: Sequence[str]) -> bytes:
    """Return a whole PDF of one A4 page that shows these lines; what is not Latin-1 is shown as a question mark."""
    escaped = [line.translate({ord(c): f"\\{c}" for c in "\\()"}).encode("latin-1", "replace") for line in lines]
    drawn = b"BT /F 14 Tf 60 760 Td 22 TL\n" + b"".join(b"(%s) Tj T*\n" % line for line in escaped) + b"ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(drawn), drawn),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ]
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    entries = b"0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(body))
    return body + b"xref\n0 %d\n" % (len(objects) + 1) + entries + trailer
