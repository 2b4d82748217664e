"""Setting a drive up with a person: questions, the try at the server, passwords, the host key, the file."""

from __future__ import annotations

import os
import select
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import keyring
import pytest
from click.testing import CliRunner, Result

from ingisfs import config, credentials, settings_file
from ingisfs.cli import main
from ingisfs.config import ConfigError, Drive, Mail, from_table, load
from ingisfs.delivery.failures import (
    DeliveryError,
    DoubtError,
    TargetNeedsPersonError,
    TargetReason,
    TransientError,
    UnreachableError,
)
from ingisfs.delivery.probe import Findings, probe
from ingisfs.delivery.server import document_of
from ingisfs.report.catalogue import LANGUAGES, say
from ingisfs.setup import told
from tests.documents import pdf
from tests.doubles import FaultyServer
from tests.faulty_dav import FaultyDav, Say, faulty_dav
from tests.keyrings import MemoryKeyring, no_keyring
from tests.servers import Server, apache_server, nginx_server, stage_server, wait_for, wsgidav_server
from tests.sftp_servers import asyncssh_server, openssh_server


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's home on a machine of its own."""
    place = tmp_path / "home"
    place.mkdir()
    monkeypatch.setenv("HOME", str(place))
    for name in ("DATA", "STATE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(place / name.lower()))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "etc"))
    monkeypatch.setattr(config, "machine_folder", lambda: tmp_path / "machine")
    if sys.platform == "win32":  # asks Windows itself, not its variables
        monkeypatch.setattr("platformdirs.windows.get_win_folder", lambda name: str(place / name))
        monkeypatch.setattr(config, "machine_config_path", lambda: tmp_path / "etc" / "ingisfs" / "config.toml")
    for name in ("INGISFS_PASSWORD", "INGISFS_LANGUAGE", "LC_ALL", "LANG"):
        monkeypatch.delenv(name, raising=False)
    return place


def mode(path: Path) -> int | None:
    """Who may do what with a file; None where there is no such thing."""
    return None if sys.platform == "win32" else stat.S_IMODE(path.stat().st_mode)


def place_of(home: Path) -> str:
    """Where a person wants the drive."""
    return "X:" if sys.platform == "win32" else str(home / "X")


@pytest.fixture(autouse=True)
def ring() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    made = MemoryKeyring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with wsgidav_server(tmp_path / "server") as made:
        yield made


def ingisfs(*arguments: str, answers: Sequence[str] = ()) -> Result:
    """Run a command, and type these lines."""
    return CliRunner().invoke(main, arguments, input="".join(f"{line}\n" for line in answers))


def settings(path: Path | None = None) -> dict[str, Any]:
    """What the file has of the drive."""
    found: dict[str, Any] = tomllib.loads((path or config.user_config_path()).read_text())["drives"]["king"]
    return found


# ---- the conversation --------------------------------------------------------------------------------------------


def test_a_drive_is_set_up_by_six_answers(server: Server, ring: MemoryKeyring, home: Path) -> None:
    done = ingisfs("setup", answers=["nl", server.url, server.user, server.password, place_of(home), "-"])
    assert done.exit_code == 0, done.output
    assert settings() == {
        "server": server.url,
        "user": server.user,
        "mountpoint": place_of(home),
        "language": "nl",
    }
    assert ring.kept == {(f"ingisfs {server.url}", server.user): server.password}
    assert "Adres van INGIS" in done.output
    assert "Goed: inloggen, schrijven" in done.output
    assert "autostart on --machine" in done.output
    assert server.password not in done.output
    path = config.user_config_path()
    assert server.password not in path.read_text()
    assert mode(path) in {0o600, None}
    assert sys.platform == "win32" or (home / "X").is_dir()
    assert server.names() == []
    assert list(server.root.rglob("*")) == []  # the test files are gone


def test_the_questions_are_in_english_when_asked(server: Server, home: Path) -> None:
    answers = [server.url, server.user, server.password, place_of(home), "-"]
    done = ingisfs("setup", "--language", "en", answers=answers)
    assert done.exit_code == 0, done.output
    assert "Address of INGIS" in done.output
    assert "Good: logging in" in done.output
    assert settings()["language"] == "en"


def test_the_wrong_password_is_said_and_typed_again(server: Server, ring: MemoryKeyring, home: Path) -> None:
    wrong = ["nl", server.url, server.user, "wrong", "v"]
    right = [server.url, server.user, server.password, place_of(home), "-"]
    done = ingisfs("setup", answers=[*wrong, *right])
    assert done.exit_code == 0, done.output
    assert "weigert de gebruiker, het wachtwoord" in done.output
    assert list(ring.kept.values()) == [server.password]


def test_enter_takes_what_was_set_up_before_and_the_password_that_is_kept(
    server: Server, ring: MemoryKeyring, home: Path
) -> None:
    ingisfs("setup", answers=["nl", server.url, server.user, server.password, place_of(home), "-"])
    before = config.user_config_path().read_text(), dict(ring.kept)
    done = ingisfs("setup", answers=["", "", "", "", ""])
    assert done.exit_code == 0, done.output
    assert "Goed: inloggen" in done.output
    assert (config.user_config_path().read_text(), ring.kept) == before


def test_what_is_wrong_may_be_saved_all_the_same(server: Server, home: Path) -> None:
    server.stop()
    done = ingisfs("setup", answers=["nl", server.url, server.user, "secret", "o", "b", place_of(home), "-"])
    assert done.exit_code == 0, done.output
    assert done.output.count("De server antwoordt niet") == 2  # tried again
    assert settings()["server"] == server.url


def test_whoever_stops_has_changed_nothing(server: Server, ring: MemoryKeyring) -> None:
    server.stop()
    done = ingisfs("setup", answers=["nl", server.url, server.user, "secret", "s"])
    assert done.exit_code == 1
    assert "er is niets bewaard" in done.output
    done = ingisfs("setup", answers=["nl", server.url])  # the end of the input, as Ctrl+C
    assert done.exit_code == 1
    assert not config.user_config_path().exists()
    assert ring.kept == {}


def test_an_address_that_cannot_be_is_asked_for_again(server: Server, home: Path) -> None:
    bad = ["gopher://x", "ftp://x/", "https://u:p@x/", "http://example.nl/"]
    answers = ["nl", *bad, server.url, server.user, server.password, place_of(home), "-"]
    done = ingisfs("setup", answers=answers)
    assert done.exit_code == 0, done.output
    for sentence in (
        "geen serveradres dat deze versie kent",
        "Gebruik ftps://",
        "niet in het serveradres",
        "onversleuteld",
    ):
        assert sentence in done.output


def test_without_a_keyring_a_file_is_offered_that_only_its_owner_may_read(server: Server, home: Path) -> None:
    keyring.set_keyring(no_keyring())
    done = ingisfs("setup", answers=["nl", server.url, server.user, server.password, place_of(home), "-", "j"])
    assert done.exit_code == 0, done.output
    assert "geen sleutelbos" in done.output
    drive = load(config.user_config_path(), "king")
    path = credentials.password_file(drive)
    assert mode(path) in {0o600, None}
    assert credentials.password(drive) == server.password


def test_nothing_typed_as_a_password_shows_on_the_screen(server: Server, home: Path, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(f'[drives.king]\nserver = "{server.url}"\nuser = "anna"\n')
    import pty  # not on Windows

    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "ingisfs", "login", "--config", str(tmp_path / "c.toml")],
        env={**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"},
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
    )
    os.close(inside)
    shown = b""

    def shows(text: bytes) -> bool:
        nonlocal shown
        if select.select([terminal], [], [], 0)[0]:
            with suppress(OSError):  # the end of the process
                shown += os.read(terminal, 4096)
        return text in shown

    try:
        wait_for(lambda: shows(b"achtwoord"), "the question", 60)
        os.write(terminal, b"very-secret\n")
        wait_for(lambda: shows(b"sleutelbos die"), "the refusal of a keyring that keeps nothing", 60)
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    assert b"very-secret" not in shown


# ---- the file ----------------------------------------------------------------------------------------------------


def test_what_a_person_wrote_into_the_file_stays(server: Server, home: Path) -> None:
    path = config.user_config_path()
    path.parent.mkdir(parents=True)
    written = (
        "# by Anna\nversion = 1\n\n[drives.other]  # of Bart\nserver = 'https://b/'\n\n"
        "[drives.king]\n# do not touch\nsettle = 5.0\nuser = 'old' # hers\n[drives.king.folders]\n'Credit' = 'c'\n"
    )
    path.write_text(written)
    os.chmod(path, 0o640)
    answers = [server.url, server.user, server.password, place_of(home), "-"]
    done = ingisfs("setup", answers=answers)
    assert done.exit_code == 0, done.output
    text = path.read_text()
    for comment in ("# by Anna", "# of Bart", "# do not touch", "# hers"):
        assert comment in text
    assert settings()["settle"] == 5.0
    assert settings()["folders"] == {"Credit": "c"}
    assert settings()["user"] == server.user
    assert load(path, "other").server == "https://b/"
    assert mode(path) in {0o640, None}


def test_a_file_by_a_newer_ingisfs_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("version = 2\n[drives.king]\nwarp = 9\n")
    done = ingisfs("check", "--config", str(path))
    assert done.exit_code == 1
    assert "nieuwere ingisfs" in done.output
    with pytest.raises(ConfigError, match="newer"):
        settings_file.write(path, "king", {"user": "x"})
    assert "warp" in path.read_text()
    for version in ("true", "0", "'1'"):
        path.write_text(f"version = {version}\n")
        with pytest.raises(ConfigError, match="bad-value"):
            load(path, "king")


@pytest.mark.parametrize(
    "pattern",
    [
        "{name}.err",
        "{stem}.err",
        "{stem}_rejected*",
        "err_{name}",
        "rejected/{name}",
        "a/b/{stem}*.txt",
        "{stem}-*.log",
    ],
)
def test_a_name_of_an_answer_is_taken_as_it_stands(pattern: str) -> None:
    drive = from_table({"responses": {"refused": [pattern], "accepted": "{name}.ack"}})
    assert drive.responses == {"refused": (pattern,), "accepted": ("{name}.ack",)}
    assert Drive.from_json(drive.to_json()) == drive


@pytest.mark.parametrize(
    "pattern",
    [
        *("{naam}.err", "{name", "{}", "{name}{stem}.err", "{name:>9}.err", "{name!r}.err", ".err", "", 7, "{name}/x"),
        *("{name}", "{stem}*", "{stem}.xml", "{stem}.PDF", "{stem}.*", "*{name}.err", "{name}.*.*", "*/{name}"),
        *("/rejected/{name}", "../{name}", "a/../{name}", "a\\{name}.err", "{stem}*.pdf"),
    ],
)
def test_a_name_that_no_answer_can_have_is_refused_with_a_good_one(pattern: object) -> None:
    with pytest.raises(ConfigError) as caught:
        from_table({"responses": {"refused": [pattern]}})
    for language in LANGUAGES:
        sentence = say(language, caught.value.sentence, **caught.value.values)
        assert str(pattern) in sentence
        assert "{name}.err" in sentence


@pytest.mark.parametrize("table", [{"refusd": ["{name}.err"]}, {"refused": 3}, ["{name}.err"]])
def test_a_table_of_answers_that_cannot_be_is_refused(table: object) -> None:
    with pytest.raises(ConfigError):
        from_table({"responses": table})


def test_a_value_that_cannot_be_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    settings_file.write(path, "king", {"user": "anna"})
    before = path.read_bytes()
    with pytest.raises(ConfigError):
        settings_file.write(path, "king", {"settle": "long"})
    with pytest.raises(ConfigError):
        settings_file.write(path, "king", {"setle": 1.0})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if "c.toml" in p.name] == ["c.toml"]


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "link.toml"
    real.write_text("[drives.king]\n")
    link.symlink_to(real)
    settings_file.write(link, "king", {"user": "anna"})
    assert link.is_symlink()
    assert load(real, "king").user == "anna"


