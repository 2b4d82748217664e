"""An FTPS server on a real socket that misbehaves as a test tells it to, and remembers all that it ever had.

pyftpdlib's protocol, with TLS, in front of a folder, in a thread of its own. Only `FaultyFtp` is for the tests.
"""

from __future__ import annotations

import logging
import os
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

with warnings.catch_warnings():  # Python 3.11 warns of asyncore, on which pyftpdlib builds
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.exceptions import _RetryError
    from pyftpdlib.handlers import TLS_DTPHandler, TLS_FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer

from ingisfs.delivery.server import PREFIX

logging.getLogger("pyftpdlib").addHandler(logging.NullHandler())  # else it prints
logging.getLogger("pyftpdlib").propagate = False

USER, PASSWORD = "king", "secret"
CUT, SILENCE = "cut", "silence"  # beside the answers of the protocol
NOT_THERE, DENIED = "550 No such file or directory.", "550 Permission denied."

# Commands with a name behind them, which a test may ask for by it.
_NAMED = {"CWD", "STOR", "RETR", "SIZE", "MDTM", "MLST", "MLSD", "NLST", "RNFR", "RNTO", "DELE"}


@dataclass(frozen=True)
class Say:
    """Answer this instead of what is true: a line of FTP, CUT (the connection), or SILENCE.

    `do`: carry the request out first, all the same. `late`: carry it out so many requests later instead. `short`: of
    what is stored, store the first half only.
    """

    answer: str
    do: bool = False
    late: int = 0
    short: bool = False


HANG_UP, DO_AND_HANG_UP = Say(CUT), Say(CUT, do=True)

# (operation, name, how often that operation was asked for) → what goes wrong
Fault = Callable[[str, str, int], "Say | None"]


