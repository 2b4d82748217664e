"""A snapshot as a page for people (`INGIS-STATUS.txt`) and as JSON for programs (`INGIS-STATUS.json`).

The page is UTF-8 with Windows' line ends, 78 columns wide, and without a byte order mark: Notepad has recognised
UTF-8 without one since Windows Vista, and programs that do not (`type`, `findstr`, scripts) would show the mark itself
as rubbish before the most important line. Layout is ASCII, so that a wrong guess harms single letters only.

The JSON is described in docs/status.md and docs/status.schema.json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ingisfs import names
from ingisfs.outbox.document import BY_INGIS, SENT, WORDS, Document, Reason, State
from ingisfs.report import target
from ingisfs.report.catalogue import CATALOGUE, counted, day, duration, moment, number, say, size
from ingisfs.report.layout import columns, cut, pad, printable, wrap
from ingisfs.report.snapshot import ROWS, DriveFacts, Row, Snapshot, pair_up, together
from ingisfs.report.target import TargetStatus

SCHEMA = 1
WIDTH = 78  # columns
LIMIT = 200_000  # bytes of a status file at most
_NEEDING, _ROOM = 100_000, 180_000  # bytes of documents that need a person, and of all
_DETAIL = 600  # columns of a message
_LONG_AGO = 3600.0  # s after which it is worth a word how long ago something was printed

#: Reasons that have their detail in their sentence.
DETAIL_TOLD = frozenset({Reason.TWIN, Reason.ALREADY_DELIVERED, Reason.DELIVERED_COPY, Reason.LOOKS_ATTACHED})


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What there is to show when the outbox cannot be read."""

    drive: DriveFacts
    taken_at: float  # s since 1970 UTC
    problem: str  # technical, in English
    alarms: tuple[str, ...] = ()


# ---- for people --------------------------------------------------------------------------------------------------


def as_text(taken: Snapshot | Unreadable) -> bytes:
    """Return `INGIS-STATUS.txt`, in the drive's language."""
    page = _unreadable_lines(taken) if isinstance(taken, Unreadable) else lines(taken)
    return "".join(f"{line}\r\n" for line in page).encode("utf-8", "replace")


def lines(snapshot: Snapshot, newest: int = ROWS, drive: str = "") -> list[str]:
    """Return the page's lines, with `newest` of the newest documents at most.

    `drive` says how the drive is; the page on the drive itself need not be told.
    """
    return [
        *wrap(headline(snapshot), WIDTH),
        *_about(snapshot),
        *wrap(drive, WIDTH),
        *(wrap(quiet(snapshot), WIDTH) if not drive else ()),
        *_alarms(snapshot),
        *_needing(snapshot),
        *_server(snapshot),
        *_counts(snapshot),
        *_newest(snapshot, newest),
    ]


def headline(snapshot: Snapshot) -> str:
    """Return in one line whether all is well, else who must act and what waits."""
    language, state = snapshot.drive.language, snapshot.target.state
    parts: list[str] = []
    if snapshot.alarms:
        parts.append(say(language, "headline.alarm"))
    if snapshot.needs_person:
        parts.append(counted(language, "headline.person", snapshot.needs_person))
    if state == target.NEEDS_PERSON:
        parts.append(say(language, "headline.server"))
    elif state == target.UNREACHABLE:
        parts.append(say(language, "headline.away"))
    if snapshot.paused_until is not None:
        parts.append(say(language, "headline.paused", when=moment(language, snapshot.paused_until)))
    if snapshot.waiting:
        going = "headline.going" if snapshot.moves else "headline.waiting"
        parts.append(counted(language, going, snapshot.waiting))
    elif parts:
        parts.append(say(language, "headline.nothing"))
    elif delivered := sum(snapshot.counts[state] for state in SENT):
        parts.append(say(language, "headline.well", count=number(language, delivered)))
    else:
        parts.append(say(language, "headline.new"))
    return " ".join(parts)


def sentence(language: str, document: Document) -> str:
    """Return why a document is held or parked, and what to do."""
    reason = f"reason.{document.reason}"
    detail = day(language, document.detail) if document.reason == Reason.ALREADY_DELIVERED else document.detail
    values = {"name": document.path, "detail": detail, "which": _which(document)}
    return printable(say(language, reason if reason in CATALOGUE else "reason.none", **values))


