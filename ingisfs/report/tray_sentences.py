"""What the icon beside the clock says, and of a pause. The catalogue takes these in with all its others."""

from __future__ import annotations

SENTENCES: dict[str, dict[str, str]] = {
    "headline.paused": {"nl": "Gepauzeerd tot {when}.", "en": "Paused until {when}."},
    "queue.pause": {
        "nl": "Tot {when} wordt er niets verstuurd; afdrukken kan gewoon. Eerder verder: ingisfs queue resume",
        "en": "Nothing is sent until {when}; printing goes on. To go on sooner: ingisfs queue resume",
    },
    "queue.resume": {"nl": "Het bezorgen gaat verder.", "en": "Deliveries go on."},
    "unmount.paused": {
        "nl": "Het bezorgen is gepauzeerd tot {when}, en er wachten nog {count}. Ga verder met: ingisfs queue resume."
        " Of koppel de schijf los zonder te wachten: ingisfs unmount --now",
        "en": "Deliveries are paused until {when}, and {count} still wait. Go on with: ingisfs queue resume. Or take"
        " the drive away without waiting: ingisfs unmount --now",
    },
    "tray.no-extra": {
        "nl": "Voor het pictogram bij de klok ontbreekt {detail}. Installeer het met: pip install ingisfs[tray]",
        "en": "The icon beside the clock lacks {detail}. Install it with: pip install ingisfs[tray]",
    },
    "tray.no-screen": {
        "nl": "Er is geen scherm voor het pictogram bij de klok ({detail}). Meld u aan op het bureaublad en start het"
        " daar, of bekijk alles met: ingisfs status",
        "en": "There is no screen for the icon beside the clock ({detail}). Log on to the desktop and start it there,"
        " or see everything with: ingisfs status",
    },
    "tray.already": {
        "nl": "Het pictogram bij de klok is er al. Kijk bij de verborgen pictogrammen.",
        "en": "The icon beside the clock is there already. Look among the hidden icons.",
    },
    "tray.drive": {"nl": "Schijf {drive}: {told}", "en": "Drive {drive}: {told}"},
    "tray.away": {"nl": "niet gekoppeld", "en": "not mounted"},
    "tray.unreadable": {"nl": "de toestand is niet te lezen", "en": "its state cannot be read"},
    "tray.open": {"nl": "Open {place}", "en": "Open {place}"},
    "tray.status": {"nl": "Open de statuspagina", "en": "Open the status page"},
    "tray.portal": {"nl": "Open het portaal van INGIS", "en": "Open INGIS's portal"},
    "tray.documents": {"nl": "Laatste documenten", "en": "Latest documents"},
    "tray.release": {"nl": "Vrijgeven", "en": "Release"},
    "tray.release.sure": {
        "nl": "Ja, verstuur {name}: INGIS krijgt het",
        "en": "Yes, send {name}: INGIS gets it",
    },
    "tray.withdraw": {"nl": "Intrekken", "en": "Withdraw"},
    "tray.withdraw.sure": {
        "nl": "Ja, verstuur {name} niet: het gaat van de schijf",
        "en": "Yes, do not send {name}: it leaves the drive",
    },
    "tray.dealt-with": {"nl": "Is afgehandeld", "en": "Is dealt with"},
    "tray.retry": {"nl": "Opnieuw proberen", "en": "Try again"},
    "tray.all-held": {"nl": "Alles wat vastgehouden is ({count})", "en": "All that is held ({count})"},
    "tray.all-waiting": {
        "nl": "Alles wat wacht opnieuw proberen ({count})",
        "en": "Try all that waits again ({count})",
    },
    "tray.all": {"nl": "alle {count}", "en": "all {count}"},
    "tray.pause": {"nl": "Een uur niets versturen", "en": "Send nothing for an hour"},
    "tray.resume": {"nl": "Verder gaan met versturen", "en": "Go on sending"},
    "tray.not-yours": {
        "nl": "Beslissen over documenten van deze schijf kan alleen een beheerder",
        "en": "Only an administrator decides about documents of this drive",
    },
    "tray.failed": {"nl": "Dat is niet gelukt: {detail}", "en": "That failed: {detail}"},
    "tray.quit": {"nl": "Verberg dit pictogram", "en": "Hide this icon"},
}
