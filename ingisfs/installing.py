"""What the Windows installer leaves to the program: may it, end what runs, PATH, WinFsp, start again.

    python -m ingisfs.installing before --program FOLDER --note FILE …

The installer itself (scripts/installer/setup.nsi) unpacks files, renames folders, and shows what is printed here.
Exit codes: 0 fine, 1 failed, 2 refused, 3 something still runs; then everything is as it was. 4: installed, but not
all that belongs to it was done.

Not run on Windows yet; under Wine without drives and without WinFsp.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ingisfs.autostart import NAME as TASK
from ingisfs.autostart import TRAY_NAME
from ingisfs.config import (
    ConfigError,
    machine_config_path,
    machine_folder,
    tray_folder,
    user_config_path,
    user_data_folder,
)
from ingisfs.drive import winfsp
from ingisfs.drive.registry import Registry
from ingisfs.outbox.locks import is_locked
from ingisfs.outbox.reading import ReadOnlyOutbox
from ingisfs.report.catalogue import say

if sys.platform == "win32":
    import winreg

FINE, FAILED, REFUSED, IN_USE, PARTLY = 0, 1, 2, 3, 4

MARKER = "installed.json"  # in the folder of the program: it is ours, and this version
END_LIMIT = 60.0  # s for drives and couriers to end
RUN_LIMIT = 600.0  # s for a program of the system's
LOOK = 0.2  # s between two looks

ENVIRONMENT = r"SYSTEM\CurrentControlSet\Control\Session Manager\Environment"
PROFILES = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList"

Runner = Callable[..., "subprocess.CompletedProcess[str]"]

WINDOWS = os.environ.get("SYSTEMROOT", r"C:\Windows")
POWERSHELL = WINDOWS + r"\System32\WindowsPowerShell\v1.0\powershell.exe"
# The name comes in a variable: nothing in it can be taken for a part of the command.
SIGNATURE = (
    "$s = Get-AuthenticodeSignature -LiteralPath $env:INGISFS_MSI;"
    " Write-Output ([string]$s.Status); Write-Output ([string]$s.SignerCertificate.Subject)"
)


def run_program(command: Sequence[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the system's, with more environment variables, and return what it said. Raises OSError.

    Its output goes to a file: what it starts in its turn may keep a pipe open, and we would wait for that too.
    """
    environment = {**os.environ, **variables}
    with tempfile.TemporaryFile() as out:
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=environment,
                timeout=RUN_LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise OSError(f"{command[0]} does not end") from None
        out.seek(0)
        said = out.read().decode(errors="replace")
    return subprocess.CompletedProcess(list(command), done.returncode, said, "")


class RefusedError(ConfigError):
    """This installation may not be. `code` is the exit code."""

    code = REFUSED
    stopped: Sequence[str] = ()  # folders of drives that were ended on the way, and that nobody mounts again


class InUseError(RefusedError):
    """Something runs that does not end."""

    code = IN_USE


# ---- versions ----------------------------------------------------------------------------------------------------


def version_key(text: str) -> tuple[tuple[int, ...], int, int]:
    """Return what versions are compared by: `0.2.0rc1` < `0.2` = `0.2.0` < `0.10`. Raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)*)(?:\.?(dev|a|b|rc)(\d+))?", text.strip())
    if found is None:
        raise ValueError(f"{text} is not a version")
    numbers = [int(each) for each in found[1].split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    stages = ["dev", "a", "b", "rc", None]
    return tuple(numbers), stages.index(found[2]), int(found[3] or 0)


def installed_version(program: Path) -> str | None:
    """Return the version that is installed in a folder, None if none is."""
    try:
        return str(json.loads((program / MARKER).read_text("utf-8"))["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def may_install(program: Path, version: str, previous: Path | None) -> None:
    """Refuse what would do harm: an older version, a second one, a folder with other things. Raises RefusedError."""
    if previous is not None and _differ(previous, program) and installed_version(previous) is not None:
        raise RefusedError("installer.elsewhere", previous=previous)
    installed = installed_version(program)
    if installed is None:
        if program.exists() and any(program.iterdir()):
            raise RefusedError("installer.not-ours", program=program)
    elif version_key(installed) > version_key(version):
        raise RefusedError("installer.older", installed=installed, version=version)


def _differ(one: Path, other: Path) -> bool:
    return os.path.normcase(os.path.abspath(one)) != os.path.normcase(os.path.abspath(other))


# ---- what runs ---------------------------------------------------------------------------------------------------


@dataclass
class Note:
    """What ran before, to be started again."""

    fresh: bool = True  # nothing was installed
    autostart: bool = False  # of the machine's drives
    kept: dict[str, str] = field(
        default_factory=dict
    )  # folders of the keepers (running.py) → the tasks that start them
    stopped: list[str] = field(default_factory=list)  # state folders of the drives
    icons: list[str] = field(default_factory=list)  # folders of the icons beside the clock

    def write(self, path: Path) -> None:
        """Keep it. Raises OSError."""
        path.write_text(json.dumps(asdict(self)), "utf-8")

    @classmethod
    def read(cls, path: Path) -> Note:
        """Return what was kept; nothing if that is lost."""
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return cls()


def profiles() -> dict[str, Path]:
    """Return the folders of this machine's users, by the ids that Windows has for them."""
    found: dict[str, Path] = {}
    if sys.platform == "win32":
        with suppress(OSError), winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, PROFILES) as key:
            for at in range(winreg.QueryInfoKey(key)[0]):
                sid = winreg.EnumKey(key, at)
                with suppress(OSError), winreg.OpenKey(key, sid) as user:
                    path = winreg.QueryValueEx(user, "ProfileImagePath")[0]
                    found[sid] = Path(winreg.ExpandEnvironmentStrings(path))
    return found


