"""`newsletter gather` and `newsletter feeds`: the outside world's articles, in."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from newsletter.cli.console import finish, foreign, note, table
from newsletter.cli.options import command, runtime
from newsletter.errors import WorldFailed
from newsletter.runtime import Runtime
from newsletter.services import gathering
from newsletter.services.gathering import FeedHealth, FeedReport

room = typer.Typer(name="feeds", help="Where articles come from.", rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    command(app, "gather")(gather)
    app.add_typer(room)


def gather(
    newsletter: Annotated[str, typer.Argument(help="Only the feeds that this newsletter uses.")] = "",
) -> None:
    """Fetch the feeds now. One broken feed never stops the others.

    Example: newsletter gather town
    """
    opened = runtime()
    reports = gathering.gather(
        opened, opened.clock.now(), names=_names(opened, newsletter), on_feed=lambda r: note(_sentence(r))
    )
    if reports and all(report.trouble for report in reports):
        raise WorldFailed(
            f"No feed could be gathered; the first: {reports[0].trouble}", next_step="newsletter feeds list"
        )
    finish(
        {"feeds": [asdict(report) for report in reports]},
        table(
            ["FEED", "NEW", "UPDATED", "UNCHANGED", "REFUSED", "TROUBLE"],
            [
                [r.feed, r.counts.new, r.counts.updated, r.counts.unchanged, len(r.refused), r.trouble]
                for r in reports
            ],
            empty="No feed is configured. Add a [[feeds]] part to the configuration.",
        ),
    )


@command(room, "list")
def list_feeds() -> None:
    """Each configured feed, and how it fared lately.

    Example: newsletter feeds list
    """
    health = gathering.list_feeds(runtime())
    finish(
        {"feeds": [_as_data(feed) for feed in health]},
        table(
            ["FEED", "LAST LOOK", "FAILURES", "TROUBLE"],
            [
                [
                    h.source.name,
                    _last_look(h),
                    h.state.failures if h.state else "",
                    h.state.trouble if h.state else "",
                ]
                for h in health
            ],
            empty="No feed is configured. Add a [[feeds]] part to the configuration.",
        ),
    )


@command(room, "try")
def try_feed(url: Annotated[str, typer.Argument(help="The feed's address.")]) -> None:
    """Show what a feed would bring; nothing is stored.

    Example: newsletter feeds try https://news.example/world.rss
    """
    opened = runtime()
    trial = gathering.try_feed(opened, url, opened.clock.now())

    def show(console: Console) -> None:
        console.print(foreign(f"{trial.title or 'A feed without a title'}: {len(trial.drafts)} articles"))
        for draft in trial.drafts:
            lacks = ", ".join(
                name
                for name, value in (
                    ("picture", draft.picture),
                    ("summary", draft.summary),
                    ("date", draft.published_at),
                )
                if not value
            )
            console.print(foreign(f"  {draft.title}{f'  (no {lacks})' if lacks else ''}"))
        for refusal in trial.refused:
            console.print(foreign(f"  refused: {refusal.place}: {refusal.why}"))

    finish(asdict(trial), show)


def _names(opened: Runtime, newsletter: str) -> list[str] | None:
    return sorted({use.use for use in opened.newsletter(newsletter).feeds}) if newsletter else None


def _sentence(report: FeedReport) -> str:
    if report.trouble:
        return f"▲ {report.feed}: {report.trouble}"
    if report.not_modified:
        return f"{report.feed}: nothing new since the last look"
    return f"{report.feed}: {report.counts.new} new, {report.counts.updated} updated"


def _last_look(health: FeedHealth) -> str:
    if health.state is None or health.state.fetched_at is None:
        return "never"
    return f"{health.state.fetched_at:%d %b %H:%M} UTC"


def _as_data(health: FeedHealth) -> dict[str, object]:
    state = health.state.model_dump(mode="json") if health.state else {}
    return {"name": health.source.name, "url": health.source.url, **state}
