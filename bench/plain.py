"""The rival: the script that a capable user would write for a first run, and nothing of the bridge but its engine.

    python bench/plain.py SCHOOL.fdb REGISTER.csv PORTAL-URL KEYS-FOLDER SCHOOL-CODE

Reads the journal by pandas.read_sql with the joins in SQL, the register by pandas.read_csv, keeps what consents in
force permit by merging the two, opens the links, and sends the records by zeep in batches of 1,000. It keeps the same
rules as the bridge about what is a record and what is permitted, so it sends the very same records. What it has not: a
memory of what was sent (so no second run), an audit log, an answer to a call that broke off, a report of what was left
out, a check of the portal's certificate chain and of a reply's age.
"""

import hmac
import secrets
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
from plain_client import PlainClient
from sqlalchemy import Connection, create_engine, text

from connectors.school.embedded import use_embedded_firebird

BATCH = 1000
MOSCOW = ZoneInfo("Europe/Moscow")
KINDS = ["current", "period", "annual", "exam", "final", "absence", "late", "remark"]
ABSENCES = {501: "absence", 502: "absence", 503: "late", 601: "remark"}
PERIODS = {1: "period", 2: "period", 3: "annual", 4: "exam", 5: "final"}
TEXTS = ["subject", "value", "work", "comment"]
BROKEN = "\ufffd"
RECORD = {
    "subject": "subject",
    "day": "date",
    "lesson_no": "lessonNumber",
    "value": "value",
    "cost": "weight",
    "work": "work",
    "comment": "comment",
    "entered_at": "enteredAt",
}

# texts come as bytes: a byte that is no letter in cp1251 would end the whole query in the driver
BYTES = "CAST({0} AS VARCHAR({1}) CHARACTER SET OCTETS)"
SUBJECT, VALUE = BYTES.format("s.name", 100), BYTES.format("t.short_name", 16)
LESSON_SUBJECT = "JOIN journal j ON j.id = l.journal_id JOIN subject s ON s.id = j.subject_id"
MARKS = f"""
SELECT 'mark' AS source, m.id, m.student_id, m.type_id, m.control_id, {SUBJECT} AS subject, {VALUE} AS value_,
       l.lesson_date AS day_, l.lesson_no, c.cost, {BYTES.format("w.name", 100)} AS work_,
       {BYTES.format("m.note", 1000)} AS comment_, m.entered_at
FROM lesson l {LESSON_SUBJECT} JOIN control c ON c.lesson_id = l.id JOIN control_type w ON w.id = c.type_id
JOIN mark m ON m.control_id = c.id JOIN mark_type t ON t.id = m.type_id
WHERE l.lesson_date BETWEEN :first AND :today AND l.cancelled = 0"""  # noqa: S608  put together from the constants above
ABSENT = f"""
SELECT 'absence' AS source, a.id, a.student_id, a.type_id, {SUBJECT} AS subject, {VALUE} AS value_,
       l.lesson_date AS day_, l.lesson_no, a.changed_at AS entered_at
FROM lesson l {LESSON_SUBJECT} JOIN absence a ON a.lesson_id = l.id JOIN mark_type t ON t.id = a.type_id
WHERE l.lesson_date BETWEEN :first AND :today AND l.cancelled = 0"""  # noqa: S608  put together from the constants above
PERIOD_MARKS = f"""
SELECT 'period' AS source, p.id, p.student_id, p.type_id, q.kind AS period_kind, {SUBJECT} AS subject,
       {VALUE} AS value_, q.date_from AS begins, q.date_to AS day_, {BYTES.format("q.name", 60)} AS work_,
       p.changed_at AS entered_at
FROM period q JOIN period_mark p ON p.period_id = q.id JOIN journal j ON j.id = p.journal_id
JOIN subject s ON s.id = j.subject_id JOIN mark_type t ON t.id = p.type_id
WHERE q.date_to BETWEEN :first AND :today"""  # noqa: S608  put together from the constants above
ENROLMENTS = "SELECT student_id, date_from, date_to FROM enrolment"
STUDENTS = f"""
SELECT id AS student_id, {BYTES.format("last_name", 60)} AS last_name, {BYTES.format("first_name", 60)} AS first_name,
       {BYTES.format("middle_name", 60)} AS middle_name, birth_date FROM student"""  # noqa: S608  put together from the constants above


