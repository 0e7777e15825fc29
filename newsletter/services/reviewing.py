"""What preflight finds in the entries of a page, one by one, and in the links of every mail. Pure:
everything comes as arguments.

A part of checking.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lxml import etree

from newsletter.models import LinkVerdict, Slot
from newsletter.selection.stories import is_wide
from newsletter.store.lately import Carried
from newsletter.store.words import searchable
from newsletter.values import (
    NO_PICTURE,
    Candidate,
    Check,
    Finding,
    Look,
    Picture,
    Placement,
    Ran,
    Severity,
    Touch,
)

HEADLINE_LENGTH = 90  # characters
WEB_PAGES = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True, slots=True)
class Sights:
    """What is known beside the page: what ran before, and what its addresses answered.

    `slow` is in seconds, `largest` in bytes of a picture. `touches` are what editors did to its articles,
    `mailed` the words of the mail that is compiled, in the form in which they are searched.
    """

    ran: Mapping[int, Ran]
    lately: Sequence[Carried]
    looks: Mapping[str, Look]
    slow: float
    largest: int
    touches: Mapping[int, Touch] = field(default_factory=dict)
    mailed: str = ""


@dataclass(frozen=True, slots=True)
class _Entry:
    placed: Placement
    article: Candidate
    name: str  # of the edition

    @property
    def headline(self) -> str:
        return self.placed.headline or self.article.title

    @property
    def picture(self) -> Picture | None:
        return self.placed.picture_of(self.article)

    @property
    def told(self) -> str:
        return f"Article {self.article.id}"

    @property
    def drop(self) -> str:
        return f"newsletter editions drop {self.name} {self.article.id}"

    @property
    def reword(self) -> str:
        return f"newsletter editions reword {self.name} {self.article.id} --headline TEXT"

    @property
    def other_picture(self) -> str:
        return f"newsletter editions reword {self.name} {self.article.id} --picture ADDRESS"


@dataclass(frozen=True, slots=True)
class _Link:
    """What an address belongs to, in words, and the mends of one that leads elsewhere or nowhere, and of
    one that may answer the next time."""

    of: str
    replace: str
    again: str


Said = tuple[Check, str, str]


def review(
    page: Sequence[Placement], pool: Mapping[int, Candidate], sights: Sights, name: str
) -> Iterator[Finding]:
    """Everything that is to be said of the entries of `name`, in the order of the page."""
    for placed in page:
        entry = _Entry(placed, pool[placed.article_id], name)
        for check, sentence, mend in _of(entry, sights):
            is_blocker = check is Check.DEAD_LINK and placed.pinned
            severity = Severity.BLOCKER if is_blocker else Severity.WARNING
            place = " · ".join(filter(None, (placed.slot, placed.section)))
            yield Finding(check, severity, sentence, mend, placed.article_id, place)


def review_standing(links: Mapping[str, str], sights: Sights, name: str) -> Iterator[Finding]:
    """What is to be said of the links that the configuration puts into every mail, by their names."""
    for called, url in links.items():
        if look := sights.looks.get(url):
            link = _Link(
                called, f"correct {called} in the configuration, or name its host in [preflight] skip_hosts",
                f"newsletter editions check {name} --links",
            )  # fmt: skip
            for check, sentence, mend in _of_a_link(link, look, sights.slow):
                yield Finding(check, Severity.WARNING, sentence, mend, place=called)


def links_in(article: Candidate) -> tuple[str, ...]:
    """The addresses that the text of a note or a sponsor links to, each once."""
    if "href" not in article.html:
        return ()
    page = etree.fromstring(article.html, etree.HTMLParser())
    found = dict.fromkeys(link.get("href", "") for link in page.iter("a"))
    return tuple(url for url in found if url.startswith(("https://", "http://")) and url != article.url)


def _of(entry: _Entry, sights: Sights) -> Iterator[Said]:
    yield from _of_its_words(entry)
    if entry.placed.slot is not Slot.SPONSOR:  # who pays for more than one day, in words that hold
        yield from _of_its_source(entry, sights)
        yield from _of_its_past(entry, sights)
    yield from _of_its_links(entry, sights)
    picture = entry.picture
    if picture and (look := sights.looks.get(picture.url)):
        yield from _of_its_picture(entry, look, sights.largest)


def _of_its_words(entry: _Entry) -> Iterator[Said]:
    article = entry.article
    if article.hidden:
        yield Check.HIDDEN, f"{entry.told} was hidden, and an editor keeps it here.", entry.drop
    if len(entry.headline) > HEADLINE_LENGTH:
        what = f"The headline of article {article.id} has {len(entry.headline)} characters."
        yield Check.LONG_HEADLINE, what, entry.reword
    if entry.placed.slot is not Slot.LEAD:
        return  # the pictures of others stand beside their headlines, and need no words of their own
    if not is_wide(entry.picture) and entry.placed.picture != NO_PICTURE:
        what = f"{entry.told} leads without a picture that is wide enough."
        yield Check.LEAD_PICTURE, what, f"newsletter editions pin {entry.name} ARTICLE --slot lead"
    if entry.picture and not entry.picture.alt:
        what = f"Nothing says what the picture of article {article.id} shows; its headline is read out."
        yield Check.NO_ALT, what, f"newsletter editions reword {entry.name} {article.id} --picture-alt TEXT"


def _of_its_source(entry: _Entry, sights: Sights) -> Iterator[Said]:
    """An editor's words stay, and so does a mail that is compiled, whatever the source says since."""
    number, title = entry.article.id, entry.article.title
    if (touch := sights.touches.get(number)) and touch.is_outdated(entry.article):
        what = f"{entry.told} has changed at its source since an editor worded it; there it is “{title}” now."
        yield Check.SOURCE_CHANGED, what, entry.reword
    elif sights.mailed and searchable([entry.headline]) not in sights.mailed:
        what = f"{entry.told} has changed at its source since the mail was made; there it is “{title}” now."
        yield Check.SOURCE_CHANGED, what, entry.reword


