"""A person's newsletters, behind the signed link of any mail: leave one, or take it up again."""

from __future__ import annotations

from fastapi import Response

from newsletter.runtime import Runtime
from newsletter.services import subscribing
from newsletter.web.headers import UNLISTED
from newsletter.web.pages import page
from newsletter.web.requests import FormFields, OurRuntime
from newsletter.web.rights import Doors, Rights

doors = Doors()


@doors.get("/preferences/{token}", rights=Rights.HOLDER)
def show(runtime: OurRuntime, token: str) -> Response:
    return _show(runtime, runtime.links.read_preferences(token))


@doors.post("/preferences/{token}", rights=Rights.HOLDER)
def change(runtime: OurRuntime, token: str, fields: FormFields) -> Response:
    """`leave` or `return` holds the slug of one of the person's own newsletters; else nothing changes."""
    subscriber_id = runtime.links.read_preferences(token)
    person = None if subscriber_id is None else subscribing.preferences(runtime, subscriber_id)
    if subscriber_id is None or person is None:
        return _worn(runtime)
    now = runtime.clock.now()
    for place in person.places:
        if fields.get("leave") == place.slug:
            subscribing.leave(runtime, subscriber_id, place.newsletter_id, now)
        elif fields.get("return") == place.slug:
            subscribing.return_to(runtime, subscriber_id, place.newsletter_id, now)
    return _show(runtime, subscriber_id)


def _show(runtime: Runtime, subscriber_id: int | None) -> Response:
    person = None if subscriber_id is None else subscribing.preferences(runtime, subscriber_id)
    if person is None:
        return _worn(runtime)
    return page("public/preferences.html", headers=UNLISTED, language=runtime.language, person=person)


def _worn(runtime: Runtime) -> Response:
    return page("public/worn.html", status=404, headers=UNLISTED, language=runtime.language)
