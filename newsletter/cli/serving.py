"""`newsletter serve`, `web` and `tick`: the clock at work, for good or for one round, and the pages alone."""

from __future__ import annotations

from dataclasses import asdict

import typer

from newsletter import logs, scheduler, worker
from newsletter.cli.console import Interrupted, finish, note, note_link, table
from newsletter.cli.options import command, runtime, sending_runtime
from newsletter.cli.signals import stopping
from newsletter.cli.status import state_words, words
from newsletter.clock import machine_now
from newsletter.errors import Incomplete
from newsletter.runtime import Runtime
from newsletter.services import staffing, status
from newsletter.services.guarding import Guard
from newsletter.serving import Parts
from newsletter.web.server import WebServer

TELLING = 5.0  # seconds after which a tick begins no further alert


def register(app: typer.Typer) -> None:
    command(app, "serve")(serve)
    command(app, "web")(web)
    command(app, "tick")(tick)


def serve() -> None:
    """Run web, scheduler and delivery together, until told to stop.

    Example: newsletter serve
    """
    opened = sending_runtime()
    logs.speak(opened.settings.logging.format, opened.settings.logging.level)
    web = WebServer(opened)
    with stopping() as stop, Guard(opened, stop), Parts(opened, stop, web):
        note(f"Readers' pages on {web.url}, the desk on {web.url}/desk; the scheduler runs. Ctrl-C stops.")
        _open_an_empty_desk(opened)
        stop.wait()
    note("Stopped; nothing is in doubt.")


def web() -> None:
    """Serve the pages alone: readers' and the desk.

    Scheduler and delivery run elsewhere.

    Example: newsletter web
    """
    opened = runtime()
    logs.speak(opened.settings.logging.format, opened.settings.logging.level)
    server = WebServer(opened)
    with stopping() as stop:
        note(f"Readers' pages and the desk on {opened.settings.web.bind}. Ctrl-C stops.")
        _open_an_empty_desk(opened)
        server.serve_until(stop)


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
