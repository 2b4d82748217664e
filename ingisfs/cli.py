"""The commands. Each imports what it needs when it runs, so that `ingisfs status` starts quickly.

Exit codes: 0 fine, 1 failed, 2 wrong use, 3 documents or the server need a person.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import click

from ingisfs import __version__
from ingisfs.config import DEFAULT_DRIVE, LANGUAGES, ConfigError, Drive, config_path, load
from ingisfs.report.catalogue import say

if TYPE_CHECKING:
    from ingisfs.drive.registry import Mounted
    from ingisfs.outbox.reading import ReadOnlyOutbox
    from ingisfs.report.snapshot import Snapshot

FINE, FAILED, NEEDS_PERSON = 0, 1, 3
ANSWER = 10.0  # s for a drive to show its status file

P = ParamSpec("P")


def _language() -> str:
    """Return the language of this terminal's user: Dutch unless it clearly is another one."""
    chosen = os.environ.get("INGISFS_LANGUAGE") or os.environ.get("LC_ALL") or os.environ.get("LANG") or "nl"
    return "en" if chosen.lower().startswith("en") else "nl"


def _plainly(command: Callable[P, int | None]) -> Callable[P, None]:
    """Tell what went wrong in one sentence, and end with its exit code."""

    @wraps(command)
    def run(*arguments: P.args, **options: P.kwargs) -> None:
        try:
            code = command(*arguments, **options)
        except ConfigError as error:
            language = click.get_current_context().obj or _language()
            click.echo(say(language, error.sentence, **error.values), err=True)
            sys.exit(FAILED)
        sys.exit(code or FINE)

    return run


@click.group()
@click.version_option(__version__, prog_name="ingisfs")
def main() -> None:
    """A drive that King prints into: every finished document reaches INGIS exactly once."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def _configured(drive: str, config: Path | None, **options: Any) -> Drive:
    """Return a drive as the configuration has it, with what was said on the command line over it."""
    settings = load(config or config_path(), drive)
    said = {key: value for key, value in options.items() if value is not None}
    settings = dataclasses.replace(settings, **said)
    click.get_current_context().obj = settings.language
    return settings


_drive_option = click.option("--drive", default=DEFAULT_DRIVE, show_default=True, help="Name in the configuration.")
_config_option = click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="Configuration file.")
_machine_option = click.option("--machine", is_flag=True, help="The machine's own drive, not the user's.")


def _file(config: Path | None, machine: bool) -> Path:
    """Return the configuration file that is meant."""
    from ingisfs.config import machine_config_path

    return config or (machine_config_path() if machine else config_path())


def _or_of_machine(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that takes `config` the option --machine as well."""

    @wraps(command)
    def run(*arguments: Any, config: Path | None, machine: bool, **options: Any) -> None:
        command(*arguments, config=_file(config, machine), **options)

    return _config_option(_machine_option(run))


@main.command()
@click.argument("mountpoint", required=False)
@click.option("--all", "everything", is_flag=True, help="All drives of the configuration file.")
@_drive_option
@_or_of_machine
@click.option("--server", help="URL of the inbox: https://…, sftp://…, ftps://… or ingis://…")
@click.option("--user", help="Name at the server.")
@click.option("--state", help="Folder of the outbox, on a local disk.")
@click.option("--settle", type=click.FloatRange(0, 3600), help="Seconds a closed document waits for its program.")
@click.option("--language", type=click.Choice(LANGUAGES), help="Language of the drive's status files.")
@click.option("--foreground", is_flag=True, help="Serve in this process, until unmounted or interrupted.")
@_plainly
def mount(mountpoint: str | None, everything: bool, drive: str, config: Path, foreground: bool, **options: Any) -> int:
    """Mount the drive at MOUNTPOINT (X:, or an empty folder)."""
    if everything:
        said = {key for key, value in options.items() if value is not None}
        if mountpoint is not None or foreground or said or _is_said("drive"):
            raise click.UsageError("--all takes everything from the configuration file")
        return _each(config, _mount_one)
    return _mount(_configured(drive, config, mountpoint=mountpoint, **options), foreground=foreground)


def _mount(settings: Drive, *, foreground: bool = False) -> int:
    from ingisfs import mounting

    if settings.mountpoint:
        settings = dataclasses.replace(settings, mountpoint=mounting.place(settings.mountpoint))
    for warning in mounting.warnings(settings):
        click.echo(say(settings.language, warning, mountpoint=settings.mountpoint), err=True)
    done = {"drive": settings.name, "mountpoint": settings.mountpoint, "server": settings.server}
    if foreground:
        from ingisfs import serving

        mounting.check(settings)
        serving.serve(settings, lambda: click.echo(say(settings.language, "mount.done", **done)))
        return FINE
    mounting.mount(settings)
    click.echo(say(settings.language, "mount.done", **done))
    return FINE


