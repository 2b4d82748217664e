"""SFTP over asyncssh (protocol version 3): write under a temporary name, lstat to verify, plain rename to publish.

The only module that imports asyncssh, which takes 0.9 s: it is imported when an `sftp://` address is first used. One
connection for one worker; a thread beside it runs the connection, so that keep-alives are answered while nothing is to
be done and a connection that died is made anew instead of being found dead by the next document.

Addresses: `sftp://host/inbox` is /inbox as the server shows it; `sftp://host/~/inbox` lies in the folder into which
the login leads; `sftp://host/` is that folder itself (most servers show none above it), and `sftp://host//` the root.

What renaming does (it should fail on a name that is taken; version 3 leaves it to the server, and some overwrite). So
`publish` looks first, right before it, at the price of a round trip: no banner tells what stands behind OpenSSH's.
- OpenSSH's sftp-server, read and tried: link, then unlink, so it fails if the name exists, whoever else wants it. Where
  the file system has no hard links it looks first and renames then: safe against what was there before, not against
  another client in the same moment. Both names show for a moment between link and unlink. Its answer to a taken name is
  FAILURE, as to much else: who hears that looks at both names to tell. `posix-rename@openssh.com` overwrites; only
  `replace` uses it.
- asyncssh's server looks first and renames then.
- Others (some on Windows or on an object store) overwrite: there our look is all that protects what has the name, and
  not against another client in the same moment. `overwrites` finds out, for `ingisfs check`.

Version 3 knows no reason behind FAILURE: a full disk, a quota and an I/O error read alike, and are tried again. An OK
proves little: asyncssh's server says it of a write that the full disk cut off. Only the size that `entry` tells counts.

With `agent`, the key is with an SSH agent (SSH_AUTH_SOCK; Pageant or OpenSSH's on Windows), and only asked for when
logging in. Of several keys in it, the one counts whose public half is `key_file`: servers count each key as a try.

A log-in that fails was one try at the server: the password goes out once, by `password` if the server takes it so, else
by `keyboard-interactive`; with a key, only the key is offered, and the password is its passphrase.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import stat
import threading
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncssh

from ingisfs import __version__
from ingisfs.delivery.failures import (
    CannotRenameError,
    DeliveryError,
    DocumentRefusedError,
    DoubtError,
    NameExistsError,
    TargetNeedsPersonError,
    TargetReason,
    TransientError,
    UnreachableError,
)
from ingisfs.delivery.server import Entry, document_of, folder_of

LOGIN, ANSWER = 30.0, 60.0  # s; ANSWER is for one operation, beside the time its bytes may take
SLOWEST = 16 * 1024  # bytes in a second below which a transfer is given up
KEEPALIVE, SILENCES = 30.0, 3  # s; the connection is given up after so many keep-alives without an answer
IN_FLIGHT = 2 * 2**20  # bytes of one document that wait for an answer at a time
NAME_BYTES = 255  # of one name on almost every server

# Kinds of host key, asked for one after the other until the pinned one shows: a server has several.
_KINDS: tuple[tuple[str, ...], ...] = (
    (),  # what server and client prefer
    ("ssh-ed25519",),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    ("rsa-sha2-512", "rsa-sha2-256"),
)

# The connection is of no use any more, and what was sent last may or may not have been done.
_LOST = (OSError, asyncssh.DisconnectError, asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost)
# How a server without a host key of the kind that was asked for ends the connection.
_NO_SUCH_KEY = (asyncssh.KeyExchangeFailed, asyncssh.ConnectionLost, ConnectionError)
_TOLD = (asyncssh.Error, OSError, ValueError)  # all that asyncssh raises

Key = asyncssh.SSHKey | asyncssh.SSHKeyPair
T = TypeVar("T")

asyncssh.set_log_level(logging.WARNING)


class SftpServer:
    """An inbox folder on an SFTP server. See `Server` for the contract."""

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        *,
        host_key: str = "",
        key_file: Path | None = None,
        agent: bool = False,
        timeout: float = ANSWER,
    ) -> None:
        """Talk to the folder at `url`; nothing is sent yet.

        `host_key` is the fingerprint that the server must show, as `ssh-keygen -l` writes it. `password` opens
        `key_file`, if there is one. `agent`: the private key is with an SSH agent, and `key_file`, if there is one, has
        its public half. `timeout` in seconds.
        """
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 22
        self._folder = folder_of(url)
        self._user = user
        self._password = password
        self._pin = host_key.strip().rstrip("=")
        self._kinds = list(_KINDS)
        self._key_file = key_file
        self._agent = agent
        self._key: asyncssh.SSHKey | None = None
        self._timeout = timeout
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._connection: asyncssh.SSHClientConnection | None = None
        self._sftp: asyncssh.SFTPClient | None = None

    # ---- the contract --------------------------------------------------------------------------------------------

    def ping(self) -> None:
        """See `Server.ping`."""
        found = self._ask(f"look for {self._folder}", lambda sftp: sftp.stat(self._path("")))
        if not _is_folder(found):
            raise TargetNeedsPersonError(TargetReason.FOLDER_MISSING, f"{self._folder} is not a folder")

    def put(self, name: str, data: bytes) -> None:
        """See `Server.put`. Two round trips: open, then all pieces and the close together.

        A server does what concerns one file in the order in which it was asked (draft-ietf-secsh-filexfer-02, 6.1).
        """
        self._store(name, data, asyncssh.FXF_EXCL)

    def _store(self, name: str, data: bytes, how: int) -> None:
        async def store(sftp: asyncssh.SFTPClient) -> None:
            # No block size: asyncssh cuts nothing up, and sends each piece at once instead of behind our close.
            file = await sftp.open(
                self._path(name), asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | how, encoding=None, block_size=0
            )
            piece = max(1, min(sftp.limits.max_write_len, IN_FLIGHT))
            at_once = max(1, IN_FLIGHT // piece) * piece
            for start in range(0, max(len(data), 1), at_once):
                end = min(start + at_once, len(data))
                sent: list[Awaitable[object]] = [
                    file.write(data[at : min(at + piece, end)], at) for at in range(start, end, piece)
                ]
                if end == len(data):
                    sent.append(file.close())
                for answer in await asyncio.gather(*sent, return_exceptions=True):
                    if isinstance(answer, BaseException):
                        with suppress(*_TOLD):
                            await file.close()
                        raise answer

        self._ask(f"write into {self._parent(name)}", store, len(data))

    def publish(self, temporary: str, final: str) -> None:
        """See `Server.publish`."""
        self._run(self._rename(temporary, final, over=False))

    def replace(self, temporary: str, final: str) -> None:
        """See `Server.replace`. Without OpenSSH's posix-rename a server can only if its plain rename overwrites.

        Nothing but ours is ever removed.
        """
        self._run(self._rename(temporary, final, over=True))

    def overwrites(self, temporary: str, taken: str) -> bool:
        """Tell whether the server itself would take away what has a name. Both files are ours, and may be lost."""
        try:
            self._ask("rename", lambda sftp: sftp.rename(self._path(temporary), self._path(taken)))
        except DeliveryError:
            return False
        return True

    def create(self, final: str, data: bytes, *, over: bool = False) -> None:
        """See `Server.create`. Looks first, so that there is a connection and what fails behind it is in doubt."""
        there = self.entry(final)
        if there is not None and not over:
            raise NameExistsError(final)
        try:
            self._store(final, data, asyncssh.FXF_TRUNC if over else asyncssh.FXF_EXCL)
        except TransientError as error:
            raise DoubtError(str(error)) from None

    def entry(self, name: str) -> Entry | None:
        """See `Server.entry`."""
        found = self._if_there(f"look into {self._parent(name)}", lambda sftp: sftp.lstat(self._path(name)))
        return None if found is None else _entry(found)

    def entries(self, folder: str) -> dict[str, Entry]:
        """See `Server.entries`."""
        found = self._ask(f"list {_text(self._path(folder))}", lambda sftp: sftp.readdir(self._path(folder)))
        files = {_text(item.filename): item.attrs for item in found if not _is_folder(item.attrs)}
        return {name: _entry(attributes) for name, attributes in files.items() if attributes.size is not None}

    def names(self, folder: str) -> set[str]:
        """See `Server.names`."""
        return set(self.entries(folder))

    @property
    def lists_sizes(self) -> bool:
        """See `Server.lists_sizes`."""
        return True

    def get(self, name: str) -> bytes | None:
        """See `Server.get`. What is no file has no bytes, but the name is taken all the same."""
        doing = f"read in {self._parent(name)}"
        there = self._if_there(doing, lambda sftp: sftp.stat(self._path(name)))
        if there is None or _is_folder(there):
            return None if there is None else b""

        async def fetch(sftp: asyncssh.SFTPClient) -> bytes:
            async with sftp.open(self._path(name), asyncssh.FXF_READ, encoding=None) as file:
                content = await file.read()
                assert isinstance(content, bytes)  # no encoding: no str
                return content

        return self._if_there(doing, fetch, there.size or 0)

    def remove(self, name: str) -> None:
        """See `Server.remove`."""
        if document_of(name) is None:
            raise ValueError(f"{name} is not ours to remove")
        self._if_there(f"remove from {self._parent(name)}", lambda sftp: sftp.remove(self._path(name)))

    def close(self) -> None:
        """See `Server.close`."""
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    # ---- one operation -------------------------------------------------------------------------------------------

    def _path(self, name: str) -> bytes:
        folder = "" if self._folder == "." else self._folder.rstrip("/") + "/"
        return (folder + name).encode() if name else self._folder.encode()

    def _parent(self, name: str) -> str:
        return self._path(name.rpartition("/")[0]).decode()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Have the thread of the connection do something, and wait for it."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            name = f"{threading.current_thread().name}-sftp"
            self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
            self._thread.start()
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _ask(self, doing: str, work: Callable[[asyncssh.SFTPClient], Awaitable[T]], size: int = 0) -> T:
        """Do one thing on the connection; `size` is what it moves, in bytes. Raises DeliveryError."""

        async def ask() -> T:
            sftp = await self._connected()
            try:
                return await self._timely(work(sftp), size)
            except _TOLD as error:
                raise failure(error, doing) from None

        return self._run(ask())

    def _if_there(self, doing: str, work: Callable[[asyncssh.SFTPClient], Awaitable[T]], size: int = 0) -> T | None:
        """Do the same with a file that need not be there; None if it is not."""

        async def unless_gone(sftp: asyncssh.SFTPClient) -> T | None:
            try:
                return await work(sftp)
            except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
                return None

        return self._ask(doing, unless_gone, size)

    async def _timely(self, work: Awaitable[T], size: int = 0) -> T:
        """Wait for one operation, and let go of the connection if it is of no use after it."""
        task = asyncio.ensure_future(work)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._timeout + size / SLOWEST)
            if not done:
                # First: what is cancelled would close its folder or file, and wait for the same silent server.
                await self._hang_up()
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                raise TimeoutError
            return task.result()
        except _LOST:
            await self._hang_up()
            raise

    async def _rename(self, temporary: str, final: str, *, over: bool) -> None:
        sftp = await self._connected()
        old, new = self._path(temporary), self._path(final)
        if not over:
            await self._look(sftp, old, new)
        try:
            await self._timely(_replace(sftp, old, new) if over else sftp.rename(old, new))
        except _LOST as error:
            raise DoubtError(_line(error, "rename")) from None
        except asyncssh.SFTPError as error:
            raise await self._why_not(error, sftp, old, new, over=over) from None
        except _TOLD as error:
            raise DoubtError(_line(error, "rename")) from None

    async def _look(self, sftp: asyncssh.SFTPClient, old: bytes, new: bytes) -> None:
        """Make sure that a name is free. Raises as `publish`, and then nothing was renamed."""
        try:
            await self._timely(sftp.lstat(new))
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            return
        except asyncssh.SFTPError as error:
            if isinstance(error, _LOST):
                raise failure(error, "rename") from None
            raise await self._why_not(error, sftp, old, new, over=False) from None
        except _TOLD as error:
            raise failure(error, "rename") from None
        taken = asyncssh.SFTPFailure("the name is taken")
        raise await self._why_not(taken, sftp, old, new, over=False)

    async def _why_not(
        self, error: asyncssh.SFTPError, sftp: asyncssh.SFTPClient, old: bytes, new: bytes, *, over: bool
    ) -> DeliveryError:
        """Return what a "no" to a rename means, by what lies under both names after it."""
        line = _line(error, "rename")
        looks = asyncio.gather(sftp.lstat(old), sftp.lstat(new), return_exceptions=True)
        try:
            ours, taken = [isinstance(found, asyncssh.SFTPAttrs) for found in await self._timely(looks)]
        except _TOLD as silence:
            return DoubtError(f"{line}; {_line(silence, 'lstat')}")
        final = _text(new).rpartition("/")[2]
        # One row for each: the first that fits.
        if not ours:  # gone, or not to be seen: perhaps an earlier rename, whose answer was lost, took it
            return DoubtError(line)
        if over and isinstance(error, asyncssh.SFTPOpUnsupported):
            return DocumentRefusedError(f"{line}; {final} is there in an earlier version and cannot be replaced")
        if taken and not over:
            return NameExistsError(final)
        if isinstance(error, asyncssh.SFTPOpUnsupported):
            return CannotRenameError(line)
        match error:
            case asyncssh.SFTPNoSuchFile() | asyncssh.SFTPNoSuchPath() | asyncssh.SFTPNotADirectory():
                return failure(error, f"rename into {_text(new).rpartition('/')[0]}")
            case asyncssh.SFTPPermissionDenied() | asyncssh.SFTPWriteProtect():
                return failure(error, "rename")
            case asyncssh.SFTPBadMessage() | asyncssh.SFTPInvalidFilename() | asyncssh.SFTPInvalidParameter():
                return DocumentRefusedError(f"{line}: {final}")
        if len(final.encode()) > NAME_BYTES:
            return DocumentRefusedError(f"{line}; the name has more than {NAME_BYTES} bytes: {final}")
        return DoubtError(line)

    # ---- the connection ------------------------------------------------------------------------------------------

    async def _connected(self) -> asyncssh.SFTPClient:
        """Return the connection, made anew if it is gone. Raises DeliveryError."""
        if self._sftp is not None and self._connection is not None and not self._connection.is_closed():
            return self._sftp
        await self._hang_up()
        try:
            return await self._made()
        except DeliveryError as error:
            error.crowded = True
            raise

    async def _made(self) -> asyncssh.SFTPClient:
        self._connection = await self._log_in()
        try:
            async with asyncio.timeout(LOGIN):
                # Version 3: later ones have a rename that overwrites. Names as bytes: strangers' need not be UTF-8.
                self._sftp = await self._connection.start_sftp_client(path_encoding=None, sftp_version=3)
        except asyncssh.SFTPBadMessage as error:  # a greeting, or "this account is not available"
            await self._hang_up()
            raise TargetNeedsPersonError(TargetReason.UNKNOWN, _line(error, "no SFTP for this user")) from None
        except _TOLD as error:
            await self._hang_up()
            raise failure(error, "start SFTP") from None
        return self._sftp

    async def _log_in(self) -> asyncssh.SSHClientConnection:
        if self._agent:
            async with _agent() as agent:
                return await self._log_in_with(await _key_of(agent, self._key_file))
        if self._key is None and self._key_file is not None:
            self._key = read_key(self._key_file, self._password)
        return await self._log_in_with(self._key)

    async def _log_in_with(self, key: Key | None) -> asyncssh.SSHClientConnection:
        shown: dict[str, str] = {}  # fingerprint → kind of key
        for kinds in self._kinds:
            if set(kinds) & set(shown.values()):
                continue
            client = _Client(self._pin, None if key else self._password, key)
            try:
                connection = await self._connect(client, kinds)
            except asyncssh.HostKeyNotVerifiable as error:
                if client.shown is None:
                    raise TargetNeedsPersonError(TargetReason.HOST_KEY, str(error)) from None
                shown[client.shown.get_fingerprint()] = client.shown.get_algorithm()
                if not self._pin:
                    break
            except _TOLD as error:
                if shown and not client.tried and isinstance(error, _NO_SUCH_KEY):
                    continue
                doing = client.tried or "connect"
                if isinstance(error, asyncssh.PermissionDenied) and not client.tried:
                    doing = f"log in: the server takes no {'key' if key else 'password'}"
                raise failure(error, doing, logging_in=client.waiting) from None
            else:
                self._kinds.remove(kinds)
                self._kinds.insert(0, kinds)
                return connection
        seen = ", ".join(f"{fingerprint} ({kind})" for fingerprint, kind in shown.items())
        pinned = f"host_key is {self._pin}" if self._pin else "host_key is not set"
        raise TargetNeedsPersonError(TargetReason.HOST_KEY, f"{pinned}; the server shows {seen}")

    async def _connect(self, client: _Client, kinds: tuple[str, ...]) -> asyncssh.SSHClientConnection:
        async with asyncio.timeout(LOGIN):
            return await asyncssh.connect(
                self._host,
                self._port,
                config=None,  # nothing of ~/.ssh counts: no configuration, no known hosts, no keys
                client_factory=lambda: client,
                client_version=f"ingisfs_{__version__}",
                known_hosts=([], [], []),
                x509_trusted_certs=None,
                x509_trusted_cert_paths=[],
                server_host_key_algs=kinds,
                username=self._user,
                client_keys=None,
                agent_path=None,  # see `_agent`
                gss_host=None,
                preferred_auth=["publickey"] if client.with_key else ["password", "keyboard-interactive"],
                login_timeout=0,  # ours tells a silence from a refusal
                keepalive_interval=KEEPALIVE,
                keepalive_count_max=SILENCES,
            )

    async def _hang_up(self) -> None:
        connection, self._connection, self._sftp = self._connection, None, None
        if connection is not None:
            connection.abort()
            await connection.wait_closed()
            await asyncio.sleep(0)  # the transport closes its socket in the loop's next round

    async def _end(self) -> None:
        await self._hang_up()
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=1)


class _Client(asyncssh.SSHClient):
    """One log-in: shows the password or the key once, and trusts the pinned host key only."""

    def __init__(self, pin: str, password: str | None, key: Key | None) -> None:
        self.with_key = key is not None
        self._pin = pin
        self._password = password
        self._key = key
        self.shown: asyncssh.SSHKey | None = None  # the server's
        self.tried = ""  # how we tried to log in, last
        self.waiting = False  # password or key are out, and the server has not said yes

    def validate_host_public_key(self, _host: str, _addr: str, _port: int, key: asyncssh.SSHKey) -> bool:
        self.shown = key
        return key.get_fingerprint() == self._pin

    def public_key_auth_requested(self) -> Key | None:
        key, self._key = self._key, None
        if key is not None:
            self._try(f"log in with the key {_fingerprint(key)}")
        return key

    def password_auth_requested(self) -> str | None:
        return self._once("password")

    def password_change_requested(self, _prompt: str, _lang: str) -> tuple[str, str]:
        self._try("log in: the password has expired")
        return NotImplemented  # type: ignore[no-any-return]  # so asyncssh has it

    def kbdint_auth_requested(self) -> str | None:
        return None if self._password is None else ""

    def kbdint_challenge_received(
        self, _name: str, _instructions: str, _lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str] | None:
        if not prompts:
            return []  # a mere message
        if len(prompts) > 1 or prompts[0][1]:
            return None  # asks for more than a password
        password = self._once("keyboard-interactive")
        return None if password is None else [password]

    def auth_completed(self) -> None:
        self.waiting = False

    def _once(self, method: str) -> str | None:
        password, self._password = self._password, None
        if password is not None:
            self._try(f"log in by {method}")
        return password

    def _try(self, how: str) -> None:
        self.tried, self.waiting = how, True


async def _replace(sftp: asyncssh.SFTPClient, old: bytes, new: bytes) -> None:
    try:
        await sftp.posix_rename(old, new)
    except asyncssh.SFTPOpUnsupported as unsupported:
        try:
            await sftp.rename(old, new)
        except asyncssh.SFTPError as error:
            raise error if isinstance(error, _LOST) else unsupported from None


@asynccontextmanager
async def _agent() -> AsyncIterator[asyncssh.SSHAgentClient]:
    """Be connected with the user's SSH agent. Raises TargetNeedsPersonError if there is none."""
    try:
        agent = await asyncssh.connect_agent()
    except (OSError, asyncssh.Error) as error:
        detail = f"agent: no SSH agent answers ({error}); start one, or log in with a key_file or a password instead"
        raise TargetNeedsPersonError(TargetReason.LOGIN, detail) from None
    try:
        yield agent
    finally:
        agent.close()
        await agent.wait_closed()


