"""How a step tells a waiting person how far it is; nothing personal, and nothing when nobody waits."""

from collections.abc import Callable

Progress = Callable[[str, str], None]
"""Called with a school's code and the name of the step that begins: recover, read, decide, send, done."""


def silent(school: str, step: str) -> None:
    """Tell nobody."""
