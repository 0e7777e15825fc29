"""Pages from templates: everything escaped, nothing undefined, each in one language of ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache

from babel.dates import format_date
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from newsletter.languages import SOURCE, Words, words_for
from newsletter.render.shipped import shipped
from newsletter.web.assets import asset_url
from newsletter.web.words import FILTERS, HELPERS


def page(
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    language: str = SOURCE,
    **values: object,
) -> HTMLResponse:
    """A page of `templates/web` in our words for `language`; the template must be given every value
    that it names.
    """
    text = html(template, language=language, **values)
    return HTMLResponse(text, status_code=status, headers=headers)


def html(template: str, *, language: str = SOURCE, **values: object) -> str:
    """A page, or a part of one, as text."""
    return _environment(language).get_template(template).render(values)


def error_page(status: int, headers: Mapping[str, str] | None = None, language: str = SOURCE) -> HTMLResponse:
    """The page for a status, the same bytes whatever was asked."""
    errors = errors_in(words_for(language))
    title, words = errors.get(status, errors[400 if status < 500 else 500])
    return page(
        "public/error.html", status=status, headers=headers, language=language, title=title, words=words
    )


def errors_in(words: Words) -> Mapping[int, tuple[str, str]]:
    """What to say, and what to do next; never a word of the request."""
    _ = words.gettext
    unread, much = _("We could not read that"), _("That was too much")
    return {
        400: (unread, _("The request was not complete. Please go back and try once more.")),
        404: (
            _("There is nothing here"),
            _("The address may be incomplete, or the page is not out yet."),
        ),
        405: (_("That does not work here"), _("This page can be read, but not used in this way.")),
        408: (_("That took too long"), _("The connection was too slow. Please try once more.")),
        409: (
            _("That cannot be done now"),
            _("Something has changed meanwhile. Please open the page again."),
        ),
        413: (much, _("More was sent than this page takes.")),
        414: (
            _("That address is too long"),
            _("Please use the link exactly as it stands in the mail."),
        ),
        421: (_("Not this address"), _("This server does not answer under that name.")),
        422: (unread, _("Something in the request is not what this page expects.")),
        431: (much, _("Your browser sent more about itself than this page takes.")),
        500: (
            _("Something went wrong"),
            _("It is our fault and has been noted. Please try again in a minute."),
        ),
        503: (
            _("We cannot answer just now"),
            _("Nothing was changed. Please try again in a minute."),
        ),
    }


@cache
def _environment(language: str) -> Environment:
    words = words_for(language)
    environment = Environment(
        loader=FileSystemLoader(shipped("web")),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        words.gettext, words.ngettext, newstyle=True, pgettext=words.pgettext
    )

    def day(on: date) -> str:
        return format_date(on, "full", locale=words.locale)

    environment.filters |= FILTERS | {"day": day}
    environment.globals |= HELPERS | {"asset": asset_url, "language": words.tag}
    return environment
