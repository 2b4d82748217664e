"""What stands between a Windows program and the host: WinFsp's driver, in the order in which it calls.

Read in WinFsp's documentation and source, and as far as the host can tell the difference. Left to Windows itself, and
to a test on a real one: share modes, byte locks, access checks, the cache. What Windows does that POSIX does not:

- A handle ends in two steps. *Cleanup* when the program closes it, *Close* when the system has done with it; that is
  later, and here a few operations later. Memory that is mapped stays, and is written, in between.
- A file is deleted by Cleanup of its last handle, as one handle before has asked; until then its name is taken.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ingisfs.drive.winfsp import SECURITY
from tests.winfsp.library import FileSystem, Library

# [MS-SMB2] 2.2.13: what a program asks for
READ_DATA, WRITE_DATA, APPEND_DATA, WRITE_ATTRIBUTES, DELETE = 0x1, 0x2, 0x4, 0x100, 0x10000
READ, WRITE = 0x120089, 0x120116  # FILE_GENERIC_READ, FILE_GENERIC_WRITE
SUPERSEDE, OPEN, CREATE, OPEN_IF, OVERWRITE, OVERWRITE_IF = range(6)
DIRECTORY_FILE, NON_DIRECTORY_FILE, DELETE_ON_CLOSE = 0x1, 0x40, 0x1000
READ_ONLY, DIRECTORY = 0x1, 0x10  # attributes
LEAVE = 0xFFFFFFFF  # attributes that stay as they are

# [MS-ERREF] 2.3
END_OF_FILE = 0xC0000011
ACCESS_DENIED = 0xC0000022
NAME_NOT_FOUND = 0xC0000034
COLLISION = 0xC0000035
PATH_NOT_FOUND = 0xC000003A
DELETE_PENDING = 0xC0000056
IS_A_DIRECTORY = 0xC00000BA
NOT_A_DIRECTORY = 0xC0000103
CANNOT_DELETE = 0xC0000121
NO_MORE_FILES = 0x80000006

PAGE = 4096  # bytes
DELAY = 3  # operations between a Cleanup and its Close
POISON = 0xDD  # what the driver's memory holds when it is used for something else

Information = dict[str, int]
Entry = tuple[str, Information]


class StatusError(Exception):
    """A system call ended with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status:08X}")
        self.status = status


@dataclass(eq=False)
class Node:
    """A name with handles on it."""

    path: str
    handles: int = 0
    delete: bool = False


@dataclass(eq=False)
class File:
    """A handle, and what the system keeps of it behind its close."""

    node: Node
    context: Any = field(repr=False)
    access: int
    is_folder: bool
    opened: Information
    delete_on_close: bool = False
    cleaned: bool = False
    mappings: int = 0
    references: int = 1