def _mount_one(settings: Drive) -> int:
    """Mount one drive of many; one that is there already is fine."""
    from ingisfs.drive import registry

    mounted = registry.running(settings.state_folder)
    if mounted is None:
        return _mount(settings)
    what = say(settings.language, "all.mounted-already", mountpoint=mounted.mountpoint)
    click.echo(say(settings.language, "all.line", drive=settings.name, what=what))
    return FINE


def _unmount_one(settings: Drive, *, now: bool, timeout: float | None) -> int:
    """Unmount one drive of many; one that is not there is fine."""
    from ingisfs.drive import registry

    mounted = registry.running(settings.state_folder)
    if mounted is not None:
        return _unmount(mounted, now=now, timeout=timeout)
    what = say(settings.language, "all.not-mounted")
    click.echo(say(settings.language, "all.line", drive=settings.name, what=what))
    return FINE


def _is_said(parameter: str) -> bool:
    """Tell whether an option was given, and is not only what it is without."""
    source = click.get_current_context().get_parameter_source(parameter)
    return source is click.core.ParameterSource.COMMANDLINE


def _each(path: Path, do: Callable[[Drive], int]) -> int:
    """Do something to each drive of a configuration file; one that fails stops no other. Returns the worst code."""
    from ingisfs.config import names_in

    found = names_in(path)
    if not found:
        raise ConfigError("config.no-drives", path=path)
    codes = []
    for name in found:
        language = _language()
        try:
            settings = _configured(name, path)
            language = settings.language
            codes.append(do(settings))
        except ConfigError as error:
            what = say(language, error.sentence, **error.values)
            click.echo(say(language, "all.line", drive=name, what=what), err=True)
            codes.append(FAILED)
    return max(codes)


@main.command()
@click.argument("mountpoint", required=False)
@click.option("--all", "everything", is_flag=True, help="All drives of the configuration file.")
@_or_of_machine
@click.option("--now", is_flag=True, help="Do not wait for the queue.")
@click.option("--timeout", type=click.FloatRange(0), help="Seconds to wait for each queue at most.")
@_plainly
def unmount(mountpoint: str | None, everything: bool, config: Path, now: bool, timeout: float | None) -> int:
    """Wait until everything has been delivered, then take the drive away."""
    from functools import partial

    from ingisfs import mounting

    if not everything:
        return _unmount(mounting.find(mountpoint), now=now, timeout=timeout)
    if mountpoint is not None:
        raise click.UsageError("give a mountpoint or --all")
    return _each(config, partial(_unmount_one, now=now, timeout=timeout))


def _unmount(mounted: Mounted, *, now: bool, timeout: float | None) -> int:
    from ingisfs import mounting
    from ingisfs.outbox.reading import ReadOnlyOutbox

    language = _language()
    try:
        outbox = ReadOnlyOutbox(mounted.state_folder)
    except PermissionError:
        raise ConfigError("where.machine", mountpoint=mounted.mountpoint) from None
    try:
        language = click.get_current_context().obj = outbox.meta("language") or language
        if not now and mounted.alive:
            code = _drain(outbox, mounted.mountpoint, language, timeout)
            if code != FINE:
                return code
        mounting.unmount(mounted)
        waiting, held = outbox.waiting(), outbox.needing_person_count()
    finally:
        outbox.close()
    values = {"mountpoint": mounted.mountpoint, "state": mounted.state_folder}
    if waiting:
        click.echo(say(language, "unmount.left", count=waiting, **values))
    if held:
        click.echo(say(language, "unmount.held", count=held, **values))
        return NEEDS_PERSON
    if not waiting:
        click.echo(say(language, "unmount.done", **values))
    return FINE


def _drain(outbox: ReadOnlyOutbox, mountpoint: str, language: str, timeout: float | None) -> int:
    """Wait for the queue, with progress."""
    from ingisfs.report.catalogue import moment
    from ingisfs.report.console import Progress
    from ingisfs.report.target import read_target

    end = None if timeout is None else time.monotonic() + timeout
    with Progress(outbox.waiting(), language) as progress:
        while (count := outbox.waiting()) > 0:
            progress.update(count)
            if (until := outbox.paused_until(time.time())) is not None:
                click.echo(say(language, "unmount.paused", count=count, when=moment(language, until)), err=True)
                return FAILED
            target = read_target(outbox)
            if target.state == "needs_person":
                why = target.sentence(language)
                click.echo(say(language, "unmount.needs-person", count=count, mountpoint=mountpoint, why=why), err=True)
                return NEEDS_PERSON
            if end is not None and time.monotonic() >= end:
                values = {"count": count, "mountpoint": mountpoint, "seconds": f"{timeout:g}"}
                click.echo(say(language, "unmount.timeout", **values), err=True)
                return FAILED
            time.sleep(0.1)
        progress.update(0)
    return FINE


