"""The life of an edition before it is frozen, as the clock drives it: `keep`, at one moment after another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from newsletter.errors import Misuse, Refused
from newsletter.models import Edition, EditionState, Slot
from newsletter.runtime import Runtime
from newsletter.services import editing, rehearsing
from newsletter.store import articles, editions, renditions
from newsletter.store.history import story_of
from newsletter.store.newsletters import newsletter_ids
from tests.newsroom import Newsroom, at

TODAY = "2026-02-18"
TOMORROW = "2026-02-19"
YESTERDAY = "2026-02-17"


@pytest.fixture
def room(tmp_path: Path, database_url: str) -> Newsroom:
    return Newsroom(tmp_path, database_url, relay_port=2525)


@pytest.fixture
def runtime(room: Newsroom) -> Iterator[Runtime]:
    with room.opened() as runtime:
        yield runtime


def found(runtime: Runtime, slug: str = TODAY) -> Edition:
    with runtime.database.reading() as session:
        edition = editions.find(session, newsletter_ids(session)["town"], slug)
    assert edition is not None, f"there is no edition {slug}"
    return edition


def slugs(runtime: Runtime) -> dict[str, str]:
    """Each edition's state, by its slug."""
    with runtime.database.reading() as session:
        listed = editions.recent(session, newsletter_ids(session)["town"], 100)
    return {edition.slug: edition.state for edition in sorted(listed, key=lambda edition: edition.slug)}


def titles(runtime: Runtime, slug: str = TODAY) -> set[str]:
    """Of the articles that are placed in an edition."""
    with runtime.database.reading() as session:
        placed = editions.placements(session, found(runtime, slug).id or 0)
        return {article.title for article in articles.by_ids(session, [p.article_id for p in placed])}


def acts(runtime: Runtime, slug: str = TODAY) -> list[tuple[str, str]]:
    """Who did what to an edition, oldest first."""
    with runtime.database.reading() as session:
        return [(h.who, h.act) for h in story_of(session, "edition", found(runtime, slug).id or 0)]


def at_once(act: Callable[[], object], times: int) -> None:
    """Four clocks strike together."""
    barrier = threading.Barrier(times)
    troubles: list[BaseException] = []

    def run() -> None:
        barrier.wait()
        try:
            act()
        except BaseException as error:
            troubles.append(error)

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []


# ── drafts ──────────────────────────────────────────────────────────────────────────────────────


def test_a_new_installation_drafts_the_next_and_looks_back_no_further_than_the_late_limit(
    runtime: Runtime,
) -> None:
    editing.keep(runtime, at("11:01"))
    assert slugs(runtime) == {TOMORROW: "draft"}


def test_a_new_installation_within_the_late_limit_makes_todays_too(room: Newsroom, runtime: Runtime) -> None:
    room.import_stories(5)
    editing.keep(runtime, at("10:59"))
    assert slugs(runtime) == {TODAY: "draft", TOMORROW: "draft"}
    assert found(runtime).closed_at == at("10:59")


def test_the_draft_follows_the_pool_until_the_cutoff(room: Newsroom, runtime: Runtime) -> None:
    room.import_stories(3, published=at("03:00"), kind="night")
    editing.keep(runtime, at("04:00"))
    before = found(runtime)
    assert titles(runtime) == {f"The night's story no. {n}" for n in range(3)}

    editing.keep(runtime, at("04:01"))
    assert found(runtime).version == before.version, "nothing new: nothing written"

    room.import_stories(2, published=at("05:00"), kind="dawn")
    editing.keep(runtime, at("05:01"))
    assert len(titles(runtime)) == 5
    assert found(runtime).closed_at is None


def test_at_the_cutoff_it_is_closed_and_rendered_and_later_news_waits(
    room: Newsroom, runtime: Runtime
) -> None:
    room.import_stories(3, published=at("03:00"), kind="night")
    editing.keep(runtime, at("04:00"))
    room.import_stories(1, published=at("08:31"), kind="late")
    editing.keep(runtime, at("08:32"))
    closed = found(runtime)
    assert (closed.state, closed.closed_at) == ("draft", at("08:30"))
    assert titles(runtime) == {f"The night's story no. {n}" for n in range(3)}
    with runtime.database.reading() as session:
        stored = renditions.read(session, closed.rendition_id or 0)
    assert closed.subject == stored.subject in {f"The night's story no. {n}" for n in range(3)}
    assert b"night's" in b"".join(stored.text.literals)

    editing.keep(runtime, at("08:50"))
    assert found(runtime).rendition_id == closed.rendition_id
    assert acts(runtime) == [("scheduler", "drafted"), ("scheduler", "closed")]


