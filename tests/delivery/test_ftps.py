"""FTPS against vsftpd and pyftpdlib, what each of their answers means, and a drive that delivers by it."""

from __future__ import annotations

import ftplib
import logging
import os
import shutil
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from ingisfs.config import UNENCRYPTED, ConfigError, Drive, check_server, from_table
from ingisfs.delivery import ftps
from ingisfs.delivery.__main__ import connect
from ingisfs.delivery.courier import Plan
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
from ingisfs.delivery.ftps import KINDS, FtpsServer, failure
from ingisfs.delivery.probe import probe
from ingisfs.delivery.server import temporary_name
from ingisfs.outbox.document import State
from ingisfs.outbox.intake import Rules
from ingisfs.outbox.outbox import Outbox
from tests.delivery import couriers
from tests.documents import keep, pdf, xml
from tests.faulty_ftp import (
    DENIED,
    DO_AND_HANG_UP,
    HANG_UP,
    NOT_THERE,
    PASSWORD,
    SILENCE,
    USER,
    FaultyFtp,
    Say,
    faulty_ftp,
    trusting,
)
from tests.ftp_servers import FtpTestServer, make_certificate, pyftpdlib_server, vsftpd_server
from tests.mounts import drive
from tests.servers import free_port, wait_for

NAME = "factuur é#% &+~ç.pdf"
TEMPORARY = ".ingisfs-0123456789ab-1.part"
REAL: list[Callable[[Path], AbstractContextManager[FtpTestServer]]] = [vsftpd_server, pyftpdlib_server]
BARE = ("MLST", "MLSD", "SIZE", "MDTM")


def part(attempt: int = 1) -> str:
    return temporary_name("F1.pdf", "abcdefghijkl", attempt)


@pytest.fixture(params=REAL, ids=lambda make: make.__name__)
def real(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FtpTestServer]:
    with request.param(tmp_path) as server:
        yield server


@contextmanager
def connected(
    server: FtpTestServer, url: str = "", password: str | None = None, **options: Any
) -> Iterator[FtpsServer]:
    options = {"context": trusting(server.certificate), "timeout": 20.0, **options}
    password = server.password if password is None else password
    client = FtpsServer(url or server.url, server.user, password, **options)
    try:
        yield client
    finally:
        client.close()


def needs_person(attempt: Callable[[], object], reason: TargetReason, pattern: str | None = None) -> None:
    with pytest.raises(TargetNeedsPersonError, match=pattern) as raised:
        attempt()
    assert raised.value.reason is reason


# ---- the contract ------------------------------------------------------------------------------------------------


def test_a_document_is_put_verified_published_and_read_back(real: FtpTestServer) -> None:
    data = bytes(range(256)) * 300
    with connected(real) as client:
        client.ping()
        client.put(part(), data)
        entry = client.entry(part())
        assert entry is not None
        assert entry.size == len(data)
        assert entry.tag
        assert client.entries("") == {part(): entry}
        client.publish(part(), NAME)
        assert client.entry(part()) is None
        assert client.get(NAME) == data
        assert list(client.entries("")) == [NAME]
        assert client.get("no such.pdf") is None
        client.remove(part(2))
    assert real.names() == [NAME]
    assert (real.root / NAME).read_bytes() == data


@pytest.mark.parametrize("size", [0, 1, 5_000_001])
def test_documents_of_every_size_arrive_whole(real: FtpTestServer, size: int) -> None:
    data = os.urandom(size)
    long = "é" * 98 + ".pdf"  # 200 bytes
    with connected(real) as client:
        client.put(part(), data)
        client.publish(part(), long)
        assert client.get(long) == data
    assert (real.root / long).read_bytes() == data


def test_line_ends_are_no_text(real: FtpTestServer) -> None:
    data = b"a\r\nb\nc\rd\x1a\xff\r\n"
    with connected(real) as client:
        client.put(part(), data)
        client.entries("")
        client.publish(part(), "F1.pdf")
        assert client.get("F1.pdf") == data
    assert (real.root / "F1.pdf").read_bytes() == data


def test_a_name_that_exists_is_never_overwritten(real: FtpTestServer) -> None:
    (real.root / "F1.pdf").write_bytes(b"first")
    with connected(real) as client:
        client.put(part(), b"second")
        with pytest.raises(NameExistsError):
            client.publish(part(), "F1.pdf")
        assert client.get("F1.pdf") == b"first"
        client.remove(part())
    assert real.names() == ["F1.pdf"]
    assert not real.commands("RNTO")


def test_a_folder_that_has_the_name_counts_as_a_taken_name(real: FtpTestServer) -> None:
    (real.root / "F1.pdf").mkdir()
    with connected(real) as client:
        client.put(part(), b"a document")
        with pytest.raises(NameExistsError):
            client.publish(part(), "F1.pdf")
        assert client.get("F1.pdf") == b""
        assert "F1.pdf" not in client.entries("")