def _which(document: Document) -> str:
    """Return what means a document and its other half to the commands, safe to be copied into any shell."""
    stem = names.split(document.path)[0]
    if re.fullmatch(r"\w[\w./-]*", stem):
        return stem
    safe = printable(stem) == stem and not stem.startswith("-") and not set(stem) & set("$`!%\\")
    return f'"{stem}"' if safe else document.id


def refusal(language: str, document: Document, portal: str | None) -> bytes:
    """Return the text beside a document that INGIS refused: what happened, and what to do. A page like the others."""
    found = wrap(sentence(language, document), WIDTH)
    found += _message(language, document.detail)
    if document.delivered_at is not None:
        name = printable(document.remote_name or document.path)
        when = moment(language, document.delivered_at)
        told = say(language, "refusal.delivered", when=when, name=name, size=size(language, document.size))
        found += ["", *wrap(told, WIDTH)]
    found += wrap(say(language, "refusal.gone"), WIDTH)
    if portal:
        found += wrap(say(language, "page.portal", portal=printable(portal)), WIDTH)
    return "".join(f"{line}\r\n" for line in found).encode("utf-8", "replace")


def cells(language: str, document: Document, said: str | None = None) -> tuple[str, str, str, str]:
    """Return a document's name, size, state and time, as they stand in a table. `said`: see `Row`."""
    at = document.written_at if document.delivered_at is None else document.delivered_at
    state = say(language, f"state.{document.state}")
    if document.state is State.ACCEPTED and f"said.{said}" in CATALOGUE:
        state = say(language, f"said.{said}")
    return printable(document.path), size(language, document.size), state, moment(language, at)


def _unreadable_lines(taken: Unreadable) -> list[str]:
    language = taken.drive.language
    return [
        *wrap(say(language, "headline.unreadable"), WIDTH),
        *_about(taken),
        *_alarms(taken),
        "",
        *wrap(say(language, "page.unreadable"), WIDTH),
        *_message(language, taken.problem),
    ]


def _about(taken: Snapshot | Unreadable) -> list[str]:
    language, drive = taken.drive.language, taken.drive
    when = moment(language, taken.taken_at, seconds=True)
    about = wrap(say(language, "page.drive", drive=printable(drive.name), when=when), WIDTH)
    if isinstance(taken, Snapshot):
        if drive.mounted_since is not None:
            when = moment(language, drive.mounted_since)
            about.extend(wrap(say(language, "page.mounted", when=when, host=printable(drive.host)), WIDTH))
        if taken.oldest_waiting_seconds is not None:
            about.append(say(language, "page.oldest", duration=duration(language, taken.oldest_waiting_seconds)))
        about.extend(latest(taken))
    return about


def latest(snapshot: Snapshot) -> list[str]:
    """Return when something was printed last, unless something is under way."""
    at, language = snapshot.last_written_at, snapshot.drive.language
    if at is None or snapshot.waiting:
        return []
    ago = snapshot.taken_at - at
    key = "page.latest" if ago < _LONG_AGO else "page.latest-ago"
    return [say(language, key, when=moment(language, at), duration=duration(language, ago))]


def quiet(snapshot: Snapshot) -> str:
    """Return what the drive says of itself when nothing was printed for long: it does work. Else ""."""
    return say(snapshot.drive.language, "page.quiet") if snapshot.is_quiet and not snapshot.alarms else ""


def _heading(text: str) -> list[str]:
    return ["", text, "-" * columns(text)]


def _message(language: str, detail: str, indent: str = "") -> list[str]:
    if not detail:
        return []
    return wrap(say(language, "page.message", detail=cut(printable(detail), _DETAIL)), WIDTH, indent)


def _alarms(taken: Snapshot | Unreadable) -> list[str]:
    if not taken.alarms:
        return []
    language = taken.drive.language
    found = _heading(say(language, "page.attention"))
    for alarm in taken.alarms:
        known = f"alarm.{alarm}" in CATALOGUE
        told = say(language, f"alarm.{alarm}") if known else say(language, "alarm.other", alarm=printable(alarm))
        found.extend(wrap(told, WIDTH))
    return found


