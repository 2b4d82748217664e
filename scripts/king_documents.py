"""What an invoice of our stand-in for King holds, and the three documents it is printed as.

`pdf_document`, `xml_king` and `xml_ubl` turn an `Invoice` into bytes. They know nothing of drives: `scripts/king.py`
prints. All amounts are euros in `Decimal`; each line and each VAT total is rounded half up to cents, and the totals are
sums of rounded amounts, as EN 16931 asks.
"""

import functools
import io
import random
import unicodedata
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import Flag, auto
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # only a PDF needs fpdf2: see pdf_document
    from fpdf import FPDF

CENT = Decimal("0.01")
Colour = tuple[int, int, int]


def money(amount: Decimal) -> Decimal:
    """The amount rounded to cents, half away from zero, as on an invoice."""
    return amount.quantize(CENT, ROUND_HALF_UP)


# ---- what an invoice holds -------------------------------------------------------------------------------------------


class Documents(Flag):
    """Which documents a debtor receives."""

    PDF = auto()
    XML = auto()
    BOTH = PDF | XML


@dataclass(frozen=True)
class Layout:
    """How the PDF for a debtor looks: the language of its labels and the colour of the house style."""

    number: str
    language: Literal["nl", "en"]
    accent: Colour


@dataclass(frozen=True)
class Vat:
    """One of King's VAT codes. `category` is UNCL5305's letter; a rate of 0 needs a reason on the invoice."""

    code: int
    percentage: int
    category: str
    reason: str = ""
    reason_code: str = ""  # from the VATEX list


HIGH = Vat(1, 21, "S")
LOW = Vat(2, 9, "S")
EXEMPT = Vat(3, 0, "E", "Vrijgesteld van btw (onderwijs)")
WITHIN_EU = Vat(4, 0, "K", "Btw verlegd: intracommunautaire levering", "VATEX-EU-IC")


@dataclass(frozen=True)
class Address:
    street: str
    postcode: str
    place: str
    country: str = "NL"  # ISO 3166-1 alpha-2


@dataclass(frozen=True)
class Company:
    """Whose administration it is: the sender of the invoices."""

    name: str
    address: Address
    vat_number: str
    chamber_number: str  # KvK
    iban: str
    bic: str
    email: str
    telephone: str
    website: str


@dataclass(frozen=True)
class Debtor:
    number: str
    name: str
    address: Address
    email: str
    documents: Documents
    layout: Layout
    vat_number: str = ""  # a private person has none
    chamber_number: str = ""
    payment_days: int = 30


@dataclass(frozen=True)
class Unit:
    name: str
    code: str  # UN/ECE recommendation 20 and 21


@dataclass(frozen=True)
class Article:
    number: str
    description: str
    unit: Unit
    price: Decimal  # euros without VAT, for one unit
    vat: Vat


@dataclass(frozen=True)
class OrderLine:
    article: Article
    quantity: Decimal
    vat: Vat
    discount_percentage: int = 0

    @property
    def gross(self) -> Decimal:
        return money(self.quantity * self.article.price)

    @property
    def discount(self) -> Decimal:
        return money(self.gross * self.discount_percentage / 100)

    @property
    def amount(self) -> Decimal:
        """What the line costs without VAT."""
        return self.gross - self.discount


@dataclass(frozen=True)
class Order:
    number: str
    debtor: Debtor
    ordered: date
    reference: str  # the debtor's own
    lines: tuple[OrderLine, ...]


@dataclass(frozen=True)
class VatTotal:
    vat: Vat
    base: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Invoice:
    number: str
    company: Company
    order: Order
    issued: date

    @property
    def debtor(self) -> Debtor:
        return self.order.debtor

    @property
    def due(self) -> date:
        return self.issued + timedelta(days=self.debtor.payment_days)

    @property
    def vat_totals(self) -> tuple[VatTotal, ...]:
        """VAT per code, computed over the sum of its lines (not summed per line)."""
        bases: dict[Vat, Decimal] = {}
        for line in self.order.lines:
            bases[line.vat] = bases.get(line.vat, Decimal(0)) + line.amount
        return tuple(
            VatTotal(vat, base, money(base * vat.percentage / 100))
            for vat, base in sorted(bases.items(), key=lambda item: item[0].code)
        )

    @property
    def net(self) -> Decimal:
        return sum((line.amount for line in self.order.lines), Decimal("0.00"))

    @property
    def vat(self) -> Decimal:
        return sum((total.amount for total in self.vat_totals), Decimal("0.00"))

    @property
    def gross(self) -> Decimal:
        return self.net + self.vat


