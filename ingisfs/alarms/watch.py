"""Watches one drive, and tells a person once when something is the matter and once when it is over.

What *stands* is compared with what each way has *told*: the difference is its next message. So a message that could not
be sent is never lost, and one that is out of date is never sent. Both are kept in `alarms.json`.

The drive and the courier each have a watch, for either may be alone; the one that holds `alarms.lock` looks and tells.
Threads: a watch is a thread of its own, since a mail server may take minutes; only `end` is called by others.
Time is measured on the boot clock, and never across a restart: no wall clock has a say.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ingisfs.alarms.messages import Situation, compose
from ingisfs.alarms.needs import newest_need, opened_need
from ingisfs.alarms.ways import MINUTE, UntoldError, Way, ways
from ingisfs.clock import SYSTEM_CLOCK, Clock
from ingisfs.config import Drive
from ingisfs.outbox.document import SENT, WAITING, State
from ingisfs.outbox.locks import FileLock
from ingisfs.outbox.reading import Reading
from ingisfs.report.target import NEEDS_PERSON as TARGET_NEEDS_PERSON
from ingisfs.report.target import OK, TargetStatus, read_target
from ingisfs.settings_file import replace

log = logging.getLogger(__name__)

LOOK = 5.0  # s between two looks
# A server that was only starting is asked a second time after 5 s (delivery/target.py): nobody need know of that.
RAISE_AFTER = 20.0  # s that a server or disk must be bad, or the drive away
CLEAR_AFTER = 30.0  # s that it must be good: a server may show its folder and still refuse the next document
# King prints a run in one go: it is one alarm, told when the run seems to be over …
RUN_PAUSE, RUN_LIMIT = 30.0, 300.0  # s without a new document; s after the first one at most
# … and what comes later is another one, but not while it is still coming.
LATER_PAUSE, LATER_LIMIT = 600.0, 3600.0
LONGEST_STEP = 4 * LOOK  # s that one look may count for: a machine that slept has not tried to deliver
SAVE_QUIET = 300.0  # s of waiting that may be forgotten by a restart
ENDING = 5.0  # s that an end waits for a message that is on its way
ROOMY = 1.25  # times the room that a nearly full disk lacks, before it counts as having room again


@dataclass(slots=True)
class _Kept:
    """What outlives a restart."""

    outbox: str | None = None  # its id: entries of another one's history mean nothing
    standing: dict[str, str] = field(default_factory=dict)  # kind → what of it is news: a reason, an entry
    told: dict[str, dict[str, str]] = field(default_factory=dict)  # way → what stood when it told
    seen: int = 0  # entry of the history; documents held up to it are told or over
    sent: int = -1  # how many documents were sent at the last look
    quiet: float = 0.0  # s that documents have waited while none was sent

    def as_json(self) -> bytes:
        return json.dumps({"version": 1, **asdict(self)}, indent=1).encode()

    @classmethod
    def from_json(cls, text: str) -> _Kept:
        """Return what was kept. Raises ValueError, TypeError, KeyError if it is none."""
        found: dict[str, Any] = json.loads(text)
        if found.pop("version") != 1:
            raise ValueError("version")
        standing = {str(kind): str(mark) for kind, mark in found["standing"].items()}
        told = {str(way): {str(k): str(m) for k, m in kinds.items()} for way, kinds in found["told"].items()}
        return cls(found["outbox"], standing, told, int(found["seen"]), int(found["sent"]), float(found["quiet"]))


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the outbox says."""

    target: TargetStatus
    counts: Mapping[State, int]
    needs: int  # documents that need a person, also while a program has them open
    news: int  # entry of the history with which the last document came to need a person; 0: none since `seen`
    last: int  # last entry of the history

    def count(self, states: frozenset[State]) -> int:
        return sum(self.counts[state] for state in states)


