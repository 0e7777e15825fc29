"""A newsletter's own parts of the configuration: when it comes, what stands in it, and how it looks."""

from __future__ import annotations

from datetime import date, time
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from newsletter.config.calendars import HolidayCode, holiday_on
from newsletter.config.kinds import (
    Address,
    AddressOrNone,
    Date,
    Language,
    Line,
    Minute,
    Paragraphs,
    RequiredParagraphs,
    ReturnPath,
    Seconds,
    Slug,
    ThemeName,
    WebUrl,
    WebUrlOrNone,
    Words,
    Zone,
)
from newsletter.config.parts import Part

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DayOrNone = Literal["", "mon", "tue", "wed", "thu", "fri", "sat", "sun"]
EVERY_DAY: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


Form = Literal["puzzle", "table", "round_up", "live", "gallery"]


class FeedUse(Part):
    use: Slug
    section: Line = ""
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    include: tuple[Words, ...] = ()
    exclude: tuple[Words, ...] = ()
    slot: Literal["story", "video"] = "story"
    own: bool = False


class Selection(Part):
    max_age: Seconds = Field(default=36 * 3600, ge=1)  # before the due instant
    sections: tuple[Words, ...] = ()  # their order; empty: by importance
    min_per_section: int = Field(default=2, ge=0)
    per_section: int = Field(default=5, ge=1)
    min_per_feed: int = Field(default=0, ge=0)
    max_per_feed: int = Field(default=0, ge=0)  # 0: no limit
    max_stories: int = Field(default=15, ge=1)
    max_sections: int = Field(default=6, ge=1)
    welcome: tuple[Form, ...] = ()


class Social(Part):
    name: Words
    url: WebUrl


class Sponsor(Part):
    """A standing sponsor: used on days for which the pool has none."""

    name: Words
    text: RequiredParagraphs
    url: WebUrl


class NewsletterSettings(Part):
    slug: Slug
    name: Words
    description: Paragraphs = ""
    from_name: Line = ""
    from_address: Address
    reply_to: AddressOrNone = ""
    return_path: ReturnPath = ""
    language: Language = "en"
    postal_address: RequiredParagraphs
    send_at: Minute = time(9, 0)
    timezone: Zone = "America/New_York"
    days: tuple[Day, ...] = Field(default=EVERY_DAY, min_length=1)
    skip_dates: tuple[Date, ...] = ()
    holidays: tuple[HolidayCode, ...] = ()
    weekly: DayOrNone = ""  # empty: there is none
    cutoff: Seconds = 30 * 60  # before due
    late_limit: Seconds = 2 * 3600  # after due
    delivery_time: Literal["publisher", "subscriber"] = "publisher"
    approval: Literal["none", "optional", "required"] = "none"
    min_articles: int = Field(default=3, ge=1)
    theme: ThemeName = "default"
    intro: Paragraphs = ""
    more_url: WebUrlOrNone = ""
    home_url: WebUrlOrNone = ""
    social: tuple[Social, ...] = ()
    sponsor: Sponsor | None = None
    proof: tuple[Address, ...] = ()
    noindex: bool = False
    sign_up: bool = True
    private_archive: bool = False
    selection: Selection = Selection()
    feeds: tuple[FeedUse, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def once_a_week(self) -> NewsletterSettings | None:
        """The newsletter with its weekly's day for its days, as a schedule has it; None without a weekly."""
        return self.model_copy(update={"days": (self.weekly,)}) if self.weekly else None

    def taken_out(self, day: date) -> str:
        """Why there is no edition on this date although its weekday has one; empty when there is."""
        if day in self.skip_dates:
            return "the editors took this date out"
        kept = ((code, holiday_on(day, code)) for code in self.holidays)
        return next((f"it is a holiday: {name} ({code})" for code, name in kept if name), "")
