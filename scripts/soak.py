#!/usr/bin/env python3
"""Print without pause while everything is killed, and see whether each document arrives exactly once.

    python3 scripts/soak.py [--minutes 10] [--seed 1]

King prints pairs into a real mount, INGIS collects its inbox every few seconds, and meanwhile drive, courier and server
are killed, stopped, started anew, left beside each other, and made to die at the points named in `ingisfs`. In the end
all is let to arrive: what King was given a tick for must have arrived byte for byte, exactly once; what it was given a
cross for, whole and once, or not at all.

The last line is the verdict. Exit code 1 on any difference; the folder with all logs is kept then.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.environment import ROOT, enter, require_fuse

if TYPE_CHECKING:
    from ingisfs.outbox.document import Document
    from tests.mounts import Drive
    from tests.servers import Server

PIECE = 4096  # bytes of one write
DRAIN = 240.0  # s for everything to arrive in the end
SETTINGS = {"settle": 0.1, "pair_wait": 1.0, "keep_visible": 15.0, "max_document": 8 * 2**20, "wal_bound": 2**20}


def crash_points() -> list[str]:
    """Return all points in `ingisfs` at which a drive or a courier can be made to die. The stage is another matter."""
    found = sorted(path for path in (ROOT / "ingisfs").rglob("*.py") if path.parent.name != "stage")
    sources = "".join(path.read_text("utf-8") for path in found)
    return sorted(set(re.findall(r'crashpoint\("([a-z_.]+)"\)', sources)))


# ---- what King was told --------------------------------------------------------------------------------------------


class NoDriveError(OSError):
    """Nothing is mounted: not a byte was written."""


def _open_folder(folder: Path) -> int:
    """Return a descriptor of the drive's root: a drive that goes away meanwhile must not make us print beneath it."""
    try:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        if os.fstat(place).st_dev != folder.parent.stat().st_dev:
            return place
    except OSError as error:
        raise NoDriveError(error.errno, str(error)) from None
    os.close(place)
    raise NoDriveError(errno.ENODEV, "not mounted")


def write(folder: Path, name: str, data: bytes, keep: Callable[[int], None] = lambda _: None) -> None:
    """Print as King does: create, write in pieces, close. `keep` sees the descriptor before it is closed.

    Raises NoDriveError without a drive, OSError where King would show a cross.
    """
    place = _open_folder(folder)
    try:
        fd = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600, dir_fd=place)
        try:
            for start in range(0, len(data), PIECE):
                piece = data[start : start + PIECE]
                while piece:
                    piece = piece[os.write(fd, piece) :]
            keep(fd)
        finally:
            os.close(fd)
    finally:
        os.close(place)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Ledger:
    """What King was told of each document, by name: the SHA-256 of what it printed."""

    ticks: dict[str, str] = field(default_factory=dict)  # its close returned: safe, and on its way
    crosses: dict[str, str] = field(default_factory=dict)  # it failed, or its program died: whole or not at all

    def print(self, folder: Path, name: str, data: bytes, keep: Callable[[int], None] = lambda _: None) -> bool:
        """Print a document, and tell whether King shows a tick. Raises NoDriveError; then nothing is noted."""
        try:
            write(folder, name, data, keep)
        except NoDriveError:
            raise
        except OSError:
            self.crosses[name] = _sha256(data)
            return False
        self.ticks[name] = _sha256(data)
        return True

    def cross(self, name: str, data: bytes) -> None:
        """Note that nobody can say what became of a document."""
        self.ticks.pop(name, None)
        self.crosses[name] = _sha256(data)

    def differences(self, arrived: Iterable[tuple[str, str]], held: Container[str] = ()) -> list[str]:
        """Compare with what arrived, as names and SHA-256: a sentence for each document that is lost, half or twice.

        `held` names those that wait for a person, since their other half has a cross.
        """
        found = list(arrived)
        counts = Counter(name for name, _ in found)
        wrong = [f"{name} arrived {count} times" for name, count in counts.items() if count > 1]
        for name, sha256 in found:
            printed = self.ticks.get(name) or self.crosses.get(name)
            if printed is None:
                wrong.append(f"{name} arrived, and nobody printed it")
            elif printed != sha256:
                wrong.append(f"{name} arrived with other bytes than were printed")
        wrong.extend(
            f"{name} had a tick and never arrived" for name in self.ticks if name not in counts and name not in held
        )
        return wrong


