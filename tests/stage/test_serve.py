"""Starting, announcing, stopping."""

from __future__ import annotations

import signal
import socket
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from ingisfs.stage import StageError
from ingisfs.stage.sentences import _SENTENCES, LANGUAGES, say
from ingisfs.stage.serve import PASSWORD_VARIABLE, Stage, serve
from tests.stage.harness import PASSWORD, REPOSITORY, USER, Process, Running, logged_in, stage_process


def stop(process: Process) -> str:
    """Ask it to stop, and return all that it said."""
    process.popen.send_signal(signal.SIGTERM)
    code, output, errors = process.finish()
    assert (code, errors) == (0, "")
    return "\n".join([*process.announced, output])


def test_the_first_password_is_announced_once_and_kept_nowhere(tmp_path: Path) -> None:
    with stage_process(tmp_path / "stage", password=None) as process:
        running = process.ready()
        first, last = process.announced
        assert "wordt niet nog eens getoond" in first
        password = first.split("wachtwoord: ")[1].split()[0]
        assert len(password) >= 12
        assert f"http://127.0.0.1:{running.port}/inbox/ " in last
        answer = httpx.get(f"{running.root}/inbox.json", auth=(USER, password), trust_env=False)
        assert answer.status_code == 200
        assert password not in answer.text
        assert stop(process).count(password) == 1
    for file in (tmp_path / "stage").rglob("*"):
        assert file.is_dir() or password.encode() not in file.read_bytes()
    with stage_process(tmp_path / "stage", password=None) as process:
        running = process.ready()
        assert len(process.announced) == 1
        assert httpx.get(f"{running.root}/inbox.json", auth=(USER, password), trust_env=False).status_code == 200
        assert password not in stop(process)


def test_a_given_first_password_is_used_and_not_shown(tmp_path: Path) -> None:
    with stage_process(tmp_path / "stage", password="mijn eigen") as process:
        running = process.ready()
        assert httpx.get(f"{running.root}/inbox.json", auth=(USER, "mijn eigen"), trust_env=False).status_code == 200
        assert "mijn eigen" not in stop(process)
    with stage_process(tmp_path / "stage", password="een ander") as process:  # not the first start any more
        running = process.ready()
        assert httpx.get(f"{running.root}/inbox.json", auth=(USER, "een ander"), trust_env=False).status_code == 401


def test_two_first_starts_make_two_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    said: list[str] = []
    for name in ("een", "twee"):
        Stage(tmp_path / name, announce=said.append, language="en").close()
    passwords = {sentence.split("password: ")[1].split()[0] for sentence in said if "password: " in sentence}
    assert len(passwords) == 2


@pytest.mark.parametrize(("language", "word"), [("nl", "staat klaar"), ("en", "is ready")])
def test_the_sentences_are_dutch_or_english(tmp_path: Path, language: str, word: str) -> None:
    with stage_process(tmp_path / "stage", language=language) as process:
        process.ready()
        assert word in process.announced[-1]


def test_every_sentence_is_there_in_both_languages_with_the_same_gaps() -> None:
    for key, sentences in _SENTENCES.items():
        assert len(sentences) == len(LANGUAGES)
        gaps = [{part.split("}")[0] for part in sentence.split("{")[1:]} for sentence in sentences]
        assert gaps[0] == gaps[1], key
    with pytest.raises(ValueError, match="de"):
        say("de", "ready")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly_though_clients_stay_connected(tmp_path: Path, number: signal.Signals) -> None:
    with stage_process(tmp_path / "stage") as process, logged_in(process.ready()) as client:
        client.put("/inbox/F1.pdf", content=b"een").raise_for_status()
        process.popen.send_signal(number)
        assert process.finish() == (0, "", "")
    assert (tmp_path / "stage" / "inbox" / "F1.pdf").read_bytes() == b"een"


