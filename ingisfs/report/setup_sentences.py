"""What a person is asked and told while setting a drive up. The catalogue takes these in with all its others."""

from __future__ import annotations

SENTENCES: dict[str, dict[str, str]] = {
    # the configuration file
    "config.newer": {
        "nl": "De instellingen in {path} zijn gemaakt door een nieuwere ingisfs (versie {version} van het bestand)."
        " Werk ingisfs bij, of haal de nieuwe instellingen en version weg.",
        "en": "The settings in {path} were made by a newer ingisfs (version {version} of the file). Update ingisfs, or"
        " take out the new settings and version.",
    },
    "config.unwritable": {
        "nl": "De instellingen kunnen niet in {path} worden bewaard: {detail}. Er is niets veranderd.",
        "en": "The settings cannot be saved in {path}: {detail}. Nothing was changed.",
    },
    "config.no-drives": {
        "nl": "In {path} staat geen schijf. Stel er eerst een in: ingisfs setup",
        "en": "There is no drive in {path}. Set one up first: ingisfs setup",
    },
    "mail.plain": {
        "nl": "Post via {host} zou uw wachtwoord onversleuteld versturen. Zet tls op «starttls» of «tls».",
        "en": "Mail through {host} would send your password unencrypted. Set tls to “starttls” or “tls”.",
    },
    "mail.missing": {
        "nl": "Voor de schijf «{drive}» is geen post ingesteld. Doe dat met: ingisfs setup",
        "en": "No mail is set for the drive “{drive}”. Do that with: ingisfs setup",
    },
    # passwords
    "keyring.none": {
        "nl": "Dit systeem heeft geen sleutelbos die het wachtwoord bewaart ({detail}). Bewaar het in een bestand dat"
        " alleen u mag lezen: ingisfs login --file",
        "en": "This system has no keyring that keeps the password ({detail}). Keep it in a file that only you may read:"
        " ingisfs login --file",
    },
    "password.file-unwritable": {
        "nl": "Het wachtwoord kan niet in {path} worden bewaard: {detail}",
        "en": "The password cannot be kept in {path}: {detail}",
    },
    "login.machine": {
        "nl": "Dit kan alleen een beheerder: {detail}. Begin opnieuw als beheerder (onder Linux met sudo).",
        "en": "Only an administrator can do this: {detail}. Start again as one (on Linux with sudo).",
    },
    "login.empty": {
        "nl": "Er kwam geen wachtwoord. Er is niets veranderd.",
        "en": "No password came. Nothing was changed.",
    },
    "login.ask": {"nl": "Wachtwoord voor {user} op {server}", "en": "Password for {user} at {server}"},
    "login.no-certificate": {
        "nl": "De schijf «{drive}» heeft geen client_certificate, dus er is geen sleutel die open moet.",
        "en": "The drive “{drive}” has no client_certificate, so there is no key to be opened.",
    },
    "login.done": {
        "nl": "Het wachtwoord voor {user} is bewaard in {place}. Een schijf die al gekoppeld is, gebruikt het na een"
        " nieuwe koppeling.",
        "en": "The password for {user} is kept in {place}. A drive that is mounted uses it once it is mounted again.",
    },
    "login.keyring": {"nl": "de sleutelbos", "en": "the keyring"},
    # the host key
    "trust.not-sftp": {
        "nl": "{server} is geen SFTP-server; alleen die heeft een sleutel om vast te leggen.",
        "en": "{server} is no SFTP server; only those have a key to pin.",
    },
    "trust.shown": {
        "nl": "De server {host} laat zich zo herkennen:",
        "en": "The server {host} shows itself like this:",
    },
    "trust.changed": {
        "nl": "LET OP: in de instellingen staat een andere, {pinned}. Het kan een andere server zijn. Vraag de"
        " beheerder van de server of de sleutel is vernieuwd.",
        "en": "ATTENTION: the settings have another one, {pinned}. It may be another server. Ask whoever runs the"
        " server whether the key was renewed.",
    },
    "trust.same": {
        "nl": "Dat is de sleutel die al in de instellingen staat. Er is niets veranderd.",
        "en": "That is the key which the settings have already. Nothing was changed.",
    },
    "trust.ask": {
        "nl": "Is dit de vingerafdruk die u van de beheerder van de server kreeg?",
        "en": "Is this the fingerprint that you got from whoever runs the server?",
    },
    "trust.done": {
        "nl": "{host} is vanaf nu vertrouwd; een andere sleutel wordt geweigerd.",
        "en": "{host} is trusted from now on; another key is refused.",
    },
    "trust.refused": {
        "nl": "Niet vertrouwd; er is niets veranderd en er wordt niets verstuurd.",
        "en": "Not trusted; nothing was changed and nothing is sent.",
    },
    # trying the server out
    "probe.trying": {"nl": "Verbinding met {server} proberen ...", "en": "Trying {server} ..."},
    "probe.good": {
        "nl": "Goed: inloggen, schrijven, hernoemen en weghalen gaan, en wat er staat wordt niet overschreven.",
        "en": "Good: logging in, writing, renaming and removing work, and what is there is not overwritten.",
    },
    "probe.login": {
        "nl": "De server weigert de gebruiker, het wachtwoord of de sleutel. Typ ze precies over; hoofdletters tellen.",
        "en": "The server refuses the user, the password or the key. Copy them exactly; capitals count.",
    },
    "probe.forbidden": {
        "nl": "De gebruiker mag niet in deze map op de server. Kijk of het adres klopt, of vraag de beheerder van de"
        " server om dat recht.",
        "en": "The user may not use this folder on the server. See whether the address is right, or ask whoever runs"
        " the server for that right.",
    },
    "probe.certificate": {
        "nl": "Het certificaat van de server is niet te vertrouwen. Kijk of de klok van deze computer goed staat en of"
        " de naam in het adres klopt. Heeft de server een eigen certificaat, zet dat dan bij ca_file.",
        "en": "The server's certificate cannot be trusted. See whether this computer's clock and the name in the"
        " address are right. If the server has a certificate of its own, put it at ca_file.",
    },
    "probe.host-key": {
        "nl": "De sleutel van de server is niet die uit de instellingen. Laat zien en vastleggen: ingisfs trust",
        "en": "The server's key is not the one in the settings. See and pin it: ingisfs trust",
    },
    "probe.folder-missing": {
        "nl": "De server is er, maar de map uit het adres niet. Verbeter het adres, of laat de beheerder van de server"
        " de map maken.",
        "en": "The server is there, but not the folder of the address. Correct the address, or have whoever runs the"
        " server make the folder.",
    },
    "probe.redirect": {
        "nl": "De server verwijst naar een ander adres. Gebruik het adres uit de melding als dat van dezelfde beheerder"
        " is.",
        "en": "The server points to another address. Use the address of the message if it is the same operator's.",
    },
    "probe.not-webdav": {
        "nl": "Op dit adres staat geen WebDAV-server. Kijk of het adres klopt, ook na de laatste «/».",
        "en": "There is no WebDAV server at this address. See whether the address is right, also behind the last “/”.",
    },
    "probe.not-ingis": {
        "nl": "Op dit adres staat geen INGIS-portaal dat documenten aanneemt. Kijk of het adres klopt.",
        "en": "There is no INGIS portal at this address that takes documents. See whether the address is right.",
    },
    "probe.unknown": {
        "nl": "De server neemt niets aan, om een reden die ingisfs niet kent. Laat de melding zien aan de beheerder van"
        " de server.",
        "en": "The server takes nothing, for a reason that ingisfs does not know. Show the message to whoever runs the"
        " server.",
    },
    "probe.unreachable": {
        "nl": "De server antwoordt niet. Kijk of het adres klopt en of deze computer verbinding heeft; een firewall kan"
        " het tegenhouden.",
        "en": "The server does not answer. See whether the address is right and this computer is connected; a firewall"
        " may be in the way.",
    },
    "probe.put": {
        "nl": "De server is bereikt, maar een bestand schrijven lukt niet. Laat de melding zien aan de beheerder van de"
        " server, of probeer het later.",
        "en": "The server was reached, but writing a file fails. Show the message to whoever runs the server, or try"
        " later.",
    },
    "probe.rename": {
        "nl": "De server laat een bestand niet hernoemen. Zonder dat kan een half document zichtbaar worden, dus er"
        " wordt niets verstuurd. Laat de melding zien aan de beheerder van de server.",
        "en": "The server does not let a file be renamed. Without that half a document could become visible, so"
        " nothing is sent. Show the message to whoever runs the server.",
    },
    "probe.list": {
        "nl": "De server laat de inhoud van de map niet zien. Vraag de beheerder van de server om dat recht: het is"
        " nodig om na een storing te zien wat er is aangekomen.",
        "en": "The server does not show what is in the folder. Ask whoever runs the server for that right: it is needed"
        " to see after a failure what has arrived.",
    },
    "probe.remove": {
        "nl": "De proefbestanden kunnen niet van de server worden weggehaald. INGIS slaat ze over; vraag de beheerder"
        " van de server om het recht om te verwijderen.",
        "en": "The test files cannot be removed from the server. INGIS passes them over; ask whoever runs the server"
        " for the right to delete.",
    },
    "probe.overwrites": {
        "nl": "LET OP: deze server overschrijft bij hernoemen wat er al staat, ook als gevraagd wordt dat niet te doen."
        " Bezorgen kan, maar een ander bestand met dezelfde naam gaat dan verloren. Meld dit de beheerder van de"
        " server.",
        "en": "ATTENTION: when renaming, this server overwrites what is there already, even when asked not to. Delivery"
        " works, but another file of the same name is lost then. Tell whoever runs the server.",
    },
    "probe.unguarded": {
        "nl": "LET OP: deze server overschrijft bij hernoemen wat er al staat. ingisfs kijkt daarom eerst of de naam"
        " vrij is. Alleen een ander programma dat op dat ogenblik dezelfde naam maakt, kan zo een bestand verliezen.",
        "en": "ATTENTION: when renaming, this server overwrites what is there already. So ingisfs looks first whether"
        " the name is free. Only another program that makes the same name in the same moment can lose a file by it.",
    },
    "probe.no-rename": {
        "nl": "LET OP: deze server kan niet hernoemen. Bezorgen kan, maar een document is op de server al zichtbaar"
        " terwijl het nog binnenkomt. Vraag de beheerder van de server om hernoemen (MOVE) toe te staan.",
        "en": "ATTENTION: this server cannot rename. Delivery works, but a document can be seen on the server while it"
        " still arrives. Ask whoever runs the server to allow renaming (MOVE).",
    },
    "probe.unlisted": {
        "nl": "De server laat tijdelijke namen niet zien in een lijst; dat is geen bezwaar.",
        "en": "The server does not show temporary names in a listing; that does no harm.",
    },
    "probe.left": {
        "nl": "Achtergebleven op de server, zonder kwaad: {names}",
        "en": "Left behind on the server, doing no harm: {names}",
    },
    "probe.message": {"nl": "Melding: {detail}", "en": "Message: {detail}"},
    # setup
    "setup.begin": {
        "nl": "Dit stelt de schijf «{drive}» in. Enter neemt over wat tussen haken staat; Ctrl+C stopt zonder iets te"
        " bewaren.",
        "en": "This sets up the drive “{drive}”. Enter takes what is in brackets; Ctrl+C stops without saving.",
    },
    "setup.language": {"nl": "Taal", "en": "Language"},
    "setup.server": {
        "nl": "Adres van INGIS (https://..., sftp://..., ftps://... of ingis://...)",
        "en": "Address of INGIS (https://..., sftp://..., ftps://... or ingis://...)",
    },
    "setup.user": {"nl": "Gebruikersnaam op de server", "en": "User name at the server"},
    "setup.password": {
        "nl": "Wachtwoord (u ziet niet wat u typt)",
        "en": "Password (you do not see what you type)",
    },
    "setup.password-kept": {
        "nl": "Wachtwoord (u ziet niet wat u typt; Enter houdt het huidige)",
        "en": "Password (you do not see what you type; Enter keeps the present one)",
    },
    "setup.mountpoint-letter": {"nl": "Letter van de schijf", "en": "Letter of the drive"},
    "setup.mountpoint-folder": {"nl": "Map waar de schijf komt", "en": "Folder where the drive will be"},
    "setup.folder-made": {"nl": "De map {mountpoint} is gemaakt.", "en": "The folder {mountpoint} was made."},
    "setup.what-now": {
        "nl": "Wat nu: (v)erbeteren, (o)pnieuw proberen, toch (b)ewaren, of (s)toppen",
        "en": "What now: (c)orrect, (t)ry again, (s)ave all the same, or (q)uit",
    },
    "setup.choices": {"nl": "vobs", "en": "ctsq"},  # letters of the line above: correct, try again, save, quit
    "setup.mail": {
        "nl": "E-mailadres voor waarschuwingen (- voor geen)",
        "en": "E-mail address for alarms (- for none)",
    },
    "setup.mail-bad": {"nl": "«{address}» is geen e-mailadres.", "en": "“{address}” is no e-mail address."},
    "setup.mail-host": {"nl": "Mailserver om mee te versturen", "en": "Mail server to send with"},
    "setup.mail-user": {
        "nl": "Gebruikersnaam op de mailserver (- voor geen)",
        "en": "User name at the mail server (- for none)",
    },
    "setup.mail-sent": {
        "nl": "Een proefbericht is verstuurd aan {address}. Komt het niet aan, kijk dan bij de ongewenste post.",
        "en": "A test message was sent to {address}. If it does not arrive, look into the junk folder.",
    },
    "setup.mail-failed": {
        "nl": "Versturen via {host} lukt niet: {detail}",
        "en": "Sending through {host} fails: {detail}",
    },
    "setup.one-of": {"nl": "Kies een van deze: {allowed}", "en": "Choose one of these: {allowed}"},
    "setup.password-file": {
        "nl": "Bewaren in het bestand {path}, dat alleen u mag lezen?",
        "en": "Keep it in the file {path}, which only you may read?",
    },
    "setup.password-lost": {
        "nl": "Het wachtwoord is niet bewaard. Doe dat met: ingisfs login",
        "en": "The password was not kept. Do that with: ingisfs login",
    },
    "setup.saved": {"nl": "Bewaard in {path}.", "en": "Saved in {path}."},
    "setup.stopped": {"nl": "Gestopt; er is niets bewaard.", "en": "Stopped; nothing was saved."},
    "setup.next": {
        "nl": "Koppel de schijf met: ingisfs mount{drive}\n"
        "Laat haar vanzelf starten als u zich aanmeldt: ingisfs autostart on\n"
        "Aanbevolen op de computer van King: eerst ingisfs setup --machine, dan ingisfs autostart on --machine. Dan"
        " gaat het bezorgen door als er niemand meer is aangemeld.",
        "en": "Mount the drive with: ingisfs mount{drive}\n"
        "Let it start by itself when you log on: ingisfs autostart on\n"
        "Recommended on King's computer: first ingisfs setup --machine, then ingisfs autostart on --machine. Then"
        " delivery goes on when nobody is logged on any more.",
    },
    "setup.next-machine": {
        "nl": "Laat de schijf starten, nu en na elke herstart: ingisfs autostart on --machine",
        "en": "Have the drive started, now and after each restart: ingisfs autostart on --machine",
    },
    # letters and disks
    "letter.bad": {
        "nl": "«{mountpoint}» is geen schijfletter. Geef er een als X: of * voor de eerste vrije vanaf Z:.",
        "en": "“{mountpoint}” is no drive letter. Give one like X: or * for the first free one from Z: down.",
    },
    "letter.taken": {
        "nl": "{letter} is al in gebruik. Er is niets gekoppeld, en geen andere letter gekozen: King drukt immers af"
        " naar {letter}. Maak {letter} vrij, of kies een andere letter en stel King daarop in.",
        "en": "{letter} is in use already. Nothing was mounted, and no other letter chosen: it is {letter} that King"
        " prints to. Make {letter} free, or choose another letter and set King to it.",
    },
    "letter.none-free": {
        "nl": "Er is geen schijfletter meer vrij (D: tot Z:). Maak er een vrij en probeer het opnieuw.",
        "en": "No drive letter is free any more (D: to Z:). Make one free and try again.",
    },
    "mount.elevated": {
        "nl": "LET OP: dit venster draait als administrator. Windows laat {mountpoint} dan alleen aan administrators"
        " zien, niet aan King en de Verkenner. Start gewoon, of gebruik: ingisfs autostart on --machine",
        "en": "ATTENTION: this window runs as administrator. Windows shows {mountpoint} to administrators only then,"
        " not to King and Explorer. Start without, or use: ingisfs autostart on --machine",
    },
    "mount.elevated-machine": {
        "nl": "LET OP: {mountpoint} is zo alleen voor administrators van dit venster te zien. Een schijf van de hele"
        " computer start u met: ingisfs autostart on --machine",
        "en": "ATTENTION: like this, only administrators in this window see {mountpoint}. A drive of the whole computer"
        " is started with: ingisfs autostart on --machine",
    },
    "place.temporary-profile": {
        "nl": "U bent aangemeld met een tijdelijk profiel: Windows wist {folder} bij het afmelden, met alle documenten"
        " erin. Er is niets gekoppeld. Meld u af en opnieuw aan, of vraag uw systeembeheerder.",
        "en": "You are logged on with a temporary profile: Windows deletes {folder} at log-off, with all documents in"
        " it. Nothing was mounted. Log off and on again, or ask your system administrator.",
    },
    "place.bad-disk": {
        "nl": "De map {folder} ligt op een schijf die documenten niet veilig kan bewaren ({kind}). Kies met --state of"
        " de instelling state een map op een vaste schijf van deze computer (NTFS, ext4).",
        "en": "The folder {folder} lies on a disk that cannot keep documents safe ({kind}). Choose a folder on a fixed"
        " disk of this computer (NTFS, ext4) with --state or the setting state.",
    },
}
