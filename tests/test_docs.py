"""The documents for people say what is there: commands, options, sentences, links; and both languages say the same."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from ingisfs import config
from ingisfs.cli import main
from ingisfs.report.catalogue import CATALOGUE, LANGUAGES

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
GUIDES = {"nl": ROOT / "docs/windows.md", "en": ROOT / "docs/windows.en.md"}
CHECKLIST = ROOT / "docs/windows-checklist.md"
STEPS, MINUTES = 20, 30
NOT_RUN = "◇"

#: Names of services in the keyring, and no commands.
NO_COMMANDS = {"ingisfs SERVER", "ingisfs certificate SERVER", "ingisfs smtp HOST"}
#: What others than ingisfs say, though it is quoted like a sentence.
SAID_BY_OTHERS = {"Zijn alle documenten goed afgedrukt?", "Microsoft Print to PDF"}


def fences(text: str) -> Iterator[tuple[str, str]]:
    """Yield the language and the content of each block of code."""
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield found[1], found[2]


def without_fences(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def spans(text: str) -> list[str]:
    """Return what stands as code inside of lines."""
    return [re.sub(r"\s+", " ", span) for span in re.findall(r"`([^`]+)`", without_fences(text))]


def commands(text: str) -> list[str]:
    """Return each command of ours that a text names, in its order within blocks and then within lines."""
    lines = [line.strip() for _, block in fences(text) for line in block.splitlines()]
    return [each for each in (*lines, *spans(text)) if re.match(r"ingisfs\s", each) and each not in NO_COMMANDS]


def rest_of(line: str) -> list[str]:
    """Return what follows the program's name, without remarks."""
    splitter = shlex.shlex(line, posix=True, punctuation_chars=False)
    splitter.whitespace_split = True
    splitter.escape = ""  # folders on Windows
    return list(splitter)[1:]


def wrong_with(line: str) -> str:
    """Return what the program would not understand of a command, "" if nothing."""
    context, words = click.Context(main, info_name="ingisfs"), rest_of(line)
    command: click.Command = main
    while isinstance(command, click.Group):
        if words and words[0] in {"--version", "--help"}:
            return ""
        if not words:
            return "names no command"
        name = words.pop(0)
        found = command.get_command(context, name)
        if found is None:
            return f"there is no command {name}"
        command, context = found, click.Context(found, parent=context, info_name=name)
    try:
        _, left, _ = command.make_parser(context).parse_args(words)
    except click.UsageError as error:
        return error.format_message()
    return f"too much: {left}" if left else ""


def all_options(command: click.Command = main) -> set[str]:
    """Return every option of every command."""
    own = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    if isinstance(command, click.Group):
        return own.union(*(all_options(each) for each in command.commands.values()))
    return own


