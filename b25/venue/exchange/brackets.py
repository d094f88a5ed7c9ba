"""Leverage brackets: how much leverage a notional allows, and how much margin it must keep."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from b25.venue.exchange.money import COINS, PPM


@dataclass(slots=True, frozen=True)
class Bracket:
    """One row. Notionals in 1e-8 of the quote asset, ratio in parts per million, ``cum`` in 1e-8."""

    bracket: int
    initial_leverage: int
    floor: int
    cap: int
    maintenance_ppm: int
    cum: int


def make_brackets(rows: Sequence[tuple[int, int, int]]) -> tuple[Bracket, ...]:
    """Brackets from (leverage, cap in whole quote units, maintenance ppm); floors and ``cum`` follow.

    ``cum`` makes the maintenance margin continuous: at each floor it grows by floor x (ratio - ratio before).
    """
    brackets: list[Bracket] = []
    floor = cum = before_ppm = 0
    for number, (leverage, cap, ppm) in enumerate(rows, 1):
        cum += floor * (ppm - before_ppm) // PPM
        brackets.append(Bracket(number, leverage, floor, cap * COINS, ppm, cum))
        floor, before_ppm = cap * COINS, ppm
    return tuple(brackets)


def bracket_of(brackets: Sequence[Bracket], notional: int) -> Bracket:
    """The row of a notional; the last one when it is beyond all."""
    for bracket in brackets:
        if notional <= bracket.cap:
            return bracket
    return brackets[-1]


def maintenance_margin(brackets: Sequence[Bracket], notional: int) -> int:
    """Margin that a position of this notional must keep, rounded up."""
    bracket = bracket_of(brackets, notional)
    return max(0, -(-notional * bracket.maintenance_ppm // PPM) - bracket.cum)


def max_notional(brackets: Sequence[Bracket], leverage: int) -> int:
    """Largest notional allowed at a leverage."""
    return max((bracket.cap for bracket in brackets if bracket.initial_leverage >= leverage), default=0)


def max_leverage(brackets: Sequence[Bracket]) -> int:
    """Highest leverage of a symbol."""
    return max(bracket.initial_leverage for bracket in brackets)


# Shaped like Binance's tables of 2026: (leverage, cap, maintenance ppm).
MAJOR: Final = make_brackets(
    [
        (125, 300_000, 4_000),
        (100, 800_000, 5_000),
        (75, 3_000_000, 6_500),
        (50, 12_000_000, 10_000),
        (25, 70_000_000, 20_000),
        (20, 100_000_000, 25_000),
        (10, 230_000_000, 50_000),
        (5, 480_000_000, 100_000),
        (4, 600_000_000, 125_000),
        (3, 800_000_000, 150_000),
        (2, 1_200_000_000, 250_000),
        (1, 1_800_000_000, 500_000),
    ]
)
MIDDLE: Final = make_brackets(
    [
        (75, 20_000, 5_000),
        (50, 100_000, 10_000),
        (40, 500_000, 15_000),
        (25, 1_000_000, 20_000),
        (20, 2_000_000, 25_000),
        (10, 6_000_000, 50_000),
        (5, 12_000_000, 100_000),
        (4, 20_000_000, 125_000),
        (2, 40_000_000, 250_000),
        (1, 60_000_000, 500_000),
    ]
)
