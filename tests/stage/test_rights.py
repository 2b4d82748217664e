"""Rights that are taken away from the stage's own folder are said as such in each protocol; nothing has changed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from ingisfs.stage import failures
from ingisfs.stage.upload import allowed
from tests.stage.harness import PASSWORD, USER, Process, Running, csrf_of, logged_in, stage_process, visitor

# So that rights hold for root, as whom the tests run, too.
MORTAL = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    with stage_process(tmp_path / "stage", before=MORTAL) as made:
        yield made


@contextmanager
def without_rights(folder: Path, mode: int = 0o555) -> Iterator[None]:
    """Take rights away from a folder, and give them back."""
    before = folder.stat().st_mode
    folder.chmod(mode)
    try:
        yield
    finally:
        folder.chmod(before)


def put(client: httpx.Client, draft: str, content: bytes) -> httpx.Response:
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return client.put(f"/api/drafts/{draft}", content=content, headers={"Content-Digest": f"sha-256=:{digest}:"})


def create(client: httpx.Client, draft: str, name: str) -> httpx.Response:
    headers = {"Idempotency-Key": f'"key-{draft}"'}
    return client.post("/api/documents", json={"draft": draft, "name": name}, headers=headers)


def no_rights(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["type"]) == (403, "/api/problems/no-rights"), answer.text
    assert "rechten" in answer.json()["detail"]


def test_the_api_says_that_it_has_no_rights_and_does_the_same_later(process: Process) -> None:
    running = process.ready()
    with logged_in(running) as client:
        assert put(client, ".ingisfs-1.part", b"een").status_code == 201
        with without_rights(running.inbox):
            no_rights(put(client, ".ingisfs-2.part", b"twee"))
            no_rights(create(client, ".ingisfs-1.part", "F1.pdf"))
            no_rights(client.delete("/api/drafts/.ingisfs-1.part"))
            assert client.get("/api/receipts").json() == {"receipts": []}
        assert running.names() == [".ingisfs-1.part"]
        assert create(client, ".ingisfs-1.part", "F1.pdf").status_code == 201
        assert put(client, ".ingisfs-2.part", b"twee").status_code == 201
        with without_rights(running.inbox, 0o000):
            no_rights(client.get("/api/documents/F1.pdf"))
            no_rights(client.get("/api/content/F1.pdf"))
        with without_rights(running.incoming):
            no_rights(put(client, ".ingisfs-3.part", b"drie"))
        assert client.get("/api/content/F1.pdf").content == b"een"
    assert list(running.incoming.iterdir()) == []


def test_webdav_says_so_too(process: Process) -> None:
    running = process.ready()
    with logged_in(running) as client:
        client.put("/inbox/F1.pdf", content=b"een").raise_for_status()
        with without_rights(running.inbox):
            answers = [
                client.put("/inbox/F2.pdf", content=b"twee"),
                client.request("MOVE", "/inbox/F1.pdf", headers={"Destination": "/inbox/F3.pdf"}),
                client.delete("/inbox/F1.pdf"),
                client.request("MKCOL", "/inbox/map"),
            ]
            for answer in answers:
                assert answer.status_code == 403
                assert "rechten" in answer.text
        assert running.names() == ["F1.pdf"]
        with without_rights(running.inbox, 0o000):
            assert client.get("/inbox/F1.pdf").status_code == 403
            assert client.request("PROPFIND", "/inbox/", headers={"Depth": "1"}).status_code == 403
        assert client.get("/inbox/F1.pdf").content == b"een"


def test_an_upload_on_the_page_is_answered_with_a_sentence(process: Process) -> None:
    running: Running = process.ready()
    with closing(visitor(running, USER, PASSWORD)) as king, without_rights(running.inbox):
        headers = {"X-CSRF": csrf_of(king)}
        answer = king.post("/upload/file?name=F1.pdf", content=b"een", headers=headers)
        assert answer.status_code == 422
        assert "rechten" in answer.json()["text"]
        assert king.get("/").status_code == 200
        running.inbox.chmod(0o000)
        page = king.get("/received")
        assert page.status_code == 503
        assert "rechten" in page.text


@pytest.mark.parametrize("number", [1, 13, 30])
def test_what_forbids_is_told_from_other_trouble(number: int) -> None:
    with pytest.raises(failures.NoRightsError), allowed("F1.pdf"):
        raise OSError(number, "no")
    with pytest.raises(OSError, match="full"), allowed("F1.pdf"):
        raise OSError(28, "full")
