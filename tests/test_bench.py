"""The measurements run, and their page says what was measured. How long things took is no test's matter."""

from __future__ import annotations

import argparse
import json
import re
import socket
import threading
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from scripts import bench
from scripts.benchmarks import document, work
from scripts.benchmarks.figures import number, percentile, rate, summary, table
from scripts.benchmarks.filling import Filling
from scripts.benchmarks.line import line
from scripts.benchmarks.parts import CLOSE, DISK, DRAINING, OURS, PARTS, RCLONE
from scripts.benchmarks.targets import targets
from tests.mounts import Drive
from tests.servers import free_port

ROOT = Path(__file__).parent.parent


def tables(text: str) -> list[list[str]]:
    """Return the lines of each table."""
    return [block.strip().splitlines() for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)]


def assert_well_formed(folder: Path) -> None:
    text = (folder / "performance.md").read_text("utf-8")
    assert text.startswith("# Performance\n")
    assert tables(text)
    for lines in tables(text):
        assert len(lines) > 2, lines
        assert re.fullmatch(r"\|( -{3}:? \|)+", lines[1])
        assert {each.count("|") for each in lines} == {lines[1].count("|")}, lines
    shown = re.findall(r"!\[.+?\]\((.+?)\)", text)
    assert {Path(each).name for each in shown} == {each.name for each in (folder / "images").glob("performance-*.svg")}
    for each in shown:
        assert ElementTree.parse(folder / each).getroot().tag.endswith("svg")


# ---- figures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([5.0], 99, 5.0), (range(1, 101), 99, 99), (range(1, 101), 100, 100), (range(101), 50, 50), ([3, 1, 2], 1, 1)],
)
def test_a_percentile_is_a_value_that_was_measured(values: Any, percent: float, expected: float) -> None:
    assert percentile(values, percent) == expected


def test_a_summary_is_in_milliseconds() -> None:
    assert summary([0.002, 0.001, 0.009]) == {"n": 3, "median": 2.0, "p99": 9.0, "most": 9.0}


@pytest.mark.parametrize(("moments", "expected"), [([], 0.0), ([7.0], 0.0), ([9.0], 0.5), ([9.0, 8.0, 11.0, 9.0], 1.0)])
def test_a_rate_goes_from_the_beginning_to_the_last(moments: list[float], expected: float) -> None:
    assert rate(7.0, moments) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "–"), (0.0, "0"), (1000, "1,000"), (12345.6, "12,346"), (1.5, "1.50"), (0.4, "0.4"), (0.01234, "0.0123")],
)
def test_figures_have_three_digits(value: float | None, expected: str) -> None:
    assert number(value) == expected


def test_a_table_has_figures_to_the_right() -> None:
    made = table(["what", "ms"], [["a", 1.25], ["b", None]])
    assert made == "| what | ms |\n| --- | ---: |\n| a | 1.25 |\n| b | – |\n"


# ---- targets and what is said about them ---------------------------------------------------------------------------


def printed(ours: float, draining: float = 1.0) -> dict[str, Any]:
    """Return the data of a part: medians in ms, beside a disk of 0.5 and an rclone of 2."""
    medians = {OURS: ours, DRAINING: draining, DISK: 0.5, RCLONE: 2.0}
    near = {
        name: {size: {"n": 9, "median": median, "p99": 2 * median} for size in ("4 KiB", CLOSE)}
        for name, median in medians.items()
    }
    return {"near": near, "far": {"trip": 50, "drives": {}}, "draining": True}


def test_a_target_is_met_up_to_its_bound_and_not_beyond() -> None:
    assert {target.key: target.met for target in targets({"print": printed(1.25)})} == {
        "print-disk": True,
        "print-close": True,
        "print-p99": True,
        "print-draining": True,
        "print-rclone": True,
    }
    missed = [target.key for target in targets({"print": printed(1.7, 2.3)}) if not target.met]
    assert missed == ["print-disk", "print-close", "print-draining", "print-rclone"]


def test_what_was_not_measured_has_no_target_and_takes_no_other_with_it() -> None:
    alone = printed(1.0)
    del alone["near"][RCLONE]
    left = ["print-disk", "print-close", "print-p99", "print-draining"]
    assert [target.key for target in targets({"print": alone})] == left


def test_a_drain_is_compared_at_each_distance_and_the_worst_counts() -> None:
    row = {"kind": "wsgidav", "work": "pairs", "bare": 100.0, "rclone": 10.0}
    rows = [{**row, "trip": 0, "ours": 60.0}, {**row, "trip": 20, "ours": 1.0}, {**row, "trip": 50, "ours": 29.0}]
    found = {target.key: target for target in targets({"drain": {"rows": rows}})}
    assert found["drain-rclone-wsgidav"].measured == "6.00 / 2.90"
    assert not found["drain-rclone-wsgidav"].met
    assert not found["drain-bare-wsgidav"].met


def test_what_is_not_met_has_its_paragraph_by_the_longest_key_that_fits() -> None:
    results = {"parts": {"print": printed(1.7, 1.0)}, "machine": {}, "runs": {}, "failed": []}
    said = {
        "print": "In general.",
        "print-disk": "Of the disk.",
        "print-close": "Of the close.",
        "print-p99": "Met, and not shown.",
    }
    text = document.Page(results, said).text
    assert "3.40 (≤ 2.5).** Of the disk." in text.replace("\n", " ")
    assert "In general." in text
    assert "Met, and not shown." not in text


def test_what_nobody_explained_is_said() -> None:
    results = {"parts": {"print": printed(1.7)}, "machine": {}, "runs": {}, "failed": []}
    text = document.Page(results, {"print-disk": ""}).text.replace("\n", " ")
    assert "No word about it yet: `print-disk`" in text


