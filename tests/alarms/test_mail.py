"""An alarm as e-mail, against a real mail server."""

from __future__ import annotations

import dataclasses
import logging
import socket
from pathlib import Path

import pytest

from ingisfs.alarms import mail as module
from ingisfs.alarms.mail import MailError, send
from ingisfs.alarms.ways import UntoldError, ways
from ingisfs.config import Drive
from tests.alarms.conftest import Scene
from tests.alarms.mail_servers import PASSWORD, USER, mail_server
from tests.servers import free_port

TEXT = "Er is iets met «F1.pdf»: bekijk het.\nTweede regel."


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_message_arrives_whole_over_tls(tmp_path: Path, tls: str) -> None:
    with mail_server(tmp_path, tls) as server:
        send(server.mail, PASSWORD, "ingisfs: één document", TEXT)
    (message,) = server.messages
    assert message["Subject"] == "ingisfs: één document"
    assert message["From"] == USER
    assert message["To"] == "boek@example.nl"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"]
    assert message["Message-ID"]
    assert message.get_content().splitlines() == TEXT.splitlines()
    assert server.logins == [True]


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_gets_neither_password_nor_message(tmp_path: Path, tls: str) -> None:
    with mail_server(tmp_path, tls) as server, pytest.raises(MailError, match="CERTIFICATE_VERIFY_FAILED"):
        send(dataclasses.replace(server.mail, ca_file=""), PASSWORD, "a subject", TEXT)
    assert server.logins == []
    assert server.messages == []


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_wrong_password_is_said_and_not_repeated(tmp_path: Path, tls: str) -> None:
    with mail_server(tmp_path, tls) as server, pytest.raises(MailError, match="535") as caught:
        send(server.mail, "wrong-secret", "a subject", TEXT)
    assert "wrong-secret" not in str(caught.value)
    assert server.messages == []


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        nowhere = dataclasses.replace(server.mail, port=free_port())
    with pytest.raises(MailError, match="ConnectionRefusedError"):
        send(nowhere, PASSWORD, "a subject", TEXT)


def test_a_server_that_says_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    with mail_server(tmp_path) as server, socket.create_server(("127.0.0.1", 0)) as silent:
        nowhere = dataclasses.replace(server.mail, port=silent.getsockname()[1])
        with pytest.raises(MailError, match="timed out"):
            send(nowhere, PASSWORD, "a subject", TEXT)


def test_a_file_of_certificates_that_is_missing_is_said(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server, pytest.raises(MailError, match="FileNotFoundError"):
        send(dataclasses.replace(server.mail, ca_file=str(tmp_path / "none.pem")), PASSWORD, "a subject", TEXT)


def test_a_message_that_the_server_has_is_not_sent_again_for_its_goodbye(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        server.says_goodbye = False
        send(server.mail, PASSWORD, "a subject", TEXT)
    assert len(server.messages) == 1


def test_one_address_that_is_refused_keeps_no_other_from_being_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with mail_server(tmp_path) as server, caplog.at_level(logging.WARNING):
        server.refused = {"weg@example.nl"}
        to = ("weg@example.nl", "boek@example.nl")
        send(dataclasses.replace(server.mail, to=to), PASSWORD, "a subject", TEXT)
        with pytest.raises(MailError, match="SMTPRecipientsRefused"):
            send(dataclasses.replace(server.mail, to=to[:1]), PASSWORD, "a subject", TEXT)
    assert len(server.messages) == 1
    assert "weg@example.nl" in caplog.text


def test_an_alarm_goes_by_mail_once_it_is_configured(
    tmp_path: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INGISFS_MAIL_PASSWORD", PASSWORD)
    with mail_server(tmp_path / "mail") as server:
        (way,) = [way for way in ways(Drive(mail=server.mail)) if way.name == "mail"]
        scene.watch()
        scene.target("needs_person", "login")
        scene.looks(60)
        way.tell(scene.person.messages[0])
        assert server.subjects == ["ingisfs: de server heeft iemand nodig"]
        monkeypatch.setenv("INGISFS_MAIL_PASSWORD", "wrong-secret")
        with pytest.raises(UntoldError) as caught:
            way.tell(scene.person.messages[0])
    assert "wrong-secret" not in str(caught.value)


def test_without_mail_in_the_settings_there_is_no_such_way() -> None:
    assert "mail" not in [way.name for way in ways(Drive())]
