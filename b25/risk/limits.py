"""Limits that must hold before an order leaves; the gate evaluates them in the same compiled code in every mode."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from b25.model.errors import Misuse
from b25.model.instrument import Instrument
from b25.model.world import LIMITS, NO_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
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
    """

    position_max: float | None = None
    order_value_max: float | None = None
    collar: float | None = None
    open_orders_max: int | None = None
    orders_per_s_max: int | None = None
    orders_burst_max: int | None = None

    def record(self, instrument: Instrument) -> np.ndarray[Any, Any]:
        """Return one LIMITS row in ticks, lots and money units. Raises Misuse for a limit that is not positive."""
        for name in self.__slots__:
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise Misuse(f"limit {name}={value!r}", remedy="give a positive number, or None for no limit")
        burst = self.orders_burst_max if self.orders_burst_max is not None else self.orders_per_s_max
        row = np.zeros(1, LIMITS)
        row["position_lots_max"] = _scaled(self.position_max, 1 / float(instrument.lot))
        row["order_value_max"] = _scaled(self.order_value_max, 1 / float(instrument.money_unit))
        row["collar_e6"] = _scaled(self.collar, 1e6)
        row["open_orders_max"] = _scaled(self.open_orders_max, 1)
        row["orders_per_s_max"] = _scaled(self.orders_per_s_max, 1)
        row["orders_burst_max"] = _scaled(burst, 1)
        row["value_bound"] = NO_LIMIT
        return row


def _scaled(value: float | None, scale: float) -> int:
    # The tiny addend forgives the float of a limit that is meant to be a whole number of units.
    return NO_LIMIT if value is None else int(value * scale + 1e-6)
