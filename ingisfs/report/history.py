"""The history of all documents, for people, for spreadsheets and for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from ingisfs.outbox.reading import HistoryEntry
from ingisfs.report.catalogue import moment, say
from ingisfs.report.layout import printable

COLUMNS = ("at", "id", "name", "before", "after", "why")


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
    return "'" + text if text[:1] in {"=", "+", "-", "@"} else text


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
