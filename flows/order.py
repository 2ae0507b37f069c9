"""In what order a district's schools are run: all at once handed over, so many at a time, each to its end.

Rules. The same function serves both engines: Prefect hands a school over as a task (`flows.district`), the command
line hands it to a thread (`run_in_threads`). A school's failure is in its balance and stops no other.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from delivery.balance import SchoolBalance
from flows.bridge import Bridge
from flows.progress import Progress

SCHOOLS_AT_ONCE = 2

Step = Callable[[Bridge, str, Progress], SchoolBalance]
_Handed = TypeVar("_Handed")


def each_school(
    schools: Sequence[str], hand_over: Callable[[str], _Handed], await_all: Callable[[list[_Handed]], object]
) -> list[_Handed]:
    """Hand over each school and return when all are done."""
    handed = [hand_over(code) for code in schools]
    await_all(handed)
    return handed


def run_in_threads(bridge: Bridge, schools: Sequence[str], step: Step, progress: Progress) -> list[SchoolBalance]:
    """Run a step for each school without Prefect; returns the balances in the order asked for."""
    with ThreadPoolExecutor(SCHOOLS_AT_ONCE, thread_name_prefix="school") as threads:

        def hand_over(code: str) -> Future[SchoolBalance]:
            return threads.submit(step, bridge, code, progress)

        return [future.result() for future in each_school(schools, hand_over, wait)]
