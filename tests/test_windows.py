"""What Windows is asked: with a stand-in for its libraries anywhere, and the real ones where there are some."""

from __future__ import annotations

import ctypes
import json
import os
import sys
import threading
from collections.abc import Callable
from ctypes import wintypes
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace
from typing import Any

import platformdirs
import pytest

from ingisfs import running
from ingisfs.drive.registry import Registry
from ingisfs.drive.stop_file import StopFile, was_stopped
from ingisfs.outbox.mirror import default_folder
from ingisfs.outbox.outbox import Outbox
from ingisfs.processes import apart, python
from ingisfs.running import Hold
from ingisfs.windows import FIXED, REMOTE, Blob, EndOfSession, Session, Windows
from tests.documents import keep, pdf
from tests.servers import wait_for

ON_WINDOWS = pytest.mark.skipif(sys.platform != "win32", reason="asks Windows itself")


class Function:
    """Stands for one function of a library: notes how it was called, and may do something."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[tuple[Any, ...]] = []
        self.restype: Any = None
        self.argtypes: Any = None

    def __call__(self, *arguments: Any) -> Any:
        self.calls.append(tuple(value_of(argument) for argument in arguments))
        return self.answer(*arguments) if callable(self.answer) else self.answer


def value_of(argument: Any) -> Any:
    """Return what is in a C value."""
    return getattr(argument, "value", argument) if isinstance(argument, ctypes._SimpleCData) else argument


def windows(**functions: Any) -> tuple[Windows, dict[str, Function]]:
    made = {name: Function(answer) for name, answer in functions.items()}
    return Windows(lambda name: SimpleNamespace(**made)), made


# ---- disks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bits", "found"), [(0, set()), (0b1101, {"A:", "C:", "D:"}), (1 << 25, {"Z:"})])
def test_the_letters_in_use_are_read_from_bits(bits: int, found: set[str]) -> None:
    assert windows(GetLogicalDrives=bits)[0].letters() == found


@pytest.mark.parametrize(
    ("path", "root"),
    [
        (r"C:\Users\Anna\ingisfs", "C:\\"),
        (r"d:\x", "d:\\"),
        (r"\\server\share\folder", "\\\\server\\share\\"),
        ("C:", "C:\\"),
    ],
)
def test_the_kind_of_a_disk_is_asked_of_its_root(path: str, root: str) -> None:
    asked, functions = windows(GetDriveTypeW=REMOTE)
    assert asked.kind_of_disk(PureWindowsPath(path)) == REMOTE
    assert functions["GetDriveTypeW"].calls == [(root,)]


def test_the_file_system_is_asked_for_into_a_buffer_of_ours() -> None:
    def answer(root: str, *arguments: Any) -> int:
        arguments[-2].value = "NTFS"
        return 1

    asked, functions = windows(GetVolumeInformationW=answer)
    assert asked.file_system(PureWindowsPath(r"C:\x")) == "NTFS"
    (call,) = functions["GetVolumeInformationW"].calls
    assert call[:6] == ("C:\\", None, 0, None, None, None)
    assert call[7] == len(call[6]) == 64
    assert windows(GetVolumeInformationW=0)[0].file_system(PureWindowsPath(r"C:\x")) == ""


def test_rights_of_an_administrator_are_told() -> None:
    assert windows(IsUserAnAdmin=1)[0].is_elevated()
    assert not windows(IsUserAnAdmin=0)[0].is_elevated()


# ---- sleep -------------------------------------------------------------------------------------------------------


def test_the_machine_stays_awake_until_it_is_told_otherwise() -> None:
    asked, functions = windows(SetThreadExecutionState=0x80000000)
    assert asked.stay_awake(True)
    assert asked.stay_awake(False)
    assert functions["SetThreadExecutionState"].calls == [(0x80000001,), (0x80000000,)]
    assert not windows(SetThreadExecutionState=0)[0].stay_awake(True)


# ---- messages ----------------------------------------------------------------------------------------------------


def sessions(*states: int) -> Callable[..., int]:
    def enumerate_sessions(server: Any, reserved: int, version: int, found: Any, count: Any) -> int:
        array = (Session * len(states))(*(Session(at + 1, "x", state) for at, state in enumerate(states)))
        found._obj.contents = array[0]  # keeps all of them alive
        count._obj.value = len(states)
        return 1

    return enumerate_sessions


def test_a_message_reaches_everybody_who_is_logged_on_and_nobody_else() -> None:
    asked, functions = windows(WTSEnumerateSessionsW=sessions(0, 4, 0), WTSSendMessageW=1, WTSFreeMemory=None)
    assert asked.say("ingisfs", "De schijf is weg é", seconds=60)
    calls = functions["WTSSendMessageW"].calls
    assert [call[1] for call in calls] == [1, 3]
    # Lengths are bytes, not letters. 0x10030: a warning, in front of all windows.
    assert calls[0][:8] == (None, 1, "ingisfs", 14, "De schijf is weg é", 36, 0x10030, 60)
    assert calls[0][9] == 0  # nobody waits for the answer
    assert len(functions["WTSFreeMemory"].calls) == 1


def test_a_message_to_nobody_is_told() -> None:
    asked, functions = windows(WTSEnumerateSessionsW=sessions(4), WTSSendMessageW=1, WTSFreeMemory=None)
    assert not asked.say("x", "y")
    assert functions["WTSSendMessageW"].calls == []
    assert not windows(WTSEnumerateSessionsW=0)[0].say("x", "y")


# ---- secrets -----------------------------------------------------------------------------------------------------


def crypt(change: Callable[[bytes], bytes], keep: list[Any]) -> Callable[..., int]:
    def answer(given: Any, description: Any, entropy: Any, reserved: Any, prompt: Any, flags: Any, made: Any) -> int:
        assert description is entropy is reserved is prompt is None
        blob: Blob = given._obj
        data = change(ctypes.string_at(blob.data, blob.size))
        keep.append(ctypes.create_string_buffer(data, len(data)))
        made._obj.size = len(data)
        made._obj.data = ctypes.cast(keep[-1], ctypes.POINTER(ctypes.c_char))
        return 1

    return answer


@pytest.mark.parametrize("secret", [b"", b"geheim", b"\x00\xff" * 1000])
def test_a_secret_is_encrypted_with_the_machine_s_key_and_windows_gets_its_memory_back(secret: bytes) -> None:
    keep: list[Any] = []
    asked, functions = windows(
        CryptProtectData=crypt(lambda data: b"!" + data[::-1], keep),
        CryptUnprotectData=crypt(lambda data: data[:0:-1], keep),
        LocalFree=None,
    )
    protected = asked.protect(secret)
    assert protected == b"!" + secret[::-1]
    assert asked.unprotect(protected) == secret
    # 4: this machine's, not this user's; 1: no window that asks for anything.
    assert functions["CryptProtectData"].calls[0][5] == 0x5
    assert functions["CryptUnprotectData"].calls[0][5] == 0x1
    assert len(functions["LocalFree"].calls) == 2


def test_a_secret_that_windows_does_not_open_is_an_error() -> None:
    with pytest.raises(OSError, match="CryptUnprotectData failed"):
        windows(CryptUnprotectData=0)[0].unprotect(b"x")


# ---- the end of a session ----------------------------------------------------------------------------------------

CLOSE, DESTROY, QUERY, ENDS, APP = 0x10, 0x02, 0x11, 0x16, 0x8000


class Desktop:
    """Stands for user32: one window, and a queue of the messages that were posted to it."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.window = None if refuses else 0x1234
        self.reasons: list[str | None] = []
        self.threads: set[str] = set()
        self.queue: list[int] = []
        self.more = threading.Condition()
        self.quit = False
        self.procedure: Any = None
        self.functions = {
            "RegisterClassW": Function(self._register),
            "CreateWindowExW": Function(self.window),
            "PostMessageW": Function(self._post),
            "GetMessageW": Function(self._get),
            "DispatchMessageW": Function(0),
            "DefWindowProcW": Function(77),
            "DestroyWindow": Function(lambda window: self.send(DESTROY)),
            "PostQuitMessage": Function(self._quit),
            "ShutdownBlockReasonCreate": Function(lambda window, reason: self._reason(reason.value)),
            "ShutdownBlockReasonDestroy": Function(lambda window: self._reason(None)),
        }

    def load(self, name: str) -> Any:
        assert name == "user32"
        return SimpleNamespace(**self.functions)

    def send(self, message: int, first: int = 0) -> int:
        """Ask the window, as Windows does: in its thread, and wait for the answer."""
        return int(self.procedure(self.window, message, first, 0))

    def _register(self, kind: Any) -> int:
        assert kind._obj.name == "ingisfs"
        self.procedure = kind._obj.procedure
        return 1

    def _post(self, window: Any, message: Any, first: Any, second: Any) -> int:
        assert window.value == self.window
        with self.more:
            self.queue.append(message.value)
            self.more.notify()
        return 1

    def _get(self, *_: Any) -> int:
        with self.more:
            while not self.queue and not self.quit:
                self.more.wait(60)
            message = self.queue.pop(0) if self.queue else None
        if message is not None:
            self.send(message)
        return 0 if self.quit else 1

    def _quit(self, code: Any) -> None:
        self.quit = True

    def _reason(self, reason: str | None) -> int:
        self.threads.add(threading.current_thread().name)
        self.reasons.append(reason)
        return 1


