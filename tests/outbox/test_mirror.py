"""The count of publishings outside of the outbox: what it finds out, and what a person is told to do with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingisfs.outbox.mirror import adopt, is_foreign
from ingisfs.outbox.outbox import Outbox
from tests.clocks import FakeClock


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    outbox = Outbox(tmp_path / "state", clock=FakeClock())
    yield outbox
    outbox.shut()


def test_an_outbox_whose_count_is_gone_is_taken_for_a_restored_backup_once(outbox: Outbox, tmp_path: Path) -> None:
    # The guide tells whoever restored a whole machine, count and all, to delete the folder before the drive starts.
    folder = tmp_path / "generations"
    foreign, mirror = is_foreign(outbox, folder)
    assert not foreign
    assert not is_foreign(outbox, folder)[0]
    mirror.path.unlink()
    folder.rmdir()
    foreign, mirror = is_foreign(outbox, folder)
    assert foreign
    adopt(outbox, mirror)
    assert not is_foreign(outbox, folder)[0]
