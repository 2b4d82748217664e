"""The drive on a real mount, with libfuse 3 and libfuse 2: what programs are told, and what the kernel makes of it."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import re
import signal
import stat
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ingisfs.drive import errors
from ingisfs.drive.fuse import ERRNO, FuseHost
from ingisfs.outbox.document import WAITING, Reason, State
from ingisfs.outbox.outbox import Decision
from tests.documents import pdf
from tests.drive.conftest import Drive
from tests.drive.mounted import Mount, need_library
from tests.servers import wait_for

LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, RENAME_NOREPLACE, RENAME_EXCHANGE = -100, 1, 2
STATUS = "INGIS-STATUS.txt"
LIBRARIES = ["fuse3", "fuse"]


@pytest.fixture(scope="module", params=LIBRARIES)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mount]:
    need_library(request.param)
    mount = Mount(tmp_path_factory.mktemp("drive"), request.param, {"settle": 3600.0, "max_document": 2**20})
    try:
        mount.start()
        yield mount
    finally:
        mount.clean()


@pytest.fixture
def mount(shared: Mount) -> Iterator[Mount]:
    """One mount for many tests, emptied behind each of them."""
    yield shared
    with suppress(OSError):
        for folder, folders, files in os.walk(shared.point, topdown=False):
            for name in files:
                if name != STATUS:
                    os.unlink(os.path.join(folder, name))
            for name in folders:
                os.rmdir(os.path.join(folder, name))
        if os.listdir(shared.point) == [STATUS]:
            return
    shared.renew()  # a test that failed left something open


@pytest.fixture
def x(mount: Mount) -> Path:
    return mount.point


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Callable[..., Mount]]:
    """Make mounts with options of a test's own, or to be killed."""
    made: list[Mount] = []

    def make(library: str = "fuse3", *, tracer: tuple[str, ...] = (), **options: Any) -> Mount:
        need_library(library)
        mount = Mount(tmp_path, library, {"settle": 3600.0, **options}, tracer)
        made.append(mount)
        mount.start()
        return mount

    yield make
    for mount in made:
        mount.clean()


def error_of(call: Callable[[], object]) -> str:
    """The name of the error number that a call ends with."""
    try:
        call()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "none"


def write(path: Path, data: bytes, flags: int = os.O_WRONLY | os.O_CREAT | os.O_EXCL) -> None:
    fd = os.open(path, flags, 0o600)
    try:
        for start in range(0, len(data), 4096):
            os.write(fd, data[start : start + 4096])
    finally:
        os.close(fd)


def renameat2(old: Path, new: Path, flags: int) -> None:
    if LIBC.renameat2(AT_FDCWD, bytes(old), AT_FDCWD, bytes(new), flags):
        raise OSError(ctypes.get_errno(), str(new))


# ---- printing --------------------------------------------------------------------------------------------------------


def test_a_printed_document_is_on_record_when_its_close_returns(mount: Mount, x: Path) -> None:
    data = pdf(size=60_000)
    write(x / "F1.pdf", data)
    document = mount.document("F1.pdf")
    assert document.state in {State.WRITING, State.SETTLING}
    assert mount.payload(document) == data
    wait_for(lambda: mount.document("F1.pdf").state is State.SETTLING, "the release")
    assert (x / "F1.pdf").read_bytes() == data
    assert stat.S_IMODE((x / "F1.pdf").stat().st_mode) == 0o600


def test_fsync_keeps_what_is_there_and_ends_nothing(mount: Mount, x: Path) -> None:
    fd = os.open(x / "F1.pdf", os.O_RDWR | os.O_CREAT)
    os.write(fd, b"one")
    assert not any(d.listed for d in mount.documents())
    os.fsync(fd)
    assert mount.payload(mount.document("F1.pdf")) == b"one"
    os.write(fd, b"two")
    os.close(os.dup(fd))
    assert mount.payload(mount.document("F1.pdf")) == b"onetwo"
    assert mount.document("F1.pdf").state is State.WRITING
    os.close(fd)
    wait_for(lambda: mount.document("F1.pdf").state is State.SETTLING, "the release")


def test_a_reader_that_stays_open_does_not_keep_a_document_from_its_end(mount: Mount, x: Path) -> None:
    with open(x / "F1.pdf", "wb") as writer:
        writer.write(pdf())
        writer.flush()
        scanner = os.open(x / "F1.pdf", os.O_RDONLY)
    wait_for(lambda: mount.document("F1.pdf").state is State.SETTLING, "the release")
    assert os.read(scanner, 100_000) == pdf()
    os.close(scanner)


