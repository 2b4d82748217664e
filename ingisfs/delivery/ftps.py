"""FTPS over ftplib (RFC 959, 2228, 3659, 4217): STOR under a temporary name, MLST or SIZE to verify, RNFR and RNTO.

One connection for one worker; control and data both encrypted, the data's TLS session that of the control connection,
without which some servers refuse it. Passive mode only; the address in a server's answer to PASV is ignored, since
behind NAT it is wrong: data goes to where the control connection goes.

Addresses: `ftps://host/inbox` begins in the clear and turns to TLS before anything is said (AUTH TLS, port 21);
`ftps-implicit://host/inbox` is TLS from the first byte on (port 990, on which `ftps://` means the same). Folders as for
SFTP: `/inbox` as the server shows it, `/~/inbox` below where the login leads, `/` that folder itself, `//` the root.
`ftp://` encrypts nothing, and is refused unless the configuration says so in words (see config.UNENCRYPTED).

What renaming does: RNTO overwrites on most servers (vsftpd, pyftpdlib, ProFTPD as it comes), and FTP has no way to ask
that it does not. So `publish` looks at the final name in two ways, right before it: safe against what was
there, not against another client that takes the same name in the two round trips between. Names are ours alone.

What absence means: 550 is all that FTP has for "not there", "not now" and "not for you". A file counts as absent when
two different questions (MLST or SIZE, and RNFR, which only asks as long as no RNTO follows) are both answered so, and
its folder can be entered.

Servers without MLSD (vsftpd, IIS) list names only; the size of each file there is asked for by itself, only where it
matters. LIST, which is for people's eyes, is never read.
"""

from __future__ import annotations

import ftplib
import re
import socket
import ssl
import time
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar
from urllib.parse import urlsplit

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

LOGIN, ANSWER = 30.0, 60.0  # s; for one answer, and for one piece of what is transferred
RESTED = 10.0  # s without a command, after which the connection is tried before it is used
PIECE = 64 * 1024  # bytes
NAME_BYTES = 255  # of one name on almost every server
IMPLICIT_PORT = 990