def test_our_own_earlier_version_is_replaced(real: FtpTestServer) -> None:
    with connected(real) as client:
        client.put(part(), b"earlier")
        client.publish(part(), "F1.pdf")
        client.put(part(2), b"later")
        client.replace(part(2), "F1.pdf")
        with pytest.raises(DoubtError):
            client.replace(part(2), "F1.pdf")
    assert real.names() == ["F1.pdf"]
    assert (real.root / "F1.pdf").read_bytes() == b"later"


def test_a_temporary_name_that_is_gone_leaves_doubt(real: FtpTestServer) -> None:
    with connected(real) as client:
        with pytest.raises(DoubtError):
            client.publish(part(), "F1.pdf")
        (real.root / "F1.pdf").write_bytes(b"published, and the answer was lost")
        with pytest.raises(NameExistsError):
            client.publish(part(), "F1.pdf")


def test_nothing_but_our_temporary_names_is_removed(real: FtpTestServer) -> None:
    (real.root / "F1.pdf").write_bytes(b"x")
    with connected(real) as client:
        client.put(part(), b"x")
        with pytest.raises(ValueError, match="not ours"):
            client.remove("F1.pdf")
        client.remove(part())
    assert real.names() == ["F1.pdf"]


def test_a_folder_below_the_inbox_is_written_to_only_if_it_is_there(real: FtpTestServer) -> None:
    below = "creditnota's é [1]"
    (real.root / below).mkdir()
    shutil.chown(real.root / below, real.root.owner(), real.root.group())
    with connected(real) as client:
        client.put(f"{below}/{part()}", b"x")
        assert list(client.entries(below)) == [part()]
        client.publish(f"{below}/{part()}", f"{below}/{NAME}")
        client.put(part(), b"x")
        attempts: list[Callable[[], object]] = [
            lambda: client.put("missing/" + part(2), b"x"),
            lambda: client.publish(part(), "missing/F1.pdf"),
            lambda: client.entries("missing"),
            lambda: client.entry("missing/" + part()),
        ]
        for attempt in attempts:
            needs_person(attempt, TargetReason.FOLDER_MISSING, "missing")
    assert (real.root / below / NAME).read_bytes() == b"x"
    assert not (real.root / "missing").exists()


def test_a_name_too_long_for_the_server_is_refused_and_stays_unpublished(real: FtpTestServer) -> None:
    with connected(real) as client:
        client.put(part(), b"x")
        with pytest.raises(DocumentRefusedError, match="éé"):
            client.publish(part(), "é" * 150 + ".pdf")
        client.publish(part(), "é" * 120 + ".pdf")
    assert real.names() == ["é" * 120 + ".pdf"]


def test_a_name_that_would_be_two_commands_is_refused(real: FtpTestServer) -> None:
    with connected(real) as client:
        client.put(part(), b"x")
        with pytest.raises(DocumentRefusedError):
            client.publish(part(), "F1.pdf\r\nDELE F2.pdf")
    assert not real.commands("DELE")


def test_names_of_strangers_that_are_no_text_do_not_hide_ours(real: FtpTestServer) -> None:
    (Path(os.fsdecode(os.fsencode(real.root) + b"/r\xe9sum\xe9.pdf"))).write_bytes(b"x")
    with connected(real) as client:
        client.put(part(), b"x")
        assert part() in client.entries("")


def test_where_a_server_cannot_rename_a_file_is_made_under_its_name_and_overwrites_nothing(real: FtpTestServer) -> None:
    with connected(real) as client:
        client.create(NAME, b"first")
        with pytest.raises(NameExistsError):
            client.create(NAME, b"second")
        assert (real.root / NAME).read_bytes() == b"first"
        client.create(NAME, b"2nd", over=True)
    assert (real.root / NAME).read_bytes() == b"2nd"


def test_a_wrong_password_needs_a_person_and_is_tried_once(real: FtpTestServer) -> None:
    with connected(real, password="wrong") as client:
        needs_person(client.ping, TargetReason.LOGIN, "530")
        wait_for(lambda: real.failed_logins() == 1, "the log")
    real.stop()
    assert real.failed_logins() == len(real.commands("PASS")) == 1


def test_a_missing_folder_needs_a_person(real: FtpTestServer) -> None:
    (real.root / "file").write_bytes(b"x")
    for folder in ("missing", "file", "file/below"):
        with connected(real, url=f"{real.url}/{folder}/") as client:
            needs_person(client.ping, TargetReason.FOLDER_MISSING, folder)


def test_a_server_that_went_away_is_unreachable_and_comes_back(real: FtpTestServer) -> None:
    with connected(real) as client:
        client.ping()
        client.put(part(), b"x")
        real.stop()
        with pytest.raises(UnreachableError):
            client.put(part(2), b"x")
        with pytest.raises(UnreachableError):
            client.publish(part(), "F1.pdf")
        real.start()
        client.publish(part(), "F1.pdf")
    assert real.names() == ["F1.pdf"]


