#!/usr/bin/env python3
"""A stand-in for the accounting program King: it prints invoices into a drive the way King does.

    python3 scripts/king.py DRIVE --orders 12 [--xml king|ubl] [--order pdf-first] [--report FILE]

King looks whether the name is free on the drive, takes `name(1).pdf`, `name(2).pdf`… if it is not, creates the file,
writes it in small pieces and closes it. It never overwrites. What the drive refuses becomes a red cross with the
reason in the print report, and King goes on with the next document.

A seed decides the whole administration: the same seed and numbers give the same orders, the same XML byte for byte and,
at the same moment, the same PDFs. Exit code: 0 all ticks, 1 a cross, 2 wrong use.
"""

import argparse
import dataclasses
import errno
import hashlib
import importlib
import io
import os
import random
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # started by its path, as demos and people do

from scripts.king_documents import (
    EXEMPT,
    HIGH,
    LOW,
    WITHIN_EU,
    Address,
    Article,
    Company,
    Debtor,
    Documents,
    Invoice,
    Layout,
    Order,
    OrderLine,
    Unit,
    pdf_document,
    xml_king,
    xml_ubl,
)

__all__ = [
    "ARTICLES",
    "COMPANY",
    "DEBTORS",
    "PRINT_FORMATS",
    "Administration",
    "Documents",
    "Invoice",
    "Kind",
    "PrintFormat",
    "PrintLine",
    "PrintOrder",
    "PrintReport",
    "invoice_run",
    "pdf_document",
    "print_document",
    "xml_king",
    "xml_ubl",
]

# ---- the administration ----------------------------------------------------------------------------------------------


class Kind(StrEnum):
    """What a print format makes."""

    PDF = "pdf"
    KING = "king"
    UBL = "ubl"


@dataclass(frozen=True)
class PrintFormat:
    """One of King's print formats. `folder` is where it prints, seen from the top of the drive."""

    number: str
    kind: Kind
    name: str
    folder: str = ""
    encoding: str = "utf-8"  # King's own dialect may also be written in windows-1252

    @property
    def suffix(self) -> str:
        return ".pdf" if self.kind is Kind.PDF else ".xml"

    def render(self, invoice: Invoice, created: datetime) -> bytes:
        if self.kind is Kind.PDF:
            return pdf_document(invoice, created)
        return xml_ubl(invoice) if self.kind is Kind.UBL else xml_king(invoice, self.encoding)


PRINT_FORMATS = (
    PrintFormat("001", Kind.PDF, "Factuur PDF"),
    PrintFormat("009", Kind.KING, "Factuur XML King"),
    PrintFormat("010", Kind.UBL, "Factuur XML UBL 2.1"),
)

COMPANY = Company(
    name="Van der Meer & Zn. Kantoorvakhandel B.V.",
    address=Address("Spaarnwouderstraat 118", "2011 AH", "Haarlem"),
    vat_number="NL123456034B01",
    chamber_number="34123456",
    iban="NL20INGB0001234567",
    bic="INGBNL2A",
    email="administratie@vandermeer-kantoor.example",
    telephone="023 555 01 18",
    website="www.vandermeer-kantoor.example",
)

STANDARD = Layout("01", "nl", (28, 78, 128))
GOVERNMENT = Layout("02", "nl", (70, 90, 60))
EXPORT = Layout("03", "en", (28, 78, 128))