# What each answer means, by its code: a kind of failure, or why the target needs a person. What is not here goes by its
# first digit. 550 is the folder's; where it can be another thing's, the folder is looked at first.
KINDS: Final[dict[str, type[DeliveryError] | TargetReason]] = {
    "120": UnreachableError,  # ready in some minutes
    "332": TargetReason.LOGIN,  # wants an account besides
    "421": UnreachableError,  # closing
    "425": UnreachableError,  # no data connection
    "426": TransientError,  # the data connection broke
    "430": TargetReason.LOGIN,
    "431": UnreachableError,  # security is not to be had now
    "434": UnreachableError,
    "450": TransientError,  # the file is busy
    "451": TransientError,
    "452": TransientError,  # full
    "500": TargetReason.UNKNOWN,
    "501": DocumentRefusedError,  # cannot be so named
    "502": TargetReason.UNKNOWN,
    "503": TransientError,  # out of order
    "504": TargetReason.UNKNOWN,
    "522": TargetReason.UNKNOWN,  # TLS on the data connection
    "530": TargetReason.LOGIN,
    "532": TargetReason.FORBIDDEN,  # wants an account for storing
    "533": TargetReason.UNKNOWN,
    "534": TargetReason.UNKNOWN,  # wants another kind of security
    "535": TargetReason.UNKNOWN,
    "536": TargetReason.UNKNOWN,
    "550": TargetReason.FOLDER_MISSING,
    "551": DocumentRefusedError,
    "552": TransientError,  # full, or a quota
    "553": DocumentRefusedError,  # name not allowed
}
_CLASSES: Final[dict[str, type[DeliveryError] | TargetReason]] = {"4": TransientError, "5": TargetReason.UNKNOWN}
_DENIED = re.compile(r"permission|denied|privilege|not allowed|forbidden|no access", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TOO_MANY = re.compile(r"maximum|too many", re.IGNORECASE)  # with 530, of connections

_ABSENT = {"550"}
_UNKNOWN_COMMAND = {"500", "502", "504"}
_NAMING = {"500", "501", "504", "551", "553"}  # to RNTO, where RNFR was understood
_REFUSED = {"550", "551", "553", "554"}  # after all bytes were sent: of the document
_PLACE = {"501", "550", "551", "553"}  # before, under a temporary name, with which nothing is wrong

# The connection is of no use any more.
_LOST = (OSError, EOFError, ftplib.error_proto)

T = TypeVar("T")


class FtpsServer:
    """An inbox folder on an FTPS server. See `Server` for the contract."""

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        *,
        context: ssl.SSLContext | None = None,
        timeout: float = ANSWER,
    ) -> None:
        """Talk to the folder at `url`; nothing is sent yet. `context`: whom to trust. `timeout` in seconds.

        `ftp://` is not encrypted: the caller has made sure that this is wanted.
        """
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._encrypted = parts.scheme != "ftp"
        self._implicit = parts.scheme == "ftps-implicit" or (parts.scheme == "ftps" and parts.port == IMPLICIT_PORT)
        self._port = parts.port or (IMPLICIT_PORT if self._implicit else ftplib.FTP_PORT)
        self._folder = folder_of(url)
        self._base = ""  # the same as an absolute path, known when logged in
        self._user = user
        self._password = password
        self._context = context or ssl.create_default_context()
        self._context.minimum_version = max(self._context.minimum_version, ssl.TLSVersion.TLSv1_2)
        self._timeout = timeout
        self._ftp: _Connection | None = None
        self._used = 0.0  # on time.monotonic: when the connection was found good last

    # ---- the contract --------------------------------------------------------------------------------------------

    def ping(self) -> None:
        """See `Server.ping`."""
        self._ask("look", lambda ftp: self._enter(ftp, ""))

    def put(self, name: str, data: bytes) -> None:
        """See `Server.put`."""

        def store(ftp: _Connection) -> None:
            try:
                ftp.store(self._path(name), data)
            except ftplib.error_perm as error:
                raise self._not_stored(ftp, error, name) from None

        self._ask(f"write into {self._parent(name)}", store)

    def publish(self, temporary: str, final: str) -> None:
        """See `Server.publish`."""
        self._ask("rename", lambda ftp: self._rename(ftp, temporary, final, over=False))

    def replace(self, temporary: str, final: str) -> None:
        """See `Server.replace`. A server whose RNTO does not overwrite cannot: nothing but ours is ever removed."""
        self._ask("rename", lambda ftp: self._rename(ftp, temporary, final, over=True))

    def overwrites(self, temporary: str, taken: str) -> bool:
        """Tell whether the server itself would take away what has a name. Both files are ours, and may be lost."""
        try:
            self.replace(temporary, taken)
        except DeliveryError:
            return False
        return True

    def create(self, final: str, data: bytes, *, over: bool = False) -> None:
        """See `Server.create`."""

        def store(ftp: _Connection) -> None:
            if not over and self._look(ftp, final) is not None:
                raise NameExistsError(final)
            try:
                ftp.store(self._path(final), data)
            except ftplib.error_perm as error:
                if not ftp.flowing and _code(error) in _NAMING:
                    raise DocumentRefusedError(_line(error, f"write {final}")) from None
                raise self._in_doubt(ftp, error) or self._not_stored(ftp, error, final) from None
            except (ftplib.Error, *_LOST) as error:
                if doubt := self._in_doubt(ftp, error):
                    raise doubt from None
                raise

        self._ask(f"write into {self._parent(final)}", store)
        try:
            found = self.entry(final)
        except DeliveryError as error:
            raise DoubtError(f"stored, said the server; {error}") from None
        if found is not None and found.size != len(data):  # None: INGIS has it already
            raise DoubtError(f"the server stored {found.size} of {len(data)} bytes")

    def entry(self, name: str) -> Entry | None:
        """See `Server.entry`."""
        return self._ask(f"look into {self._parent(name)}", lambda ftp: self._found(ftp, name))

    def entries(self, folder: str) -> dict[str, Entry]:
        """See `Server.entries`."""

        def listed(ftp: _Connection) -> dict[str, Entry]:
            self._enter(ftp, folder)
            if ftp.knows("MLST"):
                found = dict(_facts(line) for line in ftp.lines("MLSD"))
                if all("size" in facts for facts in found.values() if facts.get("type", "").lower() == "file"):
                    return {name: _entry(facts) for name, facts in found.items() if facts["type"].lower() == "file"}
            place = f"{folder}/" if folder else ""
            told = {name: self._told(ftp, place + name, when=document_of(name) is not None) for name in _names(ftp)}
            return {name: entry for name, entry in told.items() if entry is not None}

        return self._ask(f"list {self._parent(f'{folder}/')}", listed)

    def names(self, folder: str) -> set[str]:
        """See `Server.names`. No sizes are asked for, which without MLSD would be a question each."""

        def listed(ftp: _Connection) -> set[str]:
            self._enter(ftp, folder)
            if not ftp.knows("MLST"):
                return set(_names(ftp))
            return {name for name, facts in map(_facts, ftp.lines("MLSD")) if facts["type"].lower() == "file"}

        return self._ask(f"list {self._parent(f'{folder}/')}", listed)

    @property
    def lists_sizes(self) -> bool:
        """See `Server.lists_sizes`. True as long as nobody has logged in."""
        return self._ftp is None or self._ftp.knows("MLST")

    def get(self, name: str) -> bytes | None:
        """See `Server.get`. What is no file has no bytes, but the name is taken all the same."""

        def fetch(ftp: _Connection) -> bytes | None:
            there = self._found(ftp, name)
            if there is None or there.size == 0:
                return None if there is None else b""
            try:
                content = ftp.fetch(self._path(name))
            except ftplib.error_perm as error:
                if _code(error) not in _ABSENT:
                    raise
                if self._found(ftp, name) is None:
                    return None
                raise TargetNeedsPersonError(TargetReason.FORBIDDEN, _line(error, f"read {name}")) from None
            if len(content) != there.size:
                raise TransientError(f"read {name}: {len(content)} of {there.size} bytes came")
            return content

        return self._ask(f"read in {self._parent(name)}", fetch)

    def remove(self, name: str) -> None:
        """See `Server.remove`."""
        if document_of(name) is None:
            raise ValueError(f"{name} is not ours to remove")

        def remove(ftp: _Connection) -> None:
            try:
                ftp.voidcmd(f"DELE {self._path(name)}")
            except ftplib.error_perm as error:
                if _code(error) not in _ABSENT:
                    raise
                if self._look(ftp, name) is not None:
                    raise self._misplaced(ftp, error, name, "remove") from None

        self._ask(f"remove from {self._parent(name)}", remove)

    def close(self) -> None:
        """See `Server.close`."""
        if self._ftp is not None:
            with suppress(*_LOST, ValueError):
                self._ftp.putcmd("QUIT")
        self._hang_up()

    # ---- one operation -------------------------------------------------------------------------------------------

    def _path(self, name: str) -> str:
        if _CONTROL.search(name):
            raise DocumentRefusedError(f"a name that FTP cannot say: {name!r}")
        return self._base.rstrip("/") + "/" + name if name else self._base

    def _parent(self, name: str) -> str:
        """Return the folder of a name, for people."""
        folder = name.rpartition("/")[0]
        return "/".join(part for part in (self._base or self._folder, folder) if part)

    def _ask(self, doing: str, work: Callable[[_Connection], T]) -> T:
        """Do one thing on the connection. Raises DeliveryError.

        A server closes a connection that rests, and says so, if at all, in place of the next answer. Then it is made
        anew and the thing is done again, once, unless bytes may have been stored. What renames tells a doubt by itself.
        """
        rested = self._ftp is not None
        while True:
            ftp = self._connected()
            try:
                return work(ftp)
            except (ftplib.Error, *_LOST, ValueError) as error:
                if _is_lost(error) or isinstance(error, ValueError):
                    self._hang_up()
                    if rested and _is_closed(error) and ftp.last != "STOR":
                        rested = False
                        continue
                raise failure(error, doing) from None
            finally:
                self._used = time.monotonic()
                if ftp.transferring:  # and failed: some answer that twice, and later answers would be off by one
                    self._hang_up()

    def _enter(self, ftp: _Connection, folder: str) -> None:
        """Make sure that a folder is there, and be in it."""
        path = self._path(folder)
        try:
            ftp.voidcmd(f"CWD {path}")
        except ftplib.error_perm as error:
            found = failure(error, f"open {path}")
            if not isinstance(found, TargetNeedsPersonError):
                found = TargetNeedsPersonError(TargetReason.FOLDER_MISSING, str(found))
            raise found from None

    def _told(self, ftp: _Connection, name: str, *, when: bool = True) -> Entry | None:
        """Return what the server says about a file, None if it says 550. `when`: with the time of change."""
        path = self._path(name)
        try:
            if ftp.knows("MLST"):
                _, facts = _facts(ftp.sendcmd(f"MLST {path}").split("\n")[1].lstrip())
                if facts.get("type", "").lower() != "file":
                    return FOLDER
                if "size" in facts:
                    return _entry(facts)
            try:
                size = int(ftp.voidcmd(f"SIZE {path}")[4:].split()[0])
            except ftplib.error_perm as error:
                if _code(error) not in _UNKNOWN_COMMAND:
                    raise
                size = len(ftp.fetch(path))
        except ftplib.error_perm as error:
            if _code(error) in _ABSENT:
                return None
            raise
        except (ValueError, IndexError):
            raise TransientError(f"{name}: an answer that is none") from None
        changed = ""
        if when:
            with suppress(ftplib.error_perm):
                changed = ftp.voidcmd(f"MDTM {path}")[4:].strip()
        return _entry({"size": str(size), "modify": changed})

    def _look(self, ftp: _Connection, name: str) -> Entry | None:
        """Return what lies under a name; None if two questions say that nothing does."""
        told = self._told(ftp, name)
        if told is not None:
            return told
        path = self._path(name)
        try:
            ftp.sendcmd(f"RNFR {path}")
        except ftplib.error_perm as error:
            if _code(error) in _UNKNOWN_COMMAND:
                self._enter(ftp, name.rpartition("/")[0])
                if name.rpartition("/")[2] in _names(ftp):
                    raise TransientError(f"{name} is listed, but the server tells nothing of it") from None
            return None
        with suppress(ftplib.error_perm):
            ftp.voidcmd(f"CWD {path}")
            return FOLDER
        raise TransientError(f"{name} is there, but the server tells nothing of it")

    def _found(self, ftp: _Connection, name: str) -> Entry | None:
        """Return what lies under a name; None if surely nothing does: its folder can be entered."""
        there = self._look(ftp, name)
        if there is None:
            self._enter(ftp, name.rpartition("/")[0])
        return there

    def _misplaced(self, ftp: _Connection, error: Exception, name: str, doing: str) -> DeliveryError:
        """Return why nothing can be done in a folder: it is not there, or not ours to write."""
        self._enter(ftp, name.rpartition("/")[0])
        return TargetNeedsPersonError(TargetReason.FORBIDDEN, _line(error, f"{doing} in {self._parent(name)}"))

    def _not_stored(self, ftp: _Connection, error: Exception, name: str) -> DeliveryError:
        """Return what a "no" to STOR means: before the bytes it is about the folder, after them about the document."""
        doing = f"write into {self._parent(name)}"
        if ftp.flowing and _code(error) in _REFUSED:
            return DocumentRefusedError(_line(error, doing))
        if not ftp.flowing and _code(error) in _PLACE:
            return self._misplaced(ftp, error, name, "write")
        return failure(error, doing)

    def _in_doubt(self, ftp: _Connection, error: Exception) -> DoubtError | None:
        """Return a doubt if bytes may lie under a final name."""
        lost = _is_lost(error)
        if lost:
            self._hang_up()
        return DoubtError(_line(error, "write")) if ftp.flowing or (lost and ftp.last == "STOR") else None

    def _rename(self, ftp: _Connection, temporary: str, final: str, *, over: bool) -> None:
        self._path(final)
        if not over and self._look(ftp, final) is not None:
            raise NameExistsError(final)
        try:
            ftp.sendcmd(f"RNFR {self._path(temporary)}")
            ftp.voidcmd(f"RNTO {self._path(final)}")
        except (ftplib.Error, *_LOST) as error:
            if _is_lost(error):
                if ftp.last != "RNTO":
                    raise
                self._hang_up()
                raise DoubtError(_line(error, "rename")) from None
            raise self._why_not(ftp, error, temporary, final, over=over) from None

    def _why_not(self, ftp: _Connection, error: Exception, temporary: str, final: str, *, over: bool) -> DeliveryError:
        """Return what a "no" to a rename means, by what lies under both names after it."""
        line, code, asked = _line(error, "rename"), _code(error), ftp.last == "RNTO"
        try:
            ours, taken = (self._look(ftp, name) is not None for name in (temporary, final))
            # One row for each: the first that fits.
            if not ours:  # gone, or not to be seen: perhaps an earlier rename, whose answer was lost, took it
                return DoubtError(line)
            if taken and not over:
                return NameExistsError(final)
            if code == "502" or (code in _UNKNOWN_COMMAND and not asked):
                cannot = f"{line}; {final} is there in an earlier version and cannot be replaced"
                return DocumentRefusedError(cannot) if over else CannotRenameError(line)
            if code in _NAMING:
                return DocumentRefusedError(f"{line}: {final}")
            if code in _ABSENT and not asked:
                return self._misplaced(ftp, error, temporary, "rename")
            if code in _ABSENT and taken:
                return DocumentRefusedError(f"{line}; {final} is there in an earlier version and cannot be replaced")
            if code in _ABSENT:
                self._enter(ftp, final.rpartition("/")[0])
                if len(final.rpartition("/")[2].encode()) > NAME_BYTES:
                    return DocumentRefusedError(f"{line}; the name has more than {NAME_BYTES} bytes: {final}")
                if not _DENIED.search(str(error)):
                    return DoubtError(line)
            found = failure(error, "rename")
            return found if isinstance(found, TargetNeedsPersonError) or not asked else DoubtError(line)
        except TargetNeedsPersonError as found:
            return found
        except (ftplib.Error, *_LOST, DeliveryError) as silence:
            self._hang_up()
            return DoubtError(f"{line}; {_line(silence, 'look')}")

    # ---- the connection ------------------------------------------------------------------------------------------

    def _connected(self) -> _Connection:
        """Return the connection, made anew if it is gone. Raises DeliveryError."""
        if self._ftp is not None and time.monotonic() - self._used >= RESTED:
            try:
                self._ftp.voidcmd("NOOP")
            except (ftplib.Error, *_LOST, ValueError):
                self._hang_up()
        if self._ftp is not None:
            return self._ftp
        ftp = _Connection(self._context, encrypted=self._encrypted)
        try:
            ftp.open(self._host, self._port, implicit=self._implicit)
            ftp.log_in(self._user, self._password)
            ftp.agree()
            ftp.wait_at_most(self._timeout)
            home = self._folder if self._folder.startswith("/") else ftp.pwd()
            if not home.startswith("/"):
                raise TargetNeedsPersonError(TargetReason.UNKNOWN, f"PWD: {home}")
            below = "" if self._folder.startswith("/") or self._folder == "." else f"/{self._folder}"
            self._base = (home.rstrip("/") + below) or "/"
            self._enter(ftp, "")
        except (ftplib.Error, *_LOST, ValueError) as error:
            ftp.close()
            found = failure(error, ftp.last or "connect", logging_in=ftp.last == "PASS")
            if not isinstance(found, (TransientError, TargetNeedsPersonError)) or _code(error) == "550":
                found = TargetNeedsPersonError(TargetReason.UNKNOWN, str(found))  # no folder, no document is meant yet
            found.crowded = True
            raise found from None
        except DeliveryError:
            ftp.close()
            raise
        self._ftp = ftp
        return ftp

    def _hang_up(self) -> None:
        ftp, self._ftp = self._ftp, None
        if ftp is not None:
            with suppress(OSError):
                ftp.close()


