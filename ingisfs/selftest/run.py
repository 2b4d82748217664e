"""Runs the patterns on a mounted drive, many at a time, and compares what the drive says became of the documents.

Documents go to the server of the drive, so it must be one of this machine: `ingisfs stage`.
"""

from __future__ import annotations

import fnmatch
import hashlib
import linecache
import os
import platform
import queue
import re
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from ingisfs.config import ConfigError, is_loopback
from ingisfs.selftest.corpus import Pattern
from ingisfs.selftest.documents import pdf
from ingisfs.selftest.expecting import NotPossibleError, TooSlowError, UnmetError, expect, shown, wait_for
from ingisfs.selftest.mount_place import MountPlace, mounted
from ingisfs.selftest.patterns import PATTERNS
from ingisfs.selftest.place import Documents
from ingisfs.selftest.watch import NEEDS_PERSON, SENT, STATUS, WAITING, Seen, Watch, read_status

AT_A_TIME = 12  # patterns
LIMIT = 900.0  # s for all of them
TRIES = 10  # of a pattern that must end within the settle time; on a busy machine it may not

Result = Literal["passed", "failed", "impossible"]

_PATTERNS_FOLDER = os.path.join("selftest", "patterns")


@dataclass(frozen=True)
class Outcome:
    """What became of one pattern."""

    pattern: str
    result: Result
    seconds: float = 0.0
    reason: str = ""  # why it is impossible: `selftest.why.<reason>` is its sentence
    detail: str = ""  # what was expected and what was seen, in English


@dataclass(frozen=True)
class Facts:
    """On what the selftest ran."""

    mountpoint: str
    drive: str
    server: str
    host: str  # what carries the file system: "libfuse 3.14"
    python: str
    system: str
    started_at: float  # s since 1970 UTC
    seconds: float
    settle: float  # s; so long documents settle at least


@dataclass(frozen=True)
class Report:
    """All that a selftest found."""

    facts: Facts
    outcomes: tuple[Outcome, ...]

    def of(self, result: Result) -> list[Outcome]:
        """Return the patterns that ended so."""
        return [outcome for outcome in self.outcomes if outcome.result == result]


def choose(only: str | None) -> list[Pattern]:
    """Return the patterns whose name has `only` in it, or matches it (`*` and `?`). Raises ConfigError if none does."""
    if only is None:
        return list(PATTERNS)
    found = [p for p in PATTERNS if only in p.name or fnmatch.fnmatchcase(p.name, only)]
    if not found:
        raise ConfigError("selftest.unknown", only=only)
    return found


def folder_of(mountpoint: str) -> str:
    """Return a mountpoint as a folder: `X:` alone would be the folder of that drive in which one happens to be."""
    return mountpoint + "\\" if re.fullmatch(r"[A-Za-z]:", mountpoint) else os.path.abspath(mountpoint)


def look_at(mountpoint: str) -> dict[str, Any]:
    """Return what a drive says of itself. Raises ConfigError if nothing should be tried out on it."""
    try:
        status = read_status(folder_of(mountpoint))
    except (OSError, ValueError) as error:
        raise ConfigError("selftest.no-drive", mountpoint=mountpoint, file=STATUS, detail=error) from None
    host = urlsplit(status["server"]).hostname or ""
    if not is_loopback(host):
        raise ConfigError("selftest.remote", mountpoint=mountpoint, server=status["server"])
    if status["problem"]:
        raise ConfigError("selftest.problem", mountpoint=mountpoint, detail=status["problem"])
    return status


def run(mountpoint: str, patterns: Sequence[Pattern]) -> Report:
    """Run patterns on a drive. Takes its settle time some times over, and the time that an XML waits for its PDF.

    Raises ConfigError if nothing should be, or can be, tried out on this drive.
    """
    status = look_at(mountpoint)
    begun, started_at = time.monotonic(), time.time()
    watch = Watch(folder_of(mountpoint), begun + LIMIT)
    # No other run has these names: a document that was delivered once is not sent again.
    prefix = time.strftime("selftest %Y%m%d-%H%M%S", time.localtime(started_at)) + f"-{os.getpid()}"
    runner = _Runner(folder_of(mountpoint), prefix, watch)
    watch.start()
    try:
        runner.measure(mountpoint)
        runs = runner.run(patterns)
        runner.wait_until_nothing_goes_on()
        outcomes = tuple(run.outcome(watch) for run in runs)
        runner.clean_up(outcomes)
    finally:
        watch.stop()
    facts = Facts(
        mountpoint=mountpoint,
        drive=status["drive"],
        server=status["server"],
        host=status["host"],
        python=f"{platform.python_version()} ({platform.python_implementation()}, {platform.architecture()[0]})",
        system=system(),
        started_at=started_at,
        seconds=time.monotonic() - begun,
        settle=watch.settle,
    )
    return Report(facts, outcomes)


