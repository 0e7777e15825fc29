"""`newsletter relays`: the servers that mail is handed to, how they stand, and which one carries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from newsletter.cli.console import finish, foreign, table
from newsletter.cli.options import command, runtime, sending_runtime
from newsletter.errors import RelayFailed
from newsletter.services import relaying
from newsletter.services.relaying import RelayLine

WHO = "ops"

room = typer.Typer(name="relays", help="The servers that mail is handed to.", rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    app.add_typer(room)


@command(room, "list")
def list_relays() -> None:
    """How each stood when somebody last looked, and which one carries the mail.

    Example: newsletter relays list
    """
    lines = relaying.standing(runtime())
    finish({"relays": [asdict(line) for line in lines]}, lambda console: show_relays(console, lines))


@command(room, "probe")
def probe_relays(
    name: Annotated[str, typer.Argument(help="One of them; all when left out.")] = "",
) -> int:
    """Connect, secure and sign in, without sending a message.

    Ends with exit code 5 when one cannot be used.

    Example: newsletter relays probe
    """
    opened = sending_runtime()
    lines = relaying.probe(opened, name, opened.clock.now(), who=WHO)
    are_well = all(line.is_up for line in lines)
    finish(
        {"all_well": are_well, "relays": [asdict(line) for line in lines]},
        lambda console: show_relays(console, lines),
    )
    return 0 if are_well else RelayFailed.exit_code


@command(room, "use")
def use_relay(
    name: Annotated[str, typer.Argument(help="The one that is to carry all mail, or auto.")],
) -> None:
    """Choose by hand which relay carries; auto gives the choice back to the rule.

    A running serve obeys within a second.

    Example: newsletter relays use auto
    """
    opened = runtime()
    relaying.use(opened, name, opened.clock.now(), who=WHO)
    told = (
        "The first relay that is well carries the mail."
        if name == relaying.AUTO
        else f"{name} carries all mail from now on."
    )
    finish({"use": name}, lambda console: console.print(foreign(told)))


def show_relays(console: Console, lines: Sequence[RelayLine]) -> None:
    table(
        ["RELAY", "ADDRESS", "PRIORITY", "STATE", "CARRIES"],
        [[line.name, line.address, line.priority, state_of(line), _carries(line)] for line in lines],
        empty="No relay is configured. Add a [[relays]] part to the configuration.",
    )(console)
    for line in lines:
        if line.trouble:
            console.print(foreign(f"▲ {line.trouble}"))


def state_of(line: RelayLine) -> str:
    if line.is_up is None or line.since is None:
        return "not looked at yet"
    return f"{'up' if line.is_up else 'down'} since {line.since:%d %b %H:%M} UTC"


def _carries(line: RelayLine) -> str:
    if line.by_hand:
        return "chosen by hand"
    return "carries" if line.carries else ""
