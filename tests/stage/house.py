"""A stage with two King users, three customers and an invoice of each status, for tests that look at it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from ingisfs.stage.batch import Pace
from ingisfs.stage.customers import Customer
from ingisfs.stage.pages.all import every_page
from ingisfs.stage.portal import Portal
from ingisfs.stage.serve import Options
from scripts.king import Administration, Documents, Invoice, pdf_document, xml_king
from tests.stage.harness import PASSWORD, USER, Running, running_stage, visitor

ANNA, BOB, KEIZER = "anna@bakker.example", "bob@smid.example", "keizer"
SECRET = "een heel lang wachtwoord"
INVOICES = [each for each in Administration().invoices(13) if each.debtor.documents is Documents.BOTH]


@dataclass
class House:
    """A stage with two King users; the first has the customers Anna and Bob, each with an invoice."""

    running: Running
    portal: Portal
    anna_invoice: int = 0
    bob_invoice: int = 0
    keizer_invoice: int = 0
    refused: int = 0

    def files(self, invoice: int) -> list[int]:
        return [file["id"] for file in self.portal.invoices.files(invoice)]

    def mails(self) -> list[dict[str, str]]:
        rows = self.portal.post.newest(USER, everything=True, limit=1000)
        return [{key: str(row[key]) for key in row.keys()} for row in rows]  # noqa: SIM118 - a row of SQLite

    def link(self, recipient: str, kind: str = "") -> str:
        """The link in the newest mail to somebody, as an address on the stage."""
        text = next(m["text"] for m in self.mails() if m["recipient"] == recipient and kind in {"", m["kind"]})
        (link,) = re.findall(rf"{re.escape(self.running.root)}(/\S+)", text)
        return str(link)


def deliver(house: House, invoice: Invoice, user: str = USER) -> int:
    """Put a pair into the inbox and take it in. Returns the invoice's id."""
    with httpx.Client(base_url=house.running.root, auth=(user, PASSWORD), trust_env=False) as program:
        for name, data in (
            (f"{invoice.number}.pdf", pdf_document(invoice, datetime.now(UTC))),
            (f"{invoice.number}.xml", xml_king(invoice)),
        ):
            program.put(f"/inbox/{name}", content=data).raise_for_status()
    house.portal.batch.take_in()
    row = house.portal.database.row("SELECT max(id) FROM invoices WHERE owner = ?", user)
    assert row is not None
    return int(row[0])


@contextmanager
def opened(folder: Path) -> Iterator[House]:
    """Open such a house in a folder."""
    with running_stage(folder, Options()) as (running, stage):
        made = House(running, stage.portal)
        made.portal.batch._pace = Pace(every=0, patience=0, settle=0)
        made.portal.users.add(KEIZER, PASSWORD)
        people = ((USER, ANNA), (USER, BOB), (KEIZER, "kees@vis.example"))
        for (owner, email), invoice in zip(people, INVOICES, strict=False):
            debtor = invoice.debtor
            made.portal.customers.add(owner, Customer(debtor.number, debtor.name, email))
        made.anna_invoice = deliver(made, INVOICES[0])
        made.bob_invoice = deliver(made, INVOICES[1])
        made.keizer_invoice = deliver(made, INVOICES[2], KEIZER)
        made.refused = deliver(made, INVOICES[0])
        for email in (ANNA, BOB):
            with closing(visitor(running)) as person:
                answer = person.post(made.link(email), data={"password": SECRET, "again": SECRET})
                assert answer.status_code == 303, answer.text
        yield made


def addresses(house: House, invoice: int) -> list[tuple[str, str, str]]:
    """Every address of the portal, about this invoice: method, who it is for, the address itself."""
    customers, _ = house.portal.customers.page(USER)
    found = []
    for page in every_page():
        for file in house.files(invoice):
            address = (
                page.address.replace("{invoice}", str(invoice))
                .replace("{file}", str(file))
                .replace("{customer}", str(customers[0].id))
                .replace("{mail}", "1")
                .replace("{reason}", "no_pdf")
                .replace("{token}", "x" * 32)
                .replace("{rest:path}", "nothing/at/all")
            )
            found += [(method, page.who, address) for method in page.methods]
    return sorted(set(found))