def test_the_readme_gets_its_figures_between_its_marks(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n\n{document.BEGIN}\nold\n{document.END}\n\nafter\n")
    document.write_readme({"parts": {"print": printed(1.7), "kill": {"wrong": [], "done": ""}}}, readme)
    text = readme.read_text("utf-8")
    assert text.startswith(f"before\n\n{document.BEGIN}\n| ")
    assert text.endswith(f"|\n{document.END}\n\nafter\n")
    assert "| 1.70 ms | 2.00 ms |" in text
    assert "old" not in text


def test_the_page_is_what_the_kept_figures_say(tmp_path: Path) -> None:
    """`python3 scripts/bench.py --render` was forgotten if this fails."""
    results = json.loads((ROOT / "docs/performance.json").read_text("utf-8"))
    document.write(results, tmp_path)
    assert_well_formed(tmp_path)
    for made in (tmp_path / "performance.md", *(tmp_path / "images").iterdir()):
        assert made.read_text("utf-8") == (ROOT / "docs" / made.relative_to(tmp_path)).read_text("utf-8"), made.name
    readme = tmp_path / "README.md"
    readme.write_bytes((ROOT / "README.md").read_bytes())
    document.write_readme(results, readme)
    assert readme.read_text("utf-8") == (ROOT / "README.md").read_text("utf-8")


def test_all_parts_were_measured_for_the_page_that_is_kept() -> None:
    results = json.loads((ROOT / "docs/performance.json").read_text("utf-8"))
    assert set(results["parts"]) == set(results["runs"]) == set(PARTS)


# ---- measuring -----------------------------------------------------------------------------------------------------


def test_a_line_carries_all_bytes_both_ways_and_takes_a_round_trip() -> None:
    trip, sent = 0.05, bytes(range(256)) * 4000

    def echo() -> None:
        conn, _ = server.accept()
        with conn:
            heard = b""
            while piece := conn.recv(2**16):
                heard += piece
            conn.sendall(heard[::-1])

    front = free_port()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=echo)
        thread.start()
        with line(trip, [("127.0.0.1", front, server.getsockname()[1])]):
            begun = time.monotonic()
            with socket.create_connection(("127.0.0.1", front), timeout=30) as client:
                client.sendall(sent)
                client.shutdown(socket.SHUT_WR)
                back = b""
                while piece := client.recv(2**16):
                    back += piece
            took = time.monotonic() - begun
        thread.join(30)
    assert back == sent[::-1]
    assert took >= 2 * trip  # the handshake, and there and back: less than that cannot be


def test_a_line_to_nobody_ends_the_connection() -> None:
    front = free_port()
    with (
        line(0.01, [("127.0.0.1", front, free_port())]),
        socket.create_connection(("127.0.0.1", front), timeout=30) as client,
    ):
        assert client.recv(1) == b""


def test_only_what_is_whole_has_arrived(tmp_path: Path) -> None:
    (tmp_path / "whole.pdf").write_bytes(b"12345")
    (tmp_path / "half.pdf").write_bytes(b"12")
    (tmp_path / "other.pdf").write_bytes(b"12345")
    found = work.arrivals(tmp_path, {"whole.pdf": 5, "half.pdf": 5, "absent.pdf": 5})
    assert found == [(tmp_path / "whole.pdf").stat().st_ctime_ns / 1e9]


@pytest.mark.parametrize("state", ["waiting", "delivered"])
def test_an_outbox_is_filled_as_if_it_had_been_printed(tmp_path: Path, state: str) -> None:
    with Filling(tmp_path, state) as filling:
        filling.to(3)
        filling.to(7)
    drive = Drive(tmp_path, "http://127.0.0.1:1/")
    found = drive.states()
    assert len(found) == 7
    assert set(found.values()) == {"queued" if state == "waiting" else "delivered"}


def test_a_small_run_writes_its_page_and_a_part_measured_anew_keeps_the_others(tmp_path: Path) -> None:
    defaults = {"size": "smallest", "workers": 2, "no_peers": True, "render": False, "folder": tmp_path}
    assert bench.run(argparse.Namespace(only="complete,cost", **defaults)) == 0
    assert_well_formed(tmp_path)
    first = json.loads((tmp_path / "performance.json").read_text("utf-8"))
    (row,) = first["parts"]["complete"]["rows"]
    assert row["n"] == 1
    assert set(first["parts"]["cost"]["drives"][OURS]["processes"]) == {"drive", "courier"}
    assert first["failed"] == []

    assert bench.run(argparse.Namespace(only="complete", **defaults)) == 0
    assert_well_formed(tmp_path)
    again = json.loads((tmp_path / "performance.json").read_text("utf-8"))
    assert again["parts"]["cost"] == first["parts"]["cost"]
    assert again["parts"]["complete"] != first["parts"]["complete"]


def test_a_part_that_fails_is_named_on_the_page_and_in_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> dict[str, Any]:
        raise RuntimeError("no such machine")

    monkeypatch.setitem(PARTS, "start", broken)
    options = {"size": "smallest", "workers": 2, "no_peers": True, "render": False, "folder": tmp_path}
    assert bench.run(argparse.Namespace(only="start", **options)) == 1
    assert "- start: RuntimeError: no such machine\n" in (tmp_path / "performance.md").read_text("utf-8")


def test_a_part_that_there_is_not_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"size": "smallest", "workers": 2, "no_peers": True, "render": False, "folder": tmp_path}
    assert bench.run(argparse.Namespace(only="print,sprint", **options)) == 2
    assert "sprint" in capsys.readouterr().err
