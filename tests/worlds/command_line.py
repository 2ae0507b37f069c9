"""What one command line came to, for tests that run `dnevnik` in their own process."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Ended:
    """The exit status, and what was written on stdout and stderr."""

    status: int
    out: str
    err: str


Run = Callable[..., Ended]
