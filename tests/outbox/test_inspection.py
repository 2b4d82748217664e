"""Whole documents pass, cut ones do not: PDFs of many producers, XML in many encodings, and anything hypothesis finds.

The PDFs are made here by Ghostscript, Chromium, LibreOffice and fpdf2, once per session; more come from the samples
that lie beside the project, where they are there.
"""

from __future__ import annotations

import gc
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fpdf import FPDF
from hypothesis import given, settings
from hypothesis import strategies as st

from ingisfs.outbox.inspection import MAX_DEPTH, Flaw, Inspection, inspect, inspect_pdf, inspect_xml

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"
SAMPLE_PDFS = sorted(SAMPLES.rglob("*.pdf"))
SAMPLE_XMLS = sorted(SAMPLES.rglob("*.xml"))
needs_samples = pytest.mark.skipif(not SAMPLE_PDFS, reason=f"no samples in {SAMPLES}")

PADDING = b"\0\t\n\f\r \x1a"
WHOLE = Inspection(None, "")


# ---- PDFs of four producers ------------------------------------------------------------------------------------------

PAGES = "/Helvetica findfont 20 scalefont setfont 1 1 30 { pop 72 700 moveto (Factuur 2026-1) show showpage } for"
HTML = "<!DOCTYPE html><title>Factuur</title><h1>Factuur 2026-1</h1><p>Café Brontë, € 12,10</p>"
PRODUCERS = [
    "ghostscript",
    "ghostscript 1.4",
    "ghostscript linearized",
    "ghostscript encrypted",
    "chromium",
    "libreoffice",
    "fpdf2",
    "fpdf2 with a PDF inside",
]


