"""A page of the desk and what it is made of.

A page is a template that includes its parts; each part is one element with an id. The same parts answer
our scripts when something was done (`X-Fragment`), and come over the stream while nobody does anything,
so that what a page shows has one source. Without scripts an act redirects to its page, which says it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from newsletter.models import Role
from newsletter.runtime import Runtime
from newsletter.services.signing_in import SignedIn
from newsletter.web.desk import cookies
from newsletter.web.desk.guard import OurVisit, Visit, signed_in
from newsletter.web.headers import DESK
from newsletter.web.pages import html
from newsletter.web.rights import Rights
from newsletter.web.words import clock

FLASH = "desk/parts/flash.html"
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class May:
    """What the person who looks may do, for templates to leave out what would be refused."""

    role: Role

    @property
    def publish(self) -> bool:
        return Rights.PUBLISHER.allows(self.role)

    @property
    def administer(self) -> bool:
        return Rights.ADMIN.allows(self.role)


@dataclass(frozen=True, slots=True)
class Page:
    """`name` is the page's word in the stream's address, `parts` the templates that change while it is
    open. `values(runtime, about, now)` gives what they show, and the `zone` of its times; `about` is
    newsletter/slug, or empty. `beside(runtime, values, now)` does what takes longer than a page may, while
    one is open, for the next look to show.
    """

    name: str
    template: str
    parts: tuple[str, ...]
    values: Callable[[Runtime, str, datetime], Values]
    beside: Callable[[Runtime, Values, datetime], None] | None = None

    def read(self, runtime: Runtime, about: str, role: Role, now: datetime) -> Reading:
        """Every part as somebody of this role sees it."""
        values = self.values(runtime, about, now)
        parts = tuple(html(part, may=May(role), at=now, about=about, **values) for part in self.parts)
        return Reading(clock(now, values["zone"]), parts, values)


@dataclass(frozen=True, slots=True)
class Reading:
    """The parts of a page, the moment of which their figures are, in words, and what they show."""

    moment: str
    parts: tuple[str, ...]
    values: Values


@dataclass(frozen=True, slots=True)
class Desk:
    """What a handler works with: who asks, and how it answers them."""

    visit: Visit
    person: SignedIn

    @property
    def runtime(self) -> Runtime:
        return self.visit.runtime

    @property
    def now(self) -> datetime:
        return self.runtime.clock.now()

    @property
    def who(self) -> str:
        """As history names them."""
        return self.person.name

    def show(self, page: Page, about: str = "", **more: object) -> Response:
        """The whole page, with what an act before it left to be said, and `more` that does not change."""
        now = self.now
        values = {**page.values(self.runtime, about, now), **more}
        return self.plain(page.template, page=page.name, about=about, at=now, **values)

    def plain(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """A page without live parts, unless `page` names them."""
        said = cookies.said(self.runtime, self.visit.request)
        values = {"page": "", "about": "", "at": self.now, "zone": "UTC", **values}
        text = html(
            template, me=self.person, may=May(self.person.role), said=said,
            token=cookies.form_token(self.runtime, self.visit.entrance), **values,
        )  # fmt: skip
        answer = HTMLResponse(text, status_code=status, headers=DESK)
        if said:
            cookies.unsay(self.runtime, answer)
        return answer

    def done(self, sentence: str, page: Page, about: str = "", *, back: str) -> Response:
        """After an act: the page's parts as they are now, and what was done in a sentence."""
        if not self.visit.is_fragment:
            return self.go(back, sentence)
        found = page.read(self.runtime, about, self.person.role, self.now)
        return HTMLResponse("\n".join([flash(sentence), *found.parts]), headers=DESK)

    def go(self, path: str, sentence: str = "") -> Response:
        """Send the browser to another of our pages, which then says the sentence."""
        answer = RedirectResponse(path, status_code=303, headers=DESK)
        if sentence:
            cookies.say_next(self.runtime, answer, sentence)
        return answer


def flash(sentence: str, *, next_step: str = "", tone: str = "ok", mine: str = "", theirs: str = "") -> str:
    """What an act came to, as the part that scripts put on top of the page and read out."""
    return html(FLASH, sentence=sentence, next_step=next_step, tone=tone, mine=mine, theirs=theirs)


def _desk(visit: OurVisit, person: Annotated[SignedIn, Depends(signed_in)]) -> Desk:
    return Desk(visit, person)


OurDesk = Annotated[Desk, Depends(_desk)]
