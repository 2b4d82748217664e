"""Alarms: what a person must know of a drive, told once, and once more when it is over.

`start` watches a drive from inside its process or its courier; `gone` and `back` are for who watches that process.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from pathlib import Path

from ingisfs.alarms.watch import Watch, gone_file, until_told
from ingisfs.config import Drive
from ingisfs.outbox.outbox import Outbox

log = logging.getLogger(__name__)

_telling: dict[Path, threading.Thread] = {}
_lock = threading.Lock()  # guards _telling


def start(drive: Drive, outbox: Outbox) -> Watch | None:
    """Watch a drive in a thread of its own; None if nobody wants alarms. The caller ends it, before the outbox."""
    if not drive.alarms:
        return None
    try:
        watch = Watch(drive, outbox, clock=outbox.clock, done=outbox.close)
        watch.start()
    except Exception as error:  # no alarm is worth a delivery
        log.error("nobody watches %s: %r", drive.name, error)
        return None
    return watch


def gone(drive: Drive) -> None:
    """Tell that the drive's process is gone and King cannot print, unless it is soon back. Never raises, never waits.

    It is told by this process, or by the courier if that one lives: the note of it stays for whoever looks.
    """
    if drive.alarms:
        with suppress(OSError):
            gone_file(drive.state_folder).touch(mode=0o600)
        _tell(drive)


def back(drive: Drive) -> None:
    """Tell that the drive is there again, if it was told that it was gone. Never raises, never waits."""
    if drive.alarms and forget_gone(drive):
        _tell(drive)


def forget_gone(drive: Drive) -> bool:
    """Note that the drive is there; tells whether it was noted to be gone."""
    try:
        gone_file(drive.state_folder).unlink()
    except OSError:
        return False
    return True


def _tell(drive: Drive) -> None:
    """Have it told by a thread: one for each drive."""
    folder = drive.state_folder
    try:
        with _lock:
            thread = _telling.get(folder)
            if thread is None or not thread.is_alive():
                thread = threading.Thread(target=_until_told, args=(drive,), name="alarm", daemon=True)
                thread.start()
                _telling[folder] = thread
    except RuntimeError as error:  # no more threads
        log.error("the alarm of %s cannot be told: %r", drive.name, error)


def _until_told(drive: Drive) -> None:
    try:
        until_told(drive)
    except Exception as error:
        log.error("the alarm of %s cannot be told: %r", drive.name, error)
