"""`newsletter subscribers`: who gets what, one person's story, and its end."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from newsletter.cli import lists
from newsletter.cli.console import finish, foreign, note, table
from newsletter.cli.options import command, options, runtime
from newsletter.errors import Incomplete, Misuse, Refused
from newsletter.models import Cadence, SubscriptionState
from newsletter.services import forgetting, recalling, subscribing, suppressing
from newsletter.services.forgetting import Known
from newsletter.services.recalling import PersonStory
from newsletter.store.people import Standing
from newsletter.store.subscribers import Listed

room = typer.Typer(name="subscribers", help="Who gets which newsletter.", rich_markup_mode=None)

Newsletter = Annotated[str, typer.Option(help="The newsletter's slug.")]
Which = Annotated[str, typer.Argument(metavar="ADDRESS|NUMBER", help="The person.")]


def register(app: typer.Typer) -> None:
    lists.register(room)
    app.add_typer(room)


@command(room, "add")
def add(
    address: Annotated[str, typer.Argument(help="The person's address.")],
    newsletter: Newsletter,
    name: Annotated[str, typer.Option(help="As it stands in the greeting.")] = "",
    cadence: Annotated[Cadence, typer.Option(help="How often.")] = Cadence.DAILY,
    section: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this section; may be said again.")
    ] = None,
    consent: Annotated[str, typer.Option(help="What they agreed to, and where.")] = "",
) -> None:
    """Give one person a place on a newsletter.

    Example: newsletter subscribers add ana@example.org --newsletter town
    """
    opened = runtime()
    answer = subscribing.add(
        opened, address, newsletter, name, opened.clock.now(),
        consent_text=consent, consent_source="command line", cadence=cadence, sections=section or (),
    )  # fmt: skip
    finish({"answer": answer}, lambda c: c.print(foreign(f"{address} is {answer} on {newsletter}.")))


@command(room, "list")
def list_subscribers(
    newsletter: Annotated[str, typer.Option(help="Only this newsletter's.")] = "",
    state: Annotated[SubscriptionState | None, typer.Option(help="Only places in this state.")] = None,
    search: Annotated[str, typer.Option(help="A part of the address or the name.")] = "",
    limit: Annotated[int, typer.Option(help="How many.", min=1)] = 50,
) -> None:
    """Who subscribes, latest first.

    Example: newsletter subscribers list --newsletter town --search example.org
    """
    opened = runtime()
    people = subscribing.list_people(opened, newsletter, limit, state=state or "", search=search)
    empty = "Nobody yet. Run: newsletter subscribers import FILE --newsletter SLUG"
    if state or search:
        empty = "Nobody is like that. Run: newsletter subscribers list"
    finish(
        {"subscribers": [asdict(person) for person in people]},
        table(
            ["NO", "ADDRESS", "NAME", "NEWSLETTER", "STATE"],
            [[p.id, p.address, p.name, p.newsletter, _state(p)] for p in people],
            empty=empty,
        ),
    )


@command(room, "show")
def show(
    which: Which,
    limit: Annotated[int, typer.Option(help="How many events.", min=1, max=10_000)] = 50,
) -> None:
    """One person's whole story, newest first: consent, mails with the server's answers, changes.

    Example: newsletter subscribers show ana@example.org
    """
    story = recalling.person_story(runtime(), which, limit)
    finish(
        {"subscriber": asdict(story)},
        lambda console: _tell(console, story),
    )


@command(room, "suppress")
def suppress(
    which: Which,
    why: Annotated[str, typer.Option(help="What they said, for the record.")] = "",
) -> None:
    """Take down a complaint: the address is not mailed until it confirms anew, or the complaint is lifted.

    Example: newsletter subscribers suppress ana@example.org --why spam
    """
    opened = runtime()
    barred = suppressing.suppress(opened, which, why, opened.clock.now(), who="ops")
    said = "is not mailed any more" if barred.is_new else f"was not mailed before ({barred.reason})"
    finish({"suppression": asdict(barred)}, lambda c: c.print(foreign(f"{which} {said}.")))


@command(room, "lift")
def lift(
    which: Which,
    why: Annotated[str, typer.Option(help="Why it may be mailed again; kept in the history.")] = "",
) -> None:
    """Let an address be mailed again that had complained. Other suppressions only its owner lifts.

    Example: newsletter subscribers lift ana@example.org --why "a slip"
    """
    opened = runtime()
    barred = suppressing.lift(opened, which, why, opened.clock.now(), who="ops")
    finish(
        {"lifted": asdict(barred)},
        lambda c: c.print(
            foreign(f"{which} may be mailed again; it had complained {barred.since:%d %B %Y}.")
        ),
    )


@command(room, "forget")
def forget(
    which: Which,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase one person for good: a number stays, and the sums of what was sent.

    Example: newsletter subscribers forget ana@example.org
    """
    opened = runtime()
    known = forgetting.look_up(opened, which)
    if not yes:
        _ask(known)
    done = forgetting.forget(opened, str(known.id), opened.clock.now(), who="ops")
    if not done.is_clean:
        raise Incomplete(
            f"Subscriber {done.id} is forgotten, but free parts of the store's file may remember; they "
            "are cleaned when nothing is being sent or read.",
            next_step=f"newsletter subscribers forget {done.id} --yes",
        )
    words = "is forgotten" if done.is_new else "was forgotten before; the store's file is clean"
    finish(
        {"subscriber": done.id, "forgotten": True, "is_new": done.is_new},
        lambda console: console.print(f"Subscriber {done.id} {words}."),
    )


def _ask(known: Known) -> None:
    """Raises Misuse where nobody can answer, Refused for another answer than yes."""
    said = options()
    again = f"newsletter subscribers forget {known.id} --yes"
    if said.json or not sys.stdin.isatty():
        raise Misuse("Forgetting somebody cannot be undone, so it wants a yes.", next_step=again)
    places = ", ".join(known.newsletters) or "no newsletter"
    note(f"{known.address or 'Somebody forgotten'}, number {known.id}, has a place on: {places}.")
    if not typer.confirm("Forget them for good?", err=True):
        raise Refused("Nobody was forgotten.", next_step=again)


def _tell(console: Console, story: PersonStory) -> None:
    if story.address:
        name = f", {story.name}" if story.name else ""
        console.print(foreign(f"{story.written}{name}, number {story.id}"))
        if story.written != story.address:
            console.print(foreign(f"  on the wire: {story.address}"))
    else:
        console.print(f"Number {story.id}: forgotten")
    if story.suppressed:
        console.print(foreign(f"  Not mailed: {story.suppressed}"))
    for place in story.standings:
        console.print(foreign(f"  {_standing(place)}"))
    for name, value in story.attributes.items():
        console.print(foreign(f"  {name}: {value}"))
    console.print()
    grid = Table(box=None, pad_edge=False, show_header=False)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for event in story.events:
        grid.add_row(f"{event.at:%Y-%m-%d %H:%M}", foreign(event.what))
    console.print(grid)
    if not story.is_whole:
        console.print("… and more before; --limit shows it. Times are UTC.")
    else:
        console.print("Times are UTC.")


def _standing(place: Standing) -> str:
    zone = f", {place.zone}" if place.zone else ""
    paused = f", paused until {place.paused_until:%Y-%m-%d}" if place.paused_until else ""
    sections = f", only {', '.join(place.sections)}" if place.sections else ""
    return f"{place.newsletter}: {place.state}, {place.cadence}{zone}{sections}{paused}"


def _state(person: Listed) -> str:
    return f"{person.state}, suppressed" if person.suppressed else person.state
