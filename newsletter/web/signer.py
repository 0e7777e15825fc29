"""Whose browser signs up: its network, and a cookie by which it is known again on its way from the mail."""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Request, Response

from newsletter.runtime import Runtime
from newsletter.services.asking import Browser
from newsletter.web.caller import network

COOKIE = "sign-up"
COOKIE_LIFE = 3600  # seconds
_COOKIE_BYTES = 32


def _browser(request: Request) -> Browser:
    runtime: Runtime = request.app.state.runtime
    cookie = request.cookies.get(COOKIE, "")
    return Browser(network(request, runtime.settings.web.trusted_proxies), _hash(cookie) if cookie else "")


def new_cookie() -> tuple[str, str]:
    """A cookie, and the hash by which it is known again."""
    cookie = secrets.token_urlsafe(_COOKIE_BYTES)
    return cookie, _hash(cookie)


def give_cookie(response: Response, cookie: str, *, is_https: bool) -> None:
    """It comes back on a click in a mail, to the confirmation alone; it says nothing and opens nothing."""
    response.set_cookie(
        COOKIE, cookie, max_age=COOKIE_LIFE, path="/confirm", httponly=True, samesite="lax", secure=is_https
    )


def _hash(cookie: str) -> str:
    return sha256(cookie.encode()).hexdigest()


OurBrowser = Annotated[Browser, Depends(_browser)]
