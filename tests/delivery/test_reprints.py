"""What King prints again: one decision per stem, never per half, and no second copy without a person's word."""

from __future__ import annotations

import pytest

from ingisfs.outbox import choosing
from ingisfs.outbox.document import Reason, State
from ingisfs.outbox.intake import Rules
from ingisfs.outbox.outbox import Outbox
from tests.delivery.couriers import get, running, until
from tests.documents import keep, pdf, xml
from tests.doubles import FaultyServer
from tests.servers import wait_for


def delivered(outbox: Outbox, server: FaultyServer, *names: str) -> None:
    ids = [keep(outbox, name, pdf(name) if name.endswith("pdf") else xml(name)) for name in names]
    with running(outbox, server):
        for document_id in ids:
            until(outbox, document_id, State.DELIVERED)


def test_a_pair_that_was_delivered_is_held_as_a_whole_when_printed_again(outbox: Outbox, server: FaultyServer) -> None:
    delivered(outbox, server, "F1.pdf", "F1.xml")
    server.files.clear()
    paper = keep(outbox, "F1(1).pdf", pdf("new time"))
    data = keep(outbox, "F1(1).xml", xml("F1.xml"))
    with running(outbox, server):
        assert until(outbox, paper, State.HELD).reason == Reason.ALREADY_DELIVERED
        assert until(outbox, data, State.HELD).reason == Reason.ALREADY_DELIVERED
    assert server.published == ["F1.pdf", "F1.xml"]


def test_a_released_reprint_is_sent_under_the_first_name_pdf_first(outbox: Outbox, server: FaultyServer) -> None:
    delivered(outbox, server, "F1.pdf", "F1.xml")
    server.files.clear()  # INGIS took them
    paper = keep(outbox, "F1(1).pdf", pdf("new time"))
    data = keep(outbox, "F1(1).xml", xml("new"))
    with running(outbox, server) as courier:
        until(outbox, paper, State.HELD)
        until(outbox, data, State.HELD)
        chosen, unknown = choosing.choose(outbox, "release", ["F1"])
        assert not unknown
        assert {document.id for document in chosen} == {paper, data}
        outbox.release_held(chosen)
        courier.wake()
        until(outbox, data, State.DELIVERED)
        until(outbox, paper, State.DELIVERED)
    assert server.published[2:] == ["F1.pdf", "F1.xml"]
    assert server.files["F1.pdf"] == pdf("new time")


def test_a_released_reprint_replaces_our_own_earlier_version_that_ingis_did_not_take(
    outbox: Outbox, server: FaultyServer
) -> None:
    delivered(outbox, server, "F1.pdf")
    again = keep(outbox, "F1(1).pdf", pdf("new"))
    with running(outbox, server) as courier:
        until(outbox, again, State.HELD)
        outbox.release_held([get(outbox, again)])
        courier.wake()
        until(outbox, again, State.DELIVERED)
    assert server.finals() == {"F1.pdf": pdf("new")}
    assert server.leftovers() == []


def test_a_run_of_300_printed_again_sends_no_second_copy_and_breaks_no_pair(
    outbox: Outbox, server: FaultyServer
) -> None:
    names = [f"F{number}.{kind}" for number in range(300) for kind in ("pdf", "xml")]
    delivered(outbox, server, *names)
    again = [keep(outbox, name.replace(".", "(1)."), pdf("b") if "pdf" in name else xml("b")) for name in names]
    with running(outbox, server, workers=4):
        wait_for(lambda: outbox.counts()[State.HELD] == 600, "all of the second run to be held", 60)
        assert all(get(outbox, document_id).reason == Reason.ALREADY_DELIVERED for document_id in again)
    assert len(server.published) == 600
    chosen, _ = choosing.choose(outbox, "release", [], Reason.ALREADY_DELIVERED)
    assert len(chosen) == 600


