"""With a certificate the stage speaks HTTPS, and only then to others: pages, programs, and the drive by `ingis://`."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from ingisfs.stage.batch import Pace
from ingisfs.stage.failures import StageError
from ingisfs.stage.serve import Options, Stage, options_of
from scripts.king import Administration, Documents, pdf_document, xml_king
from tests.mounts import drive
from tests.secured_servers import Authority
from tests.servers import wait_for
from tests.stage.harness import PASSWORD, USER, Running, running_stage

INVOICE = next(each for each in Administration().invoices(13) if each.debtor.documents is Documents.BOTH)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def secured(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Stage]]:
    certificate, key = authority.issue("ingis")
    known = options_of("nl", certificate=certificate, key=key)
    options = Options(pace=Pace(every=0.2, patience=600, settle=0.1), demo=True, certificate=known.certificate)
    with running_stage(tmp_path_factory.mktemp("stage"), options) as made:
        yield made


@pytest.fixture
def person(secured: tuple[Running, Stage], authority: Authority) -> Iterator[httpx.Client]:
    trust = ssl.create_default_context(cafile=str(authority.file))
    root = f"https://127.0.0.1:{secured[0].port}"
    with closing(httpx.Client(base_url=root, verify=trust, trust_env=False, timeout=60)) as client:
        yield client


def test_pages_and_programs_come_by_https(person: httpx.Client) -> None:
    answer = person.post("/login", data={"name": USER, "password": PASSWORD})
    assert answer.status_code == 303
    assert "; Secure" in answer.headers["Set-Cookie"]
    assert person.get("/").status_code == 200
    assert person.put("/inbox/F1.txt", content=b"x", auth=(USER, PASSWORD)).status_code == 201
    assert person.get("/api", auth=(USER, PASSWORD)).json()["api"] == "ingis"
    assert person.get("/login", headers={"Host": "evil.example"}).status_code == 400


def test_who_does_not_know_its_certificate_does_not_speak_to_it(secured: tuple[Running, Stage]) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"https://127.0.0.1:{secured[0].port}/login", trust_env=False)
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{secured[0].port}/login", trust_env=False)


def test_the_drive_delivers_over_https_and_hears_what_ingis_says(
    secured: tuple[Running, Stage], authority: Authority, tmp_path: Path
) -> None:
    running, stage = secured
    address = f"ingis://127.0.0.1:{running.port}/"
    with drive(tmp_path / "drive", address, USER, PASSWORD, ca_file=str(authority.file), follow=0.2) as mounted:
        (mounted.mountpoint / f"{INVOICE.number}.pdf").write_bytes(pdf_document(INVOICE, datetime.now(UTC)))
        (mounted.mountpoint / f"{INVOICE.number}.xml").write_bytes(xml_king(INVOICE))
        names = [f"{INVOICE.number}.pdf", f"{INVOICE.number}.xml"]

        def told() -> dict[str, str | None]:
            return {document["name"]: document["ingis"] for document in mounted.status()["documents"]}

        wait_for(lambda: told() == dict.fromkeys(names, "new"), "both halves to be new", 60)
    mail = next(row for row in stage.portal.post.newest(USER, everything=True) if row["kind"] == "notify")
    assert f"https://127.0.0.1:{running.port}/open/" in mail["text"]


def test_others_are_listened_to_only_with_a_certificate(authority: Authority) -> None:
    for address in ("0.0.0.0", "192.0.2.1"):
        with pytest.raises(StageError, match="--certificate"):
            options_of("nl", listen=address)
    certificate, key = authority.issue("others")
    assert options_of("nl", listen="0.0.0.0", certificate=certificate, key=key).listen == "0.0.0.0"
    assert options_of("nl", listen="127.0.0.2").listen == "127.0.0.2"
    for wrong in ("", "localhost", "::", "1.2.3", "300.0.0.1"):
        with pytest.raises(StageError, match="IPv4"):
            options_of("nl", listen=wrong)


def test_another_address_of_this_machine_is_possible_without(tmp_path: Path) -> None:
    with running_stage(tmp_path / "stage", Options(listen="127.0.0.2")) as (running, stage):
        assert stage.url == f"http://127.0.0.2:{running.port}/inbox/"
        assert httpx.get(f"http://127.0.0.2:{running.port}/login", trust_env=False).status_code == 200
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{running.port}/login", trust_env=False)


@pytest.mark.parametrize("wrong", ["missing", "empty", "no key", "another key", "passphrase", "no names"])
def test_a_certificate_that_cannot_be_used_is_said_clearly(authority: Authority, tmp_path: Path, wrong: str) -> None:
    certificate, key = authority.issue("good")
    files: dict[str, tuple[Path, Path | None]] = {
        "missing": (tmp_path / "none.pem", None),
        "empty": (tmp_path / "empty.pem", None),
        "no key": (certificate, None),
        "another key": (certificate, authority.issue("other")[1]),
        "passphrase": authority.issue("locked", passphrase="geheim"),
        "no names": authority.issue("client", client=True),
    }
    (tmp_path / "empty.pem").write_bytes(b"")
    with pytest.raises(StageError, match=r"Met dit certificaat kan niet worden gewerkt: .+\.pem: \S"):
        options_of("nl", certificate=files[wrong][0], key=files[wrong][1])
    assert key.exists()
