"""Signing up: one answer for everybody, letters within limits, and one click that makes it true, once."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import func, select

from newsletter.models import (
    Letter,
    LetterKind,
    MailedLink,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    SuppressionReason,
)
from newsletter.runtime import Runtime
from newsletter.services import forgetting, joining, subscribing
from newsletter.services.asking import Browser
from newsletter.services.joining import Standing, Wish
from tests.web.conftest import NOON, Paper

BOB = "bob@readers.example"
HERE = "https://news.example.org"


def form_of(paper: Paper) -> str:
    return paper.runtime.links.form(NOON - timedelta(minutes=10))


def wish(paper: Paper, address: str = BOB, *newsletters: str, **fields: str) -> dict[str, str]:
    wanted = {f"get-{slug}": "yes" for slug in newsletters or ("post",)}
    return {"address": address, "form": form_of(paper), "page": "", "website": "", **wanted, **fields}


def letters(paper: Paper, kind: LetterKind = LetterKind.CONFIRM) -> list[Letter]:
    with paper.runtime.database.reading() as session:
        return list(session.execute(select(Letter).where(Letter.kind == kind).order_by(Letter.id)).scalars())


def link(paper: Paper, kind: LetterKind = LetterKind.CONFIRM) -> str:
    """The path of the link in the latest letter of a kind."""
    url = letters(paper, kind)[-1].values["url"]
    assert url.startswith(HERE)
    return str(url.removeprefix(HERE))


def place(paper: Paper, address: str = BOB, newsletter: str = "post") -> Subscription | None:
    with paper.runtime.database.reading() as session:
        query = (
            select(Subscription)
            .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
            .where(Subscriber.address == address, Subscription.newsletter_id == paper.ids[newsletter])
        )
        return session.execute(query).scalar_one_or_none()


def state(paper: Paper, address: str = BOB, newsletter: str = "post") -> str:
    found = place(paper, address, newsletter)
    return found.state if found else "nobody"


def test_from_the_box_to_the_first_edition(site: httpx.Client, paper: Paper) -> None:
    paper.edition("2026-02-17")
    asked = site.post("/", data=wish(paper, page="https://news.example.org/story"))
    assert asked.status_code == 200 and "Look into your mailbox" in asked.text and BOB not in asked.text
    assert state(paper) == "nobody", "nothing happens without the click"

    shown = site.get(link(paper))
    assert shown.status_code == 200 and "b•••@readers.example" in shown.text
    assert shown.headers["cache-control"] == "no-store" and shown.headers["x-robots-tag"] == "noindex"
    assert state(paper) == "nobody"

    joined = site.post(link(paper))
    assert "Welcome" in joined.text and "/n/post/2026-02-17" in joined.text
    assert "Wednesday, February 18, 2026" in joined.text and "09:00" in joined.text
    found = place(paper)
    assert found is not None and found.state == SubscriptionState.ACTIVE
    assert found.consent_text == "I want to get “The Harbour Post” by mail."
    assert found.consent_source == "https://news.example.org/story"
    assert found.consent_network == "127.0.0.0/24"
    assert found.consent_at and found.confirmed_at and found.consent_at <= found.confirmed_at
    assert [letter.address for letter in letters(paper, LetterKind.WELCOME)] == [BOB]


def test_several_at_once(site: httpx.Client, paper: Paper) -> None:
    site.post("/", data=wish(paper, BOB, "post", "weekend"))
    assert len(letters(paper)) == 1
    site.post(link(paper))
    assert {state(paper, BOB, slug) for slug in ("post", "weekend")} == {SubscriptionState.ACTIVE}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_opening_the_link_however_often_changes_nothing(
    site: httpx.Client, paper: Paper, method: str
) -> None:
    site.post("/", data=wish(paper))
    before = paper.dump()
    for purpose in ({}, {"Sec-Purpose": "prefetch"}):
        for _ in range(2):
            site.request(method, link(paper), headers=purpose)
    assert paper.dump() == before


def test_the_browser_that_signed_up_is_known_again_and_no_other(site: httpx.Client, paper: Paper) -> None:
    answer = site.post("/", data=wish(paper))
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Secure" in cookie
    assert "Path=/confirm" in cookie and "Max-Age=3600" in cookie
    value = cookie.partition("=")[2].partition(";")[0]
    at_home = site.get(link(paper), headers={"Cookie": f"sign-up={value}"})
    assert "data-press" in at_home.text and "press.js" in at_home.text
    for elsewhere in (site.get(link(paper)), site.get(link(paper), headers={"Cookie": "sign-up=x"})):
        assert "data-press" not in elsewhere.text and "press.js" not in elsewhere.text
    assert value not in str(paper.dump())


def test_used_forged_and_foreign_links_change_nothing(site: httpx.Client, paper: Paper) -> None:
    site.post("/", data=wish(paper))
    path = link(paper)
    site.post(path)
    before = paper.dump()
    assert "done already" in site.post(path).text
    token = path.rpartition("/")[2]
    links = paper.runtime.links
    foreign = [
        links.leave(paper.alice, 1), links.preferences(paper.alice), links.form(NOON),
        links.preview_token(1, 1, NOON + timedelta(days=1)),
    ]  # fmt: skip
    for wrong in (
        token[:-1],
        token + "=",
        token.swapcase(),
        "x",
        *(one.rpartition("/")[2] for one in foreign),
    ):
        for answer in (site.get(f"/confirm/{wrong}"), site.post(f"/confirm/{wrong}")):
            assert answer.status_code == 404 and "worn out" in answer.text
    assert site.post(f"/unsubscribe/{token}").text and site.post(f"/preferences/{token}").status_code == 404
    assert paper.dump() == before


def test_an_old_confirmation_brings_nobody_back(site: httpx.Client, paper: Paper) -> None:
    runtime = paper.runtime
    site.post("/", data=wish(paper))
    path = link(paper)
    with runtime.database.reading() as session:
        asked_at = session.execute(select(MailedLink.asked_at)).scalar_one()
    # They signed up by another link meanwhile, and left
    number = _joined(paper, BOB)
    subscribing.leave(runtime, number, paper.ids["post"], asked_at + timedelta(minutes=1))
    assert "left since" in site.post(path).text
    assert state(paper) == SubscriptionState.ENDED


def test_after_being_forgotten_an_old_confirmation_is_no_more(site: httpx.Client, paper: Paper) -> None:
    site.post("/", data=wish(paper, "alice@readers.example", "weekend"))
    path = link(paper)
    forgetting.forget(paper.runtime, str(paper.alice), paper.runtime.clock.now(), who="ops")
    assert site.post(path).status_code == 404
    assert state(paper, "alice@readers.example", "weekend") == "nobody"


@pytest.mark.parametrize("reason", list(SuppressionReason))
def test_their_own_confirmation_lifts_a_suppression_and_nothing_less_does(
    site: httpx.Client, paper: Paper, reason: SuppressionReason
) -> None:
    key = paper.runtime.address_key.of(BOB)
    with paper.runtime.database.writing() as session:
        session.add(Suppression(address_key=key, reason=reason, since=NOON - timedelta(days=1)))
    site.post("/", data=wish(paper))
    assert len(letters(paper)) == 1, "a confirmation that they asked for is mailed even so"
    with paper.runtime.database.reading() as session:
        assert session.get(Suppression, key) is not None
    site.post(link(paper))
    with paper.runtime.database.reading() as session:
        assert session.get(Suppression, key) is None
    assert state(paper) == SubscriptionState.ACTIVE


def test_a_complaint_since_they_asked_stands(site: httpx.Client, paper: Paper) -> None:
    site.post("/", data=wish(paper))
    key = paper.runtime.address_key.of(BOB)
    with paper.runtime.database.writing() as session:
        later = paper.runtime.clock.now() + timedelta(minutes=1)
        session.add(Suppression(address_key=key, reason=SuppressionReason.COMPLAINT, since=later))
    assert "left since" in site.post(link(paper)).text
    assert state(paper) == "nobody"


def test_an_expired_link_offers_a_new_one(paper: Paper, site: httpx.Client) -> None:
    runtime, now = paper.runtime, paper.runtime.clock.now()
    joining.sign_up(runtime, Wish(BOB, ["post"], form=form_of(paper)), Browser(), now - timedelta(days=8))
    joining.sign_up(
        runtime, Wish(BOB, ["post"], form=runtime.links.form()), Browser(), now - timedelta(days=8)
    )
    path = link(paper)
    shown = site.get(path)
    assert "grown too old" in shown.text
    assert "grown too old" in site.post(path).text and state(paper) == "nobody"
    assert "Look into your mailbox" in site.post(path, data={"again": "1"}).text
    assert link(paper) != path
    site.post(link(paper))
    assert state(paper) == SubscriptionState.ACTIVE


def test_two_confirmations_at_once_are_one(paper: Paper, site: httpx.Client) -> None:
    site.post("/", data=wish(paper))
    path, now = link(paper).rpartition("/")[2], paper.runtime.clock.now()
    first, second = (joining.confirm(paper.runtime, path, Browser(), now) for _ in range(2))
    assert (first.standing, second.standing) == (Standing.OPEN, Standing.USED)
    assert len(letters(paper, LetterKind.WELCOME)) == 1


# ── the same answer, and what is not mailed ─────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/", "/embed/post", "/preferences"])
def test_known_and_unknown_addresses_are_answered_alike_by_the_same_statements(
    site: httpx.Client, paper: Paper, statements: list[str], path: str
) -> None:
    site.post(path, data=wish(paper, "first@elsewhere.example"))  # what is done once is done
    statements.clear()
    answers, asked = [], []
    for address in ("alice@readers.example", "nobody@readers.example"):
        answers.append(site.post(path, data=wish(paper, address)))
        asked.append(list(statements))
        statements.clear()
    assert answers[0].content == answers[1].content and answers[0].status_code == 200
    assert asked[0] == asked[1] and asked[0]


@pytest.mark.parametrize(
    "fields",
    [
        {"website": "https://spam.example"},
        {"website": "https://spam.example", "form": "x"},
        {"get-post": "", "get-nothing": "yes"},
    ],
)
def test_what_no_person_sends_is_answered_as_ever_and_mails_nobody(
    site: httpx.Client, paper: Paper, fields: dict[str, str]
) -> None:
    usual = site.post("/", data=wish(paper, "usual@elsewhere.example"))
    odd = wish(paper) | fields
    if "get-nothing" in fields:
        del odd["get-post"]
    assert site.post("/", data=odd).content == usual.content
    assert [letter.address for letter in letters(paper)] == ["usual@elsewhere.example"]


@pytest.mark.parametrize("path", ["/", "/n/post", "/embed/post"])
def test_a_form_that_is_sent_at_once_or_after_days_is_given_back_to_be_sent_once_more(
    site: httpx.Client, paper: Paper, path: str
) -> None:
    page = site.get(path).text
    sent_to = re.search(r'<form class="box" method="post" action="([^"]*)"', page)
    assert sent_to is not None
    old = paper.runtime.links.form(paper.runtime.clock.now() - timedelta(hours=25))
    for form in (fields_of(page)["form"], old, "x", ""):
        answer = site.post(sent_to[1], data=wish(paper, form=form))
        assert answer.status_code == 409 and "Once more, please" in answer.text and BOB in answer.text
        assert f'action="{sent_to[1]}"' in answer.text
        assert ("frame-ancestors *" in answer.headers["content-security-policy"]) == ("embed" in path)
    assert letters(paper) == []
    form = fields_of(answer.text)
    later = paper.runtime.clock.now() + timedelta(seconds=5)
    joining.sign_up(paper.runtime, Wish(BOB, ["post"], form["page"], form=form["form"]), Browser(), later)
    assert len(letters(paper)) == 1


def fields_of(page: str) -> dict[str, str]:
    """The hidden fields of a page's box."""
    return dict(re.findall(r'<input type="hidden" name="([\w-]+)" value="([^"]*)">', page))


