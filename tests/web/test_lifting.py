"""What lifts a suppression: every reason against everything that might, and what stands of it in the end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from newsletter.errors import Refused
from newsletter.models import Subscription, SubscriptionState, Suppression, SuppressionReason
from newsletter.services import importing, recalling, subscribing, suppressing
from newsletter.services.importing import Wishes
from tests.web.conftest import NOON, Paper
from tests.web.test_joining import link, wish

ALICE = "alice@readers.example"
COMPLAINT, DEAD, FORGOTTEN = SuppressionReason.COMPLAINT, SuppressionReason.DEAD, SuppressionReason.FORGOTTEN
Act = Callable[[httpx.Client, Paper, Path], object]


def a_list(_site: httpx.Client, paper: Paper, folder: Path) -> None:
    file = folder / "list.csv"
    file.write_text(f"address,name\n{ALICE},Alice\nnew@readers.example,New\n")
    report = importing.import_csv(paper.runtime, file, "post", NOON, Wishes(update=True))
    assert (report.new, report.suppressed) == (1, 1)


def a_sign_up(site: httpx.Client, paper: Paper, _folder: Path) -> None:
    assert site.post("/", data=wish(paper, ALICE)).status_code == 200


def a_confirmation(site: httpx.Client, paper: Paper, _folder: Path) -> None:
    site.post("/", data=wish(paper, ALICE))
    assert "Welcome" in site.post(link(paper)).text


def an_undo(_site: httpx.Client, paper: Paper, _folder: Path) -> None:
    subscribing.leave(paper.runtime, paper.alice, paper.ids["post"], NOON)
    assert not subscribing.return_to(
        paper.runtime, paper.alice, paper.ids["post"], NOON + timedelta(minutes=1)
    )


def an_admin(_site: httpx.Client, paper: Paper, _folder: Path) -> None:
    with suppress(Refused):
        suppressing.lift(paper.runtime, ALICE, "a slip", NOON, who="admin@town.example")


LIFTED = {
    a_list: set(),
    a_sign_up: set(),
    a_confirmation: {COMPLAINT, DEAD, FORGOTTEN},
    an_undo: set(),
    an_admin: {COMPLAINT},
}


@pytest.mark.parametrize("reason", list(SuppressionReason))
@pytest.mark.parametrize("act", list(LIFTED), ids=lambda act: act.__name__)
def test_what_lifts_a_suppression(
    site: httpx.Client, paper: Paper, tmp_path: Path, act: Act, reason: SuppressionReason
) -> None:
    key = paper.runtime.address_key.of(ALICE)
    with paper.runtime.database.writing() as session:
        session.add(Suppression(address_key=key, reason=reason, since=NOON - timedelta(days=1)))
    act(site, paper, tmp_path)
    with paper.runtime.database.reading() as session:
        found = session.get(Suppression, key)
    assert (found is None) == (reason in LIFTED[act])
    assert found is None or found.reason == reason


def test_a_complaint_is_taken_down_once_and_both_are_in_the_persons_story(paper: Paper) -> None:
    runtime = paper.runtime
    assert suppressing.suppress(runtime, str(paper.alice), "marked as spam", NOON, who="ops").is_new
    again = suppressing.suppress(runtime, ALICE, "", NOON + timedelta(hours=1), who="ops")
    assert (again.is_new, again.since) == (False, NOON)
    story = recalling.person_story(runtime, ALICE, 50)
    assert story.suppressed == "suppressed (complaint): marked as spam"
    suppressing.lift(runtime, ALICE, "she wrote", NOON + timedelta(hours=2), who="ops")
    story = recalling.person_story(runtime, ALICE, 50)
    assert story.suppressed == ""
    told = [event.what for event in story.events]
    assert any("she wrote" in what for what in told) and any("marked as spam" in what for what in told), told
    with runtime.database.reading() as session:
        place = session.get_one(Subscription, (paper.alice, paper.ids["post"]))
    assert place.state == SubscriptionState.ACTIVE, "a complaint is no leave"


def test_an_address_that_nobody_has_is_suppressed_as_well(paper: Paper) -> None:
    suppressing.suppress(paper.runtime, "Nobody.Yet@readers.example", "", NOON, who="ops")
    with pytest.raises(Refused, match="suppressed"):
        subscribing.add(paper.runtime, "nobody.yet@readers.example", "post", "", NOON)
    assert (
        suppressing.lift(paper.runtime, "nobody.yet@readers.example", "why not", NOON, who="ops").reason
        == COMPLAINT
    )
