"""Every way to save brings exactly the documents that a person expects to the server, each once.

The corpus is ingisfs/selftest/patterns; here it runs with the server's own list at hand.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ingisfs import names
from ingisfs.delivery.courier import Courier, Plan
from ingisfs.delivery.server import PREFIX, document_of
from ingisfs.drive.space import SpoolDisk
from ingisfs.drive.volume import RELEASE_DELAY, Volume
from ingisfs.outbox.document import NEEDS_PERSON, WAITING, Document
from ingisfs.outbox.intake import Intake, Rules
from ingisfs.outbox.outbox import Outbox
from ingisfs.outbox.reading import Reading
from ingisfs.selftest.corpus import Pattern
from ingisfs.selftest.expecting import TooSlowError
from ingisfs.selftest.mount_place import mounted
from ingisfs.selftest.patterns import PATTERNS
from ingisfs.selftest.place import Documents, Place
from tests.clocks import FakeClock
from tests.documents import keep, pdf, xml
from tests.doubles import FaultyServer
from tests.mounts import drive
from tests.patterns import VolumePlace
from tests.servers import Server, wait_for, wsgidav_server

SETTLE = 0.25  # s, of the mount
MAX_DOCUMENT = 6 * 2**20  # bytes
PATIENCE = 15.0  # s to wait for a state
PAUSE = 0.08  # s; time enough to deliver what has not settled
TRIES = 10  # of a pattern that must end within the settle time; on a busy machine it may not


# ---- drives that patterns share ----------------------------------------------------------------------------------


@dataclass
class Rig(ABC):
    """A drive and its server, and what the patterns left there so far."""

    outbox: Reading
    settle: float  # s
    expected: Documents = field(default_factory=dict, init=False)
    unproven: set[str] = field(default_factory=set, init=False)  # stems that failed, or were too slow to prove anything
    patience: float = field(default=PATIENCE, init=False)  # s

    @abstractmethod
    def place(self, stem: str) -> Place:
        """Return the drive as a program sees it."""

    @abstractmethod
    def turn(self) -> None:
        """Let time pass, if it does not by itself."""

    @abstractmethod
    def pause(self) -> None:
        """Let less than the settle time pass."""

    @abstractmethod
    def stored(self) -> Documents:
        """Return what the server has under final names."""

    @abstractmethod
    def published(self) -> list[str]:
        """Return every name that ever became final, in order."""

    @abstractmethod
    def puts(self) -> list[str]:
        """Return every name that was ever put, in order."""

    def look(self, path: str) -> str:
        """Return the state of the newest document of a name, "" if there is none."""
        self.turn()
        folder, _, name = path.rpartition("/")
        where = "folder_key = ? AND name_key = ? ORDER BY number DESC LIMIT 1"
        found = self.outbox.documents(where, (names.key(folder), names.key(names.normal(name))))
        return str(found[0].state) if found else ""

    def documents_of(self, stem: str) -> list[Document]:
        """Return all documents of one pattern."""
        return [document for document in self.outbox.documents("1 ORDER BY number") if stem in document.path]

    def wait_until_nothing_goes_on(self, stem: str) -> None:
        """Wait until no document of a pattern will move by itself any more."""

        def nothing() -> bool:
            self.turn()
            return not any(document.state in WAITING for document in self.documents_of(stem))

        wait_for(nothing, f"an end of {stem}", PATIENCE)


@dataclass
class InProcess(Rig):
    """A volume and a courier on one outbox, with a clock that moves only while a test waits."""

    windows: bool
    volume: Volume
    courier: Courier
    server: FaultyServer
    clock: FakeClock

    def place(self, stem: str) -> Place:
        return VolumePlace(stem, self, self.volume, windows=self.windows)

    def turn(self) -> None:
        self.clock.sleep(1.0)
        self.courier.wake()

    def pause(self) -> None:
        time.sleep(2 * RELEASE_DELAY)
        self.turn()
        time.sleep(2 * RELEASE_DELAY)

    def stored(self) -> Documents:
        return self.server.finals()

    def published(self) -> list[str]:
        return self.server.published

    def puts(self) -> list[str]:
        return [name for done, name in self.server.calls if done == "put"]


@contextmanager
def in_process(folder: Path, *, windows: bool) -> Iterator[InProcess]:
    """Have a volume and a courier for the block."""
    clock, server = FakeClock(), FaultyServer()
    made: list[Courier] = []
    started = threading.Event()
    outbox = Outbox(folder, clock=clock)

    def run() -> None:
        mine = Outbox(folder, clock=clock)
        made.append(Courier(mine, Plan(Rules(pair_wait=10.0), workers=2), lambda: server))
        started.set()
        try:
            made[0].run()
        finally:
            mine.shut()

    thread = threading.Thread(target=run, name="courier", daemon=True)
    thread.start()
    assert started.wait(10)
    volume = Volume(
        outbox, spool=folder / "spool", disk=SpoolDisk(folder, 0), max_document=MAX_DOCUMENT, work=made[0].wake
    )
    try:
        yield InProcess(outbox, float("inf"), windows, volume, made[0], server, clock)
        assert not volume.unkept
    finally:
        made[0].wake("stop")
        thread.join(20)
        volume.close()
        outbox.shut()
    assert not thread.is_alive()


@dataclass
class OnAMount(Rig):
    """A mounted drive and WsgiDAV."""

    folder: Path
    server: Server

    def place(self, stem: str) -> Place:
        return mounted(stem, self, str(self.folder))

    def turn(self) -> None:
        pass

    def pause(self) -> None:
        time.sleep(PAUSE)

    def stored(self) -> Documents:
        found = self.server.names()
        return {name: (self.server.root / name).read_bytes() for name in found if not name.startswith(PREFIX)}

    def published(self) -> list[str]:
        assert all(name.startswith(PREFIX) for name in self.puts())  # so only a MOVE makes a final name
        documents = [document_of(name) for name in self._done("MOVE")]
        found = [self.outbox.document(document[0]) if document else None for document in documents]
        assert None not in found
        return [document.remote_name or "" for document in found if document]

    def puts(self) -> list[str]:
        return self._done("PUT")

    def _done(self, wanted: str) -> list[str]:
        return [
            p.rpartition("/")[2] for method, p, status in self.server.requests() if method == wanted and status < 300
        ]


@contextmanager
def on_a_mount(folder: Path) -> Iterator[OnAMount]:
    """Have a mounted drive for the block."""
    with (
        wsgidav_server(folder / "server") as server,
        drive(
            folder / "drive", server.url, server.user, server.password, settle=SETTLE, max_document=MAX_DOCUMENT
        ) as mounted,
    ):
        outbox = mounted.outbox()
        yield OnAMount(outbox, SETTLE, mounted.mountpoint, server)
        outbox.close()


RIGS = ("volume", "volume-as-on-windows", "mount")


@pytest.fixture(scope="module")
def rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp(request.param)
    made = on_a_mount(folder) if request.param == "mount" else in_process(folder, windows=request.param != "volume")
    with made as found:
        yield found


# ---- the tests ---------------------------------------------------------------------------------------------------


def run_in_time(rig: Rig, pattern: Pattern) -> tuple[Place, Documents]:
    """Run a pattern; again, under other names, if it took longer than the time within which it must have ended."""
    limit = rig.settle if pattern.within_settle else float("inf")
    for attempt in range(TRIES):
        place = rig.place(f"{pattern.number:03}{chr(ord('a') + attempt)} {pattern.name}")
        place.max_document = MAX_DOCUMENT
        rig.unproven.add(place.stem)
        begun = time.monotonic()
        try:
            expected = pattern.run(place)
        except TooSlowError:
            continue
        except (OSError, AssertionError):
            if time.monotonic() - begun < limit:
                raise
        else:
            if time.monotonic() - begun < limit:
                return place, expected
    pytest.fail(f"this machine is too slow: not once within {rig.settle} s")


def each(*, mount_only: bool) -> pytest.MarkDecorator:
    """Run a test with each pattern."""
    found = [pattern for pattern in PATTERNS if pattern.mount_only == mount_only]
    return pytest.mark.parametrize("pattern", [pytest.param(pattern, id=pattern.name) for pattern in found])


@each(mount_only=False)
@pytest.mark.parametrize("rig", RIGS, indirect=True)
def test_the_server_gets_what_a_person_expects(rig: Rig, pattern: Pattern) -> None:
    prove(rig, pattern)


@each(mount_only=True)
@pytest.mark.parametrize("rig", ["mount"], indirect=True)
def test_the_server_gets_what_a_person_wrote_in_memory(rig: Rig, pattern: Pattern) -> None:
    prove(rig, pattern)


def prove(rig: Rig, pattern: Pattern) -> None:
    """Run a pattern and compare what the server has and ever had with what a person expects."""
    place, expected = run_in_time(rig, pattern)
    rig.wait_until_nothing_goes_on(place.stem)
    documents = rig.documents_of(place.stem)
    told = "\n".join(f"{d.path} {d.state} {d.reason} {d.detail}" for d in documents)
    stored = {name: data for name, data in rig.stored().items() if place.stem in name}
    published = [name for name in rig.published() if place.stem in name]
    assert stored == expected, told
    assert sorted(published) == sorted(expected), told
    assert papers_came_first(published), published
    assert {d.path for d in documents if d.state in NEEDS_PERSON} == place.needs_person, told
    rig.unproven.remove(place.stem)
    rig.expected.update(expected)


def papers_came_first(published: Sequence[str]) -> bool:
    """Tell whether each XML came after the PDF and the attachments of its stem (rule 12)."""
    for at, name in enumerate(published):
        stem, _, ending = name.rpartition(".")
        if ending == "xml" and any(later.startswith((stem + ".", stem + "-")) for later in published[at + 1 :]):
            return False
    return True


@pytest.mark.parametrize("rig", RIGS, indirect=True)
def test_nothing_else_came_ever(rig: Rig) -> None:
    for stem in rig.unproven:
        rig.wait_until_nothing_goes_on(stem)

    def proven(name: str) -> bool:
        return not any(stem in name for stem in rig.unproven)

    assert {name: data for name, data in rig.stored().items() if proven(name)} == rig.expected
    assert sorted(filter(proven, rig.published())) == sorted(rig.expected)
    ids = {d.id for d in rig.outbox.documents("1")}
    puts = [name for name in rig.puts() if (found := document_of(name)) and found[0] in ids]
    assert len(puts) == len(set(puts)), "a temporary name was used again"


# ---- what the patterns brought to light --------------------------------------------------------------------------


class NoTime:
    """No time passes."""

    settle = float("inf")
    patience = 0.0

    def look(self, path: str) -> str:
        raise AssertionError("never to be seen")

    def pause(self) -> None:
        pass


def test_a_close_that_rides_on_a_delete_wakes_the_courier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingisfs.drive.volume.RELEASE_DELAY", 60.0)
    outbox, woken = Outbox(tmp_path), []
    volume = Volume(
        outbox, spool=tmp_path / "spool", disk=SpoolDisk(tmp_path, 0), work=lambda: woken.append(outbox.waiting())
    )
    try:
        place = VolumePlace("001", NoTime(), volume, windows=False)
        place.save(place.name("F1.tmp"), b"noise")
        place.save(place.name("F1.pdf"), pdf("one"))
        woken.clear()
        place.unlink(place.name("F1.tmp"))
        assert [str(document.state) for document in outbox.documents("1")] == ["settling"]
        wait_for(lambda: woken, "the courier to be told")
    finally:
        volume.close()
        outbox.shut()


def test_an_attachment_is_handed_out_once(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, settle=0.0, clock=FakeClock())
    try:
        ids = [keep(outbox, "F1-1.pdf", pdf("attachment")), keep(outbox, "F1.pdf", pdf("one"))]
        ids.append(keep(outbox, "F1.xml", xml("one")))
        intake = Intake(outbox, Rules(pair_wait=0.0))
        assert intake.settle() == 3
        assert [[d.name for d in stem.documents] for stem in intake.ready(8)] == [["F1-1.pdf", "F1.pdf", "F1.xml"]]
    finally:
        outbox.shut()
