"""INGIS-STATUS.txt, word for word, and that it keeps its form whatever is in it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings

from ingisfs.outbox.document import Reason, State
from ingisfs.outbox.outbox import Decision, Outbox
from ingisfs.report.layout import columns
from ingisfs.report.snapshot import DriveFacts, Snapshot, take_snapshot
from ingisfs.report.text import WIDTH, Unreadable, as_text, headline, sentence
from tests.clocks import FakeClock
from tests.report.snapshots import snapshots
from tests.report.steps import Steps

pytestmark = pytest.mark.usefixtures("amsterdam")

WELL_NL = """\
Alles is in orde: 3 bezorgd, niets wacht.
Schijf king, bijgewerkt 25-11-2026 14:03:05
Laatst gekoppeld: 25-11-2026 08:03 (met libfuse 3.14)
Laatst afgedrukt: 25-11-2026 14:03

Server
------
https://upload.example.nl/inbox/
De server antwoordt. Sinds 25-11-2026 08:03.

Aantallen
---------
bezorgd  3
Bezorgd betekent: het staat op de server. Wat INGIS ermee deed, is niet
bekend.
Kijk in het portaal: https://portaal.example.nl/

Nieuwste documenten
-------------------
Naam              Grootte  Toestand  Wanneer
F2026-0124.pdf    60,3 kB  bezorgd   25-11-2026 14:03
F2026-0123.pdf  153 bytes  bezorgd   25-11-2026 14:03
F2026-0123.xml   66 bytes  bezorgd   25-11-2026 14:03
"""

WELL_EN = """\
All is well: 3 delivered, nothing waits.
Drive king, updated 2026-11-25 14:03:05
Last mounted: 2026-11-25 08:03 (with libfuse 3.14)
Last printed: 2026-11-25 14:03

Server
------
https://upload.example.nl/inbox/
The server answers. Since 2026-11-25 08:03.

Counts
------
delivered  3
Delivered means: the server has it. What INGIS made of it is not known.
Look in the portal: https://portaal.example.nl/

Newest documents
----------------
Name                 Size  State      When
F2026-0124.pdf    60.3 kB  delivered  2026-11-25 14:03
F2026-0123.pdf  153 bytes  delivered  2026-11-25 14:03
F2026-0123.xml   66 bytes  delivered  2026-11-25 14:03
"""

TROUBLE_NL = """\
LET OP, zie hieronder. 3 documenten hebben iemand nodig. De server heeft
iemand nodig. 2 documenten wachten.
Schijf king, bijgewerkt 25-11-2026 14:06:05
Laatst gekoppeld: 25-11-2026 08:03 (met libfuse 3.14)
Langst wachtend: 3 minuten

Let op
------
Documenten die King al heeft gesloten staan nog niet veilig op schijf, alleen
in het geheugen. Zet deze computer niet uit en maak ruimte op zijn schijf;
daarna gaat het vanzelf goed.

Hier bent u nodig (3)
---------------------
F2026-0126.pdf, apart gezet, 25-11-2026 14:06
  De server wil F2026-0126.pdf niet aannemen; de melding zegt waarom. Is het
  te groot, maak het dan kleiner. Druk het opnieuw af, samen met zijn andere
  helft als die er is.
  Melding: PUT: 413 Content Too Large
F2026-0125.pdf, vastgehouden, 25-11-2026 14:03
  F2026-0125.pdf is leeg (0 bytes). Druk het opnieuw af, samen met zijn andere
  helft als die er is.
F2026-0125.xml, vastgehouden, 25-11-2026 14:03
  F2026-0125.xml gaat samen met F2026-0125.pdf, en dat kan niet weg: zie daar.
  Druk ze daarna allebei opnieuw af.

Server
------
https://upload.example.nl/inbox/
De server weigert de gebruiker, het wachtwoord of de sleutel. Zet de goede in
de sleutelbos of de instellingen en koppel de schijf opnieuw. Documenten
wachten hier veilig. Sinds 25-11-2026 14:03.
Melding: PROPFIND: 401 Unauthorized

