"""`newsletter serve`, its parts apart, and `newsletter tick`: the clock at work, for good or one round."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter import logs, scheduler, worker
from newsletter.cli.console import Interrupted, finish, note, note_link, table
from newsletter.cli.fleet import Fleet, follow_parent
from newsletter.cli.options import command, runtime, sending_runtime
from newsletter.cli.signals import stopping
from newsletter.cli.status import state_words, words
from newsletter.clock import machine_now
from newsletter.errors import Incomplete, Refused
from newsletter.runtime import Runtime
from newsletter.services import staffing, status
from newsletter.services.guarding import Guard
from newsletter.serving import Parts

if TYPE_CHECKING:
    from newsletter.web.server import WebServer

TELLING = 5.0  # seconds after which a tick begins no further alert


def register(app: typer.Typer) -> None:
    command(app, "serve")(serve)
    command(app, "web")(web)
    command(app, "scheduler")(scheduler_alone)
    command(app, "worker")(work)
    command(app, "tick")(tick)


def serve() -> None:
    """Run web, scheduler and delivery together, until told to stop.

    With engine = "procrastinate" editions are left to the workers.

    Example: newsletter serve
    """
    opened = _speaking(sending_runtime())
    pages = _pages(opened)
    delivery = not opened.has_workers
    with (
        stopping() as stop,
        Guard(opened, stop),
        Parts(opened, stop, pages, scheduler=True, delivery=delivery, letters=True) as parts,
    ):
        note(
            f"Readers' pages on {pages.url}, the desk on {pages.url}/desk; the scheduler runs. Ctrl-C stops."
        )
        _open_an_empty_desk(opened)
        parts.stay()
    note("Stopped; nothing is in doubt.")


def web() -> None:
    """Run readers' pages and the desk, until told to stop.

    Scheduler and delivery run elsewhere.

    Example: newsletter web
    """
    opened = _speaking(runtime())
    pages = _pages(opened)
    with stopping() as stop, Parts(opened, stop, pages) as parts:
        note(f"Readers' pages on {pages.url}, the desk on {pages.url}/desk. Ctrl-C stops.")
        _open_an_empty_desk(opened)
        parts.stay()
    note("Stopped.")


def scheduler_alone() -> None:
    """Run the scheduler alone, until told to stop.

    It gathers, drafts and freezes; any number may run, and nothing happens twice.

    Example: newsletter scheduler
    """
    opened = _speaking(sending_runtime())
    with stopping() as stop, Parts(opened, stop, scheduler=True) as parts:
        note("The scheduler runs. Ctrl-C stops.")
        if not opened.has_workers:
            note('With engine = "embedded" newsletter serve or tick delivers.')
        parts.stay()
    note("Stopped.")


def work(
    processes: Annotated[
        int, typer.Option(min=1, max=64, help="So many processes, each with its own connections.")
    ] = 1,
) -> None:
    """Deliver batches, as one of many workers, until told to stop.

    For engine = "procrastinate" on PostgreSQL; each core is worth a process.

    Example: newsletter worker --processes 2
    """
    opened = _speaking(sending_runtime())
    if not opened.has_workers:
        raise Refused(
            'Workers need [sending] engine = "procrastinate" and PostgreSQL; here newsletter serve delivers.',
            next_step="newsletter serve",
        )
    with stopping() as stop:
        if processes > 1:
            note(f"{processes} worker processes run. Ctrl-C stops.")
            Fleet(processes, opened.clock, stop).run()
        else:
            follow_parent(stop)
            with Parts(opened, stop, delivery=True, letters=True) as parts:
                note("The worker runs. Ctrl-C stops.")
                parts.stay()
    note("Stopped; nothing is in doubt.")


def _pages(opened: Runtime) -> WebServer:
    """Loaded for those who show any: a tick and a worker are to stay small."""
    from newsletter.web.server import WebServer

    return WebServer(opened)


def _speaking(opened: Runtime) -> Runtime:
    """For a command that stays: it keeps a log."""
    logs.speak(opened.settings.logging.format, opened.settings.logging.level)
    return opened


def _open_an_empty_desk(opened: Runtime) -> None:
    """Whoever started an empty desk is its first admin; the link is for their eyes, so it is no log line."""
    link = staffing.first_link(opened, machine_now())
    if link is not None:
        note_link(
            "Nobody is on the desk yet. This opens it for its first admin, within 15 minutes:", link.url
        )


def tick() -> None:
    """Do whatever is due now, then stop.

    For cron, containers and rehearsals.

    Example: newsletter tick --now 2026-02-18T14:00:00Z
    """
    opened = sending_runtime()
    with stopping() as stop, worker.letters_beside(opened, stop):
        try:
            scheduler.advance(opened, opened.clock.now())
            worker.deliver(opened, stop, until_idle=True)
        finally:
            if not stop.is_set():
                scheduler.look_after(opened, opened.clock.now(), seconds=TELLING)
    if stop.is_set():
        raise Interrupted("Interrupted; nothing is in doubt.", next_step="newsletter tick goes on with it")
    found = status.status(opened, opened.clock.now())
    if found.problems:
        first = found.problems[0]
        raise Incomplete(first.what + ".", next_step=first.next_step)
    lines = [
        (f"{newsletter.slug}/{line.slug}", line)
        for newsletter in found.newsletters
        for line in newsletter.editions
        if line.sums.total
    ]
    finish(
        {
            "editions": [
                {"edition": name, "state": line.state, "deliveries": asdict(line.sums)}
                for name, line in lines
            ]
        },
        table(
            ["EDITION", "STATE", "DELIVERIES"],
            [[name, state_words(line), words(line)] for name, line in lines],
            empty="Nothing was due.",
        ),
    )
