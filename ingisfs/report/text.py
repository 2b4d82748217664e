"""The status as text for people and as JSON for programs, both from one snapshot.

Text: UTF-8 with a byte order mark and CRLF, so that every Notepad shows é and line ends right; 78 columns at most.
JSON: `docs/status.schema.json`; UTF-8, times in ISO 8601 UTC.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from ingisfs.outbox.document import Document, State
from ingisfs.report.catalogue import duration, moment, number, say, size
from ingisfs.report.layout import cut, pad, printable, wrap
from ingisfs.report.snapshot import Row, Snapshot

SCHEMA = 1
WIDTH = 78
TEXT_ROWS = 50

_COUNTED = [state for state in State if state is not State.LOCAL]


def headline(snapshot: Snapshot) -> str:
    """Say in one line whether all is well."""
    language = snapshot.drive.language
    if snapshot.alarms:
        return say(language, f"alarm.{snapshot.alarms[0]}")
    if snapshot.target.state == "needs_person":
        return say(language, "headline.target")
    if snapshot.held == 1:
        return say(language, "headline.person-one")
    if snapshot.held:
        return say(language, "headline.person", count=number(language, snapshot.held))
    if snapshot.waiting:
        return say(language, "headline.waiting", waiting=number(language, snapshot.waiting))
    delivered = sum(snapshot.counts[s] for s in (State.DELIVERED, State.COLLECTED, State.REFUSED))
    if delivered:
        return say(language, "headline.fine", delivered=number(language, delivered))
    return say(language, "headline.nothing")


def lines(snapshot: Snapshot) -> Iterator[str]:
    """Yield the status, line by line."""
    language, drive = snapshot.drive.language, snapshot.drive
    title = say(language, "page.title", drive=drive.name)
    updated = say(language, "page.updated", at=moment(language, snapshot.taken_at, seconds=True))
    yield f"{pad(title, WIDTH - len(updated) - 1)} {updated}"
    yield "=" * WIDTH
    yield from wrap(headline(snapshot), WIDTH)
    yield ""
    yield from wrap(printable(snapshot.target.sentence(language)), WIDTH)
    yield say(language, "page.server", server=drive.server)
    if drive.mounted_since is not None:
        yield say(language, "page.since", at=moment(language, drive.mounted_since), host=drive.host)
    if snapshot.waiting and snapshot.oldest_waiting is not None:
        waited = duration(language, max(0.0, snapshot.taken_at - snapshot.oldest_waiting))
        yield say(language, "page.oldest", duration=waited)
    if snapshot.needing:
        yield from _section(say(language, "page.needs-you"))
        for row in snapshot.needing[:TEXT_ROWS]:
            yield f"{cut(printable(row.document.path), 54)} ({say(language, f'state.{row.document.state}')})"
            yield from wrap(printable(row.reason(language)), WIDTH, indent="    ")
        if snapshot.held > TEXT_ROWS:
            yield say(language, "page.more", count=number(language, snapshot.held - TEXT_ROWS))
    yield from _section(say(language, "page.counts"))
    for state in _COUNTED:
        if snapshot.counts[state]:
            yield f"{say(language, f'state.{state}'):<28}{number(language, snapshot.counts[state]):>9}"
    portal = say(language, "page.portal", portal=drive.portal) if drive.portal else ""
    yield from wrap(say(language, "page.ingis-unknown", portal=portal), WIDTH)
    if snapshot.newest:
        yield from _section(say(language, "page.newest"))
        yield from _table(snapshot.newest[:TEXT_ROWS], language)


def _section(title: str) -> Iterator[str]:
    yield ""
    yield title
    yield "-" * WIDTH


def _table(rows: Sequence[Row], language: str) -> Iterator[str]:
    """Yield one line a document, the halves of a pair together."""
    shown: set[str] = set()
    by_id = {row.document.id: row for row in rows}
    for row in rows:
        for one in (row, by_id.get(row.pair or "")):
            if one is None or one.document.id in shown:
                continue
            shown.add(one.document.id)
            document = one.document
            state = say(language, f"state.{document.state}")
            at = moment(language, document.delivered_at or document.written_at)
            name = pad(cut(printable(document.path), 28), 28)
            yield f"{name}  {pad(cut(state, 20), 20)} {size(language, document.size):>8}  {at}"


def as_text(snapshot: Snapshot) -> bytes:
    """Return `INGIS-STATUS.txt`."""
    return ("\ufeff" + "\r\n".join(lines(snapshot)) + "\r\n").encode()


def _time(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _document(row: Row, language: str) -> dict[str, Any]:
    document = row.document
    return {
        "id": document.id,
        "name": document.name,
        "folder": document.folder,
        "state": document.state,
        "size": document.size,
        "sha256": document.sha256,
        "written_at": _time(document.written_at),
        "delivered_at": _time(document.delivered_at),
        "attempts": document.attempt,
        "next_try": _time(row.next_try),
        "reason": document.reason,
        "detail": document.detail,
        "message": row.reason(language),
        "remote_name": document.remote_name,
        "pair": row.pair,
    }


def as_json(snapshot: Snapshot) -> bytes:
    """Return `INGIS-STATUS.json`."""
    drive, target, language = snapshot.drive, snapshot.target, snapshot.drive.language
    oldest = snapshot.oldest_waiting if snapshot.waiting else None
    content = {
        "schema": SCHEMA,
        "taken_at": _time(snapshot.taken_at),
        "drive": drive.name,
        "server": drive.server,
        "portal": drive.portal,
        "host": drive.host,
        "mounted_since": _time(drive.mounted_since),
        "headline": headline(snapshot),
        "target": {
            "state": target.state,
            "reason": target.reason or None,
            "detail": target.detail,
            "since": _time(target.since),
            "message": target.sentence(language),
        },
        "counts": {state.value: snapshot.counts[state] for state in _COUNTED},
        "waiting": snapshot.waiting,
        "needs_person": snapshot.held,
        "oldest_waiting_seconds": None if oldest is None else round(max(0.0, snapshot.taken_at - oldest), 1),
        "alarms": [say(language, f"alarm.{alarm}") for alarm in snapshot.alarms],
        "documents": [_document(row, language) for row in (*snapshot.needing, *snapshot.newest)],
        "ingis": None,
    }
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def documents_json(documents: Sequence[Document], language: str) -> str:
    """Return documents as the status shows them, for commands that deal with some of them."""
    return json.dumps(
        [_document(Row(document, None), language) for document in documents], ensure_ascii=False, indent=1
    )
