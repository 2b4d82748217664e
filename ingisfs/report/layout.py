"""Text in columns of equal width, whatever is in a name: wide and combining characters, control characters, length."""

from __future__ import annotations

import unicodedata

ELLIPSIS = "..."  # layout is ASCII: it stays in its columns in programs that take the file for ANSI


def printable(text: str) -> str:
    """Return the text without what could steer a terminal or turn a line around: each such character becomes “?”."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in text)


def columns(text: str) -> int:
    """Return how many columns a printable text takes in a font of fixed width."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(c) in {"Mn", "Me"} else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _fitting(text: str, width: int) -> int:
    """Return how many characters at the beginning of a text fit into a number of columns."""
    if len(text) * 2 <= width:
        return len(text)
    taken = 0
    for at, character in enumerate(text):
        taken += columns(character)
        if taken > width:
            return at
    return len(text)


def cut(text: str, width: int) -> str:
    """Return the text in at most `width` columns, without its middle if need be: the ending tells the most."""
    if columns(text) <= width:
        return text
    end = _fitting(text[::-1], width // 2)
    beginning = _fitting(text, width - columns(ELLIPSIS) - columns(text[len(text) - end :]))
    return text[:beginning] + ELLIPSIS + text[len(text) - end :]


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return the text filled up with spaces to `width` columns, on its left if it is set to the right."""
    spaces = " " * (width - columns(text))
    return spaces + text if right else text + spaces


def wrap(text: str, width: int, indent: str = "") -> list[str]:
    """Return the text as lines of at most `width` columns, broken at spaces where there are any."""
    room = width - len(indent)
    lines: list[str] = []
    line = ""
    for word in text.split():
        joined = f"{line} {word}" if line else word
        if columns(joined) <= room:
            line = joined
            continue
        if line:
            lines.append(line)
        line = word
        while columns(line) > room:
            fits = _fitting(line, room)
            lines.append(line[:fits])
            line = line[fits:]
    return [indent + line for line in [*lines, line] if line]