@pytest.mark.parametrize("operation", ["ping", "put", "publish", "entry", "entries", "get", "remove"])
def test_a_restart_while_nothing_was_to_be_done_is_not_noticed(tmp_path: Path, operation: str) -> None:
    with pyftpdlib_server(tmp_path) as server, connected(server) as client:
        client.put(part(), b"x")
        server.stop()
        server.start()
        arguments: dict[str, tuple[Any, ...]] = {
            "ping": (),
            "put": (part(2), b"x"),
            "publish": (part(), "F1.pdf"),
            "entries": ("",),
        }
        getattr(client, operation)(*arguments.get(operation, (part(),)))


def test_a_connection_that_rests_is_closed_by_the_server_and_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ftps, "RESTED", 0.0)
    with pyftpdlib_server(tmp_path, idle=1) as server, connected(server) as client:
        client.put(part(), b"x")
        first = client._ftp
        assert first is not None
        sock = first.sock
        assert sock is not None
        wait_for(lambda: b"421" in sock.recv(1000), "the server to close it", 20)
        client.publish(part(), "F1.pdf")
        assert client._ftp is not first
        assert server.names() == ["F1.pdf"]


def test_a_folder_that_is_not_ours_to_write_needs_a_person(tmp_path: Path) -> None:
    with vsftpd_server(tmp_path) as server, connected(server) as client:
        client.put(part(), b"x")
        server.root.chmod(0o555)
        needs_person(lambda: client.put(part(2), b"x"), TargetReason.FORBIDDEN, "553")
        with pytest.raises(DoubtError):  # vsftpd does not say why
            client.publish(part(), "F1.pdf")
        server.root.chmod(0o000)
        with pytest.raises(TargetNeedsPersonError):
            client.entry(part())
        with pytest.raises(TargetNeedsPersonError):
            client.entry("F1.pdf")
        server.root.chmod(0o755)
        client.publish(part(), "F1.pdf")


@pytest.mark.parametrize(
    ("permissions", "operation"), [("elradfm", "put"), ("elradmw", "publish"), ("elrafmw", "remove")]
)
def test_a_right_that_is_missing_needs_a_person(tmp_path: Path, permissions: str, operation: str) -> None:
    with pyftpdlib_server(tmp_path, permissions=permissions) as server, connected(server) as client:
        (server.root / part(1)).write_bytes(b"x")
        arguments: dict[str, tuple[Any, ...]] = {"put": (part(2), b"x"), "publish": (part(), "F1.pdf")}
        attempt = getattr(client, operation)
        needs_person(lambda: attempt(*arguments.get(operation, (part(),))), TargetReason.FORBIDDEN)


@pytest.mark.parametrize("lacks", [BARE[:2], BARE, (*BARE, "RNFR", "RNTO"), ("FEAT", *BARE, "OPTS")], ids=str)
def test_a_server_that_knows_little_is_enough(tmp_path: Path, lacks: tuple[str, ...]) -> None:
    with pyftpdlib_server(tmp_path, lacks=lacks) as server, connected(server) as client:
        client.put(part(), b"bytes")
        entry = client.entry(part())
        assert entry is not None
        assert entry.size == 5
        assert bool(entry.tag) == ("MDTM" not in lacks)
        assert list(client.entries("")) == [part()]
        assert client.entry(part(2)) is None
        if "RNTO" in lacks:
            with pytest.raises(CannotRenameError):
                client.publish(part(), NAME)
            client.create(NAME, b"bytes")
        else:
            client.publish(part(), NAME)
        client.put(part(2), b"other")
        with pytest.raises(NameExistsError):
            client.publish(part(2), NAME)
        assert client.get(NAME) == b"bytes"


# ---- addresses and encryption --------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", REAL)
def test_tls_may_be_there_from_the_first_byte_on(make: Any, tmp_path: Path) -> None:
    with make(tmp_path, implicit=True) as server, connected(server) as client:
        client.put(part(), b"x" * 100_000)
        client.publish(part(), NAME)
        assert client.get(NAME) == b"x" * 100_000


@pytest.mark.parametrize(
    ("url", "port", "implicit"),
    [
        ("ftps://host/inbox", 21, False),
        ("ftps://host:2121/inbox", 2121, False),
        ("ftps://host:990/inbox", 990, True),
        ("ftps-implicit://host/inbox", 990, True),
        ("ftps-implicit://host:2121/inbox", 2121, True),
    ],
)
def test_an_address_says_when_tls_begins(url: str, port: int, implicit: bool) -> None:
    check_server(url)
    client = FtpsServer(url, "king", "secret")
    assert (client._port, client._implicit, client._encrypted) == (port, implicit, True)


def test_the_folder_of_the_login_can_be_named(tmp_path: Path) -> None:
    with vsftpd_server(tmp_path) as server:
        server.folder.joinpath("in é").mkdir()
        shutil.chown(server.folder / "in é", server.user)
        for path, inbox in (("/~/inbox", server.root), ("/in%20%C3%A9/", server.folder / "in é")):
            with connected(server, url=f"ftps://127.0.0.1:{server.port}{path}") as client:
                client.put(part(), b"x")
                client.publish(part(), NAME)
            assert (inbox / NAME).read_bytes() == b"x"
        for path in ("", "/", "//"):
            with connected(server, url=f"ftps://127.0.0.1:{server.port}{path}") as client:
                client.ping()
                assert client.get("inbox") == b""