def misdeeds(requests: Iterable[tuple[str, str, int]], renames: bool = True) -> list[str]:
    """Return what the server was asked to do and should not have been, by its log: a sentence each.

    No document is renamed to its final name twice, no temporary name is used for two uploads, and nothing but temporary
    files of ours is ever put or deleted; but where the server cannot rename, each document is put once under its name.
    """
    from ingisfs.delivery.server import document_of

    moves: Counter[str] = Counter()
    puts: Counter[str] = Counter()
    wrong = []
    for method, path, status in requests:
        found = document_of(path)
        if method == "MOVE" and 200 <= status < 300:
            moves[found[0] if found else path] += 1
        elif method == "PUT" and not path.endswith("-probe.part"):
            puts[path] += 1
        if method in {"PUT", "DELETE", "MOVE"} and found is None and (renames or method != "PUT"):
            wrong.append(f"{method} {path}")
    wrong += [f"document {document} was published {count} times" for document, count in moves.items() if count > 1]
    return wrong + [f"{path} was put {count} times" for path, count in puts.items() if count > 1]


# ---- those who take part -------------------------------------------------------------------------------------------


class Actor(threading.Thread):
    """Does the same thing again and again until it is told to stop."""

    def __init__(self, name: str, turn: Callable[[], float]) -> None:
        """`turn` does one thing and returns how long to wait after it, in seconds."""
        super().__init__(name=name, daemon=True)
        self._turn = turn
        self._ending = threading.Event()
        self.error: BaseException | None = None

    def run(self) -> None:
        """Go on until stopped."""
        try:
            while not self._ending.wait(self._turn()):
                pass
        except BaseException as error:
            self.error = error
            raise

    def end(self) -> None:
        """Stop, and wait for the present turn to end."""
        self._ending.set()
        self.join(60)


class King:
    """Prints pairs, halves, large and small ones; some through programs that die or leave a child behind."""

    def __init__(self, folder: Path, ledger: Ledger, rnd: random.Random) -> None:
        self._folder = folder
        self._ledger = ledger
        self._rnd = rnd
        self._number = 0
        self._children: list[subprocess.Popen[bytes]] = []
        self.counts: Counter[str] = Counter()

    def turn(self) -> float:
        """Print one invoice."""
        self._children = [child for child in self._children if child.poll() is None]
        stem = f"F{self._number:06}"
        try:
            if self._rnd.random() < 0.02:
                self._die(stem)
            else:
                for name, data in self._halves(stem):
                    self._ledger.print(self._folder, name, data, self._keep)
        except NoDriveError:
            # The halves that were printed stay as they are: King would show a cross at the rest of the run.
            self.counts["no drive"] += 1
            if not self._known(stem):
                return 0.05
        self._number += 1
        return self._rnd.choice((0.0, 0.02, 0.05, 0.1))

    def _known(self, stem: str) -> bool:
        names = (stem + ".pdf", stem + ".xml")
        return any(name in self._ledger.ticks or name in self._ledger.crosses for name in names)

    def _halves(self, stem: str) -> list[tuple[str, bytes]]:
        from tests.documents import pdf, xml

        size = self._rnd.choice((500, 3_000, 20_000, 60_000, 60_000, 300_000))
        if self._rnd.random() < 0.005:
            size = 5 * 2**20  # more than is kept in memory
        halves = [(stem + ".pdf", pdf(stem, size)), (stem + ".xml", xml(f"{stem} {'x' * self._rnd.randrange(9000)}"))]
        way = self._rnd.random()
        if way < 0.6:
            return halves
        return halves[::-1] if way < 0.8 else halves[:1] if way < 0.9 else halves[1:]

    def _keep(self, fd: int) -> None:
        """Now and then leave a child behind that has the document open for longer than we do."""
        if self._rnd.random() < 0.01:
            seconds = self._rnd.choice(("0.3", "1", "3"))
            self._children.append(subprocess.Popen(["sleep", seconds], pass_fds=[fd]))
            self.counts["kept open by a child"] += 1

    def _die(self, stem: str) -> None:
        """Print with a program that is killed half-way."""
        from tests.documents import pdf

        name, data = stem + ".pdf", pdf(stem, 30_000)
        script = (
            "import os, sys; fd = os.open(sys.argv[1], os.O_CREAT | os.O_EXCL | os.O_WRONLY);"
            " os.write(fd, sys.stdin.buffer.read()); os.kill(os.getpid(), 9)"
        )
        half = data[: self._rnd.randrange(len(data) - 10)]
        place = _open_folder(self._folder)
        self._ledger.cross(name, data)
        try:
            target = f"/proc/self/fd/{place}/{name}"
            command = [sys.executable, "-S", "-c", script, target]
            subprocess.run(command, input=half, pass_fds=[place], capture_output=True, check=False)
        finally:
            os.close(place)
        self.counts["programs killed"] += 1

    def end(self) -> None:
        """Wait for the children."""
        for child in self._children:
            child.wait(30)


