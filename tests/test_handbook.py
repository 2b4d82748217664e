"""The handbook for the person at King: its commands work as it says, its words are the program's, and it is built."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ingisfs.report.catalogue import CATALOGUE, LANGUAGES
from scripts.build_handbook import SOURCES, build, page
from tests.documents import pdf, xml
from tests.mounts import drive
from tests.servers import stage_server, wait_for
from tests.test_docs import blocks, commands, first_cells, is_said, plain, quoted_in_tables, read, shape

LIMIT = 120.0  # s
QUOTES = {"nl": r"«([^»]+)»", "en": r"“([^”]+)”"}
KINGS = {"Zijn alle documenten goed afgedrukt?"}


def test_the_commands_of_the_handbook_do_what_it_says(tmp_path: Path) -> None:
    with (
        stage_server(tmp_path / "server") as server,
        drive(tmp_path / "drive", server.url, server.user, server.password, pair_wait=1.0) as mounted,
    ):
        x = mounted.mountpoint
        mounted.configure(server=server.url, user=server.user, state=str(mounted.state), mountpoint=str(x))
        known = mounted.base / "xdg-config" / "ingisfs" / "config.toml"
        known.parent.mkdir(parents=True)
        known.write_text(mounted.config.read_text())
        (x / "F2026-0120.pdf").write_bytes(pdf(size=2000)[:-50])
        (x / "F2026-0123.pdf").write_bytes(b"")
        (x / "F2026-0125.xml").write_bytes(xml())
        mounted.wait_states({"F2026-0120.pdf": "held", "F2026-0123.pdf": "held", "F2026-0125.xml": "delivered"})
        said: dict[str, str] = {}
        lines = [line for block in blocks(read(SOURCES["nl"])) for line in block.splitlines()]
        assert len(lines) == len(set(lines)) > 10
        for line in lines:
            words = [str(x) if word == "X:" else word for word in shlex.split(line)[1:]]
            command = [sys.executable, "-m", "ingisfs", *words]
            done = subprocess.run(
                command, env=mounted.environment, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT
            )
            allowed = {0, 3} if words[0] == "status" else {0, 1, 3} if words[0] == "check" else {0}
            assert done.returncode in allowed, (line, done.stdout, done.stderr)
            assert "Traceback" not in done.stderr
            said[line] = done.stdout
            if "release" in line:
                mounted.wait_delivered(["F2026-0120.pdf"])
        assert "is niet compleet" in said["ingisfs status X:"]
        assert "F2026-0123.pdf is leeg" in said["ingisfs queue list"]
        assert not (x / "F2026-0123.pdf").exists()
        assert "Er wordt" in said["ingisfs queue pause"] or "wordt er niets verstuurd" in said["ingisfs queue pause"]
        assert "Bezorgd op" in said["ingisfs history F2026-0120 --documents"]
        table = said["ingisfs history --documents --csv --since 2026-01-01 --until 2026-12-31"]
        assert table.startswith("id,name,")
        assert len(list(tmp_path.glob("ingisfs-report-king-*.zip"))) == 1
        wait_for(lambda: "F2026-0120.pdf" in server.names(), "what was released", LIMIT)


def test_both_languages_have_the_same_parts_commands_and_pictures() -> None:
    dutch, english = read(SOURCES["nl"]), read(SOURCES["en"])
    assert shape(dutch) == shape(english)
    assert blocks(dutch) == blocks(english)
    assert commands(dutch) == commands(english)
    assert len(first_cells(dutch)) == len(first_cells(english))
    pictures = [re.findall(r"\]\(images/(\S+)\.(nl|en)\.png\)", text) for text in (dutch, english)]
    assert [name for name, _ in pictures[0]] == [name for name, _ in pictures[1]]
    assert ({language for _, language in pictures[0]}, {language for _, language in pictures[1]}) == ({"nl"}, {"en"})


@pytest.mark.parametrize("language", LANGUAGES)
def test_states_and_sentences_are_what_the_program_says(language: str) -> None:
    text = read(SOURCES[language])
    states = {CATALOGUE[key][language] for key in CATALOGUE if key.startswith("state.")}
    assert set(quoted_in_tables(text)) <= states
    assert len(quoted_in_tables(text)) >= 8
    for quoted in map(plain, re.findall(QUOTES[language], text)):
        if len(quoted.split()) >= 3 and quoted not in KINGS:
            assert is_said(language, quoted.replace("portaal", "…").replace("the portal", "…")), quoted
    for name in ("folder.sent", "folder.refused", "folder.reason"):
        assert CATALOGUE[name][language] in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_handbook_is_one_file_that_needs_nothing_else(language: str) -> None:
    made = page(language)
    assert made.count("data:image/png;base64,") == 3
    assert not re.search(r'(?:src|href)="(?!data:|https?:)', made)
    assert "<table>" in made
    assert "<script" not in made


def test_it_is_printed_as_pdf(tmp_path: Path) -> None:
    made = build(tmp_path)
    assert [path.name for path in made] == [
        "handleiding.html",
        "handleiding.pdf",
        "handleiding.en.html",
        "handleiding.en.pdf",
    ]
    for path in made:
        assert path.stat().st_size > 50_000
        if path.suffix == ".pdf":
            assert path.read_bytes().startswith(b"%PDF-")
