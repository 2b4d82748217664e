"""What alarms say, as a notification and as e-mail. The catalogue takes these in with all its others.

`notice.KIND.head` is a few words for a subject line, `notice.KIND` what happened and what to do now, and
`notice.KIND.over` that it is over.
"""

from __future__ import annotations

SENTENCES: dict[str, dict[str, str]] = {
    "notice.subject": {"nl": "ingisfs: {what}", "en": "ingisfs: {what}"},
    # the first alarm, to try the mail
    "notice.test": {
        "nl": "Dit is een proef. Zo meldt ingisfs zich als er iets is met de schijf «{drive}».",
        "en": "This is a test. Like this ingisfs tells you when something is the matter with the drive “{drive}”.",
    },
    # the server needs a person; what to do is the sentence of its reason
    "notice.target.head": {"nl": "de server heeft iemand nodig", "en": "the server needs a person"},
    "notice.target": {
        "nl": "Er wordt niets bezorgd. {why}",
        "en": "Nothing is delivered. {why}",
    },
    "notice.target.over": {"nl": "De server antwoordt weer goed.", "en": "The server answers well again."},
    # documents are held or parked
    "notice.documents.head.one": {
        "nl": "{count} document heeft iemand nodig",
        "en": "{count} document needs a person",
    },
    "notice.documents.head.many": {
        "nl": "{count} documenten hebben iemand nodig",
        "en": "{count} documents need a person",
    },
    "notice.documents.one": {
        "nl": "{count} document wordt niet verstuurd voordat iemand ernaar kijkt:",
        "en": "{count} document is not sent until a person has looked at it:",
    },
    "notice.documents.many": {
        "nl": "{count} documenten worden niet verstuurd voordat iemand ernaar kijkt:",
        "en": "{count} documents are not sent until a person has looked at them:",
    },
    "notice.documents.more.one": {
        "nl": "… en nog {count} ander. Bekijk alles met: ingisfs queue list{option}",
        "en": "… and {count} other. See them all with: ingisfs queue list{option}",
    },
    "notice.documents.more.many": {
        "nl": "… en nog {count} andere. Bekijk ze met: ingisfs queue list{option}",
        "en": "… and {count} others. See them all with: ingisfs queue list{option}",
    },
    "notice.documents.over": {
        "nl": "Geen document heeft nog iemand nodig.",
        "en": "No document needs a person any more.",
    },
    # nothing was delivered for long
    "notice.quiet.head": {"nl": "al {duration} niets bezorgd", "en": "nothing delivered for {duration}"},
    "notice.quiet": {
        "nl": "Er is al {duration} niets bezorgd: de server antwoordt niet. Kijk of deze computer internet heeft;"
        " antwoordt de server dan nog niet, bel dan wie hem beheert.",
        "en": "Nothing has been delivered for {duration}: the server does not answer. See whether this computer has a"
        " connection to the internet; if the server does not answer then, call whoever runs it.",
    },
    "notice.quiet.answers": {
        "nl": "Er is al {duration} niets bezorgd, al antwoordt de server. Kijk in het programma dat ze afdrukt of het"
        " ze nog open heeft, en in INGIS-STATUS.txt wat er mislukt.",
        "en": "Nothing has been delivered for {duration}, though the server answers. See in the program that prints"
        " them whether it still has them open, and in INGIS-STATUS.txt what fails.",
    },
    "notice.quiet.over": {"nl": "Het bezorgen staat niet meer stil.", "en": "Deliveries no longer stand still."},
    "notice.waiting.one": {
        "nl": "{count} document wacht veilig op deze computer en gaat straks vanzelf.",
        "en": "{count} document waits safely on this computer and will go by itself.",
    },
    "notice.waiting.many": {
        "nl": "{count} documenten wachten veilig op deze computer en gaan straks vanzelf.",
        "en": "{count} documents wait safely on this computer and will go by themselves.",
    },
    # the disk under the outbox
    "notice.disk.head": {"nl": "de harde schijf is bijna vol", "en": "the disk is nearly full"},
    "notice.disk": {
        "nl": "De harde schijf onder {folder} is bijna vol: nog {free}. Straks kan King niet meer afdrukken. Maak"
        " ruimte op die schijf, maar verwijder niets uit deze map.",
        "en": "The disk under {folder} is nearly full: {free} left. Soon King can print no more. Make room on that"
        " disk, but remove nothing from this folder.",
    },
    "notice.disk.over": {
        "nl": "De harde schijf heeft weer ruimte.",
        "en": "The disk has room again.",
    },
    # the drive is not there
    "notice.gone.head": {"nl": "de schijf is weg", "en": "the drive is gone"},
    "notice.gone": {
        "nl": "De schijf {place} is weg: King kan er niet op afdrukken. Wat al was afgedrukt, is bewaard. Koppel haar"
        " opnieuw met: ingisfs mount{option}. Lukt dat niet, kijk dan in {log}.",
        "en": "The drive {place} is gone: King cannot print to it. What was printed before is kept. Mount it again"
        " with: ingisfs mount{option}. If that fails, look into {log}.",
    },
    "notice.gone.over": {"nl": "De schijf {place} is er weer.", "en": "The drive {place} is there again."},
    # the end of an alarm, and of every message
    "notice.well.head": {"nl": "alles is weer in orde", "en": "all is well again"},
    "notice.well": {
        "nl": "Alles is weer in orde; u hoeft niets te doen.",
        "en": "All is well again; you need not do anything.",
    },
    "notice.better.head": {"nl": "een storing is voorbij", "en": "one trouble is over"},
    "notice.better": {"nl": "Nog niet in orde: {what}.", "en": "Not well yet: {what}."},
    "notice.where": {
        "nl": "Schijf {place} op computer {machine}. Hoe het met alles staat, zegt INGIS-STATUS.txt op die schijf, of:"
        " ingisfs status{option}",
        "en": "Drive {place} on computer {machine}. How everything is doing, INGIS-STATUS.txt on that drive tells, or:"
        " ingisfs status{option}",
    },
}
