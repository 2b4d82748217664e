"""What the systems' programs are told when drives are to start by themselves."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess
from xml.etree import ElementTree

import pytest

from ingisfs import autostart, config
from ingisfs.autostart import (
    MACHINE_RUN_KEY,
    NAMESPACE,
    RUN_KEY,
    TRAY_NAME,
    Autostart,
    prepare_machine_folder,
    task,
    unit,
)
from ingisfs.config import ConfigError
from ingisfs.report.catalogue import say

SID = "S-1-5-21-1004336348-1177238915-682003330-1001"
PYTHON = r"C:\Program Files\ingisfs\python\pythonw.exe"
ANYWHERE = "{" + NAMESPACE + "}"
ONLY_LINUX = pytest.mark.skipif(sys.platform == "win32", reason="systemd and its folders are Linux's")


class System:
    """Stands for the system's programs: answers as told, and notes what it was asked."""

    def __init__(self, **refused: str) -> None:
        self.asked: list[list[str]] = []
        self.refused = refused  # program, or program and its first argument with _, → what it says
        self.tasks: set[str] = set()
        self.values: set[tuple[str, str]] = set()  # key of the registry, name
        self.xml = b""

    def __call__(self, command: Sequence[str]) -> CompletedProcess[str]:
        self.asked.append(list(command))
        program, first = command[0], command[1].strip("/").lower()
        for key in (program, f"{program}_{first}"):
            if key in self.refused:
                return CompletedProcess(command, 1, "", self.refused[key])
        good = True
        if program == "whoami":
            return CompletedProcess(command, 0, f'"pc\\S-1-anna","{SID}"\n', "")
        if program == "schtasks":
            name = command[command.index("/TN") + 1]
            if first == "create":
                self.xml = Path(command[command.index("/XML") + 1]).read_bytes()
                self.tasks.add(name)
            good = name in self.tasks
            if first == "delete":
                self.tasks.discard(name)
        if program == "reg":
            value = (command[2], command[command.index("/v") + 1])
            good = first == "add" or value in self.values
            if first == "add":
                self.values.add(value)
            if first == "delete":
                self.values.discard(value)
        return CompletedProcess(command, 0 if good else 1, "", "" if good else "ERROR: not found")

    def of(self, program: str) -> list[list[str]]:
        return [command[1:] for command in self.asked if command[0] == program]


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing here touch this machine's own folders."""
    for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA", "PROGRAMDATA"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    monkeypatch.setenv("HOME", str(tmp_path))
    for module in (config, autostart):
        monkeypatch.setattr(module, "machine_folder", lambda: tmp_path / "machine")


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "with space" / "config.toml"
    path.parent.mkdir()
    path.write_text(f"[drives.king]\nstate = '{tmp_path / 'state'}'\n")
    return path


def elements(content: bytes) -> dict[str, str | None]:
    """Return what is in a task: path without namespaces → text."""
    found: dict[str, str | None] = {}

    def walk(element: ElementTree.Element, path: str) -> None:
        for child in element:
            assert child.tag.startswith(ANYWHERE), child.tag
            below = f"{path}{child.tag.removeprefix(ANYWHERE)}"
            assert below not in found, "an element is there once"
            found[below] = child.text
            walk(child, below + "/")

    root = ElementTree.fromstring(content.decode("utf-16").partition("\n")[2])
    assert root.tag == ANYWHERE + "Task"
    assert root.attrib == {"version": "1.2"}
    walk(root, "")
    return found


SETTINGS = {
    "MultipleInstancesPolicy": "IgnoreNew",
    "DisallowStartIfOnBatteries": "false",
    "StopIfGoingOnBatteries": "false",
    "AllowHardTerminate": "true",
    "StartWhenAvailable": "true",
    "RunOnlyIfNetworkAvailable": "false",
    "AllowStartOnDemand": "true",
    "Enabled": "true",
    "Hidden": "true",
    "RunOnlyIfIdle": "false",
    "ExecutionTimeLimit": "PT0S",
    "Priority": "4",
    "IdleSettings": None,
    "IdleSettings/StopOnIdleEnd": "false",
    "IdleSettings/RestartOnIdle": "false",
    "RestartOnFailure": None,
    "RestartOnFailure/Interval": "PT1M",
    "RestartOnFailure/Count": "999",
}


