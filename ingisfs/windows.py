"""What is asked of Windows itself: its disks, its sessions, its secrets. One call a function, over ctypes.

Not run on Windows yet: the arguments are tested with a stand-in for its libraries, and most of the calls with Wine's.
`Windows(load)` takes a function that returns a library by its name; a test gives its own.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from ctypes import wintypes
from pathlib import Path, PureWindowsPath
from typing import Any

# https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-getdrivetypew
FIXED, REMOTE, RAM_DISK, REMOVABLE, CD_ROM = 3, 4, 6, 2, 5
# https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-setthreadexecutionstate
_ES_CONTINUOUS, _ES_SYSTEM_REQUIRED = 0x80000000, 0x00000001
# https://learn.microsoft.com/windows/win32/api/dpapi/nf-dpapi-cryptprotectdata
_UI_FORBIDDEN, _LOCAL_MACHINE = 0x1, 0x4
# https://learn.microsoft.com/windows/win32/api/wtsapi32/nf-wtsapi32-wtssendmessagew
_MB_OK, _MB_ICONWARNING, _MB_ICONINFORMATION, _MB_SETFOREGROUND = 0x0, 0x30, 0x40, 0x10000
_WTS_ACTIVE = 0

# https://learn.microsoft.com/windows/win32/shutdown/wm-queryendsession
_WM_CLOSE, _WM_DESTROY, _WM_QUERYENDSESSION, _WM_ENDSESSION, _WM_APP = 0x10, 0x02, 0x11, 0x16, 0x8000
_LRESULT = ctypes.c_ssize_t

SYSTEM, ADMINISTRATORS, USERS = "S-1-5-18", "S-1-5-32-544", "S-1-5-32-545"


class Blob(ctypes.Structure):
    """DATA_BLOB."""

    _fields_ = (("size", wintypes.DWORD), ("data", ctypes.POINTER(ctypes.c_char)))


class Session(ctypes.Structure):
    """WTS_SESSION_INFOW."""

    _fields_ = (("id", wintypes.DWORD), ("station", wintypes.LPWSTR), ("state", ctypes.c_int))


#: What Windows calls with a message for a window. On 64-bit Windows, and here, both kinds of calls are one.
_Procedure = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)(
    _LRESULT, wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPARAM
)


class WindowClass(ctypes.Structure):
    """WNDCLASSW."""

    _fields_ = (
        ("style", wintypes.UINT),
        ("procedure", _Procedure),
        ("class_extra", ctypes.c_int),
        ("window_extra", ctypes.c_int),
        ("instance", wintypes.HINSTANCE),
        ("icon", wintypes.HICON),
        ("cursor", wintypes.HANDLE),
        ("background", wintypes.HBRUSH),
        ("menu", wintypes.LPCWSTR),
        ("name", wintypes.LPCWSTR),
    )


def _load(name: str) -> Any:
    return ctypes.WinDLL(name, use_last_error=True)  # type: ignore[attr-defined,unused-ignore]


class Windows:
    """See the module."""

    def __init__(self, load: Callable[[str], Any] = _load) -> None:
        self._load = load

    # ---- disks ---------------------------------------------------------------------------------------------------

    def letters(self) -> frozenset[str]:
        """Return the letters in use: `{"C:", "D:"}`."""
        bits = int(self._load("kernel32").GetLogicalDrives())
        return frozenset(f"{chr(ord('A') + at)}:" for at in range(26) if bits >> at & 1)

    def kind_of_disk(self, path: Path | PureWindowsPath) -> int:
        """Return the kind of the disk under a path: FIXED, REMOTE, …; 0 or 1 if there is none."""
        return int(self._load("kernel32").GetDriveTypeW(self._root(path)))

    def file_system(self, path: Path | PureWindowsPath) -> str:
        """Return the name of the file system under a path: "NTFS", "FAT32"; "" if Windows does not tell."""
        name = ctypes.create_unicode_buffer(64)
        done = self._load("kernel32").GetVolumeInformationW(
            self._root(path), None, 0, None, None, None, name, len(name)
        )
        return name.value if done else ""

    @staticmethod
    def _root(path: Path | PureWindowsPath) -> str:
        anchor = PureWindowsPath(path).anchor
        return anchor if anchor.endswith("\\") else anchor + "\\"

    # ---- who and where -------------------------------------------------------------------------------------------

    def is_elevated(self) -> bool:
        """Tell whether this process has an administrator's rights: its drive letters are not the user's then."""
        return bool(self._load("shell32").IsUserAnAdmin())

    def say(self, title: str, text: str, *, good: bool = False, seconds: int = 0) -> bool:
        """Show a message to everybody who is logged on; tells whether anybody is. Works from a service too.

        It stays for `seconds`, 0 = until somebody has closed it. Nothing waits for it.
        """
        library = self._load("wtsapi32")
        sessions, count = ctypes.POINTER(Session)(), wintypes.DWORD()
        if not library.WTSEnumerateSessionsW(None, 0, 1, ctypes.byref(sessions), ctypes.byref(count)):
            return False
        told = False
        icon = _MB_ICONINFORMATION if good else _MB_ICONWARNING
        try:
            for at in range(count.value):
                if sessions[at].state != _WTS_ACTIVE:
                    continue
                answer = wintypes.DWORD()
                told |= bool(
                    library.WTSSendMessageW(
                        None,
                        wintypes.DWORD(sessions[at].id),
                        ctypes.c_wchar_p(title),
                        wintypes.DWORD(2 * len(title)),  # bytes, without the end
                        ctypes.c_wchar_p(text),
                        wintypes.DWORD(2 * len(text)),
                        wintypes.DWORD(_MB_OK | icon | _MB_SETFOREGROUND),
                        wintypes.DWORD(seconds),
                        ctypes.byref(answer),
                        wintypes.BOOL(False),
                    )
                )
        finally:
            library.WTSFreeMemory(sessions)
        return told

    # ---- staying awake -------------------------------------------------------------------------------------------

    def stay_awake(self, awake: bool) -> bool:
        """Keep the machine from falling asleep, or no longer. Holds for the calling thread, while it lives."""
        state = _ES_CONTINUOUS | (_ES_SYSTEM_REQUIRED if awake else 0)
        return bool(self._load("kernel32").SetThreadExecutionState(wintypes.DWORD(state)))

    # ---- secrets -------------------------------------------------------------------------------------------------

    def protect(self, secret: bytes) -> bytes:
        """Encrypt with this machine's key: of no use on another one. Every user here can open it. Raises OSError."""
        return self._dpapi("CryptProtectData", secret, _LOCAL_MACHINE | _UI_FORBIDDEN)

    def unprotect(self, protected: bytes) -> bytes:
        """Return what `protect` was given. Raises OSError."""
        return self._dpapi("CryptUnprotectData", protected, _UI_FORBIDDEN)

    def _dpapi(self, function: str, content: bytes, flags: int) -> bytes:
        buffer = ctypes.create_string_buffer(content, len(content))
        given = Blob(len(content), ctypes.cast(buffer, ctypes.POINTER(ctypes.c_char)))
        made = Blob()
        do = getattr(self._load("crypt32"), function)
        if not do(ctypes.byref(given), None, None, None, None, wintypes.DWORD(flags), ctypes.byref(made)):
            raise OSError(f"{function} failed")
        try:
            return ctypes.string_at(made.data, made.size)
        finally:
            self._load("kernel32").LocalFree(made.data)


