"""Every server that INGIS may have, and every fault it can have: each document is there once, whole, or on its way.

One test for each column of docs/servers.md, for each server of kinds.py; the ordinary run has one server of each family
and what takes little time. The document is written by the run of all of them: see results.py.
"""

from __future__ import annotations

import asyncio
import ftplib
import hashlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncssh
import httpx
import pytest

from ingisfs.config import Drive
from ingisfs.delivery import courier as courier_module
from ingisfs.delivery.courier import Courier, Plan
from ingisfs.delivery.portal import _content_digest
from ingisfs.delivery.server import Server as Contract
from ingisfs.delivery.server import folder_of, temporary_name
from ingisfs.delivery.survival import GOOD_FOR, Survival, Verdict
from ingisfs.delivery.worker import Job
from ingisfs.outbox.document import State, new_id
from ingisfs.outbox.intake import Rules
from ingisfs.outbox.outbox import Outbox
from tests.clocks import FakeClock
from tests.delivery import couriers
from tests.delivery.couriers import InlineWorker, StepCourier, all_delivered
from tests.documents import keep, pdf, xml
from tests.ftp_servers import make_certificate
from tests.matrix.conftest import Hooks
from tests.matrix.inbox import Reader, watched
from tests.matrix.kinds import KINDS, PATIENCE, RIGHTS, Kind, Scene, TlsFront
from tests.servers import StageServer, wait_for
from tests.sftp_servers import SftpTestServer
from tests.small_disks import SmallDisk, ext4_disk, reason_why_not
from tests.tcp_proxy import at_random

LONG = 60.0  # s; far more than any of it takes
NAMES = ("factuur é#% &+~ç", "Rekening (3) – ©€ Ærø ’t", "100%25 korting = a;b@c!", "ﬁrma Ŵ 漢字 🧾")
RTT = 0.05  # s


ONE_OF_EACH = tuple(kind.id for kind in KINDS if kind.every_run)


def rows(*every_run: str) -> Any:
    """Ask for each server: for some in every run, for the others only with --all."""
    return pytest.mark.parametrize(
        "kind",
        [pytest.param(kind, id=kind.id, marks=[] if kind.id in every_run else [pytest.mark.long]) for kind in KINDS],
    )


def pairs(number: int, size: int = 3000, first: int = 0) -> dict[str, bytes]:
    """Return so many PDFs, each with its XML."""
    made: dict[str, bytes] = {}
    for at in range(first, first + number):
        made |= {f"F{at}.pdf": pdf(f"{at}", size=size), f"F{at}.xml": xml(f"{at}")}
    return made


def keep_all(outbox: Outbox, documents: dict[str, bytes]) -> None:
    for name, data in documents.items():
        keep(outbox, name, data)


@contextmanager
def delivering(
    outbox: Outbox,
    scene: Scene,
    *,
    workers: int = 2,
    patience: float = PATIENCE,
    connect: Callable[[], Contract] | None = None,
    **plan: Any,
) -> Iterator[Courier]:
    """Run a courier over the wire until the block ends."""
    plans = Plan(Rules(pair_wait=0.0), workers=workers, **plan)
    with couriers.delivering(outbox, plans, connect or (lambda: scene.connect(patience=patience))) as made:
        yield made


def every_other(name: str) -> bool:
    """Tell whether INGIS takes this one away as soon as it is there."""
    return int("".join(letter for letter in name if letter.isdigit())) % 2 == 0


def needing(outbox: Outbox, *reasons: str) -> None:
    """Wait until the target needs a person for one of these reasons."""

    def told() -> bool:
        found = json.loads(outbox.meta("target") or "{}")
        return found.get("state") == "needs_person" and found.get("reason") in reasons

    wait_for(told, f"the target to need a person: {reasons}", LONG)


def ask_again(outbox: Outbox, courier: Courier) -> None:
    """What a person does behind the repair."""
    outbox.count_up("probe")
    courier.wake()


