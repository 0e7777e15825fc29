"""JSON Feed in both versions, well made and badly."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from newsletter.errors import FetchFailed
from newsletter.feeds.parse import Parsed, parse
from newsletter.models import ArticleKind
from newsletter.values import ArticleDraft, Picture, Refusal

NOW = datetime(2026, 2, 18, 13, 0, tzinfo=UTC)
VERSION = "https://jsonfeed.org/version/1.1"


def read(*items: object, **channel: Any) -> Parsed:
    document = {"version": VERSION, "title": "The Harbour Post", "items": items, **channel}
    return parse(json.dumps(document).encode(), base="https://harbour.example/feed.json", now=NOW)


def test_an_item_with_everything() -> None:
    parsed = read(
        {
            "id": "7", "url": "/ferry?utm_source=feed", "title": "Ferry <b>returns</b>",
            "summary": "At dawn.", "content_html": "<p>Long</p>", "image": "https://p.example/f.jpg",
            "language": "en-GB",
            "authors": [{"name": "Ada"}, {"name": "Bo"}], "date_published": "2026-02-18T11:00:00+01:00",
        }
    )  # fmt: skip
    assert parsed.title == "The Harbour Post"
    assert parsed.drafts == (
        ArticleDraft(
            url="https://harbour.example/ferry", title="Ferry <b>returns</b>", summary="At dawn.",
            byline="Ada, Bo", language="en-gb", picture=Picture("https://p.example/f.jpg"),
            published_at=datetime(2026, 2, 18, 10, 0, tzinfo=UTC), guid="7",
        ),
    )  # fmt: skip


def test_text_keeps_its_brackets_and_html_loses_them() -> None:
    text, html = read(
        {"id": "1", "url": "/1", "title": "T", "content_text": "How <b> works"},
        {"id": "2", "url": "/2", "title": "T", "content_html": "How <b>it</b> works<script>x</script>"},
    ).drafts
    assert (text.summary, html.summary) == ("How <b> works", "How it works")


def test_version_1_and_the_first_picture_of_the_text() -> None:
    (draft,) = read(
        {
            "id": 3, "external_url": "https://else.example/3", "title": 42, "author": {"name": "Ada"},
            "content_html": '<img src="/1x1/pixel.gif" width=1 height=1><img src="/a.png" alt="A &amp; B">',
        },
        version="https://jsonfeed.org/version/1",
    ).drafts  # fmt: skip
    assert (draft.url, draft.title, draft.byline, draft.guid) == ("https://else.example/3", "42", "Ada", "3")
    assert draft.picture == Picture("https://harbour.example/a.png", alt="A & B")


def test_a_video_is_an_attachment() -> None:
    attachment = {"url": "https://v.example/a.mp4", "mime_type": "video/mp4", "duration_in_seconds": 200}
    (draft,) = read({"id": "1", "url": "/1", "title": "T", "attachments": [attachment]}).drafts
    assert (draft.kind, draft.duration) == (ArticleKind.VIDEO, "3:20")


def test_what_has_the_wrong_type_is_refused_by_item() -> None:
    parsed = read(
        None, "text", {"id": "1", "title": "T"}, {"url": ["/1"], "title": "T"},
        {"url": "/2", "title": {"a": 1}},
        {"url": "javascript:alert(1)", "title": "T"},
        {"url": "/ok", "title": "T", "authors": "x", "attachments": {"a": 1}, "image": 7,
         "date_published": []},
    )  # fmt: skip
    assert [draft.url for draft in parsed.drafts] == ["https://harbour.example/ok"]
    assert parsed.refused[0] == Refusal("item 1", "it has no link")
    assert len(parsed.refused) == 6


def test_more_items_than_wanted_are_named() -> None:
    document = json.dumps({"version": VERSION, "items": [{"url": f"/{n}", "title": "T"} for n in range(7)]})
    parsed = parse(document.encode(), base="https://p.example/", now=NOW, max_items=5)
    assert (len(parsed.drafts), parsed.drafts[0].length) == (5, 7)
    assert parsed.refused == (Refusal("items 6 to 7", "more than 5 items"),)


@pytest.mark.parametrize(
    "document",
    [
        '{"items": []}',
        '{"version": "https://jsonfeed.org/version/1", "items": {}}',
        "{" * 100_000,
        '{"a":' * 50_000,
        '{"a": ' + "9" * 10_000 + "}",
    ],
)
def test_other_json_is_no_feed(document: str) -> None:
    with pytest.raises(FetchFailed, match="no feed, but something else"):
        parse(document.encode(), base="https://p.example/", now=NOW)
