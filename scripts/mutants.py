"""Changes the modules on which everything hangs in every small way that cosmic-ray knows, and asks the tests each time.

Usage: mutants.py [MODULE...]. Prints how many mutants the tests of a module kill, and what each survivor changed;
fails where fewer than 95 of 100 are killed. Mutants are made in copies of the tree, two at a time. Each runs the tests
in a process forked from one that has imported everything but the project, for imports would take most of the time.
Annotations are left alone: a mutant of one says nothing, it can't even be imported.
"""

# ruff: noqa: INP001, T201  a program that prints, in no package

import ast
import difflib
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pandas as pd  # noqa: F401  imported before any process is forked
import pytest
import sqlalchemy as sa  # noqa: F401  likewise
from cosmic_ray.commands.init import _all_work_items as every_mutant
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from hypothesis import Phase, settings

ROOT = Path(__file__).parent.parent
TESTS = {
    "consent_registry/decision.py": [
        "tests/consent_registry/test_decision.py",
        "tests/consent_registry/test_values.py",
    ],
    "consent_registry/facts.py": ["tests/consent_registry/test_facts.py", "tests/consent_registry/test_values.py"],
}
LEAST_KILLED = 0.95
AT_ONCE = 2
SLOWEST = 60.0
"""Seconds after which the tests count as failed: a mutant may never end, or ask for more and more."""
MOST_MEMORY = 4 * 2**30
NOT_COPIED = (".git", ".venv", ".hypothesis", ".mypy_cache", ".ruff_cache", "__pycache__", "demo")


@dataclass(frozen=True)
class Mutant:
    """One change of one module."""

    module: str
    operator: str
    line: int
    code: str


def mutants(module: str) -> Iterator[Mutant]:
    """Make every mutant of a module, its annotations left alone."""
    source = (ROOT / module).read_text()
    spans = list(annotations(source))
    for item in every_mutant([ROOT / module], {}):
        (spec,) = item.mutations
        if not any(first <= spec.start_pos < last for first, last in spans):
            code = mutate_code(source, get_operator(spec.operator_name)(), spec.occurrence)
            yield Mutant(module, spec.operator_name, spec.start_pos[0], code)


def annotations(source: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Return from where to where each annotation of a module goes: lines from 1, columns from 0."""
    for node in ast.walk(ast.parse(source)):
        for name in ("annotation", "returns"):
            found = getattr(node, name, None)
            if isinstance(found, ast.expr):
                yield (found.lineno, found.col_offset), (found.end_lineno or 0, found.end_col_offset or 0)


def tests_pass(tree: Path, tests: list[str]) -> bool:
    """Run tests of a copy of the project in a process of their own."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(_run_tests(tree, tests))
        finally:  # nothing of the parent's may be tidied up from here
            os._exit(1)
    last = time.monotonic() + SLOWEST
    while time.monotonic() < last:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _run_tests(tree: Path, tests: list[str]) -> int:
    """Run tests and say nothing; 0 where all pass."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os.chdir(tree)
    sys.path[0] = str(tree)
    options = ["-x", "-q", "-c", "pyproject.toml", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    already_imported = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return int(pytest.main([*options, *already_imported, *tests]))


def survives(folder: Path, mutant: Mutant) -> bool:
    """Tell whether the tests notice nothing."""
    tree = folder / str(os.getpid())
    if not tree.exists():
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*NOT_COPIED))
    module = tree / mutant.module
    original = module.read_text()
    module.write_text(mutant.code)
    try:
        return tests_pass(tree, TESTS[mutant.module])
    finally:
        module.write_text(original)


def judged(module: str, folder: Path) -> bool:
    """Try all mutants of a module, and print; tells whether enough of them were killed."""
    source = (ROOT / module).read_text()
    all_of_them = list(mutants(module))
    if not survives(folder, Mutant(module, "none", 0, source)):
        print(f"{module}: its tests fail as it is")
        return False
    with get_context("fork").Pool(AT_ONCE) as pool:
        outcomes = pool.map(partial(survives, folder), all_of_them, chunksize=1)
    left = [mutant for mutant, survived in zip(all_of_them, outcomes, strict=True) if survived]
    killed = len(all_of_them) - len(left)
    for mutant in left:
        print(f"survives: {mutant.operator}, {module}:{mutant.line}")
        lines = difflib.unified_diff(source.splitlines(), mutant.code.splitlines(), lineterm="", n=0)
        print("\n".join(line for line in lines if line[:1] in "+-" and line[:3] not in {"+++", "---"}))
    print(
        f"{module}: {len(all_of_them)} mutants, {killed} killed ({killed / len(all_of_them):.1%}), {len(left)} survive"
    )
    return killed >= LEAST_KILLED * len(all_of_them)


def main(modules: list[str]) -> int:
    """Judge these modules, or all; 1 where one falls short."""
    settings.register_profile("mutants", phases=[Phase.explicit, Phase.generate])  # the first failure is enough
    settings.load_profile("mutants")
    sys.dont_write_bytecode = True
    with tempfile.TemporaryDirectory(prefix="dnevnik-mutants-") as folder:
        verdicts = [judged(module, Path(folder)) for module in modules or TESTS]
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
