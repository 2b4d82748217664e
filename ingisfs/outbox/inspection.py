"""Is this PDF or XML whole? The last look at a document before it may leave by itself.

The question is only whether all bytes are there, as after a crashed program, a full disk or a lost write: not whether
the document is correct, beautiful, or a valid invoice. Both checks work on bytes in memory, touch nothing else, and
raise on no input.

PDF (ISO 32000-2, 7.5 "File structure", and what readers forgive in practice). Nothing is parsed: three places tell.

- The head: `%PDF-` within the first KiB. What precedes it (a printer's PJL, a stray line end) is nobody's business.
- The end: `startxref N %%EOF` within the last 4 KiB, not counting white space, NULs and Ctrl-Z behind it. Other junk
  behind it (PJL's `ESC%-12345X`, Ctrl-D, comments, a mail's boundary) is fine as long as it cannot be the beginning of
  another revision. Revisions are appended, and begin with an object's number or a keyword: a digit, a small letter or
  a byte that is not ASCII means an update that is cut. A file cut exactly at the end of an earlier revision, or in the
  comment that opens the next, *is* a whole PDF: nobody can tell.
- What N points to, counted from the file's start or from `%PDF-`: a cross-reference table, or an object (a
  cross-reference stream). Where it points elsewhere, the last cross-reference in the file counts if it lies behind N:
  then bytes were added (line ends rewritten, an editor), which readers repair, while one before N means that bytes are
  missing. N = 0 closes the first part of a linearized file and never a whole one.

A linearized file also declares its length in its first object; a file shorter than that is cut. Longer is fine: updated
since. Encryption hides none of this. A hole or a flipped bit in the middle is not seen: that takes a hash.

XML: expat reads all of it. Any DTD is refused, and with it every trick with entities; so is nesting beyond 256 levels,
where other parsers give up. Encodings are UTF-8, UTF-16, and whatever single-byte one the declaration names. Behind the
root element only white space and comments may follow: NULs or a Ctrl-Z there are no XML, and as the receiver's parser
would refuse the document, it is better held here. Prefixes without a namespace are well-formed and pass.

All functions are pure: any thread may call them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn
from xml.parsers import expat
from xml.parsers.expat import errors

from ingisfs import names


class Flaw(StrEnum):
    """What is wrong with a document. The values are stored and translated elsewhere: they never change."""

    EMPTY = "empty"  # 0 bytes
    PDF_NO_HEADER = "pdf-no-header"  # no PDF at all, or its beginning is missing
    PDF_NO_END = "pdf-no-end"  # cut
    PDF_NO_XREF = "pdf-no-xref"  # has an end, but bytes are missing before it
    XML_NOT_WELL_FORMED = "xml-not-well-formed"  # cut, or a parser would refuse it
    XML_DTD = "xml-dtd"  # carries a document type declaration
    XML_TOO_DEEP = "xml-too-deep"  # more than MAX_DEPTH elements inside each other
    XML_NO_ROOT = "xml-no-root"  # white space or comments only


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the inspection found: the first flaw or none, and a technical detail for the log and for support."""

    flaw: Flaw | None
    detail: str = ""  # English, one line, may be empty


WHOLE = Inspection(None)

MAX_DEPTH = 256  # elements inside each other; libxml2 refuses more as well


def inspect(name: str, data: bytes) -> Inspection:
    """Inspect a document by the ending of its name; of endings other than .pdf and .xml only that it is not empty."""
    ending = names.split(name)[1]
    if ending == "pdf":
        return inspect_pdf(data)
    if ending == "xml":
        return inspect_xml(data)
    return WHOLE if data else Inspection(Flaw.EMPTY)


# ---- PDF -------------------------------------------------------------------------------------------------------------

_HEAD = 1024  # bytes that may hold `%PDF-`, and behind it the linearization dictionary (ISO 32000-2, F.3.3)
_TAIL = 4096  # bytes that may hold the end; Acrobat looks at 1 KiB
_SLACK = 64  # bytes by which producers' own offsets and lengths may be off

_BLANK = b"\0\t\n\f\r \x1a"  # PDF's white space, and the Ctrl-Z that DOS programs end files with
_BLANKS = rb"(?:[\0\t\n\f\r \x1a]++|%[^\r\n]*+)*+"  # comments are white space to PDF
_START = re.compile(rb"startxref" + _BLANKS + rb"(\d{1,20})" + _BLANKS)
_BEGUN = re.compile(_BLANKS + rb"[0-9a-z\x80-\xff]")
_TABLE = re.compile(_BLANKS + rb"xref[\0\t\n\f\r ]*\d")
_OBJECT = re.compile(_BLANKS + rb"\d{1,10}[\0\t\n\f\r ]+\d{1,10}[\0\t\n\f\r ]+obj")
_LENGTH = re.compile(rb"/L[\0\t\n\f\r ]+(\d{1,20})")


