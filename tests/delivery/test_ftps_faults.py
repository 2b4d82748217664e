"""Everything that FTP servers, the wire and INGIS do to an upload. The check is always the server's own list: each
document once, byte for byte, and nothing under a final name that was ever half.

What the list of WebDAV has and this one has not, since FTP has nothing of the kind: answers of others than the server
(its certificate stands before each of them), redirects, Retry-After, and chunked uploads. What a rename or a log-in
without a courier says is in test_ftps.py, against vsftpd too.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingisfs.delivery.courier import Courier, Plan
from ingisfs.delivery.ftps import FtpsServer
from ingisfs.delivery.server import PREFIX
from ingisfs.outbox.document import Reason, State
from ingisfs.outbox.intake import Rules
from ingisfs.outbox.outbox import Outbox
from tests.delivery import couriers
from tests.delivery.couriers import LONG, all_delivered, fifty_pairs, get, given_up, pair, until
from tests.documents import keep, pdf, xml
from tests.faulty_ftp import (
    CUT,
    DENIED,
    DO_AND_HANG_UP,
    HANG_UP,
    NOT_THERE,
    SILENCE,
    USER,
    Fault,
    FaultyFtp,
    Say,
    faulty_ftp,
    trusting,
)
from tests.ftp_servers import make_certificate
from tests.servers import wait_for

OK, FAILED = "226 Transfer complete.", "451 Local error."
RENAME_FAILED = "550 Rename failed."
BARE = ("MLST", "MLSD")  # what vsftpd does not know


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("certificate")
    make_certificate(folder / "certificate.pem", folder / "key.pem")
    return folder / "certificate.pem", folder / "key.pem"


@pytest.fixture
def ftp(tmp_path: Path, certificate: tuple[Path, Path], request: pytest.FixtureRequest) -> Iterator[FaultyFtp]:
    with faulty_ftp(tmp_path / "server", *certificate, lacks=getattr(request, "param", ())) as made:
        yield made


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A doubt is asked about at the courier's next look."""
    monkeypatch.setattr("ingisfs.delivery.courier.LOOK", 0.05)


@contextmanager
def delivering(
    outbox: Outbox,
    ftp: FaultyFtp,
    workers: int = 2,
    timeout: float = 20.0,
    password: Callable[[], str] = lambda: "secret",
) -> Iterator[Courier]:
    """Run a courier over the wire until the block ends. `timeout` in seconds, for one answer."""

    def connect() -> FtpsServer:
        return FtpsServer(ftp.url, USER, password(), context=trusting(ftp.certificate), timeout=timeout)

    with couriers.delivering(outbox, Plan(Rules(pair_wait=0.0), workers=workers), connect) as made:
        yield made


def check(ftp: FaultyFtp, wanted: dict[str, bytes]) -> None:
    assert Counter(name for name, _ in ftp.arrivals) == Counter(list(wanted))
    assert dict(ftp.arrivals) == wanted
    assert ftp.never_half()


def first(operation: str, what: Say, times: int = 1) -> Fault:
    return lambda done, name, count: what if done == operation and count <= times else None


def first_of_ours(operation: str, what: Say, times: int = 1) -> Fault:
    """The same where our temporary file is meant, and not the look at the final name."""
    left = [times]

    def fault(done: str, name: str, count: int) -> Say | None:
        if done == operation and name.startswith(PREFIX) and left[0]:
            left[0] -= 1
            return what
        return None

    return fault


# ---- what passes by itself ---------------------------------------------------------------------------------------