# ---- PDF -------------------------------------------------------------------------------------------------------------

LABELS = {
    "nl": {
        "title": "FACTUUR",
        "number": "Factuurnummer",
        "date": "Factuurdatum",
        "due": "Vervaldatum",
        "order": "Ordernummer",
        "reference": "Uw referentie",
        "debtor": "Debiteurnummer",
        "debtor_vat": "Uw btw-nummer",
        "article": "Artikel",
        "description": "Omschrijving",
        "quantity": "Aantal",
        "unit": "Eenheid",
        "price": "Prijs",
        "discount": "Korting",
        "vat": "Btw",
        "amount": "Bedrag",
        "net": "Totaal exclusief btw",
        "base": "{percentage} % btw over € {base}",
        "gross": "Te betalen",
        "payment": "Wij verzoeken u € {amount} uiterlijk {due} over te maken op {iban} ten name van",
        "payment2": "{company}, onder vermelding van factuurnummer {number}.",
        "printed": "Afgedrukt",
        "page": "Pagina {page}",
        "chamber": "KvK",
        "E": "Vrijgesteld van btw (onderwijs)",
        "K": "Btw verlegd: intracommunautaire levering",
    },
    "en": {
        "title": "INVOICE",
        "number": "Invoice number",
        "date": "Invoice date",
        "due": "Due date",
        "order": "Order number",
        "reference": "Your reference",
        "debtor": "Customer number",
        "debtor_vat": "Your VAT number",
        "article": "Article",
        "description": "Description",
        "quantity": "Quantity",
        "unit": "Unit",
        "price": "Price",
        "discount": "Discount",
        "vat": "VAT",
        "amount": "Amount",
        "net": "Total without VAT",
        "base": "{percentage} % VAT over € {base}",
        "gross": "Amount due",
        "payment": "Please pay € {amount} by {due} into account {iban} in the name of",
        "payment2": "{company}, quoting invoice number {number}.",
        "printed": "Printed",
        "page": "Page {page}",
        "chamber": "Chamber of Commerce",
        "E": "Exempt from VAT (education)",
        "K": "VAT reverse charged: intra-Community supply",
    },
}

# A4 in mm
LEFT, RIGHT = 18.0, 192.0
LINES_END = 232.0  # no line of the table below this
TOTALS_END = 214.0  # the totals and the payment text need the room below this
COLUMNS = (  # label, x, where x is the column's right edge when the text is a figure
    ("article", LEFT, "left"),
    ("description", 38.0, "left"),
    ("quantity", 118.0, "right"),
    ("unit", 121.0, "left"),
    ("price", 149.0, "right"),
    ("discount", 165.0, "right"),
    ("vat", 175.0, "right"),
    ("amount", RIGHT - 1, "right"),
)
GREY: Colour = (110, 110, 110)
BLACK: Colour = (20, 20, 20)
WHITE: Colour = (255, 255, 255)

# What Windows' own code page (and so a core font of PDF) lacks and Unicode does not decompose
LOOKALIKES = str.maketrans(
    {
        "Ł": "L", "ł": "l", "Đ": "D", "đ": "d", "ı": "i", "→": "-", "≤": "<=", "≥": ">=",
        "‐": "-", "‑": "-", "‒": "–", "―": "—", "−": "-", "′": "’", "″": "”", "‛": "‘", "\u2009": " ", "\u202f": " ",
    }
)  # fmt: skip


def dutch_number(amount: Decimal, decimals: int = 2) -> str:
    """1234.5 as 1.234,50."""
    return f"{amount:,.{decimals}f}".translate(str.maketrans(",.", ".,"))


def dutch_date(day: date) -> str:
    return day.strftime("%d-%m-%Y")


def quantity(amount: Decimal) -> str:
    return dutch_number(amount, 0 if amount == amount.to_integral_value() else 2)


