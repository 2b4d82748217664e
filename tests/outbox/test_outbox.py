"""Bytes and record of a document: durable, in one transaction, by our settings only."""

from __future__ import annotations

import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import diskcache
import pytest

from ingisfs import names
from ingisfs.outbox.document import TRANSITIONS, Reason, State, new_id
from ingisfs.outbox.outbox import Decision, Draft, Outbox, Release
from ingisfs.outbox.reading import DamagedError, ReadOnlyOutbox
from ingisfs.outbox.store import (
    OutboxBusyError,
    OutboxDamagedError,
    OutboxError,
    OutboxForeignError,
    OutboxFullError,
    StrictDisk,
)
from tests.clocks import FakeClock
from tests.documents import keep, pdf, xml


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def outbox(tmp_path: Path, clock: FakeClock) -> Iterator[Outbox]:
    box = Outbox(tmp_path, clock=clock)
    yield box
    box.shut()


def state(outbox: Outbox, document_id: str) -> State:
    document = outbox.document(document_id)
    assert document is not None
    return document.state


def test_a_kept_document_comes_back_byte_for_byte(outbox: Outbox, tmp_path: Path) -> None:
    data = os.urandom(100_000)
    document_id = keep(outbox, "F1.pdf", data)
    assert outbox.payload(document_id) == data
    reader = ReadOnlyOutbox(tmp_path)
    assert reader.payload(document_id) == data
    found = reader.find("", "f1.pdf")
    assert found is not None
    assert (found.size, found.state, found.listed) == (100_000, State.SETTLING, True)
    reader.close()


def test_every_commit_is_one_sync_of_the_log(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from ingisfs.outbox.outbox import *\n"
        "box = Outbox(Path(sys.argv[1]))\n"
        "for n in range(2): box.keep(Draft(f'id{n}', '', f'F{n}.pdf', b'x' * 60000, 0))\n"
        "print('marker-begin', flush=True)\n"
        "for n in range(10): box.keep(Draft(f'x{n}', '', f'X{n}.pdf', b'x' * 60000, 0), [Release(f'id{n}', True)])\n"
        "print('marker-end', flush=True)\n"
    )
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-o", str(trace), "-e", "trace=fsync,fdatasync,write", sys.executable, "-c", script]
    subprocess.run([*command, str(tmp_path / "box")], check=True, capture_output=True)
    text = trace.read_text()
    middle = text[text.index("marker-begin") : text.index("marker-end")]
    assert middle.count("fdatasync(") + middle.count("fsync(") == 10


def test_releases_ride_on_the_next_document(outbox: Outbox) -> None:
    first = keep(outbox, "F1.pdf", pdf(), close=False)
    assert state(outbox, first) is State.WRITING
    outbox.keep(Draft(new_id(), "", "F2.pdf", pdf(), 0), [Release(first, changed=True)])
    assert state(outbox, first) is State.SETTLING


def test_a_document_settles_before_it_is_due(outbox: Outbox, clock: FakeClock) -> None:
    document_id = keep(outbox, "F1.pdf", pdf())
    document = outbox.document(document_id)
    assert document is not None
    assert document.due == clock.now + 3.0


def test_a_failed_write_is_held_and_never_goes_by_itself(outbox: Outbox) -> None:
    document_id = keep(outbox, "F1.pdf", pdf(), close=False)
    outbox.release([Release(document_id, changed=True, failed=True, detail="disk full")])
    document = outbox.document(document_id)
    assert document is not None
    assert (document.state, document.reason, document.detail) == (State.HELD, Reason.WRITE_FAILED, "disk full")
    assert outbox.rename(document, "", "F2.pdf")
    assert state(outbox, document_id) is State.HELD


def test_noise_stays_local_and_is_forgotten_when_deleted(outbox: Outbox) -> None:
    document_id = keep(outbox, "~$F1.pdf", b"x")
    document = outbox.document(document_id)
    assert document is not None
    assert document.state is State.LOCAL
    assert outbox.remove(document)
    assert outbox.document(document_id) is None
    with pytest.raises(DamagedError):
        outbox.payload(document_id)


def test_a_new_version_supersedes_what_was_not_published(outbox: Outbox) -> None:
    old = keep(outbox, "F1.pdf", pdf("old"))
    new = keep(outbox, "f1.PDF", pdf("new"))
    assert state(outbox, old) is State.SUPERSEDED
    found = outbox.find("", "f1.pdf")
    assert found is not None
    assert found.id == new
    assert outbox.names("") == ["f1.PDF"]


def published(outbox: Outbox, document_id: str, upto: State = State.DELIVERED) -> None:
    document = outbox.document(document_id)
    assert document is not None
    outbox.decide([Decision(document, State.QUEUED)])
    document = outbox.document(document_id)
    assert document is not None
    (claimed,) = outbox.claim([(document, document.name)])
    if upto is State.UPLOADING:
        return
    (marked,) = outbox.mark_publishing([[(claimed, "tag")]])
    if upto is State.PUBLISHING:
        return
    outbox.finish([marked])