def system() -> str:
    """Return what this machine runs."""
    if sys.platform == "win32":
        from ingisfs.selftest.windows_place import is_wine

        return platform.platform() + (" (Wine)" if is_wine() else "")
    return platform.platform()


@dataclass
class _Run:
    """One pattern on its way."""

    pattern: Pattern
    place: MountPlace | None = None  # of its latest try
    expected: Documents = field(default_factory=dict)
    found: Outcome | None = None  # None as long as it runs
    ended: bool = False
    seconds: float = 0.0

    def outcome(self, watch: Watch) -> Outcome:
        """Return what became of it, now that nothing goes on any more."""
        if self.found is not None:
            return self.found
        if self.place is None or not self.ended:
            return Outcome(self.pattern.name, "failed", detail=f"it had not ended after {LIMIT:g} s")
        documents = watch.documents(self.place.stem)
        wrong = compare(self.expected, self.place.needs_person, documents)
        result: Result = "failed" if wrong else "passed"
        return Outcome(self.pattern.name, result, self.seconds, detail="; ".join(wrong))


class _Runner:
    def __init__(self, folder: str, prefix: str, watch: Watch) -> None:
        self._folder = folder
        self._prefix = prefix
        self._watch = watch
        self._runs: list[_Run] = []
        self._places: list[tuple[str, MountPlace]] = []  # of all tries, with the pattern's name
        self._ended_at = 0.0  # on `time.monotonic`

    def _place(self, what: str, stem: str) -> MountPlace:
        place = mounted(f"{self._prefix} {stem}", self._watch, self._folder)
        self._places.append((what, place))
        return place

    def measure(self, mountpoint: str) -> None:
        """Deliver one document, to see whether the drive delivers at all and how long a document settles."""
        place = self._place("", "000")
        name = place.name("settle.pdf")
        try:
            place.save(name, pdf("settle"))
            self._watch.measure(name, time.monotonic())
            wait_for(lambda: self._watch.look(name) in {*SENT, *NEEDS_PERSON}, "its delivery", self._watch.patience / 4)
            expect(self._watch.look(name) in SENT, f"{name} to be delivered, not {self._watch.look(name)}")
        except (OSError, UnmetError) as error:
            place.abandon()
            place.clean_up()
            detail = "; ".join(filter(None, (str(error), self._watch.trouble, self._watch.target)))
            raise ConfigError("selftest.not-delivered", mountpoint=mountpoint, detail=detail) from None

    def run(self, patterns: Iterable[Pattern]) -> list[_Run]:
        """Run them, the first ones first. Returns when all have ended, or their time is over."""
        self._runs = [_Run(pattern) for pattern in patterns]
        waiting: queue.SimpleQueue[_Run] = queue.SimpleQueue()
        for each in self._runs:
            waiting.put(each)

        def work() -> None:
            while True:
                try:
                    mine = waiting.get_nowait()
                except queue.Empty:
                    return
                self._run(mine)

        # Not a pool of concurrent.futures: Python waits for its threads at the end, and a drive may hang.
        threads = [threading.Thread(target=work, name=f"pattern-{n}", daemon=True) for n in range(AT_A_TIME)]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive() and self._watch.patience:
                thread.join(0.1)
        self._ended_at = time.monotonic()
        return self._runs

    def _run(self, mine: _Run) -> None:
        begun = time.monotonic()
        try:
            mine.found = self._try_all(mine)
        except Exception as error:  # whatever it is, it belongs into the report
            mine.found = Outcome(mine.pattern.name, "failed", time.monotonic() - begun, detail=_told(error))
        mine.seconds = time.monotonic() - begun
        mine.ended = True

    def _try_all(self, mine: _Run) -> Outcome | None:
        """Run a pattern; again, under other names, if it took longer than the time within which it must have ended."""
        pattern = mine.pattern
        limit = self._watch.settle if pattern.within_settle else float("inf")
        for attempt in range(TRIES):
            mine.place = self._place(pattern.name, f"{pattern.number:03}{chr(ord('a') + attempt)} {pattern.name}")
            begun = time.monotonic()
            try:
                mine.expected = pattern.run(mine.place)
                if time.monotonic() - begun < limit:
                    return None
            except TooSlowError:
                pass
            except NotPossibleError as error:
                return Outcome(pattern.name, "impossible", time.monotonic() - begun, reason=error.reason)
            except (OSError, UnmetError):
                if time.monotonic() - begun < limit:
                    raise
            finally:
                mine.place.abandon()
        return Outcome(pattern.name, "impossible", reason="too-slow")

    def wait_until_nothing_goes_on(self) -> None:
        """Wait until no document will move by itself any more, or until the time is over."""

        def nothing() -> bool:
            if self._watch.true_at <= self._ended_at or not self._watch.complete:
                return False
            return not any(document.state in WAITING for document in self._watch.documents(self._prefix))

        try:
            wait_for(nothing, "an end", self._watch.patience)
        except UnmetError:
            return  # each pattern tells what still waits

    def clean_up(self, outcomes: Iterable[Outcome]) -> None:
        """Delete what the patterns left, but for those that failed: a person may want to look."""
        if not all(run.ended for run in self._runs):
            return  # the drive hangs, and so would this
        failed = {outcome.pattern for outcome in outcomes if outcome.result == "failed"}
        for what, place in self._places:
            if what not in failed:
                place.clean_up()


