"""The program's own words, in the languages that it speaks; what a newsroom writes is never translated.

The code says each sentence in English, through `gettext`, `ngettext` or `pgettext`. Beside this module
lies one catalogue a language, `locales/uk.po`; Babel reads it when the first sentence is asked for.
`make words` writes new sentences into the catalogues, and a test finds one that waits for its words.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

CATALOGUES = Path(__file__).parent / "locales"
SOURCE = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """One language's words. `tag` names it where pages and readers' programs ask, such as `uk` or `en-GB`."""

    tag: str
    locale: Locale
    translations: NullTranslations

    @property
    def is_source(self) -> bool:
        return self.locale.language == SOURCE

    def gettext(self, sentence: str) -> str:
        return self.translations.gettext(sentence)

    def ngettext(self, one: str, many: str, number: int) -> str:
        """The form that goes with `number`; English has two, Ukrainian three."""
        return self.translations.ngettext(one, many, number)

    def pgettext(self, context: str, sentence: str) -> str:
        """For words that English spells alike and others do not; `context` tells translators which."""
        return self.translations.pgettext(context, sentence)


@cache
def words_for(language: str) -> Words:
    """The words for a language tag such as `uk` or `uk-UA`; English where we have none."""
    name = language.lower().partition("-")[0]
    if name == SOURCE:
        return Words(language, Locale.parse(language, sep="-"), NullTranslations())
    file = CATALOGUES / f"{name}.po"
    if not (name.isalpha() and file.is_file()):
        return words_for(SOURCE)
    return Words(language, Locale.parse(language, sep="-"), _read(file))


def _read(file: Path) -> GNUTranslations:
    compiled = BytesIO()
    with file.open("rb") as source:
        write_mo(compiled, read_po(source, locale=file.stem))
    compiled.seek(0)
    return GNUTranslations(compiled)
