"""One worker: a thread with a connection of its own that does what the courier says and reports what happened.

It never touches the outbox. Jobs come in through its queue, results go out through the courier's.
"""

from __future__ import annotations

import hashlib
import logging
import math
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ingisfs.crashpoints import crashpoint
from ingisfs.delivery.failures import (
    DeliveryError,
    DocumentRefusedError,
    DoubtError,
    NameExistsError,
    TargetNeedsPersonError,
    TransientError,
    UnreachableError,
)
from ingisfs.delivery.server import Entry, Server, document_of, temporary_name
from ingisfs.outbox.document import Document

log = logging.getLogger(__name__)

#: What a worker looks at with its server. It returns what the courier's thread does about what was seen.
Look = Callable[[Server], Callable[[], None]]

LISTING_PAYS = 2  # documents of one folder from which one listing may verify them cheaper than a question for each
LIST_AGAIN = 30  # times its own duration after which a listing that does not pay is tried again

WHOLE_TARGET = (UnreachableError, TargetNeedsPersonError)  # failures that the next document would meet too


@dataclass(frozen=True, slots=True)
class Parcel:
    """One claimed document, and where it goes."""

    document: Document
    temporary: str
    data: bytes = field(repr=False, default=b"")
    direct: bool = False  # the server cannot rename: `data` goes under the final name at once
    tag: str = ""  # of the temporary file after its PUT, once known
    fresh: bool = False  # the mark is younger than temporary files live on this server
    earlier: frozenset[str] = frozenset()  # SHA-256 of what we delivered under this name before

    @property
    def final(self) -> str:
        """The name under which it is published."""
        assert self.document.remote_name is not None
        return self.document.remote_name


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one parcel. `error` is None for what was asked."""

    parcel: Parcel
    error: DeliveryError | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is to do with some parcels."""

    kind: str  # "put", "publish", "ask", "probe", "list" (our temporary files), "clean" (some), "look", "survival"
    stems: Sequence[Sequence[Parcel]] = ()  # parcels of one stem in the order in which they are published
    names: Sequence[str] = ()  # folders to list, temporary files to remove
    begun: int = 0  # how often the target had been closed when it was handed out
    look: Look | None = None  # what became of delivered documents
    needed: int = 0  # how often a person had been needed when it was handed out


@dataclass(frozen=True, slots=True)
class Result:
    """What a worker did. `error` concerns the target as a whole."""

    worker: Worker
    job: Job
    outcomes: Sequence[Outcome] = ()
    error: DeliveryError | None = None
    names: Sequence[str] = ()  # temporary files that were found
    hear: Callable[[], None] | None = None  # what was seen by a look


