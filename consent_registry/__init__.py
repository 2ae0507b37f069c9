"""Applications, links, consents as dated facts, and the decision what may be sent.

The core: `tables` and `fact_store` (the append-only facts), `facts` (facts folded into a case's state, at any moment,
as known at any moment), `reasons` and `decision` (pure: may this record be sent?), `explanation` (the same in words),
`acts` (what a person does to a case).
The rooms around it: `applications` (from a parent's request to a registered link), `register` (a register of people
and consents as one table, in and out), `sealed` (keys, scans, look-ups by keyed digests), `pilot` (which classes take
part), `terms` (the clocks of the law), `texts` (what parents sign).
Deliberately not here: schools' databases, the portal, what was sent.
"""