@main.command()
@click.argument("mountpoint", required=False)
@_drive_option
@_or_of_machine
@click.option("--state", help="Folder of the outbox, of a drive that is not mounted.")
@click.option("--json", "as_json", is_flag=True, help="The same as INGIS-STATUS.json on the drive.")
@click.option("--watch", is_flag=True, help="Show what happens, until interrupted.")
@_plainly
def status(
    mountpoint: str | None, drive: str, config: Path | None, state: str | None, as_json: bool, watch: bool
) -> int:
    """Say what became of the documents. Exit code 3: some of them, or the server, need a person."""
    from ingisfs.report import console

    try:
        settings, folder = _which(mountpoint, drive, config, state)
    except ConfigError as error:
        code = None if watch else _status_from_outside(mountpoint, drive, config, as_json=as_json)
        if code is None:
            raise error from None
        return code
    with _looking_into(folder) as outbox:

        def look() -> Snapshot:
            return _snapshot(outbox, settings)

        snapshot = look()
        gone, told = _told_of_drive(settings, folder, snapshot)
        if as_json:
            from ingisfs.report.text import as_json as render

            click.echo(render(snapshot).decode())
        elif watch:
            with suppress(KeyboardInterrupt):
                console.watch(look)
            snapshot = look()  # what it ended with
        else:
            if gone:
                click.echo(gone)
            click.echo(console.status_lines(snapshot, told))
        return NEEDS_PERSON if snapshot.needs_a_person or gone else FINE


def _told_of_drive(settings: Drive, folder: Path, snapshot: Snapshot) -> tuple[str, str]:
    """Return that the drive is gone, which belongs before all else; and else where it is and whether it delivers."""
    from ingisfs.outbox.locks import is_locked
    from ingisfs.whereabouts import Where, whereabouts

    language = snapshot.drive.language
    found = whereabouts(settings, folder)
    told = say(language, found.sentence, **found.values)
    delivers = False
    with suppress(OSError):
        delivers = is_locked(folder / "courier.lock")
    if found.where in {Where.HERE, Where.ELSEWHERE}:
        return "", f"{told} {say(language, 'where.courier' if delivers else 'where.no-courier')}"
    if delivers and snapshot.waiting:
        told += " " + say(language, "where.courier-left")
    return (told, "") if found.where is Where.GONE else ("", told)


def _status_from_outside(mountpoint: str | None, drive: str, config: Path | None, *, as_json: bool) -> int | None:
    """Print what a drive that is not ours says to everybody. None if it says nothing, or if there is none."""
    from ingisfs import mounting, outside
    from ingisfs.diagnosis import within

    place = mountpoint or _configured(drive, config).mountpoint
    with suppress(ConfigError):
        place = mounting.find(mountpoint).mountpoint
    if not place:
        return None
    try:
        found = within(ANSWER, lambda: outside.read(place))
    except (OSError, ValueError):
        return None
    click.echo(found.json if as_json else found.text, nl=False)
    return NEEDS_PERSON if found.needs_a_person else FINE


@contextmanager
def _looking_into(folder: Path) -> Iterator[ReadOnlyOutbox]:
    """Open the outbox in `folder` to look at, for the block. Raises ConfigError if there is none."""
    from ingisfs.outbox.reading import ReadOnlyOutbox

    try:
        outbox = ReadOnlyOutbox(folder)
    except FileNotFoundError:
        raise ConfigError("status.no-outbox", folder=folder) from None
    try:
        yield outbox
    finally:
        outbox.close()


def _which(mountpoint: str | None, drive: str, config: Path | None, state: str | None) -> tuple[Drive, Path]:
    """Return the settings and the outbox folder of the drive that is meant. Raises ConfigError."""
    from ingisfs import mounting

    settings = _configured(drive, config, state=state)
    folder = settings.state_folder
    if state is None:
        try:
            folder = mounting.find(mountpoint).state_folder
        except ConfigError:
            if mountpoint is not None:
                raise
    try:
        (folder / "outbox").exists()
    except PermissionError:
        raise ConfigError("login.machine", detail=folder) from None
    return settings, folder


