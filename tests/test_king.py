"""The stand-in for King prints as King does: whole documents, never over another, a cross for each refused one."""

import dataclasses
import errno
import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from xml.parsers import expat

import pytest

from scripts import king
from scripts.king import Administration, Documents, Kind, PrintLine, PrintOrder, invoice_run
from scripts.king_documents import HIGH, LOW, Article, Invoice, OrderLine, Unit, Vat, dutch_number, printable

NOW = datetime(2026, 11, 25, 14, 3, 22, tzinfo=UTC)
CAC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"
CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"


def at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def names(lines: list[PrintLine]) -> list[str]:
    return [line.path.name for line in lines]


def invoice_of(*lines: OrderLine) -> Invoice:
    invoice = Administration().invoices(1)[0]
    return dataclasses.replace(invoice, order=dataclasses.replace(invoice.order, lines=lines))


def line_of(price: str, quantity: str, discount: int = 0, vat: Vat = HIGH) -> OrderLine:
    article = Article("1", "Ordner", Unit("stuk", "H87"), Decimal(price), vat)
    return OrderLine(article, Decimal(quantity), vat, discount)


def pdf_text(pdf: bytes) -> bytes:
    """What the content streams of the pages say, one text after the other, in windows-1252."""
    pages = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            pages.append(zlib.decompress(stream))
        except zlib.error:
            continue  # the picture of the letterhead
    return b"\n".join(pages)


# ---- what is printed -------------------------------------------------------------------------------------------------


def test_a_run_prints_whole_documents_and_reports_their_hashes(tmp_path: Path) -> None:
    report = invoice_run(Administration(), tmp_path, 13)

    assert report.ok
    assert sorted(names(report.lines)) == sorted(path.name for path in tmp_path.iterdir())
    for line in report.lines:
        content = (tmp_path / line.document).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (line.size, line.sha256)


def test_each_debtor_gets_the_documents_that_it_is_set_to(tmp_path: Path) -> None:
    administration = Administration()
    invoice_run(administration, tmp_path, 13)

    for invoice in administration.invoices(13):
        wanted = invoice.debtor.documents
        assert (tmp_path / f"{invoice.number}.pdf").exists() == (Documents.PDF in wanted)
        assert (tmp_path / f"{invoice.number}.xml").exists() == (Documents.XML in wanted)
    assert {invoice.debtor.documents for invoice in administration.invoices(13)} == {
        Documents.PDF,
        Documents.XML,
        Documents.BOTH,
    }


def test_a_run_can_give_every_debtor_both_documents(tmp_path: Path) -> None:
    assert len(invoice_run(Administration(), tmp_path, 13, documents=Documents.BOTH).lines) == 26


def test_invoice_numbers_start_where_told_and_carry_the_prefix(tmp_path: Path) -> None:
    administration = Administration(first_number=501, prefix="F")
    report = invoice_run(administration, tmp_path, 2, documents=Documents.PDF)

    assert names(report.lines) == ["F501.pdf", "F502.pdf"]


def test_the_same_seed_and_moment_give_the_same_bytes(tmp_path: Path) -> None:
    runs = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        runs.append(invoice_run(Administration(seed=7), tmp_path / folder, 20, clock=at(NOW)))

    assert [line.sha256 for line in runs[0].lines] == [line.sha256 for line in runs[1].lines]


def test_another_seed_gives_other_orders() -> None:
    assert Administration(seed=1).invoices(5) != Administration(seed=2).invoices(5)