def test_data_comes_with_the_tls_session_of_the_control_connection_where_the_server_demands_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with vsftpd_server(tmp_path) as server:
        with connected(server) as client:
            for attempt in range(3):
                client.put(part(attempt), b"x")
        assert server.data_connections() == ["reused"] * 3

        def alone(self: Any, conn: socket.socket) -> socket.socket:
            found: socket.socket = self.context.wrap_socket(conn, server_hostname=self.host)
            return found

        monkeypatch.setattr(ftps._Connection, "_secured", alone)
        with connected(server) as client:
            needs_person(lambda: client.put(part(9), b"x"), TargetReason.UNKNOWN, "522")


@pytest.mark.parametrize("make", REAL)
def test_the_address_that_a_server_behind_nat_names_is_ignored(make: Any, tmp_path: Path) -> None:
    with make(tmp_path, behind_nat=True) as server, connected(server) as client:
        client.put(part(), b"x")
        assert list(client.entries("")) == [part()]


def test_an_unknown_certificate_needs_a_person_and_no_password_is_shown(real: FtpTestServer, tmp_path: Path) -> None:
    make_certificate(tmp_path / "other", tmp_path / "key")
    for context in (trusting(tmp_path / "other"), ssl.create_default_context()):
        with connected(real, context=context) as client:
            needs_person(client.ping, TargetReason.CERTIFICATE)
    assert not real.commands("USER")


def test_a_certificate_for_another_name_needs_a_person(tmp_path: Path) -> None:
    with pyftpdlib_server(tmp_path) as server:
        with connected(server, url=f"ftps://localhost:{server.port}/inbox") as client:
            needs_person(client.ping, TargetReason.CERTIFICATE, "localhost")
        assert not server.commands("USER")


def test_a_certificate_that_has_expired_needs_a_person_until_there_is_another(tmp_path: Path) -> None:
    with pyftpdlib_server(tmp_path) as server:
        server.stop()
        make_certificate(server.certificate, server.key, days=-1)
        server.start()
        with connected(server) as client:
            needs_person(client.ping, TargetReason.CERTIFICATE, "expired")
        server.stop()
        make_certificate(server.certificate, server.key)
        server.start()
        with connected(server) as client:
            client.ping()


def test_a_server_without_tls_is_not_shown_the_password(tmp_path: Path) -> None:
    with pyftpdlib_server(tmp_path, encrypted=False) as server:
        for scheme in ("ftps", "ftps-implicit"):
            with connected(server, url=f"{scheme}://127.0.0.1:{server.port}/inbox") as client:
                needs_person(client.ping, TargetReason.UNKNOWN, "TLS")
        assert not server.commands("USER")