def _snapshot(outbox: ReadOnlyOutbox, settings: Drive) -> Snapshot:
    from ingisfs.report.snapshot import DriveFacts, take_snapshot

    since = outbox.meta("mounted_since")
    facts = DriveFacts(
        name=outbox.meta("drive") or settings.name,
        server=outbox.meta("server") or settings.server,
        mounted_since=float(since) if since else None,
        language=outbox.meta("language") or settings.language,
        portal=outbox.meta("portal") or None,
        host=outbox.meta("host") or "?",
    )
    return take_snapshot(outbox, facts, time.time())


@main.group()
def queue() -> None:
    """Look at what waits or is held, and decide about it."""


def _outbox_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say which drive's outbox is meant."""
    state = click.option("--state", help="Folder of the outbox, of a drive that is not mounted.")
    mountpoint = click.option("--mountpoint", help="The drive, if several are mounted.")
    as_json = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
    return mountpoint(_drive_option(_or_of_machine(state(as_json(command)))))


@queue.command("list")
@_outbox_options
@_plainly
def queue_list(mountpoint: str | None, drive: str, config: Path | None, state: str | None, as_json: bool) -> int:
    """Show what waits, is held or is set aside, oldest first."""
    from ingisfs.outbox.choosing import pending
    from ingisfs.report.console import queue_lines
    from ingisfs.report.text import documents_json

    settings, folder = _which(mountpoint, drive, config, state)
    with _looking_into(folder) as outbox:
        documents = pending(outbox)
        language = outbox.meta("language") or settings.language
        click.echo(documents_json(documents, language) if as_json else queue_lines(documents, language))
    return FINE


def _decide(what: str, help_text: str) -> None:
    """Make one of the commands that change what is pending."""

    @queue.command(what, help=help_text)
    @click.argument("names", nargs=-1)
    @click.option("--all", "everything", is_flag=True, help="All that it can be done to.")
    @click.option("--reason", help="With --all: only what is held for this reason, as in `queue list --json`.")
    @_outbox_options
    @_plainly
    def command(
        names: tuple[str, ...],
        everything: bool,
        reason: str | None,
        mountpoint: str | None,
        drive: str,
        config: Path | None,
        state: str | None,
        as_json: bool,
    ) -> int:
        from ingisfs.deciding import decide
        from ingisfs.report.text import documents_json

        if bool(names) == everything:
            raise click.UsageError("give names, stems or ids, or --all")
        settings, folder = _which(mountpoint, drive, config, state)
        if not (folder / "outbox").exists():
            raise ConfigError("status.no-outbox", folder=folder)
        with _looking_into(folder) as outbox:
            language = outbox.meta("language") or settings.language
        done, unknown = decide(settings, folder, what, names, reason)
        if as_json:
            click.echo(documents_json(done, language))
        else:
            for document in done:
                click.echo(say(language, f"queue.{what}", name=document.path))
            if not done and not unknown:
                click.echo(say(language, "queue.nothing"))
        for name in unknown:
            click.echo(say(language, "queue.unknown", name=name), err=True)
        return FAILED if unknown else FINE


_decide("retry", "Try waiting documents NAMES, and the server, at once.")
_decide("release", "Let held documents go. NAMES: ids, names, or stems (both halves of a pair).")
_decide("withdraw", "Take documents out that were not published: they will not be sent.")


@queue.command("pause")
@click.option("--minutes", type=click.FloatRange(0, 1440), default=60.0, show_default=True, help="For how long.")
@_outbox_options
@_plainly
def queue_pause(minutes: float, **which: Any) -> int:
    """Send nothing new for a while; programs print on. It ends by itself."""
    return _pause(60 * minutes, **which)


@queue.command("resume")
@_outbox_options
@_plainly
def queue_resume(**which: Any) -> int:
    """End a pause."""
    return _pause(0.0, **which)


def _pause(seconds: float, as_json: bool, **which: Any) -> int:
    import json

    from ingisfs.deciding import pause
    from ingisfs.report.catalogue import moment

    settings, folder = _which(**which)
    with _looking_into(folder) as outbox:
        language = outbox.meta("language") or settings.language
    until = pause(settings, folder, seconds)
    if as_json:
        click.echo(json.dumps({"paused_until": until if seconds else None}))
    else:
        done = "queue.pause" if seconds else "queue.resume"
        click.echo(say(language, done, when=moment(language, until)))
    return FINE


