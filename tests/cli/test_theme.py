"""`newsletter theme`: begun, checked, shown; and nothing written where it should not be."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from newsletter.render.sample import states
from newsletter.render.sample_letters import letters
from tests import tutorial
from tests.newsroom import Newsroom
from tests.render.lint.test_check import PLANTED, planted_files


@pytest.fixture
def themes(room: Newsroom) -> Path:
    """The folder that the newsroom's configuration names for its own themes."""
    room.config.write_text('themes = "themes"\n' + room.config.read_text())
    return room.folder / "themes"


def plant(themes: Path, name: str = "gazette") -> None:
    for file, text in planted_files().items():
        (themes / name / file).parent.mkdir(parents=True, exist_ok=True)
        (themes / name / file).write_text(text)


def test_a_new_theme_is_sound_differs_and_is_never_overwritten(room: Newsroom, themes: Path) -> None:
    done = room.run("theme", "new", "gazette", "--json")
    assert done.code == 0
    file = Path(done.json["file"])
    assert file == themes / "gazette" / "digest.mjml.j2"
    assert room.run("theme", "check", "gazette").code == 0
    written = file.read_text()
    assert '{% extends "shipped:digest.mjml.j2" %}' in written and "{% block masthead %}" in written
    file.write_text(written + "{# mine #}")
    again = room.run("theme", "new", "gazette")
    assert (again.code, "exists already" in again.said) == (3, True)
    assert file.read_text().endswith("{# mine #}")


def test_without_a_folder_for_themes_the_mend_is_named(room: Newsroom) -> None:
    done = room.run("theme", "new", "gazette")
    assert (done.code, 'write themes = "themes"' in done.said) == (2, True)


@pytest.mark.parametrize(
    "name", ["../x", "/tmp/x", "x/../../y", "X", "", ".", "..", "a b", "x{0.__class__}", "-x"]
)
@pytest.mark.parametrize("verb", ["new", "preview"])
def test_a_name_is_no_path(room: Newsroom, themes: Path, verb: str, name: str) -> None:
    before = sorted(room.folder.parent.rglob("*"))
    done = room.run("theme", verb, "--", name)
    assert done.code == 2, done.said
    assert sorted(room.folder.parent.rglob("*")) == before


