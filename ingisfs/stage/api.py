"""The portal's API in front of the inbox, for programs: docs/ingis-api.md and ingis-api.json beside it.

    PUT /api/drafts/NAME      whole bytes, with their SHA-256, under a name that INGIS passes over
    POST /api/documents       one draft becomes one document: once for each Idempotency-Key
    GET /api/receipts         what INGIS says of documents, in the order in which it says it

Refusals are problems of RFC 9457. The event loop runs only what is quick; the disk is used in worker threads.
"""

from __future__ import annotations

import base64
import binascii
import errno
import json
import re
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from anyio.to_thread import run_sync
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from ingisfs.stage import failures
from ingisfs.stage.bodies import received
from ingisfs.stage.desks import Desk
from ingisfs.stage.inbox import Document, Folder
from ingisfs.stage.names import PREFIX, Place, check_name, is_temporary, place_of, written
from ingisfs.stage.receipts import Creation, Receipt, drafts
from ingisfs.stage.sentences import say
from ingisfs.stage.webdav import FileResponse

VERSION = 1
ROOT = b"/api"
MAX_JSON = 64 * 1024  # bytes
MAX_RECEIPTS = 1000  # in one answer
DEFAULT_RECEIPTS = 100

_DIGEST = re.compile(r"(?:\A|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?:,|\Z)")
_KEY = re.compile(r'"([\x21\x23-\x5b\x5d-\x7e]{1,200})"\Z')  # a string of RFC 8941, without spaces and escapes
_NUMBER = re.compile(r"[0-9]{1,15}\Z")
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}

# Each refusal's status, and the last part of its problem's type.
_PROBLEMS: dict[type[failures.InboxError], tuple[int, str]] = {
    failures.NotThereError: (404, "not-found"),
    failures.NoDraftError: (404, "no-draft"),
    failures.AlreadyThereError: (409, "name-taken"),
    failures.IsFolderError: (409, "name-taken"),
    failures.DraftTakenError: (409, "draft-taken"),
    failures.NoParentError: (409, "no-folder"),
    failures.TooLargeError: (413, "too-large"),
    failures.NoRightsError: (403, "no-rights"),
    failures.NameRefusedError: (422, "name-refused"),
    failures.SamePlaceError: (422, "name-refused"),
    failures.DigestMismatchError: (422, "digest-mismatch"),
    failures.KeyReusedError: (422, "key-reused"),
}

Handler = Callable[[Request, bytes], Awaitable[Response]]


