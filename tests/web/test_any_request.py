"""Readers' pages against requests that nobody wrote: Schemathesis draws them from a schema of the routes.

The program publishes no schema. This one is made of the app's own routes, and of the fields that forms have.
"""

from __future__ import annotations

import re
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema

from newsletter.web.app import create_app
from newsletter.web.rights import DeclaredRoute, Rights
from tests.web.conftest import Paper

MARK = "zq<b x='\">qz"
WORDS = {
    "anyOf": [{"type": "string", "maxLength": 400}, {"const": MARK}, {"enum": ["post", "2026-02-17", "1"]}]
}
ASKED = ("q", "page", "year", "preview")
FIELDS = (
    "address", "form", "page", "website", "get-post", "again", "undo", "reason", "weekly", "all", "save",
    "cadence", "zone", "pause_until", "sections", "section-1", "leave", "leave-all", "mail-me", "download",
    "forget", "sure", "new-address",
)  # fmt: skip
EXAMPLES = 8  # of each route and method


def test_no_request_is_a_fault_of_ours_or_comes_back(site: httpx.Client, paper: Paper) -> None:
    paper.edition("2026-02-17")
    asked = []
    for operation in readers_pages(paper).get_all_operations():

        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.ok().as_strategy())
        def ask(case: Case) -> None:
            asked.append(f"{case.method} {case.path}")
            answer = case.call(base_url=str(site.base_url), allow_redirects=False)
            case.validate_response(answer, checks=[not_a_server_error])
            assert answer.status_code in (200, 400, 404, 409, 413, 414, 422, 431)
            assert MARK not in answer.text
            assert not any(MARK in value for value in answer.headers.values())

        ask()
    assert set(asked) >= {
        "GET /n/{newsletter}",
        "POST /",
        "POST /confirm/{token}",
        "POST /preferences/{token}",
    }


def readers_pages(paper: Paper) -> BaseSchema:
    paths: dict[str, dict[str, Any]] = {}
    for route in create_app(paper.runtime).routes:
        assert isinstance(route, DeclaredRoute)
        if route.rights in (Rights.ANYBODY, Rights.HOLDER) and not route.path.startswith(
            ("/desk", "/static")
        ):
            for method in route.methods:
                paths.setdefault(route.path, {})[method.lower()] = _operation(route.path, method)
    found = {"openapi": "3.1.0", "info": {"title": "Readers' pages", "version": "1"}, "paths": paths}
    return schemathesis.openapi.from_dict(found)


def _operation(path: str, method: str) -> dict[str, Any]:
    told = [{"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in re.findall(r"{(\w+)}", path)]  # fmt: skip
    told += [{"name": name, "in": "query", "schema": WORDS} for name in ASKED]
    operation: dict[str, Any] = {"parameters": told, "responses": {"200": {"description": "a page"}}}
    if method == "POST":
        form = {"schema": {"type": "object", "properties": dict.fromkeys(FIELDS, WORDS), "maxProperties": 25}}
        kinds = ("application/x-www-form-urlencoded", "multipart/form-data")
        operation["requestBody"] = {"content": dict.fromkeys(kinds, form)}
    return operation
