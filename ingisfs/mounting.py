"""Mount and unmount, as a person asks for it: what is checked before, the drive's process started, and ended.

What that process does is in `serving.py`.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from ingisfs import credentials, letters
from ingisfs.config import ConfigError, Drive, check_server
from ingisfs.drive import winfsp
from ingisfs.drive.registry import Mounted, normal, noted, registries
from ingisfs.drive.stop_file import StopFile
from ingisfs.outbox.locks import is_locked
from ingisfs.processes import apart, python
from ingisfs.whereabouts import is_seen, others_at
from ingisfs.windows import Windows

log = logging.getLogger(__name__)

START_LIMIT = 30.0  # s for a drive to answer
END_LIMIT = 30.0  # s for a drive's process to end after its unmount
BUSY_LIMIT = 2.0  # s for whoever looks at the drive just now, a keeper or a file manager, to have done
DEVICE = Path("/dev/fuse")
MOUNTINFO = Path("/proc/self/mountinfo")


# ---- before mounting ---------------------------------------------------------------------------------------------


def check(drive: Drive) -> None:
    """Refuse what cannot work, before a process is started. Raises ConfigError with what to do."""
    if not drive.server:
        raise ConfigError("server.missing", drive=drive.name)
    check_server(drive.server, drive.unencrypted)
    if not drive.user:
        raise ConfigError("user.missing", drive=drive.name)
    if not drive.mountpoint:
        raise ConfigError("mount.no-mountpoint", drive=drive.name)
    if sys.platform != "win32":
        check_fuse()
    check_state(drive.state_folder)
    _check_mountpoint(drive)
    credentials.password(drive)
    if is_locked(drive.state_folder / "drive.lock"):
        raise ConfigError("outbox.in-use", folder=drive.state_folder)


def check_fuse() -> None:
    """Refuse a machine without FUSE. Raises ConfigError with what to install."""
    if not DEVICE.exists():
        raise ConfigError("mount.no-device", device=DEVICE)
    if shutil.which("fusermount3") is None and shutil.which("fusermount") is None:
        raise ConfigError("mount.no-fuse", detail="fusermount3")


def place(text: str) -> str:
    """Return a mountpoint as it is used and compared: on Windows a letter, `*` being the last free one.

    Raises ConfigError.
    """
    if sys.platform == "win32":
        return letters.choose(text, Windows().letters()) if text.strip() == letters.ANY else letters.known(text)
    return normal(text)


def warnings(drive: Drive) -> list[str]:
    """Return the sentences that a person should read before mounting."""
    if sys.platform == "win32" and Windows().is_elevated() and winfsp.session() != winfsp.SYSTEM_SESSION:
        return ["mount.elevated-machine" if drive.of_machine else "mount.elevated"]
    return []


def check_state(folder: Path) -> None:
    """Refuse an outbox on a disk that cannot keep it. Raises ConfigError."""
    if sys.platform == "win32":
        windows = Windows()
        profile = os.environ.get("USERPROFILE", "")
        letters.check_windows_state(folder, profile, windows.kind_of_disk(folder), windows.file_system(folder))
    else:
        with suppress(OSError):
            letters.check_linux_state(folder, MOUNTINFO.read_text(encoding="utf-8", errors="surrogateescape"))


def _check_mountpoint(drive: Drive) -> None:
    mountpoint = drive.mountpoint
    if any(mounted.alive and mounted.mountpoint == mountpoint for _, mounted in noted()):
        raise ConfigError("mount.already" if is_seen(mountpoint) else "where.session", mountpoint=mountpoint)
    if (refusal := others_at(mountpoint)) is not None and not is_dead(mountpoint):
        raise refusal
    if sys.platform == "win32":
        letters.choose(mountpoint, Windows().letters())
        return
    try:
        entries = os.listdir(mountpoint)
    except FileNotFoundError:
        raise ConfigError("mount.missing", mountpoint=mountpoint) from None
    except NotADirectoryError:
        raise ConfigError("mount.not-a-folder", mountpoint=mountpoint) from None
    except OSError as error:
        if error.errno != errno.ENOTCONN:
            raise ConfigError("mount.unusable", mountpoint=mountpoint, detail=error.strerror) from None
        # What a killed drive left behind: nobody serves it any more.
        _fusermount(mountpoint, lazy=True)
        entries = os.listdir(mountpoint)
    if os.path.ismount(mountpoint):
        raise ConfigError("mount.other", mountpoint=mountpoint)
    if entries:
        raise ConfigError("mount.not-empty", mountpoint=mountpoint)


def is_dead(mountpoint: str) -> bool:
    """Tell whether only the mount is left of a drive: whoever served it was killed."""
    try:
        os.lstat(mountpoint)
    except OSError as error:
        return error.errno == errno.ENOTCONN
    return False


def _fusermount(mountpoint: str, *, lazy: bool = False) -> subprocess.CompletedProcess[str]:
    tool = shutil.which("fusermount3") or shutil.which("fusermount") or "umount"
    options = ["-uz" if lazy else "-u"] if "fusermount" in tool else (["-l"] if lazy else [])
    return subprocess.run([tool, *options, mountpoint], capture_output=True, text=True, check=False)


# ---- mounting ----------------------------------------------------------------------------------------------------


def mount(drive: Drive) -> None:
    """Start the drive in a process of its own and return once it answers. Raises ConfigError."""
    check(drive)
    process = subprocess.Popen(
        [python(), "-m", "ingisfs.serving"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        **apart(),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    # Whoever lives on after this takes note of its end, or a dead drive stays in the list of processes.
    threading.Thread(target=process.wait, name="drive", daemon=True).start()
    with process.stdin, process.stdout:
        process.stdin.write(drive.to_json() + "\n")
        process.stdin.close()
        answer = _first_line(process)
    if answer is None:
        process.kill()
        raise ConfigError("mount.no-answer", mountpoint=drive.mountpoint, log=drive.state_folder / "log")
    if answer != "ready":
        refusal = ConfigError("mount.failed", mountpoint=drive.mountpoint, detail=answer or "?")
        with suppress(ValueError, KeyError):
            failed = json.loads(answer)
            refusal = ConfigError(failed["sentence"], **failed["values"])
        raise refusal
    _wait_for_answer(drive)


def _first_line(process: subprocess.Popen[str]) -> str | None:
    """Return what the new process says first, None if it says nothing in time."""
    lines: list[str] = []

    def read() -> None:
        assert process.stdout is not None
        with suppress(ValueError):
            lines.append(process.stdout.readline().strip())

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(START_LIMIT)
    return lines[0] if lines else None


def _wait_for_answer(drive: Drive) -> None:
    if not answers(drive.mountpoint):
        raise ConfigError("mount.no-answer", mountpoint=drive.mountpoint, log=drive.state_folder / "log")


def answers(mountpoint: str, limit: float = START_LIMIT) -> bool:
    """Look at a drive as a program would, for `limit` seconds at most; tells whether it answers.

    The look is a process of its own: a drive that hangs must not hang us.
    """
    look = "import os, sys; os.stat(sys.argv[1])"
    target = os.path.join(mountpoint + ("\\" if letters.letter(mountpoint) else ""), "INGIS-STATUS.txt")
    process = subprocess.Popen(
        [python(), "-S", "-c", look, target],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **apart(),
    )
    try:
        return process.wait(limit) == 0
    except subprocess.TimeoutExpired:
        process.kill()
        with suppress(subprocess.TimeoutExpired):  # one that hangs inside the kernel cannot be waited for
            process.wait(1)
        return False


# ---- unmounting --------------------------------------------------------------------------------------------------


def find(mountpoint: str | None) -> Mounted:
    """Return the drive at a mountpoint, or the only one there is. Raises ConfigError."""
    if mountpoint is not None:
        wanted = normal(mountpoint)
        at = [mounted for _, mounted in noted() if mounted.mountpoint == wanted]
        if not at:
            raise others_at(wanted) or ConfigError("unmount.none-here", mountpoint=mountpoint)
        return next((mounted for mounted in at if mounted.alive), at[0])
    running = [mounted for _, mounted in noted() if mounted.alive]
    if not running:
        raise ConfigError("unmount.none")
    if len(running) > 1:
        raise ConfigError("unmount.several", mountpoints=", ".join(drive.mountpoint for drive in running))
    return running[0]


def unmount(mounted: Mounted, *, by_person: bool = True) -> None:
    """Take the drive away; what waits stays in the outbox. Returns when its process has ended. Raises ConfigError.

    What a person unmounts stays away until a person mounts it.
    """
    stop = StopFile(mounted.state_folder)
    try:
        stop.write(by_person=by_person)
    except OSError as error:
        # A full disk keeps nobody from unmounting, but on Windows nothing else tells the drive.
        if sys.platform == "win32":
            raise ConfigError("unmount.failed", mountpoint=mounted.mountpoint, detail=error.strerror) from None
        log.warning("cannot note that %s was unmounted: %s", mounted.mountpoint, error)
    try:
        if sys.platform != "win32":
            _take_away(mounted)
        end = time.monotonic() + END_LIMIT
        while mounted.alive:
            if time.monotonic() > end:
                raise ConfigError("unmount.failed", mountpoint=mounted.mountpoint, detail=f"pid {mounted.pid}")
            time.sleep(0.02)
    except ConfigError:
        stop.clear()  # should it die later, it is to be mounted again
        raise
    for registry in registries():
        registry.remove(mounted.mountpoint)


def _take_away(mounted: Mounted) -> None:
    end = time.monotonic() + BUSY_LIMIT
    while mounted.alive or _has_mount(mounted.mountpoint):
        done = _fusermount(mounted.mountpoint, lazy=not mounted.alive)
        if done.returncode == 0 or not mounted.alive:
            return
        if not _has_mount(mounted.mountpoint) and time.monotonic() <= end:  # it ends, or is out of our sight
            time.sleep(0.1)
            continue
        if not _has_mount(mounted.mountpoint):
            raise ConfigError("where.session", mountpoint=mounted.mountpoint)
        busy = "busy" in done.stderr.lower()
        if not busy or time.monotonic() > end:
            sentence = "unmount.busy" if busy else "unmount.failed"
            raise ConfigError(sentence, mountpoint=mounted.mountpoint, detail=done.stderr.strip())
        time.sleep(0.1)


def clear_away(mounted: Mounted) -> None:
    """End a drive that hangs, and take its mount away. What it kept is safe, and recovered by the next mount.

    Raises ConfigError if its process does not end.
    """
    if mounted.alive:
        with suppress(OSError):  # it ended just now
            os.kill(mounted.pid, getattr(signal, "SIGKILL", signal.SIGTERM))  # Windows' SIGTERM is as final
    end = time.monotonic() + END_LIMIT
    while mounted.alive:
        if time.monotonic() > end:
            raise ConfigError("unmount.failed", mountpoint=mounted.mountpoint, detail=f"pid {mounted.pid}")
        time.sleep(0.02)
    if sys.platform != "win32" and _has_mount(mounted.mountpoint):
        _fusermount(mounted.mountpoint, lazy=True)


def _has_mount(mountpoint: str) -> bool:
    """Tell whether the kernel has a mount there, dead or alive, without touching it: os.path.ismount would."""
    try:
        return mountpoint in letters.mountpoints(MOUNTINFO.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return os.path.ismount(mountpoint)
