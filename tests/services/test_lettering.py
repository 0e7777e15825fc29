"""What stands in letters, and whose they are; nothing of a stranger's, nothing that outlives its use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.runtime import Runtime
from newsletter.services import lettering
from newsletter.services.lettering import Addressee
from tests.letters import ask, carry, letters, town_of
from tests.mail.verifiers import dkimpy_says
from tests.newsroom import NINE, Newsroom, at
from tests.services.test_forgetting import dump
from tests.signers import signers
from tests.smtpd import Mail, SmtpServer
from tests.stories.test_relays import ON_SQLITE, SECOND
from tests.stories.test_signed import KEYS

ALICE = "alice@readers.example"
LINK = "http://127.0.0.1:8000/x/secret-link"
SOON = timedelta(minutes=30)


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, database_url: str, server: SmtpServer) -> Newsroom:
    return Newsroom(tmp_path / "room", database_url, server.port)


def ask_for_all(runtime: Runtime, to: Addressee, house: Addressee) -> None:
    """A letter of each kind."""
    told = {"text": "All is well.", "next_step": "newsletter status", "event": "finished", "id": "1"}
    with runtime.database.writing() as session:
        lettering.confirm(session, to, "1", NINE, url=LINK, good_for=SOON)
        lettering.welcome(session, runtime, to, "2", NINE)
        lettering.preferences(session, to, "3", NINE, url=LINK, good_for=SOON)
        lettering.address_change(session, to, "4", NINE, url=LINK, good_for=SOON)
        lettering.address_changed(session, to, "5", NINE)
        lettering.goodbye(session, to, "6", NINE)
        lettering.sign_in(session, house, "7", NINE, url=LINK, good_for=SOON)
        lettering.alert(session, house, "8", NINE, told=told, avoid="")


def by_subject(server: SmtpServer) -> dict[str, Mail]:
    return {str(mail.message["Subject"]): mail for mail in server.mails}


def text_of(mail: Mail) -> str:
    part = mail.message.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@ON_SQLITE
def test_every_kind_says_what_it_is_and_is_signed(room: Newsroom, server: SmtpServer) -> None:
    room.configure(dkim=KEYS)
    _, records = signers(room.folder, "town.example")
    room.import_readers([ALICE])
    with room.opened() as runtime:
        town = town_of(runtime)
        ask_for_all(runtime, Addressee(ALICE, 1, town), Addressee("editor@town.example"))
        carry(runtime)
        leave, own = runtime.links.leave(1, town), runtime.links.preferences(1)
    mails = by_subject(server)
    assert mails.keys() == {
        "Please confirm: Town Today", "Welcome to Town Today", "Your link to your preferences",
        "Please confirm your new address", "Your address was changed", "You have left our newsletters",
        "Your link to sign in", "All is well.",
    }  # fmt: skip
    for subject, mail in mails.items():
        message = mail.message
        assert message["Auto-Submitted"] == "auto-generated", "RFC 3834"
        assert message["From"] == "Town Today <news@town.example>" and message["Precedence"] is None
        is_welcome = subject == "Welcome to Town Today"
        assert message["List-Unsubscribe"] == (f"<{leave}>" if is_welcome else None)
        assert message["List-Unsubscribe-Post"] == ("List-Unsubscribe=One-Click" if is_welcome else None)
        assert dkimpy_says(mail.content, records) == [True, True]
        assert max(map(len, mail.content.split(b"\r\n"))) < 998 and mail.content.isascii()
    assert own in text_of(mails["You have left our newsletters"])


@ON_SQLITE
def test_before_consent_a_letter_has_nothing_that_anybody_typed(room: Newsroom, server: SmtpServer) -> None:
    """Whatever stands behind two sign-ups, their confirmations differ by link, address and number alone."""
    name = "Win at https://evil.example now"
    assert room.run("subscribers", "add", ALICE, "--newsletter", "town", "--name", name, now=NINE).code == 0
    with room.opened() as runtime:
        town = town_of(runtime)
        with runtime.database.writing() as session:
            for number, to in enumerate((Addressee(ALICE, 1, town), Addressee("bob@x.example", None, town))):
                url = f"http://127.0.0.1:8000/confirm/{number:064}"
                lettering.confirm(session, to, str(number), NINE, url=url, good_for=SOON)
        carry(runtime)
    one, other = (neutral(mail) for mail in server.mails)
    assert one == other and b"evil" not in one


def neutral(mail: Mail) -> bytes:
    """The mail without what is its own: whose it is, its number, its link, and the boundary drawn from it."""
    found = re.sub(rb"(?m)^(To|Message-ID): .*$", rb"\1", mail.content)
    found = re.sub(rb"=_[0-9a-f]{32}", b"=_", found)
    return re.sub(rb"confirm/[0-9=\r\n]+", b"confirm/", found)


def test_a_welcome_has_the_top_of_the_newest_edition(room: Newsroom, server: SmtpServer) -> None:
    room.import_stories()
    room.import_readers([ALICE])

    def welcome(key: str) -> str:
        with room.opened() as runtime:
            to = Addressee(ALICE, 1, town_of(runtime))
            with runtime.database.writing() as session:
                assert lettering.welcome(session, runtime, to, key, NINE)
            carry(runtime)
        return text_of(server.mails[-1])

    before = welcome("before")
    assert "from the next edition on" in before and "latest edition" not in before
    assert room.run("tick", now=NINE).code == 0
    after = welcome("after")
    assert "The day's story no. 0\nhttps://town.example/day/0\n" in after
    assert "Read the latest edition:\nhttp://127.0.0.1:8000/n/town/2026-02-18\n" in after


@ON_SQLITE
def test_letters_of_the_house_have_their_own_sender(room: Newsroom, server: SmtpServer) -> None:
    house = '[letters]\nfrom_name = "The desk"\nfrom_address = "desk@paper.example"\n'
    room.config.write_text(room.config.read_text().replace("[dkim]", f"{house}\n[dkim]"))
    with room.opened() as runtime:
        with runtime.database.writing() as session:
            to = Addressee("editor@town.example")
            lettering.sign_in(session, to, "1", NINE, url=LINK, good_for=SOON)
        carry(runtime)
    (mail,) = server.mails
    assert mail.message["From"] == "The desk <desk@paper.example>" and mail.sender == "desk@paper.example"
    assert f"\n{LINK}\n" in text_of(mail) and "30 minutes" in text_of(mail)


@ON_SQLITE
def test_bounces_of_a_letter_tell_whose_they_are(room: Newsroom, server: SmtpServer) -> None:
    room.configure(newsletter='return_path = "bounces+{token}@town.example"')
    with room.opened() as runtime:
        ask(runtime, [ALICE, "bob@readers.example"])
        carry(runtime)
        assert {mail.sender for mail in server.mails} == {
            f"bounces+{runtime.links.verp(0, letter.id or 0)}@town.example" for letter in letters(runtime)
        }


@ON_SQLITE
def test_a_broken_theme_keeps_no_letter_back(room: Newsroom, server: SmtpServer) -> None:
    folder = room.folder / "themes" / "mine" / "letters"
    folder.mkdir(parents=True)
    (folder / "confirm.txt.j2").write_text("{{ nobody.knows }}")
    room.configure(newsletter='theme = "mine"')
    room.config.write_text('themes = "themes"\n' + room.config.read_text())
    with room.opened() as runtime:
        ask(runtime, [ALICE])
        carry(runtime)
    assert "Yes, send it to me:" in text_of(server.mails[0])


def test_no_link_that_opens_something_outlives_its_letter(room: Newsroom, server: SmtpServer) -> None:
    """What was on the wire is nowhere in the store, whatever became of the letter."""
    with room.opened() as runtime:
        to = ["tempfail@x.example", "permfail@x.example", "drops@x.example", ALICE]
        ask(runtime, to)
        carry(runtime)
        assert "secret-0" in dump(room), "it has still to go"
    with room.opened(NINE + timedelta(minutes=1)) as runtime:
        carry(runtime)
        if room.is_sqlite:
            runtime.database.empty_log()
    assert "secret-" not in dump(room)


def test_who_is_forgotten_has_no_letters(room: Newsroom, server: SmtpServer) -> None:
    address = "permfail.rosalind@readers.example"
    room.import_readers([address, "bob@readers.example"])
    with room.opened() as runtime:
        town = town_of(runtime)
        ask(runtime, [address])
        carry(runtime)
        with runtime.database.writing() as session:
            for key in ("open", "of another number"):
                to = Addressee(address, 1 if key == "open" else None, town)
                lettering.goodbye(session, to, key, NINE)
    assert "rosalind" in dump(room)
    assert room.run("subscribers", "forget", address, "--yes", now=NINE).code == 0
    assert "rosalind" not in dump(room)
    with room.opened() as runtime:
        carry(runtime)
        assert [letter.state for letter in letters(runtime)] == ["failed", "cancelled", "cancelled"]
    assert server.accepted == 0


def test_retention_drops_old_letters(room: Newsroom, server: SmtpServer) -> None:
    with room.opened() as runtime:
        ask(runtime, [ALICE])
        carry(runtime)
    for days, kept in ((29, 1), (31, 0)):
        with room.opened(at("09:00", days=days)) as runtime:
            carry(runtime)
            assert len(letters(runtime)) == kept


ASKS: list[Callable[..., bool]] = [lettering.confirm, lettering.preferences, lettering.sign_in]


@ON_SQLITE
@pytest.mark.parametrize("asks", ASKS)
def test_a_letter_with_a_link_goes_while_the_link_is_good(
    room: Newsroom, server: SmtpServer, asks: Callable[..., bool]
) -> None:
    with room.opened() as runtime:
        to = Addressee(ALICE, newsletter_id=town_of(runtime))
        with runtime.database.writing() as session:
            assert asks(session, to, "1", NINE, url=LINK, good_for=SOON)
            assert not asks(session, to, "1", NINE, url=LINK, good_for=SOON)
    with room.opened(NINE + SOON) as runtime:
        carry(runtime)
        assert [letter.state for letter in letters(runtime)] == ["expired"]
    assert server.accepted == 0


# ── alerts by mail ──────────────────────────────────────────────────────────────────────────────


def test_a_stopped_run_is_told_over_the_other_relay(room: Newsroom, server: SmtpServer) -> None:
    """The relay that turned the edition away is the last that should carry the news of it."""
    mail = '[alerts]\nmail = ["ops@town.example", "desk@town.example"]'
    with SmtpServer() as second:
        room.configure(relays=SECOND.format(second.port), feeds=mail)
        room.import_stories()
        room.import_readers(f"policy{number}@readers.example" for number in range(60))
        assert room.run("tick", now=NINE).code == 4, "the breaker has tripped"
        assert server.accepted == 0
        assert {mail.recipient for mail in second.mails} == {"ops@town.example", "desk@town.example"}
        stopped = second.mails[-1]
    assert str(stopped.message["Subject"]).startswith("[Rehearsal] The breaker has stopped town/2026-02-18")
    assert "newsletter editions show town/2026-02-18" in text_of(stopped)
    told = room.run("tick", now=at("09:02"))
    assert told.code == 4 and len(second.mails) == 2, "each event once to each address"


@ON_SQLITE
def test_an_alert_that_no_relay_takes_is_counted_as_untold(room: Newsroom, server: SmtpServer) -> None:
    room.configure(feeds='[alerts]\nmail = ["permfail@town.example"]')
    room.import_stories()
    room.import_readers([ALICE])
    for clock in ("08:31", "08:32"):
        room.run("tick", now=at(clock))
    status = room.run("status", "--json", now=at("08:33"))
    assert (status.code, status.json["untold"]) == (4, 1)
    assert "1 alert has reached nobody so far" in status.json["problems"][0]["what"]
