"""winfspy for the tests that run it without Windows: its wheel, unpacked into `.venv`, without its library.

    from scripts.windows_wheels import winfspy

    sys.path.append(str(winfspy()))

The wheel comes from the package index that pip is configured for; its hash is pinned, and nothing of it is committed.
Standard library only, as environment.py.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.environment import VENV, stop

VERSION = "0.8.4"
WHEEL = f"winfspy=={VERSION} --hash=sha256:518581972a2f07806702250cb47c25c0722b37ebd2402d5b06e07fecea253317"


def winfspy() -> Path:
    """Return the folder in which the package winfspy lies; download it if it is not there. Ends with 2 if it cannot."""
    folder = VENV / "windows" / f"winfspy-{VERSION}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as making:
        made = Path(making) / "made"
        (Path(making) / "wheels.txt").write_text(WHEEL + "\n", "utf-8")
        _install(made, Path(making) / "wheels.txt")
        for library in made.rglob("*.pyd"):  # for Windows
            library.unlink()
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another run was quicker
                raise
    return folder


def _install(target: Path, wheels: Path) -> None:
    options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes", "--target", str(target)]
    options += ["--python-version", "3.11", "--requirement", str(wheels)]
    uv = shutil.which("uv")
    if importlib.util.find_spec("pip"):
        pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-compile"]
        command = [*pip, "--platform", "win_amd64", "--implementation", "cp", *options]
    elif uv:
        command = [uv, "pip", "install", "--python-platform", "x86_64-pc-windows-msvc", *options]
    else:
        stop(f"{sys.executable} has no pip, which is needed to download winfspy. Install it, or uv, and try again.")
    done = subprocess.run(command, stdin=subprocess.DEVNULL)
    if done.returncode:
        stop(f"{WHEEL.split()[0]} could not be downloaded; see above. Mend that and try again.")


if __name__ == "__main__":
    print(winfspy())
