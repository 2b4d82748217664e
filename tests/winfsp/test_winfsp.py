"""The host for Windows, through winfspy's callbacks as C pointers: what programs are told, and what becomes of it."""

from __future__ import annotations

import logging
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ingisfs.config import ConfigError
from ingisfs.drive import errors
from ingisfs.drive.shown import Words
from ingisfs.drive.winfsp import MINIMUM, NTSTATUS, SECURITY, WinFspHost, library
from ingisfs.outbox.document import State
from ingisfs.outbox.outbox import Answer
from ingisfs.outbox.store import OutboxFullError
from ingisfs.report.command_sentences import SENTENCES
from tests.documents import pdf
from tests.drive.conftest import Drive, MakeDrive
from tests.servers import wait_for
from tests.winfsp import driver as nt
from tests.winfsp.driver import Driver, File, status_of
from tests.winfsp.library import SIZES, load
from tests.winfsp.mounted import Mounted, mounted

STATUS = "INGIS-STATUS.txt"
IO_ERROR, SHARING_VIOLATION, INVALID_NAME = 0xC0000185, 0xC0000043, 0xC0000033


def save(x: Driver, path: str, data: bytes = pdf(), disposition: int = nt.CREATE) -> None:
    file = x.open(path, nt.READ | nt.WRITE, disposition)
    for start in range(0, len(data), nt.PAGE):
        x.write(file, data[start : start + nt.PAGE], start)
    x.close(file)


def content(x: Driver, path: str) -> bytes:
    file = x.open(path, nt.READ)
    try:
        return x.read(file, 0, 2**20)
    finally:
        x.close(file)


def listed(x: Driver, path: str) -> list[str]:
    return sorted(name for name, _ in x.list(path))


def make_folder(x: Driver, path: str) -> None:
    x.close(x.open(path, nt.READ, nt.CREATE, nt.DIRECTORY_FILE))


# ---- the table and the library ---------------------------------------------------------------------------------------


def every_error(of: type[errors.VolumeError] = errors.VolumeError) -> Iterator[type[errors.VolumeError]]:
    for kind in of.__subclasses__():
        yield kind
        yield from every_error(kind)


def test_every_error_has_a_status_as_it_has_a_number() -> None:
    from ingisfs.drive.fuse import ERRNO  # there is none on Windows

    assert set(NTSTATUS) == set(ERRNO) == set(every_error())


def test_the_statuses_are_the_ones_that_the_documentation_names() -> None:
    load()
    from winfspy.plumbing import NTSTATUS as NAMES

    text = (Path(__file__).parents[2] / "docs" / "semantics.md").read_text("utf-8")
    told = {line.split("`")[1]: line.split("`")[-2] for line in text.splitlines() if "| `STATUS_" in line}
    assert told == {kind.__name__.removesuffix("Error"): NAMES(status).name for kind, status in NTSTATUS.items()}


def test_the_structures_are_as_large_as_the_real_ones() -> None:
    assert {name: load().ffi.sizeof(name) for name in SIZES} == SIZES


@pytest.mark.parametrize(
    ("version", "sentence"), [(None, "mount.no-winfsp"), ((1, 12), "mount.old-winfsp"), ((2, 1), "mount.old-winfsp")]
)
def test_what_is_missing_or_too_old_is_said(version: tuple[int, int] | None, sentence: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        library(lambda: version)
    assert refusal.value.sentence == sentence
    for language in ("nl", "en"):
        assert SENTENCES[sentence][language].format(**refusal.value.values)


def test_a_python_for_which_there_is_no_winfspy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "winfspy", None)
    for version, sentence in (((3, 13, 1), "mount.python-too-new"), ((3, 11, 9), "mount.no-winfspy")):
        monkeypatch.setattr(sys, "version_info", version)
        with pytest.raises(ConfigError) as refusal:
            library(lambda: MINIMUM)
        assert refusal.value.sentence == sentence


def test_what_runs_is_told() -> None:
    load()
    assert library(lambda: (2, 3)) == "WinFsp 2.3"


