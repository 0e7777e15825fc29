"""`newsletter unknown`: mails of which nobody knows whether they arrived, and a person's answer to each."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from newsletter.cli.console import finish, foreign, readers, table
from newsletter.cli.counted import Count, counted
from newsletter.cli.options import command, runtime, sending_runtime
from newsletter.cli.sending import carry_out
from newsletter.cli.signals import stopping
from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse
from newsletter.runtime import Runtime
from newsletter.services import mending, status
from newsletter.store.deliveries import Answered
from newsletter.store.letters import DoubtedLetter

WHO = "ops"

room = typer.Typer(
    name="unknown", help="Mails of which nobody knows whether they arrived.", rich_markup_mode=None
)

EditionName = Annotated[str, typer.Argument(help="NEWSLETTER/SLUG, for instance town/today.")]
Addresses = Annotated[list[str] | None, typer.Argument(metavar="[ADDRESS]", help="Only these readers.")]
Everybody = Annotated[bool, typer.Option("--all", help="Everybody who is in doubt in this edition.")]


def register(app: typer.Typer) -> None:
    app.add_typer(room)


@command(room, "list")
def list_unknown(
    edition: Annotated[str | None, typer.Argument(help="NEWSLETTER/SLUG; all when left out.")] = None,
) -> None:
    """Who is in doubt, by name. Letters are listed too, when no edition is named.

    A letter in doubt is not sent again: whoever still needs it asks for it anew.

    Example: newsletter unknown list town/today
    """
    opened = runtime()
    letters: tuple[DoubtedLetter, ...] = ()
    if edition is None:
        letters = mending.letters_in_doubt(opened)
        found = mending.in_doubt(opened, None, "")
    else:
        found = mending.in_doubt(opened, *status.split_name(opened, edition, opened.clock.now()))
    finish(
        {
            "unknown": [{"edition": doubt.edition, **asdict(doubt.row)} for doubt in found],
            "letters": [asdict(letter) for letter in letters],
        },
        table(
            ["EDITION", "ADDRESS", "SINCE", "WHAT IS KNOWN"],
            [
                *(_cells(doubt.edition, doubt.row) for doubt in found),
                *(_cells(f"letter: {_kind(letter)}", letter) for letter in letters),
            ],
            empty="Nobody is in doubt.",
        ),
    )


@command(room, "count-sent")
def count_sent(
    edition: EditionName, addresses: Addresses = None, everybody: Everybody = False, count: Count = None
) -> None:
    """Take it that these have their mail: the relay's log says so.

    Example: newsletter unknown count-sent town/today --all
    """
    opened = runtime()
    now = opened.clock.now()
    newsletter, slug, chosen = _chosen(opened, edition, addresses, everybody, now)
    mended = counted(
        lambda typed: mending.count_sent(opened, newsletter, slug, chosen, now, who=WHO, count=typed), count
    )
    name = f"{newsletter.slug}/{slug}"
    finish(
        {"edition": name, "counted": mended.people},
        lambda c: c.print(foreign(f"Counted as sent in {name}: {mended.people}.")),
    )


@command(room, "resend")
def resend(
    edition: EditionName,
    addresses: Addresses = None,
    everybody: Everybody = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count them; send nothing.")] = False,
    count: Count = None,
) -> None:
    """Send these once more. Who had it already gets it twice.

    Example: newsletter unknown resend town/today reader@readers.example
    """
    opened = runtime() if dry_run else sending_runtime()
    now = opened.clock.now()
    newsletter, slug, chosen = _chosen(opened, edition, addresses, everybody, now)
    mended = counted(
        lambda typed: mending.resend(
            opened, newsletter, slug, chosen, now, dry_run=dry_run, who=WHO, count=typed
        ),
        count,
    )
    name = f"{newsletter.slug}/{slug}"
    if dry_run:
        finish(
            {"edition": name, "people": mended.people, "dry_run": True},
            lambda c: c.print(
                foreign(f"{readers(mended.people)} would be sent {name} again. Nothing was sent.")
            ),
        )
        return
    with stopping() as stop:
        carry_out(opened, mended.edition_id, name, stop)


def _chosen(
    opened: Runtime, edition: str, addresses: list[str] | None, everybody: bool, now: datetime
) -> tuple[NewsletterSettings, str, list[str] | None]:
    """The edition, and whom of it: None is everybody, which must have been said."""
    if everybody == bool(addresses):
        raise Misuse("Name the readers, or say --all.", next_step="newsletter unknown list")
    newsletter, slug = status.split_name(opened, edition, now)
    return newsletter, slug, None if everybody else addresses


def _cells(of: str, row: Answered | DoubtedLetter) -> list[object]:
    since = f"{row.at:%d %b %H:%M} UTC" if row.at else ""
    return [of, row.address, since, row.reply or "begun when its worker died"]


def _kind(letter: DoubtedLetter) -> str:
    return letter.kind.replace("_", " ")
