"""How amounts, days, times and sizes look, in Dutch and in English. Times are local."""

from __future__ import annotations

from datetime import UTC, date, datetime


def money(cents: int | None, language: str) -> str:
    """1.234,50; "–" for what is not known."""
    if cents is None:
        return "–"
    text = f"{cents / 100:,.2f}"
    return text.translate(str.maketrans(",.", ".,")) if language == "nl" else text


def amount(cents: int | None, currency: str, language: str) -> str:
    """An amount with its currency, kept on one line; "–" for none."""
    if cents is None:
        return "–"
    return f"{'€' if currency == 'EUR' else currency}\u00a0{money(cents, language)}"


def day(iso: str, language: str) -> str:
    """A day that is kept as `2026-11-25`; "–" for none."""
    try:
        return date.fromisoformat(iso).strftime("%d-%m-%Y" if language == "nl" else "%Y-%m-%d")
    except ValueError:
        return "–"


def moment(seconds: float, language: str) -> str:
    """A moment given in seconds since 1970 UTC."""
    local = datetime.fromtimestamp(seconds, UTC).astimezone()
    return local.strftime("%d-%m-%Y %H:%M" if language == "nl" else "%Y-%m-%d %H:%M")


def iso(seconds: float) -> str:
    """The same for programs."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def size(count: int, language: str) -> str:
    """Bytes as 60,2 kB."""
    if count < 1000:
        return f"{count} B"
    text = f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
    return text.replace(".", ",") if language == "nl" else text
