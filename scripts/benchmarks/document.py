"""docs/performance.md, its pictures, and the figures in the README, of what was measured."""

from __future__ import annotations

import re
import textwrap
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.benchmarks.figures import number, table
from scripts.benchmarks.parts import DISK, DRAINING, OURS, RCLONE
from scripts.benchmarks.pictures import bars, lines
from scripts.benchmarks.sites import KINDS
from scripts.benchmarks.targets import Target, targets

Data = Mapping[str, Any]

LIMITS = Path(__file__).parent / "limits.toml"
PREFIX = "performance-"  # of pictures' names
BEGIN, END = "<!-- figures: scripts/bench.py -->", "<!-- /figures -->"
LINE = 120  # characters

HEAD = """\
# Performance

What a printing program waits for, how fast documents go in, and what that costs, beside rclone mount, sshfs, davfs2, a
bare client and the local disk, measured in one run on one machine. Compare the ratios: the times are of that machine,
on which clients and servers share the processors.

```
python3 scripts/bench.py            # measures all, and writes this page, its pictures and docs/performance.json
python3 scripts/bench.py --quick    # the same with little, in minutes, into build/bench/
python3 scripts/bench.py --only print,drain     # these parts anew, the rest as it was
python3 scripts/bench.py --render   # only writes it anew
```

"""


class Page:
    """The text, and the pictures by their names."""

    def __init__(self, results: Data, limits: Mapping[str, str]) -> None:
        """`results` as scripts/bench.py keeps them; `limits` by keys of targets, or what these begin with."""
        self.parts: Data = results["parts"]
        self.pictures: dict[str, str] = {}
        self._limits = limits
        self.text = HEAD + _targets(self)
        for name, write in _SECTIONS.items():
            if name in self.parts:
                self.text += write(self, self.parts[name])
        self.text += _machine(results)

    def picture(self, name: str, svg: str, says: str) -> str:
        """Keep a picture; return what shows it."""
        self.pictures[f"{PREFIX}{name}.svg"] = svg
        return f"![{says}](images/{PREFIX}{name}.svg)\n\n"

    def why(self, found: Sequence[Target]) -> str:
        """Return a paragraph for each target that is not met."""
        said: dict[str, list[Target]] = {}
        for target in found:
            if not target.met:
                fitting = [key for key in self._limits if target.key == key or target.key.startswith(f"{key}-")]
                said.setdefault(max(fitting, key=len, default=target.key), []).append(target)
        paragraphs = []
        for key, missed in said.items():
            default = f"No word about it yet: `{key}` in scripts/benchmarks/limits.toml."
            heading = "; ".join(f"{target.what}: {target.measured} ({target.wanted})" for target in missed)
            paragraphs.append(_wrapped(f"**{heading}.** {self._limits.get(key) or default}"))
        return "".join(f"{paragraph}\n" for paragraph in paragraphs)


def _wrapped(text: str) -> str:
    paragraphs = re.split(r"\n\s*\n", text.strip())
    filler = textwrap.TextWrapper(LINE, break_on_hyphens=False, break_long_words=False)
    return "\n\n".join(filler.fill(" ".join(each.split())) for each in paragraphs) + "\n"


def limits() -> dict[str, str]:
    """Return what there is to say about targets that are not met."""
    return {key: str(value) for key, value in tomllib.loads(LIMITS.read_text("utf-8")).items()}


def write(results: Data, folder: Path) -> None:
    """Write the page and its pictures into a folder. Pictures that it shows no more go."""
    page = Page(results, limits())
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    for old in images.glob(f"{PREFIX}*.svg"):
        old.unlink()
    for name, svg in page.pictures.items():
        (images / name).write_text(svg, "utf-8")
    (folder / "performance.md").write_text(page.text, "utf-8")