def test_ftp_in_the_clear_is_refused_unless_the_settings_say_so_word_for_word(tmp_path: Path) -> None:
    with pyftpdlib_server(tmp_path, encrypted=False) as server:
        settings: dict[str, Any] = {"server": server.url, "user": server.user}
        with pytest.raises(ConfigError, match="plain-ftp"):
            check_server(server.url)
        with pytest.raises(ConfigError, match="unencrypted"):
            from_table({**settings, "unencrypted": "yes"})
        with pytest.raises(ConfigError, match="unencrypted"):
            from_table({**settings, "unencrypted": True})
        needs_person(lambda: connect(Drive(**settings), server.password), TargetReason.UNKNOWN)
        for words in UNENCRYPTED.values():
            settings = {**settings, "unencrypted": words}
            check_server(server.url, words)
            client = connect(from_table(settings), server.password)
            client.put(part(), b"x")
            client.remove(part())
            client.close()


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_ca_file_that_cannot_be_read_needs_a_person(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    for url in ("ftps://host/", "https://host/"):
        drive = Drive(server=url, user="king", ca_file=str(path))
        needs_person(lambda drive=drive: connect(drive, "secret"), TargetReason.CERTIFICATE, "ca.pem")  # type: ignore[misc]


# ---- what answers and silences mean ------------------------------------------------------------------------------

ANSWERS: list[tuple[str, type[DeliveryError], TargetReason | None]] = [
    ("120 Ready in 5 minutes", UnreachableError, None),
    ("332 Need account", TargetNeedsPersonError, TargetReason.LOGIN),
    ("421 Too many users", UnreachableError, None),
    ("425 Cannot open data connection", UnreachableError, None),
    ("426 Connection closed", TransientError, None),
    ("430 Invalid username or password", TargetNeedsPersonError, TargetReason.LOGIN),
    ("431 Security is unavailable", UnreachableError, None),
    ("434 Host unavailable", UnreachableError, None),
    ("450 File busy", TransientError, None),
    ("451 Local error", TransientError, None),
    ("452 Insufficient space", TransientError, None),
    ("498 of a later day", TransientError, None),
    ("500 Unknown command", TargetNeedsPersonError, TargetReason.UNKNOWN),
    ("501 Syntax error in parameters", DocumentRefusedError, None),
    ("502 Not implemented", TargetNeedsPersonError, TargetReason.UNKNOWN),
    ("503 Bad sequence", TransientError, None),
    ("504 Not for that parameter", TargetNeedsPersonError, TargetReason.UNKNOWN),
    ("522 Session reuse required", TargetNeedsPersonError, TargetReason.UNKNOWN),
    ("530 Login incorrect", TargetNeedsPersonError, TargetReason.LOGIN),
    ("530 Sorry, the maximum number of clients is connected", UnreachableError, None),
    ("532 Need account for storing", TargetNeedsPersonError, TargetReason.FORBIDDEN),
    ("533 Not allowed unprotected", TargetNeedsPersonError, TargetReason.UNKNOWN),
    ("534 Policy requires SSL", TargetNeedsPersonError, TargetReason.UNKNOWN),
    ("535 Failed security check", TargetNeedsPersonError, TargetReason.UNKNOWN),
    ("536 No such level", TargetNeedsPersonError, TargetReason.UNKNOWN),
    ("550 No such file or directory", TargetNeedsPersonError, TargetReason.FOLDER_MISSING),
    ("550 Permission denied", TargetNeedsPersonError, TargetReason.FORBIDDEN),
    ("551 Page type unknown", DocumentRefusedError, None),
    ("552 Quota exceeded", TransientError, None),
    ("553 Name not allowed", DocumentRefusedError, None),
    ("599 of a later day", TargetNeedsPersonError, TargetReason.UNKNOWN),
    ("250 where nothing like it was asked", UnreachableError, None),
    ("<html>", UnreachableError, None),
]


@pytest.mark.parametrize(
    ("answer", "kind", "reason"), ANSWERS, ids=lambda row: row[:40] if isinstance(row, str) else ""
)
def test_every_answer_has_its_kind(answer: str, kind: type[DeliveryError], reason: TargetReason | None) -> None:
    found = failure(ftplib.error_reply(answer), "write")
    assert type(found) is kind
    assert getattr(found, "reason", None) is reason
    assert str(found) == f"write: {answer}"


def test_every_row_of_the_table_is_tried() -> None:
    assert set(KINDS) <= {answer[:3] for answer, _, _ in ANSWERS}


SILENCES: list[tuple[Exception, type[DeliveryError]]] = [
    (EOFError(), UnreachableError),
    (ConnectionRefusedError(), UnreachableError),
    (ConnectionResetError(), UnreachableError),
    (TimeoutError("timed out"), UnreachableError),
    (socket.gaierror(-2, "Name or service not known"), UnreachableError),
    (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), UnreachableError),
    (ssl.SSLError(1, "bad record mac"), UnreachableError),
    (ftplib.error_proto("garbage"), UnreachableError),
]


@pytest.mark.parametrize(("error", "kind"), SILENCES, ids=lambda row: type(row).__name__)
def test_every_silence_has_its_kind(error: Exception, kind: type[DeliveryError]) -> None:
    assert type(failure(error, "write")) is kind


@pytest.mark.parametrize("error", [EOFError(), ConnectionResetError(), ssl.SSLEOFError(8, "EOF")])
def test_who_hangs_up_on_a_log_in_has_refused_it(error: Exception) -> None:
    found = failure(error, "PASS", logging_in=True)
    assert isinstance(found, TargetNeedsPersonError)
    assert found.reason is TargetReason.LOGIN
    assert type(failure(TimeoutError(), "PASS", logging_in=True)) is UnreachableError


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("certificate")
    make_certificate(folder / "certificate.pem", folder / "key.pem")
    return folder / "certificate.pem", folder / "key.pem"


@pytest.fixture
def faulty(tmp_path: Path, certificate: tuple[Path, Path]) -> Iterator[FaultyFtp]:
    with faulty_ftp(tmp_path / "faulty", *certificate) as server:
        yield server


@contextmanager
def talking(server: FaultyFtp, certificate: tuple[Path, Path], say: Say | None = None) -> Iterator[FtpsServer]:
    """A client, which is patient unless the server is to be silent."""
    timeout = 1.0 if say is not None and say.answer == SILENCE else 30.0
    client = FtpsServer(server.url, USER, PASSWORD, context=trusting(certificate[0]), timeout=timeout)
    try:
        yield client
    finally:
        client.close()