def test_appending_programs_append(x: Path) -> None:
    write(x / "F1.txt", b"one ")
    one = os.open(x / "F1.txt", os.O_WRONLY | os.O_APPEND)
    two = os.open(x / "F1.txt", os.O_WRONLY | os.O_APPEND)
    for fd, text in ((one, b"two "), (two, b"three "), (one, b"four")):
        os.write(fd, text)
    os.close(one)
    os.close(two)
    assert (x / "F1.txt").read_bytes() == b"one two three four"


def test_truncating_at_open_by_handle_and_by_name(mount: Mount, x: Path) -> None:
    write(x / "F1.txt", b"0123456789")
    fd = os.open(x / "F1.txt", os.O_RDWR)
    os.ftruncate(fd, 4)
    assert os.fstat(fd).st_size == 4
    os.ftruncate(fd, 8)
    assert os.pread(fd, 100, 0) == b"0123" + bytes(4)
    os.close(fd)
    os.truncate(x / "F1.txt", 2)
    assert mount.payload(mount.document("F1.txt")) == b"01", "durable when the call returns"
    write(x / "F1.txt", b"new", os.O_WRONLY | os.O_TRUNC)
    assert mount.payload(mount.document("F1.txt")) == b"new"
    os.close(os.open(x / "F1.txt", os.O_RDONLY | os.O_TRUNC))
    assert (x / "F1.txt").read_bytes() == b""
    wait_for(lambda: mount.document("F1.txt").state is State.SETTLING, "every handle to be released")


def test_memory_that_is_mapped_is_written(mount: Mount, x: Path) -> None:
    fd = os.open(x / "F1.pdf", os.O_RDWR | os.O_CREAT)
    os.ftruncate(fd, 10_000)
    with mmap.mmap(fd, 10_000) as view:
        view[0:8] = b"%PDF-1.7"
        view[9_998:10_000] = b"\n%"
        os.close(fd)
        view[5_000:5_005] = b"after"
        view.flush()
    expected = b"%PDF-1.7".ljust(5_000, b"\0") + b"after".ljust(4_998, b"\0") + b"\n%"
    assert (x / "F1.pdf").read_bytes() == expected
    wait_for(lambda: mount.document("F1.pdf").state is State.SETTLING, "the release")
    assert mount.payload(mount.document("F1.pdf")) == expected


def test_mapped_memory_beside_a_handle_that_appends_lands_where_it_belongs(x: Path) -> None:
    write(x / "F1.txt", b"0123456789")
    appending = os.open(x / "F1.txt", os.O_WRONLY | os.O_APPEND)
    fd = os.open(x / "F1.txt", os.O_RDWR)
    last = os.open(x / "F1.txt", os.O_WRONLY | os.O_APPEND)
    with mmap.mmap(fd, 10) as view:
        view[3:5] = b"ab"
        view.flush()
    os.write(appending, b"end")
    for handle in (appending, fd, last):
        os.close(handle)
    assert (x / "F1.txt").read_bytes() == b"012ab56789end"


def test_programs_that_save_by_a_temporary_name_and_a_backup(mount: Mount, x: Path) -> None:
    """What Windows' ReplaceFile does, and many programs by hand."""
    write(x / "F1.pdf", pdf("old"))
    write(x / "~tmp1.tmp", pdf("new"))
    reader = os.open(x / "~tmp1.tmp", os.O_RDONLY)  # as Wine holds it through the rename
    os.rename(x / "F1.pdf", x / "F1.bak")
    os.rename(x / "~tmp1.tmp", x / "F1.pdf")
    os.close(reader)
    assert (x / "F1.pdf").read_bytes() == pdf("new")
    assert (x / "F1.bak").read_bytes() == pdf("old")
    assert mount.document("F1.bak").state is State.LOCAL
    assert mount.document("F1.pdf").state is State.SETTLING


# ---- names -----------------------------------------------------------------------------------------------------------


def test_names_are_found_in_any_case_and_shown_in_theirs(x: Path) -> None:
    write(x / "Café.PDF", b"1")
    assert (x / "café.pdf").read_bytes() == b"1"
    assert (x / "CAFE\u0301.pdf").stat().st_size == 1
    assert error_of(lambda: write(x / "CAFÉ.pdf", b"2")) == "EEXIST"
    os.rename(x / "café.pdf", x / "Factuur.pdf")
    os.rename(x / "FACTUUR.pdf", x / "factuur.PDF")
    assert sorted(os.listdir(x)) == [STATUS, "factuur.PDF"]


