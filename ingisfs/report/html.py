"""A snapshot as a page for people: `INGIS-STATUS.html`, one file that any browser shows without a network or a script.

Whatever comes from outside (names, details, addresses) is escaped where it is put in, by `_text`; a policy in the page
forbids scripts and everything that is not in it, should that ever fail. `LIMIT` bounds the page: what does not fit is
counted.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from urllib.parse import quote, urlsplit

from ingisfs.outbox.document import BY_INGIS, SENT, Reason, State
from ingisfs.report import target
from ingisfs.report.catalogue import CATALOGUE, counted, duration, moment, number, say
from ingisfs.report.layout import cut, printable
from ingisfs.report.snapshot import Row, Snapshot, together
from ingisfs.report.text import DETAIL_TOLD, Unreadable, cells, headline, latest, quiet, sentence, unknown

LIMIT = 200_000  # bytes of a page at most
RUNNING, RESTING = 5, 30  # s after which a browser asks again, while documents are on their way and when none is

_ROOM = 180_000  # bytes of documents; the rest of the page has far less than what is left
# A browser that was told a size before it reads shows no more than that, as Chromium does. Pages are of few sizes, so
# that one that grew in between loses empty lines.
_STEP = 8192  # bytes
_NEEDING = 120_000  # bytes of those that need a person
_NAME = 120  # columns
_DETAIL = 300  # columns
_PLACES = 60  # columns of an address that is shown

#: state → its icon and its colour. What the server has is a tray; only what INGIS said itself is ticked.
_LOOKS: dict[State, tuple[str, str]] = {
    State.LOCAL: ("dot", "off"),
    State.WRITING: ("pen", "go"),
    State.SETTLING: ("clock", "go"),
    State.QUEUED: ("clock", "go"),
    State.UPLOADING: ("up", "go"),
    State.PUBLISHING: ("up", "go"),
    State.DELIVERED: ("tray", "ok"),
    State.COLLECTED: ("out", "ok"),
    State.ACCEPTED: ("tick", "ok"),
    State.REFUSED: ("cross", "bad"),
    State.HELD: ("hand", "warn"),
    State.PARKED: ("alert", "bad"),
    State.WITHDRAWN: ("dot", "off"),
    State.SUPERSEDED: ("dot", "off"),
}

#: Each drawn in a square of 24.
_ICONS = {
    "dot": '<circle cx="12" cy="12" r="4"/>',
    "pen": '<path d="M4 20l1-5L16 4l4 4L9 19z"/>',
    "clock": '<circle cx="12" cy="12" r="9"/><path d="M12 7v5l4 2"/>',
    "up": '<path d="M12 20V5M5 12l7-7 7 7"/>',
    "tray": '<path d="M4 14v6h16v-6M12 3v11M7 9l5 5 5-5"/>',
    "out": '<path d="M4 12v8h16v-8M12 14V3M7 8l5-5 5 5"/>',
    "tick": '<circle cx="12" cy="12" r="9"/><path d="M7 12l4 4 6-8"/>',
    "cross": '<circle cx="12" cy="12" r="9"/><path d="M8 8l8 8M16 8l-8 8"/>',
    "hand": '<path d="M8 3h8l5 5v8l-5 5H8l-5-5V8zM9 8v8M15 8v8"/>',
    "alert": '<path d="M12 3L2 20h20zM12 10v4M12 17v.5"/>',
}
COLOURS = {"ok": "#1a7f4b", "go": "#1f6fb2", "warn": "#a85b00", "bad": "#b3261e", "off": "#5f6672"}

_STYLE = """
:root{--ok:#1a7f4b;--go:#1f6fb2;--warn:#a85b00;--bad:#b3261e;--off:#5f6672;--line:#d9dde3;--soft:#f5f6f8;
 color-scheme:light}
*{box-sizing:border-box}
body{margin:0;background:#fff;color:#1c2128;
 font:16px/1.45 "Segoe UI",system-ui,-apple-system,"Noto Sans",Arial,sans-serif}
main{max-width:72rem;margin:0 auto;padding:0 1.25rem 2rem}
svg{width:1.2em;height:1.2em;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round;
 vertical-align:-.22em;flex:none}
