"""INGIS, in front of the server's folder: it looks all the time, reads what has a final name, and takes away some."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ingisfs.delivery.failures import DeliveryError
from ingisfs.delivery.server import PREFIX
from tests.matrix.kinds import Scene

LOOK = 0.001  # s between two looks


class Inbox(threading.Thread):
    """See the module. What is wrong with what it saw is in `wrong`: a half file, or one that nobody sent."""

    def __init__(
        self,
        root: Path,
        wanted: Mapping[str, bytes],
        takes: Callable[[str], bool],
        strangers: frozenset[str] | set[str],
    ) -> None:
        super().__init__(name="inbox", daemon=True)
        self.wanted = wanted
        self.arrived: list[str] = []  # each final name as often as it came up
        self.wrong: list[str] = []
        self.appeared: Callable[[str], None] = lambda name: None  # before it is taken away
        self._root = root
        self._takes = takes
        self._strangers = strangers
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._ending = threading.Event()

    def run(self) -> None:
        while not self._ending.wait(LOOK):
            self._look()

    def end(self) -> None:
        self._ending.set()
        self.join(20)
        self._look()

    def _look(self) -> None:
        there: set[str] = set()
        for entry in os.scandir(self._root):
            # Apache keeps a body that is coming in beside the documents, under a name of its own.
            if entry.name.startswith((PREFIX, ".davfs.tmp")) or entry.name in self._strangers or not entry.is_file():
                continue
            there.add(entry.name)
            status = entry.stat()
            mark = (status.st_ino, status.st_size, status.st_mtime_ns)
            if self._seen.get(entry.name) == mark:
                continue
            content = Path(entry.path).read_bytes()
            if content != self.wanted.get(entry.name):
                self.wrong.append(f"{entry.name} with {len(content)} bytes")
            if entry.name not in self._seen:
                self.arrived.append(entry.name)
                self.appeared(entry.name)
            self._seen[entry.name] = mark
            if self._takes(entry.name):
                os.unlink(entry.path)
                there.discard(entry.name)
        for gone in self._seen.keys() - there:
            del self._seen[gone]

    def check(self) -> None:
        """All that was wanted came, whole, once, and nothing else."""
        assert self.wrong == []
        assert Counter(self.arrived) == Counter(list(self.wanted))


class Reader(threading.Thread):
    """Lists the inbox through the server and reads what has a final name, as anybody might who has a log-in."""

    def __init__(self, scene: Scene, wanted: Mapping[str, bytes]) -> None:
        super().__init__(name="reader", daemon=True)
        self.looks = 0
        self.wrong: list[str] = []
        self._client = scene.connect(url=scene.through("127.0.0.1", scene.server.port))
        self._wanted = wanted
        self._ending = threading.Event()

    def run(self) -> None:
        known: set[str] = set()
        while not self._ending.wait(0.005):
            with contextlib.suppress(DeliveryError):  # some fail to list a folder in which files come and go
                for name, entry in self._client.entries("").items():
                    if name.startswith((PREFIX, ".davfs.tmp")) or name in known:
                        continue
                    wanted = self._wanted[name]
                    if entry.size != len(wanted) or self._client.get(name) != wanted:
                        self.wrong.append(name)
                    known.add(name)
                self.looks += 1
        self._client.close()

    def end(self) -> None:
        self._ending.set()
        self.join(30)


@contextlib.contextmanager
def watched(
    scene: Scene,
    wanted: Mapping[str, bytes],
    takes: Callable[[str], bool] = lambda name: False,
    strangers: frozenset[str] | set[str] = frozenset(),
) -> Iterator[Inbox]:
    """Watch for the block, and check at its end. `strangers` are names of files that are not ours."""
    inbox = Inbox(scene.server.root, wanted, takes, strangers)
    inbox.start()
    try:
        yield inbox
    finally:
        inbox.end()
    inbox.check()
