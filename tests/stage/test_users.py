"""Who may use the stage."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import argon2
import pytest

from ingisfs.stage.users import Users


@pytest.fixture
def users(tmp_path: Path) -> Iterator[Users]:
    with closing(Users(tmp_path)) as some:
        some.add("king", "geheim")
        yield some


def test_the_right_password_is_let_in_and_no_other(users: Users) -> None:
    assert users.verify("king", "geheim")
    assert not users.verify("king", "Geheim")
    assert not users.verify("king", "")
    assert not users.verify("queen", "geheim")


def test_a_password_is_remembered_once_verified_and_never_before(users: Users) -> None:
    assert not users.remembers("king", "geheim")
    users.verify("king", "fout")
    assert not users.remembers("king", "geheim")
    assert not users.remembers("king", "fout")
    users.verify("king", "geheim")
    assert users.remembers("king", "geheim")
    assert not users.remembers("king", "fout")
    assert not users.remembers("queen", "geheim")


def test_a_new_password_ends_the_old_one_at_once(users: Users) -> None:
    users.verify("king", "geheim")
    users.change_password("king", "nieuw")
    assert not users.remembers("king", "geheim")
    assert not users.verify("king", "geheim")
    assert users.verify("king", "nieuw")
    with pytest.raises(KeyError):
        users.change_password("queen", "nieuw")


def test_a_hash_changed_by_another_process_ends_what_was_remembered(users: Users, tmp_path: Path) -> None:
    users.verify("king", "geheim")
    with closing(sqlite3.connect(tmp_path / "stage.db", isolation_level=None)) as other:
        other.execute("UPDATE users SET hash = ?", (argon2.PasswordHasher().hash("nieuw"),))
    assert not users.remembers("king", "geheim")
    assert not users.verify("king", "geheim")
    assert users.verify("king", "nieuw")


def test_an_unknown_user_costs_as_much_as_a_wrong_password(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[argon2.Parameters] = []
    verify = argon2.PasswordHasher.verify

    def counting(hasher: argon2.PasswordHasher, stored: str, password: str) -> bool:
        checked.append(argon2.extract_parameters(stored))
        return verify(hasher, stored, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counting)
    users.verify("king", "fout")
    users.verify("queen", "fout")
    assert len(checked) == 2
    assert checked[0] == checked[1]


def test_the_password_is_kept_as_an_argon2_hash_only(users: Users, tmp_path: Path) -> None:
    files = [file.read_bytes() for file in tmp_path.iterdir()]
    assert any(b"$argon2id$" in content for content in files)
    assert not any(b"geheim" in content for content in files)


def test_users_survive_a_restart(users: Users, tmp_path: Path) -> None:
    with closing(Users(tmp_path)) as again:
        assert not again.is_empty()
        assert again.verify("king", "geheim")


def test_letters_typed_on_a_mac_are_the_same_letters(users: Users) -> None:
    users.add("ren\N{LATIN SMALL LETTER E WITH ACUTE}", "caf\N{LATIN SMALL LETTER E WITH ACUTE}")
    assert users.verify("rene\N{COMBINING ACUTE ACCENT}", "cafe\N{COMBINING ACUTE ACCENT}")


@pytest.mark.parametrize("name", ["", "a:b", "a\nb", "a\0b", "king"])
def test_unfit_and_taken_names_are_refused(users: Users, name: str) -> None:
    with pytest.raises(ValueError, match="user"):
        users.add(name, "geheim")


def test_an_empty_password_is_refused(users: Users) -> None:
    with pytest.raises(ValueError, match="password"):
        users.add("queen", "")
    with pytest.raises(ValueError, match="password"):
        users.change_password("king", "")
