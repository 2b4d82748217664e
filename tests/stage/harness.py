"""What the tests of the stage share: where it runs, how to talk to it below httpx, how to run it as a process."""

from __future__ import annotations

import base64
import http.client
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import httpx
import pytest

from ingisfs.stage.serve import PASSWORD_VARIABLE, Options, Stage

USER = "king"
PASSWORD = "wachtwoord van king"
AUTHORIZATION = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
SIZE_LIMIT = 8 * 1024 * 1024
AWKWARD = "factuur é#% &+~ç.pdf"
REPOSITORY = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Running:
    """A stage that runs: its folder and port."""

    folder: Path
    port: int

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"

    @property
    def incoming(self) -> Path:
        return self.folder / "incoming"

    def names(self) -> list[str]:
        """What lies in the inbox on disk, sorted."""
        return sorted(entry.name for entry in self.inbox.iterdir())


def raw(
    running: Running, method: str, target: str, headers: dict[str, str] | None = None, body: bytes | None = None
) -> tuple[int, bytes]:
    """Status and body for a request whose target goes over the wire exactly as it stands here."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
    try:
        connection.request(method, target, body, {"Authorization": AUTHORIZATION, **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def begin_put(running: Running, target: str, length: int | None) -> socket.socket:
    """A connection on which a PUT has begun: send the body yourself. No length: chunked."""
    connection = socket.create_connection(("127.0.0.1", running.port), timeout=20)
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    head = f"PUT {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {AUTHORIZATION}\r\n{framing}\r\n\r\n"
    connection.sendall(head.encode())
    return connection


def listed(answer: httpx.Response) -> dict[str, ElementTree.Element]:
    """The decoded paths in a 207 answer, each with its properties."""
    assert answer.status_code == 207
    return {
        unquote(urlsplit(response.findtext("{DAV:}href", "")).path): response
        for response in ElementTree.fromstring(answer.content).iter("{DAV:}response")
    }


def prop(response: ElementTree.Element, name: str) -> str:
    found = response.findtext(f".//{{DAV:}}{name}")
    assert found is not None, f"no {name}"
    return found


@contextmanager
def running_stage(folder: Path, options: Options, **more: Any) -> Iterator[tuple[Running, Stage]]:
    """A stage in a thread of this process; its first user has PASSWORD."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(PASSWORD_VARIABLE, PASSWORD)
        stage = Stage(folder, announce=lambda _sentence: None, options=options, **more)
    thread = threading.Thread(target=stage.run)
    thread.start()
    try:
        yield Running(folder, stage.port), stage
    finally:
        stage.stop()
        thread.join()
        stage.close()


def visitor(running: Running, name: str = "", password: str = "") -> httpx.Client:
    """Somebody at the pages; logged in if there is a name. Follows no redirects."""
    client = httpx.Client(base_url=running.root, trust_env=False, timeout=60)
    if name:
        answer = client.post("/login", data={"name": name, "password": password})
        if answer.status_code != 303:
            client.close()
            raise AssertionError(answer.text)
    return client


def csrf_of(client: httpx.Client, address: str = "/profile") -> str:
    """The secret that the visitor's forms carry."""
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(address).text)
    assert found, f"no form on {address}"
    return found[1]


def submit(client: httpx.Client, address: str, *, csrf: str | None = None, **fields: str) -> httpx.Response:
    """Send a form as our own page would."""
    return client.post(address, data={"csrf": csrf_of(client) if csrf is None else csrf, **fields})


_SERVE = """
import sys
import threading
from pathlib import Path
from ingisfs.stage import StageError
from ingisfs.stage.serve import serve
try:
    serve(Path(sys.argv[1]), int(sys.argv[2]), language=sys.argv[3])
except StageError as error:
    sys.exit(f"StageError: {error}")
"""


def start_process(
    folder: Path,
    *,
    port: int = 0,
    language: str = "nl",
    password: str | None = PASSWORD,
    before: tuple[str, ...] = (),
) -> Process:
    """Run `serve` as a process of its own. `password` is for INGISFS_STAGE_PASSWORD; None leaves that out.

    `before` is a command that starts it, such as setpriv with its options.
    """
    environment = {name: value for name, value in os.environ.items() if name != PASSWORD_VARIABLE}
    if password is not None:
        environment[PASSWORD_VARIABLE] = password
    arguments = [*before, sys.executable, "-u", "-W", "error", "-c", _SERVE, str(folder), str(port), language]
    popen = subprocess.Popen(
        arguments, cwd=REPOSITORY, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    return Process(popen, folder)


class Process:
    """A stage in a process of its own."""

    def __init__(self, popen: subprocess.Popen[str], folder: Path) -> None:
        self.popen = popen
        self.folder = folder
        self.announced: list[str] = []  # lines on standard output so far

    def ready(self) -> Running:
        """Wait for the line with the URL."""
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            self.announced.append(line.rstrip("\n"))
            if "http://" in line:
                url = next(word for word in line.split() if word.startswith("http://"))
                return Running(self.folder, urlsplit(url).port or 0)
        raise AssertionError(f"it ended: {self.announced} {self.finish()}")

    def finish(self) -> tuple[int, str, str]:
        """Wait for its end: exit code, the rest of its output, its standard error."""
        output, errors = self.popen.communicate(timeout=30)
        return self.popen.returncode, output, errors


@contextmanager
def stage_process(
    folder: Path,
    *,
    port: int = 0,
    language: str = "nl",
    password: str | None = PASSWORD,
    before: tuple[str, ...] = (),
) -> Iterator[Process]:
    """`start_process`, killed at the end if it still runs."""
    process = start_process(folder, port=port, language=language, password=password, before=before)
    try:
        yield process
    finally:
        if process.popen.poll() is None:
            process.popen.kill()
        process.popen.communicate()


def logged_in(running: Running) -> httpx.Client:
    return httpx.Client(base_url=running.root, auth=(USER, PASSWORD), trust_env=False)
