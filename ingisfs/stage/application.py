"""Puts the parts together: programs come with Basic auth to their addresses, people with a session to the pages."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from ingisfs.stage.api import Api
from ingisfs.stage.headers import SecurityHeaders
from ingisfs.stage.login import Login, ProgramRoute
from ingisfs.stage.pages.all import pages
from ingisfs.stage.portal import Portal
from ingisfs.stage.received import EverythingList, ReceivedList
from ingisfs.stage.webdav import WebDav

HOSTS = ["127.0.0.1", "localhost"]  # any other Host header is a web site that points its name at this machine


def application(portal: Portal) -> Starlette:
    """The ASGI application over one portal."""
    login = Login(portal.users, portal.sessions)
    language, desks = portal.language, portal.desks
    return Starlette(
        routes=[
            ProgramRoute("/inbox", login, desks, lambda desk: WebDav(desk, language), language),
            ProgramRoute("/api", login, desks, lambda desk: Api(desk, language), language),
            ProgramRoute("/inbox.json", login, desks, ReceivedList, language),
            ProgramRoute("/documents.json", login, desks, lambda desk: EverythingList(desk, portal.invoices), language),
            *pages(portal),
        ],
        middleware=[  # outermost first
            Middleware(SecurityHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False),
        ],
    )