def test_an_invoice_is_the_same_in_a_long_and_in_a_short_run() -> None:
    later = Administration(first_number=20260004).invoices(1)

    assert Administration().invoices(9)[3:4] == later


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (PrintOrder.PDF_FIRST, ["1.pdf", "1.xml", "2.pdf", "2.xml"]),
        (PrintOrder.XML_FIRST, ["1.xml", "1.pdf", "2.xml", "2.pdf"]),
        (PrintOrder.ALL_XML_THEN_ALL_PDF, ["1.xml", "2.xml", "1.pdf", "2.pdf"]),
        (PrintOrder.ALL_PDF_THEN_ALL_XML, ["1.pdf", "2.pdf", "1.xml", "2.xml"]),
    ],
)
def test_documents_are_printed_in_the_order_asked_for(tmp_path: Path, order: PrintOrder, expected: list[str]) -> None:
    seen: list[PrintLine] = []
    report = invoice_run(
        Administration(first_number=1), tmp_path, 2, order=order, documents=Documents.BOTH, progress=seen.append
    )

    assert names(report.lines) == expected
    assert seen == report.lines


# ---- how it is printed -----------------------------------------------------------------------------------------------


def test_a_taken_name_gets_a_number_and_is_never_overwritten(tmp_path: Path) -> None:
    administration = Administration(first_number=1)
    moments = [NOW, NOW + timedelta(hours=1), NOW + timedelta(hours=2)]
    runs = [invoice_run(administration, tmp_path, 1, documents=Documents.BOTH, clock=at(moment)) for moment in moments]

    assert [names(run.lines) for run in runs] == [
        ["1.pdf", "1.xml"],
        ["1(1).pdf", "1(1).xml"],
        ["1(2).pdf", "1(2).xml"],
    ]
    assert [line.document for line in runs[2].lines] == ["1.pdf", "1.xml"]
    for line in (line for run in runs for line in run.lines):
        assert hashlib.sha256(line.path.read_bytes()).hexdigest() == line.sha256


def test_a_name_that_became_free_is_used_again(tmp_path: Path) -> None:
    administration = Administration(first_number=1)
    invoice_run(administration, tmp_path, 1, documents=Documents.PDF)
    (tmp_path / "1.pdf").rename(tmp_path / "sent")

    assert names(invoice_run(administration, tmp_path, 1, documents=Documents.PDF).lines) == ["1.pdf"]


def test_printing_again_within_the_same_second_gives_a_new_pdf_and_the_same_xml(tmp_path: Path) -> None:
    first, again = (
        invoice_run(
            Administration(), tmp_path, 1, documents=Documents.BOTH, clock=at(NOW + timedelta(microseconds=late))
        )
        for late in (0, 1)
    )

    assert first.lines[0].sha256 != again.lines[0].sha256
    assert first.lines[1].sha256 == again.lines[1].sha256


@pytest.mark.parametrize("piece", [1000, 4096])
def test_documents_are_written_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    sizes: list[int] = []
    write = os.write

    def write_and_note(handle: int, data: bytes) -> int:
        sizes.append(len(data))
        return write(handle, data)

    monkeypatch.setattr(os, "write", write_and_note)
    report = invoice_run(Administration(), tmp_path, 1, documents=Documents.PDF, piece=piece)

    whole, rest = divmod(report.lines[0].size, piece)
    assert sizes == [piece] * whole + [rest] * (rest > 0)
    assert whole > 1


def test_a_short_write_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:700]))
    king.print_document(tmp_path / "1.pdf", bytes(range(256)) * 20)

    assert (tmp_path / "1.pdf").read_bytes() == bytes(range(256)) * 20


def test_a_piece_without_bytes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a piece of 0 bytes"):
        king.print_document(tmp_path / "1.pdf", b"x", piece=0)


# ---- what the drive refuses ------------------------------------------------------------------------------------------


def test_a_missing_drive_gives_a_cross_for_every_document(tmp_path: Path) -> None:
    report = invoice_run(Administration(), tmp_path / "X", 2, documents=Documents.BOTH)

    assert not report.ok
    assert [line.reason for line in report.failed] == ["No such file or directory (ENOENT)"] * 4
    assert not (tmp_path / "X").exists()


