"""What the commands show in a terminal: plain lines where there is none. rich is imported only when it draws."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ingisfs.outbox.document import Document
from ingisfs.report.catalogue import moment, number, say, size
from ingisfs.report.layout import printable
from ingisfs.report.snapshot import Row, Snapshot
from ingisfs.report.text import headline, lines

if TYPE_CHECKING:
    from rich.console import RenderableType

INTERVAL = 0.5  # s between two looks
TABLE_ROWS = 20


def status_lines(snapshot: Snapshot) -> str:
    """Return the status as plain lines."""
    return "\n".join(lines(snapshot))


def queue_lines(documents: Sequence[Document], language: str) -> str:
    """Return one line a document, its reason behind it."""
    if not documents:
        return say(language, "queue.empty")
    lines_ = []
    for document in documents:
        state = say(language, f"state.{document.state}")
        at = moment(language, document.written_at)
        lines_.append(
            f"{document.id}  {at}  {size(language, document.size):>9}  {state:<20}  {printable(document.path)}"
        )
        if reason := Row(document, None).reason(language):
            lines_.append(f"              {printable(reason)}")
    return "\n".join(lines_)


def watch(look: Callable[[], Snapshot]) -> None:
    """Show what happens until interrupted: a live table in a terminal, else a line whenever the counts change."""
    if not sys.stdout.isatty():
        last = ""
        while True:
            snapshot = look()
            line = headline(snapshot)
            if line != last:
                print(f"{moment(snapshot.drive.language, snapshot.taken_at, seconds=True)}  {line}", flush=True)
                last = line
            time.sleep(INTERVAL)
    from rich.live import Live

    with Live(_page(look()), refresh_per_second=4) as live:
        while True:
            time.sleep(INTERVAL)
            live.update(_page(look()))


def _page(snapshot: Snapshot) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    language = snapshot.drive.language
    table = Table(expand=True)
    for column in ("name", "state", "size", "time"):
        table.add_column(say(language, f"column.{column}"), justify="right" if column == "size" else "left")
    for row in (*snapshot.needing[:TABLE_ROWS], *snapshot.newest[:TABLE_ROWS]):
        document = row.document
        state, colour = say(language, f"state.{document.state}"), _COLOURS.get(document.state, "")
        at = moment(language, document.delivered_at or document.written_at, seconds=True)
        table.add_row(Text(printable(document.path)), Text(state, colour), size(language, document.size), at)
    bad = snapshot.needs_a_person
    return Group(
        Text(headline(snapshot), "bold red" if bad else "bold green"),
        Text(snapshot.target.sentence(language)),
        table,
    )


_COLOURS = {"held": "red", "parked": "red", "delivered": "green", "queued": "yellow", "uploading": "cyan"}


class Progress:
    """A bar that empties the queue; a line now and then where there is no terminal."""

    def __init__(self, total: int, language: str) -> None:
        """Begin with `total` documents to go."""
        self._total = total
        self._language = language
        self._bar: Any = None
        self._task: Any = None
        self._said: tuple[float, int] = (float("-inf"), -1)

    def __enter__(self) -> Progress:
        if self._total and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bar = Bar(*columns, console=Console(stderr=True))
            self._bar.start()
            self._task = self._bar.add_task("", total=self._total)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, left: int) -> None:
        """Show that `left` documents are still to go."""
        text = say(self._language, "progress.left", count=number(self._language, left))
        if self._bar is not None:
            self._total = max(self._total, left)
            self._bar.update(self._task, total=self._total, completed=self._total - left, description=text)
            return
        at, before = self._said
        if left and left != before and time.monotonic() - at >= 1.0:
            print(text, file=sys.stderr, flush=True)
            self._said = time.monotonic(), left
