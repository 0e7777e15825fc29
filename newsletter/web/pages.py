"""From a template and values to an answer: the only place that knows Jinja on the web."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from newsletter.render.shipped import shipped
from newsletter.web.assets import asset_url
from newsletter.web.words import FILTERS, HELPERS

# What to say, and what to do next; never a word of the request
ERRORS = {
    400: ("We could not read that", "The request was not complete. Please go back and try once more."),
    404: ("There is nothing here", "The address may be incomplete, or the page is not out yet."),
    405: ("That does not work here", "This page can be read, but not used in this way."),
    408: ("That took too long", "The connection was too slow. Please try once more."),
    409: ("That cannot be done now", "Something has changed meanwhile. Please open the page again."),
    413: ("That was too much", "More was sent than this page takes."),
    414: ("That address is too long", "Please use the link exactly as it stands in the mail."),
    421: ("Not this address", "This server does not answer under that name."),
    422: ("We could not read that", "Something in the request is not what this page expects."),
    431: ("That was too much", "Your browser sent more about itself than this page takes."),
    500: ("Something went wrong", "It is our fault and has been noted. Please try again in a minute."),
    503: ("We cannot answer just now", "Nothing was changed. Please try again in a minute."),
}


def page(
    template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: object
) -> HTMLResponse:
    """A page of `templates/web`; the template must be given every value that it names."""
    return HTMLResponse(html(template, **values), status_code=status, headers=headers)


def html(template: str, **values: object) -> str:
    """A page, or a part of one, as text."""
    return _environment().get_template(template).render(values)


def error_page(status: int, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    """The page for a status, the same bytes whatever was asked."""
    title, words = ERRORS.get(status, ERRORS[400 if status < 500 else 500])
    return page("public/error.html", status=status, headers=headers, title=title, words=words)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(shipped("web")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    environment.globals |= HELPERS | {"asset": asset_url}
    return environment
