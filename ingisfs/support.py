"""What somebody who helps may see: settings, versions, status, history and logs in one file, and nobody's customers.

Names of documents become numbers, `D0007.pdf`, the same in all files; both halves of a pair have one. Ids stay: with
one, whoever has the drive finds the document (`ingisfs history ID --documents`). What INGIS said, mail addresses,
amounts, account numbers and the names of users are left out; secrets are in none of the sources.

Rather too much is left out than too little: what looks like the name of a file and is not known is a number too.
"""

from __future__ import annotations

import csv
import io
import json
import platform
import re
import sqlite3
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import fields
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ingisfs import __version__, names
from ingisfs.config import Drive
from ingisfs.outbox.document import BY_INGIS
from ingisfs.outbox.reading import Reading
from ingisfs.report.catalogue import LANGUAGES, say
from ingisfs.report.snapshot import Snapshot
from ingisfs.report.text import as_json

LOG = 2_000_000  # bytes of each log at most, from its end
STEPS = 20_000  # latest steps of the history at most

LIBRARIES = (
    "asyncssh",
    "click",
    "diskcache",
    "httpx",
    "keyring",
    "mfusepy",
    "pillow",
    "pystray",
    "rich",
    "tomlkit",
    "winfspy",
)
#: Settings that name a person, or a place that does; said is only whether there is one.
_PERSONAL = {"user", "mail", "ca_file", "password_file", "key_file", "state"}

_ENDINGS = {"pdf", "xml", "ubl", "tmp", "bak", "part", "txt", "csv", "err", "ok", "ack", "eml", "zip"}
_ENDINGS |= {"doc", "docx", "xls", "xlsx", "jpg", "png", "html", "htm", "rtf"}
_OURS = {"ingis-status.html", "ingis-status.txt", "ingis-status.json", "config.toml"}
_IMPOSSIBLE = r'/\\:"<>|*?\n\r\t'  # in a name
_SAID = re.compile(rf"(-> (?:{'|'.join(sorted(BY_INGIS))})) .*")
_MAIL = re.compile(r"[^\s@<>:'\"(]+@[\w-]+(?:\.[\w-]+)+")
_ACCOUNT = re.compile(r"\b[A-Z]{2}\d{2} ?[A-Z]{4} ?(?:\d ?){7,20}\b")
_AMOUNT = re.compile(r"(?:€|EUR) ?-?\d[\d.,]*|(?<![\d.,:-])-?\d{1,3}(?:[.,]\d{3})*,\d{2}(?![\d,])")
_HOME = re.compile(r"(?i)([a-z]:\\Users\\|/home/|/Users/)(?:[^\\/:'\"<>|]+(?=[\\/])|[^\\/\s:'\"]+)")
_USER_INFO = re.compile(r"\b([a-z][a-z0-9+.-]*://)[^/?#\s]*@", re.IGNORECASE)


class Veil:
    """Puts numbers in the place of names, the same number for the same name."""

    def __init__(self, known: Iterable[str]) -> None:
        """Know the names of documents and folders; more are learnt when they look like names of files."""
        self._numbers: dict[str, int] = {}
        self._folders: dict[str, int] = {}
        self._known: set[str] = set()
        endings, plain = set(_ENDINGS), set()
        for name in known:
            stem, ending = names.split(name)
            self._known.add(names.key(name))
            self._number(stem)
            if ending:
                endings.add(ending)
            if not ending or not ending.isalnum():
                plain.add(name)
        ended = "|".join(sorted((re.escape(ending) for ending in endings), key=len, reverse=True))
        self._ending = re.compile(rf"\.(?:{ended})(?!\w)", re.IGNORECASE)
        self._candidate = re.compile(rf"[^{_IMPOSSIBLE}]*?[^{_IMPOSSIBLE}\s.]\.(?:{ended})(?!\w)", re.IGNORECASE)
        longest = sorted(plain, key=len, reverse=True)
        self._plain = re.compile("|".join(map(re.escape, longest)), re.IGNORECASE) if plain else None

    def name(self, name: str) -> str:
        """Return what stands for the name of a document; King's number behind it and its ending stay."""
        if names.key(name) in _OURS:
            return name
        stem, ending = names.split(name)
        number = names.without_number(stem)
        tail = stem[len(number) :] + (f".{ending}" if ending else "")
        return f"D{self._number(stem):04d}{tail}"

    def folder(self, path: str) -> str:
        """Return what stands for a folder."""
        parts = [part for part in path.split("/") if part]
        return "/".join(f"map-{self._folders.setdefault(names.key(p), len(self._folders) + 1):02d}" for p in parts)

    def path(self, path: str) -> str:
        """Return what stands for a path on the server or the drive."""
        folder, _, name = path.rpartition("/")
        return f"{self.folder(folder)}/{self.name(name)}" if folder else self.name(name)

    def text(self, text: str) -> str:
        """Return a line of a log, or a message, without what is nobody's business."""
        text = _SAID.sub(r"\1 (left out)", text)
        text = _USER_INFO.sub(r"\1", text)
        text = _MAIL.sub("(mail)", text)
        text = _ACCOUNT.sub("(account)", text)
        if self._ending.search(text):
            text = self._candidate.sub(lambda found: self._in(found[0]), text)
        if self._plain is not None:
            text = self._plain.sub(lambda found: self.name(found[0]), text)
        text = _AMOUNT.sub("(amount)", text)
        return _HOME.sub(r"\1(user)", text)

    def _in(self, found: str) -> str:
        """Return words that end in what looks like the name of a file, with that name replaced.

        A known name is looked for from the left: names have spaces in them. Of an unknown one nobody can tell where it
        begins, so all of it goes, but for the id that our own lines have before a name.
        """
        for start in range(len(found)):
            name = found[start:]
            if start and (found[start - 1].isalnum() or name[0].isspace()):
                continue
            if names.key(name) in self._known or names.key(unquote(name)) in self._known:
                return found[:start] + self.name(unquote(name))
            if names.key(name) in _OURS:
                return found
        ids = [at.end() for at in re.finditer(r"\bdocument [0-9a-z]{12} ", found)]
        start = ids[-1] if ids else len(found) - len(found.lstrip())
        return found[:start] + self.name(found[start:])

    def _number(self, stem: str) -> int:
        return self._numbers.setdefault(names.key(names.without_number(stem)), len(self._numbers) + 1)


