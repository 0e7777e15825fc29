"""Takes the pictures of a mail for the pages of `docs/`: `python -m tests.screenshots`.

They show the demo's mail of a fixed date as a reader gets it, on a desk and on a phone, by day and
by night; each is the mail from its top as far as `HEIGHT` goes. Beside them every state of the shipped
theme, and the theme that `docs/themes.md` ends with, small: for their outline.
"""

from __future__ import annotations

import email
import email.policy
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

from newsletter.render.sample import states
from tests import tutorial

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
DATE = "2026-02-18T12:00:00Z"
READER = "effie.marl@gannetrock.example"
HEIGHT = 1_800  # pixels; the first section is whole by then
MAX_BYTES = 400_000


@dataclass(frozen=True)
class Shot:
    width: int
    scheme: Literal["light", "dark"]

    @property
    def file(self) -> Path:
        return PICTURES / f"mail-{self.width}-{self.scheme}.png"


SHOTS: Sequence[Shot] = (Shot(600, "light"), Shot(600, "dark"), Shot(375, "light"), Shot(375, "dark"))


def make_mail(folder: Path) -> Path:
    """Run the demo, and lay one reader's mail beside its pictures."""
    command = [sys.executable, "-m", "newsletter", "demo", "--no-serve", "--quiet", "--now", DATE]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    demo = folder / "demo"
    mails = (
        email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        for file in (demo / "mails").glob("*.eml")
    )
    body = next(mail for mail in mails if READER in mail["To"]).get_body(["html"])
    if body is None:
        raise ValueError("the mail has no HTML")
    page = demo / "mail.html"
    html = re.sub(r"http://127\.0\.0\.1:\d+/pictures/", "pictures/", body.get_content())
    page.write_text(html, encoding="utf-8")
    return page


def take(browser: Browser, page: Path, shot: Shot) -> None:
    """ValueError where a picture did not load or the file is too large for a page."""
    tab = browser.new_page(viewport={"width": shot.width, "height": 900}, color_scheme=shot.scheme)
    tab.goto(page.as_uri())
    height = min(HEIGHT, int(tab.evaluate("document.documentElement.scrollHeight")))
    if missing := tab.evaluate("[...document.images].filter(i => !i.naturalWidth).map(i => i.src)"):
        raise ValueError(f"{missing} did not load")
    clip = {"x": 0.0, "y": 0.0, "width": float(shot.width), "height": float(height)}
    tab.screenshot(path=shot.file, full_page=True, clip=clip)  # type: ignore[arg-type]
    tab.close()
    if shot.file.stat().st_size > MAX_BYTES:
        raise ValueError(f"{shot.file.name} has {shot.file.stat().st_size:,} bytes, more than {MAX_BYTES:,}")


def make_previews(folder: Path) -> dict[str, Path]:
    """Picture's name to page, for every state of the shipped theme and for the tutorial's look."""
    command = [sys.executable, "-m", "newsletter"]
    subprocess.run([*command, "init", "--quiet"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    config = folder / "config.toml"
    config.write_text('themes = "themes"\n' + config.read_text(encoding="utf-8"), encoding="utf-8")
    tutorial.follow(folder)
    for theme in ("default", "gazette"):
        preview = [*command, "theme", "preview", theme, "--quiet"]
        subprocess.run(preview, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    shipped, own = folder / "preview-default", folder / "preview-gazette"
    names = [state.replace(" ", "-") for state in states()]
    return {f"theme-{name}": shipped / f"{name}-light.html" for name in names} | {
        "theme-full-dark": shipped / "full-dark.html",
        "theme-gazette-light": own / "full-light.html",
        "theme-gazette-dark": own / "full-dark.html",
    }


def take_small(browser: Browser, name: str, page: Path) -> None:
    """Half the size, as far down as a reader sees without much scrolling."""
    tab = browser.new_page(viewport={"width": 600, "height": 1_300}, device_scale_factor=0.5)
    tab.goto(page.as_uri())
    tab.screenshot(path=PICTURES / f"{name}.jpg", type="jpeg", quality=80)
    tab.close()


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        mail = make_mail(Path(folder))
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for shot in SHOTS:
            take(browser, mail, shot)
        for name, page in make_previews(Path(folder)).items():
            take_small(browser, name, page)
        browser.close()


if __name__ == "__main__":
    main()