def _local(profile: Path) -> Path:
    return profile / "AppData" / "Local" / "ingisfs"


def keepers(users: Mapping[str, Path] | None = None) -> dict[Path, str]:
    """Return the folders of all keepers, as far as we may look, and the task that starts each."""
    found = {machine_folder() / "keeper": TASK}
    for sid, profile in (profiles() if users is None else users).items():
        with suppress(OSError):
            found |= dict.fromkeys((_local(profile) / "keepers").iterdir(), f"{TASK} {sid}")
    return found


def icons(users: Mapping[str, Path]) -> list[Path]:
    """Return the folders of the icons beside the clock, this user's and others'."""
    return sorted({tray_folder(), *(_local(profile) / tray_folder().name for profile in users.values())})


def outboxes(users: Mapping[str, Path] | None = None) -> list[Path]:
    """Return the state folders of this machine's drives: its own, this user's, and others' where they usually are.

    Where others have noted that their drives are elsewhere we do not look: an administrator's password would be shown
    to whatever server a path leads to. Their keepers end them, or it is found that their programs run.
    """
    local = [_local(profile) for profile in (profiles() if users is None else users).values()]
    found = set()
    for root in (machine_folder(), user_data_folder(), *local):
        with suppress(OSError):
            found |= {folder for folder in root.iterdir() if (folder / "outbox").is_dir()}
    for registry in (Registry(), Registry(machine_folder() / "mounted")):
        with suppress(OSError):
            found |= {mounted.state_folder for mounted in registry.all()}
    return sorted(found)


def _locked(*files: Path) -> bool:
    try:
        return any(map(is_locked, files))
    except OSError:  # not for us to look at
        return False


def _runs(state: Path) -> bool:
    return _locked(state / "drive.lock", state / "courier.lock")


def _is_kept(folder: Path) -> bool:
    return _locked(folder / "lock")


