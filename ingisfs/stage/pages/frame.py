"""Who is looking at a page, what they may do there, and how it is drawn.

A page is a plain function of a `Visit`, run in a worker thread, so that the event loop never waits for the disk. What
surrounds it here decides first: the session and its role, where a form came from, its size, its secret. A page that
somebody may not see is not there for them: 404, the same as one that never was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Message

from ingisfs.stage import formats
from ingisfs.stage.failures import NoRightsError
from ingisfs.stage.portal import Portal
from ingisfs.stage.sentences import LANGUAGES, say
from ingisfs.stage.sessions import COOKIE, LONGEST_SECONDS, Session
from ingisfs.stage.users import Account

For = Literal["anybody", "people", "king", "customer"]  # "people": whoever is logged in

MAX_FORM = 256 * 1024  # bytes of a form without files
MAX_FIELDS = 100
LANGUAGE_COOKIE = "ingis-language"
YEAR = 365 * 86_400  # seconds

_HERE = Path(__file__).parent.parent


class NotForYouError(Exception):
    """There is no such page, for this visitor."""


class Visit:
    """One request for a page."""

    def __init__(
        self, portal: Portal, drawer: Drawer, request: Request, session: Session | None, account: Account | None
    ) -> None:
        self.portal = portal
        self.request = request
        self.session = session
        self.form = FormData()
        self.language = _language(portal, request, account)
        self._account = account
        self._drawer = drawer

    @property
    def account(self) -> Account:
        """Who is logged in; only where somebody must be."""
        assert self._account is not None
        return self._account

    @property
    def user(self) -> str:
        """The name of who is logged in."""
        return self.account.name

    @property
    def is_king(self) -> bool:
        """Whether a King user looks."""
        return self._account is not None and self._account.role == "king"

    def number(self, name: str) -> int:
        """A number in the address. Raises NotForYouError."""
        text = str(self.request.path_params[name])
        if not text.isascii() or not text.isdigit() or len(text) > 15:
            raise NotForYouError
        return int(text)

    def asked(self, name: str, default: str = "") -> str:
        """A value behind the question mark of the address."""
        return self.request.query_params.get(name, default)[:300]

    def field(self, name: str) -> str:
        """A text of the form that was sent."""
        value = self.form.get(name, "")
        return value[:10_000] if isinstance(value, str) else ""

    def file(self, name: str) -> UploadFile | None:
        """A file of the form that was sent."""
        value = self.form.get(name)
        return value if isinstance(value, UploadFile) and value.filename else None

    def say(self, key: str, **values: object) -> str:
        """A sentence in the visitor's language."""
        return say(self.language, key, **values)

    def draw(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page."""
        return HTMLResponse(self._drawer.draw(template, self, values), status)

    def go(self, address: str, said: str = "") -> Response:
        """Send the visitor on; `said` is the key of a sentence that is shown there."""
        separator = "&" if "?" in address else "?"
        return RedirectResponse(f"{address}{separator}said={said}" if said else address, 303)

    @property
    def said(self) -> str:
        """What the page before asked to say here: one of our own sentences, nothing else."""
        key = self.asked("said")
        return self.say(f"said_{key}") if key in _SAID else ""

    def log_in(self, user: str, address: str) -> Response:
        """Give somebody a new session, and end the one that was."""
        if self.session is not None:
            self.portal.sessions.end(self.session)
        response = self.go(address)
        response.set_cookie(
            COOKIE,
            self.portal.sessions.start(user),
            max_age=LONGEST_SECONDS,
            httponly=True,
            secure=self.request.url.scheme == "https",
            samesite="lax",
            path="/",
        )
        return response


_SAID = (
    "saved", "added", "blocked", "unblocked", "invited", "no_email", "resent", "password", "logo", "imported",
    "reset_sent", "reset_done", "logged_out", "connected",
)  # fmt: skip


class Drawer:
    """Draws pages with Jinja2: everything is escaped, and what is not there is an error."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def draw(self, template: str, visit: Visit, values: dict[str, Any]) -> str:
        """The text of a page."""
        language = visit.language
        return self._environment.get_template(template).render(
            visit=visit,
            account=visit._account,
            csrf=visit.session.csrf if visit.session else "",
            language=language,
            other=next(other for other in LANGUAGES if other != language),
            path=visit.request.url.path,
            say=visit.say,
            amount=lambda cents, currency: formats.amount(cents, currency, language),
            day=lambda iso: formats.day(iso, language),
            moment=lambda seconds: formats.moment(seconds, language),
            iso=formats.iso,
            size=lambda count: formats.size(count, language),
            **values,
        )


@dataclass(frozen=True)
class Page:
    """One address. `form` is what a POST there does; `limit` the bytes of that form."""

    address: str
    who: For
    show: Callable[[Visit], Response] | None = None
    form: Callable[[Visit], Response] | None = None
    limit: int = MAX_FORM
    is_slow: bool = field(default=False)  # checks a password: one at a time, so that guessing slows nobody down

    @property
    def methods(self) -> list[str]:
        """What may be asked of this address."""
        return [method for method, handler in (("GET", self.show), ("POST", self.form)) if handler]


def visit_of(portal: Portal, request: Request) -> Visit:
    """Who makes a request that is for no page; a `Visit` that draws nothing."""
    return _visit(portal, Drawer(), request)


def routes(portal: Portal, pages: Iterable[Page]) -> list[Route]:
    """The routes of pages, in their order."""
    drawer = Drawer()
    one_at_a_time = CapacityLimiter(1)
    return [_route(portal, drawer, page, one_at_a_time) for page in pages]


def _route(portal: Portal, drawer: Drawer, page: Page, one_at_a_time: CapacityLimiter) -> Route:
    async def answer(request: Request) -> Response:
        visit = await run_sync(_visit, portal, drawer, request)
        if (refusal := _refuse(visit, page)) is not None:
            return await run_sync(refusal)
        if request.method == "POST":
            return await _take_form(visit, page, one_at_a_time if page.is_slow else None)
        assert page.show is not None
        return await run_sync(_shown, visit, page.show)

    return Route(page.address, answer, methods=page.methods)


def _visit(portal: Portal, drawer: Drawer, request: Request) -> Visit:
    token = request.cookies.get(COOKIE, "")
    session = portal.sessions.find(token) if token else None
    account = portal.users.account(session.user) if session else None
    return Visit(portal, drawer, request, session if account else None, account)


def _refuse(visit: Visit, page: Page) -> Callable[[], Response] | None:
    if page.who == "anybody":
        return None
    if visit.session is None:
        address = visit.request.url.path
        if visit.request.method == "POST":
            return lambda: visit.go("/login")
        if visit.request.url.query:
            address += "?" + visit.request.url.query
        return lambda: visit.go(f"/login?next={quote(address, safe='')}" if address != "/" else "/login")
    if page.who not in {"people", visit.account.role}:
        return lambda: not_there(visit)
    return None


async def _take_form(visit: Visit, page: Page, limiter: CapacityLimiter | None) -> Response:
    request = visit.request
    if not comes_from_here(request):
        return await run_sync(lambda: failed(visit, 403, "error_origin"))
    try:
        async with _limited(request, page.limit).form(max_files=50, max_fields=MAX_FIELDS) as form:
            visit.form = form
            if visit.session is not None and not visit.session.is_right(form.get("csrf")):
                return await run_sync(lambda: failed(visit, 403, "error_csrf"))
            assert page.form is not None
            return await run_sync(_shown, visit, page.form, limiter=limiter)
    except _TooMuchError:
        return await run_sync(lambda: failed(visit, 413, "error_too_much"))
    except ClientDisconnect:
        return Response(None, 400)
    except HTTPException:  # a form that is none
        return await run_sync(lambda: failed(visit, 400, "error_form"))


class _TooMuchError(Exception):
    """More bytes than the page takes."""


def _limited(request: Request, limit: int) -> Request:
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise _TooMuchError
        return message

    return Request(request.scope, receive)


def comes_from_here(request: Request) -> bool:
    """Whether a request that changes something was made by a page of ours, as far as the browser tells."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")


def _shown(visit: Visit, show: Callable[[Visit], Response]) -> Response:
    try:
        response = show(visit)
    except NotForYouError:
        response = not_there(visit)
    except NoRightsError:
        response = failed(visit, 503, "error_no_rights")
    if visit.asked("lang") in LANGUAGES:  # chosen: it stays so
        response.set_cookie(LANGUAGE_COOKIE, visit.language, max_age=YEAR, httponly=True, samesite="lax", path="/")
        if visit.session is not None:
            visit.portal.users.change_language(visit.user, visit.language)
    return response


def not_there(visit: Visit) -> Response:
    """The page that says that there is none."""
    return failed(visit, 404, "error_not_there")


def failed(visit: Visit, status: int, key: str) -> Response:
    """A page that says what went wrong."""
    title = HTTPStatus(status).phrase if visit.language == "en" else visit.say("error_title")
    return visit.draw("failed.html", status, title=title, text=visit.say(key))


def _language(portal: Portal, request: Request, account: Account | None) -> str:
    asked = request.query_params.get("lang", "")
    for language in (asked, account.language if account else "", request.cookies.get(LANGUAGE_COOKIE, "")):
        if language in LANGUAGES:
            return language
    return portal.language