def write_readme(results: Data, path: Path) -> None:
    """Write the three figures between their marks, if the file has them."""
    text = path.read_text("utf-8")
    if BEGIN in text and END in text:
        before, _, rest = text.partition(BEGIN)
        path.write_text(f"{before}{BEGIN}\n{three_figures(results['parts'])}{END}{rest.partition(END)[2]}", "utf-8")


def three_figures(parts: Data) -> str:
    """Return the three figures that a user cares about, with peers beside them."""
    near = parts.get("print", {}).get("near", {})
    of_pairs = [row for row in parts.get("drain", {}).get("rows", []) if row["work"] == "pairs"]
    drained = {(row["kind"], row["trip"]): row for row in of_pairs}
    far: Data = drained.get(("wsgidav", 50)) or next(iter(drained.values()), {})
    killed = parts.get("kill")
    pairs = f"{far['of'] // 2:,} pairs at {far['trip']} ms round trip are in after" if far else "pairs are in after"
    seconds = {name: far["of"] / far[name] if far.get(name) else None for name in ("ours", "rclone", "bare")}
    rows: list[list[str | float | None]] = [
        [
            "King waits for one PDF",
            *(_ms(near.get(name, {}).get("4 KiB")) for name in (OURS, RCLONE, "sshfs", "davfs2", DISK)),
            "–",
        ],
        [pairs, _s(seconds["ours"]), _s(seconds["rclone"]), "–", "–", "–", _s(seconds["bare"])],
        [
            "lost, twice or half after kills at any point",
            "–" if killed is None else "0" if not killed["wrong"] else str(len(killed["wrong"])),
            *["not promised"] * 3,
            "–",
            "–",
        ],
    ]
    return table(["", "ingisfs", "rclone mount", "sshfs", "davfs2", "local disk, fsync", "bare client, PUT only"], rows)


def _ms(found: Data | None) -> str:
    return "–" if found is None else f"{number(found['median'])} ms"


def _s(seconds: float | None) -> str:
    return "–" if seconds is None else f"{number(seconds)} s"


# ---- sections ------------------------------------------------------------------------------------------------------


def _targets(page: Page) -> str:
    found = targets(page.parts)
    rows = [[target.what, target.wanted, target.measured, "met" if target.met else "**not met**"] for target in found]
    met = sum(target.met for target in found)
    text = f"## Targets\n\n{met} of {len(found)} are met.\n\n"
    text += table(["what", "target", "measured", ""], rows) + "\n"
    why = page.why(found)
    return text + (f"### What is not met, and why\n\n{why}" if why else "")


def _print(page: Page, data: Data) -> str:
    near, far = data["near"], data["far"]
    sizes = list(next(iter(near.values())))
    count = near[OURS][sizes[0]]["n"]
    rows = [
        [name, *(of[size][which] for size in sizes for which in ("median", "p99"))]
        for name, of in _ordered(near).items()
    ]
    head = ["ms a document", *(f"{size}, {which}" for size in sizes for which in ("median", "p99"))]
    text = "## Printing\n\n"
    text += _wrapped(
        f"How long a program waits from opening to closing one PDF of 60 KB that it writes in pieces of 4 KiB (as King"
        f" does), of 64 KiB, or as a whole; {count} documents each, all drives in turn. Ours and the local disk are"
        " synced when the close returns; rclone, davfs2 and sshfs do not sync. At rest, ours has nothing to send, for"
        " its server is away; while draining, it sends a backlog at full speed, on the same processors as the server"
        f"{'' if data['draining'] else ' (which was gone before the last document was printed)'}."
        " The close alone is what the program waits behind its last write (of 4 KiB); on the local disk, the two syncs."
        " The drive that keeps nothing shows what 19 calls through the kernel and Python cost before anything is done."
    )
    text += "\n" + table(head, rows) + "\n"
    for which in ("median", "p99"):
        bar = {size: [of[size][which] for of in near.values()] for size in sizes}
        title = f"Printing one PDF, {which}"
        text += page.picture(f"print-{which}", bars(title, "ms", list(near), bar), title)
    rows = [[name, each["median"], each["p99"], each["n"]] for name, each in far["drives"].items()]
    text += f"The same in 4 KiB writes with a server {far['trip']} ms (round trip) away:\n\n"
    return text + table(["ms a document", "median", "p99", "documents"], rows) + "\n"


