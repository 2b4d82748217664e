"""Log-ins by HTTP, certificates and proxies, against Apache, nginx and WsgiDAV; and what is sent, byte for byte."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ingisfs.config import ConfigError, Drive, from_table
from ingisfs.delivery import login
from ingisfs.delivery.__main__ import connect
from ingisfs.delivery.failures import DoubtError, TargetNeedsPersonError, TargetReason, UnreachableError
from ingisfs.delivery.login import Login, challenges
from ingisfs.delivery.server import Server as Contract
from ingisfs.delivery.webdav import WebDavServer
from tests.delivery.test_webdav import NAME, Answers, scripted
from tests.documents import pdf
from tests.mounts import Drive as MountedDrive
from tests.mounts import drive as mounted_drive
from tests.secured_servers import (
    Authority,
    digest_apache,
    digest_wsgidav,
    forward_proxy,
    tls_apache,
    tls_nginx,
)
from tests.servers import Server, apache_server, free_port, wait_for

PART = ".ingisfs-abcdefghijkl-1.part"


@contextmanager
def connected(server: Server, password: str | None = None, **settings: Any) -> Iterator[Contract]:
    """What a courier connects with."""
    found = Drive(**{"server": server.url, "user": server.user, **settings})
    client = connect(found, server.password if password is None else password)
    try:
        yield client
    finally:
        client.close()


def deliver(client: Contract, data: bytes = b"x" * 5000) -> None:
    client.ping()
    client.put(PART, data)
    entry = client.entry(PART)
    assert entry is not None
    assert entry.size == len(data)
    client.publish(PART, NAME)
    assert client.get(NAME) == data


def needs_person(client: Contract, reason: TargetReason, pattern: str | None = None) -> None:
    with pytest.raises(TargetNeedsPersonError, match=pattern) as raised:
        client.ping()
    assert raised.value.reason is reason


def log_of(server: Server, count: int) -> list[tuple[str, int]]:
    """Method and status of the requests, when there are so many."""
    wait_for(lambda: len(server.requests()) >= count, f"{count} lines in the log", 20)
    return [(method, status) for method, _, status in server.requests()]


# ---- Digest, from real servers -----------------------------------------------------------------------------------


@pytest.fixture(params=["apache", "wsgidav"])
def digest(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    make: Callable[[], AbstractContextManager[Server]]
    make = digest_apache if request.param == "apache" else lambda: digest_wsgidav(tmp_path)
    with make() as server:
        yield server


def test_a_server_that_wants_digest_costs_one_request_more_and_no_document_twice(digest: Server) -> None:
    with connected(digest) as client:
        deliver(client)
    assert log_of(digest, 6) == [
        ("PROPFIND", 401),
        ("PROPFIND", 207),
        ("PUT", 201),
        ("PROPFIND", 207),
        ("MOVE", 201),
        ("GET", 200),
    ]
    assert digest.names() == [NAME]


def test_who_begins_with_a_document_asks_first_how_to_log_in(digest: Server) -> None:
    with connected(digest) as client:
        client.put(PART, b"x" * 5000)
    assert log_of(digest, 2) == [("PROPFIND", 401), ("PUT", 201)]


def test_a_wrong_password_is_one_try_that_needs_a_person() -> None:
    with digest_apache() as server, connected(server, "wrong") as client:
        for tries in (1, 2):
            needs_person(client, TargetReason.LOGIN)
            wait_for(lambda tries=tries: server.refused() == tries, "the log", 20)  # type: ignore[misc]
        with pytest.raises(TargetNeedsPersonError):
            client.put(PART, b"x" * 5000)
        wait_for(lambda: server.refused() == 3, "the log", 20)


def test_a_nonce_that_the_server_knows_no_more_is_renewed_without_a_person() -> None:
    with digest_apache() as server, connected(server) as client:
        client.ping()
        server.stop()
        server.start()
        deliver(client)
        assert [status for _, _, status in server.requests()].count(401) == 2
        assert server.refused() == 0


def test_nonces_that_the_server_changes_all_the_time_cost_nothing() -> None:
    with digest_apache(lifetime=25) as server, connected(server) as client:
        for _ in range(20):
            client.ping()
        assert log_of(server, 21).count(("PROPFIND", 401)) == 1


def test_a_password_that_was_changed_meanwhile_is_tried_once() -> None:
    with digest_apache() as server, connected(server) as client:
        client.ping()
        server.stop()
        server.password = "another"
        server.start()
        with pytest.raises(TargetNeedsPersonError):
            client.ping()
        assert server.refused() <= 1


def test_a_drive_delivers_to_a_server_that_wants_digest(tmp_path: Path) -> None:
    names = [f"F{number}.pdf" for number in range(6)]
    with (
        digest_apache() as server,
        mounted_drive(tmp_path / "drive", server.url, server.user, server.password) as mounted,
    ):
        for name in names:
            (mounted.mountpoint / name).write_bytes(pdf(name, size=60_000))
        mounted.wait_delivered(names)
        assert server.names() == names
        assert [status for method, _, status in server.requests() if method == "PUT"] == [201] * len(names)


# ---- what is sent ------------------------------------------------------------------------------------------------

ONCE = 'Digest realm="in \\"box\\"", nonce="one", qop="auth", algorithm=SHA-256, opaque="o"'


def shown(request: tuple[str, str, dict[str, str]]) -> str:
    return request[2].get("Authorization", "").partition(" ")[0]


def asking(*offers: str) -> Callable[[Answers], None]:
    """A server that lets in who shows anything."""

    def script(request: Answers) -> None:
        if request.headers.get("Authorization"):
            request.answer(201)
        else:
            request.send_response(401)
            for offer in offers:
                request.send_header("WWW-Authenticate", offer)
            request.send_header("Content-Length", "0")
            request.end_headers()

    return script


@pytest.mark.parametrize(
    ("offers", "scheme"),
    [
        (['Basic realm="x"'], "Basic"),
        ([ONCE], "Digest"),
        ([ONCE, 'Basic realm="x"'], "Basic"),
        ([ONCE + ', Basic realm="x"'], "Basic"),
        (["Negotiate", "NTLM", ONCE], "Digest"),
        (['Digest realm="x", nonce="n"'], "Digest"),
        (['Digest realm="x", nonce="n", algorithm=SHA-3', ONCE], "Digest"),
        (['Digest realm="x", nonce="n", qop="auth-int"'], ""),
        (["Negotiate"], ""),
        (["Bearer realm=x"], ""),
        ([], "Basic"),
    ],
)
def test_the_password_is_shown_only_as_the_server_asks_for_it(offers: list[str], scheme: str) -> None:
    with scripted(asking(*offers)) as (client, seen):
        if scheme:
            client.put(PART, b"x" * 5000)
            client.put(PART, b"x" * 5000)
            assert [(method, shown(request)) for request in seen for method in request[:1]] == [
                ("PROPFIND", ""),
                ("PUT", scheme),
                ("PUT", scheme),
            ]
        else:
            with pytest.raises(TargetNeedsPersonError):
                client.put(PART, b"x" * 5000)
            assert {shown(request) for request in seen} == {""}


def test_of_several_kinds_of_digest_the_best_is_taken() -> None:
    weak, strong = (f'Digest realm="x", nonce="n", qop="auth", algorithm={name}' for name in ("MD5", "SHA-512-256"))
    with scripted(asking(weak, ONCE, strong)) as (client, seen):
        client.put(PART, b"x")
    assert "algorithm=SHA-512-256" in seen[-1][2]["Authorization"]


def test_who_has_no_password_logs_in_nowhere() -> None:
    login_ = Login("king", "", httpx.Request("PROPFIND", "http://host/"))
    flow = login_.auth_flow(httpx.Request("PUT", "http://host/a", content=b"x" * 5000))
    request = next(flow)
    assert request.method == "PUT"
    with pytest.raises(StopIteration):
        flow.send(httpx.Response(401, headers={"WWW-Authenticate": "Basic"}))
    assert "Authorization" not in request.headers


def answering(*answers: tuple[int, str]) -> Callable[[Answers], None]:
    """A server that gives these answers, each with what it says about logging in."""
    left = iter(answers)

    def script(request: Answers) -> None:
        status, told = next(left)
        headers: dict[str, Any] = {"WWW-Authenticate" if status == 401 else "Authentication-Info": told}
        request.answer(status, **(headers if told else {}))

    return script


def test_a_request_is_sent_again_if_only_the_nonce_was_too_old() -> None:
    stale = ONCE.replace("one", "two") + ", stale=TRUE"
    with scripted(answering((401, ONCE), (201, ""), (401, stale), (201, ""))) as (client, seen):
        client.put(PART, b"x")
        client.put(PART, b"x")
    assert ['nonce="one"' in each[2]["Authorization"] for each in seen[1:]] == [True, True, False]
    assert "nc=00000001" in seen[-1][2]["Authorization"]


def test_a_refusal_is_not_answered_by_the_password_again() -> None:
    with scripted(answering((401, ONCE), (201, ""), (401, ONCE))) as (client, seen):
        client.put(PART, b"x")
        with pytest.raises(TargetNeedsPersonError):
            client.put(PART, b"x")
    assert len(seen) == 3


def test_the_next_nonce_that_a_server_announces_is_used_and_each_request_is_counted() -> None:
    with scripted(answering((401, ONCE), (201, ""), (201, 'nextnonce="two"'), (201, ""))) as (client, seen):
        for _ in range(3):
            client.put(PART, b"x")
    counted = [(each[2]["Authorization"].partition("nc=")[2], '"two"' in each[2]["Authorization"]) for each in seen[1:]]
    assert counted == [("00000001", False), ("00000002", False), ("00000001", True)]


def test_after_a_rest_a_small_question_finds_out_whether_the_nonce_is_still_good(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(login, "RESTED", 0.0)
    stale = ONCE.replace("one", "two") + ", stale=true"
    with scripted(answering((401, ONCE), (207, ""), (401, stale), (201, ""))) as (client, seen):
        client._client.request("PROPFIND", client._url(""))
        client.put(PART, b"x" * 5000)
    assert [each[0] for each in seen] == ["PROPFIND", "PROPFIND", "PROPFIND", "PUT"]
    assert 'nonce="two"' in seen[-1][2]["Authorization"]


def test_a_password_that_is_refused_to_the_small_question_is_not_shown_with_the_document(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(login, "RESTED", 0.0)
    with scripted(answering((401, ONCE), (207, ""), (401, ONCE))) as (client, seen):
        client._client.request("PROPFIND", client._url(""))
        with pytest.raises(TargetNeedsPersonError) as raised:
            client.put(PART, b"x" * 5000)
    assert raised.value.reason is TargetReason.LOGIN
    assert len(seen) == 3


def test_a_server_that_asks_nobody_is_asked_once_whether_it_does() -> None:
    with scripted(lambda request: request.answer(201)) as (client, seen):
        for _ in range(3):
            client.put(PART, b"x" * 5000)
    assert [each[0] for each in seen] == ["PROPFIND", "PUT", "PUT", "PUT"]


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_is_that_of_the_standard(algorithm: str, response: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 7616, 3.9.1."""
    ours = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    monkeypatch.setattr("ingisfs.delivery.login.secrets.token_hex", lambda size: ours)
    offer = (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", '
        f'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", algorithm={algorithm}, '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    made = Login("Mufasa", "Circle of Life", httpx.Request("GET", "http://www.example.org/"))
    request = httpx.Request("GET", "http://www.example.org/dir/index.html")
    flow = made.auth_flow(request)
    next(flow)
    told = challenges(
        httpx.Response(200, headers={"WWW-Authenticate": flow.send(_refusal(offer)).headers["Authorization"]})
    )
    ((scheme, fields),) = told
    assert scheme == "digest"
    assert fields["response"] == response
    assert fields["uri"] == "/dir/index.html"


def _refusal(offer: str) -> httpx.Response:
    return httpx.Response(401, headers={"WWW-Authenticate": offer})


# ---- certificates ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(params=["apache-1.3", "apache-1.2", "nginx"])
def for_clients(request: pytest.FixtureRequest, tmp_path: Path, authority: Authority) -> Iterator[Server]:
    """A server that wants a certificate."""
    server: AbstractContextManager[Server]
    if request.param == "nginx":
        server = tls_nginx(tmp_path, authority, clients=True)
    else:
        server = tls_apache(authority, clients=True, newest=f"TLSv{request.param[-3:]}")
    with server as made:
        yield made


def test_a_certificate_of_ours_opens_the_server(for_clients: Server, authority: Authority) -> None:
    certificate, key = authority.issue("king", client=True)
    with connected(
        for_clients, ca_file=str(authority.file), client_certificate=str(certificate), client_key=str(key)
    ) as client:
        deliver(client)
    assert for_clients.names() == [NAME]


def test_without_a_certificate_a_person_is_needed_and_nothing_is_in_doubt(
    for_clients: Server, authority: Authority, tmp_path: Path
) -> None:
    stranger, key = Authority(tmp_path / "other", "nobody's CA").issue("king", client=True)
    for settings in ({}, {"client_certificate": str(stranger), "client_key": str(key)}):
        with connected(for_clients, ca_file=str(authority.file), **settings) as client:
            needs_person(client, TargetReason.LOGIN, "client_certificate")
            with pytest.raises(TargetNeedsPersonError):
                client.publish(PART, NAME)
    assert for_clients.names() == []


def test_a_key_with_a_passphrase_is_opened_by_it(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = authority.issue("locked", client=True, passphrase="open it")
    both = tmp_path / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    with tls_apache(authority, clients=True) as server:
        settings: dict[str, Any] = {"ca_file": str(authority.file), "state": str(tmp_path / "state")}
        with pytest.raises(TargetNeedsPersonError, match="needs its passphrase: ingisfs login --certificate"):
            connect(Drive(server=server.url, client_certificate=str(both), **settings), "")
        monkeypatch.setenv("INGISFS_CERTIFICATE_PASSWORD", "wrong")
        with pytest.raises(TargetNeedsPersonError, match="is not opened by the passphrase") as raised:
            connect(Drive(server=server.url, client_certificate=str(both), **settings), "")
        assert "wrong" not in str(raised.value)
        monkeypatch.setenv("INGISFS_CERTIFICATE_PASSWORD", "open it")
        with connected(server, client_certificate=str(both), **settings) as client:
            deliver(client)


def test_a_drive_delivers_with_a_certificate_whose_passphrase_is_kept(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("boekhouding", client=True, passphrase="open it")
    with tls_apache(authority, clients=True) as server:
        made = MountedDrive(tmp_path / "drive", server.url, "king", "")
        settings = {"server": server.url, "user": "king", "mountpoint": made.mountpoint, "state": made.state}
        settings |= {"ca_file": authority.file, "client_certificate": certificate, "client_key": key}

        def login(text: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "ingisfs", "login", "--certificate", "--file", "--stdin", "--config"]
            environment = {**made.environment, "INGISFS_PASSWORD": ""}
            return subprocess.run(
                [*command, str(made.config)], input=text, env=environment, capture_output=True, text=True
            )

        made.configure(server=server.url, user="king")
        assert "geen client_certificate" in login("open it\n").stderr
        made.configure(reserve=2**20, **{setting: str(value) for setting, value in settings.items()})
        assert login("open it\n").returncode == 0
        assert (made.state / "certificate-password").stat().st_mode & 0o077 == 0
        try:
            done = made.mount(INGISFS_PASSWORD="")
            assert done.returncode == 0, done.stderr
            (made.mountpoint / "F1.pdf").write_bytes(pdf())
            made.wait_delivered(["F1.pdf"])
        finally:
            made.clean()
        assert server.names() == ["F1.pdf"]


def test_files_of_a_certificate_that_cannot_be_used_say_what_to_do(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("king", client=True)
    _, other = authority.issue("other", client=True)
    (tmp_path / "king.pfx").write_bytes(b"0\x82\x0a")
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    rows: list[tuple[Path, Path | str, str]] = [
        (tmp_path / "none.pem", "", r"client_certificate .*none\.pem: No such file"),
        (tmp_path, "", "client_certificate .*: Is a directory"),
        (tmp_path / "king.pfx", "", r"client_certificate .*king\.pfx: has no certificate in PEM form"),
        (certificate, "", "has no private key in PEM form .*client_key"),
        (certificate, tmp_path / "none.key", r"client_key .*none\.key: No such file"),
        (certificate, certificate, "client_key .*: has no private key"),
        (certificate, other, "client_key .*: does not belong to the certificate in"),
        (broken, key, "client_key|client_certificate"),
    ]
    for chosen, secret, pattern in rows:
        drive = Drive(server="https://host/", client_certificate=str(chosen), client_key=str(secret))
        with pytest.raises(TargetNeedsPersonError, match=pattern) as raised:
            connect(drive, "secret")
        assert raised.value.reason is TargetReason.LOGIN


def test_a_private_ca_is_trusted_if_it_is_named_and_only_then(authority: Authority) -> None:
    with tls_apache(authority) as server:
        with connected(server) as client:
            needs_person(client, TargetReason.CERTIFICATE)
        with connected(server, ca_file=str(authority.file)) as client:
            deliver(client)


def test_a_ca_that_the_operating_system_trusts_is_trusted(authority: Authority, tmp_path: Path) -> None:
    """Where the system's list lies, OpenSSL can be told by a variable: in a process of its own."""
    code = "import sys; from ingisfs.delivery.__main__ import connect; from ingisfs.config import Drive; "
    code += "connect(Drive(server=sys.argv[1], user='king'), sys.argv[2]).ping()"
    with tls_nginx(tmp_path, authority) as server:
        ping = [sys.executable, "-c", code, server.url, server.password]
        system = {**os.environ, "SSL_CERT_FILE": str(authority.file)}
        done = subprocess.run(ping, env=system, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        done = subprocess.run(ping, capture_output=True, text=True)
        assert "TargetNeedsPersonError" in done.stderr


# ---- proxies -----------------------------------------------------------------------------------------------------


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.usefixtures("no_proxies")
def test_documents_go_through_the_proxy_of_the_settings(authority: Authority, tmp_path: Path) -> None:
    with forward_proxy() as proxy:
        with apache_server(tmp_path) as server, connected(server, proxy=proxy.address) as client:
            deliver(client)
            assert server.names() == [NAME]
        assert ("PUT", 201) in log_of(proxy, 6)
        with tls_apache(authority) as server:
            with connected(server, proxy=proxy.address, ca_file=str(authority.file)) as client:
                deliver(client)
            assert server.names() == [NAME]
        assert wait_for(lambda: [row for row in proxy.requests() if row[0] == "CONNECT"], "the log")


@pytest.mark.usefixtures("no_proxies")
def test_the_proxy_of_the_system_is_used_unless_the_settings_say_none(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with forward_proxy(asks=True) as proxy, tls_apache(authority) as server:
        with_password = proxy.address.replace("//", f"//{proxy.user}:{proxy.password}@")
        monkeypatch.setenv("https_proxy", with_password)
        with connected(server, ca_file=str(authority.file)) as client:
            deliver(client)
        assert wait_for(lambda: [row for row in proxy.requests() if row[0] == "CONNECT"], "the log")
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{free_port()}")
        with connected(server, ca_file=str(authority.file)) as client, pytest.raises(UnreachableError):
            client.ping()
        with connected(server, ca_file=str(authority.file), proxy="none") as client:
            client.ping()


@pytest.mark.usefixtures("no_proxies")
def test_a_proxy_that_wants_a_password_needs_a_person_and_nothing_is_in_doubt(authority: Authority) -> None:
    with forward_proxy(asks=True) as proxy, tls_apache(authority) as server:
        with connected(server, proxy=proxy.address, ca_file=str(authority.file)) as client:
            needs_person(client, TargetReason.LOGIN, "proxy: 407")
            with pytest.raises(TargetNeedsPersonError):
                client.publish(PART, NAME)
        assert server.requests() == []


@pytest.mark.usefixtures("no_proxies")
def test_a_proxy_that_lets_nobody_through_needs_a_person() -> None:
    with forward_proxy() as proxy:
        drive = Drive(server="https://127.0.0.1:443/inbox/", user="king", proxy=proxy.address)
        client = connect(drive, "secret")
        needs_person(client, TargetReason.FORBIDDEN, "proxy: 403")
        client.close()


@pytest.mark.usefixtures("no_proxies")
def test_a_proxy_that_is_away_or_cannot_reach_the_server_is_waited_for() -> None:
    with forward_proxy() as proxy:
        for address in (proxy.address, f"http://127.0.0.1:{free_port()}"):
            drive = Drive(server=f"https://127.0.0.1:{free_port()}/inbox/", user="king", proxy=address)
            client = connect(drive, "secret")
            with pytest.raises(UnreachableError):
                client.publish(PART, NAME)
            client.close()


@pytest.mark.usefixtures("no_proxies")
def test_a_kind_of_proxy_that_we_do_not_know_needs_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:1080")
    with pytest.raises(TargetNeedsPersonError, match="proxy"):
        connect(Drive(server="https://host/inbox/", user="king"), "secret")


@pytest.mark.parametrize(
    "value",
    ["http://anna:geheim@proxy:3128", "http://anna@proxy", "socks5://proxy", "proxy:3128", "http://", "http://p:x", 3],
)
def test_a_proxy_that_cannot_be_is_refused_and_its_password_not_repeated(value: object) -> None:
    with pytest.raises(ConfigError) as raised:
        from_table({"proxy": value})
    assert "geheim" not in str(raised.value)


def test_a_proxy_that_can_be_is_taken() -> None:
    for value in ("", "none", "http://proxy.example.nl:3128", "https://[::1]:8080/"):
        assert from_table({"proxy": value}).proxy == value


def test_the_settings_reach_the_couriers_process_unchanged() -> None:
    drive = Drive(client_certificate="a", client_key="b", proxy="none", agent=True)
    assert Drive.from_json(drive.to_json()) == drive
    assert dataclasses.replace(drive, agent=False) != drive


def test_an_answer_that_is_lost_is_still_a_doubt_behind_a_log_in() -> None:
    def script(request: Answers) -> None:
        if request.headers.get("Authorization"):
            request.close_connection = True
        else:
            headers: dict[str, Any] = {"WWW-Authenticate": ONCE}
            request.answer(401, **headers)

    with scripted(script) as (client, _):
        assert isinstance(client, WebDavServer)
        with pytest.raises(DoubtError):
            client.publish(PART, NAME)
