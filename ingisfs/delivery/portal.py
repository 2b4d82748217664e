"""The INGIS portal's API over httpx (docs/ingis-api.md): a draft is put, and made a document by one POST with a key.

One client, one connection, one thread. `ingis://host` is HTTPS; `ingis+http://` only for this machine itself.

The key is the document's id, so a document is made once, however often that is asked for, under whatever temporary
name, and after whatever rest. The portal remembers which draft became a document. So `entry` still shows such a draft,
and a doubt is resolved by asking for the same again: the answer is the same receipt. Absence therefore proves nothing,
and a draft has no tag, without which the courier never takes absence for a delivery.
"""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
from dataclasses import dataclass
from datetime import datetime
from http import HTTPMethod
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from ingisfs.delivery.failures import (
    DeliveryError,
    DocumentRefusedError,
    DoubtError,
    NameExistsError,
    TargetNeedsPersonError,
    TargetReason,
    TransientError,
    UnreachableError,
)
from ingisfs.delivery.receipts import Receipt
from ingisfs.delivery.server import Entry, document_of, temporary_name
from ingisfs.delivery.wire import READ, client, failure, folder_address, line, on_the_wire, retry_after
from ingisfs.outbox.document import new_id

VERSION = 1  # of the API
MAX_ANSWER = 16 * 2**20  # bytes of JSON in one answer
MAX_DETAIL = 300  # characters of what a problem says
MAX_RECEIPTS = 500  # in one answer

# What a problem's type (RFC 9457), its last part, says more exactly than the status.
_KINDS: dict[str, type[DeliveryError] | TargetReason] = {
    "draft-taken": TransientError,  # the next attempt has a name of its own
    "digest-mismatch": TransientError,  # damaged on the way
    "name-taken": NameExistsError,
    "no-folder": TargetReason.FOLDER_MISSING,
    "no-draft": DocumentRefusedError,
    "key-reused": DocumentRefusedError,
    "name-refused": DocumentRefusedError,
    "too-large": DocumentRefusedError,
}


@dataclass(frozen=True, slots=True)
class _Answer:
    response: httpx.Response
    method: str
    body: bytes

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def type(self) -> str:
        return str(self.response.headers.get("content-type", "")).partition(";")[0].strip().lower()

    def json(self, status: set[int]) -> dict[str, Any] | None:
        """Return the object in a success, None in all else: a log-in page of a network is no success."""
        if self.status not in status or self.type != "application/json":
            return None
        return _object(self.body)

    def problem(self) -> tuple[str, str]:
        """Return the type and the detail of a problem, "" each if it is none."""
        found = _object(self.body) if self.type == "application/problem+json" else None
        kind, detail = (str((found or {}).get(key, "")) for key in ("type", "detail"))
        return kind.rpartition("/")[2], " ".join(detail.split())[:MAX_DETAIL]


