"""What needs a person, worst first, each with one next command. A part of status."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from enum import IntEnum

from newsletter.models import EditionState
from newsletter.services.lines import EditionLine, LettersLine, Problem, RelayLine, Status

# An edition that has not begun this long after its minute is stuck
STUCK = timedelta(minutes=2)
CLOCK_SILENT = 600.0  # seconds; cron may be slow


class Rank(IntEnum):
    NOW = 0  # readers are waiting, and nobody works on it
    STOPPED = 1
    HELD = 2
    NOBODY = 3
    DOUBT = 4
    CLOCK = 5
    UNTOLD = 6
    FEED = 7


LEAST_URGENT = Rank.DOUBT
Need = tuple[Rank, str, str]


def needs(found: Status) -> tuple[Problem, ...]:
    all_needs = [
        (need, f"{newsletter.slug}/{line.slug}")
        for newsletter in found.newsletters
        for line in newsletter.editions
        for need in _of_edition(newsletter.slug, line, found)
    ]
    all_needs += [(need, "") for need in _of_the_house(found)]
    return tuple(
        Problem(what, step, edition, urgent=rank <= LEAST_URGENT)
        for (rank, what, step), edition in sorted(all_needs, key=lambda each: each[0][0])
    )


def _of_edition(newsletter: str, line: EditionLine, found: Status) -> Iterator[Need]:
    name = f"{newsletter}/{line.slug}"
    show = f"newsletter editions show {name}"
    is_overdue = found.at > (line.still.due_at or line.due_at) + STUCK
    deliver = "newsletter tick" if found.workers is None else "newsletter worker"
    match line.state:
        case EditionState.HELD:
            yield Rank.HELD, f"{name} is held: {line.why}", f"newsletter editions approve {name}"
        case EditionState.APPROVED if line.by_hand:
            send = f"newsletter send {newsletter} --edition {line.slug}"
            yield Rank.HELD, f"{name} is approved and waits to be sent by hand", send
        case EditionState.PAUSED:
            retry = " --retry" if line.why.startswith("breaker:") else ""
            yield Rank.STOPPED, f"{name} is paused: {line.why}", f"newsletter resume {name}{retry}"
        case EditionState.FROZEN if is_overdue:
            yield Rank.NOW, f"{name} is frozen and nobody delivers it", deliver
        case EditionState.SENDING if is_overdue and line.sums.queued and not found.delivering:
            yield Rank.NOW, f"{name} is being sent and nobody delivers it", deliver
        case EditionState.DRAFT | EditionState.APPROVED if is_overdue and not line.by_hand:
            yield Rank.NOW, f"{name} was due and nobody has opened it", "newsletter tick"
        case EditionState.SENT if line.sums.total and not line.sums.sent + line.sums.unknown:
            yield Rank.NOBODY, f"{name} reached nobody", show
    if line.sums.unknown:
        yield (
            Rank.DOUBT,
            f"{name} has {line.sums.unknown} deliveries in doubt",
            f"newsletter unknown list {name}",
        )


def _of_the_house(found: Status) -> Iterator[Need]:
    if found.stopped_by:
        yield Rank.NOW, f"everything is stopped, by {found.stopped_by}", "newsletter resume --all"
    if found.unsigned:
        yield Rank.NOW, found.unsigned.what, found.unsigned.next_step
    yield from _of_relays(found.relays)
    yield from _of_letters(found.letters)
    if found.clock is not None and found.clock > CLOCK_SILENT:
        yield Rank.CLOCK, f"the clock has not looked for {found.clock // 60:.0f} minutes", "newsletter serve"
    if found.untold:
        have = "alert has" if found.untold == 1 else "alerts have"
        yield Rank.UNTOLD, f"{found.untold} {have} reached nobody so far", "newsletter tick"
    for feed in found.feeds:
        if feed.is_silent and feed.failing_since:
            since = f"{feed.failing_since:%d %b %H:%M} UTC"
            yield Rank.FEED, f"feed {feed.name} brings nothing since {since}", "newsletter feeds list"


def _of_letters(letters: LettersLine) -> Iterator[Need]:
    if letters.stuck and not letters.stopped_by:
        step = "newsletter relays probe" if letters.carrying else "newsletter tick"
        yield Rank.NOW, f"{_letters(letters.stuck)} waited for more than a quarter of an hour", step
    if letters.in_doubt:
        in_doubt = "1 letter is" if letters.in_doubt == 1 else f"{letters.in_doubt} letters are"
        yield Rank.DOUBT, f"{in_doubt} in doubt", "newsletter unknown list"


def _letters(count: int) -> str:
    return "1 letter has" if count == 1 else f"{count} letters have"


def _of_relays(relays: Sequence[RelayLine]) -> Iterator[Need]:
    """A relay that is down needs a person only when no other may carry the mail."""
    chosen = [relay for relay in relays if relay.by_hand]
    usable = chosen or relays
    if usable and all(relay.is_up is False for relay in usable):
        first = usable[0]
        step = "newsletter relays use auto" if chosen else f"newsletter relays probe {first.name}"
        yield Rank.NOW, f"no relay can be used: {first.trouble or first.name}", step
