"""Servers that let so many connections of one user in, and no more: all goes over those, and nobody is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh
import pytest

from ingisfs.delivery.courier import Courier, Plan
from ingisfs.delivery.failures import TargetNeedsPersonError, TargetReason, UnreachableError
from ingisfs.delivery.ftps import FtpsServer
from ingisfs.delivery.server import Server
from ingisfs.delivery.sftp import SftpServer
from ingisfs.delivery.webdav import WebDavServer
from ingisfs.delivery.worker import Result
from ingisfs.outbox.document import State
from ingisfs.outbox.intake import Rules
from ingisfs.outbox.outbox import Outbox
from tests.delivery import couriers
from tests.delivery.couriers import LONG, InlineWorker, StepCourier, all_delivered, until
from tests.documents import keep, pdf, xml
from tests.doubles import FaultyServer
from tests.faulty_ftp import trusting
from tests.faulty_sftp import DENIED, HANG_UP, USER, FaultySftp, Say, faulty_sftp
from tests.ftp_servers import vsftpd_server
from tests.servers import NginxServer, wait_for

WORKERS = 4


@contextmanager
def delivering(outbox: Outbox, connect: Callable[[], Server]) -> Iterator[Courier]:
    with couriers.delivering(outbox, Plan(Rules(pair_wait=0.0), workers=WORKERS), connect) as made:
        yield made


def forty_pairs(outbox: Outbox) -> dict[str, bytes]:
    """Keep more than the workers take at once."""
    wanted: dict[str, bytes] = {}
    for number in range(40):
        wanted |= {f"F{number}.pdf": pdf(f"{number}"), f"F{number}.xml": xml(f"{number}")}
    for name, data in wanted.items():
        keep(outbox, name, data)
    return wanted


def went_on(outbox: Outbox, courier: Courier) -> None:
    """Make sure that the target was never closed: neither is a person asked nor is anything waited for."""
    assert courier._target.closings == 0
    assert json.loads(outbox.meta("target") or "{}")["state"] == "ok"


@pytest.fixture
def sftp() -> Iterator[FaultySftp]:
    with faulty_sftp(asyncssh.generate_private_key("ssh-ed25519")) as made:
        yield made


def sftp_client(sftp: FaultySftp) -> Callable[[], Server]:
    pinned = sftp.host_key
    return lambda: SftpServer(sftp.url, USER, "secret", host_key=pinned, timeout=20.0)


# ---- several files in flight -----------------------------------------------------------------------------------------


def test_sftp_has_as_many_documents_in_flight_as_workers(outbox: Outbox, sftp: FaultySftp) -> None:
    """The server answers no write before there are so many: with fewer, nothing would ever arrive."""
    sftp.together = WORKERS
    wanted = forty_pairs(outbox)
    with delivering(outbox, sftp_client(sftp)) as courier:
        all_delivered(outbox)
        went_on(outbox, courier)
    assert dict(sftp.arrivals) == wanted
    assert len(sftp.arrivals) == len(wanted)


# ---- one connection too many -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "answer"),
    [("connect", HANG_UP), ("log in", HANG_UP), ("log in", DENIED)],
    ids=["hung up on", "hung up on behind the password", "the password refused"],
)
@pytest.mark.parametrize("most", [1, 2])
def test_sftp_goes_over_as_many_connections_as_the_server_lets_in(
    outbox: Outbox, sftp: FaultySftp, step: str, answer: Say, most: int
) -> None:
    sftp.fault = lambda operation, name, count: answer if operation == step and sftp.inside >= most else None
    wanted = forty_pairs(outbox)
    with delivering(outbox, sftp_client(sftp)) as courier:
        all_delivered(outbox)
        went_on(outbox, courier)
        assert most < sftp.count(step) <= WORKERS  # each has tried once, and it was a try too many for some
    assert dict(sftp.arrivals) == wanted
    assert len(sftp.arrivals) == len(wanted)


def test_ftps_goes_over_the_one_connection_that_vsftpd_lets_in(outbox: Outbox, tmp_path: Path) -> None:
    with vsftpd_server(tmp_path, settings="max_per_ip=1") as server:
        wanted = forty_pairs(outbox)

        def connect() -> FtpsServer:
            return FtpsServer(server.url, server.user, server.password, context=trusting(server.certificate))

        with delivering(outbox, connect) as courier:
            all_delivered(outbox)
            went_on(outbox, courier)
            assert any(worker.rests_until for worker in courier._workers)
        assert {name: (server.root / name).read_bytes() for name in server.names()} == wanted


class LimitedNginx(NginxServer):
    """Lets one request of an address in at a time, and says 503 to the others."""

    more = "limit_conn one 1;"

    def command(self) -> list[str]:
        command = super().command()
        path = self.folder / "nginx.conf"
        path.write_text(
            path.read_text().replace("http {", "http {\n  limit_conn_zone $binary_remote_addr zone=one:1m;")
        )
        return command


def test_webdav_goes_with_as_few_requests_at_a_time_as_nginx_lets_in(outbox: Outbox, tmp_path: Path) -> None:
    server = LimitedNginx(tmp_path / "nginx")
    server.start()
    try:
        wanted = forty_pairs(outbox)
        with delivering(outbox, lambda: WebDavServer(server.url, *server.auth)) as courier:
            all_delivered(outbox)
            # Requests that met may all have been refused but one that has ended since: that is an outage of a moment.
            assert courier._needed == 0
        assert 503 in {status for _, _, status in server.requests()}
        assert {name: (server.root / name).read_bytes() for name in server.names()} == wanted
    finally:
        server.stop()


# ---- who has the connection --------------------------------------------------------------------------------------


class OneSlot(FaultyServer):
    """The only connection is whose it is until it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.holder: object = None
        self.clients: list[_Client] = []

    def client(self) -> Server:
        self.clients.append(_Client(self))
        return self.clients[-1]