async def _key_of(agent: asyncssh.SSHAgentClient, path: Path | None) -> asyncssh.SSHKeyPair:
    """Return the one key to log in with: that whose public half is in a file, or the only one.

    Raises TargetNeedsPersonError, with what to do.
    """
    wanted = None if path is None else _read_public_key(path)
    try:
        keys = await agent.get_keys()
    except (OSError, ValueError, asyncssh.Error) as error:
        raise TargetNeedsPersonError(TargetReason.LOGIN, f"agent: {error}") from None
    found = [key for key in keys if wanted is None or key.key_public_data == wanted.public_data]
    if len(found) == 1:
        return found[0]
    if wanted is not None:
        problem = f"has not got the key {wanted.get_fingerprint()} of key_file; add it with ssh-add"
    elif keys:
        problem = f"has {len(keys)} keys; set key_file to the public half of one: {', '.join(map(_fingerprint, keys))}"
    else:
        problem = "has no key, or is locked; add one with ssh-add"
    raise TargetNeedsPersonError(TargetReason.LOGIN, f"agent: it {problem}")


def _read_public_key(path: Path) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_public_key(path.read_bytes())
    except OSError as error:
        hint = f"cannot be read: {error.strerror}"
    except asyncssh.KeyImportError:
        hint = "is no public key; where the agent has the key, it names the public half (.pub)"
    raise TargetNeedsPersonError(TargetReason.LOGIN, f"key_file {path} {hint}")


