"""The same inbox by SFTP, on this machine only: King users log in with their password, each to their own desk.

A file is written in private and gets its name when its handle is closed: whole, or not at all. A connection that breaks
off closes nothing. There is one folder, `/inbox`, which is also where one begins.

Runs in a thread and an event loop of its own; the disk is used in worker threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import hashlib
import os
import socket
import stat
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, ParamSpec

import asyncssh
from asyncssh import (
    FXF_APPEND,
    FXF_CREAT,
    FXF_EXCL,
    FXF_TRUNC,
    FXF_WRITE,
    SFTPAttrs,
    SFTPFailure,
    SFTPName,
    SFTPNoSuchFile,
    SFTPOpUnsupported,
    SFTPPermissionDenied,
)

from ingisfs.stage import failures
from ingisfs.stage.conditions import NO_CONDITION, Condition
from ingisfs.stage.desks import Desk, Desks
from ingisfs.stage.inbox import Document, Folder, Inbox
from ingisfs.stage.names import Place
from ingisfs.stage.sentences import say
from ingisfs.stage.sessions import Throttle
from ingisfs.stage.upload import Received, allowed
from ingisfs.stage.users import Users

ROOT = "inbox"
GUESSES, GUESS_SECONDS = 20, 300.0

_P = ParamSpec("_P")


def host_key(folder: Path) -> asyncssh.SSHKey:
    """The server's key, in the stage's folder for its owner only; made at the first start. Raises OSError."""
    path = folder / "ssh_host_key"
    try:
        return asyncssh.import_private_key(path.read_bytes())
    except FileNotFoundError:
        key = asyncssh.generate_private_key("ssh-ed25519")
    descriptor, name = tempfile.mkstemp(dir=folder)  # for its owner only, from the start
    with open(descriptor, "wb") as file:
        file.write(key.export_private_key())
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
    return key


class SftpThread:
    """Serves a listening socket until `stop`. `key` is the server's."""

    def __init__(
        self, listener: socket.socket, key: asyncssh.SSHKey, desks: Desks, users: Users, language: str
    ) -> None:
        self._listener = listener
        self._key = key
        self._desks = desks
        self._users = users
        self._language = language
        self._throttle = Throttle(GUESSES, GUESS_SECONDS)
        self._is_to_stop = False
        self._end: Callable[[], object] | None = None  # what wakes `run`

    def run(self) -> None:
        """Serve."""
        asyncio.run(self._serve())

    def stop(self) -> None:
        """Let `run` return soon; connections end. From any thread."""
        self._is_to_stop = True
        if self._end is not None:
            with contextlib.suppress(RuntimeError):  # it has ended
                self._end()

    async def _serve(self) -> None:
        stopped = asyncio.Event()
        self._end = functools.partial(asyncio.get_running_loop().call_soon_threadsafe, stopped.set)
        one_at_a_time = asyncio.Lock()  # argon2 takes 64 MiB each time
        acceptor = await asyncssh.create_server(
            lambda: _Server(self._users, self._throttle, one_at_a_time),
            sock=self._listener,
            server_host_keys=[self._key],
            sftp_factory=lambda channel: _Files(channel, self._desks, self._language),
            allow_scp=False,
            agent_forwarding=False,
            x11_forwarding=False,
            login_timeout=60,
        )
        async with acceptor:
            if not self._is_to_stop:
                await stopped.wait()


