"""`newsletter pause`, `resume`, `cancel`, `stop-all`: what is under way, steered by hand."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from newsletter.cli.console import finish, foreign
from newsletter.cli.counted import Count, counted
from newsletter.cli.options import command, runtime
from newsletter.errors import Misuse
from newsletter.services import status, steering
from newsletter.services.steering import Lifted, Refusals

WHO = "ops"

EditionName = Annotated[str, typer.Argument(help="NEWSLETTER/SLUG, for instance town/today.")]


def register(app: typer.Typer) -> None:
    command(app, "pause")(pause)
    command(app, "resume")(resume)
    command(app, "cancel")(cancel)
    command(app, "stop-all")(stop_all)


def pause(edition: EditionName) -> None:
    """Stop an edition that is being sent, within a second.

    Example: newsletter pause town/today
    """
    opened = runtime()
    now = opened.clock.now()
    newsletter, slug = status.split_name(opened, edition, now)
    steering.pause(opened, newsletter, slug, now, who=WHO)
    name = f"{newsletter.slug}/{slug}"
    finish({"edition": name, "state": "paused"}, lambda c: c.print(foreign(f"{name} is paused.")))


def resume(
    edition: Annotated[str | None, typer.Argument(help="NEWSLETTER/SLUG, for instance town/today.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Lift a stop-all.")] = False,
    accept: Annotated[bool, typer.Option("--accept", help="Those refused stay failed.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Those refused are sent again.")] = False,
) -> None:
    """Let a paused edition go on, or lift a stop-all.

    After a trip of the breaker say what is to become of those it refused.

    Example: newsletter resume town/today --retry
    """
    if everything == (edition is not None) or (accept and retry) or (everything and (accept or retry)):
        raise Misuse(
            "Name one edition, with --accept or --retry if need be, or say --all.",
            next_step="newsletter resume --help",
        )
    if edition is None:
        _resume_all()
        return
    opened = runtime()
    now = opened.clock.now()
    newsletter, slug = status.split_name(opened, edition, now)
    refusals = Refusals.ACCEPT if accept else Refusals.RETRY if retry else Refusals.UNDECIDED
    again = steering.resume(opened, newsletter, slug, now, who=WHO, refusals=refusals)
    name = f"{newsletter.slug}/{slug}"
    told = f"{name} goes on" + (f"; {again} refused deliveries are sent again." if again else ".")
    finish({"edition": name, "state": "sending", "again": again}, lambda c: c.print(foreign(told)))


def cancel(edition: EditionName, count: Count = None) -> None:
    """End an edition for good: nobody else gets it.

    Mails on the wire settle; its slug is used up.

    Example: newsletter cancel town/2026-02-18
    """
    opened = runtime()
    now = opened.clock.now()
    newsletter, slug = status.split_name(opened, edition, now)
    sums = counted(lambda typed: steering.cancel(opened, newsletter, slug, now, who=WHO, count=typed), count)
    name = f"{newsletter.slug}/{slug}"

    def show(console: Console) -> None:
        console.print(foreign(f"{name} is cancelled: {sums.sent} have it, {sums.cancelled} will not get it."))
        if sums.queued:
            console.print(foreign(f"{sums.queued} were on the wire, and settle as the relay answers."))
        if sums.unknown:
            console.print(foreign(f"{sums.unknown} are in doubt: newsletter unknown list {name}"))

    finish({"edition": name, "state": "cancelled", "deliveries": asdict(sums)}, show)


def stop_all(
    letters: Annotated[
        bool, typer.Option("--letters", help="Also letters, but for alerts and sign-in.")
    ] = False,
) -> None:
    """Pause every edition at once, and begin none.

    It holds until newsletter resume --all, also for what becomes due meanwhile.

    Example: newsletter stop-all
    """
    opened = runtime()
    paused = steering.stop_all(opened, opened.clock.now(), letters=letters, who=WHO)

    def show(console: Console) -> None:
        console.print(foreign(f"Stopped: {', '.join(paused) or 'nothing was being sent'}. Nothing begins."))
        console.print("It holds until: newsletter resume --all")

    finish({"paused": paused, "letters": letters}, show)


def _resume_all() -> None:
    opened = runtime()
    lifted = steering.resume_all(opened, opened.clock.now(), who=WHO)
    finish(asdict(lifted), lambda console: _show_lifted(console, lifted))


def _show_lifted(console: Console, lifted: Lifted) -> None:
    console.print(foreign(f"Lifted. On they go: {', '.join(lifted.resumed) or 'nothing was under way'}."))
    for name in lifted.still_paused:
        console.print(foreign(f"{name} stays paused, for a reason of its own: newsletter resume {name}"))