def _needing(snapshot: Snapshot) -> list[str]:
    needing, language = snapshot.needing, snapshot.drive.language
    if not needing:
        return []
    found = _heading(f"{say(language, 'page.person')} ({number(language, snapshot.needs_person)})")
    used = told = 0
    for row in together(needing):
        document = row.document
        name, _, state, when = cells(language, document)
        part = wrap(f"{name}, {state}, {when}", WIDTH) + wrap(sentence(language, document), WIDTH, "  ")
        if document.reason not in DETAIL_TOLD:
            part += _message(language, document.detail, "  ")
        used += _length(part)
        if used > _NEEDING:
            break
        found += part
        told += 1
    if snapshot.needs_person > told:
        found.append(counted(language, "page.more", snapshot.needs_person - told))
    return found


def _length(part: Sequence[str]) -> int:
    """Return how many bytes these lines take in the file."""
    return sum(len(line.encode("utf-8", "replace")) + 2 for line in part)


def _server(snapshot: Snapshot) -> list[str]:
    language, status = snapshot.drive.language, snapshot.target
    told = [status.sentence(language)]
    if status.state == target.NEEDS_PERSON:
        told.append(say(language, "target.safe"))
    if status.since is not None:
        told.append(say(language, "target.since", when=moment(language, status.since)))
    return [
        *_heading(say(language, "page.server")),
        *wrap(printable(snapshot.drive.server), WIDTH),
        *wrap(" ".join(told), WIDTH),
        *_message(language, status.detail),
    ]


def _counts(snapshot: Snapshot) -> list[str]:
    """Return the counts of the states that there are. A 0 for what only INGIS knows would be a lie."""
    language = snapshot.drive.language
    found = _heading(say(language, "page.counts"))
    told = [
        (say(language, f"state.{state}"), number(language, count)) for state, count in snapshot.counts.items() if count
    ]
    if told:
        word, figure = (max(columns(pair[at]) for pair in told) for at in (0, 1))
        found.extend(f"{pad(state, word)}  {pad(count, figure, right=True)}" for state, count in told)
    else:
        found.append(say(language, "page.no-documents"))
    if snapshot.ingis is not None:
        figures = {word: number(language, snapshot.ingis.get(word, 0)) for word in WORDS}
        found.extend(wrap(say(language, "page.ingis", **figures), WIDTH))
    else:
        if snapshot.counts[State.DELIVERED] or not any(snapshot.counts[state] for state in BY_INGIS):
            found.extend(wrap(say(language, unknown(snapshot)), WIDTH))
        if snapshot.counts[State.COLLECTED]:
            found.extend(wrap(say(language, "page.ingis-collected"), WIDTH))
        if snapshot.drive.portal:
            found.extend(wrap(say(language, "page.portal", portal=printable(snapshot.drive.portal)), WIDTH))
    return found


def unknown(snapshot: Snapshot) -> str:
    """Return the sentence that says that nobody here knows what INGIS did, though it may have refused something."""
    return "page.ingis-partly" if snapshot.counts[State.REFUSED] else "page.ingis-unknown"


def _newest(snapshot: Snapshot, limit: int) -> list[str]:
    rows, language = together(snapshot.newest[:limit]), snapshot.drive.language
    if not rows:
        return []
    header = tuple(say(language, f"column.{column}") for column in ("name", "size", "state", "when"))
    table = [header, *(cells(language, row.document, row.said) for row in rows)]
    bounds = [max(columns(line[at]) for line in table) for at in range(4)]
    bounds[0] = min(bounds[0], WIDTH - sum(bounds[1:]) - 6)

    def line(name: str, length: str, state: str, when: str) -> str:
        cut_name = pad(cut(name, bounds[0]), bounds[0])
        return "  ".join((cut_name, pad(length, bounds[1], right=True), pad(state, bounds[2]), when))

    found = [*_heading(say(language, "page.newest")), line(*table[0])]
    used = 0
    for row, row_cells in zip(rows, table[1:], strict=True):
        part = [line(*row_cells), *_remarks(language, row)]
        used += _length(part)
        if used > _ROOM - _NEEDING:
            break
        found += part
    return found


