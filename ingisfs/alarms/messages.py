"""Puts a message together: what came, what is over, and what to do now."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass

from ingisfs.alarms.needs import needing_since
from ingisfs.alarms.ways import Message
from ingisfs.config import DEFAULT_DRIVE, Drive
from ingisfs.outbox.document import Reason
from ingisfs.outbox.reading import Reading
from ingisfs.report.catalogue import CATALOGUE, counted, duration, moment, say, size
from ingisfs.report.layout import printable
from ingisfs.report.target import OK, TargetStatus
from ingisfs.report.text import sentence

NAMED = 3  # documents that a message tells of one by one
ORDER = ("gone", "target", "disk", "documents", "quiet")  # what must be read first


@dataclass(frozen=True, slots=True)
class Situation:
    """What a message tells of."""

    drive: Drive
    outbox: Reading | None
    target: TargetStatus
    waiting: int  # documents
    quiet: float  # s that documents have waited while none was delivered
    free: int  # bytes of the disk under the outbox


def compose(now: Situation, told: Mapping[str, str], standing: Mapping[str, str]) -> Message | None:
    """Return what is to be said to somebody who was told `told`, now that `standing` is so; None: nothing after all."""
    language = now.drive.language
    heads: list[str] = []
    lines: list[str] = []
    for kind in ORDER:
        if kind in standing and told.get(kind) != standing[kind]:
            head, said = _raised(now, kind, told.get(kind), standing[kind])
            heads += [head] if said else []
            lines += said
    urgent = bool(lines)
    over = [kind for kind in ORDER if kind in told and kind not in standing]
    lines += [say(language, f"notice.{kind}.over", **_values(now)) for kind in over]
    if not lines:
        return None
    if not standing:
        heads.append(say(language, "notice.well.head"))
        lines.append(say(language, "notice.well"))
    elif not urgent:
        heads.append(say(language, "notice.better.head"))
        left = ", ".join(_head(now, kind) for kind in ORDER if kind in standing)
        lines.append(say(language, "notice.better", what=left))
    elif now.waiting:
        lines.append(counted(language, "notice.waiting", now.waiting))
    lines += ["", say(language, "notice.where", **_values(now))]
    if now.drive.portal:
        lines.append(say(language, "page.portal", portal=now.drive.portal))
    subject = say(language, "notice.subject", what="; ".join(heads))
    return Message(printable(subject), "\n".join(printable(line) for line in lines), urgent)


def _values(now: Situation) -> dict[str, object]:
    """Return what many sentences name."""
    drive = now.drive
    return {
        "place": drive.mountpoint or drive.name,
        "machine": socket.gethostname(),
        "option": "" if drive.name == DEFAULT_DRIVE else f" --drive {drive.name}",
        "log": drive.state_folder / "log" / "drive.log",
        "folder": drive.state_folder,
        "free": size(drive.language, now.free),
        "duration": duration(drive.language, now.quiet),
    }


def _head(now: Situation, kind: str, count: int | None = None) -> str:
    language = now.drive.language
    if kind == "documents":
        if count is None:
            count = now.outbox.needing_person_count() if now.outbox else 1
        return counted(language, "notice.documents.head", count)
    return say(language, f"notice.{kind}.head", **_values(now))


def _raised(now: Situation, kind: str, told: str | None, mark: str) -> tuple[str, list[str]]:
    """Return the head and the lines for what came; no lines if it is over before it was told."""
    language = now.drive.language
    match kind:
        case "documents":
            return _documents(now, int(told or 0))
        case "target":
            key = f"target.needs_person.{mark}"
            why = say(language, key if key in CATALOGUE else "target.needs_person.unknown")
            lines = [say(language, "notice.target", why=why)]
            if now.target.since is not None and now.target.reason == mark:
                lines.append(say(language, "target.since", when=moment(language, now.target.since)))
            if now.target.detail:
                lines.append(say(language, "page.message", detail=now.target.detail))
        case "quiet":
            key = "notice.quiet.answers" if now.target.state == OK else "notice.quiet"
            lines = [say(language, key, **_values(now))]
        case _:
            lines = [say(language, f"notice.{kind}", **_values(now))]
    return _head(now, kind), lines


def _documents(now: Situation, after: int) -> tuple[str, list[str]]:
    language = now.drive.language
    if now.outbox is None:  # somebody else has it, and tells
        return "", []
    count, first = needing_since(now.outbox, after, NAMED)
    if not count:
        return "", []
    lines = [counted(language, "notice.documents", count)]
    for document in first:
        lines.append(f"- {sentence(language, document)}")
        if document.reason in {Reason.SERVER_REFUSED, Reason.INGIS_REFUSED} and document.detail:
            lines.append(f"  {say(language, 'page.message', detail=document.detail)}")
    if count > len(first):
        lines.append(counted(language, "notice.documents.more", count - len(first), **_values(now)))
    return _head(now, "documents", count), lines
