"""Prints a pair that is clearly a test into a drive, as a program does, and follows it to the server.

What is followed is the outbox's own history: it knows what happened while nobody looked. Nothing is ever taken back:
whoever stops looking leaves the documents to the drive.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from ingisfs import letters, mounting
from ingisfs.config import ConfigError, is_loopback
from ingisfs.drive.registry import Mounted
from ingisfs.outbox.document import BY_INGIS, ENDED, SENT, Document
from ingisfs.outbox.reading import Reading
from ingisfs.report.catalogue import say
from ingisfs.report.target import NEEDS_PERSON as TARGET_NEEDS_PERSON
from ingisfs.report.target import read_target
from ingisfs.report.text import sentence
from ingisfs.selftest.documents import page

LOOK = 0.1  # s between two looks at the outbox
WRITING = 30.0  # s that a drive may take to keep two small documents


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended: "delivered", "person" or "late"; and why, for people."""

    how: str
    why: str = ""


def stem(now: datetime) -> str:
    """Return the name of a pair: no other one has it, for a document that was delivered once is not sent again."""
    return f"INGISFS-TEST-{now:%Y%m%d-%H%M%S}"


def is_here(server: str) -> bool:
    """Tell whether a server is on this machine, so that nobody else is bothered."""
    return is_loopback(urlsplit(server).hostname or "")


def documents(name: str, now: datetime) -> dict[str, bytes]:
    """Return the pair by its names, the PDF first. The XML is in no format that anybody could book."""
    remark = "proefdocument / test document, do not book"
    when = f"{now:%Y-%m-%d %H:%M:%S}"
    lines = ["PROEFDOCUMENT / TEST DOCUMENT", "", remark, "niet boeken, niet betalen", "", name, when]
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Proefdocument>\n'
        f"  <Opmerking>{remark}</Opmerking>\n  <Nummer>{name}</Nummer>\n"
        f"  <Datum>{now:%Y-%m-%d}</Datum>\n  <Bedrag>0.00</Bedrag>\n</Proefdocument>\n"
    )
    return {f"{name}.pdf": page(lines), f"{name}.xml": xml.encode()}


def write(mounted: Mounted, pair: dict[str, bytes]) -> None:
    """Write documents as a program does. Raises ConfigError: that is where King would show a red cross."""
    if not mounted.alive or not mounting.answers(mounted.mountpoint, WRITING):  # without a drive it is a mere folder
        raise ConfigError("testprint.silent", mountpoint=mounted.mountpoint)
    failed: list[OSError] = []

    def work() -> None:
        root = mounted.mountpoint + ("\\" if letters.letter(mounted.mountpoint) else "")
        try:
            for name, data in pair.items():
                with open(os.path.join(root, name), "xb") as file:
                    file.write(data)
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=work, daemon=True)  # a drive that hangs must not hang us
    thread.start()
    thread.join(WRITING)
    if thread.is_alive():
        raise ConfigError("testprint.silent", mountpoint=mounted.mountpoint)
    for error in failed:
        raise ConfigError("testprint.failed", mountpoint=mounted.mountpoint, detail=error.strerror or error)


def follow(
    outbox: Reading, names: list[str], language: str, timeout: float, ingis: float, tell: Callable[[str], None]
) -> Ending:
    """Tell each step of these documents, until all are at the server, a person is needed, or `timeout` s are over.

    Where what becomes of them behind the server is followed, go on for `ingis` s, or until something is known of each.
    """
    end = time.monotonic() + timeout
    told, arrived = 0, False
    while True:
        with suppress(sqlite3.OperationalError):  # busy
            found = _newest(outbox, names)
            for entry, line in _news(outbox, found, told, language):
                told = entry
                tell(line)
            ending = _ending(outbox, found, names, language)
            if ending is not None and (ending.how != "delivered" or not outbox.meta("follows") or not ingis):
                return ending
            if ending is not None:
                if not arrived:
                    arrived, end = True, time.monotonic() + ingis
                    tell(say(language, "testprint.ingis", seconds=f"{ingis:g}"))
                if time.monotonic() >= end or all(document.state in BY_INGIS for document in found):
                    return ending
        if time.monotonic() >= end and not arrived:
            return Ending("late", read_target(outbox).sentence(language))
        try:
            time.sleep(LOOK)
        except KeyboardInterrupt:
            if not arrived:
                raise
            return Ending("delivered")


def _newest(outbox: Reading, names: list[str]) -> list[Document]:
    """Return the newest document of each name: a program may have saved it twice."""
    found = {}
    for document in outbox.documents("name IN (?, ?) AND folder = '' ORDER BY number", names):
        found[document.name] = document
    return list(found.values())


def _news(outbox: Reading, documents: list[Document], after: int, language: str) -> Iterator[tuple[int, str]]:
    """Yield the steps behind the one with this number, each with its own."""
    ids = {document.id: document.name for document in documents}
    query = "SELECT entry, at, id, after FROM history WHERE entry > ? ORDER BY entry"
    for entry, at, document_id, state in outbox.rows(query, (after,)):
        if document_id in ids:
            what = say(language, "testprint.written" if state == "writing" else f"state.{state}")
            when = time.strftime("%H:%M:%S", time.localtime(at))
            yield entry, say(language, "testprint.step", when=when, name=ids[document_id], what=what)


def _ending(outbox: Reading, found: list[Document], names: list[str], language: str) -> Ending | None:
    for document in found:
        if document.needs_person:
            return Ending("person", "\n".join(filter(None, (sentence(language, document), document.detail))))
        if document.state in ENDED:  # somebody deleted or replaced it
            return Ending("person", f"{document.name}: {say(language, f'state.{document.state}')}")
    if len(found) == len(names) and all(document.state in SENT for document in found):
        return Ending("delivered")
    target = read_target(outbox)
    if target.state == TARGET_NEEDS_PERSON:
        return Ending("person", target.sentence(language))
    return None