# ---- mounting --------------------------------------------------------------------------------------------------------


def test_the_volume_is_what_the_end_of_a_document_needs(letter: Mounted) -> None:
    told = letter.file_system.parameters
    assert letter.file_system.device == "WinFsp.Net"
    assert (told["prefix"], told["file_system_name"]) == ("\\ingisfs\\king-1", "INGISFS")
    wanted = {
        "um_file_context_is_user_context2": 1,
        "flush_and_purge_on_cleanup": 1,
        "post_cleanup_when_modified_only": 0,
        "named_streams": 0,
        "case_sensitive_search": 0,
        "case_preserved_names": 1,
        "unicode_on_disk": 1,
        "file_info_timeout": 1000,
        "dir_info_timeout": 0,
        "dir_info_timeout_valid": 1,
    }
    assert {name: told[name] for name in wanted} == wanted


def test_a_local_disk_has_no_name_on_the_network(drive: Drive, tmp_path: Path) -> None:
    with mounted(drive.volume, tmp_path / "X", network=False) as letter:
        assert (letter.file_system.device, letter.file_system.parameters["prefix"]) == ("WinFsp.Disk", "")


def test_the_serial_number_is_the_drives(drive: Drive) -> None:
    numbers = [WinFspHost(drive.volume).parameters(name)["volume_serial_number"] for name in ("king", "king", "two")]
    assert numbers[0] == numbers[1] != numbers[2]


def test_the_label_is_cut_where_windows_ends_it(drive: Drive, tmp_path: Path) -> None:
    with mounted(drive.volume, tmp_path / "X", "k" * 32) as letter:
        total, free, label = letter.driver.volume()
        assert label == "INGIS " + "k" * 26
        assert (total, free) == (2**40, drive.disk.free)
        assert status_of(lambda: letter.driver.set_label("other")) == 0xC0000010


