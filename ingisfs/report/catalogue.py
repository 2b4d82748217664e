"""Every sentence that a person sees, in Dutch and in English, and the forms in which numbers and times are shown.

A sentence says what happened, to which document, and what to do now. `say` fills in its values.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from ingisfs.report.command_sentences import SENTENCES as COMMANDS
from ingisfs.report.status_sentences import SENTENCES as STATUS

CATALOGUE: Final[dict[str, dict[str, str]]] = {**COMMANDS, **STATUS}


def say(language: str, sentence: str, /, **values: object) -> str:
    """Return a sentence of the catalogue in `language` ("nl" or "en"). Raises KeyError for an unknown one."""
    return CATALOGUE[sentence][language].format(**values)


def number(language: str, value: int) -> str:
    """Return a count with its thousands set apart: `1.234` in Dutch, `1,234` in English."""
    text = f"{value:,}"
    return text.replace(",", ".") if language == "nl" else text


def size(language: str, value: int) -> str:
    """Return bytes as a person reads them: `60,3 kB`."""
    amount, unit = float(value), "B"
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    text = f"{amount:.0f}" if unit == "B" else f"{amount:.1f}"
    return f"{text.replace('.', ',') if language == 'nl' else text} {unit}"


def moment(language: str, at: float, *, seconds: bool = False) -> str:
    """Return a time (s since 1970 UTC) in this machine's zone: `25-11-2026 14:03`, in English `2026-11-25 14:03`."""
    form = ("%d-%m-%Y" if language == "nl" else "%Y-%m-%d") + (" %H:%M:%S" if seconds else " %H:%M")
    return datetime.fromtimestamp(at).astimezone().strftime(form)


def duration(language: str, seconds: float) -> str:
    """Return a length of time in its largest whole unit: `3 minuten`."""
    units = (
        (86400, ("dag", "dagen"), ("day", "days")),
        (3600, ("uur", "uur"), ("hour", "hours")),
        (60, ("minuut", "minuten"), ("minute", "minutes")),
        (1, ("seconde", "seconden"), ("second", "seconds")),
    )
    for length, dutch, english in units:
        if seconds >= length or length == 1:
            count = int(seconds // length)
            one, many = dutch if language == "nl" else english
            return f"{count} {one if count == 1 else many}"
    raise AssertionError("unreachable")
