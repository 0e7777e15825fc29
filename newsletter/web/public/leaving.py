"""The leave link of every mail.

Link scanners and prefetchers open it by the thousand, so GET and HEAD look at the token alone, never
at the store, and change nothing. POST leaves: a mail client's one click (RFC 8058 §3.2) and the
page's own button send the same words. It needs no cookie, answers 200 without a redirect, and says
the same for somebody who has left before.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from anyio.to_thread import run_sync
from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from newsletter.runtime import Runtime
from newsletter.services import subscribing
from newsletter.web.headers import UNLISTED
from newsletter.web.pages import html
from newsletter.web.public.leavers import Leavers, Place
from newsletter.web.public.unlisted import unlisted
from newsletter.web.requests import FormFields, OurRuntime
from newsletter.web.rights import Doors, Rights

ON_THE_PAGE = {"undo", "weekly", "all", "reason"}  # the buttons of the page that follows the click

doors = Doors()


@doors.get("/unsubscribe/{token}", rights=Rights.HOLDER)
async def ask(runtime: OurRuntime, token: str) -> Response:
    if runtime.links.read_leave(token) is None:
        return _worn(runtime)
    return unlisted(runtime, "public/leave.html")


@doors.post("/unsubscribe/{token}", rights=Rights.HOLDER)
async def leave(request: Request, runtime: OurRuntime, token: str, fields: FormFields) -> Response:
    """Leaves whatever the form says, unless it is the page's Undo, or its "once a week instead": a click
    must never be lost. Why somebody leaves is asked only afterwards."""
    place = runtime.links.read_leave(token)
    if place is None:
        return _worn(runtime)
    leavers: Leavers = request.app.state.leavers
    if not fields.keys() & ON_THE_PAGE and await leavers.leave(place):
        weekly = subscribing.some_weekly(runtime) and await run_sync(
            subscribing.has_weekly, runtime, place[1]
        )
        return _left(runtime, fields, has_weekly=weekly)
    return await run_sync(_answer, runtime, place, fields)


def _answer(runtime: Runtime, place: Place, fields: Mapping[str, str]) -> Response:
    now = runtime.clock.now()
    if "undo" in fields:
        is_back = subscribing.return_to(runtime, *place, now)
        return unlisted(runtime, "public/returned.html", is_back=is_back, is_weekly=False)
    if "weekly" in fields:
        is_back = subscribing.return_weekly(runtime, *place, now)
        return unlisted(runtime, "public/returned.html", is_back=is_back, is_weekly=True)
    subscribing.leave(runtime, *place, now)
    if "all" in fields:
        subscribing.leave_all(runtime, place[0], now)
    subscribing.say_why(runtime, *place, fields.get("reason", ""), now)
    has_weekly = "all" not in fields and subscribing.has_weekly(runtime, place[1])
    return _left(runtime, fields, has_weekly=has_weekly)


def _left(runtime: Runtime, fields: Mapping[str, str], *, has_weekly: bool) -> Response:
    return HTMLResponse(_said(runtime.language, "reason" in fields, has_weekly), headers=UNLISTED)


@cache
def _said(language: str, is_thanked: bool, has_weekly: bool) -> str:
    """Nothing of it is about who has left, so it is written once."""
    return html("public/left.html", language=language, is_thanked=is_thanked, has_weekly=has_weekly)


def _worn(runtime: Runtime) -> Response:
    """200 here too: a mail client that reports a failed click would alarm a reader for nothing."""
    return unlisted(runtime, "public/worn.html")
