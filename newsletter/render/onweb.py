"""A rendition as a page of the web: what search engines and other sites are told in its head, and the
notices of what was corrected since. Pure; the mail's own bytes stay as they were sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from babel import Locale
from babel.dates import format_date, format_time
from markupsafe import Markup, escape

from newsletter.config import NewsletterSettings
from newsletter.languages import words_for

_HEAD_ENDS = re.compile(r"</head>", re.IGNORECASE)
_BODY_BEGINS = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
# Within a page's style, which its policy allows; ink on paper by day and by night
_NOTICE = Markup(
    '<div role="note" lang="{language}" style="width:calc(100% - 32px);max-width:600px;margin:16px auto;'
    "padding:12px 20px;box-sizing:border-box;border:1px solid #7a4b00;border-radius:6px;"
    'background:#fff3d6;color:#1b1b1a;font:16px/24px Georgia,serif">{corrections}</div>'
)
_CORRECTION = Markup('<p style="margin:4px 0"><strong>{title}</strong> {what}</p>')


@dataclass(frozen=True, slots=True)
class OnWeb:
    """What is said of an edition beside its rendition. `corrections` are instant and words, newest first."""

    address: str
    newsletter_address: str
    title: str
    summary: str
    began_at: datetime
    picture_url: str = ""
    corrections: tuple[tuple[datetime, str], ...] = ()


def page_of(html: str, newsletter: NewsletterSettings, about: OnWeb) -> str:
    """The page: `html` with a head for machines and, above all else, what was corrected."""
    html = _HEAD_ENDS.sub(lambda end: _head(newsletter, about) + end[0], html, count=1)
    if not about.corrections:
        return html
    return _BODY_BEGINS.sub(lambda begin: begin[0] + _notice(newsletter, about.corrections), html, count=1)


def _head(newsletter: NewsletterSettings, about: OnWeb) -> str:
    meta = {
        "og:type": "article", "og:title": about.title, "og:description": about.summary,
        "og:url": about.address, "og:site_name": newsletter.name,
        "og:locale": str(words_for(newsletter.language).locale),
        "article:published_time": _instant(about.began_at),
        "article:modified_time": _instant(_changed_at(about)),
    }  # fmt: skip
    if about.picture_url.startswith("https://"):
        meta["og:image"] = about.picture_url
    lines = [
        Markup('<link rel="canonical" href="{}">').format(about.address),
        Markup('<meta name="description" content="{}">').format(about.summary),
        *(
            Markup('<meta property="{}" content="{}">').format(name, value)
            for name, value in meta.items()
            if value
        ),
    ]
    return (
        "\n".join(lines)
        + f'\n<script type="application/ld+json">{_for_machines(newsletter, about)}</script>\n'
    )


def _for_machines(newsletter: NewsletterSettings, about: OnWeb) -> str:
    """schema.org's NewsArticle as JSON-LD, which no word of it can end."""
    article: dict[str, object] = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": about.title,
        "description": about.summary,
        "url": about.address,
        "mainEntityOfPage": about.address,
        "datePublished": _instant(about.began_at),
        "dateModified": _instant(_changed_at(about)),
        "inLanguage": newsletter.language,
        "isPartOf": {"@type": "Periodical", "name": newsletter.name, "url": about.newsletter_address},
        "publisher": {"@type": "Organization", "name": newsletter.from_name or newsletter.name},
    }
    if about.picture_url.startswith("https://"):
        article["image"] = about.picture_url
    if about.corrections:
        article["correction"] = [
            {"@type": "CorrectionComment", "text": what, "datePublished": _instant(at)}
            for at, what in about.corrections
        ]
    return "".join(_escaped(json.dumps(article)))


def _escaped(text: str) -> Iterator[str]:
    # What is not ASCII is escaped by `dumps` already, the line ends of JavaScript among it
    return (f"\\u{ord(sign):04x}" if sign in "<>&" else sign for sign in text)


def _notice(newsletter: NewsletterSettings, corrections: Iterable[tuple[datetime, str]]) -> str:
    words = words_for(newsletter.language)
    told = Markup("").join(
        _CORRECTION.format(
            title=words.gettext("Corrected on {date}:").format(
                date=_moment(at.astimezone(newsletter.zone), words.locale)
            ),
            what=Markup("<br>").join(escape(line) for line in what.splitlines()),
        )
        for at, what in corrections
    )
    return str(_NOTICE.format(language=words.tag, corrections=told))


def _moment(at: datetime, locale: Locale) -> str:
    return f"{format_date(at, 'long', locale=locale)}, {format_time(at, 'short', locale=locale)}"


def _changed_at(about: OnWeb) -> datetime:
    return about.corrections[0][0] if about.corrections else about.began_at


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
