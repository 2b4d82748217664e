"""Passwords: from the system's keyring, else the environment, else a file that only its owner may read."""

from __future__ import annotations

import logging
import os
import stat
import sys
from pathlib import Path

from ingisfs.config import ConfigError, Drive

log = logging.getLogger(__name__)

VARIABLE = "INGISFS_PASSWORD"


def password(drive: Drive) -> str:
    """Return the password for a drive's server. Raises ConfigError, with what to do, if there is none."""
    found = _from_keyring(drive) or os.environ.get(VARIABLE) or _from_file(drive)
    if not found and drive.key_file:
        return ""  # a key without a passphrase
    if not found:
        raise ConfigError("password.missing", user=drive.user, server=drive.server, drive=drive.name)
    return found


def service(drive: Drive) -> str:
    """Return the name under which the keyring knows a drive's server."""
    return f"ingisfs {drive.server}"


def _from_keyring(drive: Drive) -> str | None:
    import keyring  # takes 60 ms: only when it is needed
    import keyring.errors

    try:
        return keyring.get_password(service(drive), drive.user)
    except keyring.errors.KeyringError as error:
        log.debug("no keyring: %s", error)
        return None


def _from_file(drive: Drive) -> str | None:
    path = Path(drive.password_file).expanduser() if drive.password_file else drive.state_folder / "password"
    try:
        mode = path.stat().st_mode
        if sys.platform != "win32" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError("password.file-open", path=path)
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError("password.file-unreadable", path=path, detail=error) from None
