"""What a handler may know of a request: the runtime, and the few text fields of a small form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, cast

from fastapi import Depends, HTTPException, Request
from python_multipart.exceptions import FormParserError

from newsletter.runtime import Runtime

FIELDS = 20


async def _runtime(request: Request) -> Runtime:
    """Not sync: each request would wait for a thread to be told what it knows already."""
    return cast(Runtime, request.app.state.runtime)


async def _fields(request: Request) -> Mapping[str, str]:
    """Urlencoded and multipart alike; files, a 21st field and what no text holds are refused with 400."""
    try:
        form = await request.form(max_files=0, max_fields=FIELDS)
    except FormParserError as error:
        raise HTTPException(400) from error
    fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    if any("\0" in value for value in fields.values()):
        raise HTTPException(400)  # PostgreSQL would take it for an error of ours
    return fields


OurRuntime = Annotated[Runtime, Depends(_runtime)]
FormFields = Annotated[Mapping[str, str], Depends(_fields)]
