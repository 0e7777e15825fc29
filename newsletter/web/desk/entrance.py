"""Signing in: by password, or by a link that works once. GET shows a button, and only its POST opens.

Before anybody is signed in the browser gets a cookie of no meaning, to which the form is tied, so that
nobody can be signed in as somebody else by a page that they happen to look at. The session gets a new
one. Where to go afterwards is a path of the desk, or the desk.
"""

from __future__ import annotations

import re
from typing import Any

from fastapi import Response
from fastapi.responses import HTMLResponse, RedirectResponse

from newsletter.clock import machine_now
from newsletter.errors import Misuse, Refused, TooOften
from newsletter.runtime import Runtime
from newsletter.services import signing_in
from newsletter.services.signing_in import Caller
from newsletter.web.caller import browser, network
from newsletter.web.desk import cookies
from newsletter.web.desk.guard import OurVisit, Visit, desk_doors
from newsletter.web.desk.pages import OurDesk
from newsletter.web.headers import DESK
from newsletter.web.pages import html
from newsletter.web.requests import FormFields
from newsletter.web.rights import Rights

doors = desk_doors()

HOME = "/desk"
_OURS = re.compile(r"/desk(?:/[a-z0-9-]{1,64}){0,6}")


@doors.get("/desk/sign-in", rights=Rights.ANYBODY)
def ask(visit: OurVisit, next: str = "") -> Response:  # noqa: A002 - the address's own word
    if visit.person is not None:
        return RedirectResponse(_ours(next), status_code=303, headers=DESK)
    return _form(visit, where=_ours(next))


@doors.post("/desk/sign-in", rights=Rights.ANYBODY)
def by_password(visit: OurVisit, fields: FormFields) -> Response:
    where, address = _ours(fields.get("next", "")), fields.get("address", "")[:320]
    try:
        token = signing_in.by_password(
            visit.runtime, address, fields.get("password", ""), machine_now(), _caller(visit)
        )
    except Refused as error:
        status = 429 if isinstance(error, TooOften) else 422
        return _form(visit, where=where, address=address, error=error, status=status)
    return _enter(visit.runtime, token, where)


@doors.post("/desk/sign-in-link", rights=Rights.ANYBODY)
def mail_link(visit: OurVisit, fields: FormFields) -> Response:
    """The same answer for every address: who works here is nobody's business."""
    where, address = _ours(fields.get("next", "")), fields.get("address", "")[:320]
    try:
        signing_in.mail_link(visit.runtime, address, machine_now(), _caller(visit))
    except TooOften as error:
        return _form(visit, where=where, address=address, error=error, status=429)
    minutes = int(signing_in.LINK_LIFE.total_seconds()) // 60
    return _page(visit, "desk/mailed.html", address=address, minutes=minutes)


@doors.get("/desk/sign-in/{token}", rights=Rights.ANYBODY)
def ask_by_link(visit: OurVisit, token: str) -> Response:
    """Mail scanners open links by themselves: this changes nothing, however often."""
    name = signing_in.whose_link(visit.runtime, token, machine_now())
    if name is None:
        return _page(visit, "desk/worn.html", status=404)
    return _page(visit, "desk/link.html", name=name, error=None, address="", called="")


@doors.post("/desk/sign-in/{token}", rights=Rights.ANYBODY)
def by_link(visit: OurVisit, token: str, fields: FormFields) -> Response:
    called, address = fields.get("name", "")[:64], fields.get("address", "")[:320]
    try:
        made = signing_in.by_link(
            visit.runtime, token, machine_now(), _caller(visit), first=(called, address)
        )
    except Misuse as error:
        return _page(
            visit, "desk/link.html", status=422, name="", error=error, address=address, called=called
        )
    except Refused:
        return _page(visit, "desk/worn.html", status=409)
    return _enter(visit.runtime, made, HOME)


@doors.post("/desk/sign-out", rights=Rights.EDITOR)
def sign_out(desk: OurDesk) -> Response:
    signing_in.sign_out(desk.runtime, desk.person, machine_now())
    answer = desk.go("/desk/sign-in")
    cookies.forget(desk.runtime, answer)
    return answer


def _enter(runtime: Runtime, token: str, where: str) -> Response:
    answer = RedirectResponse(where, status_code=303, headers=DESK)
    cookies.keep_session(runtime, answer, token)
    return answer


def _form(
    visit: Visit, *, where: str, address: str = "", error: Refused | None = None, status: int = 200
) -> Response:
    return _page(
        visit, "desk/sign_in.html", status=status, where=where, address=address, error=error,
        mails=bool(visit.runtime.settings.relays),
    )  # fmt: skip


def _page(visit: Visit, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page for somebody who is not signed in, with the cookie that its form needs."""
    entrance = cookies.pre_session(visit.entrance)
    text = html(template, token=cookies.form_token(visit.runtime, entrance), **values)
    answer = HTMLResponse(text, status_code=status, headers=DESK)
    if visit.person is None:
        cookies.keep_pre_session(visit.runtime, answer, entrance)
    return answer


def _caller(visit: Visit) -> Caller:
    trusted = visit.runtime.settings.web.trusted_proxies
    return Caller(network(visit.request, trusted), browser(visit.request))


def _ours(path: str) -> str:
    return path if _OURS.fullmatch(path) else HOME
