"""Follows what was delivered: was it collected, and did INGIS leave an answer beside it?

A document that is not under its final name any more was collected, but only if that is certain: a folder that is empty
because the server's disk is not there looks the same. So a small file of ours, the *witness*, lies in each folder. What
was delivered while it was there, and is not there now while the witness is, was taken; that has to be so at two looks,
each file is asked for by its name, and a file written just now has to be visible. All else says nothing.

A look is one job of one worker: one listing, and a second's worth of questions at most. The courier's thread makes
looks and hears what they found (`Following`), the worker looks (`look_at`). Where a server tells by itself what became
of documents, that is heard instead: `receipts.py`.
"""

from __future__ import annotations

import json
import logging
import re
import time
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ingisfs import names
from ingisfs.delivery.failures import DeliveryError, TargetNeedsPersonError, TargetReason, TransientError
from ingisfs.delivery.server import Entry, Server, temporary_name
from ingisfs.outbox.document import Document, State, new_id
from ingisfs.outbox.outbox import Answer, Outbox

log = logging.getLogger(__name__)

NOTE = "following"  # our place in `meta`
LIMIT = 2000  # documents that are followed, the newest
DAYS = 30  # after its delivery that one is followed
LONGEST = 15  # times the shortest pause
SHARE = 20  # a pause is so many times as long as the look before it took
LOST = 5  # looks in a row without the witness until there is a new one
TAKEN = 3  # witnesses in a row that went away until there is no new one: whoever takes them may complain of each
BUDGET = 1.0  # s of questions in one look
AGAIN = 5.0  # s until the next look when there were more questions
KNOWN = 5000  # answers that are remembered for each folder
MAX_ANSWER = 64 * 1024  # bytes of an answer that is read
MAX_TOLD = 1024  # bytes of it that are looked at
MAX_DETAIL = 300  # characters of it that are shown

_PLACES = re.compile(r"\{(name|stem)\}")


# ---- answers ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pattern:
    """How an answer is called: `{name}.err`, `{stem}_rejected*`, `rejected/{name}`."""

    text: str  # relative to the document's folder
    after: State  # ACCEPTED or REFUSED

    @property
    def folder(self) -> str:
        """Where such answers lie, relative to the document's folder; "" is beside it."""
        return self.text.rpartition("/")[0]

    def filled(self, name: str) -> str:
        """Return what the answer to this document is called in its folder, still with its `*`."""
        values = {"name": name, "stem": names.split(name)[0]}
        return _PLACES.sub(lambda place: values[place[1]], self.text.rpartition("/")[2])

    def matches_any(self, name: str) -> bool:
        """Tell whether an answer to any document may be called so."""
        last = self.text.rpartition("/")[2]
        parts = re.split(r"\{name\}|\{stem\}", last)
        return re.fullmatch(".+".join(re.escape(part).replace(r"\*", ".*") for part in parts), name) is not None


def _called(filled: str, listed: Sequence[str]) -> list[str]:
    """Return which of the sorted names in a folder are so called."""
    prefix, star, suffix = filled.partition("*")
    found = []
    for name in listed[bisect_left(listed, prefix) :]:
        if not name.startswith(prefix):
            break
        if (name.endswith(suffix) and len(name) >= len(prefix) + len(suffix)) if star else name == filled:
            found.append(name)
    return found


def told(data: bytes) -> str:
    """Return the first line of an answer that says something, made harmless."""
    data = data[:MAX_TOLD]
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        text = data.decode("utf-16", "ignore")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            cut_off = len(data) == MAX_TOLD and error.start > MAX_TOLD - 4
            text = data[: error.start].decode("utf-8-sig") if cut_off else data.decode("latin-1")
    for line in text.splitlines():
        plain = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in line)
        if said := " ".join(plain.split()):
            return said[:MAX_DETAIL]
    return ""


# ---- what a worker does ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Followed:
    """One document of a look."""

    id: str
    name: str  # in its folder
    ask: bool = False  # it was not there before: make sure of it
    hears: bool = False  # an answer that is new is about it


