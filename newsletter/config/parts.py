"""The parts of the configuration, key by key, with their defaults.

What a single value may be stands in `kinds`; what keys must hold together, in `rules`.
`config.example.toml` explains each key to people, and a test holds it against these classes.
"""

from __future__ import annotations

from datetime import date, time
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from newsletter import logs
from newsletter.config.calendars import HolidayCode, holiday_on
from newsletter.config.domains import Domain, DomainOrNone, KeyFiles
from newsletter.config.kinds import (
    Address,
    AddressOrNone,
    Bind,
    Date,
    Host,
    HostOrNone,
    Hours,
    LaneName,
    Language,
    LanguageOrNone,
    Line,
    Minute,
    Moments,
    Paragraphs,
    Proxy,
    PublicUrl,
    Rate,
    RequiredParagraphs,
    ReturnPath,
    Seconds,
    Secret,
    Slug,
    ThemeName,
    WebUrl,
    WebUrlOrNone,
    Words,
    Zone,
    ZoneOrNone,
    is_loopback,
)


class Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, hide_input_in_errors=True
    )


Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
EVERY_DAY: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Database(Part):
    url: str = Field(default="sqlite:///newsletter.db", repr=False)  # may hold a password
    busy_timeout: Seconds = 30  # that a writer waits for another


class Web(Part):
    public_url: PublicUrl = ""
    bind: Bind = "127.0.0.1:8000"
    trusted_proxies: tuple[Proxy, ...] = ()


class Relay(Part):
    name: Slug
    host: Host
    port: int = Field(default=465, ge=1, le=65535)
    tls: Literal["implicit", "starttls", "opportunistic", "none"] = "implicit"
    user: Line = ""
    password: Secret = SecretStr("")
    password_file: Line = ""
    ca_file: Line = ""  # absolute once loaded
    helo: HostOrNone = ""
    connections: int = Field(default=10, ge=1, le=500)
    messages_per_connection: int = Field(default=500, ge=1)
    rate: Rate = 0.0  # mails a second, of all workers together
    priority: int = 1

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)


class Lane(Part):
    """What one receiving company's mail keeps to, whichever relay carries it; 0 is no limit of its own."""

    name: LaneName
    domains: tuple[Domain, ...] = ()
    rate: Rate = 0.0  # mails a second, of all workers together
    connections: int = Field(default=0, ge=0)  # of each process
    messages_per_connection: int = Field(default=0, ge=0)


class Sending(Part):
    engine: Literal["embedded", "procrastinate"] = "embedded"
    lead: Seconds = 120  # between freeze and due
    deadline: Seconds = Field(default=4 * 3600, ge=1)  # after a batch's due_at
    batch: int = Field(default=500, ge=1, le=500)
    window: int = Field(default=0, ge=0, le=500)  # 0: 50 on PostgreSQL, 100 on SQLite
    batches_at_once: int = Field(default=4, ge=1, le=64)
    # before attempt 2, 3, …; the last one repeats
    retry_after: tuple[Seconds, ...] = Field(default=(300, 900, 1800, 3600), min_length=1)
    breaker_refusals: int = Field(default=20, ge=1)  # among the first 200 answers
    breaker_in_a_row: int = Field(default=50, ge=1)
    in_doubt: Literal["list", "resend"] = "list"
    fail_over: Moments = Field(default=10.0, gt=0)  # without a connection, before the next relay takes over
    fail_back: Moments = Field(default=60.0, gt=0)  # that a better relay must be well before it comes back


class Dkim(Part):
    domain: DomainOrNone = ""  # empty: that of each newsletter's from_address
    keys: KeyFiles = {}  # by their selectors


class Letters(Part):
    from_name: Line = ""  # of letters that belong to no newsletter
    from_address: AddressOrNone = ""  # empty: the first newsletter's


class Retention(Part):
    letters: Seconds = Field(default=30 * 86_400, ge=86_400)  # after they were asked for


class Gathering(Part):
    allow_hosts: tuple[Words, ...] = ()
    contact: Line = ""
    every: Seconds = Field(default=300, ge=1)  # between two looks at a feed
    host_pause: Moments = Field(default=1.0, ge=0)  # between two requests to one host
    timeout: Moments = Field(default=20.0, gt=0)  # for one feed, all in
    max_bytes: int = Field(default=5_000_000, ge=1)
    max_items: int = Field(default=2_000, ge=1)


class Alerts(Part):
    command: tuple[Words, ...] = ()
    webhook: WebUrlOrNone = Field(default="", repr=False)  # some carry a token
    secret: Secret = SecretStr("")
    secret_file: Line = ""
    mail: tuple[Address, ...] = ()
    quiet_hours: Hours = ""
    timezone: ZoneOrNone = ""  # empty: the newsletter's

    @property
    def quiet(self) -> tuple[time, time] | None:
        """From and until when only the urgent is told, if at all."""
        if not self.quiet_hours:
            return None
        start, end = (time.fromisoformat(part.strip().zfill(5)) for part in self.quiet_hours.split("-"))
        return start, end


class Logging(Part):
    format: logs.Format = "console"
    level: logs.Level = "info"


class FeedSource(Part):
    name: Slug
    url: WebUrl
    language: LanguageOrNone = ""


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
    private_archive: bool = False
    selection: Selection = Selection()
    feeds: tuple[FeedUse, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def taken_out(self, day: date) -> str:
        """Why there is no edition on this date although its weekday has one; empty when there is."""
        if day in self.skip_dates:
            return "the editors took this date out"
        kept = ((code, holiday_on(day, code)) for code in self.holidays)
        return next((f"it is a holiday: {name} ({code})" for code, name in kept if name), "")


class Settings(Part):
    database: Database = Database()
    web: Web = Web()
    secret_key_file: Words = "secret.key"  # noqa: S105 - a file's name
    suppression_key_file: Words = "suppression.key"
    themes: Line = ""  # a folder of the operator's own themes
    sending: Sending = Sending()
    letters: Letters = Letters()
    retention: Retention = Retention()
    dkim: Dkim = Dkim()
    gathering: Gathering = Gathering()
    alerts: Alerts = Alerts()
    logging: Logging = Logging()
    relays: tuple[Relay, ...] = ()
    lanes: tuple[Lane, ...] = ()
    feeds: tuple[FeedSource, ...] = ()
    newsletters: tuple[NewsletterSettings, ...] = ()


def part_of(annotation: object) -> type[Part] | None:
    """The part that a field's type holds: itself, as items of a list, or perhaps."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    return next(filter(None, map(part_of, get_args(annotation))), None)
