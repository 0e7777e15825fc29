"""The whole configuration, put together from its parts."""

from __future__ import annotations

from typing import get_args

from newsletter.config.kinds import Line, Words
from newsletter.config.newsletters import NewsletterSettings
from newsletter.config.parts import (
    Alerts,
    Database,
    Dkim,
    FeedSource,
    Gathering,
    Lane,
    Letters,
    Logging,
    Part,
    Preflight,
    Relay,
    Retention,
    Sending,
    SignUp,
    Web,
)


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
    preflight: Preflight = Preflight()
    alerts: Alerts = Alerts()
    logging: Logging = Logging()
    sign_up: SignUp = SignUp()
    relays: tuple[Relay, ...] = ()
    lanes: tuple[Lane, ...] = ()
    feeds: tuple[FeedSource, ...] = ()
    newsletters: tuple[NewsletterSettings, ...] = ()


def part_of(annotation: object) -> type[Part] | None:
    """The part that a field's type holds: itself, as items of a list, or perhaps."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    return next(filter(None, map(part_of, get_args(annotation))), None)
