"""The batch: takes whole documents from the inboxes, pairs, checks and files them.

Each document is filed once, wherever the process ends:

    1. its bytes go into the vault, under their SHA-256; to do so twice changes nothing
    2. one transaction writes the invoice, its documents, its time line, the receipts and the mail to the customer
    3. the documents leave the inbox, unless other bytes have taken their names meanwhile

What a kill leaves between 2 and 3 leaves the inbox before anything else is looked at.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ingisfs.crashpoints import crashpoint
from ingisfs.stage import failures
from ingisfs.stage.conditions import Condition
from ingisfs.stage.customers import Customers
from ingisfs.stage.database import Database
from ingisfs.stage.desks import Desk
from ingisfs.stage.inbox import Document, Inbox
from ingisfs.stage.invoices import Filed, Invoices, stem_of
from ingisfs.stage.names import is_temporary, written
from ingisfs.stage.post import Post
from ingisfs.stage.rules import DEFAULT_LIMIT, Decision, Group, Part, decide, refuse_by_kind
from ingisfs.stage.vault import Vault

log = logging.getLogger(__name__)

LATE_ATTACHMENT_SECONDS = 86_400  # so long after its invoice an attachment is still added to it

_NOT_YET = re.compile(r"\A[.~]|~\Z|\.(?:part|tmp|filepart|crdownload|swp)\Z", re.IGNORECASE)
_ATTACHMENT = re.compile(r"(.+)-[0-9]{1,2}\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a batch runs and how long it waits, in seconds.

    `patience` is for the other half of a pair; nothing is taken that came less than `settle` ago.
    """

    every: float = 3.0
    patience: float = 15.0
    settle: float = 1.0
    limit: int = DEFAULT_LIMIT  # bytes of one document


@dataclass
class _Found:
    """A group as it lies in the inbox."""

    pdf: Document | None = None
    xml: Document | None = None
    attachments: list[Document] = field(default_factory=list)

    @property
    def documents(self) -> list[Document]:
        return [one for one in (self.pdf, self.xml, *self.attachments) if one is not None]


class Batch:
    """Takes in what lies on the desks. One thread uses it: `run` in it, `stop` from any other."""

    def __init__(
        self,
        desks: Callable[[], Iterable[tuple[Desk, str]]],
        database: Database,
        vault: Vault,
        invoices: Invoices,
        customers: Customers,
        post: Post,
        pace: Pace,
    ) -> None:
        """`desks` gives each King user's desk and language."""
        self._desks = desks
        self._database = database
        self._vault = vault
        self._invoices = invoices
        self._customers = customers
        self._post = post
        self._pace = pace
        self._stopped = threading.Event()

    def run(self) -> None:
        """Take in every few seconds, until `stop`."""
        while not self._stopped.wait(self._pace.every):
            try:
                self.take_in()
            except Exception:  # a full disk, for instance: the documents stay where they are
                log.exception("the batch could not take in; it tries again")

    def stop(self) -> None:
        """Let `run` return soon."""
        self._stopped.set()

    def take_in(self) -> int:
        """Take in once. Returns how many invoices were filed. Raises OSError, sqlite3.Error."""
        filed = 0
        for desk, language in self._desks():
            try:
                filed += self._desk(desk, language)
            except failures.NoRightsError as failure:  # what cannot leave an inbox must not be filed again
                log.warning("the inbox of %s cannot be emptied: %s", desk.user, failure.__cause__)
        if filed:
            self._post.wake()
        return filed

    def _desk(self, desk: Desk, language: str) -> int:
        self._clear(desk)
        documents = [one for one in desk.inbox.documents() if not _is_on_its_way(one)]
        count = 0
        for stem, found in _grouped(documents).items():
            if self._stopped.is_set():
                break
            try:
                count += self._group(desk, language, stem, found)
            except (failures.InboxError, FileNotFoundError):  # taken away or replaced meanwhile: next time
                log.info("%s changed while it was looked at", stem)
            except (OSError, sqlite3.Error):
                raise
            except Exception:  # whatever it is about this document, the others go on
                log.exception("%s could not be looked at; it stays in the inbox", stem)
        self._clear(desk)
        return count

    def _clear(self, desk: Desk) -> None:
        """Take from the inbox what was filed."""
        gone = []
        for row in self._invoices.waiting_to_leave(desk.user):
            place = tuple(row["name"].split("/"))
            crashpoint("batch.leaving")
            # gone already, or it is another document by now
            with contextlib.suppress(failures.NotThereError, failures.ConditionFailedError, failures.IsFolderError):
                desk.inbox.delete(place, Condition(if_match=f'"{row["sha256"]}"'))
            gone.append(row["id"])
        if gone:
            self._invoices.left(gone)

    def _group(self, desk: Desk, language: str, stem: str, found: _Found) -> bool:
        now = time.time()
        newest = max(document.received_at for document in found.documents)
        if now - newest < self._pace.settle:
            return False
        is_late = now - newest >= self._pace.patience
        if self._is_late_attachment(desk, stem, found):
            return False
        parts = {id(one): _part(desk.inbox, one, self._pace.limit) for one in found.documents}
        group = Group(
            parts[id(found.pdf)] if found.pdf else None,
            parts[id(found.xml)] if found.xml else None,
            tuple(parts[id(one)] for one in found.attachments),
        )
        decision = decide(
            group,
            whose=lambda reading: self._customers.whose(desk.user, reading),
            has_number=lambda number: self._invoices.has_number(desk.user, number),
            limit=self._pace.limit,
            is_late=is_late,
        )
        if decision.waits:
            return False
        self._file(desk, language, stem, found, parts, decision)
        return True

    def _file(
        self, desk: Desk, language: str, stem: str, found: _Found, parts: dict[int, Part], decision: Decision
    ) -> None:
        files = []
        for document in found.documents:
            part = parts[id(document)]
            self._keep(document, part)
            files.append(_filed(document, _role(document, found)))
        crashpoint("batch.kept")
        with self._database.transaction() as db:
            invoice_id = self._invoices.file(
                db, desk.user, stem, files, decision.reading, decision.customer, decision.refusal, language
            )
            if decision.refusal is None and decision.customer is not None:
                self._post.tell_customer(db, decision.customer, invoice_id)
            if decision.refusal is not None:
                self._post.tell_refused(db, desk.user, invoice_id)
            crashpoint("batch.inside")
        crashpoint("batch.filed")

    def _keep(self, document: Document, part: Part) -> None:
        if part.size > self._pace.limit:
            return  # refused for that: its bytes are not kept
        if self._vault.keep(part.data) != document.sha256:
            raise failures.NotThereError(written(document.place))  # changed by hand while it was read

    def _is_late_attachment(self, desk: Desk, stem: str, found: _Found) -> bool:
        """Whether this is an attachment whose invoice was filed before; then it is added to that."""
        main = _ATTACHMENT.match(stem)
        if found.pdf is None or found.xml is not None or main is None:
            return False
        invoice_id = self._invoices.lately(desk.user, main[1], time.time() - LATE_ATTACHMENT_SECONDS)
        if invoice_id is None:
            return False
        part = _part(desk.inbox, found.pdf, self._pace.limit)
        if refuse_by_kind(part, self._pace.limit) is not None:
            return False
        self._keep(found.pdf, part)
        with self._database.transaction() as db:
            self._invoices.attach(db, invoice_id, desk.user, _filed(found.pdf, "attachment"))
        return True


