"""The newsletter engine for newsrooms.

One story, from the reporter to the inbox: `feeds` brings articles, `selection` chooses, `render`
composes the edition once, `services.sending` freezes the ledger, `delivery` walks it over `mail`
to the relay, and what comes back enters through `services.subscribing`.
"""
