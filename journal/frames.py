"""The columns of the bulk frames, declared once.

`RECORDS` is what a profile makes of a school's rows; `SET_ASIDE` and `WARNINGS` go beside it. `FINDINGS` tells of both,
and of students, where in the school they stand: a row a finding.
`source_key` names the school's row within its school for as long as the row lives ("mark:123").
Texts are already in the form that the portal admits; `weight` is decimal text; dates are midnight without
zone, `entered_at` is an instant in UTC. A missing optional text is None/NaN.
"""

import pandas as pd
import pandera.pandas as pa

from journal.vocabulary import RecordKind

RECORDS = pa.DataFrameSchema(
    {
        "source_key": pa.Column(str, unique=True),
        "student_key": pa.Column(str),
        "kind": pa.Column(str, pa.Check.isin([str(kind) for kind in RecordKind])),
        "subject": pa.Column(str, pa.Check.str_length(1, 100)),
        "date": pa.Column("datetime64[s]", pa.Check(lambda column: column.dtype == "datetime64[s]", error="unit s")),
        "lesson_number": pa.Column("Int16", pa.Check.in_range(0, 255), nullable=True),
        "value": pa.Column(str, pa.Check.str_length(0, 16), nullable=True),
        "weight": pa.Column(str, nullable=True),
        "work": pa.Column(str, pa.Check.str_length(0, 500), nullable=True),
        "comment": pa.Column(str, pa.Check.str_length(0, 4000), nullable=True),
        "entered_at": pa.Column("datetime64[s, UTC]", nullable=True),
    },
    strict=True,
    ordered=True,
    index=pa.Index(int),
)

SET_ASIDE = pa.DataFrameSchema(
    {
        "source_key": pa.Column(str, unique=True),
        "student_key": pa.Column(str, nullable=True),
        "reason": pa.Column(str),
    },
    strict=True,
    ordered=True,
    index=pa.Index(int),
)

WARNINGS = pa.DataFrameSchema(
    {"source_key": pa.Column(str), "warning": pa.Column(str)},
    strict=True,
    ordered=True,
    index=pa.Index(int),
)

FINDINGS = pa.DataFrameSchema(
    {
        "code": pa.Column(str),
        "source_key": pa.Column(str, nullable=True),
        "student_key": pa.Column(str, nullable=True),
        "journal": pa.Column(str, nullable=True),
        "class_name": pa.Column(str, nullable=True),
        "teacher": pa.Column(str, nullable=True),
        "date": pa.Column("datetime64[s]", nullable=True),
    },
    strict=True,
    ordered=True,
    index=pa.Index(int),
)

RECORD_COLUMNS: tuple[str, ...] = tuple(RECORDS.columns)


def empty_frame(schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Return the frame of a schema without rows."""
    # pandera names every datetime64 by nanoseconds; ours are in seconds.
    return pd.DataFrame(
        {name: pd.Series([], dtype=str(column.dtype).replace("[ns]", "[s]")) for name, column in schema.columns.items()}
    )
