"""What several keys must hold together.

The rules read the raw tables and step over whatever is not as it should be, so that one loading
names every fault and not only those of the first kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from newsletter.config.domains import domain, is_below
from newsletter.config.faults import Fault
from newsletter.config.kinds import Wrong, address, host, host_of, is_loopback, seconds, shown
from newsletter.config.newsletters import NewsletterSettings
from newsletter.config.parts import Sending
from newsletter.config.sources import Data

Table = Mapping[str, Any]


def items(table: object, name: str) -> Iterator[tuple[int, Table]]:
    """The tables of a list, with their places in it."""
    found = table.get(name) if isinstance(table, Mapping) else None
    for number, item in enumerate(found if isinstance(found, list) else []):
        if isinstance(item, Mapping):
            yield number, item


def text(table: object, name: str) -> str:
    found = table.get(name) if isinstance(table, Mapping) else None
    return found.strip() if isinstance(found, str) else ""


def broken_rules(data: Data) -> list[Fault]:
    return [fault for rule in _RULES for fault in rule(data)]


def _doubles(data: Data) -> Iterator[Fault]:
    for part, key in (("relays", "name"), ("lanes", "name"), ("feeds", "name"), ("newsletters", "slug")):
        seen: set[str] = set()
        for number, item in items(data, part):
            name = text(item, key)
            if name and name in seen:
                yield Fault((part, number, key), f"is taken already: {shown(name)}", "choose another")
            seen.add(name)


def _domains_in_two_lanes(data: Data) -> Iterator[Fault]:
    lane_of: dict[str, str] = {}
    for number, lane in items(data, "lanes"):
        domains = lane.get("domains")
        for written in domains if isinstance(domains, list | tuple) else ():
            name = written.strip().lower() if isinstance(written, str) else ""
            if name and lane_of.setdefault(name, text(lane, "name")) != text(lane, "name"):
                yield Fault(
                    ("lanes", number, "domains"),
                    f"names {shown(name)}, which is in the lane {shown(lane_of[name])} already",
                    "take it out of one of them",
                )


def _undeclared_feeds(data: Data) -> Iterator[Fault]:
    declared = [text(feed, "name") for _, feed in items(data, "feeds")]
    for number, newsletter in items(data, "newsletters"):
        for place, feed in items(newsletter, "feeds"):
            name = text(feed, "use")
            if name and name not in declared:
                known = ", ".join(filter(None, declared)) or "none yet"
                yield Fault(
                    ("newsletters", number, "feeds", place, "use"),
                    f"names a feed that is not declared: {shown(name)}",
                    f"add it as a [[feeds]] part; declared: {known}",
                )


def _mail_in_the_clear(data: Data) -> Iterator[Fault]:
    for number, relay in items(data, "relays"):
        if text(relay, "tls") == "none" and _leaves(relay):
            yield Fault(
                ("relays", number, "tls"),
                '"none" would send mail in the clear over a network',
                'write "implicit" (port 465) or "starttls" (port 587); "none" is for relays on this machine',
            )


def _half_a_login(data: Data) -> Iterator[Fault]:
    for number, relay in items(data, "relays"):
        # A password file that could not be read has a fault of its own
        has_password = bool(text(relay, "password") or text(relay, "password_file"))
        if text(relay, "user") and not has_password:
            yield Fault(("relays", number, "user"), "has no password", "add password_file")
        if has_password and not text(relay, "user"):
            yield Fault(("relays", number, "user"), "is missing beside the password", "add it")


def _unsigned_webhook(data: Data) -> Iterator[Fault]:
    alerts = data.get("alerts")
    if text(alerts, "webhook") and not (text(alerts, "secret") or text(alerts, "secret_file")):
        yield Fault(
            ("alerts", "webhook"),
            "has no secret, so whoever receives it cannot tell us from others",
            "add secret_file, a file with the text that you share with them",
        )


def _links_lead_nowhere(data: Data) -> Iterator[Fault]:
    outward = [text(relay, "name") for _, relay in items(data, "relays") if _leaves(relay)]
    url = text(data.get("web"), "public_url")
    if outward and (not url or is_loopback(host_of(url))):
        yield Fault(
            ("web", "public_url"),
            f"{'leads to this machine alone' if url else 'is missing'} while relay "
            f"{shown(outward[0])} mails to the world: a mail must not carry links that lead nowhere",
            'write where readers reach `newsletter serve`: public_url = "https://letters.news.example"',
        )


def _signed_by_a_stranger(data: Data) -> Iterator[Fault]:
    try:
        signer = domain(text(data.get("dkim"), "domain"))
    except Wrong:
        return
    for _, newsletter in items(data, "newsletters"):
        try:
            sender = address(text(newsletter, "from_address"))
        except Wrong:
            continue
        if not is_below(signer, sender):
            yield Fault(
                ("dkim", "domain"),
                f"is not that of {shown(sender)}, the from_address of {shown(text(newsletter, 'slug'))}: "
                "mailboxes would not take the signature for the sender's",
                "leave it out, and each address's own domain signs",
            )


def _leaves(relay: Table) -> bool:
    try:
        return not is_loopback(host(text(relay, "host")))
    except Wrong:
        return False


def _cutoff_after_freeze(data: Data) -> Iterator[Fault]:
    lead = _duration(data.get("sending"), "lead", Sending.model_fields["lead"].default)
    for number, newsletter in items(data, "newsletters"):
        cutoff = _duration(newsletter, "cutoff", NewsletterSettings.model_fields["cutoff"].default)
        if cutoff < lead:
            yield Fault(
                ("newsletters", number, "cutoff"),
                f"is {cutoff:g} seconds, but [sending] lead freezes an edition {lead:g} seconds before due",
                "make the cut-off at least as long as the lead",
            )


def _machines_without_a_server(data: Data) -> Iterator[Fault]:
    if text(data.get("sending"), "engine") != "procrastinate":
        return
    if not text(data.get("database"), "url").startswith("postgresql"):
        yield Fault(
            ("sending", "engine"),
            '"procrastinate" needs PostgreSQL, and [database] url names none',
            'write url = "postgresql://user@host/name", or leave engine out: "embedded" serves one machine',
        )


def _duration(table: object, name: str, default: float) -> float:
    written = table.get(name, default) if isinstance(table, Mapping) else default
    try:
        found = seconds(written)
    except Wrong:
        return default
    return float(found) if isinstance(found, int | float) else default


_RULES = (
    _doubles,
    _domains_in_two_lanes,
    _undeclared_feeds,
    _mail_in_the_clear,
    _half_a_login,
    _unsigned_webhook,
    _links_lead_nowhere,
    _signed_by_a_stranger,
    _cutoff_after_freeze,
    _machines_without_a_server,
)
