"""Two editors, or an editor and the clock, who act at once on what both saw (security row 25).

Each pair of acts, from two connections at a barrier: what happened is one of the orders in which they
may follow each other, whoever came too late was told, and history has one line for each act that won.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import combinations_with_replacement

import pytest
from sqlalchemy import select, update

from newsletter.errors import Refused, Stale
from newsletter.models import Article, Edition, EditionState, Slot
from newsletter.runtime import Runtime
from newsletter.services import deciding, gathering, sending, shaping
from newsletter.services.shaping import Hand
from newsletter.store import editions, renditions, touches
from newsletter.values import ArticleDraft, Choice, Placement
from tests.newsroom import NINE
from tests.security.test_one_winner import ROUNDS, Rivals, numbered, rivals
from tests.web.conftest import PAPER

__all__ = ["rivals"]

FROZEN_AT = NINE - timedelta(minutes=1)
Act = Callable[[Runtime, str], object]
SEEN = 2  # the version that both had before their eyes


def approve(runtime: Runtime, slug: str) -> object:
    return deciding.approve(runtime, PAPER, slug, FROZEN_AT, who="ana", version=SEEN)


def hold(runtime: Runtime, slug: str) -> object:
    return deciding.hold(runtime, PAPER, slug, FROZEN_AT, who="bob", why="a doubt", version=SEEN)


def skip(runtime: Runtime, slug: str) -> object:
    return deciding.skip(runtime, PAPER, slug, FROZEN_AT, who="bob", why="no news", version=SEEN)


def edit(runtime: Runtime, slug: str) -> object:
    return shaping.set_subject(runtime, PAPER, slug, "Ours", FROZEN_AT, Hand("bob", SEEN))


def freeze(runtime: Runtime, _: str) -> object:
    return sending.open_due(runtime, FROZEN_AT)


ACTS: dict[str, Act] = {"approve": approve, "hold": hold, "skip": skip, "edit": edit, "freeze": freeze}

# What history may tell of a pair: a decision counts for what its maker saw, so nobody decides after
# another's decision, or approves after an edit. To hold or skip is right whatever an edit did; and the
# clock, which sees what is, may follow or go before a hand.
ORDERS = {
    ("approve", "approve"): {("approved",)},
    ("approve", "hold"): {("approved",), ("held",)},
    ("approve", "skip"): {("approved",), ("skipped",)},
    ("approve", "edit"): {("approved",), ("reworded",)},
    ("approve", "freeze"): {("approved",), ("frozen",), ("approved", "frozen")},
    ("hold", "hold"): {("held",)},
    ("hold", "skip"): {("held",), ("skipped",)},
    ("hold", "edit"): {("held",), ("reworded", "held")},
    ("hold", "freeze"): {("held",), ("frozen", "held")},
    ("skip", "skip"): {("skipped",)},
    ("skip", "edit"): {("skipped",), ("reworded", "skipped")},
    ("skip", "freeze"): {("skipped",), ("frozen",)},
    ("edit", "edit"): {("reworded",)},
    ("edit", "freeze"): {("reworded",), ("frozen",), ("reworded", "frozen")},
    ("freeze", "freeze"): {("frozen",)},
}


def article(rivals: Rivals, number: int) -> int:
    with rivals.one.database.reading() as session:
        url = f"https://p.example/{number}"
        found = session.execute(select(Article).where(Article.url == url)).scalar_one_or_none()  # type: ignore[arg-type]
    if found is None:
        draft = ArticleDraft(url=url, title=f"Story {number}", published_at=NINE - timedelta(hours=5))
        found = gathering.add_article(rivals.one, draft, NINE - timedelta(hours=4))
    return found.id or 0


def seen_by_both(rivals: Rivals) -> str:
    """A closed draft of two stories, as version 2; its slug."""
    lead, other = article(rivals, 1), article(rivals, 2)
    slug = rivals.edition(EditionState.DRAFT)
    with rivals.one.database.writing() as session:
        edition = rivals.found(slug)
        page = (Placement(lead, Slot.LEAD, "in"), Placement(other, Slot.HEADLINES, "in", section="Town"))
        assert editions.revise(session, edition, page, reasons={}, subject="Story 1")
    assert rivals.found(slug).version == SEEN
    return slug


@pytest.mark.parametrize("pair", ORDERS, ids="-".join)
def test_two_at_once_follow_each_other_or_one_is_told(
    rivals: Rivals, pair: tuple[str, str], soak: bool
) -> None:
    rounds = ROUNDS if soak else 6  # an edit renders, and may do so twice
    for _ in range(rounds):
        slug = seen_by_both(rivals)
        results = rivals.race(slug, ACTS[pair[0]], ACTS[pair[1]])
        acts = tuple(rivals.acts(slug))
        assert acts in ORDERS[pair]
        by_hand = [result for name, result in zip(pair, results, strict=True) if name != "freeze"]
        told = [result for result in by_hand if isinstance(result, Refused)]
        won = [act for act in acts if act != "frozen"]
        assert len(by_hand) - len(told) == len(won), "as many were told yes as did something"
        assert rivals.planned(slug) == int(acts[-1] == "frozen")
        if acts == ("reworded", "frozen"):
            with rivals.one.database.reading() as session:
                frozen = renditions.read(session, rivals.found(slug).rendition_id or 0)
            assert frozen.subject == "Ours", "what is frozen is what was edited"


def test_every_pair_is_looked_at() -> None:
    assert set(ORDERS) == set(combinations_with_replacement(ACTS, 2))


# ── who comes too late is told what stands ──────────────────────────────────────────────────────


def reword(rivals: Rivals, slug: str, headline: str, version: int | None, number: int = 1) -> shaping.Edited:
    return shaping.reword(
        rivals.one, PAPER, slug, article(rivals, number), FROZEN_AT, Hand("bob", version), headline=headline
    )


def test_the_same_field_is_refused_with_both_texts(rivals: Rivals) -> None:
    slug = seen_by_both(rivals)
    reword(rivals, slug, "Ana's words", SEEN)
    with pytest.raises(Stale) as stale:
        reword(rivals, slug, "Bob's words", SEEN)
    assert (stale.value.mine, stale.value.theirs) == ("headline “Bob's words”", "headline “Ana's words”")
    assert "bob has changed the same meanwhile" in stale.value.sentence
    assert reword(rivals, slug, "Bob's words", SEEN + 1).edition.version == SEEN + 2, (
        "having seen it, one may"
    )


def test_different_things_merge(rivals: Rivals) -> None:
    slug = seen_by_both(rivals)
    reword(rivals, slug, "Ana's words", SEEN)
    reword(rivals, slug, "Bob's words", SEEN, number=2)
    shaping.reword(
        rivals.one, PAPER, slug, article(rivals, 1), FROZEN_AT, Hand("bob", SEEN), summary="Bob's summary"
    )
    shaping.set_subject(rivals.one, PAPER, slug, "Bob's subject", FROZEN_AT, Hand("bob", SEEN))
    with rivals.one.database.reading() as session:
        page = editions.placements(session, numbered(rivals, slug))
    assert [(entry.headline, entry.summary) for entry in page] == [
        ("Ana's words", "Bob's summary"), ("Bob's words", ""),
    ]  # fmt: skip
    assert rivals.found(slug).subject == "Bob's subject"


def test_two_leads_are_one_too_many(rivals: Rivals) -> None:
    slug = seen_by_both(rivals)
    first, second = article(rivals, 2), article(rivals, 3)
    shaping.pin(rivals.one, PAPER, slug, first, FROZEN_AT, Hand("ana", SEEN), slot=Slot.LEAD)
    with pytest.raises(Stale, match="ana has changed the same meanwhile"):
        shaping.pin(rivals.one, PAPER, slug, second, FROZEN_AT, Hand("bob", SEEN), slot=Slot.LEAD)


def test_an_approval_is_for_the_version_that_was_seen(rivals: Rivals) -> None:
    slug = seen_by_both(rivals)
    reword(rivals, slug, "Other words", None)
    with pytest.raises(Stale, match="is version 3 by now, and you saw version 2"):
        approve(rivals.one, slug)
    assert rivals.acts(slug) == ["reworded"]
    assert (
        deciding.approve(rivals.one, PAPER, slug, FROZEN_AT, who="ana", version=SEEN + 1).state == "approved"
    )


def test_what_the_machine_refreshed_meanwhile_is_nobodys_change(rivals: Rivals) -> None:
    slug = seen_by_both(rivals)
    with rivals.one.database.writing() as session:
        session.execute(
            update(Edition)
            .where(Edition.slug == slug)  # type: ignore[arg-type]
            .values(closed_at=None, rendition_id=None)
        )
        page = editions.placements(session, numbered(rivals, slug))
        assert editions.save_choice(session, rivals.found(slug), Choice(page, {}), "Story 1")
    reword(rivals, slug, "Bob's words", SEEN)
    with rivals.one.database.reading() as session:
        assert touches.touches(session, numbered(rivals, slug))[article(rivals, 1)].headline == "Bob's words"
