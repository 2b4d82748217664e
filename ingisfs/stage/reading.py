"""What an invoice says of itself: King's own XML, UBL 2.1 (NLCIUS), and what can be read on a PDF alone.

The XML is parsed by expat as a stream: no DTD and so no entities, no tree in memory, a limit to the depth. Only the
first text at each place of interest is kept, cut to a length that a person can read.

King's dialect has Dutch names in capitals and no namespace. Its fields are found by their own name and that of the
element around it, because the rest of its layout differs between versions of King.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal
from xml.parsers import expat

from ingisfs.stage.pdf_text import texts

MAX_DEPTH = 64  # elements within each other
MAX_TEXT = 300  # characters of one field

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_CUSTOMER = "AccountingCustomerParty/Party"

Dialect = Literal["king", "ubl", "pdf"]
Steps = tuple[str, ...]


class NotWholeError(ValueError):
    """The document breaks off."""


class NotWellFormedError(ValueError):
    """The XML breaks XML's own rules, has a DTD, or is too deep. `line` is where, counted from 1."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class NotAnInvoiceError(ValueError):
    """Well-formed, but no invoice that we know."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read. Texts are "" and amounts None where the document does not say; amounts in `currency`."""

    dialect: Dialect
    number: str
    kind: Literal["invoice", "credit"] = "invoice"
    issued: date | None = None
    due: date | None = None
    currency: str = "EUR"
    net: Decimal | None = None
    vat: Decimal | None = None
    gross: Decimal | None = None
    customer_number: str = ""
    customer_name: str = ""
    customer_vat: str = ""
    customer_email: str = ""


def read_xml(data: bytes) -> Reading:
    """What an XML invoice says. Raises NotWholeError, NotWellFormedError, NotAnInvoiceError."""
    root, found = _parse(data)
    if root in {f"{_UBL}Invoice-2 Invoice", f"{_UBL}CreditNote-2 CreditNote"}:
        return _ubl(root.endswith("CreditNote"), found)
    if " " not in root and root.isupper():
        return _king(found)
    raise NotAnInvoiceError(root)


