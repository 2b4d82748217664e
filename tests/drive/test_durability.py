"""Rule 1: when a flush (or a close) has succeeded, bytes and record are on disk. Asked of strace, and of SIGKILL."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ingisfs.outbox.document import State
from ingisfs.outbox.outbox import Outbox
from tests.documents import pdf

PROLOGUE = """
import os, sys, time
from pathlib import Path
from ingisfs.drive import volume
from ingisfs.drive.space import SpoolDisk
from ingisfs.drive.volume import Volume
from ingisfs.outbox.outbox import Outbox
from tests.documents import pdf

folder = Path(sys.argv[1])
box = Outbox(folder, settle=0.0)
volume.RELEASE_DELAY = 60.0  # s; no transaction comes between
drive = Volume(box, spool=folder / "spool", disk=SpoolDisk(folder, 0))

def say(text):
    os.write(1, text.encode() + b"\\n")

def write(name, data):
    handle = drive.create(name)
    for start in range(0, len(data), 4096):
        drive.write(handle, start, data[start : start + 4096])
    return handle
"""

DATA = pdf(size=60_000)


def run(
    script: str, state: Path, crash_at: str = "", *, tracer: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*tracer, sys.executable, "-c", PROLOGUE + script, str(state)],
        env={"INGISFS_CRASH_AT": crash_at, "PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def documents(state: Path) -> dict[str, tuple[State, bytes]]:
    """What is on the drive after a restart: name → state and bytes."""
    outbox = Outbox(state)
    try:
        outbox.recover_drive()
        return {d.name: (d.state, outbox.payload(d.id)) for d in outbox.documents("listed = 1 ORDER BY number")}
    finally:
        outbox.shut()


def test_a_flush_returns_only_after_the_log_was_synced(tmp_path: Path) -> None:
    script = """
say("writing begins")
handle = write("F1.pdf", pdf(size=60_000))
say("flush begins")
drive.flush(handle)
say("flush ended")
drive.release(handle)
say("released")
os.kill(os.getpid(), 9)
"""
    trace = tmp_path / "trace"
    calls = "trace=fdatasync,fsync,pwrite64,write"
    done = run(script, tmp_path / "state", tracer=("strace", "-f", "-y", "-s", "20", "-e", calls, "-o", str(trace)))
    assert "released" in done.stdout, done.stderr
    lines = trace.read_text(errors="replace").splitlines()
    writing, begins, ended, released = (
        next(at for at, line in enumerate(lines) if f'"{marker}' in line)
        for marker in ("writing begins", "flush begins", "flush ended", "released")
    )
    assert not any("sync(" in line or "cache.db" in line for line in lines[writing:begins]), "a write waits for nothing"
    flush = lines[begins + 1 : ended]
    log_writes = [at for at, line in enumerate(flush) if re.search(r"pwrite64\(\d+<\S*/cache\.db-wal>", line)]
    syncs = [
        at for at, line in enumerate(flush) if re.search(r"(fdatasync|fsync)\(\d+<\S*/cache\.db-wal>\) += 0", line)
    ]
    assert log_writes, "the bytes go into the log"
    assert len(syncs) == 1, "one sync is enough, and more cost time"
    assert log_writes[-1] < syncs[0], "nothing is written after the sync"
    assert not any("sync(" in line for line in lines[ended + 1 : released]), "the release waits for nothing"


@pytest.mark.parametrize("close", [False, True])
def test_what_was_flushed_outlives_a_kill(tmp_path: Path, close: bool) -> None:
    script = f"""
handle = write("F1.pdf", pdf(size=60_000))
drive.flush(handle)
if {close}:
    drive.release(handle)
lost = write("F2.pdf", b"never flushed")
say("flushed")
os.kill(os.getpid(), 9)
"""
    done = run(script, tmp_path)
    assert (done.stdout, done.returncode) == ("flushed\n", -signal.SIGKILL)
    assert documents(tmp_path) == {"F1.pdf": (State.SETTLING, DATA)}


@pytest.mark.parametrize(
    ("crash_at", "kept"),
    [("keep.before", False), ("keep.inside", False), ("keep.after", True)],
)
def test_a_kill_inside_a_flush_keeps_all_or_nothing(tmp_path: Path, crash_at: str, kept: bool) -> None:
    script = """
handle = write("F1.pdf", pdf(size=60_000))
say("flush begins")
drive.flush(handle)
say("flush ended")
"""
    done = run(script, tmp_path, crash_at)
    assert (done.stdout, done.returncode) == ("flush begins\n", -signal.SIGKILL)
    assert documents(tmp_path) == ({"F1.pdf": (State.SETTLING, DATA)} if kept else {})


@pytest.mark.parametrize(("crash_at", "kept"), [("keep.inside:2", b"first"), ("keep.after:2", b"second")])
def test_a_kill_inside_a_second_flush_leaves_one_version_whole(tmp_path: Path, crash_at: str, kept: bytes) -> None:
    script = """
handle = write("F1.pdf", b"first")
drive.flush(handle)
drive.truncate(handle, 0)
drive.write(handle, 0, b"second")
drive.flush(handle)
"""
    assert run(script, tmp_path, crash_at).returncode == -signal.SIGKILL
    assert documents(tmp_path) == {"F1.pdf": (State.SETTLING, kept)}


@pytest.mark.parametrize("crash_at", ["rename.inside", "rename.after"])
def test_a_kill_inside_a_rename_over_a_document_leaves_the_old_or_the_new(tmp_path: Path, crash_at: str) -> None:
    script = """
for name, data in (("F1.pdf", b"old"), ("F1.tmp", b"new")):
    handle = write(name, data)
    drive.flush(handle)
    drive.release(handle)
drive.rename("F1.tmp", "F1.pdf")
"""
    assert run(script, tmp_path, crash_at).returncode == -signal.SIGKILL
    expected = (
        {"F1.pdf": (State.SETTLING, b"old"), "F1.tmp": (State.LOCAL, b"new")}
        if crash_at == "rename.inside"
        else {"F1.pdf": (State.SETTLING, b"new")}
    )
    assert documents(tmp_path) == expected


def test_a_kill_inside_a_delete_deletes_nothing(tmp_path: Path) -> None:
    script = """
handle = write("F1.pdf", pdf(size=60_000))
drive.flush(handle)
drive.release(handle)
drive.remove("F1.pdf")
"""
    assert run(script, tmp_path, "remove.inside").returncode == -signal.SIGKILL
    assert documents(tmp_path) == {"F1.pdf": (State.SETTLING, DATA)}


def test_a_delete_that_returned_outlives_a_kill(tmp_path: Path) -> None:
    script = """
handle = write("F1.pdf", pdf(size=60_000))
drive.flush(handle)
drive.release(handle)
drive.remove("F1.pdf")
os.kill(os.getpid(), 9)
"""
    assert run(script, tmp_path).returncode == -signal.SIGKILL
    assert documents(tmp_path) == {}
