"""A drive whose outbox lies on a small disk: full, over its quota, out of inodes, or suddenly read-only.

What was acknowledged arrives, each once; what cannot be kept is refused while it is written; and whoever mounts on such
a disk is told what to do.
"""

from __future__ import annotations

import errno
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ingisfs.outbox.locks import is_locked
from tests.documents import pdf
from tests.mounts import Drive
from tests.servers import Server, wait_for, wsgidav_server
from tests.small_disks import MIB, SmallDisk, btrfs_with_quota, ext4_disk, reason_why_not

PIECE = 4096  # bytes; what programs write at a time
SETTINGS = {"reserve": MIB, "wal_bound": MIB, "max_document": 2 * MIB}  # so the ballast has 5 MiB
PATIENCE = 60.0  # s


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with wsgidav_server(tmp_path / "server") as made:
        yield made


@pytest.fixture
def ext4(tmp_path: Path) -> Iterator[SmallDisk]:
    if reason := reason_why_not("ext4"):
        pytest.skip(reason)
    with ext4_disk(tmp_path) as disk:
        yield disk


@pytest.fixture
def quota(tmp_path: Path) -> Iterator[SmallDisk]:
    if reason := reason_why_not("btrfs"):
        pytest.skip(reason)
    with btrfs_with_quota(tmp_path) as disk:
        yield disk


@pytest.fixture
def on_disk(tmp_path: Path, server: Server) -> Iterator[Callable[[SmallDisk], Drive]]:
    """Make the drive whose outbox lies on a disk."""
    made: list[Drive] = []

    def make(disk: SmallDisk) -> Drive:
        drive = Drive(tmp_path / "drive", server.url, server.user, server.password, SETTINGS)
        drive.state = disk.place / "state"
        made.append(drive)
        return drive

    try:
        yield make
    finally:
        for drive in made:
            drive.clean()


def document(name: str, size: int = 60_000) -> bytes:
    return pdf(name, size=size)


def say_no(step: Callable[[], object]) -> int:
    """Do something that the drive may refuse; returns the error number, 0 if it did not."""
    try:
        step()
    except OSError as error:
        return error.errno or -1
    return 0


