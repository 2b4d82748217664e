"""Tries a server out with two small files of its own: what `setup` and `check` tell about it.

Nothing that INGIS could collect is ever made: both files begin and end under temporary names, and are removed again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from ingisfs.delivery.failures import CannotRenameError, DeliveryError, NameExistsError
from ingisfs.delivery.server import PREFIX, SUFFIX, Server
from ingisfs.outbox.document import new_id

log = logging.getLogger(__name__)

_CONTENT, _OTHER = b"ingisfs: may this be written here?\n", b"ingisfs: and is it kept when another takes its name?\n"


@dataclass(frozen=True, slots=True)
class Findings:
    """What a server did with the files. `step` is where it failed, if it did."""

    error: DeliveryError | None = None
    step: str = ""  # "reach", "put", "rename", "remove", "list": a sentence of the report
    overwrites: bool = False  # a rename took away what lay under the new name
    unguarded: bool = False  # the server itself would; a delivery looks before it renames
    renames: bool = True  # else documents are put straight under their names, and can be seen half
    listed: bool | None = None  # a listing of the folder shows temporary names; None: there is no listing
    left: tuple[str, ...] = ()  # names that could not be removed again

    @property
    def good(self) -> bool:
        """Tell whether documents can be delivered exactly once."""
        return self.error is None and not self.overwrites


def probe(
    connect: Callable[[], Server], temporary_folder: str | None = None, also: Callable[[Server], None] | None = None
) -> Findings:
    """Reach the server, put a file, rename it, rename another over it, and remove both. Raises nothing.

    `also` is done on the same connection if all of that went well and files are renamed; it raises nothing either.
    """
    server: Server | None = None
    try:
        server = connect()
        found = _try_out(server, temporary_folder)
        if also is not None and found.error is None and found.renames:
            also(server)
        return found
    except DeliveryError as error:
        return Findings(error, "reach")
    finally:
        if server is not None:
            server.close()


def _try_out(server: Server, temporary_folder: str | None) -> Findings:
    server.ping()
    mark = new_id()
    place = f"{temporary_folder}/" if temporary_folder else ""
    first, second = (f"{place}{PREFIX}{mark}-{number}-probe{SUFFIX}" for number in (1, 2))
    renamed = f"{PREFIX}{mark}-3-probe{SUFFIX}"  # beside the documents, where a rename has to lead
    step, error, overwrites, unguarded, renames, listed = "put", None, False, False, True, None
    try:
        server.put(first, _CONTENT)
        _expect(server, first, len(_CONTENT))
        step = "rename"
        try:
            server.publish(first, renamed)
        except CannotRenameError:
            renames, step = False, "put"
            server.create(renamed, _CONTENT)
        _expect(server, renamed, len(_CONTENT))
        step = "put"
        server.put(second, _OTHER)
        step = "rename" if renames else "put"
        with suppress(NameExistsError):
            if renames:
                server.publish(second, renamed)
            else:
                server.create(renamed, _OTHER)
            overwrites = True
        if renames and not overwrites and (would := getattr(server, "overwrites", None)) is not None:
            unguarded = would(second, renamed)
        with suppress(DeliveryError):  # reading is not needed to deliver
            overwrites |= not unguarded and server.get(renamed) == _OTHER
        step = "list"
        listed = renamed in server.entries("")
    except DeliveryError as failed:
        error = failed
    left = tuple(name for name in (first, second, renamed) if not _removed(server, name))
    if left and error is None:
        step, error = "remove", DeliveryError(", ".join(left))
    return Findings(error, step if error is not None else "", overwrites, unguarded, renames, listed, left)


def _expect(server: Server, name: str, size: int) -> None:
    found = server.entry(name)
    if found is None or found.size != size:
        raise DeliveryError(f"{name}: {size} bytes were stored, said the server, but it has {found and found.size}")


def _removed(server: Server, name: str) -> bool:
    with suppress(DeliveryError):
        server.remove(name)
        return server.entry(name) is None
    return False
