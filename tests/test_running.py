"""`ingisfs run` on real mounts: a drive that dies comes back, one that a person unmounted does not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingisfs import config, mounting, running
from ingisfs.config import ConfigError
from ingisfs.drive.registry import Mounted
from ingisfs.drive.supervisor import Supervisor
from ingisfs.outbox.locks import is_locked
from ingisfs.running import Keeper
from tests.documents import pdf
from tests.mounts import Drive
from tests.servers import Server, wait_for, wsgidav_server

#: The keeper as it is, but for how often it asks.
QUICK = """
from ingisfs import running
running.ASK, running.ASK_AGAIN, running.ANSWER_LIMIT, running.LOOK = 1.0, 0.2, 2.0, 0.2
running.BUSY_LIMIT = 1.0
from ingisfs.cli import main
main(prog_name="ingisfs")
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with wsgidav_server(tmp_path / "server") as made:
        yield made


@pytest.fixture
def king(tmp_path: Path, server: Server) -> Iterator[Drive]:
    """A drive that is wholly in its configuration, not mounted."""
    made = Drive(tmp_path / "drive", server.url, server.user, server.password)
    made.configure(server=made.url, user=made.user, state=str(made.state), mountpoint=str(made.mountpoint))
    yield made
    made.clean()


@contextmanager
def keeping(drive: Drive, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Have a keeper for the block, in a process of its own."""
    process = start(drive, *options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def start(drive: Drive, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", QUICK, "run", "--config", str(drive.config), *options],
        env=drive.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def log_of(drive: Drive) -> str:
    """Return what the keepers of this drive wrote down."""
    return "".join(path.read_text() for path in (drive.base / "xdg-state").rglob("keeper.log"))


def wait_up(drive: Drive) -> None:
    """Wait until programs can use the drive."""
    wait_for(lambda: (drive.mountpoint / "INGIS-STATUS.txt").is_file(), "the drive to be there", 60)


def second(drive: Drive, **settings: object) -> Path:
    """Write another drive into the same configuration, and return its mountpoint."""
    place = drive.base / "Y"
    place.mkdir()
    values = {
        "server": drive.url,
        "user": drive.user,
        "state": str(drive.base / "second"),
        "mountpoint": str(place),
        **settings,
    }
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
    drive.config.write_text(drive.config.read_text() + f"[drives.second]\n{lines}")
    return place


def test_a_killed_drive_is_mounted_again_and_what_was_printed_arrives_once(king: Drive, server: Server) -> None:
    server.stop()
    with keeping(king):
        wait_up(king)
        wait_for(lambda: "mounted at" in log_of(king), "the keeper to know it", 60)
        names = [f"F{number}.pdf" for number in range(5)]
        for name in names:
            (king.mountpoint / name).write_bytes(pdf(name))
        (dead,) = king.pids("drive")
        os.kill(dead, signal.SIGKILL)
        wait_for(lambda: king.pids("drive") not in ([], [dead]), "another drive process", 60)
        wait_up(king)
        (king.mountpoint / "F5.pdf").write_bytes(pdf("F5.pdf"))
        server.start()
        king.wait_delivered([*names, "F5.pdf"])
        wait_for(lambda: "is back" in log_of(king), "the keeper to tell that it is back", 60)
    assert sorted(server.names()) == [*names, "F5.pdf"]
    assert "nobody unmounted it" in log_of(king)
    assert "is gone" in log_of(king)


def test_who_tells_people_is_told_when_a_drive_goes_and_when_it_is_back(
    king: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in king.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("ASK", "ASK_AGAIN", "LOOK"):
        monkeypatch.setattr(running, name, 0.2)
    told: list[str] = []
    keeper = Keeper(
        king.config,
        gone=lambda drive: told.append(f"{drive.name} gone"),
        back=lambda drive: told.append(f"{drive.name} back"),
    )
    names: list[str] = []
    thread = threading.Thread(target=keeper.run, args=(names.extend,))
    thread.start()
    try:
        wait_up(king)
        assert names == ["king"]
        for _ in range(2):
            wait_for(lambda: keeper._kept["king"]._up_since is not None, "the keeper to know it", 60)
            told.clear()
            king.kill("drive")
            wait_for(lambda: told == ["king gone", "king back"], "the keeper to tell of it", 60)
        told.clear()
        wait_for(lambda: king.unmount("--now").returncode == 0, "a person to unmount it", 60)
        wait_for(lambda: keeper._kept["king"]._up_since is None, "the keeper to see it", 60)
    finally:
        keeper.end()
        thread.join(60)
    assert not thread.is_alive()
    assert told == []  # what a person does is no news to them


def test_pauses_grow_until_a_person_changes_the_settings(king: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(drive: object) -> None:
        raise ConfigError("mount.no-mountpoint", drive="king")

    monkeypatch.setattr(mounting, "mount", refused)
    for name, value in {"FIRST_WAIT": 0.01, "LONGEST_WAIT": 0.05, "LOOK": 0.01}.items():
        monkeypatch.setattr(running, name, value)
    told: list[str] = []
    kept = running._Kept(king.config, "king", threading.Event(), lambda drive: told.append(drive.name), lambda _: None)
    waits = []
    for _ in range(5):
        waits.append(kept._wait)
        kept._safely(kept._look)
    assert waits == [0.01, 0.02, 0.04, 0.05, 0.05]
    assert told == ["king"]  # once
    changes = iter(range(100))
    monkeypatch.setattr(running, "_changed", lambda path: next(changes))
    kept._safely(kept._look)
    assert kept._wait == 0.01


def test_why_a_drive_is_away_is_told_before_the_pause(
    king: Drive, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kept = running._Kept(king.config, "king", threading.Event(), lambda drive: None, lambda drive: None)
    seen: list[str] = []
    monkeypatch.setattr(kept, "_pause", lambda: seen.append(caplog.text))
    for text, reason in [("server = 'gopher://x/'", "gopher"), ("nonsense = 1", "nonsense")]:
        king.config.write_text(f"[drives.king]\n{text}\n")
        kept._safely(kept._look)
        assert reason in seen[-1]


def test_a_drive_that_hangs_is_ended_and_mounted_again(king: Drive, server: Server) -> None:
    with keeping(king):
        wait_up(king)
        (king.mountpoint / "F1.pdf").write_bytes(pdf())
        (hanging,) = king.pids("drive")
        os.kill(hanging, signal.SIGSTOP)
        wait_for(lambda: king.pids("drive") not in ([], [hanging]), "another drive process", 60)
        wait_up(king)
        king.wait_delivered(["F1.pdf"])
    assert server.names() == ["F1.pdf"]
    assert "it hangs" in log_of(king)


def test_what_a_person_unmounts_stays_away_until_a_person_mounts_it(king: Drive) -> None:
    with keeping(king):
        wait_up(king)
        assert king.unmount().returncode == 0
        wait_for(lambda: "it stays away" in log_of(king), "the keeper to leave it alone", 60)
        assert not king.is_mounted()
    with keeping(king) as again:  # as after a restart of the machine
        wait_for(lambda: log_of(king).count("it stays away") == 2, "the next keeper to leave it alone", 60)
        assert king.pids("drive") == []
        assert king.mount().returncode == 0
        (pid,) = king.pids("drive")
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: king.pids("drive") not in ([], [pid]), "it to be kept again", 60)
        wait_up(king)
        assert again.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_keeper_and_unmounts_its_drives_but_not_for_good(king: Drive, number: int) -> None:
    other = second(king)
    with keeping(king) as first:
        wait_up(king)
        wait_for(lambda: (other / "INGIS-STATUS.txt").is_file(), "the second drive", 60)
        first.send_signal(number)
        told, _ = first.communicate(timeout=60)
        assert first.returncode == 0, told
        assert "De schijven king, second blijven gekoppeld" in told
        assert not king.is_mounted()
        assert not os.path.ismount(other)
        wait_for(lambda: king.pids("drive") == [], "the processes of the drives to be gone")
    with keeping(king):
        wait_up(king)


def test_a_document_that_waits_when_the_keeper_ends_is_delivered_all_the_same(king: Drive, server: Server) -> None:
    with keeping(king) as keeper:
        wait_up(king)
        for number in range(20):
            (king.mountpoint / f"F{number}.pdf").write_bytes(pdf(str(number)))
        keeper.terminate()
        assert keeper.wait(60) == 0
        assert not king.is_mounted()
        king.wait_delivered([f"F{number}.pdf" for number in range(20)])
    assert len(server.names()) == 20


def test_a_drive_in_use_is_left_alone_by_a_keeper_that_ends(king: Drive) -> None:
    with keeping(king) as keeper:
        wait_up(king)
        with open(king.mountpoint / "F1.pdf", "wb") as printing:
            printing.write(b"half")
            keeper.terminate()
            assert keeper.wait(60) == 0
            assert king.is_mounted()
            printing.seek(0)
            printing.write(pdf())
        king.wait_delivered(["F1.pdf"])
    with keeping(king) as next_one:
        wait_for(lambda: "keeping king" in log_of(king).rpartition("ended")[2], "the next keeper", 60)
        next_one.terminate()
        assert next_one.wait(60) == 0
    assert not king.is_mounted()


@pytest.mark.parametrize("broken", [{"server": "gopher://x/"}, {"nonsense": 1}, {"mountpoint": "/nowhere/X"}])
def test_a_drive_that_cannot_be_mounted_stops_no_other(king: Drive, server: Server, broken: dict[str, object]) -> None:
    second(king, **broken)
    with keeping(king) as keeper:
        wait_up(king)
        (king.mountpoint / "F1.pdf").write_bytes(pdf())
        king.wait_delivered(["F1.pdf"])
        wait_for(lambda: "ERROR ingisfs.running: drive second" in log_of(king), "the keeper to tell of it", 60)
        assert keeper.poll() is None


def test_a_drive_whose_settings_a_person_mends_is_mounted(king: Drive) -> None:
    good = king.config.read_text()
    king.config.write_text(good.replace("http://", "gopher://"))
    with keeping(king):
        wait_for(lambda: "gopher" in log_of(king), "the keeper to tell of it", 60)
        assert not king.is_mounted()
        king.config.write_text(good)
        wait_up(king)


def test_a_drive_that_is_added_is_taken_in_and_a_broken_file_harms_none_that_runs(king: Drive) -> None:
    with keeping(king) as keeper:
        wait_up(king)
        other = second(king)
        wait_for(lambda: (other / "INGIS-STATUS.txt").is_file(), "the second drive", 60)
        king.config.write_text("[drives.king\n")
        wait_for(lambda: "TOML" in log_of(king), "the keeper to tell of it", 60)
        king.config.unlink()
        wait_for(lambda: "“king” is not in" in log_of(king), "the keeper to tell of it", 60)
        assert (king.mountpoint / "INGIS-STATUS.txt").is_file()
        keeper.terminate()
        assert keeper.wait(60) == 0
        assert not king.is_mounted()


def test_only_the_drives_that_were_named_are_kept(king: Drive) -> None:
    other = second(king)
    with keeping(king, "--drive", "second"):
        wait_for(lambda: (other / "INGIS-STATUS.txt").is_file(), "the second drive", 60)
        assert not king.is_mounted()


def test_a_second_keeper_is_refused(king: Drive) -> None:
    with keeping(king):
        wait_up(king)
        done = king.run("run", "--config", str(king.config))
        assert done.returncode == 1
        assert "worden al bewaakt" in done.stderr
        assert king.is_mounted()


def test_a_keeper_without_drives_says_so(king: Drive) -> None:
    king.config.unlink()
    done = king.run("run", "--config", str(king.config))
    assert done.returncode == 1
    assert "staat geen schijf" in done.stderr


def test_a_drive_that_is_mounted_already_is_kept_from_then_on(king: Drive) -> None:
    assert king.mount().returncode == 0
    (pid,) = king.pids("drive")
    with keeping(king):
        wait_for(lambda: "keeping king" in log_of(king), "the keeper", 60)
        assert king.pids("drive") == [pid]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: king.pids("drive") not in ([], [pid]), "another drive process", 60)
        wait_up(king)


def test_a_killed_keeper_leaves_its_drives_to_the_next(king: Drive) -> None:
    with keeping(king) as keeper:
        wait_up(king)
        keeper.kill()
        keeper.wait()
        (pid,) = king.pids("drive")
    with keeping(king):
        wait_for(lambda: log_of(king).count("keeping king") == 2, "the next keeper", 60)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: king.pids("drive") not in ([], [pid]), "another drive process", 60)
        wait_up(king)


def test_a_dead_mount_goes_when_a_person_unmounts_it(king: Drive) -> None:
    assert king.mount().returncode == 0
    king.kill("drive")
    assert king.unmount("--now").returncode == 0
    assert not king.is_mounted()
    assert not is_locked(king.state / "drive.lock")


def test_a_drive_that_died_is_not_taken_for_the_one_that_came_after_it(king: Drive) -> None:
    assert king.mount().returncode == 0
    king.kill("drive")
    elsewhere = king.base / "Y"
    elsewhere.mkdir()
    done = king.run("mount", str(elsewhere), "--config", str(king.config))
    assert done.returncode == 0, done.stderr
    only = king.run("unmount")  # there is one, so it needs no name
    assert only.returncode == 0, only.stderr
    assert not os.path.ismount(elsewhere)


def test_a_drive_that_could_not_be_mounted_ends_without_a_courier() -> None:
    Supervisor(config.Drive()).end()  # never started, and no reason to hide why the mount failed


def test_a_dead_mount_is_known_without_touching_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounting, "MOUNTINFO", tmp_path / "mountinfo")
    (tmp_path / "mountinfo").write_text("36 35 98:0 / /mnt/my\\040X rw shared:1 - fuse.ingisfs x rw\n")
    taken: list[tuple[str, bool]] = []

    def fusermount(mountpoint: str, *, lazy: bool = False) -> subprocess.CompletedProcess[str]:
        taken.append((mountpoint, lazy))
        return subprocess.CompletedProcess([], 0, "", "")

    monkeypatch.setattr(mounting, "_fusermount", fusermount)
    for take_away in (mounting._take_away, mounting.clear_away):
        take_away(Mounted("/mnt/my X", tmp_path, 0))
        take_away(Mounted("/mnt/other", tmp_path, 0))
    assert taken == [("/mnt/my X", True)] * 2


def test_autostart_tells_which_drives_are_there_and_why_not(king: Drive) -> None:
    second(king, server="gopher://x/")

    def told() -> str:
        done = king.run("autostart", "status", "--config", str(king.config))
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "Schijf «king»: niet gekoppeld.\n" in told()
    with keeping(king):
        wait_up(king)
        wait_for(lambda: "gopher" in log_of(king), "the keeper to tell of the other", 60)
        first = told()
        assert "Zij worden nu bewaakt" in first
        assert f"Schijf «king»: gekoppeld op {king.mountpoint}." in first
        assert "Schijf «second»: niet gekoppeld. Waarom, staat in" in first
        log = Path(first.rpartition("Waarom, staat in ")[2].strip().rstrip("."))
        assert "gopher" in log.read_text()
        assert king.unmount("--now").returncode == 0
        assert "Schijf «king»: iemand heeft haar ontkoppeld." in told()


def test_autostart_off_ends_a_keeper_that_a_person_started(king: Drive) -> None:
    with keeping(king) as keeper:
        wait_up(king)
        off = king.run("autostart", "off", "--config", str(king.config))
        assert off.returncode == 0, off.stderr
        assert "nu ontkoppeld" in off.stdout
        assert keeper.wait(60) == 0
        assert not king.is_mounted()
    status = king.run("autostart", "status", "--config", str(king.config))
    assert "starten niet vanzelf" in status.stdout
    assert "Schijf «king»: niet gekoppeld" in status.stdout