class Ingis:
    """Takes away what lies in the inbox under a final name, as INGIS does with its batches."""

    def __init__(self, server: Server, rnd: random.Random) -> None:
        self._server = server
        self._rnd = rnd
        self._folder = server.folder / "collected"
        self._folder.mkdir()
        self.arrived: list[tuple[str, str]] = []

    def turn(self) -> float:
        """Collect once."""
        for name in self._server.names():
            if not name.startswith(".ingisfs-"):
                place = self._folder / f"{len(self.arrived):06}-{name}"
                (self._server.root / name).rename(place)
                self.arrived.append((name, _sha256(place.read_bytes())))
        return self._rnd.choice((0.3, 1.0, 2.0, 5.0))


class Killer:
    """Does to a drive what power cuts, crashes, updates and impatient people do."""

    def __init__(self, drive: Drive, server: Server, rnd: random.Random, log: Callable[[str], None]) -> None:
        self._drive = drive
        self._server = server
        self._rnd = rnd
        self._log = log
        self._points = crash_points()
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._deeds: list[tuple[int, Callable[[], None]]] = [
            (5, self.kill_drive),
            (5, self.kill_courier),
            (3, self.kill_both),
            (3, self.kill_server),
            (3, self.hang_server),
            (2, self.stop_courier),
            (2, self.unmount),
            (1, self.second_mount),
            (1, self.keep_the_lock),
            (2, self.old_courier),
            (4, self.crash),
        ]

    def turn(self) -> None:
        """Do one thing."""
        weights = [weight for weight, _ in self._deeds]
        (deed,) = self._rnd.choices([deed for _, deed in self._deeds], weights)
        self._log(deed.__name__)
        deed()
        if not self._alive():
            self._log("the drive is away")
            self.counts["drives dead at a point"] += 1
            self.mount()

    def _alive(self) -> bool:
        from ingisfs.outbox.locks import is_locked

        return is_locked(self._drive.state / "drive.lock")

    def _pause(self, longest: float) -> None:
        time.sleep(self._rnd.random() * longest)

    def mount(self, crash_at: str = "") -> bool:
        """Mount again, perhaps only to die at a point; tells whether the drive is there."""
        for _ in range(3):
            # A drive that lost its mount may not have ended yet.
            self._drive.kill("drive")
            done = self._drive.mount(**({"INGISFS_CRASH_AT": crash_at} if crash_at else {}))
            self.counts["remounts"] += 1
            if done.returncode == 0:
                return True
            self._log(f"mount: {done.stderr.strip()}")
            if crash_at:
                self.counts["kills in a mount"] += 1
                crash_at = ""
        self.wrong.append(f"the drive could not be mounted: {done.stderr.strip()}")
        return False

    def kill_drive(self) -> None:
        """Kill the drive; its courier goes on, beside that of the next mount."""
        self.counts["kills of the drive"] += 1
        self._drive.kill("drive")
        if self._rnd.random() < 0.5:
            self._pause(1.0)
        self.mount()

    def kill_courier(self) -> None:
        """Kill the courier, and perhaps the one that is started in its place."""
        for _ in range(self._rnd.choice((1, 1, 2))):
            self.counts["kills of the courier"] += 1
            self._drive.kill("courier")
            self._pause(1.0)

    def kill_both(self) -> None:
        """A power cut."""
        self.counts["kills of the drive"] += 1
        self.counts["kills of the courier"] += 1
        self._drive.kill("drive")
        self._drive.kill("courier")
        self._pause(0.3)
        self.mount()

    def kill_server(self) -> None:
        """Kill the server, and start it again a little later."""
        self.counts["kills of the server"] += 1
        process = self._server._process
        assert process is not None
        process.kill()
        process.wait()
        self._server.stop()
        self._pause(2.0)
        self._server.start()

    def hang_server(self) -> None:
        """Let the server stand still, and kill the courier that waits for its answer: it does both requests later."""
        self.counts["servers that hung"] += 1
        assert self._server._process is not None
        stopped = _Stopped([self._server._process.pid])
        stopped.begin()
        self._pause(0.5)
        if self._rnd.random() < 0.7:
            self.counts["kills of the courier"] += 1
            self._drive.kill("courier")
        self._pause(2.0)
        stopped.end()

    def stop_courier(self) -> None:
        """Let the courier stand still for a while, wherever it is."""
        self.counts["couriers stopped for a while"] += 1
        stopped = self._stopped("courier")
        stopped.begin()
        self._pause(3.0)
        stopped.end()

    def _stopped(self, what: str) -> _Stopped:
        return _Stopped(self._drive.pids(what))

    def old_courier(self) -> None:
        """Kill the drive, and mount anew while the old courier stands still; then let it go on."""
        self.counts["kills of the drive"] += 1
        self.counts["old couriers beside a new mount"] += 1
        stopped = self._stopped("courier")
        # It may hold the lock of the outbox, for which the new drive waits ten seconds at most.
        going_on = threading.Timer(self._rnd.random() * 4, stopped.end)
        stopped.begin()
        going_on.start()
        self._drive.kill("drive")
        self.mount()
        going_on.join()

    def unmount(self) -> None:
        """Unmount without waiting, as soon as no program uses the drive, and mount again."""
        for _ in range(20):
            done = self._drive.unmount("--now")
            if done.returncode != 1:
                self.counts["unmounts"] += 1
                break
            self._pause(0.2)
        self.mount()

    def second_mount(self) -> None:
        """Mount a second drive on the same outbox: it must be refused."""
        other = self._drive.base / "Y"
        other.mkdir(exist_ok=True)
        options = ["--config", str(self._drive.config), "--server", self._drive.url, "--user", self._drive.user]
        first = set(self._drive.pids("drive"))
        done = self._drive.run("mount", str(other), *options, "--state", str(self._drive.state))
        if done.returncode != 0:
            self.counts["second mounts refused"] += 1
            return
        # The first one may have come to its point, and died, just before.
        if first.intersection(self._drive.pids("drive")):
            self.wrong.append("a second mount on the same outbox was not refused")
        self.mount()

    def keep_the_lock(self) -> None:
        """Let nobody change the outbox for a while: after ten seconds King sees crosses, and the courier waits."""
        from ingisfs.outbox.locks import FileLock

        self.counts["outboxes locked for a while"] += 1
        lock = FileLock(self._drive.state / "outbox" / "write.lock")
        try:
            if lock.acquire(5.0):
                self._pause(15.0)
        finally:
            lock.close()

    def crash(self) -> None:
        """Mount with a point at which drive or courier will die."""
        point = f"{self._rnd.choice(self._points)}:{self._rnd.choice((1, 1, 2, 3, 5, 10, 30))}"
        self.counts["mounts to die at a point"] += 1
        self._drive.kill("drive")
        if self._rnd.random() < 0.5:
            self._drive.kill("courier")
        self._log(point)
        self.mount(point)
        self._pause(3.0)