PASSING: dict[str, Fault] = {
    "connect: hung up on": first("connect", HANG_UP, 3),
    "connect: too many": first("connect", Say("421 Too many users."), 3),
    "log in: hung up on, once": first("PASS", HANG_UP),
    "log in: too many for this user": first("PASS", Say("530 The maximum number of clients is connected."), 3),
    "folder: busy": first("CWD", Say("450 Busy."), 2),
    "passive: cut": first("PASV", HANG_UP),
    "passive: no port is free": first("PASV", Say("425 No port."), 2),
    "store: cut": first("STOR", HANG_UP),
    "store: begun, and cut": first("STOR", DO_AND_HANG_UP),
    "store: failure": first("STOR", Say(FAILED), 2),
    "store: full": first("STOR", Say("452 Full."), 2),
    "bytes: some, and cut": first("flow", HANG_UP),
    "bytes: some, and broken": first("flow", Say("426 Broken."), 2),
    "bytes: some, and full": first("flow", Say("552 Quota."), 2),
    "bytes: some, and ok": first("flow", Say(OK), 2),
    "stored: all, and cut": first("stored", DO_AND_HANG_UP),
    "stored: all, and failure": first("stored", Say(FAILED, do=True)),
    "stored: all, and closing": first("stored", Say("421 Closing.", do=True)),
    "stored: nothing, and cut": first("stored", HANG_UP),
    "stored: nothing, and ok": first("stored", Say(OK)),
    "stored: half, and ok": first("stored", Say(OK, do=True, short=True), 2),
    "stored: half, and failure, for a while": first("stored", Say(FAILED, do=True, short=True), 3),
    "stored: cut, and all of it later": first("stored", Say(CUT, late=8)),
    "look: failure": first("MLST", Say(FAILED), 2),
    "look: cut": first("MLST", HANG_UP),
    "look: not there yet": first_of_ours("MLST", Say(NOT_THERE)),
    "size: failure": first("SIZE", Say(FAILED), 2),
    "size: not there yet": first_of_ours("SIZE", Say(NOT_THERE)),
    "time: cut": first("MDTM", HANG_UP),
    "remove: failure": first("DELE", Say("450 Busy."), 2),
    "from: failure": first_of_ours("RNFR", Say(FAILED)),
    "from: cut": first_of_ours("RNFR", HANG_UP),
    "from: not there": first_of_ours("RNFR", Say(NOT_THERE)),
    "rename: done, the answer is lost": first("RNTO", DO_AND_HANG_UP),
    "rename: done, and failure": first("RNTO", Say(RENAME_FAILED, do=True)),
    "rename: done, and closing": first("RNTO", Say("421 Closing.", do=True)),
    "rename: done, and no such file": first("RNTO", Say(NOT_THERE, do=True)),
    "rename: done, and permission denied": first("RNTO", Say(DENIED, do=True)),
    "rename: done, and the name is refused": first("RNTO", Say("553 No.", do=True)),
    "rename: not done, failure": first("RNTO", Say(RENAME_FAILED)),
    "rename: not done, cut": first("RNTO", HANG_UP),
    "rename: not done, closing": first("RNTO", Say("421 Closing.")),
    "rename: not done, busy": first("RNTO", Say("450 Busy.")),
    "rename: not done, no such file": first("RNTO", Say(NOT_THERE)),
    "rename: not done, permission denied": first("RNTO", Say(DENIED)),
    "all: many are cut": lambda operation, name, count: (
        HANG_UP if operation != "PASS" and count in {2, 3, 5, 8, 13} else None
    ),
    "all: many are done, and cut": lambda operation, name, count: (
        DO_AND_HANG_UP if operation != "PASS" and count in {1, 2, 4, 7, 11} else None
    ),
}


# What begins so differs by whether INGIS has taken the file away already, and by what the server can tell of it.
BOTH = ("look", "rename", "all")


@pytest.mark.parametrize(
    ("what", "collects", "ftp"),
    [(what, True, BARE if not what.startswith("look") else ()) for what in PASSING]
    + [(what, False, ()) for what in PASSING if what.startswith(BOTH)],
    indirect=["ftp"],
)
def test_what_passes_delays_a_pair_and_nothing_else(outbox: Outbox, ftp: FaultyFtp, what: str, collects: bool) -> None:
    ftp.fault, ftp.collects = PASSING[what], collects
    wanted = pair(outbox)
    with delivering(outbox, ftp):
        all_delivered(outbox)
    check(ftp, wanted)
    assert [name for name, _ in ftp.arrivals] == ["F1.pdf", "F1.xml"]