class _Guard:
    """Lets in one operation that is exclusive, or any number of those that are not."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._shared = 0

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self._condition:
            self._condition.wait_for(lambda: not self._shared)
            yield

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._condition:
            self._shared += 1
        try:
            yield
        finally:
            with self._condition:
                self._shared -= 1
                self._condition.notify_all()


class Driver:
    """System calls on one mounted file system. Paths are as on the volume: `d/F1.pdf`."""

    def __init__(self, library: Library, mounted: FileSystem) -> None:
        self._library = library
        self._ffi = library.ffi
        self._pointer = mounted.pointer
        self._interface = mounted.interface[0]
        self._guard = _Guard()
        self._lock = threading.Lock()
        self._nodes: dict[str, Node] = {}  # by upper-case path
        self._cleaned: deque[File] = deque()
        self.calls: list[str] = []  # every callback that was called

    # ---- calling -------------------------------------------------------------------------------------------------

    def _call(self, name: str, *arguments: Any) -> None:
        self.calls.append(name)
        status = getattr(self._interface, name)(self._pointer, *arguments)
        if status:
            raise StatusError(status)

    def _text(self, path: str) -> Any:
        return self._ffi.new("WCHAR[]", "\\" + path.replace("/", "\\"))

    def _info(self) -> Any:
        return self._ffi.new("FSP_FSCTL_FILE_INFO *")

    def _read_info(self, info: Any) -> Information:
        return {name: int(getattr(info, name)) for name, _ in self._ffi.typeof(info).item.fields}

    # ---- opening -------------------------------------------------------------------------------------------------

    def open(self, path: str, access: int, disposition: int = OPEN, options: int = 0, allocation: int = 0) -> File:
        """Open or create: NtCreateFile."""
        self._close_old()
        guard = self._guard.shared if disposition == OPEN else self._guard.exclusive
        with guard():
            file, overwrite = self._open(path, access, disposition, options, allocation)
        if overwrite:
            with self._guard.exclusive():
                try:
                    info = self._info()
                    self._call("Overwrite", file.context, 0x20, disposition == SUPERSEDE, allocation, info)
                    file.opened = self._read_info(info)
                except StatusError:
                    self._unlink_node(file)
                    self._call_void("Close", file.context)  # never a Cleanup for what the program did not get
                    raise
        return file

    def _open(self, path: str, access: int, disposition: int, options: int, allocation: int) -> tuple[File, bool]:
        if disposition != CREATE:
            try:
                overwrites = disposition in {OVERWRITE, OVERWRITE_IF, SUPERSEDE}
                self._check(path, access | (WRITE_DATA if overwrites else 0), options)
                return self._enter(path, "Open", access, options, options, access), overwrites
            except StatusError as error:
                if error.status != NAME_NOT_FOUND or disposition in {OPEN, OVERWRITE}:
                    raise
        parent = path.rpartition("/")[0]
        try:
            attributes = self.attributes(parent)
        except StatusError as error:
            raise StatusError(PATH_NOT_FOUND if error.status == NAME_NOT_FOUND else error.status) from None
        if not attributes & DIRECTORY:
            raise StatusError(NOT_A_DIRECTORY)
        attributes = DIRECTORY if options & DIRECTORY_FILE else 0x80
        security = self._ffi.NULL
        return self._enter(path, "Create", access, options, options, access, attributes, security, allocation), False

    def _check(self, path: str, access: int, options: int) -> None:
        """Check a file before it is opened, as WinFsp's library does."""
        attributes = self.attributes(path)
        if options & DIRECTORY_FILE and not attributes & DIRECTORY:
            raise StatusError(NOT_A_DIRECTORY)
        if options & NON_DIRECTORY_FILE and attributes & DIRECTORY:
            raise StatusError(IS_A_DIRECTORY)
        if attributes & READ_ONLY and access & (WRITE_DATA | APPEND_DATA):
            raise StatusError(ACCESS_DENIED)
        if attributes & READ_ONLY and options & DELETE_ON_CLOSE:
            raise StatusError(CANNOT_DELETE)

    def _enter(self, path: str, call: str, access: int, options: int, *arguments: Any) -> File:
        with self._lock:
            node = self._nodes.get(path.upper())
            if node is not None and node.delete:
                raise StatusError(DELETE_PENDING)
        context, info = self._ffi.new("void **"), self._info()
        self._call(call, self._text(path), *arguments, context, info)
        opened = self._read_info(info)
        with self._lock:
            node = self._nodes.setdefault(path.upper(), Node(path))
            node.handles += 1
        is_folder = bool(opened["FileAttributes"] & DIRECTORY)
        return File(node, context[0], access, is_folder, opened, bool(options & DELETE_ON_CLOSE))

    def attributes(self, path: str) -> int:
        """GetSecurityByName, by which WinFsp sees whether a name exists."""
        attributes, size = self._ffi.new("uint32_t *"), self._ffi.new("size_t *", 1024)
        descriptor = self._ffi.new("char[]", 1024)
        pointer = self._ffi.cast("SECURITY_DESCRIPTOR *", descriptor)
        self._call("GetSecurityByName", self._text(path), attributes, pointer, size)
        assert bytes(self._ffi.buffer(descriptor, size[0])) == self._library.descriptor(SECURITY)
        return int(attributes[0])

    # ---- closing -------------------------------------------------------------------------------------------------

    def duplicate(self, file: File) -> None:
        """DuplicateHandle: another handle of the same opening."""
        file.references += 1

    def close(self, file: File) -> None:
        """CloseHandle. The last handle of an opening cleans up."""
        file.references -= 1
        if file.references:
            return
        with self._lock:
            if file.delete_on_close:
                file.node.delete = True
            last = file.node.handles == 1
            delete = last and file.node.delete
        if delete:
            with self._guard.exclusive():
                self._call_void("Cleanup", file.context, self._text(file.node.path), 1)
        else:
            self._call_void("Cleanup", file.context, self._ffi.NULL, 0)
        file.cleaned = True
        self._unlink_node(file)
        with self._lock:
            self._cleaned.append(file)
        self._close_old()

    def _call_void(self, name: str, *arguments: Any) -> None:
        self.calls.append(name)
        getattr(self._interface, name)(self._pointer, *arguments)

    def _unlink_node(self, file: File) -> None:
        with self._lock:
            file.node.handles -= 1
            if not file.node.handles:
                self._nodes.pop(file.node.path.upper(), None)

    def _close_old(self, keep: int = DELAY) -> None:
        while True:
            with self._lock:
                old = next((file for file in self._cleaned if not file.mappings), None)
                if old is None or len(self._cleaned) <= keep:
                    return
                self._cleaned.remove(old)
            self._call_void("Close", old.context)

    def close_all(self) -> None:
        """Have the system let go of all that programs closed."""
        self._close_old(0)

    # ---- bytes ---------------------------------------------------------------------------------------------------

    def read(self, file: File, offset: int, length: int) -> bytes:
        """Read up to `length` bytes; none at the end."""
        buffer, count = self._ffi.new("char[]", length), self._ffi.new("uint32_t *")
        try:
            self._call("Read", file.context, buffer, offset, length, count)
        except StatusError as error:
            if error.status == END_OF_FILE:
                return b""
            raise
        return bytes(self._ffi.buffer(buffer, count[0]))

    def write(self, file: File, data: bytes, offset: int | None, *, paging: bool = False) -> tuple[int, Information]:
        """Write at `offset`, None for the end. A handle that may only append always writes there."""
        if not paging and file.access & (WRITE_DATA | APPEND_DATA) == APPEND_DATA:
            offset = None
        buffer, count, info = self._ffi.new("char[]", data), self._ffi.new("uint32_t *"), self._info()
        to_end, place = offset is None, 2**64 - 1 if offset is None else offset
        try:
            self._call("Write", file.context, buffer, place, len(data), to_end, paging, count, info)
        finally:
            self._ffi.memmove(buffer, bytes([POISON]) * len(data), len(data))
        return int(count[0]), self._read_info(info)

    def flush(self, file: File | None) -> None:
        """FlushFileBuffers, of a file or of the whole volume."""
        if file is None:
            with self._guard.exclusive():
                self._call("Flush", self._ffi.NULL, self._info())
        else:
            self._call("Flush", file.context, self._info())

    def set_size(self, file: File, size: int, *, allocation: bool = False) -> Information:
        """SetEndOfFile, or the size of the allocation."""
        info = self._info()
        self._call("SetFileSize", file.context, size, allocation, info)
        return self._read_info(info)

    @contextmanager
    def mapped(self, file: File, size: int) -> Iterator[memoryview]:
        """Have a file in memory, shared and writable. Its pages are written behind the block."""
        memory = bytearray(self.read(file, 0, size).ljust(size, b"\0"))
        before = bytes(memory)
        file.mappings += 1
        try:
            with memoryview(memory) as view:
                yield view
            for start in range(0, size, PAGE):
                page = bytes(memory[start : start + PAGE])
                if page != before[start : start + PAGE]:
                    self.write(file, page.ljust(PAGE, b"\0"), start, paging=True)
        finally:
            file.mappings -= 1

    # ---- what is known -------------------------------------------------------------------------------------------

    def information(self, file: File) -> Information:
        """Ask what is known of an open file."""
        info = self._info()
        self._call("GetFileInfo", file.context, info)
        return self._read_info(info)

    def set_basic(self, file: File, *, attributes: int = LEAVE, written: int = 0) -> Information:
        """Set the attributes and the time of the last write, in 100 ns since 1601."""
        info = self._info()
        self._call("SetBasicInfo", file.context, attributes, 0, 0, written, 0, info)
        return self._read_info(info)

    def security(self, file: File, room: int = 16384) -> bytes:
        """Ask for the security descriptor."""
        buffer, size = self._ffi.new("char[]", room), self._ffi.new("size_t *", room)
        self._call("GetSecurity", file.context, self._ffi.cast("SECURITY_DESCRIPTOR *", buffer), size)
        return bytes(self._ffi.buffer(buffer, size[0]))

    def set_security(self, file: File) -> None:
        """Set a security descriptor."""
        descriptor = self._ffi.new("char[]", b"D:P(A;;FA;;;WD)")
        self._call("SetSecurity", file.context, 4, self._ffi.cast("SECURITY_DESCRIPTOR *", descriptor))

    def volume(self) -> tuple[int, int, str]:
        """Return total and free bytes, and the label."""
        info = self._ffi.new("FSP_FSCTL_VOLUME_INFO *")
        with self._guard.shared():
            self._call("GetVolumeInfo", info)
        label = bytes(self._ffi.buffer(info.VolumeLabel, info.VolumeLabelLength)).decode("utf-16-le")
        return int(info.TotalSize), int(info.FreeSize), label

    def set_label(self, label: str) -> None:
        """Set the label of the volume."""
        with self._guard.exclusive():
            text = self._ffi.new("WCHAR[]", label)
            self._call("SetVolumeLabel", text, self._ffi.new("FSP_FSCTL_VOLUME_INFO *"))

    # ---- names ---------------------------------------------------------------------------------------------------

    def rename(self, file: File, new: str, *, replace: bool = True) -> None:
        """Rename what is open. WinFsp asks for the new name first if it is to be replaced."""
        with self._guard.exclusive():
            if replace:
                try:
                    if self.attributes(new) & READ_ONLY:
                        raise StatusError(CANNOT_DELETE)
                except StatusError as error:
                    if error.status != NAME_NOT_FOUND:
                        raise
            old = file.node.path
            self._call("Rename", file.context, self._text(old), self._text(new), replace)
            with self._lock:
                for node in list(self._nodes.values()):
                    if node is file.node or node.path.upper().startswith(f"{old}/".upper()):
                        self._nodes.pop(node.path.upper(), None)
                        node.path = new + node.path[len(old) :]
                        self._nodes[node.path.upper()] = node

    def set_delete(self, file: File, delete: bool = True) -> None:
        """Ask for the deletion of what is open, or take that back: FileDispositionInformation."""
        if delete:
            with self._guard.shared():
                if self.information(file)["FileAttributes"] & READ_ONLY:
                    raise StatusError(CANNOT_DELETE)
                self._call("CanDelete", file.context, self._text(file.node.path))
        file.node.delete = delete

    def delete(self, path: str, options: int = 0) -> None:
        """DeleteFile, or RemoveDirectory."""
        file = self.open(path, DELETE, OPEN, options)
        try:
            self.set_delete(file)
        finally:
            self.close(file)

    def pages(self, file: File, room: int = 4096, marker: str | None = None) -> Iterator[list[Entry]]:
        """List a folder, a buffer at a time."""
        while True:
            buffer, count = self._ffi.new("char[]", room), self._ffi.new("uint32_t *")
            text = self._ffi.NULL if marker is None else self._ffi.new("WCHAR[]", marker)
            with self._guard.shared():
                self._call("ReadDirectory", file.context, self._ffi.NULL, text, buffer, room, count)
            found, ended = self._entries(buffer, count[0])
            yield found
            if ended:
                return
            assert found, "no room for a single name"
            marker = found[-1][0]

    def _entries(self, buffer: Any, used: int) -> tuple[list[Entry], bool]:
        found: list[Entry] = []
        place = 0
        while place + 2 <= used:
            entry = self._ffi.cast("FSP_FSCTL_DIR_INFO *", buffer + place)
            if not entry.Size:
                return found, True
            found.append(self._entry(entry))
            place += (entry.Size + 7) // 8 * 8
        return found, False

    def _entry(self, entry: Any) -> Entry:
        length = entry.Size - self._ffi.sizeof("FSP_FSCTL_DIR_INFO")
        name = bytes(self._ffi.buffer(entry.FileNameBuf, length)).decode("utf-16-le")
        return name, self._read_info(self._ffi.addressof(entry.FileInfo))

    def list(self, path: str = "", room: int = 65536) -> list[Entry]:
        """List a folder by its path: FindFirstFile with `*`."""
        file = self.open(path, READ, OPEN, DIRECTORY_FILE)
        try:
            return [entry for page in self.pages(file, room) for entry in page]
        finally:
            self.close(file)

    def find(self, path: str) -> Entry:
        """Look for one name: FindFirstFile without wildcards."""
        folder, _, name = path.rpartition("/")
        file = self.open(folder, READ, OPEN, DIRECTORY_FILE)
        try:
            memory = self._ffi.new("char[]", self._ffi.sizeof("FSP_FSCTL_DIR_INFO") + 2 * 255)
            entry = self._ffi.cast("FSP_FSCTL_DIR_INFO *", memory)
            with self._guard.shared():
                self._call("GetDirInfoByName", file.context, self._ffi.new("WCHAR[]", name), entry)
            return self._entry(entry)
        finally:
            self.close(file)


def status_of(call: Callable[[], object]) -> int:
    """Return the status that a call ends with, 0 if it succeeds."""
    try:
        call()
    except StatusError as error:
        return error.status
    return 0
