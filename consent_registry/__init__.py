"""Applications, links, consents as dated facts, and the decision what may be sent.

The rooms: `tables` (the append-only facts), `vault` (who may read names), `facts` (facts folded into a case's
state), `decision` (pure: may this record be sent?), `register_file` (a register as a table), `matching` (pure: which
student a row means), `changes` (pure: what a row adds), `registration` (what people do: import, withdraw).
Deliberately not here: schools' databases, the portal, what was sent.
"""
