"""What the installer decides, without Windows: versions, what runs, PATH, WinFsp; and what goes into it."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ingisfs import installing
from ingisfs.drive.registry import Registry
from ingisfs.installing import InUseError, Note, Programs, RefusedError, install_winfsp, version_key
from ingisfs.outbox.locks import FileLock
from scripts import build_installer, windows_python, windows_wheels
from tests.servers import wait_for


class Runner:
    """Stands in for Windows' programs: `codes` by a part of the command, else 0."""

    def __init__(self, codes: dict[str, int] | None = None, said: str = "") -> None:
        self.codes, self.said = codes or {}, said
        self.commands: list[list[str]] = []
        self.variables: dict[str, str] = {}

    def __call__(self, command: Sequence[str], **variables: str) -> subprocess.CompletedProcess[str]:
        self.commands.append(list(command))
        self.variables |= variables
        line = " ".join(command)
        code = next((code for part, code in self.codes.items() if part in line), 0)
        return subprocess.CompletedProcess(command, code, self.said, "")

    def ran(self, part: str) -> bool:
        """Tell whether a command with this in it ran."""
        return any(part in " ".join(command) for command in self.commands)


def installed(folder: Path, version: str) -> Path:
    """Make a folder as the installer leaves it."""
    folder.mkdir()
    (folder / "installed.json").write_text(f'{{"version": "{version}"}}')
    return folder


LOCAL = "AppData/Local/ingisfs"
ANNA, BERT = "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002"


@pytest.fixture(autouse=True)
def nothing_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the folders of a test are looked into."""
    monkeypatch.setattr(installing, "machine_folder", lambda: tmp_path / "machine")
    monkeypatch.setattr(installing, "user_data_folder", lambda: tmp_path / "nobody")
    monkeypatch.setattr(installing, "tray_folder", lambda: tmp_path / "anna" / LOCAL / ".tray")
    monkeypatch.setattr(installing, "machine_config_path", lambda: tmp_path / "machine" / "config.toml")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "nobody"))


def drive(tmp_path: Path) -> Path:
    """Make the state folder of a drive of Anna's."""
    state = tmp_path / "anna" / LOCAL / "king"
    (state / "outbox").mkdir(parents=True)
    return state


def keeper(tmp_path: Path) -> Path:
    """Make the folder of a keeper of Anna's."""
    folder = tmp_path / "anna" / LOCAL / "keepers" / "0123456789abcdef"
    folder.mkdir(parents=True)
    return folder


def programs(
    program: Path,
    runner: Runner,
    *,
    left: Callable[[Path], dict[int, str]] = lambda _: {},
    limit: float = 0.3,
    icon: Path | None = None,
) -> Programs:
    users = {ANNA: program.parent / "anna", BERT: program.parent / "bert"}
    return Programs(program, runner, users=lambda: users, processes=left, limit=limit, icon=icon)


# ---- versions ----------------------------------------------------------------------------------------------------


def test_versions_are_compared_as_people_mean_them() -> None:
    ordered = ["0.1.dev1", "0.1a1", "0.1rc1", "0.1", "0.1.1", "0.2rc1", "0.2rc2", "0.2.0", "0.10", "1"]
    assert sorted(ordered, key=version_key) == ordered
    assert version_key("0.2") == version_key("0.2.0")
    with pytest.raises(ValueError, match="not a version"):
        version_key("latest")


def test_an_older_version_a_second_one_and_a_folder_of_others_are_refused(tmp_path: Path) -> None:
    program = installed(tmp_path / "ingisfs", "0.10")
    for version in ("0.10", "0.11"):
        installing.may_install(program, version, program)
    with pytest.raises(RefusedError, match="older"):
        installing.may_install(program, "0.9", program)
    with pytest.raises(RefusedError, match="elsewhere"):
        installing.may_install(tmp_path / "other", "0.11", program)
    installing.may_install(tmp_path / "other", "0.11", tmp_path / "gone")
    (tmp_path / "full").mkdir()
    installing.may_install(tmp_path / "full", "0.11", None)
    (tmp_path / "full" / "letter.txt").touch()
    with pytest.raises(RefusedError, match="not-ours"):
        installing.may_install(tmp_path / "full", "0.11", None)


# ---- what runs ---------------------------------------------------------------------------------------------------


