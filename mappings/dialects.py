"""Days and moments in each SQL dialect's words, for a profile's queries: databases agree on nothing here."""

from collections.abc import Mapping

DAYS: Mapping[str, str] = {
    "firebird": "DATEDIFF(DAY, DATE '2000-01-01', {})",
    "postgresql": "({} - DATE '2000-01-01')",
    "mysql": "DATEDIFF({}, '2000-01-01')",
    "sqlite": "CAST(julianday({}) - 2451544.5 AS INTEGER)",
    "mssql": "DATEDIFF(day, '2000-01-01', {})",
    "other": "(EXTRACT(YEAR FROM {0}) * 372 + EXTRACT(MONTH FROM {0}) * 31 + EXTRACT(DAY FROM {0}))",
}
"""A date as a whole number."""
SECONDS: Mapping[str, str] = {
    "firebird": "DATEDIFF(SECOND, TIMESTAMP '2000-01-01 00:00:00', {})",
    "postgresql": "EXTRACT(EPOCH FROM {} - TIMESTAMP '2000-01-01 00:00:00')",
    "mysql": "TIMESTAMPDIFF(SECOND, '2000-01-01', {})",
    "sqlite": "(CAST(strftime('%s', {}) AS INTEGER) - 946684800)",
    "mssql": "DATEDIFF(second, '2000-01-01', {})",
    "other": (
        "((EXTRACT(YEAR FROM {0}) * 372 + EXTRACT(MONTH FROM {0}) * 31 + EXTRACT(DAY FROM {0})) * 86400"
        " + EXTRACT(HOUR FROM {0}) * 3600 + EXTRACT(MINUTE FROM {0}) * 60 + EXTRACT(SECOND FROM {0}))"
    ),
}
"""A moment as a number."""
DAY: Mapping[str, str] = {"mysql": "DATE({})", "sqlite": "{}", "other": "CAST({} AS DATE)"}
"""A moment's day. SQLite has moments as texts, which stand for themselves: it would make a null of one that is none."""
UNINDEXED: Mapping[str, str] = {"firebird": "({} + 0)"}
"""A day without its index: Firebird walks a whole year of it, where the index on the journal has said which rows."""
WRITTEN: Mapping[str, str] = {"firebird": "{}.RDB$RECORD_VERSION"}
"""The number of the transaction that wrote a table's row: who writes later has a higher one."""
