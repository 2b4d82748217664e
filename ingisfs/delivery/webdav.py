"""WebDAV over httpx (RFC 4918): PUT under a temporary name, PROPFIND to verify, MOVE with `Overwrite: F`.

One client, one connection, one thread.
"""

from __future__ import annotations

import ssl
import unicodedata
import xml.parsers.expat
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote, unquote

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
        if found is None or (found and found[0].status in {404, 410}):
            return None
        if not found or found[0].status >= 400:
            # Who asks would take silence for absence.
            raise TransientError(f"PROPFIND: 207, and inside of it {found[0].status if found else 'nothing'}")
        if found[0].entry is None:
            raise TransientError("PROPFIND: the server tells no size")
        return found[0].entry

    def entries(self, folder: str) -> dict[str, Entry]:
        """See `Server.entries`."""
        found = self._propfind(folder + "/" if folder else "", "1")
        if found is None:
            raise TargetNeedsPersonError(TargetReason.FOLDER_MISSING, self._path(folder))
        return {each.name: each.entry for each in found if each.entry is not None and not each.collection}

    def _propfind(self, name: str, depth: str) -> list[Found] | None:
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

    def names(self, folder: str) -> set[str]:
        """See `Server.names`."""
        return set(self.entries(folder))

    @property
    def lists_sizes(self) -> bool:
        """See `Server.lists_sizes`."""
        return True

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


@dataclass(slots=True)
class Found:
    """What one `response` of a PROPFIND tells."""

    href: str = ""
    status: int = 200  # of the thing itself, not of its properties
    collection: bool = False
    size: str = ""
    etag: str = ""
    modified: str = ""

    @property
    def name(self) -> str:
        """The last name of the address, as ours are: NFC. Servers encode it in many ways, or not at all."""
        last = self.href.rstrip("/").rpartition("/")[2]
        try:
            return unicodedata.normalize("NFC", unquote(last, errors="strict"))
        except UnicodeDecodeError:
            return unicodedata.normalize("NFC", unquote(last, "cp1252", "replace"))

    @property
    def entry(self) -> Entry | None:
        """Size and tag; None if they are not told."""
        if self.collection:
            return Entry(0, "")
        if not self.size.isdigit():
            return None
        # Apache calls a tag weak for its first second, WsgiDAV leaves out the quotes.
        return Entry(int(self.size), self.etag.removeprefix("W/").strip('"') or self.modified)


def parse_multistatus(content: bytes) -> list[Found]:
    """Return what a PROPFIND answer tells. Raises TransientError if it is none.

    DTDs are refused, so that no entity is ever expanded.
    """
    found: list[Found] = []
    text: list[str] = []
    inside: list[str] = []
    parser = xml.parsers.expat.ParserCreate(namespace_separator="}")

    def refuse(*_: object) -> None:
        raise ValueError("a DTD")

    def start(tag: str, _: object) -> None:
        text.clear()
        inside.append(tag)
        if tag == "DAV:}response":
            found.append(Found())
        elif tag == "DAV:}collection" and found:
            found[-1].collection = True

    def end(tag: str) -> None:
        inside.pop()
        value = "".join(text).strip()
        text.clear()
        if not found or not value:
            return
        match tag, inside[-1] if inside else "":
            case "DAV:}href", "DAV:}response" if not found[-1].href:
                found[-1].href = value
            case "DAV:}status", "DAV:}response":
                code = value.split()[1:2]
                found[-1].status = int(code[0]) if code and code[0].isdigit() else 500
            case "DAV:}getcontentlength", "DAV:}prop":
                found[-1].size = value
            case "DAV:}getetag", "DAV:}prop":
                found[-1].etag = value
            case "DAV:}getlastmodified", "DAV:}prop":
                found[-1].modified = value

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text.append
    try:
        parser.Parse(content, True)
    except (xml.parsers.expat.ExpatError, ValueError) as error:
        raise TransientError(f"PROPFIND: {HTTPStatus.MULTI_STATUS} whose body is not one: {error}") from None
    return [each for each in found if each.href]