def processes_in(program: Path) -> dict[int, str]:
    """Return the processes whose program lies in a folder, but for this one: id → name."""
    found: dict[int, str] = {}
    if sys.platform == "win32":
        kernel = ctypes.WinDLL("kernel32")
        kernel.OpenProcess.restype = ctypes.c_void_p
        ids, size = (ctypes.c_uint32 * 16384)(), ctypes.c_uint32()
        ctypes.WinDLL("psapi").EnumProcesses(ids, ctypes.sizeof(ids), ctypes.byref(size))
        inside = os.path.normcase(str(program)) + os.sep
        for process in ids[: size.value // 4]:
            # PROCESS_QUERY_LIMITED_INFORMATION
            handle = kernel.OpenProcess(0x1000, False, process)
            if not handle:
                continue
            name, length = ctypes.create_unicode_buffer(1024), ctypes.c_uint32(1024)
            told = kernel.QueryFullProcessImageNameW(ctypes.c_void_p(handle), 0, name, ctypes.byref(length))
            kernel.CloseHandle(ctypes.c_void_p(handle))
            if told and process != os.getpid() and os.path.normcase(name.value).startswith(inside):
                found[process] = Path(name.value).name
    return found


class Programs:
    """Ends what runs of an installation, and starts it again."""

    def __init__(
        self,
        program: Path,
        run: Runner = run_program,
        *,
        users: Callable[[], Mapping[str, Path]] = profiles,
        processes: Callable[[Path], dict[int, str]] = processes_in,
        limit: float = END_LIMIT,
        icon: Path | None = None,
    ) -> None:
        """`limit` is in seconds, for each kind of process to end. `icon` is the shortcut to the icon by the clock."""
        self.program = program
        self._icon = icon
        self._run = run
        self._users = users
        self._processes = processes
        self._limit = limit

    def outboxes(self) -> list[Path]:
        """Return the state folders of all drives."""
        return outboxes(self._users())

    def succeeds(self, *command: str) -> bool:
        """Run a program of the system's, and tell whether it did it."""
        try:
            return self._run(command).returncode == 0
        except OSError:
            return False

    def end(self, note: Note) -> None:
        """End icons, keepers, drives and couriers; what waits stays in the outboxes. Raises InUseError if one stays.

        What was asked to end is in `note`, also then.
        """
        note.autostart = self.succeeds("schtasks", "/Query", "/TN", TASK)
        drives = [state for state in self.outboxes() if _runs(state)]
        note.icons = [str(folder) for folder in icons(self._users()) if _is_kept(folder)]
        self._ask(map(Path, note.icons), _is_kept)
        note.kept = {str(folder): task for folder, task in keepers(self._users()).items() if _is_kept(folder)}
        self._ask(map(Path, note.kept), _is_kept)  # first: they unmount what they keep, and would mount it again
        note.stopped = [str(state) for state in drives]
        self._ask([state for state in self.outboxes() if _runs(state)], _runs)
        end = time.monotonic() + self._limit
        while (left := self._processes(self.program)) and time.monotonic() < end:
            time.sleep(LOOK)
        if left:
            raise InUseError(
                "installer.in-use", users=", ".join(f"{name} {each}" for each, name in sorted(left.items()))
            )

    def _ask(self, folders: Iterable[Path], runs: Callable[[Path], bool]) -> None:
        """Have all of them end, by the file that each looks for."""
        folders = list(folders)
        for folder in folders:
            with suppress(OSError):  # it is found below that it still runs
                (folder / "stop").touch(mode=0o600)
        end = time.monotonic() + self._limit
        while (running := [folder for folder in folders if runs(folder)]) and time.monotonic() < end:
            time.sleep(LOOK)
        if running:
            raise InUseError("installer.in-use", users=", ".join(map(str, running)))

    def start(self, note: Note) -> list[str]:
        """Start again what `end` ended; returns the folders of the drives that their users have to mount again."""
        for folder in (*note.stopped, *note.kept, *note.icons):
            with suppress(OSError):  # no person unmounted it, so it is to be mounted again
                (Path(folder) / "stop").unlink(missing_ok=True)
        for task in sorted({task for folder, task in note.kept.items() if not _is_kept(Path(folder))}):
            self.succeeds("schtasks", "/Run", "/TN", task)
        if str(tray_folder()) in note.icons and self._icon is not None and self._icon.exists():
            # By way of the desktop, which has no administrator's rights: neither may the icon have them. That of others
            # comes back when they log on.
            self.succeeds(WINDOWS + r"\explorer.exe", str(self._icon))
        return [] if note.kept else [state for state in note.stopped if not _runs(Path(state))]

    def autostart(self, switch: str) -> bool:
        """Switch the task "on" or "off"; tells whether that worked."""
        return self.succeeds(str(self.program / "ingisfs.exe"), "autostart", switch, "--machine")

    def forget_users(self) -> None:
        """Have nothing start for the users who have switched autostart on for themselves."""
        for sid in self._users():
            if self.succeeds("schtasks", "/Query", "/TN", f"{TASK} {sid}"):
                self.succeeds("schtasks", "/Delete", "/TN", f"{TASK} {sid}", "/F")
            key = rf"HKU\{sid}\Software\Microsoft\Windows\CurrentVersion\Run"
            for name in (TASK, TRAY_NAME):
                if self.succeeds("reg", "query", key, "/v", name):
                    self.succeeds("reg", "delete", key, "/v", name, "/f")


# ---- PATH --------------------------------------------------------------------------------------------------------


def path_with(path: str, folder: str) -> str:
    """Return a PATH with a folder at its end, once. Nothing else in it changes."""
    if _named(folder) in map(_named, path.split(";")):
        return path
    return f"{path}{'' if not path or path.endswith(';') else ';'}{folder}"


def path_without(path: str, folder: str) -> str:
    """Return a PATH without a folder. Nothing else in it changes."""
    return ";".join(part for part in path.split(";") if _named(part) != _named(folder))


def _named(part: str) -> str:
    return part.strip().strip('"').rstrip("\\").lower()


def change_machine_path(change: Callable[[str], str]) -> None:
    """Change the PATH of all users, of any length, and tell running programs. Raises OSError."""
    if sys.platform == "win32":
        rights = winreg.KEY_READ | winreg.KEY_WRITE
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, ENVIRONMENT, 0, rights) as key:
            try:
                path, kind = winreg.QueryValueEx(key, "Path")
            except FileNotFoundError:
                path, kind = "", winreg.REG_EXPAND_SZ
            changed = change(path)
            if changed == path:
                return
            winreg.SetValueEx(key, "Path", 0, kind, changed)
        # HWND_BROADCAST, WM_SETTINGCHANGE, SMTO_ABORTIFHUNG
        answer = ctypes.c_size_t()
        ctypes.WinDLL("user32").SendMessageTimeoutW(
            ctypes.c_void_p(0xFFFF), 0x1A, None, ctypes.c_wchar_p("Environment"), 2, 5000, ctypes.byref(answer)
        )


