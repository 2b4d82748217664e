"""Mount and unmount: puts a drive together from outbox, volume, host, status files and courier.

`serve` is the drive's process; `mount` starts one in the background; `unmount` ends it.

A drive that a person unmounted has the file `stop` in its state folder; one that died has not, and `ingisfs run` mounts
it again. On Windows that file is also how the drive's process learns that it is to end: there are no signals. What
`ingisfs run` itself unmounts has a `stop` that says so, and does not stay away.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from ingisfs import alarms, credentials, letters
from ingisfs.alarms.watch import Watch
from ingisfs.config import ConfigError, Drive, check_server, machine_folder
from ingisfs.crashpoints import crashpoint
from ingisfs.drive import winfsp
from ingisfs.drive.registry import Mounted, Registry, normal
from ingisfs.drive.shown import ShownFolders, Words
from ingisfs.drive.space import SpoolDisk
from ingisfs.drive.supervisor import Supervisor
from ingisfs.drive.volume import Volume
from ingisfs.logs import log_to
from ingisfs.outbox import salvage
from ingisfs.outbox.ballast import FULL, ROOM, Ballast, takes
from ingisfs.outbox.document import Reason
from ingisfs.outbox.locks import FileLock, is_locked, locked
from ingisfs.outbox.mirror import adopt, default_folder, is_foreign
from ingisfs.outbox.outbox import (
    Outbox,
    OutboxBusyError,
    OutboxDamagedError,
    OutboxError,
    OutboxForeignError,
    OutboxFullError,
    wal_size,
)
from ingisfs.processes import apart, python
from ingisfs.report.catalogue import say
from ingisfs.report.snapshot import DriveFacts
from ingisfs.report.status_files import StatusFiles
from ingisfs.report.target import read_target
from ingisfs.report.text import refusal
from ingisfs.windows import Windows

log = logging.getLogger(__name__)

START_LIMIT = 30.0  # s for a drive to answer
HOUSEKEEPING = 2.0  # s between two looks of the drive at its disk
BALLAST_AGAIN = 10.0  # s before the disk is asked again for what it did not give
END_LIMIT = 30.0  # s for a drive's process to end after its unmount
BUSY_LIMIT = 2.0  # s for whoever looks at the drive just now, a keeper or a file manager, to have done
STOP_LOOK = 0.5  # s between two looks for the file that asks a drive's process to end
_BY_KEEPER = b"keeper\n"  # in the file `stop`
DEVICE = Path("/dev/fuse")
MOUNTINFO = Path("/proc/self/mountinfo")


class _Host(Protocol):
    def run(self, mountpoint: str, drive: str) -> None: ...


@contextmanager
def _needing(folder: Path) -> Iterator[None]:
    """Tell in a sentence what a disk refuses that is full, or cannot be written at all. Raises ConfigError."""
    try:
        yield
    except OSError as error:
        sentence = "outbox.full" if error.errno in FULL else "outbox.unwritable"
        raise ConfigError(sentence, folder=folder, detail=error.strerror or error) from error
    except OutboxFullError as error:
        raise ConfigError("outbox.full", folder=folder, detail=error) from error


def open_outbox(drive: Drive) -> Outbox:
    """Open and recover a drive's outbox, under the drive's lock. Raises ConfigError with what to do."""
    folder = drive.state_folder
    _set_damage_aside(folder)
    try:
        outbox = Outbox(folder, settle=drive.settle, wal_bound=drive.wal_bound)
    except OutboxFullError:
        raise
    except OutboxBusyError as error:
        raise ConfigError("outbox.busy", folder=folder, detail=error) from None
    except OutboxForeignError as error:
        raise ConfigError("outbox.foreign", folder=folder, detail=error) from None
    except (OutboxDamagedError, OutboxError, sqlite3.Error) as error:
        # SQLite calls it an input/output error when a quota is used up, a disk has no inodes or cannot be written.
        if not takes(folder, ROOM):
            raise ConfigError("outbox.full", folder=folder, detail=error) from None
        raise ConfigError("outbox.damaged", folder=folder, detail=error) from None
    for damaged in salvage.unfinished(folder):
        _recover(outbox, damaged)
    recovered = outbox.recover_drive()
    if recovered:
        log.warning("%d documents were open when the drive was killed", recovered)
    foreign, mirror = is_foreign(outbox, default_folder())
    if foreign:
        held = outbox.hold_everything(Reason.RESTORED, "the outbox is a restored backup or another machine's")
        adopt(outbox, mirror)
        log.warning("restored or copied outbox: %d documents held", held)
    outbox.count_up("drive_generation")
    for name, value in (
        ("mounted_since", repr(outbox.clock.wall())),
        ("drive", drive.name),
        ("server", drive.server),
        ("language", drive.language),
        ("portal", drive.portal),
        ("host", library()),
    ):
        outbox.set_meta(name, value)
    return outbox


def _set_damage_aside(folder: Path) -> None:
    """Move a damaged outbox out of the way. An old courier must have let go of it first."""
    if salvage.is_sound(folder):
        return
    with locked(folder / "courier.lock", timeout=END_LIMIT) as alone:
        if not alone:
            raise ConfigError("outbox.busy", folder=folder, detail="courier")
        place = salvage.set_aside(folder)
    crashpoint("set_aside.after")
    log.critical("the outbox is damaged; it now lies in %s", place)


def _recover(outbox: Outbox, damaged: Path) -> None:
    """Take over what can be read of a damaged outbox: a person decides about it."""
    count = 0
    for found in salvage.read(damaged):
        if salvage.matters(found):
            outbox.take_over(found)
            count += 1
    outbox.set_meta("damaged", str(damaged))
    salvage.finish(damaged, count)
    log.critical("%d documents were recovered from %s", count, damaged)


def serve(drive: Drive, ready: Callable[[], None]) -> None:
    """Serve a drive until it is unmounted. `ready` is called once programs can use it. Raises ConfigError."""
    folder = drive.state_folder
    ballast = Ballast(folder / "ballast", drive.ballast, lendable=2 * drive.max_document)
    with _needing(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        lock = FileLock(folder / "drive.lock")
        if not lock.acquire():
            raise ConfigError("outbox.in-use", folder=folder)
        for registry in _registries():
            registry.forget(folder)  # the process number of one that died may be another program's by now
        was_full = ballast.give_up_if_full(wal_size(folder))
        if not was_full:
            ballast.make(drive.reserve)
        outbox = open_outbox(drive)
    supervisor = Supervisor(drive)
    volume: Volume | None = None
    damage = ["damaged"] if outbox.meta("damaged") and outbox.needing_person_count() else []
    facts = DriveFacts(
        name=drive.name,
        server=drive.server,
        mounted_since=outbox.clock.wall(),
        language=drive.language,
        portal=drive.portal or None,
        host=library(),
    )
    status = StatusFiles(
        outbox, facts, outbox.clock, lambda: [*(["unkept"] if volume is not None and volume.unkept else []), *damage]
    )
    registry = _registry(drive)

    housekeeper = _Housekeeper(outbox, ballast, drive)

    served = threading.Event()
    stop = _StopFile(folder)
    stop.clear()

    def mounted() -> None:
        served.set()
        if sys.platform == "win32":
            stop.watch(host)
        registry.add(drive.mountpoint, folder, os.getpid())
        supervisor.start()
        housekeeper.start()
        ready()

    try:
        volume = Volume(
            outbox,
            spool=folder / "spool",
            disk=SpoolDisk(folder, drive.reserve, ballast, was_full=was_full),
            status_files=status.files(),
            max_document=drive.max_document,
            work=supervisor.wake,
            stopped=lambda: housekeeper.stopped,
            shown=ShownFolders(outbox, _words(facts)),
        )
        host = _host(drive, volume, mounted)
        host.run(drive.mountpoint, drive.name)
    except RuntimeError as error:
        # libfuse also "fails" with 8 when a signal ends it, which is a way to unmount.
        if not served.is_set():
            raise ConfigError("mount.failed", mountpoint=drive.mountpoint, detail=error) from None
        log.info("the host ended with %s", error)
    finally:
        if volume is not None:
            volume.close()
        stop.end()
        housekeeper.end()
        supervisor.end()
        registry.remove(drive.mountpoint)
        outbox.shut()
        lock.close()


def _words(facts: DriveFacts) -> Words:
    """Return what the folders that only show are called, and say."""
    sent, refused, reason = (say(facts.language, f"folder.{name}") for name in ("sent", "refused", "reason"))
    return Words(sent, refused, reason, lambda document: refusal(facts.language, document, facts.portal))


class _StopFile:
    """The file that says that a person wants the drive to end, and stay away."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "stop"
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def write(self, *, by_person: bool = True) -> None:
        """Ask. What a person asked for stays theirs. Raises OSError."""
        if by_person:
            self._path.write_bytes(b"")
        elif not self.there():
            self._path.write_bytes(_BY_KEEPER)
        self._path.chmod(0o600)

    def clear(self) -> None:
        """Ask no longer."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def there(self) -> bool:
        """Tell whether it was asked for."""
        return os.path.exists(self._path)

    def by_person(self) -> bool:
        """Tell whether a person asked for it."""
        try:
            return self._path.read_bytes() != _BY_KEEPER
        except FileNotFoundError:
            return False
        except OSError:
            return self.there()

    def watch(self, host: object) -> None:
        """End `host` once it is asked for."""

        def look() -> None:
            while not self._ending.wait(STOP_LOOK):
                if self.there():
                    log.info("asked to end")
                    host.end()  # type: ignore[attr-defined]  # all hosts but FUSE's have it
                    return

        self._thread = threading.Thread(target=look, name="stop", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Look no more."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(5)


def was_stopped(state_folder: Path) -> bool:
    """Tell whether a person unmounted the drive with this state folder, after it was mounted last."""
    return _StopFile(state_folder).by_person()


def running(state_folder: Path) -> Mounted | None:
    """Return what is noted of the drive with this state folder, if one runs and has said where."""
    return next((mounted for _, mounted in _noted() if mounted.state_folder == state_folder and mounted.alive), None)


def _registry(drive: Drive) -> Registry:
    """Return where it is noted that this drive runs."""
    return Registry(machine_folder() / "mounted") if drive.of_machine else Registry()


def _registries() -> list[Registry]:
    """Return where it is noted which drives run: this user's, and the machine's if we may look."""
    return [Registry(), Registry(machine_folder() / "mounted")]


def _noted() -> list[tuple[Registry, Mounted]]:
    return [(registry, mounted) for registry in _registries() for mounted in registry.all()]


class _Housekeeper(threading.Thread):
    """Does for the drive what the courier would do, should there be none for long; and takes the ballast again."""

    def __init__(self, outbox: Outbox, ballast: Ballast, drive: Drive) -> None:
        super().__init__(name="housekeeper", daemon=True)
        self._outbox = outbox
        self._ballast = ballast
        self._drive = drive
        self._ending = threading.Event()
        self._next_ballast = 0.0
        self._alarms: Watch | None = None
        self.stopped = False  # the server has needed a person for so long that King shall show a red cross

    def run(self) -> None:
        """Look every few seconds."""
        alarms.forget_gone(self._drive)
        self._alarms = alarms.start(self._drive, self._outbox)
        while not self._ending.wait(HOUSEKEEPING):
            try:
                if self._outbox.wal_size() > 2 * self._outbox.wal_bound:
                    self._outbox.checkpoint()
                self._make_ballast()
                self.look()
            except (OutboxError, OSError) as error:
                log.error("housekeeping: %s", error)
        if self._alarms is not None:
            self._alarms.end()
        self._outbox.close()

    def _make_ballast(self) -> None:
        """Take the ballast again; not at every look, where the disk tells of room that it does not give."""
        if time.monotonic() >= self._next_ballast and not self._ballast.make(self._drive.reserve):
            self._next_ballast = time.monotonic() + BALLAST_AGAIN

    def look(self) -> None:
        """See whether the server has needed a person for too long. A server that is merely away never counts."""
        target = read_target(self._outbox)
        waited = self._outbox.clock.wall() - (target.since or float("inf"))
        limit = self._drive.refuse_after
        self.stopped = target.state == "needs_person" and 0 < limit <= waited

    def end(self) -> None:
        """Stop."""
        self._ending.set()
        if self.is_alive():
            self.join(10)


def library() -> str:
    """Return what carries the file system on this machine. Raises ConfigError if nothing does."""
    if sys.platform == "win32":
        return winfsp.library()
    try:
        from ingisfs.drive.fuse import library as fuse
    except (ImportError, OSError) as error:
        raise ConfigError("mount.no-fuse", detail=error) from None
    return fuse()


def _host(drive: Drive, volume: Volume, mounted: Callable[[], None]) -> _Host:
    if sys.platform == "win32":
        return winfsp.WinFspHost(volume, mounted, session=winfsp.session(), network=drive.drive_type == "network")
    from ingisfs.drive.fuse import FuseHost

    return FuseHost(volume, mounted, shared=drive.of_machine)


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
    if any(mounted.alive and mounted.mountpoint == mountpoint for _, mounted in _noted()):
        raise ConfigError("mount.already", mountpoint=mountpoint)
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


def _fusermount(mountpoint: str, *, lazy: bool = False) -> subprocess.CompletedProcess[str]:
    tool = shutil.which("fusermount3") or shutil.which("fusermount") or "umount"
    options = ["-uz" if lazy else "-u"] if "fusermount" in tool else (["-l"] if lazy else [])
    return subprocess.run([tool, *options, mountpoint], capture_output=True, text=True, check=False)


# ---- mounting ----------------------------------------------------------------------------------------------------


def mount(drive: Drive) -> None:
    """Start the drive in a process of its own and return once it answers. Raises ConfigError."""
    check(drive)
    process = subprocess.Popen(
        [python(), "-m", "ingisfs.mounting"],
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


def main() -> int:
    """Be the drive's process: settings as JSON on standard input, "ready" or a sentence as JSON on standard output."""
    drive = Drive.from_json(sys.stdin.readline())
    with suppress(OSError):  # a disk that is full, or cannot be written: `serve` finds the sentence for it
        log_to(drive.state_folder / "log" / "drive.log")

    def say(text: str) -> None:
        with suppress(OSError, ValueError):
            print(text, flush=True)
            sys.stdout.close()

    try:
        serve(drive, lambda: say("ready"))
    except ConfigError as error:
        log.error("%s", error)
        say(json.dumps({"sentence": error.sentence, "values": {k: str(v) for k, v in error.values.items()}}))
        return 1
    except Exception as error:
        log.exception("the drive ended")
        say(json.dumps({"sentence": "mount.failed", "values": {"mountpoint": drive.mountpoint, "detail": str(error)}}))
        return 1
    return 0


