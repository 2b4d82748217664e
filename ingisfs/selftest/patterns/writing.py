"""Writing one document in one go."""

from __future__ import annotations

from ingisfs.selftest.corpus import pattern
from ingisfs.selftest.documents import pdf
from ingisfs.selftest.expecting import same
from ingisfs.selftest.place import PIECE, Documents, Place


@pattern()
def created_and_written_in_pieces(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 60_000)
    place.save(one, data)
    same(place.read(one), data)
    return {one: data}


@pattern()
def written_in_unbuffered_lines(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 9_000)
    place.save(one, data, 49)
    return {one: data}


@pattern()
def written_at_once(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 60_000)
    place.save(one, data, len(data))
    return {one: data}


@pattern()
def header_patched_at_the_end(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    place.fill(fd, b"%PDF-?.?" + data[8:])
    place.pwrite(fd, data[:8], 0)
    place.close(fd)
    return {one: data}


@pattern()
def written_backwards(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    for start in reversed(range(0, len(data), PIECE)):
        place.pwrite(fd, data[start : start + PIECE], start)
    place.close(fd)
    return {one: data}


@pattern()
def preallocated_and_cut(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 60_000)
    fd = place.create(one)
    place.ftruncate(fd, 1_000_000)
    place.fill(fd, data)
    place.ftruncate(fd, len(data))
    place.close(fd)
    return {one: data}


@pattern()
def preallocated_by_a_last_byte_and_cut(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 60_000)
    fd = place.create(one)
    place.pwrite(fd, b"\0", 1_000_000 - 1)
    place.fill(fd, data)
    same(place.size(one), 1_000_000)
    place.ftruncate(fd, len(data))
    place.close(fd)
    return {one: data}


@pattern()
def preallocated_by_the_system_and_cut(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 60_000)
    fd = place.create(one)
    place.allocate(fd, 200_000)
    place.fill(fd, data)
    place.ftruncate(fd, len(data))
    place.close(fd)
    return {one: data}


@pattern()
def grown_as_wine_does(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 60_000)
    fd = place.create(one)
    place.ftruncate(fd, 0)
    place.pwrite(fd, b"\0", len(data))
    place.ftruncate(fd, len(data))
    place.fill(fd, data)
    place.flush(fd)
    place.close(fd)
    return {one: data}


@pattern()
def emptied_and_rewritten_on_the_same_handle(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("two", 10_000)
    fd = place.create(one)
    place.write(fd, pdf("one", 20_000))
    place.ftruncate(fd, 0)
    place.pwrite(fd, data, 0)
    place.close(fd)
    return {one: data}


@pattern()
def written_with_holes(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 300_000).replace(b"xxxx", bytes(4))
    fd = place.create(one)
    place.pwrite(fd, data[-500:], len(data) - 500)
    place.pwrite(fd, data[:500], 0)
    place.close(fd)
    return {one: data}


@pattern()
def filled_up_with_zeros_at_the_end(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 3000)
    fd = place.create(one)
    place.write(fd, data)
    place.ftruncate(fd, PIECE)
    place.close(fd)
    return {one: data.ljust(PIECE, b"\0")}


@pattern()
def appended_by_one_handle(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 30_000)
    fd = place.create(one, append=True)
    place.write(fd, data[:100])
    place.pwrite(fd, data[100:5000], 0)  # a handle that appends does so wherever it is told to write
    place.fill(fd, data[5000:])
    place.close(fd)
    return {one: data}


@pattern()
def appended_by_two_handles_in_turn(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 30_000)
    fds = [place.open(one, "a"), place.open(one, "a")]
    for at, start in enumerate(range(0, len(data), 1000)):
        place.write(fds[at % 2], data[start : start + 1000])
    for fd in fds:
        place.close(fd)
    return {one: data}


@pattern()
def copied_3_mb(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 3 * 2**20)
    place.copy(data, one)
    return {one: data}


@pattern()
def written_5_mb_out_of_order(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 5 * 2**20)
    fd = place.create(one)
    place.pwrite(fd, data[3 * 2**20 :], 3 * 2**20)
    place.fill(fd, data[: 3 * 2**20], 2**17)
    place.close(fd)
    return {one: data}


@pattern(mount_only=True)
def written_in_memory(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 60_000)
    fd = place.create(one)
    place.pwrite(fd, b"\0", len(data))
    place.ftruncate(fd, len(data))
    with place.mapped(fd, len(data)) as memory:
        memory[:] = data
    place.close(fd)
    return {one: data}


@pattern(mount_only=True)
def written_in_memory_behind_a_closed_descriptor(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 60_000)
    fd = place.create(one)
    place.ftruncate(fd, len(data))
    with place.mapped(fd, len(data)) as memory:
        memory[:30_000] = data[:30_000]
        place.close(fd)  # the mapping keeps the file open
        memory[30_000:] = data[30_000:]
    return {one: data}


@pattern(mount_only=True)
def patched_in_memory(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 60_000)
    place.save(one, data[:40_000])
    fd = place.open(one, "r+")
    place.pwrite(fd, data[40_000:], 40_000)
    with place.mapped(fd, len(data)) as memory:
        same(bytes(memory), data)
        memory[30_000:30_010] = b"0123456789"
    place.close(fd)
    return {one: data[:30_000] + b"0123456789" + data[30_010:]}