Aantallen
---------
in de wachtrij  2
vastgehouden    2
apart gezet     1
Bezorgd betekent: het staat op de server. Wat INGIS ermee deed, is niet
bekend.

Nieuwste documenten
-------------------
Naam                                 Grootte  Toestand        Wanneer
F2026-0124.xml                      66 bytes  in de wachtrij  25-11-2026 14:03
Factuur voor d...2026-0000123.pdf  153 bytes  in de wachtrij  25-11-2026 14:03
  1 poging mislukt: PUT: 503 Service Unavailable
  Volgende poging: 25-11-2026 14:08:05
"""

TROUBLE_EN = """\
ATTENTION, see below. 3 documents need a person. The server needs a person. 2
documents wait.
Drive king, updated 2026-11-25 14:06:05
Last mounted: 2026-11-25 08:03 (with libfuse 3.14)
Longest waiting: 3 minutes

Attention
---------
Documents that King has closed are not safe on disk yet, only in memory. Do
not switch this computer off, and make room on its disk; then it comes right
by itself.

Needs a person (3)
------------------
F2026-0126.pdf, parked, 2026-11-25 14:06
  The server will not take F2026-0126.pdf; its message says why. If it is too
  large, make it smaller. Print it again, together with its other half if it
  has one.
  Message: PUT: 413 Content Too Large
F2026-0125.pdf, held, 2026-11-25 14:03
  F2026-0125.pdf is empty (0 bytes). Print it again, together with its other
  half if it has one.
F2026-0125.xml, held, 2026-11-25 14:03
  F2026-0125.xml goes together with F2026-0125.pdf, and that one cannot go:
  see there. Then print them both again.

Server
------
https://upload.example.nl/inbox/
The server refuses the user, the password or the key. Put the right ones into
the keyring or the settings and mount the drive again. Documents wait here
safely. Since 2026-11-25 14:03.
Message: PROPFIND: 401 Unauthorized

Counts
------
queued  2
held    2
parked  1
Delivered means: the server has it. What INGIS made of it is not known.

Newest documents
----------------
Name                                            Size  State   When
F2026-0124.xml                              66 bytes  queued  2026-11-25 14:03
Factuur voor de he...erg 2026-0000123.pdf  153 bytes  queued  2026-11-25 14:03
  1 attempt failed: PUT: 503 Service Unavailable
  Next attempt: 2026-11-25 14:08:05
"""

UNREADABLE_NL = """\
LET OP: hoe het met de documenten staat, is nu niet te lezen.
Schijf king, bijgewerkt 25-11-2026 14:03:05

Let op
------
Documenten die King al heeft gesloten staan nog niet veilig op schijf, alleen
in het geheugen. Zet deze computer niet uit en maak ruimte op zijn schijf;
daarna gaat het vanzelf goed.

Er is niets verwijderd. Kijk over een minuut nog eens. Blijft dit zo, maak dan
ruimte op de schijf van deze computer, of vraag hulp. Verwijder zelf niets.
Melding: OutboxDamagedError: database disk image is malformed
"""

UNREADABLE_EN = """\
ATTENTION: what became of the documents cannot be read now.
Drive king, updated 2026-11-25 14:03:05