DEBTORS = (
    Debtor(
        "1001", "Bakkerij ’t Stoepje", Address("Lange Nieuwstraat 14", "3512 PH", "Utrecht"),
        "inkoop@stoepje.example", Documents.BOTH, STANDARD, "NL123456046B01", "30111201", 14,
    ),
    Debtor(
        "1002", "Café André", Address("Oosterstraat 61", "9711 NR", "Groningen"),
        "andre@cafeandre.example", Documents.BOTH, STANDARD, "NL123456058B01", "02111202", 14,
    ),
    Debtor(
        "1003", "Jansen & De Vries Installatietechniek B.V.", Address("Nijverheidsweg 7", "8013 PB", "Zwolle"),
        "facturen@jansendevries.example", Documents.BOTH, STANDARD, "NL123456071B01", "05111203",
    ),
    Debtor(
        "1004", "Kleiner < Groter Grafisch Ontwerp", Address("Keizersgracht 402-hs", "1016 GC", "Amsterdam"),
        "post@kleinergroter.example", Documents.XML, STANDARD, "NL123456083B01", "34111204",
    ),
    Debtor(
        "1005", "Stichting Zorggroep ’s-Hertogenbosch", Address("Hinthamerstraat 199", "5211 ML", "’s-Hertogenbosch"),
        "crediteuren@zorggroepdenbosch.example", Documents.BOTH, STANDARD, "NL123456095B01", "16111205",
    ),
    Debtor(
        "1006", "Mevr. C. Özdemir - van den Broek", Address("Acaciaplein 3", "2565 JC", "Den Haag"),
        "c.ozdemir@post.example", Documents.PDF, STANDARD, payment_days=14,
    ),
    Debtor(
        "1007", "Gemeente Nieuw-Súdermar", Address("Marktplein 1", "8601 KS", "Sneek"),
        "e-facturen@nieuwsudermar.example", Documents.XML, GOVERNMENT, "NL123456101B01", "01111207",
    ),
    Debtor(
        "1008", 'Boekhandel "De Gulden Letter" V.O.F.', Address("Grote Markt 22", "3011 PB", "Rotterdam"),
        "winkel@guldenletter.example", Documents.BOTH, STANDARD, "NL123456113B01", "24111208",
    ),
    Debtor(
        "1009", "Crêperie Chez Loïc BV", Address("Korenlei 9", "9000", "Gent", "BE"),
        "loic@chezloic.example", Documents.BOTH, STANDARD, "BE0123456749",
    ),
    Debtor(
        "1010", "Čapek & Söhne Möbelwerkstatt GmbH", Address("Große Gasse 5", "48455", "Bad Bentheim", "DE"),
        "rechnung@capek.example", Documents.BOTH, EXPORT, "DE123456788",
    ),
    Debtor(
        "1011", "Fysiotherapie De Brug", Address("Veerkade 12", "6511 KB", "Nijmegen"),
        "balie@fysiodebrug.example", Documents.PDF, STANDARD, "NL123456125B01", "09111211",
    ),
    Debtor(
        "1012", "René’s Catering ’s Middags & ’s Avonds", Address("Vrijthof 30", "6211 LE", "Maastricht"),
        "keuken@renes.example", Documents.BOTH, STANDARD, "NL123456137B01", "14111212",
    ),
    Debtor(
        "1013", "Hijlkema’s Ĳsfabriek — sinds 1921", Address("Harlingerstraatweg 88", "8916 BG", "Leeuwarden"),
        "ijs@hijlkema.example", Documents.BOTH, STANDARD, "NL123456149B01", "01111213", 60,
    ),
)  # fmt: skip

PIECE, BOX, PACK, HOUR = Unit("stuk", "H87"), Unit("doos", "XBX"), Unit("pak", "XPK"), Unit("uur", "HUR")

ARTICLES = (
    Article("10010", "Kopieerpapier A4 80 g/m², 5 × 500 vel", BOX, Decimal("24.95"), HIGH),
    Article("10025", "Enveloppen C5 met venster, 500 stuks", BOX, Decimal("31.49"), HIGH),
    Article("10140", "Ordner A4 80 mm gemarmerd", PIECE, Decimal("2.79"), HIGH),
    Article("10205", "Balpen blauw “Klassiek”, 50 stuks", BOX, Decimal("17.35"), HIGH),
    Article("11002", "Bureaustoel Ergo 24-uurs, zwart", PIECE, Decimal("489.00"), HIGH),
    Article("11017", "Zit-stabureau 160 × 80 cm, eiken", PIECE, Decimal("1249.50"), HIGH),
    Article("11090", "Whiteboard 120 × 90 cm emaille", PIECE, Decimal("164.73"), HIGH),
    Article("12001", "Toner zwart hoge capaciteit", PIECE, Decimal("96.66"), HIGH),
    Article("12002", "Toner kleur (cyaan/magenta/geel)", PACK, Decimal("311.13"), HIGH),
    Article("13001", "Koffiebonen Espresso biologisch 1 kg", PACK, Decimal("15.27"), LOW),
    Article("13002", "Thee assortiment, 6 × 25 zakjes", BOX, Decimal("12.89"), LOW),
    Article("13010", "Boek “Btw in de praktijk 2026”", PIECE, Decimal("39.40"), LOW),
    Article("13020", "Agenda 2027 linnen, week per spread", PIECE, Decimal("11.05"), LOW),
    Article("14001", "Montage en plaatsing", HOUR, Decimal("62.50"), HIGH),
    Article("14010", "Cursus voorraadbeheer (CRKBO)", HOUR, Decimal("145.00"), EXEMPT),
)


