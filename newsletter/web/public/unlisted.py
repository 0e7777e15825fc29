"""Pages that are one reader's: in the house's language, and in nobody's index."""

from __future__ import annotations

from fastapi import Response

from newsletter.languages import words_for
from newsletter.runtime import Runtime
from newsletter.web.headers import UNLISTED
from newsletter.web.pages import page


def unlisted(runtime: Runtime, template: str, *, status: int = 200, **values: object) -> Response:
    return page(template, status=status, headers=UNLISTED, language=runtime.language, **values)


def no_address(language: str) -> str:
    """What stands beside a field with an address that is none."""
    return words_for(language).gettext("That is no mail address. Please look at it once more.")
