#!/usr/bin/env python3
"""Build the handbook for the person at King, as one HTML file and as a PDF in each language: build/handbook/.

    python3 scripts/build_handbook.py [--output FOLDER] [--no-pdf]

The pictures are in the files themselves, so that they can be sent by mail. Installs what is missing first.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.environment import ROOT, enter

DOCS = ROOT / "docs"
SOURCES = {"nl": DOCS / "handleiding.md", "en": DOCS / "handleiding.en.md"}


def page(language: str) -> str:
    """Return the handbook as one HTML file."""
    from ingisfs.stage.handbook import handbook

    return handbook(language)


def print_pdf(source: Path, target: Path) -> None:
    """Have Chromium print an HTML file."""
    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless", "--disable-gpu", "--no-first-run", "--disable-sync", "--no-pdf-header-footer"]
        options += ["--no-sandbox"] if os.geteuid() == 0 else []
        options += [f"--user-data-dir={profile}", f"--print-to-pdf={target}", source.as_uri()]
        subprocess.run(["chromium", *options], check=True, capture_output=True)


def build(folder: Path, *, pdf: bool = True) -> list[Path]:
    """Build all of it and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for language, source in SOURCES.items():
        made.append(folder / f"{source.stem}.html")
        made[-1].write_text(page(language), encoding="utf-8")
        if pdf:
            made.append(folder / f"{source.stem}.pdf")
            print_pdf(made[-2].absolute(), made[-1].absolute())
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the handbook as HTML and PDF.")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "handbook")
    parser.add_argument("--no-pdf", action="store_true", help="only HTML, which needs no Chromium")
    options = parser.parse_args()
    enter(["dev", "stage"], [] if options.no_pdf else ["chromium", "fonts-dejavu-core"])
    for path in build(options.output, pdf=not options.no_pdf):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
