"""Wine for the tests: a prefix of this checkout's own, and programs that run in it.

It carries Win32 programs, and Windows' Python, on Linux. It has neither Windows' kernel nor its drivers: what it does
about share modes, file locks and deleted files that are open is its own work, close to Windows' but no proof of it.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ingisfs.outbox.locks import locked
from scripts.windows_python import FOLDER

GCC = "x86_64-w64-mingw32-gcc"


def wine64() -> str | None:
    """Return where the 64-bit Wine is; Debian keeps it out of everybody's path."""
    return next((path for name in ("wine64", "/usr/lib/wine/wine64", "wine") if (path := shutil.which(name))), None)


def lacking() -> str | None:
    """Return what keeps this machine from running Windows programs, None if nothing does."""
    if platform.machine() != "x86_64":
        return f"no Windows programs on {platform.machine()}"
    if wine64() is None or shutil.which("wineserver") is None:
        return "Wine is not installed"
    return None if shutil.which(GCC) else f"{GCC} is not installed"


@dataclass(frozen=True)
class Wine:
    """One prefix: a registry, drive letters, and a server process that its programs share."""

    prefix: Path

    @property
    def environment(self) -> dict[str, str]:
        """What programs get: neither a screen, nor a folder of the person who tests."""
        keep = {"PATH", "LANG", "LC_ALL", "TZ"}
        return {
            **{key: value for key, value in os.environ.items() if key in keep},
            "HOME": str(self.prefix / "home"),
            "WINEPREFIX": str(self.prefix),
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "winemenubuilder.exe=d;mscoree=d;mshtml=d",
        }

    def start(
        self, *command: str, environment: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a program. All its streams are pipes: with others, Windows' Python does not even begin."""
        program = wine64()
        assert program is not None
        return subprocess.Popen(
            [program, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self.environment, **(environment or {})},
            cwd=cwd or self.prefix,
        )

    def run(
        self, *command: str, environment: Mapping[str, str] | None = None, cwd: Path | None = None, timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end. Raises subprocess.TimeoutExpired."""
        process = self.start(*command, environment=environment, cwd=cwd)
        try:
            said, complained = process.communicate(timeout=timeout)
        except BaseException:
            self.end()
            process.wait()
            raise
        return subprocess.CompletedProcess(
            command, process.returncode, said.decode(errors="replace"), complained.decode(errors="replace")
        )

    def letter(self, letter: str, folder: Path | None) -> None:
        """Give a folder of this machine a drive letter; None takes the letter away."""
        link = self.prefix / "dosdevices" / f"{letter.lower()}:"
        link.unlink(missing_ok=True)
        if folder is not None:
            link.symlink_to(folder)

    def end(self) -> None:
        """End all programs of this prefix, and its server."""
        subprocess.run(["wineserver", "-k"], env=self.environment, capture_output=True, check=False)
        subprocess.run(["wineserver", "-w"], env=self.environment, capture_output=True, check=False, timeout=60)


def windows_path(path: Path) -> str:
    """Return how a program under Wine names a file of this machine."""
    return "Z:" + str(path).replace("/", "\\")


def compiled(source: Path, target: Path, *options: str, libraries: Sequence[str] = ()) -> Path:
    """Compile a C program or library for Windows; a warning is an error."""
    command = [GCC, "-O1", "-Wall", "-Wextra", "-Werror", "-s", *options, str(source), "-o", str(target)]
    command += [f"-l{library}" for library in libraries]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


@contextmanager
def prefix() -> Iterator[Wine]:
    """Have Wine for the block. The prefix, 700 MB in `.venv`, is made once and used by one test run at a time."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with locked(FOLDER / "wine.lock", timeout=900) as alone:
        assert alone, "another test run keeps the Wine prefix"
        wine = Wine(FOLDER / "prefix")
        version = _said("wineserver", "--version") + ", without a screen"
        stamp = wine.prefix / "ingisfs.txt"
        if not stamp.exists() or stamp.read_text() != version:
            shutil.rmtree(wine.prefix, ignore_errors=True)
            (wine.prefix / "home").mkdir(parents=True)
            _must(wine, ["wineboot", "--init"])
            _must(wine, ["reg", "add", r"HKCU\Software\Wine", "/v", "Version", "/d", "win10", "/f"])
            # Windows that nobody sees; without a driver there would be none at all.
            _must(wine, ["reg", "add", r"HKCU\Software\Wine\Drivers", "/v", "Graphics", "/d", "null", "/f"])
            wine.end()
            stamp.write_text(version)
        try:
            yield wine
        finally:
            wine.end()


def _said(*command: str) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    return done.stdout.strip()


def _must(wine: Wine, command: Sequence[str]) -> None:
    done = wine.run(*command, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
