"""Whose certificates are trusted, and which one of ours is shown: for every server with TLS."""

from __future__ import annotations

import logging
import re
import ssl
from pathlib import Path

from ingisfs import credentials
from ingisfs.config import ConfigError, Drive

# How a server tells, in a TLS alert, that our certificate is missing or not to its liking.
_ABOUT_OURS = re.compile(r"ALERT.*(CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE|ACCESS_DENIED)")

log = logging.getLogger(__name__)


def usual_trust() -> ssl.SSLContext:
    """Return whose certificates are trusted where nothing else was said: the operating system's and Mozilla's.

    Those of the system have the company's own, and that of a virus scanner which looks into connections; Mozilla's are
    there where the system has none yet (Windows fetches most of its own only when one of its programs asks). 35 ms.
    """
    import certifi

    context = ssl.create_default_context(cafile=certifi.where())
    try:
        context.load_default_certs()
    except ssl.SSLError as error:  # one damaged certificate in Windows' store is enough
        log.warning("the certificates of the system cannot be read: %s", error)
    return context


def is_about_ours(error: BaseException) -> bool:
    """Tell whether a server ended TLS because it wants to see another certificate of ours, or one at all."""
    return isinstance(error, ssl.SSLError) and bool(_ABOUT_OURS.search(error.reason or ""))


def trusted(drive: Drive) -> ssl.SSLContext:
    """Return with whom a drive speaks, and as whom. Raises ConfigError for files that cannot be used."""
    if drive.ca_file:
        path = Path(drive.ca_file).expanduser()
        try:
            context = ssl.create_default_context(cafile=str(path))
        except OSError as error:
            raise _unusable("ca_file", path, error.strerror or error) from None
    else:
        context = usual_trust()
    if drive.client_certificate:
        _show(context, drive)
    return context


def _show(context: ssl.SSLContext, drive: Drive) -> None:
    """Have a drive's own certificate shown to a server that asks for it."""
    certificate = Path(drive.client_certificate).expanduser()
    key = Path(drive.client_key).expanduser() if drive.client_key else certificate
    setting = "client_key" if drive.client_key else "client_certificate"
    if b"-----BEGIN CERTIFICATE-----" not in _content("client_certificate", certificate):
        detail = "has no certificate in PEM form (a .pfx or .p12 file has to be converted to PEM)"
        raise _unusable("client_certificate", certificate, detail)
    content = _content(setting, key)
    if b"PRIVATE KEY-----" not in content:
        hint = "" if drive.client_key else " (if it is in a file of its own, that is client_key)"
        raise _unusable(setting, key, f"has no private key in PEM form{hint}")
    passphrase = credentials.certificate_passphrase(drive)
    try:
        # Without a function OpenSSL would ask the terminal.
        context.load_cert_chain(certificate, key, lambda: passphrase)
    except OSError as error:
        reason = getattr(error, "reason", None) or error.strerror or str(error)
        if reason == "KEY_VALUES_MISMATCH":
            reason = f"does not belong to the certificate in {certificate}"
        elif b"ENCRYPTED" in content:
            reason = (
                f"is not opened by the passphrase ({reason})"
                if passphrase
                else "needs its passphrase: ingisfs login --certificate"
            )
        raise _unusable(setting, key, reason) from None


def _content(setting: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unusable(setting, path, error.strerror or error) from None


def _unusable(setting: str, path: Path, detail: object) -> ConfigError:
    return ConfigError("config.file", key=setting, path=path, detail=detail)
