"""What the stage writes to people by e-mail, in Dutch and in English, as text and as a page with one button."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from ingisfs.stage.sentences import LANGUAGES

# kind: (subject, text before the button, the button, text behind it), each in Dutch and English
_LETTERS = {
    "notify": (
        ("Factuur {number} van {company}", "Invoice {number} from {company}"),
        (
            "Beste {customer},\n\n{company} heeft een factuur voor u: {number}, € {gross}, van {date}.",
            "Dear {customer},\n\n{company} has an invoice for you: {number}, € {gross}, of {date}.",
        ),
        ("Factuur bekijken", "View invoice"),
        (
            "De eerste keer kiest u een wachtwoord. Uw gebruikersnaam is dit e-mailadres: {email}.",
            "The first time you choose a password. Your user name is this e-mail address: {email}.",
        ),
    ),
    "documents": (
        ("Factuur {number} van {company}", "Invoice {number} from {company}"),
        (
            "Beste {customer},\n\nBijgaand ontvangt u factuur {number} van {company}: € {gross}, van {date}.",
            "Dear {customer},\n\nPlease find attached invoice {number} from {company}: € {gross}, of {date}.",
        ),
        ("Factuur bekijken", "View invoice"),
        (
            "U kunt al uw facturen ook in het portaal zien. Uw gebruikersnaam is dit e-mailadres: {email}.",
            "You can see all your invoices in the portal too. Your user name is this e-mail address: {email}.",
        ),
    ),
    "invite": (
        ("Facturen van {company}", "Invoices from {company}"),
        (
            "Beste {customer},\n\n{company} stuurt u facturen voortaan digitaal.",
            "Dear {customer},\n\n{company} will send you invoices electronically from now on.",
        ),
        ("Registreren", "Register"),
        (
            "Uw gebruikersnaam is dit e-mailadres: {email}. Deze knop werkt 60 dagen.",
            "Your user name is this e-mail address: {email}. This button works for 60 days.",
        ),
    ),
    "reset": (
        ("Nieuw wachtwoord voor de lokale INGIS", "New password for the local INGIS"),
        (
            "Iemand vroeg een nieuw wachtwoord voor {email}. Was u dat niet, dan hoeft u niets te doen.",
            "Somebody asked for a new password for {email}. If that was not you, there is nothing to do.",
        ),
        ("Wachtwoord kiezen", "Choose a password"),
        ("Deze knop werkt een uur, en één keer.", "This button works for an hour, and once."),
    ),
    "refused": (
        ("Factuur {number} is geweigerd", "Invoice {number} was refused"),
        ("{number} is niet aangenomen. {reason}\n\n{advice}", "{number} was not taken. {reason}\n\n{advice}"),
        ("Bekijken", "View"),
        (
            "U krijgt deze e-mail omdat u dat bij Mijn profiel zo hebt ingesteld.",
            "You receive this e-mail because you chose so in My profile.",
        ),
    ),
}

_PAGE = """<!doctype html>
<html lang="{language}"><body style="font:16px/1.5 sans-serif;color:#1d2733;max-width:36em">
{before}
<p><a href="{link}" style="background:#0b6e4f;color:#fff;padding:10px 18px;border-radius:6px;text-decoration:none;\
display:inline-block">{button}</a></p>
<p style="color:#4a5663">{after}</p>
</body></html>
"""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail's subject, and its content as text and as HTML."""

    subject: str
    text: str
    html: str


def letter(kind: str, language: str, link: str, **values: str) -> Letter:
    """The letter of a kind with its link; `values` are texts, never HTML. Raises KeyError."""
    which = LANGUAGES.index(language)
    subject, before, button, after = (texts[which].format(**values) for texts in _LETTERS[kind])
    paragraphs = "\n".join(f"<p>{escape(each)}</p>" for each in before.split("\n\n"))
    return Letter(
        " ".join(subject.split())[:200],
        f"{before}\n\n{button}:\n{link}\n\n{after}\n",
        _PAGE.format(
            language=language, before=paragraphs, link=escape(link), button=escape(button), after=escape(after)
        ),
    )
