"""How our own processes are started: apart from the terminal and its signals, and on Windows without a window."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

# https://learn.microsoft.com/windows/win32/procthread/process-creation-flags
DETACHED_PROCESS, CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW = 0x00000008, 0x00000200, 0x08000000
BELOW_NORMAL_PRIORITY_CLASS = 0x00004000
NICE = 5  # of 19


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


def yield_to_others() -> None:
    """Let every other program go first, the one that prints and the drive above all. Never raises."""
    with suppress(OSError, AttributeError):
        if sys.platform == "win32":
            import ctypes

            kernel32 = ctypes.WinDLL("kernel32")
            kernel32.GetCurrentProcess.restype = ctypes.c_void_p
            kernel32.SetPriorityClass.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
            kernel32.SetPriorityClass(kernel32.GetCurrentProcess(), BELOW_NORMAL_PRIORITY_CLASS)
        else:
            os.nice(NICE)
