"""Nobody's words become SQL, template, header or command (security group I)."""

from __future__ import annotations

import ast
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel

from newsletter.config import NewsletterSettings, Relay, load_settings
from newsletter.errors import Misuse
from newsletter.web.app import create_app
from newsletter.web.server import WebServer
from tests.newsroom import NINE, Newsroom, at
from tests.smtpd import SmtpServer
from tests.web.conftest import Paper
from tests.web.routes import POST_ROUTES

ROOT = Path(__file__).parents[2]

NAMED = {"newsletter/render/sandbox.py", "newsletter/render/legible.py"}


def test_only_two_places_call_text_safe_and_no_template_does() -> None:
    """Whatever else is shown is escaped at its output (row 37)."""
    code = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "newsletter").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Markup"
        if not isinstance(node.args[0], ast.Constant)
    }
    templates = [
        path.name
        for path in (ROOT / "templates").rglob("*.*")
        if re.search(r"\|\s*safe\b|autoescape\s+false", path.read_text(encoding="utf-8"))
    ]
    assert (code, templates) == (NAMED, [])


# ── SQL ─────────────────────────────────────────────────────────────────────────────────────────

INJECTED = [
    "'", '"', "';--", "slug:[x',y]", "a desc,(select 1)", "\0", "%00", "1 OR 1=1", "\\", "x' OR '1'='1", "%",
    "x') UNION SELECT address FROM subscriber--", "1; DROP TABLE subscriber", "\u202e", "²", "\x1f", "-1",
]  # fmt: skip


def addresses(paper: Paper, value: str) -> Iterator[str]:
    """Every route with `value` in each of its places: path parameters first, then query parameters."""
    for route in create_app(paper.runtime).routes:
        assert isinstance(route, APIRoute)
        if route.path.startswith("/desk") or "GET" not in route.methods:
            continue  # the desk has a test of its own, for those who are signed in
        good = {"newsletter": "post", "slug": "2026-02-17", "token": "x", "version": "x", "name": "x"}
        for place in route.dependant.path_params:
            path = route.path
            for name, usual in good.items():
                path = path.replace(f"{{{name}}}", quote(value if name == place.alias else usual, safe=""))
            yield path
        for parameter in route.dependant.query_params:
            yield f"{route.path.format(**good)}?{parameter.alias}={quote(value, safe='')}"


@pytest.mark.parametrize("value", INJECTED)
def test_no_parameter_of_any_route_reaches_the_store_as_sql(
    site: httpx.Client, paper: Paper, value: str
) -> None:
    paper.edition("2026-02-17")
    before, usual = paper.dump(), site.get("/n/post").content
    asked = list(addresses(paper, value))
    assert any("?page=" in path for path in asked) and any("?preview=" in path for path in asked)
    for path in asked:
        answer = site.get(path)
        assert answer.status_code in (200, 400, 404), (path, answer.status_code)
    form = dict.fromkeys(("leave", "return", "undo", "List-Unsubscribe", value), value)
    for path in POST_ROUTES:
        if not path.startswith("/desk"):
            assert site.post(path, data=form).status_code in (200, 400, 404, 422), path
    choose = paper.runtime.links.preferences(paper.alice).removeprefix("https://news.example.org")
    for field in ("leave", "return"):
        assert site.post(choose, data={field: value}).status_code == (400 if value == "\0" else 200)
    assert paper.dump() == before and site.get("/n/post").content == usual


def unwritten(tree: ast.AST) -> list[str]:
    """Statements that the program did not write itself: what text() and its like are given."""
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) in SQL_FROM_TEXT
        and not (node.args and isinstance(node.args[0], ast.Constant))
    ]


SQL_FROM_TEXT = ("text", "literal_column", "exec_driver_sql", "executescript")


def test_sql_that_is_text_is_a_constant() -> None:
    texts = [file.read_text(encoding="utf-8") for file in sorted((ROOT / "newsletter").rglob("*.py"))]
    found = [call for text in texts if "sqlalchemy" in text for call in unwritten(ast.parse(text))]
    # BEGIN or BEGIN IMMEDIATE, chosen by us
    assert found == ["connection.exec_driver_sql(connection.info.get('begin', 'BEGIN IMMEDIATE'))"]
    assert unwritten(ast.parse("text('a {}'.format(b)); text(f'{a}'); sa.text(a)")) != []


# ── templates ───────────────────────────────────────────────────────────────────────────────────

CODE = "{{ 1234567*7 }} {% include '/etc/passwd' %} {{ config }} ${1234567*7} #{1234567*7} <%= 1234567*7 %>"


