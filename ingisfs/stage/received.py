"""What lies in an inbox now, for people (lines of a page) and for programs (JSON)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from ingisfs.stage.desks import Desk
from ingisfs.stage.formats import size
from ingisfs.stage.inbox import Document
from ingisfs.stage.invoices import Invoices
from ingisfs.stage.names import Place, href, written

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


class ReceivedList:
    """`GET /inbox.json`: everything on a desk, temporary names too, in the order in which it got its name."""

    def __init__(self, desk: Desk) -> None:
        self._inbox = desk.inbox

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        response: Response
        if Request(scope).method not in {"GET", "HEAD"} or not scope["raw_path"].endswith(b".json"):
            response = PlainTextResponse("", 405, {"Allow": "GET, HEAD"})
        else:
            response = Response(json.dumps(await run_sync(self.documents)), media_type="application/json")
        await response(scope, receive, send)

    def documents(self) -> list[dict[str, object]]:
        """What the answer lists."""
        documents = sorted(self._inbox.documents(), key=lambda document: (document.received_at, document.place))
        return [
            {
                "name": written(document.place),
                "size": document.size,
                "sha256": document.sha256,
                "received_at": _utc(document.received_at),
            }
            for document in documents
        ]


class EverythingList(ReceivedList):
    """`GET /documents.json`: what was taken in, with its status, and then what lies in the inbox (status "inbox")."""

    def __init__(self, desk: Desk, invoices: Invoices) -> None:
        super().__init__(desk)
        self._user = desk.user
        self._invoices = invoices

    def documents(self) -> list[dict[str, object]]:
        """What the answer lists: each document once, also while it is just being taken in."""
        before = self._invoices.last_file()
        waiting = super().documents()
        files = self._invoices.all_files(self._user)
        taken = {(file["name"], file["sha256"]) for file in files if file["in_inbox"] or file["id"] > before}
        filed = [
            {
                "name": file["name"],
                "size": file["size"],
                "sha256": file["sha256"],
                "received_at": _utc(file["received_at"]),
                "status": file["status"],
            }
            for file in files
        ]
        return filed + [{**each, "status": "inbox"} for each in waiting if (each["name"], each["sha256"]) not in taken]


def rows(documents: list[Document], language: str) -> Iterator[Row]:
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
        size=size(document.size, language),
        date=received.strftime("%d-%m-%Y" if language == "nl" else "%Y-%m-%d"),
        clock=received.strftime("%H:%M:%S"),
        iso=_utc(document.received_at),
        first=first,
    )


def _stem(place: Place) -> Place:
    return (*place[:-1], Path(place[-1]).stem.casefold())


def _kind(place: Place) -> str:
    return Path(place[-1]).suffix[1:].upper() or "–"


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
