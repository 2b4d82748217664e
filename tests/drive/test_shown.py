"""The folders that only show: what was sent, by day, and what INGIS refused. Nothing in them can be changed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from ingisfs import names
from ingisfs.drive.errors import (
    BadHandleError,
    DeniedError,
    IsFolderError,
    NotAFolderError,
    NotFoundError,
    StorageError,
)
from ingisfs.drive.shown import Words
from ingisfs.outbox.archive import Archive
from ingisfs.outbox.document import Document, Reason, State
from ingisfs.outbox.outbox import Answer, Decision
from tests.documents import pdf, xml
from tests.drive.conftest import Drive, MakeDrive
from tests.report.steps import Steps

STATUS = "INGIS-STATUS.txt"
DAY = 86_400.0  # s


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Local time is UTC; gives a function that moves to another zone."""
    if sys.platform == "win32":
        pytest.skip("the zone is the process's from its start")

    def move(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    with monkeypatch.context():
        move("UTC")
        yield move
    monkeypatch.undo()
    time.tzset()


def explain(document: Document) -> bytes:
    return f"{document.name} was refused: {document.detail}\r\n".encode()


WORDS = Words("Verzonden", "Geweigerd", ".reden.txt", explain)


@pytest.fixture
def x(utc: object, make_drive: MakeDrive) -> Drive:
    return make_drive(words=WORDS)


def deliver(x: Drive, *printed: str) -> list[Document]:
    """Print and deliver; they are still in the root."""
    ids = Steps(x.outbox).deliver(*printed)
    return [x.document(document_id) for document_id in ids]


def retire(x: Drive) -> None:
    x.clock.sleep(2 * DAY)
    assert x.outbox.retire(DAY)


def today(x: Drive) -> str:
    return datetime.fromtimestamp(x.clock.wall(), UTC).strftime("%Y-%m-%d")


def refuse(x: Drive, document: Document, detail: str = "customer unknown") -> None:
    assert x.outbox.hear([Answer(document.id, State.REFUSED, detail)])


# ---- what was sent -----------------------------------------------------------------------------------------------


def test_a_delivered_document_moves_from_the_root_to_its_day_when_its_time_is_over(x: Drive) -> None:
    day = today(x)
    deliver(x, "F1.pdf", "F1.xml")
    assert sorted(x.volume.names_in("")) == ["F1.pdf", "F1.xml", STATUS]
    retire(x)
    assert x.volume.names_in("") == [STATUS, "Verzonden"]
    assert x.volume.names_in("Verzonden") == [day]
    assert sorted(x.volume.names_in(f"Verzonden/{day}")) == ["F1.pdf", "F1.xml"]
    assert x.read(f"Verzonden/{day}/F1.pdf") == pdf()
    assert x.read(f"Verzonden/{day}/F1.xml") == xml()


def test_the_name_in_the_root_is_free_again_for_what_king_prints_next(x: Drive) -> None:
    deliver(x, "F1.pdf")
    retire(x)
    x.write("F1.pdf", pdf("2"))
    assert x.read("F1.pdf") == pdf("2")


def test_a_delivered_document_that_is_deleted_from_the_root_is_found_under_its_day(x: Drive) -> None:
    day = today(x)
    deliver(x, "F1.pdf")
    x.volume.remove("F1.pdf")
    assert x.volume.names_in(f"Verzonden/{day}") == ["F1.pdf"]


def test_a_delivered_document_that_is_written_anew_is_found_under_its_day(x: Drive) -> None:
    day = today(x)
    deliver(x, "F1.pdf")
    x.overwrite("F1.pdf", pdf("another"))
    assert x.read(f"Verzonden/{day}/F1.pdf") == pdf()


def test_what_is_hidden_while_it_is_published_is_found_once_it_is_delivered(x: Drive) -> None:
    (document_id,) = Steps(x.outbox).publish("F1.pdf")
    x.overwrite("F1.pdf", pdf("another"))
    assert "Verzonden" not in x.volume.names_in("")
    x.outbox.finish([x.document(document_id)])
    assert x.read(f"Verzonden/{today(x)}/F1.pdf") == pdf()


def test_what_was_not_delivered_is_in_none_of_the_folders(x: Drive) -> None:
    steps = Steps(x.outbox)
    steps.hold("H.pdf", Reason.EMPTY)
    steps.park("P.pdf", Reason.DOUBTFUL)
    steps.queue("Q.pdf")
    x.volume.remove(x.outbox.document(steps.print("W.pdf")).name)  # type: ignore[union-attr]
    x.clock.sleep(10 * DAY)
    x.outbox.retire(0)
    assert sorted(x.volume.names_in("")) == ["H.pdf", STATUS, "P.pdf", "Q.pdf"]


def test_namesakes_of_a_day_are_told_apart_and_keep_their_names(x: Drive) -> None:
    day = today(x)
    for text in ("1", "2", "3"):
        document_id = Steps(x.outbox).print("F1.pdf", data=pdf(text))
        x.bring(document_id, State.DELIVERED)
        x.volume.remove("F1.pdf")
    assert x.volume.names_in(f"Verzonden/{day}") == ["F1 (2).pdf", "F1 (3).pdf", "F1.pdf"]
    assert [x.read(f"Verzonden/{day}/{name}") for name in ("F1.pdf", "f1 (2).PDF", "F1 (3).pdf")] == [
        pdf("1"),
        pdf("2"),
        pdf("3"),
    ]


def test_a_name_as_long_as_a_name_can_be_has_namesakes_too(x: Drive) -> None:
    name = "é" * 125 + ".pdf"
    for _ in range(2):
        deliver(x, name)
        x.volume.remove(name)
    found = x.volume.names_in(f"Verzonden/{today(x)}")
    assert len({names.key(names.normal(one)) for one in found}) == 2


def test_the_day_of_a_delivery_is_the_local_one_and_fixed_once(x: Drive, utc: Callable[[str], None]) -> None:
    utc("Pacific/Auckland")
    day = time.strftime("%Y-%m-%d", time.localtime(x.clock.wall()))
    deliver(x, "F1.pdf")
    x.volume.remove("F1.pdf")
    utc("America/Anchorage")
    assert time.strftime("%Y-%m-%d", time.localtime(x.clock.wall())) != day
    assert x.volume.names_in("Verzonden") == [day]


def test_both_halves_lie_under_one_day_though_midnight_was_between_them(x: Drive) -> None:
    steps = Steps(x.outbox)
    x.clock.sleep(DAY - x.clock.wall() % DAY - 1)
    day = today(x)
    pdf_id, xml_id = steps.publish("F1.pdf", "F1.xml")
    x.outbox.finish([x.document(pdf_id)])
    x.clock.sleep(2)
    x.outbox.finish([x.document(xml_id)])
    deliver(x, "F2.pdf")
    assert today(x) != day
    later = today(x)
    retire(x)
    assert x.volume.names_in("Verzonden") == [day, later]
    assert sorted(x.volume.names_in(f"Verzonden/{day}")) == ["F1.pdf", "F1.xml"]


def test_a_document_is_read_from_the_archive_and_leaves_with_it(x: Drive) -> None:
    day = today(x)
    deliver(x, "F1.pdf")
    retire(x)
    archive = Archive(x.outbox, 90)
    archive.round()
    assert list((x.folder / "archive").rglob("*.pdf"))
    assert x.read(f"Verzonden/{day}/F1.pdf") == pdf()
    x.clock.sleep(80 * DAY)
    archive.round()
    assert x.read(f"Verzonden/{day}/F1.pdf") == pdf()
    x.clock.sleep(12 * DAY)
    archive.round()
    assert x.volume.names_in("") == [STATUS]


def test_without_an_archive_a_document_leaves_with_its_bytes(x: Drive) -> None:
    deliver(x, "F1.pdf")
    retire(x)
    assert "Verzonden" in x.volume.names_in("")
    Archive(x.outbox, 0).round()
    assert x.volume.names_in("") == [STATUS]


def test_what_an_older_version_delivered_is_found_by_day_after_the_upgrade(x: Drive, make_drive: MakeDrive) -> None:
    day = today(x)
    deliver(x, "F1.pdf", "F2.pdf")
    retire(x)
    with x.outbox.transact():
        x.outbox._sql("DROP TABLE sent")
        x.outbox._sql("DELETE FROM meta WHERE name = 'shelved'")
    assert make_drive(words=WORDS).volume.names_in(f"Verzonden/{day}") == ["F1.pdf", "F2.pdf"]


def test_damaged_bytes_are_an_error_never_another_document(x: Drive) -> None:
    day = today(x)
    deliver(x, "F1.pdf")
    retire(x)
    Archive(x.outbox, 90).round()
    next((x.folder / "archive").rglob("*.pdf")).write_bytes(b"%PDF- something else")
    with pytest.raises(StorageError):
        x.read(f"Verzonden/{day}/F1.pdf")


# ---- what was refused --------------------------------------------------------------------------------------------


def test_what_ingis_refused_lies_apart_with_its_other_half_and_a_text_that_says_what_to_do(x: Drive) -> None:
    _, invoice, _ = deliver(x, "F1.pdf", "F1.xml", "F2.pdf")
    refuse(x, invoice)
    assert sorted(x.volume.names_in("")) == ["F2.pdf", "Geweigerd", STATUS, "Verzonden"]
    assert x.volume.names_in("Geweigerd") == ["F1.pdf", "F1.xml", "F1.xml.reden.txt"]
    assert x.read("Geweigerd/F1.xml") == xml()
    text = x.read("geweigerd/f1.XML.reden.txt")
    assert text == b"F1.xml was refused: customer unknown\r\n"
    assert x.volume.stat("Geweigerd/F1.xml.reden.txt").size == len(text)
    assert x.volume.names_in(f"Verzonden/{today(x)}") == [], "a pair is in one place"
    with pytest.raises(NotFoundError):
        x.volume.stat(f"Verzonden/{today(x)}/F1.xml")


def test_while_nothing_was_refused_there_is_no_folder_for_it(x: Drive) -> None:
    deliver(x, "F1.pdf")
    retire(x)
    assert "Geweigerd" not in x.volume.names_in("")
    with pytest.raises(NotFoundError):
        x.volume.names_in("Geweigerd")


def test_a_refused_document_moves_to_its_day_once_its_correction_is_delivered(x: Drive) -> None:
    (invoice,) = deliver(x, "F1.pdf")
    refuse(x, invoice)
    assert x.volume.names_in("Geweigerd") == ["F1.pdf", "F1.pdf.reden.txt"]
    deliver(x, "F1.pdf")
    assert sorted(x.volume.names_in("")) == ["F1.pdf", STATUS, "Verzonden"]
    assert x.volume.names_in(f"Verzonden/{today(x)}") == ["F1.pdf"]


def test_a_refused_document_keeps_its_bytes_until_a_person_has_dealt_with_it(x: Drive) -> None:
    (invoice,) = deliver(x, "F1.pdf")
    refuse(x, invoice)
    x.clock.sleep(400 * DAY)
    archive = Archive(x.outbox, 0)
    archive.round()
    assert x.read("Geweigerd/F1.pdf") == pdf()
    x.outbox.withdraw([x.document(invoice.id)])
    archive.round()
    assert x.volume.names_in("") == [STATUS]


def test_refused_namesakes_are_told_apart(x: Drive) -> None:
    x.volume.make_folder("a")
    for folder in ("", "a"):
        document_id = Steps(x.outbox).print("F1.pdf", folder=folder)
        refuse(x, x.bring(document_id, State.DELIVERED))
    found = x.volume.names_in("Geweigerd")
    assert found == ["F1.pdf", "F1.pdf.reden.txt", "F1 (2).pdf", "F1 (2).pdf.reden.txt"]


def test_the_text_of_a_very_long_name_has_a_name_all_the_same(x: Drive) -> None:
    (invoice,) = deliver(x, "F" * 250 + ".pdf")
    refuse(x, invoice)
    assert x.volume.names_in("Geweigerd") == [invoice.name, f"{invoice.id}.reden.txt"]


# ---- they only show ----------------------------------------------------------------------------------------------


@pytest.fixture
def full(x: Drive) -> Drive:
    """One document sent and one refused, which is `F2.pdf`."""
    deliver(x, "F1.pdf", "F2.pdf")
    x.volume.remove("F1.pdf")
    refuse(x, next(d for d in x.everything() if d.name == "F2.pdf"))
    return x


def paths(x: Drive) -> list[str]:
    day = f"Verzonden/{today(x)}"
    return ["Verzonden", day, f"{day}/F1.pdf", "Geweigerd", "Geweigerd/F2.pdf", "Geweigerd/F2.pdf.reden.txt"]


def test_nothing_in_them_can_be_changed_and_nothing_put_into_them(full: Drive) -> None:
    before = [full.volume.stat(path) for path in paths(full)]
    full.write("F9.pdf", pdf())
    for path in paths(full):
        calls: list[Callable[[], object]] = [
            lambda path=path: full.volume.remove(path),  # type: ignore[misc]
            lambda path=path: full.volume.check_removal(path),  # type: ignore[misc]
            lambda path=path: full.volume.remove_folder(path),  # type: ignore[misc]
            lambda path=path: full.volume.rename(path, "G.pdf"),  # type: ignore[misc]
            lambda path=path: full.volume.rename("F9.pdf", path),  # type: ignore[misc]
            lambda path=path: full.volume.create(f"{path}/G.pdf"),  # type: ignore[misc]
            lambda path=path: full.volume.create(path),  # type: ignore[misc]
            lambda path=path: full.volume.make_folder(f"{path}/g"),  # type: ignore[misc]
            lambda path=path: full.volume.make_folder(path),  # type: ignore[misc]
            lambda path=path: full.volume.set_modified(path, 1),  # type: ignore[misc]
        ]
        if full.volume.stat(path).is_folder:
            with pytest.raises(IsFolderError):
                full.volume.open(path, may_write=True)
        else:
            calls.append(lambda path=path: full.volume.open(path, may_write=True))  # type: ignore[misc]
            calls.append(lambda path=path: full.volume.truncate_path(path, 0))  # type: ignore[misc]
        for call in calls:
            with pytest.raises(DeniedError):
                call()
    assert [full.volume.stat(path) for path in paths(full)] == before
    assert full.read("F9.pdf") == pdf()


def test_all_of_it_says_that_it_is_read_only_and_how_long_it_is(full: Drive) -> None:
    for path in paths(full):
        found = full.volume.stat(path)
        assert found.read_only
        assert found.is_folder == ("." not in path)
        if not found.is_folder:
            assert found.size == len(full.read(path))


def test_what_is_not_there_is_told_with_the_folder_that_lacks(full: Drive) -> None:
    day = today(full)
    lacking = {
        "Verzonden/2001-01-01": "Verzonden/2001-01-01",
        "Verzonden/nothing/F1.pdf": "Verzonden/nothing",
        f"Verzonden/{day}/F3.pdf": f"Verzonden/{day}/F3.pdf",
        f"Verzonden/{day}/F2.pdf": f"Verzonden/{day}/F2.pdf",
        "Geweigerd/F1.pdf": "Geweigerd/F1.pdf",
    }
    for path, said in lacking.items():
        for call in (full.volume.stat, full.volume.open, full.volume.names_in):
            with pytest.raises(NotFoundError, match=said):
                call(path)
    for path in (f"Verzonden/{day}/F1.pdf", "Geweigerd/F2.pdf"):
        with pytest.raises(NotAFolderError):
            full.volume.names_in(path)
        with pytest.raises(NotAFolderError):
            full.volume.stat(f"{path}/x")


def test_names_are_found_in_any_case_and_shown_in_theirs(full: Drive) -> None:
    day = today(full)
    assert full.volume.canonical(f"VERZONDEN/{day}/f1.PDF") == f"Verzonden/{day}/F1.pdf"
    assert full.volume.canonical("geweigerd/f2.pdf.REDEN.txt") == "Geweigerd/F2.pdf.reden.txt"
    assert full.volume.stat("verzonden").is_folder


def test_what_is_open_is_read_to_its_end_though_it_leaves_the_folder(full: Drive) -> None:
    handle = full.volume.open("Geweigerd/F2.pdf")
    assert full.volume.read(handle, 0, 4) == pdf()[:4]
    full.outbox.withdraw([d for d in full.everything() if d.name == "F2.pdf"])
    with pytest.raises(NotFoundError):
        full.volume.stat("Geweigerd/F2.pdf")
    assert full.volume.read(handle, 4, 2**20) == pdf()[4:]
    assert full.volume.stat_handle(handle).size == len(pdf())
    full.volume.release(handle)
    with pytest.raises(BadHandleError):
        full.volume.write(handle, 0, b"x")


def test_a_folder_that_a_person_made_before_keeps_its_name(x: Drive, make_drive: MakeDrive) -> None:
    x.outbox.make_folder("Verzonden")
    x = make_drive(words=WORDS)
    x.write("Verzonden/F3.pdf", pdf("3"))
    deliver(x, "F1.pdf")
    x.volume.remove("F1.pdf")
    assert x.volume.names_in("").count("Verzonden") == 1
    assert x.volume.names_in("Verzonden") == ["F3.pdf"]
    x.volume.remove("Verzonden/F3.pdf")
    x.volume.remove_folder("Verzonden")
    assert x.volume.names_in("Verzonden") == [today(x)]


def test_the_folders_are_never_sent_nor_held(full: Drive) -> None:
    before = full.everything()
    for path in paths(full):
        if not full.volume.stat(path).is_folder:
            full.read(path)
    assert full.everything() == before
    assert {document.state for document in before} <= {State.DELIVERED, State.REFUSED}


def test_one_name_among_many_is_looked_for_without_reading_its_day(x: Drive) -> None:
    day = today(x)
    deliver(x, *(f"F{number}.pdf" for number in range(300)))
    retire(x)
    asked: list[int] = []
    rows = x.outbox.rows

    def counting(sql: str, parameters: object = ()) -> object:
        found = rows(sql, parameters)  # type: ignore[arg-type]
        asked.append(len(found))
        return found

    x.outbox.rows = counting  # type: ignore[method-assign, assignment]
    assert x.volume.stat(f"Verzonden/{day}/F177.pdf").size == len(pdf())
    assert sum(asked) < 20
    asked.clear()
    assert len(x.volume.names_in(f"Verzonden/{day}")) == 300
    assert len(asked) < 10


def test_a_correction_of_a_held_document_is_no_business_of_theirs(x: Drive) -> None:
    (first,) = deliver(x, "F1.pdf")
    refuse(x, first)
    document_id = Steps(x.outbox).print("F1.pdf", data=pdf("2"))
    x.outbox.decide([Decision(x.document(document_id), State.HELD, Reason.PDF_NOT_WHOLE)])
    assert x.read("F1.pdf") == pdf("2")
    assert x.read("Geweigerd/F1.pdf") == pdf()