def common(trigger: str) -> dict[str, str | None]:
    return {
        "RegistrationInfo": None,
        "RegistrationInfo/Description": "ingisfs: keeps its drives mounted and delivers their documents.",
        "Triggers": None,
        f"Triggers/{trigger}": None,
        f"Triggers/{trigger}/Repetition": None,
        f"Triggers/{trigger}/Repetition/Interval": "PT5M",
        f"Triggers/{trigger}/Repetition/StopAtDurationEnd": "false",
        f"Triggers/{trigger}/Enabled": "true",
        "Principals": None,
        "Principals/Principal": None,
        "Settings": None,
        **{f"Settings/{name}": value for name, value in SETTINGS.items()},
        "Actions": None,
        "Actions/Exec": None,
        "Actions/Exec/Command": f'"{PYTHON}"',
    }


def test_the_task_of_the_machine_starts_at_boot_as_the_system() -> None:
    assert elements(task(PYTHON, ["-m", "ingisfs", "run", "--machine"], None)) == {
        **common("BootTrigger"),
        "Principals/Principal/UserId": "S-1-5-18",
        "Principals/Principal/RunLevel": "HighestAvailable",
        "Actions/Exec/Arguments": "-m ingisfs run --machine",
    }


def test_the_task_of_a_user_starts_at_their_log_on_without_more_rights_than_theirs() -> None:
    arguments = ["-m", "ingisfs", "run", "--config", r"C:\Users\Anna & Co\config.toml"]
    assert elements(task(PYTHON, arguments, SID)) == {
        **common("LogonTrigger"),
        "Triggers/LogonTrigger/UserId": SID,
        "Principals/Principal/UserId": SID,
        "Principals/Principal/LogonType": "InteractiveToken",
        "Principals/Principal/RunLevel": "LeastPrivilege",
        "Actions/Exec/Arguments": r'-m ingisfs run --config "C:\Users\Anna & Co\config.toml"',
    }


def test_a_task_is_written_as_task_scheduler_reads_it() -> None:
    content = task(PYTHON, ["-m", "ingisfs", "run"], SID)
    assert content[:2] in (b"\xff\xfe", b"\xfe\xff")
    assert content.decode("utf-16").startswith('<?xml version="1.0" encoding="UTF-16"?>\n<Task ')
    root = ElementTree.fromstring(content.decode("utf-16").partition("\n")[2])
    actions, principal = root.find(f"{ANYWHERE}Actions"), root.find(f".//{ANYWHERE}Principal")
    assert actions is not None
    assert principal is not None
    assert actions.attrib["Context"] == principal.attrib["id"] == "Author"


def windows(settings: Path, system: System, *, machine: bool = False, drives: Sequence[str] = ()) -> Autostart:
    return Autostart(
        settings, machine=machine, config=settings, drives=drives, runner=system, windows=True, interpreter=PYTHON
    )


def test_a_user_has_a_task_of_their_own_which_is_started_at_once(settings: Path) -> None:
    system = System()
    assert windows(settings, system, drives=["king"]).on().sentence == "autostart.on.user"
    name = f"ingisfs {SID}"
    create, started = system.of("schtasks")
    assert create[:4] == ["/Create", "/TN", name, "/XML"]
    assert create[5:] == ["/F"]
    assert not Path(create[4]).exists()
    assert started == ["/Run", "/TN", name]
    told = elements(system.xml)
    assert told["Triggers/LogonTrigger/UserId"] == SID
    line = subprocess.list2cmdline(["-m", "ingisfs", "run", "--config", str(settings), "--drive", "king"])
    assert told["Actions/Exec/Arguments"] == line
    assert f'"{settings}"' in line


def test_the_machine_has_one_task(settings: Path) -> None:
    system = System()
    assert windows(settings, system, machine=True).on().sentence == "autostart.on.machine"
    assert [command[:3] for command in system.of("schtasks")] == [
        ["/Create", "/TN", "ingisfs"],
        ["/Run", "/TN", "ingisfs"],
    ]
    assert elements(system.xml)["Principals/Principal/UserId"] == "S-1-5-18"
    assert system.of("whoami") == []


def test_a_user_whom_task_scheduler_refuses_is_started_by_the_registry(settings: Path) -> None:
    system = System(schtasks_create="ERROR: Access is denied.")
    told = windows(settings, system).on()
    assert told.sentence == "autostart.on.run-key"
    assert "Access is denied." in say("nl", told.sentence, path="x", **told.values)
    command = subprocess.list2cmdline([PYTHON, "-m", "ingisfs", "run", "--config", str(settings)])
    assert system.of("reg") == [["add", RUN_KEY, "/v", "ingisfs", "/t", "REG_SZ", "/d", command, "/f"]]
    assert command.startswith(f'"{PYTHON}" -m ingisfs run')


