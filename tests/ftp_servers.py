"""FTPS servers for the tests, each in a process of its own: vsftpd, and pyftpdlib's.

`vsftpd_server` and `pyftpdlib_server` give a running `FtpTestServer`. vsftpd asks the system for users, so one is made
for it and taken away again (root is needed); its configuration, certificate and log lie in a folder of the test's.

What they do, as tried here; delivery/test_ftps.py holds the rows that matter:

|                                          | vsftpd 3.0.3              | pyftpdlib 2.2          |
| ---------------------------------------- | ------------------------- | ---------------------- |
| MLST, MLSD                               | no (500)                  | yes                    |
| RNTO to a taken name                     | 250: overwritten          | 250: overwritten       |
| RNTO into a folder that is not there     | 550 Rename failed         | 550, with a reason     |
| RNTO to a name of more than 255 bytes    | 550 Rename failed         | 550, with a reason     |
| RNFR, SIZE of what is not there          | 550                       | 550, with a reason     |
| SIZE of a folder                         | 550                       | 550 is not retrievable |
| STOR into a folder that is not there     | 553 Could not create file | 550, with a reason     |
| STOR where we may not write              | 553 Could not create file | 550, with a reason     |
| NLST shows names with a leading dot      | only with -a              | yes; -a is a name      |
| NLST of a folder that is not there       | 226, and nothing          | 550                    |
| data without the control's TLS session   | 522                       | taken                  |
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.servers import Server, program, wait_for
from tests.sftp_servers import descendants, is_running, system_user

ELSEWHERE = "192.0.2.1"  # an address that leads nowhere (RFC 5737)


class FtpTestServer(Server):
    """A server with a certificate of its own, one user, and an inbox that the user sees as /inbox."""

    def __init__(self, folder: Path, *, implicit: bool = False, behind_nat: bool = False) -> None:
        """`implicit`: TLS from the first byte on. `behind_nat`: the server names an address that leads nowhere."""
        super().__init__(folder)
        self.implicit = implicit
        self.behind_nat = behind_nat
        self.log = folder / "server.log"
        self.certificate, self.key = folder / "certificate.pem", folder / "key.pem"
        make_certificate(self.certificate, self.key)

    @property
    def url(self) -> str:
        return f"{'ftps-implicit' if self.implicit else 'ftps'}://127.0.0.1:{self.port}/inbox"

    def failed_logins(self) -> int:
        """How many tries to log in the server has counted against the user."""
        return sum(1 for line in self._log() if "FAIL LOGIN" in line)

    def commands(self, verb: str) -> list[str]:
        """What stood behind every command of a kind, since the first start."""
        marks = (line.partition(f'"{verb}')[2] for line in self._log() if "FTP command" in line)
        return [mark.removesuffix('"').strip() for mark in marks if mark[:1] in {" ", '"'}]

    def _log(self) -> list[str]:
        return self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []


def make_certificate(certificate: Path, key: Path, days: int = 1) -> None:
    """A key, and a certificate for this machine that is valid so many days from now; before, if that is negative."""
    secret = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ingisfs test")])
    now = datetime.now(UTC)
    begin, end = sorted([now + timedelta(days=days), now - timedelta(days=3)])
    addresses = [x509.IPAddress(ip_address(address)) for address in ("127.0.0.1", "127.0.0.2")]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(secret, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        secret.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


# ----------------------------------------------------------------------------------------------------------- vsftpd


class VsftpdServer(FtpTestServer):
    """Debian's vsftpd in a configuration of its own. Data must come with the TLS session of the control connection."""

    def __init__(self, folder: Path, user: str, *, settings: str = "", **options: bool) -> None:
        """`settings` are further lines of vsftpd.conf."""
        super().__init__(folder, **options)
        self.user = user
        self.settings = settings

    def command(self) -> list[str]:
        (self.folder / "empty").mkdir(exist_ok=True)
        lines = f"""
listen=YES
listen_address=127.0.0.1
listen_port={self.port}
background=NO
anonymous_enable=NO
local_enable=YES
write_enable=YES
chroot_local_user=YES
local_root={self.folder}
local_umask=022
secure_chroot_dir={self.folder}/empty
pam_service_name=vsftpd
delay_failed_login=0
seccomp_sandbox=NO
utf8_filesystem=YES
ssl_enable=YES
implicit_ssl={"YES" if self.implicit else "NO"}
rsa_cert_file={self.certificate}
rsa_private_key_file={self.key}
ssl_ciphers=HIGH
force_local_logins_ssl=YES
force_local_data_ssl=YES
require_ssl_reuse=YES
strict_ssl_read_eof=YES
xferlog_enable=YES
log_ftp_protocol=YES
debug_ssl=YES
vsftpd_log_file={self.log}
{f"pasv_address={ELSEWHERE}" if self.behind_nat else ""}
{self.settings}
"""
        (self.folder / "vsftpd.conf").write_text("\n".join(filter(None, lines.splitlines())) + "\n")
        return [program("vsftpd"), str(self.folder / "vsftpd.conf")]

    def stop(self) -> None:
        """Stop it with its sessions, which outlive the process that listens."""
        sessions = descendants(self._process.pid) if self._process is not None else []
        super().stop()
        for pid in sessions:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not any(map(is_running, sessions)), "the sessions to end")

    def data_connections(self) -> list[str]:
        """Whether each TLS session after a connection's first was "reused" or "not reused"."""
        found = [line for line in self._log() if "SSL version" in line and f"[{self.user}]" in line]
        return ["not reused" if "not reused" in line else "reused" for line in found]