def test_keepers_and_drives_are_asked_to_end_in_this_order_and_come_back_afterwards(tmp_path: Path) -> None:
    program, runner = installed(tmp_path / "ingisfs", "0.1"), Runner()
    state, folder = drive(tmp_path), keeper(tmp_path)
    kept, runs = FileLock(folder / "lock"), FileLock(state / "drive.lock")
    assert kept.acquire()
    assert runs.acquire()

    def serve() -> None:
        wait_for((folder / "stop").exists, "the wish that the keeper ends", 30)
        early.append((state / "stop").exists())
        kept.close()
        wait_for((state / "stop").exists, "the wish that the drive ends", 30)
        runs.close()

    early: list[bool] = []
    server = threading.Thread(target=serve)
    server.start()
    note_file = tmp_path / "ran.json"
    mine = programs(program, runner, limit=30)
    installing.before(mine, "0.2", program, note_file)
    server.join()
    assert early == [False]
    task = f"ingisfs {ANNA}"
    assert Note.read(note_file) == Note(False, True, {str(folder): task}, [str(state)])
    assert not runner.ran("/Run")

    installing.after(mine, "en", note_file, tmp_path, change_path=lambda _: None, install=no_winfsp)
    assert not (state / "stop").exists()
    assert not (folder / "stop").exists()
    assert ["schtasks", "/Run", "/TN", task] in runner.commands


@pytest.mark.parametrize("whose", ["anna", "bert"])
def test_an_icon_beside_the_clock_is_asked_to_end_and_comes_back_without_an_administrators_rights(
    tmp_path: Path, whose: str
) -> None:
    program, runner, note_file = installed(tmp_path / "ingisfs", "0.1"), Runner(), tmp_path / "ran.json"
    folder, shortcut = tmp_path / whose / LOCAL / ".tray", tmp_path / "icon.lnk"
    folder.mkdir(parents=True)
    shortcut.touch()
    shown = FileLock(folder / "lock")
    assert shown.acquire()

    def serve() -> None:
        wait_for((folder / "stop").exists, "the wish that the icon ends", 60)
        shown.close()

    server = threading.Thread(target=serve)
    server.start()
    mine = programs(program, runner, limit=60, icon=shortcut)
    installing.before(mine, "0.2", program, note_file)
    server.join()
    assert not runner.ran("explorer.exe")
    installing.after(mine, "en", note_file, tmp_path, change_path=lambda _: None, install=no_winfsp)
    assert not (folder / "stop").exists()
    started = [command for command in runner.commands if command[0].endswith(r"\explorer.exe")]
    assert started == ([[installing.WINDOWS + r"\explorer.exe", str(shortcut)]] if whose == "anna" else [])


def test_an_icon_that_does_not_end_refuses_the_upgrade(tmp_path: Path) -> None:
    program, folder = installed(tmp_path / "ingisfs", "0.1"), tmp_path / "anna" / LOCAL / ".tray"
    folder.mkdir(parents=True)
    shown = FileLock(folder / "lock")
    assert shown.acquire()
    try:
        with pytest.raises(InUseError) as refused:
            installing.before(programs(program, Runner()), "0.2", program, tmp_path / "ran.json")
    finally:
        shown.close()
    assert str(folder) in str(refused.value.values["users"])
    assert not (folder / "stop").exists()


def test_where_another_user_says_that_a_drive_is_an_administrator_does_not_look(tmp_path: Path) -> None:
    state, elsewhere = drive(tmp_path), tmp_path / "elsewhere"
    (elsewhere / "outbox").mkdir(parents=True)
    Registry(tmp_path / "anna" / LOCAL / "ingisfs" / "mounted").add("X:", elsewhere, 1)
    assert installing.outboxes({ANNA: tmp_path / "anna"}) == [state]
    Registry(tmp_path / "machine" / "mounted").add("Y:", elsewhere, 1)
    assert installing.outboxes({ANNA: tmp_path / "anna"}) == sorted([state, elsewhere])


def test_a_drive_that_nothing_starts_again_is_told_of(tmp_path: Path) -> None:
    state = drive(tmp_path)
    Note(False, False, {}, [str(state)]).write(tmp_path / "ran.json")
    mine = programs(tmp_path / "ingisfs", Runner())
    _, said = installing.after(
        mine, "en", tmp_path / "ran.json", tmp_path, change_path=lambda _: None, install=no_winfsp
    )
    assert any(str(state) in line for line in said)


def no_winfsp(_: Path, __: Path) -> None:
    """Nothing to be said about it."""


def test_a_drive_that_does_not_end_refuses_the_upgrade_and_goes_on(tmp_path: Path) -> None:
    program, state, runner = installed(tmp_path / "ingisfs", "0.1"), drive(tmp_path), Runner()
    lock = FileLock(state / "drive.lock")
    assert lock.acquire()
    try:
        with pytest.raises(InUseError) as refused:
            installing.before(programs(program, runner), "0.2", program, tmp_path / "ran.json")
    finally:
        lock.close()
    assert refused.value.code == 3
    assert not (state / "stop").exists()


