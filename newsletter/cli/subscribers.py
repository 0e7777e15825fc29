"""`newsletter subscribers`: people in, by hand or from a file."""

from __future__ import annotations

from typing import Annotated

import typer

from newsletter.cli import lists
from newsletter.cli.console import finish, foreign, table
from newsletter.cli.options import command, runtime
from newsletter.models import Cadence
from newsletter.services import subscribing

room = typer.Typer(name="subscribers", help="Who gets which newsletter.", rich_markup_mode=None)

Newsletter = Annotated[str, typer.Option(help="The newsletter's slug.")]


def register(app: typer.Typer) -> None:
    lists.register(room)
    app.add_typer(room)


@command(room, "add")
def add(
    address: Annotated[str, typer.Argument(help="The person's address.")],
    newsletter: Newsletter,
    name: Annotated[str, typer.Option(help="As it stands in the greeting.")] = "",
    cadence: Annotated[Cadence, typer.Option(help="How often.")] = Cadence.DAILY,
    consent: Annotated[str, typer.Option(help="What they agreed to, and where.")] = "",
) -> None:
    """Give one person a place on a newsletter.

    Example: newsletter subscribers add ana@example.org --newsletter town
    """
    opened = runtime()
    answer = subscribing.add(
        opened, address, newsletter, name, opened.clock.now(),
        consent_text=consent, consent_source="command line", cadence=cadence,
    )  # fmt: skip
    finish({"answer": answer}, lambda c: c.print(foreign(f"{address} is {answer} on {newsletter}.")))


@command(room, "list")
def list_subscribers(
    newsletter: Annotated[str, typer.Option(help="Only this newsletter's.")] = "",
    limit: Annotated[int, typer.Option(help="How many.", min=1)] = 50,
) -> None:
    """Who subscribes, latest first.

    Example: newsletter subscribers list --newsletter town --limit 100
    """
    opened = runtime()
    people = subscribing.list_people(opened, newsletter, limit)
    finish(
        {
            "subscribers": [
                {"address": p.address, "name": p.name, "newsletter": p.newsletter, "state": p.state}
                for p in people
            ]
        },
        table(
            ["ADDRESS", "NAME", "NEWSLETTER", "STATE"],
            [[p.address, p.name, p.newsletter, p.state] for p in people],
            empty="Nobody yet. Run: newsletter subscribers import FILE --newsletter SLUG",
        ),
    )

