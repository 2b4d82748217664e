"""A real stage on a free port, in a thread of this process; emptied after each test."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from ingisfs.stage.serve import PASSWORD_VARIABLE, Stage
from tests.servers import wait_for
from tests.stage.harness import PASSWORD, SIZE_LIMIT, USER, Running, visitor


@pytest.fixture(scope="session")
def shared_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("stage") / "folder"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(PASSWORD_VARIABLE, PASSWORD)
        stage = Stage(folder, announce=lambda _sentence: None, size_limit=SIZE_LIMIT)
    thread = threading.Thread(target=stage.run)
    thread.start()
    try:
        yield Running(folder, stage.port)
    finally:
        stage.stop()
        thread.join()
        stage.close()


@pytest.fixture
def stage(shared_stage: Running) -> Iterator[Running]:
    yield shared_stage
    for entry in shared_stage.inbox.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    wait_for(lambda: not list(shared_stage.incoming.iterdir()), "no private files: the test has left some behind")


@pytest.fixture
def people(stage: Running) -> Iterator[httpx.Client]:
    """A person at the pages, logged in as the King user."""
    with closing(visitor(stage, USER, PASSWORD)) as person:
        person.get("/received?lang=nl")  # others of this account may have chosen English
        yield person


@pytest.fixture
def client(stage: Running) -> Iterator[httpx.Client]:
    """A program, at the root of the stage."""
    with httpx.Client(base_url=stage.root, auth=(USER, PASSWORD), trust_env=False) as logged_in:
        yield logged_in
