"""The stage: a local INGIS on 127.0.0.1, to try and test everything against: docs/stage.md.

`ingisfs.stage.serve.serve` runs it; that module needs the extra `stage` (argon2, Starlette, Jinja2, uvicorn).
This one needs nothing, so that the command line can tell a person what to install.

    serve        binds, locks the folder, makes users, runs the servers, batches and mails
    portal       all parts of one stage             application  which address does what
    headers      what every answer tells a browser

  programs
    login        Basic auth, King users only        desks        an inbox and receipts for each King user
    webdav       the WebDAV protocol                sftp         SFTP
    api          the portal's API                   receipts     documents made once, and the feed
    inbox        the documents on disk: whole or not there
    names        address <-> name                   upload       a body on its way in
    received     what came in, as lists

  taking in
    batch        pairs, files, leaves               rules        each reason to refuse
    reading      King's XML, UBL, PDF (pdf_text)    reasons      what they mean, for people
    invoices     what was filed and became of it    vault        the bytes
    customers    whom invoices are for              post         mails (letters: what they say)

  people
    users        who, and their passwords           sessions     who is logged in
    pages        the pages (words: what they say)   news, handbook, demo
"""

from ingisfs.stage.failures import StageError

__all__ = ["StageError"]
