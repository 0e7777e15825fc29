"""Signing up: the box on our pages and on anybody's, and the page behind the link that was mailed.

A box answers the same whatever became of it; one that waited for days, or was sent faster than people write,
is given back to be sent once more. `/embed/…` alone may be framed, and answers forms of other
sites, without any cookie of theirs. The confirmation's GET and HEAD change nothing: in the browser that
signed up the page presses its own button, everywhere else a person does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from fastapi import Header, HTTPException, Response

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse
from newsletter.models import LinkPurpose
from newsletter.runtime import Runtime
from newsletter.services import joining, owning, reading
from newsletter.services.asking import Browser
from newsletter.services.joining import Look, Standing, Wish
from newsletter.web.assets import ASSETS
from newsletter.web.headers import EMBED
from newsletter.web.pages import page
from newsletter.web.public.box import Box, box_for
from newsletter.web.public.unlisted import no_address, unlisted
from newsletter.web.requests import FormFields, OurRuntime
from newsletter.web.rights import Doors, Rights
from newsletter.web.signer import OurBrowser, give_cookie, new_cookie

doors = Doors()

WANTED = "get-"  # before the slug in the name of a box's check mark
Referer = Annotated[str, Header()]
FROM_ANYWHERE = {"Access-Control-Allow-Origin": "*"}


@doors.post("/", rights=Rights.ANYBODY)
def sign_up(runtime: OurRuntime, browser: OurBrowser, fields: FormFields, referer: Referer = "") -> Response:
    wanted = [name.removeprefix(WANTED) for name in fields if name.startswith(WANTED)]
    box = box_for(runtime, runtime.settings.newsletters, runtime.clock.now(), referer)
    return _answered(runtime, browser, fields, wanted, box)


@doors.get("/embed/{newsletter}.js", rights=Rights.ANYBODY)
def module(runtime: OurRuntime, newsletter: str) -> Response:
    """The same few lines for every newsletter: all words stand in the form that they make livelier."""
    _known(runtime, newsletter)
    headers = FROM_ANYWHERE | {"Cache-Control": "public, max-age=3600"}
    return Response(ASSETS["box.js"], media_type="text/javascript; charset=utf-8", headers=headers)


@doors.get("/embed/{newsletter}", rights=Rights.ANYBODY)
def frame(runtime: OurRuntime, newsletter: str) -> Response:
    settings, now = _known(runtime, newsletter), runtime.clock.now()
    action = _frame(settings)
    box = box_for(runtime, [settings], now, runtime.public_url + action, action=action)
    return page(
        "public/embed.html",
        headers=EMBED,
        language=settings.language,
        card=reading.card(settings, now),
        box=box,
    )


@doors.post("/embed/{newsletter}", rights=Rights.ANYBODY)
def sign_up_elsewhere(
    runtime: OurRuntime, browser: OurBrowser, newsletter: str, fields: FormFields, referer: Referer = ""
) -> Response:
    settings = _known(runtime, newsletter)
    box = box_for(runtime, [settings], runtime.clock.now(), referer, action=_frame(settings))
    answer = _answered(runtime, browser, fields, [settings.slug], box)
    answer.headers.update(EMBED | FROM_ANYWHERE)
    return answer


@doors.get("/confirm/{token}", rights=Rights.HOLDER)
def ask(runtime: OurRuntime, browser: OurBrowser, token: str) -> Response:
    return _show(runtime, joining.look(runtime, token, browser, runtime.clock.now()))


@doors.post("/confirm/{token}", rights=Rights.HOLDER)
def confirm(runtime: OurRuntime, browser: OurBrowser, token: str, fields: FormFields) -> Response:
    now = runtime.clock.now()
    if "again" in fields:
        joining.ask_again(runtime, token, browser, now)
        return unlisted(runtime, "public/asked.html")
    seen = joining.look(runtime, token, browser, now)
    if seen.purpose is LinkPurpose.NEW_ADDRESS:
        did = owning.take_address(runtime, token, now)
        return unlisted(runtime, "public/moved.html", did=did, address=seen.address)
    seen = joining.confirm(runtime, token, browser, now)
    if seen.standing is not Standing.OPEN:
        return _show(runtime, seen)
    return unlisted(
        runtime,
        "public/joined.html",
        seen=seen,
        latest=_latest(runtime),
    )


def _show(runtime: Runtime, seen: Look) -> Response:
    status = 404 if seen.standing is Standing.WORN else 200
    return unlisted(runtime, "public/confirm.html", status=status, seen=seen)


def _latest(runtime: Runtime) -> Mapping[str, str]:
    """Newsletter → the address of its latest edition on the web."""
    cards = reading.newsletters(runtime, runtime.clock.now())
    return {card.slug: f"/n/{card.slug}/{card.latest.slug}" for card in cards if card.latest}


def _frame(newsletter: NewsletterSettings) -> str:
    return f"/embed/{newsletter.slug}"


def _known(runtime: Runtime, slug: str) -> NewsletterSettings:
    found = runtime.newsletters.get(slug)
    if found is None:
        raise HTTPException(404)
    return found


def _answered(
    runtime: Runtime, browser: Browser, fields: Mapping[str, str], wanted: list[str], box: Box
) -> Response:
    """`box` is given back with what was typed where it has to be sent once more."""
    address, told = fields.get("address", ""), fields.get("page") or box.page
    wish = Wish(address, wanted, told, fields.get("website", ""), fields.get("form", ""))
    cookie, known_by = new_cookie()
    trouble = ""
    try:
        if joining.sign_up(runtime, wish, replace(browser, cookie=known_by), runtime.clock.now()):
            answer = unlisted(runtime, "public/asked.html")
            give_cookie(answer, cookie, is_https=runtime.public_url.startswith("https://"))
            return answer
    except Misuse:
        trouble = no_address(runtime.language)
    again = replace(
        box, page=joining.page_of(told), checked=frozenset(wanted), address=address[:320], trouble=trouble
    )
    return unlisted(runtime, "public/once_more.html", status=422 if trouble else 409, box=again)
