"""The corpus: how programs save documents.

The patterns come from a log of what Win32 programs do, as a file system sees it, from reports about other drives, and
from programs that people print with.
"""

from __future__ import annotations

import dataclasses

from ingisfs.selftest.corpus import Pattern
from ingisfs.selftest.patterns import (
    ending,
    held,
    naming,
    onlookers,
    pairs,
    renaming,
    reprints,
    temporaries,
    writing,
)

# The pairs come last: they wait longest.
_CHAPTERS = (writing, ending, onlookers, temporaries, renaming, reprints, naming, held, pairs)

PATTERNS: tuple[Pattern, ...] = tuple(
    dataclasses.replace(pattern, number=number)
    for number, pattern in enumerate(
        (found for chapter in _CHAPTERS for found in vars(chapter).values() if isinstance(found, Pattern)), 1
    )
)
