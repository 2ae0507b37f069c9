"""What should the portal hold, what does it hold, and how to get from one to the other without loss.

The rooms, in the order a record walks: `plan` (pure: publish, withdraw, unchanged), `limits` (pure: hold or
go), `send` (intent, request, outcome), `recover` (what an earlier process left unfinished), `ledger` (what
the portal was told), `lease` (one sender a school), `balance` (every record read has one fate).
Deliberately not here: SQL of schools, XML, TLS; the portal is known only as `journal.portal.Portal`.
"""
