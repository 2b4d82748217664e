"""The measurements. Each gives plain data, as JSON has it: times in ms, rates in documents a second, memory in MB."""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.benchmarks import bare, drives, processes
from scripts.benchmarks.drives import PEERS, Place
from scripts.benchmarks.figures import rate, summary
from scripts.benchmarks.filling import Filling
from scripts.benchmarks.sites import KINDS, Site, site
from scripts.benchmarks.work import (
    PIECE,
    WHOLE,
    Document,
    arrivals,
    pairs,
    pdfs,
    print_all,
    print_at_once,
    print_document,
    small,
    wait,
    wait_arrivals,
)
from tests.mounts import Drive

OURS, DRAINING, DISK = "ingisfs", "ingisfs, while draining", "local disk, fsync"
RCLONE = "rclone mount, WebDAV"
NOTHING = "a FUSE drive in Python that keeps nothing"
CLOSE = "the close alone"  # of a file that was written in pieces of 4 KiB; on the local disk, its syncs
PIECES = {"4 KiB": PIECE, "64 KiB": 2**16, "whole file": WHOLE}
FRESH = 0.3  # s after which a status file is made anew

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    rounds: int = 5  # of printing, all drives in turn
    prints: int = 100  # documents of a round, for each size of writes
    far_prints: int = 40  # documents over a line
    closes: int = 15  # pairs, one after the other
    peer_closes: int = 10
    late_closes: int = 1  # of peers as they come, which wait before they send
    kinds: Sequence[str] = tuple(KINDS)
    trips: Sequence[int] = (0, 20, 50)  # ms
    pairs: int = 1000
    small: int = 10_000
    small_far: int = 3_000  # over a line
    seconds: float = 30.0  # of one drain of ours; what is not there then is not waited for
    far_seconds: float = 12.0  # of one of small documents over a line
    peer_seconds: float = 4.0
    programs: int = 8
    prints_each: int = 50
    big: int = 60 * 2**20  # bytes
    worked: int = 500  # pairs
    idle: float = 10.0  # s
    levels: Sequence[int] = (1_000, 10_000, 100_000)  # documents
    repeats: int = 5
    kill_minutes: float = 1.5


SIZES = {
    "full": Size(),
    "quick": Size(
        rounds=2,
        prints=30,
        far_prints=5,
        closes=4,
        peer_closes=2,
        late_closes=1,
        kinds=("wsgidav", "openssh", "stage"),
        trips=(0, 50),
        pairs=60,
        small=300,
        small_far=100,
        seconds=5.0,
        far_seconds=3.0,
        peer_seconds=2.0,
        prints_each=10,
        worked=100,
        idle=3.0,
        levels=(100, 1_000, 10_000),
        repeats=2,
        kill_minutes=0.3,
    ),
    "smallest": Size(
        rounds=1,
        prints=3,
        far_prints=2,
        closes=1,
        peer_closes=1,
        late_closes=0,
        kinds=("wsgidav",),
        trips=(0,),
        pairs=5,
        small=5,
        small_far=5,
        seconds=5.0,
        peer_seconds=2.0,
        programs=2,
        prints_each=2,
        big=2**20,
        worked=5,
        idle=0.2,
        levels=(5, 20),
        repeats=1,
        kill_minutes=0.05,
    ),
}


@dataclass(slots=True)
class Run:
    """One run of this program."""

    base: Path  # a folder on the disk that is measured
    size: Size
    workers: int  # connections, of ours and of its peers
    peers: bool = True
    failed: list[str] = field(default_factory=list)  # what could not be measured, and why
    _folders: int = 0

    def folder(self) -> Path:
        """Return a new folder."""
        self._folders += 1
        made = self.base / str(self._folders)
        made.mkdir()
        return made

    def has(self, peer: str) -> bool:
        """Tell whether to measure a peer."""
        return self.peers and drives.is_here(PEERS[peer][0])

    def attempt(self, what: str, do: Callable[[], Any]) -> Any:
        """Measure something that is not ours; if it cannot be, note why, and return None."""
        self.say(what)
        try:
            return do()
        except Exception as error:
            self.failed.append(f"{what}: {type(error).__name__}: {' '.join(str(error).split())[:300]}")
            self.say(f"not measured: {self.failed[-1]}")
            return None

    def say(self, what: str) -> None:
        """Tell what is being done."""
        print(f"    {time.strftime('%H:%M:%S')} {what}", flush=True)


