"""Sets a drive up with a person: asks, tries the server at once, says what is wrong, and saves.

Nothing is saved before the end. A password goes into the keyring, never into the settings.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from ingisfs import config, credentials, letters, settings_file
from ingisfs.config import DEFAULT_DRIVE, LANGUAGES, ConfigError, Drive, Mail, check_server, is_address
from ingisfs.delivery.failures import DeliveryError, TargetNeedsPersonError, TargetReason, UnreachableError
from ingisfs.delivery.probe import Findings, probe
from ingisfs.report.catalogue import say

CORRECT, AGAIN, SAVE, QUIT = range(4)
NONE = "-"


class StoppedError(Exception):
    """The person does not want to go on."""


# ---- what a probe found -------------------------------------------------------------------------------------------


def try_server(drive: Drive, secret: str | None = None) -> Findings:
    """Try a drive's server out, with this password or the one that is kept. Raises nothing."""
    from ingisfs.delivery.__main__ import connect

    return probe(partial(connect, drive, secret), drive.temporary_folder)


def told(language: str, findings: Findings) -> list[str]:
    """Return what a person is told of it, and what to do now."""
    lines = []
    error = findings.error
    if error is None:
        lines.append(say(language, "probe.overwrites" if findings.overwrites else "probe.good"))
        if findings.unguarded:
            lines.append(say(language, "probe.unguarded"))
        if not findings.renames:
            lines.append(say(language, "probe.no-rename"))
        if findings.listed is False:
            lines.append(say(language, "probe.unlisted"))
    else:
        lines += [say(language, _problem(error, findings.step)), say(language, "probe.message", detail=error)]
    if findings.left and findings.step != "remove":
        lines.append(say(language, "probe.left", names=", ".join(findings.left)))
    return lines


def _problem(error: DeliveryError, step: str) -> str:
    if isinstance(error, TargetNeedsPersonError):
        return f"probe.{error.reason}"
    if isinstance(error, UnreachableError) or step == "reach":
        return "probe.unreachable"
    return f"probe.{step}"


# ---- the host key -------------------------------------------------------------------------------------------------


def ask_trust(drive: Drive, language: str) -> str | None:
    """Show the keys of an SFTP server and ask; returns the fingerprint to pin, None if it is not trusted.

    Raises ConfigError if this is no SFTP server, DeliveryError if it shows no key.
    """
    if urlsplit(drive.server).scheme != "sftp":
        raise ConfigError("trust.not-sftp", server=drive.server)
    from ingisfs.delivery.sftp import host_keys  # takes 0.9 s

    found = host_keys(drive.server)
    host = urlsplit(drive.server).hostname
    click.echo(say(language, "trust.shown", host=host))
    for fingerprint, kind in found.items():
        click.echo(f"  {fingerprint}  {kind}")
    pinned = drive.host_key.rstrip("=")
    if pinned in found:
        click.echo(say(language, "trust.same"))
        return pinned
    if pinned:
        click.echo(say(language, "trust.changed", pinned=pinned))
    return next(iter(found)) if confirm(language, "trust.ask") else None


# ---- the conversation ---------------------------------------------------------------------------------------------


def confirm(language: str, sentence: str, /, **values: object) -> bool:
    """Ask a question that is answered with yes or no: j or y, n. Without a clear yes it is a no."""
    answer: str = click.prompt(
        say(language, sentence, **values) + (" [j/N]" if language == "nl" else " [y/N]"),
        default="n",
        show_default=False,
    )
    return answer.strip().lower() in {"j", "ja", "y", "yes"}


