"""Says things to the person or program at the other end: results on stdout, the rest on stderr.

Rules. One message is one line, never wrapped, whatever the width of the screen; only tables are drawn by rich.
A character that the screen can't show is written as its escape, never an error.
"""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from journal.wording import Language, Wording

TABLE_WIDTH = 120
"""Columns of a table where nobody looks at a screen."""


class Console:
    """One call's way of speaking; `language` becomes the installation's as soon as its file is read."""

    def __init__(self, language: Language = Language.RU) -> None:
        self.language = language
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")

    def result(self, text: str) -> None:
        """Write a line of the command's result, at once: whoever waits for a server's line reads a pipe."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def say(self, wording: Wording, **parameters: object) -> None:
        """Write a sentence of the command's result."""
        self.result(wording.say(self.language, **parameters))

    def note(self, text: str) -> None:
        """Write a line beside the result: what went wrong, what is under way."""
        sys.stdout.flush()
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def draw(self, renderable: object) -> None:
        """Draw a table on stdout, in colours where it is a terminal."""
        from rich.console import Console as RichConsole  # noqa: PLC0415  most commands draw nothing

        screen = RichConsole(file=sys.stdout, width=None if sys.stdout.isatty() else TABLE_WIDTH, highlight=False)
        screen.print(renderable)

    @contextmanager
    def waiting(self, wording: Wording, **parameters: object) -> Iterator["Waiting"]:
        """Show a bar on stderr while the body runs, where a person looks at it."""
        if not sys.stderr.isatty():
            yield Waiting()
            return
        from rich.console import Console as RichConsole  # noqa: PLC0415  likewise
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415  likewise

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[step]}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=RichConsole(file=sys.stderr), transient=True) as progress:
            title = wording.say(self.language, **parameters)
            task = progress.add_task(title, total=None, step="")

            class Shown(Waiting):
                def tell(self, step: str, done: int, total: int | None) -> None:
                    progress.update(task, completed=done, total=total, step=step)

            yield Shown()


class Waiting:
    """Takes word of progress and shows it to nobody."""

    def tell(self, step: str, done: int, total: int | None) -> None:
        """Say which step begins (or has begun), and how much of it is done."""
