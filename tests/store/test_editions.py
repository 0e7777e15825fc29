"""Editions in the store: one of each slug, and every change a guarded one."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlmodel import Session

from newsletter.models import Article, Batch, Edition, EditionKind, EditionState, Slot
from newsletter.store import editions, renditions
from newsletter.store.database import Database
from newsletter.store.history import story_of
from newsletter.values import Body, Choice, Placement, Ran, Rendition
from tests.people import LONG_AGO, NINE, make_edition, make_newsletter

DAY = date(2026, 2, 18)
RENDITION = Rendition(
    subject="Bridge opens", preheader="And more", theme="default", hash="0" * 64,
    html=Body((b"<p>=E2=80=99 ", b"</p>\r\n"), ("greeting",)), text=Body((b"plain\r\n",), ()),
)  # fmt: skip


def number_of(edition: Edition) -> int:
    assert edition.id is not None
    return edition.id


def make_article(session: Session, path: str) -> int:
    article = Article(
        url=f"https://post.example/{path}", identity=f"post.example/{path}", title=path, kind="story",
        published_at=LONG_AGO, first_seen_at=LONG_AGO, updated_at=LONG_AGO,
    )  # fmt: skip
    session.add(article)
    session.flush()
    assert article.id is not None
    return article.id


def choice_of(*articles: int) -> Choice:
    placements = tuple(
        Placement(article, Slot.HEADLINES, "by importance", section="Town", position=position)
        for position, article in enumerate(articles)
    )
    return Choice(placements, dict.fromkeys(articles, "chosen"))


def test_a_slug_is_made_once(database: Database) -> None:
    with database.writing() as session:
        newsletter = make_newsletter(session)
        first = make_edition(session, newsletter)
        again = editions.create(
            session, newsletter, first.slug, EditionKind.DAILY, DAY, NINE, NINE, who="hand"
        )
        other = make_edition(session, make_newsletter(session, "other"))
        assert again is None
        assert number_of(other) != number_of(first)
        assert [(h.who, h.act) for h in story_of(session, "edition", number_of(first))] == [
            ("scheduler", "drafted")
        ]


def test_of_many_at_once_one_makes_it(database: Database) -> None:
    with database.writing() as session:
        newsletter = make_newsletter(session)
    barrier = threading.Barrier(4)
    made: list[Edition | None] = []

    def make() -> None:
        barrier.wait()
        with database.writing() as session:
            made.append(
                editions.create(session, newsletter, "2026-02-18", EditionKind.DAILY, DAY, NINE, LONG_AGO)
            )

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [edition is None for edition in made].count(False) == 1


def test_a_change_from_a_state_that_has_passed_does_nothing(database: Database) -> None:
    with database.writing() as session:
        edition = make_edition(session, make_newsletter(session))
        stale = edition.model_copy()
        assert editions.change(session, edition, EditionState.HELD, NINE, who="desk", why="a doubt")
        assert not editions.change(session, stale, EditionState.FROZEN, NINE, who="scheduler")
        now = editions.get(session, number_of(edition))
        assert (now.state, now.why) == (EditionState.HELD, "a doubt")
        told = [(h.who, h.act, h.why) for h in story_of(session, "edition", number_of(edition))]
    assert told == [("scheduler", "drafted", ""), ("desk", "held", "a doubt")]


def test_a_change_of_what_was_edited_meanwhile_does_nothing(database: Database) -> None:
    with database.writing() as session:
        edition = make_edition(session, make_newsletter(session))
        stale = edition.model_copy()
        assert editions.save_choice(session, edition, choice_of(make_article(session, "a")), "A")
        assert not editions.change(session, stale, EditionState.FROZEN, NINE, who="scheduler")
        assert not editions.save_choice(session, stale, choice_of(), "")
        assert editions.get(session, number_of(edition)).subject == "A"


def test_two_changes_at_once_have_one_winner(database: Database) -> None:
    with database.writing() as session:
        edition = make_edition(session, make_newsletter(session))
    barrier = threading.Barrier(2)
    won: list[EditionState] = []

    def change(to: EditionState) -> None:
        barrier.wait()
        with database.writing() as session:
            if editions.change(session, edition, to, NINE, who="desk"):
                won.append(to)

    threads = [
        threading.Thread(target=change, args=(to,)) for to in (EditionState.HELD, EditionState.SKIPPED)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        assert [editions.get(session, number_of(edition)).state] == won


def test_a_choice_replaces_the_one_before(database: Database) -> None:
    with database.writing() as session:
        edition = make_edition(session, make_newsletter(session))
        a, b, c = (make_article(session, name) for name in "abc")
        assert editions.save_choice(session, edition, choice_of(a, b), "First")
        edition = editions.get(session, number_of(edition))
        pinned = replace(choice_of(c).placements[0], pinned=True, headline="Our words", summary="Shorter")
        assert editions.save_choice(session, edition, Choice((pinned,), {c: "an editor", a: "old"}), "Second")
        kept = editions.get(session, number_of(edition))
        assert editions.placements(session, number_of(edition)) == (pinned,)
        assert (kept.subject, kept.version) == ("Second", 3)
        assert kept.reasons == {str(c): "an editor", str(a): "old"}


@pytest.mark.parametrize("ended", [{"closed_at": NINE}, {"state": EditionState.FROZEN}])
def test_a_closed_draft_takes_no_choice(database: Database, ended: dict[str, object]) -> None:
    with database.writing() as session:
        edition = make_edition(session, make_newsletter(session))
        article = make_article(session, "late")
        for name, value in ended.items():
            setattr(edition, name, value)
        session.add(edition)
        session.flush()
        assert not editions.save_choice(session, edition, choice_of(article), "Late")
        assert editions.placements(session, number_of(edition)) == ()


def test_a_rendition_comes_back_byte_for_byte(database: Database) -> None:
    with database.writing() as session:
        edition = make_edition(session, make_newsletter(session))
        stored = renditions.save(session, edition, RENDITION, NINE)
    with database.reading() as session:
        assert renditions.read(session, stored) == RENDITION


@pytest.mark.parametrize(
    ("counts", "is_used"),
    [({"sent": 1}, True), ({"unknown": 1}, True), ({}, False), ({"failed": 9, "expired": 1}, False)],
)
def test_a_story_is_used_when_somebody_got_it(
    database: Database, counts: dict[str, int], is_used: bool
) -> None:
    with database.writing() as session:
        newsletter = make_newsletter(session)
        edition = make_edition(session, newsletter)
        article = make_article(session, "a")
        editions.save_choice(session, edition, choice_of(article), "A")
        session.add(
            Batch(
                edition_id=number_of(edition), no=0, lane="rest", due_at=NINE, not_before=NINE,
                deadline=NINE, size=10, **counts,
            )
        )  # fmt: skip
        session.flush()
        ran = {article: Ran("2026-02-18", edition.due_at)} if is_used else {}
        kinds = EditionKind.DAILY.fellows
        assert editions.went_out(session, newsletter, kinds) == ran
        assert editions.went_out(session, newsletter, EditionKind.WEEKLY.fellows) == {}
        assert editions.went_out(session, make_newsletter(session, "other"), kinds) == {}


def test_editions_are_found_by_slug_state_and_time(database: Database) -> None:
    with database.writing() as session:
        newsletter = make_newsletter(session)
        first, second = (make_edition(session, newsletter, slug=s) for s in ("2026-02-18", "2026-02-19"))
        second.due_at += timedelta(days=1)
        first.state = EditionState.SENT
        session.add_all([first, second])
        session.flush()
        found = editions.find(session, newsletter, "2026-02-18")
        newest = editions.latest(session, newsletter)
        assert found and newest
        assert (found.id, newest.id) == (first.id, second.id)
        assert editions.find(session, newsletter, "2026-02-20") is None
        assert [e.id for e in editions.in_state(session, [EditionState.DRAFT], newsletter)] == [second.id]
        assert [e.id for e in editions.recent(session, newsletter, 5)] == [second.id, first.id]
