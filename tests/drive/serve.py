"""A drive process for tests: `python -m tests.drive.serve '{"state": …, "mountpoint": …}'` serves until unmounted.

Says `mounted <library>` once the kernel has the mount, and afterwards answers a line on standard input with one.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ingisfs.drive.fuse import FuseHost, library
from ingisfs.drive.space import SpoolDisk
from ingisfs.drive.volume import Volume
from ingisfs.outbox.outbox import Outbox
from ingisfs.outbox.store import MAX_DOCUMENT


class FaultyVolume(Volume):
    """Fails on purpose, in ways that no error of ours foresees."""

    def _fail(self, path: str) -> None:
        if "explode" in path:
            raise RuntimeError(path)
        if "missing" in path:
            raise FileNotFoundError(2, "an internal file is missing", path)
        if "memory" in path:
            raise MemoryError

    def make_folder(self, path: str) -> None:
        self._fail(path)
        super().make_folder(path)

    def remove(self, path: str) -> None:
        self._fail(path)
        super().remove(path)


def main() -> int:
    options: dict[str, Any] = json.loads(sys.argv[1])
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    state, mountpoint = Path(options["state"]), options["mountpoint"]
    outbox = Outbox(state, settle=options.get("settle", 0.0))
    outbox.recover_drive()
    stopped = threading.Event()
    volume = FaultyVolume(
        outbox,
        spool=state / "spool",
        disk=SpoolDisk(state, options.get("reserve", 0)),
        status_files={"INGIS-STATUS.txt": lambda: b"x" * (time.time_ns() % 977) + b"\n"},
        max_document=options.get("max_document", MAX_DOCUMENT),
        stopped=stopped.is_set,
    )
    child = None
    if options.get("child"):
        # Not as we start ours: it inherits whatever is not closed by itself.
        child = subprocess.Popen(["sleep", "60"], close_fds=False)

    def listen() -> None:
        for line in sys.stdin:
            if line.strip() == "stop":
                stopped.set()
            print("done", flush=True)

    def mounted() -> None:
        print(f"mounted {library()} {child.pid if child else 0}", flush=True)
        threading.Thread(target=listen, daemon=True).start()

    try:
        FuseHost(volume, mounted).run(mountpoint, "test")
    finally:
        volume.close()
        outbox.shut()
        if child is not None:
            child.kill()
            child.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
