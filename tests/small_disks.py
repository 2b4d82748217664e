"""Small file systems of their own, for disks that are full, that have a quota, or that turn read-only.

Each lies in an image on a loop device, so it takes root and a kernel that has loop devices; where those are missing, as
in most containers, `reason_why_not` says so. They are real file systems all the same: a tmpfs has no errors, no quota
and no end of its inodes.
"""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.servers import program, wait_for

MIB = 2**20


@dataclass
class SmallDisk:
    """A file system that is mounted at `folder`, and the folder in it that is to be used."""

    image: Path
    folder: Path
    options: str
    inside: str = ""  # the part of it that has a quota

    @property
    def place(self) -> Path:
        """The folder to use."""
        return self.folder / self.inside

    @property
    def foreign(self) -> Path:
        """The file of somebody else that fills it."""
        return self.place / "foreign"

    def mount(self) -> None:
        _run("mount", "-o", self.options, str(self.image), str(self.folder))

    def unmount(self) -> None:
        """Unmount; its loop device goes with it. A process that just died may hold it for a moment.

        So may a browser elsewhere, whose sandbox has a copy of all mounts: while its loop device is there, the next
        mount would get the same file system back, read-only as it was.
        """

        def tried() -> bool:
            found = subprocess.run([program("umount"), str(self.folder)], capture_output=True, check=False)
            return found.returncode == 0 or not os.path.ismount(self.folder)

        def let_go() -> bool:
            return not subprocess.run(
                [program("losetup"), "-j", str(self.image)], capture_output=True, check=False
            ).stdout

        wait_for(tried, f"{self.folder} to be free", 30)
        wait_for(let_go, f"{self.image} to be free", 60)

    def device(self) -> str:
        """The name of its device, as in `loop0`."""
        lines = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
        return next(os.path.basename(line[0]) for line in lines if line[1] == str(self.folder))

    def free(self) -> int:
        """What it says that it has, in bytes."""
        found = os.statvfs(self.place)
        return found.f_bavail * found.f_frsize

    def fill(self) -> None:
        """Let somebody else write until it takes not a byte more, whoever has freed some meanwhile."""
        with open(self.foreign, "ab", buffering=0) as file:
            for size in (MIB, 65536, 4096):
                with suppress(OSError):
                    while True:
                        file.write(b"\xa5" * size)
                        os.fsync(file.fileno())

    def fill_inodes(self) -> None:
        """Let somebody else make files until there can be no more."""
        folder = self.place / "many"
        folder.mkdir(exist_ok=True)
        number = sum(1 for _ in folder.iterdir())
        with suppress(OSError):
            while True:
                (folder / f"{number}").touch()
                number += 1

    def empty(self) -> None:
        """Let somebody else tidy up."""
        self.foreign.unlink(missing_ok=True)
        for path in (self.place / "many").glob("*"):
            path.unlink()
        os.sync()  # btrfs counts a quota anew only then

    def fail(self) -> None:
        """Have the file system (ext4) meet an error: from now on it can only be read, as after a fault of its disk."""
        Path(f"/sys/fs/ext4/{self.device()}/trigger_fs_error").write_text("tried")

    def repair(self) -> None:
        """Check it (ext4) and mount it anew. Nobody may use it."""
        self.unmount()
        checked = subprocess.run([program("e2fsck"), "-fy", str(self.image)], capture_output=True, check=False)
        assert checked.returncode in {0, 1}, checked.stdout
        self.mount()


@contextmanager
def ext4_disk(base: Path, megabytes: int = 24, inodes: int = 2000) -> Iterator[SmallDisk]:
    """An ext4 of this size; nothing of it is reserved for root."""
    make = ["mkfs.ext4", "-q", "-b", "4096", "-m", "0", "-N", str(inodes), "-e", "remount-ro"]
    with _mounted(base, megabytes, make, "loop,errors=remount-ro") as disk:
        yield disk


@contextmanager
def btrfs_with_quota(base: Path, megabytes: int = 24) -> Iterator[SmallDisk]:
    """A roomy btrfs with a subvolume that may take `megabytes`: more is EDQUOT, for root too; statvfs tells nothing."""
    with _mounted(base, 200, ["mkfs.btrfs", "-q", "-M"], "loop") as disk:
        disk.inside = "limited"
        _run("btrfs", "quota", "enable", str(disk.folder))
        _run("btrfs", "subvolume", "create", str(disk.place))
        _run("btrfs", "qgroup", "limit", str(megabytes * MIB), str(disk.place))
        yield disk


@contextmanager
def _mounted(base: Path, megabytes: int, make: Sequence[str], options: str) -> Iterator[SmallDisk]:
    disk = SmallDisk(base / "disk.img", base / "disk", options)
    disk.folder.mkdir(parents=True)
    try:
        with open(disk.image, "wb") as file:
            file.truncate(megabytes * MIB)
        _run(*make, str(disk.image))
        disk.mount()
        yield disk
    finally:
        if os.path.ismount(disk.folder):
            try:
                disk.unmount()
            except AssertionError:
                subprocess.run([program("umount"), "-l", str(disk.folder)], check=False)  # at least not to stay
                raise
        disk.image.unlink(missing_ok=True)


def _run(name: str, *arguments: str) -> None:
    done = subprocess.run([program(name), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{name} {arguments}: {done.stderr}"


@functools.cache
def reason_why_not(kind: str) -> str:
    """Why this machine cannot mount a small `ext4` or `btrfs`; "" if it can. It is tried."""
    if os.geteuid() != 0:
        return "mounting an image takes root"
    if subprocess.run([program("losetup"), "-f"], capture_output=True, check=False).returncode != 0:
        return "no loop devices here, as in most containers"
    try:
        make = ext4_disk if kind == "ext4" else btrfs_with_quota
        with tempfile.TemporaryDirectory(prefix="ingisfs-disk-") as base, make(Path(base)) as disk:
            if kind == "ext4" and not Path(f"/sys/fs/ext4/{disk.device()}/trigger_fs_error").exists():
                return "this kernel's ext4 cannot be told to fail"
    except (AssertionError, OSError) as error:
        return f"no {kind} can be mounted from an image here: {error}"
    return ""
