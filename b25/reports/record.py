"""Figures of a report as data: what trends, comparisons and alerts read, so that nobody parses the page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from b25.model.errors import Misuse

METRIC_MIME: Final = "application/vnd.b25.metric+json"
NAME_CHARACTERS_MAX: Final = 80
_taken: set[str] = set()


@dataclass(frozen=True, slots=True)
class Recorded:
    """One figure, or the reason why there is none.

    Attributes
    ----------
    name : str
    value : int, float, str, bool or None
        Money may be decimal text, which keeps its digits. None is n/a, with a `reason`.
    unit : str
    headline : bool
        Whether it belongs to the few that a list of runs shows.
    reason : str
        Why there is none.
    """

    name: str
    value: int | float | str | bool | None
    unit: str = ""
    headline: bool = False
    reason: str = ""

    @property
    def payload(self) -> dict[str, Any]:
        """What the message holds; the same figure gives the same bytes."""
        told: dict[str, Any] = {"name": self.name, "value": self.value, "unit": self.unit, "headline": self.headline}
        return told | {"reason": self.reason} if self.reason else told

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.name}: n/a ({self.reason})"
        return f"{self.name}: {self.value} {self.unit}".rstrip()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {METRIC_MIME: self.payload, "text/plain": str(self)}


def record(name: str, value: object, unit: str = "", headline: bool = False, *, reason: str = "") -> Recorded:
    """Show a figure so that whoever runs the notebook can read it as data.

    Parameters
    ----------
    name : str
        Of the figure, once in a run: ``net_profit``.
    value : int, float, Decimal, str, bool or None
        A Decimal is kept as text with all its digits; None needs a reason.
    unit : str
        ``USDT``, ``bps``, ``ms``, ``ratio``; empty for a count.
    headline : bool
        Whether lists of runs show it.
    reason : str
        Why there is no figure; only with None.

    Returns
    -------
    Recorded

    Raises
    ------
    Misuse
        For a NaN or an infinite value, None without a reason, a name that was recorded before or is not fit to be a name, or
        a value that is no figure.
    """
    made = Recorded(_name(name), _figure(name, value), unit, headline, reason)
    if (made.value is None) != bool(reason):
        what = "None without a reason" if made.value is None else f"the value {value} and the reason {reason!r}"
        raise Misuse(f"record({name!r}): {what}", remedy="give a figure, or None with reason='why there is none'")
    if name in _taken:
        raise Misuse(f"record({name!r}): recorded before in this run", remedy="give each figure a name of its own")
    _show(made)
    _taken.add(name)
    return made


def forget_recorded() -> None:
    """Begin a run anew in the same process, with no name taken."""
    _taken.clear()


def _name(name: str) -> str:
    if not isinstance(name, str) or not name.strip() or len(name) > NAME_CHARACTERS_MAX or not name.isprintable():
        raise Misuse(
            f"record({name!r}): no name for a figure", remedy=f"use 1 to {NAME_CHARACTERS_MAX} printable characters: net_profit"
        )
    return name


def _figure(name: str, value: object) -> int | float | str | bool | None:
    if hasattr(value, "item") and not isinstance(value, Decimal):
        value = value.item()  # a scalar of numpy, which JSON does not know
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise Misuse(f"record({name!r}): {value} is no figure", remedy="give None with reason='why there is none'")
        return f"{value:f}"
    if isinstance(value, float) and not math.isfinite(value):
        raise Misuse(f"record({name!r}): {value} is no figure", remedy="give None with reason='why there is none'")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise Misuse(
        f"record({name!r}): a {type(value).__name__} is no figure",
        remedy="give a number, a Decimal, a text, or None with a reason",
    )


def _show(made: Recorded) -> None:
    # In a kernel the message is what the runner collects; in a plain process there is nobody to show it to.
    from IPython.core.getipython import get_ipython

    if get_ipython() is not None:
        from IPython.display import display

        display(made)  # type: ignore[no-untyped-call]
