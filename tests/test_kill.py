"""Processes die at every named point; afterwards each document is on the server whole, once, or never was acknowledged.

Each test lets one drive die again and again, at one point after the other: what starts at the next point has to recover
from the one before. In the end all is let to arrive, and King's ticks are compared with what the server has.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scripts.soak import Ledger, NoDriveError, crash_points, misdeeds, needing_person, unreadable, waiting
from tests.documents import pdf, xml
from tests.mounts import Drive
from tests.servers import Server, WsgiDavServer, wait_for, wsgidav_server

ROOT = Path(__file__).parent.parent
QUICK = {"settle": 0.1, "pair_wait": 0.3}  # s


class Scene:
    """One drive, its server, and what King was told."""

    def __init__(self, drive: Drive, server: Server) -> None:
        self.drive = drive
        self.server = server
        self.ledger = Ledger()
        self.collected: list[tuple[str, str]] = []  # what INGIS took away: name and SHA-256
        self.renames = True  # the server does
        self.parked: set[str] = set()  # what a person has to release in the end
        self._number = 0

    def stem(self) -> str:
        """The next invoice."""
        self._number += 1
        return f"F{self._number}"

    def print(self, name: str, text: str = "") -> None:
        data = pdf(text or name, 9_000) if name.endswith(".pdf") else xml(text or name)
        with suppress(NoDriveError):
            self.ledger.print(self.drive.mountpoint, name, data)

    def mount(self, crash_at: str = "") -> int:
        return self.drive.mount(**({"INGISFS_CRASH_AT": crash_at} if crash_at else {})).returncode

    def kill(self) -> None:
        """A power cut, as far as processes see one."""
        self.drive.kill("drive")
        self.drive.kill("courier")

    def deaths(self) -> int:
        """How many couriers the drive saw die by SIGKILL."""
        log = self.drive.state / "log" / "drive.log"
        return log.read_text(errors="replace").count("the courier ended with -9") if log.exists() else 0

    def die(self, point: Point) -> None:
        """Kill everything, and mount again only to see a process die at a point."""
        self.kill()
        before = self.deaths()
        point.prepare(self)
        code = self.mount(point.at)
        assert (code == 0) is (point.who != "mount"), point.at
        point.act(self)
        if point.who == "courier":
            wait_for(lambda: self.deaths() > before, f"the courier to die at {point.at}", 20)
        else:
            wait_for(lambda: not self.drive.pids("drive"), f"the drive to die at {point.at}", 20)
        point.undo(self)

    def arrived(self) -> list[tuple[str, str]]:
        finals = [name for name in self.server.names() if not name.startswith(".ingisfs-")]
        return self.collected + [(name, sha256(self.server.root / name)) for name in finals]

    def leftovers(self) -> list[str]:
        """Temporary files, but for the one that the courier keeps there to know what was collected."""
        found = [name for name in self.server.names() if name.startswith(".ingisfs-")]
        return [name for name in found if name not in self.witnesses()]

    def witnesses(self) -> set[str]:
        with closing(self.drive.outbox()) as outbox:
            noted = json.loads(outbox.meta("following") or "{}")
        numbers = [folder["witness"] for folder in noted.get("folders", {}).values()]
        return {f".ingisfs-{noted['id']}-{number}-probe.part" for number in numbers}

    def hear_of_the_last_two(self) -> None:
        """What was collected is noted, also where the courier died while it noted that."""
        self.kill()
        assert self.mount() == 0
        last = [f"F{self._number - 1}.pdf", f"F{self._number}.pdf"]
        wait_for(lambda: [self.drive.states()[name] for name in last] == ["collected"] * 2, "both to be collected", 30)

    def finish(self) -> None:
        """Let all arrive, and compare."""
        self.kill()
        assert self.mount() == 0
        if self.parked:
            wait_for(lambda: waiting(self.drive) == 0, "everything to arrive or be parked", 60)
            assert {n for n, s in self.drive.states().items() if s in {"parked", "held"}} == self.parked
            assert self.drive.run("queue", "release", "--all", "--config", str(self.drive.config)).returncode == 0
        wait_for(lambda: waiting(self.drive) == 0, "everything to arrive", 60)
        assert needing_person(self.drive) == []
        self.kill()
        assert self.mount() == 0
        wait_for(lambda: not self.leftovers(), "temporary files to be removed", 20)
        assert self.ledger.differences(self.arrived()) == []
        assert misdeeds(self.server.requests(), self.renames) == []
        assert unreadable(self.drive) == []
        done = self.drive.unmount()
        assert done.returncode == 0, done.stderr


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# ---- what leads to a point -------------------------------------------------------------------------------------------


def nothing(scene: Scene) -> None:
    pass


def print_pair(scene: Scene) -> None:
    stem = scene.stem()
    scene.print(stem + ".pdf")
    scene.print(stem + ".xml")


def print_alone(scene: Scene) -> None:
    scene.print(scene.stem() + ".pdf")


def print_pairs(scene: Scene) -> None:
    for _ in range(3):
        print_pair(scene)


def refused(do: Callable[[], object]) -> None:
    """The drive dies meanwhile."""
    with pytest.raises(OSError) as caught:  # noqa: PT011  # its number tells it
        do()
    assert caught.value.errno in {errno.ENOTCONN, errno.ECONNABORTED}


def rename_into_place(scene: Scene) -> None:
    folder, stem = scene.drive.mountpoint, scene.stem()
    data = pdf(stem)
    (folder / f"{stem}.tmp").write_bytes(data)
    scene.ledger.cross(f"{stem}.pdf", data)
    refused(lambda: (folder / f"{stem}.tmp").rename(folder / f"{stem}.pdf"))


def delete(scene: Scene) -> None:
    name = scene.stem() + ".pdf"
    scene.print(name)
    scene.ledger.cross(name, pdf(name, 9_000))
    refused((scene.drive.mountpoint / name).unlink)


def reopen(scene: Scene) -> None:
    name = scene.stem() + ".pdf"
    scene.print(name)
    refused(lambda: os.open(scene.drive.mountpoint / name, os.O_WRONLY | os.O_APPEND))


def set_a_delivered_one_aside(scene: Scene) -> None:
    name = scene.stem() + ".pdf"
    scene.print(name)
    scene.drive.wait_delivered([name])
    refused(lambda: (scene.drive.mountpoint / name).rename(scene.drive.mountpoint / f"{name}.bak"))


def rename_a_folder(scene: Scene) -> None:
    (scene.drive.mountpoint / "A").mkdir()
    refused(lambda: (scene.drive.mountpoint / "A").rename(scene.drive.mountpoint / "B"))


def print_while_the_server_is_away(scene: Scene) -> None:
    name = scene.stem() + ".pdf"
    scene.print(name)
    # The courier knows that the server is there, and is in the middle of nothing.
    wait_for(lambda: waiting(scene.drive) == 0, "all before it to arrive", 20)
    scene.server.stop()
    print_pair(scene)


def start_server(scene: Scene) -> None:
    scene.server.start()


def make_inbox_read_only(scene: Scene) -> None:
    root = str(scene.server.root)
    subprocess.run(["mount", "--bind", root, root], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", root], check=True)


def make_inbox_writable(scene: Scene) -> None:
    subprocess.run(["umount", "-l", str(scene.server.root)], check=False, capture_output=True)


def take_the_next_name(scene: Scene) -> None:
    """Somebody else has put a file into the inbox under the name of the next invoice."""
    (scene.server.root / f"F{scene._number + 1}.pdf").write_bytes(b"somebody else's")


def remove_the_strangers_file(scene: Scene) -> None:
    strangers = [path for path in scene.server.root.iterdir() if path.read_bytes() == b"somebody else's"]
    for path in strangers:
        path.unlink()


def note_the_parked_pair(scene: Scene) -> None:
    remove_the_strangers_file(scene)
    scene.parked |= {f"F{scene._number}.pdf", f"F{scene._number}.xml"}


def collect(scene: Scene) -> None:
    """INGIS takes away what lies under a final name."""
    for name in scene.server.names():
        if not name.startswith(".ingisfs-"):
            scene.collected.append((name, sha256(scene.server.root / name)))
            (scene.server.root / name).unlink()


def collect_what_was_seen(scene: Scene) -> None:
    """INGIS takes away what the courier has seen on the server."""
    name = scene.stem() + ".pdf"
    scene.print(name)
    wait_for(lambda: name in scene.server.names() and scene.witnesses() & set(scene.server.names()), "a witness", 20)
    collect(scene)


def leave_an_old_upload(scene: Scene) -> None:
    """A proxy has finished an upload long after we gave it up."""
    with closing(scene.drive.outbox()) as outbox:
        delivered = outbox.documents("state = 'delivered' LIMIT 1")[0]
    (scene.server.root / f".ingisfs-{delivered.id}-77.part").write_bytes(b"half")


def deliver_some(scene: Scene) -> None:
    """Have delivered documents that the root lists no more when the courier starts next time."""
    assert scene.mount() == 0
    print_pairs(scene)
    wait_for(lambda: waiting(scene.drive) == 0, "some documents to arrive", 20)
    scene.kill()


@dataclass(frozen=True)
class Point:
    """Where a process dies, which one, and what brings it there."""

    at: str  # as INGISFS_CRASH_AT has it
    who: str = "courier"  # "drive", "courier", or "mount": the drive, before it can be used
    act: Callable[[Scene], None] = print_pair
    prepare: Callable[[Scene], None] = field(default=nothing)  # before the mount
    undo: Callable[[Scene], None] = field(default=nothing)


#: Every point, in chains: each recovers from the one before it.
CHAINS: dict[str, list[Point]] = {
    "printing": [
        Point("schema.inside", "mount", nothing),
        Point("mirror.inside", "mount", nothing),
        Point("keep.before", "drive"),
        Point("keep.inside", "drive"),
        Point("keep.inside:2", "drive"),
        Point("keep.after", "drive"),
        Point("keep.after:2", "drive"),
        Point("release.inside", "drive", print_alone),
        Point("recover_drive.inside", "mount", nothing),
        Point("release.after", "drive", print_alone),
        Point("rename.inside", "drive", rename_into_place),
        Point("rename.after", "drive", rename_into_place),
        Point("remove.inside", "drive", delete),
        Point("remove.after", "drive", delete),
        Point("take_back.inside", "drive", reopen),
        Point("copy.inside", "drive", set_a_delivered_one_aside),
        Point("rename_folder.inside", "drive", rename_a_folder),
    ],
    "putting": [
        Point("recover_courier.inside"),
        Point("decide.inside"),
        Point("decide.after"),
        Point("claim.inside"),
        Point("claim.after"),
        Point("put.before"),
        Point("put.before:2"),
        Point("put.after"),
        Point("put.after:2"),
        Point("verify.before"),
        Point("verify.after"),
        Point("put_back.inside", act=print_while_the_server_is_away, undo=start_server),
        Point("put_back.after", act=print_while_the_server_is_away, undo=start_server),
    ],
    "publishing": [
        Point("publishing.inside"),
        Point("publishing.after"),
        # A mark that its courier could not mirror any more is mirrored by the next mount.
        Point("mirror.before", "mount", nothing),
        Point("mirror.after", "mount", nothing),
        Point("mirror.before"),
        Point("mirror.after", "mount", nothing),
        Point("mirror.inside"),
        Point("mirror.after", "mount", nothing),
        Point("mirror.after"),
        Point("publish.handed"),
        Point("publish.before"),
        Point("ask.before"),
        Point("doubt.inside", act=nothing, prepare=make_inbox_read_only, undo=make_inbox_writable),
        Point("publish.before:2"),
        Point("publish.after"),
        Point("ask.before:2"),
        Point("publish.after:2"),
        Point("probe.after", act=nothing, prepare=collect),
        Point("finish.inside"),
        Point("finish.after"),
        Point("park.inside", prepare=take_the_next_name, undo=remove_the_strangers_file),
        Point("park.after", prepare=take_the_next_name, undo=note_the_parked_pair),
        Point("clean.before", act=nothing, prepare=leave_an_old_upload),
        Point("clean.after", act=nothing, prepare=leave_an_old_upload),
    ],
    "housekeeping": [
        Point("checkpoint.before"),
        Point("checkpoint.inside"),
        Point("checkpoint.after"),
        Point("retire.inside", act=nothing, prepare=deliver_some),
        Point("archive.before", act=nothing),
        Point("archive.after", act=nothing),
        Point("archived.inside", act=nothing),
        Point("vacuum.after", act=nothing),
    ],
}

# Each look that puts something notes its name first, and then what it saw.
CHAINS["following"] = [
    Point("hear.inside"),
    Point("hear.after"),
    Point("hear.inside:2"),
    Point("hear.after:2"),
    Point("hear.inside:2", act=collect_what_was_seen),
    Point("hear.after:2", act=collect_what_was_seen),
]

#: Points that have a test of their own below.
ALONE = {
    "hold.inside",
    "hold.after",
    "withdraw.inside",
    "set_aside.after",
    "take_over.after",
    "unmark.inside",
    "unmark.after",
}

MORE_SETTINGS: dict[str, dict[str, float]] = {
    "housekeeping": {"keep_visible": 0.0, "wal_bound": 100_000},
    "following": {"follow": 0.2},
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with wsgidav_server(tmp_path / "server") as made:
        yield made


def scene_on(tmp_path: Path, server: Server, **settings: float) -> Scene:
    return Scene(Drive(tmp_path / "drive", server.url, server.user, server.password, {**QUICK, **settings}), server)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A drive whose server is away."""
    server = WsgiDavServer(tmp_path / "server")
    made = scene_on(tmp_path, server)
    yield made
    made.drive.clean()
    server.stop()


