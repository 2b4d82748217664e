"""The command line of the stage, and a whole stage that takes in what a King user sends while people look."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from ingisfs.stage import StageError
from ingisfs.stage.batch import Pace
from ingisfs.stage.serve import Options, Stage, options_of
from ingisfs.stage.sessions import IDLE_SECONDS, LONGEST_SECONDS, Sessions, Throttle
from scripts.king import Administration, Documents, pdf_document, xml_king
from tests.servers import free_port, wait_for
from tests.stage.harness import PASSWORD, REPOSITORY, USER, Running, running_stage, visitor


@pytest.mark.parametrize(
    ("typed", "every"), [("3s", 3.0), ("3", 3.0), ("0.5s", 0.5), ("15m", 900.0), ("1h", 3600.0), (" 2M ", 120.0)]
)
def test_how_often_a_batch_runs_is_typed_as_people_say_it(typed: str, every: float) -> None:
    pace = options_of("nl", batch=typed).pace
    assert pace is not None
    assert pace.every == every
    assert pace.patience >= max(every, Pace().patience)


def test_off_means_that_no_batch_runs() -> None:
    assert options_of("nl", batch="off").pace is None


@pytest.mark.parametrize("typed", ["", "0", "0s", "-1s", "soon", "3d", "1e3", "ⅷs"])
def test_a_time_that_is_none_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(StageError, match="15m"):
        options_of("nl", batch=typed)


def test_a_mail_server_that_cannot_be_is_refused_without_showing_a_password() -> None:
    with pytest.raises(StageError, match="smtps://"):
        options_of("nl", smtp_url="http://x", mail_from="a@b.example")
    with pytest.raises(StageError) as raised:
        options_of("nl", smtp_url="smtps://ik:geheim@mail.example", mail_from="a@b.example")
    assert "geheim" not in str(raised.value)


@contextmanager
def command(folder: Path, *arguments: str) -> Iterator[Running]:
    """`ingisfs stage` as a person starts it."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "ingisfs", "stage", "--folder", str(folder), "--port", str(port), *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "INGISFS_STAGE_PASSWORD": PASSWORD, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: _answers(port), "the stage to answer", 60)
        yield Running(folder, port)
    finally:
        process.terminate()
        process.wait(60)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/login", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def documents(running: Running, user: str = USER) -> dict[str, str]:
    """Name and status of each document."""
    answer = httpx.get(f"{running.root}/documents.json", auth=(user, PASSWORD), trust_env=False, timeout=60)
    return {row["name"]: row["status"] for row in answer.raise_for_status().json()}


def test_what_king_prints_is_accepted_by_a_stage_that_is_started_for_a_demonstration(tmp_path: Path) -> None:
    with command(tmp_path / "stage", "--demo", "--batch", "0.2s") as running:
        with httpx.Client(base_url=running.root, auth=(USER, PASSWORD), trust_env=False, timeout=60) as program:
            expected = {}
            for invoice in Administration().invoices(13):
                for kind, ending in ((Documents.PDF, "pdf"), (Documents.XML, "xml")):
                    if kind in invoice.debtor.documents:
                        data = pdf_document(invoice, datetime.now(UTC)) if ending == "pdf" else xml_king(invoice)
                        program.put(f"/inbox/{invoice.number}.{ending}", content=data).raise_for_status()
                        expected[f"{invoice.number}.{ending}"] = "new"
            program.put("/inbox/.ingisfs-1-1.part", content=b"x").raise_for_status()
        expected[".ingisfs-1-1.part"] = "inbox"
        wait_for(lambda: documents(running) == expected, "everything to be accepted", 60)
        wait_for(lambda: running.names() == [".ingisfs-1-1.part"], "what was taken in to leave the inbox", 60)
        with closing(visitor(running, USER, PASSWORD)) as king:
            assert king.get("/counters.json").json() == {"refused": 0, "new": 13, "viewed": 0, "sent": 0}


def test_without_batches_everything_stays_where_it_was_delivered(tmp_path: Path) -> None:
    with command(tmp_path / "stage", "--batch", "off", "--add-user", "keizer") as running:
        for user in (USER, "keizer"):
            url = f"{running.root}/inbox/F1.pdf"
            httpx.put(url, content=b"x", auth=(user, PASSWORD), trust_env=False).raise_for_status()
        assert documents(running) == documents(running, "keizer") == {"F1.pdf": "inbox"}
        assert running.names() == ["F1.pdf"]


def test_a_user_who_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="kan geen naam"):
        Stage(tmp_path / "stage", announce=lambda _: None, options=Options(add_user="a:b"))


