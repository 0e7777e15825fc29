"""Nothing that is sent to us, or put into a file, takes the program down (security group VI).

The bombs themselves are told in `tests/web/test_border.py`, those of the demo's mail server in
`tests/demo/test_demo.py`; here stands what must hold for every route, also for one not written yet.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute

from newsletter.errors import Misuse
from newsletter.feeds.files import LONGEST_CELL, read_file
from newsletter.services import importing, sheets
from newsletter.services.importing import Wishes
from newsletter.web.app import create_app
from newsletter.web.border import Limits
from tests.newsroom import until
from tests.web.conftest import NOON, Paper

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LIMIT = Limits().body
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def every_address(paper: Paper) -> list[tuple[str, str]]:
    """Each route's method and path, and one that does not exist."""
    found = [("POST", "/nothing")]
    for route in create_app(paper.runtime).routes:
        assert isinstance(route, APIRoute)
        path = route.path.replace("{", "").replace("}", "")
        found += [(method, path) for method in sorted(route.methods | {"POST", "PUT"})]
    return found


def test_one_byte_too_many_is_413_wherever_it_is_sent(site: httpx.Client, paper: Paper) -> None:
    def chunked() -> Iterator[bytes]:
        yield b"a" * LIMIT
        yield b"a"

    addresses = every_address(paper)
    assert ("POST", "/unsubscribe/token") in addresses
    for method, path in addresses:
        assert site.request(method, path, content=b"a" * LIMIT, headers=FORM).status_code != 413
        for body in (b"a" * (LIMIT + 1), chunked()):
            assert site.request(method, path, content=body, headers=FORM).status_code == 413, (method, path)


def test_while_bombs_fall_the_program_answers(site: httpx.Client) -> None:
    """A body that fits the limit and holds as many fields as can be: the worst that gets to a parser."""
    worst, stop = b"&".join([b"a=1"] * (LIMIT // 4)), threading.Event()
    answers: list[int] = []

    def drop() -> None:
        with httpx.Client(base_url=site.base_url) as client:
            while not stop.is_set():
                answers.append(client.post("/unsubscribe/x", content=worst, headers=FORM).status_code)

    bombers = [threading.Thread(target=drop) for _ in range(4)]
    for bomber in bombers:
        bomber.start()
    until(lambda: bool(answers))  # or we had asked for the last time before the first has fallen
    waits = sorted(site.get("/healthz").elapsed.total_seconds() for _ in range(30))
    stop.set()
    for bomber in bombers:
        bomber.join()
    assert set(answers) == {400}
    assert waits[15] < 0.5, waits


def test_an_endless_line_or_cell_is_no_import(paper: Paper, tmp_path: Path) -> None:
    file = tmp_path / "readers.csv"
    file.write_text("address,name,note\na@b.example,A," + "x" * (sheets.LONGEST_ROW + 1))
    with pytest.raises(Misuse, match="a row has more than 262,144 characters"):
        importing.import_csv(paper.runtime, file, "post", NOON)
    cell = "x" * (sheets.LONGEST_CELL + 1)
    file.write_text(f"address,name,consent\na@b.example,A,{cell}\nb@b.example,B,{cell[1:]}\n")
    report = importing.import_csv(paper.runtime, file, "post", NOON, Wishes(skip_refused=True))
    assert (report.new, [refusal.place for refusal in report.refused]) == (1, ["line 2"])
    articles = tmp_path / "articles.csv"
    articles.write_text(
        f"url,title,summary\nhttps://b.example/1,A,{'x' * (LONGEST_CELL + 1)}\nhttps://b.example/2,B,x\n"
    )
    drafts, refused = read_file(articles)
    assert (len(drafts), refused[0].why) == (1, "a field has more than 32,768 characters")
