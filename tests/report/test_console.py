"""What the commands print: plain lines where there is no terminal, and colour where there is."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from ingisfs.outbox.document import Reason
from ingisfs.outbox.outbox import Outbox
from ingisfs.report import console
from ingisfs.report.console import Progress, queue_lines, status_lines, watch
from ingisfs.report.snapshot import DriveFacts, Snapshot, take_snapshot
from tests.clocks import FakeClock
from tests.report.steps import Steps

pytestmark = pytest.mark.usefixtures("amsterdam")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True

    def plain(self) -> str:
        """Return what was written, without what steers the terminal."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.getvalue())


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Terminal]:
    """Return a function that puts a terminal in place of the standard streams (pytest does so before each test)."""

    def begin() -> Terminal:
        made = Terminal()
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "100")
        monkeypatch.setenv("LINES", "40")
        for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(sys, "stdout", made)
        monkeypatch.setattr(sys, "stderr", made)
        return made

    return begin


@pytest.fixture
def take(outbox: Outbox, drive: DriveFacts, clock: FakeClock) -> Callable[[], Snapshot]:
    return lambda: take_snapshot(outbox, drive, clock.wall(), clock=clock)


def looks(
    take: Callable[[], Snapshot], stop: threading.Event, *between: Callable[[], object]
) -> Callable[[], Snapshot]:
    """Return a look that does the next of these things before each look but the first, and stops after the last."""
    left = list(between)
    first = True

    def look() -> Snapshot:
        nonlocal first
        if not first:
            left.pop(0)()
        first = False
        if not left:
            stop.set()
        return take()

    return look


def test_status_prints_the_page_with_the_newest_few(steps: Steps, take: Callable[[], Snapshot]) -> None:
    steps.deliver(*(f"F{number:02}.pdf" for number in range(30)))
    printed = status_lines(take())
    assert printed.startswith("Alles is in orde")
    assert "\r" not in printed
    assert len(re.findall(r"^F\d\d\.pdf", printed, re.MULTILINE)) == 10
    assert "F29.pdf" in printed


def test_the_queue_is_a_line_for_each_document_and_why_it_is_held(steps: Steps, outbox: Outbox) -> None:
    (waiting,) = steps.queue("F1.pdf")
    held = steps.hold("F2.pdf", Reason.EMPTY, data=b"")
    documents = outbox.documents("1 ORDER BY number")
    assert queue_lines(documents, "nl").splitlines() == [
        f"{waiting}  25-11-2026 14:03  153 bytes  in de wachtrij  F1.pdf",
        f"{held}  25-11-2026 14:03    0 bytes  vastgehouden    F2.pdf",
        "  F2.pdf is leeg (0 bytes). Druk het opnieuw af, samen met zijn andere helft als die er is.",
    ]
    assert queue_lines([], "en") == "Nothing waits and nothing is held."


def test_rich_is_not_loaded_to_print_the_status() -> None:
    script = "import sys, ingisfs.report.console; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


# ---- watching ----------------------------------------------------------------------------------------------------


