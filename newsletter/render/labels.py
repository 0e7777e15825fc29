"""The fixed words of a mail, by language; all else in it is the newsroom's own."""

from __future__ import annotations

from dataclasses import dataclass


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


ENGLISH = Labels(
    web="View in browser",
    unsubscribe="Unsubscribe",
    preferences="Your preferences",
    note="A note from the editor",
    read="Read the full story",
    video="Video of the day",
    watch="Watch the video",
    play_video="Play video: {title}",
    more="Show more news",
    follow="Follow us",
    sponsored="Sponsored",
    sponsored_by="Sponsored by {name}",
    visit_sponsor="Visit {name}",
    signed_up="You are receiving {newsletter} because you signed up with",
    anybody="your address.",
)

UKRAINIAN = Labels(
    web="Відкрити в браузері",
    unsubscribe="Відписатися",
    preferences="Ваші налаштування",
    note="Від редакції",
    read="Читати повністю",
    video="Відео дня",
    watch="Дивитися відео",
    play_video="Відтворити відео: {title}",
    more="Більше новин",
    follow="Ми в мережах",
    sponsored="Реклама",
    sponsored_by="Реклама · {name}",
    visit_sponsor="Перейти до {name}",
    signed_up="Ви отримуєте розсилку «{newsletter}», бо підписалися з адреси",
    anybody="вашої пошти.",
)

LABELS = {"en": ENGLISH, "uk": UKRAINIAN}


def labels_for(language: str) -> Labels:
    """The words for a language tag such as `uk` or `uk-UA`; English where we have none."""
    return LABELS.get(language.lower().partition("-")[0], ENGLISH)
