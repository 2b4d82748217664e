"""In a real browser: a King user sends invoices by hand, a customer reads one, and both see it happen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from ingisfs.stage.batch import Pace
from ingisfs.stage.serve import Options
from scripts.king import Administration, Documents, pdf_document, xml_king
from tests.servers import wait_for
from tests.stage.browser import PATIENCE, PHONE, Window, browser
from tests.stage.harness import PASSWORD, USER, running_stage

OPTIONS = Options(pace=Pace(every=0.2, patience=600, settle=0.1), demo=True)
INVOICE = next(each for each in Administration().invoices(13) if each.debtor.documents is Documents.BOTH)

expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as made:
        yield made


def test_invoices_are_uploaded_read_by_their_customer_and_counted_live(tmp_path: Path, chromium: Browser) -> None:
    names = [f"{INVOICE.number}.pdf", f"{INVOICE.number}.xml", f"{INVOICE.number}-1.pdf"]
    documents = [pdf_document(INVOICE, datetime.now(UTC)), xml_king(INVOICE), pdf_document(INVOICE, datetime.now(UTC))]
    for name, document in zip(names, documents, strict=True):
        (tmp_path / name).write_bytes(document)
    (tmp_path / "kapot.xml").write_bytes(b"<A><B></A>")
    with running_stage(tmp_path / "stage", OPTIONS) as (running, stage):
        windows = [Window(chromium, running.root) for _ in range(3)]
        start = windows[0].log_in(USER, PASSWORD)
        expect(start.locator("h1")).to_have_text("Factuur informatie")

        upload = windows[1].log_in(USER, PASSWORD)
        upload.goto("/upload")
        upload.set_input_files("#files", [tmp_path / name for name in (*names, "kapot.xml")])
        answers = upload.locator("[data-answers] tbody tr")
        for name in names:
            expect(answers.filter(has_text=name).locator(".badge")).to_have_text("Nieuw")
        expect(answers.filter(has_text="kapot.xml").locator("a")).to_contain_text("niet goed gevormd")

        # the start page has not been touched since
        for state, count in (("new", "1"), ("refused", "1")):
            expect(start.locator(f"[data-count={state}]")).to_have_text(count)
        expect(start.locator("[data-live]")).to_contain_text(INVOICE.number)

        mail = next(row for row in stage.portal.post.newest(USER, everything=True) if row["kind"] == "notify")
        (link,) = re.findall(rf"{running.root}/open/\S+", mail["text"])
        customer = windows[2].page
        customer.goto(link)
        expect(customer.locator("main")).to_contain_text(INVOICE.debtor.email)
        customer = windows[2].register(link, "een lang wachtwoord")
        expect(customer.locator("h1")).to_contain_text(f"Factuur {INVOICE.number}")
        frame = customer.locator("iframe.paper").get_attribute("src")
        shown = customer.evaluate("address => fetch(address).then(answer => answer.headers.get('content-type'))", frame)
        assert shown == "application/pdf"
        assert "Tijdlijn" not in customer.inner_text("main")
        for name, document in zip(names, documents, strict=True):
            with customer.expect_download() as download:
                customer.locator(".documents a", has_text=re.compile(re.escape(name) + "$")).click()
            assert download.value.suggested_filename == name
            assert download.value.path().read_bytes() == document

        for state, count in (("new", "0"), ("viewed", "1")):
            expect(start.locator(f"[data-count={state}]")).to_have_text(count)
        assert [window.complaints for window in windows] == [[], [], []]


def test_files_are_dropped_on_the_page(tmp_path: Path, chromium: Browser) -> None:
    with running_stage(tmp_path / "stage", OPTIONS) as (running, _):
        window = Window(chromium, running.root)
        page = window.log_in(USER, PASSWORD)
        page.goto("/upload")
        transfer = page.evaluate_handle(
            "text => { const made = new DataTransfer(); made.items.add(new File([text], 'los.xml')); return made; }",
            xml_king(INVOICE).decode(),
        )
        page.dispatch_event(".drop", "dragover", {"dataTransfer": transfer})
        expect(page.locator(".drop.over")).to_be_visible()
        page.dispatch_event(".drop", "drop", {"dataTransfer": transfer})
        row = page.locator("[data-answers] tbody tr", has_text="los.xml")
        expect(row).to_contain_text("wacht op de batch")  # for its PDF
        expect(row.locator("progress")).to_have_js_property("position", 1)
        wait_for(lambda: running.names() == ["los.xml"], "the file to be in the inbox", PATIENCE)
        assert window.complaints == []


def test_pages_work_by_keyboard_on_a_phone_and_without_a_script(tmp_path: Path, chromium: Browser) -> None:
    with running_stage(tmp_path / "stage", OPTIONS) as (running, _):
        plain = Window(chromium, running.root, java_script_enabled=False).page
        plain.goto("/login")
        plain.keyboard.press("Tab")
        expect(plain.locator(".skip")).to_be_focused()
        plain.focus("#name")
        plain.keyboard.type(USER)
        plain.keyboard.press("Tab")
        plain.keyboard.type(PASSWORD)
        plain.keyboard.press("Enter")
        expect(plain.locator("h1")).to_have_text("Factuur informatie")

        window = Window(chromium, running.root, size=PHONE)
        page = window.log_in(USER, PASSWORD)
        for address in ("/", "/invoices", "/upload", "/customers", "/customers/new", "/profile", "/mails", "/reasons"):
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], address
            assert page.locator("[tabindex]:not([tabindex='0']):not([tabindex='-1'])").count() == 0, address
        assert window.complaints == []
