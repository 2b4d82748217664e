"""Fixtures that several folders share."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.matrix.results import Results

_matrix: list[Results] = []  # one, once a test of the matrix was reported


def pytest_configure() -> None:
    """Let Ctrl-C reach the commands under test: in the background of a shell it is ignored, by children too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let those under Wine begin first: they share one prefix, so one process does them, in minutes."""
    items.sort(key=lambda item: item.path.parent.name != "wine")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let one process run all tests of a file, of a server in the matrix, and all under Wine.

    pytest-xdist's own groups, `xdist_group`, are not heeded with pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            path, _, test = nodeid.partition("::")
            if path.startswith("tests/wine/"):
                return "wine"
            if path.startswith("tests/matrix/") and "[" in test:
                return test.partition("[")[2].rstrip("]").partition("-")[0]
            return path

    return Together(config, log)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Gather what docs/servers.md tells."""
    if "matrix/test_matrix.py::" in report.nodeid:
        from tests.matrix.results import Results  # takes a second

        if not _matrix:
            _matrix.append(Results())
        _matrix[0].hear(report)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write docs/servers.md if all servers were tried."""
    if _matrix and not hasattr(session.config, "workerinput") and _matrix[0].complete():
        _matrix[0].write()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB, for disks that are full. Needs root, as the tests do for their servers."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m,mode=0700", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
