"""The stage: a local INGIS on 127.0.0.1, to try and test everything against.

`ingisfs.stage.serve.serve` runs it; that module needs the extra `stage` (argon2, Starlette, Jinja2, uvicorn).
This one needs nothing, so that the command line can tell a person what to install.

    serve        binds, locks the folder, makes the first user, runs the server
    application  puts the parts together: who may call, which address does what
    login        Basic auth on every request          users     who may, and their password hashes
    headers      what every answer tells a browser    page      what came in, as a page and as JSON
    webdav       the WebDAV protocol                  inbox     the documents on disk: whole or not there
    names        address <-> name                     upload    a body on its way in
"""

from ingisfs.stage.failures import StageError

__all__ = ["StageError"]
