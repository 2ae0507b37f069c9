"""The balance for programs: plain dicts and lists, ready for JSON.

The keys read, sent, unchanged, withheld, set_aside and failed are promised to other programs and stay as they
are. `read` = sent + unchanged + the sum of withheld + the sum of set_aside + failed; `balances` says whether it is.
`findings` are of all journals, also of those in `not_read`, and of students; no warning changes the balance.
"""

from collections.abc import Mapping, Sequence

from delivery.balance import SchoolBalance
from journal.actuality import Actuality, SchoolActuality
from mappings.findings import FindingCount
from reports.findings import severity_of

JsonValue = str | int | float | bool | None | list["JsonValue"] | dict[str, "JsonValue"]


def as_json(balances: Sequence[SchoolBalance]) -> dict[str, JsonValue]:
    """Return `{"schools": {code: numbers}}`, schools in the order given, reasons in the order of their codes.

    Moments are RFC 3339 with their zone. Two balances of one school are a mistake of the caller (ValueError).
    """
    schools: dict[str, JsonValue] = {balance.school: _school(balance) for balance in balances}
    if len(schools) != len(balances):
        raise ValueError("two balances of one school in one report")
    return {"schools": schools}


def _school(balance: SchoolBalance) -> dict[str, JsonValue]:
    held, failure = balance.held, balance.failure
    return {
        "name": balance.name,
        "district": balance.district,
        "run": balance.run,
        "started_at": balance.started_at.isoformat(),
        "ended_at": balance.ended_at.isoformat(),
        "dry_run": balance.dry_run,
        "read": balance.read,
        "sent": balance.sent,
        "unchanged": balance.unchanged,
        "withheld": _by_code(balance.withheld),
        "set_aside": _by_code(balance.set_aside),
        "failed": balance.failed,
        "balances": balance.balances,
        "warnings": _by_code(balance.warnings),
        "withdrawn": _by_code(balance.withdrawn),
        "differences": _by_code(balance.differences),
        "links_put": balance.links_put,
        "links_ended": balance.links_ended,
        "links_refused": balance.links_refused,
        "not_read": {
            "journals": balance.journals_not_read,
            "records": balance.records_not_read,
            "set_aside": _by_code(balance.set_aside_not_read),
            "warnings": _by_code(balance.warnings_not_read),
        },
        "findings": findings_json(balance.findings),
        "actuality": None if balance.actuality is None else actuality_json(balance.actuality),
        "held": None
        if held is None
        else {
            "digest": held.digest,
            "exceeded": list(held.exceeded),
            "withdrawals": held.withdrawals,
            "changes": held.changes,
            "holdings": held.holdings,
        },
        "failure": None
        if failure is None
        else {"code": failure.code, "ru": failure.wording.ru, "en": failure.wording.en},
    }


def findings_json(findings: Sequence[FindingCount]) -> JsonValue:
    """Return counts of findings as rows; a class or teacher that is not known is null."""
    return [
        {
            "code": one.code,
            "severity": str(severity_of(one.code)),
            "class": one.class_name or None,
            "teacher": one.teacher or None,
            "count": one.count,
        }
        for one in findings
    ]


def actuality_json(told: SchoolActuality) -> dict[str, JsonValue]:
    """Return a school's figure with what it is held against."""
    return {
        "as_of": told.as_of.isoformat(),
        "within_days": told.goal.within_days,
        "target": told.goal.target,
        "reached": told.figure.reaches(told.goal.target),
        "calendar_known": not told.assumed,
        **figure_json(told.figure),
    }


def figure_json(figure: Actuality) -> dict[str, JsonValue]:
    """Return a figure: `share` is in_time of counted, None where nothing is counted or filling times aren't kept."""
    return {
        "filling_times": figure.known,
        "share": figure.share,
        "in_time": figure.in_time,
        "late": figure.late,
        "not_filled": figure.not_filled,
        "counted": figure.counted,
        "not_counted": _by_code(figure.not_counted),
    }


def _by_code(counts: Mapping[str, int]) -> dict[str, JsonValue]:
    return {str(code): counts[code] for code in sorted(counts)}
