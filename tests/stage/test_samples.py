"""Invoices that others wrote and ship in their packages go the whole way: taken in, read, shown, downloaded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from ingisfs.stage.batch import Pace
from ingisfs.stage.customers import Customer
from ingisfs.stage.invoices import Query
from ingisfs.stage.reading import NotAnInvoiceError, check_pdf, read_xml
from ingisfs.stage.serve import Options, Stage
from scripts.sample_invoices import prepare
from tests.stage.harness import PASSWORD, USER, Running, running_stage, visitor


@dataclass(frozen=True)
class Sample:
    """What a person reads in one of these documents."""

    file: str
    number: str
    issued: date
    customer: str
    net: str
    vat: str
    gross: str
    kind: str = "invoice"


UBL = [
    Sample("UBLKetentest_Referentiefactuur_20150100.xml", "20150101", date(2015, 2, 16), "Efficient Den Haag BV",
           "420.00", "55.20", "475.20"),
    Sample("UBLInvoice-multitankcard-line_adjust.xml", "6311117", date(2017, 3, 7), "Pino BV", "75.01", "15.76",
           "90.77"),
    Sample("efff_BE0505890632_160421_Inv_16117778.xml", "16117778", date(2016, 4, 21), "AttOra", "31.00", "6.51",
           "37.51"),
    Sample("UBL-Invoice-2.1-Example.xml", "TOSL108", date(2009, 12, 15), "Buyercompany ltd", "1436.50",
           "292.20", "1729.00"),
]  # fmt: skip
CREDIT = Sample(
    "UBL-CreditNote-2.1-Example.xml",
    "TOSL108",
    date(2009, 12, 15),
    "Buyercompany ltd",
    "1436.50",
    "292.20",
    "1729.00",
    "credit",
)
CII = ["CII_example1.xml", "ZUGFeRD_1p0_COMFORT_Einfach.pdf-ZUGFeRD-invoice.xml"]
SECRET = "een heel lang wachtwoord"


@pytest.fixture(scope="module")
def samples() -> dict[str, Path]:
    return prepare()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[tuple[Running, Stage]]:
    with running_stage(tmp_path / "stage", Options()) as (running, made):
        made.portal.batch._pace = Pace(every=0, patience=0, settle=0)
        yield running, made


def put(running: Running, name: str, data: bytes) -> None:
    with httpx.Client(base_url=running.root, auth=(USER, PASSWORD), trust_env=False, timeout=60) as program:
        program.put(f"/inbox/{name}", content=data).raise_for_status()


@pytest.mark.parametrize("sample", [*UBL, CREDIT], ids=lambda sample: sample.file)
def test_ubl_of_others_is_read_as_a_person_reads_it(samples: dict[str, Path], sample: Sample) -> None:
    reading = read_xml(samples[sample.file].read_bytes())
    assert (reading.dialect, reading.kind, reading.number) == ("ubl", sample.kind, sample.number)
    assert (reading.issued, reading.customer_name) == (sample.issued, sample.customer)
    amounts = (reading.net, reading.vat, reading.gross)
    assert amounts == (Decimal(sample.net), Decimal(sample.vat), Decimal(sample.gross))


@pytest.mark.parametrize("name", CII)
def test_an_invoice_in_another_syntax_is_told_from_ubl(samples: dict[str, Path], name: str) -> None:
    with pytest.raises(NotAnInvoiceError, match="Cross"):
        read_xml(samples[name].read_bytes())


def test_pairs_of_others_reach_their_customers_whole(samples: dict[str, Path], stage: tuple[Running, Stage]) -> None:
    running, made = stage
    portal = made.portal
    papers = [path.read_bytes() for name, path in samples.items() if name.endswith(".pdf")]
    assert len(papers) > 10
    sent: dict[str, list[bytes]] = {}
    for index, sample in enumerate(UBL):
        xml = samples[sample.file].read_bytes()
        number = read_xml(xml).customer_number or str(index)
        portal.customers.add(USER, Customer(number, sample.customer, f"klant{index}@x.example"))
        documents = [papers[index], xml, papers[-1 - index]]
        for name, data in zip((f"S{index}.pdf", f"S{index}.xml", f"S{index}-1.pdf"), documents, strict=True):
            put(running, name, data)
        sent[sample.number] = documents
    assert portal.batch.take_in() == len(UBL)
    assert running.names() == []

    with closing(visitor(running, USER, PASSWORD)) as king:
        listed = king.get("/invoices?lang=nl").text
        for index, sample in enumerate(UBL):
            (row,), _ = portal.invoices.page(USER, Query(search=sample.number))
            assert (row["status"], row["gross"], row["kind"]) == ("new", int(Decimal(sample.gross) * 100), "invoice")
            assert row["issued"] == sample.issued.isoformat()
            assert sample.number in listed
            assert sample.customer in listed
            page = king.get(f"/invoices/{row['id']}").text
            assert f"Factuur {sample.number}" in page
            amount = f"{Decimal(sample.gross):,.2f}".translate(str.maketrans(",.", ".,"))
            assert amount in page
            half = portal.invoices.files(row["id"])[1]
            assert "UBL 2.1" in king.get(f"/invoices/{row['id']}/files/{half['id']}/read").text
            (text,) = [
                m["text"] for m in portal.post.newest(USER, everything=True) if f"klant{index}@" in m["recipient"]
            ]
            (link,) = re.findall(rf"{re.escape(running.root)}(/open/\S+)", text)
            with closing(visitor(running)) as customer:
                address = customer.post(link, data={"password": SECRET, "again": SECRET}).headers["location"]
                assert address == f"/invoices/{row['id']}"
                seen = customer.get(address).text
                files = re.findall(rf'href="({address}/files/[0-9]+)"', seen)
                assert [customer.get(each).content for each in dict.fromkeys(files)] == sent[sample.number]
                (shown,) = re.findall(rf'<iframe [^>]*src="({address}/files/[0-9]+/show)', seen)
                assert customer.get(shown).content == sent[sample.number][0]
        assert king.get("/counters.json").json() == {"refused": 0, "new": 0, "viewed": len(UBL), "sent": 0}


def test_what_nobody_can_read_is_refused_with_its_reason_and_kept(
    samples: dict[str, Path], stage: tuple[Running, Stage]
) -> None:
    running, made = stage
    for number, name in enumerate(CII):
        put(running, f"C{number}.xml", samples[name].read_bytes())
    put(running, "Z.pdf", samples["ZUGFeRD_1p0_COMFORT_Einfach.pdf"].read_bytes())
    assert made.portal.batch.take_in() == 3
    rows, _ = made.portal.invoices.page(USER, Query(status="refused"))
    assert [row["reason"] for row in rows] == ["not_an_invoice"] * 3
    with closing(visitor(running, USER, PASSWORD)) as king:
        for row in rows:
            page = king.get(f"/invoices/{row['id']}").text
            assert "Waarom geweigerd" in page
            assert 'href="/reasons/not_an_invoice"' in page


def test_every_document_of_others_is_whole_and_without_its_end_is_not(samples: dict[str, Path]) -> None:
    for path in samples.values():
        if path.suffix == ".pdf":
            check_pdf(path.read_bytes())
            with pytest.raises(ValueError):  # noqa: PT011 - of any kind
                check_pdf(path.read_bytes()[: -path.stat().st_size // 2])
