"""What one command line came to, for tests that run `dnevnik` in their own process."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest

import cli


@dataclass(frozen=True)
class Ended:
    """The exit status, and what was written on stdout and stderr."""

    status: int
    out: str
    err: str


Run = Callable[..., Ended]


def in_this_process(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs `dnevnik ARGUMENTS` in this process; what it leaves in the environment is forgotten."""

    def run_it(*arguments: object) -> Ended:
        capsys.readouterr()
        before = dict(os.environ)
        try:
            status = cli.run([str(argument) for argument in arguments])
        finally:
            os.environ.clear()
            os.environ.update(before)
        said = capsys.readouterr()
        return Ended(status, said.out, said.err)

    return run_it