def inspect_pdf(data: bytes) -> Inspection:
    """Tell whether a PDF is whole, in some microseconds whatever its size; the rules are in the module's docstring."""
    if not data:
        return Inspection(Flaw.EMPTY)
    head = data.find(b"%PDF-", 0, _HEAD + 4)
    if head < 0:
        return Inspection(Flaw.PDF_NO_HEADER, f"begins with {data[:16]!r}")

    declared = _declared_length(data, head)
    if declared > len(data) + _SLACK:
        return Inspection(Flaw.PDF_NO_END, f"{len(data)} bytes of the {declared} that its first object declares")

    end = _end_of_content(data)
    first = max(head, end - _TAIL)
    tail = data[first:end]

    eof = tail.rfind(b"%%EOF")
    if eof < 0:
        return Inspection(Flaw.PDF_NO_END, f"no %%EOF in the last {len(tail)} bytes")
    if _BEGUN.match(tail, eof + 5):
        return Inspection(Flaw.PDF_NO_END, f"an update begins behind %%EOF at byte {first + eof} and does not end")
    start = tail.rfind(b"startxref", 0, eof)
    pointer = _START.fullmatch(tail, start, eof) if start >= 0 else None
    if pointer is None:
        return Inspection(Flaw.PDF_NO_END, f"no startxref with a number before %%EOF at byte {first + eof}")
    target = int(pointer[1])
    if target == 0:
        return Inspection(Flaw.PDF_NO_END, "startxref 0: only the first part of a linearized file")

    if _is_xref(data, target) or (head and _is_xref(data, head + target)):
        return WHOLE
    found = _last_xref(data, head, first + start)
    if found < 0:
        return Inspection(Flaw.PDF_NO_XREF, f"nothing at byte {target}, and no cross-reference anywhere")
    if found < target - _SLACK:
        return Inspection(Flaw.PDF_NO_XREF, f"cross-reference at byte {found} instead of {target}: bytes are missing")
    if found <= target + _SLACK:
        return WHOLE
    inner = data.find(b"%PDF-", head + 5)
    if inner >= 0:  # an attachment: what we saw may be its end, and the file be cut behind it
        return Inspection(Flaw.PDF_NO_XREF, f"nothing at byte {target}, and another PDF begins at byte {inner}")
    return WHOLE


def _end_of_content(data: bytes) -> int:
    """Return how many bytes remain without the padding at the end."""
    end = len(data)
    while end:
        start = max(0, end - _TAIL)
        kept = len(data[start:end].rstrip(_BLANK))
        end = start + kept
        if kept:
            break
    return end


def _declared_length(data: bytes, head: int) -> int:
    """Return the length in bytes that a linearized PDF declares; 0 if it is not linearized."""
    at = data.find(b"/Linearized", head, head + _HEAD)
    if at < 0:
        return 0
    found = _LENGTH.search(data, data.rfind(b"<<", head, at) + 1, max(at, data.find(b">>", at, at + _HEAD)))
    return int(found[1]) if found else 0


def _is_xref(data: bytes, at: int) -> bool:
    """Tell whether a cross-reference table or stream begins at a position."""
    if at >= len(data):
        return False
    if _TABLE.match(data, at, at + _TAIL):
        return True
    found = _OBJECT.match(data, at, at + _TAIL)
    if found is None:
        return False
    dictionary_end = data.find(b"stream", found.end(), found.end() + _TAIL)
    return data.find(b"/XRef", found.end(), max(dictionary_end, 0)) >= 0


def _last_xref(data: bytes, head: int, end: int) -> int:
    """Return where the last cross-reference table or stream between two positions begins; -1 if there is none."""
    stream = data.rfind(b"/XRef", head, end)
    if stream >= 0:
        stream = data.rfind(b"obj", head, stream)
    table = end
    for _ in range(8):  # of many revisions the last lies a few `startxref` back
        table = data.rfind(b"xref", head, table)
        if table < 0 or data[table - 5 : table] != b"start":
            break
    else:
        table = -1
    return max(stream, table)


# ---- XML -------------------------------------------------------------------------------------------------------------

