"""`ingisfs test-print` on real mounts: a pair that is clearly a test, followed to the server."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from ingisfs import testprint
from ingisfs.delivery.following import NOTE
from ingisfs.outbox.inspection import WHOLE, inspect
from tests.mounts import Drive, drive
from tests.servers import StageServer, stage_server, wait_for

NOW = datetime(2026, 11, 25, 10, 31, 7, tzinfo=UTC)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StageServer]:
    with stage_server(tmp_path) as made:
        yield made


@pytest.fixture
def mounted(tmp_path: Path, server: StageServer) -> Iterator[Drive]:
    with drive(tmp_path / "drive", server.url, server.user, server.password) as made:
        yield made


def test_a_pair_is_printed_and_followed_until_the_server_has_both(mounted: Drive, server: StageServer) -> None:
    done = mounted.run("test-print", str(mounted.mountpoint), "--timeout", "120", "--ingis", "0", timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    names = [document["name"] for document in server.received()]
    assert sorted(name.rpartition(".")[2] for name in names) == ["pdf", "xml"]
    (stem,) = {name.rpartition(".")[0] for name in names}
    assert re.fullmatch(r"INGISFS-TEST-\d{8}-\d{6}", stem)
    for name in names:
        steps = [line.partition(f"{name}: ")[2] for line in done.stdout.splitlines() if f"{name}: " in line]
        assert steps[0].startswith(("geschreven", "wacht even"))
        assert steps[-1] == "bezorgd"
        assert steps.index("in de wachtrij") < steps.index("wordt verstuurd")
    assert re.search(r"^\d\d:\d\d:\d\d  INGISFS", done.stdout, re.MULTILINE)
    assert "Bezorgd" in done.stdout


def noted(mounted: Drive) -> str | None:
    """Return what the courier has noted of its looks at the server."""
    with closing(mounted.outbox()) as outbox:
        return outbox.meta(NOTE)


def printing(mounted: Drive, *options: str) -> subprocess.Popen[str]:
    """Begin a test print."""
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "ingisfs", "test-print", *options],
        env=mounted.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(("answer", "code", "last"), [(None, 0, "opgehaald"), ("Klant onbekend", 3, "geweigerd")])
def test_what_ingis_does_with_the_pair_is_followed_too(
    tmp_path: Path, server: StageServer, answer: str | None, code: int, last: str
) -> None:
    """INGIS takes both away, or leaves its answer beside them."""
    responses = {"refused": ["{name}.err"]}
    with drive(
        tmp_path / "drive", server.url, server.user, server.password, follow=0.2, responses=responses
    ) as mounted:
        process = printing(mounted, "--timeout", "120", "--ingis", "120")
        wait_for(lambda: set(mounted.states().values()) == {"delivered"} and len(mounted.states()) == 2, "both", 60)
        wait_for(lambda: '"witness": 1' in (noted(mounted) or ""), "a first look", 60)
        for path in server.root.glob("INGISFS-TEST-*"):
            if answer is None:
                path.unlink()
            else:
                path.with_name(f"{path.name}.err").write_text(answer)
        told, errors = process.communicate(timeout=150)
    assert process.returncode == code, told + errors
    assert "kijken wat INGIS ermee doet" in told
    assert f": {last}\n" in told
    assert "Klant onbekend" in errors or answer is None


def another_second(names: set[str]) -> bool:
    """Tell whether a pair that is printed now has a name of its own."""
    return f"{testprint.stem(datetime.now().astimezone())}.pdf" not in names


def test_the_only_drive_need_not_be_named_and_a_second_pair_is_no_reprint(mounted: Drive, server: StageServer) -> None:
    for count in (2, 4):
        done = mounted.run("test-print", "--timeout", "120", "--ingis", "0", timeout=180)
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(server.received()) == count
        newest = {document["name"] for document in server.received()}
        wait_for(partial(another_second, newest), "another second")


def test_a_server_that_is_away_is_told_after_the_time_and_the_pair_goes_later(
    mounted: Drive, server: StageServer
) -> None:
    server.stop()
    done = mounted.run("test-print", "--timeout", "3", timeout=120)
    assert done.returncode == 1, done.stdout
    assert "Na 3 s zijn ze nog niet bezorgd" in done.stderr
    names = list(mounted.states())
    assert len(names) == 2
    server.start()
    assert mounted.run("queue", "retry", "--all", "--state", str(mounted.state)).returncode == 0
    mounted.wait_delivered(names)


def test_a_pair_that_is_held_needs_a_person_and_says_why(tmp_path: Path, server: StageServer) -> None:
    with drive(tmp_path / "drive", server.url, server.user, server.password, types=["xml"]) as mounted:
        done = mounted.run("test-print", "--timeout", "120", "--ingis", "0", timeout=180)
        assert done.returncode == 3, done.stdout
        assert "geen soort document dat wordt verstuurd" in done.stderr


def test_a_wrong_password_needs_a_person(tmp_path: Path, server: StageServer) -> None:
    with drive(tmp_path / "drive", server.url, server.user, "wrong") as mounted:
        done = mounted.run("test-print", "--timeout", "120", "--ingis", "0", timeout=180)
        assert done.returncode == 3, done.stdout
        assert "weigert de gebruiker" in done.stderr


def test_ctrl_c_leaves_the_pair_alone_and_says_so(mounted: Drive, server: StageServer) -> None:
    server.stop()
    process = printing(mounted, "--timeout", "300")
    try:
        wait_for(lambda: len(mounted.states()) == 2, "both to be written", 60)
        names = list(mounted.states())
        mounted.wait_states({name: "queued" for name in names if name.endswith("pdf")})
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 1
    assert "Niet meer gevolgd" in told
    assert "Traceback" not in told
    server.start()
    assert mounted.run("queue", "retry", "--all", "--state", str(mounted.state)).returncode == 0
    mounted.wait_delivered(names)


def test_nothing_is_printed_for_another_machine_without_a_yes(tmp_path: Path) -> None:
    # A name that never resolves: documents wait.
    with drive(tmp_path / "drive", "https://ingis.invalid/inbox/", "king", "secret") as mounted:
        done = mounted.run("test-print")
        assert done.returncode == 1
        assert "https://ingis.invalid/inbox/" in done.stdout
        assert "niets afgedrukt" in done.stderr
        assert mounted.states() == {}
        done = mounted.run("test-print", "--yes", "--timeout", "2", timeout=120)
        assert done.returncode == 1
        assert len(mounted.states()) == 2


def test_without_a_drive_nothing_is_written(mounted: Drive) -> None:
    mounted.kill("drive")
    subprocess.run(["fusermount3", "-uz", str(mounted.mountpoint)], check=False, capture_output=True)
    wait_for(lambda: not mounted.is_mounted(), "the mount to be gone")
    assert mounted.run("test-print").returncode == 1
    done = mounted.run("test-print", str(mounted.mountpoint))
    assert done.returncode == 1
    assert "antwoordt niet" in done.stderr
    assert list(mounted.mountpoint.iterdir()) == []


def test_both_halves_are_whole_and_say_what_they_are() -> None:
    pair = testprint.documents(testprint.stem(NOW), NOW)
    assert list(pair) == ["INGISFS-TEST-20261125-103107.pdf", "INGISFS-TEST-20261125-103107.xml"]
    for name, data in pair.items():
        assert inspect(name, data) == WHOLE
        assert b"proefdocument / test document, do not book" in data
        assert b"INGISFS-TEST-20261125-103107" in data
        assert b"<!DOCTYPE" not in data


@pytest.mark.parametrize(
    ("server", "here"),
    [
        ("http://127.0.0.1:8420/inbox/", True),
        ("sftp://[::1]/x", True),
        ("https://upload.example.nl/", False),
        ("?", False),
    ],
)
def test_only_a_server_on_this_machine_is_nobody_elses(server: str, here: bool) -> None:
    assert testprint.is_here(server) is here
