"""The settings: read once, checked once, explained when wrong.

`config.toml` is found by `--config`, `NEWSLETTER_CONFIG`, or in the working folder. Every value can
come from the environment instead (`NEWSLETTER_DATABASE__URL`); a secret can come from a file beside
it (`password_file`). `config.example.toml` explains every key; a test proves it complete.
"""

from newsletter.config.kinds import Slug, is_loopback
from newsletter.config.loading import Loaded, load_settings
from newsletter.config.newsletters import (
    EVERY_DAY,
    Day,
    FeedUse,
    NewsletterSettings,
    Selection,
    Social,
    Sponsor,
)
from newsletter.config.parts import (
    Alerts,
    Database,
    Dkim,
    FeedSource,
    Gathering,
    Lane,
    Logging,
    Part,
    Preflight,
    Relay,
    Sending,
    SignUp,
    Web,
)
from newsletter.config.settings import Settings

__all__ = [
    "EVERY_DAY",
    "Alerts",
    "Database",
    "Day",
    "Dkim",
    "FeedSource",
    "FeedUse",
    "Gathering",
    "Lane",
    "Loaded",
    "Logging",
    "NewsletterSettings",
    "Part",
    "Preflight",
    "Relay",
    "Selection",
    "Sending",
    "Settings",
    "SignUp",
    "Slug",
    "Social",
    "Sponsor",
    "Web",
    "is_loopback",
    "load_settings",
]
