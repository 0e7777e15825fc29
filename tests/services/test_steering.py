"""Every state of an edition and of a delivery under every act of those who steer and mend: what is allowed
does what it says, everything else is refused in a sentence and changes nothing (both stores)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse, Refused
from newsletter.models import (
    Attempt,
    Batch,
    BatchState,
    Control,
    Delivery,
    DeliveryState,
    Edition,
    EditionKind,
    EditionState,
    History,
    Rendition,
)
from newsletter.runtime import Runtime
from newsletter.services import dispatching, mending, sending, steering
from newsletter.services.steering import Refusals
from newsletter.store import closing, control, deliveries, editions, freezing, ledger, renditions
from newsletter.store.audience import audience
from newsletter.store.history import note
from newsletter.store.moving import hand_back
from newsletter.store.newsletters import sync_newsletters
from newsletter.values import BatchKey
from tests.newsroom import NINE, reader
from tests.people import make_readers
from tests.store.test_ledger import busy, commit, finish, settled
from tests.web.conftest import PAPER, SOUND, Paper, paper, runtime

__all__ = ["paper", "runtime"]

TEN = NINE + timedelta(hours=1)
SLUG = "2026-02-18"
WITHOUT_LEDGER = (EditionState.DRAFT, EditionState.APPROVED, EditionState.SKIPPED, EditionState.HELD)
Act = Callable[[Runtime, NewsletterSettings], object]


def set_up(
    paper: Paper, state: EditionState, delivery: DeliveryState = DeliveryState.UNKNOWN, *, act: str = ""
) -> Edition:
    """An edition in that state with one delivery in that state; `act` is the last one of its history."""
    with paper.runtime.database.writing() as session:
        edition = editions.create(
            session, paper.ids["post"], SLUG, EditionKind.DAILY, date(2026, 2, 18), NINE, NINE
        )
        assert edition is not None and edition.id is not None
        edition.rendition_id = renditions.save(session, edition, SOUND, NINE)
        edition.state, edition.why, edition.closed_at = state, "so it is", NINE
        has_ledger = state not in WITHOUT_LEDGER
        if has_ledger:
            edition.frozen_at = edition.began_at = NINE
            people = audience(
                edition.newsletter_id, EditionKind.DAILY, edition.local_date, NINE, sections=None
            )
            deadline = NINE + timedelta(hours=4)
            freezing.plan(session, edition.id, people, due_at=NINE, deadline=deadline, size=500)
            put(session, edition.id, delivery)
        session.add(edition)
        if act:
            note(session, NINE, "engine", act, "edition", edition.id)
        return edition


def put(session: Session, edition_id: int, state: DeliveryState) -> None:
    """The edition's one delivery stands so, and its batch has counted it."""
    fate = {DeliveryState.FAILED: "refused", DeliveryState.UNKNOWN: "doubt"}.get(state, "")
    later = TEN if state is DeliveryState.DEFERRED else None
    session.execute(update(Delivery).values(state=state, fate=fate, settled_at=NINE, next_at=later))
    if state is not DeliveryState.QUEUED:
        session.execute(
            update(Batch).values({state.value: 1, "begun": 1, "state": BatchState.DONE, "retry_at": later})
        )


def wipe(paper: Paper) -> None:
    """No edition, no order: as it was before the act that was tried last."""
    with paper.runtime.database.writing() as session:
        for table in (Attempt, Delivery, Batch, Rendition, History, Edition):
            session.execute(delete(table))
        session.execute(update(Control).values(value=""))


def story(paper: Paper) -> tuple[str, str, list[str]]:
    """The edition's state, its delivery's, and what history tells; sums and rows always agree."""
    with paper.runtime.database.reading() as session:
        edition = session.execute(select(Edition)).scalar_one()
        row = session.execute(select(Delivery.state)).scalar_one_or_none() or ""
        sums = dataclasses.asdict(deliveries.sums(session, edition.id or 0))
        assert {name for name, count in sums.items() if count} == ({row} if row else set()), sums
        acts = session.execute(select(History.act).where(History.what == "edition").order_by(History.id))
        return edition.state, row, list(acts.scalars())[1:]


def pause(runtime: Runtime, paper: NewsletterSettings) -> object:
    return steering.pause(runtime, paper, SLUG, TEN, who="ops")


def resume(runtime: Runtime, paper: NewsletterSettings) -> object:
    return steering.resume(runtime, paper, SLUG, TEN, who="ops")


