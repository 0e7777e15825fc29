"""Every route says who may use it; one that does not keeps the program from starting."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

Endpoint = Callable[..., Any]


class Rights(StrEnum):
    """Who may use a route."""

    ANYBODY = "anybody"
    HOLDER = "holder"  # of the signed link whose token stands in the path


class DeclaredRoute(APIRoute):
    """A route with its rights; the only kind that `require_rights` lets through."""

    rights: Rights


class Doors:
    """Collects the routes of one part of the site.

    HEAD stands beside every GET, because the framework adds none and link scanners ask with it.
    """

    def __init__(self) -> None:
        self.routes: list[DeclaredRoute] = []

    def get(self, path: str, *, rights: Rights) -> Callable[[Endpoint], Endpoint]:
        return self._declare(path, ["GET", "HEAD"], rights)

    def post(self, path: str, *, rights: Rights) -> Callable[[Endpoint], Endpoint]:
        return self._declare(path, ["POST"], rights)

    def _declare(self, path: str, methods: list[str], rights: Rights) -> Callable[[Endpoint], Endpoint]:
        def declare(endpoint: Endpoint) -> Endpoint:
            route = DeclaredRoute(
                path, endpoint, methods=methods, response_class=HTMLResponse, include_in_schema=False
            )
            route.rights = rights
            self.routes.append(route)
            return endpoint

        return declare


def require_rights(routes: Iterable[BaseRoute]) -> None:
    """Raises RuntimeError naming the first route that does not say who may use it."""
    for route in routes:
        if not isinstance(route, DeclaredRoute) or not hasattr(route, "rights"):
            raise RuntimeError(f"The route {getattr(route, 'path', route)} does not declare its rights.")
