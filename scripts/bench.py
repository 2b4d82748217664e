#!/usr/bin/env python3
"""Measure the drive beside its peers, in one run on one machine: ratios count, single times do not.

    python3 scripts/bench.py [--pairs 1000] [--rounds 3] [--rtt 0,50] [--workers 4]

Print: one 60 KB PDF in 4 KiB writes, what the printing program waits for. Beside it the same file written to the local
disk with fsync of file and folder, and to an rclone mount (which does not fsync), if rclone is installed.
Drain: pairs of a PDF and a 6 KB XML printed while the server is away, from its return until the last document is there
under its final name; beside a bare httpx client that only PUTs, with as many connections.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.environment import enter, require_fuse

PIECE = 4096  # bytes of one write
PRINTS = 300  # documents in one round of printing


def pdf(rnd: random.Random, size: int = 60_000) -> bytes:
    """Return a whole PDF of about `size` bytes that does not compress."""
    body = b"%%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\n2 0 obj\n<</Length %d>>\nstream\n" % size
    body += rnd.randbytes(size) + b"\nendstream\nendobj\n"
    tail = b"xref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 3/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(body)
    return body + tail


def xml(rnd: random.Random, size: int = 6_000) -> bytes:
    """Return a well-formed XML of about `size` bytes."""
    return (
        b"<?xml version='1.0' encoding='UTF-8'?>\n<FACTUUR><DATA>"
        + rnd.randbytes(size // 2).hex().encode()
        + b"</DATA></FACTUUR>\n"
    )


def print_to(folder: Path, name: str, data: bytes, *, sync: bool = False) -> float:
    """Write as King does; returns the seconds that its program waited."""
    begun = time.perf_counter()
    fd = os.open(folder / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    for at in range(0, len(data), PIECE):
        os.write(fd, data[at : at + PIECE])
    if sync:
        os.fsync(fd)
    os.close(fd)
    if sync:
        folder_fd = os.open(folder, os.O_RDONLY)
        os.fsync(folder_fd)
        os.close(folder_fd)
    return time.perf_counter() - begun


def summary(seconds: list[float]) -> tuple[float, float]:
    """Return median and 99th percentile in ms."""
    ordered = sorted(seconds)
    return 1000 * statistics.median(ordered), 1000 * ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]


def row(name: str, *columns: object) -> None:
    """Print one line of a table."""
    print(f"  {name:<34}" + "".join(f"{column:>16}" for column in columns), flush=True)


# ---- a line of some length ---------------------------------------------------------------------------------------


class Line:
    """A TCP proxy that adds half of the round-trip time each way; no loss, no limit of bandwidth."""

    def __init__(self, back: int, rtt: float) -> None:
        """Forward to port `back` on loopback with `rtt` seconds for a round trip."""
        self._back, self._half = back, rtt / 2
        self.port = 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._run, daemon=True).start()
        self._ready.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * self._half)  # the handshake
        try:
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._back)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._pump(reader, back_writer), self._pump(back_reader, writer), return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def send() -> None:
            while True:
                due, data = await queue.get()
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                if not data:
                    writer.close()
                    return
                writer.write(data)

        sender = asyncio.ensure_future(send())
        data = b"-"
        while data:
            try:
                data = await reader.read(2**16)
            except OSError:
                data = b""
            queue.put_nowait((self._loop.time() + self._half, data))
        await sender


# ---- drives ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def ingisfs(base: Path, url: str, user: str, password: str, workers: int) -> Iterator[Path]:
    """Mount our drive for the block."""
    from tests.mounts import drive

    settings = {"settle": 0.0, "workers": workers, "wal_bound": 64 * 2**20, "max_document": 64 * 2**20}
    with drive(base, url, user, password, **settings) as mounted:
        yield mounted.mountpoint


@contextlib.contextmanager
def rclone(base: Path, url: str, user: str, password: str) -> Iterator[Path]:
    """Mount rclone's drive for the block, as eager as it can be."""
    mountpoint = base / "rclone"
    mountpoint.mkdir(parents=True)
    obscured = subprocess.run(
        ["rclone", "obscure", password], capture_output=True, text=True, check=True
    ).stdout.strip()
    command = ["rclone", "mount", ":webdav:", str(mountpoint), "--config", "/dev/null", "--vfs-cache-mode", "writes"]
    command += ["--cache-dir", str(base / "cache"), "--vfs-write-back", "0s", "--webdav-url", url]
    command += ["--webdav-user", user, "--webdav-pass", obscured]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 20
        while not os.path.ismount(mountpoint) and time.monotonic() < end:
            time.sleep(0.05)
        yield mountpoint
    finally:
        subprocess.run(["fusermount3", "-uz", str(mountpoint)], check=False)
        process.wait(20)


