"""Measures sides by turns, so that whatever else the machine does falls on each alike; medians are what counts."""

from collections.abc import Callable, Mapping
from statistics import median

Figures = Mapping[str, float]


def by_turns(sides: Mapping[str, Callable[[], Figures]], times: int) -> dict[str, list[Figures]]:
    """Call each side `times` times, every other round in the opposite order; returns what each measured."""
    measured: dict[str, list[Figures]] = {name: [] for name in sides}
    for number in range(times):
        order = list(sides) if number % 2 == 0 else list(reversed(sides))
        for name in order:
            measured[name].append(sides[name]())
    return measured


def middle(rounds: list[Figures], name: str) -> float:
    """Return the median of one figure."""
    return median(one[name] for one in rounds)


def told(rounds: list[Figures], name: str, form: str = ",.0f") -> str:
    """Return a figure's median with its lowest and highest value."""
    values = [one[name] for one in rounds]
    return f"{median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def ratio(one: list[Figures], other: list[Figures], name: str, *, most: bool = False) -> str:
    """Return how the sides compare by their medians and by their best turns (`most`: the most is the best).

    On a machine that others use, the best turns are the least disturbed.
    """
    best = max if most else min
    by_best = best(turn[name] for turn in one) / best(turn[name] for turn in other)
    return f"{middle(one, name) / middle(other, name):.2f} by medians, {by_best:.2f} by best turns"
