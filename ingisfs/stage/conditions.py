"""The preconditions of HTTP: act only if the document is still the one that the client knows.

Source: RFC 9110, sections 13.1.1 (If-Match) and 13.1.2 (If-None-Match).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TAG = re.compile(r'(W/)?("[^"]*")')


@dataclass(frozen=True, slots=True)
class Condition:
    """`If-Match` and `If-None-Match` as they came; None where the request has none."""

    if_match: str | None = None
    if_none_match: str | None = None

    def __bool__(self) -> bool:
        """Whether there is anything to hold."""
        return self.if_match is not None or self.if_none_match is not None

    def holds(self, etag: str | None) -> bool:
        """Whether a request may act on a document with this ETag; None when there is no document."""
        if self.if_match is not None and not _matches(self.if_match, etag, weak=False):
            return False
        return self.if_none_match is None or not _matches(self.if_none_match, etag, weak=True)


NO_CONDITION = Condition()


def _matches(header: str, etag: str | None, *, weak: bool) -> bool:
    if etag is None:
        return False
    if header.strip() == "*":
        return True
    return any(tag == etag and (weak or not prefix) for prefix, tag in _TAG.findall(header))
