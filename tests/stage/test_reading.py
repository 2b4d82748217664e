"""What the stage reads in invoices: King's XML, UBL, PDFs alone; and in what only looks like them."""

from __future__ import annotations

import zlib
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingisfs.stage.pdf_text import texts
from ingisfs.stage.reading import (
    MAX_DEPTH,
    NotAnInvoiceError,
    NotWellFormedError,
    NotWholeError,
    check_pdf,
    read_pdf,
    read_xml,
)
from scripts.king import Administration, Invoice, pdf_document, xml_king, xml_ubl

INVOICES = Administration().invoices(13)  # one for each debtor
SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
WHOLE_PDF, WHOLE_XML = pdf_document(INVOICES[0], datetime(2026, 1, 1, tzinfo=UTC)), xml_king(INVOICES[0])
SMALL = b"<KING><FACTUURNUMMER>1</FACTUURNUMMER></KING>"


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252"])
@pytest.mark.parametrize("invoice", INVOICES, ids=lambda invoice: invoice.debtor.number)
def test_king_s_own_xml_is_read(invoice: Invoice, encoding: str) -> None:
    reading = read_xml(xml_king(invoice, encoding))
    debtor = invoice.debtor
    assert (reading.dialect, reading.number, reading.kind) == ("king", invoice.number, "invoice")
    assert (reading.issued, reading.due) == (invoice.issued, invoice.due)
    assert (reading.net, reading.vat, reading.gross) == (invoice.net, invoice.vat, invoice.gross)
    assert (reading.customer_number, reading.customer_name) == (debtor.number, debtor.name)
    assert (reading.customer_vat, reading.customer_email) == (debtor.vat_number, debtor.email)


@pytest.mark.parametrize("invoice", INVOICES, ids=lambda invoice: invoice.debtor.number)
def test_ubl_is_read(invoice: Invoice) -> None:
    reading = read_xml(xml_ubl(invoice))
    assert (reading.dialect, reading.number, reading.currency) == ("ubl", invoice.number, "EUR")
    assert (reading.issued, reading.due) == (invoice.issued, invoice.due)
    assert (reading.net, reading.vat, reading.gross) == (invoice.net, invoice.vat, invoice.gross)
    assert reading.customer_name == invoice.debtor.name
    assert (reading.customer_vat, reading.customer_email) == (invoice.debtor.vat_number, invoice.debtor.email)


@pytest.mark.parametrize("invoice", INVOICES, ids=lambda invoice: invoice.debtor.number)
def test_a_pdf_alone_tells_its_number_its_customer_and_what_is_to_be_paid(invoice: Invoice) -> None:
    data = pdf_document(invoice, datetime.now(UTC))
    check_pdf(data)
    reading = read_pdf(data)
    assert (reading.number, reading.customer_number) == (invoice.number, invoice.debtor.number)
    assert (reading.issued, reading.due, reading.gross) == (invoice.issued, invoice.due, invoice.gross)


@pytest.mark.skipif(not SAMPLES.exists(), reason="documents of others are not part of the project")
def test_invoices_that_nobody_here_wrote_are_read() -> None:
    readings = {path.name: read_xml(path.read_bytes()) for path in SAMPLES.rglob("*.xml")}
    assert len(readings) > 20
    for reading in readings.values():
        assert reading.number
        assert reading.issued
        assert reading.gross is not None
        assert reading.customer_name
    assert readings["ubl-tc434-creditnote1.xml"].kind == "credit"
    for path in SAMPLES.rglob("*.pdf"):
        check_pdf(path.read_bytes())
        texts(path.read_bytes())


def test_ubl_that_names_the_customer_only_by_an_address_for_e_mail_is_read() -> None:
    spaces = "urn:oasis:names:specification:ubl:schema:xsd:"
    party = '<b:EndpointID schemeID="{}">{}</b:EndpointID>'
    xml = (
        f'<Invoice xmlns="{spaces}Invoice-2" xmlns:a="{spaces}CommonAggregateComponents-2"'
        f' xmlns:b="{spaces}CommonBasicComponents-2"><b:ID>7</b:ID><a:AccountingCustomerParty><a:Party>%s</a:Party>'
        "</a:AccountingCustomerParty></Invoice>"
    )
    assert read_xml((xml % party.format("EM", "a@b.example")).encode()).customer_email == "a@b.example"
    assert read_xml((xml % party.format("0106", "12345678")).encode()).customer_email == ""


