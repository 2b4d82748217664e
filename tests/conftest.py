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


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one process run all tests of a file, of a server in the matrix, and all under Wine (pytest-xdist).

    Those under Wine share one prefix, so that they wait for each other, mostly: they begin first.
    """
    items.sort(key=lambda item: item.path.parent.name != "wine")
    for item in items:
        name = "all" if item.path.parent.name == "wine" else item.path.name
        parameters: dict[str, Any] = item.callspec.params if hasattr(item, "callspec") else {}
        if item.path.parent.name == "matrix" and "kind" in parameters:
            name = parameters["kind"].id
        item.add_marker(pytest.mark.xdist_group(f"{item.path.parent.name}/{name}"))


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
