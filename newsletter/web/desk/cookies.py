"""The desk's two cookies: who somebody is, and what the page before wants to have said on the next.

Before anybody has signed in the first holds a random value of no meaning, to which the sign-in form is
tied; signing in always makes a new one. Scripts read neither.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from secrets import token_urlsafe

from starlette.requests import Request
from starlette.responses import Response

from newsletter.mail.links import Purpose
from newsletter.runtime import Runtime

PRE_SESSION = 15 * 60  # seconds
LONGEST = 14 * 24 * 3600  # seconds; the store ends a session earlier
LONGEST_FLASH = 600  # characters


def entrance(runtime: Runtime, request: Request) -> str:
    """What the first cookie holds; empty without one."""
    return request.cookies.get(_name(runtime, "desk"), "")[:100]


def pre_session(entrance_value: str) -> str:
    """What ties a sign-in form to its browser: the value that it has already, or a new one."""
    return entrance_value or token_urlsafe(32)


def keep_pre_session(runtime: Runtime, response: Response, value: str) -> None:
    _set(runtime, response, "desk", value, PRE_SESSION)


def keep_session(runtime: Runtime, response: Response, token: str) -> None:
    _set(runtime, response, "desk", token, LONGEST)


def forget(runtime: Runtime, response: Response) -> None:
    _set(runtime, response, "desk", "", 0)


def form_token(runtime: Runtime, entrance_value: str) -> str:
    """What a form must bring along from the page that this very cookie was shown."""
    return runtime.keys.digest(Purpose.DESK, f"form {entrance_value}".encode())


def is_form_token(runtime: Runtime, entrance_value: str, token: str) -> bool:
    made = form_token(runtime, entrance_value)
    return bool(entrance_value) and hmac.compare_digest(made.encode(), token.encode())


def say_next(runtime: Runtime, response: Response, sentence: str) -> None:
    """Leave a sentence for the page that the browser is sent to."""
    text = base64.urlsafe_b64encode(sentence[:LONGEST_FLASH].encode()).decode()
    _set(runtime, response, "desk-said", f"{text}.{_seal(runtime, text)}", 60)


def said(runtime: Runtime, request: Request) -> str:
    """The sentence that was left, if it is ours."""
    text, _, seal = request.cookies.get(_name(runtime, "desk-said"), "").partition(".")
    if not text or not hmac.compare_digest(_seal(runtime, text).encode(), seal.encode()):
        return ""
    try:
        return base64.urlsafe_b64decode(text).decode()
    except (binascii.Error, ValueError):
        return ""


def unsay(runtime: Runtime, response: Response) -> None:
    _set(runtime, response, "desk-said", "", 0)


def _seal(runtime: Runtime, text: str) -> str:
    return runtime.keys.digest(Purpose.DESK, f"said {text}".encode())


def _set(runtime: Runtime, response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        _name(runtime, name), value, max_age=seconds, httponly=True, samesite="lax", path="/",
        secure=_is_https(runtime),
    )  # fmt: skip


def _name(runtime: Runtime, name: str) -> str:
    """With `__Host-` no sister site can set it for us; browsers take that over https alone."""
    return f"__Host-{name}" if _is_https(runtime) else name


def _is_https(runtime: Runtime) -> bool:
    return runtime.public_url.startswith("https:")
