"""WinFsp's library and the little of Windows that winfspy needs, in place of its compiled bindings.

`load()` imports the real winfspy: its Python, as it is installed on Windows, from its wheel. What it calls in C lies
here instead: the structures, declared anew from the documentation and as large as the real ones, and functions that
note what they are given. A file system that was started is in `started`, with its table of callbacks as C pointers.
"""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

from cffi import FFI

from scripts.windows_wheels import winfspy as wheel

_MEMBERS = """
    NTSTATUS GetVolumeInfo(FSP_FILE_SYSTEM *, FSP_FSCTL_VOLUME_INFO *)
    NTSTATUS SetVolumeLabel(FSP_FILE_SYSTEM *, WCHAR *, FSP_FSCTL_VOLUME_INFO *)
    NTSTATUS GetSecurityByName(FSP_FILE_SYSTEM *, WCHAR *, uint32_t *, SECURITY_DESCRIPTOR *, size_t *)
    NTSTATUS Create(FSP_FILE_SYSTEM *, WCHAR *, uint32_t, uint32_t, uint32_t, SECURITY_DESCRIPTOR *, uint64_t, void **,
        FSP_FSCTL_FILE_INFO *)
    NTSTATUS Open(FSP_FILE_SYSTEM *, WCHAR *, uint32_t, uint32_t, void **, FSP_FSCTL_FILE_INFO *)
    NTSTATUS Overwrite(FSP_FILE_SYSTEM *, void *, uint32_t, BOOLEAN, uint64_t, FSP_FSCTL_FILE_INFO *)
    void Cleanup(FSP_FILE_SYSTEM *, void *, WCHAR *, uint32_t)
    void Close(FSP_FILE_SYSTEM *, void *)
    NTSTATUS Read(FSP_FILE_SYSTEM *, void *, void *, uint64_t, uint32_t, uint32_t *)
    NTSTATUS Write(FSP_FILE_SYSTEM *, void *, void *, uint64_t, uint32_t, BOOLEAN, BOOLEAN, uint32_t *,
        FSP_FSCTL_FILE_INFO *)
    NTSTATUS Flush(FSP_FILE_SYSTEM *, void *, FSP_FSCTL_FILE_INFO *)
    NTSTATUS GetFileInfo(FSP_FILE_SYSTEM *, void *, FSP_FSCTL_FILE_INFO *)
    NTSTATUS SetBasicInfo(FSP_FILE_SYSTEM *, void *, uint32_t, uint64_t, uint64_t, uint64_t, uint64_t,
        FSP_FSCTL_FILE_INFO *)
    NTSTATUS SetFileSize(FSP_FILE_SYSTEM *, void *, uint64_t, BOOLEAN, FSP_FSCTL_FILE_INFO *)
    NTSTATUS CanDelete(FSP_FILE_SYSTEM *, void *, WCHAR *)
    NTSTATUS Rename(FSP_FILE_SYSTEM *, void *, WCHAR *, WCHAR *, BOOLEAN)
    NTSTATUS GetSecurity(FSP_FILE_SYSTEM *, void *, SECURITY_DESCRIPTOR *, size_t *)
    NTSTATUS SetSecurity(FSP_FILE_SYSTEM *, void *, uint32_t, SECURITY_DESCRIPTOR *)
    NTSTATUS ReadDirectory(FSP_FILE_SYSTEM *, void *, WCHAR *, WCHAR *, void *, uint32_t, uint32_t *)
    NTSTATUS ResolveReparsePoints(FSP_FILE_SYSTEM *, WCHAR *, uint32_t, BOOLEAN, void *, void *, size_t *)
    NTSTATUS GetReparsePoint(FSP_FILE_SYSTEM *, void *, WCHAR *, void *, size_t *)
    NTSTATUS SetReparsePoint(FSP_FILE_SYSTEM *, void *, WCHAR *, void *, size_t)
    NTSTATUS DeleteReparsePoint(FSP_FILE_SYSTEM *, void *, WCHAR *, void *, size_t)
    NTSTATUS GetStreamInfo(FSP_FILE_SYSTEM *, void *, void *, uint32_t, uint32_t *)
    NTSTATUS GetDirInfoByName(FSP_FILE_SYSTEM *, void *, WCHAR *, FSP_FSCTL_DIR_INFO *)
    NTSTATUS Control(FSP_FILE_SYSTEM *, void *, uint32_t, void *, uint32_t, void *, uint32_t, uint32_t *)
    NTSTATUS SetDelete(FSP_FILE_SYSTEM *, void *, WCHAR *, BOOLEAN)
"""
_POINTERS = 64  # in the table; the last ones are reserved