def compare(expected: Documents, needs_person: set[str], documents: Sequence[Seen]) -> list[str]:
    """Return what is wrong with what became of the documents of one pattern, in English; nothing if all is well."""
    wrong = [f"expected nothing to wait any more, saw {d.path} {d.state}" for d in documents if d.state in WAITING]
    sent = [document for document in documents if document.state in SENT]
    times = Counter(document.remote_name for document in sent)
    for name, data in expected.items():
        if not times[name]:
            wrong.append(f"expected {name} to be delivered, saw {_states(documents)}")
        for document in sent:
            if document.remote_name == name and _differs(document, data):
                seen = f"{document.size} bytes with SHA-256 {document.sha256[:16]}…"
                wrong.append(f"expected {shown(data)} as {name}, saw {seen}")
    for remote, count in times.items():
        if remote not in expected:
            wrong.append(f"expected nothing to be delivered as {remote}")
        elif count > 1:
            wrong.append(f"expected {remote} to be delivered once, saw it {count} times")
    needing = {document.path for document in documents if document.state in NEEDS_PERSON}
    if needing != needs_person:
        wrong.append(f"expected {sorted(needs_person)} to be left to a person, saw {_states(documents)}")
    return wrong + _out_of_order(sent)


def _differs(document: Seen, data: bytes) -> bool:
    return document.size != len(data) or document.sha256 != hashlib.sha256(data).hexdigest()


def _states(documents: Iterable[Seen]) -> str:
    told = [f"{d.path} {d.state} {d.reason or ''} {d.detail}".strip() for d in documents]
    return "; ".join(told) or "no document"


def _out_of_order(sent: Sequence[Seen]) -> list[str]:
    """Tell of each XML that was delivered before a PDF or an attachment of its stem."""
    wrong = []
    for data in sent:
        stem, _, ending = (data.remote_name or "").rpartition(".")
        if ending != "xml":
            continue
        for other in sent:
            belongs = (other.remote_name or "").startswith((stem + ".", stem + "-"))
            if other is not data and belongs and (other.delivered_at or "") > (data.delivered_at or ""):
                wrong.append(f"expected {other.remote_name} before {data.remote_name}")
    return wrong


def _told(error: Exception) -> str:
    """Return an error with the line of the pattern where it happened."""
    what = str(error) if isinstance(error, UnmetError) else f"{type(error).__name__}: {error}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if _PATTERNS_FOLDER in frame.filename and frame.lineno is not None:
            line = linecache.getline(frame.filename, frame.lineno).strip()
            return f"{what}; at {os.path.basename(frame.filename)}:{frame.lineno}: {line}"
    return what
