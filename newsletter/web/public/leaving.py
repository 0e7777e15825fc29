"""The leave link of every mail.

Link scanners and prefetchers open it by the thousand, so GET and HEAD look at the token alone, never
at the store, and change nothing. POST leaves: a mail client's one click (RFC 8058 §3.2) and the
page's own button send the same words. It needs no cookie, answers 200 without a redirect, and says
the same for somebody who has left before.
"""

from __future__ import annotations

from fastapi import Response

from newsletter.runtime import Runtime
from newsletter.services import subscribing
from newsletter.web.headers import UNLISTED
from newsletter.web.pages import page
from newsletter.web.requests import FormFields, OurRuntime
from newsletter.web.rights import Doors, Rights

doors = Doors()


@doors.get("/unsubscribe/{token}", rights=Rights.HOLDER)
async def ask(runtime: OurRuntime, token: str) -> Response:
    if runtime.links.read_leave(token) is None:
        return _worn(runtime)
    return page("public/leave.html", headers=UNLISTED, language=runtime.language)


@doors.post("/unsubscribe/{token}", rights=Rights.HOLDER)
def leave(runtime: OurRuntime, token: str, fields: FormFields) -> Response:
    """Leaves whatever the form says, unless it is the page's Undo: a click must never be lost."""
    place = runtime.links.read_leave(token)
    if place is None:
        return _worn(runtime)
    now = runtime.clock.now()
    if "undo" in fields:
        is_back = subscribing.return_to(runtime, *place, now)
        return page("public/returned.html", headers=UNLISTED, language=runtime.language, is_back=is_back)
    subscribing.leave(runtime, *place, now)
    return page("public/left.html", headers=UNLISTED, language=runtime.language)


def _worn(runtime: Runtime) -> Response:
    """200 here too: a mail client that reports a failed click would alarm a reader for nothing."""
    return page("public/worn.html", headers=UNLISTED, language=runtime.language)