@dataclass(frozen=True, kw_only=True)
class Administration:
    """A small bookkeeping. It holds no state: order `number` is always the same one, however often it is asked for.

    `first_number` is the number of the first invoice; `prefix` comes before it in number and file name.
    """

    seed: int = 1
    first_number: int = 20260001
    prefix: str = ""
    issued: date = date(2026, 11, 25)  # the date on every invoice
    company: Company = COMPANY
    debtors: tuple[Debtor, ...] = DEBTORS
    articles: tuple[Article, ...] = ARTICLES
    print_formats: tuple[PrintFormat, ...] = PRINT_FORMATS

    def print_format(self, kind: Kind) -> PrintFormat:
        return next(each for each in self.print_formats if each.kind is kind)

    def order(self, number: int) -> Order:
        """The order that becomes invoice `number`. As many invoices as there are debtors in a row serve each once."""
        chance = random.Random(f"{self.seed}/{number}")  # a text seed gives the same everywhere
        debtors = list(self.debtors)
        random.Random(f"{self.seed}/debtors").shuffle(debtors)
        debtor = debtors[number % len(debtors)]
        return Order(
            number=f"{40000 + number % 10000:05d}",
            debtor=debtor,
            ordered=self.issued - timedelta(days=chance.randint(1, 9)),
            reference=chance.choice(("Inkoop", "PO", "Best.", "Filiaal")) + f" {chance.randint(1000, 99999)}",
            lines=tuple(self._lines(chance, debtor)),
        )

    def _lines(self, chance: random.Random, debtor: Debtor) -> Iterator[OrderLine]:
        abroad = debtor.address.country != "NL"
        articles = [article for article in self.articles if not (abroad and article.unit is HOUR)]
        long_order = chance.random() < 0.06  # its PDF has a second page
        for _ in range(chance.randint(28, 45) if long_order else chance.randint(1, 8)):
            article = chance.choice(articles)
            count = Decimal(chance.randint(1, 24 if article.price < 100 else 4))
            yield OrderLine(
                article=article,
                quantity=count + (Decimal(chance.choice(("0", "0.25", "0.5"))) if article.unit is HOUR else 0),
                vat=WITHIN_EU if abroad else article.vat,
                discount_percentage=chance.choice((0, 0, 0, 0, 5, 10, 12)),
            )

    def invoices(self, orders: int) -> list[Invoice]:
        """The invoices of the first `orders` orders."""
        numbers = range(self.first_number, self.first_number + orders)
        return [Invoice(f"{self.prefix}{number}", self.company, self.order(number), self.issued) for number in numbers]


# ---- printing --------------------------------------------------------------------------------------------------------


class PrintOrder(StrEnum):
    """In which order a run prints its documents."""

    PDF_FIRST = "pdf-first"  # per invoice
    XML_FIRST = "xml-first"
    ALL_XML_THEN_ALL_PDF = "all-xml-then-all-pdf"
    ALL_PDF_THEN_ALL_XML = "all-pdf-then-all-xml"


@dataclass(frozen=True)
class PrintLine:
    """What became of one document.

    `document` is the name King wanted, `path` the one it printed to (or tried to). `sha256` and `size` (bytes) are of
    the whole document, also when only a part of it or nothing was taken. `seconds` is what the drive cost: from the
    look for the name to the close.
    """

    invoice: str
    debtor: str
    kind: Kind
    document: str
    path: Path
    ok: bool
    reason: str
    sha256: str
    size: int
    seconds: float = field(compare=False)


@dataclass
class PrintReport:
    """The print report of one run: a line per document, in the order of printing."""

    drive: Path
    started: datetime
    lines: list[PrintLine] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return all(line.ok for line in self.lines)

    @property
    def printed(self) -> list[PrintLine]:
        return [line for line in self.lines if line.ok]

    @property
    def failed(self) -> list[PrintLine]:
        return [line for line in self.lines if not line.ok]

    def text(self, lang: str = "nl") -> str:
        """The report as a table, Dutch (`nl`) or English (`en`)."""
        rows = [report_head(self.drive, self.started, lang), *(report_row(line, lang) for line in self.lines)]
        return "\n".join([*rows, report_foot(self, lang)]) + "\n"


def local_now() -> datetime:
    return datetime.now().astimezone()