_FIRST_CHUNK = 64 * 1024  # bytes; each further chunk is twice as long, for expat rescans an unfinished token each time
_SHOWN = 40  # characters of a name in a detail
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# expat knows "utf-8" only; programs also declare it as "utf8", which other parsers understand.
_UTF8_DECLARED = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml[^>]{0,200}?\sencoding\s*=\s*[\"']utf_?8[\"']", re.IGNORECASE)


def inspect_xml(data: bytes) -> Inspection:
    """Tell whether an XML document is whole and well-formed; takes 1 to 60 ms a MB, depending on its elements."""
    return _Reading(data).run() if data else Inspection(Flaw.EMPTY)


class _StopError(Exception):
    """Ends a reading early, with what was found."""

    def __init__(self, found: Inspection) -> None:
        super().__init__(found)
        self.found = found


class _Reading:
    """One pass of expat over one document."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._encoding = ""  # as the declaration has it
        self._rooted = False
        self._open: list[str] = []  # names of the elements that are open, outermost first
        self._parser = expat.ParserCreate("utf-8" if _UTF8_DECLARED.match(data) else None)
        self._parser.ordered_attributes = True  # cheaper than a dictionary that nobody reads
        self._parser.XmlDeclHandler = self._declaration
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._enter
        self._parser.EndElementHandler = self._leave

    def run(self) -> Inspection:
        """Read to the end or to the first flaw. Once only."""
        view = memoryview(self._data)
        position, size = 0, _FIRST_CHUNK
        try:
            while position < len(view):
                # A handler that raises lets expat finish its chunk; small ones first make that cheap.
                self._parser.Parse(view[position : position + size], False)
                position += size
                size *= 2
            self._parser.Parse(b"", True)
        except _StopError as stop:
            return stop.found
        except expat.ExpatError as error:
            return self._judge(error)
        except (LookupError, ValueError, Warning) as error:  # from the codec of the declared encoding
            return self._at(Flaw.XML_NOT_WELL_FORMED, 1, 0, f"declared encoding: {str(error)[:120]}")
        finally:
            del self._parser  # it refers back to us: the cycle would keep the document until a garbage collection
        return WHOLE

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self._encoding = encoding or ""

    def _doctype(self, name: str, _system: str | None, _public: str | None, _subset: bool) -> None:
        self._stop(Flaw.XML_DTD, f"<!DOCTYPE {name[:_SHOWN]}")

    def _enter(self, name: str, _attributes: object) -> None:
        self._rooted = True
        self._open.append(name)
        if len(self._open) > MAX_DEPTH:
            self._stop(Flaw.XML_TOO_DEEP, f"<{name[:_SHOWN]}> is inside {MAX_DEPTH} other elements")

    def _leave(self, _name: str) -> None:
        self._open.pop()

    def _stop(self, flaw: Flaw, what: str) -> NoReturn:
        raise _StopError(self._at(flaw, self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber, what))

    @staticmethod
    def _at(flaw: Flaw, line: int, column: int, what: str) -> Inspection:
        return Inspection(flaw, f"line {line}, column {column + 1}: {what}")

    def _judge(self, error: expat.ExpatError) -> Inspection:
        """Say what expat's error means for a person who looks for its cause."""
        what = expat.ErrorString(error.code)
        place = self._parser.ErrorByteIndex
        if what == errors.XML_ERROR_NO_ELEMENTS and not self._rooted:
            return Inspection(Flaw.XML_NO_ROOT)
        if what == errors.XML_ERROR_INVALID_TOKEN:
            what += self._odd_byte(place)
        elif what == errors.XML_ERROR_MISPLACED_XML_PI:
            what += f" ({place} bytes before it)"
        elif self._open:
            what += f" (inside <{self._open[-1][:_SHOWN]}>, {len(self._open)} elements are open)"
        return self._at(Flaw.XML_NOT_WELL_FORMED, error.lineno, error.offset, what)

    def _odd_byte(self, place: int) -> str:
        """Explain the byte that expat stumbled over, where there is something to explain."""
        byte = self._data[place : place + 1]
        if not byte or self._data.startswith(_UTF16):
            return ""
        if not self._data[place:].strip(b"\0\t\n\r \x1a"):
            return f" ({len(self._data) - place} bytes of padding behind the end, the first is 0x{byte[0]:02x})"
        if byte < b" ":
            return f" (control character 0x{byte[0]:02x})"
        if byte >= b"\x80" and self._encoding.lower() in {"", "utf-8", "utf8", "utf_8"}:
            try:
                self._data[place : place + 4].decode()
            except UnicodeDecodeError as error:
                if error.start == 0:
                    return f" (byte 0x{byte[0]:02x} is not UTF-8; windows-1252 without saying so?)"
        return ""
