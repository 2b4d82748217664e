"""A PDF and an XML of one stem."""

from __future__ import annotations

from ingisfs.selftest.corpus import pattern
from ingisfs.selftest.documents import pdf, revised, xml
from ingisfs.selftest.place import Documents, Place


@pattern()
def pdf_and_then_xml(place: Place) -> Documents:
    paper, data = place.name("F1.pdf"), place.name("F1.xml")
    place.save(paper, pdf("one", 20_000))
    place.save(data, xml("one"))
    return {paper: pdf("one", 20_000), data: xml("one")}


@pattern(within_settle=True)
def xml_and_then_pdf(place: Place) -> Documents:
    paper, data = place.name("F1.pdf"), place.name("F1.xml")
    place.save(data, xml("one"))
    place.pause()
    place.save(paper, pdf("one", 20_000))
    return {paper: pdf("one", 20_000), data: xml("one")}


def _xml_closed_long_before_its_pdf(place: Place, *, flush: bool) -> Documents:
    paper, data, alone = place.name("F1.pdf"), place.name("F1.xml"), place.name("F2.xml")
    first = pdf("one", 20_000)
    whole = revised(first, "the end")
    fd = place.create(paper)
    place.fill(fd, first)
    if flush:
        place.fsync(fd)
    place.save(data, xml("one"))
    place.save(alone, xml("two"))
    place.wait(alone, "delivered")  # one whose PDF never appears: so long is the wait for a PDF
    place.fill(fd, whole[len(first) :])
    place.close(fd)
    return {paper: whole, data: xml("one"), alone: xml("two")}


@pattern()
def xml_closed_long_before_its_flushed_pdf(place: Place) -> Documents:
    return _xml_closed_long_before_its_pdf(place, flush=True)


@pattern()
def xml_closed_long_before_its_unflushed_pdf(place: Place) -> Documents:
    return _xml_closed_long_before_its_pdf(place, flush=False)


@pattern()
def xml_alone(place: Place) -> Documents:
    data = place.name("F1.xml")
    place.save(data, xml("one"))
    return {data: xml("one")}


@pattern(within_settle=True)
def pair_with_an_attachment(place: Place) -> Documents:
    found = {
        place.name("F1.xml"): xml("one"),
        place.name("F1-1.pdf"): pdf("attachment", 10_000),
        place.name("F1.pdf"): pdf("one", 20_000),
    }
    for name, data in found.items():
        place.save(name, data)
    return found


@pattern(within_settle=True)
def pair_renamed(place: Place) -> Documents:
    names = [place.name("F1.pdf"), place.name("F1.xml")]
    place.save(names[0], pdf("one", 20_000))
    place.pause()
    place.save(names[1], xml("one"))
    for name in names:
        place.rename(name, name.replace("F1", "F2"))
    return {place.name("F2.pdf"): pdf("one", 20_000), place.name("F2.xml"): xml("one")}


@pattern()
def pair_of_which_one_half_is_cut(place: Place) -> Documents:
    paper, data = place.name("F1.pdf"), place.name("F1.xml")
    place.save(paper, pdf("one", 20_000)[:-30])
    place.save(data, xml("one"))
    place.left_to_a_person(paper)
    place.left_to_a_person(data)
    return {}
