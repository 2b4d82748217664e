"""The proxy between the courier and its servers does to connections what it is told, and nothing else."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.servers import wait_for
from tests.tcp_proxy import TcpProxy, at_random, passive_ports, tcp_proxy

BYTES = bytes(range(256)) * 2000


class Echo(threading.Thread):
    """Says what it hears, and keeps it."""

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(daemon=True)
        self.heard = bytearray()
        self.reset = 0  # connections that were not ended in order
        self._listener = listener
        self.port: int = listener.getsockname()[1]

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                while data := client.recv(2**16):
                    self.heard += data
                    client.sendall(data)
            except OSError:
                self.reset += 1


@pytest.fixture
def echo() -> Iterator[Echo]:
    listener = socket.create_server(("127.0.0.1", 0))
    made = Echo(listener)
    made.start()
    yield made
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[TcpProxy]:
    with tcp_proxy(echo.port) as made:
        yield made


def connect(proxy: TcpProxy) -> socket.socket:
    return socket.create_connection((proxy.host, proxy.port), timeout=20)


def exchange(client: socket.socket, data: bytes) -> bytes:
    """Say something, and return all that comes until there is as much, or until the connection ends."""
    sender = threading.Thread(target=_send, args=(client, data))
    sender.start()
    heard = bytearray()
    with contextlib.suppress(ConnectionError):
        while len(heard) < len(data) and (piece := client.recv(2**16)):
            heard += piece
    sender.join()
    return bytes(heard)


def _send(client: socket.socket, data: bytes) -> None:
    with contextlib.suppress(OSError):
        client.sendall(data)


def test_without_faults_all_bytes_pass_in_their_order_and_ends_are_passed_on(proxy: TcpProxy, echo: Echo) -> None:
    with connect(proxy) as client:
        assert exchange(client, BYTES) == BYTES
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
    assert bytes(echo.heard) == BYTES
    assert echo.reset == 0


def test_a_delay_and_a_rate_take_their_time_and_change_nothing(proxy: TcpProxy) -> None:
    proxy.delay, proxy.answers_late = 0.02, 0.1
    with connect(proxy) as client:
        begun = time.monotonic()
        assert exchange(client, b"hello") == b"hello"
        assert time.monotonic() - begun >= 0.13
        proxy.delay = proxy.answers_late = 0.0
        proxy.rate = 2**20
        begun = time.monotonic()
        assert exchange(client, BYTES) == BYTES
        assert time.monotonic() - begun >= 0.9 * len(BYTES) / 2**20


@pytest.mark.parametrize("after", [1, 1000, 100_001])
def test_a_connection_is_cut_after_its_bytes_and_the_next_one_is_not(proxy: TcpProxy, echo: Echo, after: int) -> None:
    proxy.cuts = lambda number: after if number == 1 else None
    with connect(proxy) as client:
        assert len(exchange(client, BYTES)) < after
    wait_for(lambda: proxy.cut_off == 1, "the cut", 20)
    assert len(echo.heard) <= after
    with connect(proxy) as client:
        assert exchange(client, BYTES) == BYTES
    assert (proxy.connections, proxy.cut_off) == (2, 1)


def test_a_cut_ends_all_connections_and_loses_what_is_on_its_way(proxy: TcpProxy, echo: Echo) -> None:
    with connect(proxy) as client, connect(proxy) as other:
        assert exchange(client, b"1") == exchange(other, b"1") == b"1"
        proxy.answers_late = 60.0
        client.sendall(b"do it")
        wait_for(lambda: echo.heard.endswith(b"do it"), "the request to arrive", 20)
        assert proxy.cut() == 2
        for end in (client, other):
            assert exchange(end, b"?") == b""


def test_silence_ends_nothing_and_lets_nothing_through(proxy: TcpProxy, echo: Echo) -> None:
    with connect(proxy) as client:
        assert exchange(client, b"1") == b"1"
        assert proxy.silence() == 1
        client.sendall(b"2")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(1)
        with connect(proxy) as other:
            assert exchange(other, b"3") == b"3"
    assert bytes(echo.heard) == b"13"


def test_where_nobody_listens_the_client_is_hung_up_on() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    with tcp_proxy(port) as proxy, connect(proxy) as client:
        assert exchange(client, b"1") == b""


def test_what_clients_say_is_kept_if_asked_for(proxy: TcpProxy) -> None:
    proxy.keeps = True
    with connect(proxy) as client:
        exchange(client, b"who are you?")
    assert bytes(proxy.said) == b"who are you?"


def test_more_ports_lead_to_the_same_ones() -> None:
    with passive_ports() as more, contextlib.ExitStack() as stack:
        port = more[7].getsockname()[1]
        listener = stack.enter_context(socket.create_server(("127.0.0.1", port)))
        echo = Echo(listener)
        echo.start()
        with tcp_proxy(1, host="127.0.0.2", more=more) as proxy:
            with socket.create_connection(("127.0.0.2", port), timeout=20) as client:
                assert exchange(client, b"data") == b"data"
            assert proxy.connections == 1
        listener.shutdown(socket.SHUT_RDWR)


def test_chance_is_the_same_for_the_same_seed() -> None:
    cuts = [at_random(1, among=50, share=0.5, least=10, most=1000)(number) for number in range(1, 60)]
    assert cuts == [at_random(1, among=50, share=0.5, least=10, most=1000)(number) for number in range(1, 60)]
    made = [after for after in cuts if after is not None]
    assert 10 < len(made) < 40
    assert all(10 <= after <= 1000 for after in made)
    assert cuts[50:] == [None] * 9
