"""What every answer tells a browser: trust nothing in here but our own page.

Documents come from outside and are served from the same address as the pages. So no script may run but the one file
that is ours, nothing may come from elsewhere, and a document that is shown may do less still: an answer that has a
policy of its own keeps that.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
#: For a PDF that our page shows in a frame: the browser's own viewer needs its styles, nothing else may load.
SHOWN_POLICY = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'self'"
#: For a document that is downloaded, or looked at by itself.
DOCUMENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"

_HEADERS = {
    b"content-security-policy": POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"x-frame-options": b"DENY",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"cache-control": b"no-store",
}


class SecurityHeaders:
    """ASGI middleware that adds the headers to every answer, errors too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = list(message.get("headers", []))
                there = {name.lower() for name, _ in own}
                message["headers"] = [*own, *((name, value) for name, value in _HEADERS.items() if name not in there)]
            await send(message)

        await self._app(scope, receive, send_with_headers)
