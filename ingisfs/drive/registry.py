"""Which drives run on this machine for this user: one small file each, beside no outbox, by mountpoint."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from ingisfs.config import Drive, machine_folder
from ingisfs.outbox.locks import is_locked


@dataclass(frozen=True, slots=True)
class Mounted:
    """A drive that was mounted."""

    mountpoint: str
    state_folder: Path
    pid: int

    @property
    def alive(self) -> bool:
        """Tell whether its drive process still runs: it holds a lock as long as it does.

        Of a drive that is not ours, as of the machine's, we cannot know; it counts as alive.
        """
        try:
            return is_locked(self.state_folder / "drive.lock")
        except PermissionError:
            return True


def normal(mountpoint: str) -> str:
    """Return a mountpoint as it is compared: absolute, without links to its parents; `X:` as it is."""
    if len(mountpoint.rstrip("\\/")) == 2 and mountpoint[1] == ":":
        return mountpoint[0].upper() + ":"
    parent, name = os.path.split(os.path.abspath(mountpoint))
    return os.path.join(os.path.realpath(parent), name)


class Registry:
    """The folder of these files."""

    def __init__(self, folder: Path | None = None) -> None:
        """Use `folder`, by default the user's own."""
        self._folder = folder or platformdirs.user_state_path("ingisfs", appauthor=False) / "mounted"

    def _file(self, mountpoint: str) -> Path:
        return self._folder / f"{hashlib.sha256(normal(mountpoint).encode()).hexdigest()[:16]}.json"

    def add(self, mountpoint: str, state_folder: Path, pid: int) -> None:
        """Note a drive. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = json.dumps({"mountpoint": normal(mountpoint), "state": str(state_folder), "pid": pid})
        temporary = self._file(mountpoint).with_suffix(".part")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(self._file(mountpoint))

    def remove(self, mountpoint: str) -> None:
        """Forget a drive."""
        with suppress(OSError):
            self._file(mountpoint).unlink(missing_ok=True)

    def forget(self, state_folder: Path) -> None:
        """Forget all drives with this state folder."""
        for mounted in self.all():
            if mounted.state_folder == state_folder:
                self.remove(mounted.mountpoint)

    def all(self) -> list[Mounted]:
        """Return all drives on note, running or not."""
        found = []
        for path in sorted(self._folder.glob("*.json")):
            with suppress(OSError, ValueError, KeyError):
                entry = json.loads(path.read_text(encoding="utf-8"))
                found.append(Mounted(entry["mountpoint"], Path(entry["state"]), int(entry["pid"])))
        return found

    def find(self, mountpoint: str) -> Mounted | None:
        """Return the drive at a mountpoint."""
        wanted = normal(mountpoint)
        return next((drive for drive in self.all() if drive.mountpoint == wanted), None)


def registry_of(drive: Drive) -> Registry:
    """Return where it is noted that this drive runs."""
    return Registry(machine_folder() / "mounted") if drive.of_machine else Registry()


def registries() -> list[Registry]:
    """Return where it is noted which drives run: this user's, and the machine's if we may look."""
    return [Registry(), Registry(machine_folder() / "mounted")]


def noted() -> list[tuple[Registry, Mounted]]:
    """Return every drive on note, and where it is."""
    return [(registry, mounted) for registry in registries() for mounted in registry.all()]


def running(state_folder: Path) -> Mounted | None:
    """Return what is noted of the drive with this state folder, if one runs and has said where."""
    return next((mounted for _, mounted in noted() if mounted.state_folder == state_folder and mounted.alive), None)