# ---- unmounting --------------------------------------------------------------------------------------------------


def find(mountpoint: str | None) -> Mounted:
    """Return the drive at a mountpoint, or the only one there is. Raises ConfigError."""
    if mountpoint is not None:
        wanted = normal(mountpoint)
        at = [mounted for _, mounted in _noted() if mounted.mountpoint == wanted]
        if not at:
            raise ConfigError("unmount.none-here", mountpoint=mountpoint)
        return next((mounted for mounted in at if mounted.alive), at[0])
    running = [mounted for _, mounted in _noted() if mounted.alive]
    if not running:
        raise ConfigError("unmount.none")
    if len(running) > 1:
        raise ConfigError("unmount.several", mountpoints=", ".join(drive.mountpoint for drive in running))
    return running[0]


def unmount(mounted: Mounted, *, by_person: bool = True) -> None:
    """Take the drive away; what waits stays in the outbox. Returns when its process has ended. Raises ConfigError.

    What a person unmounts stays away until a person mounts it.
    """
    stop = _StopFile(mounted.state_folder)
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
    for registry in _registries():
        registry.remove(mounted.mountpoint)


def _take_away(mounted: Mounted) -> None:
    end = time.monotonic() + BUSY_LIMIT
    while mounted.alive or _has_mount(mounted.mountpoint):
        done = _fusermount(mounted.mountpoint, lazy=not mounted.alive)
        if done.returncode == 0 or not mounted.alive:
            return
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


if __name__ == "__main__":
    sys.exit(main())
