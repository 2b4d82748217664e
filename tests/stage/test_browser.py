"""In a real browser: a King user sends invoices by hand, a customer reads one, and both see it happen."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from ingisfs.stage.batch import Pace
from ingisfs.stage.serve import Options
from scripts.king import Administration, Documents, pdf_document, xml_king
from tests.servers import wait_for
from tests.stage.browser import Browser, Page, browser
from tests.stage.harness import PASSWORD, USER, running_stage

OPTIONS = Options(pace=Pace(every=0.2, patience=600, settle=0.1), demo=True)
INVOICE = next(each for each in Administration().invoices(13) if each.debtor.documents is Documents.BOTH)


def log_in(chromium: Browser, root: str, name: str, password: str) -> Page:
    page = chromium.open(f"{root}/login")
    page.type("#name", name)
    page.type("#password", password)
    page.click("main form button")
    return page


def test_invoices_are_uploaded_read_by_their_customer_and_counted_live(tmp_path: Path) -> None:
    pair = [tmp_path / f"{INVOICE.number}.pdf", tmp_path / f"{INVOICE.number}.xml"]
    pair[0].write_bytes(pdf_document(INVOICE, datetime.now(UTC)))
    pair[1].write_bytes(xml_king(INVOICE))
    broken = tmp_path / "kapot.xml"
    broken.write_bytes(b"<A><B></A>")
    with running_stage(tmp_path / "stage", OPTIONS) as (running, stage), browser(tmp_path / "browser") as chromium:
        start = log_in(chromium, running.root, USER, PASSWORD)
        start.shows("Factuur informatie")

        upload = log_in(chromium, running.root, USER, PASSWORD)
        upload.go(f"{running.root}/upload")
        upload.choose("#files", [*pair, broken])
        for words in ("kapot.xml", "niet goed gevormd", f"{INVOICE.number}.pdf"):
            upload.shows(words)
        wait_for(
            lambda: (
                upload.run("[...document.querySelectorAll('[data-answers] a')].map(a => a.textContent)").count("Nieuw")
                == 2
            ),
            "both halves to be accepted",
            60,
        )

        # the start page has not been touched since
        def count(state: str) -> str:
            return str(start.run(f"document.querySelector('[data-count={state}]').textContent"))

        wait_for(lambda: (count("new"), count("refused")) == ("1", "1"), "the counters to follow", 60)

        mail = next(row for row in stage.portal.post.newest(USER, everything=True) if row["kind"] == "notify")
        (link,) = re.findall(rf"{running.root}/open/\S+", mail["text"])
        customer = chromium.open(link)
        customer.shows(INVOICE.debtor.email)
        customer.type("#password", "een lang wachtwoord")
        customer.type("#again", "een lang wachtwoord")
        customer.click("main form button")
        customer.shows(f"Factuur {INVOICE.number}")
        frame = customer.run("document.querySelector('iframe').src")
        shown = customer.run(f"fetch({frame!r}).then(answer => answer.headers.get('content-type'))")
        assert shown == "application/pdf"
        assert "Tijdlijn" not in customer.text()

        wait_for(lambda: (count("new"), count("viewed")) == ("0", "1"), "the King user to see that it was viewed", 60)
        for page in (start, upload, customer):
            assert page.complaints() == []


def test_pages_work_by_keyboard_on_a_phone_and_without_a_script(tmp_path: Path) -> None:
    with running_stage(tmp_path / "stage", OPTIONS) as (running, _), browser(tmp_path / "browser") as chromium:
        page = chromium.open(f"{running.root}/login")
        page.press("Tab", 9)
        assert page.run("document.activeElement.className") == "skip"
        page.call("Emulation.setScriptExecutionDisabled", value=True)
        page.type("#name", USER)
        page.type("#password", PASSWORD)
        page.press("Enter", 13, "\r")
        page.shows("Factuur informatie")
        page.call("Emulation.setScriptExecutionDisabled", value=False)
        page.call("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2, mobile=True)
        for address in ("/", "/invoices", "/upload", "/customers", "/customers/new", "/profile", "/mails", "/reasons"):
            page.go(running.root + address)
            assert page.run("document.documentElement.scrollWidth") <= 360, address
            order = page.run(
                "[...document.querySelectorAll('a, button, input, select')].filter(e => e.tabIndex > 0).length"
            )
            assert order == 0, address
        assert page.complaints() == []
