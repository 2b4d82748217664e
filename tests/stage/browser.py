"""A real browser, Debian's Chromium without a window, driven over its own pipe (the Chrome DevTools protocol)."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers import program, wait_for

PATIENCE = 60.0  # seconds


class Browser:
    """One browser with pages (`open`). Not safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        ours, theirs = os.pipe()
        answers, says = os.pipe()
        # The browser reads 3 and writes 4; a shell puts them there.
        script = f'exec 3<&{ours} 4>&{says}; exec "$0" "$@"'
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run"]
        self._process = subprocess.Popen(
            ["bash", "-c", script, program("chromium"), *arguments, f"--user-data-dir={folder}", "about:blank"],
            pass_fds=(ours, says),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(ours)
        os.close(says)
        self._write, self._read = theirs, answers
        self._buffer = b""
        self._count = 0
        self.events: list[dict[str, Any]] = []

    def close(self) -> None:
        """End it."""
        try:
            self.call("Browser.close")
            self._process.wait(30)
        except (OSError, EOFError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._write)
        os.close(self._read)

    def open(self, url: str) -> Page:
        """A page of its own, with cookies of its own."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            page.call(f"{domain}.enable")
        page.go(url)
        return page

    def call(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Ask for something, and wait for the answer; events that come meanwhile are kept."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        rest = json.dumps(message).encode() + b"\0"
        while rest:
            rest = rest[os.write(self._write, rest) :]
        while True:
            answer = self._next()
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            data = os.read(self._read, 1 << 20)
            if not data:
                raise EOFError("the browser has ended")
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer


class Page:
    """One page of a browser."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the page for something."""
        return self._browser.call(method, self._session, **parameters)

    def go(self, url: str) -> None:
        """Load an address and wait until it is there."""
        self.run("window.__left = true")
        self.call("Page.navigate", url=url)
        self.loaded()

    def loaded(self) -> None:
        """Wait for the page that takes the place of the one before (on which `window.__left` is set)."""
        wait_for(
            lambda: self._tried(
                "document.readyState === 'complete' && !window.__left && location.href !== 'about:blank'"
            ),
            "a page to load",
            PATIENCE,
        )

    def run(self, script: str) -> Any:
        """The value of an expression on the page."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def _tried(self, script: str) -> Any:
        try:
            return self.run(script)
        except RuntimeError:  # between two pages
            return None

    def text(self) -> str:
        """What a person reads."""
        return str(self._tried("document.body.innerText") or "")

    def shows(self, words: str) -> None:
        """Wait until the page says this."""
        wait_for(lambda: words in self.text(), f"{words!r} on the page", PATIENCE)

    def type(self, field: str, text: str) -> None:
        """Type into a field."""
        self.run(f"document.querySelector({json.dumps(field)}).focus()")
        self.call("Input.insertText", text=text)

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, text=text)

    def click(self, selector: str) -> None:
        """Click on something that leads to another page."""
        self.run(f"window.__left = true; document.querySelector({json.dumps(selector)}).click()")
        self.loaded()

    def choose(self, selector: str, files: list[Path]) -> None:
        """Choose files in a field for them."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def picture(self, path: Path) -> None:
        """Save what a person sees."""
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def complaints(self) -> list[str]:
        """What the browser did not like so far: errors of scripts, what the policy stopped, what was not there."""
        self.run("1")
        found = []
        for event in self._browser.events:
            if event.get("sessionId") == self._session:
                if event["method"] == "Runtime.exceptionThrown":
                    found.append(str(event["params"]))
                elif event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] in {"error", "warning"}:
                    found.append(str(event["params"]["entry"]))
        return found


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser for as long as this lasts, with its files in `folder`."""
    made = Browser(folder)
    try:
        yield made
    finally:
        made.close()