def test_every_point_is_tested() -> None:
    tested = {point.at.partition(":")[0] for chain in CHAINS.values() for point in chain}
    assert tested | ALONE == set(crash_points())


@pytest.mark.parametrize("chain", CHAINS)
def test_whatever_dies_where_each_document_arrives_once_and_whole(tmp_path: Path, server: Server, chain: str) -> None:
    scene = scene_on(tmp_path, server, **MORE_SETTINGS.get(chain, {}))
    try:
        for point in CHAINS[chain]:
            scene.die(point)
        if chain == "following":
            scene.hear_of_the_last_two()
        scene.finish()
        assert len(scene.ledger.ticks) > 5
    finally:
        make_inbox_writable(scene)
        scene.drive.clean()


def test_a_kill_while_a_restored_outbox_is_held_lets_nothing_go(scene: Scene) -> None:
    assert scene.mount() == 0
    print_pair(scene)
    scene.kill()
    for path in (scene.drive.base / "xdg-state").rglob("*.generation"):
        path.unlink()
    scene.server.start()
    for at in ("hold.inside", "hold.after", "mirror.before", "mirror.inside", "mirror.after"):
        assert scene.mount(at) == 1, at
    assert scene.mount() == 0
    assert scene.drive.reasons() == {"F1.pdf": "restored", "F1.xml": "restored"}
    words = ["queue", "withdraw", "F1.xml", "--config", str(scene.drive.config)]
    assert scene.drive.run(*words, INGISFS_CRASH_AT="withdraw.inside").returncode == -signal.SIGKILL
    assert scene.drive.states() == {"F1.pdf": "held", "F1.xml": "held"}
    scene.parked = {"F1.pdf", "F1.xml"}
    scene.finish()


