"""An SFTP server on a real socket that misbehaves as a test tells it to, and remembers all that it ever had.

asyncssh's protocol in front of files in memory, in a thread of its own. Only `FaultySftp` is for the tests.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import asyncssh

from ingisfs.delivery.server import PREFIX

INBOX = "/inbox"
USER, PASSWORD = "king", "secret"
CUT, SILENCE = -1, -2  # beside the answers of the protocol

T = TypeVar("T")


@dataclass(frozen=True)
class Say:
    """Answer this instead of what is true: a status of SFTP, CUT (the connection), or SILENCE (and cut it at the end).

    `do`: carry the request out first, all the same. `late`: carry it out so many requests later instead. `short`: a
    write that is carried out stores the first half of its bytes only.
    """

    answer: int
    do: bool = False
    late: int = 0
    short: bool = False


FAILURE = Say(asyncssh.FX_FAILURE)
NO_SUCH_FILE = Say(asyncssh.FX_NO_SUCH_FILE)
DENIED = Say(asyncssh.FX_PERMISSION_DENIED)
UNSUPPORTED = Say(asyncssh.FX_OP_UNSUPPORTED)
HANG_UP, DO_AND_HANG_UP = Say(CUT), Say(CUT, do=True)

# (operation, name, how often that operation was asked for) → what goes wrong
Fault = Callable[[str, str, int], "Say | None"]


@dataclass(eq=False)
class File:
    """Bytes, whatever their name is: who has the file open writes into it also when it was renamed or removed."""

    data: bytearray = field(default_factory=bytearray)
    time: int = 0  # of the last change, in s


@dataclass
class FaultySftp:
    """The server's memory, and what goes wrong.

    Operations are named as SFTP has them; besides, `connect` and `log in` are the two steps before it (named by the
    user), `read` is the opening of a file to be read, and `list` a listing of the inbox, whose name is "" as for
    `stat`.
    """

    key: asyncssh.SSHKey
    files: dict[str, File] = field(default_factory=dict)
    arrivals: list[tuple[str, bytes]] = field(default_factory=list)  # everything that ever got a final name
    requests: list[tuple[str, str]] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)  # the host key that was seen by whoever showed a password
    inside: int = 0  # connections that are logged in now
    together: int = 0  # writes that wait for each other, once, before the first of them is answered
    fault: Fault = lambda operation, name, count: None
    done: Callable[[str, str], None] = lambda operation, name: None  # after each request that was carried out
    hidden: Callable[[str], bool] = lambda name: False  # names that a listing does not show
    collects: bool = False  # INGIS takes a file away as soon as it has its final name
    password: str = PASSWORD
    lock: threading.RLock = field(default_factory=threading.RLock)
    port: int = 0
    _published: list[tuple[File, bytes]] = field(default_factory=list)
    _late: list[tuple[int, Callable[[], object]]] = field(default_factory=list)  # (request before which, what)
    _clock: int = 1_790_000_000
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)
    _acceptor: asyncssh.SSHAcceptor | None = None
    _waiting: int = 0  # writes that were begun
    _met: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"sftp://127.0.0.1:{self.port}{INBOX}"

    @property
    def host_key(self) -> str:
        """What a person pins."""
        return self.key.get_fingerprint()

    def count(self, operation: str, part: str = "") -> int:
        """How often an operation was asked for, with a name that has `part` in it."""
        with self.lock:
            return sum(1 for done, name in self.requests if done == operation and part in name)

    def finals(self) -> dict[str, bytes]:
        with self.lock:
            return {name: bytes(file.data) for name, file in self.files.items() if not name.startswith(PREFIX)}

    def lay(self, name: str, data: bytes) -> File:
        """Put a file there, as somebody else's."""
        with self.lock:
            self.files[name] = File(bytearray(data), self._now())
            return self.files[name]

    def never_half(self) -> bool:
        """Tell whether all that ever had a final name is still what it was when it got it."""
        with self.lock:
            return all(file.data == data for file, data in self._published)

    def cut(self) -> None:
        """End all connections, as a restart does."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(20)

    def end_sessions(self) -> None:
        """End SFTP on all connections, and leave the connections."""

        async def end() -> None:
            for connection in self._connections:
                for channel in list(connection._channels.values()):
                    channel.close()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(20)

    def change_key(self, key: asyncssh.SSHKey) -> None:
        """Show another host key to whoever connects from now on."""

        async def update() -> None:
            assert self._acceptor is not None
            self._acceptor.update(server_host_keys=[key], server_factory=lambda: _Login(self, key))

        self.key = key
        asyncio.run_coroutine_threadsafe(update(), self._loop).result(20)

    # ---- in the server's thread ----------------------------------------------------------------------------------

    def ask(self, operation: str, name: str) -> Say | None:
        """Note a request, catch up on what is late by now, and tell what is to go wrong."""
        with self.lock:
            self.requests.append((operation, name))
            at = len(self.requests)
            due = [carry_out for when, carry_out in self._late if when <= at]
            self._late = [(when, carry_out) for when, carry_out in self._late if when > at]
            for carry_out in due:
                try:
                    carry_out()
                except asyncssh.SFTPError:
                    continue  # nobody is there to hear it
            count = self.count(operation)
        return self.fault(operation, name, count)

    async def do(
        self, operation: str, name: str, carry_out: Callable[[bool], T], connection: asyncssh.SSHServerConnection
    ) -> T:
        """Do one request as the test wants it. `carry_out` gets whether to do it by half."""
        fault = self.ask(operation, name)
        if operation == "write" and not self._met.is_set():
            self._waiting += 1
            if self._waiting >= self.together:
                self._met.set()
            await self._met.wait()
        if fault is not None and fault.late:
            with self.lock:
                self._late.append((len(self.requests) + fault.late, lambda: carry_out(fault.short)))
        elif fault is None or fault.do:
            with self.lock:
                result = carry_out(fault is not None and fault.short)
                self.done(operation, name)
            if fault is None or fault.answer == asyncssh.FX_OK:
                return result
        assert fault is not None
        if fault.answer == SILENCE:
            await connection.wait_closed()  # the client loses its patience first
        if fault.answer in {CUT, SILENCE}:
            connection.abort()
            raise asyncssh.SFTPConnectionLost("nobody hears this")
        raise asyncssh.SFTPError(fault.answer, "because the test wants it")

    def open(self, name: str) -> File:
        if name in self.files:
            raise asyncssh.SFTPFailure("there is one already")
        file = self.files[name] = File(time=self._now())
        if not name.startswith(PREFIX):
            self._arrived(name)
        return file

    def write(self, file: File, offset: int, data: bytes, short: bool) -> int:
        data = data[: len(data) // 2] if short else data
        file.data[offset : offset + len(data)] = data
        file.time = self._now()
        return len(data)

    def rename(self, name: str, target: str, *, over: bool = False) -> None:
        with self.lock:
            file = self.file(name)
            if target in self.files and not over:
                raise asyncssh.SFTPFailure("Failure")
            del self.files[name]
            self.files[target] = file
            self._arrived(target)

    def remove(self, name: str) -> None:
        with self.lock:
            self.file(name)
            del self.files[name]

    def file(self, name: str) -> File:
        try:
            return self.files[name]
        except KeyError:
            raise asyncssh.SFTPNoSuchFile("No such file") from None

    def _arrived(self, name: str) -> None:
        """A file has its final name now."""
        file = self.files[name]
        self.arrivals.append((name, bytes(file.data)))
        self._published.append((file, bytes(file.data)))
        if self.collects:
            del self.files[name]

    def _now(self) -> int:
        self._clock += 1
        return self._clock

    async def _cut(self) -> None:
        for connection in self._connections:
            connection.abort()
            await connection.wait_closed()
        self._connections.clear()


def _attributes(file: File) -> asyncssh.SFTPAttrs:
    return asyncssh.SFTPAttrs(size=len(file.data), permissions=0o100644, atime=file.time, mtime=file.time)


_FOLDER = asyncssh.SFTPAttrs(size=0, permissions=0o040755, atime=0, mtime=0)


class _Login(asyncssh.SSHServer):
    """One connection, made when the host key was `key`."""

    def __init__(self, state: FaultySftp, key: asyncssh.SSHKey) -> None:
        self._state = state
        self._key = key
        self._connection: asyncssh.SSHServerConnection | None = None
        self._is_inside = False

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._state._connections.append(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        self._state.inside -= self._is_inside

    def auth_completed(self) -> None:
        self._is_inside = True
        self._state.inside += 1

    async def begin_auth(self, username: str) -> bool:
        return await self._do("connect", username, True)

    def password_auth_supported(self) -> bool:
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        self._state.shown.append(self._key.get_fingerprint())
        return await self._do("log in", username, (username, password) == (USER, self._state.password))

    async def _do(self, step: str, username: str, truth: bool) -> bool:
        assert self._connection is not None
        try:
            return await self._state.do(step, username, lambda _: truth, self._connection)
        except asyncssh.SFTPError:
            return step == "connect"


class _Inbox(asyncssh.SFTPServer):
    state: FaultySftp

    async def _do(self, operation: str, path: bytes, carry_out: Callable[[str, bool], T]) -> T:
        name = _name(path)
        return await self.state.do(operation, name, lambda short: carry_out(name, short), self.connection)

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if not pflags & asyncssh.FXF_WRITE:
            return await self._do("read", path, lambda name, _: (name, self.state.file(name)))
        assert pflags & asyncssh.FXF_EXCL
        return await self._do("open", path, lambda name, _: (name, self.state.open(name)))

    async def read(self, file_obj: Any, offset: int, size: int) -> bytes:
        return bytes(file_obj[1].data[offset : offset + size])

    async def write(self, file_obj: Any, offset: int, data: bytes) -> int:
        name, file = file_obj
        return await self._do("write", name.encode(), lambda _, short: self.state.write(file, offset, data, short))

    async def close(self, file_obj: Any) -> None:
        if file_obj[0].startswith(PREFIX):
            await self._do("close", file_obj[0].encode(), lambda *_: None)

    async def fstat(self, file_obj: Any) -> asyncssh.SFTPAttrs:
        return _attributes(file_obj[1])

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        return await self._do("lstat", path, lambda name, _: _attributes(self.state.file(name)))

    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        return await self._do("stat", path, lambda name, _: _attributes(self.state.file(name)) if name else _FOLDER)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self._do("rename", oldpath, lambda name, _: self.state.rename(name, _name(newpath)))

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self._do("posix_rename", oldpath, lambda name, _: self.state.rename(name, _name(newpath), over=True))

    async def remove(self, path: bytes) -> None:
        await self._do("remove", path, lambda name, _: self.state.remove(name))

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        found = await self._do("list", path, lambda *_: dict(self.state.files))
        for name, file in found.items():
            if not self.state.hidden(name):
                yield asyncssh.SFTPName(name.encode(), name.encode(), _attributes(file))


def _name(path: bytes) -> str:
    return path.decode().removeprefix(INBOX).lstrip("/")


@contextmanager
def faulty_sftp(key: asyncssh.SSHKey) -> Iterator[FaultySftp]:
    """Run one that shows the host key `key` for the block."""
    state = FaultySftp(key)
    loop = state._loop
    inbox = type("Inbox", (_Inbox,), {"state": state})

    async def start() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1", 0, server_factory=lambda: _Login(state, key), server_host_keys=[key], sftp_factory=inbox
        )

    async def end() -> None:
        assert state._acceptor is not None
        state._acceptor.close()
        await state._cut()
        await state._acceptor.wait_closed()  # with a newer Python for connections too
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    state._acceptor = loop.run_until_complete(start())
    state.port = state._acceptor.get_port()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield state
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
