"""The balances of runs, kept so that a report can be asked for at any time."""

from collections.abc import Sequence

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.engine import Connection

from delivery.balance import SchoolBalance
from delivery.tables import RUN

_BALANCE: TypeAdapter[SchoolBalance] = TypeAdapter(SchoolBalance)


def store_balance(connection: Connection, balance: SchoolBalance) -> None:
    """Keep the balance of a run."""
    connection.execute(
        RUN.insert().values(
            run=balance.run,
            school=balance.school,
            started_at=balance.started_at,
            ended_at=balance.ended_at,
            balance=_BALANCE.dump_python(balance, mode="json"),
        )
    )


def last_balances(connection: Connection, schools: Sequence[str]) -> list[SchoolBalance]:
    """Return the newest balance of each school that has one, in the order asked for."""
    balances = []
    for school in schools:
        kept = connection.scalar(
            sa.select(RUN.c.balance).where(RUN.c.school == school).order_by(RUN.c.ended_at.desc()).limit(1)
        )
        if kept is not None:
            balances.append(_BALANCE.validate_python(kept))
    return balances
