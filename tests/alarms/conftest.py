"""A drive whose alarms are watched with a clock that stands still."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ingisfs.alarms.watch import LOOK, Watch
from ingisfs.alarms.ways import Message, UntoldError, Way
from ingisfs.config import Drive
from ingisfs.outbox.outbox import Outbox
from tests.clocks import FakeClock
from tests.report.steps import Steps


@dataclass
class Person:
    """Somebody who is told, by a way that works or does not."""

    name: str = "mail"
    works: bool = True
    messages: list[Message] = field(default_factory=list)
    tries: int = 0

    def way(self) -> Way:
        return Way(self.name, self._tell, 4 * 3600.0)

    def _tell(self, message: Message) -> None:
        self.tries += 1
        if not self.works:
            raise UntoldError("no connection")
        self.messages.append(message)

    @property
    def subjects(self) -> list[str]:
        return [message.subject.removeprefix("ingisfs: ") for message in self.messages]


@dataclass
class Scene:
    """The drive, its outbox, and who is told."""

    drive: Drive
    outbox: Outbox
    clock: FakeClock
    steps: Steps
    person: Person = field(default_factory=Person)
    free: int = 2**40
    watches: list[Watch] = field(default_factory=list)

    def watch(self, *people: Person, **settings: Any) -> Watch:
        """A watch, as a process of the drive has it."""
        ways: Sequence[Way] = [person.way() for person in people or (self.person,)]
        drive = Drive(**{"name": "king", "state": self.drive.state, **settings})
        made = Watch(drive, self.outbox, clock=self.clock, by=ways, room=lambda: self.free)
        self.watches.append(made)
        return made

    def looks(self, seconds: float, *watches: Watch) -> None:
        """Let time pass, with a look every few seconds."""
        for watch in watches or self.watches[-1:]:
            watch.look()
        for _ in range(int(seconds / LOOK)):
            self.clock.sleep(LOOK)
            for watch in watches or self.watches[-1:]:
                watch.look()

    def restart(self, **settings: Any) -> Watch:
        """The process ends, and another one begins."""
        self.watches[-1].release()
        return self.watch(**settings)

    def target(self, state: str, reason: str = "", detail: str = "") -> None:
        """The courier notes how the server is doing."""
        noted = {"state": state, "reason": reason, "detail": detail, "since": self.clock.wall()}
        self.outbox.set_meta("target", json.dumps(noted))

    def told(self) -> list[str]:
        """What was told since the last time this was asked."""
        subjects = self.person.subjects
        self.person.messages.clear()
        return subjects


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    clock = FakeClock()
    outbox = Outbox(tmp_path, clock=clock)
    (tmp_path / "ballast").touch()
    made = Scene(Drive(state=str(tmp_path)), outbox, clock, Steps(outbox))
    yield made
    for watch in made.watches:
        watch.release()
    outbox.shut()