@dataclass(frozen=True, slots=True)
class Look:
    """What a worker is to look at. Without documents it only says hello."""

    folder: str
    entry: int = 0  # the last one of the history when this was made
    witness: str = ""
    is_new: bool = False  # the witness has to be put first
    probe: str = ""  # a temporary name that was never used
    documents: tuple[Followed, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    known: Mapping[str, str] | None = None  # answers that were there before, with their tags; None: never looked


@dataclass(frozen=True, slots=True)
class Found:
    """What a worker saw. All else is empty if the witness was not there."""

    stands: bool = False  # the witness was there
    missing: frozenset[str] = frozenset()  # ids that the listing does not show
    gone: frozenset[str] = frozenset()  # ids that surely are not there
    answers: tuple[Answer, ...] = ()
    known: Mapping[str, str] = field(default_factory=dict)  # answers that are there and need not be read again
    is_all: bool = True  # there was time for every question
    took: float = 0.0  # s


def look_at(server: Server, look: Look) -> Found:
    """Look into one folder. Changes nothing there but our own temporary files. Raises DeliveryError."""
    began = time.monotonic()
    if not look.documents:
        server.ping()
        return Found(took=time.monotonic() - began)
    if look.is_new:
        server.put(look.witness, b"ingisfs")
    if server.entry(look.witness) is None:
        return Found(took=time.monotonic() - began)
    until = time.monotonic() + BUDGET
    listing = server.entries(look.folder) if look.patterns else {}
    names_there = listing.keys() if look.patterns else server.names(look.folder)
    place = f"{look.folder}/" if look.folder else ""
    missing = {followed.id for followed in look.documents if followed.name not in names_there}
    gone, is_all = set(), True
    for followed in look.documents:
        if followed.ask and followed.id in missing:
            if time.monotonic() > until:
                is_all = False
                break
            if server.entry(place + followed.name) is None:
                gone.add(followed.id)
            else:
                missing.discard(followed.id)
    answers, known, read_all = _answers(server, look, listing, until)
    if gone and not _is_visible(server, look.probe):
        gone.clear()
    stands = server.entry(look.witness) is not None
    took = time.monotonic() - began
    if not stands:
        return Found(took=took)
    return Found(True, frozenset(missing), frozenset(gone), answers, known, is_all and read_all, took)


def _is_visible(server: Server, probe: str) -> bool:
    """Tell whether the server shows a file that was written just now: it does not answer from memory."""
    server.put(probe, b"ingisfs")
    try:
        return server.entry(probe) is not None
    finally:
        server.remove(probe)


def _answers(
    server: Server, look: Look, listing: Mapping[str, Entry], until: float
) -> tuple[tuple[Answer, ...], dict[str, str], bool]:
    """Return the answers that came since the last look, all that are there by name, and whether time was enough."""
    answers: dict[str, Answer] = {}
    known: dict[str, str] = {}
    is_all = True
    place = f"{look.folder}/" if look.folder else ""
    ours = {followed.name for followed in look.documents}
    for folder in sorted({pattern.folder for pattern in look.patterns}):
        within = listing if not folder else _listed(server, place + folder)
        patterns = [pattern for pattern in look.patterns if pattern.folder == folder]
        inside = f"{folder}/" if folder else ""
        # A document is no answer to another one, whatever it is called.
        tags = {
            inside + name: f"{entry.tag}/{entry.size}"
            for name, entry in within.items()
            if (folder or name not in ours) and any(pattern.matches_any(name) for pattern in patterns)
        }
        known.update(tags)
        if look.known is None:
            continue
        news = sorted(path[len(inside) :] for path, tag in tags.items() if look.known.get(path) != tag)
        for pattern in sorted(patterns, key=lambda pattern: pattern.after is not State.REFUSED):
            for followed in look.documents if news else ():
                if followed.id in answers or not followed.hears:
                    continue
                for name in _called(pattern.filled(followed.name), news):
                    text = None
                    if time.monotonic() <= until:
                        text = _text(server, place + inside + name, within[name].size)
                    if text is None:
                        known.pop(inside + name, None)
                        is_all = False
                        continue
                    detail = f"{inside}{name}: {text}" if text else inside + name
                    answers[followed.id] = Answer(followed.id, pattern.after, detail)
                    break
    return tuple(answers.values()), known, is_all


def _listed(server: Server, folder: str) -> Mapping[str, Entry]:
    """Return what is in a folder for answers, which may first have to be made."""
    try:
        return server.entries(folder)
    except TargetNeedsPersonError as error:
        if error.reason != TargetReason.FOLDER_MISSING:
            raise
        return {}


def _text(server: Server, name: str, size: int) -> str | None:
    """Return what an answer says, "" if it cannot be told, None if that may be told later."""
    if size > MAX_ANSWER:
        return ""
    try:
        data = server.get(name)
    except TransientError:
        return None
    except DeliveryError as error:
        log.warning("cannot read %s: %s", name, error)
        return ""
    return None if data is None else told(data)


# ---- what the courier does -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Folder:
    """What outlives a restart, of one folder."""

    witness: int = 0  # number of its temporary file, 0: there is none
    entry: int = 0  # of the history: what was delivered behind it was delivered while the witness was there
    seen: list[str] = field(default_factory=list)  # ids that were delivered earlier, and were there with the witness
    at: int = 0  # entry of the history at the last look for answers
    known: dict[str, str] | None = None  # answers that were there then


class Following:
    """Makes looks for one outbox and hears what they found. Used by the courier's thread only."""

    def __init__(
        self,
        outbox: Outbox,
        pause: float,
        folders: Iterable[str],
        temporary_folder: str | None = None,
        patterns: Sequence[Pattern] = (),
    ) -> None:
        """Look every `pause` seconds at most, every `LONGEST` times that at least; 0: never."""
        self._outbox = outbox
        self._pause = pause
        self._temporary_folder = temporary_folder
        self._patterns = tuple(patterns)
        now = outbox.clock.boot()
        self._due = dict.fromkeys(sorted(folders), now + pause)  # folder → next look, on the boot clock
        self._pauses = dict.fromkeys(self._due, pause)
        # folder → id → when it was first not there, on the boot clock
        self._missing: dict[str, dict[str, float]] = {folder: {} for folder in self._due}
        self._written = ""  # our note, as it is in the outbox
        self._lost: dict[str, int] = {}  # folder → looks in a row without the witness
        self._taken: dict[str, int] = {}  # folder → witnesses in a row that went away
        self._under_way: Look | None = None
        self._id, self._number, self._folders = new_id(), 0, {folder: _Folder() for folder in self._due}
        self._remember()

    def _remember(self) -> None:
        try:
            noted: dict[str, Any] = json.loads(self._outbox.meta(NOTE) or "{}")
            self._id, self._number = str(noted.get("id", self._id)), int(noted.get("number", 0))
            same = noted.get("patterns") == self._pattern_texts()
            for folder, values in noted.get("folders", {}).items():
                if folder in self._folders:
                    self._folders[folder] = _Folder(**values)
                    if not same:  # what is there now would all be new
                        self._folders[folder].known = None
            self._written = self._note()[NOTE]
        except (ValueError, TypeError, AttributeError) as error:
            log.warning("what was seen of the documents on the server is forgotten: %r", error)

    def _pattern_texts(self) -> list[str]:
        return [f"{pattern.after} {pattern.text}" for pattern in self._patterns]

    def _note(self) -> dict[str, str]:
        folders = {
            folder: {"witness": f.witness, "entry": f.entry, "seen": f.seen, "at": f.at, "known": f.known}
            for folder, f in self._folders.items()
        }
        noted = {"id": self._id, "number": self._number, "patterns": self._pattern_texts(), "folders": folders}
        return {NOTE: json.dumps(noted)}

    def _write(self, answers: Sequence[Answer]) -> None:
        """Note answers and our place in one transaction, if there is anything new."""
        note = self._note()
        if answers or note[NOTE] != self._written:
            self._outbox.hear(answers, note)
            self._written = note[NOTE]

    # ---- when ----------------------------------------------------------------------------------------------------

    def delivered(self, documents: Iterable[Document]) -> None:
        """Look soon: something was delivered just now."""
        soon = self._outbox.clock.boot() + self._pause
        for folder in {_folder_of(document) for document in documents} & self._due.keys():
            self._pauses[folder] = self._pause
            self._due[folder] = min(self._due[folder], soon)

    def look(self, *, fresh: bool) -> Callable[[Server], Callable[[], None]] | None:
        """Return what a worker should look at now, None for nothing. Without a `fresh` log-in it says hello first."""
        now = self._outbox.clock.boot()
        if not self._pause or self._under_way is not None:
            return None
        for folder in sorted((folder for folder, due in self._due.items() if due <= now), key=self._due.__getitem__):
            documents = self._open(folder)
            if not documents or self._taken.get(folder, 0) >= TAKEN:
                self._due[folder] = now + LONGEST * self._pause
                continue
            self._under_way = self._made(folder, documents, now) if fresh else Look(folder)
            return partial(self._look_at, self._under_way)
        return None

    def _look_at(self, look: Look, server: Server) -> Callable[[], None]:
        return partial(self._heard, look, look_at(server, look))

    def _open(self, folder: str) -> list[Document]:
        """Return the documents in a folder of which INGIS may still tell something."""
        states = [State.DELIVERED, State.COLLECTED] if self._patterns else [State.DELIVERED]
        since = self._outbox.clock.wall() - DAYS * 86400
        found = self._outbox.not_heard_of(states, since, LIMIT)
        # WsgiDAV cuts a name at its first semicolon: such a document never lay where we would look for it.
        return [document for document in found if _folder_of(document) == folder and ";" not in document.name]

    def _made(self, folder: str, documents: Sequence[Document], now: float) -> Look:
        kept = self._folders[folder]
        entries = self._entries(documents)
        is_new = not kept.witness
        witness = kept.witness or self._next_number()
        followed = tuple(
            Followed(
                document.id,
                _name_of(document),
                not is_new and self._is_doubted(document, folder, entries[document.id], now),
                bool(self._patterns) and self._hears(document, kept, entries[document.id]),
            )
            for document in documents
        )
        probe = self._next_number() if any(each.ask for each in followed) else 0
        if is_new or probe:
            self._write([])  # a temporary name is never used again
        return Look(
            folder,
            self._outbox.last_entry(),
            self._temporary(folder, witness),
            is_new,
            self._temporary(folder, probe),
            followed,
            self._patterns,
            kept.known,
        )

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    def _temporary(self, folder: str, number: int) -> str:
        beside = f"{folder}/witness" if folder else "witness"
        name = temporary_name(beside, self._id, number, self._temporary_folder)
        return name.removesuffix(".part") + "-probe.part"

    def _entries(self, documents: Sequence[Document]) -> dict[str, int]:
        """Return the entry of the history with which each document was delivered."""
        ids = [document.id for document in documents]
        rows = self._outbox.rows(
            "SELECT id, (SELECT max(entry) FROM history WHERE history.id = documents.id AND after = ?) FROM documents"
            f" WHERE id IN ({','.join('?' * len(ids))})",
            (State.DELIVERED, *ids),
        )
        return {document_id: int(entry or 0) for document_id, entry in rows}

    def _is_doubted(self, document: Document, folder: str, entry: int, now: float) -> bool:
        """Tell whether the next look may find out that a document was collected."""
        kept, since = self._folders[folder], self._missing[folder].get(document.id)
        was_there = document.id in kept.seen or entry > kept.entry
        return document.state is State.DELIVERED and was_there and since is not None and now - since >= self._pause

    def _hears(self, document: Document, kept: _Folder, entry: int) -> bool:
        """Tell whether an answer that came since the last look is about this document, and not about an earlier one."""
        if kept.known is None:
            return False
        if entry <= kept.at:
            return True
        others = self._outbox.documents(
            "(folder_key, pair_key) = (SELECT folder_key, pair_key FROM documents WHERE id = ?) AND id <> ?"
            " AND state IN (?, ?)",
            (document.id, document.id, State.DELIVERED, State.COLLECTED),
        )
        entries = self._entries(others) if others else {}
        return not any(o.remote_name == document.remote_name or entries[o.id] <= kept.at for o in others)

    # ---- what was found ------------------------------------------------------------------------------------------

    def failed(self, error: DeliveryError) -> None:
        """Hear that nothing could be seen. It says nothing about any document."""
        assert self._under_way is not None
        folder, self._under_way = self._under_way.folder, None
        log.info("cannot look into %r: %s", folder, error)
        whole = isinstance(error, TargetNeedsPersonError)
        self._wait(folder, LONGEST * self._pause if whole else 2 * self._pauses[folder])

    def _heard(self, look: Look, found: Found) -> None:
        """Hear what was seen."""
        now, folder = self._outbox.clock.boot(), look.folder
        self._under_way = None
        if not look.documents:
            self._due[folder] = now  # hello; now the look itself
            return
        if not found.stands:
            self._lose(look)
            self._wait(folder, 2 * self._pauses[folder])
            return
        self._lost.pop(folder, None)
        kept = self._folders[folder]
        if look.is_new:
            kept.witness = _number_of(look.witness)
            kept.entry = self._outbox.last_entry()
            kept.seen = [followed.id for followed in look.documents if followed.id not in found.missing]
        if found.gone:
            self._taken.pop(folder, None)
        answers = list(found.answers)
        answered = {answer.id for answer in answers}
        answers += [
            Answer(document_id, State.COLLECTED, "no longer on the server")
            for document_id in sorted(found.gone - answered)
        ]
        if self._patterns:
            kept.known = _remembered(kept.known or {}, found.known)
            kept.at = look.entry
        self._write(answers)
        earlier, missing = self._missing[folder], found.missing - found.gone - answered
        self._missing[folder] = {each.id: earlier.get(each.id, now) for each in look.documents if each.id in missing}
        doubted = not missing <= earlier.keys()
        if not found.is_all:
            self._due[folder] = now + min(AGAIN, self._pause)
            return
        self._wait(folder, self._pause if doubted or answers else 2 * self._pauses[folder], found.took)

    def _wait(self, folder: str, pause: float, took: float = 0.0) -> None:
        longest = LONGEST * self._pause
        self._pauses[folder] = min(pause, longest)
        self._due[folder] = self._outbox.clock.boot() + min(max(self._pauses[folder], SHARE * took), longest)

    def _lose(self, look: Look) -> None:
        """The witness is not there: this may be another disk, or none. If it stays so, there will be a new one."""
        folder = look.folder
        self._missing[folder] = {}
        self._lost[folder] = self._lost.get(folder, 0) + 1
        if self._lost[folder] >= LOST and self._folders[folder].witness:
            log.warning("our file in %r is gone; what was delivered before is not followed", folder)
            kept = self._folders[folder]
            kept.witness, kept.seen = 0, []
            self._write([])
            del self._lost[folder]
            self._taken[folder] = self._taken.get(folder, 0) + 1
            if self._taken[folder] == TAKEN:
                log.warning("%d files of ours went away from %r; nothing is followed there any more", TAKEN, folder)

    def is_left_over(self, document_id: str, number: int) -> bool:
        """Tell whether a temporary file is an earlier witness of ours, or a probe that could not be removed."""
        mine = document_id == self._id and self._under_way is None
        return mine and number not in {kept.witness for kept in self._folders.values()}


def _remembered(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Return which answers are old from now on: also those that are away for the moment."""
    both = {**old, **new}
    return both if len(both) <= KNOWN else dict(new)


def _folder_of(document: Document) -> str:
    return (document.remote_name or "").rpartition("/")[0]


def _name_of(document: Document) -> str:
    return (document.remote_name or "").rpartition("/")[2]


def _number_of(temporary: str) -> int:
    return int(temporary.removesuffix("-probe.part").rpartition("-")[2])
