"""`newsletter send`: an edition by hand."""

from __future__ import annotations

import threading
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.console import Console

from newsletter.cli.console import Interrupted, finish, foreign, note, readers
from newsletter.cli.counted import Count, counted
from newsletter.cli.options import command, runtime, sending_runtime
from newsletter.cli.progress import follow
from newsletter.cli.signals import stopping
from newsletter.cli.status import later_words
from newsletter.config import NewsletterSettings
from newsletter.errors import Incomplete, Misuse
from newsletter.models import EditionState, Slot
from newsletter.runtime import Runtime
from newsletter.services import dispatching, mending, rehearsing, sending, status
from newsletter.store.deliveries import Open
from newsletter.values import Sums
from newsletter.worker import deliver

WHO = "ops"
MINUTE = timedelta(seconds=60)

Newsletter = Annotated[str, typer.Argument(help="The newsletter's slug.")]


def register(app: typer.Typer) -> None:
    command(app, "send")(send)


def send(
    newsletter: Newsletter,
    edition: Annotated[str, typer.Option(help="Its slug; otherwise today's edition.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go out; send nothing.")] = False,
    test: Annotated[
        str, typer.Option(metavar="ADDRESS", help="One test mail to an address of the proof list.")
    ] = "",
    missing: Annotated[
        bool, typer.Option("--missing", help="Only those whom a sent edition has not reached.")
    ] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Begin at once instead of in a minute.")] = False,
    count: Count = None,
) -> None:
    """Send an edition now: in 60 seconds, and Ctrl-C undoes. What is closed or approved goes as it is.

    Example: newsletter send town --dry-run
    """
    if sum((bool(test), missing)) > 1 or (test and dry_run):
        raise Misuse(
            "--test, --missing and --dry-run do not go together so.", next_step="newsletter send --help"
        )
    if count is not None and not missing:
        raise Misuse("--count goes with --missing.", next_step="newsletter send --help")
    if dry_run and missing:
        _count_missing(newsletter, edition)
    elif dry_run:
        _rehearse(newsletter, edition)
    elif test:
        _test(newsletter, edition, test)
    elif missing:
        _missing(newsletter, edition, count)
    else:
        _send(newsletter, edition, timedelta(0) if no_wait else MINUTE)


def _send(slug: str, edition: str, wait: timedelta) -> None:
    opened = sending_runtime()
    newsletter = opened.newsletter(slug)
    with stopping() as stop:
        dispatch = dispatching.send_now(opened, newsletter, edition, opened.clock.now(), wait=wait, who=WHO)
        name = f"{slug}/{dispatch.slug}"
        if dispatch.is_new and wait:
            _a_minute_to_think(opened, newsletter, dispatch, name, stop)
        carry_out(opened, dispatch.edition_id, name, stop)


def _a_minute_to_think(
    opened: Runtime,
    newsletter: NewsletterSettings,
    dispatch: sending.Dispatch,
    name: str,
    stop: threading.Event,
) -> None:
    note(f"{name} goes to {readers(dispatch.people)} in 60 seconds. Ctrl-C undoes.")
    if not opened.clock.wait_until(dispatch.due_at, stop):
        return
    if sending.unfreeze(opened, newsletter, dispatch.edition_id, opened.clock.now(), who=WHO):
        raise Interrupted(f"Undone: {name} is as it was, and nobody was mailed.")
    raise Interrupted(f"Too late to undo: {name} has begun.", next_step=f"newsletter pause {name}")


def _missing(slug: str, edition: str, count: int | None) -> None:
    opened = sending_runtime()
    newsletter = opened.newsletter(slug)
    now = opened.clock.now()
    _, wanted = status.split_name(opened, f"{slug}/{edition or 'today'}", now)
    mended = counted(
        lambda typed: mending.send_missing(
            opened, newsletter, wanted, now, dry_run=False, who=WHO, count=typed
        ),
        count,
    )
    name = f"{slug}/{wanted}"
    if not mended.people:
        finish({"edition": name, "people": 0}, lambda c: c.print(foreign(f"{name} misses nobody.")))
        return
    with stopping() as stop:
        carry_out(opened, mended.edition_id, name, stop)


def carry_out(opened: Runtime, edition_id: int, name: str, stop: threading.Event) -> None:
    """Deliver, or watch whoever delivers, and say how it ended."""
    with follow(opened, edition_id, name):
        while _is_open(opened, edition_id) and not stop.is_set():
            deliver(opened, stop, until_idle=True)
            if _waits(opened, edition_id) or opened.clock.wait(0.5, stop):
                break
    if stop.is_set() and _is_open(opened, edition_id):
        raise Interrupted(
            f"Interrupted; nothing is in doubt, and {name} goes on with the next tick or serve.",
            next_step=f"newsletter pause {name}",
        )
    _conclude(opened, edition_id, name)