RENAMES: list[tuple[str, Say, bool, type[DeliveryError], TargetReason | None]] = [
    # the command, what the server does, whether the final name is taken in that moment, what it means
    ("RNTO", Say("550 Rename failed."), True, NameExistsError, None),
    ("RNTO", Say(DENIED), True, NameExistsError, None),
    ("RNTO", Say("553 Taken."), True, NameExistsError, None),
    ("RNTO", Say("550 Rename failed."), False, DoubtError, None),
    ("RNTO", Say("550 Rename failed.", do=True), False, DoubtError, None),
    ("RNTO", Say(DENIED, do=True), False, DoubtError, None),
    ("RNTO", Say("553 No such name here.", do=True), False, DoubtError, None),
    ("RNTO", Say(DENIED), False, TargetNeedsPersonError, TargetReason.FORBIDDEN),
    ("RNTO", Say("530 Log in first."), False, TargetNeedsPersonError, TargetReason.LOGIN),
    ("RNTO", Say("502 Not here."), False, CannotRenameError, None),
    ("RNTO", Say("500 Too long."), False, DocumentRefusedError, None),
    ("RNTO", Say("501 Bad name."), False, DocumentRefusedError, None),
    ("RNTO", Say("553 Name not allowed."), False, DocumentRefusedError, None),
    ("RNTO", Say("450 Busy."), False, DoubtError, None),
    ("RNTO", Say("451 Local error.", do=True), False, DoubtError, None),
    ("RNTO", Say("503 Out of order."), False, DoubtError, None),
    ("RNTO", Say("421 Closing."), False, DoubtError, None),
    ("RNTO", Say("350 Go on."), False, DoubtError, None),
    ("RNTO", Say("garbage"), False, DoubtError, None),
    ("RNTO", HANG_UP, False, DoubtError, None),
    ("RNTO", DO_AND_HANG_UP, False, DoubtError, None),
    ("RNTO", Say(SILENCE), False, DoubtError, None),
    ("RNFR", Say("502 Not here."), False, CannotRenameError, None),
    ("RNFR", Say(DENIED), False, TargetNeedsPersonError, TargetReason.FORBIDDEN),
    ("RNFR", Say("450 Busy."), False, TransientError, None),
    ("RNFR", Say(SILENCE), False, UnreachableError, None),
]


@pytest.mark.parametrize(("command", "say", "taken", "kind", "reason"), RENAMES)
def test_every_answer_to_a_rename_has_its_kind(
    faulty: FaultyFtp,
    certificate: tuple[Path, Path],
    command: str,
    say: Say,
    taken: bool,
    kind: type[DeliveryError],
    reason: TargetReason | None,
) -> None:
    def fault(operation: str, name: str, count: int) -> Say | None:
        if operation != command or (command == "RNFR" and name != part()):
            return None
        if taken:
            (faulty.inbox / "F1.pdf").write_bytes(b"a stranger's, since a moment")
        return say

    with talking(faulty, certificate, say) as client:
        client.put(part(), b"x")
        faulty.fault = fault
        with pytest.raises(DeliveryError) as raised:
            client.publish(part(), "F1.pdf")
        assert type(raised.value) is kind
        assert getattr(raised.value, "reason", None) is reason
        client.ping()


@pytest.mark.parametrize("answer", ["550 Rename failed.", "550 The file exists.", "502 Not here."])
def test_a_server_that_cannot_replace_gets_the_document_parked(
    faulty: FaultyFtp, certificate: tuple[Path, Path], answer: str
) -> None:
    with talking(faulty, certificate) as client:
        for attempt in (1, 2):
            client.put(part(attempt), b"x")
        client.publish(part(1), "F1.pdf")
        faulty.fault = lambda operation, name, count: Say(answer) if operation == "RNTO" else None
        with pytest.raises(DocumentRefusedError, match=r"F1\.pdf"):
            client.replace(part(2), "F1.pdf")
    assert part(2) in faulty.names()


@pytest.mark.parametrize("operation", ["STOR", "flow", "stored"])
@pytest.mark.parametrize("say", [HANG_UP, DO_AND_HANG_UP, Say("421 Closing."), Say(SILENCE)], ids=str)
def test_what_has_no_answer_is_a_doubt_under_a_final_name_and_none_under_a_temporary_one(
    faulty: FaultyFtp, certificate: tuple[Path, Path], operation: str, say: Say
) -> None:
    faulty.fault = lambda done, name, count: say if done == operation else None
    with talking(faulty, certificate, say) as client:
        client.ping()
        with pytest.raises(UnreachableError):
            client.put(part(), b"x" * 500_000)
        with pytest.raises(DoubtError):
            client.create("F1.pdf", b"x" * 500_000)
    assert faulty.count("STOR") == 2


