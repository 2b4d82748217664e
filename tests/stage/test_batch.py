"""The batch: what is taken from the inbox, what is refused and why, and that each document is filed once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingisfs.stage.batch import Batch, Pace
from ingisfs.stage.conditions import NO_CONDITION
from ingisfs.stage.customers import Customer, CustomerError, Customers
from ingisfs.stage.database import Database
from ingisfs.stage.desks import Desk, Desks
from ingisfs.stage.invoices import Invoices, Query, reason_of
from ingisfs.stage.post import Post
from ingisfs.stage.reading import Reading, read_xml
from ingisfs.stage.reasons import REASONS
from ingisfs.stage.sentences import say
from ingisfs.stage.users import Users
from ingisfs.stage.vault import Vault
from scripts.king import Administration, Documents, Invoice, pdf_document, xml_king, xml_ubl
from tests.stage.harness import REPOSITORY

SAMPLES = REPOSITORY.parent / "shared" / "samples"
ADMINISTRATION = Administration()
INVOICES = ADMINISTRATION.invoices(13)
WANTS = {Documents.BOTH: "both", Documents.PDF: "pdf", Documents.XML: "xml"}
BOTH = next(each for each in INVOICES if each.debtor.documents is Documents.BOTH)
ONLY_XML = next(each for each in INVOICES if each.debtor.documents is Documents.XML)
ONLY_PDF = next(each for each in INVOICES if each.debtor.documents is Documents.PDF)


def pdf(invoice: Invoice) -> bytes:
    return pdf_document(invoice, datetime(2026, 11, 25, tzinfo=UTC))


class Office:
    """All of a stage that files, without its pages."""

    def __init__(self, folder: Path, **pace: float) -> None:
        self.held = ExitStack()
        self.database = self.held.enter_context(closing(Database(folder)))
        self.users = self.held.enter_context(closing(Users(folder)))
        self.desks = self.held.enter_context(closing(Desks(folder, size_limit=10**8)))
        self.vault = Vault(folder)
        self.invoices = Invoices(self.database)
        self.customers = Customers(self.database)
        self.post = Post(
            self.database, folder, self.users, self.invoices, self.vault, base="http://127.0.0.1:1", language="nl"
        )
        self.people = ["king"]
        self.batch = Batch(
            lambda: [(self.desks.of(name), "nl") for name in self.people],
            self.database,
            self.vault,
            self.invoices,
            self.customers,
            self.post,
            Pace(**{"every": 0.0, "patience": 0.0, "settle": 0.0, "limit": 1_000_000, **pace}),  # type: ignore[arg-type]
        )
        self.desk: Desk = self.desks.of("king")

    def know_all_debtors(self, owner: str = "king") -> None:
        for debtor in ADMINISTRATION.debtors:
            customer = Customer(debtor.number, debtor.name, debtor.email, debtor.vat_number, WANTS[debtor.documents])
            self.customers.add(owner, customer)

    def put(self, name: str, data: bytes, user: str = "king") -> None:
        inbox = self.desks.of(user).inbox
        upload = inbox.upload()
        upload.add(data)
        inbox.keep(upload, tuple(name.split("/")), NO_CONDITION)

    def names(self, user: str = "king") -> list[str]:
        return sorted("/".join(document.place) for document in self.desks.of(user).inbox.documents())

    def told(self, user: str = "king") -> list[tuple[str, str]]:
        return [(told.name, told.state) for told in self.desks.of(user).receipts.after(0, 10_000)]

    def filed(self, user: str = "king") -> list[tuple[str, str, str]]:
        rows, _ = self.invoices.page(user, Query(sort="number", descending=False))
        return [(row["number"], row["status"], row["reason"]) for row in rows]

    def refusal(self) -> str:
        (row,), _ = self.invoices.page("king", Query(status="refused"))
        return str(row["reason"])


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    made.know_all_debtors()
    with made.held:
        yield made


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[Office]:
    """An office that waits for other halves for longer than any test takes."""
    made = Office(tmp_path, patience=3600.0)
    made.know_all_debtors()
    with made.held:
        yield made


def test_a_pair_is_filed_as_one_invoice_and_told_of_both_halves(office: Office) -> None:
    office.put("F1.pdf", pdf(BOTH))
    office.put("F1.xml", xml_king(BOTH))
    assert office.batch.take_in() == 1
    assert office.names() == []
    (row,), total = office.invoices.page("king", Query())
    assert total == 1
    assert (row["number"], row["status"], row["customer_name"]) == (BOTH.number, "new", BOTH.debtor.name)
    assert (row["gross"], row["net"]) == (BOTH.gross * 100, BOTH.net * 100)
    assert sorted(office.told()) == [
        ("F1.pdf", "collected"),
        ("F1.pdf", "new"),
        ("F1.xml", "collected"),
        ("F1.xml", "new"),
    ]
    assert [event["state"] for event in office.invoices.events(row["id"])] == ["received", "collected", "new"]
    for file in office.invoices.files(row["id"]):
        with office.vault.open(file["sha256"]) as kept:
            assert kept.read() == (pdf(BOTH) if file["role"] == "pdf" else xml_king(BOTH))


def test_everything_that_king_prints_is_accepted(office: Office) -> None:
    for invoice in INVOICES:
        if Documents.PDF in invoice.debtor.documents:
            office.put(f"{invoice.number}.pdf", pdf(invoice))
        if Documents.XML in invoice.debtor.documents:
            office.put(f"{invoice.number}.xml", xml_ubl(invoice) if int(invoice.number) % 2 else xml_king(invoice))
    assert office.batch.take_in() == len(INVOICES)
    assert office.filed() == [(invoice.number, "new", "") for invoice in INVOICES]


def test_what_the_courier_has_under_way_is_passed_over(office: Office) -> None:
    names = [".ingisfs-44knj3zbqj66-1.part", ".ingisfs-witness", "~$F1.pdf", "F1.pdf.part", "F1.tmp", ".davfs.tmp1"]
    for name in names:
        office.put(name, pdf(BOTH))
    assert office.batch.take_in() == 0
    assert office.names() == sorted(names)
    assert office.told() == []


def test_a_half_waits_for_the_other_where_the_customer_wants_both(patient: Office) -> None:
    patient.put("F1.xml", xml_king(BOTH))
    patient.put("F2.pdf", pdf(INVOICES[-1]))
    assert patient.batch.take_in() == 0
    patient.put("F1.pdf", pdf(BOTH))
    assert patient.batch.take_in() == 1
    assert patient.names() == ["F2.pdf"]


def test_a_half_does_not_wait_where_the_customer_wants_no_more(patient: Office) -> None:
    patient.put("F1.xml", xml_king(ONLY_XML))
    patient.put("F2.pdf", pdf(ONLY_PDF))
    assert patient.batch.take_in() == 2
    assert [status for _, status, _ in patient.filed()] == ["new", "new"]


def test_what_came_just_now_is_left_alone_for_a_moment(tmp_path: Path) -> None:
    office = Office(tmp_path, settle=3600.0)
    with office.held:
        office.put("F1.pdf", b"%PDF-1.7 half")
        assert office.batch.take_in() == 0


def test_attachments_go_with_their_invoice_also_when_they_come_later(office: Office) -> None:
    office.put("F1.pdf", pdf(BOTH))
    office.put("F1.xml", xml_king(BOTH))
    office.put("F1-1.pdf", pdf(ONLY_PDF))
    assert office.batch.take_in() == 1
    office.put("F1-2.pdf", pdf(ONLY_PDF))
    office.batch.take_in()
    assert office.names() == []
    (row,), total = office.invoices.page("king", Query())
    assert total == 1
    assert [(file["name"], file["role"]) for file in office.invoices.files(row["id"])] == [
        ("F1.pdf", "pdf"),
        ("F1.xml", "xml"),
        ("F1-1.pdf", "attachment"),
        ("F1-2.pdf", "attachment"),
    ]
    assert office.told()[-2:] == [("F1-2.pdf", "collected"), ("F1-2.pdf", "new")]


def test_an_invoice_number_that_looks_like_an_attachment_is_an_invoice(office: Office) -> None:
    office.put("2026-1.pdf", pdf(BOTH))
    office.put("2026-1.xml", xml_king(BOTH))
    office.put("2026-2.pdf", pdf(ONLY_PDF))
    assert office.batch.take_in() == 2
    assert {status for _, status, _ in office.filed()} == {"new"}


def test_the_same_names_in_two_folders_are_two_invoices(office: Office) -> None:
    office.desk.inbox.make_folder(("map",))
    office.put("F1.xml", xml_king(ONLY_XML))
    office.put("map/F1.pdf", pdf(ONLY_PDF))
    assert office.batch.take_in() == 2
    assert office.names() == []


def other_customer(office: Office) -> None:
    customer = office.customers.whose("king", _reading(ONLY_XML))
    assert customer is not None
    office.customers.block("king", customer.id, blocked=True)


def _reading(invoice: Invoice) -> Reading:
    return read_xml(xml_king(invoice))


def twice(office: Office) -> None:
    office.put("F1.xml", xml_king(ONLY_XML))
    office.batch.take_in()


UNKNOWN = xml_king(ONLY_XML).replace(f">{ONLY_XML.debtor.number}<".encode(), b">9<")
for _text in (ONLY_XML.debtor.vat_number, ONLY_XML.debtor.email, ONLY_XML.debtor.name.replace("<", "&lt;")):
    UNKNOWN = UNKNOWN.replace(f">{_text}<".encode(), b"><")

REFUSED: dict[str, tuple[Callable[[Office], None], dict[str, bytes]]] = {
    "type": (lambda _: None, {"F1.docx": b"x"}),
    "size": (lambda _: None, {"F1.pdf": b"%PDF-1.7" + b" " * 1_000_001 + b"%%EOF"}),
    "not_whole": (lambda _: None, {"F1.pdf": pdf(BOTH)[:-100], "F1.xml": xml_king(BOTH)}),
    "not_well_formed": (lambda _: None, {"F1.pdf": pdf(BOTH), "F1.xml": xml_king(BOTH).replace(b"</REGEL>", b"", 1)}),
    "not_an_invoice": (lambda _: None, {"F1.xml": b"<html/>"}),
    "no_customer": (lambda _: None, {"F1.xml": UNKNOWN}),
    "blocked": (other_customer, {"F1.xml": xml_king(ONLY_XML)}),
    "duplicate": (twice, {"G1.xml": xml_king(ONLY_XML)}),
    "no_pdf": (lambda _: None, {"F1.xml": xml_king(BOTH)}),
    "no_xml": (lambda _: None, {"F1.pdf": pdf(BOTH)}),
}


def test_there_is_a_case_for_each_reason() -> None:
    assert set(REFUSED) == set(REASONS)


@pytest.mark.parametrize("reason", REASONS)
def test_what_cannot_be_taken_is_refused_with_its_reason(office: Office, reason: str) -> None:
    prepare, documents = REFUSED[reason]
    prepare(office)
    before = len(office.told())
    for name, data in documents.items():
        office.put(name, data)
    assert office.batch.take_in() == 1
    assert office.names() == []
    assert office.refusal() == reason
    told = office.desk.receipts.after(0, 100)[before:]
    for name in documents:
        assert [receipt.state for receipt in told if receipt.name == name] == ["collected", "refused"]
    (row,), _ = office.invoices.page("king", Query(status="refused"))
    assert {receipt.reason for receipt in told if receipt.state == "refused"} == {reason_of(row, "nl")}
    for language in ("nl", "en"):
        assert reason_of(row, language)
        for part in ("advice", "about", "title"):
            assert say(language, f"{part}_{reason}")


def test_a_second_document_of_a_name_in_other_letters_is_looked_at_by_itself(office: Office) -> None:
    office.put("F1.xml", xml_king(ONLY_XML))
    office.put("f1.XML", xml_king(ONLY_XML) + b" ")
    office.put("F2.pdf", pdf(ONLY_PDF))
    office.put("F2.PDF", pdf(ONLY_PDF) + b"\n")
    assert office.batch.take_in() == 4
    assert office.names() == []
    assert sorted((status, reason) for _, status, reason in office.filed()) == [
        ("new", ""),
        ("new", ""),
        ("refused", "duplicate"),
        ("refused", "duplicate"),
    ]


@pytest.mark.skipif(not SAMPLES.exists(), reason="documents of others are not part of the project")
def test_pairs_that_nobody_here_wrote_go_through(office: Office) -> None:
    pairs = [path for path in sorted((SAMPLES / "pairs").glob("*.xml")) if path.with_suffix(".pdf").exists()]
    numbers = set()
    for path in pairs:
        reading = read_xml(path.read_bytes())
        with contextlib.suppress(CustomerError):  # another of the same customer
            office.customers.add("king", Customer(reading.customer_number or reading.number, reading.customer_name))
        office.put(path.name, path.read_bytes())
        office.put(f"{path.stem}.pdf", path.with_suffix(".pdf").read_bytes())
        numbers.add(reading.number)
    assert office.batch.take_in() == len(pairs) > 8
    assert office.names() == []
    assert {number for number, status, _ in office.filed() if status == "new"} == numbers
    assert {reason for _, _, reason in office.filed()} <= {"", "duplicate"}  # most have one number


def test_a_refused_invoice_may_be_sent_again_when_it_is_mended(office: Office) -> None:
    office.put("F1.xml", xml_king(BOTH))
    office.batch.take_in()
    office.put("F1.xml", xml_king(BOTH))
    office.put("F1.pdf", pdf(BOTH))
    office.batch.take_in()
    assert sorted(status for _, status, _ in office.filed()) == ["new", "refused"]


def test_each_king_user_has_their_own_invoices_customers_and_receipts(office: Office) -> None:
    office.users.add("keizer", "geheim")
    office.people.append("keizer")
    office.know_all_debtors("keizer")
    office.put("F1.xml", xml_king(ONLY_XML))
    office.put("F1.xml", xml_king(ONLY_XML), user="keizer")
    office.put("F2.pdf", pdf(ONLY_PDF), user="keizer")
    assert office.batch.take_in() == 3
    assert office.told() == [("F1.xml", "collected"), ("F1.xml", "new")]
    assert {name for name, _ in office.told("keizer")} == {"F1.xml", "F2.pdf"}
    assert office.invoices.counters("king") == {"refused": 0, "new": 1, "viewed": 0, "sent": 0}
    assert office.invoices.counters("keizer") == {"refused": 0, "new": 2, "viewed": 0, "sent": 0}
    assert office.customers.page("keizer")[0][0].owner == "keizer"


def test_another_document_that_took_the_name_meanwhile_stays(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.put("F1.xml", xml_king(ONLY_XML))
    keep = office.vault.keep

    def replaced(data: bytes) -> str:
        office.put("F1.xml", xml_king(BOTH))
        return keep(data)

    monkeypatch.setattr(office.vault, "keep", replaced)
    office.batch.take_in()
    assert office.names() == ["F1.xml"]
    assert office.filed() == [(ONLY_XML.number, "new", "")]
    assert (office.desk.inbox._root / "F1.xml").read_bytes() == xml_king(BOTH)


def test_what_the_customer_does_is_told_once(office: Office) -> None:
    office.put("F1.xml", xml_king(ONLY_XML))
    office.batch.take_in()
    (row,), _ = office.invoices.page("king", Query())
    for _ in range(3):
        office.invoices.viewed(row["id"])
    assert office.told() == [("F1.xml", "collected"), ("F1.xml", "new"), ("F1.xml", "viewed")]
    with office.database.transaction() as db:
        assert not office.invoices.move_on(db, row["id"], "sent")
    assert office.invoices.counters("king")["viewed"] == 1


_TAKE_IN = """
import sys
from pathlib import Path
from tests.stage.test_batch import Office
office = Office(Path(sys.argv[1]))
office.batch.take_in()
office.held.close()
"""


def take_in(folder: Path, crash: str = "") -> int:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "INGISFS_CRASH_AT": crash}
    return subprocess.run(
        [sys.executable, "-c", _TAKE_IN, str(folder)], cwd=REPOSITORY, env=environment, timeout=120
    ).returncode


@pytest.mark.parametrize("point", ["batch.kept", "batch.inside", "batch.filed", "batch.leaving", "batch.leaving:2"])
def test_killed_anywhere_each_document_is_filed_once(tmp_path: Path, point: str) -> None:
    office = Office(tmp_path)
    office.know_all_debtors()
    with office.held:
        for invoice in (BOTH, ONLY_XML):
            office.put(f"{invoice.number}.pdf", pdf(invoice))
            office.put(f"{invoice.number}.xml", xml_king(invoice))
    assert take_in(tmp_path, point) == -signal.SIGKILL
    assert take_in(tmp_path) == 0
    office = Office(tmp_path)
    with office.held:
        assert office.batch.take_in() == 0
        assert office.names() == []
        assert office.filed() == [(invoice.number, "new", "") for invoice in sorted((BOTH, ONLY_XML), key=_number)]
        assert len(office.told()) == len(set(office.told())) == 8
        assert len(office.post.newest("king", everything=True)) == 2


def _number(invoice: Invoice) -> str:
    return invoice.number


def test_a_disk_that_is_full_costs_nothing_but_time(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.put("F1.xml", xml_king(ONLY_XML))
    with monkeypatch.context() as patched:
        patched.setattr(office.vault, "keep", lambda _data: (_ for _ in ()).throw(OSError(28, "full")))
        with pytest.raises(OSError, match="full"):
            office.batch.take_in()
    assert office.names() == ["F1.xml"]
    assert office.batch.take_in() == 1


def test_a_document_that_nobody_foresaw_stands_in_no_other_s_way(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = office.vault.keep

    def odd(data: bytes) -> str:
        if data == xml_king(ONLY_XML):
            raise RecursionError
        return keep(data)

    monkeypatch.setattr(office.vault, "keep", odd)
    office.put("F1.xml", xml_king(ONLY_XML))
    office.put("F2.pdf", pdf(ONLY_PDF))
    assert office.batch.take_in() == 1
    assert office.names() == ["F1.xml"]


def test_a_hundred_thousand_invoices_are_searched_sorted_and_paged(office: Office) -> None:
    rows = [
        ("king", str(number % 1000), f"Klant {number % 1000}", str(number), str(number), "invoice",
         f"2026-{1 + number % 12:02}-01", "", "EUR", 100, 21, number, ("new", "viewed", "sent", "refused")[number % 4],
         "", "{}", str(number), float(number), float(number), f"{number} klant {number % 1000} {number}")
        for number in range(100_000)
    ]  # fmt: skip
    columns = (
        "owner, customer_number, customer_name, number, number_key, kind, issued, due, currency, net, vat, gross,"
        " status, reason, reason_values, stem, filed_at, status_at, search"
    )
    with office.database.transaction() as db:
        db.executemany(f"INSERT INTO invoices ({columns}) VALUES ({', '.join('?' * 19)})", rows)
    for query, total in (
        (Query(), 100_000),
        (Query(page=2000), 100_000),
        (Query(sort="gross", descending=False, page=500), 100_000),
        (Query(sort="customer", status="viewed"), 25_000),
        (Query(search="klant 77777"), 1),
        (Query(search="zoek dit niet"), 0),
        (Query(since="2026-06-01", until="2026-06-30"), 8_333),
    ):
        started, busy = time.perf_counter(), time.process_time()
        page, count = office.invoices.page("king", query)
        took, used = (
            (now - then) * 1000 for now, then in ((time.perf_counter(), started), (time.process_time(), busy))
        )
        print(query, f"{took:.0f} ms, {used:.0f} ms of a processor")
        assert count == total
        assert len(page) == min(50, total)
    assert sum(office.invoices.counters("king").values()) == 100_000