def test_a_log_off_waits_for_a_reason_and_goes_on_without_one() -> None:
    desktop = Desktop()
    session = EndOfSession(lambda seconds: None, desktop.load)
    assert session.start()
    assert desktop.send(QUERY) == 1
    session.hold("3 documenten")
    assert desktop.send(QUERY) == 0
    session.hold("2 documenten")
    session.hold("2 documenten")
    wait_for(lambda: desktop.reasons[-1:] == ["2 documenten"], "the window to give its reason")
    session.hold("")
    assert desktop.send(QUERY) == 1
    session.end()
    assert desktop.reasons[-1] is None
    # Windows takes reasons from the thread of the window only.
    assert desktop.threads == {"end of session"}
    assert desktop.quit
    assert not session._thread.is_alive()


def test_a_session_that_ends_all_the_same_is_told_of_once_and_in_time() -> None:
    desktop = Desktop()
    told: list[float] = []
    session = EndOfSession(told.append, desktop.load)
    session.start()
    assert desktop.send(ENDS, 0) == 0  # somebody thought better of it
    assert told == []
    assert desktop.send(ENDS, 1) == 0
    assert told == [session.ENDING]
    assert 0 < session.ENDING < 5
    assert desktop.send(0x7777) == 77  # of no concern to us
    session.end()


