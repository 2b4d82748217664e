"""The list of invoices, one invoice with its time line, and its documents; for King users and for customers.

What a visitor may see is decided in one place, `_invoice`, and everything about an invoice goes through it.
"""

from __future__ import annotations

import re
import sqlite3
from typing import Any
from urllib.parse import quote, urlencode
from xml.dom import minidom

from starlette.responses import FileResponse, Response

from ingisfs.stage.headers import DOCUMENT_POLICY, SHOWN_POLICY
from ingisfs.stage.invoices import PAGE_ROWS, SORTS, STATUSES, Query, reason_of
from ingisfs.stage.pages.frame import NotForYouError, Page, Visit
from ingisfs.stage.reading import NotAnInvoiceError, read_xml

MAX_SHOWN = 200_000  # characters of an XML that are shown

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_TYPES = {"pdf": "application/pdf", "xml": "application/xml"}


def pages() -> list[Page]:
    """Their addresses."""
    return [
        Page("/invoices", "people", list_),
        Page("/invoices/{invoice}", "people", show),
        Page("/invoices/{invoice}/files/{file}", "people", download),
        Page("/invoices/{invoice}/files/{file}/show", "people", inline),
        Page("/invoices/{invoice}/files/{file}/read", "people", read),
        Page("/invoices/{invoice}/logo", "people", logo),
        Page("/invoices/{invoice}/resend", "king", form=resend),
    ]


def customer_ids(visit: Visit) -> list[int]:
    """As whose customer the visitor may read: not as one who is blocked."""
    return [customer.id for customer in visit.portal.customers.of_login(visit.user) if not customer.blocked]


def _invoice(visit: Visit) -> sqlite3.Row:
    """The invoice that the address names. Raises NotForYouError unless the visitor may see it."""
    number = visit.number("invoice")
    try:
        if visit.is_king:
            return visit.portal.invoices.get(visit.user, number)
        return visit.portal.invoices.get_for_customers(customer_ids(visit), number)
    except KeyError:
        raise NotForYouError from None


def _file(visit: Visit) -> tuple[sqlite3.Row, sqlite3.Row]:
    """The invoice and the document that the address names. Raises NotForYouError."""
    invoice, number = _invoice(visit), visit.number("file")
    for file in visit.portal.invoices.files(invoice["id"]):
        if file["id"] == number and _may_have(visit, invoice, file):
            return invoice, file
    raise NotForYouError


def _may_have(visit: Visit, invoice: sqlite3.Row, file: sqlite3.Row) -> bool:
    """Whether a document is among those that a customer receives; King users have them all."""
    if visit.is_king or file["role"] == "attachment":
        return True
    wants = visit.portal.customers.by_id(invoice["customer_id"]).wants
    return wants == "both" or file["role"] == wants


def shown_rows(visit: Visit, rows: list[sqlite3.Row]) -> dict[str, Any]:
    """What the rows of invoices are drawn from: for customers with who sent each, and the document to download."""
    if visit.is_king:
        return {"rows": rows, "senders": {}, "documents": {}}
    owners = {row["owner"]: visit.portal.users.account(row["owner"]) for row in rows}
    documents = {}
    for row in rows:
        files = [file for file in visit.portal.invoices.files(row["id"]) if _may_have(visit, row, file)]
        if files:
            documents[row["id"]] = files[0]
    senders = {name: account.shown if account else name for name, account in owners.items()}
    return {"rows": rows, "senders": senders, "documents": documents}


def _viewed(visit: Visit, invoice: sqlite3.Row) -> None:
    if not visit.is_king:
        visit.portal.invoices.viewed(invoice["id"])


# ---- pages -----------------------------------------------------------------------------------------------------------


