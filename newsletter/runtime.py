"""What every service needs, built once by a front door and passed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsletter.clock import Clock
from newsletter.config import Gathering, Loaded, NewsletterSettings, Settings, is_loopback
from newsletter.errors import Misuse
from newsletter.languages import SOURCE
from newsletter.mail.dkim import Signing
from newsletter.mail.links import AddressKey, Keys, Links
from newsletter.mail.signing_keys import load_key
from newsletter.store.database import Database

if TYPE_CHECKING:
    from newsletter.delivery.dispatcher import Dispatcher


@dataclass(frozen=True)
class Runtime:
    """`home` is the folder of the configuration: relative paths in it start there."""

    settings: Settings
    home: Path
    clock: Clock
    database: Database

    @cached_property
    def keys(self) -> Keys:
        return Keys.load(self._path(self.settings.secret_key_file))

    @cached_property
    def links(self) -> Links:
        return Links(self.public_url, self.keys)

    @cached_property
    def address_key(self) -> AddressKey:
        return AddressKey.load(self._path(self.settings.suppression_key_file))

    @cached_property
    def signing(self) -> Signing:
        """Who signs our mail. Raises Misuse when a key that is configured is not there: no mail goes
        out unsigned then."""
        dkim = self.settings.dkim
        if dkim.domain and not dkim.keys:
            raise Misuse("[dkim] names a domain and no key to sign with.", next_step="newsletter dkim new")
        keys = (load_key(selector, self._path(file)) for selector, file in dkim.keys.items())
        return Signing(tuple(keys), dkim.domain)

    @cached_property
    def dispatcher(self) -> Dispatcher:
        """Who hands out batches; loaded for those who freeze or deliver. Raises Misuse when it is not
        installed."""
        at_once = self.settings.sending.batches_at_once
        if self.settings.sending.engine == "embedded":
            from newsletter.delivery.embedded import EmbeddedDispatcher

            return EmbeddedDispatcher(self.database, self.clock, batches_at_once=at_once)
        try:
            from newsletter.delivery.jobs import ProcrastinateDispatcher
        except ModuleNotFoundError as error:
            raise Misuse(
                '[sending] engine is "procrastinate", and that is not installed.',
                next_step="pip install 'newsletter[postgres]'",
            ) from error
        return ProcrastinateDispatcher(self.database, self.clock, batches_at_once=at_once)

    @property
    def has_workers(self) -> bool:
        """Whether `newsletter worker`s deliver, on any number of machines, instead of one process."""
        return self.settings.sending.engine == "procrastinate"

    @property
    def themes(self) -> Path | None:
        """The operator's own themes, or None when there are only the shipped ones."""
        return self._path(self.settings.themes) if self.settings.themes else None

    @property
    def public_url(self) -> str:
        """Where links lead. Without a setting only relays on this machine are used, and links stay here."""
        return self.settings.web.public_url or f"http://{self.settings.web.bind}"

    @cached_property
    def plain_hosts(self) -> frozenset[str]:
        """Hosts that pictures may come from without https: ours while it is a rehearsal on loopback,
        and those that the operator allows gathering from."""
        own = urlsplit(self.public_url).hostname or ""
        allowed = {host.lower().strip("[]") for host in self.settings.gathering.allow_hosts}
        return frozenset(allowed | ({own} if is_loopback(own) else set()))

    @property
    def asking(self) -> Gathering:
        """How foreign servers are asked; whoever is bothered by it finds the publisher."""
        settings = self.settings.gathering
        return settings.model_copy(update={"contact": settings.contact or self.settings.web.public_url})

    @cached_property
    def lane_of_domain(self) -> Mapping[str, str]:
        """Domains that the operator has put into a lane, beside the shipped table."""
        return {domain: lane.name for lane in self.settings.lanes for domain in lane.domains}

    @cached_property
    def newsletters(self) -> Mapping[str, NewsletterSettings]:
        return {newsletter.slug: newsletter for newsletter in self.settings.newsletters}

    @property
    def language(self) -> str:
        """That of pages which are no newsletter's own: what all newsletters speak, or else English."""
        spoken = {newsletter.language for newsletter in self.settings.newsletters}
        return spoken.pop() if len(spoken) == 1 else SOURCE

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