def _fingerprint(key: Key) -> str:
    """Return it as `ssh-keygen -l` and `ssh-add -l` write it."""
    data = key.public_data if isinstance(key, asyncssh.SSHKey) else key.key_public_data
    return f"SHA256:{base64.b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')}"


def read_key(path: Path, passphrase: str) -> asyncssh.SSHKey:
    """Return the private key in a file. Raises TargetNeedsPersonError, with what to do."""
    try:
        content = path.read_bytes()
        if content.startswith(b"PuTTY-User-Key-File-"):
            hint = "is a PuTTY key; in PuTTYgen choose Conversions, Export OpenSSH key, and set key_file to that file"
        elif content.startswith((b"ssh-", b"ecdsa-", b"---- BEGIN SSH2 PUBLIC")):
            hint = "is the public half; set key_file to the private one"
        else:
            return asyncssh.import_private_key(content, passphrase or None)
    except OSError as error:
        hint = f"cannot be read: {error.strerror}"
    except (asyncssh.KeyEncryptionError, asyncssh.KeyImportError) as error:
        if not passphrase and "passphrase" in str(error).lower():
            hint = "needs its passphrase as the password"
        elif isinstance(error, asyncssh.KeyEncryptionError) or "decrypt" in str(error):
            hint = f"is not opened by the password: {error}"
        else:
            hint = f"is no key: {error}"
    raise TargetNeedsPersonError(TargetReason.LOGIN, f"key_file {path} {hint}")