@pytest.fixture(scope="session")
def produced(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A PDF of each producer."""
    if sys.platform == "win32":
        pytest.skip("the producers run on Linux")
    folder = tmp_path_factory.mktemp("produced")

    def run(*command: object) -> None:
        subprocess.run([str(word) for word in command], cwd=folder, check=True, capture_output=True, timeout=180)

    def ghostscript(name: str, *options: str) -> bytes:
        command = ["gs", "-q", "-dNOPAUSE", "-dBATCH", "-sDEVICE=pdfwrite", f"-sOutputFile={name}", *options]
        run(*command, "-c", PAGES)
        return (folder / name).read_bytes()

    (folder / "page.html").write_text(HTML, encoding="utf-8")
    headless = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"
    quiet = "--disable-component-update --disable-sync"
    profile = f"--user-data-dir={folder / 'chromium'}"
    run("chromium", *headless.split(), *quiet.split(), profile, "--print-to-pdf=chromium.pdf", "page.html")
    home = f"-env:UserInstallation={(folder / 'soffice').as_uri()}"
    run("soffice", "--headless", home, "--convert-to", "pdf", "--outdir", folder, folder / "page.html")
    plain = fpdf2()
    return {
        "ghostscript": ghostscript("plain.pdf"),
        "ghostscript 1.4": ghostscript("old.pdf", "-dCompatibilityLevel=1.4"),
        "ghostscript linearized": ghostscript("linearized.pdf", "-dFastWebView=true"),
        "ghostscript encrypted": ghostscript(
            "encrypted.pdf",
            "-dCompatibilityLevel=1.4",
            "-dEncryptionR=3",
            "-dKeyLength=128",
            "-sOwnerPassword=owner",
            "-sUserPassword=user",
        ),
        "chromium": (folder / "chromium.pdf").read_bytes(),
        "libreoffice": (folder / "page.pdf").read_bytes(),
        "fpdf2": plain,
        "fpdf2 with a PDF inside": fpdf2(attachment=plain),
    }


def fpdf2(attachment: bytes = b"") -> bytes:
    """A small invoice by fpdf2, with another PDF in it, not compressed."""
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=12)
    pdf.cell(text="Factuur 2026-1")
    if attachment:
        pdf.embed_file(basename="1.pdf", bytes=attachment, compress=False)
    return bytes(pdf.output())


@pytest.fixture(params=PRODUCERS)
def pdf(request: pytest.FixtureRequest, produced: dict[str, bytes]) -> bytes:
    """One producer's PDF after the other."""
    return produced[request.param]


@pytest.fixture
def small(produced: dict[str, bytes]) -> bytes:
    """A PDF whose tail is easy to change."""
    return produced["fpdf2"]


def cuts(data: bytes) -> Iterator[int]:
    """Every length in the last 2 KiB, every one around an `%%EOF`, and each 29th elsewhere, below the whole content."""
    content = len(data.rstrip(PADDING))
    lengths = {*range(max(0, content - 2048), content), *range(0, content, 29)}
    for found in re.finditer(b"%%EOF", data):
        lengths.update(range(found.end() - 32, found.end() + 64))
    return (length for length in sorted(lengths) if 0 <= length < content)


def updated(data: bytes, body: bytes = b"", opening: bytes = b"") -> bytes:
    """The same PDF with an incremental update appended: one more object, `body` being its stream."""
    before = re.findall(rb"startxref\s+(\d+)", data)[-1].decode()
    number = int(max(re.findall(rb"/Size (\d+)", data), key=int))
    content = b"\n" + opening
    where = len(data) + len(content)
    content += f"{number} 0 obj\n<< /Length {len(body)} >>\nstream\n".encode() + body + b"\nendstream\nendobj\n"
    start = len(data) + len(content)
    content += f"xref\n{number} 1\n{where:010} 00000 n \n".encode()
    content += f"trailer\n<< /Size {number + 1} /Prev {before} >>\nstartxref\n{start}\n%%EOF\n".encode()
    return data + content


def test_a_pdf_of_each_producer_is_whole(pdf: bytes) -> None:
    assert inspect_pdf(pdf) == WHOLE


def test_a_pdf_cut_anywhere_is_not_whole(pdf: bytes) -> None:
    assert [length for length in cuts(pdf) if inspect_pdf(pdf[:length]).flaw is None] == []


def test_only_white_space_may_go_behind_the_end(pdf: bytes) -> None:
    content = len(pdf.rstrip(PADDING))
    assert {inspect_pdf(pdf[:length]) for length in range(content, len(pdf) + 1)} == {WHOLE}


def test_an_updated_pdf_is_whole(pdf: bytes) -> None:
    assert inspect_pdf(updated(pdf)) == WHOLE
    assert inspect_pdf(updated(updated(pdf))) == WHOLE


def test_an_update_cut_anywhere_is_not_whole(pdf: bytes) -> None:
    update = updated(pdf, body=b"x" * 100)
    cut_inside = [n for n in range(len(pdf) + 2, len(update) - 1) if inspect_pdf(update[:n]).flaw is None]
    assert cut_inside == []


def test_a_cut_exactly_between_two_revisions_leaves_a_whole_pdf(small: bytes) -> None:
    assert inspect_pdf(updated(small)[: len(small)]) == WHOLE


def test_an_update_that_opens_with_a_comment_is_found_cut_behind_it(small: bytes) -> None:
    opening = b"%BeginExifToolUpdate\n"
    update = updated(small, opening=opening)
    assert inspect_pdf(update) == WHOLE
    begun = len(small) + 1 + len(opening)
    assert inspect_pdf(update[:begun]) == WHOLE  # the earlier revision and a remark
    assert [n for n in range(begun + 1, len(update) - 1) if inspect_pdf(update[:n]).flaw is None] == []


def test_an_update_of_a_table_only_is_found_cut(small: bytes) -> None:
    # Word closes its PDFs like this: a second, empty table for old readers.
    update = small + b"xref\n0 0\ntrailer\n<< /Size 9 /Prev 1 >>\nstartxref\n%d\n%%%%EOF\n" % len(small)
    assert inspect_pdf(update) == WHOLE
    assert [n for n in range(len(small) + 1, len(update) - 1) if inspect_pdf(update[:n]).flaw is None] == []


def test_the_end_of_an_attached_pdf_is_not_the_end(small: bytes, produced: dict[str, bytes]) -> None:
    outer = updated(produced["libreoffice"], body=small)
    inner_end = outer.rindex(small) + len(small)
    assert inspect_pdf(outer) == WHOLE
    assert inspect_pdf(outer[:inner_end]).flaw is Flaw.PDF_NO_XREF
    assert [n for n in cuts(outer) if n > inner_end - len(small) and inspect_pdf(outer[:n]).flaw is None] == []


def test_two_documents_in_one_file_are_a_flaw(small: bytes, produced: dict[str, bytes]) -> None:
    found = inspect_pdf(produced["libreoffice"] + small)
    assert found.flaw is Flaw.PDF_NO_XREF
    assert "another PDF begins at byte" in found.detail


def test_a_linearized_pdf_is_measured_by_its_declared_length(produced: dict[str, bytes]) -> None:
    linearized = produced["ghostscript linearized"]
    assert b"/Linearized" in linearized[:1024]
    # The end moved forward, as if a part in the middle had never been written.
    found = inspect_pdf(linearized[:4000] + linearized[8000:])
    assert found.flaw is Flaw.PDF_NO_END
    assert f"{len(linearized)}" in found.detail


def test_the_first_part_of_a_linearized_pdf_is_not_whole(produced: dict[str, bytes]) -> None:
    linearized = produced["ghostscript linearized"].replace(b"/Linearized", b"/Linearised")
    first_end = linearized.index(b"%%EOF") + 5
    assert inspect_pdf(linearized[:first_end]) == Inspection(
        Flaw.PDF_NO_END, "startxref 0: only the first part of a linearized file"
    )


@pytest.mark.parametrize("junk", [b"\r\n", b"\x1b%-12345X@PJL JOB\r\n@PJL ENTER LANGUAGE=PDF\r\n", b"x" * 1023])
def test_junk_before_the_header_is_fine(pdf: bytes, junk: bytes) -> None:
    assert inspect_pdf(junk + pdf) == WHOLE


def test_offsets_may_count_the_junk_before_the_header(small: bytes) -> None:
    junk = b"@PJL\r\n" * 50
    start = re.findall(rb"startxref\n(\d+)", small)[-1]
    counted = small.replace(b"startxref\n" + start, b"startxref\n%d" % (int(start) + len(junk)))
    assert inspect_pdf(junk + counted) == WHOLE


def test_a_header_behind_the_first_kib_is_none(small: bytes) -> None:
    assert inspect_pdf(b"x" * 1024 + small).flaw is Flaw.PDF_NO_HEADER


@pytest.mark.parametrize(
    "trailer",
    [
        b"\0" * 512,
        b"\0" * 100_000,
        b" \r\n\x1a",
        b"\x04",
        b"\r\n\x1b%-12345X@PJL EOJ NAME=\"Factuur\"\r\n\x1b%-12345X",
        b"\x1b%-12345X" + b"\0" * 4096,
        b"\n%%EOF\n",
        b"% produced in 12 ms\n",
        b"\r\n--boundary--\r\n",
    ],
)  # fmt: skip
def test_junk_behind_the_end_is_fine(pdf: bytes, trailer: bytes) -> None:
    assert inspect_pdf(pdf + trailer) == WHOLE


def test_a_tail_of_nuls_instead_of_the_end_is_not_whole(pdf: bytes) -> None:
    for lost in (10, 200, len(pdf) // 2):
        assert inspect_pdf(pdf[:-lost] + b"\0" * lost).flaw is Flaw.PDF_NO_END


def test_line_ends_rewritten_on_the_way_are_not_missing_bytes(small: bytes) -> None:
    assert inspect_pdf(small.replace(b"\n", b"\r\n")) == WHOLE


def test_an_offset_that_is_a_little_off_is_fine(pdf: bytes) -> None:
    start = re.findall(rb"startxref\s+(\d+)", pdf)[-1]
    at = pdf.rindex(start)
    for error in range(-8, 9):
        off = b"%d" % (int(start) + error)
        assert inspect_pdf(pdf[:at] + off + pdf[at + len(start) :]) == WHOLE, error


def test_a_block_missing_in_the_middle_is_found(small: bytes, produced: dict[str, bytes]) -> None:
    for whole in (small, produced["chromium"], produced["libreoffice"]):
        found = inspect_pdf(whole[:300] + whole[400:])
        assert found.flaw is Flaw.PDF_NO_XREF
        assert "bytes are missing" in found.detail


@pytest.mark.parametrize(
    ("data", "flaw"),
    [
        (b"", Flaw.EMPTY),
        (b"\0" * 5000, Flaw.PDF_NO_HEADER),
        (b"<html>502 Bad Gateway</html>", Flaw.PDF_NO_HEADER),
        (b"%PDF", Flaw.PDF_NO_HEADER),
        (b"%PDF-", Flaw.PDF_NO_END),
        (b"%PDF-1.4\n%%EOF", Flaw.PDF_NO_END),
        (b"%PDF-1.4\nstartxref\n%%EOF", Flaw.PDF_NO_END),
        (b"%PDF-1.4\nstartxref\n0\n%%EOF", Flaw.PDF_NO_END),
        (b"%PDF-1.4\nstartxref\n-1\n%%EOF", Flaw.PDF_NO_END),
        (b"%PDF-1.4\nstartxref\n9\n%%EOF", Flaw.PDF_NO_XREF),
        (b"%PDF-1.4\n1 0 obj<<>>endobj\nstartxref\n9\n%%EOF", Flaw.PDF_NO_XREF),
        (b"%PDF-1.4\nstartxref\n99999999999999999999\n%%EOF", Flaw.PDF_NO_XREF),
        (b"%PDF-1.4\nstartxref\n" + b"9" * 4000 + b"\n%%EOF", Flaw.PDF_NO_END),
        (b"%PDF-1.4\n1 0 obj<</Linearized 1/L " + b"9" * 400 + b">>\nstartxref\n9\n%%EOF", Flaw.PDF_NO_END),
    ],
)
def test_what_is_no_pdf_has_a_flaw(data: bytes, flaw: Flaw) -> None:
    assert inspect_pdf(data).flaw is flaw


# ---- the samples -----------------------------------------------------------------------------------------------------


def revision_ends(data: bytes) -> set[int]:
    """Where a revision ends: the file up to there is a whole PDF."""
    return {found.end() for found in re.finditer(rb"startxref\s+[1-9]\d*\s+%%EOF", data)}


@needs_samples
@pytest.mark.parametrize("path", SAMPLE_PDFS + SAMPLE_XMLS, ids=lambda path: path.name)
def test_every_sample_is_whole(path: Path) -> None:
    assert inspect(path.name, path.read_bytes()) == WHOLE


@needs_samples
@pytest.mark.parametrize("path", SAMPLE_PDFS, ids=lambda path: path.name)
def test_a_sample_pdf_cut_anywhere_is_not_whole(path: Path) -> None:
    data = path.read_bytes()
    ends = revision_ends(data)
    passed = [n for n in cuts(data) if inspect_pdf(data[:n]).flaw is None and len(data[:n].rstrip(PADDING)) not in ends]
    assert passed == []


@needs_samples
@pytest.mark.parametrize("path", SAMPLE_XMLS, ids=lambda path: path.name)
def test_a_sample_xml_cut_anywhere_is_not_whole(path: Path) -> None:
    data = path.read_bytes()
    content = data.rindex(b">") + 1
    lengths = {*range(0, content, content // 50), *range(content - 40, content)}
    assert [length for length in lengths if inspect_xml(data[:length]).flaw is None] == []


# ---- XML -------------------------------------------------------------------------------------------------------------

FACTUUR = """
<FACTUREN><!-- van King -->
  <FACTUUR NUMMER="2026-1" KLANT='Café "Brontë"'>
    <OMSCHRIJVING><![CDATA[Koffie & thee <vers>]]></OMSCHRIJVING>
    <NAAM>Zoë Daniël&#235;l &amp; Söhne</NAAM><BEDRAG VALUTA="EUR"/>
  </FACTUUR>
</FACTUREN>"""
PLACE = re.compile(r"line \d+, column \d+: .+")


def document(encoding: str, body: str = FACTUUR, declared: str | None = None) -> bytes:
    return f'<?xml version="1.0" encoding="{declared or encoding}"?>{body}'.encode(encoding)


@pytest.mark.parametrize(
    "data",
    [
        document("utf-8"),
        document("utf-8-sig", declared="UTF-8"),
        document("utf-8", declared="utf8"),
        document("utf-8-sig", declared="UTF8"),
        document("utf-8", FACTUUR + "<!-- € -->"),
        FACTUUR.lstrip().encode(),
        FACTUUR.encode(),
        document("utf-16"),
        b"\xff\xfe" + document("utf-16-le", declared="UTF-16"),
        b"\xfe\xff" + document("utf-16-be", declared="UTF-16"),
        FACTUUR.lstrip().encode("utf-16"),
        document("iso-8859-1"),
        document("iso-8859-15", FACTUUR + "<!-- € -->"),
        document("windows-1252", FACTUUR + "<!-- € “ ” -->"),
        document("cp850"),
        document("us-ascii", "<A>&#8364;</A>"),
    ],
)
def test_every_usual_encoding_is_read(data: bytes) -> None:
    assert inspect_xml(data) == WHOLE


@pytest.mark.parametrize("declared", ["UTF-8", "utf8"])
def test_windows_1252_that_says_utf_8_is_told_so(declared: str) -> None:
    found = inspect_xml(document("windows-1252", "\n\n<A>Café B</A>", declared=declared))
    assert found.flaw is Flaw.XML_NOT_WELL_FORMED
    assert found.detail.startswith("line 3, column 7: not well-formed (invalid token) (byte 0xe9 is not UTF-8")


def test_windows_1252_without_a_declaration_is_told_so() -> None:
    assert "0xe9 is not UTF-8" in inspect_xml("<A B='é'/>".encode("windows-1252")).detail


@pytest.mark.parametrize("declared", ["nonsense", "gb18030", "rot13", "idna", "unicode_escape", "utf-32", "x" * 5000])
def test_an_encoding_that_cannot_be_read_is_a_flaw(declared: str) -> None:
    found = inspect_xml(document("ascii", "<A/>", declared=declared))
    assert found.flaw is Flaw.XML_NOT_WELL_FORMED
    assert "declared encoding: " in found.detail
    assert len(found.detail) < 200


def test_utf_16_that_is_none_is_a_flaw() -> None:
    # .NET's StringWriter declares it, whatever is written to the file afterwards.
    found = inspect_xml(document("utf-8", declared="utf-16"))
    assert found == Inspection(
        Flaw.XML_NOT_WELL_FORMED, "line 1, column 31: encoding specified in XML declaration is incorrect"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
def test_xml_cut_anywhere_is_not_whole(encoding: str) -> None:
    data = document(encoding, declared=encoding.removesuffix("-sig"))
    assert [n for n in range(len(data)) if inspect_xml(data[:n]).flaw is None] == []


def test_white_space_and_comments_behind_the_root_are_fine() -> None:
    assert inspect_xml(document("utf-8") + b" \t\r\n" * 10_000 + b"<!-- x -->\n") == WHOLE


@pytest.mark.parametrize("padding", [b"\0", b"\0" * 100_000, b"\r\n\x1a", b"\x1a\0\0"])
def test_nuls_and_ctrl_z_behind_the_root_are_no_xml(padding: bytes) -> None:
    found = inspect_xml(document("utf-8") + padding)
    assert found.flaw is Flaw.XML_NOT_WELL_FORMED
    assert "of padding behind the end" in found.detail


def test_a_blank_before_the_declaration_is_a_flaw() -> None:
    found = inspect_xml(b" \r\n" + document("utf-8"))
    assert found == Inspection(
        Flaw.XML_NOT_WELL_FORMED,
        "line 2, column 1: XML or text declaration not at start of entity (3 bytes before it)",
    )


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE A><A/>",
        b'<!DOCTYPE A SYSTEM "file:///etc/passwd"><A/>',
        b'<!DOCTYPE A [<!ENTITY x SYSTEM "file:///etc/passwd">]><A>&x;</A>',
        b'<!DOCTYPE A [<!ENTITY a "aaaaaaaaaa">'
        + b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(20))
        + b"]><A>&u;</A>",
        b"<!DOCTYPE A [<!-- " + b"x" * 10_000_000 + b" -->]><A/>",
        b"<!DOCTYPE A><A>",
    ],
)
def test_any_dtd_is_refused(data: bytes) -> None:
    found = inspect_xml(data)
    assert found.flaw is Flaw.XML_DTD
    assert found.detail.endswith(": <!DOCTYPE A")


def test_nesting_is_limited() -> None:
    def nested(depth: int) -> bytes:
        return b"<A>" * depth + b"</A>" * depth

    assert inspect_xml(nested(MAX_DEPTH)) == WHOLE
    assert inspect_xml(nested(MAX_DEPTH + 1)) == Inspection(
        Flaw.XML_TOO_DEEP, "line 1, column 769: <A> is inside 256 other elements"
    )
    assert inspect_xml(nested(1_000_000)).flaw is Flaw.XML_TOO_DEEP
    assert inspect_xml(b"<A>" * 1_000_000).flaw is Flaw.XML_TOO_DEEP
    assert inspect_xml(b"<A>" + b"<B></B>" * 1000 + b"</A>") == WHOLE


@pytest.mark.parametrize("data", [b" \r\n", b"\xef\xbb\xbf", document("utf-8", ""), b"<!-- leeg -->\n"])
def test_xml_without_an_element_is_a_flaw(data: bytes) -> None:
    assert inspect_xml(data).flaw is Flaw.XML_NO_ROOT


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"<A>\n  <B></A>", "line 2, column 8: mismatched tag (inside <B>, 2 elements are open)"),
        (b"<A><B>", "line 1, column 7: no element found (inside <B>, 2 elements are open)"),
        (b"<A/><B/>", "line 1, column 5: junk after document element"),
        (b"<A>&euro;</A>", "line 1, column 4: undefined entity (inside <A>, 1 elements are open)"),
        (b"<A>\x1f</A>", "line 1, column 4: not well-formed (invalid token) (control character 0x1f)"),
        (b"<A>R & D</A>", "line 1, column 7: not well-formed (invalid token)"),
        (b"<A x='1' x='2'/>", "line 1, column 10: duplicate attribute"),
        (b"Geachte heer", "line 1, column 1: syntax error"),
    ],
)
def test_a_flaw_tells_its_place(data: bytes, detail: str) -> None:
    assert inspect_xml(data) == Inspection(Flaw.XML_NOT_WELL_FORMED, detail)