header{color:#fff;background:var(--off);padding:1.1rem 0}
header>div{max-width:72rem;margin:0 auto;padding:0 1.25rem;display:flex;gap:1rem;align-items:center}
header svg{width:2.6rem;height:2.6rem}
h1{font-size:1.5rem;line-height:1.25;margin:0}
header p{margin:.25rem 0 0;opacity:.92;font-size:.92rem}
h2{font-size:1.05rem;margin:1.8rem 0 .6rem}
p,.box{overflow-wrap:anywhere}
.ok{color:var(--ok)}.go{color:var(--go)}.warn{color:var(--warn)}.bad{color:var(--bad)}.off{color:var(--off)}
header.ok{background:var(--ok);color:#fff}header.go{background:var(--go);color:#fff}
header.warn{background:var(--warn);color:#fff}header.bad{background:var(--bad);color:#fff}header.off{color:#fff}
table{border-collapse:collapse;width:100%;font-size:.95rem}
th{text-align:left;font-weight:600;color:var(--off);font-size:.85rem;border-bottom:2px solid var(--line)}
th,td{padding:.45rem .6rem;vertical-align:top}
tbody{border-bottom:1px solid var(--line)}
.needing tbody{border-left:4px solid var(--bad)}
td.n{font-weight:600;overflow-wrap:anywhere;min-width:11rem}
td.s,td.w,td.z{white-space:nowrap}
td.z,th.z{text-align:right;font-variant-numeric:tabular-nums}
td.w{font-variant-numeric:tabular-nums}
td.d{overflow-wrap:anywhere;width:45%}
td.d p{margin:.3rem 0 0;color:var(--off)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:.7rem}
.tiles.four{grid-template-columns:repeat(auto-fit,minmax(10rem,1fr))}
.tile{border:1px solid var(--line);border-radius:.5rem;padding:.7rem .9rem;background:var(--soft)}
.tile b{display:block;font-size:1.7rem;line-height:1.2;font-variant-numeric:tabular-nums}
.tile b.unknown{font-size:1rem;font-weight:600;color:var(--off);padding:.35rem 0}
.tile span{color:var(--off)}.tile small{display:block;color:var(--off)}
.bar{height:1.1rem;border:1px solid var(--line);border-radius:.6rem;overflow:hidden;background:var(--soft);
 margin:.4rem 0}
.bar div{height:100%;background:var(--go);min-width:.3rem}
.bar.still div{background:var(--warn)}
.box{border-left:4px solid var(--bad);background:#fdf3f2;padding:.6rem .9rem;margin:.6rem 0;color:inherit}
.box p{margin:.1rem 0}
.box.warn{border-color:var(--warn);background:#fdf6ec}
.note{color:var(--off);margin:.4rem 0;overflow-wrap:anywhere}
a{color:var(--go)}
@media(max-width:44rem){thead{display:none}tbody,tr,td{display:block}td{padding:.15rem .6rem}tr{padding:.5rem 0}
 td.z{text-align:left}td.d{width:auto}h1{font-size:1.2rem}}
@media print{@page{margin:1.5cm}body{font-size:9pt}table{font-size:8.5pt}h1{font-size:14pt}
 header,header.ok,header.go,header.warn,header.bad,header.off{background:none;color:#000;border-bottom:2pt solid #000;
 padding:.3rem 0}
 main,header>div{max-width:none;padding:0}thead{display:table-header-group}th,td{padding:.25rem .35rem}
 td.n{min-width:8rem}td.w{white-space:normal;width:4.6rem}td.s{white-space:normal;width:6.5rem}td.d{width:50%}
 tr,.tile,.box{break-inside:avoid}h2{break-after:avoid;margin:1rem 0 .3rem}.screen{display:none}
 .tiles{grid-template-columns:repeat(3,1fr)}.tiles.four{grid-template-columns:repeat(4,1fr)}
 .tile,.bar{background:none}.tile b{font-size:13pt}
 .bar div,.box{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""


def as_html(taken: Snapshot | Unreadable) -> bytes:
    """Return `INGIS-STATUS.html`, in the drive's language: `LIMIT` bytes at most."""
    page = _Page(taken).render().encode("utf-8", "replace")
    return page + b"\n" * (-len(page) % _STEP)


def _text(value: object) -> str:
    """Return a text as it stands in the page, whatever is in it."""
    return html.escape(printable(str(value)))


def _icon(name: str) -> str:
    return f'<svg aria-hidden="true"><use href="#{name}"/></svg>'


class _Page:
    """One page. Sentences go through `_say`, which escapes; what is put together here is markup."""

    def __init__(self, taken: Snapshot | Unreadable) -> None:
        self._taken = taken
        self._language = taken.drive.language
        self._stopped = isinstance(taken, Snapshot) and taken.target.state == target.NEEDS_PERSON
        self._used = 0  # bytes of documents so far

    def _say(self, key: str, **values: object) -> str:
        return _text(say(self._language, key, **values))

    def _counted(self, key: str, count: int) -> str:
        return _text(counted(self._language, key, count))

    def _number(self, value: int) -> str:
        return _text(number(self._language, value))

    def render(self) -> str:
        taken = self._taken
        if isinstance(taken, Unreadable):
            colour, icon, told, again = "bad", "alert", say(self._language, "headline.unreadable"), RUNNING
            body = [*self._alarms(), self._unreadable(taken)]
        else:
            colour, icon = looks(taken)
            told, again = headline(taken), RUNNING if taken.waiting or taken.alarms else RESTING
            body = [
                *self._alarms(),
                *(self._server_in_trouble(taken) if self._stopped else ()),
                *self._needing(taken),
                *(() if self._stopped else self._server_in_trouble(taken)),
                *self._run(taken),
                *self._tiles(taken),
                *self._newest(taken),
                *self._server(taken),
            ]
        return "\n".join([self._head(colour, icon, told, again), "<main>", *body, "</main></body></html>", ""])

    def _head(self, colour: str, icon: str, told: str, again: int) -> str:
        drive, language = self._taken.drive, self._language
        about = self._say("page.drive", drive=drive.name, when=moment(language, self._taken.taken_at, seconds=True))
        oldest = getattr(self._taken, "oldest_waiting_seconds", None)
        if oldest is not None:
            about += " · " + self._say("page.oldest", duration=duration(language, oldest))
        elif isinstance(self._taken, Snapshot):
            # Nothing printed for days is no trouble; that it is so should be seen all the same.
            about += "".join(f" · {_text(told)}" for told in [*latest(self._taken), quiet(self._taken)] if told)
        symbols = "".join(f'<symbol id="{n}" viewBox="0 0 24 24">{path}</symbol>' for n, path in _ICONS.items())
        drawn = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="{COLOURS[colour]}"'
            f' stroke-width="2.5">{_ICONS[icon]}</svg>'
        )
        return (
            f'<!DOCTYPE html>\n<html lang="{language}"><head><meta charset="utf-8">\n'
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline';"
            " img-src data:; base-uri 'none'; form-action 'none'\">\n"
            f'<meta http-equiv="refresh" content="{again}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta name="referrer" content="no-referrer">\n'
            f"<title>{_text(told)} – {self._say('html.title', drive=drive.name)}</title>\n"
            f'<link rel="icon" href="data:image/svg+xml,{quote(drawn)}">\n'
            f"<style>{_STYLE}</style></head>\n<body>\n"
            f'<svg width="0" height="0" style="position:absolute" aria-hidden="true">{symbols}</svg>\n'
            f'<header class="{colour}" role="status"><div>{_icon(icon)}<div><h1>{_text(told)}</h1>'
            f'<p>{about} <span class="screen">· {self._say("html.refreshes", seconds=again)}</span></p>'
            "</div></div></header>"
        )

    # ---- what is wrong -------------------------------------------------------------------------------------------

    def _alarms(self) -> Iterable[str]:
        if self._taken.alarms:
            yield f"<h2>{self._say('page.attention')}</h2>"
        for alarm in self._taken.alarms:
            known = f"alarm.{alarm}" in CATALOGUE
            told = self._say(f"alarm.{alarm}") if known else self._say("alarm.other", alarm=alarm)
            yield f'<p class="box">{told}</p>'

    def _unreadable(self, taken: Unreadable) -> str:
        return f'<p class="box">{self._say("page.unreadable")}</p>{self._detail(taken.problem)}'

    def _detail(self, detail: str) -> str:
        if not detail:
            return ""
        return f'<p class="note">{self._say("page.message", detail=cut(printable(detail), _DETAIL))}</p>'

    def _server_in_trouble(self, taken: Snapshot) -> Iterable[str]:
        status = taken.target
        if status.state in {target.NEEDS_PERSON, target.UNREACHABLE}:
            colour = "" if status.state == target.NEEDS_PERSON else " warn"
            yield f"<h2>{self._say('page.server')}</h2>"
            yield f'<div class="box{colour}">{self._about_server(taken)}</div>'

    def _server(self, taken: Snapshot) -> Iterable[str]:
        if taken.target.state not in {target.NEEDS_PERSON, target.UNREACHABLE}:
            yield f"<h2>{self._say('page.server')}</h2>{self._about_server(taken)}"
        if taken.drive.mounted_since is not None:
            when = moment(self._language, taken.drive.mounted_since)
            yield f'<p class="note">{self._say("page.mounted", when=when, host=taken.drive.host)}</p>'

    def _about_server(self, taken: Snapshot) -> str:
        status, language = taken.target, self._language
        told = [_text(status.sentence(language))]
        if status.state == target.NEEDS_PERSON:
            told.append(self._say("target.safe"))
        if status.since is not None:
            told.append(self._say("target.since", when=moment(language, status.since)))
        address = _text(cut(printable(taken.drive.server), 2 * _PLACES))
        return f'<p>{" ".join(told)}</p><p class="note">{address}</p>{self._detail(status.detail)}'

    # ---- documents -----------------------------------------------------------------------------------------------

    def _needing(self, taken: Snapshot) -> Iterable[str]:
        rows = taken.needing
        if not rows:
            return
        yield f"<h2>{self._say('page.person')} ({self._number(taken.needs_person)})</h2>"
        parts, shown, self._used = self._table(rows, _NEEDING)
        yield f'<table class="needing">{parts}</table>'
        if taken.needs_person > shown:
            yield self._more(taken.needs_person - shown, "ingisfs queue list")

    def _newest(self, taken: Snapshot) -> Iterable[str]:
        rows = taken.newest
        if not rows:
            return
        yield f"<h2>{self._say('page.newest')}</h2>"
        parts, shown, _ = self._table(rows, _ROOM - self._used)
        yield f"<table>{parts}</table>"
        if len(rows) > shown:
            yield self._more(len(rows) - shown, "ingisfs history")

    def _more(self, count: int, command: str) -> str:
        told = self._say("html.all", command=command)
        return f'<p class="note">{self._counted("html.older", count)} {told}</p>'

    def _table(self, rows: list[Row], room: int) -> tuple[str, int, int]:
        """Return as much of a table as there is room for, how many documents are in it, and its length in bytes."""
        heads = ("column.name", "column.state", "column.when", "column.size", "html.column.do")
        cells_of_head = "".join(
            f'<th scope="col"{" class=z" if head == "column.size" else ""}>{self._say(head)}</th>' for head in heads
        )
        parts, shown = [f"<thead><tr>{cells_of_head}</tr></thead>"], 0
        used = len(parts[0].encode())
        for group in _groups(together(rows)):
            part = f"<tbody>{''.join(self._row(row) for row in group)}</tbody>\n"
            length = len(part.encode("utf-8", "replace"))
            if used + length > room:
                break
            parts.append(part)
            used += length
            shown += len(group)
        return "".join(parts), shown, used

    def _row(self, row: Row) -> str:
        document = row.document
        name, its_size, state, when = cells(self._language, document, row.said)
        icon, colour = _LOOKS[document.state]
        return (
            f'<tr><td class="n">{_text(cut(name, _NAME))}</td><td class="s {colour}">{_icon(icon)} {_text(state)}</td>'
            f'<td class="w">{_text(when)}</td><td class="z">{_text(its_size)}</td>'
            f'<td class="d">{self._to_do(row)}</td></tr>'
        )

    def _to_do(self, row: Row) -> str:
        document, language = row.document, self._language
        if document.needs_person:
            detail = "" if document.reason in DETAIL_TOLD else document.detail
            return _text(sentence(language, document)) + (f"<p>{self._message(detail)}</p>" if detail else "")
        told = []
        if document.reason == Reason.LOOKS_ATTACHED:
            told.append(_text(sentence(language, document)))
        elif document.state in SENT:
            told.append(self._say("html.do.nothing"))
        else:
            waits = "html.do.close" if document.state is State.WRITING else "html.do.wait"
            told.append(self._say("html.do.server" if self._stopped else waits))
        if document.tries:
            detail = cut(printable(document.detail), _DETAIL)
            told.append(f"<p>{_text(counted(language, 'page.failed', document.tries, detail=detail))}</p>")
            if row.next_try is not None:
                when = moment(language, row.next_try, seconds=True)
                told.append(f"<p>{self._say('page.next-try', when=when)}</p>")
        return "".join(told)

    def _message(self, detail: str) -> str:
        return self._say("page.message", detail=cut(printable(detail), _DETAIL))

    # ---- figures -------------------------------------------------------------------------------------------------

    def _run(self, taken: Snapshot) -> Iterable[str]:
        if taken.run is None or not taken.run.total:
            return
        going = taken.moves
        share = 100 * taken.run.done / taken.run.total
        done, total = (number(self._language, count) for count in (taken.run.done, taken.run.total))
        told = self._say("progress.run" if going else "progress.waiting", done=done, total=total)
        still = "" if going else " still"
        yield (
            f'<h2>{told}</h2><div class="bar{still}" role="progressbar" aria-valuemin="0" aria-valuemax="100"'
            f' aria-valuenow="{share:.0f}"><div style="width:{share:.1f}%"></div></div>'
        )

    def _tiles(self, taken: Snapshot) -> Iterable[str]:
        counts, sent = taken.counts, taken.delivered
        known = [
            f"{number(self._language, counts[state])} {say(self._language, f'state.{state}')}"
            for state in State
            if state in BY_INGIS - {State.REFUSED} and counts[state]
        ]
        of_which = f"<small>{self._say('html.of-which', told=', '.join(known))}</small>" if known else ""
        if counts[State.REFUSED]:  # it counts among those that need a person, as long as one is needed
            told = f"{number(self._language, counts[State.REFUSED])} {say(self._language, 'state.refused')}"
            of_which += f"<small>{self._say('html.besides', told=told)}</small>"
        need, wait = ("bad" if taken.needs_person else "off"), ("go" if taken.waiting else "off")
        yield f'<h2>{self._say("html.here")}</h2><div class="tiles">'
        yield self._tile(self._number(taken.needs_person), need, "hand", "html.needs-person")
        yield self._tile(self._number(taken.waiting), wait, "clock", "html.on-their-way")
        yield self._tile(self._number(sent), "ok" if sent else "off", "tray", "html.on-server", of_which)
        yield "</div>"
        yield f'<h2>{self._say("html.at-ingis")}</h2><div class="tiles four">'
        yield from (self._portal_tile(taken, name) for name in ("refused", "new", "viewed", "sent"))
        yield "</div>"
        yield from self._about_ingis(taken)

    def _tile(self, figure: str, colour: str, icon: str, key: str, more: str = "") -> str:
        told = f'<b class="{colour}">{_icon(icon)} {figure}</b><span>{self._say(key)}</span>{more}'
        return f'<div class="tile">{told}</div>'

    def _portal_tile(self, taken: Snapshot, name: str) -> str:
        label, known = f"<span>{self._say(f'html.ingis.{name}')}</span>", ""
        if taken.ingis is not None and name in taken.ingis:
            figure = self._number(taken.ingis[name])
        elif name == "refused" and taken.counts[State.REFUSED]:
            figure = self._number(taken.counts[State.REFUSED])
            known = f"<small>{self._say('html.known-refused')}</small>"
        else:
            unknown = self._say("html.unknown", portal="%portal%").replace("%portal%", self._portal(taken))
            return f'<div class="tile">{label}<b class="unknown">{unknown}</b></div>'
        colour = "bad" if name == "refused" and figure != "0" else "off"
        return f'<div class="tile">{label}<b class="{colour}">{figure}</b>{known}</div>'

    def _portal(self, taken: Snapshot) -> str:
        """Return the word for the portal, as a link to it where its address is one that a browser may be given."""
        word, address = self._say("html.portal"), taken.drive.portal
        if not _is_web(address):
            return word
        return f'<a href="{_text(address)}" rel="noreferrer noopener" target="_blank">{word}</a>'

    def _about_ingis(self, taken: Snapshot) -> Iterable[str]:
        counts, portal = taken.counts, taken.drive.portal
        if taken.ingis is not None:
            return
        if counts[State.DELIVERED] or not any(counts[state] for state in BY_INGIS):
            yield f'<p class="note">{self._say(unknown(taken))}</p>'
        if counts[State.COLLECTED]:
            yield f'<p class="note">{self._say("page.ingis-collected")}</p>'
        if not portal:
            yield f'<p class="note">{self._say("html.portal-missing")}</p>'
        else:
            yield f'<p class="note">{self._say("page.portal", portal=cut(printable(portal), 2 * _PLACES))}</p>'


def _is_web(address: str | None) -> bool:
    try:
        return bool(address) and urlsplit(address or "").scheme in {"https", "http"} and len(address or "") <= 2000
    except ValueError:
        return False


def _groups(rows: list[Row]) -> Iterable[list[Row]]:
    """Yield both halves of a pair as one."""
    left = list(rows)
    while left:
        row = left.pop(0)
        if left and row.pair == left[0].document.id and left[0].pair == row.document.id:
            yield [row, left.pop(0)]
        else:
            yield [row]


def looks(taken: Snapshot) -> tuple[str, str]:
    """Return the colour and the icon of the whole."""
    if taken.needs_a_person:
        return "bad", "alert"
    if taken.target.state == target.UNREACHABLE or taken.paused_until is not None:
        return "warn", "clock"
    if taken.waiting:
        return "go", "up"
    return ("ok", "tray") if any(taken.counts[state] for state in SENT) else ("off", "dot")
