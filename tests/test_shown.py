"""What a person sees on a real drive: the folders of what was sent and refused, and the three status files."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingisfs.outbox.document import State
from ingisfs.outbox.outbox import Answer, Outbox
from tests.documents import pdf, xml
from tests.mounts import Drive, drive
from tests.servers import Server, wait_for, wsgidav_server

LIMIT = 60.0  # s


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with wsgidav_server(tmp_path / "server") as made:
        yield made


@pytest.fixture
def mounted(tmp_path: Path, server: Server) -> Iterator[Drive]:
    with drive(tmp_path / "drive", server.url, server.user, server.password, keep_visible=0.5) as made:
        yield made


def refused_with(call: Callable[[], object]) -> str:
    try:
        call()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "nothing"


def test_what_was_sent_is_found_under_its_day_and_stays_what_it_was(mounted: Drive, server: Server) -> None:
    x = mounted.mountpoint
    (x / "F1.pdf").write_bytes(pdf())
    (x / "F1.xml").write_bytes(xml())
    mounted.wait_delivered(["F1.pdf", "F1.xml"])
    wait_for(lambda: (x / "Verzonden").is_dir() and not (x / "F1.pdf").exists(), "them to leave the root", LIMIT)
    (day,) = (x / "Verzonden").iterdir()
    wait_for(lambda: sorted(p.name for p in day.iterdir()) == ["F1.pdf", "F1.xml"], "both halves", LIMIT)
    archived = mounted.state / "archive"
    wait_for(lambda: len(list(archived.rglob("F1.*"))) == 2, "them to be in the archive", LIMIT)
    assert (day / "F1.pdf").read_bytes() == pdf()
    assert hashlib.sha256((day / "f1.XML").read_bytes()).digest() == hashlib.sha256(xml()).digest()
    copy = mounted.base / "copy"
    shutil.copytree(x / "Verzonden", copy)
    assert sorted(p.name for p in copy.rglob("F1.*")) == ["F1.pdf", "F1.xml"]

    (x / "F9.txt.tmp").write_bytes(b"noise")
    assert {
        refused_with(call)
        for call in (
            (day / "F1.pdf").unlink,
            lambda: (day / "F1.pdf").write_bytes(b"x"),
            lambda: (day / "F1.pdf").open("ab"),
            lambda: os.truncate(day / "F1.pdf", 0),
            lambda: (day / "F1.pdf").rename(day / "F2.pdf"),
            lambda: (day / "F1.pdf").rename(x / "F2.pdf"),
            lambda: (x / "F9.txt.tmp").rename(day / "F9.pdf"),
            lambda: (day / "new.pdf").write_bytes(pdf()),
            lambda: (day / "new").mkdir(),
            day.rmdir,
            (x / "Verzonden").rmdir,
            lambda: (x / "Verzonden").rename(x / "Sent"),
            lambda: os.utime(day / "F1.pdf"),
        )
    } == {"EACCES"}
    assert server.names() == ["F1.pdf", "F1.xml"]
    assert mounted.status()["needs_person"] == 0


def test_what_ingis_refused_lies_apart_with_what_to_do_until_its_correction_is_delivered(mounted: Drive) -> None:
    x = mounted.mountpoint
    (x / "F1.pdf").write_bytes(pdf())
    mounted.wait_delivered(["F1.pdf"])
    outbox = Outbox(mounted.state)
    try:
        (document,) = outbox.documents("name = 'F1.pdf'")
        assert outbox.hear([Answer(document.id, State.REFUSED, "F1.pdf.err: customer 10432 unknown")])
    finally:
        outbox.shut()
    refused = x / "Geweigerd"
    assert sorted(os.listdir(refused)) == ["F1.pdf", "F1.pdf.reden.txt"]
    told = (refused / "F1.pdf.reden.txt").read_bytes()
    assert len(told) == (refused / "F1.pdf.reden.txt").stat().st_size
    text = " ".join(told.decode().split())
    assert text.startswith("INGIS heeft F1.pdf geweigerd. Verbeter het in King en druk het opnieuw af")
    assert "Melding: F1.pdf.err: customer 10432 unknown" in text
    assert "als F1.pdf (" in text
    assert (refused / "F1.pdf").read_bytes() == pdf()
    assert refused_with((refused / "F1.pdf").unlink) == "EACCES"
    assert mounted.run("status", str(x)).returncode == 3

    (x / "F1.pdf").write_bytes(pdf("corrected"))
    wait_for(lambda: not refused.exists(), "the correction to be delivered", LIMIT)


def test_chromium_shows_the_status_page_of_the_drive(mounted: Drive) -> None:
    (mounted.mountpoint / "A & B's #1.pdf").write_bytes(pdf())
    mounted.wait_delivered(["A & B's #1.pdf"])
    page = mounted.mountpoint / "INGIS-STATUS.html"
    wait_for(lambda: "bezorgd" in page.read_text(encoding="utf-8"), "the delivery", LIMIT)
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", "--dump-dom"]
    profile = f"--user-data-dir={mounted.base / 'profile'}"
    done = subprocess.run(["chromium", *options, profile, page.as_uri()], capture_output=True, text=True, timeout=LIMIT)
    assert "<h1>Alles is in orde: 1 bezorgd, niets wacht.</h1>" in done.stdout
    assert "niet bekend, zie portaal" in done.stdout
    assert '<td class="n">A &amp; B\'s #1.pdf</td>' in done.stdout
