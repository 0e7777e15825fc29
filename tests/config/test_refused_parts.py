"""What the parts refuse, alone and together, in the very words."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.config import load_settings
from newsletter.errors import Misuse
from tests.config.papers import ABROAD, PAPER, PUBLIC, RELAY, paper, refusal

REFUSALS = {
    # ── keys ────────────────────────────────────────────────────────────────────────────────────
    "unknown part": ("[databse]", "~, line 1: databse is no key that we know; did you mean database?"),
    "unknown key": (
        '[web]\nbind = "[::1]:80"\npublic_ulr = "x"',
        "~, line 3: [web] public_ulr is no key that we know; did you mean public_url?",
    ),
    "unknown key like none": (
        paper("[[newsletters.social]]\nname = 'X'\nurl = 'https://x.example'\ncolour = 'red'"),
        "~, line 9: [[newsletters.social]] 'X' colour is no key that we know; "
        "take it out; known here: name, url.",
    ),
    "missing key": (
        '[[feeds]]\nname = "world"',
        "~, line 1: [[feeds]] 'world' url is missing; add it.",
    ),
    "missing key in the second": (
        '[[feeds]]\nname = "a"\nurl = "https://a.example"\n[[feeds]]\nurl = "https://b.example"',
        "~, line 4: [[feeds]] 2 name is missing; add it.",
    ),
    # ── types ───────────────────────────────────────────────────────────────────────────────────
    "whole number": (
        '[sending]\nbatch = "many"',
        "~, line 2: [sending] batch is to be a whole number; write it without quotes, such as 500.",
    ),
    "fraction": (
        "[sending]\nbatch = 2.5",
        "~, line 2: [sending] batch is to be a whole number; write it without a fraction, such as 500.",
    ),
    "number": (
        paper('[[newsletters.feeds]]\nuse = "world"\nweight = "heavy"\n[[feeds]]\nname = "world"')
        + 'url = "https://news.example"',
        "~, line 8: [[newsletters.feeds]] 'world' weight is to be a number; "
        "write it without quotes, such as 1.5.",
    ),
    "too small": ("[sending]\nbatch = 0", "~, line 2: [sending] batch is too small; write 1 or more."),
    "too large": (
        RELAY + "port = 70000",
        "~, line 5: [[relays]] 'main' port is too large; write 65535 or less.",
    ),
    "single brackets": (
        '[relays]\nname = "main"',
        "~, line 1: relays is to be a list of parts; begin each with [[relays]], in double brackets.",
    ),
    "value for a part": (
        'database = "sqlite://"',
        "~, line 1: database is to be a part of its own; write its keys below [database].",
    ),
    "value for an item": (
        'feeds = ["https://news.example/rss"]',
        "~, line 1: feeds is to be a part of its own; write it below [[feeds]].",
    ),
    # ── signing ─────────────────────────────────────────────────────────────────────────────────
    "selector": (
        '[dkim.keys]\n"a b" = "x.pem"',
        "~, line 1: [dkim] keys is no selector: 'a b'; "
        "use lower-case letters, digits, and inner hyphens or dots, like rsa-2026-11.",
    ),
    "selector that ends a header": (
        '[dkim]\nkeys = { "a\\r\\nBcc" = "x.pem" }',
        "~, line 2: [dkim] keys is no selector: 'a\\r\\nBcc'; "
        "use lower-case letters, digits, and inner hyphens or dots, like rsa-2026-11.",
    ),
    "key without a file": (
        "[dkim.keys]\nnews = 7",
        '~, line 1: [dkim] keys news is to name its key file; write it like news = "dkim-news.pem".',
    ),
    "keys in a list": (
        '[dkim]\nkeys = ["news.pem"]',
        "~, line 2: [dkim] keys is to be a table of selectors and their key files; "
        'write it like { rsa-2026-11 = "dkim-rsa-2026-11.pem" }.',
    ),
    "signer": (
        '[dkim]\ndomain = "news"',
        "~, line 2: [dkim] domain is no domain: 'news'; write it like news.example; other letters in "
        "their xn-- form.",
    ),
    "a signer who is a stranger": (
        '[dkim]\ndomain = "other.example"\n' + PAPER,
        "~, line 2: [dkim] domain is not that of 'desk@news.example', the from_address of 'paper': "
        "mailboxes would not take the signature for the sender's; "
        "leave it out, and each address's own domain signs.",
    ),
    "a signer whose name ends alike": (
        '[dkim]\ndomain = "ews.example"\n' + PAPER,
        "~, line 2: [dkim] domain is not that of 'desk@news.example', the from_address of 'paper': "
        "mailboxes would not take the signature for the sender's; "
        "leave it out, and each address's own domain signs.",
    ),
    # ── days and times ──────────────────────────────────────────────────────────────────────────
    "duration": (
        '[sending]\nlead = "a while"',
        "~, line 2: [sending] lead is no duration: 'a while'; "
        'write seconds (1800) or words ("30 minutes", "2 hours", "90 days").',
    ),
    "a switch for a duration": (
        "[gathering]\nevery = true",
        "~, line 2: [gathering] every is to be a duration; "
        'write seconds (1800) or words ("30 minutes", "2 hours", "90 days").',
    ),
    # ── names and texts ─────────────────────────────────────────────────────────────────────────
    "slug": (
        PAPER.replace('"paper"', '"The Paper"'),
        "~, line 2: [[newsletters]] 'The Paper' slug is to be lower-case letters, digits and inner hyphens, "
        "not 'The Paper'; write it like ukraine-today.",
    ),
    "line separator": (
        PAPER.replace("The Paper", r"The\u2028Paper"),
        "~, line 3: [[newsletters]] 'paper' name holds a line break or another control character; "
        "write it on one line.",
    ),
    "C1": (
        RELAY + r'user = "m\u0085e"' + '\npassword = "secret"',
        "~, line 5: [[relays]] 'main' user holds a line break or another control character; "
        "write it on one line.",
    ),
    "no postal address": (
        PAPER.replace("1 Main Street", "  "),
        "~, line 5: [[newsletters]] 'paper' postal_address is empty; fill it in.",
    ),
    # ── addresses ───────────────────────────────────────────────────────────────────────────────
    "address": (
        PAPER.replace("desk@news.example", "desk at news"),
        "~, line 4: [[newsletters]] 'paper' from_address is no mail address: 'desk at news' "
        "(An email address must have an @-sign); write it like desk@news.example.",
    ),
    # ── the web ─────────────────────────────────────────────────────────────────────────────────
    "feed from a file": (
        '[[feeds]]\nname = "a"\nurl = "file:///etc/passwd"',
        "~, line 3: [[feeds]] 'a' url is no web address; write it like https://letters.news.example.",
    ),
    "public_url with a path": (
        '[web]\npublic_url = "https://news.example/letters"',
        "~, line 2: [web] public_url has more than scheme, host and port; "
        "write scheme and host alone: https://letters.news.example.",
    ),
    "public_url with a query": (
        '[web]\npublic_url = "https://news.example?"',
        "~, line 2: [web] public_url has more than scheme, host and port; "
        "write scheme and host alone: https://letters.news.example.",
    ),
    "public_url in the clear": (
        '[web]\npublic_url = "http://news.example"',
        "~, line 2: [web] public_url is not https, so everybody on the way could read and change what a "
        "link does; write scheme and host alone: https://letters.news.example.",
    ),
    "bind": (
        '[web]\nbind = "8000"',
        "~, line 2: [web] bind is to be an address and a port, not '8000'; write it like 127.0.0.1:8000.",
    ),
    "all the world a proxy": (
        '[web]\ntrusted_proxies = ["*"]',
        "~, line 2: [web] trusted_proxies is to name proxies by IP address or network, not '*'; "
        "write it like 10.0.0.7 or 10.0.0.0/24.",
    ),
    # ── relays ──────────────────────────────────────────────────────────────────────────────────
    "host with port": (
        RELAY.replace("127.0.0.1", "localhost:25"),
        "~, line 3: [[relays]] 'main' host is to be a host alone, not 'localhost:25'; "
        "write it like smtp.news.example; the port has a key of its own.",
    ),
    "mail in the clear": (
        PUBLIC + ABROAD.replace("implicit", "none"),
        "~, line 6: [[relays]] 'main' tls \"none\" would send mail in the clear over a network; "
        'write "implicit" (port 465) or "starttls" (port 587); "none" is for relays on this machine.',
    ),
    "links that lead nowhere": (
        ABROAD,
        "~: [web] public_url is missing while relay 'main' mails to the world: a mail must not carry "
        "links that lead nowhere; write where readers reach `newsletter serve`: "
        'public_url = "https://letters.news.example".',
    ),
    "links that lead here": (
        '[web]\npublic_url = "http://127.0.0.1:8000"\n' + ABROAD,
        "~, line 2: [web] public_url leads to this machine alone while relay 'main' mails to the world: "
        "a mail must not carry links that lead nowhere; write where readers reach `newsletter serve`: "
        'public_url = "https://letters.news.example".',
    ),
    "user alone": (
        RELAY + 'user = "me"',
        "~, line 5: [[relays]] 'main' user has no password; add password_file.",
    ),
    "password alone": (
        RELAY + 'password = "hunter2"',
        "~, line 1: [[relays]] 'main' user is missing beside the password; add it.",
    ),
    "no such authority": (
        RELAY + 'ca_file = "/nowhere/ca.pem"',
        "~, line 5: [[relays]] 'main' ca_file names no file: /nowhere/ca.pem; correct the path.",
    ),
    "no such password file": (
        RELAY + 'user = "me"\npassword_file = "/nowhere/password"',
        "~, line 6: [[relays]] 'main' password_file names no file: /nowhere/password; "
        "correct the path, or write the password there.",
    ),
    # ── names taken twice, feeds not there ──────────────────────────────────────────────────────
    # ── lanes ───────────────────────────────────────────────────────────────────────────────────
    "lane": (
        '[[lanes]]\nname = "Gmail"',
        "~, line 2: [[lanes]] 'Gmail' name is to be up to 32 lower-case letters, digits and inner hyphens, "
        "not 'Gmail'; write it like gmail.",
    ),
    "rate": (
        '[[lanes]]\nname = "gmail"\nrate = -1',
        "~, line 3: [[lanes]] 'gmail' rate is too small; write 0.0 or more.",
    ),
    "endless rate": (
        '[[lanes]]\nname = "gmail"\nrate = inf',
        "~, line 3: [[lanes]] 'gmail' rate is to be a number; write it without quotes, such as 1.5.",
    ),
    "lane's domain": (
        '[[lanes]]\nname = "gmail"\ndomains = ["@gmail"]',
        "~, line 3: [[lanes]] 'gmail' domains is no domain: '@gmail'; write it like news.example; "
        "other letters in their xn-- form.",
    ),
    "domain in two lanes": (
        '[[lanes]]\nname = "a"\ndomains = ["x.example"]\n[[lanes]]\nname = "b"\ndomains = ["X.example"]',
        "~, line 6: [[lanes]] 'b' domains names 'x.example', which is in the lane 'a' already; "
        "take it out of one of them.",
    ),
    "two lanes": (
        '[[lanes]]\nname = "a"\n[[lanes]]\nname = "a"',
        "~, line 4: [[lanes]] 'a' name is taken already: 'a'; choose another.",
    ),
    "two relays": (
        RELAY + RELAY,
        "~, line 6: [[relays]] 'main' name is taken already: 'main'; choose another.",
    ),
    "two feeds": (
        '[[feeds]]\nname = "a"\nurl = "https://a.example"\n' * 2,
        "~, line 5: [[feeds]] 'a' name is taken already: 'a'; choose another.",
    ),
    "two newsletters": (
        PAPER * 2,
        "~, line 7: [[newsletters]] 'paper' slug is taken already: 'paper'; choose another.",
    ),
    "undeclared feed": (
        '[[feeds]]\nname = "world"\nurl = "https://a.example"\n'
        + paper('[[newsletters.feeds]]\nuse = "wrld"'),
        "~, line 10: [[newsletters.feeds]] 'wrld' use names a feed that is not declared: 'wrld'; "
        "add it as a [[feeds]] part; declared: world.",
    ),
}


@pytest.mark.parametrize(("text", "sentence"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_names_place_key_and_mend(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "config.toml").touch(mode=0o600)
    assert refusal(tmp_path, text) == sentence


def test_all_faults_are_named_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = '[web]\nbind = "x"\n' + PAPER.replace("desk@news.example", "nobody") + 'theme = "!"\n' + PAPER
    told = refusal(tmp_path, text).splitlines()
    assert told[0] == "The configuration has 4 faults:"
    assert [line.strip().split(":")[0] for line in told[1:]] == [
        "~, line 2",
        "~, line 6",
        "~, line 8",
        "~, line 10",
    ]


def test_broken_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    told = refusal(tmp_path, "[web]\nbind = 127.0.0.1")
    assert (
        told == "~ is no TOML: Expected newline or end of document after a statement (at line 2, column 13)."
    )


def test_another_encoding_is_refused_and_a_byte_order_mark_is_not(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(PAPER.replace("Main", "Ma\xefn").encode("latin-1"))
    with pytest.raises(Misuse, match="not UTF-8"):
        load_settings(None, {}, tmp_path)
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbf" + PAPER.encode())
    assert load_settings(None, {}, tmp_path).settings.newsletters[0].slug == "paper"
