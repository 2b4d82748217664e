"""Once more, after INGIS has it: a person decides."""

from __future__ import annotations

from ingisfs.selftest.corpus import pattern
from ingisfs.selftest.documents import pdf
from ingisfs.selftest.expecting import same
from ingisfs.selftest.place import Documents, Place


@pattern()
def overwritten_after_delivery(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.wait(one, "delivered")
    place.overwrite(one, pdf("two", 10_000))
    place.left_to_a_person(one)
    return {one: data}


@pattern()
def overwritten_with_the_same_bytes_after_delivery(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.wait(one, "delivered")
    place.overwrite(one, data)
    place.left_to_a_person(one)
    return {one: data}


@pattern()
def patched_after_delivery(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.wait(one, "delivered")
    fd = place.open(one, "r+")
    place.pwrite(fd, b"2", data.index(b"one") + 2)
    place.close(fd)
    place.left_to_a_person(one)
    return {one: data}


@pattern()
def temporary_renamed_over_a_delivered_document(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name("F1.tmp"), pdf("one", 20_000)
    place.save(one, data)
    place.wait(one, "delivered")
    place.save(temporary, pdf("two", 10_000))
    place.rename(temporary, one)
    place.left_to_a_person(one)
    return {one: data}


@pattern()
def deleted_and_written_again_after_delivery(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    place.save(one, data)
    place.wait(one, "delivered")
    place.unlink(one)
    place.save(one, pdf("two", 10_000))
    place.left_to_a_person(one)
    return {one: data}


def _print_as_king(place: Place, name: str, data: bytes) -> str:
    """King never overwrites: it saves `name(1)` where the name exists."""
    stem, dot, ending = name.rpartition(".")
    free, number = name, 0
    while place.exists(free):
        number += 1
        free = f"{stem}({number}){dot}{ending}"
    place.save(free, data)
    return free


@pattern(within_settle=True)
def printed_again_by_king(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("two", 10_000)
    _print_as_king(place, one, pdf("one", 20_000))
    place.pause()
    same(_print_as_king(place, one, data), place.name("F1(1).pdf"))
    return {one: data}


@pattern()
def printed_again_by_king_after_delivery(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    _print_as_king(place, one, data)
    place.wait(one, "delivered")
    again = _print_as_king(place, one, pdf("two", 10_000))
    same(again, place.name("F1(1).pdf"))
    place.left_to_a_person(again)
    return {one: data}


@pattern()
def named_with_a_number_where_there_is_no_first(place: Place) -> Documents:
    one, data = place.name("F1(1).pdf"), pdf("one", 20_000)
    place.save(one, data)
    return {one: data}
