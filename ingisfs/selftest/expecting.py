"""What a pattern expects, and the error that says what was seen instead."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

_SHOWN = 60  # bytes of a document, or characters, that a message shows
_POLL = 0.01  # s between two looks


class UnmetError(AssertionError):
    """What was expected is not so; the message is for people who look into the drive, in English."""


class TooSlowError(Exception):
    """This machine is so busy that a pattern proves nothing."""


class NotPossibleError(Exception):
    """This system has no way to do what a pattern does. `selftest.why.<reason>` in the catalogue says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def expect(holds: bool, what: str) -> None:
    """Raise UnmetError unless it holds. `what` completes "expected …"."""
    if not holds:
        raise UnmetError(f"expected {what}")


def same(seen: object, expected: object) -> None:
    """Raise UnmetError unless both are equal."""
    if seen != expected:
        raise UnmetError(f"expected {shown(expected)}, saw {shown(seen)}")


@contextmanager
def refused(kind: type[OSError]) -> Iterator[None]:
    """Raise UnmetError unless the block fails with this error of the system."""
    try:
        yield
    except kind:
        return
    raise UnmetError(f"expected {kind.__name__}, but it was done")


def shown(value: object) -> str:
    """Return a value as a message shows it; of a document the size, the hash and the beginning."""
    if isinstance(value, bytes) and len(value) > _SHOWN:
        return f"{len(value)} bytes with SHA-256 {hashlib.sha256(value).hexdigest()[:16]}…"
    return repr(value)


def wait_for(condition: Callable[[], T], what: str, seconds: float) -> T:
    """Poll until `condition()` is true and return what it gave; UnmetError says what was awaited in vain."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() >= deadline:
            raise UnmetError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(_POLL)
    return value
