"""What people and programs see: the text, the JSON, the sentences in both languages."""

from __future__ import annotations

import json
import string
import time
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from ingisfs.delivery.failures import TargetReason
from ingisfs.outbox.document import Reason, State
from ingisfs.outbox.outbox import Decision, Outbox
from ingisfs.report.catalogue import CATALOGUE, duration, moment, number, say, size
from ingisfs.report.history import as_csv
from ingisfs.report.snapshot import DriveFacts, Snapshot, take_snapshot
from ingisfs.report.status_files import StatusFiles
from ingisfs.report.text import WIDTH, as_json, as_text, headline
from tests.clocks import FakeClock
from tests.documents import keep, pdf, xml

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "status.schema.json").read_text())


@pytest.fixture(autouse=True)
def amsterdam(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Amsterdam")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(wall_now=1_795_000_000.0)


@pytest.fixture
def outbox(tmp_path: Path, clock: FakeClock) -> Iterator[Outbox]:
    box = Outbox(tmp_path, clock=clock)
    yield box
    box.shut()


def look(outbox: Outbox, clock: FakeClock, language: str = "nl", portal: str | None = None) -> Snapshot:
    drive = DriveFacts("king", "https://upload.example.nl/", clock.wall() - 3600, language, portal, "libfuse 3.14")
    return take_snapshot(outbox, drive, clock.wall(), clock=clock)


def bring(outbox: Outbox, name: str, data: bytes, state: State, reason: Reason | None = None) -> None:
    document = outbox.document(keep(outbox, name, data))
    assert document is not None
    if state is State.HELD:
        outbox.decide([Decision(document, State.HELD, reason, "regel 3")])
        return
    outbox.decide([Decision(document, State.QUEUED)])
    document = outbox.document(document.id)
    assert document is not None
    if state is State.QUEUED:
        return
    (claimed,) = outbox.claim([(document, name)])
    if state is State.PARKED:
        outbox.park(claimed, reason or Reason.SERVER_REFUSED, "PUT: 413")
        return
    outbox.finish(outbox.mark_publishing([[(claimed, "tag")]]))


def fill(outbox: Outbox) -> None:
    """3 delivered, 1 waiting, 1 refused by the server, 1 held."""
    for name in ("20260001.pdf", "20260001.xml", "20260002.pdf"):
        bring(outbox, name, pdf() if name.endswith("pdf") else xml(), State.DELIVERED)
    bring(outbox, "20260003.pdf", pdf(), State.QUEUED)
    bring(outbox, "20260004.pdf", pdf(size=90_000), State.PARKED)
    bring(outbox, "20260005.xml", xml(), State.HELD, Reason.XML_NOT_WHOLE)
    outbox.set_meta("target", json.dumps({"state": "ok", "reason": "", "detail": "", "since": 1_795_000_000.0}))


def lines(content: bytes) -> list[str]:
    text = content.decode("utf-8-sig")
    assert text.endswith("\r\n")
    return text.replace("\r\n", "\n").splitlines()


def test_the_text_says_what_each_document_needs_in_dutch(outbox: Outbox, clock: FakeClock) -> None:
    fill(outbox)
    assert lines(as_text(look(outbox, clock, portal="https://portal.example.nl/"))) == [
        "INGIS-schijf «king»                             bijgewerkt 18-11-2026 12:06:40",
        "=" * WIDTH,
        "LET OP: 2 van de documenten hebben u nodig.",
        "",
        "De server antwoordt.",
        "Server: https://upload.example.nl/",
        "Gekoppeld sinds: 18-11-2026 11:06 (met libfuse 3.14)",
        "Oudste wacht sinds 0 seconden.",
        "",
        "Heeft u nodig",
        "-" * WIDTH,
        "20260005.xml (vastgehouden)",
        "    De XML is niet compleet of niet leesbaar (regel 3). Druk dit document",
        "    opnieuw af.",
        "20260004.pdf (apart gezet)",
        "    De server neemt dit document niet aan (PUT: 413). Vraag INGIS waarom, of",
        "    druk het anders af.",
        "",
        "Aantallen",
        "-" * WIDTH,
        "wacht op verzending                 1",
        "bezorgd                             3",
        "vastgehouden                        1",
        "apart gezet                         1",
        "Wat INGIS ermee deed, is hier niet bekend; kijk in de portal:",
        "https://portal.example.nl/.",
        "",
        "Nieuwste documenten",
        "-" * WIDTH,
        "20260003.pdf                  wacht op verzending     153 B  18-11-2026 12:06",
        "20260002.pdf                  bezorgd                 153 B  18-11-2026 12:06",
        "20260001.xml                  bezorgd                  66 B  18-11-2026 12:06",
        "20260001.pdf                  bezorgd                 153 B  18-11-2026 12:06",
    ]


def test_the_text_is_english_when_told_and_never_too_wide(outbox: Outbox, clock: FakeClock) -> None:
    fill(outbox)
    bring(outbox, "long " * 40 + ".pdf", pdf(), State.QUEUED)
    bring(outbox, "宽字符" * 15 + ".pdf", pdf(), State.QUEUED)
    bring(outbox, "steer\u202egnp.pdf", pdf(), State.QUEUED)
    content = lines(as_text(look(outbox, clock, "en")))
    assert "ATTENTION: 2 of the documents need you." in content
    assert "20260005.xml (held)" in content
    assert all(len(line) <= WIDTH for line in content)
    assert not any("\u202e" in line for line in content)


def test_unknown_is_never_shown_as_zero_and_delivered_not_as_accepted(outbox: Outbox, clock: FakeClock) -> None:
    fill(outbox)
    text = as_text(look(outbox, clock)).decode()
    assert "niet bekend" in text
    assert "geaccepteerd" not in text
    assert json.loads(as_json(look(outbox, clock)))["ingis"] is None


def test_the_headline_says_whether_all_is_well(outbox: Outbox, clock: FakeClock) -> None:
    assert headline(look(outbox, clock)) == "Klaar voor gebruik. Er is nog niets afgedrukt."
    bring(outbox, "F1.pdf", pdf(), State.DELIVERED)
    assert headline(look(outbox, clock)) == "Alles is in orde: 1 bezorgd, niets wacht."
    bring(outbox, "F2.pdf", pdf(), State.QUEUED)
    assert headline(look(outbox, clock)) == "Onderweg: 1. Die gaan vanzelf."
    bring(outbox, "F3.pdf", pdf(), State.HELD, Reason.EMPTY)
    assert headline(look(outbox, clock)) == "LET OP: 1 document heeft u nodig."
    outbox.set_meta("target", json.dumps({"state": "needs_person", "reason": "login", "since": 1.0}))
    assert headline(look(outbox, clock)) == "LET OP: de server heeft u nodig."


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_json_follows_its_schema(outbox: Outbox, clock: FakeClock, language: str) -> None:
    def check() -> None:
        jsonschema.validate(json.loads(as_json(look(outbox, clock, language))), SCHEMA)

    check()
    fill(outbox)
    check()
    for reason in [*TargetReason, ""]:
        outbox.set_meta("target", json.dumps({"state": "needs_person", "reason": reason, "since": 5.0}))
        check()
    outbox.set_meta("target", "not json")
    keep(outbox, "settling.pdf", pdf())
    check()
    content = json.loads(as_json(look(outbox, clock)))
    pair = {row["name"]: row for row in content["documents"]}
    assert pair["20260001.pdf"]["pair"] == pair["20260001.xml"]["id"]
    assert pair["20260002.pdf"]["pair"] is None
    assert pair["settling.pdf"]["next_try"] is not None


def test_the_files_are_capped_and_the_counts_are_of_all(outbox: Outbox, clock: FakeClock) -> None:
    for count in range(450):
        bring(outbox, f"H{count}.pdf", b"", State.HELD, Reason.EMPTY)
        bring(outbox, f"Q{count}.pdf", pdf(), State.QUEUED)
    content = json.loads(as_json(look(outbox, clock)))
    assert len(content["documents"]) == 400
    assert (content["counts"]["held"], content["counts"]["queued"]) == (450, 450)
    jsonschema.validate(content, SCHEMA)
    assert len(as_text(look(outbox, clock))) < 20_000


def test_a_status_that_cannot_be_read_says_so_and_never_fails(outbox: Outbox, clock: FakeClock) -> None:
    drive = DriveFacts("king", "https://x/", None)
    files = StatusFiles(outbox, drive, clock, lambda: ["unkept"]).files()
    assert "ALARM" in files["INGIS-STATUS.txt"]().decode()

    def broken() -> list[str]:
        raise ZeroDivisionError

    files = StatusFiles(outbox, drive, clock, broken).files()
    assert "veilig" in files["INGIS-STATUS.txt"]().decode()
    assert json.loads(files["INGIS-STATUS.json"]()) == {}


# ---- the catalogue -----------------------------------------------------------------------------------------------


def test_every_sentence_exists_in_both_languages_with_the_same_values() -> None:
    for key, sentence in CATALOGUE.items():
        assert set(sentence) == {"nl", "en"}, key
        fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in sentence.values()]
        assert fields[0] == fields[1], key
        assert sentence["nl"] != sentence["en"] or key in {"page.server"}, key