# ---- exactly once ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delay", "takes", "seed"),
    [pytest.param(0.0, True, 1, id="at_once"), pytest.param(RTT / 2, False, 3, id="50ms", marks=pytest.mark.long)],
)
@pytest.mark.usefixtures("soon")
@rows(*ONE_OF_EACH)
def test_connections_that_are_cut_anywhere_delay_documents_and_nothing_else(
    scene: Scene, outbox: Outbox, delay: float, takes: bool, seed: int
) -> None:
    """With INGIS taking away what arrives, or not."""
    wanted = pairs(6 if delay else 12, size=20_000)
    scene.proxy.delay = delay
    scene.proxy.cuts = at_random(seed, among=6 if delay else 12, share=0.9, least=300, most=60_000)
    keep_all(outbox, wanted)
    with watched(scene, wanted, lambda name: takes), delivering(outbox, scene, patience=6.0):
        all_delivered(outbox)
    assert scene.proxy.cut_off >= 3


@pytest.mark.usefixtures("soon")
@rows(*ONE_OF_EACH)
def test_a_rename_whose_answer_is_lost_is_not_repeated(scene: Scene, outbox: Outbox, hooks: Hooks) -> None:
    """The request goes through, and as soon as the document is there the connection is cut, before the answer is."""
    wanted = pairs(5)
    asked, lost = [0], [0]
    armed = threading.Event()

    def arm(count: int) -> None:
        if lost[0] < 3 and not armed.is_set():
            scene.proxy.answers_late = 0.3
            armed.set()

    def cut(name: str) -> None:
        if armed.is_set():
            scene.proxy.cut()
            scene.proxy.answers_late = 0.0
            lost[0] += 1
            armed.clear()

    hooks["publish.before"] = arm
    hooks["ask.before"] = lambda count: asked.__setitem__(0, count)
    keep_all(outbox, wanted)
    with watched(scene, wanted, every_other) as inbox:
        inbox.appeared = cut
        with delivering(outbox, scene, workers=1):
            all_delivered(outbox)
    assert lost == [3]
    assert asked[0] >= 1


@pytest.mark.usefixtures("soon")
@rows()
def test_a_server_that_falls_silent_delays_documents_and_nothing_else(
    scene: Scene, outbox: Outbox, hooks: Hooks
) -> None:
    """Before a document, before a rename, and behind a rename that was done."""
    wanted = pairs(5)
    armed = threading.Event()
    silences = [0]

    def silence() -> None:
        scene.proxy.silence()
        silences[0] += 1

    def renaming(count: int) -> None:
        if count == 2:
            silence()
        elif count == 5:
            scene.proxy.answers_late = 0.3
            armed.set()

    def came(name: str) -> None:
        if armed.is_set():
            silence()
            scene.proxy.answers_late = 0.0
            armed.clear()

    hooks["put.before"] = lambda count: silence() if count == 3 else None
    hooks["publish.before"] = renaming
    keep_all(outbox, wanted)
    with watched(scene, wanted, every_other) as inbox:
        inbox.appeared = came
        with delivering(outbox, scene, workers=1, patience=1.5):
            all_delivered(outbox)
    assert silences == [3]


