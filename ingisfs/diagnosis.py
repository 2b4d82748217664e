"""What is wrong with a drive? The whole way from King to the server is looked at: this machine first, then the server.

Each step is one method of `Diagnosis`, and depends on others: what depends on a failed step is skipped and says so.
Every question to the network has a time limit, and nobody logs in more than once, for some servers lock an account
after a few wrong passwords. Nothing is changed, but for two small files at the server (`delivery/probe.py`), and one
that lies there until it is known whether INGIS leaves it alone (`delivery/survival.py`).
"""

from __future__ import annotations

import errno
import functools
import http.client
import json
import os
import shutil
import socket
import sqlite3
import ssl
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from ingisfs import credentials, letters, mounting
from ingisfs.config import DEFAULT_DRIVE, NO_PROXY, ConfigError, Drive
from ingisfs.delivery.failures import DeliveryError, TargetNeedsPersonError, TargetReason, TransientError
from ingisfs.delivery.probe import Findings, probe
from ingisfs.delivery.server import Server
from ingisfs.delivery.survival import Known, Survival, Verdict
from ingisfs.drive import host, registry, stop_file
from ingisfs.outbox import ballast, salvage
from ingisfs.outbox.document import BY_INGIS, State
from ingisfs.outbox.locks import is_locked
from ingisfs.outbox.mirror import machine_id
from ingisfs.outbox.reading import DATABASE, ReadOnlyOutbox
from ingisfs.outbox.store import OutboxForeignError, refuse_foreign
from ingisfs.report.catalogue import duration, moment, number, say, size
from ingisfs.whereabouts import others_at
from ingisfs.windows import Windows

RELEASED = datetime(2026, 11, 25, tzinfo=UTC).timestamp()  # of this version: no clock that is right says less
ANSWER = 10.0  # s for one question to the network
PROBE = 180.0  # s for the server to deal with the two small files
EXPIRES_SOON = 14 * 86400.0  # s
CLOCK_OFF = 300.0  # s between two clocks that are still right
SHOWN = 4  # addresses of one name

_TLS_AT_ONCE, _TLS_BY_FTP, _SSH, _CLEAR = "tls", "ftp", "ssh", "clear"
_SCHEMES: Final = {  # kind of connection, and port
    "https": (_TLS_AT_ONCE, 443),
    "http": (_CLEAR, 80),
    "ingis": (_TLS_AT_ONCE, 443),
    "ingis+http": (_CLEAR, 80),
    "sftp": (_SSH, 22),
    "ftps": (_TLS_BY_FTP, 21),
    "ftps-implicit": (_TLS_AT_ONCE, 990),
    "ftp": (_CLEAR, 21),
}
_PORTAL: Final = {"ingis", "ingis+http"}
_BY_HTTP: Final = {"https", "http", "ingis", "ingis+http"}
_IMPLICIT_FTPS = 990  # a port on which ftps:// means the same as ftps-implicit://

# X509_V_ERR_* of OpenSSL
_NOT_YET_VALID, _EXPIRED, _OTHER_NAME, _OTHER_ADDRESS = 9, 10, 62, 64

T = TypeVar("T")


class Result(StrEnum):
    """What a step found."""

    GOOD = "good"
    WARN = "warn"  # it works, but somebody should have a look
    BAD = "bad"
    SKIPPED = "skipped"  # a step that it depends on failed
    UNKNOWN = "unknown"  # not yet: a later check tells


@dataclass(frozen=True, slots=True)
class Step:
    """What one step found, in the language of the drive."""

    name: str  # for programs: it never changes
    result: Result
    text: str
    remedy: str = ""  # what to do now
    away: bool = False  # bad, but only because the server does not answer now


_MARKS: Final = {Result.GOOD: "✓", Result.WARN: "!", Result.BAD: "✗", Result.SKIPPED: "–", Result.UNKNOWN: "?"}
_PLAIN_MARKS: Final = {Result.GOOD: "+", Result.WARN: "!", Result.BAD: "x", Result.SKIPPED: "-", Result.UNKNOWN: "?"}


def marks(encoding: str | None) -> dict[Result, str]:
    """Return the marks that a terminal of this encoding can show."""
    try:
        "".join(_MARKS.values()).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return _PLAIN_MARKS
    return _MARKS


