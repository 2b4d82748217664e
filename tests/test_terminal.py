"""What a person sees in a terminal, a real one (a pty), and on consoles of other code pages; and what the logs keep."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.documents import pdf, xml
from tests.mounts import Drive, drive
from tests.servers import Server, wait_for, wsgidav_server

LIMIT = 60.0  # s
STEERING = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with wsgidav_server(tmp_path / "server") as made:
        yield made


@pytest.fixture
def mounted(tmp_path: Path, server: Server) -> Iterator[Drive]:
    with drive(tmp_path / "drive", server.url, server.user, server.password) as made:
        yield made


class Terminal:
    """A command in a terminal of some size."""

    def __init__(self, made: Drive, *command: str, rows: int = 40, columns: int = 100) -> None:
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ingisfs", *command],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**made.environment, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(theirs)
        self.said = b""

    def _read(self, seconds: float) -> bool:
        """Take what is said within these seconds; tells whether there may be more."""
        if not select.select([self.ours], [], [], seconds)[0]:
            return True
        try:
            more = os.read(self.ours, 65536)
        except OSError:  # its end, on Linux
            return False
        self.said += more
        return bool(more)

    def wait_for(self, reached: Callable[[str], bool], what: str) -> str:
        """Return what was said, without what steers the terminal, once it is as wanted."""
        end = time.monotonic() + LIMIT
        while not reached(self.text):
            assert time.monotonic() < end, f"waited in vain for {what}: {self.text[-2000:]}"
            assert self._read(0.2) or reached(self.text), f"it ended without {what}: {self.text[-2000:]}"
        return self.text

    @property
    def text(self) -> str:
        return STEERING.sub(b"", self.said).decode("utf-8", "replace")

    def end(self) -> int:
        """Wait for its end, and return its exit code."""
        end = time.monotonic() + LIMIT
        while self._read(0.2) and time.monotonic() < end:
            if self.process.poll() is not None:
                while select.select([self.ours], [], [], 0)[0] and self._read(0):
                    pass
                break
        return self.process.wait(LIMIT)

    def close(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        os.close(self.ours)


@pytest.fixture
def terminal(mounted: Drive) -> Iterator[Callable[..., Terminal]]:
    made: list[Terminal] = []

    def begin(*command: str, **size: int) -> Terminal:
        made.append(Terminal(mounted, *command, **size))
        return made[-1]

    yield begin
    for each in made:
        each.close()


@pytest.mark.parametrize("columns", [100, 48])
def test_a_watch_in_a_terminal_draws_what_happens_until_it_is_interrupted(
    mounted: Drive, terminal: Callable[..., Terminal], columns: int
) -> None:
    watch = terminal("status", str(mounted.mountpoint), "--watch", columns=columns)
    watch.wait_for(lambda text: "Klaar voor gebruik." in text, "the first look")
    (mounted.mountpoint / "F1.pdf").write_bytes(pdf())
    (mounted.mountpoint / "F2.pdf").write_bytes(b"")
    text = watch.wait_for(lambda text: "vastgehouden" in text and "bezorgd" in text, "both documents")
    assert "1 document heeft iemand nodig." in text
    assert b"\x1b[" in watch.said, "a live table"
    assert max(len(line) for line in watch.text.replace("\r", "\n").split("\n")) <= columns
    os.kill(watch.process.pid, signal.SIGINT)
    assert watch.end() == 3
    assert "Traceback" not in watch.text


def test_an_unmount_in_a_terminal_has_a_bar_while_it_waits(
    mounted: Drive, terminal: Callable[..., Terminal], server: Server
) -> None:
    server.stop()
    for number in range(3):
        (mounted.mountpoint / f"F{number}.pdf").write_bytes(pdf(str(number)))
    mounted.wait_states({f"F{number}.pdf": "queued" for number in range(3)})
    waits = terminal("unmount", str(mounted.mountpoint))
    waits.wait_for(lambda text: "nog 3 te bezorgen" in text, "the bar")
    assert "0/3" in waits.text
    server.start()
    assert mounted.run("queue", "retry", "--all", "--config", str(mounted.config)).returncode == 0
    waits.wait_for(lambda text: "alles is bezorgd" in text, "the end")
    assert waits.end() == 0


def test_piped_the_status_is_plain(mounted: Drive) -> None:
    (mounted.mountpoint / "F1.pdf").write_bytes(b"")
    mounted.wait_states({"F1.pdf": "held"})
    done = mounted.run("status", str(mounted.mountpoint), TERM="xterm-256color")
    assert "\x1b" not in done.stdout + done.stderr
    assert "F1.pdf is leeg (0 bytes)" in done.stdout


@pytest.mark.parametrize("encoding", ["cp850", "cp437", "cp1252"])
def test_a_console_of_another_code_page_shows_what_it_can_and_fails_at_nothing(mounted: Drive, encoding: str) -> None:
    name = "Crème brûlée € 請求書.pdf"
    (mounted.mountpoint / name).write_bytes(b"")
    mounted.wait_states({name: "held"})
    for command in (["status", str(mounted.mountpoint)], ["queue", "list"], ["history"], ["check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ingisfs", *command, *(["--config", str(mounted.config)] if command[1:] else [])],
            env={**mounted.environment, "PYTHONIOENCODING": encoding},
            capture_output=True,
            timeout=LIMIT,
            check=False,
        )
        assert b"Traceback" not in done.stderr, done.stderr
        told = done.stdout.decode(encoding)
        if command[0] != "check":
            assert name.encode(encoding, "replace").decode(encoding) in told, (command, told)


def test_the_logs_have_one_line_for_each_step_of_each_document(mounted: Drive) -> None:
    (mounted.mountpoint / "F1.pdf").write_bytes(pdf())
    (mounted.mountpoint / "F1.xml").write_bytes(xml())
    (mounted.mountpoint / "F2.pdf").write_bytes(b"")
    mounted.wait_states({"F1.pdf": "delivered", "F1.xml": "delivered", "F2.pdf": "held"})
    outbox = mounted.outbox()
    steps = sorted((entry.id, entry.before or "new", entry.after) for entry in outbox.history())
    outbox.close()
    logs = [path.read_text(encoding="utf-8") for path in (mounted.state / "log").glob("*.log")]
    found = re.findall(r"document ([0-9a-z]{12})(?: [^\n]*?)?: (\w+) -> (\w+)", "\n".join(logs))
    assert sorted(found) == steps
    assert mounted.password not in "".join(logs)


def test_a_log_that_grows_is_kept_in_pieces_and_its_oldest_is_dropped(tmp_path: Path) -> None:
    program = (
        "import logging, sys\nfrom pathlib import Path\nfrom ingisfs.logs import log_to\n"
        "log_to(Path(sys.argv[1]))\nfor number in range(40000): logging.info('%d %s', number, 'x' * 1000)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "log" / "drive.log")], check=True, timeout=LIMIT)
    pieces = sorted((tmp_path / "log").iterdir())
    assert [path.name for path in pieces] == ["drive.log", *(f"drive.log.{number}" for number in range(1, 6))]
    assert max(path.stat().st_size for path in pieces) < 5_010_000, "and the rest of its last line"
    assert " 39999 " in pieces[0].read_text().splitlines()[-1]


def test_the_status_page_prints_on_paper(mounted: Drive, tmp_path: Path) -> None:
    for number in range(40):
        (mounted.mountpoint / f"F{number}.pdf").write_bytes(b"" if number % 10 == 0 else pdf(str(number)))
    mounted.wait_states({"F0.pdf": "held", "F30.pdf": "held", "F39.pdf": "delivered"})
    page, printed = mounted.mountpoint / "INGIS-STATUS.html", tmp_path / "page.pdf"
    wait_for(lambda: page.read_text(encoding="utf-8").count("bezorgd") > 30, "the deliveries", LIMIT)
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
    command = ["chromium", *options, f"--user-data-dir={tmp_path / 'profile'}", f"--print-to-pdf={printed}"]
    subprocess.run([*command, page.as_uri()], check=True, capture_output=True, timeout=LIMIT)
    content = printed.read_bytes()
    assert content.startswith(b"%PDF-")
    pages = len(re.findall(rb"/Type\s*/Page\b", content))
    assert 2 <= pages <= 4, "two or three sheets, and none that is nearly empty"
