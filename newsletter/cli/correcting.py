"""`newsletter editions correct`: what was wrong is put right on the web, and mailed to who got it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from newsletter.cli.console import finish, foreign, readers
from newsletter.cli.options import command, runtime
from newsletter.cli.shaping import WHO, EditionName
from newsletter.services import correcting, gathering, status
from newsletter.services.correcting import Corrected, Erratum


def register(room: typer.Typer) -> None:
    command(room, "correct")(correct)


def correct(
    edition: EditionName,
    which: Annotated[str, typer.Argument(metavar="[ARTICLE]", help="Its number or address.")] = "",
    what: Annotated[
        str, typer.Option(help="What was wrong and what is right, in words for readers. Required.")
    ] = "",
    headline: Annotated[str, typer.Option(help="The article's headline, as it should be.")] = "",
    summary: Annotated[str, typer.Option(help="Its summary, as it should be.")] = "",
    mail: Annotated[
        bool, typer.Option("--mail", help="Draft an edition for those who got the error.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would do.")] = False,
) -> None:
    """Correct an edition that went out: the web view changes and says so, the mail stays on record.

    With --mail an edition for those who got the error is drafted; it waits for you to send it.

    Example: newsletter editions correct town/2026-02-18 12 --what "It is Friday."
    """
    opened = runtime()
    now = opened.clock.now()
    newsletter, slug = status.split_name(opened, edition, now)
    article = gathering.show_article(opened, which).article.id if which else None
    done = correcting.correct(
        opened, newsletter, slug, now, Erratum(what, article, headline, summary),
        who=WHO, mail=mail, dry_run=dry_run,
    )  # fmt: skip

    finish(
        {**asdict(done), "dry_run": dry_run}, lambda console: _show(console, newsletter.slug, done, dry_run)
    )


def _show(console: Console, newsletter: str, done: Corrected, dry_run: bool) -> None:
    would = "would be" if dry_run else "is"
    console.print(foreign(f"{done.edition} {would} corrected at {done.address}: {done.told}"))
    if done.mail:
        send = f"newsletter send {newsletter} --edition {done.mail}"
        console.print(foreign(f"{newsletter}/{done.mail} {would} drafted for {readers(done.people)}; {send}"))
    elif done.people:
        console.print(foreign(f"{readers(done.people)} got the error; --mail drafts an edition for them."))
    if dry_run:
        console.print("Nothing was written.")
