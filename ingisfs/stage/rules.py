"""Whether INGIS takes an invoice: what its documents say, whose it is, and each reason to refuse it.

A decision is one of three: the invoice is good, it is refused, or something of it may still come.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ingisfs.stage.customers import Customer
from ingisfs.stage.invoices import Refusal
from ingisfs.stage.reading import (
    NotAnInvoiceError,
    NotWellFormedError,
    NotWholeError,
    Reading,
    check_pdf,
    read_pdf,
    read_xml,
)

ALLOWED = (".pdf", ".xml")
DEFAULT_LIMIT = 20_000_000  # bytes of one document


@dataclass(frozen=True, slots=True)
class Part:
    """One document of an invoice: its name in the inbox, and its bytes (none if there are too many)."""

    name: str
    size: int
    data: bytes

    @property
    def ending(self) -> str:
        """`.pdf`, in small letters; "" if there is none."""
        _, dot, ending = self.name.rpartition("/")[2].rpartition(".")
        return dot + ending.lower() if dot else ""


@dataclass(frozen=True, slots=True)
class Group:
    """What belongs together by its name: one PDF and one XML at most, and attachments."""

    pdf: Part | None = None
    xml: Part | None = None
    attachments: tuple[Part, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """All of them; the XML first, for it says most."""
        return tuple(part for part in (self.xml, self.pdf, *self.attachments) if part is not None)


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a group. `waits` means: not yet, the other half may still come."""

    reading: Reading | None = None
    customer: Customer | None = None
    refusal: Refusal | None = None
    waits: bool = False


def refuse_by_kind(part: Part, limit: int) -> Refusal | None:
    """The reason to refuse a document by its name and size alone."""
    if part.ending not in ALLOWED:
        return Refusal("type", {"ending": part.ending or part.name})
    if part.size > limit:
        return Refusal("size", {"size": f"{part.size / 1e6:.1f}", "limit": f"{limit / 1e6:.0f}"})
    return None


def decide(
    group: Group,
    *,
    whose: Callable[[Reading], Customer | None],
    has_number: Callable[[str], bool],
    limit: int = DEFAULT_LIMIT,
    is_late: bool,
) -> Decision:
    """Look at a group. `is_late` says that what has not come by now is not waited for any longer."""
    for part in group.parts:
        if (refusal := refuse_by_kind(part, limit)) is not None:
            return Decision(refusal=refusal)
    reading, refusal = _read(group)
    if refusal is not None and not (refusal.key == "not_an_invoice" and group.xml is None):
        return Decision(reading, refusal=refusal)
    if reading is None:  # a PDF that says nothing by itself: its XML may
        if not is_late:
            return Decision(waits=True)
        return Decision(refusal=refusal or Refusal("not_an_invoice", {"name": group.parts[0].name}))
    customer = whose(reading)
    if customer is None:
        if group.xml is None and not is_late:
            return Decision(waits=True)
        told = reading.customer_number or reading.customer_name or reading.customer_vat or "?"
        return Decision(reading, refusal=Refusal("no_customer", {"customer": told}))
    if customer.blocked:
        return Decision(reading, customer, Refusal("blocked", {"customer": customer.name}))
    for half, missing, key in ((group.pdf, "pdf", "no_pdf"), (group.xml, "xml", "no_xml")):
        if half is None and customer.wants in {"both", missing}:
            if not is_late:
                return Decision(waits=True)
            return Decision(reading, customer, Refusal(key, {"customer": customer.name}))
    if has_number(reading.number):
        return Decision(reading, customer, Refusal("duplicate", {"number": reading.number}))
    return Decision(reading, customer)


def _read(group: Group) -> tuple[Reading | None, Refusal | None]:
    reading = None
    for part in group.parts:
        try:
            if part.ending == ".pdf":
                check_pdf(part.data)
            if part is group.xml:
                reading = read_xml(part.data)
            elif part is group.pdf and group.xml is None:
                reading = read_pdf(part.data)
            elif part.ending == ".xml":
                _check_xml(part.data)
        except NotWholeError:
            return reading, Refusal("not_whole", {"name": part.name})
        except NotWellFormedError as error:
            return reading, Refusal("not_well_formed", {"name": part.name, "line": str(error.line)})
        except NotAnInvoiceError:
            return reading, Refusal("not_an_invoice", {"name": part.name})
    return reading, None


def _check_xml(data: bytes) -> None:
    try:
        read_xml(data)
    except NotAnInvoiceError:
        return  # an attachment may be any XML
