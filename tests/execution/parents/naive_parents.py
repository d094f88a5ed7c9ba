"""What parent orders are to do, in the dullest Python: exact fractions, lists, and no state that could be derived."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from math import floor


def slices_of(quantity: int, shares: list[Fraction], takes: list[Fraction], allowed: list[int] | None = None) -> list[int]:
    """Lots of each child of a schedule: what is due by the end of its slice and not filled; of each child, a share is filled.

    Parameters
    ----------
    quantity : int
    shares : list of Fraction
        What is due in each slice, as a share of the quantity.
    takes : list of Fraction
        Share of each child that is filled before the next slice.
    allowed : list of int, optional
        Lots that participation allows in each slice.
    """
    asked, filled = [], 0
    for k in range(len(shares)):
        due = floor(quantity * sum(shares[: k + 1])) if k + 1 < len(shares) else quantity
        lots = due - filled
        if allowed is not None:
            lots = min(lots, allowed[k])
        if lots <= 0:
            continue
        asked.append(lots)
        filled += floor(lots * takes[k])
    return asked


def tranches_of(quantity: int, display: int) -> list[int]:
    """Lots of each child of an iceberg whose children are filled one after the other."""
    whole, rest = divmod(quantity, display)
    return [display] * whole + ([rest] if rest else [])


def trailing_levels(side: int, prices: list[int], distance_bps: Decimal, step_bps: Decimal) -> list[int]:
    """Level of a trailing stop after each price, as far as it is placed: it moves by its step or more."""
    levels: list[int] = []
    best = placed = None
    for price in prices:
        best = price if best is None else (min if side > 0 else max)(best, price)
        distance = (best * distance_bps / 10_000).to_integral_value(ROUND_CEILING)
        level = int(best + side * distance)
        step = max(1, int((level * step_bps / 10_000).to_integral_value(ROUND_FLOOR)))
        if placed is None or (placed - level) * side >= step:
            placed = level
        levels.append(placed)
    return levels


class Lots:
    """What a parent's children filled and hold, added up anew from all that was said about each order."""

    def __init__(self) -> None:
        self.sent: dict[int, tuple[int, int, int]] = {}  # parent, role and lots of each child
        self.filled: dict[int, int] = {}
        self.over: set[int] = set()

    def of(self, parent: int, role: int) -> tuple[int, int]:
        """(filled, live) lots of a role."""
        mine = [k for k, (owner, part, _) in self.sent.items() if (owner, part) == (parent, role)]
        filled = sum(self.filled.get(k, 0) for k in mine)
        live = sum(self.sent[k][2] - self.filled.get(k, 0) for k in mine if k not in self.over)
        return filled, live
