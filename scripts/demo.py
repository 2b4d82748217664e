#!/usr/bin/env python3
"""Show it all on one machine: a local INGIS, a drive, and King that prints its invoices into it.

    python3 scripts/demo.py [--orders 12] [--keep] [--lang nl|en]

Installs what is missing first (see environment.py). One line says whether every document that King printed reached
INGIS exactly once, and it ends with 0 if so, else with 1. `--keep` leaves the local INGIS and the drive running, and
ends with where to log in, as a King user and as a customer.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.environment import enter, require_fuse

if TYPE_CHECKING:  # what the annotations name; an older Python must get as far as being told that it is too old
    from scripts.king import PrintLine

    Show = Callable[[str, str], None]  # which bar, and the sentence

USER = "king"
NO_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}  # one on a desktop might ask for its own
UNDERWAY = ".ingisfs-"  # so begins the name of a document that is being delivered
PATIENCE = 45  # seconds in which nothing happens, then the demo gives up

SENTENCES = {
    "nl": {
        "stage": "De lokale INGIS staat klaar: {url}",
        "mount": "De schijf is gekoppeld: {drive}",
        "king": "King drukt {orders} facturen af, als PDF, XML of beide…",
        "printed": "King   ✓ {name}",
        "refused": "King   ✗ {name}: {reason}",
        "arrived": "INGIS  ← {name} ({size} bytes)",
        "bar_king": "King drukt af",
        "bar_ingis": "INGIS ontving",
        "status": "Dit toont de schijf zelf, in INGIS-STATUS.txt:",
        "well": "Alles in orde: {count} documenten afgedrukt, elk precies één keer bij INGIS, in {seconds:.0f} s.",
        "wrong": "NIET in orde: {what}.",
        "crossed": "King kon niet afdrukken: {names}",
        "missing": "niet bij INGIS aangekomen: {names}",
        "twice": "meer dan één keer aangekomen: {names}",
        "changed": "met andere inhoud aangekomen: {names}",
        "extra": "aangekomen zonder dat King het afdrukte: {names}",
        "and_more": "{names} en nog {count}",
        "ended": "{command} stopte met code {code}: {output}",
        "silent": "{command} antwoordt niet na {seconds} s: {output}",
        "unreachable": "de lokale INGIS antwoordt niet ({reason})",
        "hangs": "King wacht al {seconds} s op de schijf",
        "interrupted": "afgebroken",
        "refused_by_ingis": "door INGIS geweigerd: {names}",
        "waiting": "nog niet door INGIS aangenomen: {names}",
        "keep": "Alles blijft draaien, ook de schijf: {drive}",
        "stop": "Stoppen en opruimen:",
        "as_customer": "Lees een factuur als de klant {customer}, en zie „bekeken” op de schijf en in het portaal:",
        "as_king": "Log in als King-gebruiker (naam {user}, wachtwoord {password}) en zie wat van elke factuur werd:",
        "logs": "De logboeken staan in {folder}",
    },
    "en": {
        "stage": "The local INGIS is ready: {url}",
        "mount": "The drive is mounted: {drive}",
        "king": "King prints {orders} invoices, as PDF, XML or both…",
        "printed": "King   ✓ {name}",
        "refused": "King   ✗ {name}: {reason}",
        "arrived": "INGIS  ← {name} ({size} bytes)",
        "bar_king": "King prints",
        "bar_ingis": "INGIS received",
        "status": "This is what the drive itself shows, in INGIS-STATUS.txt:",
        "well": "All is well: {count} documents printed, and each reached INGIS exactly once, in {seconds:.0f} s.",
        "wrong": "NOT well: {what}.",
        "crossed": "King could not print: {names}",
        "missing": "did not reach INGIS: {names}",
        "twice": "arrived more than once: {names}",
        "changed": "arrived with other contents: {names}",
        "extra": "arrived without being printed: {names}",
        "and_more": "{names} and {count} more",
        "ended": "{command} ended with code {code}: {output}",
        "silent": "{command} does not answer after {seconds} s: {output}",
        "unreachable": "the local INGIS does not answer ({reason})",
        "hangs": "King has waited {seconds} s for the drive",
        "interrupted": "interrupted",
        "refused_by_ingis": "refused by INGIS: {names}",
        "waiting": "not taken in by INGIS yet: {names}",
        "keep": "All goes on running, the drive too: {drive}",
        "stop": "To stop and clean up:",
        "as_customer": "Read an invoice as the customer {customer}, and see “viewed” on the drive and in the portal:",
        "as_king": "Log in as the King user (name {user}, password {password}) and see what became of each invoice:",
        "logs": "The logs are in {folder}",
    },
}


class DemoError(Exception):
    """The demo cannot go on; the text says why, in the person's language."""


