"""Each address of the portal and its page."""

from __future__ import annotations

from pathlib import Path

from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from ingisfs.stage.pages import customers, frame, invoices, mails, profile, start, upload
from ingisfs.stage.pages.entrance import Entrance
from ingisfs.stage.pages.frame import Page
from ingisfs.stage.portal import Portal


def every_page() -> list[Page]:
    """All pages; the last one is for addresses that are not there."""
    return [
        *Entrance().pages(),
        *start.pages(),
        *invoices.pages(),
        *upload.pages(),
        *customers.pages(),
        *profile.pages(),
        *mails.pages(),
        Page("/{rest:path}", "people", frame.not_there),
    ]


def pages(portal: Portal) -> list[BaseRoute]:
    """The routes of a portal, but for those of programs."""
    static = StaticFiles(directory=Path(__file__).parent.parent / "static")
    return [
        Mount("/static", static),
        upload.route(portal),
        *frame.routes(portal, every_page()),
    ]
