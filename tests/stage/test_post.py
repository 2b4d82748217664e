"""Mails: to a real SMTP server and into a folder; what happens when a server says no, or nothing."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from ingisfs.stage.customers import Customer, is_email
from ingisfs.stage.invoices import Query
from ingisfs.stage.letters import _LETTERS, letter
from ingisfs.stage.post import MAX_TRIES, Smtp, SmtpError
from ingisfs.stage.sentences import LANGUAGES
from ingisfs.stage.users import Account
from scripts.king import Documents, xml_king
from tests.servers import free_port
from tests.stage.test_batch import BOTH, ONLY_PDF, ONLY_XML, Office, pdf


class Mailbox:
    """What an SMTP server was sent; `answer` is what it says to the next mails."""

    def __init__(self) -> None:
        self.received: list[tuple[list[str], EmailMessage]] = []
        self.answer = "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.answer.startswith("250"):
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            self.received.append((envelope.rcpt_tos, message))
        return self.answer


@contextmanager
def smtp_server(mailbox: Mailbox, port: int) -> Iterator[None]:
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield
    finally:
        controller.stop()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    made.know_all_debtors()
    made.users.change_profile("king", company="", email="", language="nl", tell_refused=True)
    with made.held:
        yield made


def with_server(office: Office, port: int) -> None:
    office.post.smtp = Smtp.of_url(f"smtp://127.0.0.1:{port}", "facturen@meer.example", "")


def invoice_of(office: Office) -> Any:
    (row,), _ = office.invoices.page("king", Query())
    return row


def states(office: Office) -> list[str]:
    return [event["state"] for event in office.invoices.events(invoice_of(office)["id"])]


def test_a_customer_is_notified_with_a_link_to_the_invoice(office: Office) -> None:
    mailbox, port = Mailbox(), free_port()
    with_server(office, port)
    office.put("F1.pdf", pdf(BOTH))
    office.put("F1.xml", xml_king(BOTH))
    office.batch.take_in()
    with smtp_server(mailbox, port):
        assert office.post.send_due() == 1
        assert office.post.send_due() == 0
    ((recipients, message),) = mailbox.received
    assert recipients == [BOTH.debtor.email]
    assert message["To"] == BOTH.debtor.email
    assert "facturen@meer.example" in message["From"]
    assert BOTH.number in message["Subject"]
    for kind, words in (("plain", "Factuur bekijken"), ("html", "Factuur bekijken</a>")):
        body = message.get_body((kind,))
        assert body is not None
        assert words in body.get_content()
        assert re.search(r"http://127\.0\.0\.1:1/open/[\w-]{20,}", body.get_content())
    assert not list(message.iter_attachments())
    assert states(office) == ["received", "collected", "new", "notified"]
    assert invoice_of(office)["status"] == "new"


def test_who_receives_by_mail_gets_the_documents_and_the_invoice_is_sent(office: Office) -> None:
    mailbox, port = Mailbox(), free_port()
    with_server(office, port)
    customer = office.customers.page("king", BOTH.debtor.number)[0][0]
    office.customers.change("king", customer.id, Customer(
        customer.number, customer.name, customer.email, wants="both", channel="mail", language="en"
    ))  # fmt: skip
    office.put("F1.pdf", pdf(BOTH))
    office.put("F1.xml", xml_king(BOTH))
    office.batch.take_in()
    with smtp_server(mailbox, port):
        office.post.send_due()
    ((_, message),) = mailbox.received
    attached = {part.get_filename(): part.get_content() for part in message.iter_attachments()}
    assert attached == {"F1.pdf": pdf(BOTH), "F1.xml": xml_king(BOTH)}
    assert "Invoice" in message["Subject"]
    assert invoice_of(office)["status"] == "sent"
    assert sorted(office.told()[-2:]) == [("F1.pdf", "sent"), ("F1.xml", "sent")]


def test_a_link_that_went_out_lies_nowhere_else(office: Office, tmp_path: Path) -> None:
    mailbox, port = Mailbox(), free_port()
    with_server(office, port)
    office.put("F1.xml", xml_king(ONLY_XML))
    office.batch.take_in()
    with smtp_server(mailbox, port):
        office.post.send_due()
    body = mailbox.received[0][1].get_body(("plain",))
    assert body is not None
    (token,) = re.findall(r"/open/([\w-]+)", body.get_content())
    row = office.post.newest("king", everything=True)[0]
    assert (row["state"], row["text"], row["html"]) == ("sent", "", "")
    assert office.post.follow("invite", token) is not None
    assert office.post.follow("reset", token) is None
    assert not list((tmp_path / "mail").iterdir())


def test_a_server_that_is_away_delays_a_mail_and_loses_none(office: Office) -> None:
    mailbox, port = Mailbox(), free_port()
    with_server(office, port)
    office.put("F1.xml", xml_king(ONLY_XML))
    office.batch.take_in()
    assert office.post.send_due() == 0
    row = office.post.newest("king", everything=True)[0]
    assert (row["state"], row["tries"]) == ("queued", 1)
    assert row["due_at"] > row["made_at"]
    due_now(office)
    with smtp_server(mailbox, port):
        assert office.post.send_due() == 1
    assert len(mailbox.received) == 1


def due_now(office: Office) -> None:
    with office.database.transaction() as db:
        db.execute("UPDATE mails SET due_at = 0")


@pytest.mark.parametrize(("answer", "state"), [("451 later", "queued"), ("554 no such user", "failed")])
def test_what_the_server_refuses_is_tried_again_or_told(office: Office, answer: str, state: str) -> None:
    mailbox, port = Mailbox(), free_port()
    mailbox.answer = answer
    with_server(office, port)
    office.put("F1.xml", xml_king(ONLY_XML))
    office.batch.take_in()
    with smtp_server(mailbox, port):
        assert office.post.send_due() == 0
    row = office.post.newest("king", everything=True)[0]
    assert row["state"] == state
    assert answer[4:] in row["error"]
    assert ("mail_failed" in states(office)) == (state == "failed")


def test_after_many_tries_a_mail_is_given_up_and_told(office: Office) -> None:
    with_server(office, free_port())
    office.put("F1.xml", xml_king(ONLY_XML))
    office.batch.take_in()
    for _ in range(MAX_TRIES):
        due_now(office)
        office.post.send_due()
    assert office.post.newest("king", everything=True)[0]["state"] == "failed"
    assert "mail_failed" in states(office)


def test_without_an_address_nobody_is_written_to_and_the_time_line_says_so(office: Office) -> None:
    customer = office.customers.page("king", ONLY_PDF.debtor.number)[0][0]
    office.customers.change("king", customer.id, Customer(customer.number, customer.name, wants="pdf"))
    office.put("F1.pdf", pdf(ONLY_PDF))
    office.batch.take_in()
    assert office.post.newest("king", everything=True) == []
    assert states(office) == ["received", "collected", "new", "no_email"]


def test_names_cannot_put_anything_into_the_head_of_a_mail(office: Office) -> None:
    office.users.change_profile("king", company="A\r\nBcc: x@y.example", email="", language="nl", tell_refused=True)
    office.put("F1.xml", xml_king(ONLY_XML))
    office.batch.take_in()
    mailbox, port = Mailbox(), free_port()
    with_server(office, port)
    with smtp_server(mailbox, port):
        office.post.send_due()
    for recipients, message in mailbox.received:
        assert recipients == [ONLY_XML.debtor.email]
        assert message["Bcc"] is None
    assert {row["state"] for row in office.post.newest("king", everything=True)} <= {"sent", "failed"}


def test_a_mail_that_cannot_be_made_stands_in_no_other_s_way(office: Office) -> None:
    for invoice in (ONLY_XML, BOTH):
        office.put(f"{invoice.number}.pdf", pdf(invoice))
        office.put(f"{invoice.number}.xml", xml_king(invoice))
    office.batch.take_in()
    with office.database.transaction() as db:
        db.execute("UPDATE mails SET subject = 'a' || char(10) || 'b' WHERE recipient = ?", (ONLY_XML.debtor.email,))
    mailbox, port = Mailbox(), free_port()
    with_server(office, port)
    with smtp_server(mailbox, port):
        office.post.send_due()
    assert [recipients for recipients, _ in mailbox.received] == [[BOTH.debtor.email]]
    assert sorted(row["state"] for row in office.post.newest("king", everything=True)) == ["failed", "sent"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtps://mail.example", ("mail.example", 465, "tls", "")),
        ("smtps://ik@mail.example:4650", ("mail.example", 4650, "tls", "ik")),
        ("smtp://mail.example", ("mail.example", 587, "starttls", "")),
        ("smtp://127.0.0.1:2525", ("127.0.0.1", 2525, "none", "")),
    ],
)
def test_the_address_of_a_mail_server_says_how_it_is_spoken_to(url: str, expected: tuple[str, int, str, str]) -> None:
    smtp = Smtp.of_url(url, "a@b.example", "geheim")
    assert (smtp.host, smtp.port, smtp.security, smtp.user) == expected


@pytest.mark.parametrize(
    "url", ["http://mail.example", "smtp://", "smtps://ik:geheim@mail.example", "smtps://mail.example/x", "smtp://x:y"]
)
def test_addresses_that_no_mail_may_go_to_are_refused(url: str) -> None:
    with pytest.raises(SmtpError):
        Smtp.of_url(url, "a@b.example", "")
    with pytest.raises(SmtpError):
        Smtp.of_url("smtps://mail.example", "geen adres", "")


def test_a_server_without_starttls_is_not_spoken_to_in_the_open(office: Office) -> None:
    mailbox, port = Mailbox(), free_port()
    office.post.smtp = Smtp("127.0.0.1", port, "starttls", "a@b.example")
    office.put("F1.xml", xml_king(ONLY_XML))
    office.batch.take_in()
    with smtp_server(mailbox, port):
        assert office.post.send_due() == 0
    assert mailbox.received == []
    assert office.post.newest("king", everything=True)[0]["state"] == "queued"


def test_letters_are_there_in_both_languages_and_escape_what_is_filled_in() -> None:
    evil = "<b>x</b>"
    values = dict.fromkeys(("number", "company", "customer", "gross", "date", "email", "reason", "advice"), evil)
    for kind in _LETTERS:
        texts = set()
        for language in LANGUAGES:
            made = letter(kind, language, "http://127.0.0.1/x", **values)
            assert evil not in made.html
            assert "http://127.0.0.1/x" in made.text
            texts.add(made.text)
        assert len(texts) == 2


@pytest.mark.parametrize(
    ("address", "good"),
    [("a@b.nl", True), ("a.b+c@d-e.example", True), ("a@b", False), ("a b@c.nl", False), ("a@b.nl,c@d.nl", False),
     ("a@b.nl\n", False), ("", False), ("ä@b.nl", False), ("<a@b.nl>", False)],
)  # fmt: skip
def test_what_is_an_address(address: str, good: bool) -> None:
    assert is_email(address) is good


def test_a_password_link_is_for_its_user_and_an_hour(office: Office) -> None:
    office.users.add("anna@x.example", "geheim", role="customer")
    account = office.users.account("anna@x.example")
    assert isinstance(account, Account)
    office.post.send_reset(account)
    row = office.post.newest("", everything=True)[0]
    assert (row["recipient"], row["owner"]) == ("anna@x.example", "")
    (token,) = re.findall(r"/reset/([\w-]+)", row["text"])
    link = office.post.follow("reset", token)
    assert link is not None
    assert link["user"] == "anna@x.example"
    with office.database.transaction() as db:
        db.execute("UPDATE links SET expires_at = expires_at - 3600")
    assert office.post.follow("reset", token) is None
    assert office.post.use_up(token)
    assert not office.post.use_up(token)


def test_there_is_a_customer_for_each_debtor_of_king_s_stand_in(tmp_path: Path) -> None:
    from ingisfs.stage import demo
    from scripts.king import COMPANY, DEBTORS

    wants = {Documents.BOTH: "both", Documents.PDF: "pdf", Documents.XML: "xml"}
    assert [(number, name, email, vat, what) for number, name, email, vat, what, _ in demo.DEBTORS] == [
        (each.number, each.name, each.email, each.vat_number, wants[each.documents]) for each in DEBTORS
    ]
    assert COMPANY.name == demo.COMPANY
    office = Office(tmp_path)
    with office.held:
        for _ in range(2):
            demo.prepare(office.customers, office.users, "king")
        assert office.customers.page("king")[1] == len(DEBTORS)