@pytest.mark.parametrize("path", ["/", "/n/post", "/embed/post"])
def test_our_own_boxes_tell_on_which_page_they_stand(site: httpx.Client, path: str) -> None:
    assert fields_of(site.get(path).text)["page"] == f"{HERE}{path}"


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("https://news.example/a/story.html", "https://news.example/a/story.html"),
        ("https://news.example", "https://news.example"),
        ("http://[::1]:8000/", "http://[::1]:8000/"),
        ("https://news.example/reset?token=secret&mail=a@b.example#top", "https://news.example/reset"),
        ("https://news.example/%D0%BC/@ana~x;y", "https://news.example/%D0%BC/@ana~x;y"),
        ("https://ana:secret@news.example/", ""),
        ("javascript:alert(1)//https://x.example", ""),
        ("data:text/html,<script>", ""),
        ("https://news.example/<script>alert(1)</script>", ""),
        ('https://news.example/"onload="x', ""),
        ("https://news.example/a\r\nBcc: c@d.example", ""),
        ("https://news.example/\u202egpj.exe", ""),
        ("=HYPERLINK(1)", ""),
        ("", ""),
        ("https://news.example/" + "x" * 5_000, "https://news.example/" + "x" * 179),
    ],
)
def test_the_page_where_a_form_stood_is_origin_and_path_or_nothing(told: str, kept: str) -> None:
    assert joining.page_of(told) == kept


