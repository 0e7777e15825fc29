"""`newsletter status`: what is due, running, late, stuck, in doubt. Exit 4 when a person is needed.

The screen is read from the top: first what needs somebody, worst first, then the newsletters, then
the house. Every sign has its word beside it, so neither colour nor sign is needed to understand it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from newsletter.cli.console import finish, foreign, out, readers
from newsletter.cli.options import command, options, runtime, sending_runtime
from newsletter.cli.signals import stopping
from newsletter.errors import Incomplete, Misuse
from newsletter.models import EditionState
from newsletter.services import status as service
from newsletter.services.status import EditionLine, LettersLine, NewsletterLine, RelayLine, RunLine, Status
from newsletter.store.deliveries import Open
from newsletter.values import Sums

GLYPHS = {
    EditionState.DRAFT: "○", EditionState.APPROVED: "✓", EditionState.FROZEN: "✓", EditionState.SENDING: "▶",
    EditionState.SENT: "●", EditionState.HELD: "‖", EditionState.PAUSED: "‖", EditionState.SKIPPED: "—",
    EditionState.CANCELLED: "■",
}  # fmt: skip
EVERY = 2.0  # seconds between two looks of --watch
CLOCK_SLOW = 90.0  # seconds since the clock's last look, after which it does not count as running


def register(app: typer.Typer) -> None:
    command(app, "status")(status)


def status(
    watch: Annotated[bool, typer.Option("--watch", help="Look again every two seconds.")] = False,
    probe: Annotated[bool, typer.Option("--probe", help="Try the relays first, without a message.")] = False,
) -> int:
    """What is due, running, late, stuck or in doubt.

    Ends with exit code 4 when a person is needed.

    Example: newsletter status --watch
    """
    if watch and options().json:
        raise Misuse(
            "--watch is for people; --json is one object.",
            next_step="newsletter status --json",
        )
    opened = sending_runtime() if probe else runtime()
    if probe:
        from newsletter.services import relaying  # loads what speaks SMTP, which a glance does not need

        relaying.probe(opened, "", opened.clock.now(), who="ops")
    if watch:
        _watch(lambda: service.status(opened, opened.clock.now()))
        return 0
    found = service.status(opened, opened.clock.now())
    finish({"needs_a_person": bool(found.problems)} | asdict(found), lambda console: _show(console, found))
    return Incomplete.exit_code if found.problems else 0


def _watch(look: Callable[[], Status]) -> None:
    """Until Ctrl-C: on a terminal one screen that changes in place, elsewhere one after another."""
    pace = _Pace()
    with stopping() as stop, Live(console=out(), auto_refresh=False, vertical_overflow="crop") as live:
        while not stop.is_set():
            screen = _screen(pace.of(look()))
            if live.console.is_terminal:
                live.update(screen, refresh=True)
            else:
                live.console.print(screen, "")
            stop.wait(EVERY)


class _Pace:
    """How fast runs are just now: the average since the beginning is slow to tell of a change."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[datetime, int]] = {}

    def of(self, found: Status) -> Status:
        return replace(found, running=tuple(self._measured(run, found.at) for run in found.running))

    def _measured(self, run: RunLine, now: datetime) -> RunLine:
        settled = run.sums.total - run.sums.queued
        before = self._before.get(run.edition)
        self._before[run.edition] = (now, settled)
        if before is None or run.state is not EditionState.SENDING:
            return run
        per_second = max(0.0, (settled - before[1]) / max(1.0, (now - before[0]).total_seconds()))
        left = round((run.sums.queued - run.still.later) / per_second) if per_second else None
        return replace(run, per_second=round(per_second, 1), seconds_left=left)


# ── the screen ──────────────────────────────────────────────────────────────────────────────────


def _show(console: Console, found: Status) -> None:
    console.print(_screen(found))


def _screen(found: Status) -> Group:
    return Group(*_needs(found), *_newsletters(found), *_runs(found), "", *_house(found))


def _needs(found: Status) -> Iterator[RenderableType]:
    if not found.problems:
        yield "Nothing needs a person."
    for problem in found.problems:
        yield Text("■ ", style="red") + foreign(problem.what)
        yield foreign(f"  → {problem.next_step}")


def _newsletters(found: Status) -> Iterator[RenderableType]:
    if not found.newsletters:
        yield "No newsletter is configured yet. Add a [[newsletters]] part to the configuration."
    for line in found.newsletters:
        yield ""
        yield foreign(f"{line.slug}  {line.name}  {_people(line, found.at)}")
        yield from _editions(line, found.at)


def _people(line: NewsletterLine, now: datetime) -> str:
    if line.people is None or line.people_at is None:
        return "many readers, not counted yet"
    counted = line.people_at.astimezone(ZoneInfo(line.timezone))
    moment = f" at {counted:%H:%M}" if now - line.people_at > timedelta(minutes=1) else ""
    return f"{readers(line.people)}{moment}"


def _editions(line: NewsletterLine, now: datetime) -> Iterator[RenderableType]:
    zone = ZoneInfo(line.timezone)
    if not line.editions:
        yield foreign(f"  no edition yet; the next is due {when(line.next_at, zone)}")
    for edition in line.editions:
        due = due_words(edition, zone)
        due = due if _waits(edition) else f"{due}, {countdown(edition.due_at, now)}"
        yield foreign(f"  {state_words(edition):<11} {edition.slug:<17} {due}")
        about = " · ".join(filter(None, (_preflight(edition, zone), words(edition))))
        if about:
            yield Padding(foreign(about), (0, 0, 0, 14), expand=False)