def accept(runtime: Runtime, paper: NewsletterSettings) -> object:
    return steering.resume(runtime, paper, SLUG, TEN, who="ops", refusals=Refusals.ACCEPT)


def retry(runtime: Runtime, paper: NewsletterSettings) -> object:
    return steering.resume(runtime, paper, SLUG, TEN, who="ops", refusals=Refusals.RETRY)


def cancel(runtime: Runtime, paper: NewsletterSettings) -> object:
    return steering.cancel(runtime, paper, SLUG, TEN, who="ops")


def missing(runtime: Runtime, paper: NewsletterSettings) -> object:
    return mending.send_missing(runtime, paper, SLUG, TEN, dry_run=False, who="ops")


def count_sent(runtime: Runtime, paper: NewsletterSettings) -> object:
    return mending.count_sent(runtime, paper, SLUG, None, TEN, who="ops")


def resend(runtime: Runtime, paper: NewsletterSettings) -> object:
    return mending.resend(runtime, paper, SLUG, None, TEN, dry_run=False, who="ops")


def send(runtime: Runtime, paper: NewsletterSettings) -> object:
    return dispatching.send_now(runtime, paper, SLUG, TEN, wait=timedelta(seconds=60), who="ops")


def stop_all(runtime: Runtime, _: NewsletterSettings) -> object:
    return steering.stop_all(runtime, TEN, letters=False, who="ops")


ACTS: dict[str, Act] = {
    "pause": pause, "resume": resume, "resume --accept": accept, "resume --retry": retry, "cancel": cancel,
    "send --missing": missing, "unknown count-sent": count_sent, "unknown resend": resend, "send": send,
    "stop-all": stop_all,
}  # fmt: skip

# ── editions: one delivery of theirs is in doubt, where they have a ledger ──────────────────────

# Where each act that is allowed leads to; what is not here is refused. Acts that lead nowhere new are
# allowed there and change something else, or find nothing to do.
DRAFT, APPROVED, FROZEN, SENDING, SENT, HELD, PAUSED, SKIPPED, CANCELLED = EditionState
LEADS_TO: dict[str, dict[EditionState, EditionState]] = {
    "pause": {SENDING: PAUSED},
    "resume": {PAUSED: SENDING},
    "resume --accept": {PAUSED: SENDING},
    "resume --retry": {PAUSED: SENDING},
    "cancel": {FROZEN: CANCELLED, SENDING: CANCELLED, PAUSED: CANCELLED},
    "send --missing": {SENT: SENT, SENDING: SENDING},
    "unknown count-sent": {state: state for state in EditionState if state not in WITHOUT_LEDGER},
    "unknown resend": {SENT: SENDING, SENDING: SENDING, PAUSED: PAUSED},
    "send": {DRAFT: FROZEN, APPROVED: FROZEN, HELD: FROZEN, FROZEN: FROZEN, SENDING: SENDING},
    "stop-all": {state: state for state in EditionState} | {SENDING: PAUSED},
}


@pytest.mark.parametrize("state", EditionState)
def test_every_state_of_an_edition_under_every_act(paper: Paper, state: EditionState) -> None:
    for act in ACTS:
        wipe(paper)
        try_edition(paper, state, act)


def try_edition(paper: Paper, state: EditionState, act: str) -> None:
    set_up(paper, state)
    before, dump = story(paper), paper.dump()
    lands = LEADS_TO[act].get(state)
    if lands is None:
        with pytest.raises(Refused) as refused:  # else the act was done
            ACTS[act](paper.runtime, PAPER)
        assert refused.value.sentence.endswith(".") and refused.value.next_step.startswith("newsletter ")
        assert paper.dump() == dump
        return
    ACTS[act](paper.runtime, PAPER)
    after = story(paper)
    assert after[0] == lands, act
    moved = (before[0], before[1]) != (after[0], after[1])
    assert len(after[2]) - len(before[2]) == int(moved), "history has one line for each change"


# ── deliveries ──────────────────────────────────────────────────────────────────────────────────

