"""Several drives of one machine: mounted and unmounted together, each for itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.documents import pdf
from tests.mounts import Drive
from tests.servers import Server, free_port, wait_for, wsgidav_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with wsgidav_server(tmp_path / "server") as made:
        yield made


@dataclass
class Several:
    """Two drives of one configuration file."""

    base: Path
    drives: dict[str, Drive]

    def configure(self, **more: Mapping[str, object]) -> None:
        """Write the file; `more` changes the settings of single drives."""
        lines = []
        for name, drive in self.drives.items():
            values = {
                "server": drive.url,
                "user": drive.user,
                "mountpoint": str(drive.mountpoint),
                "state": str(drive.state),
                "settle": 0.2,
                "pair_wait": 1.0,
                "wal_bound": 2**20,
                "max_document": 2**21,
                **more.get(name, {}),
            }
            lines += [f"[drives.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
        (self.base / "config.toml").write_text("\n".join(lines) + "\n")

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command with this file."""
        drive = next(iter(self.drives.values()))
        places = {f"XDG_{what}_HOME": str(self.base / f"xdg-{what}") for what in ("DATA", "STATE", "CONFIG")}
        done = drive.run(*arguments, "--config", str(self.base / "config.toml"), timeout=180, **places)
        return done.returncode, done.stdout, done.stderr

    def mounted(self) -> list[str]:
        return [name for name, drive in self.drives.items() if drive.is_mounted()]


@pytest.fixture
def several(tmp_path: Path, server: Server) -> Iterator[Several]:
    names = ("bakker", "slager")
    made = Several(tmp_path, {name: Drive(tmp_path / name, server.url, server.user, server.password) for name in names})
    made.configure()
    yield made
    Drive(tmp_path, server.url).clean()  # their processes have the folder of all in their environment
    for drive in made.drives.values():
        drive.clean()


def test_all_drives_are_mounted_and_unmounted_and_each_delivers_its_own(several: Several, server: Server) -> None:
    code, told, _ = several.run("mount", "--all")
    assert code == 0
    assert [line.partition("»")[0] for line in told.splitlines()] == ["Schijf «bakker", "Schijf «slager"]
    assert several.mounted() == ["bakker", "slager"]
    for name, drive in several.drives.items():
        (drive.mountpoint / f"{name}.pdf").write_bytes(pdf(name))
        drive.wait_delivered([f"{name}.pdf"])
    assert server.names() == ["bakker.pdf", "slager.pdf"]
    code, told, _ = several.run("unmount", "--all")
    assert code == 0
    assert told.count("is ontkoppeld; alles is bezorgd") == 2
    assert several.mounted() == []


def test_a_drive_that_is_there_or_is_not_is_no_failure(several: Several) -> None:
    assert several.run("mount", "--drive", "bakker")[0] == 0
    code, told, _ = several.run("mount", "--all")
    assert code == 0
    assert "bakker: Was al gekoppeld" in told
    assert several.mounted() == ["bakker", "slager"]
    assert several.run("unmount", "--all")[0] == 0
    code, told, _ = several.run("unmount", "--all")
    assert code == 0
    assert told.splitlines() == ["bakker: Was niet gekoppeld.", "slager: Was niet gekoppeld."]


def test_a_drive_that_fails_does_not_stop_the_others(several: Several) -> None:
    several.configure(bakker={"mountpoint": str(several.base / "nowhere")})
    code, told, failed = several.run("mount", "--all")
    assert code == 1
    assert "bakker: De map" in failed
    assert "slager" in told
    assert several.mounted() == ["slager"]
    several.configure(bakker={"mountpiont": "x"})
    code, told, failed = several.run("unmount", "--all")
    assert code == 1
    assert failed.startswith("bakker: De instelling «mountpiont»")
    assert several.mounted() == []


def test_the_exit_code_is_the_worst_of_all(several: Several) -> None:
    several.configure(slager={"server": f"http://127.0.0.1:{free_port()}/inbox/"})
    assert several.run("mount", "--all")[0] == 0
    bakker, slager = several.drives.values()
    (slager.mountpoint / "F1.pdf").write_bytes(pdf())
    slager.wait_states({"F1.pdf": "queued"})
    code, told, failed = several.run("unmount", "--all", "--timeout", "0")
    assert code == 1  # it still waits, and stays
    assert "blijft gekoppeld" in failed
    assert several.mounted() == ["slager"]
    assert several.run("mount", "--all")[0] == 0
    (bakker.mountpoint / "F2.txt").write_bytes(b"x")
    bakker.wait_states({"F2.txt": "held"})
    code, told, failed = several.run("unmount", "--all", "--timeout", "0")
    assert code == 3
    assert "hebben iemand nodig" in told
    wait_for(lambda: several.mounted() == ["slager"], "bakker to be gone")
    assert several.run("unmount", "--all", "--now")[0] == 0
    assert several.mounted() == []


def test_all_and_a_single_drive_are_not_said_together(several: Several) -> None:
    for command in (
        ("mount", "X", "--all"),
        ("mount", "--all", "--drive", "bakker"),
        ("mount", "--all", "--foreground"),
        ("mount", "--all", "--user", "anna"),
        ("unmount", "X", "--all"),
    ):
        assert several.run(*command)[0] == 2, command
    assert several.mounted() == []


def test_a_file_without_drives_is_said_plainly(several: Several) -> None:
    several.drives, drives = {}, several.drives
    several.configure()
    several.drives = drives
    for command in ("mount", "unmount"):
        code, _, failed = several.run(command, "--all")
        assert code == 1
        assert "staat geen schijf" in failed
