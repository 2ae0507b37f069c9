"""The rival's side of figure 12: dlt's sql_database source into DuckDB, then a frame of each table.

Runs in an environment of its own (`dlt_rival.py` makes it); nothing of the project is imported. Only the tables and
columns that the bridge reads are asked for, in dlt's fastest way: Arrow tables from the database to DuckDB, no rows
in Python, the load package written as Parquet, and no state brought back from the destination.

    dlt_side.py FOLDER BACKEND URL CONNECTORX_URL
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

folder, backend, url, connectorx_url = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
os.environ |= {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "RESTORE_FROM_DESTINATION": "false",
    "DLT_DATA_DIR": str(folder),
    "DLT_PROJECT_DIR": str(folder),
}

import dlt  # noqa: E402  it reads its settings when it is imported
import duckdb  # noqa: E402
import pandas as pd  # noqa: E402, F401  imported before the clock starts, as the bridge's is
import pyarrow.parquet  # noqa: E402, F401  likewise
import sqlalchemy.dialects.postgresql  # noqa: E402, F401  likewise
from dlt.sources.sql_database import sql_table  # noqa: E402

CHUNK_ROWS = 100_000
TABLES = {
    "student": ["id", "birth_date"],
    "enrolment": ["id", "student_id", "class_id", "date_from", "date_to"],
    "school_class": ["id", "parallel", "letter"],
    "subject": ["id", "name"],
    "journal": ["id", "subject_id", "class_id", "teacher_id"],
    "control_type": ["id", "name"],
    "mark_type": ["id", "short_name"],
    "period": ["id", "kind", "name", "date_from", "date_to"],
    "journal_member": ["journal_id", "student_id", "date_from", "date_to"],
    "lesson": ["id", "journal_id", "lesson_date", "lesson_no", "cancelled", "filled_at"],
    "control": ["id", "lesson_id", "type_id", "cost"],
    "mark": ["id", "control_id", "student_id", "type_id", "note", "entered_at"],
    "absence": ["id", "lesson_id", "student_id", "type_id", "changed_at"],
    "period_mark": ["id", "journal_id", "period_id", "student_id", "type_id", "changed_at"],
}


def main() -> None:
    """Extract, load, take the frames; print how long each part took."""
    start, busy = time.perf_counter(), time.process_time()
    more = {"backend_kwargs": {"conn": connectorx_url, "return_type": "arrow"}} if backend == "connectorx" else {}
    sources = [
        sql_table(
            credentials=url, table=name, included_columns=columns, backend=backend, chunk_size=CHUNK_ROWS,
            reflection_level="full", **more,
        )
        for name, columns in TABLES.items()
    ]  # fmt: skip
    pipeline = dlt.pipeline(
        "rival", pipelines_dir=str(folder / "pipelines"), dataset_name="copied",
        destination=dlt.destinations.duckdb(str(folder / "school.duckdb")),
    )  # fmt: skip
    pipeline.extract(sources, loader_file_format="parquet")
    extracted = time.perf_counter() - start
    pipeline.normalize()
    pipeline.load()
    loaded = time.perf_counter() - start
    with duckdb.connect(str(folder / "school.duckdb")) as copy:
        frames = {name: copy.table(f"copied.{name}").df() for name in TABLES}
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    rows = sum(map(len, frames.values()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {"rows": rows, "seconds": seconds, "busy": busy, "extracted": extracted, "loaded": loaded, "peak": peak}
        )
    )


if __name__ == "__main__":
    main()
