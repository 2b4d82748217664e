"""A drive is one table of a TOML file; secrets are never in it.

    version = 1

    [drives.king]
    server = "https://upload.example.nl/inbox/"
    user = "administratie"

Every key has its default here, its checks here, and its line in docs/configuration.md. Unknown keys are refused.
`settings_file.py` writes it. A user has one such file, and the machine another one, for drives that are there from
its start on; whoever has none of their own uses the machine's.
"""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
import json
import os
import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from ingisfs import names

SCHEMES = ("https", "http", "sftp", "ftps", "ftps-implicit", "ingis", "ingis+http")
# What `unencrypted` has to say, word for word, before anything is sent by `ftp://`: see docs/configuration.md.
UNENCRYPTED = {
    "nl": "iedereen onderweg mag wachtwoorden en facturen lezen",
    "en": "passwords and invoices may be read by anybody on the way",
}
LANGUAGES = ("nl", "en")
NO_PROXY = "none"
VERSION = 1  # of the file
DEFAULT_DRIVE = "king"

_DRIVE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}\Z")
_ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")
_DOCUMENT_ENDING = re.compile(r"|\*|\.\*|\.(?:pdf|xml)\*?|\*\.?(?:pdf|xml)?", re.IGNORECASE)
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?\Z")


class ConfigError(ValueError):
    """Something in the configuration is wrong. `sentence` is its key in the catalogue, `values` fill it."""

    def __init__(self, sentence: str, /, **values: object) -> None:
        super().__init__(f"{sentence} {values}")
        self.sentence = sentence
        self.values = values


@dataclass(frozen=True, slots=True)
class Mail:
    """By which alarms go out as e-mail. The password for `user` is in the keyring."""

    host: str
    to: tuple[str, ...]
    sender: str = ""  # "from" in the file; "" = the first of `to`
    port: int = 0  # 0 = 587, or 465 for "tls"
    tls: str = "starttls"  # or "tls" from the first byte on; "none" only on this machine
    user: str = ""  # "" = without logging in
    ca_file: str = ""

    def table(self) -> dict[str, Any]:
        """Return it as it stands in the file."""
        found = dataclasses.asdict(self)
        found["from"] = found.pop("sender")
        return {**found, "to": list(self.to)}


@dataclass(frozen=True, slots=True)
class Drive:
    """Everything that one drive needs to know. Times in seconds, sizes in bytes."""

    name: str = DEFAULT_DRIVE
    mountpoint: str = ""
    server: str = ""
    user: str = ""
    state: str = ""  # folder of the outbox; "" = the platform's place for it
    language: str = "nl"
    settle: float = 3.0
    pair_wait: float = 60.0
    workers: int = 4
    follow: float = 60.0  # between two looks for what INGIS collected or answered, at most; 0 = never
    responses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # "accepted", "refused" → names of answers
    types: tuple[str, ...] = ("pdf", "xml")
    folders: Mapping[str, str] = field(default_factory=dict)  # subfolder of the drive → folder on the server
    temporary_folder: str | None = None  # None: beside the final name
    temp_lifetime: float = 3600.0
    reprints: str = "hold"  # or "send"
    keep_visible: float = 86400.0
    archive_days: float = 90.0
    max_document: int = 64 * 2**20
    reserve: int = 200 * 2**20
    wal_bound: int = 64 * 2**20  # the database's log is emptied above it
    refuse_after: float = 86400.0  # 0 = never
    ca_file: str = ""
    client_certificate: str = ""  # to log in with, a file in PEM form
    client_key: str = ""  # "" = in the same file
    proxy: str = ""  # by HTTP: its address, or NO_PROXY; "" = the one that the system names
    password_file: str = ""
    host_key: str = ""  # of an SFTP server, as `ssh-keygen -l` writes it
    agent: bool = False  # of SSH: it keeps the key; `key_file` may say which one, by its public half
    key_file: str = ""  # to log in with at an SFTP server; the password opens it
    unencrypted: str = ""  # one of UNENCRYPTED: `ftp://` is wanted all the same
    portal: str = ""
    drive_type: str = "network"  # as which Windows shows it, or "disk"
    alarms: bool = True
    alarm_after: float = 14400.0  # nothing was delivered for so long while documents wait
    mail: Mail | None = None  # alarms by e-mail too

    @property
    def state_folder(self) -> Path:
        """The folder of the outbox, absolute."""
        chosen = Path(self.state).expanduser() if self.state else user_data_folder() / self.name
        return chosen.absolute()

    @property
    def of_machine(self) -> bool:
        """Tell whether it belongs to the machine, and not to one of its users."""
        return self.state_folder.is_relative_to(machine_folder())

    def to_json(self) -> str:
        """Return the settings for a child process."""
        mail = None if self.mail is None else self.mail.table()
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        responses = {key: list(patterns) for key, patterns in self.responses.items()}
        plain |= {"types": list(self.types), "folders": dict(self.folders), "mail": mail, "responses": responses}
        return json.dumps(plain)

    @property
    def ballast(self) -> int:
        """Bytes that are given up when the disk is full: the log must fit into the database, and two documents."""
        return self.wal_bound + 2 * self.max_document

    @classmethod
    def from_json(cls, text: str) -> Drive:
        """Return what `to_json` wrote."""
        return from_table(json.loads(text))


