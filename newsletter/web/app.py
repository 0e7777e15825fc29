"""The web's front door, put together: routes with their rights, one border before all of them,
errors mapped to statuses once. What the framework would publish by itself is turned off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException

from newsletter import logs
from newsletter.errors import NewsletterError, Refused, WorldFailed
from newsletter.runtime import Runtime
from newsletter.web import machines
from newsletter.web.border import AccessLog, Border, Limits
from newsletter.web.desk import account, deciding, edition, entrance, live, sending, shaping, today
from newsletter.web.desk.errors import answer_error as answer_desk_error
from newsletter.web.desk.guard import SignInFirst
from newsletter.web.headers import SecurityHeaders
from newsletter.web.pages import error_page
from newsletter.web.public import feeds, joining, leaving, newsletters, preferences
from newsletter.web.public.leavers import Leavers
from newsletter.web.rights import require_rights

log = logs.get(__name__)

# Fewer than the store's connections, so that a page never waits for one while holding a thread
THREADS = 8
# A trace would carry paths, and paths hold readers' tokens
NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}


def create_app(runtime: Runtime, *, limits: Limits = Limits()) -> FastAPI:
    """Raises RuntimeError when a route does not declare its rights."""
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
        routes=[
            *machines.doors.routes,
            *feeds.doors.routes,
            *newsletters.doors.routes,
            *joining.doors.routes,
            *leaving.doors.routes,
            *preferences.doors.routes,
            *entrance.doors.routes,
            *account.doors.routes,
            *today.doors.routes,
            *sending.doors.routes,
            *edition.doors.routes,
            *shaping.doors.routes,
            *deciding.doors.routes,
            *live.doors.routes,
        ],
        telemetry=NO_TELEMETRY,
    )
    app.state.runtime = runtime
    app.state.leavers = Leavers(runtime)
    app.state.live = live.Broadcaster(runtime, (today.PAGE, sending.PAGE, edition.PAGE))
    for kind in (HTTPException, RequestValidationError, NewsletterError, SignInFirst):
        app.add_exception_handler(kind, _answer_error)
    public_url = runtime.public_url
    app.add_middleware(Border, public_url=public_url, limits=limits, language=runtime.language)
    app.add_middleware(SecurityHeaders, public_url=public_url)
    app.add_middleware(AccessLog)
    require_rights(app.routes)
    return app


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield


def _answer_error(request: Request, error: Exception) -> Response:
    """The sentence of an error of ours is for ops and goes to the log; a reader gets a page by status.
    Who is at the desk is told the sentence."""
    if request.scope["path"].partition("/desk")[:2] == ("", "/desk"):
        return answer_desk_error(request, error)
    language = request.app.state.runtime.language
    match error:
        case HTTPException():
            return error_page(error.status_code, error.headers, language)
        case RequestValidationError():
            return error_page(422, language=language)
        case WorldFailed():
            log.error("page_refused", error=type(error).__name__, why=error)
            return error_page(503, {"Retry-After": "60"}, language)
        case _:
            log.error("page_refused", error=type(error).__name__, why=error)
            return error_page(409 if isinstance(error, Refused) else 404, language=language)