@main.command()
@click.argument("text", required=False)
@click.option("--since", help="Only from this day on: 2026-11-24, or a number of days back.")
@click.option("--until", help="Only up to this day, with it.")
@click.option("--name", "pattern", help="Only these names; * and ? stand for anything.")
@click.option("--documents", is_flag=True, help="One entry a document: hash, delivery, and what INGIS said.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV, for a spreadsheet.")
@_outbox_options
@_plainly
def history(
    text: str | None,
    since: str | None,
    until: str | None,
    pattern: str | None,
    documents: bool,
    as_csv: bool,
    mountpoint: str | None,
    drive: str,
    config: Path | None,
    state: str | None,
    as_json: bool,
) -> int:
    """Show every step of every document, oldest first. TEXT: only what has it in a name, id, hash or message."""
    from ingisfs.outbox.choosing import Search, audited, steps
    from ingisfs.report import history as render

    search = Search(_day(since, "--since"), _day(until, "--until", after=True), pattern, text or "")
    settings, folder = _which(mountpoint, drive, config, state)
    with _looking_into(folder) as outbox:
        language = outbox.meta("language") or settings.language
        pieces: Iterator[str]
        if documents:
            as_lines = render.documents_csv if as_csv else render.documents_json if as_json else render.document_lines
            pieces = as_lines(audited(outbox, search), language)
        else:
            step_lines = render.as_csv if as_csv else render.as_json if as_json else render.history_lines
            pieces = step_lines(steps(outbox, search), language)
        found = False
        for piece in pieces:
            found = True
            click.echo(piece, nl=False)
        if not found and not as_json:
            click.echo(say(language, "history.none"), err=True)
    return FINE


@main.command()
@_config_option
@_machine_option
@_plainly
def tray(config: Path | None, machine: bool) -> int:
    """Show an icon beside the clock: how the drives are, and what to do about documents."""
    from ingisfs.config import tray_folder
    from ingisfs.outbox.locks import locked
    from ingisfs.tray import drawing
    from ingisfs.tray.model import Tray

    folder = tray_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(folder / "lock", timeout=0) as alone:
        if not alone:
            raise ConfigError("tray.already")
        stop = folder / "stop"  # the installer makes it
        stop.unlink(missing_ok=True)
        drawing.run(Tray(_file(config, machine), _language()), _language(), stop.exists)
    return FINE


@main.command()
@click.argument("mountpoint", required=False)
@_drive_option
@_or_of_machine
@click.option("--state", help="Folder of the outbox, of a drive that is not mounted.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Where to write it.")
@_plainly
def report(mountpoint: str | None, drive: str, config: Path, state: str | None, output: Path | None) -> int:
    """Put versions, settings, status, history and logs into a zip file for whoever helps; customers are left out."""
    import sqlite3

    from ingisfs import support
    from ingisfs.running import log_file

    settings, folder = _which(mountpoint, drive, config, state)
    path = output or Path(f"ingisfs-report-{settings.name}-{time.strftime('%Y%m%d-%H%M%S')}.zip")
    with _looking_into(folder) as outbox:
        snapshot = _snapshot(outbox, settings)
        language = click.get_current_context().obj = snapshot.drive.language
        try:
            support.write(path, settings, folder, outbox, snapshot, [log_file(config)])
        except FileExistsError as error:
            raise ConfigError("report.failed", path=path, detail=error.strerror) from None
        except (OSError, sqlite3.Error) as error:
            path.unlink(missing_ok=True)
            raise ConfigError("report.failed", path=path, detail=error) from None
    click.echo(say(language, "report.done", path=path.absolute()))
    return FINE


def _day(text: str | None, option: str, *, after: bool = False) -> float:
    """Return the time (s since 1970 UTC) at which a day begins, or is over; without one, of everything."""
    from datetime import date, datetime, timedelta

    if text is None:
        return float("inf") if after else 0.0
    if text.isdigit() and not after:
        return time.time() - 86400 * int(text)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        told = "give a day as 2026-11-24" + ("" if after else ", or a number of days")
        raise click.UsageError(f"{option} {text}: {told}") from None
    day += timedelta(days=after)
    return datetime(day.year, day.month, day.day).astimezone().timestamp()


_drives_option = click.option("--drive", "drives", multiple=True, help="Only this one; may be given several times.")


@main.command()
@_drives_option
@_config_option
@_machine_option
@_plainly
def run(drives: tuple[str, ...], config: Path | None, machine: bool) -> int:
    """Keep the drives of the configuration mounted, until interrupted: what `autostart` starts."""
    import logging
    import signal

    from ingisfs.logs import log_to
    from ingisfs.running import Keeper, log_file

    path = _file(config, machine)
    with suppress(OSError):  # the keeper finds the sentence for it
        log_to(log_file(path))
    if sys.stderr is not None and not sys.stderr.isatty():
        logging.getLogger().addHandler(logging.StreamHandler())  # for the system's own log
    keeper = Keeper(path, drives)
    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: keeper.end())
    language = _language()
    keeper.run(lambda names: click.echo(say(language, "run.started", names=", ".join(names))))
    click.echo(say(language, "run.ended"))
    return FINE


