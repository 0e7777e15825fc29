"""Themes: found beside the shipped one, overridden by the block or the file, never leaving their folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from newsletter.errors import Misuse
from newsletter.render.compile import compile_edition, neutral_html, plain_text
from newsletter.render.lint.faults import Faulty
from newsletter.render.sample import NEUTRAL
from newsletter.render.shipped import shipped
from newsletter.render.theme import load_theme
from tests.render.page import Page
from tests.render.sample import FULL
from tests.render.themes import EXTENDS, own_theme, with_footer


def html_in(folder: Path, files: dict[str, str]) -> str:
    return neutral_html(compile_edition(FULL, own_theme(folder, files)), NEUTRAL)


SHIPPED = neutral_html(compile_edition(FULL, load_theme("default")), NEUTRAL)


def test_one_block_is_overridden_and_all_else_stays(tmp_path: Path) -> None:
    html = html_in(tmp_path, {"digest.mjml.j2": EXTENDS + "{% block more %}{% endblock %}"})
    assert "Show more news" in SHIPPED
    assert "Show more news" not in html
    assert Page(html).text == Page(SHIPPED).text.replace("Show more news", "")


def test_one_part_is_overridden_by_its_file(tmp_path: Path) -> None:
    more = "<mj-section><mj-column><mj-text>{{ edition.more_url }}</mj-text></mj-column></mj-section>"
    html = html_in(tmp_path, {"parts/more.mjml.j2": more})
    assert Page(html).text == Page(SHIPPED).text.replace("Show more news", FULL.more_url)


def test_one_rule_is_overridden_by_its_file(tmp_path: Path) -> None:
    html = html_in(tmp_path, {"inline.css": "h1 { color: #123456 }"})
    assert Page(html).all("h1") == [{"style": "color:#123456"}]


def test_the_text_part_is_overridden_alike(tmp_path: Path) -> None:
    override = '{% extends "shipped:digest.txt.j2" %}\n{% block more %}\nMORE!\n{% endblock %}\n'
    text = plain_text(compile_edition(FULL, own_theme(tmp_path, {"digest.txt.j2": override})), NEUTRAL)
    assert "MORE!" in text and "Show more news" not in text and "Unsubscribe" in text


def test_a_change_on_disk_is_seen_by_the_next_compilation(tmp_path: Path) -> None:
    theme = own_theme(tmp_path, {"parts/more.mjml.j2": "<mj-section></mj-section>"})
    before = compile_edition(FULL, theme)
    part = tmp_path / "mine" / "parts" / "more.mjml.j2"
    part.write_text((shipped("mail", "default") / "parts" / "more.mjml.j2").read_text())
    os.utime(part, ns=(1, 1))
    assert compile_edition(FULL, theme).html != before.html


def test_a_file_that_comes_to_stand_before_another_is_seen_and_one_that_goes(tmp_path: Path) -> None:
    own_theme(tmp_path, {"inline.css": "h1 { color: #123456 }"})
    before = compile_edition(FULL, load_theme("mine", tmp_path)).html
    with_more = html_in(tmp_path, {"parts/more.mjml.j2": "<mj-section></mj-section>"})
    assert "Show more news" not in with_more
    (tmp_path / "mine" / "parts" / "more.mjml.j2").unlink()
    assert compile_edition(FULL, load_theme("mine", tmp_path)).html == before


def test_the_shipped_templates_are_where_the_finder_says() -> None:
    assert (shipped("mail", "default", "digest.mjml.j2")).is_file()


def test_an_unknown_theme_is_refused_with_the_places_looked_at(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="no theme 'nowhere' in .*" + str(tmp_path)):
        load_theme("nowhere", tmp_path)


@pytest.mark.parametrize("name", ["../default", "/etc", "", "Default", "a b", "a/b", ".", "x{0.__class__}"])
def test_a_theme_name_is_no_path(name: str, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="cannot be a theme's name"):
        load_theme(name, tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "../secret.j2",
        "/etc/passwd",
        "parts/../../secret.j2",
        "..\\secret.j2",
        "x{0.__class__}.j2",
        "A.j2",
        ".env",
        "",
    ],
)
def test_a_file_name_never_leads_out(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret.j2").write_text("SECRET")
    escaped = name.replace("\\", "\\\\")
    with pytest.raises(Misuse, match="cannot be a theme file"):
        html_in(tmp_path, {"parts/more.mjml.j2": f'{{% include "{escaped}" %}}'})


def test_a_symbolic_link_never_leads_out(tmp_path: Path) -> None:
    (tmp_path / "secret.j2").write_text("SECRET")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "link.j2").symlink_to(tmp_path / "secret.j2")
    with pytest.raises(Misuse, match="leads out of its theme"):
        html_in(tmp_path, {"parts/more.mjml.j2": '{% include "link.j2" %}'})
    assert "SECRET" in (tmp_path / "mine" / "link.j2").read_text(), "the link itself works"


def test_a_theme_folder_may_itself_be_a_link(tmp_path: Path) -> None:
    own_theme(tmp_path / "elsewhere", {"parts/more.mjml.j2": "<mj-section></mj-section>"})
    (tmp_path / "mine").symlink_to(tmp_path / "elsewhere" / "mine")
    compile_edition(FULL, load_theme("mine", tmp_path))


FAULTS = [
    ("\n{{ edition.subjet }}", "parts/more.mjml.j2:2", "subjet"),
    ("\n\n{{ nobody }}", "parts/more.mjml.j2:3", "'nobody' is undefined"),
    ("{% if %}", "parts/more.mjml.j2:1", "Expected an expression"),
    ("\n{% block %}", "parts/more.mjml.j2:2", "block"),
    ("{{ edition.subject|shout }}", "parts/more.mjml.j2:1", "shout"),
    ('\n{% include "gone.j2" %}', "parts/more.mjml.j2:2", "there is no file 'gone.j2'"),
    ("\n{{ 1 / 0 }}", "parts/more.mjml.j2:2", "division by zero"),
    ("\n{{ hole.phone }}", "parts/more.mjml.j2:2", "phone"),
]


@pytest.mark.parametrize(("source", "place", "what"), FAULTS)
def test_a_template_fault_is_named_with_file_and_line(
    source: str, place: str, what: str, tmp_path: Path
) -> None:
    with pytest.raises(Misuse) as misuse:
        html_in(tmp_path, {"parts/more.mjml.j2": source})
    assert f"Theme mine, {place}: " in str(misuse.value)
    assert what in str(misuse.value)


BROKEN_MJML = [
    ("<b>", "<b> is not closed before </mj-text>"),
    ("</b>", "</b> closes nothing: <mj-text> is open"),
    ("</mj-text><mj-button>x</mj-buton><mj-text>", "</mj-buton> does not close <mj-button>"),
    ("<div>" * 120 + "</div>" * 120, "more than 100 tags"),
    ("<![if !mso]>x<![endif]>", '"<!["'),
    ('</mj-text><mj-include path="/etc/passwd" /><mj-text>', "unknown component <mj-include>"),
    ("<p class=bare<>x</p>", 'a bare "<"'),
]


@pytest.mark.parametrize(("mjml", "what"), BROKEN_MJML)
def test_broken_mjml_is_named(mjml: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(Misuse) as misuse:
        compile_edition(FULL, with_footer(tmp_path, mjml))
    assert "digest.mjml.j2:4: " in str(misuse.value)
    assert what in str(misuse.value)


def test_a_theme_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    theme = own_theme(tmp_path, {"digest.txt.j2": ""})
    (tmp_path / "mine" / "digest.txt.j2").write_bytes(b"\xff\xfe")
    with pytest.raises(Misuse, match=r"digest\.txt\.j2: is not UTF-8"):
        compile_edition(FULL, theme)


def test_a_text_part_that_ends_in_a_hole_is_refused_with_the_mend(tmp_path: Path) -> None:
    lines = "{{ edition.postal_address }}\n{{ hole.preferences_url }}\n{{ hole.unsubscribe_url }}\n"
    with pytest.raises(Faulty, match=r"digest\.txt\.j2: nothing follows the last hole") as misuse:
        compile_edition(FULL, own_theme(tmp_path, {"digest.txt.j2": lines}))
    assert misuse.value.faults[0].mend == "end it with a line of its own"
