"""A bare client that sends documents under their final names, with so many connections, and does nothing else."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from ftplib import FTP, FTP_TLS
from io import BytesIO
from urllib.parse import quote

from scripts.benchmarks.figures import rate
from scripts.benchmarks.sites import Site
from scripts.benchmarks.work import Document

Put = Callable[[Document], None]


def send_all(site: Site, documents: Sequence[Document], connections: int, seconds: float) -> float:
    """Return the documents a second of a bare client that has logged in; it stops after so many seconds."""
    todo = _Todo(documents, connections, seconds)
    if site.kind.family == "SFTP":
        asyncio.run(_by_sftp(site, todo, connections))
    else:
        connect = {"WebDAV": _by_webdav, "FTPS": _by_ftps, "portal": _by_portal}[site.kind.family]
        _by_threads(lambda: connect(site), todo, connections)
    return rate(todo.begun, todo.moments)


class _Todo:
    """What is still to be sent, for all connections."""

    def __init__(self, documents: Sequence[Document], connections: int, seconds: float) -> None:
        self._warming = [Document(f"warm{number}.pdf", documents[0].data) for number in range(connections)]
        self._left = iter(documents)
        self._seconds = seconds
        self._lock = threading.Lock()
        self.begun = 0.0  # s since 1970
        self.moments: list[float] = []

    def warm(self) -> Document:
        """Return what a connection sends first, to log in."""
        return self._warming.pop()

    def begin(self) -> None:
        self.begun = time.time()

    def next(self) -> Document | None:
        with self._lock:
            return None if time.time() > self.begun + self._seconds else next(self._left, None)

    def done(self) -> None:
        self.moments.append(time.time())


def _by_threads(connect: Callable[[], AbstractContextManager[Put]], todo: _Todo, connections: int) -> None:
    failed: list[Exception] = []
    all_warm = threading.Barrier(connections, todo.begin)

    def work() -> None:
        try:
            with connect() as put:
                put(todo.warm())
                all_warm.wait()
                while (document := todo.next()) is not None:
                    put(document)
                    todo.done()
        except Exception as error:
            failed.append(error)
            all_warm.abort()

    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


@contextmanager
def _by_webdav(site: Site) -> Iterator[Put]:
    import httpx

    with httpx.Client(auth=site.server.auth, timeout=60, trust_env=False) as client:
        yield lambda document: _good(client.put(site.url + document.name, content=document.data))


@contextmanager
def _by_portal(site: Site) -> Iterator[Put]:
    """Put drafts, that is: what a PUT alone is there."""
    import httpx

    base = site.url.replace("ingis+http", "http") + "/api/drafts/"

    def put(document: Document) -> None:
        digest = base64.b64encode(hashlib.sha256(document.data).digest()).decode()
        headers = {"Content-Type": "application/octet-stream", "Content-Digest": f"sha-256=:{digest}:"}
        name = quote(f".ingisfs-bare{document.name}.part")
        _good(client.put(base + name, content=document.data, headers=headers))

    with httpx.Client(auth=site.server.auth, timeout=60, trust_env=False) as client:
        yield put


def _good(answer: object) -> None:
    answer.raise_for_status()  # type: ignore[attr-defined]


class _SameSession(FTP_TLS):
    """Data comes with the TLS session of the control connection, as vsftpd wants it."""

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        conn, size = FTP.ntransfercmd(self, cmd, rest)
        assert isinstance(self.sock, ssl.SSLSocket)
        return self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session), size


@contextmanager
def _by_ftps(site: Site) -> Iterator[Put]:
    client = _SameSession(context=site.tls(), timeout=60)
    client.connect(site.host, site.port)
    client.login(*site.server.auth)
    client.prot_p()
    client.cwd(site.path)
    try:
        yield lambda document: _stored(client.storbinary(f"STOR {document.name}", BytesIO(document.data), 2**16))
    finally:
        client.close()


def _stored(_: str) -> None:
    """ftplib raises for what is no success."""


async def _by_sftp(site: Site, todo: _Todo, connections: int) -> None:
    import asyncssh

    left, all_warm = connections, asyncio.Event()

    async def work() -> None:
        nonlocal left
        login = {"username": site.server.user, "client_keys": [str(site.key_file)], "known_hosts": None}
        async with (
            asyncssh.connect(site.host, site.port, **login) as connection,
            connection.start_sftp_client() as client,
        ):
            await put(client, todo.warm())
            left -= 1
            if not left:
                todo.begin()
                all_warm.set()
            await all_warm.wait()
            while (document := todo.next()) is not None:
                await put(client, document)
                todo.done()

    async def put(client: asyncssh.SFTPClient, document: Document) -> None:
        async with client.open(f"{site.path}/{document.name}", "wb") as file:
            await file.write(document.data)

    await asyncio.gather(*(work() for _ in range(connections)))
