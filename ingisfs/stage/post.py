"""The mails of the stage: written in the transaction that makes them due, sent by a thread of their own.

With an SMTP server they go there. Without one they lie in the folder `mail`, and on a page. A mail whose answer was
lost is sent again, under the same Message-ID.

A mail's link has a token, of which the database keeps the SHA-256 only. It proves that somebody reads the mails of an
address, and so who may choose a password; it never shows an invoice by itself.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import smtplib
import sqlite3
import ssl
import threading
import time
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formataddr, formatdate
from pathlib import Path
from urllib.parse import urlsplit

from ingisfs.stage.customers import Customer, is_email
from ingisfs.stage.database import Database
from ingisfs.stage.formats import day, money
from ingisfs.stage.invoices import Invoices, reason_of
from ingisfs.stage.letters import Letter, letter
from ingisfs.stage.sentences import LANGUAGES, say
from ingisfs.stage.users import Account, Users
from ingisfs.stage.vault import Vault

log = logging.getLogger(__name__)

INVITE_SECONDS = 60 * 86_400
RESET_SECONDS = 3_600
MAX_TRIES = 10

_LOOK_SECONDS = 5.0
_TIMEOUT = 30.0  # seconds, of each answer of the server
_TABLES = """
CREATE TABLE IF NOT EXISTS mails (
    id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, kind TEXT NOT NULL, invoice_id INTEGER,
    customer_id INTEGER, recipient TEXT NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL, html TEXT NOT NULL,
    state TEXT NOT NULL, tries INTEGER NOT NULL, error TEXT NOT NULL, made_at REAL NOT NULL, due_at REAL NOT NULL,
    sent_at REAL, message_id TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS mails_due ON mails (due_at) WHERE state = 'queued';
CREATE INDEX IF NOT EXISTS mails_owner ON mails (owner, id);
CREATE TABLE IF NOT EXISTS links (
    digest TEXT PRIMARY KEY, kind TEXT NOT NULL, customer_id INTEGER, invoice_id INTEGER, user TEXT,
    expires_at REAL NOT NULL);
"""


class SmtpError(ValueError):
    """The address of an SMTP server is none that mails may be sent to."""


@dataclass(frozen=True, slots=True)
class Smtp:
    """Where mails go. `security` is "tls", "starttls" or, on this machine only, "none"."""

    host: str
    port: int
    security: str
    sender: str
    user: str = ""
    password: str = ""

    @classmethod
    def of_url(cls, url: str, sender: str, password: str) -> Smtp:
        """`smtps://[user@]host[:465]` or `smtp://[user@]host[:587]`, which is STARTTLS but for loopback.

        Raises SmtpError.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise SmtpError("--smtp") from None
        if parts.scheme not in {"smtp", "smtps"} or not host or parts.password or parts.path.strip("/"):
            raise SmtpError(f"{parts.scheme}://{host}")  # without what may be a password
        if not is_email(sender):
            raise SmtpError(sender or "--mail-from")
        security = "tls" if parts.scheme == "smtps" else "starttls"
        if security == "starttls" and host in {"127.0.0.1", "::1", "localhost"}:
            security = "none"
        default = {"tls": 465, "starttls": 587, "none": 25}[security]
        return cls(host, port or default, security, sender, parts.username or "", password)


class Post:
    """Writes and sends mails. Safe from any thread, but for `run`, which is one thread's. Raises sqlite3.Error."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        users: Users,
        invoices: Invoices,
        vault: Vault,
        *,
        base: str,
        language: str,
        smtp: Smtp | None = None,
    ) -> None:
        """`base` is the portal's address without a slash at the end; `language` of those who have chosen none."""
        self.smtp = smtp
        self.base = base
        self._database = database
        self._folder = folder / "mail"
        self._users = users
        self._invoices = invoices
        self._vault = vault
        self._language = language
        self._woken = threading.Event()
        self._stopped = False
        self._folder.mkdir(mode=0o700, exist_ok=True)
        database.prepare(_TABLES)
        with database.transaction() as db:
            db.execute("DELETE FROM links WHERE expires_at < ?", (time.time(),))

    # Writing

    def tell_customer(self, db: sqlite3.Connection, customer: Customer, invoice_id: int) -> bool:
        """Notify a customer of an invoice, within the caller's transaction. False if there is no address."""
        if not customer.email:
            self._invoices.note(db, invoice_id, "no_email")
            return False
        invoice = db.execute("SELECT * FROM invoices WHERE id = ?", (invoice_id,)).fetchone()
        link = self._link(db, "invite", INVITE_SECONDS, customer_id=customer.id, invoice_id=invoice_id)
        written = letter(
            "documents" if customer.channel == "mail" else "notify",
            customer.language,
            link,
            number=invoice["number"],
            company=self._account(customer.owner).shown,
            customer=customer.name,
            gross=money(invoice["gross"], customer.language),
            date=day(invoice["issued"], customer.language),
            email=customer.email,
        )
        kind = "documents" if customer.channel == "mail" else "notify"
        self._queue(db, customer.owner, kind, customer.email, written, invoice_id=invoice_id, customer_id=customer.id)
        # The link in it is an invitation too.
        db.execute("UPDATE customers SET invited_at = ? WHERE id = ? AND login IS NULL", (time.time(), customer.id))
        return True

    def tell_refused(self, db: sqlite3.Connection, owner: str, invoice_id: int) -> None:
        """Tell a King user that an invoice was refused, if they want to know, within the caller's transaction."""
        account = self._account(owner)
        if not account.email or not account.tell_refused:
            return
        language = account.language or self._language
        invoice = db.execute("SELECT * FROM invoices WHERE id = ?", (invoice_id,)).fetchone()
        written = letter(
            "refused",
            language,
            f"{self.base}/invoices/{invoice_id}",
            number=invoice["number"] or invoice["stem"],
            reason=reason_of(invoice, language),
            advice=say(language, f"advice_{invoice['reason']}"),
        )
        self._queue(db, owner, "refused", account.email, written, invoice_id=invoice_id)

    def invite(self, customer: Customer) -> None:
        """Invite a customer to register. The customer has an address."""
        with self._database.transaction() as db:
            link = self._link(db, "invite", INVITE_SECONDS, customer_id=customer.id)
            company = self._account(customer.owner).shown
            written = letter(
                "invite", customer.language, link, company=company, customer=customer.name, email=customer.email
            )
            self._queue(db, customer.owner, "invite", customer.email, written, customer_id=customer.id)
            db.execute("UPDATE customers SET invited_at = ? WHERE id = ?", (time.time(), customer.id))
        self.wake()

    def send_reset(self, account: Account) -> None:
        """Send a user the link with which they choose a new password. They have an address."""
        language = account.language or self._language
        with self._database.transaction() as db:
            link = self._link(db, "reset", RESET_SECONDS, user=account.name)
            address = account.email or account.name
            self._queue(db, "", "reset", address, letter("reset", language, link, email=address))
        self.wake()

    def _account(self, name: str) -> Account:
        return self._users.account(name) or Account(name, "king")

    def _link(
        self,
        db: sqlite3.Connection,
        kind: str,
        seconds: float,
        *,
        customer_id: int | None = None,
        invoice_id: int | None = None,
        user: str | None = None,
    ) -> str:
        token = secrets.token_urlsafe(24)
        db.execute(
            "INSERT INTO links (digest, kind, customer_id, invoice_id, user, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
            (_digest(token), kind, customer_id, invoice_id, user, time.time() + seconds),
        )
        return f"{self.base}/{'open' if kind == 'invite' else 'reset'}/{token}"

    def _queue(
        self,
        db: sqlite3.Connection,
        owner: str,
        kind: str,
        recipient: str,
        written: Letter,
        *,
        invoice_id: int | None = None,
        customer_id: int | None = None,
    ) -> None:
        now = time.time()
        db.execute(
            "INSERT INTO mails (owner, kind, invoice_id, customer_id, recipient, subject, text, html, state, tries,"
            " error, made_at, due_at, message_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', 0, '', ?, ?, ?)",
            (
                owner, kind, invoice_id, customer_id, recipient, written.subject, written.text, written.html, now, now,
                f"<{secrets.token_hex(16)}@ingisfs.invalid>",
            ),
        )  # fmt: skip

    # Links

    def follow(self, kind: str, token: str) -> sqlite3.Row | None:
        """What a link from a mail is about: customer_id, invoice_id, user. None if it is not valid (any more)."""
        return self._database.row(
            "SELECT * FROM links WHERE digest = ? AND kind = ? AND expires_at > ?", _digest(token), kind, time.time()
        )

    def use_up(self, token: str) -> bool:
        """Make a link invalid; False if it was already."""
        with self._database.transaction() as db:
            return db.execute("DELETE FROM links WHERE digest = ?", (_digest(token),)).rowcount == 1

    # Looking

    def newest(self, owner: str, *, everything: bool, limit: int = 100) -> list[sqlite3.Row]:
        """The newest mails of a King user; `everything`: of all, and those of nobody."""
        where, values = ("1", ()) if everything else ("owner = ?", (owner,))
        return self._database.rows(f"SELECT * FROM mails WHERE {where} ORDER BY id DESC LIMIT ?", *values, limit)

    def get(self, owner: str, mail_id: int, *, everything: bool) -> sqlite3.Row:
        """One mail. Raises KeyError."""
        row = self._database.row("SELECT * FROM mails WHERE id = ?", mail_id)
        if row is None or not (everything or row["owner"] == owner):
            raise KeyError(mail_id)
        return row

    # Sending

    def wake(self) -> None:
        """Look now whether there is something to send."""
        self._woken.set()

    def stop(self) -> None:
        """Let `run` return soon."""
        self._stopped = True
        self._woken.set()

    def run(self) -> None:
        """Send what is due, until `stop`."""
        while not self._stopped:
            try:
                self.send_due()
            except Exception:
                log.exception("mails could not be sent; they wait")
            self._woken.wait(_LOOK_SECONDS)
            self._woken.clear()

    def send_due(self) -> int:
        """Send what is due, once. Returns how many were sent. Raises OSError, sqlite3.Error."""
        sent = 0
        while not self._stopped:
            rows = self._database.rows(
                "SELECT * FROM mails WHERE state = 'queued' AND due_at <= ? ORDER BY id LIMIT 50", time.time()
            )
            if not rows:
                break
            sent += self._send_all(rows)
        return sent

    def _send_all(self, rows: list[sqlite3.Row]) -> int:
        if self.smtp is None:
            for row in rows:
                message = self._message(row, "ingis@localhost.invalid")
                if message is not None:
                    self._put(row, message)
                    self._is_sent(row)
            return len(rows)
        sent = 0
        try:
            with self._connection(self.smtp) as server:
                for row in rows:
                    message = self._message(row, self.smtp.sender)
                    sent += message is not None and self._send(row, message, server)
        except (OSError, smtplib.SMTPException) as error:  # no connection, or it broke off
            log.warning("the mail server does not answer: %r", error)
            for row in rows:
                self._is_delayed(row, repr(error))
        return sent

    def _send(self, row: sqlite3.Row, message: EmailMessage, server: smtplib.SMTP) -> bool:
        try:
            server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code, answer = next(iter(error.recipients.values()))
            self._is_refused(row, code, answer)
        except smtplib.SMTPResponseException as error:
            self._is_refused(row, error.smtp_code, error.smtp_error)
            if error.smtp_code == 421:
                raise smtplib.SMTPServerDisconnected from error
        else:
            self._is_sent(row)
            return True
        return False

    def _connection(self, smtp: Smtp) -> smtplib.SMTP:
        context = ssl.create_default_context()
        server: smtplib.SMTP
        if smtp.security == "tls":
            server = smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=_TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(smtp.host, smtp.port, timeout=_TIMEOUT)
        try:
            if smtp.security == "starttls":
                server.starttls(context=context)
            if smtp.user:
                server.login(smtp.user, smtp.password)
        except BaseException:
            server.close()
            raise
        return server

    def _message(self, row: sqlite3.Row, sender: str) -> EmailMessage | None:
        """The mail, None if it cannot be made: it stands in nobody's way."""
        try:
            return self._made(row, sender)
        except Exception as error:
            log.exception("the mail %s cannot be made", row["id"])
            self._fails(row, repr(error))
            return None

    def _made(self, row: sqlite3.Row, sender: str) -> EmailMessage:
        message = EmailMessage()
        account = self._users.account(row["owner"]) if row["owner"] else None
        message["From"] = formataddr((account.shown if account else "INGIS", sender))
        message["To"] = row["recipient"]
        message["Subject"] = row["subject"]
        message["Date"] = formatdate(row["made_at"], localtime=True)
        message["Message-ID"] = row["message_id"]
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(row["text"])
        message.add_alternative(row["html"], subtype="html")
        if row["kind"] == "documents":
            for file in self._invoices.files(row["invoice_id"]):
                with self._vault.open(file["sha256"]) as kept:
                    data = kept.read()
                name = file["name"].rpartition("/")[2]
                subtype = "pdf" if name.lower().endswith(".pdf") else "xml"
                message.add_attachment(data, maintype="application", subtype=subtype, filename=name)
        return message

    def _put(self, row: sqlite3.Row, message: EmailMessage) -> None:
        path = self._folder / f"{row['id']:06}-{row['kind']}.eml"
        half = path.with_suffix(".part")
        half.write_bytes(message.as_bytes())
        os.replace(half, path)

    def _is_sent(self, row: sqlite3.Row) -> None:
        with self._database.transaction() as db:
            db.execute("UPDATE mails SET state = 'sent', sent_at = ? WHERE id = ?", (time.time(), row["id"]))
            if self.smtp is not None:  # its link is for its reader alone
                db.execute("UPDATE mails SET text = '', html = '' WHERE id = ?", (row["id"],))
            if row["kind"] == "documents":
                self._invoices.move_on(db, row["invoice_id"], "sent", row["recipient"])
            elif row["kind"] == "notify":
                self._invoices.note(db, row["invoice_id"], "notified", row["recipient"])

    def _is_refused(self, row: sqlite3.Row, code: int, answer: bytes | str) -> None:
        said = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
        if 500 <= code < 600:
            self._fails(row, f"{code} {said}")
        else:
            self._is_delayed(row, f"{code} {said}")

    def _is_delayed(self, row: sqlite3.Row, error: str) -> None:
        if row["tries"] + 1 >= MAX_TRIES:
            self._fails(row, error)
            return
        due = time.time() + min(3_600, 10 * 2 ** row["tries"])
        with self._database.transaction() as db:
            db.execute(
                "UPDATE mails SET tries = tries + 1, due_at = ?, error = ? WHERE id = ? AND state = 'queued'"
                " AND due_at <= ?",
                (due, error[:300], row["id"], time.time()),
            )

    def _fails(self, row: sqlite3.Row, error: str) -> None:
        with self._database.transaction() as db:
            done = db.execute(
                "UPDATE mails SET state = 'failed', error = ? WHERE id = ? AND state = 'queued'",
                (error[:300], row["id"]),
            )
            if done.rowcount and row["invoice_id"] is not None:
                self._invoices.note(db, row["invoice_id"], "mail_failed", f"{row['recipient']}: {error[:200]}")


def language_of(account: Account | None, default: str) -> str:
    """In which language somebody reads."""
    return account.language if account and account.language in LANGUAGES else default


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
