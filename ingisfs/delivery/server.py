"""What every server must offer. A worker owns one of these, with a connection of its own; none is shared.

Every method raises `DeliveryError` and nothing else. Names are relative to the inbox, `folder/name` at most, NFC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as the server lists it."""

    size: int  # bytes
    tag: str  # changes when the content does: an ETag, or the time of change; "" if the server tells neither


class Server(Protocol):
    """The one contract of WebDAV, SFTP, FTPS and the portal."""

    def ping(self) -> None:
        """Make sure that the inbox is there and we may see it. Raises TransientError, TargetNeedsPersonError."""

    def put(self, name: str, data: bytes) -> None:
        """Store `data` under a temporary name that was never used before.

        Raises TransientError, TargetNeedsPersonError, DocumentRefusedError. An error says nothing about what may still
        appear under the name: it is never used again.
        """

    def publish(self, temporary: str, final: str) -> None:
        """Rename, failing if the final name exists.

        Raises NameExistsError, DoubtError (the answer was lost), TransientError (it surely did not happen),
        TargetNeedsPersonError, DocumentRefusedError, CannotRenameError.
        """

    def replace(self, temporary: str, final: str) -> None:
        """Rename over our own earlier version, which INGIS has not collected. Raises as `publish`, but for the name."""

    def create(self, final: str, data: bytes, *, over: bool = False) -> None:
        """Store `data` under its final name at once, where `publish` has raised CannotRenameError.

        Fails if the name exists, unless `over` says that our own earlier version is there. Raises as `publish`; all
        but DoubtError say that nothing happened.
        """

    def entry(self, name: str) -> Entry | None:
        """Return what lies under a name, None if surely nothing does. Raises TransientError, TargetNeedsPersonError."""

    def entries(self, folder: str) -> dict[str, Entry]:
        """Return the files in a folder ("" for the inbox) by name. Raises as `entry`."""

    def names(self, folder: str) -> set[str]:
        """Return the names of the files in a folder, and perhaps of the folders in it. Raises as `entry`."""

    @property
    def lists_sizes(self) -> bool:
        """Tell whether `entries` is one answer of the server, not one for each file. Known after the first `put`."""

    def get(self, name: str) -> bytes | None:
        """Return the bytes under a name, None if surely nothing is there. Raises as `entry`."""

    def remove(self, name: str) -> None:
        """Remove one of our own temporary files; none there is fine. Raises as `entry`."""

    def close(self) -> None:
        """Let go of the connection. Never raises."""


PREFIX = ".ingisfs-"
SUFFIX = ".part"
_TEMPORARY = re.compile(r"\.ingisfs-([0-9a-z]{12})-([0-9]{1,9})(?:-probe)?\.part")


def temporary_name(remote_name: str, document_id: str, attempt: int, folder: str | None = None) -> str:
    """Return the name under which one attempt is put: beside the final one, or in `folder`. Never used twice."""
    beside, _, _ = remote_name.rpartition("/")
    place = beside if folder is None else folder
    name = f"{PREFIX}{document_id}-{attempt}{SUFFIX}"
    return f"{place}/{name}" if place else name


def document_of(temporary: str) -> tuple[str, int] | None:
    """Return the document id and the attempt that a temporary name tells, None for any other name."""
    found = _TEMPORARY.fullmatch(temporary.rpartition("/")[2])
    return None if found is None else (found[1], int(found[2]))


def folder_of(url: str) -> str:
    """Return the folder that an address names, as the server is asked for it; "." is where the login leads."""
    path = unquote(urlsplit(url).path)
    if path in {"", "/"}:
        return "."
    if path == "/~" or path.startswith("/~/"):
        return path[3:].strip("/") or "."
    return path.rstrip("/") or "/"
