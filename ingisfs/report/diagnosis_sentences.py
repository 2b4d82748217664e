"""What `check`, `test-print` and `mount --all` say. The catalogue takes these in with all its others.

Of a step of `check`, `check.step.<name>` is the title; `.remedy` says what to do about it.
"""

from __future__ import annotations

SENTENCES: dict[str, dict[str, str]] = {
    # ---- check: titles
    "check.step.python": {"nl": "Python", "en": "Python"},
    "check.step.host": {"nl": "Schijfsoftware", "en": "Drive software"},
    "check.step.elevated": {"nl": "Rechten", "en": "Rights"},
    "check.step.mountpoint": {"nl": "Schijf", "en": "Drive"},
    "check.step.outbox": {"nl": "Outbox", "en": "Outbox"},
    "check.step.documents": {"nl": "Documenten", "en": "Documents"},
    "check.step.disk": {"nl": "Ruimte", "en": "Disk"},
    "check.step.clock": {"nl": "Klok", "en": "Clock"},
    "check.step.mail": {"nl": "Waarschuwingen", "en": "Alarms"},
    "check.step.password": {"nl": "Wachtwoord", "en": "Password"},
    "check.step.proxy": {"nl": "Proxy", "en": "Proxy"},
    "check.step.dns": {"nl": "Naam", "en": "Name"},
    "check.step.tcp": {"nl": "Verbinding", "en": "Connection"},
    "check.step.tls": {"nl": "Certificaat", "en": "Certificate"},
    "check.step.host-key": {"nl": "Sleutel server", "en": "Host key"},
    "check.step.server-clock": {"nl": "Klok en server", "en": "Clock and server"},
    "check.step.login": {"nl": "Inloggen", "en": "Log-in"},
    "check.step.folder": {"nl": "Map", "en": "Folder"},
    "check.step.rename": {"nl": "Hernoemen", "en": "Renaming"},
    "check.step.overwrite": {"nl": "Overschrijven", "en": "Overwriting"},
    "check.step.names": {"nl": "Tijdelijke namen", "en": "Temporary names"},
    "check.step.remove": {"nl": "Opruimen", "en": "Removing"},
    "check.step.batch": {"nl": "Na een batch", "en": "After a batch"},
    # ---- check: around
    "check.begin": {
        "nl": "De schijf «{drive}» en de server {server} worden nagekeken ...",
        "en": "Looking at the drive “{drive}” and the server {server} ...",
    },
    "check.no-drive": {
        "nl": "In {path} staat geen schijf «{drive}»; wel: {names}. Noem er een met --drive.",
        "en": "There is no drive “{drive}” in {path}, but: {names}. Name one of them with --drive.",
    },
    "check.good": {"nl": "Alles is goed.", "en": "Everything is good."},
    "check.warned": {
        "nl": "Het werkt. Kijk nog eens naar wat met {mark} is gemerkt.",
        "en": "It works. Have another look at what is marked with {mark}.",
    },
    "check.away": {
        "nl": "De server antwoordt nu niet. Documenten wachten hier veilig en gaan vanzelf zodra hij weer antwoordt.",
        "en": "The server does not answer now. Documents wait here safely and go by themselves once it answers again.",
    },
    "check.person": {
        "nl": "Iets moet worden verholpen: zie wat met {mark} is gemerkt, van boven naar beneden.",
        "en": "Something has to be mended: see what is marked with {mark}, from top to bottom.",
    },
    "check.skipped": {
        "nl": "Niet nagekeken, want dat kan pas als «{title}» goed is.",
        "en": "Not looked at: that can only be done once “{title}” is good.",
    },
    "check.unforeseen": {
        "nl": "Dit kon niet worden nagekeken: {detail}",
        "en": "This could not be looked at: {detail}",
    },
    "check.unforeseen.remedy": {
        "nl": "Laat deze regel zien aan wie u helpt.",
        "en": "Show this line to whoever helps you.",
    },
    # ---- check: this machine
    "check.host.good": {"nl": "{library} is er.", "en": "{library} is there."},
    "check.python.good": {"nl": "Python {python} is goed.", "en": "Python {python} is good."},
    "check.elevated.good": {"nl": "Dit venster heeft gewone rechten.", "en": "This window has ordinary rights."},
    "check.mountpoint.good": {
        "nl": "{mountpoint} is gekoppeld en antwoordt.",
        "en": "{mountpoint} is mounted and answers.",
    },
    "check.mountpoint.silent": {
        "nl": "{mountpoint} is gekoppeld, maar antwoordt niet.",
        "en": "{mountpoint} is mounted but does not answer.",
    },
    "check.mountpoint.silent.remedy": {
        "nl": "Koppel haar opnieuw: ingisfs unmount --now, dan ingisfs mount. De reden staat in {log}.",
        "en": "Mount it anew: ingisfs unmount --now, then ingisfs mount. The reason is in {log}.",
    },
    "check.mountpoint.elsewhere": {
        "nl": "De schijf is gekoppeld, maar door een andere gebruiker of in een ander venster.",
        "en": "The drive is mounted, but by another user or in another window.",
    },
    "check.mountpoint.elsewhere.remedy": {
        "nl": "Kijk in de Verkenner of in King of zij er is.",
        "en": "See in Explorer or in King whether it is there.",
    },
    "check.mountpoint.none": {
        "nl": "Voor deze schijf is geen letter of map ingesteld, en zij is niet gekoppeld.",
        "en": "No letter or folder is set for this drive, and it is not mounted.",
    },
    "check.mountpoint.none.remedy": {
        "nl": "Stel er een in: ingisfs setup",
        "en": "Set one: ingisfs setup",
    },
    "check.mountpoint.free": {
        "nl": "{mountpoint} is vrij; de schijf is nu niet gekoppeld.",
        "en": "{mountpoint} is free; the drive is not mounted now.",
    },
    "check.mountpoint.free.remedy": {
        "nl": "Koppel haar: {start}",
        "en": "Mount it: {start}",
    },
    "check.mountpoint.died": {
        "nl": "De schijf op {mountpoint} is er niet meer, en niemand heeft haar ontkoppeld.",
        "en": "The drive at {mountpoint} is gone, and nobody unmounted it.",
    },
    "check.mountpoint.died.remedy": {
        "nl": "Koppel haar opnieuw: {start}. Is deze computer niet herstart, dan staat de reden in {log}.",
        "en": "Mount it anew: {start}. If this computer was not restarted, the reason is in {log}.",
    },
    "check.outbox.none": {
        "nl": "Er is nog geen outbox; die wordt bij de eerste koppeling gemaakt.",
        "en": "There is no outbox yet; the first mount makes it.",
    },
    "check.outbox.good": {
        "nl": "Heel, en van deze versie. Geopend door: {users}.",
        "en": "Whole, and of this version. Opened by: {users}.",
    },
    "check.outbox.nobody": {"nl": "niemand", "en": "nobody"},
    "check.outbox.drive": {"nl": "de schijf (proces {pid})", "en": "the drive (process {pid})"},
    "check.outbox.courier": {"nl": "de bezorger", "en": "the courier"},
    "check.outbox.damaged": {
        "nl": "De outbox in {folder} is beschadigd. Er is niets verwijderd.",
        "en": "The outbox in {folder} is damaged. Nothing was removed.",
    },
    "check.outbox.damaged.remedy": {
        "nl": "Ontkoppel de schijf en koppel haar opnieuw: wat leesbaar is, komt dan terug als vastgehouden document."
        " Laat de harde schijf van deze computer nakijken.",
        "en": "Unmount the drive and mount it again: what can be read comes back as held documents then. Have this"
        " computer's disk checked.",
    },
    "check.outbox.moved": {
        "nl": "De outbox in {folder} komt van een andere computer.",
        "en": "The outbox in {folder} comes from another computer.",
    },
    "check.outbox.moved.remedy": {
        "nl": "Bij de volgende koppeling worden haar documenten vastgehouden, want ze kunnen al bezorgd zijn: zoek ze"
        " in het portaal van INGIS.",
        "en": "The next mount holds its documents, for they may have been delivered already: look for them in INGIS's"
        " portal.",
    },
    "check.documents.good": {
        "nl": "Wachtend: {waiting}. Niets heeft iemand nodig.",
        "en": "Waiting: {waiting}. Nothing needs a person.",
    },
    "check.documents.person": {
        "nl": "Wachtend: {waiting}; vastgehouden: {held}; apart gezet: {parked}.",
        "en": "Waiting: {waiting}; held: {held}; set aside: {parked}.",
    },
    "check.documents.person.remedy": {
        "nl": "Kijk wat ze nodig hebben: ingisfs status --state {folder}",
        "en": "See what they need: ingisfs status --state {folder}",
    },
    "check.disk.good": {
        "nl": "{free} vrij op {kind} onder {folder}; {reserve} blijft altijd vrij.",
        "en": "{free} free on {kind} under {folder}; {reserve} always stays free.",
    },
    "check.disk.reserve": {
        "nl": "Nog {free} vrij onder {folder}, minder dan de {reserve} die vrij moet blijven: King kan niet meer"
        " afdrukken.",
        "en": "{free} left under {folder}, less than the {reserve} that must stay free: King can print no more.",
    },
    "check.disk.tight": {
        "nl": "Nog {free} vrij onder {folder}; de schijf is bijna vol en de noodvoorraad ({ballast}) is er niet.",
        "en": "{free} left under {folder}; the disk is nearly full and the emergency supply ({ballast}) is not there.",
    },
    "check.disk.remedy": {
        "nl": "Maak ruimte op deze schijf. De documenten erin zijn veilig.",
        "en": "Make room on this disk. The documents on it are safe.",
    },
    "check.clock.good": {"nl": "Het is hier {now}.", "en": "It is {now} here."},
    "check.clock.past": {
        "nl": "De klok van deze computer staat op {now}, en toen bestond deze versie nog niet.",
        "en": "This computer's clock says {now}, and this version did not exist then.",
    },
    "check.clock.remedy": {
        "nl": "Zet de klok goed, het liefst vanzelf via internet.",
        "en": "Set the clock right, at best by itself from the internet.",
    },
    "check.mail.good": {"nl": "Ook per e-mail, aan {to}.", "en": "By e-mail too, to {to}."},
    "check.mail.none": {
        "nl": "Alleen op het scherm. E-mail stelt u in met: ingisfs setup",
        "en": "On the screen only. E-mail is set with: ingisfs setup",
    },
    "check.mail.off": {
        "nl": "Uitgezet (alarms): ook als er iets mis is, meldt niemand dat.",
        "en": "Turned off (alarms): nobody tells when something is wrong.",
    },
    "check.mail.off.remedy": {"nl": "Zet alarms op true.", "en": "Set alarms to true."},
    # ---- check: the way to the server
    "check.password.good": {
        "nl": "Er is een wachtwoord of sleutel voor {user}.",
        "en": "There is a password or key for {user}.",
    },
    "check.proxy.good": {
        "nl": "Alles gaat via {proxy}; naam, verbinding en certificaat zijn daarom niet apart nagekeken.",
        "en": "Everything goes through {proxy}; so name, connection and certificate were not looked at by themselves.",
    },
    "check.dns.good": {"nl": "{host} is {addresses}.", "en": "{host} is {addresses}."},
    "check.dns.unknown": {
        "nl": "De naam {host} is niet te vinden ({detail}).",
        "en": "The name {host} cannot be found ({detail}).",
    },
    "check.dns.slow": {
        "nl": "Wie {host} is, werd in {seconds} s niet gezegd.",
        "en": "Nobody said within {seconds} s who {host} is.",
    },
    "check.dns.remedy": {
        "nl": "Kijk of het adres precies klopt en of deze computer internet heeft.",
        "en": "See whether the address is exactly right and this computer has internet.",
    },
    "check.tcp.good": {
        "nl": "{address} poort {port} antwoordt in {milliseconds} ms.",
        "en": "{address} port {port} answers within {milliseconds} ms.",
    },
    "check.tcp.refused": {
        "nl": "{address} poort {port} weigert de verbinding: daar draait nu geen server.",
        "en": "{address} port {port} refuses the connection: no server runs there now.",
    },
    "check.tcp.refused.remedy": {
        "nl": "Kijk of de poort in het adres klopt; vraag anders de beheerder van de server of hij draait.",
        "en": "See whether the port in the address is right; otherwise ask whoever runs the server whether it runs.",
    },
    "check.tcp.silent": {
        "nl": "{address} poort {port} antwoordt niet ({detail}).",
        "en": "{address} port {port} does not answer ({detail}).",
    },
    "check.tcp.silent.remedy": {
        "nl": "Kijk of deze computer internet heeft; een firewall kan deze poort tegenhouden.",
        "en": "See whether this computer has internet; a firewall may be in this port's way.",
    },
    "check.tls.good": {
        "nl": "{version}; geldig tot {until}, uitgegeven door {issuer}.",
        "en": "{version}; valid until {until}, issued by {issuer}.",
    },
    "check.tls.soon": {
        "nl": "Het certificaat van de server is nog maar geldig tot {until} ({version}, uitgegeven door {issuer}).",
        "en": "The server's certificate is valid only until {until} ({version}, issued by {issuer}).",
    },
    "check.tls.soon.remedy": {
        "nl": "Vraag de beheerder van de server het op tijd te vernieuwen; daarna wordt er niets meer verstuurd.",
        "en": "Ask whoever runs the server to renew it in time; nothing is sent afterwards.",
    },
    "check.tls.expired": {
        "nl": "Het certificaat van de server is verlopen, zegt de klok van deze computer.",
        "en": "The server's certificate has expired, says this computer's clock.",
    },
    "check.tls.not-yet": {
        "nl": "Het certificaat van de server is nog niet geldig, zegt de klok van deze computer.",
        "en": "The server's certificate is not valid yet, says this computer's clock.",
    },
    "check.tls.time.remedy": {
        "nl": "Staat de klok goed, vraag dan de beheerder van de server om een geldig certificaat.",
        "en": "If the clock is right, ask whoever runs the server for a valid certificate.",
    },
    "check.tls.untrusted": {
        "nl": "Niemand die deze computer vertrouwt staat in voor het certificaat van de server ({detail}).",
        "en": "Nobody whom this computer trusts vouches for the server's certificate ({detail}).",
    },
    "check.tls.untrusted.remedy": {
        "nl": "Is het de eigen server van uw beheerder, zet diens certificaat dan bij ca_file. Kijk anders of het adres"
        " klopt en of een virusscanner of proxy ertussen zit.",
        "en": "If it is your operator's own server, put its certificate at ca_file. Otherwise see whether the address"
        " is right and whether a virus scanner or proxy sits between.",
    },
    "check.tls.name": {
        "nl": "Het certificaat van de server is voor een andere naam dan {host} ({detail}).",
        "en": "The server's certificate is for another name than {host} ({detail}).",
    },
    "check.tls.name.remedy": {
        "nl": "Verbeter de naam in het adres, of vraag de beheerder van de server om een certificaat voor {host}.",
        "en": "Correct the name in the address, or ask whoever runs the server for a certificate for {host}.",
    },
    "check.tls.none": {
        "nl": "Op deze poort komt geen versleutelde verbinding tot stand ({detail}).",
        "en": "There is no encrypted connection to be had at this port ({detail}).",
    },
    "check.tls.none.remedy": {
        "nl": "Kijk of het adres met het goede woord begint ({scheme}://) en of de poort klopt.",
        "en": "See whether the address begins with the right word ({scheme}://) and the port is right.",
    },
    "check.tls.ours": {
        "nl": "De server wil een certificaat van deze computer zien dat hij kent ({detail}).",
        "en": "The server wants to see a certificate of this computer that it knows ({detail}).",
    },
    "check.tls.ours.remedy": {
        "nl": "Vraag de beheerder van de server om zo'n certificaat, en zet het bij client_certificate.",
        "en": "Ask whoever runs the server for such a certificate, and put it at client_certificate.",
    },
    "check.tls.lost": {
        "nl": "De server brak af voordat de verbinding versleuteld was ({detail}).",
        "en": "The server broke off before the connection was encrypted ({detail}).",
    },
    "check.host-key.good": {"nl": "{fingerprint}, zoals ingesteld.", "en": "{fingerprint}, as it is set."},
    "check.host-key.bad": {"nl": "De server toont {shown}.", "en": "The server shows {shown}."},
    "check.host-key.lost": {
        "nl": "De server laat geen sleutel zien ({detail}).",
        "en": "The server shows no key ({detail}).",
    },
    "check.server-clock.good": {
        "nl": "Deze klok en die van de server zijn het eens.",
        "en": "This clock and the server's agree.",
    },
    "check.server-clock.fast": {
        "nl": "De klok van deze computer loopt {difference} voor op die van de server.",
        "en": "This computer's clock is {difference} ahead of the server's.",
    },
    "check.server-clock.slow": {
        "nl": "De klok van deze computer loopt {difference} achter op die van de server.",
        "en": "This computer's clock is {difference} behind the server's.",
    },
    # ---- check: the server itself
    "check.login.good": {"nl": "{user} mag erin.", "en": "{user} is let in."},
    "check.folder.good": {"nl": "De map is er en er kan in worden geschreven.", "en": "The folder can be written."},
    "check.rename.good": {"nl": "Hernoemen gaat.", "en": "Renaming works."},
    "check.overwrite.good": {
        "nl": "Wat er al staat, wordt niet overschreven.",
        "en": "What is there already is not overwritten.",
    },
    "check.names.good": {
        "nl": "De map kan worden bekeken; tijdelijke namen zijn er te zien.",
        "en": "The folder can be listed; temporary names show in it.",
    },
    "check.remove.good": {
        "nl": "De proefbestanden zijn weer weg.",
        "en": "The test files are gone again.",
    },
    "check.batch.good": {
        "nl": "Een tijdelijk bestand heeft {lain} op de server gestaan en bleef staan, ook na een nachtelijke batch.",
        "en": "A temporary file lay on the server for {lain} and stayed, after a nightly batch too.",
    },
    "check.batch.collected": {
        "nl": "Een tijdelijk bestand heeft {lain} op de server gestaan en bleef staan; INGIS haalde intussen"
        " {count} van onze documenten op.",
        "en": "A temporary file lay on the server for {lain} and stayed, while INGIS collected {count} of our"
        " documents.",
    },
    "check.batch.portal": {
        "nl": "Het portaal bewaart concepten apart; een batch komt er niet aan.",
        "en": "The portal keeps drafts apart; a batch does not touch them.",
    },
    "check.batch.begun": {
        "nl": "Nog niet bekend of een batch van INGIS tijdelijke bestanden laat staan. Er staat er nu een, om dat te"
        " zien.",
        "en": "Not known yet whether a batch of INGIS leaves temporary files alone. One lies there now, to see.",
    },
    "check.batch.waiting": {
        "nl": "Nog niet bekend of een batch van INGIS tijdelijke bestanden laat staan. Er staat er al {lain} een.",
        "en": "Not known yet whether a batch of INGIS leaves temporary files alone. One has lain there for {lain}.",
    },
    "check.batch.busy": {
        "nl": "Nog niet bekend: een ander programma kijkt er juist naar.",
        "en": "Not known yet: another program is just looking.",
    },
    "check.batch.remedy": {
        "nl": "Doe ingisfs check nog eens na de volgende batch, of morgen. Het bestand gaat vanzelf weer weg.",
        "en": "Run ingisfs check again after the next batch, or tomorrow. The file goes away again by itself.",
    },
    "check.batch.gone": {
        "nl": "Een tijdelijk bestand van ons was na {lain} van de server verdwenen, en niet door ons."
        " INGIS of iets anders neemt ze mee of ruimt ze op.",
        "en": "A temporary file of ours was gone from the server after {lain}, and not by us."
        " INGIS or something else takes or removes them.",
    },
    "check.batch.gone.remedy": {
        "nl": "Vraag INGIS om bestanden die met .ingisfs- beginnen te laten staan. Of laat op de server een map maken"
        " die INGIS niet bekijkt, en zet die als temporary_folder in de instellingen. Zet tot die tijd temp_lifetime"
        " lager dan dat. Kijk daarna opnieuw met ingisfs check.",
        "en": "Ask INGIS to leave files alone that begin with .ingisfs-. Or have a folder made on the server that INGIS"
        " does not look at, and set it as temporary_folder in the settings. Until then, set temp_lifetime lower than"
        " that. Then look again with ingisfs check.",
    },
    "check.probe.slow": {
        "nl": "De server was na {seconds} s nog niet klaar.",
        "en": "The server was not done after {seconds} s.",
    },
    # ---- test-print
    "testprint.ask": {
        "nl": "Een proefdocument ({stem}, PDF en XML) gaat nu echt naar {server}. INGIS kan erover klagen, maar mag het"
        " niet boeken. Doorgaan?",
        "en": "A test document ({stem}, PDF and XML) really goes to {server} now. INGIS may complain about it, but must"
        " not book it. Go on?",
    },
    "testprint.refused": {"nl": "Er is niets afgedrukt.", "en": "Nothing was printed."},
    "testprint.begin": {
        "nl": "{stem}.pdf en {stem}.xml worden op {mountpoint} geschreven ...",
        "en": "Writing {stem}.pdf and {stem}.xml to {mountpoint} ...",
    },
    "testprint.failed": {
        "nl": "Schrijven op {mountpoint} lukt niet: {detail}. King zou nu een rood kruis tonen. Zie: ingisfs check",
        "en": "Writing to {mountpoint} fails: {detail}. King would show a red cross now. See: ingisfs check",
    },
    "testprint.silent": {
        "nl": "De schijf op {mountpoint} antwoordt niet. Zie: ingisfs check",
        "en": "The drive at {mountpoint} does not answer. See: ingisfs check",
    },
    "testprint.written": {"nl": "geschreven, veilig op deze computer", "en": "written, safe on this computer"},
    "testprint.step": {"nl": "{when}  {name}: {what}", "en": "{when}  {name}: {what}"},
    "testprint.delivered": {
        "nl": "Bezorgd: {server} heeft beide. Wat INGIS ermee doet, staat in het portaal.",
        "en": "Delivered: {server} has both. What INGIS does with them is in its portal.",
    },
    "testprint.ingis": {
        "nl": "Bezorgd. Nu nog ten hoogste {seconds} s kijken wat INGIS ermee doet; stoppen mag (Ctrl-C).",
        "en": "Delivered. Looking for {seconds} s at most what INGIS does with them; you may stop (Ctrl-C).",
    },
    "testprint.late": {
        "nl": "Na {seconds} s zijn ze nog niet bezorgd. Ze wachten veilig en gaan vanzelf; zie ingisfs status",
        "en": "After {seconds} s they are not delivered yet. They wait safely and go by themselves; see ingisfs status",
    },
    "testprint.stopped": {
        "nl": "Niet meer gevolgd. Wat geschreven is, gaat vanzelf verder; zie ingisfs status",
        "en": "No longer followed. What was written goes on by itself; see ingisfs status",
    },
    # ---- all drives
    "all.line": {"nl": "{drive}: {what}", "en": "{drive}: {what}"},
    "all.mounted-already": {"nl": "Was al gekoppeld op {mountpoint}.", "en": "Was mounted at {mountpoint} already."},
    "all.not-mounted": {"nl": "Was niet gekoppeld.", "en": "Was not mounted."},
}