class Diagnosis:
    """One look at one drive. Not for several threads."""

    def __init__(self, drive: Drive) -> None:
        """Look at nothing yet."""
        self._drive = drive
        self._language = drive.language
        parts = urlsplit(drive.server)
        self._scheme = parts.scheme
        self._kind, port = _SCHEMES.get(parts.scheme, (_TLS_AT_ONCE, 443))
        self._host, self._port = parts.hostname or "", parts.port or port
        if self._kind == _TLS_BY_FTP and self._port == _IMPLICIT_FTPS:
            self._kind = _TLS_AT_ONCE
        self._proxy = _proxy(parts.scheme, self._host, drive.proxy)
        self._addresses: list[str] = []
        self._secret = ""
        self._findings: Findings | None = None
        self._survival: Known | Exception | None = None
        self._found: dict[str, Step] = {}

    def run(self) -> Iterator[Step]:
        """Yield what each step found, as soon as it did. A step that does not concern this drive is not told of."""
        for name, needs, look in _STEPS:
            failed = next((n for n in needs if n in self._found and self._found[n].result in _FAILED), None)
            try:
                step = self._skip(name, failed) if failed else look(self)
            except ConfigError as error:
                step = Step(name, Result.BAD, say(self._language, error.sentence, **error.values))
            except PermissionError as error:
                step = Step(name, Result.BAD, self._say("login.machine", detail=error.filename or error))
            except Exception as error:  # whoever looks for a fault must not be stopped by one
                detail = f"{type(error).__name__}: {error}"
                step = self._bad(name, "check.unforeseen", "check.unforeseen.remedy", detail=detail)
            if step is not None:
                self._found[name] = step
                yield step

    # ---- results -------------------------------------------------------------------------------------------------

    def _say(self, sentence: str, **values: object) -> str:
        return say(self._language, sentence, **values)

    def _good(self, name: str, sentence: str = "", **values: object) -> Step:
        return Step(name, Result.GOOD, self._say(sentence or f"check.{name}.good", **values))

    def _warn(self, name: str, sentence: str, remedy: str = "", **values: object) -> Step:
        return Step(name, Result.WARN, self._say(sentence, **values), self._remedy(remedy, values))

    def _bad(self, name: str, sentence: str, remedy: str = "", *, away: bool = False, **values: object) -> Step:
        return Step(name, Result.BAD, self._say(sentence, **values), self._remedy(remedy, values), away)

    def _remedy(self, remedy: str, values: dict[str, object]) -> str:
        return self._say(remedy, **values) if remedy else ""

    def _skip(self, name: str, failed: str) -> Step:
        while self._found[failed].result is Result.SKIPPED:  # name what it is all about
            failed = next(n for n in _needs(failed) if n in self._found and self._found[n].result in _FAILED)
        title = self._say(f"check.step.{failed}")
        return Step(name, Result.SKIPPED, self._say("check.skipped", title=title))

    # ---- this machine --------------------------------------------------------------------------------------------

    def _python(self) -> Step | None:
        if sys.platform != "win32":
            return None
        python = "{}.{}".format(*sys.version_info)
        if sys.version_info >= (3, 12):
            raise ConfigError("mount.python-too-new", python=python)
        return self._good("python", python=python)

    def _library(self) -> Step:
        if sys.platform != "win32":
            mounting.check_fuse()
        return self._good("host", library=host.library())

    def _elevated(self) -> Step | None:
        if sys.platform != "win32":
            return None
        values: dict[str, Any] = {"mountpoint": self._drive.mountpoint}
        for warning in mounting.warnings(self._drive):
            return self._warn("elevated", warning, **values)
        return self._good("elevated")

    def _mountpoint(self) -> Step:
        drive, name = self._drive, "mountpoint"
        values: dict[str, Any]
        mounted = registry.running(drive.state_folder)
        if mounted is not None:
            if mounting.answers(mounted.mountpoint, ANSWER):
                return self._good(name, mountpoint=mounted.mountpoint)
            if mounting.warnings(drive):  # our window does not see the letters of others
                return self._warn(name, "check.mountpoint.elsewhere", "check.mountpoint.elsewhere.remedy")
            values = {"mountpoint": mounted.mountpoint, "log": drive.state_folder / "log"}
            return self._bad(name, "check.mountpoint.silent", "check.mountpoint.silent.remedy", **values)
        if is_locked(drive.state_folder / "drive.lock"):
            return self._warn(name, "check.mountpoint.elsewhere", "check.mountpoint.elsewhere.remedy")
        if not drive.mountpoint:
            return self._warn(name, "check.mountpoint.none", "check.mountpoint.none.remedy")
        place = mounting.place(drive.mountpoint)
        if (others := others_at(place)) is not None and not mounting.is_dead(place):
            return Step(name, Result.WARN, say(self._language, others.sentence, **others.values))
        is_free = within(ANSWER, lambda: _is_free(place))
        option = "" if drive.name == DEFAULT_DRIVE else f" --drive {drive.name}"
        start = "ingisfs autostart on --machine" if drive.of_machine else f"ingisfs mount{option}"
        values = {"mountpoint": place, "start": start}
        if not is_free or self._died(place):
            values["log"] = drive.state_folder / "log"
            return self._bad(name, "check.mountpoint.died", "check.mountpoint.died.remedy", **values)
        return self._warn(name, "check.mountpoint.free", "check.mountpoint.free.remedy", **values)

    def _died(self, place: str) -> bool:
        """Tell whether the drive was there, and nobody unmounted it."""
        try:
            before = mounting.find(place)
        except ConfigError:
            return False
        return before.state_folder == self._drive.state_folder and not stop_file.was_stopped(before.state_folder)

    def _outbox(self) -> Step:
        folder, name = self._drive.state_folder, "outbox"
        path = folder / "outbox" / DATABASE
        try:
            if not path.exists():
                return self._good(name, "check.outbox.none")
            if not salvage.is_sound(folder):
                raise sqlite3.DatabaseError
            refuse_foreign(path)
            with closing(ReadOnlyOutbox(folder)) as outbox:
                ours = outbox.meta("machine_id") in {None, machine_id()}
        except PermissionError:
            raise ConfigError("login.machine", detail=folder) from None
        except OutboxForeignError as error:
            raise ConfigError("outbox.foreign", folder=folder, detail=error) from None
        except sqlite3.OperationalError as error:  # no damage: somebody keeps it, or the disk
            raise ConfigError("outbox.busy", folder=folder, detail=error) from None
        except sqlite3.DatabaseError:
            return self._bad(name, "check.outbox.damaged", "check.outbox.damaged.remedy", folder=folder)
        if not ours:
            return self._warn(name, "check.outbox.moved", "check.outbox.moved.remedy", folder=folder)
        return self._good(name, users=", ".join(self._users()) or self._say("check.outbox.nobody"))

    def _users(self) -> Iterator[str]:
        folder = self._drive.state_folder
        if is_locked(folder / "drive.lock"):
            mounted = registry.running(folder)
            yield self._say("check.outbox.drive", pid=mounted.pid if mounted else "?")
        if is_locked(folder / "courier.lock"):
            yield self._say("check.outbox.courier")

    def _documents(self) -> Step | None:
        folder = self._drive.state_folder
        try:
            outbox = ReadOnlyOutbox(folder)
        except FileNotFoundError:
            return None
        with closing(outbox):
            counts, waiting = outbox.counts(), number(self._language, outbox.waiting())
        held, parked = (number(self._language, counts[state]) for state in (State.HELD, State.PARKED))
        if not counts[State.HELD] + counts[State.PARKED]:
            return self._good("documents", waiting=waiting)
        sentence = "check.documents.person"
        values: dict[str, Any] = {"waiting": waiting, "held": held, "parked": parked, "folder": folder}
        return self._warn("documents", sentence, f"{sentence}.remedy", **values)

    def _disk(self) -> Step:
        drive, folder = self._drive, self._drive.state_folder
        mounting.check_state(folder)
        place = next(each for each in (folder, *folder.parents) if each.exists())
        try:
            takes = ballast.takes(place, ballast.LITTLE)
        except OSError as error:
            if error.errno == errno.EACCES and drive.of_machine:
                raise ConfigError("login.machine", detail=place) from None
            raise ConfigError("outbox.unwritable", folder=place, detail=error.strerror or error) from None
        if not takes:
            raise ConfigError("outbox.full", folder=place)
        free = shutil.disk_usage(place).free
        values: dict[str, Any] = {
            "free": size(self._language, free),
            "folder": place,
            "reserve": size(self._language, drive.reserve),
            "ballast": size(self._language, drive.ballast),
        }
        if free < drive.reserve:
            return self._bad("disk", "check.disk.reserve", "check.disk.remedy", **values)
        has_ballast = (folder / "ballast").exists()
        if not has_ballast and free < drive.reserve + 2 * drive.ballast:
            return self._warn("disk", "check.disk.tight", "check.disk.remedy", **values)
        return self._good("disk", kind=_file_system(place) or "?", **values)

    def _clock(self) -> Step:
        now = time.time()
        told = moment(self._language, now)
        if now < RELEASED:
            return self._bad("clock", "check.clock.past", "check.clock.remedy", now=told)
        return self._good("clock", now=told)

    def _mail(self) -> Step:
        if not self._drive.alarms:
            return self._warn("mail", "check.mail.off", "check.mail.off.remedy")
        if self._drive.mail is None:
            return self._good("mail", "check.mail.none")
        return self._good("mail", to=", ".join(self._drive.mail.to))

    # ---- the way to the server -----------------------------------------------------------------------------------

    def _password(self) -> Step:
        self._secret = credentials.password(self._drive)
        return self._good("password", user=self._drive.user)

    def _through(self) -> Step | None:
        return self._good("proxy", proxy=self._proxy) if self._proxy else None

    def _dns(self) -> Step | None:
        if self._proxy:
            return None
        ask = functools.partial(socket.getaddrinfo, self._host, self._port, type=socket.SOCK_STREAM)
        try:
            found = within(ANSWER, ask)
        except TimeoutError:
            values: dict[str, Any] = {"host": self._host, "seconds": f"{ANSWER:g}"}
            return self._bad("dns", "check.dns.slow", "check.dns.remedy", away=True, **values)
        except (OSError, UnicodeError) as error:
            detail = getattr(error, "strerror", None) or error
            values = {"host": self._host, "detail": detail}
            return self._bad("dns", "check.dns.unknown", "check.dns.remedy", away=True, **values)
        self._addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
        more = ", …" if len(self._addresses) > SHOWN else ""
        return self._good("dns", host=self._host, addresses=", ".join(self._addresses[:SHOWN]) + more)

    def _tcp(self) -> Step | None:
        if self._proxy:
            return None
        failure, address, begun = OSError(), "", 0.0
        for address in self._addresses[:SHOWN]:
            begun = time.monotonic()
            try:
                with socket.create_connection((address, self._port), ANSWER):
                    milliseconds = f"{1000 * (time.monotonic() - begun):.0f}"
                return self._good("tcp", address=address, port=self._port, milliseconds=milliseconds)
            except OSError as error:
                failure = error
        values: dict[str, Any] = {"address": address, "port": self._port, "detail": failure.strerror or failure}
        sentence = "check.tcp.refused" if isinstance(failure, ConnectionRefusedError) else "check.tcp.silent"
        return self._bad("tcp", sentence, f"{sentence}.remedy", away=True, **values)

    def _host_key(self) -> Step | None:
        if self._kind != _SSH:
            return None
        from ingisfs.delivery.sftp import host_keys  # takes 0.9 s

        name, drive = "host-key", self._drive
        try:
            found = within(PROBE, functools.partial(host_keys, drive.server))
        except (TransientError, TimeoutError) as error:
            return self._bad(name, "check.host-key.lost", "check.tcp.silent.remedy", away=True, detail=error)
        except DeliveryError as error:
            return self._bad(name, "check.host-key.lost", "probe.unknown", detail=error)
        pinned = drive.host_key.rstrip("=")
        if pinned in found:
            return self._good(name, fingerprint=pinned)
        return self._bad(name, "check.host-key.bad", "probe.host-key", shown=", ".join(found))

    def _tls(self) -> Step | None:
        if self._proxy or self._kind not in {_TLS_AT_ONCE, _TLS_BY_FTP}:
            return None
        name = "tls"
        values: dict[str, Any] = {"host": self._host, "scheme": self._scheme}
        from ingisfs.delivery.certificates import is_about_ours

        context = self._trust()
        try:
            with closing(self._connected(context)) as connection:
                version, certificate = connection.version(), connection.getpeercert()
        except ssl.SSLCertVerificationError as error:
            which = {
                _EXPIRED: "expired",
                _NOT_YET_VALID: "not-yet",
                _OTHER_NAME: "name",
                _OTHER_ADDRESS: "name",
            }.get(error.verify_code, "untrusted")
            remedy = "time" if which in {"expired", "not-yet"} else which
            values["detail"] = error.verify_message
            return self._bad(name, f"check.tls.{which}", f"check.tls.{remedy}.remedy", **values)
        except (ssl.SSLError, _NoTlsError) as error:
            if is_about_ours(error):
                values["detail"] = getattr(error, "reason", error)
                return self._bad(name, "check.tls.ours", "check.tls.ours.remedy", **values)
            values["detail"] = getattr(error, "reason", None) or error
            return self._bad(name, "check.tls.none", "check.tls.none.remedy", **values)
        except OSError as error:
            values["detail"] = error.strerror or error
            return self._bad(name, "check.tls.lost", "check.tcp.silent.remedy", away=True, **values)
        until = ssl.cert_time_to_seconds(str((certificate or {}).get("notAfter")))
        values = {"version": version, "until": moment(self._language, until), "issuer": _issuer(certificate)}
        if until - time.time() < EXPIRES_SOON:
            return self._warn(name, "check.tls.soon", "check.tls.soon.remedy", **values)
        return self._good(name, **values)

    def _trust(self) -> ssl.SSLContext:
        """Return whose certificates deliveries trust. Raises ConfigError."""
        from ingisfs.delivery.certificates import trusted

        return trusted(self._drive)

    def _connected(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        """Return an encrypted connection on which nobody logged in. Raises OSError, _NoTlsError."""
        plain = socket.create_connection((self._host, self._port), ANSWER)
        try:
            if self._kind == _TLS_BY_FTP:
                _begin_tls_by_ftp(plain)
            return context.wrap_socket(plain, server_hostname=self._host)
        except BaseException:
            plain.close()
            raise

    def _server_clock(self) -> Step | None:
        """Compare with the `Date` of the server's answer to a question without a log-in."""
        name = "server-clock"
        if self._proxy or self._scheme not in _BY_HTTP:
            return None
        tls = self._found.get("tls")
        connection: http.client.HTTPConnection
        if tls is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=ANSWER)
        else:
            context = self._trust()
            if tls.result is Result.BAD:  # perhaps for no reason but the clock; nothing secret is said here
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=ANSWER, context=context)
        with closing(connection):
            try:
                connection.request("HEAD", "/")
                told = connection.getresponse().headers.get("Date")
                difference = time.time() - parsedate_to_datetime(told or "").timestamp()
            except (OSError, http.client.HTTPException, ValueError, TypeError):
                return None  # it does not tell
        if abs(difference) <= CLOCK_OFF:
            return self._good(name)
        sentence = f"check.server-clock.{'fast' if difference > 0 else 'slow'}"
        return self._warn(name, sentence, "check.clock.remedy", difference=duration(self._language, abs(difference)))

    # ---- the server itself ---------------------------------------------------------------------------------------

    def _login(self) -> Step:
        from ingisfs.delivery.__main__ import connect

        drive = self._drive
        try:
            server = lambda: connect(drive, self._secret)  # noqa: E731
            found = within(PROBE, lambda: probe(server, drive.temporary_folder, self._look_for_file))
        except TimeoutError:
            return self._bad("login", "check.probe.slow", "probe.unreachable", away=True, seconds=f"{PROBE:g}")
        self._findings = found
        if found.step == "reach" and not _is(found, TargetReason.FORBIDDEN, TargetReason.FOLDER_MISSING):
            return self._failed("login")
        return self._good("login", user=drive.user)

    def _folder(self) -> Step:
        return self._failed("folder") if self._failed_at("reach", "put") else self._good("folder")

    def _rename(self) -> Step:
        if self._failed_at("rename"):
            return self._failed("rename")
        if not self._result.renames:
            return Step("rename", Result.WARN, self._say("probe.no-rename"))
        return self._good("rename")

    def _overwrite(self) -> Step:
        if self._result.overwrites:
            return self._bad("overwrite", "probe.overwrites")
        if self._result.unguarded:
            return self._warn("overwrite", "probe.unguarded")
        return self._good("overwrite")

    def _names(self) -> Step:
        if self._failed_at("list"):
            return self._failed("names")
        return self._good("names", "probe.unlisted" if self._result.listed is False else "")

    def _remove(self) -> Step:
        if self._failed_at("remove"):
            return self._failed("remove")
        if self._result.left:
            return self._warn("remove", "probe.left", names=", ".join(self._result.left))
        return self._good("remove")

    def _look_for_file(self, server: Server) -> None:
        """Look on the probe's connection what became of the file that an earlier check left."""
        if self._scheme in _PORTAL:
            return
        drive = self._drive
        survival = Survival(drive.state_folder, drive.server, drive.temporary_folder)
        try:
            self._survival = survival.look(server, time.time(), self._collected)
        except (DeliveryError, OSError) as error:
            self._survival = error

    def _collected(self, since: float) -> int:
        """Return how many documents INGIS took that were delivered since a time, 0 if that cannot be told."""
        folder = self._drive.state_folder
        if not (folder / "outbox" / DATABASE).exists():
            return 0
        states = sorted(BY_INGIS)
        query = (
            "SELECT count(DISTINCT documents.id) FROM documents JOIN history ON history.id = documents.id"
            f" WHERE delivered_at >= ? AND history.after IN ({', '.join('?' * len(states))})"
        )
        with suppress(sqlite3.Error, OutboxForeignError), closing(ReadOnlyOutbox(folder)) as outbox:
            ((found,),) = outbox.rows(query, (since, *states))
            return int(found)
        return 0

    def _batch(self) -> Step | None:
        if not self._result.renames:
            return None  # nothing is ever under a temporary name
        if self._scheme in _PORTAL:
            return self._good("batch", "check.batch.portal")
        if isinstance(self._survival, Exception):
            raise self._survival
        if self._survival is None:
            return Step("batch", Result.UNKNOWN, self._say("check.batch.busy"))
        known = self._survival
        lain = duration(self._language, known.seconds)
        match known.verdict:
            case Verdict.SURVIVES if known.collected:
                return self._good("batch", "check.batch.collected", lain=lain, count=known.collected)
            case Verdict.SURVIVES:
                return self._good("batch", lain=lain)
            case Verdict.GONE:
                return self._bad("batch", "check.batch.gone", "check.batch.gone.remedy", lain=lain)
        sentence = "check.batch.begun" if known.seconds < 1 else "check.batch.waiting"
        remedy = self._say("check.batch.remedy")
        return Step("batch", Result.UNKNOWN, self._say(sentence, lain=lain), remedy)

    @property
    def _result(self) -> Findings:
        assert self._findings is not None
        return self._findings

    def _failed_at(self, *steps: str) -> bool:
        return self._result.error is not None and self._result.step in steps

    def _failed(self, name: str) -> Step:
        """Tell of the step at which the probe failed, in the words of the probe."""
        from ingisfs.setup import told

        text, *more = told(self._language, self._result)
        away = isinstance(self._result.error, TransientError)
        return Step(name, Result.BAD, text, "\n".join(more), away)


