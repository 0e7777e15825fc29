"""Our own tools are not turned on us: compiling a theme fetches nothing, whatever it asks for
(security group VII). `tests/render/test_styles.py` watches the compilation itself; this is a morning."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.render.theme import load_theme
from tests.newsroom import NINE, Newsroom
from tests.smtpd import SmtpServer

SECRET = "the key of the town hall"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("file", "added"),
    [
        ("inline.css", "@import url({url});"),
        ("inline.css", "p {{ background: url({file}) }}"),
        ("layout.mjml.j2", '<mj-include path="{file}" />'),
        ("layout.mjml.j2", '<mj-font name="Georgia" href="{url}" />'),
        ("layout.mjml.j2", '<mj-raw><link rel="stylesheet" href="{url}" /></mj-raw>'),
        ("layout.mjml.j2", '<mj-style inline="inline">@import "{file}";</mj-style>'),
        ("layout.mjml.j2", '{{% include "../../../{file}" %}}'),
        ("layout.mjml.j2", '<mj-style>@import url("{url}");</mj-style>'),
    ],
)
def test_a_theme_that_fetches_is_held_and_fetches_nothing(
    room: Newsroom, server: SmtpServer, listener: socket.socket, file: str, added: str
) -> None:
    shipped = load_theme("default").folders[0]
    theme = room.folder / "themes" / "evil"
    theme.mkdir(parents=True)
    Path(room.folder / "secret.txt").write_text(SECRET)
    places = {
        "url": f"http://127.0.0.1:{listener.getsockname()[1]}/a.css",
        "file": f"{room.folder}/secret.txt",
    }
    text, hostile = (shipped / file).read_text(), added.format(**places)
    with_it = text + hostile if file.endswith(".css") else text.replace("</mj-head>", hostile + "</mj-head>")
    assert with_it != text
    (theme / file).write_text(with_it)
    room.configure(newsletter='theme = "evil"')
    room.config.write_text('themes = "themes"\n' + room.config.read_text())
    room.import_stories()
    room.import_readers(1)
    done = room.run("tick", "--json", now=NINE)
    assert (done.code, room.edition()["state"], server.mails) == (4, "held", []), done.said
    assert SECRET not in done.said + room.edition()["why"]
    with pytest.raises(BlockingIOError):
        listener.accept()
