"""The drive's process: open the outbox, recover, mount, serve, and see to the courier."""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

from ingisfs.config import ConfigError, Drive
from ingisfs.delivery_settings import mirror_folder
from ingisfs.drive.registry import Registry
from ingisfs.drive.space import SpoolDisk
from ingisfs.drive.supervisor import Supervisor
from ingisfs.drive.volume import Volume
from ingisfs.outbox.ballast import Ballast
from ingisfs.outbox.document import Reason
from ingisfs.outbox.locks import FileLock
from ingisfs.outbox.mirror import adopt, is_foreign
from ingisfs.outbox.outbox import (
    WAL_BOUND,
    Outbox,
    OutboxBusyError,
    OutboxDamagedError,
    OutboxError,
    OutboxForeignError,
    OutboxFullError,
)
from ingisfs.report.snapshot import DriveFacts
from ingisfs.report.status_files import StatusFiles

log = logging.getLogger(__name__)


def open_outbox(drive: Drive) -> Outbox:
    """Open and recover a drive's outbox, under the drive's lock. Raises ConfigError with what to do."""
    folder = drive.state_folder
    try:
        outbox = Outbox(folder, settle=drive.settle)
    except OutboxFullError as error:
        raise ConfigError("outbox.full", folder=folder, detail=error) from None
    except OutboxBusyError as error:
        raise ConfigError("outbox.busy", folder=folder, detail=error) from None
    except OutboxForeignError as error:
        raise ConfigError("outbox.foreign", folder=folder, detail=error) from None
    except (OutboxDamagedError, OutboxError, sqlite3.Error) as error:
        raise ConfigError("outbox.damaged", folder=folder, detail=error) from None
    foreign, mirror = is_foreign(outbox, mirror_folder())
    if foreign:
        held = outbox.hold_everything(Reason.RESTORED, "the outbox is a restored backup or another machine's")
        adopt(outbox, mirror)
        log.warning("restored or copied outbox: %d documents held", held)
    recovered = outbox.recover_drive()
    if recovered:
        log.warning("%d documents were open when the drive was killed", recovered)
    outbox.count_up("drive_generation")
    outbox.set_meta("mounted_since", repr(outbox.clock.wall()))
    return outbox


def serve(drive: Drive, ready: Callable[[], None]) -> None:
    """Serve a drive until it is unmounted. `ready` is called once programs can use it. Raises ConfigError."""
    folder = drive.state_folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    lock = FileLock(folder / "drive.lock")
    if not lock.acquire():
        raise ConfigError("outbox.in-use", folder=folder)
    size = drive.ballast if drive.ballast >= 0 else WAL_BOUND + 2 * drive.max_document
    ballast = Ballast(folder / "ballast", size)
    if not ballast.give_up_if_full():
        ballast.make(drive.reserve)
    outbox = open_outbox(drive)
    supervisor = Supervisor(drive)
    volume: Volume | None = None
    facts = DriveFacts(
        name=drive.name,
        server=drive.server,
        mounted_since=outbox.clock.wall(),
        language=drive.language,
        portal=drive.portal or None,
    )
    status = StatusFiles(
        outbox, facts, outbox.clock, lambda: ["unkept"] if volume is not None and volume.unkept else []
    )
    registry = Registry()

    def mounted() -> None:
        registry.add(drive.mountpoint, folder, os.getpid())
        supervisor.start()
        ready()

    try:
        volume = Volume(
            outbox,
            spool=folder / "spool",
            disk=SpoolDisk(folder, drive.reserve),
            status_files=status.files(),
            max_document=drive.max_document,
            work=supervisor.wake,
        )
        _host(volume, mounted).run(drive.mountpoint, drive.name)
    except RuntimeError as error:
        raise ConfigError("mount.failed", mountpoint=drive.mountpoint, detail=error) from None
    finally:
        if volume is not None:
            volume.close()
        supervisor.end()
        registry.remove(drive.mountpoint)
        outbox.shut()
        lock.close()


def _host(volume: Volume, mounted: Callable[[], None]) -> _Host:
    if sys.platform == "win32":
        raise ConfigError("mount.no-winfsp")
    try:
        from ingisfs.drive.fuse import FuseHost, library
    except (ImportError, OSError) as error:
        raise ConfigError("mount.no-fuse", detail=error) from None
    log.info("%s", library())
    return FuseHost(volume, mounted)