_FAILED = {Result.BAD, Result.SKIPPED}
_SERVER = ("password", "dns", "tcp", "tls", "host-key")

#: Name, the steps that must not have failed before it, and how to look. In this order.
_STEPS: Sequence[tuple[str, tuple[str, ...], Callable[[Diagnosis], Step | None]]] = (
    ("python", (), Diagnosis._python),
    ("host", (), Diagnosis._library),
    ("elevated", (), Diagnosis._elevated),
    ("mountpoint", (), Diagnosis._mountpoint),
    ("outbox", (), Diagnosis._outbox),
    ("documents", ("outbox",), Diagnosis._documents),
    ("disk", (), Diagnosis._disk),
    ("clock", (), Diagnosis._clock),
    ("mail", (), Diagnosis._mail),
    ("password", (), Diagnosis._password),
    ("proxy", (), Diagnosis._through),
    ("dns", (), Diagnosis._dns),
    ("tcp", ("dns",), Diagnosis._tcp),
    ("host-key", ("tcp",), Diagnosis._host_key),
    ("tls", ("tcp",), Diagnosis._tls),
    ("server-clock", ("tcp",), Diagnosis._server_clock),
    ("login", _SERVER, Diagnosis._login),
    ("folder", ("login",), Diagnosis._folder),
    ("rename", ("folder",), Diagnosis._rename),
    ("overwrite", ("rename",), Diagnosis._overwrite),
    ("names", ("rename",), Diagnosis._names),
    ("remove", ("folder",), Diagnosis._remove),
    ("batch", ("remove",), Diagnosis._batch),
)


