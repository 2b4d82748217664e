"""Documents as King prints them, printing, and looking for them at the server."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PIECE = 4096  # bytes of one write of King's
WHOLE = 2**30  # a piece that every document fits into


@dataclass(frozen=True, slots=True)
class Document:
    """What is printed."""

    name: str
    data: bytes


def pdf(rnd: random.Random, size: int = 60_000) -> bytes:
    """Return a whole PDF of about `size` bytes that does not compress."""
    body = b"%%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\n2 0 obj\n<</Length %d>>\nstream\n" % size
    body += rnd.randbytes(size) + b"\nendstream\nendobj\n"
    tail = b"xref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 3/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(body)
    return body + tail


def xml(rnd: random.Random, size: int = 6_000) -> bytes:
    """Return a well-formed XML of about `size` bytes."""
    return (
        b"<?xml version='1.0' encoding='UTF-8'?>\n<FACTUUR><DATA>"
        + rnd.randbytes(size // 2).hex().encode()
        + b"</DATA></FACTUUR>\n"
    )


def pairs(count: int, prefix: str = "F", seed: int = 1) -> list[Document]:
    """Return so many pairs of a 60 KB PDF and a 6 KB XML, each PDF before its XML."""
    rnd = random.Random(seed)
    made = ((f"{prefix}{n:05d}.{kind}", make(rnd)) for n in range(count) for kind, make in (("pdf", pdf), ("xml", xml)))
    return [Document(name, data) for name, data in made]


def pdfs(count: int, prefix: str = "P", size: int = 60_000, seed: int = 1) -> list[Document]:
    """Return so many PDFs."""
    rnd = random.Random(seed)
    return [Document(f"{prefix}{n:05d}.pdf", pdf(rnd, size)) for n in range(count)]


def small(count: int, prefix: str = "S", seed: int = 1) -> list[Document]:
    """Return so many XMLs of 3 KB."""
    rnd = random.Random(seed)
    return [Document(f"{prefix}{n:06d}.xml", xml(rnd, 3_000)) for n in range(count)]


# ---- printing ------------------------------------------------------------------------------------------------------


def print_document(
    folder: Path, document: Document, *, piece: int = PIECE, sync: bool = False, only_close: bool = False
) -> float:
    """Write as King does; return the seconds that its program waited. `sync`: file and folder, as a careful program.

    `only_close`: what it waited behind its last write.
    """
    begun = time.perf_counter()
    fd = os.open(folder / document.name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    for at in range(0, len(document.data), piece):
        os.write(fd, document.data[at : at + piece])
    begun = time.perf_counter() if only_close else begun
    if sync:
        os.fsync(fd)
    os.close(fd)
    if sync:
        folder_fd = os.open(folder, os.O_RDONLY)
        os.fsync(folder_fd)
        os.close(folder_fd)
    return time.perf_counter() - begun


def print_all(
    folder: Path, documents: Sequence[Document], *, piece: int = PIECE, sync: bool = False, only_close: bool = False
) -> list[float]:
    """Print one after the other; return the seconds of each, as `print_document` does."""
    return [print_document(folder, each, piece=piece, sync=sync, only_close=only_close) for each in documents]


def print_at_once(folder: Path, programs: int, count: int, *, sync: bool = False) -> tuple[list[float], float]:
    """Let so many programs print `count` PDFs each at once; return the seconds of each document, and of all."""
    begin = time.time() + 0.5 + 0.1 * programs
    command = [sys.executable, __file__, str(folder), str(count), "sync" if sync else "", repr(begin)]
    started = [
        subprocess.Popen([*command, str(number)], stdout=subprocess.PIPE, text=True) for number in range(programs)
    ]
    times: list[float] = []
    last = begin
    for process in started:
        said, _ = process.communicate(timeout=600)
        *mine, end = map(float, said.split())
        times += mine
        last = max(last, end)
        if process.returncode:
            raise RuntimeError("a printing program failed")
    return times, last - begin


def _one_of_many(folder: str, count: str, sync: str, begin: str, number: str) -> None:
    """The main of one printing program."""
    documents = pdfs(int(count), f"M{number}-", seed=int(number))
    time.sleep(max(0.0, float(begin) - time.time()))
    print(*print_all(Path(folder), documents, sync=bool(sync)), time.time())


# ---- at the server -------------------------------------------------------------------------------------------------


def arrivals(root: Path, sizes: Mapping[str, int]) -> list[float]:
    """Return when each of these documents that is whole at the server got there, in s since 1970.

    That is when its file was changed last, by its last byte or by its rename. Nobody has to look all the time for it.
    """
    found = []
    for entry in os.scandir(root):
        if entry.name in sizes:
            try:
                status = entry.stat()
            except FileNotFoundError:
                continue
            if status.st_size == sizes[entry.name]:
                found.append(status.st_ctime_ns / 1e9)
    return found


def wait_arrivals(root: Path, documents: Sequence[Document], seconds: float, enough: int | None = None) -> list[float]:
    """Wait until all (or enough) are there, or the seconds have passed; return the moments as `arrivals` does.

    For the first one it waits a minute at least, and then half of the time for more: they may come in batches. Raises
    TimeoutError if not even one came. To look takes a 20th of the time at most.
    """
    sizes = {document.name: len(document.data) for document in documents}
    wanted = len(sizes) if enough is None else min(enough, len(sizes))
    begun = time.monotonic()
    end: float | None = None
    while True:
        look = time.monotonic()
        found = arrivals(root, sizes)
        now = time.monotonic()
        if found and end is None:
            end = max(begun + seconds, now + seconds / 2)
        if len(found) >= wanted or (end is not None and now > end):
            return found
        if end is None and now > begun + max(60.0, seconds):
            raise TimeoutError("not one document arrived")
        time.sleep(max(0.02, 20 * (now - look)))


def wait(condition: Callable[[], bool], what: str, seconds: float = 60.0, every: float = 0.002) -> None:
    """Wait until it holds. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{seconds:g} s in vain for {what}")
        time.sleep(every)


if __name__ == "__main__":
    _one_of_many(*sys.argv[1:])
