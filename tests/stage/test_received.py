"""The page and the JSON list of what came in."""

from __future__ import annotations

import hashlib
import os
import re
from datetime import UTC, datetime, timedelta

import httpx

from tests.stage.harness import AWKWARD, Running


def names_on(page: str) -> list[str]:
    return re.findall(r'<td class="name"><a href="[^"]*">([^<]*)</a>', page)


def put(client: httpx.Client, *names: str) -> None:
    for name in names:
        assert client.put(f"/inbox/{name}", content=b"x" * 60_250).status_code == 201


def test_the_page_lists_the_newest_first(client: httpx.Client, people: httpx.Client) -> None:
    put(client, "F1.pdf", "F3.pdf", "F2.xml")
    page = people.get("/received")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert names_on(page.text) == ["F2.xml", "F3.pdf", "F1.pdf"]
    assert "3 documenten" in page.text
    assert page.text.count("60,2 kB") == 3
    assert '<td class="kind wide">XML</td>' in page.text


def test_the_halves_of_a_pair_stand_beside_each_other(client: httpx.Client, people: httpx.Client) -> None:
    put(client, "F1.pdf", "F2.pdf", "F2.xml", "F3.pdf", "F1.xml")
    assert names_on(people.get("/received").text) == ["F1.pdf", "F1.xml", "F3.pdf", "F2.pdf", "F2.xml"]


def test_what_is_on_its_way_is_counted_and_not_shown(client: httpx.Client, people: httpx.Client) -> None:
    put(client, "F1.pdf", ".ingisfs-7-1.part", ".ingisfs-8-1.part")
    page = people.get("/received").text
    assert names_on(page) == ["F1.pdf"]
    assert "1 document, 2 onderweg" in page
    assert "onderweg" not in (client.delete("/inbox/.ingisfs-7-1.part"), people.get("/received?lang=en"))[1].text
    client.delete("/inbox/.ingisfs-8-1.part")
    assert "onderweg" not in people.get("/received").text


def test_a_document_was_received_when_it_got_its_name(client: httpx.Client, people: httpx.Client) -> None:
    put(client, ".ingisfs-1.part", "F2.pdf")
    client.request("MOVE", "/inbox/.ingisfs-1.part", headers={"Destination": "/inbox/F1.pdf"})
    assert names_on(people.get("/received").text) == ["F1.pdf", "F2.pdf"]


def test_a_name_with_markup_is_only_a_name(client: httpx.Client, people: httpx.Client, stage: Running) -> None:
    name = "<script>alert('x')<\u2215script>&amp;\"onload=\".pdf"
    client.put(f"/inbox/{name.replace('&', '%26')}", content=b"een")
    assert stage.names() == [name]
    page = people.get("/received").text
    assert "<script>" not in page
    assert "&lt;script&gt;alert(&#39;x&#39;)" in page
    assert "&amp;amp;&#34;onload=&#34;.pdf</a>" in page
    (link,) = re.findall(r'<td class="name"><a href="([^"]*)">', page)
    assert client.get(link).content == b"een"


def test_the_page_is_dutch_and_on_request_english(people: httpx.Client) -> None:
    assert "Ontvangen documenten" in people.get("/received").text
    assert "Ontvangen documenten" in people.get("/received?lang=<b>").text
    english = people.get("/received?lang=en").text
    assert '<html lang="en">' in english
    assert "Documents received" in english
    assert "Nothing received yet" in english
    assert "Documents received" in people.get("/received").text  # it stays so
    assert "Ontvangen documenten" in people.get("/received?lang=nl").text


def test_documents_in_folders_are_shown_with_their_folder(client: httpx.Client, people: httpx.Client) -> None:
    client.request("MKCOL", "/inbox/map")
    put(client, "map/F1.pdf", "F1.xml")
    assert names_on(people.get("/received").text) == ["F1.xml", "map/F1.pdf"]


def test_ten_thousand_documents_are_counted_and_the_newest_500_shown(
    client: httpx.Client, people: httpx.Client, stage: Running
) -> None:
    for number in range(10_000):
        file = stage.inbox / f"F{number}.pdf"
        file.touch()
        os.utime(file, (1_700_000_000 + number,) * 2)
    page = people.get("/received").text
    assert "10000 documenten" in page
    assert names_on(page) == [f"F{number}.pdf" for number in range(9_999, 9_499, -1)]
    assert len(client.get("/inbox.json").json()) == 10_000


def test_the_json_list_tells_name_size_hash_and_time(client: httpx.Client) -> None:
    before = datetime.now(UTC)
    put(client, "F2.pdf", ".ingisfs-1.part", AWKWARD.replace("%", "%25").replace("#", "%23"))
    answer = client.get("/inbox.json")
    assert answer.headers["Content-Type"] == "application/json"
    assert [document["name"] for document in answer.json()] == ["F2.pdf", ".ingisfs-1.part", AWKWARD]
    for document in answer.json():
        assert set(document) == {"name", "size", "sha256", "received_at"}
        assert (document["size"], document["sha256"]) == (60_250, hashlib.sha256(b"x" * 60_250).hexdigest())
        received = datetime.fromisoformat(document["received_at"])
        assert received.utcoffset() == timedelta(0)
        assert before <= received <= datetime.now(UTC)


def test_the_views_are_only_for_looking(client: httpx.Client, people: httpx.Client) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert client.request(method, "/inbox.json").status_code == 405
        assert people.request(method, "/received").status_code == 405
