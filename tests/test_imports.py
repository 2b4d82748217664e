"""The rule that the layout shows: drive -> outbox <- delivery; report reads the outbox; nobody imports sideways."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "ingisfs"

#: part of the package → the parts it may import
ALLOWED: dict[str, set[str]] = {
    "outbox": {"outbox", "clock", "crashpoints", "names"},
    "drive": {"drive", "outbox", "config", "names", "clock", "crashpoints", "logs", "processes"},
    "delivery": {
        *("delivery", "alarms", "outbox", "config", "credentials", "names", "clock", "crashpoints", "logs"),
        *("processes", ""),
    },
    "alarms": {"alarms", "outbox", "report", "config", "credentials", "clock", "settings_file", "windows"},
    "report": {"report", "outbox", "names", "clock"},
    "stage": {"stage", "crashpoints", ""},
    "selftest": {"selftest", "report", "config", "names", ""},  # a program like any other, outside of the drive
    "names": set(),
    "clock": set(),
    "crashpoints": set(),
    "logs": set(),
    "config": {"names"},
    "credentials": {"config", "settings_file", "windows"},
    "settings_file": {"config"},
    "windows": set(),
    "processes": set(),
    "letters": {"config", "windows"},
}

ONLY_HERE = {
    "asyncssh": "delivery/sftp.py stage/sftp.py",
    "ftplib": "delivery/ftps.py",
    "diskcache": "outbox/store.py",
    "httpx": "delivery/login.py delivery/portal.py delivery/wire.py",
    "jeepney": "alarms/desktop.py",
    "mfusepy": "drive/fuse.py",
    "pystray": "tray/drawing.py",
    "winfspy": "drive/winfsp.py",
}


def modules() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.py"))


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            assert node.module is not None
            found.add(node.module)
            if node.module == "ingisfs":
                found.update(f"ingisfs.{alias.name}" for alias in node.names if not alias.name.startswith("_"))
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_import_in_one_direction_only(path: Path) -> None:
    part = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if part not in ALLOWED:
        return  # cli, mounting: put the parts together
    for name in imports(path):
        if name.split(".")[0] == "ingisfs":
            target = ([*name.split("."), ""])[1]
            assert target in ALLOWED[part] | {""}, f"{part} may not import {name}"


@pytest.mark.parametrize(("library", "place"), sorted(ONLY_HERE.items()))
def test_a_library_behind_one_module_is_imported_there_alone(library: str, place: str) -> None:
    users = [p for p in modules() if any(name.split(".")[0] == library for name in imports(p))]
    assert [path.relative_to(ROOT).as_posix() for path in users] == place.split()
