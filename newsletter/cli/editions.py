"""`newsletter editions`: what was, is and will be sent."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from newsletter.cli.console import finish, foreign, table
from newsletter.cli.options import command, runtime
from newsletter.cli.status import state_words, when, words
from newsletter.services import status as service
from newsletter.services.status import EditionStory

room = typer.Typer(name="editions", help="What was, is and will be sent.", rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    app.add_typer(room)


@command(room, "list")
def list_editions(
    newsletter: Annotated[str, typer.Argument(help="The newsletter's slug; all when left out.")] = "",
    limit: Annotated[int, typer.Option(help="How many of each.", min=1)] = 14,
) -> None:
    """The latest editions, newest first.

    Example: newsletter editions list town --limit 30
    """
    opened = runtime()
    chosen = [opened.newsletter(newsletter)] if newsletter else list(opened.settings.newsletters)
    lines = [(n, line) for n in chosen for line in service.recent_editions(opened, n, limit)]
    finish(
        {"editions": [{"newsletter": n.slug, **asdict(line)} for n, line in lines]},
        table(
            ["EDITION", "STATE", "DUE", "SUBJECT", "DELIVERIES"],
            [
                [f"{n.slug}/{e.slug}", state_words(e), when(e.due_at, n.zone), e.subject, words(e)]
                for n, e in lines
            ],
            empty="No edition yet; the scheduler drafts one. Run: newsletter tick",
        ),
    )


@command(room, "show")
def show_edition(
    edition: Annotated[str, typer.Argument(help="NEWSLETTER/SLUG, for instance town/today.")],
    why: Annotated[bool, typer.Option("--why", help="Also the reason of every article left out.")] = False,
) -> None:
    """One edition: its entries and why they are there, its deliveries, who is in doubt.

    Example: newsletter editions show town/today --why
    """
    opened = runtime()
    now = opened.clock.now()
    story = service.edition_story(opened, edition, now)
    newsletter, _ = service.split_name(opened, edition, now)
    finish(_as_data(story), lambda console: _show(console, story, newsletter.zone, why=why))


def _as_data(story: EditionStory) -> dict[str, object]:
    entries = [
        {"slot": p.slot, "section": p.section, "article": p.article_id, "why": p.why,
         "headline": p.headline or story.articles[p.article_id].title}
        for p in story.placements
    ]  # fmt: skip
    return {
        **asdict(story.line), "entries": entries, "reasons": dict(story.reasons),
        "unknown": [asdict(row) for row in story.unknown], "failed": [asdict(row) for row in story.failed],
        "first_at": story.first_at, "last_at": story.last_at,
    }  # fmt: skip


def _show(console: Console, story: EditionStory, zone: ZoneInfo, *, why: bool) -> None:
    line = story.line
    console.print(foreign(f"{line.slug}  {state_words(line)}  due {when(line.due_at, zone)}  {line.why}"))
    console.print(foreign(f"Subject  {line.subject or 'none yet'}"))
    for placement in story.placements:
        title = placement.headline or story.articles[placement.article_id].title
        console.print(foreign(f"  {placement.slot:<9} {placement.section:<12} {title}"))
        console.print(foreign(f"{'':24}{placement.why}"), style="dim")
    console.print(foreign(f"Deliveries  {words(line) or 'none yet'}"))
    for name, rows in (("in doubt", story.unknown), ("failed", story.failed)):
        for row in rows:
            console.print(foreign(f"  {name}: {row.address}  {row.reply}"))
    if why:
        placed = {str(placement.article_id) for placement in story.placements}
        for article, reason in story.reasons.items():
            if article not in placed:
                console.print(foreign(f"  article {article}: {reason}"))
