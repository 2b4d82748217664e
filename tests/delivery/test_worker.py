"""How a worker verifies what it has put: by one listing, or by a question for each file, whichever is quicker."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from ingisfs.delivery import worker as module
from ingisfs.delivery.server import Entry, Server
from ingisfs.delivery.worker import Job, Parcel, Result, Worker
from ingisfs.outbox.outbox import Outbox
from tests.documents import keep, pdf

QUESTION = 0.05  # s


@dataclass
class Slow:
    """A server whose every answer takes a round trip, and whose listing takes longer for each file in the folder."""

    strangers: int = 0  # files in the folder that are not ours
    clock: float = 1000.0  # s
    files: dict[str, bytes] = field(default_factory=dict)
    listings: int = 0
    questions: int = 0

    def put(self, name: str, data: bytes) -> None:
        self.clock += QUESTION
        self.files[name] = data

    def entry(self, name: str) -> Entry | None:
        self.clock += QUESTION
        self.questions += 1
        return Entry(len(self.files[name]), "tag") if name in self.files else None

    def entries(self, folder: str) -> dict[str, Entry]:
        del folder
        self.clock += QUESTION + 0.0001 * (self.strangers + len(self.files))
        self.listings += 1
        return {name: Entry(len(data), "tag") for name, data in self.files.items()}


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    server = Slow()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: server.clock))
    return server


@pytest.fixture
def job(tmp_path: Path) -> Job:
    outbox = Outbox(tmp_path / "state")
    kept = [outbox.document(keep(outbox, f"F{number}.pdf", pdf(str(number)))) for number in range(10)]
    parcels = [Parcel(each, f"temporary-{each.name}", outbox.payload(each.id)) for each in kept if each is not None]
    outbox.shut()
    return Job("put", [[parcel] for parcel in parcels])


def done(worker: Worker, job: Job) -> Result:
    result = worker._do(job)
    assert [outcome.error for outcome in result.outcomes] == [None] * 10
    return result


def test_a_listing_that_is_quicker_than_ten_questions_verifies_them_all(slow: Slow, job: Job) -> None:
    slow.strangers = 2000  # 0.25 s a listing, and ten questions are 0.5 s
    worker = Worker(1, lambda: cast(Server, slow), lambda _: None)
    for _ in range(5):
        done(worker, job)
    assert (slow.listings, slow.questions) == (5, 0)


def test_a_full_folder_is_not_listed_for_each_job_and_looked_at_again_once_it_may_be_empty(
    slow: Slow, job: Job
) -> None:
    slow.strangers = 20_000  # 2 s a listing
    worker = Worker(1, lambda: cast(Server, slow), lambda _: None)
    for _ in range(20):
        done(worker, job)
    assert (slow.listings, slow.questions) == (1, 190)
    slow.strangers = 0  # INGIS has taken them
    slow.clock += 60
    for _ in range(5):
        done(worker, job)
    assert (slow.listings, slow.questions) == (6, 190)
