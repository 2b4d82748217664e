"""A courier in a thread, with a server in memory, for the tests of delivering."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingisfs.delivery import courier as courier_module
from ingisfs.delivery.courier import Courier, Plan
from ingisfs.delivery.failures import DeliveryError
from ingisfs.delivery.server import Server
from ingisfs.delivery.worker import Job, Result, Worker
from ingisfs.outbox.document import Document, State
from ingisfs.outbox.intake import Rules
from ingisfs.outbox.outbox import Outbox
from tests.documents import keep, pdf, xml
from tests.doubles import FaultyServer
from tests.servers import wait_for

LONG = 60.0  # s; far more than any of it takes


@pytest.fixture
def server() -> FaultyServer:
    return FaultyServer()


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path, settle=0.0)
    yield box
    box.shut()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real waits, only shorter."""
    monkeypatch.setattr(courier_module, "RESOLVE_WAIT", 0.01)
    monkeypatch.setattr("ingisfs.delivery.courier.backoff", lambda tries: 0.01)
    monkeypatch.setattr("ingisfs.delivery.target.backoff", lambda tries: 0.01)
    monkeypatch.setattr("ingisfs.delivery.target.SECOND_TRY", 0.05)


@contextmanager
def running(
    outbox: Outbox, server: FaultyServer, pair_wait: float = 0.0, workers: int = 2, rules: Rules | None = None
) -> Iterator[Courier]:
    """Run a courier with a server in memory until the block ends."""
    with delivering(outbox, Plan(rules or Rules(pair_wait=pair_wait), workers=workers), lambda: server) as made:
        yield made


@contextmanager
def delivering(outbox: Outbox, plan: Plan, connect: Callable[[], Server]) -> Iterator[Courier]:
    """Run a courier in a thread, on a connection of its own, until the block ends."""
    made: list[Courier] = []
    started = threading.Event()
    folder = Path(outbox.directory).parent

    def run() -> None:
        mine = Outbox(folder, settle=0.0)
        made.append(Courier(mine, plan, connect))
        started.set()
        try:
            made[0].run()
        finally:
            mine.shut()

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(10)
    try:
        yield made[0]
    finally:
        made[0].wake("stop")
        thread.join(20)
        assert not thread.is_alive()


def get(outbox: Outbox, document_id: str) -> Document:
    document = outbox.document(document_id)
    assert document is not None
    return document


def until(outbox: Outbox, document_id: str, state: State) -> Document:
    """Wait until a document is in a state."""
    wait_for(lambda: get(outbox, document_id).state is state, f"{document_id} to be {state}", LONG)
    return get(outbox, document_id)


def all_delivered(outbox: Outbox) -> None:
    """Wait until nothing waits any more; all of it has been delivered."""
    wait_for(lambda: outbox.waiting() == 0, "the queue to be empty", LONG)
    states = {document.name: document.state for document in outbox.documents("1")}
    assert set(states.values()) == {State.DELIVERED}, states


def given_up(outbox: Outbox, courier: Courier, reason: str) -> None:
    """Wait until the target needs a person and is left alone for long."""

    def left_alone() -> bool:
        target = outbox.meta("target") or ""
        long = courier._target.next_probe > outbox.clock.boot() + 600
        return long and '"needs_person"' in target and f'"{reason}"' in target

    wait_for(left_alone, "the target to need a person, and no further try", LONG)


def pair(outbox: Outbox) -> dict[str, bytes]:
    """Keep a PDF and its XML; returns both."""
    return _kept(outbox, {"F1.pdf": pdf("1", size=3000), "F1.xml": xml("1")})


def fifty_pairs(outbox: Outbox) -> dict[str, bytes]:
    """Keep fifty PDFs, each with its XML; returns all."""
    pairs = ({f"F{number}.pdf": pdf(f"{number}"), f"F{number}.xml": xml(f"{number}")} for number in range(50))
    return _kept(outbox, {name: data for pair in pairs for name, data in pair.items()})


def _kept(outbox: Outbox, documents: dict[str, bytes]) -> dict[str, bytes]:
    for name, data in documents.items():
        keep(outbox, name, data)
    return documents


def fail_once(operation: str, error: Exception) -> Callable[[str, str], None]:
    left = [error]

    def fault(done: str, name: str) -> None:
        if done == operation and left:
            raise left.pop()

    return fault


class InlineWorker(Worker):
    """Does a job at once, in the courier's own thread."""

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def join(self, timeout: float | None = None) -> None:
        pass

    def give(self, job: Job) -> None:
        self.busy = True
        try:
            result = self._do(job)
        except DeliveryError as error:
            result = Result(self, job, error=error)
        self._report(result)


class StepCourier(Courier):
    """A courier that makes one round when it is told to."""

    def _patience(self) -> float:
        return 0.0

    def begin(self) -> None:
        self._outbox.recover_courier()

    def step(self) -> None:
        self._turn()