def _ordered(near: Data) -> Data:
    first = [name for name in (OURS, DRAINING, DISK) if name in near]
    return {name: near[name] for name in (*first, *(other for other in near if other not in first))}


def _complete(page: Page, data: Data) -> str:
    trips = sorted({row["trip"] for row in data["rows"]})
    names = list(dict.fromkeys((row["drive"], row["kind"]) for row in data["rows"]))
    by = {(row["drive"], row["kind"], row["trip"]): row for row in data["rows"]}
    rows = []
    for drive, kind in names:
        found = [by.get((drive, kind, trip)) for trip in trips]
        medians = [None if row is None else row["median"] for row in found]
        most = [None if row is None else row["most"] for row in found]
        rows.append([drive, KINDS[kind].title, *medians, *most])
    head = ["", "server", *(f"{trip} ms" for trip in trips), *(f"longest, {trip} ms" for trip in trips)]
    text = "## From the last close to complete\n\n" + _wrapped(
        "ms from the close of a pair's second file until both are whole at the server under their names, one pair after"
        " the other with nothing else to do, by the round trip (median, and the longest). Ours does not settle here"
        " (`settle = 0`; 3 s as it comes). rclone and davfs2 send at once (`rclone mount --vfs-write-back 0s`,"
        " `delay_upload 0`) but for the rows that say otherwise: davfs2 then sends while the program waits, as sshfs"
        " does, which is left out. All of them show files that are not whole yet."
    )
    ours = {KINDS[kind].title: [by[(drive, kind, trip)]["median"] for trip in trips if (drive, kind, trip) in by]
            for drive, kind in names if drive == OURS}  # fmt: skip
    whole = {title: values for title, values in ours.items() if len(values) == len(trips)}
    picture = bars("Close of a pair → both complete, median", "ms", [f"{trip} ms" for trip in trips], whole)
    return f"{text}\n{table(head, rows)}\n" + page.picture("complete", picture, "From close to complete")


def _drain(page: Page, data: Data) -> str:
    works = {"pairs": "pairs of a 60 KB PDF and a 6 KB XML", "small": "XMLs of 3 KB"}
    text = "## Draining\n\n" + _wrapped(
        f"Documents a second, from the beginning to the last arrival, with {data['workers']} connections that are"
        " logged in. Ours was printed before, and is sent by the protocol that is safe: put under a temporary name,"
        " verify, rename. The bare client only puts each document under its final name (httpx, asyncssh, ftplib; of the"
        " portal's API it puts drafts)."
        f" rclone sends what is printed into its mount. A run of ours ends after {data['seconds']:g} s (small documents"
        f" over a line: {data['far_seconds']:g} s), one of a peer after {data['peer_seconds']:g} s, and the rate is"
        " that of what arrived by then. Where the round trip is not 0, a proxy makes it, with work of its own."
    )
    for work, said in works.items():
        rows = []
        mine = [row for row in data["rows"] if row["work"] == work]
        if not mine:
            continue
        for row in mine:
            ratios = [row["ours"] / row[peer] if row.get(peer) else None for peer in ("bare", "rclone")]
            arrived = f"{row['arrived']:,} of {row['of']:,}"
            cells = [row["ours"], row.get("bare"), row.get("rclone"), *ratios, arrived, row["courier_cpu"]]
            rows.append([KINDS[row["kind"]].title, f"{row['trip']} ms", *cells])
        head = [
            "server",
            "round trip",
            "ours",
            "bare",
            "rclone",
            "÷ bare",
            "÷ rclone",
            "arrived",
            "courier, CPU s/1,000",
        ]
        text += f"\n### {max(row['of'] for row in mine):,} documents: {said}\n\n{table(head, rows)}\n"
        for trip in sorted({row["trip"] for row in mine}):
            there = [row for row in mine if row["trip"] == trip]
            series = {name: [row.get(key) for row in there] for name, key in
                      (("ours", "ours"), ("bare PUT", "bare"), ("rclone mount", "rclone"))}  # fmt: skip
            title = f"Draining {said} at {trip} ms"
            picture = bars(title, "documents a second", [KINDS[row["kind"]].title for row in there], series)
            if trip in {0, max(row["trip"] for row in mine)}:
                text += page.picture(f"drain-{work}-{trip}", picture, title)
    curves = {
        f"{row['trip']} ms round trip": [
            (second, at * row["arrived"] / len(row["curve"])) for at, second in enumerate([0.0, *row["curve"]])
        ]
        for row in data["rows"]
        if row["work"] == "pairs" and row["kind"] == "wsgidav"
    }
    picture = lines("Pairs on their way in by WebDAV, ours", "documents", "s", curves)
    return text + page.picture("drain-time", picture, "Documents that arrived, by time")