def test_a_courier_that_still_works_is_waited_for(tmp_path: Path) -> None:
    program, state = installed(tmp_path / "ingisfs", "0.1"), drive(tmp_path)
    lock = FileLock(state / "courier.lock")
    assert lock.acquire()
    try:
        with pytest.raises(InUseError):
            programs(program, Runner()).end(Note())
    finally:
        lock.close()


def test_a_program_of_ours_that_stays_is_named(tmp_path: Path) -> None:
    program, runner = installed(tmp_path / "ingisfs", "0.1"), Runner()
    with pytest.raises(InUseError) as refused:
        installing.before(
            programs(program, runner, left=lambda _: {77: "python.exe"}), "0.2", program, tmp_path / "ran.json"
        )
    assert "python.exe 77" in str(refused.value.values)
    assert refused.value.stopped == []


def test_whose_drive_was_ended_for_an_upgrade_that_is_refused_is_told_to_mount_it_again(tmp_path: Path) -> None:
    program, state = installed(tmp_path / "ingisfs", "0.1"), drive(tmp_path)
    lock = FileLock(state / "drive.lock")
    assert lock.acquire()

    def end_when_asked() -> None:
        wait_for((state / "stop").exists, "the drive to be asked", 60)
        lock.close()

    ending = threading.Thread(target=end_when_asked)
    ending.start()
    stays = programs(program, Runner(), left=lambda _: {77: "python.exe"}, limit=5.0)
    with pytest.raises(InUseError) as refused:
        installing.before(stays, "0.2", program, tmp_path / "ran.json")
    ending.join()
    assert "python.exe 77" in str(refused.value.values)
    assert refused.value.stopped == [str(state)]


def test_who_has_switched_autostart_off_finds_it_off_after_an_upgrade(tmp_path: Path) -> None:
    for known, fresh, expected in ((1, False, False), (0, False, True), (1, True, True)):
        runner = Runner({"/Query": known})
        note = Note(fresh=fresh)
        mine = programs(tmp_path / "ingisfs", runner)
        mine.end(note)
        note.write(tmp_path / "ran.json")
        installing.after(mine, "nl", tmp_path / "ran.json", tmp_path, change_path=lambda _: None, install=no_winfsp)
        assert runner.ran("autostart on --machine") is expected


def test_autostart_that_cannot_be_switched_on_is_told_and_does_not_fail(tmp_path: Path) -> None:
    Note(fresh=True).write(tmp_path / "ran.json")
    code, said = installing.after(
        programs(tmp_path / "ingisfs", Runner({"autostart": 1})),
        "en",
        tmp_path / "ran.json",
        tmp_path,
        change_path=lambda _: None,
        install=no_winfsp,
    )
    assert code == 0
    assert any("autostart on --machine" in line for line in said)


def test_what_could_not_be_done_after_all_is_told_and_has_a_code(tmp_path: Path) -> None:
    def refuse(_: object) -> None:
        raise PermissionError("no rights")

    Note().write(tmp_path / "ran.json")
    mine = programs(tmp_path / "ingisfs", Runner())
    code, said = installing.after(mine, "en", tmp_path / "ran.json", tmp_path, change_path=refuse, install=no_winfsp)
    assert code == 4
    assert "no rights" in said[0]


def test_removal_ends_what_runs_and_switches_autostart_off(tmp_path: Path) -> None:
    runner = Runner()
    changes: list[Callable[[str], str]] = []
    program, state = installed(tmp_path / "ingisfs", "0.1"), drive(tmp_path)
    said = installing.remove(programs(program, runner), "nl", change_path=changes.append)
    assert runner.ran("autostart off --machine")
    assert ["schtasks", "/Delete", "/TN", f"ingisfs {ANNA}", "/F"] in runner.commands
    run_key = rf"HKU\{BERT}\Software\Microsoft\Windows\CurrentVersion\Run"
    assert ["reg", "delete", run_key, "/v", "ingisfs tray", "/f"] in runner.commands
    assert changes[0](f"C:\\a;{program};C:\\b") == "C:\\a;C:\\b"
    assert str(state) in said[-1], "where everything stays"


# ---- PATH --------------------------------------------------------------------------------------------------------


def test_a_path_of_any_length_is_kept_as_it_was() -> None:
    long = ";".join(f"%ProgramFiles%\\Tool {number}" for number in range(300)) + ";;"
    ours = r"C:\Program Files\ingisfs"
    added = installing.path_with(long, ours)
    assert added == long + ours
    assert installing.path_with(added, ours + "\\") == added, "once"
    assert installing.path_with(r'"c:\program files\INGISFS";C:\x', ours) == r'"c:\program files\INGISFS";C:\x'
    assert installing.path_without(added, ours) == long.removesuffix(";")
    assert installing.path_with("", ours) == ours
    assert installing.path_without(r"C:\Program Files\ingisfs-other", ours) == r"C:\Program Files\ingisfs-other"


