"""`ingisfs selftest` on real mounts: what it tries out, what it reports, and where it refuses to."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

from ingisfs.config import ConfigError
from ingisfs.selftest.documents import pdf
from ingisfs.selftest.patterns import PATTERNS
from ingisfs.selftest.run import choose, compare, look_at
from ingisfs.selftest.watch import Seen
from tests.mounts import drive
from tests.servers import stage_server

LIMIT = 900  # s that a selftest may take


def test_all_patterns_pass_on_a_mount_and_the_local_ingis_has_each_document_once(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with (
        stage_server(tmp_path) as server,
        drive(
            tmp_path / "drive",
            server.url,
            server.user,
            server.password,
            settle=3.0,
            pair_wait=5.0,
            max_document=8 * 2**20,
        ) as mounted,
    ):
        before = set(mounted.mountpoint.iterdir())
        done = mounted.run("selftest", str(mounted.mountpoint), "--report", str(report), "--json", timeout=LIMIT)
        told = json.loads(report.read_text("utf-8"))
        assert done.returncode == 0, [found for found in told["patterns"] if found["result"] == "failed"]
        assert [found["name"] for found in told["patterns"]] == [pattern.name for pattern in PATTERNS]
        assert {found["reason"] for found in told["patterns"]} <= {None, "too-slow"}
        assert told["passed"] + told["impossible"] == len(PATTERNS)
        assert told["passed"] > len(PATTERNS) // 2
        assert told["server"] == server.url
        assert f"{told['passed']} goed, 0 fout" in done.stdout
        left = set(mounted.mountpoint.iterdir()) - {mounted.mountpoint / "Verzonden"}
        assert left == before, "a selftest leaves nothing behind but what was sent"
        assert mounted.status()["needs_person"] == 0

        received = server.received()
        counts = mounted.status()["counts"]
        assert len(received) == counts["delivered"]
        assert max(Counter(document["name"] for document in received).values()) == 1
        assert all("selftest " in document["name"] for document in received)


def test_what_goes_wrong_is_reported_and_left_to_look_at(tmp_path: Path) -> None:
    with (
        stage_server(tmp_path) as server,
        # A drive that sends reprints by itself does not do what a person expects of those patterns.
        drive(
            tmp_path / "drive", server.url, server.user, server.password, settle=0.5, pair_wait=1.0, reprints="send"
        ) as mounted,
    ):
        done = mounted.run("selftest", str(mounted.mountpoint), "--only", "overwritten_*", timeout=LIMIT)
        assert done.returncode == 1, done.stdout + done.stderr
        failed = done.stdout.partition("Fout (")[2].partition("Goed (")[0]
        assert "overwritten_after_delivery\n" in failed
        assert "to be left to a person" in failed
        left = [path.name for path in mounted.mountpoint.iterdir() if path.name.startswith("selftest ")]
        assert left
        assert all("overwritten_" in name for name in left)


def test_a_drive_of_a_server_elsewhere_is_refused_and_nothing_is_saved_there(tmp_path: Path) -> None:
    with drive(tmp_path / "drive", "https://inbox.invalid/", "king", "secret") as mounted:
        before = set(mounted.mountpoint.iterdir())
        done = mounted.run("selftest", str(mounted.mountpoint), timeout=60)
        assert done.returncode == 1
        assert "https://inbox.invalid/" in done.stderr
        assert "ingisfs stage" in done.stderr
        assert done.stdout == ""
        assert set(mounted.mountpoint.iterdir()) - {mounted.mountpoint / "Verzonden"} == before
        assert not any(mounted.status()["counts"].values())


def test_a_drive_that_delivers_nothing_is_not_tried_out(tmp_path: Path) -> None:
    with (
        stage_server(tmp_path) as server,
        drive(tmp_path / "drive", server.url, server.user, server.password, types=["xml"]) as mounted,
    ):
        done = mounted.run("selftest", str(mounted.mountpoint), timeout=LIMIT)
        assert done.returncode == 1
        assert "not held" in done.stderr
        assert mounted.status()["needs_person"] == 0, "its first document is taken back"


def test_a_folder_that_is_no_drive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no-drive"):
        look_at(str(tmp_path))


@pytest.mark.parametrize(
    "server", ["https://upload.example.nl/", "https://127.0.0.1.example.nl/", "", "sftp://10.0.0.1"]
)
def test_only_a_server_on_this_machine_is_good_enough(server: str, tmp_path: Path) -> None:
    (tmp_path / "INGIS-STATUS.json").write_text(json.dumps({"server": server, "problem": None, "documents": []}))
    with pytest.raises(ConfigError, match="remote"):
        look_at(str(tmp_path))


def test_patterns_are_chosen_by_a_part_of_their_names() -> None:
    assert [pattern.name for pattern in choose("xml_alone")] == ["xml_alone"]
    assert len(choose("*")) == len(choose(None)) == len(PATTERNS)
    with pytest.raises(ConfigError, match="unknown"):
        choose("no_such_pattern")


# ---- what is compared --------------------------------------------------------------------------------------------

DATA = pdf("one", 1000)
GOOD = Seen(
    id="1",
    path="F1.pdf",
    state="delivered",
    size=len(DATA),
    sha256=hashlib.sha256(DATA).hexdigest(),
    written_at="2026-11-25T13:03:05.250Z",
    delivered_at="2026-11-25T13:03:09.250Z",
    reason=None,
    detail="",
    remote_name="F1.pdf",
)
HELD = dataclasses.replace(GOOD, id="2", state="held", reason="empty", delivered_at=None, remote_name=None)


def test_a_document_that_arrived_once_and_whole_is_right() -> None:
    assert compare({"F1.pdf": DATA}, set(), [GOOD]) == []
    assert compare({}, {"F1.pdf"}, [HELD]) == []
    assert compare({}, set(), []) == []


@pytest.mark.parametrize(
    ("documents", "wrong"),
    [
        ([], "to be delivered"),
        ([GOOD, dataclasses.replace(GOOD, id="2")], "2 times"),
        ([dataclasses.replace(GOOD, size=len(DATA) - 1)], "bytes with SHA-256"),
        ([dataclasses.replace(GOOD, sha256="0" * 64)], "bytes with SHA-256"),
        ([GOOD, dataclasses.replace(GOOD, id="2", remote_name="F2.pdf")], "nothing to be delivered as F2.pdf"),
        ([GOOD, HELD], "left to a person"),
        ([GOOD, dataclasses.replace(HELD, state="queued")], "nothing to wait"),
    ],
)
def test_anything_else_is_wrong(documents: list[Seen], wrong: str) -> None:
    assert wrong in "; ".join(compare({"F1.pdf": DATA}, set(), documents))


def test_an_xml_before_its_pdf_is_wrong() -> None:
    early = dataclasses.replace(GOOD, id="2", remote_name="F1.xml", delivered_at="2026-11-25T13:03:08.000Z")
    assert "F1.pdf before F1.xml" in "; ".join(compare({"F1.pdf": DATA, "F1.xml": DATA}, set(), [GOOD, early]))
