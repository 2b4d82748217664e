"""Where a drive is, told by the commands about real mounts: another user's, another session's, taken away, or gone."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingisfs.drive import supervisor
from ingisfs.drive.supervisor import Supervisor
from ingisfs.outbox.locks import is_locked
from tests import mounts
from tests.documents import pdf
from tests.mounts import Drive
from tests.servers import Server, wait_for, wsgidav_server

LIMIT = 60.0  # s
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
ONLY_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root may be another user, or have mounts of its own")
CALM = "Dat is geen storing"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with wsgidav_server(tmp_path / "server") as made:
        yield made


@pytest.fixture
def drive(server: Server) -> Iterator[Drive]:
    """A drive that is not mounted yet, where others may look: pytest's own folders are root's only."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        base.chmod(0o755)
        made = Drive(base / "drive", server.url, server.user, server.password)
        made.configure(server=made.url, user=made.user, state=str(made.state), mountpoint=str(made.mountpoint))
        yield made
        made.clean()


def as_nobody(drive: Drive, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as another user, with folders of their own."""
    home = drive.base.parent / "nobody"
    if not home.exists():
        home.mkdir()
        os.chown(home, 65534, 65534)
    places = {f"XDG_{what}_HOME": str(home / what) for what in ("DATA", "STATE", "CONFIG")}
    return subprocess.run(
        [*NOBODY, sys.executable, "-m", "ingisfs", *command],
        env={**drive.environment, **places, "HOME": str(home)},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


@ONLY_ROOT
def test_another_users_drive_is_told_as_theirs_and_stays(drive: Drive, server: Server) -> None:
    assert drive.mount().returncode == 0
    x = str(drive.mountpoint)
    (drive.base.parent / "nobody.toml").write_text("[drives.king]\n")
    mount = ("mount", x, "--server", server.url, "--user", "x", "--state", str(drive.base.parent / "nobody" / "state"))
    for command in (("status", x), ("status", x, "--json"), ("unmount", x), ("unmount", x, "--now"), mount):
        done = as_nobody(drive, *command)
        assert (done.returncode, done.stdout) == (1, ""), (command, done.stderr)
        assert done.stderr.startswith(f"{x} is de schijf van een andere gebruiker van deze computer: root. {CALM}")
    assert drive.is_mounted()
    assert drive.run("unmount", x, "--now").returncode == 0


@ONLY_ROOT
def test_a_drive_of_another_session_is_told_as_that_and_goes_on(drive: Drive, server: Server) -> None:
    x = str(drive.mountpoint)
    # A session of its own: what is mounted in it is seen in it alone, as a letter of Windows is.
    command = ["unshare", "--mount", "--propagation", "private", sys.executable, "-m", "ingisfs", "mount", x]
    done = subprocess.run(
        [*command, "--config", str(drive.config)], env=drive.environment, capture_output=True, text=True, timeout=LIMIT
    )
    assert done.returncode == 0, done.stderr
    assert not drive.is_mounted()
    told = drive.run("status", "--config", str(drive.config))
    assert told.returncode == 0, told.stderr
    text = " ".join(told.stdout.split())
    assert f"De schijf {x} is gekoppeld in een andere sessie, of in een venster met andere rechten" in text
    assert CALM in text
    assert text.index("Klaar voor gebruik.") < text.index("in een andere sessie")
    for command in (["mount", x, "--config", str(drive.config)], ["unmount", x]):
        done = drive.run(*command)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        assert "is gekoppeld in een andere sessie" in done.stderr
        assert CALM in done.stderr
    assert is_locked(drive.state / "drive.lock")
    (pid,) = drive.pids("drive")
    inside = ["nsenter", "--target", str(pid), "--mount", "tee", f"{x}/F1.pdf"]
    subprocess.run(inside, input=pdf(), stdout=subprocess.DEVNULL, check=True)
    drive.wait_delivered(["F1.pdf"])


def test_a_drive_of_ones_own_with_other_settings_is_told_as_that(drive: Drive) -> None:
    assert drive.mount().returncode == 0
    elsewhere: dict[str, Any] = {
        f"XDG_{what}_HOME": str(drive.base.parent / f"other-{what}") for what in ("DATA", "STATE", "CONFIG")
    }
    done = drive.run("unmount", str(drive.mountpoint), **elsewhere)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert "die u zelf in een andere sessie hebt gekoppeld" in done.stderr
    assert CALM in done.stderr
    done = drive.run("status", str(drive.mountpoint), **elsewhere)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Klaar voor gebruik."), "what the drive says itself"
    other = drive.base / "other.toml"
    other.write_text(drive.config.read_text().replace(str(drive.state), str(drive.base / "other-state")))
    done = drive.run("check", "--config", str(other), **elsewhere)
    assert "die u zelf in een andere sessie hebt gekoppeld" in done.stdout
    done = drive.run("status", str(drive.base), **elsewhere)
    assert "Op " in done.stderr
    assert "geen schijf van ingisfs" in done.stderr, "where there is none"


def test_the_status_says_whether_the_drive_is_there_was_taken_away_or_is_gone(drive: Drive) -> None:
    def status() -> tuple[int, str]:
        done = drive.run("status", "--config", str(drive.config))
        assert done.stderr == ""
        return done.returncode, " ".join(done.stdout.split())

    x = drive.mountpoint
    assert drive.mount().returncode == 0
    (x / "F1.pdf").write_bytes(pdf())
    drive.wait_delivered(["F1.pdf"])
    code, told = status()
    assert code == 0
    assert f"De schijf is gekoppeld op {x} en werkt. Het bezorgen loopt." in told

    assert drive.unmount().returncode == 0
    code, told = status()
    assert code == 0
    assert told.startswith("Alles is in orde: 1 bezorgd, niets wacht.")
    assert "De schijf is ontkoppeld door iemand" in told

    assert drive.mount().returncode == 0
    drive.kill("drive")
    code, told = status()
    assert code == 3
    assert told.startswith(f"LET OP: de schijf {x} is weg, en niemand heeft haar ontkoppeld.")
    assert "en werkt." not in told

    assert drive.mount().returncode == 0
    assert f"De schijf is gekoppeld op {x} en werkt." in status()[1]


def test_a_courier_that_dies_time_and_again_is_told_on_the_drive(tmp_path: Path, server: Server) -> None:
    made = Drive(tmp_path / "drive", server.url, server.user, server.password)
    try:
        assert made.mount(INGISFS_CRASH_AT="put.before").returncode == 0
        (made.mountpoint / "F1.pdf").write_bytes(pdf())
        wait_for(lambda: "stopt telkens" in " ".join(made.shown().split()), "the alarm", LIMIT)
        status = json.loads(made.shown("INGIS-STATUS.json"))
        assert status["alarms"] == ["courier"]
        assert status["waiting"] == 1
        assert "stopt telkens" in made.shown("INGIS-STATUS.html")
        assert made.shown().startswith("LET OP, zie hieronder.")

        def told() -> str:
            return " ".join(made.run("status", "--config", str(made.config), "--state", str(made.state)).stdout.split())

        wait_for(lambda: "Het programma dat bezorgt, draait nu niet" in told(), "the command to tell it too", LIMIT)
    finally:
        made.clean()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_courier_that_lives_for_a_while_is_well_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ingisfs.config import Drive as Settings

    program, lives = tmp_path / "courier", tmp_path / "lives"
    program.write_text(f"#!/bin/sh\nread settings\n[ -e {lives} ] && exec sleep 60\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(supervisor, "python", lambda: str(program))
    monkeypatch.setattr(supervisor, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(supervisor, "WELL", 0.5)
    watched = Supervisor(Settings(state=str(tmp_path / "state")))
    assert not watched.fails
    watched.start()
    try:
        wait_for(lambda: watched.fails, "the deaths to be told", LIMIT)
        lives.touch()
        wait_for(lambda: not watched.fails, "it to be well", LIMIT)
    finally:
        watched.end()
        if watched._process is not None:
            watched._process.kill()
            watched._process.wait()
        gc.collect()  # pipes of the dead, which the drive leaves to it too


def test_the_machines_drive_is_shown_to_a_user_as_it_shows_itself(tmp_path: Path, server: Server) -> None:
    """As `ingisfs status` of whoever may not look into the outbox; tests/test_machine.py has the drive itself."""
    with mounts.drive(tmp_path / "drive", server.url, server.user, server.password) as mounted:
        (mounted.mountpoint / "F1.pdf").write_bytes(b"")
        mounted.wait_states({"F1.pdf": "held"})
        program = (
            "import sys; from pathlib import Path; from ingisfs import cli, config\n"
            "def refuse(*_): raise config.ConfigError('login.machine', detail='x')\n"
            "cli._which = refuse\n"
            "cli.main(prog_name='ingisfs')\n"
        )
        wait_for(lambda: "F1.pdf" in mounted.shown(), "the status", LIMIT)
        for option in ("", "--json", "--watch"):
            command = [sys.executable, "-c", program, "status", str(mounted.mountpoint), *([option] if option else [])]
            done = subprocess.run(command, env=mounted.environment, capture_output=True, text=True, timeout=LIMIT)
            if option == "--watch":
                assert (done.returncode, done.stdout) == (1, "")
                continue
            assert done.returncode == 3, done.stderr
            if option:
                assert json.loads(done.stdout)["needs_person"] == 1
            else:
                assert done.stdout.startswith("1 document heeft iemand nodig.")
