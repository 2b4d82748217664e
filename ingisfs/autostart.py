"""Has the system start the drives: at boot for the whole machine, or when this user logs on.

What is started is `ingisfs run`. On Windows Task Scheduler starts it; where that refuses a user without rights, the
list of programs that Windows starts at log-on does. On Linux systemd starts it. What the systems' programs are told is
tested; Task Scheduler itself has not run it yet.
"""

from __future__ import annotations

import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from subprocess import DEVNULL, CompletedProcess, Popen, list2cmdline, run
from xml.etree import ElementTree

import platformdirs

from ingisfs.config import ConfigError, load, machine_config_path, machine_folder, names_in
from ingisfs.processes import apart, python
from ingisfs.windows import ADMINISTRATORS, SYSTEM, USERS

Runner = Callable[[Sequence[str]], "CompletedProcess[str]"]

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
RUN_KEY = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run"
MACHINE_RUN_KEY = r"HKLM\Software\Microsoft\Windows\CurrentVersion\Run"  # for everybody who logs on
NAME = "ingisfs"  # of the task, the value in the registry, and the unit
TRAY_NAME = "ingisfs tray"  # of the value in the registry
_SID = re.compile(r"S-1-[0-9-]+")
_NO_PROGRAM = 127


def run_program(command: Sequence[str]) -> CompletedProcess[str]:
    """Run a program of the system's, and return what it said. Raises OSError."""
    return run(command, capture_output=True, text=True, errors="replace", check=False, stdin=DEVNULL)


def start_program(command: Sequence[str]) -> None:
    """Start a program of ours that goes on by itself. That it cannot be started is no trouble here."""
    with suppress(OSError):
        Popen(command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, **apart())


