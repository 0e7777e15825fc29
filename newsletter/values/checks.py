"""What preflight finds in an edition, and what was seen of the addresses that it links to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from newsletter.models import LinkVerdict


class Severity(StrEnum):
    """A blocker keeps an edition from going out, under every policy; a warning waits for nobody."""

    BLOCKER = "blocker"
    WARNING = "warning"


class Check(StrEnum):
    """What is checked, by the code under which a finding is known to people and machines alike."""

    STATE = "state"
    TOO_FEW = "too-few"
    NO_LEAD = "no-lead"
    TEMPLATE = "template"
    MARKUP = "markup"
    NO_UNSUBSCRIBE = "no-unsubscribe"
    NO_POSTAL_ADDRESS = "no-postal-address"
    TOO_LARGE = "too-large"
    NO_KEY = "no-key"
    DEAD_LINK = "dead-link"
    HIDDEN = "hidden"
    LARGE = "large"
    LONG_SUBJECT = "long-subject"
    LONG_HEADLINE = "long-headline"
    LEAD_PICTURE = "lead-picture"
    NO_ALT = "no-alt"
    RAN_BEFORE = "ran-before"
    SAME_HEADLINE = "same-headline"
    SAME_PICTURE = "same-picture"
    FAILING_LINK = "failing-link"
    REDIRECTING_LINK = "redirecting-link"
    SLOW_LINK = "slow-link"
    BROKEN_PICTURE = "broken-picture"
    LARGE_PICTURE = "large-picture"
    AUDIENCE = "audience"
    FEWER = "fewer"
    SILENT_FEED = "silent-feed"
    CONTRAST = "contrast"
    SOURCE_CHANGED = "source-changed"


@dataclass(frozen=True, slots=True)
class Waiver:
    """That somebody has seen a warning and lets it stand; `version` is the edition's as they saw it.

    `article_id` is the entry that the warning is about, None for the whole edition.
    """

    code: Check
    article_id: int | None
    who: str
    at: datetime
    why: str
    version: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found: a sentence, and the command or act that mends it.

    `article_id` is the entry that it is about, None for the whole; `place` where it stands: a slot, a part
    of the mail, a theme's file and line, a feed. `waiver` is there when somebody lets it stand.
    """

    code: Check
    severity: Severity
    sentence: str
    mend: str
    article_id: int | None = None
    place: str = ""
    waiver: Waiver | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What an address answered when it was last looked at.

    `status` is that of HTTP, 0 when none came; `ms` how long it took until then. `bytes` were counted of
    a picture, at most a little more than may be. `final_url` is where redirects led; `trouble` says in a
    sentence what went wrong. `fails` is how often in a row the address was found gone.
    """

    address: str
    at: datetime
    verdict: LinkVerdict
    status: int = 0
    ms: int = 0
    bytes: int = 0
    content_type: str = ""
    final_url: str = ""
    trouble: str = ""
    fails: int = 0

    @property
    def is_gone(self) -> bool:
        """One look may catch a server on the wrong foot; two tell that the page is no more."""
        return self.verdict is LinkVerdict.GONE and self.fails > 1
