"""What `INGIS-STATUS.html`, the drive's own folders, `history` and `report` say. The catalogue takes these in too."""

from __future__ import annotations

SENTENCES: dict[str, dict[str, str]] = {
    # folders of the drive
    "folder.sent": {"nl": "Verzonden", "en": "Sent"},
    "folder.refused": {"nl": "Geweigerd", "en": "Refused"},
    "folder.reason": {"nl": ".reden.txt", "en": ".reason.txt"},
    "refusal.delivered": {
        "nl": "Bezorgd op {when} als {name} ({size}).",
        "en": "Delivered on {when} as {name} ({size}).",
    },
    "refusal.gone": {
        "nl": "Dit bestand en het document verdwijnen hier vanzelf zodra de verbetering bezorgd is.",
        "en": "This file and the document leave here by themselves once the correction is delivered.",
    },
    # ingisfs report
    "report.done": {
        "nl": "Het rapport staat in {path}. Namen van documenten zijn er nummers in, en namen, bedragen en"
        " rekeningnummers van klanten zijn weggelaten. Bekijk het en stuur het aan wie u helpt.",
        "en": "The report is in {path}. Names of documents are numbers in it, and names, amounts and account numbers of"
        " customers are left out. Look at it, and send it to whoever helps you.",
    },
    "report.failed": {
        "nl": "Het rapport kan niet naar {path} worden geschreven ({detail}). Kies een ander bestand met --output.",
        "en": "The report cannot be written to {path} ({detail}). Choose another file with --output.",
    },
    "report.readme": {
        "nl": "Dit is een rapport van ingisfs: versies, instellingen, toestand, geschiedenis en logboeken van één"
        " schijf. Namen van documenten zijn vervangen door nummers, overal dezelfde. Wachtwoorden staan er niet in."
        " Wie de schijf heeft, vindt een document bij zijn kenmerk (id) met: ingisfs history KENMERK --documents",
        "en": "This is a report of ingisfs: versions, settings, status, history and logs of one drive. Names of"
        " documents are numbers, everywhere the same ones. There are no passwords in it. Whoever has the drive finds a"
        " document by its id with: ingisfs history ID --documents",
    },
    # history
    "history.delivered": {"nl": "Bezorgd op {when} als {name}", "en": "Delivered on {when} as {name}"},
    "history.ingis": {"nl": "INGIS: {told}, gehoord op {when}", "en": "INGIS: {told}, heard on {when}"},
    "history.ingis-unknown": {
        "nl": "INGIS: niet bekend, zie portaal",
        "en": "INGIS: not known, see the portal",
    },
    "history.none": {
        "nl": "Er is niets gevonden. Zoek met minder woorden, of over meer dagen.",
        "en": "Nothing was found. Search with fewer words, or over more days.",
    },
    "html.title": {"nl": "INGIS, schijf {drive}", "en": "INGIS, drive {drive}"},
    "html.refreshes": {
        "nl": "Deze pagina ververst zichzelf elke {seconds} seconden.",
        "en": "This page refreshes itself every {seconds} seconds.",
    },
    "html.here": {"nl": "Op deze schijf", "en": "On this drive"},
    "html.needs-person": {"nl": "iemand nodig", "en": "need a person"},
    "html.on-their-way": {"nl": "onderweg", "en": "on their way"},
    "html.on-server": {"nl": "bezorgd", "en": "delivered"},
    "html.of-which": {"nl": "waarvan {told}", "en": "of which {told}"},
    "html.besides": {"nl": "daarnaast {told}", "en": "besides, {told}"},
    "html.at-ingis": {"nl": "Bij INGIS", "en": "At INGIS"},
    "html.ingis.refused": {"nl": "geweigerd", "en": "refused"},
    "html.ingis.new": {"nl": "nieuw", "en": "new"},
    "html.ingis.viewed": {"nl": "bekeken", "en": "viewed"},
    "html.ingis.sent": {"nl": "verzonden", "en": "sent"},
    "html.unknown": {"nl": "niet bekend, zie {portal}", "en": "not known, see the {portal}"},
    "html.portal": {"nl": "portaal", "en": "portal"},
    "html.portal-missing": {
        "nl": "Het adres van het portaal staat niet in de instellingen van deze schijf (portal).",
        "en": "The address of the portal is not in the settings of this drive (portal).",
    },
    "html.known-refused": {"nl": "waarvan deze schijf weet", "en": "that this drive knows of"},
    "progress.run": {"nl": "Deze run: {done} van {total} verstuurd", "en": "This run: {done} of {total} sent"},
    "progress.waiting": {
        "nl": "Deze run: {done} van {total} verstuurd; de rest wacht veilig op deze computer",
        "en": "This run: {done} of {total} sent; the others wait safely on this computer",
    },
    "html.column.do": {"nl": "Wat te doen", "en": "What to do"},
    "html.do.nothing": {"nl": "Niets.", "en": "Nothing."},
    "html.do.wait": {"nl": "Niets: gaat vanzelf.", "en": "Nothing: goes by itself."},
    "html.do.close": {
        "nl": "Niets: gaat vanzelf zodra het programma het document sluit.",
        "en": "Nothing: goes by itself once the program closes the document.",
    },
    "html.do.server": {
        "nl": "Gaat vanzelf zodra de server weer aanneemt: zie boven.",
        "en": "Goes by itself once the server takes documents again: see above.",
    },
    "html.older.one": {
        "nl": "En nog {count} document dat hier niet past.",
        "en": "And {count} more document that does not fit here.",
    },
    "html.older.many": {
        "nl": "En nog {count} documenten die hier niet passen.",
        "en": "And {count} more documents that do not fit here.",
    },
    "html.all": {"nl": "Bekijk ze met: {command}", "en": "See them with: {command}"},
}
