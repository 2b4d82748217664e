"""How our own processes are started: apart from the terminal and its signals, and on Windows without a window."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

# https://learn.microsoft.com/windows/win32/procthread/process-creation-flags
DETACHED_PROCESS, CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW = 0x00000008, 0x00000200, 0x08000000


def python(*, windows: bool = sys.platform == "win32", executable: str = sys.executable) -> str:
    """Return the interpreter for a process of ours: on Windows the one that opens no console."""
    if windows:
        quiet = Path(executable).with_name("pythonw.exe")
        if quiet.exists():
            return str(quiet)
    return executable


def apart(*, windows: bool = sys.platform == "win32") -> dict[str, Any]:
    """Return the arguments for Popen that make a process independent of ours."""
    if windows:
        return {"creationflags": DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW}
    return {"start_new_session": True, "cwd": "/"}