def printable(text: str) -> str:
    """The text in the characters that a core font of PDF has (windows-1252): é, ’ and € stay, č becomes c."""
    try:
        text.encode("cp1252")
        return text
    except UnicodeEncodeError:
        return "".join(map(_printable_character, text.translate(LOOKALIKES)))


def _printable_character(character: str) -> str:
    for candidate in (character, unicodedata.normalize("NFKD", character)):
        kept = "".join(part for part in candidate if not unicodedata.combining(part))
        try:
            kept.encode("cp1252")
            return kept
        except UnicodeEncodeError:
            continue
    return "?"


def pdf_document(invoice: Invoice, created: datetime) -> bytes:
    """The invoice as a PDF of A4 pages, `created` (with its time zone) in its metadata and its footer.

    The same invoice created at another moment, even within the same second, has other bytes. Needs fpdf2.
    """
    from fpdf import FPDF

    pdf = FPDF(format="A4", unit="mm")
    pdf.core_fonts_encoding = "cp1252"  # PDF's WinAnsiEncoding: unlike latin-1 it has € and ’
    pdf.set_auto_page_break(False)
    pdf.set_creation_date(created)
    pdf.set_title(f"{LABELS[invoice.debtor.layout.language]['title'].capitalize()} {invoice.number}")
    pdf.set_author(invoice.company.name)
    pdf.set_creator("King (nagebootst door ingisfs)")
    pdf.set_keywords(f"{invoice.number} {created.isoformat(timespec='microseconds')}")
    _InvoicePages(pdf, invoice, created).draw()
    return bytes(pdf.output())


