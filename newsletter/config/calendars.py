"""Public holidays by the codes of ISO 3166: countries such as US, and their parts such as US-NY.

Substitutes are included: days off for a holiday that fell on a weekend.
"""

from __future__ import annotations

from datetime import date
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator

from newsletter.config.kinds import Wrong, shown

SPOKEN_HERE = "en_US"


def holiday_on(day: date, code: str) -> str:
    """The name of the holiday that is kept where `code` says; empty on other days."""
    return str(_calendar(code).get(day) or "")


def _code(text: str) -> str:
    country, _, part = text.upper().partition("-")
    known = _countries()
    if country not in known or (part and part not in known[country]):
        choice = known[country] if country in known else sorted(known)
        close = get_close_matches(part or country, choice, n=1) or list(choice[:1])
        mend = f"{country}-{close[0]}" if country in known and close else "US, DE or DE-BY"
        raise Wrong(f"names no country or region: {shown(text)}", f"write an ISO 3166 code such as {mend}")
    return f"{country}-{part}" if part else country


@cache
def _countries() -> dict[str, list[str]]:
    return dict(_library().list_supported_countries(include_aliases=False))


@cache
def _calendar(code: str) -> Any:
    country, _, part = code.partition("-")
    library = _library()
    spoken = getattr(library.country_holidays(country), "supported_languages", ())
    language = SPOKEN_HERE if SPOKEN_HERE in spoken else None
    return library.country_holidays(country, subdiv=part or None, language=language)


def _library() -> Any:
    # Half a second to import, and most newsletters have no holidays
    import holidays

    return holidays


HolidayCode = Annotated[str, AfterValidator(_code)]