def main(school: Path, register: Path, url: str, keys: Path, code: str) -> None:
    """Do a first run."""
    now = datetime.now(UTC)
    today = now.astimezone(MOSCOW).date()
    use_embedded_firebird()
    engine = create_engine(f"firebird+firebird://SYSDBA@/{school}?charset=WIN1251")
    with engine.connect() as connection:
        enrolments = query(connection, ENROLMENTS)
        links = links_in_force(register, query(connection, STUDENTS), enrolments, code, now)
        records = permitted(read_records(connection, enrolments, today), links)
    engine.dispose()
    secret = secrets.token_bytes(32)

    def opaque(word: str) -> str:
        return hmac.digest(secret, word.encode(), "sha256").hex()[:32]

    client = PlainClient(url, keys)
    for link in links.to_dict("records"):
        client.service.PutLink(
            school=code,
            linkId=opaque(f"link/{link['student_id']}/{link['account_id']}"),
            revision=1,
            accountId=link["account_id"],
            studentRef=opaque(f"student/{link['student_id']}"),
            consentRef=opaque(f"consent/{link['student_id']}/{link['account_id']}"),
            validFrom=link["in_force_from"].date(),
            validTo=day_or_none(link["in_force_to"]),
            recordsFrom=link["records_from"].date(),
            recordsTo=day_or_none(link["records_to"]),
            kinds=link["kinds"].split(),
        )
    for start in range(0, len(records), BATCH):
        batch = [
            publish(row, opaque(f"record/{row['source']}/{row['id']}"), opaque(f"student/{row['student_id']}"))
            for row in records.iloc[start : start + BATCH].to_dict("records")
        ]
        receipt = client.submit(code, datetime.now(UTC), batch)
        if receipt.rejected:
            print("rejected:", len(receipt.rejected))


def query(connection: Connection, sql: str, **days: date) -> pd.DataFrame:
    """Return a query's rows, dates as datetimes."""
    frame = pd.read_sql(text(sql), connection, params=days, parse_dates=["day_", "begins", "date_from", "date_to"])
    return frame.rename(columns=lambda name: name.rstrip("_"))


def read_records(connection: Connection, enrolments: pd.DataFrame, today: date) -> pd.DataFrame:
    """Return what is a record of this school year; what is none by the contract is dropped."""
    days = {"first": date(today.year if today.month >= 9 else today.year - 1, 9, 1), "today": today}
    marks = query(connection, MARKS, **days)
    marks = marks[~marks.duplicated(["control_id", "student_id"], keep=False)]
    marks["kind"] = marks["type_id"].map({601: "remark"} | dict.fromkeys(range(401, 423), "current"))
    marks.loc[marks["kind"] == "remark", ["cost", "work"]] = None
    absences = query(connection, ABSENT, **days)
    absences["kind"] = absences["type_id"].map(ABSENCES)
    periods = query(connection, PERIOD_MARKS, **days)
    periods["kind"] = periods["period_kind"].map(PERIODS).where(periods["type_id"].between(401, 422))
    records = pd.concat([marks, absences, periods], ignore_index=True)
    for name in TEXTS:
        records[name] = records[name].str.decode("cp1251", errors="replace").str.strip()
    for name in ("subject", "value", "work"):
        records[name] = records[name].str.replace(r"\s+", " ", regex=True)
    for name in ("work", "comment"):
        records[name] = records[name].where(~records[name].str.contains(BROKEN, na=True) & (records[name] != ""))
    records["lesson_no"] = records["lesson_no"].where(records["lesson_no"].between(0, 255))
    records["begins"] = records["begins"].fillna(records["day"])
    broken = records["subject"].str.contains(BROKEN) | records["value"].str.contains(BROKEN)
    records = records[records["kind"].notna() & ~broken]
    stays = records[["student_id", "begins", "day"]].reset_index().merge(enrolments, on="student_id")
    there = stays[(stays["date_from"] <= stays["day"]) & ~(stays["date_to"] < stays["begins"])]
    return records.loc[there["index"].unique()]


