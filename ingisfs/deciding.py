"""What a person decides about documents, by command or from the tray: retry, release, withdraw, pause.

Each opens the outbox beside the drive and its courier for a moment, as one more process or thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ingisfs.config import Drive
from ingisfs.outbox.choosing import choose
from ingisfs.outbox.document import Document
from ingisfs.outbox.outbox import Outbox
from ingisfs.outbox.reading import PAUSED_UNTIL


@contextmanager
def _open(drive: Drive, folder: Path) -> Iterator[Outbox]:
    outbox = Outbox(folder, settle=drive.settle, wal_bound=drive.wal_bound)
    try:
        yield outbox
    finally:
        outbox.shut()


def decide(
    drive: Drive,
    folder: Path,
    what: str,
    wanted: Sequence[str],
    reason: str | None = None,
    *,
    only: Callable[[Document], bool] = lambda _: True,
) -> tuple[list[Document], list[str]]:
    """Do `what` ("retry", "release" or "withdraw") to the documents that are meant, as `choose` does.

    Of these to those alone for which `only` holds. Returns those that it was done to, and what of `wanted` means none.
    Raises OutboxError.
    """
    with _open(drive, folder) as outbox:
        chosen, unknown = choose(outbox, what, wanted, reason)
        chosen = [document for document in chosen if only(document)]
        done = {"retry": outbox.retry, "release": outbox.release_held, "withdraw": outbox.withdraw}[what](chosen)
        if what != "withdraw":
            outbox.count_up("probe")
        return done, unknown


def pause(drive: Drive, folder: Path, seconds: float) -> float:
    """Deliver nothing new for so many seconds; 0 goes on at once. Returns until when, s since 1970 UTC.

    It ends by itself, so that nobody forgets it. What is being published is published. Raises OutboxError.
    """
    with _open(drive, folder) as outbox:
        until = outbox.clock.wall() + seconds
        outbox.set_meta(PAUSED_UNTIL, repr(until))
        if not seconds:
            outbox.count_up("probe")
        return until