def test_the_page_is_what_the_form_says_or_else_the_browser(site: httpx.Client, paper: Paper) -> None:
    site.post("/", data=wish(paper), headers={"Referer": "https://news.example/?mail=bob"})
    site.post("/embed/post", data=wish(paper, "ann@x.example", page="https://town.example/story"),
              headers={"Referer": "https://town.example/"})  # fmt: skip
    with paper.runtime.database.reading() as session:
        told = session.execute(select(MailedLink.source).order_by(MailedLink.id)).scalars().all()
    assert told == ["https://news.example/", "https://town.example/story"]


def test_a_form_filled_in_faster_than_people_write_is_not_believed(runtime: Runtime, paper: Paper) -> None:
    form, now = runtime.links.form(NOON), NOON
    for seconds, mailed in ((0, 0), (1, 0), (2, 1), (25 * 3600, 1)):
        wished = Wish(BOB, ["post"], form=form)
        done = joining.sign_up(runtime, wished, Browser(), now + timedelta(seconds=seconds))
        assert done == (seconds == 2)
        assert len(letters(paper)) == mailed, seconds


def test_a_closed_newsletter_takes_nobody(paper: Paper) -> None:
    closed = paper.runtime.settings.newsletters[0].model_copy(update={"sign_up": False})
    runtime = _with_newsletters(paper, closed, paper.runtime.settings.newsletters[1])
    now = runtime.clock.now()
    joining.sign_up(runtime, Wish(BOB, ["post"], form=form_of(paper)), Browser(), now)
    assert letters(paper) == []
    joining.sign_up(runtime, Wish(BOB, ["post", "weekend"], form=form_of(paper)), Browser(), now)
    assert joining.confirm(runtime, link(paper).rpartition("/")[2], Browser(), now).standing is Standing.OPEN
    assert (state(paper), state(paper, BOB, "weekend")) == ("nobody", SubscriptionState.ACTIVE)