@pytest.mark.parametrize(
    ("operation", "answer", "kind"),
    [
        ("STOR", "553 No.", TargetNeedsPersonError),
        ("STOR", "550 No.", TargetNeedsPersonError),
        ("STOR", "452 Full.", TransientError),
        ("STOR", "552 Quota.", TransientError),
        ("STOR", "425 No data connection.", UnreachableError),
        ("flow", "552 Quota.", TransientError),
        ("flow", "426 Broken.", TransientError),
        ("flow", "226 Enough.", TransientError),
        ("flow", "550 No.", DocumentRefusedError),
        ("stored", "451 Disk.", TransientError),
        ("stored", "552 Quota.", TransientError),
        ("stored", "550 A virus.", DocumentRefusedError),
        ("stored", "553 No PDF.", DocumentRefusedError),
        ("stored", "522 No TLS.", TargetNeedsPersonError),
    ],
)
def test_a_no_to_a_document_is_about_the_folder_before_its_bytes_and_about_it_after_them(
    faulty: FaultyFtp, certificate: tuple[Path, Path], operation: str, answer: str, kind: type[DeliveryError]
) -> None:
    faulty.fault = lambda done, name, count: Say(answer) if done == operation else None
    with talking(faulty, certificate) as client:
        with pytest.raises(DeliveryError, match=answer[:3]) as raised:
            client.put(part(), b"x" * 5_000_000)
        assert type(raised.value) is kind
        faulty.fault = lambda done, name, count: None
        client.put(part(2), b"x")
        assert client.entries("")[part(2)].size == 1


def test_a_failed_transfer_that_is_answered_twice_does_not_answer_what_is_asked_next(
    faulty: FaultyFtp, certificate: tuple[Path, Path]
) -> None:
    left = [1]

    def fault(operation: str, name: str, count: int) -> Say | None:
        if operation == "stored" and left[0]:
            left[0] = 0
            return Say("426 Broken.\r\n226 Abort is done.")
        return Say("550 Rename failed.") if operation == "RNTO" else None

    with talking(faulty, certificate) as client:
        client.put(part(), b"x")  # answered well
        left[0], faulty.fault = 1, fault
        with pytest.raises(TransientError, match="426"):
            client.put(part(2), b"x")
        assert client.entry(part(2)) is None
        with pytest.raises(DoubtError):
            client.publish(part(), "F1.pdf")
    assert faulty.arrivals == []


def test_a_file_is_absent_only_if_two_questions_say_so_and_its_folder_is_there(
    faulty: FaultyFtp, certificate: tuple[Path, Path]
) -> None:
    with talking(faulty, certificate) as client:
        client.put(part(), b"x")
        no = Say("550 The process cannot access the file because it is being used by another process.")
        for command in ("MLST", "RNFR"):
            faulty.fault = lambda done, name, count, command=command: no if done == command else None  # type: ignore[misc]
            if command == "MLST":
                with pytest.raises(TransientError, match="is there"):
                    client.entry(part())
            else:
                assert client.entry(part()) is not None
        faulty.fault = lambda done, name, count: Say(NOT_THERE) if done in {"CWD", "MLST", "RNFR"} else None
        needs_person(lambda: client.entry(part()), TargetReason.FOLDER_MISSING)


def test_bytes_that_did_not_all_come_are_no_content(faulty: FaultyFtp, certificate: tuple[Path, Path]) -> None:
    with talking(faulty, certificate) as client:
        client.put(part(), b"x" * 1000)
        client.publish(part(), "F1.pdf")

        def shrink(operation: str, name: str, count: int) -> Say | None:
            if operation == "RETR":
                os.truncate(faulty.inbox / name, 10)
            return None

        faulty.fault = shrink
        with pytest.raises(TransientError, match="10 of 1000"):
            client.get("F1.pdf")


@pytest.mark.parametrize("say", [HANG_UP, Say("421 Time is up."), DO_AND_HANG_UP], ids=str)
@pytest.mark.parametrize("command", ["PASV", "MLST", "RNFR", "MLSD", "RETR", "CWD", "DELE"])
def test_a_connection_that_ends_before_anything_was_done_is_made_anew_once(
    faulty: FaultyFtp, certificate: tuple[Path, Path], command: str, say: Say
) -> None:
    left = [1]

    def fault(operation: str, name: str, count: int) -> Say | None:
        if operation == command and left[0]:
            left[0] -= 1
            return say
        return None

    def use(client: FtpsServer) -> None:
        client.ping()
        client.put(part(), b"x")
        client.entries("")
        client.remove(part())
        client.put(part(2), b"x")
        client.publish(part(2), f"F{len(faulty.arrivals)}.pdf")
        client.get("F0.pdf")

    with talking(faulty, certificate) as client:
        client.ping()
        faulty.fault = fault
        use(client)
        assert left == [0]
        left[0] = 2
        with pytest.raises(UnreachableError):
            use(client)
        assert left == [0]
    assert len(faulty.arrivals) == len({name for name, _ in faulty.arrivals})


@pytest.mark.parametrize("command", ["connect", "AUTH", "USER", "PBSZ", "FEAT", "OPTS", "TYPE"])
def test_no_document_is_refused_before_the_log_in_is_done(
    faulty: FaultyFtp, certificate: tuple[Path, Path], command: str
) -> None:
    for code in ("500", "501", "530", "550", "553"):
        faulty.fault = lambda operation, name, count, code=code: (  # type: ignore[misc]
            Say(f"{code} No.") if operation == command else None
        )
        with talking(faulty, certificate) as client, suppress(TargetNeedsPersonError):
            client.put(part(), b"x")
        assert command in {"FEAT", "OPTS"} or not faulty.names()


