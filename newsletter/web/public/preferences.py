"""A person's newsletters, behind the signed link of any mail; and what is theirs alone, behind a fresh one.

A mail's link may leave, come back, choose and pause. Mails get forwarded, so seeing one's data, changing the
address and being forgotten need a link that was mailed just now; that one works once. Whoever has lost every
mail has such a link mailed by `/preferences`, which answers the same for any address.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from fastapi import Response

from newsletter.errors import Misuse
from newsletter.languages import words_for
from newsletter.runtime import Runtime
from newsletter.services import exporting, forgetting, owning, preferring, subscribing
from newsletter.services.asking import Browser
from newsletter.services.preferring import Wishes
from newsletter.web.headers import UNLISTED
from newsletter.web.public.unlisted import no_address, unlisted
from newsletter.web.requests import FormFields, OurRuntime
from newsletter.web.rights import Doors, Rights
from newsletter.web.signer import OurBrowser

doors = Doors()

WHO = "reader"
SECTION = "section-"  # before the number in the name of a check mark


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whose preferences these are; `is_fresh` behind a link that was mailed just now."""

    id: int
    token: str
    is_fresh: bool


@doors.get("/preferences", rights=Rights.ANYBODY)
async def lost(runtime: OurRuntime) -> Response:
    return unlisted(runtime, "public/lost.html", trouble="", address="")


@doors.post("/preferences", rights=Rights.ANYBODY)
def mail_link(runtime: OurRuntime, browser: OurBrowser, fields: FormFields) -> Response:
    address = fields.get("address", "")
    try:
        owning.mail_link(runtime, address, browser, runtime.clock.now())
    except Misuse:
        trouble = no_address(runtime.language)
        return unlisted(runtime, "public/lost.html", status=422, trouble=trouble, address=address[:320])
    return unlisted(runtime, "public/asked.html")


@doors.get("/preferences/{token}", rights=Rights.HOLDER)
def show(runtime: OurRuntime, token: str) -> Response:
    now = runtime.clock.now()
    return _show(runtime, _visitor(runtime, token, now), now)


@doors.post("/preferences/{token}", rights=Rights.HOLDER)
def change(runtime: OurRuntime, browser: OurBrowser, token: str, fields: FormFields) -> Response:
    """Each button names the one thing that it does; whatever a form does not name stays as it is."""
    now = runtime.clock.now()
    visitor = _visitor(runtime, token, now)
    if visitor is None:
        return _worn(runtime)
    if "mail-me" in fields:
        owning.mail_link_to(runtime, visitor.id, browser, now)
        return unlisted(runtime, "public/asked.html")
    if visitor.is_fresh and (answer := _own(runtime, browser, visitor, fields, now)):
        return answer
    try:
        _choose(runtime, visitor, fields, now)
    except Misuse:
        trouble = words_for(runtime.language).gettext("That cannot be chosen: a pause ends on a day to come.")
        return _show(runtime, visitor, now, trouble=trouble, opened=fields.get("save", ""))
    return _show(runtime, visitor, now, is_saved="save" in fields)


def _choose(runtime: Runtime, visitor: Visitor, fields: Mapping[str, str], now: datetime) -> None:
    person = preferring.preferences(runtime, visitor.id, now)
    places = {place.slug: place.newsletter_id for place in person.places} if person else {}
    if "leave-all" in fields:
        subscribing.leave_all(runtime, visitor.id, now)
    elif number := places.get(fields.get("leave", "")):
        subscribing.leave(runtime, visitor.id, number, now)
    elif number := places.get(fields.get("return", "")):
        subscribing.return_to(runtime, visitor.id, number, now)
    elif fields.get("save") in places:
        sections = [text for name, text in fields.items() if name.startswith(SECTION)]
        wishes = Wishes(
            fields.get("cadence"), fields.get("zone"), fields.get("pause_until"),
            sections if "sections" in fields else None,
        )  # fmt: skip
        preferring.prefer(runtime, visitor.id, fields["save"], wishes, now)


def _own(
    runtime: Runtime, browser: Browser, visitor: Visitor, fields: Mapping[str, str], now: datetime
) -> Response | None:
    """What only a fresh link does; each of them uses it up."""
    if "new-address" in fields:
        try:
            asked = owning.change_address(runtime, visitor.token, fields["new-address"], browser, now)
        except Misuse:
            return _show(runtime, visitor, now, trouble=no_address(runtime.language))
        return unlisted(runtime, "public/asked.html") if asked else _worn(runtime)
    if "download" in fields and owning.use_up(runtime, visitor.token, now):
        data = exporting.whole_data(runtime, str(visitor.id), now)
        attachment = {"Content-Disposition": 'attachment; filename="my-data.json"'}
        return Response(
            json.dumps(data, default=str, ensure_ascii=False, indent=2), media_type="application/json",
            headers=UNLISTED | attachment,
        )  # fmt: skip
    if {"forget", "sure"} <= fields.keys() and owning.use_up(runtime, visitor.token, now):
        forgetting.forget(runtime, str(visitor.id), now, who=WHO)
        return unlisted(runtime, "public/forgotten.html")
    return None


def _visitor(runtime: Runtime, token: str, now: datetime) -> Visitor | None:
    number = runtime.links.read_preferences(token)
    if number is not None:
        return Visitor(number, token, is_fresh=False)
    owner = owning.owner(runtime, token, now)
    return None if owner is None else Visitor(owner, token, is_fresh=True)


def _show(
    runtime: Runtime, visitor: Visitor | None, now: datetime, *, trouble: str = "", opened: str = "",
    is_saved: bool = False,
) -> Response:  # fmt: skip
    person = None if visitor is None else preferring.preferences(runtime, visitor.id, now)
    if visitor is None or person is None:
        return _worn(runtime)
    return unlisted(runtime, "public/preferences.html", status=422 if trouble else 200, person=person,
        is_fresh=visitor.is_fresh, trouble=trouble, opened=opened, is_saved=is_saved, zones=preferring.ZONES,
    )  # fmt: skip


def _worn(runtime: Runtime) -> Response:
    return unlisted(runtime, "public/worn.html", status=404)
