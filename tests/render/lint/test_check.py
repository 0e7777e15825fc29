"""`theme check`: every fault of a theme, in its own files, at its line; none in the shipped one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from newsletter.errors import Misuse
from newsletter.render.compile import compile_edition
from newsletter.render.lint.check import check_theme
from newsletter.render.lint.faults import Fault
from newsletter.render.sample import states
from newsletter.render.sample_letters import letters
from newsletter.render.shipped import shipped
from newsletter.render.theme import load_theme
from newsletter.values import EditionView
from tests.render.themes import EXTENDS, own_theme

SHIPPED = shipped("mail", "default")
STATES = states()


FULL = {"full": STATES["full"]}  # where the others would add only time


def faults_of(folder: Path, files: dict[str, str], shown: Mapping[str, EditionView] = FULL) -> list[Fault]:
    return check_theme(own_theme(folder, files), shown)


def pointed(fault: Fault) -> str:
    """What stands at the caret."""
    return fault.source[fault.column :]


def test_the_shipped_theme_has_no_fault() -> None:
    assert check_theme(load_theme("default"), STATES, letters()) == []


def test_the_states_are_those_that_a_theme_will_meet() -> None:
    assert list(STATES) == [
        "full", "shortest", "longest", "no pictures", "no lead", "one section", "right to left",
    ]  # fmt: skip


MORE = """\
<mj-section><mj-column>
  <mj-button href="{{ edition.more_url }}">{{ label.more }}</mj-buton>
  <mj-buttn href="{{ edition.more_url }}">{{ label.more }}</mj-buttn>
  <mj-text colour="red">x</mj-text>
  <mj-text>
    <p>5 < 6</p>
    <p class=more>x</p>
    <a href="{{ edition.more_url }}"><img src="https://x.example/a.jpg" /></a>
  </mj-text>
