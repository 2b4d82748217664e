"""What came in, for people (a page) and for programs (JSON)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from anyio.to_thread import run_sync
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ingisfs.stage.inbox import Document, Inbox
from ingisfs.stage.names import Place, href, is_temporary, written
from ingisfs.stage.sentences import LANGUAGES, say

MAX_ROWS = 500


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the page: texts for people (local time), but for `iso` (UTC) and `first` (the first of its pair)."""

    name: str
    link: str
    kind: str
    size: str
    date: str
    clock: str
    iso: str
    first: bool


class Page:
    """The two views on one inbox; `language` is what the page is in unless it is asked for with `?lang=`."""

    def __init__(self, inbox: Inbox, language: str) -> None:
        self._inbox = inbox
        self._language = language
        templates = FileSystemLoader(Path(__file__).parent / "templates")
        environment = Environment(loader=templates, autoescape=True, undefined=StrictUndefined)
        self._template = environment.get_template("inbox.html")

    async def html(self, request: Request) -> Response:
        """`GET /`: the newest documents, pairs together."""
        language = request.query_params.get("lang", self._language)
        if language not in LANGUAGES:
            language = self._language
        address = f"http://{request.headers['host']}/inbox/"
        return HTMLResponse(await run_sync(self._render, language, address))

    async def json(self, _request: Request) -> Response:
        """`GET /inbox.json`: everything in the inbox, temporary names too, in the order in which it got its name."""
        return Response(await run_sync(self._dump), media_type="application/json")

    def _render(self, language: str, address: str) -> str:
        everything = list(self._inbox.documents())
        documents = [document for document in everything if not is_temporary(document.place)]
        rows = list(islice(_rows(documents, language), MAX_ROWS))
        count = len(documents)
        return self._template.render(
            say=lambda key, **values: say(language, key, **values),
            language=language,
            other=next(other for other in LANGUAGES if other != language),
            address=address,
            total=say(language, "total_one" if count == 1 else "total_many", count=count),
            underway=len(everything) - count,
            capped=count > len(rows),
            rows=rows,
        )

    def _dump(self) -> str:
        documents = sorted(self._inbox.documents(), key=lambda document: (document.received_at, document.place))
        return json.dumps(
            [
                {
                    "name": written(document.place),
                    "size": document.size,
                    "sha256": document.sha256,
                    "received_at": _utc(document.received_at),
                }
                for document in documents
            ]
        )


def _rows(documents: list[Document], language: str) -> Iterator[Row]:
    """Newest first; documents of one stem beside each other, at the time of the newest of them, PDF before XML."""
    pairs: defaultdict[Place, list[Document]] = defaultdict(list)
    for document in documents:
        pairs[_stem(document.place)].append(document)
    for pair in sorted(pairs.values(), key=lambda pair: max(one.received_at for one in pair), reverse=True):
        for index, document in enumerate(sorted(pair, key=lambda one: (_kind(one.place), one.place))):
            yield _row(document, language, first=index == 0)


def _row(document: Document, language: str, *, first: bool) -> Row:
    received = datetime.fromtimestamp(document.received_at, UTC).astimezone()
    return Row(
        name=written(document.place),
        link=href(document.place),
        kind=_kind(document.place),
        size=_size(document.size, language),
        date=received.strftime("%d-%m-%Y" if language == "nl" else "%Y-%m-%d"),
        clock=received.strftime("%H:%M:%S"),
        iso=_utc(document.received_at),
        first=first,
    )


def _stem(place: Place) -> Place:
    return (*place[:-1], Path(place[-1]).stem.casefold())


def _kind(place: Place) -> str:
    return Path(place[-1]).suffix[1:].upper() or "–"


def _size(size: int, language: str) -> str:
    if size < 1000:
        return f"{size} B"
    text = f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"
    return text.replace(".", ",") if language == "nl" else text


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
