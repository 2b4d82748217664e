"""A drive mounted by the commands, as a person does it, in folders of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingisfs.outbox.locks import is_locked
from ingisfs.outbox.reading import ReadOnlyOutbox
from ingisfs.report.status_files import FRESH
from tests.servers import wait_for


@dataclass
class Drive:
    """One drive: its folders, its settings, and the commands on it."""

    base: Path
    url: str
    user: str = "king"
    password: str = "secret"
    settings: Mapping[str, Any] = field(default_factory=dict)
    state: Path = field(init=False)
    mountpoint: Path = field(init=False)

    def __post_init__(self) -> None:
        self.state = self.base / "state"
        self.mountpoint = self.base / "X"
        self.mountpoint.mkdir(parents=True, exist_ok=True)
        self.configure()

    def configure(self, **more: Any) -> None:
        """Write the configuration file."""
        # `follow`: no file of ours lies beside the documents, however slow the machine is.
        quick = {"settle": 0.2, "pair_wait": 1.0, "wal_bound": 2**20, "max_document": 2**21, "follow": 3600.0}
        values: dict[str, Any] = {**quick, **self.settings, **more}
        lines = [f"{key} = {json.dumps(value)}" for key, value in values.items() if not isinstance(value, dict)]
        tables = [
            f"[drives.king.{key}]\n" + "\n".join(f"{json.dumps(k)} = {json.dumps(v)}" for k, v in value.items())
            for key, value in values.items()
            if isinstance(value, dict)
        ]
        self.config.write_text("[drives.king]\n" + "\n".join(lines + tables) + "\n")

    @property
    def config(self) -> Path:
        return self.base / "config.toml"

    @property
    def environment(self) -> dict[str, str]:
        keep = {"PATH", "LANG", "HOME", "PYTHONPATH", "FUSE_LIBRARY_NAME", "INGISFS_CRASH_AT"}
        return {
            **{key: value for key, value in os.environ.items() if key in keep},
            "XDG_DATA_HOME": str(self.base / "data"),
            "XDG_STATE_HOME": str(self.base / "xdg-state"),
            "XDG_CONFIG_HOME": str(self.base / "xdg-config"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "INGISFS_PASSWORD": self.password,
            "INGISFS_LANGUAGE": "nl",
        }

    def run(self, *arguments: str, timeout: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one command of ingisfs."""
        return subprocess.run(
            [sys.executable, "-m", "ingisfs", *arguments],
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def mount(self, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Mount, as a person does."""
        options = ["--config", str(self.config), "--server", self.url, "--user", self.user, "--state", str(self.state)]
        return self.run("mount", str(self.mountpoint), *options, *more, timeout=60, **environment)

    def unmount(self, *more: str) -> subprocess.CompletedProcess[str]:
        """Unmount, as a person does."""
        return self.run("unmount", str(self.mountpoint), *more)

    def shown(self, name: str = "INGIS-STATUS.txt") -> str:
        """Return a status file of the drive as it is now: what it tells may be a quarter of a second old."""
        time.sleep(1.2 * FRESH)
        return (self.mountpoint / name).read_text(encoding="utf-8")

    def status(self) -> dict[str, Any]:
        """Return `ingisfs status --json`."""
        done = self.run("status", "--config", str(self.config), "--state", str(self.state), "--json")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def outbox(self) -> ReadOnlyOutbox:
        """Return the record, to look at."""
        return ReadOnlyOutbox(self.state)

    def states(self) -> dict[str, str]:
        """Return the state of the newest document of every name."""
        outbox = self.outbox()
        try:
            return {d.path: str(d.state) for d in outbox.documents("1 ORDER BY number")}
        finally:
            outbox.close()

    def reasons(self) -> dict[str, str | None]:
        """Return the reason at the newest document of every name."""
        outbox = self.outbox()
        try:
            return {d.path: d.reason for d in outbox.documents("1 ORDER BY number")}
        finally:
            outbox.close()

    def wait_states(self, wanted: Mapping[str, str], seconds: float = 30.0) -> None:
        """Wait until these documents are in these states."""
        wait_for(lambda: {n: s for n, s in self.states().items() if n in wanted} == dict(wanted), f"{wanted}", seconds)

    def wait_delivered(self, names: Sequence[str], seconds: float = 60.0) -> None:
        """Wait until all of these were delivered."""
        self.wait_states(dict.fromkeys(names, "delivered"), seconds)

    def pids(self, what: str) -> list[int]:
        """Return the processes of this drive: `drive` or `courier`, by the locks they hold."""
        module = {"drive": "ingisfs.serving", "courier": "ingisfs.delivery"}[what]
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    command = (entry / "cmdline").read_bytes()
                    if module.encode() in command and str(self.base).encode() in (entry / "environ").read_bytes():
                        found.append(int(entry.name))
        return found

    def kill(self, what: str) -> None:
        """Kill a process of the drive, as a power cut would."""
        for pid in self.pids(what):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        lock = self.state / f"{what}.lock"
        wait_for(lambda: not self.pids(what) or not is_locked(lock), f"the {what} to be dead")

    def is_mounted(self) -> bool:
        """Tell whether the kernel has the mount."""
        return any(line.split()[1] == str(self.mountpoint) for line in Path("/proc/mounts").read_text().splitlines())

    def clean(self) -> None:
        """End everything, whatever state it is in."""
        for _ in range(3):
            self.kill("drive")
            self.kill("courier")
        if self.is_mounted():
            subprocess.run(["fusermount3", "-uz", str(self.mountpoint)], check=False, capture_output=True)
        wait_for(lambda: not self.is_mounted(), "the mount to be gone")


@contextmanager
def drive(base: Path, url: str, user: str, password: str, **settings: Any) -> Iterator[Drive]:
    """Have a drive for the block, mounted."""
    made = Drive(base, url, user, password, settings)
    try:
        done = made.mount()
        assert done.returncode == 0, done.stderr + _logs(made)
        yield made
    finally:
        made.clean()


def _logs(made: Drive) -> str:
    return "".join(path.read_text(errors="replace") for path in (made.state / "log").glob("*"))
