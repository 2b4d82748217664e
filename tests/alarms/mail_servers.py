"""A real mail server (aiosmtpd) on the loopback, with certificates of a CA of its own."""

from __future__ import annotations

import email.policy
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from ingisfs.config import Mail
from tests.servers import free_port

USER, PASSWORD = "anna@example.nl", "post-geheim"


class MailServer:
    """What runs, and what it got."""

    def __init__(self, folder: Path, tls: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.ca_file = folder / "ca.pem"
        self.port = free_port()
        self.tls = tls
        self.messages: list[EmailMessage] = []
        self.logins: list[bool] = []
        self.refused: set[str] = set()  # addresses that it does not take mail for
        self.says_goodbye = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*_certificate(folder))
        options: dict[str, Any] = {"authenticator": self._log_in, "server_hostname": "localhost"}
        if tls == "tls":
            options |= {"ssl_context": context, "auth_require_tls": False}  # aiosmtpd looks for STARTTLS only
        else:
            options |= {"tls_context": context, "require_starttls": True}
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)

    @property
    def mail(self) -> Mail:
        """The settings of who uses it."""
        return Mail("localhost", ("boek@example.nl",), USER, self.port, self.tls, USER, str(self.ca_file))

    def _log_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        self.logins.append(good)
        return AuthResult(success=good, handled=False)

    # ---- aiosmtpd calls these ------------------------------------------------------------------------------------

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not session.authenticated:
            return "530 log in first"
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        parsed = BytesParser(policy=email.policy.default).parsebytes(envelope.content)
        assert isinstance(parsed, EmailMessage)
        self.messages.append(parsed)
        return "250 OK"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        return "221 Bye" if self.says_goodbye else "421 tired"

    # ---- for the tests -------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    @property
    def subjects(self) -> list[str]:
        return [str(message["Subject"]) for message in self.messages]


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Make a CA, and a certificate of it for localhost; returns the files of the latter and its key."""
    ca, ca_key, key, request, certificate = (
        folder / name for name in ("ca.pem", "ca.key", "server.key", "server.csr", "server.pem")
    )
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes"]
    signed = ["openssl", "x509", "-req", "-days", "1", "-CAcreateserial"]
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    commands: list[list[str | Path]] = [
        [*new, "-x509", "-days", "1", "-subj", "/CN=test CA", "-keyout", ca_key, "-out", ca],
        [*new, "-subj", "/CN=localhost", "-keyout", key, "-out", request],
        [*signed, "-in", request, "-CA", ca, "-CAkey", ca_key, "-extfile", folder / "names", "-out", certificate],
    ]
    for command in commands:
        subprocess.run(command, check=True, capture_output=True)
    return certificate, key


@contextmanager
def mail_server(folder: Path, tls: str = "starttls") -> Iterator[MailServer]:
    """Have a mail server for the block: `tls` is "starttls", or "tls" from the first byte on."""
    made = MailServer(folder, tls)
    made.start()
    try:
        yield made
    finally:
        made.stop()
