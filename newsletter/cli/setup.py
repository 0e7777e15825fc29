"""`newsletter init` and `newsletter db`: the first five minutes, and every upgrade after."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from newsletter.cli.console import finish, foreign
from newsletter.cli.options import command, options, runtime_without_store
from newsletter.errors import Misuse
from newsletter.mail.links import AddressKey, Keys
from newsletter.render.shipped import example_config
from newsletter.store import hints
from newsletter.store.schema import expected_version, require_current, store_version, upgrade

db = typer.Typer(name="db", help="The store.", rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    command(app, "init")(init)
    app.add_typer(db)


def init(
    folder: Annotated[Path, typer.Argument(help="Where the configuration and the store go.")] = Path(),
) -> None:
    """Write configuration, keys and store, and say what is next.

    Example: newsletter init /srv/newsletter
    """
    said = options()
    config = said.config or folder / "config.toml"
    if config.exists():
        raise Misuse(f"{config} exists already; nothing was changed.", next_step="newsletter status")
    config.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(config, example_config())
    for name, kind in (("secret.key", Keys), ("suppression.key", AddressKey)):
        if not (config.parent / name).exists():
            kind.create(config.parent / name)
    said.config = config
    upgrade(runtime_without_store().database)
    steps = [
        f"edit {config}: your newsletter, its feeds, your relay",
        "newsletter gather",
        "newsletter subscribers import readers.csv --newsletter SLUG --dry-run",
        "newsletter send SLUG --dry-run",
        "newsletter serve",
    ]

    finish(
        {"config": str(config), "next_steps": steps},
        lambda c: c.print(
            foreign(f"Wrote {config}, two keys beside it, and an empty store. Next:\n  " + "\n  ".join(steps))
        ),
    )


@command(db, "upgrade")
def upgrade_store() -> None:
    """Bring the store to this program's version.

    Example: newsletter db upgrade
    """
    opened = runtime_without_store()
    version = upgrade(opened.database)
    if opened.has_workers:
        hints.set_up(opened.database)
    finish({"version": version}, lambda c: c.print(f"The store is at version {version}."))


@command(db, "check")
def check_store() -> None:
    """Say whether the store answers and is up to date.

    Example: newsletter db check
    """
    opened = runtime_without_store()
    require_current(opened.database)
    if opened.has_workers:
        hints.require(opened.database)
    version = store_version(opened.database)
    finish(
        {"version": version, "expected": expected_version(), "kind": opened.database.engine.dialect.name},
        lambda c: c.print(f"The store answers and is at version {version}."),
    )


def write_private(file: Path, text: str) -> None:
    """Create a file that only its owner can read; never follows a link, never overwrites."""
    number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    with os.fdopen(number, "w", encoding="utf-8") as opened:
        opened.write(text)
