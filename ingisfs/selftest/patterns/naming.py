"""Names: another case, another way to write an accent, noise, folders."""

from __future__ import annotations

from ingisfs.selftest.corpus import pattern
from ingisfs.selftest.documents import pdf
from ingisfs.selftest.expecting import expect, refused, same
from ingisfs.selftest.place import Documents, Place


@pattern(within_settle=True)
def renamed_to_another_case(place: Place) -> Documents:
    small, capital, data = place.name("f1.pdf"), place.name("F1.PDF"), pdf("one", 20_000)
    place.save(small, data)
    place.pause()
    place.rename(small, capital)
    found = place.listdir()
    expect(capital in found, f"{capital} to be listed")
    expect(small not in found, f"{small} not to be listed")
    return {capital: data}


@pattern()
def renamed_to_another_case_while_open(place: Place) -> Documents:
    small, capital, data = place.name("f1.pdf"), place.name("F1.PDF"), pdf("one", 20_000)
    fd = place.create(small)
    place.fill(fd, data[:8000])
    place.rename(small, capital)
    place.fill(fd, data[8000:])
    place.close(fd)
    return {capital: data}


@pattern()
def created_again_in_another_case(place: Place) -> Documents:
    small, capital, data = place.name("f1.pdf"), place.name("F1.PDF"), pdf("one", 20_000)
    place.save(small, data)
    with refused(FileExistsError):
        place.create(capital)
    same(place.read(capital), data)
    return {small: data}


@pattern(within_settle=True)
def overwritten_in_another_case(place: Place) -> Documents:
    small, capital, data = place.name("f1.pdf"), place.name("F1.PDF"), pdf("two", 10_000)
    place.save(small, pdf("one", 20_000))
    place.pause()
    place.overwrite(capital, data)
    return {small: data}


@pattern(within_settle=True)
def replaced_in_another_case(place: Place) -> Documents:
    small, capital, temporary = place.name("f1.pdf"), place.name("F1.PDF"), place.name("F1.tmp")
    data = pdf("two", 10_000)
    place.save(small, pdf("one", 20_000))
    place.pause()
    place.save(temporary, data)
    place.rename(temporary, capital)
    expect(small not in place.listdir(), f"{small} not to be listed")
    return {capital: data}


@pattern()
def decomposed_name(place: Place) -> Documents:
    decomposed, composed = place.name("Cafe\u0301 1.pdf"), place.name("Caf\u00e9 1.pdf")
    data = pdf("one", 20_000)
    place.save(decomposed, data)
    same(place.read(composed), data)
    expect(composed in place.listdir(), f"{composed} to be listed")
    with refused(FileExistsError):
        place.create(composed)
    return {composed: data}


@pattern()
def noise(place: Place) -> Documents:
    for name in ("desktop.ini", "Thumbs.db", "autorun.inf", ".DS_Store"):
        if not place.exists(name):  # the system's own, or those of an earlier run
            place.save(name, b"[.ShellClassInfo]\r\n")
    for name in ("~$F1.pdf", "F1.tmp", "~F1.tmp", "F1.bak", ".F1.pdf.swp", "._F1.pdf", ".F1.pdf", "F1.pdf~"):
        place.save(place.name(name), pdf("noise"))
    return {}


@pattern()
def noise_that_stays_open(place: Place) -> Documents:
    one, owner, data = place.name("F1.pdf"), place.name("~$F1.pdf"), pdf("one", 20_000)
    fd = place.create(owner)
    place.write(fd, b"king")
    place.save(one, data)
    place.wait(one, "delivered")
    place.close(fd)
    place.unlink(owner)
    return {one: data}


@pattern()
def in_a_folder(place: Place) -> Documents:
    folder = place.name("Prive")
    place.mkdir(folder)
    place.save(f"{folder}/F1.pdf", pdf("one"))
    place.left_to_a_person(f"{folder}/F1.pdf")
    return {}


@pattern()
def moved_out_of_a_folder(place: Place) -> Documents:
    folder, one, data = place.name("Prive"), place.name("F1.pdf"), pdf("one", 20_000)
    place.mkdir(folder)
    place.save(f"{folder}/F1.pdf", data)
    place.wait(f"{folder}/F1.pdf", "held")
    place.rename(f"{folder}/F1.pdf", one)
    return {one: data}


@pattern(within_settle=True)
def moved_into_a_folder(place: Place) -> Documents:
    folder, one = place.name("Prive"), place.name("F1.pdf")
    place.mkdir(folder)
    place.save(one, pdf("one", 20_000))
    place.pause()
    place.rename(one, f"{folder}/F1.pdf")
    place.left_to_a_person(f"{folder}/F1.pdf")
    return {}
