"""Documents by hand: dropped on a page or chosen there, each with its own answer.

With the script each file comes by itself, as the whole body of a request, so that there is progress to show; without
it all come in one form. Either way a file is in the inbox as a whole, or not at all, and what INGIS says of it follows.
"""

from __future__ import annotations

import re
from typing import Any

from anyio.to_thread import run_sync
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ingisfs.stage import failures
from ingisfs.stage.bodies import received
from ingisfs.stage.conditions import Condition
from ingisfs.stage.invoices import reason_of
from ingisfs.stage.names import check_name, is_temporary
from ingisfs.stage.pages.frame import Page, Visit, comes_from_here, visit_of
from ingisfs.stage.portal import Portal

MAX_UPLOAD = 200 * 1024 * 1024  # bytes of one form
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_FREE = Condition(if_none_match="*")


def pages() -> list[Page]:
    """Their addresses."""
    return [
        Page("/upload", "king", show, take_form, limit=MAX_UPLOAD),
        Page("/upload/answer", "king", answer),
    ]


def show(visit: Visit) -> Response:
    """Where files are dropped."""
    return visit.draw("upload.html", answers=[])


def take_form(visit: Visit) -> Response:
    """Files in a form."""
    inbox = visit.portal.desks.of(visit.user).inbox
    answers = []
    for sent in visit.form.getlist("files"):
        if isinstance(sent, str) or not sent.filename:
            continue
        upload = inbox.upload()
        try:
            while chunk := sent.file.read(256 * 1024):
                if upload.add(chunk):
                    upload.spill()
            name = _name(sent.filename)
            inbox.keep(upload, (name,), _FREE)
            answers.append((name, True, visit.say("upload_taken")))
        except failures.InboxError as failure:
            answers.append((sent.filename, False, _why(visit, failure, sent.filename)))
        finally:
            upload.discard()
    return visit.draw("upload.html", answers=answers)


def route(portal: Portal) -> Route:
    """`POST /upload/file?name=`: one file as the body of a request, for the script."""

    async def take(request: Request) -> Response:
        visit = await run_sync(visit_of, portal, request)
        is_right = visit.session is not None and visit.session.is_right(request.headers.get("x-csrf"))
        if not (visit.is_king and is_right and comes_from_here(request)):
            return JSONResponse({"ok": False, "text": visit.say("error_csrf")}, 403)
        desk = await run_sync(portal.desks.of, visit.user)
        given = request.query_params.get("name", "")
        try:
            name = _name(given)
            async with received(request, desk.inbox) as upload:
                document, _ = await run_sync(desk.inbox.keep, upload, (name,), _FREE)
        except failures.InboxError as failure:
            return JSONResponse({"ok": False, "text": _why(visit, failure, given)}, 422)
        except ClientDisconnect:
            return Response(None, 400)
        return JSONResponse({"ok": True, "text": visit.say("upload_taken"), "sha256": document.sha256})

    return Route("/upload/file", take, methods=["POST"])


def answer(visit: Visit) -> Response:
    """What INGIS says of a file by now: `waiting`, or the status of its invoice."""
    name, digest = visit.request.query_params.get("name", "")[:300], visit.asked("sha256")
    told: dict[str, Any] = {"state": "waiting", "text": visit.say("upload_waiting"), "link": ""}
    if _DIGEST.match(digest):
        invoice = visit.portal.invoices.of_file(visit.user, name, digest)
        if invoice is not None:
            reason = reason_of(invoice, visit.language)
            told = {
                "state": invoice["status"],
                "status": visit.say(f"status_{invoice['status']}"),
                "text": reason or visit.say("invoice_title", number=invoice["number"]),
                "link": f"/invoices/{invoice['id']}",
            }
    return JSONResponse(told)


def _name(given: str) -> str:
    """The name of a file that a browser sends. Raises NameRefusedError."""
    name = given.replace("\\", "/").rpartition("/")[2]
    check_name(name)
    if is_temporary((name,)):
        raise failures.NameRefusedError
    return name


def _why(visit: Visit, failure: failures.InboxError, name: str) -> str:
    if isinstance(failure, failures.ConditionFailedError | failures.IsFolderError):
        return visit.say("upload_taken_name", name=name)
    limit = visit.portal.size_limit // 1024**2
    return visit.say(type(failure).__name__, name=failure.name or name, limit=limit)
