"""How well the program groups and chooses, and how fast: `python -m bench.choosing FOLDER`.

`FOLDER/feeds/` holds real feeds as they were served in one hour, `FOLDER/choosing/labels.json` says
which of their items tell the same story. Neither belongs to the project: others wrote the news, so
what is kept of a run names its items by their keys, and headlines are only printed.

The feeds are served on loopback and gathered into a store, so what is graded is the pool as the
program would have it. Its setting was not picked on these feeds alone; whoever changes it should look
at the sweep and at the lines where a feed is left out, not only at the first.
"""
