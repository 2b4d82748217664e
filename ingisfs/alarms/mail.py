"""An alarm as e-mail (RFC 5322, 3207, 8314): TLS with a certificate that is checked, or no mail."""

from __future__ import annotations

import logging
import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path

from ingisfs.config import Mail

log = logging.getLogger(__name__)

TIMEOUT = 30.0  # s for one answer of the mail server
OURSELVES = "[127.0.0.1]"  # in EHLO (RFC 5321, 4.1.3): to look this machine's name up can take longer than the mail


class MailError(Exception):
    """A message could not be handed over. `args[0]` says why, in English."""


def send(mail: Mail, password: str, subject: str, text: str) -> None:
    """Hand one message to the mail server. Raises MailError."""
    message = EmailMessage()
    message["From"] = mail.sender or mail.to[0]
    message["To"] = ", ".join(mail.to)
    message["Subject"] = subject
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain=message["From"].rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice answers
    message.set_content(text)
    try:
        server = _connect(mail)
        try:
            if mail.user:
                server.login(mail.user, password)
            refused = server.send_message(message)
            # It has the message now: whatever it says to our good-bye, the message is not sent again.
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
        finally:
            server.close()
        for address in refused:
            log.warning("%s does not take mail for %s", mail.host, address)
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise MailError(f"{type(error).__name__}: {_line(error)}") from None


def _connect(mail: Mail) -> smtplib.SMTP:
    context = ssl.create_default_context(cafile=str(Path(mail.ca_file).expanduser()) if mail.ca_file else None)
    if mail.tls == "tls":
        return smtplib.SMTP_SSL(mail.host, mail.port or 465, OURSELVES, timeout=TIMEOUT, context=context)
    server = smtplib.SMTP(mail.host, mail.port or 587, OURSELVES, timeout=TIMEOUT)
    if mail.tls == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def _line(error: Exception) -> str:
    """Return what the server said, without what we sent it: an answer to a log-in never repeats the password."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"[:300]
    return str(error)[:300]
