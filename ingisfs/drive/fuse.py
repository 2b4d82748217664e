"""Host for Linux: a protocol adapter only, between libfuse's callbacks and the volume.

Threads: libfuse calls us from one thread (`-s`; measured twice as fast as several under Python's lock), so nothing
here is locked. No write-back cache: with it, errors surface only at close, and refused writes leave holes.
"""

from __future__ import annotations

import errno
import functools
import logging
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from ingisfs.drive import errors
from ingisfs.drive.volume import Handle, Stat, Volume

# Debian's newest libfuse may be 2 or 3; with both there mfusepy would take 2.
os.environ.setdefault("FUSE_LIBRARY_NAME", "fuse3")
try:
    import mfusepy as fuse
except OSError:  # no libfuse3: libfuse2 works too
    os.environ.pop("FUSE_LIBRARY_NAME")
    import mfusepy as fuse
except ImportError:
    import fuse

log = logging.getLogger(__name__)

ERRNO: dict[type[errors.VolumeError], int] = {
    errors.NotFoundError: errno.ENOENT,
    errors.ExistsError: errno.EEXIST,
    errors.IsFolderError: errno.EISDIR,
    errors.NotAFolderError: errno.ENOTDIR,
    errors.NotEmptyError: errno.ENOTEMPTY,
    errors.BadNameError: errno.EINVAL,
    errors.NameTooLongError: errno.ENAMETOOLONG,
    errors.TooLargeError: errno.EFBIG,
    errors.NoSpaceError: errno.ENOSPC,
    errors.BusyError: errno.EBUSY,
    errors.DeniedError: errno.EACCES,
    errors.BadHandleError: errno.EBADF,
    errors.TargetStoppedError: errno.EROFS,
    errors.StorageError: errno.EIO,
}

_BLOCK = 4096  # bytes
_RENAME_NOREPLACE = 1  # renameat2(2)
_UTIME_NOW, _UTIME_OMIT = 0x3FFFFFFF, 0x3FFFFFFE  # ns; utimensat(2)

_Method = TypeVar("_Method", bound=Callable[..., Any])


def library() -> str:
    """Return which libfuse runs, for people: `libfuse 3.14`."""
    return f"libfuse {_major()}.{getattr(fuse, 'fuse_version_minor', 0)}"


def _major() -> int:
    return int(getattr(fuse, "fuse_version_major", 2))


def _callback(method: _Method) -> _Method:
    """Translate every exception into an error number, so that the drive lives on."""

    @functools.wraps(method)
    def translated(self: FuseHost, path: str, *arguments: Any) -> Any:
        try:
            return method(self, path, *arguments)
        except errors.VolumeError as error:
            number = ERRNO.get(type(error), errno.EIO)
            if number in {errno.EIO, errno.ENOSPC, errno.EFBIG, errno.EBUSY, errno.EROFS}:
                log.warning("%s %s: %s: %s", method.__name__, path, errno.errorcode[number], error)
            raise fuse.FuseOSError(number) from None
        except fuse.FuseOSError:
            raise
        except Exception:
            log.exception("%s %s failed", method.__name__, path)
            raise fuse.FuseOSError(errno.EIO) from None

    return translated  # type: ignore[return-value]


#: Waits for the word that all is well, or for the end of the drive; then a folder that cannot be looked at is a mount
#: that nobody serves.
_WATCH = """
read -r word && exit
for pause in 0.05 0.2 0.5 1 2 4; do
    sleep "$pause"
    [ -d "$1" ] && exit
    "$2" -uz "$1"
done
"""


@contextmanager
def _unmounted_when_killed(mountpoint: str) -> Iterator[None]:
    """Have a process that takes the mount away when this one is killed.

    libfuse has its own (auto_unmount), which looks once and gives up when the kernel is not done yet: measured here on
    a busy machine, 14 of 200 killed drives left a dead mount behind.
    """
    tool = shutil.which("fusermount3") or shutil.which("fusermount")
    if tool is None:
        yield
        return
    watch = subprocess.Popen(
        ["/bin/sh", "-c", _WATCH, "ingisfs-watch", mountpoint, tool],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,  # what ends a whole group of processes spares it
    )
    try:
        yield
    finally:
        with suppress(OSError, subprocess.TimeoutExpired):
            watch.communicate(b"ended\n", timeout=10)


