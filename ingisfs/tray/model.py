"""What the icon beside the clock shows and what its menu does, knowing no screen.

A look reads the outbox of each drive, as `ingisfs status` does. The machine's own drives belong to the system: whoever
may not look into their outbox is shown what the status files on the drive say, and decides nothing.

Threads: `look` in one thread; what a menu does may come from any other.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ingisfs import deciding, names, outside
from ingisfs.config import ConfigError, Drive, load, names_in
from ingisfs.outbox.document import NEEDS_PERSON, Document, State
from ingisfs.outbox.reading import ReadOnlyOutbox
from ingisfs.outbox.store import OutboxError
from ingisfs.report.catalogue import number, say
from ingisfs.report.html import looks
from ingisfs.report.layout import cut, printable, wrap
from ingisfs.report.snapshot import DriveFacts, Snapshot, take_snapshot, together
from ingisfs.report.text import headline, sentence
from ingisfs.whereabouts import Where, Whereabouts, whereabouts

log = logging.getLogger(__name__)

NEWEST = 10  # documents that are shown
PAUSE = 3600.0  # s
_WORST = ("bad", "warn", "go", "ok", "off")  # colours, the most urgent first
_WIDTH, _LONG = 48, 120  # columns of a name, of a sentence in a menu
_LINE, _LINES = 70, 8  # columns of each line of a reason, and how many lines

#: what is said of a drive that is not here, before all else
_WORDS = {
    Where.ELSEWHERE: "tray.elsewhere",
    Where.OTHERS: "tray.others",
    Where.STOPPED: "tray.stopped",
    Where.NOT_MOUNTED: "tray.away",
    Where.GONE: "tray.gone",
}
_RETRIED = frozenset({State.QUEUED, State.PUBLISHING})


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a menu: a word, something to do, or a menu of its own."""

    text: str
    do: Callable[[], None] | None = None
    items: tuple[Item, ...] = ()
    default: bool = False  # what a double click on the icon does


LINE = Item("")  # between two parts of a menu


@dataclass(frozen=True, slots=True)
class Look:
    """What is to be drawn."""

    colour: str  # one of `html.COLOURS`
    title: str  # what is told when the mouse is over it
    items: tuple[Item, ...]


def open_with_system(place: str) -> None:
    """Open a folder, file or address with the program that the system has for it."""
    if sys.platform == "win32":
        os.startfile(place)  # noqa: S606  # a drive of ours, its status page, or the portal of the settings
    else:
        subprocess.Popen(["xdg-open", place], stdin=subprocess.DEVNULL, start_new_session=True)