def test_editors_words_are_never_a_template(room: Newsroom, server: SmtpServer) -> None:
    room.configure(newsletter=f"intro = {json.dumps(CODE)}\ndescription = {json.dumps(CODE)}\nnoindex = true")
    rows = [
        {"url": f"https://town.example/{n}", "title": f"{n} {CODE}", "summary": f"Sum {CODE}", "byline": CODE,
         "section": f"S {CODE}", "published_at": at("04:00").isoformat()}
        for n in range(5)
    ]  # fmt: skip
    rows.append({"url": "https://town.example/n", "title": f"Note {CODE}", "kind": "note", "summary": CODE})
    (room.folder / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (room.folder / "r.csv").write_text(
        'address,name\nr@readers.example,"{{ 1234567*7 }}"\nq@readers.example,Ana\n'
    )
    assert room.run("articles", "import", str(room.folder / "a.jsonl"), now=at("04:00")).code == 0
    imported = room.run(
        "subscribers", "import", str(room.folder / "r.csv"), "--newsletter", "town", now=at("04:00")
    )
    assert imported.code == 0 and room.run("tick", now=NINE).code == 0
    assert len(server.mails) == 2
    for mail in server.mails:
        assert re.fullmatch(r"\d " + re.escape(CODE), str(mail.message["Subject"]))
        parts = [part.get_content() for part in mail.message.iter_parts()]
        for text in (parts[0], html.unescape(re.sub(r"<[a-z/!][^>]*>", " ", parts[1]))):
            words = " ".join(text.split())
            assert words.count(CODE) >= 10, words
            assert "8641969" not in words and "root:" not in words
        assert "{{ 1234567*7 }}," not in parts[0] and "{{ 1234567*7 }}." not in parts[0], (
            "no greeting by such a name"
        )
    with room.opened() as runtime:
        web = WebServer(runtime)
        web.start()
        page = httpx.get(f"{web.url}/n/town/2026-02-18").text
        about = httpx.get(f"{web.url}/n/town").text
        web.stop()
    assert "{{ 1234567*7 }}" in html.unescape(page) and CODE in html.unescape(about)


# ── headers and commands ────────────────────────────────────────────────────────────────────────

POISON = ["\r\nRCPT TO:<x@y.example>", "\n", "\r", "\0", "\x0b", "\x1b", "\x7f", "\x85", "\u2028", "\u2029"]
# Several lines are right in these; they never reach a header
PARAGRAPHS = {"description", "postal_address", "intro"}


def text_keys(part: type[BaseModel]) -> list[str]:
    return [name for name, field in part.model_fields.items() if field.annotation is str]


def config_with(part: type[BaseModel], key: str, value: str) -> str:
    good: dict[type[BaseModel], dict[str, str]] = {
        NewsletterSettings: {
            "slug": "town", "name": "Town", "from_address": "a@town.example", "postal_address": "1 Square",
        },
        Relay: {"name": "main", "host": "127.0.0.1", "tls": "none"},
    }  # fmt: skip
    good[part][key] = good[part].get(key, "mail@town.example" if key != "helo" else "town.example") + value
    tables = {NewsletterSettings: "newsletters", Relay: "relays"}
    return "\n".join(
        f"[[{tables[kind]}]]\n" + "\n".join(f"{name} = {json.dumps(text)}" for name, text in keys.items())
        for kind, keys in good.items()
    )


@pytest.mark.parametrize(
    ("part", "key"),
    [(part, key) for part in (NewsletterSettings, Relay) for key in text_keys(part)],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_no_setting_carries_a_second_line(part: type[BaseModel], key: str, tmp_path: Path) -> None:
    for poison in POISON:
        if key in PARAGRAPHS and poison == "\n":
            continue
        # In the middle, for the blanks around a value are taken off
        (tmp_path / "config.toml").write_text(config_with(part, key, f"{poison}x"))
        with pytest.raises(Misuse):
            load_settings(None, {}, tmp_path)


@pytest.mark.parametrize("place", ["[dkim]\ndomain = {}", "[dkim.keys]\n{} = 'x.pem'"])
def test_no_name_of_a_signer_or_a_key_carries_a_second_line(place: str, tmp_path: Path) -> None:
    for poison in (*POISON, "; d=y.example", "=", " "):
        (tmp_path / "config.toml").write_text(place.format(json.dumps(f"town{poison}.example")))
        with pytest.raises(Misuse, match=r"is no (domain|selector)"):
            load_settings(None, {}, tmp_path)


def test_no_word_of_a_reader_or_an_article_adds_a_command_or_a_header(
    room: Newsroom, server: SmtpServer
) -> None:
    smuggled = [
        "\n.\n",
        "\r\n.\r\nMAIL FROM:<evil@x.example>\r\nRCPT TO:<x@y.example>\r\n",
        "\r.\r",
        "\r\n.",
        ".",
    ]
    rows = [
        {"url": f"https://town.example/{n}", "title": f"Story {n}{word}{poison}Bcc: evil@x.example",
         "summary": ("x" * 4_090 + word) * 2 + poison, "published_at": at("04:00").isoformat()}
        for n, (word, poison) in enumerate(zip(smuggled * 2, [p for p in POISON if p != "\0"], strict=False))
    ]  # fmt: skip
    (room.folder / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    taken = room.run("articles", "import", str(room.folder / "a.jsonl"), "--json", now=at("04:00"))
    assert taken.code == 0, taken.said
    lines = ["address,name", "good@readers.example,Ana"]
    for number, poison in enumerate(POISON):
        lines.append(f'"r{number}@readers.example","Ana{poison}Bcc: evil@x.example"')
        lines.append(f'"s{number}{poison}@readers.example",Ana')
        lines.append(f'"t{number}@readers.example{poison}",Ana')
    (room.folder / "r.csv").write_bytes("\n".join(lines).encode())
    done = room.run(
        "subscribers", "import", str(room.folder / "r.csv"), "--newsletter", "town", "--skip-refused",
        "--json", now=at("04:00"),
    )  # fmt: skip
    room.run("tick", now=NINE)
    people = done.json["new"]
    assert people == len(server.mails) >= 1
    assert server.count("MAIL") == server.count("RCPT") == server.count("DATA") == people
    for commands in server.commands:
        for command in commands:
            assert COMMAND.fullmatch(command), command
    for mail in server.mails:
        assert not re.search(rb"(?<!\r)\n|\r(?!\n)", mail.content)
        assert mail.message["Bcc"] is None and len(mail.message.get_all("To")) == 1
        assert mail.content.count(b"\r\nSubject:") == 1
        assert not mail.message.defects


COMMAND = re.compile(
    r"EHLO [a-z0-9.\[\]:-]+|MAIL FROM:<news@town\.example>(?: SIZE=\d+)?(?: BODY=8BITMIME)?|RSET|DATA|QUIT"
    r"|RCPT TO:<[a-z0-9]+@readers\.example>"
)
