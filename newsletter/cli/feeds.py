"""`newsletter gather` and `newsletter feeds`: the outside world's articles, in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console

from newsletter.cli.console import finish, foreign, note, table
from newsletter.cli.options import command, runtime
from newsletter.errors import WorldFailed
from newsletter.models import Feed
from newsletter.runtime import Runtime
from newsletter.services import gathering
from newsletter.services.gathering import FeedHealth, FeedReport, Trial

FEW = 3  # sentences about one feed
# What an edition is better with, as a draft and as people call it
WANTED = {"picture": "picture", "summary": "summary", "published_at": "date"}

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
    finish({"feeds": [asdict(report) for report in reports]}, lambda console: _show_reports(console, reports))


def _show_reports(console: Console, reports: Sequence[FeedReport]) -> None:
    table(
        ["FEED", "NEW", "UPDATED", "UNCHANGED", "REFUSED", "REPAIRED", "TROUBLE"],
        [
            [
                r.feed, r.counts.new, r.counts.updated, r.counts.unchanged, len(r.refused), len(r.repaired),
                _trouble(r.trouble, r.retry_at),
            ]
            for r in reports
        ],
        empty="No feed is configured. Add a [[feeds]] part to the configuration.",
    )(console)  # fmt: skip
    for report in reports:
        _few(console, f"{report.feed} refused", [f"{r.place}: {r.why}" for r in report.refused])
        _few(console, f"{report.feed} repaired", report.repaired)


@command(room, "list")
def list_feeds() -> None:
    """Each configured feed, and how it fared lately.

    Example: newsletter feeds list
    """
    health = gathering.list_feeds(runtime())
    finish(
        {"feeds": [_as_data(feed) for feed in health]},
        table(
            ["FEED", "LAST LOOK", "LAST WELL", "FAILURES", "TROUBLE"],
            [[h.source.name, *_health(h.state)] for h in health],
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

    finish(asdict(trial), lambda console: _show_trial(console, trial))


def _show_trial(console: Console, trial: Trial) -> None:
    count = len(trial.drafts)
    console.print(foreign(f"{trial.title or 'A feed without a title'}: {count} articles"))
    lacking: Counter[str] = Counter()
    for draft in trial.drafts:
        lacks = [name for name in WANTED if not getattr(draft, name)]
        lacking.update(lacks)
        missing = f"  (no {', '.join(WANTED[name] for name in lacks)})" if lacks else ""
        console.print(foreign(f"  {draft.title}{missing}"))
    for name, times in lacking.items():
        console.print(f"{times} of {count} have no {WANTED[name]}")
    _few(console, "refused", [f"{r.place}: {r.why}" for r in trial.refused])
    _few(console, "repaired", [f"item {d.rank + 1}: {d.date_note}" for d in trial.drafts if d.date_note])


def _names(opened: Runtime, newsletter: str) -> list[str] | None:
    return sorted({use.use for use in opened.newsletter(newsletter).feeds}) if newsletter else None


def _sentence(report: FeedReport) -> str:
    if report.trouble:
        return f"▲ {report.feed}: {_trouble(report.trouble, report.retry_at)}"
    if report.not_modified:
        return f"{report.feed}: nothing new since the last look"
    return f"{report.feed}: {report.counts.new} new, {report.counts.updated} updated"


def _few(console: Console, what: str, sentences: Sequence[str]) -> None:
    """The first few; `--json` has them all."""
    for sentence in sentences[:FEW]:
        console.print(foreign(f"  {what}: {sentence}"))
    if len(sentences) > FEW:
        console.print(foreign(f"  {what}: {len(sentences) - FEW} more"))


def _health(state: Feed | None) -> list[object]:
    if state is None:
        return ["never", "never", "", ""]
    looks = [_when(state.fetched_at), _when(state.succeeded_at)]
    return [*looks, state.failures, _trouble(state.trouble, state.retry_at)]


def _trouble(trouble: str, retry_at: datetime | None) -> str:
    return f"{trouble} Next look: {_when(retry_at)}." if trouble and retry_at else trouble


def _when(instant: datetime | None) -> str:
    return f"{instant:%d %b %H:%M} UTC" if instant else "never"


def _as_data(health: FeedHealth) -> dict[str, object]:
    state = health.state.model_dump(mode="json") if health.state else {}
    return {"name": health.source.name, "url": health.source.url, **state}