def test_a_run_printed_again_before_it_went_is_sent_once_in_its_last_version(
    outbox: Outbox, server: FaultyServer
) -> None:
    first = [keep(outbox, name, pdf("1") if "pdf" in name else xml("1")) for name in ("F1.pdf", "F1.xml")]
    second = [keep(outbox, name, pdf("2") if "pdf" in name else xml("2")) for name in ("F1(1).pdf", "F1(1).xml")]
    with running(outbox, server):
        for document_id in second:
            until(outbox, document_id, State.DELIVERED)
    assert {get(outbox, document_id).state for document_id in first} == {State.SUPERSEDED}
    assert server.finals() == {"F1.pdf": pdf("2"), "F1.xml": xml("2")}
    assert server.published == ["F1.pdf", "F1.xml"]


def test_the_missing_half_of_a_delivered_pair_is_sent(outbox: Outbox, server: FaultyServer) -> None:
    delivered(outbox, server, "F1.pdf")
    data = keep(outbox, "F1.xml", xml())
    with running(outbox, server):
        until(outbox, data, State.DELIVERED)
    assert server.published == ["F1.pdf", "F1.xml"]


def test_a_number_in_brackets_of_its_own_is_part_of_the_name(outbox: Outbox, server: FaultyServer) -> None:
    delivered(outbox, server, "Offerte (2).pdf")
    assert list(server.finals()) == ["Offerte (2).pdf"]


def test_after_a_refusal_the_correction_is_sent(outbox: Outbox, server: FaultyServer) -> None:
    delivered(outbox, server, "F1.pdf")
    server.files.clear()
    (document,) = outbox.documents("state = ?", (State.DELIVERED,))
    with outbox._transaction():
        outbox._move(document, State.REFUSED, "no customer found", listed=0)
    correction = keep(outbox, "F1.pdf", pdf("right"))
    with running(outbox, server):
        until(outbox, correction, State.DELIVERED)
    assert server.finals() == {"F1.pdf": pdf("right")}


def test_reprints_are_sent_when_the_configuration_says_so(
    outbox: Outbox, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered(outbox, server, "F1.pdf")
    server.files.clear()
    again = keep(outbox, "F1(1).pdf", pdf("new"))
    with running(outbox, server, rules=Rules(pair_wait=0.0, send_reprints=True)):
        until(outbox, again, State.DELIVERED)
    assert server.finals() == {"F1.pdf": pdf("new")}


def test_a_pdf_that_looks_like_an_attachment_is_sent_with_a_warning(outbox: Outbox, server: FaultyServer) -> None:
    data = keep(outbox, "2026.xml", xml())
    other = keep(outbox, "2026-1.pdf", pdf())
    with running(outbox, server):
        until(outbox, data, State.DELIVERED)
        assert until(outbox, other, State.DELIVERED).reason == Reason.LOOKS_ATTACHED
    assert server.published == ["2026-1.pdf", "2026.xml"]


@pytest.mark.parametrize("order", [("xml", "pdf"), ("pdf", "xml")])
def test_batches_of_one_kind_before_the_other_break_no_pair(
    outbox: Outbox, server: FaultyServer, order: tuple[str, str]
) -> None:
    numbers = range(10)
    make = {"pdf": pdf, "xml": xml}
    ids = []
    with running(outbox, server, rules=Rules(pair_wait=30.0)) as courier:
        for kind in order:
            ids += [keep(outbox, f"F{number}.{kind}", make[kind](str(number))) for number in numbers]
            courier.wake()
            if kind == "pdf" and order[0] == "pdf":
                wait_for(lambda: len(server.published) == 10, "the PDFs to go")
        for document_id in ids:
            until(outbox, document_id, State.DELIVERED)
    for number in numbers:
        assert server.published.index(f"F{number}.pdf") < server.published.index(f"F{number}.xml")


def test_a_strangers_file_parks_the_whole_pair(outbox: Outbox, server: FaultyServer) -> None:
    server.files["F1.pdf"] = b"somebody else's"
    paper, data = keep(outbox, "F1.pdf", pdf()), keep(outbox, "F1.xml", xml())
    with running(outbox, server):
        assert until(outbox, paper, State.PARKED).reason == Reason.NAME_TAKEN
        assert until(outbox, data, State.PARKED).reason == Reason.TWIN
    assert server.published == []