@pytest.mark.parametrize(
    ("amount", "read"),
    [("1234.5", "1234.50"), ("1.234,50", "1234.50"), ("-3,00", "-3.00"), ("", None), ("NaN", None), ("1e99", None)],
)
def test_amounts_are_read_as_they_are_written(amount: str, read: str | None) -> None:
    gross = read_xml(SMALL.replace(b"</KING>", f"<INCLUSIEFBTW>{amount}</INCLUSIEFBTW></KING>".encode())).gross
    assert gross == (None if read is None else Decimal(read))


@pytest.mark.parametrize("day", ["2026-11-25", "25-11-2026", "20261125", "2026-11-25T00:00:00"])
def test_dates_are_read_as_they_are_written(day: str) -> None:
    xml = SMALL.replace(b"</KING>", f"<FACTUURDATUM>{day}</FACTUURDATUM></KING>".encode())
    assert read_xml(xml).issued == date(2026, 11, 25)


@pytest.mark.parametrize("length", range(len(SMALL)))
def test_xml_that_breaks_off_is_not_whole_wherever_it_does(length: int) -> None:
    with pytest.raises(NotWholeError):
        read_xml(SMALL[:length])


@pytest.mark.parametrize(
    "xml",
    [
        b"<a></b>",
        b"<A>&nbsp;</A>",
        SMALL + b"x",
        b"<?xml version='1.0' encoding='klingon'?><A/>",
        b"<A>\xff</A>",
        b"<!DOCTYPE A [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><A><FACTUURNUMMER>&x;</FACTUURNUMMER></A>",
        b"<!DOCTYPE A><A/>",
        b"<A>" * (MAX_DEPTH + 1) + b"</A>" * (MAX_DEPTH + 1),
    ],
)
def test_xml_that_breaks_the_rules_or_has_a_dtd_or_is_too_deep_is_not_well_formed(xml: bytes) -> None:
    with pytest.raises(NotWellFormedError):
        read_xml(xml)


@pytest.mark.parametrize("xml", [b"<html/>", b"<KING/>", b'<Invoice xmlns="urn:other"><ID>1</ID></Invoice>'])
def test_xml_of_something_else_is_no_invoice(xml: bytes) -> None:
    with pytest.raises(NotAnInvoiceError):
        read_xml(xml)


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, 2000), st.booleans())
def test_broken_documents_are_told_from_whole_ones_and_nothing_else_happens(junk: bytes, at: int, as_pdf: bool) -> None:
    known: tuple[type[Exception], ...] = (NotWholeError, NotWellFormedError, NotAnInvoiceError)
    whole = WHOLE_PDF if as_pdf else WHOLE_XML
    data = whole[:at] + junk + whole[at + len(junk) :]
    try:
        if as_pdf:
            check_pdf(data)
            read_pdf(data)
        else:
            read_xml(data)
    except known:
        pass


def test_a_pdf_without_its_end_is_not_whole() -> None:
    data = pdf_document(INVOICES[0], datetime.now(UTC))
    for broken in (data[:-8], data[:1000], b"", b"%PDF-1.7", data[1:5000]):
        with pytest.raises(NotWholeError):
            check_pdf(broken)


def test_a_stream_that_would_unpack_to_gigabytes_takes_no_more_than_its_share() -> None:
    bomb = zlib.compress(b"(a) Tj " * 10_000_000, 9)
    data = b"%PDF-1.7\n" + b"stream\n".join([b"", *([bomb + b"endstream "] * 8)]) + b"%%EOF"
    assert sum(map(len, texts(data))) < 3_000_000


def test_text_on_a_pdf_is_found_in_arrays_with_escapes_and_in_plain_streams() -> None:
    data = rb"stream" + b"\n" + rb"[(Fac) -20 (tuurnummer)] TJ (a\(1\)\102\\) Tj (\200 5) Tj" + b"\nendstream"
    assert texts(data) == ["Factuurnummer", "a(1)B\\", "€ 5"]


def test_unbalanced_brackets_come_to_an_end() -> None:
    """With brackets allowed within an array this would take days."""
    assert texts(b"stream\n" + b"[" * 2_000_000 + b"(" * 2_000_000 + b" Tj TJ") == []
