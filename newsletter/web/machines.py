"""What machines ask: does the process live, can it serve, and our style sheets."""

from __future__ import annotations

from fastapi import HTTPException, Response
from fastapi.responses import PlainTextResponse

from newsletter.store.schema import require_current
from newsletter.web.assets import ASSETS, VERSION, asset_type
from newsletter.web.requests import OurRuntime
from newsletter.web.rights import Doors, Rights

doors = Doors()


@doors.get("/healthz", rights=Rights.ANYBODY)
async def healthz() -> Response:
    return PlainTextResponse("alive\n")


@doors.get("/readyz", rights=Rights.ANYBODY)
def readyz(runtime: OurRuntime) -> Response:
    """503 while the store does not answer, or is behind or ahead of this program."""
    require_current(runtime.database)
    return PlainTextResponse("ready\n")


@doors.get("/static/{version}/{name}", rights=Rights.ANYBODY)
async def asset(version: str, name: str) -> Response:
    if version != VERSION or name not in ASSETS:
        raise HTTPException(404)
    return Response(
        ASSETS[name],
        media_type=asset_type(name),
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )
