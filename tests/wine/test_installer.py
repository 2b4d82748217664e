"""The installer under Wine: installed, upgraded while documents wait, an older one refused, and removed.

Wine has neither a WinFsp nor a Task Scheduler that starts anything, so no drive is mounted here; a program that holds a
drive's lock, and ends when it is asked to, stands in for it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingisfs.outbox.intake import Intake, Rules
from ingisfs.outbox.outbox import Outbox
from scripts import build_installer
from scripts.windows_python import UnavailableError
from tests.documents import keep, pdf
from tests.servers import wait_for
from tests.wine.wine import Wine, compiled

OLD, NEW = "1.0rc1", "1.0"
PROGRAM = r"C:\Program Files\ingisfs"
PYTHON = PROGRAM + r"\python\python.exe"
STATE = r"C:\ProgramData\ingisfs\king"
UNINSTALL = r"Software\Microsoft\Windows\CurrentVersion\Uninstall\ingisfs"
ENVIRONMENT = r"SYSTEM\CurrentControlSet\Control\Session Manager\Environment"

# Runs on the installed Python, as a drive does.
STAND_IN = """
import sys, time
from pathlib import Path
from ingisfs.outbox.locks import FileLock
state = Path(sys.argv[1])
lock = FileLock(state / "drive.lock")
assert lock.acquire()
(state / "began").touch()
while not (state / "stop").exists():
    time.sleep(0.1)
(state / "ended").touch()
"""

# What only Windows tells: whose programs run from this folder, and whether all libraries are there and can be loaded:
# every package and module of each, and every part of it that is compiled.
LOOK = r"""
import importlib, importlib.metadata, json
from pathlib import Path
from ingisfs.installing import processes_in
program = Path(r'C:\Program Files\ingisfs')
failed, libraries = {}, {}
for library in importlib.metadata.distributions(path=[str(program / 'python' / 'site-packages')]):
    modules = set()
    packages = {file.parts[:-1] for file in library.files if file.name == '__init__.py'}
    for file in library.files:
        parts = file.parts
        if file.suffix == '.pyd':
            modules.add('.'.join([*parts[:-1], parts[-1].partition('.')[0]]))
        elif len(parts) == 1 and file.suffix == '.py':
            modules.add(file.stem)
        elif parts[:-1] in packages and parts[:-2] not in packages and len(parts) < 4:  # jaraco.classes, of many
            modules.add('.'.join(parts[:-1]))
    libraries[library.metadata['Name']] = len(modules)
    for module in sorted(modules):
        try:
            importlib.import_module(module)
        except BaseException as error:
            failed[module] = repr(error)
import keyring.backends.Windows, rich.console
import ingisfs.delivery.sftp, ingisfs.delivery.webdav, ingisfs.selftest.run, ingisfs.setup, ingisfs.stage.serve
import ingisfs.tray.drawing
ingisfs.tray.drawing.picture('bad')
print(json.dumps([sorted(processes_in(program).values()), libraries, failed]))
"""

IS_SHOWN = """
from ingisfs.config import tray_folder
from ingisfs.outbox.locks import is_locked
print(is_locked(tray_folder() / "lock"))
"""


@pytest.fixture(scope="module")
def setups(wine: Wine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two versions of the installer."""
    if told := build_installer.lacking():
        pytest.skip(f"no tests of the installer: {told}")
    output = tmp_path_factory.mktemp("setup")
    try:
        return {version: build_installer.build(output, version, quickly=True) for version in (OLD, NEW)}
    except UnavailableError as error:
        if "pip download" in str(error):
            pytest.skip(f"no tests of the installer: {error}")
        raise


@pytest.fixture
def disk(wine: Wine) -> Iterator[Path]:
    """Drive C: without ingisfs, before and afterwards."""
    c = wine.prefix / "drive_c"

    def clean() -> None:
        wine.end()  # else the registry is not the one that we change
        for folder in (*c.glob("Program Files/ingisfs*"), c / "ProgramData" / "ingisfs"):
            shutil.rmtree(folder, ignore_errors=not folder.exists())
        wine.run("cmd", "/c", rf"reg delete HKLM\{UNINSTALL} /f & reg delete HKLM\Software\ingisfs /f", timeout=60)

    clean()
    yield c
    clean()


