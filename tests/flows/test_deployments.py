"""prefect.yaml names flows that exist, with schedules that come, in the schools' zone."""

from importlib import import_module
from pathlib import Path

import pytest
import yaml
from prefect import Flow

from settings.cron import schedule_problem

ROOT = Path(__file__).parents[2]
DEPLOYMENTS = {one["name"]: one for one in yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]}


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_deployment_names_a_flow_that_exists_and_a_schedule_that_comes(name: str) -> None:
    deployment = DEPLOYMENTS[name]
    file, _, function = deployment["entrypoint"].partition(":")
    assert (ROOT / file).is_file()
    flow = getattr(import_module(file.removesuffix(".py").replace("/", ".")), function)
    assert isinstance(flow, Flow)
    assert set(deployment.get("parameters", {})) <= set(flow.parameters.properties)
    assert flow.persist_result is False
    assert not flow.log_prints
    for schedule in deployment["schedules"]:
        assert schedule_problem(schedule["cron"]) is None
        assert schedule["timezone"] == "Europe/Moscow"


def test_the_jobs_of_the_house_are_all_scheduled() -> None:
    flows = {one["entrypoint"].partition(":")[2] for one in DEPLOYMENTS.values()}
    assert flows == {"sync_district", "sync_school", "sweep", "reconcile", "applications"}
