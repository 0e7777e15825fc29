"""The guard before every route of the desk: who asks, from where, and whether they may.

It stands before each route by construction (`desk_doors`), reads the route's declared rights, and makes
the `Desk` that a page works with. What changes something must come from our own pages: the browser says
so (Origin, Sec-Fetch-Site), and the form brings a token that only they have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request

from newsletter.clock import machine_now
from newsletter.runtime import Runtime
from newsletter.services import signing_in
from newsletter.services.signing_in import SignedIn
from newsletter.web.desk import cookies
from newsletter.web.requests import FormFields, OurRuntime
from newsletter.web.rights import DeclaredRoute, Doors

SAFE = ("GET", "HEAD")


class SignInFirst(Exception):
    """Nobody is signed in; `path` is where they wanted to go, if it was a page."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


@dataclass(frozen=True, slots=True)
class Visit:
    """A request to the desk: what its cookie holds, and who that is. A fragment is asked for by our
    scripts and answered with parts of a page."""

    runtime: Runtime
    request: Request
    entrance: str
    person: SignedIn | None
    is_fragment: bool


def look(request: Request, runtime: OurRuntime) -> Visit:
    """Who asks. Sessions are about browsers and not about news, so they go by the machine's clock."""
    _refuse_foreign(request, runtime)
    entrance = cookies.entrance(runtime, request)
    person = signing_in.who_is(runtime, entrance, machine_now()) if entrance else None
    return Visit(runtime, request, entrance, person, request.headers.get("x-fragment") == "1")


OurVisit = Annotated[Visit, Depends(look)]


def guard(visit: OurVisit, fields: FormFields) -> None:
    """Raises SignInFirst, or HTTPException 403."""
    route = visit.request.scope["route"]
    assert isinstance(route, DeclaredRoute)  # noqa: S101 - the app starts with no other kind
    changes = visit.request.method not in SAFE
    if route.rights.needs_sign_in and visit.person is None:
        raise SignInFirst("" if changes else visit.request.scope["path"])
    if changes and not cookies.is_form_token(visit.runtime, visit.entrance, fields.get("token", "")):
        raise HTTPException(403)
    if visit.person is not None and route.rights.needs_sign_in and not route.rights.allows(visit.person.role):
        raise HTTPException(403)


def desk_doors() -> Doors:
    return Doors(guard)


def signed_in(visit: OurVisit) -> SignedIn:
    if visit.person is None:
        raise SignInFirst("")
    return visit.person


def _refuse_foreign(request: Request, runtime: Runtime) -> None:
    """A page of somebody else's may lead here by a link, and do nothing more."""
    origin = request.headers.get("origin")
    fetch_site = request.headers.get("sec-fetch-site")
    if origin is not None and not _is_ours(origin, request, runtime):
        raise HTTPException(403)
    is_followed = request.method in SAFE and request.headers.get("sec-fetch-mode", "navigate") == "navigate"
    if is_followed:
        return
    if fetch_site not in (None, "same-origin", "none"):
        raise HTTPException(403)
    if request.method not in SAFE and origin is None and fetch_site != "same-origin":
        raise HTTPException(403)


def _is_ours(origin: str, request: Request, runtime: Runtime) -> bool:
    """The public address, or the very host and port that were asked: the border knows its names."""
    scheme, _, host = origin.partition("://")
    is_asked = scheme in ("http", "https") and host == request.headers.get("host")
    return origin == runtime.public_url or is_asked
