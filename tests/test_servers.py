"""The servers that other tests deliver to behave as the table in servers.py says."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit
from xml.etree import ElementTree

import httpx
import pytest

from tests.servers import (
    NginxServer,
    Server,
    apache_server,
    free_port,
    nginx_server,
    stage_server,
    wait_for,
    wsgidav_server,
)

AWKWARD = "factuur é#% &+~ç.pdf"
TEMPORARY = "ingisfs-1-1.part"

SERVERS: dict[str, Callable[[Path], AbstractContextManager[Server]]] = {
    "wsgidav": wsgidav_server,
    "apache": apache_server,
    "nginx": nginx_server,
    "stage": stage_server,
}


@pytest.fixture(params=SERVERS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(kind: str, tmp_path: Path) -> Iterator[Server]:
    with SERVERS[kind](tmp_path) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, auth=server.auth, trust_env=False) as talking:
        yield talking


def move(client: httpx.Client, source: str, target: str) -> int:
    headers = {"Destination": f"{client.base_url}{quote(target)}", "Overwrite": "F"}
    return client.request("MOVE", quote(source), headers=headers).status_code


def found(client: httpx.Client, name: str, depth: int) -> dict[str, ElementTree.Element]:
    """The decoded names in the answer to a PROPFIND ("" is the folder), each with its part of the answer."""
    answer = client.request("PROPFIND", quote(name), headers={"Depth": str(depth)})
    assert answer.status_code == 207
    responses = ElementTree.fromstring(answer.content).iter("{DAV:}response")
    return {
        unquote(urlsplit(response.findtext("{DAV:}href", "")).path).removeprefix("/inbox/"): response
        for response in responses
    }


def test_a_document_is_put_seen_and_published(server: Server, client: httpx.Client, kind: str) -> None:
    assert client.put(TEMPORARY, content=b"%PDF-1").status_code == 201
    assert client.head(TEMPORARY).headers["Content-Length"] == "6"
    assert found(client, TEMPORARY, 0)[TEMPORARY].findtext(".//{DAV:}getcontentlength") == "6"
    assert set(found(client, "", 1)) == {"", TEMPORARY}

    assert move(client, TEMPORARY, AWKWARD) == (204 if kind == "nginx" else 201)
    assert client.head(TEMPORARY).status_code == 404
    assert client.get(quote(AWKWARD)).content == b"%PDF-1"
    assert set(found(client, "", 1)) == {"", AWKWARD}
    assert server.names() == [AWKWARD]
    assert (server.root / AWKWARD).read_bytes() == b"%PDF-1"


def test_a_taken_name_is_not_published_over(server: Server, client: httpx.Client) -> None:
    client.put(quote(AWKWARD), content=b"first")
    client.put(TEMPORARY, content=b"second")

    assert move(client, TEMPORARY, AWKWARD) == 412
    assert client.get(quote(AWKWARD)).content == b"first"
    assert server.names() == [AWKWARD, TEMPORARY]


def test_nginx_alone_ignores_if_none_match(client: httpx.Client, kind: str) -> None:
    client.put("1.pdf", content=b"first")
    status = client.put("1.pdf", content=b"second", headers={"If-None-Match": "*"}).status_code
    stored = client.get("1.pdf").content
    assert (status, stored) == ((204, b"second") if kind == "nginx" else (412, b"first"))


def test_nginx_alone_leaves_dot_names_out_of_a_listing(client: httpx.Client, kind: str) -> None:
    client.put(".1.part", content=b"x")
    assert client.head(".1.part").status_code == 200
    assert set(found(client, ".1.part", 0)) == {".1.part"}
    assert (".1.part" in found(client, "", 1)) == (kind != "nginx")


def test_a_folder_that_is_not_there(server: Server, client: httpx.Client, kind: str) -> None:
    assert client.put("nowhere/1.pdf", content=b"x").status_code == (500 if kind == "nginx" else 409)
    assert not (server.root / "nowhere").exists()

    client.put(TEMPORARY, content=b"x")
    assert move(client, TEMPORARY, "nowhere/1.pdf") == {"wsgidav": 409, "apache": 500, "nginx": 204, "stage": 409}[kind]
    assert (server.root / "nowhere" / "1.pdf").exists() == (kind == "nginx")


def test_the_etag_tells_that_the_same_file_now_has_its_final_name(client: httpx.Client, kind: str) -> None:
    def marks(name: str) -> tuple[str, str]:
        headers = client.head(name).headers
        return headers["ETag"].removeprefix("W/"), headers["Last-Modified"]

    client.put(TEMPORARY, content=b"x")
    before = marks(TEMPORARY)
    listed = found(client, TEMPORARY, 0)[TEMPORARY].findtext(".//{DAV:}getetag")
    if kind == "nginx":
        assert listed is None
    else:
        assert listed is not None
        assert listed.removeprefix("W/").strip('"') == before[0].strip('"')

    move(client, TEMPORARY, "1.pdf")
    assert marks("1.pdf") == before


def test_apaches_etag_is_weak_only_while_the_file_is_fresh(tmp_path: Path) -> None:
    with (
        apache_server(tmp_path) as server,
        httpx.Client(base_url=server.url, auth=server.auth, trust_env=False) as client,
    ):
        client.put("1.pdf", content=b"x")
        fresh = str(client.head("1.pdf").headers["ETag"])
        assert fresh.startswith('W/"')
        wait_for(lambda: client.head("1.pdf").headers["ETag"] == fresh.removeprefix("W/"), "the strong ETag")


def test_strangers_get_401(server: Server) -> None:
    for auth in (None, ("king", "wrong"), ("nobody", "wrong")):
        for method in ("PUT", "PROPFIND", "GET"):
            answer = httpx.request(method, server.url + "1.pdf", auth=auth, trust_env=False)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert server.names() == []


@pytest.mark.parametrize("kind", ["wsgidav", "apache", "nginx"])
def test_requests_are_told_with_decoded_paths(server: Server, client: httpx.Client) -> None:
    client.put(quote(AWKWARD), content=b"x")
    client.request("PROPFIND", "", headers={"Depth": "1"})
    client.get("missing.pdf")
    expected = [("PUT", f"/inbox/{AWKWARD}", 201), ("PROPFIND", "/inbox/", 207), ("GET", "/inbox/missing.pdf", 404)]
    wait_for(lambda: [request for request in server.requests() if request[2] != 401] == expected, "the log lines")


def test_a_restart_keeps_port_and_folder(server: Server, client: httpx.Client, kind: str) -> None:
    url = server.url
    client.put("1.pdf", content=b"x")
    server.stop()
    with pytest.raises(httpx.TransportError):
        client.get("1.pdf")
    server.stop()  # again, and nothing happens

    server.start()
    assert server.url == url
    assert client.get("1.pdf").content == b"x"
    assert server.names() == ["1.pdf"]
    if kind != "stage":
        wait_for(lambda: ("GET", "/inbox/1.pdf", 200) in server.requests(), "the log to go on")
        assert ("PUT", "/inbox/1.pdf", 201) in server.requests()


def test_many_clients_each_keep_a_connection(server: Server) -> None:
    def deliver(number: int) -> list[int]:
        with httpx.Client(base_url=server.url, auth=server.auth, trust_env=False) as client:
            return [client.put(f"{number}-{turn}.pdf", content=b"x" * 20_000).status_code for turn in range(4)]

    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(deliver, range(32))) == [[201] * 4] * 32
    assert len(server.names()) == 128


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    server = NginxServer(tmp_path)
    server.folder = tmp_path / 'with a " quote'
    server.folder.mkdir()
    with pytest.raises(RuntimeError, match="emerg"):
        server.start()


def test_a_taken_port_is_not_mistaken_for_ours(tmp_path: Path) -> None:
    with nginx_server(tmp_path) as first:
        second = NginxServer(tmp_path / "second")
        second.port = first.port
        with pytest.raises(RuntimeError, match="something else listens"):
            second.start()


def test_a_port_that_was_given_is_not_given_to_another_process() -> None:
    """Two runs of the tests on one machine: nobody listens there yet."""
    port = free_port()
    asked = f"from tests.servers import _claim; print(_claim({port}))"
    assert subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True).stdout == "False\n"


def test_a_free_port_is_never_one_that_a_client_is_given() -> None:
    assert all(free_port() < 32_000 for _ in range(20))


def test_the_stage_tells_what_it_received_and_who_came_first(tmp_path: Path) -> None:
    with (
        stage_server(tmp_path) as server,
        httpx.Client(auth=server.auth, base_url=server.url, trust_env=False) as client,
    ):
        for number in range(16):
            client.put(f"ingisfs-{number}-1.part", content=b"%d" % number)
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda number: move(client, f"ingisfs-{number}-1.part", "1.pdf"), range(16)))

        assert sorted(answers) == [201] + [412] * 15
        winner = b"%d" % answers.index(201)
        received = [(document["name"], document["size"], document["sha256"]) for document in server.received()]
        assert ("1.pdf", len(winner), hashlib.sha256(winner).hexdigest()) in received
