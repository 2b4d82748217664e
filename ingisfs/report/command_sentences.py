"""What the commands say, in Dutch and in English. The catalogue takes these in with all its others."""

from __future__ import annotations

SENTENCES: dict[str, dict[str, str]] = {
    "config.drive-name": {
        "nl": "«{name}» kan geen naam van een schijf zijn: gebruik kleine letters, cijfers, - en _, ten hoogste 32.",
        "en": "“{name}” cannot be the name of a drive: use small letters, digits, - and _, 32 at most.",
    },
    "config.unreadable": {
        "nl": "De instellingen in {path} kunnen niet worden gelezen: {detail}",
        "en": "The settings in {path} cannot be read: {detail}",
    },
    "config.syntax": {
        "nl": "De instellingen in {path} zijn geen geldige TOML: {detail}. Herstel die regel en probeer het opnieuw.",
        "en": "The settings in {path} are not valid TOML: {detail}. Mend that line and try again.",
    },
    "config.unknown-key": {
        "nl": "De instelling «{key}» in {place} bestaat niet. Haal haar weg.",
        "en": "There is no setting “{key}” as in {place}. Remove it.",
    },
    "config.unknown-key-near": {
        "nl": "De instelling «{key}» in {place} bestaat niet. Bedoelt u «{near}»?",
        "en": "There is no setting “{key}” as in {place}. Did you mean “{near}”?",
    },
    "config.bad-value": {
        "nl": "De instelling «{key}» kan niet {value} zijn. Zie docs/configuration.md.",
        "en": "The setting “{key}” cannot be {value}. See docs/configuration.md.",
    },
    "config.file": {
        "nl": "Het bestand van de instelling «{key}», {path}, is niet te gebruiken: {detail}.",
        "en": "The file of the setting “{key}”, {path}, cannot be used: {detail}.",
    },
    "config.proxy": {
        "nl": "De instelling «proxy» moet het adres van een proxy zijn, zoals http://proxy.example.nl:3128, zonder"
        " gebruiker en wachtwoord; of «{none}», voor geen proxy.",
        "en": "The setting “proxy” must be the address of a proxy, such as http://proxy.example.nl:3128, without user"
        " and password; or “{none}” for no proxy.",
    },
    "config.response": {
        "nl": "«{pattern}» bij «{key}» in responses kan geen naam van een antwoord zijn. Er moet één keer {places} in"
        " staan, met ten hoogste één * erachter, en het document zelf mag niet zo heten. Goed is bijvoorbeeld"
        " «{example}». Zie docs/configuration.md.",
        "en": "“{pattern}” at “{key}” in responses cannot be the name of an answer. It has {places} in it once, with"
        " one * behind it at most, and the document itself must not be called so. “{example}”, for instance, is good."
        " See docs/configuration.md.",
    },
    "server.missing": {
        "nl": "Voor de schijf «{drive}» is geen server ingesteld. Geef --server URL, of zet server in de instellingen.",
        "en": "No server is set for the drive “{drive}”. Give --server URL, or put server into the settings.",
    },
    "server.bad-url": {
        "nl": "«{url}» is geen goed serveradres: {detail}",
        "en": "“{url}” is not a good server address: {detail}",
    },
    "server.bad-scheme": {
        "nl": "«{url}» is geen serveradres dat deze versie kent. Het begint met {schemes}, gevolgd door de naam.",
        "en": "“{url}” is not a server address that this version knows. It begins with {schemes} and a host name.",
    },
    "server.has-secret": {
        "nl": "Zet gebruiker en wachtwoord niet in het serveradres. De gebruiker gaat met --user, het wachtwoord via"
        " de sleutelbos of INGISFS_PASSWORD.",
        "en": "Do not put user and password into the server address. Give the user with --user, the password through"
        " the keyring or INGISFS_PASSWORD.",
    },
    "server.plain-http": {
        "nl": "«{url}» zou uw wachtwoord en facturen onversleuteld versturen. Gebruik {instead}.",
        "en": "“{url}” would send your password and invoices unencrypted. Use {instead}.",
    },
    "server.plain-ftp": {
        "nl": "«{url}» zou uw wachtwoord en facturen onversleuteld versturen. Gebruik ftps://; vrijwel elke FTP-server"
        " kan dat. Hoe het toch kan, staat in docs/configuration.md bij unencrypted.",
        "en": "“{url}” would send your password and invoices unencrypted. Use ftps://; nearly every FTP server can."
        " How to do it all the same stands in docs/configuration.md at unencrypted.",
    },
    "server.unencrypted": {
        "nl": "Wie unencrypted instelt, schrijft daar woord voor woord «{nl}» of «{en}».",
        "en": "Who sets unencrypted writes there, word for word, “{en}” or “{nl}”.",
    },
    "user.missing": {
        "nl": "Voor de schijf «{drive}» is geen gebruiker ingesteld. Geef --user NAAM.",
        "en": "No user is set for the drive “{drive}”. Give --user NAME.",
    },
    "password.missing": {
        "nl": "Er is geen wachtwoord voor {user} op {server}. Zet het in de sleutelbos, in INGISFS_PASSWORD, of in een"
        " bestand dat alleen u mag lezen (instelling password_file).",
        "en": "There is no password for {user} at {server}. Put it into the keyring, into INGISFS_PASSWORD, or into a"
        " file that only you may read (setting password_file).",
    },
    "password.file-open": {
        "nl": "Anderen kunnen het wachtwoordbestand {path} lezen. Maak het uw eigen: chmod 600.",
        "en": "Others can read the password file {path}. Make it your own: chmod 600.",
    },
    "password.file-unreadable": {
        "nl": "Het wachtwoordbestand {path} kan niet worden gelezen: {detail}",
        "en": "The password file {path} cannot be read: {detail}",
    },
    "outbox.in-use": {
        "nl": "De map {folder} is al in gebruik door een andere schijf van ingisfs. Ontkoppel die eerst, of kies met"
        " --state een andere map.",
        "en": "The folder {folder} is in use by another ingisfs drive. Unmount that one first, or choose another"
        " folder with --state.",
    },
    "outbox.full": {
        "nl": "De schijf onder {folder} is vol; de documenten erin zijn veilig. Maak ruimte en probeer het opnieuw.",
        "en": "The disk under {folder} is full; the documents in it are safe. Make room and try again.",
    },
    "outbox.unwritable": {
        "nl": "In de map {folder} kan niet worden geschreven ({detail}); de documenten erin zijn veilig. Maak de schijf"
        " weer beschrijfbaar en probeer het opnieuw.",
        "en": "The folder {folder} cannot be written ({detail}); the documents in it are safe. Make the disk writable"
        " again and try again.",
    },
    "outbox.busy": {
        "nl": "Een ander programma houdt de map {folder} bezet: {detail}. Sluit het en probeer het opnieuw.",
        "en": "Another program keeps the folder {folder} busy: {detail}. Close it and try again.",
    },
    "outbox.foreign": {
        "nl": "De bestanden in {folder} zijn niet door deze versie van ingisfs gemaakt ({detail}). Er is niets"
        " aan veranderd. Kies met --state een andere map.",
        "en": "The files in {folder} were not made by this version of ingisfs ({detail}). Nothing in them was"
        " changed. Choose another folder with --state.",
    },
    "outbox.damaged": {
        "nl": "De documenten in {folder} kunnen niet worden gelezen ({detail}). Er is niets verwijderd. Bewaar de map"
        " en vraag hulp.",
        "en": "The documents in {folder} cannot be read ({detail}). Nothing was removed. Keep the folder and ask for"
        " help.",
    },
    "mount.no-mountpoint": {
        "nl": "Zeg waar de schijf «{drive}» moet komen: ingisfs mount MAP.",
        "en": "Say where the drive “{drive}” should be: ingisfs mount FOLDER.",
    },
    "mount.missing": {
        "nl": "De map {mountpoint} bestaat niet. Maak haar eerst: mkdir {mountpoint}",
        "en": "The folder {mountpoint} does not exist. Make it first: mkdir {mountpoint}",
    },
    "mount.not-a-folder": {
        "nl": "{mountpoint} is geen map.",
        "en": "{mountpoint} is not a folder.",
    },
    "mount.not-empty": {
        "nl": "De map {mountpoint} is niet leeg; wat erin staat zou onzichtbaar worden. Kies een lege map.",
        "en": "The folder {mountpoint} is not empty; what is in it would become invisible. Choose an empty one.",
    },
    "mount.already": {
        "nl": "Op {mountpoint} is al een schijf van ingisfs gekoppeld. Er is niets veranderd.",
        "en": "An ingisfs drive is mounted at {mountpoint} already. Nothing was changed.",
    },
    "mount.other": {
        "nl": "Op {mountpoint} is al iets anders gekoppeld. Kies een andere map.",
        "en": "Something else is mounted at {mountpoint} already. Choose another folder.",
    },
    "mount.unusable": {
        "nl": "De map {mountpoint} kan niet worden gebruikt: {detail}",
        "en": "The folder {mountpoint} cannot be used: {detail}",
    },
    "mount.no-device": {
        "nl": "Deze machine heeft geen FUSE ({device} ontbreekt). Laad het: sudo modprobe fuse",
        "en": "This machine has no FUSE ({device} is missing). Load it: sudo modprobe fuse",
    },
    "mount.no-fuse": {
        "nl": "Deze machine heeft geen FUSE ({detail}). Installeer het: sudo apt install fuse3",
        "en": "This machine has no FUSE ({detail}). Install it: sudo apt install fuse3",
    },
    "mount.no-winfsp": {
        "nl": "WinFsp is niet geïnstalleerd; zonder WinFsp kan Windows de schijf niet tonen. Installeer WinFsp 2026 of"
        " nieuwer van https://winfsp.dev/rel/ en probeer het opnieuw.",
        "en": "WinFsp is not installed; without it Windows cannot show the drive. Install WinFsp 2026 or newer from"
        " https://winfsp.dev/rel/ and try again.",
    },
    "mount.old-winfsp": {
        "nl": "WinFsp {found} is te oud: door bekende lekken kan elk programma er beheerder mee worden. Installeer"
        " WinFsp 2026 ({minimum}) of nieuwer van https://winfsp.dev/rel/ en probeer het opnieuw.",
        "en": "WinFsp {found} is too old: through known holes any program can become administrator with it. Install"
        " WinFsp 2026 ({minimum}) or newer from https://winfsp.dev/rel/ and try again.",
    },
    "mount.no-winfspy": {
        "nl": "WinFsp kan niet worden gebruikt ({detail}). Installeer WinFsp en ingisfs opnieuw.",
        "en": "WinFsp cannot be used ({detail}). Install WinFsp and ingisfs anew.",
    },
    "mount.python-too-new": {
        "nl": "Onder Windows werkt ingisfs met Python 3.11; dit is {python}. Installeer Python 3.11 van"
        " https://www.python.org/downloads/windows/ en daarmee ingisfs.",
        "en": "On Windows ingisfs works with Python 3.11; this is {python}. Install Python 3.11 from"
        " https://www.python.org/downloads/windows/ and ingisfs with it.",
    },
    "mount.failed": {
        "nl": "De schijf kan niet op {mountpoint} worden gekoppeld: {detail}",
        "en": "The drive cannot be mounted at {mountpoint}: {detail}",
    },
    "mount.no-answer": {
        "nl": "De schijf op {mountpoint} antwoordt niet. De reden staat in {log}.",
        "en": "The drive at {mountpoint} does not answer. The reason is in {log}.",
    },
    "mount.done": {
        "nl": "Schijf «{drive}» is gekoppeld op {mountpoint}. Documenten gaan naar {server}.",
        "en": "Drive “{drive}” is mounted at {mountpoint}. Documents go to {server}.",
    },
    "unmount.none": {
        "nl": "Er is geen schijf van ingisfs gekoppeld.",
        "en": "No ingisfs drive is mounted.",
    },
    "unmount.none-here": {
        "nl": "Op {mountpoint} is geen schijf van ingisfs gekoppeld.",
        "en": "No ingisfs drive is mounted at {mountpoint}.",
    },
    "unmount.several": {
        "nl": "Er zijn meer schijven gekoppeld; noem er een: {mountpoints}",
        "en": "Several drives are mounted; name one of them: {mountpoints}",
    },
    "unmount.busy": {
        "nl": "{mountpoint} is in gebruik: een programma heeft er nog een bestand of map open. Sluit het en probeer het"
        " opnieuw.",
        "en": "{mountpoint} is in use: a program still has a file or folder open there. Close it and try again.",
    },
    "unmount.failed": {
        "nl": "{mountpoint} kan niet worden ontkoppeld: {detail}",
        "en": "{mountpoint} cannot be unmounted: {detail}",
    },
    "unmount.done": {
        "nl": "{mountpoint} is ontkoppeld; alles is bezorgd.",
        "en": "{mountpoint} is unmounted; everything has been delivered.",
    },
    "unmount.left": {
        "nl": "{mountpoint} is ontkoppeld. Nog te bezorgen: {count}. Dat gaat vanzelf verder, nu of bij de volgende"
        " koppeling.",
        "en": "{mountpoint} is unmounted. Still to be delivered: {count}. That goes on by itself, now or at the next"
        " mount.",
    },
    "unmount.held": {
        "nl": "{mountpoint} is ontkoppeld. {count} documenten hebben iemand nodig: ingisfs status --state {state}",
        "en": "{mountpoint} is unmounted. {count} documents need a person: ingisfs status --state {state}",
    },
    "unmount.timeout": {
        "nl": "Na {seconds} s wachten er nog {count} documenten; {mountpoint} blijft gekoppeld. Probeer het later, of"
        " ontkoppel zonder te wachten met --now.",
        "en": "After {seconds} s {count} documents still wait; {mountpoint} stays mounted. Try later, or unmount"
        " without waiting with --now.",
    },
    "unmount.needs-person": {
        "nl": "{count} documenten kunnen niet weg: {why} {mountpoint} blijft gekoppeld. Los het op, of ontkoppel zonder"
        " te wachten met --now: er gaat niets verloren.",
        "en": "{count} documents cannot go: {why} {mountpoint} stays mounted. Mend it, or unmount without waiting with"
        " --now: nothing is lost.",
    },
    "status.no-outbox": {
        "nl": "In {folder} is geen outbox van ingisfs.",
        "en": "There is no ingisfs outbox in {folder}.",
    },
    "stage.no-extra": {
        "nl": "Voor het lokale INGIS ontbreken pakketten ({detail}). Installeer ze: pip install 'ingisfs[stage]'",
        "en": "Packages for the local INGIS are missing ({detail}). Install them: pip install 'ingisfs[stage]'",
    },
    "queue.retry": {"nl": "{name} wordt nu opnieuw geprobeerd.", "en": "{name} is tried again now."},
    "queue.release": {"nl": "{name} is vrijgegeven en gaat vanzelf.", "en": "{name} is released and goes by itself."},
    "queue.withdraw": {
        "nl": "{name} is ingetrokken en wordt niet verstuurd.",
        "en": "{name} is withdrawn and will not be sent.",
    },
    "queue.nothing": {"nl": "Er is niets waarvoor dit kan.", "en": "There is nothing that this can be done to."},
    "queue.unknown": {
        "nl": "Geen wachtend of vastgehouden document heet «{name}». Zie: ingisfs queue list",
        "en": "No waiting or held document is called “{name}”. See: ingisfs queue list",
    },
    "queue.empty": {"nl": "Niets wacht en niets wordt vastgehouden.", "en": "Nothing waits and nothing is held."},
    # ---- selftest
    "selftest.no-drive": {
        "nl": "Op {mountpoint} is geen schijf van ingisfs: {file} kan niet worden gelezen ({detail}).",
        "en": "There is no ingisfs drive at {mountpoint}: {file} cannot be read ({detail}).",
    },
    "selftest.remote": {
        "nl": "Niets uitgeprobeerd: documenten op {mountpoint} gaan naar {server}, en proefdocumenten mogen daar niet"
        " aankomen. Start een lokaal INGIS (ingisfs stage), koppel daarvoor een tweede schijf (ingisfs mount Y:"
        " --drive proef --server met het adres dat het lokale INGIS noemt) en probeer die uit: ingisfs selftest Y:",
        "en": "Nothing was tried out: documents at {mountpoint} go to {server}, and test documents must not arrive"
        " there. Start a local INGIS (ingisfs stage), mount a second drive for it (ingisfs mount Y: --drive proef"
        " --server with the address that the local INGIS tells) and try that one out: ingisfs selftest Y:",
    },
    "selftest.problem": {
        "nl": "Niets uitgeprobeerd: de schijf op {mountpoint} kan haar documenten niet lezen ({detail}).",
        "en": "Nothing was tried out: the drive at {mountpoint} cannot read its documents ({detail}).",
    },
    "selftest.not-delivered": {
        "nl": "Niets uitgeprobeerd: het eerste proefdocument op {mountpoint} is niet bezorgd ({detail}). Zie: ingisfs"
        " status {mountpoint}",
        "en": "Nothing was tried out: the first test document at {mountpoint} was not delivered ({detail}). See:"
        " ingisfs status {mountpoint}",
    },
    "selftest.unknown": {
        "nl": "Geen manier van opslaan heet «{only}». De namen staan in het verslag van ingisfs selftest.",
        "en": "No way to save is called “{only}”. The report of ingisfs selftest has the names.",
    },
    "selftest.report": {
        "nl": "Het verslag {path} kan niet worden geschreven: {detail}",
        "en": "The report {path} cannot be written: {detail}",
    },
    "selftest.begins": {
        "nl": "Manieren van opslaan op {mountpoint}: {count}. Dit duurt enkele minuten…",
        "en": "Ways to save at {mountpoint}: {count}. This takes a few minutes…",
    },
    "selftest.title": {"nl": "Zelftest van ingisfs", "en": "Selftest of ingisfs"},
    "selftest.summary": {
        "nl": "Manieren van opslaan: {count}, waarvan {passed} goed, {failed} fout, {impossible} hier niet mogelijk.",
        "en": "Ways to save: {count}, of which {passed} passed, {failed} failed, {impossible} not possible here.",
    },
    "selftest.good": {
        "nl": "Elk document kwam één keer en heel aan.",
        "en": "Every document arrived once and whole.",
    },
    "selftest.bad": {
        "nl": "Vertrouw deze schijf niet voordat het is opgelost; stuur het verslag mee als u hulp vraagt.",
        "en": "Do not trust this drive before it is mended; send the report along when you ask for help.",
    },
    "selftest.passed": {"nl": "Goed", "en": "Passed"},
    "selftest.failed": {"nl": "Fout", "en": "Failed"},
    "selftest.impossible": {"nl": "Hier niet mogelijk", "en": "Not possible here"},
    "selftest.fact.drive": {"nl": "Schijf", "en": "Drive"},
    "selftest.fact.when": {"nl": "Begonnen", "en": "Begun"},
    "selftest.fact.duration": {"nl": "Duur", "en": "Took"},
    "selftest.fact.settle": {"nl": "Wachttijd na het sluiten, ten minste", "en": "Settle time, at least"},
    "selftest.fact.host": {"nl": "Bestandssysteem", "en": "File system"},
    "selftest.fact.system": {"nl": "Besturingssysteem", "en": "Operating system"},
    "selftest.why.too-slow": {
        "nl": "Deze machine is te druk, of de schijf wacht na het sluiten te kort: het programma werd niet op tijd"
        " klaar, en dan bewijst het niets.",
        "en": "This machine is too busy, or the drive settles too soon: the program was not done in time, and then it"
        " proves nothing.",
    },
    "selftest.why.limit": {
        "nl": "Deze schijf neemt documenten van meer dan 64 MiB aan; een te groot document is niet geprobeerd.",
        "en": "This drive takes documents of more than 64 MiB; one that is too large was not tried.",
    },
    "selftest.why.allocate": {
        "nl": "Dit systeem kan vooraf geen ruimte voor een bestand vragen.",
        "en": "This system cannot ask for a file's room beforehand.",
    },
    "selftest.why.rename-over-open": {
        "nl": "Windows vervangt geen bestand dat een programma open heeft.",
        "en": "Windows does not replace a file that a program has open.",
    },
    "selftest.why.delete-open": {
        "nl": "Onder Windows blijft de naam van een verwijderd bestand bezet zolang een programma het open heeft.",
        "en": "On Windows the name of a deleted file stays taken as long as a program has it open.",
    },
}
