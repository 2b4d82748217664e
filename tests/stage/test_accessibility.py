"""In a real browser axe finds nothing wrong with any page, for whoever looks, by day and night, large and small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, Response

from ingisfs.stage.customers import Customer
from ingisfs.stage.pages.all import every_page
from tests.servers import wait_for
from tests.stage.browser import DESKTOP, PHONE, Window, axe, browser
from tests.stage.harness import PASSWORD, USER
from tests.stage.house import ANNA, INVOICES, SECRET, House, deliver, opened

NO_PAGE = {"/counters.json", "/upload/answer", "/handbook.html", "/profile/logo"}  # data and downloads
NAME = "een-lange-naam-van-een-bestand-2026-00012345-definitief.xml"
SIZES = {"large": DESKTOP, "small": PHONE}


@dataclass(frozen=True)
class Seen:
    """An address and the status with which its page comes."""

    address: str
    status: int = 200


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened(tmp_path_factory.mktemp("house")) as made:
        for invoice, channel in ((INVOICES[3], "mail"), (INVOICES[4], "portal")):
            debtor = invoice.debtor
            customer = Customer(debtor.number, debtor.name, "c@x.example", channel=channel)
            made.portal.customers.add(USER, customer)
            deliver(made, invoice)
        blocked = made.portal.customers.add(USER, Customer("9", "Geblokkeerd", "g@x.example"))
        made.portal.customers.block(USER, blocked, blocked=True)
        wait_for(lambda: all(mail["state"] != "queued" for mail in made.mails()), "all mails to be sent", 60)
        yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as made:
        yield made


def pages(house: House, who: str) -> list[Seen]:
    """Every page that somebody may see: with what is there, with nothing, and those that say what went wrong."""
    invoices = {"nobody": [], "anna": [house.anna_invoice]}.get(who, [house.anna_invoice, house.refused])
    customer = house.portal.customers.page(USER, ANNA)[0][0].id
    mail = next(mail["id"] for mail in house.mails() if mail["recipient"] == ANNA)
    link = house.link("c@x.example", "notify")
    role = {"nobody": {"anybody"}, "anna": {"people", "customer"}, "king": {"people", "king"}}[who]
    found: list[Seen] = []
    for page in every_page():
        if page.who not in role or page.show is None or page.address in NO_PAGE:
            continue
        if page.address.endswith(("/logo", "/files/{file}", "/show")) or page.address == "/{rest:path}":
            continue
        for invoice in invoices or [0]:
            if "{invoice}" in page.address and not invoice:
                continue
            files = house.files(invoice) if invoice else [0]
            address = page.address.replace("{invoice}", str(invoice)).replace("{file}", str(files[-1]))
            address = address.replace("{customer}", str(customer)).replace("{mail}", str(mail))
            address = address.replace("{reason}", "duplicate")
            found.append(Seen(address.replace("{token}", "x" * 32), 410 if "{token}" in address else 200))
    if who == "nobody":
        return [*dict.fromkeys(found), Seen(link)]
    found += [
        Seen("/nothing/at/all", 404),
        Seen("/invoices?search=niets"),
        Seen("/?said=saved&lang=en"),
        Seen("/?lang=nl"),
    ]
    if who == "king":
        found += [Seen("/customers?search=niets"), Seen("/reasons/no_pdf"), Seen("/customers/999", 404)]
    return list(dict.fromkeys(found))


def wrong(page: Page, answer: Response | None, seen: Seen) -> list[str]:
    assert answer is not None
    found = axe(page)
    if answer.status != seen.status:
        found.append(f"status {answer.status}")
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        found.append("wider than the window")
    return found


@pytest.mark.parametrize(("size", "scheme"), [("large", "light"), ("small", "light"), ("large", "dark")])
@pytest.mark.parametrize("who", ["nobody", "anna", "king"])
def test_axe_finds_nothing(house: House, chromium: Browser, who: str, size: str, scheme: str) -> None:
    window = Window(chromium, house.running.root, size=SIZES[size], color_scheme=scheme, bypass_csp=True)
    page = window.page
    if who != "nobody":
        window.log_in(*{"anna": (ANNA, SECRET), "king": (USER, PASSWORD)}[who])
    everything = pages(house, who)
    assert len(everything) >= {"nobody": 5, "anna": 6, "king": 20}[who]
    complaints = {seen.address: wrong(page, page.goto(seen.address), seen) for seen in everything}
    assert {address: found for address, found in complaints.items() if found} == {}
    window.page.context.close()


@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_where_a_form_is_refused(house: House, chromium: Browser, size: str) -> None:
    window = Window(chromium, house.running.root, size=SIZES[size], bypass_csp=True)
    page = window.page
    page.goto("/login")
    page.fill("#name", "niemand")
    page.fill("#password", "fout")
    with page.expect_navigation():
        page.click("main form button")
    assert page.locator("[role=alert]").count() == 1
    assert axe(page) == []
    window.log_in(USER, PASSWORD)
    page.goto("/customers/new")
    page.fill("#number", house.portal.customers.page(USER, ANNA)[0][0].number)
    page.fill("#name", "Nog een")
    with page.expect_navigation():
        page.click("main form.form button")
    assert page.locator("[role=alert]").count() == 1
    assert axe(page) == []
    page.goto("/upload")
    page.set_input_files("#files", {"name": NAME, "mimeType": "text/xml", "buffer": b"<A>"})
    page.locator("[data-answers] tbody tr").wait_for()
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    (house.running.inbox / NAME).unlink()
    page.goto("/profile")
    page.evaluate("document.querySelectorAll('[name=csrf]').forEach(each => { each.value = 'x'; })")
    with page.expect_navigation():
        page.click("main form button")
    assert "403" in page.title() or page.locator("h1").inner_text() == "Dat ging niet"
    assert axe(page) == []
    window.page.context.close()


def test_axe_would_find_something(house: House, chromium: Browser) -> None:
    page = Window(chromium, house.running.root, bypass_csp=True).page
    page.goto("/login")
    page.evaluate("document.querySelector('label').remove(); document.documentElement.lang = ''")
    assert {each.partition(":")[0] for each in axe(page)} >= {"label", "html-has-lang"}
