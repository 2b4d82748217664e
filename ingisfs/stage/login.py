"""Basic auth on every request: RFC 7617, names and passwords in UTF-8.

A password seen before is checked at once; any other goes through argon2 in a worker thread, one at a time because
each takes 64 MiB, so that guessing cannot slow down those who are logged in.
"""

from __future__ import annotations

import base64
import binascii

import anyio
import anyio.to_thread
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ingisfs.stage.sentences import say
from ingisfs.stage.users import Users


class BasicAuth:
    """ASGI middleware: lets nobody through but the `users`; puts the name in `scope["user_name"]`."""

    def __init__(self, app: ASGIApp, users: Users, language: str) -> None:
        self._app = app
        self._users = users
        self._language = language
        self._one_at_a_time = anyio.CapacityLimiter(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or answer 401."""
        credentials = _credentials(Headers(scope=scope).getlist("authorization"))
        if credentials is None or not await self._known(*credentials):
            challenge = {"WWW-Authenticate": 'Basic realm="INGIS", charset="UTF-8"'}
            response = PlainTextResponse(say(self._language, "login"), 401, challenge)
            await response(scope, receive, send)
            return
        scope["user_name"] = credentials[0]
        await self._app(scope, receive, send)

    async def _known(self, name: str, password: str) -> bool:
        if self._users.remembers(name, password):
            return True
        return await anyio.to_thread.run_sync(self._users.verify, name, password, limiter=self._one_at_a_time)


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
