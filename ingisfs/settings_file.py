"""Writes settings into the configuration file, and leaves all else in it as a person wrote it, comments too."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ingisfs.config import VERSION, ConfigError, from_table, parse

PRIVATE = 0o600


def write(path: Path, drive: str, values: Mapping[str, Any]) -> None:
    """Set `values` in the table of a drive; None takes a setting away. Raises ConfigError, and changes nothing then."""
    path = Path(os.path.realpath(path))  # a link stays a link
    mode, text = PRIVATE, ""
    try:
        text = path.read_text(encoding="utf-8-sig")
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("config.unreadable", path=path, detail=error) from None
    parse(text, path)
    text = _with(text, drive, values, path)
    from_table({"name": drive, **parse(text, path)[drive]})
    try:
        replace(path, text.encode(), mode)
    except OSError as error:
        raise ConfigError("config.unwritable", path=path, detail=error.strerror or error) from None


def _with(text: str, drive: str, values: Mapping[str, Any], path: Path) -> str:
    import tomlkit  # takes 60 ms: only when something is written
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        if not text.strip():
            document["version"] = VERSION
        drives = document.setdefault("drives", tomlkit.table(is_super_table=True))
        table = drives.setdefault(drive, tomlkit.table())
        for key, value in values.items():
            if value is None:
                table.pop(key, None)
            elif key not in table or table[key].unwrap() != value:
                table[key] = value
        return tomlkit.dumps(document)
    except (TOMLKitError, AttributeError) as error:
        raise ConfigError("config.syntax", path=path, detail=error) from None


def replace(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Put `content` into a file, all at once and for good: after a power cut it is the old or the new one.

    Raises OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # 0600, whatever the umask is
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if mode != PRIVATE and sys.platform != "win32":
            os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    if sys.platform != "win32":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
