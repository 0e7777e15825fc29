"""What a newsletter's keys refuse, in the very words; a row each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.papers import paper, refusal


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "theme = 5",
            "theme is to be a text; put it in quotes.",
        ),
        (
            'noindex = "perhaps"',
            "noindex is to be true or false; write one of them without quotes.",
        ),
        (
            'approval = "maybe"',
            "approval is to be one of 'none', 'optional' or 'required'; choose one of these.",
        ),
        (
            'delivery_time = "reader"',
            "delivery_time is to be one of 'publisher' or 'subscriber'; choose one of these.",
        ),
        (
            'proof = "desk@news.example"',
            'proof is to be a list; write it in brackets: proof = ["…"].',
        ),
        (
            "cutoff = -5",
            'cutoff is to be a duration between nothing and a year; write seconds (1800) or words ("30 '
            'minutes", "2 hours", "90 days").',
        ),
        (
            'timezone = "New York"',
            "timezone is no time zone: 'New York'; did you mean America/New_York?",
        ),
        (
            'timezone = "Europe/Kyjiv"',
            "timezone is no time zone: 'Europe/Kyjiv'; did you mean Europe/Kyiv or Europe/Kiev?",
        ),
        (
            'timezone = "newsroom time"',
            "timezone is no time zone: 'newsroom time'; write an IANA name such as America/New_York.",
        ),
        (
            'timezone = "../zoneinfo"',
            "timezone is no time zone: '../zoneinfo'; write an IANA name such as America/New_York.",
        ),
        (
            'send_at = "9am"',
            "send_at is no minute of a day: '9am'; write the minute on a 24-hour clock: \"09:00\".",
        ),
        (
            "send_at = 9",
            "send_at is no minute of a day: '9'; write the minute on a 24-hour clock: \"09:00\".",
        ),
        (
            "send_at = 09:00:30",
            "send_at is no minute of a day: '09:00:30'; write the minute on a 24-hour clock: \"09:00\".",
        ),
        (
            'days = ["mon", "Tuesday"]',
            "days is to be one of 'mon', 'tue', 'wed', 'thu', 'fri', 'sat' or 'sun'; choose one of these.",
        ),
        (
            "days = []",
            "days is an empty list; name at least one, or leave the key out.",
        ),
        (
            'holidays = ["XX"]',
            "holidays names no country or region: 'XX'; write an ISO 3166 code such as US, DE or DE-BY.",
        ),
        (
            'holidays = ["DE-BZ"]',
            "holidays names no country or region: 'DE-BZ'; write an ISO 3166 code such as DE-BB.",
        ),
        (
            'skip_dates = ["2026-13-25"]',
            "skip_dates is no date: '2026-13-25'; write it like 2026-12-25.",
        ),
        (
            "skip_dates = [20261225]",
            "skip_dates is to be a date; write it like 2026-12-25.",
        ),
        (
            'cutoff = "1 minute"',
            "cutoff is 60 seconds, but [sending] lead freezes an edition 120 seconds before due; make the "
            "cut-off at least as long as the lead.",
        ),
        (
            'theme = "../secret"',
            "theme is to be lower-case letters, digits, hyphens and underscores, not '../secret'; write it "
            "like evening-paper.",
        ),
        (
            'language = "English"',
            "language is to be a language tag, not 'English'; write it like en, uk or pt-BR.",
        ),
        (
            r'from_name = "Paper\r\nBcc: everybody@news.example"',
            "from_name holds a line break or another control character; write it on one line.",
        ),
        (
            r'intro = "Good\u0007 morning"',
            "intro holds a control character; take it out; line breaks may stay.",
        ),
        (
            r'proof = ["desk@news.example", "x@news.example\r\nRCPT TO:<y@news.example>"]',
            "proof is no mail address: 'x@news.example\\r\\nRCPT TO:<y@news.example>' (The part after the "
            "@-sign contains invalid characters: ':', '<', '>', '@', SPACE, U+000A, U+000D); write it like "
            "desk@news.example.",
        ),
        (
            'return_path = "b+{token}{token}@news.example"',
            "return_path may hold one {token} before the @ and no other braces; write it like "
            "bounces+{token}@news.example.",
        ),
        (
            'return_path = "b+{name}@news.example"',
            "return_path may hold one {token} before the @ and no other braces; write it like "
            "bounces+{token}@news.example.",
        ),
        (
            'return_path = "b@{token}.example"',
            "return_path may hold one {token} before the @ and no other braces; write it like "
            "bounces+{token}@news.example.",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_place_key_and_mend(tmp_path: Path, line: str, sentence: str) -> None:
    assert refusal(tmp_path, paper(line)) == f"~, line 6: [[newsletters]] 'paper' {sentence}"