def _parse(data: bytes) -> tuple[str, dict[Steps, str]]:
    """The root's name (namespace and name) and the first text of each path of local names below it."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    path: list[str] = []
    root: list[str] = []
    found: dict[Steps, str] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        if not root:
            root.append(name)
        path.append(name.rpartition(" ")[2])
        if len(path) > MAX_DEPTH:
            raise NotWellFormedError(parser.CurrentLineNumber)
        if path[-1] == "EndpointID" and attributes.get("schemeID") != "EM":
            path[-1] = "EndpointID-other"

    def end(_name: str) -> None:
        path.pop()

    def text(characters: str) -> None:
        key = tuple(path[1:])
        known = found.get(key, "")
        if len(known) < MAX_TEXT and key not in closed:
            found[key] = (known + characters)[:MAX_TEXT]

    closed: set[Steps] = set()  # what has had its first text: a second element of the same path adds nothing

    def end_and_close(name: str) -> None:
        key = tuple(path[1:])
        if found.get(key, "").strip():
            closed.add(key)
        end(name)

    def refuse(*_declaration: object) -> None:
        raise NotWellFormedError(parser.CurrentLineNumber)

    parser.StartElementHandler = start
    parser.EndElementHandler = end_and_close
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        broken_off = {"XML_ERROR_NO_ELEMENTS", "XML_ERROR_UNCLOSED_TOKEN", "XML_ERROR_PARTIAL_CHAR"}
        codes = {expat.errors.codes[getattr(expat.errors, name)] for name in broken_off}
        codes.add(expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION])
        if error.code in codes:
            raise NotWholeError from None
        raise NotWellFormedError(error.lineno) from None
    except (ValueError, LookupError) as error:  # LookupError: an encoding that nobody knows
        if isinstance(error, NotWellFormedError):
            raise
        raise NotWellFormedError(1) from None
    return root[0], {key: " ".join(value.split()) for key, value in found.items() if value.strip()}


def _ubl(is_credit: bool, found: dict[Steps, str]) -> Reading:
    def first(*places: str) -> str:
        return next((found[key] for place in places if (key := tuple(place.split("/"))) in found), "")

    return _reading(
        "ubl",
        is_credit=is_credit or first("InvoiceTypeCode") == "381",
        number=first("ID"),
        issued=first("IssueDate"),
        due=first("DueDate", "PaymentMeans/PaymentDueDate"),
        currency=first("DocumentCurrencyCode"),
        net=first("LegalMonetaryTotal/TaxExclusiveAmount", "LegalMonetaryTotal/LineExtensionAmount"),
        vat=first("TaxTotal/TaxAmount"),
        gross=first("LegalMonetaryTotal/TaxInclusiveAmount", "LegalMonetaryTotal/PayableAmount"),
        customer_number=first(
            "AccountingCustomerParty/SupplierAssignedAccountID",
            "AccountingCustomerParty/CustomerAssignedAccountID",
            f"{_CUSTOMER}/PartyIdentification/ID",
        ),
        customer_name=first(f"{_CUSTOMER}/PartyName/Name", f"{_CUSTOMER}/PartyLegalEntity/RegistrationName"),
        customer_vat=first(f"{_CUSTOMER}/PartyTaxScheme/CompanyID"),
        customer_email=first(f"{_CUSTOMER}/Contact/ElectronicMail", f"{_CUSTOMER}/EndpointID"),
    )


def _king(found: dict[Steps, str]) -> Reading:
    by_end: dict[Steps, str] = {}
    for key, value in found.items():
        for length in (1, 2):
            by_end.setdefault(key[-length:], value)

    def first(*places: str) -> str:
        return next((by_end[key] for place in places if (key := tuple(place.split("/"))) in by_end), "")

    gross = first("TOTAAL/INCLUSIEFBTW", "INCLUSIEFBTW", "TOTAALINCLBTW", "FACTUURBEDRAG")
    return _reading(
        "king",
        is_credit=gross.startswith("-"),
        number=first("FACTUURNUMMER", "FACTUUR/NUMMER"),
        issued=first("FACTUURDATUM", "FACTUUR/DATUM"),
        due=first("VERVALDATUM"),
        currency=first("VALUTA", "VALUTACODE"),
        net=first("TOTAAL/EXCLUSIEFBTW", "EXCLUSIEFBTW", "TOTAALEXCLBTW"),
        vat=first("TOTAAL/BTWBEDRAG", "TOTAALBTW"),
        gross=gross,
        customer_number=first("DEBITEURNUMMER", "DEBITEUR/NUMMER", "KLANTNUMMER"),
        customer_name=first("DEBITEUR/NAAM", "DEBITEURNAAM", "KLANT/NAAM"),
        customer_vat=first("DEBITEUR/BTWNUMMER", "KLANT/BTWNUMMER"),
        customer_email=first("DEBITEUR/EMAIL", "KLANT/EMAIL"),
    )


def _reading(dialect: Dialect, *, is_credit: bool, **found: str) -> Reading:
    found = {field: "".join(filter(str.isprintable, value)) for field, value in found.items()}
    if not found["number"]:
        raise NotAnInvoiceError("no number")
    return Reading(
        dialect,
        found["number"],
        "credit" if is_credit else "invoice",
        _day(found["issued"]),
        _day(found["due"]),
        found["currency"].upper()[:3] or "EUR",
        _amount(found["net"]),
        _amount(found["vat"]),
        _amount(found["gross"]),
        found["customer_number"],
        found["customer_name"],
        found["customer_vat"],
        found["customer_email"],
    )


def _day(text: str) -> date | None:
    """A date as XML writes it, as people in the Netherlands do, or as eight figures."""
    for form, length in (("%Y-%m-%d", 10), ("%d-%m-%Y", 10), ("%Y%m%d", 8)):
        try:
            return datetime.strptime(text[:length], form).date()  # noqa: DTZ007 - a day has no time zone
        except ValueError:
            continue
    return None


def _amount(text: str) -> Decimal | None:
    if re.fullmatch(r"-?[0-9.]*,[0-9]{1,2}", text):  # 1.234,50
        text = text.replace(".", "").replace(",", ".")
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount.quantize(Decimal("0.01")) if amount.is_finite() and abs(amount) < 10**12 else None


# ---- PDF -------------------------------------------------------------------------------------------------------------

_LABELS = {
    "number": ("factuurnummer", "factuurnr", "invoice number", "creditnotanummer"),
    "issued": ("factuurdatum", "invoice date"),
    "due": ("vervaldatum", "due date"),
    "customer_number": ("debiteurnummer", "debiteurnr", "klantnummer", "customer number"),
    "customer_vat": ("uw btw-nummer", "your vat number"),
    "net": ("totaal exclusief btw", "total without vat"),
    "gross": ("te betalen", "amount due"),
}


def check_pdf(data: bytes) -> None:
    """Raise NotWholeError unless a PDF has its beginning and its end."""
    if b"%PDF-" not in data[:1024] or b"%%EOF" not in data[-4096:]:
        raise NotWholeError


def read_pdf(data: bytes) -> Reading:
    """What stands on a PDF behind the usual labels, where its text can be read. Raises NotAnInvoiceError."""
    found = dict.fromkeys((*_LABELS, "vat", "currency", "customer_name", "customer_email"), "")
    words = texts(data)
    for index, word in enumerate(words):
        label, _, behind = word.partition(":")
        for field, labels in _LABELS.items():
            if label.strip().lower() in labels and not found[field]:
                found[field] = behind.strip() or (words[index + 1].strip() if index + 1 < len(words) else "")
    for field in ("net", "gross"):
        found[field] = found[field].removeprefix("€").strip()
    return _reading("pdf", is_credit=found["gross"].startswith("-"), **found)
