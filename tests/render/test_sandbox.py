"""What a theme can reach: the edition, the holes, the words, and the lists below."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from jinja2 import DictLoader

from newsletter.errors import Misuse
from newsletter.render.compile import compile_edition, neutral_html
from newsletter.render.sample import NEUTRAL
from newsletter.render.sandbox import Sandbox
from newsletter.render.theme import load_theme
from tests.render.page import Page
from tests.render.sample import FULL, SHORTEST
from tests.render.themes import own_theme, with_footer

FILTERS = {
    "abs", "capitalize", "cut", "default", "escape", "first", "fit", "float", "int", "join", "last", "length",
    "list", "lower", "replace", "reverse", "round", "string", "title", "trim", "truncate", "upper",
    "urlencode", "wrap",
}  # fmt: skip
TESTS = {
    "defined", "divisibleby", "eq", "even", "ge", "gt", "in", "le", "lt", "ne", "none", "odd", "undefined",
}  # fmt: skip


def test_filters_tests_and_globals_equal_the_committed_lists() -> None:
    sandbox = Sandbox(DictLoader({}))
    assert set(sandbox.filters) == FILTERS
    assert set(sandbox.tests) == TESTS
    assert set(sandbox.globals) == {"namespace", "range"}


OUT_OF_REACH = [
    "{{ os }}", "{{ self }}", "{{ self.__init__.__globals__ }}", "{{ request }}", "{{ settings }}",
    "{{ config }}", "{{ lipsum() }}", "{{ cycler.__init__.__globals__ }}", "{{ joiner }}", "{{ dict() }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ edition.__class__ }}", "{{ edition['__class__'] }}",
    "{{ edition|attr('__class__') }}", "{{ label.why.__globals__ }}", "{{ label.why.__func__ }}",
    "{{ '{0.__class__}'.format(edition) }}", "{{ '{0.__class__}'.format_map(edition) }}",
    "{{ '%s'|format(edition) }}", "{{ edition.sections|map(attribute='__class__')|list }}",
    "{{ edition.subject.encode() }}",
    "{{ 'a' * 999999999 }}", "{{ [0] * 999999999 }}", "{{ 9 ** 9 ** 9 }}", "{{ '%999999999s' % 'a' }}",
    "{{ 'a'|center(1000000000) }}", "{{ 'a'.ljust(1000000000) }}", "{{ range(10000000)|list }}",
    "{{ edition.subject|safe }}", "{{ edition.social.append(1) }}", "{{ edition.lead.picture.__init__ }}",
    "{% autoescape false %}x{% endautoescape %}", "{{ hole.__class__ }}",
]  # fmt: skip


@pytest.mark.parametrize("source", OUT_OF_REACH)
def test_a_theme_that_reaches_further_is_stopped_at_its_line(source: str, tmp_path: Path) -> None:
    with pytest.raises(Misuse) as misuse:
        compile_edition(FULL, own_theme(tmp_path, {"parts/more.mjml.j2": "\n" + source}))
    assert "parts/more.mjml.j2:2: " in str(misuse.value)


def test_the_edition_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="cannot assign attribute"):
        compile_edition(FULL, own_theme(tmp_path, {"parts/more.mjml.j2": "{% set edition.subject = 1 %}"}))


def test_an_include_of_itself_ends_as_an_error(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=r"parts/more\.mjml\.j2:1: maximum recursion"):
        compile_edition(
            FULL, own_theme(tmp_path, {"parts/more.mjml.j2": '{% include "parts/more.mjml.j2" %}'})
        )


MISUSED_HOLES = [
    "{{ hole.email|upper }}", "{{ hole.email ~ 'x' }}", "{{ hole.email[:5] }}", "{{ hole.email|length }}",
    "{% if hole.email %}x{% endif %}", "{% set u = hole.email %}{{ u }}", "{% set h = hole %}", "{{ hole }}",
    "{{ hole['email'] }}", "{{ hole|attr('email') }}", "{{ label.why(hole.email) }}",
    "{{ hole.email.upper() }}",
    "{% for name in hole %}{{ name }}{% endfor %}", "{{ hole.values() }}", "{{ 'a' if hole.email else 'b' }}",
    "{% with h = hole %}{% endwith %}", "{{ [hole.email] }}", "{{ hole.email == 'x' }}",
    "{% macro m(hole) %}{% endmacro %}",
]  # fmt: skip


@pytest.mark.parametrize("source", MISUSED_HOLES)
def test_a_hole_is_printed_whole_or_not_at_all(source: str, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=r"parts/more\.mjml\.j2:2: a hole may only be printed"):
        compile_edition(FULL, own_theme(tmp_path, {"parts/more.mjml.j2": "\n" + source}))


def test_what_a_theme_needs_is_there(tmp_path: Path) -> None:
    source = (
        "{% set seen = namespace(n=0) %}{% for _ in range(3) %}{% set seen.n = seen.n + 2 * 3 %}{% endfor %}"
        "{{ seen.n }} {{ 7 % 4 }} {{ edition.subject|upper|truncate(9) }} {{ edition.social|length }}"
    )
    html = neutral_html(compile_edition(FULL, with_footer(tmp_path, source)), NEUTRAL)
    assert "18 3 AFTER... 3" in Page(html).text


def test_an_articles_words_are_never_a_template() -> None:
    words = "{{ 7*7 }} {% include '/etc/passwd' %} {{ config }} ${x}"
    view = replace(SHORTEST, intro=words)
    html = neutral_html(compile_edition(view, load_theme("default")), NEUTRAL)
    assert words in Page(html).text
