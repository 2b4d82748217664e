"""What WebDAV and the portal share: one HTTP client, and what its exceptions and an answer's status mean."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from ingisfs import __version__
from ingisfs.delivery.failures import (
    DeliveryError,
    DocumentRefusedError,
    DoubtError,
    TargetNeedsPersonError,
    TargetReason,
    TransientError,
    UnreachableError,
)

CONNECT, READ, WRITE = 15.0, 120.0, 60.0  # s; READ is for one answer, WRITE for one piece of a body
MAX_RETRY_AFTER = 3600.0  # s


def client(user: str, password: str, verify: ssl.SSLContext | bool, read_timeout: float) -> httpx.Client:
    """Make a client with one connection, for one thread; nothing is sent yet. Time-out in seconds."""
    return httpx.Client(
        auth=httpx.BasicAuth(user, password),
        verify=verify,
        timeout=httpx.Timeout(read_timeout, connect=CONNECT, write=WRITE),
        limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=30),
        follow_redirects=False,  # a redirected PUT becomes a GET and "succeeds"
        headers={"User-Agent": f"ingisfs/{__version__}", "Accept-Encoding": "identity"},
    )


def usual_trust() -> ssl.SSLContext:
    """Return whose certificates are trusted where nothing else was said."""
    return httpx.create_ssl_context()


@contextmanager
def on_the_wire(*, doubtful: bool) -> Iterator[None]:
    """Tell httpx's exceptions as kinds of failure. `doubtful`: the request changes what we could not undo."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
        # Nothing was sent.
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise TargetNeedsPersonError(TargetReason.CERTIFICATE, cause.verify_message) from None
            cause = cause.__cause__ or cause.__context__
        raise UnreachableError(f"no connection: {error or type(error).__name__}") from None
    except (httpx.TransportError, httpx.DecodingError) as error:
        text = f"{type(error).__name__}: {error}"
        raise (DoubtError(text) if doubtful else UnreachableError(text)) from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise TransientError(f"{type(error).__name__}: {error}") from None


def is_page(answer: httpx.Response) -> bool:
    """Tell whether an answer is for people: no server of ours says anything in HTML."""
    return str(answer.headers.get("content-type", "")).lower().startswith("text/html")


def line(answer: httpx.Response, method: str, detail: str = "") -> str:
    """Return an answer in one line; `detail` is what it says for people."""
    return f"{method}: {answer.status_code} {answer.reason_phrase}" + (f": {detail}" if detail else "")


def failure(
    answer: httpx.Response, method: str, detail: str = "", *, stranger: TargetReason = TargetReason.NOT_WEBDAV
) -> DeliveryError:
    """Return what an answer that is no success means. One row a status; the last lines for the rest of its class.

    `stranger` is why a person is needed where the server does not know what we ask for.
    """
    status, said = answer.status_code, line(answer, method, detail)
    match status:
        case 401 | 407:
            return TargetNeedsPersonError(TargetReason.LOGIN, said)
        case 403:
            return TargetNeedsPersonError(TargetReason.FORBIDDEN, said)
        case 404 | 409 | 410:
            return TargetNeedsPersonError(TargetReason.FOLDER_MISSING, said)
        case 405 | 501:
            return TargetNeedsPersonError(stranger, said)
        case 413 | 414 | 415 | 422 | 400 | 431 | 451:
            return DocumentRefusedError(said)
        case 408 | 423 | 424 | 425:
            return TransientError(said, retry_after(answer))
        case 429 | 502 | 503 | 504 | 507:
            return UnreachableError(said, retry_after(answer))
    if 300 <= status < 400:
        return TargetNeedsPersonError(TargetReason.REDIRECT, f"{said} → {answer.headers.get('location', '')[:200]}")
    if 200 <= status < 300:
        # A success that is none: a log-in page of a hotel or a proxy. It goes when the network does.
        return UnreachableError(f"{said}, but not as the server would say it")
    if status >= 500:
        return TransientError(said, retry_after(answer))
    return DocumentRefusedError(said)


def retry_after(answer: httpx.Response) -> float | None:
    """Return the seconds that `Retry-After` asks for (RFC 9110: a number or a date), an hour at most."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isdigit():
        return min(float(value), MAX_RETRY_AFTER)
    try:
        wait = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(wait, 0.0), MAX_RETRY_AFTER)