class _Stopped:
    """Processes that stand still for a while."""

    def __init__(self, pids: list[int]) -> None:
        self._pids = pids

    def _send(self, number: int) -> None:
        for pid in self._pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def begin(self) -> None:
        """Let them stand still."""
        self._send(signal.SIGSTOP)

    def end(self) -> None:
        """Let them go on."""
        self._send(signal.SIGCONT)


# ---- the whole -----------------------------------------------------------------------------------------------------


def soak(base: Path, minutes: float, seed: int) -> tuple[list[str], str]:
    """Run in `base`; returns the differences, and what was done in one line."""
    from tests.mounts import drive
    from tests.servers import wsgidav_server

    begun = time.monotonic()
    ledger = Ledger()
    journal = (base / "soak.log").open("a", buffering=1, encoding="utf-8")

    def log(text: str) -> None:
        journal.write(f"{time.strftime('%H:%M:%S')} {time.monotonic() - begun:8.2f} {text}\n")

    with (
        journal,
        wsgidav_server(base) as server,
        drive(base / "drive", server.url, server.user, server.password, **SETTINGS) as mounted,
    ):
        king = King(mounted.mountpoint, ledger, random.Random(f"king {seed}"))
        ingis = Ingis(server, random.Random(f"ingis {seed}"))
        killer = Killer(mounted, server, random.Random(f"killer {seed}"), log)
        actors = [Actor("king", king.turn), Actor("ingis", ingis.turn)]
        for actor in actors:
            actor.start()
        try:
            pause = random.Random(f"pause {seed}")
            while time.monotonic() < begun + 60 * minutes and not killer.wrong:
                killer.turn()
                time.sleep(pause.choice((0.0, 0.1, 0.3, 0.5, 1.0)))
        finally:
            actors[0].end()
            king.end()
            actors[1].end()
        log("all is let to arrive")
        wrong = killer.wrong + [f"{actor.name}: {actor.error!r}" for actor in actors if actor.error is not None]
        wrong += _drain(killer, mounted, server)
        ingis.turn()
        wrong += ledger.differences(ingis.arrived, _held_with_a_cross(mounted, ledger))
        wrong += misdeeds(server.requests())
        wrong += unreadable(mounted)
        _note_ledger(base, ledger, ingis)
        held = needing_person(mounted)
    arrived = {name for name, _ in ingis.arrived}
    counts = ", ".join(f"{count} {what}" for what, count in sorted((killer.counts + king.counts).items()))
    reasons = ", ".join(f"{count} {why}" for why, count in Counter(held).items()) or "none"
    done = (
        f"{time.monotonic() - begun:.0f} s, {len(ledger.ticks)} ticks, {len(ledger.crosses)} crosses"
        f" ({len(arrived.intersection(ledger.crosses))} arrived), {len(ingis.arrived)} arrived,"
        f" {len(held)} need a person ({reasons}); {counts}"
    )
    return wrong, done


