"""Who a program is: Basic auth on each request (RFC 7617, names and passwords in UTF-8), for King users only.

A password seen before is checked at once; any other goes through argon2 in a worker thread, one at a time because
each takes 64 MiB, so that guessing cannot slow down those who are logged in. A King user who is logged in on the pages
may look at the same addresses without it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Protocol

import anyio
import anyio.to_thread
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from ingisfs.stage.desks import Desk, Desks
from ingisfs.stage.sentences import say
from ingisfs.stage.sessions import COOKIE, Sessions, Throttle
from ingisfs.stage.users import Users, normal

GUESSES, GUESS_SECONDS = 100, 600.0  # that a program may be wrong


class Login:
    """Tells whose request it is."""

    def __init__(self, users: Users, sessions: Sessions) -> None:
        self._users = users
        self._sessions = sessions
        self._throttle = Throttle(GUESSES, GUESS_SECONDS)
        self._kings: set[str] = set()  # who has shown to be one; nobody ceases to be
        self._one_at_a_time = anyio.CapacityLimiter(1)

    async def king(self, scope: Scope) -> str | None:
        """The name of the King user whose request it is, None if it is nobody's."""
        given = Headers(scope=scope).getlist("authorization")
        if not given and scope["method"] in {"GET", "HEAD"}:
            token = Request(scope).cookies.get(COOKIE, "")
            return await anyio.to_thread.run_sync(self._of_session, token) if token else None
        credentials = _credentials(given)
        if credentials is None or not await self._known(*credentials):
            return None
        return normal(credentials[0])

    def _of_session(self, token: str) -> str | None:
        session = self._sessions.find(token)
        return session.user if session and self._is_king(session.user) else None

    def _is_king(self, name: str) -> bool:
        account = self._users.account(name)
        return account is not None and account.role == "king"

    async def _known(self, name: str, password: str) -> bool:
        if name in self._kings and self._users.remembers(name, password):
            return True
        return await anyio.to_thread.run_sync(self._verify, name, password, limiter=self._one_at_a_time)

    def _verify(self, name: str, password: str) -> bool:
        if self._throttle.wait(name) > 0:
            return False
        if self._users.verify(name, password) and self._is_king(name):
            self._kings.add(name)
            return True
        self._throttle.failed(name)
        return False


class Service(Protocol):
    """What answers the requests to one desk."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""


class ProgramRoute(BaseRoute):
    """The route for `root` and all below it: lets through King users, each to their own desk."""

    def __init__(self, root: str, login: Login, desks: Desks, make: Callable[[Desk], Service], language: str) -> None:
        self._root = root.encode()
        self._login = login
        self._desks = desks
        self._make = make
        self._language = language
        self._services: dict[str, Service] = {}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the request is for here; decided on the path as it came, still percent-encoded."""
        path = scope.get("raw_path", b"")
        inside = scope["type"] == "http" and (path == self._root or path.startswith(self._root + b"/"))
        return (Match.FULL if inside else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or answer 401."""
        user = await self._login.king(scope)
        if user is None:
            challenge = {"WWW-Authenticate": 'Basic realm="INGIS", charset="UTF-8"'}
            response = PlainTextResponse(say(self._language, "login"), 401, challenge)
            await response(scope, receive, send)
            return
        if user not in self._services:
            self._services[user] = self._make(await anyio.to_thread.run_sync(self._desks.of, user))
        await self._services[user].handle(scope, receive, send)


def _credentials(headers: list[str]) -> tuple[str, str] | None:
    if len(headers) != 1:
        return None
    scheme, _, encoded = headers[0].partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):  # ValueError: not UTF-8, or not even ASCII
        return None
    return (name, password) if colon else None
