"""The servers of the matrix: one `Kind` for each row, and what all of them have in common.

All but the stage are spoken to in their encrypted form, as INGIS's would be. The stage speaks plain HTTP on this
machine by design; where a certificate matters, TLS is put before it (`TlsFront`), as a proxy would.

Between courier and server lies a `TcpProxy`. FTP's data goes through it too: the proxy has an address of its own and
the server's ports, and ingisfs connects to where its control connection goes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
from abc import ABC
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingisfs.delivery.ftps import FtpsServer
from ingisfs.delivery.portal import PortalServer
from ingisfs.delivery.server import PREFIX
from ingisfs.delivery.server import Server as Contract
from ingisfs.delivery.sftp import SftpServer
from ingisfs.delivery.webdav import WebDavServer
from tests.ftp_servers import (
    FtpTestServer,
    make_certificate,
    pyftpdlib_server,
    vsftpd_server,
)
from tests.servers import ApacheServer, NginxServer, Server, StageServer, WsgiDavServer, program, stage_server
from tests.sftp_servers import (
    OpenSshServer,
    SftpTestServer,
    asyncssh_server,
    openssh_server,
    system_user,
)
from tests.tcp_proxy import ELSEWHERE, TcpProxy, passive_ports, tcp_proxy

#: What is kept of a courier's patience: seconds for one answer.
PATIENCE = 20.0


@dataclass
class Scene:
    """One server that runs, the proxy before it, and how a courier speaks to it."""

    kind: Kind
    server: Server
    proxy: TcpProxy
    scheme: str = ""
    ca_file: Path | None = None
    front: TlsFront | None = None  # before a server that has no TLS

    @property
    def url(self) -> str:
        """The inbox, through the proxy."""
        return self.through(self.proxy.host, self.proxy.port)

    def through(self, host: str, port: int) -> str:
        """The inbox, by another way."""
        path = self.server.url.partition("://")[2].partition("/")[2]
        scheme = self.scheme or self.kind.scheme
        return f"{scheme}://{host}:{port}" + ("" if scheme.startswith("ingis") else f"/{path}")

    def settings(self) -> dict[str, str]:
        """What else a drive's settings say about the server."""
        if isinstance(self.server, SftpTestServer):
            return {"host_key": self.server.fingerprint()}
        return {"ca_file": str(self.ca_file)} if self.ca_file is not None else {}

    def connect(
        self, password: str | None = None, patience: float = PATIENCE, url: str = "", host_key: str = ""
    ) -> Contract:
        """Make the courier's end of a connection; nothing is sent yet."""
        url, user = url or self.url, self.server.user
        secret = self.server.password if password is None else password
        trusted: ssl.SSLContext | bool = ssl.create_default_context(cafile=self.ca_file) if self.ca_file else True
        match self.kind.family:
            case "SFTP":
                assert isinstance(self.server, SftpTestServer)
                pin = host_key or self.server.fingerprint()
                return SftpServer(url, user, secret, host_key=pin, timeout=patience)
            case "FTPS":
                assert isinstance(trusted, ssl.SSLContext)
                return FtpsServer(url, user, secret, context=trusted, timeout=patience)
            case "WebDAV":
                return WebDavServer(url, user, secret, verify=trusted, read_timeout=patience)
            case _:
                return PortalServer(url, user, secret, verify=trusted, read_timeout=patience)

    def log_ins(self) -> int:
        """How many log-ins that it refused the server has seen."""
        if isinstance(self.server, (SftpTestServer, FtpTestServer)):
            return self.server.failed_logins()
        if isinstance(self.server, StageServer):  # it keeps no log: what went to it is counted
            return bytes(self.proxy.said).lower().count(b"\r\nauthorization: ")
        # One 401 says what to log in with, the next one that it was refused.
        return -(-sum(1 for _, _, status in self.server.requests() if status == 401) // 2)

    def spoken_to(self) -> int:
        """How much the server has been told that could be a secret: log-ins, requests, or bytes behind TLS."""
        if self.front is not None:
            return self.front.heard
        if isinstance(self.server, SftpTestServer):
            return self.server.log.read_text(errors="replace").count(" password for ")
        if isinstance(self.server, FtpTestServer):
            return len(self.server.commands("USER"))
        return len(self.server.requests())

    def leftovers(self) -> list[str]:
        """Temporary files of ours."""
        return [name for name in self.server.names() if name.startswith(PREFIX)]


@dataclass(frozen=True)
class Kind:
    """One row of the matrix."""

    id: str
    title: str
    family: str  # SFTP, FTPS, WebDAV, portal
    scheme: str
    make: Callable[[Kind, Path], AbstractContextManager[Scene]]
    version: Callable[[], str]
    every_run: bool = False  # not only with --all
    cannot: Mapping[str, str] = field(default_factory=dict)  # guarantee → why this server cannot be asked for it

    def scene(self, tmp_path: Path) -> AbstractContextManager[Scene]:
        """Start the server, and a proxy before it."""
        return self.make(self, tmp_path)


# ---- how each is started -----------------------------------------------------------------------------------------


def _proxied(start: Callable[[Path], AbstractContextManager[Server]]) -> Callable[[Kind, Path], Any]:
    @contextlib.contextmanager
    def make(kind: Kind, tmp_path: Path) -> Iterator[Scene]:
        with start(tmp_path) as server, tcp_proxy(server.port) as proxy:
            certificate = server.folder / "certificate.pem"
            yield Scene(kind, server, proxy, ca_file=certificate if certificate.exists() else None)

    return make


@contextlib.contextmanager
def _vsftpd(kind: Kind, tmp_path: Path) -> Iterator[Scene]:
    with passive_ports() as sockets:
        first, last = (sockets[at].getsockname()[1] for at in (0, -1))
        settings = f"pasv_min_port={first}\npasv_max_port={last}"
        with (
            vsftpd_server(tmp_path, settings=settings) as server,
            tcp_proxy(server.port, host=ELSEWHERE, port=server.port, more=sockets) as proxy,
        ):
            yield Scene(kind, server, proxy, ca_file=server.certificate)


@contextlib.contextmanager
def _pyftpdlib(kind: Kind, tmp_path: Path) -> Iterator[Scene]:
    with passive_ports() as sockets:
        ports = [each.getsockname()[1] for each in sockets]
        with (
            pyftpdlib_server(tmp_path, passive_ports=(ports[0], ports[-1])) as server,
            tcp_proxy(server.port, host=ELSEWHERE, port=server.port, more=sockets) as proxy,
        ):
            yield Scene(kind, server, proxy, ca_file=server.certificate)


class ChrootedOpenSshServer(OpenSshServer):
    """The user sees nothing but the folder with the inbox, as most who offer SFTP have it."""

    @property
    def url(self) -> str:
        return f"sftp://127.0.0.1:{self.port}/inbox"


@contextlib.contextmanager
def _chrooted_openssh(tmp_path: Path) -> Iterator[Server]:
    """Not in /tmp: sshd locks a user into a folder only if nobody but root may change anything on the way there."""
    with tempfile.TemporaryDirectory(prefix="ingisfs-chroot-", dir="/var/lib") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        server = ChrootedOpenSshServer(folder, "", settings=[f"ChrootDirectory {folder}"])
        server.user = stack.enter_context(system_user(folder, server.password))
        shutil.chown(server.root, server.user)
        stack.callback(server.stop)
        server.start()
        yield server


class _Encrypted(Server, ABC):
    """A server with a certificate of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.certificate, self.key = folder / "certificate.pem", folder / "key.pem"
        make_certificate(self.certificate, self.key)

    def _edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


class EncryptedApache(_Encrypted, ApacheServer):
    """Apache with mod_ssl."""

    def command(self) -> list[str]:
        command = super().command()
        module = "LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so\n"
        tls = f'SSLEngine on\nSSLCertificateFile "{self.certificate}"\nSSLCertificateKeyFile "{self.key}"\n'
        self._edit("apache.conf", "StartServers", f"{tls}StartServers")
        self._edit("apache.conf", "ServerRoot", f"{module}ServerRoot")
        return command


class EncryptedNginx(_Encrypted, NginxServer):
    """nginx with `listen … ssl`."""

    def command(self) -> list[str]:
        command = super().command()
        tls = f'ssl_certificate "{self.certificate}"; ssl_certificate_key "{self.key}";'
        self._edit("nginx.conf", " backlog=128;", f" ssl backlog=128; {tls}")
        return command


class EncryptedWsgiDav(_Encrypted, WsgiDavServer):
    """WsgiDAV under cheroot with TLS."""

    def command(self) -> list[str]:
        _, _, *rest = super().command()
        return [sys.executable, __file__, str(self.certificate), str(self.key), *rest]


def _serve_encrypted_wsgidav(certificate: str, key: str, *rest: str) -> None:
    """The main of the WsgiDAV process."""
    from cheroot import wsgi
    from cheroot.ssl.builtin import BuiltinSSLAdapter

    from tests.servers import _serve_wsgidav

    wsgi.Server.ssl_adapter = BuiltinSSLAdapter(certificate, key)
    _serve_wsgidav(*rest)


@contextlib.contextmanager
def _running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _wsgidav(tmp_path: Path) -> AbstractContextManager[Server]:
    return _running(EncryptedWsgiDav(tmp_path / "wsgidav"))


def _nginx(tmp_path: Path) -> AbstractContextManager[Server]:
    return _running(EncryptedNginx(tmp_path / "nginx"))


@contextlib.contextmanager
def _apache(tmp_path: Path) -> Iterator[Server]:
    """Outside of `tmp_path`: Apache is www-data, and pytest's folders are for root alone."""
    with tempfile.TemporaryDirectory(prefix="ingisfs-apache-") as folder:
        server = EncryptedApache(Path(folder))
        for path in (server.folder, server.root, server.key):
            shutil.chown(path, "www-data", "www-data")
        with _running(server):
            yield server


class TlsFront:
    """TLS with a certificate of its own before a server that has none; each connection is shown the newest one."""

    def __init__(self, back: int, certificate: Path, key: Path) -> None:
        self._back = back
        self._certificate, self._key = certificate, key
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._ending: asyncio.Event
        self.port = 0
        self.heard = 0  # bytes from clients, behind their handshakes
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> TlsFront:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(20)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._ending = asyncio.Event()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate, self._key)
        context.sni_callback = lambda sock, name, old: self._newest(sock)
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._ending.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0.05)

    def _newest(self, sock: ssl.SSLObject | ssl.SSLSocket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate, self._key)
        sock.context = context

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                while data := await source.read(2**16):
                    self.heard += len(data) if source is reader else 0
                    target.write(data)
                    await target.drain()
            target.close()

        with contextlib.suppress(OSError):
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._back)
            await asyncio.gather(pump(reader, back_writer), pump(back_reader, writer))