class Tray:
    """All drives of one configuration file."""

    def __init__(self, config: Path, language: str, opener: Callable[[str], None] = open_with_system) -> None:
        """Show the drives in `config`. `language` is for what belongs to none of them."""
        self._config = config
        self._language = language
        self._open = opener
        self._failure = ""  # what went wrong with what a person did last

    def look(self) -> Look:
        """Return what is to be drawn now."""
        drives: list[_DriveLook] = []
        for name in self._names():
            try:
                drives.append(self._drive(load(self._config, name)))
            except (ConfigError, OSError, sqlite3.Error, ValueError) as error:
                log.warning("drive %s: %s", name, error)
                told = say(self._language, "tray.unreadable")
                drives.append(_DriveLook(name, "bad", told, (Item(told),)))
        colour = min((drive.colour for drive in drives), key=_WORST.index, default="off")
        title = "\n".join(say(self._language, "tray.drive", drive=d.name, told=d.told) for d in drives)
        return Look(colour, cut(title, 127) or "ingisfs", tuple(self._menu(drives)))  # Windows shows no more

    def _names(self) -> list[str]:
        try:
            return names_in(self._config)
        except ConfigError as error:
            log.warning("%s", error)
            return []

    def _menu(self, drives: Sequence[_DriveLook]) -> Iterator[Item]:
        if self._failure:
            yield Item(cut(self._failure, _LONG))
            yield LINE
        if len(drives) == 1:
            yield from drives[0].items
        else:
            for drive in drives:
                told = say(self._language, "tray.drive", drive=drive.name, told=drive.told)
                yield Item(cut(told, _LONG), items=drive.items)

    # ---- one drive -----------------------------------------------------------------------------------------------

    def _drive(self, drive: Drive) -> _DriveLook:
        folder = drive.state_folder
        found = whereabouts(drive, folder)
        place = found.place if found.where is Where.HERE else ""
        try:
            with closing(ReadOnlyOutbox(folder)) as outbox:
                snapshot = _snapshot(outbox, drive)
        except PermissionError:
            return self._from_outside(drive, place or drive.mountpoint)
        except FileNotFoundError:
            told = say(drive.language, _WORDS.get(found.where, "tray.away"))
            return _DriveLook(drive.name, "off", told, tuple(_explained(drive.language, told, found)))
        language = snapshot.drive.language
        colour, told = looks(snapshot)[0], headline(snapshot)
        if found.where is not Where.HERE:
            told = f"{say(language, _WORDS[found.where])}. {told}"
            # What a person took away, or what is another's, is no trouble; what needs a person stays red.
            calm = "off" if colour in {"ok", "go"} and found.where is not Where.ELSEWHERE else colour
            colour = "bad" if found.where in {Where.GONE, Where.NOT_MOUNTED} else calm
        items = [*_explained(language, told, found), *self._places(language, place, snapshot.drive.portal), LINE]
        items += [Item(say(language, "tray.documents"))]
        items += [self._document(drive, language, row.document) for row in together(_newest(snapshot))]
        items += [LINE, *self._runs(drive, snapshot)]
        return _DriveLook(drive.name, colour, told, tuple(items))

    def _places(self, language: str, place: str, portal: str | None) -> Iterator[Item]:
        if place:
            root = place + ("\\" if place.endswith(":") else "")
            yield Item(say(language, "tray.open", place=place), partial(self._show, root))
            page = os.path.join(root, "INGIS-STATUS.html")
            yield Item(say(language, "tray.status"), partial(self._show, page), default=True)
        if portal and portal.startswith(("https://", "http://")):
            yield Item(say(language, "tray.portal"), partial(self._show, portal))

    def _document(self, drive: Drive, language: str, document: Document) -> Item:
        told = f"{cut(printable(document.path), _WIDTH)}: {say(language, f'state.{document.state}')}"
        stem = names.split(document.path)[0]
        items: list[Item] = []
        if document.needs_person:
            items += [Item(line) for line in wrap(sentence(language, document), _LINE)[:_LINES]]
            items.append(LINE)
            if document.state in NEEDS_PERSON:
                items.append(self._sure(drive, language, "release", stem))
                items.append(self._sure(drive, language, "withdraw", stem))
            else:
                dealt_with = say(language, "tray.dealt-with")
                items.append(Item(dealt_with, partial(self._decide, drive, "withdraw", [document.id])))
        elif document.state in _RETRIED and document.tries:
            items.append(Item(say(language, "tray.retry"), partial(self._decide, drive, "retry", [stem])))
        return Item(told, items=tuple(items))

    def _sure(self, drive: Drive, language: str, what: str, stem: str) -> Item:
        """Return what is done only in a second step: it cannot be taken back."""
        sure = say(language, f"tray.{what}.sure", name=cut(printable(stem), _WIDTH))
        return Item(say(language, f"tray.{what}"), items=(Item(sure, partial(self._decide, drive, what, [stem])),))

    def _runs(self, drive: Drive, snapshot: Snapshot) -> Iterator[Item]:
        """Yield what is done to all documents at once."""
        language = snapshot.drive.language
        held = sum(snapshot.counts[state] for state in NEEDS_PERSON)
        seen = max((row.document.number for row in snapshot.documents), default=0)
        if held:
            every = say(language, "tray.all", count=number(language, held))
            both = []
            for what in ("release", "withdraw"):
                sure = Item(
                    say(language, f"tray.{what}.sure", name=every), partial(self._decide, drive, what, [], seen)
                )
                both.append(Item(say(language, f"tray.{what}"), items=(sure,)))
            yield Item(say(language, "tray.all-held", count=number(language, held)), items=tuple(both))
        if waiting := snapshot.waiting:
            told = say(language, "tray.all-waiting", count=number(language, waiting))
            yield Item(told, partial(self._decide, drive, "retry", []))
        if snapshot.paused_until is None:
            yield Item(say(language, "tray.pause"), partial(self._pause, drive, PAUSE))
        else:
            yield Item(say(language, "tray.resume"), partial(self._pause, drive, 0.0))

    def _from_outside(self, drive: Drive, place: str) -> _DriveLook:
        """Return what the drive itself says to everybody. Raises OSError, ValueError."""
        found = outside.read(place)
        status, told, language = found.status, found.headline, drive.language
        if found.needs_a_person:
            colour = "bad"
        elif status["target"]["state"] == "unreachable":
            colour = "warn"
        else:
            colour = "go" if status["waiting"] else "ok"
        items = [Item(cut(printable(told), _LONG)), *self._places(language, place, status["portal"]), LINE]
        items.append(Item(say(language, "tray.documents")))
        for document in status["documents"][:NEWEST]:
            path = f"{document['folder']}/{document['name']}" if document["folder"] else document["name"]
            items.append(Item(f"{cut(printable(path), _WIDTH)}: {say(language, 'state.' + document['state'])}"))
        items += [LINE, Item(say(language, "tray.not-yours"))]
        return _DriveLook(drive.name, colour, printable(told), tuple(items))

    # ---- what a menu does ----------------------------------------------------------------------------------------

    def _show(self, place: str) -> None:
        self._try(lambda: self._open(place))

    def _decide(self, drive: Drive, what: str, wanted: Sequence[str], seen: int | None = None) -> None:
        """Do it to the documents of these stems; with none of them, to all up to the number that a person has `seen`.

        Only to what is held or needs a person, but for a retry: what is on its way is not withdrawn from here.
        """

        def only(document: Document) -> bool:
            return (what == "retry" or document.needs_person) and (seen is None or document.number <= seen)

        def do() -> None:
            done, _ = deciding.decide(drive, drive.state_folder, what, wanted, only=only)
            log.info("%s by a person at the tray: %s", what, ", ".join(document.id for document in done) or "nothing")

        self._try(do)

    def _pause(self, drive: Drive, seconds: float) -> None:
        self._try(lambda: deciding.pause(drive, drive.state_folder, seconds))

    def _try(self, do: Callable[[], object]) -> None:
        """Do something; what went wrong is in the menu until something went well."""
        try:
            do()
            self._failure = ""
        except (OutboxError, OSError, sqlite3.Error) as error:
            log.warning("%r", error)
            self._failure = say(self._language, "tray.failed", detail=printable(str(error)))