def test_a_story_that_missed_the_cutoff_is_in_the_next_draft(room: Newsroom, runtime: Runtime) -> None:
    room.import_stories(3, published=at("03:00"), kind="night")
    editing.keep(runtime, at("04:00"))
    room.import_stories(1, published=at("08:31"), kind="late")
    for moment in (at("08:32"), at("09:30")):
        editing.keep(runtime, moment)
    with runtime.database.writing() as session:
        editions.change(session, found(runtime), EditionState.SENT, at("09:30"), who="test")
    editing.keep(runtime, at("09:31"))
    assert "The late's story no. 0" in titles(runtime, TOMORROW)


def test_an_edition_made_after_its_cutoff_takes_what_is_there_by_then(
    room: Newsroom, runtime: Runtime
) -> None:
    room.import_stories(4, published=at("08:45"), kind="late")
    editing.keep(runtime, at("09:20"))
    assert found(runtime).closed_at == at("09:20")
    assert len(titles(runtime)) == 4


def test_four_clocks_at_once_make_one_edition(room: Newsroom, runtime: Runtime) -> None:
    room.import_stories(5)
    at_once(lambda: editing.keep(runtime, at("05:00")), 4)
    at_once(lambda: editing.keep(runtime, at("08:31")), 4)
    assert slugs(runtime) == {TODAY: "draft"}
    assert acts(runtime) == [("scheduler", "drafted"), ("scheduler", "closed")]


# ── editions that do not go out ─────────────────────────────────────────────────────────────────


def test_too_little_news_skips_the_edition_and_says_so(room: Newsroom, runtime: Runtime) -> None:
    room.import_stories(2)
    editing.keep(runtime, at("05:00"))
    editing.keep(runtime, at("08:31"))
    edition = found(runtime)
    assert (edition.state, edition.why) == ("skipped", "not enough articles: 2 of at least 3")
    editing.keep(runtime, at("08:32"))
    assert slugs(runtime) == {TODAY: "skipped", TOMORROW: "draft"}


def test_a_theme_that_objects_holds_the_edition_with_its_place(room: Newsroom, runtime: Runtime) -> None:
    room.configure(newsletter='theme = "broken"')
    text = room.config.read_text()
    room.config.write_text(f'themes = "themes"\n{text}')
    theme = room.folder / "themes" / "broken"
    theme.mkdir(parents=True)
    (theme / "digest.txt.j2").write_text("No way to leave.\n")
    room.import_stories(5)
    with room.opened() as runtime:
        editing.keep(runtime, at("05:00"))
        editing.keep(runtime, at("08:31"))
        edition = found(runtime)
    assert edition.state == "held"
    assert "unsubscribe_url" in edition.why
    assert edition.rendition_id is None


def test_what_was_found_too_late_is_held_and_what_lies_further_back_is_skipped(
    room: Newsroom, runtime: Runtime
) -> None:
    editing.keep(runtime, at("10:00", days=-3))
    editing.keep(runtime, at("12:00"))
    states = slugs(runtime)
    assert states[YESTERDAY] == "skipped"
    assert states[TODAY] == "held"
    assert states[TOMORROW] == "draft"
    assert found(runtime, TODAY).why == "found 180 minutes after its time, past the late limit"
    assert found(runtime, YESTERDAY).why == "nobody was running when it was due"


def test_a_held_edition_lapses_at_the_next_ones_cutoff(room: Newsroom, runtime: Runtime) -> None:
    editing.keep(runtime, at("10:00", days=-3))
    editing.keep(runtime, at("12:00"))
    editing.keep(runtime, at("08:29", days=1))
    assert found(runtime).state == "held"
    editing.keep(runtime, at("08:30", days=1))
    edition = found(runtime)
    assert edition.state == "skipped"
    assert edition.why.startswith("held (found 180 minutes")


