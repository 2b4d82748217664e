"""A mounted drive as programs on Windows use it: Win32's own functions. Descriptors are handles of the system.

All handles share reading, writing and deleting, so that a pattern can do what several programs do at once. Where
Windows itself forbids what other systems allow, a pattern ends with NotPossibleError.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ctypes import wintypes
from typing import Any

from ingisfs.selftest.expecting import NotPossibleError, same
from ingisfs.selftest.mount_place import MountPlace
from ingisfs.selftest.place import Child, Mode, PlaceClock

assert sys.platform == "win32"

# winnt.h, fileapi.h, winbase.h
_GENERIC_READ, _GENERIC_WRITE = 0x80000000, 0x40000000
_APPEND, _READ_ATTRIBUTES, _SYNCHRONIZE = 0x0004, 0x0080, 0x00100000  # an access that can only write at the end
_SHARE_ALL = 0x1 | 0x2 | 0x4
_CREATE_NEW, _CREATE_ALWAYS, _OPEN_EXISTING, _OPEN_ALWAYS = 1, 2, 3, 4
_NORMAL = 0x80
_FROM_BEGIN, _FROM_HERE = 0, 1
_ALLOCATION_INFO = 5  # FILE_INFO_BY_HANDLE_CLASS
_REPLACE_EXISTING = 0x1  # MoveFileEx
_IGNORE_MERGE_ERRORS = 0x2  # ReplaceFile
_PAGE_READWRITE, _MAP_WRITE, _MAP_READ = 0x04, 0x2, 0x4
_SAME_ACCESS = 0x2
_INVALID = ctypes.c_void_p(-1).value

_NOT_FOUND, _DENIED, _SHARING, _NOT_SUPPORTED = 2, 5, 32, 50  # winerror.h
_NO_FUNCTION, _NOT_IMPLEMENTED, _TOO_LARGE, _DELETING = 1, 120, 223, 303

_ACCESS: dict[Mode, tuple[int, int]] = {
    "r": (_GENERIC_READ, _OPEN_EXISTING),
    "r+": (_GENERIC_READ | _GENERIC_WRITE, _OPEN_EXISTING),
    "w": (_GENERIC_WRITE, _CREATE_ALWAYS),
    "a": (_APPEND | _READ_ATTRIBUTES | _SYNCHRONIZE, _OPEN_ALWAYS),
}


class WindowsPlace(MountPlace):
    """See the module."""

    def __init__(self, stem: str, clock: PlaceClock, folder: str) -> None:
        super().__init__(stem, clock, folder)
        self._children: list[_Writer] = []

    def create(self, name: str, *, append: bool = False) -> int:
        access = _GENERIC_READ | (_APPEND | _SYNCHRONIZE if append else _GENERIC_WRITE)
        return self._opened(name, access, _CREATE_NEW)

    def open(self, name: str, mode: Mode) -> int:
        return self._opened(name, *_ACCESS[mode])

    def _opened(self, name: str, access: int, disposition: int) -> int:
        handle = _K.CreateFileW(self._path(name), access, _SHARE_ALL, None, disposition, _NORMAL, None)
        if handle == _INVALID:
            raise _error(self._path(name))
        return self._enter(int(handle), name)

    def write(self, fd: int, data: bytes) -> None:
        start = 0
        while start < len(data):
            start += self._write_some(fd, data[start:], None)

    def pwrite(self, fd: int, data: bytes, offset: int) -> None:
        position = _seek(fd, 0, _FROM_HERE)
        start = 0
        try:
            while start < len(data):
                start += self._write_some(fd, data[start:], offset + start)
        finally:
            _seek(fd, position)

    def _write_some(self, fd: int, data: bytes, offset: int | None) -> int:
        done = wintypes.DWORD()
        at = None if offset is None else ctypes.byref(_Overlapped(offset=offset & 0xFFFFFFFF, offset_high=offset >> 32))
        _must(_K.WriteFile(fd, data, len(data), ctypes.byref(done), at))
        return done.value

    def content(self, fd: int) -> bytes:
        position = _seek(fd, 0, _FROM_HERE)
        _seek(fd, 0)
        parts: list[bytes] = []
        buffer, done = ctypes.create_string_buffer(2**20), wintypes.DWORD()
        try:
            while True:
                _must(_K.ReadFile(fd, buffer, len(buffer), ctypes.byref(done), None))
                if not done.value:
                    return b"".join(parts)
                parts.append(buffer.raw[: done.value])
        finally:
            _seek(fd, position)

    def ftruncate(self, fd: int, size: int) -> None:
        position = _seek(fd, 0, _FROM_HERE)
        _seek(fd, size)
        try:
            _must(_K.SetEndOfFile(fd))
        finally:
            _seek(fd, position)

    def truncate(self, name: str, size: int) -> None:
        fd = self._opened(name, _GENERIC_WRITE, _OPEN_EXISTING)
        try:
            self.ftruncate(fd, size)
        finally:
            self.close(fd)

    def allocate(self, fd: int, size: int) -> None:
        room = ctypes.c_longlong(size)
        if not _K.SetFileInformationByHandle(fd, _ALLOCATION_INFO, ctypes.byref(room), ctypes.sizeof(room)):
            error = _error()
            if error.winerror in {_NO_FUNCTION, _NOT_SUPPORTED, _NOT_IMPLEMENTED}:
                raise NotPossibleError("allocate")
            raise error

    def flush(self, fd: int) -> None:
        _close(_duplicate(fd))

    def fsync(self, fd: int) -> None:
        _must(_K.FlushFileBuffers(fd))

    def close(self, fd: int) -> None:
        self._open.pop(fd, None)
        _close(fd)

    def dup(self, fd: int) -> int:
        return self._enter(_duplicate(fd), self._open[fd])

    def child(self, fd: int) -> Child:
        child = _Writer(fd)
        self._children.append(child)
        return child

    @contextmanager
    def mapped(self, fd: int, size: int) -> Iterator[memoryview]:
        mapping = _K.CreateFileMappingW(fd, None, _PAGE_READWRITE, 0, 0, None)
        if not mapping:
            raise _error()
        try:
            address = _K.MapViewOfFile(mapping, _MAP_READ | _MAP_WRITE, 0, 0, size)
            if not address:
                raise _error()
            try:
                yield memoryview((ctypes.c_ubyte * size).from_address(address)).cast("B")
            finally:
                _must(_K.UnmapViewOfFile(address))
        finally:
            _close(mapping)

    def rename(self, old: str, new: str, *, replace: bool = True) -> None:
        source, target = self._path(old), self._path(new)
        if not _K.MoveFileExW(source, target, _REPLACE_EXISTING if replace else 0):
            error = _error(source, target)
            if replace and old != new and error.winerror in {_DENIED, _SHARING} and self._is_open(new):
                raise NotPossibleError("rename-over-open")
            raise error
        for fd, name in self._open.items():
            if name == old:
                self._open[fd] = new

    def replace(self, name: str, temporary: str, backup: str) -> None:
        self._made.append(backup)
        paths = [self._path(each) for each in (name, temporary, backup)]
        _must(_K.ReplaceFileW(*paths, _IGNORE_MERGE_ERRORS, None, None), *paths[:2])

    def unlink(self, name: str) -> None:
        path = self._path(name)
        _must(_K.DeleteFileW(path), path)
        if self._is_open(name) and self._is_still_there(path):
            raise NotPossibleError("delete-open")

    def _is_open(self, name: str) -> bool:
        return any(other.lower() == name.lower() for other in self._open.values())

    def _is_still_there(self, path: str) -> bool:
        """Tell whether a deleted file keeps its name until all have closed it: Windows' way before POSIX deletes."""
        handle = _K.CreateFileW(path, _READ_ATTRIBUTES, _SHARE_ALL, None, _OPEN_EXISTING, _NORMAL, None)
        if handle == _INVALID:
            return ctypes.get_last_error() in {_DENIED, _DELETING, _SHARING}
        _close(handle)
        return True

    def copy(self, data: bytes, name: str) -> None:
        self._made.append(name)
        with tempfile.TemporaryDirectory() as elsewhere:
            source = os.path.join(elsewhere, "source")
            with open(source, "wb") as file:
                file.write(data)
            _must(_K.CopyFileW(source, self._path(name), True), source, self._path(name))

    def means_too_large(self, error: OSError) -> bool:
        # Wine has no such error of its own: there any will do.
        return error.winerror == _TOO_LARGE or is_wine()

    def abandon(self) -> None:
        super().abandon()
        for child in self._children:
            child.end()