def test_a_folder_of_that_name_gives_a_cross_and_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "2.pdf").mkdir()
    report = invoice_run(Administration(first_number=1), tmp_path, 3, documents=Documents.BOTH)

    assert names(report.failed) == ["2.pdf"]
    assert report.failed[0].reason == "File exists (EEXIST)"
    assert names(report.printed) == ["1.pdf", "1.xml", "2.xml", "3.pdf", "3.xml"]


def test_a_failed_write_gives_a_cross_leaves_the_rest_of_the_file_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, calls = os.write, 0

    def third_write_fails(handle: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(handle, data)

    monkeypatch.setattr(os, "write", third_write_fails)
    report = invoice_run(Administration(first_number=1), tmp_path, 2, documents=Documents.PDF)

    assert [(line.path.name, line.ok, line.reason) for line in report.lines] == [
        ("1.pdf", False, "No space left on device (ENOSPC)"),
        ("2.pdf", True, ""),
    ]
    assert (tmp_path / "1.pdf").stat().st_size == 2 * 4096
    assert report.lines[0].size > 2 * 4096


def test_a_failed_close_gives_a_cross(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    close = os.close

    def close_fails(handle: int) -> None:
        close(handle)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "close", close_fails)
        report = invoice_run(Administration(), tmp_path, 1, documents=Documents.XML)

    assert [line.reason for line in report.lines] == ["Input/output error (EIO)"]


def test_a_drive_that_cannot_be_looked_at_is_a_cross_and_not_a_free_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stat_fails(path: Path) -> os.stat_result:
        raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", stat_fails)
        report = invoice_run(Administration(), tmp_path, 1, documents=Documents.XML)

    assert not report.ok
    assert list(tmp_path.iterdir()) == []


def test_a_print_format_prints_into_its_own_folder(tmp_path: Path) -> None:
    formats = tuple(dataclasses.replace(each, folder=each.kind.upper()) for each in king.PRINT_FORMATS)
    (tmp_path / "PDF").mkdir()
    report = invoice_run(Administration(first_number=1, print_formats=formats), tmp_path, 1, documents=Documents.BOTH)

    assert [line.path for line in report.printed] == [tmp_path / "PDF" / "1.pdf"]
    assert [line.path for line in report.failed] == [tmp_path / "KING" / "1.xml"]


# ---- the documents ---------------------------------------------------------------------------------------------------


def test_vat_is_computed_over_the_sum_of_the_lines() -> None:
    invoice = invoice_of(*[line_of("0.33", "1")] * 3, line_of("10.05", "1", vat=LOW))

    # 21 % of 0.99 is 0.2079; three times 21 % of 0.33 would be 0.07 each. 9 % of 10.05 is 0.9045.
    assert [(total.base, total.amount) for total in invoice.vat_totals] == [
        (Decimal("0.99"), Decimal("0.21")),
        (Decimal("10.05"), Decimal("0.90")),
    ]
    assert (invoice.net, invoice.vat, invoice.gross) == (Decimal("11.04"), Decimal("1.11"), Decimal("12.15"))


def test_half_a_cent_is_rounded_up() -> None:
    assert line_of("0.15", "0.5").amount == Decimal("0.08")
    assert line_of("0.50", "1", discount=5).discount == Decimal("0.03")
    assert invoice_of(line_of("0.50", "1", vat=LOW)).vat == Decimal("0.05")


def test_the_lines_and_the_vat_add_up_to_the_totals_in_every_invoice() -> None:
    for invoice in Administration().invoices(200):
        root = ET.fromstring(king.xml_ubl(invoice))
        taxes, totals = root.find(f"{CAC}TaxTotal"), root.find(f"{CAC}LegalMonetaryTotal")
        assert taxes is not None
        assert totals is not None

        def amount(element: ET.Element, tag: str) -> Decimal:
            return Decimal(element.findtext(CBC + tag, "nothing"))

        lines = sum(amount(line, "LineExtensionAmount") for line in root.iter(f"{CAC}InvoiceLine"))
        subtotals = list(taxes.iter(f"{CAC}TaxSubtotal"))
        assert amount(totals, "LineExtensionAmount") == amount(totals, "TaxExclusiveAmount") == lines
        assert sum(amount(each, "TaxableAmount") for each in subtotals) == lines
        assert sum(amount(each, "TaxAmount") for each in subtotals) == amount(taxes, "TaxAmount")
        assert amount(totals, "PayableAmount") == lines + amount(taxes, "TaxAmount") == invoice.gross > 0


def test_pdfs_are_whole_and_weigh_what_a_printed_invoice_weighs() -> None:
    for invoice in Administration().invoices(40):
        pdf = king.pdf_document(invoice, NOW)

        assert pdf.startswith(b"%PDF-1.")
        assert pdf.rstrip().endswith(b"%%EOF")
        assert int(re.findall(rb"startxref\s+(\d+)", pdf)[-1]) == pdf.rindex(b"xref\n", 0, pdf.rindex(b"startxref"))
        assert 20_000 < len(pdf) < 100_000


def test_a_pdf_shows_dutch_amounts_and_typographic_characters() -> None:
    debtor = next(debtor for debtor in king.DEBTORS if "’t Stoepje" in debtor.name)
    invoice = invoice_of(line_of("1249.50", "2"))
    invoice = dataclasses.replace(invoice, order=dataclasses.replace(invoice.order, debtor=debtor))
    text = pdf_text(king.pdf_document(invoice, NOW))

    for shown in ("FACTUUR", "Bakkerij ’t Stoepje", "2.499,00", "€ 3.023,79", "25-11-2026", "NL20 INGB 0001 2345 67"):
        assert shown.encode("windows-1252") in text


def test_a_pdf_for_abroad_is_in_english_and_says_why_there_is_no_vat() -> None:
    invoice = next(each for each in Administration().invoices(13) if each.debtor.address.country == "DE")
    text = pdf_text(king.pdf_document(invoice, NOW))

    assert invoice.vat == 0
    assert b"INVOICE" in text
    assert b"VAT reverse charged" in text


def test_a_long_order_continues_on_further_pages() -> None:
    pdf = king.pdf_document(invoice_of(*[line_of("1.00", "1")] * 60), NOW)

    assert b"/Count 3" in pdf
    assert pdf_text(pdf).count(b"(Ordner)") == 60


def test_characters_that_a_core_font_lacks_become_their_nearest() -> None:
    assert printable("Één € – ’s “x” … Õ Š") == "Één € – ’s “x” … Õ Š"
    assert printable("Čapek Łódź Ĳs ‑ 漢") == "Capek Lódz IJs - ?"
    assert dutch_number(Decimal("-1234567.5")) == "-1.234.567,50"


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252"])
def test_kings_xml_is_well_formed_and_holds_all_data(encoding: str) -> None:
    for invoice in Administration().invoices(13):
        content = king.xml_king(invoice, encoding)
        expat.ParserCreate().Parse(content, True)

        root = ET.fromstring(content)
        assert f"encoding='{encoding}'".encode() in content.splitlines()[0]
        assert all(element.tag == element.tag.upper() for element in root.iter())
        assert root.findtext("FACTUUR/FACTUURNUMMER") == invoice.number
        assert root.findtext("FACTUUR/DEBITEUR/NAAM") == invoice.debtor.name
        assert root.findtext("FACTUUR/TOTAAL/INCLUSIEFBTW") == str(invoice.gross)
        assert [each.text for each in root.iterfind("FACTUUR/REGELS/REGEL/BEDRAG")] == [
            str(line.amount) for line in invoice.order.lines
        ]


def test_kings_xml_in_windows_1252_has_one_byte_for_an_accent(tmp_path: Path) -> None:
    invoice = next(each for each in Administration().invoices(13) if each.debtor.name == "Café André")

    assert b"Caf\xe9 Andr\xe9" in king.xml_king(invoice, "windows-1252")
    assert "Café André".encode() in king.xml_king(invoice)


def test_ubl_is_well_formed_and_follows_nlcius_in_the_order_of_the_schema() -> None:
    for invoice in Administration().invoices(13):
        content = king.xml_ubl(invoice)
        expat.ParserCreate().Parse(content, True)
        root = ET.fromstring(content)

        assert root.findtext(f"{CBC}CustomizationID", "").endswith("#urn:fdc:nen.nl:nlcius:v1.0")
        customer = root.find(f"{CAC}AccountingCustomerParty/{CAC}Party/{CAC}PartyName/{CBC}Name")
        assert customer is not None
        assert customer.text == invoice.debtor.name
        assert [element.tag.partition("}")[2] for element in root] == [
            "CustomizationID",
            "ProfileID",
            "ID",
            "IssueDate",
            "DueDate",
            "InvoiceTypeCode",
            "DocumentCurrencyCode",
            "BuyerReference",
            "OrderReference",
            "AccountingSupplierParty",
            "AccountingCustomerParty",
            "Delivery",
            "PaymentMeans",
            "PaymentTerms",
            "TaxTotal",
            "LegalMonetaryTotal",
            *["InvoiceLine"] * len(invoice.order.lines),
        ]


def test_a_run_prints_ubl_when_asked(tmp_path: Path) -> None:
    report = invoice_run(Administration(), tmp_path, 1, xml="ubl", documents=Documents.XML)

    assert [line.kind for line in report.lines] == [Kind.UBL]
    assert ET.parse(report.lines[0].path).getroot().tag.endswith("}Invoice")


# ---- the command -----------------------------------------------------------------------------------------------------


def test_the_command_prints_ticks_keeps_the_report_and_exits_with_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drive, kept = tmp_path / "X", tmp_path / "verslag.txt"
    drive.mkdir()

    assert king.main([str(drive), "--orders", "3", "--documents", "both", "--report", str(kept)]) == 0
    shown = capsys.readouterr().out
    for text in (shown, kept.read_text("utf-8")):
        assert text.count("✓") == 6
        assert "Afdrukverslag van" in text
        assert "Alle 6 documenten zijn afgedrukt." in text


def test_the_command_shows_a_cross_with_its_reason_and_exits_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "20260002.xml").mkdir()

    assert king.main([str(tmp_path), "--orders", "2", "--documents", "both", "--lang", "en"]) == 1
    shown = capsys.readouterr().out
    assert re.search(r"✗ 20260002\.xml .* File exists \(EEXIST\)", shown)
    assert "1 of the 4 documents were NOT printed" in shown