def test_a_new_version_of_a_delivered_document_only_hides_it(outbox: Outbox) -> None:
    old = keep(outbox, "F1.pdf", pdf("old"))
    published(outbox, old)
    new = keep(outbox, "F1.pdf", pdf("new"))
    assert state(outbox, old) is State.DELIVERED
    assert state(outbox, new) is State.SETTLING
    assert outbox.payload(old) == pdf("old")


def test_opening_for_writing_takes_a_document_back_from_the_courier(outbox: Outbox) -> None:
    document_id = keep(outbox, "F1.pdf", pdf())
    published(outbox, document_id, upto=State.UPLOADING)
    uploading = outbox.document(document_id)
    assert uploading is not None
    assert outbox.take_back(uploading) is not None
    assert outbox.mark_publishing([[(uploading, "tag")]]) == []
    outbox.release([Release(document_id, changed=False)])
    assert state(outbox, document_id) is State.QUEUED


def test_nothing_is_taken_back_while_it_is_being_published(outbox: Outbox) -> None:
    document_id = keep(outbox, "F1.pdf", pdf())
    published(outbox, document_id, upto=State.PUBLISHING)
    document = outbox.document(document_id)
    assert document is not None
    assert outbox.take_back(document) is None
    assert not outbox.rename(document, "", "F2.pdf")
    assert not outbox.remove(document)
    assert state(outbox, document_id) is State.PUBLISHING


def test_a_renamed_document_is_not_published_under_its_old_name(outbox: Outbox) -> None:
    document_id = keep(outbox, "F1.pdf", pdf())
    published(outbox, document_id, upto=State.UPLOADING)
    claimed = outbox.document(document_id)
    assert claimed is not None
    assert outbox.rename(claimed, "", "F2.pdf")
    assert outbox.mark_publishing([[(claimed, "tag")]]) == []
    assert state(outbox, document_id) is State.SETTLING


def test_two_documents_are_never_published_under_one_name_at_once(outbox: Outbox) -> None:
    first = keep(outbox, "F1.pdf", pdf("1"))
    published(outbox, first, upto=State.PUBLISHING)
    second = keep(outbox, "F1.pdf", pdf("2"))
    document = outbox.document(second)
    assert document is not None
    outbox.decide([Decision(document, State.QUEUED)])
    document = outbox.document(second)
    assert document is not None
    (claimed,) = outbox.claim([(document, "F1.pdf")])
    assert outbox.mark_publishing([[(claimed, "")]]) == []


def test_attempt_numbers_are_never_used_again(outbox: Outbox) -> None:
    document_id = keep(outbox, "F1.pdf", pdf())
    attempts = []
    for _ in range(3):
        document = outbox.document(document_id)
        assert document is not None
        if document.state is State.SETTLING:
            outbox.decide([Decision(document, State.QUEUED)])
            document = outbox.document(document_id)
            assert document is not None
        (claimed,) = outbox.claim([(document, "F1.pdf")])
        attempts.append(claimed.attempt)
        outbox.put_back([claimed], 0.0, "test")
    assert attempts == [1, 2, 3]


def test_the_history_tells_every_transition(outbox: Outbox) -> None:
    document_id = keep(outbox, "F1.pdf", pdf())
    published(outbox, document_id)
    steps = [entry.after for entry in outbox.history("id = ?", (document_id,))]
    assert steps == ["writing", "settling", "queued", "uploading", "publishing", "delivered"]


def test_every_state_has_its_transitions_and_ends_are_ends() -> None:
    assert set(TRANSITIONS) == set(State)
    for ended in (State.WITHDRAWN, State.SUPERSEDED):
        assert TRANSITIONS[ended] == frozenset()
    assert TRANSITIONS[State.REFUSED] == {State.ACCEPTED}, "INGIS may think again"
    assert TRANSITIONS[State.PUBLISHING] == {State.DELIVERED, State.PARKED, State.QUEUED}


def test_what_a_server_surely_did_not_do_is_queued_again_unless_it_was_printed_again(outbox: Outbox) -> None:
    marked = []
    for name in ("F1.pdf", "F2.pdf"):
        document_id = keep(outbox, name, pdf(name))
        published(outbox, document_id, upto=State.PUBLISHING)
        marked.append(outbox.document(document_id))
    again = outbox.document(keep(outbox, "F2.pdf", pdf("again")))
    assert again is not None
    outbox.decide([Decision(again, State.QUEUED)])
    documents = [document for document in marked if document is not None]
    outbox.unmark(documents, 0.0, "405")
    assert [state(outbox, document.id) for document in documents] == [State.QUEUED, State.SUPERSEDED]
    outbox.unmark(documents, 0.0, "405")  # said twice, it changes nothing
    assert [state(outbox, document.id) for document in documents] == [State.QUEUED, State.SUPERSEDED]
    assert state(outbox, again.id) is State.QUEUED