@main.group()
def autostart() -> None:
    """Have the system start the drives: at boot (--machine), or when this user logs on."""


def _autostart_options(command: Callable[..., None]) -> Callable[..., None]:
    machine = click.option("--machine", is_flag=True, help="At boot, for everybody; needs an administrator.")
    return _drives_option(_config_option(machine(command)))


@autostart.command("on")
@_autostart_options
@_plainly
def autostart_on(drives: tuple[str, ...], config: Path | None, machine: bool) -> int:
    """Start the drives now and from now on, and again when they die."""
    from ingisfs.autostart import Autostart

    path = _file(config, machine)
    made = Autostart(path, machine=machine, config=config, drives=drives)
    told = made.on()
    click.echo(say(_language(), told.sentence, path=path, **told.values))
    if made.icon_comes_later:
        click.echo(say(_language(), "autostart.icon"))
    return FINE


@autostart.command("off")
@_autostart_options
@_plainly
def autostart_off(drives: tuple[str, ...], config: Path | None, machine: bool) -> int:
    """Start the drives no longer, and unmount what was started so."""
    from ingisfs.autostart import Autostart

    path = _file(config, machine)
    told = Autostart(path, machine=machine, config=config, drives=drives).off()
    click.echo(say(_language(), told.sentence, path=path, **told.values))
    return FINE


@autostart.command("status")
@_autostart_options
@_plainly
def autostart_status(drives: tuple[str, ...], config: Path | None, machine: bool) -> int:
    """Say whether the drives start by themselves, and which of them are there."""
    from ingisfs.autostart import Autostart

    path = _file(config, machine)
    for told in Autostart(path, machine=machine, config=config, drives=drives).status():
        click.echo(say(_language(), told.sentence, **{"path": path, **told.values}))
    return FINE


@main.command()
@_drive_option
@_config_option
@_machine_option
@click.option("--language", type=click.Choice(LANGUAGES), help="Language of the questions and of the drive.")
@_plainly
def setup(drive: str, config: Path | None, machine: bool, language: str | None) -> int:
    """Set a drive up: asks, tries the server at once, and saves."""
    from ingisfs.setup import Conversation, StoppedError

    path = _file(config, machine)
    click.get_current_context().obj = language or _language()
    try:
        made = Conversation(path, drive, language).run()
    except (StoppedError, click.Abort):
        click.echo("\n" + say(language or _language(), "setup.stopped"), err=True)
        return FAILED
    name = "" if drive == DEFAULT_DRIVE else f" --drive {drive}"
    click.echo(say(made.language, "setup.next-machine" if made.of_machine else "setup.next", drive=name))
    return FINE


@main.command()
@_drive_option
@_config_option
@_machine_option
@click.option("--mail", is_flag=True, help="The password for the mail server.")
@click.option("--certificate", is_flag=True, help="The passphrase of the certificate's key.")
@click.option("--file", "in_file", is_flag=True, help="Keep it in a file that only you may read, not in the keyring.")
@click.option("--stdin", is_flag=True, help="Read it from standard input, for programs.")
@_plainly
def login(
    drive: str, config: Path | None, machine: bool, mail: bool, certificate: bool, in_file: bool, stdin: bool
) -> int:
    """Keep the password for the server. It is asked for, and never an argument."""
    from ingisfs import credentials

    settings = _configured(drive, _file(config, machine))
    if mail and settings.mail is None:
        raise ConfigError("mail.missing", drive=drive)
    if not mail:
        _require_server(settings)
    server, user = settings.server, settings.user
    service, path = credentials.service(settings), credentials.password_file(settings)
    if mail and settings.mail is not None:
        server, user = settings.mail.host, settings.mail.user
        service, path = credentials.mail_service(settings), credentials.mail_file(settings)
    if certificate:
        if not settings.client_certificate:
            raise ConfigError("login.no-certificate", drive=drive)
        server = settings.client_key or settings.client_certificate
        service, path = credentials.certificate_service(settings), credentials.certificate_file(settings)
    question = say(settings.language, "login.ask", user=user, server=server)
    secret = sys.stdin.readline().rstrip("\r\n") if stdin else click.prompt(question, hide_input=True)
    if not secret:
        raise ConfigError("login.empty")
    place: object = path
    if settings.of_machine:
        from ingisfs.autostart import prepare_machine_folder

        prepare_machine_folder(settings.state_folder)
    if in_file or settings.of_machine:
        credentials.store_in_file(path, secret)
    else:
        credentials.store(service, user, secret)
        place = say(settings.language, "login.keyring")
    click.echo(say(settings.language, "login.done", user=user, place=place))
    return FINE


