"""Everything that servers, proxies and INGIS do to an upload. The check is always the server's own list: each document
once, byte for byte, and nothing under a final name that was ever half.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from ingisfs.delivery.courier import Courier, Plan
from ingisfs.delivery.server import PREFIX
from ingisfs.delivery.webdav import WebDavServer
from ingisfs.outbox.document import Reason, State
from ingisfs.outbox.intake import Rules
from ingisfs.outbox.outbox import Outbox
from tests.delivery import couriers
from tests.delivery.couriers import all_delivered, fifty_pairs, get, given_up, pair, until
from tests.documents import keep, pdf
from tests.faulty_dav import DO_AND_HANG_UP, DO_AND_SILENCE, HANG_UP, SILENCE, Fault, FaultyDav, Say, faulty_dav
from tests.servers import nginx_server, wait_for


@pytest.fixture
def dav() -> Iterator[FaultyDav]:
    with faulty_dav() as made:
        yield made


@contextmanager
def delivering(outbox: Outbox, dav: FaultyDav, workers: int = 2, read_timeout: float = 0.5) -> Iterator[Courier]:
    """Run a courier over the wire until the block ends."""
    plan = Plan(Rules(pair_wait=0.0), workers=workers)
    with couriers.delivering(outbox, plan, lambda: connect(dav, read_timeout)) as made:
        yield made


def connect(dav: FaultyDav, read_timeout: float = 0.5) -> WebDavServer:
    return WebDavServer(dav.url, "king", "secret", read_timeout=read_timeout)


def check(dav: FaultyDav, wanted: dict[str, bytes]) -> None:
    assert Counter(name for name, _ in dav.arrivals) == Counter(list(wanted))
    assert dict(dav.arrivals) == wanted


def first(method: str, what: Say | str, times: int = 1) -> Fault:
    return lambda done, name, count: what if done == method and count <= times else None


PASSING: dict[str, Fault] = {
    "put: 201 and then the connection is reset": first("PUT", DO_AND_HANG_UP),
    "put: stored, then 504": first("PUT", Say(504, do=True)),
    "put: reset before the body": first("PUT", HANG_UP),
    "put: time-out in the body": first("PUT", SILENCE),
    "put: time-out after the body": first("PUT", DO_AND_SILENCE),
    "put: 423 for a while": first("PUT", Say(423), 3),
    "put: 429 with Retry-After in seconds": first("PUT", Say(429, headers=(("Retry-After", "0"),)), 2),
    "put: 429 with Retry-After as a date": first(
        "PUT", Say(429, headers=(("Retry-After", format_datetime(datetime.now(UTC) - timedelta(1), usegmt=True)),)), 2
    ),
    "put: 500 with a page": first("PUT", Say(500, b"<html>oops", "text/html"), 2),
    "put: 507 for a while": first("PUT", Say(507), 2),
    "put: a hotel's log-in page with 200": first("PUT", Say(200, b"<html>room number?", "text/html"), 2),
    "put: 201, and the file is empty": lambda method, name, count: Say(201) if method == "PUT" and count == 1 else None,
    "list: 500": first("PROPFIND", Say(500), 3),
    "list: no multistatus in it": first("PROPFIND", Say(207, b"<html>"), 2),
    "list: 404 for everything, once": first("PROPFIND", Say(404)),
    "move: done, the answer is lost": first("MOVE", DO_AND_HANG_UP),
    "move: done, then silence": first("MOVE", DO_AND_SILENCE),
    "move: done, then 504": first("MOVE", Say(504, do=True)),
    "move: done, then 500 with a page": first("MOVE", Say(500, b"<html>", "text/html", do=True)),
    "move: not done, 503": first("MOVE", Say(503)),
    "move: not done, reset": first("MOVE", HANG_UP),
    "move: not done, 423": first("MOVE", Say(423)),
    "move: not done, 409": first("MOVE", Say(500)),
    "all: many are reset": lambda method, name, count: HANG_UP if count in {2, 3, 5, 8, 13} else None,
    "all: many are done and their answers lost": lambda method, name, count: (
        DO_AND_HANG_UP if count in {1, 2, 4, 7, 11} else None
    ),
}


@pytest.mark.parametrize("collects", [False, True], ids=["stays", "INGIS takes it at once"])
@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_what_passes_delays_a_pair_and_nothing_else(
    outbox: Outbox, dav: FaultyDav, fault: Fault, collects: bool
) -> None:
    dav.fault, dav.collects = fault, collects
    wanted = pair(outbox)
    with delivering(outbox, dav):
        all_delivered(outbox)
    check(dav, wanted)
    assert [name for name, _ in dav.arrivals] == ["F1.pdf", "F1.xml"]


@pytest.mark.parametrize("status", [301, 302, 307, 401, 403, 404, 405, 407, 410])
def test_what_needs_a_person_stops_the_target_and_keeps_the_documents(
    outbox: Outbox, dav: FaultyDav, status: int
) -> None:
    stuck = [True]
    headers = (("Location", dav.url),) if status < 400 else ()
    dav.fault = lambda method, name, count: Say(status, headers=headers) if stuck[0] else None
    wanted = pair(outbox)
    with delivering(outbox, dav) as courier:
        wait_for(lambda: '"needs_person"' in (outbox.meta("target") or ""), "the target to need a person")
        wait_for(lambda: len(dav.requests) == 2, "two tries")
        assert outbox.waiting() == 2
        stuck[0] = False
        outbox.count_up("probe")
        courier.wake()
        all_delivered(outbox)
    check(dav, wanted)


def test_a_log_in_that_is_refused_at_the_rename_is_not_tried_for_every_document(outbox: Outbox, dav: FaultyDav) -> None:
    refused = [True]
    dav.fault = lambda method, name, count: Say(401) if refused[0] and method == "MOVE" else None
    wanted = fifty_pairs(outbox)
    with delivering(outbox, dav, workers=1) as courier:
        given_up(outbox, courier, "login")
        assert dav.count("MOVE") == 2
        refused[0] = False
        outbox.count_up("probe")
        courier.wake()
        all_delivered(outbox)
    check(dav, wanted)


def test_a_person_who_asks_while_a_try_is_under_way_gets_another_one(outbox: Outbox, dav: FaultyDav) -> None:
    answered = threading.Event()

    def refuse(method: str, name: str, count: int) -> Say | None:
        if method != "PROPFIND" or count > 2:
            return None
        if count == 2:
            answered.wait(20)
        return Say(401)

    dav.fault = refuse
    wanted = pair(outbox)
    with delivering(outbox, dav, read_timeout=60) as courier:
        wait_for(lambda: len(dav.requests) == 2, "the second try to be under way")
        outbox.count_up("probe")
        for name in ("F3.pdf", "F4.pdf"):  # each is settled in a look of its own
            wanted[name] = pdf(name)
            document_id = keep(outbox, name, wanted[name])
            courier.wake()
            until(outbox, document_id, State.QUEUED)
        answered.set()
        all_delivered(outbox)
    check(dav, wanted)


@pytest.mark.parametrize("status", [400, 413, 414, 415, 422])
def test_what_the_server_will_not_have_is_parked_with_its_pair_and_others_go(
    outbox: Outbox, dav: FaultyDav, status: int
) -> None:
    names: set[str] = set()

    def refuse(method: str, name: str, count: int) -> Say | None:
        if method == "PUT" and (name in names or count == 1):
            names.add(name)
            return Say(status)
        return None

    dav.fault = refuse
    pair(outbox)
    good = keep(outbox, "F2.pdf", pdf("2"))
    with delivering(outbox, dav, workers=1):
        until(outbox, good, State.DELIVERED)
        wait_for(lambda: outbox.counts()[State.PARKED] == 2, "the pair to be parked")
    assert [name for name, _ in dav.arrivals] == ["F2.pdf"]


def test_a_rename_that_a_proxy_carries_out_late_is_not_repeated(outbox: Outbox, dav: FaultyDav) -> None:
    late: list[tuple[str, str]] = []

    def proxy(method: str, name: str, count: int) -> Say | str | None:
        if method == "MOVE" and not late:
            late.append((name, "F1.pdf"))
            return Say(504)
        if method == "PROPFIND" and late and name == late[0][0]:
            dav.move(*late[0], overwrite=False)  # now it happens, just before we ask
        return None

    dav.fault = proxy
    wanted = pair(outbox)
    with delivering(outbox, dav):
        all_delivered(outbox)
    check(dav, wanted)


def test_an_old_put_that_lands_after_its_successor_was_collected_is_swept_and_not_published(
    outbox: Outbox, dav: FaultyDav
) -> None:
    dav.collects = True
    old: list[str] = []

    def proxy(method: str, name: str, count: int) -> Say | str | None:
        if method == "PUT" and not old:
            old.append(name)
            return HANG_UP
        return None

    dav.fault = proxy
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, dav):
        until(outbox, document_id, State.DELIVERED)
    with dav.lock:
        dav.files[old[0]] = pdf("1")
    with delivering(outbox, dav):
        wait_for(lambda: old[0] not in dav.files, "the sweep")
    check(dav, {"F1.pdf": pdf("1")})


def test_temporary_files_that_ingis_takes_away_leave_a_doubt_for_a_person(outbox: Outbox, dav: FaultyDav) -> None:
    def take(method: str, name: str) -> None:
        if method == "PROPFIND":
            for taken in [n for n in dav.files if n.startswith(PREFIX) and "probe" not in n]:
                del dav.files[taken]

    dav.fault = first("MOVE", Say(504))
    document_id = keep(outbox, "F1.pdf", pdf("1"))

    def arm(method: str, name: str) -> None:
        if dav.count("MOVE"):
            take(method, name)

    dav.done = arm
    with delivering(outbox, dav):
        wait_for(lambda: get(outbox, document_id).state in {State.DELIVERED, State.PARKED}, "a decision")
    assert len(dav.arrivals) == 0
    assert dav.count("PUT") <= 2, "never put again: what is gone may have been published"


def test_an_empty_root_after_the_servers_restart_is_no_proof(outbox: Outbox, dav: FaultyDav) -> None:
    """A server that lost its disk shows an empty folder, into which a probe cannot be written."""
    lost = [False]

    def fault(method: str, name: str, count: int) -> Say | str | None:
        if method == "MOVE" and not lost[0]:
            lost[0] = True
            dav.files.clear()
            return HANG_UP
        if lost[0] and method == "PUT":
            return Say(507)
        return None

    dav.fault = fault
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, dav):
        wait_for(lambda: sum(1 for m, n in dav.requests if m == "PUT" and "probe" in n) >= 2, "two probes")
        assert get(outbox, document_id).state is State.PUBLISHING
    assert dav.arrivals == []


def test_a_listing_that_lags_is_not_believed(outbox: Outbox, dav: FaultyDav) -> None:
    """Neither the temporary file nor the probe shows up: absence proves nothing."""
    moved = [False]

    def fault(method: str, name: str, count: int) -> Say | str | None:
        if method == "MOVE" and not moved[0]:
            moved[0] = True
            return Say(504)
        if moved[0] and method == "PROPFIND" and name.startswith(PREFIX) and stale[0]:
            return Say(404)
        return None

    stale = [True]
    dav.fault = fault
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, dav):
        wait_for(lambda: sum(1 for m, n in dav.requests if m == "PUT" and "probe" in n) >= 2, "two probes")
        assert get(outbox, document_id).state is State.PUBLISHING
        stale[0] = False
        until(outbox, document_id, State.DELIVERED)
    check(dav, {"F1.pdf": pdf("1")})


def test_a_temporary_file_that_has_another_etag_now_is_not_published(outbox: Outbox, dav: FaultyDav) -> None:
    def fault(method: str, name: str, count: int) -> Say | None:
        if method == "MOVE" and count == 1:
            dav.files[name] = pdf("2")  # as long
            return Say(500)
        return None

    dav.fault = fault
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, dav):
        assert until(outbox, document_id, State.PARKED).reason == Reason.DOUBTFUL
    assert dav.arrivals == []


def test_a_strangers_file_is_left_alone(outbox: Outbox, dav: FaultyDav) -> None:
    dav.files["F1.pdf"] = b"somebody else's"
    pair(outbox)
    with delivering(outbox, dav):
        wait_for(lambda: outbox.counts()[State.PARKED] == 2, "the pair to be parked")
    assert dav.finals() == {"F1.pdf": b"somebody else's"}
    assert {d.reason for d in outbox.documents("1")} == {Reason.NAME_TAKEN, Reason.TWIN}


def test_a_connection_that_was_closed_while_it_rested_is_made_anew(outbox: Outbox, dav: FaultyDav) -> None:
    wanted = {}
    with delivering(outbox, dav, workers=1) as courier:
        for number in range(3):
            data = pdf(str(number))
            document_id = keep(outbox, f"F{number}.pdf", data)
            wanted[f"F{number}.pdf"] = data
            courier.wake()
            until(outbox, document_id, State.DELIVERED)
            dav.fault = first("PUT", HANG_UP, dav.count("PUT") + 1)
    check(dav, wanted)


@pytest.mark.parametrize("seed", range(3))
def test_a_hundred_documents_arrive_once_each_through_all_of_it(outbox: Outbox, dav: FaultyDav, seed: int) -> None:
    rng = random.Random(seed)
    faults: list[Say | str] = [HANG_UP, DO_AND_HANG_UP, Say(500), Say(503), Say(504, do=True), Say(423)]
    dav.collects = bool(seed % 2)
    dav.fault = lambda method, name, count: rng.choice(faults) if rng.random() < 0.08 else None
    wanted = fifty_pairs(outbox)
    with delivering(outbox, dav, workers=4):
        all_delivered(outbox)
    check(dav, wanted)
    order = [name for name, _ in dav.arrivals]
    assert all(order.index(f"F{number}.pdf") < order.index(f"F{number}.xml") for number in range(50))


# ---- servers that cannot rename --------------------------------------------------------------------------------------


def final(what: Say | str, times: int = 1) -> Fault:
    """Let the first tries to put a file under its final name go wrong."""
    seen: list[str] = []

    def fault(method: str, name: str, count: int) -> Say | str | None:
        if method != "PUT" or name.startswith(PREFIX):
            return None
        seen.append(name)
        return what if len(seen) <= times else None

    return fault


@pytest.fixture
def plain(dav: FaultyDav) -> FaultyDav:
    dav.renames = False
    return dav


FINAL_PASSING: dict[str, Fault] = {
    "nothing goes wrong": lambda method, name, count: None,
    "done, and then the connection is reset": final(DO_AND_HANG_UP),
    "done, then silence": final(DO_AND_SILENCE),
    "done, then 504": final(Say(504, do=True)),
    "done, then 500 with a page": final(Say(500, b"<html>", "text/html", do=True)),
    "423 for a while": final(Say(423), 3),
    "429": final(Say(429, headers=(("Retry-After", "0"),)), 2),
    "503": final(Say(503), 2),
    "507 for a while": final(Say(507), 2),
    "401 once": final(Say(401)),
    "a log-in page": final(Say(200, b"<html>room number?", "text/html")),
    "list: 500": first("PROPFIND", Say(500), 4),
}


@pytest.mark.parametrize("fault", FINAL_PASSING.values(), ids=FINAL_PASSING.keys())
def test_a_server_that_cannot_rename_gets_each_document_once_under_its_name(
    outbox: Outbox, plain: FaultyDav, fault: Fault
) -> None:
    plain.fault = fault
    wanted = pair(outbox)
    with delivering(outbox, plain):
        all_delivered(outbox)
        wait_for(lambda: plain.finals() == plain.files, "temporary files to be removed")
    check(plain, wanted)
    assert [name for name, _ in plain.arrivals] == ["F1.pdf", "F1.xml"]
    assert plain.files == wanted


DOUBTS: dict[str, Fault] = {
    "reset before it was done": final(HANG_UP),
    "504, and not done": final(Say(504)),
    "silence, and not done": final(SILENCE),
}


@pytest.mark.parametrize("fault", DOUBTS.values(), ids=DOUBTS.keys())
def test_a_doubt_about_a_server_that_cannot_rename_is_left_to_a_person(
    outbox: Outbox, plain: FaultyDav, fault: Fault
) -> None:
    """INGIS may have collected it already, so that it is not there proves nothing."""
    plain.fault = fault
    pair(outbox)
    with delivering(outbox, plain):
        wait_for(lambda: outbox.waiting() == 0, "a decision", 20)
    assert {d.name: d.reason for d in outbox.documents("1")} == {"F1.pdf": Reason.DOUBTFUL, "F1.xml": Reason.TWIN}
    assert [name for method, name in plain.requests if method == "PUT" and name.startswith("F")] == ["F1.pdf"]


def test_what_a_server_that_cannot_rename_has_lost_a_part_of_is_left_to_a_person(
    outbox: Outbox, plain: FaultyDav
) -> None:
    def cut(method: str, name: str) -> None:
        if method == "PUT" and name == "F1.pdf":
            plain.files[name] = plain.files[name][:100]

    plain.done = cut
    pair(outbox)
    with delivering(outbox, plain):
        wait_for(lambda: outbox.waiting() == 0, "a decision", 20)
    assert {d.name: d.reason for d in outbox.documents("1")} == {"F1.pdf": Reason.DOUBTFUL, "F1.xml": Reason.TWIN}


def test_where_a_server_cannot_rename_an_answer_lost_and_a_file_collected_leave_a_doubt(
    outbox: Outbox, plain: FaultyDav
) -> None:
    plain.collects = True
    plain.fault = final(DO_AND_HANG_UP)
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, plain):
        until(outbox, document_id, State.PARKED)
    check(plain, {"F1.pdf": pdf("1")})


def test_where_a_server_cannot_rename_a_strangers_file_is_left_alone(outbox: Outbox, plain: FaultyDav) -> None:
    plain.files["F1.pdf"] = b"somebody else's"
    pair(outbox)
    with delivering(outbox, plain):
        wait_for(lambda: outbox.counts()[State.PARKED] == 2, "the pair to be parked")
    assert plain.finals() == {"F1.pdf": b"somebody else's"}
    assert {d.reason for d in outbox.documents("1")} == {Reason.NAME_TAKEN, Reason.TWIN}


def test_where_a_server_cannot_rename_our_own_earlier_print_is_replaced(outbox: Outbox, plain: FaultyDav) -> None:
    plan = Plan(Rules(pair_wait=0.0, send_reprints=True), workers=1)
    with couriers.delivering(outbox, plan, lambda: connect(plain)):
        until(outbox, keep(outbox, "F1.pdf", pdf("first")), State.DELIVERED)
        until(outbox, keep(outbox, "F1.pdf", pdf("second")), State.DELIVERED)
    assert plain.files == {"F1.pdf": pdf("second")}


def test_nginx_that_cannot_rename_gets_each_document_and_overwrites_nothing(outbox: Outbox, tmp_path: Path) -> None:
    """It does not know `If-None-Match`."""
    with nginx_server(tmp_path, methods="PUT DELETE") as server:
        (server.root / "F2.pdf").write_bytes(b"somebody else's")
        wanted = pair(outbox)
        stranger = keep(outbox, "F2.pdf", pdf("2"))
        plan = Plan(Rules(pair_wait=0.0), workers=2)
        with couriers.delivering(outbox, plan, lambda: WebDavServer(server.url, server.user, server.password)):
            until(outbox, stranger, State.PARKED)
            wait_for(lambda: outbox.waiting() == 0, "the pair to arrive", 20)
            wait_for(lambda: len(server.names()) == 3, "temporary files to be removed", 20)
        assert {name: (server.root / name).read_bytes() for name in server.names()} == {
            **wanted,
            "F2.pdf": b"somebody else's",
        }


@pytest.mark.parametrize("seed", range(3))
def test_a_server_that_cannot_rename_gets_a_hundred_documents_once_each(
    outbox: Outbox, plain: FaultyDav, seed: int
) -> None:
    rng = random.Random(seed)
    faults: list[Say | str] = [DO_AND_HANG_UP, Say(429), Say(503), Say(504, do=True), Say(423), Say(507)]
    plain.fault = lambda method, name, count: rng.choice(faults) if rng.random() < 0.08 else None
    wanted = fifty_pairs(outbox)
    with delivering(outbox, plain, workers=4):
        all_delivered(outbox)
    check(plain, wanted)
    order = [name for name, _ in plain.arrivals]
    assert all(order.index(f"F{number}.pdf") < order.index(f"F{number}.xml") for number in range(50))