class Demo:
    """One local INGIS and one drive, in a folder of their own. `password` is both the server's and the drive's.

    Ctrl-C and SIGTERM are only noted, and looked for where stopping leaves nothing half done.
    """

    batch = "1s"  # how often the local INGIS takes documents in

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self.say = SENTENCES[lang]
        self.folder = Path(tempfile.mkdtemp(prefix="ingisfs-demo-"))
        self.drive = self.folder / "X"
        self.drive.mkdir()
        self.password = secrets.token_urlsafe(12)
        self.url = ""  # of the inbox
        self.stage_pid = 0
        self.interrupted = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupt)
        self.kept = False  # then neither the local INGIS nor the drive is stopped

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self.interrupted = True

    def check(self) -> None:
        """Raise DemoError if a person wants to stop."""
        if self.interrupted:
            raise DemoError(self.say["interrupted"])

    @property
    def portal(self) -> str:
        """The address of the local INGIS's pages."""
        return self.url.removesuffix("inbox/")

    # ---- the local INGIS ----

    @contextlib.contextmanager
    def stage(self) -> Iterator[None]:
        """Run the local INGIS for as long as the block lasts."""
        log = self.folder / "ingis.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                self._ingisfs(
                    "stage",
                    "--folder",
                    str(self.folder / "ingis"),
                    "--port",
                    "0",
                    "--language",
                    self.lang,
                    "--batch",
                    self.batch,
                    "--demo",
                ),
                env={**os.environ, "INGISFS_STAGE_PASSWORD": self.password},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is ours: the drive still needs its server to end well
            )
        self.stage_pid = process.pid
        try:
            deadline = time.monotonic() + PATIENCE
            while not self.url:
                self.check()
                if process.poll() is not None:
                    raise DemoError(self._ended("ingisfs stage", process.returncode, log))
                if time.monotonic() > deadline:
                    raise DemoError(self._silent("ingisfs stage", log))
                time.sleep(0.05)
                self.url = "".join(re.findall(r"http://127\.0\.0\.1:\d+/inbox/", log.read_text("utf-8", "replace"))[:1])
            yield
        finally:
            if not self.kept:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def received(self) -> list[dict[str, Any]]:
        """The documents that INGIS has, in its inbox and taken in: name, size, sha256, received_at, status."""
        import httpx

        try:
            answer = httpx.get(f"{self.portal}documents.json", auth=(USER, self.password), trust_env=False, timeout=10)
            documents: list[dict[str, Any]] = answer.raise_for_status().json()
        except httpx.HTTPError as error:
            raise DemoError(self.say["unreachable"].format(reason=error)) from error
        return documents

    # ---- the drive ----

    @contextlib.contextmanager
    def mounted(self) -> Iterator[None]:
        """Mount the drive for as long as the block lasts. A block that ends well waits until all is delivered."""
        state, config = self.folder / "state", self.folder / "config.toml"
        # An XML that goes alone is held for a minute elsewhere, to see whether its PDF follows.
        config.write_text(f'[drives.king]\nlanguage = "{self.lang}"\npair_wait = 2\nfollow = 1\n', "utf-8")
        server = f"ingis+{self.portal}"  # by its API, so that the drive hears what INGIS and customers do
        options = ["--config", str(config), "--server", server, "--user", USER, "--state", str(state)]
        try:
            self._run("mount", str(self.drive), *options)
            self.check()
            yield
            if not self.kept:
                self._run("unmount", str(self.drive), "--timeout", str(PATIENCE - 15))
        finally:
            if not self.kept:
                self._take_away()

    def _take_away(self) -> None:
        if self.is_mounted():
            with contextlib.suppress(DemoError):
                self._run("unmount", str(self.drive), "--now")
        if self.is_mounted():
            subprocess.run(["fusermount3", "-u", "-z", str(self.drive)], capture_output=True)
        self._end_courier()

    def _end_courier(self) -> None:
        """The courier outlives the drive to finish the queue; here it gets a moment for that."""
        deadline = time.monotonic() + 5
        while self._couriers() and time.monotonic() < deadline:
            time.sleep(0.05)
        for pid in self._couriers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def _couriers(self) -> set[int]:
        """The processes that have the courier's lock file open."""
        lock = str(self.folder / "state" / "courier.lock")
        found = set()
        for entry in Path("/proc").glob("[0-9]*/fd/*"):
            with contextlib.suppress(OSError):  # another user's, or gone already
                if str(entry.readlink()) == lock:
                    found.add(int(entry.parts[2]))
        return found

    def is_mounted(self) -> bool:
        """Whether the drive is there. Asks the kernel's list: a look at the drive itself could hang with it."""
        try:
            mounts = Path("/proc/self/mounts").read_text("utf-8", "replace")
        except OSError:
            return os.path.ismount(self.drive)
        return str(self.drive).replace(" ", "\\040") in {line.split(" ")[1] for line in mounts.splitlines()}

    def status(self) -> str:
        """What the drive shows once INGIS has answered about all, which the drive hears a moment after the portal."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self.check()
            shown = json.loads((self.drive / "INGIS-STATUS.json").read_text("utf-8"))
            underway = any(
                shown["counts"][state] for state in ("writing", "settling", "queued", "uploading", "publishing")
            )
            if not underway and all(document["ingis"] for document in shown["documents"]):
                break
            time.sleep(0.1)
        return (self.drive / "INGIS-STATUS.txt").read_text("utf-8-sig")

    def _run(self, *arguments: str) -> None:
        """Run an ingisfs command to its end. Its output goes to a file: the drive it starts may keep a pipe open."""
        log = self.folder / f"{arguments[0]}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                self._ingisfs(*arguments),
                env={**os.environ, "INGISFS_PASSWORD": self.password, **NO_KEYRING},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise DemoError(self._silent(f"ingisfs {arguments[0]}", log)) from error
        finally:
            process.kill()  # nothing happens if it has ended
            process.wait()
        if code:
            raise DemoError(self._ended(f"ingisfs {arguments[0]}", code, log))

    def _ingisfs(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "ingisfs", *arguments]

    def _ended(self, command: str, code: int, log: Path) -> str:
        return self.say["ended"].format(command=command, code=code, output=_last_line(log))

    def _silent(self, command: str, log: Path) -> str:
        return self.say["silent"].format(command=command, seconds=PATIENCE, output=_last_line(log))

    # ---- King ----

    def invoice(self, orders: int) -> list[PrintLine]:
        """Let King print, and show live what it prints and what arrives, until all of it has or nothing moves."""
        from scripts.king import Administration, invoice_run

        administration = Administration()
        total = sum(len(invoice.debtor.documents) for invoice in administration.invoices(orders))
        printed: queue.SimpleQueue[PrintLine] = queue.SimpleQueue()
        failure: list[Exception] = []

        def print_all() -> None:
            try:
                invoice_run(administration, self.drive, orders, progress=printed.put)
            except Exception as error:
                failure.append(error)

        king = threading.Thread(target=print_all, daemon=True)  # a drive that hangs must not keep us
        king.start()
        lines: list[PrintLine] = []
        arrived: set[str] = set()
        moved = time.monotonic()
        with _display(self.say, total) as show:
            while time.monotonic() - moved < PATIENCE:
                self.check()
                over = not king.is_alive()
                while not printed.empty():
                    line = printed.get()
                    lines.append(line)
                    moved = time.monotonic()
                    sentence = self.say["printed" if line.ok else "refused"]
                    show("bar_king", sentence.format(name=line.path.name, reason=line.reason))
                for document in self.received():
                    if document["name"] not in arrived and not document["name"].startswith(UNDERWAY):
                        arrived.add(document["name"])
                        moved = time.monotonic()
                        show("bar_ingis", self.say["arrived"].format(**document))
                if failure:
                    raise failure[0]
                if over and {line.path.name for line in lines if line.ok} <= arrived:
                    break
                king.join(0.1)
                if over:
                    time.sleep(0.1)
        if king.is_alive():
            raise DemoError(self.say["hangs"].format(seconds=PATIENCE))
        return lines

    def compare(self, lines: Sequence[PrintLine], over: bool) -> None:
        """Each document that King printed is to be at INGIS once, and nothing else. Raises DemoError.

        Once it is `over`, nothing may be on its way any more either.
        """
        wanted = {line.path.name: line.sha256 for line in lines if line.ok}
        documents = [
            (str(document["name"]), str(document["sha256"]))
            for document in self.received()
            if over or not document["name"].startswith(UNDERWAY)
        ]
        times = Counter(sha256 for _name, sha256 in documents)
        names = {name for name, _sha256 in documents}
        wrong = {
            "crossed": [line.path.name for line in lines if not line.ok],
            "missing": [name for name, sha256 in wanted.items() if name not in names and not times[sha256]],
            "twice": [name for name, sha256 in wanted.items() if times[sha256] > 1],
            "changed": [name for name, sha256 in documents if wanted.get(name, sha256) != sha256],
            "extra": [name for name, _sha256 in documents if name not in wanted],
            "refused_by_ingis": self._settled("refused") if over else [],
            "waiting": self._settled("inbox") if over else [],
        }
        told = [self.say[what].format(names=self._some(some)) for what, some in wrong.items() if some]
        if told:
            raise DemoError("; ".join(told))

    def _settled(self, status: str) -> list[str]:
        """The documents that have this status once the batches have seen to all of them, or have had time to."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self.check()
            documents = [each for each in self.received() if not str(each["name"]).startswith(UNDERWAY)]
            if time.monotonic() > deadline or not any(each["status"] == "inbox" for each in documents):
                return [str(each["name"]) for each in documents if each["status"] == status]
            time.sleep(0.2)

    def _some(self, names: Sequence[str]) -> str:
        some = ", ".join(names[:5])
        return self.say["and_more"].format(names=some, count=len(names) - 5) if len(names) > 5 else some

    def tell_how_to_look(self) -> None:
        """For --keep: where to look, and how to end it."""
        print(self.say["keep"].format(drive=self.drive))
        print(self.say["stop"])
        unmount = shlex.join(self._ingisfs("unmount", str(self.drive)))
        print(f"  {unmount} && kill {self.stage_pid} && rm -rf {shlex.quote(str(self.folder))}")
        customer, link = self._letter()
        if link:
            print(self.say["as_customer"].format(customer=customer))
            print(f"  {link}")
        print(self.say["as_king"].format(user=USER, password=self.password))
        print(f"  {self.portal}")

    def _letter(self) -> tuple[str, str]:
        """To whom the first mail about an invoice went, and the link in it. Without a mail server they are files."""
        import email
        import email.policy

        deadline = time.monotonic() + 10  # a letter is written a moment after INGIS took the invoice in
        while time.monotonic() < deadline:
            for file in sorted((self.folder / "ingis" / "mail").glob("*.eml")):
                mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
                text = mail.get_body(("plain",))
                links = re.findall(rf"{re.escape(self.portal)}open/\S+", text.get_content()) if text else []
                if links:
                    return str(mail["To"]), str(links[0])
            time.sleep(0.1)
        return "", ""


