"""Does a batch leave our temporary names alone? One file at most lies on the server, and not for ever."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingisfs.delivery.courier import Courier, Plan
from ingisfs.delivery.failures import UnreachableError
from ingisfs.delivery.server import document_of
from ingisfs.delivery.survival import GOOD_FOR, NIGHT, Known, Survival, Verdict
from ingisfs.outbox.intake import Rules
from ingisfs.outbox.locks import FileLock
from ingisfs.outbox.outbox import Outbox
from tests.delivery.couriers import InlineWorker, StepCourier
from tests.doubles import FaultyServer

URL = "sftp://example.invalid/inbox"
NOW = 1_790_000_000.0
HOUR = 3600.0


def look(
    tmp_path: Path, server: FaultyServer, after: float, collected: int = 0, folder: str | None = None, url: str = URL
) -> Known:
    found = Survival(tmp_path, url, folder).look(server, NOW + after, lambda since: collected)
    assert found is not None
    return found


def test_the_first_look_leaves_one_file_that_ingis_passes_over_and_says_that_nothing_is_known(
    tmp_path: Path, server: FaultyServer
) -> None:
    assert look(tmp_path, server, 0) == Known(Verdict.WAITING, 0)
    (name,) = server.files
    assert document_of(name) is not None
    assert name.startswith(".ingisfs-")
    assert not server.files[name].lstrip().startswith((b"%PDF", b"<"))
    assert look(tmp_path, server, HOUR) == Known(Verdict.WAITING, HOUR)
    assert list(server.files) == [name]


def test_it_lies_where_uploads_lie(tmp_path: Path, server: FaultyServer) -> None:
    look(tmp_path, server, 0, folder="onderweg")
    (name,) = server.files
    assert name.startswith("onderweg/.ingisfs-")


@pytest.mark.parametrize(("after", "collected"), [(HOUR, 3), (NIGHT, 0)], ids=["INGIS collected", "a night is over"])
def test_what_still_lies_there_after_a_batch_survives_and_goes_away(
    tmp_path: Path, server: FaultyServer, after: float, collected: int
) -> None:
    look(tmp_path, server, 0)
    assert look(tmp_path, server, after, collected) == Known(Verdict.SURVIVES, after, collected)
    assert server.files == {}
    assert look(tmp_path, server, after + HOUR) == Known(Verdict.SURVIVES, after, collected)
    assert server.files == {}


def test_what_is_gone_is_told_until_another_one_has_survived(tmp_path: Path, server: FaultyServer) -> None:
    look(tmp_path, server, 0)
    server.files.clear()
    assert look(tmp_path, server, 2 * HOUR) == Known(Verdict.GONE, 2 * HOUR)
    assert len(server.files) == 1
    assert look(tmp_path, server, 3 * HOUR) == Known(Verdict.GONE, 2 * HOUR)
    assert look(tmp_path, server, 5 * HOUR, collected=1) == Known(Verdict.SURVIVES, 3 * HOUR, 1)
    assert server.files == {}


def test_an_answer_is_asked_for_again_after_a_month(tmp_path: Path, server: FaultyServer) -> None:
    look(tmp_path, server, 0)
    look(tmp_path, server, HOUR, collected=1)
    assert look(tmp_path, server, GOOD_FOR + 2 * HOUR).verdict is Verdict.SURVIVES
    assert len(server.files) == 1


@pytest.mark.parametrize("other", [{"url": "sftp://other.invalid/inbox"}, {"folder": "onderweg"}])
def test_another_server_or_folder_is_another_question(
    tmp_path: Path, server: FaultyServer, other: dict[str, str]
) -> None:
    look(tmp_path, server, 0)
    look(tmp_path, server, HOUR, collected=1)
    assert look(tmp_path, server, 2 * HOUR, **other).verdict is Verdict.WAITING  # type: ignore[arg-type]


def test_a_clock_that_is_set_back_proves_nothing(tmp_path: Path, server: FaultyServer) -> None:
    look(tmp_path, server, 0)
    assert look(tmp_path, server, -5 * HOUR) == Known(Verdict.WAITING, 0)


def test_a_file_that_may_have_been_put_is_removed_and_says_nothing(tmp_path: Path, server: FaultyServer) -> None:
    def lost(operation: str, name: str) -> None:
        if operation == "put":
            raise UnreachableError("the answer is lost")

    server.after = lost
    with pytest.raises(UnreachableError):
        look(tmp_path, server, 0)
    (first,) = server.files
    server.after = lambda operation, name: None
    assert look(tmp_path, server, HOUR) == Known(Verdict.WAITING, 0)
    assert len(server.files) == 1
    assert first not in server.files


def test_a_server_that_does_not_answer_says_nothing(tmp_path: Path, server: FaultyServer) -> None:
    look(tmp_path, server, 0)

    def away(operation: str, name: str) -> None:
        raise UnreachableError("no connection")

    server.before = away
    with pytest.raises(UnreachableError):
        look(tmp_path, server, HOUR)
    server.before = lambda operation, name: None
    assert look(tmp_path, server, 2 * HOUR) == Known(Verdict.WAITING, 2 * HOUR)


def test_a_damaged_note_begins_anew(tmp_path: Path, server: FaultyServer) -> None:
    (tmp_path / "survival.json").write_text('{"place": 3, "nonsense"')
    assert look(tmp_path, server, 0) == Known(Verdict.WAITING, 0)


def test_two_looks_do_not_meet(tmp_path: Path, server: FaultyServer) -> None:
    lock = FileLock(tmp_path / "survival.lock")
    assert lock.acquire()
    try:
        assert Survival(tmp_path, URL, None).look(server, NOW) is None
    finally:
        lock.close()
    assert server.calls == []


# ---- the courier -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stays", [True, False], ids=["it stays", "it was taken"])
def test_the_courier_ends_what_nobody_looks_for_again(
    outbox: Outbox, tmp_path: Path, server: FaultyServer, monkeypatch: pytest.MonkeyPatch, stays: bool
) -> None:
    monkeypatch.setattr("ingisfs.delivery.courier.Worker", InlineWorker)
    now = outbox.clock.wall()
    survival = Survival(tmp_path, URL, None)
    survival.look(server, now - NIGHT - HOUR)
    if not stays:
        server.files.clear()
    rounds(StepCourier(outbox, Plan(Rules(), workers=2), lambda: server, survival=survival))
    assert server.files == {}
    known = survival.look(FaultyServer(), now)
    assert known is not None
    assert known.verdict is (Verdict.SURVIVES if stays else Verdict.GONE)


def test_the_courier_leaves_it_there_for_a_night(
    outbox: Outbox, tmp_path: Path, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingisfs.delivery.courier.Worker", InlineWorker)
    survival = Survival(tmp_path, URL, None)
    survival.look(server, outbox.clock.wall() - HOUR)
    rounds(StepCourier(outbox, Plan(Rules(), workers=2), lambda: server, survival=survival))
    assert server.count("entries") == 1  # it has looked for what was given up
    assert len(server.files) == 1


def rounds(courier: Courier) -> None:
    assert isinstance(courier, StepCourier)
    courier.begin()
    for _ in range(8):
        courier.step()


def test_a_note_has_no_secret(tmp_path: Path, server: FaultyServer) -> None:
    look(tmp_path, server, 0)
    assert set(json.loads((tmp_path / "survival.json").read_text())) == {
        "place", "name", "put_at", "survived", "collected", "told_at", "gone_after"
    }  # fmt: skip
