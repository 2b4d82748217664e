"""A WebDAV server on a real socket that misbehaves as a test tells it to, and remembers all that it ever had."""

from __future__ import annotations

import hashlib
import http.server
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

from ingisfs.delivery.server import PREFIX

INBOX = "/inbox/"


@dataclass(frozen=True)
class Say:
    """Answer this instead of what is true; `do` carries the request out all the same."""

    status: int
    body: bytes = b""
    kind: str = "text/plain"
    headers: tuple[tuple[str, str], ...] = ()
    do: bool = False


HANG_UP = "hang up before doing it"
DO_AND_HANG_UP = "do it, and hang up without an answer"
SILENCE = "say nothing for longer than anybody waits"
DO_AND_SILENCE = "do it, and say nothing"

Fault = Callable[[str, str, int], "Say | str | None"]  # (method, name, how often that method came) → what goes wrong


@dataclass
class FaultyDav:
    """The server's memory, and what goes wrong."""

    files: dict[str, bytes] = field(default_factory=dict)
    arrivals: list[tuple[str, bytes]] = field(default_factory=list)  # everything that ever got a final name
    requests: list[tuple[str, str]] = field(default_factory=list)
    fault: Fault = lambda method, name, count: None
    done: Callable[[str, str], None] = lambda method, name: None  # after each request that was carried out
    hidden: Callable[[str], bool] = lambda name: False  # names that a listing does not show
    renames: bool = True  # False: a server without MOVE
    collects: bool = False  # INGIS takes a file away as soon as it has its final name
    lock: threading.RLock = field(default_factory=threading.RLock)
    silence: threading.Event = field(default_factory=threading.Event)
    port: int = 0
    encrypted: bool = False

    @property
    def url(self) -> str:
        return f"http{'s' if self.encrypted else ''}://127.0.0.1:{self.port}{INBOX}"

    def count(self, method: str) -> int:
        return sum(1 for done, _ in self.requests if done == method)

    def finals(self) -> dict[str, bytes]:
        with self.lock:
            return {name: data for name, data in self.files.items() if not name.startswith(PREFIX)}

    def arrived(self, name: str, data: bytes) -> None:
        """A file has its final name now."""
        self.arrivals.append((name, data))
        if self.collects:
            del self.files[name]

    def carry_out(self, method: str, name: str, body: bytes, headers: Any) -> Say:
        """Do what a right server does."""
        with self.lock:
            answer = self._carry_out(method, name, body, headers)
            self.done(method, name)
            return answer

    def _carry_out(self, method: str, name: str, body: bytes, headers: Any) -> Say:
        if method == "PUT":
            if headers.get("Transfer-Encoding"):
                body = b""  # many servers store a chunked body as an empty file
            if headers.get("If-None-Match") == "*" and name in self.files:
                return Say(412)
            self.files[name] = body
            if not name.startswith(PREFIX):
                self.arrived(name, body)
            return Say(201)
        if method == "MOVE" and self.renames:
            target = unquote(urlsplit(headers["Destination"]).path).removeprefix(INBOX)
            return self.move(name, target, headers.get("Overwrite") != "F")
        if method == "PROPFIND":
            return self._list(name, headers.get("Depth"))
        if method == "DELETE":
            return Say(204 if self.files.pop(name, None) is not None else 404)
        if method == "GET":
            return Say(200, self.files[name], "application/pdf") if name in self.files else Say(404)
        return Say(405)

    def move(self, name: str, target: str, overwrite: bool) -> Say:
        """Rename a file now, whenever it was asked for."""
        with self.lock:
            if name not in self.files:
                return Say(404)
            if target in self.files and not overwrite:
                return Say(412)
            self.files[target] = self.files.pop(name)
            self.arrived(target, self.files[target])
            return Say(201)

    def _list(self, name: str, depth: str | None) -> Say:
        if name and name not in self.files:
            return Say(404)
        wanted = [name] if name else [n for n in self.files if depth == "1" and not self.hidden(n)]
        rows = "" if name else f"<D:response><D:href>{INBOX}</D:href>{_PROP % '<D:collection/>'}</D:response>"
        for one in wanted:
            tag = hashlib.md5(self.files[one], usedforsecurity=False).hexdigest()
            details = f"<D:getcontentlength>{len(self.files[one])}</D:getcontentlength><D:getetag>{tag}</D:getetag>"
            rows += f"<D:response><D:href>{INBOX}{escape(one)}</D:href>{_PROP % ''}".replace(
                "</D:prop>", details + "</D:prop>"
            )
            rows += "</D:response>"
        body = f'<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">{rows}</D:multistatus>'
        return Say(207, body.encode(), "application/xml")


_PROP = (
    "<D:propstat><D:prop><D:resourcetype>%s</D:resourcetype></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
)


def _handler(server: FaultyDav) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            if "Authorization" not in self.headers:  # what the client may do without is no request to it
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self._say(Say(401, headers=(("WWW-Authenticate", 'Basic realm="inbox"'),)))
                return
            name = unquote(urlsplit(self.path).path).removeprefix(INBOX)
            with server.lock:
                server.requests.append((self.command, name))
                count = server.count(self.command)
            fault = server.fault(self.command, name, count)
            if fault == HANG_UP:
                self._hang_up()
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if fault == SILENCE:
                server.silence.wait(30)
                self._hang_up()
                return
            answer = fault if isinstance(fault, Say) else None
            if answer is None or answer.do:
                truth = server.carry_out(self.command, name, body, self.headers)
                answer = answer or truth
            if fault == DO_AND_SILENCE:
                server.silence.wait(30)
            if fault in {DO_AND_HANG_UP, DO_AND_SILENCE}:
                self._hang_up()
                return
            self._say(answer)

        do_GET = do_PUT = do_MOVE = do_PROPFIND = do_DELETE = _any  # noqa: N815

        def _say(self, answer: Say) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body)))
            for key, value in answer.headers:
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def _hang_up(self) -> None:
            self.close_connection = True
            try:
                self.connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                return

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

    return Handler


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what these tests are about."""


@contextmanager
def faulty_dav(context: ssl.SSLContext | None = None) -> Iterator[FaultyDav]:
    """Run one for the block, with TLS if there is a `context` for it."""
    state = FaultyDav(encrypted=context is not None)
    server = _Server(("127.0.0.1", 0), _handler(state))
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield state
    finally:
        state.silence.set()
        server.shutdown()
        server.server_close()
        thread.join()
