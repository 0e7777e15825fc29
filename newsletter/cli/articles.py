"""`newsletter articles`: what is in the pool, from a file or by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from newsletter.cli.console import finish, foreign, table
from newsletter.cli.options import command, runtime
from newsletter.errors import Misuse
from newsletter.feeds.files import draft_of
from newsletter.models import Article, ArticleKind
from newsletter.services import choosing, gathering, shaping, status
from newsletter.services.gathering import ImportReport
from newsletter.services.shaping import Carried
from newsletter.values import Candidate

room = typer.Typer(name="articles", help="The pool of articles.", rich_markup_mode=None)

Which = Annotated[str, typer.Argument(metavar="ARTICLE", help="Its number or its address.")]
Why = Annotated[str, typer.Option(help="For the history.")]


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
    """One article, the feeds that carry it, and the articles that tell the same.

    Example: newsletter articles show 12
    """
    opened = runtime()
    story = gathering.show_article(opened, which)
    article = story.article
    same = choosing.tellers(opened, article, opened.clock.now())

    def show(console: Console) -> None:
        for name, value in article.model_dump().items():
            if value not in ("", None, 0):
                console.print(foreign(f"{name:<15} {value}"))
        for seen in story.seen_in:
            console.print(foreign(f"{'carried by':<15} {seen.feed}, place {seen.rank + 1} of {seen.length}"))
        for other in same:
            console.print(foreign(f"{'same story':<15} {_line(other)}"))

    finish(
        {
            "article": article.model_dump(mode="json"), "carried_by": [seen.feed for seen in story.seen_in],
            "same_story": _named(same),
        },
        show,
    )  # fmt: skip


@command(room, "add")
def add_article(
    url: Annotated[str, typer.Argument(help="The story's address.")],
    title: Annotated[str, typer.Option(help="Its headline; read from its page when left out.")] = "",
    published_at: Annotated[str, typer.Option(help="When, with zone.")] = "",
    summary: Annotated[str, typer.Option(help="One or two sentences.")] = "",
    section: Annotated[str, typer.Option(help="Where it belongs.")] = "",
    byline: Annotated[str, typer.Option(help="Who wrote it.")] = "",
    kind: Annotated[ArticleKind | None, typer.Option(help="What slot it is for.")] = None,
    picture_url: Annotated[str, typer.Option(help="Its picture's address.")] = "",
    picture_alt: Annotated[str, typer.Option(help="What the picture shows.")] = "",
) -> None:
    """Add one article, or change the one at its address.

    Without a title its page is read: what it says of itself fills whatever is not given here.

    Example: newsletter articles add https://town.example/fair
    """
    opened = runtime()
    now = opened.clock.now()
    fields = {
        "url": url, "title": title, "summary": summary, "section": section, "byline": byline,
        "kind": kind or "", "picture_url": picture_url, "picture_alt": picture_alt,
        "published_at": published_at,
    }  # fmt: skip
    given = {name: value for name, value in fields.items() if value}
    try:
        if title:
            article = gathering.add_article(opened, draft_of(given), now)
        else:
            article = gathering.add_by_address(opened, url, given, now)
    except Misuse as error:
        raise Misuse(
            f"The article was not added: {error.sentence.rstrip('.')}.",
            next_step=error.next_step or "newsletter articles add --help",
        ) from error
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
    why: Why = "",
) -> None:
    """Take an article out of the pool, and out of every edition that is not on its way.

    Example: newsletter articles hide 12 --why "the source withdrew it"
    """
    opened = runtime()
    now = opened.clock.now()
    act = gathering.unhide if undo else gathering.hide
    changed = act(opened, which, now, who="ops", why=why)
    carried: tuple[Carried, ...] = ()
    if not undo:
        number = gathering.show_article(opened, which).article.id or 0
        carried = shaping.take_out_hidden(opened, number, now, who="ops", why=why)
    state = "in the pool" if undo else "hidden"

    def show(console: Console) -> None:
        console.print(foreign(f"Article {which} is {state}{'' if changed else ' already'}."))
        for each in carried:
            console.print(foreign(f"  {each.told}\n  → {each.next_step}"))

    finish({"article": which, "changed": changed, "editions": [asdict(each) for each in carried]}, show)


@command(room, "why")
def why_article(
    which: Which,
    edition: Annotated[str, typer.Option(help="NEWSLETTER/SLUG, for instance town/today.")] = "today",
) -> None:
    """Why an article is in an edition or not, and what would have put it in.

    Example: newsletter articles why 12 --edition town/today
    """
    opened = runtime()
    now = opened.clock.now()
    article = gathering.show_article(opened, which).article
    newsletter, slug = status.split_name(opened, edition, now)
    found = choosing.why(opened, newsletter, slug, article, now)
    name = f"{newsletter.slug}/{slug}"
    finish(
        {"article": article.id, "edition": name, "in": found.is_in, "reason": found.reason},
        lambda c: c.print(
            foreign(f"Article {article.id} is {'in' if found.is_in else 'out of'} {name}: {found.reason}.")
        ),
    )


@command(room, "split")
def split_article(which: Which, why: Why = "") -> None:
    """Make an article a story of its own. It stays one, whatever comes in.

    Example: newsletter articles split 12 --why "the sister's story"
    """
    opened = runtime()
    article = gathering.show_article(opened, which).article
    others = choosing.split(opened, article, opened.clock.now(), who="ops", why=why)
    told = ", ".join(str(other.id) for other in others)
    finish(
        {"article": article.id, "split_from": _named(others)},
        lambda c: c.print(foreign(f"Article {article.id} is a story of its own, no longer that of {told}.")),
    )


@command(room, "merge")
def merge_articles(
    which: Which,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The article that tells the same.")],
    why: Why = "",
) -> None:
    """Make one story of two articles. It stays one, whatever comes in.

    Example: newsletter articles merge 12 15
    """
    opened = runtime()
    one, two = (gathering.show_article(opened, each).article for each in (which, other))
    together = choosing.merge(opened, one, two, opened.clock.now(), who="ops", why=why)
    told = ", ".join(str(each.id) for each in together)
    finish(
        {"article": one.id, "same_story": _named(together)},
        lambda c: c.print(foreign(f"Article {one.id} tells one story with {told}.")),
    )


def _named(articles: Sequence[Candidate]) -> list[dict[str, object]]:
    return [{"article": each.id, "title": each.title, "feeds": _feeds(each)} for each in articles]


def _line(article: Candidate) -> str:
    return f"{article.id}  {article.title} ({', '.join(_feeds(article)) or 'added by hand'})"


def _feeds(article: Candidate) -> list[str]:
    return [carried.feed for carried in article.carried_by]


def _kind(article: Article) -> str:
    return f"{article.kind} (hidden)" if article.hidden_at else article.kind


def _show(console: Console, report: ImportReport, *, dry_run: bool) -> None:
    verb = "would be" if dry_run else "are"
    counts = report.counts
    console.print(f"{counts.new} {verb} new, {counts.updated} updated, {counts.unchanged} unchanged.")
    for refusal in report.refused:
        console.print(foreign(f"  refused: {refusal.place}: {refusal.why}"))
