"""`newsletter people`: who signs in at the desk, with which rights, and the links that let them in."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from newsletter.cli.console import finish, foreign, table
from newsletter.cli.options import command, runtime
from newsletter.clock import machine_now
from newsletter.models import Role
from newsletter.services import staffing
from newsletter.services.staffing import PersonLine

WHO = "ops"

room = typer.Typer(name="people", help="Who signs in at the desk.", rich_markup_mode=None)

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="Their mail address.")]
RoleName = Annotated[Role, typer.Option("--role", help="What they may do.")]


def register(app: typer.Typer) -> None:
    app.add_typer(room)


@command(room, "list")
def list_people() -> None:
    """Who they are, what they may do, and where they are signed in.

    Example: newsletter people list
    """
    lines = staffing.everybody(runtime(), machine_now())
    finish(
        {"people": [asdict(line) for line in lines]},
        table(
            ["NAME", "ADDRESS", "ROLE", "PASSWORD", "SESSIONS", "SEEN"],
            [_cells(line) for line in lines],
            empty="Nobody yet. The first: newsletter people add ADDRESS --role admin",
        ),
    )


@command(room, "add")
def add(
    address: Address,
    name: Annotated[str, typer.Option(help="As it stands beside what they do.")] = "",
    role: RoleName = Role.EDITOR,
) -> None:
    """Let somebody in: an editor shapes, a publisher also sends, an admin does all.

    Example: newsletter people add ana@paper.example --name Ana --role publisher
    """
    line = staffing.add(runtime(), address, machine_now(), name=name, role=role, who=WHO)
    _done(
        line, f"{line.name} is on the desk ({line.role}). Next: newsletter people login-link {line.address}"
    )


@command(room, "remove")
def remove(address: Address) -> None:
    """Their sessions end at once; what they did stays on record.

    Example: newsletter people remove ana@paper.example
    """
    staffing.remove(runtime(), address, machine_now(), who=WHO)
    finish({"removed": address}, lambda console: console.print(foreign(f"{address} is removed.")))


@command(room, "role")
def change_role(
    address: Address, role: Annotated[Role, typer.Argument(metavar="ROLE", help="editor, publisher, admin.")]
) -> None:
    """Change what somebody may do; they sign in anew.

    Example: newsletter people role ana@paper.example admin
    """
    line = staffing.change_role(runtime(), address, role, machine_now(), who=WHO)
    _done(line, f"{line.name} is {line.role} now, and signs in anew.")


@command(room, "login-link")
def login_link(address: Address) -> None:
    """A link that signs them in, once, within 15 minutes.

    Works when mail is down; an earlier link of theirs is dead.

    Example: newsletter people login-link ana@paper.example
    """
    link = staffing.login_link(runtime(), address, machine_now(), who=WHO)
    finish(asdict(link), lambda console: _show_link(console, address, link.url))


def _show_link(console: Console, address: str, url: str) -> None:
    console.print(foreign(f"It signs {address} in, once, within 15 minutes:"))
    console.print(foreign(url), soft_wrap=True)  # whole, to be copied


def _done(line: PersonLine, told: str) -> None:
    finish({"person": asdict(line)}, lambda console: console.print(foreign(told)))


def _cells(line: PersonLine) -> list[object]:
    seen = f"{line.seen_at:%d %b %H:%M} UTC" if line.seen_at else ""
    return [line.name, line.address, line.role, "yes" if line.has_password else "no", line.sessions, seen]