@pytest.mark.parametrize(
    "function", ["FspFileSystemCreate", "FspFileSystemSetMountPoint", "FspFileSystemStartDispatcher"]
)
def test_a_letter_that_cannot_be_had_is_an_error_and_leaves_nothing(
    drive: Drive, tmp_path: Path, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(load().refuse, function, nt.COLLISION)
    called: list[None] = []
    with pytest.raises(RuntimeError, match="COLLISION"):
        WinFspHost(drive.volume, lambda: called.append(None)).run(str(tmp_path), "king")
    assert not called
    assert load().started(str(tmp_path)) is None


# ---- the end of a document -------------------------------------------------------------------------------------------


def test_a_document_is_on_record_when_its_cleanup_returns_and_ends_there_not_with_its_close(
    drive: Drive, x: Driver
) -> None:
    data = pdf(size=60_000)
    save(x, "F1.pdf", data)
    assert "Close" not in x.calls
    document = drive.listed("F1.pdf")
    assert document is not None
    assert drive.outbox.payload(document.id) == data
    assert drive.closed("F1.pdf").state is State.SETTLING
    assert "Close" not in x.calls


def test_the_last_handle_that_may_write_ends_it_though_a_reader_stays(drive: Drive, x: Driver) -> None:
    writers = [x.open("F1.pdf", nt.READ | nt.WRITE, nt.CREATE), x.open("F1.pdf", nt.READ | nt.WRITE)]
    reader = x.open("F1.pdf", nt.READ)
    x.write(writers[0], pdf(), 0)
    x.close(writers[0])
    assert drive.listed("F1.pdf") is None
    x.close(writers[1])
    assert drive.closed("F1.pdf").state is State.SETTLING
    assert x.read(reader, 0, 2**20) == pdf()
    x.close(reader)


def test_a_cleanup_that_fails_is_kept_alarmed_and_tried_again(
    drive: Drive, x: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingisfs.drive.volume.RETRY_DELAY", 0.01)

    def full(*unused: object) -> None:
        raise OutboxFullError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(drive.outbox, "keep", full)
        save(x, "F1.pdf")
        x.close_all()
        assert drive.volume.unkept == 1
        assert content(x, "F1.pdf") == pdf()
    assert drive.closed("F1.pdf").state is State.SETTLING
    wait_for(lambda: not drive.volume.unkept, "the alarm to end", 20)


def test_flushing_the_volume_makes_everything_durable(drive: Drive, x: Driver) -> None:
    files = [x.open(name, nt.READ | nt.WRITE, nt.CREATE) for name in ("F1.pdf", "F2.pdf")]
    for file in files:
        x.write(file, pdf(), 0)
    x.flush(None)
    assert {d.name: d.state for d in drive.everything()} == {"F1.pdf": State.WRITING, "F2.pdf": State.WRITING}
    for file in files:
        x.close(file)


def test_a_flush_of_the_volume_that_fails_is_told(drive: Drive, x: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    file = x.open("F1.pdf", nt.READ | nt.WRITE, nt.CREATE)
    x.write(file, pdf(), 0)

    def full(*unused: object) -> None:
        raise OutboxFullError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(drive.outbox, "keep", full)
        assert status_of(lambda: x.flush(None)) == 0xC000007F
        assert status_of(lambda: x.flush(file)) == 0xC000007F
    x.close(file)


# ---- bytes -----------------------------------------------------------------------------------------------------------


def test_the_end_of_a_file_is_where_a_write_to_the_end_goes(x: Driver) -> None:
    file = x.open("F1.tmp", nt.READ | nt.WRITE, nt.CREATE)
    for data in (b"one", b"two"):
        x.write(file, data, None)
    x.write(file, b"O", 0)
    assert x.read(file, 0, 100) == b"Onetwo"
    assert x.read(file, 6, 100) == b""
    x.close(file)


def test_a_paging_write_never_extends(x: Driver) -> None:
    file = x.open("F1.tmp", nt.READ | nt.WRITE, nt.CREATE)
    x.write(file, b"x" * 100, 0)
    _, info = x.write(file, b"y" * nt.PAGE, 0, paging=True)
    assert info["FileSize"] == 100
    x.write(file, b"z" * nt.PAGE, nt.PAGE, paging=True)
    assert x.read(file, 0, 2**20) == b"y" * 100
    x.close(file)


def test_memory_that_outlives_its_handle_is_read_and_written(drive: Drive, x: Driver) -> None:
    data = pdf(size=10_000)
    save(x, "F1.pdf", b"?" * len(data))
    file = x.open("F1.pdf", nt.READ | nt.WRITE)
    with x.mapped(file, len(data)) as memory:
        x.close(file)
        memory[:] = data
    x.close_all()
    document = drive.closed("F1.pdf")
    assert drive.outbox.payload(document.id) == data


def test_memory_of_a_document_that_was_renamed_is_written_to_it_and_to_no_other(drive: Drive, x: Driver) -> None:
    old, new, other = (pdf(text, 5000) for text in ("old", "new", "oth"))
    save(x, "F1.pdf", old)
    file = x.open("F1.pdf", nt.READ | nt.WRITE)
    with x.mapped(file, len(old)) as memory:
        x.close(file)
        renamer = x.open("F1.pdf", nt.DELETE)
        x.rename(renamer, "F2.pdf")
        x.close(renamer)
        save(x, "F1.pdf", other)
        memory[:] = new
    assert (content(x, "F1.pdf"), content(x, "F2.pdf")) == (other, new)


def test_memory_of_a_document_that_a_person_withdrew_is_not_written_to_its_namesake(drive: Drive, x: Driver) -> None:
    save(x, "F1.pdf", pdf("one", 5000))
    file = x.open("F1.pdf", nt.READ | nt.WRITE)

    def change() -> None:
        with x.mapped(file, 5000) as memory:
            x.close(file)
            drive.withdraw(drive.closed("F1.pdf").id)
            save(x, "F1.pdf", pdf("two", 5000))
            memory[:] = b"y" * 5000

    assert status_of(change) == NTSTATUS[errors.BadHandleError]
    assert content(x, "F1.pdf") == pdf("two", 5000)


def test_memory_of_a_document_that_was_deleted_goes_nowhere(drive: Drive, x: Driver) -> None:
    save(x, "F1.tmp", b"x" * 100)
    file = x.open("F1.tmp", nt.READ | nt.WRITE)
    with x.mapped(file, 100) as memory:
        x.close(file)
        x.delete("F1.tmp")
        memory[:] = b"y" * 100
    assert drive.listed("F1.tmp") is None


def test_room_that_is_allocated_is_no_part_of_a_document_but_less_cuts_it(x: Driver) -> None:
    file = x.open("F1.tmp", nt.READ | nt.WRITE, nt.CREATE, allocation=2**20)
    assert file.opened["FileSize"] == 0
    x.write(file, b"x" * 10_000, 0)
    assert x.set_size(file, 2**20, allocation=True)["FileSize"] == 10_000
    assert x.set_size(file, 4096, allocation=True)["FileSize"] == 4096
    assert x.set_size(file, 5000)["FileSize"] == 5000
    assert x.read(file, 0, 2**20) == b"x" * 4096 + bytes(904)
    x.close(file)


def test_create_always_empties_a_file_whatever_right_it_asks_for(x: Driver) -> None:
    save(x, "F1.tmp", b"one")
    file = x.open("F1.tmp", nt.READ, nt.OVERWRITE_IF)
    assert file.opened["FileSize"] == 0
    x.close(file)
    assert content(x, "F1.tmp") == b""


def test_an_overwrite_that_fails_leaves_no_writer_behind(
    drive: Drive, x: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(x, "F1.pdf")
    with monkeypatch.context() as patch:
        patch.setattr(drive.volume, "truncate", raising(errors.StorageError("no answer")))
        assert status_of(lambda: save(x, "F1.pdf", b"", nt.OVERWRITE_IF)) == IO_ERROR
    assert drive.closed("F1.pdf").state is State.SETTLING
    assert content(x, "F1.pdf") == pdf()


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*unused: object, **more: object) -> Any:
        raise error

    return fail


# ---- names -----------------------------------------------------------------------------------------------------------


def test_names_that_are_not_there_are_told_from_folders_that_are_not_there(x: Driver) -> None:
    save(x, "F1.pdf")
    make_folder(x, "d")
    file = x.open("F1.pdf", nt.READ | nt.DELETE)
    assert {
        "name": status_of(lambda: x.attributes("F2.pdf")),
        "in a folder": status_of(lambda: x.attributes("d/F2.pdf")),
        "no folder": status_of(lambda: x.attributes("e/F2.pdf")),
        "no folder above": status_of(lambda: x.attributes("e/f/F2.pdf")),
        "below a document": status_of(lambda: x.attributes("F1.pdf/F2.pdf")),
        "found": status_of(lambda: x.find("F2.pdf")),
        "found below": status_of(lambda: x.find("d/F2.pdf")),
        "made": status_of(lambda: save(x, "e/F2.pdf")),
        "renamed": status_of(lambda: x.rename(file, "e/F2.pdf", replace=False)),
    } == {
        "name": nt.NAME_NOT_FOUND,
        "in a folder": nt.NAME_NOT_FOUND,
        "no folder": nt.PATH_NOT_FOUND,
        "no folder above": nt.PATH_NOT_FOUND,
        "below a document": nt.PATH_NOT_FOUND,
        "found": nt.NAME_NOT_FOUND,
        "found below": nt.NAME_NOT_FOUND,
        "made": nt.PATH_NOT_FOUND,
        "renamed": nt.PATH_NOT_FOUND,
    }
    x.close(file)


def test_errors_have_the_statuses_that_programs_know(x: Driver) -> None:
    save(x, "F1.pdf")
    make_folder(x, "d")
    save(x, "d/F1.pdf")
    assert status_of(lambda: save(x, "f1.PDF")) == nt.COLLISION
    assert status_of(lambda: save(x, "LPT1.pdf")) == INVALID_NAME
    assert status_of(lambda: save(x, "é" * 200)) == 0xC0000106
    assert status_of(lambda: x.delete("d", nt.DIRECTORY_FILE)) == 0xC0000101
    assert status_of(lambda: x.open("F1.pdf", nt.READ, nt.OPEN, nt.DIRECTORY_FILE)) == nt.NOT_A_DIRECTORY
    file = x.open("F1.pdf", nt.READ | nt.DELETE)
    assert status_of(lambda: x.rename(file, "d")) == nt.IS_A_DIRECTORY
    assert status_of(lambda: x.rename(file, "d/f1.PDF", replace=False)) == nt.COLLISION
    assert status_of(lambda: x.rename(file, STATUS)) == nt.CANNOT_DELETE
    x.close(file)


def test_a_status_file_cannot_be_changed(x: Driver) -> None:
    assert x.attributes(STATUS) & nt.READ_ONLY
    assert content(x, STATUS) == b"all is well\n"
    assert status_of(lambda: x.open(STATUS, nt.WRITE)) == nt.ACCESS_DENIED
    assert status_of(lambda: x.open(STATUS, nt.READ, nt.OVERWRITE)) == nt.ACCESS_DENIED
    assert status_of(lambda: x.delete(STATUS)) == nt.CANNOT_DELETE
    file = x.open(STATUS, nt.READ | nt.DELETE)
    assert status_of(lambda: x.rename(file, "F1.pdf")) == nt.ACCESS_DENIED
    assert status_of(lambda: x.write(file, b"x", 0)) == NTSTATUS[errors.BadHandleError]
    x.close(file)


def test_folders_that_only_show_are_read_and_never_changed(make_drive: MakeDrive, tmp_path: Path) -> None:
    drive = make_drive(words=Words("Verzonden", "Geweigerd", ".reden.txt", lambda document: b"refused: " + pdf()))
    for name in ("F1.pdf", "F2.pdf"):
        delivered = drive.bring(drive.printed(name, pdf()), State.DELIVERED)
        if name == "F1.pdf":
            drive.volume.remove(name)
    drive.outbox.hear([Answer(delivered.id, State.REFUSED, "unknown customer")])
    (day,) = drive.volume.names_in("Verzonden")
    with mounted(drive.volume, tmp_path / "X") as letter:
        x = letter.driver
        assert listed(x, "") == ["Geweigerd", STATUS, "Verzonden"]
        assert listed(x, f"verzonden/{day}") == [".", "..", "F1.pdf"]
        assert listed(x, "Geweigerd") == [".", "..", "F2.pdf", "F2.pdf.reden.txt"]
        assert x.find(f"VERZONDEN/{day}/f1.PDF")[0] == "F1.pdf"
        assert content(x, f"Verzonden/{day}/F1.pdf") == pdf()
        assert content(x, "Geweigerd/F2.pdf.reden.txt") == b"refused: " + pdf()
        for path in (f"Verzonden/{day}/F1.pdf", "Geweigerd/F2.pdf", "Geweigerd/F2.pdf.reden.txt"):
            assert x.attributes(path) & nt.READ_ONLY
            assert status_of(lambda path=path: x.open(path, nt.WRITE)) == nt.ACCESS_DENIED  # type: ignore[misc]
            assert status_of(lambda path=path: x.delete(path)) == nt.CANNOT_DELETE  # type: ignore[misc]
            file = x.open(path, nt.READ | nt.DELETE)
            assert status_of(lambda file=file: x.rename(file, "G.pdf")) == nt.ACCESS_DENIED  # type: ignore[misc]
            x.close(file)
        for folder in ("Verzonden", f"Verzonden/{day}", "Geweigerd"):
            assert not x.attributes(folder) & nt.READ_ONLY
            assert status_of(lambda folder=folder: save(x, f"{folder}/G.pdf")) == nt.ACCESS_DENIED  # type: ignore[misc]
            assert status_of(lambda folder=folder: make_folder(x, f"{folder}/g")) == nt.ACCESS_DENIED  # type: ignore[misc]
            refused = status_of(lambda folder=folder: x.delete(folder, nt.DIRECTORY_FILE))  # type: ignore[misc]
            assert refused == nt.ACCESS_DENIED
        assert status_of(lambda: x.attributes("Verzonden/2001-01-01/F1.pdf")) == nt.PATH_NOT_FOUND
        assert status_of(lambda: x.attributes("Geweigerd/F3.pdf")) == nt.NAME_NOT_FOUND


def test_handles_go_along_when_their_folder_is_renamed(x: Driver) -> None:
    for path in ("d", "d/e"):
        make_folder(x, path)
    save(x, "d/e/F1.pdf")
    inner = x.open("D/e", nt.READ, nt.OPEN, nt.DIRECTORY_FILE)
    outer = x.open("d", nt.DELETE, nt.OPEN, nt.DIRECTORY_FILE)
    x.rename(outer, "longer")
    assert [name for page in x.pages(inner) for name, _ in page] == [".", "..", "F1.pdf"]
    assert x.information(outer)["FileAttributes"] & nt.DIRECTORY
    x.close(inner)
    x.close(outer)


def test_a_document_keeps_its_number_whatever_its_name_is(x: Driver) -> None:
    save(x, "F1.pdf")
    save(x, "F2.pdf")
    file = x.open("F1.pdf", nt.READ | nt.DELETE)
    number = file.opened["IndexNumber"]
    x.rename(file, "F3.pdf")
    assert x.information(file)["IndexNumber"] == number == dict(x.list())["F3.pdf"]["IndexNumber"]
    x.close(file)
    numbers = Counter(info["IndexNumber"] for _, info in x.list())
    assert set(numbers.values()) == {1}
    assert 0 not in numbers


def test_times_are_kept_and_attributes_forgotten(x: Driver) -> None:
    save(x, "F1.pdf")
    file = x.open("F1.pdf", nt.WRITE_ATTRIBUTES)
    written = 133_514_067_060_070_001
    assert x.set_basic(file, attributes=nt.READ_ONLY, written=written)["LastWriteTime"] == written
    for leave in (0, 2**64 - 1, 2**64 - 2):
        assert x.set_basic(file, written=leave)["LastWriteTime"] == written
    assert x.information(file)["FileAttributes"] == 0x2020
    x.close(file)
    assert x.find("F1.pdf")[1]["LastWriteTime"] == written


def test_nothing_is_indexed_and_everybody_has_the_same_rights(x: Driver) -> None:
    save(x, "F1.pdf")
    make_folder(x, "d")
    assert all(info["FileAttributes"] & 0x2000 for _, info in x.list())
    file = x.open("F1.pdf", nt.READ)
    x.set_security(file)
    assert x.security(file) == load().descriptor(SECURITY)
    x.close(file)


# ---- deleting --------------------------------------------------------------------------------------------------------


def test_a_deleted_document_is_withdrawn(drive: Drive, x: Driver) -> None:
    save(x, "F1.pdf")
    document = drive.closed("F1.pdf")
    x.delete("F1.pdf")
    assert drive.state(document.id) is State.WITHDRAWN
    assert status_of(lambda: x.attributes("F1.pdf")) == nt.NAME_NOT_FOUND


def test_what_is_being_published_is_not_deleted_and_the_program_is_told(drive: Drive, x: Driver) -> None:
    save(x, "F1.pdf")
    document = drive.closed("F1.pdf")
    drive.bring(document.id, State.PUBLISHING)
    assert status_of(lambda: x.delete("F1.pdf")) == SHARING_VIOLATION
    assert drive.state(document.id) is State.PUBLISHING
    assert content(x, "F1.pdf") == pdf()


def test_a_deletion_that_is_taken_back_changes_nothing_and_there_is_no_recycle_bin(drive: Drive, x: Driver) -> None:
    save(x, "F1.pdf")
    document = drive.closed("F1.pdf")
    file = x.open("F1.pdf", nt.DELETE)
    x.set_delete(file)
    x.set_delete(file, False)
    assert status_of(lambda: make_folder(x, "$Recycle.Bin")) == nt.ACCESS_DENIED
    assert status_of(lambda: x.rename(file, "$RECYCLE.BIN/$R1.pdf")) == nt.PATH_NOT_FOUND
    x.close(file)
    assert drive.state(document.id) is State.SETTLING


def test_a_name_is_taken_until_the_last_handle_on_a_deleted_file_is_closed(drive: Drive, x: Driver) -> None:
    file = x.open("F1.pdf", nt.READ | nt.WRITE, nt.CREATE)
    x.write(file, pdf(), 0)
    x.delete("F1.pdf")
    assert status_of(lambda: x.open("F1.pdf", nt.READ)) == nt.DELETE_PENDING
    x.write(file, pdf("two"), 0)
    assert x.read(file, 0, 2**20).startswith(b"%PDF")
    x.close(file)
    assert drive.listed("F1.pdf") is None
    save(x, "F1.pdf")


def test_a_file_that_deletes_itself_leaves_nothing(drive: Drive, x: Driver) -> None:
    file = x.open("F1.pdf", nt.READ | nt.WRITE | nt.DELETE, nt.CREATE, nt.DELETE_ON_CLOSE)
    x.write(file, pdf(), 0)
    x.close(file)
    assert not drive.everything()


# ---- listing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [301, 5000])
def test_a_folder_is_listed_page_by_page_and_read_once(
    drive: Drive, x: Driver, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = sorted((f"{'fF'[n % 2]}actuur {n}.pdf" for n in range(count)), key=str.lower)
    asked: Counter[str] = Counter()
    listed, stat = drive.volume.names_in, drive.volume.stat

    def names_in(path: str) -> list[str]:
        asked["names"] += 1
        return [*names, *listed(path)]

    def stat_of(path: str) -> Any:
        asked["stat"] += 1
        return stat(STATUS if path.endswith(".pdf") else path)

    monkeypatch.setattr(drive.volume, "names_in", names_in)
    monkeypatch.setattr(drive.volume, "stat", stat_of)
    folder = x.open("", nt.READ, nt.OPEN, nt.DIRECTORY_FILE)
    asked.clear()
    pages = list(x.pages(folder))
    assert [name for page in pages for name, _ in page] == [*names, STATUS]
    assert len(pages) > count // 40
    assert asked["names"] == 1
    assert asked["stat"] <= count + 1 + len(pages)
    x.close(folder)


def test_a_listing_goes_on_behind_a_name_that_is_gone(x: Driver) -> None:
    make_folder(x, "d")
    for name in ("a.tmp", "b.tmp", "c.tmp", "!.tmp"):
        save(x, f"d/{name}", b"x")
    folder = x.open("d", nt.READ, nt.OPEN, nt.DIRECTORY_FILE)
    pages = x.pages(folder, room=250)
    first = next(pages)
    x.delete("d/b.tmp")
    save(x, "d/aa.tmp", b"x")  # made since: another listing has it
    rest = [name for page in pages for name, _ in page]
    assert [*(name for name, _ in first), *rest] == [".", "..", "!.tmp", "a.tmp", "c.tmp"]
    assert [name for page in x.pages(folder, marker="B.TMP") for name, _ in page] == ["c.tmp"]
    assert [name for page in x.pages(folder) for name, _ in page] == [".", "..", "!.tmp", "a.tmp", "aa.tmp", "c.tmp"]
    x.close(folder)


def test_one_name_is_looked_for_without_reading_its_folder_and_shown_as_it_was_made(
    drive: Drive, x: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(x, "Fäctuur.pdf")
    monkeypatch.setattr(drive.volume, "names_in", raising(AssertionError("the folder was read")))
    name, info = x.find("fÄCTUUR.PDF")
    assert (name, info["FileSize"]) == ("Fäctuur.pdf", len(pdf()))


# ---- when something goes wrong, and all at once ----------------------------------------------------------------------


def test_an_exception_that_nobody_foresaw_is_an_error_of_one_call(
    drive: Drive, x: Driver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    save(x, "F1.pdf")
    file = x.open("F1.pdf", nt.READ | nt.WRITE)
    calls: dict[str, Callable[[File], object]] = {
        "stat": lambda file: x.attributes("F1.pdf"),
        "create": lambda file: save(x, "F2.pdf"),
        "open": lambda file: x.open("F1.pdf", nt.READ),
        "read": lambda file: x.read(file, 0, 1),
        "write": lambda file: x.write(file, b"x", 0),
        "truncate": lambda file: x.set_size(file, 1),
        "flush": x.flush,
        "stat_handle": x.information,
        "set_modified": lambda file: x.set_basic(file, written=133_514_067_060_070_000),
        "check_removal": x.set_delete,
        "rename": lambda file: x.rename(file, "F2.pdf", replace=False),
        "space": lambda file: x.volume(),
        "make_folder": lambda file: make_folder(x, "d"),
        "names_in": lambda file: x.list(),
    }
    for method, call in calls.items():
        with monkeypatch.context() as patch:
            patch.setattr(drive.volume, method, raising(RuntimeError("a fault")))
            assert status_of(lambda call=call: call(file)) == IO_ERROR, method  # type: ignore[misc]
    for method in ("finish", "release", "remove"):
        other = x.open(f"{method}.tmp", nt.READ | nt.WRITE | nt.DELETE, nt.CREATE, nt.DELETE_ON_CLOSE)
        with monkeypatch.context() as patch:
            patch.setattr(drive.volume, method, raising(RuntimeError("a fault")))
            x.close(other)
            x.close_all()
    assert not [record for record in caplog.records if record.name == "winfspy"], "each is translated by the host"
    assert len([r for r in caplog.records if r.name == "ingisfs.drive.winfsp" and r.levelno == logging.ERROR]) >= 17
    assert content(x, "F1.pdf") == pdf()
    x.close(file)


def test_a_document_too_large_and_a_full_disk_fail_in_the_write(make_drive: MakeDrive, tmp_path: Path) -> None:
    drive = make_drive(max_document=10_000)
    with mounted(drive.volume, tmp_path / "X") as letter:
        x = letter.driver
        file = x.open("F1.pdf", nt.READ | nt.WRITE, nt.CREATE)
        assert status_of(lambda: x.write(file, b"x" * 10_001, 0)) == 0xC0000904
        assert status_of(lambda: x.set_size(file, 10_001)) == 0xC0000904
        x.close(file)
        assert drive.closed("F1.pdf").state is State.HELD
        drive.disk.free = 0
        assert status_of(lambda: save(x, "F2.pdf")) == 0xC000007F


def test_a_target_that_needs_a_person_makes_the_drive_write_protected(make_drive: MakeDrive, tmp_path: Path) -> None:
    drive = make_drive(stopped=lambda: True)
    with mounted(drive.volume, tmp_path / "X") as letter:
        assert status_of(lambda: save(letter.driver, "F1.pdf")) == 0xC00000A2


def test_four_threads_print_fifty_documents_each(drive: Drive, letter: Mounted) -> None:
    x, failures = letter.driver, list[BaseException]()
    library = load()
    allocated = len(library.allocated)

    def work(number: int) -> None:
        try:
            for count in range(50):
                data, name = pdf(f"{number} {count}", 9000), f"F{number}-{count}.pdf"
                save(x, f"{name}.tmp", data)
                renamed = x.open(f"{name}.tmp", nt.DELETE)
                x.rename(renamed, name)
                x.close(renamed)
                assert content(x, name) == data
                if count % 10 == 0:
                    assert name in dict(x.list())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures
    names = {f"F{number}-{count}.pdf" for number in range(4) for count in range(50)}
    wait_for(lambda: {d.name for d in drive.everything() if d.state is State.SETTLING} == names, "all to settle", 30)
    x.close_all()
    assert not letter.callbacks._opened_objs
    assert len(library.allocated) <= allocated, "descriptors are left"