def list_(visit: Visit) -> Response:
    """A page of the list."""
    page = visit.asked("page", "1")
    query = Query(
        search=visit.asked("search").strip(),
        status=visit.asked("status") if visit.asked("status") in STATUSES else "",
        since=visit.asked("since") if _DAY.match(visit.asked("since")) else "",
        until=visit.asked("until") if _DAY.match(visit.asked("until")) else "",
        sort=visit.asked("sort") if visit.asked("sort") in SORTS else "filed",
        descending=visit.asked("order", "down") != "up",
        page=int(page) if re.fullmatch(r"[1-9][0-9]{0,6}", page) else 1,
    )
    invoices = visit.portal.invoices
    if visit.is_king:
        rows, total = invoices.page(visit.user, query)
    else:
        rows, total = invoices.page_for_customers(customer_ids(visit), query)
    last = max(1, -(-total // PAGE_ROWS))

    def address(**changed: object) -> str:
        """The same list with something changed; without what is as it would be anyway."""
        values = {
            "search": query.search,
            "status": query.status,
            "since": query.since,
            "until": query.until,
            "sort": query.sort if query.sort != "filed" else "",
            "order": "" if query.descending else "up",
            "page": "",
            **changed,
        }
        kept = {name: str(value) for name, value in values.items() if value not in {"", None, 1}}
        return f"/invoices?{urlencode(kept)}" if kept else "/invoices"

    statuses = STATUSES if visit.is_king else ("new", "viewed", "sent")
    return visit.draw(
        "invoices.html",
        query=query,
        total=total,
        last=last,
        address=address,
        statuses=statuses,
        **shown_rows(visit, rows),
    )


def show(visit: Visit) -> Response:
    """One invoice. A customer who sees this page has viewed it."""
    invoice = _invoice(visit)
    _viewed(visit, invoice)
    store = visit.portal.invoices
    files = [file for file in store.files(invoice["id"]) if _may_have(visit, invoice, file)]
    shown = next((file for file in files if file["role"] == "pdf"), None)
    sender = visit.portal.users.account(invoice["owner"])
    return visit.draw(
        "invoice.html",
        invoice=invoice,
        files=files,
        shown=shown,
        events=store.events(invoice["id"]),
        reason=reason_of(invoice, visit.language),
        sender=sender,
    )


def download(visit: Visit) -> Response:
    """A document to keep."""
    invoice, file = _file(visit)
    _viewed(visit, invoice)
    return _content(visit, file, "attachment", DOCUMENT_POLICY)


def inline(visit: Visit) -> Response:
    """A PDF, for the frame on the page."""
    invoice, file = _file(visit)
    if not file["name"].lower().endswith(".pdf"):
        raise NotForYouError
    _viewed(visit, invoice)
    response = _content(visit, file, "inline", SHOWN_POLICY)
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def read(visit: Visit) -> Response:
    """An XML in a form that people can read: what we read in it, and its text."""
    invoice, file = _file(visit)
    if not file["name"].lower().endswith(".xml"):
        raise NotForYouError
    _viewed(visit, invoice)
    data = _bytes(visit, file)
    reading, text = None, ""
    try:
        reading = read_xml(data)
        text = _indented(data)
    except NotAnInvoiceError:
        text = _indented(data)
    except ValueError:  # not well-formed, or with a DTD: shown as it is
        text = data[: 4 * MAX_SHOWN].decode("utf-8", "replace")
    return visit.draw(
        "xml.html", invoice=invoice, file=file, reading=reading, text=text[:MAX_SHOWN], capped=len(text) > MAX_SHOWN
    )


def logo(visit: Visit) -> Response:
    """The picture of who sent an invoice."""
    found = visit.portal.users.logo(_invoice(visit)["owner"])
    if found is None:
        raise NotForYouError
    return Response(found[0], media_type=found[1], headers={"Content-Security-Policy": DOCUMENT_POLICY})


def resend(visit: Visit) -> Response:
    """Write to the customer once more."""
    invoice = _invoice(visit)
    if invoice["customer_id"] is None or invoice["status"] == "refused":
        raise NotForYouError
    customer = visit.portal.customers.by_id(invoice["customer_id"])
    address = f"/invoices/{invoice['id']}"
    if not customer.email or customer.blocked:
        return visit.go(address, "no_email")
    with visit.portal.database.transaction() as db:
        visit.portal.post.tell_customer(db, customer, invoice["id"])
    visit.portal.post.wake()
    return visit.go(address, "resent")


# ---- documents -------------------------------------------------------------------------------------------------------


def _content(visit: Visit, file: sqlite3.Row, disposition: str, policy: str) -> Response:
    path = visit.portal.vault.path(file["sha256"])
    if not path.exists():  # too large: it was refused and not kept
        raise NotForYouError
    name = file["name"].rpartition("/")[2]
    headers = {
        "Content-Security-Policy": policy,
        "Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(name, safe='')}",
    }
    kind = _TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")
    return FileResponse(path, media_type=kind, headers=headers)


def _bytes(visit: Visit, file: sqlite3.Row) -> bytes:
    try:
        with visit.portal.vault.open(file["sha256"]) as kept:
            return kept.read()
    except FileNotFoundError:
        raise NotForYouError from None


def _indented(data: bytes) -> str:
    """The text of a well-formed XML, indented unless it is long."""
    if len(data) > 2 * MAX_SHOWN:
        return data[: 4 * MAX_SHOWN].decode("utf-8", "replace")
    document = minidom.parseString(data)  # noqa: S318 - read_xml has refused what has a DTD, and so entities
    lines = document.toprettyxml(indent="  ").splitlines()
    return "\n".join(line for line in lines if line.strip())
