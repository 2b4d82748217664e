"""Puts the parts together. The portal's own parts (batches, customers, mail) will be routes beside these."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Route

from ingisfs.stage.api import ApiRoute
from ingisfs.stage.headers import SecurityHeaders
from ingisfs.stage.inbox import Inbox
from ingisfs.stage.login import BasicAuth
from ingisfs.stage.page import Page
from ingisfs.stage.receipts import Receipts
from ingisfs.stage.users import Users
from ingisfs.stage.webdav import InboxRoute

HOSTS = ["127.0.0.1", "localhost"]  # any other Host header is a web site that points its name at this machine


def application(inbox: Inbox, users: Users, receipts: Receipts, *, language: str = "nl") -> Starlette:
    """The ASGI application over one inbox, its users and receipts; `language` is "nl" or "en"."""
    page = Page(inbox, language)
    return Starlette(
        routes=[
            Route("/", page.html, methods=["GET"]),
            Route("/inbox.json", page.json, methods=["GET"]),
            InboxRoute(inbox, language),
            ApiRoute(inbox, receipts, language),
        ],
        middleware=[  # outermost first
            Middleware(SecurityHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False),
            Middleware(BasicAuth, users=users, language=language),
        ],
    )
