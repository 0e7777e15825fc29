"""Pages that anybody may read: the newsletters, each one's archive, an edition on the web.

They depend on path and query only: no header and no cookie steers what is shown.
"""

from __future__ import annotations

from fastapi import HTTPException, Response
from fastapi.responses import HTMLResponse

from newsletter.services import reading
from newsletter.web.headers import OPEN, UNLISTED, web_view_csp
from newsletter.web.pages import page as render
from newsletter.web.requests import OurRuntime
from newsletter.web.rights import Doors, Rights

doors = Doors()


@doors.get("/", rights=Rights.ANYBODY)
def newsletters(runtime: OurRuntime) -> Response:
    cards = reading.newsletters(runtime, runtime.clock.now())
    return render("public/newsletters.html", headers=OPEN, cards=cards)


@doors.get("/n/{newsletter}", rights=Rights.ANYBODY)
def archive(runtime: OurRuntime, newsletter: str, page: str = "1") -> Response:
    if not (page.isascii() and page.isdigit() and len(page) <= 4 and int(page)):
        raise HTTPException(404)
    found = reading.archive(runtime, newsletter, runtime.clock.now(), int(page))
    if found is None:
        raise HTTPException(404)
    return render("public/newsletter.html", headers=_open(found.card.noindex), archive=found)


@doors.get("/n/{newsletter}/{slug}", rights=Rights.ANYBODY)
def web_view(runtime: OurRuntime, newsletter: str, slug: str, preview: str = "") -> Response:
    """With `preview`, a signed link of a test mail shows its edition before it is out."""
    html = reading.web_view(runtime, newsletter, slug, preview, runtime.clock.now())
    if html is None:
        raise HTTPException(404)
    headers = UNLISTED if preview else _open(runtime.newsletter(newsletter).noindex)
    csp = {"Content-Security-Policy": web_view_csp(runtime.public_url)}
    return HTMLResponse(html, headers=headers | csp)


def _open(noindex: bool) -> dict[str, str]:
    return OPEN | UNLISTED if noindex else OPEN
