"""A Win32 program under Wine prints to X:, which is our mounted drive: see prints.c for what it does.

Some of its patterns change what they have saved, and what comes of that must not depend on how fast this machine is:
they run while the server is away. The others are delivered while they are printed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from scripts.king import PRINT_FORMATS, Administration, Kind
from tests.documents import pdf
from tests.mounts import Drive, drive
from tests.servers import Server, wait_for, wsgidav_server
from tests.wine.wine import Wine, compiled, windows_path

# What a person expects on the server from each pattern.
WHILE_AWAY: dict[str, list[str]] = {
    "king": ["2026-0001.pdf", "2026-0001.xml"],
    "king_prints_again": ["2026-0002.pdf"],  # King's `2026-0002(1).pdf` takes the place of the first print
    "truncate_and_rewrite": ["truncate and rewrite.pdf"],
    "unbuffered": ["unbuffered.pdf"],
    "reader_keeps_its_handle": ["reader keeps its handle.pdf"],
    "append": ["append.pdf"],
    "create_always_over": ["create always over.pdf"],
    "truncate_existing": ["truncate existing.pdf"],
    "wrong_case": ["Wrong Case.pdf"],
    "delete_and_write_again": ["delete and write again.pdf"],
    "temporary_renamed_over": ["temporary renamed over.pdf"],
    "temporary_renamed_over_empty": ["temporary renamed over empty.pdf"],
    "renamed_after_the_close": ["renamed after the close.pdf"],
    "renamed_in_case": ["Renamed In Case.pdf"],
    "replace_file": ["replace file.pdf"],
    "replace_file_without_backup": ["replace file without backup.pdf"],
    "set_aside_renamed_deleted": ["set aside, renamed, deleted.pdf"],
    "delete_on_close": [],
    "deleted_after_the_close": [],
}
LIVE: dict[str, list[str]] = {
    "king_prints_live": ["2026-0003.pdf", "2026-0003.xml"],
    "at_once": ["Račun € 1 (at once) & #%.pdf"],
    "header_patch": ["header patch.pdf"],
    "backwards": ["backwards.pdf"],
    "shrink": ["shrink.pdf"],
    "preallocate": ["preallocate.pdf"],
    "size_by_handle": ["size by handle.pdf"],
    "overlapped": ["overlapped.pdf"],
    "flush_each_piece": ["flush each piece.pdf"],
    "locked": ["locked.pdf"],
    "mapping": ["mapping.pdf"],
    "mapping_outlives_its_handle": ["mapping outlives its handle.pdf"],
    "crt_fprintf": ["crt fprintf.xml"],
    "crt_unbuffered": ["crt unbuffered.xml"],
    "copy_file": ["copy file.pdf"],
    "move_from_another_disk": ["move from another disk.pdf"],
    "nobody_else_may_open": ["nobody else may open.pdf"],
    "two_handles": ["two handles.pdf"],
    "duplicated_handle": ["duplicated handle.pdf"],
    "create_new_is_refused": ["create new is refused.pdf"],
    "times_and_attributes": ["times and attributes.pdf"],
    "temporary_renamed": ["temporary renamed.pdf"],
    "temporary_named_by_the_system": ["temporary named by the system.pdf"],
    "rename_is_refused": ["rename is refused.pdf"],
    "folder_of_noise": [],
    "empty": [],
    "half": [],
}
HELD = {"empty.pdf": "empty", "half.pdf": "pdf-not-whole"}


def sources(folder: Path) -> dict[str, bytes]:
    """Write the bytes of each expected document, as King prints them; returns them by name."""
    names = [name for expected in [*WHILE_AWAY.values(), *LIVE.values()] for name in expected]
    assert len(names) == len(set(names))
    stems = sorted({name.rpartition(".")[0] for name in names})
    invoices = dict(zip(stems, Administration(seed=8).invoices(len(stems)), strict=True))
    formats = {".pdf": PRINT_FORMATS[0], ".xml": PRINT_FORMATS[1]}
    assert [each.kind for each in formats.values()] == [Kind.PDF, Kind.KING]
    made = {
        name: formats[name[-4:]].render(invoices[name.rpartition(".")[0]], datetime(2026, 11, 25, 10, 30).astimezone())
        for name in names
    }
    folder.mkdir()
    for name, data in {**made, "old.pdf": pdf("an earlier version", 50_000)}.items():
        (folder / name).write_bytes(data)
    return made


@contextmanager
def printing(wine: Wine, program: Path, folder: Path, patterns: dict[str, list[str]]) -> Iterator[None]:
    """Run the patterns; in the block the program still has its reading handles."""
    shuffled = list(patterns)
    random.Random(8).shuffle(shuffled)
    process = wine.start(str(program), "X:\\", windows_path(folder) + "\\", *shuffled)
    try:
        assert process.stdout is not None
        said = []
        while (line := process.stdout.readline().decode().strip()) != "done":
            assert line, "the program ended: " + process.communicate()[1].decode(errors="replace")
            said.append(line)
        assert "\n".join(said) == "\n".join(f"ok {name}" for name in shuffled)
        yield
        rest, complaints = process.communicate(timeout=60)
        assert (process.returncode, rest) == (0, b""), complaints
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def printed_into(tmp_path: Path, wine: Wine) -> Iterator[tuple[Server, Drive]]:
    with (
        wsgidav_server(tmp_path / "server") as server,
        drive(tmp_path / "drive", server.url, server.user, server.password) as mounted,
    ):
        wine.letter("x", mounted.mountpoint)
        try:
            yield server, mounted
        finally:
            wine.end()
            wine.letter("x", None)


def stored(server: Server) -> dict[str, bytes]:
    return {name: (server.root / name).read_bytes() for name in server.names()}


def waiting(mounted: Drive) -> int:
    """Return how many documents are on their way."""
    outbox = mounted.outbox()
    try:
        return outbox.waiting()
    finally:
        outbox.close()


def test_what_a_win32_program_saves_arrives_byte_for_byte_and_once(
    printed_into: tuple[Server, Drive], wine: Wine, tmp_path: Path
) -> None:
    server, mounted = printed_into
    expected = sources(tmp_path / "sources")
    program = compiled(Path(__file__).with_name("prints.c"), tmp_path / "prints.exe", "-municode")
    server.stop()
    with printing(wine, program, tmp_path / "sources", WHILE_AWAY):
        server.start()
        assert mounted.run("queue", "retry", "--all", "--state", str(mounted.state)).returncode == 0
        with printing(wine, program, tmp_path / "sources", LIVE):
            wait_for(lambda: not waiting(mounted), "an end of the queue", 60)
            assert stored(server) == expected
    assert {name: why for name, why in mounted.reasons().items() if why} == HELD

    def moved() -> list[str]:
        return [path for method, path, status in server.requests() if method == "MOVE" and status < 300]

    wait_for(lambda: len(moved()) >= len(expected), "the server's log to show each document")
    assert len(moved()) == len(set(moved())) == len(expected)
    assert all(".ingisfs-" in path for method, path, _ in server.requests() if method == "PUT")
    assert mounted.unmount().returncode == 3  # two documents are held
    assert stored(server) == expected