def print_out(drive: Drive, name: str, data: bytes, meanwhile: Callable[[], None] | None = None) -> tuple[str, int]:
    """Print as a program does that stops at the first error. Returns what failed ("" if nothing) and its number.

    `meanwhile` happens when a part of the document is written.
    """
    try:
        fd = os.open(drive.mountpoint / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except OSError as error:
        return "create", error.errno or -1
    failed = ("", 0)
    for at in range(0, len(data), PIECE):
        if meanwhile is not None and at == 5 * PIECE:
            meanwhile()
        if number := say_no(lambda at=at: os.write(fd, data[at : at + PIECE])):  # type: ignore[misc]
            failed = ("write", number)
            break
    number = say_no(lambda: os.close(fd))
    return failed if failed[0] else ("close", number) if number else failed


def print_all(drive: Drive, names: list[str]) -> list[str]:
    for name in names:
        assert print_out(drive, name, document(name)) == ("", 0), name
    return names


def kill(drive: Drive) -> None:
    """What a power cut does, without losing what was not synced."""
    drive.kill("drive")
    drive.kill("courier")
    wait_for(lambda: not drive.is_mounted(), "the mount to go", PATIENCE)


def leave(drive: Drive) -> None:
    """Unmount in good order, with documents that nobody could deliver; then the machine is switched off."""
    done = drive.unmount("--now")
    assert done.returncode == 0, done.stderr
    for pid in drive.pids("courier"):
        with suppress(ProcessLookupError):
            os.kill(pid, 15)
    wait_for(lambda: not is_locked(drive.state / "courier.lock"), "the courier to end", PATIENCE)


def arrived(server: Server, names: list[str], sizes: dict[str, int] | None = None) -> None:
    """Wait until these documents, whole, and no other are on the server."""
    wait_for(lambda: sorted(server.names()) == sorted(names), f"{names} to arrive, and nothing else", PATIENCE)
    for name in names:
        assert (server.root / name).read_bytes() == document(name, (sizes or {}).get(name, 60_000)), name


def told_plainly(done: subprocess.CompletedProcess[str], pattern: str) -> None:
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(pattern, done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


# ---- full --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [60_000, 1_800_000])
def test_a_disk_that_fills_up_during_a_document_refuses_writes_never_the_close_alone_and_delivers_what_it_took(
    ext4: SmallDisk, on_disk: Callable[[SmallDisk], Drive], server: Server, size: int
) -> None:
    drive = on_disk(ext4)
    assert drive.mount().returncode == 0
    wait_for((drive.state / "ballast").exists, "the ballast")
    server.stop()
    accepted = print_all(drive, ["F1.pdf", "F2.pdf", "F3.pdf"])
    outcomes = {}
    for name in ("F4.pdf", "F5.pdf", "F6.pdf"):
        outcomes[name] = print_out(drive, name, document(name, size), ext4.fill)
    assert set(outcomes.values()) <= {("", 0), ("create", errno.ENOSPC), ("write", errno.ENOSPC)}, outcomes
    assert outcomes["F6.pdf"][0], "something must be refused on a full disk"
    accepted += [name for name, (failed, _) in outcomes.items() if not failed]

    server.start()
    sizes = dict.fromkeys(outcomes, size)
    arrived(server, accepted, sizes)
    drive.wait_delivered(accepted)

    ext4.empty()
    wait_for(lambda: print_out(drive, "F7.pdf", document("F7.pdf"))[0] == "", "the drive to take documents", PATIENCE)
    arrived(server, [*accepted, "F7.pdf"], sizes)
    begun = [name for name, (failed, _) in outcomes.items() if failed == "write"]
    drive.wait_states(dict.fromkeys(begun, "held"), PATIENCE)
    assert {name: drive.reasons()[name] for name in begun} == dict.fromkeys(begun, "write-failed")


@pytest.mark.parametrize("end", [kill, leave])
def test_what_was_acknowledged_arrives_after_a_restart_on_the_full_disk(
    ext4: SmallDisk, on_disk: Callable[[SmallDisk], Drive], server: Server, end: Callable[[Drive], None]
) -> None:
    drive = on_disk(ext4)
    assert drive.mount().returncode == 0
    server.stop()
    accepted = print_all(drive, [f"F{number}.pdf" for number in range(30)])
    ext4.fill()
    end(drive)
    ext4.fill()
    server.start()
    done = drive.mount()
    assert done.returncode == 0, done.stderr
    arrived(server, accepted)
    drive.wait_delivered(accepted)
    ext4.empty()
    wait_for((drive.state / "ballast").exists, "the ballast to be made again", PATIENCE)
    wait_for(lambda: print_out(drive, "G1.pdf", document("G1.pdf"))[0] == "", "the drive to take documents", PATIENCE)
    arrived(server, [*accepted, "G1.pdf"])


def test_mounting_on_a_full_disk_without_ballast_says_so_and_loses_nothing(
    ext4: SmallDisk, on_disk: Callable[[SmallDisk], Drive], server: Server
) -> None:
    drive = on_disk(ext4)
    assert drive.mount().returncode == 0
    server.stop()
    accepted = print_all(drive, ["F1.pdf", "F2.pdf"])
    leave(drive)
    for part in drive.state.glob("ballast*"):
        part.unlink()
    ext4.fill()
    server.start()
    told_plainly(drive.mount(), "is vol")
    told_plainly(drive.mount(INGISFS_LANGUAGE="en"), "is vol")  # the drive's own language
    assert {name: state for name, state in drive.states().items() if state == "delivered"} == {}
    ext4.empty()
    done = drive.mount()
    assert done.returncode == 0, done.stderr
    arrived(server, accepted)


def test_a_new_drive_on_a_full_disk_is_refused_plainly(ext4: SmallDisk, on_disk: Callable[[SmallDisk], Drive]) -> None:
    drive = on_disk(ext4)
    ext4.fill()
    told_plainly(drive.mount(), "is vol")
    assert not drive.is_mounted()
    ext4.empty()
    assert drive.mount().returncode == 0


def test_a_disk_without_inodes_keeps_what_was_acknowledged(
    ext4: SmallDisk, on_disk: Callable[[SmallDisk], Drive], server: Server
) -> None:
    drive = on_disk(ext4)
    assert drive.mount().returncode == 0
    server.stop()
    accepted = print_all(drive, ["F1.pdf", "F2.pdf"])
    ext4.fill_inodes()
    accepted += print_all(drive, ["F3.pdf"])  # no document is a file of its own
    leave(drive)
    ext4.fill_inodes()
    server.start()
    if (done := drive.mount()).returncode != 0:
        told_plainly(done, "is vol")
        ext4.empty()
        done = drive.mount()
    assert done.returncode == 0, done.stderr
    arrived(server, accepted)


def test_a_quota_that_no_number_of_the_disk_tells_loses_nothing_and_sends_nothing_that_was_refused(
    quota: SmallDisk, on_disk: Callable[[SmallDisk], Drive], server: Server
) -> None:
    # On a copy-on-write file system a write into the map of SQLite's index needs room too, and where a quota refuses
    # that, the kernel ends the process (docs/guarantees.md): the drive may be gone for a while, no more.
    drive = on_disk(quota)
    assert drive.mount().returncode == 0
    server.stop()
    accepted = print_all(drive, [f"F{number}.pdf" for number in range(20)])
    outcomes = {}
    for name in ("G1.pdf", "G2.pdf", "G3.pdf"):
        outcomes[name] = print_out(drive, name, document(name), quota.fill)
    gone = {errno.ECONNABORTED, errno.ENOTCONN}
    assert {number for _, number in outcomes.values()} <= {0, errno.ENOSPC, *gone}, outcomes
    accepted += [name for name, (failed, _) in outcomes.items() if not failed]
    kill(drive)
    quota.empty()
    server.start()
    done = drive.mount()
    assert done.returncode == 0, done.stderr
    drive.wait_delivered(accepted)
    assert print_out(drive, "H1.pdf", document("H1.pdf")) == ("", 0)
    drive.wait_delivered(["H1.pdf"])
    doubtful = [name for name, (_, number) in outcomes.items() if number in gone and name in server.names()]
    arrived(server, [*accepted, "H1.pdf", *doubtful])  # what died between its commit and the answer may arrive


# ---- read-only ---------------------------------------------------------------------------------------------------


def test_a_disk_that_turns_read_only_refuses_what_it_cannot_keep_and_what_was_acknowledged_arrives_after_its_repair(
    ext4: SmallDisk, on_disk: Callable[[SmallDisk], Drive], server: Server
) -> None:
    drive = on_disk(ext4)
    assert drive.mount().returncode == 0
    server.stop()
    accepted = print_all(drive, [f"F{number}.pdf" for number in range(5)])
    ext4.fail()
    outcomes = [print_out(drive, f"G{number}.pdf", document(f"G{number}.pdf")) for number in range(3)]
    assert {number for _, number in outcomes} <= {errno.EIO, errno.EROFS}, outcomes
    assert {failed for failed, _ in outcomes[1:]} <= {"create", "write"}, outcomes
    listed = drive.run("status", "--config", str(drive.config), "--state", str(drive.state))
    assert listed.returncode in {0, 3}, listed.stderr
    assert "F0.pdf" in drive.run("queue", "list", "--state", str(drive.state)).stdout

    kill(drive)
    told_plainly(drive.mount(), "kan niet worden geschreven")
    drive.configure(language="en")
    told_plainly(drive.mount(), "cannot be written")
    assert set(drive.states()) >= set(accepted)

    ext4.repair()
    server.start()
    done = drive.mount()
    assert done.returncode == 0, done.stderr
    arrived(server, accepted)
    assert print_out(drive, "H1.pdf", document("H1.pdf")) == ("", 0)
    arrived(server, [*accepted, "H1.pdf"])


def test_status_is_told_from_a_read_only_disk_also_after_an_unmount_in_good_order(
    ext4: SmallDisk, on_disk: Callable[[SmallDisk], Drive], server: Server
) -> None:
    drive = on_disk(ext4)
    assert drive.mount().returncode == 0
    accepted = print_all(drive, ["F1.pdf"])
    arrived(server, accepted)
    assert drive.unmount().returncode == 0
    wait_for(lambda: not is_locked(drive.state / "courier.lock"), "the courier to end", PATIENCE)
    ext4.fail()
    assert drive.status()["counts"]["delivered"] == 1
    told_plainly(drive.mount(), "kan niet worden geschreven")
    ext4.repair()
    assert drive.mount().returncode == 0
