"""How the whole target is doing: answering, away, or in need of a person. One for all workers.

A target that is away pauses with full-jitter back-off and is asked again by one probe. One that needs a person stops
after two tries and is probed rarely, so that no account is ever locked by us.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from enum import StrEnum

from ingisfs.clock import Clock
from ingisfs.delivery.failures import TargetNeedsPersonError, TargetReason, TransientError

FIRST, LONGEST = 1.0, 900.0  # s: the range of waits between two tries
SECOND_TRY = 5.0  # s before a log-in that failed is tried for the second and last time
PERSON_PROBE = 900.0  # s between two probes of a target that needs a person
LOGIN_PROBE = 4 * 3600.0  # s, where the log-in was refused: some servers count the tries of hours
REFUSALS = 3  # uploads in a row, each refused for what may pass, after which that is told
FRESH = 60.0  # s for which an answer says that the log-in is still good


def backoff(tries: int) -> float:
    """Return the wait after the `tries`-th failure in a row, in seconds: full jitter, a quarter hour at most."""
    return random.uniform(FIRST / 2, max(FIRST, min(LONGEST, FIRST * 2.0 ** min(tries, 20))))  # noqa: S311


class Health(StrEnum):
    """What the status shows of the target."""

    UNKNOWN = "unknown"  # not asked yet
    OK = "ok"
    UNREACHABLE = "unreachable"
    NEEDS_PERSON = "needs_person"


@dataclass(slots=True)
class Target:
    """The state of one target. Used by the courier's database thread only."""

    clock: Clock
    health: Health = Health.UNKNOWN
    reason: str = ""  # a TargetReason
    detail: str = ""
    since: float = 0.0  # s since 1970 UTC
    closings: int = 0  # how often it was closed; tells the tries apart
    failures: int = 0  # in a row
    needs: int = 0  # how often in a row a person was needed
    refusals: int = 0  # uploads in a row that were refused while the target was open
    next_probe: float = 0.0  # on the boot clock
    answered_at: float = -FRESH  # on the boot clock
    _needed_since: float | None = None  # s since 1970 UTC, from before the last probe or from an earlier courier
    _met: bool = False  # a document met what needs a person, and so a document has to tell that it is over

    @property
    def open(self) -> bool:
        """Tell whether documents may go."""
        return self.health is Health.OK

    @property
    def fresh(self) -> bool:
        """Tell whether the log-in was good just now. If not, one worker goes first: all at once, a password that was
        changed meanwhile would be refused once for each of them, and some servers lock an account at the third time.
        """
        return self.clock.boot() - self.answered_at < FRESH

    def probe_due(self) -> bool:
        """Tell whether the target should be asked whether it answers again."""
        return not self.open and self.clock.boot() >= self.next_probe

    def answered(self, *, delivered: bool = False) -> bool:
        """Note a success, of a document that was `delivered` or of less; tells whether that is news.

        A server may show its folder, and let nobody write into it. Its answer opens the target, for only a document can
        find out; but what that document met before is not forgotten: neither that it was tried, nor since when.
        """
        if delivered or not self._met:
            self._needed_since, self._met, self.needs = None, False, 0
        elif self.health is Health.NEEDS_PERSON:
            self._needed_since = self.since
        news = self.health is not Health.OK
        if news:
            self.health, self.since = Health.OK, self.clock.wall()
            self.reason = self.detail = ""
        self.failures = 0
        self.answered_at = self.clock.boot()
        return news

    def refused(self, error: TransientError) -> bool:
        """Note that an upload was refused for what may pass, and is waited for by itself; tells whether that is news.

        Some servers (Apache, nginx) answer so where they may not write at all, and to all else they show their folder.
        """
        self.refusals += 1
        if not self.open or self.refusals != REFUSALS:
            return False
        self.detail = str(error)
        return True

    def took(self) -> bool:
        """Note that a document was taken; tells whether that is news."""
        news, self.refusals = self.open and self.detail != "", 0
        if news:
            self.detail = ""
        return news

    def failed(self, error: TransientError | TargetNeedsPersonError, begun: int) -> bool:
        """Note a failure that concerns all documents, and close the target; tells whether that is news.

        `begun` is what `closings` was when the job that failed was handed out. What else fails of the same try, in
        other workers, or when it is written down a second time, is not counted as another one, however late it comes.
        """
        same_try = begun < self.closings
        if same_try and (self.health is not Health.UNREACHABLE or isinstance(error, TransientError)):
            return False
        self.closings += 1
        self.failures += 1
        self.refusals = 0
        before = (self.health, self.reason)
        if isinstance(error, TargetNeedsPersonError):
            self.reason = error.reason
            self.needs += 1
            self._met = self._met or self.open
            # Said at once; tried a second time soon, for a server that was only starting.
            self.health = Health.NEEDS_PERSON
            rarely = LOGIN_PROBE if error.reason is TargetReason.LOGIN else PERSON_PROBE
            wait = SECOND_TRY if self.needs == 1 else rarely
        else:
            self.reason, self.health = "", Health.UNREACHABLE
            wait = max(backoff(self.failures), error.retry_after or 0.0)
        self.detail = str(error)
        self.next_probe = self.clock.boot() + wait
        news = before != (self.health, self.reason)
        if self.health is not before[0]:
            self.since = self.clock.wall()
            if self.health is Health.NEEDS_PERSON and self._needed_since is not None:
                self.since = min(self.since, self._needed_since)
        return news

    def remember(self, text: str | None) -> None:
        """Take over since when an earlier courier had needed a person: a restart does not begin the time anew."""
        try:
            noted = json.loads(text or "{}")
            if noted.get("state") == Health.NEEDS_PERSON:
                self._needed_since, self._met = float(noted["since"]), bool(noted.get("met"))
        except (ValueError, TypeError, KeyError):
            return

    def as_json(self) -> str:
        """Return what the status reads from the outbox."""
        return json.dumps(
            {
                "state": self.health,
                "reason": self.reason,
                "detail": self.detail,
                "since": self.since or None,
                "met": self._met,
            }
        )
