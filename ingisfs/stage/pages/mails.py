"""What was written to people. Without a mail server this is where one reads it; with one, whether it went."""

from __future__ import annotations

import re

from starlette.responses import Response

from ingisfs.stage.desks import FIRST_USER
from ingisfs.stage.pages.frame import NotForYouError, Page, Visit


def pages() -> list[Page]:
    """Their addresses."""
    return [
        Page("/mails", "king", list_),
        Page("/mails/{mail}", "king", show),
    ]


def _sees_everything(visit: Visit) -> bool:
    """Whose machine it is reads all mails, where they go nowhere else."""
    return visit.portal.post.smtp is None and visit.user == FIRST_USER


def list_(visit: Visit) -> Response:
    """The newest mails."""
    rows = visit.portal.post.newest(visit.user, everything=_sees_everything(visit))
    return visit.draw("mails.html", rows=rows, smtp=visit.portal.post.smtp)


def show(visit: Visit) -> Response:
    """One mail."""
    try:
        mail = visit.portal.post.get(visit.user, visit.number("mail"), everything=_sees_everything(visit))
    except KeyError:
        raise NotForYouError from None
    parts = re.split(
        rf"({re.escape(visit.portal.post.base)}/\S+)", mail["text"] if visit.portal.post.smtp is None else ""
    )
    return visit.draw("mail.html", mail=mail, parts=parts, smtp=visit.portal.post.smtp)
