"""The same in a terminal: lines for `ingisfs status`, a live table for `--watch`, a bar while unmounting.

Where there is no terminal, all of it is plain lines. rich is imported only when it draws.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ingisfs.outbox.document import NEEDS_PERSON, SENT, Document, Reason, State
from ingisfs.report.catalogue import moment, number, say
from ingisfs.report.layout import columns, pad, printable
from ingisfs.report.snapshot import Row, Snapshot, together
from ingisfs.report.text import cells, headline, lines, sentence, unknown

if TYPE_CHECKING:
    from rich import progress as rich_progress
    from rich.console import RenderableType

NEWEST = 10  # newest documents that `status` prints
INTERVAL = 1.0  # s between two looks of the watch
AROUND = 14  # lines of the watch that are not documents


def status_lines(snapshot: Snapshot, drive: str = "") -> str:
    """Return what `ingisfs status` prints; `drive` says how the drive is."""
    return "\n".join(lines(snapshot, NEWEST, drive))


def queue_lines(documents: Sequence[Document], language: str) -> str:
    """Return what `ingisfs queue list` prints: a line for each document, and why it is held or parked."""
    if not documents:
        return say(language, "queue.empty")
    table = [(document.id, *cells(language, document)) for document in documents]
    bounds = [max(columns(line[at]) for line in table) for at in range(5)]
    told = []
    for document, (its_id, name, size, state, when) in zip(documents, table, strict=True):
        told.append("  ".join((its_id, when, pad(size, bounds[2], right=True), pad(state, bounds[3]), name)))
        if document.needs_person or document.reason == Reason.LOOKS_ATTACHED:
            told.append(f"  {sentence(language, document)}")
    return "\n".join(told)


# ---- watching ----------------------------------------------------------------------------------------------------


def watch(read_snapshot: Callable[[], Snapshot], stop: threading.Event | None = None) -> None:
    """Show what happens until `stop` is set, or until interrupted (KeyboardInterrupt goes through).

    A live table; on a standard output that is no terminal the status, then a line for each document that moved on.
    """
    stop = stop or threading.Event()
    if sys.stdout.isatty():
        _watch_live(read_snapshot, stop)
    else:
        _watch_plainly(read_snapshot, stop)


def _watch_live(read_snapshot: Callable[[], Snapshot], stop: threading.Event) -> None:
    from rich.console import Console
    from rich.live import Live

    console = Console()
    with Live(console=console, auto_refresh=False) as live:
        while True:
            live.update(_drawn(read_snapshot(), max(3, console.height - AROUND)), refresh=True)
            if stop.wait(INTERVAL):
                return


def _drawn(snapshot: Snapshot, limit: int) -> RenderableType:
    """Return a table of `limit` documents at most."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    language = snapshot.drive.language
    when = say(
        language, "page.drive", drive=snapshot.drive.name, when=moment(language, snapshot.taken_at, seconds=True)
    )
    table = Table(expand=True)
    table.add_column(say(language, "column.name"), ratio=1, no_wrap=True)
    table.add_column(say(language, "column.size"), justify="right", no_wrap=True)
    table.add_column(say(language, "column.state"), no_wrap=True)
    table.add_column(say(language, "column.when"), no_wrap=True)
    for row in _chosen(snapshot, limit):
        table.add_row(
            *(Text(cell) for cell in cells(language, row.document, row.said)), style=_style(row.document.state)
        )
    needing = next(iter(snapshot.needing), None)
    return Group(
        Text(headline(snapshot), style="bold red" if snapshot.needs_a_person else "bold"),
        Text(when, style="dim"),
        *_bar(snapshot),
        table,
        Text(snapshot.target.sentence(language)),
        Text(sentence(language, needing.document) if needing else say(language, unknown(snapshot)), style="dim"),
    )


def _bar(snapshot: Snapshot) -> list[RenderableType]:
    """Return how far the run is that is under way, as a sentence and a bar."""
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    run, language = snapshot.run, snapshot.drive.language
    if run is None:
        return []
    going = "progress.run" if snapshot.moves else "progress.waiting"
    told = say(language, going, done=number(language, run.done), total=number(language, run.total))
    return [Text(told), ProgressBar(total=run.total, completed=run.done)]


def _chosen(snapshot: Snapshot, limit: int) -> list[Row]:
    """Return what needs a person, then the newest; what is going on stays in sight, however much needs a person."""
    others = together(snapshot.newest)
    needing = together(snapshot.needing)[: max(limit // 2, limit - len(others))]
    return [*needing, *others[: limit - len(needing)]]


def _style(state: State) -> str:
    if state in NEEDS_PERSON or state is State.REFUSED:
        return "red"
    return "green" if state in SENT else ""


def _watch_plainly(read_snapshot: Callable[[], Snapshot], stop: threading.Event) -> None:
    snapshot = read_snapshot()
    print(status_lines(snapshot), flush=True)
    while not stop.wait(INTERVAL):
        before, snapshot = snapshot, read_snapshot()
        for line in _news(before, snapshot):
            print(line, flush=True)


def _news(before: Snapshot, after: Snapshot) -> list[str]:
    """Return a line for each document that moved on, and for a headline that is another."""
    language = after.drive.language
    when = moment(language, after.taken_at, seconds=True)
    states = {row.document.id: row.document.state for row in before.documents}
    latest = max((row.document.number for row in before.documents), default=0)
    told = []
    for row in sorted(after.documents, key=lambda row: row.document.number):
        document = row.document
        is_new = document.id not in states and document.number > latest  # an older one only came back into sight
        if is_new or states.get(document.id, document.state) != document.state:
            told.append(f"{printable(document.path)}  {say(language, f'state.{document.state}')}")
    if headline(after) != headline(before):
        told.append(headline(after))
    return [f"{when}  {line}" for line in told]


# ---- unmounting --------------------------------------------------------------------------------------------------


class Progress:
    """How many documents are left, on standard error: a bar, or a line for each tenth where there is no terminal."""

    def __init__(self, total: int, language: str) -> None:
        """Begin with `total` documents that wait."""
        self._total = total
        self._language = language
        self._said: int | None = None
        self._bar: rich_progress.Progress | None = None

    def __enter__(self) -> Self:
        """Show the bar."""
        if self._total and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
            self._bar = Progress(*columns, console=Console(stderr=True), auto_refresh=False)
            self._bar.add_task("", total=self._total)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.stop()

    def update(self, left: int) -> None:
        """Say how many are left now; more than before is possible, while King still prints."""
        self._total = max(self._total, left)
        told = say(self._language, "progress.left", count=number(self._language, left))
        if self._bar is not None and left != self._said:
            task = self._bar.task_ids[0]
            self._bar.update(task, total=self._total, completed=self._total - left, description=told, refresh=True)
            self._said = left
        elif self._bar is None and self._is_news(left):
            print(told, file=sys.stderr, flush=True)
            self._said = left

    def _is_news(self, left: int) -> bool:
        if self._said is None or left == 0:
            return left != (self._said or 0)
        return abs(self._said - left) * 10 >= self._total