def test_every_state_reason_and_trouble_has_its_sentence() -> None:
    for state in State:
        assert say("nl", f"state.{state}")
    for reason in Reason:
        assert say("nl", f"reason.{reason}", detail="x")
    for trouble in TargetReason:
        assert say("en", f"target.needs_person.{trouble}", detail="x")


def test_an_unknown_sentence_is_an_error() -> None:
    with pytest.raises(KeyError):
        say("nl", "no such sentence")


def test_numbers_sizes_and_times_have_the_users_form() -> None:
    assert (number("nl", 1234567), number("en", 1234567)) == ("1.234.567", "1,234,567")
    assert (size("nl", 60_300), size("en", 60_300), size("nl", 999)) == ("60,3 kB", "60.3 kB", "999 B")
    assert moment("nl", 1_795_000_000) == "18-11-2026 12:06"
    assert moment("en", 1_795_000_000, seconds=True) == "2026-11-18 12:06:40"
    assert [duration("nl", s) for s in (0, 1, 59, 60, 7200, 86400)] == [
        "0 seconden",
        "1 seconde",
        "59 seconden",
        "1 minuut",
        "2 uur",
        "1 dag",
    ]


def test_a_spreadsheet_runs_no_formula_from_a_name(outbox: Outbox) -> None:
    keep(outbox, "=cmd.pdf", pdf())
    assert ",'=cmd.pdf," in "".join(as_csv(outbox.history(), "nl"))
