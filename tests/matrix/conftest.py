"""What the tests of the matrix share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingisfs.delivery import courier as courier_module
from ingisfs.delivery import target
from tests.delivery.couriers import outbox
from tests.matrix.kinds import Kind, Scene

__all__ = ["outbox"]

Hooks = dict[str, Callable[[int], None]]


@pytest.fixture
def scene(kind: Kind, tmp_path: Path) -> Iterator[Scene]:
    with kind.scene(tmp_path / "server") as made:
        yield made


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real waits, only shorter; and a person who asks for another try now and then."""
    monkeypatch.setattr(courier_module, "RESOLVE_WAIT", 0.01)
    monkeypatch.setattr(courier_module, "LOOK", 0.1)
    monkeypatch.setattr(courier_module, "backoff", lambda tries: 0.01)
    monkeypatch.setattr(target, "backoff", lambda tries: 0.01)
    monkeypatch.setattr(target, "SECOND_TRY", 0.05)
    monkeypatch.setattr(target, "PERSON_PROBE", 0.2)
    monkeypatch.setattr(target, "LOGIN_PROBE", 0.2)


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> Hooks:
    """What happens when a worker comes to a point (`put.before`, `publish.before` …): told how often it came there."""
    made: Hooks = {}
    counts: dict[str, int] = {}

    def reached(point: str) -> None:
        counts[point] = counts.get(point, 0) + 1
        if point in made:
            made[point](counts[point])

    monkeypatch.setattr("ingisfs.delivery.worker.crashpoint", reached)
    return made
