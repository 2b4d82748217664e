"""INGIS-STATUS.html: what stands on it, that it is bounded, and that nothing in it can do anything."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings

from ingisfs.outbox.document import Reason, State
from ingisfs.outbox.outbox import Outbox
from ingisfs.report.html import LIMIT, as_html
from ingisfs.report.snapshot import REST, DriveFacts, Run, Snapshot, take_snapshot
from ingisfs.report.text import Unreadable
from tests.clocks import FakeClock
from tests.report.snapshots import snapshots
from tests.report.steps import Steps

pytestmark = pytest.mark.usefixtures("amsterdam")

PORTAL = "https://portaal.example.nl/"
EMPTY = {"meta", "link", "use", "path", "circle", "br"}
TAGS = EMPTY | {
    *("html", "head", "title", "style", "body", "svg", "symbol", "header", "main", "div", "span", "p", "b", "small"),
    *("h1", "h2", "table", "thead", "tbody", "tr", "th", "td", "a"),
}


class Reader(HTMLParser):
    """Reads a page, and insists that it is one that does nothing."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.words: list[str] = []
        self.groups: list[list[str]] = []  # the names in each group of a table
        self.metas: dict[str, str] = {}
        self._open: list[str] = []
        self._name = False
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        known = dict(attributes)
        assert not [name for name in known if name.startswith("on") or name in {"src", "srcset", "action"}]
        if "href" in known:
            self.links.append(known["href"] or "")
        if "style" in known:
            assert re.fullmatch(r"position:absolute|width:\d+\.\d%", known["style"] or "")
        if tag == "meta" and "http-equiv" in known:
            self.metas[known["http-equiv"] or ""] = known["content"] or ""
        if tag == "tbody":
            self.groups.append([])
        self._name = tag == "td" and known["class"] == "n"
        if tag not in EMPTY:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in EMPTY:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._name:
            self.groups[-1].append(data)
            self._name = False
        if "style" not in self._open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def drive(clock: FakeClock, language: str = "nl", portal: str | None = PORTAL) -> DriveFacts:
    since = clock.wall() - 21_600
    return DriveFacts("king", "https://upload.example.nl/inbox/", since, language, portal, "WinFsp 2.2")


def page(outbox: Outbox, facts: DriveFacts, *alarms: str) -> Reader:
    found = take_snapshot(outbox, facts, outbox.clock.wall(), alarms, clock=outbox.clock)
    return Reader(as_html(found).decode("utf-8"))


def fill(steps: Steps) -> None:
    """3 delivered, 1 waiting, 1 refused and 1 held."""
    steps.deliver("F1.pdf", "F2.pdf", "F1.xml")
    steps.answer("F3.xml", State.REFUSED, "F3.xml.err: klant onbekend")
    steps.hold("F4.pdf", Reason.PDF_NOT_WHOLE)
    steps.queue("F5.pdf")
    steps.outbox.set_meta("target", '{"state": "ok", "since": 1795590000.0}')


