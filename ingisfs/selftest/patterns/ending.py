"""When is it the end? Documents that are reopened, continued, or kept open for long."""

from __future__ import annotations

import time

from ingisfs.selftest.corpus import pattern
from ingisfs.selftest.documents import pdf, revised
from ingisfs.selftest.place import PIECE, Documents, Mode, Place

_FOR_WRITING: tuple[Mode, ...] = ("r+", "a", "r+")


@pattern()
def created_empty_and_written_later(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 10_000)
    place.close(place.create(one))
    fd = place.open(one, "r+")
    place.fill(fd, data)
    place.close(fd)
    return {one: data}


@pattern()
def created_empty_and_written_much_later(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 10_000)
    place.close(place.create(one))
    place.wait(one, "held")
    place.overwrite(one, data)
    return {one: data}


@pattern()
def appended_page_by_page(place: Place) -> Documents:  # paperless-ng 853
    one, data = place.name("F1.pdf"), pdf("page 1", 5000)
    closed = time.monotonic()
    place.save(one, data)
    for page in range(2, 7):
        place.pause()
        more = revised(data, f"page {page}")
        fd = place.open(one, "a")
        place.hurry(closed)
        place.write(fd, more[len(data) :])
        closed = time.monotonic()
        place.close(fd)
        data = more
    return {one: data}


@pattern()
def cut_and_completed_after_it_was_held(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 10_000)
    place.save(one, data[:6000])
    place.wait(one, "held")
    fd = place.open(one, "a")
    place.write(fd, data[6000:])
    place.close(fd)
    return {one: data}


@pattern()
def appended_slowly_with_pauses(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 10_000)
    for start in range(0, len(data), 4000):
        fd = place.open(one, "a")
        place.write(fd, data[start : start + 4000])
        place.close(fd)
        place.pause()
    return {one: data}