class Worker(threading.Thread):
    """See the module."""

    def __init__(self, number: int, connect: Callable[[], Server], report: Callable[[Result], None]) -> None:
        super().__init__(name=f"worker-{number}", daemon=True)
        self.number = number  # from 1
        self._connect = connect
        self._report = report
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._server: Server | None = None
        self._listed: dict[str, tuple[float, float]] = {}  # folder → how long its latest listing took (s), and when
        self._question = math.inf  # s that asking for one file takes; at first what the quickest put took
        self._needed = 0  # how often a person had been needed when the connection was made
        self.busy = False  # this and what follows is the courier's
        self.answered = False  # its server has, since the target was opened
        self.rests_until = 0.0  # on the boot clock: the server takes no more connections than the others have

    def give(self, job: Job) -> None:
        """Have a job done. One at a time."""
        self.busy = True
        self._jobs.put(job)

    def stop(self) -> None:
        """End after the present job."""
        self._jobs.put(None)

    def run(self) -> None:
        """Do jobs until stopped."""
        while (job := self._jobs.get()) is not None:
            try:
                result = self._do(job)
            except DeliveryError as error:
                if isinstance(error, TargetNeedsPersonError):
                    self._disconnect()  # the person may have changed what the connection was made with
                result = Result(self, job, error=error)
            except Exception as error:
                log.exception("worker failed in %s", job.kind)
                result = Result(self, job, error=TransientError(f"{type(error).__name__}: {error}"))
            self._report(result)
        self._disconnect()

    def _disconnect(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    @property
    def server(self) -> Server:
        """The connection, made when first needed."""
        if self._server is None:
            self._server = self._connect()
        return self._server

    def _do(self, job: Job) -> Result:
        if job.needed != self._needed:
            self._disconnect()  # as in `run`, whichever worker had met it
            self._needed = job.needed
        match job.kind:
            case "put":
                return Result(self, job, self._put(job))
            case "publish":
                return Result(self, job, _by_stem(job.stems, self._publish))
            case "ask":
                return Result(self, job, _by_stem(job.stems, self._ask))
            case "list":
                return Result(self, job, names=[name for folder in job.names for name in self._temporaries(folder)])
            case "clean":
                for name in job.names:
                    crashpoint("clean.before")
                    self.server.remove(name)
                crashpoint("clean.after")
                return Result(self, job)
            case "look" | "survival":
                assert job.look is not None
                return Result(self, job, hear=job.look(self.server))
            case _:
                self.server.ping()
                return Result(self, job)

    def _temporaries(self, folder: str) -> list[str]:
        found = (f"{folder}/{name}" if folder else name for name in self.server.names(folder))
        return [name for name in found if document_of(name) is not None]

    # ---- put and verify ------------------------------------------------------------------------------------------

    def _put(self, job: Job) -> list[Outcome]:
        stored: list[Parcel] = []
        outcomes: list[Outcome] = []
        stopped: DeliveryError | None = None
        for stem in job.stems:
            for parcel in stem:
                if stopped is not None or parcel.direct:  # the latter is put when it is published
                    outcomes.append(Outcome(parcel, stopped))
                    continue
                try:
                    crashpoint("put.before")
                    begun = time.monotonic()
                    self.server.put(parcel.temporary, parcel.data)
                    self._question = min(self._question, time.monotonic() - begun)
                    crashpoint("put.after")
                except WHOLE_TARGET as error:
                    stopped = error  # the rest would fare no better
                    outcomes.append(Outcome(parcel, error))
                except DeliveryError as error:
                    outcomes.append(Outcome(parcel, error))
                    self._clean(parcel)
                else:
                    stored.append(parcel)
        crashpoint("verify.before")
        outcomes += self._verify(stored)
        crashpoint("verify.after")
        return outcomes

    def _verify(self, stored: Sequence[Parcel]) -> list[Outcome]:
        """Look at what the server has: a 201 alone proves nothing, empty files have been seen behind it."""
        outcomes: list[Outcome] = []
        stopped: DeliveryError | None = None
        folders: dict[str, list[Parcel]] = {}
        for parcel in stored:
            folders.setdefault(parcel.temporary.rpartition("/")[0], []).append(parcel)
        for folder, parcels in folders.items():
            listing = self._listing(folder, len(parcels))
            for parcel in parcels:
                name = parcel.temporary.rpartition("/")[2]
                try:
                    if stopped is not None:
                        raise stopped
                    # What a listing does not show yet, a question about the one file may.
                    found = listing.get(name) or self._asked(parcel.temporary)
                    outcomes.append(self._verified(parcel, found))
                except WHOLE_TARGET as error:
                    stopped = error
                    outcomes.append(Outcome(parcel, error))
                except DeliveryError as error:
                    outcomes.append(Outcome(parcel, error))
        return outcomes

    def _listing(self, folder: str, wanted: int) -> dict[str, Entry]:
        """Return what is in a folder, or nothing where asking for each file is cheaper or a listing fails.

        Servers fail to list a folder in which files come and go meanwhile; that says nothing about our files.
        """
        if wanted < LISTING_PAYS or not self.server.lists_sizes or not self._pays(folder, wanted):
            return {}
        begun = time.monotonic()
        try:
            listing = self.server.entries(folder)
        except DeliveryError as error:
            log.debug("cannot list %r: %s", folder, error)
            return {}
        self._listed[folder] = (time.monotonic() - begun, begun)
        return listing

    def _pays(self, folder: str, wanted: int) -> bool:
        """Tell whether listing a folder is quicker than asking for `wanted` files, as far as both were measured.

        What is slow because the folder is full is tried again now and then: INGIS may have emptied it.
        """
        took, at = self._listed.get(folder, (0.0, 0.0))
        return took <= wanted * self._question or time.monotonic() - at > LIST_AGAIN * took

    def _asked(self, name: str) -> Entry | None:
        begun = time.monotonic()
        found = self.server.entry(name)
        self._question = time.monotonic() - begun
        return found

    def _verified(self, parcel: Parcel, found: Entry | None) -> Outcome:
        if found is None:
            return Outcome(parcel, TransientError("stored, said the server, but it is not there"))
        if found.size != parcel.document.size:
            self._clean(parcel)
            detail = f"the server stored {found.size} of {parcel.document.size} bytes"
            return Outcome(parcel, TransientError(detail))
        return Outcome(Parcel(parcel.document, parcel.temporary, tag=found.tag))

    def _clean(self, parcel: Parcel) -> None:
        try:
            self.server.remove(parcel.temporary)
        except DeliveryError as error:
            log.warning("cannot remove %s: %s", parcel.temporary, error)

    # ---- publish -------------------------------------------------------------------------------------------------

    def _publish(self, parcel: Parcel) -> None:
        crashpoint("publish.before")
        try:
            if parcel.direct:
                self.server.create(parcel.final, parcel.data)
            else:
                self.server.publish(parcel.temporary, parcel.final)
        except NameExistsError:
            self._whose(parcel)
        crashpoint("publish.after")

    def _whose(self, parcel: Parcel) -> None:
        """The final name is taken: by these very bytes, by our own earlier print, or by what is not ours to touch."""
        there = self.server.get(parcel.final)
        if there is None:
            raise DoubtError(f"{parcel.final} existed a moment ago")
        found = hashlib.sha256(there).hexdigest()
        if found == parcel.document.sha256:
            if not parcel.direct:
                self._clean(parcel)
        elif found in parcel.earlier and parcel.direct:
            self.server.create(parcel.final, parcel.data, over=True)
        elif found in parcel.earlier:
            self.server.replace(parcel.temporary, parcel.final)
        else:
            raise NameExistsError(parcel.final)

    def _ask(self, parcel: Parcel) -> None:
        """Find out what became of a document whose publishing was left in doubt, and finish it."""
        crashpoint("ask.before")
        temporary = self.server.entry(parcel.temporary)
        if temporary is None:
            there = self.server.get(parcel.final)
            if there is not None and hashlib.sha256(there).hexdigest() == parcel.document.sha256:
                return
            if not parcel.tag:
                found = "it is not there, but may have been" if there is None else "another file has its name"
                raise DocumentRefusedError(f"in doubt: {found}")
            if not parcel.fresh:
                raise DocumentRefusedError("in doubt: the temporary file is gone, and may have been for long")
            self._prove_listing(parcel)
            return  # it was there, it is gone, and the folder shows what is in it: it was published, and collected
        if temporary.size != parcel.document.size or temporary.tag != parcel.tag:
            raise DocumentRefusedError("in doubt: the temporary file is not the one that was put")
        self._publish(parcel)

    def _prove_listing(self, parcel: Parcel) -> None:
        """Make sure that absence means absence: a file written just now must be visible. Raises DoubtError."""
        probe = temporary_name(parcel.temporary, parcel.document.id, 0)
        probe = probe.replace("-0.part", f"-{parcel.document.attempt}-probe.part")
        self.server.remove(probe)  # of an earlier time, that could not be removed then: SFTP puts nothing over it
        self.server.put(probe, b"ingisfs")
        crashpoint("probe.after")
        try:
            seen = self.server.entry(probe)
            again = self.server.entry(parcel.temporary)
        finally:
            self.server.remove(probe)
        if seen is None or again is not None:
            raise DoubtError("the server's listing lags behind")


def _by_stem(stems: Sequence[Sequence[Parcel]], do: Callable[[Parcel], None]) -> list[Outcome]:
    """Do one thing to each stem, until the server as a whole fails: a refused log-in is not tried for each of them."""
    outcomes: list[Outcome] = []
    stopped: DeliveryError | None = None
    for stem in stems:
        done = [Outcome(parcel, stopped) for parcel in stem] if stopped is not None else _in_order(stem, do)
        outcomes += done
        stopped = next((outcome.error for outcome in done if isinstance(outcome.error, WHOLE_TARGET)), stopped)
    return outcomes


def _in_order(stem: Sequence[Parcel], do: Callable[[Parcel], None]) -> list[Outcome]:
    """Do one thing to the parcels of a stem, PDF first; what comes behind a failure is left for later."""
    outcomes: list[Outcome] = []
    failed: DeliveryError | None = None
    for parcel in stem:
        if failed is None:
            try:
                do(parcel)
                outcomes.append(Outcome(parcel))
                continue
            except DeliveryError as error:
                failed = error
                outcomes.append(Outcome(parcel, error))
        else:
            outcomes.append(Outcome(parcel, DoubtError(f"waits for its other half: {failed}")))
    return outcomes