def test_what_needs_a_person_is_on_top_with_what_to_do(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    fill(steps)
    read = page(outbox, drive(clock))
    assert "2 documenten hebben iemand nodig. 1 document is onderweg." in read.text
    assert read.groups[:2] == [["F4.pdf"], ["F3.xml"]]
    assert read.text.index("F4.pdf is niet compleet") < read.text.index("Op deze schijf") < read.text.index("Nieuwste")
    assert "INGIS heeft F3.xml geweigerd. Verbeter het in King en druk het opnieuw af" in read.text
    assert "Melding: F3.xml.err: klant onbekend" in read.text


def test_both_halves_of_a_pair_are_one_group_the_pdf_first(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    fill(steps)
    assert page(outbox, drive(clock)).groups[2:] == [["F5.pdf"], ["F1.pdf", "F1.xml"], ["F2.pdf"]]


def test_a_document_has_state_time_size_and_what_to_do(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    steps.deliver("F1.pdf")
    assert "F1.pdf bezorgd 25-11-2026 14:03 153 bytes Niets." in page(outbox, drive(clock)).text
    assert "F1.pdf delivered 2026-11-25 14:03 153 bytes Nothing." in page(outbox, drive(clock, "en")).text


@pytest.mark.parametrize("language", ["nl", "en"])
def test_what_nobody_knows_is_never_shown_as_zero(
    steps: Steps, outbox: Outbox, clock: FakeClock, language: str
) -> None:
    steps.deliver("F1.pdf")
    read = page(outbox, drive(clock, language))
    of_ingis = read.text[read.text.index("Bij INGIS" if language == "nl" else "At INGIS") :].partition("Nieuwste")[0]
    assert not re.search(r"\b0\b", of_ingis)
    assert read.text.count("niet bekend, zie portaal" if language == "nl" else "not known, see the portal") == 4
    assert [link for link in read.links if not link.startswith(("#", "data:"))] == [PORTAL] * 4
    assert f"portaal: {PORTAL}" in read.text or f"portal: {PORTAL}" in read.text


def test_what_is_known_to_be_refused_is_told_as_what_this_drive_knows(
    steps: Steps, outbox: Outbox, clock: FakeClock
) -> None:
    steps.answer("F1.pdf", State.REFUSED)
    read = page(outbox, drive(clock))
    assert "geweigerd 1 waarvan deze schijf weet" in read.text
    assert read.text.count("niet bekend, zie portaal") == 3


def test_each_document_counts_in_one_of_the_tiles_of_the_drive(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    fill(steps)
    told = page(outbox, drive(clock)).text
    tiles = told[told.index("Op deze schijf") :].partition("Bij INGIS")[0]
    assert tiles.split() == [
        "Op",
        "deze",
        "schijf",
        "2",
        "iemand",
        "nodig",
        "1",
        "onderweg",
        "3",
        "bezorgd",
        "daarnaast",
        "1",
        "geweigerd",
    ]
    assert "Wat INGIS met de andere documenten deed, is niet bekend." in told


def test_counters_of_the_portal_are_shown_where_they_are_known(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    found = take_snapshot(outbox, drive(clock), clock.wall(), clock=clock)
    known = {"refused": 0, "new": 12, "viewed": 3, "sent": 1234}
    told = Snapshot(**{**{n: getattr(found, n) for n in Snapshot.__slots__}, "ingis": known})
    read = Reader(as_html(told).decode())
    assert "geweigerd 0 nieuw 12 bekeken 3 verzonden 1.234" in read.text
    assert "niet bekend" not in read.text


def test_without_the_address_of_the_portal_it_says_where_to_put_it(
    steps: Steps, outbox: Outbox, clock: FakeClock
) -> None:
    read = page(outbox, drive(clock, portal=None))
    assert "niet bekend, zie portaal" in read.text
    assert "staat niet in de instellingen" in read.text
    assert [link for link in read.links if not link.startswith(("#", "data:"))] == []


@pytest.mark.parametrize("portal", ["javascript:alert(1)", "data:text/html,x", "http://[x", '"><script>x</script>'])
def test_an_address_that_is_none_of_the_web_is_no_link(
    steps: Steps, outbox: Outbox, clock: FakeClock, portal: str
) -> None:
    read = page(outbox, drive(clock, portal=portal))
    assert [link for link in read.links if not link.startswith(("#", "data:"))] == []


def test_names_and_messages_are_words_and_nothing_else(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    hostile = "<img src=x onerror=alert(1)>&amp;\"'.pdf"
    steps.park(hostile, Reason.SERVER_REFUSED, "</td></table><script>alert(1)</script>\u202e\x1b[2J")
    steps.deliver("<!--.xml")
    read = page(outbox, drive(clock))
    assert read.groups == [[hostile], ["<!--.xml"]]
    assert "Melding: </td></table><script>alert(1)</script>??[2J" in read.text


def test_the_page_allows_itself_no_script_and_no_network(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    policy = page(outbox, drive(clock)).metas["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")


def test_it_refreshes_itself_more_often_while_documents_are_on_their_way(
    steps: Steps, outbox: Outbox, clock: FakeClock
) -> None:
    resting = page(outbox, drive(clock))
    steps.queue("F1.pdf")
    running = page(outbox, drive(clock))
    assert (resting.metas["refresh"], running.metas["refresh"]) == ("30", "5")
    assert "ververst zichzelf elke 5 seconden" in running.text


def test_a_drive_without_documents_for_days_is_well_and_says_since_when(
    steps: Steps, outbox: Outbox, clock: FakeClock
) -> None:
    steps.deliver("F1.pdf")
    clock.sleep(9 * 86_400)
    read = page(outbox, drive(clock))
    assert "Alles is in orde: 1 bezorgd, niets wacht." in read.text
    assert "Laatst afgedrukt: 25-11-2026 14:03 (9 dagen geleden) · De schijf werkt;" in read.text
    alarmed = page(outbox, drive(clock), "courier")
    assert "De schijf werkt" not in alarmed.text
    assert "Het programma dat bezorgt, stopt telkens" in alarmed.text
    assert "zijn onderweg" not in alarmed.text


def test_while_nothing_is_sent_nothing_is_said_to_be_on_its_way(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    steps.outbox.set_meta("target", '{"state": "ok"}')
    steps.queue("F1.pdf", "F2.pdf")
    told = page(outbox, drive(clock)).text
    assert "2 documenten zijn onderweg." in told
    assert "de rest wacht veilig" not in told
    told = page(outbox, drive(clock), "courier").text
    assert "LET OP, zie hieronder. 2 documenten wachten." in told
    assert "Deze run: 0 van 2 verstuurd; de rest wacht veilig op deze computer" in told


def test_a_run_has_a_bar_and_what_was_before_a_rest_is_not_part_of_it(
    steps: Steps, outbox: Outbox, clock: FakeClock
) -> None:
    steps.outbox.set_meta("target", '{"state": "ok"}')
    steps.deliver("F1.pdf", "F2.pdf")
    assert "Deze run" not in page(outbox, drive(clock)).text
    clock.sleep(REST + 1)
    steps.deliver("F3.pdf", "F4.pdf", "F5.pdf")
    steps.queue("F6.pdf")
    clock.sleep(REST + 1)
    steps.hold("F7.pdf", Reason.EMPTY)
    taken = take_snapshot(outbox, drive(clock), clock.wall(), clock=clock)
    assert taken.run == Run(3, 4)
    assert "Deze run: 3 van 4 verstuurd" in page(outbox, drive(clock)).text
    assert b'<div style="width:75.0%">' in as_html(taken)


def test_while_the_server_needs_a_person_nothing_claims_to_go_by_itself(
    steps: Steps, outbox: Outbox, clock: FakeClock
) -> None:
    steps.queue("F1.pdf")
    note = {"state": "needs_person", "reason": "login", "detail": "401", "since": clock.wall() - 60}
    steps.outbox.set_meta("target", json.dumps(note))
    read = page(outbox, drive(clock))
    assert "De server weigert de gebruiker" in read.text
    assert "Niets: gaat vanzelf." not in read.text
    assert read.text.index("De server weigert") < read.text.index("Op deze schijf")


def test_alarms_are_told_before_everything_else(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    fill(steps)
    read = page(outbox, drive(clock), "unkept", "of a later <version>")
    assert read.text.index("alleen in het geheugen") < read.text.index("of a later <version>")
    assert read.text.index("of a later <version>") < read.text.index("Hier bent u nodig")


def test_an_outbox_that_cannot_be_read_is_told_and_nothing_is_counted(clock: FakeClock) -> None:
    read = Reader(as_html(Unreadable(drive(clock), clock.wall(), "Error: <b>", ("unkept",))).decode())
    assert "LET OP: hoe het met de documenten staat, is nu niet te lezen." in read.text
    assert "Melding: Error: <b>" in read.text
    assert "Op deze schijf" not in read.text


def test_the_page_is_bounded_and_counts_what_does_not_fit(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    for number in range(210):
        steps.hold(f"{number}{'&' * 240}.pdf", Reason.DOUBTFUL, "<" * 1000)
    steps.queue(*(f"{number}{'<' * 240}.xml" for number in range(210)))
    content = as_html(take_snapshot(outbox, drive(clock), clock.wall(), clock=clock))
    assert len(content) <= LIMIT
    read = Reader(content.decode())
    needing = sum(len(group) for group in read.groups if group[0].endswith(".pdf"))
    others = sum(map(len, read.groups)) - needing
    assert 0 < needing < 200
    assert 0 < others < 200
    assert f"En nog {210 - needing} documenten die hier niet passen. Bekijk ze met: ingisfs queue list" in read.text
    assert f"En nog {200 - others} documenten die hier niet passen. Bekijk ze met: ingisfs history" in read.text


@settings(deadline=None)
@given(snapshots())
def test_any_snapshot_makes_a_sound_page(snapshot: Snapshot) -> None:
    content = as_html(snapshot)
    assert len(content) <= LIMIT
    assert Reader(content.decode("utf-8")).metas["refresh"]


def test_pages_are_of_few_sizes_so_that_none_is_cut_that_grew_since_its_size_was_told(
    steps: Steps, outbox: Outbox, clock: FakeClock
) -> None:
    sizes, ends = set(), set()
    for number in range(20):
        steps.queue(f"F{number}.pdf")
        content = as_html(take_snapshot(outbox, drive(clock), clock.wall(), clock=clock))
        sizes.add(len(content))
        ends.add(len(content.rstrip()))
    assert len(ends) == 20
    assert len(sizes) <= 2
    assert all(size % 8192 == 0 for size in sizes)


def test_everything_is_in_the_drives_language(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    fill(steps)
    dutch, english = page(outbox, drive(clock, "nl")), page(outbox, drive(clock, "en"))
    assert "2 documents need a person. 1 document is on its way." in english.text
    for word in ("Schijf", "bezorgd", "geweigerd", "Wat te doen", "Niets", "zie portaal"):
        assert word in dutch.text
        assert word not in english.text.replace(PORTAL, "")
