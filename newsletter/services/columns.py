"""Which column of a list of people says what, in the words of several languages.

Nothing is guessed in silence: what a column was taken for is part of the report, `--column` says it
otherwise, and a column that we know nothing about is kept as an attribute of the person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from unicodedata import category

from newsletter.errors import Misuse

MOST_ATTRIBUTES = 50
LONGEST_ATTRIBUTE_NAME = 64  # characters

REFUSED_BECAUSE = "refused because"  # heads the column of reasons in a file of refusals

# A field's headings, the surest first: of two columns that could be meant, the surer is taken
HEADINGS: Mapping[str, tuple[str, ...]] = {
    "address": (
        "email address", "e mail address", "email", "e mail", "e mail adresse", "email adresse",
        "adresse email", "adresse e mail", "adresse mail", "courriel", "correo electrónico",
        "correo electronico", "correo", "dirección de correo", "indirizzo email", "posta elettronica",
        "adres email", "електронна пошта", "електронна адреса", "ел пошта", "email адреса", "імейл",
        "пошта", "subscriber email", "mail", "address", "adresse", "адреса",
    ),
    "name": (
        "name", "full name", "fullname", "display name", "vollständiger name", "nom complet",
        "nombre completo", "nome completo", "повне ім'я", "ім'я та прізвище", "піб",
    ),
    "first_name": ("first name", "firstname", "given name", "vorname", "prénom", "prenom", "nombre",
                   "nome", "imię", "ім'я"),
    "last_name": ("last name", "lastname", "surname", "family name", "nachname", "nom", "apellido",
                  "apellidos", "cognome", "nazwisko", "прізвище"),
    "newsletter": ("newsletter", "newsletters", "list", "lists", "liste", "listen", "listes", "lista",
                   "listas", "infolettre", "boletín", "розсилка", "розсилки"),
    "zone": ("zone", "timezone", "time zone", "tz", "zeitzone", "fuseau horaire", "zona horaria",
             "fuso orario", "часовий пояс"),
    "cadence": ("cadence", "frequency", "häufigkeit", "fréquence", "frecuencia", "frequenza", "частота"),
    "sections": ("sections", "topics", "interests", "rubriken", "themen", "rubriques", "secciones", "sezioni",
                 "рубрики", "розділи"),
    "state": ("state", "status", "estado", "état", "stan", "стан", "статус"),
    "consent": ("consent", "consent text", "einwilligung", "consentement", "consentimiento", "consenso",
                "zgoda", "згода"),
    "consent_at": ("consent at", "consent time", "consent date", "opt in time", "optin time", "opt in date",
                   "subscribed at", "subscription date", "datum der einwilligung", "date de consentement",
                   "fecha de consentimiento", "дата згоди"),
    "consent_source": ("consent source", "source", "opt in source", "quelle", "origine", "fuente",
                       "origen", "джерело"),
    "attributes": ("attributes", "attribs"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Columns:
    """Field and attribute → the number of its column, from 0. `width` is how many cells a row may have."""

    fields: Mapping[str, int]
    attributes: Mapping[str, int]
    width: int
    has_header: bool

    def told(self, header: Sequence[str]) -> dict[str, str]:
        """Field → what its column is called, for a report."""
        return {
            field: header[number].strip() if self.has_header else f"column {number + 1}"
            for field, number in self.fields.items()
        }


def understand(
    sample: Sequence[Sequence[str]], said: Mapping[str, str], *, attributes: bool = True
) -> Columns:
    """What the columns mean, from the first rows and from what was `said`: field → heading or number.

    With `attributes` the columns that mean nothing to us are kept as such. Raises Misuse when no column
    holds addresses, when what was said names none, and for more attributes than a person may have.
    """
    if not sample:
        raise Misuse("The file is empty.", next_step="put a row of headings and a row for each person in it")
    first = sample[0]
    has_header = not any("@" in cell for cell in first)
    fields = _guess(first) if has_header else {"address": _address_column(sample)}
    for field, column in said.items():
        _told(fields, field, column, first, has_header)
    if "address" not in fields:
        raise Misuse(
            f"No column is called “address” or “email”; the headings are: {_listed(first)}.",
            next_step="say which one it is: --column address=HEADING",
        )
    kept = _attributes(first, fields) if has_header and attributes else {}
    return Columns(fields, kept, len(first), has_header)


def _guess(header: Sequence[str]) -> dict[str, int]:
    headings = [_plain(cell) for cell in header]
    found: dict[str, int] = {}
    for field, known in HEADINGS.items():
        for heading in (*known, _plain(field)):
            if heading in headings and headings.index(heading) not in found.values():
                found[field] = headings.index(heading)
                break
    if "name" in found:
        return {field: n for field, n in found.items() if field not in ("first_name", "last_name")}
    return found


def _address_column(sample: Sequence[Sequence[str]]) -> int:
    width = max(map(len, sample))
    return max(range(width), key=lambda n: sum("@" in row[n] for row in sample if n < len(row)))


def _told(fields: dict[str, int], field: str, column: str, first: Sequence[str], has_header: bool) -> None:
    if field not in HEADINGS:
        raise Misuse(
            f"There is no field {field[:40]!r}; there are: {', '.join(HEADINGS)}.",
            next_step="write for instance --column name=HEADING",
        )
    fields.pop(field, None)
    if not column:
        return
    headings = [_plain(cell) for cell in first] if has_header else []
    if _plain(column) in headings:
        number = headings.index(_plain(column))
    elif column.isascii() and column.isdecimal() and 1 <= int(column) <= len(first):
        number = int(column) - 1
    else:
        raise Misuse(
            f"No column is called {column[:80]!r}; there are: {_listed(first)}.",
            next_step=f"write --column {field}=HEADING, or its number, counted from 1",
        )
    for other in [name for name, taken in fields.items() if taken == number]:
        del fields[other]
    fields[field] = number


def _attributes(header: Sequence[str], fields: Mapping[str, int]) -> dict[str, int]:
    taken = set(fields.values())
    found: dict[str, int] = {}
    for number, cell in enumerate(header):
        name = " ".join(cell.split())
        if number not in taken and name and name.casefold() != REFUSED_BECAUSE and name not in found:
            found[name] = number
    for name in found:
        if len(name) > LONGEST_ATTRIBUTE_NAME or any(category(letter) in ("Cc", "Cs") for letter in name):
            raise Misuse(
                f"The heading {name[:80]!r} is no name of an attribute: at most {LONGEST_ATTRIBUTE_NAME} "
                "plain characters.",
                next_step="shorten it, or take the column out of the file",
            )
    if len(found) > MOST_ATTRIBUTES:
        raise Misuse(
            f"{len(found)} columns would become attributes; a person has at most {MOST_ATTRIBUTES}.",
            next_step="take columns out of the file, or say --no-attributes",
        )
    return found


def _plain(heading: str) -> str:
    """A heading without what programs write differently: case, and what stands between its words."""
    return " ".join(re.sub(r"[\s_.\-/:]+", " ", heading.replace("’", "'").casefold()).split())


def _listed(header: Sequence[str]) -> str:
    return ", ".join(repr(cell.strip()[:40]) for cell in header[:20])
