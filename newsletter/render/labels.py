"""The fixed words of a mail in its newsletter's language; all else in it is the newsroom's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from newsletter.languages import words_for


@dataclass(frozen=True, slots=True)
class Labels:
    """`{…}` stands for what the methods of the same name put there."""

    web: str
    unsubscribe: str
    preferences: str
    note: str
    read: str
    video: str
    watch: str
    play_video: str
    more: str
    follow: str
    sponsored: str
    sponsored_by: str
    visit_sponsor: str
    signed_up: str
    anybody: str  # stands for the address, where a page is nobody's own

    def play(self, title: str) -> str:
        """The alternative text of a video's poster."""
        return self.play_video.format(title=title)

    def sponsor(self, name: str) -> str:
        return self.sponsored_by.format(name=name) if name else self.sponsored

    def visit(self, name: str) -> str:
        return self.visit_sponsor.format(name=name)

    def why(self, newsletter: str) -> str:
        """Why this mail came; the reader's address follows."""
        return self.signed_up.format(newsletter=newsletter)


@cache
def labels_for(language: str) -> Labels:
    """The words for a language tag such as `uk` or `uk-UA`; English where we have none."""
    words = words_for(language)
    return Labels(
        web=words.gettext("View in browser"),
        unsubscribe=words.gettext("Unsubscribe"),
        preferences=words.gettext("Your preferences"),
        note=words.gettext("A note from the editor"),
        read=words.gettext("Read the full story"),
        video=words.gettext("Video of the day"),
        watch=words.gettext("Watch the video"),
        play_video=words.gettext("Play video: {title}"),
        more=words.gettext("Show more news"),
        follow=words.gettext("Follow us"),
        sponsored=words.gettext("Sponsored"),
        sponsored_by=words.gettext("Sponsored by {name}"),
        visit_sponsor=words.gettext("Visit {name}"),
        signed_up=words.gettext("You are receiving {newsletter} because you signed up with"),
        anybody=words.gettext("your address."),
    )
