"""A clock that stands still until a test moves it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class FakeClock:
    """See `ingisfs.clock.Clock`."""

    now: float = 1000.0
    wall_now: float = 1_795_000_000.0
    boot_name: str = "boot-1"

    def boot(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.wall_now

    def boot_id(self) -> str:
        return self.boot_name

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        self.wall_now += seconds
