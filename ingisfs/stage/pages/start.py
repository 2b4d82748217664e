"""The start page, its counters, the news, the handbook, what lies in the inbox now, and why invoices are refused."""

from __future__ import annotations

from itertools import islice
from urllib.parse import quote

from starlette.responses import HTMLResponse, JSONResponse, Response

from ingisfs.stage.handbook import POLICY, handbook
from ingisfs.stage.names import is_temporary
from ingisfs.stage.news import NEWS
from ingisfs.stage.pages.frame import NotForYouError, Page, Visit
from ingisfs.stage.pages.invoices import customer_ids, shown_rows
from ingisfs.stage.reasons import REASONS
from ingisfs.stage.received import MAX_ROWS, rows

NEWEST = 5  # invoices on the start page


def pages() -> list[Page]:
    """Their addresses."""
    return [
        Page("/", "people", start),
        Page("/counters.json", "people", counters),
        Page("/handbook", "king", read_handbook),
        Page("/handbook.html", "king", download_handbook),
        Page("/received", "king", received),
        Page("/reasons", "king", reasons),
        Page("/reasons/{reason}", "king", reason),
    ]


def start(visit: Visit) -> Response:
    """Counters, the newest invoices, and news."""
    invoices = visit.portal.invoices
    if visit.is_king:
        template, newest = "start.html", invoices.newest(visit.user, NEWEST)
    else:
        template, newest = "customer.html", invoices.newest_for_customers(customer_ids(visit), NEWEST)
    return visit.draw(
        template, counters=_counters(visit), news=NEWS, pace=visit.portal.pace, **shown_rows(visit, newest)
    )


def counters(visit: Visit) -> Response:
    """The counters alone, for the script that keeps them fresh."""
    return JSONResponse(_counters(visit))


def _counters(visit: Visit) -> dict[str, int]:
    if visit.is_king:
        return visit.portal.invoices.counters(visit.user)
    return visit.portal.invoices.customer_counters(customer_ids(visit))


def read_handbook(visit: Visit) -> Response:
    """The handbook, to read."""
    return HTMLResponse(handbook(visit.language), headers={"Content-Security-Policy": POLICY})


def download_handbook(visit: Visit) -> Response:
    """The handbook, as one file to keep or to print."""
    name = visit.say("handbook_file")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}", "Content-Security-Policy": POLICY}
    return HTMLResponse(handbook(visit.language), headers=headers)


def received(visit: Visit) -> Response:
    """What lies in the inbox now."""
    everything = list(visit.portal.desks.of(visit.user).inbox.documents())
    documents = [document for document in everything if not is_temporary(document.place)]
    shown = list(islice(rows(documents, visit.language), MAX_ROWS))
    count = len(documents)
    return visit.draw(
        "received.html",
        address=f"{visit.portal.post.base}/inbox/",
        total=visit.say("total_one" if count == 1 else "total_many", count=count),
        underway=len(everything) - count,
        capped=count > len(shown),
        rows=shown,
    )


def reasons(visit: Visit) -> Response:
    """All reasons to refuse an invoice."""
    return visit.draw("reasons.html", reasons=REASONS)


def reason(visit: Visit) -> Response:
    """One reason: what it means, what to do, and the invoices that were refused for it."""
    key = visit.request.path_params["reason"]
    if key not in REASONS:
        raise NotForYouError
    return visit.draw("reason.html", key=key, invoices=visit.portal.invoices.refused_for(visit.user, key))
