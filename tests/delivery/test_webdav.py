"""WebDAV against servers that nobody here wrote, and what each of their answers means."""

from __future__ import annotations

import http.server
import shutil
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from ingisfs.delivery.failures import (
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
from ingisfs.delivery.webdav import WebDavServer, parse_multistatus
from ingisfs.delivery.wire import failure, retry_after
from tests.servers import Server, apache_server, free_port, nginx_server, stage_server, wsgidav_server

NAME = "factuur é#% &+~ç.pdf"
REAL: list[Callable[[Path], AbstractContextManager[Server]]] = [
    wsgidav_server,
    apache_server,
    nginx_server,
    stage_server,
]


@pytest.fixture(params=REAL, ids=lambda make: make.__name__)
def real(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    with request.param(tmp_path) as server:
        yield server


@contextmanager
def connected(server: Server, password: str | None = None) -> Iterator[WebDavServer]:
    client = WebDavServer(server.url, server.user, server.password if password is None else password)
    try:
        yield client
    finally:
        client.close()


def test_a_document_is_put_verified_published_and_read_back(real: Server) -> None:
    data = bytes(range(256)) * 300
    with connected(real) as client:
        client.ping()
        client.put(".ingisfs-a-1.part", data)
        entry = client.entry(".ingisfs-a-1.part")
        assert entry is not None
        assert entry.size == len(data)
        assert entry.tag
        # nginx lists no names that begin with a dot; a question about the one file is answered all the same.
        assert client.entries("").get(".ingisfs-a-1.part", entry) == entry
        client.publish(".ingisfs-a-1.part", NAME)
        assert client.entry(".ingisfs-a-1.part") is None
        assert client.get(NAME) == data
        assert NAME in client.entries("")
        assert client.get("no such.pdf") is None
        client.remove("no such.part")
    assert real.names() == [NAME]


def test_a_name_that_exists_is_never_overwritten(real: Server) -> None:
    with connected(real) as client:
        client.put("F1.pdf", b"first")
        client.put(".ingisfs-a-1.part", b"second")
        with pytest.raises(NameExistsError):
            client.publish(".ingisfs-a-1.part", "F1.pdf")
        assert client.get("F1.pdf") == b"first"
        client.remove(".ingisfs-a-1.part")
    assert real.names() == ["F1.pdf"]


def test_a_temporary_name_that_is_gone_leaves_doubt(real: Server) -> None:
    with connected(real) as client, pytest.raises((DoubtError, TargetNeedsPersonError)):
        client.publish(".ingisfs-gone-1.part", "F1.pdf")


def test_a_wrong_password_needs_a_person(real: Server) -> None:
    with connected(real, password="wrong") as client, pytest.raises(TargetNeedsPersonError) as raised:
        client.ping()
    assert raised.value.reason is TargetReason.LOGIN


def test_a_missing_folder_needs_a_person(real: Server) -> None:
    client = WebDavServer(real.url + "missing/", real.user, real.password)
    with pytest.raises(TargetNeedsPersonError) as raised:
        client.ping()
    assert raised.value.reason is TargetReason.FOLDER_MISSING
    client.close()


def test_a_server_that_went_away_is_unreachable_and_comes_back(real: Server) -> None:
    with connected(real) as client:
        client.ping()
        real.stop()
        with pytest.raises(UnreachableError):
            client.put("a.part", b"x")
        real.start()
        client.put("a.part", b"x")


STATUSES: list[tuple[int, type[DeliveryError], TargetReason | None]] = [
    (200, UnreachableError, None),
    (202, UnreachableError, None),
    (207, UnreachableError, None),
    (301, TargetNeedsPersonError, TargetReason.REDIRECT),
    (302, TargetNeedsPersonError, TargetReason.REDIRECT),
    (307, TargetNeedsPersonError, TargetReason.REDIRECT),
    (308, TargetNeedsPersonError, TargetReason.REDIRECT),
    (400, DocumentRefusedError, None),
    (401, TargetNeedsPersonError, TargetReason.LOGIN),
    (403, TargetNeedsPersonError, TargetReason.FORBIDDEN),
    (404, TargetNeedsPersonError, TargetReason.FOLDER_MISSING),
    (405, TargetNeedsPersonError, TargetReason.NOT_WEBDAV),
    (406, DocumentRefusedError, None),
    (407, TargetNeedsPersonError, TargetReason.LOGIN),
    (408, TransientError, None),
    (409, TargetNeedsPersonError, TargetReason.FOLDER_MISSING),
    (410, TargetNeedsPersonError, TargetReason.FOLDER_MISSING),
    (413, DocumentRefusedError, None),
    (414, DocumentRefusedError, None),
    (415, DocumentRefusedError, None),
    (422, DocumentRefusedError, None),
    (423, TransientError, None),
    (424, TransientError, None),
    (425, TransientError, None),
    (429, UnreachableError, None),
    (431, DocumentRefusedError, None),
    (451, DocumentRefusedError, None),
    (500, TransientError, None),
    (501, TargetNeedsPersonError, TargetReason.NOT_WEBDAV),
    (502, UnreachableError, None),
    (503, UnreachableError, None),
    (504, UnreachableError, None),
    (507, UnreachableError, None),
    (508, TransientError, None),
    (599, TransientError, None),
]


@pytest.mark.parametrize(("status", "kind", "reason"), STATUSES)
def test_every_answer_has_its_kind(status: int, kind: type[DeliveryError], reason: TargetReason | None) -> None:
    found = failure(httpx.Response(status), "PUT")
    assert type(found) is kind
    assert getattr(found, "reason", None) is reason


def test_retry_after_is_honoured_in_seconds_and_as_a_date_and_is_an_hour_at_most() -> None:
    def asked(value: str) -> float | None:
        return retry_after(httpx.Response(429, headers={"Retry-After": value}))

    assert asked("120") == 120
    assert asked("999999") == 3600
    assert asked("soon") is None
    assert asked(format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)) == 0
    later = asked(format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True))
    assert later is not None
    assert 290 < later <= 300
    assert retry_after(httpx.Response(503)) is None


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("address", ["in box é 100%/", "in%20box%20%C3%A9%20100%25/", "in%20box%20%c3%a9 100%/"])
def test_the_inbox_may_lie_in_a_folder_with_any_name(real: Server, address: str, closed: bool) -> None:
    (real.root / "in box é 100%").mkdir()
    shutil.chown(real.root / "in box é 100%", real.root.owner(), real.root.group())
    url = real.url + (address if closed else address.rstrip("/"))
    client = WebDavServer(url, real.user, real.password)
    client.ping()
    client.put("a.part", b"x" * 1000)
    client.publish("a.part", NAME)
    assert list(client.entries("")) == [NAME]
    assert client.entry(NAME) == client.entries("")[NAME]
    client.close()
    assert (real.root / "in box é 100%" / NAME).read_bytes() == b"x" * 1000


