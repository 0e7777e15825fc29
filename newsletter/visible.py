"""Somebody else's words, shown and not obeyed: nothing in them steers a terminal or forges a line.

Names, headlines and servers' answers come from outside. Whatever prints or logs them lets them
through here first.
"""

from __future__ import annotations

import re

VISIBLE = {code: 0x2400 + code for code in range(0x20) if code not in (0x09, 0x0A)}
VISIBLE |= {0x7F: 0x2421} | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
VISIBLE |= dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029), 0xFFFD)

# The same for JSON, where what json.dumps leaves as it is can only stand within a string
ESCAPED = {code: f"\\u{code:04x}" for code in VISIBLE if code >= 0x7F}

_ADDRESS = re.compile(r"<?[^\s<>@:;,\"'()\[\]]+@[^\s<>@:;,\"'()\[\]]+>?")


def visible(text: object) -> str:
    """Controls and bidi marks as signs that can be seen; line breaks and tabs stay."""
    return str(text).translate(VISIBLE)


def one_line(text: object) -> str:
    return visible(text).replace("\n", "␊").replace("\t", "␉")


def nobody(text: str) -> str:
    """A text without the mail addresses in it: servers like to repeat whom they refuse."""
    return _ADDRESS.sub("<address>", text)