def _needs(name: str) -> tuple[str, ...]:
    return next(needs for each, needs, _ in _STEPS if each == name)


def conclusion(steps: Iterable[Step]) -> str:
    """Return what it all comes to: "good", "warned", "away" (the server does not answer now) or "person"."""
    steps = list(steps)
    bad = [step for step in steps if step.result is Result.BAD]
    if bad:
        return "away" if all(step.away for step in bad) else "person"
    return "warned" if any(step.result is Result.WARN for step in steps) else "good"


def as_lines(step: Step, language: str, shown: dict[Result, str]) -> str:
    """Return a step as people read it."""
    title = say(language, f"check.step.{step.name}")
    lines = [f"{shown[step.result]} {title:<{TITLE}} {step.text}"]
    lines += [f"  {'':<{TITLE}} {line}" for line in step.remedy.splitlines()]
    return "\n".join(lines)


TITLE = 18  # columns


def as_json(drive: Drive, steps: Iterable[Step]) -> str:
    """Return all steps as JSON, for programs."""
    steps = list(steps)
    told: dict[str, Any] = {
        "schema": 1,
        "drive": drive.name,
        "server": drive.server,
        "conclusion": conclusion(steps),
        "steps": [{"name": s.name, "result": s.result, "text": s.text, "remedy": s.remedy or None} for s in steps],
    }
    return json.dumps(told, ensure_ascii=False, indent=2)


