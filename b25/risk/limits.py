"""Limits that must hold before an order leaves; the gate evaluates them in the same compiled code in every mode."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from b25.model.errors import Misuse
from b25.model.instrument import Instrument
from b25.model.risk import ANSWERS_MAX, RECENT
from b25.model.world import LIMITS, NO_LIMIT

S = 10**9
# The first limits are part of every result's name, set or not; a later one only where it is set.
ALWAYS_NAMED = ("position_max", "order_value_max", "collar", "open_orders_max", "orders_per_s_max", "orders_burst_max")
COUNTS = ("duplicates_max", "executions_max", "reject_window", "messages_per_s_max", "messages_burst_max")
BELOW_ONE = ("spread_max", "divergence_max", "slippage_max", "through_max", "drawdown_max", "reject_ratio_max")
# A limit of the account belongs to no symbol.
OF_ACCOUNT = (
    "orders_per_s_max", "orders_burst_max", "messages_per_s_max", "messages_burst_max", "duplicates_max", "duplicates_window_s",
    "executions_max", "turnover_max", "executions_window_s", "reject_ratio_max", "reject_window", "orders_per_fill_max",
    "gross_max", "net_max", "concentration_max", "leverage_max", "daily_loss_max", "drawdown_max",
)  # fmt: skip
NEEDS = {
    "adv_share_max": "adv",
    "adv": "adv_share_max",
    "duplicates_window_s": "duplicates_max",
    "reject_window": "reject_ratio_max",
    "messages_burst_max": "messages_per_s_max",
}
# What a limit may be at most for it to be one.
ABSURD = {
    "adv_share_max": 1.0,
    "data_age_max_s": 86_400.0,
    "clock_skew_max_s": 3_600.0,
    "reject_window": float(ANSWERS_MAX),
    "duplicates_max": RECENT - 1.0,
}
# (tighter, wider, how often the wider one): above it the first could never be the one that refuses.
ORDERED = (
    ("order_value_max", "gross_max", 2.0),
    ("order_qty_max", "position_max", 2.0),  # from one end to the other
    ("net_max", "gross_max", 1.0),
    ("concentration_max", "leverage_max", 1.0),
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Limits:
    """Conditions that must hold for every order that adds risk; None switches one off.

    Parameters
    ----------
    position_max : float, optional
        Base units (contracts for inverse): position and open orders together may not exceed it on either side.
    order_value_max : float, optional
        Settlement currency: the value of one order.
    collar : float, optional
        Ratio: how far a price may lie from the mid, e.g. 0.05.
    open_orders_max : int, optional
        Live orders of one instrument, in flight included.
    orders_per_s_max : int, optional
        New orders a second of event time, all instruments together; bursts up to `orders_burst_max`.
    orders_burst_max : int, optional
        Defaults to `orders_per_s_max`.
    order_qty_max : float, optional
        Base units (contracts for inverse): the quantity of one order.
    adv_share_max : float, optional
        Ratio: the share of an average day's volume that one order may ask for; needs `adv`.
    adv : float, optional
        Base units (contracts for inverse): what is traded on an average day. No limit in itself.
    spread_max : float, optional
        Ratio of the mid: how wide the market may be.
    divergence_max : float, optional
        Ratio of the mid: how far the last trade may lie from it.
    slippage_max : float, optional
        Ratio of the mid: what a market order may pay beyond it, by the book. What the book does not show is too much.
    through_max : float, optional
        Ratio of the opposite touch: how far a limit price may lie beyond it.
    data_age_max_s : float, optional
        Seconds since the last news of the order's instrument, and of every other that is held.
    clock_skew_max_s : float, optional
        Seconds between the venue's time of the last news and ours.
    no_self_cross : bool, optional
        True: no order may meet one of ours on the other side.
    duplicates_max : int, optional
        Equal orders (instrument, side, quantity, price) within `duplicates_window_s`, among the last 64 orders.
    duplicates_window_s : float, optional
        Defaults to 1 second.
    gross_max : float, optional
        Settlement currency: positions and open orders of all instruments at their worst.
    net_max : float, optional
        Settlement currency: the same, longs against shorts, on the order's side.
    concentration_max : float, optional
        Ratio of equity: what one instrument may come to.
    leverage_max : float, optional
        Ratio of equity: what all instruments may come to.
    daily_loss_max : float, optional
        Settlement currency: how far equity at the mids may fall below that of 00:00 UTC. Latched.
    drawdown_max : float, optional
        Ratio of the peak: how far equity at the mids may fall below it. Latched.
    executions_max : int, optional
        Executions within `executions_window_s`. Latched.
    turnover_max : float, optional
        Settlement currency: what is traded within `executions_window_s`. Latched.
    executions_window_s : float, optional
        Defaults to 600 seconds.
    reject_ratio_max : float, optional
        Share of the last `reject_window` new orders that the venue may reject. Latched.
    reject_window : int, optional
        Defaults to 20 orders.
    orders_per_fill_max : float, optional
        New orders and amends for each execution; before the first one, in all. Latched.
    messages_per_s_max : int, optional
        Requests of all kinds a second; cancels and exits use it up and are not held back. Bursts up to `messages_burst_max`.
    messages_burst_max : int, optional
        Defaults to `messages_per_s_max`.
    """

    position_max: float | None = None
    order_value_max: float | None = None
    collar: float | None = None
    open_orders_max: int | None = None
    orders_per_s_max: int | None = None
    orders_burst_max: int | None = None
    order_qty_max: float | None = None
    adv_share_max: float | None = None
    adv: float | None = None
    spread_max: float | None = None
    divergence_max: float | None = None
    slippage_max: float | None = None
    through_max: float | None = None
    data_age_max_s: float | None = None
    clock_skew_max_s: float | None = None
    no_self_cross: bool | None = None
    duplicates_max: int | None = None
    duplicates_window_s: float | None = None
    gross_max: float | None = None
    net_max: float | None = None
    concentration_max: float | None = None
    leverage_max: float | None = None
    daily_loss_max: float | None = None
    drawdown_max: float | None = None
    executions_max: int | None = None
    turnover_max: float | None = None
    executions_window_s: float | None = None
    reject_ratio_max: float | None = None
    reject_window: int | None = None
    orders_per_fill_max: float | None = None
    messages_per_s_max: int | None = None
    messages_burst_max: int | None = None

    def __repr__(self) -> str:
        shown = [f"{name}={v!r}" for name, v in self.items() if v is not None or name in ALWAYS_NAMED]
        return f"Limits({', '.join(shown)})"

    def items(self) -> list[tuple[str, Any]]:
        """Names and values of all limits."""
        return [(f.name, getattr(self, f.name)) for f in fields(self)]

    def check(self) -> None:
        """Raise Misuse, by name, for a limit that is no positive number, absurd, or stands the wrong way round to another."""
        for name, value in self.items():
            if value is None:
                continue
            if name == "no_self_cross":
                if value is not True:
                    raise Misuse(f"limit {name}={value!r}", remedy="give True, or None for no limit")
                continue
            if isinstance(value, bool) or not 0 < value < float("inf"):
                raise Misuse(f"limit {name}={value!r}", remedy="give a positive number, or None for no limit")
            if name in COUNTS and value != int(value):
                raise Misuse(f"limit {name}={value!r} is not a whole number", remedy="give a count")
            if name in BELOW_ONE and value >= 1:
                raise Misuse(f"limit {name}={value!r} can never be reached", remedy="give a ratio below 1, e.g. 0.05 for 5 %")
            if value > ABSURD.get(name, float("inf")):
                raise Misuse(f"limit {name}={value!r} is above {ABSURD[name]:g}", remedy="give a limit that can be reached")
            if (needed := NEEDS.get(name)) and getattr(self, needed) is None:
                raise Misuse(f"limit {name}={value!r} does nothing without {needed}", remedy=f"give {needed} as well")
        if self.executions_window_s is not None and self.executions_max is None and self.turnover_max is None:
            raise Misuse("limit executions_window_s does nothing alone", remedy="give executions_max or turnover_max as well")
        for tighter, wider, times in ORDERED:
            low, high = getattr(self, tighter), getattr(self, wider)
            if low is not None and high is not None and low > times * high:
                raise Misuse(
                    f"limits stand the wrong way round: {tighter}={low:g} could never refuse beside {wider}={high:g}",
                    remedy=f"lower {tighter}, or leave it out",
                )

    def record(self, instrument: Instrument) -> np.ndarray[Any, Any]:
        """Return one LIMITS row in ticks, lots and money units. Raises Misuse as `check` does."""
        self.check()
        burst = self.orders_burst_max if self.orders_burst_max is not None else self.orders_per_s_max
        row = np.zeros(1, LIMITS)
        for name in LIMITS.names or ():
            row[name] = NO_LIMIT
        lots = 1 / float(instrument.lot)
        row["position_lots_max"] = _scaled(self.position_max, lots)
        row["order_value_max"] = _scaled(self.order_value_max, 1 / float(instrument.money_unit))
        row["collar_e6"] = _scaled(self.collar, 1e6)
        row["open_orders_max"] = _scaled(self.open_orders_max, 1)
        row["orders_per_s_max"] = _scaled(self.orders_per_s_max, 1)
        row["orders_burst_max"] = _scaled(burst, 1)
        row["order_lots_max"] = _scaled(self.order_qty_max, lots)
        if self.adv_share_max is not None and self.adv is not None:
            row["adv_lots_max"] = _scaled(self.adv_share_max * self.adv, lots)
        row["no_self_cross"] = _scaled(self.no_self_cross, 1)
        row["data_age_ns_max"] = _scaled(self.data_age_max_s, S)
        row["clock_skew_ns_max"] = _scaled(self.clock_skew_max_s, S)
        if self.duplicates_max is not None:
            row["duplicates_max"], row["duplicates_window_ns"] = self.duplicates_max, _scaled(self.duplicates_window_s or 1, S)
        if self.executions_max is not None or self.turnover_max is not None:
            row["executions_max"] = _scaled(self.executions_max, 1)
            row["executions_window_ns"] = _scaled(self.executions_window_s or 600, S)
        if self.reject_ratio_max is not None:
            row["reject_window"] = self.reject_window or 20
        if self.messages_per_s_max is not None:
            row["messages_per_s_max"] = self.messages_per_s_max
            row["messages_burst_max"] = self.messages_burst_max or self.messages_per_s_max
        for name in FLOATS:
            row[name] = NO_LIMIT if (value := getattr(self, name)) is None else value
        return row


# Limits that a record holds as they are given.
FLOATS = (
    "spread_max", "divergence_max", "slippage_max", "through_max", "turnover_max", "reject_ratio_max", "orders_per_fill_max",
    "gross_max", "net_max", "concentration_max", "leverage_max", "daily_loss_max", "drawdown_max",
)  # fmt: skip
FIRST_LIMITS = (
    "position_lots_max", "order_value_max", "collar_e6", "open_orders_max", "orders_per_s_max", "orders_burst_max", "value_bound",
    "trading", "version", "hash",
)  # fmt: skip


def watches_account(limits: np.ndarray[Any, Any]) -> bool:
    """True when a limit is set that the gate must watch the account for, or know more of the market than its touch."""
    return any(bool((limits[name] != NO_LIMIT).any()) for name in LIMITS.names or () if name not in FIRST_LIMITS)


def _scaled(value: float | None, scale: float) -> int:
    # The tiny addend forgives the float of a limit that is meant to be a whole number of units.
    return NO_LIMIT if value is None else int(value * scale + 1e-6)
