"""On what was measured: the machine, and the versions of everything that took part."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import sqlite3
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from scripts.benchmarks.drives import is_here
from scripts.environment import ROOT


def describe(base: Path) -> dict[str, str]:
    """Return what a reader has to know, by its name. `base` lies on the disk that is measured."""
    found = {
        "processor": f"{os.cpu_count()} × {_processor()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB",
        "disk": _file_system(base),
        "system": f"{_system()}, Linux {platform.release()}",
        "Python": f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        "ingisfs": f"{version('ingisfs')}, commit {_said('git', '-C', str(ROOT), 'describe', '--always', '--dirty')}",
        "rclone": _said("rclone", "version").split("\n")[0].removeprefix("rclone "),
        "sshfs": _number(_said("sshfs", "--version"), r"SSHFS version ([\d.]+)"),
        "davfs2": _number(_said("/usr/sbin/mount.davfs", "--version"), r"davfs2 ([\d.]+)"),
        "httpx, asyncssh, WsgiDAV": ", ".join(version(name) for name in ("httpx", "asyncssh", "wsgidav")),
        "Apache, OpenSSH, vsftpd": ", ".join(_servers()),
    }
    return {name: said for name, said in found.items() if said}


def _servers() -> list[str]:
    from tests.matrix.kinds import KINDS

    said = {}
    for kind in KINDS:
        if kind.id in {"apache", "openssh", "vsftpd"}:
            with contextlib.suppress(OSError, RuntimeError):
                said[kind.id] = kind.version()
    return [said.get(name, "–") for name in ("apache", "openssh", "vsftpd")]


def _said(*command: str) -> str:
    if not is_here(command[0]):
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return (done.stdout + done.stderr).strip()


def _number(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    return found[1] if found else ""


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text() if sys.platform == "linux" else ""
    return _number(text, r"model name\s*: (.*)") or platform.machine()


def _system() -> str:
    with contextlib.suppress(OSError):
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    return platform.system()


def _file_system(folder: Path) -> str:
    device = os.stat(folder).st_dev
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[2] == f"{os.major(device)}:{os.minor(device)}":
            return fields[fields.index("-") + 1]
    return ""
