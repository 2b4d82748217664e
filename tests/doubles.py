"""A server in memory whose every answer a test may choose."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ingisfs.delivery.failures import CannotRenameError, NameExistsError, UnreachableError
from ingisfs.delivery.server import PREFIX, Entry

Fault = Callable[[str, str], None]  # (operation, name): raise what the server should answer


class FaultyServer:
    """Stores files; `before` and `after` may raise in place of, or behind, each operation."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.calls: list[tuple[str, str]] = []
        self.published: list[str] = []  # every name that ever became final, in order
        self.publications: list[tuple[str, bytes]] = []  # the same with the bytes
        self.before: Fault = lambda operation, name: None
        self.after: Fault = lambda operation, name: None
        self.renames = True
        self._lock = threading.Lock()

    def _call(self, operation: str, name: str) -> None:
        with self._lock:
            self.calls.append((operation, name))
        self.before(operation, name)

    def count(self, operation: str) -> int:
        return sum(1 for done, _ in self.calls if done == operation)

    def finals(self) -> dict[str, bytes]:
        return {name: data for name, data in self.files.items() if not name.rpartition("/")[2].startswith(PREFIX)}

    def leftovers(self) -> list[str]:
        return [name for name in self.files if name.rpartition("/")[2].startswith(PREFIX)]

    def ping(self) -> None:
        self._call("ping", "")

    def put(self, name: str, data: bytes) -> None:
        self._call("put", name)
        self.files[name] = data
        self.after("put", name)

    def publish(self, temporary: str, final: str) -> None:
        self._call("publish", final)
        if not self.renames:
            raise CannotRenameError("MOVE: 405")
        with self._lock:
            if final in self.files:
                raise NameExistsError(final)
            if temporary not in self.files:
                raise UnreachableError("no such file")
            self.files[final] = self.files.pop(temporary)
            self.published.append(final)
            self.publications.append((final, self.files[final]))
        self.after("publish", final)

    def replace(self, temporary: str, final: str) -> None:
        self._call("replace", final)
        with self._lock:
            self.files[final] = self.files.pop(temporary)
            self.published.append(final)
            self.publications.append((final, self.files[final]))
        self.after("replace", final)

    def create(self, final: str, data: bytes, *, over: bool = False) -> None:
        self._call("create", final)
        with self._lock:
            if final in self.files and not over:
                raise NameExistsError(final)
            self.files[final] = data
            self.published.append(final)
            self.publications.append((final, data))
        self.after("create", final)

    def entry(self, name: str) -> Entry | None:
        self._call("entry", name)
        data = self.files.get(name)
        return None if data is None else Entry(len(data), f"{hash(data):x}")

    def entries(self, folder: str) -> dict[str, Entry]:
        self._call("entries", folder)
        prefix = folder + "/" if folder else ""
        return {
            name[len(prefix) :]: Entry(len(data), f"{hash(data):x}")
            for name, data in list(self.files.items())
            if name.startswith(prefix)
        }

    lists_sizes = True

    def names(self, folder: str) -> set[str]:
        return set(self.entries(folder))

    def get(self, name: str) -> bytes | None:
        self._call("get", name)
        return self.files.get(name)

    def remove(self, name: str) -> None:
        self._call("remove", name)
        self.files.pop(name, None)

    def close(self) -> None:
        pass