def test_a_watch_without_a_terminal_prints_a_line_for_each_document_that_moved_on(
    steps: Steps,
    outbox: Outbox,
    clock: FakeClock,
    take: Callable[[], Snapshot],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(console, "INTERVAL", 0)
    steps.deliver("F0.pdf")
    (document_id,) = steps.publish("F1.pdf")
    stop = threading.Event()

    def nothing() -> None:
        clock.sleep(1)

    def deliver() -> None:
        clock.sleep(1)
        outbox.finish([steps.get(document_id)])

    def print_one() -> None:
        clock.sleep(1)
        steps.hold("F2\x9b.pdf", Reason.EMPTY)

    watch(looks(take, stop, nothing, deliver, print_one), stop)
    page, _, news = capsys.readouterr().out.partition("14:03\n25-11-2026 14:03:0")
    assert page.startswith("1 document wacht.")
    assert ("25-11-2026 14:03:0" + news).splitlines() == [
        "25-11-2026 14:03:07  F1.pdf  bezorgd",
        "25-11-2026 14:03:07  Alles is in orde: 2 bezorgd, niets wacht.",
        "25-11-2026 14:03:08  F2?.pdf  vastgehouden",
        "25-11-2026 14:03:08  1 document heeft iemand nodig. Er wacht niets.",
    ]


def test_a_document_that_only_comes_back_into_sight_is_no_news(
    steps: Steps,
    outbox: Outbox,
    take: Callable[[], Snapshot],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(console, "INTERVAL", 0)
    ids = steps.queue(*(f"F{number}.pdf" for number in range(201)))
    stop = threading.Event()
    watch(looks(take, stop, lambda: outbox.remove(steps.get(ids[-1]))), stop)
    assert not re.search(r"  F0\.pdf  ", capsys.readouterr().out)


def test_a_watch_in_a_terminal_draws_a_table(
    steps: Steps, take: Callable[[], Snapshot], terminal: Callable[[], Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "INTERVAL", 0)
    stop = threading.Event()
    steps.deliver("F1.pdf", "F1.xml")
    screen = terminal()
    watch(looks(take, stop, lambda: steps.hold("[red]F2.pdf", Reason.EMPTY)), stop)
    shown = screen.plain()
    assert "Alles is in orde: 2 bezorgd" in shown
    assert "1 document heeft iemand nodig." in shown
    assert "[red]F2.pdf" in shown
    assert "[red]F2.pdf is leeg (0 bytes)." in shown
    assert "\x1b[" in screen.getvalue()


def test_a_watch_has_a_bar_while_a_run_is_under_way(
    steps: Steps, take: Callable[[], Snapshot], terminal: Callable[[], Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "INTERVAL", 0)
    stop = threading.Event()
    steps.outbox.set_meta("target", '{"state": "ok"}')
    steps.deliver("F1.pdf", "F2.pdf", "F3.pdf")
    (waiting,) = steps.publish("F4.pdf")
    screen = terminal()
    watch(looks(take, stop, lambda: steps.outbox.finish([steps.get(waiting)])), stop)
    shown = screen.plain()
    assert shown.count("Deze run: 3 van 4 verstuurd") == 1
    assert re.search("━{50,}", shown)
    assert shown.index("━" * 50) < shown.index("Alles is in orde: 4 bezorgd")


def test_a_watch_shows_what_goes_on_however_much_needs_a_person(
    steps: Steps, take: Callable[[], Snapshot], terminal: Callable[[], Terminal]
) -> None:
    steps.deliver(*(f"D{number}.pdf" for number in range(40)))
    for number in range(40):
        steps.hold(f"H{number}.pdf", Reason.EMPTY)
    stop = threading.Event()
    screen = terminal()
    watch(looks(take, stop), stop)
    shown = screen.plain()
    assert "H39.pdf" in shown
    assert "D39.pdf" in shown
    assert len(set(re.findall(r"[HD]\d+\.pdf ", shown))) == 40 - console.AROUND


# ---- unmounting --------------------------------------------------------------------------------------------------


def test_progress_without_a_terminal_is_a_line_for_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(1000, "nl") as progress:
        for left in range(1000, -1, -1):
            progress.update(left)
    out, printed = capsys.readouterr()
    assert out == ""
    assert printed.splitlines() == [
        "nog 1.000 te bezorgen",
        *(f"nog {left} te bezorgen" for left in range(900, 0, -100)),
        "nog 0 te bezorgen",
    ]


def test_progress_says_nothing_when_nothing_waits(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(0, "nl") as progress:
        progress.update(0)
    assert capsys.readouterr() == ("", "")


def test_progress_says_when_more_is_printed_meanwhile(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(1, "en") as progress:
        for left in (1, 1, 5, 5, 1, 0):
            progress.update(left)
    assert capsys.readouterr().err.splitlines() == [
        "1 still to be delivered",
        "5 still to be delivered",
        "1 still to be delivered",
        "0 still to be delivered",
    ]


def test_progress_keeps_to_tenths_of_what_it_became(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(1, "en") as progress:
        for left in (1, *range(100, -1, -1)):
            progress.update(left)
    assert len(capsys.readouterr().err.splitlines()) == 12


def test_progress_in_a_terminal_is_a_bar(terminal: Callable[[], Terminal]) -> None:
    screen = terminal()
    with Progress(12, "nl") as progress:
        progress.update(12)
        for _ in range(50):
            progress.update(1)
        progress.update(0)
    shown = screen.plain()
    assert "nog 12 te bezorgen" in shown
    assert "nog 1 te bezorgen" in shown
    assert "11/12" in shown
    assert shown.count("nog 1 te bezorgen") == 1
    assert "━" in shown
