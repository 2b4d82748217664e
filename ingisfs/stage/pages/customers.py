"""Whom invoices go to: add, change, import, block, invite; what they receive, and where."""

from __future__ import annotations

import re
from dataclasses import replace

from starlette.responses import Response

from ingisfs.stage.customers import CHANNELS, LANGUAGES, WANTS, Customer, CustomerError
from ingisfs.stage.pages.frame import NotForYouError, Page, Visit

MAX_IMPORT_BYTES = 5_000_000
ROWS = 50


def pages() -> list[Page]:
    """Their addresses."""
    return [
        Page("/customers", "king", list_),
        Page("/customers/new", "king", new, add),
        Page("/customers/import", "king", ask_import, import_, limit=MAX_IMPORT_BYTES),
        Page("/customers/{customer}", "king", show, change),
        Page("/customers/{customer}/block", "king", form=block),
        Page("/customers/{customer}/unblock", "king", form=unblock),
        Page("/customers/{customer}/invite", "king", form=invite),
    ]


def list_(visit: Visit) -> Response:
    """A page of the list."""
    asked = visit.asked("page", "1")
    page = int(asked) if re.fullmatch(r"[1-9][0-9]{0,6}", asked) else 1
    search = visit.asked("search").strip()
    rows, total = visit.portal.customers.page(visit.user, search, offset=(page - 1) * ROWS, limit=ROWS)
    last = max(1, -(-total // ROWS))
    return visit.draw("customers.html", rows=rows, total=total, page=page, last=last, search=search)


def new(visit: Visit) -> Response:
    """An empty form; a refused invoice may have filled in the number."""
    customer = Customer(number=visit.asked("number"), name=visit.asked("name"), language=visit.language)
    return _form(visit, customer)


def add(visit: Visit) -> Response:
    """Add a customer."""
    customer = _sent(visit, Customer(number="", name=""))
    try:
        number = visit.portal.customers.add(visit.user, customer)
    except CustomerError as error:
        return _form(visit, customer, error.key)
    return visit.go(f"/customers/{number}", "added")


def show(visit: Visit) -> Response:
    """One customer."""
    return _form(visit, _customer(visit))


def change(visit: Visit) -> Response:
    """Change a customer."""
    known = _customer(visit)
    customer = _sent(visit, known)
    try:
        visit.portal.customers.change(visit.user, known.id, customer)
    except CustomerError as error:
        return _form(visit, customer, error.key)
    return visit.go(f"/customers/{known.id}", "saved")


def block(visit: Visit) -> Response:
    """Block a customer."""
    visit.portal.customers.block(visit.user, _customer(visit).id, blocked=True)
    return visit.go(f"/customers/{visit.number('customer')}", "blocked")


def unblock(visit: Visit) -> Response:
    """Unblock a customer."""
    visit.portal.customers.block(visit.user, _customer(visit).id, blocked=False)
    return visit.go(f"/customers/{visit.number('customer')}", "unblocked")


def invite(visit: Visit) -> Response:
    """Invite a customer to register."""
    customer = _customer(visit)
    if not customer.email or customer.blocked:
        return visit.go(f"/customers/{customer.id}", "no_email")
    visit.portal.post.invite(customer)
    return visit.go(f"/customers/{customer.id}", "invited")


def ask_import(visit: Visit) -> Response:
    """Where a CSV file is chosen."""
    return visit.draw("import.html", wrong="")


def import_(visit: Visit) -> Response:
    """Take in a CSV file: all of it or nothing."""
    file = visit.file("file")
    if file is None:
        return visit.draw("import.html", 422, wrong=visit.say("import_no_file"))
    try:
        added, changed = visit.portal.customers.import_csv(visit.user, file.file.read())
    except CustomerError as error:
        wrong = visit.say("import_wrong", line=error.line, why=visit.say(error.key))
        return visit.draw("import.html", 422, wrong=wrong)
    return visit.draw("import.html", wrong="", added=added, changed=changed)


def _customer(visit: Visit) -> Customer:
    try:
        return visit.portal.customers.get(visit.user, visit.number("customer"))
    except KeyError:
        raise NotForYouError from None


def _sent(visit: Visit, known: Customer) -> Customer:
    texts = {name: visit.field(name) for name in ("number", "name", "email", "vat", "wants", "channel", "language")}
    return replace(known, **texts)  # type: ignore[arg-type]


def _form(visit: Visit, customer: Customer, wrong: str = "") -> Response:
    return visit.draw(
        "customer_form.html",
        422 if wrong else 200,
        customer=customer,
        wrong=visit.say(wrong) if wrong else "",
        wants=WANTS,
        channels=CHANNELS,
        languages=LANGUAGES,
    )
