"""Every route says who may use it; one that does not keeps the program from starting."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

from fastapi import Depends
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from newsletter.models import Role

Endpoint = Callable[..., Any]


class Rights(StrEnum):
    """Who may use a route."""

    ANYBODY = "anybody"
    HOLDER = "holder"  # of the signed link whose token stands in the path
    EDITOR = "editor"  # and whoever may do more
    PUBLISHER = "publisher"
    ADMIN = "admin"

    @property
    def needs_sign_in(self) -> bool:
        return self.value in LADDER

    def allows(self, role: Role) -> bool:
        return self.needs_sign_in and LADDER.index(role) >= LADDER.index(Role(self))


LADDER = tuple(Role)


class DeclaredRoute(APIRoute):
    """A route with its rights; the only kind that `require_rights` lets through."""

    rights: Rights


class Doors:
    """Collects the routes of one part of the site.

    HEAD stands beside every GET, because the framework adds none and link scanners ask with it. The
    guard, if there is one, stands before every route and holds its rights against whoever asks.
    """

    def __init__(self, guard: Endpoint | None = None) -> None:
        self.routes: list[DeclaredRoute] = []
        self._guards = [Depends(guard)] if guard else []

    def get(self, path: str, *, rights: Rights) -> Callable[[Endpoint], Endpoint]:
        return self._declare(path, ["GET", "HEAD"], rights)

    def post(self, path: str, *, rights: Rights) -> Callable[[Endpoint], Endpoint]:
        return self._declare(path, ["POST"], rights)

    def _declare(self, path: str, methods: list[str], rights: Rights) -> Callable[[Endpoint], Endpoint]:
        def declare(endpoint: Endpoint) -> Endpoint:
            if rights.needs_sign_in and not self._guards:
                raise RuntimeError(f"Nobody guards {path}, which asks for a sign-in.")
            route = DeclaredRoute(
                path,
                endpoint,
                methods=methods,
                response_class=HTMLResponse,
                include_in_schema=False,
                dependencies=self._guards,
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