@contextlib.contextmanager
def _display(say: dict[str, str], total: int) -> Iterator[Show]:
    """Two bars on a terminal, a line for each event elsewhere."""
    if not sys.stdout.isatty():
        yield lambda _bar, sentence: print(sentence, flush=True)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[last]}")]
    with Progress(*columns) as progress:
        bars = {bar: progress.add_task(say[bar], total=total, last="") for bar in ("bar_king", "bar_ingis")}

        def show(bar: str, sentence: str) -> None:
            progress.update(bars[bar], advance=1, last=sentence)

        yield show


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "–")


def run(orders: int, keep: bool, lang: str) -> int:
    demo = Demo(lang)
    started = time.monotonic()
    wrong = ""
    lines: list[PrintLine] = []
    try:
        with demo.stage():
            print(demo.say["stage"].format(url=demo.portal), flush=True)
            with demo.mounted():
                print(demo.say["mount"].format(drive=demo.drive), flush=True)
                print(demo.say["king"].format(orders=orders), flush=True)
                lines = demo.invoice(orders)
                print(f"\n{demo.say['status']}\n")
                print(demo.status(), flush=True)
                demo.kept = keep
                demo.compare(lines, over=False)
            demo.compare(lines, over=not keep)  # again: with the drive gone nothing can arrive a second time
    except DemoError as error:
        wrong = str(error)
    except Exception as error:  # whatever it is, the person gets the closing line
        wrong = f"{type(error).__name__}: {error}"

    if wrong and not demo.kept:
        print(demo.say["logs"].format(folder=demo.folder))
    elif not demo.kept and not demo.is_mounted():
        shutil.rmtree(demo.folder)
    if wrong:
        print(demo.say["wrong"].format(what=wrong))
    else:
        print(demo.say["well"].format(count=len(lines), seconds=time.monotonic() - started))
    if demo.kept:
        print()
        demo.tell_how_to_look()
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Show it all: a local INGIS, a drive, and King that prints into it.")
    parser.add_argument("--orders", type=int, default=12, help="how many orders King invoices (12)")
    parser.add_argument("--keep", action="store_true", help="leave the local INGIS and the drive running")
    parser.add_argument("--lang", choices=list(SENTENCES), default="nl", help="of what is shown (nl)")
    options = parser.parse_args()
    if options.orders < 1:
        parser.error("--orders is at least 1")
    require_fuse()
    enter(["stage", "king"], ["fuse3"])
    return run(options.orders, options.keep, options.lang)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
