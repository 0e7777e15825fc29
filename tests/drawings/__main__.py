"""Draws the sample paper's pictures anew: `python -m tests.drawings`.

The drawings beside this file are the sources; the demo carries only what Chromium makes of them. All
share one palette, so that a morning's mail looks as if one hand had drawn it.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

DRAWINGS = Path(__file__).parent
PICTURES = DRAWINGS.parents[1] / "newsletter" / "render" / "paper" / "pictures"
PALETTE = {
    "#f6f1e6": "paper",
    "#e9dcc3": "sand",
    "#f0c46c": "lamp",
    "#c98a4b": "crust",
    "#c4574a": "brick",
    "#8f1d21": "oxblood",
    "#6f8466": "moss",
    "#a9c6d3": "mist",
    "#6d9cb3": "tide",
    "#2f5d7c": "sea",
    "#1d3b53": "deep",
    "#1b1a17": "ink",
}
QUALITY = 82  # below 80 the edges of flat colours begin to ring
MAX_BYTES = 60_000


def size_of(svg: str) -> tuple[int, int]:
    """Width and height of a drawing in pixels, as its first tag says."""
    found = re.search(r'<svg[^>]*\bwidth="(\d+)"[^>]*\bheight="(\d+)"', svg)
    if not found:
        raise ValueError("the first tag needs a width and a height in whole pixels")
    return int(found[1]), int(found[2])


def strangers(svg: str) -> set[str]:
    """The colours of a drawing that are not in the palette."""
    return set(re.findall(r"#[0-9a-fA-F]{6}\b", svg)) - PALETTE.keys()


def draw(browser: Browser, drawing: Path) -> Path:
    """Make one JPEG of one drawing. ValueError where it would spoil the set."""
    svg = drawing.read_text(encoding="utf-8")
    if odd := strangers(svg):
        raise ValueError(f"{drawing.name}: {', '.join(sorted(odd))} is not in the palette")
    width, height = size_of(svg)
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_content(f'<body style="margin:0"><div style="line-height:0">{svg}</div></body>')
    picture = PICTURES / f"{drawing.stem}.jpg"
    page.screenshot(path=picture, type="jpeg", quality=QUALITY)
    page.close()
    if picture.stat().st_size > MAX_BYTES:
        raise ValueError(f"{picture.name}: {picture.stat().st_size:,} bytes are more than {MAX_BYTES:,}")
    return picture


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--force-color-profile=srgb"]
        )
        for drawing in sorted(DRAWINGS.glob("*.svg")):
            draw(browser, drawing)
        browser.close()


if __name__ == "__main__":
    main()
