"""The portal's API: its client against the real stage, and what is promised when answers are lost."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from ingisfs.delivery.courier import Plan
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
from ingisfs.delivery.portal import PortalServer, key_of
from ingisfs.delivery.probe import probe
from ingisfs.outbox.document import State
from ingisfs.outbox.intake import Rules
from ingisfs.outbox.outbox import Outbox
from tests.delivery import couriers
from tests.delivery.couriers import all_delivered, fifty_pairs, pair, until
from tests.documents import keep, pdf
from tests.servers import StageServer, stage_server

NAME = "factuur é#% &+~ç.pdf"
ONE, TWO = ".ingisfs-aaaaaaaaaaaa-1.part", ".ingisfs-bbbbbbbbbbbb-1.part"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[StageServer]:
    with stage_server(tmp_path) as server:
        yield server


def connect(stage: StageServer, port: int | None = None, password: str | None = None) -> PortalServer:
    url = f"ingis+http://127.0.0.1:{port or stage.port}/"
    return PortalServer(url, stage.user, stage.password if password is None else password, read_timeout=20)


@contextmanager
def connected(stage: StageServer, port: int | None = None, password: str | None = None) -> Iterator[PortalServer]:
    client = connect(stage, port, password)
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def client(stage: StageServer) -> Iterator[PortalServer]:
    with connected(stage) as made:
        yield made


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_document_is_put_verified_published_and_read_back(stage: StageServer, client: PortalServer) -> None:
    data = bytes(range(256)) * 300
    client.ping()
    client.put(ONE, data)
    entry = client.entry(ONE)
    assert entry is not None
    assert (entry.size, entry.tag) == (len(data), "")
    assert client.entries("") == {ONE: entry}
    client.publish(ONE, NAME)
    assert client.get(NAME) == data
    there = client.entry(NAME)
    assert there is not None
    assert (there.size, there.tag) == (len(data), sha256(data))
    assert client.entries("") == {}
    assert client.get("no such.pdf") is None
    assert client.entry("no such.pdf") is None
    assert client.entry(TWO) is None
    client.remove(TWO)
    assert stage.names() == [NAME]
    assert [(row["name"], row["sha256"]) for row in stage.received()] == [(NAME, sha256(data))]


def test_what_is_published_again_was_published_once(stage: StageServer, client: PortalServer) -> None:
    client.put(ONE, b"een")
    client.publish(ONE, "F1.pdf")
    (stage.root / "F1.pdf").unlink()  # INGIS has collected it
    entry = client.entry(ONE)
    assert entry is not None
    assert entry.size == 3
    client.publish(ONE, "F1.pdf")
    assert stage.names() == []


def test_a_document_that_is_put_again_by_a_later_attempt_is_not_made_twice(
    stage: StageServer, client: PortalServer
) -> None:
    client.put(ONE, b"een")
    client.publish(ONE, "F1.pdf")
    (stage.root / "F1.pdf").unlink()
    again = ONE.replace("-1.part", "-2.part")
    client.put(again, b"een")
    client.publish(again, "F1.pdf")
    assert stage.names() == [again]
    client.remove(again)
    assert stage.names() == []


def test_other_bytes_under_the_same_key_are_refused(stage: StageServer, client: PortalServer) -> None:
    client.put(ONE, b"een")
    client.publish(ONE, "F1.pdf")
    again = ONE.replace("-1.part", "-2.part")
    client.put(again, b"twee")
    with pytest.raises(DocumentRefusedError):
        client.publish(again, "F1.pdf")
    with pytest.raises(DocumentRefusedError):
        client.publish(ONE, "F2.pdf")
    assert (stage.root / "F1.pdf").read_bytes() == b"een"


def test_a_name_that_exists_is_never_overwritten_but_by_our_own_next_print(
    stage: StageServer, client: PortalServer
) -> None:
    client.put(ONE, b"first")
    client.publish(ONE, NAME)
    client.put(TWO, b"second")
    with pytest.raises(NameExistsError):
        client.publish(TWO, NAME)
    assert client.get(NAME) == b"first"
    client.replace(TWO, NAME)
    assert client.get(NAME) == b"second"
    client.replace(TWO, NAME)
    assert stage.names() == [NAME]


def test_a_draft_that_is_not_there_cannot_be_published(client: PortalServer) -> None:
    with pytest.raises(DocumentRefusedError):
        client.publish(ONE, "F1.pdf")


def test_folders_are_one_level_deep_and_must_be_there(stage: StageServer, client: PortalServer) -> None:
    with pytest.raises(TargetNeedsPersonError) as raised:
        client.put(f"map é/{ONE}", b"x")
    assert raised.value.reason is TargetReason.FOLDER_MISSING
    with pytest.raises(TargetNeedsPersonError) as raised:
        client.entries("map é")
    assert raised.value.reason is TargetReason.FOLDER_MISSING
    (stage.root / "map é").mkdir()
    client.put(f"map é/{ONE}", b"x")
    assert list(client.entries("map é")) == [ONE]
    client.publish(f"map é/{ONE}", f"map é/{NAME}")
    assert client.get(f"map é/{NAME}") == b"x"


def test_a_document_can_be_made_without_a_draft_of_ones_own(client: PortalServer) -> None:
    client.create(NAME, b"een")
    with pytest.raises(NameExistsError):
        client.create(NAME, b"twee")
    client.create(NAME, b"twee", over=True)
    assert client.get(NAME) == b"twee"


def test_a_wrong_password_needs_a_person(stage: StageServer) -> None:
    with connected(stage, password="wrong") as client, pytest.raises(TargetNeedsPersonError) as raised:
        client.ping()
    assert raised.value.reason is TargetReason.LOGIN


def test_an_address_without_a_portal_needs_a_person(stage: StageServer) -> None:
    client = PortalServer(f"ingis+http://127.0.0.1:{stage.port}/inbox", stage.user, stage.password)
    with pytest.raises(TargetNeedsPersonError) as raised:
        client.ping()
    assert raised.value.reason is TargetReason.NOT_INGIS
    client.close()


def test_a_portal_that_went_away_is_unreachable_and_comes_back(stage: StageServer, client: PortalServer) -> None:
    client.ping()
    stage.stop()
    with pytest.raises(UnreachableError):
        client.put(ONE, b"x")
    stage.start()
    client.put(ONE, b"x")
    client.publish(ONE, "F1.pdf")
    stage.stop()
    stage.start()
    client.publish(ONE, "F1.pdf")
    assert [receipt.name for receipt in client.receipts()] == ["F1.pdf"]


def test_the_check_of_a_server_finds_all_well_and_leaves_nothing(stage: StageServer) -> None:
    findings = probe(lambda: connect(stage))
    assert findings.error is None
    assert (findings.good, findings.renames, findings.listed, findings.left) == (True, True, True, ())
    assert stage.names() == []
    with connected(stage) as client:
        assert client.receipts() == []


def test_a_document_has_one_key_and_each_file_of_a_check_its_own() -> None:
    assert key_of("map/.ingisfs-aaaaaaaaaaaa-1.part") == key_of(".ingisfs-aaaaaaaaaaaa-2.part") == "aaaaaaaaaaaa"
    probes = {key_of(f".ingisfs-aaaaaaaaaaaa-{number}-probe.part") for number in (1, 2, 3)}
    assert len(probes | {"aaaaaaaaaaaa"}) == 4


def test_receipts_are_told_page_by_page_in_their_order(client: PortalServer) -> None:
    ids = [f"{number:012}" for number in range(5)]
    for number, one in enumerate(ids):
        client.put(f".ingisfs-{one}-1.part", str(number).encode())
        client.publish(f".ingisfs-{one}-1.part", f"F{number}.pdf")
    everything = client.receipts()
    assert [(r.name, r.digest, r.state, r.reason, r.key) for r in everything] == [
        (f"F{number}.pdf", sha256(str(number).encode()), "accepted", "", one) for number, one in enumerate(ids)
    ]
    assert all(1.7e9 < receipt.at < 1e10 for receipt in everything)
    told, cursor = [], ""
    while page := client.receipts(cursor, limit=2):
        assert len(page) <= 2
        told += page
        cursor = page[-1].cursor
    assert told == everything
    assert client.receipts(everything[1].cursor) == everything[2:]