def _drain(killer: Killer, mounted: Drive, server: Server) -> list[str]:
    """Let everything arrive; returns what did not work."""
    wrong = []
    mounted.kill("drive")
    killer.mount()
    if not _within(DRAIN, lambda: waiting(mounted) == 0):
        wrong.append(f"{waiting(mounted)} documents still waited after {DRAIN:g} s")
    done = mounted.unmount("--timeout", "30")
    if done.returncode == 1:
        wrong.append(f"unmount: {done.stderr.strip()}")
    # A courier looks for temporary files that were given up when it starts.
    killer.mount()
    if not _within(30.0, lambda: not [name for name in server.names() if name.startswith(".ingisfs-")]):
        wrong.extend(f"{name} was left behind" for name in server.names() if name.startswith(".ingisfs-"))
    return wrong


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def waiting(mounted: Drive) -> int:
    """Return how many documents will still go by themselves."""
    with closing(mounted.outbox()) as outbox:
        return outbox.waiting()


def _documents(mounted: Drive) -> Iterator[tuple[Document, str]]:
    """Yield all documents, and what is wrong with the bytes of those that should have any."""
    from ingisfs.outbox.document import ENDED
    from ingisfs.outbox.reading import DamagedError

    with closing(mounted.outbox()) as outbox:
        for document in outbox.documents("1 ORDER BY number"):
            flaw = ""
            if document.state not in ENDED:
                try:
                    outbox.payload(document.id)
                except DamagedError:
                    flaw = f"the bytes of {document.name} ({document.id}, {document.state}) cannot be read"
            yield document, flaw


def unreadable(mounted: Drive) -> list[str]:
    """Return a sentence for each document whose bytes should be there and are not."""
    return [flaw for _, flaw in _documents(mounted) if flaw]


def needing_person(mounted: Drive) -> list[str]:
    """Return why documents are held or parked, one reason for each of them."""
    from ingisfs.outbox.document import NEEDS_PERSON

    return [str(document.reason) for document, _ in _documents(mounted) if document.state in NEEDS_PERSON]


def _held_with_a_cross(mounted: Drive, ledger: Ledger) -> set[str]:
    """Return the names that are held only because King showed a cross at their other half."""
    from ingisfs.outbox.document import NEEDS_PERSON, Reason

    documents = [document for document, _ in _documents(mounted)]
    held = [document for document in documents if document.reason == Reason.TWIN and document.state in NEEDS_PERSON]
    return {document.name for document in held if document.detail in ledger.crosses}


def _note_ledger(base: Path, ledger: Ledger, ingis: Ingis) -> None:
    """Write down what was printed and what arrived, for study."""
    lines = [f"tick {name} {sha256}" for name, sha256 in ledger.ticks.items()]
    lines += [f"cross {name} {sha256}" for name, sha256 in ledger.crosses.items()]
    lines += [f"arrived {name} {sha256}" for name, sha256 in ingis.arrived]
    (base / "ledger.txt").write_text("\n".join(lines) + "\n", "utf-8")


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    require_fuse()
    enter(["dev", "stage", "king"], ["fuse3"])
    base = Path(tempfile.mkdtemp(prefix="ingisfs-soak-", dir="/var/tmp"))
    wrong, done = soak(base, options.minutes, options.seed)
    for sentence in wrong:
        print(sentence)
    if wrong:
        print(f"soak: {len(wrong)} DIFFERENCES, seed {options.seed}, see {base}: {done}")
        return 1
    shutil.rmtree(base)
    print(f"soak: nothing lost, half or twice, seed {options.seed}: {done}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