def write(
    path: Path, drive: Drive, folder: Path, outbox: Reading, snapshot: Snapshot, more_logs: Iterable[Path]
) -> None:
    """Write the report of a drive, whose outbox lies in `folder`, to a new zip file. Raises OSError, sqlite3.Error."""
    veil = Veil(_names(outbox))
    with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED) as report:
        for language in LANGUAGES:
            report.writestr(f"LEESMIJ.{language}.txt", say(language, "report.readme") + "\r\n")
        report.writestr("versions.json", _json(versions(snapshot.drive.host)))
        report.writestr("settings.json", _json(settings(drive, veil)))
        report.writestr("status.json", _json(status(snapshot, veil)))
        report.writestr("history.csv", "".join(_history(outbox, veil)))
        for log in [*sorted((folder / "log").glob("*.log*")), *more_logs]:
            lines = _tail(log)
            if lines is not None:
                report.writestr(f"log/{log.name}", "".join(f"{veil.text(line)}\n" for line in lines))


def _names(outbox: Reading) -> Iterator[str]:
    seen: set[str] = set()
    for query in ("SELECT name FROM documents ORDER BY number", "SELECT DISTINCT name FROM history", _REMOTE, _SENT):
        try:
            rows = outbox.rows(query)
        except sqlite3.OperationalError:
            if query != _SENT:  # no version that knows of it has opened this outbox yet
                raise
            continue
        for (name,) in rows:
            last = str(name).rpartition("/")[2]
            if last not in seen:
                seen.add(last)
                yield last


_REMOTE = "SELECT DISTINCT remote_name FROM documents WHERE remote_name IS NOT NULL"
_SENT = "SELECT name FROM sent"


def versions(host: str) -> dict[str, str]:
    """Return what runs here."""
    found = {"ingisfs": __version__, "host": host, "python": sys.version, "sqlite": sqlite3.sqlite_version}
    found |= {"system": platform.platform(), "machine": platform.machine()}
    for library in LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found


def settings(drive: Drive, veil: Veil) -> dict[str, Any]:
    """Return the settings that hold, without what names a person."""
    plain = json.loads(drive.to_json())
    found: dict[str, Any] = {}
    for field in fields(drive):
        value = plain[field.name]
        if field.name in _PERSONAL:
            value = "(set)" if value else ""
        elif field.name == "folders":
            value = {veil.folder(here): veil.folder(there) for here, there in value.items()}
        elif isinstance(value, str):
            value = veil.text(value)
        found[field.name] = value
    return found


def status(snapshot: Snapshot, veil: Veil) -> dict[str, Any]:
    """Return `INGIS-STATUS.json` with numbers for names, and neither hashes nor what INGIS said."""
    found: dict[str, Any] = json.loads(as_json(snapshot))
    found["target"]["detail"] = veil.text(found["target"]["detail"])
    found["server"] = veil.text(found["server"])
    for document in found["documents"]:
        document["name"] = veil.name(document["name"])
        document["folder"] = veil.folder(document["folder"])
        document["remote_name"] = document["remote_name"] and veil.path(document["remote_name"])
        said = document["state"] in BY_INGIS and document["detail"]
        document["detail"] = "(left out)" if said else _detail(document, veil)
        document["sha256"] = "(left out)"
    return found


def _detail(document: dict[str, Any], veil: Veil) -> str:
    detail = str(document["detail"])
    if document["reason"] == "looks-attached":  # a stem
        return veil.name(detail)
    return veil.text(detail)


def _history(outbox: Reading, veil: Veil) -> Iterator[str]:
    last = outbox.last_entry()
    yield _csv("at", "id", "name", "before", "after", "why")
    for entry in outbox.history("entry > ?", (last - STEPS,)):
        said = entry.after in BY_INGIS and entry.why
        why = "(left out)" if said else veil.text(entry.why)
        yield _csv(f"{entry.at:.3f}", entry.id, veil.name(entry.name), entry.before, entry.after, why)


def _csv(*values: str) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()


def _tail(log: Path) -> list[str] | None:
    try:
        with open(log, "rb") as file:
            file.seek(0, 2)
            size = file.tell()
            file.seek(max(0, size - LOG))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return None
    return lines[1:] if size > LOG else lines


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
