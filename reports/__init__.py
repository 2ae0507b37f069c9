"""What people look at: the balance as a table, as JSON and as pages, and the transfers for the auditor.

The rooms: `reasons` (a reason's code in plain words), `phrases` and `counting` (the sentences of the pages),
`balance_bar` and `school_view` (pure: numbers to what a page shows), `transfers` (what the auditor's page is
given), `pages` (HTML files), `terminal` (rich table), `machine` (JSON); `forms` (paper to sign, as PDF).
Rules. Nothing here reads a database, a log or a clock: numbers, moments and time zone are arguments. No page names a
person or shows a mark; a form names whom it is about, for them to sign. Deliberately not here: how the numbers came
about (`delivery`) and whether the audit log is sound (`audit.verify`).
"""
