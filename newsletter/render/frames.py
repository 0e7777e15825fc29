"""One page that shows every state of a theme: on a desk and on a phone, by day and by night.

The page opens from the disk, without a server and without a script. A frame cannot tell a mail that it is
night, so each mail is written twice, with its question about the scheme answered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

SCHEMES = ("light", "dark")
WIDTHS = (600, 375)  # pixels: a desk's reading pane, a phone

_ASKS = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)", re.IGNORECASE)
_OFFERS = re.compile(r"(color-scheme\s*:\s*|content=\")light dark\b")

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ margin: 0; padding: 24px; background: #8b8b8b; font: 16px/24px system-ui, sans-serif; color: #111 }}
nav a {{ margin-right: 16px; color: #111 }}
h2 {{ margin: 32px 0 8px }}
.row {{ display: flex; gap: 16px; overflow-x: auto }}
figure {{ flex: none; margin: 0 }}
iframe {{ display: block; height: 900px; border: 0; background: #fff }}
</style>
</head>
<body>
<h1>{title}</h1>
<nav>{links}</nav>
{states}
</body>
</html>
"""


def in_scheme(html: str, scheme: str) -> str:
    """The mail as a reader sees it whose device is set to `scheme`, light or dark."""
    answered = _ASKS.sub(
        lambda asked: "(min-width: 0)" if asked[1].lower() == scheme else "(max-width: 0)", html
    )
    return _OFFERS.sub(lambda offered: f"{offered[1]}{scheme}", answered)


def frames_page(theme: str, states: Mapping[str, str]) -> str:
    """The page; `states` are the names of the states' files by what a person calls them."""
    links = [f'<a href="#{file}">{escape(state)}</a>' for state, file in states.items()]
    return _PAGE.format(
        title=f"Theme {escape(theme)}",
        links="\n".join(links),
        states="\n".join(_state(state, file) for state, file in states.items()),
    )


def _state(state: str, file: str) -> str:
    # Of one origin with the page, or a browser gives the frames no picture from the disk; no script runs
    frames = [
        f"<figure><figcaption>{width} px, {scheme}</figcaption>"
        f'<iframe title="{escape(state)}, {width} px, {scheme}" src="{file}-{scheme}.html" width="{width}"'
        ' loading="lazy" sandbox="allow-same-origin"></iframe></figure>'
        for width in WIDTHS
        for scheme in SCHEMES
    ]
    text = f'<p><a href="{file}.txt">The text part</a></p>'
    return (
        f'<h2 id="{file}">{escape(state)}</h2>\n<div class="row">\n' + "\n".join(frames) + f"\n</div>\n{text}"
    )
