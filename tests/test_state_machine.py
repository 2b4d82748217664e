"""Write, rename, delete, kill, fail, deliver, collect in any order: nothing is lost, nothing half, nothing twice.

The volume, the outbox and the courier are the real ones; workers run inline and the clock stands still between steps,
so that every run can be repeated.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ingisfs.delivery import courier as courier_module
from ingisfs.delivery.courier import Plan
from ingisfs.delivery.failures import DoubtError, TransientError, UnreachableError
from ingisfs.delivery.following import Pattern
from ingisfs.drive.errors import VolumeError
from ingisfs.drive.space import SpoolDisk
from ingisfs.drive.volume import Volume
from ingisfs.outbox.document import BY_INGIS, NEEDS_PERSON, SENT, State
from ingisfs.outbox.intake import Rules
from ingisfs.outbox.outbox import Outbox
from tests.clocks import FakeClock
from tests.delivery.couriers import InlineWorker, StepCourier
from tests.documents import pdf, xml
from tests.doubles import FaultyServer
from tests.servers import wait_for

NAMES = ["F1.pdf", "F1.xml", "F2.pdf", "F1(1).pdf", "x.tmp"]
OPERATIONS = ["put", "publish", "entry", "entries", "get", "ping", "replace", "remove"]


class KilledError(BaseException):
    """The process is dead."""


class Everything(RuleBasedStateMachine):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="ingisfs-states-"))
        self.clock = FakeClock()
        self.server = FaultyServer()
        self.acknowledged: set[bytes] = set()
        self.latest: dict[str, bytes] = {}
        self.number = 0
        self.taken: dict[str, bytes] = {}  # what INGIS took last under a name
        self.answers: dict[tuple[str, str], set[bytes]] = {}  # what it answered: name and ending → about which bytes
        self.away: dict[str, bytes] = {}  # what lies on the server's disk while that is not there
        self.patches = contextlib.ExitStack()
        self.patches.enter_context(mock.patch.object(courier_module, "Worker", InlineWorker))
        self.patches.enter_context(mock.patch.object(courier_module, "backoff", return_value=1.0))
        self.patches.enter_context(mock.patch("ingisfs.delivery.target.backoff", return_value=1.0))
        self.start_drive()
        self.start_courier()

    # ---- processes -----------------------------------------------------------------------------------------------

    def start_drive(self) -> None:
        self.outbox = Outbox(self.folder, settle=1.0, clock=self.clock)
        self.outbox.recover_drive()
        self.volume = Volume(self.outbox, spool=self.folder / "spool", disk=SpoolDisk(self.folder, 0))

    def start_courier(self) -> None:
        self.courier_box = Outbox(self.folder, settle=1.0, clock=self.clock)
        answers = (Pattern("{name}.err", State.REFUSED), Pattern("{name}.ack", State.ACCEPTED))
        plan = Plan(Rules(pair_wait=2.0), workers=2, archive_days=0, follow=1.0, answers=answers)
        self.courier = StepCourier(self.courier_box, plan, lambda: self.server)
        self.courier.begin()

    def kill_courier(self) -> None:
        self.courier_box.shut()
        self.start_courier()

    @rule()
    def kill_the_courier(self) -> None:
        self.kill_courier()

    @rule()
    def kill_the_drive(self) -> None:
        self.end_timer()  # what it had not yet said to the outbox dies with the drive
        self.outbox.shut()
        self.start_drive()

    def end_timer(self) -> None:
        self.volume._closing.set()
        self.volume._wake.set()
        self.volume._timer.join(5)

    # ---- programs ------------------------------------------------------------------------------------------------

    def content(self, name: str, whole: bool) -> bytes:
        self.number += 1
        data = xml(f"version {self.number}") if name.endswith("xml") else pdf(f"version {self.number}")
        return data if whole else data[:-12]

    @rule(name=st.sampled_from(NAMES), whole=st.sampled_from([True, True, True, False]))
    def write(self, name: str, whole: bool) -> None:
        data = self.content(name, whole)
        with suppress(VolumeError):
            if name in self.volume.names_in(""):
                handle = self.volume.open(name, may_write=True)
                self.volume.truncate(handle, 0)
            else:
                handle = self.volume.create(name)
            try:
                self.volume.write(handle, 0, data[:20])
                self.volume.write(handle, 20, data[20:])
                self.volume.flush(handle)
                self.acknowledged.add(data)
                self.latest[name] = data
            finally:
                self.volume.release(handle)

    @rule(name=st.sampled_from(NAMES))
    def open_for_writing_and_close(self, name: str) -> None:
        with suppress(VolumeError):
            self.volume.release(self.volume.open(name, may_write=True))

    @rule(old=st.sampled_from(NAMES), new=st.sampled_from(NAMES))
    def rename(self, old: str, new: str) -> None:
        with suppress(VolumeError):
            self.volume.rename(old, new)
            if old != new and old in self.latest:
                self.latest[new] = self.latest.pop(old)

    @rule(name=st.sampled_from(NAMES))
    def delete(self, name: str) -> None:
        with suppress(VolumeError):
            self.volume.remove(name)
            self.latest.pop(name, None)

    # ---- the world -----------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.0, 0.5, 2.0, 30.0]))
    def time_passes_and_the_courier_works(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        self.run_courier(4)

    def run_courier(self, rounds: int) -> None:
        wait_for(self.nothing_is_closing, "closed documents to be let go of")
        for _ in range(rounds):
            try:
                self.courier.step()
            except KilledError:
                self.kill_courier()
                return

    def nothing_is_closing(self) -> bool:
        with self.volume._lock:  # held until what was closed is written down
            return not self.volume._released

    @rule(
        operation=st.sampled_from(OPERATIONS),
        behind=st.booleans(),
        what=st.sampled_from([TransientError("500"), UnreachableError("reset"), DoubtError("silence"), KilledError()]),
        seconds=st.sampled_from([0.0, 2.0]),
    )
    def something_fails_once(self, operation: str, behind: bool, what: BaseException, seconds: float) -> None:
        left = [what]

        def fault(done: str, name: str) -> None:
            if done == operation and left:
                raise left.pop()

        setattr(self.server, "after" if behind else "before", fault)
        self.clock.sleep(seconds)
        self.run_courier(4)
        self.heal()

    def heal(self) -> None:
        self.server.before = self.server.after = lambda operation, name: None

    @rule()
    def ingis_collects(self) -> None:
        for name in list(self.server.finals()):
            self.taken[name] = self.server.files.pop(name)

    @rule(name=st.sampled_from(NAMES), ending=st.sampled_from(["err", "ack"]))
    def ingis_answers(self, name: str, ending: str) -> None:
        if name in self.taken:
            self.number += 1
            self.answers.setdefault((name, ending), set()).add(self.taken[name])
            self.server.files[f"{name}.{ending}"] = f"answer {self.number}".encode()

    @rule()
    def a_night_passes_in_which_the_servers_disk_is_away_for_a_while(self) -> None:
        """Then the folder is empty; what is put there is gone in the morning."""
        self.minutes_pass()
        self.server.files, self.away = {}, self.server.files
        self.minutes_pass()
        self.server.files, self.away = self.away, {}
        self.minutes_pass()

    def minutes_pass(self) -> None:
        for _ in range(4):
            self.clock.sleep(20.0)
            self.run_courier(3)
            self.collected_is_what_ingis_took_and_refused_is_what_it_refused()

    @rule()
    def a_person_releases_what_was_printed_again(self) -> None:
        held = self.outbox.documents("state = ? AND reason = ?", (State.HELD, "already-delivered"))
        self.outbox.release_held(held)

    # ---- what always holds ---------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_published_twice_or_half(self) -> None:
        published = [data for _, data in self.server.publications]
        assert len(published) == len(set(published)), "each version is unique, so a second time is a second copy"
        for name, data in self.server.publications:
            assert data in self.acknowledged, f"{name} was published without having been acknowledged"

    @invariant()
    def collected_is_what_ingis_took_and_refused_is_what_it_refused(self) -> None:
        there = {_sha(data) for data in [*self.server.files.values(), *self.away.values()]}
        for document in self.outbox.documents("state IN (?, ?, ?)", sorted(BY_INGIS)):
            if document.state is State.COLLECTED:
                assert document.sha256 not in there, f"{document.name} is still there"
            else:
                ending = "err" if document.state is State.REFUSED else "ack"
                about = self.answers.get((document.remote_name or "", ending), set())
                assert document.sha256 in {_sha(data) for data in about}, f"{document.name} was not {document.state}"

    def teardown(self) -> None:
        try:
            self.heal()
            for _ in range(12):
                self.clock.sleep(120.0)
                self.run_courier(4)
            self.nothing_is_published_twice_or_half()
            assert self.outbox.waiting() == 0, self.outbox.counts()
            by_hash = {document.sha256: document for document in self.outbox.documents("1 ORDER BY number")}
            for name, data in self.latest.items():
                if name.endswith("tmp"):
                    continue
                document = by_hash.get(_sha(data))
                assert document is not None, f"{name} was acknowledged, and is nowhere"
                assert document.state in SENT | NEEDS_PERSON | {State.SUPERSEDED}, f"{name}: {document.state}"
                if document.state in SENT:
                    assert data in {published for _, published in self.server.publications}
        finally:
            self.volume.close()
            self.outbox.shut()
            self.courier_box.shut()
            self.patches.close()
            shutil.rmtree(self.folder)


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


TestEverything = Everything.TestCase
TestEverything.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


class ForLong(Everything):
    """The same, until something gives."""


TestEverythingForLong = pytest.mark.long(ForLong.TestCase)
TestEverythingForLong.settings = settings(
    TestEverything.settings, max_examples=1500, stateful_step_count=50, derandomize=False
)
