"""Runs the Prefect flow of an installation in this process; one school's reading raises an error full of a name.

Usage: prefect_sync.py CONFIG FAILING_SCHOOL CANARY. Prints a line a school: code, sent, failure's code.
"""

import dataclasses
import os
import sys

CONFIG, FAILING, CANARY = sys.argv[1:]
os.environ["DNEVNIK_CONFIG"] = CONFIG

from flows import assembly, district  # noqa: E402  the environment first


def main() -> None:
    bridge = district.shared_bridge()

    def read(_window, _today, _before):
        row = {"LAST_NAME": CANARY}
        raise ValueError(f"cannot read the row {row}")

    schools = dict(bridge.schools)
    schools[FAILING] = dataclasses.replace(schools[FAILING], read_changes=read)
    broken = dataclasses.replace(bridge, schools=schools)
    district.shared_bridge = assembly.shared_bridge = lambda: broken
    for balance in district.run_sync_district(list(schools)):
        print(balance.school, balance.sent, balance.failure.code if balance.failure else "-")  # noqa: T201  the test reads it


main()
