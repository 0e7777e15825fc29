"""What every service needs, built once by a front door and passed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from newsletter.clock import Clock
from newsletter.config import Loaded, NewsletterSettings, Settings
from newsletter.errors import Misuse
from newsletter.mail.hosts import is_loopback
from newsletter.mail.links import AddressKey, Keys, Links
from newsletter.store.database import Database


@dataclass(frozen=True)
class Runtime:
    """`home` is the folder of the configuration: relative paths in it start there."""

    settings: Settings
    home: Path
    clock: Clock
    database: Database

    @cached_property
    def links(self) -> Links:
        return Links(self.settings.web.public_url, Keys.load(self._path(self.settings.secret_key_file)))

    @cached_property
    def address_key(self) -> AddressKey:
        return AddressKey.load(self._path(self.settings.suppression_key_file))

    @property
    def themes(self) -> Path | None:
        """The operator's own themes, or None when there are only the shipped ones."""
        return self._path(self.settings.themes) if self.settings.themes else None

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """Origins that a mail may name without https: our own, while it is a rehearsal on loopback."""
        parts = urlsplit(self.settings.web.public_url)
        return (f"{parts.scheme}://{parts.netloc}",) if is_loopback(parts.hostname or "") else ()

    @cached_property
    def newsletters(self) -> Mapping[str, NewsletterSettings]:
        return {newsletter.slug: newsletter for newsletter in self.settings.newsletters}

    def newsletter(self, slug: str) -> NewsletterSettings:
        """Raises Misuse for a slug that the configuration does not have."""
        try:
            return self.newsletters[slug]
        except KeyError:
            known = ", ".join(self.newsletters) or "none yet"
            raise Misuse(
                f"There is no newsletter {slug!r}; the configuration has: {known}.",
                next_step="add a [[newsletters]] part to the configuration, or correct the name",
            ) from None

    def _path(self, name: str) -> Path:
        return self.home / name


def open_runtime(loaded: Loaded, clock: Clock) -> Runtime:
    """Connects nothing yet: the first use of the database does."""
    database = Database(
        _absolute(loaded.settings.database.url, loaded.home),
        busy_timeout=loaded.settings.database.busy_timeout,
    )
    return Runtime(settings=loaded.settings, home=loaded.home, clock=clock, database=database)


def _absolute(url: str, home: Path) -> str:
    """A relative SQLite file lies beside the configuration, wherever the command was given."""
    prefix = "sqlite:///"
    if not url.startswith(prefix) or url.removeprefix(prefix).startswith(("/", ":memory:")):
        return url
    return f"{prefix}{home.absolute() / url.removeprefix(prefix)}"
