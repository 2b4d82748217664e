"""A drive process of a test's own on a real mountpoint, and its end whatever happens."""

from __future__ import annotations

import ctypes.util
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

from ingisfs.outbox.document import Document
from ingisfs.outbox.outbox import Outbox
from ingisfs.outbox.reading import ReadOnlyOutbox
from tests.servers import wait_for

ROOT = Path(__file__).parents[2]


@dataclass
class Mount:
    """One drive process and its mountpoint."""

    base: Path
    library: str = "fuse3"  # or "fuse", which is libfuse 2
    options: dict[str, Any] = field(default_factory=dict)
    tracer: Sequence[str] = ()  # a program to run the drive under
    process: subprocess.Popen[str] = field(init=False)
    said: list[str] = field(init=False)  # "mounted libfuse 3.14 PID-OF-CHILD"

    def __post_init__(self) -> None:
        self.state = self.base / "state"
        self.point = self.base / "X"
        self.log = self.base / "drive.log"
        self.point.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Mount. Returns once the kernel has the mount."""
        options = {"state": str(self.state), "mountpoint": str(self.point), **self.options}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.tracer, sys.executable, "-m", "tests.drive.serve", json.dumps(options)],
                env={**os.environ, "FUSE_LIBRARY_NAME": self.library},
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.said = self._line().split()
        assert self.said[:1] == ["mounted"], self.log.read_text(errors="replace")

    def _pipe(self, pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe

    def _line(self) -> str:
        return self._pipe(self.process.stdout).readline()

    def tell(self, command: str) -> None:
        """Have the drive do something that no file operation does."""
        pipe = self._pipe(self.process.stdin)
        pipe.write(command + "\n")
        pipe.flush()
        assert self._line() == "done\n"

    def options_in_kernel(self) -> set[str] | None:
        """The options of the mount as the kernel has them; None if it is not mounted."""
        for line in Path("/proc/mounts").read_text().splitlines():
            _, point, kind, options, *_ = line.split()
            if point == str(self.point) and kind == "fuse.ingisfs":
                return set(options.split(","))
        return None

    def unmount(self) -> int:
        """Unmount as a person does; returns the exit code of the drive."""
        subprocess.run(["fusermount3", "-u", str(self.point)], check=True, timeout=30)
        return self.process.wait(30)

    def kill(self) -> None:
        """As a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def clean(self) -> None:
        """End it, in whatever state it is."""
        if not hasattr(self, "process"):
            return
        if self.options_in_kernel() is not None:
            subprocess.run(["fusermount3", "-uz", str(self.point)], check=False, timeout=30, capture_output=True)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
        self._pipe(self.process.stdin).close()
        self._pipe(self.process.stdout).close()
        wait_for(lambda: self.options_in_kernel() is None, "the mount to be gone")

    def renew(self) -> None:
        """Begin anew, with an empty drive."""
        self.clean()
        shutil.rmtree(self.state)
        self.start()

    # ---- what became of the documents ----------------------------------------------------------------------------

    def documents(self) -> list[Document]:
        """All documents on record."""
        reader = ReadOnlyOutbox(self.state)
        try:
            return reader.documents("1 ORDER BY number")
        finally:
            reader.close()

    def document(self, name: str) -> Document:
        """The document that is listed under a name."""
        return next(d for d in self.documents() if d.listed and d.name == name)

    def payload(self, document: Document) -> bytes:
        """Its bytes, as the outbox has them."""
        reader = ReadOnlyOutbox(self.state)
        try:
            return reader.payload(document.id)
        finally:
            reader.close()

    @contextmanager
    def outbox(self) -> Iterator[Outbox]:
        """The outbox, as the courier opens it beside the drive."""
        outbox = Outbox(self.state)
        try:
            yield outbox
        finally:
            outbox.shut()


def need_library(name: str) -> None:
    """Skip a test for which there is no libfuse."""
    if ctypes.util.find_library(name) is None:
        pytest.skip(f"lib{name} is not installed")
