"""What is too long, too large, too slow or meant for another host gets no further than the border."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from newsletter.logs import Lines
from newsletter.web.assets import VERSION
from newsletter.web.border import Limits
from tests.web.conftest import Paper
from tests.web.routes import POST_ROUTES

# What is told here does not depend on the store
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

LIMIT = Limits().body
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "news.example.org.evil.example",
        "ok/x?",
        "news.example.org@evil.example",
        "",
        "[::2]",
        "a b",
    ],
)
def test_another_host_is_not_ours(site: httpx.Client, host: str) -> None:
    for path in ("/", "/n/post", "/unsubscribe/x", "/readyz", "/nothing"):
        answer = site.get(path, headers={"Host": host})
        assert answer.status_code in (400, 421)
        assert "evil" not in answer.text + str(answer.headers)
    assert site.get("/healthz", headers={"Host": "evil.example"}).status_code == 200


@pytest.mark.parametrize(
    "host", ["news.example.org", "NEWS.example.org:443", "localhost:1", "127.0.0.1", "[::1]:8000"]
)
def test_our_names_are_ours(site: httpx.Client, host: str) -> None:
    assert site.get("/", headers={"Host": host}).status_code == 200


def test_no_link_is_built_from_the_request(site: httpx.Client) -> None:
    targets = [
        b"http://evil.example/",
        b"//evil.example/",
        b"/@evil.example",
        b"/n/post/",
        b"/n/post//",
        b"*",
    ]
    for target in targets:
        answer = raw(
            site, b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Host: evil.example\r\n\r\n"
        )
        assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400")), (target, answer[:80])
        assert b"evil" not in answer and b"location:" not in answer.lower()


def test_two_hosts_are_one_too_many(site: httpx.Client) -> None:
    answer = raw(site, b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert raw(site, b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 421")


@pytest.mark.parametrize("path", POST_ROUTES)
def test_a_body_over_the_limit_is_refused_on_every_route(site: httpx.Client, path: str) -> None:
    def chunks(size: int) -> Iterator[bytes]:
        while size > 0:
            yield b"a" * min(size, 8_192)
            size -= 8_192

    answered = site.post(path, content=b"a" * LIMIT, headers=FORM).status_code
    assert answered in (200, 303, 400, 403, 404, 422)
    assert site.post(path, content=b"a" * (LIMIT + 1), headers=FORM).status_code == 413
    assert site.post(path, content=chunks(LIMIT + 1), headers=FORM).status_code == 413
    for odd in (LIMIT + 1, "9" * 400, "-1", "1e3", "٣"):
        answer = raw(
            site, f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {odd}\r\n\r\n".encode()
        )
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 413"))


def form_bombs() -> dict[str, tuple[dict[str, str], bytes]]:
    parts = "multipart/form-data; boundary="
    value = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n'
    part = b'--b\r\nContent-Disposition: form-data; name="x"; filename="f"\r\n\r\n%s\r\n--b--\r\n'
    return {
        "a million fields": (FORM, b"a=1&" * 1_000_000),
        "fields in 64 KiB": (FORM, b"&".join([b"a=1"] * 16_000)),
        "21 fields": (FORM, b"&".join([b"a=1"] * 21)),
        "21 parts": ({"Content-Type": parts + "b"}, value * 21 + b"--b--\r\n"),
        "50 MB field": (FORM, b"a=" + b"x" * 50_000_000),
        "50 MB file": ({"Content-Type": parts + "b"}, part % (b"x" * 50_000_000)),
        "small file": ({"Content-Type": parts + "b"}, part % b"x"),
        "10,000 parameters": ({"Content-Type": parts + "b" + ";" * 10_000}, b"--b--\r\n"),
        "boundary of 10 kB": ({"Content-Type": parts + "b" * 10_000}, b"--" + b"b" * 10_000 + b"--\r\n"),
    }  # fmt: skip


@pytest.mark.parametrize("name", form_bombs())
def test_form_bombs_are_refused_quickly(site: httpx.Client, paper: Paper, name: str) -> None:
    headers, body = form_bombs()[name]
    path = paper.runtime.links.leave(paper.alice, paper.ids["post"]).removeprefix("https://news.example.org")
    busy = time.process_time()
    answer = site.post(path, content=body, headers=headers)
    busy = time.process_time() - busy
    harmless = name in ("10,000 parameters", "boundary of 10 kB")
    assert answer.status_code in ((200, 400) if harmless else (400, 413))
    assert busy < 1.0, "the client's own work included"
    assert site.get("/healthz").elapsed.total_seconds() < 0.5


def test_a_slow_body_ends_with_408_and_a_slow_head_with_nothing(site: httpx.Client) -> None:
    head = b"POST /unsubscribe/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n"
    assert raw(site, head + b"\r\na").startswith(b"HTTP/1.1 408")
    assert raw(site, head) == b""
    assert raw(site, b"") == b""
    assert site.get("/healthz").status_code == 200


def test_a_trickling_body_is_cut_after_its_answer(site: httpx.Client) -> None:
    answer = raw(
        site, b"POST /unsubscribe/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\na"
    )
    assert answer.startswith(b"HTTP/1.1 413")


def test_a_long_address_is_refused(site: httpx.Client) -> None:
    assert site.get("/" + "a" * 2_047).status_code == 404
    assert site.get("/" + "a" * 2_048).status_code == 414
    assert site.get("/n/post", params={"page": "1" * 2_048}).status_code == 414


def test_a_long_head_is_refused(site: httpx.Client) -> None:
    for size, fits in [(8_000, True), (16_384, False), (80_000, False), (1_000_000, False)]:
        answer = raw(site, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * size + b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200") == fits, size
        assert fits or answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400")) or not answer


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "__init__", "CONNECT"])
def test_other_methods_are_refused_and_echo_nothing(site: httpx.Client, method: str) -> None:
    for path in (
        "/",
        "/n/post",
        "/confirm/secret-token",
        "/unsubscribe/secret-token",
        "/preferences/secret-token",
    ):
        answer = site.request(method, path)
        assert answer.status_code == 405 and "secret-token" not in answer.text
        assert answer.headers["allow"]
    assert site.post("/n/post").status_code == 405


def test_only_packaged_files_are_served(site: httpx.Client) -> None:
    css = site.get(f"/static/{VERSION}/public.css")
    assert css.status_code == 200 and css.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in css.headers["cache-control"]
    assert css.headers["x-content-type-options"] == "nosniff"
    outside = [
        "/static/../config.toml", "/static/%2e%2e/config.toml", "/static/..%5cconfig.toml",
        "/static//etc/passwd",
        f"/static/{VERSION}/../../config.toml", f"/static/{VERSION}/%2e%2e%2f%2e%2e%2fapp.py",
        f"/static/{VERSION}/..%5capp.py", f"/static/{VERSION}/%2fetc%2fpasswd", f"/static/{VERSION}/",
        "/static/other/public.css", "/static/", "/secret.key", "/.env", f"/static/{VERSION}/public.css/",
    ]  # fmt: skip
    for path in outside:
        answer = raw(site, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 404"), path


def test_every_answer_carries_the_defaults(site: httpx.Client, paper: Paper) -> None:
    paper.edition("2026-02-17")
    paths = ["/", "/n/post", "/n/post/2026-02-17", "/nothing", "/unsubscribe/x", "/preferences/x", "/healthz",
             "/readyz", f"/static/{VERSION}/public.css", "/" + "a" * 3_000]  # fmt: skip
    for answer in [site.get(path) for path in paths] + [
        site.put("/"),
        site.get("/", headers={"Host": "evil"}),
    ]:
        headers = answer.headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["permissions-policy"] == "camera=(), microphone=(), geolocation=()"
        assert headers["strict-transport-security"] == "max-age=31536000"
        assert headers["referrer-policy"] in ("no-referrer", "strict-origin")
        assert "server" not in headers and "set-cookie" not in headers and headers["cache-control"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert site.get("/n/post").headers["referrer-policy"] == "strict-origin"
    assert site.get("/unsubscribe/x").headers["referrer-policy"] == "no-referrer"


def test_the_policies_are_the_stated_ones(site: httpx.Client, paper: Paper) -> None:
    paper.edition("2026-02-17")
    assert site.get("/").headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert site.get("/n/post/2026-02-17").headers["content-security-policy"] == (
        "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation; "
        "default-src 'none'; img-src https:; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def test_the_log_has_templates_and_never_a_token(
    site: httpx.Client, paper: Paper, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for url in (
        paper.runtime.links.leave(paper.alice, paper.ids["post"]),
        paper.runtime.links.preferences(paper.alice),
    ):
        path = url.removeprefix("https://news.example.org")
        site.get(path)
        site.post(path, data={"x": "y"})
        site.put(path)
        said = "".join(Lines().format(record) for record in caplog.records if record.name != "httpx")
        assert path.rpartition("/")[2] not in said
    ours = [Lines("json").format(r) for r in caplog.records if r.name.startswith("newsletter.web")]
    answered = {"event": "page_answered", "method": "POST", "route": "/unsubscribe/{token}", "status": 200}
    assert any(answered.items() <= json.loads(line).items() for line in ours), ours


def test_a_store_that_does_not_answer_is_503_and_the_leave_page_still_asks(
    site: httpx.Client, paper: Paper
) -> None:
    leave = paper.runtime.links.leave(paper.alice, paper.ids["post"]).removeprefix("https://news.example.org")
    assert site.get("/readyz").text == "ready\n"
    with paper.runtime.database.writing() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    answer = site.get("/readyz")
    assert answer.status_code == 503 and "0000" not in answer.text and answer.headers["retry-after"]
    assert site.get("/healthz").text == "alive\n"
    assert site.get(leave).status_code == 200


def test_our_own_bug_is_a_500_that_tells_nothing(
    site: httpx.Client, paper: Paper, caplog: pytest.LogCaptureFixture
) -> None:
    paper.edition("2026-02-17")
    with paper.runtime.database.writing() as session:
        session.connection().exec_driver_sql("UPDATE rendition SET body = ''")
    answer = site.get("/n/post/2026-02-17")
    assert answer.status_code == 500 and "Traceback" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert any(record.exc_info for record in caplog.records)


def raw(site: httpx.Client, request: bytes) -> bytes:
    """Everything that the server answers to these bytes until it closes, or says no more."""
    with socket.create_connection((site.base_url.host, site.base_url.port or 80), timeout=2) as connection:
        connection.sendall(request)
        answer = b""
        try:
            while piece := connection.recv(65_536):
                answer += piece
                if answer.startswith(b"HTTP/1.1 ") and b"</html>" in answer:
                    break
        except ConnectionResetError:
            pass
        return answer