# ---- WinFsp ------------------------------------------------------------------------------------------------------


def newest_msi(folder: Path) -> Path | None:
    """Return WinFsp's newest installer in a folder, None if there is none."""

    def numbers(path: Path) -> list[int]:
        return [int(each) for each in re.findall(r"\d+", path.stem)]

    return max(folder.glob("winfsp-*.msi"), key=numbers, default=None)


def install_winfsp(
    beside: Path,
    work: Path,
    run: Runner = run_program,
    version: Callable[[], tuple[int, int] | None] = winfsp.installed,
) -> tuple[str, dict[str, object]] | None:
    """Install WinFsp if it lacks and its installer lies in `beside`; return what a person has to know of it.

    `work` is a folder that administrators alone may change: what is checked there is what is run.
    """
    present = version()
    if present is not None and present >= winfsp.MINIMUM:
        return None
    found = newest_msi(beside)
    if found is None:
        return "installer.no-winfsp", {"least": "{}.{}".format(*winfsp.MINIMUM)}
    msi = work / found.name
    shutil.copyfile(found, msi)
    try:
        detail = _unsigned(msi, run)
        if detail is not None:
            return "installer.winfsp-unsigned", {"name": found.name, "detail": detail}
        code = run(["msiexec", "/i", str(msi), "/qn", "/norestart"]).returncode
    finally:
        msi.unlink(missing_ok=True)
    if code in (1641, 3010):  # ERROR_SUCCESS_REBOOT_INITIATED, ERROR_SUCCESS_REBOOT_REQUIRED
        return "installer.restart", {}
    return ("installer.winfsp-failed", {"name": found.name, "code": code}) if code else None


def _unsigned(msi: Path, run: Runner) -> str | None:
    """Return what is wrong with a file's signature, None if nothing is."""
    try:
        done = run(
            [POWERSHELL, "-NoProfile", "-NonInteractive", "-Command", SIGNATURE],
            INGISFS_MSI=str(msi),
        )
    except OSError as error:
        return str(error)
    status, *signer = [line.strip() for line in done.stdout.splitlines()] or [""]
    if done.returncode == 0 and status == "Valid" and any(signer):
        return None
    return status or f"powershell {done.returncode}"


# ---- the steps ---------------------------------------------------------------------------------------------------


ChangePath = Callable[[Callable[[str], str]], None]
InstallWinFsp = Callable[[Path, Path], tuple[str, dict[str, object]] | None]


def before(programs: Programs, version: str, previous: Path | None, note_file: Path) -> None:
    """Before the folder of the program is replaced. Raises RefusedError, and then everything runs as before."""
    may_install(programs.program, version, previous)
    note = Note(fresh=installed_version(programs.program) is None)
    try:
        programs.end(note)
        note.write(note_file)
    except RefusedError as error:
        error.stopped = programs.start(note)
        raise
    except OSError:
        programs.start(note)
        raise