def _at_once(_: Page, data: Data) -> str:
    rows = [[name, each["median"], each["p99"], each["rate"]] for name, each in data["drives"].items()]
    text = f"## {data['programs']} programs at once\n\n" + _wrapped(
        f"Each prints {data['each']} PDFs of 60 KB in 4 KiB writes, all at the same time."
    )
    return f"{text}\n{table(['', 'median, ms', 'p99, ms', 'documents a second'], rows)}\n"


def _cost(_: Page, data: Data) -> str:
    rows = [
        [
            name if what == name.split()[0] else f"{name}, {what}",
            *(each[key] for key in ("cpu", "memory_at_first", "memory", "memory_big", "idle")),
        ]
        for name, found in data["drives"].items()
        for what, each in found["processes"].items()
    ]
    mb = data["big"] / 2**20
    head = [
        "",
        "CPU s for 1,000 documents",
        "MB at first",
        "MB, documents ≤ 1 MB",
        f"MB, one of {mb:g} MiB",
        "idle, % CPU",
    ]
    text = "## Processor and memory\n\n" + _wrapped(
        f"Of each process: {data['documents']:,} documents in pairs, printed and delivered by WebDAV; then 20 PDFs of"
        f" 1 MB; then rest; then one PDF of {mb:g} MiB. Memory is the most that was resident so far."
    )
    text += f"\n{table(head, rows)}\n"
    rows = [[name, found["big"], found["big_there"]] for name, found in data["drives"].items()]
    rows.append([DISK, data["big_on_disk"], None])
    text += f"One PDF of {mb:g} MiB in 4 KiB writes, in seconds:\n\n"
    return text + table(["", "the program waits", "then, until it is whole at the server"], rows) + "\n"


