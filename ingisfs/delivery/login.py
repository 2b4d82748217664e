"""Logging in over HTTP: Basic (RFC 7617) or Digest (RFC 7616), whichever the server asks for.

Nothing is shown before the server has said what it wants, so a server that only knows Digest never sees the password.
Who offers both is told it by Basic: the connection is encrypted or never leaves this machine, and Basic survives what a
proxy makes of an address. From then on each request has what it needs, and costs one round trip.

Who may not know yet what the server wants, or whether Digest's nonce is still good, asks a small question before it
sends many bytes, which the server would not take.

A password that the server refuses was shown once. The one answer after which a request is sent again is that of Digest
that says `stale=true`: the password was right and the nonce too old.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import time
from collections.abc import Generator
from typing import Final

import httpx

from ingisfs.delivery.failures import TargetNeedsPersonError, TargetReason

LITTLE = 256  # bytes of a body that may be sent for nothing
RESTED = 20.0  # s after which a nonce may be too old; servers that end one announce the next 30 s before

#: Algorithms of Digest, the best first, and how Python calls them.
_ALL: Final = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}
_HASHES: Final = {name: ours for name, ours in _ALL.items() if ours in hashlib.algorithms_available}
_PART = re.compile(r'([\w!#$%&\'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))|([\w-]+)', re.ASCII)

Challenge = dict[str, str]


class Login(httpx.Auth):
    """Shows one user's password as the server asks for it. For one client, and one thread."""

    def __init__(self, user: str, password: str, question: httpx.Request) -> None:
        """`question` is a small request that needs a log-in as all others do. No password: nobody logs in."""
        self._user = user
        self._password = password
        self._question = question
        self._scheme = ""  # "basic", "digest"; "" until the server has said it
        self._challenge: Challenge = {}
        self._count = 0  # requests with the nonce of the challenge
        self._asked = False  # the question, once
        self._used = 0.0  # on time.monotonic: when the server took what we showed last

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Say what is sent, as httpx has it: each request that is yielded is answered.

        Raises TargetNeedsPersonError if the server refuses the password before the request was sent.
        """
        if int(request.headers.get("Content-Length", 0)) > LITTLE and self._doubts():
            shown = self._show(self._question)
            self._heed((yield self._question), shown)
            if shown and not self._scheme:
                raise TargetNeedsPersonError(TargetReason.LOGIN, f"{self._question.method}: 401 Unauthorized")
            self._asked = True
        for _ in range(2):
            shown = self._show(request)
            if not self._heed((yield request), shown):
                return

    def _doubts(self) -> bool:
        """Tell whether a request might be sent for nothing."""
        if not self._scheme:
            return bool(self._password) and not self._asked
        return self._scheme == "digest" and time.monotonic() - self._used > RESTED

    def _show(self, request: httpx.Request) -> bool:
        """Have a request log in, if it is known how; tells whether it does."""
        request.headers.pop("Authorization", None)
        if self._scheme == "basic":
            pair = f"{self._user}:{self._password}".encode()
            request.headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        elif self._scheme == "digest":
            self._count += 1
            target = request.url.raw_path.decode("ascii")
            request.headers["Authorization"] = self._digest(request.method, target)
        return bool(self._scheme)

    def _heed(self, answer: httpx.Response, shown: bool = False) -> bool:
        """Learn from an answer; tells whether the same should be sent again. `shown`: the request logged in."""
        if answer.status_code != 401:
            self._used = time.monotonic()
            self._take_next_nonce(answer)
            return False
        offered = challenges(answer)
        stale = self._scheme == "digest" and any(each.get("stale", "").lower() == "true" for _, each in offered)
        self._scheme = ""  # what the server wants may have changed
        if shown and not stale:
            return False
        self._scheme, self._challenge = _chosen(offered) if self._password else ("", {})
        self._count = 0
        return bool(self._scheme)

    def _take_next_nonce(self, answer: httpx.Response) -> None:
        ((_, told),) = _parsed("info " + answer.headers.get("Authentication-Info", ""))[:1]
        if self._scheme == "digest" and (nonce := told.get("nextnonce")):
            self._challenge = {**self._challenge, "nonce": nonce}
            self._count = 0

    def _digest(self, method: str, target: str) -> str:
        """Return the header of RFC 7616, 3.4."""
        told = self._challenge
        algorithm = told.get("algorithm", "MD5")

        def digest(*parts: str) -> str:
            name = _HASHES[algorithm.upper().removesuffix("-SESS")]
            return hashlib.new(name, ":".join(parts).encode(), usedforsecurity=False).hexdigest()

        nonce, count, ours = told["nonce"], f"{self._count:08x}", secrets.token_hex(16)
        secret = digest(self._user, told["realm"], self._password)
        if algorithm.upper().endswith("-SESS"):
            secret = digest(secret, nonce, ours)
        wanted = digest(method, target)
        quoted = {"username": self._user, "realm": told["realm"], "nonce": nonce, "uri": target}
        plain = {"algorithm": algorithm} if "algorithm" in told else {}
        if "qop" in told:
            quoted["response"] = digest(secret, nonce, count, ours, "auth", wanted)
            quoted["cnonce"] = ours
            plain |= {"qop": "auth", "nc": count}
        else:
            quoted["response"] = digest(secret, nonce, wanted)
        if "opaque" in told:
            quoted["opaque"] = told["opaque"]
        fields = [f"{key}={_quote(value)}" for key, value in quoted.items()]
        return "Digest " + ", ".join(fields + [f"{key}={value}" for key, value in plain.items()])


def challenges(answer: httpx.Response) -> list[tuple[str, Challenge]]:
    """Return what a server offers to log in with: name of the scheme, and its parameters, both in lower case."""
    return [each for header in answer.headers.get_list("WWW-Authenticate") for each in _parsed(header)]


def _parsed(header: str) -> list[tuple[str, Challenge]]:
    found: list[tuple[str, Challenge]] = []
    for key, quoted, plain, scheme in _PART.findall(header):
        if scheme:
            found.append((scheme.lower(), {}))
        elif found:
            found[-1][1][key.lower()] = re.sub(r"\\(.)", r"\1", quoted) or plain
    return found


def _chosen(offered: list[tuple[str, Challenge]]) -> tuple[str, Challenge]:
    """Return the scheme to log in with, and its challenge; "" if none can be."""
    if not offered or any(scheme == "basic" for scheme, _ in offered):  # some forget to say it
        return "basic", {}
    usable = [each for scheme, each in offered if scheme == "digest" and _is_usable(each)]
    order = list(_HASHES)
    best = min(usable, key=lambda each: order.index(_base(each)), default=None)
    return ("", {}) if best is None else ("digest", best)


def _is_usable(challenge: Challenge) -> bool:
    ways = re.split(r"[,\s]+", challenge.get("qop", "auth").lower())
    return {"realm", "nonce"} <= set(challenge) and "auth" in ways and _base(challenge) in _HASHES


def _base(challenge: Challenge) -> str:
    return challenge.get("algorithm", "MD5").upper().removesuffix("-SESS")


def _quote(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