def test_a_new_theme_is_not_written_through_a_link(room: Newsroom, themes: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    themes.mkdir()
    (themes / "gazette").symlink_to(tmp_path / "secret")
    assert room.run("theme", "new", "gazette").code == 3
    assert list((tmp_path / "secret").iterdir()) == []


def test_each_fault_is_shown_with_its_line_a_caret_and_the_mend(room: Newsroom, themes: Path) -> None:
    plant(themes)
    done = room.run("theme", "check", "gazette")
    assert done.code == 2
    lines = done.out.splitlines()
    at = lines.index("parts/more.mjml.j2:4: <mj-text> has no attribute colour")
    assert lines[at + 1 : at + 4] == [
        '    <mj-text colour="red">x</mj-text>',
        "             ^",
        "  → did you mean color?",
    ]
    assert lines[-1] == "Theme gazette: 10 faults."
    assert max(map(len, lines)) <= 80


def test_a_long_line_is_shown_around_its_fault(room: Newsroom, themes: Path) -> None:
    words = "word " * 40
    (themes / "gazette" / "parts").mkdir(parents=True)
    line = f"<mj-raw><p>{words}</p><p colour=red>{words}</p></mj-raw>"
    (themes / "gazette" / "parts" / "more.mjml.j2").write_text(line)
    shown, caret, *_ = room.run("theme", "check", "gazette").out.splitlines()[1:]
    assert len(shown) <= 80 and shown.strip().startswith("…") and shown.endswith("…")
    assert shown[caret.index("^") :].startswith("colour=red")


def test_machines_get_every_fault(room: Newsroom, themes: Path) -> None:
    plant(themes)
    done = room.run("theme", "check", "gazette", "--json")
    assert (done.code, done.json["ok"]) == (2, False)
    (theme,) = done.json["themes"]
    assert sorted((f"{f['file']}:{f['line']}", f["what"]) for f in theme["faults"]) == sorted(
        (place, what) for place, what, _ in PLANTED
    )


def test_without_a_name_what_is_in_use_is_checked(room: Newsroom, themes: Path) -> None:
    assert room.run("theme", "check", "--json").json["themes"] == [{"theme": "default", "faults": []}]
    plant(themes)
    room.config.write_text(room.config.read_text() + 'theme = "gazette"\n')
    assert room.run("theme", "check").code == 2


def test_a_theme_that_is_not_there_is_said_so(room: Newsroom) -> None:
    done = room.run("theme", "check", "nowhere")
    assert (done.code, "There is no theme 'nowhere'" in done.said) == (2, True)


def test_the_list_tells_whose_a_theme_is_who_uses_it_and_its_faults(room: Newsroom, themes: Path) -> None:
    plant(themes, "broken")
    (themes / "Not A Theme").mkdir()
    room.config.write_text(room.config.read_text() + 'theme = "gone"\n')
    found = {line.pop("name"): line for line in room.run("theme", "list", "--json").json["themes"]}
    assert found == {
        "broken": {"own": True, "used_by": [], "faults": 10},
        "default": {"own": False, "used_by": [], "faults": 0},
        "gone": {"own": False, "used_by": ["town"], "faults": None},
    }
    told = room.run("theme", "list").out
    assert "not there" in told and max(map(len, told.splitlines())) <= 80


def test_a_preview_frames_every_state_and_opens_without_a_server(room: Newsroom, tmp_path: Path) -> None:
    folder = tmp_path / "shown"
    for _ in range(2):  # the second takes the place of the first
        done = room.run("theme", "preview", "default", "-o", str(folder), "--json")
        assert done.code == 0, done.said
    page = Path(done.json["page"]).read_text()
    for state in states():
        for scheme in ("light", "dark"):
            name = f"{state.replace(' ', '-')}-{scheme}.html"
            assert page.count(f'src="{name}"') == 2, "at both widths"
            mail = (folder / name).read_text()
            assert "prefers-color-scheme" not in mail and "pictures.gazette.example" not in mail
    assert (folder / "pictures" / "market.jpg").is_file()
    assert page.count('width="600"') == page.count('width="375"') == 2 * (len(states()) + len(letters()))
    assert (folder / "letter-confirm.txt").is_file() and 'src="letter-alert-dark.html"' in page


@pytest.mark.parametrize("is_empty", [True, False])
def test_a_preview_is_not_written_through_a_link(room: Newsroom, tmp_path: Path, is_empty: bool) -> None:
    target = tmp_path / "precious"
    target.mkdir()
    if not is_empty:
        (target / "file").write_text("precious")
    (tmp_path / "link").symlink_to(target)
    done = room.run("theme", "preview", "default", "-o", str(tmp_path / "link"))
    assert (done.code, "is a link" in done.said) == (2, True)
    assert [path.name for path in target.iterdir()] == ([] if is_empty else ["file"])


def test_a_preview_never_clears_a_folder_of_yours(room: Newsroom, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("all of it")
    done = room.run("theme", "preview", "default", "-o", str(tmp_path))
    assert (done.code, "not an earlier preview" in done.said) == (3, True)
    assert (tmp_path / "thesis.txt").read_text() == "all of it"


def test_a_theme_with_faults_is_not_shown(room: Newsroom, themes: Path, tmp_path: Path) -> None:
    plant(themes)
    done = room.run("theme", "preview", "gazette", "-o", str(tmp_path / "shown"))
    assert (done.code, "newsletter theme check gazette" in done.said) == (2, True)
    assert not (tmp_path / "shown").exists()


def test_a_themes_own_words_steer_no_terminal(room: Newsroom, themes: Path) -> None:
    (themes / "evil" / "parts").mkdir(parents=True)
    (themes / "evil" / "parts" / "more.mjml.j2").write_text(
        "<mj-raw>\x1b]0;owned\x07[/b] <p x=\u202e>5</mj-raw>"
    )
    (themes / "evil" / "\x1b[2J.j2").write_text("x")
    done = room.run("theme", "check", "evil")
    assert done.code == 2
    assert "\x1b" not in done.out and "\u202e" not in done.out and "␛]0;owned␇[/b]" in done.out


# ── docs/themes.md, followed ────────────────────────────────────────────────────────────────────


def test_each_step_of_the_page_leaves_a_sound_theme(room: Newsroom, themes: Path) -> None:
    assert room.run("theme", "new", "gazette").code == 0
    steps = tutorial.files()
    assert set(steps) > {"themes/gazette/inline.css", "themes/gazette/parts/more.mjml.j2"}
    for name, text in steps.items():
        file = room.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        done = room.run("theme", "check", "gazette")
        assert done.code == 0, (name, done.said)


def test_the_finished_look_is_in_the_mail(room: Newsroom, themes: Path, tmp_path: Path) -> None:
    tutorial.follow(room.folder)
    folder = tmp_path / "shown"
    assert room.run("theme", "preview", "gazette", "-o", str(folder)).code == 0
    html, text = (folder / "full-dark.html").read_text(), (folder / "full.txt").read_text()
    assert "color:#1f4e79" in html and "#8fbfe6 !important" in html and "Show more news →" in html
    assert "Mastodon" not in html + text


def test_the_fault_that_the_page_shows_is_told_so(room: Newsroom, themes: Path) -> None:
    tutorial.follow(room.folder)
    line = '    <mj-button href="{{ edition.more_url }}">{{ label.more }}</mj-buton>'
    part = themes / "gazette" / "parts" / "more.mjml.j2"
    part.write_text(f"<mj-section><mj-column>\n{line}\n</mj-column></mj-section>\n")
    told = room.run("theme", "check", "gazette").out
    assert f"```\n{told}```" in tutorial.PAGE.read_text(encoding="utf-8")


def test_the_frames_show_the_mail_with_its_pictures_and_run_nothing(
    room: Newsroom, tmp_path: Path, page: Page, complaints: list[str]
) -> None:
    assert room.run("theme", "preview", "default", "-o", str(tmp_path / "shown")).code == 0
    mail = tmp_path / "shown" / "full-light.html"
    mail.write_text(mail.read_text().replace("</body>", "<script>document.title = 'ran'</script></body>"))
    page.set_viewport_size({"width": 2200, "height": 1000})
    page.goto((tmp_path / "shown" / "index.html").as_uri())
    light, dark = (page.frame(url=f"**/full-{scheme}.html") for scheme in ("light", "dark"))
    assert light is not None and dark is not None
    for frame in (light, dark):
        frame.wait_for_function("[...document.images].every(image => image.naturalWidth)")
    grounds = [frame.evaluate("getComputedStyle(document.body).backgroundColor") for frame in (light, dark)]
    assert grounds == ["rgb(242, 240, 234)", "rgb(16, 15, 13)"]
    assert light.title() != "ran"
    assert all("sandboxed" in complaint for complaint in complaints) and complaints
    complaints.clear()
