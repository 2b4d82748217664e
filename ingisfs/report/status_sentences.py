"""What the status says: states, reasons, the target, and the headlines. The catalogue takes these in."""

from __future__ import annotations

SENTENCES: dict[str, dict[str, str]] = {
    # states: what became of a document, as a word
    "state.local": {"nl": "alleen op deze schijf", "en": "on this drive only"},
    "state.writing": {"nl": "wordt geschreven", "en": "being written"},
    "state.settling": {"nl": "net gesloten", "en": "just closed"},
    "state.queued": {"nl": "wacht op verzending", "en": "waiting to be sent"},
    "state.uploading": {"nl": "wordt verstuurd", "en": "being sent"},
    "state.publishing": {"nl": "wordt afgeleverd", "en": "being handed over"},
    "state.delivered": {"nl": "bezorgd", "en": "delivered"},
    "state.collected": {"nl": "opgehaald door INGIS", "en": "collected by INGIS"},
    "state.refused": {"nl": "geweigerd door INGIS", "en": "refused by INGIS"},
    "state.held": {"nl": "vastgehouden", "en": "held"},
    "state.parked": {"nl": "apart gezet", "en": "set aside"},
    "state.withdrawn": {"nl": "ingetrokken", "en": "withdrawn"},
    "state.superseded": {"nl": "vervangen", "en": "replaced"},
    # reasons: why a document needs a person, and what to do
    "reason.write-failed": {
        "nl": "King kreeg een rood kruis: het schrijven mislukte ({detail}). Druk dit document opnieuw af.",
        "en": "King was shown a red cross: writing failed ({detail}). Print this document again.",
    },
    "reason.type-not-sent": {
        "nl": "Alleen PDF en XML gaan naar INGIS. Druk het af met de PDF- of XML-indeling, of haal het hier weg.",
        "en": "Only PDF and XML go to INGIS. Print it with the PDF or XML format, or remove it here.",
    },
    "reason.folder-not-routed": {
        "nl": "Documenten in een map gaan niet naar INGIS. Verplaats het naar de schijf zelf.",
        "en": "Documents in a folder do not go to INGIS. Move it to the drive itself.",
    },
    "reason.empty": {
        "nl": "Het bestand is leeg (0 bytes). Druk dit document opnieuw af.",
        "en": "The file is empty (0 bytes). Print this document again.",
    },
    "reason.pdf-not-whole": {
        "nl": "De PDF is niet compleet. Druk dit document opnieuw af; wordt hij nog afgemaakt, dan gaat hij vanzelf.",
        "en": "The PDF is not complete. Print this document again; if it is completed yet, it goes by itself.",
    },
    "reason.xml-not-whole": {
        "nl": "De XML is niet compleet of niet leesbaar ({detail}). Druk dit document opnieuw af.",
        "en": "The XML is not complete or not readable ({detail}). Print this document again.",
    },
    "reason.xml-dtd": {
        "nl": "De XML bevat een DTD; INGIS neemt die niet aan. Controleer de afdrukindeling in King.",
        "en": "The XML contains a DTD; INGIS does not take that. Check the print format in King.",
    },
    "reason.twin": {
        "nl": "Wacht op de andere helft: {detail}. Los dat document op, dan kunnen ze samen weg.",
        "en": "Waits for its other half: {detail}. Mend that document, then both can go.",
    },
    "reason.already-delivered": {
        "nl": "Dit is op {detail} al bezorgd. Geef het alleen vrij als INGIS het nog een keer moet krijgen; trek het"
        " anders in.",
        "en": "This was delivered already, on {detail}. Release it only if INGIS shall have it once more; withdraw it"
        " otherwise.",
    },
    "reason.restored": {
        "nl": "Teruggezet: deze gegevens komen uit een reservekopie of van een andere computer, dus dit kan al bezorgd"
        " zijn. Kijk in de portal en geef het dan vrij of trek het in.",
        "en": "Restored: these data come from a backup or from another computer, so this may have been delivered"
        " already. Look into the portal, then release or withdraw it.",
    },
    "reason.recovered": {
        "nl": "Teruggevonden in beschadigde gegevens. Kijk of het klopt en geef het dan vrij.",
        "en": "Found in damaged data. Check it, then release it.",
    },
    "reason.damaged": {
        "nl": "ALARM: de inhoud is beschadigd of ontbreekt en kan niet worden verstuurd. Druk dit document opnieuw af.",
        "en": "ALARM: the content is damaged or missing and cannot be sent. Print this document again.",
    },
    "reason.server-refused": {
        "nl": "De server neemt dit document niet aan ({detail}). Vraag INGIS waarom, of druk het anders af.",
        "en": "The server does not take this document ({detail}). Ask INGIS why, or print it differently.",
    },
    "reason.name-taken": {
        "nl": "Bij INGIS staat al een ander bestand met deze naam ({detail}). Kijk in de portal wat dat is.",
        "en": "INGIS has another file of this name already ({detail}). Look into the portal what that is.",
    },
    "reason.looks-attached": {
        "nl": "Let op: door de naam ziet INGIS dit als bijlage van {detail}.",
        "en": "Note: by its name INGIS takes this for an attachment of {detail}.",
    },
    "reason.doubtful": {
        "nl": "Onzeker of het is aangekomen ({detail}). Kijk in de portal en geef het dan vrij of trek het in.",
        "en": "It is uncertain whether it arrived ({detail}). Look into the portal, then release or withdraw it.",
    },
    # the target
    "target.ok": {"nl": "De server antwoordt.", "en": "The server answers."},
    "target.unknown": {"nl": "De server is nog niet gevraagd.", "en": "The server has not been asked yet."},
    "target.unreachable": {
        "nl": "De server is niet bereikbaar ({detail}). Documenten wachten hier veilig en gaan vanzelf zodra hij weer"
        " antwoordt.",
        "en": "The server cannot be reached ({detail}). Documents wait here safely and go by themselves once it answers"
        " again.",
    },
    "target.needs_person.login": {
        "nl": "De server weigert de gebruiker, het wachtwoord of de sleutel ({detail}). Controleer die en koppel de"
        " schijf opnieuw. Documenten wachten hier veilig.",
        "en": "The server refuses the user, the password or the key ({detail}). Check them and mount the drive again."
        " Documents wait here safely.",
    },
    "target.needs_person.forbidden": {
        "nl": "De server staat schrijven niet toe ({detail}). Vraag INGIS om rechten. Documenten wachten hier veilig.",
        "en": "The server does not allow writing ({detail}). Ask INGIS for the right. Documents wait here safely.",
    },
    "target.needs_person.certificate": {
        "nl": "Het certificaat van de server klopt niet ({detail}). Verstuur niets tot INGIS het verklaart. Documenten"
        " wachten hier veilig.",
        "en": "The server's certificate is not right ({detail}). Send nothing until INGIS explains it. Documents wait"
        " here safely.",
    },
    "target.needs_person.host-key": {
        "nl": "De sleutel van de server is niet die uit de instellingen ({detail}). Vraag INGIS welke vingerafdruk"
        " klopt, zet die bij host_key en koppel de schijf opnieuw. Documenten wachten hier veilig.",
        "en": "The server's key is not the one in the settings ({detail}). Ask INGIS which fingerprint is right, put it"
        " into host_key, and mount the drive again. Documents wait here safely.",
    },
    "target.needs_person.folder-missing": {
        "nl": "De map op de server bestaat niet ({detail}). Controleer het serveradres. Documenten wachten hier"
        " veilig.",
        "en": "The folder on the server does not exist ({detail}). Check the server address. Documents wait here"
        " safely.",
    },
    "target.needs_person.redirect": {
        "nl": "De server verwijst naar een ander adres ({detail}). Controleer het serveradres. Documenten wachten hier"
        " veilig.",
        "en": "The server points to another address ({detail}). Check the server address. Documents wait here safely.",
    },
    "target.needs_person.not-webdav": {
        "nl": "Dit adres is geen WebDAV-map ({detail}). Controleer het serveradres. Documenten wachten hier veilig.",
        "en": "This address is no WebDAV folder ({detail}). Check the server address. Documents wait here safely.",
    },
    "target.needs_person.unknown": {
        "nl": "De server kan zo niet worden gebruikt ({detail}). Controleer de instellingen. Documenten wachten hier"
        " veilig.",
        "en": "The server cannot be used like this ({detail}). Check the settings. Documents wait here safely.",
    },
    # headlines
    "headline.nothing": {
        "nl": "Klaar voor gebruik. Er is nog niets afgedrukt.",
        "en": "Ready for use. Nothing has been printed yet.",
    },
    "headline.fine": {
        "nl": "Alles is in orde: {delivered} bezorgd, niets wacht.",
        "en": "All is well: {delivered} delivered, nothing waits.",
    },
    "headline.waiting": {
        "nl": "Onderweg: {waiting}. Die gaan vanzelf.",
        "en": "On their way: {waiting}. They go by themselves.",
    },
    "headline.person": {
        "nl": "LET OP: {count} van de documenten hebben u nodig.",
        "en": "ATTENTION: {count} of the documents need you.",
    },
    "headline.person-one": {
        "nl": "LET OP: 1 document heeft u nodig.",
        "en": "ATTENTION: 1 document needs you.",
    },
    "headline.target": {
        "nl": "LET OP: de server heeft u nodig.",
        "en": "ATTENTION: the server needs you.",
    },
    # parts of the page
    "page.title": {"nl": "INGIS-schijf «{drive}»", "en": "INGIS drive “{drive}”"},
    "page.updated": {"nl": "bijgewerkt {at}", "en": "updated {at}"},
    "page.server": {"nl": "Server: {server}", "en": "Server: {server}"},
    "page.since": {"nl": "Gekoppeld sinds: {at} (met {host})", "en": "Mounted since: {at} (with {host})"},
    "page.needs-you": {"nl": "Heeft u nodig", "en": "Needs you"},
    "page.counts": {"nl": "Aantallen", "en": "Counts"},
    "page.newest": {"nl": "Nieuwste documenten", "en": "Newest documents"},
    "page.more": {"nl": "… en nog {count}", "en": "… and {count} more"},
    "page.oldest": {"nl": "Oudste wacht sinds {duration}.", "en": "The oldest has waited for {duration}."},
    "page.ingis-unknown": {
        "nl": "Wat INGIS ermee deed, is hier niet bekend{portal}.",
        "en": "What INGIS did with them is not known here{portal}.",
    },
    "page.portal": {"nl": "; kijk in de portal: {portal}", "en": "; look into the portal: {portal}"},
    "page.unreadable": {
        "nl": "De stand kan nu niet worden gelezen ({detail}). De documenten zijn veilig; kijk straks nog eens.",
        "en": "The status cannot be read now ({detail}). The documents are safe; look again soon.",
    },
    "alarm.unkept": {
        "nl": "ALARM: documenten kunnen nu niet op schijf worden bewaard. Maak schijfruimte; sluit de computer niet"
        " af.",
        "en": "ALARM: documents cannot be kept on disk now. Make room on the disk; do not switch the computer off.",
    },
    "alarm.damaged": {
        "nl": "ALARM: de gegevens van de schijf waren beschadigd. Wat leesbaar was, is vastgehouden: bekijk elk"
        " document.",
        "en": "ALARM: the data of the drive were damaged. What could be read is held: look at each document.",
    },
    # columns
    "column.name": {"nl": "Naam", "en": "Name"},
    "column.state": {"nl": "Stand", "en": "State"},
    "column.size": {"nl": "Grootte", "en": "Size"},
    "column.time": {"nl": "Tijd", "en": "Time"},
    "progress.left": {"nl": "nog {count} te bezorgen", "en": "{count} still to be delivered"},
}