class _InvoicePages:
    """Draws one invoice; `y` is the base line of the next text, in mm from the top of the page."""

    def __init__(self, pdf: "FPDF", invoice: Invoice, created: datetime) -> None:
        self.pdf = pdf
        self.invoice = invoice
        self.created = created
        self.labels = LABELS[invoice.debtor.layout.language]
        self.accent = invoice.debtor.layout.accent
        self.y = 0.0

    def draw(self) -> None:
        self.start_page()
        self.address()
        self.meta_table()
        self.table_head()
        for number, line in enumerate(self.invoice.order.lines):
            if self.y > LINES_END:
                self.start_page()
                self.table_head()
            self.table_line(line, shaded=number % 2 == 1)
        if self.y > TOTALS_END:
            self.start_page()
        self.totals()
        self.payment()

    # -- text --

    def font(self, size: float, style: Literal["", "B"] = "", colour: Colour = BLACK) -> None:
        self.pdf.set_font("helvetica", style, size)
        self.pdf.set_text_color(*colour)

    def left(self, x: float, text: str) -> None:
        self.pdf.text(x, self.y, printable(text))

    def right(self, x: float, text: str) -> None:
        text = printable(text)
        self.pdf.text(x - self.pdf.get_string_width(text), self.y, text)

    def fitted(self, text: str, width: float) -> str:
        text = printable(text)
        if self.pdf.get_string_width(text) <= width:
            return text
        while text and self.pdf.get_string_width(text + "…") > width:
            text = text[:-1]
        return text.rstrip() + "…"

    # -- the parts of a page --

    def start_page(self) -> None:
        self.pdf.add_page()
        self.logo()
        self.company()
        self.footer()
        self.y = 50.0

    def logo(self) -> None:
        """A windmill in a disc."""
        pdf = self.pdf
        pdf.set_fill_color(*self.accent)
        pdf.ellipse(LEFT, 12, 22, 22, style="F")
        pdf.set_fill_color(*WHITE)
        pdf.polygon([(LEFT + 8, 31), (LEFT + 9.5, 21), (LEFT + 12.5, 21), (LEFT + 14, 31)], style="F")
        pdf.set_draw_color(*WHITE)
        pdf.set_line_width(0.9)
        pdf.line(LEFT + 4.5, 14.5, LEFT + 17.5, 27.5)
        pdf.line(LEFT + 17.5, 14.5, LEFT + 4.5, 27.5)
        pdf.set_draw_color(*self.accent)
        pdf.set_line_width(0.4)
        pdf.line(LEFT, 39, RIGHT, 39)

    def company(self) -> None:
        company = self.invoice.company
        self.y = 20.0
        self.font(15, "B", self.accent)
        self.left(LEFT + 27, company.name)
        self.font(8.5, colour=GREY)
        for text in (
            f"{company.address.street}, {company.address.postcode}  {company.address.place}",
            f"T {company.telephone}   {company.email}   {company.website}",
        ):
            self.y += 5
            self.left(LEFT + 27, text)

    def footer(self) -> None:
        company = self.invoice.company
        self.pdf.image(io.BytesIO(_letterhead()), LEFT, 258, RIGHT - LEFT, 20)
        self.font(7.5, colour=GREY)
        self.y = 283.0
        self.left(LEFT, f"IBAN {spaced_iban(company.iban)}   BIC {company.bic}")
        self.right(RIGHT, self.labels["page"].format(page=self.pdf.page_no()))
        self.y = 287.0
        self.left(LEFT, f"Btw {company.vat_number}   {self.labels['chamber']} {company.chamber_number}")
        self.right(RIGHT, f"{self.labels['printed']} {self.created.strftime('%d-%m-%Y %H:%M:%S')}")

    def address(self) -> None:
        debtor = self.invoice.debtor
        self.font(10.5)
        for text in (
            debtor.name,
            debtor.address.street,
            f"{debtor.address.postcode}  {debtor.address.place.upper()}",
            "" if debtor.address.country == "NL" else debtor.address.country,
        ):
            self.left(LEFT, self.fitted(text, 95))
            self.y += 5.2

    def meta_table(self) -> None:
        invoice = self.invoice
        self.y = 50.0
        self.font(17, "B", self.accent)
        self.left(125, self.labels["title"])
        for label, text in (
            ("number", invoice.number),
            ("date", dutch_date(invoice.issued)),
            ("due", dutch_date(invoice.due)),
            ("order", invoice.order.number),
            ("reference", invoice.order.reference),
            ("debtor", invoice.debtor.number),
            ("debtor_vat", invoice.debtor.vat_number),
        ):
            if text:
                self.y += 5.2
                self.font(9, colour=GREY)
                self.left(125, self.labels[label])
                self.font(9, "B")
                self.right(RIGHT, text)
        self.y = 98.0

    def table_head(self) -> None:
        self.pdf.set_fill_color(*self.accent)
        self.pdf.rect(LEFT - 1, self.y - 5, RIGHT - LEFT + 2, 7, style="F")
        self.font(8.5, "B", WHITE)
        for label, x, align in COLUMNS:
            (self.left if align == "left" else self.right)(x, self.labels[label])
        self.y += 7.0

    def table_line(self, line: OrderLine, shaded: bool) -> None:
        if shaded:
            self.pdf.set_fill_color(243, 245, 248)
            self.pdf.rect(LEFT - 1, self.y - 4, RIGHT - LEFT + 2, 5.6, style="F")
        self.font(8.5)
        self.left(LEFT, line.article.number)
        self.left(38.0, self.fitted(line.article.description, 68))
        self.right(118.0, quantity(line.quantity))
        self.left(121.0, line.article.unit.name)
        self.right(149.0, dutch_number(line.article.price))
        if line.discount_percentage:
            self.right(165.0, f"{line.discount_percentage} %")
        self.right(175.0, f"{line.vat.percentage} %")
        self.right(RIGHT - 1, dutch_number(line.amount))
        self.y += 5.6

    def totals(self) -> None:
        invoice = self.invoice
        self.pdf.set_draw_color(*self.accent)
        self.pdf.line(120, self.y - 2, RIGHT, self.y - 2)
        rows = [(self.labels["net"], invoice.net)]
        for total in invoice.vat_totals:
            label = self.labels["base"].format(percentage=total.vat.percentage, base=dutch_number(total.base))
            rows.append((label, total.amount))
        self.font(9)
        for label, amount in rows:
            self.y += 5.2
            self.left(122, label)
            self.right(RIGHT - 1, dutch_number(amount))
        self.y += 7.5
        self.font(11, "B", self.accent)
        self.left(122, self.labels["gross"])
        self.right(RIGHT - 1, f"€ {dutch_number(invoice.gross)}")
        self.font(8, colour=GREY)
        for total in invoice.vat_totals:
            if total.vat.reason:
                self.y += 5
                self.left(LEFT, self.labels.get(total.vat.category, total.vat.reason) + ".")

    def payment(self) -> None:
        invoice = self.invoice
        self.y += 9
        self.font(9)
        for label in ("payment", "payment2"):
            self.left(
                LEFT,
                self.labels[label].format(
                    amount=dutch_number(invoice.gross),
                    due=dutch_date(invoice.due),
                    iban=spaced_iban(invoice.company.iban),
                    company=invoice.company.name,
                    number=invoice.number,
                ),
            )
            self.y += 4.8


