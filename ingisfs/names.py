"""Which names may exist on the drive, which of them are one and the same, and which are only noise.

The rules are Windows' own (Win32 "Naming Files, Paths, and Namespaces") and hold on every system, so that a
document written under one of them can be delivered to, and collected by, any other.
"""

from __future__ import annotations

import re
import unicodedata
from fnmatch import translate
from functools import lru_cache

MAX_BYTES = 255  # of one name in UTF-8, as Linux and most servers have it
MAX_UTF16 = 255  # units of one name, as Windows has it

_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)[ ]*(\..*)?\Z", re.IGNORECASE)
_NUMBERED = re.compile(r"(.+?) ?\([0-9]{1,3}\)")
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\ud800-\udfff]')

#: Written by programs and systems for themselves: kept on the drive, never sent, never reported.
NOISE = (
    "desktop.ini",
    "thumbs.db",
    "autorun.inf",
    "folder.jpg",
    ".directory",
    ".ds_store",
    "~$*",
    "~*.tmp",
    "*.tmp",
    "*.temp",
    "*.part",
    "*.partial",
    "*.crdownload",
    "*.bak",
    "*~",
    "*.swp",
    "._*",
    ".~lock.*",
    ".fuse_hidden*",
    ".trash-*",
    ".*",
    "$recycle.bin",
    "system volume information",
)
_NOISE = re.compile("|".join(translate(pattern) for pattern in NOISE))


class NameRefusedError(ValueError):
    """A name that cannot exist on the drive. `args[0]` says why, in English, for the log."""


def normal(name: str) -> str:
    """Return the name as it is stored and sent: NFC, so that é is one character however it was typed.

    Raises NameRefusedError for a name that Windows or a server could not hold.
    """
    name = unicodedata.normalize("NFC", name)
    if not name or name in {".", ".."}:
        raise NameRefusedError("empty or relative name")
    if found := _FORBIDDEN.search(name):
        raise NameRefusedError(f"character {found[0]!r} is not allowed")
    if name[-1] in ". ":
        raise NameRefusedError("a name cannot end in a dot or a space")
    if _RESERVED.match(name):
        raise NameRefusedError("reserved device name")
    if len(name.encode()) > MAX_BYTES or len(name.encode("utf-16-le")) // 2 > MAX_UTF16:
        raise NameRefusedError("name too long")
    return name


@lru_cache(maxsize=4096)
def key(name: str) -> str:
    """Return what two names (or paths) have in common when Windows takes them for the same one.

    Windows compares one character with one character. `str.casefold` would not: with it `Weiß.pdf` replaces
    `Weiss.pdf`, and one of two invoices is never sent.
    """
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", "".join(map(_fold, unicodedata.normalize("NFC", name))))


def _fold(character: str) -> str:
    upper = character.upper()
    folded = (upper if len(upper) == 1 else character).lower()
    # No other letter is the same as one of ASCII: neither the dotless i nor the long s.
    return folded if len(folded) == 1 and (character.isascii() or not folded.isascii()) else character


def split(name: str) -> tuple[str, str]:
    """Split into stem and lower-case ending without its dot: `F1.PDF` gives `("F1", "pdf")`."""
    stem, dot, ending = name.rpartition(".")
    return (stem, ending.lower()) if dot and stem else (name, "")


def without_number(stem: str) -> str:
    """Return a stem without the `(n)` that King adds when a name exists; the stem itself if there is none."""
    found = _NUMBERED.fullmatch(stem)
    return found[1] if found else stem


def numbered(name: str, count: int) -> str:
    """Return a name with a number before its ending, for a namesake: `F1 (2).pdf`; cut if it would be too long."""
    stem, ending = split(name)
    tail = f" ({count})" + (name[len(stem) :] if ending else "")
    while len((stem + tail).encode()) > MAX_BYTES or len((stem + tail).encode("utf-16-le")) // 2 > MAX_UTF16:
        stem = stem[:-1]
    return stem + tail


def is_noise(path: str) -> bool:
    """Tell whether a program wrote this name for itself, not as a document; so is all that lies in such a folder."""
    return any(_NOISE.match(part) for part in key(path).split("/"))
