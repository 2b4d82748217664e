"""The volume in process, on a real outbox: every operation, every error, and what becomes of each document."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from ingisfs.drive import buffer
from ingisfs.drive.errors import (
    BadHandleError,
    BadNameError,
    BusyError,
    DeniedError,
    ExistsError,
    IsFolderError,
    NameTooLongError,
    NoSpaceError,
    NotAFolderError,
    NotEmptyError,
    NotFoundError,
    StorageError,
    TargetStoppedError,
    TooLargeError,
    VolumeError,
)
from ingisfs.outbox.document import Reason, State
from ingisfs.outbox.outbox import Answer
from ingisfs.outbox.store import OutboxBusyError, OutboxError, OutboxFullError
from tests.documents import pdf, xml
from tests.drive.conftest import Drive, MakeDrive
from tests.servers import wait_for

LISTED = [State.DELIVERED, State.COLLECTED, State.ACCEPTED]  # the server has had it, and the drive shows it
STATUS = "INGIS-STATUS.txt"


def fails(error: Exception) -> Callable[..., None]:
    """A function that raises whatever it is given."""

    def failing(*arguments: object, **options: object) -> None:
        raise error

    return failing


# ---- printing --------------------------------------------------------------------------------------------------------


def test_a_printed_document_settles_and_comes_back_byte_for_byte(drive: Drive) -> None:
    data = pdf(size=60_000)
    document_id = drive.printed("F1.pdf", data)
    document = drive.document(document_id)
    assert (document.state, document.size, document.name) == (State.SETTLING, len(data), "F1.pdf")
    assert document.due == drive.clock.now + 3.0, "the settling time runs from the close"
    assert drive.outbox.payload(document_id) == data
    assert drive.read("F1.pdf") == data
    assert drive.worked, "the courier was told"


def test_nothing_is_on_record_before_the_first_flush_and_everything_after_it(drive: Drive) -> None:
    handle = drive.volume.create("F1.pdf")
    drive.fill(handle, pdf())
    assert drive.everything() == []
    drive.volume.flush(handle)
    (document,) = drive.everything()
    assert document.state is State.WRITING
    assert drive.outbox.payload(document.id) == pdf()
    drive.volume.release(handle)


def test_a_close_without_a_flush_keeps_the_document_all_the_same(drive: Drive) -> None:
    drive.write("F1.pdf", pdf(), flush=False)
    assert drive.closed("F1.pdf").state is State.SETTLING
    assert drive.read("F1.pdf") == pdf()


def test_a_header_patched_after_the_rest_and_a_shorter_end_are_kept(drive: Drive) -> None:
    handle = drive.volume.create("F1.pdf")
    drive.fill(handle, b"\0" * 20_000)
    drive.volume.write(handle, 0, b"%PDF-1.7")
    drive.volume.flush(handle)
    drive.volume.truncate(handle, 10_000)
    drive.volume.release(handle)
    assert drive.read("F1.pdf") == b"%PDF-1.7" + bytes(9_992)
    drive.closed("F1.pdf")


def test_growing_by_a_byte_and_cutting_it_again_preallocates(drive: Drive) -> None:
    handle = drive.volume.create("F1.pdf")
    drive.volume.write(handle, 100_000, b"\0")
    drive.volume.truncate(handle, 100_000)
    drive.volume.write(handle, 0, b"abc")
    drive.volume.truncate(handle, 3)
    drive.volume.release(handle)
    assert drive.read("F1.pdf") == b"abc"


def test_an_empty_document_is_kept_as_one(drive: Drive) -> None:
    drive.write("F1.pdf", b"")
    assert drive.closed("F1.pdf").size == 0


def test_a_second_flush_and_a_flush_of_a_reader_commit_nothing_new(
    drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = drive.volume.create("F1.pdf")
    drive.fill(handle, pdf())
    drive.volume.flush(handle)
    monkeypatch.setattr(drive.outbox, "keep", fails(AssertionError("nothing has changed")))
    drive.volume.flush(handle)
    reader = drive.volume.open("F1.pdf")
    drive.volume.flush(reader)
    drive.volume.release(reader)
    drive.volume.release(handle)
    drive.closed("F1.pdf")


def test_a_large_document_goes_through_the_spool_file(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffer, "SPILL", 10_000)
    data = pdf(size=50_000)
    drive.printed("F1.pdf", data)
    assert drive.read("F1.pdf") == data
    assert list((drive.folder / "spool").iterdir()) == []


def test_two_programs_write_two_documents_at_once(drive: Drive) -> None:
    one, two = drive.volume.create("F1.pdf"), drive.volume.create("F2.pdf")
    for start in range(0, 40_000, 4_096):
        drive.volume.write(one, start, b"1" * 4_096)
        drive.volume.write(two, start, b"2" * 4_096)
    drive.volume.release(one)
    drive.closed("F1.pdf")
    document = drive.listed("F2.pdf")
    assert document is None, "the other one is still being written"
    drive.volume.release(two)
    drive.closed("F2.pdf")
    assert set(drive.read("F1.pdf")) == set(b"1")
    assert set(drive.read("F2.pdf")) == set(b"2")


# ---- handles ---------------------------------------------------------------------------------------------------------


def test_the_document_ends_with_its_last_writer_only(drive: Drive) -> None:
    first = drive.volume.create("F1.pdf")
    second = drive.volume.open("F1.pdf", may_write=True)
    drive.volume.write(first, 0, b"from the first, ")
    drive.volume.flush(first)
    drive.volume.release(first)
    drive.write("other.pdf", pdf())
    drive.closed("other.pdf")  # the releases of this moment were said
    document = drive.listed("F1.pdf")
    assert document is not None
    assert document.state is State.WRITING
    drive.volume.write(second, 16, b"from the second")
    drive.volume.release(second)
    assert drive.closed("F1.pdf").state is State.SETTLING
    assert drive.read("F1.pdf") == b"from the first, from the second"


def test_a_flush_by_any_handle_commits_what_another_wrote(drive: Drive) -> None:
    writer = drive.volume.create("F1.pdf")
    reader = drive.volume.open("F1.pdf")
    drive.volume.write(writer, 0, b"bytes")
    drive.volume.flush(reader)
    (document,) = drive.everything()
    assert drive.outbox.payload(document.id) == b"bytes"
    drive.volume.release(reader)
    assert drive.state(document.id) is State.WRITING, "a reader ends nothing"
    drive.volume.release(writer)


def test_a_reader_sees_what_is_being_written(drive: Drive) -> None:
    writer = drive.volume.create("F1.pdf")
    reader = drive.volume.open("F1.pdf")
    assert drive.volume.read(reader, 0, 100) == b""
    drive.volume.write(writer, 0, b"hello")
    assert drive.volume.read(reader, 1, 100) == b"ello"
    assert drive.volume.stat("F1.pdf").size == drive.volume.stat_handle(reader).size == 5
    drive.volume.release(writer)
    drive.volume.release(reader)


def test_a_virus_scanner_that_keeps_its_handle_starts_and_blocks_nothing(drive: Drive) -> None:
    writer = drive.volume.create("F1.pdf")
    drive.fill(writer, pdf())
    scanner = drive.volume.open("F1.pdf")
    drive.volume.flush(writer)
    drive.volume.release(writer)
    document = drive.closed("F1.pdf")
    assert document.state is State.SETTLING
    drive.bring(document.id, State.DELIVERED)
    assert drive.volume.read(scanner, 0, 10_000) == pdf()
    drive.volume.flush(scanner)
    drive.volume.release(scanner)
    assert [d.state for d in drive.everything()] == [State.DELIVERED]


def test_a_read_only_handle_leaves_every_state_alone(drive: Drive) -> None:
    document_id = drive.printed("F1.pdf", pdf())
    for state in (State.SETTLING, State.QUEUED, State.UPLOADING, State.PUBLISHING, State.DELIVERED):
        before = drive.document(document_id)
        assert before.state is state
        assert drive.read("F1.pdf") == pdf()
        assert drive.document(document_id) == before
        following = {
            State.SETTLING: State.QUEUED,
            State.QUEUED: State.UPLOADING,
            State.UPLOADING: State.PUBLISHING,
            State.PUBLISHING: State.DELIVERED,
        }.get(state)
        if following is State.PUBLISHING:
            drive.outbox.mark_publishing([[(before, "tag")]])
        elif following is State.DELIVERED:
            drive.outbox.finish([before])
        elif following is not None:
            drive.bring(document_id, following)


def test_an_appending_handle_writes_at_the_end_wherever_it_is_told_to(drive: Drive) -> None:
    handle = drive.volume.create("F1.pdf", append=True)
    drive.volume.write(handle, 0, b"one ")
    drive.volume.write(handle, 0, b"two ")
    other = drive.volume.open("F1.pdf", may_write=True, append=True)
    drive.volume.write(other, 1, b"three")
    drive.volume.write(handle, 2, b" four")
    drive.volume.release(other)
    drive.volume.release(handle)
    assert drive.read("F1.pdf") == b"one two three four"


def test_a_paging_write_never_grows_a_document_nor_appends(drive: Drive) -> None:
    handle = drive.volume.create("F1.pdf", append=True)
    drive.volume.write(handle, 0, b"0123456789")
    assert drive.volume.write(handle, 8, b"abcdef", extend=False) == 2
    assert drive.volume.write(handle, 20, b"beyond", extend=False) == 0
    drive.volume.release(handle)
    assert drive.read("F1.pdf") == b"01234567ab"


def test_truncating_goes_both_ways(drive: Drive) -> None:
    handle = drive.volume.create("F1.pdf")
    drive.volume.write(handle, 0, b"0123456789")
    drive.volume.truncate(handle, 4)
    drive.volume.truncate(handle, 8)
    drive.volume.release(handle)
    assert drive.read("F1.pdf") == b"0123" + bytes(4)
    drive.volume.truncate_path("F1.pdf", 2)
    assert drive.read("F1.pdf") == b"01"
    drive.volume.truncate_path("F1.pdf", 3)
    assert drive.outbox.payload(drive.closed("F1.pdf").id) == b"01\0"


def test_truncating_by_name_what_a_program_is_writing_leaves_the_commit_to_that_program(
    drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = drive.volume.create("F1.pdf")
    drive.volume.write(handle, 0, b"0123456789")
    with monkeypatch.context() as patch:
        patch.setattr(drive.outbox, "keep", fails(AssertionError("not now")))
        drive.volume.truncate_path("F1.pdf", 4)
    drive.volume.release(handle)
    assert drive.read("F1.pdf") == b"0123"


@pytest.mark.parametrize("operation", ["read", "write", "truncate"])
def test_a_handle_is_good_only_for_what_it_was_opened_for_and_only_until_it_is_closed(
    drive: Drive, operation: str
) -> None:
    drive.printed("F1.pdf", pdf())
    writer = drive.volume.open("F1.pdf", may_read=False, may_write=True)
    reader = drive.volume.open("F1.pdf")
    calls: dict[str, Callable[[Any], Any]] = {
        "read": lambda handle: drive.volume.read(handle, 0, 1),
        "write": lambda handle: drive.volume.write(handle, 0, b"x"),
        "truncate": lambda handle: drive.volume.truncate(handle, 0),
    }
    with pytest.raises(BadHandleError):
        calls[operation](writer if operation == "read" else reader)
    drive.volume.release(writer)
    drive.volume.release(reader)
    for handle in (writer, reader):
        with pytest.raises(BadHandleError):
            calls[operation](handle)
        drive.volume.flush(handle)
        drive.volume.release(handle)  # twice is once
    assert drive.closed("F1.pdf").state is State.SETTLING


# ---- names -----------------------------------------------------------------------------------------------------------


def test_a_name_is_found_in_any_case_and_shown_in_its_own(drive: Drive) -> None:
    drive.printed("Café.PDF", pdf())
    for path in ("café.pdf", "CAFE\u0301.PDF"):
        assert drive.volume.stat(path).size == len(pdf())
        assert drive.volume.canonical(path) == "Café.PDF"
        assert drive.read(path) == pdf()
        with pytest.raises(ExistsError):
            drive.volume.create(path)
    assert drive.volume.names_in("") == [STATUS, "Café.PDF"]


def test_king_finds_its_names_taken_until_they_are_published_and_hidden(drive: Drive) -> None:
    """King looks for `F1.pdf` before it prints; what it finds makes it print `F1(1).pdf`."""
    document_id = drive.printed("F1.pdf", pdf())
    handle = drive.volume.create("F2.pdf")
    assert drive.volume.names_in("") == [STATUS, "F1.pdf", "F2.pdf"], "also what is not on record yet"
    with pytest.raises(ExistsError):
        drive.volume.create("F1.pdf")
    drive.write("F1(1).pdf", pdf())
    drive.volume.release(handle)
    for state in (State.QUEUED, State.UPLOADING, State.DELIVERED):
        if state is State.DELIVERED:
            (marked,) = drive.outbox.mark_publishing([[(drive.document(document_id), "tag")]])
            drive.outbox.finish([marked])
        else:
            drive.bring(document_id, state)
        assert "F1.pdf" in drive.volume.names_in("")
    drive.clock.sleep(90_000)
    drive.outbox.retire(keep_visible=86_400)
    assert "F1.pdf" not in drive.volume.names_in("")
    with pytest.raises(NotFoundError):
        drive.volume.stat("F1.pdf")
    drive.printed("F1.pdf", pdf("a new one"))


def test_a_name_is_listed_once_while_its_next_version_is_being_written(drive: Drive) -> None:
    drive.bring(drive.printed("F1.pdf", pdf("1")), State.DELIVERED)
    handle = drive.volume.open("F1.pdf", may_write=True)
    drive.volume.truncate(handle, 0)
    assert drive.volume.names_in("").count("F1.pdf") == 1
    assert drive.volume.stat("F1.pdf").size == 0
    drive.volume.release(handle)


@pytest.mark.parametrize(
    ("name", "error"),
    [("a:b.pdf", BadNameError), ("CON.pdf", BadNameError), ("F1.pdf.", BadNameError), ("x" * 256, NameTooLongError)],
)
def test_names_that_cannot_be_are_refused_everywhere(drive: Drive, name: str, error: type[VolumeError]) -> None:
    volume = drive.volume
    drive.printed("F1.pdf", pdf())
    for call in (volume.stat, volume.create, volume.open, volume.remove, volume.make_folder, volume.canonical):
        with pytest.raises(error):
            call(name)
    with pytest.raises(error):
        volume.rename("F1.pdf", name)
    with pytest.raises(error):
        volume.set_modified(name, 1)
    with pytest.raises(error):
        volume.create(f"{name}/F1.pdf")
    assert volume.names_in("") == [STATUS, "F1.pdf"]


@pytest.mark.parametrize("name", ["~$F1.pdf", "F1.tmp", "desktop.ini", ".Trash-0/files/F1.pdf", "$RECYCLE.BIN/F1.pdf"])
def test_noise_stays_local_and_is_never_sent(drive: Drive, name: str) -> None:
    for at in range(1, len(name.split("/"))):
        drive.volume.make_folder("/".join(name.split("/")[:at]))
    document_id = drive.printed(name, b"noise")
    assert drive.state(document_id) is State.LOCAL
    assert drive.read(name) == b"noise"
    handle = drive.volume.open(name, may_write=True)
    drive.volume.write(handle, 5, b"!")
    drive.volume.release(handle)
    assert drive.closed(name).state is State.LOCAL
    drive.volume.remove(name)
    assert drive.everything() == [], "no trace"


def test_a_document_in_a_subfolder_is_a_document_of_that_folder(drive: Drive) -> None:
    drive.volume.make_folder("Inkoop")
    drive.volume.make_folder("inkoop/2026")
    document_id = drive.printed("INKOOP/2026/F1.pdf", pdf())
    document = drive.document(document_id)
    assert (document.state, document.folder, document.path) == (State.SETTLING, "Inkoop/2026", "Inkoop/2026/F1.pdf")
    assert drive.volume.names_in("") == [STATUS, "Inkoop"]
    assert drive.volume.names_in("Inkoop") == ["2026"]
    assert drive.volume.names_in("inkoop/2026") == ["F1.pdf"]
    assert drive.volume.canonical("inkoop/2026/f1.PDF") == "Inkoop/2026/F1.pdf"
    assert drive.volume.canonical("INKOOP") == "Inkoop"


# ---- folders ---------------------------------------------------------------------------------------------------------


def test_folders_are_made_renamed_and_removed(drive: Drive) -> None:
    volume = drive.volume
    volume.make_folder("a")
    volume.make_folder("a/b")
    document_id = drive.printed("a/b/F1.pdf", pdf())
    volume.rename("a", "c")
    assert volume.names_in("c/b") == ["F1.pdf"]
    assert drive.document(document_id).folder == "c/b"
    with pytest.raises(NotFoundError):
        volume.names_in("a")
    volume.rename("c", "C")
    assert volume.names_in("") == [STATUS, "C"]
    volume.rename("C/b", "b")
    assert drive.read("b/F1.pdf") == pdf()
    volume.remove("b/F1.pdf")
    volume.remove_folder("b")
    volume.remove_folder("C")
    assert volume.names_in("") == [STATUS]


def test_a_folder_keeps_open_documents_through_its_rename(drive: Drive) -> None:
    drive.volume.make_folder("a")
    handle = drive.volume.create("a/F1.pdf")
    drive.volume.write(handle, 0, b"before ")
    drive.volume.rename("a", "b")
    drive.volume.write(handle, 7, b"after")
    drive.volume.release(handle)
    assert drive.closed("b/F1.pdf").folder == "b"
    assert drive.read("b/F1.pdf") == b"before after"


def test_a_folder_goes_over_an_empty_one_but_over_nothing_else(drive: Drive) -> None:
    volume = drive.volume
    for folder in ("a", "empty", "full"):
        volume.make_folder(folder)
    drive.printed("F1.pdf", pdf())
    drive.printed("full/F2.pdf", pdf())
    with pytest.raises(NotEmptyError):
        volume.rename("a", "full")
    with pytest.raises(NotAFolderError):
        volume.rename("a", "F1.pdf")
    with pytest.raises(BadNameError):
        volume.rename("a", "a/b")
    for taken in ("empty", "F1.pdf"):
        with pytest.raises(ExistsError):
            volume.rename("a", taken, replace=False)
    with pytest.raises(DeniedError):
        volume.rename("a", STATUS)
    volume.rename("a", "a")
    volume.rename("a", "empty")
    assert volume.names_in("") == [STATUS, "empty", "full", "F1.pdf"]


def test_a_folder_with_something_in_publishing_is_not_renamed(drive: Drive) -> None:
    drive.volume.make_folder("a")
    drive.bring(drive.printed("a/F1.pdf", pdf()), State.PUBLISHING)
    with pytest.raises(BusyError):
        drive.volume.rename("a", "b")
    assert drive.volume.names_in("a") == ["F1.pdf"]


def test_documents_of_a_renamed_folder_are_judged_anew(drive: Drive) -> None:
    drive.volume.make_folder("a")
    held = drive.printed("a/F1.pdf", pdf())
    drive.hold(held, Reason.FOLDER_NOT_ROUTED)
    uploading = drive.printed("a/F2.pdf", pdf())
    drive.bring(uploading, State.UPLOADING)
    delivered = drive.printed("a/F3.pdf", pdf())
    drive.bring(delivered, State.DELIVERED)
    drive.volume.rename("a", "b")
    assert drive.state(held) is State.SETTLING
    assert drive.state(uploading) is State.SETTLING
    assert drive.state(delivered) is State.DELIVERED
    drive.volume.rename("b", ".Trash-0")
    assert drive.state(held) is State.LOCAL, "thrown away is not to be sent"


def test_errors_of_folders(drive: Drive) -> None:
    volume = drive.volume
    volume.make_folder("a")
    drive.printed("F1.pdf", pdf())
    drive.printed("a/F2.pdf", pdf())
    handle = volume.create("open.pdf")
    for taken in ("A", "F1.pdf", "OPEN.pdf", STATUS.lower()):
        with pytest.raises(ExistsError):
            volume.make_folder(taken)
    with pytest.raises(NotFoundError):
        volume.make_folder("no/b")
    with pytest.raises(NotAFolderError):
        volume.make_folder("F1.pdf/b")
    with pytest.raises(NotEmptyError):
        volume.remove_folder("a")
    for other, error in (
        ("no", NotFoundError),
        ("F1.pdf", NotAFolderError),
        ("", DeniedError),
        (STATUS, NotAFolderError),
    ):
        with pytest.raises(error):
            volume.remove_folder(other)
    for path, error in (("no", NotFoundError), ("F1.pdf", NotAFolderError), (STATUS, NotAFolderError)):
        with pytest.raises(error):
            volume.names_in(path)
    for path in ("F1.pdf/x", "F1.pdf/x/y", "open.pdf/x", f"{STATUS}/x"):
        with pytest.raises(NotAFolderError):
            volume.stat(path)
    for path in ("no/x", "no/x/y"):
        with pytest.raises(NotFoundError):
            volume.create(path)
    for call in (volume.open, volume.remove):
        for folder in ("a", ""):
            with pytest.raises(IsFolderError):
                call(folder)
    for existing in ("a", "F1.pdf", STATUS):
        with pytest.raises(ExistsError):
            volume.create(existing)
    assert volume.stat("").is_folder
    assert volume.stat("A").is_folder
    assert volume.canonical("") == ""
    volume.release(handle)


# ---- looking ---------------------------------------------------------------------------------------------------------


def test_a_missing_name_is_not_found_by_any_operation(drive: Drive) -> None:
    volume = drive.volume
    for call in (volume.stat, volume.open, volume.remove, volume.remove_folder, volume.names_in):
        with pytest.raises(NotFoundError):
            call("no.pdf")
    for target in ("F1.pdf", STATUS):
        with pytest.raises(NotFoundError):
            volume.rename("no.pdf", target)
    with pytest.raises(NotFoundError):
        volume.truncate_path("no.pdf", 0)
    with pytest.raises(NotFoundError):
        volume.set_modified("no.pdf", 1)
    assert volume.canonical("no.pdf") == "no.pdf"


def test_the_time_of_change_is_what_a_program_sets(drive: Drive) -> None:
    handle = drive.volume.create("F1.pdf")
    drive.volume.write(handle, 0, b"x")
    drive.volume.set_modified("F1.pdf", 1_706_933_106_007_000_000)
    assert drive.volume.stat("F1.pdf").modified_ns == 1_706_933_106_007_000_000
    drive.volume.release(handle)
    assert drive.closed("F1.pdf").modified_ns == 1_706_933_106_007_000_000
    drive.volume.set_modified("f1.PDF", 5)
    assert drive.volume.stat("F1.pdf").modified_ns == 5
    handle = drive.volume.open("F1.pdf")
    drive.volume.set_modified("F1.pdf", 7)
    assert drive.volume.stat_handle(handle).modified_ns == drive.volume.stat("F1.pdf").modified_ns == 7
    drive.volume.release(handle)
    drive.volume.make_folder("a")
    drive.volume.set_modified("a", 5)
    drive.volume.set_modified("", 5)
    with pytest.raises(DeniedError):
        drive.volume.set_modified(STATUS, 5)


def test_free_space_is_what_the_spool_disk_has_less_what_is_promised(drive: Drive) -> None:
    drive.disk.free = 10_000_000
    assert drive.volume.space().free == 10_000_000
    handle = drive.volume.create("F1.pdf")
    drive.volume.write(handle, 0, bytes(1_000))
    assert drive.volume.space().free == 10_000_000 - 2_000
    drive.volume.flush(handle)
    assert drive.volume.space().free == 10_000_000
    drive.volume.release(handle)


# ---- status files ----------------------------------------------------------------------------------------------------


def test_a_status_file_is_rendered_at_open_and_stays_as_it_was_then(make_drive: MakeDrive) -> None:
    count = itertools.count()
    drive = make_drive(status_files={STATUS: lambda: b"x" * next(count)})
    first = drive.volume.open(STATUS.lower())
    second = drive.volume.open(STATUS)
    for handle, size in ((first, 0), (second, 1)):
        assert drive.volume.stat_handle(handle).size == size
        assert drive.volume.read(handle, 0, 100) == b"x" * size
        assert drive.volume.read(handle, 1, 100) == b""
    found = drive.volume.stat(STATUS)
    # Linux asks for the size of what is open by its name: whoever opened it last must not wait for more than there is.
    assert (found.size, found.read_only, found.is_folder) == (1, True, False)
    assert drive.volume.canonical(STATUS.lower()) == STATUS
    drive.volume.flush(first)
    drive.volume.release(second)
    assert drive.volume.stat(STATUS).size == 0
    drive.volume.release(first)
    assert drive.volume.stat(STATUS).size == 2


def test_a_status_file_cannot_be_changed(drive: Drive) -> None:
    volume = drive.volume
    drive.printed("F1.pdf", pdf())
    for call in (
        lambda: volume.open(STATUS, may_write=True),
        lambda: volume.truncate_path(STATUS, 0),
        lambda: volume.remove(STATUS),
        lambda: volume.rename(STATUS, "x.txt"),
        lambda: volume.rename("F1.pdf", STATUS),
    ):
        with pytest.raises(DeniedError):
            call()
    handle = volume.open(STATUS)
    with pytest.raises(BadHandleError):
        volume.write(handle, 0, b"x")
    with pytest.raises(BadHandleError):
        volume.truncate(handle, 0)
    volume.release(handle)
    assert drive.read(STATUS) == b"all is well\n"
    volume.make_folder("a")
    drive.printed(f"a/{STATUS}", b"in a folder it is a name like any other")


# ---- taking back -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.SETTLING, State.QUEUED, State.UPLOADING, State.HELD, State.PARKED])
def test_opening_for_writing_takes_a_document_back_and_a_clean_close_puts_it_back(drive: Drive, state: State) -> None:
    document_id = drive.printed("F1.pdf", pdf())
    if state is State.HELD:
        drive.hold(document_id)
    elif state is not State.SETTLING:
        drive.bring(document_id, state)
    before = drive.document(document_id)
    assert before.state is state
    handle = drive.volume.open("F1.pdf", may_write=True)
    assert drive.state(document_id) is State.WRITING
    assert drive.volume.read(handle, 0, 8) == pdf()[:8]
    drive.volume.write(handle, 0, b"")
    drive.volume.flush(handle)
    drive.volume.release(handle)
    after = drive.closed("F1.pdf")
    assert after.id == document_id
    assert after.state is (State.QUEUED if state is State.UPLOADING else state)
    assert (after.reason, after.detail) == (before.reason, before.detail)


@pytest.mark.parametrize("state", [State.SETTLING, State.QUEUED, State.UPLOADING, State.HELD, State.PARKED])
def test_what_was_changed_settles_anew_under_its_old_id(drive: Drive, state: State) -> None:
    document_id = drive.printed("F1.pdf", pdf("1"))
    if state is State.HELD:
        drive.hold(document_id)
    elif state is not State.SETTLING:
        drive.bring(document_id, state)
    drive.overwrite("F1.pdf", pdf("2"))
    document = drive.closed("F1.pdf")
    assert (document.id, document.state, document.reason) == (document_id, State.SETTLING, None)
    assert drive.outbox.payload(document_id) == pdf("2")


def test_a_claim_between_lookup_and_open_is_taken_back_all_the_same(
    drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    document_id = drive.printed("F1.pdf", pdf("1"))
    drive.bring(document_id, State.QUEUED)
    looked_up = drive.outbox.find

    def find_and_claim(folder_key: str, name_key: str) -> Any:
        found = looked_up(folder_key, name_key)
        monkeypatch.setattr(drive.outbox, "find", looked_up)
        drive.bring(document_id, State.UPLOADING)
        return found

    monkeypatch.setattr(drive.outbox, "find", find_and_claim)
    handle = drive.volume.open("F1.pdf", may_write=True)
    assert drive.state(document_id) is State.WRITING
    drive.volume.release(handle)
    assert drive.closed("F1.pdf").state is State.QUEUED


def test_an_upload_that_was_under_way_when_its_document_was_opened_is_never_published(drive: Drive) -> None:
    document_id = drive.printed("F1.pdf", pdf())
    first = drive.bring(document_id, State.UPLOADING)
    handle = drive.volume.open("F1.pdf", may_write=True)
    drive.volume.release(handle)
    drive.closed("F1.pdf")
    second = drive.bring(document_id, State.UPLOADING)
    assert drive.outbox.mark_publishing([[(first, "tag of an older attempt")]]) == []
    assert [d.attempt for d in drive.outbox.mark_publishing([[(second, "tag")]])] == [2]


def test_reopening_at_once_joins_both_writes_in_one_document(drive: Drive) -> None:
    drive.write("F1.pdf", b"one ")
    handle = drive.volume.open("F1.pdf", may_write=True, append=True)
    drive.volume.write(handle, 0, b"two")
    drive.volume.release(handle)
    document = drive.closed("F1.pdf")
    assert document.state is State.SETTLING
    assert drive.outbox.payload(document.id) == b"one two"
    assert len(drive.everything()) == 1


def test_reopening_at_once_without_writing_does_not_lose_that_something_was_written(drive: Drive) -> None:
    drive.write("F1.pdf", pdf())
    drive.volume.release(drive.volume.open("F1.pdf", may_write=True))
    assert drive.closed("F1.pdf").state is State.SETTLING


def test_a_document_written_while_a_scanner_holds_it_open_is_taken_back_as_well(drive: Drive) -> None:
    document_id = drive.printed("F1.pdf", pdf("1"))
    scanner = drive.volume.open("F1.pdf")
    drive.bring(document_id, State.QUEUED)
    drive.overwrite("F1.pdf", pdf("2"))
    assert drive.closed("F1.pdf").id == document_id
    assert drive.volume.read(scanner, 0, 10_000) == pdf("2")
    drive.volume.release(scanner)


# ---- documents that INGIS has ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.PUBLISHING, *LISTED])
def test_writing_a_published_document_makes_a_new_one(drive: Drive, state: State) -> None:
    old = drive.printed("F1.pdf", pdf("1"))
    drive.bring(old, state)
    handle = drive.volume.open("F1.pdf", may_write=True, append=True)
    assert drive.state(old) is state
    drive.volume.write(handle, 0, b"more")
    drive.volume.flush(handle)
    drive.volume.release(handle)
    new = drive.closed("F1.pdf")
    assert new.id != old
    assert new.state is State.SETTLING
    assert drive.outbox.payload(new.id) == pdf("1") + b"more"
    assert drive.state(old) is state
    assert not drive.document(old).listed
    assert drive.outbox.payload(old) == pdf("1"), "what INGIS has stays as it is"


@pytest.mark.parametrize("state", [State.PUBLISHING, *LISTED])
def test_opening_a_published_document_for_writing_and_changing_nothing_makes_none(drive: Drive, state: State) -> None:
    old = drive.printed("F1.pdf", pdf("1"))
    drive.bring(old, state)
    handle = drive.volume.open("F1.pdf", may_write=True)
    drive.volume.write(handle, 3, b"")
    drive.volume.truncate(handle, len(pdf("1")))
    drive.volume.flush(handle)
    drive.volume.release(handle)
    (document,) = drive.everything()
    assert (document.id, document.state, document.listed) == (old, state, True)


def test_a_document_published_while_a_handle_is_open_for_reading_is_new_when_written(drive: Drive) -> None:
    old = drive.printed("F1.pdf", pdf("1"))
    reader = drive.volume.open("F1.pdf")
    drive.bring(old, State.DELIVERED)
    drive.overwrite("F1.pdf", pdf("2"))
    new = drive.closed("F1.pdf")
    assert new.id != old
    drive.bring(new.id, State.DELIVERED)
    drive.overwrite("F1.pdf", pdf("3"))
    assert drive.closed("F1.pdf").id not in {old, new.id}
    drive.volume.release(reader)
    assert [d.state for d in drive.everything()] == [State.DELIVERED, State.DELIVERED, State.SETTLING]


@pytest.mark.parametrize("state", LISTED)
def test_deleting_a_delivered_document_only_hides_it(drive: Drive, state: State) -> None:
    document_id = drive.printed("F1.pdf", pdf())
    drive.bring(document_id, state)
    drive.volume.remove("F1.pdf")
    assert drive.volume.names_in("") == [STATUS]
    document = drive.document(document_id)
    assert (document.state, document.listed) == (state, False)
    assert drive.outbox.payload(document_id) == pdf()


def test_the_name_of_a_refused_document_is_free_for_its_correction(drive: Drive) -> None:
    old = drive.printed("F1.pdf", pdf("1"))
    drive.bring(old, State.REFUSED)
    assert drive.volume.names_in("") == [STATUS]
    for attempt in (partial(drive.volume.open, may_write=True), drive.volume.remove):
        with pytest.raises(NotFoundError):
            attempt("F1.pdf")
    with pytest.raises(NotFoundError):
        drive.volume.rename("F1.pdf", "F2.pdf")
    new = drive.printed("F1.pdf", pdf("2"))
    assert (drive.state(old), drive.state(new)) == (State.REFUSED, State.SETTLING)
    assert drive.outbox.payload(old) == pdf("1")


@pytest.mark.parametrize("state", [State.COLLECTED, State.ACCEPTED, State.REFUSED])
def test_what_ingis_answers_is_no_matter_to_a_program_that_reads(drive: Drive, state: State) -> None:
    document_id = drive.printed("F1.pdf", pdf("1"))
    drive.bring(document_id, State.DELIVERED)
    handle = drive.volume.open("F1.pdf")
    assert drive.volume.read(handle, 0, 4) == b"%PDF"
    drive.outbox.hear([Answer(document_id, state)])
    assert drive.volume.read(handle, 0, 2**20) == pdf("1")
    drive.volume.release(handle)


@pytest.mark.parametrize("state", LISTED)
def test_a_delivered_document_cannot_be_given_another_name_to_send(drive: Drive, state: State) -> None:
    document_id = drive.printed("F1.pdf", pdf())
    drive.bring(document_id, state)
    drive.printed("F3.pdf", pdf("3"))
    for name in ("F2.pdf", "F3.pdf", "f1.PDF"):
        with pytest.raises(DeniedError):
            drive.volume.rename("F1.pdf", name)
    assert drive.volume.names_in("") == [STATUS, "F1.pdf", "F3.pdf"]
    assert drive.read("F3.pdf") == pdf("3")


@pytest.mark.parametrize("state", LISTED)
def test_setting_a_delivered_document_aside_copies_it(drive: Drive, state: State) -> None:
    """What programs do that save safely: old to `.bak`, new to the name."""
    old = drive.printed("F1.pdf", pdf("1"))
    drive.bring(old, state)
    drive.printed("F1.tmp", pdf("2"))
    drive.volume.rename("F1.pdf", "F1.bak")
    drive.volume.rename("F1.tmp", "F1.pdf")
    assert drive.read("F1.bak") == pdf("1")
    assert drive.read("F1.pdf") == pdf("2")
    backup, new = drive.listed("F1.bak"), drive.listed("F1.pdf")
    assert backup is not None
    assert new is not None
    assert backup.state is State.LOCAL
    assert backup.id != old
    assert new.state is State.SETTLING
    assert (drive.state(old), drive.document(old).listed) == (state, False)


def test_what_was_delivered_is_not_sent_again_under_another_name_by_way_of_noise(drive: Drive) -> None:
    old = drive.printed("F1(1).pdf", pdf("1"))
    drive.bring(old, State.DELIVERED)
    drive.volume.rename("F1(1).pdf", "x.tmp")
    drive.volume.rename("x.tmp", "F1.pdf")
    copy = drive.listed("F1.pdf")
    assert copy is not None
    assert (copy.state, copy.reason, copy.detail) == (State.HELD, Reason.DELIVERED_COPY, "F1(1).pdf")
    drive.volume.rename("F1.pdf", "F2.pdf")
    handle = drive.volume.open("F2.pdf", may_write=True)
    drive.volume.release(handle)
    assert drive.closed("F2.pdf").state is State.HELD, "neither a name nor a look makes another document of it"
    handle = drive.volume.open("F2.pdf", may_write=True)
    drive.volume.truncate(handle, 0)
    drive.volume.write(handle, 0, pdf("2"))
    drive.volume.release(handle)
    assert (drive.closed("F2.pdf").state, drive.closed("F2.pdf").reason) == (State.SETTLING, None), "other bytes do"


@pytest.mark.parametrize("may_write", [False, True])
def test_an_open_handle_follows_a_delivered_document_that_is_set_aside(drive: Drive, may_write: bool) -> None:
    old = drive.printed("F1.pdf", pdf("1"))
    drive.bring(old, State.DELIVERED)
    handle = drive.volume.open("F1.pdf", may_write=may_write)
    drive.volume.rename("F1.pdf", "F1.bak")
    if may_write:
        drive.volume.truncate(handle, 0)
        drive.volume.write(handle, 0, b"into the backup")
        drive.volume.flush(handle)
    assert drive.volume.read(handle, 0, 10_000) == (b"into the backup" if may_write else pdf("1"))
    drive.volume.release(handle)
    assert drive.closed("F1.bak").state is State.LOCAL
    assert drive.read("F1.bak") == (b"into the backup" if may_write else pdf("1"))
    assert drive.outbox.payload(old) == pdf("1")


def test_nothing_in_publishing_is_deleted_or_renamed(drive: Drive) -> None:
    document_id = drive.printed("F1.pdf", pdf())
    drive.bring(document_id, State.PUBLISHING)
    before = drive.document(document_id)
    with pytest.raises(BusyError):
        drive.volume.remove("F1.pdf")
    for name in ("F2.pdf", "F1.bak"):
        with pytest.raises(BusyError):
            drive.volume.rename("F1.pdf", name)
    assert drive.document(document_id) == before
    assert drive.volume.names_in("") == [STATUS, "F1.pdf"]


def test_deleting_the_unkept_next_version_of_a_delivered_document_brings_the_old_one_not_back(drive: Drive) -> None:
    drive.bring(drive.printed("F1.pdf", pdf("1")), State.DELIVERED)
    handle = drive.volume.open("F1.pdf", may_write=True)
    drive.volume.write(handle, 0, b"new")
    drive.volume.remove("F1.pdf")
    with pytest.raises(NotFoundError):
        drive.volume.stat("F1.pdf")
    drive.volume.flush(handle)
    drive.volume.release(handle)
    (document,) = drive.everything()
    assert (document.state, document.listed) == (State.DELIVERED, False)


def test_a_document_in_doubt_is_never_sent_under_its_id_again(drive: Drive) -> None:
    document_id = drive.printed("F1.pdf", pdf("1"))
    marked = drive.bring(document_id, State.PUBLISHING)
    drive.outbox.park(marked, Reason.DOUBTFUL, "timed out")
    with pytest.raises(DeniedError):
        drive.volume.rename("F1.pdf", "F2.pdf")
    drive.volume.release(drive.volume.open("F1.pdf", may_write=True))
    assert drive.state(document_id) is State.PARKED
    drive.overwrite("F1.pdf", pdf("2"))
    new = drive.closed("F1.pdf")
    assert new.id != document_id
    old = drive.document(document_id)
    assert (old.state, old.reason, old.listed) == (State.PARKED, Reason.DOUBTFUL, False), "a person still has to look"
    assert drive.outbox.payload(document_id) == pdf("1")


def test_a_document_in_doubt_that_is_deleted_is_withdrawn_and_set_aside_it_stays_for_a_person(drive: Drive) -> None:
    ids = [drive.printed(f"F{n}.pdf", pdf(str(n))) for n in range(2)]
    for document_id in ids:
        drive.outbox.park(drive.bring(document_id, State.PUBLISHING), Reason.DOUBTFUL, "timed out")
    drive.volume.remove("F0.pdf")
    drive.volume.rename("F1.pdf", "F1.bak")
    assert [drive.state(document_id) for document_id in ids] == [State.WITHDRAWN, State.PARKED]
    assert drive.read("F1.bak") == drive.outbox.payload(ids[1]) == pdf("1")


# ---- deleting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.SETTLING, State.QUEUED, State.UPLOADING, State.HELD, State.PARKED])
def test_deleting_before_the_point_of_no_return_withdraws(drive: Drive, state: State) -> None:
    document_id = drive.printed("F1.pdf", pdf())
    if state is State.HELD:
        drive.hold(document_id)
    elif state is not State.SETTLING:
        drive.bring(document_id, state)
    drive.volume.remove("f1.PDF")
    assert drive.state(document_id) is State.WITHDRAWN
    assert drive.volume.names_in("") == [STATUS]
    drive.printed("F1.pdf", pdf("again"))


def test_deleting_an_open_document_leaves_its_handles_alive_and_keeps_nothing(drive: Drive) -> None:
    handle = drive.volume.create("F1.pdf")
    drive.volume.write(handle, 0, b"0123")
    drive.volume.flush(handle)
    reader = drive.volume.open("F1.pdf")
    drive.volume.remove("F1.pdf")
    drive.volume.write(handle, 4, b"45")
    assert drive.volume.read(reader, 0, 10) == b"012345"
    assert drive.volume.stat_handle(reader).size == 6
    drive.volume.flush(handle)
    new = drive.volume.create("F1.pdf")
    drive.volume.write(new, 0, b"another")
    drive.volume.release(handle)
    drive.volume.release(reader)
    drive.volume.release(new)
    assert drive.outbox.payload(drive.closed("F1.pdf").id) == b"another"
    assert [d.state for d in drive.everything()] == [State.WITHDRAWN, State.SETTLING]


def test_deleting_what_was_never_kept_leaves_no_trace(drive: Drive) -> None:
    handle = drive.volume.create("F1.pdf")
    drive.volume.write(handle, 0, b"0123")
    drive.volume.remove("F1.pdf")
    drive.volume.release(handle)
    assert drive.everything() == []
    assert drive.volume.names_in("") == [STATUS]


def test_a_document_closed_and_deleted_at_once_is_withdrawn(drive: Drive) -> None:
    drive.write("F1.pdf", pdf())
    drive.volume.remove("F1.pdf")
    (document,) = drive.everything()
    assert document.state is State.WITHDRAWN
    with pytest.raises(NotFoundError):
        drive.volume.open("F1.pdf")


# ---- renaming --------------------------------------------------------------------------------------------------------


def test_a_temporary_name_that_becomes_a_document_settles_then(drive: Drive) -> None:
    document_id = drive.printed("F1.tmp", pdf())
    drive.clock.sleep(100)
    drive.volume.rename("F1.tmp", "F1.pdf")
    document = drive.document(document_id)
    assert (document.name, document.state, document.due) == ("F1.pdf", State.SETTLING, drive.clock.now + 3.0)
    assert drive.volume.names_in("") == [STATUS, "F1.pdf"]


@pytest.mark.parametrize("state", [State.SETTLING, State.QUEUED, State.UPLOADING, State.HELD, State.PARKED])
def test_a_renamed_document_settles_anew_without_touching_its_bytes(drive: Drive, state: State) -> None:
    document_id = drive.printed("F1.pdf", pdf())
    if state is State.HELD:
        drive.hold(document_id)
    elif state is not State.SETTLING:
        drive.bring(document_id, state)
    drive.volume.rename("F1.pdf", "F2.pdf")
    document = drive.document(document_id)
    assert (document.name, document.state, document.remote_name) == ("F2.pdf", State.SETTLING, None)
    assert drive.read("F2.pdf") == pdf()
    assert drive.volume.names_in("") == [STATUS, "F2.pdf"]


def test_renaming_a_document_to_noise_keeps_it_from_being_sent(drive: Drive) -> None:
    document_id = drive.printed("F1.pdf", pdf())
    drive.bring(document_id, State.QUEUED)
    drive.volume.rename("F1.pdf", "F1.bak")
    assert drive.state(document_id) is State.LOCAL
    drive.volume.make_folder(".Trash-0")
    drive.volume.rename("F1.bak", "F1.pdf")
    drive.volume.rename("F1.pdf", ".Trash-0/F1.pdf")
    assert drive.state(document_id) is State.LOCAL


def test_rename_over_a_document_supersedes_it(drive: Drive) -> None:
    old, new = drive.printed("F1.pdf", pdf("1")), drive.printed("F1.tmp", pdf("2"))
    drive.bring(old, State.QUEUED)
    drive.volume.rename("F1.tmp", "f1.PDF")
    assert drive.state(old) is State.SUPERSEDED
    assert drive.state(new) is State.SETTLING
    assert drive.volume.names_in("") == [STATUS, "f1.PDF"]
    assert drive.read("F1.pdf") == pdf("2")


def test_rename_without_replacing_leaves_both(drive: Drive) -> None:
    drive.printed("F1.pdf", pdf("1"))
    drive.printed("F2.pdf", pdf("2"))
    drive.volume.make_folder("a")
    handle = drive.volume.create("open.pdf")
    for taken in ("f1.PDF", "a", "open.pdf"):
        with pytest.raises(ExistsError):
            drive.volume.rename("F2.pdf", taken, replace=False)
    with pytest.raises(IsFolderError):
        drive.volume.rename("F2.pdf", "a")
    assert (drive.read("F1.pdf"), drive.read("F2.pdf")) == (pdf("1"), pdf("2"))
    drive.volume.rename("F2.pdf", "F3.pdf", replace=False)
    assert drive.read("F3.pdf") == pdf("2")
    drive.volume.release(handle)


def test_renaming_to_itself_changes_nothing_and_to_another_case_only_the_name(drive: Drive) -> None:
    document_id = drive.printed("F1.pdf", pdf())
    drive.bring(document_id, State.QUEUED)
    before = drive.document(document_id)
    drive.volume.rename("F1.pdf", "F1.pdf")
    drive.volume.rename("f1.pdf", "F1.pdf")
    assert drive.document(document_id) == before
    drive.volume.rename("F1.pdf", "f1.PDF", replace=False)
    assert drive.volume.names_in("") == [STATUS, "f1.PDF"]
    assert drive.document(document_id).name == "f1.PDF"


def test_an_open_document_keeps_its_handles_through_a_rename(drive: Drive) -> None:
    handle = drive.volume.create("F1.tmp")
    drive.volume.write(handle, 0, b"before ")
    drive.volume.rename("F1.tmp", "F1.pdf")
    drive.volume.write(handle, 7, b"after")
    assert drive.volume.stat("F1.pdf").size == 12
    with pytest.raises(NotFoundError):
        drive.volume.stat("F1.tmp")
    drive.volume.release(handle)
    document = drive.closed("F1.pdf")
    assert document.state is State.SETTLING
    assert drive.outbox.payload(document.id) == b"before after"


def test_a_temporary_name_open_for_writing_that_becomes_a_document_is_sent_though_nothing_more_is_written(
    drive: Drive,
) -> None:
    """Its state before the open, `local`, says nothing about its new name."""
    document_id = drive.printed("F1.tmp", pdf())
    handle = drive.volume.open("F1.tmp", may_write=True)
    drive.volume.rename("F1.tmp", "F1.pdf")
    drive.volume.release(handle)
    assert drive.closed("F1.pdf").state is State.SETTLING
    assert drive.state(document_id) is State.SETTLING


def test_a_document_open_for_writing_that_becomes_noise_stays_here(drive: Drive) -> None:
    document_id = drive.printed("F1.pdf", pdf())
    drive.bring(document_id, State.QUEUED)
    handle = drive.volume.open("F1.pdf", may_write=True)
    drive.volume.rename("F1.pdf", "F1.bak")
    drive.volume.release(handle)
    assert drive.closed("F1.bak").state is State.LOCAL


def test_rename_over_an_open_document_leaves_its_handles_what_they_had(drive: Drive) -> None:
    old = drive.volume.create("F1.pdf")
    drive.volume.write(old, 0, b"old")
    drive.volume.flush(old)
    new = drive.printed("F1.tmp", pdf())
    drive.volume.rename("F1.tmp", "F1.pdf")
    drive.volume.write(old, 3, b"er")
    assert drive.volume.read(old, 0, 10) == b"older"
    drive.volume.flush(old)
    drive.volume.release(old)
    assert drive.read("F1.pdf") == pdf()
    assert [(d.id, d.state) for d in drive.everything() if d.listed] == [(new, State.SETTLING)]


def test_a_rename_that_fails_takes_nothing_from_the_document_that_was_in_its_way(
    drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = drive.volume.create("F1.pdf")
    drive.volume.write(target, 0, b"not flushed yet")
    drive.printed("F1.tmp", pdf())
    with monkeypatch.context() as patch:
        patch.setattr(drive.outbox, "rename", fails(OutboxFullError("disk full")))
        with pytest.raises(NoSpaceError):
            drive.volume.rename("F1.tmp", "F1.pdf")
    drive.volume.release(target)
    assert drive.outbox.payload(drive.closed("F1.pdf").id) == b"not flushed yet"
    assert drive.read("F1.tmp") == pdf()


def test_a_released_document_that_is_renamed_at_once_settles_under_its_new_name(drive: Drive) -> None:
    drive.write("F1.tmp", pdf())
    drive.volume.rename("F1.tmp", "F1.pdf")
    document = drive.listed("F1.pdf")
    assert document is not None
    assert document.state is State.SETTLING
    assert drive.volume.names_in("") == [STATUS, "F1.pdf"]


# ---- what is refused, and what failed --------------------------------------------------------------------------------


def test_a_document_too_large_fails_in_the_write_and_is_held_then(make_drive: MakeDrive) -> None:
    drive = make_drive(max_document=10_000)
    handle = drive.volume.create("F1.pdf")
    drive.volume.write(handle, 0, bytes(10_000))
    with pytest.raises(TooLargeError):
        drive.volume.write(handle, 10_000, b"x")
    with pytest.raises(TooLargeError):
        drive.volume.truncate(handle, 10_001)
    with pytest.raises(TooLargeError):
        drive.volume.write(handle, 2**50, b"x")
    assert drive.volume.stat("F1.pdf").size == 10_000
    with pytest.raises(TooLargeError):
        drive.volume.flush(handle)
    with pytest.raises(TooLargeError):
        drive.volume.flush(handle)  # as often as it is asked
    drive.volume.release(handle)
    document = drive.closed("F1.pdf")
    assert (document.state, document.reason) == (State.HELD, Reason.WRITE_FAILED)
    assert document.size == 10_000, "what could be kept was"


def test_a_reader_is_not_told_what_failed_for_a_writer(make_drive: MakeDrive) -> None:
    drive = make_drive(max_document=10)
    handle = drive.volume.create("F1.pdf")
    with pytest.raises(TooLargeError):
        drive.volume.write(handle, 0, bytes(11))
    with pytest.raises(TooLargeError):
        drive.volume.flush(handle)
    reader = drive.volume.open("F1.pdf")
    drive.volume.flush(reader)
    drive.volume.release(reader)
    drive.volume.release(handle)


def test_beginning_anew_after_a_failed_write_makes_a_good_document(make_drive: MakeDrive) -> None:
    drive = make_drive(max_document=10_000)
    handle = drive.volume.create("F1.pdf")
    with pytest.raises(TooLargeError):
        drive.volume.write(handle, 0, bytes(20_000))
    drive.volume.truncate(handle, 0)
    drive.volume.write(handle, 0, pdf())
    drive.volume.flush(handle)
    drive.volume.release(handle)
    assert drive.closed("F1.pdf").state is State.SETTLING
    assert drive.read("F1.pdf") == pdf()


def test_what_failed_stays_held_when_it_is_only_patched_and_goes_when_it_is_begun_anew(make_drive: MakeDrive) -> None:
    drive = make_drive(max_document=10_000)
    handle = drive.volume.create("F1.pdf")
    with pytest.raises(TooLargeError):
        drive.volume.write(handle, 0, bytes(20_000))
    drive.volume.release(handle)
    assert drive.closed("F1.pdf").reason == Reason.WRITE_FAILED
    handle = drive.volume.open("F1.pdf", may_write=True)
    drive.volume.flush(handle)  # nothing was asked of this handle, nothing failed for it
    drive.volume.write(handle, 0, b"patch")
    with pytest.raises(StorageError):
        drive.volume.flush(handle)
    drive.volume.release(handle)
    document = drive.closed("F1.pdf")
    assert (document.state, document.reason) == (State.HELD, Reason.WRITE_FAILED)
    drive.volume.rename("F1.pdf", "F1.bak")
    drive.volume.rename("F1.bak", "F2.pdf")
    document = drive.document(document.id)
    assert (document.state, document.reason) == (State.HELD, Reason.WRITE_FAILED), "a name heals nothing"
    drive.volume.make_folder("a")
    drive.volume.rename("F2.pdf", "a/F2.pdf")
    drive.volume.rename("a", "b")
    assert drive.state(document.id) is State.HELD
    drive.overwrite("b/F2.pdf", pdf())
    assert drive.closed("b/F2.pdf").state is State.SETTLING


@pytest.mark.parametrize("reason", [Reason.RESTORED, Reason.RECOVERED])
def test_what_may_have_been_delivered_before_waits_for_a_person_whatever_a_program_does(
    drive: Drive, reason: Reason
) -> None:
    document_id = drive.printed("F1.pdf", pdf("1"))
    drive.outbox.hold_everything(reason, "test")
    drive.volume.rename("F1.pdf", "F2.pdf")
    drive.volume.release(drive.volume.open("F2.pdf", may_write=True))
    drive.closed("F2.pdf")
    drive.overwrite("F2.pdf", pdf("2"))
    document = drive.closed("F2.pdf")
    assert (document.id, document.state, document.reason) == (document_id, State.HELD, reason)


def test_a_full_disk_fails_the_write_not_the_close_and_nothing_is_sent(drive: Drive) -> None:
    drive.disk.free = 4_000_000
    handle = drive.volume.create("F1.pdf")
    with pytest.raises(NoSpaceError):
        drive.fill(handle, bytes(4_000_000))
    written = drive.volume.stat_handle(handle).size
    assert 1_000_000 < written <= 2_000_000, "each byte is needed twice: in the log, later in the database"
    drive.disk.free = 2**40
    with pytest.raises(NoSpaceError):
        drive.volume.flush(handle)
    drive.volume.release(handle)
    document = drive.closed("F1.pdf")
    assert (document.state, document.reason) == (State.HELD, Reason.WRITE_FAILED)


def test_a_full_disk_refuses_new_documents(drive: Drive) -> None:
    drive.disk.free = 0
    with pytest.raises(NoSpaceError):
        drive.volume.create("F1.pdf")
    assert drive.volume.names_in("") == [STATUS]
    drive.disk.free = 2**40
    drive.printed("F1.pdf", pdf())


def test_room_is_promised_to_one_document_only(drive: Drive) -> None:
    drive.disk.free = 3 * 2**20
    one, two = drive.volume.create("F1.pdf"), drive.volume.create("F2.pdf")
    drive.volume.write(one, 0, bytes(2**20))
    with pytest.raises(NoSpaceError):
        drive.volume.write(two, 0, bytes(2**20))
    drive.volume.flush(one)
    drive.volume.release(one)
    drive.volume.truncate(two, 0)
    drive.volume.write(two, 0, bytes(2**20))
    drive.volume.release(two)
    assert drive.closed("F1.pdf").state is drive.closed("F2.pdf").state is State.SETTLING


def test_changing_a_byte_of_a_kept_document_needs_room_for_all_of_it(drive: Drive) -> None:
    drive.printed("F1.pdf", bytes(2**20))
    drive.disk.free = 2**20
    handle = drive.volume.open("F1.pdf", may_write=True)
    with pytest.raises(NoSpaceError):
        drive.volume.write(handle, 0, b"x")
    drive.volume.release(handle)
    drive.disk.free = 2**40


def test_a_spool_file_that_cannot_grow_fails_the_write(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    handle = drive.volume.create("F1.pdf")
    drive.volume.write(handle, 0, b"x")
    monkeypatch.setattr(buffer.Buffer, "write", fails(OSError(28, "No space left on device")))
    with pytest.raises(NoSpaceError):
        drive.volume.write(handle, 1, b"x")
    monkeypatch.setattr(buffer.Buffer, "write", fails(OSError(5, "Input/output error")))
    with pytest.raises(StorageError):
        drive.volume.write(handle, 1, b"x")
    monkeypatch.setattr(buffer.Buffer, "write", fails(MemoryError()))
    with pytest.raises(StorageError):
        drive.volume.write(handle, 1, b"x")
    monkeypatch.undo()
    drive.volume.release(handle)
    assert drive.closed("F1.pdf").state is State.HELD


def test_while_the_target_needs_a_person_new_documents_are_refused_and_old_ones_kept(make_drive: MakeDrive) -> None:
    stopped = False
    drive = make_drive(stopped=lambda: stopped)
    document_id = drive.printed("F1.pdf", pdf())
    temporary = drive.printed("F2.tmp", pdf())
    stopped = True
    with pytest.raises(TargetStoppedError):
        drive.volume.create("F2.pdf")
    with pytest.raises(TargetStoppedError):
        drive.volume.rename("F2.tmp", "F2.pdf")
    drive.printed("F3.tmp", b"noise")
    drive.volume.rename("F3.tmp", "F4.tmp")
    drive.volume.rename("F1.pdf", "F5.pdf")
    assert drive.read("F5.pdf") == pdf()
    assert drive.state(document_id) is State.SETTLING
    stopped = False
    drive.volume.rename("F2.tmp", "F2.pdf")
    assert drive.state(temporary) is State.SETTLING


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (OutboxFullError("disk full"), NoSpaceError),
        (OutboxBusyError("locked"), StorageError),
        (OutboxError("I/O error"), StorageError),
        (OSError(28, "No space"), NoSpaceError),
        (OSError(5, "I/O error"), StorageError),
        (AssertionError("a bug of ours"), StorageError),
    ],
)
def test_a_flush_that_failed_is_told_and_its_document_is_held_once_it_can_be_kept(
    drive: Drive, monkeypatch: pytest.MonkeyPatch, raised: Exception, told: type[VolumeError]
) -> None:
    handle = drive.volume.create("F1.pdf")
    drive.fill(handle, pdf())
    with monkeypatch.context() as patch:
        patch.setattr(drive.outbox, "keep", fails(raised))
        with pytest.raises(told):
            drive.volume.flush(handle)
    with pytest.raises(told):
        drive.volume.flush(handle)  # kept now, and still a failure: King was told so
    drive.volume.release(handle)
    document = drive.closed("F1.pdf")
    assert (document.state, document.reason) == (State.HELD, Reason.WRITE_FAILED)
    assert drive.outbox.payload(document.id) == pdf()


def test_a_document_that_failed_is_on_record_as_failed_before_it_is_closed(make_drive: MakeDrive) -> None:
    """So that neither a kill nor a power cut makes a good document of it."""
    first = make_drive(max_document=10_000)
    handle = first.volume.create("F1.pdf")
    first.fill(handle, pdf())
    with pytest.raises(TooLargeError):
        first.volume.write(handle, 5_000, bytes(6_000))
    with pytest.raises(TooLargeError):
        first.volume.flush(handle)
    second = make_drive()
    second.outbox.recover_drive()
    document = second.listed("F1.pdf")
    assert document is not None
    assert (document.state, document.reason) == (State.HELD, Reason.WRITE_FAILED)


def test_a_close_that_fails_silently_is_tried_again_and_then_sent(
    make_drive: MakeDrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows' Cleanup cannot report an error: the program saw success, so the document has to go."""
    monkeypatch.setattr("ingisfs.drive.volume.RETRY_DELAY", 0.01)
    drive = make_drive()
    handle = drive.volume.create("F1.pdf")
    drive.fill(handle, pdf())
    with monkeypatch.context() as patch:
        patch.setattr(drive.outbox, "keep", fails(OutboxFullError("disk full")))
        drive.volume.release(handle)
        assert drive.volume.unkept == 1
        assert drive.read("F1.pdf") == pdf()
        assert drive.volume.names_in("") == [STATUS, "F1.pdf"]
        with pytest.raises(ExistsError):
            drive.volume.create("F1.pdf")
    document = drive.closed("F1.pdf")
    assert (document.state, document.reason) == (State.SETTLING, None)
    assert drive.volume.unkept == 0


