"""The WebDAV protocol in front of the inbox: requests in, calls to `Inbox`, answers out.

Source: RFC 4918 (class 1, without COPY and PROPPATCH) and RFC 9110. What a client may rely on:

    PUT       whole or not at all; `If-None-Match: *` never replaces; answers with the strong ETag
    MOVE      one rename; `Overwrite: F` fails with 412 if the name exists, however many try at once
    PROPFIND  depth 0 and 1; the list of properties asked for is not looked at, all are given

The event loop runs only what is quick; the disk is used in worker threads.
"""

from __future__ import annotations

import errno
import functools
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import BinaryIO
from urllib.parse import urlsplit
from xml.parsers import expat
from xml.sax.saxutils import escape

from anyio.to_thread import run_sync
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from ingisfs.stage import failures
from ingisfs.stage.bodies import received
from ingisfs.stage.conditions import Condition
from ingisfs.stage.desks import Desk
from ingisfs.stage.headers import DOCUMENT_POLICY
from ingisfs.stage.inbox import Document, Folder
from ingisfs.stage.names import Place, href, place_of
from ingisfs.stage.sentences import say

_CHUNK_BYTES = 256 * 1024  # of a document on its way out
_MAX_PROPFIND_BYTES = 64 * 1024
_CONTENT_TYPES = {"pdf": "application/pdf", "xml": "application/xml"}

_STATUS = {
    failures.NameRefusedError: 400,
    failures.OutsideInboxError: 403,
    failures.NotThereError: 404,
    failures.AlreadyThereError: 412,
    failures.NoParentError: 409,
    failures.TooDeepError: 403,
    failures.IsFolderError: 403,
    failures.FolderNotEmptyError: 409,
    failures.SamePlaceError: 403,
    failures.ConditionFailedError: 412,
    failures.TooLargeError: 413,
    failures.NoRightsError: 403,
}
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}


class WebDav:
    """`/inbox` and all below it, for one desk. `language` is that of the sentences in answers."""

    def __init__(self, desk: Desk, language: str) -> None:
        self._inbox = desk.inbox
        self._language = language
        self._methods: dict[str, Callable[[Request, Place], Awaitable[Response | None]]] = {
            "OPTIONS": self._options,
            "PROPFIND": self._propfind,
            "GET": self._get,
            "HEAD": self._head,
            "PUT": self._put,
            "MOVE": self._move,
            "DELETE": self._delete,
            "MKCOL": self._mkcol,
        }
        self._allow = {"Allow": ", ".join(self._methods)}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        method = self._methods.get(request.method)
        response: Response | None
        try:
            if method is None:
                raise self._refusal(405, "method", self._allow, method=request.method)
            response = await method(request, place_of(scope["raw_path"]))
        except ClientDisconnect:
            return
        except HTTPException as refusal:
            response = PlainTextResponse(refusal.detail, refusal.status_code, refusal.headers)
        except failures.InboxError as failure:
            response = self._explain(failure, request.method)
        except OSError as error:
            if error.errno not in _DISK_FULL:
                raise
            response = PlainTextResponse(say(self._language, "disk_full"), 507)
        if response is not None:
            await response(scope, receive, send)

    # Reading

    async def _options(self, _request: Request, _place: Place) -> Response:
        return Response(None, 200, {"DAV": "1", "MS-Author-Via": "DAV", **self._allow})

    async def _propfind(self, request: Request, place: Place) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_PROPFIND_BYTES:
                raise self._refusal(413, "xml")
        if body and not _is_propfind(bytes(body)):
            raise self._refusal(400, "xml")
        depth = request.headers.get("depth", "infinity").lower()
        if depth == "infinity":
            return _xml('<D:error xmlns:D="DAV:"><D:propfind-finite-depth/></D:error>', 403)
        if depth not in {"0", "1"}:
            raise self._refusal(400, "depth")
        return await run_sync(self._listing, place, depth == "1")

    def _listing(self, place: Place, children: bool) -> Response:
        found = self._inbox.find(place)
        listed = [found]
        if children and isinstance(found, Folder):
            listed += self._inbox.children(place)
        answers = "".join(_properties(entry) for entry in listed)
        return _xml(f'<D:multistatus xmlns:D="DAV:">{answers}</D:multistatus>', 207)

    async def _get(self, _request: Request, place: Place) -> Response:
        try:
            document, file = await run_sync(self._inbox.open, place)
        except failures.IsFolderError:
            return RedirectResponse("/received", 303)  # a person followed the address that the stage announces
        return FileResponse(document, file)

    async def _head(self, _request: Request, place: Place) -> Response:
        found = await run_sync(self._inbox.find, place)
        return RedirectResponse("/received", 303) if isinstance(found, Folder) else Response(None, 200, _headers(found))

    # Writing

    async def _put(self, request: Request, place: Place) -> Response:
        if "content-range" in request.headers or "range" in request.headers:  # RFC 9110, section 14.5
            raise self._refusal(400, "partial")
        condition = self._condition(request)
        async with received(request, self._inbox) as upload:
            document, new = await run_sync(self._inbox.keep, upload, place, condition)
        return Response(None, 201 if new else 204, {"ETag": document.etag})

    async def _move(self, request: Request, place: Place) -> Response:
        target = self._destination(request)
        overwrite = request.headers.get("overwrite", "T").upper()
        if overwrite not in {"T", "F"}:
            raise self._refusal(400, "overwrite")
        condition = self._condition(request)
        move = functools.partial(self._inbox.move, place, target, overwrite=overwrite == "T", condition=condition)
        document, new = await run_sync(move)
        return Response(None, 201 if new else 204, {"ETag": document.etag})

    async def _delete(self, request: Request, place: Place) -> Response:
        await run_sync(self._inbox.delete, place, self._condition(request))
        return Response(None, 204)

    async def _mkcol(self, request: Request, place: Place) -> Response:
        async for chunk in request.stream():
            if chunk:  # RFC 4918, section 9.3: a body whose meaning we do not know
                raise self._refusal(415, "body")
        await run_sync(self._inbox.make_folder, place)
        return Response(None, 201)

    def _condition(self, request: Request) -> Condition:
        if "if" in request.headers:  # RFC 4918, section 10.4: what we cannot check must not count as true
            raise self._refusal(412, "locks")
        return Condition(request.headers.get("if-match"), request.headers.get("if-none-match"))

    def _destination(self, request: Request) -> Place:
        """The place that the header Destination names: an absolute URL on this host, or a path."""
        value = request.headers.get("destination", "")
        try:
            url = urlsplit(value)
        except ValueError:
            raise self._refusal(400, "destination") from None
        if not url.path.startswith("/") or any(character in value for character in "?#\t"):  # urlsplit drops tabs
            raise self._refusal(400, "destination")
        if url.netloc and url.netloc.lower() != request.headers.get("host", "").lower():
            raise self._refusal(502, "other_host")
        return place_of(url.path.encode("latin-1"))  # Starlette decoded the header so

    # Refusing

    def _refusal(
        self, status: int, sentence: str, headers: dict[str, str] | None = None, **values: object
    ) -> HTTPException:
        return HTTPException(status, say(self._language, sentence, **values), headers)

    def _explain(self, failure: failures.InboxError, method: str) -> Response:
        status = _STATUS[type(failure)]
        name = failure.name or "/inbox/"
        limit = self._inbox.size_limit // 1024**2
        text = say(self._language, type(failure).__name__, name=name, limit=limit)
        not_a_document = isinstance(failure, failures.IsFolderError) and method == "PUT"
        nothing_to_make = isinstance(failure, failures.AlreadyThereError) and method == "MKCOL"
        if not_a_document or nothing_to_make:  # RFC 4918, sections 9.7.2 and 9.3.1
            return PlainTextResponse(text, 405, self._allow)
        return PlainTextResponse(text, status)


