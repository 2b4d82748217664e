"""Runs the stage: binds the port, holds the folder, makes the first user, serves until told to stop."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import signal
import socket
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from types import FrameType

import uvicorn

from ingisfs.stage import demo
from ingisfs.stage.application import application
from ingisfs.stage.batch import Pace
from ingisfs.stage.database import lock_folder
from ingisfs.stage.desks import FIRST_USER
from ingisfs.stage.failures import StageError
from ingisfs.stage.inbox import DEFAULT_SIZE_LIMIT
from ingisfs.stage.portal import Portal, opened
from ingisfs.stage.post import Smtp, SmtpError
from ingisfs.stage.sentences import LANGUAGES, say
from ingisfs.stage.sftp import ROOT, SftpThread, host_key
from ingisfs.stage.tls import Certificate, CertificateError
from ingisfs.stage.users import Users, normal

ADDRESS = "127.0.0.1"  # another only with a certificate: plain HTTP stays on this machine
DEFAULT_PORT = 8420
PASSWORD_VARIABLE = "INGISFS_STAGE_PASSWORD"  # noqa: S105 - the name of it
SMTP_PASSWORD_VARIABLE = "INGISFS_STAGE_SMTP_PASSWORD"  # noqa: S105 - the name of it

_BACKLOG = 512
_KEEP_ALIVE_SECONDS = 120
_STOP_SECONDS = 5  # that requests get to finish


@dataclass(frozen=True, slots=True)
class Options:
    """What a stage does besides having an inbox. `sftp_port` None: no SFTP; 0: a free port."""

    pace: Pace | None = None  # None: no batches, all that is delivered stays where it is
    smtp: Smtp | None = None  # None: mails lie in the folder `mail`
    sftp_port: int | None = None
    demo: bool = False  # customers for all that our stand-in for King prints
    add_user: str = ""  # one more King user
    reset_user: str = ""  # who gets a new password
    listen: str = ADDRESS  # IPv4
    certificate: Certificate | None = None  # then HTTPS


_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def options_of(
    language: str,
    *,
    batch: str = "off",
    sftp_port: int | None = None,
    smtp_url: str | None = None,
    mail_from: str = "",
    add_user: str = "",
    reset_user: str = "",
    listen: str = ADDRESS,
    certificate: Path | None = None,
    key: Path | None = None,
    demo: bool = False,
) -> Options:
    """The options as a person types them: `batch` is `off`, or a number with s, m or h. Raises StageError."""
    pace = None
    if batch != "off":
        found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([smh]?)", batch.strip().lower())
        if found is None or float(found[1]) == 0:
            raise StageError(say(language, "batch_refused", batch=batch))
        every = float(found[1]) * _UNITS[found[2] or "s"]
        pace = Pace(every=every, patience=max(every, Pace().patience), settle=min(every, Pace().settle))
    try:
        password = os.environ.get(SMTP_PASSWORD_VARIABLE, "")
        smtp = Smtp.of_url(smtp_url, mail_from, password) if smtp_url else None
    except SmtpError as error:
        raise StageError(say(language, "smtp_refused", what=error)) from None
    shown = None
    if certificate is not None:
        try:
            shown = Certificate.of_files(certificate, key)
        except CertificateError as error:
            raise StageError(say(language, "certificate_refused", what=error)) from None
    try:
        is_here = IPv4Address(listen).is_loopback
    except ValueError:
        raise StageError(say(language, "listen_refused", address=listen)) from None
    if not is_here and shown is None:
        raise StageError(say(language, "listen_needs_certificate", address=listen))
    return Options(
        listen=listen,
        certificate=shown,
        pace=pace,
        smtp=smtp,
        sftp_port=sftp_port,
        demo=demo,
        add_user=add_user,
        reset_user=reset_user,
    )


def serve(
    folder: Path,
    port: int = DEFAULT_PORT,
    *,
    language: str = "nl",
    announce: Callable[[str], None] = print,
    options: Options | None = None,
) -> None:
    """Run the stage on `folder` and 127.0.0.1:`port` (0 is a free one) until SIGINT or SIGTERM.

    `announce` gets the sentences for the person who starts it, in `language` ("nl" or "en"): at the first start
    the first user's password, always the inbox's URL. Raises StageError when it cannot start.
    """
    with Stage(folder, port, language=language, announce=announce, options=options) as stage:
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
        options: Options | None = None,
    ) -> None:
        options = options or Options()
        if language not in LANGUAGES:
            raise ValueError(f"language is one of {LANGUAGES}, not {language!r}")
        with contextlib.ExitStack() as held:
            listener = held.enter_context(_bind(options.listen, port, language))
            host, base = _seen_from_outside(options, listener.getsockname()[1])
            try:
                folder = folder.absolute()
                folder.mkdir(parents=True, exist_ok=True)
                folder.chmod(0o700)
                held.enter_context(contextlib.closing(lock_folder(folder, language)))
                portal = held.enter_context(
                    opened(
                        folder,
                        base=base,
                        language=language,
                        size_limit=size_limit,
                        pace=options.pace,
                        smtp=options.smtp,
                    )
                )
                _ensure_users(portal.users, options.add_user, language, announce)
                if options.reset_user:
                    _reset_password(portal, options.reset_user, language, announce)
                portal.desks.of(FIRST_USER)
                self.sftp_port: int | None = None
                sftp: SftpThread | None = None
                if options.sftp_port is not None:
                    sftp_listener = held.enter_context(_bind(options.listen, options.sftp_port, language))
                    self.sftp_port = sftp_listener.getsockname()[1]
                    key = host_key(folder)
                    sftp = SftpThread(sftp_listener, key, portal.desks, portal.users, language)
                if options.demo:
                    demo.prepare(portal.customers, portal.users, FIRST_USER)
            except (OSError, sqlite3.Error) as error:
                reason = getattr(error, "strerror", None) or error
                raise StageError(say(language, "folder_refused", folder=folder, reason=reason)) from error
            self.port: int = listener.getsockname()[1]
            self.url = f"{base}/inbox/"
            shown = options.certificate
            config = uvicorn.Config(
                application(portal, shown.names if shown else (options.listen,)),
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
                ssl_certfile=shown.file if shown else None,
                ssl_keyfile=shown.key if shown else None,
            )
            self._listener = listener
            self._server = uvicorn.Server(config)
            self.portal = portal
            self._sftp = sftp
            if sftp is not None:
                url = f"sftp://{FIRST_USER}@{host}:{self.sftp_port}/{ROOT}/"
                announce(say(language, "sftp_ready", url=url, fingerprint=key.get_fingerprint()))
            announce(say(language, "ready", url=self.url))
            self._held = held.pop_all()

    def run(self) -> None:
        """Serve until `stop`, or, in the main thread, SIGINT or SIGTERM. Once only."""
        with _until_signalled(self.stop), _at_work(self.portal, self._sftp):
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


def _seen_from_outside(options: Options, port: int) -> tuple[str, str]:
    """By which host, and under which address, people and programs reach the stage."""
    if options.certificate is None:
        return options.listen, f"http://{options.listen}:{port}"
    host = options.certificate.names[0]
    return host, f"https://{host}:{port}"


def _bind(address: str, port: int, language: str) -> socket.socket:
    # With the protocol named, asyncio sets TCP_NODELAY; without it every answer in two parts waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform == "win32":  # where SO_REUSEADDR would let two stages share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise StageError(say(language, "port_in_use", port=port)) from error
        reason = getattr(error, "strerror", None) or error
        raise StageError(say(language, "port_refused", port=port, reason=reason)) from error
    return listener


def _ensure_users(users: Users, also: str, language: str, announce: Callable[[str], None]) -> None:
    for name, missing, added in (
        (FIRST_USER, users.is_empty(), "first_user"),
        (also, bool(also) and users.account(also) is None, "added_user"),
    ):
        if missing:
            password = _announced_password(name, added, language, announce)
            try:
                users.add(name, password)
            except ValueError:
                raise StageError(say(language, "user_refused", name=name)) from None


def _announced_password(name: str, what: str, language: str, announce: Callable[[str], None]) -> str:
    """A password from the environment, or a new one. Told before it is stored: killed in between, it was no use."""
    given = os.environ.get(PASSWORD_VARIABLE)
    if given:
        announce(say(language, f"{what}_from_environment", name=name, variable=PASSWORD_VARIABLE))
        return given
    password = secrets.token_urlsafe(12)
    announce(say(language, what, name=name, password=password))
    return password


def _reset_password(portal: Portal, name: str, language: str, announce: Callable[[str], None]) -> None:
    """Give somebody a new password, for whom no mail can do so. All their sessions end."""
    if portal.users.account(name) is None:
        raise StageError(say(language, "reset_unknown", name=name))
    portal.users.change_password(name, _announced_password(name, "reset_user", language, announce))
    portal.sessions.end_all(normal(name))


@contextlib.contextmanager
def _at_work(portal: Portal, sftp: SftpThread | None) -> Iterator[None]:
    """Batches, mails and SFTP go on in threads of their own for as long as this lasts."""
    threads = [threading.Thread(target=portal.post.run, name="post")]
    if portal.pace is not None:
        threads.append(threading.Thread(target=portal.batch.run, name="batch"))
    if sftp is not None:
        threads.append(threading.Thread(target=sftp.run, name="sftp"))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        portal.batch.stop()
        portal.post.stop()
        if sftp is not None:
            sftp.stop()
        for thread in threads:
            thread.join()


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