def test_a_careful_move_does_not_overwrite(mount: Mount, x: Path) -> None:
    write(x / "F1.txt", b"1")
    write(x / "F2.txt", b"2")
    if mount.library == "fuse3":
        assert error_of(lambda: renameat2(x / "F1.txt", x / "F2.txt", RENAME_NOREPLACE)) == "EEXIST"
        assert error_of(lambda: renameat2(x / "F1.txt", x / "f2.TXT", RENAME_NOREPLACE)) == "EEXIST"
        renameat2(x / "F1.txt", x / "F3.txt", RENAME_NOREPLACE)
        os.rename(x / "F3.txt", x / "F1.txt")
    else:  # no flags there: programs are told so, and look for themselves
        assert error_of(lambda: renameat2(x / "F1.txt", x / "F3.txt", RENAME_NOREPLACE)) == "EINVAL"
    subprocess.run(["mv", "-n", x / "F1.txt", x / "F2.txt"], check=False, timeout=10)
    assert (x / "F1.txt").read_bytes() == b"1"
    assert (x / "F2.txt").read_bytes() == b"2"
    assert error_of(lambda: renameat2(x / "F1.txt", x / "F2.txt", RENAME_EXCHANGE)) == "EINVAL"
    subprocess.run(["mv", x / "F1.txt", x / "F2.txt"], check=True, timeout=10)
    assert (x / "F2.txt").read_bytes() == b"1"


def test_times_are_what_programs_set(x: Path) -> None:
    write(x / "F1.txt", b"1")
    os.utime(x / "F1.txt", ns=(5, 1_706_933_106_007_000_000))
    assert (x / "F1.txt").stat().st_mtime_ns == 1_706_933_106_007_000_000
    subprocess.run(["touch", "-a", x / "F1.txt"], check=True, timeout=10)
    assert (x / "F1.txt").stat().st_mtime_ns == 1_706_933_106_007_000_000, "only the time of the last look was meant"
    subprocess.run(["touch", "-m", x / "F1.txt"], check=True, timeout=10)
    assert (x / "F1.txt").stat().st_mtime_ns > 1_706_933_106_007_000_000
    os.utime(x / "F1.txt", ns=(5, 7))
    subprocess.run(["touch", x / "F1.txt"], check=True, timeout=10)
    assert (x / "F1.txt").stat().st_mtime > 1_700_000_000


def test_modes_and_owners_are_not_kept_and_nobody_is_bothered(x: Path) -> None:
    write(x / "F1.txt", b"1")
    os.chmod(x / "F1.txt", 0o444)
    os.chown(x / "F1.txt", -1, -1)
    assert stat.S_IMODE((x / "F1.txt").stat().st_mode) == 0o600
    assert error_of(lambda: os.chown(x / "F1.txt", 12345, -1)) == "EPERM"


def test_a_document_deleted_while_open_is_not_sent(mount: Mount, x: Path) -> None:
    for flushed in (False, True):
        fd = os.open(x / "F1.pdf", os.O_RDWR | os.O_CREAT)
        os.write(fd, pdf())
        if flushed:
            os.fsync(fd)
        os.unlink(x / "F1.pdf")
        assert not (x / "F1.pdf").exists()
        os.write(fd, b"more")
        assert os.fstat(fd).st_size == len(pdf()) + 4
        assert os.pread(fd, 100_000, 0) == pdf() + b"more"
        os.close(fd)
        wait_for(lambda: os.listdir(x) == [STATUS], "the last close")
        assert not any(d.state in WAITING for d in mount.documents() if "F1" in d.name or "fuse" in d.name)


def test_a_document_renamed_over_while_open_is_read_to_its_end(mount: Mount, x: Path) -> None:
    write(x / "F1.pdf", pdf("old"))
    write(x / "F1.tmp", pdf("new"))
    reader = os.open(x / "F1.pdf", os.O_RDONLY)
    os.rename(x / "F1.tmp", x / "F1.pdf")
    assert os.read(reader, 100_000) == pdf("old")
    assert (x / "F1.pdf").read_bytes() == pdf("new")
    os.close(reader)
    wait_for(lambda: sorted(os.listdir(x)) == ["F1.pdf", STATUS], "the last close")
    assert mount.document("F1.pdf").state is State.SETTLING