@dataclass(frozen=True, slots=True)
class _DriveLook:
    name: str
    colour: str
    told: str
    items: tuple[Item, ...]


def _explained(language: str, told: str, found: Whereabouts) -> Iterator[Item]:
    """Yield how the drive is, and where it is if it is not here."""
    yield Item(cut(told, _LONG))
    if found.where is not Where.HERE:
        for line in wrap(say(language, found.sentence, **found.values), _LINE)[:_LINES]:
            yield Item(line)


def _newest(snapshot: Snapshot) -> list[Any]:
    """Return what needs a person and the newest others, so that both are in sight."""
    needing, others = together(snapshot.needing), together(snapshot.newest)
    first = needing[: max(NEWEST // 2, NEWEST - len(others))]
    return [*first, *others[: NEWEST - len(first)]]


def _snapshot(outbox: ReadOnlyOutbox, drive: Drive) -> Snapshot:
    facts = DriveFacts(
        name=drive.name,
        server=drive.server,
        mounted_since=None,
        language=outbox.meta("language") or drive.language,
        portal=outbox.meta("portal") or drive.portal or None,
    )
    return take_snapshot(outbox, facts, time.time())


def walk(items: Iterable[Item]) -> Iterator[Item]:
    """Yield all lines of a menu and of the menus in it."""
    for item in items:
        yield item
        yield from walk(item.items)
