"""The Edition page: what an edition is, before and after it goes, and everything that is read about it.

What it shows is one stored version; each act names the version that it saw. The mail itself lies at an
address of its own, in a sandbox, with links that lead nowhere that changes anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Response
from fastapi.responses import HTMLResponse

from newsletter.config import NewsletterSettings
from newsletter.errors import NewsletterError, Stale
from newsletter.runtime import Runtime
from newsletter.services import foreseeing, proofing, showing, status
from newsletter.services.previewing import Mail, Reader
from newsletter.services.showing import Open
from newsletter.web.desk.checks import checked
from newsletter.web.desk.guard import desk_doors
from newsletter.web.desk.pages import Desk, OurDesk, Page, Values
from newsletter.web.headers import DESK, preview_csp
from newsletter.web.pages import html
from newsletter.web.rights import Rights

doors = desk_doors()

PATH = "/desk/editions/{newsletter}/{slug}"
PREVIEW = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
_DARK = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)", re.IGNORECASE)
ALWAYS, NEVER = "(min-width: 0)", "(max-width: 0)"


# ── what it shows ───────────────────────────────────────────────────────────────────────────────


def _values(runtime: Runtime, about: str, now: datetime) -> Values:
    head, _, slug = about.partition("/")
    newsletter = runtime.newsletter(head)
    found = showing.lay_open(runtime, newsletter, slug, now)
    return {
        "found": found, "edition": found.edition, "newsletter": newsletter, "zone": newsletter.timezone,
        "path": f"/desk/editions/{about}", "checked": checked(runtime, newsletter, found.edition, now),
        "v": found.edition.version, "places": places(newsletter, found),
    }  # fmt: skip


def places(newsletter: NewsletterSettings, found: Open) -> list[tuple[str, str]]:
    """Where an entry can go: what a form says, and what people read."""
    sections = [group.section for group in found.groups if group.slot == "headlines"]
    sections += [feed.section for feed in newsletter.feeds if feed.section]
    named = [(f"headlines/{name}", name or "Headlines") for name in dict.fromkeys(sections)]
    return [("lead/", "Lead"), *named, ("video/", "Video"), ("note/", "Note"), ("sponsor/", "Sponsor")]


PAGE = Page(
    "edition",
    "desk/edition.html",
    tuple(f"desk/edition/{part}.html" for part in ("head", "inbox", "slots", "preflight", "aside", "past")),
    _values,
)


# ── whom a request is about ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Shaped:
    """An edition that somebody works on."""

    desk: Desk
    newsletter: NewsletterSettings
    slug: str

    @property
    def name(self) -> str:
        return f"{self.newsletter.slug}/{self.slug}"

    @property
    def path(self) -> str:
        return f"/desk/editions/{self.name}"

    def done(self, sentence: str) -> Response:
        return self.desk.done(sentence, PAGE, self.name, back=self.path)

    def form(self, name: str, template: str, version: int, **values: Any) -> Response:
        """A page about a form, or to our scripts the form alone, which they open in its row."""
        told = {"v": version, "name": self.name, "path": self.path, **values}
        if self.desk.visit.is_fragment:
            return HTMLResponse(html(f"desk/edition/{name}.html", in_its_row=True, **told), headers=DESK)
        return self.desk.plain(template, **told)

    def or_both(self, act: Callable[[], str], fields: Mapping[str, str]) -> Response:
        """Do what changes words or places, and say it; of two who changed the same, both texts are shown,
        what was posted is kept, and the second decides. Nothing is ever overwritten unasked."""
        try:
            return self.done(act())
        except Stale as stale:
            return self._both(stale, fields)

    def _both(self, stale: Stale, fields: Mapping[str, str]) -> Response:
        runtime, now, visit = self.desk.runtime, self.desk.now, self.desk.visit
        found = showing.lay_open(runtime, self.newsletter, self.slug, now)
        values = {
            "sentence": stale.sentence.partition(" Yours:")[0], "mine": stale.mine, "theirs": stale.theirs,
            "path": self.path, "action": visit.request.scope["path"], "v": found.edition.version,
            "fields": {name: text for name, text in fields.items() if name not in ("token", "version")},
        }  # fmt: skip
        if not visit.is_fragment:
            return self.desk.plain("desk/conflict.html", status=409, about=self.name, **values)
        parts = PAGE.read(runtime, self.name, self.desk.person.role, now).parts
        body = "\n".join([html("desk/edition/conflict.html", **values), *parts])
        return HTMLResponse(body, status_code=409, headers=DESK)


def _shaped(desk: OurDesk, newsletter: str, slug: str) -> Shaped:
    return Shaped(desk, *status.split_name(desk.runtime, f"{newsletter}/{slug}", desk.now))


OurEdition = Annotated[Shaped, Depends(_shaped)]


# ── pages ───────────────────────────────────────────────────────────────────────────────────────


@doors.get(PATH, rights=Rights.EDITOR)
def edition(ours: OurEdition, slug: str) -> Response:
    if slug == "today":
        return ours.desk.go(ours.path)
    allowed = proofing.allowed(ours.desk.runtime, ours.newsletter)
    return ours.desk.show(PAGE, ours.name, proofs=allowed, listed=len(ours.newsletter.proof))


@doors.get(f"{PATH}/entry", rights=Rights.EDITOR)
def entry(ours: OurEdition, article: int = 0) -> Response:
    """One story: its words, its picture, and its place for those who cannot drag. Our scripts take the form
    of its words, to open it in its row."""
    found = showing.lay_open(ours.desk.runtime, ours.newsletter, ours.slug, ours.desk.now)
    placed = {
        row.article.id: (row, f"{group.slot}/{group.section}") for group in found.groups for row in group.rows
    }
    if article not in placed or not found.may_edit:
        raise HTTPException(404)
    row, to = placed[article]
    return ours.form(
        "words", "desk/entry.html", found.edition.version,
        n=article, row=row, to=to, places=places(ours.newsletter, found),
    )  # fmt: skip


@doors.get(f"{PATH}/waive", rights=Rights.EDITOR)
def waive(ours: OurEdition, code: str = "", article: int = 0) -> Response:
    """The form that lets a warning stand, as `entry` has that of words."""
    runtime, now = ours.desk.runtime, ours.desk.now
    found = showing.lay_open(runtime, ours.newsletter, ours.slug, now)
    findings = [
        each
        for each in checked(runtime, ours.newsletter, found.edition, now).preflight.findings
        if each.code == code and (each.article_id or 0) == article and each.severity != "blocker"
    ]
    if not findings or not found.may_edit:
        raise HTTPException(404)
    return ours.form(
        "waiving", "desk/waive.html", found.edition.version,
        code=code, article=article, findings=findings, titles=found.titles,
    )  # fmt: skip


@doors.get(f"{PATH}/preview", rights=Rights.EDITOR)
def preview(
    ours: OurEdition, to: str = "typical", reader: str = "", scheme: str = "light", part: str = "html"
) -> Response:
    """The mail as a reader would get it. `to` is typical, shortest, longest, or with `reader` somebody who
    is one; its links are powerless. `scheme` is dark as clients show it that honour dark styles."""
    csp = {"Content-Security-Policy": preview_csp(ours.desk.runtime.public_url)} | PREVIEW
    wanted = reader.strip() if to == "reader" else Reader(to) if to in list(Reader) else Reader.TYPICAL
    try:
        found = foreseeing.mail(ours.desk.runtime, ours.newsletter, ours.slug, wanted)
    except NewsletterError as error:
        text = html("desk/no_preview.html", error=error)
        return HTMLResponse(text, headers=csp)
    if part == "text":
        return HTMLResponse(html("desk/as_text.html", text=found.text), headers=csp)
    return HTMLResponse(_framed(found, is_dark=scheme == "dark"), headers=csp)


def _framed(found: Mail, *, is_dark: bool) -> str:
    """A frame follows the scheme of its editor's machine, so the server decides it; links open beside the
    desk and never in it."""
    page = _DARK.sub(ALWAYS if is_dark else NEVER, found.html)
    head, opening, rest = page.partition("<head>")
    return f'{head}{opening}<base target="_blank">{rest}' if opening else page


@doors.get(f"{PATH}/compare", rights=Rights.EDITOR)
def compare(ours: OurEdition, against: str = "yesterday") -> Response:
    if against not in ("yesterday", "approved"):
        raise HTTPException(404)
    trouble = ""
    lines: tuple[str, ...] = ()
    try:
        lines, _ = foreseeing.compare(ours.desk.runtime, ours.newsletter, ours.slug, against)
    except NewsletterError as error:
        trouble = error.sentence
    return ours.desk.plain(
        "desk/compare.html", lines=lines, trouble=trouble, against=against, name=ours.name, path=ours.path
    )


@doors.get(f"{PATH}/out", rights=Rights.EDITOR)
def out(ours: OurEdition, q: str = "") -> Response:
    """Why each article that is not in the edition is out."""
    found, in_all = showing.whatever_is_out(ours.desk.runtime, ours.newsletter, ours.slug, q[:200])
    open_one = showing.lay_open(ours.desk.runtime, ours.newsletter, ours.slug, ours.desk.now)
    return ours.desk.plain(
        "desk/out.html", left=found, in_all=in_all, q=q[:200], name=ours.name, path=ours.path,
        zone=ours.newsletter.timezone, v=open_one.edition.version, may_edit=open_one.may_edit,
    )  # fmt: skip


@doors.get(f"{PATH}/history", rights=Rights.EDITOR)
def history(ours: OurEdition) -> Response:
    told = showing.story(ours.desk.runtime, ours.newsletter, ours.slug)
    return ours.desk.plain(
        "desk/history.html", acts=told.acts, titles=told.titles, name=ours.name, path=ours.path,
        zone=ours.newsletter.timezone, v=told.edition.version,
        may_edit=told.edition.state not in showing.UNTOUCHABLE,
    )  # fmt: skip
