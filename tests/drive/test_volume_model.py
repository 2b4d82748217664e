"""The volume and a real directory, side by side: whatever is done to both, they answer alike.

The directory stands for all that programs expect of a file system. Its names are the keys of ours, so that it forgets
case; what differs on purpose is left out (names we refuse, documents that INGIS has) or said where it is compared.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ingisfs import names
from ingisfs.drive import buffer
from ingisfs.drive.errors import (
    BadHandleError,
    BadNameError,
    ExistsError,
    IsFolderError,
    NotAFolderError,
    NotEmptyError,
    NotFoundError,
    VolumeError,
)
from ingisfs.drive.space import SpoolDisk
from ingisfs.drive.volume import Handle, Volume
from ingisfs.outbox.outbox import Outbox

KINDS: dict[int, type[VolumeError]] = {
    errno.ENOENT: NotFoundError,
    errno.EEXIST: ExistsError,
    errno.EISDIR: IsFolderError,
    errno.ENOTDIR: NotAFolderError,
    errno.ENOTEMPTY: NotEmptyError,
    errno.EINVAL: BadNameError,
    errno.EBADF: BadHandleError,
}

LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, RENAME_NOREPLACE = -100, 1

SPILL = 100  # bytes; a document above it lies in the spool file

NAMES = st.sampled_from(["F1.pdf", "f1.PDF", "É.xml", "e\u0301.XML", "x.tmp", "d", "D", "e"])
PATHS = st.one_of(NAMES, st.tuples(st.sampled_from(["d", "D", "e", "F1.pdf"]), NAMES).map("/".join))
PLACES = st.integers(0, 2 * SPILL)
DATA = st.binary(min_size=1, max_size=SPILL)
CHOICE = st.integers(0, 99)


class Both(RuleBasedStateMachine):
    """Every rule does one thing to the volume and to the directory."""

    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp(prefix="ingisfs-model-"))
        self.real = self.base / "real"
        self.real.mkdir()
        self.outbox = Outbox(self.base / "state", settle=0.0)
        self.spill, buffer.SPILL = buffer.SPILL, SPILL
        self.volume = self.mount()
        self.handles: list[tuple[Handle, int]] = []

    def mount(self) -> Volume:
        return Volume(self.outbox, spool=self.base / "spool", disk=SpoolDisk(self.base, 0))

    def path(self, path: str) -> Path:
        return self.real / names.key(path)

    def same(self, ours: Callable[[], Any], theirs: Callable[[], Any]) -> tuple[Any, Any]:
        """Do both; the answers are equal or the errors are of one kind. Returns both answers, None after an error."""
        expected, kind = self.tried(theirs, OSError, lambda error: KINDS[error.errno])
        answer, said = self.tried(ours, VolumeError, type)
        assert said is kind, f"the volume: {said or answer!r}; the directory: {kind or expected!r}"
        return answer, expected

    @staticmethod
    def tried(call: Callable[[], Any], errors: type[Exception], kind: Callable[[Any], type]) -> tuple[Any, type | None]:
        try:
            return call(), None
        except errors as error:
            return None, kind(error)

    # ---- handles -------------------------------------------------------------------------------------------------

    @rule(path=PATHS, may_read=st.booleans(), append=st.booleans())
    def create(self, path: str, may_read: bool, append: bool) -> None:
        flags = (os.O_RDWR if may_read else os.O_WRONLY) | (os.O_APPEND if append else 0)
        handle, fd = self.same(
            lambda: self.volume.create(path, may_read=may_read, append=append),
            lambda: os.open(self.path(path), flags | os.O_CREAT | os.O_EXCL, 0o600),
        )
        if handle is not None:
            self.handles.append((handle, fd))

    @rule(path=PATHS, mode=st.sampled_from([os.O_RDONLY, os.O_WRONLY, os.O_RDWR]), append=st.booleans())
    def open(self, path: str, mode: int, append: bool) -> None:
        may_write = mode != os.O_RDONLY
        handle, fd = self.same(
            lambda: self.volume.open(path, may_read=mode != os.O_WRONLY, may_write=may_write, append=append),
            lambda: self.really_open(path, mode | (os.O_APPEND if append and may_write else 0)),
        )
        if handle is not None:
            self.handles.append((handle, fd))

    def really_open(self, path: str, flags: int) -> int:
        fd = os.open(self.path(path), flags)
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            os.close(fd)
            raise IsADirectoryError(errno.EISDIR, path)  # folders are opened by other means
        return fd

    @precondition(lambda self: self.handles)
    @rule(which=CHOICE, offset=PLACES, data=DATA)
    def write(self, which: int, offset: int, data: bytes) -> None:
        handle, fd = self.handles[which % len(self.handles)]
        wrote, expected = self.same(
            lambda: self.volume.write(handle, offset, data), lambda: os.pwrite(fd, data, offset)
        )
        assert wrote == expected

    @precondition(lambda self: self.handles)
    @rule(which=CHOICE, offset=PLACES, length=PLACES)
    def read(self, which: int, offset: int, length: int) -> None:
        handle, fd = self.handles[which % len(self.handles)]
        found, expected = self.same(
            lambda: self.volume.read(handle, offset, length), lambda: os.pread(fd, length, offset)
        )
        assert found == expected

    @precondition(lambda self: self.handles)
    @rule(which=CHOICE, size=PLACES)
    def truncate(self, which: int, size: int) -> None:
        handle, fd = self.handles[which % len(self.handles)]
        self.same(lambda: self.volume.truncate(handle, size), lambda: self.really_truncate(handle, fd, size))

    @staticmethod
    def really_truncate(handle: Handle, fd: int, size: int) -> None:
        if not handle.may_write:
            raise OSError(errno.EBADF, "ftruncate says EINVAL")
        os.ftruncate(fd, size)

    @precondition(lambda self: self.handles)
    @rule(which=CHOICE)
    def stat_handle(self, which: int) -> None:
        handle, fd = self.handles[which % len(self.handles)]
        assert self.volume.stat_handle(handle).size == os.fstat(fd).st_size

    @precondition(lambda self: self.handles)
    @rule(which=CHOICE)
    def flush(self, which: int) -> None:
        self.volume.flush(self.handles[which % len(self.handles)][0])

    @precondition(lambda self: self.handles)
    @rule(which=CHOICE)
    def release(self, which: int) -> None:
        handle, fd = self.handles.pop(which % len(self.handles))
        self.volume.release(handle)
        os.close(fd)

    # ---- names ---------------------------------------------------------------------------------------------------

    @rule(path=PATHS, size=PLACES)
    def truncate_path(self, path: str, size: int) -> None:
        self.same(lambda: self.volume.truncate_path(path, size), lambda: os.truncate(self.path(path), size))

    @rule(path=PATHS)
    def look(self, path: str) -> None:
        found, expected = self.same(lambda: self.volume.stat(path), lambda: self.path(path).stat())
        if found is not None:
            assert found.is_folder == stat.S_ISDIR(expected.st_mode)
            assert found.is_folder or found.size == expected.st_size

    @rule(path=st.one_of(st.just(""), PATHS))
    def names_in(self, path: str) -> None:
        found, expected = self.same(lambda: self.volume.names_in(path), lambda: os.listdir(self.path(path)))
        if found is not None:
            assert sorted(map(names.key, found)) == sorted(expected)

    @rule(path=PATHS)
    def remove(self, path: str) -> None:
        self.same(lambda: self.volume.remove(path), self.path(path).unlink)

    @rule(old=PATHS, new=PATHS, replace=st.booleans())
    def rename(self, old: str, new: str, replace: bool) -> None:
        ancestor = names.key(old).startswith(names.key(new) + "/")
        if ancestor and self.path(new).is_dir() and replace:
            return  # Linux says ENOTEMPTY whatever it is, and we what it is
        self.same(
            lambda: self.volume.rename(old, new, replace=replace),
            lambda: self.really_rename(self.path(old), self.path(new), replace),
        )

    @staticmethod
    def really_rename(old: Path, new: Path, replace: bool) -> None:
        if replace or old == new:  # another case of the same name is no other name
            old.rename(new)
        elif LIBC.renameat2(AT_FDCWD, bytes(old), AT_FDCWD, bytes(new), RENAME_NOREPLACE):
            raise OSError(ctypes.get_errno(), str(new))

    @rule(path=PATHS)
    def make_folder(self, path: str) -> None:
        self.same(lambda: self.volume.make_folder(path), self.path(path).mkdir)

    @rule(path=PATHS)
    def remove_folder(self, path: str) -> None:
        self.same(lambda: self.volume.remove_folder(path), self.path(path).rmdir)

    # ---- everything ----------------------------------------------------------------------------------------------

    @rule()
    def remount(self) -> None:
        self.close_all()
        self.volume.close()
        self.compare_all()
        self.volume = self.mount()

    @invariant()
    def nothing_is_left_behind(self) -> None:
        assert self.volume.unkept == 0
        assert self.handles or not self.volume._open, "a document is open that nobody has open"

    def close_all(self) -> None:
        for handle, fd in self.handles:
            self.volume.release(handle)
            os.close(fd)
        self.handles.clear()

    def compare_all(self) -> None:
        """The outbox alone has all files and folders, byte for byte."""
        files = {str(p.relative_to(self.real)): p.read_bytes() for p in self.real.rglob("*") if p.is_file()}
        kept = {names.key(d.path): self.outbox.payload(d.id) for d in self.outbox.documents("listed = 1")}
        assert kept == files
        assert set(self.outbox.folders()) == {str(p.relative_to(self.real)) for p in self.real.rglob("*") if p.is_dir()}

    def teardown(self) -> None:
        try:
            self.close_all()
            self.volume.close()
            self.compare_all()
        finally:
            buffer.SPILL = self.spill
            self.outbox.shut()
            shutil.rmtree(self.base, ignore_errors=True)


TestBoth = Both.TestCase
TestBoth.settings = settings(max_examples=120, stateful_step_count=50, deadline=None, derandomize=True)