def test_one_mailbox_in_twenty_spellings_gets_two_letters(site: httpx.Client, paper: Paper) -> None:
    for number in range(20):
        dots = "b.o.b" if number % 2 else "bob"
        site.post("/", data=wish(paper, f"{dots}+{number}@{'gmail' if number % 3 else 'googlemail'}.com"))
    assert len(letters(paper)) == 1, "ten minutes lie between two"
    runtime, now = paper.runtime, paper.runtime.clock.now()
    for minutes in (11, 12, 30, 23 * 60, 25 * 60):
        moment = now + timedelta(minutes=minutes)
        joining.sign_up(
            runtime, Wish("Bob@gmail.com", ["post"], form=runtime.links.form()), Browser(), moment
        )
    assert len(letters(paper)) == 3, "two in a day, and the next day one more"


@pytest.mark.parametrize("odd", ["%", "_", "*", "b%", "____"])
def test_no_pattern_of_a_store_counts_as_an_address(runtime: Runtime, paper: Paper, odd: str) -> None:
    for number in range(3):
        joining.sign_up(
            runtime,
            Wish(f"r{number}@x{number}.example", ["post"], form=runtime.links.form()),
            Browser(),
            NOON,
        )
    joining.sign_up(
        runtime, Wish(f"{odd}@readers.example", ["post"], form=runtime.links.form()), Browser(), NOON
    )
    assert len(letters(paper)) == 4


def test_a_flood_is_dammed_by_domain_by_network_and_at_all(paper: Paper) -> None:
    limits = paper.runtime.settings.sign_up.model_copy(
        update={"per_domain": 5, "per_network": 7, "overall": 20}
    )
    settings = paper.runtime.settings.model_copy(update={"sign_up": limits})
    runtime = Runtime(settings, paper.runtime.home, paper.runtime.clock, paper.runtime.database)

    def flood(count: int, domain: str, network: str, now: object = NOON) -> int:
        before = len(letters(paper))
        for number in range(count):
            asked = Wish(f"r{number}@{domain.format(number)}", ["post"], form=runtime.links.form())
            joining.sign_up(runtime, asked, Browser(network.format(number)), now)  # type: ignore[arg-type]
        return len(letters(paper)) - before

    assert flood(12, "one.example", "10.0.{}.0/24") == 5
    assert flood(12, "d{}.example", "10.1.1.0/24") == 7
    assert flood(60, "e{}.example", "10.2.{}.0/24") == 8, "twenty in all, then the breaker"
    soon, later = NOON + timedelta(minutes=59), NOON + timedelta(minutes=61)
    assert flood(5, "late{}.example", "10.3.{}.0/24", soon) == 0
    assert flood(1, "real{}.example", "10.4.{}.0/24", later) == 1, "a real sign-up works again"


