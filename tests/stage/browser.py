"""A real browser, Debian's Chromium without a window, driven by Playwright."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.servers import program

PATIENCE = 60.0  # seconds
DESKTOP, PHONE = (1280, 900), (360, 740)


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser for as long as this lasts."""
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=program("chromium"), args=["--no-sandbox"])
        try:
            yield made
        finally:
            made.close()


class Window:
    """A window with cookies of its own, as of one person at one machine. `page` is what Playwright calls so.

    `complaints` is what the browser did not like: errors of scripts, what the policy stopped, what was not there.
    """

    def __init__(self, chromium: Browser, root: str, *, size: tuple[int, int] = DESKTOP, **more: Any) -> None:
        context = chromium.new_context(
            base_url=root, viewport={"width": size[0], "height": size[1]}, locale="nl-NL", **more
        )
        context.set_default_timeout(PATIENCE * 1000)
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._hear)

    def _hear(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.text} {message.location}")

    def log_in(self, name: str, password: str) -> Page:
        """Log in on the page for that; the page that follows."""
        self.page.goto("/login")
        self.page.fill("#name", name)
        self.page.fill("#password", password)
        self.page.click("main form button")
        self.page.wait_for_url("**/")
        return self.page

    def register(self, link: str, password: str) -> Page:
        """Follow the link in a mail and choose a password; the page that follows."""
        self.page.goto(link)
        self.page.fill("#password", password)
        self.page.fill("#again", password)
        self.page.click("main form button")
        self.page.wait_for_url("**/invoices/*")
        return self.page


def axe(page: Page) -> list[str]:
    """What axe finds wrong with a page for people who do not see it; its window has to bypass the policy."""
    found = Axe().run(page, options={"resultTypes": ["violations"], "iframes": False}).response["violations"]
    return [f"{each['id']}: {each['help']}: {[node['html'][:200] for node in each['nodes']]}" for each in found]
