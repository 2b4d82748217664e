"""What must not go by itself."""

from __future__ import annotations

from contextlib import suppress

from ingisfs.selftest.corpus import pattern
from ingisfs.selftest.documents import pdf
from ingisfs.selftest.expecting import NotPossibleError, expect
from ingisfs.selftest.place import Documents, Place

_MOST = 64 * 2**20  # bytes; what is written to find a limit that is not known


@pattern()
def empty(place: Place) -> Documents:
    one = place.name("F1.pdf")
    place.close(place.create(one))
    place.left_to_a_person(one)
    return {}


@pattern()
def emptied_and_left(place: Place) -> Documents:
    one = place.name("F1.pdf")
    fd = place.create(one)
    place.write(fd, pdf("one", 20_000))
    place.fsync(fd)
    place.ftruncate(fd, 0)
    place.close(fd)
    place.left_to_a_person(one)
    return {}


@pattern()
def cut(place: Place) -> Documents:
    one = place.name("F1.pdf")
    place.save(one, pdf("one", 20_000)[:-30])
    place.left_to_a_person(one)
    return {}


@pattern()
def cut_and_deleted(place: Place) -> Documents:
    one = place.name("F1.pdf")
    place.save(one, pdf("one", 20_000)[:-30])
    place.wait(one, "held")
    place.unlink(one)
    return {}


def _write_too_much(place: Place, fd: int) -> None:
    try:
        place.fill(fd, bytes((place.max_document or _MOST) + 1), 2**17)
    except OSError as error:
        expect(place.means_too_large(error), f"to be told that it is too large, not {error!r}")
        return
    expect(place.max_document is None, f"a write of more than {place.max_document} bytes to fail")
    raise NotPossibleError("limit")


@pattern()
def too_large(place: Place) -> Documents:
    one = place.name("F1.pdf")
    fd = place.create(one)
    place.write(fd, pdf("one"))
    _write_too_much(place, fd)
    with suppress(OSError):  # said once more, where a close can fail
        place.close(fd)
    place.left_to_a_person(one)
    return {}


@pattern()
def too_large_and_begun_anew(place: Place) -> Documents:
    one, data = place.name("F1.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    _write_too_much(place, fd)
    place.ftruncate(fd, 0)
    place.pwrite(fd, data, 0)
    place.close(fd)
    return {one: data}
