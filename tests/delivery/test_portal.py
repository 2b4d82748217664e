"""The portal's API: its client against the real stage, and what is promised when answers are lost."""

from __future__ import annotations

import hashlib
import http.client
import http.server
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote

import pytest

from ingisfs.config import ConfigError, Drive, check_server
from ingisfs.delivery import portal
from ingisfs.delivery.__main__ import connect as connect_drive
from ingisfs.delivery.courier import Courier, Plan
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
from ingisfs.delivery.portal import PortalServer, key_of
from ingisfs.delivery.probe import probe
from ingisfs.delivery.receipts import Receipt
from ingisfs.delivery.server import temporary_name
from ingisfs.outbox.document import Reason, State, new_id
from ingisfs.outbox.intake import Rules
from ingisfs.outbox.outbox import Outbox
from tests.delivery import couriers
from tests.delivery.couriers import all_delivered, fifty_pairs, given_up, pair, until
from tests.documents import keep, pdf
from tests.faulty_dav import DO_AND_HANG_UP, HANG_UP, Fault, Say
from tests.servers import StageServer, free_port, stage_server

NAME = "factuur é#% &+~ç.pdf"


@pytest.fixture(autouse=True)
def looking_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A courier looks for what is due by itself; here more often than it would."""
    monkeypatch.setattr("ingisfs.delivery.courier.LOOK", 0.05)


@pytest.fixture(scope="module")
def shared_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StageServer]:
    with stage_server(tmp_path_factory.mktemp("portal")) as server:
        yield server


@pytest.fixture
def stage(shared_stage: StageServer) -> Iterator[StageServer]:
    """What was received before is collected; its keys and receipts are remembered."""
    yield shared_stage
    for path in sorted(shared_stage.root.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def draft(folder: str = "") -> str:
    """A temporary name of a new document."""
    return temporary_name(f"{folder}/x" if folder else "x", new_id(), 1)


def connect(stage: StageServer, port: int | None = None, password: str | None = None) -> PortalServer:
    url = f"ingis+http://127.0.0.1:{port or stage.port}/"
    return PortalServer(url, stage.user, stage.password if password is None else password, read_timeout=20)


@contextmanager
def connected(stage: StageServer, port: int | None = None, password: str | None = None) -> Iterator[PortalServer]:
    client = connect(stage, port, password)
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def client(stage: StageServer) -> Iterator[PortalServer]:
    with connected(stage) as made:
        yield made


def everything_told(stage: StageServer, after: str = "") -> list[Receipt]:
    """All receipts behind a cursor."""
    told: list[Receipt] = []
    with connected(stage) as client:
        while page := client.receipts(told[-1].cursor if told else after):
            told += page
    return told


def cursor(stage: StageServer) -> str:
    """Where the feed ends now."""
    return next((receipt.cursor for receipt in reversed(everything_told(stage))), "")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_document_is_put_verified_published_and_read_back(stage: StageServer, client: PortalServer) -> None:
    one, two = draft(), draft()
    data = bytes(range(256)) * 300
    client.ping()
    client.put(one, data)
    entry = client.entry(one)
    assert entry is not None
    assert (entry.size, entry.tag) == (len(data), "")
    assert client.entries("") == {one: entry}
    client.publish(one, NAME)
    assert client.get(NAME) == data
    there = client.entry(NAME)
    assert there is not None
    assert (there.size, there.tag) == (len(data), sha256(data))
    assert client.entries("") == {}
    assert client.get("no such.pdf") is None
    assert client.entry("no such.pdf") is None
    assert client.entry(two) is None
    client.remove(two)
    assert stage.names() == [NAME]
    assert [(row["name"], row["sha256"]) for row in stage.received()] == [(NAME, sha256(data))]


def test_what_is_published_again_was_published_once(stage: StageServer, client: PortalServer) -> None:
    one = draft()
    client.put(one, b"een")
    client.publish(one, "F1.pdf")
    (stage.root / "F1.pdf").unlink()  # INGIS has collected it
    entry = client.entry(one)
    assert entry is not None
    assert entry.size == 3
    client.publish(one, "F1.pdf")
    assert stage.names() == []


def test_a_document_that_is_put_again_by_a_later_attempt_is_not_made_twice(
    stage: StageServer, client: PortalServer
) -> None:
    one = draft()
    client.put(one, b"een")
    client.publish(one, "F1.pdf")
    (stage.root / "F1.pdf").unlink()
    again = one.replace("-1.part", "-2.part")
    client.put(again, b"een")
    client.publish(again, "F1.pdf")
    assert stage.names() == [again]
    client.remove(again)
    assert stage.names() == []


def test_other_bytes_under_the_same_key_are_refused(stage: StageServer, client: PortalServer) -> None:
    one = draft()
    client.put(one, b"een")
    client.publish(one, "F1.pdf")
    again = one.replace("-1.part", "-2.part")
    client.put(again, b"twee")
    with pytest.raises(DocumentRefusedError):
        client.publish(again, "F1.pdf")
    with pytest.raises(DocumentRefusedError):
        client.publish(one, "F2.pdf")
    assert (stage.root / "F1.pdf").read_bytes() == b"een"


def test_a_name_that_exists_is_never_overwritten_but_by_our_own_next_print(
    stage: StageServer, client: PortalServer
) -> None:
    one, two = draft(), draft()
    client.put(one, b"first")
    client.publish(one, NAME)
    client.put(two, b"second")
    with pytest.raises(NameExistsError):
        client.publish(two, NAME)
    assert client.get(NAME) == b"first"
    client.replace(two, NAME)
    assert client.get(NAME) == b"second"
    client.replace(two, NAME)
    assert stage.names() == [NAME]


def test_a_draft_that_is_not_there_cannot_be_published(client: PortalServer) -> None:
    one = draft()
    with pytest.raises(DocumentRefusedError):
        client.publish(one, "F1.pdf")


def test_folders_are_one_level_deep_and_must_be_there(stage: StageServer, client: PortalServer) -> None:
    one = draft()
    with pytest.raises(TargetNeedsPersonError) as raised:
        client.put(f"map é/{one}", b"x")
    assert raised.value.reason is TargetReason.FOLDER_MISSING
    with pytest.raises(TargetNeedsPersonError) as raised:
        client.entries("map é")
    assert raised.value.reason is TargetReason.FOLDER_MISSING
    (stage.root / "map é").mkdir()
    client.put(f"map é/{one}", b"x")
    assert list(client.entries("map é")) == [one]
    client.publish(f"map é/{one}", f"map é/{NAME}")
    assert client.get(f"map é/{NAME}") == b"x"


def test_a_document_can_be_made_without_a_draft_of_ones_own(client: PortalServer) -> None:
    client.create(NAME, b"een")
    with pytest.raises(NameExistsError):
        client.create(NAME, b"twee")
    client.create(NAME, b"twee", over=True)
    assert client.get(NAME) == b"twee"


def test_a_wrong_password_needs_a_person(stage: StageServer) -> None:
    with connected(stage, password="wrong") as client, pytest.raises(TargetNeedsPersonError) as raised:
        client.ping()
    assert raised.value.reason is TargetReason.LOGIN


def test_an_address_without_a_portal_needs_a_person(stage: StageServer) -> None:
    client = PortalServer(f"ingis+http://127.0.0.1:{stage.port}/inbox", stage.user, stage.password)
    with pytest.raises(TargetNeedsPersonError) as raised:
        client.ping()
    assert raised.value.reason is TargetReason.NOT_INGIS
    client.close()


def test_a_portal_that_went_away_is_unreachable_and_comes_back(stage: StageServer, client: PortalServer) -> None:
    one, before = draft(), cursor(stage)
    client.ping()
    stage.stop()
    with pytest.raises(UnreachableError):
        client.put(one, b"x")
    stage.start()
    client.put(one, b"x")
    client.publish(one, "F1.pdf")
    stage.stop()
    stage.start()
    client.publish(one, "F1.pdf")
    assert [receipt.name for receipt in everything_told(stage, before)] == ["F1.pdf"]


def test_the_check_of_a_server_finds_all_well_and_leaves_nothing(stage: StageServer) -> None:
    before = cursor(stage)
    findings = probe(lambda: connect(stage))
    assert findings.error is None
    assert (findings.good, findings.renames, findings.listed, findings.left) == (True, True, True, ())
    assert stage.names() == []
    assert everything_told(stage, before) == []


def test_a_document_has_one_key_and_each_file_of_a_check_its_own() -> None:
    assert key_of("map/.ingisfs-aaaaaaaaaaaa-1.part") == key_of(".ingisfs-aaaaaaaaaaaa-2.part") == "aaaaaaaaaaaa"
    probes = {key_of(f".ingisfs-aaaaaaaaaaaa-{number}-probe.part") for number in (1, 2, 3)}
    assert len(probes | {"aaaaaaaaaaaa"}) == 4


def test_receipts_are_told_page_by_page_in_their_order(stage: StageServer, client: PortalServer) -> None:
    before = cursor(stage)
    ids = [new_id() for _ in range(5)]
    for number, one in enumerate(ids):
        client.put(f".ingisfs-{one}-1.part", str(number).encode())
        client.publish(f".ingisfs-{one}-1.part", f"F{number}.pdf")
    everything = client.receipts(before)
    assert [(r.name, r.digest, r.state, r.reason, r.key) for r in everything] == [
        (f"F{number}.pdf", sha256(str(number).encode()), "received", "", one) for number, one in enumerate(ids)
    ]
    assert all(1.7e9 < receipt.at < 1e10 for receipt in everything)
    told: list[Receipt] = []
    while page := client.receipts(told[-1].cursor if told else before, limit=2):
        assert len(page) <= 2
        told += page
    assert told == everything
    assert client.receipts(everything[1].cursor) == everything[2:]


# ---- a network that misbehaves ---------------------------------------------------------------------------------------


@dataclass
class FaultyWay:
    """What lies between a client and the stage, and misbehaves as a test tells it to."""

    stage: StageServer
    fault: Fault = lambda method, name, count: None
    done: Callable[[str, str], None] = lambda method, name: None  # after each request that was carried out
    requests: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    port: int = 0

    def count(self, method: str) -> int:
        return sum(1 for done, _ in self.requests if done == method)


def _handler(way: FaultyWay) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            if "Authorization" not in self.headers:  # what a client may do without is no request here
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self._say(401, [("WWW-Authenticate", 'Basic realm="portal"')], b"")
                return
            name = unquote(self.path)
            with way.lock:
                way.requests.append((self.command, name))
                count = way.count(self.command)
            fault = way.fault(self.command, name, count)
            if fault == HANG_UP:
                self._hang_up()
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if isinstance(fault, Say) and not fault.do:
                self._say(fault.status, [("Content-Type", fault.kind), *fault.headers], fault.body)
                return
            onward = http.client.HTTPConnection("127.0.0.1", way.stage.port, timeout=20)
            onward.request(self.command, self.path, body, dict(self.headers))
            answer = onward.getresponse()
            content = answer.read()
            onward.close()
            way.done(self.command, name)
            if fault == DO_AND_HANG_UP:
                self._hang_up()
            elif isinstance(fault, Say):
                self._say(fault.status, [("Content-Type", fault.kind), *fault.headers], fault.body)
            else:
                kept = {"content-type", "content-digest"}
                headers = [pair for pair in answer.getheaders() if pair[0].lower() in kept]
                self._say(answer.status, headers, content)

        do_GET = do_PUT = do_POST = do_DELETE = _any  # noqa: N815

        def _say(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
            self.send_response(status)
            for key, value in [*headers, *([] if status == 204 else [("Content-Length", str(len(content)))])]:
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(content)

        def _hang_up(self) -> None:
            self.close_connection = True
            try:
                self.connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                return

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

    return Handler


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what these tests are about."""


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler], context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve on a free port, which is given, for the block."""
    listener = _Listener(("127.0.0.1", 0), handler)
    if context is not None:
        listener.socket = context.wrap_socket(listener.socket, server_side=True)
    thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield listener.server_port
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


@pytest.fixture
def way(stage: StageServer) -> Iterator[FaultyWay]:
    made = FaultyWay(stage)
    with serving(_handler(made)) as made.port:
        yield made


def first(method: str, what: Say | str, times: int = 1) -> Fault:
    return lambda done, name, count: what if done == method and count <= times else None


def always(status: int, body: bytes = b"", kind: str = "text/plain", **headers: str) -> Fault:
    return lambda method, name, count: Say(status, body, kind, tuple(headers.items()))


def problem(status: int, name: str, detail: str = "") -> Fault:
    body = json.dumps({"type": f"/api/problems/{name}", "detail": detail}).encode()
    return always(status, body, "application/problem+json")


PAGE = b"<html>Log in to the hotel"
MEANINGS: list[tuple[Fault, type[DeliveryError], TargetReason | None]] = [
    (always(200, PAGE, "text/html"), UnreachableError, None),
    (always(201, b'{"receipt": 1}', "text/plain"), UnreachableError, None),
    (always(302, Location="/elsewhere"), TargetNeedsPersonError, TargetReason.REDIRECT),
    (always(307, Location="/elsewhere"), TargetNeedsPersonError, TargetReason.REDIRECT),
    (always(400), DocumentRefusedError, None),
    (always(401), TargetNeedsPersonError, TargetReason.LOGIN),
    (always(403), TargetNeedsPersonError, TargetReason.FORBIDDEN),
    (always(404), TargetNeedsPersonError, TargetReason.NOT_INGIS),
    (always(405), TargetNeedsPersonError, TargetReason.NOT_INGIS),
    (always(413), DocumentRefusedError, None),
    (always(429), UnreachableError, None),
    (always(500), TransientError, None),
    (always(503), UnreachableError, None),
    (always(507), UnreachableError, None),
    (problem(409, "draft-taken"), TransientError, None),
    (problem(409, "no-folder"), TargetNeedsPersonError, TargetReason.FOLDER_MISSING),
    (problem(413, "too-large"), DocumentRefusedError, None),
    (problem(422, "digest-mismatch"), TransientError, None),
    (problem(422, "name-refused"), DocumentRefusedError, None),
    (problem(418, "never heard of"), DocumentRefusedError, None),
]


@pytest.mark.parametrize("fault_and_meaning", MEANINGS, ids=lambda row: row[1].__name__)
def test_what_each_answer_to_a_put_means(
    way: FaultyWay, fault_and_meaning: tuple[Fault, type[DeliveryError], TargetReason | None]
) -> None:
    way.fault, kind, reason = fault_and_meaning
    with connected(way.stage, way.port) as client, pytest.raises(DeliveryError) as raised:
        client.put(draft(), b"x")
    assert type(raised.value) is kind
    assert getattr(raised.value, "reason", None) == reason
    assert way.count("PUT") == len(way.requests) == 1  # a redirect is not followed
    assert way.stage.names() == []


DOUBTS: dict[str, Fault] = {
    "no answer": first("POST", DO_AND_HANG_UP),
    "nothing done": first("POST", HANG_UP),
    "done, then 500": first("POST", Say(500, do=True)),
    "done, then 504 with a page": first("POST", Say(504, PAGE, "text/html", do=True)),
    "a page with 200": first("POST", Say(200, PAGE, "text/html")),
    "a page with 200 that says it is JSON": first("POST", Say(200, PAGE, "application/json")),
    "JSON without a receipt": first("POST", Say(201, b"{}", "application/json")),
    "a receipt for another name": first(
        "POST", Say(201, b'{"receipt": "r", "name": "F2.pdf"}', "application/json", do=True)
    ),
    "an unknown conflict": first("POST", Say(409)),
    "an answer without end": first("POST", Say(200, b"x" * (portal.MAX_ANSWER + 1), "application/json")),
}


@pytest.mark.parametrize("fault", DOUBTS.values(), ids=DOUBTS.keys())
def test_an_unclear_answer_leaves_a_doubt_that_asking_again_resolves(way: FaultyWay, fault: Fault) -> None:
    one, before = draft(), cursor(way.stage)
    way.fault = fault
    with connected(way.stage, way.port) as client:
        client.put(one, b"een")
        with pytest.raises(DoubtError):
            client.publish(one, "F1.pdf")
        client.publish(one, "F1.pdf")
    assert [receipt.name for receipt in everything_told(way.stage, before)] == ["F1.pdf"]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (problem(409, "name-taken"), NameExistsError),
        (problem(422, "key-reused"), DocumentRefusedError),
        (problem(404, "no-draft"), DocumentRefusedError),
        (problem(507, "disk-full"), UnreachableError),
        (always(404), TargetNeedsPersonError),
        (always(301), TargetNeedsPersonError),
        (always(503), UnreachableError),
    ],
)
def test_an_answer_that_says_what_happened_leaves_no_doubt(
    way: FaultyWay, fault: Fault, kind: type[DeliveryError]
) -> None:
    way.fault = fault
    with connected(way.stage, way.port) as client, pytest.raises(DeliveryError) as raised:
        client.publish(draft(), "F1.pdf")
    assert type(raised.value) is kind


def test_the_detail_of_a_problem_is_told_but_not_at_any_length(way: FaultyWay) -> None:
    way.fault = problem(422, "name-refused", "Deze naam kan niet.\n" + "x" * 100_000)
    with connected(way.stage, way.port) as client, pytest.raises(DocumentRefusedError) as raised:
        client.put(draft(), b"x")
    assert "Deze naam kan niet. xxx" in str(raised.value)
    assert len(str(raised.value)) < 2 * portal.MAX_DETAIL


@pytest.mark.parametrize("answer", [always(404), always(404, PAGE, "text/html"), always(200, PAGE, "text/html")])
def test_absence_is_believed_only_when_the_portal_says_so(way: FaultyWay, answer: Fault) -> None:
    way.fault = answer
    with connected(way.stage, way.port) as client:
        for ask in (client.entry, client.get, client.entries, client.receipts):
            with pytest.raises((TargetNeedsPersonError, UnreachableError)):
                ask(draft())
        with pytest.raises((TargetNeedsPersonError, UnreachableError)):
            client.remove(draft())


def test_bytes_that_were_damaged_on_the_way_are_noticed_both_ways(way: FaultyWay, client: PortalServer) -> None:
    one = draft()
    client.put(one, b"een")
    client.publish(one, "F1.pdf")
    digest = "sha-256=:" + "A" * 43 + "=:"
    way.fault = lambda method, name, count: Say(200, b"een", headers=(("Content-Digest", digest),))
    with connected(way.stage, way.port) as behind, pytest.raises(TransientError):
        behind.get("F1.pdf")
    way.fault = lambda method, name, count: Say(201, b'{"size": 3, "sha256": "00"}', "application/json")
    with connected(way.stage, way.port) as behind, pytest.raises(TransientError):
        behind.put(draft(), b"een")


def test_nobody_there_is_unreachable_also_for_a_publish() -> None:
    client = PortalServer(f"ingis+http://127.0.0.1:{free_port()}", "king", "secret")
    with pytest.raises(UnreachableError):
        client.publish(draft(), "F1.pdf")
    client.close()


def test_the_portal_is_spoken_to_by_tls_and_only_with_a_known_certificate(
    stage: StageServer, way: FaultyWay, tmp_path: Path
) -> None:
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(_handler(way), context) as port:
        drive = Drive(server=f"ingis://127.0.0.1:{port}", user=stage.user)
        client = connect_drive(drive, stage.password)
        with pytest.raises(TargetNeedsPersonError) as raised:
            client.ping()
        assert raised.value.reason is TargetReason.CERTIFICATE
        client.close()
        assert way.requests == []
        client = connect_drive(replace(drive, ca_file=str(certificate)), stage.password)
        client.ping()
        client.close()


def test_an_address_is_of_the_portal_and_unencrypted_only_on_this_machine() -> None:
    for good in ("ingis://portal.example.nl", "ingis://127.0.0.1:8420/", "ingis+http://localhost:8420/"):
        check_server(good)
    with pytest.raises(ConfigError) as raised:
        check_server("ingis+http://portal.example.nl/")
    assert (raised.value.sentence, raised.value.values["instead"]) == ("server.plain-http", "ingis://")
    with pytest.raises(ConfigError):
        check_server("ingis://king:secret@portal.example.nl/")


# ---- the courier -----------------------------------------------------------------------------------------------------


@contextmanager
def delivering(outbox: Outbox, way: FaultyWay, workers: int = 2) -> Iterator[Courier]:
    """Run a courier until the block ends."""
    plan = Plan(Rules(pair_wait=0.0), workers=workers)
    with couriers.delivering(outbox, plan, lambda: connect(way.stage, way.port)) as made:
        yield made


def collecting(way: FaultyWay) -> Callable[[str, str], None]:
    """INGIS takes each document away as soon as it has its name."""

    def collect(method: str, name: str) -> None:
        if method == "POST":
            for path in way.stage.root.iterdir():
                if not path.name.startswith(".ingisfs-"):
                    path.unlink(missing_ok=True)

    return collect


def check(stage: StageServer, before: str, wanted: dict[str, bytes]) -> None:
    """Each document was made once, byte for byte."""
    made = [(r.name, r.digest) for r in everything_told(stage, before) if r.state == "received"]
    assert Counter(made) == Counter((name, sha256(data)) for name, data in wanted.items())


PASSING: dict[str, Fault] = {
    "put: done, the answer is lost": first("PUT", DO_AND_HANG_UP),
    "put: reset": first("PUT", HANG_UP, 2),
    "put: a hotel's log-in page": first("PUT", Say(200, PAGE, "text/html"), 2),
    "get: a hotel's log-in page": first("GET", Say(200, PAGE, "text/html"), 2),
    "post: done, the answer is lost": first("POST", DO_AND_HANG_UP),
    "post: done, then a page": first("POST", Say(200, PAGE, "text/html", do=True), 2),
    "post: not done, 503": first("POST", Say(503)),
    "post: not done, reset": first("POST", HANG_UP),
    "all: many are done and their answers lost": lambda method, name, count: (
        DO_AND_HANG_UP if count in {1, 2, 4, 7, 11} else None
    ),
}


@pytest.mark.parametrize("collects", [False, True], ids=["stays", "INGIS takes it at once"])
@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_what_passes_delays_a_pair_and_nothing_else(
    outbox: Outbox, way: FaultyWay, fault: Fault, collects: bool
) -> None:
    before = cursor(way.stage)
    way.fault = fault
    if collects:
        way.done = collecting(way)
    wanted = pair(outbox)
    with delivering(outbox, way):
        all_delivered(outbox)
    check(way.stage, before, wanted)
    assert [receipt.name for receipt in everything_told(way.stage, before)] == ["F1.pdf", "F1.xml"]


def test_fifty_pairs_arrive_once_each(outbox: Outbox, way: FaultyWay) -> None:
    before = cursor(way.stage)
    wanted = fifty_pairs(outbox)
    with delivering(outbox, way, workers=4):
        all_delivered(outbox)
    check(way.stage, before, wanted)
    assert {row["name"] for row in way.stage.received()} == set(wanted)
    order = [receipt.name for receipt in everything_told(way.stage, before)]
    assert all(order.index(f"F{number}.pdf") < order.index(f"F{number}.xml") for number in range(50))


def test_a_doubt_is_resolved_after_any_rest_though_ingis_has_collected_the_document(
    outbox: Outbox, way: FaultyWay
) -> None:
    way.fault, way.done = first("POST", DO_AND_HANG_UP), collecting(way)
    before = cursor(way.stage)
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    plan = Plan(Rules(pair_wait=0.0), workers=1, temp_lifetime=0.0)  # by WebDAV this would be for a person
    with couriers.delivering(outbox, plan, lambda: connect(way.stage, way.port)):
        until(outbox, document_id, State.DELIVERED)
    check(way.stage, before, {"F1.pdf": pdf("1")})


def test_a_draft_that_vanished_is_not_taken_for_a_delivery(outbox: Outbox, way: FaultyWay) -> None:
    before = cursor(way.stage)

    def lose(method: str, name: str, count: int) -> str | None:
        if method == "POST" and count == 1:
            for path in way.stage.root.glob(".ingisfs-*"):
                path.unlink()
            return HANG_UP
        return None

    way.fault = lose
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, way):
        document = until(outbox, document_id, State.PARKED)
        assert document.reason == Reason.DOUBTFUL
        outbox.release_held([document])
        all_delivered(outbox)
    check(way.stage, before, {"F1.pdf": pdf("1")})


def test_a_log_in_that_is_refused_stops_the_target_after_two_tries(outbox: Outbox, way: FaultyWay) -> None:
    refused = [True]
    way.fault = lambda method, name, count: Say(401) if refused[0] else None
    before = cursor(way.stage)
    wanted = pair(outbox)
    with delivering(outbox, way) as courier:
        given_up(outbox, courier, "login")
        assert len(way.requests) == 2
        refused[0] = False
        outbox.count_up("probe")
        courier.wake()
        all_delivered(outbox)
    check(way.stage, before, wanted)


def run_courier(folder: Path, stage: StageServer, crash_at: str = "") -> int:
    """Run a courier of its own process until the queue is empty, or until it dies; returns its exit code."""
    drive = Drive(
        server=f"ingis+http://127.0.0.1:{stage.port}",
        user=stage.user,
        state=str(folder),
        pair_wait=0.0,
        settle=0.0,
        max_document=2**20,
        wal_bound=2**20,
        alarms=False,
    )
    environment = {**os.environ, "INGISFS_PASSWORD": stage.password, "INGISFS_CRASH_AT": crash_at}
    done = subprocess.run(
        [sys.executable, "-m", "ingisfs.delivery"],
        input=drive.to_json() + "\n",
        text=True,
        env=environment,
        timeout=60,
        capture_output=True,
        check=False,
    )
    return done.returncode


def test_a_courier_that_dies_anywhere_makes_each_document_once(tmp_path: Path, stage: StageServer) -> None:
    before = cursor(stage)
    wanted: dict[str, bytes] = {}
    points = ["put.after", "publish.handed", "publish.before", "publish.after", "ask.before"]
    folder = tmp_path / "state"
    for number, point in enumerate(points):
        with_box = Outbox(folder, settle=0.0)
        wanted[f"F{number}.pdf"] = pdf(str(number))
        keep(with_box, f"F{number}.pdf", wanted[f"F{number}.pdf"])
        with_box.shut()
        assert run_courier(folder, stage, point) == -signal.SIGKILL, point
        for path in stage.root.glob("F*"):  # INGIS takes what has its name
            path.unlink()
    assert run_courier(folder, stage) == 0
    check(stage, before, wanted)
    with_box = Outbox(folder, settle=0.0)
    assert {document.state for document in with_box.documents("1")} == {State.DELIVERED}
    with_box.shut()