def test_prefixes_need_no_namespace() -> None:
    assert inspect_xml(b"<cbc:ID>1</cbc:ID>") == WHOLE


def test_a_long_token_is_not_read_again_and_again() -> None:
    # In chunks of one size this takes a minute: expat rescans an unfinished token with each of them.
    assert inspect_xml(b"<A B='" + b"x" * 30_000_000 + b"'/>") == WHOLE


@pytest.mark.parametrize("data", [document("utf-8"), b"<A>" * 300, b"<!DOCTYPE A><A/>", b"<A>", b"<A>&x;</A>"])
def test_the_inspection_keeps_no_document_in_memory(data: bytes) -> None:
    data = bytes(bytearray(data))
    gc.disable()
    try:
        before = sys.getrefcount(data)
        inspect_xml(data)
        assert sys.getrefcount(data) == before
    finally:
        gc.enable()


# ---- by name, and any bytes at all -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "flaw"),
    [
        ("F1.pdf", b"", Flaw.EMPTY),
        ("F1.xml", b"", Flaw.EMPTY),
        ("F1.txt", b"", Flaw.EMPTY),
        ("F1", b"", Flaw.EMPTY),
        ("F1.PDF", b"<A/>", Flaw.PDF_NO_HEADER),
        ("F1.pdf.Xml", b"%PDF-1.4", Flaw.XML_NOT_WELL_FORMED),
        ("F1.xml", b"<A/>", None),
        ("F1.txt", b"anything", None),
        ("pdf", b"anything", None),
    ],
)
def test_the_ending_decides_what_is_looked_at(name: str, data: bytes, flaw: Flaw | None) -> None:
    assert inspect(name, data).flaw is flaw


