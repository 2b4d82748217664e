"""What a process has used so far, as the kernel counts it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path


def cpu(pids: Iterable[int]) -> float:
    """Return the seconds of processor time of these processes and the children that they waited for."""
    ticks = 0
    for pid in pids:
        ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def cpu_exactly(pids: Iterable[int]) -> float:
    """Return the seconds of processor time of the threads that these processes have now, to the nanosecond."""
    spent = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            spent += int((task / "schedstat").read_text().split()[0])
    return spent / 1e9


def memory(pids: Iterable[int], what: str = "VmHWM") -> float:
    """Return the resident memory of these processes in MB: the most so far, or now (`VmRSS`)."""
    kilobytes = 0
    for pid in pids:
        found = re.search(rf"^{what}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        kilobytes += int(found[1]) if found else 0
    return kilobytes * 1024 / 1e6


def descendants(ancestor: int) -> list[int]:
    """Return the process and all that descend from it."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # it has ended
    found = [ancestor]
    for pid in found:
        found.extend(child for child, parent in parents.items() if parent == pid)
    return found
