"""Servers behind what a company puts before them: Digest, a private CA, certificates of clients, a forward proxy.

`digest_apache`, `tls_apache` and `tls_nginx` give a running `Server` with the inbox of tests/servers.py, and
`forward_proxy` Apache as a proxy that forwards HTTP and opens tunnels (CONNECT).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.servers import INBOX, ApacheServer, NginxServer, Server, WsgiDavServer

REALM = "inbox"


class Authority:
    """A private CA in a folder: `file` has its certificate."""

    def __init__(self, folder: Path, name: str = "ingisfs test CA") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.BasicConstraints(ca=True, path_length=0)
        made = self._builder(self._name, self._key).add_extension(usage, critical=True)
        self.file = folder / "ca.pem"
        self.file.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *, client: bool = False, passphrase: str = "") -> tuple[Path, Path]:
        """Return the files of a certificate and its key: for 127.0.0.1, or for a client of that name."""
        key = ec.generate_private_key(ec.SECP256R1())
        use = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._builder(subject, key).add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        if not client:
            names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
            made = made.add_extension(names, critical=False)
        certificate, secret = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        certificate.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        how: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase:
            how = serialization.BestAvailableEncryption(passphrase.encode())
        secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how))
        return certificate, secret

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=100))
        )


class TlsApache(ApacheServer):
    """Apache with TLS 1.2 and 1.3. The log tells the user, or who the client's certificate says it is."""

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}{INBOX}"


class TlsNginx(NginxServer):
    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}{INBOX}"


class DigestApache(ApacheServer):
    """Takes Digest only."""

    more_modules = ("auth_digest",)
    lifetime = 300  # s of a nonce

    def command(self) -> list[str]:
        digest = hashlib.md5(f"{self.user}:{REALM}:{self.password}".encode(), usedforsecurity=False).hexdigest()
        (self.folder / "htdigest").write_text(f"{self.user}:{REALM}:{digest}\n")
        self.login = (
            f'AuthType Digest\n  AuthName "{REALM}"\n  AuthUserFile "{{folder}}/htdigest"\n'
            f"  AuthDigestNonceLifetime {self.lifetime}\n  Require valid-user"
        )
        return super().command()

    def refused(self) -> int:
        """How often it was shown a wrong password."""
        log = self.folder / "error.log"
        return log.read_text().count("password mismatch") if log.exists() else 0


class ForwardProxy(ApacheServer):
    """Apache as a proxy to anywhere. `asks`: only for who shows the password."""

    asks = False

    def command(self) -> list[str]:
        self.more_modules = ("proxy", "proxy_http", "proxy_connect")
        who = 'AuthType Basic\n  AuthName "proxy"\n  AuthUserFile "{folder}/htpasswd"\n  Require valid-user'
        who = who.format(folder=self.folder) if self.asks else "Require all granted"
        self.more = f'ProxyRequests On\nAllowCONNECT 1024-65535\n<Proxy "*">\n  {who}\n</Proxy>'
        return super().command()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


S = TypeVar("S", bound=Server)


@contextlib.contextmanager
def _in_a_folder_for_all(server: type[S]) -> Iterator[S]:
    """Apache is www-data where the tests are root, and pytest's folders are for root alone."""
    with tempfile.TemporaryDirectory(prefix="ingisfs-apache-") as folder:
        made = server(Path(folder))
        if os.geteuid() == 0:
            for path in (made.folder, made.root):
                shutil.chown(path, "www-data", "www-data")
        try:
            yield made
        finally:
            made.stop()


@contextlib.contextmanager
def digest_apache(lifetime: int = 300) -> Iterator[DigestApache]:
    with _in_a_folder_for_all(DigestApache) as server:
        server.lifetime = lifetime
        server.start()
        yield server


@contextlib.contextmanager
def digest_wsgidav(tmp_path: Path) -> Iterator[Server]:
    server = WsgiDavServer(tmp_path / "wsgidav")
    server.digest = True
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def tls_apache(authority: Authority, *, clients: bool = False, newest: str = "TLSv1.3") -> Iterator[TlsApache]:
    """With a certificate of `authority`. `clients`: for those only who have one of it too, and then needs no log-in."""
    with _in_a_folder_for_all(TlsApache) as server:
        server.more_modules = ("ssl", "socache_shmcb")
        lines = ["SSLEngine on", f"SSLProtocol -all +{newest}"]
        for setting, path in zip(
            ("SSLCertificateFile", "SSLCertificateKeyFile"), authority.issue("server"), strict=True
        ):
            lines.append(f'{setting} "{_copy(path, server.folder)}"')
        if clients:
            lines += [f'SSLCACertificateFile "{_copy(authority.file, server.folder)}"', "SSLVerifyClient require"]
            server.login = "Require all granted"
        server.more = "\n".join(lines)
        server.start()
        yield server


@contextlib.contextmanager
def tls_nginx(tmp_path: Path, authority: Authority, *, clients: bool = False) -> Iterator[TlsNginx]:
    server = TlsNginx(tmp_path / "nginx")
    certificate, key = authority.issue("server")
    server.listens = " ssl"
    server.more = f'ssl_certificate "{certificate}"; ssl_certificate_key "{key}";'
    if clients:
        server.more += f' ssl_client_certificate "{authority.file}"; ssl_verify_client on;'
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def forward_proxy(*, asks: bool = False) -> Iterator[ForwardProxy]:
    with _in_a_folder_for_all(ForwardProxy) as server:
        server.asks = asks
        server.start()
        yield server


def _copy(path: Path, folder: Path) -> Path:
    """Where the server may read it."""
    copy = Path(shutil.copy(path, folder / f"of-{path.name}"))
    if os.geteuid() == 0:
        shutil.chown(copy, "www-data", "www-data")
    return copy
