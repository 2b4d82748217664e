"""Drives to print into: ours, its peers, and the local disk."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.benchmarks.processes import descendants
from scripts.benchmarks.sites import Site
from scripts.benchmarks.work import wait
from tests.mounts import Drive, drive
from tests.servers import program

RCLONE_DEFAULT, DAVFS2_DEFAULT = 5, 10  # s for which a closed file rests before it is sent
MOUNT = 30.0  # s that a mount may take


@dataclass(frozen=True, slots=True)
class Place:
    """A folder to print into, and the processes behind it."""

    folder: Path
    sync: bool = False  # the printing program has to sync for itself
    processes: dict[str, list[int]] = field(default_factory=dict)
    ours: Drive | None = None


@contextlib.contextmanager
def local(base: Path, _: Site) -> Iterator[Place]:
    """Have a folder of the local disk, for a program that syncs file and folder."""
    folder = base / "local"
    folder.mkdir(parents=True)
    yield Place(folder, sync=True)


@contextlib.contextmanager
def ingisfs(base: Path, site: Site, **settings: Any) -> Iterator[Place]:
    """Have our drive: everything as it comes, but that nothing settles, and an XML waits for no PDF."""
    defaults = {"wal_bound": 64 * 2**20, "max_document": 64 * 2**20}  # tests/mounts.py has smaller ones
    with_site = {**defaults, "settle": 0.0, "pair_wait": 0.0, "alarms": False, **site.settings, **settings}
    with drive(base, site.url, site.server.user, site.server.password, **with_site) as mounted:
        yield of_ours(mounted)


def of_ours(mounted: Drive) -> Place:
    """Return the place that a mounted drive of ours is."""
    found: dict[str, list[int]] = {}

    def both() -> bool:
        found.update({what: mounted.pids(what) for what in ("drive", "courier")})
        return all(len(pids) == 1 for pids in found.values())

    wait(both, "one drive and one courier", every=0.05)  # those of the mount before may still be ending
    return Place(mounted.mountpoint, processes=found, ours=mounted)


def rclone_remote(site: Site) -> list[str]:
    """Return the remote and its options as rclone's command line has them."""
    server = site.server
    obscured = subprocess.run(
        ["rclone", "obscure", "-"], input=server.password, capture_output=True, text=True, check=True
    ).stdout.strip()
    match site.kind.family:
        case "WebDAV":
            remote = [":webdav:", "--webdav-url", site.url, "--webdav-user", server.user, "--webdav-pass", obscured]
        case "SFTP":
            where = ["--sftp-host", site.host, "--sftp-port", str(site.port)]
            remote = [f":sftp:{site.path}", *where, "--sftp-user", server.user, "--sftp-key-file", str(site.key_file)]
        case "FTPS":
            where = ["--ftp-host", site.host, "--ftp-port", str(site.port)]
            login = ["--ftp-user", server.user, "--ftp-pass", obscured]
            remote = [
                f":ftp:{site.path}",
                *where,
                *login,
                "--ftp-explicit-tls",
                "--ftp-no-check-certificate",
                "--ftp-disable-tls13",
            ]
        case _:
            raise ValueError(f"rclone does not know {site.kind.title}")
    return [*remote, "--config", "/dev/null"]


@contextlib.contextmanager
def rclone(base: Path, site: Site, write_back: int = 0, transfers: int = 4) -> Iterator[Place]:
    """Have rclone's drive. `write_back`: seconds for which it waits after a close."""
    mountpoint = base / "rclone"
    mountpoint.mkdir(parents=True)
    remote, *options = rclone_remote(site)
    command = ["rclone", "mount", remote, str(mountpoint), *options, "--vfs-cache-mode", "writes"]
    command += ["--cache-dir", str(base / "cache"), "--vfs-write-back", f"{write_back}s", "--transfers", str(transfers)]
    with _foreground(command, mountpoint, base / "rclone.log") as pids:
        yield Place(mountpoint, processes={"rclone": pids})


@contextlib.contextmanager
def nothing(base: Path, _: Site) -> Iterator[Place]:
    """Have a FUSE drive that keeps nothing, in Python as ours is."""
    mountpoint = base / "nothing"
    mountpoint.mkdir(parents=True)
    command = [sys.executable, str(Path(__file__).with_name("nothing.py")), str(mountpoint)]
    with _foreground(command, mountpoint, base / "nothing.log") as pids:
        yield Place(mountpoint, processes={"nothing": pids})


@contextlib.contextmanager
def sshfs(base: Path, site: Site) -> Iterator[Place]:
    """Have sshfs's drive."""
    mountpoint = base / "sshfs"
    mountpoint.mkdir(parents=True)
    ssh = f"StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null,LogLevel=ERROR,IdentityFile={site.key_file}"
    command = ["sshfs", "-f", f"{site.server.user}@{site.host}:{site.path}", str(mountpoint), "-p", str(site.port)]
    with _foreground([*command, "-o", ssh], mountpoint, base / "sshfs.log") as pids:
        yield Place(mountpoint, processes={"sshfs": pids})


@contextlib.contextmanager
def davfs2(base: Path, site: Site, delay: int = 0) -> Iterator[Place]:
    """Have davfs2's drive. `delay`: s for which it waits after a close; with 0 it sends before the close returns."""
    mountpoint, cache = base / "davfs2", base / "cache"
    mountpoint.mkdir(parents=True)
    cache.mkdir()
    cache.chmod(0o777)
    secrets, settings = base / "secrets", base / "davfs2.conf"
    secrets.write_text(f"{site.url} {site.server.user} {site.server.password}\n")
    secrets.chmod(0o600)
    settings.write_text(f"ask_auth 0\ncache_dir {cache}\nsecrets {secrets}\ndelay_upload {delay}\n")
    command = [program("mount.davfs"), site.url, str(mountpoint), "-o", f"conf={settings}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=MOUNT, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError(f"davfs2 did not mount: {done.stderr.strip()}")
    try:
        yield Place(mountpoint)
    finally:
        # umount waits until all was sent, which may be long; the daemon ends when its mount is gone
        pid_file = Path("/run/mount.davfs") / (str(mountpoint).strip("/").replace("/", "-") + ".pid")
        pid = int(pid_file.read_text()) if pid_file.exists() else 0
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        subprocess.run(["umount", "-i", "-l", str(mountpoint)], check=False, capture_output=True)
        pid_file.unlink(missing_ok=True)


Maker = Callable[[Path, Site], AbstractContextManager[Place]]
PEERS: dict[str, tuple[str, str, Maker]] = {  # name → program, kind of server, how
    "rclone mount, WebDAV": ("rclone", "wsgidav", rclone),
    "sshfs": ("sshfs", "openssh", sshfs),
    "davfs2": ("mount.davfs", "wsgidav", lambda base, site: davfs2(base, site, DAVFS2_DEFAULT)),
}


def is_here(name: str) -> bool:
    """Tell whether a program is on this machine."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin") is not None


@contextlib.contextmanager
def _foreground(command: list[str], mountpoint: Path, log: Path) -> Iterator[list[int]]:
    with log.open("w") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        wait(lambda: os.path.ismount(mountpoint) or process.poll() is not None, "a mount", MOUNT)
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} did not mount: {log.read_text()[-500:]}")
        yield descendants(process.pid)
    finally:
        subprocess.run(["fusermount3", "-uz", str(mountpoint)], check=False, capture_output=True)
        process.kill()
        process.wait(20)
