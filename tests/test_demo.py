"""The demonstration does what it says: it compares both sides, and leaves a portal in which one can look around."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.servers import wait_for

ROOT = Path(__file__).parent.parent
RUN = "import sys; from scripts import demo; sys.exit(demo.run(int(sys.argv[1]), sys.argv[2] == 'keep', sys.argv[3]))"
SECRET = "een heel lang wachtwoord"


def demonstrate(orders: int, keep: str, language: str) -> subprocess.CompletedProcess[str]:
    """Run it in the environment that is there; what it installs where that is missing is environment.py's."""
    command = [sys.executable, "-c", RUN, str(orders), keep, language]
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)


def log_in(page: str, name: str, password: str) -> httpx.Client:
    client = httpx.Client(base_url=page, trust_env=False, timeout=60)
    assert client.post("/login", data={"name": name, "password": password}).status_code == 303
    return client


@pytest.mark.parametrize(
    ("language", "words"), [("nl", ("Alles in orde", "nieuw voor")), ("en", ("All is well", "new for"))]
)
def test_the_demonstration_ends_well_and_leaves_nothing(language: str, words: tuple[str, str]) -> None:
    done = demonstrate(2, "end", language)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith(words[0])
    assert words[1] in done.stdout, "the drive says what INGIS said"
    (mountpoint,) = re.findall(r"(/\S+)/X$", done.stdout, re.MULTILINE)
    assert not Path(mountpoint).exists()


def test_kept_it_ends_with_a_link_where_both_see_the_invoices_that_were_printed() -> None:
    done = demonstrate(3, "keep", "nl")
    lines = done.stdout.splitlines()
    stop = lines[lines.index("Stoppen en opruimen:") + 1]
    drive = Path(re.findall(r"unmount (/\S+)", stop)[0])
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        page = lines[-1].strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+/", page)
        (name, password) = re.findall(r"naam (\S+), wachtwoord (\S+)\)", done.stdout)[0]
        (link,) = re.findall(r"http://\S+/open/\S+", done.stdout)
        printed = set(re.findall(r"✓ ([0-9]+)\.", done.stdout))
        with closing(log_in(page, name, password)) as king:
            assert printed <= set(re.findall(r">([0-9]{8})<", king.get("/invoices").text))
            with httpx.Client(trust_env=False, timeout=60) as customer:
                answer = customer.post(link, data={"password": SECRET, "again": SECRET})
                read = customer.get(str(httpx.URL(link).join(answer.headers["location"]))).text
            (number,) = re.findall(r"<h1>Factuur ([0-9]+)", read)
            assert number in printed
            assert king.get("/counters.json").json()["viewed"] == 1
        customer_name = re.findall(r"als de klant (\S+),", done.stdout)[0]
        with closing(log_in(page, customer_name, SECRET)) as again:
            assert number in again.get("/invoices").text
        status = drive / "INGIS-STATUS.txt"
        wait_for(
            lambda: re.search(rf"{number}\.\w+ .* bekeken ", status.read_text("utf-8-sig")), "the drive to say so", 60
        )
    finally:
        stopped = subprocess.run(stop, shell=True, capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert stopped.returncode == 0, stopped.stderr
    assert not drive.parent.exists()