class Answers(http.server.BaseHTTPRequestHandler):
    """Says what the test wants; keeps the requests."""

    protocol_version = "HTTP/1.1"
    script: Callable[[Answers], object]
    seen: list[tuple[str, str, dict[str, str]]]

    def _any(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        type(self).seen.append((self.command, self.path, dict(self.headers)))
        type(self).script(self)

    do_PUT = do_MOVE = do_PROPFIND = do_GET = do_DELETE = _any  # noqa: N815

    def answer(self, status: int, body: bytes = b"", kind: str = "text/plain", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass


Seen = list[tuple[str, str, dict[str, str]]]


@contextmanager
def scripted(script: Callable[[Answers], object]) -> Iterator[tuple[WebDavServer, Seen]]:
    seen: Seen = []
    handler = type("Scripted", (Answers,), {"script": staticmethod(script), "seen": seen})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    client = WebDavServer(f"http://127.0.0.1:{server.server_port}/inbox/", "king", "secret", read_timeout=1.0)
    try:
        yield client, seen
    finally:
        client.close()
        server.shutdown()
        server.server_close()
        thread.join()


def hang_up(request: Answers) -> None:
    request.close_connection = True
    request.connection.shutdown(socket.SHUT_RDWR)


def test_a_put_has_its_length_and_never_follows_a_redirect() -> None:
    with scripted(lambda request: request.answer(302, Location="/elsewhere")) as (client, seen):
        with pytest.raises(TargetNeedsPersonError, match="elsewhere"):
            client.put("a.part", b"12345")
        assert [method for method, _, _ in seen] == ["PUT"]
        assert seen[0][2]["Content-Length"] == "5"
        assert "Transfer-Encoding" not in seen[0][2]


def test_a_page_with_200_is_no_success() -> None:
    with scripted(lambda request: request.answer(200, b"<html>Log in to the hotel", "text/html")) as (client, _):
        with pytest.raises(UnreachableError):
            client.put("a.part", b"x")
        with pytest.raises(UnreachableError):
            client.ping()


@pytest.mark.parametrize("status", [500, 502, 503, 504, 404, 200, 207])
def test_a_rename_with_an_unclear_answer_leaves_doubt(status: int) -> None:
    with scripted(lambda request: request.answer(status)) as (client, _), pytest.raises(DoubtError):
        client.publish("a.part", "F1.pdf")


def test_a_rename_without_an_answer_leaves_doubt_and_a_put_does_not() -> None:
    with scripted(hang_up) as (client, _):
        with pytest.raises(DoubtError):
            client.publish("a.part", "F1.pdf")
        with pytest.raises(UnreachableError):
            client.put("a.part", b"x")


def test_a_silent_server_is_given_up_after_its_time() -> None:
    silence = threading.Event()
    with scripted(lambda request: silence.wait(10)) as (client, _):
        with pytest.raises(DoubtError, match="ReadTimeout"):
            client.publish("a.part", "F1.pdf")
        silence.set()


def test_nobody_there_is_unreachable_also_for_a_rename() -> None:
    client = WebDavServer(f"http://127.0.0.1:{free_port()}/", "king", "secret")
    with pytest.raises(UnreachableError):
        client.publish("a.part", "F1.pdf")
    client.close()


def test_an_unknown_certificate_needs_a_person(tmp_path: Path) -> None:
    import subprocess

    key, certificate = tmp_path / "key", tmp_path / "certificate"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def handshake() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    context.wrap_socket(connection, server_side=True).close()
                except (ssl.SSLError, OSError):
                    return

        thread = threading.Thread(target=handshake)
        thread.start()
        client = WebDavServer(f"https://127.0.0.1:{listener.getsockname()[1]}/", "king", "secret")
        with pytest.raises(TargetNeedsPersonError) as raised:
            client.ping()
        assert raised.value.reason is TargetReason.CERTIFICATE
        client.close()
        thread.join()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b"<multistatus xmlns='DAV:'><response><href>/a",
    ],
)
def test_a_listing_that_is_none_is_not_taken_for_an_empty_folder(body: bytes) -> None:
    with pytest.raises(TransientError):
        parse_multistatus(body)


