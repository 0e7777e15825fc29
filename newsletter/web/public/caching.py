"""An open page is the same for everybody, so whoever has it already need not be sent it again.

A sign-up box has a token of its own on every copy. Copies that differ in nothing else are as good as each
other for an hour, long before the token has grown too old.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Annotated

from fastapi import Header, Response

from newsletter.web.public.box import Box

IfNoneMatch = Annotated[str, Header()]


def unless_known(response: Response, known: str) -> Response:
    """The response with its entity tag; 304 without a body when `known` names that (RFC 9110 §13.1.2)."""
    return _unless_known(response, known, _tag(bytes(response.body)), kind="")


def unless_as_good(response: Response, known: str, box: Box, now: datetime) -> Response:
    """The same for a page with a sign-up box; its tag is weak (RFC 9110 §8.8.1)."""
    hour = f"{now:%Y-%m-%dT%H}"
    body = bytes(response.body).replace(box.form.encode(), hour.encode())
    return _unless_known(response, known, _tag(body), kind="W/")


def _tag(body: bytes) -> str:
    return f'"{sha256(body).hexdigest()[:20]}"'


def _unless_known(response: Response, known: str, tag: str, *, kind: str) -> Response:
    response.headers["ETag"] = kind + tag
    tags = {each.strip().removeprefix("W/") for each in known.split(",")}
    if tag not in tags and "*" not in tags:
        return response
    kept = {
        name: value
        for name, value in response.headers.items()
        if name not in ("content-length", "content-type")
    }
    return Response(status_code=304, headers=kept)
