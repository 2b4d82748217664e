"""One way to save, and how a function becomes one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ingisfs.selftest.place import Documents, Place


@dataclass(frozen=True)
class Pattern:
    """One way to save."""

    run: Callable[[Place], Documents] = field(repr=False)
    within_settle: bool  # it proves something only if it has ended before the settle time has
    mount_only: bool
    number: int = 0  # in the corpus, from 1 on

    @property
    def name(self) -> str:
        """What it does, as a Python identifier."""
        return self.run.__name__


def pattern(
    *, within_settle: bool = False, mount_only: bool = False
) -> Callable[[Callable[[Place], Documents]], Pattern]:
    """Make a function a pattern."""

    def made(run: Callable[[Place], Documents]) -> Pattern:
        return Pattern(run, within_settle, mount_only)

    return made