def prepare_machine_folder(
    folder: Path, runner: Runner = run_program, *, windows: bool = sys.platform == "win32", readable: bool = False
) -> None:
    """Make a folder below the machine's that only the system and administrators may open. Raises ConfigError.

    `readable`: everybody may read what is in it, and write nothing.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if windows:
            # Not inherited: %ProgramData% lets every user read, and make files. Whoever made it before keeps no rights.
            rights = [f"*{who}:(OI)(CI)F" for who in (SYSTEM, ADMINISTRATORS)]
            rights += [f"*{USERS}:(OI)(CI)RX"] if readable else []
            for change in (["/setowner", f"*{ADMINISTRATORS}"], ["/inheritance:r", "/grant:r", *rights]):
                done = runner(["icacls", str(folder), *change, "/Q"])
                if done.returncode != 0:
                    raise ConfigError("login.machine", detail=_said(done))
        else:
            folder.chmod(0o755 if readable else 0o700)
    except OSError as error:
        raise ConfigError("login.machine", detail=error.strerror or error) from None


@dataclass(frozen=True, slots=True)
class Told:
    """What a person is told: a sentence of the catalogue, and what fills it."""

    sentence: str
    values: dict[str, object] = field(default_factory=dict)


class Autostart:
    """Switches it on and off for one configuration."""

    def __init__(
        self,
        path: Path,
        *,
        machine: bool,
        config: Path | None = None,
        drives: Sequence[str] = (),
        runner: Runner = run_program,
        windows: bool = sys.platform == "win32",
        interpreter: str | None = None,
        units: Path | None = None,
        booted: Path = Path("/run/systemd/system"),
        tray: bool | None = None,
        start: Callable[[Sequence[str]], object] = start_program,
    ) -> None:
        """For the configuration `path`, which a person named as `config` if at all; of all drives, or `drives`.

        `tray`: with the icon beside the clock, on Windows; None: if what draws it is installed. `start` shows it.
        """
        self._path = path
        self._machine = machine
        self._drives = tuple(drives)
        self._runner = runner
        self._windows = windows
        self._interpreter = interpreter or python()
        self._units = units or (Path("/etc/systemd/system") if machine else _user_units())
        self._booted = booted
        self._start = start
        self._tray = find_spec("pystray") is not None if tray is None else tray
        self._arguments = ["-m", "ingisfs", "run", *(["--machine"] if machine else [])]
        if config is not None:
            self._arguments += ["--config", str(config.absolute())]
        self._tray_arguments = ["-m", "ingisfs", "tray", *self._arguments[3:]]
        self._arguments += [word for name in drives for word in ("--drive", name)]

    # ---- what a person asks --------------------------------------------------------------------------------------

    def on(self) -> Told:
        """Have the system start the drives from now on, and start them now. Raises ConfigError."""
        if self._path == machine_config_path() and not self._machine:
            raise ConfigError("autostart.of-machine", path=self._path)
        if not self._windows and not self._booted.is_dir():
            raise ConfigError("autostart.no-systemd", command=shlex.join([self._interpreter, *self._arguments]))
        drives = [load(self._path, name) for name in self._names()]
        if self._machine:
            # What the system believes must not be written by just anybody: which drives run, and that it is to end.
            prepare_machine_folder(machine_folder(), self._runner, windows=self._windows, readable=True)
            prepare_machine_folder(machine_folder() / "keeper", self._runner, windows=self._windows)
        for drive in drives:
            if drive.of_machine:
                prepare_machine_folder(drive.state_folder, self._runner, windows=self._windows)
        return self._on_windows() if self._windows else self._on_linux()

    def off(self) -> Told:
        """Have the system start them no longer; the keeper ends, and unmounts them. Raises ConfigError."""
        from ingisfs import running

        was = self._how() is not None
        if self._windows:
            # First: Task Scheduler would kill it, and the drives with it.
            ended = running.stop(self._path)
            self._off_windows()
        else:
            self._off_linux()
            ended = running.stop(self._path)  # one that a person started
        return Told("autostart.off.done" if was or ended else "autostart.off.already")

    def status(self) -> list[Told]:
        """Tell whether they start by themselves, whether they are kept, and which of them are there."""
        from ingisfs import running
        from ingisfs.drive import registry, stop_file

        options: dict[str, object] = {"options": " --machine" if self._machine else ""}
        how = self._how()
        told = [Told("autostart.status.off", options) if how is None else Told("autostart.status.on", {"how": how})]
        if kept := running.is_kept(self._path):
            told.append(Told("autostart.status.kept"))
        elif how is not None:
            told.append(Told("autostart.status.not-kept", options))
        for name in self._names():
            folder = load(self._path, name).state_folder
            if (mounted := registry.running(folder)) is not None:
                told.append(Told("autostart.status.mounted", {"drive": name, "mountpoint": mounted.mountpoint}))
            elif stop_file.was_stopped(folder):
                told.append(Told("autostart.status.unmounted", {"drive": name}))
            elif kept:
                told.append(Told("autostart.status.away", {"drive": name, "log": running.log_file(self._path)}))
            else:
                told.append(Told("autostart.status.idle", {"drive": name}))
        return told

    def _names(self) -> list[str]:
        names = list(self._drives) or names_in(self._path)
        if not names:
            raise ConfigError("autostart.no-machine-drives" if self._machine else "config.no-drives", path=self._path)
        return names

    def _how(self) -> str | None:
        """Return what starts the drives, None if nothing does."""
        if self._windows:
            if self._run("schtasks", "/Query", "/TN", self._task()).returncode == 0:
                return f"Task Scheduler: {self._task()}"
            if not self._machine and self._run("reg", "query", RUN_KEY, "/v", NAME).returncode == 0:
                return RUN_KEY
            return None
        file = self._units / f"{NAME}.service"
        enabled = file.exists() and self._run(*self._systemctl("is-enabled", file.name)).returncode == 0
        return str(file) if enabled else None

    def _run(self, *command: str) -> CompletedProcess[str]:
        try:
            return self._runner(command)
        except OSError as error:
            return CompletedProcess(command, _NO_PROGRAM, "", error.strerror or str(error))

    def _must(self, *command: str) -> None:
        done = self._run(*command)
        if done.returncode != 0:
            raise ConfigError("autostart.refused", program=command[0], detail=_said(done))

    # ---- Windows -------------------------------------------------------------------------------------------------

    def _task(self) -> str:
        return NAME if self._machine else f"{NAME} {self._sid()}"

    def _sid(self) -> str:
        """Return who this user is, as Windows knows them. Raises ConfigError."""
        done = self._run("whoami", "/user", "/fo", "csv", "/nh")
        found = _SID.findall(done.stdout)
        if done.returncode != 0 or not found:
            raise ConfigError("autostart.refused", program="whoami", detail=_said(done))
        return str(found[-1])  # the last one: the name before it may be anything

    def _on_windows(self) -> Told:
        content = task(self._interpreter, self._arguments, user=None if self._machine else self._sid())
        # In a folder of its own: Windows shares no open file with another program.
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "task.xml"
            file.write_bytes(content)
            done = self._run("schtasks", "/Create", "/TN", self._task(), "/XML", str(file), "/F")
        if done.returncode == 0:
            if not self._machine:
                self._run("reg", "delete", RUN_KEY, "/v", NAME, "/f")  # of an earlier refusal
            self._must("schtasks", "/Run", "/TN", self._task())
            self._show_tray()
            return Told("autostart.on.machine" if self._machine else "autostart.on.user")
        if self._machine:
            raise ConfigError("login.machine", detail=_said(done))
        command = list2cmdline([self._interpreter, *self._arguments])
        self._must("reg", "add", RUN_KEY, "/v", NAME, "/t", "REG_SZ", "/d", command, "/f")
        self._show_tray()
        return Told("autostart.on.run-key", {"detail": _said(done)})

    def _show_tray(self) -> None:
        """Have the icon beside the clock come at log-on. Without it the drives work as well, so it may be refused."""
        if self._tray:
            command = list2cmdline([self._interpreter, *self._tray_arguments])
            self._run("reg", "add", self._tray_key, "/v", TRAY_NAME, "/t", "REG_SZ", "/d", command, "/f")
            if not self._machine:  # an administrator's would have their rights, and so would what it opens
                self._start([self._interpreter, *self._tray_arguments])

    @property
    def icon_comes_later(self) -> bool:
        """Tell whether the icon beside the clock comes at log-on, but was not shown at once."""
        return self._windows and self._tray and self._machine

    @property
    def _tray_key(self) -> str:
        return MACHINE_RUN_KEY if self._machine else RUN_KEY

    def _off_windows(self) -> None:
        if self._run("reg", "query", self._tray_key, "/v", TRAY_NAME).returncode == 0:
            self._run("reg", "delete", self._tray_key, "/v", TRAY_NAME, "/f")
        if self._run("schtasks", "/Query", "/TN", self._task()).returncode == 0:
            self._must("schtasks", "/Delete", "/TN", self._task(), "/F")
        if not self._machine and self._run("reg", "query", RUN_KEY, "/v", NAME).returncode == 0:
            self._must("reg", "delete", RUN_KEY, "/v", NAME, "/f")

    # ---- Linux ---------------------------------------------------------------------------------------------------

    def _systemctl(self, *arguments: str) -> list[str]:
        return ["systemctl", *([] if self._machine else ["--user"]), *arguments]

    def _on_linux(self) -> Told:
        file, text = self._units / f"{NAME}.service", unit([self._interpreter, *self._arguments], machine=self._machine)
        try:
            self._units.mkdir(parents=True, exist_ok=True)
            before = file.read_text(encoding="utf-8") if file.exists() else text
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigError("login.machine", detail=error.strerror or error) from None
        self._must(*self._systemctl("daemon-reload"))
        self._must(*self._systemctl("enable", "--now", file.name))
        if before != text:
            self._must(*self._systemctl("restart", file.name))
        return Told("autostart.on.machine" if self._machine else "autostart.on.user")

    def _off_linux(self) -> None:
        file = self._units / f"{NAME}.service"
        if not file.exists():
            return
        self._must(*self._systemctl("disable", "--now", file.name))
        try:
            file.unlink()
        except OSError as error:
            raise ConfigError("login.machine", detail=error.strerror or error) from None
        self._must(*self._systemctl("daemon-reload"))


def _said(done: CompletedProcess[str]) -> str:
    """Return the first line that a program said."""
    told = (done.stderr or "").strip() or (done.stdout or "").strip()
    return told.partition("\n")[0].strip() or f"exit code {done.returncode}"


def _user_units() -> Path:
    return platformdirs.user_config_path("systemd", appauthor=False) / "user"


# ---- what the systems read ---------------------------------------------------------------------------------------


def task(program: str, arguments: Sequence[str], user: str | None) -> bytes:
    """Return a task for `schtasks /Create /XML`: at boot as the system, or at the log-on of `user` (a SID) as they are.

    See https://learn.microsoft.com/windows/win32/taskschd/task-scheduler-schema.
    """
    root = ElementTree.Element("Task", {"version": "1.2", "xmlns": NAMESPACE})

    def put(parent: ElementTree.Element, name: str, text: str = "", **attributes: str) -> ElementTree.Element:
        made = ElementTree.SubElement(parent, name, attributes)
        made.text = text or None
        return made

    put(put(root, "RegistrationInfo"), "Description", "ingisfs: keeps its drives mounted and delivers their documents.")
    trigger = put(put(root, "Triggers"), "BootTrigger" if user is None else "LogonTrigger")
    # Time and again without an end, and never two of them: a keeper that was killed comes back.
    repetition = put(trigger, "Repetition")
    put(repetition, "Interval", "PT5M")
    put(repetition, "StopAtDurationEnd", "false")
    put(trigger, "Enabled", "true")
    principal = put(put(root, "Principals"), "Principal", id="Author")
    if user is None:
        put(principal, "UserId", SYSTEM)
        put(principal, "RunLevel", "HighestAvailable")
    else:
        put(trigger, "UserId", user)
        put(principal, "UserId", user)
        put(principal, "LogonType", "InteractiveToken")
        put(principal, "RunLevel", "LeastPrivilege")
    settings = put(root, "Settings")
    for name, value in {
        "MultipleInstancesPolicy": "IgnoreNew",
        "DisallowStartIfOnBatteries": "false",
        "StopIfGoingOnBatteries": "false",
        "AllowHardTerminate": "true",
        "StartWhenAvailable": "true",
        "RunOnlyIfNetworkAvailable": "false",  # what is printed meanwhile is kept
        "AllowStartOnDemand": "true",
        "Enabled": "true",
        "Hidden": "true",
        "RunOnlyIfIdle": "false",
        "ExecutionTimeLimit": "PT0S",  # none
        "Priority": "4",  # normal: the default, 7, makes King wait for the drive
    }.items():
        put(settings, name, value)
    idle = put(settings, "IdleSettings")
    put(idle, "StopOnIdleEnd", "false")
    put(idle, "RestartOnIdle", "false")
    restart = put(settings, "RestartOnFailure")
    put(restart, "Interval", "PT1M")
    put(restart, "Count", "999")
    action = put(put(root, "Actions", Context="Author"), "Exec")
    put(action, "Command", list2cmdline([program]))
    put(action, "Arguments", list2cmdline(arguments))
    text = ElementTree.tostring(root, encoding="unicode")
    return ('<?xml version="1.0" encoding="UTF-16"?>\n' + text).encode("utf-16")


def unit(command: Sequence[str], *, machine: bool) -> str:
    """Return a unit for systemd. See systemd.service(5), systemd.kill(5)."""
    lines = ["[Unit]", "Description=ingisfs: keeps its drives mounted and delivers their documents"]
    if machine:
        lines += ["Wants=network-online.target", "After=network-online.target"]
    lines += ["StartLimitIntervalSec=0", ""]
    program, *arguments = command
    lines += ["[Service]", "Type=exec"]
    # A `$` stands for itself in a program's path, and for a variable in an argument.
    lines += ["ExecStart=" + " ".join([_quoted(program), *(_quoted(word).replace("$", "$$") for word in arguments)])]
    lines += ["Restart=always", "RestartSec=10"]
    # Only the keeper is told to end: it unmounts the drives, and the couriers finish what they can. Were the keeper
    # killed instead, the drives would live on, and the next keeper would find them.
    lines += ["KillMode=process", "TimeoutStopSec=90", ""]
    lines += ["[Install]", f"WantedBy={'multi-user' if machine else 'default'}.target", ""]
    return "\n".join(lines)


def _quoted(word: str) -> str:
    """Return a word as it stands in a unit, whatever is in it."""
    if re.fullmatch(r"[A-Za-z0-9_./-]+", word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("\n", "\\n") + '"'