# ---- measurements ------------------------------------------------------------------------------------------------


def bench_print(base: Path, rounds: int, workers: int) -> None:
    """Print time per document, all drives in turn."""
    from tests.servers import wsgidav_server

    times: dict[str, list[float]] = {}
    rnd = random.Random(1)
    documents = [pdf(rnd) for _ in range(PRINTS)]
    names = ["local disk, fsync", "ingisfs, at rest", "ingisfs, while draining"]
    names += ["rclone mount, no fsync"] if shutil.which("rclone") else []
    for turn in range(rounds):
        for name in names:
            folder = base / f"print-{turn}-{names.index(name)}"
            with contextlib.ExitStack() as stack:
                if name.startswith("local"):
                    folder.mkdir(parents=True)
                    target, sync = folder, True
                else:
                    server = stack.enter_context(wsgidav_server(folder / "server"))
                    if name == "ingisfs, at rest":
                        server.stop()
                    make = rclone if name.startswith("rclone") else ingisfs
                    arguments = (folder / "drive", server.url, server.user, server.password)
                    extra = () if make is rclone else (workers,)
                    target, sync = stack.enter_context(make(*arguments, *extra)), False
                times.setdefault(name, []).extend(
                    print_to(target, f"F{number}.pdf", data, sync=sync) for number, data in enumerate(documents)
                )
    row(f"print, ms a document (n={rounds * PRINTS})", "median", "p99", "÷ local", "÷ rclone")
    local = summary(times[names[0]])[0]
    peer = summary(times[names[-1]])[0] if len(names) > 3 else None
    for name in names:
        median, p99 = summary(times[name])
        row(name, f"{median:.2f}", f"{p99:.2f}", f"{median / local:.2f}", f"{median / peer:.2f}" if peer else "-")


def bench_drain(base: Path, pairs: int, rtt: float, workers: int) -> tuple[float, float]:
    """Return documents a second: ours from print to final name, and a bare client that only PUTs."""
    from tests.servers import wsgidav_server

    rnd = random.Random(2)
    documents = [(f"F{n}.{kind}", make(rnd)) for n in range(pairs) for kind, make in (("pdf", pdf), ("xml", xml))]
    wanted = {name for name, _ in documents}
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(wsgidav_server(base / "server"))
        port = Line(server.port, rtt).port if rtt else server.port
        url = server.url.replace(f":{server.port}/", f":{port}/")
        server.stop()
        mountpoint = stack.enter_context(ingisfs(base / "drive", url, server.user, server.password, workers))
        for name, data in documents:
            print_to(mountpoint, name, data)
        server.start()
        first = _wait(lambda: any(name in wanted for name in server.names()), 120)
        last = _wait(lambda: wanted.issubset(server.names()), 600)
        ours = len(documents) / (last - first)
    with wsgidav_server(base / "bare") as server:
        port = Line(server.port, rtt).port if rtt else server.port
        bare = _bare(server.url.replace(f":{server.port}/", f":{port}/"), server.auth, documents, workers)
    return ours, bare


def _wait(condition: Callable[[], bool], seconds: float) -> float:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("not all documents arrived")
        time.sleep(0.02)
    return time.monotonic()


def _bare(url: str, auth: tuple[str, str], documents: list[tuple[str, bytes]], workers: int) -> float:
    import httpx

    todo = iter(documents)
    lock = threading.Lock()

    def work() -> None:
        with httpx.Client(auth=auth, timeout=60) as client:
            while True:
                with lock:
                    item = next(todo, None)
                if item is None:
                    return
                client.put(url + item[0], content=item[1]).raise_for_status()

    threads = [threading.Thread(target=work) for _ in range(workers)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(documents) / (time.monotonic() - begun)


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rtt", default="0,50", help="round-trip times in ms, with commas")
    parser.add_argument("--workers", type=int, default=4)
    options = parser.parse_args()
    require_fuse()
    enter(["dev", "stage", "king"], ["fuse3"])
    with tempfile.TemporaryDirectory(prefix="ingisfs-bench-", dir="/var/tmp") as folder:
        base = Path(folder)
        bench_print(base, options.rounds, options.workers)
        print()
        row(f"drain of {options.pairs} pairs, documents a second", "ours", "bare PUT", "ratio")
        for rtt in (float(part) for part in options.rtt.split(",")):
            ours, bare = bench_drain(base / f"drain-{rtt:g}", options.pairs, rtt / 1000, options.workers)
            row(f"round trip {rtt:g} ms", f"{ours:.0f}", f"{bare:.0f}", f"{ours / bare:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