QUEUED, GONE, DEFERRED, FAILED, UNKNOWN, EXPIRED, DROPPED = DeliveryState
# The state of the edition in which the act is tried, and what becomes of each delivery then
ROWS: dict[str, tuple[EditionState, dict[DeliveryState, DeliveryState]]] = {
    "pause": (SENDING, {}),
    "resume": (PAUSED, {}),
    "resume --accept": (PAUSED, {}),
    "resume --retry": (PAUSED, {FAILED: QUEUED}),
    "cancel": (SENDING, {QUEUED: DROPPED, DEFERRED: DROPPED}),
    "send --missing": (SENT, {EXPIRED: QUEUED, FAILED: QUEUED}),
    "unknown count-sent": (SENT, {UNKNOWN: GONE}),
    "unknown resend": (SENT, {UNKNOWN: QUEUED}),
    "stop-all": (SENDING, {}),
}


@pytest.mark.parametrize("delivery", DeliveryState)
def test_every_state_of_a_delivery_under_every_act(paper: Paper, delivery: DeliveryState) -> None:
    for act in ROWS:
        wipe(paper)
        try_delivery(paper, delivery, act)


def try_delivery(paper: Paper, delivery: DeliveryState, act: str) -> None:
    state, becomes = ROWS[act]
    set_up(paper, state, delivery)
    try:
        ACTS[act](paper.runtime, PAPER)
    except Refused as refused:
        assert "in doubt" in refused.sentence and delivery is not UNKNOWN
    assert story(paper)[1] == becomes.get(delivery, delivery), act
    with paper.runtime.database.reading() as session:
        row = session.execute(select(Delivery)).scalar_one()
        kept = session.execute(select(Attempt)).scalars().all()
    is_again = becomes.get(delivery) is QUEUED
    assert (row.attempt, len(kept)) == ((2, 1) if is_again else (1, 0)), "a new attempt keeps the old answer"


def test_one_that_a_dead_address_failed_is_not_missing(paper: Paper) -> None:
    set_up(paper, SENT, FAILED)
    with paper.runtime.database.writing() as session:
        session.execute(update(Delivery).values(fate="dead"))
    assert mending.send_missing(paper.runtime, PAPER, SLUG, TEN, dry_run=False, who="ops").people == 0
    assert story(paper)[:2] == ("sent", "failed")


@pytest.mark.parametrize("state", [FROZEN, SENDING, PAUSED])
@pytest.mark.parametrize("delivery", [QUEUED, DEFERRED, UNKNOWN])
def test_the_deadline_passes_whatever_a_person_ordered(
    paper: Paper, state: EditionState, delivery: DeliveryState
) -> None:
    edition = set_up(paper, state, delivery)
    late = NINE + timedelta(hours=4)
    with paper.runtime.database.writing() as session:
        closing.expire(session, edition.id or 0, late)
        assert closing.finish_if_done(session, edition.id or 0, late)
    assert story(paper)[:2] == ("sent", "unknown" if delivery is UNKNOWN else "expired")


# ── what the acts leave to each other ───────────────────────────────────────────────────────────


def test_after_the_breaker_a_person_chooses(paper: Paper) -> None:
    set_up(paper, PAUSED, FAILED, act="breaker")
    with pytest.raises(Refused, match="--retry sends them again, --accept leaves them") as refused:
        resume(paper.runtime, PAPER)
    assert refused.value.next_step == f"newsletter resume post/{SLUG} --retry"
    accept(paper.runtime, PAPER)
    assert story(paper)[:2] == ("sending", "failed")
    pause(paper.runtime, PAPER)
    resume(paper.runtime, PAPER)
    assert story(paper)[0] == "sending", "the next pause was no trip of the breaker"


def test_while_everything_is_stopped_nothing_begins_and_nothing_is_frozen(paper: Paper) -> None:
    edition = set_up(paper, SENDING, QUEUED)
    assert steering.stop_all(paper.runtime, TEN, letters=True, who="ops") == (f"post/{SLUG}",)
    for act in (resume, send, missing, resend):
        with pytest.raises(Refused):
            act(paper.runtime, PAPER)
    with paper.runtime.database.writing() as session:
        assert control.order(session, control.LETTERS).who == "ops"
        session.execute(update(Edition).values(state=SENDING))
        assert ledger.take(session, BatchKey(edition.id or 0, 0), TEN) is None
        assert deliveries.due_batches(session, TEN, without=(), limit=9) == []
        session.execute(update(Edition).values(state=PAUSED))
    with pytest.raises(Refused, match="stopped already by ops"):
        stop_all(paper.runtime, PAPER)
    lifted = steering.resume_all(paper.runtime, TEN, who="ops")
    assert (lifted.resumed, lifted.still_paused) == ((f"post/{SLUG}",), ())
    with pytest.raises(Refused, match="Nothing is stopped"):
        steering.resume_all(paper.runtime, TEN, who="ops")