def test_the_registry_is_no_way_for_the_machine(settings: Path) -> None:
    system = System(schtasks_create="ERROR: Access is denied.")
    with pytest.raises(ConfigError) as refused:
        windows(settings, system, machine=True).on()
    assert (refused.value.sentence, refused.value.values) == ("login.machine", {"detail": "ERROR: Access is denied."})
    assert system.of("reg") == []


def test_what_task_scheduler_takes_later_is_no_longer_in_the_registry(settings: Path) -> None:
    system = System(schtasks_create="ERROR: Access is denied.")
    windows(settings, system).on()
    system.refused.clear()
    windows(settings, system).on()
    assert system.of("reg")[-1] == ["delete", RUN_KEY, "/v", "ingisfs", "/f"]
    assert system.values == set()


@pytest.mark.parametrize("machine", [False, True])
def test_the_icon_beside_the_clock_comes_at_log_on_and_goes_with_the_rest(settings: Path, machine: bool) -> None:
    system = System()
    started: list[Sequence[str]] = []

    def made(*, tray: bool) -> Autostart:
        return Autostart(
            settings,
            machine=machine,
            config=settings,
            runner=system,
            windows=True,
            interpreter=PYTHON,
            tray=tray,
            start=started.append,
        )

    assert made(tray=True).on().sentence.startswith("autostart.on.")
    assert made(tray=True).icon_comes_later is machine
    assert not made(tray=False).icon_comes_later
    key = MACHINE_RUN_KEY if machine else RUN_KEY
    more = ["--machine"] if machine else []
    command = subprocess.list2cmdline([PYTHON, "-m", "ingisfs", "tray", *more, "--config", str(settings)])
    assert ["add", key, "/v", TRAY_NAME, "/t", "REG_SZ", "/d", command, "/f"] in system.of("reg")
    # An administrator's icon would have their rights.
    expected = [] if machine else [command]
    assert [subprocess.list2cmdline(each) for each in started] == expected
    made(tray=False).off()
    assert system.values == set()


def test_an_icon_that_is_refused_keeps_no_drive_from_starting(settings: Path) -> None:
    system = System(reg="ERROR: Access is denied.")
    made = Autostart(
        settings, machine=False, runner=system, windows=True, interpreter=PYTHON, tray=True, start=lambda _: None
    )
    assert made.on().sentence == "autostart.on.user"


@pytest.mark.parametrize("refused", [{}, {"schtasks_create": "ERROR: Access is denied."}])
def test_off_takes_away_whatever_on_had_made(settings: Path, refused: dict[str, str]) -> None:
    system = System(**refused)
    windows(settings, system).on()
    assert system.tasks or system.values
    assert next(told.sentence for told in windows(settings, system).status()) == "autostart.status.on"
    assert windows(settings, system).off().sentence == "autostart.off.done"
    assert (system.tasks, system.values) == (set(), set())
    assert windows(settings, system).off().sentence == "autostart.off.already"
    assert next(told.sentence for told in windows(settings, system).status()) == "autostart.status.off"


def test_a_program_that_is_not_there_is_told_of(settings: Path) -> None:
    def none(command: Sequence[str]) -> CompletedProcess[str]:
        raise FileNotFoundError(2, "No such file", command[0])

    with pytest.raises(ConfigError) as refused:
        Autostart(settings, machine=False, runner=none, windows=True, interpreter=PYTHON).on()
    assert refused.value.sentence == "autostart.refused"
    assert refused.value.values == {"program": "whoami", "detail": "No such file"}


def test_a_configuration_without_drives_cannot_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        windows(tmp_path / "none.toml", System()).on()
    assert refused.value.sentence == "config.no-drives"
    with pytest.raises(ConfigError) as refused:
        windows(tmp_path / "none.toml", System(), machine=True).on()
    assert refused.value.sentence == "autostart.no-machine-drives"


def test_a_user_without_drives_of_their_own_is_not_started_with_the_machine_s(
    settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autostart, "machine_config_path", lambda: settings)
    system = System()
    with pytest.raises(ConfigError) as refused:
        windows(settings, system).on()
    assert refused.value.sentence == "autostart.of-machine"
    assert system.asked == []
    assert windows(settings, system, machine=True).on().sentence == "autostart.on.machine"


