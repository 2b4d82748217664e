"""`ingisfs check`: each fault is really made, and is told at its step, with what to do."""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from ingisfs import diagnosis
from ingisfs.config import Drive as Settings
from ingisfs.delivery.probe import Findings
from ingisfs.diagnosis import Diagnosis, Result, Step, conclusion, marks, within
from ingisfs.report.catalogue import CATALOGUE
from tests.documents import pdf
from tests.faulty_dav import FaultyDav, faulty_dav
from tests.ftp_servers import make_certificate, pyftpdlib_server
from tests.mounts import Drive
from tests.secured_servers import Authority, tls_apache
from tests.servers import Server, apache_server, free_port, wait_for, wsgidav_server
from tests.sftp_servers import asyncssh_server

SERVER_STEPS = ["login", "folder", "rename", "overwrite", "names", "remove", "batch"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with wsgidav_server(tmp_path / "server") as made:
        yield made


@contextmanager
def having(base: Path, url: str, user: str = "king", password: str = "secret") -> Iterator[Drive]:
    made = Drive(base / "drive", url, user, password)
    try:
        yield made
    finally:
        made.clean()


@pytest.fixture
def drive(tmp_path: Path, server: Server) -> Iterator[Drive]:
    """A drive that is not mounted yet."""
    with having(tmp_path, server.url, server.user, server.password) as made:
        yield made


class Told:
    """What one check told."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        assert done.stdout, done.stderr
        self.code = done.returncode
        self.all = json.loads(done.stdout)
        self.steps: dict[str, dict[str, Any]] = {step["name"]: step for step in self.all["steps"]}

    def of(self, result: str) -> list[str]:
        return [name for name, step in self.steps.items() if step["result"] == result]

    def says(self, name: str, result: str, *texts: str) -> None:
        """Make sure that a step has this result, and says each of these."""
        step = self.steps[name]
        assert step["result"] == result, step
        for text in texts:
            assert text in f"{step['text']}\n{step['remedy']}", step


def configure(made: Drive, **settings: Any) -> None:
    values = {"server": made.url, "user": made.user, "mountpoint": str(made.mountpoint), "state": str(made.state)}
    made.configure(**{"reserve": 2**20, **values, **settings})


def check(made: Drive, *, environment: dict[str, str] | None = None, **settings: Any) -> Told:
    configure(made, **settings)
    return Told(
        made.run("check", "--config", str(made.config), "--json", timeout=300, **(environment or {})),
    )


def mount(made: Drive) -> None:
    configure(made)
    done = made.mount()
    assert done.returncode == 0, done.stderr


def unmount(made: Drive) -> None:
    assert made.unmount("--now").returncode == 0
    made.kill("courier")


def all_server_steps_are_skipped(told: Told, why: str) -> None:
    for name in SERVER_STEPS:
        told.says(name, "skipped", f"«{why}»")


# ---- good --------------------------------------------------------------------------------------------------------


def test_a_mounted_drive_with_a_good_server_is_good_at_every_step(drive: Drive, server: Server) -> None:
    mount(drive)
    told = check(drive)
    assert told.code == 0
    assert told.all["conclusion"] == "good"
    assert told.of("good") == [name for name in told.steps if name != "batch"]  # which only a later check tells
    assert set(SERVER_STEPS) < set(told.steps)
    told.says("mountpoint", "good", f"{drive.mountpoint} is gekoppeld en antwoordt")
    told.says("outbox", "good", f"de schijf (proces {drive.pids('drive')[0]})")
    told.says("batch", "unknown", "Nog niet bekend", "na de volgende batch")
    assert told.all["server"] == server.url
    assert len(server.names()) == 1
    assert server.names()[0].startswith(".ingisfs-")


def test_a_temporary_file_that_something_took_is_told_by_the_next_check(drive: Drive, server: Server) -> None:
    check(drive)
    (name,) = server.names()
    check(drive).says("batch", "unknown", "Er staat er")
    (server.root / name).unlink()
    told = check(drive)
    told.says("batch", "bad", "verdwenen, en niet door ons", "temporary_folder")
    assert told.all["conclusion"] == "person"
    assert told.code == 3


def test_a_temporary_file_that_stays_while_ingis_collects_is_told_by_the_next_check(
    drive: Drive, server: Server
) -> None:
    configure(drive, follow=0.2)
    assert drive.mount().returncode == 0
    check(drive, follow=0.2)
    (drive.mountpoint / "F1.pdf").write_bytes(pdf("1"))
    wait_for(lambda: "F1.pdf" in server.names(), "the document", 60)
    # INGIS comes when the courier has seen that its own file stands beside the document.
    wait_for(lambda: _witness(drive), "the courier's own file", 60)
    (server.root / "F1.pdf").unlink()
    drive.wait_states({"F1.pdf": "collected"}, 60)
    told = check(drive, follow=0.2)
    told.says("batch", "good", "INGIS haalde intussen 1 van onze documenten op")
    check(drive, follow=0.2).says("batch", "good", "INGIS haalde intussen 1")


def _witness(drive: Drive) -> list[str]:
    """Return the documents beside which the courier has seen its own file."""
    with closing(drive.outbox()) as outbox:
        noted = json.loads(outbox.meta("following") or "{}")
    return [document for folder in noted.get("folders", {}).values() for document in folder["seen"]]


def test_people_read_a_line_for_each_step_in_what_their_terminal_can_show(drive: Drive) -> None:
    configure(drive)
    arguments = ("check", "--config", str(drive.config))
    done = drive.run(*arguments, PYTHONIOENCODING="utf-8")
    assert done.returncode == 0
    assert "✓ Inloggen           king mag erin." in done.stdout
    assert "! Schijf             " in done.stdout
    assert done.stdout.splitlines()[-1] == "Het werkt. Kijk nog eens naar wat met ! is gemerkt."
    done = drive.run(*arguments, PYTHONIOENCODING="ascii")
    assert "+ Inloggen           king mag erin." in done.stdout
    drive.password = "wrong"
    done = drive.run(*arguments, PYTHONIOENCODING="utf-8")
    assert done.returncode == 3
    assert "✗ Inloggen           De server weigert de gebruiker" in done.stdout
    assert "– Map                Niet nagekeken, want dat kan pas als «Inloggen» goed is." in done.stdout
    assert "wrong" not in done.stdout


def test_it_speaks_english_when_the_drive_does(drive: Drive) -> None:
    check(drive, language="en").says("mountpoint", "warn", "is not mounted now", "Mount it")


# ---- this machine ------------------------------------------------------------------------------------------------


def test_a_drive_that_is_not_mounted_is_a_warning_with_the_command(drive: Drive) -> None:
    told = check(drive)
    assert told.code == 0
    assert told.all["conclusion"] == "warned"
    assert told.of("warn") == ["mountpoint"]
    told.says("mountpoint", "warn", "is vrij", "Koppel haar: ingisfs mount")
    told.says("outbox", "good", "nog geen outbox")


def test_a_mountpoint_that_cannot_be_used_is_told(drive: Drive) -> None:
    (drive.mountpoint / "mine.txt").write_text("x")
    told = check(drive)
    told.says("mountpoint", "bad", "niet leeg")
    assert told.code == 3
    check(drive, mountpoint=str(drive.base / "nowhere")).says("mountpoint", "bad", "bestaat niet")
    check(drive, mountpoint=str(drive.config)).says("mountpoint", "bad", "is geen map")
    check(drive, mountpoint="/proc").says("mountpoint", "bad", "al iets anders gekoppeld")


def test_a_drive_that_hangs_is_told_and_does_not_hang_us(drive: Drive) -> None:
    mount(drive)
    (pid,) = drive.pids("drive")
    os.kill(pid, signal.SIGSTOP)
    try:
        told = check(drive)
    finally:
        os.kill(pid, signal.SIGCONT)
    told.says("mountpoint", "bad", "antwoordt niet", "ingisfs unmount --now")
    told.says("login", "good")
    assert told.code == 3


def test_a_drive_that_died_is_told_and_one_that_was_unmounted_is_not_taken_for_it(drive: Drive) -> None:
    mount(drive)
    unmount(drive)
    check(drive).says("mountpoint", "warn", "is vrij")
    mount(drive)
    drive.kill("drive")
    wait_for(lambda: not drive.is_mounted(), "the mount to be gone")
    told = check(drive)
    told.says("mountpoint", "bad", "niemand heeft haar ontkoppeld", "ingisfs mount.", str(drive.state / "log"))
    assert told.code == 3


def test_a_machine_without_fuse_is_told_what_to_install(drive: Drive, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    told = check(drive, environment={"PATH": str(tmp_path / "bin")})
    told.says("host", "bad", "sudo apt install fuse3")
    assert told.code == 3


def test_a_damaged_outbox_is_told(drive: Drive) -> None:
    mount(drive)
    unmount(drive)
    path = drive.state / "outbox" / "cache.db"
    change(drive, "PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)
    before = path.read_bytes()
    told = check(drive)
    told.says("outbox", "bad", "beschadigd", "koppel haar opnieuw")
    told.says("documents", "skipped", "«Outbox»")
    told.says("login", "good")
    assert told.code == 3
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("statement", "detail"),
    [
        ("UPDATE Settings SET value = 10 WHERE key = 'cull_limit'", "cull_limit"),
        ("PRAGMA user_version = 99", "newer version"),
    ],
)
def test_an_outbox_that_is_not_ours_is_told(drive: Drive, statement: str, detail: str) -> None:
    mount(drive)
    unmount(drive)
    change(drive, statement)
    told = check(drive)
    told.says("outbox", "bad", "niet door deze versie van ingisfs gemaakt", detail)
    assert told.code == 3


def change(drive: Drive, statement: str) -> None:
    con = sqlite3.connect(drive.state / "outbox" / "cache.db")
    con.execute(statement)
    con.commit()
    con.close()


def test_an_outbox_of_another_machine_is_a_warning(drive: Drive) -> None:
    mount(drive)
    unmount(drive)
    change(drive, "UPDATE meta SET value = 'another' WHERE name = 'machine_id'")
    told = check(drive)
    told.says("outbox", "warn", "van een andere computer", "portaal")
    assert told.code == 0


def test_documents_that_need_a_person_are_a_warning_with_the_command(drive: Drive) -> None:
    mount(drive)
    (drive.mountpoint / "F1.pdf").write_bytes(pdf()[:-20])
    drive.wait_states({"F1.pdf": "held"})
    told = check(drive)
    told.says("documents", "warn", "vastgehouden: 1", f"ingisfs status --state {drive.state}")
    assert told.code == 0


def on_small_disk(drive: Drive, small_disk: Path) -> None:
    drive.state = small_disk / "state"
    drive.state.mkdir()


def test_a_disk_below_its_reserve_is_told(drive: Drive, small_disk: Path) -> None:
    on_small_disk(drive, small_disk)
    told = check(drive, reserve=200 * 2**20)
    told.says("disk", "bad", "King kan niet meer afdrukken", "Maak ruimte")
    assert told.code == 3
    check(drive, reserve=2**20).says("disk", "warn", "bijna vol")


def test_a_full_disk_is_told(drive: Drive, small_disk: Path) -> None:
    on_small_disk(drive, small_disk)
    with open(small_disk / "foreign", "wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\xa5" * 4096)
    told = check(drive)
    told.says("disk", "bad", "is vol", "Maak ruimte")
    assert told.code == 3


def test_a_read_only_disk_is_told(drive: Drive, small_disk: Path) -> None:
    on_small_disk(drive, small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    told = check(drive)
    told.says("disk", "bad", "kan niet worden geschreven")
    assert told.code == 3


def test_an_outbox_on_a_network_disk_is_told(drive: Drive) -> None:
    mount(drive)
    told = check(drive, state=str(drive.mountpoint))
    told.says("disk", "bad", "niet veilig kan bewaren", "fuse")


def test_a_clock_from_before_this_version_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = next(step for step in steps_of(Settings()) if step.name == "clock")
    assert clock.result is Result.GOOD
    monkeypatch.setattr(diagnosis, "RELEASED", time.time() + 1000)
    clock = next(step for step in steps_of(Settings()) if step.name == "clock")
    assert clock.result is Result.BAD
    assert "Zet de klok goed" in clock.remedy


def test_alarms_that_go_nowhere_are_a_warning(drive: Drive) -> None:
    check(drive, mail={"host": "h", "to": ["anna@b"]}).says("mail", "good", "anna@b")
    told = check(drive, alarms=False)
    told.says("mail", "warn", "Zet alarms op true")
    assert told.code == 0


# ---- the way to the server ---------------------------------------------------------------------------------------


def test_a_closed_port_is_told_and_what_depends_on_it_is_skipped(tmp_path: Path) -> None:
    with having(tmp_path, f"https://127.0.0.1:{free_port()}/inbox/") as drive:
        told = check(drive)
    told.says("dns", "good", "127.0.0.1")
    told.says("tcp", "bad", "weigert de verbinding", "of de poort in het adres klopt")
    told.says("tls", "skipped", "«Verbinding»")
    told.says("server-clock", "skipped", "«Verbinding»")
    all_server_steps_are_skipped(told, "Verbinding")
    assert told.code == 1
    assert told.all["conclusion"] == "away"


@pytest.mark.parametrize("scheme", ["https", "sftp", "ftps"])
def test_a_name_that_does_not_resolve_is_told(tmp_path: Path, scheme: str) -> None:
    with having(tmp_path, f"{scheme}://ingis.invalid/inbox") as drive:
        told = check(drive)
    told.says("dns", "bad", "ingis.invalid", "of het adres precies klopt")
    told.says("tcp", "skipped", "«Naam»")
    all_server_steps_are_skipped(told, "Naam")
    assert told.code == 1


def test_a_server_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for scheme in ("https", "ftps"):
            with having(tmp_path, f"{scheme}://127.0.0.1:{port}/inbox") as drive:
                told = check(drive)
            told.says("tcp", "good")
            told.says("tls", "bad", "firewall")
            all_server_steps_are_skipped(told, "Certificaat")
            assert told.code == 1


@contextmanager
def tls_dav(folder: Path, days: int) -> Iterator[tuple[FaultyDav, str]]:
    """A WebDAV server with TLS, and the file with its certificate, valid for so many days."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    make_certificate(certificate, key, days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with faulty_dav(context) as dav:
        yield dav, str(certificate)


def test_a_certificate_that_nobody_vouches_for_is_told_and_no_password_shown(tmp_path: Path) -> None:
    with tls_dav(tmp_path, 100) as (dav, _), having(tmp_path, dav.url) as drive:
        told = check(drive)
        assert dav.requests == []
    told.says("tls", "bad", "Niemand die deze computer vertrouwt", "ca_file")
    told.says("server-clock", "good")
    all_server_steps_are_skipped(told, "Certificaat")
    assert told.code == 3


def test_a_certificate_that_has_expired_is_told_and_the_clock_is_compared(tmp_path: Path) -> None:
    with tls_dav(tmp_path, -1) as (dav, own), having(tmp_path, dav.url) as drive:
        told = check(drive, ca_file=own)
        assert dav.requests == []
    told.says("tls", "bad", "verlopen", "Staat de klok goed")
    told.says("server-clock", "good", "zijn het eens")
    assert told.code == 3


def test_a_certificate_for_another_name_is_told(tmp_path: Path) -> None:
    with tls_dav(tmp_path, 100) as (dav, own), having(tmp_path, dav.url.replace("127.0.0.1", "localhost")) as drive:
        told = check(drive, ca_file=own)
    told.says("tls", "bad", "andere naam dan localhost")
    assert told.code == 3


@pytest.mark.parametrize(("days", "result"), [(13, "warn"), (15, "good")])
def test_a_certificate_that_expires_within_two_weeks_is_a_warning(tmp_path: Path, days: int, result: str) -> None:
    with tls_dav(tmp_path, days) as (dav, own), having(tmp_path, dav.url) as drive:
        told = check(drive, ca_file=own)
    told.says("tls", result, "TLSv1.3", "ingisfs test")
    told.says("login", "good")
    assert told.code == 0


def test_a_port_without_tls_is_told(tmp_path: Path, server: Server) -> None:
    with having(tmp_path, server.url.replace("http:", "https:")) as drive:
        told = check(drive)
    told.says("tls", "bad", "geen versleutelde verbinding", "https://")
    assert told.code == 3


def test_a_ca_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with tls_dav(tmp_path, 100) as (dav, _), having(tmp_path, dav.url) as drive:
        told = check(drive, ca_file=str(tmp_path / "none.pem"))
        assert dav.requests == []
    told.says("tls", "bad", "ca_file")
    assert told.code == 3


def test_a_certificate_of_ours_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with tls_dav(tmp_path, 100) as (dav, own), having(tmp_path, dav.url) as drive:
        told = check(drive, ca_file=own, client_certificate=str(tmp_path / "none.pem"))
        assert dav.requests == []
    told.says("tls", "bad", "client_certificate", str(tmp_path / "none.pem"), "No such file")
    assert told.code == 3


def test_a_server_that_wants_a_certificate_of_ours_is_told(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    with tls_apache(authority, clients=True, newest="TLSv1.2") as server, having(tmp_path, server.url) as drive:
        told = check(drive, ca_file=str(authority.file))
    told.says("tls", "bad", "certificaat van deze computer", "client_certificate")
    with tls_apache(authority, clients=True) as server, having(tmp_path / "newer", server.url) as drive:
        told = check(drive, ca_file=str(authority.file))
    told.says("login", "bad", "client_certificate")
    certificate, key = authority.issue("king", client=True)
    with tls_apache(authority, clients=True) as server, having(tmp_path / "good", server.url) as drive:
        settings: dict[str, Path] = {"ca_file": authority.file, "client_certificate": certificate, "client_key": key}
        more: dict[str, Any] = {setting: str(path) for setting, path in settings.items()}
        told = check(drive, **more)
    assert told.code == 0


def test_the_proxy_of_the_settings_is_told_and_none_means_none(tmp_path: Path, server: Server) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    with having(tmp_path, server.url, server.user, server.password) as drive:
        told = check(drive, proxy=address)
        told.says("proxy", "good", address.removeprefix("http://"))
        told.says("login", "bad", "antwoordt niet")
        told = check(drive, proxy="none", environment={"HTTP_PROXY": address})
        assert "proxy" not in told.steps
        told.says("login", "good")


def test_an_sftp_server_that_overwrites_is_a_warning() -> None:
    look = Diagnosis(Settings(server="sftp://host/inbox"))
    look._findings = Findings(unguarded=True)
    step = look._overwrite()
    assert step.result is Result.WARN
    assert "kijkt daarom eerst" in step.text


def test_a_proxy_is_told_without_its_password_and_stands_for_the_way(tmp_path: Path) -> None:
    proxy = f"http://anna:geheim@127.0.0.1:{free_port()}"
    with having(tmp_path, "https://ingis.invalid/inbox/") as drive:
        told = check(drive, environment={"HTTPS_PROXY": proxy})
    told.says("proxy", "good", proxy.partition("@")[2])
    assert "geheim" not in json.dumps(told.all)
    assert not {"dns", "tcp", "tls"} & set(told.steps)
    told.says("login", "bad", "antwoordt niet")
    assert told.code == 1


@pytest.mark.parametrize(
    ("ahead", "result", "text"),
    [(0, Result.GOOD, "eens"), (3700, Result.WARN, "1 uur achter"), (-400, Result.WARN, "6 minuten voor")],
)
def test_a_clock_that_differs_from_the_servers_is_a_warning(ahead: float, result: Result, text: str) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response_only(401)
            self.send_header("Date", formatdate(time.time() + ahead, usegmt=True))
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        try:
            look = Diagnosis(Settings(server=f"http://127.0.0.1:{served.server_port}/inbox/"))
            step = look._server_clock()
        finally:
            served.shutdown()
            thread.join()
    assert step is not None
    assert (step.result, text in step.text) == (result, True), step


# ---- the server --------------------------------------------------------------------------------------------------


def test_a_wrong_password_is_told_and_tried_once(tmp_path: Path) -> None:
    with apache_server(tmp_path) as server, having(tmp_path, server.url, server.user, "wrong") as drive:
        told = check(drive)
        wait_for(lambda: any(status == 401 for _, _, status in server.requests()), "the log")
        server.stop()  # has written all of it then
        assert (server.folder / "error.log").read_text().count("Password Mismatch") == 1
    told.says("login", "bad", "weigert de gebruiker, het wachtwoord")
    told.says("folder", "skipped", "«Inloggen»")
    told.says("remove", "skipped", "«Inloggen»")
    assert told.code == 3


def test_a_wrong_password_is_tried_once_by_sftp_too(tmp_path: Path) -> None:
    with asyncssh_server(tmp_path) as server, having(tmp_path, server.url, server.user, "wrong") as drive:
        told = check(drive, host_key=server.fingerprint())
        wait_for(server.failed_logins, "the log")
        assert server.failed_logins() == 1
    told.says("login", "bad", "weigert de gebruiker, het wachtwoord")
    assert told.code == 3


def test_a_wrong_password_is_tried_once_by_ftps_too(tmp_path: Path) -> None:
    with pyftpdlib_server(tmp_path) as server, having(tmp_path, server.url, server.user, "wrong") as drive:
        told = check(drive, ca_file=str(server.certificate))
        wait_for(server.failed_logins, "the log")
        assert server.failed_logins() == 1
    told.says("login", "bad", "weigert de gebruiker, het wachtwoord")
    assert told.code == 3


def test_a_password_that_is_missing_is_told_and_nobody_tries_to_log_in(tmp_path: Path) -> None:
    with faulty_dav() as dav, having(tmp_path, dav.url) as drive:
        told = check(drive, environment={"INGISFS_PASSWORD": ""})
        assert dav.requests == []
    told.says("password", "bad", "geen wachtwoord voor king")
    told.says("tcp", "good")
    all_server_steps_are_skipped(told, "Wachtwoord")
    assert told.code == 3


def test_a_folder_that_is_missing_is_told(drive: Drive) -> None:
    told = check(drive, server=f"{drive.url}nowhere/")
    told.says("login", "good")
    told.says("folder", "bad", "maar de map uit het adres niet")
    told.says("rename", "skipped", "«Map»")
    assert told.code == 3


def test_an_sftp_server_is_told_by_its_key_and_not_by_a_certificate(tmp_path: Path) -> None:
    with asyncssh_server(tmp_path) as server, having(tmp_path, server.url, server.user, server.password) as drive:
        told = check(drive)
        told.says("host-key", "bad", server.fingerprint(), "ingisfs trust")
        all_server_steps_are_skipped(told, "Sleutel server")
        assert told.code == 3
        assert server.failed_logins() == 0
        told = check(drive, host_key=server.fingerprint())
        told.says("host-key", "good", server.fingerprint())
        assert not {"tls", "server-clock"} & set(told.steps)
        assert told.of("warn") == ["mountpoint"]
        assert told.code == 0


@pytest.mark.parametrize("implicit", [False, True])
def test_an_ftps_server_is_told_by_its_certificate(tmp_path: Path, implicit: bool) -> None:
    with (
        pyftpdlib_server(tmp_path, implicit=implicit) as server,
        having(tmp_path, server.url, server.user, server.password) as drive,
    ):
        told = check(drive, ca_file=str(server.certificate))
        told.says("tls", "warn", "nog maar geldig tot")
        told.says("overwrite", "warn", "overschrijft")
        for name in set(SERVER_STEPS) - {"overwrite", "batch"}:
            told.says(name, "good")
        assert told.code == 0
        check(drive).says("tls", "bad", "Niemand die deze computer vertrouwt")
        assert len(server.names()) == 1  # left until it is known whether it survives


def test_an_ftp_server_without_tls_is_told_and_shown_no_password(tmp_path: Path) -> None:
    with pyftpdlib_server(tmp_path, encrypted=False) as server:
        url = server.url.replace("ftp:", "ftps:")
        with having(tmp_path, url, server.user, server.password) as drive:
            told = check(drive)
        assert server.commands("PASS") == []
    told.says("tls", "bad", "geen versleutelde verbinding")
    assert told.code == 3


# ---- around ------------------------------------------------------------------------------------------------------


def test_what_only_an_administrator_may_see_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(diagnosis, "is_locked", refused)
    found = next(step for step in steps_of(Settings()) if step.name == "mountpoint")
    assert found.result is Result.BAD
    assert "Dit kan alleen een beheerder" in found.text
    assert "drive.lock" in found.text


def test_without_a_drive_one_sentence_says_what_to_do(tmp_path: Path) -> None:
    with having(tmp_path, "https://b/") as drive:
        done = drive.run("check", "--config", str(tmp_path / "none.toml"))
        assert done.returncode == 1
        assert "Stel er eerst een in: ingisfs setup" in done.stderr
        done = drive.run("check", "--config", str(drive.config), "--drive", "bakker")
        assert done.returncode == 1
        assert "wel: king" in done.stderr


def steps_of(settings: Settings) -> Sequence[Step]:
    """What is found without a server."""
    return list(Diagnosis(settings).run())


def test_a_fault_in_one_step_is_told_and_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(look: Diagnosis) -> Step:
        raise ZeroDivisionError("by accident")

    changed = [(name, needs, broken if name == "clock" else look) for name, needs, look in diagnosis._STEPS]
    monkeypatch.setattr(diagnosis, "_STEPS", changed)
    found = {step.name: step for step in steps_of(Settings(server=f"http://127.0.0.1:{free_port()}/"))}
    assert found["clock"].result is Result.BAD
    assert "by accident" in found["clock"].text
    assert found["tcp"].result is Result.BAD


def test_what_takes_too_long_is_left_alone() -> None:
    ever = threading.Event()
    with pytest.raises(TimeoutError):
        within(0.05, ever.wait)
    ever.set()
    assert within(60, lambda: 7) == 7
    with pytest.raises(KeyError):
        within(60, lambda: os.environ["INGISFS_NOT_THERE"])


def test_what_a_person_must_do_comes_before_a_server_that_is_away() -> None:
    good, warn = Step("a", Result.GOOD, ""), Step("b", Result.WARN, "")
    away, bad = Step("c", Result.BAD, "", away=True), Step("d", Result.BAD, "")
    assert conclusion([good]) == "good"
    assert conclusion([good, warn]) == "warned"
    assert conclusion([good, warn, away]) == "away"
    assert conclusion([bad, away]) == "person"


def test_every_step_has_a_title_that_fits() -> None:
    for name, needs, _ in diagnosis._STEPS:
        assert all(len(text) <= diagnosis.TITLE for text in CATALOGUE[f"check.step.{name}"].values())
        assert all(f"check.step.{each}" in CATALOGUE for each in needs)


def test_marks_are_plain_where_a_terminal_knows_no_others() -> None:
    assert marks("utf-8")[Result.BAD] == "✗"
    for encoding in ("cp850", "ascii", None, "unknown"):
        assert marks(encoding)[Result.BAD] == "x"
