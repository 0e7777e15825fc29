"""`newsletter dkim`: keys that sign our mail."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated

import typer
from rich.console import Console

from newsletter.cli.console import between_words, finish, foreign
from newsletter.cli.options import command, runtime_without_store
from newsletter.mail.signing_keys import Algorithm, strings
from newsletter.services import signing
from newsletter.services.signing import NewKey

room = typer.Typer(name="dkim", help="Keys that sign our mail.", rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    app.add_typer(room)


@command(room, "new")
def new(
    selector: Annotated[
        str, typer.Option(metavar="NAME", help="Its name in DNS; otherwise algorithm and month.")
    ] = "",
    algorithm: Annotated[
        Algorithm, typer.Option(help="Everybody can check rsa; ed25519 only beside it.")
    ] = Algorithm.RSA,
    domain: Annotated[
        str, typer.Option(help="Whose key it is; otherwise the domains of the configuration.")
    ] = "",
) -> None:
    """Make a key and print the DNS record that tells it to the world.

    It is written beside the configuration, and never over another.

    Example: newsletter dkim new --algorithm rsa
    """
    opened = runtime_without_store()
    key = signing.new_key(
        opened, opened.clock.now(), algorithm=algorithm, wanted_selector=selector, wanted_domain=domain
    )
    parts = strings(key.value)
    records = [{"name": name, "type": "TXT", "value": key.value, "strings": parts} for name in key.names]
    result = {"selector": key.selector, "algorithm": key.algorithm, "key_file": str(key.file)}
    steps = [" ".join(filter(None, (step, " and ".join(lines)))) for step, lines in _steps(key)]
    finish(
        {**result, "records": records, "configuration": _configuration(key), "next_steps": steps},
        lambda console: _show(console, key, parts),
    )


def _steps(key: NewKey) -> list[tuple[str, list[str]]]:
    """What to do next, and the lines that are to be copied for it."""
    return [
        ("publish the record with whoever keeps the DNS of your domain", []),
        ("look until the world sees it:", [f"dig +short TXT {key.names[0]}"]),
        ("only then write in the part [dkim] of the configuration:", _configuration(key)),
        ("start newsletter serve anew, send a test mail, and look for dkim=pass in its headers", []),
    ]


def _configuration(key: NewKey) -> list[str]:
    """Lines for the part [dkim]; JSON's strings are TOML's too."""
    files = (f"{_name(selector)} = {json.dumps(file)}" for selector, file in key.keys.items())
    domain = [f'domain = "{key.domain}"'] if key.domain else []
    return [*domain, f"keys = {{ {', '.join(files)} }}"]


def _name(selector: str) -> str:
    return json.dumps(selector) if "." in selector else selector


def _show(console: Console, key: NewKey, parts: list[str]) -> None:
    """What is to be copied stays whole."""

    def say(sentence: str) -> None:
        console.print(between_words(sentence, console.width), soft_wrap=True)

    def copied(lines: Iterable[str]) -> None:
        console.print(foreign("\n".join(lines)), soft_wrap=True)

    say(f"Wrote {key.file}, for you alone to read. Its record in DNS:")
    copied([""])
    for name in key.names:
        copied([f"{name}. IN TXT (", *(f'  "{part}"' for part in parts), ")", ""])
    say("Next:")
    for number, (step, lines) in enumerate(_steps(key), 1):
        say(f"{number}. {step}")
        if lines:
            copied(f"     {line}" for line in lines)
