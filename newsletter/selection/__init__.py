"""Which articles run, in which slot, and why: a pure function of the pool, the rules and the hour."""

from newsletter.selection.choosing import choose
from newsletter.selection.rules import Rules, rules_of

__all__ = ["Rules", "choose", "rules_of"]