def test_what_was_paused_for_a_reason_of_its_own_stays_so(paper: Paper) -> None:
    set_up(paper, PAUSED, QUEUED, act="stopped")
    stop_all(paper.runtime, PAPER)
    assert steering.resume_all(paper.runtime, TEN, who="ops").still_paused == (f"post/{SLUG}",)
    assert story(paper)[0] == "paused"


def test_what_is_due_while_everything_is_stopped_is_not_frozen_and_late_afterwards(paper: Paper) -> None:
    set_up(paper, DRAFT)
    stop_all(paper.runtime, PAPER)
    sending.open_due(paper.runtime, TEN)
    assert story(paper)[0] == "draft"
    steering.resume_all(paper.runtime, TEN, who="ops")
    sending.open_due(paper.runtime, TEN)
    with paper.runtime.database.reading() as session:
        found = session.execute(select(Edition)).scalar_one()
    assert (found.state, found.late) == ("frozen", True)


@pytest.mark.parametrize("act", [missing, count_sent, resend])
def test_once_retention_has_dropped_the_rows_nothing_is_mended(paper: Paper, act: Act) -> None:
    set_up(paper, SENT)
    with paper.runtime.database.writing() as session:
        session.execute(delete(Delivery))
    with pytest.raises(Refused, match="no longer on record"):
        act(paper.runtime, PAPER)


def test_a_cancel_leaves_what_is_on_the_wire_to_its_worker(paper: Paper) -> None:
    """Ten are planned: four had begun, of which two are answered while the person decides."""
    runtime = paper.runtime
    with runtime.database.writing() as session:
        sync_newsletters(session, runtime.settings.newsletters, NINE)
        make_readers(session, paper.ids["post"], 9)
    edition = set_up(paper, SENDING, QUEUED).id or 0
    with runtime.database.writing() as session:
        batch = ledger.take(session, BatchKey(edition, 0), NINE)
        assert batch is not None
        begun = commit(session, batch, [], begun=0, upto=4)
        assert begun is not None and len(begun.recipients) == 4
    sums = steering.cancel(runtime, PAPER, SLUG, TEN, who="ops")
    assert (sums.queued, sums.cancelled) == (4, 6)
    first, second, third, fourth = begun.recipients
    with runtime.database.writing() as session:
        after = commit(session, batch, [settled(first), busy(second)], begun=4, upto=8)
        assert after is not None and (after.upto, after.recipients) == (4, ()), "nothing else begins"
        hand_back(session, batch, [third], TEN)
        finish(session, batch, BatchState.READY)
    with runtime.database.reading() as session:
        sums = deliveries.sums(session, edition)
        assert (sums.sent, sums.cancelled, sums.queued) == (1, 8, 1), (
            "no retry, and what never left is cancelled"
        )
        assert fourth.subscriber_id
    with runtime.database.writing() as session:
        session.execute(update(Batch).values(state=BatchState.RUNNING))
    with runtime.database.writing() as session:
        assert deliveries.due_batches(session, TEN, without=(), limit=9) == [BatchKey(edition, 0)]
        assert ledger.take(session, BatchKey(edition, 0), TEN) is None
        closing.close_cancelled(session, BatchKey(edition, 0), TEN)
    with runtime.database.reading() as session:
        assert deliveries.sums(session, edition).unknown == 1, "its worker died: nobody knows"
        assert deliveries.due_batches(session, TEN, without=(), limit=9) == []
    assert mending.count_sent(runtime, PAPER, SLUG, None, TEN, who="ops").people == 1


def test_only_those_named_are_answered_for(paper: Paper) -> None:
    set_up(paper, SENT)
    with pytest.raises(Misuse, match="is not in doubt in post/2026-02-18; nothing was changed"):
        mending.count_sent(paper.runtime, PAPER, SLUG, ["alice@readers.example", reader(1)], TEN, who="ops")
    assert story(paper)[1] == "unknown"
    counted = mending.count_sent(paper.runtime, PAPER, SLUG, ["alice@readers.example"], TEN, who="ops")
    assert (counted.people, story(paper)[1]) == (1, "sent")
