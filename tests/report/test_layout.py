"""Text keeps to its columns, whatever is in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingisfs.report.layout import columns, cut, pad, printable, wrap


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Crème brûlée.pdf", "Crème brûlée.pdf"),
        ("\x1b[31mrood", "?[31mrood"),
        ("F1\u202efdp.exe", "F1?fdp.exe"),
        ("a\nb\tc\u00a0d\u2028e", "a b c d e"),
        ("a\x9bb\ud800", "a?b?"),
    ],
)
def test_nothing_steers_the_terminal_or_turns_the_line_around(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_columns_counts_what_the_eye_sees() -> None:
    assert columns("abc") == 3
    assert columns("請求書") == 6
    assert columns("e\u0301") == 1


def test_cut_keeps_the_beginning_and_the_ending() -> None:
    assert cut("F2026-0001.pdf", 14) == "F2026-0001.pdf"
    assert cut("Factuur voor de heer Van den Berg.pdf", 20) == "Factuur...n Berg.pdf"


def test_wrap_breaks_at_spaces_and_breaks_a_long_word() -> None:
    assert wrap("een twee drie", 8, "  ") == ["  een", "  twee", "  drie"]
    assert wrap("a abcdefghij b", 4) == ["a", "abcd", "efgh", "ij b"]
    assert wrap("", 10) == []


@settings(deadline=None)
@given(st.text(), st.integers(8, 100))
def test_cut_always_fits(text: str, width: int) -> None:
    shown = cut(printable(text), width)
    assert columns(shown) <= width
    assert columns(pad(shown, width)) == columns(pad(shown, width, right=True)) == width


@settings(deadline=None)
@given(st.text(), st.integers(4, 100), st.sampled_from(["", "  "]))
def test_wrap_always_fits_and_loses_nothing(text: str, width: int, indent: str) -> None:
    lines = wrap(printable(text), width, indent)
    assert all(columns(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(printable(text).split())
