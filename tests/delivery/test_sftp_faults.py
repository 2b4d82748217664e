"""Everything that SFTP servers, the wire and INGIS do to an upload. The check is always the server's own list: each
document once, byte for byte, and nothing under a final name that was ever half.

What the list of WebDAV has and this one has not, since SFTP has nothing of the kind: answers of others than the server
(a hotel's log-in page, a proxy's 504; SSH takes no answer that the pinned key did not sign), redirects, Retry-After,
bodies of answers that are no answer, and chunked uploads. What a rename or a log-in without a courier says is in
test_sftp.py, against OpenSSH too.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import asyncssh
import pytest

from ingisfs.delivery.courier import Courier, Plan
from ingisfs.delivery.server import PREFIX
from ingisfs.delivery.sftp import SftpServer
from ingisfs.outbox.document import Reason, State
from ingisfs.outbox.intake import Rules
from ingisfs.outbox.outbox import Outbox
from tests.delivery import couriers
from tests.delivery.couriers import LONG, all_delivered, fifty_pairs, get, given_up, pair, until
from tests.documents import keep, pdf, xml
from tests.faulty_sftp import (
    CUT,
    DENIED,
    DO_AND_HANG_UP,
    FAILURE,
    HANG_UP,
    NO_SUCH_FILE,
    SILENCE,
    UNSUPPORTED,
    USER,
    Fault,
    FaultySftp,
    Say,
    faulty_sftp,
)
from tests.servers import wait_for

FAILURE_STATUS = asyncssh.FX_FAILURE


@pytest.fixture(scope="module")
def key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


@pytest.fixture
def sftp(key: asyncssh.SSHKey) -> Iterator[FaultySftp]:
    with faulty_sftp(key) as made:
        yield made


@contextmanager
def delivering(
    outbox: Outbox,
    sftp: FaultySftp,
    workers: int = 2,
    timeout: float = 20.0,
    password: Callable[[], str] = lambda: "secret",
) -> Iterator[Courier]:
    """Run a courier over the wire until the block ends. `timeout` in seconds, for one operation."""
    pinned = sftp.host_key

    def connect() -> SftpServer:
        return SftpServer(sftp.url, USER, password(), host_key=pinned, timeout=timeout)

    plan = Plan(Rules(pair_wait=0.0), workers=workers)
    with couriers.delivering(outbox, plan, connect) as made:
        yield made


def check(sftp: FaultySftp, wanted: dict[str, bytes]) -> None:
    assert Counter(name for name, _ in sftp.arrivals) == Counter(list(wanted))
    assert dict(sftp.arrivals) == wanted
    assert sftp.never_half()


def first(operation: str, what: Say, times: int = 1) -> Fault:
    return lambda done, name, count: what if done == operation and count <= times else None


# ---- what passes by itself ---------------------------------------------------------------------------------------

PASSING: dict[str, Fault] = {
    "connect: hung up on": first("connect", HANG_UP, 3),
    "log in: hung up on, once": first("log in", HANG_UP),
    "stat: failure": first("stat", FAILURE, 2),
    "open: done, and cut": first("open", DO_AND_HANG_UP),
    "open: cut": first("open", HANG_UP),
    "open: done, and failure": first("open", Say(FAILURE_STATUS, do=True)),
    "open: failure": first("open", FAILURE, 2),
    "open: cut, and done later": first("open", Say(CUT, late=3)),
    "write: done, and cut": first("write", DO_AND_HANG_UP),
    "write: cut": first("write", HANG_UP),
    "write: by half, and ok": first("write", Say(asyncssh.FX_OK, do=True, short=True), 2),
    "write: nothing, and ok": first("write", Say(asyncssh.FX_OK, do=True, short=True)),
    "write: by half, and failure, for a while": first("write", Say(FAILURE_STATUS, do=True, short=True), 3),
    "write: cut, and done later": first("write", Say(CUT, late=8)),
    "close: done, and cut": first("close", DO_AND_HANG_UP),
    "close: failure": first("close", FAILURE),
    "lstat: failure": first("lstat", FAILURE, 2),
    "lstat: cut": first("lstat", HANG_UP),
    "lstat: not there yet": first("lstat", NO_SUCH_FILE),
    "list: failure": first("list", FAILURE),
    "remove: failure": first("remove", FAILURE, 2),
    "rename: done, the answer is lost": first("rename", DO_AND_HANG_UP),
    "rename: done, and failure": first("rename", Say(FAILURE_STATUS, do=True)),
    "rename: done, and no such file": first("rename", Say(asyncssh.FX_NO_SUCH_FILE, do=True)),
    "rename: done, and permission denied": first("rename", Say(asyncssh.FX_PERMISSION_DENIED, do=True)),
    "rename: not done, failure": first("rename", FAILURE),
    "rename: not done, cut": first("rename", HANG_UP),
    "rename: not done, no such file": first("rename", NO_SUCH_FILE),
    "rename: not done, permission denied": first("rename", DENIED),
    "all: many are cut": lambda operation, name, count: (
        HANG_UP if operation != "log in" and count in {2, 3, 5, 8, 13} else None
    ),
    "all: many are done, and cut": lambda operation, name, count: (
        DO_AND_HANG_UP if operation != "log in" and count in {1, 2, 4, 7, 11} else None
    ),
}


@pytest.mark.parametrize("collects", [False, True], ids=["stays", "INGIS takes it at once"])
@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_what_passes_delays_a_pair_and_nothing_else(
    outbox: Outbox, sftp: FaultySftp, fault: Fault, collects: bool
) -> None:
    sftp.fault, sftp.collects = fault, collects
    wanted = pair(outbox)
    with delivering(outbox, sftp):
        all_delivered(outbox)
    check(sftp, wanted)
    assert [name for name, _ in sftp.arrivals] == ["F1.pdf", "F1.xml"]


@pytest.mark.parametrize("operation", ["connect", "stat", "open", "write", "close", "lstat", "list", "rename"])
@pytest.mark.parametrize("do", [False, True], ids=["and does nothing", "and did it"])
def test_a_silence_is_not_waited_for_longer_than_the_time_out(
    outbox: Outbox, sftp: FaultySftp, monkeypatch: pytest.MonkeyPatch, operation: str, do: bool
) -> None:
    monkeypatch.setattr("ingisfs.delivery.sftp.LOGIN", 2.0)
    sftp.fault = first(operation, Say(SILENCE, do=do))
    wanted = pair(outbox)
    with delivering(outbox, sftp, timeout=0.5):
        all_delivered(outbox)
    check(sftp, wanted)


@pytest.mark.parametrize("requests", [1, 3, 5, 6])
def test_nothing_is_there_for_a_moment_while_a_document_is_published(
    outbox: Outbox, sftp: FaultySftp, requests: int
) -> None:
    """As where the disk behind the server is away. The first request of them is the rename, which is not done."""
    left = [requests]

    def fault(operation: str, name: str, count: int) -> Say | None:
        if left[0] and (operation == "rename" or left[0] < requests):
            left[0] -= 1
            return NO_SUCH_FILE
        return None

    sftp.fault = fault
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, sftp, workers=1):
        until(outbox, document_id, State.DELIVERED)
    check(sftp, {"F1.pdf": pdf("1")})


@pytest.mark.parametrize("collects", [False, True], ids=["stays", "INGIS takes it at once"])
@pytest.mark.parametrize("answer", [CUT, asyncssh.FX_FAILURE, asyncssh.FX_PERMISSION_DENIED])
@pytest.mark.parametrize("late", range(1, 7))
def test_a_rename_that_is_carried_out_late_is_not_repeated(
    outbox: Outbox, sftp: FaultySftp, collects: bool, answer: int, late: int
) -> None:
    """Late by so many requests: between the questions about it, or between them and the next try."""
    sftp.fault, sftp.collects = first("rename", Say(answer, late=late)), collects
    wanted = pair(outbox)
    with delivering(outbox, sftp):
        all_delivered(outbox)
    check(sftp, wanted)


def test_documents_are_put_again_that_neither_the_listing_nor_a_question_shows(
    outbox: Outbox, sftp: FaultySftp
) -> None:
    first_tries: set[str] = set()

    def fault(operation: str, name: str, count: int) -> Say | None:
        if operation == "open" and count <= 4:
            first_tries.add(name)
        return NO_SUCH_FILE if operation == "lstat" and name in first_tries else None

    sftp.fault, sftp.hidden = fault, first_tries.__contains__
    wanted = {f"F{number}.pdf": pdf(str(number)) for number in range(4)}
    for name, data in wanted.items():
        keep(outbox, name, data)
    with delivering(outbox, sftp, workers=1):
        all_delivered(outbox)
    assert sftp.count("list") >= 1
    assert len(first_tries) == 4
    check(sftp, wanted)


# ---- what needs a person -----------------------------------------------------------------------------------------

NEEDS_PERSON: dict[str, tuple[str, Say, str]] = {
    "log in: refused": ("log in", DENIED, "login"),
    "stat: permission denied": ("stat", DENIED, "forbidden"),
    "stat: no such file": ("stat", NO_SUCH_FILE, "folder-missing"),
    "open: permission denied": ("open", DENIED, "forbidden"),
    "open: no such file": ("open", NO_SUCH_FILE, "folder-missing"),
    "open: unsupported": ("open", UNSUPPORTED, "unknown"),
    "write: permission denied": ("write", DENIED, "forbidden"),
    "rename: permission denied": ("rename", DENIED, "forbidden"),
}


@pytest.mark.parametrize(("operation", "answer", "reason"), NEEDS_PERSON.values(), ids=NEEDS_PERSON.keys())
def test_what_needs_a_person_is_tried_twice_and_keeps_the_documents(
    outbox: Outbox, sftp: FaultySftp, operation: str, answer: Say, reason: str
) -> None:
    stuck = [True]
    sftp.fault = lambda asked, name, count: answer if stuck[0] and asked == operation else None
    wanted = pair(outbox)
    with delivering(outbox, sftp) as courier:
        given_up(outbox, courier, reason)
        assert sftp.count(operation) == 2
        assert outbox.waiting() == 2
        assert sftp.arrivals == []
        stuck[0] = False
        outbox.count_up("probe")
        courier.wake()
        all_delivered(outbox)
    check(sftp, wanted)


def test_a_wrong_password_is_tried_twice_and_documents_go_when_it_is_right(outbox: Outbox, sftp: FaultySftp) -> None:
    password = ["a wrong one"]
    wanted = pair(outbox)
    with delivering(outbox, sftp, password=lambda: password[0]) as courier:
        given_up(outbox, courier, "login")
        assert sftp.count("log in") == 2
        password[0] = sftp.password
        outbox.count_up("probe")
        courier.wake()
        all_delivered(outbox)
    check(sftp, wanted)


def test_a_host_key_that_changed_stops_all_until_it_is_pinned_and_no_password_is_shown(
    outbox: Outbox, sftp: FaultySftp
) -> None:
    """Each connection to the new key counts: one that was begun before may still be logging in."""
    before = keep(outbox, "F0.pdf", pdf("0"))
    with delivering(outbox, sftp) as courier:
        until(outbox, before, State.DELIVERED)
        pinned = sftp.host_key
        sftp.change_key(asyncssh.generate_private_key("ssh-ed25519"))
        sftp.cut()
        wanted = pair(outbox)
        courier.wake()
        given_up(outbox, courier, "host-key")
        assert set(sftp.shown) == {pinned}
        assert outbox.waiting() == 2
    with delivering(outbox, sftp):
        all_delivered(outbox)
    assert set(sftp.shown) == {pinned, sftp.host_key}
    check(sftp, {"F0.pdf": pdf("0"), **wanted})


# ---- what one document meets -------------------------------------------------------------------------------------


def test_a_document_whose_name_the_server_refuses_is_parked_with_its_other_half_and_others_go(
    outbox: Outbox, sftp: FaultySftp
) -> None:
    refused: set[str] = set()

    def fault(operation: str, name: str, count: int) -> Say | None:
        if operation == "rename" and (count == 1 or name in refused):
            refused.add(name)
            return Say(asyncssh.FX_BAD_MESSAGE)
        return None

    sftp.fault = fault
    paper = keep(outbox, "F1.pdf", pdf("1"))
    data = keep(outbox, "F1.xml", xml("1"))
    good = keep(outbox, "F2.pdf", pdf("2"))
    with delivering(outbox, sftp, workers=1):
        until(outbox, good, State.DELIVERED)
        assert until(outbox, paper, State.PARKED).reason == Reason.SERVER_REFUSED
        assert until(outbox, data, State.PARKED).reason == Reason.TWIN
    check(sftp, {"F2.pdf": pdf("2")})


def test_a_strangers_file_is_left_alone(outbox: Outbox, sftp: FaultySftp) -> None:
    sftp.lay("F1.pdf", b"somebody else's")
    pair(outbox)
    with delivering(outbox, sftp):
        wait_for(lambda: outbox.counts()[State.PARKED] == 2, "the pair to be parked", LONG)
    assert sftp.finals() == {"F1.pdf": b"somebody else's"}
    assert sftp.count("posix_rename") == 0
    assert {d.reason for d in outbox.documents("1")} == {Reason.NAME_TAKEN, Reason.TWIN}


REPLACING: dict[str, Fault] = {
    "nothing": lambda operation, name, count: None,
    "done, the answer is lost": first("posix_rename", DO_AND_HANG_UP),
    "done, and failure": first("posix_rename", Say(FAILURE_STATUS, do=True)),
    "not done, cut": first("posix_rename", HANG_UP),
    "not done, failure": first("posix_rename", FAILURE),
    "done late, cut": first("posix_rename", Say(CUT, late=2)),
    "reading the earlier one: cut": first("read", HANG_UP),
    "reading the earlier one: it is gone": first("read", NO_SUCH_FILE),
}


def printed_again(outbox: Outbox, courier: Courier, earlier: str) -> str:
    """Have a document delivered, print it again, and let a person release that; returns its id."""
    until(outbox, earlier, State.DELIVERED)
    again = keep(outbox, "F1(1).pdf", pdf("new"))
    courier.wake()
    outbox.release_held([until(outbox, again, State.HELD)])
    courier.wake()
    return again


@pytest.mark.parametrize("fault", REPLACING.values(), ids=REPLACING.keys())
def test_our_own_earlier_version_is_replaced_once_whatever_happens(
    outbox: Outbox, sftp: FaultySftp, fault: Fault
) -> None:
    sftp.fault = fault
    earlier = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, sftp) as courier:
        again = printed_again(outbox, courier, earlier)
        until(outbox, again, State.DELIVERED)
    assert sftp.arrivals == [("F1.pdf", pdf("1")), ("F1.pdf", pdf("new"))]
    assert sftp.finals() == {"F1.pdf": pdf("new")}
    assert sftp.never_half()


def test_an_earlier_version_that_the_server_cannot_replace_is_left_to_a_person(
    outbox: Outbox, sftp: FaultySftp
) -> None:
    sftp.fault = lambda operation, name, count: UNSUPPORTED if operation == "posix_rename" else None
    earlier = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, sftp) as courier:
        again = printed_again(outbox, courier, earlier)
        until(outbox, again, State.PARKED)
    check(sftp, {"F1.pdf": pdf("1")})


# ---- absence, and what lands late --------------------------------------------------------------------------------


def test_an_old_write_that_lands_after_its_successor_was_collected_is_swept_and_not_published(
    outbox: Outbox, sftp: FaultySftp
) -> None:
    sftp.collects = True
    sftp.fault = first("write", HANG_UP)
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, sftp):
        until(outbox, document_id, State.DELIVERED)
    old = next(name for operation, name in sftp.requests if operation == "write")
    sftp.lay(old, pdf("1"))
    with delivering(outbox, sftp):
        wait_for(lambda: old not in sftp.files, "the sweep", LONG)
    check(sftp, {"F1.pdf": pdf("1")})


def test_a_late_write_through_an_old_handle_changes_nothing_that_was_published(
    outbox: Outbox, sftp: FaultySftp
) -> None:
    """A server that had not written yet when it was asked for the size writes into a file that nobody needs."""
    sftp.fault = first("write", Say(asyncssh.FX_OK, late=7))
    wanted = pair(outbox)
    with delivering(outbox, sftp):
        all_delivered(outbox)
        late = next(name for operation, name in sftp.requests if operation == "write")
        wait_for(lambda: late not in sftp.files, "the file that was given up to go", LONG)
    check(sftp, wanted)


def test_temporary_files_that_are_taken_away_leave_a_doubt_and_no_second_copy(outbox: Outbox, sftp: FaultySftp) -> None:
    def take(operation: str, name: str) -> None:
        if sftp.count("rename"):
            for taken in [name for name in sftp.files if name.startswith(PREFIX) and "probe" not in name]:
                del sftp.files[taken]

    sftp.fault, sftp.done = first("rename", FAILURE), take
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, sftp):
        wait_for(lambda: get(outbox, document_id).state in {State.DELIVERED, State.PARKED}, "a decision", LONG)
    assert sftp.arrivals == []
    assert len({name for operation, name in sftp.requests if operation == "open" and "probe" not in name}) == 1


def test_a_temporary_file_that_is_another_now_is_not_published(outbox: Outbox, sftp: FaultySftp) -> None:
    def fault(operation: str, name: str, count: int) -> Say | None:
        if operation == "rename" and count == 1:
            sftp.lay(name, pdf("2"))  # as long, and later
            return FAILURE
        return None

    sftp.fault = fault
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, sftp):
        assert until(outbox, document_id, State.PARKED).reason == Reason.DOUBTFUL
    assert sftp.arrivals == []


def test_an_empty_folder_after_the_servers_restart_is_no_proof(outbox: Outbox, sftp: FaultySftp) -> None:
    """A server that lost its disk shows an empty folder, into which a probe cannot be written."""
    lost = [False]

    def fault(operation: str, name: str, count: int) -> Say | None:
        if operation == "rename" and not lost[0]:
            lost[0] = True
            sftp.files.clear()
            return HANG_UP
        return FAILURE if lost[0] and operation == "open" else None

    sftp.fault = fault
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, sftp):
        wait_for(lambda: sftp.count("open", "probe") >= 2, "two probes", LONG)
        assert get(outbox, document_id).state is State.PUBLISHING
    assert sftp.arrivals == []


@pytest.mark.parametrize("lags", ["all of it", "what was there before"])
def test_a_server_that_shows_too_little_is_not_believed(outbox: Outbox, sftp: FaultySftp, lags: str) -> None:
    """Neither the temporary file nor the probe shows up, or the former shows up again: absence proves nothing."""
    stale = [True]

    def fault(operation: str, name: str, count: int) -> Say | None:
        if operation == "rename" and count == 1:
            return FAILURE
        if stale[0] and operation == "lstat" and sftp.count("rename"):
            probed = any("probe" in there for there in sftp.files)
            return NO_SUCH_FILE if lags == "all of it" or not probed else None
        return None

    sftp.fault = fault
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, sftp, workers=1):
        wait_for(lambda: sftp.count("open", "probe") >= 2, "two probes", LONG)
        assert get(outbox, document_id).state is State.PUBLISHING
        stale[0] = False
        until(outbox, document_id, State.DELIVERED)
    check(sftp, {"F1.pdf": pdf("1")})


PROBES: dict[str, Fault] = {
    "open: done, and cut": lambda operation, name, count: DO_AND_HANG_UP if operation == "open" else None,
    "write: cut": lambda operation, name, count: HANG_UP if operation == "write" else None,
    "lstat: cut": lambda operation, name, count: HANG_UP if operation == "lstat" else None,
    "remove: cut": lambda operation, name, count: HANG_UP if operation == "remove" else None,
    "remove: failure": lambda operation, name, count: FAILURE if operation == "remove" else None,
    "remove: failure, and done late": lambda operation, name, count: (
        Say(FAILURE_STATUS, late=2) if operation == "remove" else None
    ),
}


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("fault", PROBES.values(), ids=PROBES.keys())
def test_a_doubt_is_settled_though_an_earlier_probe_lies_there(
    outbox: Outbox, sftp: FaultySftp, fault: Fault, times: int
) -> None:
    sftp.collects = True
    failed = [0]

    def probing(operation: str, name: str, count: int) -> Say | None:
        if operation == "rename" and count == 1:
            return DO_AND_HANG_UP
        wrong = fault(operation, name, count) if "probe" in name and failed[0] < times else None
        failed[0] += wrong is not None
        return wrong

    sftp.fault = probing
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, sftp):
        until(outbox, document_id, State.DELIVERED)
    assert failed[0] == times
    check(sftp, {"F1.pdf": pdf("1")})


# ---- the connection ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["the connection", "SFTP on it"])
def test_what_was_closed_while_it_rested_is_made_anew(outbox: Outbox, sftp: FaultySftp, how: str) -> None:
    wanted = {}
    with delivering(outbox, sftp, workers=1) as courier:
        for number in range(3):
            data = pdf(str(number))
            document_id = keep(outbox, f"F{number}.pdf", data)
            wanted[f"F{number}.pdf"] = data
            courier.wake()
            until(outbox, document_id, State.DELIVERED)
            if how == "the connection":
                sftp.cut()
            else:
                sftp.end_sessions()
    check(sftp, wanted)
    assert sftp.count("connect") == 3


# ---- all of it ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_a_hundred_documents_arrive_once_each_through_all_of_it(outbox: Outbox, sftp: FaultySftp, seed: int) -> None:
    rng = random.Random(seed)
    faults = [
        HANG_UP,
        DO_AND_HANG_UP,
        FAILURE,
        Say(FAILURE_STATUS, do=True),
        Say(FAILURE_STATUS, late=4),
        Say(CUT, late=9),
        Say(asyncssh.FX_OK, do=True, short=True),
    ]
    sftp.collects = bool(seed % 2)
    sftp.fault = lambda operation, name, count: (
        rng.choice(faults) if operation != "log in" and rng.random() < 0.05 else None
    )
    wanted = fifty_pairs(outbox)
    with delivering(outbox, sftp, workers=4):
        all_delivered(outbox)
    check(sftp, wanted)
    order = [name for name, _ in sftp.arrivals]
    assert all(order.index(f"F{number}.pdf") < order.index(f"F{number}.xml") for number in range(50))