class _Writer(Child):
    """A Python that inherits a handle and writes to it what it is given.

    All its streams are pipes: under Wine Python starts with no others.
    """

    _PROGRAM = (
        "import msvcrt, os, sys\n"
        "fd = msvcrt.open_osfhandle(int(sys.argv[1]), os.O_WRONLY)\n"
        "sys.stdout.write('.')\n"
        "sys.stdout.flush()\n"
        "data = sys.stdin.buffer.read()\n"
        "while data:\n"
        "    data = data[os.write(fd, data):]\n"
        "os.close(fd)\n"
    )

    def __init__(self, fd: int) -> None:
        inherited = _duplicate(fd, inherit=True)
        try:
            startup = subprocess.STARTUPINFO(lpAttributeList={"handle_list": [inherited]})
            self._process = subprocess.Popen(
                [sys.executable, "-c", self._PROGRAM, str(inherited)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                startupinfo=startup,
            )
        finally:
            _close(inherited)
        assert self._process.stdout is not None
        same(self._process.stdout.read(1), b".")

    def finish(self, data: bytes) -> None:
        _, errors = self._process.communicate(data, 60)
        same((self._process.returncode, errors), (0, b""))

    def end(self) -> None:
        """Kill it, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):
                self._process.communicate(timeout=30)


class _Overlapped(ctypes.Structure):
    _fields_ = (
        ("internal", ctypes.c_void_p),
        ("internal_high", ctypes.c_void_p),
        ("offset", wintypes.DWORD),
        ("offset_high", wintypes.DWORD),
        ("event", wintypes.HANDLE),
    )


_K: Any = ctypes.WinDLL("kernel32", use_last_error=True)
_HANDLE, _TEXT, _NUMBER, _POINTER = wintypes.HANDLE, wintypes.LPCWSTR, wintypes.DWORD, ctypes.c_void_p
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "CloseHandle": (wintypes.BOOL, [_HANDLE]),
    "CopyFileW": (wintypes.BOOL, [_TEXT, _TEXT, wintypes.BOOL]),
    "CreateFileMappingW": (_HANDLE, [_HANDLE, _POINTER, _NUMBER, _NUMBER, _NUMBER, _TEXT]),
    "CreateFileW": (_HANDLE, [_TEXT, _NUMBER, _NUMBER, _POINTER, _NUMBER, _NUMBER, _HANDLE]),
    "DeleteFileW": (wintypes.BOOL, [_TEXT]),
    "DuplicateHandle": (wintypes.BOOL, [_HANDLE, _HANDLE, _HANDLE, _POINTER, _NUMBER, wintypes.BOOL, _NUMBER]),
    "FlushFileBuffers": (wintypes.BOOL, [_HANDLE]),
    "GetCurrentProcess": (_HANDLE, []),
    "MapViewOfFile": (_POINTER, [_HANDLE, _NUMBER, _NUMBER, _NUMBER, ctypes.c_size_t]),
    "MoveFileExW": (wintypes.BOOL, [_TEXT, _TEXT, _NUMBER]),
    "ReadFile": (wintypes.BOOL, [_HANDLE, _POINTER, _NUMBER, _POINTER, _POINTER]),
    "ReplaceFileW": (wintypes.BOOL, [_TEXT, _TEXT, _TEXT, _NUMBER, _POINTER, _POINTER]),
    "SetEndOfFile": (wintypes.BOOL, [_HANDLE]),
    "SetFileInformationByHandle": (wintypes.BOOL, [_HANDLE, ctypes.c_int, _POINTER, _NUMBER]),
    "SetFilePointerEx": (wintypes.BOOL, [_HANDLE, ctypes.c_longlong, _POINTER, _NUMBER]),
    "UnmapViewOfFile": (wintypes.BOOL, [_POINTER]),
    "WriteFile": (wintypes.BOOL, [_HANDLE, ctypes.c_char_p, _NUMBER, _POINTER, _POINTER]),
}
for _name, (_result, _arguments) in _SIGNATURES.items():
    _function = getattr(_K, _name)
    _function.restype, _function.argtypes = _result, _arguments


def _error(*paths: str) -> OSError:
    """Return the error of the last call, as Python's own functions raise it."""
    number = ctypes.get_last_error()
    text = ctypes.FormatError(number).strip()
    return OSError(0, text, paths[0] if paths else None, number, paths[1] if len(paths) > 1 else None)


def _must(done: int, *paths: str) -> None:
    if not done:
        raise _error(*paths)


def _close(handle: int) -> None:
    _must(_K.CloseHandle(handle))


def _duplicate(handle: int, *, inherit: bool = False) -> int:
    """Return another handle of the same opening."""
    found, own = wintypes.HANDLE(), _K.GetCurrentProcess()
    _must(_K.DuplicateHandle(own, handle, own, ctypes.byref(found), 0, inherit, _SAME_ACCESS))
    return int(found.value or 0)


def _seek(handle: int, offset: int, start: int = _FROM_BEGIN) -> int:
    """Move the position; returns where it is now."""
    found = ctypes.c_longlong()
    _must(_K.SetFilePointerEx(handle, offset, ctypes.byref(found), start))
    return found.value


def is_wine() -> bool:
    """Tell whether this Windows is Wine."""
    return hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")
