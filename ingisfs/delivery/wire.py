"""What WebDAV and the portal share: one HTTP client, and what its exceptions and an answer's status mean."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from ingisfs import __version__
from ingisfs.config import NO_PROXY
from ingisfs.delivery.certificates import is_about_ours
from ingisfs.delivery.failures import (
    DeliveryError,
    DocumentRefusedError,
    DoubtError,
    TargetNeedsPersonError,
    TargetReason,
    TransientError,
    UnreachableError,
)
from ingisfs.delivery.login import Login

CONNECT, READ, WRITE = 15.0, 120.0, 60.0  # s; READ is for one answer, WRITE for one piece of a body
MAX_RETRY_AFTER = 3600.0  # s

_NO_CERTIFICATE = re.compile(r"SSL certificate", re.IGNORECASE)  # nginx's page, with 400


def client(
    user: str, password: str, verify: ssl.SSLContext | bool, read_timeout: float, question: tuple[str, str], proxy: str
) -> httpx.Client:
    """Make a client with one connection, for one thread; nothing is sent yet. Time-out in seconds.

    `question`: method and address of a small request that needs the log-in. `proxy`: its address; "" for the one that
    the system names, if any; `NO_PROXY` for none. Raises TargetNeedsPersonError if it is of a kind we do not know.
    """
    try:
        made = httpx.Client(
            verify=verify,
            timeout=httpx.Timeout(read_timeout, connect=CONNECT, write=WRITE),
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=30),
            follow_redirects=False,  # a redirected PUT becomes a GET and "succeeds"
            headers={"User-Agent": f"ingisfs/{__version__}", "Accept-Encoding": "identity"},
            proxy=None if proxy in {"", NO_PROXY} else proxy,
            trust_env=proxy != NO_PROXY,
        )
    except (ImportError, ValueError, httpx.InvalidURL) as error:  # of the system's, for the settings are checked
        raise TargetNeedsPersonError(TargetReason.UNKNOWN, f"proxy: {error}") from None
    method, address = question
    made.auth = Login(user, password, made.build_request(method, address, headers={"Depth": "0"}))
    return made


def folder_address(url: str) -> tuple[str, str]:
    """Return origin and path of a folder, as the client asks for it, with the closing slash.

    People write spaces and letters with accents; a per cent sign that encodes nothing stands for itself.
    """
    address = httpx.URL(re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", url.rstrip("/")) + "/")
    return str(address.copy_with(raw_path=b"")).rstrip("/"), address.raw_path.decode("ascii")


@contextmanager
def on_the_wire(*, doubtful: bool) -> Iterator[None]:
    """Tell httpx's exceptions as kinds of failure. `doubtful`: the request changes what we could not undo."""
    try:
        yield
    except httpx.ProxyError as error:
        raise _by_proxy(str(error)) from None
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        # Nothing was sent.
        found = UnreachableError(f"no connection: {error or type(error).__name__}")
        found.crowded = True
        raise _by_tls(error) or found from None
    except (httpx.TransportError, httpx.DecodingError) as error:
        text = f"{type(error).__name__}: {error}"
        raise _by_tls(error) or (DoubtError(text) if doubtful else UnreachableError(text)) from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise TransientError(f"{type(error).__name__}: {error}") from None


def _by_tls(error: BaseException) -> DeliveryError | None:
    """Return what it means if one of the two ends did not like the other's certificate; nothing was done then."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return TargetNeedsPersonError(TargetReason.CERTIFICATE, cause.verify_message)
        if is_about_ours(cause):  # with TLS 1.3 only when the first answer is read
            said = getattr(cause, "reason", cause)
            text = f"the server says {said}; it may want a client_certificate that it knows"
            return TargetNeedsPersonError(TargetReason.LOGIN, text)
        cause = cause.__cause__ or cause.__context__
    return None


def _by_proxy(said: str) -> DeliveryError:
    """Return what a proxy's answer to CONNECT means; the server has heard nothing."""
    text = f"proxy: {said}"
    match said[:3]:
        case "407":
            return TargetNeedsPersonError(TargetReason.LOGIN, text)
        case "403" | "405":
            return TargetNeedsPersonError(TargetReason.FORBIDDEN, text)
    return UnreachableError(f"no connection: {text}")


def is_page(answer: httpx.Response) -> bool:
    """Tell whether an answer is for people: no server of ours says anything in HTML."""
    return str(answer.headers.get("content-type", "")).lower().startswith("text/html")


def line(answer: httpx.Response, method: str, detail: str = "") -> str:
    """Return an answer in one line; `detail` is what it says for people."""
    return f"{method}: {answer.status_code} {answer.reason_phrase}" + (f": {detail}" if detail else "")


def failure(
    answer: httpx.Response,
    method: str,
    detail: str = "",
    *,
    stranger: TargetReason = TargetReason.NOT_WEBDAV,
    body: bytes | None = None,
) -> DeliveryError:
    """Return what an answer that is no success means. One row a status; the last lines for the rest of its class.

    `stranger` is why a person is needed where the server does not know what we ask for. `body` is that of the answer,
    if it was not read by httpx.
    """
    status, said = answer.status_code, line(answer, method, detail)
    match status:
        case 400 if _NO_CERTIFICATE.search(_text(answer, body)):
            return TargetNeedsPersonError(TargetReason.LOGIN, f"client_certificate: {said}")
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
            found = UnreachableError(said, retry_after(answer))
            # Some let so many requests of one address in at a time, and say so (nginx: limit_conn).
            found.crowded = status in {429, 503} and found.retry_after is None
            return found
    if 300 <= status < 400:
        return TargetNeedsPersonError(TargetReason.REDIRECT, f"{said} → {answer.headers.get('location', '')[:200]}")
    if 200 <= status < 300:
        # A success that is none: a log-in page of a hotel or a proxy. It goes when the network does.
        return UnreachableError(f"{said}, but not as the server would say it")
    if status >= 500:
        return TransientError(said, retry_after(answer))
    return DocumentRefusedError(said)


def _text(answer: httpx.Response, body: bytes | None) -> str:
    return (answer.content if body is None else body)[:4096].decode("ascii", "replace")


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