def test_it_listens_on_the_loopback_address_only(stage: Running) -> None:
    with socket.socket() as here:
        assert here.connect_ex(("127.0.0.1", stage.port)) == 0
    with socket.socket() as elsewhere:  # 127.0.0.2 is this machine too, but not where we listen
        assert elsewhere.connect_ex(("127.0.0.2", stage.port)) != 0
    listeners = Path("/proc/net/tcp").read_text().splitlines() + Path("/proc/net/tcp6").read_text().splitlines()
    local = [fields[1] for fields in map(str.split, listeners) if len(fields) > 3 and fields[3] == "0A"]
    assert [address for address in local if address.endswith(f":{stage.port:04X}")] == [f"0100007F:{stage.port:04X}"]


def test_answers_are_not_held_back_for_an_acknowledgement(client: httpx.Client) -> None:
    """Without TCP_NODELAY an answer in two parts takes 40 ms more."""
    client.get("/inbox.json")
    for _ in range(20):
        answer = client.request("PROPFIND", "/inbox/", headers={"Depth": "0"})
        if answer.elapsed.total_seconds() < 0.03:
            return
    raise AssertionError("never under 30 ms")


def test_the_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "nieuw" / "stage"
    for _ in range(2):
        Stage(folder, announce=lambda _: None).close()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        folder.chmod(0o755)


@pytest.mark.parametrize(("language", "word"), [("nl", "is al in gebruik"), ("en", "in use already")])
def test_a_port_in_use_is_said_clearly(stage: Running, tmp_path: Path, language: str, word: str) -> None:
    with pytest.raises(StageError, match=f"{stage.port} {word}|{stage.port} is {word}"):
        serve(tmp_path / "stage", stage.port, language=language, announce=pytest.fail)
    assert not (tmp_path / "stage").exists()


def test_a_port_that_cannot_be_is_said_clearly(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="70000"):
        serve(tmp_path / "stage", 70_000, announce=pytest.fail)


def test_a_folder_in_use_is_said_clearly(stage: Running) -> None:
    with pytest.raises(StageError, match="draait al"):
        serve(stage.folder, 0, announce=pytest.fail)


def test_a_folder_that_cannot_be_is_said_clearly(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("geen map")
    with pytest.raises(StageError, match="kan niet worden gebruikt"):
        serve(tmp_path / "file", 0, announce=pytest.fail)
    (tmp_path / "stage").mkdir()
    (tmp_path / "stage" / "stage.db").write_text("geen database " * 100)
    with pytest.raises(StageError, match="kan niet worden gebruikt: file is not a database"):
        serve(tmp_path / "stage", 0, announce=pytest.fail)


def test_after_kill_9_the_same_port_and_folder_can_be_used_at_once(tmp_path: Path) -> None:
    port = 0
    for _ in range(3):
        with stage_process(tmp_path / "stage", port=port) as process, logged_in(process.ready()) as client:
            client.put("/inbox/F1.pdf", content=b"een").raise_for_status()
            port = client.base_url.port or 0
            process.popen.kill()
            process.finish()


def test_the_error_of_a_process_is_one_line(stage: Running, tmp_path: Path) -> None:
    with stage_process(tmp_path / "stage", port=stage.port) as process:
        code, output, errors = process.finish()
    assert (code, output) == (1, "")
    assert errors.startswith("StageError: Poort ")
    assert errors.count("\n") == 1


def test_a_request_sent_as_soon_as_the_url_is_announced_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    with closing(Stage(tmp_path / "stage", announce=lambda _: None)) as stage, socket.socket() as early:
        early.connect(("127.0.0.1", stage.port))
        early.sendall(b"GET /inbox.json HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        thread = threading.Thread(target=stage.run)
        thread.start()
        try:
            assert early.recv(4096).startswith(b"HTTP/1.1 401 ")
        finally:
            stage.stop()
            thread.join()


def test_the_package_needs_none_of_its_extras() -> None:
    code = (
        "import sys; sys.path.insert(0, '.'); import ingisfs.stage; "
        "print([name for name in sys.modules if name.split('.')[0] in {'argon2', 'starlette', 'uvicorn', 'jinja2'}])"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
