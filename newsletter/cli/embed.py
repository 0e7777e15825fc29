"""`newsletter embed`: the sign-up box for other people's pages."""

from __future__ import annotations

from typing import Annotated

import typer

from newsletter.cli.console import finish
from newsletter.cli.options import command, runtime_without_store
from newsletter.services import embedding
from newsletter.services.embedding import Kind


def register(app: typer.Typer) -> None:
    command(app, "embed")(embed)


def embed(
    newsletter: Annotated[str, typer.Argument(help="The newsletter that the box is for.")],
    kind: Annotated[
        Kind, typer.Option(help="A form without script, a module that answers in its place, or a frame.")
    ] = Kind.FORM,
) -> None:
    """Print a sign-up box to paste into a page.

    Example: newsletter embed ukraine-today --kind module
    """
    opened = runtime_without_store()
    html = embedding.box(opened, opened.newsletter(newsletter), kind)
    finish({"newsletter": newsletter, "kind": kind, "html": html}, lambda c: c.out(html, end=""))
