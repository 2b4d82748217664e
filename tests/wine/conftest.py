"""Wine, once for all tests here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.wine import wine as wines


@pytest.fixture(scope="session")
def wine() -> Iterator[wines.Wine]:
    """Have Wine, or say in one line why the tests that need it are left out."""
    if lacking := wines.lacking():
        pytest.skip(f"no tests under Wine: {lacking}")
    with wines.prefix() as made:
        yield made