class _Connection(ftplib.FTP_TLS):
    """One control connection, and the data connections beside it. Raises what ftplib raises."""

    def __init__(self, context: ssl.SSLContext, *, encrypted: bool) -> None:
        super().__init__(context=context, timeout=LOGIN)
        self._encrypted = encrypted
        self._secret = ""  # is not to be repeated
        self._features: dict[str, str] = {}
        self.last = ""  # the latest command that was sent
        self.transferring = False  # a transfer has begun, and no good answer has ended it
        self.flowing = False  # the server has taken the latest STOR, and may have stored something

    def open(self, host: str, port: int, *, implicit: bool) -> None:
        """Connect and encrypt."""
        self.host, self.port = host, port
        self.sock = socket.create_connection((host, port), self.timeout)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.af = self.sock.family
        if implicit:
            self._encrypt()
        self._read_from()
        self._expect_success(self.getresp())
        if self._encrypted and not implicit:
            self._expect_success(self.sendcmd("AUTH TLS"))
            self._encrypt()
            self._read_from()

    def log_in(self, user: str, password: str) -> None:
        """Log in; one try at the server."""
        self._secret = password
        reply = self.sendcmd(f"USER {user}")
        if reply.startswith("331"):
            reply = self.sendcmd(f"PASS {password}")
        self._expect_success(reply)

    def agree(self) -> None:
        """Settle how data is transferred and what names are written in, and hear what the server can do."""
        if self._encrypted:
            self.prot_p()
        with suppress(ftplib.error_perm):
            for line in self.sendcmd("FEAT").splitlines()[1:-1]:
                feature, _, details = line.strip().partition(" ")
                self._features[feature.upper()] = details
        with suppress(ftplib.error_perm):
            if self.knows("UTF8"):
                self.sendcmd("OPTS UTF8 ON")
            if self.knows("MLST") and not {"type*", "size*", "modify*"} <= set(self._features["MLST"].split(";")):
                self.sendcmd("OPTS MLST type;size;modify;")
        self.voidcmd("TYPE I")  # for good: SIZE counts bytes only so, and lists of names are the same

    def knows(self, feature: str) -> bool:
        """Tell whether the server has said so."""
        return feature in self._features

    def wait_at_most(self, timeout: float) -> None:
        """Wait so many seconds for one answer, on this connection and those for data."""
        self.timeout = timeout
        assert self.sock is not None
        self.sock.settimeout(timeout)

    def store(self, path: str, data: bytes) -> None:
        """Store bytes under a name."""
        self.transferring, self.flowing = True, False
        with self.transfercmd(f"STOR {path}") as plain:
            self.flowing = True
            try:
                with self._secured(plain) as conn:
                    for start in range(0, len(data), PIECE):
                        conn.sendall(data[start : start + PIECE])
                    _say_end(conn)
            except OSError as error:
                raise self._reason(error) from None
        self.voidresp()
        self.transferring = False

    def fetch(self, path: str) -> bytes:
        """Return the bytes under a name."""
        return self._receive(f"RETR {path}")

    def lines(self, command: str) -> list[str]:
        """Return what a command lists, in NFC; what is no UTF-8 in it is replaced."""
        text = unicodedata.normalize("NFC", self._receive(command).decode("utf-8", "replace"))
        return [line.rstrip("\r") for line in text.split("\n") if line]

    def _receive(self, command: str) -> bytes:
        pieces: list[bytes] = []
        self.transferring = True
        with self.transfercmd(command) as plain:
            try:
                with self._secured(plain) as conn:
                    while piece := conn.recv(PIECE):
                        pieces.append(piece)
                    _say_end(conn)
            except OSError as error:
                raise self._reason(error) from None
        self.voidresp()
        self.transferring = False
        return b"".join(pieces)

    def _secured(self, conn: socket.socket) -> socket.socket:
        if not self._encrypted:
            return conn
        assert isinstance(self.sock, ssl.SSLSocket)
        return self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session)

    def _reason(self, error: OSError) -> Exception:
        """Return what the server says to a data connection that broke, or how it broke."""
        try:
            reply = self.voidresp()
        except ftplib.Error as told:
            return told
        except (OSError, EOFError):
            return error
        return ftplib.error_temp(f"426 {error}; and the server: {reply}")

    # ---- as ftplib does it, but for … ------------------------------------------------------------------------------

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """Open a data connection that is not encrypted yet: see `_secured`."""
        return ftplib.FTP.ntransfercmd(self, cmd, rest)

    def putcmd(self, line: str) -> None:
        """Note the command, without what follows it."""
        self.last = line.partition(" ")[0]
        super().putcmd(line)

    def getmultiline(self) -> str:
        """Hide the password, should a server repeat it."""
        reply = super().getmultiline()
        if self.last == "PASS" and self._secret:
            reply = reply[:4] + reply[4:].replace(self._secret, "…")
        return reply

    def _encrypt(self) -> None:
        assert self.sock is not None
        self.sock = self.context.wrap_socket(self.sock, server_hostname=self.host)

    def _read_from(self) -> None:
        """Read answers; one in no UTF-8 is no reason to fail. What came before encryption is not read any more."""
        if self.file is not None:
            self.file.close()
        assert self.sock is not None
        self.file = self.sock.makefile("r", encoding=self.encoding, errors="replace")

    @staticmethod
    def _expect_success(reply: str) -> None:
        if not reply.startswith("2"):
            raise ftplib.error_reply(reply)


