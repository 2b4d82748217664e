"""All parts of one stage, for those who need many of them: its pages, its batch, its SFTP server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ingisfs.stage.batch import Batch, Pace
from ingisfs.stage.customers import Customers
from ingisfs.stage.database import Database
from ingisfs.stage.desks import Desk, Desks
from ingisfs.stage.invoices import Invoices
from ingisfs.stage.post import Post, Smtp, language_of
from ingisfs.stage.sessions import Sessions
from ingisfs.stage.users import Users
from ingisfs.stage.vault import Vault


@dataclass(frozen=True, slots=True)
class Portal:
    """`language` is that of people who have chosen none; `pace` is None where no batches run."""

    language: str
    size_limit: int
    users: Users
    database: Database
    sessions: Sessions
    desks: Desks
    vault: Vault
    invoices: Invoices
    customers: Customers
    post: Post
    pace: Pace | None
    batch: Batch


@contextlib.contextmanager
def opened(
    folder: Path, *, base: str, language: str, size_limit: int, pace: Pace | None = None, smtp: Smtp | None = None
) -> Iterator[Portal]:
    """Open what is in a stage folder. `base` is the portal's address, without a slash at the end.

    Raises OSError, sqlite3.Error.
    """
    with contextlib.ExitStack() as held:
        users = held.enter_context(contextlib.closing(Users(folder)))
        database = held.enter_context(contextlib.closing(Database(folder)))
        desks = held.enter_context(contextlib.closing(Desks(folder, size_limit=size_limit)))
        vault = Vault(folder)
        invoices = Invoices(database)
        customers = Customers(database)
        post = Post(database, folder, users, invoices, vault, base=base, language=language, smtp=smtp)

        def all_desks() -> list[tuple[Desk, str]]:
            return [(desks.of(account.name), language_of(account, language)) for account in users.kings()]

        batch = Batch(all_desks, database, vault, invoices, customers, post, pace or Pace())
        yield Portal(
            language=language,
            size_limit=size_limit,
            users=users,
            database=database,
            sessions=Sessions(database),
            desks=desks,
            vault=vault,
            invoices=invoices,
            customers=customers,
            post=post,
            pace=pace,
            batch=batch,
        )