def _preflight(edition: EditionLine, zone: ZoneInfo) -> str:
    if edition.closes_at is not None:
        return f"open until {edition.closes_at.astimezone(zone):%H:%M}"
    # Of what has been sent nobody asks any more whether it was ready
    return "" if edition.sums.total else edition.preflight


def _runs(found: Status) -> Iterator[RenderableType]:
    for run in found.running:
        settled = run.sums.total - run.sums.queued - run.sums.deferred
        left = f", about {_span(timedelta(seconds=run.seconds_left))} left" if run.seconds_left else ""
        rate = f", {run.per_second:,.1f} a second{left}" if run.state is EditionState.SENDING else ""
        yield ""
        yield foreign(f"{run.edition}  {settled:,} of {run.sums.total:,} settled{rate}")
        if run.still.later:
            yield f"  the rest is for later{later_words(run.still)}"
        grid = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        for lane, sums in run.lanes.items():
            grid.add_row(foreign(f"  {lane}"), Text(f"{sums.total:,}", justify="right"), _sums(sums))
        yield grid
        yield from _words(run)


def _words(run: RunLine) -> Iterator[RenderableType]:
    if run.sampled < run.troubled:
        yield f"  What servers said, of the latest {run.sampled:,} of {run.troubled:,} rows in trouble:"
    for said in run.words:
        head = f"{said.count:,} × {said.domain or 'nobody any more'} {said.state}: "
        yield Padding(foreign(head + (said.reply or "no answer")), (0, 0, 0, 2), expand=False)


def _house(found: Status) -> Iterator[RenderableType]:
    grid = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for head, about in (
        ("clock", _clock(found)),
        ("relays", _relays(found)),
        ("letters", _letters(found.letters)),
        ("feeds", _feeds(found)),
        ("store", f"{found.store.kind}, {found.store.bytes / 1e6:,.1f} MB, version {found.store.version}"),
    ):
        grid.add_row(head, foreign(about))
    yield grid


def _clock(found: Status) -> str:
    if found.clock is None:
        clock = "has never looked; newsletter serve starts it"
    elif found.clock <= CLOCK_SLOW:
        clock = f"looked {found.clock:.0f} s ago"
    else:
        clock = f"last looked {_span(timedelta(seconds=found.clock))} ago"
    return f"{clock}; serve {_running(found.serving)}, {_delivery(found)}"


def _delivery(found: Status) -> str:
    if found.workers is None:
        return f"delivery {_running(found.delivering)}"
    return f"{found.workers or 'no'} worker{'' if found.workers == 1 else 's'} alive"


def _relays(found: Status) -> str:
    told = [", ".join(filter(None, (f"{r.name} ({r.host}:{r.port})", *_standing(r)))) for r in found.relays]
    return "\n".join(told) or "none; add a [[relays]] part to the configuration"


def _standing(relay: RelayLine) -> Iterator[str]:
    if relay.is_up is None or relay.since is None:
        return
    yield "well" if relay.is_up else f"down since {relay.since:%d %b %H:%M} UTC: {relay.trouble.rstrip('.')}"
    yield ("chosen by hand" if relay.by_hand else "carries the mail") if relay.carries else ""


def _letters(letters: LettersLine) -> str:
    told = [f"{letters.waiting:,} waiting" if letters.waiting else "none waiting"]
    told += [f"{letters.in_doubt} in doubt"] if letters.in_doubt else []
    told += [f"stopped by {letters.stopped_by}"] if letters.stopped_by else []
    return ", ".join(told)


def _feeds(found: Status) -> str:
    if not found.feeds:
        return "none gathered from yet"
    told = [f"{sum(not feed.trouble for feed in found.feeds)} of {len(found.feeds)} well"]
    for feed in found.feeds:
        if feed.trouble:
            again = f"; next look {feed.retry_at:%d %b %H:%M} UTC" if feed.retry_at else ""
            told.append(f"▲ {feed.name}: {feed.trouble} ({feed.failures} times{again})")
    return "\n".join(told)


# ── words ───────────────────────────────────────────────────────────────────────────────────────


def state_words(edition: EditionLine) -> str:
    late = " late" if edition.late else ""
    return f"{GLYPHS[edition.state]} {edition.state}{late}"


def words(edition: EditionLine) -> str:
    """How its deliveries stand, leaving out what is zero."""
    return _sums(edition.sums) + later_words(edition.still) or edition.why


def later_words(still: Open) -> str:
    """For how many of the queued it is not time yet, where readers get it at a time of their own."""
    if not still.later or still.until is None:
        return ""
    return f" ({still.later:,} at their own time, until {still.until:%H:%M} UTC)"


def _sums(sums: Sums) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in asdict(sums).items() if count)


def due_words(edition: EditionLine, zone: ZoneInfo) -> str:
    """When the clock starts it, or that it does not."""
    return "waits for send" if _waits(edition) else when(edition.due_at, zone)


def _waits(edition: EditionLine) -> bool:
    return edition.by_hand and edition.state in (EditionState.DRAFT, EditionState.APPROVED)


def when(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%a %d %b %H:%M %Z}"


def countdown(instant: datetime, now: datetime) -> str:
    """`in 2 h 5 min`, or `3 min ago`."""
    span = _span(abs(instant - now))
    return f"in {span}" if instant > now else f"{span} ago"


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if hours < 1:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if days < 2 else f"{days} days"


def _running(is_running: bool) -> str:
    return "runs" if is_running else "is not running"
