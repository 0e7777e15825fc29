"""What the program says is said in every language that it speaks, and says the same there."""

from __future__ import annotations

import re
from datetime import date, time
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

import pytest

from newsletter.config import NewsletterSettings
from newsletter.languages import CATALOGUES, words_for
from newsletter.schedule import WEEK, describe
from tests import catalogues

FILES = sorted(CATALOGUES.glob("*.po"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_catalogue_holds_what_is_said_and_nothing_else(file: Path) -> None:
    assert file.read_bytes() == catalogues.renewed(file), "say make words, and translate what is new"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_sentence_is_translated_and_keeps_its_places(file: Path) -> None:
    catalogue = catalogues.read(file)
    sentences = [message for message in catalogue if message.id]
    assert len(sentences) > 20
    for message in sentences:
        said = message.id if isinstance(message.id, tuple) else (message.id,)
        told = message.string if isinstance(message.string, tuple) else (message.string,)
        assert len(told) == (catalogue.num_plurals if len(said) > 1 else 1) and all(told), said
        assert {places(form) for form in told} == {places(said[-1])}, said


def test_only_the_catalogue_of_a_language_is_asked() -> None:
    assert words_for("uk-UA").gettext("Unsubscribe") == "Відписатися"
    assert words_for("uk-UA").tag == "uk-UA" and words_for("en-GB").tag == "en-GB"
    for other in ("de", "x", "", "../uk"):
        assert words_for(other).tag == "en" and words_for(other).gettext("Unsubscribe") == "Unsubscribe"


@pytest.mark.parametrize(
    ("days", "at", "zone", "words"),
    [
        (WEEK, "09:00", "America/New_York", "Щодня, 9:00 (Нью-Йорк)"),
        (WEEK[:5], "09:30", "Europe/Kyiv", "У будні, 9:30 (Київ)"),
        (("sat", "sun"), "11:00", "UTC", "На вихідних, 11:00 (UTC)"),
        (("fri",), "00:00", "Europe/Berlin", "Щоп’ятниці, 0:00 (Берлін)"),
        (("mon", "wed", "fri"), "12:00", "Europe/Kyiv", "Щопонеділка, щосереди та щоп’ятниці, 12:00 (Київ)"),
    ],
)
def test_a_schedule_in_ukrainian(days: tuple[str, ...], at: str, zone: str, words: str) -> None:
    settings = NewsletterSettings(
        slug="news", name="Новини", from_address="a@news.example", postal_address="Київ", language="uk",
        timezone=zone, days=days, send_at=time.fromisoformat(at),
    )  # fmt: skip
    assert settings.zone == ZoneInfo(zone)
    assert describe(settings, date(2026, 2, 18), settings.language) == words


def places(sentence: str) -> frozenset[str]:
    """The names of what is put into a sentence, `{name}` in the code's and `%(name)s` in the pages'."""
    braces = {name for _, name, _, _ in Formatter().parse(sentence) if name}
    return frozenset(braces | set(re.findall(r"%\((\w+)\)[sd]", sentence)))
