"""The customers of a King user: who they are, what they receive and where, and how to find them by an invoice."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ingisfs.stage.database import Database
from ingisfs.stage.reading import Reading

WANTS = ("both", "pdf", "xml")  # which documents a customer receives
CHANNELS = ("portal", "mail")  # read here after a notification, or attached to the mail
LANGUAGES = ("nl", "en")
MAX_IMPORT = 20_000  # lines

_TABLES = """
CREATE TABLE IF NOT EXISTS customers (
    id INTEGER PRIMARY KEY, owner TEXT NOT NULL, number TEXT NOT NULL, name TEXT NOT NULL, email TEXT NOT NULL,
    vat TEXT NOT NULL, wants TEXT NOT NULL, channel TEXT NOT NULL, language TEXT NOT NULL, blocked INTEGER NOT NULL,
    login TEXT, invited_at REAL, added_at REAL NOT NULL, name_key TEXT NOT NULL, UNIQUE (owner, number));
CREATE INDEX IF NOT EXISTS customers_name ON customers (owner, name_key);
CREATE INDEX IF NOT EXISTS customers_vat ON customers (owner, vat) WHERE vat <> '';
CREATE INDEX IF NOT EXISTS customers_email ON customers (owner, email) WHERE email <> '';
CREATE INDEX IF NOT EXISTS customers_login ON customers (login) WHERE login IS NOT NULL;
"""
_FIELDS = ("number", "name", "email", "vat", "wants", "channel", "language", "blocked")
_EMAIL = re.compile(
    r"[^@\s,;:<>()\[\]\"\\\x00-\x1f]+@[^@\s,;:<>()\[\]\"\\\x00-\x1f]+\.[^@\s.,;:<>()\[\]\"\\\x00-\x1f]+"
)


class CustomerError(ValueError):
    """A customer cannot be so; `key` is of the sentence that says why, `line` of a file that is imported."""

    def __init__(self, key: str, line: int = 0) -> None:
        super().__init__(key)
        self.key = key
        self.line = line


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer. `login` is the name with which they log in, once they have registered."""

    number: str
    name: str
    email: str = ""
    vat: str = ""
    wants: str = "both"
    channel: str = "portal"
    language: str = "nl"
    blocked: bool = False
    id: int = 0
    owner: str = ""
    login: str | None = None
    invited_at: float | None = None


def is_email(text: str) -> bool:
    """Whether a mail may be sent to this: one address, nothing that could become a header or a second one."""
    return len(text) <= 254 and text.isascii() and _EMAIL.fullmatch(text) is not None


def checked(customer: Customer) -> Customer:
    """The customer with its texts in order. Raises CustomerError."""
    customer = replace(
        customer,
        number=" ".join(customer.number.split()),
        name=" ".join(customer.name.split()),
        email=customer.email.strip().lower(),
        vat=normal_vat(customer.vat),
    )
    if not customer.number or len(customer.number) > 40:
        raise CustomerError("customer_number_missing")
    if not customer.name or len(customer.name) > 200:
        raise CustomerError("customer_name_missing")
    if customer.email and not is_email(customer.email):
        raise CustomerError("customer_email_wrong")
    if customer.wants not in WANTS or customer.channel not in CHANNELS or customer.language not in LANGUAGES:
        raise CustomerError("customer_choice_wrong")
    if customer.channel == "mail" and not customer.email:
        raise CustomerError("customer_mail_needs_email")
    return customer


def normal_vat(text: str) -> str:
    """A VAT number without what people put between its parts."""
    return re.sub(r"[^0-9A-Z]", "", text.upper())[:40]