@pytest.mark.parametrize("operation", ["connect", "PASS", "CWD", "PASV", "STOR", "flow", "stored", "MLST", "RNTO"])
def test_a_silence_is_not_waited_for_longer_than_the_time_out(
    outbox: Outbox, ftp: FaultyFtp, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    monkeypatch.setattr("ingisfs.delivery.ftps.LOGIN", 0.5)
    ftp.fault = first(operation, Say(SILENCE, do=operation in {"stored", "RNTO"}))
    wanted = pair(outbox)
    with delivering(outbox, ftp, timeout=0.5):
        all_delivered(outbox)
    check(ftp, wanted)


@pytest.mark.parametrize("requests", [1, 3, 5, 6])
def test_nothing_is_there_for_a_moment_while_a_document_is_published(
    outbox: Outbox, ftp: FaultyFtp, requests: int
) -> None:
    """As where the disk behind the server is away. The first request of them is the rename, which is not done."""
    left = [requests]

    def fault(operation: str, name: str, count: int) -> Say | None:
        if left[0] and (operation == "RNTO" or left[0] < requests) and operation in {"MLST", "RNFR", "RNTO", "STOR"}:
            left[0] -= 1
            return Say(NOT_THERE)
        return None

    ftp.fault = fault
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, ftp, workers=1):
        until(outbox, document_id, State.DELIVERED)
    check(ftp, {"F1.pdf": pdf("1")})


@pytest.mark.parametrize("collects", [False, True], ids=["stays", "INGIS takes it at once"])
@pytest.mark.parametrize("answer", [CUT, RENAME_FAILED])
@pytest.mark.parametrize("late", [1, 2, 4, 7, 11])
def test_a_rename_that_is_carried_out_late_is_not_repeated(
    outbox: Outbox, ftp: FaultyFtp, collects: bool, answer: str, late: int
) -> None:
    """Late by so many requests: between the questions about it, or between them and the next try."""
    ftp.fault, ftp.collects = first("RNTO", Say(answer, late=late)), collects
    wanted = pair(outbox)
    with delivering(outbox, ftp):
        all_delivered(outbox)
    check(ftp, wanted)


# ---- what needs a person -----------------------------------------------------------------------------------------

NEEDS_PERSON: dict[str, tuple[str, Say, str]] = {
    "encrypt: no": ("AUTH", Say("502 No TLS here."), "unknown"),
    "log in: refused": ("PASS", Say("530 Login incorrect."), "login"),
    "folder: no such": ("CWD", Say(NOT_THERE), "folder-missing"),
    "folder: permission denied": ("CWD", Say(DENIED), "forbidden"),
    "store: could not create": ("STOR", Say("553 Could not create file."), "forbidden"),
    "store: permission denied": ("STOR", Say(DENIED), "forbidden"),
    "store: no account": ("STOR", Say("532 Need account."), "forbidden"),
    "rename: permission denied": ("RNTO", Say(DENIED), "forbidden"),
}


@pytest.mark.parametrize(("operation", "answer", "reason"), NEEDS_PERSON.values(), ids=NEEDS_PERSON.keys())
def test_what_needs_a_person_is_tried_twice_and_keeps_the_documents(
    outbox: Outbox, ftp: FaultyFtp, operation: str, answer: Say, reason: str
) -> None:
    stuck = [True]
    ftp.fault = lambda asked, name, count: answer if stuck[0] and asked == operation else None
    wanted = pair(outbox)
    with delivering(outbox, ftp) as courier:
        given_up(outbox, courier, reason)
        assert ftp.count(operation) == 2
        assert outbox.waiting() == 2
        assert ftp.arrivals == []
        stuck[0] = False
        outbox.count_up("probe")
        courier.wake()
        all_delivered(outbox)
    check(ftp, wanted)


def test_a_wrong_password_is_tried_twice_and_documents_go_when_it_is_right(outbox: Outbox, ftp: FaultyFtp) -> None:
    password = ["a wrong one"]
    wanted = pair(outbox)
    with delivering(outbox, ftp, password=lambda: password[0]) as courier:
        given_up(outbox, courier, "login")
        assert ftp.count("PASS") == 2
        password[0] = ftp.password
        outbox.count_up("probe")
        courier.wake()
        all_delivered(outbox)
    check(ftp, wanted)


# ---- what one document meets -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("operation", "answer"), [("RNTO", "553 Name not allowed."), ("stored", "550 A virus.")])
def test_a_document_that_the_server_refuses_is_parked_with_its_other_half_and_others_go(
    outbox: Outbox, ftp: FaultyFtp, operation: str, answer: str
) -> None:
    ftp.fault = first(operation, Say(answer))
    paper = keep(outbox, "F1.pdf", pdf("1"))
    data = keep(outbox, "F1.xml", xml("1"))
    good = keep(outbox, "F2.pdf", pdf("2"))
    with delivering(outbox, ftp, workers=1):
        until(outbox, good, State.DELIVERED)
        assert until(outbox, paper, State.PARKED).reason == Reason.SERVER_REFUSED
        assert until(outbox, data, State.PARKED).reason == Reason.TWIN
    check(ftp, {"F2.pdf": pdf("2")})