# ---- errors ----------------------------------------------------------------------------------------------------------


def test_every_error_of_the_volume_has_a_number() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.VolumeError)}
    assert kinds - set(ERRNO) == {errors.VolumeError}


def test_errors_have_the_numbers_that_programs_know(x: Path) -> None:
    write(x / "F1.pdf", b"1")
    (x / "d").mkdir()
    write(x / "d" / "F2.pdf", b"2")
    long = "発" * 86 + ".pdf"
    found = {
        "open missing": error_of(lambda: os.open(x / "no.pdf", os.O_RDONLY)),
        "unlink missing": error_of((x / "no.pdf").unlink),
        "create in no folder": error_of(lambda: write(x / "no" / "F1.pdf", b"")),
        "create twice": error_of(lambda: write(x / "F1.pdf", b"")),
        "mkdir twice": error_of((x / "D").mkdir),
        "open folder": error_of(lambda: os.open(x / "d", os.O_WRONLY)),
        "unlink folder": error_of((x / "d").unlink),
        "rename over folder": error_of(lambda: os.rename(x / "F1.pdf", x / "d")),
        "rmdir document": error_of((x / "F1.pdf").rmdir),
        "below a document": error_of(lambda: os.open(x / "F1.pdf" / "x", os.O_RDONLY)),
        "rmdir full": error_of((x / "d").rmdir),
        "bad name": error_of(lambda: write(x / "a:b.pdf", b"")),
        "device name": error_of((x / "CON").mkdir),
        "trailing dot": error_of(lambda: os.rename(x / "F1.pdf", x / "F1.")),
        "no UTF-8": error_of(lambda: os.open(bytes(x) + b"/\xff.pdf", os.O_CREAT | os.O_WRONLY)),
        "long name": error_of(lambda: write(x / long, b"")),
        "status file": error_of(lambda: os.open(x / STATUS, os.O_WRONLY)),
        "unlink status file": error_of((x / STATUS).unlink),
        "rename status file": error_of(lambda: os.rename(x / STATUS, x / "x.txt")),
        "folder into itself": error_of(lambda: os.rename(x / "d", x / "d" / "e")),
        "hard link": error_of(lambda: os.link(x / "F1.pdf", x / "F3.pdf")) in {"ENOSYS", "EPERM"},
        "symbolic link": error_of(lambda: os.symlink("F1.pdf", x / "F3.pdf")) in {"ENOSYS", "EPERM"},
    }
    assert found == {
        "open missing": "ENOENT",
        "unlink missing": "ENOENT",
        "create in no folder": "ENOENT",
        "create twice": "EEXIST",
        "mkdir twice": "EEXIST",
        "open folder": "EISDIR",
        "unlink folder": "EISDIR",
        "rename over folder": "EISDIR",
        "rmdir document": "ENOTDIR",
        "below a document": "ENOTDIR",
        "rmdir full": "ENOTEMPTY",
        "bad name": "EINVAL",
        "device name": "EINVAL",
        "trailing dot": "EINVAL",
        "no UTF-8": "EINVAL",
        "long name": "ENAMETOOLONG",
        "status file": "EACCES",
        "unlink status file": "EACCES",
        "rename status file": "EACCES",
        "folder into itself": "EINVAL",
        "hard link": True,
        "symbolic link": True,
    }


def test_a_document_too_large_is_refused_in_the_write_and_again_at_the_close(mount: Mount, x: Path) -> None:
    fd = os.open(x / "F1.pdf", os.O_WRONLY | os.O_CREAT)
    os.write(fd, bytes(2**20))
    assert error_of(lambda: os.write(fd, b"x")) == "EFBIG"
    assert error_of(lambda: os.ftruncate(fd, 2**20 + 1)) == "EFBIG"
    assert error_of(lambda: os.close(fd)) == "EFBIG"
    wait_for(lambda: mount.document("F1.pdf").state is State.HELD, "the release")
    assert mount.document("F1.pdf").reason == Reason.WRITE_FAILED


def test_a_full_disk_is_said_at_once(own: Callable[..., Mount]) -> None:
    mount = own(reserve=2**62)
    assert error_of(lambda: write(mount.point / "F1.pdf", b"1")) == "ENOSPC"
    assert os.statvfs(mount.point).f_bavail == 0
    assert os.listdir(mount.point) == [STATUS]