class Customers:
    """The customers of all King users. Safe from any thread. Raises sqlite3.Error."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.prepare(_TABLES)

    # Looking

    def get(self, owner: str, customer_id: int) -> Customer:
        """One customer of a King user. Raises KeyError."""
        row = self._database.row("SELECT * FROM customers WHERE owner = ? AND id = ?", owner, customer_id)
        if row is None:
            raise KeyError(customer_id)
        return _customer(row)

    def by_id(self, customer_id: int) -> Customer:
        """One customer, whoever's it is. Raises KeyError."""
        row = self._database.row("SELECT * FROM customers WHERE id = ?", customer_id)
        if row is None:
            raise KeyError(customer_id)
        return _customer(row)

    def page(self, owner: str, search: str = "", *, offset: int = 0, limit: int = 50) -> tuple[list[Customer], int]:
        """A page of customers by name, and how many there are of this search."""
        where, values = "owner = ?", [owner]
        if search:
            where += " AND (name_key LIKE ? ESCAPE '\\' OR number LIKE ? ESCAPE '\\' OR email LIKE ? ESCAPE '\\')"
            values += [like(search.casefold())] * 3
        total = self._database.row(f"SELECT count(*) FROM customers WHERE {where}", *values)
        rows = self._database.rows(
            f"SELECT * FROM customers WHERE {where} ORDER BY name_key, id LIMIT ? OFFSET ?", *values, limit, offset
        )
        return [_customer(row) for row in rows], total[0] if total else 0

    def of_login(self, login: str) -> list[Customer]:
        """As whose customer somebody is logged in."""
        rows = self._database.rows("SELECT * FROM customers WHERE login = ? ORDER BY owner, id", login)
        return [_customer(row) for row in rows]

    def whose(self, owner: str, reading: Reading) -> Customer | None:
        """Whom an invoice is for: by number, else by VAT number, e-mail address, and name; each if it is only one's."""
        tries = [
            ("number", reading.customer_number),
            ("vat", normal_vat(reading.customer_vat)),
            ("email", reading.customer_email.strip().lower()),
            ("name_key", reading.customer_name.casefold()),
        ]
        for column, value in tries:
            if value:
                query = f"SELECT * FROM customers WHERE owner = ? AND {column} = ? LIMIT 2"
                rows = self._database.rows(query, owner, value)
                if len(rows) == 1:
                    return _customer(rows[0])
        return None

    # Changing

    def add(self, owner: str, customer: Customer) -> int:
        """Add a customer; durable at return. Returns the id. Raises CustomerError."""
        with self._database.transaction() as db:
            return self._add(db, owner, checked(customer))

    def change(self, owner: str, customer_id: int, customer: Customer) -> None:
        """Give a customer these fields. Raises KeyError, CustomerError.

        With another e-mail address nobody is logged in as this customer any more: the new address registers anew.
        """
        customer = checked(customer)
        with self._database.transaction() as db:
            before = db.execute(
                "SELECT email FROM customers WHERE owner = ? AND id = ?", (owner, customer_id)
            ).fetchone()
            if before is None:
                raise KeyError(customer_id)
            values = {field: getattr(customer, field) for field in _FIELDS} | {"name_key": customer.name.casefold()}
            texts = ", ".join(f"{field} = :{field}" for field in values)
            try:
                db.execute(f"UPDATE customers SET {texts} WHERE id = :id", {**values, "id": customer_id})
            except sqlite3.IntegrityError:
                raise CustomerError("customer_number_taken") from None
            if before["email"] != customer.email:
                db.execute("UPDATE customers SET login = NULL, invited_at = NULL WHERE id = ?", (customer_id,))

    def block(self, owner: str, customer_id: int, *, blocked: bool) -> None:
        """Block a customer, or not any more: nothing goes to them, and they see nothing. Raises KeyError."""
        with self._database.transaction() as db:
            done = db.execute(
                "UPDATE customers SET blocked = ? WHERE owner = ? AND id = ?", (blocked, owner, customer_id)
            )
            if not done.rowcount:
                raise KeyError(customer_id)

    def log_in_as(self, customer_id: int, login: str) -> None:
        """From now on `login` is this customer."""
        with self._database.transaction() as db:
            db.execute("UPDATE customers SET login = ? WHERE id = ?", (login, customer_id))

    def import_csv(self, owner: str, data: bytes) -> tuple[int, int]:
        """Add the customers in a CSV file, and change those whose number is there already; all lines or none.

        Returns how many were added and changed. Raises CustomerError with the line.
        """
        added = changed = 0
        with self._database.transaction() as db:
            for line, customer in _csv_customers(data):
                known = db.execute(
                    "SELECT * FROM customers WHERE owner = ? AND number = ?", (owner, customer["number"])
                ).fetchone()
                kept = _customer(known) if known else Customer(number="", name="")
                try:
                    wanted = checked(replace(kept, **customer))  # type: ignore[arg-type]
                    if known:
                        self.change(owner, kept.id, wanted)
                        changed += 1
                    else:
                        self._add(db, owner, wanted)
                        added += 1
                except CustomerError as error:
                    raise CustomerError(error.key, line) from None
        return added, changed

    def _add(self, db: sqlite3.Connection, owner: str, customer: Customer) -> int:
        values: dict[str, object] = {field: getattr(customer, field) for field in _FIELDS}
        values |= {"owner": owner, "added_at": time.time(), "name_key": customer.name.casefold()}
        columns = ", ".join(values)
        places = ", ".join(f":{column}" for column in values)
        try:
            done = db.execute(f"INSERT INTO customers ({columns}) VALUES ({places})", values)
        except sqlite3.IntegrityError:
            raise CustomerError("customer_number_taken") from None
        return done.lastrowid or 0


