"""A damaged outbox is set aside, and what can be read of it is held."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ingisfs.config import Drive
from ingisfs.outbox.document import Reason, State
from ingisfs.outbox.outbox import Decision, Outbox
from ingisfs.serving import open_outbox
from tests.documents import keep, pdf

COUNT = 60


def fill(folder: Path) -> dict[str, bytes]:
    """Make an outbox with documents, some of them delivered; returns what had still to go."""
    outbox = Outbox(folder)
    waiting = {}
    for number in range(COUNT):
        data = pdf(str(number), size=9_000)
        document_id = keep(outbox, f"F{number}.pdf", data)
        if number % 10 == 0:
            document = outbox.document(document_id)
            assert document is not None
            outbox.decide([Decision(document, State.QUEUED)])
            document = outbox.document(document_id)
            assert document is not None
            (claimed,) = outbox.claim([(document, document.name)])
            outbox.finish(outbox.mark_publishing([[(claimed, "tag")]]))
        else:
            waiting[f"F{number}.pdf"] = data
    outbox.checkpoint()
    outbox.shut()
    return waiting


def reopened(folder: Path) -> Outbox:
    return open_outbox(Drive(state=str(folder), server="https://example.nl/", user="king"))


def test_a_sound_outbox_is_left_where_it_is(tmp_path: Path) -> None:
    fill(tmp_path)
    reopened(tmp_path).shut()
    assert not list(tmp_path.glob("damaged-*"))


def test_pages_that_are_gone_take_only_their_own_documents(tmp_path: Path) -> None:
    waiting = fill(tmp_path)
    path = tmp_path / "outbox" / "cache.db"
    data = bytearray(path.read_bytes())
    for page in range(len(data) // 4096 // 2, len(data) // 4096 // 2 + 6):
        data[page * 4096 : (page + 1) * 4096] = b"\xff" * 4096
    path.write_bytes(data)
    outbox = reopened(tmp_path)
    (damaged,) = tmp_path.glob("damaged-*")
    assert (damaged / "cache.db").read_bytes() == bytes(data)
    held = outbox.documents("state = ?", (State.HELD,))
    whole = [document for document in held if document.reason == Reason.RECOVERED]
    assert len(whole) > len(waiting) // 2
    assert {d.reason for d in held} <= {Reason.RECOVERED, Reason.DAMAGED}
    for document in whole:
        assert outbox.payload(document.id) == waiting[document.name]
    assert outbox.waiting() == 0, "nothing goes without a person's word"
    outbox.shut()


def test_a_file_that_is_no_database_any_more_is_set_aside(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "outbox" / "cache.db").write_bytes(b"garbage " * 10_000)
    outbox = reopened(tmp_path)
    assert list(tmp_path.glob("damaged-*"))
    keep(outbox, "F1.pdf", pdf())
    outbox.shut()


def test_what_was_delivered_is_still_known_after_damage(tmp_path: Path) -> None:
    fill(tmp_path)
    con = sqlite3.connect(tmp_path / "outbox" / "cache.db")
    ((root,),) = con.execute("SELECT rootpage FROM sqlite_master WHERE name = 'documents_state'").fetchall()
    con.close()
    path = tmp_path / "outbox" / "cache.db"
    data = bytearray(path.read_bytes())
    data[(root - 1) * 4096 : root * 4096] = b"\x00" * 4096
    path.write_bytes(data)
    outbox = reopened(tmp_path)
    assert outbox.counts()[State.DELIVERED] == COUNT // 10
    assert outbox.counts()[State.HELD] == COUNT - COUNT // 10
    outbox.shut()
