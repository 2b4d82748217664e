"""A volume with nothing but tests around it, at a drive letter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drive.conftest import Drive, drive, make_drive
from tests.winfsp.driver import Driver
from tests.winfsp.mounted import Mounted, mounted

__all__ = ["drive", "make_drive"]


@pytest.fixture
def letter(drive: Drive, tmp_path: Path) -> Iterator[Mounted]:
    with mounted(drive.volume, tmp_path / "X", session="1") as made:
        yield made


@pytest.fixture
def x(letter: Mounted) -> Driver:
    return letter.driver
