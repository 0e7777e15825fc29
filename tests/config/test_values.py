"""What the keys take, and what is made of it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from newsletter.config import NewsletterSettings, Relay
from tests.config.papers import ABROAD, PAPER, PUBLIC, RELAY, load, paper, refusal


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("90", 90), ('"90"', 90), ('"90 seconds"', 90), ('"1 minute"', 60), ('"30 minutes"', 1800),
        ('"2 hours"', 7200), ('"36 hours"', 129_600), ('"90 days"', 7_776_000), ('"1 week"', 604_800),
        ("0", 0),
    ],
)  # fmt: skip
def test_durations_are_seconds_or_words(tmp_path: Path, written: str, seconds: int) -> None:
    settings = load(tmp_path, paper(f"late_limit = {written}")).settings
    assert settings.newsletters[0].late_limit == seconds


def test_a_timeout_may_be_a_fraction(tmp_path: Path) -> None:
    assert load(tmp_path, "[gathering]\ntimeout = 0.5").settings.gathering.timeout == 0.5


@pytest.mark.parametrize("written", ['"09:30"', '"9:30"', "09:30:00"])
def test_the_minute_may_be_a_text_or_a_time(tmp_path: Path, written: str) -> None:
    assert load(tmp_path, paper(f"send_at = {written}")).settings.newsletters[0].send_at == time(9, 30)


def test_dates_may_be_texts_or_dates(tmp_path: Path) -> None:
    newsletter = load(tmp_path, paper('skip_dates = [2026-12-25, "2027-01-01"]')).settings.newsletters[0]
    assert newsletter.skip_dates == (date(2026, 12, 25), date(2027, 1, 1))


def test_est_is_taken_and_means_minus_five_all_year(tmp_path: Path) -> None:
    newsletter = load(tmp_path, paper('timezone = "EST"')).settings.newsletters[0]
    for month in (1, 7):
        assert datetime(2026, month, 1, 9, tzinfo=newsletter.zone).utcoffset() == timedelta(hours=-5)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://Letters.News.Example/", "https://letters.news.example"),
        ("https://news.example:8443", "https://news.example:8443"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
    ],
)
def test_public_url_is_kept_as_scheme_and_host(tmp_path: Path, written: str, kept: str) -> None:
    assert load(tmp_path, f'[web]\npublic_url = "{written}"').settings.web.public_url == kept


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("bounces+{token}@News.Example", "bounces+{token}@news.example"),
        ("{token}@news.test", "{token}@news.test"),
        ("bounces@news.example", "bounces@news.example"),
        ("", ""),
    ],
)
def test_the_envelope_sender_may_hold_one_token(tmp_path: Path, written: str, kept: str) -> None:
    assert load(tmp_path, paper(f'return_path = "{written}"')).settings.newsletters[0].return_path == kept


def test_the_domain_of_an_address_is_kept_in_ascii(tmp_path: Path) -> None:
    text = PAPER.replace("desk@news.example", "desk@zeitung-münchen.example")
    assert load(tmp_path, text).settings.newsletters[0].from_address == "desk@xn--zeitung-mnchen-osb.example"


def test_a_postal_address_may_have_lines(tmp_path: Path) -> None:
    text = PAPER.replace('"1 Main Street"', '"""\n1 Main Street\n[web]\nbind = Springfield\n"""')
    newsletter = load(tmp_path, text).settings.newsletters[0]
    assert newsletter.postal_address == "1 Main Street\n[web]\nbind = Springfield"
    assert refusal(tmp_path, text + '[web]\nbind = "x"').startswith("~, line 11: [web] bind")


def test_a_relay_abroad_is_taken_with_public_url_and_its_authority(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("")
    relay = load(tmp_path, PUBLIC + ABROAD + 'ca_file = "ca.pem"').settings.relays[0]
    assert relay.ca_file == str(tmp_path / "ca.pem")
    assert not relay.is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", "mail.localhost"])
def test_loopback_relays_need_no_public_url(host: str, tmp_path: Path) -> None:
    assert load(tmp_path, RELAY.replace("127.0.0.1", host)).settings.relays[0].is_loopback


@pytest.mark.parametrize("host", ["128.0.0.1", "localhost.example", "127.0.0.1.example", "::2"])
def test_other_hosts_are_not_loopback(host: str) -> None:
    assert not Relay(name="a", host=host).is_loopback


def test_newsletters_can_be_made_in_code_with_the_defaults() -> None:
    newsletter = NewsletterSettings(
        slug="paper", name="The Paper", from_address="desk@news.example", postal_address="1 Main Street"
    )
    assert newsletter.zone.key == "America/New_York"
    assert newsletter.send_at == time(9)


@pytest.mark.parametrize(
    ("codes", "day", "why"),
    [
        ('["us"]', date(2026, 7, 3), "it is a holiday: Independence Day (observed) (US)"),
        ('["DE-BY"]', date(2026, 1, 6), "it is a holiday: Epiphany (DE-BY)"),
        ('["DE"]', date(2026, 1, 6), ""),
        ('["US", "FR"]', date(2026, 7, 14), "it is a holiday: National Day (FR)"),
        ("[]", date(2026, 12, 25), ""),
    ],
)
def test_holidays_are_those_of_a_country_or_its_part(tmp_path: Path, codes: str, day: date, why: str) -> None:
    newsletter = load(tmp_path, paper(f"holidays = {codes}")).settings.newsletters[0]
    assert newsletter.taken_out(day) == why


@pytest.mark.parametrize(
    ("domain", "sender"),
    [
        ("news.example", "desk@news.example"), ("News.Example", "desk@NEWS.example"),
        ("news.example", "desk@mail.news.example"), ("xn--bcher-kva.example", "desk@bücher.example"),
    ],
)  # fmt: skip
def test_the_signer_is_the_senders_domain_or_one_above(tmp_path: Path, domain: str, sender: str) -> None:
    text = f'[dkim]\ndomain = "{domain}"\n' + PAPER.replace("desk@news.example", sender)
    assert load(tmp_path, text).settings.dkim.domain == domain.lower()
