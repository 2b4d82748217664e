"""Keeps the drives of one configuration mounted: what `autostart` has the system start, and a watchdog afterwards.

A drive whose process died, or that answers no program any more, is told of, cleared away and mounted again, with
growing pauses. A drive that a person unmounted stays away until a person mounts it. Each drive has a thread of its own,
so that one that cannot be mounted holds up no other. At its own end the keeper unmounts what it keeps; the couriers go
on alone. Should the keeper itself be killed, its drives live on, and the next one keeps them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import platformdirs

from ingisfs import alarms, mounting
from ingisfs.config import ConfigError, Drive, load, machine_config_path, machine_folder, names_in
from ingisfs.drive import registry, stop_file
from ingisfs.outbox.locks import FileLock, is_locked
from ingisfs.outbox.reading import ReadOnlyOutbox
from ingisfs.report.catalogue import say
from ingisfs.report.target import read_target
from ingisfs.windows import EndOfSession, Windows

log = logging.getLogger(__name__)

LOOK = 1.0  # s between two looks whether a drive's process lives
ASK = 30.0  # s between two questions to a drive that answers
ASK_AGAIN = 5.0  # s after one that it did not answer
ANSWER_LIMIT = 20.0  # s that an answer may take
HANGS = 3  # questions in a row without an answer
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0  # s before a drive is mounted again
GOOD_RUN = 60.0  # s after which an earlier death is forgotten
BUSY_LIMIT = 10.0  # s that programs get to close their documents when the keeper ends
END_LIMIT = 60.0  # s for a keeper to end
MOVED = 60.0  # s since the queue last moved, in which a log-off waits for it

Told = Callable[[Drive], None]


# ---- one keeper for each configuration ---------------------------------------------------------------------------


def _folder(path: Path) -> Path:
    """Return where the keeper of a configuration has its lock, its stop file and its log."""
    if path == machine_config_path():
        return machine_folder() / "keeper"
    name = hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16]
    return platformdirs.user_state_path("ingisfs", appauthor=False) / "keepers" / name


def log_file(path: Path) -> Path:
    """Return where the keeper of a configuration writes its log."""
    return _folder(path) / "log" / "keeper.log"


def is_kept(path: Path) -> bool:
    """Tell whether a keeper runs for this configuration. Raises ConfigError if we may not know."""
    try:
        return is_locked(_folder(path) / "lock")
    except OSError as error:
        raise ConfigError("login.machine", detail=error.strerror or error) from None


def stop(path: Path) -> bool:
    """Have the keeper of a configuration end, and wait for it; False if there was none. Raises ConfigError."""
    if not is_kept(path):
        return False
    file = _folder(path) / "stop"
    try:
        file.touch(mode=0o600)
    except OSError as error:
        raise ConfigError("login.machine", detail=error.strerror or error) from None
    end = time.monotonic() + END_LIMIT
    while is_kept(path):
        if time.monotonic() > end:
            raise ConfigError("run.will-not-end", path=path, log=log_file(path))
        time.sleep(0.05)
    return True


class Keeper:
    """See the module. `run` returns after `end`, a stop file, or the end of the session."""

    def __init__(
        self, path: Path, names: Sequence[str] = (), *, gone: Told = alarms.gone, back: Told = alarms.back
    ) -> None:
        """Keep the drives `names` of the configuration `path`; without names all that are ever in it.

        `gone` is called once when programs cannot use a drive and no person unmounted it, `back` once when they can
        again; both from the drive's thread.
        """
        self._path = path
        self._names = tuple(names)
        self._gone = gone
        self._back = back
        self._ending = threading.Event()
        self._ended = threading.Event()
        self._kept: dict[str, _Kept] = {}

    def run(self, started: Callable[[Sequence[str]], None] | None = None) -> None:
        """Keep the drives. `started` gets their names. Raises ConfigError if nothing can be kept."""
        folder = _folder(self._path)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = FileLock(folder / "lock")
        except OSError as error:
            raise ConfigError("login.machine", detail=error.strerror or error) from None
        hold = Hold(EndOfSession(self.end_and_wait)) if sys.platform == "win32" else None
        try:
            if not lock.acquire():
                raise ConfigError("run.twice", path=self._path)
            with suppress(OSError):
                (folder / "stop").unlink(missing_ok=True)
            changed = _changed(self._path)
            names = self._wanted()
            if not names:
                raise ConfigError("config.no-drives", path=self._path)
            log.info("keeping %s of %s", ", ".join(names), self._path)
            self._take(names)
            if started is not None:
                started(names)
            while not self._ending.wait(LOOK):
                if (folder / "stop").exists():
                    log.info("asked to end")
                    break
                if _changed(self._path) != changed:
                    changed = _changed(self._path)
                    self._take(self._wanted_now())
                if hold is not None:
                    hold.look([kept.state_folder for kept in self._kept.values() if kept.state_folder is not None])
        finally:
            self._end_all()
            if hold is not None:
                hold.end()
            log.info("ended")
            self._ended.set()
            lock.close()

    def end(self) -> None:
        """Have `run` return soon. May be called from anywhere, a signal handler too."""
        self._ending.set()

    def end_and_wait(self, limit: float) -> None:
        """End, and wait for it, `limit` seconds at most. Not from the thread of `run`."""
        self.end()
        self._ended.wait(limit)

    def _wanted(self) -> list[str]:
        return list(self._names) or names_in(self._path)

    def _wanted_now(self) -> list[str]:
        """Like `_wanted`; none while the configuration cannot be read."""
        try:
            return self._wanted()
        except ConfigError as error:
            log.error("%s", say("en", error.sentence, **error.values))
            return []

    def _take(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self._kept:
                self._kept[name] = _Kept(self._path, name, self._ending, self._gone, self._back)
                self._kept[name].start()

    def _end_all(self) -> None:
        self._ending.set()
        end = time.monotonic() + END_LIMIT
        for kept in self._kept.values():
            kept.join(max(0.1, end - time.monotonic()))
            if kept.is_alive():
                log.error("drive %s: did not end in time", kept.drive_name)


class _Kept(threading.Thread):
    """Keeps one drive."""

    def __init__(self, path: Path, name: str, ending: threading.Event, gone: Told, back: Told) -> None:
        super().__init__(name=f"keeping {name}", daemon=True)
        self.drive_name = name
        self.state_folder: Path | None = None
        self._path = path
        self._ending = ending
        self._gone, self._back = gone, back
        self._away = False  # gone, and told
        self._said = ""
        self._wait = FIRST_WAIT
        self._read: tuple[int, Drive] | None = None  # when the settings were changed last, and what they were then
        self._up_since: float | None = None  # monotonic; None: it does not run
        self._next_ask = 0.0
        self._unanswered = 0

    def run(self) -> None:
        """Look until the end, then unmount."""
        while not self._ending.is_set():
            self._safely(self._look)
            self._ending.wait(LOOK)
        self._safely(self._unmount)

    def _safely(self, act: Callable[[], None]) -> None:
        try:
            act()
        except ConfigError as error:
            self._say_why(error)
        except Exception:
            log.exception("drive %s", self.drive_name)

    def _say_why(self, error: ConfigError) -> None:
        self._say(logging.ERROR, say("en", error.sentence, **error.values))

    def _say(self, level: int, text: str) -> None:
        """Write into the log what is not what was written there last."""
        if text != self._said:
            log.log(level, "drive %s: %s", self.drive_name, text)
        self._said = text

    def _settings(self) -> Drive:
        """Read the configuration, anew when a person has changed it. Raises ConfigError."""
        changed = _changed(self._path)
        if self._read is None or self._read[0] != changed:
            self._read = None
            if self.drive_name not in names_in(self._path):
                raise ConfigError("run.no-drive", drive=self.drive_name, path=self._path)
            self._read = changed, load(self._path, self.drive_name)
        drive = self._read[1]
        self.state_folder = drive.state_folder
        return drive

    # ---- watching ------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        try:
            drive = self._settings()
        except ConfigError as error:
            self._say_why(error)
            # The drive that runs by the settings of before is no worse for it.
            if self.state_folder is None or not _lives(self.state_folder):
                self._pause()
            return
        if _lives(drive.state_folder):
            self._watch(drive)
            return
        if self._up_since is not None:
            self._up_since = None
            if not stop_file.was_stopped(drive.state_folder):
                log.error("drive %s: its process has ended, and nobody unmounted it", drive.name)
                self._tell(drive)
                self._pause()
                return
        if stop_file.was_stopped(drive.state_folder):
            self._say(logging.INFO, "a person unmounted it; it stays away until a person mounts it")
            self._wait = FIRST_WAIT
            return
        self._mount(drive)

    def _watch(self, drive: Drive) -> None:
        now = time.monotonic()
        if self._up_since is None:
            self._up_since, self._next_ask, self._unanswered = now, now, 0
        if now < self._next_ask:
            return
        mounted = registry.running(drive.state_folder)
        if mounted is None or stop_file.was_stopped(drive.state_folder):
            return  # it is being mounted or unmounted
        if mounting.answers(mounted.mountpoint, ANSWER_LIMIT):
            self._unanswered = 0
            self._next_ask = time.monotonic() + ASK
            self._said = ""
            if time.monotonic() - self._up_since >= GOOD_RUN:
                self._wait = FIRST_WAIT
            if self._away:
                self._away = False
                log.info("drive %s is back at %s", drive.name, mounted.mountpoint)
                self._back(drive)
            return
        self._next_ask = time.monotonic() + ASK_AGAIN
        self._unanswered += 1
        log.warning("drive %s: no answer at %s (%d of %d)", drive.name, mounted.mountpoint, self._unanswered, HANGS)
        # Only if it is still the same process, and nobody is taking it away.
        if (
            self._unanswered >= HANGS
            and registry.running(drive.state_folder) == mounted
            and not stop_file.was_stopped(drive.state_folder)
        ):
            log.error("drive %s: it hangs; ending its process %d", drive.name, mounted.pid)
            self._tell(drive)
            mounting.clear_away(mounted)

    def _tell(self, drive: Drive) -> None:
        if not self._away:
            self._away = True
            log.error("drive %s is gone: nothing can be printed to %s", drive.name, drive.mountpoint)
            self._gone(drive)

    # ---- mounting ------------------------------------------------------------------------------------------------

    def _mount(self, drive: Drive) -> None:
        again = self._away
        try:
            place = drive.mountpoint and mounting.place(drive.mountpoint)
            mounting.mount(dataclasses.replace(drive, mountpoint=place))
        except ConfigError as error:
            if error.sentence in {"outbox.in-use", "mount.already"} and _lives(drive.state_folder):
                return  # a person was quicker
            self._say_why(error)
            self._tell(drive)
            self._pause()
            return
        self._up_since = self._next_ask = time.monotonic()
        self._unanswered = 0
        log.info("drive %s: mounted at %s%s", drive.name, place, " again" if again else "")

    def _pause(self) -> None:
        """Wait before the next try, longer each time; not when a person changed the settings or mounted it."""
        before = _changed(self._path)
        end = time.monotonic() + self._wait
        self._wait = min(LONGEST_WAIT, 2 * self._wait)
        while time.monotonic() < end and not self._ending.wait(min(LOOK, max(0.0, end - time.monotonic()))):
            if _changed(self._path) != before:
                self._wait = FIRST_WAIT
                return
            if self.state_folder is not None and _lives(self.state_folder):
                return

    # ---- the end -------------------------------------------------------------------------------------------------

    def _unmount(self) -> None:
        """Take the drive away if it runs; one that a program does not let go of lives on without us."""
        folder = self.state_folder or self._settings().state_folder  # it may have had no time to look
        end = time.monotonic() + BUSY_LIMIT
        while (mounted := registry.running(folder)) is not None:
            try:
                mounting.unmount(mounted, by_person=False)
            except ConfigError as error:
                if error.sentence != "unmount.busy" or time.monotonic() > end:
                    raise
                time.sleep(0.5)
            else:
                log.info("drive %s: unmounted", self.drive_name)


def _lives(state_folder: Path) -> bool:
    return is_locked(state_folder / "drive.lock")


def _changed(path: Path) -> int:
    """Return when a file was changed last, ns since 1970 UTC; 0 without one."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