# ---- versions ----------------------------------------------------------------------------------------------------


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip()


def _openssh_version() -> str:
    return _said("ssh", "-V").partition(",")[0].partition(" ")[0].removeprefix("OpenSSH_")


def _vsftpd_version() -> str:
    """It tells its version on its standard input."""
    reading, writing = os.pipe()
    with open(reading) as answer:
        subprocess.run([program("vsftpd"), "-v"], stdin=writing, check=False)
        os.close(writing)
        return answer.read().strip().rpartition(" ")[2]


def _of(distribution: str) -> Callable[[], str]:
    def version() -> str:
        from importlib.metadata import version

        return version(distribution)

    return version


def _apache_version() -> str:
    return _said(program("apache2"), "-v").partition("Apache/")[2].partition(" ")[0]


def _nginx_version() -> str:
    return _said(program("nginx"), "-v").rpartition("/")[2]


def _stage_version() -> str:
    from ingisfs import __version__

    return __version__


# ---- the rows ----------------------------------------------------------------------------------------------------

RIGHTS = "rights"
_SAYS_500 = (
    "answers 500 to whatever it may not write, as to any other trouble: the documents wait and go when it may again, "
    "and `alarm_after` tells a person"
)

KINDS: tuple[Kind, ...] = (
    Kind("openssh", "OpenSSH, internal-sftp", "SFTP", "sftp", _proxied(openssh_server), _openssh_version, True),
    Kind("openssh_chroot", "OpenSSH, chroot", "SFTP", "sftp", _proxied(_chrooted_openssh), _openssh_version),
    Kind("asyncssh", "asyncssh", "SFTP", "sftp", _proxied(asyncssh_server), _of("asyncssh")),
    Kind("vsftpd", "vsftpd, require_ssl_reuse", "FTPS", "ftps", _vsftpd, _vsftpd_version, True),
    Kind("pyftpdlib", "pyftpdlib, TLS", "FTPS", "ftps", _pyftpdlib, _of("pyftpdlib")),
    Kind(
        "apache", "Apache, mod_dav", "WebDAV", "https", _proxied(_apache), _apache_version, cannot={RIGHTS: _SAYS_500}
    ),
    Kind(
        "nginx",
        "nginx, dav and dav-ext",
        "WebDAV",
        "https",
        _proxied(_nginx),
        _nginx_version,
        cannot={RIGHTS: _SAYS_500},
    ),
    Kind("wsgidav", "WsgiDAV", "WebDAV", "https", _proxied(_wsgidav), _of("wsgidav"), True),
    Kind(
        "stage_webdav",
        "ingisfs stage, WebDAV",
        "WebDAV",
        "http",
        _proxied(stage_server),
        _stage_version,
    ),
    Kind(
        "stage_portal",
        "ingisfs stage, portal API",
        "portal",
        "ingis+http",
        _proxied(stage_server),
        _stage_version,
        True,
    ),
)


if __name__ == "__main__":
    _serve_encrypted_wsgidav(*sys.argv[1:])