@pytest.mark.parametrize("ftp", [(), BARE], ids=["MLST", "SIZE"], indirect=True)
def test_a_strangers_file_is_left_alone(outbox: Outbox, ftp: FaultyFtp) -> None:
    ftp.lay("F1.pdf", b"somebody else's")
    pair(outbox)
    with delivering(outbox, ftp):
        wait_for(lambda: outbox.counts()[State.PARKED] == 2, "the pair to be parked", LONG)
    assert ftp.finals() == {"F1.pdf": b"somebody else's"}
    assert ftp.count("RNTO") == 0
    assert {d.reason for d in outbox.documents("1")} == {Reason.NAME_TAKEN, Reason.TWIN}


def second_rename(what: Say) -> Fault:
    return lambda operation, name, count: what if operation == "RNTO" and count == 2 else None


REPLACING: dict[str, Fault] = {
    "nothing": lambda operation, name, count: None,
    "done, the answer is lost": second_rename(DO_AND_HANG_UP),
    "done, and failure": second_rename(Say(RENAME_FAILED, do=True)),
    "not done, cut": second_rename(HANG_UP),
    "not done, busy": second_rename(Say("450 Busy.")),
    "done late, cut": second_rename(Say(CUT, late=2)),
    "reading the earlier one: cut": first("RETR", HANG_UP),
    "reading the earlier one: it is gone": first("RETR", Say(FAILED)),
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
    outbox: Outbox, ftp: FaultyFtp, fault: Fault
) -> None:
    ftp.fault = fault
    earlier = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, ftp) as courier:
        again = printed_again(outbox, courier, earlier)
        until(outbox, again, State.DELIVERED)
    assert ftp.arrivals == [("F1.pdf", pdf("1")), ("F1.pdf", pdf("new"))]
    assert ftp.finals() == {"F1.pdf": pdf("new")}


def test_an_earlier_version_that_the_server_does_not_overwrite_is_left_to_a_person(
    outbox: Outbox, ftp: FaultyFtp
) -> None:
    ftp.fault = second_rename(Say("550 The file exists."))
    earlier = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, ftp) as courier:
        again = printed_again(outbox, courier, earlier)
        until(outbox, again, State.PARKED)
    check(ftp, {"F1.pdf": pdf("1")})


# ---- servers that cannot rename ----------------------------------------------------------------------------------

DIRECT: dict[str, tuple[Fault, bool]] = {  # and whether it ends without a person
    "nothing": (lambda operation, name, count: None, True),
    "store: failure": (lambda operation, name, count: _final(operation, name, "STOR", Say(FAILED)), True),
    "stored: all, and cut": (lambda operation, name, count: _final(operation, name, "stored", DO_AND_HANG_UP), True),
    "stored: half, and failure": (
        lambda operation, name, count: _final(operation, name, "stored", Say(FAILED, do=True, short=True)),
        False,
    ),
    "stored: half, and ok": (
        lambda operation, name, count: _final(operation, name, "stored", Say(OK, do=True, short=True)),
        False,
    ),
    "stored: nothing, and cut": (lambda operation, name, count: _final(operation, name, "stored", HANG_UP), False),
}


def _final(operation: str, name: str, wanted: str, what: Say) -> Say | None:
    return what if operation == wanted and not name.startswith(PREFIX) else None


@pytest.mark.parametrize(("fault", "alone"), DIRECT.values(), ids=DIRECT.keys())
def test_a_server_that_cannot_rename_gets_each_document_once(
    outbox: Outbox, ftp: FaultyFtp, fault: Fault, alone: bool
) -> None:
    met = [0]

    def once(operation: str, name: str, count: int) -> Say | None:
        if operation == "RNFR" and name.startswith(PREFIX):
            return Say("502 Not here.")
        wrong = fault(operation, name, count) if not met[0] else None
        met[0] += wrong is not None
        return wrong

    ftp.fault = once
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, ftp, workers=1):
        wait_for(lambda: get(outbox, document_id).state in {State.DELIVERED, State.PARKED}, "a decision", LONG)
    assert get(outbox, document_id).state is (State.DELIVERED if alone else State.PARKED)
    assert len(ftp.arrivals) <= 1
    if alone:
        check(ftp, {"F1.pdf": pdf("1")})


