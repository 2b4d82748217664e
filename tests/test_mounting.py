"""Mount, unmount and status by command: what they do, what they refuse, and that nothing is lost meanwhile."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingisfs.outbox.locks import is_locked
from tests.documents import pdf, xml
from tests.mounts import Drive, drive
from tests.servers import Server, free_port, wait_for, wsgidav_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with wsgidav_server(tmp_path / "server") as made:
        yield made


@pytest.fixture
def mounted(tmp_path: Path, server: Server) -> Iterator[Drive]:
    with drive(tmp_path / "drive", server.url, server.user, server.password) as made:
        yield made


@pytest.fixture
def unmounted(tmp_path: Path, server: Server) -> Iterator[Drive]:
    made = Drive(tmp_path / "drive", server.url, server.user, server.password)
    yield made
    made.clean()


# ---- the main job ------------------------------------------------------------------------------------------------


def test_a_pair_arrives_and_the_drive_says_so(mounted: Drive, server: Server) -> None:
    (mounted.mountpoint / "F1.pdf").write_bytes(pdf())
    (mounted.mountpoint / "F1.xml").write_bytes(xml())
    mounted.wait_delivered(["F1.pdf", "F1.xml"])
    assert server.names() == ["F1.pdf", "F1.xml"]
    assert (server.root / "F1.pdf").read_bytes() == pdf()
    text = mounted.shown()
    assert "F1.pdf" in text
    assert "bezorgd" in text.lower()
    assert "libfuse 3" in text or "libfuse 2" in text
    status = json.loads(mounted.shown("INGIS-STATUS.json"))
    assert status["counts"]["delivered"] == 2
    assert status["target"]["state"] == "ok"
    assert mounted.status()["counts"] == status["counts"]
    assert mounted.run("status", str(mounted.mountpoint)).returncode == 0


def test_the_pdf_is_published_before_its_xml(mounted: Drive, server: Server) -> None:
    for number in range(10):
        (mounted.mountpoint / f"F{number}.xml").write_bytes(xml(str(number)))
        (mounted.mountpoint / f"F{number}.pdf").write_bytes(pdf(str(number)))
    mounted.wait_delivered([f"F{number}.{kind}" for number in range(10) for kind in ("pdf", "xml")])
    moved = [path.rpartition("/")[2] for method, path, _ in server.requests() if method == "MOVE"]
    names = {p.split("-")[1]: p for p in moved}
    assert len(names) == 20
    outbox = mounted.outbox()
    order = [entry.name for entry in outbox.history("after = 'delivered'")]
    outbox.close()
    for number in range(10):
        assert order.index(f"F{number}.pdf") < order.index(f"F{number}.xml")


def test_the_status_files_are_never_sent_and_always_right_in_size(mounted: Drive, server: Server) -> None:
    for number in range(5):
        (mounted.mountpoint / f"F{number}.pdf").write_bytes(pdf(str(number)))
        for name in ("INGIS-STATUS.html", "INGIS-STATUS.txt", "INGIS-STATUS.json"):
            fd = os.open(mounted.mountpoint / name, os.O_RDONLY)
            size = os.fstat(fd).st_size
            content = os.read(fd, 10_000_000)
            os.close(fd)
            assert len(content) == size
    with pytest.raises(PermissionError):
        (mounted.mountpoint / "INGIS-STATUS.txt").unlink()
    with pytest.raises(PermissionError):
        (mounted.mountpoint / "INGIS-STATUS.txt").write_text("x")
    mounted.wait_delivered([f"F{number}.pdf" for number in range(5)])
    assert not [name for name in server.names() if "STATUS" in name]


def test_the_status_speaks_english_when_told(tmp_path: Path, server: Server) -> None:
    with drive(tmp_path / "drive", server.url, server.user, server.password, language="en") as mounted:
        (mounted.mountpoint / "F1.pdf").write_bytes(pdf())
        mounted.wait_delivered(["F1.pdf"])
        wait_for(lambda: "delivered" in (mounted.mountpoint / "INGIS-STATUS.txt").read_text(), "an English status")


# ---- bad input ---------------------------------------------------------------------------------------------------


def test_bad_documents_are_held_with_a_reason_and_good_ones_go(mounted: Drive, server: Server) -> None:
    bad = {
        "empty.pdf": (b"", "empty"),
        "cut.pdf": (pdf(size=5000)[:-100], "pdf-not-whole"),
        "half.xml": (xml()[:-5], "xml-not-whole"),
        "dtd.xml": (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "xml-dtd"),
        "brief.docx": (b"PK\x03\x04", "type-not-sent"),
    }
    for name, (data, _) in bad.items():
        (mounted.mountpoint / name).write_bytes(data)
    (mounted.mountpoint / "Privé").mkdir()
    (mounted.mountpoint / "Privé" / "F2.pdf").write_bytes(pdf("2"))
    (mounted.mountpoint / "F1.pdf").write_bytes(pdf())
    mounted.wait_delivered(["F1.pdf"])
    mounted.wait_states({**dict.fromkeys(bad, "held"), "Privé/F2.pdf": "held"})
    reasons = mounted.reasons()
    assert {name: reasons[name] for name in bad} == {name: reason for name, (_, reason) in bad.items()}
    assert reasons["Privé/F2.pdf"] == "folder-not-routed"
    assert server.names() == ["F1.pdf"]
    text = mounted.shown()
    for name in bad:
        assert name in text
    assert mounted.run("status", str(mounted.mountpoint)).returncode == 3


def test_what_was_cut_goes_by_itself_when_the_program_completes_it(mounted: Drive, server: Server) -> None:
    data = pdf(size=5000)
    path = mounted.mountpoint / "F1.pdf"
    path.write_bytes(data[:3000])
    mounted.wait_states({"F1.pdf": "held"})
    with open(path, "ab") as file:
        file.write(data[3000:])
    mounted.wait_delivered(["F1.pdf"])
    assert (server.root / "F1.pdf").read_bytes() == data


def test_names_with_anything_in_them_arrive_and_impossible_ones_are_refused(mounted: Drive, server: Server) -> None:
    long = "ë" * 125 + ".pdf"
    assert len(long.encode()) == 254
    names = ["é#% &+.pdf", "a b=c@d!$'(),~.pdf", "%41%2f.pdf", long, "Ünïcödé – €.xml"]
    for name in names:
        (mounted.mountpoint / name).write_bytes(xml() if name.endswith("xml") else pdf(name))
    for name in ("CON.pdf", "a:b.pdf", "dot.", "space ", "lpt1.xml", "a?b.pdf", 'q"q.pdf'):
        with pytest.raises(OSError, match="Invalid argument"):
            (mounted.mountpoint / name).write_bytes(pdf())
    with pytest.raises(OSError, match="too long"):
        (mounted.mountpoint / ("x" * 256)).write_bytes(pdf())
    mounted.wait_delivered(names)
    assert sorted(server.names()) == sorted(names)


def test_a_routed_folder_goes_to_its_folder_on_the_server(tmp_path: Path, server: Server) -> None:
    (server.root / "creditnotas").mkdir()
    shutil.chown(server.root / "creditnotas", server.root.owner(), server.root.group())
    with drive(
        tmp_path / "drive", server.url, server.user, server.password, folders={"Credit": "creditnotas"}
    ) as mounted:
        (mounted.mountpoint / "Credit").mkdir()
        (mounted.mountpoint / "Credit" / "C1.pdf").write_bytes(pdf())
        mounted.wait_states({"Credit/C1.pdf": "delivered"})
    assert (server.root / "creditnotas" / "C1.pdf").read_bytes() == pdf()


def test_a_document_over_the_limit_fails_at_the_write_and_is_never_sent(tmp_path: Path, server: Server) -> None:
    with drive(tmp_path / "drive", server.url, server.user, server.password, max_document=100_000) as mounted:
        fd = os.open(mounted.mountpoint / "F1.pdf", os.O_CREAT | os.O_WRONLY)
        os.write(fd, pdf(size=90_000))
        os.write(fd, b"x" * (4096 - os.fstat(fd).st_size % 4096))  # the kernel splits writes at pages
        with pytest.raises(OSError, match="too large"):  # noqa: PT012  # a write that fails half-way is short first
            while True:
                os.write(fd, b"x" * 20_000)
        with pytest.raises(OSError, match="too large"):
            os.close(fd)
        mounted.wait_states({"F1.pdf": "held"})
        assert mounted.reasons()["F1.pdf"] == "write-failed"
        (mounted.mountpoint / "F2.pdf").write_bytes(pdf(size=90_000))
        mounted.wait_delivered(["F2.pdf"])
        assert server.names() == ["F2.pdf"]


# ---- trouble -----------------------------------------------------------------------------------------------------


def test_printing_goes_on_while_the_server_is_away(tmp_path: Path, server: Server) -> None:
    server.stop()
    with drive(tmp_path / "drive", server.url, server.user, server.password) as mounted:
        names = [f"F{number}.pdf" for number in range(20)]
        for name in names:
            (mounted.mountpoint / name).write_bytes(pdf(name))
        wait_for(lambda: mounted.status()["target"]["state"] == "unreachable", "the status to say so")
        assert mounted.status()["counts"]["delivered"] == 0
        server.start()
        mounted.wait_delivered(names)
        server.stop()
        (mounted.mountpoint / "late.pdf").write_bytes(pdf("late"))
        mounted.wait_states({"late.pdf": "queued"})
        server.start()
        mounted.wait_delivered(["late.pdf"])
        assert sorted(server.names()) == sorted([*names, "late.pdf"])


def test_a_wrong_password_loses_nothing_and_the_status_says_whose_turn_it_is(tmp_path: Path, server: Server) -> None:
    with drive(tmp_path / "drive", server.url, server.user, "wrong") as mounted:
        (mounted.mountpoint / "F1.pdf").write_bytes(pdf())
        wait_for(lambda: mounted.status()["target"]["state"] == "needs_person", "the status to say so")
        assert mounted.status()["target"]["reason"] == "login"
        done = mounted.run("status", str(mounted.mountpoint))
        assert done.returncode == 3
        assert "wachtwoord" in done.stdout.lower()
        assert "wachtwoord" in mounted.shown().lower()
        refused = mounted.unmount()
        assert refused.returncode == 3
        assert mounted.is_mounted()
        left = mounted.unmount("--now")
        assert left.returncode == 0, left.stderr
        assert "1" in left.stdout
        mounted.password = server.password
        assert mounted.mount().returncode == 0
        mounted.wait_delivered(["F1.pdf"])
    assert server.names() == ["F1.pdf"]


def test_no_secret_is_written_anywhere(tmp_path: Path, server: Server) -> None:
    with drive(tmp_path / "drive", server.url, server.user, server.password) as mounted:
        (mounted.mountpoint / "F1.pdf").write_bytes(pdf())
        mounted.wait_delivered(["F1.pdf"])
        for pid in (*mounted.pids("drive"), *mounted.pids("courier")):
            assert server.password.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
        mounted.unmount()
        for path in mounted.base.rglob("*"):
            if path.is_file():
                assert server.password.encode() not in path.read_bytes(), path
        assert mounted.state.stat().st_mode & 0o777 == 0o700


def test_a_nearly_full_disk_fails_the_write_and_keeps_what_was_accepted(
    tmp_path: Path, server: Server, small_disk: Path
) -> None:
    server.stop()
    made = Drive(
        tmp_path / "drive",
        server.url,
        server.user,
        server.password,
        {"reserve": 2**20, "wal_bound": 2**20, "max_document": 100_000},
    )
    made.state = small_disk / "state"
    try:
        assert made.mount().returncode == 0
        accepted = []
        with pytest.raises(OSError, match="No space left"):  # noqa: PT012
            for number in range(500):
                with open(made.mountpoint / f"F{number}.pdf", "wb", buffering=0) as file:
                    data = pdf(str(number), size=60_000)
                    for at in range(0, len(data), 4096):
                        file.write(data[at : at + 4096])
                accepted.append(f"F{number}.pdf")
        assert accepted
        made.kill("drive")
        made.kill("courier")
        wait_for(lambda: not made.is_mounted(), "the mount to go")
        server.start()
        assert made.mount().returncode == 0
        made.wait_delivered(accepted)
        wait_for(lambda: sorted(server.names()) == sorted(accepted), "all accepted documents, and no other")
        for name in accepted:
            assert (server.root / name).read_bytes() == pdf(name[1:-4], size=60_000)
    finally:
        made.clean()


def test_an_outbox_copied_from_another_machine_is_held_until_a_person_says_so(mounted: Drive, server: Server) -> None:
    server.stop()
    (mounted.mountpoint / "F1.pdf").write_bytes(pdf())
    mounted.wait_states({"F1.pdf": "queued"})
    assert mounted.unmount("--now").returncode == 0
    mounted.kill("courier")
    con = sqlite3.connect(mounted.state / "outbox" / "cache.db")
    con.execute("UPDATE meta SET value = 'another machine' WHERE name = 'machine_id'")
    con.commit()
    con.close()
    server.start()
    assert mounted.mount().returncode == 0
    assert mounted.states() == {"F1.pdf": "held"}
    assert mounted.reasons() == {"F1.pdf": "restored"}
    (mounted.mountpoint / "F2.pdf").write_bytes(pdf("2"))
    mounted.wait_delivered(["F2.pdf"])
    assert server.names() == ["F2.pdf"]


def test_a_restored_backup_does_not_send_again(mounted: Drive, server: Server, tmp_path: Path) -> None:
    server.stop()
    (mounted.mountpoint / "F1.pdf").write_bytes(pdf())
    mounted.wait_states({"F1.pdf": "queued"})
    assert mounted.unmount("--now").returncode == 0
    mounted.kill("courier")
    shutil.copytree(mounted.state, tmp_path / "backup")
    server.start()
    assert mounted.mount().returncode == 0
    mounted.wait_delivered(["F1.pdf"])
    assert mounted.unmount().returncode == 0
    wait_for(lambda: not is_locked(mounted.state / "courier.lock"), "the courier to end")
    (server.root / "F1.pdf").unlink()  # INGIS took it
    shutil.rmtree(mounted.state)
    shutil.copytree(tmp_path / "backup", mounted.state)
    assert mounted.mount().returncode == 0
    assert mounted.reasons() == {"F1.pdf": "restored"}
    (mounted.mountpoint / "F2.pdf").write_bytes(pdf("2"))
    mounted.wait_delivered(["F2.pdf"])
    assert server.names() == ["F2.pdf"]


def test_a_killed_drive_leaves_no_hanging_mount_and_the_next_one_has_everything(mounted: Drive, server: Server) -> None:
    server.stop()
    for number in range(10):
        (mounted.mountpoint / f"F{number}.pdf").write_bytes(pdf(str(number)))
    mounted.kill("drive")
    wait_for(lambda: not mounted.is_mounted(), "the mount to go by itself")
    assert mounted.mount().returncode == 0
    assert sorted(path.name for path in mounted.mountpoint.glob("F*")) == [f"F{number}.pdf" for number in range(10)]
    server.start()
    mounted.wait_delivered([f"F{number}.pdf" for number in range(10)])
    assert len(server.names()) == 10


def test_a_killed_courier_is_started_again_and_the_drive_does_not_notice(mounted: Drive, server: Server) -> None:
    for number in range(5):
        wait_for(lambda: mounted.pids("courier"), "a courier")
        (mounted.mountpoint / f"F{number}.pdf").write_bytes(pdf(str(number)))
        mounted.kill("courier")
    mounted.wait_delivered([f"F{number}.pdf" for number in range(5)])
    assert len(server.names()) == 5


# ---- refusals ----------------------------------------------------------------------------------------------------


def refused(done: subprocess.CompletedProcess[str], pattern: str) -> None:
    assert done.returncode == 1
    assert re.search(pattern, done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_mounting_twice_is_refused(mounted: Drive) -> None:
    refused(mounted.mount(), "al een schijf")
    other = mounted.base / "Y"
    other.mkdir()
    options = ["--config", str(mounted.config), "--server", mounted.url, "--user", "king", "--state"]
    refused(mounted.run("mount", str(other), *options, str(mounted.state)), "al in gebruik")


def test_mounting_where_it_cannot_be_is_refused_plainly(unmounted: Drive, tmp_path: Path) -> None:
    unmounted.mountpoint.rmdir()
    refused(unmounted.mount(), "bestaat niet")
    unmounted.mountpoint.write_text("a file")
    refused(unmounted.mount(), "geen map")
    unmounted.mountpoint.unlink()
    unmounted.mountpoint.mkdir()
    (unmounted.mountpoint / "x").write_text("x")
    refused(unmounted.mount(), "niet leeg")
    (unmounted.mountpoint / "x").unlink()
    unmounted.mountpoint.rmdir()
    unmounted.mountpoint.symlink_to("/proc")
    refused(unmounted.mount(), "al iets anders|niet leeg")


@pytest.mark.parametrize(
    ("url", "pattern"),
    [
        ("", "geen server"),
        ("gopher://x/", "geen serveradres"),
        ("https://", "geen serveradres"),
        ("http://example.nl/inbox/", "onversleuteld"),
        ("https://king:secret@example.nl/", "wachtwoord niet"),
        ("https://example.nl:port/", "geen goed"),
        ("https://example.nl/?a=b", "geen goed"),
    ],
)
def test_a_wrong_server_url_is_refused_plainly(unmounted: Drive, url: str, pattern: str) -> None:
    unmounted.url = url
    refused(unmounted.mount(), pattern)
    assert "secret" not in unmounted.mount().stderr


def test_no_password_and_no_user_are_refused_plainly(unmounted: Drive) -> None:
    refused(unmounted.mount(INGISFS_PASSWORD=""), "geen wachtwoord")
    unmounted.user = ""
    refused(unmounted.mount(), "geen gebruiker")


def test_a_password_file_must_be_its_owners_only(unmounted: Drive) -> None:
    file = unmounted.base / "password"
    file.write_text(unmounted.password + "\n")
    file.chmod(0o644)
    unmounted.configure(password_file=str(file))
    refused(unmounted.mount(INGISFS_PASSWORD=""), "chmod 600")
    file.chmod(0o600)
    assert unmounted.mount(INGISFS_PASSWORD="").returncode == 0
    (unmounted.mountpoint / "F1.pdf").write_bytes(pdf())
    unmounted.wait_delivered(["F1.pdf"])


def test_a_machine_without_fuse_is_told_what_to_install(unmounted: Drive, tmp_path: Path) -> None:
    empty = tmp_path / "no-programs"
    empty.mkdir()
    refused(unmounted.mount(PATH=str(empty)), "apt install fuse3")


def test_unknown_settings_are_refused_with_the_nearest_right_one(unmounted: Drive) -> None:
    unmounted.configure(setle=1)
    refused(unmounted.mount(), "settle")
    unmounted.config.write_text("[drives.king\n")
    refused(unmounted.mount(), "TOML")


def test_errors_are_said_in_english_too(unmounted: Drive) -> None:
    refused(unmounted.run("unmount", "/no/such/drive", INGISFS_LANGUAGE="en"), "No ingisfs drive is mounted at")


# ---- unmounting --------------------------------------------------------------------------------------------------


def test_unmount_waits_for_the_queue(mounted: Drive, server: Server) -> None:
    for number in range(30):
        (mounted.mountpoint / f"F{number}.pdf").write_bytes(pdf(str(number)))
    done = mounted.unmount()
    assert done.returncode == 0, done.stderr
    assert "alles is bezorgd" in done.stdout
    assert len(server.names()) == 30
    assert not mounted.is_mounted()


def test_unmount_now_leaves_the_queue_for_the_courier(mounted: Drive, server: Server) -> None:
    for number in range(30):
        (mounted.mountpoint / f"F{number}.pdf").write_bytes(pdf(str(number)))
    assert mounted.unmount("--now").returncode == 0
    wait_for(lambda: len(server.names()) == 30, "the courier to go on alone", 30)
    wait_for(lambda: not is_locked(mounted.state / "courier.lock"), "the courier to end when all is done", 30)


def test_unmount_gives_up_after_its_time(tmp_path: Path) -> None:
    with drive(tmp_path / "drive", f"http://127.0.0.1:{free_port()}/", "king", "secret") as mounted:
        (mounted.mountpoint / "F1.pdf").write_bytes(pdf())
        done = mounted.unmount("--timeout", "1")
        assert done.returncode == 1
        assert "--now" in done.stderr
        assert mounted.is_mounted()


def test_unmount_of_a_drive_in_use_says_so(mounted: Drive) -> None:
    with open(mounted.mountpoint / "INGIS-STATUS.txt") as file:
        refused(mounted.unmount(), "in gebruik")
        assert file.read()
    assert mounted.unmount().returncode == 0


def test_a_drive_in_the_foreground_ends_with_its_process(unmounted: Drive) -> None:
    options = ["--config", str(unmounted.config), "--server", unmounted.url, "--user", unmounted.user]
    options += ["--state", str(unmounted.state), "--foreground"]
    process = subprocess.Popen(
        [sys.executable, "-m", "ingisfs", "mount", str(unmounted.mountpoint), *options],
        env=unmounted.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "gekoppeld" in process.stdout.readline()
    (unmounted.mountpoint / "F1.pdf").write_bytes(pdf())
    process.terminate()
    assert process.wait(20) == 0
    process.stdout.close()
    assert not unmounted.is_mounted()


# ---- in a terminal -----------------------------------------------------------------------------------------------


def in_terminal(drive: Drive, *arguments: str, until: str, seconds: float = 20) -> str:
    """Run a command on a pseudo-terminal until it has shown `until` or ended; returns all that it showed."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "ingisfs", *arguments],
        env={**drive.environment, "TERM": "xterm-256color"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    shown = b""
    end = time.monotonic() + seconds
    try:
        while until.encode() not in shown:
            assert time.monotonic() < end, shown.decode(errors="replace")
            if select.select([master], [], [], 0.2)[0]:
                try:
                    shown += os.read(master, 65536)
                except OSError:  # the other end was closed
                    break
        return shown.decode(errors="replace")
    finally:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):
            while os.read(master, 65536):
                pass
        os.close(master)
        process.wait(20)