def test_without_a_window_nothing_is_held_and_nothing_fails() -> None:
    desktop = Desktop(refuses=True)
    session = EndOfSession(lambda seconds: None, desktop.load)
    assert not session.start()
    session.hold("x")
    session.end()
    assert desktop.functions["PostMessageW"].calls == []


# ---- the keeper's hold -------------------------------------------------------------------------------------------


class Noted:
    """Stands for Windows and its session: notes what they were asked."""

    def __init__(self) -> None:
        self.awake: list[bool] = []
        self.reasons: list[str] = []

    def stay_awake(self, awake: bool) -> bool:
        self.awake.append(awake)
        return True

    def start(self) -> bool:
        return True

    def hold(self, reason: str) -> None:
        self.reasons.append(reason)

    def end(self) -> None:
        self.reasons.append("ended")


def test_the_machine_is_held_while_documents_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hold, "EVERY", 0.0)
    outbox = Outbox(tmp_path, settle=0.0)
    try:
        noted = Noted()
        hold = Hold(noted, noted)  # type: ignore[arg-type]
        hold.look([tmp_path, tmp_path / "none"])
        assert (noted.awake, noted.reasons) == ([], [""])
        for number in range(2):
            keep(outbox, f"F{number}.pdf", pdf(str(number)))
        hold.look([tmp_path])
        hold.look([tmp_path])
        assert noted.awake == [True]
        assert "nog 2 documenten" in noted.reasons[-1]
        monkeypatch.setattr(running, "MOVED", 0.0)  # nothing has moved for long
        hold.look([tmp_path])
        assert (noted.awake, noted.reasons[-1]) == ([True], "")
        monkeypatch.setattr(running, "MOVED", 60.0)
        outbox.set_meta("target", json.dumps({"state": "needs_person", "reason": "login", "since": 1.0}))
        hold.look([tmp_path])  # nothing goes until somebody comes
        assert (noted.awake, noted.reasons[-1]) == ([True, False], "")
        outbox.set_meta("target", json.dumps({"state": "ok"}))
        hold.look([tmp_path])
        assert noted.awake == [True, False, True]
        outbox.withdraw(outbox.documents("1"))
        hold.look([tmp_path])
        assert (noted.awake, noted.reasons[-1]) == ([True, False, True, False], "")
        hold.end()
        assert noted.reasons[-1] == "ended"
    finally:
        outbox.shut()


# ---- processes ---------------------------------------------------------------------------------------------------


def test_our_processes_open_no_console_on_windows(tmp_path: Path) -> None:
    own = tmp_path / "python.exe"
    assert python(windows=True, executable=str(own)) == str(own)
    (tmp_path / "pythonw.exe").touch()
    assert python(windows=True, executable=str(own)) == str(tmp_path / "pythonw.exe")
    assert python(windows=False, executable=str(own)) == str(own)


