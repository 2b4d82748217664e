"""A volume on a real outbox, and a courier played by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ingisfs import names
from ingisfs.drive.shown import ShownFolders, Words
from ingisfs.drive.space import Space, SpoolDisk
from ingisfs.drive.volume import Handle, Volume
from ingisfs.outbox.document import BY_INGIS, Document, Reason, State
from ingisfs.outbox.outbox import Answer, Decision, Outbox
from tests.clocks import FakeClock
from tests.servers import wait_for

PIECE = 4096  # bytes; what programs write at a time


class FakeDisk(SpoolDisk):
    """A disk with as much room as a test says."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 0)
        self.free = 2**40  # bytes

    def space(self, buffered: int = 0) -> Space:
        return Space(2**40, max(0, self.free - 2 * buffered))


@dataclass
class Drive:
    """A volume, what lies under it, and short ways to use it."""

    folder: Path
    clock: FakeClock
    outbox: Outbox
    volume: Volume
    disk: FakeDisk
    worked: list[None] = field(default_factory=list)  # one for every time the courier was told of work

    def write(self, path: str, data: bytes, *, flush: bool = True) -> None:
        """Print a new document: create, write in pieces, close."""
        handle = self.volume.create(path)
        self.fill(handle, data)
        if flush:
            self.volume.flush(handle)
        self.volume.release(handle)

    def fill(self, handle: Handle, data: bytes) -> None:
        for start in range(0, len(data), PIECE):
            self.volume.write(handle, start, data[start : start + PIECE])

    def printed(self, path: str, data: bytes) -> str:
        """Print a new document and wait until the outbox knows that it was closed; returns its id."""
        self.write(path, data)
        return self.closed(path).id

    def overwrite(self, path: str, data: bytes) -> None:
        """Write a document anew, as CREATE_ALWAYS and O_TRUNC do."""
        handle = self.volume.open(path, may_write=True)
        self.volume.truncate(handle, 0)
        self.fill(handle, data)
        self.volume.flush(handle)
        self.volume.release(handle)

    def read(self, path: str) -> bytes:
        handle = self.volume.open(path)
        try:
            return self.volume.read(handle, 0, 2**30)
        finally:
            self.volume.release(handle)

    def listed(self, path: str) -> Document | None:
        """What is on record under a name."""
        folder, _, name = path.rpartition("/")
        return self.outbox.find(names.key(folder), names.key(name))

    def document(self, document_id: str) -> Document:
        found = self.outbox.document(document_id)
        assert found is not None
        return found

    def state(self, document_id: str) -> State:
        return self.document(document_id).state

    def closed(self, path: str) -> Document:
        """Wait until the outbox knows that the last writer has closed; returns the document."""

        def found() -> list[Document]:
            document = self.listed(path)
            return [document] if document is not None and document.state is not State.WRITING else []

        return wait_for(found, f"{path} to be closed")[0]

    def everything(self) -> list[Document]:
        return self.outbox.documents("1 ORDER BY number")

    # ---- the courier's moves -------------------------------------------------------------------------------------

    def bring(self, document_id: str, upto: State) -> Document:
        """Move a settling document along the courier's way."""
        box = self.outbox
        if self.state(document_id) is State.SETTLING:
            box.decide([Decision(self.document(document_id), State.QUEUED)])
        if upto is State.QUEUED:
            return self.document(document_id)
        (claimed,) = box.claim([(self.document(document_id), self.document(document_id).name)])
        if upto is State.UPLOADING:
            return claimed
        if upto is State.PARKED:
            box.park(claimed, Reason.SERVER_REFUSED, "413")
            return self.document(document_id)
        (marked,) = box.mark_publishing([[(claimed, "tag")]])
        if upto is State.PUBLISHING:
            return marked
        box.finish([marked])
        if upto in BY_INGIS:
            box.hear([Answer(document_id, upto, "a detail")])
        return self.document(document_id)

    def hold(self, document_id: str, reason: Reason = Reason.PDF_NOT_WHOLE) -> None:
        self.outbox.decide([Decision(self.document(document_id), State.HELD, reason, "a detail")])

    def withdraw(self, document_id: str) -> None:
        """What the command of a person does, in another process."""
        assert self.outbox.remove(self.document(document_id))


MakeDrive = Callable[..., Drive]


@pytest.fixture
def make_drive(tmp_path: Path) -> Iterator[MakeDrive]:
    """Make drives in `tmp_path`; each further one opens the same outbox, as after a restart."""
    made: list[Drive] = []

    def make(
        status_files: Mapping[str, Callable[[], bytes]] | None = None, words: Words | None = None, **options: Any
    ) -> Drive:
        clock = made[-1].clock if made else FakeClock()
        folder = tmp_path / "state"
        outbox = Outbox(folder, clock=clock, settle=3.0, busy_timeout=2.0)
        disk = FakeDisk(tmp_path)
        worked: list[None] = []
        volume = Volume(
            outbox,
            spool=folder / "spool",
            disk=disk,
            status_files={"INGIS-STATUS.txt": lambda: b"all is well\n"} if status_files is None else status_files,
            work=lambda: worked.append(None),
            shown=None if words is None else ShownFolders(outbox, words),
            **options,
        )
        made.append(Drive(folder, clock, outbox, volume, disk, worked))
        return made[-1]

    yield make
    for drive in made:
        drive.volume.close()
        drive.outbox.shut()


@pytest.fixture
def drive(make_drive: MakeDrive) -> Drive:
    return make_drive()