def _is_on_its_way(document: Document) -> bool:
    return is_temporary(document.place) or any(_NOT_YET.search(name) for name in document.place)


def _grouped(documents: Sequence[Document]) -> dict[str, _Found]:
    """By stem, the oldest first; attachments with their invoice if that is here too."""
    groups: defaultdict[str, _Found] = defaultdict(_Found)
    for document in sorted(documents, key=lambda one: (one.received_at, one.place)):
        name = written(document.place)
        stem, ending = stem_of(name), document.place[-1].rpartition(".")[2].lower()
        found = groups[stem]
        if ending == "pdf" and found.pdf is None:
            found.pdf = document
        elif ending == "xml" and found.xml is None:
            found.xml = document
        else:  # another kind, or `F1.PDF` beside `F1.pdf`: by itself
            if not found.documents:
                del groups[stem]
            groups[name] = _Found(
                pdf=document if ending == "pdf" else None,
                xml=document if ending == "xml" else None,
                attachments=[] if ending in {"pdf", "xml"} else [document],
            )
    for stem, found in list(groups.items()):
        main = _ATTACHMENT.match(stem)
        if main and main[1] in groups and found.pdf and not found.xml and not found.attachments:
            groups[main[1]].attachments.append(found.pdf)
            del groups[stem]
    return dict(groups)


def _part(inbox: Inbox, document: Document, limit: int) -> Part:
    """Read a document. Raises NotThereError if its bytes are not those any more that were listed."""
    if document.size > limit:
        return Part(written(document.place), document.size, b"")
    now, file = inbox.open(document.place)
    with file:
        data = file.read(limit + 1)
    if now.sha256 != document.sha256:
        raise failures.NotThereError(written(document.place))
    return Part(written(document.place), len(data), data)


def _role(document: Document, found: _Found) -> Literal["pdf", "xml", "attachment", "other"]:
    if document is found.pdf:
        return "pdf"
    if document is found.xml:
        return "xml"
    return "attachment" if document.place[-1].lower().endswith((".pdf", ".xml")) else "other"


def _filed(document: Document, role: Literal["pdf", "xml", "attachment", "other"]) -> Filed:
    return Filed(written(document.place), role, document.sha256, document.size, document.received_at)
