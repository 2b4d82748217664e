"""The password is where it was given and nowhere else: no log, no process, no setting, no status file tells it.

A real drive for each server: first with a wrong password, so that failures are told too, then with the right one. Both
are looked for, also as they go over the wire. The log says all that it can, of all libraries too.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.documents import pdf, xml
from tests.matrix.kinds import Scene
from tests.matrix.test_matrix import rows
from tests.mounts import Drive
from tests.servers import Server, wait_for
from tests.sftp_servers import descendants

LONG = 60.0  # s; far more than any of it takes
WRONG = "Onmiskenbaar-Fout+Wachtwoord/7"

#: Imported by each process of the drive before anything else: its log keeps whatever anybody says.
VERBOSE = """
import logging
import ingisfs.logs

said = ingisfs.logs.log_to

def log_all_to(path, level=logging.DEBUG):
    said(path, logging.DEBUG)
    for name in ("httpx", "httpcore", "fuse", "asyncio", "asyncssh"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    logging.debug("all is said")

ingisfs.logs.log_to = log_all_to

import importlib.abc, sys

class Loud(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "ingisfs.delivery.sftp":  # it sets asyncssh's level when it is imported
            import asyncssh
            asyncssh.set_log_level = lambda level: None
            asyncssh.set_debug_level(3)
        return None

sys.meta_path.insert(0, Loud())
"""


class DiscreetDrive(Drive):
    """A drive whose password is in a file, so that no environment needs to have it."""

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in super().environment.items() if key != "INGISFS_PASSWORD"}
        return {**kept, "PYTHONPATH": os.pathsep.join([str(self.base / "verbose"), os.environ.get("PYTHONPATH", "")])}

    @property
    def secret(self) -> Path:
        return self.base / "secret"

    def tell(self, password: str) -> None:
        self.secret.touch(0o600)
        self.secret.write_text(password + "\n")


def forms(user: str, right: str) -> dict[bytes, str]:
    """Return the secrets as anybody might write them, and how."""
    found: dict[bytes, str] = {}
    for secret in (WRONG, right):
        found |= {
            secret.encode(): "as it is",
            quote(secret, safe="").encode(): "for an address",
            secret.encode("utf-16-le"): "in UTF-16",
            base64.b64encode(f"{user}:{secret}".encode()): "for Basic auth",
            base64.b64encode(secret.encode()): "in base64",
            secret.encode().hex().encode(): "in hexadecimal",
        }
    return found


def told_in(content: bytes, server: Server) -> list[str]:
    return [how for form, how in forms(server.user, server.password).items() if form in content]


@pytest.fixture
def drive(scene: Scene, tmp_path: Path) -> Iterator[DiscreetDrive]:
    base = tmp_path / "drive"
    place = {"server": scene.url, "user": scene.server.user, "state": str(base / "state")}
    settings = {**place, **scene.settings(), "password_file": str(base / "secret"), "follow": 0.5}
    made = DiscreetDrive(base, scene.url, scene.server.user, "", settings)
    (base / "verbose").mkdir()
    (base / "verbose" / "sitecustomize.py").write_text(VERBOSE)
    try:
        yield made
    finally:
        made.clean()


def in_files(folder: Path, server: Server, but: Path) -> dict[str, list[str]]:
    """Return which files below a folder tell a secret."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            if path.is_file() and path != but and (told := told_in(path.read_bytes(), server)):
                found[str(path)] = told
    return found


def in_processes(server: Server) -> dict[str, list[str]]:
    """Return which processes, but the server's own, tell a secret in their arguments or their environment."""
    assert server._process is not None
    own = {server._process.pid, *descendants(server._process.pid)}
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) not in own:
            for what in ("cmdline", "environ"):
                with suppress(OSError):
                    if told := told_in((entry / what).read_bytes(), server):
                        found[f"{entry.name} {what}"] = told
    return found


def spoken(drive: DiscreetDrive, *, all_of_them: bool = False) -> str:
    """Return what the commands say that tell how the server is doing, or all that tell something."""
    place = ["--config", str(drive.config), "--state", str(drive.state)]
    lines = [
        ["status", *place],
        ["status", "--json", *place],
        ["check", "--config", str(drive.config)],
        ["check", "--json", "--config", str(drive.config)],
    ]
    delivered = [
        ["history", *place],
        ["history", "--csv", *place],
        ["queue", "list", *place],
        ["queue", "list", "--json", *place],
    ]
    done = [drive.run(*line) for line in (*lines, *(delivered if all_of_them else []))]
    assert not [each.stderr for each in done if "Usage" in each.stderr]
    return "".join(each.stdout + each.stderr for each in done)


@rows("wsgidav")
def test_no_file_no_log_no_process_and_no_status_tells_the_password(scene: Scene, drive: DiscreetDrive) -> None:
    server = scene.server
    drive.tell(WRONG)
    done = drive.mount()
    assert done.returncode == 0, done.stderr
    for name, data in (("F1.pdf", pdf("1")), ("F1.xml", xml("1"))):
        (drive.mountpoint / name).write_bytes(data)
    wait_for(lambda: drive.status()["target"]["reason"] == "login", "the log-in to be refused", LONG)
    said = spoken(drive)
    drive.tell(server.password)
    retry = drive.run("queue", "retry", "--all", "--config", str(drive.config), "--state", str(drive.state))
    assert retry.returncode == 0, retry.stderr
    drive.wait_delivered(["F1.pdf", "F1.xml"])
    scene.proxy.cut()
    (drive.mountpoint / "F2.pdf").write_bytes(pdf("2"))
    drive.wait_delivered(["F2.pdf"])
    said += spoken(drive, all_of_them=True)
    assert told_in(said.encode(), server) == []
    statuses = [path for path in drive.mountpoint.iterdir() if path.name.startswith("INGIS")]
    assert len(statuses) >= 2
    for path in statuses:
        assert told_in(path.read_bytes(), server) == [], path
    assert "all is said" in (drive.state / "log" / "courier.log").read_text()
    assert "all is said" in (drive.state / "log" / "drive.log").read_text()
    assert in_processes(server) == {}
    assert in_files(drive.base, server, drive.secret) == {}
    assert drive.unmount().returncode == 0
    assert in_files(drive.base, server, drive.secret) == {}
    assert told_in(drive.secret.read_bytes(), server), "what is looked for would not be found"
