"""The inbox by SFTP: our own courier's client, an ordinary one, and those who are not let in."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import random
import stat
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import asyncssh
import pytest

from ingisfs.delivery.failures import DeliveryError, UnreachableError
from ingisfs.delivery.sftp import SftpServer
from ingisfs.stage.serve import Options, Stage
from tests.servers import wait_for
from tests.stage.harness import PASSWORD, SIZE_LIMIT, USER, Running, running_stage

T = TypeVar("T")
TEMPORARY, NAME = ".ingisfs-44knj3zbqj66-1.part", "20260001.pdf"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Stage]]:
    folder = tmp_path_factory.mktemp("sftp")
    with running_stage(folder, Options(sftp_port=0), size_limit=SIZE_LIMIT) as made:
        made[1].portal.users.add("klant@x.example", PASSWORD, role="customer")
        made[1].portal.users.add("keizer", PASSWORD)
        yield made


@pytest.fixture
def stage(both: tuple[Running, Stage]) -> Iterator[Stage]:
    yield both[1]
    for path in sorted(both[0].inbox.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    wait_for(lambda: not list(both[0].incoming.iterdir()), "no private files to be left", 30)


def inbox(both: tuple[Running, Stage]) -> Path:
    return both[0].inbox


def talk(
    stage: Stage, act: Callable[[asyncssh.SFTPClient], Awaitable[T]], user: str = USER, password: str = PASSWORD
) -> T:
    """Let an ordinary client do something."""

    async def connected() -> T:
        async with (
            asyncssh.connect(
                "127.0.0.1", stage.sftp_port or 0, username=user, password=password, known_hosts=None, client_keys=None,
                config=None, agent_path=None,
            ) as connection,
            connection.start_sftp_client() as client,
        ):  # fmt: skip
            return await act(client)

    return asyncio.run(connected())


def test_the_courier_puts_and_publishes_here_as_anywhere(stage: Stage, both: tuple[Running, Stage]) -> None:
    key = asyncssh.read_private_key(both[0].folder / "ssh_host_key").get_fingerprint()
    data = random.Random(1).randbytes(1_000_003)
    url = f"sftp://127.0.0.1:{stage.sftp_port}/inbox"
    with closing(SftpServer(url, USER, PASSWORD, host_key=key)) as courier:
        courier.ping()
        courier.put(TEMPORARY, data)
        with pytest.raises(DeliveryError):
            courier.put(TEMPORARY, b"another")
        courier.publish(TEMPORARY, NAME)
        assert courier.get(NAME) == data
        entry = courier.entry(NAME)
        assert entry is not None
        assert entry.size == len(data)
        assert courier.entry(TEMPORARY) is None
        courier.put(TEMPORARY, b"another")
        with pytest.raises(DeliveryError):
            courier.publish(TEMPORARY, NAME)
    assert (inbox(both) / NAME).read_bytes() == data


def test_an_ordinary_client_begins_in_the_inbox_and_sees_what_is_there(
    stage: Stage, both: tuple[Running, Stage]
) -> None:
    async def act(client: asyncssh.SFTPClient) -> None:
        assert await client.getcwd() == "/inbox"
        async with client.open("F1.pdf", "wb") as file:
            await file.write(b"een")
        await client.mkdir("map")
        await client.rename("F1.pdf", "map/F1.pdf")
        assert sorted(await client.listdir("/inbox/map")) == [".", "..", "F1.pdf"]
        assert sorted(await client.listdir("/")) == [".", "..", "inbox"]
        assert (await client.stat("map/F1.pdf")).size == 3
        assert stat.S_ISDIR((await client.stat("map")).permissions or 0)
        async with client.open("map/F1.pdf", "rb") as file:
            assert bytes(await file.read()) == b"een"  # type: ignore[arg-type]
        with pytest.raises(asyncssh.SFTPError):
            await client.rmdir("map")
        await client.remove("map/F1.pdf")
        await client.rmdir("map")

    talk(stage, act)
    assert os.listdir(inbox(both)) == []


def test_a_document_has_its_name_when_it_is_whole_and_not_before(stage: Stage, both: tuple[Running, Stage]) -> None:
    async def act(client: asyncssh.SFTPClient) -> None:
        file = await client.open("F1.pdf", "wb")
        await file.write(b"half")
        await file.fsync()
        assert os.listdir(inbox(both)) == []
        await file.close()
        assert os.listdir(inbox(both)) == ["F1.pdf"]

    talk(stage, act)


def test_a_connection_that_breaks_off_leaves_nothing(stage: Stage, both: tuple[Running, Stage]) -> None:
    async def break_off() -> None:
        connection = await asyncssh.connect(
            "127.0.0.1", stage.sftp_port or 0, username=USER, password=PASSWORD, known_hosts=None, client_keys=None,
            config=None, agent_path=None,
        )  # fmt: skip
        client = await connection.start_sftp_client()
        file = await client.open("F1.pdf", "wb")
        await file.write(b"half")
        assert len(os.listdir(both[0].incoming)) == 1
        connection.abort()
        await connection.wait_closed()

    asyncio.run(break_off())
    wait_for(lambda: not os.listdir(both[0].incoming), "the half file to be gone", 30)
    assert os.listdir(inbox(both)) == []


def test_a_session_that_ends_without_closing_leaves_nothing(stage: Stage, both: tuple[Running, Stage]) -> None:
    async def act(client: asyncssh.SFTPClient) -> None:
        file = await client.open("F1.pdf", "wb")
        await file.write(b"half")

    talk(stage, act)
    wait_for(lambda: not os.listdir(both[0].incoming), "the half file to be gone", 30)
    assert os.listdir(inbox(both)) == []


def test_a_document_that_is_too_large_is_refused_and_not_kept(stage: Stage, both: tuple[Running, Stage]) -> None:
    async def act(client: asyncssh.SFTPClient) -> None:
        file = await client.open("F1.pdf", "wb")
        with pytest.raises(asyncssh.SFTPError, match="te groot"):
            await file.write(b"x", SIZE_LIMIT)
        with pytest.raises(asyncssh.SFTPError):
            await file.close()

    talk(stage, act)
    assert os.listdir(inbox(both)) == []


def test_nothing_is_added_to_a_document_and_no_other_replaced_by_surprise(
    stage: Stage, both: tuple[Running, Stage]
) -> None:
    (inbox(both) / "F1.pdf").write_bytes(b"een")

    async def act(client: asyncssh.SFTPClient) -> None:
        for mode in ("ab", "r+b", "xb"):
            with pytest.raises(asyncssh.SFTPError):
                await client.open("F1.pdf", mode)
        first, second = await client.open("F2.pdf", "xb"), await client.open("F2.pdf", "xb")
        await first.write(b"first")
        await second.write(b"second")
        await first.close()
        with pytest.raises(asyncssh.SFTPError):
            await second.close()

    talk(stage, act)
    assert (inbox(both) / "F1.pdf").read_bytes() == b"een"
    assert (inbox(both) / "F2.pdf").read_bytes() == b"first"


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "/inbox/../../etc/passwd", "a/b/c.pdf", "/x.pdf"])
def test_no_path_leads_out_of_the_inbox(stage: Stage, both: tuple[Running, Stage], path: str) -> None:
    async def act(client: asyncssh.SFTPClient) -> None:
        for mode in ("rb", "wb"):
            with pytest.raises(asyncssh.SFTPError):
                async with client.open(path, mode):
                    pass
        with pytest.raises(asyncssh.SFTPError):
            await client.symlink("/etc/passwd", "F1.pdf")

    talk(stage, act)
    assert os.listdir(inbox(both)) == []


@pytest.mark.parametrize(("user", "password"), [(USER, "fout"), ("klant@x.example", PASSWORD), ("niemand", PASSWORD)])
def test_only_king_users_are_let_in(stage: Stage, user: str, password: str) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        talk(stage, lambda client: client.listdir("."), user, password)


def test_each_king_user_has_an_inbox_of_their_own(stage: Stage, both: tuple[Running, Stage]) -> None:
    async def act(client: asyncssh.SFTPClient) -> list[str]:
        async with client.open("K1.pdf", "wb") as file:
            await file.write(b"een")
        names = [str(name) for name in await client.listdir(".")]
        await client.remove("K1.pdf")
        return names

    (inbox(both) / "F1.pdf").write_bytes(b"een")
    assert sorted(talk(stage, act, "keizer")) == [".", "..", "K1.pdf"]
    assert os.listdir(inbox(both)) == ["F1.pdf"]


def test_the_server_s_key_is_for_its_owner_only_and_stays_the_same(tmp_path: Path) -> None:
    from ingisfs.stage.sftp import host_key

    key = host_key(tmp_path)
    assert host_key(tmp_path).get_fingerprint() == key.get_fingerprint()
    assert stat.S_IMODE((tmp_path / "ssh_host_key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["ssh_host_key"]


def test_the_address_and_the_key_are_announced(tmp_path: Path) -> None:
    said: list[str] = []
    with closing(Stage(tmp_path / "s", announce=said.append, options=Options(sftp_port=0))) as made:
        key = asyncssh.read_private_key(tmp_path / "s" / "ssh_host_key").get_fingerprint()
        assert any(f"sftp://king@127.0.0.1:{made.sftp_port}/inbox/" in line and key in line for line in said)


def test_what_came_by_sftp_is_known_by_its_hash(stage: Stage) -> None:
    async def act(client: asyncssh.SFTPClient) -> None:
        async with client.open("F1.pdf", "wb") as file:
            await file.write(b"twee", 3)
            await file.write(b"een", 0)

    talk(stage, act)
    (document,) = stage.portal.desks.of(USER).inbox.documents()
    assert document.sha256 == hashlib.sha256(b"eentwee").hexdigest()


def test_a_stage_that_stops_ends_its_connections(tmp_path: Path) -> None:
    """None of them outlives the loop that served it: its socket would be closed by whoever collects garbage next."""
    with running_stage(tmp_path, Options(sftp_port=0)) as (running, made):
        key = asyncssh.read_private_key(running.folder / "ssh_host_key").get_fingerprint()
        client = SftpServer(f"sftp://127.0.0.1:{made.sftp_port}/inbox", USER, PASSWORD, host_key=key)
        client.ping()
    with closing(client), pytest.raises(UnreachableError):
        client.ping()
    gc.collect()
