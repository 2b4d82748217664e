"""Has the system start the drives: at boot for the whole machine, or when this user logs on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import DEVNULL, CompletedProcess, run

from ingisfs.config import ConfigError
from ingisfs.windows import ADMINISTRATORS, SYSTEM

Runner = Callable[[Sequence[str]], "CompletedProcess[str]"]


def run_program(command: Sequence[str]) -> CompletedProcess[str]:
    """Run a program of the system's, and return what it said. Raises OSError."""
    return run(command, capture_output=True, text=True, check=False, stdin=DEVNULL)


def prepare_machine_folder(
    folder: Path, runner: Runner = run_program, *, windows: bool = sys.platform == "win32"
) -> None:
    """Make a folder below the machine's that only the system and administrators may open. Raises ConfigError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if windows:
            # Not inherited: %ProgramData% lets every user read, and make files.
            rights = [f"*{who}:(OI)(CI)F" for who in (SYSTEM, ADMINISTRATORS)]
            done = runner(["icacls", str(folder), "/inheritance:r", "/grant:r", *rights, "/Q"])
            if done.returncode != 0:
                raise ConfigError("login.machine", detail=(done.stderr or done.stdout).strip() or "icacls")
        else:
            folder.chmod(0o700)
    except OSError as error:
        raise ConfigError("login.machine", detail=error.strerror or error) from None