class Conversation:
    """One set-up of one drive."""

    def __init__(self, path: Path, name: str = DEFAULT_DRIVE, language: str | None = None) -> None:
        """Begin with what `path` has of the drive. Raises ConfigError."""
        self._path = path
        self._drive = config.load(path, name)
        known = name in config.names_in(path)
        self._ask_language = language is None and not known
        self._language = language or self._drive.language
        self._secret: str | None = None  # a new one
        self._mail_secret: str | None = None

    def run(self) -> Drive:
        """Ask everything, try it, and save it. Raises ConfigError, StoppedError, click.Abort."""
        self._say("setup.begin", drive=self._drive.name)
        if self._ask_language:
            self._language = self._ask("setup.language", self._language, one_of(LANGUAGES))
        self._set(language=self._language)
        while True:
            self._ask_server()
            if self._try() != CORRECT:
                break
        self._ask_mountpoint()
        self._ask_mail()
        self._save()
        return self._drive

    def _set(self, **values: Any) -> None:
        self._drive = dataclasses.replace(self._drive, **values)

    def _say(self, sentence: str, /, **values: object) -> None:
        click.echo(say(self._language, sentence, **values))

    def _ask(self, sentence: str, default: str, check: Callable[[str], str]) -> str:
        """Ask until the answer can be; `check` returns it in order, or raises ConfigError."""
        while True:
            answer = click.prompt(say(self._language, sentence), default=default or None)
            try:
                return check(str(answer).strip())
            except ConfigError as error:
                click.echo(say(self._language, error.sentence, **error.values))

    def _ask_server(self) -> None:
        self._set(server=self._ask("setup.server", self._drive.server, partial(_server, self._drive.unencrypted)))
        self._set(user=self._ask("setup.user", self._drive.user, str))
        kept = self._secret
        if kept is None:
            with suppress(ConfigError):
                kept = credentials.password(self._drive)
        question = say(self._language, "setup.password" if kept is None else "setup.password-kept")
        typed: str = click.prompt(
            question, hide_input=True, default=None if kept is None else "", show_default=False, err=False
        )
        if typed:
            self._secret = typed

    def _try(self) -> int:
        """Try the server until it is good or the person wants something else; returns what they want."""
        while True:
            self._say("probe.trying", server=self._drive.server)
            findings = self._probe()
            for line in told(self._language, findings):
                click.echo(line)
            if findings.good:
                return SAVE
            letters_ = say(self._language, "setup.choices")
            answer = self._ask("setup.what-now", letters_[CORRECT], one_of(letters_))
            wanted = letters_.index(answer)
            if wanted == QUIT:
                raise StoppedError
            if wanted in {CORRECT, SAVE}:
                return wanted

    def _probe(self) -> Findings:
        if urlsplit(self._drive.server).scheme == "sftp":
            try:
                trusted = ask_trust(self._drive, self._language)
            except DeliveryError as error:
                return Findings(error, "reach")
            if trusted is None:
                return Findings(TargetNeedsPersonError(TargetReason.HOST_KEY, say(self._language, "trust.refused")))
            self._set(host_key=trusted)
        return try_server(self._drive, self._secret)

    # ---- where it will be ----------------------------------------------------------------------------------------

    def _ask_mountpoint(self) -> None:
        if sys.platform == "win32":
            from ingisfs.drive.registry import Registry
            from ingisfs.windows import Windows

            ours = {drive.mountpoint for drive in Registry().all()}  # mounted now, by us

            def check(text: str) -> str:
                return letters.choose(text, Windows().letters() - ours)

            answer = self._ask("setup.mountpoint-letter", self._drive.mountpoint or "X:", check)
        else:
            answer = self._ask(
                "setup.mountpoint-folder", self._drive.mountpoint or str(Path.home() / "X"), self._folder
            )
        self._set(mountpoint=answer)

    def _folder(self, text: str) -> str:
        folder = Path(text).expanduser().absolute()
        try:
            if not folder.exists():
                folder.mkdir(parents=True)
                self._say("setup.folder-made", mountpoint=folder)
        except OSError as error:
            raise ConfigError("mount.unusable", mountpoint=folder, detail=error.strerror) from None
        if not folder.is_dir():
            raise ConfigError("mount.not-a-folder", mountpoint=folder)
        return str(folder)

    # ---- alarms by mail ------------------------------------------------------------------------------------------

    def _ask_mail(self) -> None:
        from ingisfs.alarms.mail import MailError, send

        while True:
            present = self._drive.mail
            address = self._ask("setup.mail", ", ".join(present.to) if present else NONE, _addresses)
            if address == NONE:
                self._set(mail=None)
                return
            to = tuple(one.strip() for one in address.split(","))
            host = self._ask("setup.mail-host", present.host if present else "smtp." + to[0].rpartition("@")[2], str)
            user = self._ask("setup.mail-user", present.user if present else to[0], str)
            mail = dataclasses.replace(present or Mail("", ()), host=host, to=to, user="" if user == NONE else user)
            self._set(mail=mail)
            if mail.user:
                self._mail_secret = click.prompt(say(self._language, "setup.password"), hide_input=True)
            try:
                text = say(self._language, "notice.test", drive=self._drive.name)
                send(mail, self._mail_secret or "", say(self._language, "notice.subject", what=self._drive.name), text)
                self._say("setup.mail-sent", address=", ".join(to))
                return
            except MailError as error:
                self._say("setup.mail-failed", host=host, detail=error)
            choices = say(self._language, "setup.choices")
            wanted = choices.index(self._ask("setup.what-now", choices[CORRECT], one_of(choices)))
            if wanted == QUIT:
                raise StoppedError
            if wanted == SAVE:
                return

    # ---- saving --------------------------------------------------------------------------------------------------

    def _save(self) -> None:
        drive = self._drive
        mail = None if drive.mail is None else {k: v for k, v in drive.mail.table().items() if v not in ("", 0)}
        values = {
            "server": drive.server,
            "user": drive.user,
            "mountpoint": drive.mountpoint,
            "language": drive.language,
            "host_key": drive.host_key or None,
            "mail": mail,
        }
        settings_file.write(self._path, drive.name, values)
        self._say("setup.saved", path=self._path)
        if self._secret is not None:
            self._store(credentials.service(drive), drive.user, self._secret, credentials.password_file(drive))
        if self._mail_secret is not None and drive.mail is not None:
            place = credentials.mail_file(drive)
            self._store(credentials.mail_service(drive), drive.mail.user, self._mail_secret, place)

    def _store(self, service: str, user: str, secret: str, path: Path) -> None:
        if not self._drive.of_machine:
            try:
                credentials.store(service, user, secret)
                return
            except ConfigError as error:
                click.echo(say(self._language, error.sentence, **error.values))
            if not confirm(self._language, "setup.password-file", path=path):
                self._say("setup.password-lost")
                return
        credentials.store_in_file(path, secret)


def one_of(allowed: tuple[str, ...] | str) -> Callable[[str], str]:
    """Return a check that takes one of these words or letters, in any case."""

    def check(text: str) -> str:
        for choice in allowed:
            if text.lower() == choice:
                return choice
        raise ConfigError("setup.one-of", allowed=", ".join(allowed))

    return check


def _server(unencrypted: str, text: str) -> str:
    if "://" not in text:
        text = f"https://{text}"
    check_server(text, unencrypted)
    return text


def _addresses(text: str) -> str:
    for address in text.split(","):
        if text != NONE and not is_address(address.strip()):
            raise ConfigError("setup.mail-bad", address=address.strip())
    return text