def _of_its_past(entry: _Entry, sights: Sights) -> Iterator[Said]:
    number, drop = entry.article.id, entry.drop
    if number in sights.ran:
        yield Check.RAN_BEFORE, f"{entry.told} ran in the edition {sights.ran[number].slug}.", drop
        return
    others = [carried for carried in sights.lately if carried.article_id != number]
    headline = _folded(entry.headline)
    if same := next((carried for carried in others if _folded(carried.headline) == headline), None):
        what = f"{entry.told} has the headline that article {same.article_id} had in {same.edition}."
        yield Check.SAME_HEADLINE, what, entry.reword
    picture = entry.picture
    if picture and (same := next((each for each in others if each.picture_url == picture.url), None)):
        what = f"{entry.told} has the picture that article {same.article_id} had in {same.edition}."
        yield Check.SAME_PICTURE, what, entry.other_picture


def _of_its_links(entry: _Entry, sights: Sights) -> Iterator[Said]:
    again = f"newsletter editions check {entry.name} --links"
    own = f"article {entry.article.id}"
    for url in (entry.article.url, *links_in(entry.article)):
        if look := sights.looks.get(url):
            of = own if url == entry.article.url else f"{url} in the text of {own}"
            yield from _of_a_link(_Link(of, entry.drop, again), look, sights.slow)


def _of_a_link(link: _Link, look: Look, slow: float) -> Iterator[Said]:
    if look.is_gone:
        what = f"The page of {link.of} is gone: the server answered {look.status} twice."
        yield Check.DEAD_LINK, what, link.replace
    elif look.verdict is not LinkVerdict.OK:
        yield Check.FAILING_LINK, f"The link of {link.of} fails: {look.trouble}", link.again
    elif _leads_away(look):
        # A page that was taken away often leads there, and a reader wonders
        front = "the front page " if urlsplit(look.final_url).path in ("", "/") else ""
        what = f"The link of {link.of} leads on to {front}{look.final_url}"
        yield Check.REDIRECTING_LINK, what, link.replace
    if look.verdict is LinkVerdict.OK and look.ms > 1000 * slow:
        what = f"The page of {link.of} took {look.ms / 1000:.1f} seconds to answer."
        yield Check.SLOW_LINK, what, link.again


def _of_its_picture(entry: _Entry, look: Look, largest: int) -> Iterator[Said]:
    of, mend = f"The picture of article {entry.article.id}", entry.other_picture
    if look.verdict is not LinkVerdict.OK:
        yield Check.BROKEN_PICTURE, f"{of} does not come: {look.trouble}", mend
    elif look.content_type in WEB_PAGES:
        yield Check.BROKEN_PICTURE, f"{of} is a web page.", mend
    elif look.bytes > largest:
        yield Check.LARGE_PICTURE, f"{of} has more than {largest // 1000} kB.", mend


def _leads_away(look: Look) -> bool:
    return bool(look.final_url) and look.final_url != look.address


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