# ---- printing ------------------------------------------------------------------------------------------------------


def printing(run: Run) -> Data:
    """What the printing program waits for, for each size of writes: ours, its peers and the disk in turn."""
    size = run.size
    times: dict[str, dict[str, list[float]]] = {}
    unfinished: list[bool] = []
    makers: dict[str, Callable[[], Any]] = {
        DISK: lambda: _print_once(run, drives.local, "wsgidav"),
        NOTHING: lambda: _print_once(run, drives.nothing, "wsgidav"),
        OURS: lambda: _print_once(run, drives.ingisfs, "wsgidav", away=True),
        DRAINING: lambda: _print_draining(run, unfinished),
    }
    for peer in filter(run.has, PEERS):
        _, kind, make = PEERS[peer]
        makers[peer] = lambda make=make, kind=kind: _print_once(run, make, kind)  # type: ignore[misc]
    for turn in range(size.rounds):
        for name, once in makers.items():
            found = run.attempt(f"print, round {turn + 1}: {name}", once)
            for piece, seconds in (found or {}).items():
                times.setdefault(name, {}).setdefault(piece, []).extend(seconds)
    near = {name: {piece: summary(seconds) for piece, seconds in of.items()} for name, of in times.items()}
    return {"near": near, "far": _print_far(run), "draining": all(unfinished)}


def _print_once(run: Run, make: Callable[..., Any], kind: str, *, away: bool = False) -> dict[str, list[float]]:
    with site(kind, run.folder()) as place, make(run.folder(), place) as mounted:
        if away:
            place.server.stop()
        _settle_in(mounted)
        return _print_pieces(mounted, run.size.prints)


def _settle_in(mounted: Place) -> None:
    """Wait until a drive of ours has laid out its database's log, as it has long before a person prints."""
    if mounted.ours is not None:
        log, settings = mounted.ours.state / "outbox" / "cache.db-wal", mounted.ours.settings
        with suppress(TimeoutError):  # on a disk without plenty of room it does not
            wait(lambda: log.stat().st_size >= settings["wal_bound"], "the log", 10.0, every=0.05)


def _print_draining(run: Run, unfinished: list[bool]) -> dict[str, list[float]]:
    """While the courier works at full speed on what was printed before."""
    backlog = pdfs(5 * len(PIECES) * run.size.prints, "B")
    with site("wsgidav", run.folder()) as place, _ours(run, place) as mounted:
        _pause(mounted)
        _settle_in(mounted)
        print_all(mounted.folder, backlog)
        _resume(mounted)
        wait_arrivals(place.root, backlog, 60, enough=min(10, len(backlog)))
        found = _print_pieces(mounted, run.size.prints)
        unfinished.append(len(arrivals(place.root, {d.name: len(d.data) for d in backlog})) < len(backlog))
        return found


def _print_pieces(mounted: Place, count: int) -> dict[str, list[float]]:
    print_all(mounted.folder, pdfs(5, "warm"), sync=mounted.sync)
    found = {
        name: print_all(mounted.folder, pdfs(count, f"P{piece}-"), piece=piece, sync=mounted.sync)
        for name, piece in PIECES.items()
    }
    found[CLOSE] = print_all(mounted.folder, pdfs(count, "PC-"), sync=mounted.sync, only_close=True)
    return found


def _print_far(run: Run) -> Data:
    """The same over a line, in 4 KiB writes."""
    found: Data = {}
    trip = max(run.size.trips)
    names = [OURS, *filter(run.has, PEERS)]

    def once(kind: str, make: Callable[..., Any]) -> Data:
        with site(kind, run.folder(), trip / 1000) as place, make(run.folder(), place) as mounted:
            return summary(print_all(mounted.folder, pdfs(run.size.far_prints)))

    for name in names:
        kind, make = ("wsgidav", drives.ingisfs) if name == OURS else PEERS[name][1:]
        data = run.attempt(f"print at {trip} ms: {name}", lambda kind=kind, make=make: once(kind, make))  # type: ignore[misc]
        if data is not None:
            found[name] = data
    return {"trip": trip, "drives": found}


@contextmanager
def _ours(run: Run, place: Site, **settings: Any) -> Iterator[Place]:
    with drives.ingisfs(run.folder(), place, workers=run.workers, **settings) as mounted:
        yield mounted


