"""How the courier last found the target, as the outbox has it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ingisfs.outbox.reading import Reading
from ingisfs.report.catalogue import CATALOGUE, say

STATES = ("ok", "unreachable", "needs_person", "unknown")


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """One line about the server."""

    state: str = "unknown"  # one of STATES
    reason: str = ""
    detail: str = ""
    since: float | None = None  # s since 1970 UTC

    def sentence(self, language: str) -> str:
        """Say how the server is and what to do."""
        key = f"target.{self.state}"
        if self.state == "needs_person":
            key = f"{key}.{self.reason}"
            key = key if key in CATALOGUE else "target.needs_person.unknown"
        return say(language, key, detail=self.detail)


def read_target(reading: Reading) -> TargetStatus:
    """Return what the courier noted last; unknown if it noted nothing yet."""
    found: dict[str, Any] = {}
    with suppress(ValueError):
        found = json.loads(reading.meta("target") or "{}")
    state = found.get("state")
    if state not in STATES:
        return TargetStatus()
    return TargetStatus(state, str(found.get("reason") or ""), str(found.get("detail") or ""), found.get("since"))
