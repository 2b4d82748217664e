"""WebDAV over httpx (RFC 4918): PUT under a temporary name, PROPFIND to verify, MOVE with `Overwrite: F`.

The only module that imports httpx. One client, one connection, one thread.
"""

from __future__ import annotations

import ssl
import xml.parsers.expat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import quote, unquote, urlsplit

import httpx

from ingisfs import __version__
from ingisfs.delivery.failures import (
    CannotRenameError,
    DeliveryError,
    DocumentRefusedError,
    DoubtError,
    NameExistsError,
    TargetNeedsPersonError,
    TargetReason,
    TransientError,
    UnreachableError,
)
from ingisfs.delivery.server import Entry

CONNECT, READ, WRITE = 15.0, 120.0, 60.0  # s; READ is for one answer, WRITE for one piece of a body
MAX_RETRY_AFTER = 3600.0  # s
MAX_LISTING = 64 * 2**20  # bytes of one PROPFIND answer

_PROPFIND = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop>'
    b"<resourcetype/><getcontentlength/><getetag/><getlastmodified/></prop></propfind>"
)


class WebDavServer:
    """An inbox folder on a WebDAV server. See `Server` for the contract."""

    def __init__(
        self, url: str, user: str, password: str, *, verify: ssl.SSLContext | bool = True, read_timeout: float = READ
    ) -> None:
        """Talk to the folder at `url`; nothing is sent yet. Time-outs in seconds."""
        parts = urlsplit(url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._base = parts.path.rstrip("/") + "/"
        self._client = httpx.Client(
            auth=httpx.BasicAuth(user, password),
            verify=verify,
            timeout=httpx.Timeout(read_timeout, connect=CONNECT, write=WRITE),
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=30),
            follow_redirects=False,  # a redirected PUT becomes a GET and "succeeds"
            headers={"User-Agent": f"ingisfs/{__version__}", "Accept-Encoding": "identity"},
        )

    def _url(self, name: str) -> str:
        return self._origin + self._path(name)

    def _path(self, name: str) -> str:
        return self._base + quote(name, safe="/")

    def ping(self) -> None:
        """See `Server.ping`."""
        if self._propfind("", "0") is None:
            raise TargetNeedsPersonError(TargetReason.FOLDER_MISSING, self._base)

    def put(self, name: str, data: bytes) -> None:
        """See `Server.put`. Content-Length always: many servers store a chunked body as an empty file."""
        with _wire(doubtful=False):
            answer = self._client.put(
                self._url(name), content=data, headers={"Content-Type": "application/octet-stream"}
            )
        if answer.status_code not in {200, 201, 204} or (answer.status_code == 200 and _is_page(answer)):
            raise failure(answer, "PUT")

    def publish(self, temporary: str, final: str) -> None:
        """See `Server.publish`."""
        self._move(temporary, final, overwrite="F")

    def replace(self, temporary: str, final: str) -> None:
        """See `Server.replace`."""
        self._move(temporary, final, overwrite="T")

    def _move(self, temporary: str, final: str, overwrite: str) -> None:
        with _wire(doubtful=True):
            answer = self._client.request(
                "MOVE", self._url(temporary), headers={"Destination": self._url(final), "Overwrite": overwrite}
            )
        if answer.status_code in {201, 204}:
            return
        if answer.status_code == 412:
            raise NameExistsError(final)
        if answer.status_code in {405, 501}:
            raise CannotRenameError(_line(answer, "MOVE"))
        if answer.status_code in {200, 207, 404} or 500 <= answer.status_code != 507:
            # 404: the temporary name is gone; perhaps an earlier MOVE, whose answer was lost, took it.
            raise DoubtError(_line(answer, "MOVE"))
        raise failure(answer, "MOVE")

    def create(self, final: str, data: bytes, *, over: bool = False) -> None:
        """See `Server.create`. Looks first: nginx does not know `If-None-Match` and would overwrite."""
        if not over and self.entry(final) is not None:
            raise NameExistsError(final)
        headers = {"Content-Type": "application/octet-stream", **({} if over else {"If-None-Match": "*"})}
        with _wire(doubtful=True):
            answer = self._client.put(self._url(final), content=data, headers=headers)
        status = answer.status_code
        if status == 412 and not over:
            raise NameExistsError(final)
        if status in {202, 207} or (status >= 500 and status not in {501, 503, 507}):
            raise DoubtError(_line(answer, "PUT"))
        if status not in {200, 201, 204} or (status == 200 and _is_page(answer)):
            raise failure(answer, "PUT")
        try:
            found = self.entry(final)
        except DeliveryError as error:
            raise DoubtError(f"{_line(answer, 'PUT')}; {error}") from None
        if found is not None and found.size != len(data):  # None: INGIS has it already
            raise DoubtError(f"the server stored {found.size} of {len(data)} bytes")

    def entry(self, name: str) -> Entry | None:
        """See `Server.entry`."""
        found = self._propfind(name, "0")
        return None if found is None else next(iter(found.values()), None)

    def entries(self, folder: str) -> dict[str, Entry]:
        """See `Server.entries`."""
        found = self._propfind(folder + "/" if folder else "", "1")
        if found is None:
            raise TargetNeedsPersonError(TargetReason.FOLDER_MISSING, self._path(folder))
        return found

    def _propfind(self, name: str, depth: str) -> dict[str, Entry] | None:
        with _wire(doubtful=False):
            answer = self._client.request(
                "PROPFIND",
                self._url(name),
                headers={"Depth": depth, "Content-Type": "application/xml"},
                content=_PROPFIND,
            )
        if answer.status_code == 404:
            return None
        if answer.status_code != 207 or len(answer.content) > MAX_LISTING:
            raise failure(answer, "PROPFIND")
        return parse_multistatus(answer.content)

    def get(self, name: str) -> bytes | None:
        """See `Server.get`."""
        with _wire(doubtful=False):
            answer = self._client.get(self._url(name))
        if answer.status_code == 404:
            return None
        if answer.status_code != 200:
            raise failure(answer, "GET")
        return answer.content

    def remove(self, name: str) -> None:
        """See `Server.remove`."""
        with _wire(doubtful=False):
            answer = self._client.delete(self._url(name))
        if answer.status_code not in {200, 202, 204, 404}:
            raise failure(answer, "DELETE")

    def close(self) -> None:
        """See `Server.close`."""
        self._client.close()


