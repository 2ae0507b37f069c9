"""The main job end to end: exactly the permitted records of a row-by-row oracle reach the portal, and none else."""

from collections import Counter
from datetime import UTC, datetime

from journey.portal_reading import expected, open_links, shown, shown_per_student, verdict
from worlds.real_world import RealWorld

from flows.steps import sync_school
from sandbox.registry import write_register


def test_exactly_the_permitted_records_reach_the_portal(make_world, tmp_path) -> None:
    world: RealWorld = make_world(students=60, weeks=8, seed=3)
    register = tmp_path / "register.csv"
    write_register(register, world.school_file(), code="0252", seed=5, today=datetime.now(UTC).date())
    assert world.run("registry", "import", str(register)).returncode == 0
    bridge = world.bridge()
    balance = sync_school(bridge, "0252")
    said = verdict(world, register)
    assert balance.failure is None
    assert shown(world) == expected(said)
    assert sum(shown(world).values()) == balance.sent > 500
    assert open_links(world) == Counter(link.account_id for link in said.open_links)
    by_student = Counter(key.student_id for key in said.permitted)
    assert shown_per_student(world) == sorted(by_student.values(), reverse=True)
    assert balance.read == len(said.fates)
    assert sum(balance.set_aside.values()) == said.count("set-aside")
    assert sum(balance.withheld.values()) == said.count("withheld")
    assert balance.balances
