"""What tests need beside the states of the sample paper: its parts by name, Cyrillic, and many stories."""

from __future__ import annotations

from dataclasses import replace

from newsletter.render.sample import states
from newsletter.values import EditionView, Picture, Section, Story

STATES = states()
FULL = STATES["full"]
SHORTEST = STATES["shortest"]


def _there(story: Story | None) -> Story:
    assert story is not None
    return story


LEAD, VIDEO, SPONSOR = _there(FULL.lead), _there(FULL.video), _there(FULL.sponsor)
TOWN = FULL.sections[0]
# A Cyrillic edition with labels of its own
UKRAINIAN = replace(
    FULL,
    newsletter="Портовий вісник",
    promise="Місто й море за п’ять хвилин",
    date="середа, 18 лютого 2026 року",
    schedule="Щодня о 9:00",
    subject="Нічний пором знову ходить",
    preheader="А ще: оселедець повернувся, міст закрито до п’ятниці",
    language="uk",
    lead=replace(LEAD, title="Нічний пором знову ходить — уперше за одинадцять зим"),
    sections=(Section("Місто", (replace(TOWN.stories[0], title="Міст закрито на ремонт до п’ятниці"),)),),
    postal_address="Портовий вісник, вул. Митна, 4, Порт-Еллері",
    note=None,
    sponsor=None,
)


def many(stories: int) -> EditionView:
    """A lead and `stories` more, five to a section, all with picture, byline and a long address."""
    words = "?utm_source=newsletter&utm_medium=mail"
    made = [
        Story(
            title=f"Number {i}: a headline of the usual length, with a verb and a place in it",
            url=f"https://gazette.example/2026/02/18/a-story-with-a-long-address-number-{i}{words}",
            summary="A summary of two sentences as feeds have them: it says who, what, where, but not why.",
            byline="Ines Halloran and Tom Adeyemi",
            picture=Picture(
                f"https://pictures.gazette.example/a-picture-with-a-long-name-{i}.jpg",
                1600,
                1067,
                "A harbour",
            ),
        )
        for i in range(stories)
    ]
    fives = [tuple(made[start : start + 5]) for start in range(0, stories, 5)]
    return replace(FULL, sections=tuple(Section(f"Section {n}", five) for n, five in enumerate(fives, 1)))
