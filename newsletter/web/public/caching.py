"""An open page is the same for everybody, so whoever has it already need not be sent it again."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated

from fastapi import Header, Response

IfNoneMatch = Annotated[str, Header()]


def unless_known(response: Response, known: str) -> Response:
    """The response with its entity tag; 304 without a body when `known` names that (RFC 9110 §13.1.2)."""
    tag = f'"{sha256(response.body).hexdigest()[:20]}"'
    response.headers["ETag"] = tag
    tags = {each.strip().removeprefix("W/") for each in known.split(",")}
    if tag not in tags and "*" not in tags:
        return response
    kept = {
        name: value
        for name, value in response.headers.items()
        if name not in ("content-length", "content-type")
    }
    return Response(status_code=304, headers=kept)