def _growth(page: Page, data: Data) -> str:
    text = "## As it grows\n\n" + _wrapped(
        "With more and more documents of 1 KB in the outbox that wait, and that were delivered today and so are all"
        " still listed: `ingisfs mount`, a listing of the root, the status files on the drive, `ingisfs status`, and"
        " what one more PDF of 10 KB costs to print (with the server away) and the next document to deliver (from"
        " arrival to arrival at full speed, and the courier's processor time)."
    )
    for state in ("waiting", "delivered"):
        mine = [row for row in data["rows"] if row["state"] == state]
        if not mine:
            continue
        rows: list[list[str | float | None]] = []

        def add(what: str, value: Callable[[Data], float], rows: Any = rows, mine: Any = mine) -> None:
            rows.append([what, *(value(row) for row in mine)])

        add("mount, ms", lambda row: row["mount"])
        add("listing, µs a name", lambda row: row["listing_us"])
        for kind in mine[0]["files"]:
            add(f"INGIS-STATUS.{kind}, ms", lambda row, kind=kind: row["files"][kind]["ms"])  # type: ignore[misc]
            add(f"INGIS-STATUS.{kind}, KB", lambda row, kind=kind: row["files"][kind]["kb"])  # type: ignore[misc]
        add("`ingisfs status`, ms", lambda row: row["status"])
        add("print, median, ms", lambda row: row["print"]["median"])
        add("print, p99, ms", lambda row: row["print"]["p99"])
        add("deliver, ms a document", lambda row: row["deliver"])
        add("deliver, CPU ms of the courier", lambda row: row["courier_cpu"])
        add("drive process, peak MB", lambda row: row["memory"]["drive"])
        add("drive process, peak MB before the root was listed", lambda row: row["unlisted"])
        add("courier, peak MB", lambda row: row["memory"]["courier"])
        head = [f"documents {state}", *(f"{row['documents']:,}" for row in mine)]
        text += f"\n{table(head, rows)}"
    costs: dict[str, Callable[[Data], float]] = {
        "print": lambda row: row["print"]["median"],
        "deliver": lambda row: row["deliver"],
    }
    series = {
        f"{what}, {state}": [(row["documents"], value(row)) for row in data["rows"] if row["state"] == state]
        for state in ("waiting", "delivered")
        for what, value in costs.items()
    }
    picture = lines("Cost of one more document", "ms", "documents in the outbox", series, log=True)
    return f"{text}\n" + page.picture("growth", picture, "What one more document costs as the outbox grows")


def _away(_: Page, data: Data) -> str:
    rows: list[list[str | float | None]] = [
        ["ingisfs, connections are refused", "mounts", data["closed"]],
        ["ingisfs, connections are taken and nothing is said", "mounts", data["silent"]],
    ]
    for peer, found in data["peers"].items():
        if found is not None:
            rows.append([f"{peer}, connections are refused", "mounts" if found["mounts"] else "does not", found["ms"]])
    return "## Mounting while the server is away\n\n" + table(["", "", "ms"], rows) + "\n"


def _start(_: Page, data: Data) -> str:
    rows = [
        ["`ingisfs status`", data["status"]["median"], data["status"]["most"]],
        ["Python that does nothing", data["python"]["median"], data["python"]["most"]],
        [f"importing the command line ({data['modules']} modules)", data["import"]["median"], data["import"]["most"]],
    ]
    return "## Commands\n\n" + table(["ms", "median", "longest"], rows) + "\n"


def _kill(_: Page, data: Data) -> str:
    said = "nothing was lost, half or twice" if not data["wrong"] else "; ".join(data["wrong"])
    return "## Killed\n\n" + _wrapped(
        f"`scripts/soak.py`, {data['minutes']:g} minutes of printing while drive, courier and server die: {said}."
        f" ({data['done']}.) The tests kill at every point by name: `tests/test_kill.py`, `tests/test_power.py`."
    )


def _machine(results: Data) -> str:
    rows = [[name, said] for name, said in results["machine"].items()]
    text = "\n## Machine, versions, commands\n\n" + table(["", ""], rows) + "\n"
    rows = [[name, data["command"], data["when"], data["commit"], f"{data['took']:.0f}"]
            for name, data in results["runs"].items()]  # fmt: skip
    text += table(["part", "command", "begun", "commit", "s"], rows)
    if results["failed"]:
        text += "\nWhat could not be measured:\n\n" + "".join(f"- {each}\n" for each in results["failed"])
    return text


_SECTIONS: dict[str, Callable[[Page, Data], str]] = {
    "print": _print,
    "complete": _complete,
    "drain": _drain,
    "at-once": _at_once,
    "cost": _cost,
    "growth": _growth,
    "away": _away,
    "start": _start,
    "kill": _kill,
}
