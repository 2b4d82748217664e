"""What things may cost, counted and not timed: syncs of a close, and modules that a command imports."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from statistics import median

from scripts.benchmarks.filling import Filling
from tests.documents import pdf
from tests.mounts import Drive
from tests.servers import WsgiDavServer, wait_for
from tests.test_power import FLUSH, Call, calls, traced

SYNCS = {"fsync", "fdatasync", "sync_file_range", "msync", "syncfs"}

#: What `ingisfs status` has no use for, and takes long to import.
HEAVY = {
    "asyncio",
    "asyncssh",
    "cryptography",
    "email",
    "ftplib",
    "http",
    "httpx",
    "jeepney",
    "keyring",
    "mfusepy",
    "multiprocessing",
    "rich",
    "ssl",
    "starlette",
    "tomlkit",
}


def test_a_close_makes_one_sync_and_its_document_two_at_most(tmp_path: Path) -> None:
    """The other one says that it was released; in a run of prints, it rides on the next close's."""
    count = 5
    settings = {"settle": 3.0, "wal_bound": 64 * 2**20}
    mounted = Drive(tmp_path / "drive", WsgiDavServer(tmp_path / "server").url, settings=settings)
    try:
        assert mounted.mount().returncode == 0
        (mounted.mountpoint / "first.pdf").write_bytes(pdf(size=60_000))
        mounted.wait_states({"first.pdf": "settling"})
        log = mounted.state / "outbox" / "cache.db-wal"
        wait_for(lambda: log.stat().st_size == settings["wal_bound"], "the log to be laid out")  # with syncs of its own
        (pid,) = mounted.pids("drive")
        with traced(pid, tmp_path / "trace", f"read,writev,{','.join(SYNCS)}"):
            for number in range(count):
                (mounted.mountpoint / f"F{number}.pdf").write_bytes(pdf(size=60_000))
            wait_for(lambda: "writing" not in mounted.states().values(), "all to be released")
    finally:
        mounted.clean()
    seen = calls(tmp_path / "trace")
    inside = []  # syncs between each close and its answer
    for at, call in enumerate(seen):
        if (call.name, call.path) == ("read", "/dev/fuse") and call.result >= 16:
            _, operation, unique = struct.unpack_from("<IIQ", call.data)
            if operation == FLUSH:
                answers = (n for n in range(at, len(seen)) if answered(seen[n]) == unique)
                inside.append([each.name for each in seen[at : next(answers)] if each.name in SYNCS])
    assert len(inside) == count
    assert median(map(len, inside)) == 1, inside  # a late release may fall into one of them
    assert count <= sum(call.name in SYNCS for call in seen) <= 2 * count


def answered(call: Call) -> int:
    """Return the number of the request that this call answers, 0 if it answers none."""
    answers = (call.name, call.path) == ("writev", "/dev/fuse")
    return int(struct.unpack_from("<IiQ", call.data)[2]) if answers else 0


def test_status_imports_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    drive = Drive(tmp_path, "http://127.0.0.1:1/")
    with Filling(tmp_path, "waiting") as filling:
        filling.to(3)
    say = "print(*sys.modules, file=sys.stderr)"
    script = f"import sys\nfrom ingisfs.cli import main\ntry: main(sys.argv[1:])\nfinally: {say}"
    command = [sys.executable, "-c", script, "status", "--config", str(drive.config), "--state", str(drive.state)]
    done = subprocess.run(command, env=drive.environment, capture_output=True, text=True, timeout=60, check=False)
    assert "W000000.xml" in done.stdout
    imported = set(done.stderr.splitlines()[-1].split())
    assert "ingisfs.cli" in imported
    assert not imported & HEAVY
