"""The servers that documents go to, each at some distance: WsgiDAV, Apache, OpenSSH, vsftpd and the local INGIS."""

from __future__ import annotations

import contextlib
import shutil
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from scripts.benchmarks.line import line
from tests.ftp_servers import FtpTestServer, vsftpd_server
from tests.servers import Server, apache_server, free_port, stage_server, wsgidav_server
from tests.sftp_servers import SftpTestServer, openssh_server
from tests.tcp_proxy import ELSEWHERE, passive_ports


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of server."""

    id: str
    title: str
    family: str  # WebDAV, SFTP, FTPS, portal


KINDS = {
    kind.id: kind
    for kind in (
        Kind("wsgidav", "WebDAV, WsgiDAV", "WebDAV"),
        Kind("apache", "WebDAV, Apache", "WebDAV"),
        Kind("openssh", "SFTP, OpenSSH", "SFTP"),
        Kind("vsftpd", "FTPS, vsftpd", "FTPS"),
        Kind("stage", "ingis://, the local INGIS", "portal"),
    )
}


@dataclass(frozen=True, slots=True)
class Site:
    """A server that runs, and how it is reached."""

    kind: Kind
    server: Server
    url: str  # as in a drive's settings
    settings: Mapping[str, Any] = field(default_factory=dict)  # what a drive's settings say besides

    @property
    def host(self) -> str:
        """Where it is reached."""
        return str(urlsplit(self.url).hostname)

    @property
    def port(self) -> int:
        """Where it is reached."""
        return int(urlsplit(self.url).port or 0)

    @property
    def path(self) -> str:
        """Its inbox."""
        return unquote(urlsplit(self.url).path)

    @property
    def root(self) -> Path:
        """Where its inbox lies on the disk."""
        return self.server.root

    @property
    def key_file(self) -> Path:
        """What SSH logs in with."""
        assert isinstance(self.server, SftpTestServer)
        return self.server.key_file

    def tls(self) -> ssl.SSLContext:
        """Trust the server's own certificate."""
        assert isinstance(self.server, FtpTestServer)
        return ssl.create_default_context(cafile=self.server.certificate)


@contextlib.contextmanager
def site(kind: str, base: Path, trip: float = 0.0) -> Iterator[Site]:
    """Have a server for the block, `trip` seconds of a round trip away."""
    base.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        server, url, settings = (_vsftpd if kind == "vsftpd" else _on_one_port)(stack, kind, base, trip)
        time.sleep(0.3)  # WsgiDAV takes ten seconds to stop if it is told to at once
        yield Site(KINDS[kind], server, url, settings)


Reached = tuple[Server, str, dict[str, str]]  # a server, its address, and what a drive's settings say besides


def _on_one_port(stack: contextlib.ExitStack, kind: str, base: Path, trip: float) -> Reached:
    start: dict[str, Callable[[Path], AbstractContextManager[Server]]] = {
        "wsgidav": wsgidav_server,
        "apache": apache_server,
        "openssh": openssh_server,
        "stage": stage_server,
    }
    server = stack.enter_context(start[kind](base))
    port = server.port
    if trip:
        port = free_port()
        stack.enter_context(line(trip, [("127.0.0.1", port, server.port)]))
    url = server.url.replace(f":{server.port}", f":{port}")
    if kind == "stage":
        url = f"ingis+http://127.0.0.1:{port}"
    return server, url, {"host_key": server.fingerprint()} if isinstance(server, SftpTestServer) else {}


def _vsftpd(stack: contextlib.ExitStack, _: str, base: Path, trip: float) -> Reached:
    """FTP's data needs ports of its own, which the line has on another address of this machine."""
    ports: list[int] = []
    more = ""
    if trip:
        with passive_ports() as sockets:
            ports = [each.getsockname()[1] for each in sockets]
        more = f"pasv_min_port={ports[0]}\npasv_max_port={ports[-1]}"
    server = stack.enter_context(vsftpd_server(base, settings=more))
    certificate = base / "server.pem"
    shutil.copy(server.certificate, certificate)
    url = server.url
    if trip:
        places = [(ELSEWHERE, port, port) for port in (server.port, *ports)]
        stack.enter_context(line(trip, places))
        url = url.replace("127.0.0.1", ELSEWHERE)
    return server, url, {"ca_file": str(certificate)}