def spaced_iban(iban: str) -> str:
    return " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))


@functools.cache
def _letterhead() -> bytes:
    """The strip along the foot of the letterhead, a picture as a scanner makes it: it gives a PDF its usual weight."""
    from PIL import Image, ImageOps

    size = (2100, 240)
    grain = Image.frombytes("L", size, random.Random(2026).randbytes(size[0] * size[1]))
    fade = ImageOps.flip(Image.linear_gradient("L")).resize(size)
    strip = ImageOps.colorize(Image.blend(fade, grain, 0.12), black=(150, 180, 205), white=WHITE)
    jpeg = io.BytesIO()
    strip.save(jpeg, "JPEG", quality=86)
    return jpeg.getvalue()


# ---- XML -------------------------------------------------------------------------------------------------------------


def _add(parent: ET.Element, tag: str, text: object = None, **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, tag, attributes)
    if text is not None:
        child.text = str(text)
    return child


def _add_all(parent: ET.Element, texts: dict[str, object]) -> None:
    for tag, text in texts.items():
        _add(parent, tag, text)


def _document(root: ET.Element, encoding: str) -> bytes:
    ET.indent(root)
    xml: bytes = ET.tostring(root, encoding, xml_declaration=True)
    return xml + b"\n"


def xml_king(invoice: Invoice, encoding: str = "utf-8") -> bytes:
    """The invoice in King's own dialect: upper-case Dutch names, all data, no time of printing.

    In `windows-1252` what that code page lacks is written as a character reference.
    """
    root = ET.Element("KINGFACTUUR", VERSIE="1.0")
    company = invoice.company
    sender = _add(root, "ADMINISTRATIE")
    _add(sender, "NAAM", company.name)
    _king_address(sender, company.address)
    _add_all(
        sender,
        {
            "BTWNUMMER": company.vat_number,
            "KVKNUMMER": company.chamber_number,
            "IBAN": company.iban,
            "BIC": company.bic,
            "EMAIL": company.email,
            "TELEFOON": company.telephone,
            "WEBSITE": company.website,
        },
    )
    body = _add(root, "FACTUUR")
    _add_all(
        body,
        {
            "FACTUURNUMMER": invoice.number,
            "FACTUURDATUM": invoice.issued.isoformat(),
            "VERVALDATUM": invoice.due.isoformat(),
            "BETALINGSTERMIJN": invoice.debtor.payment_days,
            "ORDERNUMMER": invoice.order.number,
            "ORDERDATUM": invoice.order.ordered.isoformat(),
            "REFERENTIE": invoice.order.reference,
            "VALUTA": "EUR",
        },
    )
    debtor = invoice.debtor
    receiver = _add(body, "DEBITEUR")
    _add_all(receiver, {"DEBITEURNUMMER": debtor.number, "NAAM": debtor.name})
    _king_address(receiver, debtor.address)
    _add_all(
        receiver,
        {"BTWNUMMER": debtor.vat_number, "KVKNUMMER": debtor.chamber_number, "EMAIL": debtor.email},
    )
    lines = _add(body, "REGELS")
    for number, line in enumerate(invoice.order.lines, 1):
        _add_all(
            _add(lines, "REGEL"),
            {
                "REGELNUMMER": number,
                "ARTIKELNUMMER": line.article.number,
                "OMSCHRIJVING": line.article.description,
                "AANTAL": line.quantity,
                "EENHEID": line.article.unit.name,
                "PRIJS": line.article.price,
                "KORTINGPERCENTAGE": line.discount_percentage,
                "KORTINGBEDRAG": line.discount,
                "BTWCODE": line.vat.code,
                "BTWPERCENTAGE": line.vat.percentage,
                "BEDRAG": line.amount,
            },
        )
    vat = _add(body, "BTW")
    for total in invoice.vat_totals:
        _add_all(
            _add(vat, "BTWREGEL"),
            {
                "BTWCODE": total.vat.code,
                "BTWPERCENTAGE": total.vat.percentage,
                "GRONDSLAG": total.base,
                "BTWBEDRAG": total.amount,
                "TOELICHTING": total.vat.reason,
            },
        )
    _add_all(
        _add(body, "TOTAAL"),
        {"EXCLUSIEFBTW": invoice.net, "BTWBEDRAG": invoice.vat, "INCLUSIEFBTW": invoice.gross},
    )
    return _document(root, encoding)