def _command(mounted: Place, *arguments: str) -> None:
    assert mounted.ours is not None
    done = mounted.ours.run(*arguments, "--config", str(mounted.ours.config), "--state", str(mounted.ours.state))
    if done.returncode:
        raise RuntimeError(f"ingisfs {' '.join(arguments)}: {done.stdout}{done.stderr}")


def _pause(mounted: Place) -> None:
    _command(mounted, "queue", "pause")


def _resume(mounted: Place) -> None:
    _command(mounted, "queue", "resume")


# ---- from close to complete ----------------------------------------------------------------------------------------


def completing(run: Run) -> Data:
    """From the last close of a pair until both are whole at the server under their names."""
    found: list[Data] = []
    size = run.size

    def measure(name: str, kind: str, trip: int, count: int, make: Callable[..., Any]) -> None:
        def once() -> Data:
            with site(kind, run.folder(), trip / 1000) as place, make(run.folder(), place) as mounted:
                return _complete(mounted, place, count)

        data = run.attempt(f"close to complete at {trip} ms: {name}, {KINDS[kind].title}", once)
        if data is not None:
            found.append({"drive": name, "kind": kind, "trip": trip, **data})

    def ours(base: Path, place: Site) -> Any:
        return drives.ingisfs(base, place, workers=run.workers)

    for trip in size.trips:
        for kind in size.kinds:
            measure(OURS, kind, trip, size.closes, ours)
        for peer, make in ((RCLONE, drives.rclone), ("davfs2", drives.davfs2)):
            if run.has(peer):
                measure(peer, "wsgidav", trip, size.peer_closes, make)
    if size.late_closes and run.has(RCLONE):
        late = drives.RCLONE_DEFAULT
        how = f"{RCLONE}, as it comes (waits {late} s)"
        measure(how, "wsgidav", 0, size.late_closes, lambda base, place: drives.rclone(base, place, late))
    if size.late_closes and run.has("davfs2"):
        late = drives.DAVFS2_DEFAULT
        how = f"davfs2, as it comes (waits {late} s)"
        measure(how, "wsgidav", 0, size.late_closes, lambda base, place: drives.davfs2(base, place, late))
    return {"rows": found}


def _complete(mounted: Place, place: Site, count: int) -> Data:
    seconds = []
    for number in range(count + 1):
        pair = pairs(1, f"C{number}-", seed=number)
        sizes = {document.name: len(document.data) for document in pair}
        print_all(mounted.folder, pair, sync=mounted.sync)
        closed = time.time()
        wait(lambda sizes=sizes: len(arrivals(place.root, sizes)) == 2, "a pair to arrive", 60.0)  # type: ignore[misc]
        if number:  # the first one logs in
            seconds.append(max(arrivals(place.root, sizes)) - closed)
        time.sleep(0.15)
    return summary(seconds)


# ---- draining ------------------------------------------------------------------------------------------------------


def draining(run: Run) -> Data:
    """How fast what was printed goes in: ours, from pause to final names; a bare client that only PUTs; rclone."""
    found = []
    size = run.size
    printed = pairs(size.pairs, "D")
    near, far = small(size.small, "D"), small(size.small_far, "D")
    for trip in size.trips:
        for kind in size.kinds:
            for work, documents in (("pairs", printed), ("small", far if trip else near)):
                seconds = size.far_seconds if trip and work == "small" else size.seconds
                row: Data = {"kind": kind, "trip": trip, "work": work, "of": len(documents)}
                where = f"at {trip} ms, {len(documents)} documents: {KINDS[kind].title}"
                mine = run.attempt(
                    f"drain {where}",
                    lambda kind=kind, trip=trip, documents=documents, seconds=seconds: _drain(  # type: ignore[misc]
                        run, kind, trip / 1000, documents, seconds
                    ),
                )
                if mine is None:
                    continue
                found.append(row := row | mine)
                peers = {"bare": _drain_bare, "rclone": _drain_rclone}
                if KINDS[kind].family == "portal" or not run.has(RCLONE):
                    del peers["rclone"]
                for peer, drain in peers.items():
                    row[peer] = run.attempt(
                        f"drain {where}, {peer}",
                        lambda drain=drain, kind=kind, trip=trip, documents=documents: drain(  # type: ignore[misc]
                            run, kind, trip / 1000, documents
                        ),
                    )
    limits = {name: getattr(size, name) for name in ("seconds", "far_seconds", "peer_seconds")}
    return {"rows": found, "workers": run.workers, **limits}


