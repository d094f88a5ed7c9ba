"""What a measurement says: one row of the table, its bar, and whether the bar is held."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table.

    `bar` and `aim` are in the unit of `value`; `least` says that more is better. A figure that is a yes or a no has
    value 1.0 or 0.0 and a bar of 1.0.
    """

    what: str
    value: float
    unit: str
    bar: float
    aim: float | None
    least: bool
    detail: str  # the two sides of a ratio, the spread, what was equal

    @property
    def holds(self) -> bool:
        """Whether the bar is held."""
        return self.value >= self.bar if self.least else self.value <= self.bar

    def row(self) -> str:
        """The figure as a line of a Markdown table."""
        sign = "≥" if self.least else "≤"
        if self.unit == "yes":
            bar, aim, value = "yes", "–", "yes" if self.value else "**no**"
        else:
            bar, aim = f"{sign} {amount(self.bar)} {self.unit}", f"{amount(self.aim)} {self.unit}" if self.aim else "–"
            value = f"{amount(self.value)} {self.unit}"
        return f"| {self.what} | {bar} | {aim} | {value if self.holds else f'**{value}**'} | {self.detail} |"


def amount(number: float | None) -> str:
    """Three figures, no exponent."""
    if number is None:
        return "–"
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def interleaved(contestants: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Take the contestants in turn, so that a slow minute of the machine meets all of them."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, once in contestants.items():
            taken[name].append(once())
    return taken


def spread(numbers: list[float]) -> str:
    """Median and range."""
    return f"{amount(statistics.median(numbers))} ({amount(min(numbers))}–{amount(max(numbers))})"
