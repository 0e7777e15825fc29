"""`newsletter articles`: what is in the pool, from a file or by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from newsletter.cli.console import finish, foreign, table
from newsletter.cli.options import command, runtime
from newsletter.errors import Misuse
from newsletter.feeds.files import draft_of
from newsletter.models import Article, ArticleKind
from newsletter.services import gathering
from newsletter.services.gathering import ImportReport

room = typer.Typer(name="articles", help="The pool of articles.", rich_markup_mode=None)

Which = Annotated[str, typer.Argument(metavar="ARTICLE", help="Its number or its address.")]


def register(app: typer.Typer) -> None:
    app.add_typer(room)


@command(room, "list")
def list_articles(
    feed: Annotated[str, typer.Option(help="Only what this feed carries.")] = "",
    limit: Annotated[int, typer.Option(help="How many.", min=1)] = 50,
) -> None:
    """The latest arrivals.

    Example: newsletter articles list --feed world --limit 20
    """
    found = gathering.list_articles(runtime(), limit=limit, feed=feed)
    finish(
        {"articles": [article.model_dump(mode="json") for article in found]},
        table(
            ["NO", "PUBLISHED", "KIND", "SECTION", "TITLE"],
            [[a.id, f"{a.published_at:%d %b %H:%M}", _kind(a), a.section, a.title] for a in found],
            empty="The pool is empty. Run: newsletter gather, or newsletter articles import FILE",
        ),
    )


@command(room, "show")
def show_article(which: Which) -> None:
    """One article, and the feeds that carry it.

    Example: newsletter articles show 12
    """
    story = gathering.show_article(runtime(), which)
    article = story.article

    def show(console: Console) -> None:
        for name, value in article.model_dump().items():
            if value not in ("", None, 0):
                console.print(foreign(f"{name:<15} {value}"))
        for seen in story.seen_in:
            console.print(foreign(f"{'carried by':<15} {seen.feed}, place {seen.rank + 1} of {seen.length}"))

    finish(
        {"article": article.model_dump(mode="json"), "carried_by": [seen.feed for seen in story.seen_in]},
        show,
    )


@command(room, "add")
def add_article(
    url: Annotated[str, typer.Argument(help="The story's address.")],
    title: Annotated[str, typer.Option(help="Its headline.")],
    published_at: Annotated[str, typer.Option(help="When, with zone; now when left out.")] = "",
    summary: Annotated[str, typer.Option(help="One or two sentences.")] = "",
    section: Annotated[str, typer.Option(help="Where it belongs.")] = "",
    byline: Annotated[str, typer.Option(help="Who wrote it.")] = "",
    kind: Annotated[ArticleKind, typer.Option(help="What slot it is for.")] = ArticleKind.STORY,
    picture_url: Annotated[str, typer.Option(help="Its picture's address.")] = "",
    picture_alt: Annotated[str, typer.Option(help="What the picture shows.")] = "",
) -> None:
    """Add one article, or change the one at its address.

    Example: newsletter articles add https://town.example/fair --title "Fair day"
    """
    opened = runtime()
    now = opened.clock.now()
    fields = {
        "url": url, "title": title, "summary": summary, "section": section, "byline": byline, "kind": kind,
        "picture_url": picture_url, "picture_alt": picture_alt,
        "published_at": published_at or now.isoformat(),
    }  # fmt: skip
    try:
        draft = draft_of({name: value for name, value in fields.items() if value})
    except Misuse as error:
        raise Misuse(
            f"The article was not added: {error.sentence}.", next_step="newsletter articles add --help"
        ) from error
    article = gathering.add_article(opened, draft, now)
    finish(
        {"article": article.model_dump(mode="json")},
        lambda c: c.print(foreign(f"Article {article.id} is in the pool: {article.title}")),
    )


@command(room, "import")
def import_articles(
    file: Annotated[Path, typer.Argument(help="JSON Lines (.jsonl) or CSV with a header line.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Report what would happen; change nothing.")
    ] = False,
) -> None:
    """Bring a file of articles into the pool: all of it or, when a line is refused, nothing.

    Example: newsletter articles import today.jsonl --dry-run
    """
    opened = runtime()
    report = gathering.import_articles(opened, file, opened.clock.now(), dry_run=dry_run)
    if report.refused and not dry_run:
        first = report.refused[0]
        more = f", and {len(report.refused) - 1} more" if len(report.refused) > 1 else ""
        raise Misuse(
            f"Nothing was imported from {file}: {first.place}: {first.why}{more}.",
            next_step=f"newsletter articles import {file} --dry-run",
        )
    finish(
        {
            "stored": report.stored, "new": report.counts.new, "updated": report.counts.updated,
            "unchanged": report.counts.unchanged,
            "refused": [{"place": r.place, "why": r.why} for r in report.refused],
        },
        lambda console: _show(console, report, dry_run=dry_run),
    )  # fmt: skip


@command(room, "hide")
def hide_article(
    which: Which,
    undo: Annotated[bool, typer.Option("--undo", help="Bring it back.")] = False,
    why: Annotated[str, typer.Option(help="For the history.")] = "",
) -> None:
    """Take an article out of the pool: no draft chooses it from now on.

    Example: newsletter articles hide 12 --why "the source withdrew it"
    """
    opened = runtime()
    act = gathering.unhide if undo else gathering.hide
    changed = act(opened, which, opened.clock.now(), who="ops", why=why)
    state = "in the pool" if undo else "hidden"
    finish(
        {"article": which, "changed": changed},
        lambda c: c.print(foreign(f"Article {which} is {state}{'' if changed else ' already'}.")),
    )


def _kind(article: Article) -> str:
    return f"{article.kind} (hidden)" if article.hidden_at else article.kind


def _show(console: Console, report: ImportReport, *, dry_run: bool) -> None:
    verb = "would be" if dry_run else "are"
    counts = report.counts
    console.print(f"{counts.new} {verb} new, {counts.updated} updated, {counts.unchanged} unchanged.")
    for refusal in report.refused:
        console.print(foreign(f"  refused: {refusal.place}: {refusal.why}"))
