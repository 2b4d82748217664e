"""Log files: rotating, one line a state change, never a secret."""

from __future__ import annotations

import logging
import logging.handlers
import os
from pathlib import Path

_FORMAT = "%(asctime)s.%(msecs)03d %(levelname)s %(name)s: %(message)s"


class _Rotating(logging.handlers.RotatingFileHandler):
    """Looks at the file's size only: the original formats each line twice to ask whether it still fits."""

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802
        del record
        return self.stream is not None and os.fstat(self.stream.fileno()).st_size >= self.maxBytes


def log_to(path: Path, level: int = logging.INFO) -> None:
    """Send this process's log to a file: 5 MB, five older ones are kept."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = _Rotating(path, maxBytes=5_000_000, backupCount=5, encoding="utf-8")
    handler.setFormatter(logging.Formatter(_FORMAT, "%Y-%m-%d %H:%M:%S"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level)
    for chatty in ("httpx", "httpcore", "fuse", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