def test_a_document_that_cannot_be_kept_stands_in_nobodys_way(
    make_drive: MakeDrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingisfs.drive.volume.RETRY_DELAY", 0.01)
    drive = make_drive()
    keep = drive.outbox.keep

    def all_but_one(draft: Any, releases: Any = ()) -> None:
        if draft.name == "F1.pdf":
            raise OutboxError("this one alone")
        keep(draft, releases)

    with monkeypatch.context() as patch:
        patch.setattr(drive.outbox, "keep", all_but_one)
        drive.write("F1.pdf", pdf(), flush=False)
        assert drive.volume.unkept == 1
        drive.printed("F2.pdf", pdf())
        handle = drive.volume.open("F2.pdf", may_write=True)
        drive.volume.release(handle)
        drive.closed("F2.pdf")
    drive.closed("F1.pdf")


def test_what_could_not_be_kept_is_given_up_when_it_is_deleted_or_written_over(
    make_drive: MakeDrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingisfs.drive.volume.RETRY_DELAY", 0.01)
    drive = make_drive()
    new = drive.printed("F1.tmp", pdf("new"))
    with monkeypatch.context() as patch:
        patch.setattr(drive.outbox, "keep", fails(OutboxFullError("disk full")))
        drive.write("F1.pdf", pdf("old"), flush=False)
        drive.write("F2.pdf", pdf("2"), flush=False)
        assert drive.volume.unkept == 2
        drive.volume.rename("F1.tmp", "F1.pdf")
        drive.volume.remove("F2.pdf")
        assert drive.volume.unkept == 0
    drive.printed("F3.pdf", pdf())
    assert drive.read("F1.pdf") == pdf("new")
    assert [d.id for d in drive.everything() if d.name == "F1.pdf"] == [new]
    with pytest.raises(NotFoundError):
        drive.volume.stat("F2.pdf")


def test_what_could_not_be_kept_can_be_opened_and_finished(
    make_drive: MakeDrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingisfs.drive.volume.RETRY_DELAY", 0.01)
    drive = make_drive()
    with monkeypatch.context() as patch:
        patch.setattr(drive.outbox, "keep", fails(OutboxFullError("disk full")))
        drive.write("F1.pdf", b"one ", flush=False)
        handle = drive.volume.open("F1.pdf", may_write=True, append=True)
        drive.volume.write(handle, 0, b"two")
        drive.volume.rename("F1.pdf", "F1.pdf")
    drive.volume.release(handle)
    document = drive.closed("F1.pdf")
    assert document.state is State.SETTLING
    assert drive.outbox.payload(document.id) == b"one two"


def test_a_failing_outbox_fails_opens_and_changes_of_names_and_nothing_else(
    drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive.printed("F1.pdf", pdf())
    for method, call in (
        ("take_back", lambda: drive.volume.open("F1.pdf", may_write=True)),
        ("rename", lambda: drive.volume.rename("F1.pdf", "F2.pdf")),
        ("remove", lambda: drive.volume.remove("F1.pdf")),
        ("make_folder", lambda: drive.volume.make_folder("a")),
        ("touch", lambda: drive.volume.set_modified("F1.pdf", 1)),
        ("find", lambda: drive.volume.stat("F1.pdf")),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(drive.outbox, method, fails(OutboxBusyError("locked")))
            with pytest.raises(StorageError):
                call()
    assert drive.read("F1.pdf") == pdf()
    drive.volume.release(drive.volume.open("F1.pdf", may_write=True))
    assert drive.closed("F1.pdf").state is State.SETTLING


def test_damaged_bytes_are_an_error_never_a_document(drive: Drive) -> None:
    document_id = drive.printed("F1.pdf", pdf())
    drive.outbox.set(document_id, b"%PDF-1.4 something else")
    for may_write in (False, True):
        handle = drive.volume.open("F1.pdf", may_write=may_write)
        with pytest.raises(StorageError):
            drive.volume.read(handle, 0, 10)
        if may_write:
            with pytest.raises(StorageError):
                drive.volume.write(handle, 0, b"x")
        drive.volume.release(handle)
    drive.overwrite("F1.pdf", pdf("whole again"))
    assert drive.outbox.payload(document_id) == pdf("whole again")


# ---- what a person or the courier does meanwhile ---------------------------------------------------------------------


def test_a_document_withdrawn_by_a_person_is_gone_for_programs_too(drive: Drive) -> None:
    document_id = drive.printed("F1.pdf", pdf())
    read_before = drive.volume.open("F1.pdf")
    drive.volume.read(read_before, 0, 1)
    never_read = drive.volume.open("F1.pdf")
    drive.withdraw(document_id)
    assert drive.volume.names_in("") == [STATUS]
    with pytest.raises(NotFoundError):
        drive.volume.stat("F1.pdf")
    drive.printed("F1.pdf", pdf("another"))
    assert drive.volume.read(read_before, 0, 10_000) == pdf()
    assert drive.volume.read(never_read, 0, 10_000) == pdf(), "both handles are on one document"
    drive.volume.release(read_before)
    drive.volume.release(never_read)
    assert drive.read("F1.pdf") == pdf("another")


def test_a_reader_of_a_withdrawn_document_whose_bytes_are_gone_is_told_so(drive: Drive) -> None:
    document_id = drive.printed("F1.pdf", pdf())
    reader = drive.volume.open("F1.pdf")
    drive.withdraw(document_id)
    with pytest.raises(StorageError):
        drive.volume.read(reader, 0, 10)
    drive.volume.flush(reader)
    drive.volume.release(reader)


@pytest.mark.parametrize("looked_for", [False, True])
def test_writing_a_document_that_a_person_withdrew_meanwhile_fails(drive: Drive, looked_for: bool) -> None:
    handle = drive.volume.create("F1.pdf")
    drive.volume.write(handle, 0, b"one")
    drive.volume.flush(handle)
    (document,) = drive.everything()
    drive.withdraw(document.id)
    drive.volume.flush(handle)  # nothing was written since
    if looked_for:
        assert drive.volume.names_in("") == [STATUS]
        with pytest.raises(NotFoundError):
            drive.volume.stat("F1.pdf")
        with pytest.raises(StorageError):
            drive.volume.write(handle, 3, b"two")
    else:
        drive.volume.write(handle, 3, b"two")
    with pytest.raises(StorageError):
        drive.volume.flush(handle)
    with pytest.raises(StorageError):
        drive.volume.truncate(handle, 0)
    drive.volume.release(handle)
    assert drive.volume.unkept == 0
    assert [d.state for d in drive.everything()] == [State.WITHDRAWN]
    drive.printed("F1.pdf", pdf())


def test_a_delivered_document_that_leaves_the_list_stays_readable_for_who_has_it_open(drive: Drive) -> None:
    drive.bring(drive.printed("F1.pdf", pdf()), State.DELIVERED)
    reader = drive.volume.open("F1.pdf")
    drive.clock.sleep(90_000)
    drive.outbox.retire(keep_visible=86_400)
    with pytest.raises(NotFoundError):
        drive.volume.stat("F1.pdf")
    assert drive.volume.read(reader, 0, 10_000) == pdf()
    drive.volume.release(reader)


# ---- releases --------------------------------------------------------------------------------------------------------


def test_a_release_rides_on_the_next_transaction(make_drive: MakeDrive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingisfs.drive.volume.RELEASE_DELAY", 30.0)
    drive = make_drive()
    monkeypatch.setattr(drive.outbox, "release", fails(AssertionError("no transaction of its own")))
    drive.write("F1.pdf", pdf())
    assert [d.state for d in drive.everything()] == [State.WRITING]
    drive.write("F2.pdf", pdf())
    assert [d.state for d in drive.everything()] == [State.SETTLING, State.WRITING]
    wait_for(lambda: len(drive.worked) == 1, "the courier to be told, by another thread than that of the print")
    drive.volume.rename("F1.pdf", "F3.pdf")
    assert [d.state for d in drive.everything()] == [State.SETTLING, State.SETTLING]
    drive.write("F4.pdf", pdf())
    drive.volume.remove("F3.pdf")
    assert [d.state for d in drive.everything()] == [State.WITHDRAWN, State.SETTLING, State.SETTLING]


@pytest.mark.parametrize("method", ["keep", "rename", "remove"])
def test_a_release_that_rode_on_a_failed_transaction_is_not_lost(
    make_drive: MakeDrive, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr("ingisfs.drive.volume.RELEASE_DELAY", 0.2)
    drive = make_drive()
    drive.printed("other.pdf", pdf())
    calls: dict[str, Callable[[], None]] = {
        "keep": lambda: drive.write("F2.pdf", pdf()),
        "rename": lambda: drive.volume.rename("other.pdf", "F3.pdf"),
        "remove": lambda: drive.volume.remove("other.pdf"),
    }
    drive.write("F1.pdf", pdf())
    with monkeypatch.context() as patch:
        patch.setattr(drive.outbox, method, fails(OutboxBusyError("locked")))
        with pytest.raises(StorageError):
            calls[method]()
    assert drive.closed("F1.pdf").state is State.SETTLING


def test_the_release_timer_survives_whatever_happens(make_drive: MakeDrive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingisfs.drive.volume.RETRY_DELAY", 0.01)
    drive = make_drive()
    failed: list[Exception] = []
    for error in (AssertionError("a bug"), OutboxBusyError("locked"), MemoryError()):

        def failing(releases: object, error: Exception = error) -> None:
            failed.append(error)
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(drive.outbox, "release", failing)
            drive.write(f"F-{type(error).__name__}.pdf", pdf())
            wait_for(partial(tried_twice, failed, error), "a second try")
        drive.closed(f"F-{type(error).__name__}.pdf")


def tried_twice(failed: list[Exception], error: Exception) -> bool:
    return failed.count(error) > 1


def test_a_release_waits_a_little_for_the_flush_of_a_program_that_is_writing(
    make_drive: MakeDrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingisfs.drive.volume.RELEASE_LIMIT", 30.0)
    drive = make_drive()
    monkeypatch.setattr(drive.outbox, "release", fails(AssertionError("no transaction of its own")))
    writing = drive.volume.create("F2.pdf")
    drive.write("F1.pdf", pdf())
    drive.volume.write(writing, 0, pdf())
    drive.volume.flush(writing)
    assert drive.closed("F1.pdf").state is State.SETTLING
    monkeypatch.undo()
    drive.volume.release(writing)


def test_closes_at_one_moment_take_one_transaction(make_drive: MakeDrive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingisfs.drive.volume.RELEASE_DELAY", 0.3)
    drive = make_drive()
    ids = [drive.printed(f"F{n}.pdf", pdf(str(n))) for n in range(3)]
    handles = [drive.volume.open(f"F{n}.pdf", may_write=True) for n in range(3)]
    calls: list[int] = []
    release = drive.outbox.release

    def counted(releases: Any) -> None:
        calls.append(len(releases))
        release(releases)

    monkeypatch.setattr(drive.outbox, "release", counted)
    for handle in handles:
        drive.volume.release(handle)
    wait_for(lambda: all(drive.state(i) is State.SETTLING for i in ids), "all to be closed")
    assert calls == [3]


# ---- ends and starts -------------------------------------------------------------------------------------------------


def test_closing_the_volume_ends_what_is_open(make_drive: MakeDrive) -> None:
    first = make_drive()
    handle = first.volume.create("F1.pdf")
    first.fill(handle, pdf())
    clean = first.printed("F2.pdf", pdf())
    first.bring(clean, State.QUEUED)
    first.volume.open("F2.pdf", may_write=True)
    first.volume.create(".fuse_hidden0001")
    first.volume.close()
    assert [(d.name, d.state) for d in first.everything()] == [
        ("F2.pdf", State.QUEUED),
        ("F1.pdf", State.SETTLING),
        (".fuse_hidden0001", State.LOCAL),
    ]
    assert first.outbox.payload(first.everything()[1].id) == pdf()


def test_after_a_kill_what_was_flushed_is_taken_as_closed(make_drive: MakeDrive) -> None:
    first = make_drive()
    flushed = first.volume.create("F1.pdf")
    first.fill(flushed, pdf())
    first.volume.flush(flushed)
    first.volume.write(flushed, 0, b"not flushed")
    never = first.volume.create("F2.pdf")
    first.volume.write(never, 0, b"x")
    noise = first.volume.create("~$F1.pdf")
    first.volume.flush(noise)
    hidden = first.volume.create(".fuse_hidden0001")
    first.volume.flush(hidden)
    first.volume.make_folder("a")

    second = make_drive()
    assert second.outbox.recover_drive() == 3
    assert set(second.volume.names_in("")) == {STATUS, "F1.pdf", "a", "~$F1.pdf"}
    document = second.listed("F1.pdf")
    assert document is not None
    assert (document.state, document.due) == (State.SETTLING, second.clock.now + 3.0)
    assert second.read("F1.pdf") == pdf()
    listed = second.listed("~$F1.pdf")
    assert listed is not None
    assert listed.state is State.LOCAL


def test_after_a_kill_a_document_that_was_only_opened_for_writing_is_not_sent_behind_a_persons_back(
    make_drive: MakeDrive,
) -> None:
    first = make_drive()
    held, parked = first.printed("F1.pdf", pdf()), first.printed("F2.pdf", pdf())
    queued, changed = first.printed("F3.pdf", pdf()), first.printed("F4.pdf", pdf())
    first.hold(held, Reason.ALREADY_DELIVERED)
    first.bring(parked, State.PARKED)
    first.bring(queued, State.QUEUED)
    first.hold(changed)
    for name in ("F1.pdf", "F2.pdf", "F3.pdf"):
        first.volume.open(name, may_write=True)
    handle = first.volume.open("F4.pdf", may_write=True)
    first.volume.write(handle, 0, pdf("new"))
    first.volume.flush(handle)

    second = make_drive()
    assert second.outbox.recover_drive() == 4
    assert (second.state(held), second.document(held).reason) == (State.HELD, Reason.ALREADY_DELIVERED)
    assert (second.state(parked), second.document(parked).reason) == (State.PARKED, Reason.SERVER_REFUSED)
    assert second.state(queued) is State.SETTLING
    assert (second.state(changed), second.document(changed).reason) == (State.SETTLING, None)


def test_a_pair_printed_together_settles_together(drive: Drive) -> None:
    for name, data in (("F1.pdf", pdf()), ("F1.xml", xml())):
        drive.write(name, data)
    assert drive.closed("F1.pdf").state is drive.closed("F1.xml").state is State.SETTLING


def test_a_half_that_is_open_for_long_without_a_flush_goes_on_record_so_that_the_other_half_waits(
    make_drive: MakeDrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingisfs.drive.volume.RECORD_DELAY", 0.02)
    drive = make_drive()
    with monkeypatch.context() as patch:
        patch.setattr(drive.outbox, "keep", fails(OutboxFullError("disk full")))
        noise, handle = drive.volume.create("F1.tmp"), drive.volume.create("F1.pdf")
        drive.volume.write(handle, 0, pdf())
    wait_for(drive.everything, "the record")
    assert [(d.name, d.state) for d in drive.everything()] == [("F1.pdf", State.WRITING)]
    drive.volume.write(handle, len(pdf()), b"\n")
    drive.volume.flush(handle)  # what failed before nobody was told of, and it does not count
    drive.volume.release(handle)
    drive.volume.release(noise)
    assert drive.closed("F1.pdf").state is State.SETTLING
    assert drive.read("F1.pdf") == pdf() + b"\n"


def test_volumes_of_one_process_do_not_disturb_each_other(make_drive: MakeDrive) -> None:
    """The drive and a command in one process: each has its connection, and its turn."""
    one, other = make_drive(), make_drive()
    for number in range(5):
        one.write(f"F{number}.pdf", pdf(str(number)))
        other.write(f"G{number}.pdf", pdf(str(number)))
    for number in range(5):
        one.closed(f"G{number}.pdf")
        other.closed(f"F{number}.pdf")