# ---- the machine's folder ----------------------------------------------------------------------------------------


def test_only_the_system_and_administrators_may_open_the_machine_s_folder_on_windows(tmp_path: Path) -> None:
    system = System()
    prepare_machine_folder(tmp_path / "a" / "king", system, windows=True)
    folder = str(tmp_path / "a" / "king")
    rights = ["*S-1-5-18:(OI)(CI)F", "*S-1-5-32-544:(OI)(CI)F"]
    assert system.asked == [
        ["icacls", folder, "/setowner", "*S-1-5-32-544", "/Q"],
        ["icacls", folder, "/inheritance:r", "/grant:r", *rights, "/Q"],
    ]
    assert Path(folder).is_dir()
    prepare_machine_folder(tmp_path / "a", system, windows=True, readable=True)
    assert system.asked[-1][4:-1] == [*rights, "*S-1-5-32-545:(OI)(CI)RX"]


def test_a_folder_whose_rights_cannot_be_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        prepare_machine_folder(tmp_path / "king", System(icacls="Access is denied."), windows=True)
    assert (refused.value.sentence, refused.value.values) == ("login.machine", {"detail": "Access is denied."})


def test_the_drives_of_the_machine_get_their_folders_before_they_start(tmp_path: Path, settings: Path) -> None:
    machine = tmp_path / "machine"
    settings.write_text(
        f"[drives.king]\nstate = '{machine / 'king'}'\n[drives.other]\nstate = '{tmp_path / 'elsewhere'}'\n"
    )
    system = System()
    windows(settings, system, machine=True).on()
    programs = [command[0] for command in system.asked]
    assert programs == ["icacls"] * 6 + ["schtasks"] * 2
    assert [Path(command[0]) for command in system.of("icacls")[1::2]] == [
        machine,
        machine / "keeper",
        machine / "king",
    ]
    readable = [any("RX" in word for word in command) for command in system.of("icacls")[1::2]]
    assert readable == [True, False, False]


@ONLY_LINUX
def test_the_machine_s_folder_is_its_owner_s_only_on_linux(tmp_path: Path) -> None:
    prepare_machine_folder(tmp_path / "king", System(), windows=False)
    assert (tmp_path / "king").stat().st_mode & 0o777 == 0o700
    prepare_machine_folder(tmp_path / "king", System(), windows=False, readable=True)
    assert (tmp_path / "king").stat().st_mode & 0o777 == 0o755


# ---- systemd -----------------------------------------------------------------------------------------------------


def linux(settings: Path, system: System, tmp_path: Path, *, machine: bool = False) -> Autostart:
    return Autostart(
        settings,
        machine=machine,
        config=settings,
        runner=system,
        windows=False,
        interpreter="/opt/ingisfs/bin/python3",
        units=tmp_path / "units",
        booted=tmp_path,
    )


def keys(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)  # a key is there once


def test_the_unit_of_the_machine_starts_at_boot_and_lets_the_couriers_finish() -> None:
    text = unit(["/opt/ingisfs/bin/python3", "-m", "ingisfs", "run", "--machine"], machine=True)
    assert keys(text) == {
        "Description": "ingisfs: keeps its drives mounted and delivers their documents",
        "Wants": "network-online.target",
        "After": "network-online.target",
        "StartLimitIntervalSec": "0",
        "Type": "exec",
        "ExecStart": "/opt/ingisfs/bin/python3 -m ingisfs run --machine",
        "Restart": "always",
        "RestartSec": "10",
        "KillMode": "process",
        "TimeoutStopSec": "90",
        "WantedBy": "multi-user.target",
    }
    assert [line for line in text.splitlines() if line.startswith("[")] == ["[Unit]", "[Service]", "[Install]"]


def test_the_unit_of_a_user_starts_when_they_log_on() -> None:
    found = keys(unit(["/usr/bin/python3", "-m", "ingisfs", "run"], machine=False))
    assert found["WantedBy"] == "default.target"
    assert "After" not in found  # a user's systemd knows no network


def test_a_path_with_anything_in_it_reaches_systemd_whole() -> None:
    command = ["/opt/my $py/bin/python3", "--config", '/home/a "b"/50%\\$x.toml']
    line = keys(unit(command, machine=False))["ExecStart"]
    assert line == r'"/opt/my $py/bin/python3" --config "/home/a \"b\"/50%%\\$$x.toml"'


