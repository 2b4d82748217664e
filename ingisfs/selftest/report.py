"""What a selftest found, as a page for people and as JSON for programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from ingisfs import __version__
from ingisfs.report.catalogue import moment, number, say
from ingisfs.report.layout import columns, pad, printable, wrap
from ingisfs.selftest.run import Outcome, Report

SCHEMA = 1
WIDTH = 100  # columns


def summary(report: Report, language: str) -> str:
    """Return in one line how it went."""
    failed = len(report.of("failed"))
    counts = {
        "count": number(language, len(report.outcomes)),
        "passed": number(language, len(report.of("passed"))),
        "failed": number(language, failed),
        "impossible": number(language, len(report.of("impossible"))),
    }
    return say(language, "selftest.summary", **counts) + " " + say(language, f"selftest.{'bad' if failed else 'good'}")


def as_text(report: Report, language: str) -> str:
    """Return the page, what failed first."""
    lines = [
        *_heading(say(language, "selftest.title")),
        *wrap(summary(report, language), WIDTH),
        "",
        *_facts(report, language),
    ]
    for result in ("failed", "impossible", "passed"):
        outcomes = [outcome for outcome in report.outcomes if outcome.result == result]
        if outcomes:
            lines += ["", *_heading(f"{say(language, f'selftest.{result}')} ({number(language, len(outcomes))})")]
            for outcome in outcomes:
                lines.append(outcome.pattern)
                lines += wrap(printable(_why(outcome, language)), WIDTH, "    ")
    return "\n".join(lines) + "\n"


def _heading(text: str) -> list[str]:
    return [text, "-" * columns(text)]


def _why(outcome: Outcome, language: str) -> str:
    return say(language, f"selftest.why.{outcome.reason}") if outcome.reason else outcome.detail


def _facts(report: Report, language: str) -> list[str]:
    facts = report.facts
    told = {
        "drive": f"{facts.mountpoint} ({facts.drive}), {facts.server}",
        "when": moment(language, facts.started_at, seconds=True),
        "duration": f"{number(language, facts.seconds)} s",
        "settle": f"{number(language, facts.settle, 1)} s",
        "host": facts.host,
        "system": facts.system,
    }
    rows = [(say(language, f"selftest.fact.{fact}"), printable(value)) for fact, value in told.items()]
    rows += [("Python", facts.python), ("ingisfs", __version__)]
    width = max(columns(name) for name, _ in rows)
    return [f"{pad(name, width)}  {value}" for name, value in rows]


def as_json(report: Report) -> str:
    """Return one object; times in ISO 8601 UTC and seconds."""
    facts = report.facts
    content = {
        "schema": SCHEMA,
        "ingisfs": __version__,
        "python": facts.python,
        "system": facts.system,
        "host": facts.host,
        "mountpoint": facts.mountpoint,
        "drive": facts.drive,
        "server": facts.server,
        "started_at": datetime.fromtimestamp(facts.started_at, UTC).isoformat(timespec="seconds"),
        "seconds": round(facts.seconds, 1),
        "settle_seconds": round(facts.settle, 2),
        "passed": len(report.of("passed")),
        "failed": len(report.of("failed")),
        "impossible": len(report.of("impossible")),
        "patterns": [
            {
                "name": outcome.pattern,
                "result": outcome.result,
                "seconds": round(outcome.seconds, 2),
                "reason": outcome.reason or None,
                "detail": outcome.detail,
            }
            for outcome in report.outcomes
        ],
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
