"""The handbook that the start page offers: two pages of PDF, written here with the fonts that every reader has."""

from __future__ import annotations

from functools import cache

from ingisfs.stage.reasons import REASONS
from ingisfs.stage.sentences import LANGUAGES, say

_CHAPTERS = (
    (
        ("Handboek bij de lokale INGIS", "Handbook of the local INGIS"),
        (
            "INGIS ontvangt uw facturen uit King en brengt ze naar uw klanten. Dit handboek hoort bij de lokale INGIS: "
            "een oefenomgeving op uw eigen computer, waarin alles werkt als bij de echte.",
            "INGIS receives your invoices from King and brings them to your customers. This handbook belongs to the "
            "local INGIS: a place to practise on your own computer, where all works as with the real one.",
        ),
    ),
    (
        ("1. Facturen insturen", "1. Sending invoices"),
        (
            "Druk in King af naar de schijf X:. Of sleep bestanden naar Facturen uploaden. PDF en XML van een factuur "
            "hebben dezelfde naam, bijvoorbeeld 20260001.pdf en 20260001.xml. Een bijlage heet 20260001-1.pdf.",
            "Print in King to the drive X:. Or drag files to Upload invoices. PDF and XML of an invoice have the same "
            "name, for instance 20260001.pdf and 20260001.xml. An attachment is called 20260001-1.pdf.",
        ),
    ),
    (
        ("2. Wat ervan geworden is", "2. What became of them"),
        (
            "Geweigerd: de factuur is niet aangenomen; de reden staat erbij. Nieuw: de klant kan haar lezen en kreeg "
            "bericht. Verzonden: zij ging als bijlage per e-mail. Bekeken: de klant heeft haar geopend.",
            "Refused: the invoice was not taken; the reason is beside it. New: the customer can read it and was told. "
            "Sent: it went by e-mail as an attachment. Viewed: the customer has opened it.",
        ),
    ),
    (
        ("3. Klanten", "3. Customers"),
        (
            "Een klant heeft hetzelfde debiteurnummer als in King. U kiest wat de klant ontvangt (PDF, XML, beide) en "
            "waar (in het portaal, per e-mail). Veel klanten tegelijk: importeer een CSV-bestand.",
            "A customer has the same debtor number as in King. You choose what the customer receives (PDF, XML, both) "
            "and where (in the portal, by e-mail). Many at once: import a CSV file.",
        ),
    ),
    (("4. Waarom een factuur geweigerd wordt", "4. Why an invoice is refused"), ("", "")),
)
_WIDTH, _LEFT, _TOP, _BOTTOM = 595, 56, 780, 60
_CHARACTERS = 88  # of a line of 11 point Helvetica, about


@cache
def handbook(language: str) -> bytes:
    """The handbook as a PDF."""
    which = LANGUAGES.index(language)
    lines: list[tuple[int, str]] = []  # size in points, text
    for titles, texts in _CHAPTERS:
        lines += [(0, ""), (16 if not lines else 13, titles[which]), *((11, line) for line in _wrapped(texts[which]))]
    for reason in REASONS:
        lines += [(0, ""), (11, say(language, f"title_{reason}") + ":")]
        lines += [(11, line) for line in _wrapped(say(language, f"advice_{reason}"))]
    pages: list[list[bytes]] = [[]]
    y = _TOP
    for size, text in lines:
        y -= size + 5 if size else 9
        if y < _BOTTOM:
            pages.append([])
            y = _TOP
        if text:
            font = b"/F2" if size > 11 else b"/F1"
            shown = text.encode("cp1252", "replace").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
            pages[-1].append(b"BT %s %d Tf %d %d Td (%s) Tj ET" % (font, size, _LEFT, y, shown))
    return _pdf([b"\n".join(page) for page in pages])


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _CHARACTERS:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [line for line in lines if line]


def _pdf(contents: list[bytes]) -> bytes:
    """A PDF of these pages."""
    kids = " ".join(f"{5 + 2 * number} 0 R" for number in range(len(contents)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(contents)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
    ]
    for number, content in enumerate(contents):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d 842] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>" % (_WIDTH, 6 + 2 * number)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)
