"""Passwords: from the system's keyring, else the environment, else a file that only its owner may read.

What starts with the machine has no keyring of a person: its passwords are in files below the machine's folder, which
on Windows are encrypted with the machine's key besides.
"""

from __future__ import annotations

import logging
import os
import stat
import sys
from pathlib import Path

from ingisfs.config import ConfigError, Drive
from ingisfs.settings_file import replace
from ingisfs.windows import Windows

log = logging.getLogger(__name__)

VARIABLE = "INGISFS_PASSWORD"
MAIL_VARIABLE = "INGISFS_MAIL_PASSWORD"
CERTIFICATE_VARIABLE = "INGISFS_CERTIFICATE_PASSWORD"
PROTECTED = ".dpapi"  # ending of a file that Windows encrypted


def password(drive: Drive) -> str:
    """Return the password for a drive's server. Raises ConfigError, with what to do, if there is none."""
    found = _from_keyring(service(drive), drive.user) or os.environ.get(VARIABLE) or _from_file(password_file(drive))
    if not found and (drive.key_file or drive.agent or drive.client_certificate):
        return ""  # a key without a passphrase, or a certificate that is enough
    if not found:
        raise ConfigError("password.missing", user=drive.user, server=drive.server, drive=drive.name)
    return found


def service(drive: Drive) -> str:
    """Return the name under which the keyring knows a drive's server."""
    return f"ingisfs {drive.server}"


def password_file(drive: Drive) -> Path:
    """Return the file that may hold the password for a drive's server."""
    if drive.password_file:
        return Path(drive.password_file).expanduser()
    return drive.state_folder / f"password{_ending()}"


def mail_password(drive: Drive) -> str:
    """Return the password for the mail server. Raises ConfigError if there is none."""
    assert drive.mail is not None
    user = drive.mail.user
    found = _from_keyring(mail_service(drive), user) or os.environ.get(MAIL_VARIABLE) or _from_file(mail_file(drive))
    if not found:
        raise ConfigError("password.missing", user=user, server=drive.mail.host, drive=drive.name)
    return found


def mail_service(drive: Drive) -> str:
    """Return the name under which the keyring knows a drive's mail server."""
    assert drive.mail is not None
    return f"ingisfs smtp {drive.mail.host}"


def mail_file(drive: Drive) -> Path:
    """Return the file that may hold the password for the mail server."""
    return drive.state_folder / f"mail-password{_ending()}"


def certificate_passphrase(drive: Drive) -> str:
    """Return what opens the key of a drive's certificate, "" if there is nothing."""
    kept = _from_keyring(certificate_service(drive), drive.user)
    return kept or os.environ.get(CERTIFICATE_VARIABLE) or _from_file(certificate_file(drive)) or ""


def certificate_service(drive: Drive) -> str:
    """Return the name under which the keyring knows the key of a drive's certificate."""
    return f"ingisfs certificate {drive.server}"


def certificate_file(drive: Drive) -> Path:
    """Return the file that may hold the passphrase of the key of a drive's certificate."""
    return drive.state_folder / f"certificate-password{_ending()}"


def store(service: str, user: str, secret: str) -> None:
    """Put a password into the system's keyring. Raises ConfigError if there is none that keeps it."""
    import keyring

    try:
        keyring.set_password(service, user, secret)
        kept = keyring.get_password(service, user)
    except Exception as error:  # each system's keyring raises its own
        raise ConfigError(
            "keyring.none", detail=str(error).strip().partition("\n")[0] or type(error).__name__
        ) from None
    if kept != secret:
        raise ConfigError("keyring.none", detail=type(keyring.get_keyring()).__module__)


def store_in_file(path: Path, secret: str) -> None:
    """Put a password into a file that only its owner may read. Raises ConfigError."""
    content = secret.encode()
    try:
        replace(path, Windows().protect(content) if path.suffix == PROTECTED else content + b"\n")
    except OSError as error:
        raise ConfigError("password.file-unwritable", path=path, detail=error.strerror or error) from None


def _ending() -> str:
    return PROTECTED if sys.platform == "win32" else ""


def _from_keyring(service: str, user: str) -> str | None:
    import keyring  # takes 60 ms: only when it is needed
    import keyring.errors

    try:
        return keyring.get_password(service, user)
    except keyring.errors.KeyringError as error:
        log.debug("no keyring: %s", error)
        return None


def _from_file(path: Path) -> str | None:
    try:
        mode = path.stat().st_mode
        if sys.platform != "win32" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError("password.file-open", path=path)
        content = path.read_bytes()
        if path.suffix == PROTECTED:
            content = Windows().unprotect(content)
        return content.decode().rstrip("\r\n")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("password.file-unreadable", path=path, detail=error) from None
