"""SFTP against OpenSSH and asyncssh's server, what each of their answers means, and a drive that delivers by it."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncssh
import pytest

from ingisfs.config import ConfigError, check_server, from_table
from ingisfs.delivery import sftp
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
from ingisfs.delivery.probe import probe
from ingisfs.delivery.server import folder_of, temporary_name
from ingisfs.delivery.sftp import SftpServer, failure, read_key
from tests.documents import pdf, xml
from tests.mounts import Drive, drive
from tests.no_links import without_links
from tests.servers import free_port, wait_for
from tests.sftp_servers import SftpTestServer, asyncssh_server, counting_wire, make_key, openssh_server

NAME = "factuur é#% &+~ç.pdf"
PINNED = "SHA256:" + "a" * 43
REAL: list[Callable[[Path], AbstractContextManager[SftpTestServer]]] = [openssh_server, asyncssh_server]


def part(attempt: int = 1) -> str:
    return temporary_name("F1.pdf", "abcdefghijkl", attempt)


@pytest.fixture(params=REAL, ids=lambda make: make.__name__)
def real(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SftpTestServer]:
    with request.param(tmp_path) as server:
        yield server


@contextmanager
def connected(
    server: SftpTestServer, url: str = "", password: str | None = None, **options: Any
) -> Iterator[SftpServer]:
    options = {"host_key": server.fingerprint(), **options}
    password = server.password if password is None else password
    client = SftpServer(url or server.url, server.user, password, **options)
    try:
        yield client
    finally:
        client.close()


def refused(server: SftpTestServer, times: int) -> None:
    """Make sure that the server has counted so many tries. It may write its log after its answer."""
    wait_for(lambda: server.failed_logins() >= times, "the log", 20)
    assert server.failed_logins() == times


def needs_person(client: SftpServer, reason: TargetReason, pattern: str | None = None) -> None:
    with pytest.raises(TargetNeedsPersonError, match=pattern) as raised:
        client.ping()
    assert raised.value.reason is reason


# ---- the contract ------------------------------------------------------------------------------------------------


def test_a_document_is_put_verified_published_and_read_back(real: SftpTestServer) -> None:
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
def test_documents_of_every_size_arrive_whole(real: SftpTestServer, size: int) -> None:
    data = os.urandom(size)
    with connected(real) as client:
        client.put(part(), data)
        client.publish(part(), "F1.pdf")
        assert client.get("F1.pdf") == data
    assert (real.root / "F1.pdf").read_bytes() == data


def test_a_name_that_exists_is_never_overwritten(real: SftpTestServer) -> None:
    (real.root / "F1.pdf").write_bytes(b"first")
    with connected(real) as client:
        client.put(part(), b"second")
        with pytest.raises(NameExistsError):
            client.publish(part(), "F1.pdf")
        assert client.get("F1.pdf") == b"first"
        client.remove(part())
    assert real.names() == ["F1.pdf"]


def test_a_folder_that_has_the_name_counts_as_a_taken_name(real: SftpTestServer) -> None:
    (real.root / "F1.pdf").mkdir()
    with connected(real) as client:
        client.put(part(), b"a document")
        with pytest.raises(NameExistsError):
            client.publish(part(), "F1.pdf")
        assert client.get("F1.pdf") == b""
        assert "F1.pdf" not in client.entries("")


def test_of_many_who_publish_one_name_one_does_and_nothing_is_lost(tmp_path: Path) -> None:
    clients, rounds = 8, 20
    with openssh_server(tmp_path) as server, ThreadPoolExecutor(clients) as pool:
        made = [
            SftpServer(server.url, server.user, server.password, host_key=server.fingerprint()) for _ in range(clients)
        ]
        together = threading.Barrier(clients)

        def compete(number: int) -> list[bool]:
            won = []
            for attempt in range(rounds):
                mine = part(attempt * clients + number)
                made[number].put(mine, str(number).encode())
                together.wait()
                try:
                    made[number].publish(mine, f"F{attempt}.pdf")
                    won.append(True)
                except NameExistsError:
                    won.append(False)
            return won

        results = list(pool.map(compete, range(clients)))
        for attempt in range(rounds):
            winners = [number for number in range(clients) if results[number][attempt]]
            assert len(winners) == 1
            assert (server.root / f"F{attempt}.pdf").read_text() == str(winners[0])
        assert len([name for name in server.names() if name.endswith(".part")]) == rounds * (clients - 1)
        for client in made:
            client.close()


def test_our_own_earlier_version_is_replaced(real: SftpTestServer) -> None:
    with connected(real) as client:
        client.put(part(), b"earlier")
        client.publish(part(), "F1.pdf")
        client.put(part(2), b"later")
        client.replace(part(2), "F1.pdf")
        with pytest.raises(DoubtError):
            client.replace(part(2), "F1.pdf")
    assert real.names() == ["F1.pdf"]
    assert (real.root / "F1.pdf").read_bytes() == b"later"


def test_a_temporary_name_is_not_used_twice(real: SftpTestServer) -> None:
    with connected(real) as client:
        client.put(part(), b"first")
        with pytest.raises(TransientError):
            client.put(part(), b"second")
        assert client.get(part()) == b"first"


def test_a_temporary_name_that_is_gone_leaves_doubt(real: SftpTestServer) -> None:
    with connected(real) as client:
        with pytest.raises(DoubtError):
            client.publish(part(), "F1.pdf")
        (real.root / "F1.pdf").write_bytes(b"published, and the answer was lost")
        with pytest.raises(DoubtError):
            client.publish(part(), "F1.pdf")


def test_nothing_but_our_temporary_names_is_removed(real: SftpTestServer) -> None:
    (real.root / "F1.pdf").write_bytes(b"x")
    with connected(real) as client:
        client.put(part(), b"x")
        with pytest.raises(ValueError, match="not ours"):
            client.remove("F1.pdf")
        client.remove(part())
    assert real.names() == ["F1.pdf"]


def test_a_folder_below_the_inbox_is_written_to_only_if_it_is_there(real: SftpTestServer) -> None:
    (real.root / "creditnota's é").mkdir()
    shutil.chown(real.root / "creditnota's é", real.root.owner(), real.root.group())
    with connected(real) as client:
        client.put("creditnota's é/" + part(), b"x")
        assert list(client.entries("creditnota's é")) == [part()]
        client.publish("creditnota's é/" + part(), "creditnota's é/" + NAME)
        client.put(part(), b"x")
        attempts: list[Callable[[], object]] = [
            lambda: client.put("missing/" + part(2), b"x"),
            lambda: client.publish(part(), "missing/F1.pdf"),
            lambda: client.entries("missing"),
        ]
        for attempt in attempts:
            with pytest.raises(TargetNeedsPersonError, match="missing") as raised:
                attempt()
            assert raised.value.reason is TargetReason.FOLDER_MISSING
    assert (real.root / "creditnota's é" / NAME).read_bytes() == b"x"
    assert not (real.root / "missing").exists()


def test_a_name_too_long_for_the_server_is_refused_and_stays_unpublished(real: SftpTestServer) -> None:
    with connected(real) as client:
        client.put(part(), b"x")
        with pytest.raises(DocumentRefusedError, match="éé"):
            client.publish(part(), "é" * 150 + ".pdf")
        client.publish(part(), "é" * 120 + ".pdf")
    assert real.names() == ["é" * 120 + ".pdf"]


def test_names_of_strangers_that_are_no_text_do_not_hide_ours(real: SftpTestServer) -> None:
    (Path(os.fsdecode(os.fsencode(real.root) + b"/r\xe9sum\xe9.pdf"))).write_bytes(b"x")
    with connected(real) as client:
        client.put(part(), b"x")
        assert part() in client.entries("")


def test_a_wrong_password_needs_a_person_and_is_tried_once(real: SftpTestServer) -> None:
    with connected(real, password="wrong") as client:
        needs_person(client, TargetReason.LOGIN, "by password")
        refused(real, 1)
        needs_person(client, TargetReason.LOGIN)
        refused(real, 2)


def test_a_missing_folder_needs_a_person(real: SftpTestServer) -> None:
    (real.root / "file").write_bytes(b"x")
    for folder in ("missing", "file", "file/below"):
        with connected(real, url=f"{real.url}/{folder}/") as client:
            needs_person(client, TargetReason.FOLDER_MISSING, folder)


def test_a_server_that_went_away_is_unreachable_and_comes_back(real: SftpTestServer) -> None:
    with connected(real) as client:
        client.ping()
        real.stop()
        with pytest.raises(UnreachableError):
            client.put(part(), b"x")
        with pytest.raises(UnreachableError):
            client.publish(part(), "F1.pdf")
        real.start()
        client.put(part(2), b"x")
        client.publish(part(2), "F1.pdf")
    assert real.names() == ["F1.pdf"]


def test_a_restart_while_nothing_was_to_be_done_is_not_noticed(real: SftpTestServer) -> None:
    with connected(real) as client:
        client.ping()
        real.stop()
        wait_for(lambda: client._connection is None or client._connection.is_closed(), "the connection to be seen dead")
        real.start()
        client.put(part(), b"x")
        client.publish(part(), "F1.pdf")
    assert real.names() == ["F1.pdf"]


def test_a_server_that_fell_silent_while_nothing_was_to_be_done_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftp, "KEEPALIVE", 0.1)
    with asyncssh_server(tmp_path) as server, connected(server) as client:
        client.ping()
        server.freeze()
        wait_for(lambda: client._connection is None or client._connection.is_closed(), "the connection to be given up")
        server.thaw()
        client.put(part(), b"x")
        assert server.names() == [part()]


def test_a_folder_that_is_not_ours_to_write_needs_a_person(tmp_path: Path) -> None:
    with openssh_server(tmp_path) as server, connected(server) as client:
        client.put(part(), b"x")
        server.root.chmod(0o555)
        attempts: list[Callable[[], object]] = [
            lambda: client.put(part(2), b"x"),
            lambda: client.publish(part(), "F1.pdf"),
        ]
        for attempt in attempts:
            with pytest.raises(TargetNeedsPersonError) as raised:
                attempt()
            assert raised.value.reason is TargetReason.FORBIDDEN
        server.root.chmod(0o000)
        with pytest.raises(TargetNeedsPersonError) as raised:
            client.entry(part())
        assert raised.value.reason is TargetReason.FORBIDDEN
        with pytest.raises(DoubtError):
            client.publish(part(), "F1.pdf")
        server.root.chmod(0o755)
        client.publish(part(), "F1.pdf")


@contextmanager
def nearly_full(folder: Path) -> Iterator[None]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0777", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_at_the_server_is_waited_for(tmp_path: Path) -> None:
    with openssh_server(tmp_path) as server, nearly_full(server.root), connected(server) as client:
        with pytest.raises(TransientError) as raised:
            client.put(part(), b"x" * 2_000_000)
        assert not isinstance(raised.value, UnreachableError)
        client.remove(part())
        client.put(part(2), b"x" * 500_000)
        client.publish(part(2), "F1.pdf")
        assert server.names() == ["F1.pdf"]


def test_a_server_that_says_ok_to_half_a_document_is_found_out_by_its_size(tmp_path: Path) -> None:
    with asyncssh_server(tmp_path) as server, nearly_full(server.root), connected(server) as client:
        client.put(part(), b"x" * 2_000_000)
        entry = client.entry(part())
        assert entry is not None
        assert entry.size < 2_000_000


def test_a_document_costs_five_round_trips(tmp_path: Path) -> None:
    with openssh_server(tmp_path) as server, counting_wire(server.port) as wire:
        url = f"sftp://127.0.0.1:{wire.port}{quote(str(server.root))}"
        with connected(server, url=url) as client:
            client.ping()
            begun = wire.trips
            client.put(part(), b"x" * 60_000)
            assert wire.trips - begun == 2
            client.entry(part())
            assert wire.trips - begun == 3
            client.publish(part(), "F1.pdf")
            assert wire.trips - begun == 5  # it looks first


# ---- addresses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("sftp://host", "."),
        ("sftp://host/", "."),
        ("sftp://host/~", "."),
        ("sftp://host/~/", "."),
        ("sftp://host/~/in/box/", "in/box"),
        ("sftp://host:2222/inbox", "/inbox"),
        ("sftp://host/in%20%C3%A9%23%25/", "/in é#%"),
        ("sftp://host/~king/", "/~king"),
        ("sftp://host//", "/"),
    ],
)
def test_an_address_names_a_folder(url: str, folder: str) -> None:
    check_server(url)
    assert folder_of(url) == folder


def test_the_folder_of_the_login_can_be_named(tmp_path: Path) -> None:
    with openssh_server(tmp_path) as server:
        for path, inbox in (("", server.folder), ("/~/inbox", server.root)):
            with connected(server, url=f"sftp://127.0.0.1:{server.port}{path}") as client:
                client.ping()
                client.put(part(), b"x")
                client.publish(part(), NAME)
            assert (inbox / NAME).read_bytes() == b"x"


@pytest.mark.parametrize("value", ["MD5:00:11", "a" * 43, "SHA256:short", "SHA256:" + "a" * 44, 7])
def test_a_host_key_that_is_no_fingerprint_is_refused(value: object) -> None:
    with pytest.raises(ConfigError):
        from_table({"host_key": value})


# ---- host keys ---------------------------------------------------------------------------------------------------


def test_a_host_key_that_nobody_pinned_needs_a_person_who_is_told_it(real: SftpTestServer) -> None:
    with connected(real, host_key="") as client:
        needs_person(
            client, TargetReason.HOST_KEY, "host_key is not set; the server shows " + _plain(real.fingerprint())
        )
    assert real.failed_logins() == 0


def test_a_host_key_that_changed_needs_a_person_and_no_password_is_shown(real: SftpTestServer) -> None:
    pinned = real.fingerprint()
    with connected(real) as client:
        client.ping()
        real.stop()
        real.change_host_keys()
        real.start()
        needs_person(client, TargetReason.HOST_KEY, f"{_plain(pinned)}; the server shows {_plain(real.fingerprint())}")
        client._pin = real.fingerprint()
        client.ping()


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_any_of_the_servers_host_keys_may_be_pinned(tmp_path: Path, kind: str) -> None:
    with openssh_server(tmp_path, kinds=["ed25519", "rsa", "ecdsa"]) as server:
        with connected(server, host_key=server.fingerprint(kind) + "=") as client:
            client.ping()
        with connected(server, host_key=PINNED) as client:
            needs_person(client, TargetReason.HOST_KEY, _plain(server.fingerprint(kind)))


def _plain(fingerprint: str) -> str:
    return fingerprint.replace("+", r"\+")


def test_the_users_own_settings_and_known_hosts_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with openssh_server(tmp_path) as server:
        home = tmp_path / "home"
        (home / ".ssh").mkdir(parents=True)
        shutil.copy(server.key_file, home / ".ssh" / "id_ed25519")
        public = (server.host_key_file("ed25519").with_name("host_ed25519.pub")).read_text()
        (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {public}")
        (home / ".ssh" / "config").write_text("Host *\n  StrictHostKeyChecking no\n  User nobody\n")
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        with connected(server, host_key="") as client:
            needs_person(client, TargetReason.HOST_KEY)
        with connected(server, password="wrong") as client:
            needs_person(client, TargetReason.LOGIN)
        refused(server, 1)


# ---- logging in --------------------------------------------------------------------------------------------------


def test_a_key_opens_the_server_and_so_does_one_with_a_passphrase(real: SftpTestServer) -> None:
    for password in ("", "needless"):
        with connected(real, password=password, key_file=real.key_file) as client:
            client.ping()
    for form in ("RFC4716", "PKCS8"):
        make_key(real.key_file, passphrase="open it", form=form, kind="ecdsa")
        with connected(real, password="open it", key_file=real.key_file) as client:
            client.ping()
        with connected(real, password="", key_file=real.key_file) as client:
            needs_person(client, TargetReason.LOGIN, "passphrase")
        with connected(real, password="wrong", key_file=real.key_file) as client:
            needs_person(client, TargetReason.LOGIN, "is not opened by the password")
    assert real.failed_logins() == 0


def test_a_key_that_the_server_does_not_know_is_tried_once_and_no_password(tmp_path: Path) -> None:
    with openssh_server(tmp_path) as server:
        make_key(tmp_path / "other", "rsa")
        with connected(server, key_file=tmp_path / "other") as client:
            needs_person(client, TargetReason.LOGIN, "with the key SHA256:")
        log = wait_for(lambda: [line for line in _log(server) if "Failed" in line or "preauth" in line], "the log")
        assert not [line for line in log if "password" in line]
        assert len([line for line in log if "Failed publickey" in line]) <= 1


def _log(server: SftpTestServer) -> list[str]:
    return server.log.read_text().splitlines()


KEYS = {
    "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n": "PuTTYgen",
    "ssh-ed25519 AAAAC3Nza king@office\n": "public half",
    "---- BEGIN SSH2 PUBLIC KEY ----\n": "public half",
    "no key at all\n": "is no key",
    "": "is no key",
}


@pytest.mark.parametrize("content", KEYS)
def test_a_key_file_that_cannot_be_used_says_what_to_do(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content)
    with pytest.raises(TargetNeedsPersonError, match=KEYS[content]) as raised:
        read_key(tmp_path / "key", "secret")
    assert raised.value.reason is TargetReason.LOGIN
    assert "secret" not in str(raised.value)


def test_a_key_file_that_is_not_there_needs_a_person(tmp_path: Path) -> None:
    client = SftpServer("sftp://127.0.0.1/", "king", "", key_file=tmp_path / "key")
    needs_person(client, TargetReason.LOGIN, "No such file")
    client.close()


@contextmanager
def ssh_agent(monkeypatch: pytest.MonkeyPatch, *keys: Path) -> Iterator[Path]:
    """A real agent with these keys; gives its socket."""
    with tempfile.TemporaryDirectory(prefix="ingisfs-agent-") as folder:
        path = Path(folder) / "agent"
        with subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL) as process:
            try:
                wait_for(path.exists, "the agent", 20)
                monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
                for key in keys:
                    subprocess.run(["ssh-add", "-q", str(key)], check=True, capture_output=True)
                yield path
            finally:
                process.terminate()


def public(key: Path) -> Path:
    return key.with_name(f"{key.name}.pub")


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_the_key_may_be_with_an_agent(real: SftpTestServer, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    if real.key_file.parent.owner() != "root":
        make_key(real.key_file, kind)
    with ssh_agent(monkeypatch, real.key_file), connected(real, password="", agent=True) as client:
        client.put(part(), b"x")
        client.publish(part(), "F1.pdf")
    assert real.names() == ["F1.pdf"]
    assert real.failed_logins() == 0


def test_of_several_keys_with_the_agent_the_one_counts_that_is_named_and_no_other_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [tmp_path / f"other{number}" for number in range(8)]
    for other in others:
        make_key(other)
    with openssh_server(tmp_path, settings=["MaxAuthTries 2"]) as server:
        with ssh_agent(monkeypatch, *others, server.key_file):
            with connected(server, agent=True, key_file=public(server.key_file)) as client:
                client.ping()
            with connected(server, agent=True) as client:
                needs_person(client, TargetReason.LOGIN, "has 9 keys; set key_file to the public half of one: SHA256:")
            with connected(server, agent=True, key_file=public(others[0])) as client:
                needs_person(client, TargetReason.LOGIN, "log in with the key SHA256:")
        assert server.failed_logins() <= 1


def test_an_agent_that_cannot_help_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with asyncssh_server(tmp_path) as server:
        make_key(tmp_path / "mine")
        (tmp_path / "text").write_text("no key at all")
        monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
        with connected(server, agent=True) as client:
            needs_person(client, TargetReason.LOGIN, "no SSH agent answers")
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "nowhere"))
        with connected(server, agent=True) as client:
            needs_person(client, TargetReason.LOGIN, "no SSH agent answers")
        with ssh_agent(monkeypatch):
            rows = [
                (None, "has no key, or is locked"),
                (public(tmp_path / "mine"), "has not got the key SHA256:.*ssh-add"),
                (tmp_path / "text", "is no public key"),
                (tmp_path / "none.pub", "cannot be read: No such file"),
            ]
            for path, pattern in rows:
                with connected(server, agent=True, key_file=path) as client:
                    needs_person(client, TargetReason.LOGIN, pattern)
        assert server.failed_logins() == 0


def test_an_agent_is_not_asked_unless_the_settings_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        openssh_server(tmp_path) as server,
        ssh_agent(monkeypatch, server.key_file),
        connected(server, password="wrong") as client,
    ):
        needs_person(client, TargetReason.LOGIN, "by password")


def test_a_server_that_asks_for_the_password_by_prompt_gets_it_once(tmp_path: Path) -> None:
    with asyncssh_server(tmp_path, methods="keyboard-interactive") as server:
        with connected(server) as client:
            client.ping()
        with connected(server, password="wrong") as client:
            needs_person(client, TargetReason.LOGIN, "by keyboard-interactive")
        refused(server, 1)


@pytest.mark.parametrize("both", [True, False])
def test_a_server_with_prompt_and_password_counts_one_try(tmp_path: Path, both: bool) -> None:
    settings = ["UsePAM yes", "KbdInteractiveAuthentication yes", f"PasswordAuthentication {'yes' if both else 'no'}"]
    with openssh_server(tmp_path, settings=settings) as server:
        with connected(server) as client:
            client.ping()
        with connected(server, password="wrong") as client:
            needs_person(client, TargetReason.LOGIN)
        refused(server, 1)


def test_a_server_that_hangs_up_on_a_wrong_password_has_refused_it(tmp_path: Path) -> None:
    with openssh_server(tmp_path, settings=["MaxAuthTries 1"]) as server, connected(server, password="wrong") as client:
        needs_person(client, TargetReason.LOGIN)
        refused(server, 1)


def test_a_server_that_takes_no_password_is_not_offered_one(tmp_path: Path) -> None:
    with openssh_server(tmp_path, settings=["PasswordAuthentication no"]) as server, connected(server) as client:
        needs_person(client, TargetReason.LOGIN, "takes no password")
        assert server.failed_logins() == 0


def test_a_user_without_sftp_needs_a_person(tmp_path: Path) -> None:
    settings = ["ForceCommand echo This account is not available."]
    with openssh_server(tmp_path, settings=settings) as server, connected(server) as client:
        needs_person(client, TargetReason.UNKNOWN, "no SFTP for this user")


def test_no_secret_shows_in_a_repr_or_a_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    asyncssh.set_log_level(logging.DEBUG)
    asyncssh.set_debug_level(2)
    try:
        with asyncssh_server(tmp_path, methods="password,keyboard-interactive") as server:
            for password in (server.password, "a wrong secret"):
                with connected(server, password=password) as client:
                    with suppress(TargetNeedsPersonError):
                        client.ping()
                    assert password not in repr(client)
                assert password not in caplog.text
        assert "Auth failed" in caplog.text
    finally:
        asyncssh.set_debug_level(1)
        asyncssh.set_log_level(logging.WARNING)


# ---- what answers and silences mean ------------------------------------------------------------------------------

FAILURES: list[tuple[Exception, type[DeliveryError], TargetReason | None]] = [
    (asyncssh.PermissionDenied(""), TargetNeedsPersonError, TargetReason.LOGIN),
    (asyncssh.IllegalUserName(""), TargetNeedsPersonError, TargetReason.LOGIN),
    (asyncssh.KeyExchangeFailed(""), TargetNeedsPersonError, TargetReason.UNKNOWN),
    (asyncssh.ProtocolNotSupported(""), TargetNeedsPersonError, TargetReason.UNKNOWN),
    (asyncssh.ChannelOpenError(1, "prohibited"), TargetNeedsPersonError, TargetReason.UNKNOWN),
    (asyncssh.ChannelOpenError(4, "shortage"), UnreachableError, None),
    (asyncssh.ConnectionLost(""), UnreachableError, None),
    (asyncssh.ServiceNotAvailable(""), UnreachableError, None),
    (asyncssh.ProtocolError(""), UnreachableError, None),
    (asyncssh.MACError(""), UnreachableError, None),
    (ConnectionRefusedError(), UnreachableError, None),
    (ConnectionResetError(), UnreachableError, None),
    (TimeoutError(), UnreachableError, None),
    (socket.gaierror(-2, "Name or service not known"), UnreachableError, None),
    (asyncssh.SFTPNoSuchFile(""), TargetNeedsPersonError, TargetReason.FOLDER_MISSING),
    (asyncssh.SFTPNoSuchPath(""), TargetNeedsPersonError, TargetReason.FOLDER_MISSING),
    (asyncssh.SFTPNotADirectory(""), TargetNeedsPersonError, TargetReason.FOLDER_MISSING),
    (asyncssh.SFTPPermissionDenied(""), TargetNeedsPersonError, TargetReason.FORBIDDEN),
    (asyncssh.SFTPWriteProtect(""), TargetNeedsPersonError, TargetReason.FORBIDDEN),
    (asyncssh.SFTPOpUnsupported(""), TargetNeedsPersonError, TargetReason.UNKNOWN),
    (asyncssh.SFTPNoConnection(""), UnreachableError, None),
    (asyncssh.SFTPConnectionLost(""), UnreachableError, None),
    (asyncssh.SFTPNoMedia(""), UnreachableError, None),
    (asyncssh.SFTPFailure(""), TransientError, None),
    (asyncssh.SFTPBadMessage(""), TransientError, None),
    (asyncssh.SFTPFileAlreadyExists(""), TransientError, None),
    (asyncssh.SFTPNoSpaceOnFilesystem(""), TransientError, None),
    (asyncssh.SFTPQuotaExceeded(""), TransientError, None),
    (asyncssh.SFTPLockConflict(""), TransientError, None),
    (asyncssh.SFTPError(99, "of a later version"), TransientError, None),
    (ValueError("of asyncssh's own"), TransientError, None),
]


def _of(row: object) -> str | None:
    return type(row).__name__ if isinstance(row, Exception) else None


@pytest.mark.parametrize(("error", "kind", "reason"), FAILURES, ids=_of)
def test_every_failure_has_its_kind(error: Exception, kind: type[DeliveryError], reason: TargetReason | None) -> None:
    found = failure(error, "write")
    assert type(found) is kind
    assert getattr(found, "reason", None) is reason
    assert str(found).startswith("write: ")


@pytest.mark.parametrize(
    "error", [asyncssh.ConnectionLost(""), asyncssh.ProtocolError(""), ConnectionResetError()], ids=_of
)
def test_who_hangs_up_on_a_log_in_has_refused_it(error: Exception) -> None:
    found = failure(error, "log in", logging_in=True)
    assert isinstance(found, TargetNeedsPersonError)
    assert found.reason is TargetReason.LOGIN


def test_a_log_in_that_takes_too_long_is_no_refusal() -> None:
    assert type(failure(TimeoutError(), "log in", logging_in=True)) is UnreachableError


Script = Callable[["Inbox", Callable[[], Any]], Any]


class Inbox(asyncssh.SFTPServer):
    """Does with an operation what the test wants: see `scripted`."""

    folder: Path
    scripts: dict[str, Script]
    files: list[Any]

    def __init__(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        super().__init__(chan, chroot=bytes(self.folder))

    def _do(self, operation: str, really: Callable[[], Any]) -> Any:
        script = self.scripts.get(operation)
        return script(self, really) if script else really()

    def overwrite(self) -> None:
        """Do the rename that is asked for, whatever is there."""
        os.replace(*self.renaming)

    def hang_up(self) -> None:
        self.channel.get_connection().abort()

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        def really() -> Any:
            file: Any = super(Inbox, self).open(path, pflags, attrs)
            self.files.append(file)
            return file

        return self._do("open", really)

    def read(self, file_obj: object, offset: int, size: int) -> Any:
        self.size = size
        return self._do("read", lambda: super(Inbox, self).read(file_obj, offset, size))

    def write(self, file_obj: object, offset: int, data: bytes) -> Any:
        self.size = len(data)
        return self._do("write", lambda: super(Inbox, self).write(file_obj, offset, data))

    def close(self, file_obj: object) -> Any:
        self.file = file_obj
        return self._do("close", lambda: super(Inbox, self).close(file_obj))

    def rename(self, oldpath: bytes, newpath: bytes) -> Any:
        self.renaming = self.map_path(oldpath), self.map_path(newpath)
        return self._do("rename", lambda: super(Inbox, self).rename(oldpath, newpath))

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
        return self._do("posix_rename", lambda: super(Inbox, self).posix_rename(oldpath, newpath))

    def lstat(self, path: bytes) -> Any:
        return self._do("lstat", lambda: super(Inbox, self).lstat(path))


@contextmanager
def scripted(folder: Path, **scripts: Script) -> Iterator[SftpServer]:
    """A client of a server in a thread, each of whose operations may be the test's.

    A script gets the server and what it would really do; it may do that, raise, hang up, or return something to await.
    """
    files: list[Any] = []
    kind = type("Scripted", (Inbox,), {"folder": folder, "scripts": scripts, "files": files})
    key = asyncssh.generate_private_key("ssh-ed25519")
    connections: list[asyncssh.SSHServerConnection] = []
    loop = asyncio.new_event_loop()

    class Login(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            connections.append(conn)

        def begin_auth(self, username: str) -> bool:
            return False

    async def start() -> asyncssh.SSHAcceptor:
        factory = None if "session" in scripts else kind
        return await asyncssh.listen("127.0.0.1", 0, server_factory=Login, server_host_keys=[key], sftp_factory=factory)

    async def end() -> None:
        acceptor.close()
        for connection in connections:
            connection.abort()
            await connection.wait_closed()
        await acceptor.wait_closed()  # with a newer Python for connections too
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for file in files:
            file.close()

    acceptor = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    url = f"sftp://127.0.0.1:{acceptor.get_port()}//"
    client = SftpServer(url, "king", "secret", host_key=key.get_fingerprint(), timeout=1.0)
    try:
        yield client
    finally:
        client.close()
        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def says(error: Exception) -> Script:
    def script(inbox: Inbox, really: Callable[[], Any]) -> Any:
        raise error

    return script


def does_and_says(error: Exception) -> Script:
    def script(inbox: Inbox, really: Callable[[], Any]) -> Any:
        really()
        raise error

    return script


def hangs_up(inbox: Inbox, really: Callable[[], Any]) -> Any:
    inbox.hang_up()


def does_and_hangs_up(inbox: Inbox, really: Callable[[], Any]) -> Any:
    really()
    inbox.hang_up()


def is_silent(inbox: Inbox, really: Callable[[], Any]) -> Any:
    return asyncio.Event().wait()


RENAMES: list[tuple[Script, bool, type[DeliveryError], TargetReason | None]] = [
    # what the server does, whether the final name is taken, what it means
    (says(asyncssh.SFTPFailure("Failure")), True, NameExistsError, None),
    (says(asyncssh.SFTPPermissionDenied("as some servers have it")), True, NameExistsError, None),
    (says(asyncssh.SFTPFailure("Failure")), False, DoubtError, None),
    (says(asyncssh.SFTPError(99, "of a later version")), False, DoubtError, None),
    (does_and_says(asyncssh.SFTPFailure("Failure")), False, DoubtError, None),
    (does_and_says(asyncssh.SFTPNoSuchFile("No such file")), False, DoubtError, None),
    (does_and_says(asyncssh.SFTPPermissionDenied("Permission denied")), False, DoubtError, None),
    (says(asyncssh.SFTPNoSuchFile("No such file")), False, TargetNeedsPersonError, TargetReason.FOLDER_MISSING),
    (says(asyncssh.SFTPPermissionDenied("")), False, TargetNeedsPersonError, TargetReason.FORBIDDEN),
    (says(asyncssh.SFTPOpUnsupported("")), False, CannotRenameError, None),
    (says(asyncssh.SFTPBadMessage("Bad message")), False, DocumentRefusedError, None),
    (says(asyncssh.SFTPConnectionLost("")), False, DoubtError, None),
    (hangs_up, False, DoubtError, None),
    (does_and_hangs_up, False, DoubtError, None),
    (is_silent, False, DoubtError, None),
]


@pytest.mark.parametrize(("script", "taken", "kind", "reason"), RENAMES)
def test_every_answer_to_a_rename_has_its_kind(
    tmp_path: Path, script: Script, taken: bool, kind: type[DeliveryError], reason: TargetReason | None
) -> None:
    if taken:
        (tmp_path / "F1.pdf").write_bytes(b"a stranger's")
    with scripted(tmp_path, rename=script) as client:
        client.put(part(), b"x")
        with pytest.raises(DeliveryError) as raised:
            client.publish(part(), "F1.pdf")
        assert type(raised.value) is kind
        assert getattr(raised.value, "reason", None) is reason
        client.ping()


def test_a_rename_leaves_doubt_while_nobody_can_tell_what_is_there(tmp_path: Path) -> None:
    asked: list[str] = []

    def silent_after_it(inbox: Inbox, really: Callable[[], Any]) -> Any:
        return asyncio.Event().wait() if asked else really()

    def no(inbox: Inbox, really: Callable[[], Any]) -> Any:
        asked.append("rename")
        raise asyncssh.SFTPFailure("Failure")

    with scripted(tmp_path, rename=no, lstat=silent_after_it) as client:
        client.put(part(), b"x")
        with pytest.raises(DoubtError):
            client.publish(part(), "F1.pdf")


def test_a_name_that_is_taken_between_the_look_and_the_rename_is_left_alone(tmp_path: Path) -> None:
    def rename(inbox: Inbox, really: Callable[[], Any]) -> Any:
        (tmp_path / "F1.pdf").write_bytes(b"a stranger's")
        raise asyncssh.SFTPFailure("Failure")

    with scripted(tmp_path, rename=rename) as client:
        client.put(part(), b"x")
        with pytest.raises(NameExistsError):
            client.publish(part(), "F1.pdf")


LOOKS: list[tuple[Script, type[DeliveryError]]] = [
    (hangs_up, UnreachableError),
    (is_silent, UnreachableError),
    (says(asyncssh.SFTPFailure("Failure")), DoubtError),
    (says(asyncssh.SFTPPermissionDenied("")), DoubtError),
]


@pytest.mark.parametrize(("script", "kind"), LOOKS)
def test_nothing_is_renamed_while_the_look_before_it_tells_nothing(
    tmp_path: Path, script: Script, kind: type[DeliveryError]
) -> None:
    renamed: list[str] = []
    with scripted(tmp_path, lstat=script, rename=lambda inbox, really: renamed.append("F1.pdf")) as client:
        client.put(part(), b"x")
        with pytest.raises(DeliveryError) as raised:
            client.publish(part(), "F1.pdf")
        assert type(raised.value) is kind
    assert renamed == []


# ---- servers that can less ---------------------------------------------------------------------------------------


def renames_over(inbox: Inbox, really: Callable[[], Any]) -> Any:
    """As some servers do it."""
    return inbox.overwrite()


def test_a_server_whose_rename_overwrites_is_looked_at_first(tmp_path: Path) -> None:
    (tmp_path / "F1.pdf").write_bytes(b"a stranger's")
    with scripted(tmp_path, rename=renames_over) as client:
        client.put(part(), b"x")
        with pytest.raises(NameExistsError):
            client.publish(part(), "F1.pdf")
        client.publish(part(), "F2.pdf")
    assert (tmp_path / "F1.pdf").read_bytes() == b"a stranger's"
    assert (tmp_path / "F2.pdf").read_bytes() == b"x"


def test_a_probe_tells_a_server_whose_rename_overwrites_and_leaves_nothing(tmp_path: Path) -> None:
    overwriting: dict[str, Script] = {"rename": renames_over}
    for scripts, unguarded in ((overwriting, True), ({}, False)):
        with scripted(tmp_path, **scripts) as client:
            found = probe(lambda client=client: client)  # type: ignore[misc]
        assert (found.error, found.overwrites, found.unguarded, found.left) == (None, False, unguarded, ())
    assert list(tmp_path.iterdir()) == []


def test_without_posix_rename_our_earlier_version_is_replaced_by_a_rename_that_overwrites(tmp_path: Path) -> None:
    unsupported = says(asyncssh.SFTPOpUnsupported("no"))
    with scripted(tmp_path, posix_rename=unsupported, rename=renames_over) as client:
        client.put(part(), b"earlier")
        client.publish(part(), "F1.pdf")
        client.put(part(2), b"later")
        client.replace(part(2), "F1.pdf")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("F1.pdf", b"later")]


def test_a_server_that_cannot_replace_gets_the_document_parked(tmp_path: Path) -> None:
    with scripted(tmp_path, posix_rename=says(asyncssh.SFTPOpUnsupported("no"))) as client:
        for attempt in (1, 2):
            client.put(part(attempt), b"x")
        client.publish(part(1), "F1.pdf")
        with pytest.raises(DocumentRefusedError, match=r"F1\.pdf"):
            client.replace(part(2), "F1.pdf")
    assert (tmp_path / part(2)).exists()


@pytest.mark.parametrize("told", [True, False])
def test_a_server_with_four_handles_and_small_packets_gets_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    """16 KiB in a piece, which is what every server has to take, whether it tells so (limits@openssh.com) or not."""
    most, handles = 16 * 1024, set[object]()

    async def limits(handler: object, packet: object) -> Any:
        return asyncssh.sftp.SFTPLimits(34000, most, most, 4)

    kind: Any = asyncssh.sftp.SFTPServerHandler
    monkeypatch.setitem(kind._packet_handlers, b"limits@openssh.com", limits)
    kept = [each for each in kind._extensions if told or each[0] != b"limits@openssh.com"]
    monkeypatch.setattr(kind, "_extensions", kept)

    def opens(inbox: Inbox, really: Callable[[], Any]) -> Any:
        if len(handles) == 4:
            raise asyncssh.SFTPFailure("too many open files")
        handles.add(file := really())
        return file

    def writes(inbox: Inbox, really: Callable[[], Any]) -> Any:
        if inbox.size > most:
            raise asyncssh.SFTPBadMessage("too long")
        return really()

    def closes(inbox: Inbox, really: Callable[[], Any]) -> Any:
        handles.remove(inbox.file)
        return really()

    data = os.urandom(3_000_000)
    with scripted(tmp_path, open=opens, write=writes, read=writes, close=closes) as client:
        for attempt in range(1, 7):
            client.put(part(attempt), data)
            with pytest.raises(TransientError):
                client.put(part(attempt), data)
            client.publish(part(attempt), f"F{attempt}.pdf")
            assert client.get(f"F{attempt}.pdf") == data
    assert handles == set()


NO_LINKS = [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV]


@pytest.mark.parametrize("error", NO_LINKS, ids=lambda number: errno.errorcode[number])
def test_on_a_disk_without_hard_links_a_name_that_is_taken_is_not_overwritten_either(
    tmp_path: Path, error: int
) -> None:
    behind = tmp_path / "behind"
    with openssh_server(tmp_path) as server, without_links(server.root, behind, error), connected(server) as client:
        with pytest.raises(OSError, match=os.strerror(error) + "|Operation not permitted"):
            os.link(server.root, server.root / "link")
        client.put(part(), b"first" * 1000)
        client.publish(part(), NAME)
        client.put(part(2), b"second")
        with pytest.raises(NameExistsError):
            client.publish(part(2), NAME)
        assert client.get(NAME) == b"first" * 1000
        assert not client.overwrites(part(2), NAME)
        client.replace(part(2), NAME)
        assert client.get(NAME) == b"second"
    assert [path.name for path in behind.iterdir()] == [NAME]


def test_where_a_server_cannot_rename_a_file_is_made_under_its_name_and_overwrites_nothing(
    real: SftpTestServer,
) -> None:
    with connected(real) as client:
        client.create(NAME, b"first")
        with pytest.raises(NameExistsError):
            client.create(NAME, b"second")
        assert (real.root / NAME).read_bytes() == b"first"
        client.create(NAME, b"2nd", over=True)
    assert (real.root / NAME).read_bytes() == b"2nd"


@pytest.mark.parametrize("operation", ["open", "write", "close"])
def test_a_file_made_under_its_name_without_an_answer_is_a_doubt(tmp_path: Path, operation: str) -> None:
    with scripted(tmp_path, **{operation: hangs_up}) as client, pytest.raises(DoubtError):
        client.create("F1.pdf", b"x")


@pytest.mark.parametrize("operation", ["open", "write", "close"])
def test_a_put_without_an_answer_is_no_doubt(tmp_path: Path, operation: str) -> None:
    with scripted(tmp_path, **{operation: hangs_up}) as client, pytest.raises(UnreachableError):
        client.put(part(), b"x")
    with scripted(tmp_path, **{operation: is_silent}) as client, pytest.raises(UnreachableError, match="Timeout"):
        client.put(part(2), b"x")


@pytest.mark.parametrize("operation", ["write", "close"])
def test_a_piece_that_could_not_be_written_fails_the_put(tmp_path: Path, operation: str) -> None:
    with scripted(tmp_path, **{operation: says(asyncssh.SFTPFailure("disk full"))}) as client:
        with pytest.raises(TransientError, match="disk full"):
            client.put(part(), b"x" * 5_000_000)
        client.remove(part())
    assert not list(tmp_path.iterdir())


def test_a_server_without_sftp_needs_a_person(tmp_path: Path) -> None:
    with scripted(tmp_path, session=hangs_up) as client:
        needs_person(client, TargetReason.UNKNOWN, "start SFTP")


def test_nobody_there_is_unreachable_also_for_a_rename() -> None:
    client = SftpServer(f"sftp://127.0.0.1:{free_port()}/", "king", "secret", host_key=PINNED)
    with pytest.raises(UnreachableError):
        client.ping()
    with pytest.raises(UnreachableError):
        client.publish(part(), "F1.pdf")
    client.close()


def test_a_server_that_says_nothing_at_all_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sftp, "LOGIN", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = SftpServer(f"sftp://127.0.0.1:{listener.getsockname()[1]}/", "king", "secret", host_key=PINNED)
        with pytest.raises(UnreachableError, match="Timeout"):
            client.ping()
        client.close()


# ---- a drive -----------------------------------------------------------------------------------------------------


def test_a_pair_and_twenty_documents_reach_openssh_once_each(tmp_path: Path) -> None:
    names = [f"F{number}.pdf" for number in range(20)]
    with (
        openssh_server(tmp_path, logged=True) as server,
        drive(tmp_path / "drive", server.url, server.user, server.password, host_key=server.fingerprint()) as mounted,
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
        log = server.operations()
        renamed = [line for line in log if "rename old" in line]
        assert len(renamed) == len(everything)
        assert not [line for line in renamed if "posix" in line]
        opened = [
            line.partition('open "')[2].partition('"')[0] for line in log if " WRITE" in line or "flags WRITE" in line
        ]
        assert len(opened) == len(set(opened)) == len(everything)
        pair = [line for line in renamed if "pair" in line]
        assert [".pdf" in line for line in pair] == [True, False]


def test_a_drive_says_which_host_key_to_pin_and_delivers_once_it_is(tmp_path: Path) -> None:
    with asyncssh_server(tmp_path) as server:
        with drive(tmp_path / "drive", server.url, server.user, server.password) as mounted:
            (mounted.mountpoint / "F1.pdf").write_bytes(pdf())
            wait_for(lambda: mounted.status()["target"]["state"] == "needs_person", "the status to say so")
            assert mounted.status()["target"]["reason"] == "host-key"
            assert server.fingerprint() in (mounted.mountpoint / "INGIS-STATUS.txt").read_text().replace("\n", "")
            assert mounted.unmount("--now").returncode == 0
            mounted.configure(host_key=server.fingerprint())
            assert mounted.mount().returncode == 0
            mounted.wait_delivered(["F1.pdf"])
        assert server.names() == ["F1.pdf"]


def test_a_drive_delivers_with_a_key_whose_passphrase_is_the_password(tmp_path: Path) -> None:
    with openssh_server(tmp_path) as server:
        make_key(server.key_file, passphrase="the passphrase")
        settings = {"host_key": server.fingerprint(), "key_file": str(server.key_file)}
        with drive(tmp_path / "drive", server.url, server.user, "the passphrase", **settings) as mounted:
            (mounted.mountpoint / "F1.pdf").write_bytes(pdf())
            mounted.wait_delivered(["F1.pdf"])
        assert server.names() == ["F1.pdf"]


def test_a_drive_delivers_with_the_key_of_an_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with openssh_server(tmp_path) as server, ssh_agent(monkeypatch, server.key_file) as path:
        made = Drive(tmp_path / "drive", server.url, server.user, "")
        made.configure(
            server=server.url,
            user=server.user,
            mountpoint=str(made.mountpoint),
            state=str(made.state),
            reserve=2**20,
            host_key=server.fingerprint(),
            agent=True,
        )
        try:
            done = made.mount(SSH_AUTH_SOCK=str(path))
            assert done.returncode == 0, done.stderr
            (made.mountpoint / "F1.pdf").write_bytes(pdf())
            made.wait_delivered(["F1.pdf"])
        finally:
            made.clean()
        assert server.names() == ["F1.pdf"]


def test_a_drive_with_a_putty_key_says_how_to_export_it(tmp_path: Path) -> None:
    (tmp_path / "king.ppk").write_text("PuTTY-User-Key-File-3: ssh-ed25519\n")
    url = f"sftp://127.0.0.1:{free_port()}/inbox"
    with drive(tmp_path / "drive", url, "king", "secret", key_file=str(tmp_path / "king.ppk")) as mounted:
        wait_for(lambda: mounted.status()["target"]["reason"] == "login", "the status to say so")
        assert "PuTTYgen" in mounted.run("status", str(mounted.mountpoint)).stdout