def multistatus(*rows: str) -> bytes:
    return f"<D:multistatus xmlns:D='DAV:'>{''.join(rows)}</D:multistatus>".encode()


def row(href: str, properties: str = "<D:getcontentlength>7</D:getcontentlength>", more: str = "") -> str:
    return (
        f"<D:response><D:href>{href}</D:href>{more}<D:propstat><D:prop>{properties}</D:prop></D:propstat></D:response>"
    )


@pytest.mark.parametrize(
    ("href", "name"),
    [
        ("/inbox/F1.pdf", "F1.pdf"),
        ("https://dav.example.nl:8443/in%20box/F1.pdf", "F1.pdf"),
        ("/inbox/F1.pdf/", "F1.pdf"),
        ("F1.pdf", "F1.pdf"),
        ("/inbox/factuur%20%C3%A9%23%25%20%26amp;%2B~%C3%A7.pdf", "factuur é#% &amp;+~ç.pdf"),
        ("/inbox/factuur%20%c3%a9%23%25%20%26+~%c3%a7.pdf", "factuur é#% &+~ç.pdf"),
        ("/inbox/factuur é#% &amp;+~ç.pdf", "factuur é#% &+~ç.pdf"),
        ("/inbox/factuur%20e%CC%81%23%25%20&amp;%2b%7eç.pdf", "factuur é#% &+~ç.pdf"),
        ("/inbox/caf%E9.pdf", "café.pdf"),
        ("/inbox/a?b.pdf", "a?b.pdf"),
        ("/inbox/a%2Fb.pdf", "a/b.pdf"),
    ],
)
def test_a_name_is_known_however_the_server_encodes_it(href: str, name: str) -> None:
    (found,) = parse_multistatus(multistatus(row(href)))
    assert found.name == name
    assert found.entry == Entry(7, "")


def says_of_one(body: bytes) -> Entry | None:
    with scripted(lambda request: request.answer(207, body, "application/xml")) as (client, _):
        return client.entry("F1.pdf")


@pytest.mark.parametrize(
    "body",
    [
        multistatus(),
        multistatus(row("/inbox/F1.pdf", "")),
        multistatus(row("/inbox/F1.pdf", "<D:getcontentlength/>")),
        multistatus(row("/inbox/F1.pdf", "", "<D:status>HTTP/1.1 423 Locked</D:status>")),
        multistatus(row("/inbox/F1.pdf", "", "<D:status>HTTP/1.1 500 Oops</D:status>")),
        multistatus(row("/inbox/F1.pdf", "", "<D:status>what?</D:status>")),
    ],
)
def test_an_answer_that_does_not_tell_of_a_file_is_not_taken_for_its_absence(body: bytes) -> None:
    with pytest.raises(TransientError):
        says_of_one(body)


def test_a_file_that_is_gone_and_a_folder_that_has_its_name_are_told_apart() -> None:
    gone = multistatus(row("/inbox/F1.pdf", "", "<D:status>HTTP/1.1 404 Not Found</D:status>"))
    assert says_of_one(gone) is None
    folder = multistatus(row("/inbox/F1.pdf/", "<D:resourcetype><D:collection/></D:resourcetype>"))
    assert says_of_one(folder) == Entry(0, "")


def test_an_etag_is_the_same_weak_or_strong_with_quotes_or_without() -> None:
    """Apache's is weak for a second, WsgiDAV leaves out the quotes; without one, the time of change stands for it."""
    told = [f"<D:getetag>{tag}</D:getetag>" for tag in ('W/"a-1"', '"a-1"', "a-1")]
    told.append("<D:getlastmodified>Wed, 25 Nov 2026 10:00:00 GMT</D:getlastmodified>")
    tags = []
    for each in told:
        (found,) = parse_multistatus(
            f'<D:multistatus xmlns:D="DAV:"><D:response><D:href>/F1.pdf</D:href><D:propstat><D:prop>'
            f"<D:getcontentlength>5</D:getcontentlength>{each}</D:prop></D:propstat></D:response></D:multistatus>".encode()
        )
        assert found.entry is not None
        assert found.entry.size == 5
        tags.append(found.entry.tag)
    assert tags == ["a-1", "a-1", "a-1", "Wed, 25 Nov 2026 10:00:00 GMT"]
