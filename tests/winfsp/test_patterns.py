"""Every way to save, through WinFsp's callbacks, brings exactly the documents that a person expects to the server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ingisfs.selftest.corpus import Pattern
from ingisfs.selftest.patterns import PATTERNS
from ingisfs.selftest.place import Place
from tests import test_patterns as corpus
from tests.winfsp.driver import Driver
from tests.winfsp.mounted import mounted
from tests.winfsp.place import WinFspPlace

#: On Windows a name is taken until the last handle on it is closed: see test_winfsp.py.
NOT_ON_WINDOWS = {
    "deleted_while_open",
    "deleted_while_open_and_written_again",
    "scanned_while_deleted_and_written_again",
}
POSSIBLE = [pattern for pattern in PATTERNS if pattern.name not in NOT_ON_WINDOWS]


@dataclass
class OnWinFsp(corpus.InProcess):
    """A volume below WinFsp's callbacks, and a courier."""

    driver: Driver

    def place(self, stem: str) -> Place:
        return WinFspPlace(stem, self, self.driver)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnWinFsp]:
    folder = tmp_path_factory.mktemp("winfsp")
    with (
        corpus.in_process(folder, windows=True) as below,
        mounted(below.volume, folder / "X") as letter,
    ):
        parts = (below.windows, below.volume, below.courier, below.server, below.clock)
        yield OnWinFsp(below.outbox, below.settle, *parts, letter.driver)


@pytest.mark.parametrize("pattern", [pytest.param(pattern, id=pattern.name) for pattern in POSSIBLE])
def test_the_server_gets_what_a_person_expects(rig: OnWinFsp, pattern: Pattern) -> None:
    corpus.prove(rig, pattern)


def test_what_windows_cannot_do_is_in_the_corpus() -> None:
    assert len(POSSIBLE) == len(PATTERNS) - len(NOT_ON_WINDOWS)


def test_nothing_else_came_ever(rig: OnWinFsp) -> None:
    corpus.test_nothing_else_came_ever(rig)
