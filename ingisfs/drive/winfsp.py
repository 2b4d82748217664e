"""Host for Windows: a protocol adapter only, between WinFsp's callbacks and the volume.

Threads: WinFsp calls us from several at once, and read, write, set size, cleanup and close under no lock of its own.
The volume locks itself; what is ours is the set of contexts, under `_lock`, and the listing of a context, which is
replaced as a whole.

Each callback is a method of `Callbacks` and has the name that winfspy gives it. winfspy can only be imported where
WinFsp is installed, so everything from it is imported late. "WinFsp - Windows File System Proxy, Copyright (C) Bill
Zissimopoulos", https://github.com/winfsp/winfsp; what is said of it here was read in its documentation and source.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import itertools
import logging
import os
import sys
import threading
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ingisfs import names
from ingisfs.config import ConfigError
from ingisfs.drive import errors
from ingisfs.drive.volume import Handle, Stat, Volume

log = logging.getLogger(__name__)

#: The first version in which no program of any user can become the system: up to 2.1.25156 one could (CVE-2026-3006,
#: CVE-2026-7162, and others fixed in the betas of WinFsp 2026, which is 2.2).
MINIMUM = (2, 2)

# Values: [MS-ERREF] 2.3. Behind each stands what a Win32 program gets for it.
_FILE_NOT_FOUND = 0xC0000034  # STATUS_OBJECT_NAME_NOT_FOUND: ERROR_FILE_NOT_FOUND
_PATH_NOT_FOUND = 0xC000003A  # STATUS_OBJECT_PATH_NOT_FOUND: ERROR_PATH_NOT_FOUND
_ACCESS_DENIED = 0xC0000022  # STATUS_ACCESS_DENIED: ERROR_ACCESS_DENIED
_SHARING_VIOLATION = 0xC0000043  # STATUS_SHARING_VIOLATION: ERROR_SHARING_VIOLATION, which programs try again
_DISK_FULL = 0xC000007F  # STATUS_DISK_FULL: ERROR_DISK_FULL
_WRITE_PROTECTED = 0xC00000A2  # STATUS_MEDIA_WRITE_PROTECTED: ERROR_WRITE_PROTECT
_IO_ERROR = 0xC0000185  # STATUS_IO_DEVICE_ERROR: ERROR_IO_DEVICE; other ones speak of parity, drivers or the network
_TOO_LARGE = 0xC0000904  # STATUS_FILE_TOO_LARGE: ERROR_FILE_TOO_LARGE
_END_OF_FILE = 0xC0000011  # STATUS_END_OF_FILE: ERROR_HANDLE_EOF
_NOT_SUPPORTED = 0xC0000010  # STATUS_INVALID_DEVICE_REQUEST: ERROR_INVALID_FUNCTION

NTSTATUS: dict[type[errors.VolumeError], int] = {
    errors.NotFoundError: _FILE_NOT_FOUND,
    errors.ExistsError: 0xC0000035,  # STATUS_OBJECT_NAME_COLLISION: ERROR_ALREADY_EXISTS
    errors.IsFolderError: 0xC00000BA,  # STATUS_FILE_IS_A_DIRECTORY: ERROR_ACCESS_DENIED
    errors.NotAFolderError: 0xC0000103,  # STATUS_NOT_A_DIRECTORY: ERROR_DIRECTORY
    errors.NotEmptyError: 0xC0000101,  # STATUS_DIRECTORY_NOT_EMPTY: ERROR_DIR_NOT_EMPTY
    errors.BadNameError: 0xC0000033,  # STATUS_OBJECT_NAME_INVALID: ERROR_INVALID_NAME
    errors.NameTooLongError: 0xC0000106,  # STATUS_NAME_TOO_LONG: ERROR_FILENAME_EXCED_RANGE
    errors.TooLargeError: _TOO_LARGE,
    errors.NoSpaceError: _DISK_FULL,
    errors.BusyError: _SHARING_VIOLATION,
    errors.DeniedError: _ACCESS_DENIED,
    errors.BadHandleError: 0xC0000008,  # STATUS_INVALID_HANDLE: ERROR_INVALID_HANDLE
    errors.TargetStoppedError: _WRITE_PROTECTED,
    errors.StorageError: _IO_ERROR,
}
_SERIOUS = {_IO_ERROR, _DISK_FULL, _TOO_LARGE, _SHARING_VIOLATION, _WRITE_PROTECTED}

# [MS-FSCC] 2.6, [MS-SMB2] 2.2.13
_READ_ONLY, _DIRECTORY, _ARCHIVE, _NOT_INDEXED = 0x1, 0x10, 0x20, 0x2000
_DIRECTORY_FILE = 0x1  # an option of create
_WRITE_DATA, _APPEND_DATA = 0x2, 0x4  # rights
_CLEANUP_DELETE = 0x1  # a flag of cleanup

_BLOCK = 4096  # bytes
_SECTOR = 512  # bytes; unbuffered writes are multiples of it
_EPOCH = 116_444_736_000_000_000  # 100 ns from 1601 to 1970
_KEEP = 2**63  # a time from here on says: leave it as it is

#: Whoever has logged on to the machine may do all; so may the system and administrators. It is the letter that not
#: everybody sees. No rights are inherited or changed: there is one descriptor for everything.
SECURITY = "O:BAG:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;AU)"

_Method = TypeVar("_Method", bound=Callable[..., Any])


# ---- what is installed -------------------------------------------------------------------------------------------


def installed() -> tuple[int, int] | None:
    """Return the version of WinFsp on this machine, None if there is none."""
    if sys.platform != "win32":
        return None
    folder = os.environ.get("WINFSP_LIBRARY_PATH")  # where winfspy looks first
    if not folder:
        import winreg

        with (
            suppress(OSError),
            winreg.OpenKey(
                winreg.HKEY_LOCAL_MACHINE, r"SOFTWARE\WinFsp", access=winreg.KEY_READ | winreg.KEY_WOW64_32KEY
            ) as key,
        ):
            folder = str(winreg.QueryValueEx(key, "InstallDir")[0])
    library = Path(folder or "", "bin", "winfsp-x64.dll" if sys.maxsize > 2**32 else "winfsp-x86.dll")
    try:
        version = ctypes.c_uint32()
        failed = ctypes.WinDLL(str(library)).FspVersion(ctypes.byref(version)) if folder else 1
    except (OSError, AttributeError):
        return None
    return None if failed else (version.value >> 16, version.value & 0xFFFF)


def library(found: Callable[[], tuple[int, int] | None] = installed) -> str:
    """Return which WinFsp runs, for people: `WinFsp 2.2`. Raises ConfigError with what to install."""
    version = found()
    if version is None:
        raise ConfigError("mount.no-winfsp")
    told = "{}.{}".format(*version)
    if version < MINIMUM:
        raise ConfigError("mount.old-winfsp", found=told, minimum="{}.{}".format(*MINIMUM))
    try:
        import winfspy  # noqa: F401
    except ImportError as error:  # there are no wheels of it for later versions
        if sys.version_info >= (3, 12):
            raise ConfigError("mount.python-too-new", python="{}.{}".format(*sys.version_info)) from None
        raise ConfigError("mount.no-winfspy", detail=error) from None
    except RuntimeError as error:
        raise ConfigError("mount.no-winfspy", detail=error) from None
    return f"WinFsp {told}"


#: Services and tasks of the system; a letter that is made there is everybody's.
SYSTEM_SESSION = "0"


def session() -> str:
    """Return the number of the Windows session that this process is in: drive letters belong to one."""
    number = ctypes.c_uint32()
    if sys.platform == "win32":
        ctypes.windll.kernel32.ProcessIdToSessionId(os.getpid(), ctypes.byref(number))
    return str(number.value)


# ---- translation -------------------------------------------------------------------------------------------------


class _RefusedError(Exception):
    """An answer that is none of the volume's errors."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status:08X}")
        self.status = status


