"""The smallest newsroom that can be killed: a town paper, its readers, one relay, the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from newsletter.mail.links import AddressKey, Keys

CONFIG = """
[database]
url = "{database}"

[web]
public_url = "http://127.0.0.1:8000"

[[relays]]
name = "main"
host = "127.0.0.1"
port = {port}
tls = "none"
connections = {connections}

[[newsletters]]
slug = "town"
name = "Town Today"
from_address = "news@town.example"
postal_address = "1 Square, Town"
timezone = "America/New_York"
"""


class Room:
    def __init__(self, folder: Path, database: str, port: int, *, connections: int) -> None:
        self.folder = folder
        self.config = folder / "config.toml"
        self.config.write_text(CONFIG.format(database=database, port=port, connections=connections))
        self.is_postgresql = database.startswith("postgresql")
        self.addresses: set[str] = set()
        Keys.create(folder / "secret.key")
        AddressKey.create(folder / "suppression.key")

    def fill(self, readers: int) -> None:
        """Five stories and so many readers."""
        stories = self.folder / "stories.jsonl"
        published = datetime(2026, 2, 18, 9, 0, tzinfo=UTC).isoformat()
        rows = (
            {"url": f"https://town.example/{n}", "title": f"Story number {n}", "section": "Town",
             "published_at": published}
            for n in range(5)
        )  # fmt: skip
        stories.write_text("".join(json.dumps(row) + "\n" for row in rows))
        people = self.folder / "people.csv"
        self.addresses = {f"reader{n}@readers.example" for n in range(readers)}
        people.write_text("address\n" + "\n".join(sorted(self.addresses)) + "\n")
        self.run("articles", "import", str(stories), "--now", "2026-02-18T12:00:00Z")
        self.run(
            "subscribers", "import", str(people), "--newsletter", "town", "--now", "2026-02-18T12:00:00Z"
        )

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "newsletter", *words, "--config", str(self.config)],
            capture_output=True, text=True, check=False, timeout=300, env=os.environ | {"NO_COLOR": "1"},
        )  # fmt: skip

    def json(self, *words: str, expect: int = 0) -> dict[str, Any]:
        done = self.run(*words, "--json")
        assert done.returncode == expect, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found
