"""Every sentence exists in both languages, and says what it should."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from ingisfs.delivery.failures import TargetReason
from ingisfs.delivery.target import Health
from ingisfs.outbox.document import Reason, State
from ingisfs.report import command_sentences, status_sentences
from ingisfs.report.catalogue import CATALOGUE, LANGUAGES, counted, day, duration, moment, number, say, size


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", CATALOGUE)
def test_a_sentence_is_there_in_every_language(key: str) -> None:
    assert tuple(CATALOGUE[key]) == LANGUAGES
    assert all(text.strip() == text != "" for text in CATALOGUE[key].values())


@pytest.mark.parametrize("key", CATALOGUE)
def test_a_sentence_has_the_same_placeholders_in_every_language(key: str) -> None:
    names = placeholders(CATALOGUE[key]["nl"])
    assert names == placeholders(CATALOGUE[key]["en"])
    assert all(name.isidentifier() for name in names)
    for language in LANGUAGES:
        told = say(language, key, **dict.fromkeys(names, "value"))
        assert "{" not in told


def test_no_sentence_is_there_twice() -> None:
    assert not command_sentences.SENTENCES.keys() & status_sentences.SENTENCES.keys()


def test_a_sentence_for_one_has_its_sentence_for_many() -> None:
    forms = {key.rpartition(".")[::2] for key in CATALOGUE if key.endswith((".one", ".many"))}
    assert {key for key, form in forms if form == "one"} == {key for key, form in forms if form == "many"}


def keys_below(prefix: str) -> set[str]:
    return {key.removeprefix(prefix) for key in CATALOGUE if key.startswith(prefix)}


def test_every_state_has_its_word_and_no_word_is_left_over() -> None:
    assert keys_below("state.") == set(State)


def test_every_reason_has_its_sentence_and_no_sentence_is_left_over() -> None:
    assert keys_below("reason.") == set(Reason) | {"none"}


def test_every_state_and_reason_of_the_target_has_its_sentence() -> None:
    assert keys_below("target.needs_person.") == set(TargetReason)
    states = {key for key in keys_below("target.") if "." not in key}
    assert states - {"since", "safe"} == set(Health) - {Health.NEEDS_PERSON}


@pytest.mark.parametrize("reason", [*Reason, "none"])
def test_a_reason_names_its_document_and_says_what_to_do(reason: str) -> None:
    act = {
        "nl": r"[Dd]ruk |[Vv]erwijder|Verplaats|[Gg]eef ",
        "en": r"[Pp]rint|[Dd]elete|Move|[Gg]ive|let (it|this one) go",
    }
    for language in LANGUAGES:
        text = CATALOGUE[f"reason.{reason}"][language]
        assert "{name}" in text
        assert re.search(act[language], text)


def test_delivered_never_reads_as_accepted() -> None:
    words = {
        "nl": r"geaccepteerd|aanvaard|goedgekeurd|aangenomen|verwerkt door",
        "en": r"\baccepted\b|approved|processed by",
    }
    for key, texts in CATALOGUE.items():
        if key == "state.accepted":  # INGIS itself has said so
            continue
        for language in LANGUAGES:
            assert not re.search(words[language], texts[language], re.IGNORECASE), key


def test_an_unknown_sentence_or_language_or_a_value_that_lacks_raises() -> None:
    with pytest.raises(KeyError):
        say("nl", "reason.no-such-thing")
    with pytest.raises(KeyError):
        say("fr", "state.held")
    with pytest.raises(KeyError):
        say("nl", "reason.empty")


def test_values_may_have_any_name() -> None:
    values = {"key": "sentence", "near": "language", "place": "x"}
    assert "“sentence”" in say("en", "config.unknown-key-near", **values)


def test_values_are_never_taken_for_placeholders() -> None:
    assert say("nl", "reason.empty", name="{x}.pdf").startswith("{x}.pdf is leeg")


def test_one_is_said_otherwise_than_many() -> None:
    assert counted("nl", "headline.person", 1) == "1 document heeft iemand nodig."
    assert counted("nl", "headline.person", 1234) == "1.234 documenten hebben iemand nodig."
    assert counted("en", "headline.person", 1234) == "1,234 documents need a person."


@pytest.mark.parametrize(
    ("count", "dutch", "english"),
    [
        (0, "0 bytes", "0 bytes"),
        (1, "1 byte", "1 byte"),
        (999, "999 bytes", "999 bytes"),
        (1000, "1,0 kB", "1.0 kB"),
        (60_330, "60,3 kB", "60.3 kB"),
        (999_949, "999,9 kB", "999.9 kB"),
        (999_950, "1,0 MB", "1.0 MB"),
        (67_108_864, "67,1 MB", "67.1 MB"),
        (5_000_000_000, "5,0 GB", "5.0 GB"),
        (12_345_000_000_000_000, "12.345,0 TB", "12,345.0 TB"),
    ],
)
def test_a_size_is_said_in_the_largest_unit_that_fits(count: int, dutch: str, english: str) -> None:
    assert (size("nl", count), size("en", count)) == (dutch, english)


@pytest.mark.parametrize(
    ("seconds", "dutch", "english"),
    [
        (-5, "0 seconden", "0 seconds"),
        (1.9, "1 seconde", "1 second"),
        (59, "59 seconden", "59 seconds"),
        (60, "1 minuut", "1 minute"),
        (180, "3 minuten", "3 minutes"),
        (3600, "1 uur", "1 hour"),
        (7300, "2 uur", "2 hours"),
        (86_400, "1 dag", "1 day"),
        (1e8, "1.157 dagen", "1,157 days"),
    ],
)
def test_a_duration_is_said_in_its_largest_whole_unit(seconds: float, dutch: str, english: str) -> None:
    assert (duration("nl", seconds), duration("en", seconds)) == (dutch, english)


def test_a_day_is_said_in_the_form_of_its_language() -> None:
    assert (day("nl", "2026-11-24"), day("en", "2026-11-24")) == ("24-11-2026", "2026-11-24")
    assert day("nl", "yesterday") == "yesterday"


def test_a_number_has_its_thousands_set_apart() -> None:
    assert (number("nl", 1_234_567.25, 2), number("en", 1_234_567.25, 2)) == ("1.234.567,25", "1,234,567.25")


@pytest.mark.usefixtures("amsterdam")
def test_a_time_is_the_local_one_in_winter_and_in_summer() -> None:
    winter, summer = 1_795_611_785.0, 1_782_000_000.0
    assert moment("nl", winter, seconds=True) == "25-11-2026 14:03:05"
    assert moment("en", winter) == "2026-11-25 14:03"
    assert moment("nl", summer) == "21-06-2026 02:00"


@pytest.mark.parametrize("at", [1e30, -1e30, float("nan"), float("inf")])
def test_a_time_that_no_calendar_has_is_a_question_mark(at: float) -> None:
    assert moment("nl", at) == "?"
