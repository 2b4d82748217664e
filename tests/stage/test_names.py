"""Names: all that a document may have come through unchanged, and none leads out of the inbox."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ingisfs.stage.failures import NameRefusedError
from ingisfs.stage.names import check_name, href, place_of
from tests.stage.harness import AWKWARD, Running, listed, raw

NAMES = [
    AWKWARD,
    "<script>alert(1)</script>.xml".replace("/", "∕"),
    "a'b\"c;d?e=f.pdf",
    "100%.pdf",
    "%2e%2e.pdf",
    "..F1.pdf",
    "…\u202e.pdf",
    "F1.pdf ",
    "発票 😀.pdf",
    "e\u0301.pdf",
    "n" * 251 + ".pdf",
    "é" * 127,
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_comes_through_unchanged(client: httpx.Client, stage: Running, name: str) -> None:
    address = "/inbox/" + quote(name, safe="")
    assert raw(stage, "PUT", address, body=b"een")[0] == 201
    assert stage.names() == [name]
    assert raw(stage, "GET", address) == (200, b"een")
    assert list(listed(client.request("PROPFIND", "/inbox/", headers={"Depth": "1"}))) == ["/inbox/", f"/inbox/{name}"]
    other = "/inbox/" + quote("2" + name[1:], safe="")
    assert raw(stage, "MOVE", address, {"Destination": stage.root + other, "Overwrite": "F"})[0] == 201
    assert stage.names() == ["2" + name[1:]]
    assert raw(stage, "DELETE", other)[0] == 204


@pytest.mark.parametrize(
    "segment",
    [
        "..",
        ".",
        "%2e%2e",
        "%2E.",
        "..%2fstage.db",
        "%2e%2e%2fstage.db",
        "a%2fb.pdf",
        "a%2Fb.pdf",
        "a%5cb.pdf",
        "a\\b.pdf",
        "..%5c..%5cstage.db",
        "a%00.pdf",
        "a%0a.pdf",
        "a%0d%0aX:y.pdf",
        "a%1f.pdf",
        "a%7f.pdf",
        "a%c2%85.pdf",
        "a%ff.pdf",
        "a%c0%af.pdf",
        "a%ed%a0%80.pdf",
        "../stage.db",
        "../inbox/F1.pdf",
        "map/../F1.pdf",
        "map//F1.pdf",
        "/F1.pdf",
        "n" * 256,
        "%C3%A9" * 128,
    ],
)
def test_a_name_that_could_lead_astray_is_refused_everywhere(
    client: httpx.Client, stage: Running, segment: str
) -> None:
    client.put("/inbox/F0.pdf", content=b"nul")
    address = "/inbox/" + segment
    for method in ("PUT", "GET", "HEAD", "DELETE", "PROPFIND", "MKCOL", "MOVE"):
        status, _ = raw(stage, method, address, {"Depth": "0", "Destination": "/inbox/F1.pdf"}, b"een")
        assert status == 400, method
    assert raw(stage, "MOVE", "/inbox/F0.pdf", {"Destination": address})[0] == 400
    assert stage.names() == ["F0.pdf"]


def test_a_destination_in_bare_utf8_is_understood(client: httpx.Client, stage: Running) -> None:
    client.put("/inbox/F1.pdf", content=b"een")
    headers = {"Destination": "/inbox/é.pdf".encode().decode("latin-1")}
    assert raw(stage, "MOVE", "/inbox/F1.pdf", headers)[0] == 201
    assert stage.names() == ["é.pdf"]


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.text(min_size=1, max_size=60), max_size=2))
def test_every_allowed_place_has_an_address_that_leads_back_to_it(names: list[str]) -> None:
    try:
        for name in names:
            check_name(name)
    except NameRefusedError:
        assume(False)
    for folder in (False, True):
        address = href(tuple(names), folder=folder)
        assert address.isascii()
        assert place_of(address.encode()) == tuple(names)


@settings(deadline=None)  # the machine may be busy
@given(st.binary(max_size=60))
def test_no_address_leads_out_of_the_inbox(path: bytes) -> None:
    try:
        place = place_of(b"/inbox/" + path)
    except NameRefusedError:
        return
    assert not any(set(name) & {"/", "\\", "\0"} or name in {"", ".", ".."} for name in place)
