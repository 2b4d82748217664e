"""The tests that do not need Linux, on Windows' Python under Wine; the host's among them, with winfspy as installed.

What is not in `RUNS` cannot run there: FUSE and what is mounted with it, servers that are Linux's, kills by signals.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest

from ingisfs.outbox.intake import Intake, Rules
from ingisfs.outbox.outbox import Outbox
from ingisfs.outbox.reading import ReadOnlyOutbox
from scripts.windows_python import UnavailableError, prepare
from tests.documents import keep
from tests.mounts import drive
from tests.servers import stage_server, wait_for
from tests.wine.wine import Wine, compiled, windows_path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
AMSTERDAM = "CET-1CEST"  # as Windows' C library has it


@dataclass(frozen=True)
class Run:
    """Tests that run together, in a process of their own."""

    name: str
    paths: tuple[str, ...]
    least: int  # so many must pass
    left_out: Mapping[str, str] = field(default_factory=dict)  # part of a test's name → why it cannot pass there
    only: str = ""  # of the rest; as pytest's -k
    long: bool = False  # only when all is tested


RUNS = [
    Run(
        "host",
        ("tests/winfsp",),
        170,
        {"test_every_error_has_a_status_as_it_has_a_number": "compares with the host for Linux"},
    ),
    Run(
        "outbox",
        (
            "tests/outbox",
            "tests/drive/test_buffer.py",
            "tests/drive/test_names.py",
            "tests/drive/test_volume.py",
        ),
        400,
        {
            "test_every_commit_is_one_sync_of_the_log": "strace",
            "test_nothing_is_acknowledged_into_a_log_that_was_replaced": "an open file stays on Windows",
            "only_its_owner_sees": "modes",
            "test_the_folder_is_its_owners_only": "modes",
            "full_disk_is_told": "mounts a small disk",
            "a_disk_without_room_for_the_log": "mounts a small disk",
            "test_a_sample_pdf_cut_anywhere": "8 s; only bytes",
        },
    ),
    Run(
        "delivery",
        ("tests/delivery/test_courier.py", "tests/delivery/test_reprints.py", "tests/delivery/test_webdav.py"),
        60,
        {
            "apache_server": "a server for Linux",
            "nginx_server": "a server for Linux",
            "wsgidav_server": "20 s; the stage shows the same",
            "stage_server": "20 s: a run of its own",
            "test_an_unknown_certificate_needs_a_person": "openssl",
            "test_a_run_of_300_printed_again": "9 s; the smaller ones show the same",
            "test_the_inbox_may_lie_in_a_folder_with_any_name": "owners of Linux",
            "test_a_disk_that_is_full": "12 s; only made to be full, the code is the same",
        },
    ),
    Run(
        "set-up",
        ("tests/test_setup.py",),
        60,
        {
            "apache_server": "a server for Linux",
            "nginx_server": "a server for Linux",
            "wsgidav_server": "8 s; the stage shows the same",
            "test_a_link_to_the_file_stays_a_link": "links need a right there",
            "test_an_sftp_drive_is_set_up_with_its_host_key": "OpenSSH on Linux",
            "test_the_host_key_is_shown_and_pinned": "OpenSSH on Linux",
            "test_nothing_typed_as_a_password_shows_on_the_screen": "a terminal of Linux",
        },
    ),
    Run("windows", ("tests/test_letters.py", "tests/test_windows.py", "tests/test_autostart.py"), 95),
    Run("faults", ("tests/delivery/test_faults.py",), 8, only="move and stays", long=True),  # all pass, in 100 s
    Run("real server", ("tests/delivery/test_webdav.py",), 5, only="stage_server and not any_name", long=True),
    Run(
        "people",
        ("tests/report/test_console.py", "tests/report/test_text.py", "tests/report/test_history.py"),
        40,
        {
            "test_progress_in_a_terminal_is_a_bar": "Wine's console has other lines",
            "test_a_watch_has_a_bar": "Wine's console has other lines",
        },
    ),
    Run(
        "all that people read",
        ("tests/report", "tests/test_king.py", "tests/test_imports.py"),
        580,
        {
            "test_progress_in_a_terminal_is_a_bar": "Wine's console has other lines",
            "test_a_watch_has_a_bar": "Wine's console has other lines",
        },
        long=True,
    ),
]


@pytest.fixture(scope="session")
def python(wine: Wine) -> list[str]:
    """Windows' Python, and beside it a library that Wine lacks."""
    try:
        folder = prepare()
    except UnavailableError as error:
        pytest.skip(f"no tests on Windows' Python: {error}")
    compiled(HERE / "bcryptprimitives.c", folder / "bcryptprimitives.dll", "-shared", libraries=["advapi32"])
    return [str(folder / "python.exe"), "-X", "utf8"]


