"""What went wrong at the desk, told once: as a page, or as the part that our scripts show.

An error says what was not done and what to do next; of two who changed the same thing it shows both
texts. Words of ours only: whatever of a request stands in them is escaped like all foreign text.
"""

from __future__ import annotations

from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from newsletter.errors import Misuse, NewsletterError, Refused, Stale, TooOften, WorldFailed
from newsletter.languages import SOURCE, words_for
from newsletter.web.desk.guard import SignInFirst
from newsletter.web.desk.pages import flash
from newsletter.web.headers import DESK
from newsletter.web.pages import errors_in, html

ERRORS = errors_in(words_for(SOURCE))
FORBIDDEN = ("This is not for you to do", "Your role does not have it, or the page was open for too long.")


def answer_error(request: Request, error: Exception) -> Response:
    is_fragment = request.headers.get("x-fragment") == "1"
    if isinstance(error, SignInFirst):
        return _to_the_entrance(error, is_fragment=is_fragment)
    changes = request.method == "POST"
    status, title, words = _told(error, changes=changes)
    stale = (
        {"mine": error.mine, "theirs": error.theirs}
        if isinstance(error, Stale)
        else {"mine": "", "theirs": ""}
    )
    if is_fragment:
        body = flash(title, next_step=words, tone="stop", **stale)
    else:
        # Acts are posted one step below the page that they belong to
        back = request.scope["path"].rpartition("/")[0] if changes else "/desk"
        body = html("desk/error.html", title=title, words=words, back=back, **stale)
    headers = DESK | {"Retry-After": "60"} if status in (429, 503) else DESK
    return HTMLResponse(body, status_code=status, headers=headers)


def _told(error: Exception, *, changes: bool) -> tuple[int, str, str]:
    """Status, and what to say in a sentence with one next step."""
    match error:
        case HTTPException(status_code=403):
            return (403, *FORBIDDEN)
        case HTTPException(status_code=status):
            return (status, *ERRORS.get(status, ERRORS[400]))
        case TooOften():
            return 429, error.sentence, error.next_step
        case Refused():
            return 409, error.sentence, error.next_step
        case Misuse():
            return 422 if changes else 404, error.sentence, error.next_step
        case WorldFailed():
            return 503, error.sentence, error.next_step
        case NewsletterError():
            return 409, error.sentence, error.next_step
        case _:
            return (422, *ERRORS[422])


def _to_the_entrance(error: SignInFirst, *, is_fragment: bool) -> Response:
    """Scripts are told to load the page anew; it is a page's own matter to go and sign in."""
    if is_fragment:
        return HTMLResponse(flash("You have been signed out.", tone="stop"), status_code=401, headers=DESK)
    where = f"?next={quote(error.path)}" if error.path not in ("", "/desk") else ""
    return RedirectResponse(f"/desk/sign-in{where}", status_code=303, headers=DESK)