def usual_trust() -> ssl.SSLContext:
    """Return whose certificates are trusted where nothing else was said."""
    return httpx.create_ssl_context()


@contextmanager
def _wire(*, doubtful: bool) -> Iterator[None]:
    """Tell httpx's exceptions as kinds of failure. `doubtful`: the request changes what we could not undo."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
        # Nothing was sent.
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise TargetNeedsPersonError(TargetReason.CERTIFICATE, cause.verify_message) from None
            cause = cause.__cause__ or cause.__context__
        raise UnreachableError(f"no connection: {error or type(error).__name__}") from None
    except (httpx.TransportError, httpx.DecodingError) as error:
        text = f"{type(error).__name__}: {error}"
        raise (DoubtError(text) if doubtful else UnreachableError(text)) from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise TransientError(f"{type(error).__name__}: {error}") from None


def _is_page(answer: httpx.Response) -> bool:
    return str(answer.headers.get("content-type", "")).lower().startswith("text/html")


def _line(answer: httpx.Response, method: str) -> str:
    return f"{method}: {answer.status_code} {answer.reason_phrase}"


def failure(answer: httpx.Response, method: str) -> DeliveryError:
    """Return what an answer that is no success means. One row a status; the last lines for the rest of its class."""
    status, line = answer.status_code, _line(answer, method)
    match status:
        case 401 | 407:
            return TargetNeedsPersonError(TargetReason.LOGIN, line)
        case 403:
            return TargetNeedsPersonError(TargetReason.FORBIDDEN, line)
        case 404 | 409 | 410:
            return TargetNeedsPersonError(TargetReason.FOLDER_MISSING, line)
        case 405 | 501:
            return TargetNeedsPersonError(TargetReason.NOT_WEBDAV, line)
        case 413 | 414 | 415 | 422 | 400 | 431 | 451:
            return DocumentRefusedError(line)
        case 408 | 423 | 424 | 425:
            return TransientError(line, retry_after(answer))
        case 429 | 502 | 503 | 504 | 507:
            return UnreachableError(line, retry_after(answer))
    if 300 <= status < 400:
        return TargetNeedsPersonError(TargetReason.REDIRECT, f"{line} → {answer.headers.get('location', '')[:200]}")
    if 200 <= status < 300:
        # A success that is none: a log-in page of a hotel or a proxy. It goes when the network does.
        return UnreachableError(f"{line}, but not from a WebDAV server")
    if status >= 500:
        return TransientError(line, retry_after(answer))
    return DocumentRefusedError(line)


def retry_after(answer: httpx.Response) -> float | None:
    """Return the seconds that `Retry-After` asks for (RFC 9110: a number or a date), an hour at most."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isdigit():
        return min(float(value), MAX_RETRY_AFTER)
    try:
        wait = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(wait, 0.0), MAX_RETRY_AFTER)


def parse_multistatus(content: bytes) -> dict[str, Entry]:
    """Return the files of a PROPFIND answer by their last name. Raises TransientError if it is not one.

    DTDs are refused, so that no entity is ever expanded.
    """
    found: dict[str, Entry] = {}
    href, size, etag, modified, collection = "", "", "", "", False
    text: list[str] = []
    parser = xml.parsers.expat.ParserCreate(namespace_separator="}")

    def refuse(*_: object) -> None:
        raise ValueError("a DTD")

    def start(tag: str, _: object) -> None:
        nonlocal href, size, etag, modified, collection
        text.clear()
        if tag == "DAV:}response":
            href, size, etag, modified, collection = "", "", "", "", False
        elif tag == "DAV:}collection":
            collection = True

    def end(tag: str) -> None:
        nonlocal href, size, etag, modified
        value = "".join(text).strip()
        text.clear()
        if tag == "DAV:}href" and not href:
            href = value
        elif tag == "DAV:}getcontentlength":
            size = value or size
        elif tag == "DAV:}getetag":
            etag = value or etag
        elif tag == "DAV:}getlastmodified":
            modified = value or modified
        elif tag == "DAV:}response" and not collection and href:
            name = unquote(urlsplit(href).path).rstrip("/").rpartition("/")[2]
            if size.isdigit():
                # Apache calls a tag weak for its first second, WsgiDAV leaves out the quotes.
                found[name] = Entry(int(size), etag.removeprefix("W/").strip('"') or modified)

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text.append
    try:
        parser.Parse(content, True)
    except (xml.parsers.expat.ExpatError, ValueError) as error:
        raise TransientError(f"PROPFIND: {HTTPStatus.MULTI_STATUS} whose body is not one: {error}") from None
    return found
