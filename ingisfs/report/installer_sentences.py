"""What the installer says, in Dutch and in English. The catalogue takes these in with all its others.

It shows them in a window of its own, in Windows' older letters: no characters beyond those of Western Europe.
"""

from __future__ import annotations

SENTENCES: dict[str, dict[str, str]] = {
    "installer.older": {
        "nl": "Op deze computer staat ingisfs {installed}, en dit is {version}. Een oudere versie kan de documenten van"
        " een nieuwere misschien niet lezen; er is niets veranderd. Gebruik versie {installed} of nieuwer.",
        "en": "ingisfs {installed} is installed on this computer, and this is {version}. An older version may be unable"
        " to read the documents of a newer one; nothing was changed. Use version {installed} or newer.",
    },
    "installer.elsewhere": {
        "nl": "ingisfs staat al in {previous}. Installeer het daar, of verwijder het daar eerst. Er is niets"
        " veranderd.",
        "en": "ingisfs is installed in {previous} already. Install it there, or remove it there first. Nothing was"
        " changed.",
    },
    "installer.not-ours": {
        "nl": "De map {program} is niet leeg, en niet van ingisfs. Kies een andere. Er is niets veranderd.",
        "en": "The folder {program} is not empty, and not of ingisfs. Choose another one. Nothing was changed.",
    },
    "installer.in-use": {
        "nl": "ingisfs is nog in gebruik ({users}). Sluit King en andere programma's die de schijf gebruiken, en"
        " probeer het opnieuw. Er is niets veranderd, en de documenten zijn veilig.",
        "en": "ingisfs is still in use ({users}). Close King and other programs that use the drive, and try again."
        " Nothing was changed, and the documents are safe.",
    },
    "installer.cannot-replace": {
        "nl": "De map {program} kan niet worden vervangen: een programma heeft er een bestand open. Sluit het en"
        " probeer het opnieuw. Er is niets veranderd, en de documenten zijn veilig.",
        "en": "The folder {program} cannot be replaced: a program has a file in it open. Close it and try again."
        " Nothing was changed, and the documents are safe.",
    },
    "installer.waiting": {
        "nl": "In {folder} wachten documenten; ze gaan weg zodra de schijf weer gekoppeld is.",
        "en": "Documents wait in {folder}; they are sent as soon as the drive is mounted again.",
    },
    "installer.mount-again": {
        "nl": "De schijf van {folder} is gestopt om ingisfs te vervangen. Meld u opnieuw aan, of koppel haar met:"
        " ingisfs mount",
        "en": "The drive of {folder} was stopped so that ingisfs could be replaced. Log on again, or mount it with:"
        " ingisfs mount",
    },
    "installer.no-autostart": {
        "nl": "De schijf begint nog niet vanzelf. Stel haar in, en daarna als beheerder:"
        " ingisfs autostart on --machine",
        "en": "The drive does not start by itself yet. Set it up, and then as an administrator:"
        " ingisfs autostart on --machine",
    },
    "installer.no-winfsp": {
        "nl": "WinFsp ontbreekt, of is ouder dan {least}: zonder is er geen schijf. Installeer het van"
        " https://winfsp.dev, of leg winfsp-….msi naast dit installatieprogramma en start het opnieuw.",
        "en": "WinFsp is missing, or older than {least}: without it there is no drive. Install it from"
        " https://winfsp.dev, or put winfsp-….msi beside this installer and start it again.",
    },
    "installer.winfsp-unsigned": {
        "nl": "{name} is niet geldig ondertekend ({detail}) en is niet geinstalleerd. Haal het opnieuw op van"
        " https://winfsp.dev.",
        "en": "{name} is not validly signed ({detail}) and was not installed. Get it again from https://winfsp.dev.",
    },
    "installer.winfsp-failed": {
        "nl": "{name} kon niet worden geinstalleerd: msiexec eindigde met {code}. Installeer het met de hand.",
        "en": "{name} could not be installed: msiexec ended with {code}. Install it by hand.",
    },
    "installer.restart": {
        "nl": "Herstart Windows, zodat WinFsp werkt.",
        "en": "Restart Windows, so that WinFsp works.",
    },
    "installer.stays": {
        "nl": "Dit blijft staan, met alle documenten en instellingen: {places}",
        "en": "This stays, with all documents and settings: {places}",
    },
    "installer.partly": {
        "nl": "ingisfs is vervangen, maar dit lukte niet: {detail}. Herstel dat en start het installatieprogramma"
        " opnieuw.",
        "en": "ingisfs was replaced, but this did not work: {detail}. Mend that and start the installer again.",
    },
    "installer.error": {
        "nl": "Dat lukte niet: {detail}. Er is niets veranderd, en de documenten zijn veilig.",
        "en": "That did not work: {detail}. Nothing was changed, and the documents are safe.",
    },
}
