"""Why INGIS refuses an invoice, and what a person can do about it: Dutch and English."""

from __future__ import annotations

#: In the order in which they are looked at; the keys are stored and in addresses: they never change.
REASONS = (
    "type",
    "size",
    "not_whole",
    "not_well_formed",
    "not_an_invoice",
    "no_customer",
    "blocked",
    "duplicate",
    "no_pdf",
    "no_xml",
)

SENTENCES = {
    "reason_type": (
        "Dit soort bestand kan niet ({ending}): INGIS neemt alleen PDF en XML aan.",
        "This kind of file is not possible ({ending}): INGIS takes PDF and XML only.",
    ),
    "advice_type": (
        "Druk de factuur opnieuw af als PDF, als XML of als beide, en stuur die in.",
        "Print the invoice again as PDF, as XML or as both, and send that.",
    ),
    "about_type": (
        "INGIS neemt bestanden aan die op .pdf of .xml eindigen. Al het andere wordt geweigerd, ook in een ZIP.",
        "INGIS takes files whose names end in .pdf or .xml. All else is refused, in a ZIP too.",
    ),
    "reason_size": (
        "Het document is te groot ({size} MB): ten hoogste {limit} MB.",
        "The document is too large ({size} MB): at most {limit} MB.",
    ),
    "advice_size": (
        "Maak de PDF kleiner, bijvoorbeeld door afbeeldingen op 150 dpi te zetten, en stuur hem opnieuw in.",
        "Make the PDF smaller, for instance with pictures at 150 dpi, and send it again.",
    ),
    "about_size": (
        "Grote documenten komen bij veel klanten niet in hun postbus. Daarom is er een grens.",
        "Many customers cannot receive large documents. So there is a limit.",
    ),
    "reason_not_whole": (
        "Het document {name} is niet heel: het houdt halverwege op.",
        "The document {name} is not whole: it breaks off.",
    ),
    "advice_not_whole": (
        "Druk de factuur opnieuw af. Wordt zij weer geweigerd, kijk dan of de schijf van de computer vol is.",
        "Print the invoice again. If it is refused again, see whether the computer's disk is full.",
    ),
    "about_not_whole": (
        "Een PDF zonder zijn einde, of een XML waarvan het laatste element ontbreekt, is onderweg afgebroken.",
        "A PDF without its end, or an XML without its last element, broke off on its way.",
    ),
    "reason_not_well_formed": (
        "De XML {name} is niet goed gevormd (regel {line}).",
        "The XML {name} is not well-formed (line {line}).",
    ),
    "advice_not_well_formed": (
        "Druk de factuur opnieuw af. Kijk bij herhaling naar vreemde tekens in de naam of omschrijving op die regel.",
        "Print the invoice again. If that does not help, look for odd characters in the name or text on that line.",
    ),
    "about_not_well_formed": (
        "XML heeft vaste regels: elk element sluit, tekens als & en < zijn omschreven, en een DTD mag niet.",
        "XML has fixed rules: each element is closed, characters such as & and < are escaped, and there is no DTD.",
    ),
    "reason_not_an_invoice": (
        "In {name} staat geen factuur die INGIS kan lezen.",
        "There is no invoice in {name} that INGIS can read.",
    ),
    "advice_not_an_invoice": (
        "Kijk of het goede formulier in King is gekozen: XML van King of UBL 2.1. Een PDF alleen kan alleen als"
        " factuur- en debiteurnummer erop leesbaar zijn; stuur anders ook de XML.",
        "See whether the right print format was chosen in King: King's XML or UBL 2.1. A PDF alone is only possible if"
        " the numbers of invoice and customer can be read on it; else send the XML too.",
    ),
    "about_not_an_invoice": (
        "INGIS leest de XML van King, en UBL 2.1 met NLCIUS. Zonder factuurnummer is een document geen factuur.",
        "INGIS reads King's XML, and UBL 2.1 with NLCIUS. Without an invoice number a document is no invoice.",
    ),
    "reason_no_customer": (
        "Geen klant gevonden voor debiteur {customer}.",
        "No customer found for debtor {customer}.",
    ),
    "advice_no_customer": (
        "Voeg de klant toe bij Klanten beheer, met het debiteurnummer uit King, en stuur de factuur opnieuw in.",
        "Add the customer under Customers, with the same debtor number as in King, and send the invoice again.",
    ),
    "about_no_customer": (
        "INGIS zoekt de klant op debiteurnummer, anders op btw-nummer, e-mailadres of naam.",
        "INGIS looks for the customer by debtor number, else by VAT number, e-mail address or name.",
    ),
    "reason_blocked": ("De klant {customer} is geblokkeerd.", "The customer {customer} is blocked."),
    "advice_blocked": (
        "Hef de blokkering op bij Klanten beheer en stuur de factuur opnieuw in, of verstuur haar anders.",
        "Unblock the customer under Customers and send the invoice again, or send it in another way.",
    ),
    "about_blocked": (
        "Voor een geblokkeerde klant neemt INGIS niets aan.",
        "INGIS takes nothing for a customer who is blocked.",
    ),
    "reason_duplicate": (
        "Factuurnummer {number} is het afgelopen jaar al eens ingestuurd.",
        "Invoice number {number} was sent within the last year already.",
    ),
    "advice_duplicate": (
        "Kijk bij Verzonden facturen of de klant deze factuur al heeft. Moet er toch een andere komen, geef die dan"
        " een nieuw nummer.",
        "See under Sent invoices whether the customer has this invoice already. If another has to follow, give it a new"
        " number.",
    ),
    "about_duplicate": (
        "Zo krijgt een klant nooit twee keer dezelfde rekening, ook niet na een tweede afdruk.",
        "So no customer gets the same invoice twice, not even after it was printed again.",
    ),
    "reason_no_pdf": (
        "De PDF bij deze XML is niet gekomen; {customer} ontvangt facturen met PDF.",
        "The PDF for this XML did not come; {customer} receives invoices with PDF.",
    ),
    "advice_no_pdf": (
        "Stuur PDF en XML opnieuw in onder dezelfde naam, of kies bij Klanten beheer dat de klant geen PDF ontvangt.",
        "Send PDF and XML again under the same name, or set under Customers that the customer receives XML only.",
    ),
    "about_no_pdf": (
        "PDF en XML horen bij elkaar als zij dezelfde naam hebben: 20260001.pdf en 20260001.xml.",
        "PDF and XML belong together if they have the same name: 20260001.pdf and 20260001.xml.",
    ),
    "reason_no_xml": (
        "De XML bij deze PDF is niet gekomen; {customer} ontvangt facturen met XML.",
        "The XML for this PDF did not come; {customer} receives invoices with XML.",
    ),
    "advice_no_xml": (
        "Stuur PDF en XML opnieuw in onder dezelfde naam, of kies bij Klanten beheer dat de klant geen XML ontvangt.",
        "Send PDF and XML again under the same name, or set under Customers that the customer receives PDF only.",
    ),
    "about_no_xml": (
        "PDF en XML horen bij elkaar als zij dezelfde naam hebben: 20260001.pdf en 20260001.xml.",
        "PDF and XML belong together if they have the same name: 20260001.pdf and 20260001.xml.",
    ),
    "title_type": ("Soort bestand niet toegestaan", "Kind of file not allowed"),
    "title_size": ("Document te groot", "Document too large"),
    "title_not_whole": ("Document niet heel", "Document not whole"),
    "title_not_well_formed": ("XML niet goed gevormd", "XML not well-formed"),
    "title_not_an_invoice": ("Geen leesbare factuur", "No readable invoice"),
    "title_no_customer": ("Geen klant gevonden", "No customer found"),
    "title_blocked": ("Klant geblokkeerd", "Customer blocked"),
    "title_duplicate": ("Factuurnummer al gebruikt", "Invoice number used already"),
    "title_no_pdf": ("XML zonder PDF", "XML without PDF"),
    "title_no_xml": ("PDF zonder XML", "PDF without XML"),
}