def links_in_force(
    register: Path, students: pd.DataFrame, enrolments: pd.DataFrame, code: str, now: datetime
) -> pd.DataFrame:
    """Return the register's rows that open a student's records to an account now."""
    today = pd.Timestamp(now.astimezone(MOSCOW).date())
    rows = pd.read_csv(register, sep=";", dtype=str, encoding="utf-8-sig")
    rows = rows[rows["school"] == code]
    for name in ("identified_at", "registered_at", "withdrawn_at"):
        rows[name] = pd.to_datetime(rows[name], utc=True)
    for name in rows.columns[rows.columns.str.endswith(("_from", "_to", "_on"))]:
        rows[name] = pd.to_datetime(rows[name])
    # a comparison with a missing day is false, so an open end never excludes
    restricted = (rows["restricted_from"].notna() | rows["restricted_to"].notna()) & ~(
        (today < rows["restricted_from"]) | (rows["restricted_to"] < today)
    )
    rows = rows[
        (rows["identified_at"] <= now)
        & (rows["registered_at"] <= now)
        & ~(rows["withdrawn_at"] <= now)
        & (rows["consent_signed_on"] <= today)
        & rows["consent_text_version"].notna()
        & (rows["in_force_from"] <= today)
        & ~(rows["in_force_to"] < today)
        & ~restricted
    ]
    rows = with_student(rows, students)
    born = pd.to_datetime(rows["birth_date"])
    here = enrolments[(enrolments["date_from"] <= today) & ~(enrolments["date_to"] < today)]["student_id"]
    minor = born + pd.DateOffset(years=18) > today
    # 29 February: of age on 1 March where the year has no such day
    minor |= (born.dt.month == 2) & (born.dt.day == 29) & (born + pd.DateOffset(years=18) == today) & (today.day == 28)
    rows = rows[minor & rows["student_id"].isin(here)]
    return rows.assign(kinds=rows["kinds"].fillna(" ".join(KINDS)))


def with_student(rows: pd.DataFrame, students: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with their student's id and birth date; found by name where the id is empty."""
    for name in ("last_name", "first_name", "middle_name"):
        students[name] = simple(students[name].str.decode("cp1251", errors="replace"))
        rows[name] = simple(rows[f"student_{name}"])
    students["birth"] = students["birth_date"].astype(str)
    by_name = rows[rows["student_id"].isna()].drop(columns="student_id")
    names = ["last_name", "first_name", "middle_name", "birth"]
    by_name = by_name.rename(columns={"student_birth_date": "birth"})
    found = by_name.merge(students.drop_duplicates(names, keep=False), on=names)
    by_id = rows[rows["student_id"].notna()].assign(student_id=lambda frame: frame["student_id"].astype(int))
    return pd.concat([by_id.merge(students[["student_id", "birth_date"]], on="student_id"), found], ignore_index=True)


def simple(names: pd.Series) -> pd.Series:
    """Return names as they are compared."""
    return names.fillna("").str.strip().str.casefold().str.replace("ё", "е")


def permitted(records: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """Return the records that at least one link covers."""
    covers = links[["student_id", "kinds", "records_from", "records_to"]].assign(kind=links["kinds"].str.split())
    covers = covers.explode("kind")[["student_id", "kind", "records_from", "records_to"]]
    merged = records[["student_id", "kind", "day"]].reset_index().merge(covers, on=["student_id", "kind"])
    covered = (merged["records_from"] <= merged["day"]) & ~(merged["day"] > merged["records_to"])
    return records.loc[merged[covered]["index"].unique()]


def publish(row: dict[str, object], record_id: str, student_ref: str) -> dict[str, object]:
    """Return a record as zeep takes it."""
    fields = {"recordId": record_id, "revision": 1, "studentRef": student_ref, "kind": row["kind"]}
    fields |= {name: row[column] for column, name in RECORD.items() if not pd.isna(row[column])}
    fields["date"] = row["day"].date()
    fields["enteredAt"] = row["entered_at"].to_pydatetime().replace(tzinfo=MOSCOW)
    if "lessonNumber" in fields:
        fields["lessonNumber"] = int(row["lesson_no"])
    return {"publish": fields}


def day_or_none(moment: pd.Timestamp) -> date | None:
    """Return an optional day."""
    return None if pd.isna(moment) else moment.date()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]), sys.argv[5])
