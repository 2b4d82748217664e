"""What is broken, meant to harm, or slow is refused or shown as text by a stage that runs, and nobody waits for it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingisfs.stage.reasons import REASONS
from scripts.king import pdf_document, xml_king, xml_ubl
from tests.servers import wait_for
from tests.stage.harness import AUTHORIZATION, PASSWORD, USER, Running, begin_put, raw, visitor
from tests.stage.house import INVOICES, House, opened

GOOD = [xml_king(INVOICES[5]), xml_ubl(INVOICES[5]), pdf_document(INVOICES[5], datetime(2026, 1, 1, tzinfo=UTC))]
ENTITIES = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y "%s">]>' % (b"z" * 1000)
NASTY = [
    b"",
    b"\0",
    b"<script>alert(1)</script>",
    b"]]>",
    b"&x;&y;",
    b"<?xml version='1.0' encoding='utf-7'?>",
    "\ud800".encode("utf-8", "surrogatepass"),
    b"<A>" * 500,
    b"%%EOF",
    b"\nstream\n",
    b"/Length 99999999999",
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened(tmp_path_factory.mktemp("house")) as made:
        yield made


@pytest.fixture(scope="module")
def king(house: House) -> Iterator[httpx.Client]:
    with closing(visitor(house.running, USER, PASSWORD)) as person:
        yield person


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A good document, cut, with bytes of it changed, and something nasty put into it."""
    document = bytearray(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(document)))
        match draw(st.sampled_from(["cut", "change", "insert", "entities"])):
            case "cut":
                del document[place:]
            case "change":
                document[place : place + 4] = draw(st.binary(min_size=1, max_size=4))
            case "insert":
                document[place:place] = draw(st.sampled_from(NASTY))
            case "entities":
                document[:0] = ENTITIES
    return bytes(document)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=broken(), second=broken(), stem=st.sampled_from(["a", "b-1", "<img src=x onerror=alert(1)>", "é'\"&%41"]))
def test_whatever_comes_is_filed_with_a_reason_and_shown_as_text(
    house: House, king: httpx.Client, first: bytes, second: bytes, stem: str
) -> None:
    last = house.portal.database.row("SELECT max(id) FROM invoices")
    assert last is not None
    with httpx.Client(base_url=house.running.root, auth=(USER, PASSWORD), trust_env=False, timeout=60) as program:
        program.put(f"/inbox/{quote(stem)}.xml", content=first).raise_for_status()
        program.put(f"/inbox/{quote(stem)}.pdf", content=second).raise_for_status()
    house.portal.batch.take_in()
    assert house.running.names() == []
    rows = house.portal.database.rows("SELECT * FROM invoices WHERE id > ? AND owner = ?", last[0], USER)
    assert rows or "-1" in stem  # which is an attachment of an earlier one
    for row in rows:
        assert row["status"] in {"new", "refused"}
        assert row["status"] == "new" or row["reason"] in REASONS
        for address in ("", *(f"/files/{file}/read" for file in house.files(row["id"]))):
            answer = king.get(f"/invoices/{row['id']}{address}")
            assert answer.status_code == 200 or (answer.status_code == 404 and address)
            for harm in ("<script>alert", "<img src=x", "root:"):
                assert harm not in answer.text
    assert king.get("/invoices").status_code == 200


@pytest.mark.parametrize(
    "address", ["/", "/login", "/invoices", "/inbox/", "/api", "/static/stage.css", "/upload/file"]
)
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.2", "[::1]", ""])
def test_another_host_name_leads_nowhere(house: House, address: str, host: str) -> None:
    status, body = raw(house.running, "GET", address, {"Host": host})
    assert status == 400
    assert b"INGIS" not in body


@pytest.mark.parametrize(
    "address", ["/login", "/forgot", "/reset/x", "/open/x", "/profile", "/customers/new", "/upload"]
)
def test_a_form_of_any_size_is_refused_before_it_is_taken_in(house: House, address: str) -> None:
    """A hundred megabytes are announced and begun; the answer comes before they are sent."""
    head = (
        f"POST {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {10**8}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", house.running.port), timeout=60) as connection:
        connection.sendall(head.encode() + b"name=" + b"x" * 300_000)
        answer = connection.recv(64)
    assert answer.split(b" ")[1] in {b"413", b"303", b"410"}, answer


def drip(running: Running, beginning: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", running.port), timeout=60)
    connection.sendall(beginning)
    return connection


def test_slow_clients_keep_nobody_waiting_and_leave_nothing(house: House, king: httpx.Client) -> None:
    running = house.running
    put = f"PUT /inbox/slow.pdf HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {AUTHORIZATION}\r\n"
    form = "POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    beginnings = [
        b"",
        b"G",
        b"GET / HTTP/1.1\r\nHost: 127",
        put.encode(),
        f"{form}Content-Length: 1000\r\n\r\nna".encode(),
    ]
    with ExitStack() as held:
        for beginning in beginnings * 40:
            held.enter_context(closing(drip(running, beginning)))
        for _ in range(10):
            held.enter_context(closing(begin_put(running, "/inbox/slow.pdf", 4_000_000))).sendall(b"x" * 2_000_000)
        wait_for(lambda: len(list(running.incoming.iterdir())) == 10, "ten halves to be under way", 60)
        for address in ("/", "/invoices", "/counters.json"):
            assert king.get(address, timeout=30).status_code == 200
        with closing(visitor(running, USER, PASSWORD)) as another:
            assert another.get("/").status_code == 200
    wait_for(lambda: not list(running.incoming.iterdir()), "the halves to go", 60)
    assert running.names() == []


def test_a_folder_outside_is_never_reached(house: House, king: httpx.Client, tmp_path: Path) -> None:
    secret = "een geheim van buiten"
    (house.running.folder / "geheim.txt").write_text(secret)
    for way in ("..", "%2e%2e", "..%2f..", "%5c..%5c..", "....//"):
        for root in ("/static/", "/inbox/", "/api/content/", "/api/documents/", "/invoices/1/files/"):
            for target in (f"{root}{way}/geheim.txt", f"{root}{way}/stage.db", f"{root}{way}{way}/etc/passwd"):
                for headers in ({}, {"Authorization": ""}):
                    _, body = raw(house.running, "GET", target, headers)
                    assert secret.encode() not in body
                    assert b"SQLite format" not in body
                    assert b"root:" not in body
