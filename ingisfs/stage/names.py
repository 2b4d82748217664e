"""Addresses and names: which names may exist in the inbox, and how they look in a URL.

A place is a tuple of names: `()` is the inbox itself, `("F1.pdf",)` a document in it, `("map", "F1.pdf")`
one in a folder. The bytes of the URL are taken apart *before* they are decoded, so an encoded slash can never
become a separator.
"""

from __future__ import annotations

import os
import re
from urllib.parse import quote, unquote_to_bytes

from ingisfs.stage.failures import NameRefusedError, OutsideInboxError

Place = tuple[str, ...]

INBOX: Place = ()
PREFIX = "/inbox"
MAX_NAME_BYTES = 255  # of UTF-8, as on ext4, NTFS and APFS
TEMPORARY_PREFIX = ".ingisfs-"  # what the courier calls a document that is still on its way

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f/\\]")
_FORBIDDEN_ON_WINDOWS = re.compile(
    r"""[<>:"|?*] | [. ]\Z | \A (?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]) (?:[ .].*)? \Z""", re.I | re.X
)


def check_name(name: str) -> None:
    """Raise NameRefusedError unless `name` may be the name of a document or folder, as it is, on this system's disk."""
    if name in {"", ".", ".."} or _FORBIDDEN.search(name):
        raise NameRefusedError
    if os.name == "nt" and _FORBIDDEN_ON_WINDOWS.search(name):  # "C:x" would even leave the inbox
        raise NameRefusedError
    try:
        length = len(name.encode("utf-8"))
    except UnicodeEncodeError:
        raise NameRefusedError from None
    if length > MAX_NAME_BYTES:
        raise NameRefusedError


def is_temporary(place: Place) -> bool:
    """Whether the last name is one of the courier's own: still on its way, not yet a document for INGIS."""
    return place[-1].startswith(TEMPORARY_PREFIX)


def written(place: Place) -> str:
    """The place as people write it, and as the database keeps it: `map/F1.pdf`; empty for the inbox."""
    return "/".join(place)


def place_of(path: bytes) -> Place:
    """The place that the path of a URL names, percent-encoded as it came.

    Raises OutsideInboxError if the path is not below `/inbox`, NameRefusedError if a name in it may not exist or is
    not UTF-8.
    """
    first, *segments = path.removeprefix(b"/").split(b"/")
    if not path.startswith(b"/") or first != PREFIX[1:].encode():
        raise OutsideInboxError
    if segments and not segments[-1]:  # the slash behind the name of a folder
        segments.pop()
    names = []
    for segment in segments:
        try:
            name = unquote_to_bytes(segment).decode("utf-8")
        except UnicodeDecodeError:
            raise NameRefusedError from None
        check_name(name)
        names.append(name)
    return tuple(names)


def href(place: Place, *, folder: bool = False) -> str:
    """The path of the URL of a place: plain ASCII, every name percent-encoded, folders with a slash at the end."""
    path = "/".join([PREFIX, *(quote(name, safe="") for name in place)])
    return path + "/" if folder else path