def _callback(method: _Method) -> _Method:
    """Translate every exception into a status, so that the drive lives on."""

    @functools.wraps(method)
    def translated(self: Callbacks, *arguments: Any) -> Any:
        try:
            return method(self, *arguments)
        except errors.VolumeError as error:
            status = _status(error, arguments)
            if status in _SERIOUS:
                log.warning("%s %s: %08X: %s", method.__name__, _where(arguments), status, error)
        except _RefusedError as refused:
            status = refused.status
        except Exception:
            log.exception("%s %s failed", method.__name__, _where(arguments))
            status = _IO_ERROR
        from winfspy import NTStatusError

        raise NTStatusError(status)

    return translated  # type: ignore[return-value]


def _status(error: errors.VolumeError, arguments: tuple[Any, ...]) -> int:
    asked = {_path(argument) for argument in arguments if isinstance(argument, str)}
    if isinstance(error, (errors.NotFoundError, errors.NotAFolderError)) and asked and error.args[0] not in asked:
        return _PATH_NOT_FOUND  # a folder on the way there; programs make it then
    return NTSTATUS.get(type(error), _IO_ERROR)


def _where(arguments: tuple[Any, ...]) -> str:
    """Return what a callback was about, for the log."""
    first = arguments[0] if arguments else ""
    return first.where if isinstance(first, Context) else str(first)


