"""Spans that could not be kept or left out as a whole, named before a reader finds out."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.errors import Blocked
from newsletter.render.compile import compile_edition
from newsletter.render.lint.check import check_theme
from newsletter.render.lint.spans import markup_span_flaws, text_span_flaws
from newsletter.render.sample import states
from newsletter.render.spans import mark_pattern
from tests.render.themes import EXTENDS, own_theme

MARKS = mark_pattern("abcdef")
FULL = {"full": states()["full"]}
SECTION = "<mj-section><mj-column><mj-text>News</mj-text></mj-column></mj-section>"


def begin(number: int = 0) -> str:
    return f"<mj-raw>spanabcdefbegin{number}z</mj-raw>"


def end(number: int = 0) -> str:
    return f"<mj-raw>spanabcdefend{number}z</mj-raw>"


def told(body: str) -> list[tuple[str, str]]:
    """Each flaw, and the text that stands at its place."""
    mjml = f'<mjml lang="en" dir="ltr"><mj-head></mj-head><mj-body>{body}</mj-body></mjml>'
    return [(flaw.what, mjml[flaw.offset :]) for flaw in markup_span_flaws(mjml, MARKS)]


@pytest.mark.parametrize(
    "body",
    [
        SECTION,
        begin() + SECTION + end(),
        begin()
        + f"<mj-raw><!-- a note --></mj-raw>{SECTION}"
        + end()
        + SECTION
        + begin(1)
        + SECTION
        + end(1),
    ],
)
def test_sound_spans_have_no_flaw(body: str) -> None:
    assert told(body) == []


UNSOUND = [
    (begin() + SECTION, "a span is never ended", "spanabcdefbegin0z"),
    (SECTION + end(), "a span ends here that is not open", "spanabcdefend0z"),
    (begin() + SECTION + end(1), "a span ends here that is not open", "spanabcdefend1z"),
    (begin() + SECTION + begin(1) + SECTION + end(1) + end(), "a span begins within another",
     "spanabcdefbegin1z"),
    (begin() + SECTION + end() + begin() + SECTION + end(), "the span of this section has been before",
     "spanabcdefbegin0z</mj-raw><mj-section><mj-column><mj-text>News</mj-text></mj-column></mj-section>"
     "<mj-raw>spanabcdefend0z</mj-raw></mj-body>"),
    (begin() + SECTION + SECTION + end(), "a span is one <mj-section>, and <mj-section> stands in it too",
     SECTION + end()),
    (begin() + f"<mj-wrapper>{SECTION}</mj-wrapper>" + end(), "and <mj-wrapper> stands in it too",
     "<mj-wrapper>"),
    (begin() + end(), "a span holds no <mj-section>", "spanabcdefend0z"),
    (f"<mj-raw>x spanabcdefbegin0z</mj-raw>{SECTION}{end()}", "does not stand alone", "spanabcdefbegin0z"),
    (begin() + SECTION.replace("News", "spanabcdefend0z"), "does not stand alone", "spanabcdefend0z"),
    (begin() + SECTION.replace("<mj-text", '<mj-text css-class="spanabcdefend0z"'), "does not stand alone",
     'css-class="spanabcdefend0z"'),
]  # fmt: skip


@pytest.mark.parametrize(("body", "what", "place"), UNSOUND)
def test_a_span_that_is_no_whole_section_is_named(body: str, what: str, place: str) -> None:
    assert any(what in said and at.startswith(place) for said, at in told(body)), told(body)


def test_the_marks_of_the_text_part_have_lines_to_themselves() -> None:
    sound = "All\nspanabcdefbegin0z\nNews\nspanabcdefend0z\n"
    assert text_span_flaws(sound, MARKS) == []
    for unsound, what in (
        (sound.replace("begin0z\n", "begin0z"), "has no line to itself"),
        (sound.replace("spanabcdefend", "  spanabcdefend"), "has no line to itself"),
        (sound.replace("end0z", ""), "is never ended"),
    ):
        assert any(what in flaw.what for flaw in text_span_flaws(unsound, MARKS)), unsound


TWICE = "<mj-section><mj-column /></mj-section>" * 2
THEMES = [
    ({"parts/section.mjml.j2": f"\n{TWICE}"}, "parts/section.mjml.j2:2", "a span is one <mj-section>"),
    ({"parts/more.mjml.j2": "\n<mj-raw>{{ span.begin(edition.sections[0]) }}</mj-raw>"},
     "parts/more.mjml.j2:2", "the span of this section has been before"),
    ({"parts/more.mjml.j2": "\n{% set x = span.begin(edition.sections[0]) %}"},
     "parts/more.mjml.j2:2", "a mark may only be printed"),
    ({"parts/more.mjml.j2": "\n{{ span.begin(edition.sections[0])|upper }}"},
     "parts/more.mjml.j2:2", "a mark may only be printed"),
    ({"parts/more.mjml.j2": "\n<mj-raw>{{ span.begin(edition.lead) }}</mj-raw>"},
     "parts/more.mjml.j2:2", "takes one of edition.sections"),
    ({"parts/more.mjml.j2": "\n<mj-raw>{{ span.bgin(edition.sections[0]) }}</mj-raw>"},
     "parts/more.mjml.j2:2", "did you mean 'begin'?"),
    ({"digest.txt.j2": '{% extends "shipped:digest.txt.j2" %}\n{% block more %}\n'
      "More\n{{ span.end(edition.sections[0]) }}\n{% endblock %}"}, "digest.txt.j2:3", "that is not open"),
    ({"digest.mjml.j2": EXTENDS + "{% block more %}{% for section in edition.sections %}"
      '{% include "parts/section.mjml.j2" %}{% endfor %}{% endblock %}'}, "digest.mjml.j2",
     "stories stand outside the spans"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "place", "what"), THEMES)
def test_a_themes_own_fault_is_named_with_its_place(
    files: dict[str, str], place: str, what: str, tmp_path: Path
) -> None:
    found = check_theme(own_theme(tmp_path, files), FULL)
    assert [fault for fault in found if fault.place == place and what in fault.what], found


@pytest.mark.parametrize("hole", ["unsubscribe_url", "preferences_url"])
def test_what_every_mail_must_have_may_not_stand_in_a_section_alone(hole: str, tmp_path: Path) -> None:
    link = f'<a href="{{{{ hole.{hole} }}}}">x</a>'
    row = f"<mj-section><mj-column><mj-text>{link}</mj-text></mj-column></mj-section>"
    files = {
        "parts/section.mjml.j2": row,
        "parts/masthead.mjml.j2": "",
        "parts/footer.mjml.j2": row.replace(link, "{{ edition.postal_address }}"),
    }
    with pytest.raises(Blocked, match=rf"The HTML part lacks {{{{ hole.{hole} }}}}"):
        compile_edition(FULL["full"], own_theme(tmp_path, files))