def invoice_run(
    administration: Administration,
    drive: Path,
    orders: int,
    *,
    order: PrintOrder | str = PrintOrder.PDF_FIRST,
    xml: Kind | str = Kind.KING,
    documents: Documents | None = None,
    piece: int = 4096,
    clock: Callable[[], datetime] = local_now,
    progress: Callable[[PrintLine], None] = lambda _line: None,
) -> PrintReport:
    """King's "Factureren": make the invoices of the first `orders` orders and print each document into `drive`.

    Printing the same run again is calling this again. `documents` is used instead of what each debtor is set to;
    `piece` is the bytes per write; `clock` tells the time that a PDF carries; `progress` gets each line as it is done.
    A document that the drive refuses is a line that is not ok; other errors (fpdf2 missing) are raised.
    """
    order = PrintOrder(order)
    kinds = [Kind.PDF, Kind(xml)]
    if order in (PrintOrder.XML_FIRST, PrintOrder.ALL_XML_THEN_ALL_PDF):
        kinds.reverse()
    jobs = [
        (invoice, kind)
        for invoice in administration.invoices(orders)
        for kind in kinds
        if (Documents.PDF if kind is Kind.PDF else Documents.XML) in (documents or invoice.debtor.documents)
    ]
    if order in (PrintOrder.ALL_XML_THEN_ALL_PDF, PrintOrder.ALL_PDF_THEN_ALL_XML):
        jobs.sort(key=lambda job: kinds.index(job[1]))
    report = PrintReport(drive, clock())
    for invoice, kind in jobs:
        line = _print_invoice(invoice, administration.print_format(kind), drive, piece, clock())
        report.lines.append(line)
        progress(line)
    return report


def _print_invoice(
    invoice: Invoice, print_format: PrintFormat, drive: Path, piece: int, created: datetime
) -> PrintLine:
    content = print_format.render(invoice, created)
    document = invoice.number + print_format.suffix
    path, reason = drive / print_format.folder / document, ""
    start = time.perf_counter()
    try:
        path = free_name(path)
        print_document(path, content, piece)
    except OSError as error:
        reason = reason_of(error)
    seconds = time.perf_counter() - start
    return PrintLine(
        invoice=invoice.number,
        debtor=invoice.debtor.name,
        kind=print_format.kind,
        document=document,
        path=path,
        ok=not reason,
        reason=reason,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        seconds=seconds,
    )


def free_name(path: Path) -> Path:
    """The path if no file has it, else the first of `name(1).pdf`, `name(2).pdf`… that is free.

    King looks for files only: a folder of that name makes the create fail.
    """
    candidate, number = path, 0
    while _is_file(candidate):
        number += 1
        candidate = path.with_name(f"{path.stem}({number}){path.suffix}")
    return candidate


def _is_file(path: Path) -> bool:
    """Like `Path.is_file`, but a drive that fails is an error and not a free name."""
    try:
        return not stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def print_document(path: Path, content: bytes, piece: int = 4096) -> None:
    """Create the file, write it in pieces of `piece` bytes at most, close it. Never overwrites. Raises OSError.

    What a failed write leaves behind stays, as with King.
    """
    if piece < 1:
        raise ValueError(f"a piece of {piece} bytes")
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(handle, rest[:piece]) :]
    finally:
        os.close(handle)


def reason_of(error: OSError) -> str:
    """The system's own sentence and the name of its code: `No space left on device (ENOSPC)`."""
    code = errno.errorcode.get(error.errno or 0)
    return (error.strerror or str(error) or type(error).__name__) + (f" ({code})" if code else "")


# ---- what a person sees ----------------------------------------------------------------------------------------------