_STRUCTURES = """
typedef uint32_t NTSTATUS;
typedef uint32_t ULONG;
typedef uint8_t BOOLEAN;
typedef char16_t WCHAR;
typedef struct { uint8_t Opaque; } SECURITY_DESCRIPTOR;
typedef struct { uint64_t Opaque[63]; } FSP_FSCTL_VOLUME_PARAMS;
typedef struct { uint16_t Version; void *UserContext; uint64_t Opaque[97]; } FSP_FILE_SYSTEM;
typedef struct {
    uint64_t TotalSize, FreeSize;
    uint16_t VolumeLabelLength;
    WCHAR VolumeLabel[32];
} FSP_FSCTL_VOLUME_INFO;
typedef struct {
    uint32_t FileAttributes, ReparseTag;
    uint64_t AllocationSize, FileSize, CreationTime, LastAccessTime, LastWriteTime, ChangeTime, IndexNumber;
    uint32_t HardLinks, EaSize;
} FSP_FSCTL_FILE_INFO;
typedef struct {
    uint16_t Size;
    FSP_FSCTL_FILE_INFO FileInfo;
    uint64_t Opaque[3];
    WCHAR FileNameBuf[];
} FSP_FSCTL_DIR_INFO;
"""

SIZES = {  # bytes, of the real ones
    "FSP_FSCTL_FILE_INFO": 72,
    "FSP_FSCTL_DIR_INFO": 104,
    "FSP_FSCTL_VOLUME_INFO": 88,
    "FSP_FSCTL_VOLUME_PARAMS": 504,
    "FSP_FILE_SYSTEM": 792,
    "FSP_FILE_SYSTEM_INTERFACE": 512,
}

_NOT_THERE = {"Control", "SetDelete"}  # winfspy 0.8.4 was built without them

CONSTANTS = {
    "WFSPY_FSP_FSCTL_DISK_DEVICE_NAME": "WinFsp.Disk",
    "WFSPY_FSP_FSCTL_NET_DEVICE_NAME": "WinFsp.Net",
    "WFSPY_STRING_SECURITY_DESCRIPTOR_REVISION": 1,
    "WFSPY_FILE_ATTRIBUTE_INVALID_FILE_ATTRIBUTES": 0xFFFFFFFF,
    "WFSPY_FILE_DIRECTORY_FILE": 0x1,
    "WFSPY_FILE_WRITE_THROUGH": 0x2,
    "WFSPY_FILE_SEQUENTIAL_ONLY": 0x4,
    "WFSPY_FILE_NO_INTERMEDIATE_BUFFERING": 0x8,
    "WFSPY_FILE_SYNCHRONOUS_IO_ALERT": 0x10,
    "WFSPY_FILE_SYNCHRONOUS_IO_NONALERT": 0x20,
    "WFSPY_FILE_NON_DIRECTORY_FILE": 0x40,
    "WFSPY_FILE_CREATE_TREE_CONNECTION": 0x80,
    "WFSPY_FILE_COMPLETE_IF_OPLOCKED": 0x100,
    "WFSPY_FILE_NO_EA_KNOWLEDGE": 0x200,
    "WFSPY_FILE_RANDOM_ACCESS": 0x800,
    "WFSPY_FILE_DELETE_ON_CLOSE": 0x1000,
    "WFSPY_FILE_OPEN_BY_FILE_ID": 0x2000,
    "WFSPY_FILE_OPEN_FOR_BACKUP_INTENT": 0x4000,
    "WFSPY_FILE_OPEN_REQUIRING_OPLOCK": 0x10000,
    "WFSPY_FILE_RESERVE_OPFILTER": 0x100000,
    "WFSPY_FILE_OPEN_REPARSE_POINT": 0x200000,
}