Nothing was removed. Look again in a minute. If this stays, make room on this
computer's disk, or ask for help. Remove nothing yourself.
Message: OutboxDamagedError: database disk image is malformed
"""


def drive(clock: FakeClock, language: str, portal: str | None = None) -> DriveFacts:
    return DriveFacts(
        "king", "https://u:p@upload.example.nl/inbox/", clock.wall() - 21_600, language, portal, "libfuse 3.14"
    )


def text(outbox: Outbox, facts: DriveFacts, *alarms: str) -> str:
    taken = take_snapshot(outbox, facts, outbox.clock.wall(), alarms, clock=outbox.clock)
    return as_text(taken).decode("utf-8").replace("\r\n", "\n")


# ---- word for word -----------------------------------------------------------------------------------------------


def test_a_page_on_which_all_is_well(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    steps.deliver("F2026-0123.pdf", "F2026-0123.xml")
    document_id = steps.print("F2026-0124.pdf", data=b"%" * 60_330)
    outbox.decide([Decision(steps.get(document_id), State.QUEUED)])
    outbox.claim([(steps.get(document_id), "F2026-0124.pdf")])
    outbox.mark_publishing([[(steps.get(document_id), "")]])
    outbox.finish([steps.get(document_id)])
    outbox.set_meta("target", json.dumps({"state": "ok", "since": clock.wall() - 21_600}))
    assert text(outbox, drive(clock, "nl", "https://portaal.example.nl/")) == WELL_NL
    assert text(outbox, drive(clock, "en", "https://portaal.example.nl/")) == WELL_EN


QUIET_NL = """\
Alles is in orde: 1 bezorgd, niets wacht.
Schijf king, bijgewerkt 29-11-2026 14:03:05
Laatst gekoppeld: 25-11-2026 08:03 (met libfuse 3.14)
Laatst afgedrukt: 25-11-2026 14:03 (4 dagen geleden)
De schijf werkt; sindsdien is er niets afgedrukt.
"""

QUIET_EN = """\
All is well: 1 delivered, nothing waits.
Drive king, updated 2026-11-29 14:03:05
Last mounted: 2026-11-25 08:03 (with libfuse 3.14)
Last printed: 2026-11-25 14:03 (4 days ago)
The drive works; nothing was printed since.
"""


def test_days_without_a_document_are_told_as_no_trouble(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    facts = {language: drive(clock, language) for language in ("nl", "en")}
    steps.deliver("F1.pdf")
    outbox.set_meta("target", json.dumps({"state": "ok"}))
    clock.sleep(4 * 86_400)
    assert text(outbox, facts["nl"]).partition("\n\n")[0] + "\n" == QUIET_NL
    assert text(outbox, facts["en"]).partition("\n\n")[0] + "\n" == QUIET_EN
    assert "De schijf werkt" not in text(outbox, facts["nl"], "courier"), "not with an alarm"
    steps.queue("F2.pdf")
    assert "Laatst afgedrukt" not in text(outbox, facts["nl"]), "it waits, which is another matter"


def test_that_nothing_is_delivered_since_the_courier_dies_is_told_in_both_languages(
    steps: Steps, outbox: Outbox, clock: FakeClock
) -> None:
    steps.queue("F1.pdf")
    assert "Het programma dat bezorgt, stopt telkens" in " ".join(text(outbox, drive(clock, "nl"), "courier").split())
    assert "The program that delivers ends time and again" in " ".join(
        text(outbox, drive(clock, "en"), "courier").split()
    )


def test_a_page_on_which_all_is_trouble(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    facts = {language: drive(clock, language) for language in ("nl", "en")}
    note = {"state": "needs_person", "reason": "login", "detail": "PROPFIND: 401 Unauthorized", "since": clock.wall()}
    outbox.set_meta("target", json.dumps(note))
    steps.hold("F2026-0125.pdf", Reason.EMPTY, data=b"")
    steps.hold("F2026-0125.xml", Reason.TWIN, "F2026-0125.pdf")
    (document_id,) = steps.upload("Factuur voor de heer Van den Berg 2026-0000123.pdf")
    outbox.put_back([steps.get(document_id)], 300, "PUT: 503 Service Unavailable")
    steps.queue("F2026-0124.xml")
    clock.sleep(180)
    steps.park("F2026-0126.pdf", Reason.SERVER_REFUSED, "PUT: 413 Content Too Large")
    assert text(outbox, facts["nl"], "unkept") == TROUBLE_NL
    assert text(outbox, facts["en"], "unkept") == TROUBLE_EN


def test_a_page_without_an_outbox(clock: FakeClock) -> None:
    problem = "OutboxDamagedError: database disk image is malformed"
    for language, alarms, page in (("nl", ("unkept",), UNREADABLE_NL), ("en", (), UNREADABLE_EN)):
        taken = Unreadable(drive(clock, language), clock.wall(), problem, alarms)
        assert as_text(taken).decode("utf-8") == page.replace("\n", "\r\n")


# ---- the headline ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "delivered", "waiting", "held", "expected"),
    [
        ("unknown", 0, 0, 0, "Klaar voor gebruik. Er is nog niets afgedrukt."),
        ("ok", 2, 0, 0, "Alles is in orde: 2 bezorgd, niets wacht."),
        ("ok", 2, 1, 0, "1 document is onderweg."),
        ("ok", 0, 3, 0, "3 documenten zijn onderweg."),
        ("unknown", 0, 3, 0, "3 documenten wachten."),
        ("unreachable", 2, 3, 0, "De server antwoordt niet. 3 documenten wachten."),
        ("unreachable", 2, 0, 0, "De server antwoordt niet. Er wacht niets."),
        ("needs_person", 0, 1, 0, "De server heeft iemand nodig. 1 document wacht."),
        ("ok", 0, 0, 1, "1 document heeft iemand nodig. Er wacht niets."),
        ("ok", 0, 2, 2, "2 documenten hebben iemand nodig. 2 documenten zijn onderweg."),
    ],
)
def test_the_headline_says_whether_all_is_well(
    steps: Steps, outbox: Outbox, clock: FakeClock, target: str, delivered: int, waiting: int, held: int, expected: str
) -> None:
    outbox.set_meta("target", json.dumps({"state": target}))
    steps.deliver(*(f"D{number}.pdf" for number in range(delivered)))
    steps.queue(*(f"Q{number}.pdf" for number in range(waiting)))
    for number in range(held):
        steps.hold(f"H{number}.pdf", Reason.EMPTY)
    found = text(outbox, drive(clock, "nl"))
    assert found.partition("\n")[0] == expected


def test_all_is_well_is_never_said_with_an_alarm(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    steps.deliver("F1.pdf")
    assert text(outbox, drive(clock, "nl"), "unkept").startswith("LET OP, zie hieronder. Er wacht niets.\n")


def test_an_alarm_of_a_later_version_is_shown_as_it_is(outbox: Outbox, clock: FakeClock) -> None:
    assert "Er is iets mis met de schijf: moon-phase. Vraag hulp." in text(outbox, drive(clock, "nl"), "moon-phase")


# ---- what it says ------------------------------------------------------------------------------------------------


def test_what_ingis_refused_is_never_shown_as_zero(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    steps.deliver("F1.pdf")
    page = text(outbox, drive(clock, "nl"))
    assert "geweigerd" not in page
    assert "niet\nbekend" in page


def test_what_was_collected_says_no_more_than_that(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    steps.answer("F1.pdf", State.COLLECTED)
    page = text(outbox, drive(clock, "nl"))
    assert "Alles is in orde: 1 bezorgd, niets wacht." in page
    assert "opgehaald  1" in page
    assert "Of INGIS het goed vond" in page.replace("\n", " ")
    assert "Bezorgd betekent" not in page
    steps.deliver("F2.pdf")
    assert "Bezorgd betekent" in text(outbox, drive(clock, "nl"))


def test_what_ingis_refused_needs_a_person_with_its_own_words(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    document_id = steps.answer("F1.pdf", State.REFUSED, "F1.pdf.err: Klant onbekend")
    page = text(outbox, drive(clock, "nl"))
    assert page.startswith("1 document heeft iemand nodig. Er wacht niets.")
    assert "F1.pdf, geweigerd, " in page
    assert "INGIS heeft F1.pdf geweigerd. Verbeter het in King en druk het opnieuw af" in page
    assert "Melding: F1.pdf.err: Klant onbekend" in page
    assert "ingisfs queue withdraw F1" in page.replace("\n  ", " ")
    outbox.withdraw([steps.get(document_id)])
    page = text(outbox, drive(clock, "nl"))
    assert page.startswith("Alles is in orde")
    assert "geweigerd  1" in page


def test_what_ingis_accepted_is_told_as_that(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    steps.answer("F1.pdf", State.ACCEPTED)
    page = text(outbox, drive(clock, "nl"))
    assert "aangenomen  1" in page
    assert "niet bekend" not in page.replace("\n", " ")


def test_more_than_is_shown_is_counted(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    for number in range(203):
        steps.hold(f"H{number}.pdf", Reason.EMPTY, data=b"")
    page = text(outbox, drive(clock, "nl"))
    assert "Hier bent u nodig (203)" in page
    assert page.count("is leeg") == 200
    assert "... en nog 3 andere documenten." in page


def test_a_document_held_without_a_reason_still_says_what_to_do(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    document_id = steps.print("F1.pdf")
    outbox.decide([Decision(steps.get(document_id), State.HELD)])
    assert "F1.pdf wordt niet verstuurd en de reden is niet bekend." in text(outbox, drive(clock, "nl"))


def test_a_reprint_says_when_it_was_delivered_and_how_to_let_it_go(
    steps: Steps, outbox: Outbox, clock: FakeClock
) -> None:
    steps.hold("F1.pdf", Reason.ALREADY_DELIVERED, "2026-11-24")
    page = " ".join(text(outbox, drive(clock, "nl")).split())
    assert "Een eerdere F1.pdf is op 24-11-2026 al bezorgd;" in page
    assert "ingisfs queue release F1 " in page
    assert "Melding" not in page


def test_a_warning_stands_with_a_document_that_goes_all_the_same(
    steps: Steps, outbox: Outbox, clock: FakeClock
) -> None:
    document_id = steps.print("2026-1.pdf")
    outbox.decide([Decision(steps.get(document_id), State.QUEUED, Reason.LOOKS_ATTACHED, "2026")])
    page = text(outbox, drive(clock, "nl"))
    assert page.startswith("1 document wacht.")
    assert "  2026-1.pdf wordt verstuurd, maar door zijn naam ziet INGIS het als bijlage\n  van 2026." in page


@pytest.mark.parametrize(
    ("name", "which"),
    [
        ("F2026-1.pdf", "F2026-1"),
        ("F 1 & co.pdf", '"F 1 & co"'),
        ("Factuur één.xml", '"Factuur één"'),
        ("-rf.pdf", "{id}"),
        ("$(halt).pdf", "{id}"),
        ("%PATH%.pdf", "{id}"),
        ("a\u202eb.pdf", "{id}"),
    ],
)
def test_a_command_can_be_copied_into_any_shell(steps: Steps, name: str, which: str) -> None:
    document_id = steps.hold(name, Reason.DOUBTFUL)
    told = sentence("nl", steps.get(document_id))
    assert told.endswith(f"ingisfs queue release {which.format(id=document_id)}")


def test_a_folder_is_part_of_the_name(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    steps.hold("F1.pdf", Reason.FOLDER_NOT_ROUTED, "Privé", folder="Privé")
    assert "Privé/F1.pdf ligt in een map" in text(outbox, drive(clock, "nl"))


# ---- its form ----------------------------------------------------------------------------------------------------


def test_it_is_utf_8_without_a_mark_and_with_windows_line_ends(steps: Steps, outbox: Outbox, clock: FakeClock) -> None:
    steps.deliver("Crème.pdf")
    content = as_text(take_snapshot(outbox, drive(clock, "nl"), clock.wall(), clock=clock))
    assert content.startswith(b"Alles is in orde")
    assert "Crème.pdf".encode() in content
    assert content.endswith(b"\r\n")
    assert content.count(b"\n") == content.count(b"\r\n") == content.count(b"\r")


@settings(deadline=None)
@given(snapshots())
def test_no_line_is_wider_than_the_page_whatever_is_in_it(snapshot: Snapshot) -> None:
    lines = as_text(snapshot).decode("utf-8").split("\r\n")
    assert all(columns(line) <= WIDTH for line in lines)
    assert all(line == line.rstrip() and line.isprintable() for line in lines)
    assert lines[0]
    assert headline(snapshot).startswith(lines[0])
