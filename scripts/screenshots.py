#!/usr/bin/env python3
"""Make the pictures of the handbook and the README, from a drive that runs: docs/images/status-*.png.

    python3 scripts/screenshots.py [--lang nl|en]

A local INGIS, a drive, and documents that come into each state as they do: printed, cut short, refused by INGIS.
Needs Chromium, which is installed like all else that lacks.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.demo import USER, Demo
from scripts.environment import ROOT, enter, require_fuse

IMAGES = ROOT / "docs" / "images"
WIDTH = 1100  # pixels
LIMIT = 90.0  # s for a state to be reached
PORTAL = "https://portaal.example.nl/"


class Studio(Demo):
    """A drive of which pictures are taken."""

    batch = "off"  # what is delivered stays so, as on a server of which nothing is known
    images = IMAGES

    @contextlib.contextmanager
    def mounted(self) -> Iterator[None]:
        """Mount the drive for the block; nothing is waited for at its end."""
        config = self.folder / "config.toml"
        config.write_text(
            f'[drives.king]\nlanguage = "{self.lang}"\nportal = "{PORTAL}"\nsettle = 0.2\npair_wait = 600\n'
            'follow = 0.5\nkeep_visible = 86400\nalarms = false\n[drives.king.responses]\nrefused = ["{name}.err"]\n',
            "utf-8",
        )
        options = ["--config", str(config), "--server", self.url, "--user", USER, "--state", str(self.folder / "state")]
        try:
            self._run("mount", str(self.drive), *options)
            yield
        finally:
            self._take_away()

    def page(self) -> str:
        return (self.drive / "INGIS-STATUS.txt").read_text("utf-8")

    def wait(self, reached: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + LIMIT
        while not reached():
            if time.monotonic() > deadline:
                raise SystemExit(f"waited in vain for {what}:\n{self.page()}")
            time.sleep(0.1)

    def counts(self, **wanted: int) -> bool:
        """Tell whether so many documents are in these states."""
        from ingisfs.outbox.document import State
        from ingisfs.outbox.reading import ReadOnlyOutbox

        with contextlib.closing(ReadOnlyOutbox(self.folder / "state")) as outbox:
            found = outbox.counts()
        return all(found[State(state)] == count for state, count in wanted.items())

    def has_looked(self) -> bool:
        """Tell whether the courier has seen the folder with its own file in it: then answers are heard."""
        from ingisfs.outbox.reading import ReadOnlyOutbox

        with contextlib.closing(ReadOnlyOutbox(self.folder / "state")) as outbox:
            return '"witness": 1' in (outbox.meta("following") or "")

    def answer(self, name: str, said: str) -> None:
        """Put an answer beside a document, as INGIS does."""
        import httpx

        auth = (USER, self.password)
        httpx.put(self.url + name, content=said.encode(), auth=auth, trust_env=False).raise_for_status()

    def shoot(self, name: str, height: int) -> None:
        """Take a picture of the status page as it is on the drive."""
        from PIL import Image

        time.sleep(1.5)  # the page may be a second old
        target = self.images / f"status-{name}.{self.lang}.png"
        options = ["--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-sync"]
        options += ["--no-sandbox"] if os.geteuid() == 0 else []
        options += [f"--user-data-dir={self.folder / 'chromium'}", f"--window-size={WIDTH},{height}"]
        page = (self.drive / "INGIS-STATUS.html").as_uri()
        subprocess.run(["chromium", *options, f"--screenshot={target}", page], check=True, capture_output=True)
        Image.open(target).convert("RGB").quantize(160).save(target, optimize=True)
        print(target)


def shoot_all(studio: Studio) -> None:
    from ingisfs.selftest.documents import pdf, xml

    drive = studio.drive
    with studio.stage(), studio.mounted():
        for number in ("0121", "0122"):
            (drive / f"F2026-{number}.pdf").write_bytes(pdf(number))
        (drive / "F2026-0121.xml").write_bytes(xml("0121"))
        studio.wait(lambda: studio.counts(delivered=3), "three deliveries")
        studio.shoot("well", 720)

        (drive / "F2026-0119.pdf").write_bytes(pdf("0119"))
        studio.wait(lambda: studio.counts(delivered=4) and studio.has_looked(), "a delivery and a look")
        studio.answer("F2026-0119.pdf.err", "klantnummer 10432 onbekend" if studio.lang == "nl" else "customer unknown")
        (drive / "F2026-0120.pdf").write_bytes(pdf("0120", size=4000)[:-60])
        (drive / "F2026-0124.xml").write_bytes(xml("0124"))
        studio.wait(lambda: studio.counts(delivered=3, refused=1, held=1, queued=1), "one of each")
        studio.shoot("needs-you", 1290)

        os.kill(studio.stage_pid, signal.SIGTERM)
        (drive / "F2026-0120.pdf").unlink()
        state = str(studio.folder / "state")
        studio._run("queue", "withdraw", "F2026-0119", "--config", str(studio.folder / "config.toml"), "--state", state)
        for number in ("0124", "0125", "0126"):
            (drive / f"F2026-{number}.pdf").write_bytes(pdf(number))
        away = "De server antwoordt niet." if studio.lang == "nl" else "The server does not answer."
        studio.wait(lambda: away in studio.page() and studio.counts(queued=4), "the server to be away")
        studio.shoot("server-away", 800)


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the pictures of the handbook.")
    parser.add_argument("--lang", choices=("nl", "en"), help="only in this language")
    options = parser.parse_args()
    require_fuse()
    enter(["dev", "stage", "king"], ["chromium", "fonts-dejavu-core", "fuse3"])
    IMAGES.mkdir(exist_ok=True)
    for lang in [options.lang] if options.lang else ["nl", "en"]:
        shoot_all(Studio(lang))
    return 0


if __name__ == "__main__":
    sys.exit(main())