def _require_server(settings: Drive) -> None:
    from ingisfs.config import check_server

    if not settings.server:
        raise ConfigError("server.missing", drive=settings.name)
    check_server(settings.server, settings.unencrypted)
    if not settings.user:
        raise ConfigError("user.missing", drive=settings.name)


@main.command()
@_drive_option
@_config_option
@_machine_option
@_plainly
def trust(drive: str, config: Path | None, machine: bool) -> int:
    """Show the host key of an SFTP server, and pin it."""
    from urllib.parse import urlsplit

    from ingisfs import settings_file
    from ingisfs.delivery.failures import DeliveryError
    from ingisfs.delivery.probe import Findings
    from ingisfs.setup import ask_trust, told

    path = _file(config, machine)
    settings = _configured(drive, path)
    _require_server(settings)
    try:
        fingerprint = ask_trust(settings, settings.language)
    except DeliveryError as error:
        click.echo("\n".join(told(settings.language, Findings(error, "reach"))), err=True)
        return FAILED
    if fingerprint is None:
        click.echo(say(settings.language, "trust.refused"), err=True)
        return FAILED
    if fingerprint != settings.host_key.rstrip("="):
        settings_file.write(path, drive, {"host_key": fingerprint})
        click.echo(say(settings.language, "trust.done", host=urlsplit(settings.server).hostname))
    return FINE


@main.command()
@_drive_option
@_config_option
@_machine_option
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@_plainly
def check(drive: str, config: Path | None, machine: bool, as_json: bool) -> int:
    """Find out what is wrong: this machine, the way to the server, and the server, with a remedy for each.

    Small files that INGIS passes over are written there; one stays until a later check has seen whether a batch leaves
    it alone. Exit code 1: the server does not answer; 3: a person is needed.
    """
    from ingisfs.config import names_in
    from ingisfs.diagnosis import Diagnosis, Result, as_lines, conclusion, marks
    from ingisfs.diagnosis import as_json as render

    path = _file(config, machine)
    settings = _configured(drive, path)
    known = names_in(path)
    if not known:
        raise ConfigError("config.no-drives", path=path)
    if drive not in known:
        raise ConfigError("check.no-drive", path=path, drive=drive, names=", ".join(known))
    _require_server(settings)
    language, shown = settings.language, marks(sys.stdout.encoding)
    if not as_json:
        click.echo(say(language, "check.begin", drive=drive, server=settings.server))
    steps = []
    for step in Diagnosis(settings).run():
        steps.append(step)
        if not as_json:
            click.echo(as_lines(step, language, shown))
    told = conclusion(steps)
    if as_json:
        click.echo(render(settings, steps))
    else:
        mark = shown[Result.WARN if told == "warned" else Result.BAD]
        click.echo(say(language, f"check.{told}", mark=mark))
    return {"away": FAILED, "person": NEEDS_PERSON}.get(told, FINE)


@main.command("test-print")
@click.argument("mountpoint", required=False)
@click.option("--yes", is_flag=True, help="Do not ask, also where the server is another machine.")
@click.option("--timeout", type=click.FloatRange(0), default=300.0, show_default=True, help="Seconds to follow it.")
@click.option(
    "--ingis",
    type=click.FloatRange(0),
    default=180.0,
    show_default=True,
    help="Seconds to wait, once it is delivered, for what INGIS does with it, where that can be seen.",
)
@_plainly
def test_print(mountpoint: str | None, yes: bool, timeout: float, ingis: float) -> int:
    """Print a marked test pair into the drive, and follow it to the server. Exit code 3: a person is needed."""
    from datetime import datetime

    from ingisfs import mounting, testprint
    from ingisfs.setup import confirm

    mounted = mounting.find(mountpoint)
    with _looking_into(mounted.state_folder) as outbox:
        language = click.get_current_context().obj = outbox.meta("language") or _language()
        server, now = outbox.meta("server") or "?", datetime.now().astimezone()
        stem = testprint.stem(now)
        if not yes and not testprint.is_here(server):
            agreed = False
            with suppress(click.Abort):
                agreed = confirm(language, "testprint.ask", stem=stem, server=server)
            if not agreed:
                click.echo(say(language, "testprint.refused"), err=True)
                return FAILED
        pair = testprint.documents(stem, now)
        click.echo(say(language, "testprint.begin", stem=stem, mountpoint=mounted.mountpoint))
        try:
            testprint.write(mounted, pair)
            ending = testprint.follow(outbox, list(pair), language, timeout, ingis, click.echo)
        except KeyboardInterrupt:
            click.echo("\n" + say(language, "testprint.stopped"), err=True)
            return FAILED
    if ending.how == "person":
        click.echo(ending.why, err=True)
        return NEEDS_PERSON
    if ending.how == "late":
        click.echo(say(language, "testprint.late", seconds=f"{timeout:g}"), err=True)
        click.echo(ending.why, err=True)
        return FAILED
    click.echo(say(language, "testprint.delivered", server=server))
    return FINE