def _king_address(parent: ET.Element, address: Address) -> None:
    _add_all(
        parent,
        {
            "STRAAT": address.street,
            "POSTCODE": address.postcode,
            "PLAATS": address.place,
            "LANDCODE": address.country,
        },
    )


UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
NLCIUS = "urn:cen.eu:en16931:2017#compliant#urn:fdc:nen.nl:nlcius:v1.0"
BILLING = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"


def xml_ubl(invoice: Invoice) -> bytes:
    """The invoice as a UBL 2.1 Invoice after NLCIUS, its elements in the order of the schema, in UTF-8."""
    root = ET.Element(
        "Invoice",
        {
            "xmlns": UBL + "Invoice-2",
            "xmlns:cac": UBL + "CommonAggregateComponents-2",
            "xmlns:cbc": UBL + "CommonBasicComponents-2",
        },
    )
    _add_all(
        root,
        {
            "cbc:CustomizationID": NLCIUS,
            "cbc:ProfileID": BILLING,
            "cbc:ID": invoice.number,
            "cbc:IssueDate": invoice.issued.isoformat(),
            "cbc:DueDate": invoice.due.isoformat(),
            "cbc:InvoiceTypeCode": 380,
            "cbc:DocumentCurrencyCode": "EUR",
            "cbc:BuyerReference": invoice.order.reference,
        },
    )
    _add(_add(root, "cac:OrderReference"), "cbc:ID", invoice.order.number)
    company, debtor = invoice.company, invoice.debtor
    _ubl_party(
        _add(root, "cac:AccountingSupplierParty"),
        name=company.name,
        address=company.address,
        vat_number=company.vat_number,
        chamber_number=company.chamber_number,
        email=company.email,
        telephone=company.telephone,
    )
    _ubl_party(
        _add(root, "cac:AccountingCustomerParty"),
        name=debtor.name,
        address=debtor.address,
        vat_number=debtor.vat_number,
        chamber_number=debtor.chamber_number,
        email=debtor.email,
    )
    delivery = _add(root, "cac:Delivery")
    _add(delivery, "cbc:ActualDeliveryDate", invoice.order.ordered.isoformat())
    _ubl_address(_add(_add(delivery, "cac:DeliveryLocation"), "cac:Address"), debtor.address)
    payment = _add(root, "cac:PaymentMeans")
    _add_all(payment, {"cbc:PaymentMeansCode": 30, "cbc:PaymentID": invoice.number})
    account = _add(payment, "cac:PayeeFinancialAccount")
    _add_all(account, {"cbc:ID": company.iban, "cbc:Name": company.name})
    _add(_add(account, "cac:FinancialInstitutionBranch"), "cbc:ID", company.bic)
    _add(_add(root, "cac:PaymentTerms"), "cbc:Note", f"Betaling binnen {debtor.payment_days} dagen")
    _ubl_totals(root, invoice)
    for number, line in enumerate(invoice.order.lines, 1):
        _ubl_line(_add(root, "cac:InvoiceLine"), number, line)
    return _document(root, "utf-8")


def _ubl_amount(parent: ET.Element, tag: str, amount: Decimal) -> None:
    _add(parent, tag, amount, currencyID="EUR")


