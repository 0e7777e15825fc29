"""The parts of the configuration, key by key, with their defaults.

What a single value may be stands in `kinds`; what keys must hold together, in `rules`.
`config.example.toml` explains each key to people, and a test holds it against these classes.
"""

from __future__ import annotations

from datetime import time
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from newsletter import logs
from newsletter.config.domains import Domain, DomainOrNone, KeyFiles
from newsletter.config.kinds import (
    Address,
    AddressOrNone,
    Bind,
    Host,
    HostOrNone,
    Hours,
    LaneName,
    LanguageOrNone,
    Line,
    Moments,
    Proxy,
    PublicUrl,
    Rate,
    Seconds,
    Secret,
    Slug,
    WebUrl,
    WebUrlOrNone,
    Words,
    ZoneOrNone,
    is_loopback,
)


class Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, hide_input_in_errors=True
    )


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
    connections: int = Field(default=10, ge=1, le=500)  # of all workers together
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
    connections: int = Field(default=0, ge=0)  # of all workers together
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
    deliveries: Seconds = Field(default=90 * 86_400, ge=7 * 86_400)  # after the edition was due
    letters: Seconds = Field(default=30 * 86_400, ge=86_400)  # after they were asked for


class Gathering(Part):
    allow_hosts: tuple[Words, ...] = ()
    contact: Line = ""
    every: Seconds = Field(default=300, ge=1)  # between two looks at a feed
    host_pause: Moments = Field(default=1.0, ge=0)  # between two requests to one host
    timeout: Moments = Field(default=20.0, gt=0)  # for one feed, all in
    max_bytes: int = Field(default=5_000_000, ge=1)
    max_items: int = Field(default=2_000, ge=1)


class Preflight(Part):
    links: bool = True
    skip_hosts: tuple[Words, ...] = ()
    first_look: Seconds = 3600  # before the cut-off
    last_look: Seconds = 600
    timeout: Moments = Field(default=5.0, gt=0)  # for one address, all in
    round: Moments = Field(default=60.0, gt=0)  # for all of them
    at_once: int = Field(default=16, ge=1, le=64)
    per_host: int = Field(default=4, ge=1, le=64)
    max_addresses: int = Field(default=200, ge=1)  # in one round
    slow: Moments = Field(default=2.0, gt=0)
    largest_picture: int = Field(default=400_000, ge=1)  # bytes


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


class SignUp(Part):
    """Limits of the mails that anybody can make us send: confirmations, and links to one's own data."""

    per_address: int = Field(default=2, ge=1)  # to one mailbox in 24 hours
    pause: Seconds = 600  # between two to one mailbox
    per_domain: int = Field(default=200, ge=1)  # to one receiving domain in an hour
    per_network: int = Field(default=20, ge=1)  # for one /24 or /64 in an hour
    overall: int = Field(default=1_000, ge=1)  # in an hour; then the breaker
    expires: Seconds = Field(default=7 * 86_400, ge=60)  # of a confirmation that nobody uses
    refused_domains: tuple[Host, ...] = ()  # with all below them


class FeedSource(Part):
    name: Slug
    url: WebUrl
    language: LanguageOrNone = ""