def test_the_command_prints_a_whole_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert king.main([str(tmp_path), "--orders", "1", "--documents", "both", "--again"]) == 0

    assert "Zijn alle documenten goed afgedrukt?" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "20260001(1).pdf",
        "20260001(1).xml",
        "20260001.pdf",
        "20260001.xml",
    ]


def test_a_report_that_cannot_be_kept_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert king.main([str(tmp_path), "--orders", "1", "--report", str(tmp_path / "nowhere" / "r.txt")]) == 1
    assert "kan niet worden bewaard" in capsys.readouterr().err


def test_without_fpdf2_the_command_says_what_to_install_and_prints_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fpdf", None)

    assert king.main([str(tmp_path)]) == 2
    assert "pip install fpdf2" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert king.main([str(tmp_path), "--documents", "xml"]) == 0


def test_the_script_runs_by_its_path_from_anywhere(tmp_path: Path) -> None:
    drive = tmp_path / "X"
    drive.mkdir()
    command = [sys.executable, "-W", "error", king.__file__, str(drive), "--orders", "2", "--xml", "ubl"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert "✓ 20260001.pdf" in done.stdout


def test_the_module_can_be_loaded_by_its_path(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("king_by_path", king.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert module.invoice_run(module.Administration(), tmp_path, 1).ok
