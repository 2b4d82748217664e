"""Power cuts: what is on disk when a close returns, and what becomes of every state that a cut can leave there.

A cut leaves the database with some beginning of its log: each commit is one sync, so whatever was acknowledged lies
before the cut. Disks that lie about syncs lose more than that; even then nothing may be sent twice.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from ingisfs.config import Drive as Settings
from ingisfs.delivery import courier as courier_module
from ingisfs.delivery.courier import Courier, Plan
from ingisfs.delivery.failures import DoubtError, UnreachableError
from ingisfs.outbox.document import ENDED, Document, Reason, State
from ingisfs.outbox.intake import Rules
from ingisfs.outbox.locks import FileLock
from ingisfs.outbox.mirror import Mirror, default_folder, is_foreign
from ingisfs.outbox.outbox import Decision, Outbox
from ingisfs.serving import open_outbox
from tests.delivery.couriers import soon
from tests.documents import keep, pdf, xml
from tests.doubles import FaultyServer
from tests.mounts import Drive
from tests.servers import WsgiDavServer, wait_for, wsgidav_server

__all__ = ["soon"]  # a fixture: short waits

LOG_HEADER, FRAME_HEADER, PAGE = 32, 24, 4096  # bytes; https://www.sqlite.org/fileformat2.html#the_write_ahead_log
FRAME = FRAME_HEADER + PAGE


# ---- while it runs ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """One system call, as strace tells it."""

    name: str
    path: str  # of its first descriptor
    data: bytes  # the beginning of what was read or written
    result: int


_CALL = re.compile(r"(\w+)\(\d+<([^>]*)>(.*)\) += (-?\d+)", re.DOTALL)
_HEX = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def calls(trace: Path) -> list[Call]:
    """Return what strace wrote, in the order in which the calls ended."""
    begun: dict[str, str] = {}
    found = []
    for line in trace.read_text().splitlines():
        thread, _, text = line.partition(" ")
        text = text.strip()
        if text.endswith("<unfinished ...>"):
            begun[thread] = text.removesuffix("<unfinished ...>")
            continue
        if text.startswith("<... "):
            text = begun.pop(thread, "") + text.partition("resumed>")[2]
        if match := _CALL.match(text):
            name, path, rest, result = match.groups()
            data = b"".join(_bytes(part) for part in _HEX.findall(rest))
            found.append(Call(name, _bytes(path).decode(), data, int(result)))
    return found


@contextmanager
def traced(pid: int, trace: Path, names: str) -> Iterator[None]:
    """Have strace look at a running process for the length of the block."""
    messages = trace.with_suffix(".messages")
    command = ["strace", "-f", "-y", "-xx", "-s", "64", "-e", f"trace={names}", "-o", str(trace), "-p", str(pid)]
    with open(messages, "w") as stderr:
        tracer = subprocess.Popen(command, stderr=stderr)
    try:
        wait_for(lambda: "attached" in messages.read_text(), "strace to attach")
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(10)


FLUSH = 25  # FUSE's number of it; https://github.com/libfuse/libfuse/blob/master/include/fuse_kernel.h


def test_a_close_on_the_mount_returns_only_after_the_log_was_synced(tmp_path: Path) -> None:
    mounted = Drive(tmp_path / "drive", WsgiDavServer(tmp_path / "server").url, settings={"settle": 3.0})
    try:
        assert mounted.mount().returncode == 0
        (pid,) = mounted.pids("drive")
        with traced(pid, tmp_path / "trace", "read,writev,pwrite64,fdatasync,fsync"):
            for number in range(3):
                (mounted.mountpoint / f"F{number}.pdf").write_bytes(pdf(size=60_000))
            assert len(list(mounted.mountpoint.glob("F*"))) == 3  # so that strace sees the last answer as well
    finally:
        mounted.clean()
    seen = calls(tmp_path / "trace")
    flushes = 0
    for at, call in enumerate(seen):
        if (call.name, call.path) != ("read", "/dev/fuse") or call.result < 16:
            continue
        _, operation, unique = struct.unpack_from("<IIQ", call.data)
        if operation != FLUSH:
            continue
        flushes += 1
        reply = next(
            n
            for n in range(at, len(seen))
            if (seen[n].name, seen[n].path) == ("writev", "/dev/fuse")
            and struct.unpack_from("<IiQ", seen[n].data)[2] == unique
        )
        assert struct.unpack_from("<IiQ", seen[reply].data)[1] == 0, "the close succeeded"
        inside = [call.name for call in seen[at:reply] if call.path.endswith("/cache.db-wal")]
        assert "pwrite64" in inside
        assert inside[-1] in {"fdatasync", "fsync"}, "nothing is written after the sync"
    assert flushes == 3


def test_the_mark_is_synced_and_mirrored_before_the_rename_is_sent(tmp_path: Path) -> None:
    with wsgidav_server(tmp_path / "server") as server:
        mounted = Drive(tmp_path / "drive", server.url, server.user, server.password, settings={"settle": 0.1})
        try:
            assert mounted.mount().returncode == 0
            (mounted.mountpoint / "F1.pdf").write_bytes(pdf())
            mounted.wait_delivered(["F1.pdf"])  # connections and mirror are there
            (pid,) = mounted.pids("courier")
            with traced(pid, tmp_path / "trace", "sendto,pwrite64,write,fdatasync,fsync"):
                (mounted.mountpoint / "F2.pdf").write_bytes(pdf())
                mounted.wait_delivered(["F2.pdf"])
        finally:
            mounted.clean()
    seen = [call for call in calls(tmp_path / "trace") if call.result >= 0]
    asked = max(at for at, call in enumerate(seen) if call.data.startswith(b"PROPFIND /inbox/.ingisfs"))
    (moved,) = (at for at, call in enumerate(seen) if call.data.startswith(b"MOVE"))
    between = seen[asked:moved]
    (mirrored,) = (at for at, call in enumerate(between) if call.path.endswith(".generation"))
    marking = [call.name for call in between[:mirrored] if call.path.endswith("/cache.db-wal")]
    assert "pwrite64" in marking
    assert marking[-1] in {"fdatasync", "fsync"}


def test_a_new_mirror_is_synced_so_that_a_cut_does_not_make_the_outbox_look_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = set()
    sync = os.fsync

    def record(fd: int) -> None:
        synced.add(os.readlink(f"/proc/self/fd/{fd}"))
        sync(fd)

    monkeypatch.setattr(os, "fsync", record)
    with closing(Outbox(tmp_path)) as outbox:
        _, mirror = is_foreign(outbox, tmp_path / "generations")
    assert {str(mirror.path), str(mirror.path.parent)} <= synced


# ---- what a cut leaves -----------------------------------------------------------------------------------------------


def copy(folder: Path, to: Path) -> Path:
    """Copy a state folder by a program of its own: a descriptor of ours, closed, would drop our own locks."""
    subprocess.run(["cp", "-r", str(folder), str(to)], check=True)
    return to


def commits(log: bytes) -> list[int]:
    """Return the lengths of a log that end with a commit."""
    ends = range(LOG_HEADER + FRAME, len(log) + 1, FRAME)
    return [end for end in ends if log[end - FRAME + 4 : end - FRAME + 8] != bytes(4)]


@dataclass(frozen=True)
class Remains:
    """The two files of an outbox whose processes are dead."""

    database: bytes
    log: bytes

    @classmethod
    def of(cls, state: Path) -> Remains:
        return cls((state / "outbox" / "cache.db").read_bytes(), (state / "outbox" / "cache.db-wal").read_bytes())

    def lay(self, state: Path) -> Path:
        """Write them into a new state folder."""
        (state / "outbox").mkdir(parents=True)
        (state / "outbox" / "cache.db").write_bytes(self.database)
        (state / "outbox" / "cache.db-wal").write_bytes(self.log)
        return state


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Remains:
    """What is left of a drive that was killed with documents in many states."""
    base = tmp_path_factory.mktemp("power")
    mounted = Drive(base / "drive", WsgiDavServer(base / "server").url, settings={"settle": 0.05})
    try:
        assert mounted.mount().returncode == 0
        folder = mounted.mountpoint
        for number in range(2):
            (folder / f"F{number}.pdf").write_bytes(pdf(str(number), 9_000))
            (folder / f"F{number}.xml").write_bytes(xml(str(number)))
        (folder / "cut.pdf").write_bytes(pdf(size=5_000)[:-100])
        (folder / "new.tmp").write_bytes(pdf("renamed"))
        (folder / "new.tmp").rename(folder / "F3.pdf")
        (folder / "gone.pdf").write_bytes(pdf("gone"))
        (folder / "gone.pdf").unlink()
        with open(folder / "F0.pdf", "ab") as file:
            file.write(b"\n")
        wanted = {"F0.pdf": "queued", "F0.xml": "queued", "F1.pdf": "queued", "F1.xml": "queued", "cut.pdf": "held"}
        mounted.wait_states({**wanted, "F3.pdf": "queued"})
        mounted.kill("drive")
        mounted.kill("courier")
        return Remains.of(mounted.state)
    finally:
        mounted.clean()


def check_whole(outbox: Outbox) -> dict[str, State]:
    """Every document has its bytes, and the state that its history ends with. Returns the states by id."""
    assert outbox.rows("PRAGMA integrity_check") == [("ok",)]
    found = {}
    for document in outbox.documents("1"):
        if document.state not in ENDED:
            outbox.payload(document.id)
        steps = list(outbox.history("id = ?", (document.id,)))
        assert [step.after for step in steps][-1] == document.state
        assert all(before.after == after.before for before, after in pairwise(steps))
        assert steps[0].before == ""
        found[document.id] = document.state
    return found


def reopened(remains: Remains, state: Path) -> dict[str, State]:
    """Open what a cut left, and check it. Raises OutboxError if it is refused."""
    outbox = Outbox(remains.lay(state))
    try:
        return check_whole(outbox)
    finally:
        outbox.shut()
        shutil.rmtree(state)


def test_a_log_cut_anywhere_opens_with_whole_documents_only(printed: Remains, tmp_path: Path) -> None:
    rnd = random.Random(1)
    log = printed.log
    frames = list(range(LOG_HEADER, len(log) + 1, FRAME))
    assert len(commits(log)) > 20
    torn = [rnd.randrange(len(log)) for _ in range(60)]
    known: dict[str, State] = {}
    for length in sorted({0, 1, LOG_HEADER - 1, *frames, *torn}):
        now = reopened(Remains(printed.database, log[:length]), tmp_path / "cut")
        assert set(known) <= set(now) | {i for i, state in known.items() if state is State.LOCAL}
        known = now
    assert Counter(known.values())[State.QUEUED] == 5


def test_a_log_whose_end_was_never_written_opens_as_if_it_were_cut(printed: Remains, tmp_path: Path) -> None:
    rnd = random.Random(2)
    for _ in range(60):
        at = rnd.randrange(len(printed.log))
        never_written = printed.log[:at] + bytes(len(printed.log) - at)
        cut = reopened(Remains(printed.database, printed.log[:at]), tmp_path / "cut")
        assert reopened(Remains(printed.database, never_written), tmp_path / "zeros") == cut


def test_a_flipped_bit_in_the_last_commit_takes_only_that_commit_away(printed: Remains, tmp_path: Path) -> None:
    rnd = random.Random(3)
    ends = commits(printed.log)
    states = [reopened(Remains(printed.database, printed.log[:end]), tmp_path / "cut") for end in ends[-2:]]
    for _ in range(60):
        log = bytearray(printed.log[: ends[-1]])
        log[rnd.randrange(ends[-2], ends[-1])] ^= 1 << rnd.randrange(8)
        assert reopened(Remains(printed.database, bytes(log)), tmp_path / "flipped") in states


def test_a_cut_in_the_middle_of_emptying_the_log_loses_nothing(printed: Remains, tmp_path: Path) -> None:
    rnd = random.Random(4)
    whole = reopened(printed, tmp_path / "whole")
    state = printed.lay(tmp_path / "emptied")
    with closing(sqlite3.connect(state / "outbox" / "cache.db")) as con:
        con.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    after = (state / "outbox" / "cache.db").read_bytes()
    for _ in range(40):
        # The log goes only when the database is on disk; until then any of its pages may be the old or the new one.
        pages = range(0, rnd.randrange(len(printed.database), len(after) + 1), PAGE)
        before = printed.database.ljust(len(after), b"\0")
        mixed = b"".join(rnd.choice((before, after))[page : page + PAGE] for page in pages)
        assert reopened(Remains(mixed, printed.log), tmp_path / "mixed") == whole


# ---- what the server got before it -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Moment:
    """How everything stood when the server was asked for something, or had just done it."""

    what: str
    log: int  # length of the database's log, in bytes
    generation: bytes  # in the mirror
    files: dict[str, bytes]  # on the server
    published: list[str]


class WatchedServer(FaultyServer):
    """Notes each moment at which the power may go."""

    def __init__(self, state: Path) -> None:
        super().__init__()
        self._log = state / "outbox" / "cache.db-wal"
        self.moments: list[Moment] = []
        self.before = lambda operation, name: self._note(f"before {operation} {name}")
        self.after = self._then
        self._lost = [DoubtError("time-out"), UnreachableError("reset")]

    def _then(self, operation: str, name: str) -> None:
        self._note(f"after {operation} {name}")
        if operation == "publish" and len(self.published) in {2, 5}:
            raise self._lost.pop()  # the answer never came

    def _note(self, what: str) -> None:
        (mirror,) = default_folder().glob("*.generation")
        size = self._log.stat().st_size
        self.moments.append(Moment(what, size, mirror.read_bytes(), dict(self.files), list(self.published)))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the mirrors lie."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    return tmp_path / "xdg"


def settings(state: Path) -> Settings:
    return Settings(state=str(state), server="https://example.nl/", user="king", settle=0.0, pair_wait=0.0)


@contextmanager
def courier(state: Path, server: FaultyServer, busy_timeout: float = 10.0) -> Iterator[Courier]:
    """Have a courier as `python -m ingisfs.delivery` makes one, in a thread."""
    made: list[Courier] = []
    started = threading.Event()

    def run() -> None:
        outbox = Outbox(state, settle=0.0, busy_timeout=busy_timeout)
        _, mirror = is_foreign(outbox, default_folder())
        made.append(Courier(outbox, Plan(Rules(pair_wait=0.0), workers=2), lambda: server, mirror))
        started.set()
        try:
            made[0].run()
        finally:
            outbox.shut()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield made[0]
    finally:
        made[0].wake("stop")
        thread.join(10)


@dataclass(frozen=True)
class Delivery:
    """A finished delivery of six documents, and all that is needed to go back to any moment of it."""

    remains: Remains
    mirror: Path
    server: WatchedServer


@pytest.fixture
def delivery(tmp_path: Path, home: Path) -> Delivery:
    state = tmp_path / "state"
    outbox = open_outbox(settings(state))
    server = WatchedServer(state)
    for number in range(3):
        keep(outbox, f"F{number}.pdf", pdf(str(number)))
        keep(outbox, f"F{number}.xml", xml(str(number)))
    with courier(state, server):
        wait_for(lambda: outbox.waiting() == 0, "everything to arrive")
        remains = Remains.of(copy(state, tmp_path / "copy"))
    outbox.shut()
    assert sorted(server.finals()) == sorted(server.published)
    assert len(server.published) == 6
    (mirror,) = home.rglob("*.generation")
    return Delivery(remains, mirror, server)


def deliver(state: Path, files: dict[str, bytes], published: list[str]) -> tuple[FaultyServer, Counter[str]]:
    """Go on after a power cut, as a mount does; returns the server then, and the states and reasons by name."""
    server = FaultyServer()
    server.files, server.published = dict(files), list(published)
    outbox = open_outbox(settings(state))
    try:
        with courier(state, server):
            wait_for(lambda: outbox.waiting() == 0, "the courier to be done")
        check_whole(outbox)
        ended = Counter(f"{document.state} {document.reason or ''}".strip() for document in outbox.documents("1"))
    finally:
        outbox.shut()
        shutil.rmtree(state)
    return server, ended


def test_a_cut_at_any_moment_of_a_delivery_ends_with_one_copy_of_each(delivery: Delivery, tmp_path: Path) -> None:
    assert len(delivery.server.moments) > 30
    for moment in delivery.server.moments:
        delivery.mirror.write_bytes(moment.generation)
        remains = Remains(delivery.remains.database, delivery.remains.log[: moment.log])
        server, ended = deliver(remains.lay(tmp_path / "again"), moment.files, moment.published)
        assert ended == {"delivered": 6}, moment.what
        assert sorted(server.published) == sorted(delivery.server.published), moment.what


@pytest.mark.parametrize("collected", [False, True], ids=["still there", "collected"])
def test_a_log_that_lost_its_end_never_leads_to_a_second_copy(
    delivery: Delivery, tmp_path: Path, collected: bool
) -> None:
    newest = delivery.mirror.read_bytes()
    files = {} if collected else delivery.server.finals()
    all_ended: Counter[str] = Counter()
    for length in [0, LOG_HEADER, *commits(delivery.remains.log)]:
        delivery.mirror.write_bytes(newest)
        remains = Remains(delivery.remains.database, delivery.remains.log[:length])
        server, ended = deliver(remains.lay(tmp_path / "again"), files, delivery.server.published)
        assert server.published == delivery.server.published, f"{length} bytes of the log"
        all_ended += ended
    may_end = {"delivered", f"held {Reason.RESTORED}", f"parked {Reason.DOUBTFUL}", f"parked {Reason.TWIN}"}
    assert set(all_ended) <= may_end
    assert all_ended[f"held {Reason.RESTORED}"] > 0


def test_a_mirror_that_lost_its_newest_numbers_holds_nothing(delivery: Delivery, tmp_path: Path) -> None:
    moment = next(moment for moment in delivery.server.moments if moment.what.startswith("after publish"))
    for generation in range(int(moment.generation) + 1):
        Mirror(delivery.mirror).write(generation)
        remains = Remains(delivery.remains.database, delivery.remains.log[: moment.log])
        _, ended = deliver(remains.lay(tmp_path / "again"), moment.files, moment.published)
        assert ended == {"delivered": 6}


def test_a_mark_that_was_not_mirrored_yet_is_mirrored_by_the_next_courier(delivery: Delivery, tmp_path: Path) -> None:
    last = [moment for moment in delivery.server.moments if moment.what.startswith("before publish")][-1]
    Mirror(delivery.mirror).write(int(last.generation) - 1)
    remains = Remains(delivery.remains.database, delivery.remains.log[: last.log])
    _, ended = deliver(remains.lay(tmp_path / "again"), last.files, last.published)
    assert ended == {"delivered": 6}
    assert int(delivery.mirror.read_bytes()) == int(last.generation)


# ---- when the outbox would not take an answer ------------------------------------------------------------------------


def test_what_an_earlier_attempt_reports_again_changes_nothing(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, settle=0.0)

    def queued(document_id: str) -> Document:
        (document,) = outbox.documents("id = ? AND state = 'queued'", (document_id,))
        return document

    try:
        document_id = keep(outbox, "F1.pdf", pdf())
        (settling,) = outbox.documents("id = ?", (document_id,))
        outbox.decide([Decision(settling, State.QUEUED)])
        (first,) = outbox.claim([(queued(document_id), "F1.pdf")])
        outbox.put_back([first], 0.0, "reset")
        (second,) = outbox.claim([(queued(document_id), "F1.pdf")])
        outbox.put_back([first], 0.0, "reset")
        assert outbox.document(document_id) == second
        assert outbox.mark_publishing([[(first, "tag of the first upload")]]) == []
        assert outbox.document(document_id) == second
    finally:
        outbox.shut()


@pytest.mark.parametrize("operation", ["entry", "publish"])
def test_an_answer_that_could_not_be_written_down_at_once_is_not_forgotten(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, operation: str
) -> None:
    monkeypatch.setattr(courier_module, "LOOK", 0.05)
    state = tmp_path / "state"
    outbox = open_outbox(settings(state))
    lock = FileLock(state / "outbox" / "write.lock")
    server = FaultyServer()
    asked = threading.Event()

    def lock_once(done: str, name: str) -> None:
        if done == operation and not asked.is_set():
            assert lock.acquire(5)
            asked.set()

    server.after = server.before = lock_once
    document_id = keep(outbox, "F1.pdf", pdf())
    try:
        with courier(state, server, busy_timeout=0.1) as made:
            assert asked.wait(10)
            wait_for(lambda: "keeps the outbox locked" in caplog.text, "the courier to notice")
            wait_for(lambda: made._events.empty(), "the answer to be heard")
            lock.release()
            wait_for(lambda: outbox.documents("id = ? AND state = 'delivered'", (document_id,)), "its delivery")
    finally:
        lock.close()
        outbox.shut()
    assert server.published == ["F1.pdf"]
