"""Findings for readers: how many of each code, where in the school they stand, and the table of all of them.

Rules. Classes are called as the school calls them, teachers are the school's own keys; nobody is named. The places with
most errors come first. A code that the catalogue doesn't know counts as an error, so that it is seen. In the table a
field that a spreadsheet would take for a formula gets a sign before it that spreadsheets don't show.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from mappings.findings import FindingCount
from mappings.reasons import CATALOGUE, Severity, StudentWarning
from reports.safe_csv import csv_bytes

COLUMNS = ("school", "code", "severity", "row", "student", "journal", "class", "teacher", "date")
"""The table's columns: a line a finding. Keys are those of the school's database."""

_OF_STUDENTS = frozenset(str(code) for code in StudentWarning)


@dataclass(frozen=True, slots=True)
class PlaceCounts:
    """How many findings there are in one class with one teacher; "" where unknown."""

    class_name: str
    teacher: str
    errors: int
    warnings: int


def severity_of(code: str) -> Severity:
    """Tell whether findings of a code drop their rows."""
    return CATALOGUE[code].severity if code in CATALOGUE else Severity.ERROR


def by_place(findings: Iterable[FindingCount]) -> tuple[PlaceCounts, ...]:
    """Return the counts of each class and teacher, those with most errors first, then with most warnings."""
    errors: Counter[tuple[str, str]] = Counter()
    warnings: Counter[tuple[str, str]] = Counter()
    for one in findings:
        counts = errors if severity_of(one.code) is Severity.ERROR else warnings
        counts[one.class_name, one.teacher] += one.count
    places = [PlaceCounts(*key, errors[key], warnings[key]) for key in errors.keys() | warnings.keys()]
    return tuple(sorted(places, key=lambda one: (-one.errors, -one.warnings, one.class_name, one.teacher)))


def by_code(findings: Iterable[FindingCount]) -> dict[str, int]:
    """Return how many findings there are of each code, errors first, the most first."""
    counts: Counter[str] = Counter()
    for one in findings:
        counts[one.code] += one.count
    order = sorted(counts, key=lambda code: (severity_of(code) is not Severity.ERROR, -counts[code], code))
    return {code: counts[code] for code in order}


def of_students(findings: Iterable[FindingCount]) -> Mapping[str, int]:
    """Return how many findings there are of each code that is about students."""
    return {code: count for code, count in by_code(findings).items() if code in _OF_STUDENTS}


def document(findings: Sequence[FindingCount]) -> list[dict[str, object]]:
    """Return the findings by code, for JSON: count, words in both languages, and where they stand."""
    places: dict[str, list[dict[str, object]]] = defaultdict(list)
    for one in findings:
        place: dict[str, object] = {"class": one.class_name or None, "teacher": one.teacher or None, "count": one.count}
        places[one.code].append(place)
    return [
        {"code": code, "severity": str(severity_of(code)), "count": count, **_words(code), "places": places[code]}
        for code, count in by_code(findings).items()
    ]


def _words(code: str) -> dict[str, object]:
    known = CATALOGUE.get(code)
    if known is None:
        return {"meaning": None, "remedy": None}
    return {
        "meaning": {"ru": known.meaning.ru, "en": known.meaning.en},
        "remedy": {"ru": known.remedy.ru, "en": known.remedy.en},
    }


def as_csv(findings: Mapping[str, pd.DataFrame]) -> bytes:
    """Return the findings of each school (frames `journal.frames.FINDINGS`) as a CSV."""
    return csv_bytes([COLUMNS, *(line for school, frame in findings.items() for line in _lines(school, frame))])


def _lines(school: str, frame: pd.DataFrame) -> Iterable[Sequence[str]]:
    days = frame["date"].dt.strftime("%Y-%m-%d").astype(object)
    texts = frame.assign(date=days).astype(object)
    for code, *rest in texts.where(texts.notna(), "").itertuples(index=False, name=None):
        yield school, code, str(severity_of(code)), *rest