class EndOfSession:
    """A hidden window: Windows asks it before somebody logs off or the machine is shut down.

    While `hold` has a reason, Windows shows that to the person and waits, until they insist. When the session ends all
    the same, `ended` is called with the seconds that Windows leaves us. The window belongs to a thread of its own.
    """

    ENDING = 4.0  # s; Windows ends by force what has not ended 5 s after WM_ENDSESSION

    def __init__(self, ended: Callable[[float], None], load: Callable[[str], Any] = _load) -> None:
        self._ended = ended
        self._load = load
        self._reason = ""
        self._window: int | None = None
        self._made = threading.Event()
        self._procedure = _Procedure(self._answer)  # kept: Windows keeps only its address
        self._thread = threading.Thread(target=self._serve, name="end of session", daemon=True)

    def start(self) -> bool:
        """Make the window; tells whether there is one. A session without a desktop may have none."""
        self._thread.start()
        self._made.wait(10)
        return self._window is not None

    def hold(self, reason: str) -> None:
        """Have the end of the session wait for this reason, a sentence for people; "" = for nothing."""
        if reason == self._reason:
            return
        self._reason = reason
        self._post(_WM_APP)

    def end(self) -> None:
        """Take the window away."""
        self._reason = ""
        self._post(_WM_CLOSE)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(5)

    def _post(self, message: int) -> None:
        if self._window is not None:
            self._load("user32").PostMessageW(wintypes.HWND(self._window), wintypes.UINT(message), None, None)

    def _serve(self) -> None:
        user32 = self._load("user32")
        user32.CreateWindowExW.restype = wintypes.HWND
        user32.DefWindowProcW.restype = _LRESULT
        user32.DefWindowProcW.argtypes = (wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPARAM)
        kind = WindowClass(procedure=self._procedure, name="ingisfs")
        user32.RegisterClassW(ctypes.byref(kind))  # refused if we have it already, which is as good
        # A window for messages only would not be asked: it must be a real one, that is never shown.
        zero = ctypes.c_int(0)
        self._window = user32.CreateWindowExW(
            wintypes.DWORD(0), ctypes.c_wchar_p("ingisfs"), ctypes.c_wchar_p("ingisfs"), wintypes.DWORD(0),
            zero, zero, zero, zero, None, None, None, None,
        )  # fmt: skip
        self._made.set()
        if self._window is None:
            return
        message = wintypes.MSG()
        while user32.GetMessageW(ctypes.byref(message), None, wintypes.UINT(0), wintypes.UINT(0)) > 0:
            user32.DispatchMessageW(ctypes.byref(message))

    def _answer(self, window: int | None, message: int, first: int, second: int) -> int:
        """Answer one message. Windows calls it in the window's thread, the only one that may give reasons."""
        user32 = self._load("user32")
        handle = wintypes.HWND(window)
        if message == _WM_APP:
            user32.ShutdownBlockReasonDestroy(handle)
            if self._reason:
                user32.ShutdownBlockReasonCreate(handle, ctypes.c_wchar_p(self._reason))
            return 0
        if message == _WM_QUERYENDSESSION:
            return 0 if self._reason else 1
        if message == _WM_ENDSESSION:
            if first:  # it does end
                self._ended(self.ENDING)
            return 0
        if message == _WM_CLOSE:
            user32.ShutdownBlockReasonDestroy(handle)
            user32.DestroyWindow(handle)
            return 0
        if message == _WM_DESTROY:
            user32.PostQuitMessage(ctypes.c_int(0))
            return 0
        return int(user32.DefWindowProcW(window, message, first, second))