def shown(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def named_commands() -> list[tuple[str, str]]:
    return sorted({(line.partition("#")[0].strip(), shown(page)) for page in PAGES for line in commands(read(page))})


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


# ---- commands ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("line", "page"), named_commands(), ids=lambda text: re.sub(r"\W+", "-", text))
def test_every_command_that_the_documents_name_is_understood(line: str, page: str) -> None:
    assert wrong_with(line) == "", f"{page}: {line}"


def test_every_option_that_the_documents_name_alone_is_one_of_ours() -> None:
    options = all_options()
    for page in PAGES:
        if page.name == "installer.md":  # tells of a script
            continue
        for span in spans(read(page)):
            if span.startswith("--"):
                assert span.split()[0] in options, f"{shown(page)}: {span}"


def test_a_command_or_option_that_does_not_exist_would_be_found() -> None:
    assert "no command" in wrong_with("ingisfs queue forget F1")
    assert "--fast" in wrong_with("ingisfs mount X: --fast")
    assert "too much" in wrong_with("ingisfs check X:")
    assert wrong_with(r"ingisfs selftest Y: --report C:\Users\Public\selftest.txt  # a remark") == ""


def test_settings_that_the_guides_name_are_settings() -> None:
    known = {each.name for each in dataclasses.fields(config.Drive)}
    named = {span.partition(" = ")[0] for page in GUIDES.values() for span in spans(read(page))}
    assert {name for name in named if re.fullmatch(r"[a-z]+(_[a-z]+)+", name)} <= known
    assert "archive_days" in named


def test_settings_that_the_documents_show_are_settings() -> None:
    count = 0
    for page in PAGES:
        for language, block in fences(read(page)):
            if language == "toml":
                for name, table in config.parse(block, page).items():
                    config.from_table({"name": name, **table})
                    count += 1
    assert count


# ---- sentences ---------------------------------------------------------------------------------------------------


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def is_said(language: str, quoted: str) -> bool:
    """Tell whether a sentence of the catalogue has what is quoted; … and letters of drives stand for its values."""
    # "…" may stand for a value or more of a sentence; what lies between must follow each other.
    parts = [plain(part) for part in re.split(r"…|\b[A-Z]:(?!\\)", quoted)]
    wanted = re.compile(".*".join(re.escape(part) for part in parts if part), re.DOTALL)
    return any(wanted.search(plain(sentence[language])) for sentence in CATALOGUE.values())


def first_cells(text: str) -> list[str]:
    """Return the first cell of each line of each table."""
    return [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]


def quoted_in_tables(text: str) -> list[str]:
    return [quoted for cell in first_cells(text) for quoted in re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", cell)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_and_state_in_the_tables_is_what_the_program_says(language: str) -> None:
    quoted = quoted_in_tables(read(GUIDES[language]))
    assert len(quoted) > 40
    assert [each for each in quoted if not is_said(language, each)] == []


def test_every_state_that_a_person_may_meet_is_explained() -> None:
    states = {key for key in CATALOGUE if key.startswith("state.")}
    for language in LANGUAGES:
        explained = set(quoted_in_tables(read(GUIDES[language])))
        assert {CATALOGUE[state][language] for state in states} <= explained


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_quoted_in_the_text_are_what_the_program_says(language: str) -> None:
    pattern = {"nl": r"«([^»]+)»", "en": r"“([^”]+)”"}[language]
    for text in (read(GUIDES[language]), part(language)):
        for quoted in map(plain, re.findall(pattern, text)):
            if len(quoted.split()) >= 4 and quoted[0].isupper() and quoted not in SAID_BY_OTHERS:
                assert is_said(language, quoted), quoted


def test_a_message_that_nobody_says_would_be_found() -> None:
    assert is_said("nl", "Een eerdere … is op … al bezorgd")
    assert is_said("nl", "Y: is al in gebruik. Er is niets gekoppeld")
    assert not is_said("nl", "De server weigert de koffie.")
    assert not is_said("en", "De server antwoordt.")


# ---- links -------------------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """Return where a link into a page may lead, as GitHub makes them of headings."""
    titles = re.findall(r"^#+ (.+)$", without_fences(read(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_fences(read(page))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        assert there.exists(), f"{shown(page)}: {target}"
        assert there.is_relative_to(ROOT)
        if anchor:
            assert anchor in anchors(there), f"{shown(page)}: {target}"


def test_the_readme_leads_to_every_page_of_the_guide() -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", read(ROOT / "README.md"))
    assert {shown(page) for page in (*GUIDES.values(), CHECKLIST)} <= set(targets)


# ---- two languages -----------------------------------------------------------------------------------------------


def shape(text: str) -> list[str]:
    """Return the headings by their number and mark alone."""
    titles = re.findall(r"^(#+) (.+)$", without_fences(text), re.MULTILINE)
    marked = [(level, re.match(r"\d+", title), title.endswith(NOT_RUN)) for level, title in titles]
    return [f"{level} {number[0] if number else ''} {NOT_RUN if mark else ''}" for level, number, mark in marked]


def blocks(text: str) -> list[str]:
    return [block for _, block in fences(text)]


def test_both_languages_have_the_same_steps_marks_and_commands() -> None:
    dutch, english = read(GUIDES["nl"]), read(GUIDES["en"])
    assert shape(dutch) == shape(english)
    assert blocks(dutch) == blocks(english)
    assert dutch.count(NOT_RUN) == english.count(NOT_RUN)
    assert commands(dutch) == commands(english)
    assert len(first_cells(dutch)) == len(first_cells(english))
    assert len(re.findall(r"^(?:- |\d+\. )", dutch, re.MULTILINE)) == len(
        re.findall(r"^(?:- |\d+\. )", english, re.MULTILINE)
    )


def test_both_languages_quote_the_same_messages() -> None:
    def keys(language: str) -> list[set[str]]:
        quoted = quoted_in_tables(read(GUIDES[language]))
        return [{key for key in CATALOGUE if is_in(CATALOGUE[key][language], each)} for each in quoted]

    def is_in(sentence: str, quoted: str) -> bool:
        parts = [re.escape(plain(part)) for part in quoted.split("…") if plain(part)]
        return re.search(".*".join(parts), plain(sentence), re.DOTALL) is not None

    pairs = list(zip(keys("nl"), keys("en"), strict=True))
    assert all(dutch & english for dutch, english in pairs)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_guide_says_what_was_not_run_and_whose_driver_it_uses(language: str) -> None:
    text = plain(read(GUIDES[language]))
    assert {"nl": "niet op Windows gedraaid", "en": "not run on Windows"}[language] in re.sub(r"[>*] ?", "", text)
    assert "WinFsp - Windows File System Proxy, Copyright (C) Bill Zissimopoulos" in text
    assert "https://github.com/winfsp/winfsp" in text


# ---- the checklist -----------------------------------------------------------------------------------------------


def part(language: str) -> str:
    """Return the checklist in one language."""
    dutch, english = read(CHECKLIST).split("\n## English\n")
    return {"nl": dutch.partition("\n## Nederlands\n")[2], "en": english}[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_checklist_has_twenty_steps_in_half_an_hour_each_with_what_to_do_to_expect_and_to_write_down(
    language: str,
) -> None:
    labels = {"nl": ["Doe", "Verwacht", "Noteer"], "en": ["Do", "Expect", "Write down"]}[language]
    titles = re.findall(r"^### (\d+)\. .+ \((\d+) min\)$", part(language), re.MULTILINE)
    assert [int(number) for number, _ in titles] == list(range(1, STEPS + 1))
    assert sum(int(minutes) for _, minutes in titles) == MINUTES
    for step in part(language).split("\n### ")[1:]:
        assert re.findall(r"^\*\*(.+?):\*\*", step, re.MULTILINE) == labels


def test_the_checklist_has_the_same_commands_in_both_languages() -> None:
    assert blocks(part("nl")) == blocks(part("en"))
    assert len(blocks(part("nl"))) == STEPS
    assert spans(part("nl")) == spans(part("en"))
