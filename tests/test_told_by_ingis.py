"""King prints, INGIS takes in, the customer opens: the drive says so. A real mount, and the local INGIS by its API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingisfs.stage.batch import Pace
from ingisfs.stage.serve import Options, Stage
from scripts.king import Administration, Documents, Invoice, pdf_document, xml_king
from tests.mounts import Drive, drive
from tests.servers import wait_for
from tests.stage.harness import PASSWORD, USER, Running, running_stage, visitor

OPTIONS = Options(pace=Pace(every=0.2, patience=600, settle=0.1), demo=True)
INVOICES = [each for each in Administration().invoices(13) if each.debtor.documents is Documents.BOTH]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[tuple[Running, Stage]]:
    with running_stage(tmp_path / "stage", OPTIONS) as made:
        yield made


@pytest.fixture
def mounted(tmp_path: Path, stage: tuple[Running, Stage]) -> Iterator[Drive]:
    url = stage[0].root.replace("http://", "ingis+http://") + "/"
    with drive(tmp_path / "drive", url, USER, PASSWORD, follow=0.2, pair_wait=600) as made:
        yield made


def king_prints(mounted: Drive, invoice: Invoice) -> None:
    (mounted.mountpoint / f"{invoice.number}.pdf").write_bytes(pdf_document(invoice, datetime.now(UTC)))
    (mounted.mountpoint / f"{invoice.number}.xml").write_bytes(xml_king(invoice))


def told(mounted: Drive) -> tuple[dict[str, int] | None, dict[str, str | None]]:
    """Return what INGIS says of all and of each, from the status."""
    status = mounted.status()
    return status["ingis"], {document["name"]: document["ingis"] for document in status["documents"]}


def test_the_drive_says_what_the_customer_did_with_an_invoice(mounted: Drive, stage: tuple[Running, Stage]) -> None:
    running, made = stage
    invoice = INVOICES[0]
    king_prints(mounted, invoice)
    names = [f"{invoice.number}.pdf", f"{invoice.number}.xml"]
    wait_for(lambda: told(mounted)[1] == dict.fromkeys(names, "new"), "both halves to be new", 60)
    assert "1 nieuw voor klanten" in mounted.shown()
    assert re.search(rf"{names[0]} .* nieuw bij klant ", mounted.shown())

    mail = next(row for row in made.portal.post.newest(USER, everything=True) if row["kind"] == "notify")
    (link,) = re.findall(rf"{running.root}(/open/\S+)", mail["text"])
    with visitor(running) as customer:
        page = customer.get(link).text
        (csrf,) = re.findall(r'name="csrf" value="([^"]*)"', page)
        secret = {"csrf": csrf, "password": "een lang wachtwoord", "again": "een lang wachtwoord"}
        answer = customer.post(link, data=secret)
        assert answer.status_code == 303, answer.text
        assert invoice.number in customer.get(answer.headers["location"], follow_redirects=True).text

    wait_for(lambda: told(mounted)[1] == dict.fromkeys(names, "viewed"), "both halves to be viewed", 60)
    assert told(mounted)[0] == {"refused": 0, "new": 0, "viewed": 1, "sent": 0}
    assert re.search(rf"{names[0]} .* bekeken ", mounted.shown())
    assert "bekeken" in (mounted.mountpoint / "INGIS-STATUS.html").read_text()
    assert "1 bekeken door klanten" in mounted.run("status", str(mounted.mountpoint)).stdout


def test_what_ingis_refuses_lies_apart_with_its_reason_and_its_correction_goes(mounted: Drive) -> None:
    good = INVOICES[1]
    nobody = replace(good.debtor, number="999999", name="Niemand BV", email="x@x.example", vat_number="NL000099998B57")
    stranger = replace(good, order=replace(good.order, debtor=nobody))
    king_prints(mounted, stranger)
    names = {f"{good.number}.pdf", f"{good.number}.xml"}
    refused = mounted.mountpoint / "Geweigerd"
    wait_for(lambda: refused.is_dir() and names <= {path.name for path in refused.iterdir()}, "both to be refused", 60)
    reasons = [path for path in refused.iterdir() if path.name.endswith(".reden.txt")]
    assert {path.name for path in reasons} == {f"{name}.reden.txt" for name in names}
    for path in reasons:
        assert "Verbeter het in King" in path.read_text()
        assert "klant" in path.read_text().lower()
    assert mounted.run("status", str(mounted.mountpoint)).returncode == 3
    assert not names & {path.name for path in mounted.mountpoint.iterdir()}, "the names are free for the correction"

    king_prints(mounted, good)
    wait_for(lambda: (told(mounted)[0] or {}).get("new") == 1, "the correction to be accepted", 60)
    wait_for(lambda: not refused.exists(), "the refused ones to be dealt with", 30)
    assert mounted.run("status", str(mounted.mountpoint)).returncode == 0
