"""One's own account: the browsers that are signed in, and the password."""

from __future__ import annotations

from fastapi import Response

from newsletter.clock import machine_now
from newsletter.services import signing_in
from newsletter.web.desk.guard import desk_doors
from newsletter.web.desk.pages import OurDesk
from newsletter.web.requests import FormFields
from newsletter.web.rights import Rights

doors = desk_doors()

PATH = "/desk/account"


@doors.get(PATH, rights=Rights.EDITOR)
def show(desk: OurDesk) -> Response:
    return desk.plain(
        "desk/account.html",
        sessions=signing_in.sessions(desk.runtime, desk.person, machine_now()),
        has_password=signing_in.has_password(desk.runtime, desk.person),
        machine_now=machine_now(),
    )


@doors.post(f"{PATH}/password", rights=Rights.EDITOR)
def set_password(desk: OurDesk, fields: FormFields) -> Response:
    old, new = fields.get("old", ""), fields.get("new", "")
    signing_in.set_password(desk.runtime, desk.person, old, new, machine_now())
    return desk.go(PATH, "Your password is set. Your other sessions have ended.")


@doors.post(f"{PATH}/end-session", rights=Rights.EDITOR)
def end_session(desk: OurDesk, fields: FormFields) -> Response:
    """`session` is one of one's own by its number; without it all but this one end."""
    number = fields.get("session", "")
    if number.isascii() and number.isdecimal() and len(number) < 10:
        signing_in.end_session(desk.runtime, desk.person, int(number), machine_now())
        return desk.go(PATH, "That session has ended.")
    ended = signing_in.end_other_sessions(desk.runtime, desk.person, machine_now())
    return desk.go(PATH, f"Ended: {ended} other session{'' if ended == 1 else 's'}.")