def test_a_kill_while_a_server_turns_out_to_have_no_rename_sends_nothing_twice(tmp_path: Path) -> None:
    with wsgidav_server(tmp_path / "server", renames=False) as server:
        scene = scene_on(tmp_path, server)
        scene.renames = False
        try:
            for at in ("unmark.inside", "unmark.after"):
                scene.die(Point(at))
            scene.finish()
            assert len(scene.ledger.ticks) == 4
        finally:
            scene.drive.clean()


@pytest.mark.parametrize("at", ["set_aside.after", "take_over.after", "take_over.after:2"])
def test_a_kill_while_a_damaged_outbox_is_recovered_forgets_nothing(scene: Scene, at: str) -> None:
    assert scene.mount() == 0
    print_pairs(scene)
    scene.kill()
    damage(scene.drive.state / "outbox" / "cache.db")
    assert scene.mount(at) == 1
    assert scene.mount() == 0
    assert scene.drive.reasons() == dict.fromkeys(scene.ledger.ticks, "recovered")


def damage(path: Path) -> None:
    """Destroy one page of a database that nobody has open."""
    with closing(sqlite3.connect(path)) as con:
        ((root,),) = con.execute("SELECT rootpage FROM sqlite_master WHERE name = 'documents_state'").fetchall()
        con.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    data = bytearray(path.read_bytes())
    data[(root - 1) * 4096 : root * 4096] = bytes(4096)
    path.write_bytes(data)


# ---- at random -------------------------------------------------------------------------------------------------------


def run_soak(minutes: float, seed: int) -> str:
    command = [sys.executable, str(ROOT / "scripts" / "soak.py"), "--minutes", str(minutes), "--seed", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60 * minutes + 600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


def test_half_a_minute_of_random_kills_loses_nothing_and_sends_nothing_twice() -> None:
    assert "nothing lost, half or twice" in run_soak(0.5, 1)


@pytest.mark.long
def test_two_minutes_of_random_kills_lose_nothing_and_send_nothing_twice() -> None:
    assert "nothing lost, half or twice" in run_soak(2, 2)
