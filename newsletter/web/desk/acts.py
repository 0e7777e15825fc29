"""One act of an editor's hand: what its form names, the version that it saw, and what it came to in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fastapi import Response

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse
from newsletter.models import Slot
from newsletter.runtime import Runtime
from newsletter.services import gathering, shaping
from newsletter.services.shaping import Edited, Hand
from newsletter.web.desk.edition import Shaped
from newsletter.web.words import named

WITHDRAWN = " Its approval is withdrawn: it must be approved again."


def edition_of(ours: Shaped) -> tuple[Runtime, NewsletterSettings, str]:
    """What every service that shapes wants to know first."""
    return ours.desk.runtime, ours.newsletter, ours.slug


def act(
    ours: Shaped, fields: Mapping[str, str], v: int | None, said: str, do: Callable[[Hand], Edited]
) -> Response:
    """Do it by the hand that asks, and answer with what it `said` it was; `v` is the version of a button."""
    hand = Hand(ours.desk.who, version_seen(fields, v))

    def tell() -> str:
        edited = do(hand)
        told = _in_words(ours, fields, edited.told)
        return f"{said}: {told}.{WITHDRAWN if edited.withdrawn else ''}"

    return ours.or_both(tell, fields)


def _in_words(ours: Shaped, fields: Mapping[str, str], told: str) -> str:
    number = fields.get("article", "")
    if not number:
        return told
    return named(told, {int(number): gathering.show_article(ours.desk.runtime, number).article.title})


def pinned(ours: Shaped, number: int, fields: Mapping[str, str], hand: Hand) -> Edited:
    slot, section = place_in(fields)
    return shaping.pin(
        *edition_of(ours),
        number,
        ours.desk.now,
        hand,
        slot=slot,
        section=section,
        position=position_in(fields),
    )


def version_seen(fields: Mapping[str, str], v: int | None) -> int | None:
    """The version that was seen: of a form's own field, or of a button's address."""
    text = fields.get("version", "")
    return number_in(text, "version") if text else v


def article_in(fields: Mapping[str, str]) -> int:
    return number_in(fields.get("article", ""), "article")


def place_in(fields: Mapping[str, str]) -> tuple[Slot | None, str | None]:
    """`headlines/World`, `lead/`; nothing for wherever it belongs."""
    slot, slash, section = fields.get("to", "").partition("/")
    if not slash:
        return None, None
    if slot not in list(Slot):
        raise Misuse(f"There is no slot {slot[:20]!r}.", next_step="Choose a place of the list.")
    return Slot(slot), section if slot == Slot.HEADLINES else None


def position_in(fields: Mapping[str, str]) -> int | None:
    text = fields.get("place", "").strip()
    return max(number_in(text, "place"), 1) if text else None


def number_in(text: str, what: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Misuse(f"It is not said which {what}.", next_step="Load the page anew and choose one.")
    return int(text)