# ---- WinFsp ------------------------------------------------------------------------------------------------------


def msi(folder: Path) -> Path:
    """Put two of WinFsp's installers into a folder; returns where they are checked."""
    for name in ("winfsp-2.0.23075.msi", "winfsp-2.1.25156.msi", "other.msi"):
        (folder / name).write_bytes(name.encode())
    work = folder / "work"
    work.mkdir()
    return work


@pytest.mark.parametrize(("present", "runs"), [(None, True), ((2, 1), True), ((2, 2), False), ((3, 0), False)])
def test_winfsp_is_installed_where_it_lacks_or_is_too_old(
    tmp_path: Path, present: tuple[int, int] | None, runs: bool
) -> None:
    work = msi(tmp_path)
    runner = Runner(said="Valid\nCN=Somebody\n")
    assert install_winfsp(tmp_path, work, runner, lambda: present) is None
    installs = [command for command in runner.commands if command[0] == "msiexec"]
    expected = ["msiexec", "/i", str(work / "winfsp-2.1.25156.msi"), "/qn", "/norestart"]
    assert installs == ([expected] if runs else [])
    if runs:
        assert runner.variables["INGISFS_MSI"] == expected[2], "what is checked is what is run"
    assert list(work.iterdir()) == []


@pytest.mark.parametrize("said", ["NotSigned\n\n", "HashMismatch\nCN=Somebody\n", "Valid\n\n", ""])
def test_an_installer_of_winfsp_without_a_valid_signature_is_never_run(tmp_path: Path, said: str) -> None:
    work = msi(tmp_path)
    runner = Runner(said=said)
    told = install_winfsp(tmp_path, work, runner, lambda: None)
    assert told is not None
    assert told[0] == "installer.winfsp-unsigned"
    assert not runner.ran("msiexec")


def test_what_msiexec_answers_is_told(tmp_path: Path) -> None:
    work = msi(tmp_path)
    for code, expected in ((1603, "installer.winfsp-failed"), (3010, "installer.restart")):
        told = install_winfsp(tmp_path, work, Runner({"msiexec": code}, "Valid\nCN=Somebody\n"), lambda: None)
        assert told is not None
        assert told[0] == expected
    assert install_winfsp(work, work, Runner(), lambda: None) == ("installer.no-winfsp", {"least": "2.2"})


def test_a_shortcut_asks_for_an_administrators_rights(tmp_path: Path) -> None:
    link = tmp_path / "x.lnk"
    link.write_bytes(bytes(range(76)))
    installing.elevate_shortcut(link)
    assert link.read_bytes()[0x15] == 0x15 | 0x20
    assert len(link.read_bytes()) == 76


def test_a_step_that_is_refused_says_so_and_ends_with_its_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program, log = installed(tmp_path / "ingisfs", "0.10"), tmp_path / "log.txt"
    command = ["before", "--program", str(program), "--version", "0.9", "--previous", "", "--log", str(log)]
    assert installing.main([*command, "--note", str(tmp_path / "ran.json"), "--language", "nl"]) == 2
    said = capsys.readouterr().out
    assert "0.10" in said
    assert said.strip() in log.read_text()


def test_the_installers_sentences_have_letters_that_its_window_has() -> None:
    from ingisfs.report.installer_sentences import SENTENCES

    for sentence in SENTENCES.values():
        for text in sentence.values():
            text.encode("cp1252")
            assert len(text) < 500, "it shows 1,024 characters of all"


# ---- what goes in --------------------------------------------------------------------------------------------------


def test_every_library_is_locked_by_its_hash() -> None:
    from packaging.requirements import Requirement

    lines = [line for line in build_installer.LOCK.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert lines == sorted(lines)
    locked = {}
    for line in lines:
        found = re.fullmatch(r"([a-z0-9-]+)==(\S+) --hash=sha256:[0-9a-f]{64}", line)
        assert found is not None, line
        locked[found[1]] = found[2]
    wanted = [Requirement(line) for line in windows_python.requirements(build_installer.EXTRAS)]
    for each in wanted:
        if build_installer._ours(each.name):
            assert each.specifier.contains(locked[build_installer.canonical(each.name)]), each
    assert windows_wheels.WHEEL in lines
    assert not {"jeepney", "secretstorage", "mfusepy", "pytest"} & set(locked)


def test_a_version_has_four_numbers_in_windows_resources() -> None:
    assert build_installer.numbers("0.1.0") == "0.1.0.0"
    assert build_installer.numbers("1.2rc3") == "1.2.0.0"
