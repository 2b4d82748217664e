"""What a person decides by command: queue list, retry, release, withdraw, and the history."""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.documents import pdf, xml
from tests.mounts import Drive, drive
from tests.servers import Server, wait_for, wsgidav_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with wsgidav_server(tmp_path / "server") as made:
        yield made


@pytest.fixture
def mounted(tmp_path: Path, server: Server) -> Iterator[Drive]:
    with drive(tmp_path / "drive", server.url, server.user, server.password) as made:
        yield made


def command(mounted: Drive, *arguments: str) -> tuple[int, str, str]:
    group, *rest = arguments
    words = [group, *rest] if group == "history" else ["queue", group, *rest]
    done = mounted.run(*words, "--config", str(mounted.config))
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def test_a_held_document_is_listed_with_its_reason_and_goes_when_released(mounted: Drive, server: Server) -> None:
    cut = pdf(size=2000)[:-50]
    (mounted.mountpoint / "F1.pdf").write_bytes(cut)
    (mounted.mountpoint / "F1.xml").write_bytes(xml())
    mounted.wait_states({"F1.pdf": "held", "F1.xml": "held"})
    code, out, _ = command(mounted, "list")
    assert code == 0
    assert "F1.pdf" in out
    assert "niet compleet" in out
    listed = json.loads(command(mounted, "list", "--json")[1])
    assert {row["name"]: row["reason"] for row in listed} == {"F1.pdf": "pdf-not-whole", "F1.xml": "twin"}
    assert command(mounted, "release", "F1")[0] == 0
    mounted.wait_delivered(["F1.pdf", "F1.xml"])
    assert (server.root / "F1.pdf").read_bytes() == cut
    assert "Niets wacht" in command(mounted, "list")[1]


def test_a_withdrawn_document_leaves_the_drive_and_is_never_sent(mounted: Drive, server: Server) -> None:
    (mounted.mountpoint / "F1.pdf").write_bytes(b"")
    (mounted.mountpoint / "F2.pdf").write_bytes(b"")
    mounted.wait_states({"F1.pdf": "held", "F2.pdf": "held"})
    identity = json.loads(command(mounted, "list", "--json")[1])[0]["id"]
    assert command(mounted, "withdraw", identity)[0] == 0
    assert not (mounted.mountpoint / "F1.pdf").exists()
    assert (mounted.mountpoint / "F2.pdf").exists()
    (mounted.mountpoint / "F1.pdf").write_bytes(pdf())
    mounted.wait_delivered(["F1.pdf"])
    assert server.names() == ["F1.pdf"]


def test_what_ingis_refuses_needs_a_person_until_it_is_dealt_with_and_what_it_takes_is_told(
    tmp_path: Path, server: Server
) -> None:
    settings = {"follow": 0.2, "responses": {"refused": ["{name}.err"], "accepted": ["{name}.ack"]}}
    with drive(tmp_path / "drive", server.url, server.user, server.password, **settings) as mounted:

        def status() -> int:
            return mounted.run("status", "--config", str(mounted.config)).returncode

        def has_looked() -> bool:
            with closing(mounted.outbox()) as outbox:
                return '"witness": 1' in (outbox.meta("following") or "")

        for number in "123":
            (mounted.mountpoint / f"F{number}.pdf").write_bytes(pdf(number))
        mounted.wait_delivered(["F1.pdf", "F2.pdf", "F3.pdf"])
        wait_for(has_looked, "a first look", 60)
        assert status() == 0
        (server.root / "F1.pdf.err").write_text("Klant onbekend", encoding="utf-8")
        (server.root / "F2.pdf").unlink()
        (server.root / "F3.pdf.ack").touch()
        mounted.wait_states({"F1.pdf": "refused", "F2.pdf": "collected", "F3.pdf": "accepted"})
        assert status() == 3
        page = (mounted.mountpoint / "INGIS-STATUS.txt").read_text(encoding="utf-8")
        assert page.startswith("1 document heeft iemand nodig")
        assert "Melding: F1.pdf.err: Klant onbekend" in page
        assert "Klant onbekend" in command(mounted, "history", "--name", "F1.pdf")[1]
        assert "geweigerd" in command(mounted, "list")[1]
        assert not (mounted.mountpoint / "F1.pdf").exists()
        assert command(mounted, "withdraw", "F1")[0] == 0
        assert status() == 0
        assert (server.root / "F1.pdf").exists()


def test_unknown_names_and_wrong_use_are_told(mounted: Drive) -> None:
    code, _, error = command(mounted, "release", "nothing.pdf")
    assert code == 1
    assert "nothing.pdf" in error
    assert command(mounted, "release")[0] == 2
    assert command(mounted, "release", "a", "--all")[0] == 2
    assert "niets waarvoor" in command(mounted, "release", "--all")[1]


