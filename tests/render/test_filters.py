"""Cutting at a sentence or a word, wrapping without breaking addresses, fitting without distorting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.render.filters import cut, fit, wrap
from newsletter.values import Picture


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("Short.", 20, "Short."),
        ("Exactly twenty chars", 20, "Exactly twenty chars"),
        ("One sentence here. And then another that is too long.", 30, "One sentence here."),
        ("He said “stop here.” Then he went on and on.", 26, "He said “stop here.”"),
        ("No. But this first sentence goes on for far too long", 30, "No. But this first sentence…"),
        ("Words and, words and more words", 12, "Words and…"),
        ("Costs rose by 3.5 percent in the last quarter", 25, "Costs rose by 3.5…"),
        ("x" * 500, 10, "x" * 9 + "…"),
        ("Ціни зросли. Потім знову впали, і ніхто не знає чому", 20, "Ціни зросли."),
    ],
)
def test_a_summary_is_cut_where_a_reader_would(text: str, limit: int, expected: str) -> None:
    assert cut(text, limit) == expected


@pytest.mark.parametrize("cluster", ["👩‍👩‍👧", "e\u0301", "👍🏽", "❤️", "कि"])
def test_a_cut_tears_no_letter_or_family_apart(cluster: str) -> None:
    for limit in range(8, 16):
        kept = cut(cluster * 20, limit).removesuffix("…")
        assert kept == cluster * (len(kept) // len(cluster))


@given(st.text(max_size=300), st.integers(5, 250))
def test_a_cut_is_never_longer_than_it_may_be(text: str, limit: int) -> None:
    made = cut(text, limit)
    assert len(made) <= max(limit, 0) or made == text
    assert text.startswith(made.removesuffix("…").rstrip())


def test_lines_are_wrapped_and_addresses_stay_whole() -> None:
    address = "https://harbour.example/" + "a-very-long-part-" * 6
    lines = wrap(
        f"Before it some ordinary words {address} and after it some more-hyphenated words", 40
    ).split("\n")
    assert address in lines
    assert all(len(line) <= 40 or line == address for line in lines)


@pytest.mark.parametrize(
    ("size", "box", "expected"),
    [
        ((1600, 900), (536, 536), (536, 302)),
        ((800, 1200), (136, 136), (91, 136)),
        ((240, 134), (536, 536), (536, 299)),
        ((9000, 2), (136, 136), (136, 1)),
        ((0, 0), (136, 136), (136, 0)),
        ((1600, 0), (136, 136), (136, 0)),
    ],
)
def test_a_picture_keeps_its_proportions(
    size: tuple[int, int], box: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert fit(Picture("https://x.example/a.jpg", *size), *box) == expected
