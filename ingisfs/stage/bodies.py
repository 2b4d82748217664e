"""The body of a request on its way into an inbox: in memory, then in a private file, and gone if it breaks off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.to_thread import run_sync
from starlette.requests import Request

from ingisfs.stage.failures import TooLargeError
from ingisfs.stage.inbox import Inbox
from ingisfs.stage.upload import Upload


@asynccontextmanager
async def received(request: Request, inbox: Inbox) -> AsyncIterator[Upload]:
    """A whole body, to be kept; discarded at the end unless it was. Raises TooLargeError, ClientDisconnect, OSError."""
    if int(request.headers.get("content-length", "0")) > inbox.size_limit:
        raise TooLargeError
    upload = inbox.upload()
    try:
        async for chunk in request.stream():
            if upload.add(chunk):
                await run_sync(upload.spill)
        yield upload
    finally:
        upload.discard()
