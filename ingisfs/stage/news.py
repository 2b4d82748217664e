"""What is told under "Nieuws" on the start page: the newest first, in Dutch and in English."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of news. `date` as `2026-11-25`, `title` and `text` in Dutch and English."""

    date: str
    title: tuple[str, str]
    text: tuple[str, str]


NEWS = (
    Item(
        "2026-11-25",
        ("Welkom bij de lokale INGIS", "Welcome to the local INGIS"),
        (
            "Dit is een oefenomgeving op uw eigen computer. Niets gaat naar buiten, tenzij u een mailserver opgeeft.",
            "This is a place to practise, on your own computer. Nothing leaves it, unless you name a mail server.",
        ),
    ),
    Item(
        "2026-11-24",
        ("Zet PDF en XML onder dezelfde naam", "Give PDF and XML the same name"),
        (
            "20260001.pdf en 20260001.xml worden samen één factuur; 20260001-1.pdf wordt een bijlage daarbij.",
            "20260001.pdf and 20260001.xml become one invoice; 20260001-1.pdf becomes an attachment to it.",
        ),
    ),
)