def _path(file_name: str) -> str:
    r"""Return the volume's path of WinFsp's: `\d\F1.pdf` is `d/F1.pdf`."""
    return file_name.strip("\\").replace("\\", "/")


def _within(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def filetime(ns: int) -> int:
    """Return Windows' time, 100 ns since 1601 UTC, of ns since 1970 UTC."""
    return max(0, ns // 100 + _EPOCH)


def _information(found: Stat) -> dict[str, Any]:
    """Return what Windows is told of a document or folder."""
    time = filetime(found.modified_ns)
    return {
        "file_attributes": _attributes(found),
        "allocation_size": (found.size + _BLOCK - 1) // _BLOCK * _BLOCK,
        "file_size": found.size,
        "creation_time": time,
        "last_access_time": time,
        "last_write_time": time,
        "change_time": time,
        "index_number": int.from_bytes(hashlib.blake2b(found.id.encode(), digest_size=8).digest(), "little"),
    }


def _attributes(found: Stat) -> int:
    # An indexer that reads everything is of no use here: what is on the drive leaves it again.
    if found.is_folder:
        return _DIRECTORY | _NOT_INDEXED
    return _ARCHIVE | _NOT_INDEXED | (_READ_ONLY if found.read_only else 0)


# ---- callbacks ---------------------------------------------------------------------------------------------------


class _Listing:
    """The names of a folder as they were when a program began to list it, in the order of their keys."""

    def __init__(self, found: list[str], *, is_root: bool) -> None:
        first = [] if is_root else [".", ".."]
        found.sort(key=names.key)
        self._first = len(first)
        self._keys = [names.key(name) for name in found]
        self.names = first + found

    def behind(self, marker: str | None) -> int:
        """Return the place of the first name behind `marker`."""
        if marker is None:
            return 0
        if marker in {".", ".."}:
            return min(len(marker), self._first)
        return self._first + bisect_right(self._keys, names.key(marker))


@dataclass(slots=True, eq=False)
class Context:
    """What a program's handle is to us, from create or open to close."""

    path: str  # of a folder, as it is now; of a document, as it was opened
    handle: Handle | None = None  # None for a folder
    listing: _Listing | None = None

    @property
    def where(self) -> str:
        """The path as it is now."""
        if self.handle is None or self.handle.file is None:
            return self.path
        return _within(self.handle.file.folder, self.handle.file.name)


class Callbacks:
    """The volume, as WinFsp wants to see it. `run` makes a class of this one and winfspy's."""

    def __init__(self, volume: Volume, label: str) -> None:
        """Serve `volume`; `label` has 32 UTF-16 units at most."""
        super().__init__()
        from winfspy.plumbing import SecurityDescriptor

        self._volume = volume
        self._label = label
        self._security = SecurityDescriptor.from_string(SECURITY)
        self._lock = threading.Lock()
        self._contexts: set[Context] = set()

    def _enter(self, context: Context) -> Context:
        with self._lock:
            self._contexts.add(context)
        return context

    # ---- the volume

    @_callback
    def get_volume_info(self) -> dict[str, Any]:
        space = self._volume.space()
        return {"total_size": space.total, "free_size": space.free, "volume_label": self._label}

    @_callback
    def set_volume_label(self, label: str) -> None:
        del label
        raise _RefusedError(_NOT_SUPPORTED)

    # ---- opening

    @_callback
    def get_security_by_name(self, file_name: str) -> tuple[int, Any, int]:
        return _attributes(self._volume.stat(_path(file_name))), self._security.handle, self._security.size

    @_callback
    def create(
        self, file_name: str, options: int, access: int, attributes: int, security: Any, allocation: int
    ) -> Context:
        del attributes, security, allocation  # allocation is a wish: what is written is reserved then
        path = _path(file_name)
        if options & _DIRECTORY_FILE:
            # Without a recycle bin, Explorer says that it deletes for good, and does: the document is withdrawn. In
            # one it would stay for ever as a file of no state that a person knows of.
            if names.key(path) == "$recycle.bin":
                raise _RefusedError(_ACCESS_DENIED)
            self._volume.make_folder(path)
            return self._enter(Context(path))
        return self._enter(Context(path, self._volume.create(path, append=_appends(access))))

    @_callback
    def open(self, file_name: str, options: int, access: int) -> Context:
        del options
        path = _path(file_name)
        try:
            # What a handle may read is Windows' to watch; the system itself reads through all of them.
            handle = self._volume.open(
                path, may_write=bool(access & (_WRITE_DATA | _APPEND_DATA)), append=_appends(access)
            )
        except errors.IsFolderError:
            return self._enter(Context(path))
        return self._enter(Context(path, handle))

    @_callback
    def overwrite(self, context: Context, attributes: int, replace_attributes: bool, allocation: int) -> None:
        del attributes, replace_attributes, allocation
        handle = self._document(context)
        if handle.may_write:
            self._volume.truncate(handle, 0)
        else:  # "create always" with no right to write: it empties all the same
            self._volume.truncate_path(context.where, 0)

    @staticmethod
    def _document(context: Context) -> Handle:
        if context.handle is None:
            raise errors.IsFolderError(context.path)
        return context.handle

    # ---- bytes

    @_callback
    def read(self, context: Context, offset: int, length: int) -> bytes:
        data = self._volume.read(self._document(context), offset, length)
        if not data and length:
            raise _RefusedError(_END_OF_FILE)
        return data

    @_callback
    def write(self, context: Context, buffer: Any, offset: int, to_end: bool, constrained: bool) -> int:
        data = bytes(buffer)  # the memory is the driver's
        handle = self._document(context)
        if not constrained:
            return self._volume.write(handle, None if to_end else offset, data)
        # Changed in memory: never behind the end, and perhaps when the program has closed its handle already.
        if handle.may_write:
            self._volume.write(handle, offset, data, extend=False)
        else:
            self._write_late(context, handle, offset, data)
        return len(data)

    def _write_late(self, context: Context, handle: Handle, offset: int, data: bytes) -> None:
        """Write what was changed in memory behind the last close; the document settles anew."""
        if handle.file is None or handle.file.removed:
            return
        again = self._volume.open(context.where, may_write=True)
        try:
            if again.file is not handle.file:
                raise errors.BadHandleError(context.where)
            self._volume.write(again, offset, data, extend=False)
            self._volume.flush(again)
        finally:
            self._volume.release(again)

    @_callback
    def set_file_size(self, context: Context, size: int, is_allocation: bool) -> None:
        handle = self._document(context)
        # Allocated room is not part of a document; but it never is less than that.
        if not is_allocation or size < self._volume.stat_handle(handle).size:
            self._volume.truncate(handle, size)

    @_callback
    def flush(self, context: Context) -> None:
        if context.handle is not None:
            self._volume.flush(context.handle)

    def ll_flush(self, file_context: Any, file_info: Any) -> int:
        """Flush the whole volume if there is no context, which winfspy does not know."""
        if file_context:
            return int(super().ll_flush(file_context, file_info))  # type: ignore[misc]
        from winfspy import NTStatusError

        try:
            self.flush_all()
        except NTStatusError as error:
            return int(error.value)
        return 0

    @_callback
    def flush_all(self) -> None:
        """Make durable what all handles wrote. Raises what the first of them is told, when all were tried."""
        with self._lock:
            handles = [context.handle for context in self._contexts if context.handle is not None]
        failures: list[errors.VolumeError] = []
        for handle in handles:
            try:
                self._volume.flush(handle)
            except errors.VolumeError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    # ---- closing

    @_callback
    def cleanup(self, context: Context, file_name: str | None, flags: int) -> None:
        """The program's handle is closed. Nothing can be told it any more."""
        try:
            if flags & _CLEANUP_DELETE and file_name is not None:
                remove = self._volume.remove_folder if context.handle is None else self._volume.remove
                remove(_path(file_name))
        finally:
            if context.handle is not None:
                self._volume.finish(context.handle)

    @_callback
    def close(self, context: Context) -> None:
        """The system has done with the handle. Comes alone if Windows did not grant what was opened."""
        with self._lock:
            self._contexts.discard(context)
        if context.handle is not None:
            try:
                self._volume.release(context.handle)
            except Exception:  # winfspy keeps a context for ever whose close failed
                log.exception("close %s failed", context.where)

    # ---- what is known

    @_callback
    def get_file_info(self, context: Context) -> dict[str, Any]:
        if context.handle is not None:
            return _information(self._volume.stat_handle(context.handle))
        return _information(self._volume.stat(context.path))

    @_callback
    def set_basic_info(
        self, context: Context, attributes: int, created: int, accessed: int, written: int, changed: int, info: Any
    ) -> dict[str, Any]:
        # The drive keeps the time of the last change only; programs that copy the rest are not told so.
        del attributes, created, accessed, changed, info
        handle = context.handle
        if handle is not None and 0 < written < _KEEP and not (handle.file and handle.file.gone):
            self._volume.set_modified(context.where, (written - _EPOCH) * 100)
        return _information(self._volume.stat_handle(handle) if handle else self._volume.stat(context.path))

    @_callback
    def get_security(self, context: Context) -> tuple[Any, int]:
        del context
        return self._security.handle, self._security.size

    @_callback
    def set_security(self, context: Context, information: int, modification: Any) -> None:
        """Forget it: who replaces a file (ReplaceFile) sets the rights of the old one, and must not fail in that."""

    # ---- names

    @_callback
    def can_delete(self, context: Context, file_name: str) -> None:
        """Say no now: when it is deleted, in cleanup, nobody listens."""
        del context
        self._volume.check_removal(_path(file_name))

    @_callback
    def rename(self, context: Context, file_name: str, new_file_name: str, replace: bool) -> None:
        old, new = _path(file_name), _path(new_file_name)
        self._volume.rename(old, new, replace=replace)
        if context.handle is None:
            self._follow(old, new)

    def _follow(self, old: str, new: str) -> None:
        """Have the handles on a renamed folder, and on those in it, go along."""
        key, depth = names.key(old), old.count("/") + 1
        with self._lock:
            for context in self._contexts:
                if context.handle is None and f"{names.key(context.path)}/".startswith(f"{key}/"):
                    context.path = "/".join([new, *context.path.split("/")[depth:]])
                    context.listing = None

    @_callback
    def read_directory(self, context: Context, marker: str | None) -> Iterator[dict[str, Any]]:
        """Return what comes behind `marker`. winfspy takes as many as there is room for, and comes again for more."""
        listing = context.listing
        if marker is None or listing is None:
            listing = _Listing(self._volume.names_in(context.path), is_root=not context.path)
            context.listing = listing
        return self._entries(context.path, listing.names, listing.behind(marker))

    def _entries(self, folder: str, found: list[str], start: int) -> Iterator[dict[str, Any]]:
        for name in itertools.islice(found, start, None):
            path = folder if name == "." else folder.rpartition("/")[0] if name == ".." else _within(folder, name)
            with suppress(errors.NotFoundError):  # gone since
                yield {"file_name": name, **_information(self._volume.stat(path))}

    @_callback
    def get_dir_info_by_name(self, context: Context, file_name: str) -> dict[str, Any]:
        """Look for one name: King asks whether it is taken, and that must not read a folder of 100,000."""
        try:
            return _information(self._volume.stat(_within(context.path, file_name)))
        except errors.NotFoundError:
            raise _RefusedError(_FILE_NOT_FOUND) from None

    def ll_get_dir_info_by_name(self, file_context: Any, file_name: Any, dir_info: Any) -> int:
        """Answer in the case in which the name was made, where winfspy answers as it was asked."""
        status = int(super().ll_get_dir_info_by_name(file_context, file_name, dir_info))  # type: ignore[misc]
        if status == 0:
            from winfspy.plumbing import ffi

            folder = ffi.from_handle(file_context).path
            with suppress(errors.VolumeError):
                shown = self._volume.canonical(_within(folder, ffi.string(file_name))).rpartition("/")[2]
                encoded = shown.encode("utf-16-le")
                ffi.memmove(dir_info.FileNameBuf, encoded, len(encoded))
                dir_info.Size = ffi.sizeof("FSP_FSCTL_DIR_INFO") + len(encoded)
        return status


def _appends(access: int) -> bool:
    return access & (_WRITE_DATA | _APPEND_DATA) == _APPEND_DATA


# ---- the host ----------------------------------------------------------------------------------------------------


class WinFspHost:
    """Mounts a volume through WinFsp."""

    def __init__(
        self, volume: Volume, mounted: Callable[[], None] = lambda: None, *, session: str = "", network: bool = True
    ) -> None:
        """Serve `volume`; `mounted` is called once, when programs can use the drive.

        A network drive has a name beside its letter, `\\\\ingisfs\\<drive>-<session>`, which must be the only one of
        its kind on the machine. Explorer deletes from it for good; from a local disk it would want to recycle.
        """
        self._volume = volume
        self._mounted = mounted
        self._session = session
        self._network = network
        self._ended = threading.Event()

    def run(self, mountpoint: str, drive: str) -> None:
        """Mount and serve until `end` is called. Raises RuntimeError if WinFsp cannot mount."""
        import winfspy

        made = type("WinFspCallbacks", (Callbacks, winfspy.BaseFileSystemOperations), {})
        callbacks = made(self._volume, f"INGIS {drive}"[:32])
        try:
            file_system = winfspy.FileSystem(mountpoint.rstrip("\\"), callbacks, **self.parameters(drive))
        except winfspy.WinFSPyError as error:
            raise RuntimeError(str(error)) from None
        try:
            try:
                file_system.start()
            except (winfspy.WinFSPyError, OSError) as error:
                raise RuntimeError(str(error)) from None
            self._mounted()
            while not self._ended.wait(1.0):  # Ctrl-C does not wake a longer wait on Windows
                pass
        finally:
            file_system.stop()

    def end(self) -> None:
        """Unmount, from any thread. What is still open is kept as it is when the volume is closed."""
        self._ended.set()

    def parameters(self, drive: str) -> dict[str, Any]:
        """Return what WinFsp is told of the volume."""
        suffix = f"-{self._session}" if self._session else ""
        return {
            "sector_size": _SECTOR,
            "sectors_per_allocation_unit": _BLOCK // _SECTOR,
            "max_component_length": 255,
            "volume_creation_time": filetime(self._volume.stat("").modified_ns),
            "volume_serial_number": zlib.crc32(drive.encode()),
            # A finite time keeps the system's cache out: each write comes to us at once, and can fail.
            "file_info_timeout": 1000,  # ms
            # The courier takes documents off the list: King must not be told for a second that a name is taken.
            "dir_info_timeout_valid": 1,
            "dir_info_timeout": 0,  # ms
            "case_sensitive_search": 0,
            "case_preserved_names": 1,
            "unicode_on_disk": 1,
            # Without it, asking for the rights of a file is an error, at which programs that replace files stumble.
            "persistent_acls": 1,
            "named_streams": 0,
            "reparse_points": 0,
            "hard_links": 0,
            "extended_attributes": 0,
            "read_only_volume": 0,
            # Cleanup is the end of a document, so it must come always, and behind what was changed in memory.
            "post_cleanup_when_modified_only": 0,
            "flush_and_purge_on_cleanup": 1,
            "um_file_context_is_user_context2": 1,  # a context is a handle, not a file
            "pass_query_directory_file_name": 1,
            # Not "NTFS": nobody needs that to write a file, and who sees it may use what only NTFS has. winfspy has
            # room for seven letters.
            "file_system_name": "INGISFS",
            "prefix": f"\\ingisfs\\{drive}{suffix}" if self._network else "",
        }