class FileResponse(Response):
    """Sends a document from its open file, and closes the file whatever happens."""

    def __init__(self, document: Document, file: BinaryIO, headers: dict[str, str] | None = None) -> None:
        super().__init__(None, 200, {**_headers(document), **(headers or {})})
        self._file = file

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        with self._file:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while chunk := await run_sync(self._file.read, _CHUNK_BYTES):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


def _content_type(place: Place) -> str:
    """The type by the name. Only what a browser shows without running anything; the rest is bytes."""
    _, _, extension = place[-1].rpartition(".")
    return _CONTENT_TYPES.get(extension.lower(), "application/octet-stream")


def _headers(document: Document) -> dict[str, str]:
    return {
        "Content-Security-Policy": DOCUMENT_POLICY,
        "Content-Length": str(document.size),
        "Content-Type": _content_type(document.place),
        "ETag": document.etag,
        "Last-Modified": formatdate(document.modified_at, usegmt=True),
        "Accept-Ranges": "none",
    }


def _properties(entry: Document | Folder) -> str:
    if isinstance(entry, Folder):
        own = "<D:resourcetype><D:collection/></D:resourcetype>"
    else:
        own = (
            "<D:resourcetype/>"
            f"<D:getcontentlength>{entry.size}</D:getcontentlength>"
            f"<D:getcontenttype>{_content_type(entry.place)}</D:getcontenttype>"
            f"<D:getetag>{escape(entry.etag)}</D:getetag>"
        )
    return (
        f"<D:response><D:href>{escape(href(entry.place, folder=isinstance(entry, Folder)))}</D:href>"
        f"<D:propstat><D:prop>{own}"
        f"<D:getlastmodified>{formatdate(entry.modified_at, usegmt=True)}</D:getlastmodified>"
        "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
    )


def _xml(content: str, status: int) -> Response:
    return Response(f'<?xml version="1.0" encoding="utf-8"?>\n{content}', status, media_type="application/xml")


def _is_propfind(body: bytes) -> bool:
    """Whether this is well-formed XML whose root is DAV:propfind, without a DTD and so without entities."""
    roots: list[str] = []

    def start(name: str, _attributes: dict[str, str]) -> None:
        if not roots:
            roots.append(name)

    def refuse(*_declaration: object) -> None:
        raise ValueError("a DTD")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError):
        return False
    return roots == ["DAV: propfind"]
