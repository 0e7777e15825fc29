"""One article that means harm in every field leads the edition: it arrives as words, and hurts nobody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

import pytest

from newsletter.render.frames import SCHEMES, in_scheme
from tests.browser import OpenTab
from tests.newsroom import NINE, Newsroom, at
from tests.render.page import Page as Read
from tests.smtpd import Mail, SmtpServer

FAMILY = "👩‍👩‍👧‍👦"
IN_THE_HEADLINE = {
    "a hole's look-alike": "hole612d19ea96ccunsubscribe_urlz holeemailz {{ hole.email }} [[unsubscribe_url]]",
    "a row closed": "</td></tr></table><script>document.title = 'ran'</script>",
    "a family": f"{FAMILY} and 🏴󠁧󠁢󠁥󠁮󠁧󠁿 and नमस्ते",
}
IN_THE_SUMMARY = {
    "a template": "{{ 7*7 }} {% include '/etc/passwd' %} ${x} #{y}",
    "a picture": '"><img src=x onerror="document.title = \'ran\'">',
    "Outlook's comment": "<!--[if mso]><v:rect><![endif]--> <![if !mso]>x<![endif]>",
}
NO_SPACE = "x" * 500
TURNED = "\u202egpj.exe\u202c \u2066turned\u2069 round\r\nBcc: all@readers.example\r\n.\r\nQUIT"
SHOWN = "gpj.exe turned round Bcc: all@readers.example . QUIT"


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


def sent(folder: Path, database_url: str, server: SmtpServer, words: str, **more: object) -> Mail:
    """The mail of an edition that this article leads, with a headline below it that does not break."""
    room = Newsroom(folder, database_url, server.port)
    row = {
        "title": words, "summary": words, "byline": words, "section": words[:60], "language": "en",
        "picture_url": "https://pictures.example/a.jpg", "picture_width": 800, "picture_height": 600,
        "picture_alt": words,
        "published_at": at("08:00").isoformat(), **more,
    }  # fmt: skip
    other = {
        "url": "https://post.example/1", "title": NO_SPACE, "section": "Town",
        "published_at": at("05:00").isoformat(),
    }  # fmt: skip
    rows = [row | {"url": "https://post.example/0?a=1&b=%22%3E"}, other]
    (folder / "news.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    done = room.run("articles", "import", str(folder / "news.jsonl"), now=at("08:00"))
    assert done.code == 0, done.said
    room.import_stories()
    room.import_readers(1)
    assert room.run("tick", now=NINE).code == 0
    (mail,) = server.mails
    return mail


def parts(mail: Mail) -> tuple[str, str]:
    html, text = (mail.message.get_body([kind]) for kind in ("html", "plain"))
    assert html is not None and text is not None
    return html.get_content(), text.get_content()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_it_comes_out_inert_and_legible_everywhere(
    tmp_path: Path, database_url: str, server: SmtpServer, open_tab: OpenTab, complaints: list[str]
) -> None:
    headline = " ".join([TURNED, *IN_THE_HEADLINE.values()])
    summary = " ".join([TURNED, *IN_THE_SUMMARY.values()])
    mail = sent(tmp_path, database_url, server, headline, summary=summary)
    html, text = parts(mail)
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\x00|\r\n\.", mail.content)
    assert mail.message["Bcc"] is None and str(mail.message["Subject"]).startswith(SHOWN)
    for part in (html, text, str(mail.message["Subject"])):
        assert not re.search("[\x00\u202a-\u202e\u2066-\u2069]", part)

    page = Read(html)
    assert not page.all("script") and not [tag for tag, attrs in page.tags if "onerror" in attrs]
    assert {attrs["alt"][: len(SHOWN)] for attrs in page.all("img") if attrs["alt"]} == {SHOWN}
    assert {attrs["href"] for attrs in page.all("a")} & {"https://post.example/0?a=1&b=%22%3E"}
    assert sum("/unsubscribe/" in attrs["href"] for attrs in page.all("a")) == 2, "as many as ever"
    for said in (*IN_THE_HEADLINE.values(), *IN_THE_SUMMARY.values(), NO_SPACE[:290]):
        assert said in page.text and "".join(said.split()) in "".join(text.split()), said

    for scheme in SCHEMES:
        tab = open_tab(viewport={"width": 375, "height": 800}, color_scheme=scheme)
        tab.route("**/*", lambda route: route.abort())
        tab.set_content(in_scheme(html, scheme))
        seen = tab.locator("h1").inner_text()
        assert FAMILY in seen and IN_THE_HEADLINE["a row closed"] in seen
        assert tab.title() != "ran"
        assert tab.evaluate("document.documentElement.scrollWidth") == 375, "nothing sticks out on a phone"
    assert all("pictures.example" in one or "ERR_FAILED" in one for one in complaints), complaints
    complaints.clear()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "more",
    [
        {"summary": "A summary that does not end. " * 8_000},
        {"kind": "note", "html": "<b>" * 12_000 + "deep" + "</b>" * 12_000},
        {"summary": "<b>" * 12_000 + "deep" + "</b>" * 12_000},
        {"summary": escape("<div>" * 12_000)},
    ],
    ids=["as long as an import takes", "nested without end", "nested in a summary", "nested and escaped"],
)
def test_what_is_too_much_is_less_in_the_mail(
    tmp_path: Path, database_url: str, server: SmtpServer, more: dict[str, object]
) -> None:
    mail = sent(tmp_path, database_url, server, "The ferry is back", **more)
    html, text = parts(mail)
    assert "The ferry is back" in html and "The ferry is back" in text
    assert len(mail.content) < 60_000 and html.count("<b>") < 100
