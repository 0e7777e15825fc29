"""Ops' front door: parse, call one service, print. One file per noun.

Exit codes: 0 done, 1 our bug, 2 wrong use or configuration, 3 refused by a rule, 4 incomplete,
5 the world failed, 130 interrupted and safe.
"""

from __future__ import annotations

import sys

import typer

from newsletter.cli import articles, demo, editions, feeds, sending, serving, setup, status, subscribers
from newsletter.cli.console import err, report
from newsletter.errors import Misuse, NewsletterError

app = typer.Typer(
    name="newsletter",
    help="The newsletter engine for newsrooms.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for room in (setup, demo, serving, feeds, articles, editions, sending, subscribers, status):
    room.register(app)


def main(arguments: list[str] | None = None) -> None:
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run one command and give its exit code; every error becomes one sentence or one JSON object."""
    as_json = "--json" in arguments
    try:
        result = typer.main.get_command(app).main(
            args=arguments, prog_name="newsletter", standalone_mode=False
        )
    except NewsletterError as error:
        report(error, as_json=as_json)
        return error.exit_code
    except typer.TyperException as error:
        report(Misuse(error.format_message(), next_step="newsletter --help"), as_json=as_json)
        return Misuse.exit_code
    except (typer.Abort, KeyboardInterrupt):
        err().print("Interrupted; nothing is lost.")
        return 130
    return result if isinstance(result, int) else 0
