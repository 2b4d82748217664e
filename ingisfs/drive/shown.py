r"""The folders in the root that only show: `Verzonden\<day>\` and `Geweigerd\`. Nothing in them can be changed.

They are in no list of folders, and there only while there is something in them. What they show are documents that
were sent and that the root lists no more, as long as their bytes are kept, each in one of both: what INGIS refused and
its other half lie in `Geweigerd`, with a text beside it that says what to do, until a person has dealt with it.

Threads: under the volume's lock.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ingisfs import names
from ingisfs.drive.errors import NotAFolderError, NotFoundError
from ingisfs.outbox.document import Document, State
from ingisfs.outbox.reading import Reading

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


@dataclass(frozen=True, slots=True)
class Words:
    """What things are called, and what a refusal says; in a person's language."""

    sent: str  # name of the folder of what was sent
    refused: str  # name of the folder of what was refused
    reason: str  # what the name of a text beside a refused document ends in
    explain: Callable[[Document], bytes]  # returns that text


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that is shown."""

    path: str  # as it is called
    id: str
    size: int = 0  # bytes
    modified_ns: int = 0  # ns since 1970 UTC
    read: Callable[[], bytes] | None = None  # None: a folder


class ShownFolders:
    """What they hold, asked of the outbox each time; what was refused only when something has changed."""

    def __init__(self, reading: Reading, words: Words) -> None:
        """Show what is in `reading`."""
        self._reading = reading
        self._words = words
        self._sent_key, self._refused_key = names.key(words.sent), names.key(words.refused)
        self._made_ns = time.time_ns()
        self._mark: tuple[int, ...] = ()
        self._refused: dict[str, Entry] = {}  # by keys of names
        self._in_refused: set[int] = set()  # numbers of documents

    def owns(self, path: str) -> bool:
        """Tell whether a path is in one of the folders, or is one, there or not."""
        return names.key(path.partition("/")[0]) in {self._sent_key, self._refused_key}

    def roots(self) -> list[str]:
        """Return the names in the root of those folders that have something to show."""
        found = [self._words.sent] if self._reading.anything_sent() else []
        return [*found, self._words.refused] if self._reading.anything_refused() else found

    def find(self, path: str) -> Entry:
        """Return what is shown under a path that `owns`. Raises NotFoundError, NotAFolderError."""
        parts = [names.key(part) for part in path.split("/")]
        if parts[0] == self._refused_key:
            return self._find_refused(path, parts)
        if len(parts) == 1:
            return self._folder(self._words.sent, path, there=self._reading.anything_sent())
        day = self._folder(f"{self._words.sent}/{parts[1]}", path, there=bool(self._names_of(parts[1])))
        if len(parts) == 2:
            return day
        found = self._reading.sent_as_name(parts[1], parts[2])
        if found is None or self._is_refused(found[1]):
            raise NotFoundError(path if len(parts) == 3 else path.rpartition("/")[0])
        if len(parts) > 3:
            raise NotAFolderError(path)
        return self._entry(f"{day.path}/{found[0]}", found[1])

    def names_in(self, path: str) -> list[str]:
        """Return the names in a folder that `owns`. Raises NotFoundError, NotAFolderError."""
        entry = self.find(path)
        if entry.read is not None:
            raise NotAFolderError(path)
        if names.key(entry.path) == self._refused_key:
            return [found.path.rpartition("/")[2] for found in self._look().values()]
        _, _, day = entry.path.partition("/")
        if day:
            refused = self._numbers()
            return [name for name, number in self._reading.sent_names(day).items() if number not in refused]
        return self._reading.sent_days()

    def _folder(self, shown: str, path: str, *, there: bool) -> Entry:
        if not there:
            raise NotFoundError("/".join(path.split("/")[: shown.count("/") + 1]))
        return Entry(shown, f"/{shown}/", modified_ns=self._made_ns)

    def _names_of(self, day: str) -> bool:
        return bool(_DAY.match(day) and self._reading.rows("SELECT 1 FROM sent WHERE day = ? LIMIT 1", (day,)))

    def _entry(self, path: str, document: Document) -> Entry:
        def read() -> bytes:
            return self._reading.payload(document.id)

        return Entry(path, document.id, document.size, document.modified_ns, read)

    # ---- what was refused ----------------------------------------------------------------------------------------

    def _find_refused(self, path: str, parts: list[str]) -> Entry:
        found = self._look()
        folder = self._folder(self._words.refused, path, there=bool(found))
        if len(parts) == 1:
            return folder
        if parts[1] not in found:
            raise NotFoundError("/".join(path.split("/")[:2]))
        if len(parts) > 2:
            raise NotAFolderError(path)
        return found[parts[1]]

    def _is_refused(self, document: Document) -> bool:
        return document.number in self._numbers()

    def _numbers(self) -> set[int]:
        self._look()
        return self._in_refused

    def _look(self) -> dict[str, Entry]:
        """Return what was refused, asking only if something was committed since."""
        ((others,),) = self._reading.rows("PRAGMA data_version")
        ((own,),) = self._reading.rows("SELECT total_changes()")
        mark = (threading.get_ident(), others, own)  # both numbers belong to a connection, and each thread has one
        if mark == self._mark:
            return self._refused
        found: dict[str, Entry] = {}
        documents = self._reading.refused_to_see()
        for document in documents:
            name = self._free(document.name, found)
            shown = self._entry(f"{self._words.refused}/{name}", document)
            found[names.key(name)] = shown
            if document.state is State.REFUSED and document.needs_person:
                text = self._text(name, document, found)
                found[names.key(text.path.rpartition("/")[2])] = text
        self._mark, self._refused = mark, found
        self._in_refused = {document.number for document in documents}
        return found

    def _text(self, name: str, document: Document, taken: dict[str, Entry]) -> Entry:
        called = self._free(self._fitting(name, document) + self._words.reason, taken)
        content = self._words.explain(document)
        path = f"{self._words.refused}/{called}"
        return Entry(path, f"/{path}", len(content), document.modified_ns, lambda: content)

    def _fitting(self, name: str, document: Document) -> str:
        try:
            return names.normal(name + self._words.reason) and name
        except names.NameRefusedError:
            return document.id  # the name is nearly as long as a name can be

    @staticmethod
    def _free(name: str, taken: dict[str, Entry]) -> str:
        free, count = name, 1
        while names.key(free) in taken:
            count += 1
            free = names.numbered(name, count)
        return free