def test_the_stored_words_never_change() -> None:
    assert [str(flaw) for flaw in Flaw] == [
        "empty",
        "pdf-no-header",
        "pdf-no-end",
        "pdf-no-xref",
        "xml-not-well-formed",
        "xml-dtd",
        "xml-too-deep",
        "xml-no-root",
    ]


def check(data: bytes) -> None:
    """Neither inspection raises, and each says where a flaw is in one short line."""
    for found in (inspect_pdf(data), inspect_xml(data)):
        assert len(found.detail) < 250
        assert found.detail.isprintable()
        assert found.flaw or not found.detail
    if (found := inspect_xml(data)).flaw not in {None, Flaw.EMPTY, Flaw.XML_NO_ROOT}:
        assert PLACE.fullmatch(found.detail)


PDF_WORDS = [b"%PDF-1.7\n", b"startxref", b"\n", b" 0", b"9", b"%%EOF", b"xref\n0 1", b"1 0 obj", b"endobj", b"stream"]
PDF_WORDS += [b"<<", b">>", b"/XRef", b"/Linearized 1", b"/L 99", b"/L ", b"%", b"\0" * 5000, b"x" * 1030]
PDF_WORDS += [b"startxref\n9\n%%EOF", b"startxref\n" + b"9" * 19 + b"\n%%EOF"]
XML_WORDS = [b"<?xml version='1.0' encoding='", b"'?>", b"cp1252", b"utf8", b"utf-16", b"<A>", b"</A>", b"<A", b" b='"]
XML_WORDS += [b"'", b"<!DOCTYPE A", b"[", b"]>", b"<!ENTITY x '&y;'>", b"&x;", b"<![CDATA[", b"]]>", b"<!--", b"-->"]
XML_WORDS += [b"\xff\xfe", b"\xef\xbb\xbf", b"\xe9", b"\0", b"\x85", b" ", "é".encode()]


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_make_the_inspection_raise(data: bytes) -> None:
    check(data)
    check(b"%PDF-" + data)
    check(b"<A>" + data + b"</A>")


@settings(deadline=None, max_examples=400)
@given(st.one_of(*(st.lists(st.sampled_from(words), max_size=30).map(b"".join) for words in (PDF_WORDS, XML_WORDS))))
def test_no_order_of_keywords_makes_the_inspection_raise(data: bytes) -> None:
    check(data)


@settings(deadline=None)
@given(st.data())
def test_no_damage_makes_the_inspection_raise(produced: dict[str, bytes], choose: st.DataObject) -> None:
    originals = [produced["fpdf2"], produced["ghostscript linearized"], document("utf-8"), document("utf-16")]
    data = bytearray(choose.draw(st.sampled_from(originals)))
    for _ in range(choose.draw(st.integers(1, 5))):
        where = choose.draw(st.integers(0, len(data)))
        lost = choose.draw(st.sampled_from([0, 1, 2, 16, 512]))
        data[where : where + lost] = choose.draw(st.binary(max_size=20))
    check(bytes(data))