FOLDER = Entry(0, "")  # what is there, and no file


def _say_end(conn: socket.socket) -> None:
    """End TLS in order, so that the server knows that it has all. Its own end may be missing: its answer counts."""
    if isinstance(conn, ssl.SSLSocket):
        with suppress(OSError, ValueError):
            conn.unwrap()


def _names(ftp: _Connection) -> list[str]:
    """Return the names in the folder where we are; those with a leading dot too, where the server shows them.

    "-a" is `ls`'s; who does not know it takes it for a name, and then "." is missing.
    """
    lines: list[str] = []
    for command in ("NLST -a", "NLST"):
        try:
            lines = [line.rpartition("/")[2] for line in ftp.lines(command)]
        except (ftplib.error_perm, ftplib.error_temp) as error:
            if _code(error) not in {"450", "501", "504", "550"}:  # so some say that a folder is empty
                raise
            lines = []
        if "." in lines:
            break
    return [line for line in lines if line not in {"", ".", ".."}]


def _facts(line: str) -> tuple[str, dict[str, str]]:
    """Return name and facts of one line of MLST or MLSD (RFC 3659, 7.2)."""
    facts, _, path = line.partition(" ")
    pairs = (fact.partition("=") for fact in facts.split(";") if fact)
    found = {key.lower(): value for key, _, value in pairs}
    return path.rpartition("/")[2], {"type": "", **found}