def test_a_setting_is_taken_away_and_others_are_added(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    settings_file.write(path, "king", {"user": "anna", "host_key": "SHA256:" + "a" * 43})
    settings_file.write(path, "bart", {"server": "https://b/"})
    settings_file.write(path, "king", {"host_key": None, "mail": {"host": "h", "to": ["a@b"]}})
    assert settings(path) == {"user": "anna", "mail": {"host": "h", "to": ["a@b"]}}
    assert config.names_in(path) == ["king", "bart"]
    assert path.read_text().startswith("version = 1")
    with pytest.raises(ConfigError):
        settings_file.write(tmp_path, "king", {"user": "anna"})


def test_a_mark_by_windows_editor_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes(b"\xef\xbb\xbf[drives.king]\r\nuser = 'anna'\r\n")
    assert load(path, "king").user == "anna"


def test_whoever_has_no_file_uses_the_machines(tmp_path: Path) -> None:
    machine = config.machine_config_path()
    assert machine == tmp_path / "etc" / "ingisfs" / "config.toml"
    assert config.config_path() == config.user_config_path()
    settings_file.write(machine, "king", {"user": "anna"})
    assert config.config_path() == machine
    drive = load(config.config_path(), "king")
    assert drive.state_folder == tmp_path / "machine" / "king"
    assert drive.of_machine
    settings_file.write(config.user_config_path(), "king", {"user": "bart"})
    assert config.config_path() == config.user_config_path()
    assert not load(config.config_path(), "king").of_machine


@pytest.mark.parametrize(
    "mail",
    [
        {"to": ["a@b"]},
        {"host": "h"},
        {"host": "h", "to": []},
        {"host": "h", "to": ["a@b\nBcc: c@d"]},
        {"host": "h", "to": ["a@b"], "port": 70000},
        {"host": "h", "to": ["a@b"], "port": True},
        {"host": "h", "to": ["a@b"], "tls": "no"},
        {"host": "h", "to": ["a@b"], "from": "anna"},
        {"host": "h", "to": ["a@b"], "tls": "none"},
        {"host": "h", "to": ["a@b"], "hots": "h"},
        "a@b",
    ],
)
def test_mail_settings_that_cannot_be_are_refused(mail: object) -> None:
    with pytest.raises(ConfigError):
        from_table({"mail": mail})


def test_mail_settings_reach_the_drives_process_whole() -> None:
    drive = from_table({"mail": {"host": "h", "to": "a@b", "from": "c@d", "tls": "tls", "port": 25, "user": "u"}})
    assert drive.mail == Mail("h", ("a@b",), "c@d", 25, "tls", "u")
    assert Drive.from_json(drive.to_json()) == drive
    assert Drive.from_json(Drive().to_json()) == Drive()


# ---- trying a server out ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [wsgidav_server, apache_server, nginx_server, stage_server])
def test_a_good_server_is_told_so_and_keeps_one_file_for_a_later_check(
    tmp_path: Path, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with make(tmp_path / "server") as server:
        settings_file.write(config.user_config_path(), "king", {"server": server.url, "user": server.user})
        monkeypatch.setenv("INGISFS_PASSWORD", server.password)
        done = ingisfs("check")
        assert done.exit_code == 0, done.output
        assert "wordt niet overschreven" in done.output
        assert ("tijdelijke namen niet zien" in done.output) == (make is nginx_server)
        if make is stage_server:
            left = [document["name"] for document in server.received()]
        else:
            left = [path.name for path in server.root.rglob("*")]
        assert len(left) == 1
        assert document_of(left[0])
        monkeypatch.setenv("INGISFS_PASSWORD", "wrong")
        done = ingisfs("check")
        assert done.exit_code == 3
        assert "weigert de gebruiker" in done.output
    done = ingisfs("check")
    assert done.exit_code == 1
    assert "antwoordt nu niet" in done.output


def test_a_server_that_overwrites_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with faulty_dav() as dav:
        settings_file.write(config.user_config_path(), "king", {"server": dav.url, "user": "king"})
        monkeypatch.setenv("INGISFS_PASSWORD", "secret")
        assert ingisfs("check").exit_code == 0
        dav.move = lambda name, target, overwrite: FaultyDav.move(dav, name, target, True)  # type: ignore[method-assign]
        done = ingisfs("check")
        assert done.exit_code == 3
        assert "overschrijft" in done.output
        assert len(dav.files) == 1
        assert dav.arrivals  # by MOVE, and none under a name that INGIS could collect
        assert all(document_of(name) for name, _ in dav.arrivals)


def test_a_server_that_cannot_rename_is_usable_and_a_person_is_told_what_that_means(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with faulty_dav() as dav:
        settings_file.write(config.user_config_path(), "king", {"server": dav.url, "user": "king"})
        monkeypatch.setenv("INGISFS_PASSWORD", "secret")
        dav.move = lambda name, target, overwrite: Say(405)  # type: ignore[method-assign]
        done = ingisfs("check")
        assert done.exit_code == 0, done.output
        assert "kan niet hernoemen" in done.output
        assert dav.files == {}  # no document is ever under a temporary name there
        assert all(document_of(name) for name, _ in dav.arrivals)


def test_only_names_that_ingis_passes_over_are_ever_used() -> None:
    server = FaultyServer()
    assert probe(lambda: server).good
    assert probe(lambda: server, "tijdelijk").good
    names = {name for operation, name in server.calls if operation not in {"ping", "entries"}}
    assert all(document_of(name) for name in names)
    assert {name.rpartition("/")[0] for operation, name in server.calls if operation == "put"} == {"", "tijdelijk"}
    assert {name.rpartition("/")[0] for operation, name in server.calls if operation == "publish"} == {""}
    assert server.files == {}


@pytest.mark.parametrize(
    ("operation", "step"), [("put", "put"), ("publish", "rename"), ("entries", "list"), ("remove", "remove")]
)
@pytest.mark.parametrize(
    "error", [TransientError("x"), DoubtError("x"), TargetNeedsPersonError(TargetReason.FORBIDDEN, "x")]
)
def test_every_step_that_fails_has_its_sentence(operation: str, step: str, error: DeliveryError) -> None:
    server = FaultyServer()

    def fail(done: str, name: str) -> None:
        if done == operation:
            raise error

    server.before = fail
    found = probe(lambda: server)
    assert not found.good
    assert found.step == step
    assert server.files == {} or step == "remove"
    for language in LANGUAGES:
        assert len(told(language, found)) == 2


@pytest.mark.parametrize("reason", TargetReason)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_is_told_with_what_to_do(reason: TargetReason, language: str) -> None:
    text = told(language, Findings(TargetNeedsPersonError(reason, "401"), "reach"))
    assert len(text) == 2
    assert text[1].endswith("401")
    assert told(language, Findings(UnreachableError("refused"), "reach"))[0] != text[0]


def test_a_file_that_arrives_half_is_found_out() -> None:
    server = FaultyServer()

    def cut(operation: str, name: str) -> None:
        if operation == "put":
            server.files[name] = b""

    server.after = cut
    found = probe(lambda: server)
    assert (found.good, found.step) == (False, "put")


def test_a_check_beside_documents_touches_none_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with wsgidav_server(tmp_path / "server") as server:
        (server.root / "F1.pdf").write_bytes(pdf())
        settings_file.write(config.user_config_path(), "king", {"server": server.url, "user": server.user})
        monkeypatch.setenv("INGISFS_PASSWORD", server.password)
        assert ingisfs("check").exit_code == 0
        assert [path.name for path in server.root.iterdir() if not document_of(path.name)] == ["F1.pdf"]
        assert (server.root / "F1.pdf").read_bytes() == pdf()


# ---- passwords ---------------------------------------------------------------------------------------------------


def test_login_keeps_the_password_in_the_keyring(ring: MemoryKeyring) -> None:
    settings_file.write(config.user_config_path(), "king", {"server": "https://b/", "user": "anna"})
    done = ingisfs("login", answers=["gehëim"])
    assert done.exit_code == 0, done.output
    assert ring.kept == {("ingisfs https://b/", "anna"): "gehëim"}
    assert "gehëim" not in done.output
    assert ingisfs("login", "--stdin", answers=["andere"]).exit_code == 0
    assert list(ring.kept.values()) == ["andere"]
    assert ingisfs("login", "--stdin").exit_code == 1
    assert list(ring.kept.values()) == ["andere"]


def test_login_without_a_keyring_says_what_else_there_is(tmp_path: Path) -> None:
    keyring.set_keyring(no_keyring())
    place = tmp_path / "secret"
    values = {"server": "https://b/", "user": "anna", "password_file": str(place)}
    settings_file.write(config.user_config_path(), "king", values)
    done = ingisfs("login", answers=["geheim"])
    assert done.exit_code == 1
    assert "ingisfs login --file" in done.output
    done = ingisfs("login", "--file", answers=["geheim"])
    assert done.exit_code == 0, done.output
    assert mode(place) in {0o600, None}
    assert credentials.password(load(config.user_config_path(), "king")) == "geheim"


def test_login_before_anything_is_set_up_says_what_lacks() -> None:
    done = ingisfs("login", answers=["geheim"])
    assert done.exit_code == 1
    assert "geen server ingesteld" in done.output
    settings_file.write(config.user_config_path(), "king", {"server": "https://b/", "user": "anna"})
    assert "geen post ingesteld" in ingisfs("login", "--mail", answers=["geheim"]).output


def test_the_password_of_the_mail_server_is_another_one(ring: MemoryKeyring) -> None:
    mail = {"host": "smtp.b", "to": ["anna@b"], "user": "anna@b"}
    settings_file.write(config.user_config_path(), "king", {"server": "https://b/", "user": "anna", "mail": mail})
    assert ingisfs("login", "--mail", answers=["post"]).exit_code == 0
    assert ring.kept == {("ingisfs smtp smtp.b", "anna@b"): "post"}
    assert credentials.mail_password(load(config.user_config_path(), "king")) == "post"


# ---- the host key ------------------------------------------------------------------------------------------------


def test_the_host_key_is_shown_and_pinned_and_a_new_one_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with openssh_server(tmp_path, kinds=("ed25519", "rsa")) as server:
        path = config.user_config_path()
        settings_file.write(path, "king", {"server": server.url, "user": server.user})
        monkeypatch.setenv("INGISFS_PASSWORD", server.password)
        assert ingisfs("check").exit_code == 3
        done = ingisfs("trust", answers=["n"])
        assert done.exit_code == 1
        assert "host_key" not in settings()
        assert server.fingerprint() in done.output
        assert server.fingerprint("rsa") in done.output
        done = ingisfs("trust", answers=["j"])
        assert done.exit_code == 0, done.output
        assert settings()["host_key"] == server.fingerprint()
        assert ingisfs("check").exit_code == 0
        assert "Er is niets veranderd" in ingisfs("trust").output
        server.stop()
        server.change_host_keys()
        server.start()
        done = ingisfs("check")
        assert done.exit_code == 3
        assert "ingisfs trust" in done.output
        old = settings()["host_key"]
        done = ingisfs("trust", answers=[""])  # Enter is a no
        assert done.exit_code == 1
        assert "LET OP" in done.output
        assert settings()["host_key"] == old
        assert server.failed_logins() == 0


def test_trust_needs_an_sftp_server_that_answers(server: Server) -> None:
    path = config.user_config_path()
    settings_file.write(path, "king", {"server": server.url, "user": server.user})
    done = ingisfs("trust")
    assert done.exit_code == 1
    assert "geen SFTP-server" in done.output
    settings_file.write(path, "king", {"server": "sftp://127.0.0.1:9/inbox"})
    done = ingisfs("trust")
    assert done.exit_code == 1
    assert "antwoordt niet" in done.output


def test_an_sftp_drive_is_set_up_with_its_host_key(tmp_path: Path, home: Path) -> None:
    with asyncssh_server(tmp_path / "server") as server:
        answers = ["nl", server.url, server.user, server.password, "j", place_of(home), "-"]
        done = ingisfs("setup", answers=answers)
        assert done.exit_code == 0, done.output
        assert settings()["host_key"] == server.fingerprint()
        assert "Goed: inloggen" in done.output
        settings_file.write(config.user_config_path(), "king", {"host_key": None})
        done = ingisfs("setup", answers=["", "", "", "n", "s"])
        assert done.exit_code == 1
        assert "Niet vertrouwd" in done.output
        assert "host_key" not in settings()
