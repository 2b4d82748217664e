"""The outbox: the bytes and the record of every document, and what may happen to them.

This is the only module that moves a document from one state to another. The drive, the courier and a person each have
their part of it; the file underneath, threads and processes are in `store.py`.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ingisfs import names
from ingisfs.clock import SYSTEM_CLOCK, Clock
from ingisfs.crashpoints import crashpoint
from ingisfs.outbox.document import (
    BY_INGIS,
    ENDED,
    FOR_A_PERSON,
    NEEDS_PERSON,
    SENT,
    STICKY,
    TAKE_BACK,
    TRANSITIONS,
    Document,
    Reason,
    State,
)
from ingisfs.outbox.reading import NEEDING, marks
from ingisfs.outbox.salvage import Found
from ingisfs.outbox.store import WAL_BOUND, OutboxGoneError, Store

log = logging.getLogger(__name__)

_SAME_DAY: Final = 43_200.0  # s between the deliveries of two halves that belong to one day


@dataclass(frozen=True, slots=True)
class Draft:
    """What the drive hands over to be kept: the bytes of one document and what is known of it."""

    id: str
    folder: str
    name: str
    data: bytes
    modified_ns: int  # ns since 1970 UTC
    failure: str = ""  # what King was told when a write failed, "" if none did: such a document is held, whatever comes


@dataclass(frozen=True, slots=True)
class Release:
    """The last handle that may write a document was closed."""

    id: str
    changed: bool  # False: nothing was written, the document goes back to where it was
    failed: bool = False  # King was told that a write failed: hold it
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a settled or queued document."""

    document: Document
    after: State
    reason: Reason | None = None
    detail: str = ""
    supersedes: Sequence[Document] = ()  # earlier versions that were not published yet


@dataclass(frozen=True, slots=True)
class Answer:
    """What INGIS did with a document that the server has had."""

    id: str
    after: State  # one of BY_INGIS
    detail: str = ""  # in INGIS's words, or why we think so
    word: str = ""  # where it tells more than a state: "new", "sent", "viewed", "refused"


