"""A file of articles: every line is taken or refused with its number, the reason and the mend."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsletter.errors import Misuse
from newsletter.feeds.files import draft_of, read_file
from newsletter.models import ArticleKind
from newsletter.values import ArticleDraft, Picture, Refusal

FULL = {
    "url": "https://post.example/ferry?utm_source=cms",
    "title": "Ferry returns",
    "summary": "After <nine> months.",
    "byline": "Ada",
    "section": "Town",
    "language": "en-GB",
    "kind": "video",
    "picture_url": "https://post.example/f.jpg",
    "picture_width": 1200,
    "picture_height": 800,
    "picture_alt": "A ferry",
    "duration": 185,
    "published_at": "2026-02-18T08:00:00-05:00",
}
DRAFT = ArticleDraft(
    url="https://post.example/ferry",
    title="Ferry returns",
    summary="After <nine> months.",
    byline="Ada",
    section="Town",
    language="en-gb",
    kind=ArticleKind.VIDEO,
    picture=Picture("https://post.example/f.jpg", 1200, 800, "A ferry"),
    duration="3:05",
    published_at=datetime(2026, 2, 18, 13, 0, tzinfo=UTC),
)


def lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(f"{json.dumps(row) if isinstance(row, dict) else row}\n" for row in rows))
    return path


def test_json_lines(tmp_path: Path) -> None:
    file = lines(
        tmp_path / "a.jsonl", FULL, "", {"url": "https://post.example/b", "title": "B", "summary": None}
    )
    assert read_file(file) == ((DRAFT, ArticleDraft(url="https://post.example/b", title="B")), ())


def test_csv_with_a_byte_order_mark_and_a_line_break_in_quotes(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(
        b"\xef\xbb\xbfurl,title,summary,picture_url\r\n"
        b'https://post.example/a,"A ""quoted"" title","two\r\nlines",\r\n'
        b"\r\n"
        b"https://post.example/b,B,,https://post.example/b.jpg\r\n"
    )
    assert read_file(file) == (
        (
            ArticleDraft(url="https://post.example/a", title='A "quoted" title', summary="two lines"),
            ArticleDraft(
                url="https://post.example/b", title="B", picture=Picture("https://post.example/b.jpg")
            ),
        ),
        (),
    )


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("url", "", "url must be an http or https address; it is empty"),
        (
            "url",
            "javascript:alert(1)",
            "url must be an http or https address; 'javascript:alert(1)' is not one",
        ),
        ("title", " \u200b ", "title is empty"),
        ("title", "NUL\x00", "title holds a character that is no text"),
        ("summary", "half \ud800", "summary holds a character that is no text"),
        ("headline", "x", "unknown field 'headline'; the fields are url, title"),
        ("kind", "podcast", "kind must be one of story, video, note, sponsor; 'podcast' is not"),
        ("language", "English!", "language must be a code such as en or pt-BR"),
        ("picture_url", "/relative.jpg", "picture_url must be an http or https address"),
        ("picture_width", "wide", "picture_width must be a whole number of pixels; 'wide' is not"),
        ("picture_width", "-1", "picture_width must be a whole number"),
        ("duration", "long", "duration must be like 3:20, or seconds"),
        ("html", "<p>x</p>", "only a note or a sponsor has html, and this is a video"),
        (
            "published_at",
            "2026-02-18T09:00:00",
            "published_at has no zone; write 2026-02-18T09:00:00Z for UTC",
        ),
        ("published_at", "yesterday", "published_at must be like 2026-02-18T09:00:00Z; 'yesterday' is not"),
        ("published_at", "0001-01-01T00:00:00+14:00", "outside of the calendar"),
        ("title", True, "title is neither text nor a whole number"),
        ("title", ["x"], "title is neither text nor a whole number"),
    ],
)
def test_a_refused_line_names_place_and_mend(tmp_path: Path, field: str, value: object, why: str) -> None:
    file = lines(
        tmp_path / "a.jsonl", {"url": "https://post.example/0", "title": "Good"}, {**FULL, field: value}
    )
    drafts, (refusal,) = read_file(file)
    assert len(drafts) == 1
    assert refusal.place == "line 2"
    assert why in refusal.why


@pytest.mark.parametrize("line", ["{", "[]", '"text"', "[" * 100_000])
def test_a_line_that_is_no_object(tmp_path: Path, line: str) -> None:
    _, refused = read_file(lines(tmp_path / "a.jsonl", line))
    assert refused[0].place == "line 1"
    assert "not a JSON object" in refused[0].why


def test_the_same_address_twice(tmp_path: Path) -> None:
    again = {"url": "https://post.example/ferry#top", "title": "Again"}
    assert read_file(lines(tmp_path / "a.jsonl", FULL, again)) == (
        (DRAFT,),
        (Refusal("line 2", "same address as line 1"),),
    )


def test_a_huge_line_is_skipped_and_the_next_one_read(tmp_path: Path) -> None:
    huge = {"url": "https://post.example/h", "title": "H", "summary": "x" * 700_000}
    drafts, refused = read_file(lines(tmp_path / "a.jsonl", huge, FULL))
    assert drafts == (DRAFT,)
    assert refused == (Refusal("line 1", "longer than 262,144 bytes, or not UTF-8"),)


def test_a_line_that_is_not_utf_8(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes('{"title": "Köln"}\n'.encode("latin-1") + json.dumps(FULL).encode())
    drafts, refused = read_file(file)
    assert (drafts, refused[0].place) == ((DRAFT,), "line 1")


@pytest.mark.parametrize(
    ("rest", "place", "why"),
    [
        ("https://post.example/a,A,extra\n", "line 2", "more fields than the header row"),
        ("https://post.example/a\n", "line 2", "fewer fields than the header row"),
        ('https://post.example/a,"open\n', "line 2", "the rest was not read"),
        ("https://post.example/a,B\n" + "x" * 300_000 + ",B\n", "line 3", "the rest was not read"),
    ],
)
def test_a_broken_csv_says_where(tmp_path: Path, rest: str, place: str, why: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f"url,title\n{rest}")
    _, refused = read_file(file)
    assert (refused[-1].place, why in refused[-1].why) == (place, True)


def test_a_note_has_its_fragment_cleaned() -> None:
    draft = draft_of(
        {
            "url": "https://post.example/n",
            "title": "N",
            "kind": "note",
            "html": '<p onclick="x">Hi <a href="/a">a</a>',
        }
    )
    assert draft.html == '<p>Hi <a href="https://post.example/a">a</a></p>'


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="neither JSON Lines nor CSV"):
        read_file(tmp_path / "articles.xlsx")
    with pytest.raises(Misuse, match="cannot be read: No such file"):
        read_file(tmp_path / "missing.jsonl")
