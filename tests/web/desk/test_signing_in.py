"""In by a link that works once or by a password, out again, and nothing for those who guess."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
from sqlmodel import col, select

from newsletter.clock import machine_now
from newsletter.models import DeskSession, History, Letter, LetterKind, Person, Role
from newsletter.services import signing_in, staffing
from newsletter.services.signing_in import Caller
from newsletter.store import staff
from newsletter.web.caller import network
from tests.letters import carry
from tests.web.conftest import Paper
from tests.web.desk.conftest import ANA, BOB, IDA, TOKEN, Client, Desk

PASSWORD = "four candles on the quay"
# What the store itself decides is told on both; the rest does not depend on it
one_store = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def cookie(client: Client) -> str:
    return client.http.cookies["desk"]


def set_password(desk: Desk, address: str) -> Client:
    client = desk.client(address)
    assert client.post("/desk/account/password", new=PASSWORD).status_code == 303
    return client


def try_password(client: Client, address: str, password: str, **headers: str) -> httpx.Response:
    data = {"token": client.token(), "address": address, "password": password}
    return client.http.post("/desk/sign-in", data=data, headers={"Origin": client.origin} | headers)


# ── by a link ───────────────────────────────────────────────────────────────────────────────────


def test_a_link_works_once_however_many_press(desk: Desk) -> None:
    path = desk.link(ANA).removeprefix(desk.url)
    scanner = desk.client()
    for _ in range(5):
        seen = scanner.get(path)
        assert seen.status_code == 200 and "Hello" in seen.text and "Ana" in seen.text
        assert scanner.http.head(path).status_code == 200
    clients = [desk.client() for _ in range(8)]
    tokens = [client.token() for client in clients]
    with ThreadPoolExecutor(8) as together:
        answers = list(
            together.map(lambda pair: pair[0].post(path, token=pair[1]), zip(clients, tokens, strict=True))
        )
    assert sorted(answer.status_code for answer in answers) == [303, *[409] * 7]
    with desk.runtime.database.reading() as session:
        assert len(session.exec(select(DeskSession)).all()) == 1
    assert scanner.get(path).status_code == 404


@one_store
def test_a_link_needs_the_browser_that_was_shown_its_button(desk: Desk) -> None:
    path = desk.link(ANA).removeprefix(desk.url)
    asked = desk.client()
    token = asked.token()
    bare = httpx.post(desk.url + path, data={"token": token}, headers={"Origin": desk.url})
    assert bare.status_code == 403
    assert asked.post(path, token=token).status_code == 303


@one_store
def test_a_link_dies_of_age_and_of_a_newer_one(desk: Desk) -> None:
    long_ago = machine_now() - signing_in.LINK_LIFE - timedelta(seconds=1)
    aged = staffing.login_link(desk.runtime, ANA, long_ago, who="ops").url.removeprefix(desk.url)
    assert desk.client().get(aged).status_code == 404
    first, second = (desk.link(ANA).removeprefix(desk.url) for _ in range(2))
    client = desk.client()
    assert client.post(first).status_code == 409
    assert client.post(second).status_code == 303


@one_store
def test_signing_in_makes_a_new_cookie(desk: Desk) -> None:
    """Somebody who gave the browser its cookie beforehand has nothing of it."""
    client = desk.client()
    planted = {"desk": "planted-by-an-attacker"}
    client.http.headers["Cookie"] = "desk=planted-by-an-attacker"
    client.get("/desk/sign-in")
    del client.http.headers["Cookie"]
    before = cookie(client)
    assert client.post(desk.link(ANA).removeprefix(desk.url)).status_code == 303
    assert cookie(client) != before
    assert before == planted["desk"] and httpx.get(desk.url + "/desk", cookies=planted).status_code == 303


def test_an_empty_desk_is_opened_by_its_first_admin(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(stories=0, readers=0)
    for address in (ANA, BOB):
        staffing.remove(desk.runtime, address, machine_now(), who="ops")
    assert staffing.first_link(desk.runtime, machine_now()) is None, "somebody is here"
    with desk.runtime.database.writing() as session:
        ida = staff.find(session, IDA)
        assert ida is not None
        staff.remove(session, ida.id or 0)
    link = staffing.first_link(desk.runtime, machine_now())
    assert link is not None
    path, client = link.url.removeprefix(desk.url), desk.client()
    assert "The desk is new" in client.get(path).text
    wrong = client.post(path, name="scheduler", address="ola@town.example")
    assert wrong.status_code == 422 and "calls itself" in wrong.text
    assert client.post(path, name="Ola", address="ola@town.example").status_code == 303
    assert client.get("/desk").status_code == 200
    (ola,) = staffing.everybody(desk.runtime, machine_now())
    assert (ola.name, ola.role, ola.sessions) == ("Ola", Role.ADMIN, 1)
    assert desk.client().post(path, name="Eve", address="eve@town.example").status_code == 409


def test_a_letter_brings_a_link_and_says_nothing_of_who_works_here(desk: Desk) -> None:
    client = desk.client()
    told = [client.post("/desk/sign-in-link", address=address) for address in (ANA, "eve@town.example")]
    assert [answer.status_code for answer in told] == [200, 200]
    assert len({answer.text.replace(ANA, "").replace("eve@town.example", "") for answer in told}) == 1
    with desk.runtime.database.reading() as session:
        (letter,) = session.exec(select(Letter)).all()
    assert (letter.kind, letter.address) == (LetterKind.SIGN_IN, ANA)
    assert client.post(str(letter.values["url"]).removeprefix(desk.url)).status_code == 303
    asked = desk.client()
    statuses = [asked.post("/desk/sign-in-link", address=BOB).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429], "three an hour to one person, five a minute from one network"


def test_who_is_removed_leaves_no_letter_behind(desk: Desk) -> None:
    client = desk.client()
    for _ in range(2):
        assert client.post("/desk/sign-in-link", address=BOB).status_code == 200
        if not desk.relay.mails:
            carry(desk.runtime)
    assert client.post("/desk/sign-in-link", address=ANA).status_code == 200
    staffing.remove(desk.runtime, BOB, machine_now(), who="Ida")
    with desk.runtime.database.reading() as session:
        kept = session.exec(select(Letter).order_by(col(Letter.id))).all()
    told = [(letter.state, letter.address, bool(letter.values)) for letter in kept]
    assert told == [("sent", "", False), ("cancelled", "", False), ("queued", ANA, True)]
    carry(desk.runtime)
    assert [mail.recipient for mail in desk.relay.mails] == [BOB, ANA]
    assert BOB not in str(Paper(desk.runtime, {}, 0).dump())


# ── by a password ───────────────────────────────────────────────────────────────────────────────


def test_a_password_lets_in_and_its_change_ends_other_sessions(desk: Desk) -> None:
    first = set_password(desk, ANA)
    second = desk.client()
    assert try_password(second, ANA.upper(), PASSWORD).status_code == 303
    changed = second.post("/desk/account/password", old=PASSWORD, new=PASSWORD + "!")
    assert changed.status_code == 303
    assert second.get("/desk").status_code == 200
    assert first.get("/desk").status_code == 303
    assert second.post("/desk/account/password", old="wrong", new=PASSWORD).status_code == 409
    assert second.post("/desk/account/password", old=PASSWORD + "!", new="short").status_code == 422


@one_store
def test_who_guesses_learns_nothing_and_is_slowed_down(desk: Desk) -> None:
    set_password(desk, ANA)
    guesser = desk.client()
    answers = [
        try_password(guesser, address, "guess") for address in (ANA, BOB, "eve@town.example", "no address")
    ]
    assert {answer.status_code for answer in answers} == {422}
    bare = {TOKEN.sub("", re.sub(r'value="[^"]*@?[^"]*"', "", answer.text)) for answer in answers}
    assert len(bare) == 1
    for address in (ANA, "eve@town.example"):
        try_password(guesser, address, "guess")
    blocked = try_password(guesser, ANA, PASSWORD)
    assert blocked.status_code == 429 and "too often" in blocked.text
    assert desk.client(ANA).get("/desk").status_code == 200, "a link lets in all the same"


@one_store
def test_the_throttle_goes_by_person_and_by_network_and_passes(desk: Desk) -> None:
    now = machine_now()

    def knock(address: str, place: str, later: float = 0) -> str:
        try:
            moment = now + timedelta(seconds=later)
            signing_in.by_password(desk.runtime, address, "guess", moment, Caller(place, ""))
        except Exception as error:
            return type(error).__name__
        return ""

    assert [knock(ANA, f"10.0.{n}.0/24") for n in range(6)] == [*["Refused"] * 5, "TooOften"]
    assert [knock(f"{n}@x.example", "10.9.0.0/24") for n in range(6)] == [*["Refused"] * 5, "TooOften"]
    assert knock(ANA, "10.7.0.0/24", later=61) == "Refused"


@pytest.mark.parametrize(
    ("peer", "told", "trusted", "found"),
    [
        ("203.0.113.9", "198.51.100.1", (), "203.0.113.0/24"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.1", ("10.0.0.0/8",), "198.51.100.0/24"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.7", ("10.0.0.0/8",), "198.51.100.0/24"),
        ("10.0.0.1", "198.51.100.1, nonsense", ("10.0.0.0/8",), "10.0.0.0/24"),
        ("2001:db8::1:2", "", (), "2001:db8::/64"),
        ("2001:db8::ffff:1", "", (), "2001:db8::/64"),
        ("::ffff:203.0.113.9", "", (), "203.0.113.0/24"),
    ],
)
def test_a_network_is_read_from_the_right(peer: str, told: str, trusted: tuple[str, ...], found: str) -> None:
    from starlette.requests import Request

    headers = [(b"x-forwarded-for", told.encode())] if told else []
    scope = {"type": "http", "client": (peer, 1), "headers": headers}
    assert network(Request(scope), trusted) == found


@one_store
def test_a_forged_address_opens_no_other_bucket(desk: Desk) -> None:
    guesser = desk.client()
    statuses = [
        try_password(guesser, f"{n}@x.example", "guess", **{"X-Forwarded-For": f"10.{n}.0.1"}).status_code
        for n in range(7)
    ]
    assert statuses == [*[422] * 5, 429, 429]


@one_store
def test_passwords_by_the_megabyte_go_no_further_than_the_border(desk: Desk) -> None:
    guesser = desk.client()
    huge = try_password(guesser, ANA, "x" * 1_000_000)
    assert huge.status_code == 413
    assert try_password(guesser, ANA, "x" * 2_000).status_code == 422
    assert guesser.get("/healthz").status_code == 200


# ── afterwards ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "where",
    ["//evil.example", "/\\evil.example", "https:evil.example", "%2f%2fevil.example", "\t//evil.example",
     "@evil.example", "javascript:alert(1)", "/desk//evil.example", "/desk/../evil", "/desk@evil.example",
     "/desk/x\r\nLocation: https://evil.example", "/n/town"],
)  # fmt: skip
@one_store
def test_it_leads_to_the_desk_and_nowhere_else(desk: Desk, where: str) -> None:
    set_password(desk, ANA)
    client = desk.client()
    assert "evil" not in client.http.get("/desk/sign-in", params={"next": where}).text
    data = {"token": client.token(), "address": ANA, "password": PASSWORD, "next": where}
    answer = client.http.post("/desk/sign-in", data=data, headers={"Origin": desk.url})
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")


@one_store
def test_it_leads_back_to_the_page_that_was_wanted(desk: Desk) -> None:
    set_password(desk, ANA)
    client, wanted = desk.client(), "/desk/editions/town/2026-02-18/sending"
    there = client.get(wanted).headers["location"]
    assert there == f"/desk/sign-in?next={wanted}"
    assert f'name="next" value="{wanted}"' in client.get(there).text
    data = {"token": client.token(), "address": ANA, "password": PASSWORD, "next": wanted}
    answer = client.http.post("/desk/sign-in", data=data, headers={"Origin": desk.url})
    assert answer.headers["location"] == wanted


def test_sessions_are_listed_and_end(desk: Desk) -> None:
    here, there, elsewhere = (desk.client(ANA) for _ in range(3))
    shown = here.get("/desk/account").text
    numbers = re.findall(r'name="session" value="(\d+)"', shown)
    assert len(numbers) == 2
    assert here.post("/desk/account/end-session", session=numbers[0]).status_code == 303
    assert sorted(client.get("/desk").status_code for client in (there, elsewhere)) == [200, 303]
    bobs = desk.client(BOB)
    stolen = bobs.post("/desk/account/end-session", session=numbers[1])
    assert stolen.status_code == 422, "another's session is nobody's to end"
    assert here.post("/desk/account/end-session").status_code == 303
    assert [client.get("/desk").status_code for client in (here, there, elsewhere)] == [200, 303, 303]
    old = cookie(here)
    assert here.post("/desk/sign-out").headers["location"] == "/desk/sign-in"
    assert httpx.get(desk.url + "/desk", cookies={"desk": old}).status_code == 303


def test_a_session_runs_out(desk: Desk) -> None:
    token = desk.client(ANA).http.cookies["desk"]
    now = machine_now()
    assert signing_in.who_is(desk.runtime, token, now + timedelta(hours=11))
    assert signing_in.who_is(desk.runtime, token, now + timedelta(hours=24)) is None
    for hours in range(0, 14 * 24 + 10, 10):
        last = signing_in.who_is(desk.runtime, token, now + timedelta(hours=hours))
    assert last is None, "a fortnight is the most, however busy"


@one_store
def test_nothing_that_opens_a_door_is_stored(desk: Desk) -> None:
    link = desk.link(ANA)
    client = set_password(desk, ANA)
    with desk.runtime.database.reading() as session:
        whole = str(Paper(desk.runtime, {}, 0).dump()) + str(session.exec(select(Person)).all())
    for secret in (link.rpartition("/")[2], cookie(client), PASSWORD, client.token()):
        assert secret not in whole
    assert "$argon2id$" in whole


@one_store
def test_cookies_are_for_the_server_alone(desk: Desk) -> None:
    answer = desk.client().get("/desk/sign-in")
    told = answer.headers["set-cookie"]
    assert "HttpOnly" in told and "SameSite=lax" in told and "Path=/" in told
    assert "set-cookie" not in httpx.get(desk.url + "/n/town", cookies={"desk": "x"}).headers


@one_store
def test_every_act_is_on_record(desk: Desk) -> None:
    set_password(desk, ANA).post("/desk/sign-out")
    with desk.runtime.database.reading() as session:
        lines = session.exec(select(History).where(History.what == "person").order_by(col(History.id)))
        acts = [(line.who, line.act) for line in lines]
    assert acts[-4:] == [
        ("ops", "given a link"), ("Ana", "signed in"), ("Ana", "changed password"), ("Ana", "signed out"),
    ]  # fmt: skip
