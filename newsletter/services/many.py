"""What cannot be taken back and falls on many is done for who has typed how many: a slip falls on nobody.

A part of steering and mending.
"""

from __future__ import annotations

from newsletter.errors import Refused, Uncounted

MANY = 100  # people; fewer are a list that a person reads


def refuse_uncounted(people: int, typed: int | None, what: str, command: str) -> None:
    """`what` names the act and whom it falls on, `command` does it.

    Raises Uncounted while nobody has typed their number, Refused when another was typed.
    """
    if people < MANY or typed == people:
        return
    again = f"{command} --count {people}"
    if typed is None:
        raise Uncounted(f"This {what}, {people:,} in number, and cannot be taken back.", next_step=again)
    raise Refused(f"It falls on {people:,}, not on {typed:,}; nothing was changed.", next_step=again)