def _keep_from_children() -> None:
    """Let no process that is started from here hold the mount: libfuse 2 would have it inherited.

    With /dev/fuse open in a child, a killed drive is not dead to the kernel, and every look at the mount hangs.
    """
    for entry in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []:
        if int(entry) > 2:
            with suppress(OSError):  # the listing's own is closed by now
                os.set_inheritable(int(entry), False)


class _Fuse(fuse.FUSE):  # type: ignore[misc]
    """What mfusepy leaves out of libfuse 3's calls.

    The flags of rename: a `mv -n` would overwrite, an exchange would lose one side. The handle of truncate: each
    ftruncate would open, commit and close the document once more.
    """

    def rename_fuse_3(self, old: bytes, new: bytes, flags: int) -> int:
        if flags not in {0, _RENAME_NOREPLACE}:
            return -errno.EINVAL
        return int(self.operations.rename(self._text(old), self._text(new), not flags) or 0)

    def truncate_fuse_3(self, path: bytes | None, length: int, fip: Any) -> int:
        fi = fip.contents if fip else None
        return int(self.operations.truncate(self._text(path or b""), length, fi) or 0)

    def _text(self, path: bytes) -> str:
        return path.decode(self.encoding, self.errors)


class FuseHost(fuse.Operations):  # type: ignore[misc]
    """The volume, as libfuse wants to see it."""

    use_ns = True  # times are whole nanoseconds
    flag_utime_omit_ok = 1  # libfuse 2 else keeps to itself what sets one of both times

    def __init__(self, volume: Volume, mounted: Callable[[], None] = lambda: None, *, shared: bool = False) -> None:
        """Serve `volume`; `mounted` is called once, when the kernel has the mount.

        `shared`: everybody on this machine may print into it, not only who mounted it.
        """
        self._volume = volume
        self._mounted = mounted
        self._shared = shared
        self._handles: dict[int, Handle] = {}
        self._next = 1
        self._uid, self._gid = os.getuid(), os.getgid()

    def run(self, mountpoint: str, drive: str) -> None:
        """Mount and serve until unmounted. Raises RuntimeError if libfuse cannot mount."""
        # libfuse 2 asks for these; without them each write brings 4 KiB, and O_TRUNC is a call of its own.
        more = {"big_writes": True, "atomic_o_trunc": True} if _major() == 2 else {}
        with _unmounted_when_killed(mountpoint):
            _Fuse(
                self,
                mountpoint,
                raw_fi=True,
                foreground=True,
                nothreads=True,
                fsname=f"ingisfs-{drive}",
                subtype="ingisfs",
                nosuid=True,
                nodev=True,
                auto_unmount=True,
                allow_other=self._shared,
                entry_timeout=0,  # names in another case are the same, and the courier hides what was delivered
                attr_timeout=0,
                negative_timeout=0,
                **more,
            )

    def init(self, path: str) -> None:
        del path
        _keep_from_children()
        self._mounted()

    def _handle(self, fi: Any) -> Handle:
        try:
            return self._handles[fi.fh]
        except KeyError:
            raise errors.BadHandleError(str(fi.fh)) from None

    def _enter(self, handle: Handle, fi: Any) -> int:
        fi.fh = self._next
        self._handles[self._next] = handle
        self._next += 1
        return 0

    def _attributes(self, found: Stat) -> dict[str, int]:
        if found.is_folder:
            mode, links = stat.S_IFDIR | (0o500 if found.read_only else 0o700), 2
        else:
            mode, links = stat.S_IFREG | (0o400 if found.read_only else 0o600), 1
        if self._shared:
            mode |= (mode & 0o700) >> 3 | (mode & 0o700) >> 6
        return {
            "st_mode": mode,
            "st_nlink": links,
            "st_size": found.size,
            "st_blocks": (found.size + 511) // 512,
            "st_blksize": _BLOCK,
            "st_uid": self._uid,
            "st_gid": self._gid,
            "st_mtime": found.modified_ns,
            "st_atime": found.modified_ns,
            "st_ctime": found.modified_ns,
        }

    @_callback
    def getattr(self, path: str, fi: Any = None) -> dict[str, int]:
        if fi is not None:
            return self._attributes(self._volume.stat_handle(self._handle(fi)))
        return self._attributes(self._volume.stat(path.strip("/")))

    @_callback
    def readdir(self, path: str, fh: int) -> list[str]:
        del fh
        return [".", "..", *self._volume.names_in(path.strip("/"))]

    @_callback
    def create(self, path: str, mode: int, fi: Any) -> int:
        del mode
        flags = fi.flags
        may_read = flags & os.O_ACCMODE != os.O_WRONLY
        handle = self._volume.create(path.strip("/"), may_read=may_read, append=bool(flags & os.O_APPEND))
        return self._enter(handle, fi)

    @_callback
    def open(self, path: str, fi: Any) -> int:
        flags, access = fi.flags, fi.flags & os.O_ACCMODE
        handle = self._volume.open(
            path.strip("/"),
            may_read=access != os.O_WRONLY,
            may_write=access != os.O_RDONLY or bool(flags & os.O_TRUNC),
            append=bool(flags & os.O_APPEND),
        )
        if handle.file is None and handle.shown is None:
            fi.direct_io = 1  # a status file: as long as it is now, whatever the kernel knew of it
        elif flags & os.O_TRUNC:
            try:
                self._volume.truncate(handle, 0)
            except BaseException:
                self._volume.release(handle)  # nobody else would, and the document would never end
                raise
        return self._enter(handle, fi)

    @_callback
    def read(self, path: str, size: int, offset: int, fi: Any) -> bytes:
        del path
        return self._volume.read(self._handle(fi), offset, size)

    @_callback
    def write(self, path: str, data: bytes, offset: int, fi: Any) -> int:
        del path
        if fi.writepage:
            # Changed in memory (mmap): under any handle, also one that appends, and never beyond the end.
            self._volume.write(self._handle(fi), offset, data, extend=False)
            return len(data)
        return self._volume.write(self._handle(fi), offset, data)

    @_callback
    def truncate(self, path: str, length: int, fi: Any = None) -> int:
        if fi is not None:
            self._volume.truncate(self._handle(fi), length)
        else:
            self._volume.truncate_path(path.strip("/"), length)
        return 0

    @_callback
    def flush(self, path: str, fi: Any) -> int:
        del path
        self._volume.flush(self._handle(fi))
        return 0

    @_callback
    def fsync(self, path: str, datasync: int, fi: Any) -> int:
        del path, datasync
        self._volume.flush(self._handle(fi))
        return 0

    @_callback
    def release(self, path: str, fi: Any) -> int:
        del path
        handle = self._handles.pop(fi.fh, None)
        if handle is not None:
            self._volume.release(handle)
        return 0

    @_callback
    def rename(self, old: str, new: str, replace: bool = True) -> int:
        self._volume.rename(old.strip("/"), new.strip("/"), replace=replace)
        return 0

    @_callback
    def unlink(self, path: str) -> int:
        self._volume.remove(path.strip("/"))
        return 0

    @_callback
    def mkdir(self, path: str, mode: int) -> int:
        del mode
        self._volume.make_folder(path.strip("/"))
        return 0

    @_callback
    def rmdir(self, path: str) -> int:
        self._volume.remove_folder(path.strip("/"))
        return 0

    @_callback
    def utimens(self, path: str, times: tuple[int, int] | None = None) -> int:
        modified_ns = _UTIME_NOW if times is None else int(times[1])
        if modified_ns == _UTIME_OMIT:
            self._volume.stat(path.strip("/"))
        else:
            self._volume.set_modified(path.strip("/"), time.time_ns() if modified_ns == _UTIME_NOW else modified_ns)
        return 0

    @_callback
    def chmod(self, path: str, mode: int) -> int:
        del mode  # the drive belongs to one user; programs that copy modes are not told so
        self._volume.stat(path.strip("/"))
        return 0

    @_callback
    def chown(self, path: str, uid: int, gid: int) -> int:
        del gid
        self._volume.stat(path.strip("/"))
        if uid not in {-1, self._uid}:
            raise fuse.FuseOSError(errno.EPERM)
        return 0

    @_callback
    def statfs(self, path: str) -> dict[str, int]:
        del path
        space = self._volume.space()
        return {
            "f_bsize": _BLOCK,
            "f_frsize": _BLOCK,
            "f_blocks": space.total // _BLOCK,
            "f_bfree": space.free // _BLOCK,
            "f_bavail": space.free // _BLOCK,
            "f_files": 2**20,
            "f_ffree": 2**20,
            "f_favail": 2**20,
            "f_namemax": 255,
        }