# ── by hand ─────────────────────────────────────────────────────────────────────────────────────


def test_a_rehearsal_writes_nothing(room: Newsroom, runtime: Runtime) -> None:
    room.import_stories(5)
    rehearsal = rehearsing.rehearse(runtime, runtime.newsletter("town"), at("06:00"))
    assert rehearsal.edition.slug == TODAY
    assert {placement.slot for placement in rehearsal.choice.placements} >= {Slot.LEAD, Slot.HEADLINES}
    with runtime.database.reading() as session:
        assert session.exec(select(Edition)).all() == []


def test_a_rehearsal_of_a_closed_edition_shows_what_is_stored(room: Newsroom, runtime: Runtime) -> None:
    room.import_stories(3, published=at("03:00"), kind="night")
    editing.keep(runtime, at("04:00"))
    editing.keep(runtime, at("08:30"))
    room.import_stories(3, published=at("08:31"), kind="late")
    rehearsal = rehearsing.rehearse(runtime, runtime.newsletter("town"), at("08:40"))
    with runtime.database.reading() as session:
        assert rehearsal.rendition == renditions.read(session, found(runtime).rendition_id or 0)


@pytest.mark.parametrize("slug", ["2026-02-30", "2026-02-19"])
def test_a_rehearsal_of_an_edition_that_is_none_is_refused(runtime: Runtime, slug: str) -> None:
    with pytest.raises(Misuse, match=f"town has no edition '{slug}'"):
        rehearsing.rehearse(runtime, runtime.newsletter("town"), at("06:00"), slug=slug)


def test_a_rehearsal_without_news_says_that_it_would_be_skipped(runtime: Runtime) -> None:
    with pytest.raises(Refused, match="would be skipped: not enough articles: 0 of at least 3"):
        rehearsing.rehearse(runtime, runtime.newsletter("town"), at("06:00"))


def make_ready(runtime: Runtime, now: datetime) -> Edition:
    newsletter = runtime.newsletter("town")
    edition = editing.today(runtime, newsletter, now, due_at=now + timedelta(minutes=1), who="desk")
    return editing.make_ready(runtime, newsletter, edition, now, who="desk")


def test_a_hand_closes_todays_edition_now(room: Newsroom, runtime: Runtime) -> None:
    room.import_stories(5)
    edition = make_ready(runtime, at("06:00"))
    assert (edition.slug, edition.closed_at) == (TODAY, at("06:00"))
    assert edition.rendition_id is not None
    assert acts(runtime) == [("desk", "drafted"), ("desk", "closed")]


def test_a_hand_that_is_refused_leaves_the_draft_as_it_was(room: Newsroom, runtime: Runtime) -> None:
    room.import_stories(2)
    editing.keep(runtime, at("05:00"))
    before = found(runtime)
    with pytest.raises(Refused, match="town/2026-02-18 cannot be sent: not enough articles: 2"):
        make_ready(runtime, at("06:00"))
    assert found(runtime) == before
    room.import_stories(3, published=at("07:00"), kind="dawn")
    editing.keep(runtime, at("08:30"))
    assert found(runtime).rendition_id is not None, "its own time brings what it lacked"


def test_a_hand_makes_a_held_edition_ready_with_what_is_known_now(room: Newsroom, runtime: Runtime) -> None:
    editing.keep(runtime, at("10:00", days=-3))
    room.import_stories(5)
    editing.keep(runtime, at("12:00"))
    assert found(runtime).state == "held"
    edition = make_ready(runtime, at("12:05"))
    assert (edition.state, edition.closed_at) == ("draft", at("12:05"))
    assert acts(runtime)[-2:] == [("desk", "reopened"), ("desk", "closed")]


def test_dates_that_are_taken_out_are_on_the_record_as_skipped(room: Newsroom) -> None:
    room.configure(newsletter=f'skip_dates = [{TODAY}]\ndays = ["mon", "tue", "wed", "fri"]')
    with room.opened() as runtime:
        editing.keep(runtime, at("05:00"))
        assert slugs(runtime) == {TODAY: "skipped", "2026-02-20": "draft"}
        assert found(runtime).why == "the editors took this date out"
