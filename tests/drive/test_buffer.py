"""The bytes of an open document, compared with a plain bytearray, in memory and in the spool file."""

from __future__ import annotations

import errno
import stat
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingisfs.drive import buffer
from ingisfs.drive.buffer import Buffer

SMALL = 64  # bytes; spilling begins here in the tests, so that few bytes reach it

OFFSETS = st.integers(0, 3 * SMALL)
CHANGES = st.one_of(
    st.tuples(st.just("write"), OFFSETS, st.binary(max_size=2 * SMALL)),
    st.tuples(st.just("truncate"), OFFSETS, st.just(b"")),
)


@pytest.fixture
def spill_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffer, "SPILL", SMALL)


def apply(model: bytearray, change: str, offset: int, data: bytes) -> None:
    if change == "truncate":
        del model[offset:]
        model.extend(bytes(offset - len(model)))
    elif data:
        model.extend(bytes(max(0, offset - len(model))))
        model[offset : offset + len(data)] = data


@settings(
    deadline=None, derandomize=True, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(begin=st.binary(max_size=2 * SMALL), changes=st.lists(CHANGES, max_size=12), at=OFFSETS, length=OFFSETS)
def test_a_buffer_is_a_bytearray(
    spill_early: None, tmp_path: Path, begin: bytes, changes: list[tuple[str, int, bytes]], at: int, length: int
) -> None:
    tried, model = Buffer(begin, tmp_path), bytearray(begin)
    for change, offset, data in changes:
        if change == "truncate":
            tried.truncate(offset)
        elif data:
            tried.write(offset, data)
        apply(model, change, offset, data)
        assert tried.size == len(model)
        assert tried.read(at, length) == model[at : at + length]
    assert tried.content() == model
    assert tried.spilled or tried.size <= SMALL
    tried.close()


@pytest.mark.parametrize(
    "grow",
    [
        lambda b: b.write(60, b"x" * 5),
        lambda b: b.write(SMALL, b"x"),
        lambda b: b.truncate(SMALL + 1),
    ],
)
def test_what_grows_large_goes_into_a_file_that_only_its_owner_sees(
    spill_early: None, tmp_path: Path, grow: Callable[[Buffer], None]
) -> None:
    spool = tmp_path / "state" / "spool"
    tried = Buffer(b"y" * 60, spool)
    assert not tried.spilled
    grow(tried)
    assert tried.spilled
    assert tried.content().startswith(b"y" * 60)
    assert stat.S_IMODE(spool.stat().st_mode) == 0o700
    assert list(spool.iterdir()) == [], "the file has no name: nobody opens it, nothing is left behind"
    tried.close()


def test_large_documents_begin_in_the_file(spill_early: None, tmp_path: Path) -> None:
    tried = Buffer(b"z" * (SMALL + 1), tmp_path)
    assert tried.spilled
    assert tried.content() == b"z" * (SMALL + 1)
    tried.close()


class FullDisk:
    """A file that takes some bytes and then no more."""

    def __init__(self, file: IO[bytes], room: int) -> None:
        self._file = file
        self.room = room

    def write(self, data: bytes) -> int:
        if self.room == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = self._file.write(data[: self.room])
        self.room -= taken
        return taken

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def test_half_of_a_write_that_failed_is_not_found_later(spill_early: None, tmp_path: Path) -> None:
    tried = Buffer(b"a" * (SMALL + 6), tmp_path)
    disk = FullDisk(tried._file, room=7)  # type: ignore[arg-type]
    tried._file = disk  # type: ignore[assignment]
    with pytest.raises(OSError, match="No space"):
        tried.write(SMALL + 6, b"b" * 20)
    assert tried.size == SMALL + 6
    disk.room = 1000
    tried.write(SMALL + 20, b"c")
    assert tried.content() == b"a" * (SMALL + 6) + bytes(14) + b"c"
    tried.close()


def test_a_spool_that_cannot_be_made_fails_the_write_and_keeps_the_bytes(spill_early: None, tmp_path: Path) -> None:
    (tmp_path / "spool").write_bytes(b"a file, where the folder should be")
    tried = Buffer(b"a" * 10, tmp_path / "spool")
    with pytest.raises(OSError, match="exists"):
        tried.write(10, b"b" * SMALL)
    assert tried.content() == b"a" * 10
    tried.close()


def test_a_spool_file_that_lost_bytes_is_never_taken_for_the_document(spill_early: None, tmp_path: Path) -> None:
    tried = Buffer(b"a" * (SMALL + 6), tmp_path)
    assert tried._file is not None
    tried._file.truncate(3)
    with pytest.raises(OSError, match="3 of 70"):
        tried.content()
    tried.close()
