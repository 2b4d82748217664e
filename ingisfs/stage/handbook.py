"""The handbook that the start page offers: that of the person at King, as one HTML file with its pictures inside.

It is docs/handleiding.md and docs/handleiding.en.md. The wheel has them, and their pictures, beside this module.
"""

from __future__ import annotations

import base64
import html
import re
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt

FILES = {"nl": "handleiding.md", "en": "handleiding.en.md"}
#: What the page may do in a browser: show itself.
POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

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
th,td{border:1px solid #d9dde3;padding:.4rem .6rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
code{overflow-wrap:anywhere}
th{background:#f5f6f8}
a{color:#1f6fb2}
@media print{@page{size:A4;margin:2cm 1.8cm}body{font-size:10.5pt;max-width:none;margin:0;padding:0}
 h2{break-after:avoid} tr,pre,img,li{break-inside:avoid}table{font-size:9pt}img{max-height:13cm}}
"""


@cache
def handbook(language: str) -> str:
    """Return the handbook as one HTML file. Raises OSError where it is not there."""
    here = Path(__file__).parent
    beside, checkout = here / "docs" / FILES[language], here.parents[1] / "docs" / FILES[language]
    source = beside if beside.exists() else checkout
    text = source.read_text(encoding="utf-8")
    body = str(MarkdownIt("commonmark", {"html": False}).enable("table").render(text))
    body = re.sub(r'<img src="([^"]+)"', lambda found: f'<img src="{_picture(source.parent / found[1])}"', body)
    body = re.sub(r'<a href="(?!https?:)[^"]*">(.*?)</a>', r"\1", body)  # to files that are not with this one
    title = text.partition("\n")[0].lstrip("# ")
    return (
        f'<!DOCTYPE html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{STYLE}</style></head>\n'
        f"<body><main>\n{body}</main></body></html>\n"
    )


def _picture(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