class _Server(asyncssh.SSHServer):
    """Who may log in."""

    def __init__(self, users: Users, throttle: Throttle, one_at_a_time: asyncio.Lock) -> None:
        self._users = users
        self._throttle = throttle
        self._one_at_a_time = one_at_a_time

    def password_auth_supported(self) -> bool:
        """By password, and in no other way."""
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        """Whether a King user has this password."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._verify, username, password)

    def _verify(self, name: str, password: str) -> bool:
        if self._throttle.wait(name) > 0:
            return False
        account = self._users.account(name)
        if self._users.verify(name, password) and account is not None and account.role == "king":
            return True
        self._throttle.failed(name)
        return False


class _Writing:
    """A file on its way in. Looks like an `Upload` to the inbox; pieces may come in any order."""

    def __init__(self, inbox: Inbox, place: Place, condition: Condition) -> None:
        self.place = place
        self.condition = condition
        self.size = 0
        self._limit = inbox.size_limit
        self._lock = threading.Lock()  # held for every use of the file
        with allowed():
            descriptor, name = tempfile.mkstemp(dir=inbox.incoming)
        self._file = os.fdopen(descriptor, "w+b")
        self.has_failed = False
        self._path: Path | None = Path(name)

    def write(self, offset: int, data: bytes) -> int:
        """Put a piece in its place. Raises TooLargeError, OSError."""
        with self._lock:
            if offset + len(data) > self._limit:
                raise failures.TooLargeError
            self._file.seek(offset)
            self._file.write(data)
            self.size = max(self.size, offset + len(data))
            return len(data)

    def sync(self) -> None:
        """Make durable what was written. Raises OSError."""
        with self._lock:
            self._file.flush()
            os.fsync(self._file.fileno())

    def finish(self) -> Received:
        """The file is complete. Raises OSError."""
        self.sync()
        with self._lock:
            assert self._path is not None
            self._file.seek(0)
            sha256 = hashlib.file_digest(self._file, "sha256").hexdigest()
            status = os.fstat(self._file.fileno())
            self._file.close()
            return Received(self._path, status.st_size, sha256, status.st_mtime_ns)

    def given_away(self) -> None:
        """The finished file is the inbox's now."""
        self._path = None

    def discard(self) -> None:
        """Leave nothing behind. Harmless after the file was given away."""
        with self._lock:
            self._file.close()
            if self._path is not None:
                self._path.unlink(missing_ok=True)
                self._path = None


def _explained(method: Callable[_P, Any]) -> Callable[_P, Any]:
    """Say refusals of the inbox in the words of SFTP."""

    @functools.wraps(method)
    async def explaining(*args: _P.args, **kwargs: _P.kwargs) -> Any:
        files: Any = args[0]
        try:
            return await method(*args, **kwargs)
        except failures.NotThereError as failure:
            raise SFTPNoSuchFile(files.why(failure)) from None
        except failures.NoParentError as failure:
            raise SFTPNoSuchFile(files.why(failure)) from None
        except (
            failures.NameRefusedError,
            failures.NoRightsError,
            failures.OutsideInboxError,
            failures.TooDeepError,
        ) as failure:
            raise SFTPPermissionDenied(files.why(failure)) from None
        except failures.InboxError as failure:
            raise SFTPFailure(files.why(failure)) from None
        except OSError as error:
            full = error.errno in {errno.ENOSPC, errno.EDQUOT}
            raise SFTPFailure(files.say("disk_full") if full else str(error.strerror)) from None

    return explaining