@pytest.mark.parametrize(("domain", "mailed"), [("x.org", 0), ("a.x.org", 0), ("X.ORG", 0), ("ax.org", 1)])
def test_refused_domains_on_label_borders(paper: Paper, domain: str, mailed: int) -> None:
    limits = paper.runtime.settings.sign_up.model_copy(update={"refused_domains": ("x.org",)})
    settings = paper.runtime.settings.model_copy(update={"sign_up": limits})
    runtime = Runtime(settings, paper.runtime.home, paper.runtime.clock, paper.runtime.database)
    joining.sign_up(runtime, Wish(f"bob@{domain}", ["post"], form=runtime.links.form()), Browser(), NOON)
    assert len(letters(paper)) == mailed


@pytest.mark.parametrize(
    "address",
    [
        "", "bob", "bob@", '"bob evil"@readers.example', "a@b.example\r\nBcc: c@d.example",
        "a@b.example, c@d.example", "<a@b.example>", "x" * 321 + "@b.example", "=?utf-8?q?a?=@b.example",
    ],
)  # fmt: skip
def test_what_is_no_address_is_said_beside_the_field_and_kept(
    site: httpx.Client, paper: Paper, address: str
) -> None:
    answer = site.post("/", data=wish(paper, address))
    assert (
        answer.status_code == 422 and 'role="alert"' in answer.text and 'aria-invalid="true"' in answer.text
    )
    assert letters(paper) == []


def test_a_nul_is_no_form_of_anybodys(site: httpx.Client, paper: Paper) -> None:
    before = paper.dump()
    own = paper.runtime.links.preferences(paper.alice).removeprefix(HERE)
    assert site.post("/", data=wish(paper, "a\0@b.example")).status_code == 400
    assert site.post(own, data={"save": "post", "pause_until": "\0"}).status_code == 400
    assert paper.dump() == before


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("bob+news@readers.example", "bob+news@readers.example"),
        ("Bob@BÜCHER.example", "Bob@xn--bcher-kva.example"),
        ("  bob@readers.example ", "bob@readers.example"),
    ],
)
def test_unusual_addresses_are_taken_whole(site: httpx.Client, paper: Paper, typed: str, stored: str) -> None:
    site.post("/", data=wish(paper, typed))
    assert [letter.address for letter in letters(paper)] == [stored]
    site.post(link(paper))
    assert state(paper, stored) == SubscriptionState.ACTIVE


def test_nothing_that_was_typed_stands_in_the_confirmation(site: httpx.Client, paper: Paper) -> None:
    spam = "https://spam.example/buy"
    site.post("/", data=wish(paper, name=spam, page=spam), headers={"Referer": spam, "Accept-Language": spam})
    (letter,) = letters(paper)
    assert "spam" not in str(letter.values)


# ── elsewhere ───────────────────────────────────────────────────────────────────────────────────


def test_a_box_may_stand_in_anybodys_page_and_the_rest_may_not(site: httpx.Client, paper: Paper) -> None:
    framed = site.get("/embed/post")
    assert "frame-ancestors *" in framed.headers["content-security-policy"]
    assert "set-cookie" not in framed.headers
    assert "frame-ancestors 'none'" in site.get("/n/post").headers["content-security-policy"]
    posted = site.post("/embed/post", data=wish(paper), headers={"Origin": "https://elsewhere.example"})
    assert posted.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in posted.headers
    assert len(letters(paper)) == 1
    assert site.get("/embed/nothing").status_code == site.get("/embed/nothing.js").status_code == 404
    module = site.get("/embed/post.js")
    assert len(module.content) <= 2_048 and "Harbour" not in module.text
    assert "access-control-allow-origin" not in site.post("/", data=wish(paper)).headers


def test_a_sign_up_leaves_nothing_of_who_did_not_confirm(paper: Paper) -> None:
    runtime = paper.runtime
    joining.sign_up(runtime, Wish(BOB, ["post"], form=runtime.links.form()), Browser(), NOON)
    joining.forget_worn(runtime, NOON + timedelta(days=7, hours=23))
    assert _count(paper) == 1
    joining.forget_worn(runtime, NOON + timedelta(days=9))
    assert _count(paper) == 0


def _count(paper: Paper) -> int:
    with paper.runtime.database.reading() as session:
        return int(session.execute(select(func.count()).select_from(MailedLink)).scalar_one())


def _joined(paper: Paper, address: str) -> int:
    subscribing.add(paper.runtime, address, "post", "", NOON)
    with paper.runtime.database.reading() as session:
        return int(session.execute(select(Subscriber.id).where(Subscriber.address == address)).scalar_one())


def _with_newsletters(paper: Paper, *newsletters: object) -> Runtime:
    settings = paper.runtime.settings.model_copy(update={"newsletters": newsletters})
    return Runtime(settings, paper.runtime.home, paper.runtime.clock, paper.runtime.database)
