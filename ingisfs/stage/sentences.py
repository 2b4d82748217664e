"""What the stage says to people, in Dutch and in English."""

from __future__ import annotations

from ingisfs.stage import reasons, words

LANGUAGES = ("nl", "en")

_SENTENCES = {
    # when it starts
    "ready": (
        "De lokale INGIS staat klaar op {url} (stoppen: Ctrl+C)",
        "The local INGIS is ready at {url} (stop: Ctrl+C)",
    ),
    "sftp_ready": (
        "SFTP: {url}  sleutel van de server: {fingerprint}",
        "SFTP: {url}  the server's key: {fingerprint}",
    ),
    "first_user": (
        "Eerste gebruiker: {name}  wachtwoord: {password}  (bewaar het nu: het wordt niet nog eens getoond)",
        "First user: {name}  password: {password}  (keep it now: it is not shown again)",
    ),
    "first_user_from_environment": (
        "Eerste gebruiker: {name}, met het wachtwoord uit {variable}",
        "First user: {name}, with the password from {variable}",
    ),
    "added_user": (
        "Nieuwe gebruiker: {name}  wachtwoord: {password}  (bewaar het nu: het wordt niet nog eens getoond)",
        "New user: {name}  password: {password}  (keep it now: it is not shown again)",
    ),
    "added_user_from_environment": (
        "Nieuwe gebruiker: {name}, met het wachtwoord uit {variable}",
        "New user: {name}, with the password from {variable}",
    ),
    "reset_user": (
        "Nieuw wachtwoord voor {name}: {password}  (bewaar het nu: het wordt niet nog eens getoond)",
        "New password for {name}: {password}  (keep it now: it is not shown again)",
    ),
    "reset_user_from_environment": (
        "Nieuw wachtwoord voor {name}: dat uit {variable}",
        "New password for {name}: that from {variable}",
    ),
    "reset_unknown": (
        "Er is geen gebruiker «{name}». Kijk of de naam goed geschreven is, en of --folder de juiste map is.",
        "There is no user “{name}”. See whether the name is spelled right, and whether --folder is the right folder.",
    ),
    "user_refused": (
        "«{name}» kan geen naam van een gebruiker zijn: niet leeg, geen dubbele punt of stuurtekens.",
        "“{name}” cannot be the name of a user: not empty, no colon or control characters.",
    ),
    "batch_refused": (
        "--batch {batch} kan niet: geef een tijd als 3s, 15m of 1h, of off.",
        "--batch {batch} is not possible: give a time such as 3s, 15m or 1h, or off.",
    ),
    "smtp_refused": (
        "Naar deze mailserver of met deze afzender kan niets worden gestuurd: {what}. Goed is bijvoorbeeld"
        " --smtp smtps://naam@mail.example --mail-from facturen@bedrijf.example; het wachtwoord staat in"
        " INGISFS_STAGE_SMTP_PASSWORD.",
        "Nothing can be sent to this mail server or from this sender: {what}. Good is, for instance,"
        " --smtp smtps://name@mail.example --mail-from invoices@company.example; the password is in"
        " INGISFS_STAGE_SMTP_PASSWORD.",
    ),
    "certificate_refused": (
        "Met dit certificaat kan niet worden gewerkt: {what}. Geef met --certificate een PEM-bestand, en met --key de"
        " sleutel zonder wachtwoord.",
        "This certificate cannot be used: {what}. Give a PEM file with --certificate, and its key without a passphrase"
        " with --key.",
    ),
    "listen_refused": (
        "--listen {address} kan niet: geef een IPv4-adres van deze computer, of 0.0.0.0 voor alle.",
        "--listen {address} is not possible: give an IPv4 address of this computer, or 0.0.0.0 for all.",
    ),
    "listen_needs_certificate": (
        "Op {address} kunnen anderen meeluisteren. Geef met --certificate een certificaat, dan gaat alles over HTTPS.",
        "On {address} others can listen in. Give a certificate with --certificate, then all goes over HTTPS.",
    ),
    "port_in_use": (
        "Poort {port} is al in gebruik. Draait de lokale INGIS al? Kies anders een andere poort met --port.",
        "Port {port} is in use already. Is the local INGIS running? Else choose another port with --port.",
    ),
    "port_refused": (
        "Poort {port} kan niet worden geopend: {reason}. Kies een andere poort met --port.",
        "Port {port} cannot be opened: {reason}. Choose another port with --port.",
    ),
    "folder_in_use": (
        "Er draait al een lokale INGIS op de map {folder}. Stop die eerst, of kies een andere map.",
        "A local INGIS is running on the folder {folder} already. Stop it first, or choose another folder.",
    ),
    "folder_refused": (
        "De map {folder} kan niet worden gebruikt: {reason}.",
        "The folder {folder} cannot be used: {reason}.",
    ),
    # answers of the inbox
    "login": ("Meld u aan met naam en wachtwoord.", "Log in with a name and a password."),
    "NameRefusedError": (
        "Deze naam kan niet: ten hoogste 255 bytes, geen schuine strepen, '..' of stuurtekens.",
        "This name cannot be: at most 255 bytes, no slashes, '..' or control characters.",
    ),
    "OutsideInboxError": ("Dat adres ligt niet in het postvak /inbox/.", "That address is not in the inbox /inbox/."),
    "NotThereError": ("{name} is er niet.", "{name} is not there."),
    "AlreadyThereError": ("{name} bestaat al.", "{name} exists already."),
    "NoParentError": ("De map voor {name} bestaat niet.", "The folder for {name} does not exist."),
    "TooDeepError": ("Mappen in mappen kunnen hier niet.", "Folders in folders are not possible here."),
    "IsFolderError": (
        "{name} is een map; dit kan alleen met een document.",
        "{name} is a folder; only a document will do.",
    ),
    "FolderNotEmptyError": ("De map {name} is niet leeg.", "The folder {name} is not empty."),
    "SamePlaceError": ("{name} heet al zo.", "{name} has that name already."),
    "ConditionFailedError": (
        "{name} is niet (meer) wat de voorwaarde van het verzoek zegt.",
        "{name} is not, or no longer, what the request's condition says.",
    ),
    "TooLargeError": (
        "Het document is te groot: ten hoogste {limit} MiB.",
        "The document is too large: at most {limit} MiB.",
    ),
    "NoRightsError": (
        "De lokale INGIS mag op zijn eigen schijf niet bij {name}. Geef de map waarin hij alles bewaart zijn rechten"
        " terug.",
        "The local INGIS has no rights on its own disk for {name}. Give the folder in which it keeps everything its"
        " rights back.",
    ),
    "NoDraftError": ("Er is geen concept {name}.", "There is no draft {name}."),
    "DraftTakenError": ("Er is of was al een concept {name}.", "There is or was a draft {name} already."),
    "DigestMismatchError": (
        "De bytes van {name} zijn niet die waar Content-Digest bij hoort.",
        "The bytes of {name} are not those that Content-Digest belongs to.",
    ),
    "KeyReusedError": (
        "Met deze Idempotency-Key is al een ander document gemaakt dan {name}.",
        "This Idempotency-Key has made another document than {name} already.",
    ),
    "no_digest": (
        "Content-Digest met sha-256 (RFC 9530) ontbreekt of klopt niet.",
        "Content-Digest with sha-256 (RFC 9530) is missing or malformed.",
    ),
    "no_key": (
        "Idempotency-Key ontbreekt of is niet een woord van ten hoogste 200 tekens tussen aanhalingstekens.",
        "Idempotency-Key is missing, or not a word of at most 200 characters in quotes.",
    ),
    "json": (
        'De inhoud moet JSON zijn met "draft" en "name", en hoogstens nog "replaces".',
        'The body must be JSON with "draft" and "name", and at most "replaces" besides.',
    ),
    "cursor": ("after of limit klopt niet.", "after or limit is malformed."),
    "address_unknown": ("Dit adres is er niet in de API.", "There is no such address in the API."),
    "disk_full": ("De schijf van de lokale INGIS is vol.", "The disk of the local INGIS is full."),
    "method": ("{method} kan hier niet.", "{method} is not possible here."),
    "not_whole": ("Het document kwam niet in zijn geheel.", "The document did not come as a whole."),
    "partial": ("Een document komt in zijn geheel, niet in delen.", "A document comes as a whole, not in parts."),
    "locks": ("Vergrendelingen (If) zijn er hier niet.", "There are no locks (If) here."),
    "depth": ("Depth moet 0 of 1 zijn.", "Depth must be 0 or 1."),
    "destination": (
        "Destination moet een adres op deze server zijn, zonder ? of #.",
        "Destination must be an address on this server, without ? or #.",
    ),
    "other_host": ("Destination ligt op een andere server.", "Destination is on another server."),
    "overwrite": ("Overwrite moet T of F zijn.", "Overwrite must be T or F."),
    "body": ("Dit verzoek hoort geen inhoud te hebben.", "This request should have no body."),
    "xml": (
        "De inhoud is geen goede PROPFIND-XML (een DTD mag niet).",
        "The body is no proper PROPFIND XML (a DTD is not allowed).",
    ),
    # the page
    "title": ("Lokale INGIS", "Local INGIS"),
    "heading": ("Ontvangen documenten", "Documents received"),
    "address": ("Postvak", "Inbox"),
    "total_one": ("1 document", "1 document"),
    "total_many": ("{count} documenten", "{count} documents"),
    "underway": ("{count} onderweg", "{count} on the way"),
    "newest_only": ("De nieuwste {shown} staan hieronder.", "The newest {shown} are shown below."),
    "nothing": (
        "Nog niets ontvangen. Wat naar het postvak wordt gestuurd, verschijnt hier.",
        "Nothing received yet. What is sent to the inbox appears here.",
    ),
    "name": ("Naam", "Name"),
    "kind": ("Soort", "Kind"),
    "size": ("Grootte", "Size"),
    "received": ("Ontvangen", "Received"),
    "other_language": ("English", "Nederlands"),
    **reasons.SENTENCES,
    **words.SENTENCES,
}


def say(language: str, key: str, **values: object) -> str:
    """The sentence `key` in `language` ("nl" or "en"), with `values` filled in. Raises ValueError, KeyError."""
    return _SENTENCES[key][LANGUAGES.index(language)].format(**values)
