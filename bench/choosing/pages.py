"""Three editions of one morning from a folder's feeds, to be looked at: is each what an editor would run?

Each is chosen and rendered by the program, and written as the web shows it, with a list beside it of
what is in, what is out, and why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bench.choosing.sample import Item, Sample
from bench.meter import Figure, Row
from newsletter.mail.greeting import greet
from newsletter.models import Slot
from newsletter.render.compile import neutral_html
from newsletter.render.labels import labels_for
from newsletter.runtime import Runtime
from newsletter.services.rehearsing import Rehearsal, rehearse
from newsletter.values import Candidate
from tests.newsroom import NINE

REGIONS = {
    "Middle East": "Iran* Israel* Gaza* Palestin* Syria* Leban* Hezbollah Iraq* Saudi* Yemen* Qatar* Hormuz "
    "Tehran Turk* Jordan* Egypt* Kurd*",
    "Europe": "Europe* EU NATO Ukrain* Kyiv Zelensk* Russia* Moscow Kremlin Putin Navalny* German* Berlin "
    "Merz France French Paris Macron UK Britain British London Starmer Ital* Milan* Spain Spanish Poland "
    "Polish Swiss Switzerland Greece Greek* Hungar* Orban Dutch Netherlands Belgi* Swed* Norw* "
    "Denmark Danish Finland Finnish Ireland Irish Austria* Portug* Serbia* Kosovo* Roma Romania* Bulgaria* "
    "Czech* Slovak* Baltic* Estonia* Latvia* Lithuania* Vatican Balkan* Cyprus",
    "Asia": "Asia* China Chinese Beijing Taiwan* Japan* Korea* India Indian* Pakistan* Bangladesh* Afghan* "
    "Philippin* Indonesia* Thai* Vietnam* Myanmar Nepal* Lanka* Tibet* Australia* Zealand Singapore* "
    "Malaysia* Kong",
    "Africa": "Africa* Nigeria* Sudan* Kenya* Congo* Ethiopia* Somali* Uganda* Ghana* Mali Senegal* Rwanda* "
    "Zimbabwe* Morocc* Algeria* Tunisia* Libya* Cameroon* Mozambique",
    "Americas": "US U.S. America* Trump Washington Canad* Mexic* Cuba* Venezuel* Brazil* Argentin* Peru* "
    "Colombia* Chile* Ecuador* Haiti* Bolivia* Guatemala* California* Texas",
}  # fmt: skip
WAR = "Ukrain* Kyiv Zelensk* Russia* Moscow Kremlin Putin Navalny*"


def write_pages(sample: Sample, folder: Path) -> Iterator[Row]:
    """Write each edition as `NAME.html` and `NAME.txt`, and count what a look may miss."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in _rule_sets(sample.feeds).items():
        sample.configure(newsletter=lines)
        with sample.room.opened() as runtime:
            rehearsal = rehearse(runtime, runtime.newsletter("town"), NINE)
            html = neutral_html(rehearsal.rendition, _for_anybody(runtime))
            items = sample.items(runtime)
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
        (folder / f"{name}.txt").write_text("\n".join(_told(rehearsal)) + "\n", encoding="utf-8")
        yield Row(name, _figures(rehearsal, items))


def _figures(rehearsal: Rehearsal, items: Iterable[Item]) -> dict[str, Figure]:
    """`told twice` are articles beyond the first that tell one story, by the labels."""
    placements, pool = rehearsal.choice.placements, rehearsal.pool
    story = {item.article: item.story for item in items}
    told = Counter(story.get(each.article_id, -each.article_id) for each in placements)
    sections = Counter(each.section for each in placements if each.slot is Slot.HEADLINES)
    feeds = Counter(feed for each in placements for feed in _feeds(pool[each.article_id])[:1])
    return {
        "headlines": sections.total(),
        "sections": len(sections),
        "fewest": min(sections.values()),
        "most": max(sections.values()),
        "feeds": len(feeds),
        "most of a feed": max(feeds.values()),
        "told twice": told.total() - len(told),
    }


def _rule_sets(feeds: Sequence[str]) -> Mapping[str, str]:
    """For each edition the lines of its newsletter."""
    europe = REGIONS["Europe"]
    return {
        "all-news": _uses(feeds, {**REGIONS, "World": ""}),
        "europe": _uses(feeds, {"Russia and Ukraine": WAR, "Europe": europe}),
        "five-headlines": f"[newsletters.selection]\nmax_stories = 5\n{_uses(feeds, {'': ''})}",
    }


def _uses(feeds: Sequence[str], sections: Mapping[str, str]) -> str:
    """Every feed for every section; an article is taken by the first whose words it holds."""
    return "\n".join(
        f'[[newsletters.feeds]]\nuse = "{feed}"\nsection = "{section}"\ninclude = {_list(words)}'
        for section, words in sections.items()
        for feed in feeds
    )


def _list(words: str) -> str:
    quoted = (f'"{word}"' for word in words.split())
    return f"[{', '.join(quoted)}]"


def _for_anybody(runtime: Runtime) -> Mapping[str, str]:
    """What the mail's personal holes hold on the web."""
    page = runtime.links.newsletter("town")
    return {
        "greeting": greet("", "en"),
        "email": labels_for("en").anybody,
        "unsubscribe_url": page,
        "preferences_url": page,
        "web_url": runtime.links.edition("town", "2026-02-18"),
    }


def _told(rehearsal: Rehearsal) -> Iterator[str]:
    choice, pool = rehearsal.choice, rehearsal.pool
    yield f"subject: {rehearsal.rendition.subject}"
    section = None
    for placement in choice.placements:
        if (placement.slot, placement.section) != section:
            section = (placement.slot, placement.section)
            yield f"\n── {placement.slot} {placement.section}"
        yield from _article(pool[placement.article_id], placement.why)
    placed = {placement.article_id for placement in choice.placements}
    yield "\n── out"
    for article in _by_standing(pool[number] for number in choice.reasons if number not in placed):
        yield from _article(article, choice.reasons[article.id].removeprefix("out: "))


def _article(article: Candidate, why: str) -> Iterator[str]:
    feeds = ", ".join(_feeds(article))
    yield f"{article.id:>4}  {article.title}  [{feeds}, {article.published_at:%d %b %H:%M}]"
    yield f"      {why}"


def _by_standing(articles: Iterable[Candidate]) -> list[Candidate]:
    """As high as they stand in a feed."""
    return sorted(articles, key=lambda a: (min(c.rank / c.length for c in a.carried_by), a.id))


def _feeds(article: Candidate) -> list[str]:
    return [carried.feed for carried in article.carried_by]