class Watch(threading.Thread):
    """See the module."""

    def __init__(
        self,
        drive: Drive,
        outbox: Reading | None,
        *,
        clock: Clock = SYSTEM_CLOCK,
        by: Sequence[Way] | None = None,
        room: Callable[[], int] | None = None,
        done: Callable[[], None] = lambda: None,
    ) -> None:
        """Watch `drive`; without an outbox, only whether it is gone.

        `by`: the ways of telling. `room` returns the free bytes of the disk under the outbox. `done` is called at the
        end of the thread, to close what belongs to it.
        """
        super().__init__(name="alarms", daemon=True)
        self._drive = drive
        self._folder = drive.state_folder
        self._outbox = outbox
        self._clock = clock
        self._ways = ways(drive) if by is None else by
        self._room = room or (lambda: shutil.disk_usage(self._folder).free)
        self._done = done
        self._ending = threading.Event()
        self._lock: FileLock | None = None
        self._holds = False
        self._kept = _Kept()
        self._differs: dict[str, float] = {}  # kind → since when it is not what stands, on the boot clock
        self._run: tuple[int, float, float] | None = None  # last entry, when it came, when the first came
        self._looked: float | None = None  # on the boot clock
        self._saved_quiet = 0.0
        self._next: dict[str, tuple[float, float]] = {}  # way → next try on the boot clock, and the pause after it
        self._facts: _Facts | None = None
        self._mark: tuple[int, ...] = ()  # changes with the outbox
        self._trouble = ""

    # ---- the thread ----------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Look every few seconds. Whatever goes wrong here harms nobody else."""
        while not self._ending.wait(LOOK):
            try:
                self.look()
            except Exception as error:
                self._complain(error)
        with suppress(Exception):
            self._done()
        self.release()

    def _complain(self, error: Exception | None) -> None:
        """Put what went wrong into the log: once, not every few seconds."""
        if error is not None and repr(error) != self._trouble:
            log.error("alarms: %r", error)
        self._trouble = repr(error)

    def end(self) -> None:
        """Stop; a message that is on its way has a few seconds."""
        self._ending.set()
        if self.is_alive():
            self.join(ENDING)

    def stands(self, kind: str) -> bool:
        """Tell whether this is the matter, as far as the last look saw."""
        return kind in self._kept.standing

    def release(self) -> None:
        """Let another process tell."""
        if self._lock is not None:
            self._lock.close()
        self._lock, self._holds = None, False

    # ---- one look ------------------------------------------------------------------------------------------------

    def look(self) -> bool:
        """Look once, and tell what is to be told. Returns whether it is ours to tell, and all of it was told.

        An outbox that cannot be read keeps nobody from hearing of the disk. Raises OSError.
        """
        if not self._acquire():
            return False
        now = self._clock.boot()
        step = 0.0 if self._looked is None else max(0.0, min(now - self._looked, LONGEST_STEP))
        self._looked = now
        before = dict(self._kept.standing), self._kept.outbox
        if gone_file(self._folder).exists():
            self._debounce("gone", "1", now)  # one that is mounted again at once needs no person
        else:
            self._differs.pop("gone", None)
            self._stand("gone", None)
        if self._outbox is not None:
            self._debounce("disk", "1" if self._disk_is_low() else None, now)
            try:
                self._look_at(self._outbox, now, step)
                self._complain(None)
            except Exception as error:
                self._complain(error)
        if (self._kept.standing, self._kept.outbox) != before or self._quiet_is_news():
            self._save()
        return self._tell(now)

    def _acquire(self) -> bool:
        if self._holds:
            return True
        if self._lock is None:
            self._lock = FileLock(self._folder / "alarms.lock")
        if self._lock.acquire():
            self._holds = True
            self._load()
        return self._holds

    def _look_at(self, outbox: Reading, now: float, step: float) -> None:
        facts = self._ask(outbox)
        target = facts.target
        needs = target.state == TARGET_NEEDS_PERSON
        # Away or not asked yet says nothing of what a person has to do.
        if needs or target.state == OK:
            self._debounce("target", target.reason if needs else None, now)
        documents = self._documents(facts, now)
        if documents is None:
            self._debounce("documents", None, now)  # one that was printed again may be held again
        else:
            self._differs.pop("documents", None)
            self._stand("documents", documents)
        self._stand("quiet", self._quiet(facts, step))

    def _ask(self, outbox: Reading) -> _Facts:
        """Return what the outbox says; it is asked only if something was written since."""
        ((others,),) = outbox.rows("PRAGMA data_version")
        ((own,),) = outbox.rows("SELECT total_changes()")
        told = "documents" in self._kept.standing
        mark = (others, own, self._kept.seen, told)
        if self._facts is None or mark != self._mark:
            identity = outbox.meta("outbox_id")
            if identity != self._kept.outbox:
                self._forget_documents()
                self._kept.outbox = identity
            ((last,),) = outbox.rows("SELECT max(entry) FROM history")
            self._facts = _Facts(
                read_target(outbox),
                outbox.counts(),
                outbox.needing_person_count() + opened_need(outbox),
                newest_need(outbox, self._kept.seen, told=told),
                last or 0,
            )
            self._mark = mark
        return self._facts

    def _forget_documents(self) -> None:
        self._kept.seen, self._run = 0, None
        for marks in (self._kept.standing, *self._kept.told.values()):
            marks.pop("documents", None)

    # ---- what stands ---------------------------------------------------------------------------------------------

    def _stand(self, kind: str, mark: str | None) -> None:
        """Note how it is with one kind of alarm; None: nothing is the matter."""
        if mark == self._kept.standing.get(kind):
            return
        log.log(logging.INFO if mark is None else logging.WARNING, "alarm %s: %s", kind, mark or "over")
        if mark is None:
            del self._kept.standing[kind]
        else:
            self._kept.standing[kind] = mark

    def _debounce(self, kind: str, mark: str | None, now: float) -> None:
        """As `_stand`, once it has been so for a while."""
        if mark == self._kept.standing.get(kind):
            self._differs.pop(kind, None)
            return
        since = self._differs.setdefault(kind, now)
        if now - since >= (CLEAR_AFTER if mark is None else RAISE_AFTER):
            del self._differs[kind]
            self._stand(kind, mark)

    def _documents(self, facts: _Facts, now: float) -> str | None:
        """Return up to which entry of the history documents need a person, as far as a person is to be told."""
        standing = self._kept.standing.get("documents")
        if not facts.needs:
            self._run, self._kept.seen = None, facts.last
            return None
        if not facts.news:
            self._run = None
            return standing
        if self._run is None:
            self._run = (facts.news, now, now)
        elif facts.news != self._run[0]:
            self._run = (facts.news, now, self._run[2])
        _, latest, first = self._run
        pause, limit = (RUN_PAUSE, RUN_LIMIT) if standing is None else (LATER_PAUSE, LATER_LIMIT)
        if now - latest < pause and now - first < limit:
            return standing
        self._run, self._kept.seen = None, facts.news
        return str(facts.news)

    def _quiet(self, facts: _Facts, step: float) -> str | None:
        """Count for how long documents have waited while none was sent."""
        sent, kept = facts.count(SENT), self._kept
        if sent > kept.sent or not facts.count(WAITING):
            kept.quiet = 0.0
        elif "target" not in self._kept.standing:  # that alarm says it already
            kept.quiet += step
        kept.sent = sent
        late = 0 < self._drive.alarm_after <= kept.quiet
        return "1" if late else None

    def _disk_is_low(self) -> bool:
        """Tell whether soon a document could find no room: the largest one needs its size twice."""
        needed = float(self._drive.reserve + 2 * self._drive.max_document)
        if "disk" in self._kept.standing:
            needed *= ROOMY
        return self._room() < needed or not (self._folder / "ballast").exists()

    # ---- telling -------------------------------------------------------------------------------------------------

    def _tell(self, now: float) -> bool:
        """Tell by every way what it has not told yet; returns whether nothing is left."""
        left = False
        for way in self._ways:
            told = self._kept.told.get(way.name, {})
            if told == self._kept.standing:
                self._next.pop(way.name, None)
                continue
            due, pause = self._next.get(way.name, (now, MINUTE))
            if now < due:
                left = True
                continue
            message = compose(self._situation(), told, self._kept.standing)
            try:
                if message is not None:
                    way.tell(message)
            except UntoldError as error:
                log.log(logging.DEBUG if way.quiet else logging.WARNING, "no alarm by %s: %s", way.name, error)
                self._next[way.name] = (self._clock.boot() + pause, min(2 * pause, way.longest))
                left = True
            else:
                log.info("told by %s: %s", way.name, ", ".join(sorted(self._kept.standing)) or "all is well")
                self._kept.told[way.name] = dict(self._kept.standing)
                self._next.pop(way.name, None)
                self._save()
        return not left

    def _situation(self) -> Situation:
        return Situation(
            self._drive,
            self._outbox,
            target=self._facts.target if self._facts else TargetStatus(),
            waiting=self._facts.count(WAITING) if self._facts else 0,
            quiet=self._kept.quiet,
            free=self._room(),
        )

    # ---- what outlives a restart ---------------------------------------------------------------------------------

    def _quiet_is_news(self) -> bool:
        """Tell whether a restart would forget more of the waiting than it may, or remember what is over."""
        quiet, saved = self._kept.quiet, self._saved_quiet
        return abs(quiet - saved) >= SAVE_QUIET or bool(saved and not quiet)

    def _load(self) -> None:
        path = self._folder / "alarms.json"
        try:
            self._kept = _Kept.from_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            self._kept = _Kept()
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning("%s cannot be read, so alarms may be told twice: %r", path.name, error)
            self._kept = _Kept()
        self._facts, self._saved_quiet = None, self._kept.quiet

    def _save(self) -> None:
        self._saved_quiet = self._kept.quiet
        try:
            replace(self._folder / "alarms.json", self._kept.as_json())
        except OSError as error:  # a full disk: it is told all the same
            log.warning("what was told is not kept: %s", error)


def gone_file(state_folder: Path) -> Path:
    """Return the file that says that the drive is gone."""
    return state_folder / "gone"


def until_told(drive: Drive, wait: Callable[[float], object] = time.sleep) -> None:
    """Tell that the drive is gone, or there again, if nobody else does who holds the lock. Returns once it is told."""
    watch = Watch(drive, None)
    while True:
        there = not gone_file(drive.state_folder).exists()
        try:
            told = watch.look()
        finally:
            watch.release()  # a drive that is mounted meanwhile must be able to take over
        # If it is there, its own watch tells what is left.
        if there or (told and watch.stands("gone")):
            return
        wait(LOOK)
