"""The setup manual, step by step, from an empty machine to a customer who reads an invoice; and its pictures.

With `INGISFS_PICTURES=docs/images` in the environment it makes the pictures of the README and docs/stage.md anew.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ingisfs.stage.demo import DEBTORS
from scripts.king import Administration, invoice_run
from tests.mounts import Drive, drive
from tests.servers import free_port, wait_for
from tests.stage.browser import PATIENCE, PHONE, Window, browser
from tests.stage.harness import REPOSITORY
from tests.stage.test_post import Mailbox, smtp_server

ORDERS = 8
PICTURES = {"stage-start", "stage-invoices", "stage-invoice", "stage-refused", "stage-customer"}
SECRET = "een heel lang wachtwoord"

expect.set_options(timeout=PATIENCE * 1000)


@dataclass(frozen=True)
class Ingis:
    """A local INGIS that a person has started, and what it said."""

    root: str
    user: str
    password: str


@contextmanager
def started(folder: Path, smtp_port: int) -> Iterator[Ingis]:
    """`ingisfs stage`, as a person types it, until the block ends."""
    command = [sys.executable, "-u", "-m", "ingisfs", "stage", "--folder", str(folder), "--port", "0", "--batch", "1s"]
    command += ["--language", "nl", "--smtp", f"smtp://127.0.0.1:{smtp_port}", "--mail-from", "facturen@meer.example"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INGISFS_STAGE")}
    process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, text=True, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        first, ready = process.stdout.readline(), process.stdout.readline()
        (user, password), root = (
            re.findall(r": (\S+)  wachtwoord: (\S+) ", first)[0],
            re.findall(r"http://[^/]+", ready)[0],
        )
        yield Ingis(root, user, password)
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


@pytest.fixture
def chromium() -> Iterator[Browser]:
    with browser() as made:
        yield made


def picture(page: Page, name: str, tmp_path: Path) -> None:
    """Keep what a person sees."""
    from PIL import Image

    assert name in PICTURES
    page.mouse.move(0, 0)
    if "INGISFS_PICTURES" in os.environ:  # for people: the browser's viewer draws a PDF, and does not say when it has
        page.wait_for_timeout(1500)
    file = Path(os.environ.get("INGISFS_PICTURES", tmp_path)) / f"{name}.png"
    page.screenshot(path=file)
    with Image.open(file) as taken:
        taken.convert("RGB").quantize(128).save(file, optimize=True)


def letter_to(mailbox: Mailbox, address: str) -> str:
    """The link in a mail that somebody was sent."""

    def found() -> list[str]:
        texts = [mail.get_body(("plain",)) for recipients, mail in mailbox.received if recipients == [address]]
        return [link for text in texts if text for link in re.findall(r"http://\S+/open/\S+", text.get_content())]

    wait_for(found, f"a mail to {address}", PATIENCE)
    return found()[0]


def test_from_an_empty_machine_to_a_customer_who_reads_an_invoice(tmp_path: Path, chromium: Browser) -> None:
    mailbox, port = Mailbox(), free_port()
    with smtp_server(mailbox, port), started(tmp_path / "ingis", port) as ingis:
        # 1. An account: INGIS gives a name and a password; the person says who they are.
        window = Window(chromium, ingis.root)
        king = window.log_in(ingis.user, ingis.password)
        expect(king.locator("h1")).to_have_text("Factuur informatie")
        expect(king.locator(".counters .count")).to_have_text(["0", "0", "0", "0"])
        king.get_by_role("link", name="Mijn profiel", exact=True).click()
        king.fill("#company", "Van der Meer & Zn. Kantoorvakhandel B.V.")
        king.fill("#email", "administratie@meer.example")
        king.get_by_role("button", name="Opslaan", exact=True).click()
        expect(king.get_by_role("status")).to_have_text("Opgeslagen.")

        # 2. Whom invoices go to: one by hand, the others from King's file; one is forgotten.
        by_hand, forgotten, *others = DEBTORS
        king.get_by_role("link", name="Klanten beheer").click()
        king.get_by_role("link", name="Klant toevoegen").click()
        for field, value in zip(("#number", "#name", "#email", "#vat"), by_hand, strict=False):
            king.fill(field, value)
        king.select_option("#wants", by_hand[4])
        king.get_by_role("button", name="Opslaan").click()
        expect(king.locator("h1")).to_contain_text(by_hand[1])
        lines = ["Debiteurnummer;Naam;E-mail;BTW-nummer;Documenten;Taal"]
        lines += [";".join(f'"{text.replace(chr(34), chr(34) * 2)}"' for text in each) for each in others]
        king.goto("/customers/import")
        csv = tmp_path / "klanten.csv"
        csv.write_text("\n".join(lines), "utf-8")
        king.set_input_files("#file", csv)
        king.get_by_role("button", name="Importeren").click()
        expect(king.get_by_role("status")).to_contain_text(f"{len(others)} klanten toegevoegd")

        # 3. The drive, with that account. 4. King prints PDF and XML to it, 5. each debtor what they want.
        address = ingis.root.replace("http://", "ingis+http://") + "/"
        with drive(tmp_path / "drive", address, ingis.user, ingis.password, follow=0.2, pair_wait=2) as mounted:
            printed = invoice_run(Administration(), mounted.mountpoint, ORDERS)
            assert printed.ok, printed.text()
            _look_around(window, chromium, mounted, mailbox, forgotten[0], tmp_path)
        assert window.complaints == []


def _look_around(
    window: Window, chromium: Browser, mounted: Drive, mailbox: Mailbox, unknown: str, tmp_path: Path
) -> None:
    """6. The King user sees what became of the invoices; customers log in and read theirs; the drive says so."""
    king, root = window.page, window.page.url.partition("/customers")[0]
    invoices = Administration().invoices(ORDERS)
    refused = [each for each in invoices if each.debtor.number == unknown]
    assert refused
    king.goto("/")
    expect(king.locator("[data-count=refused]")).to_have_text(str(len(refused)))
    expect(king.locator("[data-count=new]")).to_have_text(str(len(invoices) - len(refused)))

    reader = Window(chromium, root, size=PHONE)
    letter = reader.register(letter_to(mailbox, invoices[-1].debtor.email), SECRET)
    expect(letter.locator("h1")).to_contain_text("Factuur ")
    expect(letter.locator("dd").first).to_contain_text("Van der Meer")
    read = letter.locator("h1").inner_text().split()[1]
    assert read == invoices[-1].number
    letter.goto("/")
    expect(letter.locator("[data-live]")).to_contain_text(read)
    picture(letter, "stage-customer", tmp_path)

    expect(king.locator("[data-count=viewed]")).to_have_text("1")  # by itself
    picture(king, "stage-start", tmp_path)
    king.get_by_role("link", name="Verzonden facturen").click()
    expect(king.locator("tbody tr")).to_have_count(ORDERS)
    picture(king, "stage-invoices", tmp_path)
    king.get_by_role("link", name=read, exact=True).click()
    expect(king.locator(".timeline")).to_contain_text("Bekeken door de klant")
    picture(king, "stage-invoice", tmp_path)
    king.goto("/invoices?status=refused")
    king.locator("tbody a").first.click()
    expect(king.locator("#why + p")).to_contain_text(unknown)
    picture(king, "stage-refused", tmp_path)

    status = mounted.mountpoint / "INGIS-STATUS.txt"
    wait_for(lambda: re.search(rf"{read}\.pdf .* bekeken ", status.read_text("utf-8-sig")), "the drive to say so", 60)
    folder = mounted.mountpoint / "Geweigerd"
    reasons = {path.name for path in folder.glob("*.reden.txt")}
    assert {f"{each.number}.pdf.reden.txt" for each in refused} <= reasons
    assert reader.complaints == []


def test_the_pictures_are_those_of_the_walk() -> None:
    shown = set()
    for page in ("README.md", "docs/stage.md"):
        shown |= set(re.findall(r"images/(stage-\w+)\.png", (REPOSITORY / page).read_text("utf-8")))
    assert shown == PICTURES
    for name in PICTURES:
        assert (REPOSITORY / "docs" / "images" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