def test_a_target_that_needs_a_person_refuses_new_documents(own: Callable[..., Mount]) -> None:
    mount = own()
    write(mount.point / "F1.pdf", b"1")
    mount.tell("stop")
    assert error_of(lambda: write(mount.point / "F2.pdf", b"1")) == "EROFS"
    assert (mount.point / "F1.pdf").read_bytes() == b"1"


def test_what_is_being_published_is_busy(mount: Mount, x: Path) -> None:
    write(x / "F1.pdf", pdf())
    wait_for(lambda: mount.document("F1.pdf").state is State.SETTLING, "the release")
    with mount.outbox() as outbox:
        outbox.decide([Decision(mount.document("F1.pdf"), State.QUEUED)])
        (claimed,) = outbox.claim([(mount.document("F1.pdf"), "F1.pdf")])
        (marked,) = outbox.mark_publishing([[(claimed, "")]])
        assert error_of((x / "F1.pdf").unlink) == "EBUSY"
        assert error_of(lambda: os.rename(x / "F1.pdf", x / "F2.pdf")) == "EBUSY"
        outbox.finish([marked])
    assert error_of(lambda: os.rename(x / "F1.pdf", x / "F2.pdf")) == "EACCES"
    (x / "F1.pdf").unlink()
    assert os.listdir(x) == [STATUS]


def test_damaged_bytes_are_an_input_output_error(mount: Mount, x: Path) -> None:
    write(x / "F1.pdf", pdf())
    wait_for(lambda: mount.document("F1.pdf").state is State.SETTLING, "the release")
    with mount.outbox() as outbox:
        outbox.set(mount.document("F1.pdf").id, b"damaged")
    assert error_of((x / "F1.pdf").read_bytes) == "EIO"
    write(x / "F1.pdf", pdf("new"), os.O_WRONLY | os.O_TRUNC)
    assert (x / "F1.pdf").read_bytes() == pdf("new")


@pytest.mark.parametrize("fault", ["explode", "missing", "memory"])
def test_an_exception_that_nobody_foresaw_is_an_error_of_one_call(mount: Mount, x: Path, fault: str) -> None:
    assert error_of((x / fault).mkdir) == "EIO"
    write(x / "F1.pdf", b"the drive lives on")
    assert (x / "F1.pdf").read_bytes() == b"the drive lives on"
    log = mount.log.read_text()
    assert f"make_folder /{fault}" in log or f"mkdir /{fault} failed" in log, "operation and path are in the log"
    assert "Traceback" in log


# ---- the mount -------------------------------------------------------------------------------------------------------


def test_the_mount_has_the_options_that_are_safe(mount: Mount) -> None:
    options = mount.options_in_kernel()
    assert options is not None
    assert {"rw", "nosuid", "nodev"} <= options
    assert not options & {"allow_other", "allow_root", "default_permissions"}


def test_the_library_that_was_asked_for_runs_and_is_told(mount: Mount) -> None:
    assert mount.said[1] == "libfuse"
    assert mount.said[2].split(".")[0] == {"fuse3": "3", "fuse": "2"}[mount.library]


def test_a_status_file_is_as_long_as_it_is_however_often_it_changes(x: Path) -> None:
    """Its content differs in length at every look: no size that the kernel knew of before may cut it."""
    lengths = set()
    for _ in range(30):
        with open(x / STATUS, "rb", buffering=0) as file:
            content = file.read()
            assert content == b"x" * (len(content) - 1) + b"\n"
            assert file.read() == b""
            assert os.fstat(file.fileno()).st_size >= 1
        lengths.add(len(content))
    assert len(lengths) > 5
    assert stat.S_IMODE((x / STATUS).stat().st_mode) == 0o400
    copied = subprocess.run(["cat", x / STATUS], check=True, capture_output=True, timeout=10).stdout
    assert copied.endswith(b"x\n") or copied == b"\n"


def test_free_space_is_the_spool_disks(mount: Mount, x: Path) -> None:
    drive, disk = os.statvfs(x), os.statvfs(mount.state)
    assert drive.f_namemax == 255
    assert 0 < drive.f_bavail * drive.f_frsize <= disk.f_bavail * disk.f_frsize + 2**26