@main.command()
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Where it keeps what came in.")
@click.option("--port", type=click.IntRange(0, 65535), default=8420, show_default=True, help="0 = any free one.")
@click.option("--language", type=click.Choice(LANGUAGES), default=None, help="Language of its pages.")
@click.option("--batch", default="3s", show_default=True, help="How often documents are taken in: 3s, 15m, 1h, or off.")
@click.option("--sftp", "sftp_port", type=click.IntRange(0, 65535), help="A port for SFTP too; 0 = any free one.")
@click.option("--smtp", "smtp_url", metavar="URL", help="Where mails go: smtps://user@host, or smtp://host (STARTTLS).")
@click.option("--mail-from", default="", metavar="ADDRESS", help="The sender of these mails.")
@click.option("--add-user", default="", metavar="NAME", help="One more King user, with an inbox of their own.")
@click.option("--reset-password", "reset_user", default="", metavar="NAME", help="A new password for this user.")
@click.option("--certificate", type=click.Path(path_type=Path, dir_okay=False), help="PEM file; then HTTPS.")
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False), help="Its key, if that is in another file.")
@click.option("--listen", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Others need a certificate.")
@click.option("--demo", is_flag=True, help="Customers for what the stand-in for King prints.")
@_plainly
def stage(
    folder: Path | None,
    port: int,
    language: str | None,
    batch: str,
    sftp_port: int | None,
    smtp_url: str | None,
    mail_from: str,
    add_user: str,
    reset_user: str,
    certificate: Path | None,
    key: Path | None,
    listen: str,
    demo: bool,
) -> int:
    """Run a local INGIS on this machine, to try everything against."""
    import platformdirs

    chosen = language or _language()
    click.get_current_context().obj = chosen
    from ingisfs.stage import StageError

    try:
        from ingisfs.stage.serve import options_of, serve
    except ImportError as error:
        raise ConfigError("stage.no-extra", detail=error.name) from None
    try:
        own = platformdirs.user_data_path("ingisfs", appauthor=False) / "stage"
        options = options_of(
            chosen,
            batch=batch,
            sftp_port=sftp_port,
            smtp_url=smtp_url,
            mail_from=mail_from,
            add_user=add_user,
            reset_user=reset_user,
            certificate=certificate,
            key=key,
            listen=listen,
            demo=demo,
        )
        serve(folder or own, port, language=chosen, announce=click.echo, options=options)
    except ImportError as error:
        raise ConfigError("stage.no-extra", detail=error.name) from None
    except StageError as error:
        click.echo(str(error), err=True)
        return FAILED
    return FINE


@main.command()
@click.argument("mountpoint")
@click.option("--report", "report_file", type=click.Path(path_type=Path, dir_okay=False), help="Where to write it.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON, for programs.")
@click.option("--only", help="Only the ways to save that have this in their names; * and ? stand for anything.")
@_plainly
def selftest(mountpoint: str, report_file: Path | None, as_json: bool, only: str | None) -> int:
    """Try the drive at MOUNTPOINT out as programs use it. Its server must be a local INGIS (`ingisfs stage`)."""
    from ingisfs.selftest.report import as_json as render_json
    from ingisfs.selftest.report import as_text, summary
    from ingisfs.selftest.run import choose, look_at, run

    language = _language()
    patterns = choose(only)
    look_at(mountpoint)
    click.echo(say(language, "selftest.begins", count=len(patterns), mountpoint=mountpoint), err=True)
    report = run(mountpoint, patterns)
    text = render_json(report) if as_json else as_text(report, language)
    if report_file is None:
        click.echo(text, nl=False)
    else:
        try:
            report_file.write_text(text, encoding="utf-8")
        except OSError as error:
            click.echo(text, nl=False)
            raise ConfigError("selftest.report", path=report_file, detail=error) from None
        click.echo(summary(report, language))
    return FAILED if report.of("failed") else FINE