class _Bindings(FFI):  # type: ignore[misc]
    """Makes callbacks of what winfspy would give to its compiled module."""

    def __init__(self, library: SimpleNamespace) -> None:
        super().__init__()
        members = [line.strip() for line in _MEMBERS.replace(",\n", ",").strip().splitlines()]
        table = [
            member.replace(" ", " (*", 1).replace("(FSP_FILE_SYSTEM", ")(FSP_FILE_SYSTEM", 1) for member in members
        ]
        reserved = f"void *Reserved[{_POINTERS - len(table)}];"
        self.cdef(f"{_STRUCTURES} typedef struct {{ {'; '.join(table)}; {reserved} }} FSP_FILE_SYSTEM_INTERFACE;")
        self._types = {name: member.type for name, member in self.typeof("FSP_FILE_SYSTEM_INTERFACE").fields}
        self._library = library

    def def_extern(self, *unused: Any, **more: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def define(function: Callable[..., Any]) -> Callable[..., Any]:
            name = function.__name__.removeprefix("_trampolin_fs_")
            if name not in _NOT_THERE:
                setattr(self._library, function.__name__, self.callback(self._types[name], function))
            return function

        return define


@dataclass
class FileSystem:
    """What winfspy made with WinFsp's library."""

    device: str
    parameters: dict[str, Any]
    pointer: Any = field(repr=False)
    interface: Any = field(repr=False)
    mountpoint: str = ""
    running: threading.Event = field(default_factory=threading.Event)


class Library:
    """WinFsp's library, as far as winfspy calls it."""

    def __init__(self) -> None:
        self.lib = SimpleNamespace(**CONSTANTS)
        self.ffi = _Bindings(self.lib)
        self.file_systems: dict[Any, FileSystem] = {}
        self.allocated: dict[int, tuple[Any, int]] = {}  # address → what keeps it, and its size
        self.refuse: dict[str, int] = {}  # function → the status that it ends with
        self._parameters: dict[str, Any] = {}
        for name, function in inspect.getmembers(self, inspect.ismethod):
            if name[0] != "_" and name not in {"started", "descriptor"}:
                setattr(self.lib, name, function)

    def started(self, mountpoint: str) -> FileSystem | None:
        """Return the file system that runs at a mountpoint."""
        found = [fs for fs in self.file_systems.values() if fs.mountpoint == mountpoint and fs.running.is_set()]
        return found[0] if found else None

    def descriptor(self, text: str) -> bytes:
        """Return a security descriptor as programs are told it; here it is its text."""
        return text.encode()

    def _allocate(self, data: bytes) -> Any:
        memory = self.ffi.new("char[]", data) if data else self.ffi.new("char[]", 1)
        self.allocated[int(self.ffi.cast("uintptr_t", memory))] = memory, len(data)
        return memory

    # Windows

    def malloc(self, size: int) -> Any:
        return self._allocate(bytes(size))

    def LocalFree(self, pointer: Any) -> None:  # noqa: N802
        if pointer:
            del self.allocated[int(self.ffi.cast("uintptr_t", pointer))]

    def GetSecurityDescriptorLength(self, pointer: Any) -> int:  # noqa: N802
        return self.allocated[int(self.ffi.cast("uintptr_t", pointer))][1]

    def ConvertStringSecurityDescriptorToSecurityDescriptorW(  # noqa: N802
        self, text: str, revision: int, out: Any, size: Any
    ) -> int:
        """Here a descriptor is its text."""
        out[0] = self.ffi.cast("SECURITY_DESCRIPTOR *", self._allocate(text.encode()))
        size[0] = len(text)
        return 1

    def wcslen(self, text: Any) -> int:
        return len(self.ffi.string(text).encode("utf-16-le")) // 2

    # WinFsp

    def configure_FSP_FSCTL_VOLUME_PARAMS(self, out: Any, *values: Any) -> None:  # noqa: N802
        """Note what the bindings would pack; they cut the texts."""
        factory = sys.modules["winfspy.file_system"]._volume_params_factory
        self._parameters = dict(zip(inspect.signature(factory).parameters, values, strict=True))
        for name, room in (("prefix", 95), ("file_system_name", 7)):
            self._parameters[name] = self._parameters[name][:room]

    def FspFileSystemCreate(self, device: str, parameters: Any, interface: Any, out: Any) -> int:  # noqa: N802
        pointer = self.ffi.new("FSP_FILE_SYSTEM *")
        self.file_systems[pointer] = FileSystem(device, self._parameters, pointer, interface)
        out[0] = pointer
        return self.refuse.get("FspFileSystemCreate", 0)

    def FspFileSystemSetMountPoint(self, pointer: Any, mountpoint: str) -> int:  # noqa: N802
        self.file_systems[pointer].mountpoint = mountpoint
        return self.refuse.get("FspFileSystemSetMountPoint", 0)

    def FspFileSystemStartDispatcher(self, pointer: Any, threads: int) -> int:  # noqa: N802
        self.file_systems[pointer].running.set()
        return self.refuse.get("FspFileSystemStartDispatcher", 0)

    def FspFileSystemStopDispatcher(self, pointer: Any) -> None:  # noqa: N802
        self.file_systems[pointer].running.clear()

    def FspFileSystemDelete(self, pointer: Any) -> None:  # noqa: N802
        del self.file_systems[pointer]

    def FspFileSystemAddDirInfo(self, entry: Any, buffer: Any, length: int, used: Any) -> int:  # noqa: N802
        """Put an entry into a buffer, each at a multiple of 8; none means that these were all."""
        size = entry.Size if entry else 2
        if used[0] + size > length:
            return 0
        data = bytes(self.ffi.buffer(entry, size)) if entry else bytes(2)
        self.ffi.memmove(self.ffi.cast("char *", buffer) + used[0], data, size)
        used[0] += min((size + 7) // 8 * 8, length - used[0]) if entry else size
        return 1


_loaded: Library | None = None


def load() -> Library:
    """Make `import winfspy` work, and return what it calls. On Windows that is a real library: see tests/wine."""
    global _loaded
    if sys.platform == "win32" and _loaded is None:
        from tests.wine.bindings import CompiledLibrary

        _loaded = CompiledLibrary()
    if _loaded is None:
        library = Library()
        bindings = ModuleType("winfspy.plumbing.bindings")
        bindings.ffi = library.ffi  # type: ignore[attr-defined]
        bindings.lib = library.lib  # type: ignore[attr-defined]
        bindings.enable_debug_log = lambda: None  # type: ignore[attr-defined]
        sys.modules[bindings.__name__] = bindings
        sys.modules["winreg"] = ModuleType("winreg")
        sys.path.append(str(wheel()))
        try:
            import winfspy  # noqa: F401
        finally:
            del sys.modules["winreg"]  # other libraries take it for a sign of Windows
        _loaded = library
    return _loaded