def _entry(facts: dict[str, str]) -> Entry:
    modify = facts.get("modify", "")
    return Entry(int(facts["size"]), f"{modify}-{facts['size']}" if modify else "")


def _code(error: Exception) -> str:
    """Return the code of an answer, "" for what is none."""
    return str(error)[:3] if isinstance(error, ftplib.Error) else ""


def _line(error: Exception, doing: str) -> str:
    text = "the server hung up" if isinstance(error, EOFError) else str(error) or type(error).__name__
    return f"{doing}: {' '.join(text.split())[:300]}"


def _is_lost(error: Exception) -> bool:
    return isinstance(error, _LOST) or _code(error) == "421"


def _is_closed(error: Exception) -> bool:
    """Tell whether the server closed the connection, rather than being silent."""
    return isinstance(error, (EOFError, ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)) or (
        _code(error) == "421"
    )


def failure(error: Exception, doing: str, *, logging_in: bool = False) -> DeliveryError:
    """Return what went wrong: with what never became an answer here, with an answer in KINDS.

    `logging_in`: the password was out, without an answer yet. Who hangs up then has refused it: taken for a mere loss,
    it would be tried again and again, until the account is locked.
    """
    line, code = _line(error, doing), _code(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return TargetNeedsPersonError(TargetReason.CERTIFICATE, f"{doing}: {error.verify_message}")
    if logging_in and _is_closed(error) and not code:
        return TargetNeedsPersonError(TargetReason.LOGIN, line)
    if isinstance(error, ssl.SSLError) and not _is_closed(error) and doing in {"connect", "AUTH"}:
        return TargetNeedsPersonError(TargetReason.UNKNOWN, f"{line}; TLS is not to be had there as asked for")
    if doing == "AUTH" and code.startswith("5"):
        return TargetNeedsPersonError(TargetReason.UNKNOWN, f"{line}; the server offers no TLS")
    if isinstance(error, (OSError, EOFError)):
        return UnreachableError(line)
    kind = KINDS.get(code) or _CLASSES.get(code[:1], UnreachableError)
    if code == "530" and _TOO_MANY.search(line):
        kind = UnreachableError
    if code == "550" and _DENIED.search(line):
        kind = TargetReason.FORBIDDEN
    return TargetNeedsPersonError(kind, line) if isinstance(kind, TargetReason) else kind(line)