class Outbox(Store):
    """All documents of one drive, for the two processes that change them."""

    def __init__(
        self,
        state_folder: Path,
        *,
        settle: float = 3.0,
        clock: Clock = SYSTEM_CLOCK,
        wal_bound: int = WAL_BOUND,
        busy_timeout: float = 10.0,
    ) -> None:
        """Open the outbox in `state_folder`, making it if there is none.

        `settle` is in seconds, the rest as in `Store`, and what is raised.
        """
        self.settle = settle
        self.archive_folder = state_folder / "archive"
        super().__init__(state_folder, clock=clock, wal_bound=wal_bound, busy_timeout=busy_timeout)
        if self.meta("shelved") is None:
            # Made by a version that had no folders by day.
            with self._transaction():
                states = sorted(SENT)
                where = f"state IN ({marks(states)}) AND listed = 0 ORDER BY number"
                self._shelve(self.documents(where, states))
                self._set_meta("shelved", "1")

    # ---- steps ---------------------------------------------------------------------------------------------------

    def _step(self, document: Document, after: State, why: str) -> None:
        """Put one line into the history, and one into the log. The caller changes the record."""
        if after not in TRANSITIONS[document.state]:
            raise AssertionError(f"{document.state} → {after} is no transition")
        self._note(document.id, document.name, document.state, after, why)

    def _note(self, document_id: str, name: str, before: str, after: str, why: str) -> None:
        self._sql(
            "INSERT INTO history (at, id, name, before, after, why) VALUES (?, ?, ?, ?, ?, ?)",
            (self.clock.wall(), document_id, name, before, after, why),
        )
        log.info("document %s: %s -> %s %s", document_id, before or "new", after, why)

    def _move(self, document: Document, after: State, why: str, **columns: object) -> bool:
        """Move a document on if it is still in the state, version and attempt of `document`; tells whether it was."""
        columns["state"] = after
        sets = ", ".join(f"{column} = ?" for column in columns)
        changed = self._sql(
            f"UPDATE documents SET {sets} WHERE id = ? AND state = ? AND version = ? AND attempt = ?",
            (*columns.values(), document.id, document.state, document.version, document.attempt),
        ).rowcount
        if changed:
            self._step(document, after, why)
        return bool(changed)

    # ---- what was sent, by day ----------------------------------------------------------------------------------

    def _shelve(self, documents: Iterable[Document]) -> None:
        """Give sent documents that the root lists no more their place by day, for as long as their bytes are kept.

        Day and name are fixed here, once: neither another time zone nor a later document moves them.
        """
        for document in documents:
            kept = "SELECT 1 FROM documents WHERE number = ? AND (archived IS NOT NULL OR EXISTS"
            kept += " (SELECT 1 FROM Cache WHERE key = documents.id AND raw = 1))"
            if document.state not in SENT or not self.rows(kept, (document.number,)):
                continue
            day, name, count = self._day(document), document.name, 1
            while self.rows("SELECT 1 FROM sent WHERE day = ? AND name_key = ?", (day, names.key(name))):
                count += 1
                name = names.numbered(document.name, count)
            self._sql("INSERT OR IGNORE INTO sent VALUES (?, ?, ?, ?)", (document.number, day, name, names.key(name)))

    def _day(self, document: Document) -> str:
        """Return the local day of a delivery, as 2026-11-24; of two halves that of the one that came first."""
        at = document.delivered_at or 0.0
        half = self.rows(
            "SELECT day FROM documents JOIN sent USING (number) WHERE (folder_key, pair_key) ="
            " (SELECT folder_key, pair_key FROM documents WHERE number = ?) AND ending <> ?"
            " AND abs(delivered_at - ?) < ? ORDER BY abs(delivered_at - ?) LIMIT 1",
            (document.number, names.split(document.name)[1], at, _SAME_DAY, at),
        )
        if half:
            return str(half[0][0])
        try:
            return time.strftime("%Y-%m-%d", time.localtime(at))
        except (ValueError, OverflowError, OSError):
            return "1970-01-01"  # a clock so wrong that there is no date for it

    def _list_no_more(self, documents: Sequence[Document]) -> None:
        """Take sent documents off the root."""
        self._sql(
            f"UPDATE documents SET listed = 0 WHERE number IN ({marks(documents)})",
            [document.number for document in documents],
        )
        self._shelve(documents)

    # ---- the drive's side ----------------------------------------------------------------------------------------

    def keep(self, draft: Draft, releases: Iterable[Release] = ()) -> None:
        """Make a document's bytes and record durable, and what was released since, in one synced transaction.

        A listed document of the same name is superseded, or, once it was published, only hidden. Raises OutboxError;
        then nothing has changed.
        """
        sha256 = hashlib.sha256(draft.data).hexdigest()
        crashpoint("keep.before")
        with self._transaction():
            self._release(releases)
            self._put(draft, sha256)
            crashpoint("keep.inside")
        crashpoint("keep.after")

    def _put(self, draft: Draft, sha256: str) -> None:
        """Write bytes and record of a document that is open for writing."""
        now = self.clock.wall()
        changed = self._sql(
            "UPDATE documents SET size = ?, sha256 = ?, modified_ns = ?, written_at = ?, version = version + 1,"
            f" reason = CASE WHEN ? <> '' THEN ? WHEN reason IN ({marks(FOR_A_PERSON)}) THEN reason END, detail = ?"
            " WHERE id = ? AND state = ?",
            (
                len(draft.data),
                sha256,
                draft.modified_ns,
                now,
                draft.failure,
                Reason.WRITE_FAILED,
                *sorted(FOR_A_PERSON),
                draft.failure,
                draft.id,
                State.WRITING,
            ),
        ).rowcount
        if not changed:
            if self.document(draft.id) is not None:
                raise OutboxGoneError(f"document {draft.id} {draft.name} was withdrawn while it was open")
            self._displace(draft.folder, draft.name, draft.id)
            stem, ending = names.split(draft.name)
            self._sql(
                "INSERT INTO documents (id, folder, folder_key, name, name_key, stem_key, pair_key, ending,"
                " size, sha256, state, modified_ns, written_at, reason, detail, listed)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
                (
                    draft.id,
                    draft.folder,
                    names.key(draft.folder),
                    draft.name,
                    names.key(draft.name),
                    names.key(stem),
                    self._pair_key(draft.folder, stem),
                    ending,
                    len(draft.data),
                    sha256,
                    State.WRITING,
                    draft.modified_ns,
                    now,
                    Reason.WRITE_FAILED if draft.failure else None,
                    draft.failure,
                ),
            )
            self._note(draft.id, draft.name, "", State.WRITING, "")
        self.set(draft.id, draft.data)

    def _pair_key(self, folder: str, stem: str) -> str:
        """Return the key that INGIS pairs by: without King's `(n)` if the stem without it is known, for then it is
        another print of that document.
        """
        base = names.without_number(stem)
        if base != stem:
            known = self.rows(
                "SELECT 1 FROM documents WHERE folder_key = ? AND pair_key = ? AND state NOT IN (?, ?) LIMIT 1",
                (names.key(folder), names.key(base), State.LOCAL, State.WITHDRAWN),
            )
            stem = base if known else stem
        return names.key(stem)

    def copy_aside(self, document: Document, draft: Draft, releases: Iterable[Release] = ()) -> bool:
        """Keep a copy of a published document under a name of its own, and list the original no more.

        The copy is never sent as it is, whatever it is called later: INGIS has it. Returns False
        while it is being published; then nothing has changed.
        """
        sha256 = hashlib.sha256(draft.data).hexdigest()
        with self._transaction() as sql:
            current = self.document(document.id)
            if current is not None and current.state is State.PUBLISHING:
                return False
            self._put(draft, sha256)
            mark = (Reason.DELIVERED_COPY, document.path, draft.id)
            sql("UPDATE documents SET reason = ?, detail = ? WHERE id = ?", mark)
            self._release(releases)
            if current is not None:
                self._list_no_more([current])
            crashpoint("copy.inside")
        return True

    def release(self, releases: Iterable[Release]) -> None:
        """Let go of documents whose last writing handle was closed, in one synced transaction."""
        with self._transaction():
            self._release(releases)
            crashpoint("release.inside")
        crashpoint("release.after")

    def _release(self, releases: Iterable[Release]) -> None:
        now, any_closed = self.clock.boot(), False
        for release in releases:
            document = self.document(release.id)
            if document is None or document.state is not State.WRITING:
                continue  # withdrawn or superseded meanwhile
            any_closed = True
            self._close(document, release, now)
        if any_closed:
            self._set_meta("last_close", repr(now))

    def _close(self, document: Document, release: Release, now: float) -> None:
        """Move a document on that nobody can write any more, now on the boot clock."""
        reason, detail = document.reason, document.detail
        if release.failed:
            reason, detail = Reason.WRITE_FAILED, release.detail or detail
        elif reason not in STICKY:
            reason, detail = None, ""
        columns: dict[str, object] = {"resume": None, "closed": now, "reason": reason, "detail": detail}
        if names.is_noise(document.path):
            self._move(document, State.LOCAL, "closed", **columns)
        elif reason is not None:
            self._move(document, State.HELD, reason, **columns)
        elif not release.changed and document.resume not in {None, State.LOCAL}:
            assert document.resume is not None
            self._move(document, document.resume, "closed unchanged", resume=None)
        else:
            self._move(document, State.SETTLING, "closed", due=now + self.settle, **columns)

    def take_back(self, document: Document) -> Document | None:
        """Take a document back from the courier, for a handle that may write it.

        Returns it as it is now, or None if it was published (or may have been), or is gone.
        """
        with self._transaction():
            current = self.document(document.id)  # the courier may have moved it on since it was looked up
            if current is None or not current.can_be_taken_back:
                return None
            if current.state is State.UPLOADING:
                # Another version: the upload that is under way can never be published, also if nothing is written.
                self._move(
                    current, State.WRITING, "opened for writing", resume=State.QUEUED, version=current.version + 1
                )
            elif current.state is not State.WRITING:
                self._move(current, State.WRITING, "opened for writing", resume=current.state)
            crashpoint("take_back.inside")
            return self.document(document.id)

    def rename(self, document: Document, folder: str, name: str, releases: Iterable[Release] = ()) -> bool:
        """Give a document another name, over whatever is listed there, in one synced transaction.

        The bytes are not touched. Returns False if it was (or may have been) published; then nothing has changed.
        """
        stem, ending = names.split(name)
        with self._transaction() as sql:
            self._release(releases)
            current = self.document(document.id)
            if current is None or not current.can_be_taken_back:
                return False
            if names.key(name) != names.key(current.name) or names.key(folder) != names.key(current.folder):
                self._displace(folder, name, document.id)
            sql(
                "UPDATE documents SET folder = ?, folder_key = ?, name = ?, name_key = ?, stem_key = ?, pair_key = ?,"
                " ending = ?, version = version + 1, remote_name = NULL WHERE id = ?",
                (
                    folder,
                    names.key(folder),
                    name,
                    names.key(name),
                    names.key(stem),
                    self._pair_key(folder, stem),
                    ending,
                    document.id,
                ),
            )
            self._renamed(document.id, current.path)
            crashpoint("rename.inside")
        crashpoint("rename.after")
        return True

    def _renamed(self, document_id: str, before: str) -> None:
        """Let a document begin anew under its new name: as a document or as noise."""
        document = self.document(document_id)
        assert document is not None
        now, why, noise = self.clock.boot(), f"renamed from {before}", names.is_noise(document.path)
        if document.state is State.WRITING:
            # What it was before it was opened says nothing about this name.
            self._sql("UPDATE documents SET resume = NULL WHERE id = ?", (document_id,))
        elif noise or document.reason in STICKY:
            after = State.LOCAL if noise else State.HELD
            columns: dict[str, object] = {} if document.reason in STICKY else {"reason": None, "detail": ""}
            if document.state is not after:
                self._move(document, after, why, **columns)
        elif document.state is State.SETTLING:
            self._sql("UPDATE documents SET due = ? WHERE id = ?", (now + self.settle, document_id))
        else:
            self._move(document, State.SETTLING, why, due=now + self.settle, closed=now, reason=None, detail="")

    def remove(self, document: Document, releases: Iterable[Release] = ()) -> bool:
        """Withdraw a document that was not published yet, or only hide it once it was.

        Returns False while it is being published; then nothing has changed.
        """
        with self._transaction():
            self._release(releases)
            current = self.document(document.id)
            if current is None:
                return True
            if current.state is State.PUBLISHING:
                return False
            self._set_aside(current, State.WITHDRAWN, "deleted on the drive")
            crashpoint("remove.inside")
        crashpoint("remove.after")
        return True

    def _displace(self, folder: str, name: str, successor: str) -> None:
        """Make the name free for another document."""
        listed = self.find(names.key(folder), names.key(name))
        if listed is not None and listed.id != successor:
            self._set_aside(listed, State.SUPERSEDED, f"replaced by {successor}")

    def _set_aside(self, document: Document, after: State, why: str) -> None:
        if document.state is State.LOCAL:
            self._sql("DELETE FROM documents WHERE id = ?", (document.id,))
            self.delete(document.id)
        elif document.can_be_taken_back or (document.state in TAKE_BACK and after is State.WITHDRAWN):
            if self._move(document, after, why, listed=0):
                self.delete(document.id)
        else:
            self._list_no_more([document])

    def touch(self, document: Document, modified_ns: int) -> None:
        """Note the time of the last change, ns since 1970 UTC, as a program set it."""
        with self._transaction() as sql:
            sql("UPDATE documents SET modified_ns = ? WHERE id = ?", (modified_ns, document.id))

    def make_folder(self, path: str) -> None:
        """Note a subfolder of the drive."""
        with self._transaction() as sql:
            sql("INSERT INTO folders VALUES (?, ?)", (names.key(path), path))

    def remove_folder(self, path: str) -> None:
        """Forget an empty subfolder of the drive."""
        with self._transaction() as sql:
            sql("DELETE FROM folders WHERE path_key = ?", (names.key(path),))

    def rename_folder(self, old: str, new: str) -> bool:
        """Move a subfolder with all that is in it, over an empty one of the new name.

        Returns False if something in it is being published; then nothing has changed.
        """
        old_key = names.key(old)
        with self._transaction() as sql:
            inside = "(folder_key = ? OR substr(folder_key, 1, ?) = ?) AND listed = 1"
            documents = self.documents(inside, (old_key, len(old_key) + 1, old_key + "/"))
            if any(document.state is State.PUBLISHING for document in documents):
                return False
            for path_key, path in self.folders().items():
                if path_key == old_key or path_key.startswith(old_key + "/"):
                    moved = new + path[len(old) :]
                    sql("DELETE FROM folders WHERE path_key = ?", (path_key,))
                    sql("INSERT OR REPLACE INTO folders VALUES (?, ?)", (names.key(moved), moved))
            for document in documents:
                folder = new + document.folder[len(old) :]
                sql(
                    "UPDATE documents SET folder = ?, folder_key = ?, version = version + 1 WHERE id = ?",
                    (folder, names.key(folder), document.id),
                )
                if document.can_be_taken_back:
                    sql("UPDATE documents SET remote_name = NULL WHERE id = ?", (document.id,))
                    self._renamed(document.id, document.path)
            crashpoint("rename_folder.inside")
        return True

    # ---- after a start -------------------------------------------------------------------------------------------

    def recover_drive(self) -> int:
        """Take documents that were open when the drive was killed as closed. Under the drive's lock only.

        Returns how many there were. The inspection decides about each of them, for nobody can say whether its program
        had finished.
        """
        now = self.clock.boot()
        with self._transaction():
            found = self.documents("state = ?", (State.WRITING,))
            for document in found:
                if names.key(document.name).startswith(".fuse_hidden"):
                    self._set_aside(document, State.WITHDRAWN, "deleted while open")
                elif document.resume in NEEDS_PERSON and document.reason is not None:
                    # It was opened for writing, and nothing was written: a reason is kept until then.
                    assert document.resume is not None
                    self._move(document, document.resume, "drive was killed", resume=None)
                else:
                    self._close(document, Release(document.id, changed=True), now)
            for document in self.documents("state = ? AND name_key LIKE '.fuse_hidden%'", (State.LOCAL,)):
                self._set_aside(document, State.WITHDRAWN, "deleted while open")
            crashpoint("recover_drive.inside")
        return len(found)

    def hold_everything(self, reason: Reason, why: str) -> int:
        """Hold all that was not published yet, until a person releases it. Returns how many that are."""
        states = [State.WRITING, State.SETTLING, State.QUEUED, State.UPLOADING]
        with self._transaction():
            found = self.documents(f"state IN ({marks(states)})", states)
            for document in found:
                self._move(document, State.HELD, why, reason=reason, detail="", resume=None)
            doubtful = self.documents("state = ?", (State.PUBLISHING,))
            for document in doubtful:
                self._move(document, State.PARKED, why, reason=Reason.DOUBTFUL, detail="")
            crashpoint("hold.inside")
        crashpoint("hold.after")
        return len(found) + len(doubtful)

    def take_over(self, found: Found) -> None:
        """Take a document over from a damaged outbox: held, or as a record of what was delivered."""
        stem, ending = names.split(found.name)
        sent = found.state in SENT
        if sent:
            after, reason = found.state, None
        else:
            after, reason = State.HELD, Reason.RECOVERED if found.data is not None else Reason.DAMAGED
        free = self.find(names.key(found.folder), names.key(found.name)) is None
        with self._transaction() as sql:
            taken = sql(
                "INSERT OR IGNORE INTO documents (id, folder, folder_key, name, name_key, stem_key, pair_key, ending,"
                " size, sha256, state, modified_ns, written_at, reason, remote_name, delivered_at, listed)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    found.id,
                    found.folder,
                    names.key(found.folder),
                    found.name,
                    names.key(found.name),
                    names.key(stem),
                    self._pair_key(found.folder, stem),
                    ending,
                    found.size,
                    found.sha256,
                    after,
                    found.modified_ns,
                    found.modified_ns / 1e9,
                    reason,
                    found.remote_name,
                    found.delivered_at,
                    int(free and not sent),
                ),
            ).rowcount
            if taken:
                self._note(found.id, found.name, "", after, f"recovered, was {found.state}")
                if found.data is not None and not sent:
                    self.set(found.id, found.data)
        crashpoint("take_over.after")

    def count_up(self, name: str) -> int:
        """Add one to a counter in `meta` and return its new value."""
        with self._transaction():
            value = int(self.meta(name) or 0) + 1
            self._set_meta(name, str(value))
        return value

    # ---- the courier's side --------------------------------------------------------------------------------------

    def decide(self, decisions: Iterable[Decision]) -> None:
        """Move settled documents on, as the intake decided: queued, or held with a reason and detail."""
        with self._transaction() as sql:
            for decision in decisions:
                document, reason = decision.document, decision.reason
                if not self._move(
                    document, decision.after, reason or "", reason=reason, detail=decision.detail, due=0.0
                ):
                    continue
                for earlier in decision.supersedes:
                    other = self.document(earlier.id)  # it may have moved on in this very transaction
                    if other is not None and other.can_be_taken_back and other.state is not State.WRITING:
                        self._set_aside(other, State.SUPERSEDED, f"printed again as {document.name}")
                if decision.after is State.QUEUED:
                    # Its other half may be waiting for this one to appear.
                    sql(
                        "UPDATE documents SET due = 0 WHERE state = ? AND tries = 0 AND (folder_key, pair_key) ="
                        " (SELECT folder_key, pair_key FROM documents WHERE id = ?)",
                        (State.QUEUED, document.id),
                    )
            crashpoint("decide.inside")
        crashpoint("decide.after")

    def postpone(self, documents: Iterable[tuple[Document, float]]) -> None:
        """Look at queued documents again only at a time on the boot clock."""
        with self._transaction() as sql:
            for document, due in documents:
                sql("UPDATE documents SET due = ? WHERE id = ? AND state = ?", (due, document.id, State.QUEUED))

    def claim(self, documents: Sequence[tuple[Document, str]]) -> list[Document]:
        """Give queued documents to a worker, each under its remote name. Returns those that were still free.

        The number of the attempt is committed before its PUT: a temporary name is never used again.
        """
        with self._transaction():
            claimed = []
            for document, remote_name in documents:
                if self._move(
                    document, State.UPLOADING, "", attempt=document.attempt + 1, remote_name=remote_name, etag=None
                ):
                    current = self.document(document.id)
                    assert current is not None
                    claimed.append(current)
            crashpoint("claim.inside")
        crashpoint("claim.after")
        return claimed

    def mark_publishing(self, stems: Iterable[Sequence[tuple[Document, str]]]) -> list[Document]:
        """Pass the point of no return, stem by stem, noting each temporary file's tag.

        Returns those documents that were still ours, as they are now. A stem is left out as a whole if one of its
        documents was opened, renamed or deleted since its claim, or if another document is about to take, or may just
        have taken, one of its remote names.
        """
        with self._transaction():
            marked = []
            for stem in stems:
                if all(self._may_publish(document) for document, _ in stem):
                    for document, tag in stem:
                        self._move(document, State.PUBLISHING, "", etag=tag, due=0.0, marked_at=self.clock.wall())
                        current = self.document(document.id)
                        assert current is not None
                        marked.append(current)
            if marked:
                self._set_meta("generation", str(int(self.meta("generation") or 0) + 1))
            crashpoint("publishing.inside")
        crashpoint("publishing.after")
        return marked

    def _may_publish(self, claimed: Document) -> bool:
        current = self.document(claimed.id)
        if current is None or (current.state, current.version) != (State.UPLOADING, claimed.version):
            return False
        if current.attempt != claimed.attempt:
            return False  # an answer about an upload that was given up
        rivals = (
            "SELECT 1 FROM documents WHERE remote_name = ? AND id <> ?"
            " AND (state = ? OR state = ? AND reason = ?) LIMIT 1"
        )
        doubt = (State.PUBLISHING, State.PARKED, Reason.DOUBTFUL)
        return not self.rows(rivals, (claimed.remote_name, claimed.id, *doubt))

    def finish(self, documents: Iterable[Document]) -> None:
        """Note that the server has these documents under their final names."""
        now = self.clock.wall()
        with self._transaction():
            for document in documents:
                if self._move(document, State.DELIVERED, "", delivered_at=now, tries=0):
                    self._put_right(document)
                    current = self.document(document.id)
                    if current is not None and not current.listed:
                        self._shelve([current])
            crashpoint("finish.inside")
        crashpoint("finish.after")

    def _put_right(self, document: Document) -> None:
        """Let what INGIS refused of the same name need nobody any more: this is its correction."""
        self._sql(
            "UPDATE documents SET reason = NULL WHERE state = ? AND reason IS NOT NULL AND number < ?"
            " AND (folder_key, pair_key, ending) ="
            " (SELECT folder_key, pair_key, ending FROM documents WHERE id = ?)",
            (State.REFUSED, document.number, document.id),
        )

    def hear(self, answers: Iterable[Answer], notes: Mapping[str, str] | None = None) -> list[Document]:
        """Note what INGIS did with delivered documents, and what its teller has to remember, in one transaction.

        `notes` go into `meta`: a place in a feed, for instance, so that no answer is heard twice or never. An answer
        that says nothing new, or is about a document that was not delivered, changes nothing. Returns the documents
        that moved on, as they were.
        """
        moved = []
        with self._transaction():
            for answer in answers:
                assert answer.after in BY_INGIS
                document = self.document(answer.id)
                if document is None or document.state not in SENT:
                    continue
                if answer.after is document.state:
                    if answer.word and self._hear_word(document, answer.word):
                        self._note(
                            document.id, document.name, document.state, document.state, answer.detail or answer.word
                        )
                    continue
                if answer.after not in TRANSITIONS[document.state]:
                    continue
                columns: dict[str, object] = {}
                if answer.after is not State.COLLECTED:
                    refused = answer.after is State.REFUSED
                    columns = {"reason": Reason.INGIS_REFUSED if refused else None, "detail": answer.detail}
                if self._move(document, answer.after, answer.detail or answer.word, **columns):
                    moved.append(document)
                    self._hear_word(document, answer.word)
                    if answer.after is State.REFUSED:
                        self._make_room(document)
            for name, value in (notes or {}).items():
                self._set_meta(name, value)
            crashpoint("hear.inside")
        crashpoint("hear.after")
        return moved

    def _hear_word(self, document: Document, word: str) -> bool:
        """Note the latest word about a document; tells whether it is another one."""
        if not word or self.rows("SELECT 1 FROM said WHERE number = ? AND word = ?", (document.number, word)):
            return False
        self._sql(
            "INSERT OR REPLACE INTO said"
            " SELECT number, ?, folder_key || '/' || pair_key FROM documents WHERE number = ?",
            (word, document.number),
        )
        return True

    def _make_room(self, refused: Document) -> None:
        """List a refused document and its other half no more, so that King gives their correction the same names."""
        states = sorted(SENT)
        self._list_no_more(
            self.documents(
                f"listed = 1 AND state IN ({marks(states)})"
                " AND (folder_key, pair_key) = (SELECT folder_key, pair_key FROM documents WHERE id = ?)",
                (*states, refused.id),
            )
        )

    def put_back(self, documents: Iterable[Document], delay: float, detail: str) -> None:
        """Return claimed documents to the queue, due again after `delay` seconds."""
        due = self.clock.boot() + delay
        with self._transaction():
            for document in documents:
                self._move(document, State.QUEUED, detail, due=due, tries=document.tries + 1, detail=detail)
            crashpoint("put_back.inside")
        crashpoint("put_back.after")

    def unmark(self, documents: Iterable[Document], delay: float, detail: str) -> None:
        """Return documents from publishing to the queue, due after `delay` seconds: the server did nothing.

        Only for a server that cannot rename and has said so of a file under its final name; behind a rename nothing is
        put again. What was printed again meanwhile is superseded.
        """
        due = self.clock.boot() + delay
        newer = (
            "SELECT later.name FROM documents AS later JOIN documents AS this USING (folder_key, pair_key, ending)"
            " WHERE this.id = ? AND later.number > this.number AND later.state IN (?, ?) LIMIT 1"
        )
        with self._transaction():
            for document in documents:
                assert document.state is State.PUBLISHING
                moved = self._move(document, State.QUEUED, detail, due=due, tries=document.tries + 1, detail=detail)
                later = self.rows(newer, (document.id, State.QUEUED, State.UPLOADING)) if moved else []
                if later and (current := self.document(document.id)) is not None:
                    self._set_aside(current, State.SUPERSEDED, f"printed again as {later[0][0]}")
            crashpoint("unmark.inside")
        crashpoint("unmark.after")

    def doubt(self, documents: Iterable[Document], delay: float, detail: str) -> None:
        """Keep documents in publishing, to be asked about again after `delay` seconds."""
        due = self.clock.boot() + delay
        with self._transaction() as sql:
            for document in documents:
                sql(
                    "UPDATE documents SET due = ?, tries = tries + 1, detail = ? WHERE id = ? AND state = ?",
                    (due, detail, document.id, State.PUBLISHING),
                )
            crashpoint("doubt.inside")

    def mark(self, document: Document) -> tuple[str, float]:
        """Return the tag that the temporary file had after its PUT, and the age of the mark `publishing` in seconds.

        The age is by the wall clock, for it must survive a restart of the machine; negative means that it is not known.
        """
        ((tag, marked_at),) = self.rows("SELECT etag, marked_at FROM documents WHERE id = ?", (document.id,))
        return str(tag or ""), -1.0 if marked_at is None else self.clock.wall() - float(marked_at)

    def park(self, document: Document, reason: Reason, detail: str) -> None:
        """Set a document aside until a person looks at it."""
        with self._transaction():
            self._move(document, State.PARKED, f"{reason} {detail}", reason=reason, detail=detail)
            crashpoint("park.inside")
        crashpoint("park.after")

    def recover_courier(self, in_hand: Container[str] = ()) -> None:
        """Put uploads that nobody has in hand back into the queue: a courier was killed, or its disk was full.

        Under the courier's lock only. `in_hand` has the ids of those that are under way.
        """
        with self._transaction():
            for document in self.documents("state = ?", (State.UPLOADING,)):
                if document.id not in in_hand:
                    self._move(document, State.QUEUED, "left behind", due=0.0)
            crashpoint("recover_courier.inside")

    def retire(self, keep_visible: float) -> int:
        """Take delivered documents off the root after `keep_visible` seconds, and their bytes out of the database.

        Returns how many there were.
        """
        limit = self.clock.wall() - keep_visible
        states = sorted(SENT)
        with self._transaction():
            found = self.documents(
                f"state IN ({marks(states)}) AND listed = 1 AND delivered_at <= ? LIMIT 500", [*states, limit]
            )
            self._list_no_more(found)
            crashpoint("retire.inside")
        return len(found)

    def unlisted_payloads(self, limit: int, behind: int = 0) -> list[Document]:
        """Return published documents that the root no longer lists and whose bytes are still in the database.

        Those `behind` a document's number only, in their order. What INGIS refused stays there until a person has
        dealt with it.
        """
        states = sorted(SENT)
        return self.documents(
            f"state IN ({marks(states)}) AND listed = 0 AND archived IS NULL AND number > ? AND NOT {NEEDING}"
            " AND EXISTS (SELECT 1 FROM Cache WHERE key = documents.id AND raw = 1) ORDER BY number LIMIT ?",
            [*states, behind, limit],
        )

    def archived(self, document: Document, path: str | None) -> None:
        """Drop a published document's bytes: they lie, synced, at `path` below the archive, or are kept no longer."""
        assert document.state in SENT | ENDED
        with self._transaction() as sql:
            sql("UPDATE documents SET archived = ? WHERE id = ?", (path, document.id))
            if path is None:
                sql("DELETE FROM sent WHERE number = ?", (document.number,))
            self.delete(document.id)
            crashpoint("archived.inside")

    def forget_archived(self, day: str) -> None:
        """Note that what lies below a day of the archive, `2026/11/24`, is about to be removed."""
        with self._transaction() as sql:
            sql(
                "DELETE FROM sent WHERE day = ? AND number IN (SELECT number FROM documents WHERE archived >= ?"
                " AND archived < ?)",
                (day.replace("/", "-"), day + "/", day + "0"),  # 0 comes right behind the stroke
            )

    # ---- a person's side -----------------------------------------------------------------------------------------

    def release_held(self, documents: Iterable[Document]) -> list[Document]:
        """Let held and parked documents go, as a person decided. Returns those that were still held or parked."""
        with self._transaction():
            return [
                document
                for document in documents
                if document.state in NEEDS_PERSON
                and self._move(
                    document, State.QUEUED, "released by a person", reason=None, detail="", due=0.0, tries=0, released=1
                )
            ]

    def retry(self, documents: Iterable[Document]) -> list[Document]:
        """Make waiting documents due now. Returns those that were waiting."""
        with self._transaction() as sql:
            return [
                document
                for document in documents
                if sql(
                    "UPDATE documents SET due = 0, tries = 0 WHERE id = ? AND state IN (?, ?)",
                    (document.id, State.QUEUED, State.PUBLISHING),
                ).rowcount
            ]

    def withdraw(self, documents: Iterable[Document]) -> list[Document]:
        """Take documents out that were not published, as a person decided. Returns those that could be.

        What INGIS refused was published; it needs nobody any more.
        """
        withdrawn = []
        with self._transaction() as sql:
            for document in documents:
                current = self.document(document.id)
                if current is not None and current.state is State.REFUSED and current.needs_person:
                    sql("UPDATE documents SET reason = NULL WHERE id = ?", (current.id,))
                    self._note(current.id, current.name, current.state, current.state, "dealt with by a person")
                    withdrawn.append(document)
                elif current is not None and current.can_be_taken_back and current.state is not State.WRITING:
                    self._set_aside(current, State.WITHDRAWN, "withdrawn by a person")
                    withdrawn.append(document)
            crashpoint("withdraw.inside")
        return withdrawn
