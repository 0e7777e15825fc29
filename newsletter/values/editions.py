"""An edition on its way to readers: as a theme sees it, rendered once, and addressed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from newsletter.values.articles import Picture


@dataclass(frozen=True, slots=True)
class Story:
    """An entry with everything a theme may print of it. Text is plain; `html` is a safe fragment."""

    title: str
    url: str
    summary: str = ""
    byline: str = ""
    kicker: str = ""
    picture: Picture | None = None
    duration: str = ""
    html: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    stories: tuple[Story, ...]


@dataclass(frozen=True, slots=True)
class SocialLink:
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class EditionView:
    """An edition with its seven slots filled or empty; the theme's only input beside the holes."""

    newsletter: str
    slug: str
    promise: str
    date: str
    schedule: str
    subject: str
    preheader: str
    language: str
    direction: str
    lead: Story | None  # nothing goes out without one, but a draft may still lack it
    sections: tuple[Section, ...]
    more_url: str
    home_url: str
    postal_address: str
    intro: str = ""
    video: Story | None = None
    note: Story | None = None
    sponsor: Story | None = None
    social: tuple[SocialLink, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """A section that a reader may have switched off: the literals from `first` to before `end`."""

    section: str
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Body:
    """A part of the mail, quoted-printable, cut at its holes: literal, hole, literal, …, literal.

    It is cut where a span begins and ends, too, and the hole there has no name.
    """

    literals: tuple[bytes, ...]
    holes: tuple[str, ...]
    spans: tuple[Span, ...] = ()

    @property
    def sections(self) -> frozenset[str]:
        """The names of the sections that a reader may have switched off."""
        return frozenset(span.section for span in self.spans)


@dataclass(frozen=True, slots=True)
class Rendition:
    """An edition rendered once. `hash` covers subject, both bodies and the theme's name; `words` are
    the texts that a search finds it by.
    """

    subject: str
    preheader: str
    theme: str
    html: Body
    text: Body
    hash: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What every copy's headers have in common; once per edition."""

    newsletter_id: int
    newsletter_slug: str
    newsletter_name: str
    edition_id: int
    edition_slug: str
    language: str
    from_name: str
    from_address: str
    reply_to: str
    return_path: str
    list_id: str
    help_url: str
    archived_at: str
    feedback_id: str
    date: datetime
