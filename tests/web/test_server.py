"""The server starts on any port, stops in three seconds whatever is open, and says when it cannot."""

from __future__ import annotations

import dataclasses
import socket
import threading
import time

import httpx
import pytest

from newsletter.errors import Misuse, WorldFailed
from newsletter.runtime import Runtime
from newsletter.web.app import create_app
from newsletter.web.rights import DeclaredRoute, Doors, Rights, require_rights
from newsletter.web.server import WebServer
from tests.web.conftest import Paper
from tests.web.routes import ROUTES

# What is told here does not depend on the store
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def bound_to(runtime: Runtime, bind: str) -> Runtime:
    web = runtime.settings.web.model_copy(update={"bind": bind})
    return dataclasses.replace(runtime, settings=runtime.settings.model_copy(update={"web": web}))


def test_the_surface_is_exactly_the_table(runtime: Runtime) -> None:
    routes = create_app(runtime).routes
    surface = {
        (route.path, " ".join(sorted(route.methods))): route.rights
        for route in routes
        if isinstance(route, DeclaredRoute)
    }
    assert surface == ROUTES and len(routes) == len(ROUTES)


def test_a_route_without_rights_keeps_the_app_from_starting(runtime: Runtime) -> None:
    app = create_app(runtime)
    app.add_api_route("/open-door", lambda: "come in")
    with pytest.raises(RuntimeError, match="/open-door does not declare its rights"):
        require_rights(app.routes)
    with pytest.raises(RuntimeError, match="Nobody guards /desk/x"):
        Doors().get("/desk/x", rights=Rights.EDITOR)(lambda: "come in")


def test_nothing_of_the_framework_is_public(site: httpx.Client) -> None:
    for path in ("/docs", "/redoc", "/openapi.json", "/n/", "/n/post/", "/healthz/"):
        answer = site.get(path)
        assert answer.status_code == 404 and not answer.history, path


def test_a_stop_takes_three_seconds_at_most(runtime: Runtime) -> None:
    server = WebServer(runtime)
    server.start()
    assert server.port and httpx.get(server.url + "/healthz").text == "alive\n"
    with socket.create_connection((server.host, server.port)) as open_request:
        open_request.sendall(b"POST /unsubscribe/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n")
        begin = time.monotonic()
        server.stop()
        assert time.monotonic() - begin <= 3.2
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url + "/healthz")


def test_it_serves_in_the_foreground_until_told_to_stop(runtime: Runtime) -> None:
    server, stop = WebServer(runtime), threading.Event()
    stop.set()
    server.serve_until(stop)
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url + "/healthz")


def test_a_taken_port_is_told_in_a_sentence(runtime: Runtime) -> None:
    first = WebServer(runtime)
    first.start()
    second = WebServer(bound_to(runtime, f"127.0.0.1:{first.port}"))
    with pytest.raises(WorldFailed, match=f"cannot listen on 127.0.0.1:{first.port}"):
        second.start()
    first.stop()


@pytest.mark.parametrize("bind", ["8000", "localhost", "localhost:http", "localhost:70000", ":8000", ""])
def test_a_wrong_bind_is_told_in_a_sentence(runtime: Runtime, bind: str) -> None:
    with pytest.raises(Misuse, match="no address with a port"):
        WebServer(bound_to(runtime, bind))


def test_the_demos_own_pictures_may_be_seen(paper: Paper) -> None:
    from newsletter.web.headers import web_view_csp

    assert "img-src https: http://127.0.0.1:8025;" in web_view_csp("http://127.0.0.1:8025")
    assert "img-src https:;" in web_view_csp("http://news.example.org")
    assert "img-src https:;" in web_view_csp("")
