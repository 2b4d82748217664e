"""Puts the parts together: programs come with Basic auth to their addresses, people with a session to the pages."""

from __future__ import annotations

from collections.abc import Sequence

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

HOSTS = ("127.0.0.1", "localhost")


def application(portal: Portal, names: Sequence[str] = ()) -> Starlette:
    """The ASGI application over one portal. `names` are hosts of it besides those of this machine alone.

    Any other Host header is of a web site that points its name here.
    """
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
            Middleware(TrustedHostMiddleware, allowed_hosts=[*HOSTS, *names], www_redirect=False),
        ],
    )
