"""Pages that anybody may read: the newsletters, each one's archive, an edition on the web.

They depend on path and query only: no header and no cookie steers what is shown. Of a search only
letters and digits come back.
"""

from __future__ import annotations

from fastapi import HTTPException, Response
from fastapi.responses import HTMLResponse

from newsletter.services import reading
from newsletter.web.headers import OPEN, UNLISTED, web_view_csp
from newsletter.web.pages import page as render
from newsletter.web.public.box import box_for
from newsletter.web.public.caching import IfNoneMatch, unless_as_good, unless_known
from newsletter.web.requests import OurRuntime
from newsletter.web.rights import Doors, Rights

doors = Doors()

LONGEST_QUERY = 200  # characters


@doors.get("/", rights=Rights.ANYBODY)
def newsletters(runtime: OurRuntime, if_none_match: IfNoneMatch = "") -> Response:
    now, home = runtime.clock.now(), runtime.links.public_url + "/"
    box = box_for(runtime, runtime.settings.newsletters, now, home)
    answer = render(
        "public/newsletters.html", headers=OPEN, language=runtime.language,
        cards=reading.newsletters(runtime, now), home=home, box=box,
    )  # fmt: skip
    return unless_as_good(answer, if_none_match, box, now)


@doors.get("/n/{newsletter}", rights=Rights.ANYBODY)
def archive(
    runtime: OurRuntime,
    newsletter: str,
    page: str = "1",
    year: str = "",
    q: str | None = None,
    if_none_match: IfNoneMatch = "",
) -> Response:
    """With `q` what is found of the archive, which is nobody's page to list."""
    now = runtime.clock.now()
    if q is not None:
        found = reading.search(runtime, newsletter, now, _query(q))
    else:
        found = reading.archive(
            runtime, newsletter, now, _number(page, 4), _number(year, 4) if year else None
        )
    if found is None:
        raise HTTPException(404)
    headers = _open(found.card.noindex or q is not None)
    language, address = found.card.language, runtime.links.newsletter(newsletter)
    box = box_for(runtime, [runtime.newsletter(newsletter)], now, address)
    answer = render(
        "public/newsletter.html", headers=headers, language=language, archive=found, address=address,
        is_search=q is not None, here=_here, box=box,
    )  # fmt: skip
    return unless_as_good(answer, if_none_match, box, now)


@doors.get("/n/{newsletter}/{slug}", rights=Rights.ANYBODY)
def web_view(
    runtime: OurRuntime, newsletter: str, slug: str, preview: str = "", if_none_match: IfNoneMatch = ""
) -> Response:
    """With `preview`, a signed link of a test mail shows its edition before it is out."""
    html = reading.web_view(runtime, newsletter, slug, preview, runtime.clock.now())
    if html is None:
        raise HTTPException(404)
    csp = {"Content-Security-Policy": web_view_csp(runtime.public_url)}
    if preview:
        return HTMLResponse(html, headers=UNLISTED | csp)
    headers = _open(runtime.newsletter(newsletter).noindex) | csp
    return unless_known(HTMLResponse(html, headers=headers), if_none_match)


def _open(noindex: bool) -> dict[str, str]:
    return OPEN | UNLISTED if noindex else OPEN


def _here(year: int | None, page: int) -> str:
    """The query of one page of an archive, which has one spelling."""
    asked = ([f"year={year}"] if year else []) + ([f"page={page}"] if page > 1 else [])
    return "?" + "&".join(asked) if asked else ""


def _number(text: str, digits: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= digits and int(text)):
        raise HTTPException(404)
    return int(text)


def _query(text: str) -> str:
    """What PostgreSQL would take for an error of ours, and what nobody types, is refused here."""
    if len(text) > LONGEST_QUERY or any(ord(sign) < 32 or 0xD800 <= ord(sign) < 0xE000 for sign in text):
        raise HTTPException(400)
    return text
