"""What people are told about drives that start by themselves. The catalogue takes these in with all its others."""

from __future__ import annotations

SENTENCES: dict[str, dict[str, str]] = {
    # ingisfs run
    "run.started": {
        "nl": "De schijven {names} blijven gekoppeld. Ctrl+C ontkoppelt ze.",
        "en": "The drives {names} stay mounted. Ctrl+C unmounts them.",
    },
    "run.ended": {
        "nl": "Gestopt. Wat nog wacht, blijft bewaard en wordt verder bezorgd.",
        "en": "Ended. What waits is kept, and goes on being delivered.",
    },
    "run.twice": {
        "nl": "De schijven in {path} worden al bewaakt door een andere «ingisfs run». Laat die lopen, of beëindig haar"
        " met: ingisfs autostart off",
        "en": "The drives in {path} are already kept by another “ingisfs run”. Leave it running, or end it with:"
        " ingisfs autostart off",
    },
    "run.will-not-end": {
        "nl": "De bewaker van {path} stopt niet. Sluit programma's die de schijf gebruiken en probeer het opnieuw; zie"
        " ook {log}.",
        "en": "The keeper of {path} does not end. Close programs that use the drive and try again; see also {log}.",
    },
    "run.no-drive": {
        "nl": "De schijf «{drive}» staat niet in {path}. Stel haar in met: ingisfs setup --drive {drive}",
        "en": "The drive “{drive}” is not in {path}. Set it up with: ingisfs setup --drive {drive}",
    },
    "run.session": {
        "nl": "Er worden nog {count} documenten naar INGIS verstuurd. Even geduld, dan gaat het afmelden verder.",
        "en": "{count} documents are still being sent to INGIS. One moment, and the log-off goes on.",
    },
    # ingisfs autostart
    "autostart.on.machine": {
        "nl": "De schijven in {path} starten vanzelf met deze computer, ook als niemand is aangemeld. Zij zijn nu"
        " gestart.",
        "en": "The drives in {path} start by themselves with this computer, even if nobody is logged on. They are"
        " started now.",
    },
    "autostart.on.user": {
        "nl": "De schijven in {path} starten vanzelf wanneer u zich aanmeldt. Zij zijn nu gestart. Moet de bezorging"
        " ook doorgaan als u bent afgemeld, kies dan: ingisfs autostart on --machine",
        "en": "The drives in {path} start by themselves when you log on. They are started now. If delivery must go on"
        " when you are logged off, choose: ingisfs autostart on --machine",
    },
    "autostart.on.run-key": {
        "nl": "De schijven in {path} starten vanzelf bij de volgende keer dat u zich aanmeldt. De taakplanner weigerde"
        " ({detail}); daarom staat het bij de programma's die Windows bij het aanmelden start. Een bewaker die wordt"
        " beëindigd, komt dan pas bij de volgende aanmelding terug. Koppel nu met: ingisfs mount",
        "en": "The drives in {path} start by themselves the next time that you log on. Task Scheduler refused"
        " ({detail}); so it is with the programs that Windows starts at log-on. A keeper that is ended then comes back"
        " only at the next log-on. Mount now with: ingisfs mount",
    },
    "autostart.icon": {
        "nl": "Het pictogram bij de klok komt vanzelf bij de volgende aanmelding. Wilt u het nu al zien, kies dan"
        " Start, ingisfs, Pictogram bij de klok.",
        "en": "The icon beside the clock comes by itself at the next log-on. To see it now, choose Start, ingisfs, Icon"
        " beside the clock.",
    },
    "autostart.off.done": {
        "nl": "De schijven in {path} starten niet meer vanzelf. Wat de bewaker gekoppeld hield, is nu ontkoppeld; wat"
        " nog wacht, blijft bewaard. Koppel met: ingisfs mount",
        "en": "The drives in {path} no longer start by themselves. What the keeper kept mounted is unmounted now; what"
        " waits is kept. Mount with: ingisfs mount",
    },
    "autostart.off.already": {
        "nl": "De schijven in {path} startten al niet vanzelf. Er is niets veranderd.",
        "en": "The drives in {path} did not start by themselves. Nothing was changed.",
    },
    "autostart.status.on": {
        "nl": "De schijven in {path} starten vanzelf ({how}).",
        "en": "The drives in {path} start by themselves ({how}).",
    },
    "autostart.status.off": {
        "nl": "De schijven in {path} starten niet vanzelf. Zet dat aan met: ingisfs autostart on{options}",
        "en": "The drives in {path} do not start by themselves. Switch that on with: ingisfs autostart on{options}",
    },
    "autostart.status.kept": {
        "nl": "Zij worden nu bewaakt: een schijf die wegvalt, wordt opnieuw gekoppeld.",
        "en": "They are being kept now: a drive that dies is mounted again.",
    },
    "autostart.status.not-kept": {
        "nl": "Zij worden nu niet bewaakt. Begin daarmee met: ingisfs autostart on{options}",
        "en": "They are not being kept now. Begin with: ingisfs autostart on{options}",
    },
    "autostart.status.mounted": {
        "nl": "Schijf «{drive}»: gekoppeld op {mountpoint}.",
        "en": "Drive “{drive}”: mounted at {mountpoint}.",
    },
    "autostart.status.unmounted": {
        "nl": "Schijf «{drive}»: iemand heeft haar ontkoppeld. Zij blijft weg tot iemand haar koppelt: ingisfs mount"
        " --drive {drive}",
        "en": "Drive “{drive}”: a person unmounted it. It stays away until a person mounts it: ingisfs mount"
        " --drive {drive}",
    },
    "autostart.status.idle": {
        "nl": "Schijf «{drive}»: niet gekoppeld.",
        "en": "Drive “{drive}”: not mounted.",
    },
    "autostart.status.away": {
        "nl": "Schijf «{drive}»: niet gekoppeld. Waarom, staat in {log}.",
        "en": "Drive “{drive}”: not mounted. The reason is in {log}.",
    },
    "autostart.of-machine": {
        "nl": "De schijven in {path} zijn van de hele computer en starten alleen met de computer. Kies, als beheerder:"
        " ingisfs autostart on --machine",
        "en": "The drives in {path} are the whole computer's, and start with the computer only. Choose, as an"
        " administrator: ingisfs autostart on --machine",
    },
    "autostart.no-machine-drives": {
        "nl": "In {path} staat geen schijf die met de computer kan starten. Stel er eerst een in, als beheerder:"
        " ingisfs setup --machine (het wachtwoord: ingisfs login --machine)",
        "en": "There is no drive in {path} that can start with the computer. Set one up first, as an administrator:"
        " ingisfs setup --machine (the password: ingisfs login --machine)",
    },
    "autostart.no-systemd": {
        "nl": "Op deze computer draait geen systemd, dus ingisfs kan zich niet laten starten. Laat wat hier programma's"
        " start dit uitvoeren: {command}",
        "en": "There is no systemd on this computer, so ingisfs cannot have itself started. Have whatever starts"
        " programs here run this: {command}",
    },
    "autostart.refused": {
        "nl": "Het vanzelf starten kon niet worden ingesteld. {program} zei: {detail}",
        "en": "Starting by itself could not be set. {program} said: {detail}",
    },
}