# ---- absence, and what lands late --------------------------------------------------------------------------------


def test_an_old_document_that_lands_after_its_successor_was_collected_is_swept_and_not_published(
    outbox: Outbox, ftp: FaultyFtp
) -> None:
    ftp.collects = True
    ftp.fault = first("stored", HANG_UP)
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, ftp):
        until(outbox, document_id, State.DELIVERED)
    old = next(name for operation, name in ftp.requests if operation == "stored")
    ftp.lay(old, pdf("1"))
    with delivering(outbox, ftp):
        wait_for(lambda: old not in ftp.names(), "the sweep", LONG)
    check(ftp, {"F1.pdf": pdf("1")})


def test_temporary_files_that_are_taken_away_leave_a_doubt_and_no_second_copy(outbox: Outbox, ftp: FaultyFtp) -> None:
    def take(operation: str, name: str) -> None:
        if ftp.count("RNTO"):
            for taken in [name for name in ftp.names() if name.startswith(PREFIX) and "probe" not in name]:
                (ftp.inbox / taken).unlink()

    ftp.fault, ftp.done = first("RNTO", Say(RENAME_FAILED)), take
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, ftp):
        wait_for(lambda: get(outbox, document_id).state in {State.DELIVERED, State.PARKED}, "a decision", LONG)
    assert ftp.arrivals == []
    assert len({name for operation, name in ftp.requests if operation == "STOR" and "probe" not in name}) == 1


def test_a_temporary_file_that_is_another_now_is_not_published(outbox: Outbox, ftp: FaultyFtp) -> None:
    def fault(operation: str, name: str, count: int) -> Say | None:
        if operation == "RNTO" and count == 1:
            for ours in ftp.names():
                ftp.lay(ours, pdf("2"))  # as long, and later
            return Say(RENAME_FAILED)
        return None

    ftp.fault = fault
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, ftp):
        assert until(outbox, document_id, State.PARKED).reason == Reason.DOUBTFUL
    assert ftp.arrivals == []


def test_an_empty_folder_after_the_servers_restart_is_no_proof(outbox: Outbox, ftp: FaultyFtp) -> None:
    """A server that lost its disk shows an empty folder, into which a probe cannot be written."""
    lost = [False]

    def fault(operation: str, name: str, count: int) -> Say | None:
        if operation == "RNTO" and not lost[0]:
            lost[0] = True
            for gone in ftp.names():
                (ftp.inbox / gone).unlink()
            return HANG_UP
        return Say(FAILED) if lost[0] and operation == "STOR" else None

    ftp.fault = fault
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, ftp):
        wait_for(lambda: ftp.count("STOR", "probe") >= 2, "two probes", LONG)
        assert get(outbox, document_id).state is State.PUBLISHING
    assert ftp.arrivals == []


def test_a_file_that_is_busy_for_a_while_is_not_taken_for_published(outbox: Outbox, ftp: FaultyFtp) -> None:
    """Windows' servers answer 550 to questions about a file that a virus scanner holds."""
    busy = [True]

    def fault(operation: str, name: str, count: int) -> Say | None:
        if operation == "RNTO" and count == 1:
            return HANG_UP
        if busy[0] and ftp.count("RNTO") and operation == "MLST" and "probe" not in name:
            return Say("550 The process cannot access the file because it is being used by another process.")
        return None

    ftp.fault = fault
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, ftp, workers=1):
        wait_for(lambda: ftp.count("MLST", PREFIX) >= 5, "some questions", LONG)
        assert get(outbox, document_id).state is State.PUBLISHING
        busy[0] = False
        until(outbox, document_id, State.DELIVERED)
    check(ftp, {"F1.pdf": pdf("1")})


