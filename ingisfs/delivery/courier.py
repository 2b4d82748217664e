"""The courier: takes what is ready out of the outbox and sees to it that the server has it, exactly once.

One thread (this one) touches the outbox; workers touch the server. What they report is gathered and written in few
transactions, so that the drive seldom waits for the write lock.

The courier outlives the drive: it goes on until the queue is empty, or until another drive process has begun
(`drive_generation` in the outbox) and brings a courier of its own.
"""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from ingisfs.crashpoints import crashpoint
from ingisfs.delivery.failures import (
    CannotRenameError,
    DeliveryError,
    DocumentRefusedError,
    NameExistsError,
    TargetNeedsPersonError,
    TargetReason,
    TransientError,
    UnreachableError,
)
from ingisfs.delivery.following import Following, Pattern
from ingisfs.delivery.receipts import Receipts
from ingisfs.delivery.server import Server, document_of, temporary_name
from ingisfs.delivery.survival import Survival
from ingisfs.delivery.target import LOGIN_PROBE, Target, backoff
from ingisfs.delivery.worker import WHOLE_TARGET, Job, Look, Outcome, Parcel, Result, Worker
from ingisfs.outbox.archive import Archive
from ingisfs.outbox.ballast import LITTLE, Ballast
from ingisfs.outbox.document import NEEDS_PERSON, Document, Reason, State
from ingisfs.outbox.intake import Intake, Rules, Stem, is_xml
from ingisfs.outbox.mirror import Mirror
from ingisfs.outbox.outbox import Outbox
from ingisfs.outbox.reading import DamagedError
from ingisfs.outbox.store import OutboxError, OutboxFullError

log = logging.getLogger(__name__)

BREATH, LONGEST_BREATH = 0.02, 0.32  # s between two looks because of work: the longer a run of prints, the fewer
LOOK = 1.0  # s between two looks at the outbox without being told
JOB_STEMS = 8  # stems in one job at most: they share one verifying listing
JOB_BYTES = 32 * 2**20
HOUSEKEEPING = 5.0  # s between two rounds of it
SWEEP = 3600.0  # s between two looks for temporary files that were given up
RESOLVE_WAIT = 2.0  # s before a server is asked about a doubt for the first time
REST = 300.0  # s between two tries of one connection more, where the server took no more of them

#: What a server that takes no more connections may say to one that it does not let in, beside "not now".
_OF_CROWDS = {TargetReason.LOGIN, TargetReason.UNKNOWN}