def like(text: str) -> str:
    """A pattern of LIKE, with ESCAPE '\\\\', for what has this text in it."""
    return "%" + re.sub(r"([%_\\])", r"\\\1", text) + "%"


# The names of columns in files of King and of others
_COLUMNS = {
    "number": ("debiteurnummer", "nummer", "klantnummer", "number", "customer number"),
    "name": ("naam", "name"),
    "email": ("e-mail", "email", "e-mailadres", "emailadres"),
    "vat": ("btw-nummer", "btwnummer", "btw", "vat", "vat number"),
    "wants": ("documenten", "ontvangt", "documents", "wants"),
    "channel": ("waar", "kanaal", "where", "channel"),
    "language": ("taal", "language"),
}
_VALUES = {
    "beide": "both", "pdf en xml": "both", "pdf+xml": "both", "portaal": "portal", "e-mail": "mail", "email": "mail",
    "nederlands": "nl", "engels": "en", "dutch": "nl", "english": "en",
}  # fmt: skip


def _csv_customers(data: bytes) -> Iterable[tuple[int, dict[str, str]]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")  # as Excel in the Netherlands saves it
    head = text.partition("\n")[0]
    separator = max(";\t,", key=head.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        titles = [title.strip().lower() for title in next(rows)]
        fields = {field: titles.index(name) for field, names in _COLUMNS.items() for name in names if name in titles}
        if not {"number", "name"} <= set(fields):
            raise CustomerError("import_columns_missing", 1)
        for count, row in enumerate(rows):
            if count >= MAX_IMPORT:
                raise CustomerError("import_too_long", rows.line_num)
            if any(cell.strip() for cell in row):
                yield rows.line_num, _fields_of(row, fields)
    except (csv.Error, StopIteration):
        raise CustomerError("import_not_csv", rows.line_num) from None


def _fields_of(row: list[str], fields: dict[str, int]) -> dict[str, str]:
    found = {field: row[index].strip() for field, index in fields.items() if index < len(row)}
    for field in ("wants", "channel", "language"):
        if field in found:
            value = found[field].lower()
            found[field] = _VALUES.get(value, value)
            if not value:
                del found[field]
    found["number"] = " ".join(found.get("number", "").split())
    return found


def _customer(row: sqlite3.Row) -> Customer:
    return Customer(
        **{field: row[field] for field in _FIELDS if field != "blocked"},
        blocked=bool(row["blocked"]),
        id=row["id"],
        owner=row["owner"],
        login=row["login"],
        invited_at=row["invited_at"],
    )
