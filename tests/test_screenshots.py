"""The pictures of the handbook and the README: made from a drive that runs, each of another state of its page."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import screenshots
from scripts.screenshots import IMAGES, Studio
from tests.test_docs import PAGES, read

#: picture → the colour of its bar, as docs/handleiding.md names it
BARS = {"well": (26, 127, 75), "needs-you": (179, 38, 30), "server-away": (168, 91, 0)}


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    made = Studio("nl")
    made.images = tmp_path
    yield made
    for number, handler in before.items():
        signal.signal(number, handler)
    shutil.rmtree(made.folder)


def bar(picture: Path) -> tuple[int, ...]:
    """Return the colour at the upper left of a picture, where the bar is."""
    from PIL import Image

    found = Image.open(picture).convert("RGB").getpixel((3, 3))
    assert isinstance(found, tuple)
    return tuple(map(int, found))


def test_a_running_drive_comes_into_each_state_and_chromium_takes_its_picture(studio: Studio) -> None:
    screenshots.shoot_all(studio)
    made = sorted(studio.images.glob("*.png"))
    assert [path.name for path in made] == sorted(f"status-{name}.nl.png" for name in BARS)
    for name, colour in BARS.items():
        found = bar(studio.images / f"status-{name}.nl.png")
        assert max(abs(one - other) for one, other in zip(found, colour, strict=True)) < 12, (name, found)


@pytest.mark.parametrize("name", BARS)
@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_picture_in_the_documents_is_of_the_state_that_its_name_tells(name: str, language: str) -> None:
    found = bar(IMAGES / f"status-{name}.{language}.png")
    assert max(abs(one - other) for one, other in zip(found, BARS[name], strict=True)) < 12, found


def test_every_picture_that_a_document_shows_is_there() -> None:
    shown = [(page, found) for page in PAGES for found in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", read(page))]
    assert any(page.name == "README.md" and "status-needs-you" in picture for page, picture in shown)
    for page, picture in shown:
        assert (page.parent / picture).is_file(), f"{page.name}: {picture}"
