"""A real outbox with a clock that stands still, and the steps of a document's steps."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingisfs.outbox.outbox import Outbox
from ingisfs.report.snapshot import DriveFacts
from tests.clocks import FakeClock
from tests.report.steps import Steps


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(wall_now=1_795_611_785.0)  # 25-11-2026 14:03:05 in Amsterdam


@pytest.fixture
def outbox(tmp_path: Path, clock: FakeClock) -> Iterator[Outbox]:
    box = Outbox(tmp_path, clock=clock)
    yield box
    box.shut()


@pytest.fixture
def steps(outbox: Outbox) -> Steps:
    return Steps(outbox)


@pytest.fixture
def drive(clock: FakeClock) -> DriveFacts:
    return DriveFacts("king", "https://upload.example.nl/inbox/", clock.wall() - 21_600, "nl", None, "libfuse 3.14")


@pytest.fixture
def amsterdam(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is Amsterdam's."""
    if sys.platform == "win32":  # there it is the process's from its start: see tests/wine
        yield
        return
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Amsterdam")
        time.tzset()
        yield
    time.tzset()
