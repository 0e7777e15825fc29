"""Today: what needs a person, how each newsletter stands, and how the house is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import Response

from newsletter.models import EditionState
from newsletter.runtime import Runtime
from newsletter.services import relaying, status, steering
from newsletter.services.status import EditionLine, NewsletterLine, Problem
from newsletter.web.desk.checks import known, look_at_one
from newsletter.web.desk.guard import desk_doors
from newsletter.web.desk.pages import OurDesk, Page, Values
from newsletter.web.requests import FormFields
from newsletter.web.rights import Rights

doors = desk_doors()

PATH = "/desk"
ENDED = (EditionState.SENT, EditionState.SKIPPED, EditionState.CANCELLED)
AWAITED = (EditionState.DRAFT, EditionState.APPROVED, EditionState.HELD)
CLOCK_SLOW = 90.0  # seconds since the scheduler last looked, after which it does not count as running


@dataclass(frozen=True, slots=True)
class Row:
    """A newsletter with the editions that are still to come or under way, and the last that ended."""

    line: NewsletterLine
    ahead: Sequence[EditionLine]
    last: EditionLine | None


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next about a problem: a page to open, an act to post, or neither, then its command."""

    label: str = ""
    href: str = ""
    act: str = ""
    relay: str = ""


def _step(problem: Problem) -> Step:
    if problem.edition and problem.next_step.split()[:2] == ["newsletter", "editions"]:
        return Step("Open", href=f"/desk/editions/{problem.edition}")
    if problem.edition:
        return Step("Open", href=f"/desk/editions/{problem.edition}/sending")
    match problem.next_step.split():
        case ["newsletter", "resume", "--all"]:
            return Step("Lift the stop", act=f"{PATH}/resume-all")
        case ["newsletter", "relays", "use", name]:
            return Step("Let the rule choose", act=f"{PATH}/use-relay", relay=name)
        case ["newsletter", "relays", "probe", name]:
            return Step(f"Probe {name}", act=f"{PATH}/probe-relay", relay=name)
    return Step()


def _values(runtime: Runtime, _about: str, now: datetime) -> Values:
    found = status.status(runtime, now)
    rows = list(map(_row, found.newsletters))
    awaited = [
        (runtime.newsletter(row.line.slug), line)
        for row in rows
        for line in row.ahead
        if line.state in AWAITED
    ]
    zone = rows[0].line.timezone if rows else "UTC"
    problems = [(problem, _step(problem)) for problem in found.problems]
    return {
        "found": found, "rows": rows, "problems": problems, "zone": zone, "clock_slow": CLOCK_SLOW,
        "awaited": awaited, "checks": known(runtime, awaited),
    }  # fmt: skip


def _row(line: NewsletterLine) -> Row:
    ahead = sorted((e for e in line.editions if e.state not in ENDED), key=lambda edition: edition.due_at)
    ended = sorted((e for e in line.editions if e.state in ENDED), key=lambda edition: edition.due_at)
    return Row(line, ahead, ended[-1] if ended else None)


PAGE = Page(
    "today",
    "desk/today.html",
    ("desk/today/problems.html", "desk/today/newsletters.html", "desk/today/house.html"),
    _values,
    beside=lambda runtime, values, now: look_at_one(runtime, values["awaited"], now),
)


@doors.get(PATH, rights=Rights.EDITOR)
def today(desk: OurDesk) -> Response:
    return desk.show(PAGE)


@doors.post(f"{PATH}/stop-all", rights=Rights.PUBLISHER)
def stop_all(desk: OurDesk) -> Response:
    paused = steering.stop_all(desk.runtime, desk.now, letters=False, who=desk.who)
    told = f" Paused: {', '.join(paused)}." if paused else ""
    return desk.done(f"Everything is stopped.{told} Nothing begins until you lift it.", PAGE, back=PATH)


@doors.post(f"{PATH}/resume-all", rights=Rights.PUBLISHER)
def resume_all(desk: OurDesk) -> Response:
    lifted = steering.resume_all(desk.runtime, desk.now, who=desk.who)
    still = (
        f" Still paused for a reason of its own: {', '.join(lifted.still_paused)}."
        if lifted.still_paused
        else ""
    )
    return desk.done(f"Lifted; mail goes out again.{still}", PAGE, back=PATH)


@doors.post(f"{PATH}/use-relay", rights=Rights.PUBLISHER)
def use_relay(desk: OurDesk, fields: FormFields) -> Response:
    name = fields.get("relay", "")
    relaying.use(desk.runtime, name, desk.now, who=desk.who)
    told = "The rule chooses the relay again." if name == relaying.AUTO else f"All mail goes over {name} now."
    return desk.done(told, PAGE, back=PATH)


@doors.post(f"{PATH}/probe-relay", rights=Rights.PUBLISHER)
def probe_relay(desk: OurDesk, fields: FormFields) -> Response:
    """Connects, secures, signs in and leaves, without a message."""
    lines = relaying.probe(desk.runtime, fields.get("relay", ""), desk.now, who=desk.who)
    told = "; ".join(
        f"{line.name} {'is well' if line.is_up else 'cannot be used: ' + line.trouble}" for line in lines
    )
    return desk.done(f"Probed: {told}.", PAGE, back=PATH)