@pytest.mark.parametrize("lags", ["all of it", "what was there before"])
def test_a_server_that_shows_too_little_is_not_believed(outbox: Outbox, ftp: FaultyFtp, lags: str) -> None:
    """Neither the temporary file nor the probe shows up, or the former shows up again: absence proves nothing."""
    stale = [True]

    def fault(operation: str, name: str, count: int) -> Say | None:
        if operation == "RNTO" and count == 1:
            return Say(RENAME_FAILED)
        if stale[0] and operation in {"MLST", "RNFR"} and ftp.count("RNTO"):
            probed = any("probe" in there for there in ftp.names())
            return Say(NOT_THERE) if lags == "all of it" or not probed else None
        return None

    ftp.fault = fault
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, ftp, workers=1):
        wait_for(lambda: ftp.count("STOR", "probe") >= 2, "two probes", LONG)
        assert get(outbox, document_id).state is State.PUBLISHING
        stale[0] = False
        until(outbox, document_id, State.DELIVERED)
    check(ftp, {"F1.pdf": pdf("1")})


PROBES: dict[str, Fault] = {
    "store: begun, and cut": lambda operation, name, count: DO_AND_HANG_UP if operation == "STOR" else None,
    "stored: cut": lambda operation, name, count: HANG_UP if operation == "stored" else None,
    "look: cut": lambda operation, name, count: HANG_UP if operation == "MLST" else None,
    "remove: cut": lambda operation, name, count: HANG_UP if operation == "DELE" else None,
    "remove: failure": lambda operation, name, count: Say("450 Busy.") if operation == "DELE" else None,
    "remove: failure, and done late": lambda operation, name, count: (
        Say("450 Busy.", late=2) if operation == "DELE" else None
    ),
}


@pytest.mark.parametrize("times", [2])
@pytest.mark.parametrize("fault", PROBES.values(), ids=PROBES.keys())
def test_a_doubt_is_settled_though_an_earlier_probe_lies_there(
    outbox: Outbox, ftp: FaultyFtp, fault: Fault, times: int
) -> None:
    ftp.collects = True
    failed = [0]

    def probing(operation: str, name: str, count: int) -> Say | None:
        if operation == "RNTO" and count == 1:
            return DO_AND_HANG_UP
        wrong = fault(operation, name, count) if "probe" in name and failed[0] < times else None
        failed[0] += wrong is not None
        return wrong

    ftp.fault = probing
    document_id = keep(outbox, "F1.pdf", pdf("1"))
    with delivering(outbox, ftp):
        until(outbox, document_id, State.DELIVERED)
    assert failed[0] == times
    check(ftp, {"F1.pdf": pdf("1")})


# ---- the connection ----------------------------------------------------------------------------------------------


def test_what_was_closed_while_it_rested_is_made_anew(outbox: Outbox, ftp: FaultyFtp) -> None:
    wanted = {}
    with delivering(outbox, ftp, workers=1) as courier:
        for number in range(3):
            data = pdf(str(number))
            document_id = keep(outbox, f"F{number}.pdf", data)
            wanted[f"F{number}.pdf"] = data
            courier.wake()
            until(outbox, document_id, State.DELIVERED)
            ftp.cut()
    check(ftp, wanted)
    assert ftp.count("connect") == 3


# ---- all of it ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seed", "ftp"), [(0, ()), (1, BARE), (2, BARE)], ids=["MLST", "SIZE", "SIZE, taken at once"], indirect=["ftp"]
)
def test_a_hundred_documents_arrive_once_each_through_all_of_it(outbox: Outbox, ftp: FaultyFtp, seed: int) -> None:
    rng = random.Random(seed)
    faults = [HANG_UP, DO_AND_HANG_UP, Say(FAILED), Say(FAILED, do=True), Say(FAILED, late=4), Say(CUT, late=9)]
    stored = [*faults, Say(OK, do=True, short=True), Say(OK)]
    ftp.collects = seed == 2
    ftp.fault = lambda operation, name, count: (
        rng.choice(stored if operation == "stored" else faults)
        if operation not in {"AUTH", "PASS"} and rng.random() < 0.03
        else None
    )
    wanted = fifty_pairs(outbox)
    with delivering(outbox, ftp, workers=4):
        all_delivered(outbox)
    check(ftp, wanted)
    order = [name for name, _ in ftp.arrivals]
    assert all(order.index(f"F{number}.pdf") < order.index(f"F{number}.xml") for number in range(50))