@pattern(within_settle=True)
def reopened_and_patched(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.pause()
    fd = place.open(one, "r+")
    place.pwrite(fd, b"2", data.index(b"one") + 2)
    place.close(fd)
    return {one: data.replace(b"one", b"on2")}


@pattern(within_settle=True)
def reopened_and_cut(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, revised(data, "too much"))
    place.pause()
    fd = place.open(one, "r+")
    place.ftruncate(fd, len(data))
    place.close(fd)
    return {one: data}


@pattern(within_settle=True)
def cut_by_name(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, revised(data, "too much"))
    place.pause()
    place.truncate(one, len(data))
    return {one: data}


@pattern()
def cut_by_name_while_open(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    place.write(fd, data[:10_000] + b"y" * 30_000)
    place.truncate(one, 10_000)
    place.pwrite(fd, data[10_000:], 10_000)
    place.close(fd)
    return {one: data}


@pattern(within_settle=True)
def printed_twice(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("two", 10_000)
    place.save(one, pdf("one", 20_000))
    place.pause()
    place.overwrite(one, data)
    return {one: data}


@pattern(within_settle=True)
def overwritten_by_wine(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("two", 10_000)
    place.save(one, pdf("one", 20_000))
    place.pause()
    fd = place.open(one, "r+")
    place.ftruncate(fd, 0)
    place.fill(fd, data)
    place.flush(fd)
    place.close(fd)
    return {one: data}


@pattern()
def opened_for_writing_and_left_alone(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 10_000)
    place.save(one, data)
    for mode in _FOR_WRITING:
        place.close(place.open(one, mode))
    return {one: data}


@pattern()
def opened_for_writing_and_left_alone_after_delivery(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 10_000)
    place.save(one, data)
    place.wait(one, "delivered")
    for mode in _FOR_WRITING:
        place.close(place.open(one, mode))
    return {one: data}


@pattern()
def held_and_opened_for_writing_and_left_alone(place: Place) -> Documents:
    one = place.name("F1.pdf")
    place.save(one, pdf("one", 10_000)[:-30])
    place.wait(one, "held")
    for mode in _FOR_WRITING:
        place.close(place.open(one, mode))
    place.left_to_a_person(one)
    return {}


@pattern()
def written_after_fsync(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    place.fill(fd, data[:8000])
    place.fsync(fd)
    place.fill(fd, data[8000:])
    place.fsync(fd)
    place.close(fd)
    return {one: data}


@pattern()
def flushed_after_every_piece(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 10_000)
    fd = place.create(one)
    for start in range(0, len(data), 1000):
        place.write(fd, data[start : start + 1000])
        place.flush(fd)
    place.close(fd)
    return {one: data}


@pattern()
def whole_at_an_fsync_and_long_not_closed(place: Place) -> Documents:
    one, two, first = place.name("F1.pdf"), place.name("F2.pdf"), pdf("one", 20_000)
    data = revised(first, "the end")
    fd = place.create(one)
    place.fill(fd, first)
    place.fsync(fd)
    place.save(two, pdf("two"))
    place.wait(two, "delivered")  # more than the settle time
    place.fill(fd, data[len(first) :])
    place.close(fd)
    return {one: data, two: pdf("two")}


@pattern()
def one_handle_closed_the_other_long_not(place: Place) -> Documents:
    one, two, first = place.name("F1.pdf"), place.name("F2.pdf"), pdf("one", 20_000)
    data = revised(first, "the end")
    fd = place.create(one)
    other = place.open(one, "r+")
    place.fill(fd, first)
    place.close(fd)
    place.save(two, pdf("two"))
    place.wait(two, "delivered")
    place.pwrite(other, data[len(first) :], len(first))
    place.close(other)
    return {one: data, two: pdf("two")}


@pattern()
def one_descriptor_closed_the_other_long_not(place: Place) -> Documents:
    one, two, first = place.name("F1.pdf"), place.name("F2.pdf"), pdf("one", 20_000)
    data = revised(first, "the end")
    fd = place.create(one)
    other = place.dup(fd)
    place.fill(fd, first)
    place.close(fd)
    place.save(two, pdf("two"))
    place.wait(two, "delivered")
    place.fill(other, data[len(first) :])
    place.close(other)
    return {one: data, two: pdf("two")}


@pattern()
def closed_last_by_a_child_that_writes(place: Place) -> Documents:
    one, two, first = place.name("F1.pdf"), place.name("F2.pdf"), pdf("one", 20_000)
    data = revised(first, "the end")
    fd = place.create(one)
    place.fill(fd, first)
    child = place.child(fd)
    place.close(fd)
    place.save(two, pdf("two"))
    place.wait(two, "delivered")
    child.finish(data[len(first) :])
    return {one: data, two: pdf("two")}


@pattern()
def closed_last_by_a_child_that_does_nothing(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    child = place.child(fd)
    place.fill(fd, data)
    place.close(fd)
    place.pause()
    child.finish(b"")
    return {one: data}


@pattern()
def written_through_two_handles(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 30_000)
    fd = place.create(one)
    other = place.open(one, "r+")
    for start in range(0, len(data), 2 * PIECE):
        place.pwrite(fd, data[start : start + PIECE], start)
        place.pwrite(other, data[start + PIECE : start + 2 * PIECE], start + PIECE)
    place.close(other)
    place.close(fd)
    return {one: data}


@pattern()
def emptied_by_a_second_program_while_written(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("two", 10_000)
    fd = place.create(one)
    place.fill(fd, pdf("one", 20_000))
    other = place.open(one, "w")
    place.fill(other, data)
    place.close(fd)
    place.pause()
    place.close(other)
    return {one: data}


@pattern()
def two_documents_written_in_turn(place: Place) -> Documents:
    names = [place.name("F1.pdf"), place.name("F2.pdf")]
    datas = [pdf("one", 30_000), pdf("two", 30_000)]
    fds = [place.create(name) for name in names]
    for start in range(0, len(datas[0]), PIECE):
        for fd, data in zip(fds, datas, strict=True):
            place.write(fd, data[start : start + PIECE])
    for fd in fds:
        place.close(fd)
    return dict(zip(names, datas, strict=True))
