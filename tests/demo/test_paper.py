"""The sample paper is whole: every story can be shown, every picture is the size it says it is."""

from __future__ import annotations

import csv
import struct
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from newsletter import demo
from newsletter.render.sample import rows
from tests.drawings.__main__ import DRAWINGS, MAX_BYTES, PICTURES, size_of, strangers

READERS = Path(demo.__file__).parent / "readers.csv"
ARTICLES = rows()
MAX_AGE = 36.0  # hours; the default of [newsletters.selection]


def jpeg_size(picture: Path) -> tuple[int, int]:
    """Width and height from the first frame header (ITU T.81, B.2.2)."""
    data, at = picture.read_bytes(), 2
    while data[at + 1] not in (0xC0, 0xC1, 0xC2):
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    height, width = struct.unpack(">HH", data[at + 5 : at + 9])
    return width, height


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [article for article in ARTICLES if article["kind"] == kind]


def test_every_slot_that_an_article_can_fill_has_one() -> None:
    assert len(of_kind("story")) >= 22
    assert [len(of_kind(kind)) for kind in ("video", "note", "sponsor")] == [1, 1, 1]
    assert {article["section"] for article in of_kind("story")} == {
        "Town", "Harbour", "Schools", "Sport", "Culture",
    }  # fmt: skip


def test_some_stories_are_there_to_be_left_out() -> None:
    titles = [article["title"] for article in of_kind("story")]
    assert len(titles) - len(set(titles)) == 1
    assert sum(article["hours_before"] > MAX_AGE for article in ARTICLES) == 2


def test_the_first_story_is_fresh_and_has_the_wide_picture() -> None:
    lead = min(of_kind("story"), key=lambda story: (story["rank"], story["hours_before"]))
    assert lead == min(of_kind("story"), key=lambda story: story["hours_before"])
    assert lead["picture_width"] / lead["picture_height"] == pytest.approx(16 / 9, abs=0.01)


@pytest.mark.parametrize("article", ARTICLES, ids=[urlsplit(article["url"]).path for article in ARTICLES])
def test_an_article_is_complete(article: dict[str, Any]) -> None:
    assert article["title"] and article["summary"] and article["hours_before"] > 0.5
    assert urlsplit(article["url"]).scheme == "https" and urlsplit(article["url"]).netloc.endswith(".example")
    assert bool(article["html"]) == (article["kind"] in ("note", "sponsor"))
    assert bool(article["duration"]) == (article["kind"] == "video")
    if article["picture"]:
        assert article["picture_alt"].endswith(".")
        stated = (article["picture_width"], article["picture_height"])
        assert jpeg_size(PICTURES / article["picture"]) == stated


def test_no_two_articles_share_an_address() -> None:
    assert len({article["url"] for article in ARTICLES}) == len(ARTICLES)


def test_every_picture_is_used_and_small_and_drawn_from_its_source() -> None:
    pictures = {picture.stem: picture for picture in PICTURES.iterdir()}
    assert {Path(article["picture"]).stem for article in ARTICLES if article["picture"]} == pictures.keys()
    assert {drawing.stem for drawing in DRAWINGS.glob("*.svg")} == pictures.keys()
    assert max(picture.stat().st_size for picture in pictures.values()) <= MAX_BYTES
    assert sum(picture.stat().st_size for picture in pictures.values()) <= 900_000


@pytest.mark.parametrize("drawing", sorted(DRAWINGS.glob("*.svg")), ids=lambda drawing: drawing.stem)
def test_a_drawing_keeps_to_the_palette_and_to_its_size(drawing: Path) -> None:
    svg = drawing.read_text(encoding="utf-8")
    assert not strangers(svg)
    assert jpeg_size(PICTURES / f"{drawing.stem}.jpg") == size_of(svg)


def test_there_are_twenty_five_readers_who_can_get_no_real_mail() -> None:
    with READERS.open(encoding="utf-8", newline="") as file:
        readers = list(csv.DictReader(file))
    assert len({reader["address"] for reader in readers}) == len(readers) == 25
    reserved = (".example", ".test", "@example.org", "@example.net")
    assert all(reader["address"].endswith(reserved) for reader in readers)
    assert sum(reader["name"] == "" for reader in readers) == 1