def test_extended_attributes_are_not_supported_and_do_not_cost_a_call_each_write(
    own: Callable[..., Mount], tmp_path: Path
) -> None:
    """The kernel asks for `security.capability` before each write until it is told ENOSYS, once."""
    trace = tmp_path / "trace"
    mount = own(tracer=("strace", "-f", "-xx", "-s", "8", "-e", "trace=read,readv,splice", "-o", str(trace)))
    assert error_of(lambda: os.getxattr(mount.point, "user.DOSATTRIB")) == "ENOTSUP"
    write(mount.point / "F1.pdf", bytes(40 * 4096))
    assert error_of(lambda: os.setxattr(mount.point / "F1.pdf", "user.DOSATTRIB", b"0x2")) == "ENOTSUP"
    assert mount.unmount() == 0
    # The first 8 bytes of a request from the kernel: its length and its kind (fuse_kernel.h).
    requests = re.findall(r'read\(\d+, "((?:\\x[0-9a-f]{2}){8})"\.*, \d{5,}\)', trace.read_text())
    kinds = Counter(bytes.fromhex(head.replace("\\x", ""))[4] for head in requests)
    assert kinds[16] == 40, f"each write is one request: {kinds}"
    assert kinds[22] <= 1, "getxattr"
    assert kinds[21] <= 1, "setxattr"


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_unmounted_drive_ends_well(own: Callable[..., Mount], library: str) -> None:
    mount = own(library)
    write(mount.point / "F1.pdf", pdf())
    assert mount.unmount() == 0
    assert os.listdir(mount.point) == []
    assert [d.state for d in mount.documents()] == [State.SETTLING]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("child", [False, True])
def test_a_killed_drive_leaves_no_hanging_mount(own: Callable[..., Mount], library: str, child: bool) -> None:
    """Not even when a process that it started lives on with all that it inherited."""
    mount = own(library, child=child)
    child_pid = int(mount.said[3])
    try:
        fd = os.open(mount.point / "F1.pdf", os.O_WRONLY | os.O_CREAT)
        os.write(fd, pdf())
        os.fsync(fd)
        mount.kill()
        assert not child or Path(f"/proc/{child_pid}").exists()
        wait_for(lambda: mount.options_in_kernel() is None, "the mount to be gone")
        assert os.listdir(mount.point) == []
        assert error_of(lambda: os.close(fd)) in {"ENOTCONN", "ECONNABORTED", "none"}
    finally:
        if child:
            os.kill(child_pid, signal.SIGKILL)
    again = own(library)
    assert (again.point / "F1.pdf").read_bytes() == pdf()
    assert again.document("F1.pdf").state is State.SETTLING


# ---- the host alone --------------------------------------------------------------------------------------------------


def info(flags: int, fh: int = 0) -> SimpleNamespace:
    return SimpleNamespace(flags=flags, fh=fh, direct_io=0, writepage=0)


def test_a_truncating_open_that_fails_leaves_no_handle_behind(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    drive.printed("F1.pdf", pdf())
    host = FuseHost(drive.volume)

    def failing(handle: object, size: int) -> None:
        raise errors.StorageError("no")

    with monkeypatch.context() as patch:
        patch.setattr(drive.volume, "truncate", failing)
        with pytest.raises(OSError, match="Input/output"):
            host.open("/F1.pdf", info(os.O_WRONLY | os.O_TRUNC))
    assert drive.closed("F1.pdf").state is State.SETTLING, "it would otherwise stay open for ever"


def test_a_handle_that_the_kernel_never_had_is_refused(drive: Drive) -> None:
    host = FuseHost(drive.volume)
    for call in (
        lambda: host.read("/F1.pdf", 10, 0, info(0, fh=7)),
        lambda: host.write("/F1.pdf", b"x", 0, info(0, fh=7)),
        lambda: host.flush("/F1.pdf", info(0, fh=7)),
        lambda: host.truncate("/F1.pdf", 0, info(0, fh=7)),
        lambda: host.getattr("/F1.pdf", info(0, fh=7)),
    ):
        assert error_of(call) == "EBADF"
    assert host.release("/F1.pdf", info(0, fh=7)) == 0


def test_a_new_kind_of_error_is_an_input_output_error(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    class NovelError(errors.VolumeError):
        pass

    def failing(path: str) -> None:
        raise NovelError(path)

    monkeypatch.setattr(drive.volume, "remove", failing)
    assert error_of(lambda: FuseHost(drive.volume).unlink("/F1.pdf")) == "EIO"