def test_nobody_there_is_unreachable_also_for_a_rename() -> None:
    client = FtpsServer(f"ftps://127.0.0.1:{free_port()}/", "king", "secret")
    with pytest.raises(UnreachableError):
        client.ping()
    with pytest.raises(UnreachableError):
        client.publish(part(), "F1.pdf")
    client.close()


@pytest.mark.parametrize("scheme", ["ftps", "ftps-implicit"])
def test_a_server_that_says_nothing_at_all_is_given_up(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ftps, "LOGIN", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = FtpsServer(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/", "king", "secret")
        with pytest.raises(UnreachableError, match="timed out"):
            client.ping()
        client.close()


def test_no_secret_shows_in_a_repr_an_error_or_a_log(
    faulty: FaultyFtp,
    certificate: tuple[Path, Path],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    faulty.fault = lambda operation, name, count: Say(f"530 PASS {PASSWORD} is wrong") if operation == "PASS" else None
    with talking(faulty, certificate) as client:
        needs_person(client.ping, TargetReason.LOGIN, "530 PASS … is wrong")
        faulty.fault = lambda operation, name, count: None
        client.ping()
        assert PASSWORD not in repr(client) + repr(client._ftp)
    logged = "".join(record.getMessage() for record in caplog.records if record.name != "pyftpdlib")
    assert PASSWORD not in logged + "".join(capfd.readouterr())


def test_a_probe_finds_both_servers_good(real: FtpTestServer) -> None:
    findings = probe(lambda: FtpsServer(real.url, real.user, real.password, context=trusting(real.certificate)))
    assert findings.error is None
    assert findings.good
    assert findings.renames
    assert findings.unguarded, "RNTO overwrites; only our look protects a name"
    assert findings.listed
    assert real.names() == []


# ---- a drive -----------------------------------------------------------------------------------------------------


def test_a_pair_and_twenty_documents_reach_vsftpd_once_each(tmp_path: Path) -> None:
    names = [f"F{number}.pdf" for number in range(20)]
    with (
        vsftpd_server(tmp_path) as server,
        drive(tmp_path / "drive", server.url, server.user, server.password, ca_file=str(server.certificate)) as mounted,
    ):
        (mounted.mountpoint / "pair é.xml").write_bytes(xml())
        (mounted.mountpoint / "pair é.pdf").write_bytes(pdf())
        for name in names:
            (mounted.mountpoint / name).write_bytes(pdf(name, size=60_000))
        everything = ["pair é.pdf", "pair é.xml", *names]
        mounted.wait_delivered(everything)
        assert server.names() == sorted(everything)
        assert (server.root / "pair é.xml").read_bytes() == xml()
        for name in names:
            assert (server.root / name).read_bytes() == pdf(name, size=60_000)
        assert mounted.status()["target"]["state"] == "ok"
        stored = server.commands("STOR")
        assert len(stored) == len(set(stored)) == len(everything)
        renamed = server.commands("RNTO")
        assert len(renamed) == len(everything)
        assert [name[-4:] for name in renamed if "pair" in name] == [".pdf", ".xml"]
        assert set(server.data_connections()) == {"reused"}


def test_names_are_listed_like_entries(real: FtpTestServer) -> None:
    for name in ("F1.pdf", "é #1.xml", TEMPORARY):
        (real.root / name).write_bytes(b"12345")
    with connected(real) as client:
        assert client.names("") == set(client.entries("")) == {"F1.pdf", "é #1.xml", TEMPORARY}
    with connected(real) as client:  # with nobody logged in before
        assert client.names("") == {"F1.pdf", "é #1.xml", TEMPORARY}


def test_no_older_files_size_is_asked_for_however_full_the_inbox_is(outbox: Outbox, tmp_path: Path) -> None:
    """vsftpd has no listing with sizes: each is a round trip. Documents are verified, given-up files looked for, and
    delivered ones followed."""
    with vsftpd_server(tmp_path / "server") as server:
        for number in range(50):
            (server.root / f"old{number}.pdf").write_bytes(b"x")
        (server.root / ".ingisfs-000000000000-1.part").write_bytes(b"not ours")
        ids = [keep(outbox, f"F{number}.pdf", pdf(f"{number}")) for number in range(12)]

        def connect() -> FtpsServer:
            return FtpsServer(server.url, server.user, server.password, context=trusting(server.certificate))

        plan = Plan(Rules(pair_wait=0.0), workers=2, follow=0.1)
        with couriers.delivering(outbox, plan, connect):
            for document_id in ids:
                couriers.until(outbox, document_id, State.DELIVERED)
            wait_for(lambda: '"witness": 0' not in (outbox.meta("following") or '"witness": 0'), "our own file", 60)
            (server.root / "F3.pdf").unlink()
            couriers.until(outbox, ids[3], State.COLLECTED)
        assert server.commands("NLST")
        assert not [name for name in server.commands("SIZE") if "old" in name]
        assert set(server.names()) > {f"old{number}.pdf" for number in range(50)}
