"""A host in this process, mounted by a stand-in for WinFsp's library."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ingisfs.drive.volume import Volume
from ingisfs.drive.winfsp import WinFspHost
from tests.winfsp.driver import Driver
from tests.winfsp.library import FileSystem, load


class Mounted:
    """A drive letter that a test owns."""

    def __init__(self, driver: Driver, file_system: FileSystem, host: WinFspHost) -> None:
        self.driver = driver
        self.file_system = file_system
        self.host = host

    @property
    def callbacks(self) -> Any:
        """The object that winfspy calls."""
        return load().ffi.from_handle(self.file_system.pointer.UserContext)


@contextmanager
def mounted(volume: Volume, folder: Path, drive: str = "king", **options: Any) -> Iterator[Mounted]:
    """Mount a volume for the block, at a folder that stands for a letter. Nothing may be left open behind it."""
    library, ready = load(), threading.Event()
    failures: list[BaseException] = []
    folder.mkdir(exist_ok=True)
    host = WinFspHost(volume, ready.set, **options)

    def run() -> None:
        try:
            host.run(str(folder), drive)
        except BaseException as error:
            failures.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="host", daemon=True)
    thread.start()
    assert ready.wait(20)
    found = library.started(str(folder))
    assert found is not None, failures
    driver = Driver(library, found)
    made = Mounted(driver, found, host)
    try:
        yield made
        driver.close_all()
        assert not made.callbacks._contexts
        assert not made.callbacks._opened_objs
    finally:
        host.end()
        thread.join(20)
    assert not thread.is_alive()
    assert not failures
    assert library.started(str(folder)) is None