def _is_open(opened: Runtime, edition_id: int) -> bool:
    state, _ = sending.progress(opened, edition_id)
    return state in sending.UNDERWAY


def _waits(opened: Runtime, edition_id: int) -> bool:
    """Only deferred rows are left, and readers whose time has not come: the next tick, or `serve`, sends
    them at their time."""
    state, sums = sending.progress(opened, edition_id)
    later = sending.still_open(opened, edition_id, opened.clock.now()).later
    return state in sending.UNDERWAY and sums.queued == later and bool(sums.deferred + later)


def _conclude(opened: Runtime, edition_id: int, name: str) -> None:
    state, sums = sending.progress(opened, edition_id)
    still = sending.still_open(opened, edition_id, opened.clock.now())
    result = {"edition": name, "state": state, "deliveries": asdict(sums), "later": still.later}
    trouble = _trouble(state, sums, still.later)
    if trouble:
        raise Incomplete(f"{name}: {trouble}.", next_step=f"newsletter editions show {name}")
    finish(result, lambda console: _print_sums(console, name, state, sums, still))


def _trouble(state: EditionState, sums: Sums, later: int) -> str:
    parts = [
        f"{count} {word}"
        for count, word in (
            (sums.failed, "failed"), (sums.unknown, "in doubt"), (sums.expired, "expired"),
            (sums.deferred, "waiting for a retry"), (sums.queued - later, "still queued"),
        )
        if count
    ]  # fmt: skip
    if not parts and state in (EditionState.SENT, *sending.UNDERWAY):
        return ""
    return f"{state}, {sums.sent} sent, " + (", ".join(parts) or "nothing open")


def _print_sums(console: Console, name: str, state: EditionState, sums: Sums, still: Open) -> None:
    left = f", {sums.cancelled} left meanwhile" if sums.cancelled else ""
    console.print(foreign(f"{name} is {state}: {sums.sent} of {sums.total} accepted{left}."))
    if still.later:
        console.print(f"serve, or the next tick, goes on{later_words(still)}.")


def _count_missing(slug: str, edition: str) -> None:
    opened = runtime()
    newsletter = opened.newsletter(slug)
    now = opened.clock.now()
    _, wanted = status.split_name(opened, f"{slug}/{edition or 'today'}", now)
    mended = mending.send_missing(opened, newsletter, wanted, now, dry_run=True, who=WHO)
    name = f"{slug}/{wanted}"
    finish(
        {"edition": name, "people": mended.people, "dry_run": True},
        lambda c: c.print(foreign(f"{readers(mended.people)} would be sent {name}. Nothing was sent.")),
    )


def _rehearse(slug: str, edition: str) -> None:
    opened = runtime()
    newsletter = opened.newsletter(slug)
    now = opened.clock.now()
    rehearsal = rehearsing.rehearse(opened, newsletter, now, slug=edition)
    sending.may_send(newsletter, rehearsal.edition)
    sections = {entry.section for entry in rehearsal.choice.placements if entry.slot is Slot.HEADLINES}
    people = sending.count_people(opened, rehearsal.edition, sections, now)
    size = sum(map(len, rehearsal.rendition.html.literals + rehearsal.rendition.text.literals))
    headlines = [
        {
            "slot": p.slot,
            "section": p.section,
            "headline": p.headline or rehearsal.pool[p.article_id].title,
            "why": p.why,
        }
        for p in rehearsal.choice.placements
    ]
    result: dict[str, Any] = {
        "edition": f"{slug}/{rehearsal.edition.slug}", "dry_run": True, "people": people, "bytes": size,
        "subject": rehearsal.rendition.subject, "entries": headlines,
    }  # fmt: skip

    def show(console: Console) -> None:
        console.print(
            foreign(f"{slug}/{rehearsal.edition.slug}, to {readers(people)}, {size // 1000} kB a mail")
        )
        console.print(foreign(f"Subject  {rehearsal.rendition.subject}"))
        for line in headlines:
            console.print(foreign(f"{line['slot']:<10}{line['section']:<12} {line['headline']}"))
        console.print("Nothing was sent, and nothing was written.")

    finish(result, show)


def _test(slug: str, edition: str, address: str) -> None:
    opened = sending_runtime()
    newsletter = opened.newsletter(slug)
    outcome = dispatching.send_test(opened, newsletter, edition, address, opened.clock.now(), who=WHO)
    finish(
        {"newsletter": slug, "reply": outcome.reply, "relay": outcome.relay},
        lambda c: c.print(foreign(f"Test mail taken by {outcome.relay}: {outcome.reply}")),
    )
