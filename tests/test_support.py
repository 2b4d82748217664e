"""`ingisfs report`: what somebody who helps needs is in it, and nothing of customers, users or secrets."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingisfs.outbox.document import Reason, State
from ingisfs.outbox.outbox import Answer, Outbox
from ingisfs.support import Veil
from tests.documents import pdf, xml
from tests.mounts import Drive, drive
from tests.report.steps import Steps
from tests.servers import Server, wsgidav_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with wsgidav_server(tmp_path / "server") as made:
        yield made


CUSTOMERS = ["Jansen, Piet & Zn. 2026-17.pdf", "Bakkerij 't Hoekje (1).pdf", "Bakkerij 't Hoekje.xml", "Köster.docx"]
WORDS = re.compile(r"jansen|piet|bakkerij|hoekje|k(?:ö|%c3%b6)ster|4\.321,09|NL\d\d|mevrouw|de vries", re.IGNORECASE)


def files(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as report:
        assert report.testzip() is None
        return {name: report.read(name).decode() for name in report.namelist()}


def test_a_report_has_what_helps_and_nothing_of_customers(tmp_path: Path, server: Server) -> None:
    personal = {"mail": {"host": "127.0.0.1", "to": ["mevrouw.de.vries@example.nl"], "port": 1}, "alarms": False}
    with drive(tmp_path / "drive", server.url, server.user, server.password, **personal) as mounted:
        (mounted.mountpoint / CUSTOMERS[0]).write_bytes(pdf())
        (mounted.mountpoint / CUSTOMERS[1]).write_bytes(pdf("2"))
        (mounted.mountpoint / CUSTOMERS[2]).write_bytes(xml())
        (mounted.mountpoint / CUSTOMERS[3]).write_bytes(b"no type that is sent")
        mounted.wait_delivered(CUSTOMERS[:3])
        mounted.wait_states({CUSTOMERS[3]: "held"})
        with pytest.raises(PermissionError):
            (mounted.mountpoint / CUSTOMERS[0]).rename(mounted.mountpoint / "Jansen anders.pdf")
        outbox = Outbox(mounted.state)
        (refused,) = outbox.documents("name LIKE 'Jansen%'")
        said = "klant mevrouw De Vries: € 4.321,09 op NL91ABNA0417164300 klopt niet"
        outbox.hear([Answer(refused.id, State.REFUSED, said)])
        outbox.shut()
        with open(mounted.state / "log" / "drive.log", "a", encoding="utf-8") as log:
            log.write(
                "2026-11-25 14:00:00.000 WARNING x: create /Jansen en Zn. nieuw.pdf: EIO: PUT /inbox/K%C3%B6ster.docx\n"
            )
            log.write(
                "2026-11-25 14:00:00.000 INFO x: mail naar mevrouw.de.vries@example.nl, NL91ABNA0417164300, 4.321,09\n"
            )
        report = tmp_path / "report.zip"
        done = mounted.run("report", "--config", str(mounted.config), "--output", str(report))
        assert done.returncode == 0, done.stderr
        assert str(report) in done.stdout
        again = mounted.run("report", "--config", str(mounted.config), "--output", str(report))
        assert again.returncode == 1
        assert "Kies een ander bestand" in again.stderr
        identity = refused.id
        found = mounted.run("history", identity, "--documents", "--config", str(mounted.config)).stdout
        assert CUSTOMERS[0] in found

    told = files(report)
    assert {"versions.json", "settings.json", "status.json", "history.csv", "log/drive.log", "log/courier.log"} <= set(
        told
    )
    for name, content in told.items():
        assert not WORDS.search(content), (name, WORDS.search(content))
        assert server.password not in content
    assert json.loads(told["versions.json"])["python"]
    settings = json.loads(told["settings.json"])
    assert (settings["settle"], settings["mail"]) == (0.2, "(set)")
    status = {document["id"]: document for document in json.loads(told["status.json"])["documents"]}
    rows = list(csv.DictReader(io.StringIO(told["history.csv"])))
    assert identity in status
    assert {row["name"] for row in rows if row["id"] == identity} == {status[identity]["name"]}
    assert re.fullmatch(r"D\d{4}\.pdf", status[identity]["name"])
    halves = sorted(
        document["name"] for document in status.values() if "(1)" in document["name"] or ".xml" in document["name"]
    )
    assert re.fullmatch(r"(D\d{4}) ?\(1\)\.pdf \1\.xml", " ".join(halves)), halves
    assert identity in told["log/drive.log"]


@pytest.mark.parametrize(
    ("line", "veiled"),
    [
        ("document 3m8k2v9q4r7t: new -> writing ", "document 3m8k2v9q4r7t: new -> writing "),
        (
            "document 3m8k2v9q4r7t: delivered -> refused F1: Jansen",
            "document 3m8k2v9q4r7t: delivered -> refused (left out)",
        ),
        ("cannot keep document 3m8k2v9q4r7t Jansen 1.pdf: full", "cannot keep document 3m8k2v9q4r7t D0001.pdf: full"),
        ("cannot keep document 3m8k2v9q4r7t Other one.pdf: x", "cannot keep document 3m8k2v9q4r7t D0003.pdf: x"),
        ("cannot read Jansen 1.pdf.err: gone", "cannot read D0001.pdf.err: gone"),
        ("renamed from Other, one.pdf", "D0003.pdf"),
        ("cannot look into 'Jansen 1.pdf'", "cannot look into 'D0001.pdf'"),
        ("open /INGIS-STATUS.txt failed", "open /INGIS-STATUS.txt failed"),
        ("released FACTUUR to all", "released D0002 to all"),
        (r"C:\Users\Jan Smit\AppData and /home/jan/x", r"C:\Users\(user)\AppData and /home/(user)/x"),
        ("https://jan:geheim@host/inbox", "https://host/inbox"),
        ("took 1.234,50 or € 12 of EUR 3,5; 0.5 s", "took (amount) or (amount) of (amount); 0.5 s"),
        ("3.14.2 and 14:03:05,123 and 1,234", "3.14.2 and 14:03:05,123 and 1,234"),
    ],
)
def test_a_line_is_veiled_and_still_says_what_happened(line: str, veiled: str) -> None:
    assert Veil(["Jansen 1.pdf", "Factuur"]).text(line) == veiled


def test_a_name_has_one_number_in_any_case_and_king_s_number_stays_behind_it() -> None:
    veil = Veil(["F1.pdf", "F2.pdf"])
    assert [veil.name(name) for name in ("f1.PDF", "F1(2).pdf", "F1.xml", "F2.pdf", "F3")] == [
        "D0001.pdf",
        "D0001(2).pdf",
        "D0001.xml",
        "D0002.pdf",
        "D0003",
    ]
    assert veil.path("in/Jansen/F1.pdf") == "map-01/map-02/D0001.pdf"


def test_a_drive_that_is_away_has_a_report_too(tmp_path: Path) -> None:
    made = Drive(tmp_path, "https://jan:geheim@localhost/", settings={"state": str(tmp_path / "state")})
    outbox = Outbox(made.state)
    Steps(outbox).hold("Jansen.pdf", Reason.SERVER_REFUSED, "PUT Jansen.pdf: 413")
    with outbox.transact():
        outbox._sql("DROP TABLE sent")  # as in one that only an older version has opened
    outbox.shut()
    report = tmp_path / "r.zip"
    done = made.run("report", "--config", str(made.config), "--state", str(made.state), "--output", str(report))
    assert done.returncode == 0, done.stderr
    told = files(report)
    assert "413" in told["status.json"]
    assert not WORDS.search("".join(told.values()))
    assert "geheim" not in "".join(told.values())


def test_without_an_outbox_it_says_so(tmp_path: Path) -> None:
    made = Drive(tmp_path, "https://localhost/")
    report = tmp_path / "r.zip"
    done = made.run("report", "--config", str(made.config), "--state", str(made.state), "--output", str(report))
    assert done.returncode == 1
    assert not report.exists()
