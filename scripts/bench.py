#!/usr/bin/env python3
"""Measure the drive beside its peers, in one run on one machine, and write docs/performance.md.

    python3 scripts/bench.py [--quick] [--only print,drain] [--workers 4] [--no-peers]
    python3 scripts/bench.py --render

All that was measured is kept in performance.json beside the page, so that a part can be measured anew, and the page be
written anew, without the rest. With --quick both go into build/bench. What people have to say about a target that is
not met is in scripts/benchmarks/limits.toml. Parts: print, complete, drain, at-once, cost, growth, away, start, kill.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.environment import ROOT, enter, require_fuse

EXTRAS = ["dev", "stage", "king"]
DEBIAN = ["fuse3", "apache2-bin", "openssh-server", "vsftpd"]
PEERS = ["rclone", "sshfs", "davfs2"]  # measured where they can be installed


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for. Ends with 1 if something could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=["full", "quick", "smallest"], default="full")
    parser.add_argument("--quick", action="store_const", const="quick", dest="size", help="--size quick")
    parser.add_argument("--only", default="", help="parts, with commas")
    parser.add_argument("--workers", type=int, default=0, help="connections; 0: as many as a drive has as it comes")
    parser.add_argument("--no-peers", action="store_true", help="no rclone, sshfs, davfs2")
    parser.add_argument("--render", action="store_true", help="measure nothing, write the page")
    parser.add_argument("--folder", type=Path, help="where the page goes; docs, or build/bench if not all is measured")
    options = parser.parse_args(arguments)
    if not options.render:
        require_fuse()
    enter(EXTRAS, [] if options.render else DEBIAN, [] if options.render or options.no_peers else PEERS)
    return run(options)


def run(options: argparse.Namespace) -> int:
    """Measure, and write. Needs the environment that `enter` makes."""
    from scripts.benchmarks import document
    from scripts.benchmarks.parts import PARTS

    folder = Path(options.folder or (ROOT / "docs" if options.size == "full" else ROOT / "build/bench")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "performance.json"
    results: dict[str, Any] = {"machine": {}, "parts": {}, "runs": {}, "failed": []}
    wanted = options.only.split(",") if options.only else list(PARTS)
    if unknown := set(wanted) - set(PARTS):
        print(f"There is no part {', '.join(sorted(unknown))}. There are: {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    if kept.exists() and (options.render or options.only):
        results = json.loads(kept.read_text("utf-8"))
    failed = False
    if not options.render:
        failed = _measure(options, wanted, results, kept)
    document.write(results, folder)
    if folder == ROOT / "docs":
        document.write_readme(results, ROOT / "README.md")
    print(f"Written: {folder / 'performance.md'}", flush=True)
    return 1 if failed else 0


def _measure(options: argparse.Namespace, wanted: list[str], results: dict[str, Any], kept: Path) -> bool:
    """Measure these parts into `results`, and into a file after each; tells whether something went wrong."""
    from ingisfs.config import Drive
    from scripts.benchmarks.machine import describe
    from scripts.benchmarks.parts import PARTS, SIZES, Run

    words = ["python3 scripts/bench.py", *(["--quick"] if options.size == "quick" else [])]
    words += [f"--only {options.only}"] if options.only else []
    words += [f"--workers {options.workers}"] if options.workers else []
    with tempfile.TemporaryDirectory(prefix="ingisfs-bench-", dir="/var/tmp", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)  # davfs2's daemon is a user of its own
        run = Run(Path(name), SIZES[options.size], options.workers or Drive().workers, peers=not options.no_peers)
        results["machine"] = describe(run.base)
        results["failed"] = [each for each in results["failed"] if each.partition(": ")[0] not in wanted]
        for part in wanted:
            begun, before = time.time(), len(run.failed)
            print(f"── {part}", flush=True)
            try:
                results["parts"][part] = PARTS[part](run)
            except Exception as error:
                traceback.print_exc()
                run.failed.append(f"{type(error).__name__}: {error}")
                results["parts"].pop(part, None)
            results["failed"] += [f"{part}: {each}" for each in run.failed[before:]]
            took = time.time() - begun
            results["runs"][part] = {
                "command": f"`{' '.join(words)}`",
                "when": time.strftime("%Y-%m-%d %H:%M", time.localtime(begun)),
                "commit": _commit(),
                "took": took,
            }
            print(f"   {took:.0f} s", flush=True)
            kept.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
        return bool(run.failed)


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
