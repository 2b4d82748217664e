"""The history of all documents, step by step or one line a document; for people, for spreadsheets and for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from ingisfs.outbox.document import BY_INGIS
from ingisfs.outbox.reading import Audited, HistoryEntry
from ingisfs.report.catalogue import CATALOGUE, moment, say
from ingisfs.report.catalogue import size as length
from ingisfs.report.layout import printable

COLUMNS = ("at", "id", "name", "before", "after", "why")
#: Of a document, for an auditor. `ingis` is null where INGIS said nothing, or nothing that could be heard.
DOCUMENT_COLUMNS = (
    *("id", "name", "folder", "size", "sha256", "written_at", "state", "delivered_at", "remote_name"),
    *("ingis", "ingis_at", "ingis_said", "reason"),
)
_FORMULA = {"=", "+", "-", "@", "\t", "\r"}


def history_lines(entries: Iterable[HistoryEntry], language: str) -> Iterator[str]:
    """Yield one line a step."""
    for entry in entries:
        state = say(language, f"state.{entry.after}")
        name, why = printable(entry.name), printable(entry.why)
        yield f"{moment(language, entry.at, seconds=True)}  {entry.id}  {name:<30} {state:<22} {why}\n"


def as_csv(entries: Iterable[HistoryEntry], language: str) -> Iterator[str]:
    """Yield lines of CSV (RFC 4180) with a heading; times in ISO 8601 UTC, states as stored."""
    del language
    yield _csv_line(COLUMNS)
    for entry in entries:
        yield _csv_line([_iso(entry.at), entry.id, _plain(entry.name), entry.before, entry.after, _plain(entry.why)])


def _plain(text: str) -> str:
    """A spreadsheet runs what begins like a formula: an apostrophe makes it text."""
    return "'" + text if text[:1] in _FORMULA else text


def _csv_line(values: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()


def as_json(entries: Iterable[HistoryEntry], language: str) -> Iterator[str]:
    """Yield one JSON object a line; times in ISO 8601 UTC."""
    del language
    for entry in entries:
        values = (_iso(entry.at), entry.id, entry.name, entry.before, entry.after, entry.why)
        yield json.dumps(dict(zip(COLUMNS, values, strict=True)), ensure_ascii=False) + "\n"


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


# ---- one line a document -----------------------------------------------------------------------------------------


def document_lines(entries: Iterable[Audited], language: str) -> Iterator[str]:
    """Yield what became of each document: a line, its hash, and what INGIS said, if it did."""
    for entry in entries:
        document = entry.document
        path, state = printable(document.path), say(language, f"state.{document.state}")
        size, written = length(language, document.size), moment(language, document.written_at, seconds=True)
        yield f"{written}  {document.id}  {path}  {size}  {state}\n"
        yield f"  SHA-256 {document.sha256}\n"
        if document.delivered_at is not None:
            when = moment(language, document.delivered_at, seconds=True)
            name = printable(document.remote_name or document.path)
            yield "  " + say(language, "history.delivered", when=when, name=name) + "\n"
            yield "  " + _ingis(entry, language) + "\n"


def _ingis(entry: Audited, language: str) -> str:
    if entry.answered_at is None or entry.document.state not in BY_INGIS:
        return say(language, "history.ingis-unknown")
    told = say(language, f"state.{entry.document.state}")
    when = moment(language, entry.answered_at, seconds=True)
    word = f"said.{entry.answer}"
    said = f" ({say(language, word) if word in CATALOGUE else printable(entry.answer)})" if entry.answer else ""
    return say(language, "history.ingis", told=told, when=when) + said


def documents_csv(entries: Iterable[Audited], language: str) -> Iterator[str]:
    """Yield a heading and a line a document, as `as_csv` does."""
    del language
    yield _csv_line(DOCUMENT_COLUMNS)
    for entry in entries:
        values = _document(entry).values()
        yield _csv_line("" if value is None else _plain(str(value)) for value in values)


def documents_json(entries: Iterable[Audited], language: str) -> Iterator[str]:
    """Yield one JSON object a line and document, as `as_json` does."""
    del language
    for entry in entries:
        yield json.dumps(_document(entry), ensure_ascii=False) + "\n"


def _document(entry: Audited) -> dict[str, str | int | None]:
    document = entry.document
    said = document.state in BY_INGIS
    values = (
        *(document.id, document.name, document.folder, document.size, document.sha256, _iso(document.written_at)),
        *(str(document.state), None if document.delivered_at is None else _iso(document.delivered_at)),
        document.remote_name if document.delivered_at is not None else None,
        str(document.state) if said else None,
        _iso(entry.answered_at) if said and entry.answered_at is not None else None,
        entry.answer if said else None,
        document.reason,
    )
    return dict(zip(DOCUMENT_COLUMNS, values, strict=True))