def kept_document(state: Path) -> str:
    """Let a document wait in an outbox, as the drive leaves it; returns its id."""
    outbox = Outbox(state, settle=0.0)
    document = keep(outbox, "F2026-1.pdf", pdf())
    Intake(outbox, Rules(pair_wait=0.0)).settle()
    outbox.shut()
    return document


def test_what_waits_outlives_upgrade_and_removal_and_an_older_version_is_refused(
    wine: Wine, setups: dict[str, Path], disk: Path
) -> None:
    program = disk / "Program Files" / "ingisfs"
    state = disk / "ProgramData" / "ingisfs" / "king"
    config = state.parent / "config.toml"
    archived = state / "archive" / "2026-11" / "F2026-0.pdf"
    before = registry(wine)[0].removesuffix(f";{PROGRAM}")  # a test that failed may have left it

    def ingisfs(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        return wine.run(PROGRAM + r"\ingisfs.exe", *arguments, environment=environment, timeout=60)

    def waiting() -> list[str]:
        listed = ingisfs("queue", "list", "--json", "--state", STATE)
        return [each["name"] for each in json.loads(listed.stdout)]

    # Installed, and it works from there.
    assert wine.run(str(setups[OLD]), "/S", timeout=120).returncode == 0
    said = ingisfs("--version")
    assert (said.returncode, said.stdout.strip()) == (0, f"ingisfs, version {OLD}"), said.stderr
    assert ingisfs("status", "--nonsense").returncode == 2
    path, uninstall, own = registry(wine)
    assert path == f"{before};{PROGRAM}"
    assert uninstall["DisplayVersion"] == OLD
    assert uninstall["QuietUninstallString"] == rf'"{PROGRAM}\uninstall.exe" /S'
    assert int(uninstall["EstimatedSize"], 16) > 20_000, "kB"
    assert own == {"InstallDir": PROGRAM}
    menu = disk / "ProgramData/Microsoft/Windows/Start Menu/Programs/ingisfs"
    assert len(list(menu.glob("*.lnk"))) == 4
    assert (program / "licenses" / "winfsp" / "NOTICE.txt").read_text().startswith("WinFsp - Windows File System Proxy")
    assert {path.name for path in (program / "licenses").iterdir()} >= {"cpython", "asyncssh", "winfspy", "ingisfs"}

    # Work that must not be lost.
    archived.parent.mkdir(parents=True)
    archived.write_bytes(pdf())
    config.write_text('version = 1\n[drives.king]\nserver = "https://inbox.example.nl/"\nuser = "anna"\n')
    kept_document(state)
    assert waiting() == ["F2026-1.pdf"]

    # Upgraded, while a drive runs.
    (disk / "stand_in.py").write_text(STAND_IN)
    drive = wine.start(PYTHON, r"C:\stand_in.py", STATE)
    icon = wine.start(PYTHON, "-m", "ingisfs", "tray")
    others: list[subprocess.Popen[bytes]] = []
    icon_folder = next((disk / "users").glob("*/AppData")) / "Local" / "ingisfs" / ".tray"
    try:
        wait_for((state / "began").exists, "the stand-in for a drive", 60)
        wait_for((icon_folder / "lock").exists, "the icon beside the clock", 60)
        # Wine lacks it; see there.
        library = program / "python" / "bcryptprimitives.dll"
        compiled(Path(__file__).with_name("bcryptprimitives.c"), library, "-shared", libraries=["advapi32"])
        looked = wine.run(PYTHON, "-c", LOOK, timeout=60)
        assert looked.returncode == 0, looked.stderr
        running, libraries, failed = json.loads(looked.stdout)
        assert running == ["python.exe", "python.exe"]
        assert {build_installer.canonical(name) for name in libraries} == locked_names() | {"ingisfs"}
        assert min(libraries.values()) > 0, libraries
        # That looks for WinFsp; and there is neither tkinter in the embeddable Python nor need of it.
        assert set(failed) == {"winfspy", "winfspy.plumbing._bindings", "PIL._imagingtk"}, failed
        assert all("WinFsp" in failed[name] for name in failed if name.startswith("winfspy"))
        # Not to the end of its output: the icon that it shows again has it too.
        upgrade = wine.start(str(setups[NEW]), "/S")
        others.append(upgrade)
        assert upgrade.wait(120) == 0, setup_log(disk)
        assert (state / "ended").exists(), "the drive was not asked to end"
        assert drive.wait(60) == 0
        assert icon.wait(60) == 0
        assert not (icon_folder / "stop").exists()
        wait_for(lambda: "True" in wine.run(PYTHON, "-c", IS_SHOWN, timeout=60).stdout, "the icon to come back", 60)
    finally:
        wine.end()  # its own programs keep the pipes open
        for process in (drive, icon, *others):
            process.kill()
            process.communicate()
        (disk / "stand_in.py").unlink()
    assert not (state / "stop").exists(), "the drive is to come back"
    assert ingisfs("--version").stdout.strip() == f"ingisfs, version {NEW}"
    assert waiting() == ["F2026-1.pdf"]
    path, uninstall, _ = registry(wine)
    assert (path, uninstall["DisplayVersion"]) == (f"{before};{PROGRAM}", NEW)

    # An older one is refused, and changes nothing.
    assert wine.run(str(setups[OLD]), "/S", timeout=120).returncode == 2
    assert OLD in setup_log(disk).splitlines()[-1]
    assert json.loads((program / "installed.json").read_text()) == {"version": NEW}
    assert sorted(path.name for path in (disk / "Program Files").glob("ingisfs*")) == ["ingisfs"]

    # Removed; all that is a person's stays.
    (program / "note.txt").write_text("a person's")
    assert wine.run(PROGRAM + r"\uninstall.exe", "/S", timeout=120).returncode == 0
    # It goes on from a copy of itself.
    wait_for(lambda: not menu.exists() and not (program / "installed.json").exists(), "the removal", 60)
    wait_for(lambda: registry(wine) == (before, {}, {}), "the removal from the registry", 60)
    assert [each.name for each in program.iterdir()] == ["note.txt"]
    assert archived.read_bytes() == pdf()
    assert "anna" in config.read_text()
    assert "ProgramData" in setup_log(disk).splitlines()[-1]
    outbox = Outbox(state, settle=0.0)
    try:
        assert [document.name for document in outbox.documents("state = 'queued'")] == ["F2026-1.pdf"]
    finally:
        outbox.shut()


def test_the_bill_of_materials_tells_every_part_with_version_licence_and_hash(setups: dict[str, Path]) -> None:
    found = json.loads(setups[NEW].with_name(f"ingisfs-{NEW}.cdx.json").read_text())
    parts = {each["name"]: each for each in found["components"]}
    assert set(parts) == locked_names() | {"cpython", "openssl", "sqlite", "WinFsp"}
    assert parts["cpython"]["version"] == "3.11.9"
    assert parts["WinFsp"]["scope"] == "excluded"
    for name, part in parts.items():
        told = [
            each.get("expression") or each["license"].get("id") or each["license"]["name"] for each in part["licenses"]
        ]
        assert all(told), name
        assert "unknown" not in told, name
        if name != "WinFsp":
            assert part["version"] != "unknown"
            assert len(part["hashes"][0]["content"]) == 64
    known = {each["bom-ref"] for each in [*found["components"], found["metadata"]["component"]]}
    assert {ref for each in found["dependencies"] for ref in each["dependsOn"]} <= known


def locked_names() -> set[str]:
    """Return the libraries that are locked."""
    return {line.partition("==")[0] for line in build_installer.LOCK.read_text().splitlines() if "==" in line}


def registry(wine: Wine) -> tuple[str, dict[str, str], dict[str, str]]:
    """Return the machine's PATH, and the values of the keys for removal and of ingisfs itself.

    With one command, since under Wine each takes a second or two.
    """
    keys = [ENVIRONMENT, UNINSTALL, r"Software\ingisfs"]
    found: list[dict[str, str]] = [{} for _ in keys]
    script = wine.prefix / "drive_c" / "registry.bat"
    script.write_text("".join(f'@echo :{at}\r\n@reg query "HKLM\\{key}"\r\n' for at, key in enumerate(keys)))
    at = 0
    for line in wine.run("cmd", "/c", r"C:\registry.bat", timeout=60).stdout.splitlines():
        if line.startswith(":"):
            at = int(line[1:])
        elif told := re.fullmatch(r" +(\S+) +REG_[A-Z_]+ +(.*)", line):
            found[at][told[1]] = told[2].strip()
    script.unlink()
    return next(path for name, path in found[0].items() if name.upper() == "PATH"), found[1], found[2]


def setup_log(disk: Path) -> str:
    """Return what the installer has noted."""
    return next((disk / "users").glob("*/Temp/ingisfs-setup.log")).read_text("utf-8")
