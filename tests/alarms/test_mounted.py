"""Alarms of a real drive, set up as a person does, by mail and on the desktop."""

from __future__ import annotations

import dataclasses
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ingisfs.alarms.watch import gone_file
from tests.alarms.desktops import desktop
from tests.alarms.mail_servers import PASSWORD, MailServer, mail_server
from tests.documents import pdf
from tests.mounts import Drive
from tests.servers import Server, wait_for, wsgidav_server
from tests.test_running import keeping, log_of, wait_up

SERVER, WELL, GONE = (
    f"ingisfs: {what}" for what in ("de server heeft iemand nodig", "alles is weer in orde", "de schijf is weg")
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with wsgidav_server(tmp_path / "server") as made:
        yield made


@pytest.fixture
def post(tmp_path: Path) -> Iterator[MailServer]:
    with mail_server(tmp_path / "mail") as made:
        yield made


@pytest.fixture
def unmounted(tmp_path: Path, server: Server, post: MailServer) -> Iterator[Drive]:
    """A drive whose mail goes to our server."""
    made = Drive(tmp_path / "drive", server.url, server.user, server.password)
    mail = {key: value for key, value in post.mail.table().items() if value}
    made.configure(state=str(made.state), mail=mail)
    yield made
    made.clean()


def keep_mail_password(made: Drive) -> None:
    made.state.mkdir(mode=0o700, exist_ok=True)
    file = made.state / "mail-password"
    file.touch(mode=0o600)
    file.write_text(PASSWORD)


def set_up(made: Drive, answers: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run `ingisfs setup` and type these lines."""
    return subprocess.run(
        [sys.executable, "-m", "ingisfs", "setup", "--config", str(made.config)],
        env=made.environment,
        input="".join(f"{line}\n" for line in answers),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        start_new_session=True,  # without a terminal, from which passwords would be read
    )


def test_who_set_mail_up_is_told_of_a_wrong_password_once_and_when_it_is_right_again(
    unmounted: Drive, server: Server, post: MailServer, tmp_path: Path
) -> None:
    folder = str(unmounted.mountpoint)
    answers = [server.url, server.user, server.password, folder, "boek@example.nl", "", "", PASSWORD, "j", "j"]
    done = set_up(unmounted, answers)
    assert done.returncode == 0, done.stdout + done.stderr
    assert post.subjects == ["ingisfs: king"]
    post.messages.clear()
    (tmp_path / "screen").mkdir()
    with desktop(tmp_path / "screen") as screen:
        done = unmounted.mount(INGISFS_PASSWORD="wrong", **screen.environment)
        assert done.returncode == 0, done.stderr
        (unmounted.mountpoint / "F1.pdf").write_bytes(pdf())
        wait_for(lambda: post.messages, "an alarm by mail", 90)
        (alarm,) = post.messages
        assert alarm["Subject"] == SERVER
        assert "weigert de gebruiker, het wachtwoord" in alarm.get_content()
        wait_for(lambda: screen.count() == 1, "an alarm on the desktop", 60)
        assert unmounted.unmount("--now").returncode == 0
        done = unmounted.mount(INGISFS_PASSWORD=server.password, **screen.environment)
        assert done.returncode == 0, done.stderr
        unmounted.wait_delivered(["F1.pdf"])
        wait_for(lambda: WELL in post.subjects, "the all-clear", 120)
        wait_for(lambda: screen.count() == 2, "the all-clear on the desktop", 60)
        assert [shown.title for shown in screen.shown()] == [SERVER, WELL]
    assert post.subjects == [SERVER, WELL]
    logs = "".join(path.read_text(errors="replace") for path in (unmounted.state / "log").iterdir())
    assert PASSWORD not in logs


def test_a_mail_server_that_hangs_does_not_stop_delivery(unmounted: Drive, server: Server, post: MailServer) -> None:
    keep_mail_password(unmounted)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mail = dataclasses.replace(post.mail, port=silent.getsockname()[1]).table()
        unmounted.configure(state=str(unmounted.state), mail={key: value for key, value in mail.items() if value})
        assert unmounted.mount().returncode == 0
        gone_file(unmounted.state).touch()  # an alarm that needs no time to be sure
        silent.settimeout(120)
        connection, _ = silent.accept()  # the alarm is being sent, and waits for an answer
        with connection:
            (unmounted.mountpoint / "F1.pdf").write_bytes(pdf())
            unmounted.wait_delivered(["F1.pdf"])
            assert unmounted.unmount("--now").returncode == 0


def test_the_keeper_tells_of_a_drive_that_cannot_be_mounted_again_and_of_its_return(
    unmounted: Drive, post: MailServer
) -> None:
    keep_mail_password(unmounted)
    mail = {key: value for key, value in post.mail.table().items() if value}
    settings = {"server": unmounted.url, "user": unmounted.user, "state": str(unmounted.state), "mail": mail}
    unmounted.configure(mountpoint=str(unmounted.mountpoint), **settings)
    with keeping(unmounted):
        wait_up(unmounted)
        wait_for(lambda: "mounted at" in log_of(unmounted), "the keeper to know it", 60)
        unmounted.configure(mountpoint=str(unmounted.base / "nowhere"), **settings)
        unmounted.kill("drive")
        wait_for(lambda: post.subjects == [GONE], "the alarm", 120)
        unmounted.configure(mountpoint=str(unmounted.mountpoint), **settings)
        wait_for(lambda: post.subjects == [GONE, WELL], "the all-clear", 120)
