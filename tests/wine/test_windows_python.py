"""The tests that do not need Linux, on Windows' Python under Wine; the host's among them, with winfspy as installed.

What is not in `RUNS` cannot run there: FUSE and what is mounted with it, servers that are Linux's, kills by signals.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.windows_python import UnavailableError, prepare
from tests.wine.wine import Wine, compiled, windows_path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
AMSTERDAM = "CET-1CEST"  # as Windows' C library has it


@dataclass(frozen=True)
class Run:
    """Tests that run together, in a process of their own."""

    name: str
    paths: tuple[str, ...]
    least: int  # so many must pass
    left_out: tuple[str, ...] = ()  # names of tests
    seconds: float = 120


RUNS = [
    Run(
        "host",
        ("tests/winfsp",),
        170,
        ("test_every_error_has_a_status_as_it_has_a_number",),  # compares with the host for Linux
    ),
]


@pytest.fixture(scope="session")
def python(wine: Wine) -> list[str]:
    """Windows' Python, and beside it a library that Wine lacks."""
    try:
        folder = prepare()
    except UnavailableError as error:
        pytest.skip(f"no tests on Windows' Python: {error}")
    compiled(HERE / "bcryptprimitives.c", folder / "bcryptprimitives.dll", "-shared", libraries=["advapi32"])
    return [str(folder / "python.exe"), "-X", "utf8"]


@pytest.fixture(scope="session")
def winfsp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a WinFsp that is ours: see winfsp_stub.c."""
    folder = tmp_path_factory.mktemp("winfsp")
    (folder / "bin").mkdir()
    compiled(HERE / "winfsp_stub.c", folder / "bin" / "winfsp-x64.dll", "-shared")
    return folder


@pytest.mark.parametrize("run", [pytest.param(run, id=run.name) for run in RUNS])
def test_on_windows_python(run: Run, wine: Wine, python: list[str], winfsp: Path, tmp_path: Path) -> None:
    options = ["-q", "-rfE", "-p", "no:cacheprovider", "--color=no", f"--basetemp={windows_path(tmp_path / 'tmp')}"]
    if run.left_out:
        options += ["-k", "not (" + " or ".join(run.left_out) + ")"]
    environment = {"WINFSP_LIBRARY_PATH": windows_path(winfsp), "TZ": AMSTERDAM, "INGISFS_LANGUAGE": "nl"}
    done = wine.run(
        *python, "-m", "pytest", *options, *run.paths, environment=environment, cwd=ROOT, timeout=run.seconds
    )
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    passed = re.search(r"([0-9]+) passed", told)
    assert passed is not None, told
    assert int(passed[1]) >= run.least, told
