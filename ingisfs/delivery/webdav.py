"""WebDAV over httpx (RFC 4918): PUT under a temporary name, PROPFIND to verify, MOVE with `Overwrite: F`.

One client, one connection, one thread.
"""

from __future__ import annotations

import ssl
import xml.parsers.expat
from http import HTTPStatus
from urllib.parse import quote, unquote, urlsplit

from ingisfs.delivery.failures import (
    CannotRenameError,
    DeliveryError,
    DoubtError,
    NameExistsError,
    TargetNeedsPersonError,
    TargetReason,
    TransientError,
)
from ingisfs.delivery.server import Entry
from ingisfs.delivery.wire import READ, client, failure, folder_address, is_page, line, on_the_wire

MAX_LISTING = 64 * 2**20  # bytes of one PROPFIND answer

_PROPFIND = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop>'
    b"<resourcetype/><getcontentlength/><getetag/><getlastmodified/></prop></propfind>"
)


class WebDavServer:
    """An inbox folder on a WebDAV server. See `Server` for the contract."""

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        *,
        verify: ssl.SSLContext | bool = True,
        proxy: str = "",
        read_timeout: float = READ,
    ) -> None:
        """Talk to the folder at `url`; nothing is sent yet. Time-outs in seconds. `proxy` as in `wire.client`."""
        self._origin, self._base = folder_address(url)
        self._client = client(user, password, verify, read_timeout, ("PROPFIND", self._url("")), proxy)

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
        with on_the_wire(doubtful=False):
            answer = self._client.put(
                self._url(name), content=data, headers={"Content-Type": "application/octet-stream"}
            )
        if answer.status_code not in {200, 201, 204} or (answer.status_code == 200 and is_page(answer)):
            raise failure(answer, "PUT")

    def publish(self, temporary: str, final: str) -> None:
        """See `Server.publish`."""
        self._move(temporary, final, overwrite="F")

    def replace(self, temporary: str, final: str) -> None:
        """See `Server.replace`."""
        self._move(temporary, final, overwrite="T")

    def _move(self, temporary: str, final: str, overwrite: str) -> None:
        with on_the_wire(doubtful=True):
            answer = self._client.request(
                "MOVE", self._url(temporary), headers={"Destination": self._url(final), "Overwrite": overwrite}
            )
        if answer.status_code in {201, 204}:
            return
        if answer.status_code == 412:
            raise NameExistsError(final)
        if answer.status_code in {405, 501}:
            raise CannotRenameError(line(answer, "MOVE"))
        if answer.status_code in {200, 207, 404} or 500 <= answer.status_code != 507:
            # 404: the temporary name is gone; perhaps an earlier MOVE, whose answer was lost, took it.
            raise DoubtError(line(answer, "MOVE"))
        raise failure(answer, "MOVE")

    def create(self, final: str, data: bytes, *, over: bool = False) -> None:
        """See `Server.create`. Looks first: nginx does not know `If-None-Match` and would overwrite."""
        if not over and self.entry(final) is not None:
            raise NameExistsError(final)
        headers = {"Content-Type": "application/octet-stream", **({} if over else {"If-None-Match": "*"})}
        with on_the_wire(doubtful=True):
            answer = self._client.put(self._url(final), content=data, headers=headers)
        status = answer.status_code
        if status == 412 and not over:
            raise NameExistsError(final)
        if status in {202, 207} or (status >= 500 and status not in {501, 503, 507}):
            raise DoubtError(line(answer, "PUT"))
        if status not in {200, 201, 204} or (status == 200 and is_page(answer)):
            raise failure(answer, "PUT")
        try:
            found = self.entry(final)
        except DeliveryError as error:
            raise DoubtError(f"{line(answer, 'PUT')}; {error}") from None
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
        with on_the_wire(doubtful=False):
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
        with on_the_wire(doubtful=False):
            answer = self._client.get(self._url(name))
        if answer.status_code == 404:
            return None
        if answer.status_code != 200:
            raise failure(answer, "GET")
        return answer.content

    def remove(self, name: str) -> None:
        """See `Server.remove`."""
        with on_the_wire(doubtful=False):
            answer = self._client.delete(self._url(name))
        if answer.status_code not in {200, 202, 204, 404}:
            raise failure(answer, "DELETE")

    def close(self) -> None:
        """See `Server.close`."""
        self._client.close()


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
