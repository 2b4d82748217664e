"""Temporary files that become the document."""

from __future__ import annotations

from ingisfs.selftest.corpus import pattern
from ingisfs.selftest.documents import pdf, revised
from ingisfs.selftest.expecting import expect, refused, same
from ingisfs.selftest.place import Documents, Place


@pattern()
def temporary_renamed_over_nothing(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name("F1.tmp"), pdf("one", 20_000)
    place.save(temporary, data)
    place.rename(temporary, one)
    return {one: data}


@pattern(within_settle=True)
def temporary_renamed_over_an_older_document(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name("F1.tmp"), pdf("two", 20_000)
    place.save(one, pdf("one", 10_000))
    place.pause()
    place.save(temporary, data)
    place.rename(temporary, one)
    return {one: data}


@pattern()
def temporary_renamed_over_a_document_that_is_written(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name("F1.tmp"), pdf("two", 20_000)
    fd = place.create(one)
    place.fill(fd, pdf("one", 10_000))
    place.save(temporary, data)
    place.rename(temporary, one)
    place.write(fd, b"% more")
    place.close(fd)
    same(place.read(one), data)
    return {one: data}


@pattern()
def temporary_renamed_over_an_empty_document(place: Place) -> Documents:  # rclone 4293
    one, temporary, data = place.name("F1.pdf"), place.name("F1.tmp"), pdf("one", 20_000)
    place.close(place.create(one))
    place.save(temporary, data)
    place.rename(temporary, one)
    return {one: data}


@pattern()
def temporary_renamed_over_an_empty_document_much_later(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name("F1.tmp"), pdf("one", 20_000)
    place.close(place.create(one))
    place.save(temporary, data)
    place.wait(one, "held")
    place.rename(temporary, one)
    return {one: data}


@pattern()
def temporary_renamed_as_wine_does(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name("~tmp123.tmp"), pdf("one", 20_000)
    place.save(temporary, data)
    fd = place.open(temporary, "r")
    place.rename(temporary, one)
    place.flush(fd)
    place.close(fd)
    return {one: data}


@pattern()
def temporary_renamed_as_wine_does_and_closed_after_delivery(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name("~tmp123.tmp"), pdf("one", 20_000)
    place.save(temporary, data)
    fd = place.open(temporary, "r")
    place.rename(temporary, one)
    place.wait(one, "delivered")
    place.flush(fd)
    same(place.content(fd), data)
    place.close(fd)
    return {one: data}


@pattern()
def temporary_renamed_while_written(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name("F1.tmp"), pdf("one", 20_000)
    fd = place.create(temporary)
    place.fill(fd, data[:8000])
    place.rename(temporary, one)
    place.fill(fd, data[8000:])
    place.close(fd)
    same(place.read(one), data)
    return {one: data}


@pattern()
def document_renamed_while_written(place: Place) -> Documents:
    one, two, data = place.name("F1.pdf"), place.name("F2.pdf"), pdf("one", 20_000)
    fd = place.create(one)
    place.fill(fd, data[:8000])
    place.fsync(fd)
    place.rename(one, two)
    place.fill(fd, data[8000:])
    place.close(fd)
    return {two: data}


@pattern()
def whole_document_renamed_and_long_not_closed(place: Place) -> Documents:
    one, two, temporary = place.name("F1.pdf"), place.name("F2.pdf"), place.name("F1.tmp")
    first = pdf("one", 20_000)
    data = revised(first, "the end")
    fd = place.create(temporary)
    place.fill(fd, first)
    place.fsync(fd)
    place.rename(temporary, one)
    place.save(two, pdf("two"))
    place.wait(two, "delivered")
    place.fill(fd, data[len(first) :])
    place.close(fd)
    return {one: data, two: pdf("two")}


@pattern()
def temporary_not_renamed_where_a_document_is(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name("F1.tmp"), pdf("one", 20_000)
    place.save(one, data)
    place.save(temporary, pdf("two", 10_000))
    with refused(FileExistsError):
        place.rename(temporary, one, replace=False)
    expect(place.exists(temporary), f"{temporary} to be there")
    return {one: data}


@pattern(within_settle=True)
def replaced_with_a_backup(place: Place) -> Documents:
    one, backup, temporary = place.name("F1.pdf"), place.name("F1.bak"), place.name("b.tmp")
    data = pdf("two", 10_000)
    place.save(one, pdf("one", 20_000))
    place.pause()
    place.save(temporary, data)
    place.replace(one, temporary, backup)
    same(place.read(backup), pdf("one", 20_000))
    return {one: data}


@pattern()
def replaced_with_a_backup_after_delivery(place: Place) -> Documents:
    one, backup, temporary = place.name("F1.pdf"), place.name("F1.bak"), place.name("b.tmp")
    data = pdf("one", 20_000)
    place.save(one, data)
    place.wait(one, "delivered")
    place.save(temporary, pdf("two", 10_000))
    place.rename(one, backup)
    place.rename(temporary, one)
    same(place.read(backup), data)
    same(place.read(one), pdf("two", 10_000))
    place.left_to_a_person(one)  # INGIS has the first one
    return {one: data}


@pattern(within_settle=True)
def saved_as_word_does(place: Place) -> Documents:
    one, new, old = place.name("F1.pdf"), place.name("~WRD0000.tmp"), place.name("~WRL0001.tmp")
    owner, data = place.name("~$F1.pdf"), pdf("two", 20_000)
    place.save(owner, b"\x05Boekhouding".ljust(162, b" "))
    place.pause()
    place.save(one, pdf("one", 10_000))
    place.save(new, data)
    place.rename(one, old)
    place.rename(new, one)
    place.set_attributes(one)
    place.unlink(old)
    place.unlink(owner)
    return {one: data}


@pattern(within_settle=True)
def saved_as_excel_does(place: Place) -> Documents:
    one, new, old = place.name("F1.pdf"), place.name("A1B2C300"), place.name("5E6F7A81.tmp")
    data = pdf("two", 20_000)
    place.save(one, pdf("one", 10_000))
    place.pause()
    place.save(new, data)  # no ending: looks like a document
    place.rename(one, old)
    place.rename(new, one)
    place.unlink(old)
    return {one: data}


@pattern()
def renamed_to_a_document_after_it_was_held_for_its_type(place: Place) -> Documents:
    one, new, data = place.name("F1.pdf"), place.name("A1B2C300"), pdf("one", 20_000)
    place.save(new, data)
    place.wait(new, "held")
    place.rename(new, one)
    return {one: data}


@pattern()
def saved_as_word_does_after_delivery(place: Place) -> Documents:
    one, new, old = place.name("F1.pdf"), place.name("~WRD0000.tmp"), place.name("~WRL0001.tmp")
    data = pdf("one", 10_000)
    place.save(one, data)
    place.wait(one, "delivered")
    place.save(new, pdf("two", 20_000))
    place.rename(one, old)
    place.rename(new, one)
    place.unlink(old)
    place.left_to_a_person(one)
    return {one: data}


@pattern()
def set_aside_and_written_through_the_same_handle_after_delivery(place: Place) -> Documents:
    one, backup, data = place.name("F1.pdf"), place.name("F1.bak"), pdf("one", 20_000)
    place.save(one, data)
    place.wait(one, "delivered")
    fd = place.open(one, "r+")
    place.rename(one, backup)
    place.pwrite(fd, b"2", data.index(b"one") + 2)
    place.close(fd)
    expect(not place.exists(one), f"{one} to be gone")
    same(place.read(backup), data.replace(b"one", b"on2"))
    return {one: data}


@pattern()
def saved_as_libreoffice_does(place: Place) -> Documents:
    one, lock, temporary = place.name("F1.pdf"), place.name(".~lock.F1.pdf#"), place.name("lu12345abc.tmp")
    data = pdf("one", 20_000)
    place.save(lock, b",boekhouding,king,24.11.2026 10:00,file:///x;")
    place.close(place.create(one))
    place.save(temporary, data)
    fd = place.open(one, "w")
    place.fill(fd, place.read(temporary), 32_768)
    place.fsync(fd)
    place.close(fd)
    place.unlink(temporary)
    place.unlink(lock)
    return {one: data}


@pattern()
def copied_by_rsync(place: Place) -> Documents:
    one, temporary, data = place.name("F1.pdf"), place.name(".F1.pdf.aB3x9Z"), pdf("one", 200_000)
    fd = place.create(temporary)
    place.fill(fd, data, 32_768)
    place.close(fd)
    place.set_attributes(temporary)
    place.rename(temporary, one)
    return {one: data}


@pattern()
def downloaded_by_firefox(place: Place) -> Documents:
    one, part, data = place.name("F1.pdf"), place.name("F1.pdf.part"), pdf("one", 100_000)
    place.close(place.create(one))
    fd = place.create(part)
    for start in range(0, len(data), 40_000):
        place.fill(fd, data[start : start + 40_000])
        place.pause()
    place.close(fd)
    place.rename(part, one)
    return {one: data}


@pattern()
def downloaded_by_chrome(place: Place) -> Documents:
    one, first, second = place.name("F1.pdf"), place.name(".com.google.Chrome.aB3x9Z"), place.name("F1.pdf.crdownload")
    data = pdf("one", 100_000)
    fd = place.create(first)
    place.fill(fd, data[:50_000])
    place.rename(first, second)
    place.fill(fd, data[50_000:])
    place.close(fd)
    place.rename(second, one)
    return {one: data}
