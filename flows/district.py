"""The Prefect flows: a school, a district, the sweep, the reconciliation, the applications; prefect.yaml has the times.

Rules. Prefect only starts work: what was sent is known by the bridge's database, so a lost, doubled or killed
flow run harms nothing. Flows take school codes and whether to read all, print nothing, persist no results, and what a
task raises is a coded error without a cause, for Prefect keeps parameters, results, messages and tracebacks. The
unit of work is one school as a task of a district's run. Telemetry is off before Prefect is imported.
The configuration's path comes from the environment (DNEVNIK_CONFIG), as Prefect's workers pass it on.
Deliberately not here: what is done for a school (`flows.steps`).
"""

import os

os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")

from collections.abc import Sequence
from contextvars import ContextVar
from functools import partial
from typing import Any, cast

from prefect import Task, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture, wait
from prefect.states import Completed, Failed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from delivery.balance import SchoolBalance
from flows import steps
from flows.applications import exchange_applications
from flows.assembly import shared_bridge
from flows.order import SCHOOLS_AT_ONCE, Step, each_school
from flows.progress import Progress, silent
from flows.reconciling import reconcile_school

collected: ContextVar[dict[str, SchoolBalance] | None] = ContextVar("collected", default=None)
"""Where a caller in this process finds the balances; they never pass through Prefect."""

watched: ContextVar[Progress] = ContextVar("watched", default=silent)
"""How a caller in this process is told of progress."""


class SchoolRunError(Exception):
    """A school's run was not done; its only word is the failure's code."""


def _run(code: str, step: Step) -> None:
    balance = step(shared_bridge(), code, watched.get())
    balances = collected.get()
    if balances is not None:
        balances[code] = balance
    if balance.failure is not None:
        raise SchoolRunError(balance.failure.code)


@task(name="sync-school", task_run_name="sync-{code}", persist_result=False, cache_policy=NO_CACHE, log_prints=False)
def sync_one(code: str, *, full: bool = False) -> None:
    """Sync one school; `full`: read all its journals. Raises SchoolRunError with the failure's code."""
    _run(code, partial(steps.sync_school, full=full))


@task(name="sweep-school", task_run_name="sweep-{code}", persist_result=False, cache_policy=NO_CACHE, log_prints=False)
def sweep_one(code: str) -> None:
    """Sweep one school. Raises SchoolRunError with the failure's code."""
    _run(code, steps.sweep_school)


@task(
    name="reconcile-school",
    task_run_name="reconcile-{code}",
    persist_result=False,
    cache_policy=NO_CACHE,
    log_prints=False,
)
def reconcile_one(code: str) -> None:
    """Reconcile one school. Raises SchoolRunError with the failure's code."""
    _run(code, reconcile_school)


@task(
    name="applications-school",
    task_run_name="applications-{code}",
    persist_result=False,
    cache_policy=NO_CACHE,
    log_prints=False,
)
def applications_one(code: str) -> None:
    """Exchange one school's applications. Raises SchoolRunError with the failure's code."""
    failure = exchange_applications(shared_bridge(), code).failure
    if failure is not None:
        raise SchoolRunError(failure.code)


def _each(schools: Sequence[str] | None, one: Task[..., None], **parameters: bool) -> State[None]:
    """Run a task for each school (None: all) and name the flow run's end by counts alone."""
    codes = list(schools or shared_bridge().schools)
    futures = each_school(codes, partial(one.submit, **parameters), wait)
    failed = sum(future.state.is_failed() or future.state.is_crashed() for future in futures)
    word = f"{len(codes)} schools, {failed} failed"
    return Failed(message=word) if failed and failed == len(codes) else Completed(message=word)


_RUNNER = cast("TaskRunner[PrefectFuture[Any]]", ThreadPoolTaskRunner(max_workers=SCHOOLS_AT_ONCE))


@flow(name="sync-district", task_runner=_RUNNER, persist_result=False, log_prints=False, validate_parameters=True)
def sync_district(schools: list[str] | None = None, *, full: bool = False) -> State[None]:
    """Sync the schools with these codes; None: all of the installation. `full`: read all their journals."""
    return _each(schools, sync_one, full=full)


@flow(name="sync-school", task_runner=_RUNNER, persist_result=False, log_prints=False, validate_parameters=True)
def sync_school(school: str, *, full: bool = False) -> State[None]:
    """Sync one school; `full`: read all its journals."""
    return _each([school], sync_one, full=full)


@flow(name="sweep", task_runner=_RUNNER, persist_result=False, log_prints=False, validate_parameters=True)
def sweep(schools: list[str] | None = None) -> State[None]:
    """Take back what lost its ground, without reading the schools."""
    return _each(schools, sweep_one)


@flow(name="reconcile", task_runner=_RUNNER, persist_result=False, log_prints=False, validate_parameters=True)
def reconcile(schools: list[str] | None = None) -> State[None]:
    """Hold the portal's holdings against the ledger, and mend."""
    return _each(schools, reconcile_one)


@flow(name="applications", task_runner=_RUNNER, persist_result=False, log_prints=False, validate_parameters=True)
def applications(schools: list[str] | None = None) -> State[None]:
    """Fetch parents' applications, and tell parents how far theirs are."""
    return _each(schools, applications_one)


def run_sync_district(
    schools: Sequence[str], progress: Progress = silent, *, full: bool = False
) -> list[SchoolBalance]:
    """Run the flow `sync-district` in this process and return the schools' balances in the order asked for."""
    balances: dict[str, SchoolBalance] = {}
    collecting, watching = collected.set(balances), watched.set(progress)
    try:
        sync_district(list(schools), full=full, return_state=True)
    finally:
        collected.reset(collecting)
        watched.reset(watching)
    return [balances[code] for code in schools if code in balances]
