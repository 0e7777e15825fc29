"""The sample paper's letters: every kind, and every state of one that a theme will meet some day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from newsletter.models import LetterKind
from newsletter.render.sample import NEUTRAL, states
from newsletter.values import LetterView, Story

LINK = "https://gazette.example/letter/sample"


def letters() -> Mapping[str, LetterView]:
    """Every letter by what a person calls it."""
    editions = states()
    paper, arabic = editions["full"], editions["right to left"]
    confirm = LetterView(
        LetterKind.CONFIRM, "en", "ltr", newsletter=paper.newsletter, home_url=paper.home_url,
        postal_address=paper.postal_address, url=LINK, minutes=1440,
    )  # fmt: skip
    welcome = replace(
        confirm, kind=LetterKind.WELCOME, url="", minutes=0, lead=paper.lead, edition_url=NEUTRAL["web_url"],
        leave_url=NEUTRAL["unsubscribe_url"], preferences_url=NEUTRAL["preferences_url"],
    )  # fmt: skip
    change = replace(confirm, kind=LetterKind.ADDRESS_CHANGE, minutes=30)
    return {
        "letter: confirm": confirm,
        "letter: confirm, right to left": replace(
            confirm, language="ar", direction="rtl", newsletter=arabic.newsletter,
            postal_address=arabic.postal_address,
        ),
        "letter: welcome": welcome,
        "letter: welcome, no edition yet": replace(welcome, lead=None, edition_url=""),
        "letter: preferences": replace(confirm, kind=LetterKind.PREFERENCES, minutes=30),
        "letter: address change": change,
        "letter: address changed": replace(change, url="", minutes=0),
        "letter: goodbye": replace(confirm, kind=LetterKind.GOODBYE, minutes=0),
        "letter: sign in": LetterView(LetterKind.SIGN_IN, "en", "ltr", url=LINK, minutes=15),
        "letter: alert": _alert(paper.lead),
    }  # fmt: skip


def _alert(lead: Story | None) -> LetterView:
    return LetterView(
        LetterKind.ALERT, "en", "ltr", url=LINK, rehearsal=True,
        text="The draft of gazette/2026-02-18 is ready.",
        next_step="newsletter editions show gazette/2026-02-18", headlines=(lead.title,) if lead else (),
    )  # fmt: skip
