"""A webhook on loopback, and a program that is run for alerts: both keep what they are told."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler], None]


class Webhook:
    """`heard` holds the headers and the body of each post; `answer` may be scripted."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answer: Answer = with_status(204)
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.heard.append((dict(self.headers), body))
                try:
                    hook.answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def do_GET(self) -> None:
                hook.heard.append(({}, b"it was led here"))
                with_status(204)(self)

            def log_message(self, *_: object) -> None: ...

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Webhook:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/hook"

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.heard]

    @property
    def kinds(self) -> list[str]:
        return [told["event"] for told in self.told]


def with_status(status: int, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()

    return answer


class Program:
    """A program in `folder` that writes down its arguments, environment and input, a line each time."""

    def __init__(self, folder: Path, *, code: int = 0) -> None:
        self.file = folder / "alert-program"
        self._log = folder / "alerts.jsonl"
        self.file.write_text(
            f"#!{sys.executable}\nimport json, os, sys\n"
            "line = {'argv': sys.argv[1:], 'environ': dict(os.environ), 'told': json.load(sys.stdin)}\n"
            f"open({str(self._log)!r}, 'a').write(json.dumps(line) + '\\n')\nsys.exit({code})\n"
        )
        self.file.chmod(0o700)

    @property
    def runs(self) -> list[dict[str, Any]]:
        if not self._log.exists():
            return []
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    @property
    def kinds(self) -> list[str]:
        return [run["told"]["event"] for run in self.runs]


def alerts(*, webhook: str = "", command: list[str] | None = None, more: str = "") -> str:
    """The part of a configuration; the webhook's secret is `shared`."""
    lines = [f"webhook = {json.dumps(webhook)}", 'secret_file = "hook.secret"'] if webhook else []
    lines += [f"command = {json.dumps(command)}"] if command else []
    return "\n".join(["[alerts]", *lines, more])


def share_secret(folder: Path) -> None:
    file = folder / "hook.secret"
    file.touch(mode=0o600)
    file.write_text("shared")
