"""Rows given as columns are stored as SQLAlchemy would store them, on both databases."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from fakes.bridge_database import bridge_database
from fakes.postgresql import postgresql
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from database import Moment, writing
from delivery.bulk import Same, insert_columns

TABLE = sa.Table(
    "rows_of_a_test",
    sa.MetaData(),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("word", sa.String(20), nullable=True),
    sa.Column("day", sa.Date, nullable=True),
    sa.Column("at", Moment, nullable=True),
    sa.Column("held", sa.Boolean, nullable=True),
    sa.Column("count", sa.BigInteger, nullable=True),
    sa.Column("content", sa.LargeBinary, nullable=True),
)
VALUES: dict[str, st.SearchStrategy[object]] = {
    "word": st.none() | st.text(st.characters(min_codepoint=32, codec="utf-8"), max_size=20),
    "day": st.none() | st.dates(date(1990, 1, 1), date(2090, 1, 1)),
    "at": st.none() | st.integers(0, 10**9).map(lambda s: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=s)),
    "held": st.none() | st.booleans(),
    "count": st.none() | st.integers(-(2**63), 2**63 - 1),
    "content": st.none() | st.binary(max_size=16),
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("rows")
    url = f"sqlite:///{folder}/bridge.db" if request.param == "sqlite" else request.getfixturevalue("server")
    with bridge_database(url) as made:
        with writing(made) as connection:
            TABLE.create(connection)
        yield made


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), size=st.integers(0, 5))
def test_columns_are_stored_as_rows_would_be(engine: Engine, data: st.DataObject, size: int) -> None:
    columns: dict[str, Sequence[object] | Same] = {"number": list(range(size))}
    for name, values in VALUES.items():
        one = data.draw(st.booleans(), label=f"{name} is the same in all rows")
        columns[name] = Same(data.draw(values)) if one else data.draw(st.lists(values, min_size=size, max_size=size))
    expected = [
        tuple(column.value if isinstance(column, Same) else column[number] for column in columns.values())
        for number in range(size)
    ]
    with writing(engine) as connection:
        connection.execute(TABLE.delete())
        insert_columns(connection, TABLE, columns)
        found = connection.execute(sa.select(*(TABLE.c[name] for name in columns)).order_by(TABLE.c.number)).all()
    assert [tuple(row) for row in found] == expected