@dataclass
class FaultyFtp:
    """The server's folder, and what goes wrong.

    Operations are named as FTP has them; besides, `connect` is the greeting, `flow` the first bytes of a document, and
    `stored` the answer to all of them. The inbox itself has the name "".
    """

    root: Path
    certificate: Path
    port: int = 0
    arrivals: list[tuple[str, bytes]] = field(default_factory=list)  # everything that ever got a final name
    requests: list[tuple[str, str]] = field(default_factory=list)
    fault: Fault = lambda operation, name, count: None
    done: Callable[[str, str], None] = lambda operation, name: None  # after each request that was carried out
    collects: bool = False  # INGIS takes a file away as soon as it has its final name
    password: str = PASSWORD
    lock: threading.RLock = field(default_factory=threading.RLock)
    _late: list[tuple[int, Callable[[], object]]] = field(default_factory=list)  # (request before which, what)
    _clock: int = 1_790_000_000
    _cutting: threading.Event = field(default_factory=threading.Event)
    _handlers: list[Any] = field(default_factory=list)

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def url(self) -> str:
        return f"ftps://127.0.0.1:{self.port}/inbox"

    def count(self, operation: str, part: str = "") -> int:
        """How often an operation was asked for, with a name that has `part` in it."""
        with self.lock:
            return sum(1 for done, name in self.requests if done == operation and part in name)

    def names(self) -> set[str]:
        return set(os.listdir(self.inbox))

    def finals(self) -> dict[str, bytes]:
        with self.lock:
            return {name: (self.inbox / name).read_bytes() for name in self.names() if not name.startswith(PREFIX)}

    def lay(self, name: str, data: bytes) -> None:
        """Put a file there, as somebody else's."""
        with self.lock:
            (self.inbox / name).write_bytes(data)
            self.touch(name)

    def never_half(self) -> bool:
        """Tell whether all that has a final name is still what it was when it got it."""
        with self.lock:
            arrived = dict(self.arrivals)
            return all(arrived.get(name, data) == data for name, data in self.finals().items())

    def cut(self) -> None:
        """End all connections, as a restart does."""
        self._cutting.set()
        while self._cutting.is_set():
            threading.Event().wait(0.005)

    # ---- in the server's thread ----------------------------------------------------------------------------------

    def ask(self, operation: str, name: str) -> Say | None:
        """Note a request, catch up on what is late by now, and tell what is to go wrong."""
        with self.lock:
            self.requests.append((operation, name))
            at = len(self.requests)
            due = [carry_out for when, carry_out in self._late if when <= at]
            self._late = [(when, carry_out) for when, carry_out in self._late if when > at]
            for carry_out in due:
                with suppress(OSError):  # nobody is there to hear it
                    carry_out()
            count = self.count(operation)
        return self.fault(operation, name, count)

    def later(self, requests: int, what: Callable[[], object]) -> None:
        self._late.append((len(self.requests) + requests, what))

    def touch(self, name: str) -> None:
        """Give a file a time of change of its own: those of the protocol have whole seconds."""
        self._clock += 1
        os.utime(self.inbox / name, (self._clock, self._clock))

    def arrived(self, name: str) -> None:
        """A file has its final name now."""
        if not name.startswith(PREFIX):
            self.arrivals.append((name, (self.inbox / name).read_bytes()))
            if self.collects:
                (self.inbox / name).unlink()

    def rename(self, source: str, target: str) -> None:
        with self.lock:
            (self.inbox / source).rename(self.inbox / target)
            self.arrived(target)

    def stored(self, name: str, fault: Say | None) -> None:
        """Keep what was received, or half of it, or nothing, or all of it later."""
        path = self.inbox / name
        if fault is None or (fault.do and not fault.short):
            self.touch(name)
            self.arrived(name)
        elif fault.do:
            os.truncate(path, path.stat().st_size // 2)
            self.touch(name)
            self.arrived(name)
        else:
            data = path.read_bytes()
            path.unlink()
            if fault.late:
                self.later(fault.late, lambda: self.lay(name, data))


class _Data(TLS_DTPHandler):  # type: ignore[misc]
    def recv(self, buffer_size: int) -> bytes:
        first = not self.tot_bytes_received
        received: bytes = super().recv(buffer_size)
        if not (first and received and self.receive):
            return received
        handler = self.cmd_channel
        fault = handler.state.ask("flow", Path(self.file_obj.name).name)
        if fault is None:
            return received
        if fault.answer == SILENCE:
            self.del_channel()
            raise _RetryError
        self.file_obj.write(received)
        self._resp = () if fault.answer == CUT else (fault.answer, None)
        self._error = True  # without TLS's farewell
        self.close()
        if fault.answer == CUT:
            handler.hang_up()
        raise _RetryError


class _Handler(TLS_FTPHandler):  # type: ignore[misc]
    dtp_handler = _Data
    tls_control_required = tls_data_required = True
    auth_failed_timeout = 0
    use_sendfile = False
    state: FaultyFtp
    _rnfr: str | None
    _muffled = False

    def handle(self) -> None:
        self.state._handlers.append(self)
        if not self._wrong(self.state.ask("connect", "")):
            super().handle()

    def process_command(self, cmd: str, *args: Any, **kwargs: Any) -> None:
        name = Path(args[0]).relative_to(self.state.inbox).name if cmd in _NAMED and args[0] else ""
        fault = self.state.ask(cmd, name)
        if fault is None:
            self._do(cmd, name, *args, **kwargs)
            return
        if fault.late:
            self._do_late(cmd, name, fault.late)
        elif fault.do:
            self._muffled = True
            try:
                self._do(cmd, name, *args, **kwargs)
            finally:
                self._muffled = False
        self._wrong(fault)

    def _do(self, cmd: str, name: str, *args: Any, **kwargs: Any) -> None:
        with self.state.lock:
            if cmd == "RNTO" and self._rnfr:
                try:
                    self.state.rename(Path(self._rnfr).name, name)
                    self.respond("250 Renaming ok.")
                except OSError as error:
                    self.respond(f"550 {error.strerror}.")
                self._rnfr = None
            else:
                super().process_command(cmd, *args, **kwargs)
            self.state.done(cmd, name)

    def _do_late(self, cmd: str, name: str, requests: int) -> None:
        state = self.state
        if cmd == "RNTO":
            source = Path(self._rnfr or "").name
            state.later(requests, lambda: state.rename(source, name))
        elif cmd == "DELE":
            state.later(requests, lambda: (state.inbox / name).unlink())

    def _wrong(self, fault: Say | None) -> bool:
        """Answer wrongly; tells whether that was wanted."""
        if fault is None:
            return False
        if fault.answer == CUT:
            self.hang_up()
        elif fault.answer != SILENCE:
            super().respond(fault.answer)
            if fault.answer.startswith("421"):
                self.close_when_done()
        return True

    def hang_up(self) -> None:
        """Close without TLS's farewell, as where the server dies."""
        self._error = True
        self.close()

    def push(self, data: Any) -> None:
        """Send a line, of an answer of several lines too."""
        if not self._muffled:
            super().push(data)

    def respond(self, resp: str, logfun: Any = None) -> None:
        """Answer, unless a test wants none, or another one to what was stored."""
        data = self.data_channel
        if self._muffled:
            return
        if resp.startswith("226") and data is not None and data.receive:
            name = Path(data.file_obj.name).name
            with self.state.lock:
                fault = self.state.ask("stored", name)
                self.state.stored(name, fault)
                self.state.done("stored", name)
            if self._wrong(fault):
                return
        super().respond(resp)


@contextmanager
def faulty_ftp(folder: Path, certificate: Path, key: Path, lacks: Sequence[str] = ()) -> Iterator[FaultyFtp]:
    """Run one for the block. `lacks` are commands that it does not know."""
    state = FaultyFtp(folder, certificate)
    state.inbox.mkdir(parents=True)

    class Users(DummyAuthorizer):  # type: ignore[misc]
        def validate_authentication(self, username: str, password: str, handler: Any) -> None:
            self.user_table[USER]["pwd"] = state.password
            super().validate_authentication(username, password, handler)

    users = Users()
    users.add_user(USER, PASSWORD, str(folder), perm="elradfmw")
    handler = type(
        "Handler",
        (_Handler,),
        {
            "state": state,
            "authorizer": users,
            "certfile": str(certificate),
            "keyfile": str(key),
            "proto_cmds": {verb: what for verb, what in TLS_FTPHandler.proto_cmds.items() if verb not in lacks},
        },
    )
    loop = IOLoop()
    server = FTPServer(("127.0.0.1", 0), handler, ioloop=loop)
    state.port = server.address[1]
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            loop.loop(timeout=0.02, blocking=False)
            if state._cutting.is_set():
                for made in state._handlers:
                    made.hang_up()
                state._handlers.clear()
                state._cutting.clear()
        server.close_all()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield state
    finally:
        stop.set()
        thread.join()


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate)