SENTENCES = {
    "nl": {
        "head": "Afdrukverslag van {started}, schijf {drive}",
        "columns": ("Document", "Soort", "Debiteur", "Bytes", "Reden"),
        "all": "Alle {count} documenten zijn afgedrukt.",
        "some": "{failed} van de {count} documenten zijn NIET afgedrukt: zie de rode kruisjes.",
        "none": "Er waren geen documenten om af te drukken.",
        "again": "Zijn alle documenten goed afgedrukt? Nee: de hele run wordt opnieuw afgedrukt.",
        "no_fpdf2": "king: voor PDF’s is fpdf2 nodig. Installeer het met: python3 -m pip install fpdf2",
        "no_report": "king: het afdrukverslag kan niet worden bewaard in {path}: {reason}",
    },
    "en": {
        "head": "Print report of {started}, drive {drive}",
        "columns": ("Document", "Kind", "Debtor", "Bytes", "Reason"),
        "all": "All {count} documents were printed.",
        "some": "{failed} of the {count} documents were NOT printed: see the red crosses.",
        "none": "There were no documents to print.",
        "again": "Were all documents printed well? No: the whole run is printed again.",
        "no_fpdf2": "king: PDFs need fpdf2. Install it with: python3 -m pip install fpdf2",
        "no_report": "king: the print report cannot be kept in {path}: {reason}",
    },
}
TICK, CROSS = "✓", "✗"
GREEN, RED, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[0m"


def report_head(drive: Path, started: datetime, lang: str) -> str:
    sentences = SENTENCES[lang]
    title = str(sentences["head"]).format(started=started.strftime("%d-%m-%Y %H:%M:%S"), drive=drive)
    return f"{title}\n\n{_row(' ', *sentences['columns'])}"


def report_row(line: PrintLine, lang: str, colour: bool = False) -> str:
    mark = TICK if line.ok else CROSS
    if colour:
        mark = (GREEN if line.ok else RED) + mark + PLAIN
    size = f"{line.size:,}".replace(",", "." if lang == "nl" else ",")
    return _row(mark, line.path.name, line.kind.upper(), line.debtor, size, line.reason)


def report_foot(report: PrintReport, lang: str) -> str:
    sentences = SENTENCES[lang]
    key = "none" if not report.lines else "all" if report.ok else "some"
    return "\n" + str(sentences[key]).format(count=len(report.lines), failed=len(report.failed))


def _row(mark: str, document: str, kind: str, debtor: str, size: str, reason: str) -> str:
    return f"{mark} {document:<20} {kind:<5} {debtor:<43} {size:>8}  {reason}".rstrip()


def _parser() -> argparse.ArgumentParser:
    def positive(text: str) -> int:
        if int(text) < 1:
            raise ValueError
        return int(text)

    parser = argparse.ArgumentParser(prog="king", description="Prints invoices into a drive the way King does.")
    parser.add_argument("drive", type=Path, help="the drive or folder to print into: X:\\ or a mount point")
    parser.add_argument("--orders", type=positive, default=12, help="how many orders to invoice (12)")
    parser.add_argument("--seed", type=int, default=1, help="decides all orders (1)")
    parser.add_argument("--xml", choices=["king", "ubl"], default="king", help="print format 009 or 010 (king)")
    parser.add_argument("--encoding", choices=["utf-8", "windows-1252"], default="utf-8", help="of King's XML (utf-8)")
    parser.add_argument("--documents", choices=["pdf", "xml", "both"], help="for every debtor, whatever it is set to")
    parser.add_argument(
        "--order", choices=[str(order) for order in PrintOrder], default="pdf-first", help="(pdf-first)"
    )
    parser.add_argument("--piece", type=positive, default=4096, help="bytes per write (4096)")
    parser.add_argument("--first-number", type=positive, default=20260001, help="the first invoice (20260001)")
    parser.add_argument("--prefix", default="", help="before each invoice number, as in F20260001")
    parser.add_argument("--date", type=date.fromisoformat, default=Administration.issued, help="of the invoices, ISO")
    parser.add_argument("--again", action="store_true", help="say no to King's question: print the whole run twice")
    parser.add_argument("--report", type=Path, help="keep the print report in this file")
    parser.add_argument("--lang", choices=["nl", "en"], default="nl", help="of the print report (nl)")
    return parser


def _administration(options: argparse.Namespace) -> Administration:
    return Administration(
        seed=options.seed,
        first_number=options.first_number,
        prefix=options.prefix,
        issued=options.date,
        print_formats=tuple(
            dataclasses.replace(each, encoding=options.encoding) if each.kind is Kind.KING else each
            for each in PRINT_FORMATS
        ),
    )


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    sentences = SENTENCES[options.lang]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # a pipe on Windows has no ✓ otherwise
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    documents = Documents[options.documents.upper()] if options.documents else None
    if documents is not Documents.XML:
        try:
            importlib.import_module("fpdf")
        except ImportError:
            print(sentences["no_fpdf2"], file=sys.stderr)
            return 2
    reports = []
    for run in range(2 if options.again else 1):
        if run:
            print(f"\n{sentences['again']}\n")
        print(report_head(options.drive, local_now(), options.lang))
        report = invoice_run(
            _administration(options),
            options.drive,
            options.orders,
            order=options.order,
            xml=options.xml,
            documents=documents,
            piece=options.piece,
            progress=lambda line: print(report_row(line, options.lang, colour), flush=True),
        )
        print(report_foot(report, options.lang))
        reports.append(report)
    if options.report:
        try:
            options.report.write_text("\n".join(each.text(options.lang) for each in reports), encoding="utf-8")
        except OSError as error:
            print(str(sentences["no_report"]).format(path=options.report, reason=reason_of(error)), file=sys.stderr)
            return 1
    return 0 if all(report.ok for report in reports) else 1


if __name__ == "__main__":
    sys.exit(main())
