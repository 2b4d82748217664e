"""winfspy with its compiled bindings, on Windows' Python, and under them winfsp_stub.c instead of WinFsp.

What the tests of tests/winfsp have on Linux in library.py, they have here under Wine; the callbacks that they make go
through the bindings as they are installed with winfspy, and come on threads of the library.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

from tests.winfsp.library import FileSystem, Library

_ARGUMENTS = 10  # see winfsp_stub.c
_STARTS = ("FspFileSystemCreate", "FspFileSystemSetMountPoint", "FspFileSystemStartDispatcher")


class _Refusals(dict[str, int]):
    """What the library is told to refuse: function → status."""

    def __init__(self, dll: Any) -> None:
        super().__init__()
        self._dll = dll

    def __setitem__(self, function: str, status: int) -> None:
        self._dll.ingisfs_refuse(_STARTS.index(function), ctypes.c_int32(status))
        super().__setitem__(function, status)

    def __delitem__(self, function: str) -> None:
        self._dll.ingisfs_refuse(_STARTS.index(function), 0)
        super().__delitem__(function)


class _Callbacks:
    """The table of callbacks of a file system; each is called on a thread of the dispatcher."""

    def __init__(self, library: CompiledLibrary, pointer: int) -> None:
        self._library = library
        self._pointer = pointer
        table = library.dll.ingisfs_interface(pointer)
        self._table = library.ffi.cast("FSP_FILE_SYSTEM_INTERFACE *", table)

    def __getattr__(self, name: str) -> Any:
        number = self._library.number
        function = number(getattr(self._table, name))

        def call(*arguments: Any) -> int:
            values = (ctypes.c_uint64 * _ARGUMENTS)(*map(number, arguments))
            return int(self._library.dll.ingisfs_call(self._pointer, function, values)) & 0xFFFFFFFF  # a LONG

        return call


class CompiledLibrary(Library):
    """The stand-in for WinFsp's library, and what winfspy's compiled bindings know of it."""

    def __init__(self) -> None:
        from winfspy.plumbing import ffi, lib

        self.ffi, self.lib = ffi, lib
        self.dll: Any = ctypes.WinDLL(str(Path(os.environ["WINFSP_LIBRARY_PATH"], "bin", "winfsp-x64.dll")))  # type: ignore[attr-defined, unused-ignore]
        for name in ("started", "interface", "parameters"):
            getattr(self.dll, f"ingisfs_{name}").restype = ctypes.c_void_p
        self.dll.ingisfs_started.argtypes = [ctypes.c_wchar_p]
        self.dll.ingisfs_device.restype = ctypes.c_wchar_p
        for name in ("interface", "parameters", "device"):
            getattr(self.dll, f"ingisfs_{name}").argtypes = [ctypes.c_void_p]
        self.dll.ingisfs_call.restype = ctypes.c_uint64
        self.dll.ingisfs_call.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_void_p]
        self.allocated = {}  # Windows' own
        self.refuse = _Refusals(self.dll)
        self._asked: dict[bytes, dict[str, Any]] = {}  # what the bindings packed → what the host gave them
        self._remember_what_is_packed()

    def _remember_what_is_packed(self) -> None:
        import winfspy.file_system

        pack = winfspy.file_system._volume_params_factory

        def packed(**asked: Any) -> Any:
            made = pack(**asked)
            self._asked[bytes(self.ffi.buffer(made))] = asked
            return made

        winfspy.file_system._volume_params_factory = packed

    def descriptor(self, text: str) -> bytes:
        """Return a security descriptor in its binary form."""
        from winfspy.plumbing import SecurityDescriptor

        made = SecurityDescriptor.from_string(text)
        return bytes(self.ffi.buffer(made.handle, made.size))

    def number(self, value: Any) -> int:
        """Return a pointer of cffi, or a number, as a number."""
        return int(self.ffi.cast("uintptr_t", value)) if isinstance(value, self.ffi.CData) else int(value)

    def started(self, mountpoint: str) -> FileSystem | None:
        address = self.dll.ingisfs_started(mountpoint)
        if not address:
            return None
        packed = self.ffi.cast("FSP_FSCTL_VOLUME_PARAMS *", self.dll.ingisfs_parameters(address))
        parameters = {
            **self._asked[bytes(self.ffi.buffer(packed))],  # the flags have no names in the bindings
            "prefix": self.ffi.string(packed.Prefix),
            "file_system_name": self.ffi.string(packed.FileSystemName),
            "file_info_timeout": packed.FileInfoTimeout,
            "dir_info_timeout": packed.DirInfoTimeout,
        }
        pointer = self.ffi.cast("FSP_FILE_SYSTEM *", address)
        return FileSystem(
            self.dll.ingisfs_device(address), parameters, pointer, [_Callbacks(self, address)], mountpoint
        )