class _Client(FaultyServer):
    """One worker's end of it."""

    def __init__(self, server: OneSlot) -> None:
        super().__init__()
        self.files, self.calls = server.files, server.calls
        self.publications, self.published = server.publications, server.published
        self._server = server

    def _call(self, operation: str, name: str) -> None:
        is_first = self is self._server.clients[0] and self._server.holder is None
        if is_first or self._server.holder not in {None, self}:
            error = UnreachableError("421 too many")
            error.crowded = True
            raise error
        self._server.holder = self
        super()._call(operation, name)
        self._server.before(operation, name)

    def close(self) -> None:
        if self._server.holder is self:
            self._server.holder = None


def test_the_worker_that_has_the_only_connection_asks_whether_the_server_is_well_again(outbox: Outbox) -> None:
    """The first worker is not let in, another is; later nobody may write for a while."""
    server = OneSlot()
    forbidden = [False]

    def before(operation: str, name: str) -> None:
        if operation == "put" and forbidden[0]:
            raise TargetNeedsPersonError(TargetReason.FORBIDDEN, "553")

    server.before = before
    first = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, server.client) as courier:
        until(outbox, first, State.DELIVERED)
        forbidden[0] = True
        keep(outbox, "F2.pdf", pdf("2"))
        courier.wake()
        wait_for(lambda: '"forbidden"' in (outbox.meta("target") or ""), "a person to be asked", LONG)
        forbidden[0] = False
        outbox.count_up("probe")
        courier.wake()
        all_delivered(outbox)
    assert server.published == ["F1.pdf", "F2.pdf"]


def test_a_worker_that_was_not_let_in_tries_again_after_a_while_one_at_a_time(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And at once when the server had been away."""
    monkeypatch.setattr("ingisfs.delivery.courier.Worker", InlineWorker)
    courier = StepCourier(outbox, Plan(Rules(pair_wait=0.0), workers=3), FaultyServer)
    first, second, third = courier._workers
    first.answered = True
    error = UnreachableError("421 too many")
    error.crowded = True
    courier._target.answered()
    now = outbox.clock.boot()
    for worker in (second, third):
        assert courier._rests(Result(worker, courier._job("put"), error=error))
    assert now + 300 <= second.rests_until < now + 400
    assert now + 600 <= third.rests_until < now + 700
    assert not courier._rests(Result(first, courier._job("put"), error=error))  # nobody else is left
    courier._target_failed(error, 0)
    assert [worker.rests_until for worker in courier._workers] == [0.0] * 3


@pytest.mark.parametrize("reason", [TargetReason.HOST_KEY, TargetReason.CERTIFICATE, TargetReason.FOLDER_MISSING])
def test_what_no_limit_explains_is_told_whoever_meets_it(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, reason: TargetReason
) -> None:
    monkeypatch.setattr("ingisfs.delivery.courier.Worker", InlineWorker)
    courier = StepCourier(outbox, Plan(Rules(pair_wait=0.0), workers=2), FaultyServer)
    courier._target.answered()
    courier._workers[0].answered = True
    error = TargetNeedsPersonError(reason, "no")
    error.crowded = True
    assert not courier._rests(Result(courier._workers[1], courier._job("put"), error=error))


def test_a_person_who_asks_has_all_workers_begin_anew(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose log-in was refused rests for hours, and the person may have changed the password."""
    monkeypatch.setattr("ingisfs.delivery.courier.Worker", InlineWorker)
    made: list[FaultyServer] = []

    def connect() -> FaultyServer:
        made.append(FaultyServer())
        return made[-1]

    courier = StepCourier(outbox, Plan(Rules(pair_wait=0.0), workers=2), connect)
    courier.begin()
    courier.step()
    courier.step()
    (before,) = made
    courier._workers[1].rests_until = outbox.clock.boot() + 3600
    courier.step()
    assert courier._workers[1].rests_until
    outbox.count_up("probe")
    courier.step()
    assert not courier._workers[1].rests_until
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    for _ in range(6):
        courier.step()
    assert couriers.get(outbox, document_id).state is State.DELIVERED
    assert before.published == []