def test_status_watch_shows_a_live_table_in_a_terminal(mounted: Drive) -> None:
    (mounted.mountpoint / "F1.pdf").write_bytes(pdf())
    shown = in_terminal(mounted, "status", str(mounted.mountpoint), "--watch", until="bezorgd")
    assert "F1.pdf" in shown
    assert "Naam" in shown
    assert "Traceback" not in shown


def test_status_watch_prints_plain_lines_elsewhere(mounted: Drive) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "ingisfs", "status", str(mounted.mountpoint), "--watch"],
        env=mounted.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "Klaar voor gebruik" in process.stdout.readline()
    (mounted.mountpoint / "F1.pdf").write_bytes(pdf())
    lines = iter(process.stdout.readline, "")
    assert any("1 bezorgd" in line for line in lines)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert "Traceback" not in errors


def test_unmount_shows_its_progress_in_a_terminal(mounted: Drive, server: Server) -> None:
    server.stop()
    for number in range(3):
        (mounted.mountpoint / f"F{number}.pdf").write_bytes(pdf(str(number)))
    shown = in_terminal(mounted, "unmount", str(mounted.mountpoint), until="nog 3 te bezorgen")
    assert "0/3" in shown
    server.start()
    assert mounted.unmount().returncode == 0
    assert len(server.names()) == 3


def test_of_many_mounts_in_a_row_only_the_last_one_keeps_its_courier(mounted: Drive, server: Server) -> None:
    server.stop()
    (mounted.mountpoint / "F1.pdf").write_bytes(pdf())
    for _ in range(4):
        assert mounted.unmount("--now").returncode == 0
        assert mounted.mount().returncode == 0
    (drive_process,) = mounted.pids("drive")

    def only_its_own() -> bool:
        couriers = mounted.pids("courier")
        return len(couriers) == 1 and f"PPid:\t{drive_process}\n" in Path(f"/proc/{couriers[0]}/status").read_text()

    wait_for(only_its_own, "the older couriers to make way", 60)
    server.start()
    mounted.wait_delivered(["F1.pdf"])
    assert server.names() == ["F1.pdf"]
