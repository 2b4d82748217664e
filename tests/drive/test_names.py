"""Which names may be, which of them are the same, and which are noise."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingisfs import names
from ingisfs.names import NameRefusedError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@pytest.mark.parametrize(
    "name",
    [
        "F123.pdf",
        "Račun 1.pdf",
        "F1(1).pdf",
        ".hidden",
        "a b.xml",
        "COM10.pdf",
        "console.pdf",
        "x" * 251 + ".pdf",
        "発票.pdf",
    ],
)
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert names.normal(name) == name


def test_a_name_is_stored_composed_however_it_was_typed() -> None:
    assert names.normal("cafe\u0301.pdf") == "café.pdf"


@pytest.mark.parametrize("name", ["", ".", "..", "F1.pdf.", "F1.pdf ", " ", "..."])
def test_empty_relative_and_trailing_names_are_refused(name: str) -> None:
    with pytest.raises(NameRefusedError):
        names.normal(name)


@pytest.mark.parametrize("character", [*'<>:"/\\|?*', "\0", "\n", "\x1f", "\x7f", "\udc80"])
def test_characters_that_windows_or_a_server_cannot_hold_are_refused(character: str) -> None:
    with pytest.raises(NameRefusedError, match="not allowed"):
        names.normal(f"F{character}1.pdf")


@pytest.mark.parametrize(
    "name", ["CON", "con.pdf", "Prn.xml", "aux", "NUL.tar.gz", "com1.pdf", "LPT9", "COM².pdf", "nul .txt", "CONIN$"]
)
def test_device_names_are_refused_with_any_ending(name: str) -> None:
    with pytest.raises(NameRefusedError, match="reserved"):
        names.normal(name)


@pytest.mark.parametrize("name", ["x" * 256, "é" * 128, "🧾" * 64, "発" * 86])
def test_names_too_long_for_a_disk_or_a_server_are_refused(name: str) -> None:
    with pytest.raises(NameRefusedError, match="too long"):
        names.normal(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("F1.PDF", "f1.pdf"),
        ("Café.pdf", "CAFE\u0301.PDF"),
        ("ΣΟΦΟΣ.pdf", "σοφος.pdf"),
        ("ЖЁ.xml", "жё.xml"),
        ("Ø", "ø"),
    ],
)
def test_case_and_composition_make_no_other_name(one: str, other: str) -> None:
    assert names.key(one) == names.key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Weiß.pdf", "Weiss.pdf"), ("ﬁ.pdf", "fi.pdf"), ("ı.pdf", "i.pdf"), ("é.pdf", "e.pdf"), ("ſ", "s")],
)
def test_names_that_windows_tells_apart_are_two_documents(one: str, other: str) -> None:
    assert names.key(one) != names.key(other)


@given(TEXT)
def test_a_key_is_the_key_of_itself_and_of_every_spelling(name: str) -> None:
    key = names.key(name)
    assert names.key(key) == key
    for form in ("NFC", "NFD"):
        assert names.key(unicodedata.normalize(form, name)) == key


@given(TEXT)
def test_what_is_normal_is_normal_again(name: str) -> None:
    try:
        normal = names.normal(name)
    except NameRefusedError:
        return
    assert names.normal(normal) == normal
    assert names.key(normal) == names.key(name)


@pytest.mark.parametrize(
    ("name", "parts"),
    [("F1.PDF", ("F1", "pdf")), ("a.b.xml", ("a.b", "xml")), ("README", ("README", "")), (".pdf", (".pdf", ""))],
)
def test_a_name_splits_into_stem_and_ending(name: str, parts: tuple[str, str]) -> None:
    assert names.split(name) == parts


@pytest.mark.parametrize(
    "path",
    [
        "desktop.ini",
        "Thumbs.db",
        "~$F1.pdf",
        "F1.PDF.TMP",
        "._F1.pdf",
        ".fuse_hidden0000000600000001",
        ".DS_Store",
        "F1.bak",
        "F1.pdf~",
        ".Trash-1000/files/F1.pdf",
        "$RECYCLE.BIN/S-1-5/$RABC.pdf",
    ],
)
def test_what_programs_write_for_themselves_is_noise(path: str) -> None:
    assert names.is_noise(path)


@pytest.mark.parametrize("path", ["F1.pdf", "F1.xml", "tmp.pdf", "Archief/F1.pdf", "F1.txt", "bak/F1.pdf", "~F1.pdf"])
def test_documents_are_no_noise(path: str) -> None:
    assert not names.is_noise(path)
