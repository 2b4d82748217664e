"""The drive's process: `python -m ingisfs.serving`, started by `mount`. It puts a drive together from outbox, volume,
host, status files and courier.

The first line on standard input is the drive's settings as JSON. The first line of its answer is "ready", or a sentence
of the catalogue with its values as JSON.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import shutil
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ingisfs import alarms
from ingisfs.alarms.watch import Watch
from ingisfs.config import ConfigError, Drive
from ingisfs.crashpoints import crashpoint
from ingisfs.drive.host import host_of, library
from ingisfs.drive.registry import registries, registry_of
from ingisfs.drive.shown import ShownFolders, Words
from ingisfs.drive.space import SpoolDisk
from ingisfs.drive.stop_file import StopFile
from ingisfs.drive.supervisor import Supervisor
from ingisfs.drive.volume import Volume
from ingisfs.logs import log_to
from ingisfs.outbox import salvage
from ingisfs.outbox.ballast import FULL, ROOM, Ballast, takes
from ingisfs.outbox.document import Reason
from ingisfs.outbox.locks import FileLock, locked
from ingisfs.outbox.mirror import adopt, default_folder, is_foreign
from ingisfs.outbox.outbox import Outbox
from ingisfs.outbox.store import (
    OutboxBusyError,
    OutboxDamagedError,
    OutboxError,
    OutboxForeignError,
    OutboxFullError,
    wal_size,
)
from ingisfs.report.catalogue import say
from ingisfs.report.snapshot import DriveFacts
from ingisfs.report.status_files import StatusFiles
from ingisfs.report.target import read_target
from ingisfs.report.text import refusal

log = logging.getLogger(__name__)

HOUSEKEEPING = 2.0  # s between two looks of the drive at its disk
BALLAST_AGAIN = 10.0  # s before the disk is asked again for what it did not give
COURIER_LIMIT = 30.0  # s for an old courier to let go of a damaged outbox
SWITCH = 0.001  # s that another thread may keep Python from the one that serves; Python's own is 0.005


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
        for registry in registries():
            registry.forget(folder)  # the process number of one that died may be another program's by now
        was_full = ballast.give_up_if_full(wal_size(folder))
        if not was_full:
            ballast.make(drive.reserve)
        outbox = open_outbox(drive)
    supervisor = Supervisor(drive, outbox.meta("drive_generation") or "")
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

    def wrong() -> list[str]:
        unkept = ["unkept"] if volume is not None and volume.unkept else []
        return [*unkept, *damage, *(["courier"] if supervisor.fails else [])]

    status = StatusFiles(outbox, facts, outbox.clock, wrong)
    registry = registry_of(drive)

    housekeeper = _Housekeeper(outbox, ballast, drive)

    served = threading.Event()
    stop = StopFile(folder)
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
        host = host_of(drive, volume, mounted)
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


def main() -> int:
    """Be the drive's process: settings as JSON on standard input, "ready" or a sentence as JSON on standard output."""
    gc.freeze()  # what was imported stays: no full collection, in the middle of a print, has to walk it
    sys.setswitchinterval(SWITCH)
    drive = Drive.from_json(sys.stdin.readline())
    with suppress(OSError):  # a disk that is full, or cannot be written: `serve` finds the sentence for it
        log_to(drive.state_folder / "log" / "drive.log")

    def answer(text: str) -> None:
        with suppress(OSError, ValueError):
            print(text, flush=True)
            sys.stdout.close()

    try:
        serve(drive, lambda: answer("ready"))
    except ConfigError as error:
        log.error("%s", error)
        answer(json.dumps({"sentence": error.sentence, "values": {k: str(v) for k, v in error.values.items()}}))
        return 1
    except Exception as error:
        log.exception("the drive ended")
        answer(
            json.dumps({"sentence": "mount.failed", "values": {"mountpoint": drive.mountpoint, "detail": str(error)}})
        )
        return 1
    return 0


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
    with locked(folder / "courier.lock", timeout=COURIER_LIMIT) as alone:
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
        self._lay_out_log()
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

    def _lay_out_log(self) -> None:
        """Give the log its length before King prints, where the disk has plenty."""
        room = self._drive.reserve + self._drive.ballast + 2 * self._drive.wal_bound
        try:
            while not self._ending.is_set() and shutil.disk_usage(self._drive.state_folder).free > room:
                if self._outbox.lay_out_log():
                    return
        except (OutboxError, OSError) as error:
            log.warning("the log grows as it needs: %s", error)

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


if __name__ == "__main__":
    sys.exit(main())