def test_our_processes_are_independent_of_us() -> None:
    # No console of ours, no Ctrl-C of ours, no window: 0x8 | 0x200 | 0x08000000.
    assert apart(windows=True) == {"creationflags": 0x08000208}
    assert apart(windows=False) == {"start_new_session": True, "cwd": "/"}


# ---- folders -----------------------------------------------------------------------------------------------------


def test_our_folders_are_not_doubled(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows platformdirs puts the name of the author first, and takes that of the program for it."""
    asked: list[Any] = []

    def user_state_path(name: str, appauthor: Any = None) -> Path:
        asked.append(appauthor)
        return Path("x") / name

    monkeypatch.setattr(platformdirs, "user_state_path", user_state_path)
    assert default_folder() == Path("x/ingisfs/generations")
    Registry()
    assert asked == [False, False]


# ---- the stop file -----------------------------------------------------------------------------------------------


def test_what_a_person_stopped_stays_stopped_and_what_the_keeper_stopped_does_not(tmp_path: Path) -> None:
    stop = StopFile(tmp_path)
    assert not was_stopped(tmp_path)
    stop.write(by_person=False)
    assert stop.there()
    assert not was_stopped(tmp_path)
    stop.write()
    assert was_stopped(tmp_path)
    stop.write(by_person=False)
    assert was_stopped(tmp_path)
    stop.clear()
    assert not stop.there()
    assert not was_stopped(tmp_path)
    stop.clear()


def test_a_host_without_signals_ends_when_the_file_is_there(tmp_path: Path) -> None:
    ended = threading.Event()
    stop = StopFile(tmp_path)
    stop.watch(SimpleNamespace(end=ended.set))
    stop.write()
    assert ended.wait(60)
    stop.end()


# ---- Windows itself ----------------------------------------------------------------------------------------------


@ON_WINDOWS
def test_windows_tells_its_letters_and_disks() -> None:
    real, home = Windows(), PureWindowsPath(os.environ["SYSTEMROOT"])
    assert home.drive.upper() in real.letters()
    assert real.kind_of_disk(home) == FIXED
    assert real.file_system(home) != ""
    free = next(f"{letter}:" for letter in "QRSTUVW" if f"{letter}:" not in real.letters())
    assert real.kind_of_disk(PureWindowsPath(f"{free}\\x")) in {0, 1}
    assert real.file_system(PureWindowsPath(f"{free}\\x")) == ""
    assert isinstance(real.is_elevated(), bool)


@ON_WINDOWS
def test_windows_keeps_a_secret_and_gives_it_back() -> None:
    real = Windows()
    for secret in (b"geheim", "wachtwoord é".encode(), b"x" * 5000):
        protected = real.protect(secret)
        assert secret not in protected
        assert real.unprotect(protected) == secret
    with pytest.raises(OSError, match="CryptUnprotectData failed"):
        real.unprotect(b"nonsense")


@ON_WINDOWS
def test_windows_stays_awake_when_told() -> None:
    assert Windows().stay_awake(True)
    assert Windows().stay_awake(False)


@ON_WINDOWS
def test_windows_knows_the_session_of_this_process() -> None:
    from ingisfs.drive.winfsp import session

    number = wintypes.DWORD(2**32 - 1)
    assert ctypes.WinDLL("kernel32").ProcessIdToSessionId(os.getpid(), ctypes.byref(number))  # type: ignore[attr-defined,unused-ignore]
    assert session() == str(number.value)


@ON_WINDOWS
def test_a_window_of_ours_is_asked_before_the_session_ends() -> None:
    ended: list[float] = []
    session = EndOfSession(ended.append)
    if not session.start():
        pytest.skip("there is no desktop to have a window on")
    user32 = ctypes.WinDLL("user32")  # type: ignore[attr-defined,unused-ignore]
    user32.SendMessageW.restype = ctypes.c_ssize_t
    user32.SendMessageW.argtypes = (wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPARAM)

    def send(message: int, first: int = 0) -> int:
        return int(user32.SendMessageW(session._window, message, first, 0))

    try:
        assert send(QUERY) == 1
        session.hold("3 documenten")
        wait_for(lambda: send(QUERY) == 0, "the window to hold the session")
        session.hold("")
        wait_for(lambda: send(QUERY) == 1, "the window to let go")
        send(ENDS, 1)
        assert ended == [session.ENDING]
    finally:
        session.end()
    assert not session._thread.is_alive()
