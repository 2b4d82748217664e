"""Snapshots of anything, for hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from ingisfs.outbox.document import Document, Reason, State
from ingisfs.report.snapshot import DriveFacts, Row, Run, Snapshot
from ingisfs.report.target import TargetStatus

_times = st.floats(0, 4e9)
_names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=255)
_details = st.text(max_size=300)


def _targets() -> st.SearchStrategy[TargetStatus]:
    since = st.none() | _times
    calm = st.builds(TargetStatus, st.sampled_from(["ok", "unreachable", "unknown"]), st.none(), _details, since)
    reasons = [
        "login",
        "forbidden",
        "certificate",
        "host-key",
        "folder-missing",
        "redirect",
        "not-webdav",
        "not-ingis",
        "unknown",
    ]
    return calm | st.builds(TargetStatus, st.just("needs_person"), st.sampled_from(reasons), _details, since)


def _documents() -> st.SearchStrategy[Document]:
    return st.builds(
        Document,
        number=st.integers(1, 10**9),
        id=st.uuids().map(str),
        folder=st.just("") | _names,
        name=_names | st.sampled_from(["F1.pdf", "F1.xml", "F2.PDF", "f2.xml"]),
        size=st.integers(0, 2**40),
        sha256=st.just("0" * 64),
        state=st.sampled_from(State),
        version=st.just(1),
        modified_ns=st.just(0),
        written_at=_times,
        due=st.just(0.0),
        tries=st.integers(0, 10**6),
        attempt=st.integers(0, 10**6),
        reason=st.none() | st.sampled_from(Reason).map(str),
        detail=_details,
        remote_name=st.none() | _names,
        delivered_at=st.none() | _times,
        resume=st.none(),
        listed=st.booleans(),
        pair_key=st.sampled_from(["f1", "f2"]),
    )


def snapshots() -> st.SearchStrategy[Snapshot]:
    """Snapshots that an outbox of any age, in any trouble, might give."""
    rows = st.builds(Row, document=_documents(), next_try=st.none() | _times, pair=st.none())
    drives = st.builds(
        DriveFacts,
        name=st.just("king"),
        server=_details,
        mounted_since=st.none() | _times,
        language=st.sampled_from(["nl", "en"]),
        portal=st.none() | _details,
        host=_details,
    )
    return st.builds(
        Snapshot,
        drive=drives,
        taken_at=_times,
        target=_targets(),
        counts=st.fixed_dictionaries({state: st.integers(0, 10**6) for state in State}),
        oldest_waiting_seconds=st.none() | _times,
        documents=st.lists(rows, max_size=12).map(tuple),
        alarms=st.lists(st.sampled_from(["unkept", "of a later version"]), max_size=2).map(tuple),
        ingis=st.none(),
        run=st.none() | st.builds(Run, done=st.integers(0, 10**6), total=st.integers(10**6, 10**7)),
    )
