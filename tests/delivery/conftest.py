"""What the tests of delivering share."""

from __future__ import annotations

from tests.delivery.couriers import outbox, server, soon

__all__ = ["outbox", "server", "soon"]
