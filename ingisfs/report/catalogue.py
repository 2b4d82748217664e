"""Every sentence that a person reads, in Dutch and in English, and how numbers, sizes and times are written in them.

A sentence says what happened, to which document, and what to do now.
"""

from __future__ import annotations

import time
from typing import Final

from ingisfs.report.alarm_sentences import SENTENCES as ALARMS
from ingisfs.report.autostart_sentences import SENTENCES as AUTOSTART
from ingisfs.report.command_sentences import SENTENCES as COMMANDS
from ingisfs.report.diagnosis_sentences import SENTENCES as DIAGNOSIS
from ingisfs.report.installer_sentences import SENTENCES as INSTALLER
from ingisfs.report.page_sentences import SENTENCES as PAGE
from ingisfs.report.setup_sentences import SENTENCES as SETUP
from ingisfs.report.status_sentences import SENTENCES as STATUS
from ingisfs.report.tray_sentences import SENTENCES as TRAY
from ingisfs.report.where_sentences import SENTENCES as WHERE

LANGUAGES = ("nl", "en")
CATALOGUE: Final[dict[str, dict[str, str]]] = {
    **ALARMS,
    **AUTOSTART,
    **COMMANDS,
    **DIAGNOSIS,
    **INSTALLER,
    **PAGE,
    **SETUP,
    **STATUS,
    **TRAY,
    **WHERE,
}


def say(language: str, sentence: str, /, **values: object) -> str:
    """Return a sentence of the catalogue in `language` ("nl" or "en"), with its values filled in.

    Raises KeyError if there is no such sentence or language, or a value lacks.
    """
    return CATALOGUE[sentence][language].format(**values)


def counted(language: str, sentence: str, count: int, /, **values: object) -> str:
    """Return `<sentence>.one` or `<sentence>.many`, whichever fits the count; it gets it as {count}."""
    form = "one" if count == 1 else "many"
    return say(language, f"{sentence}.{form}", count=number(language, count), **values)


def number(language: str, value: float, decimals: int = 0) -> str:
    """Return a number with its thousands set apart: `12.345,6` in Dutch, `12,345.6` in English."""
    text = f"{value:,.{decimals}f}"
    return text.translate(str.maketrans(",.", ".,")) if language == "nl" else text


def size(language: str, count: int) -> str:
    """Return a number of bytes as people say it: `834 bytes`, `60,3 kB`, `1,2 MB`."""
    if count < 1000:
        return counted(language, "size.byte", count)
    value, units = count / 1000, ["kB", "MB", "GB", "TB"]
    while round(value, 1) >= 1000 and len(units) > 1:
        value /= 1000
        del units[0]
    return f"{number(language, value, 1)} {units[0]}"


def moment(language: str, at: float, *, seconds: bool = False) -> str:
    """Return a time (s since 1970 UTC) in this machine's zone: `25-11-2026 14:03`, in English `2026-11-25 14:03`."""
    form = ("%d-%m-%Y" if language == "nl" else "%Y-%m-%d") + (" %H:%M:%S" if seconds else " %H:%M")
    try:
        return time.strftime(form, time.localtime(at))
    except (ValueError, OverflowError, OSError):
        return "?"  # a clock so wrong that there is no date for it


def day(language: str, date: str) -> str:
    """Return an ISO 8601 date as `24-11-2026` in Dutch, as it is in English."""
    year, _, rest = date.partition("-")
    month, _, number_ = rest.partition("-")
    return f"{number_}-{month}-{year}" if language == "nl" and number_ else date


def duration(language: str, seconds: float) -> str:
    """Return a length of time in its largest whole unit: `45 seconden`, `3 minuten`, `2 uur`, `4 dagen`."""
    count = max(0, int(seconds))
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if count >= length:
            return counted(language, f"duration.{unit}", count // length)
    return counted(language, "duration.second", count)
