"""Runs the stage: binds the port, holds the folder, makes the first user, serves until told to stop."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import signal
import socket
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import uvicorn

from ingisfs.stage.application import application
from ingisfs.stage.database import lock_folder
from ingisfs.stage.failures import StageError
from ingisfs.stage.inbox import DEFAULT_SIZE_LIMIT, Inbox
from ingisfs.stage.receipts import Receipts
from ingisfs.stage.sentences import LANGUAGES, say
from ingisfs.stage.users import Users

ADDRESS = "127.0.0.1"  # never another: the stage is for one person at one machine, and speaks plain HTTP
DEFAULT_PORT = 8420
FIRST_USER = "king"
PASSWORD_VARIABLE = "INGISFS_STAGE_PASSWORD"  # noqa: S105 - the name of it

_BACKLOG = 512
_KEEP_ALIVE_SECONDS = 120
_STOP_SECONDS = 5  # that requests get to finish


def serve(
    folder: Path, port: int = DEFAULT_PORT, *, language: str = "nl", announce: Callable[[str], None] = print
) -> None:
    """Run the stage on `folder` and 127.0.0.1:`port` (0 is a free one) until SIGINT or SIGTERM.

    `announce` gets the sentences for the person who starts it, in `language` ("nl" or "en"): at the first start
    the first user's password, always the inbox's URL. Raises StageError when it cannot start.
    """
    with Stage(folder, port, language=language, announce=announce) as stage:
        stage.run()


class Stage:
    """A stage that holds its port and folder; connections are accepted from the start and answered while it runs.

    A test may `run` it in a thread and `stop` it from another. `close`, or the end of `with`, gives all back.
    `size_limit` is the largest document, in bytes. Raises StageError.
    """

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        *,
        language: str = "nl",
        announce: Callable[[str], None] = print,
        size_limit: int = DEFAULT_SIZE_LIMIT,
    ) -> None:
        if language not in LANGUAGES:
            raise ValueError(f"language is one of {LANGUAGES}, not {language!r}")
        with contextlib.ExitStack() as held:
            listener = held.enter_context(_bind(port, language))
            try:
                folder = folder.absolute()
                folder.mkdir(parents=True, exist_ok=True)
                folder.chmod(0o700)
                held.enter_context(contextlib.closing(lock_folder(folder, language)))
                inbox = held.enter_context(contextlib.closing(Inbox(folder, size_limit=size_limit)))
                receipts = held.enter_context(contextlib.closing(Receipts(folder, inbox)))
                users = held.enter_context(contextlib.closing(Users(folder)))
                _ensure_first_user(users, language, announce)
            except (OSError, sqlite3.Error) as error:
                reason = getattr(error, "strerror", None) or error
                raise StageError(say(language, "folder_refused", folder=folder, reason=reason)) from error
            self.port: int = listener.getsockname()[1]
            self.url = f"http://{ADDRESS}:{self.port}/inbox/"
            config = uvicorn.Config(
                application(inbox, users, receipts, language=language),
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=_BACKLOG,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
            self._listener = listener
            self._server = uvicorn.Server(config)
            announce(say(language, "ready", url=self.url))
            self._held = held.pop_all()

    def run(self) -> None:
        """Serve until `stop`, or, in the main thread, SIGINT or SIGTERM. Once only."""
        with _until_signalled(self.stop):
            self._server.run(sockets=[self._listener])

    def stop(self) -> None:
        """Let `run` return soon: requests get a few seconds to finish. From any thread."""
        self._server.should_exit = True

    def close(self) -> None:
        """Give back the port and the folder; only after `run` has returned."""
        self._held.close()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def _bind(port: int, language: str) -> socket.socket:
    # With the protocol named, asyncio sets TCP_NODELAY; without it every answer in two parts waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform == "win32":  # where SO_REUSEADDR would let two stages share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ADDRESS, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise StageError(say(language, "port_in_use", port=port)) from error
        reason = getattr(error, "strerror", None) or error
        raise StageError(say(language, "port_refused", port=port, reason=reason)) from error
    return listener


def _ensure_first_user(users: Users, language: str, announce: Callable[[str], None]) -> None:
    if not users.is_empty():
        return
    given = os.environ.get(PASSWORD_VARIABLE)
    password = given or secrets.token_urlsafe(12)
    if given:
        sentence = say(language, "first_user_from_environment", name=FIRST_USER, variable=PASSWORD_VARIABLE)
    else:
        sentence = say(language, "first_user", name=FIRST_USER, password=password)
    announce(sentence)  # before it is stored: killed in between, the next start makes and shows another
    users.add(FIRST_USER, password)


@contextlib.contextmanager
def _until_signalled(stop: Callable[[], None]) -> Iterator[None]:
    """SIGINT and SIGTERM call `stop`, and no more: uvicorn raises a signal again when it has shut down."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(_signal: int, _frame: FrameType | None) -> None:
        stop()

    earlier = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