def test_another_start_of_the_machine_makes_all_due(tmp_path: Path) -> None:
    clock = FakeClock(now=90_000.0)
    first = Outbox(tmp_path, clock=clock)
    document_id = keep(first, "F1.pdf", pdf())
    first.shut()
    second = Outbox(tmp_path, clock=FakeClock(now=5.0, boot_name="boot-2"))
    document = second.document(document_id)
    assert document is not None
    assert document.due == 0
    second.shut()


def test_what_was_open_when_the_drive_was_killed_is_taken_as_closed(outbox: Outbox) -> None:
    ours = keep(outbox, "F1.pdf", pdf(), close=False)
    noise = keep(outbox, "x.tmp", b"x", close=False)
    hidden = keep(outbox, ".fuse_hidden0001", b"x", close=False)
    assert outbox.recover_drive() == 3
    assert state(outbox, ours) is State.SETTLING
    assert state(outbox, noise) is State.LOCAL
    document = outbox.document(hidden)
    assert document is None or document.state is State.WITHDRAWN


def test_missing_or_changed_bytes_are_never_handed_out(outbox: Outbox, tmp_path: Path) -> None:
    document_id = keep(outbox, "F1.pdf", pdf())
    con = sqlite3.connect(tmp_path / "outbox" / "cache.db")
    con.execute("UPDATE Cache SET value = ? WHERE key = ?", (pdf("other"), document_id))
    con.commit()
    with pytest.raises(DamagedError):
        outbox.payload(document_id)
    con.execute("DELETE FROM Cache WHERE key = ?", (document_id,))
    con.commit()
    con.close()
    with pytest.raises(DamagedError):
        outbox.payload(document_id)


@pytest.mark.parametrize(
    ("key", "value"), [("eviction_policy", "least-recently-stored"), ("cull_limit", 10), ("sqlite_synchronous", 1)]
)
def test_foreign_settings_are_refused_and_left_alone(tmp_path: Path, key: str, value: object) -> None:
    Outbox(tmp_path).shut()
    path = tmp_path / "outbox" / "cache.db"
    con = sqlite3.connect(path)
    con.execute("UPDATE Settings SET value = ? WHERE key = ?", (value, key))
    con.commit()
    con.close()
    with pytest.raises(OutboxForeignError, match=key):
        Outbox(tmp_path)
    con = sqlite3.connect(path)
    assert con.execute("SELECT value FROM Settings WHERE key = ?", (key,)).fetchone() == (value,)
    con.close()


def test_a_default_diskcache_is_refused(tmp_path: Path) -> None:
    with diskcache.Cache(str(tmp_path / "outbox")) as cache:
        cache.set("a", {"pickled": True})
    with pytest.raises(OutboxForeignError):
        Outbox(tmp_path)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    Outbox(tmp_path).shut()
    con = sqlite3.connect(tmp_path / "outbox" / "cache.db")
    con.execute("PRAGMA user_version = 999")
    con.close()
    with pytest.raises(OutboxForeignError, match="newer"):
        Outbox(tmp_path)


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("echo exploded",)


