"""Draws the icon and its menu with pystray, which is only imported when it is drawn.

Threads: pystray runs in the main thread, and what a menu does; one of ours looks and redraws. A menu is made of the
latest look when it is opened, so what a person clicks is what they saw.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from ingisfs.config import ConfigError
from ingisfs.report.catalogue import say
from ingisfs.report.html import COLOURS
from ingisfs.tray.model import LINE, Item, Look, Tray

log = logging.getLogger(__name__)

INTERVAL = 3.0  # s between two looks
SIZE = 64  # pixels
#: colour → what is drawn on it, as points in hundredths of its size: nobody has to tell red from green
_SIGNS = {
    "ok": [(24, 52), (42, 70), (76, 32)],
    "go": [(50, 76), (50, 26), (30, 46), (50, 26), (70, 46)],
    "warn": [(50, 24), (50, 54), (68, 66)],
    "bad": [(50, 22), (50, 58), (50, 58), (50, 58)],
    "off": [(28, 50), (72, 50)],
}


def run(tray: Tray, language: str = "nl", ended: Callable[[], bool] = lambda: False) -> None:
    """Show the icon until a person hides it, or `ended` says so. Raises ConfigError without pystray or a screen."""
    try:
        import pystray
        from PIL import Image  # noqa: F401
    except ImportError as error:
        raise ConfigError("tray.no-extra", detail=error.name or error) from None
    except Exception as error:  # what its way to the screen raises: each has its own
        raise ConfigError("tray.no-screen", detail=error) from None
    shown = _Shown(pystray, tray, language, ended)
    try:
        shown.run()
    except Exception as error:
        log.exception("the icon cannot be shown")
        raise ConfigError("tray.no-screen", detail=error) from None


class _Shown:
    """The icon while it is there."""

    def __init__(self, pystray: Any, tray: Tray, language: str, ended: Callable[[], bool]) -> None:
        self._pystray = pystray
        self._ended = ended
        self._tray = tray
        self._language = language
        self._look = tray.look()
        self._ending = threading.Event()
        self._icon = pystray.Icon(
            "ingisfs", picture(self._look.colour), self._look.title, menu=pystray.Menu(self._items)
        )

    def run(self) -> None:
        watch = threading.Thread(target=self._watch, name="look", daemon=True)
        watch.start()
        try:
            self._icon.run()
        finally:
            self._ending.set()
            watch.join(10)

    def _watch(self) -> None:
        while not self._ending.wait(INTERVAL):
            if self._ended():
                self._icon.stop()
                return
            self.redraw()

    def redraw(self) -> None:
        """Look again, and draw what has changed."""
        try:
            look = self._tray.look()
            before, self._look = self._look, look
            if look.colour != before.colour:
                self._icon.icon = picture(look.colour)
            if look.title != before.title:
                self._icon.title = look.title
            if _texts(look) != _texts(before):
                self._icon.update_menu()
        except Exception:  # the next look may fare better; without this thread the icon would lie
            log.exception("the icon cannot be brought up to date")

    def _items(self) -> list[Any]:
        items = [self._made(item) for item in self._look.items]
        leave = self._pystray.MenuItem(say(self._language, "tray.quit"), lambda icon, _: icon.stop())
        return [*items, self._pystray.Menu.SEPARATOR, leave]

    def _made(self, item: Item) -> Any:
        if item == LINE:
            return self._pystray.Menu.SEPARATOR
        text = item.text.replace("&", "&&")  # one alone underlines the next letter on Windows
        if item.items:
            return self._pystray.MenuItem(text, self._pystray.Menu(*(self._made(inner) for inner in item.items)))

        def do(icon: Any, chosen: Any) -> None:
            del icon, chosen
            if item.do is not None:
                item.do()
                self.redraw()

        return self._pystray.MenuItem(text, do, default=item.default, enabled=item.do is not None)


def _texts(look: Look) -> list[object]:
    def of(items: tuple[Item, ...]) -> list[object]:
        return [(item.text, item.default, item.do is None, of(item.items)) for item in items]

    return of(look.items)


def picture(colour: str) -> Any:
    """Return the icon in one of the colours, with a sign of its own."""
    from PIL import Image, ImageDraw

    image = Image.new("RGBA", (SIZE, SIZE), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.ellipse((1, 1, SIZE - 2, SIZE - 2), fill=COLOURS[colour])
    points = [(x * SIZE / 100, y * SIZE / 100) for x, y in _SIGNS[colour]]
    draw.line(points, fill="white", width=SIZE // 9, joint="curve")
    if colour == "bad":
        dot = 5 * SIZE / 100
        draw.ellipse((SIZE / 2 - dot, 0.75 * SIZE - dot, SIZE / 2 + dot, 0.75 * SIZE + dot), fill="white")
    return image
