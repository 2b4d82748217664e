"""HTTPS: the certificate with which the stage shows who it is, and the names that it is good for."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509


class CertificateError(ValueError):
    """The files are none that a server can show itself with. `str()` of it is what is wrong, for a person."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate in PEM, with those between it and its root, and its key. `names` are the hosts it is good for."""

    file: Path
    key: Path
    names: tuple[str, ...]

    @classmethod
    def of_files(cls, file: Path, key: Path | None) -> Certificate:
        """Look at the files; without `key` it is in the first too. Raises CertificateError."""
        key = key or file
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(file, key, password=_no_passphrase)
            own = x509.load_pem_x509_certificates(file.read_bytes())[0]
            found = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            raise CertificateError(f"{file}: no names (subjectAltName)") from None
        except (OSError, ValueError) as error:  # of ssl too
            reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or error
            raise CertificateError(f"{file}: {reason}") from None
        names = found.get_values_for_type(x509.DNSName)
        addresses = [str(address) for address in found.get_values_for_type(x509.IPAddress)]
        hosts = tuple(name.lower() for name in (*names, *addresses) if "*" not in name)
        if not hosts:
            raise CertificateError(f"{file}: no name of one host")
        return cls(file, key, hosts)


def _no_passphrase() -> str:
    raise ValueError("the key has a passphrase")