def _remarks(language: str, row: Row) -> list[str]:
    """Return what is to be said of a document that goes by itself."""
    document = row.document
    warned = document.reason == Reason.LOOKS_ATTACHED
    found = wrap(sentence(language, document), WIDTH, "  ") if warned else []
    if not document.tries:
        return found
    detail = cut(printable(document.detail), _DETAIL)
    found += wrap(counted(language, "page.failed", document.tries, detail=detail), WIDTH, "  ")
    if row.next_try is not None:
        found.append("  " + say(language, "page.next-try", when=moment(language, row.next_try, seconds=True)))
    return found


# ---- for programs ------------------------------------------------------------------------------------------------


def as_json(taken: Snapshot | Unreadable) -> bytes:
    """Return `INGIS-STATUS.json`: one object in UTF-8, times in ISO 8601 UTC, its keys always in this order."""
    drive, known = taken.drive, taken if isinstance(taken, Snapshot) else None
    oldest = known.oldest_waiting_seconds if known else None
    content = {
        "schema": SCHEMA,
        "taken_at": _iso(taken.taken_at),
        "problem": taken.problem if isinstance(taken, Unreadable) else None,
        "drive": drive.name,
        "server": drive.server,
        "portal": drive.portal,
        "host": drive.host,
        "mounted_since": _iso(drive.mounted_since),
        "alarms": list(taken.alarms),
        "target": _target(known.target if known else TargetStatus()),
        "counts": _count_of_states(known) if known else None,
        "waiting": known.waiting if known else None,
        "needs_person": known.needs_person if known else None,
        "oldest_waiting_seconds": None if oldest is None else int(oldest),
        "last_written_at": _iso(known.last_written_at) if known else None,
        "paused_until": _iso(known.paused_until) if known else None,
        "ingis": dict(known.ingis) if known and known.ingis is not None else None,
    }
    documents = _bounded(known) if known else []
    head = json.dumps(content, ensure_ascii=False, indent=1).removesuffix("\n}")
    body = ",\n".join(documents)
    told = f'{head},\n "documents": [\n{body}\n ]\n}}' if documents else f'{head},\n "documents": []\n}}'
    return told.encode("utf-8", "replace")


def _bounded(snapshot: Snapshot) -> list[str]:
    """Return as many of the documents as there is room for, of both kinds, each as it stands in the file."""
    found: list[str] = []
    used = 0
    for rows, room in ((snapshot.needing, _NEEDING), (snapshot.newest, _ROOM)):
        for row in rows:
            told = "  " + json.dumps(_document(row), ensure_ascii=False, indent=1).replace("\n", "\n  ")
            length = len(told.encode("utf-8", "replace")) + 2
            if used + length > room:
                break
            found.append(told)
            used += length
    return found


def documents_json(documents: Sequence[Document], language: str) -> str:
    """Return some documents as the status shows them, but for `next_try`, for the commands that deal with them."""
    del language  # programs read no sentences
    pairs = pair_up(documents)
    told = [_document(Row(document, None, pairs.get(document.id))) for document in documents]
    for document in told:
        del document["next_try"]
    return json.dumps(told, ensure_ascii=False, indent=1)


def _target(status: TargetStatus) -> dict[str, Any]:
    return {"state": status.state, "reason": status.reason, "detail": status.detail, "since": _iso(status.since)}


def _count_of_states(snapshot: Snapshot) -> dict[str, int | None]:
    # None in a state that only INGIS can tell of means "not known", not "none".
    unknown = BY_INGIS if snapshot.ingis is None else frozenset()
    return {state: None if state in unknown and not count else count for state, count in snapshot.counts.items()}


def _document(row: Row) -> dict[str, Any]:
    document = row.document
    return {
        "id": document.id,
        "name": document.name,
        "folder": document.folder,
        "state": document.state,
        "size": document.size,
        "sha256": document.sha256,
        "written_at": _iso(document.written_at),
        "delivered_at": _iso(document.delivered_at),
        "attempts": document.attempt,
        "next_try": _iso(row.next_try),
        "reason": document.reason,
        "detail": document.detail,
        "remote_name": document.remote_name,
        "pair": row.pair,
        "ingis": row.said,
    }


def _iso(at: float | None) -> str | None:
    """Return a time (s since 1970 UTC) as 2026-11-25T13:03:05.123Z."""
    if at is None:
        return None
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
    except (ValueError, OverflowError, OSError):
        return None
