"""Which articles tell one story, which run, in which slot, and why.

Pure functions of the pool, the editors' verdicts, the rules and the hour.
"""

from newsletter.selection.choosing import choose
from newsletter.selection.grouping import Grouping, group
from newsletter.selection.rules import Rules, rules_of
from newsletter.selection.week import choose_week

__all__ = ["Grouping", "Rules", "choose", "choose_week", "group", "rules_of"]
