"""What the status says: states, reasons, the server, headlines, pages. The catalogue takes these in with all others.

The remedies of held and parked documents need no command line where King or the drive itself will do: printing again
supersedes what was not delivered, and deleting withdraws it. "Delivered" only ever means that the server has it:
whether INGIS accepted it is another question, for its portal.
"""

from __future__ import annotations

SENTENCES: dict[str, dict[str, str]] = {
    # a word for each state
    "state.local": {"nl": "lokaal", "en": "local"},
    "state.writing": {"nl": "wordt geschreven", "en": "being written"},
    "state.settling": {"nl": "wacht even", "en": "settling"},
    "state.queued": {"nl": "in de wachtrij", "en": "queued"},
    "state.uploading": {"nl": "wordt verstuurd", "en": "being uploaded"},
    "state.publishing": {"nl": "wordt gepubliceerd", "en": "being published"},
    "state.delivered": {"nl": "bezorgd", "en": "delivered"},
    "state.collected": {"nl": "opgehaald", "en": "collected"},
    "state.accepted": {"nl": "aangenomen", "en": "accepted"},
    "said.new": {"nl": "nieuw bij klant", "en": "new to customer"},
    "said.sent": {"nl": "verzonden", "en": "sent on"},
    "said.viewed": {"nl": "bekeken", "en": "viewed"},
    "state.refused": {"nl": "geweigerd", "en": "refused"},
    "state.held": {"nl": "vastgehouden", "en": "held"},
    "state.parked": {"nl": "apart gezet", "en": "parked"},
    "state.withdrawn": {"nl": "ingetrokken", "en": "withdrawn"},
    "state.superseded": {"nl": "vervangen", "en": "superseded"},
    # why a document is held or parked, and what to do
    "reason.write-failed": {
        "nl": "Het schrijven van {name} is mislukt en King heeft dat gemeld; daarom wordt het niet verstuurd. Druk het"
        " opnieuw af.",
        "en": "Writing {name} failed and King said so; therefore it is not sent. Print it again.",
    },
    "reason.type-not-sent": {
        "nl": "{name} is geen soort document dat wordt verstuurd. Druk het af als PDF of XML en verwijder dit bestand"
        " van de schijf.",
        "en": "{name} is not a type of document that is sent. Print it as PDF or XML and delete this file from the"
        " drive.",
    },
    "reason.folder-not-routed": {
        "nl": "{name} ligt in een map waaruit niets wordt verstuurd. Verplaats het naar de schijf zelf, buiten de map.",
        "en": "{name} lies in a folder from which nothing is sent. Move it to the drive itself, outside the folder.",
    },
    "reason.empty": {
        "nl": "{name} is leeg (0 bytes). Druk het opnieuw af, samen met zijn andere helft als die er is.",
        "en": "{name} is empty (0 bytes). Print it again, together with its other half if it has one.",
    },
    "reason.pdf-not-whole": {
        "nl": "{name} is niet compleet: er ontbreekt een stuk van de PDF. Druk het opnieuw af, samen met de XML als die"
        " erbij hoort.",
        "en": "{name} is not complete: a part of the PDF is missing. Print it again, together with the XML if one"
        " belongs to it.",
    },
    "reason.xml-not-whole": {
        "nl": "{name} is niet compleet of niet leesbaar: er staat een fout in de XML. Druk het opnieuw af, samen met"
        " de PDF als die erbij hoort. Komt de fout terug, vraag dan hulp aan wie de afdrukvorm in King beheert.",
        "en": "{name} is not complete or not readable: there is a fault in the XML. Print it again, together with"
        " the PDF if one belongs to it. If the fault comes back, ask whoever looks after the print format in"
        " King for help.",
    },
    "reason.xml-dtd": {
        "nl": "{name} bevat een DTD (DOCTYPE); zulke XML wordt voor de veiligheid niet verstuurd. Laat wie de"
        " afdrukvorm in King beheert de DTD weghalen en druk het opnieuw af.",
        "en": "{name} carries a DTD (DOCTYPE); such XML is not sent, for safety. Have whoever looks after the print"
        " format in King take the DTD out and print it again.",
    },
    "reason.twin": {
        "nl": "{name} gaat samen met {detail}, en dat kan niet weg: zie daar. Druk ze daarna allebei opnieuw af.",
        "en": "{name} goes together with {detail}, and that one cannot go: see there. Then print them both again.",
    },
    "reason.already-delivered": {
        "nl": "Een eerdere {name} is op {detail} al bezorgd; deze wordt niet vanzelf nog eens verstuurd. Verwijder"
        " deze van de schijf, of geef hem vrij als INGIS hem toch moet krijgen, met het pictogram bij de klok of met:"
        " ingisfs queue release {which}",
        "en": "An earlier {name} was delivered on {detail} already; this one is not sent again by itself. Delete it"
        " from the drive, or let it go if INGIS is to have it all the same, with the icon beside the clock or with:"
        " ingisfs queue release {which}",
    },
    "reason.delivered-copy": {
        "nl": "{name} is een kopie van {detail}, dat al is bezorgd; het wordt niet nog eens verstuurd. Verwijder het"
        " van de schijf, of geef het vrij als INGIS het onder deze naam toch moet krijgen, met het pictogram bij de"
        " klok of met: ingisfs queue release {which}",
        "en": "{name} is a copy of {detail}, which was delivered already; it is not sent again. Delete it from the"
        " drive, or let it go if INGIS is to have it under this name all the same, with the icon beside the clock or"
        " with: ingisfs queue release {which}",
    },
    "reason.restored": {
        "nl": "{name} komt uit een teruggezette reservekopie of van een andere computer en kan al bezorgd zijn. Zoek"
        " het in het portaal van INGIS. Is het daar, verwijder het dan van de schijf; is het daar niet, geef het dan"
        " vrij, met het pictogram bij de klok of met: ingisfs queue release {which}",
        "en": "{name} comes from a restored backup or from another computer and may have been delivered already. Look"
        " for it in INGIS's portal. If it is there, delete it from the drive; if it is not, let it go, with the icon"
        " beside the clock or with: ingisfs queue release {which}",
    },
    "reason.recovered": {
        "nl": "{name} is teruggevonden na schade aan de outbox. Open het en zoek het in het portaal van INGIS. Is het"
        " goed en daar nog niet, geef het dan vrij, met het pictogram bij de klok of met: ingisfs queue release"
        " {which}. Verwijder het anders van de schijf.",
        "en": "{name} was recovered from a damaged outbox. Open it and look for it in INGIS's portal. If it is good"
        " and not there yet, let it go, with the icon beside the clock or with: ingisfs queue release {which}."
        " Otherwise delete it from the drive.",
    },
    "reason.damaged": {
        "nl": "De inhoud van {name} is niet meer wat King schreef: beschadigd of verdwenen. Druk het opnieuw af, en"
        " laat de harde schijf van deze computer nakijken.",
        "en": "The content of {name} is no longer what King wrote: damaged or gone. Print it again, and have this"
        " computer's disk checked.",
    },
    "reason.server-refused": {
        "nl": "De server wil {name} niet aannemen; de melding zegt waarom. Is het te groot, maak het dan kleiner. Druk"
        " het opnieuw af, samen met zijn andere helft als die er is.",
        "en": "The server will not take {name}; its message says why. If it is too large, make it smaller. Print it"
        " again, together with its other half if it has one.",
    },
    "reason.name-taken": {
        "nl": "{name} is niet verstuurd: op de server staat al een ander bestand met die naam. Zoek het in het portaal"
        " van INGIS. Is dat bestand verwerkt of weggehaald, geef dit dan vrij, met het pictogram bij de klok of met:"
        " ingisfs queue release {which}",
        "en": "{name} was not sent: the server has another file of that name already. Look for it in INGIS's portal."
        " Once that file has been processed or removed, let this one go, with the icon beside the clock or with:"
        " ingisfs queue release {which}",
    },
    "reason.looks-attached": {
        "nl": "{name} wordt verstuurd, maar door zijn naam ziet INGIS het als bijlage van {detail}. Is het een factuur"
        " op zichzelf, geef die in King dan een nummer dat niet op {detail}-1 lijkt en druk haar opnieuw af.",
        "en": "{name} is sent, but by its name INGIS takes it for an attachment of {detail}. If it is an invoice of its"
        " own, give it a number in King that does not look like {detail}-1 and print it again.",
    },
    "reason.doubtful": {
        "nl": "Het is niet zeker of {name} is aangekomen. Zoek het in het portaal van INGIS. Is het daar, verwijder"
        " het dan van de schijf; is het daar niet, geef het dan vrij, met het pictogram bij de klok of met: ingisfs"
        " queue release {which}",
        "en": "It is not certain whether {name} has arrived. Look for it in INGIS's portal. If it is there, delete it"
        " from the drive; if it is not, let it go, with the icon beside the clock or with: ingisfs queue release"
        " {which}",
    },
    "reason.ingis-refused": {
        "nl": "INGIS heeft {name} geweigerd. Verbeter het in King en druk het opnieuw af, samen met zijn andere helft"
        " als die er is. Hoeft dat niet, meld het dan als afgehandeld, met het pictogram bij de klok of met: ingisfs"
        " queue withdraw {which}",
        "en": "INGIS has refused {name}. Correct it in King and print it again, together with its other half if it has"
        " one. If that is not needed, say that it is dealt with, with the icon beside the clock or with: ingisfs queue"
        " withdraw {which}",
    },
    "reason.none": {
        "nl": "{name} wordt niet verstuurd en de reden is niet bekend. Druk het opnieuw af.",
        "en": "{name} is not sent and the reason is not known. Print it again.",
    },
    # the server
    "target.ok": {"nl": "De server antwoordt.", "en": "The server answers."},
    "target.ok.refuses": {
        "nl": "De server antwoordt, maar neemt geen enkel document aan. Ze wachten hier veilig en worden steeds opnieuw"
        " geprobeerd. Blijft dit zo, vraag dan de beheerder van de server of er in de map geschreven mag worden.",
        "en": "The server answers, but takes no document at all. They wait here safely and are tried again and again."
        " If this stays so, ask whoever runs the server whether the folder may be written to.",
    },
    "target.unreachable": {
        "nl": "De server antwoordt niet. U hoeft niets te doen: documenten wachten hier veilig en gaan vanzelf zodra"
        " hij weer antwoordt.",
        "en": "The server does not answer. You need not do anything: documents wait here safely and go by themselves"
        " once it answers again.",
    },
    "target.unknown": {"nl": "De server is nog niet gevraagd.", "en": "The server has not been asked yet."},
    "target.needs_person.login": {
        "nl": "De server weigert de gebruiker, het wachtwoord of de sleutel. Zet de goede in de sleutelbos of de"
        " instellingen en koppel de schijf opnieuw.",
        "en": "The server refuses the user, the password or the key. Put the right ones into the keyring or the"
        " settings and mount the drive again.",
    },
    "target.needs_person.forbidden": {
        "nl": "De gebruiker mag niet in de map op de server schrijven. Vraag de beheerder van de server om dat recht.",
        "en": "The user may not write into the folder on the server. Ask whoever runs the server for that right.",
    },
    "target.needs_person.certificate": {
        "nl": "Het certificaat van de server is niet te vertrouwen, dus er wordt niets verstuurd. Kijk of de klok van"
        " deze computer goed staat; vraag anders de beheerder van de server om een geldig certificaat.",
        "en": "The server's certificate cannot be trusted, so nothing is sent. See whether this computer's clock is"
        " right; otherwise ask whoever runs the server for a valid certificate.",
    },
    "target.needs_person.host-key": {
        "nl": "De sleutel van de server is niet die uit de instellingen; het kan een andere server zijn, dus er wordt"
        " niets verstuurd. Vraag de beheerder van de server welke vingerafdruk klopt, zet die bij host_key in de"
        " instellingen en koppel de schijf opnieuw.",
        "en": "The server's key is not the one in the settings; it may be another server, so nothing is sent. Ask"
        " whoever runs the server which fingerprint is right, put it into host_key in the settings and mount the drive"
        " again.",
    },
    "target.needs_person.folder-missing": {
        "nl": "De map bestaat niet op de server. Verbeter het adres in de instellingen en koppel de schijf opnieuw, of"
        " laat de beheerder van de server de map maken.",
        "en": "The folder does not exist on the server. Correct the address in the settings and mount the drive again,"
        " or have whoever runs the server make the folder.",
    },
    "target.needs_person.redirect": {
        "nl": "De server verwijst naar een ander adres, en daar wordt niets vanzelf heen gestuurd. Zet het goede adres"
        " in de instellingen en koppel de schijf opnieuw.",
        "en": "The server points to another address, and nothing is sent there by itself. Put the right address into"
        " the settings and mount the drive again.",
    },
    "target.needs_person.not-webdav": {
        "nl": "Op dit adres staat geen WebDAV-server. Zet het goede adres in de instellingen en koppel de schijf"
        " opnieuw.",
        "en": "There is no WebDAV server at this address. Put the right address into the settings and mount the drive"
        " again.",
    },
    "target.needs_person.not-ingis": {
        "nl": "Op dit adres staat geen INGIS-portaal dat documenten aanneemt. Zet het goede adres in de instellingen en"
        " koppel de schijf opnieuw.",
        "en": "There is no INGIS portal at this address that takes documents. Put the right address into the settings"
        " and mount the drive again.",
    },
    "target.needs_person.unknown": {
        "nl": "De server neemt niets aan, om een reden die ingisfs niet kent. Laat de melding zien aan de beheerder van"
        " de server.",
        "en": "The server takes nothing, for a reason that ingisfs does not know. Show the message to whoever runs the"
        " server.",
    },
    "target.since": {"nl": "Sinds {when}.", "en": "Since {when}."},
    "target.safe": {"nl": "Documenten wachten hier veilig.", "en": "Documents wait here safely."},
    # alarms
    "alarm.unkept": {
        "nl": "Documenten die King al heeft gesloten staan nog niet veilig op schijf, alleen in het geheugen. Zet deze"
        " computer niet uit en maak ruimte op zijn schijf; daarna gaat het vanzelf goed.",
        "en": "Documents that King has closed are not safe on disk yet, only in memory. Do not switch this computer"
        " off, and make room on its disk; then it comes right by itself.",
    },
    "alarm.damaged": {
        "nl": "De outbox van deze schijf was beschadigd. Wat nog leesbaar was, is vastgehouden: bekijk elk document"
        " hieronder.",
        "en": "The outbox of this drive was damaged. What could still be read is held: look at each document below.",
    },
    "alarm.other": {
        "nl": "Er is iets mis met de schijf: {alarm}. Vraag hulp.",
        "en": "Something is wrong with the drive: {alarm}. Ask for help.",
    },
    # the headline, put together of these
    "headline.alarm": {"nl": "LET OP, zie hieronder.", "en": "ATTENTION, see below."},
    "headline.person.one": {"nl": "{count} document heeft iemand nodig.", "en": "{count} document needs a person."},
    "headline.person.many": {
        "nl": "{count} documenten hebben iemand nodig.",
        "en": "{count} documents need a person.",
    },
    "headline.server": {"nl": "De server heeft iemand nodig.", "en": "The server needs a person."},
    "headline.away": {"nl": "De server antwoordt niet.", "en": "The server does not answer."},
    "headline.going.one": {"nl": "{count} document is onderweg.", "en": "{count} document is on its way."},
    "headline.going.many": {"nl": "{count} documenten zijn onderweg.", "en": "{count} documents are on their way."},
    "headline.waiting.one": {"nl": "{count} document wacht.", "en": "{count} document waits."},
    "headline.waiting.many": {"nl": "{count} documenten wachten.", "en": "{count} documents wait."},
    "headline.well": {
        "nl": "Alles is in orde: {count} bezorgd, niets wacht.",
        "en": "All is well: {count} delivered, nothing waits.",
    },
    "headline.nothing": {"nl": "Er wacht niets.", "en": "Nothing waits."},
    "headline.new": {
        "nl": "Klaar voor gebruik. Er is nog niets afgedrukt.",
        "en": "Ready for use. Nothing has been printed yet.",
    },
    "headline.unreadable": {
        "nl": "LET OP: hoe het met de documenten staat, is nu niet te lezen.",
        "en": "ATTENTION: what became of the documents cannot be read now.",
    },
    # the rest of the page
    "page.unreadable": {
        "nl": "Er is niets verwijderd. Kijk over een minuut nog eens. Blijft dit zo, maak dan ruimte op de schijf van"
        " deze computer, of vraag hulp. Verwijder zelf niets.",
        "en": "Nothing was removed. Look again in a minute. If this stays, make room on this computer's disk, or ask"
        " for help. Remove nothing yourself.",
    },
    "page.drive": {"nl": "Schijf {drive}, bijgewerkt {when}", "en": "Drive {drive}, updated {when}"},
    "page.mounted": {"nl": "Laatst gekoppeld: {when} (met {host})", "en": "Last mounted: {when} (with {host})"},
    "page.oldest": {"nl": "Langst wachtend: {duration}", "en": "Longest waiting: {duration}"},
    "page.attention": {"nl": "Let op", "en": "Attention"},
    "page.person": {"nl": "Hier bent u nodig", "en": "Needs a person"},
    "page.more.one": {"nl": "... en nog {count} ander document.", "en": "... and {count} other document."},
    "page.more.many": {"nl": "... en nog {count} andere documenten.", "en": "... and {count} other documents."},
    "page.message": {"nl": "Melding: {detail}", "en": "Message: {detail}"},
    "page.server": {"nl": "Server", "en": "Server"},
    "page.counts": {"nl": "Aantallen", "en": "Counts"},
    "page.no-documents": {"nl": "Nog geen documenten.", "en": "No documents yet."},
    "page.ingis": {
        "nl": "Facturen bij INGIS: {refused} geweigerd, {new} nieuw voor klanten, {viewed} bekeken door klanten, {sent}"
        " verzonden naar klanten.",
        "en": "Invoices at INGIS: {refused} refused, {new} new for customers, {viewed} viewed by customers, {sent} sent"
        " to customers.",
    },
    "page.ingis-unknown": {
        "nl": "Bezorgd betekent: het staat op de server. Wat INGIS ermee deed, is niet bekend.",
        "en": "Delivered means: the server has it. What INGIS made of it is not known.",
    },
    "page.ingis-partly": {
        "nl": "Bezorgd betekent: het staat op de server. Wat INGIS met de andere documenten deed, is niet bekend.",
        "en": "Delivered means: the server has it. What INGIS made of the other documents is not known.",
    },
    "page.ingis-collected": {
        "nl": "Opgehaald betekent: INGIS heeft het van de server gehaald. Of INGIS het goed vond, is niet bekend.",
        "en": "Collected means: INGIS has taken it from the server. Whether INGIS found it good is not known.",
    },
    "page.portal": {"nl": "Kijk in het portaal: {portal}", "en": "Look in the portal: {portal}"},
    "page.newest": {"nl": "Nieuwste documenten", "en": "Newest documents"},
    "page.failed.one": {"nl": "{count} poging mislukt: {detail}", "en": "{count} attempt failed: {detail}"},
    "page.failed.many": {"nl": "{count} pogingen mislukt: {detail}", "en": "{count} attempts failed: {detail}"},
    "page.next-try": {"nl": "Volgende poging: {when}", "en": "Next attempt: {when}"},
    "column.name": {"nl": "Naam", "en": "Name"},
    "column.size": {"nl": "Grootte", "en": "Size"},
    "column.state": {"nl": "Toestand", "en": "State"},
    "column.when": {"nl": "Wanneer", "en": "When"},
    # while unmounting
    "progress.left": {"nl": "nog {count} te bezorgen", "en": "{count} still to be delivered"},
    # durations and sizes
    "duration.second.one": {"nl": "{count} seconde", "en": "{count} second"},
    "duration.second.many": {"nl": "{count} seconden", "en": "{count} seconds"},
    "duration.minute.one": {"nl": "{count} minuut", "en": "{count} minute"},
    "duration.minute.many": {"nl": "{count} minuten", "en": "{count} minutes"},
    "duration.hour.one": {"nl": "{count} uur", "en": "{count} hour"},
    "duration.hour.many": {"nl": "{count} uur", "en": "{count} hours"},
    "duration.day.one": {"nl": "{count} dag", "en": "{count} day"},
    "duration.day.many": {"nl": "{count} dagen", "en": "{count} days"},
    "size.byte.one": {"nl": "{count} byte", "en": "{count} byte"},
    "size.byte.many": {"nl": "{count} bytes", "en": "{count} bytes"},
}
