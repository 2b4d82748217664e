"""The stage's side of the API: each request, each refusal, and that a document is made once."""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema
import pytest

from ingisfs.outbox.document import new_id
from ingisfs.stage import failures
from ingisfs.stage.inbox import Inbox
from ingisfs.stage.receipts import Receipts
from tests.servers import wait_for
from tests.stage.harness import AWKWARD, PASSWORD, SIZE_LIMIT, USER, Running, begin_put, raw

OPENAPI = json.loads((Path(__file__).parent.parent.parent / "docs" / "ingis-api.json").read_text("utf-8"))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def digest_of(data: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


def temporary() -> str:
    return f".ingisfs-{new_id()}-1.part"


def put(client: httpx.Client, name: str, data: bytes, digest: str | None = None) -> httpx.Response:
    headers = {"Content-Digest": digest_of(data) if digest is None else digest}
    return client.put(f"/api/drafts/{quote(name)}", content=data, headers=headers)


def create(client: httpx.Client, draft: str, name: str, key: str | None = None, **more: str) -> httpx.Response:
    headers = {"Idempotency-Key": f'"{key or new_id()}"'}
    return client.post("/api/documents", json={"draft": draft, "name": name, **more}, headers=headers)


def kind(answer: httpx.Response) -> str:
    """The last part of a problem's type; the answer is checked to be a problem."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    assert answer.json()["detail"]
    return str(answer.json()["type"]).removeprefix("/api/problems/")


def told(client: httpx.Client, after: str = "") -> list[dict[str, Any]]:
    receipts: list[dict[str, Any]] = []
    while page := client.get("/api/receipts", params={"after": after, "limit": 1000}).json()["receipts"]:
        receipts += page
        after = page[-1]["cursor"]
    return receipts


@pytest.fixture
def end(client: httpx.Client) -> str:
    """Where the feed ended before the test."""
    return next((receipt["cursor"] for receipt in reversed(told(client))), "")


# Who may


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", "/api"),
        ("PUT", "/api/drafts/.ingisfs-a-1.part"),
        ("POST", "/api/documents"),
        ("GET", "/api/content/F1.pdf"),
        ("GET", "/api/receipts"),
        ("GET", "/api/nothing"),
    ],
)
@pytest.mark.parametrize("password", [None, "wrong"])
def test_nobody_gets_in_without_the_password_of_the_inbox(
    stage: Running, method: str, address: str, password: str | None
) -> None:
    auth = None if password is None else (USER, password)
    answer = httpx.request(method, stage.root + address, auth=auth, content=b"x", trust_env=False)
    assert answer.status_code == 401
    assert stage.names() == []


def test_the_api_says_what_it_is(client: httpx.Client) -> None:
    assert client.get("/api").json() == {"api": "ingis", "version": 1}


def test_what_came_by_the_api_is_in_the_inbox_like_what_came_by_webdav(
    people: httpx.Client, client: httpx.Client, stage: Running
) -> None:
    draft = temporary()
    put(client, draft, b"een")
    assert client.get(f"/inbox/{draft}").content == b"een"
    create(client, draft, AWKWARD)
    client.put("/inbox/F2.pdf", content=b"twee")
    assert stage.names() == sorted([AWKWARD, "F2.pdf"])
    assert [row["name"] for row in client.get("/inbox.json").json()] == [AWKWARD, "F2.pdf"]
    assert client.get("/api/content/F2.pdf").content == b"twee"
    assert client.get("/api/documents/F2.pdf").json()["sha256"] == sha256(b"twee")
    assert AWKWARD.replace("&", "&amp;") in people.get("/received").text


# Drafts


@pytest.mark.parametrize(
    "digest", ["", "sha-256=:AAAA:", "sha-256=abc", "md5=:AAAA:", digest_of(b"x").replace("sha-256", "sha-512")]
)
def test_a_draft_without_a_digest_is_refused(client: httpx.Client, stage: Running, digest: str) -> None:
    answer = put(client, temporary(), b"x", digest)
    assert (answer.status_code, kind(answer)) == (400, "bad-request")
    assert stage.names() == []


def test_the_digest_may_stand_among_others(client: httpx.Client) -> None:
    assert put(client, temporary(), b"x", f"md5=:AAAA:, {digest_of(b'x')}").status_code == 201


def test_bytes_that_are_not_those_of_the_digest_are_not_kept(client: httpx.Client, stage: Running) -> None:
    answer = put(client, temporary(), b"x" * 3_000_000, digest_of(b"y"))
    assert (answer.status_code, kind(answer)) == (422, "digest-mismatch")
    assert stage.names() == []


def test_half_a_body_is_never_there(client: httpx.Client, stage: Running) -> None:
    draft = temporary()
    headers = f"/api/drafts/{draft} HTTP/1.1\r\nContent-Digest: {digest_of(b'x' * 2_000_000)}\r\nX:"
    with begin_put(stage, headers, 2_000_000) as connection:
        connection.sendall(b"x" * 1_500_000)
        wait_for(lambda: list(stage.incoming.iterdir()), "the body to spill")
        assert client.get(f"/api/drafts/{draft}").status_code == 404
        assert stage.names() == []
    wait_for(lambda: not list(stage.incoming.iterdir()), "the half body to go")
    assert client.get(f"/api/drafts/{draft}").status_code == 404


@pytest.mark.parametrize("length", [True, False])
def test_more_than_the_stage_takes_is_refused(client: httpx.Client, stage: Running, length: bool) -> None:
    content = b"x" * (SIZE_LIMIT + 1)
    headers = {"Content-Digest": digest_of(content)}
    body: bytes | Iterator[bytes] = content if length else iter([content[:100], content[100:]])
    answer = client.put(f"/api/drafts/{temporary()}", content=body, headers=headers)
    assert (answer.status_code, kind(answer)) == (413, "too-large")
    assert stage.names() == []


@pytest.mark.parametrize("name", ["F1.pdf", "..%2Fx", ".ingisfs-%00", "a/b/.ingisfs-a-1.part", "", ".ingisfs-%ff"])
def test_a_draft_has_a_temporary_name(stage: Running, name: str) -> None:
    status, body = raw(stage, "PUT", f"/api/drafts/{name}", {"Content-Digest": digest_of(b"x")}, b"x")
    assert (status, json.loads(body)["type"]) in {(422, "/api/problems/name-refused"), (409, "/api/problems/no-folder")}
    assert stage.names() == []


def test_a_draft_is_put_once_and_never_with_other_bytes(client: httpx.Client) -> None:
    draft = temporary()
    assert put(client, draft, b"een").status_code == 201
    assert put(client, draft, b"een").status_code == 200
    answer = put(client, draft, b"twee")
    assert (answer.status_code, kind(answer)) == (409, "draft-taken")
    create(client, draft, "F1.pdf")
    answer = put(client, draft, b"een")  # a proxy that repeats it much later
    assert (answer.status_code, kind(answer)) == (409, "draft-taken")


def test_drafts_are_listed_told_and_removed_until_they_are_documents(client: httpx.Client, stage: Running) -> None:
    one, two = sorted([temporary(), temporary()])
    for draft in (one, two):
        put(client, draft, b"een")
    client.put("/inbox/F2.pdf", content=b"twee")
    listed = client.get("/api/drafts").json()["drafts"]
    assert listed == [{"name": draft, "size": 3, "sha256": sha256(b"een")} for draft in (one, two)]
    assert client.get(f"/api/drafts/{one}").json() == {**listed[0], "document": None}
    made = create(client, one, "F1.pdf").json()
    assert client.get("/api/drafts").json()["drafts"] == listed[1:]
    assert client.get(f"/api/drafts/{one}").json() == {**listed[0], "document": made}
    for draft in (one, two, temporary()):
        assert client.delete(f"/api/drafts/{draft}").status_code == 204
    assert client.get(f"/api/drafts/{one}").json()["document"] == made
    assert stage.names() == ["F1.pdf", "F2.pdf"]


@pytest.mark.parametrize("collection", ["drafts", "documents"])
def test_documents_cannot_be_removed(client: httpx.Client, stage: Running, collection: str) -> None:
    client.put("/inbox/F1.pdf", content=b"een")
    assert client.delete(f"/api/{collection}/F1.pdf").status_code in {405, 422}
    assert stage.names() == ["F1.pdf"]


# Documents


def test_the_same_key_is_answered_with_the_same_receipt(client: httpx.Client, stage: Running, end: str) -> None:
    draft, key = temporary(), new_id()
    put(client, draft, b"een")
    made = create(client, draft, "F1.pdf", key)
    assert made.status_code == 201
    (stage.inbox / "F1.pdf").unlink()
    again = create(client, draft, "F1.pdf", key)
    assert (again.status_code, again.json()) == (200, made.json())
    later = temporary()
    put(client, later, b"een")
    again = create(client, later, "F1.pdf", key)
    assert (again.status_code, again.json()) == (200, made.json())
    assert stage.names() == [later]
    assert [(r["name"], r["state"], r["key"]) for r in told(client, end)] == [("F1.pdf", "received", key)]


def test_a_key_makes_no_second_document(client: httpx.Client, stage: Running) -> None:
    one, two, key = temporary(), temporary(), new_id()
    put(client, one, b"een")
    put(client, two, b"twee")
    create(client, one, "F1.pdf", key)
    for draft, name in ((two, "F1.pdf"), (two, "F2.pdf"), (one, "F2.pdf")):
        answer = create(client, draft, name, key)
        assert (answer.status_code, kind(answer)) == (422, "key-reused")
    assert stage.names() == sorted([two, "F1.pdf"])


def test_many_at_once_with_one_key_make_one_document(client: httpx.Client, end: str) -> None:
    draft, key = temporary(), new_id()
    put(client, draft, b"een")
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: create(client, draft, "F1.pdf", key), range(24)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 23}
    assert len({answer.json()["receipt"] for answer in answers}) == 1
    assert len(told(client, end)) == 1


def test_many_at_once_for_one_name_make_one_document(client: httpx.Client, end: str) -> None:
    drafts = [temporary() for _ in range(12)]
    for number, draft in enumerate(drafts):
        put(client, draft, str(number).encode())
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda draft: create(client, draft, "F1.pdf"), drafts))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 11}
    assert {kind(answer) for answer in answers if answer.status_code == 409} == {"name-taken"}
    assert len(told(client, end)) == 1


def test_a_taken_name_is_replaced_only_if_it_is_the_one_that_is_meant(client: httpx.Client, stage: Running) -> None:
    client.put("/inbox/F1.pdf", content=b"een")
    draft = temporary()
    put(client, draft, b"twee")
    for wrong in ({}, {"replaces": sha256(b"drie")}, {"replaces": ""}):
        answer = create(client, draft, "F1.pdf", **wrong)
        assert (answer.status_code, kind(answer)) == (409, "name-taken")
    assert create(client, draft, "F1.pdf", replaces=sha256(b"een")).status_code == 201
    assert (stage.inbox / "F1.pdf").read_bytes() == b"twee"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", (422, "name-refused")),
        ("..", (422, "name-refused")),
        ("../x.pdf", (422, "name-refused")),
        ("/etc/x.pdf", (422, "name-refused")),
        ("a\x00.pdf", (422, "name-refused")),
        ("x" * 256, (422, "name-refused")),
        ("map/F1.pdf", (409, "no-folder")),
        ("a/b/F1.pdf", (409, "no-folder")),
    ],
)
def test_names_that_cannot_be_are_refused_and_the_draft_stays(
    client: httpx.Client, stage: Running, name: str, problem: tuple[int, str]
) -> None:
    draft, key = temporary(), new_id()
    put(client, draft, b"een")
    answer = create(client, draft, name, key)
    assert (answer.status_code, kind(answer)) == problem
    assert stage.names() == [draft]
    assert create(client, draft, "F1.pdf", key).status_code == 201  # nothing was done with the key


@pytest.mark.parametrize("key", ["", '""', "no-quotes", '"a b"', '"a', '"' + "x" * 201 + '"', '"a\\"b"'])
def test_a_document_needs_a_key(client: httpx.Client, stage: Running, key: str) -> None:
    draft = temporary()
    put(client, draft, b"een")
    headers = {"Idempotency-Key": key} if key else {}
    answer = client.post("/api/documents", json={"draft": draft, "name": "F1.pdf"}, headers=headers)
    assert (answer.status_code, kind(answer)) == (400, "bad-request")
    assert stage.names() == [draft]


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b"[" * 60_000, "application/json"),
        (b'{"draft": 1, "name": "F1.pdf"}', "application/json"),
        (b'{"draft": ".ingisfs-a-1.part"}', "application/json"),
        (b'{"draft": ".ingisfs-a-1.part", "name": "F1.pdf", "overwrite": "yes"}', "application/json"),
        (b'{"draft": ".ingisfs-a-1.part", "name": "F1.pdf"}', "text/plain"),  # what another site's form could send
        (b'{"draft": ".ingisfs-a-1.part", "name": "' + b"x" * 70_000 + b'"}', "application/json"),
    ],
)
def test_a_body_that_is_none_is_refused(client: httpx.Client, content: bytes, content_type: str) -> None:
    headers = {"Idempotency-Key": '"a"', "Content-Type": content_type}
    answer = client.post("/api/documents", content=content, headers=headers)
    assert (answer.status_code, kind(answer)) == (400, "bad-request")


@pytest.mark.parametrize("draft", [".ingisfs-none-1.part", "F2.pdf", "", "../x", "a/b/c"])
def test_only_a_draft_becomes_a_document(client: httpx.Client, stage: Running, draft: str) -> None:
    client.put("/inbox/F2.pdf", content=b"twee")
    answer = create(client, draft, "F1.pdf")
    assert (answer.status_code, kind(answer)) == (404, "no-draft")
    assert stage.names() == ["F2.pdf"]


@pytest.mark.parametrize("collection", ["drafts", "documents", "content"])
def test_what_is_not_there_is_said_to_be_not_there(client: httpx.Client, stage: Running, collection: str) -> None:
    (stage.inbox / "map").mkdir()
    for name in ("F1.pdf", "map", "a/b/c", ".ingisfs-none-1.part"):
        answer = client.get(f"/api/{collection}/{name}")
        assert (answer.status_code, kind(answer)) == (404, "not-found")


@pytest.mark.parametrize("address", ["/api/nothing", "/api/content", "/api/receipts/1", "/api/", "/api/drafts/a/b/c"])
def test_other_addresses_and_methods_are_refused(client: httpx.Client, address: str) -> None:
    answer = client.post(address)
    assert (answer.status_code, kind(answer)) in {(404, "address-unknown"), (405, "method")}


def test_a_folder_keeps_its_documents_apart(client: httpx.Client, stage: Running) -> None:
    (stage.inbox / "map é").mkdir()
    draft = f"map é/{temporary()}"
    put(client, draft, b"een")
    assert [row["name"] for row in client.get("/api/drafts", params={"folder": "map é"}).json()["drafts"]] == [draft]
    assert client.get("/api/drafts").json()["drafts"] == []
    assert kind(client.get("/api/drafts", params={"folder": "nergens"})) == "not-found"
    create(client, draft, f"map é/{AWKWARD}")
    answer = client.get(f"/api/content/{quote('map é/' + AWKWARD)}")
    assert (answer.content, answer.headers["Content-Digest"]) == (b"een", digest_of(b"een"))


# Receipts


def test_the_feed_goes_on_behind_a_cursor_and_never_changes(client: httpx.Client, end: str) -> None:
    for number in range(5):
        draft = temporary()
        put(client, draft, str(number).encode())
        create(client, draft, f"F{number}.pdf")
    page = client.get("/api/receipts", params={"after": end, "limit": "2"}).json()["receipts"]
    everything = told(client, end)
    assert [receipt["name"] for receipt in everything] == [f"F{number}.pdf" for number in range(5)]
    assert page == everything[:2]
    assert told(client, page[-1]["cursor"]) == everything[2:]
    assert told(client, everything[-1]["cursor"]) == []


@pytest.mark.parametrize(
    "query", ["after=x", "after=-1", "limit=-1", "limit=0", "limit=1.5", "after=" + "9" * 30, "after=%C2%B2"]
)
def test_a_cursor_that_is_none_is_refused(client: httpx.Client, query: str) -> None:
    answer = client.get(f"/api/receipts?{query}")
    assert (answer.status_code, kind(answer)) == (400, "bad-request")


# Below HTTP: what a failure or a death in the middle leaves


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], tuple[Inbox, Receipts]]]:
    """Open a stage's inbox and receipts, as often as a process would."""
    made: list[tuple[Inbox, Receipts]] = []

    def close() -> None:
        for one in made:
            one[1].close()
            one[0].close()
        made.clear()

    def open_() -> tuple[Inbox, Receipts]:
        close()
        inbox = Inbox(tmp_path)
        made.append((inbox, Receipts(tmp_path, inbox, "king")))
        return made[0]

    yield open_
    close()


def kept(inbox: Inbox, receipts: Receipts, draft: str, data: bytes) -> None:
    upload = inbox.upload()
    upload.add(data)
    receipts.keep(upload, (draft,), sha256(data))
    upload.discard()


class DeathError(BaseException):
    """The process ends here."""


def die(*_: object, **__: object) -> None:
    raise DeathError


@pytest.mark.parametrize("restarts", [True, False])
def test_a_death_before_the_rename_made_nothing(
    opened: Callable[[], tuple[Inbox, Receipts]], monkeypatch: pytest.MonkeyPatch, restarts: bool
) -> None:
    inbox, receipts = opened()
    draft = temporary()
    kept(inbox, receipts, draft, b"een")
    with monkeypatch.context() as patched:
        patched.setattr(inbox, "move", die)
        with pytest.raises(DeathError):
            receipts.create("k", (draft,), ("F1.pdf",))
    inbox, receipts = opened() if restarts else (inbox, receipts)
    assert receipts.after(0, 10) == []
    made, new = receipts.create("k", (draft,), ("F1.pdf",))
    assert (new, made.name) == (True, "F1.pdf")
    assert [receipt.state for receipt in receipts.after(0, 10)] == ["received"]


@pytest.mark.parametrize("restarts", [True, False])
def test_a_death_behind_the_rename_made_the_document_and_its_receipt(
    opened: Callable[[], tuple[Inbox, Receipts]], monkeypatch: pytest.MonkeyPatch, restarts: bool
) -> None:
    inbox, receipts = opened()
    draft = temporary()
    kept(inbox, receipts, draft, b"een")
    with monkeypatch.context() as patched:
        patched.setattr(receipts, "_finish", die)
        with pytest.raises(DeathError):
            receipts.create("k", (draft,), ("F1.pdf",))
    inbox, receipts = opened() if restarts else (inbox, receipts)
    inbox.delete(("F1.pdf",))  # INGIS has collected it
    made, new = receipts.create("k", (draft,), ("F1.pdf",))
    assert (new, made.name) == (False, "F1.pdf")
    assert [(receipt.state, receipt.key) for receipt in receipts.after(0, 10)] == [("received", "k")]


def test_keys_and_receipts_belong_to_their_user(tmp_path: Path) -> None:
    for user in ("king", "keizer"):
        (tmp_path / user).mkdir()
        with closing(Inbox(tmp_path / user)) as inbox, closing(Receipts(tmp_path, inbox, user)) as receipts:
            draft = temporary()
            kept(inbox, receipts, draft, b"een")
            assert receipts.create("k", (draft,), ("F1.pdf",))[1]
            receipts.tell(("F1.pdf",), sha256(b"een"), "collected")
            assert [(told.name, told.key, told.state) for told in receipts.after(0, 10)] == [
                ("F1.pdf", "k", "received"),
                ("F1.pdf", "k", "collected"),
            ]


def test_what_ingis_says_later_has_the_key_of_the_document(opened: Callable[[], tuple[Inbox, Receipts]]) -> None:
    inbox, receipts = opened()
    draft = temporary()
    kept(inbox, receipts, draft, b"een")
    receipts.create("k", (draft,), ("F1.pdf",))
    receipts.tell(("F1.pdf",), sha256(b"een"), "collected")
    receipts.tell(("F2.xml",), sha256(b"twee"), "refused", "geen debiteur")
    assert [(r.name, r.key, r.state, r.reason) for r in receipts.after(1, 10)] == [
        ("F1.pdf", "k", "collected", ""),
        ("F2.xml", "", "refused", "geen debiteur"),
    ]


def test_a_draft_that_somebody_took_in_between_is_no_document(
    opened: Callable[[], tuple[Inbox, Receipts]], monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox, receipts = opened()
    draft = temporary()
    kept(inbox, receipts, draft, b"een")
    move = inbox.move

    def taken(*places: Any, **more: Any) -> Any:
        inbox.delete((draft,))
        return move(*places, **more)

    monkeypatch.setattr(inbox, "move", taken)
    with pytest.raises(failures.NotThereError):
        receipts.create("k", (draft,), ("F1.pdf",))
    with pytest.raises(failures.NoDraftError):
        receipts.create("k", (draft,), ("F1.pdf",))
    assert receipts.after(0, 10) == []


def test_keys_and_receipts_survive_a_power_cut(client: httpx.Client, shared_stage: Running) -> None:
    draft = temporary()
    put(client, draft, b"een")
    create(client, draft, "F1.pdf")
    with closing(sqlite3.connect(f"file:{shared_stage.folder / 'stage.db'}?mode=ro", uri=True)) as db:
        assert db.execute("SELECT done FROM creations WHERE draft = ?", (draft,)).fetchall() == [(1,)]


# What docs/ingis-api.json says


def test_the_description_names_every_address_and_method_and_no_other(client: httpx.Client) -> None:
    for path, methods in OPENAPI["paths"].items():
        address = f"/api{path}".replace("{name}", "x").removesuffix("/")
        allowed = client.request("PATCH", address).headers["Allow"].split(", ")
        assert sorted(allowed) == sorted(method.upper() for method in methods if method != "parameters"), path
    assert len(OPENAPI["paths"]) == 7


def test_answers_are_as_the_description_says(client: httpx.Client) -> None:
    def fits(answer: httpx.Response, path: str, method: str) -> None:
        said = OPENAPI["paths"][path][method]["responses"][str(answer.status_code)]
        while "$ref" in said:
            said = OPENAPI["components"]["responses"][said["$ref"].rpartition("/")[2]]
        content_type = answer.headers["content-type"]
        schema = {**said["content"][content_type]["schema"], "components": OPENAPI["components"]}
        jsonschema.validate(answer.json(), schema)

    draft = temporary()
    fits(client.get("/api"), "/", "get")
    fits(put(client, draft, b"een"), "/drafts/{name}", "put")
    fits(client.get(f"/api/drafts/{draft}"), "/drafts/{name}", "get")
    fits(client.get("/api/drafts"), "/drafts", "get")
    fits(create(client, draft, "F1.pdf", "k1-described"), "/documents", "post")
    fits(create(client, draft, "F1.pdf", "k1-described"), "/documents", "post")
    fits(create(client, draft, "F2.pdf", "k1-described"), "/documents", "post")
    fits(create(client, draft, "F2.pdf"), "/documents", "post")
    fits(client.get(f"/api/drafts/{draft}"), "/drafts/{name}", "get")
    fits(put(client, draft, b"een"), "/drafts/{name}", "put")
    fits(put(client, temporary(), b"een", "x"), "/drafts/{name}", "put")
    fits(put(client, temporary(), b"een", digest_of(b"twee")), "/drafts/{name}", "put")
    fits(client.get("/api/documents/F1.pdf"), "/documents/{name}", "get")
    fits(client.get("/api/documents/F2.pdf"), "/documents/{name}", "get")
    fits(client.get("/api/content/F2.pdf"), "/content/{name}", "get")
    fits(client.get("/api/receipts"), "/receipts", "get")
    fits(client.get("/api/receipts?after=x"), "/receipts", "get")
    assert PASSWORD not in client.get("/api/receipts").text
