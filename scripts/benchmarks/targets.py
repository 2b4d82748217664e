"""What is wanted, and whether it was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from scripts.benchmarks.figures import number
from scripts.benchmarks.parts import CLOSE, DISK, DRAINING, OURS, RCLONE
from scripts.benchmarks.sites import KINDS

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """One target."""

    key: str  # in limits.toml
    what: str
    wanted: str
    measured: str
    met: bool


def targets(parts: Data) -> list[Target]:
    """Return all targets, of the data of the parts that were measured."""
    return [target for make in _ALL for target in _tried(make, parts)]


def _tried(make: Callable[[Data], Iterable[Target]], parts: Data) -> list[Target]:
    found: list[Target] = []
    with suppress(KeyError, ValueError):  # its part, or a peer, or the other end of a span, was not measured
        found.extend(make(parts))
    return found


def _most(key: str, what: str, value: float, most: float, unit: str = "", *, measured: str = "") -> Target:
    said = measured or f"{number(value)}{unit}"
    return Target(key, what, f"≤ {most:g}{unit}", said, value <= most)


def _print(parts: Data) -> Iterable[Target]:
    near = parts["print"]["near"]
    ours = near[OURS]["4 KiB"]
    yield _most(
        "print-disk",
        "print a 60 KB PDF in 4 KiB writes: median ÷ local disk with fsync",
        ours["median"] / near[DISK]["4 KiB"]["median"],
        2.5,
    )
    yield _most(
        "print-close",
        "the same, the close alone, which makes it durable: median ÷ the local disk's syncs",
        near[OURS][CLOSE]["median"] / near[DISK][CLOSE]["median"],
        2.5,
    )
    yield _most("print-p99", "the same: p99 ÷ median, at rest", ours["p99"] / ours["median"], 3)
    draining = near[DRAINING]["4 KiB"]
    measured = f"{number(draining['median'] / ours['median'])} (p99 {number(draining['p99'])} ms)"
    yield _most(
        "print-draining",
        "the same: median while draining ÷ at rest",
        draining["median"] / ours["median"],
        1.3,
        measured=measured,
    )
    yield _most(
        "print-rclone",
        "the same: median ÷ rclone mount, which does not fsync",
        ours["median"] / near[RCLONE]["4 KiB"]["median"],
        0.8,
    )


def _complete(parts: Data) -> Iterable[Target]:
    rows = [row for row in parts["complete"]["rows"] if row["drive"] == OURS]
    for kind, title in KINDS.items():
        mine = [row for row in rows if row["kind"] == kind]
        if mine:
            yield Target(
                f"complete-{kind}",
                "last close of a pair → both complete, median, at "
                f"{_list(row['trip'] for row in mine)} ms: {title.title}",
                f"≤ {_list(3 * row['trip'] + 50 for row in mine)} ms",
                f"{_list(number(row['median']) for row in mine)} ms",
                all(row["median"] <= 3 * row["trip"] + 50 for row in mine),
            )


def _drain(parts: Data) -> Iterable[Target]:
    rows = [row for row in parts["drain"]["rows"] if row["work"] == "pairs" and row["trip"] in {0, 50}]
    for peer, least in (("rclone", 3.0), ("bare", 0.45)):
        for kind, title in KINDS.items():
            mine = [row for row in rows if row["kind"] == kind and row.get(peer)]
            if mine:
                ratios = [row["ours"] / row[peer] for row in mine]
                who = "rclone" if peer == "rclone" else "a bare PUT-only client"
                yield Target(
                    f"drain-{peer}-{kind}",
                    f"drain of pairs ÷ {who}, at {_list(row['trip'] for row in mine)} ms: {title.title}",
                    f"≥ {least:g}",
                    _list(number(ratio) for ratio in ratios),
                    min(ratios) >= least,
                )


def _growth(parts: Data) -> Iterable[Target]:
    rows = parts["growth"]["rows"]
    for state in ("waiting", "delivered"):
        first, *_, last = [row for row in rows if row["state"] == state]
        span = f"{first['documents']:,} → {last['documents']:,} {state}"
        changes = {
            "print": last["print"]["median"] / first["print"]["median"],
            "deliver": last["deliver"] / first["deliver"],
        }
        yield Target(
            f"growth-cost-{state}",
            f"cost per document, {span}: to print, to deliver",
            "± 20 %",
            ", ".join(f"{100 * (change - 1):+.0f} %".replace("-", "−") for change in changes.values()),
            max(changes.values()) <= 1.2,
        )
        memory = [row["memory"]["drive"] for row in (first, last)]
        yield Target(
            f"growth-memory-{state}",
            f"memory of the drive process, {span}",
            "flat (± 10 %)",
            f"{number(memory[0])} → {number(memory[1])} MB; before the root was listed: "
            f"{number(first['unlisted'])} → {number(last['unlisted'])} MB",
            memory[1] <= 1.1 * memory[0],
        )
        files = {kind: file["ms"] for kind, file in last["files"].items()}
        yield Target(
            f"growth-status-{state}",
            f"status files with {last['documents']:,} {state}: {', '.join(files)}",
            "≤ 100 ms each",
            f"{', '.join(map(number, files.values()))} ms",
            max(files.values()) <= 100,
        )
        listing = f"root listing with {last['documents']:,} {state}, a name"
        yield _most(f"growth-listing-{state}", listing, last["listing_us"], 5, " µs")


def _process(parts: Data) -> Iterable[Target]:
    drive = parts["cost"]["drives"][OURS]["processes"]["drive"]
    yield _most("memory", "drive process, documents ≤ 1 MB: peak memory", drive["memory"], 60, " MB")
    yield Target("idle", "drive process: processor at rest", "≈ 0", f"{drive['idle']:.2f} %", drive["idle"] < 0.5)


def _away(parts: Data) -> Iterable[Target]:
    measured = parts["away"]
    for how, said in (("closed", "refuses connections"), ("silent", "takes connections and is silent")):
        yield _most(f"away-{how}", f"mount while the server {said}", measured[how] / 1000, 1, " s")


def _start(parts: Data) -> Iterable[Target]:
    yield _most("status-command", "`ingisfs status`, median", parts["start"]["status"]["median"], 150, " ms")


def _kill(parts: Data) -> Iterable[Target]:
    wrong = parts["kill"]["wrong"]
    yield Target(
        "kill",
        "killed anywhere, any number of times",
        "0 lost, 0 twice, 0 half",
        "; ".join(wrong) or "0 lost, 0 twice, 0 half",
        not wrong,
    )


def _list(values: Iterable[object]) -> str:
    return " / ".join(map(str, values))


_ALL: list[Callable[[Data], Iterable[Target]]] = [_print, _complete, _drain, _growth, _process, _away, _start, _kill]
