"""How a school's tables become the bridge's records: a profile is a folder of SQL queries and code tables.

Rules. Nothing here opens a database, reads a clock or writes: a profile's files are read, raw tables come in
as frames, `journal.school` values go out. The rooms: `profile` (a folder, loaded and checked), `raw` (what its
queries return), `texts`, `moments`, `lookup` (fields and joins, column by column), `dimensions` and `facts`
(the raw tables joined), `records` (facts to records, or set aside with a reason), `roster` (the people),
`reasons` (the reasons, in words). Deliberately not here: connections and transactions (`connectors.school`).
"""
