"""Programs that nobody here wrote print onto the real mount; their documents arrive byte for byte, once each."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.documents import pdf, xml
from tests.mounts import Drive, drive
from tests.servers import (
    Server,
    StageServer,
    apache_server,
    nginx_server,
    stage_server,
    wait_for,
    wsgidav_server,
)

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT.parent / "shared" / "samples"
PAGE = "<!doctype html><meta charset=utf-8><title>Factuur</title><h1>Factuur 2026-0001</h1><p>Totaal € 121,00 – café"


def ghostscript(folder: Path, work: Path) -> list[str]:
    page = work / "page.ps"
    page.write_text("/Helvetica findfont 24 scalefont setfont 72 720 moveto (Factuur) show showpage\n")
    command = ["gs", "-q", "-dBATCH", "-dNOPAUSE", "-sDEVICE=pdfwrite", "-o", str(folder / "gs.pdf"), str(page)]
    subprocess.run(command, check=True, capture_output=True)
    return ["gs.pdf"]


def chromium(folder: Path, work: Path) -> list[str]:
    page = work / "page.html"
    page.write_text(PAGE)
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
    command += ["--disable-background-networking", "--disable-component-update", f"--user-data-dir={work / 'profile'}"]
    command += ["--no-pdf-header-footer", f"--print-to-pdf={folder / 'chromium.pdf'}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=90)
    return ["chromium.pdf"]


def libreoffice(folder: Path, work: Path) -> list[str]:
    page = work / "office.html"
    page.write_text(PAGE)
    command = ["soffice", f"-env:UserInstallation={(work / 'office').as_uri()}", "--headless"]
    command += ["--convert-to", "pdf:writer_web_pdf_Export", "--outdir", str(folder), str(page)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return ["office.pdf"]


def copy(folder: Path, work: Path) -> list[str]:
    (work / "cp.pdf").write_bytes(pdf("cp", size=70_000))
    subprocess.run(["cp", "-p", str(work / "cp.pdf"), str(folder)], check=True)
    assert (folder / "cp.pdf").stat().st_mtime_ns == (work / "cp.pdf").stat().st_mtime_ns
    return ["cp.pdf"]


def rsync(folder: Path, work: Path) -> list[str]:
    (work / "rsync.pdf").write_bytes(pdf("rsync", size=300_000))
    (work / "rsync.xml").write_bytes(xml("rsync"))
    command = ["rsync", "-t", str(work / "rsync.pdf"), str(work / "rsync.xml"), f"{folder}/"]
    subprocess.run(command, check=True, capture_output=True)
    return ["rsync.pdf", "rsync.xml"]


def redirection(folder: Path, work: Path) -> list[str]:
    (work / "shell.xml").write_bytes(xml("shell é"))
    subprocess.run(["sh", "-c", f"cat {work}/shell.xml > '{folder}/shell é#% &+.xml'"], check=True)
    return ["shell é#% &+.xml"]


def king(folder: Path, work: Path) -> list[str]:
    command = [sys.executable, str(ROOT / "scripts" / "king.py"), str(folder), "--orders", "13"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return sorted(path.name for path in folder.glob("2026*"))


PROGRAMS: list[Callable[[Path, Path], list[str]]] = [ghostscript, chromium, libreoffice, copy, rsync, redirection, king]
SERVERS: list[Callable[[Path], AbstractContextManager[Server]]] = [
    stage_server,
    wsgidav_server,
    apache_server,
    nginx_server,
]


@pytest.fixture(params=SERVERS, ids=lambda make: make.__name__)
def printed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Server, Drive]]:
    with (
        request.param(tmp_path / "server") as server,
        drive(tmp_path / "drive", server.url, server.user, server.password) as mounted,
    ):
        yield server, mounted


@pytest.fixture
def printed_on_wsgidav(tmp_path: Path) -> Iterator[tuple[Server, Drive]]:
    with (
        wsgidav_server(tmp_path / "server") as server,
        drive(tmp_path / "drive", server.url, server.user, server.password) as mounted,
    ):
        yield server, mounted


def hashes(folder: Path, names: list[str]) -> dict[str, str]:
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def on_server(server: Server) -> dict[str, str]:
    """Return the hashes of what the server has."""
    if isinstance(server, StageServer):
        received = server.received()
        assert len(received) == len({document["name"] for document in received})
        return {document["name"]: document["sha256"] for document in received}
    return hashes(server.root, server.names())


def once_each(server: Server, names: list[str]) -> bool:
    """Tell whether the server's log shows one successful rename for each document, and no PUT to a final name."""
    if isinstance(server, StageServer):
        return True  # keeps no log; its list above has each name once
    moves = Counter(path for method, path, status in server.requests() if method == "MOVE" and 200 <= status < 300)
    puts = [path for method, path, _ in server.requests() if method == "PUT"]
    return len(moves) == len(names) and set(moves.values()) == {1} and all(".ingisfs-" in path for path in puts)


def test_what_any_program_prints_arrives_byte_for_byte_and_once(printed: tuple[Server, Drive], tmp_path: Path) -> None:
    server, mounted = printed
    work = tmp_path / "work"
    work.mkdir()
    names = [name for program in PROGRAMS for name in program(mounted.mountpoint, work)]
    assert len(names) > 20
    mounted.wait_delivered(names)
    assert on_server(server) == hashes(mounted.mountpoint, names)
    wait_for(lambda: once_each(server, names), "the server's log to show each document once")
    done = mounted.unmount()
    assert done.returncode == 0, done.stderr
    assert not mounted.is_mounted()
    assert sorted(server.names()) == sorted(names)


@pytest.mark.skipif(not SAMPLES.exists(), reason="the sample documents are not beside this checkout")
def test_every_sample_document_passes_and_arrives(printed_on_wsgidav: tuple[Server, Drive]) -> None:
    server, mounted = printed_on_wsgidav
    samples = [path for path in sorted(SAMPLES.rglob("*")) if path.suffix in {".pdf", ".xml"}]
    for path in samples:
        shutil.copyfile(path, mounted.mountpoint / path.name)
    names = [path.name for path in samples]
    mounted.wait_delivered(names)
    assert on_server(server) == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in samples}
    wait_for(lambda: once_each(server, names), "the server's log to show each document once")
