"""A drive of the whole machine on Linux: everybody prints into it, and only an administrator looks into its outbox."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents import pdf
from tests.mounts import Drive
from tests.servers import Server, wait_for, wsgidav_server

#: A machine whose folder is elsewhere.
ELSEWHERE = """
import sys
from pathlib import Path
from ingisfs import config
folder = Path(sys.argv.pop(1))
config.machine_folder = lambda: folder
from ingisfs.cli import main
main(prog_name="ingisfs")
"""
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with wsgidav_server(tmp_path / "server") as made:
        yield made


@pytest.fixture
def drive(server: Server) -> Iterator[Drive]:
    """A drive of the machine that others can reach: pytest's own folders are root's only."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        base.chmod(0o755)
        made = Drive(base / "drive", server.url, server.user, server.password)
        made.configure(server=made.url, user=made.user, state=str(made.state), mountpoint=str(made.mountpoint))
        yield made
        made.clean()


def ingisfs(drive: Drive, *command: str, be: list[str] | None = None) -> subprocess.Popen[str]:
    line = [sys.executable, "-c", ELSEWHERE, str(drive.base), *command]
    environment = {**drive.environment, "INGISFS_PASSWORD": drive.password}
    return subprocess.Popen(
        [*(be or []), *line], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_another_user_prints_into_the_machines_drive_and_may_not_look_into_its_outbox(
    drive: Drive, server: Server, tmp_path: Path
) -> None:
    process = ingisfs(drive, "mount", "--foreground", "--config", str(drive.config))
    try:
        wait_for((drive.mountpoint / "INGIS-STATUS.txt").exists, "the drive", 60)
        document = pdf("F1")
        done = subprocess.run([*NOBODY, "tee", str(drive.mountpoint / "F1.pdf")], input=document, capture_output=True)
        assert done.returncode == 0, done.stderr
        wait_for(lambda: server.names() == ["F1.pdf"], "the document of the other user", 60)
        assert (server.root / "F1.pdf").read_bytes() == document
        seen = subprocess.run([*NOBODY, "cat", str(drive.mountpoint / "INGIS-STATUS.txt")], capture_output=True)
        assert "Schijf king" in seen.stdout.decode()

        drive.config.chmod(0o644)
        wait_for(
            lambda: "1 bezorgd" in (drive.mountpoint / "INGIS-STATUS.txt").read_text(), "the news on the drive", 60
        )
        looked = ingisfs(drive, "status", "--config", str(drive.config), be=NOBODY)
        said, complained = looked.communicate(timeout=60)
        assert (looked.returncode, complained) == (0, "")
        assert said.startswith("Alles is in orde: 1 bezorgd, niets wacht.\nSchijf king"), "what the drive says itself"
        for command in (["queue", "list", "--config", str(drive.config)], ["history", "--config", str(drive.config)]):
            looked = ingisfs(drive, *command, be=NOBODY)
            said, complained = looked.communicate(timeout=60)
            assert (looked.returncode, said) == (1, "")
            assert "alleen een beheerder" in complained
        looked = ingisfs(drive, "unmount", str(drive.mountpoint), be=NOBODY)
        said, complained = looked.communicate(timeout=60)
        assert (looked.returncode, said) == (1, "")
        assert complained.startswith(
            f"{drive.mountpoint} is de schijf van een andere gebruiker van deze computer: root."
        )
        looked = ingisfs(drive, "status", "--config", str(drive.config))
        said, complained = looked.communicate(timeout=60)
        assert looked.returncode == 0, complained
        assert "F1.pdf" in said
    finally:
        subprocess.run(["umount", str(drive.mountpoint)], check=False, capture_output=True)
        process.communicate(timeout=60)