# ---- Windows -----------------------------------------------------------------------------------------------------


class Hold:
    """Keeps Windows from falling asleep while documents can go, and from logging off while they do."""

    EVERY = 5.0  # s between two looks at the queues

    def __init__(self, session: EndOfSession, windows: Windows | None = None) -> None:
        """Hold `session`, which is started here."""
        self._windows = windows or Windows()
        self._session = session
        if not session.start():
            log.warning("there is no window: a log-off does not wait for the queue")
        self._awake = False
        self._next = 0.0
        self._waiting = 0
        self._moved = float("-inf")

    def look(self, folders: Sequence[Path]) -> None:
        """See what waits in these outboxes. From one thread only: Windows holds sleep for a thread."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self.EVERY
        language, waiting = "nl", 0
        for folder in folders:
            with suppress(OSError, sqlite3.Error):
                language, count = _can_go(folder)
                waiting += count
        if waiting != self._waiting:
            self._moved = now
        self._waiting = waiting
        if (waiting > 0) != self._awake:
            self._awake = waiting > 0
            self._windows.stay_awake(self._awake)
        moving = waiting > 0 and now - self._moved < MOVED
        self._session.hold(say(language, "run.session", count=waiting) if moving else "")

    def end(self) -> None:
        """Hold nothing any more."""
        if self._awake:
            self._windows.stay_awake(False)
        self._session.end()


def _can_go(state_folder: Path) -> tuple[str, int]:
    """Return the language of an outbox, and how many documents wait in it and need nobody."""
    outbox = ReadOnlyOutbox(state_folder)
    try:
        needs_person = read_target(outbox).state == "needs_person"
        return outbox.meta("language") or "nl", 0 if needs_person else outbox.waiting()
    finally:
        outbox.close()