class Api:
    """`/api` and all below it, for one desk. `language` is that of the sentences in answers."""

    def __init__(self, desk: Desk, language: str) -> None:
        self._inbox = desk.inbox
        self._receipts = desk.receipts
        self._language = language
        # By what stands behind /api/, and whether a name follows.
        self._handlers: dict[tuple[bytes, bool], dict[str, Handler]] = {
            (b"", False): {"GET": self._describe},
            (b"drafts", False): {"GET": self._drafts},
            (b"drafts", True): {"GET": self._draft, "PUT": self._put, "DELETE": self._discard},
            (b"documents", False): {"POST": self._create},
            (b"documents", True): {"GET": self._document},
            (b"content", True): {"GET": self._content},
            (b"receipts", False): {"GET": self._feed},
        }

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        collection, slash, name = scope["raw_path"][len(ROOT) + 1 :].partition(b"/")
        handlers = self._handlers.get((collection, bool(slash)), {})
        try:
            if request.method in handlers:
                response = await handlers[request.method](request, name)
            elif handlers:
                response = self._problem(405, "method", "method", {"Allow": ", ".join(handlers)}, method=request.method)
            else:
                response = self._problem(404, "address-unknown", "address_unknown")
        except ClientDisconnect:
            return
        except failures.InboxError as failure:
            status, kind = _PROBLEMS[type(failure)]
            limit = self._inbox.size_limit // 1024**2
            response = self._problem(status, kind, type(failure).__name__, name=failure.name, limit=limit)
        except OSError as error:
            if error.errno not in _DISK_FULL:
                raise
            response = self._problem(507, "disk-full", "disk_full")
        await response(scope, receive, send)

    async def _describe(self, _request: Request, _name: bytes) -> Response:
        return JSONResponse({"api": "ingis", "version": VERSION})

    # Drafts

    async def _put(self, request: Request, name: bytes) -> Response:
        place = _place(name)
        digest = _sha256(request.headers.getlist("content-digest"))
        if digest is None or "content-range" in request.headers:
            return self._bad_request("no_digest" if digest is None else "partial")
        async with received(request, self._inbox) as upload:
            draft, new = await run_sync(self._receipts.keep, upload, place, digest)
        return JSONResponse(_described(draft), 201 if new else 200)

    async def _draft(self, _request: Request, name: bytes) -> Response:
        found = await run_sync(self._receipts.draft, _place(name))
        if isinstance(found, Document):
            return JSONResponse({**_described(found), "document": None})
        known = {"name": found.draft, "size": found.size, "sha256": found.sha256}
        return JSONResponse({**known, "document": _created(found)})

    async def _drafts(self, request: Request, _name: bytes) -> Response:
        folder = request.query_params.get("folder", "")
        found = await run_sync(drafts, self._inbox, tuple(folder.split("/")) if folder else ())
        return JSONResponse({"drafts": [_described(draft) for draft in found]})

    async def _discard(self, _request: Request, name: bytes) -> Response:
        await run_sync(self._receipts.discard, _place(name))
        return Response(None, 204)

    # Documents

    async def _create(self, request: Request, _name: bytes) -> Response:
        keys = request.headers.getlist("idempotency-key")
        key = _KEY.match(keys[0]) if len(keys) == 1 else None
        if key is None:
            return self._bad_request("no_key")
        wanted = await _json(request)
        if wanted is None:
            return self._bad_request("json")
        draft, name = (tuple(wanted[what].split("/")) for what in ("draft", "name"))
        for part in name:
            check_name(part)
        creation, new = await run_sync(self._receipts.create, key[1], draft, name, wanted.get("replaces"))
        return JSONResponse(_created(creation), 201 if new else 200)

    async def _document(self, _request: Request, name: bytes) -> Response:
        found = await run_sync(self._inbox.find, _place(name))
        if isinstance(found, Folder) or is_temporary(found.place):
            raise failures.NotThereError(written(found.place))
        return JSONResponse({**_described(found), "received_at": _utc(found.received_at)})

    async def _content(self, _request: Request, name: bytes) -> Response:
        place = _place(name)
        try:
            document, file = await run_sync(self._inbox.open, place)
        except failures.IsFolderError:
            raise failures.NotThereError(written(place)) from None
        digest = base64.b64encode(bytes.fromhex(document.sha256)).decode()
        return FileResponse(document, file, {"Content-Digest": f"sha-256=:{digest}:"})

    # Receipts

    async def _feed(self, request: Request, _name: bytes) -> Response:
        after = request.query_params.get("after") or "0"
        limit = request.query_params.get("limit") or str(DEFAULT_RECEIPTS)
        if not _NUMBER.match(after) or not _NUMBER.match(limit) or int(limit) < 1:
            return self._bad_request("cursor")
        found = await run_sync(self._receipts.after, int(after), min(int(limit), MAX_RECEIPTS))
        return JSONResponse({"receipts": [_told(receipt) for receipt in found]})

    # Refusing

    def _bad_request(self, sentence: str) -> Response:
        return self._problem(400, "bad-request", sentence)

    def _problem(
        self, status: int, kind: str, sentence: str, headers: dict[str, str] | None = None, **values: object
    ) -> Response:
        detail = say(self._language, sentence, **values)
        problem = {"type": f"/api/problems/{kind}", "status": status, "detail": detail}
        return JSONResponse(problem, status, headers, media_type="application/problem+json")


def _place(name: bytes) -> Place:
    return place_of(f"{PREFIX}/".encode() + name)


def _sha256(headers: Iterable[str]) -> str | None:
    """The SHA-256 that Content-Digest tells (RFC 9530), in hex; None if it tells none."""
    found = _DIGEST.search(", ".join(headers))
    try:
        return None if found is None else base64.b64decode(found[1], validate=True).hex()
    except binascii.Error:
        return None


async def _json(request: Request) -> dict[str, str] | None:
    """The body of a request that makes a document, None if it is none."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_JSON:
            return None
    try:
        wanted = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(wanted, dict) or not {"draft", "name"} <= set(wanted) <= {"draft", "name", "replaces"}:
        return None
    return wanted if all(isinstance(value, str) for value in wanted.values()) else None


def _described(document: Document) -> dict[str, Any]:
    return {"name": written(document.place), "size": document.size, "sha256": document.sha256}


def _created(creation: Creation) -> dict[str, Any]:
    return {
        "receipt": creation.receipt,
        "key": creation.key,
        "name": creation.name,
        "size": creation.size,
        "sha256": creation.sha256,
        "at": _utc(creation.at),
    }


def _told(receipt: Receipt) -> dict[str, Any]:
    return {
        "cursor": str(receipt.cursor),
        "key": receipt.key,
        "name": receipt.name,
        "sha256": receipt.sha256,
        "state": receipt.state,
        "reason": receipt.reason,
        "at": _utc(receipt.at),
    }


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
