"""Nobody gets at anything without a name and a password, and no browser is led astray."""

from __future__ import annotations

import base64
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from ingisfs.stage.users import Users
from tests.stage.harness import PASSWORD, USER, Running, raw

EVERYTHING = [
    ("GET", "/inbox.json"),
    ("OPTIONS", "/inbox/"),
    ("PROPFIND", "/inbox/"),
    ("PUT", "/inbox/F1.pdf"),
    ("LOCK", "/inbox/F1.pdf"),
    ("DELETE", "/inbox/F1.pdf"),
    ("GET", "/api/receipts"),
]


@pytest.mark.parametrize(("method", "address"), EVERYTHING)
def test_every_address_asks_for_a_password(stage: Running, method: str, address: str) -> None:
    answer = httpx.request(method, stage.root + address, trust_env=False)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="INGIS", charset="UTF-8"'
    assert stage.names() == []


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic " + base64.b64encode(b"king:fout").decode(),
        "Basic " + base64.b64encode(f"queen:{PASSWORD}".encode()).decode(),
        "Basic " + base64.b64encode(b"king").decode(),
        "Basic " + base64.b64encode(b"king:\xff\xfe").decode(),
        "Basic ???",
        "Basic",
        "Bearer " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode(),
    ],
)
def test_wrong_or_broken_credentials_are_refused(stage: Running, authorization: str) -> None:
    status, _ = raw(stage, "PUT", "/inbox/F1.pdf", {"Authorization": authorization}, b"x" * 100_000)
    assert status == 401
    assert stage.names() == []


def test_guessing_does_not_slow_down_those_who_are_logged_in(
    stage: Running, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify, lock = Users.verify, threading.Lock()
    entered, go_on = threading.Event(), threading.Event()

    def alone(users: Users, name: str, password: str) -> bool:
        assert lock.acquire(blocking=False), "two passwords were checked at once"
        try:
            entered.set()
            assert go_on.wait(60)
            return verify(users, name, password)
        finally:
            lock.release()

    client.get("/inbox.json").raise_for_status()
    monkeypatch.setattr(Users, "verify", alone)
    with ThreadPoolExecutor(16) as guessers:
        guesses = [
            guessers.submit(
                httpx.get, stage.root + "/inbox.json", auth=(USER, f"gok {number}"), trust_env=False, timeout=60
            )
            for number in range(16)
        ]
        assert entered.wait(60)
        for _ in range(10):
            client.request("OPTIONS", "/inbox/").raise_for_status()
        assert not any(guess.done() for guess in guesses)
        go_on.set()
        assert {guess.result().status_code for guess in guesses} == {401}


def test_a_wrong_password_after_the_right_one_on_the_same_connection_is_refused(client: httpx.Client) -> None:
    assert client.get("/inbox.json").status_code == 200
    assert client.get("/inbox.json", auth=(USER, "fout")).status_code == 401
    assert client.get("/inbox.json").status_code == 200


def test_another_host_name_that_points_here_is_refused(client: httpx.Client, stage: Running) -> None:
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/inbox.json", headers={"Host": f"localhost:{stage.port}"}).status_code == 200


@pytest.mark.parametrize(("address", "status"), [("/login", 200), ("/inbox/F1.xml", 200), ("/api/nothing", 404)])
def test_every_answer_carries_the_security_headers(client: httpx.Client, address: str, status: int) -> None:
    client.put("/inbox/F1.xml", content=b"<F1/>")
    answer = client.get(address)
    assert answer.status_code == status
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy or "sandbox" in policy
    assert "http" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "server" not in answer.headers


def test_the_security_headers_are_on_refusals_too(stage: Running) -> None:
    for headers in ({}, {"Host": "evil.example"}):
        answer = httpx.get(f"{stage.root}/inbox.json", headers=headers, trust_env=False)
        assert answer.status_code in {400, 401}
        assert answer.headers["X-Frame-Options"] == "DENY"
