"""Virus scanners, indexers and others that only look."""

from __future__ import annotations

from ingisfs.selftest.corpus import pattern
from ingisfs.selftest.documents import pdf
from ingisfs.selftest.expecting import expect, same
from ingisfs.selftest.place import PIECE, Documents, Place


@pattern()
def scanned_from_before_the_close_until_long_after_delivery(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    place.fill(fd, data[:8000])
    scanner = place.open(one, "r")
    place.fill(fd, data[8000:])
    place.close(fd)
    place.wait(one, "delivered")
    same(place.content(scanner), data)
    place.close(scanner)
    return {one: data}


@pattern()
def read_in_the_middle_of_writing(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    place.fill(fd, data[:8000])
    same(place.read(one), data[:8000])
    place.pause()
    place.fill(fd, data[8000:])
    same(place.read(one), data)
    place.close(fd)
    return {one: data}


@pattern()
def read_again_and_again_after_the_close(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, data)
    for _ in range(5):
        same(place.read(one), data)
    place.wait(one, "delivered")
    same(place.read(one), data)
    return {one: data}


@pattern()
def looked_at_all_the_time(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    for start in range(0, len(data), PIECE):
        place.write(fd, data[start : start + PIECE])
        for _ in range(20):
            same(place.size(one), min(start + PIECE, len(data)))
        expect(one in place.listdir(), f"{one} to be listed")
    place.close(fd)
    for _ in range(20):
        same(place.size(one), len(data))
    return {one: data}


@pattern(within_settle=True)
def read_by_one_while_another_replaces_it(place: Place) -> Documents:
    one, temporary = place.name("F1.pdf"), place.name("F1.tmp")
    first, data = pdf("one", 20_000), pdf("two", 10_000)
    place.save(one, first)
    place.pause()
    reader = place.open(one, "r")
    place.save(temporary, data)
    place.rename(temporary, one)
    same(place.content(reader), first)
    place.close(reader)
    same(place.read(one), data)
    return {one: data}


@pattern(within_settle=True)
def scanned_while_overwritten(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("two", 10_000)
    place.save(one, pdf("one", 20_000))
    place.pause()
    scanner = place.open(one, "r")
    place.overwrite(one, data)
    same(place.content(scanner), data)
    place.close(scanner)
    return {one: data}


@pattern(within_settle=True)
def scanned_while_deleted_and_written_again(place: Place) -> Documents:
    one, first, data = place.name("F1.pdf"), pdf("one", 20_000), pdf("two", 10_000)
    place.save(one, first)
    place.pause()
    scanner = place.open(one, "r")
    place.unlink(one)
    place.save(one, data)
    same(place.content(scanner), first)
    place.close(scanner)
    return {one: data}


@pattern()
def attributes_set_after_the_close(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.set_attributes(one)
    place.wait(one, "delivered")
    place.set_attributes(one)
    return {one: data}


@pattern()
def attributes_set_while_written(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    place.fill(fd, data[:8000])
    place.set_attributes(one)
    place.fill(fd, data[8000:])
    place.set_attributes(one)
    place.close(fd)
    return {one: data}