Event = Result | Literal["work", "orphan", "stop"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the configuration says about delivering."""

    rules: Rules
    workers: int = 4
    temporary_folder: str | None = None  # None: beside the final name
    temp_lifetime: float = 3600.0  # s that a temporary file surely stays where it was put
    keep_visible: float = 86400.0  # s that a delivered document stays in the root
    archive_days: float = 90.0  # 0: none
    follow: float = 0.0  # s between two looks for what INGIS collected or answered, at most; 0: never
    answers: tuple[Pattern, ...] = ()  # how INGIS's answers are called on the server
    receipts: bool = False  # the server tells them itself, in a feed


class Courier:
    """See the module."""

    def __init__(
        self,
        outbox: Outbox,
        plan: Plan,
        connect: Callable[[], Server],
        mirror: Mirror | None = None,
        ballast: Ballast | None = None,
        survival: Survival | None = None,
        generation: str = "",
    ) -> None:
        """Deliver from `outbox`; `connect` makes one server object for each worker. `generation`: whose courier it is.

        `survival`: what a check may have left on the server, to be ended when its time is over.
        """
        self._outbox = outbox
        self._plan = plan
        self._mirror = mirror
        self._ballast = ballast
        self._intake = Intake(outbox, plan.rules)
        self._archive = Archive(outbox, plan.archive_days)
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._workers = [Worker(number, connect, self._events.put) for number in range(1, plan.workers + 1)]
        self._needed = 0  # how often a person was needed
        self._lead = self._workers[0]  # asks for all of them: the one that was answered last
        self._target = Target(outbox.clock)
        self._target.remember(outbox.meta("target"))
        self._in_hand: set[str] = set()  # ids that a worker has
        self._unwritten: list[Result] = []  # what workers did that the outbox does not know yet
        self._orphan = False  # the drive is gone
        self._stopping = False
        self._generation = generation or outbox.meta("drive_generation")
        self._asked = outbox.meta("probe")  # changes when a person wants the target tried at once
        self._looked = 0.0  # on time.monotonic: when work was looked for last
        self._breath = BREATH
        self._told = False  # of work, since then
        self._next_housekeeping = 0.0
        self._next_sweep = 0.0
        self._survival = survival
        self._look_survives = False  # it may be time to
        self._interrupted = True  # the latest handing out may have left claimed documents behind
        self._direct = False  # the server cannot rename: documents are put under their final names at once
        self._given_up: list[str] = []  # temporary files of ours that nobody needs any more
        self._following: Receipts | Following
        if plan.receipts:
            self._following = Receipts(outbox, plan.follow)
        else:
            folders = {"", *plan.rules.folders.values()}
            self._following = Following(outbox, plan.follow, folders, plan.temporary_folder, plan.answers)

    def wake(self, event: Literal["work", "orphan", "stop"] = "work") -> None:
        """Say that there is work, that the drive is gone, or that it is time to stop. From any thread."""
        self._events.put(event)

    def run(self) -> None:
        """Deliver until told to stop, or until nothing is left to do without a drive."""
        self._say_target()
        for worker in self._workers:
            worker.start()
        try:
            while not self._stopping or self._in_hand or self._unwritten:
                self._turn()
        finally:
            for worker in self._workers:
                worker.stop()
            for worker in self._workers:
                worker.join(5)

    def _turn(self) -> None:
        """One round: decide and hand out, wait, write down what happened."""
        if not self._stopping:
            self._try(self._work)
        self._unwritten.extend(self._gather())
        self._try(self._write_down)

    def _try(self, do: Callable[[], None]) -> None:
        """Do something with the outbox; on a full disk or a long lock it is done again later."""
        for again in (True, False):
            try:
                do()
            except OutboxError as error:
                log.error("outbox: %s", error)
                if again and type(error) in {OutboxError, OutboxFullError} and self._has_room():
                    continue
                time.sleep(LOOK)
            return

    def _has_room(self) -> bool:
        """Have room for a few records on a full disk, lent by the ballast; tells whether there is."""
        try:
            return self._ballast is not None and self._ballast.lend(LITTLE)
        except OSError as error:
            log.error("outbox: %s", error)
            return False

    def _work(self) -> None:
        now = time.monotonic()
        is_run = self._told and now - self._looked < 2 * self._breath
        self._breath = min(LONGEST_BREATH, 2 * self._breath) if is_run else BREATH
        self._looked, self._told = now, False
        if self._interrupted:
            self._outbox.recover_courier(self._in_hand)
        self._interrupted = True
        self._intake.settle()
        self._hand_out()
        self._interrupted = False
        self._keep_house()

    def _write_down(self) -> None:
        """Write down what the workers did. Should the outbox fail, all of it is written again; that changes nothing."""
        self._hear(self._unwritten)
        self._unwritten.clear()
        if self._orphan and self._is_done():
            self._stopping = True

    def _is_done(self) -> bool:
        if self._outbox.meta("drive_generation") != self._generation:
            return True
        return not self._in_hand and self._outbox.waiting() == 0

    # ---- events --------------------------------------------------------------------------------------------------

    def _gather(self) -> list[Result]:
        """Wait for something to happen, and return all results that are there.

        The first word of work is heard at once. While a program prints one document after the other, looking at each by
        itself would take the disk and the write lock from it.
        """
        results: list[Result] = []
        wait = self._patience()
        while (event := self._event(wait)) is not None:
            wait = 0.0
            if isinstance(event, Result):
                results.append(event)
            elif event == "orphan":
                self._orphan = True
            elif event == "stop":
                self._stopping = True
            else:
                self._told = True
                if not results:
                    wait = max(0.0, self._looked + self._breath - time.monotonic())
        return results

    def _event(self, wait: float) -> Event | None:
        """Return the next thing that happened, None if nothing does within `wait` seconds."""
        try:
            return self._events.get(timeout=wait) if wait else self._events.get_nowait()
        except queue.Empty:
            return None

    def _patience(self) -> float:
        """Return how long nothing can happen without an event, in seconds."""
        now = self._outbox.clock.boot()
        looks = [now + LOOK, self._intake.next_look()]
        if not self._target.open:
            looks = [now + LOOK, self._target.next_probe, self._intake.next_settle()]
        return max(0.0, min(looks) - now)

    def _hear(self, results: Sequence[Result]) -> None:
        """Write down what the workers did, in as few transactions as possible, and let them go on."""
        if not results:
            return
        uploaded: list[tuple[Result, list[Outcome]]] = []
        delivered: list[Document] = []
        for result in results:
            good = result.job.kind == "probe" or (
                self._target.open and (result.hear is not None or any(o.error is None for o in result.outcomes))
            )
            if result.error is None and good:
                # What began before the target was closed says nothing of now; only a probe opens it again.
                self._target_answered(delivered=result.job.kind in {"publish", "ask"})
                result.worker.answered, self._lead = True, result.worker
            if self._is_news_of_documents(result):
                self._say_target()
            rests = self._rests(result)
            if (error := _of_target(result)) is not None and not rests:
                self._target_failed(error, result.job.begun)
                if result.job.kind == "probe" and error.crowded:  # another worker may have the only connection
                    self._lead = self._workers[result.worker.number % len(self._workers)]
            match result.job.kind:
                case "put":
                    uploaded.append((result, self._sort_uploads(result)))
                case "publish" | "ask":
                    delivered.extend(self._sort_published(result))
                case "list" | "clean" if rests:
                    self._given_up += [name for name in result.job.names if result.job.kind == "clean"]
                    self._next_sweep = 0.0
                case "list":
                    self._given_up += [name for name in result.names if self._is_given_up(name)]
                case "look":
                    self._hear_look(result)
        if delivered:
            self._outbox.finish(delivered)
            self._following.delivered(delivered)
            self._in_hand.difference_update(document.id for document in delivered)
        jobs = self._publish(uploaded) if any(whole for _, whole in uploaded) else []
        for result in results:
            result.worker.busy = False
        for worker, job in jobs:
            worker.give(job)

    def _sort_uploads(self, result: Result) -> list[Outcome]:
        """Return what may be published; put the rest back, or park it with its other half."""
        if result.error is not None:
            documents = [parcel.document for stem in result.job.stems for parcel in stem]
            self._put_back(documents, result.error)
            return []
        failed: dict[tuple[str, str], DeliveryError] = {}
        for outcome in result.outcomes:
            if outcome.error is not None:
                key = (outcome.parcel.document.folder, outcome.parcel.document.pair_key)
                failed.setdefault(key, outcome.error)
        whole: list[Outcome] = []
        for stem in result.job.stems:
            keys = {(parcel.document.folder, parcel.document.pair_key) for parcel in stem}
            error = next((failed[key] for key in keys if key in failed), None)
            if error is None:
                ids = {parcel.document.id for parcel in stem}
                whole.extend(o for o in result.outcomes if o.parcel.document.id in ids)
            elif isinstance(error, DocumentRefusedError):
                self._refuse([parcel.document for parcel in stem], result.outcomes)
            else:
                self._put_back([parcel.document for parcel in stem], error)
        return sorted(whole, key=lambda o: self._rank(result.job, o.parcel.document.id))

    @staticmethod
    def _rank(job: Job, document_id: str) -> int:
        order = [parcel.document.id for stem in job.stems for parcel in stem]
        return order.index(document_id)

    def _refuse(self, documents: Sequence[Document], outcomes: Sequence[Outcome]) -> None:
        errors = {o.parcel.document.id: o.error for o in outcomes if isinstance(o.error, DocumentRefusedError)}
        guilty = next(document.name for document in documents if document.id in errors)
        for document in documents:
            if document.id in errors:
                self._park(document, Reason.SERVER_REFUSED, str(errors[document.id]))
            else:
                self._park(document, Reason.TWIN, guilty)

    def _put_back(self, documents: Sequence[Document], error: DeliveryError) -> None:
        """Back into the queue. When the whole target is closed, they wait for it and not by themselves."""
        whole_target = isinstance(error, WHOLE_TARGET)
        delay = 0.0 if whole_target else _delay(documents, error)
        self._outbox.put_back(documents, delay, str(error))
        self._in_hand.difference_update(document.id for document in documents)

    def _publish(self, uploaded: Sequence[tuple[Result, list[Outcome]]]) -> list[tuple[Worker, Job]]:
        """Pass the point of no return with all that was verified, in one transaction; returns the renames to do."""
        verified = {o.parcel.document.id: o.parcel for _, whole in uploaded for o in whole}
        marked = self._mark(
            [verified[parcel.document.id] for parcel in stem if parcel.document.id in verified]
            for result, _ in uploaded
            for stem in result.job.stems
        )
        jobs = []
        for result, _ in uploaded:
            mine = [
                [self._marked(parcel, marked) for parcel in stem if parcel.document.id in marked]
                for stem in result.job.stems
            ]
            if any(mine):
                crashpoint("publish.handed")
                jobs.append((result.worker, self._job("publish", [stem for stem in mine if stem])))
        return jobs

    def _mark(self, stems: Iterable[Sequence[Parcel]]) -> dict[str, Document]:
        """Pass the point of no return in one transaction; returns by id what did, as it is now."""
        made = [stem for stem in stems if stem]
        marked = self._outbox.mark_publishing([(parcel.document, parcel.tag) for parcel in stem] for stem in made)
        if self._mirror is not None and marked:
            self._mirror.write(int(self._outbox.meta("generation") or 0))
        passed = {document.id: document for document in marked}
        left = [parcel.document for stem in made for parcel in stem if parcel.document.id not in passed]
        if left:
            # Taken back by the drive, or its remote name is in doubt; the former are no longer ours to put back.
            self._outbox.put_back(left, RESOLVE_WAIT, "not published this time")
            self._in_hand.difference_update(document.id for document in left)
        return passed

    def _marked(self, parcel: Parcel, marked: Mapping[str, Document]) -> Parcel:
        """Return what a worker needs to publish a document that it has put, or, without a rename, only claimed."""
        document = marked[parcel.document.id]
        if parcel.direct:
            return replace(parcel, document=document, earlier=self._earlier(document))
        return self._parcel(document)

    def _parcel(self, document: Document) -> Parcel:
        """Return what a worker needs to publish a document, or to ask about it."""
        tag, age = self._outbox.mark(document)
        fresh = 0 <= age < self._plan.temp_lifetime
        return Parcel(document, self._temporary(document), tag=tag, fresh=fresh, earlier=self._earlier(document))

    def _earlier(self, document: Document) -> frozenset[str]:
        """Return the hashes of what we delivered under the same remote name before."""
        query = "SELECT sha256 FROM documents WHERE remote_name = ? AND id <> ? AND delivered_at IS NOT NULL"
        return frozenset(sha for (sha,) in self._outbox.rows(query, (document.remote_name, document.id)))

    def _sort_published(self, result: Result) -> list[Document]:
        """Return what was delivered; park, or ask later about, the rest."""
        if result.error is not None:
            documents = [parcel.document for stem in result.job.stems for parcel in stem]
            self._doubt(documents, result.error)
            return []
        delivered = []
        outcomes = {outcome.parcel.document.id: outcome for outcome in result.outcomes}
        for stem in result.job.stems:
            guilty = ""
            for at, parcel in enumerate(stem):
                document, error = parcel.document, outcomes[parcel.document.id].error
                if guilty:
                    self._park(document, Reason.TWIN, guilty)
                elif error is not None and _is_undone(parcel, error):
                    self._undo(stem[at:], error)
                    break
                elif error is None:
                    delivered.append(document)
                elif isinstance(error, (NameExistsError, DocumentRefusedError)):
                    guilty = document.name
                    self._park(document, _parked_because(result.job, error), str(error))
                else:
                    self._doubt([document], error)
                    if parcel.direct and stem[at + 1 :]:
                        self._undo(stem[at + 1 :], error)  # not sent: it waits for its other half
                        break
        return delivered

    def _undo(self, parcels: Sequence[Parcel], error: DeliveryError) -> None:
        """Back into the queue: where the server cannot rename, and did nothing, there is nothing to ask about."""
        if isinstance(error, CannotRenameError):
            if not self._direct:
                log.warning("the server cannot rename; documents go straight to their names: %s", error)
            self._direct = True
        documents = [parcel.document for parcel in parcels]
        at_once = isinstance(error, (*WHOLE_TARGET, CannotRenameError))
        delay = 0.0 if at_once else _delay(documents, error)
        self._outbox.unmark(documents, delay, str(error))
        self._in_hand.difference_update(document.id for document in documents)

    def _park(self, document: Document, reason: Reason, detail: str) -> None:
        self._outbox.park(document, reason, detail)
        self._in_hand.discard(document.id)

    def _doubt(self, documents: Sequence[Document], error: DeliveryError) -> None:
        delay = max(RESOLVE_WAIT, backoff(max((document.tries for document in documents), default=0)))
        self._outbox.doubt(documents, delay, str(error))
        self._in_hand.difference_update(document.id for document in documents)

    # ---- the target ----------------------------------------------------------------------------------------------

    def _target_answered(self, delivered: bool) -> None:
        if self._target.answered(delivered=delivered):
            self._say_target()

    def _is_news_of_documents(self, result: Result) -> bool:
        """Note whether the server takes any documents; tells whether that has to be said."""
        uploads = result.job.kind == "put"
        errors = [outcome.error for outcome in result.outcomes if not (uploads and outcome.parcel.direct)]
        if None in errors:
            return self._target.took()
        error = next((error for error in errors if isinstance(error, TransientError)), None)
        if not uploads or error is None or any(isinstance(error, WHOLE_TARGET) for error in errors):
            return False
        return self._target.refused(error)

    def _rests(self, result: Result) -> bool:
        """Have a worker rest if the server may only have one connection too many; tells whether it does.

        A log-in that was refused for another reason is met by the others too, once their connections end. One worker
        at a time tries again; of the log-in that was refused, as seldom as ever.
        """
        errors = [result.error, *(outcome.error for outcome in result.outcomes)]
        error = next((error for error in errors if error is not None and error.crowded), None)
        if error is None or (isinstance(error, TargetNeedsPersonError) and error.reason not in _OF_CROWDS):
            return False
        now, worker = self._outbox.clock.boot(), result.worker
        others = [other for other in self._workers if other is not worker and other.rests_until <= now]
        if not self._target.open or not any(other.answered or other.busy for other in others):
            return False
        worker.answered = False
        rest = LOGIN_PROBE if isinstance(error, TargetNeedsPersonError) else REST
        worker.rests_until = max(now, *(other.rests_until for other in self._workers)) + rest
        log.warning("the server takes no more connections, %s rests: %s", worker.name, error)
        return True

    def _target_failed(self, error: DeliveryError, begun: int) -> None:
        if not isinstance(error, (TransientError, TargetNeedsPersonError)):
            error = UnreachableError(str(error))
        self._needed += isinstance(error, TargetNeedsPersonError)
        if self._target.failed(error, begun):
            log.warning("target: %s %s: %s", self._target.health, self._target.reason, error)
        if not self._target.open:
            for worker in self._workers:
                worker.answered, worker.rests_until = False, 0.0
        self._say_target()

    def _say_target(self) -> None:
        self._outbox.set_meta("target", self._target.as_json())

    def _probe_wanted(self) -> bool:
        """Tell whether the target should be tried now: its time has come, or a person has asked for it.

        A person may ask while a try is still under way, and mean what was changed since that began. So a request is
        answered only by a try that begins after it.
        """
        asked = self._outbox.meta("probe")
        if asked != self._asked:
            self._target.next_probe = 0.0
        self._asked = asked
        return self._target.probe_due()

    # ---- handing out ---------------------------------------------------------------------------------------------

    def _hand_out(self) -> None:
        idle = [worker for worker in self._workers if not worker.busy]
        if not idle:
            return
        if not self._target.open:
            if len(idle) == len(self._workers) and self._probe_wanted():
                self._lead.give(self._job("probe"))
            return
        if len(idle) == len(self._workers) and (asked := self._outbox.meta("probe")) != self._asked:
            self._asked = asked  # the target is open, and nothing older may still fail
            self._needed += 1  # what connections are made with may have been changed
            for worker in self._workers:
                worker.rests_until = 0.0
        if not self._target.fresh:
            if len(idle) < len(self._workers):
                return
            idle = [self._lead]
        idle = [worker for worker in idle if worker.rests_until <= self._outbox.clock.boot()]
        for worker, stems in zip(idle, self._doubtful(len(idle)), strict=False):
            self._in_hand.update(parcel.document.id for parcel in stems)
            worker.give(self._job("ask", [stems]))
        idle = [worker for worker in idle if not worker.busy]
        if idle and self._outbox.meta("drive_generation") == self._generation:
            if self._outbox.paused_until(self._outbox.clock.wall()) is None:
                self._hand_out_queued(idle)
            self._sweep([worker for worker in idle if not worker.busy])
            self._look_after()

    def _job(
        self,
        kind: str,
        stems: Sequence[Sequence[Parcel]] = (),
        names: Sequence[str] = (),
        look: Look | None = None,
    ) -> Job:
        return Job(kind, stems, names, self._target.closings, look, self._needed)

    def _sweep(self, idle: Sequence[Worker]) -> None:
        """Look now and then for temporary files that were given up, and have them removed: only ours, by id."""
        if not idle:
            return
        if self._given_up:
            idle[0].give(self._job("clean", names=self._given_up))
            self._given_up = []
        elif self._outbox.clock.boot() >= self._next_sweep:
            self._next_sweep = self._outbox.clock.boot() + SWEEP
            if self._plan.temporary_folder is not None:
                folders = {self._plan.temporary_folder}
            else:
                folders = {"", *self._plan.rules.folders.values()}
            idle[0].give(self._job("list", names=sorted(folders)))
            self._look_survives = True
        elif self._look_survives:
            self._look_survives = False
            if self._survival is not None and self._survival.is_over(now := self._outbox.clock.wall()):
                idle[0].give(self._job("survival", look=partial(_end_survival, self._survival, now)))

    def _look_after(self) -> None:
        """Look what became of what was delivered, when there is nothing else to do and the drive is there."""
        if self._orphan or any(worker.busy for worker in self._workers):
            return
        look = self._following.look(fresh=self._target.fresh)
        if look is not None:
            self._lead.give(self._job("look", look=look))

    def _hear_look(self, result: Result) -> None:
        if result.hear is not None:
            result.hear()
        elif result.error is not None:
            self._following.failed(result.error)

    def _is_given_up(self, name: str) -> bool:
        found = document_of(name)
        if found is not None and self._following.is_left_over(*found):
            return True
        document = None if found is None else self._outbox.document(found[0])
        if found is None or document is None or document.id in self._in_hand:
            return False
        in_use = document.state in {State.UPLOADING, State.PUBLISHING, State.PARKED}
        return not (in_use and found[1] == document.attempt)

    def _hand_out_queued(self, idle: Sequence[Worker]) -> None:
        stems = self._intake.ready(JOB_STEMS * len(idle))
        if not stems:
            return
        parcels: list[list[Stem]] = [[] for _ in idle]
        share = max(1, -(-len(stems) // len(idle)))
        for at, stem in enumerate(stems):
            parcels[min(at // share, len(idle) - 1)].append(stem)
        jobs = [_affordable(share_of_stems) for share_of_stems in parcels]
        names = [
            (document, self._plan.rules.remote_name(document))
            for job in jobs
            for stem in job
            for document in stem.documents
        ]
        claimed = {document.id: document for document in self._outbox.claim(names)}
        # What an earlier attempt left behind; not every server shows it in a listing.
        self._given_up.extend(self._temporary(d, d.attempt - 1) for d in claimed.values() if d.attempt > 1)
        for worker, job in zip(idle, jobs, strict=True):
            made = [self._parcels(stem, claimed) for stem in job]
            made = [stem for stem in made if stem]
            if made:
                self._in_hand.update(parcel.document.id for stem in made for parcel in stem)
                worker.give(self._job("put", made))

    def _parcels(self, stem: Stem, claimed: dict[str, Document]) -> list[Parcel]:
        """Return the parcels of a stem, or none if not all of it could be claimed or read."""
        documents = [claimed[document.id] for document in stem.documents if document.id in claimed]
        made: list[Parcel] = []
        damaged: str | None = None
        for document in documents:
            try:
                data = self._outbox.payload(document.id)
                made.append(Parcel(document, self._temporary(document), data, self._direct))
            except DamagedError:
                damaged = document.name
                log.critical("the bytes of document %s %s are missing or damaged", document.id, document.name)
                self._outbox.park(document, Reason.DAMAGED, "")
        if damaged is None and len(documents) == len(stem.documents):
            return made
        rest = [parcel.document for parcel in made]
        for document in rest:
            if damaged is not None:
                self._outbox.park(document, Reason.TWIN, damaged)
        if damaged is None and rest:
            self._outbox.put_back(rest, 0.0, "its other half was taken back")
        return []

    def _temporary(self, document: Document, attempt: int | None = None) -> str:
        """Return the name under which an attempt is put, the present one unless another is asked for."""
        assert document.remote_name is not None
        number = document.attempt if attempt is None else attempt
        return temporary_name(document.remote_name, document.id, number, self._plan.temporary_folder)

    def _doubtful(self, limit: int) -> list[list[Parcel]]:
        """Return what is in publishing, due, and in nobody's hand: by stem, the XML behind all of its PDFs."""
        now = self._outbox.clock.boot()
        found = self._outbox.documents("state = ? ORDER BY number LIMIT 500", (State.PUBLISHING,))
        free = {document.id: document for document in found if document.id not in self._in_hand and document.due <= now}
        stems: list[list[Document]] = []
        for xml in [document for document in free.values() if is_xml(document)]:
            papers = [other for other in self._intake.family(xml) if not is_xml(other)]
            guilty = next((other for other in papers if other.state in NEEDS_PERSON), None)
            publishing = [other for other in papers if other.state is State.PUBLISHING]
            del free[xml.id]
            if guilty is not None:
                # Its rename was never sent: it stands behind that of its PDF.
                self._park(xml, Reason.TWIN, guilty.name)
            elif all(other.id in free for other in publishing):
                stems.append([*publishing, xml])
                for other in publishing:
                    del free[other.id]
        stems.extend([document] for document in free.values())
        return [[self._parcel(document) for document in stem] for stem in stems[:limit]]

    # ---- housekeeping --------------------------------------------------------------------------------------------

    def _keep_house(self) -> None:
        """Bound the log, archive what was delivered, give space back: when there is time for it."""
        now = self._outbox.clock.boot()
        if self._outbox.wal_size() > self._outbox.wal_bound:
            self._outbox.checkpoint()
        if now < self._next_housekeeping:
            return
        self._next_housekeeping = now + HOUSEKEEPING
        self._outbox.retire(self._plan.keep_visible)
        self._archive.round()


def _end_survival(survival: Survival, now: float, server: Server) -> Callable[[], None]:
    """Tell whether the file of an earlier check is still there, and remove it. Nothing is left to hear."""
    try:
        survival.look(server, now, again=False)
    except OSError as error:
        log.warning("cannot note what became of the file of a check: %s", error)
    return lambda: None


def _of_target(result: Result) -> DeliveryError | None:
    """Return what a result says against the target as a whole, None if nothing. A job stops at the first of these."""
    if result.job.kind in {"list", "clean", "look", "survival"}:
        return None
    return result.error or next((o.error for o in result.outcomes if isinstance(o.error, WHOLE_TARGET)), None)


def _parked_because(job: Job, error: DeliveryError) -> Reason:
    if isinstance(error, NameExistsError):
        return Reason.NAME_TAKEN
    return Reason.SERVER_REFUSED if job.kind == "publish" else Reason.DOUBTFUL


def _is_undone(parcel: Parcel, error: DeliveryError) -> bool:
    """Tell whether the server surely did nothing, where a rename's own certainty is not to be had."""
    surely = isinstance(error, (TransientError, TargetNeedsPersonError))
    return isinstance(error, CannotRenameError) or (parcel.direct and surely)


def _delay(documents: Sequence[Document], error: DeliveryError) -> float:
    """Return how long documents wait by themselves after a failure, in seconds."""
    tries = max((document.tries for document in documents), default=0) + 1
    asked = error.retry_after if isinstance(error, TransientError) else None
    return max(backoff(tries), asked or 0.0)


def _affordable(stems: Iterable[Stem]) -> list[Stem]:
    """Return as many stems as one job may hold in memory, one at least."""
    taken: list[Stem] = []
    left = JOB_BYTES
    for stem in stems:
        if taken and stem.size > left:
            break
        taken.append(stem)
        left -= stem.size
    return taken
