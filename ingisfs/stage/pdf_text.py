"""The texts on a PDF, as far as they can be told without its fonts: those in Windows' own code page.

A PDF that comes without its XML says only there whom it is for. This is no PDF reader: it looks into streams for
strings that are shown, which is enough for what accounting programs print with the standard fonts. Where glyphs have
numbers of their own (embedded subsets) nothing is found.
"""

from __future__ import annotations

import re
import zlib

MAX_STREAM = 4 * 1024 * 1024  # bytes of one stream when unpacked, so that a small file cannot fill the memory
MAX_ALL = 16 * 1024 * 1024

_STREAM = re.compile(rb"\bstream\r?\n")
# No delimiter within a match: however broken a stream is, each of its bytes is looked at a few times at most.
_SHOWN = re.compile(rb"\[((?:\\.|[^\[\]\\])*)\]\s*TJ|\(((?:\\.|[^\\()])*)\)\s*(?:Tj|')", re.DOTALL)
_STRING = re.compile(rb"\(((?:\\.|[^\\()])*)\)", re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def texts(data: bytes) -> list[str]:
    """The strings that are shown, in their order in the file."""
    found: list[str] = []
    left = MAX_ALL
    for start in _STREAM.finditer(data):
        content = _unpacked(data, start.end(), min(MAX_STREAM, left))
        left -= len(content)
        if b"Tj" in content or b"TJ" in content:
            found += [_text(shown) for shown in _SHOWN.finditer(content)]
        if left <= 0:
            break
    return found


def _unpacked(data: bytes, start: int, limit: int) -> bytes:
    end = data.find(b"endstream", start)
    packed = data[start : end if end >= 0 else None]
    try:
        return zlib.decompressobj().decompress(packed, limit)
    except zlib.error:
        return packed[:limit]


def _text(shown: re.Match[bytes]) -> str:
    array, alone = shown.groups()
    raw = alone if array is None else b"".join(string[1] for string in _STRING.finditer(array))
    return _ESCAPE.sub(_escaped, raw).decode("cp1252", "replace")


def _escaped(escape: re.Match[bytes]) -> bytes:
    code: bytes = escape[1]
    if code.isdigit():
        return bytes([int(code, 8) & 0xFF])
    return _LETTERS.get(code, code)
