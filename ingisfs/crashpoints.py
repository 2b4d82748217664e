"""Named points at which a test may stop the process dead, as a power cut would. Nothing happens without the variable.

`INGISFS_CRASH_AT=keep.inside` (or `keep.inside:3` for the third time) kills this process with SIGKILL there.
"""

from __future__ import annotations

import os
import signal

_target, _, _count = os.environ.get("INGISFS_CRASH_AT", "").partition(":")
_left = int(_count or 1)


def crashpoint(name: str) -> None:
    """Die here if a test said so."""
    global _left
    if name == _target:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