# ---- helpers -----------------------------------------------------------------------------------------------------


def within(seconds: float, work: Callable[[], T]) -> T:
    """Return what `work` does. Raises what it raises, and TimeoutError after so many seconds: then it is left alone."""
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="diagnosis", daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not done:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return done[0]


def _is(findings: Findings, *reasons: TargetReason) -> bool:
    return isinstance(findings.error, TargetNeedsPersonError) and findings.error.reason in reasons


def _is_free(place: str) -> bool:
    """Tell whether a drive can be mounted there; False if only what a killed one left is in the way.

    Raises ConfigError.
    """
    if sys.platform == "win32":
        letters.choose(place, Windows().letters())
        return True
    try:
        entries = os.listdir(place)
    except FileNotFoundError:
        raise ConfigError("mount.missing", mountpoint=place) from None
    except NotADirectoryError:
        raise ConfigError("mount.not-a-folder", mountpoint=place) from None
    except OSError as error:
        if error.errno == errno.ENOTCONN:
            return False
        raise ConfigError("mount.unusable", mountpoint=place, detail=error.strerror) from None
    if os.path.ismount(place):
        raise ConfigError("mount.other", mountpoint=place)
    if entries:
        raise ConfigError("mount.not-empty", mountpoint=place)
    return True


def _file_system(place: Path) -> str:
    if sys.platform == "win32":
        return Windows().file_system(place)
    try:
        return letters.disk_of(place, mounting.MOUNTINFO.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return ""


def _proxy(scheme: str, host: str, chosen: str) -> str:
    """Return through which proxy a server is asked, as WebDAV is; "" for none. Nobody's password is in it."""
    if scheme not in _BY_HTTP or chosen == NO_PROXY:
        return ""
    if chosen:
        return urlsplit(chosen).netloc
    proxies = urllib.request.getproxies()
    found = proxies.get("http" if _SCHEMES[scheme][0] == _CLEAR else "https") or proxies.get("all")
    if not found or not host or urllib.request.proxy_bypass(host):
        return ""
    return urlsplit(found if "://" in found else f"//{found}").netloc.rpartition("@")[2]


def _issuer(certificate: Any) -> str:
    names = {key: value for part in (certificate or {}).get("issuer", ()) for key, value in part}
    return str(names.get("organizationName") or names.get("commonName") or "?")


class _NoTlsError(Exception):
    """The server answers, and knows no TLS."""


def _begin_tls_by_ftp(plain: socket.socket) -> None:
    """Have an FTP server begin TLS (RFC 4217). Raises OSError, _NoTlsError."""
    with plain.makefile("rb") as answers:

        def expect(code: str) -> None:
            for line in iter(lambda: answers.readline(4096), b""):
                text = line.decode("ascii", "replace").rstrip()
                if text[:3].isdigit() and text[3:4] != "-":
                    if not text.startswith(code):
                        raise _NoTlsError(text)
                    return
            raise ConnectionResetError(errno.ECONNRESET, "the server hung up")

        expect("220")
        plain.sendall(b"AUTH TLS\r\n")
        expect("234")