def _ubl_address(parent: ET.Element, address: Address) -> None:
    _add_all(
        parent,
        {"cbc:StreetName": address.street, "cbc:CityName": address.place, "cbc:PostalZone": address.postcode},
    )
    _add(_add(parent, "cac:Country"), "cbc:IdentificationCode", address.country)


def _ubl_party(
    parent: ET.Element,
    *,
    name: str,
    address: Address,
    vat_number: str,
    chamber_number: str,
    email: str,
    telephone: str = "",
) -> None:
    party = _add(parent, "cac:Party")
    if chamber_number:
        _add(party, "cbc:EndpointID", chamber_number, schemeID="0106")
    else:
        _add(party, "cbc:EndpointID", email, schemeID="EM")
    _add(_add(party, "cac:PartyName"), "cbc:Name", name)
    _ubl_address(_add(party, "cac:PostalAddress"), address)
    if vat_number:
        scheme = _add(party, "cac:PartyTaxScheme")
        _add(scheme, "cbc:CompanyID", vat_number)
        _add(_add(scheme, "cac:TaxScheme"), "cbc:ID", "VAT")
    entity = _add(party, "cac:PartyLegalEntity")
    _add(entity, "cbc:RegistrationName", name)
    if chamber_number:
        _add(entity, "cbc:CompanyID", chamber_number, schemeID="0106")
    contact = _add(party, "cac:Contact")
    if telephone:
        _add(contact, "cbc:Telephone", telephone)
    _add(contact, "cbc:ElectronicMail", email)


def _ubl_vat(parent: ET.Element, vat: Vat, with_reason: bool) -> None:
    _add_all(parent, {"cbc:ID": vat.category, "cbc:Percent": vat.percentage})
    if with_reason and vat.reason_code:
        _add(parent, "cbc:TaxExemptionReasonCode", vat.reason_code)
    if with_reason and vat.reason:
        _add(parent, "cbc:TaxExemptionReason", vat.reason)
    _add(_add(parent, "cac:TaxScheme"), "cbc:ID", "VAT")


def _ubl_totals(root: ET.Element, invoice: Invoice) -> None:
    taxes = _add(root, "cac:TaxTotal")
    _ubl_amount(taxes, "cbc:TaxAmount", invoice.vat)
    for total in invoice.vat_totals:
        subtotal = _add(taxes, "cac:TaxSubtotal")
        _ubl_amount(subtotal, "cbc:TaxableAmount", total.base)
        _ubl_amount(subtotal, "cbc:TaxAmount", total.amount)
        _ubl_vat(_add(subtotal, "cac:TaxCategory"), total.vat, with_reason=True)
    monetary = _add(root, "cac:LegalMonetaryTotal")
    _ubl_amount(monetary, "cbc:LineExtensionAmount", invoice.net)
    _ubl_amount(monetary, "cbc:TaxExclusiveAmount", invoice.net)
    _ubl_amount(monetary, "cbc:TaxInclusiveAmount", invoice.gross)
    _ubl_amount(monetary, "cbc:PayableAmount", invoice.gross)


def _ubl_line(parent: ET.Element, number: int, line: OrderLine) -> None:
    _add(parent, "cbc:ID", number)
    _add(parent, "cbc:InvoicedQuantity", line.quantity, unitCode=line.article.unit.code)
    _ubl_amount(parent, "cbc:LineExtensionAmount", line.amount)
    if line.discount_percentage:
        allowance = _add(parent, "cac:AllowanceCharge")
        _add_all(
            allowance,
            {
                "cbc:ChargeIndicator": "false",
                "cbc:AllowanceChargeReason": "Korting",
                "cbc:MultiplierFactorNumeric": line.discount_percentage,
            },
        )
        _ubl_amount(allowance, "cbc:Amount", line.discount)
        _ubl_amount(allowance, "cbc:BaseAmount", line.gross)
    item = _add(parent, "cac:Item")
    _add(item, "cbc:Name", line.article.description)
    _add(_add(item, "cac:SellersItemIdentification"), "cbc:ID", line.article.number)
    _ubl_vat(_add(item, "cac:ClassifiedTaxCategory"), line.vat, with_reason=False)
    _ubl_amount(_add(parent, "cac:Price"), "cbc:PriceAmount", line.article.price)
