"""`newsletter editions`: what was, is and will be sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date, datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from newsletter.cli import correcting, deciding, previewing, shaping
from newsletter.cli.console import finish, foreign, table
from newsletter.cli.options import command, instant, runtime
from newsletter.cli.status import due_words, state_words, when, words
from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse
from newsletter.models import EditionKind
from newsletter.runtime import Runtime
from newsletter.schedule import due_instant
from newsletter.services import editing, rehearsing
from newsletter.services import status as service
from newsletter.services.status import EditionStory
from newsletter.values import Candidate, Placement

room = typer.Typer(name="editions", help="What was, is and will be sent.", rich_markup_mode=None)

DRAFT_HELP = "newsletter editions draft --help"
Why = Annotated[bool, typer.Option("--why", help="Also the reason of every article left out.")]


def register(app: typer.Typer) -> None:
    for corner in (shaping, deciding, previewing, correcting):
        corner.register(room)
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
                [f"{n.slug}/{e.slug}", state_words(e), due_words(e, n.zone), e.subject, words(e)]
                for n, e in lines
            ],
            empty="No edition yet; the scheduler drafts one. Run: newsletter tick",
        ),
    )


@command(room, "show")
def show_edition(
    edition: Annotated[str, typer.Argument(help="NEWSLETTER/SLUG, for instance town/today.")],
    why: Why = False,
) -> None:
    """One edition: its entries and why they are there, its deliveries, who is in doubt.

    Example: newsletter editions show town/today --why
    """
    opened = runtime()
    now = opened.clock.now()
    story = service.edition_story(opened, edition, now)
    newsletter, _ = service.split_name(opened, edition, now)
    _tell(story, newsletter.zone, why=why)


@command(room, "draft")
def draft_edition(
    newsletter: Annotated[str, typer.Argument(help="The newsletter's slug.")],
    extra: Annotated[bool, typer.Option("--extra", help="An extra of what has not gone out.")] = False,
    weekly: Annotated[bool, typer.Option("--weekly", help="The next weekly, of what has.")] = False,
    at: Annotated[
        str, typer.Option(metavar="HH:MM", help="When the extra is due, or an instant; else you send it.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show it; change nothing.")] = False,
    why: Why = False,
) -> None:
    """The next edition, chosen anew from the pool. With --dry-run and --now, any day's.

    With --extra a further edition of today, which has a time of its own or waits for send. With --weekly
    the next weekly, chosen from the editions that went out since the last one.

    Example: newsletter editions draft town --dry-run --now 2026-02-19T13:00:00Z
    """
    opened = runtime()
    now = opened.clock.now()
    settings = opened.newsletter(newsletter)
    if (extra and (dry_run or weekly)) or (at and not extra):
        told = "--at goes with --extra, and --dry-run and --weekly with neither."
        raise Misuse(told, next_step=DRAFT_HELP)
    kind = EditionKind.WEEKLY if weekly else EditionKind.DAILY
    if not dry_run:
        due_at = _moment(at, now.astimezone(settings.zone).date(), settings.zone) if at else None
        edition = (
            editing.draft_extra(opened, settings, now, due_at=due_at, who="ops")
            if extra
            else editing.draft_ahead(opened, settings, now, who="ops", kind=kind)
        )
        _tell(service.edition_story(opened, f"{newsletter}/{edition.slug}", now), settings.zone, why=why)
        return
    _rehearse(opened, settings, now, kind, why=why)


def _moment(text: str, day: date, zone: ZoneInfo) -> datetime:
    """`15:00` by the newsletter's clock today, or an instant with its zone."""
    if re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", text):
        hour, _, minute = text.partition(":")
        return due_instant(day, time(int(hour), int(minute)), zone)
    return instant(text)


def _rehearse(
    opened: Runtime, settings: NewsletterSettings, now: datetime, kind: EditionKind, *, why: bool
) -> None:
    seen = rehearsing.preview(opened, settings, now, kind=kind)
    choice, pool = seen.draft.choice, seen.draft.pool
    entries = _entries(choice.placements, pool)
    reasons = {str(number): reason for number, reason in choice.reasons.items()}

    def show(console: Console) -> None:
        due = when(seen.edition.due_at, settings.zone)
        console.print(foreign(f"{seen.edition.slug}  as it would be now  due {due}"))
        _show_entries(console, choice.placements, pool)
        if why:
            _show_reasons(console, choice.placements, reasons)
        if seen.few:
            console.print(foreign(f"It would be skipped: {seen.few}."))
        console.print("Nothing was written.")

    finish(
        {
            "edition": f"{settings.slug}/{seen.edition.slug}", "due_at": seen.edition.due_at, "dry_run": True,
            "entries": entries, "reasons": reasons, "skipped": seen.few,
        },
        show,
    )  # fmt: skip


def _tell(story: EditionStory, zone: ZoneInfo, *, why: bool) -> None:
    finish(_as_data(story), lambda console: _show(console, story, zone, why=why))


def _as_data(story: EditionStory) -> dict[str, object]:
    return {
        **asdict(story.line), "entries": _entries(story.placements, story.articles),
        "reasons": dict(story.reasons),
        "unknown": [asdict(row) for row in story.unknown], "failed": [asdict(row) for row in story.failed],
        "expired": [asdict(row) for row in story.expired],
        "first_at": story.first_at, "last_at": story.last_at,
        "history": [asdict(line) for line in story.history],
    }  # fmt: skip


def _show(console: Console, story: EditionStory, zone: ZoneInfo, *, why: bool) -> None:
    line = story.line
    due = due_words(line, zone)
    console.print(foreign(f"{line.slug}  {state_words(line)}  version {line.version}  {due}  {line.why}"))
    console.print(foreign(f"Subject  {line.subject or 'none yet'}"))
    _show_entries(console, story.placements, story.articles)
    console.print(foreign(f"Deliveries  {words(line) or 'none yet'}"))
    for name, rows in (("in doubt", story.unknown), ("failed", story.failed), ("expired", story.expired)):
        for row in rows:
            console.print(foreign(f"  {name}: {row.address}  {row.reply}"))
    for act in story.history:
        told = f"{act.who} {act.act}{act.why and ': '}{act.why}"
        console.print(foreign(f"  {when(act.at, zone)}  {told}"), style="dim")
    if why:
        _show_reasons(console, story.placements, story.reasons)


def _entries(placements: Iterable[Placement], articles: Mapping[int, Candidate]) -> list[dict[str, object]]:
    return [
        {"slot": p.slot, "section": p.section, "article": p.article_id, "why": p.why, "pinned": p.pinned,
         "headline": p.headline or articles[p.article_id].title}
        for p in placements
    ]  # fmt: skip


def _show_entries(
    console: Console, placements: Iterable[Placement], articles: Mapping[int, Candidate]
) -> None:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(max_width=16, overflow="fold")
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    for placement in placements:
        title = placement.headline or articles[placement.article_id].title
        slot = f"{'◆' if placement.pinned else ' '} {placement.slot}"
        why = foreign(placement.why)
        why.stylize("dim")
        told = Text("\n").join([foreign(title), why])
        grid.add_row(foreign(slot), foreign(placement.section), str(placement.article_id), told)
    console.print(grid)


def _show_reasons(console: Console, placements: Iterable[Placement], reasons: Mapping[str, str]) -> None:
    placed = {str(placement.article_id) for placement in placements}
    for article, reason in reasons.items():
        if article not in placed:
            console.print(foreign(f"  article {article}: {reason}"))