@pytest.fixture(scope="session")
def winfsp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a WinFsp that is ours: see winfsp_stub.c."""
    folder = tmp_path_factory.mktemp("winfsp")
    (folder / "bin").mkdir()
    compiled(HERE / "winfsp_stub.c", folder / "bin" / "winfsp-x64.dll", "-shared")
    return folder


@pytest.mark.parametrize(
    "run", [pytest.param(run, id=run.name, marks=[pytest.mark.long] if run.long else []) for run in RUNS]
)
def test_on_windows_python(run: Run, wine: Wine, python: list[str], winfsp: Path, tmp_path: Path) -> None:
    options = ["-q", "-rfE", "-p", "no:cacheprovider", "--color=no", f"--basetemp={windows_path(tmp_path / 'tmp')}"]
    options += ["--hypothesis-profile=ci"]  # no time limit for one example
    chosen = [*([f"({run.only})"] if run.only else []), *(f"not {name}" for name in run.left_out)]
    if chosen:
        options += ["-k", " and ".join(chosen)]
    environment = {"WINFSP_LIBRARY_PATH": windows_path(winfsp), "TZ": AMSTERDAM, "INGISFS_LANGUAGE": "nl"}
    done = wine.run(*python, "-m", "pytest", *options, *run.paths, environment=environment, cwd=ROOT)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    passed = re.search(r"([0-9]+) passed", told)
    assert passed is not None, told
    assert int(passed[1]) >= run.least, told


def test_the_keeper_goes_on_when_a_drive_cannot_be_mounted_and_ends_when_asked(
    wine: Wine, python: list[str], winfsp: Path, tmp_path: Path
) -> None:
    """There is no WinFsp here that makes a drive letter: this shows the keeper without signals, mounts and systemd."""
    config = tmp_path / "config.toml"
    state = windows_path(tmp_path / "state")
    config.write_text(f"[drives.king]\nserver='http://127.0.0.1:9/'\nuser='u'\nmountpoint='X:'\nstate='{state}'\n")
    environment = {
        "INGISFS_LANGUAGE": "nl",
        "INGISFS_PASSWORD": "secret",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "WINFSP_LIBRARY_PATH": windows_path(winfsp),
    }
    local = wine.prefix / "drive_c" / "users"
    command = ["-m", "ingisfs", "run", "--config", windows_path(config)]
    process = wine.start(*python, *command, environment=environment, cwd=ROOT)
    try:
        logs = f"*/AppData/Local/ingisfs/keepers/{sha256(windows_path(config).encode()).hexdigest()[:16]}/log/*.log"
        wait_for(lambda: any("drive king: " in log.read_text() for log in local.glob(logs)), "the keeper to tell", 60)
        end = f"from pathlib import Path; from ingisfs import running; print(running.stop(Path(r'{command[-1]}')))"
        done = wine.run(*python, "-c", end, environment=environment, cwd=ROOT)
        assert done.stdout.strip() == "True", done.stderr
        said, complained = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert "De schijven king blijven gekoppeld" in said.decode()
    told = complained.decode()
    assert told.count("drive king is gone") == 1
    assert "Path not found" in told  # what Windows says to WinFsp, and not what came of it in our own process
    assert "no window" not in told


def test_the_commands_speak_on_a_console_that_has_few_letters(
    wine: Wine, python: list[str], winfsp: Path, tmp_path: Path
) -> None:
    outbox = Outbox(tmp_path / "state", settle=0.0)
    held = [keep(outbox, name, b"") for name in ("Račun € 1.pdf", "F2.pdf")]
    Intake(outbox, Rules()).settle()
    outbox.shut()

    def ingisfs(*command: str, encoding: str = "cp1252") -> subprocess.CompletedProcess[bytes]:
        state = ["--state", windows_path(tmp_path / "state")]
        environment = {
            "INGISFS_LANGUAGE": "nl",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "WINFSP_LIBRARY_PATH": windows_path(winfsp),
        }
        options = ["-X", "utf8"] if encoding == "utf-8" else []
        process = wine.start(python[0], *options, "-m", "ingisfs", *command, *state, environment=environment, cwd=ROOT)
        said, complained = process.communicate(timeout=60)
        return subprocess.CompletedProcess(command, process.returncode, said, complained)

    told = ingisfs("status")
    assert (told.returncode, told.stderr) == (3, b"")
    assert "Ra?un € 1.pdf" in told.stdout.decode("cp1252")
    listed = ingisfs("queue", "list", "--json", encoding="utf-8")
    assert [each["name"] for each in json.loads(listed.stdout)] == ["Račun € 1.pdf", "F2.pdf"], listed.stderr
    assert ingisfs("queue", "withdraw", held[0]).returncode == 0
    again = ReadOnlyOutbox(tmp_path / "state")
    try:
        assert [str(document.state) for document in again.documents("1 ORDER BY number")] == ["withdrawn", "held"]
    finally:
        again.close()
    assert b"withdrawn by a person" in ingisfs("history", "--csv").stdout


def test_the_save_patterns_run_on_a_drive_letter(wine: Wine, python: list[str], tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with (
        stage_server(tmp_path) as server,
        drive(tmp_path / "drive", server.url, server.user, server.password, settle=3.0, pair_wait=5.0) as mounted,
    ):
        wine.letter("x", mounted.mountpoint)
        try:
            options = ["--only", "*renamed*", "--json", "--report", windows_path(report)]
            done = wine.run(*python, "-m", "ingisfs", "selftest", "X:", *options, cwd=ROOT)
        finally:
            wine.letter("x", None)
        told = json.loads(report.read_text("utf-8"))
        assert done.returncode == 0, [each for each in told["patterns"] if each["result"] == "failed"]
        assert told["passed"] > 10, told
        assert "Wine" in told["system"]
        received = [document["name"] for document in server.received()]
        assert len(received) == len(set(received)) == mounted.status()["counts"]["delivered"]
