"""The courier with a server in memory: what is delivered, in which order, and what happens when it fails."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from ingisfs.delivery.courier import Plan
from ingisfs.delivery.failures import (
    DocumentRefusedError,
    DoubtError,
    TargetNeedsPersonError,
    TargetReason,
    TransientError,
    UnreachableError,
)
from ingisfs.delivery.target import FRESH
from ingisfs.outbox.document import Document, Reason, State
from ingisfs.outbox.intake import Rules
from ingisfs.outbox.outbox import Decision, Outbox
from ingisfs.outbox.store import OutboxFullError
from ingisfs.report.target import read_target
from tests.delivery.couriers import (
    LONG,
    all_delivered,
    delivering,
    fail_once,
    fifty_pairs,
    get,
    given_up,
    pair,
    running,
    until,
)
from tests.documents import keep, pdf, xml
from tests.doubles import FaultyServer
from tests.servers import wait_for


def test_a_pair_is_put_under_temporary_names_and_published_pdf_first(outbox: Outbox, server: FaultyServer) -> None:
    data = keep(outbox, "F1.xml", xml())
    paper = keep(outbox, "F1.pdf", pdf())
    with running(outbox, server):
        until(outbox, data, State.DELIVERED)
        until(outbox, paper, State.DELIVERED)
    assert server.finals() == {"F1.pdf": pdf(), "F1.xml": xml()}
    assert server.published == ["F1.pdf", "F1.xml"]
    assert all(name.startswith(".ingisfs-") for done, name in server.calls if done == "put")
    puts = [at for at, (done, _) in enumerate(server.calls) if done == "put"]
    assert max(puts) < min(at for at, (done, _) in enumerate(server.calls) if done == "publish")
    assert server.leftovers() == []


def test_an_xml_waits_for_its_pdf_and_goes_alone_after_its_time(outbox: Outbox, server: FaultyServer) -> None:
    alone = keep(outbox, "F1.xml", xml())
    pair = keep(outbox, "F2.xml", xml())
    with running(outbox, server, pair_wait=1.0) as courier:
        keep(outbox, "F2.pdf", pdf())
        courier.wake()
        until(outbox, pair, State.DELIVERED)
        assert get(outbox, alone).state is State.QUEUED
        until(outbox, alone, State.DELIVERED)
    assert server.published == ["F2.pdf", "F2.xml", "F1.xml"]


def test_what_is_not_whole_is_held_with_its_other_half(outbox: Outbox, server: FaultyServer) -> None:
    paper = keep(outbox, "F1.pdf", pdf()[:-20])
    data = keep(outbox, "F1.xml", xml())
    empty = keep(outbox, "F2.pdf", b"")
    other = keep(outbox, "F3.docx", b"PK")
    deep = keep(outbox, "F4.pdf", pdf(), folder="privé")
    good = keep(outbox, "F5.pdf", pdf())
    with running(outbox, server):
        until(outbox, good, State.DELIVERED)
        held = {name: until(outbox, name, State.HELD).reason for name in (paper, data, empty, other, deep)}
    assert list(held.values()) == [
        Reason.PDF_NOT_WHOLE,
        Reason.TWIN,
        Reason.EMPTY,
        Reason.TYPE_NOT_SENT,
        Reason.FOLDER_NOT_ROUTED,
    ]
    assert list(server.finals()) == ["F5.pdf"]


def test_damaged_bytes_are_alarmed_and_never_sent(outbox: Outbox, server: FaultyServer) -> None:
    document_id = keep(outbox, "F1.pdf", pdf())
    with outbox._transaction() as sql:
        sql("UPDATE Cache SET value = ? WHERE key = ?", (pdf("other"), document_id))
    with running(outbox, server):
        until(outbox, document_id, State.HELD)
    assert server.finals() == {}
    assert get(outbox, document_id).reason == Reason.DAMAGED


@pytest.mark.parametrize("error", [TransientError("500"), UnreachableError("reset"), DoubtError("odd")])
def test_a_put_that_failed_is_tried_again_under_another_name(
    outbox: Outbox, server: FaultyServer, error: Exception
) -> None:
    server.after = fail_once("put", error)
    document_id = keep(outbox, "F1.pdf", pdf())
    with running(outbox, server):
        until(outbox, document_id, State.DELIVERED)
    names = [name for done, name in server.calls if done == "put"]
    assert len(names) == len(set(names)) == 2
    assert server.published == ["F1.pdf"]


def test_half_stored_is_not_published(outbox: Outbox, server: FaultyServer) -> None:
    def cut(done: str, name: str) -> None:
        if done == "put" and server.count("put") == 1:
            server.files[name] = server.files[name][:-1]

    server.after = cut
    document_id = keep(outbox, "F1.pdf", pdf())
    with running(outbox, server):
        until(outbox, document_id, State.DELIVERED)
    assert server.finals() == {"F1.pdf": pdf()}
    assert server.leftovers() == []


@pytest.mark.parametrize("error", [DoubtError("time-out"), UnreachableError("reset"), TransientError("423")])
def test_a_rename_whose_answer_was_lost_is_not_repeated(outbox: Outbox, server: FaultyServer, error: Exception) -> None:
    server.after = fail_once("publish", error)
    document_id = keep(outbox, "F1.pdf", pdf())
    with running(outbox, server):
        until(outbox, document_id, State.DELIVERED)
    assert server.published == ["F1.pdf"]
    assert server.count("put") == 1


def test_a_rename_whose_answer_was_lost_counts_even_when_ingis_took_the_file_at_once(
    outbox: Outbox, server: FaultyServer
) -> None:
    def collect(done: str, name: str) -> None:
        if done == "publish":
            del server.files[name]
            raise DoubtError("time-out")

    server.after = collect
    document_id = keep(outbox, "F1.pdf", pdf())
    with running(outbox, server):
        until(outbox, document_id, State.DELIVERED)
    assert server.published == ["F1.pdf"]
    assert server.leftovers() == []


def test_a_rename_that_surely_did_not_happen_is_done_later(outbox: Outbox, server: FaultyServer) -> None:
    server.before = fail_once("publish", DoubtError("time-out"))
    document_id = keep(outbox, "F1.pdf", pdf())
    with running(outbox, server):
        until(outbox, document_id, State.DELIVERED)
    assert server.published == ["F1.pdf"]
    assert server.count("put") == 1


def test_a_strangers_file_is_left_alone_and_the_document_parked(outbox: Outbox, server: FaultyServer) -> None:
    server.files["F1.pdf"] = b"somebody else's"
    document_id = keep(outbox, "F1.pdf", pdf())
    with running(outbox, server):
        assert until(outbox, document_id, State.PARKED).reason == Reason.NAME_TAKEN
    assert server.files["F1.pdf"] == b"somebody else's"


def test_the_same_bytes_under_the_final_name_are_a_delivery(outbox: Outbox, server: FaultyServer) -> None:
    server.files["F1.pdf"] = pdf()
    document_id = keep(outbox, "F1.pdf", pdf())
    with running(outbox, server):
        until(outbox, document_id, State.DELIVERED)
    assert server.leftovers() == []


def test_a_refused_document_is_parked_with_its_other_half_and_the_others_go_on(
    outbox: Outbox, server: FaultyServer
) -> None:
    big = pdf("big", size=5000)

    def refuse(done: str, name: str) -> None:
        if done == "put" and len(server.files.get(name, b"")) > 4000:
            del server.files[name]
            raise DocumentRefusedError("413")

    server.after = refuse
    refused = keep(outbox, "F1.pdf", big)
    twin = keep(outbox, "F1.xml", xml())
    good = keep(outbox, "F2.pdf", pdf())
    with running(outbox, server):
        assert until(outbox, refused, State.PARKED).reason == Reason.SERVER_REFUSED
        assert until(outbox, twin, State.PARKED).reason == Reason.TWIN
        until(outbox, good, State.DELIVERED)
    assert list(server.finals()) == ["F2.pdf"]


def test_a_wrong_password_is_tried_twice_and_then_waits_for_a_person(outbox: Outbox, server: FaultyServer) -> None:
    def refuse(done: str, name: str) -> None:
        raise TargetNeedsPersonError(TargetReason.LOGIN, "401")

    server.before = refuse
    ids = [keep(outbox, f"F{n}.pdf", pdf()) for n in range(20)]
    with running(outbox, server, workers=4) as courier:
        wait_for(lambda: server.count("ping") == 2, "two tries")
        wait_for(lambda: '"needs_person"' in (outbox.meta("target") or ""), "the target to need a person")
        assert len(server.calls) == 2
        assert all(get(outbox, document_id).state is State.QUEUED for document_id in ids)
        server.before = lambda operation, name: None
        outbox.set_meta("probe", "now")
        courier.wake()
        for document_id in ids:
            until(outbox, document_id, State.DELIVERED)
    assert len(server.published) == 20


def test_a_server_that_is_away_is_waited_for(outbox: Outbox, server: FaultyServer) -> None:
    away = [True]

    def gone(done: str, name: str) -> None:
        if away[0]:
            raise UnreachableError("no connection")

    server.before = gone
    ids = [keep(outbox, f"F{n}.pdf", pdf()) for n in range(5)]
    with running(outbox, server):
        wait_for(lambda: server.count("ping") >= 3, "three tries")
        assert '"unreachable"' in (outbox.meta("target") or "")
        assert server.count("put") == 0
        away[0] = False
        for document_id in ids:
            until(outbox, document_id, State.DELIVERED)


def test_what_a_killed_courier_was_publishing_is_asked_about_first(outbox: Outbox, server: FaultyServer) -> None:
    document_id = keep(outbox, "F1.pdf", pdf())
    outbox.decide([Decision(get(outbox, document_id), State.QUEUED)])
    (claimed,) = outbox.claim([(get(outbox, document_id), "F1.pdf")])
    temporary = f".ingisfs-{document_id}-1.part"
    server.put(temporary, pdf())
    entry = server.entry(temporary)
    assert entry is not None
    outbox.mark_publishing([[(claimed, entry.tag)]])
    server.publish(temporary, "F1.pdf")
    server.calls.clear()
    with running(outbox, server):
        until(outbox, document_id, State.DELIVERED)
    assert server.count("put") == server.count("publish") == 0


def test_many_documents_arrive_once_each_whatever_fails(outbox: Outbox, server: FaultyServer) -> None:
    import random

    rng = random.Random(7)
    kinds = [TransientError("500"), UnreachableError("reset"), DoubtError("time-out")]

    def sometimes(done: str, name: str) -> None:
        if done in {"put", "publish", "entry"} and rng.random() < 0.1:
            raise rng.choice(kinds)

    server.after = sometimes
    server.before = sometimes
    ids = [
        keep(outbox, f"F{n}.{kind}", (pdf if kind == "pdf" else xml)(str(n)))
        for n in range(40)
        for kind in ("pdf", "xml")
    ]
    with running(outbox, server, workers=4):
        for document_id in ids:
            wait_for(lambda i=document_id: get(outbox, i).state is State.DELIVERED, document_id, 60)  # type: ignore[misc]
    assert sorted(server.published) == sorted(set(server.published))
    assert len(server.finals()) == 80
    for number in range(40):
        assert server.published.index(f"F{number}.pdf") < server.published.index(f"F{number}.xml")


def test_a_document_opened_while_it_is_uploaded_is_not_published(outbox: Outbox, server: FaultyServer) -> None:
    document_id = keep(outbox, "F1.pdf", pdf("old"))
    put, go_on = threading.Event(), threading.Event()

    def block(done: str, name: str) -> None:
        if done == "put":
            put.set()
            assert go_on.wait(10)

    server.before = block
    with running(outbox, server):
        assert put.wait(10)
        assert outbox.take_back(get(outbox, document_id)) is not None
        go_on.set()
        wait_for(lambda: server.count("entry") > 0, "the upload to end")
    assert get(outbox, document_id).state is State.WRITING
    assert server.finals() == {}


@pytest.mark.parametrize("renames", [True, False], ids=["renames", "cannot rename"])
def test_a_disk_that_is_full_at_the_mark_delays_and_no_more(
    outbox: Outbox, server: FaultyServer, monkeypatch: pytest.MonkeyPatch, renames: bool
) -> None:
    server.renames = renames
    mark = Outbox.mark_publishing
    marks: list[int] = []

    def full_now_and_then(self: Outbox, stems: Any) -> list[Document]:
        marks.append(len(marks) + 1)
        if marks[-1] in {1, 3}:
            raise OutboxFullError("disk full")
        return mark(self, stems)

    monkeypatch.setattr(Outbox, "mark_publishing", full_now_and_then)
    documents = {name: keep(outbox, name, data) for name, data in (("F1.pdf", pdf()), ("F1.xml", xml()))}
    with running(outbox, server):
        for document_id in documents.values():
            until(outbox, document_id, State.DELIVERED)
        again = keep(outbox, "F2.pdf", pdf("2"))
        until(outbox, again, State.DELIVERED)
    assert server.published == ["F1.pdf", "F1.xml", "F2.pdf"]


def test_a_disk_that_is_full_when_a_damaged_document_is_found_leaves_nothing_behind(
    outbox: Outbox, server: FaultyServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    park = Outbox.park
    parks: list[str] = []

    def full_at_first(self: Outbox, document: Document, reason: Reason, detail: str) -> None:
        parks.append(document.name)
        if len(parks) == 1:
            raise OutboxFullError("disk full")
        park(self, document, reason, detail)

    monkeypatch.setattr(Outbox, "park", full_at_first)
    damaged, good = keep(outbox, "F1.pdf", pdf("1")), keep(outbox, "F2.pdf", pdf("2"))

    def away(operation: str, name: str) -> None:
        raise UnreachableError("away")

    server.before = away
    with running(outbox, server):
        for document_id in (damaged, good):
            until(outbox, document_id, State.QUEUED)
        con = sqlite3.connect(tmp_path / "outbox" / "cache.db")
        con.execute("UPDATE Cache SET value = ? WHERE key = ?", (pdf("other"), damaged))
        con.commit()
        con.close()
        server.before = lambda operation, name: None
        until(outbox, damaged, State.PARKED)
        until(outbox, good, State.DELIVERED)
    assert server.published == ["F2.pdf"]


def test_an_orphaned_courier_ends_when_the_queue_is_empty(outbox: Outbox, server: FaultyServer) -> None:
    document_id = keep(outbox, "F1.pdf", pdf())
    with running(outbox, server) as courier:
        courier.wake("orphan")
        until(outbox, document_id, State.DELIVERED)
        wait_for(lambda: courier._stopping, "the courier to end")


def test_an_old_courier_makes_way_for_a_new_drive(outbox: Outbox, server: FaultyServer) -> None:
    server.before = fail_once("ping", TargetNeedsPersonError(TargetReason.LOGIN, "401"))
    keep(outbox, "F1.pdf", pdf())
    with running(outbox, server) as courier:
        courier.wake("orphan")
        outbox.count_up("drive_generation")
        wait_for(lambda: courier._stopping, "the courier to end")


def test_temporary_files_that_were_given_up_are_swept_and_nothing_else(outbox: Outbox, server: FaultyServer) -> None:
    delivered = keep(outbox, "F1.pdf", pdf())
    with running(outbox, server):
        until(outbox, delivered, State.DELIVERED)
    late = f".ingisfs-{delivered}-7.part"  # an old PUT that a proxy finished long after we gave it up
    strangers = [".ingisfs-zzzzzzzzzzzz-1.part", "F9.pdf", "x.part"]
    for name in [late, *strangers]:
        server.files[name] = b"half"
    with running(outbox, server):
        wait_for(lambda: late not in server.files, "the sweep")
    assert all(name in server.files for name in strangers)


def test_a_password_that_was_changed_meanwhile_is_tried_by_one_worker_first(
    outbox: Outbox, server: FaultyServer
) -> None:
    with running(outbox, server, workers=4) as courier:
        pair(outbox)
        courier.wake()
        all_delivered(outbox)
        wait_for(lambda: not any(worker.busy for worker in courier._workers), "the workers to rest", LONG)
        refused: list[str] = []

        def refuse(operation: str, name: str) -> None:
            refused.append(operation)
            raise TargetNeedsPersonError(TargetReason.LOGIN, "401")

        courier._target.answered_at -= FRESH  # the bookkeeper has had lunch
        server.before = refuse
        fifty_pairs(outbox)
        courier.wake()
        given_up(outbox, courier, TargetReason.LOGIN)
        assert len(refused) == 2


def test_what_a_person_changed_is_what_every_worker_uses_from_then_on(outbox: Outbox) -> None:
    """Also a worker that did not meet the refusal: its old password would be one more refused log-in."""
    passwords = {"theirs": "old", "ours": "old"}
    refused: list[str] = []
    made: list[_Remembering] = []

    def connect() -> _Remembering:
        made.append(_Remembering(passwords, refused, made[0] if made else None))
        return made[-1]

    first = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, Plan(Rules(pair_wait=0.0), workers=2), connect) as courier:
        until(outbox, first, State.DELIVERED)
        wait_for(lambda: len(made) == 2, "the other worker to look for what was given up", LONG)
        passwords["theirs"] = "new"
        ids = [keep(outbox, f"F{number}.pdf", pdf(f"{number}")) for number in range(2, 40)]
        courier.wake()
        given_up(outbox, courier, "login")
        before = len(refused)
        passwords["ours"] = "new"
        outbox.count_up("probe")
        courier.wake()
        for document_id in ids:
            until(outbox, document_id, State.DELIVERED)
        assert len(refused) == before


class _Remembering(FaultyServer):
    """Logs in with the password that was ours when it was made, each time anew."""

    def __init__(self, passwords: dict[str, str], refused: list[str], same: FaultyServer | None) -> None:
        super().__init__()
        self._passwords, self._refused = passwords, refused
        self._password = passwords["ours"]
        if same is not None:
            self.files = same.files

    def _call(self, operation: str, name: str) -> None:
        if self._password != self._passwords["theirs"]:
            self._refused.append(operation)
            raise TargetNeedsPersonError(TargetReason.LOGIN, "401")
        super()._call(operation, name)


def test_a_server_that_answers_500_to_every_upload_is_told_in_the_status_and_nothing_is_stopped(
    outbox: Outbox, server: FaultyServer
) -> None:
    def refuse(done: str, name: str) -> None:
        if done == "put":
            raise TransientError("PUT: 500")

    server.before = refuse
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with running(outbox, server) as courier:
        wait_for(lambda: '"detail": "PUT: 500"' in (outbox.meta("target") or ""), "it to be told", LONG)
        assert '"state": "ok"' in (outbox.meta("target") or "")
        assert "neemt geen enkel document aan" in read_target(outbox).sentence("nl")
        server.before = lambda done, name: None
        courier.wake()
        until(outbox, document_id, State.DELIVERED)
        assert read_target(outbox).sentence("nl") == "De server antwoordt."