class _Files(asyncssh.SFTPServer):
    """One session: requests in, calls to `Inbox`, answers out. asyncssh lets each request wait for the one before."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], desks: Desks, language: str) -> None:
        super().__init__(channel)
        self._desks = desks
        self._language = language
        self._user = str(channel.get_extra_info("username"))
        self._desk: Desk | None = None

    def say(self, key: str, **values: object) -> str:
        """A sentence in the language of the stage."""
        return say(self._language, key, **values)

    def why(self, failure: failures.InboxError) -> str:
        """A refusal as a sentence."""
        limit = self._desk.inbox.size_limit // 1024**2 if self._desk else 0
        return self.say(type(failure).__name__, name=failure.name or ROOT, limit=limit)

    async def _inbox(self) -> Inbox:
        if self._desk is None:
            self._desk = await asyncio.to_thread(self._desks.of, self._user)
        return self._desk.inbox

    # Names

    def realpath(self, path: bytes) -> bytes:
        """An absolute path of what is meant; one begins in the inbox."""
        parts: list[bytes] = [] if path.startswith(b"/") else [ROOT.encode()]
        for part in path.split(b"/"):
            if part == b"..":
                del parts[-1:]
            elif part not in {b"", b"."}:
                parts.append(part)
        return b"/" + b"/".join(parts)

    def _place(self, path: bytes) -> Place | None:
        """The place in the inbox that a path names; None for the folder above it. Raises InboxError."""
        absolute = self.realpath(path)
        if absolute == b"/":
            return None
        try:
            first, *names = absolute[1:].decode("utf-8").split("/")
        except UnicodeDecodeError:
            raise failures.NameRefusedError from None
        if first != ROOT:
            raise failures.NotThereError(first)
        return tuple(names)

    def _place_inside(self, path: bytes) -> Place:
        place = self._place(path)
        if not place:
            raise failures.IsFolderError
        return place

    # Looking

    @_explained
    async def stat(self, path: bytes) -> SFTPAttrs:
        """What lies there."""
        place = self._place(path)
        if place is None:
            return _attributes(Folder((), 0.0))
        return _attributes(await asyncio.to_thread((await self._inbox()).find, place))

    @_explained
    async def lstat(self, path: bytes) -> SFTPAttrs:
        """There are no links."""
        return await self.stat(path)  # type: ignore[no-any-return]

    async def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        """What is in a folder."""
        for name in await self._names(path):
            yield name

    @_explained
    async def _names(self, path: bytes) -> list[SFTPName]:
        place = self._place(path)
        here = [SFTPName(name, attrs=_attributes(Folder((), 0.0))) for name in (b".", b"..")]
        if place is None:
            return [*here, SFTPName(ROOT.encode(), attrs=_attributes(Folder((), 0.0)))]
        children = await asyncio.to_thread((await self._inbox()).children, place)
        return [*here, *(SFTPName(child.place[-1].encode(), attrs=_attributes(child)) for child in children)]

    # Files

    @_explained
    async def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> object:
        """Open a file to read it, or to write it anew from its beginning."""
        del attrs
        place, inbox = self._place_inside(path), await self._inbox()
        if not pflags & FXF_WRITE:
            return (await asyncio.to_thread(inbox.open, place))[1]
        there = await asyncio.to_thread(_found, inbox, place)
        if there is not None and pflags & FXF_EXCL:
            raise failures.AlreadyThereError("/".join(place))
        if isinstance(there, Folder):
            raise failures.IsFolderError("/".join(place))
        if there is None and not pflags & FXF_CREAT:
            raise failures.NotThereError("/".join(place))
        if there is not None and (pflags & FXF_APPEND or not pflags & FXF_TRUNC):
            raise failures.AlreadyThereError("/".join(place))  # nothing is added to a document: it comes whole
        if len(place) > 1 and not isinstance(await asyncio.to_thread(_found, inbox, place[:-1]), Folder):
            raise failures.NoParentError("/".join(place))
        condition = Condition(if_none_match="*") if pflags & FXF_EXCL else NO_CONDITION
        return await asyncio.to_thread(_Writing, inbox, place, condition)

    @_explained
    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Read a piece."""
        if isinstance(file_obj, _Writing):
            raise SFTPPermissionDenied("write only")
        assert hasattr(file_obj, "fileno")
        return await asyncio.to_thread(_read, file_obj, offset, size)  # type: ignore[arg-type]

    @_explained
    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Write a piece."""
        if not isinstance(file_obj, _Writing):
            raise SFTPPermissionDenied("read only")
        try:
            return await asyncio.to_thread(file_obj.write, offset, data)
        except BaseException:
            file_obj.has_failed = True
            raise

    @_explained
    async def close(self, file_obj: object) -> None:
        """Give a written file its name, if the client says that it is done; a connection that breaks off does not."""
        # At the end of a session, however it came, asyncssh closes what is left while it handles that end.
        is_over = sys.exception() is not None or self.channel.is_closing() or self.connection.is_closed()
        if not isinstance(file_obj, _Writing):
            await asyncio.to_thread(file_obj.close)  # type: ignore[attr-defined]
            return
        try:
            if file_obj.has_failed:
                raise SFTPFailure(self.say("not_whole"))
            if not is_over:
                inbox = await self._inbox()
                await asyncio.to_thread(inbox.keep, file_obj, file_obj.place, file_obj.condition)
        finally:
            await asyncio.to_thread(file_obj.discard)

    @_explained
    async def fstat(self, file_obj: object) -> SFTPAttrs:
        """How large an open file is."""
        if isinstance(file_obj, _Writing):
            return SFTPAttrs(size=file_obj.size, permissions=stat.S_IFREG | 0o600)
        status = os.fstat(file_obj.fileno())  # type: ignore[attr-defined]
        return SFTPAttrs(size=status.st_size, permissions=stat.S_IFREG | 0o600, mtime=int(status.st_mtime))

    @_explained
    async def fsync(self, file_obj: object) -> None:
        """Make durable what was written."""
        if isinstance(file_obj, _Writing):
            await asyncio.to_thread(file_obj.sync)

    @_explained
    async def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Times and modes are accepted and forgotten."""
        if attrs.size is not None:
            raise SFTPOpUnsupported("a document is not cut")
        await self.stat(path)

    async def lsetstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """The same."""
        await self.setstat(path, attrs)

    async def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:
        """The same."""
        del file_obj
        if attrs.size is not None:
            raise SFTPOpUnsupported("a document is not cut")

    # Changing

    @_explained
    async def remove(self, path: bytes) -> None:
        """Remove a document."""
        place, inbox = self._place_inside(path), await self._inbox()
        if isinstance(await asyncio.to_thread(inbox.find, place), Folder):
            raise failures.IsFolderError("/".join(place))
        await asyncio.to_thread(inbox.delete, place)

    @_explained
    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename, never over another."""
        await self._move(oldpath, newpath, overwrite=False)

    @_explained
    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename, over another if there is one."""
        await self._move(oldpath, newpath, overwrite=True)

    async def _move(self, oldpath: bytes, newpath: bytes, *, overwrite: bool) -> None:
        source, target = self._place_inside(oldpath), self._place_inside(newpath)
        move = functools.partial((await self._inbox()).move, source, target, overwrite=overwrite)
        await asyncio.to_thread(move)

    @_explained
    async def mkdir(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Make a folder."""
        del attrs
        place = self._place_inside(path)
        await asyncio.to_thread((await self._inbox()).make_folder, place)

    @_explained
    async def rmdir(self, path: bytes) -> None:
        """Remove an empty folder."""
        place, inbox = self._place_inside(path), await self._inbox()
        if not isinstance(await asyncio.to_thread(inbox.find, place), Folder):
            raise failures.NotThereError("/".join(place))
        await asyncio.to_thread(inbox.delete, place)

    # What there is not: links, locks, numbers about the disk, newer versions of the protocol

    async def _refuse(self, *_asked: object) -> NoReturn:
        raise SFTPOpUnsupported("not offered here")

    readlink = symlink = link = lock = unlock = statvfs = fstatvfs = open56 = _refuse  # type: ignore[assignment]


def _found(inbox: Inbox, place: Place) -> Document | Folder | None:
    try:
        return inbox.find(place)
    except failures.NotThereError:
        return None


def _read(file: BinaryIO, offset: int, size: int) -> bytes:
    return os.pread(file.fileno(), size, offset) if hasattr(os, "pread") else _read_slowly(file, offset, size)


def _read_slowly(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)


def _attributes(entry: Document | Folder) -> SFTPAttrs:
    if isinstance(entry, Folder):
        return SFTPAttrs(permissions=stat.S_IFDIR | 0o700, mtime=int(entry.modified_at), atime=int(entry.modified_at))
    return SFTPAttrs(
        size=entry.size,
        permissions=stat.S_IFREG | 0o600,
        mtime=int(entry.modified_at),
        atime=int(entry.modified_at),
    )