class PortalServer:
    """The inbox of an INGIS portal. See `Server` for the contract."""

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        *,
        verify: ssl.SSLContext | bool = True,
        proxy: str = "",
        read_timeout: float = READ,
    ) -> None:
        """Talk to the portal at `url`; nothing is sent yet. Time-outs in seconds. `proxy` as in `wire.client`."""
        scheme, rest = url.split("://", 1)
        origin, path = folder_address(f"{'http' if scheme == 'ingis+http' else 'https'}://{rest}")
        self._base = f"{origin}{path}api"
        self._client = client(user, password, verify, read_timeout, ("GET", self._base), proxy)

    # ---- the contract --------------------------------------------------------------------------------------------

    def ping(self) -> None:
        """See `Server.ping`."""
        answer = self._ask(HTTPMethod.GET, "")
        found = answer.json({200})
        if found is None:
            raise _failure(answer)
        if found.get("api") != "ingis" or found.get("version") != VERSION:
            raise TargetNeedsPersonError(TargetReason.NOT_INGIS, f"{self._base}: {found}"[:MAX_DETAIL])

    def put(self, name: str, data: bytes) -> None:
        """See `Server.put`. The portal stores nothing whose SHA-256 is not the one that was sent along."""
        digest = hashlib.sha256(data).digest()
        headers = {"Content-Type": "application/octet-stream", "Content-Digest": _content_digest(digest)}
        answer = self._ask(HTTPMethod.PUT, f"/drafts/{quote(name)}", content=data, headers=headers)
        found = answer.json({200, 201})
        if found is None:
            raise _failure(answer)
        if found.get("sha256") != digest.hex() or found.get("size") != len(data):
            raise TransientError(f"{line(answer.response, 'PUT')}, but of other bytes")

    def publish(self, temporary: str, final: str) -> None:
        """See `Server.publish`. Asking for the same again does nothing, and is answered as the first time."""
        self._create({"draft": temporary, "name": final})

    def replace(self, temporary: str, final: str) -> None:
        """See `Server.replace`."""
        there = self.entry(final)
        self._create({"draft": temporary, "name": final, **({"replaces": there.tag} if there is not None else {})})

    def create(self, final: str, data: bytes, *, over: bool = False) -> None:
        """See `Server.create`. Nobody needs it: `publish` never says that it cannot."""
        temporary = temporary_name(final, new_id(), 1)
        self.put(temporary, data)
        (self.replace if over else self.publish)(temporary, final)

    def _create(self, wanted: dict[str, str]) -> None:
        headers = {"Content-Type": "application/json", "Idempotency-Key": f'"{key_of(wanted["draft"])}"'}
        content = json.dumps(wanted).encode()
        answer = self._ask(HTTPMethod.POST, "/documents", doubtful=True, content=content, headers=headers)
        found = answer.json({200, 201})
        if found is not None and found.get("receipt") and found.get("name") == wanted["name"]:
            return
        kind, detail = answer.problem()
        status = answer.status
        if kind not in _KINDS and (status < 300 or status == 409 or (status >= 500 and status not in {501, 503, 507})):
            raise DoubtError(line(answer.response, "POST", detail))
        raise _failure(answer)

    def entry(self, name: str) -> Entry | None:
        """See `Server.entry`. A draft that became a document is still there to be asked about."""
        draft = document_of(name) is not None
        found = self._found(f"/{'drafts' if draft else 'documents'}/{quote(name)}")
        return None if found is None else _entry(found, draft=draft)

    def entries(self, folder: str) -> dict[str, Entry]:
        """Return the drafts in a folder that are not documents yet. Documents are asked for by their names."""
        found = self._found("/drafts?" + urlencode({"folder": folder}))
        if found is None:
            raise TargetNeedsPersonError(TargetReason.FOLDER_MISSING, folder or self._base)
        try:
            return {str(row["name"]).rpartition("/")[2]: _entry(row, draft=True) for row in found["drafts"]}
        except (KeyError, TypeError, ValueError):
            raise TransientError("a listing that is none") from None

    def names(self, folder: str) -> set[str]:
        """See `Server.names`."""
        return set(self.entries(folder))

    @property
    def lists_sizes(self) -> bool:
        """See `Server.lists_sizes`."""
        return True

    def get(self, name: str) -> bytes | None:
        """See `Server.get`."""
        answer = self._ask(HTTPMethod.GET, f"/content/{quote(name)}")
        if _is_absent(answer):
            return None
        digest = answer.response.headers.get("content-digest", "")
        if answer.status != 200 or not digest:
            raise _failure(answer)
        if digest != _content_digest(hashlib.sha256(answer.body).digest()):
            raise TransientError(f"{line(answer.response, 'GET')}, but of other bytes")
        return answer.body

    def remove(self, name: str) -> None:
        """See `Server.remove`. The portal removes drafts only."""
        answer = self._ask(HTTPMethod.DELETE, f"/drafts/{quote(name)}")
        if answer.status != 204 and not _is_absent(answer):
            raise _failure(answer)

    def close(self) -> None:
        """See `Server.close`."""
        self._client.close()

    # ---- beyond it -----------------------------------------------------------------------------------------------

    def receipts(self, after: str = "", limit: int = MAX_RECEIPTS) -> list[Receipt]:
        """Return what became of documents, oldest first, behind the cursor `after` ("" for the beginning).

        At most `limit`; none when all has been told. Raises as `entry`.
        """
        found = self._found("/receipts?" + urlencode({"after": after, "limit": limit}))
        if found is None:
            raise TargetNeedsPersonError(TargetReason.NOT_INGIS, f"{self._base}/receipts")
        try:
            return [_receipt(row) for row in found["receipts"]]
        except (KeyError, TypeError, ValueError):
            raise TransientError("a feed of receipts that is none") from None

    # ---- one request ---------------------------------------------------------------------------------------------

    def _ask(
        self,
        method: HTTPMethod,
        place: str,
        *,
        doubtful: bool = False,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> _Answer:
        with (
            on_the_wire(doubtful=doubtful),
            self._client.stream(method, self._base + place, content=content, headers=headers) as response,
        ):
            # Bytes of a document are as many as they are; all else has an end somewhere.
            bounded = "content-digest" not in response.headers
            body = bytearray()
            for piece in response.iter_bytes():
                body += piece
                if bounded and len(body) > MAX_ANSWER:
                    text = f"{line(response, method)}, with more than {MAX_ANSWER} bytes"
                    raise DoubtError(text) if doubtful else UnreachableError(text)
            return _Answer(response, method, bytes(body))

    def _found(self, place: str) -> dict[str, Any] | None:
        """Return what the portal tells, None if it says itself that there is nothing."""
        answer = self._ask(HTTPMethod.GET, place)
        if _is_absent(answer):
            return None
        found = answer.json({200})
        if found is None:
            raise _failure(answer)
        return found


def key_of(temporary: str) -> str:
    """Return the key under which a draft becomes a document: the document's id, of a probe its own."""
    found = document_of(temporary)
    if found is None:
        raise ValueError(f"{temporary} is not a temporary name")
    name = temporary.rpartition("/")[2]
    return name.strip(".").removesuffix(".part") if name.endswith("-probe.part") else found[0]


def _failure(answer: _Answer) -> DeliveryError:
    """Return what an answer that is no success means."""
    kind, detail = answer.problem()
    said = line(answer.response, answer.method, detail)
    meaning = _KINDS.get(kind)
    if isinstance(meaning, TargetReason):
        return TargetNeedsPersonError(meaning, said)
    if meaning is TransientError:
        return TransientError(said, retry_after(answer.response))
    if meaning is not None:
        return meaning(said)
    if answer.status in {404, 410}:
        return TargetNeedsPersonError(TargetReason.NOT_INGIS, said)
    return failure(answer.response, answer.method, detail, stranger=TargetReason.NOT_INGIS, body=answer.body)


def _is_absent(answer: _Answer) -> bool:
    """Tell whether the portal says that there is nothing; any other 404 may be of somebody on the way."""
    return answer.status == 404 and answer.problem()[0] == "not-found"


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _entry(found: dict[str, Any], *, draft: bool) -> Entry:
    try:
        return Entry(int(found["size"]), "" if draft else str(found["sha256"]))
    except (KeyError, TypeError, ValueError):
        raise TransientError("a description that is none") from None


def _receipt(row: dict[str, Any]) -> Receipt:
    at = datetime.fromisoformat(row["at"]).timestamp()
    name, digest, state, cursor = (str(row[field]) for field in ("name", "sha256", "state", "cursor"))
    return Receipt(name, digest, state, str(row.get("reason") or ""), at, cursor, str(row.get("key") or ""))


def _content_digest(sha256: bytes) -> str:
    """Return the header of RFC 9530."""
    return f"sha-256=:{base64.b64encode(sha256).decode()}:"
