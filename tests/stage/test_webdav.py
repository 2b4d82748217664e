"""Each method of the inbox, and each answer it can give."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from tests.stage.harness import Running, listed, logged_in, prop, raw

ALLOW = "OPTIONS, PROPFIND, GET, HEAD, PUT, MOVE, DELETE, MKCOL"


def move(client: httpx.Client, source: str, target: str, overwrite: str | None = "F", **headers: str) -> httpx.Response:
    asked = {"Destination": target, **headers}
    if overwrite is not None:
        asked["Overwrite"] = overwrite
    return client.request("MOVE", source, headers=asked)


def propfind(client: httpx.Client, address: str, depth: str = "1", body: bytes = b"") -> httpx.Response:
    return client.request("PROPFIND", address, headers={"Depth": depth}, content=body)


# OPTIONS and what is not there


def test_options_tells_class_1_and_the_methods(client: httpx.Client) -> None:
    answer = client.options("/inbox/")
    assert answer.status_code == 200
    assert answer.headers["DAV"] == "1"
    assert answer.headers["Allow"] == ALLOW


@pytest.mark.parametrize("method", ["LOCK", "UNLOCK", "COPY", "PROPPATCH", "POST", "PATCH", "TRACE", "REPORT"])
def test_other_methods_are_refused_with_what_is_allowed(client: httpx.Client, stage: Running, method: str) -> None:
    client.put("/inbox/F1.pdf", content=b"een")
    answer = client.request(method, "/inbox/F1.pdf", headers={"Destination": "/inbox/F2.pdf"}, content=b"twee")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == ALLOW
    assert stage.names() == ["F1.pdf"]


# PUT, GET, HEAD


def test_a_document_comes_back_as_it_was_put(client: httpx.Client, stage: Running) -> None:
    content = bytes(range(256)) * 5000  # more than one piece on its way out, and spilled on its way in
    put = client.put("/inbox/F1.pdf", content=content)
    got = client.get("/inbox/F1.pdf")
    assert (put.status_code, got.status_code) == (201, 200)
    assert got.content == content == (stage.inbox / "F1.pdf").read_bytes()
    assert got.headers["Content-Type"] == "application/pdf"
    assert got.headers["Content-Length"] == str(len(content))


def test_an_empty_document_is_a_document(client: httpx.Client) -> None:
    assert client.put("/inbox/leeg.xml", content=b"").status_code == 201
    answer = client.get("/inbox/leeg.xml")
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_put_over_a_document_replaces_it(client: httpx.Client) -> None:
    assert client.put("/inbox/F1.pdf", content=b"een").status_code == 201
    assert client.put("/inbox/F1.pdf", content=b"twee").status_code == 204
    assert client.get("/inbox/F1.pdf").content == b"twee"


def test_the_etag_is_strong_and_the_same_everywhere_and_after_a_move(client: httpx.Client) -> None:
    expected = f'"{hashlib.sha256(b"inhoud").hexdigest()}"'
    assert client.put("/inbox/.ingisfs-1", content=b"inhoud").headers["ETag"] == expected
    assert move(client, "/inbox/.ingisfs-1", "/inbox/F1.pdf").headers["ETag"] == expected
    assert client.head("/inbox/F1.pdf").headers["ETag"] == expected
    assert client.get("/inbox/F1.pdf").headers["ETag"] == expected
    for depth, address in (("0", "/inbox/F1.pdf"), ("1", "/inbox/")):
        assert prop(listed(propfind(client, address, depth))["/inbox/F1.pdf"], "getetag") == expected


def test_head_tells_what_get_would_without_the_bytes(client: httpx.Client) -> None:
    client.put("/inbox/F1.xml", content=b"<F1/>")
    head, got = client.head("/inbox/F1.xml"), client.get("/inbox/F1.xml")
    assert (head.status_code, head.content) == (200, b"")
    same = ("Content-Length", "Content-Type", "ETag", "Last-Modified", "Accept-Ranges")
    assert [head.headers[name] for name in same] == [got.headers[name] for name in same]
    assert parsedate_to_datetime(head.headers["Last-Modified"])


def test_what_a_browser_could_run_is_sent_as_mere_bytes(client: httpx.Client) -> None:
    client.put("/inbox/page.html", content=b"<script>alert(1)</script>")
    assert client.get("/inbox/page.html").headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PROPFIND", "MOVE"])
def test_what_is_not_there_is_404(client: httpx.Client, method: str) -> None:
    headers = {"Depth": "0", "Destination": "/inbox/F2.pdf"}
    for address in ("/inbox/F1.pdf", "/inbox/map/F1.pdf", "/inbox/a/b/F1.pdf"):
        assert client.request(method, address, headers=headers).status_code == 404


def test_if_none_match_star_never_replaces(client: httpx.Client) -> None:
    new_only = {"If-None-Match": "*"}
    assert client.put("/inbox/F1.pdf", content=b"een", headers=new_only).status_code == 201
    assert client.put("/inbox/F1.pdf", content=b"twee", headers=new_only).status_code == 412
    assert client.get("/inbox/F1.pdf").content == b"een"


def test_if_match_replaces_only_what_the_client_knows(client: httpx.Client) -> None:
    known = client.put("/inbox/F1.pdf", content=b"een").headers["ETag"]
    for wrong in ('"iets anders"', f"W/{known}"):
        assert client.put("/inbox/F1.pdf", content=b"twee", headers={"If-Match": wrong}).status_code == 412
        assert client.delete("/inbox/F1.pdf", headers={"If-Match": wrong}).status_code == 412
        assert move(client, "/inbox/F1.pdf", "/inbox/F2.pdf", **{"If-Match": wrong}).status_code == 412
    assert client.put("/inbox/F9.pdf", content=b"twee", headers={"If-Match": "*"}).status_code == 412
    assert client.put("/inbox/F1.pdf", content=b"twee", headers={"If-Match": f'"x", {known}'}).status_code == 204


def test_a_condition_about_locks_never_counts_as_true(client: httpx.Client, stage: Running) -> None:
    assert client.put("/inbox/F1.pdf", content=b"een", headers={"If": "(<urn:uuid:1>)"}).status_code == 412
    assert stage.names() == []


@pytest.mark.parametrize("headers", [{"Content-Range": "bytes 0-2/9"}, {"Range": "bytes=0-2"}])
def test_a_part_of_a_document_is_refused(client: httpx.Client, stage: Running, headers: dict[str, str]) -> None:
    assert client.put("/inbox/F1.pdf", content=b"een", headers=headers).status_code == 400
    assert stage.names() == []


def test_a_put_into_a_folder_that_is_not_there_is_409(client: httpx.Client) -> None:
    assert client.put("/inbox/map/F1.pdf", content=b"een").status_code == 409
    assert client.put("/inbox/a/b/F1.pdf", content=b"een").status_code == 409


def test_a_put_on_a_folder_is_405(client: httpx.Client) -> None:
    client.request("MKCOL", "/inbox/map")
    for address in ("/inbox/", "/inbox/map", "/inbox/map/"):
        answer = client.put(address, content=b"een")
        assert answer.status_code == 405
        assert answer.headers["Allow"] == ALLOW


def test_a_person_who_follows_the_announced_address_gets_the_page(client: httpx.Client) -> None:
    for address in ("/inbox", "/inbox/"):
        answer = client.get(address)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/received")


# PROPFIND


def test_propfind_of_a_folder_lists_what_is_in_it(client: httpx.Client) -> None:
    client.put("/inbox/F1.pdf", content=b"een")
    client.request("MKCOL", "/inbox/map")
    client.put("/inbox/map/F2.xml", content=b"<F2/>")
    found = listed(propfind(client, "/inbox/"))
    assert list(found) == ["/inbox/", "/inbox/F1.pdf", "/inbox/map/"]
    assert prop(found["/inbox/F1.pdf"], "getcontentlength") == "3"
    assert parsedate_to_datetime(prop(found["/inbox/F1.pdf"], "getlastmodified"))
    assert found["/inbox/F1.pdf"].find(".//{DAV:}collection") is None
    assert found["/inbox/map/"].find(".//{DAV:}resourcetype/{DAV:}collection") is not None
    assert list(listed(propfind(client, "/inbox/map"))) == ["/inbox/map/", "/inbox/map/F2.xml"]


def test_propfind_of_depth_0_is_about_the_thing_itself(client: httpx.Client) -> None:
    client.put("/inbox/F1.pdf", content=b"een")
    assert list(listed(propfind(client, "/inbox/", "0"))) == ["/inbox/"]
    assert list(listed(propfind(client, "/inbox", "0"))) == ["/inbox/"]
    assert list(listed(propfind(client, "/inbox/F1.pdf", "0"))) == ["/inbox/F1.pdf"]
    assert list(listed(propfind(client, "/inbox/F1.pdf", "1"))) == ["/inbox/F1.pdf"]


@pytest.mark.parametrize("headers", [{}, {"Depth": "infinity"}])
def test_propfind_of_any_depth_is_refused(client: httpx.Client, headers: dict[str, str]) -> None:
    answer = client.request("PROPFIND", "/inbox/", headers=headers)
    assert answer.status_code == 403
    assert b"propfind-finite-depth" in answer.content


def test_an_unknown_depth_is_refused(client: httpx.Client) -> None:
    assert propfind(client, "/inbox/", "2").status_code == 400


def test_a_propfind_body_that_is_propfind_xml_is_taken(client: httpx.Client) -> None:
    body = b'<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>'
    assert propfind(client, "/inbox/", body=body).status_code == 207


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE p [<!ENTITY a "aaaa">]><propfind xmlns="DAV:"><prop>&a;</prop></propfind>',
        b'<!DOCTYPE p SYSTEM "file:///etc/passwd"><propfind xmlns="DAV:"/>',
        b"<!DOCTYPE propfind><propfind xmlns='DAV:'/>",
        b"<propfind xmlns='DAV:'>&lol;</propfind>",
        b"<propfind xmlns='DAV:'>",
        b"<propfind/>",
        b"{}",
    ],
)
def test_a_dtd_or_anything_else_in_a_propfind_body_is_refused(client: httpx.Client, body: bytes) -> None:
    assert propfind(client, "/inbox/", body=body).status_code == 400


def test_a_huge_propfind_body_is_refused(client: httpx.Client) -> None:
    assert propfind(client, "/inbox/", body=b" " * 100_000).status_code == 413


# MOVE


def test_a_move_renames_and_leaves_nothing_behind(client: httpx.Client, stage: Running) -> None:
    client.put("/inbox/.ingisfs-1", content=b"een")
    before = client.head("/inbox/.ingisfs-1").headers["Last-Modified"]
    assert move(client, "/inbox/.ingisfs-1", f"{stage.root}/inbox/F1.pdf").status_code == 201
    assert client.head("/inbox/.ingisfs-1").status_code == 404
    assert client.get("/inbox/F1.pdf").content == b"een"
    assert client.head("/inbox/F1.pdf").headers["Last-Modified"] == before
    assert stage.names() == ["F1.pdf"]


def test_a_move_without_overwriting_never_replaces(client: httpx.Client) -> None:
    client.put("/inbox/F1.pdf", content=b"een")
    client.put("/inbox/F2.pdf", content=b"twee")
    assert move(client, "/inbox/F2.pdf", "/inbox/F1.pdf").status_code == 412
    assert client.get("/inbox/F1.pdf").content == b"een"
    assert client.get("/inbox/F2.pdf").content == b"twee"


@pytest.mark.parametrize("overwrite", [None, "T"])
def test_a_move_replaces_where_that_is_allowed(client: httpx.Client, stage: Running, overwrite: str | None) -> None:
    client.put("/inbox/F1.pdf", content=b"een")
    client.put("/inbox/F2.pdf", content=b"twee")
    assert move(client, "/inbox/F2.pdf", "/inbox/F1.pdf", overwrite).status_code == 204
    assert client.get("/inbox/F1.pdf").content == b"twee"
    assert stage.names() == ["F1.pdf"]


def test_of_eight_moves_to_one_new_name_exactly_one_wins(client: httpx.Client, stage: Running) -> None:
    clients = [logged_in(stage) for _ in range(8)]
    with ThreadPoolExecutor(8) as racers:
        for round_number in range(25):
            for racer in range(8):
                client.put(f"/inbox/.ingisfs-{racer}", content=f"{racer} in {round_number}".encode())
            target = f"/inbox/F{round_number}.pdf"

            def race(racer: int, target: str = target) -> int:
                return move(clients[racer], f"/inbox/.ingisfs-{racer}", target).status_code

            statuses = list(racers.map(race, range(8)))
            assert sorted(statuses) == [201] + [412] * 7
            assert client.get(target).content == f"{statuses.index(201)} in {round_number}".encode()
            assert len([name for name in stage.names() if name.startswith(".ingisfs-")]) == 7
    for one in clients:
        one.close()


def test_of_eight_puts_of_one_new_name_exactly_one_wins(client: httpx.Client, stage: Running) -> None:
    clients = [logged_in(stage) for _ in range(8)]
    with ThreadPoolExecutor(8) as racers:
        for round_number in range(10):
            target = f"/inbox/F{round_number}.pdf"

            def race(racer: int, target: str = target) -> int:
                new_only = {"If-None-Match": "*"}
                return clients[racer].put(target, content=bytes([racer]) * 60_000, headers=new_only).status_code

            statuses = list(racers.map(race, range(8)))
            assert sorted(statuses) == [201] + [412] * 7
            assert client.get(target).content == bytes([statuses.index(201)]) * 60_000
    for one in clients:
        one.close()


@pytest.mark.parametrize(
    ("destination", "status"),
    [
        ("", 400),
        ("F2.pdf", 400),
        ("/inbox/F2.pdf?x", 400),
        ("/inbox/F#2.pdf", 400),
        ("/inbox/a\tb.pdf", 400),
        ("/inbox/../F2.pdf", 400),
        ("http://[/inbox/F2.pdf", 400),
        ("http://elsewhere.example/inbox/F2.pdf", 502),
        ("http://127.0.0.1:1/inbox/F2.pdf", 502),
        ("/F2.pdf", 403),
        ("/inbox.json", 403),
        ("/inbox/F1.pdf", 403),
        ("/inbox/map", 403),
        ("/inbox/", 403),
        ("/inbox/none/F2.pdf", 409),
        ("/inbox/map/map/F2.pdf", 409),
    ],
)
def test_a_move_to_where_it_cannot_go_changes_nothing(
    client: httpx.Client, stage: Running, destination: str, status: int
) -> None:
    client.put("/inbox/F1.pdf", content=b"een")
    client.request("MKCOL", "/inbox/map")
    assert move(client, "/inbox/F1.pdf", destination, "T").status_code == status
    assert stage.names() == ["F1.pdf", "map"]


def test_an_overwrite_that_is_neither_t_nor_f_is_refused(client: httpx.Client) -> None:
    client.put("/inbox/F1.pdf", content=b"een")
    assert move(client, "/inbox/F1.pdf", "/inbox/F2.pdf", "yes").status_code == 400


def test_a_folder_is_not_moved(client: httpx.Client) -> None:
    client.request("MKCOL", "/inbox/map")
    assert move(client, "/inbox/map", "/inbox/andere").status_code == 403


# DELETE and MKCOL


def test_a_deleted_document_is_gone(client: httpx.Client, stage: Running) -> None:
    client.put("/inbox/F1.pdf", content=b"een")
    assert client.delete("/inbox/F1.pdf").status_code == 204
    assert client.get("/inbox/F1.pdf").status_code == 404
    assert stage.names() == []


def test_folders_go_one_level_deep(client: httpx.Client) -> None:
    assert client.request("MKCOL", "/inbox/map").status_code == 201
    assert client.request("MKCOL", "/inbox/map").status_code == 405
    assert client.request("MKCOL", "/inbox/").status_code == 405
    assert client.request("MKCOL", "/inbox/map/map").status_code == 403
    assert client.request("MKCOL", "/inbox/none/map").status_code == 409
    assert client.request("MKCOL", "/inbox/met-inhoud", content=b"<x/>").status_code == 415


def test_a_document_goes_into_a_folder_and_out_of_it(client: httpx.Client, stage: Running) -> None:
    client.request("MKCOL", "/inbox/.ingisfs-temp")
    assert client.put("/inbox/.ingisfs-temp/1.part", content=b"een").status_code == 201
    assert move(client, "/inbox/.ingisfs-temp/1.part", "/inbox/F1.pdf").status_code == 201
    assert (stage.inbox / "F1.pdf").read_bytes() == b"een"


def test_only_an_empty_folder_is_deleted(client: httpx.Client, stage: Running) -> None:
    client.request("MKCOL", "/inbox/map")
    client.put("/inbox/map/F1.pdf", content=b"een")
    assert client.delete("/inbox/map/").status_code == 409
    assert client.delete("/inbox/").status_code == 403
    client.delete("/inbox/map/F1.pdf")
    assert client.delete("/inbox/map/").status_code == 204
    assert stage.names() == []


# Beside the protocol


def test_a_file_put_or_taken_away_by_hand_is_noticed(client: httpx.Client, stage: Running) -> None:
    (stage.inbox / "met de hand.pdf").write_bytes(b"een")
    expected = f'"{hashlib.sha256(b"een").hexdigest()}"'
    assert prop(listed(propfind(client, "/inbox/"))["/inbox/met de hand.pdf"], "getetag") == expected
    (stage.inbox / "met de hand.pdf").write_bytes(b"anders")
    assert client.head("/inbox/met de hand.pdf").headers["ETag"] == f'"{hashlib.sha256(b"anders").hexdigest()}"'
    (stage.inbox / "met de hand.pdf").unlink()
    assert client.get("/inbox/met de hand.pdf").status_code == 404
    assert list(listed(propfind(client, "/inbox/"))) == ["/inbox/"]


def test_a_symbolic_link_leads_nowhere(client: httpx.Client, stage: Running, tmp_path: Path) -> None:
    (tmp_path / "F1.pdf").write_bytes(b"geheim")
    (stage.inbox / "map").symlink_to(tmp_path)
    (stage.inbox / "F2.pdf").symlink_to(tmp_path / "F1.pdf")
    try:
        assert list(listed(propfind(client, "/inbox/"))) == ["/inbox/"]
        for address in ("/inbox/map/F1.pdf", "/inbox/F2.pdf"):
            assert client.get(address).status_code == 404
        assert propfind(client, "/inbox/map").status_code == 404
        assert client.put("/inbox/map/F3.pdf", content=b"een").status_code == 409
        assert [entry.name for entry in tmp_path.iterdir()] == ["F1.pdf"]
    finally:
        (stage.inbox / "map").unlink()


def test_sixty_connections_are_kept_alive_side_by_side(stage: Running) -> None:
    clients = [logged_in(stage) for _ in range(60)]

    def work(number: int) -> set[int]:
        return {clients[number].put(f"/inbox/{number}-{again}.pdf", content=b"x" * 6000).status_code for again in "abc"}

    with ThreadPoolExecutor(60) as workers:
        assert all(statuses == {201} for statuses in workers.map(work, range(60)))
    for one in clients:
        one.close()
    assert len(stage.names()) == 180


def test_refusals_are_sentences_in_plain_text(client: httpx.Client) -> None:
    answer = client.get("/inbox/<b>.pdf")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text == "<b>.pdf is er niet."


def test_addresses_beside_the_inbox_are_not_the_inbox(stage: Running) -> None:
    for target in ("/inboxes/F1.pdf", "/%69nbox/F1.pdf", "/F1.pdf", "//inbox/F1.pdf"):
        assert raw(stage, "PUT", target, body=b"een")[0] in {404, 405}
    assert stage.names() == []
