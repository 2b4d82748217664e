"""What a drive says of itself to everybody: its status files, for whoever may not look into its outbox."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Outside:
    """What stands on a drive."""

    text: str  # INGIS-STATUS.txt, with plain line ends
    json: str  # INGIS-STATUS.json
    status: dict[str, Any]  # what is in that

    @property
    def headline(self) -> str:
        """The first line."""
        return self.text.partition("\n")[0].strip()

    @property
    def needs_a_person(self) -> bool:
        """Tell whether anything there waits for a person: a document, the server, or the drive."""
        found = self.status
        trouble = found["needs_person"] or found["problem"] or found["alarms"]
        return bool(trouble) or found["target"]["state"] == "needs_person"


def read(place: str) -> Outside:
    """Read what stands on the drive at a letter or folder. Raises OSError, ValueError."""
    root = Path(place + ("\\" if place.endswith(":") else ""))
    told = (root / "INGIS-STATUS.json").read_text(encoding="utf-8")
    text = (root / "INGIS-STATUS.txt").read_text(encoding="utf-8")
    return Outside(text.replace("\r\n", "\n"), told, dict(json.loads(told)))