def test_who_has_no_address_for_a_link_gets_a_new_password_from_whoever_runs_the_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INGISFS_STAGE_PASSWORD", raising=False)
    with (
        running_stage(tmp_path / "stage", Options(add_user="keizer")) as (running, _),
        closing(visitor(running, "keizer", PASSWORD)) as keizer,
    ):
        cookie = keizer.cookies["ingis-session"]
        assert "--reset-password NAAM" in keizer.get("/forgot?lang=nl").text
        assert "geen e-mailadres opgegeven" in keizer.get("/").text
    told: list[str] = []
    with Stage(tmp_path / "stage", announce=told.append, options=Options(reset_user="keizer")) as stage:
        (password,) = re.findall(r"keizer: (\S+) ", "\n".join(told))
        users = stage.portal.users
        assert users.verify("keizer", password)
        assert not users.verify("keizer", PASSWORD)
        assert users.verify(USER, PASSWORD), "nobody else's"
        assert stage.portal.sessions.find(cookie) is None
    with pytest.raises(StageError, match="geen gebruiker «keizr»"):
        Stage(tmp_path / "stage", announce=told.append, options=Options(reset_user="keizr"))


@pytest.mark.parametrize("pairs", [60, pytest.param(1000, marks=pytest.mark.long)])
def test_many_pairs_are_taken_in_while_people_click(tmp_path: Path, pairs: int) -> None:
    invoices = [each for each in Administration().invoices(pairs * 2) if each.debtor.documents is Documents.BOTH]
    pace = Pace(every=0.05, patience=600, settle=0.0)
    with running_stage(tmp_path / "stage", Options(pace=pace, demo=True)) as (running, stage):
        over = threading.Event()
        codes: set[int] = set()

        def click() -> None:
            with closing(visitor(running, USER, PASSWORD)) as king:
                while not over.is_set():
                    for address in ("/", "/invoices?search=b", "/counters.json", "/customers"):
                        codes.add(king.get(address).status_code)

        people = [threading.Thread(target=click) for _ in range(2)]
        for person in people:
            person.start()
        try:
            with httpx.Client(base_url=running.root, auth=(USER, PASSWORD), trust_env=False, timeout=60) as program:
                for invoice in invoices[:pairs]:
                    pdf = pdf_document(invoice, datetime.now(UTC))
                    program.put(f"/inbox/{invoice.number}.pdf", content=pdf).raise_for_status()
                    program.put(f"/inbox/{invoice.number}.xml", content=xml_king(invoice)).raise_for_status()
            count = len(invoices[:pairs])
            assert count == pairs
            wait_for(lambda: stage.portal.invoices.counters(USER)["new"] == count, "all pairs to be taken in", 300)
        finally:
            over.set()
            for person in people:
                person.join()
        assert codes == {200}
        assert stage.portal.invoices.counters(USER) == {"refused": 0, "new": count, "viewed": 0, "sent": 0}
        told = stage.portal.desks.of(USER).receipts.after(0, 10_000)
        assert len(told) == len({(receipt.name, receipt.state) for receipt in told}) == count * 4


def test_a_session_is_over_after_a_while_without_use_and_after_a_week_in_any_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_stage(tmp_path / "stage", Options()) as (_, stage):
        sessions, now = Sessions(stage.portal.database), [1_000_000.0]
        monkeypatch.setattr("ingisfs.stage.sessions.time.time", lambda: now[0])
        token = sessions.start(USER)
        now[0] += IDLE_SECONDS - 1
        assert sessions.find(token) is not None
        now[0] += IDLE_SECONDS - 1
        assert sessions.find(token) is not None
        now[0] += IDLE_SECONDS + 1
        assert sessions.find(token) is None
        token, start = sessions.start(USER), now[0]
        while now[0] < start + LONGEST_SECONDS - IDLE_SECONDS:
            now[0] += IDLE_SECONDS - 1
            assert sessions.find(token) is not None
        now[0] = start + LONGEST_SECONDS + 1
        assert sessions.find(token) is None


def test_who_was_wrong_too_often_waits_and_nobody_else() -> None:
    now = [0.0]
    throttle = Throttle(3, 60.0, lambda: now[0])
    for _ in range(3):
        assert throttle.wait("a") == 0
        throttle.failed("a")
        now[0] += 10
    assert throttle.wait("a") == 30
    assert throttle.wait("b") == 0
    now[0] += 31
    assert throttle.wait("a") == 0
    throttle.failed("a")
    throttle.succeeded("a")
    assert throttle.wait("a") == 0