def run_courier(folder: Path, scene: Scene, crash_at: str = "") -> subprocess.Popen[str]:
    """Start a courier's process, as a drive would that dies right after it; it ends when nothing is left to do."""
    drive = Drive(
        server=scene.url,
        user=scene.server.user,
        state=str(folder),
        settle=0.0,
        pair_wait=0.0,
        max_document=2**20,
        wal_bound=2**20,
        follow=0.0,
        alarms=False,
        **scene.settings(),  # type: ignore[arg-type]
    )
    environment = {**os.environ, "INGISFS_PASSWORD": scene.server.password, "INGISFS_CRASH_AT": crash_at}
    started = subprocess.Popen(
        [sys.executable, "-m", "ingisfs.delivery"],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    assert started.stdin is not None
    started.stdin.write(drive.to_json() + "\n")
    started.stdin.close()
    return started


@contextmanager
def printed(folder: Path) -> Iterator[Outbox]:
    """The outbox, for as long as no courier is there."""
    box = Outbox(folder, settle=0.0)
    try:
        yield box
    finally:
        box.shut()


@rows(*ONE_OF_EACH)
def test_a_courier_that_is_killed_sends_nothing_twice_and_loses_nothing(scene: Scene, tmp_path: Path) -> None:
    """At chosen points, in the middle of a run, and INGIS takes away every other document as soon as it is there."""
    folder = tmp_path / "state"
    wanted: dict[str, bytes] = {}
    with watched(scene, wanted, every_other) as inbox:
        for round_, point in enumerate(["put.after:2", "publish.after:2", ""]):
            new = pairs(3 if point else 6, first=20 * round_)
            wanted.update(new)
            with printed(folder) as box:
                keep_all(box, new)
            before = len(inbox.arrived)
            scene.proxy.delay = 0.0 if point else 0.01
            courier = run_courier(folder, scene, point)
            if not point:
                wait_for(lambda before=before: len(inbox.arrived) > before + 2, "some to arrive", LONG)  # type: ignore[misc]
                courier.kill()
            assert courier.wait(LONG) == -signal.SIGKILL, point
        scene.proxy.delay = 0.0
        assert run_courier(folder, scene).wait(LONG) == 0
    with printed(folder) as box:
        assert {document.state for document in box.documents("1")} == {State.DELIVERED}


@pytest.mark.usefixtures("soon")
@rows()
def test_a_server_that_is_killed_and_started_again_gets_each_document_once(scene: Scene, outbox: Outbox) -> None:
    wanted = pairs(15)
    scene.proxy.delay = 0.005
    keep_all(outbox, wanted)
    with watched(scene, wanted, every_other) as inbox, delivering(outbox, scene):
        for enough in (3, 12):
            wait_for(lambda enough=enough: len(inbox.arrived) >= enough, "some to arrive", LONG)  # type: ignore[misc]
            scene.server.stop()
            scene.server.start()
        all_delivered(outbox)


# ---- what is seen meanwhile --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("soon")
@rows()
def test_nothing_is_ever_seen_half_under_its_name(scene: Scene, outbox: Outbox) -> None:
    """Large documents over a slow line that is cut: looked at all the time in the folder, and through the server."""
    wanted = pairs(4, size=400_000)
    scene.proxy.rate = 2_000_000.0
    scene.proxy.cuts = lambda number: 250_000 if number in {2, 5, 6} else None
    keep_all(outbox, wanted)
    with watched(scene, wanted):
        reader = Reader(scene, wanted)
        reader.start()
        with delivering(outbox, scene):
            all_delivered(outbox)
        reader.end()
    assert reader.wrong == []
    assert reader.looks > 5


@pytest.mark.usefixtures("soon")
@rows()
def test_nothing_of_ours_stays_behind_but_the_one_file_that_following_keeps(
    scene: Scene, tmp_path: Path, outbox: Outbox
) -> None:
    """After uploads that were cut, and a courier that was killed between upload and rename."""
    wanted = pairs(6, size=100_000)
    keep_all(outbox, wanted)
    with watched(scene, wanted):
        scene.proxy.cuts = lambda number: 60_000 if number in {1, 2, 3, 5} else None
        assert run_courier(tmp_path, scene, "publish.handed").wait(LONG) == -signal.SIGKILL
        assert scene.leftovers() or scene.kind.family == "portal"  # whose drafts lie elsewhere
        portal = scene.kind.family == "portal"
        with delivering(outbox, scene, follow=0.2, receipts=portal):
            all_delivered(outbox)
            wait_for(lambda: scene.leftovers() == _witnesses(outbox, portal), "temporary files to be removed", LONG)
    if isinstance(scene.server, StageServer):
        incoming = scene.server.folder / "incoming"
        wait_for(lambda: not any(incoming.iterdir()), "the stage to have nothing half", LONG)


def _witnesses(outbox: Outbox, portal: bool) -> list[str] | None:
    """Return the one file that following keeps, None while it has none."""
    if portal:
        return []
    noted = json.loads(outbox.meta("following") or "{}")
    numbers = [kept["witness"] for kept in noted.get("folders", {}).values()]
    return [f".ingisfs-{noted['id']}-{number}-probe.part" for number in numbers] or None


@pytest.mark.usefixtures("soon")
@rows(*ONE_OF_EACH)
def test_names_arrive_as_they_are_printed(scene: Scene, outbox: Outbox) -> None:
    wanted: dict[str, bytes] = {}
    for stem in NAMES:
        if ";" in stem and scene.kind.id == "wsgidav":
            stem = stem.replace(";", ",")  # it takes the rest for parameters: see docs/guarantees.md
        wanted |= {f"{stem}.pdf": pdf(stem), f"{stem}.xml": xml(str(len(wanted)))}
    keep_all(outbox, wanted)
    with watched(scene, wanted), delivering(outbox, scene):
        all_delivered(outbox)
    assert scene.server.names() == sorted(wanted)


# ---- what needs a person, and what passes ------------------------------------------------------------------------


@contextmanager
def without_rights(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have a server that may not write into its inbox, not even as root, until the block ends."""
    scene.server.stop()
    command = scene.server.command
    monkeypatch.setattr(scene.server, "command", lambda: ["setpriv", "--bounding-set=-dac_override", *command()])
    scene.server.start()
    scene.server.root.chmod(0o555)
    try:
        yield
    finally:
        scene.server.root.chmod(0o755)


@pytest.mark.usefixtures("soon")
@rows()
def test_rights_that_are_taken_away_need_a_person_and_nothing_is_lost(
    scene: Scene, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = pairs(2)
    keep_all(outbox, wanted)
    with (
        watched(scene, wanted),
        without_rights(scene, monkeypatch),
        delivering(outbox, scene, workers=1) as courier,
    ):
        if RIGHTS in scene.kind.cannot:
            wait_for(lambda: any(document.tries > 1 for document in outbox.documents("1")), "tries", LONG)
            wait_for(lambda: _target(outbox)["detail"], "the status to say that no document is taken", LONG)
            assert _target(outbox)["state"] == "ok"
        else:
            needing(outbox, "forbidden")
        assert outbox.waiting() == len(wanted)
        assert scene.server.names() == []
        scene.server.root.chmod(0o755)
        ask_again(outbox, courier)
        all_delivered(outbox)
    assert _target(outbox)["detail"] == ""


def _target(outbox: Outbox) -> dict[str, Any]:
    noted: dict[str, Any] = json.loads(outbox.meta("target") or "{}")
    return noted


@contextmanager
def on_small_disk(kind: Kind, tmp_path: Path) -> Iterator[tuple[Scene, SmallDisk]]:
    """Have a server whose inbox lies on a small disk; the stage's whole folder, for it renames across it."""
    with ext4_disk(tmp_path / "small") as disk:
        if kind.id.startswith("stage"):
            with kind.scene(disk.place) as scene:
                yield scene, disk
            return
        with kind.scene(tmp_path / "server") as scene:
            owner = scene.server.root.stat()
            os.chown(disk.place, owner.st_uid, owner.st_gid)
            subprocess.run(["mount", "--bind", str(disk.place), str(scene.server.root)], check=True)
            try:
                yield scene, disk
            finally:
                scene.proxy.cut()
                scene.server.stop()
                subprocess.run(["umount", "-l", str(scene.server.root)], check=True)


@pytest.mark.usefixtures("soon")
@rows()
def test_a_disk_that_is_full_at_the_server_is_waited_for(
    kind: Kind, tmp_path: Path, outbox: Outbox, hooks: Hooks
) -> None:
    if reason := reason_why_not("ext4"):
        pytest.skip(reason)
    wanted = pairs(4, size=300_000)
    with on_small_disk(kind, tmp_path) as (scene, disk):
        with closing(scene.connect()) as client:
            client.ping()  # the stage listens a moment before it has all it needs
        disk.fill()
        os.truncate(disk.foreign, disk.foreign.stat().st_size - 100_000)  # room for a part of a document
        keep_all(outbox, wanted)
        tried = threading.Event()
        hooks["put.before"] = lambda count: tried.set() if count > 3 else None
        with (
            watched(scene, wanted, strangers={disk.foreign.name}),
            delivering(outbox, scene, patience=3.0) as courier,  # pyftpdlib says nothing then
        ):
            assert tried.wait(LONG)
            assert outbox.waiting() == len(wanted)
            disk.empty()
            ask_again(outbox, courier)
            all_delivered(outbox)


class CarefulWorker(InlineWorker):
    """As a real worker, lets go of a connection when a person is needed."""

    def give(self, job: Job) -> None:
        super().give(job)
        self._disconnect()


@rows(*ONE_OF_EACH)
def test_a_wrong_password_is_tried_twice_in_two_hours_however_much_is_printed(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server counts, for it is the one that locks accounts. With the right one, all goes."""
    clock = FakeClock()
    monkeypatch.setattr(courier_module, "Worker", CarefulWorker)
    scene.proxy.keeps = True
    wanted = pairs(3)
    password = ["wrong"]
    box = Outbox(tmp_path, settle=1.0, clock=clock)
    with closing(_Shutting(box)), watched(scene, wanted):
        plan = Plan(Rules(pair_wait=0.0), workers=4)
        courier = StepCourier(box, plan, lambda: scene.connect(password[0]))
        courier.begin()
        for stem in range(3):
            for name in (f"F{stem}.pdf", f"F{stem}.xml"):
                keep(box, name, wanted[name])
            for _ in range(240):  # 40 minutes
                clock.sleep(10.0)
                courier.step()
        target_now = json.loads(box.meta("target") or "{}")
        assert (target_now["state"], target_now["reason"]) == ("needs_person", "login")
        wait_for(lambda: scene.log_ins() == 2, "the server to have counted two log-ins", LONG)
        password[0] = scene.server.password
        box.count_up("probe")
        for _ in range(100):
            clock.sleep(2.0)
            courier.step()
        assert {document.state for document in box.documents("1")} == {State.DELIVERED}
        for worker in courier._workers:
            worker._disconnect()


class _Shutting:
    """Close an outbox as `closing` does."""

    def __init__(self, box: Outbox) -> None:
        self._box = box

    def close(self) -> None:
        self._box.shut()


@pytest.mark.usefixtures("soon")
@rows()
def test_a_certificate_that_expires_needs_a_person_and_sees_no_password(
    scene: Scene, outbox: Outbox, tmp_path: Path
) -> None:
    """For SFTP it is a host key that changes."""
    wanted = pairs(2)
    if isinstance(scene.server, SftpTestServer):
        _host_key(scene, outbox, wanted)
        return
    if scene.ca_file is not None:
        _certificate(scene, outbox, wanted)
        return
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    make_certificate(certificate, key)
    with TlsFront(scene.server.port, certificate, key) as front:
        scene.proxy.lead_to(front.port)
        scene.ca_file, scene.front = certificate, front
        scene.scheme = {"http": "https", "ingis+http": "ingis"}[scene.kind.scheme]
        _certificate(scene, outbox, wanted)


def _certificate(scene: Scene, outbox: Outbox, wanted: dict[str, bytes]) -> None:
    assert scene.ca_file is not None
    (first, first_data), *rest = wanted.items()
    files = scene.ca_file, scene.ca_file.with_name("key.pem")

    def change(days: int) -> None:
        scene.server.stop()
        make_certificate(*files, days=days)
        if scene.kind.id == "apache":
            shutil.chown(files[1], "www-data")
        scene.server.start()
        scene.proxy.cut()

    with watched(scene, wanted), delivering(outbox, scene) as courier:
        keep(outbox, first, first_data)
        all_delivered(outbox)
        change(-1)
        before = scene.spoken_to()
        keep_all(outbox, dict(rest))
        courier.wake()
        needing(outbox, "certificate")
        assert outbox.waiting() == len(rest)
        assert scene.spoken_to() == before > 0
        change(1)
        ask_again(outbox, courier)
        all_delivered(outbox)


def _host_key(scene: Scene, outbox: Outbox, wanted: dict[str, bytes]) -> None:
    assert isinstance(scene.server, SftpTestServer)
    (first, first_data), *rest = wanted.items()
    pin = [scene.server.fingerprint()]
    with (
        watched(scene, wanted),
        delivering(outbox, scene, connect=lambda: scene.connect(host_key=pin[0])) as courier,
    ):
        keep(outbox, first, first_data)
        all_delivered(outbox)
        scene.server.stop()
        scene.server.change_host_keys()
        scene.server.start()
        scene.proxy.cut()
        before = scene.spoken_to()
        keep_all(outbox, dict(rest))
        courier.wake()
        needing(outbox, "host-key")
        detail = json.loads(outbox.meta("target") or "{}")["detail"]
        new = scene.server.fingerprint()
        assert new in detail
        assert pin[0] in detail
        assert outbox.waiting() == len(rest)
        assert scene.spoken_to() == before > 0
        pin[0] = new
        ask_again(outbox, courier)
        all_delivered(outbox)


@rows(*ONE_OF_EACH)
def test_whether_temporary_names_survive_is_seen_on_every_server(scene: Scene, tmp_path: Path) -> None:
    """One file that lies there until INGIS has collected something, and the next one, which is taken."""
    survival = Survival(tmp_path, scene.url, None)
    now = time.time()
    with closing(scene.connect()) as client:

        def look(after: float, collected: int = 0) -> Verdict:
            known = survival.look(client, now + after, lambda since: collected)
            assert known is not None
            return known.verdict

        def lies_there() -> str:
            return str(json.loads((tmp_path / "survival.json").read_text())["name"])

        assert look(0) is Verdict.WAITING
        first = lies_there()
        assert client.entry(first) is not None
        assert look(60, collected=1) is Verdict.SURVIVES
        assert client.entry(first) is None
        assert look(2 * GOOD_FOR) is Verdict.SURVIVES
        client.remove(lies_there())
        assert look(2 * GOOD_FOR + 60) is Verdict.GONE
        client.remove(lies_there())
    assert scene.leftovers() == []


# ---- how fast ----------------------------------------------------------------------------------------------------


@rows()
def test_documents_go_at_a_speed_that_is_told_beside_a_bare_clients(
    scene: Scene, outbox: Outbox, record_property: Callable[[str, object], None]
) -> None:
    """With 50 ms for a round trip and four connections each. The bare client only stores, and looks at nothing."""
    documents = pairs(20, size=60_000)
    with closing(scene.connect()) as client:
        client.ping()  # a server's first log-in may cost more than all others
    scene.proxy.delay = RTT / 2
    bare = _seconds(lambda: _store_bare(scene, {f"bare-{name}": data for name, data in documents.items()}))
    for path in scene.server.root.glob("bare-*"):
        path.unlink()
    keep_all(outbox, documents)

    def deliver() -> None:
        with delivering(outbox, scene, workers=4):
            all_delivered(outbox)

    with watched(scene, documents):
        ours = _seconds(deliver)
    record_property("figure", f"{bare / ours:.2f}")


def _seconds(do: Callable[[], object]) -> float:
    begun = time.perf_counter()
    do()
    return time.perf_counter() - begun


def _store_bare(scene: Scene, documents: dict[str, bytes]) -> None:
    store = {"SFTP": _bare_sftp, "FTPS": _bare_ftps, "WebDAV": _bare_http, "portal": _bare_portal}[scene.kind.family]
    items = list(documents.items())
    failed: list[BaseException] = []

    def one(at: int) -> None:
        try:
            store(scene, items[at::4])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=one, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def _bare_http(scene: Scene, documents: list[tuple[str, bytes]]) -> None:
    trusted: ssl.SSLContext | bool = ssl.create_default_context(cafile=scene.ca_file) if scene.ca_file else True
    with httpx.Client(auth=scene.server.auth, verify=trusted, trust_env=False, timeout=LONG) as client:
        for name, data in documents:
            assert client.put(scene.url + quote(name), content=data).is_success


def _bare_portal(scene: Scene, documents: list[tuple[str, bytes]]) -> None:
    base = f"http://{scene.proxy.host}:{scene.proxy.port}/api/drafts/"
    with httpx.Client(auth=scene.server.auth, trust_env=False, timeout=LONG) as client:
        for name, data in documents:
            headers = {"Content-Digest": _content_digest(hashlib.sha256(data).digest())}
            draft = temporary_name(name, new_id(), 1)
            assert client.put(base + quote(draft), content=data, headers=headers).is_success


def _bare_sftp(scene: Scene, documents: list[tuple[str, bytes]]) -> None:
    async def store() -> None:
        async with (
            asyncssh.connect(
                scene.proxy.host,
                scene.proxy.port,
                username=scene.server.user,
                password=scene.server.password,
                known_hosts=None,
                config=None,
                client_keys=None,
                agent_path=None,
            ) as connection,
            connection.start_sftp_client() as sftp,
        ):
            for name, data in documents:
                async with sftp.open(f"{folder_of(scene.url)}/{name}", "wb") as file:
                    await file.write(data)

    asyncio.run(store())


class _BareFtps(ftplib.FTP_TLS):
    """ftplib with the one thing that vsftpd asks for: the data's TLS session is the control connection's."""

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        plain, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        assert isinstance(self.sock, ssl.SSLSocket)
        return self.context.wrap_socket(plain, server_hostname=self.host, session=self.sock.session), size


def _bare_ftps(scene: Scene, documents: list[tuple[str, bytes]]) -> None:
    import io

    with _BareFtps(context=ssl.create_default_context(cafile=scene.ca_file), timeout=LONG) as client:
        client.connect(scene.proxy.host, scene.proxy.port)
        client.login(*scene.server.auth)
        client.prot_p()
        for name, data in documents:
            client.storbinary(f"STOR /inbox/{name}", io.BytesIO(data))