def failure(error: Exception, doing: str, *, logging_in: bool = False) -> DeliveryError:
    """Return what went wrong with all but a rename that was sent. One row a kind; the last line for the rest.

    `logging_in`: password or key were out, without an answer yet. Whoever hangs up then has refused them: taken for a
    mere loss, it would be tried again and again, until the account is locked.
    """
    line = _line(error, doing)
    match error:
        case asyncssh.PermissionDenied() | asyncssh.IllegalUserName():
            return TargetNeedsPersonError(TargetReason.LOGIN, line)
        case asyncssh.DisconnectError() if error.code == asyncssh.DISC_TOO_MANY_CONNECTIONS:
            return UnreachableError(line)
        case asyncssh.DisconnectError() | ConnectionError() if logging_in:
            return TargetNeedsPersonError(TargetReason.LOGIN, line)
        case asyncssh.KeyExchangeFailed() | asyncssh.ProtocolNotSupported():
            return TargetNeedsPersonError(TargetReason.UNKNOWN, line)
        case asyncssh.ChannelOpenError() if error.code != _RESOURCE_SHORTAGE:
            return TargetNeedsPersonError(TargetReason.UNKNOWN, line)  # a server, or a user, without SFTP
        case asyncssh.DisconnectError() | asyncssh.ChannelOpenError() | OSError():
            return UnreachableError(line)
        case asyncssh.SFTPNoSuchFile() | asyncssh.SFTPNoSuchPath() | asyncssh.SFTPNotADirectory():
            return TargetNeedsPersonError(TargetReason.FOLDER_MISSING, line)
        case asyncssh.SFTPPermissionDenied() | asyncssh.SFTPWriteProtect():
            return TargetNeedsPersonError(TargetReason.FORBIDDEN, line)
        case asyncssh.SFTPOpUnsupported():
            return TargetNeedsPersonError(TargetReason.UNKNOWN, line)
        case asyncssh.SFTPNoConnection() | asyncssh.SFTPConnectionLost() | asyncssh.SFTPNoMedia():
            return UnreachableError(line)
    # FAILURE among them: a full disk, a quota, a temporary name that exists. Each document waits for itself, longer
    # each time, and what was written of it is removed, which pausing the whole target would not do.
    return TransientError(line)


