"""The first words of a mail, in the newsletter's language, with the reader's name where it is one.

Anybody can type anything as a name, so a name is used only if it looks like one: no links, no
numbers, no sentences. Everybody else is greeted without.
"""

from __future__ import annotations

import re
from unicodedata import category

from newsletter.languages import words_for

LONGEST_NAME = 40
_NO_NAME = re.compile("[0-9@/:]")
_PUNCTUATION = frozenset(" '’ʼ-.·")


def greet(name: str, language: str) -> str:
    """A sentence for the greeting hole. `language` is a tag such as `en` or `en-GB`; others get English."""
    words, name = words_for(language), name.strip(" ")
    if not _is_name(name):
        return words.gettext("Good morning.")
    return words.gettext("Good morning, {name}.").format(name=name.removesuffix("."))


def _is_name(text: str) -> bool:
    if text.replace(" ", "").isalpha():  # most are, and need no closer look
        return len(text) <= LONGEST_NAME
    return (
        0 < len(text) <= LONGEST_NAME
        and _NO_NAME.search(text) is None
        and all(letter in _PUNCTUATION or category(letter)[0] in "LM" for letter in text)
        and any(letter.isalpha() for letter in text)
        and not _looks_like_a_domain(text)
    )


def _looks_like_a_domain(text: str) -> bool:
    """“evil.example” would become a link in many mail programs; “J. R. Smith” does not."""
    return any(part and not part.startswith(" ") for part in text.split(".")[1:])