def user_data_folder() -> Path:
    """Return the folder under which this user's outboxes lie."""
    return platformdirs.user_data_path("ingisfs", appauthor=False)


def tray_folder() -> Path:
    """Return the folder in which the icon beside the clock has its lock, and finds that it is to end.

    No drive can have this name.
    """
    return user_data_folder() / ".tray"


def machine_folder() -> Path:
    """Return the folder under which the outboxes of the machine's own drives lie."""
    if sys.platform == "win32":
        return Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData")) / "ingisfs"
    return Path("/var/lib/ingisfs")


def user_config_path() -> Path:
    """Return where this user's configuration lies."""
    return platformdirs.user_config_path("ingisfs", appauthor=False) / "config.toml"


def machine_config_path() -> Path:
    """Return where the machine's configuration lies."""
    return platformdirs.site_config_path("ingisfs", appauthor=False) / "config.toml"


def config_path() -> Path:
    """Return the configuration that counts here: the user's own, else the machine's."""
    own, machine = user_config_path(), machine_config_path()
    return machine if not own.exists() and machine.exists() else own


def load(path: Path, name: str) -> Drive:
    """Return the drive of this name; all defaults if the file or the table is absent. Raises ConfigError."""
    if not _DRIVE_NAME.match(name):
        raise ConfigError("config.drive-name", name=name)
    # What belongs to the machine lies with the machine, whoever asks.
    place = {"state": str(machine_folder() / name)} if path == machine_config_path() else {}
    table = _drives(path).get(name, {})
    if not isinstance(table, dict):
        raise ConfigError("config.syntax", path=path, detail=f"drives.{name}")
    return from_table({"name": name, **place, **table})


def names_in(path: Path) -> list[str]:
    """Return the names of the drives in a file, in their order; none if there is no file. Raises ConfigError."""
    return list(_drives(path))


