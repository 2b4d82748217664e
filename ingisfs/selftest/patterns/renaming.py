"""Renaming and deleting."""

from __future__ import annotations

from ingisfs.selftest.corpus import pattern
from ingisfs.selftest.documents import pdf
from ingisfs.selftest.expecting import expect, refused, same
from ingisfs.selftest.place import Documents, Place


@pattern(within_settle=True)
def renamed_after_the_close(place: Place) -> Documents:
    one, two, data = place.name("F1.pdf"), place.name("F2.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.pause()
    place.rename(one, two)
    return {two: data}


@pattern(within_settle=True)
def renamed_twice(place: Place) -> Documents:
    one, two, three = place.name("F1.pdf"), place.name("F2.pdf"), place.name("F3.pdf")
    data = pdf("one", 20_000)
    place.save(one, data)
    place.pause()
    place.rename(one, two)
    place.rename(two, three)
    return {three: data}


@pattern(within_settle=True)
def renamed_while_opened_for_writing_and_left_alone(place: Place) -> Documents:
    one, two, data = place.name("F1.pdf"), place.name("F2.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.pause()
    fd = place.open(one, "r+")
    place.rename(one, two)
    place.close(fd)
    return {two: data}


@pattern()
def held_and_renamed_while_opened_for_writing_and_left_alone(place: Place) -> Documents:
    one, two = place.name("F1.pdf"), place.name("F2.pdf")
    place.save(one, pdf("one", 10_000)[:-30])
    place.wait(one, "held")
    fd = place.open(one, "r+")
    place.rename(one, two)
    place.close(fd)
    place.left_to_a_person(two)
    return {}


@pattern()
def renamed_to_its_own_name(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.rename(one, one)
    place.wait(one, "delivered")
    place.rename(one, one)
    return {one: data}


@pattern(within_settle=True)
def renamed_and_deleted(place: Place) -> Documents:  # rclone 6809
    one, two = place.name("F1.pdf"), place.name("F2.pdf")
    place.save(one, pdf("one", 20_000))
    place.pause()
    place.rename(one, two)
    place.unlink(two)
    expect(not place.exists(one), f"{one} to be gone")
    expect(not place.exists(two), f"{two} to be gone")
    return {}


@pattern(within_settle=True)
def renamed_and_its_name_used_again(place: Place) -> Documents:
    one, two = place.name("F1.pdf"), place.name("F2.pdf")
    place.save(one, pdf("one", 20_000))
    place.pause()
    place.rename(one, two)
    place.save(one, pdf("two", 10_000))
    return {one: pdf("two", 10_000), two: pdf("one", 20_000)}


@pattern(within_settle=True)
def names_exchanged(place: Place) -> Documents:
    one, two, temporary = place.name("F1.pdf"), place.name("F2.pdf"), place.name("swap.tmp")
    place.save(one, pdf("one", 20_000))
    place.pause()
    place.save(two, pdf("two", 10_000))
    place.rename(one, temporary)
    place.rename(two, one)
    place.rename(temporary, two)
    return {one: pdf("two", 10_000), two: pdf("one", 20_000)}


@pattern(within_settle=True)
def renamed_to_noise(place: Place) -> Documents:
    one, temporary = place.name("F1.pdf"), place.name("F1.tmp")
    place.save(one, pdf("one", 20_000))
    place.pause()
    place.rename(one, temporary)
    return {}


@pattern(within_settle=True)
def renamed_to_noise_and_back(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name("F1.tmp"), pdf("one", 20_000)
    place.save(one, data)
    place.pause()
    place.rename(one, temporary)
    place.rename(temporary, one)
    return {one: data}


@pattern()
def renaming_refused_after_delivery(place: Place) -> Documents:
    one, two, data = place.name("F1.pdf"), place.name("F2.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.wait(one, "delivered")
    with refused(PermissionError):
        place.rename(one, two)
    same(place.read(one), data)
    return {one: data}


@pattern(within_settle=True)
def deleted_after_the_close(place: Place) -> Documents:
    one = place.name("F1.pdf")
    place.save(one, pdf("one", 20_000))
    place.pause()
    place.unlink(one)
    expect(one not in place.listdir(), f"{one} not to be listed")
    return {}


@pattern(within_settle=True)
def deleted_and_written_again(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("two", 10_000)
    place.save(one, pdf("one", 20_000))
    place.pause()
    place.unlink(one)
    place.save(one, data)
    return {one: data}


@pattern()
def deleted_while_open(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    place.fill(fd, data[:8000])
    place.unlink(one)
    expect(not place.exists(one), f"{one} to be gone")
    place.fill(fd, data[8000:])
    same(place.content(fd), data)
    place.close(fd)
    return {}


@pattern()
def deleted_while_open_and_written_again(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("two", 10_000)
    fd = place.create(one)
    place.write(fd, pdf("one", 20_000))
    place.fsync(fd)
    place.unlink(one)
    place.save(one, data)
    place.write(fd, b"% more")
    place.close(fd)
    same(place.read(one), data)
    return {one: data}


@pattern(within_settle=True)
def deleted_while_read(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.pause()
    reader = place.open(one, "r")
    place.unlink(one)
    same(place.content(reader), data)
    place.close(reader)
    return {}


@pattern()
def deleted_on_close_as_wine_does(place: Place) -> Documents:
    one, hidden = place.name("F1.pdf"), f".fuse_hidden {place.stem}"
    fd = place.create(one)
    place.write(fd, pdf("one"))
    place.flush(fd)
    place.rename(one, hidden)
    place.flush(fd)
    place.close(fd)
    place.unlink(hidden)
    return {}


@pattern()
def deleted_after_delivery(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.wait(one, "delivered")
    place.unlink(one)
    expect(not place.exists(one), f"{one} to be gone")
    return {one: data}
