"""`newsletter editions approve | hold | skip | unskip`: whether an edition goes."""

from __future__ import annotations

from typing import Annotated

import typer

from newsletter.cli.console import finish, foreign
from newsletter.cli.options import command, runtime
from newsletter.cli.shaping import WHO, EditionName, Version
from newsletter.cli.status import when
from newsletter.config import NewsletterSettings
from newsletter.models import Edition, EditionState
from newsletter.services import deciding, status

Why = Annotated[str, typer.Option(help="The reason, which stays on the record. Required.")]

ToldReaders = Annotated[str, typer.Option(help="The reason, which readers see in the archive. Required.")]


def register(room: typer.Typer) -> None:
    command(room, "approve")(approve)
    command(room, "hold")(hold)
    command(room, "skip")(skip)
    command(room, "unskip")(unskip)


def approve(edition: EditionName, version: Version = None) -> None:
    """Agree to exactly what the edition is now: that is what will be sent.

    A held one goes at once while it may still be late, else it waits for send.

    Example: newsletter editions approve town/today
    """
    opened = runtime()
    now = opened.clock.now()
    newsletter, slug = status.split_name(opened, edition, now)
    found = deciding.approve(opened, newsletter, slug, now, who=WHO, version=version)
    if found.by_hand:
        told = f"waits for you: newsletter send {newsletter.slug} --edition {slug}"
    elif found.due_at <= now:
        told = "goes out at once, with serve or the next tick"
    else:
        told = f"goes out {when(found.due_at, newsletter.zone)}"
    _tell(newsletter, found, f"is approved and {told}")


def hold(edition: EditionName, why: Why = "", version: Version = None) -> None:
    """Keep an edition back until somebody approves it; also one that is frozen, until it has begun.

    Example: newsletter editions hold town/today --why "the lead is in doubt"
    """
    opened = runtime()
    now = opened.clock.now()
    newsletter, slug = status.split_name(opened, edition, now)
    found = deciding.hold(opened, newsletter, slug, now, who=WHO, why=why, version=version)
    _tell(newsletter, found, f"is held: {why}")


def skip(edition: EditionName, why: ToldReaders = "", version: Version = None) -> None:
    """Send no edition of this slug; its stories wait for the next.

    Example: newsletter editions skip town/2026-02-19 --why "printers' holiday"
    """
    opened = runtime()
    now = opened.clock.now()
    newsletter, slug = status.split_name(opened, edition, now)
    found = deciding.skip(opened, newsletter, slug, now, who=WHO, why=why, version=version)
    _tell(newsletter, found, f"is skipped: {why}")


def unskip(edition: EditionName, version: Version = None) -> None:
    """Take a skip back: a draft again before its time, held for you after it.

    Example: newsletter editions unskip town/2026-02-19
    """
    opened = runtime()
    now = opened.clock.now()
    newsletter, slug = status.split_name(opened, edition, now)
    found = deciding.unskip(opened, newsletter, slug, now, who=WHO, version=version)
    is_held = found.state == EditionState.HELD
    _tell(newsletter, found, f"is held: {found.why}" if is_held else "is a draft again")


def _tell(newsletter: NewsletterSettings, found: Edition, told: str) -> None:
    name = f"{newsletter.slug}/{found.slug}"
    finish(
        {
            "edition": name, "state": found.state, "version": found.version, "due_at": found.due_at,
            "by_hand": found.by_hand, "why": found.why,
        },
        lambda c: c.print(foreign(f"{name} {told}. It is version {found.version} now.")),
    )  # fmt: skip
