#!/usr/bin/env python3
"""Build the handbook for the person at King, as one HTML file and as a PDF in each language: build/handbook/.

    python3 scripts/build_handbook.py [--output FOLDER] [--no-pdf]

The pictures are in the files themselves, so that they can be sent by mail. Installs what is missing first.
"""

from __future__ import annotations

import argparse
import base64
import html
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.environment import ROOT, enter

DOCS = ROOT / "docs"
SOURCES = {"nl": DOCS / "handleiding.md", "en": DOCS / "handleiding.en.md"}

STYLE = """
body{max-width:46rem;margin:2rem auto;padding:0 1.2rem;color:#1c2128;font:17px/1.55 "Segoe UI",system-ui,"Noto Sans",
 Arial,sans-serif}
h1{font-size:1.9rem;line-height:1.2;border-bottom:4px solid #1a7f4b;padding-bottom:.4rem}
h2{font-size:1.3rem;margin-top:2.2rem}
img{display:block;max-width:100%;border:1px solid #d9dde3;border-radius:.4rem;margin:.8rem 0}
pre{background:#f5f6f8;border:1px solid #d9dde3;border-radius:.4rem;padding:.7rem .9rem;overflow-x:auto;
 white-space:pre-wrap}
code{font-family:Consolas,"DejaVu Sans Mono",monospace;font-size:.92em}
table{border-collapse:collapse;width:100%;font-size:.95rem}
th,td{border:1px solid #d9dde3;padding:.4rem .6rem;text-align:left;vertical-align:top}
th{background:#f5f6f8}
a{color:#1f6fb2}
@media print{@page{size:A4;margin:2cm 1.8cm}body{font-size:10.5pt;max-width:none;margin:0;padding:0}
 h2{break-after:avoid} tr,pre,img,li{break-inside:avoid}table{font-size:9pt}img{max-height:13cm}}
"""


def page(language: str) -> str:
    """Return the handbook as one HTML file."""
    from markdown_it import MarkdownIt

    source = SOURCES[language]
    text = source.read_text(encoding="utf-8")
    body = str(MarkdownIt("commonmark", {"html": False}).enable("table").render(text))
    body = re.sub(r'<img src="([^"]+)"', lambda found: f'<img src="{_picture(source.parent / found[1])}"', body)
    body = re.sub(r'<a href="(?!https?:)[^"]*">(.*?)</a>', r"\1", body)  # to files that are not with this one
    title = text.partition("\n")[0].lstrip("# ")
    return (
        f'<!DOCTYPE html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{STYLE}</style></head>\n'
        f"<body>\n{body}</body></html>\n"
    )


def _picture(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


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
    enter(["dev"], [] if options.no_pdf else ["chromium", "fonts-dejavu-core"])
    for path in build(options.output, pdf=not options.no_pdf):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
