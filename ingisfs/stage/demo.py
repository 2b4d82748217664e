"""Customers for whatever our stand-in for King prints, so that a demonstration has somebody to send invoices to."""

from __future__ import annotations

import contextlib

from ingisfs.stage.customers import Customer, CustomerError, Customers
from ingisfs.stage.users import Users

# number, name, e-mail address, VAT number, what they receive, language: King's debtors in the demonstration
DEBTORS = (
    ("1001", "Bakkerij ’t Stoepje", "inkoop@stoepje.example", "NL123456046B01", "both", "nl"),
    ("1002", "Café André", "andre@cafeandre.example", "NL123456058B01", "both", "nl"),
    (
        "1003", "Jansen & De Vries Installatietechniek B.V.", "facturen@jansendevries.example", "NL123456071B01",
        "both", "nl",
    ),
    ("1004", "Kleiner < Groter Grafisch Ontwerp", "post@kleinergroter.example", "NL123456083B01", "xml", "nl"),
    (
        "1005", "Stichting Zorggroep ’s-Hertogenbosch", "crediteuren@zorggroepdenbosch.example", "NL123456095B01",
        "both", "nl",
    ),
    ("1006", "Mevr. C. Özdemir - van den Broek", "c.ozdemir@post.example", "", "pdf", "nl"),
    ("1007", "Gemeente Nieuw-Súdermar", "e-facturen@nieuwsudermar.example", "NL123456101B01", "xml", "nl"),
    ("1008", 'Boekhandel "De Gulden Letter" V.O.F.', "winkel@guldenletter.example", "NL123456113B01", "both", "nl"),
    ("1009", "Crêperie Chez Loïc BV", "loic@chezloic.example", "BE0123456749", "both", "nl"),
    ("1010", "Čapek & Söhne Möbelwerkstatt GmbH", "rechnung@capek.example", "DE123456788", "both", "en"),
    ("1011", "Fysiotherapie De Brug", "balie@fysiodebrug.example", "NL123456125B01", "pdf", "nl"),
    ("1012", "René’s Catering ’s Middags & ’s Avonds", "keuken@renes.example", "NL123456137B01", "both", "nl"),
    ("1013", "Hijlkema’s Ĳsfabriek — sinds 1921", "ijs@hijlkema.example", "NL123456149B01", "both", "nl"),
)  # fmt: skip


COMPANY = "Van der Meer & Zn. Kantoorvakhandel B.V."


def prepare(customers: Customers, users: Users, owner: str) -> None:
    """Give a King user the customers and the name of the demonstration; what is there already stays as it is."""
    account = users.account(owner)
    if account is not None and not account.company:
        users.change_profile(
            owner,
            company=COMPANY,
            email=account.email,
            language=account.language,
            tell_refused=account.tell_refused,
        )
    for number, name, email, vat, wants, language in DEBTORS:
        with contextlib.suppress(CustomerError):
            customers.add(owner, Customer(number, name, email, vat, wants, language=language))
