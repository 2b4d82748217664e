"""The invoices that were taken in: what they say, their documents, what became of them and when.

A status is one of four, as counted on the start page: `refused`; `new`, the customer can read it; `sent`, it went to
the customer with its documents by e-mail; `viewed`, the customer opened it. Each status is told in the owner's receipts
in the transaction that sets it. Amounts are whole cents here.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from ingisfs.stage.customers import Customer, like
from ingisfs.stage.database import Database
from ingisfs.stage.reading import Reading
from ingisfs.stage.receipts import State, tell
from ingisfs.stage.sentences import say

Status = Literal["refused", "new", "viewed", "sent"]
STATUSES: tuple[Status, ...] = ("refused", "new", "viewed", "sent")
FEW = 500  # invoices that a search finds
PAGE_ROWS = 50
YEAR_SECONDS = 365 * 86_400

_TABLES = """
CREATE TABLE IF NOT EXISTS invoices (
    id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, customer_id INTEGER, customer_number TEXT NOT NULL,
    customer_name TEXT NOT NULL, number TEXT NOT NULL, number_key TEXT NOT NULL, kind TEXT NOT NULL,
    issued TEXT NOT NULL, due TEXT NOT NULL, currency TEXT NOT NULL, net INTEGER, vat INTEGER, gross INTEGER,
    status TEXT NOT NULL, reason TEXT NOT NULL, reason_values TEXT NOT NULL, stem TEXT NOT NULL, filed_at REAL NOT NULL,
    status_at REAL NOT NULL, search TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS invoices_filed ON invoices (owner, filed_at);
CREATE INDEX IF NOT EXISTS invoices_status ON invoices (owner, status, filed_at);
CREATE INDEX IF NOT EXISTS invoices_number ON invoices (owner, number_key);
CREATE INDEX IF NOT EXISTS invoices_name ON invoices (owner, customer_name COLLATE NOCASE);
CREATE INDEX IF NOT EXISTS invoices_issued ON invoices (owner, issued);
CREATE INDEX IF NOT EXISTS invoices_gross ON invoices (owner, gross);
CREATE INDEX IF NOT EXISTS invoices_search ON invoices (owner, search, status, issued);
CREATE INDEX IF NOT EXISTS invoices_customer ON invoices (customer_id, filed_at);
CREATE INDEX IF NOT EXISTS invoices_stem ON invoices (owner, stem, filed_at);
CREATE TABLE IF NOT EXISTS files (
    id INTEGER PRIMARY KEY AUTOINCREMENT, invoice_id INTEGER NOT NULL, owner TEXT NOT NULL, name TEXT NOT NULL,
    role TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL, received_at REAL NOT NULL,
    in_inbox INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS files_bytes ON files (owner, sha256);
CREATE INDEX IF NOT EXISTS files_invoice ON files (invoice_id);
CREATE INDEX IF NOT EXISTS files_in_inbox ON files (owner) WHERE in_inbox = 1;
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, invoice_id INTEGER NOT NULL, at REAL NOT NULL, state TEXT NOT NULL,
    detail TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_invoice ON events (invoice_id);
"""


@dataclass(frozen=True, slots=True)
class Filed:
    """A document on its way from the inbox into the vault. `name` as in the inbox, `size` in bytes, `sha256` in hex."""

    name: str
    role: Literal["pdf", "xml", "attachment", "other"]
    sha256: str
    size: int
    received_at: float  # s since 1970 UTC


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an invoice is refused: the key of a reason in `reasons.py`, and what is filled in there."""

    key: str
    values: dict[str, str] = field(default_factory=dict)

    def text(self, language: str) -> str:
        """The reason for a person."""
        return say(language, f"reason_{self.key}", **self.values)


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for in the list. `since` and `until` are dates of invoices (`2026-11-25`), `page` begins at 1."""

    search: str = ""
    status: str = ""
    since: str = ""
    until: str = ""
    sort: str = "filed"
    descending: bool = True
    page: int = 1


SORTS = {
    "filed": "filed_at",
    "number": "number_key",
    "customer": "customer_name COLLATE NOCASE",
    "issued": "issued",
    "gross": "gross",
}


class Invoices:
    """The invoices of all King users. Safe from any thread. Raises sqlite3.Error."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.prepare(_TABLES)

    # Filing

    def file(
        self,
        db: sqlite3.Connection,
        owner: str,
        stem: str,
        files: Sequence[Filed],
        reading: Reading | None,
        customer: Customer | None,
        refusal: Refusal | None,
        language: str,
    ) -> int:
        """File an invoice within the caller's transaction, good or refused, and tell the owner. Returns its id.

        Its documents are still in the inbox: `left` says when they are gone. `language` is the owner's.
        """
        now = time.time()
        status: Status = "refused" if refusal else "new"
        number = reading.number if reading else ""
        name = customer.name if customer else (reading.customer_name if reading else "")
        customer_number = customer.number if customer else (reading.customer_number if reading else "")
        values: dict[str, object] = {
            "owner": owner,
            "customer_id": customer.id if customer else None,
            "customer_number": customer_number,
            "customer_name": name,
            "number": number,
            "number_key": number.casefold(),
            "kind": reading.kind if reading else "invoice",
            "issued": reading.issued.isoformat() if reading and reading.issued else "",
            "due": reading.due.isoformat() if reading and reading.due else "",
            "currency": reading.currency if reading else "",
            "net": _cents(reading.net) if reading else None,
            "vat": _cents(reading.vat) if reading else None,
            "gross": _cents(reading.gross) if reading else None,
            "status": status,
            "reason": refusal.key if refusal else "",
            "reason_values": json.dumps(refusal.values if refusal else {}),
            "stem": stem,
            "filed_at": now,
            "status_at": now,
            "search": " ".join([number, name, customer_number, stem.rpartition("/")[2]]).casefold(),
        }
        columns, places = ", ".join(values), ", ".join(f":{column}" for column in values)
        invoice_id = db.execute(f"INSERT INTO invoices ({columns}) VALUES ({places})", values).lastrowid or 0
        _event(db, invoice_id, "received", max(file.received_at for file in files))
        _event(db, invoice_id, "collected", now)
        _event(db, invoice_id, status, now)
        for file in files:
            _add_file(db, invoice_id, owner, file)
            tell(db, owner, file.name, file.sha256, "collected")
            tell(db, owner, file.name, file.sha256, status, refusal.text(language) if refusal else "")
        return invoice_id

    def attach(self, db: sqlite3.Connection, invoice_id: int, owner: str, file: Filed) -> None:
        """Add an attachment that came after its invoice, within the caller's transaction, and tell the owner."""
        _add_file(db, invoice_id, owner, file)
        _event(db, invoice_id, "attached", time.time(), file.name)
        tell(db, owner, file.name, file.sha256, "collected")
        tell(db, owner, file.name, file.sha256, "new")

    def waiting_to_leave(self, owner: str) -> list[sqlite3.Row]:
        """Files that were filed and may still lie in the inbox: id, name, sha256."""
        return self._database.rows("SELECT id, name, sha256 FROM files WHERE owner = ? AND in_inbox = 1", owner)

    def left(self, file_ids: Sequence[int]) -> None:
        """Note that these files are not in the inbox any more."""
        with self._database.transaction() as db:
            db.executemany("UPDATE files SET in_inbox = 0 WHERE id = ?", [(file_id,) for file_id in file_ids])

    def has_number(self, owner: str, number: str) -> bool:
        """Whether an invoice of this number was accepted within the last year."""
        row = self._database.row(
            "SELECT 1 FROM invoices WHERE owner = ? AND number_key = ? AND status <> 'refused' AND filed_at > ?",
            owner,
            number.casefold(),
            time.time() - YEAR_SECONDS,
        )
        return row is not None

    def lately(self, owner: str, stem: str, since: float) -> int | None:
        """The id of the accepted invoice whose documents had this stem, filed since then."""
        row = self._database.row(
            "SELECT id FROM invoices WHERE owner = ? AND stem = ? AND filed_at > ? AND status <> 'refused'"
            " ORDER BY filed_at DESC",
            owner,
            stem,
            since,
        )
        return row["id"] if row else None

    # What becomes of them

    def move_on(self, db: sqlite3.Connection, invoice_id: int, status: Status, detail: str = "") -> bool:
        """Give an invoice its next status and tell the owner, within the caller's transaction.

        Only forward: `new`, `sent`, `viewed`. Returns whether anything changed.
        """
        before = {"sent": ("new",), "viewed": ("new", "sent")}[status]
        marks = ", ".join("?" * len(before))
        now = time.time()
        done = db.execute(
            f"UPDATE invoices SET status = ?, status_at = ? WHERE id = ? AND status IN ({marks})",
            (status, now, invoice_id, *before),
        )
        if not done.rowcount:
            return False
        _event(db, invoice_id, status, now, detail)
        state: State = status
        for row in db.execute("SELECT owner, name, sha256 FROM files WHERE invoice_id = ?", (invoice_id,)).fetchall():
            tell(db, row["owner"], row["name"], row["sha256"], state)
        return True

    def viewed(self, invoice_id: int) -> None:
        """The customer opened it."""
        with self._database.transaction() as db:
            self.move_on(db, invoice_id, "viewed")

    def note(self, db: sqlite3.Connection, invoice_id: int, state: str, detail: str = "") -> None:
        """Add to the time line what is no status, within the caller's transaction."""
        _event(db, invoice_id, state, time.time(), detail)

    # Looking

    def counters(self, owner: str) -> dict[str, int]:
        """How many invoices of a King user have each status."""
        rows = self._database.rows("SELECT status, count(*) FROM invoices WHERE owner = ? GROUP BY status", owner)
        return dict.fromkeys(STATUSES, 0) | {row[0]: row[1] for row in rows}

    def customer_counters(self, customer_ids: Sequence[int]) -> dict[str, int]:
        """How many invoices these customers have of each status."""
        rows = self._database.rows(
            f"SELECT status, count(*) FROM invoices WHERE {_of(customer_ids)} GROUP BY status", *customer_ids
        )
        return dict.fromkeys(("new", "viewed", "sent"), 0) | {row[0]: row[1] for row in rows}

    def get(self, owner: str, invoice_id: int) -> sqlite3.Row:
        """An invoice of a King user. Raises KeyError."""
        return self._one("owner = ?", owner, invoice_id)

    def get_for_customers(self, customer_ids: Sequence[int], invoice_id: int) -> sqlite3.Row:
        """An invoice that one of these customers may read. Raises KeyError."""
        return self._one(_of(customer_ids), *customer_ids, invoice_id)

    def files(self, invoice_id: int) -> list[sqlite3.Row]:
        """The documents of an invoice."""
        order = "CASE role WHEN 'pdf' THEN 0 WHEN 'xml' THEN 1 ELSE 2 END, name"
        return self._database.rows(f"SELECT * FROM files WHERE invoice_id = ? ORDER BY {order}", invoice_id)

    def events(self, invoice_id: int) -> list[sqlite3.Row]:
        """The time line of an invoice, oldest first."""
        return self._database.rows("SELECT * FROM events WHERE invoice_id = ? ORDER BY at, id", invoice_id)

    def of_file(self, owner: str, name: str, sha256: str) -> sqlite3.Row | None:
        """The newest invoice that has this document."""
        return self._database.row(
            "SELECT invoices.* FROM files JOIN invoices ON invoices.id = files.invoice_id"
            " WHERE files.owner = ? AND files.sha256 = ? AND files.name = ? ORDER BY files.id DESC",
            owner,
            sha256,
            name,
        )

    def last_file(self) -> int:
        """The id of the newest document."""
        row = self._database.row("SELECT max(id) FROM files")
        return (row[0] or 0) if row else 0

    def all_files(self, owner: str) -> list[sqlite3.Row]:
        """Each document of a King user, with the status of its invoice."""
        return self._database.rows(
            "SELECT files.*, invoices.status FROM files JOIN invoices ON invoices.id = files.invoice_id"
            " WHERE files.owner = ? ORDER BY files.id",
            owner,
        )

    def page(self, owner: str, query: Query) -> tuple[list[sqlite3.Row], int]:
        """A page of a King user's invoices, and how many there are of this query."""
        return self._page("owner = ?", [owner], query)

    def page_for_customers(self, customer_ids: Sequence[int], query: Query) -> tuple[list[sqlite3.Row], int]:
        """A page of what these customers may read."""
        return self._page(_of(customer_ids), list(customer_ids), query)

    def newest(self, owner: str, limit: int) -> list[sqlite3.Row]:
        """The invoices that a King user sent last."""
        return self._newest("owner = ?", [owner], limit)

    def newest_for_customers(self, customer_ids: Sequence[int], limit: int) -> list[sqlite3.Row]:
        """The invoices that these customers received last."""
        return self._newest(_of(customer_ids), list(customer_ids), limit)

    def _newest(self, where: str, values: list[object], limit: int) -> list[sqlite3.Row]:
        query = f"SELECT * FROM invoices WHERE {where} ORDER BY filed_at DESC, id DESC LIMIT ?"
        return self._database.rows(query, *values, limit)

    def refused_for(self, owner: str, reason: str) -> list[sqlite3.Row]:
        """The newest invoices that were refused for a reason."""
        return self._database.rows(
            "SELECT * FROM invoices WHERE owner = ? AND status = 'refused' AND reason = ?"
            " ORDER BY filed_at DESC LIMIT ?",
            owner,
            reason,
            PAGE_ROWS,
        )

    def _one(self, where: str, *values: object) -> sqlite3.Row:
        row = self._database.row(f"SELECT * FROM invoices WHERE {where} AND id = ?", *values)
        if row is None:
            raise KeyError(values[-1])
        return row

    def _page(self, where: str, values: list[object], query: Query) -> tuple[list[sqlite3.Row], int]:
        if query.status in STATUSES:
            where += " AND status = ?"
            values.append(query.status)
        for condition, value in (("issued >= ?", query.since), ("issued <= ? AND issued <> ''", query.until)):
            if value:
                where += f" AND {condition}"
                values.append(value)
        for word in query.search.casefold().split()[:5]:
            where += " AND search LIKE ? ESCAPE '\\'"
            values.append(like(word))
        if query.search:  # few found: sort those, instead of looking for them in the order of the list
            few = self._database.rows(f"SELECT id FROM invoices WHERE {where} LIMIT {FEW + 1}", *values)
            if len(few) <= FEW:
                where, values = f"id IN ({', '.join('?' * len(few))})", [row["id"] for row in few]
        total = self._database.row(f"SELECT count(*) FROM invoices WHERE {where}", *values)
        column = SORTS.get(query.sort, "filed_at")
        direction = "DESC" if query.descending else "ASC"
        rows = self._database.rows(
            f"SELECT * FROM invoices WHERE {where} ORDER BY {column} {direction}, id {direction} LIMIT ? OFFSET ?",
            *values,
            PAGE_ROWS,
            (query.page - 1) * PAGE_ROWS,
        )
        return rows, total[0] if total else 0


def reason_of(invoice: sqlite3.Row, language: str) -> str:
    """Why an invoice was refused, for a person; "" if it was not."""
    if not invoice["reason"]:
        return ""
    return Refusal(invoice["reason"], json.loads(invoice["reason_values"])).text(language)


def stem_of(name: str) -> str:
    """By what the documents of an invoice belong together: folder and name without its ending, in small letters."""
    folder, slash, own = name.rpartition("/")
    return folder + slash + (own.rpartition(".")[0] or own).casefold()


def _of(customer_ids: Sequence[int]) -> str:
    return f"customer_id IN ({', '.join('?' * len(customer_ids))}) AND status <> 'refused'"


def _cents(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount * 100)


def _event(db: sqlite3.Connection, invoice_id: int, state: str, at: float, detail: str = "") -> None:
    db.execute(
        "INSERT INTO events (invoice_id, at, state, detail) VALUES (?, ?, ?, ?)", (invoice_id, at, state, detail)
    )


def _add_file(db: sqlite3.Connection, invoice_id: int, owner: str, file: Filed) -> None:
    db.execute(
        "INSERT INTO files (invoice_id, owner, name, role, sha256, size, received_at, in_inbox)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
        (invoice_id, owner, file.name, file.role, file.sha256, file.size, file.received_at),
    )
