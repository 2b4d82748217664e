"""A line of some length: a TCP proxy that adds half of the round-trip time each way. No loss, no limit of bandwidth.

    python3 scripts/benchmarks/line.py SECONDS HOST:PORT:BACK…

listens on each HOST:PORT, leads to port BACK of 127.0.0.1, and says "ready". It has a process of its own, so that it
takes no time from whoever measures. A connection costs one round trip before anything goes through it, as TCP's
handshake does. Its own work is not nothing: where the round trip is 0, it is left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence


class End(asyncio.Protocol):
    """One end of a connection; what comes in goes out at the other end, half a round trip later."""

    def __init__(self, half: float) -> None:
        """`half` of a round trip, in seconds."""
        self._half = half
        self._loop = asyncio.get_running_loop()
        self._pieces: deque[tuple[float, bytes]] = deque()  # b"" is the end
        self._waking = False
        self.transport: asyncio.Transport | None = None
        self.other: End | None = None  # None: not connected yet

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._pieces.append((self._loop.time() + self._half, data))
        self.pass_on()

    def eof_received(self) -> bool:
        """See asyncio. The way back stays open."""
        self.data_received(b"")
        return True

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        """See asyncio."""
        self.data_received(b"")

    def pass_on(self) -> None:
        """Send what is due, and come back for the rest."""
        if self.other is None or self.other.transport is None:
            return
        out = self.other.transport
        while self._pieces and self._pieces[0][0] <= self._loop.time():
            _, data = self._pieces.popleft()
            if out.is_closing():
                continue
            if data:
                out.write(data)
            elif self.transport is None or self.transport.is_closing():
                out.close()
            else:
                with contextlib.suppress(OSError):
                    out.write_eof()
        if self._pieces and not self._waking:
            self._waking = True
            self._loop.call_at(self._pieces[0][0], self._wake)

    def _wake(self) -> None:
        self._waking = False
        self.pass_on()


class Front(End):
    """The end that the client has."""

    def __init__(self, half: float, back: int) -> None:
        """`back` is the server's port on 127.0.0.1."""
        super().__init__(half)
        self._back = back
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        super().connection_made(transport)
        self._task = self._loop.create_task(self._connect())

    async def _connect(self) -> None:
        await asyncio.sleep(2 * self._half)
        back = End(self._half)
        back.other = self
        assert self.transport is not None
        try:
            await self._loop.create_connection(lambda: back, "127.0.0.1", self._back)
        except OSError:
            self.transport.abort()
            return
        now = self._loop.time()
        self._pieces = deque((max(due, now + self._half), data) for due, data in self._pieces)
        self.other = back
        self.pass_on()


async def _serve(seconds: float, places: Sequence[str]) -> None:
    loop = asyncio.get_running_loop()
    for place in places:
        host, port, back = place.split(":")
        await loop.create_server(lambda back=back: Front(seconds / 2, int(back)), host, int(port), backlog=128)  # type: ignore[misc]
    print("ready", flush=True)
    await asyncio.Event().wait()


@contextlib.contextmanager
def line(seconds: float, places: Sequence[tuple[str, int, int]]) -> Iterator[None]:
    """Have a line for the block, from each host and port to a port of 127.0.0.1."""
    command = [sys.executable, __file__, repr(seconds), *(f"{host}:{port}:{back}" for host, port, back in places)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise RuntimeError(f"no line from {places[0]}")
            yield
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1]), sys.argv[2:]))