# -------------------------------------------------------------------------------------------------------- pyftpdlib


class PyFtpdServer(FtpTestServer):
    """pyftpdlib's server. `lacks` are commands that it does not know, `permissions` pyftpdlib's letters."""

    def __init__(
        self,
        folder: Path,
        *,
        lacks: tuple[str, ...] = (),
        permissions: str = "elradfmw",
        encrypted: bool = True,
        idle: float = 300,
        passive_ports: tuple[int, int] | None = None,
        **options: bool,
    ) -> None:
        """`idle`: seconds after which the server closes a connection that rests. `passive_ports`: first and last."""
        super().__init__(folder, **options)
        self.lacks = lacks
        self.permissions = permissions
        self.encrypted = encrypted
        self.idle = idle
        self.passive_ports = passive_ports

    @property
    def url(self) -> str:
        return super().url if self.encrypted else f"ftp://127.0.0.1:{self.port}/inbox"

    def command(self) -> list[str]:
        settings = {
            "folder": str(self.folder),
            "port": self.port,
            "user": self.user,
            "implicit": self.implicit,
            "encrypted": self.encrypted,
            "lacks": self.lacks,
            "permissions": self.permissions,
            "idle": self.idle,
            "passive_ports": self.passive_ports,
            "elsewhere": ELSEWHERE if self.behind_nat else None,
        }
        return [sys.executable, __file__, json.dumps(settings)]

    def options(self) -> dict[str, Any]:
        return {"env": {**os.environ, "FTP_PASSWORD": self.password}}


def _serve_pyftpdlib(settings: dict[str, Any]) -> None:
    """The main of the pyftpdlib process."""
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
    from pyftpdlib.servers import FTPServer

    folder = Path(settings["folder"])
    log = (folder / "server.log").open("a", buffering=1, encoding="utf-8")
    users = DummyAuthorizer()
    users.add_user(settings["user"], os.environ["FTP_PASSWORD"], str(folder), perm=settings["permissions"])
    base: Any = TLS_FTPHandler if settings["encrypted"] else FTPHandler
    bounds = settings["passive_ports"]
    ports = None if bounds is None else range(bounds[0], bounds[1] + 1)

    class Handler(base):  # type: ignore[misc]
        authorizer = users
        certfile, keyfile = str(folder / "certificate.pem"), str(folder / "key.pem")
        tls_control_required = tls_data_required = True
        auth_failed_timeout = 0
        timeout = settings["idle"]
        masquerade_address = settings["elsewhere"]
        permit_foreign_addresses = True
        passive_ports = ports
        proto_cmds: ClassVar = {verb: what for verb, what in base.proto_cmds.items() if verb not in settings["lacks"]}

        def handle(self) -> None:
            if settings["implicit"]:
                self.secure_connection(self.ssl_context)
            else:
                super().handle()

        def handle_ssl_established(self) -> None:
            if settings["implicit"]:
                super().handle()

        def process_command(self, cmd: str, *args: Any, **kwargs: Any) -> None:
            said = "" if cmd == "PASS" else " ".join(args)
            log.write(f'FTP command: "{cmd} {said.removeprefix(str(folder))}"\n')
            super().process_command(cmd, *args, **kwargs)

        def on_login_failed(self, username: str, password: str) -> None:
            log.write(f"FAIL LOGIN {username}\n")

    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    FTPServer(("127.0.0.1", settings["port"]), Handler).serve_forever()


# ------------------------------------------------------------------------------------------------- context managers


@contextlib.contextmanager
def vsftpd_server(tmp_path: Path, *, settings: str = "", **options: bool) -> Iterator[VsftpdServer]:
    """Its files lie outside `tmp_path`: pytest's folders are for root alone."""
    with tempfile.TemporaryDirectory(prefix="ingisfs-vsftpd-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)  # not the user's to write: vsftpd wants it so of the user's root
        server = VsftpdServer(folder, "", settings=settings, **options)
        server.user = stack.enter_context(system_user(folder, server.password))
        shutil.chown(server.root, server.user)
        stack.callback(server.stop)
        server.start()
        yield server


@contextlib.contextmanager
def pyftpdlib_server(tmp_path: Path, **options: Any) -> Iterator[PyFtpdServer]:
    server = PyFtpdServer(tmp_path / "pyftpdlib", **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


if __name__ == "__main__":
    _serve_pyftpdlib(json.loads(sys.argv[1]))