def test_retry_tries_a_server_that_was_away_at_once(mounted: Drive, server: Server) -> None:
    server.stop()
    (mounted.mountpoint / "F1.pdf").write_bytes(pdf())
    wait_for(lambda: mounted.status()["target"]["state"] == "unreachable", "the server to be missed")
    server.start()
    assert command(mounted, "retry", "--all")[0] == 0
    mounted.wait_delivered(["F1.pdf"], 10)


def test_a_whole_run_is_released_by_its_reason(mounted: Drive, server: Server) -> None:
    names = [f"F{number}.pdf" for number in range(5)]
    for name in names:
        (mounted.mountpoint / name).write_bytes(pdf("1"))
    mounted.wait_delivered(names)
    (mounted.mountpoint / "empty.pdf").write_bytes(b"")
    again = [name.replace(".", "(1).") for name in names]
    for name in again:
        (mounted.mountpoint / name).write_bytes(pdf("2"))
    mounted.wait_states(dict.fromkeys([*again, "empty.pdf"], "held"))
    text = mounted.shown()
    assert "al bezorgd" in " ".join(text.split())
    assert command(mounted, "release", "--all", "--reason", "already-delivered")[0] == 0
    mounted.wait_delivered(again)
    assert mounted.states()["empty.pdf"] == "held"
    assert server.names() == names
    assert (server.root / "F0.pdf").read_bytes() == pdf("2")


def test_the_history_tells_each_step_for_people_and_programs(mounted: Drive) -> None:
    (mounted.mountpoint / "F1.pdf").write_bytes(pdf())
    (mounted.mountpoint / "=1+1.pdf").write_bytes(pdf("2"))
    mounted.wait_delivered(["F1.pdf", "=1+1.pdf"])
    out = command(mounted, "history", "--name", "F*", "--since", "1")[1]
    assert "bezorgd" in out
    assert "=1+1" not in out
    rows = list(csv.DictReader(command(mounted, "history", "--csv")[1].splitlines()))
    steps = [row["after"] for row in rows if row["name"] == "F1.pdf"]
    assert steps == ["writing", "settling", "queued", "uploading", "publishing", "delivered"]
    assert {row["name"] for row in rows} == {"F1.pdf", "'=1+1.pdf"}
    lines = [json.loads(line) for line in command(mounted, "history", "--json")[1].splitlines()]
    assert len(lines) == len(rows)
    assert command(mounted, "history", "--since", "yesterday")[0] == 2
    assert command(mounted, "history", "--until", "3")[0] == 2


def test_an_auditor_gets_an_entry_a_document_and_finds_one_by_its_hash(mounted: Drive) -> None:
    (mounted.mountpoint / "F1.pdf").write_bytes(pdf())
    (mounted.mountpoint / "F2.pdf").write_bytes(pdf("2"))
    mounted.wait_delivered(["F1.pdf", "F2.pdf"])
    digest = hashlib.sha256(pdf("2")).hexdigest()
    (row,) = csv.DictReader(command(mounted, "history", digest, "--documents", "--csv")[1].splitlines())
    assert (row["name"], row["sha256"], row["state"], row["remote_name"]) == ("F2.pdf", digest, "delivered", "F2.pdf")
    assert row["ingis"] == ""
    assert row["delivered_at"] > row["written_at"]
    told = command(mounted, "history", "f2.PDF", "--documents")[1]
    assert digest in told
    assert "INGIS: niet bekend, zie portaal" in told
    lines = command(mounted, "history", "--documents", "--json")[1].splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["F1.pdf", "F2.pdf"]
    code, out, err = command(mounted, "history", "--until", "2001-01-01")
    assert (code, out) == (0, "")
    assert "Er is niets gevonden." in err


def test_a_server_that_needed_a_person_for_long_gives_king_a_red_cross(tmp_path: Path, server: Server) -> None:
    with drive(tmp_path / "drive", server.url, server.user, "wrong", refuse_after=0.5) as mounted:
        (mounted.mountpoint / "F1.pdf").write_bytes(pdf())

        numbers = itertools.count()

        def refused() -> bool:
            try:
                (mounted.mountpoint / f"probe{next(numbers)}.pdf").write_bytes(pdf())
            except OSError:
                return True
            return False

        wait_for(refused, "new documents to be refused", 20)
        assert (mounted.mountpoint / "F1.pdf").read_bytes() == pdf()
        mounted.unmount("--now")
        mounted.password = server.password
        assert mounted.mount().returncode == 0
        mounted.wait_delivered(["F1.pdf"])
        (mounted.mountpoint / "F2.pdf").write_bytes(pdf("2"))
        mounted.wait_delivered(["F2.pdf"])
