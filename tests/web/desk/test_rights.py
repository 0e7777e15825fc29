"""Every route of the desk with every role, from the table; and nothing from a foreign page."""

from __future__ import annotations

import re
from contextlib import ExitStack
from itertools import takewhile
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import func, select

from newsletter.clock import machine_now
from newsletter.models import Role, Table
from newsletter.services import staffing
from tests.security.test_words_stay_words import INJECTED
from tests.web.conftest import Paper
from tests.web.desk.conftest import ANA, BOB, IDA, PEOPLE, Client, Desk
from tests.web.routes import DESK_ROUTES

# What is told here does not depend on the store
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SIGNED_IN = {key: rights for key, rights in DESK_ROUTES.items() if rights.needs_sign_in}
UNSAFE = [path for path, methods in DESK_ROUTES if methods == "POST"]


def filled(path: str) -> str:
    return path.format(newsletter="town", slug="2026-02-18", token="x" * 43, act="cancel")


def ask(client: Client, path: str, methods: str, token: str) -> int:
    """The status. The stream is only asked for its head: it has no end."""
    if methods == "POST":
        return client.post(filled(path), token=token).status_code
    return client.http.request("HEAD" if path.endswith("stream") else "GET", filled(path)).status_code


def test_each_route_lets_in_whom_the_table_says(desk: Desk) -> None:
    """404, 409 and 422 come from what the act said: the guard has let it through."""
    found, wanted = {}, {}
    for address, role in PEOPLE.items():
        client = desk.client(address)
        token = client.token()
        for (path, methods), rights in SIGNED_IN.items():
            if path in ("/desk/sign-out", "/desk/account/end-session"):
                continue  # told below: they would end this story
            status = ask(client, path, methods, token)
            found[path, methods, role] = status != 403
            wanted[path, methods, role] = rights.allows(role)
    assert found == wanted
    assert {Role.EDITOR, Role.PUBLISHER, Role.ADMIN} == {role for *_, role in found}


def test_nobody_gets_further_than_the_entrance(desk: Desk) -> None:
    nobody, removed = desk.client(), desk.client(BOB)
    staffing.remove(desk.runtime, BOB, machine_now(), who="ops")
    for client in (nobody, removed):
        token = client.token()
        for path, methods in SIGNED_IN:
            post = methods == "POST"
            answer = client.post(filled(path), token=token) if post else client.get(filled(path))
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/desk/sign-in"), path
        assert client.http.get("/desk", headers={"X-Fragment": "1"}).status_code == 401


def test_a_lesser_role_ends_what_the_greater_had_open(desk: Desk) -> None:
    ana = desk.client(ANA)
    assert ana.get("/desk").status_code == 200
    staffing.change_role(desk.runtime, ANA, Role.EDITOR, machine_now(), who="ops")
    assert ana.get("/desk").status_code == 303


FOREIGN = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {},
    {"Origin": "https://desk.example.evil", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "{own}", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "{own}.evil.example"},
    {"Origin": "{own}@evil.example"},
    {"Sec-Fetch-Site": "same-site"},
)


def test_nothing_is_done_for_a_foreign_page(desk: Desk) -> None:
    ida, own = desk.client(IDA), desk.url
    token = ida.token()
    before = Paper(desk.runtime, {}, 0).dump()
    for path in UNSAFE:
        for headers in FOREIGN:
            sent = {name: value.replace("{own}", own) for name, value in headers.items()}
            answer = ida.http.post(filled(path), data={"token": token}, headers=sent)
            assert answer.status_code == 403, (path, headers)
        for wrong in ("", "0" * 32, token[:-1], desk.client().token()):
            assert ida.post(filled(path), token=wrong).status_code == 403, (path, wrong)
    assert Paper(desk.runtime, {}, 0).dump() == before


def test_reading_changes_nothing(desk: Desk) -> None:
    ida = desk.client(IDA)
    link = desk.link(BOB).removeprefix(desk.url)
    before = Paper(desk.runtime, {}, 0).dump()
    for path, methods in DESK_ROUTES:
        if methods == "GET HEAD":
            assert ida.http.request("HEAD", filled(path)).status_code in (200, 303, 404), path
            if not path.endswith("stream"):
                ida.get(filled(path))
    for _ in range(5):
        ida.get(link)
    assert Paper(desk.runtime, {}, 0).dump() == before


def test_the_stream_speaks_to_our_own_pages_alone(desk: Desk) -> None:
    ana = desk.client(ANA)
    for headers in (
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ):
        with ana.http.stream("GET", "/desk/stream?page=today", headers=headers) as answer:
            assert answer.status_code == 403  # one that is let in has no end
    for path in ("/desk/stream", "/desk/stream?page=nothing", "/desk/stream?page=sending&about=../x"):
        assert ana.get(path).status_code == 404


def test_a_ninth_stream_of_one_person_is_too_many(desk: Desk) -> None:
    ana, bob = desk.client(ANA), desk.client(BOB)
    with ExitStack() as opened:
        heard = []
        for _ in range(8):
            answer = opened.enter_context(ana.http.stream("GET", "/desk/stream?page=today"))
            heard.append(answer.iter_lines())
            assert next(heard[-1]) == "event: part"
        for client, status in ((ana, 429), (bob, 200)):
            with client.http.stream("GET", "/desk/stream?page=today") as ninth:
                assert ninth.status_code == status
        assert httpx.get(desk.url + "/healthz").status_code == 200


def test_an_open_stream_ends_with_its_session(desk: Desk) -> None:
    ana = desk.client(ANA)
    with ana.http.stream("GET", "/desk/stream?page=today") as answer:
        lines = answer.iter_lines()
        assert next(lines) == "event: part"
        staffing.change_role(desk.runtime, ANA, Role.EDITOR, machine_now(), who="ops")
        began = machine_now()
        assert "event: gone" in takewhile(lambda _: (machine_now() - began).total_seconds() < 5.5, lines)


def test_a_page_carries_the_desks_own_headers(desk: Desk) -> None:
    for path in ("/desk", "/desk/sign-in", "/desk/account", "/desk/editions/town/none/sending"):
        answer = desk.client(IDA).get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and "https://evil" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin", "else our own forms come from nowhere"


def counts(desk: Desk) -> dict[str, int]:
    """How many rows each table has, but for those that a visit or a probe adds to."""
    with desk.runtime.database.reading() as session:
        return {
            table.name: int(session.execute(select(func.count()).select_from(table)).scalar_one())
            for table in Table.metadata.sorted_tables
            if table.name not in ("desk_session", "presence", "throttle", "history", "relay")
        }


def test_no_word_of_whoever_is_signed_in_reaches_the_store_as_sql(desk: Desk) -> None:
    client, before = desk.client(IDA), counts(desk)
    token = client.token()
    for value in INJECTED:
        odd = quote(value, safe="")
        for path, methods in SIGNED_IN:
            if path in ("/desk/sign-out", "/desk/account/end-session") or path.endswith("stream"):
                continue
            for place in re.findall(r"{(\w+)}", path):
                address = filled(path.replace(f"{{{place}}}", odd.replace("{", "{{").replace("}", "}}")))
                post = methods == "POST"
                answer = client.post(address, token=token, about=value) if post else client.get(address)
                assert answer.status_code < 500, (address, answer.status_code)
    assert counts(desk) == before
