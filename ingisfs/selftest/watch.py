"""What a drive says of its documents, as anybody can read it: `INGIS-STATUS.json` in its root.

One thread reads it again and again for all patterns, and keeps the last that was seen of every document: the file lists
the newest ones only.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingisfs import names

STATUS = "INGIS-STATUS.json"
PATIENCE = 240.0  # s to wait for a state; an XML alone waits a minute after the last close

WAITING = frozenset({"writing", "settling", "queued", "uploading", "publishing"})
NEEDS_PERSON = frozenset({"held", "parked"})
SENT = frozenset({"delivered", "collected", "accepted", "refused"})

_EVERY = 0.25  # s between two readings
_AGE = 0.25  # s; what is read may have been true so long ago
_SURE = 0.8  # of the settle time that was seen: the courier may have come late


@dataclass(frozen=True)
class Seen:
    """One document, as the drive last told of it."""

    id: str
    path: str
    state: str
    size: int  # bytes
    sha256: str  # hex
    written_at: str  # ISO 8601, UTC
    delivered_at: str | None
    reason: str | None
    detail: str
    remote_name: str | None


def seen(entry: Mapping[str, Any]) -> Seen:
    """Make a Seen of an entry of the status."""
    path = f"{entry['folder']}/{entry['name']}" if entry["folder"] else entry["name"]
    kept = ("id", "state", "size", "sha256", "written_at", "delivered_at", "reason", "detail", "remote_name")
    return Seen(path=path, **{key: entry[key] for key in kept})


def read_status(folder: str) -> dict[str, Any]:
    """Return what a drive says. Raises OSError, and ValueError if it is no status."""
    with open(os.path.join(folder, STATUS), encoding="utf-8") as file:
        status = json.load(file)
    if not isinstance(status, dict) or "documents" not in status:
        raise ValueError(f"{STATUS} is not a status")
    return status


class Watch:
    """Reads the status of a drive until it is stopped; the clock of all places on that drive."""

    def __init__(self, folder: str, deadline: float) -> None:
        """Watch the drive at `folder`; nobody waits behind `deadline`, on `time.monotonic`."""
        self._folder = folder
        self._deadline = deadline
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._listed: list[Seen] = []  # in the latest status; replaced, never changed
        self._known: dict[str, Seen] = {}
        self.settle = 0.0
        self.true_at = 0.0  # on `time.monotonic`; the latest status was true then, or later
        self.complete = False  # the latest status listed all that waits
        self.target = ""  # how the server is doing, in English
        self.trouble = ""  # why the latest try to read failed

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End. A drive that hangs keeps the thread; it ends with the program."""
        self._ending.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._ending.wait(_EVERY):
            try:
                begun = time.monotonic()
                self._take(read_status(self._folder))
                self.true_at = begun - _AGE
                self.trouble = ""
            except (OSError, ValueError, KeyError) as error:
                self.trouble = f"{STATUS}: {error}"

    def _take(self, status: Mapping[str, Any]) -> None:
        if status["problem"]:
            raise ValueError(status["problem"])
        listed = [seen(entry) for entry in status["documents"]]
        self._known.update((document.id, document) for document in listed)
        self._listed = listed
        target = status["target"]
        self.target = f"the server: {target['state']} {target['reason'] or ''} {target['detail']}".strip()
        self.complete = status["waiting"] == sum(document.state in WAITING for document in listed)

    @property
    def patience(self) -> float:
        """See PlaceClock."""
        return max(0.0, min(PATIENCE, self._deadline - time.monotonic()))

    def pause(self) -> None:
        """See PlaceClock."""
        time.sleep(min(1.0, self.settle / 4) or 0.02)

    def look(self, path: str) -> str:
        """See PlaceClock."""
        wanted = names.key(path)
        found = [document for document in self._listed if names.key(document.path) == wanted]
        return max(found, key=lambda document: document.written_at).state if found else ""

    def measure(self, path: str, closed_at: float) -> None:
        """Learn how long a document settles, from one that was closed just now, at `closed_at` on `time.monotonic`.

        Returns once it does not settle any more, or as much as `patience` later.
        """
        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            before = self.true_at
            state = self.look(path)
            if state == "settling":
                self.settle = max(self.settle, _SURE * (before - closed_at))
            elif state not in {"", "writing"}:
                return
            time.sleep(_EVERY / 5)

    def documents(self, stem: str) -> list[Seen]:
        """Return all documents of one pattern that wait, need a person, or were sent, by what was last seen of them."""
        listed = {document.id for document in self._listed}
        known = [document for document in list(self._known.values()) if stem in document.path]
        # What was sent stays so, and leaves the list when there are many; all others would still be on it.
        return [document for document in known if document.id in listed or document.state in SENT]