def _drain(run: Run, kind: str, trip: float, documents: Sequence[Document], seconds: float) -> Data:
    with site(kind, run.folder(), trip) as place, _ours(run, place) as mounted:
        warm = pdfs(2 * run.workers, "warm")
        print_all(mounted.folder, warm)
        wait_arrivals(place.root, warm, 60)  # logged in, as the bare client is
        _pause(mounted)
        printed = print_all(mounted.folder, documents)
        before = {what: processes.cpu(pids) for what, pids in mounted.processes.items()}
        _resume(mounted)
        begun = time.time()
        print_all(mounted.folder, pdfs(1, "go"))  # wakes the courier, which looks once a second by itself
        moments = wait_arrivals(place.root, documents, seconds)
        used = {what: processes.cpu(pids) - before[what] for what, pids in mounted.processes.items()}
        curve = [round(sorted(moments)[at] - begun, 3) for at in range(0, len(moments), max(1, len(moments) // 50))]
        return {
            "ours": rate(begun, moments),
            "arrived": len(moments),
            "printed": statistics.median(printed) * 1000,
            "courier_cpu": 1000 * used["courier"] / max(1, len(moments)),  # s for 1,000
            "curve": curve,
        }


def _drain_bare(run: Run, kind: str, trip: float, documents: Sequence[Document]) -> float:
    with site(kind, run.folder(), trip) as place:
        return bare.send_all(place, documents, run.workers, run.size.peer_seconds)


def _drain_rclone(run: Run, kind: str, trip: float, documents: Sequence[Document]) -> float:
    """Into its drive; it begins to send with the first close."""
    seconds = run.size.peer_seconds
    with site(kind, run.folder(), trip) as place, drives.rclone(run.folder(), place, 0, run.workers) as mounted:
        begun = time.time()
        end = time.monotonic() + seconds / 2
        printed = []
        for document in documents:
            if time.monotonic() > end:
                break
            print_document(mounted.folder, document)
            printed.append(document)
        return rate(begun, wait_arrivals(place.root, printed, seconds))


# ---- many programs, large documents, what it costs -----------------------------------------------------------------


def at_once(run: Run) -> Data:
    """Several programs print at the same time."""
    makers: dict[str, Any] = {DISK: drives.local, OURS: drives.ingisfs, DRAINING: drives.ingisfs}
    if run.has(RCLONE):
        makers[RCLONE] = drives.rclone
    found: Data = {}

    def once(name: str) -> Data:
        with site("wsgidav", run.folder()) as place, makers[name](run.folder(), place) as mounted:
            if name == OURS:
                place.server.stop()
            times, seconds = print_at_once(mounted.folder, run.size.programs, run.size.prints_each, sync=mounted.sync)
            return {**summary(times), "rate": len(times) / seconds}

    for name in makers:
        data = run.attempt(f"{run.size.programs} programs at once: {name}", lambda name=name: once(name))  # type: ignore[misc]
        if data is not None:
            found[name] = data
    return {"programs": run.size.programs, "each": run.size.prints_each, "drives": found}


def costs(run: Run) -> Data:
    """Processor time and memory of each process, at work, at rest, and with one large document."""
    makers: dict[str, Any] = {OURS: lambda base, place: drives.ingisfs(base, place, workers=run.workers)}
    if run.has(RCLONE):
        makers[RCLONE] = lambda base, place: drives.rclone(base, place, 0, run.workers)
    found: Data = {}
    for name, make in makers.items():
        data = run.attempt(f"processor and memory: {name}", lambda make=make: _cost(run, make))  # type: ignore[misc]
        if data is not None:
            found[name] = data

    def on_disk() -> float:
        with site("wsgidav", run.folder()) as place, drives.local(run.folder(), place) as mounted:
            (big,) = pdfs(1, "big", run.size.big)
            return print_document(mounted.folder, big, sync=True)

    disk = run.attempt("a large document: local disk", on_disk)
    return {"drives": found, "big": run.size.big, "big_on_disk": disk, "documents": 2 * run.size.worked}


def _cost(run: Run, make: Callable[..., Any]) -> Data:
    work, larger = pairs(run.size.worked, "W"), pdfs(20, "L", 990_000)
    (big,) = pdfs(1, "big", run.size.big)
    with site("wsgidav", run.folder()) as place, make(run.folder(), place) as mounted:
        data: dict[str, Data] = {what: {} for what in mounted.processes}

        def note(key: str, value: Callable[[list[int]], float]) -> None:
            for what, pids in mounted.processes.items():
                data[what][key] = value(pids)

        note("memory_at_first", processes.memory)
        before = {what: processes.cpu(pids) for what, pids in mounted.processes.items()}
        print_all(mounted.folder, work)
        wait_arrivals(place.root, work, 120)
        time.sleep(0.5)  # what is noted after the last arrival
        for what, pids in mounted.processes.items():
            data[what]["cpu"] = (processes.cpu(pids) - before[what]) * 1000 / len(work)
        print_all(mounted.folder, larger)
        wait_arrivals(place.root, larger, 60)
        note("memory", processes.memory)
        time.sleep(min(3.0, run.size.idle))
        begun = time.monotonic()
        rested = {what: processes.cpu_exactly(pids) for what, pids in mounted.processes.items()}
        time.sleep(run.size.idle)
        for what, pids in mounted.processes.items():
            data[what]["idle"] = 100 * (processes.cpu_exactly(pids) - rested[what]) / (time.monotonic() - begun)  # %
        took = print_document(mounted.folder, big)
        closed = time.time()
        there = max(wait_arrivals(place.root, [big], 120)) - closed
        note("memory_big", processes.memory)
        return {"processes": data, "big": took, "big_there": there}


# ---- as it grows ---------------------------------------------------------------------------------------------------


def growth(run: Run) -> Data:
    """The same with more and more documents that wait, and with more and more that were delivered."""
    rows = []
    for state in ("waiting", "delivered"):
        with Filling(run.folder(), state) as filling:
            for level in run.size.levels:
                what = f"growth: {level} documents, {state}"
                data = run.attempt(what, lambda filling=filling, level=level: _grown(run, filling, level))  # type: ignore[misc]
                if data is not None:
                    rows.append({"state": state, "documents": level, **data})
    return {"rows": rows}


def _grown(run: Run, filling: Filling, level: int) -> Data:
    filling.to(level)
    repeats = run.size.repeats
    count = run.size.prints
    with ExitStack() as stack:
        place = stack.enter_context(site("wsgidav", run.folder()))
        place.server.stop()
        settings = {"settle": 0.0, "pair_wait": 0.0, "workers": run.workers, "alarms": False, "wal_bound": 64 * 2**20}
        drive = Drive(filling.base, place.url, place.server.user, place.server.password, settings)
        stack.callback(drive.clean)
        mounts = []
        for turn in range(repeats):
            begun = time.perf_counter()
            done = drive.mount()
            mounts.append(time.perf_counter() - begun)
            if done.returncode:
                raise RuntimeError(done.stderr)
            if turn < repeats - 1:
                drive.unmount("--now")
        mounted = drives.of_ours(drive)
        unlisted = processes.memory(mounted.processes["drive"])
        names = os.listdir(mounted.folder)
        lists = [_timed(lambda: os.listdir(mounted.folder)) for _ in range(repeats)]
        files = {}
        for kind in ("txt", "json", "html"):
            path = mounted.folder / f"INGIS-STATUS.{kind}"
            times = []
            for _ in range(repeats):
                time.sleep(FRESH)
                times.append(_timed(path.read_bytes))
            files[kind] = {"ms": 1000 * statistics.median(times), "kb": path.stat().st_size / 1000}
        status = [_timed(lambda: _command(mounted, "status")) for _ in range(repeats)]
        print_all(mounted.folder, pdfs(10, f"warm{time.time_ns()}-", 10_000))
        documents = pdfs(2 * count, f"G{time.time_ns()}-", 10_000)
        printed = summary(print_all(mounted.folder, documents))
        memory = {what: processes.memory(pids) for what, pids in mounted.processes.items()}
        before = processes.cpu(mounted.processes["courier"])
        place.server.start()
        _command(mounted, "queue", "retry", "--all")
        first, *delivered = _watch(place.root, len(documents))
        used = processes.cpu(mounted.processes["courier"]) - before
        return {
            "mount": 1000 * statistics.median(mounts),
            "names": len(names),
            "listing_us": 1e6 * statistics.median(lists) / max(1, len(names)),
            "files": files,
            "status": 1000 * statistics.median(status),
            "print": printed,
            "memory": memory,
            "unlisted": unlisted,
            "deliver": 1000 * (delivered[-1] - first) / len(delivered),  # ms a document
            "courier_cpu": 1000 * used / max(1, len(delivered)),  # ms a document
        }


def _watch(root: Path, wanted: int) -> list[float]:
    """Wait until so many of whatever documents are there; return when each came."""
    found: list[float] = []

    def enough() -> bool:
        nonlocal found
        found = []
        for entry in os.scandir(root):
            if not entry.name.startswith("."):
                found.append(entry.stat().st_ctime)
        return len(found) >= wanted

    wait(enough, f"{wanted} documents", 120.0, every=0.05)
    return sorted(found)[:wanted]


def _timed(do: Callable[[], object]) -> float:
    begun = time.perf_counter()
    do()
    return time.perf_counter() - begun


# ---- the server is away; commands ----------------------------------------------------------------------------------


def away(run: Run) -> Data:
    """Mounting while nobody answers: the port is closed, or takes connections and says nothing."""
    found: Data = {"closed": [], "silent": []}
    with socket.create_server(("127.0.0.1", 0)) as silent, site("wsgidav", run.folder()) as place:
        place.server.stop()
        urls = {"closed": place.url, "silent": f"http://127.0.0.1:{silent.getsockname()[1]}/inbox/"}
        for how, url in urls.items():
            for _ in range(run.size.repeats):
                drive = Drive(run.folder(), url, place.server.user, place.server.password, {"alarms": False})
                try:
                    begun = time.perf_counter()
                    done = drive.mount()
                    found[how].append(1000 * (time.perf_counter() - begun))
                    if done.returncode:
                        raise RuntimeError(done.stderr)
                finally:
                    drive.clean()
    peers: Data = {}
    for peer in filter(run.has, PEERS):
        peers[peer] = run.attempt(f"mount while the server is away: {peer}", lambda peer=peer: _away(run, peer))  # type: ignore[misc]
    return {"closed": statistics.median(found["closed"]), "silent": statistics.median(found["silent"]), "peers": peers}


def _away(run: Run, peer: str) -> Data:
    _, kind, make = PEERS[peer]
    with site(kind, run.folder()) as place:
        place.server.stop()
        begun = time.perf_counter()
        try:
            with make(run.folder(), place):
                return {"mounts": True, "ms": 1000 * (time.perf_counter() - begun)}
        except (RuntimeError, TimeoutError, subprocess.TimeoutExpired):
            return {"mounts": False, "ms": 1000 * (time.perf_counter() - begun)}


def starting(run: Run) -> Data:
    """What a command costs that only looks: `ingisfs status`, beside Python itself."""
    times = max(3, 4 * run.size.repeats)
    with site("wsgidav", run.folder()) as place, _ours(run, place) as mounted:
        documents = pairs(2, "T")
        print_all(mounted.folder, documents)
        wait_arrivals(place.root, documents, 60)
        status = [_timed(lambda: _command(mounted, "status")) for _ in range(times)]
    plain = [_timed(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True)) for _ in range(times)]
    measured = "import time; t = time.perf_counter(); import ingisfs.cli; print(time.perf_counter() - t)"
    imports = [float(_said("-c", measured)) for _ in range(times)]
    count = "import sys; n = len(sys.modules); import ingisfs.cli; print(len(sys.modules) - n)"
    return {
        "status": summary(status),
        "python": summary(plain),
        "import": summary(imports),
        "modules": int(_said("-c", count)),
    }


def _said(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True).stdout


def killing(run: Run) -> Data:
    """Print while everything is killed again and again: see scripts/soak.py."""
    from scripts.soak import soak

    base = run.folder()
    wrong, done = soak(base, run.size.kill_minutes, 1)
    if not wrong:
        shutil.rmtree(base)
    return {"minutes": run.size.kill_minutes, "wrong": wrong, "done": done}


PARTS: dict[str, Callable[[Run], Data]] = {
    "print": printing,
    "complete": completing,
    "drain": draining,
    "at-once": at_once,
    "cost": costs,
    "growth": growth,
    "away": away,
    "start": starting,
    "kill": killing,
}