@ONLY_LINUX
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("machine", [True, False])
def test_systemd_finds_nothing_wrong_with_a_unit(tmp_path: Path, machine: bool) -> None:
    python = tmp_path / "my $py" / "python3"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    file = tmp_path / "ingisfs.service"
    file.write_text(unit([str(python), "-m", "ingisfs", "run", "--config", '/a "b"/50%\\$x.toml'], machine=machine))
    scope = "--system" if machine else "--user"
    command = ["systemd-analyze", "verify", scope, "--man=no", str(file)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)},
    )
    assert "ingisfs" not in done.stderr + done.stdout, done.stderr
    assert done.returncode == 0, done.stderr


@ONLY_LINUX
@pytest.mark.parametrize("machine", [True, False])
def test_systemd_is_told_of_the_unit_and_starts_it_now(tmp_path: Path, settings: Path, machine: bool) -> None:
    system = System()
    told = linux(settings, system, tmp_path, machine=machine).on()
    assert told.sentence == ("autostart.on.machine" if machine else "autostart.on.user")
    scope = [] if machine else ["--user"]
    assert system.of("systemctl") == [[*scope, "daemon-reload"], [*scope, "enable", "--now", "ingisfs.service"]]
    text = (tmp_path / "units" / "ingisfs.service").read_text()
    assert f'--config "{settings}"' in text
    assert ("run --machine" in text) is machine
    linux(settings, system, tmp_path, machine=machine).on()
    assert [*scope, "restart", "ingisfs.service"] not in system.of("systemctl")


def test_a_unit_that_changed_is_started_anew(tmp_path: Path, settings: Path) -> None:
    system = System()
    linux(settings, system, tmp_path).on()
    file = tmp_path / "units" / "ingisfs.service"
    file.write_text(file.read_text().replace("python3", "python2"))
    linux(settings, system, tmp_path).on()
    assert system.of("systemctl")[-1] == ["--user", "restart", "ingisfs.service"]
    assert "python2" not in file.read_text()


def test_off_stops_the_unit_and_takes_it_away(tmp_path: Path, settings: Path) -> None:
    system = System()
    linux(settings, system, tmp_path).on()
    assert linux(settings, system, tmp_path).status()[0].values == {"how": str(tmp_path / "units" / "ingisfs.service")}
    system.asked.clear()
    assert linux(settings, system, tmp_path).off().sentence == "autostart.off.done"
    assert system.of("systemctl")[1:] == [
        ["--user", "disable", "--now", "ingisfs.service"],
        ["--user", "daemon-reload"],
    ]
    assert not (tmp_path / "units" / "ingisfs.service").exists()
    assert linux(settings, system, tmp_path).off().sentence == "autostart.off.already"


def test_what_systemd_refuses_is_told(tmp_path: Path, settings: Path) -> None:
    system = System(systemctl="Failed to connect to bus: No medium found")
    with pytest.raises(ConfigError) as refused:
        linux(settings, system, tmp_path).on()
    assert refused.value.sentence == "autostart.refused"
    assert "No medium found" in str(refused.value.values["detail"])


def test_without_systemd_a_person_is_told_what_to_have_started(tmp_path: Path, settings: Path) -> None:
    system = System()
    made = Autostart(
        settings,
        machine=False,
        config=settings,
        runner=system,
        windows=False,
        interpreter="/usr/bin/python3",
        units=tmp_path / "units",
        booted=tmp_path / "none",
    )
    with pytest.raises(ConfigError) as refused:
        made.on()
    assert refused.value.sentence == "autostart.no-systemd"
    assert refused.value.values["command"] == f"/usr/bin/python3 -m ingisfs run --config '{settings}'"
    assert not (tmp_path / "units").exists()
    assert made.off().sentence == "autostart.off.already"


@ONLY_LINUX
def test_units_lie_where_systemd_looks_for_them(tmp_path: Path) -> None:
    assert autostart._user_units() == tmp_path / "XDG_CONFIG_HOME" / "systemd" / "user"


def test_a_program_of_the_system_is_run_and_what_it_said_is_read() -> None:
    done = autostart.run_program(
        [sys.executable, "-c", "import sys; sys.stdout.buffer.write(b'a\\xff\\n'); sys.exit(3)"]
    )
    assert done.returncode == 3
    assert done.stdout.startswith("a")
