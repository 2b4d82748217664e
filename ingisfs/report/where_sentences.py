"""Where a drive is, and whether it delivers. The catalogue takes these in with all its others."""

from __future__ import annotations

SENTENCES: dict[str, dict[str, str]] = {
    "where.here": {
        "nl": "De schijf is gekoppeld op {mountpoint} en werkt.",
        "en": "The drive is mounted at {mountpoint} and works.",
    },
    "where.session": {
        "nl": "De schijf {mountpoint} is gekoppeld in een andere sessie, of in een venster met andere rechten; daarom"
        " is zij hier niet te zien. Dat is geen storing: daar wordt gewoon afgedrukt en bezorgd.",
        "en": "The drive {mountpoint} is mounted in another session, or in a window with other rights; so it is not"
        " seen here. That is no trouble: there, printing and delivering go on.",
    },
    "where.unseen": {
        "nl": "De schijf «{drive}» is gekoppeld in een andere sessie. Dat is geen storing: daar wordt gewoon afgedrukt"
        " en bezorgd.",
        "en": "The drive “{drive}” is mounted in another session. That is no trouble: there, printing and delivering go"
        " on.",
    },
    "where.user": {
        "nl": "{mountpoint} is de schijf van een andere gebruiker van deze computer: {user}. Dat is geen storing. Hoe"
        " het met de documenten staat, ziet {user}; ontkoppelen kan {user} of een beheerder.",
        "en": "{mountpoint} is the drive of another user of this computer: {user}. That is no trouble. What became of"
        " the documents is seen by {user}; {user} or an administrator can unmount it.",
    },
    "where.others": {
        "nl": "{mountpoint} is de schijf van een andere gebruiker, of van een andere sessie. Dat is geen storing. Wie"
        " haar heeft gekoppeld, of een beheerder, ziet hoe het met de documenten staat en kan haar ontkoppelen.",
        "en": "{mountpoint} is the drive of another user, or of another session. That is no trouble. Whoever mounted"
        " it, or an administrator, sees what became of the documents and can unmount it.",
    },
    "where.own": {
        "nl": "{mountpoint} is een schijf die u zelf in een andere sessie hebt gekoppeld, met andere instellingen. Dat"
        " is geen storing. Geef dit commando in die sessie.",
        "en": "{mountpoint} is a drive that you have mounted in another session, with other settings. That is no"
        " trouble. Give this command in that session.",
    },
    "where.machine": {
        "nl": "{mountpoint} is de schijf van de hele computer. Alleen een beheerder kan haar ontkoppelen.",
        "en": "{mountpoint} is the whole computer's drive. Only an administrator can unmount it.",
    },
    "where.stopped": {
        "nl": "De schijf is ontkoppeld door iemand; er kan nu niet op worden afgedrukt. Koppel haar met: ingisfs mount",
        "en": "A person unmounted the drive; nothing can be printed into it now. Mount it with: ingisfs mount",
    },
    "where.not-mounted": {
        "nl": "De schijf is niet gekoppeld; er kan nu niet op worden afgedrukt. Koppel haar met: ingisfs mount",
        "en": "The drive is not mounted; nothing can be printed into it now. Mount it with: ingisfs mount",
    },
    "where.gone": {
        "nl": "LET OP: de schijf {mountpoint} is weg, en niemand heeft haar ontkoppeld. Er kan nu niet op worden"
        " afgedrukt; wat al was afgedrukt, is bewaard. Koppel haar met: ingisfs mount. De reden staat in {log}.",
        "en": "ATTENTION: the drive {mountpoint} is gone, and nobody unmounted it. Nothing can be printed into it now;"
        " what was printed is kept. Mount it with: ingisfs mount. The reason is in {log}.",
    },
    "where.courier": {"nl": "Het bezorgen loopt.", "en": "Deliveries are running."},
    "where.courier-left": {
        "nl": "Wat nog wacht, wordt intussen bezorgd.",
        "en": "What still waits is being delivered meanwhile.",
    },
    "where.no-courier": {
        "nl": "Het programma dat bezorgt, draait nu niet; de schijf start het vanzelf. Documenten wachten hier veilig.",
        "en": "The program that delivers does not run now; the drive starts it by itself. Documents wait here safely.",
    },
    # nothing new for a while
    "page.latest": {"nl": "Laatst afgedrukt: {when}", "en": "Last printed: {when}"},
    "page.latest-ago": {
        "nl": "Laatst afgedrukt: {when} ({duration} geleden)",
        "en": "Last printed: {when} ({duration} ago)",
    },
    "page.quiet": {
        "nl": "De schijf werkt; sindsdien is er niets afgedrukt.",
        "en": "The drive works; nothing was printed since.",
    },
    "alarm.courier": {
        "nl": "Het programma dat bezorgt, stopt telkens; er wordt niets verstuurd. Documenten wachten hier veilig, en"
        " het wordt steeds opnieuw gestart. Blijft dit zo, vraag dan hulp: ingisfs report",
        "en": "The program that delivers ends time and again; nothing is sent. Documents wait here safely, and it is"
        " started again each time. If this stays, ask for help: ingisfs report",
    },
    # the icon beside the clock
    "tray.elsewhere": {"nl": "gekoppeld in een andere sessie", "en": "mounted in another session"},
    "tray.others": {"nl": "van een andere gebruiker", "en": "another user's"},
    "tray.stopped": {"nl": "ontkoppeld door iemand", "en": "unmounted by a person"},
    "tray.gone": {"nl": "de schijf is weg", "en": "the drive is gone"},
}
