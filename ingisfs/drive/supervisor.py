"""Starts the courier, watches it, and starts it again when it died. It shares nothing with the drive but the outbox."""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from contextlib import suppress

from ingisfs.config import Drive
from ingisfs.processes import apart, python

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 0.5, 60.0  # s before a courier that died is started again
GOOD_RUN = 60.0  # s after which an earlier death is forgotten
WELL = 10.0  # s after which a courier is taken to be well
DEATHS = 3  # in a row, each before it was well, after which a person is told


class Supervisor:
    """One courier at a time, as long as the drive lives. The courier outlives it to finish the queue."""

    def __init__(self, drive: Drive, generation: str = "") -> None:
        """Supervise the courier of `drive`, which is the outbox's `drive_generation`; nothing is started yet."""
        self._drive = drive
        self._generation = generation
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths = 0  # in a row
        self._began: float | None = None  # s, monotonic: when the courier was started that runs
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._happened = threading.Event()  # the courier ended, or the drive does
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start the courier and keep it running."""
        self._thread.start()

    @property
    def fails(self) -> bool:
        """Tell whether the courier ends time and again, so that nothing is delivered."""
        began = self._began
        return self._deaths >= DEATHS and (began is None or time.monotonic() - began < WELL)

    def wake(self) -> None:
        """Tell the courier that there is work. Never waits, never raises."""
        with self._lock:
            process = self._process
        if process is not None and process.stdin is not None:
            with suppress(OSError, ValueError):
                process.stdin.write(b"\n")

    def end(self) -> None:
        """Leave the courier alone: it finishes what it can without the drive."""
        self._ending.set()
        self._happened.set()
        with self._lock:
            process = self._process
            if process is not None and process.stdin is not None:
                with suppress(OSError):
                    process.stdin.close()
        if self._thread.is_alive():  # a mount that failed never started it
            self._thread.join(5)

    def _spawn(self) -> subprocess.Popen[bytes]:
        log_file = self._drive.state_folder / "log" / "courier.err"
        log_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(log_file, "ab") as stderr:
            # Started, never forked: a forked child would keep /dev/fuse, and the mount with it. Unbuffered: a wake-up
            # must never be kept back.
            process = subprocess.Popen(
                [python(), "-m", "ingisfs.delivery", self._generation],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                bufsize=0,
                **apart(),
            )
        assert process.stdin is not None
        process.stdin.write(self._drive.to_json().encode() + b"\n")
        return process

    def _watch(self) -> None:
        wait = FIRST_WAIT
        while not self._ending.is_set():
            try:
                process = self._spawn()
            except OSError as error:
                log.error("cannot start the courier: %s", error)
                self._deaths += 1
            else:
                with self._lock:
                    self._process = process
                if self._ran_well(process):
                    wait = FIRST_WAIT
                if self._ending.is_set():
                    return
                log.error("the courier ended with %s; starting it again in %.1f s", process.returncode, wait)
            self._ending.wait(wait)
            wait = min(LONGEST_WAIT, 2 * wait)

    def _ran_well(self, process: subprocess.Popen[bytes]) -> bool:
        """Wait for the end of the courier or of the drive; tells whether the courier had lived for long."""
        began = self._began = time.monotonic()

        def wait() -> None:
            process.wait()
            self._happened.set()

        # A thread of its own: Popen's time-outs look twenty times a second.
        threading.Thread(target=wait, name="courier", daemon=True).start()
        self._happened.wait()
        if not self._ending.is_set():
            self._happened.clear()
        lived = time.monotonic() - began
        self._began = None
        self._deaths = 1 if lived >= WELL else self._deaths + 1
        return lived >= GOOD_RUN
