"""The last look at the own words of an edition or a letter before a theme prints them.

Articles are cleaned where they come in. Here the few things that could still turn a line around,
break it or break the markup are taken out of every field, so that headline, alternative text, subject
and text part agree, whatever a feed, an import or an editor brought.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TypeVar, cast

from markupsafe import Markup

from newsletter.mail.segments import one_line
from newsletter.values import EditionView, LetterView, Story

T = TypeVar("T")
View = TypeVar("View", EditionView, LetterView)


def legible(view: View) -> View:
    """`view` with every text on one line, and its sanitised fragments marked as markup."""
    return _clean(view)


def _clean(value: T) -> T:
    """A copy of a value of `newsletter.values`, cleaned all the way down."""
    if isinstance(value, str):
        return cast(T, " ".join(one_line(value).split()))
    if isinstance(value, tuple):
        return cast(T, tuple(_clean(item) for item in value))
    if not is_dataclass(value) or isinstance(value, type):
        return value
    cleaned = replace(value, **{field.name: _clean(getattr(value, field.name)) for field in fields(value)})
    return cast(T, _with_fragment(cleaned) if isinstance(cleaned, Story) else cleaned)


def _with_fragment(story: Story) -> Story:
    """`html` was sanitised at the border and is printed as it stands; the text part needs its words."""
    html = Markup(story.html)  # noqa: S704
    return replace(story, html=html, text=story.text or story.summary or html.striptags())
