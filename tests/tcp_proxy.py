"""A TCP proxy that lies between a courier and a server of any kind, and delays, throttles, cuts and falls silent.

It knows bytes and connections and no protocol, so TLS and SSH pass through as they are. What a fault is to meet (a
request, its answer) the test decides by the moment: see tests/matrix.

FTP needs more ports than one. Clients that go where the control connection goes, whatever the server's answer to PASV
says, find all of them here if the proxy has another address and the same ports: see `passive_ports`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

ELSEWHERE = "127.0.0.2"  # loopback as well, for a proxy with the server's own ports
PIECE = 16 * 1024  # bytes that are taken at a time
PASSIVE = 60  # ports for the data of FTP


@dataclass(eq=False)
class Connection:
    """One connection, with its two ends."""

    number: int  # in the order in which they came, from 1
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    passed: int = 0  # bytes that went through, both ways together
    cut_after: int | None = None
    silent: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def cut(self) -> None:
        """Reset both ends. What has not been passed on is lost."""
        for end in (self.client, self.server):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.get_extra_info("socket").setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
                end.transport.abort()
        self.ended.set()


class TcpProxy:
    """See the module. All attributes may be changed at any time, from any thread.

    `delay`: seconds each way, `answers_late` seconds more from server to client. `rate`: bytes in a second, for each
    way of each connection; 0 is without a limit. `cuts`: after how many bytes the connection with this number is cut.
    """

    def __init__(
        self, back: int, *, host: str = "127.0.0.1", port: int = 0, more: Sequence[socket.socket] = ()
    ) -> None:
        """Lead to port `back` of 127.0.0.1, and from the ports of `more`, which listen already, to the same ones."""
        self.host = host
        self.delay = self.answers_late = self.rate = 0.0
        self.cuts: Callable[[int], int | None] = lambda number: None
        self.connections = 0  # that ever came
        self.cut_off = 0  # of them, that were cut after their number of bytes
        self.keeps = False  # what clients say is kept
        self.said = bytearray()
        self._back = back
        self._open: set[Connection] = set()
        self._listeners = [socket.create_server((host, port), backlog=128), *more]
        self.port: int = self._listeners[0].getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._ending: asyncio.Event
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._ready = threading.Event()

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(20)

    def stop(self) -> None:
        """Cut what is open, and listen no more."""
        self.cut()
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(20)
        assert not self._thread.is_alive()

    def cut(self) -> int:
        """Cut all connections now; tells how many there were."""
        return self._each(Connection.cut)

    def silence(self) -> int:
        """Pass nothing on any more on all connections that there are, without ending them; tells how many."""
        return self._each(lambda connection: setattr(connection, "silent", True))

    def lead_to(self, back: int) -> None:
        """Lead new connections to another port."""
        self._back = back

    def _each(self, do: Callable[[Connection], object]) -> int:
        async def run() -> int:
            found = list(self._open)
            for connection in found:
                do(connection)
            return len(found)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(20)

    # ---- its thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            asyncio.set_event_loop(None)
            self._loop.close()

    async def _serve(self) -> None:
        self._ending = asyncio.Event()
        servers = []
        for at, listener in enumerate(self._listeners):
            back = None if at == 0 else listener.getsockname()[1]
            servers.append(await asyncio.start_server(self._accept(back), sock=listener, limit=PIECE))
        self._ready.set()
        await self._ending.wait()
        for server in servers:
            server.close()
        # Also what came just now: no stream may outlive its loop.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for connection in list(self._open):
                connection.cut()
            await asyncio.wait(others, timeout=0.05)

    def _accept(self, same: int | None) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            connection = Connection(self.connections, writer, cut_after=self.cuts(self.connections))
            self._open.add(connection)
            try:
                await asyncio.sleep(2 * self.delay)  # the handshake
                back = self._back if same is None else same
                server_reader, connection.server = await asyncio.open_connection("127.0.0.1", back, limit=PIECE)
                ways: list[asyncio.Future[Any]] = [
                    asyncio.ensure_future(self._carry(connection, reader, connection.server, back=False)),
                    asyncio.ensure_future(self._carry(connection, server_reader, writer, back=True)),
                ]
                ended: asyncio.Future[Any] = asyncio.ensure_future(connection.ended.wait())
                both: asyncio.Future[Any] = asyncio.gather(*ways, return_exceptions=True)
                await asyncio.wait([both, ended], return_when=asyncio.FIRST_COMPLETED)
                for way in (both, *ways, ended):
                    way.cancel()
                await asyncio.gather(both, *ways, ended, return_exceptions=True)
            except OSError:
                pass  # nobody listens there: the client is hung up on
            finally:
                await _end(connection)
                self._open.discard(connection)

        return accept

    async def _carry(
        self, connection: Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool
    ) -> None:
        """Carry what comes one way, in its order, each piece at its time."""
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(256)
        sender = asyncio.ensure_future(self._send(connection, pieces, writer))
        try:
            while not sender.done():
                try:
                    data = await reader.read(PIECE)
                except OSError:
                    connection.cut()
                    return
                if self.keeps and not back:
                    self.said += data
                due = self._loop.time() + self.delay + (self.answers_late if back else 0.0)
                await pieces.put((due, data))
                if not data:
                    await sender
                    return
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    async def _send(
        self, connection: Connection, pieces: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        while True:
            due, data = await pieces.get()
            await asyncio.sleep(due - self._loop.time())
            if connection.silent:
                await connection.ended.wait()
            if connection.ended.is_set():
                return
            if not data:
                if writer.can_write_eof():
                    with contextlib.suppress(OSError):
                        writer.write_eof()
                return
            left = len(data) if connection.cut_after is None else connection.cut_after - connection.passed
            connection.passed += len(data)
            writer.write(data[: max(left, 0)])
            if left < len(data):
                self.cut_off += 1
                connection.cut()
                return
            try:
                await writer.drain()
            except OSError:
                connection.cut()
                return
            if self.rate:
                await asyncio.sleep(len(data) / self.rate)


async def _end(connection: Connection) -> None:
    """Close both ends when all was passed on, unless the connection is cut."""
    ends = [end for end in (connection.client, connection.server) if end is not None]
    for end in ends:
        end.close()
    closed: asyncio.Future[Any] = asyncio.gather(*(end.wait_closed() for end in ends), return_exceptions=True)
    cut: asyncio.Future[Any] = asyncio.ensure_future(connection.ended.wait())
    await asyncio.wait([closed, cut], return_when=asyncio.FIRST_COMPLETED)
    if connection.ended.is_set():
        connection.cut()
    cut.cancel()
    await asyncio.gather(closed, cut, return_exceptions=True)


def at_random(seed: int, *, among: int, share: float, least: int, most: int) -> Callable[[int], int | None]:
    """Return `cuts`: a share of the first connections, `among` so many, each after a number of bytes.

    Small numbers are as likely as large ones: a log-in has few bytes, a document many.
    """
    rng = random.Random(seed)
    chosen = [rng.random() < share for _ in range(among)]
    sizes = [round(least * (most / least) ** rng.random()) for _ in range(among)]
    return lambda number: sizes[number - 1] if number <= among and chosen[number - 1] else None


@contextlib.contextmanager
def tcp_proxy(
    back: int, *, host: str = "127.0.0.1", port: int = 0, more: Sequence[socket.socket] = ()
) -> Iterator[TcpProxy]:
    proxy = TcpProxy(back, host=host, port=port, more=more)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()


@contextlib.contextmanager
def passive_ports() -> Iterator[list[socket.socket]]:
    """Sockets that listen on `PASSIVE` ports in a row of `ELSEWHERE`, for the data of an FTP server with the same.

    Below the range that the kernel gives to outgoing connections, and that of `free_port`.
    """
    for _ in range(50):
        first = random.randrange(10_000, 20_000 - PASSIVE)
        with contextlib.ExitStack() as stack:
            try:
                made = [
                    stack.enter_context(socket.create_server((ELSEWHERE, port), backlog=32))
                    for port in range(first, first + PASSIVE)
                ]
            except OSError:
                continue
            yield made
            return
    raise RuntimeError(f"no {PASSIVE} ports in a row are free")