_RESOURCE_SHORTAGE = 4  # RFC 4254, 5.1


def _line(error: BaseException, doing: str) -> str:
    text = (str(error) or type(error).__name__)[:300]
    return f"{doing}: {text}"


def _text(name: bytes | str) -> str:
    return unicodedata.normalize("NFC", name if isinstance(name, str) else name.decode("utf-8", "replace"))


def _is_folder(attributes: asyncssh.SFTPAttrs) -> bool:
    return attributes.permissions is not None and stat.S_ISDIR(attributes.permissions)


def _entry(attributes: asyncssh.SFTPAttrs) -> Entry:
    """Return size and time of change; the time has no finer parts in version 3."""
    if attributes.size is None:
        raise TransientError("lstat: the server tells no size")
    if attributes.mtime is None:
        return Entry(attributes.size, "")
    return Entry(attributes.size, f"{attributes.mtime}.{attributes.mtime_ns or 0:09d}-{attributes.size}")


def host_keys(url: str) -> dict[str, str]:
    """Return the host keys that a server shows, the best kind first: fingerprint → kind. Nobody logs in.

    Raises TransientError, TargetNeedsPersonError.
    """
    parts = urlsplit(url)

    async def ask(kinds: Sequence[str]) -> asyncssh.SSHKey | None:
        async with asyncio.timeout(LOGIN):
            return await asyncssh.get_server_host_key(
                parts.hostname or "", parts.port or 22, server_host_key_algs=kinds, config=None
            )

    found: dict[str, str] = {}
    for kinds in _KINDS[1:]:
        try:
            key = asyncio.run(ask(kinds))
        except _TOLD as error:
            # A server without a key of this kind hangs up, like one that is not there.
            if isinstance(error, _NO_SUCH_KEY) and not isinstance(error, ConnectionRefusedError):
                continue
            raise failure(error, "connect") from None
        if key is not None:
            found[key.get_fingerprint()] = key.get_algorithm()
    if not found:
        raise TargetNeedsPersonError(TargetReason.HOST_KEY, "the server shows no host key of a kind that is safe today")
    return found