def test_a_planted_pickle_is_refused_and_not_run(
    outbox: Outbox, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    con = sqlite3.connect(tmp_path / "outbox" / "cache.db")
    con.execute("INSERT INTO Cache (key, raw, mode, value) VALUES ('x', 1, 4, ?)", (pickle.dumps(Bomb()),))
    con.commit()
    con.close()
    with pytest.raises(OutboxForeignError):
        outbox.get("x")
    assert "exploded" not in capfd.readouterr().out


def test_only_bytes_and_ids_are_stored() -> None:
    disk = StrictDisk("/nowhere")
    with pytest.raises(TypeError):
        disk.put(1)
    with pytest.raises(TypeError):
        disk.store({"a": 1}, False)
    with pytest.raises(OutboxForeignError):
        disk.fetch(4, None, b"", False)
    with pytest.raises(OutboxForeignError):
        disk.fetch(1, "../../etc/hostname", None, False)


def test_a_file_that_is_no_database_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox" / "cache.db").write_bytes(b"this is not a database" * 1000)
    with pytest.raises(OutboxDamagedError):
        Outbox(tmp_path)


def test_nothing_is_acknowledged_into_a_log_that_was_replaced(outbox: Outbox, tmp_path: Path) -> None:
    keep(outbox, "F1.pdf", pdf())
    log = tmp_path / "outbox" / "cache.db-wal"
    data = log.read_bytes()
    log.unlink()
    log.write_bytes(data)
    with pytest.raises(OutboxDamagedError):
        keep(outbox, "F2.pdf", pdf())


def test_a_locked_outbox_is_busy_and_unchanged(outbox: Outbox, tmp_path: Path) -> None:
    other = Outbox(tmp_path, busy_timeout=0.05)
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with outbox._transaction():
            holding.set()
            done.wait(10)
        outbox.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert holding.wait(10)
    with pytest.raises(OutboxBusyError):
        keep(other, "F1.pdf", pdf())
    done.set()
    thread.join()
    keep(other, "F1.pdf", pdf())
    other.shut()


def test_a_failing_block_changes_nothing(outbox: Outbox) -> None:
    def fail() -> None:
        with outbox._transaction():
            outbox._set_meta("a", "b")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert outbox.meta("a") is None
    keep(outbox, "F1.pdf", pdf())


def test_the_folder_is_its_owners_only(outbox: Outbox, tmp_path: Path) -> None:
    assert (tmp_path / "outbox").stat().st_mode & 0o777 == 0o700


def test_the_log_is_emptied_only_when_asked(outbox: Outbox) -> None:
    for number in range(20):
        keep(outbox, f"F{number}.pdf", pdf(size=60_000))
    assert outbox.wal_size() > 20 * 60_000
    outbox.wal_bound = 500_000
    outbox.checkpoint()
    assert outbox.wal_size() == 500_000
    keep(outbox, "after.pdf", pdf())
    assert outbox.wal_size() == 500_000


def test_a_log_that_was_laid_out_beforehand_does_not_grow_and_loses_nothing_by_a_kill(
    outbox: Outbox, tmp_path: Path
) -> None:
    keep(outbox, "first.pdf", pdf())
    outbox.wal_bound = 3 * 2**20
    while not outbox.lay_out_log():
        keep(outbox, f"between-{outbox.wal_size()}.pdf", pdf())
    kept = ["first.pdf", *(name for name in outbox.names("") if name.startswith("between"))]
    for number in range(30):
        keep(outbox, f"F{number}.pdf", pdf(size=60_000))
        assert outbox.wal_size() == 3 * 2**20
        kept.append(f"F{number}.pdf")
        if number == 15:
            outbox.checkpoint()
    killed = tmp_path / "killed"
    shutil.copytree(tmp_path / "outbox", killed / "outbox")
    after = Outbox(killed)
    assert sorted(after.names("")) == sorted(kept)
    found = after.find("", names.key("F29.pdf"))
    assert found is not None
    assert after.payload(found.id) == pdf(size=60_000)
    after.shut()


def test_a_disk_without_room_for_the_log_keeps_what_it_had(small_disk: Path) -> None:
    outbox = Outbox(small_disk, wal_bound=64 * 2**20)
    keep(outbox, "F1.pdf", pdf())

    def lay_out() -> None:
        while not outbox.lay_out_log():
            pass

    with pytest.raises(OSError, match=r"No space|no room"):
        lay_out()
    assert shutil.disk_usage(small_disk).free < 2**20
    keep(outbox, "F2.pdf", pdf(size=100_000))  # into what was laid out
    outbox.shut()


def test_a_full_disk_is_told_and_the_next_transaction_is_clean(small_disk: Path) -> None:
    outbox = Outbox(small_disk)
    kept = []
    with pytest.raises(OutboxFullError):  # noqa: PT012
        for number in range(200):
            kept.append(keep(outbox, f"F{number}.pdf", pdf(str(number), size=60_000)))  # noqa: PERF401
    assert kept
    assert not outbox._con.in_transaction
    for number, document_id in enumerate(kept):
        assert outbox.payload(document_id) == pdf(str(number), size=60_000)
    outbox.shut()


def test_a_read_only_reader_works_beside_and_without_the_drive(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ReadOnlyOutbox(tmp_path)
    outbox = Outbox(tmp_path)
    keep(outbox, "F1.xml", xml())
    reader = ReadOnlyOutbox(tmp_path)
    assert reader.waiting() == 1
    version = reader.data_version()
    keep(outbox, "F2.xml", xml())
    assert reader.data_version() != version
    outbox.shut()
    assert reader.waiting() == 2
    with pytest.raises(sqlite3.OperationalError):
        reader.rows("DELETE FROM documents")
    reader.close()


def test_threads_and_processes_count_right(outbox: Outbox) -> None:
    errors: list[OutboxError] = []

    def print_some(who: int) -> None:
        try:
            for number in range(20):
                keep(outbox, f"T{who}-{number}.pdf", pdf())
        except OutboxError as error:
            errors.append(error)
        finally:
            outbox.close()

    threads = [threading.Thread(target=print_some, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert outbox.counts()[State.SETTLING] == 80