def after(
    programs: Programs,
    language: str,
    note_file: Path,
    beside: Path,
    *,
    change_path: ChangePath = change_machine_path,
    install: InstallWinFsp = install_winfsp,
) -> tuple[int, list[str]]:
    """After the folder was replaced: return the exit code, and what a person has to know."""
    code, lines = FINE, []
    note = Note.read(note_file)
    try:
        change_path(lambda path: path_with(path, str(programs.program)))
        wrong = install(beside, programs.program)
    except OSError as error:
        code, wrong = PARTLY, ("installer.partly", {"detail": error})
    if wrong is not None:
        lines.append(say(language, wrong[0], **wrong[1]))
    if (note.fresh or note.autostart) and not programs.autostart("on") and not note.autostart:
        lines.append(say(language, "installer.no-autostart"))
    lines += [say(language, "installer.mount-again", folder=state) for state in programs.start(note)]
    lines += [say(language, "installer.waiting", folder=state) for state in programs.outboxes() if _waiting(state)]
    with suppress(OSError):
        note_file.unlink()
    return code, lines


def remove(programs: Programs, language: str, *, change_path: ChangePath = change_machine_path) -> list[str]:
    """Before the program is removed: return where everything stays. Raises RefusedError."""
    note = Note()
    try:
        programs.end(note)
    except RefusedError as error:
        error.stopped = programs.start(note)
        raise
    programs.autostart("off")
    programs.forget_users()
    with suppress(OSError):  # an entry too many does no harm
        change_path(lambda path: path_without(path, str(programs.program)))
    states = [state for state in programs.outboxes() if state.is_dir()]
    files = [path for path in (machine_config_path(), user_config_path()) if path.exists()]
    lines = [say(language, "installer.waiting", folder=state) for state in states if _waiting(state)]
    if files or states:
        lines.append(say(language, "installer.stays", places=", ".join(map(str, [*files, *states]))))
    return lines


def _waiting(state: Path) -> bool:
    """Tell whether documents wait in an outbox. Other users' are not opened with an administrator's rights."""
    if not any(state.is_relative_to(folder) for folder in (machine_folder(), user_data_folder())):
        return False
    try:
        outbox = ReadOnlyOutbox(state)
    except Exception:  # whatever is wrong with it: the drive will say so
        return False
    try:
        return outbox.waiting() > 0
    finally:
        outbox.close()


def elevate_shortcut(path: Path) -> None:
    """Have a shortcut ask for an administrator's rights. Raises OSError.

    https://learn.microsoft.com/openspecs/windows_protocols/ms-shllink: bit 13 of LinkFlags, RunAsUser.
    """
    content = bytearray(path.read_bytes())
    content[0x15] |= 0x20
    path.write_bytes(content)


def main(arguments: Sequence[str] | None = None) -> int:
    """Take one step; what a person has to know goes to standard output and to the end of `--log`."""
    parser = argparse.ArgumentParser(prog="ingisfs.installing")
    parser.add_argument("step", choices=["before", "after", "again", "remove", "cannot-replace"])
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--version", default="0")
    parser.add_argument("--previous", type=lambda text: Path(text) if text else None)
    parser.add_argument("--note", type=Path)
    parser.add_argument("--beside", type=Path)
    parser.add_argument("--shortcut", type=Path)
    parser.add_argument("--icon", type=Path)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--language", choices=["nl", "en"], default="nl")
    options = parser.parse_args(arguments)
    programs, language, code = Programs(options.program, icon=options.icon), options.language, FINE
    lines: list[str] = []
    try:
        if options.step == "before":
            before(programs, options.version, options.previous, options.note)
        elif options.step == "after":
            with suppress(OSError):  # without it a person has to ask for the rights
                elevate_shortcut(options.shortcut)
            code, lines = after(programs, language, options.note, options.beside)
        elif options.step == "remove":
            lines = remove(programs, language)
        else:
            stopped = programs.start(Note.read(options.note))
            lines = [say(language, "installer.cannot-replace", program=options.program)]
            lines += [say(language, "installer.mount-again", folder=state) for state in stopped]
            code = IN_USE
    except RefusedError as error:
        lines, code = [say(language, error.sentence, **error.values)], error.code
        lines += [say(language, "installer.mount-again", folder=state) for state in error.stopped]
    except (OSError, ValueError) as error:
        lines, code = [say(language, "installer.error", detail=error)], FAILED
    text = "\n".join(lines)
    with suppress(OSError):
        if options.log is not None:
            with options.log.open("a", encoding="utf-8") as log:
                log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {options.step} {code} {text}\n")
    if text:
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
        print(text)
    return code


if __name__ == "__main__":
    sys.exit(main())