</mj-column></mj-section>
"""
SOCIAL = """\
{# one of these has a reader's secret in it #}
<mj-section><mj-column><mj-text>
  {{ edition.newsleter }}
  <a href="{{ hole.web_url }}?from=mail">x</a>
</mj-text></mj-column></mj-section>
"""
# Place of each planted fault, what is said of it, and what the caret points to
PLANTED = [
    ("parts/more.mjml.j2:2", "</mj-buton> does not close <mj-button>", "</mj-buton>"),
    ("parts/more.mjml.j2:3", "unknown component <mj-buttn>", "<mj-buttn"),
    ("parts/more.mjml.j2:4", "<mj-text> has no attribute colour", "colour="),
    ("parts/more.mjml.j2:6", 'a bare "<"', "< 6"),
    ("parts/more.mjml.j2:7", "the value of class in <p> stands without quotes", "class=more"),
    ("parts/more.mjml.j2:8", "<img> has no alt", "<img"),
    ("layout.mjml.j2:1", "<mjml> has no lang", "<mjml"),
    ("parts/social.mjml.j2:3", "'newsleter' is undefined here; did you mean 'newsletter'?", "newsleter"),
    ("parts/social.mjml.j2:4", "{{ hole.web_url }} may not stand in href= of <a>", "href="),
    ("inline.css:3", "inlined rules hold '@import'", "@import"),
]


def planted_files() -> dict[str, str]:
    layout = (SHIPPED / "layout.mjml.j2").read_text(encoding="utf-8")
    return {
        "parts/more.mjml.j2": MORE,
        "parts/social.mjml.j2": SOCIAL,
        "layout.mjml.j2": layout.replace(' lang="{{ edition.language }}"', ""),
        "inline.css": "p { margin: 0 }\n\n@import url('https://x.example/a.css');\n",
    }


def test_ten_planted_faults_are_all_named_at_their_line(tmp_path: Path) -> None:
    found = faults_of(tmp_path, planted_files(), STATES)
    assert sorted((fault.place, fault.what) for fault in found) == sorted(
        (place, what) for place, what, _ in PLANTED
    )
    carets = {(place, what): at for place, what, at in PLANTED}
    for fault in found:
        assert pointed(fault).startswith(carets[fault.place, fault.what])
        assert fault.mend or "did you mean" in fault.what
        assert fault.state == "", "the full edition shows them all"


@pytest.mark.parametrize("only", planted_files())
def test_an_edition_is_held_for_what_the_check_says(only: str, tmp_path: Path) -> None:
    theme = own_theme(tmp_path, {only: planted_files()[only]})
    with pytest.raises(Misuse) as misuse:
        compile_edition(STATES["full"], theme)
    first = check_theme(theme, FULL)[0]
    assert f"{first.place}: {first.what}" in misuse.value.sentence
    assert misuse.value.next_step == "newsletter theme check mine"


WRITTEN = [
    ("{% if %}", "parts/more.mjml.j2:2", "Expected an expression"),
    ("{% if edition.more_url %}", "parts/more.mjml.j2:2", "Unexpected end of template"),
    ("{{ edition.slug|shout }}", "parts/more.mjml.j2:2", "No filter named 'shout'"),
    ("{% if false %}{{ nobody }}{% endif %}", "parts/more.mjml.j2:2", "'nobody' is undefined here"),
    ("{% if false %}{{ edition.subjet }}{% endif %}", "parts/more.mjml.j2:2", "did you mean 'subject'?"),
    ("{{ edition.lead.titel }}", "parts/more.mjml.j2:2", "'titel' is undefined here; did you mean 'title'?"),
    ("{{ hole.phone }}", "parts/more.mjml.j2:2", "'phone' is undefined here"),
    ("{% if false %}{{ hole.email|upper }}{% endif %}", "parts/more.mjml.j2:2", "a hole may only be printed"),
    ("{% if false %}{{ self.body() }}{% endif %}", "parts/more.mjml.j2:2", "'self' is not for themes"),
    ('{% if false %}{% include "gone.j2" %}{% endif %}', "parts/more.mjml.j2:2", "no file 'gone.j2'"),
    ('{% include "../../secret" %}', "parts/more.mjml.j2:2", "cannot be a theme file"),
    ("{{ 1 / 0 }}", "parts/more.mjml.j2:2", "division by zero"),
    ("<script>x()</script>", "parts/more.mjml.j2:2", "<script> directly inside <mj-body>"),
    ("<mj-raw><script>x()</script></mj-raw>", "parts/more.mjml.j2:2", "<script> may not stand in a mail"),
    ('<mj-raw><b onclick="x()">x</b></mj-raw>', "parts/more.mjml.j2:2", "onclick= may not stand in a mail"),
    ('<mj-raw><a href="javascript:x()">x</a></mj-raw>', "parts/more.mjml.j2:2", "href= of <a> is a script"),
    ('<mj-raw><a href="/latest">x</a></mj-raw>', "digest.mjml.j2", "not a whole https address: '/latest'"),
]


@pytest.mark.parametrize(("source", "place", "what"), WRITTEN)
def test_a_fault_is_found_on_branches_that_nobody_takes(
    source: str, place: str, what: str, tmp_path: Path
) -> None:
    found = faults_of(tmp_path, {"parts/more.mjml.j2": f"\n{source}\n"})
    assert [fault for fault in found if fault.place == place and what in fault.what], found


def test_a_fault_that_only_one_state_shows_names_it(tmp_path: Path) -> None:
    lead = "<mj-section><mj-column><mj-text>{{ edition.lead.title }}</mj-text></mj-column></mj-section>"
    (fault,) = faults_of(
        tmp_path, {"digest.mjml.j2": EXTENDS + f"{{% block lead %}}{lead}{{% endblock %}}"}, STATES
    )
    assert (fault.place, fault.state) == ("digest.mjml.j2:2", "no lead")
    assert "'title' of nothing" in fault.what


def test_a_fault_of_the_shipped_files_behind_a_theme_says_so(tmp_path: Path) -> None:
    found = faults_of(tmp_path, {"digest.mjml.j2": EXTENDS + "{% block more %}</mj-body>{% endblock %}"})
    assert {"shipped:parts/social.mjml.j2:1", "shipped:layout.mjml.j2:22"} <= {fault.place for fault in found}


def test_the_columns_of_what_follows_an_expression_are_right(tmp_path: Path) -> None:
    line = "{{ edition.slug }}{% if true %}  {% endif %}<mj-raw>{{ edition.slug }}<b>x</mj-raw>"
    found = faults_of(tmp_path, {"parts/more.mjml.j2": f"<mj-raw>\n  {line}"})
    assert {(fault.line, pointed(fault)[:6]) for fault in found} >= {
        (1, "<mj-ra"), (2, "<mj-ra"), (2, "<b>x</"),
    }  # fmt: skip


def test_a_file_that_nothing_uses_is_named(tmp_path: Path) -> None:
    found = faults_of(
        tmp_path, {"parts/mroe.mjml.j2": "x", "parts/x{0.__class__}.j2": "x", "readme.txt": "x"}
    )
    assert [(fault.place, fault.what[:14], fault.mend) for fault in found] == [
        ("parts/mroe.mjml.j2", "no template us", "did you mean parts/more.mjml.j2?"),
        ("parts/x{0.__class__}.j2", "'parts/x{0.__c", "give it another name"),
    ]


def test_what_the_whole_mail_lacks_is_a_fault_of_its_template(tmp_path: Path) -> None:
    override = '{% extends "shipped:digest.txt.j2" %}{% block footer %}{% endblock %}\n'
    found = faults_of(tmp_path, {"digest.txt.j2": override})
    assert {fault.place for fault in found} == {"digest.txt.j2"}
    assert any("hole.unsubscribe_url" in fault.what for fault in found)
