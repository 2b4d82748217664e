"""A document is there whole or not at all, whatever happens to its upload."""

from __future__ import annotations

import os
import signal
import socket
import stat
import struct
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from ingisfs.stage.inbox import Inbox
from ingisfs.stage.upload import Upload
from tests.servers import wait_for
from tests.stage.harness import SIZE_LIMIT, Running, begin_put, listed, logged_in, stage_process

MIB = 1024 * 1024


def answer_of(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as stream:
        return stream.readline()


def reset(connection: socket.socket) -> None:
    """Close as a machine does that loses its network: no farewell."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


# Broken off


@pytest.mark.parametrize("close", [socket.socket.close, reset])
@pytest.mark.parametrize("sent", [0, 1000, 3 * MIB])
def test_a_body_that_breaks_off_leaves_nothing(stage: Running, client: httpx.Client, sent: int, close: object) -> None:
    connection = begin_put(stage, "/inbox/F1.pdf", 4 * MIB)
    connection.sendall(b"x" * sent)
    if sent > MIB:
        wait_for(lambda: list(stage.incoming.iterdir()), "the body to spill")
    assert stage.names() == []
    assert callable(close)
    close(connection)
    no_private_files(stage)
    assert client.get("/inbox/F1.pdf").status_code == 404
    assert list(listed(client.request("PROPFIND", "/inbox/", headers={"Depth": "1"}))) == ["/inbox/"]


def test_a_body_shorter_than_announced_leaves_nothing(stage: Running, client: httpx.Client) -> None:
    connection = begin_put(stage, "/inbox/F1.pdf", 1000)
    connection.sendall(b"x" * 999)
    connection.shutdown(socket.SHUT_WR)
    assert answer_of(connection) == b""  # no success
    connection.close()
    assert stage.names() == []
    assert client.get("/inbox/F1.pdf").status_code == 404


def test_a_chunked_body_without_its_end_leaves_nothing(stage: Running, client: httpx.Client) -> None:
    connection = begin_put(stage, "/inbox/F1.pdf", None)
    connection.sendall(b"5\r\nhallo\r\n")
    connection.shutdown(socket.SHUT_WR)
    assert answer_of(connection) == b""
    connection.close()
    assert client.get("/inbox/F1.pdf").status_code == 404


def test_a_put_that_breaks_off_leaves_the_earlier_document(stage: Running, client: httpx.Client) -> None:
    client.put("/inbox/F1.pdf", content=b"eerste")
    connection = begin_put(stage, "/inbox/F1.pdf", 4 * MIB)
    connection.sendall(b"x" * 3 * MIB)
    wait_for(lambda: list(stage.incoming.iterdir()), "the body to spill")
    assert client.get("/inbox/F1.pdf").content == b"eerste"
    connection.close()
    no_private_files(stage)
    assert client.get("/inbox/F1.pdf").content == b"eerste"


def no_private_files(stage: Running) -> None:
    """What was half taken in goes after its answer."""
    wait_for(lambda: not list(stage.incoming.iterdir()), "no private files")


def test_a_refused_put_leaves_no_private_file(stage: Running, client: httpx.Client) -> None:
    client.put("/inbox/F1.pdf", content=b"eerste")
    answer = client.put("/inbox/F1.pdf", content=b"x" * 3 * MIB, headers={"If-None-Match": "*"})
    assert answer.status_code == 412
    no_private_files(stage)


# Chunked and too large


def test_a_chunked_body_is_taken(client: httpx.Client) -> None:
    def pieces() -> Iterator[bytes]:
        for number in range(30):
            yield bytes([number]) * 100_000

    assert client.put("/inbox/F1.pdf", content=pieces()).status_code == 201
    assert client.get("/inbox/F1.pdf").content == b"".join(pieces())


def test_a_document_of_just_the_limit_is_taken(client: httpx.Client, stage: Running) -> None:
    assert client.put("/inbox/F1.pdf", content=b"x" * SIZE_LIMIT).status_code == 201
    assert (stage.inbox / "F1.pdf").stat().st_size == SIZE_LIMIT


def test_a_document_over_the_limit_is_refused_before_its_body_is_sent(stage: Running) -> None:
    with closing(begin_put(stage, "/inbox/F1.pdf", SIZE_LIMIT + 1)) as connection:
        assert answer_of(connection).startswith(b"HTTP/1.1 413 ")
    assert stage.names() == []


def test_a_document_that_grows_over_the_limit_is_refused(stage: Running, client: httpx.Client) -> None:
    pieces = (b"x" * MIB for _ in range(SIZE_LIMIT // MIB + 1))
    answer = client.put("/inbox/F1.pdf", content=pieces)
    assert answer.status_code == 413
    assert "8 MiB" in answer.text
    assert stage.names() == []
    no_private_files(stage)
    assert client.put("/inbox/F1.pdf", content=b"klein").status_code == 201  # on the same connection


def test_a_full_disk_is_507_and_leaves_nothing(
    stage: Running, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object, **_more: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ingisfs.stage.upload.os.write", full)
    answer = client.put("/inbox/F1.pdf", content=b"een")
    monkeypatch.undo()
    assert answer.status_code == 507
    assert stage.names() == []
    no_private_files(stage)


# Killed


def test_kill_9_in_an_upload_leaves_nothing_of_it_and_all_of_what_came_before(tmp_path: Path) -> None:
    with stage_process(tmp_path / "stage") as process:
        running = process.ready()
        with logged_in(running) as client:
            etag = client.put("/inbox/.ingisfs-1.part", content=b"eerste").headers["ETag"]
            client.request("MOVE", "/inbox/.ingisfs-1.part", headers={"Destination": "/inbox/F1.pdf"})
            received = client.get("/inbox.json").json()
        connection = begin_put(running, "/inbox/F2.pdf", 4 * MIB)
        connection.sendall(b"x" * 3 * MIB)
        wait_for(lambda: list(running.incoming.iterdir()), "the body to spill")
        process.popen.kill()
        assert process.finish()[0] == -signal.SIGKILL
        connection.close()
    assert running.names() == ["F1.pdf"]
    assert list(running.incoming.iterdir())
    with stage_process(tmp_path / "stage") as process:
        running = process.ready()
        assert list(running.incoming.iterdir()) == []
        with logged_in(running) as client:
            assert client.head("/inbox/F1.pdf").headers["ETag"] == etag
            assert client.get("/inbox.json").json() == received
            assert client.get("/inbox/F2.pdf").status_code == 404


def test_kill_9_under_load_keeps_all_that_was_acknowledged_and_no_half(tmp_path: Path) -> None:
    acknowledged: dict[str, bytes] = {}
    for attempt in range(3):
        with stage_process(tmp_path / "stage") as process:
            running = process.ready()

            def work(worker: int, running: Running = running, attempt: int = attempt) -> None:
                with logged_in(running) as client:
                    for number in range(10_000):
                        name, content = f"{attempt}-{worker}-{number}.pdf", os.urandom(50_000) + b"%%EOF"
                        try:
                            client.put(f"/inbox/.ingisfs-{name}", content=content).raise_for_status()
                            headers = {"Destination": f"/inbox/{name}", "Overwrite": "F"}
                            client.request("MOVE", f"/inbox/.ingisfs-{name}", headers=headers).raise_for_status()
                        except httpx.TransportError:
                            return
                        acknowledged[name] = content

            before = len(acknowledged)
            workers = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
            for worker in workers:
                worker.start()
            wait_for(lambda before=before: len(acknowledged) >= before + 30, "30 documents")  # type: ignore[misc]
            process.popen.kill()
            for worker in workers:
                worker.join()
    for file in (tmp_path / "stage" / "inbox").iterdir():
        assert file.stat().st_size == 50_005
        assert file.read_bytes().endswith(b"%%EOF")
    for name, content in acknowledged.items():
        assert (tmp_path / "stage" / "inbox" / name).read_bytes() == content


# In the modules themselves


def test_an_upload_discarded_while_it_was_being_kept_never_becomes_half_a_document(tmp_path: Path) -> None:
    """At a forced stop the task is cancelled, but the worker thread that it waited for goes on."""
    with closing(Inbox(tmp_path)) as inbox:
        upload = inbox.upload()
        upload.add(b"x" * MIB)
        upload.spill()
        upload.add(b"y")
        upload.discard()
        with pytest.raises(FileNotFoundError):
            inbox.keep(upload, ("F1.pdf",))
        assert inbox.children() == []
    assert list((tmp_path / "incoming").iterdir()) == []


def test_a_small_body_touches_the_disk_only_when_it_is_whole(tmp_path: Path) -> None:
    upload = Upload(tmp_path, 100)
    assert not upload.add(b"een")
    assert list(tmp_path.iterdir()) == []
    received = upload.finish()
    assert received.file.read_bytes() == b"een"
    upload.discard()
    assert list(tmp_path.iterdir()) == []


def test_bytes_are_synced_before_the_name_appears_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        visible = "with" if (tmp_path / "inbox" / "F1.pdf").exists() else "without"
        target = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        happened.append(f"{target} synced {visible} the name")
        fsync(descriptor)

    with closing(Inbox(tmp_path)) as inbox:
        monkeypatch.setattr("os.fsync", noting)
        upload = inbox.upload()
        upload.add(b"een")
        inbox.keep(upload, ("F1.pdf",))
    assert happened == ["file synced without the name", "folder synced with the name"]


def test_what_is_known_is_found_again_when_the_database_is_lost(tmp_path: Path) -> None:
    with closing(Inbox(tmp_path)) as inbox:
        upload = inbox.upload()
        upload.add(b"een")
        kept, new = inbox.keep(upload, ("F1.pdf",))
        assert new
    for file in tmp_path.glob("stage.db*"):
        file.unlink()
    with closing(Inbox(tmp_path)) as inbox:
        (found,) = inbox.documents()
    assert (found.etag, found.size, found.modified_at) == (kept.etag, kept.size, kept.modified_at)


def test_rows_of_documents_that_were_taken_away_go_at_the_next_start(tmp_path: Path) -> None:
    with closing(Inbox(tmp_path)) as inbox:
        upload = inbox.upload()
        upload.add(b"een")
        inbox.keep(upload, ("F1.pdf",))
    (tmp_path / "inbox" / "F1.pdf").unlink()
    with closing(Inbox(tmp_path)) as inbox:
        assert inbox._db.execute("SELECT count(*) FROM documents").fetchone() == (0,)
