"""The courier's process: `python -m ingisfs.delivery [GENERATION]`, started by the drive, which says which one it is.

The first line on standard input is the drive's settings as JSON. After it, every line means "there is work", and the
end of the input means that the drive is gone; the courier then finishes what is in the outbox and ends.
"""

from __future__ import annotations

import gc
import logging
import signal
import sqlite3
import ssl
import sys
import threading
import time
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from ingisfs import alarms, credentials
from ingisfs.config import UNENCRYPTED, ConfigError, Drive, folder_routes
from ingisfs.delivery.courier import Courier, Plan
from ingisfs.delivery.failures import TargetNeedsPersonError, TargetReason
from ingisfs.delivery.following import Pattern
from ingisfs.delivery.server import Server
from ingisfs.delivery.survival import Survival
from ingisfs.logs import log_to
from ingisfs.outbox.ballast import LITTLE, Ballast
from ingisfs.outbox.document import State
from ingisfs.outbox.intake import Rules
from ingisfs.outbox.locks import FileLock
from ingisfs.outbox.mirror import default_folder, is_foreign
from ingisfs.outbox.outbox import Outbox
from ingisfs.outbox.reading import ReadOnlyOutbox
from ingisfs.processes import yield_to_others

log = logging.getLogger(__name__)

LOOK = 2.0  # s between two looks, while a predecessor has the outbox, whether we are still the newest
WAIT_FOR_PREDECESSOR = 3600.0  # s; an older courier ends soon after it sees that another drive has begun


def connect(drive: Drive, secret: str | None = None) -> Server:
    """Make a server object of the kind that the drive's URL names. Raises TargetNeedsPersonError without a password.

    `secret` is the password, if it is not to be looked for.
    """
    try:
        secret = credentials.password(drive) if secret is None else secret
    except ConfigError as error:
        raise TargetNeedsPersonError(TargetReason.LOGIN, str(error)) from None
    scheme = urlsplit(drive.server).scheme
    if scheme in {"https", "http"}:
        from ingisfs.delivery.webdav import WebDavServer

        return WebDavServer(drive.server, drive.user, secret, verify=_trusted(drive), proxy=drive.proxy)
    if scheme in {"ingis", "ingis+http"}:
        from ingisfs.delivery.portal import PortalServer

        return PortalServer(drive.server, drive.user, secret, verify=_trusted(drive), proxy=drive.proxy)
    if scheme == "sftp":
        from ingisfs.delivery.sftp import SftpServer  # takes 0.9 s

        key_file = Path(drive.key_file).expanduser() if drive.key_file else None
        return SftpServer(
            drive.server, drive.user, secret, host_key=drive.host_key, key_file=key_file, agent=drive.agent
        )
    if scheme in {"ftps", "ftps-implicit"} or (scheme == "ftp" and drive.unencrypted in UNENCRYPTED.values()):
        from ingisfs.delivery.ftps import FtpsServer

        return FtpsServer(drive.server, drive.user, secret, context=_trusted(drive))
    raise TargetNeedsPersonError(TargetReason.UNKNOWN, f"no such kind of server: {drive.server}")


def _trusted(drive: Drive) -> ssl.SSLContext:
    """Return with whom we speak, and as whom. Raises TargetNeedsPersonError for files that cannot be used."""
    from ingisfs.delivery.certificates import trusted

    try:
        return trusted(drive)
    except ConfigError as error:
        reason = TargetReason.CERTIFICATE if error.values["key"] == "ca_file" else TargetReason.LOGIN
        raise TargetNeedsPersonError(reason, "{key} {path}: {detail}".format(**error.values)) from None


def _is_past(state_folder: Path, generation: str) -> bool:
    """Tell whether another drive has begun since ours, and brought a courier of its own."""
    if not generation:
        return False
    try:
        with closing(ReadOnlyOutbox(state_folder)) as outbox:
            newest = outbox.meta("drive_generation")
    except (OSError, sqlite3.Error):
        return False  # whoever delivers will see
    if newest == generation:
        return False
    log.info("drive %s has begun meanwhile, and brought a courier of its own", newest)
    return True


def main() -> int:
    """Run one courier. Returns the exit code: 0 done, or another courier's to do; 1 no lock."""
    drive = Drive.from_json(sys.stdin.readline())
    yield_to_others()
    gc.freeze()  # what was imported stays
    with suppress(OSError):  # a disk that is full: delivering matters more
        log_to(drive.state_folder / "log" / "courier.log")
    lock = FileLock(drive.state_folder / "courier.lock")
    generation = sys.argv[1] if len(sys.argv) > 1 else ""
    until = time.monotonic() + WAIT_FOR_PREDECESSOR
    while not lock.acquire(LOOK):
        if _is_past(drive.state_folder, generation):
            return 0
        if time.monotonic() > until:
            log.error("another courier keeps the outbox")
            return 1
    if _is_past(drive.state_folder, generation):
        return 0
    ballast = Ballast(drive.state_folder / "ballast", drive.ballast, lendable=2 * drive.max_document)
    with suppress(OSError):
        ballast.lend(LITTLE)  # opening needs it
    outbox = Outbox(drive.state_folder, settle=drive.settle, wal_bound=drive.wal_bound)
    _, mirror = is_foreign(outbox, default_folder())
    plan = Plan(
        Rules(frozenset(drive.types), folder_routes(drive), drive.pair_wait, drive.reprints == "send"),
        workers=drive.workers,
        temporary_folder=drive.temporary_folder,
        temp_lifetime=drive.temp_lifetime,
        keep_visible=drive.keep_visible,
        archive_days=drive.archive_days,
        follow=drive.follow,
        answers=tuple(Pattern(text, State(key)) for key, texts in drive.responses.items() for text in texts),
        receipts=urlsplit(drive.server).scheme in {"ingis", "ingis+http"},
    )
    outbox.set_meta("follows", "1" if plan.follow else "")  # for those who wait for what INGIS says
    survival = Survival(drive.state_folder, drive.server, drive.temporary_folder)
    courier = Courier(outbox, plan, partial(connect, drive), mirror, ballast, survival, generation)

    def listen() -> None:
        for _ in sys.stdin:
            courier.wake("work")
        courier.wake("orphan")

    for name in ("SIGTERM", "SIGINT"):
        signal.signal(getattr(signal, name), lambda *_: courier.wake("stop"))
    threading.Thread(target=listen, name="drive", daemon=True).start()
    watch = alarms.start(drive, outbox)  # tells when the drive, which looks as well, is gone
    try:
        courier.run()
    finally:
        if watch is not None:
            watch.end()
        outbox.shut()
        lock.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
