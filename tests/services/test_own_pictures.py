"""A picture of an editor's own, and a source that changes under an editor's words: on both stores."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse, Stale
from newsletter.models import Slot
from newsletter.runtime import Runtime
from newsletter.services import checking, deciding, editing, foreseeing, shaping, showing
from newsletter.services.foreseeing import Reader
from newsletter.services.shaping import Hand
from newsletter.services.showing import Row
from newsletter.values import NO_PICTURE, Picture
from tests.newsroom import Newsroom, at
from tests.services.conftest import DAWN, SLUG

LATER = at("05:10")
CAME = Picture("https://town.example/ferry.jpg", 1200, 800, "A ferry")
OURS = "https://town.example/harbour.jpg"
ANA = Hand("Ana")
# What the store does with a picture is told on both
only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def told(number: int, title: str, summary: str = "") -> dict[str, str]:
    row = {"url": f"https://town.example/day/{number}", "title": title, "section": "Town",
           "summary": summary, "published_at": at("04:00").isoformat()}  # fmt: skip
    with_picture = {"picture_url": CAME.url, "picture_width": "1200", "picture_height": "800",
                    "picture_alt": CAME.alt}  # fmt: skip
    return row | (with_picture if number == 0 else {})


@pytest.fixture
def room(tmp_path: Path, database_url: str) -> Newsroom:
    room = Newsroom(tmp_path, database_url, 9)
    room.import_readers(3)
    room.run("tick", now=at("12:00", days=-1))
    room.import_articles((told(number, f"Story no. {number}") for number in range(5)), at("04:00"))
    room.run("tick", now=DAWN)
    return room


def row(runtime: Runtime, town: NewsletterSettings, number: int) -> Row:
    groups = showing.lay_open(runtime, town, SLUG, DAWN).groups
    return next(row for group in groups for row in group.rows if row.article.id == number)


def shown(runtime: Runtime, town: NewsletterSettings, number: int) -> Picture | None:
    found = row(runtime, town, number)
    return found.placed.picture_of(found.article)


def mail(runtime: Runtime, town: NewsletterSettings) -> str:
    return foreseeing.mail(runtime, town, SLUG, Reader.TYPICAL).html


def found(runtime: Runtime, town: NewsletterSettings) -> dict[str, str]:
    """What preflight says of the first two articles, by code."""
    findings = checking.check(runtime, town, SLUG, LATER).findings
    return {each.code.value: each.sentence for each in findings if each.article_id in (1, 2)}


def test_a_picture_is_ours_none_or_what_came(runtime: Runtime, town: NewsletterSettings) -> None:
    shaping.pin(runtime, town, SLUG, 1, DAWN, ANA, slot=Slot.LEAD)
    assert shown(runtime, town, 1) == CAME and CAME.url in mail(runtime, town)
    edited = shaping.reword(runtime, town, SLUG, 1, DAWN, ANA, picture=OURS)
    assert f"picture “{OURS}”" in edited.told and f"was picture “{CAME.url}”" in edited.told
    assert shown(runtime, town, 1) == Picture(OURS), "the words of the one that came tell nothing of ours"
    assert "no-alt" in found(runtime, town)
    shaping.reword(runtime, town, SLUG, 1, DAWN, ANA, picture_alt="The harbour")
    assert shown(runtime, town, 1) == Picture(OURS, alt="The harbour")
    assert "no-alt" not in found(runtime, town)
    assert OURS in mail(runtime, town) and CAME.url not in mail(runtime, town)
    shaping.reword(runtime, town, SLUG, 1, DAWN, ANA, picture=NO_PICTURE)
    assert shown(runtime, town, 1) is None
    assert OURS not in mail(runtime, town) and CAME.url not in mail(runtime, town)
    assert not {"lead-picture", "no-alt"} & set(found(runtime, town)), "who wants none is not asked for one"
    shaping.reword(runtime, town, SLUG, 1, DAWN, ANA, picture="", picture_alt="")
    assert shown(runtime, town, 1) == CAME


def test_the_machine_goes_on_around_a_picture_of_ours_and_a_closed_edition_keeps_it(
    runtime: Runtime, town: NewsletterSettings
) -> None:
    before = row(runtime, town, 3)
    shaping.reword(runtime, town, SLUG, 3, DAWN, ANA, picture=OURS)
    editing.keep(runtime, LATER)
    assert shown(runtime, town, 3) == Picture(OURS) and row(runtime, town, 3).placed.pinned
    deciding.approve(runtime, town, SLUG, LATER, who="Ana")
    withdrawn = shaping.reword(runtime, town, SLUG, 3, LATER, ANA, picture_alt="The harbour").withdrawn
    assert withdrawn and shown(runtime, town, 3) == Picture(OURS, alt="The harbour")
    shaping.reword(runtime, town, SLUG, 3, LATER, ANA, picture="", picture_alt="")
    assert shown(runtime, town, 3) is None
    assert row(runtime, town, 3).placed.position == before.placed.position


def test_an_earlier_version_has_its_picture_back(runtime: Runtime, town: NewsletterSettings) -> None:
    first = shaping.reword(runtime, town, SLUG, 1, DAWN, ANA, picture=OURS).edition.version
    last = shaping.reword(runtime, town, SLUG, 1, DAWN, ANA, picture=NO_PICTURE).edition.version
    shaping.restore(runtime, town, SLUG, first, DAWN, ANA)
    assert shown(runtime, town, 1) == Picture(OURS)
    with pytest.raises(Stale):
        shaping.reword(runtime, town, SLUG, 1, DAWN, Hand("Bob", last), picture="")


def test_of_two_who_choose_a_picture_the_second_is_told_and_a_headline_merges(
    runtime: Runtime, town: NewsletterSettings
) -> None:
    seen = showing.lay_open(runtime, town, SLUG, DAWN).edition.version
    shaping.reword(runtime, town, SLUG, 1, DAWN, Hand("Ana", seen), picture=OURS)
    with pytest.raises(Stale):
        shaping.reword(runtime, town, SLUG, 1, DAWN, Hand("Bob", seen), picture=NO_PICTURE)
    shaping.reword(runtime, town, SLUG, 1, DAWN, Hand("Bob", seen), headline="Bob's")
    assert shown(runtime, town, 1) == Picture(OURS) and row(runtime, town, 1).headline == "Bob's"


@only_sqlite
def test_what_mail_may_not_load_is_no_picture(runtime: Runtime, town: NewsletterSettings) -> None:
    version = showing.lay_open(runtime, town, SLUG, DAWN).edition.version
    for address in ("javascript:alert(1)", "http://town.example/a.jpg", "data:,", "harbour.jpg"):
        with pytest.raises(Misuse, match="by https alone"):
            shaping.reword(runtime, town, SLUG, 1, DAWN, ANA, picture=address)
    assert showing.lay_open(runtime, town, SLUG, DAWN).edition.version == version


def test_a_source_that_changed_under_an_editors_words_is_told_and_overwrites_nothing(
    room: Newsroom, runtime: Runtime, town: NewsletterSettings
) -> None:
    shaping.reword(runtime, town, SLUG, 2, DAWN, ANA, headline="In our words")
    room.import_articles([told(1, "Story no. 1", "A summary came late")], LATER)
    assert "source-changed" not in found(runtime, town), "its summary is not what was worded"
    room.import_articles([told(1, "The source thinks again")], LATER)
    assert "“The source thinks again” now" in found(runtime, town)["source-changed"]
    assert row(runtime, town, 2).headline == "In our words"
    shaping.reword(runtime, town, SLUG, 2, LATER, ANA, headline="In our words, anew")
    assert "source-changed" not in found(runtime, town), "whoever words it anew has seen it"
    shaping.reword(runtime, town, SLUG, 2, LATER, ANA, headline="")
    assert row(runtime, town, 2).headline == "The source thinks again"


@only_sqlite
def test_from_the_command_line(room: Newsroom, runtime: Runtime, town: NewsletterSettings) -> None:
    name = f"town/{SLUG}"
    done = room.run(
        "editions", "reword", name, "1", "--picture", OURS, "--picture-alt", "The harbour", now=DAWN
    )
    assert done.code == 0, done.said
    assert shown(runtime, town, 1) == Picture(OURS, alt="The harbour")
    assert room.run("editions", "reword", name, "1", "--picture", NO_PICTURE, now=DAWN).code == 0
    assert shown(runtime, town, 1) is None
    assert room.run("editions", "reword", name, "1", "--picture", "http://x.example/a", now=DAWN).code == 2
    assert room.run("editions", "reword", name, "1", "--undo", now=DAWN).code == 0
    assert shown(runtime, town, 1) == CAME
