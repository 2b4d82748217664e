"""How the server is doing, as the courier noted it in the outbox.

The note is JSON: `{"state", "reason", "detail", "since"}`. The courier writes it, this module reads it; they share
nothing else, so whatever cannot be understood is "unknown".
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

from ingisfs.outbox.reading import Reading
from ingisfs.report.catalogue import CATALOGUE, say

OK, UNREACHABLE, NEEDS_PERSON, UNKNOWN = STATES = ("ok", "unreachable", "needs_person", "unknown")


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """Whether documents can go."""

    state: str = UNKNOWN  # one of STATES
    reason: str | None = None  # why it needs a person; None in every other state
    detail: str = ""  # technical, in English
    since: float | None = None  # s since 1970 UTC

    def sentence(self, language: str) -> str:
        """Return what is the matter and what to do."""
        if self.state == OK and self.detail:
            return say(language, "target.ok.refuses")
        return say(language, f"target.{self.state}.{self.reason}" if self.reason else f"target.{self.state}")


def read_target(reading: Reading) -> TargetStatus:
    """Return what the courier noted last; unknown if it noted nothing yet."""
    try:
        note = json.loads(reading.meta("target") or "{}")
    except ValueError:
        note = None
    if not isinstance(note, dict) or note.get("state") not in STATES:
        return TargetStatus()
    state, reason, since = note["state"], None, note.get("since")
    if state == NEEDS_PERSON:
        reason = str(note.get("reason"))
        if f"target.{state}.{reason}" not in CATALOGUE:
            reason = UNKNOWN
    if not isinstance(since, (int, float)) or not math.isfinite(since):
        since = None
    return TargetStatus(state, reason, str(note.get("detail") or ""), since)
