"""A drive is one table of a TOML file; secrets are never in it.

    [drives.king]
    server = "https://upload.example.nl/inbox/"
    user = "administratie"

Every key has its default here, its checks here, and its line in docs/configuration.md. Unknown keys are refused.
"""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from ingisfs import names

SCHEMES = ("https", "http", "sftp")  # in this version; ftps and ingis follow
LANGUAGES = ("nl", "en")
DEFAULT_DRIVE = "king"

_DRIVE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}\Z")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?\Z")


class ConfigError(ValueError):
    """Something in the configuration is wrong. `sentence` is its key in the catalogue, `values` fill it."""

    def __init__(self, sentence: str, /, **values: object) -> None:
        super().__init__(f"{sentence} {values}")
        self.sentence = sentence
        self.values = values


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
    password_file: str = ""
    host_key: str = ""  # of an SFTP server, as `ssh-keygen -l` writes it
    key_file: str = ""  # to log in with at an SFTP server; the password opens it
    portal: str = ""

    @property
    def state_folder(self) -> Path:
        """The folder of the outbox, absolute."""
        chosen = Path(self.state).expanduser() if self.state else platformdirs.user_data_path("ingisfs") / self.name
        return chosen.absolute()

    def to_json(self) -> str:
        """Return the settings for a child process."""
        return json.dumps({**dataclasses.asdict(self), "types": list(self.types), "folders": dict(self.folders)})

    @property
    def ballast(self) -> int:
        """Bytes that are given up when the disk is full: the log must fit into the database, and two documents."""
        return self.wal_bound + 2 * self.max_document

    @classmethod
    def from_json(cls, text: str) -> Drive:
        """Return what `to_json` wrote."""
        return from_table(json.loads(text))


def config_path() -> Path:
    """Return where the configuration lies."""
    return platformdirs.user_config_path("ingisfs") / "config.toml"


def load(path: Path, name: str) -> Drive:
    """Return the drive of this name; all defaults if the file or the table is absent. Raises ConfigError."""
    if not _DRIVE_NAME.match(name):
        raise ConfigError("config.drive-name", name=name)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Drive(name=name)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("config.unreadable", path=path, detail=error) from None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError("config.syntax", path=path, detail=error) from None
    _known(document, {"drives"}, path)
    drives = document.get("drives", {})
    table = drives.get(name, {}) if isinstance(drives, dict) else {}
    if not isinstance(table, dict):
        raise ConfigError("config.syntax", path=path, detail=f"drives.{name}")
    return from_table({"name": name, **table})


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
        case "settle" | "pair_wait" | "keep_visible" | "archive_days" | "refuse_after" | "temp_lifetime":
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
        case "reprints":
            good = value in {"hold", "send"}
        case "temporary_folder":
            good = value is None or isinstance(value, str)
            value = value.strip("/") if isinstance(value, str) else value
        case _:
            good = isinstance(value, str)
    if not good:
        raise ConfigError("config.bad-value", key=key, value=value)
    return value


def folder_routes(drive: Drive) -> dict[str, str]:
    """Return the routes by the keys of their subfolders."""
    return {names.key(local): remote for local, remote in drive.folders.items()}


def check_server(url: str) -> None:
    """Make sure that a server's address can be used. Raises ConfigError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError("server.bad-url", url=url, detail=error) from None
    del port
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise ConfigError("server.bad-scheme", url=url, schemes=", ".join(f"{s}://" for s in SCHEMES))
    if parts.username or parts.password:
        raise ConfigError("server.has-secret")
    if parts.query or parts.fragment:
        raise ConfigError("server.bad-url", url=url, detail="? #")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ConfigError("server.plain-http", url=url)


def is_loopback(host: str) -> bool:
    """Tell whether an address never leaves this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
