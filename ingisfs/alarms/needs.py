"""Which documents came to need a person since a place in the history: asked by index, however many there are."""

from __future__ import annotations

from ingisfs.outbox.document import NEEDS_PERSON, Document, State
from ingisfs.outbox.reading import NEEDING, Reading

_OPENED = f"({', '.join(repr(str(state)) for state in sorted(NEEDS_PERSON))})"
_NEEDING = f"({', '.join(repr(str(state)) for state in sorted(NEEDS_PERSON | {State.REFUSED}))})"
_NEWS = f"SELECT entry, id FROM history AS news WHERE entry > :after AND after IN {_NEEDING}"
# Not what a program had only opened, and a person was told of before.
_NOT_TOLD = (
    f" AND NOT (before = '{State.WRITING}' AND EXISTS (SELECT 1 FROM history AS old"
    f" WHERE old.id = news.id AND old.entry <= :after AND old.after IN {_NEEDING}))"
)


def newest_need(outbox: Reading, after: int, *, told: bool) -> int:
    """Return the entry of the history, behind `after`, with which a document last came to need a person; 0: none.

    `told`: a person still knows of those up to `after`, so that one of them which was only opened is no news.
    """
    still = f"SELECT 1 FROM documents WHERE documents.id = found.id AND {NEEDING}"
    query = f"SELECT max(entry) FROM ({_sql(after, told)}) AS found WHERE EXISTS ({still})"
    ((entry,),) = outbox.rows(query)
    return int(entry or 0)


def opened_need(outbox: Reading) -> int:
    """Return how many documents need a person again, should the program that has them open change nothing."""
    ((count,),) = outbox.rows(f"SELECT count(*) FROM documents WHERE state = '{State.WRITING}' AND resume IN {_OPENED}")
    return int(count)


def needing_since(outbox: Reading, after: int, limit: int) -> tuple[int, list[Document]]:
    """Return how many documents came to need a person behind an entry of the history, and the first of them."""
    where = f"{NEEDING} AND id IN (SELECT id FROM ({_sql(after, True)}))"
    ((count,),) = outbox.rows(f"SELECT count(*) FROM documents WHERE {where}")
    return int(count), outbox.documents(f"{where} ORDER BY number LIMIT ?", (limit,))


def _sql(after: int, told: bool) -> str:
    return (_NEWS + (_NOT_TOLD if told else "")).replace(":after", str(int(after)))