def _drives(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")  # Windows' own editor may have put a mark before it
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("config.unreadable", path=path, detail=error) from None
    return parse(text, path)


def parse(text: str, path: Path) -> dict[str, Any]:
    """Return the tables of the drives in a file's text, by name. Raises ConfigError."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError("config.syntax", path=path, detail=error) from None
    version = document.get("version", VERSION)
    if isinstance(version, int) and version > VERSION:
        raise ConfigError("config.newer", path=path, version=version)
    if version is True or version != VERSION:
        raise ConfigError("config.bad-value", key="version", value=version)
    _known(document, {"version", "drives"}, path)
    drives = document.get("drives", {})
    if not isinstance(drives, dict):
        raise ConfigError("config.syntax", path=path, detail="drives")
    return drives


def _known(table: Mapping[str, object], allowed: set[str], place: object) -> None:
    for key in table:
        if key not in allowed:
            near = difflib.get_close_matches(key, allowed, 1)
            if near:
                raise ConfigError("config.unknown-key-near", key=key, near=near[0], place=place)
            raise ConfigError("config.unknown-key", key=key, place=place)


def from_table(table: Mapping[str, Any]) -> Drive:
    """Make a Drive of a table, checking each value. Raises ConfigError."""
    fields = {f.name: f for f in dataclasses.fields(Drive)}
    _known(table, set(fields), f"drives.{table.get('name', '')}")
    values: dict[str, Any] = {}
    for key, value in table.items():
        values[key] = _checked(key, value)
    return Drive(**values)


def _checked(key: str, value: Any) -> Any:
    match key:
        case (
            "settle"
            | "pair_wait"
            | "follow"
            | "keep_visible"
            | "archive_days"
            | "refuse_after"
            | "temp_lifetime"
            | "alarm_after"
        ):
            good = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
            value = float(value) if good else value
        case "max_document" | "workers" | "wal_bound":
            good = isinstance(value, int) and not isinstance(value, bool) and value >= 1
            good = good and (value <= 64 if key == "workers" else value <= 2**30)
        case "reserve":
            good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        case "types":
            good = isinstance(value, (list, tuple)) and all(isinstance(t, str) and t.isalnum() for t in value)
            value = tuple(t.lower() for t in value) if good else value
        case "folders":
            good = isinstance(value, dict) and all(isinstance(v, str) for v in value.values())
            value = {str(k).strip("/"): v.strip("/") for k, v in value.items()} if good else value
        case "language":
            good = value in LANGUAGES
        case "host_key":
            good = isinstance(value, str) and (not value or bool(_FINGERPRINT.match(value)))
        case "unencrypted":
            if value not in {"", *UNENCRYPTED.values()}:
                raise ConfigError("server.unencrypted", **UNENCRYPTED)
            good = True
        case "proxy":
            if not isinstance(value, str) or not _is_proxy(value):
                raise ConfigError("config.proxy", none=NO_PROXY)
            good = True
        case "reprints":
            good = value in {"hold", "send"}
        case "drive_type":
            good = value in {"network", "disk"}
        case "alarms" | "agent":
            good = isinstance(value, bool)
        case "responses":
            good = isinstance(value, dict)
            value = _responses(value) if good else value
        case "mail":
            good = value is None or isinstance(value, dict)
            value = _mail(value) if isinstance(value, dict) else value
        case "temporary_folder":
            good = value is None or isinstance(value, str)
            value = value.strip("/") if isinstance(value, str) else value
        case _:
            good = isinstance(value, str)
    if not good:
        raise ConfigError("config.bad-value", key=key, value=value)
    return value


def _is_proxy(text: str) -> bool:
    """Tell whether this can be a proxy's address: nobody's password in it, and of a kind that we know."""
    if text in {"", NO_PROXY}:
        return True
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    plain = "@" not in parts.netloc and not parts.path.strip("/") and not parts.query and not parts.fragment
    return named and plain and parts.scheme in {"http", "https"}


def _responses(table: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return how INGIS's answers are called, checking each pattern. Raises ConfigError."""
    _known(table, {"accepted", "refused"}, "responses")
    found: dict[str, tuple[str, ...]] = {}
    for key, value in table.items():
        patterns = (value,) if isinstance(value, str) else value
        if not isinstance(patterns, (list, tuple)):
            raise ConfigError("config.bad-value", key=f"responses.{key}", value=value)
        for pattern in patterns:
            if not isinstance(pattern, str) or not _is_response(pattern):
                values = {"places": "{name} / {stem}", "example": "{name}.err"}
                raise ConfigError("config.response", key=key, pattern=pattern, **values)
        found[key] = tuple(patterns)
    return found


def _is_response(pattern: str) -> bool:
    """Tell whether a pattern names answers: one document's name in it, and never the document itself."""
    folder, _, name = pattern.rpartition("/")
    if folder.strip("/") != folder or ".." in folder.split("/") or "\\" in pattern or re.search(r"[{}*]", folder):
        return False
    parts = re.split(r"\{(?:name|stem)\}", name)
    if len(parts) != 2 or re.search(r"[{}]", "".join(parts)) or "*" in parts[0] or parts[1].count("*") > 1:
        return False
    # Beside the documents, `{stem}*` or `{stem}.xml` would be the document, or its other half.
    return bool(folder) or bool(parts[0]) or not _DOCUMENT_ENDING.fullmatch(parts[1])


def _mail(table: Mapping[str, Any]) -> Mail:
    """Make a Mail of its table, checking each value. Raises ConfigError."""
    texts = {"host", "from", "user", "ca_file"}
    _known(table, texts | {"to", "port", "tls"}, "mail")
    values = {"host": "", "from": "", "to": (), **table}
    to = [values["to"]] if isinstance(values["to"], str) else values["to"]
    good = {
        **{key: isinstance(values.get(key, ""), str) for key in texts},
        "to": isinstance(to, (list, tuple)) and bool(to) and all(is_address(a) for a in to),
        "port": type(values.get("port", 0)) is int and 0 <= values.get("port", 0) < 2**16,
        "tls": values.get("tls", "starttls") in {"starttls", "tls", "none"},
    }
    good["host"] = good["host"] and bool(values["host"])
    good["from"] = good["from"] and (not values["from"] or is_address(values["from"]))
    for key, fine in good.items():
        if not fine:
            raise ConfigError("config.bad-value", key=f"mail.{key}", value=values.get(key))
    if values.get("tls") == "none" and not is_loopback(values["host"]):
        raise ConfigError("mail.plain", host=values["host"])
    sender = values.pop("from")
    return Mail(**{**values, "to": tuple(to), "sender": sender})


def is_address(text: object) -> bool:
    """Tell whether this can be an e-mail address: one @, and nothing that could begin another line or address."""
    return isinstance(text, str) and bool(_ADDRESS.fullmatch(text))


def folder_routes(drive: Drive) -> dict[str, str]:
    """Return the routes by the keys of their subfolders."""
    return {names.key(local): remote for local, remote in drive.folders.items()}


def check_server(url: str, unencrypted: str = "") -> None:
    """Make sure that a server's address can be used; `unencrypted` as in the drive. Raises ConfigError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError("server.bad-url", url=url, detail=error) from None
    del port
    if parts.scheme not in {*SCHEMES, "ftp"} or not parts.hostname:
        raise ConfigError("server.bad-scheme", url=url, schemes=", ".join(f"{s}://" for s in SCHEMES))
    if parts.username or parts.password:
        raise ConfigError("server.has-secret")
    if parts.query or parts.fragment:
        raise ConfigError("server.bad-url", url=url, detail="? #")
    if parts.scheme in {"http", "ingis+http"} and not is_loopback(parts.hostname):
        instead = "ingis://" if parts.scheme == "ingis+http" else "https://"
        raise ConfigError("server.plain-http", url=url, instead=instead)
    if parts.scheme == "ftp" and unencrypted not in UNENCRYPTED.values():
        raise ConfigError("server.plain-ftp", url=url)


def is_loopback(host: str) -> bool:
    """Tell whether an address never leaves this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
